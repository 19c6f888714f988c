// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

// WordKind is the kind of a word: a result that a device itself reports.
type WordKind uint8

// Kinds of a word. The numbers are stored.
const (
	WordNone WordKind = iota
	WordSucceeded
	WordFailed
	WordConflict
	// WordNotApplicable: the policy does not apply to the device, and nothing that is known of the device explains it.
	WordNotApplicable
	// WordUnmet: the policy does not apply to the device, which misses a prerequisite.
	WordUnmet
	wordKinds
)

var wordNames = [wordKinds]string{"", "Succeeded", "Failed", "Conflict", "NotApplicable", "Unmet"}

// String returns the name, the empty one for [WordNone].
func (k WordKind) String() string {
	if k >= wordKinds {
		return "unknown"
	}
	return wordNames[k]
}
