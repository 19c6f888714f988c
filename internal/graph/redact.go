// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// hidden stands in for a secret.
const hidden = "[redacted]"

// secretShapes match secrets by how they look, wherever foreign text may carry them: tokens and assertions
// (JWT), form fields of a token request, bearer headers, signatures of SAS links.
var secretShapes = []*regexp.Regexp{
	regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}`),
	regexp.MustCompile(`(?i)\b((?:client_secret|client_assertion|access_token|refresh_token|password|sig)["']?\s*[=:]\s*["']?)[^\s"'&,;]+`),
	regexp.MustCompile(`(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`),
}

// redactText hides everything that looks like a secret.
func redactText(text string) string {
	for _, shape := range secretShapes {
		replacement := hidden
		if shape.NumSubexp() > 0 {
			replacement = "${1}" + hidden
		}
		text = shape.ReplaceAllString(text, replacement)
	}
	return text
}

// redact hides everything that looks like a secret, and the client's own secrets however they look.
func (c *Client) redact(text string) string {
	for _, secret := range c.secrets {
		if secret == "" {
			continue
		}
		text = strings.ReplaceAll(text, secret, hidden)
		if escaped := url.QueryEscape(secret); escaped != secret {
			text = strings.ReplaceAll(text, escaped, hidden)
		}
	}
	return cleanText(redactText(text), maxMessage)
}

// stripURL removes the URL that net/http wraps around a failed request.
func stripURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
