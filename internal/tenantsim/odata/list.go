// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import "strings"

// SplitList cuts a comma list at its top level: commas inside parentheses
// belong to an item.
func SplitList(text string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(text[start:i]))
				start = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(text[start:]))
}
