// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "regexp"

// goText is what no answer of a service written in another language can hold.
var goText = regexp.MustCompile(`json: |strconv\.|invalid character|unexpected end of JSON|cannot unmarshal|parsing time|parsing "|invalid URL escape|invalid semicolon|` +
	`net/url|gzip: |flate: |base64 data|illegal base64|unexpected EOF|regexp|runtime error|<nil>|%!|map\[|nil pointer|invalid syntax|value out of range|goroutine|\.go:\d`)
