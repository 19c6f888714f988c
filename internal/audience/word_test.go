// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import "testing"

// TestWordNames: each kind has a name of its own, and a number that is none says so.
func TestWordNames(t *testing.T) {
	seen := map[string]bool{}
	for k := WordNone; k < wordKinds; k++ {
		if name := k.String(); seen[name] || (name == "") != (k == WordNone) {
			t.Errorf("%d is %q", k, name)
		}
		seen[k.String()] = true
	}
	if got := wordKinds.String(); got != "unknown" {
		t.Errorf("a number that is no word: %q", got)
	}
}
