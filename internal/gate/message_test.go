// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "testing"

// A rounded number must not claim to be on the other side of its limit.
func TestFixedShowsTheSideOfTheLimit(t *testing.T) {
	for _, tc := range []struct {
		x, limit float64
		decimals int
		want     string
	}{
		{0.949474, 0.95, 4, "0.9495"},
		{0.94999, 0.95, 4, "0.94999"},
		{0.9499999, 0.95, 4, "0.9499999"},
		{0.950006, 0.95, 4, "0.9500"},
		{0.95, 0.95, 4, "0.9500"},
		{19.999, 20, 2, "19.999"},
		{20, 20, 2, "20.00"},
		{0.33333333, 0.33333334, 4, "0.3333"},
		{0.33333334, 0.33333334, 4, "0.33333334"},
	} {
		if got := fixed(tc.x, tc.limit, tc.decimals); got != tc.want {
			t.Errorf("fixed(%v, %v, %d) = %s, want %s", tc.x, tc.limit, tc.decimals, got, tc.want)
		}
	}
}

func TestEvidenceOfLargeValuesIsShort(t *testing.T) {
	if got := evidence(HaltEvidence(1000, 1000, 0.05), 20); got != "1.80e+308" {
		t.Errorf("got %s, want 1.80e+308", got)
	}
	if got := evidence(54.184, 20); got != "54.18" {
		t.Errorf("got %s, want 54.18", got)
	}
}
