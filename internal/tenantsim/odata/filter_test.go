// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"strings"
	"testing"
)

func TestParseFilter(t *testing.T) {
	item := map[string]any{"name": "Anna's PC", "n": 5, "on": true, "at": "2026-06-01T08:00:00Z", "gone": nil, "platforms": "iOS,macOS", "a/b": "x"}
	get := func(path string) any { return item[path] }
	for text, want := range map[string]bool{
		"name eq 'Anna''s PC'":                           true,
		"name eq 'anna''s pc'":                           true,
		"name ne 'x'":                                    true,
		"n gt 4 and n le 5":                              true,
		"n lt 5 or on eq true":                           true,
		"not (n eq 5)":                                   false,
		"not(n eq 5) or (on eq false)":                   false,
		"gone eq null":                                   true,
		"name eq null":                                   false,
		"at ge 2026-06-01T07:59:59Z":                     true,
		"at lt 2026-06-01T08:00:00Z":                     false,
		"platforms has 'macOS'":                          true,
		"platforms has 'mac'":                            false,
		"contains(name,'NNA')":                           true,
		"startswith(name, 'an') and endswith(name,'pc')": true,
		"n in (1,5)":                                     true,
		"a/b eq 'x'":                                     true,
		"((PolicyBaseTypeName eq 'X') or (n eq 5)) and (n eq '5')": true,
		"n eq 1 or n eq 5 and on eq false":                         false,
	} {
		expr, err := ParseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := expr.Eval(get); got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{
		"", "name", "name eq", "name eq 'x", "name is 'x'", "(n eq 5", "n eq 5)", "n eq 5 and", "contains(name)", "contains(name,5)",
		"n in 5", "n in (5", "name eq x", "not", "n eq NaN", strings.Repeat("(", 100) + "n eq 5" + strings.Repeat(")", 100), "\xff eq 5",
	} {
		if expr, err := ParseFilter(text); err == nil {
			t.Errorf("%q was accepted as %s", text, expr)
		}
	}
}

// FuzzParseFilter: no input crashes, and what was parsed means the same when
// it is written out and parsed again.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"a eq 1", "not (a eq 'x''y') or b in (1,'2',null)", "contains(a/b,'c') and d ge 2026-01-01T00:00:00Z", "(((", "a eq -1.5e3", "a eq -.0", "a has 'b'"} {
		f.Add(seed)
	}
	item := func(path string) any { return map[string]any{"a": "x'y", "b": 2, "d": "2026-06-01T00:00:00Z"}[path] }
	f.Fuzz(func(t *testing.T, text string) {
		expr, err := ParseFilter(text)
		if err != nil {
			return
		}
		written := expr.String()
		if len(written) > maxFilterLength {
			return
		}
		again, err := ParseFilter(written)
		if err != nil {
			if strings.Contains(err.Error(), "nested too deeply") {
				return // each operator writes parentheses
			}
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		if again.String() != written || again.Eval(item) != expr.Eval(item) {
			t.Fatalf("%q became %q", written, again)
		}
	})
}
