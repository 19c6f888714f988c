// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// stage is a test that notes what would fail it.
type stage struct {
	testing.TB
	failures []string
	cleanups []func()
	logs     []string
}

func (s *stage) Helper()      {}
func (s *stage) Failed() bool { return len(s.failures) > 0 }
func (s *stage) Errorf(f string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf(f, args...))
}
func (s *stage) Logf(f string, args ...any) { s.logs = append(s.logs, fmt.Sprintf(f, args...)) }
func (s *stage) Cleanup(f func())           { s.cleanups = append(s.cleanups, f) }

func (s *stage) end() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

// TestExpectBroken checks that only the failure that an entry tells is expected, and that its absence fails the test.
func TestExpectBroken(t *testing.T) {
	entry := Broken{Test: "TestX", Promise: "P2", Shows: "was exposed", Why: "exclusions come late"}
	for name, tc := range map[string]struct {
		body func(testing.TB)
		want string // in the failure; empty: the test passes
	}{
		"FailsAsTold":         {func(t testing.TB) { t.Errorf("device %d was exposed", 7) }, ""},
		"FatalAsTold":         {func(t testing.TB) { t.Fatalf("device %d was exposed", 7) }, ""},
		"InACleanUp":          {func(t testing.TB) { t.Cleanup(func() { t.Error("it was exposed") }) }, ""},
		"Passes":              {func(testing.TB) {}, "P2 holds now"},
		"FailsOtherwise":      {func(t testing.TB) { t.Fatal("no such group") }, "no such group"},
		"FailsInBothWays":     {func(t testing.TB) { t.Error("it was exposed"); t.Error("panic") }, "panic"},
		"SkipsItself":         {func(t testing.TB) { t.Skip("not today") }, "not today"},
		"FailsWithoutAWord":   {func(t testing.TB) { t.FailNow() }, "without a message"},
		"NothingAfterAFatal":  {func(t testing.TB) { end := t.Fatal; end("first"); t.Error("second") }, "first"},
		"FailedIsSeen":        {func(t testing.TB) { t.Error("it was exposed"); mustBe(t, t.Failed()) }, ""},
		"FailedBeforeAnybody": {func(t testing.TB) { mustBe(t, !t.Failed()) }, "P2 holds now"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stage{TB: t}
			expectBroken(s, entry, tc.body)
			s.end()
			got := strings.Join(s.failures, "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("failures %q, want %q in them", got, tc.want)
			}
		})
	}
}

func mustBe(t testing.TB, ok bool) {
	if !ok {
		t.Error("Failed says something else")
	}
}

// TestKnownBrokenIsWhole checks the entries of the list.
func TestKnownBrokenIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range KnownBroken() {
		if seen[b.Test] {
			t.Errorf("%s is in the list twice", b.Test)
		}
		seen[b.Test] = true
		if !regexp.MustCompile(`^P([1-9]|1[0-7])$`).MatchString(b.Promise) || len(b.Why) < 20 || len(b.Shows) < 4 {
			t.Errorf("%s: give the promise (P1 to P17), why it is broken, and the failure that shows it: %+v", b.Test, b)
		}
		if regexp.MustCompile(b.Shows).MatchString("") {
			t.Errorf("%s: %q matches every failure", b.Test, b.Shows)
		}
	}
}
