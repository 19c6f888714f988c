// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "strings"

// goTexts are what no answer of a service written in another language can hold:
// errors of Go's libraries, and what its formatting makes of odd values.
var goTexts = []string{"json: ", "strconv.", "invalid character", "unexpected end of JSON", "cannot unmarshal", "parsing time", "parsing \"", "invalid URL escape", "invalid semicolon",
	"net/url", "gzip: ", "flate: ", "illegal base64", "unexpected EOF", "regexp", "runtime error", "<nil>", "%!", "map[", "nil pointer", "invalid syntax", "value out of range", "goroutine", ".go:"}

// goText returns what an answer holds of it; empty: nothing.
func goText(answer string) string {
	for _, text := range goTexts {
		if strings.Contains(answer, text) {
			return text
		}
	}
	return ""
}
