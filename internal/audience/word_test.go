// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience_test

import (
	"testing"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// TestWordsMirrorOutcomes: every outcome of a device can be its last word, and comes back by the same name.
func TestWordsMirrorOutcomes(t *testing.T) {
	for _, kind := range []diagnosis.Kind{
		diagnosis.Pending, diagnosis.Exposed, diagnosis.Seen, diagnosis.Succeeded, diagnosis.Failed, diagnosis.Conflict,
		diagnosis.NotApplicable, diagnosis.Stale, diagnosis.Dark,
	} {
		if word, ok := audience.ParseWordKind(string(kind)); !ok || word.String() != string(kind) {
			t.Errorf("%s: %d, %t", kind, word, ok)
		}
	}
	for _, name := range []string{"", "failed", "Other"} {
		if word, ok := audience.ParseWordKind(name); ok || word != audience.WordNone {
			t.Errorf("%q is the word %s", name, word)
		}
	}
	if got := audience.WordKind(200).String(); got != "unknown" {
		t.Errorf("a number that is no word: %q", got)
	}
}
