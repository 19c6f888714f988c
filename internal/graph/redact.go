// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/base64"
	"errors"
	"html"
	"net/url"
	"regexp"
	"strconv"
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

// redact hides what is secret and makes the rest fit for a message.
func (c *Client) redact(text string) string { return cleanText(c.hide(text), maxMessage) }

// hide takes out everything that looks like a secret, and the client's own secrets however they look.
func (c *Client) hide(text string) string { return redactText(c.secrets.Replace(text)) }

// secretForms hides secrets in each form in which an answer or an error can repeat them: as they are, as part of a URL,
// of a form or of a web page, and as the base64 text of a basic login. JSON is decoded before.
func secretForms(secrets []string) *strings.Replacer {
	var pairs []string
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
			base64.StdEncoding.EncodeToString([]byte(secret))} {
			pairs = append(pairs, form, hidden)
		}
	}
	return strings.NewReplacer(pairs...)
}

// jsonEscape matches one escaped character of a JSON string.
var jsonEscape = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|["\\/])`)

// unescaped decodes the escapes in a text that looks like JSON and does not parse, JSON inside of JSON too: escaped, a
// secret would not be recognised.
func unescaped(text string) string {
	for range 3 {
		plain := jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
			if escape[1] != 'u' {
				return escape[1:]
			}
			n, err := strconv.ParseUint(escape[2:], 16, 16)
			if err != nil {
				return escape
			}
			return string(rune(n))
		})
		if plain == text {
			break
		}
		text = plain
	}
	return text
}

// stripURL removes the URL that net/http wraps around a failed request.
func stripURL(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
