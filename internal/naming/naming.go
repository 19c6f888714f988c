// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package naming makes what is derived from a user's names fit the limits of the tenant.
package naming

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

// The longest texts that the tenant takes, in bytes, which are never fewer than its characters.
const (
	// MaxGroupName is that of a group's displayName (contract g).
	MaxGroupName = 256
	// MaxGroupDescription is that of a group's description. ASSUMED: the contract's sources name none; the portal's is 1,024.
	MaxGroupDescription = 1024
	// MaxPolicyName is that of a settings catalog policy that is safe to send (contract a.1).
	MaxPolicyName = 200
)

// hashLength is the number of hexadecimal digits that tell shortened names apart.
const hashLength = 8

// Fit returns head and tail in at most limit bytes. A text that is too long loses the end of head, at the edge of a
// character, and has a hash of the whole head instead, so that two long names that begin alike stay apart. tail is kept
// whole; where it leaves no room for a head, it is shortened in the same way and head is dropped.
func Fit(head, tail string, limit int) string {
	if len(head)+len(tail) <= limit {
		return head + tail
	}
	mark := "~" + digest(head)
	room := limit - len(tail) - len(mark)
	if room < 0 {
		return cut(tail, limit-len(mark)) + ("~" + digest(head+tail))[:min(limit, len(mark))]
	}
	return cut(head, room) + mark + tail
}

// cut returns the longest beginning of text of at most n bytes that ends at the edge of a character.
func cut(text string, n int) string {
	n = max(0, min(n, len(text)))
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:hashLength]
}
