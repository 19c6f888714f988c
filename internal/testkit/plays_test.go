// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import "testing"

// TestPlays: "Allow" means any revision, and one revision means that one.
func TestPlays(t *testing.T) {
	for _, tt := range []struct {
		name, suffix string
		want         bool
	}{
		{"Tidegate ns/pkp Windows r12", "Allow", true}, {"Tidegate ns/pkp Windows r12", "Windows Allow", true}, {"Tidegate ns/pkp Windows r12", "MacOS Allow", false},
		{"Tidegate ns/pkp Windows r12", "r12", true}, {"Tidegate ns/pkp Windows r12", "r2", false}, {"Tidegate ns/pkp Windows r12", "Windows r12", true},
		{"Tidegate ns/pkp Windows Hold", "Allow", false}, {"Tidegate ns/pkp Windows Hold", "Hold", true}, {"Tidegate ns/pkp Windows Hold", "MacOS Hold", false},
	} {
		if got := plays(tt.name, tt.suffix); got != tt.want {
			t.Errorf("%q plays %q: %t", tt.name, tt.suffix, got)
		}
	}
}
