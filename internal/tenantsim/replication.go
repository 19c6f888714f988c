// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// membership is who is in a group: users and devices by directory index, and
// nested groups. A deleted group has nobody.
type membership struct {
	direct ids.Bitset
	nested []*group
}

func (g *group) membership() membership {
	if !g.deleted.IsZero() {
		return membership{}
	}
	return membership{slices.Clone(g.direct), slices.Clone(g.nested)}
}

// arrival is a change on its way: of members or assignments to Intune's
// targeting engine, or the evaluation of a membership rule.
type arrival struct {
	at  time.Time
	run func(at time.Time)
}

// arrivals are the changes of one object on their way: how many, and when the
// last one arrives.
type arrivals struct {
	pending int
	last    time.Time
}

// after plans a change of the object for a delay after a moment. A later change
// never overtakes an earlier one of the same object.
func (s *Server) after(queue *arrivals, from time.Time, delay time.Duration, run func(at time.Time)) {
	at := from.Add(delay)
	if queue.pending > 0 && at.Before(queue.last) {
		at = queue.last
	}
	queue.pending, queue.last = queue.pending+1, at
	i, _ := slices.BinarySearchFunc(s.onTheWay, at, func(a arrival, t time.Time) int {
		if a.at.After(t) {
			return 1
		}
		return -1 // equal: in the order of planning
	})
	s.onTheWay = slices.Insert(s.onTheWay, i, arrival{at, func(at time.Time) {
		queue.pending--
		run(at)
	}})
}

// NextArrival is when Intune or the directory takes in the next change that is
// on its way; false: none is. Between two arrivals, and without a request or a
// device that comes or goes, no policy reaches anybody else.
func (s *Server) NextArrival() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.onTheWay) == 0 {
		return time.Time{}, false
	}
	return s.onTheWay[0].at, true
}

// arriveUntil lets every change arrive that is due by the moment.
func (s *Server) arriveUntil(limit int64) {
	for len(s.onTheWay) > 0 && s.onTheWay[0].at.Unix() <= limit {
		next := s.onTheWay[0]
		s.onTheWay = s.onTheWay[1:]
		next.run(next.at)
	}
}

// changeMembers runs a change of a group's members that happens now.
func (s *Server) changeMembers(g *group, change func()) { s.changeMembersAt(g, s.clock.Now(), change) }

// changeMembersAt logs the difference for delta queries, and tells Intune at
// once or after the lag.
func (s *Server) changeMembersAt(g *group, at time.Time, change func()) {
	s.warmTargets()
	before := g.membership()
	s.memberTrail.Note(s.instantOf(at), g, &group{direct: before.direct, nested: before.nested})
	change()
	s.directoryGen++
	after := g.membership()
	s.logMembers(g, before, after, at)
	delay := s.lagOf(func(l *Lag) LagRange { return l.Targeting })
	if delay == 0 && g.late.pending == 0 {
		s.learnMembers(g, before, after, at)
		return
	}
	if g.late.pending == 0 {
		g.known = &before
	}
	s.stale++
	s.after(&g.late, at, delay, func(at time.Time) {
		s.stale--
		s.warmTargets()
		old := *g.known
		g.known = &after
		if g.late.pending == 0 {
			g.known = nil
			s.leaving = slices.DeleteFunc(s.leaving, func(o *group) bool { return o == g })
		}
		s.learnMembers(g, old, after, at)
	})
}

// changeAssignments replaces a policy's assignments and tells the targeting
// engine at once or after the lag. All users and All devices wait like every
// other assignment; it is their membership that has no delay (contract-2 y.4).
func (s *Server) changeAssignments(p *policy, next []assignment, at time.Time) {
	s.warmTargets()
	was := p.assignments
	p.assignments = next
	delay := s.lagOf(func(l *Lag) LagRange { return l.Assignments })
	if delay == 0 && p.late.pending == 0 {
		s.relearn(p, at)
		return
	}
	if p.late.pending == 0 {
		p.known = &was
	}
	s.indexAssigned()
	s.after(&p.late, at, delay, func(at time.Time) {
		s.warmTargets()
		p.known = &next
		if p.late.pending == 0 {
			p.known = nil
		}
		if s.exists(p) {
			s.relearn(p, at)
		}
	})
}

