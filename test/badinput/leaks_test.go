// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
)

// leaks finds secrets in a text, whatever they are dressed as, and says where.
func leaks(name, text string, secrets []string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		shown := []string{line, plain(line), undumped(line)}
		for _, secret := range secrets {
			for _, dress := range dresses(secret) {
				if slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, dress) }) {
					out = append(out, fmt.Sprintf("%s shows %.4s… as %.4s… in: %.300s", name, secret, dress, line))
					break
				}
			}
		}
	}
	return out
}

// dresses are the forms in which a secret travels.
func dresses(secret string) []string {
	raw := []byte(secret)
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString(raw),
		base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
	}
}

// plain is a line of JSON with all escapes undone.
func plain(line string) string {
	var value any
	if json.Unmarshal([]byte(line), &value) != nil {
		return ""
	}
	return fmt.Sprint(value)
}

// dumped matches a row of a hex dump.
var dumped = regexp.MustCompile(`[0-9a-f]{8}  ((?:[0-9a-f]{2} {1,2}){1,16}) *\|`)

// undumped is what the hex dumps in a line show.
func undumped(line string) string {
	var out []byte
	for _, row := range dumped.FindAllStringSubmatch(line, -1) {
		data, err := hex.DecodeString(strings.ReplaceAll(row[1], " ", ""))
		if err == nil {
			out = append(out, data...)
		}
	}
	return string(out)
}

// TestLeaksAreFound plants a secret in every place and form that leaks has to see.
func TestLeaksAreFound(t *testing.T) {
	const secret = `a"secret+value/with&signs=`
	for name, plant := range map[string]func(logr.Logger){
		"message": func(l logr.Logger) { l.Info("signing in with " + secret) },
		"value":   func(l logr.Logger) { l.Info("signing in", "form", url.Values{"client_secret": {secret}}.Encode()) },
		"error":   func(l logr.Logger) { l.Error(fmt.Errorf("refused: %s", secret), "cannot sign in") },
		"nested": func(l logr.Logger) {
			l.Info("read", "secret", map[string]any{"data": map[string][]byte{"k": []byte(secret)}})
		},
		"dump": func(l logr.Logger) {
			l.V(8).Info("Response Body", "body", hex.Dump([]byte("k8s\x00 v1 Secret "+secret)))
		},
		"named": func(l logr.Logger) { l.WithValues("token", secret).V(3).Info("hello") },
	} {
		t.Run(name, func(t *testing.T) {
			var b logBuffer
			plant(everything(&b))
			if got := leaks("log", b.String(), []string{"another", secret}); len(got) != 1 {
				t.Errorf("found %q in %q, want one leak", got, b.String())
			}
			if got := leaks("log", b.String(), []string{"another secret"}); len(got) != 0 {
				t.Errorf("found %q, want none", got)
			}
		})
	}
}
