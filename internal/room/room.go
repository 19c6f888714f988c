// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package room shares the memory of one process among what reads from tenants, so that neither a large tenant nor a host
// that sends without end takes the process down, and with it all other tenants.
//
// What is small passes by. What is larger reserves what it is expected to need, and waits until there is as much: the large
// readings go one after the other, however many tenants there are. One that needs more than was expected gets it while it is
// free, else it fails, and reserves as much the next time. One that failed comes after all others, and those that failed
// never have more than half of the room together: a host that is slow or broken keeps no other tenant waiting for long.
package room

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Free is what everybody may take without a reservation, in bytes. It is far above what a few thousand devices need.
const Free = 8 << 20

// Room is an amount of memory. It is safe for concurrent use.
type Room struct {
	capacity int64

	mu        sync.Mutex
	reserved  int64
	byFailed  int64 // the part of reserved whose holders failed before
	residents map[string]int64
	resident  int64
	needs     map[string]need
	waiting   []*waiter // those that did not fail before come first
}

// need is what is remembered of somebody who took more than Free, or failed.
type need struct {
	bytes  int64
	failed bool
}

// waiter is a share that waits for its reservation.
type waiter struct {
	share   *Share
	granted chan struct{}
}

// New returns a room of so many bytes, at least 1.
func New(capacity int64) *Room {
	return &Room{capacity: max(1, capacity), residents: map[string]int64{}, needs: map[string]need{}}
}

// Capacity is the size of the room in bytes.
func (r *Room) Capacity() int64 { return r.capacity }

// Share is the part of a room that one reading has. Take is safe for concurrent use.
type Share struct {
	room   *Room
	who    string
	failed bool // the last time

	used  atomic.Int64
	limit atomic.Int64 // Free, or what is reserved
}

// Enter reserves what a reading is expected to need, in bytes, and waits for it until ctx ends. who names the reading across
// repetitions. The share must be left.
func (r *Room) Enter(ctx context.Context, who string, expected int64) (*Share, error) {
	s := &Share{room: r, who: who}
	s.limit.Store(Free)
	r.mu.Lock()
	before := r.needs[who]
	s.failed = before.failed
	want := min(max(expected, before.bytes), r.most(s.failed))
	if want <= Free {
		r.mu.Unlock()
		return s, nil
	}
	s.limit.Store(want)
	w := &waiter{share: s, granted: make(chan struct{})}
	r.enqueue(w)
	r.grant()
	r.mu.Unlock()
	select {
	case <-w.granted:
		return s, nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, w); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
	} else { // granted in the same moment
		r.release(s)
	}
	r.grant()
	return nil, fmt.Errorf("wait for memory that other readings use: %w", ctx.Err())
}

// most is what one share may have.
func (r *Room) most(failed bool) int64 {
	if failed {
		return max(Free, r.capacity/2)
	}
	return max(Free, r.capacity)
}

// enqueue puts a waiter behind those that go before it.
func (r *Room) enqueue(w *waiter) {
	at := len(r.waiting)
	if !w.share.failed {
		at = slices.IndexFunc(r.waiting, func(o *waiter) bool { return o.share.failed })
		if at < 0 {
			at = len(r.waiting)
		}
	}
	r.waiting = slices.Insert(r.waiting, at, w)
}

// grant lets in whom there is room for, in order: nobody is overtaken by a smaller one.
func (r *Room) grant() {
	for len(r.waiting) > 0 {
		s := r.waiting[0].share
		if !r.fits(s, s.limit.Load()) {
			return
		}
		r.reserve(s, s.limit.Load())
		close(r.waiting[0].granted)
		r.waiting = r.waiting[1:]
	}
}

// fits says whether a share may have so many bytes more. What is resident never keeps out a reading that would be alone: it
// is needed to replace them.
func (r *Room) fits(s *Share, bytes int64) bool {
	if s.failed && r.byFailed+bytes > r.most(true) {
		return false
	}
	return r.reserved == 0 || r.resident+r.reserved+bytes <= r.capacity
}

func (r *Room) reserve(s *Share, bytes int64) {
	r.reserved += bytes
	if s.failed {
		r.byFailed += bytes
	}
}

// release gives back what a share has reserved.
func (r *Room) release(s *Share) {
	if held := s.limit.Load(); held > Free {
		r.reserve(s, -held)
	}
	s.limit.Store(Free)
}

// TooMuchError says that somebody needs more than there is.
type TooMuchError struct {
	// Bytes is what is needed at least, Capacity what there is for one.
	Bytes, Capacity int64
	// Busy says that others have it at the moment.
	Busy bool
}

// Error implements error.
func (e *TooMuchError) Error() string {
	if e.Busy {
		return fmt.Sprintf("more than %d MiB of memory are needed, and other readings use the rest: this one comes again later", e.Bytes>>20)
	}
	return fmt.Sprintf("more memory is needed than the %d MiB that one reading may use in this process: raise the memory limit of the manager", e.Capacity>>20)
}

// Take notes that so many bytes more are kept. It fails with a *TooMuchError when there is no room for them.
func (s *Share) Take(bytes int64) error {
	used := s.used.Add(bytes)
	if used <= s.limit.Load() {
		return nil
	}
	return s.room.extend(s, used)
}

// extend enlarges a reservation by half at least, so that this is seldom asked for.
func (r *Room) extend(s *Share, used int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := s.limit.Load()
	if used <= held {
		return nil
	}
	most := r.most(s.failed)
	if used > most {
		return &TooMuchError{Bytes: used, Capacity: most}
	}
	next := min(max(used, held+held/2), most)
	add := next
	if held > Free {
		add -= held
	}
	if len(r.waiting) > 0 && !r.waiting[0].share.failed || !r.fits(s, add) {
		return &TooMuchError{Bytes: used, Capacity: most, Busy: true}
	}
	r.reserve(s, add)
	s.limit.Store(next)
	return nil
}

// Leave gives the share back, and says whether the reading succeeded.
func (s *Share) Leave(ok bool) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	used := s.used.Load()
	r.release(s)
	switch {
	case !ok:
		r.needs[s.who] = need{bytes: max(used, r.needs[s.who].bytes), failed: true}
	case used > Free:
		r.needs[s.who] = need{bytes: used}
	default:
		delete(r.needs, s.who)
	}
	r.grant()
}

// Keep says how much memory somebody has for good, in place of what was said before; 0 for nothing more.
func (r *Room) Keep(who string, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resident += bytes - r.residents[who]
	r.residents[who] = bytes
	if bytes == 0 {
		delete(r.residents, who)
		delete(r.needs, who)
	}
	r.grant()
}