// scheduled are the assignments of a script that the targeting engine knows.
func (r *remediation) scheduled() []remediationAssignment {
	if r.known != nil {
		return *r.known
	}
	return r.assignments
}

func (r *remediation) effective() []assignment { return plainTargets(r.scheduled()) }

// changeScriptAssignments is changeAssignments for a remediation.
func (s *Server) changeScriptAssignments(r *remediation, next []remediationAssignment, at time.Time) {
	was := r.assignments
	r.assignments = next
	learn := func(at time.Time) {
		r.reach = reachCache{}
		s.notify(s.reachOf(r), at.Unix())
	}
	delay := s.lagOf(func(l *Lag) LagRange { return l.Assignments })
	if delay == 0 && r.late.pending == 0 {
		learn(at)
		return
	}
	if r.late.pending == 0 {
		r.known = &was
	}
	s.after(&r.late, at, delay, func(at time.Time) {
		r.known = &next
		if r.late.pending == 0 {
			r.known = nil
		}
		if s.remediations.Get(r.ID) == r {
			learn(at)
		}
	})
}

// targetGroup finds a group that an assignment names, as long as Intune knows
// it.
func (s *Server) targetGroup(id ids.GUID) *group {
	if g := s.groups[id]; g != nil {
		return g
	}
	for _, g := range s.leaving {
		if g.id == id {
			return g
		}
	}
	return nil
}

// knownView is who is in a group, without the groups below, as Intune knows it.
// The result must not be modified.
func (g *group) knownView() membership {
	switch {
	case g.known != nil:
		return *g.known
	case !g.deleted.IsZero():
		return membership{}
	default:
		return membership{g.direct, g.nested}
	}
}

// flatten collects the groups at and below g, and the union of their direct
// members, as a view shows them. Circles end.
func (s *Server) flatten(g *group, view func(*group) membership) (ids.Bitset, []*group) {
	all := ids.NewBitset(len(s.users) + len(s.fleet.devices))
	seen, queue, below := map[*group]bool{g: true}, []*group{g}, []*group{}
	for len(queue) > 0 {
		m := view(queue[0])
		all.Or(m.direct)
		for _, n := range m.nested {
			if !seen[n] {
				seen[n] = true
				queue, below = append(queue, n), append(below, n)
			}
		}
		queue = queue[1:]
	}
	return all, below
}

// knownMembers are the transitive members as Intune knows them. The set must
// not be modified.
func (s *Server) knownMembers(g *group) ids.Bitset {
	view := g.knownView()
	if len(view.nested) == 0 {
		return view.direct
	}
	if g.inIntune == nil || g.inGen != s.knownGen {
		g.inIntune, _ = s.flatten(g, (*group).knownView)
		g.inGen = s.knownGen
	}
	return g.inIntune
}

// membersAt are the members of a group as a read of the moment shows them. The
// sets must not be modified.
func (s *Server) membersAt(g *group, transitive bool, asOf time.Time) (ids.Bitset, []*group) {
	view := func(n *group) membership {
		old := s.memberTrail.At(n, asOf)
		if old == nil || !n.deleted.IsZero() {
			return membership{}
		}
		return membership{old.direct, slices.DeleteFunc(slices.Clone(old.nested), func(o *group) bool { return !o.deleted.IsZero() })}
	}
	switch {
	case !transitive:
		m := view(g)
		return m.direct, m.nested
	case s.memberTrail.Empty():
		return s.transitive(g), s.groupsBelow(g, false)
	default:
		return s.flatten(g, view)
	}
}
