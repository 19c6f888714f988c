// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package room

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// enter is Enter that must not wait.
func enter(t *testing.T, r *Room, who string, expected int64) *Share {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s, err := r.Enter(ctx, who, expected)
	if err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	return s
}

// later enters in the background and says when it is in.
func later(t *testing.T, r *Room, who string, expected int64) <-chan *Share {
	t.Helper()
	in := make(chan *Share, 1)
	before := waiters(r)
	go func() {
		if s, err := r.Enter(t.Context(), who, expected); err == nil {
			in <- s
		}
	}()
	for began := time.Now(); waiters(r) == before; time.Sleep(time.Millisecond) {
		if time.Since(began) > 5*time.Second {
			t.Fatalf("%s does not wait", who)
		}
	}
	return in
}

func waiters(r *Room) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// stays fails when somebody is in who should wait.
func stays(t *testing.T, in <-chan *Share, who string) {
	t.Helper()
	select {
	case <-in:
		t.Errorf("%s is in", who)
	default:
	}
}

// comes waits for somebody who is to be let in.
func comes(t *testing.T, in <-chan *Share, who string) *Share {
	t.Helper()
	select {
	case s := <-in:
		return s
	case <-time.After(5 * time.Second):
		t.Fatalf("%s is not let in", who)
		return nil
	}
}

const mib = 1 << 20

// TestLargeReadingsTakeTurns: two that do not fit together go one after the other, in order, and small ones pass by.
func TestLargeReadingsTakeTurns(t *testing.T) {
	r := New(100 * mib)
	first := enter(t, r, "first", 60*mib)
	second := later(t, r, "second", 60*mib)
	third := later(t, r, "third", 20*mib) // would fit, and must not overtake for ever
	small := enter(t, r, "small", Free)
	if err := small.Take(Free); err != nil {
		t.Errorf("a small one: %v", err)
	}
	stays(t, second, "the second")
	stays(t, third, "the third")
	first.Leave(true)
	comes(t, second, "the second").Leave(true)
	comes(t, third, "the third").Leave(true)
}

// TestWaitEndsWithItsCaller: whoever gives up leaves the queue, and nobody behind waits for them.
func TestWaitEndsWithItsCaller(t *testing.T) {
	r := New(100 * mib)
	first := enter(t, r, "first", 90*mib)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := r.Enter(ctx, "second", 90*mib); gone <- err }()
	for waiters(r) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up with %v", err)
	}
	enter(t, r, "third", 10*mib).Leave(true)
	first.Leave(true)
	if r.reserved != 0 || len(r.waiting) != 0 {
		t.Errorf("%d bytes reserved, %d waiting", r.reserved, len(r.waiting))
	}
}

// TestMoreThanExpected: what is needed beyond the reservation is given while it is free, and reserved the next time when it
// was not.
func TestMoreThanExpected(t *testing.T) {
	r := New(100 * mib)
	s := enter(t, r, "a", 0)
	if err := s.Take(60 * mib); err != nil {
		t.Errorf("an empty room: %v", err)
	}
	other := enter(t, r, "b", 0)
	err := other.Take(50 * mib)
	var full *TooMuchError
	if !errors.As(err, &full) || !full.Busy {
		t.Errorf("a room that is in use: %v", err)
	}
	other.Leave(false)
	again := later(t, r, "b", 0) // it is known by now what it needs
	stays(t, again, "b")
	s.Leave(true)
	if err := comes(t, again, "b").Take(50 * mib); err != nil {
		t.Error(err)
	}
}

// TestEndless: who takes without end is stopped at the size of the room, with words for a person.
func TestEndless(t *testing.T) {
	r := New(100 * mib)
	s := enter(t, r, "endless", 0)
	var err error
	taken := 0
	for ; err == nil; taken++ {
		err = s.Take(mib)
	}
	var full *TooMuchError
	if !errors.As(err, &full) || full.Busy || taken != 101 || full.Capacity != 100*mib {
		t.Errorf("stopped after %d MiB with %v", taken, err)
	}
}

// TestFailedOnesComeLast: whoever failed waits for all others, and half of the room stays free of them.
func TestFailedOnesComeLast(t *testing.T) {
	r := New(100 * mib)
	for i := range 4 {
		enter(t, r, fmt.Sprint("broken ", i), 80*mib).Leave(false)
	}
	slow := enter(t, r, "broken 0", 80*mib) // gets 50
	next := later(t, r, "broken 1", 80*mib)
	honest := enter(t, r, "honest", 50*mib)
	stays(t, next, "the next broken one")
	other := later(t, r, "other", 50*mib)
	slow.Leave(false)
	o := comes(t, other, "the other") // before the one that came earlier and is broken
	stays(t, next, "the next broken one")
	honest.Leave(true)
	comes(t, next, "the next broken one").Leave(true)
	o.Leave(true)
	if enter(t, r, "broken 1", 80*mib).limit.Load() != 80*mib {
		t.Error("one that succeeded is still taken for broken")
	}
}

// TestResidents: what stays in memory counts, and never keeps out the reading that would replace it.
func TestResidents(t *testing.T) {
	r := New(100 * mib)
	r.Keep("a", 70*mib)
	s := enter(t, r, "a", 60*mib) // alone
	waits := later(t, r, "b", 20*mib)
	stays(t, waits, "b")
	r.Keep("a", 10*mib)
	comes(t, waits, "b")
	s.Leave(true)
	r.Keep("a", 0)
	if r.resident != 0 || len(r.residents) != 0 {
		t.Errorf("%d bytes resident", r.resident)
	}
}

// TestCrowd: many readings of all sizes at once never have more than the room together, and all of them end.
func TestCrowd(t *testing.T) {
	r := New(64 * mib)
	var now, peak atomic.Int64
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			want := int64(1+i%40) * mib
			s, err := r.Enter(t.Context(), fmt.Sprint(i%50), want)
			if err != nil {
				t.Error(err)
				return
			}
			if want > Free {
				peak.Store(max(peak.Load(), now.Add(want)))
				time.Sleep(time.Millisecond)
				now.Add(-want)
			}
			s.Leave(i%7 != 0)
		})
	}
	all.Wait()
	if peak.Load() > 64*mib || r.reserved != 0 || r.byFailed != 0 {
		t.Errorf("%d MiB at once, %d bytes reserved, %d by failed ones", peak.Load()>>20, r.reserved, r.byFailed)
	}
}
