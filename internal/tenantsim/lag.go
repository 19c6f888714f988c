// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"time"
)

// Lag says how far reads are behind writes, in virtual time (contract g: a
// create may answer 404, an update may show old values; a.5 for Intune). All
// zero: reads see every write at once. Writes always meet the true state, but
// an object that is not readable yet cannot be addressed by its id either.
type Lag struct {
	// Read delays what a request by id sees: creates, updates and deletes.
	Read Duration `json:"read,omitempty"`
	// List delays what lists and their filters see. A List that differs from
	// Read makes list and get disagree.
	List Duration `json:"list,omitempty"`
	// Members delays what lists of group members see.
	Members Duration `json:"members,omitempty"`
	// Index delays $count and directory queries with ConsistencyLevel: eventual.
	Index Duration `json:"index,omitempty"`
	// Targeting delays what Intune knows of group memberships.
	Targeting Duration `json:"targeting,omitempty"`
	// FilterRelease is how long an assignment filter still counts as used after
	// the last assignment dropped it (contract f).
	FilterRelease Duration `json:"filterRelease,omitempty"`
}

// longest bounds how long old looks of objects are kept.
func (l *Lag) longest() time.Duration {
	return time.Duration(max(l.Read, l.List, l.Members, l.Index))
}

func (sc *Scenario) lagOf(choose func(*Lag) Duration) time.Duration {
	if sc.Lag == nil {
		return 0
	}
	return time.Duration(choose(sc.Lag))
}

// readAsOf is the moment whose state a request by id sees, listAsOf that of a
// list, membersAsOf that of a member list, indexAsOf that of the search index.
func (c *call) readAsOf() time.Time {
	return c.now.Add(-c.server.scenario.lagOf(func(l *Lag) Duration { return l.Read }))
}

func (c *call) listAsOf() time.Time {
	lag := c.server.scenario.lagOf(func(l *Lag) Duration { return l.List })
	if c.eventual() {
		lag = max(lag, c.server.scenario.lagOf(func(l *Lag) Duration { return l.Index }))
	}
	return c.now.Add(-lag)
}

func (c *call) membersAsOf() time.Time {
	lag := c.server.scenario.lagOf(func(l *Lag) Duration { return l.Members })
	if c.eventual() {
		lag = max(lag, c.server.scenario.lagOf(func(l *Lag) Duration { return l.Index }))
	}
	return c.now.Add(-lag)
}

// look is how an object looked until a moment; was nil: it did not exist.
type look[T any] struct {
	until time.Time
	was   *T
}

// trail remembers how objects of one kind looked. The zero value is ready.
type trail[T any] struct {
	past map[*T][]look[T]
	gone []*T // removed objects that some read may still show
}

// created, changing and removed note a change that happens now. They must be
// called before an object is changed or removed, and do nothing without lag.
func (t *trail[T]) created(s *Server, item *T) { t.note(s, item, nil) }

func (t *trail[T]) changing(s *Server, item *T) {
	was := *item
	t.note(s, item, &was)
}

func (t *trail[T]) removed(s *Server, item *T) {
	t.changing(s, item)
	if s.scenario.Lag != nil {
		t.gone = append(t.gone, item)
	}
}

func (t *trail[T]) note(s *Server, item, was *T) {
	if s.scenario.Lag == nil {
		return
	}
	now := s.now()
	t.prune(now.Add(-s.scenario.Lag.longest()))
	if t.past == nil {
		t.past = map[*T][]look[T]{}
	}
	t.past[item] = append(t.past[item], look[T]{until: now, was: was})
}

// prune forgets what no read can show any more.
func (t *trail[T]) prune(before time.Time) {
	for item, looks := range t.past {
		kept := slices.DeleteFunc(looks, func(l look[T]) bool { return !l.until.After(before) })
		if len(kept) > 0 {
			t.past[item] = kept
			continue
		}
		delete(t.past, item)
		t.gone = slices.DeleteFunc(t.gone, func(g *T) bool { return g == item })
	}
}

// at returns how the object looked at the moment, or nil if it was not there.
// The result must not be changed.
func (t *trail[T]) at(item *T, asOf time.Time) *T {
	for _, l := range t.past[item] {
		if l.until.After(asOf) {
			return l.was
		}
	}
	if slices.Contains(t.gone, item) {
		return nil
	}
	return item
}

// withGone merges removed objects into a list that is ordered by sequence.
func (t *trail[T]) withGone(live []*T, sequence func(*T) uint64) []*T {
	if len(t.gone) == 0 {
		return live
	}
	all := append(slices.Clone(live), t.gone...)
	slices.SortFunc(all, func(a, b *T) int { return int(int64(sequence(a)) - int64(sequence(b))) })
	return all
}
