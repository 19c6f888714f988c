// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"strings"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"145", "145.0.0.0", 0},
		{"13", "13.0", 0},
		{"99", "145", -1},
		{"145.0.3800.58", "145.0.3800.7", 1},
		{"10.0.22621", "10.0.22621.1", -1},
		{"007", "7", 0},
		{"18446744073709551615", "1", 1},
	}
	for _, tt := range tests {
		for _, swap := range []bool{false, true} {
			a, b, want := tt.a, tt.b, tt.want
			if swap {
				a, b, want = b, a, -want
			}
			if got, err := CompareVersions(a, b); err != nil || got != want {
				t.Errorf("CompareVersions(%q, %q) = %d, %v, want %d", a, b, got, err, want)
			}
		}
	}
}

func TestParseVersionRefusesGarbage(t *testing.T) {
	for _, s := range []string{
		"", ".", "1.", ".1", "1..2", "v1", "1.2-beta", "-1", "+1", " 1", "1 ", "1,2", "latest", "1_0", "0x1", "１",
		"18446744073709551616", "13.4.1 (22F82)", strings.Repeat("1.", 8) + "1",
	} {
		if v, err := ParseVersion(s); err == nil {
			t.Errorf("ParseVersion(%q) = %v, want an error", s, v)
		} else if !strings.Contains(err.Error(), s) {
			t.Errorf("error of %q does not name it: %v", s, err)
		}
		if _, err := CompareVersions(s, "1"); err == nil {
			t.Errorf("CompareVersions(%q, 1) has no error", s)
		}
		if _, err := CompareVersions("1", s); err == nil {
			t.Errorf("CompareVersions(1, %q) has no error", s)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"", "1", "145.0.3800.58", "1..2", "00.1", "18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVersion(s)
		if err != nil {
			return
		}
		again, err := ParseVersion(v.String())
		if err != nil || again.Compare(v) != 0 {
			t.Errorf("%q reads back from %q as %v, %v", s, v, again, err)
		}
		if v.Compare(append(v, 0)) != 0 || v.Compare(append(v, 1)) != -1 {
			t.Errorf("%q: a missing part is not 0", s)
		}
	})
}
