// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFitKeepsWhatFits(t *testing.T) {
	for _, c := range []struct{ head, tail string }{{"", ""}, {"Tidegate wave edge/pilot", ""}, {"Tidegate edge/pkp", " Windows Hold"}, {strings.Repeat("a", 90), strings.Repeat("b", 10)}} {
		if got := Fit(c.head, c.tail, 100); got != c.head+c.tail {
			t.Errorf("%q", got)
		}
	}
}

// TestFitTellsLongNamesApart: within the limit, whole characters, the tail in place, and no two alike.
func TestFitTellsLongNamesApart(t *testing.T) {
	const tail = " attempt 12"
	long := strings.Repeat("é", 120)
	for _, limit := range []int{40, 41, 100, 199, 200} {
		seen := map[string]string{}
		for _, head := range []string{long + "a", long + "b", long, strings.Repeat("w", 253), strings.Repeat("w", 252) + "x"} {
			got := Fit(head, tail, limit)
			if len(got) > limit || len(got) < limit-1 || !utf8.ValidString(got) || !strings.HasSuffix(got, tail) {
				t.Errorf("limit %d: %q has %d bytes", limit, got, len(got))
			}
			if other, twice := seen[got]; twice {
				t.Errorf("%q stands for %q and %q", got, head, other)
			}
			seen[got] = head
			if Fit(head, tail, limit) != got {
				t.Error("not the same twice")
			}
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("Tidegate wave a/b", " attempt 1", 20)
	f.Add("ééé", "ßß", 4)
	f.Fuzz(func(t *testing.T, head, tail string, limit int) {
		limit &= 0x1ff
		got := Fit(head, tail, limit)
		if len(got) > limit {
			t.Errorf("%d bytes, at most %d", len(got), limit)
		}
		if utf8.ValidString(head) && utf8.ValidString(tail) && !utf8.ValidString(got) {
			t.Errorf("%q is no text", got)
		}
	})
}
