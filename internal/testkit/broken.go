// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Broken is a promise that the product does not keep in a tenant as unkind as the service. Its test stays, and is expected
// to fail: it is the measure of the work that mends it.
type Broken struct {
	// Test is the whole name of the test.
	Test string
	// Promise is the number of the promise that the test shows broken, such as P13.
	Promise string
	// Shows matches the failure by which it shows. Any other failure of the test is a failure.
	Shows string
	// Why says what happens instead.
	Why string
}

// KnownBroken is the list that the work on the core empties.
func KnownBroken() []Broken { return slices.Clone(knownBroken) }

// ExpectBroken runs the body of a test that is in KnownBroken. The test passes as long as the body fails in the way that
// its entry tells, and fails once it does not: then the entry goes, and the body becomes the test.
func ExpectBroken(t *testing.T, body func(t testing.TB)) {
	t.Helper()
	at := slices.IndexFunc(knownBroken, func(b Broken) bool { return b.Test == t.Name() })
	if at < 0 {
		t.Fatalf("%s is not in the list of broken promises: add it, or run its body as it is", t.Name())
	}
	expectBroken(t, knownBroken[at], body)
}

func expectBroken(t testing.TB, entry Broken, body func(t testing.TB)) {
	t.Helper()
	trial := &trial{TB: t, shows: regexp.MustCompile(entry.Shows)}
	// Clean-ups run last first: this one sees what all others have found.
	t.Cleanup(func() {
		if shown := trial.verdict(); shown != "" {
			t.Logf("%s is broken, as expected: %s: %s", entry.Promise, entry.Why, shown)
			return
		}
		if !t.Failed() {
			t.Errorf("%s holds now: take %s off the list of broken promises and run its body as it is", entry.Promise, entry.Test)
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(trial)
	}()
	<-done
}

// trial is a test whose failures are weighed: those that the entry tells are kept, all others fail the test.
type trial struct {
	testing.TB
	shows *regexp.Regexp

	mu     sync.Mutex
	failed bool
	shown  string
}

func (tr *trial) verdict() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.shown
}

func (tr *trial) weigh(message string) {
	tr.TB.Helper()
	tr.mu.Lock()
	tr.failed = true
	known := tr.shows.MatchString(message)
	if known && tr.shown == "" {
		tr.shown = message
	}
	tr.mu.Unlock()
	if !known {
		tr.TB.Errorf("%s", message)
	}
}

// Error and its like weigh the failure.
func (tr *trial) Error(args ...any) {
	tr.TB.Helper()
	tr.weigh(fmt.Sprintln(args...))
}

// Errorf weighs the failure.
func (tr *trial) Errorf(format string, args ...any) {
	tr.TB.Helper()
	tr.weigh(fmt.Sprintf(format, args...))
}

// Fatal weighs the failure and ends the body.
func (tr *trial) Fatal(args ...any) {
	tr.TB.Helper()
	tr.weigh(fmt.Sprintln(args...))
	runtime.Goexit()
}

// Fatalf weighs the failure and ends the body.
func (tr *trial) Fatalf(format string, args ...any) {
	tr.TB.Helper()
	tr.weigh(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// Fail weighs a failure without a word, which no entry can tell.
func (tr *trial) Fail() {
	tr.TB.Helper()
	tr.weigh("failed without a message")
}

// FailNow is Fail and ends the body.
func (tr *trial) FailNow() {
	tr.TB.Helper()
	tr.Fail()
	runtime.Goexit()
}

// Failed says whether the body has failed in any way.
func (tr *trial) Failed() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.failed || tr.TB.Failed()
}

// Skip, Skipf and SkipNow are failures: a test that is skipped shows nothing.
func (tr *trial) Skip(args ...any) { tr.TB.Helper(); tr.Fatal(args...) }

// Skipf is a failure, see Skip.
func (tr *trial) Skipf(format string, args ...any) { tr.TB.Helper(); tr.Fatalf(format, args...) }

// SkipNow is a failure, see Skip.
func (tr *trial) SkipNow() { tr.TB.Helper(); tr.FailNow() }
