// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"
	"time"
)

// Lag says how far reads are behind writes, and Intune behind the directory, in
// virtual time (contract g: a create may answer 404, an update may show old
// values; contract a.5 for Intune). All zero: everything is seen at once. Writes always
// meet the true state, but an object that is not readable yet cannot be
// addressed by its id either. Every field is a span such as "2h", or
// {min: 5m, max: 2h}.
type Lag struct {
	// Read delays what a request by id sees: creates, updates and deletes.
	Read LagRange `json:"read,omitzero"`
	// List delays what lists and their filters see. A List that differs from
	// Read makes list and get disagree.
	List LagRange `json:"list,omitzero"`
	// Members delays what lists of group members see.
	Members LagRange `json:"members,omitzero"`
	// Index delays $count and directory queries with ConsistencyLevel: eventual.
	Index LagRange `json:"index,omitzero"`
	// Replicas is how many replicas answer reads, 0 and 1 alike. Each request
	// meets one of them, and each is behind by a share of the lag of its own: new
	// state may be followed by old.
	Replicas int `json:"replicas,omitempty"`
	// Targeting delays what Intune knows of group memberships, each change by a
	// draw of its own; the changes of one group keep their order.
	Targeting LagRange `json:"targeting,omitzero"`
	// Assignments delays in the same way what the targeting engine knows of the
	// assignments of a policy or script.
	Assignments LagRange `json:"assignments,omitzero"`
	// AssignmentStatus delays what the assignment status report, and the counts
	// made of it, show of changes of assignments and memberships, after Intune
	// has heard of them; the changes of one policy keep their order.
	AssignmentStatus LagRange `json:"assignmentStatus,omitzero"`
	// Dynamic delays the evaluation of membership rules: after a group was made,
	// its rule changed, or facts of a user or device changed.
	Dynamic LagRange `json:"dynamic,omitzero"`
	// FilterRelease is how long an assignment filter still counts as used after
	// the last assignment dropped it (contract f).
	FilterRelease LagRange `json:"filterRelease,omitzero"`
}

// ranges names every span of the lag.
func (l *Lag) ranges() map[string]LagRange {
	return map[string]LagRange{"read": l.Read, "list": l.List, "members": l.Members, "index": l.Index, "targeting": l.Targeting,
		"assignments": l.Assignments, "assignmentStatus": l.AssignmentStatus, "dynamic": l.Dynamic, "filterRelease": l.FilterRelease}
}

func (l *Lag) validate() error {
	if l == nil {
		return nil
	}
	ranges := l.ranges()
	for _, name := range sortedKeys(ranges) {
		if r := ranges[name]; r.Max < r.Min {
			return fmt.Errorf("scenario: lag.%s.max %s is smaller than min %s", name, time.Duration(r.Max), time.Duration(r.Min))
		}
	}
	if l.Replicas < 0 || l.Replicas > 100 {
		return fmt.Errorf("scenario: lag.replicas is %d: write 0 to 100", l.Replicas)
	}
	return nil
}

// longest bounds how long old looks of objects are kept.
func (l *Lag) longest() time.Duration {
	return time.Duration(max(l.Read.Max, l.List.Max, l.Members.Max, l.Index.Max))
}

// lagOf draws how long one change takes.
func (s *Server) lagOf(choose func(*Lag) LagRange) time.Duration {
	if s.scenario.Lag == nil {
		return 0
	}
	r := choose(s.scenario.Lag)
	if r.Max == 0 {
		return 0
	}
	s.lagDraws++
	return r.at(uniform(mix(mix(s.options.Seed^hashText("lag of a change")) + s.lagDraws)))
}

// filterRelease is the longest time that a filter counts as used (contract f
// gives no number: the caller waits for all of it).
func (s *Server) filterRelease() time.Duration {
	if s.scenario.Lag == nil {
		return 0
	}
	return time.Duration(s.scenario.Lag.FilterRelease.Max)
}

// behind is how far the replica that this request meets is behind. One replica
// is as late as can be; of several the first is the freshest, and a span
// without a range begins at nothing.
func (c *call) behind(choose func(*Lag) LagRange) time.Duration {
	l := c.server.scenario.Lag
	if l == nil {
		return 0
	}
	r := choose(l)
	if l.Replicas < 2 {
		return time.Duration(r.Max)
	}
	if r.Min == r.Max {
		r.Min = 0
	}
	replica := int(uniform(mix(hashText(c.requestID))) * float64(l.Replicas))
	return r.at(float64(replica) / float64(l.Replicas-1))
}

// readAsOf is the moment whose state a request by id sees, listAsOf that of a
// list, membersAsOf that of a member list. Advanced queries read the index.
func (c *call) readAsOf() time.Time {
	return c.now.Add(-c.behind(func(l *Lag) LagRange { return l.Read }))
}

func (c *call) listAsOf() time.Time {
	return c.indexAsOf(c.behind(func(l *Lag) LagRange { return l.List }))
}

func (c *call) membersAsOf() time.Time {
	return c.indexAsOf(c.behind(func(l *Lag) LagRange { return l.Members }))
}

func (c *call) indexAsOf(lag time.Duration) time.Time {
	if c.eventual() {
		lag = max(lag, c.behind(func(l *Lag) LagRange { return l.Index }))
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

func (t *trail[T]) note(s *Server, item, was *T) { t.noteAt(s, item, was, s.clock.Now()) }

// noteAt is note for a change that happened at a moment.
func (t *trail[T]) noteAt(s *Server, item, was *T, now time.Time) {
	if s.scenario.Lag == nil {
		return
	}
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
