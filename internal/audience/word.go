// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import "slices"

// WordKind is the kind of a last word. It mirrors diagnosis.Kind, by the same names.
type WordKind uint8

// Kinds of a last word. The numbers are stored.
const (
	WordNone WordKind = iota
	WordPending
	WordExposed
	WordSeen
	WordSucceeded
	WordFailed
	WordConflict
	WordNotApplicable
	WordStale
	WordDark
	wordKinds
)

var wordNames = [wordKinds]string{"", "Pending", "Exposed", "Seen", "Succeeded", "Failed", "Conflict", "NotApplicable", "Stale", "Dark"}

// ParseWordKind returns the kind of a name; ok is false for one that is not known, such as the empty name.
func ParseWordKind(name string) (kind WordKind, ok bool) {
	i := slices.Index(wordNames[:], name)
	if i < 1 {
		return WordNone, false
	}
	return WordKind(i), true
}

// String returns the name, the empty one for [WordNone].
func (k WordKind) String() string {
	if k >= wordKinds {
		return "unknown"
	}
	return wordNames[k]
}
