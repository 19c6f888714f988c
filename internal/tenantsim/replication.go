// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"time"
)

// membership is who is in a group: users and devices by directory index, and
// nested groups.
type membership struct {
	direct bitset
	nested []*group
}

func (g *group) membership() membership {
	return membership{slices.Clone(g.direct), slices.Clone(g.nested)}
}

// replication is a change of a group's members on its way to Intune.
type replication struct {
	at      time.Time
	group   *group
	members membership
}

// changeMembers runs a change of a group's members: it logs the difference for
// delta queries, and tells Intune now or after the lag. A group that no
// assignment reaches, such as a wave that is being filled, concerns no device.
func (s *Server) changeMembers(g *group, change func()) {
	before := g.membership()
	s.memberTrail.note(s, g, &group{direct: before.direct, nested: before.nested})
	lag := s.scenario.lagOf(func(l *Lag) Duration { return l.Targeting })
	switch {
	case lag > 0:
		if g.known == nil {
			g.known = &before
			s.stale++
		}
		change()
		s.replications = append(s.replications, replication{s.now().Add(lag), g, g.membership()})
	case s.assignedTo(g):
		s.retarget(change)
	default:
		change()
	}
	s.logMembers(g, before)
}

// replicate brings a change of members to Intune.
func (s *Server) replicate(r replication) {
	s.retargetAt(r.at.Unix(), func() {
		last := !slices.ContainsFunc(s.replications, func(o replication) bool { return o.group == r.group })
		if last {
			r.group.known = nil
			s.stale--
			return
		}
		r.group.known = &r.members
	})
}

// replicateUntil brings every change that is due by the moment to Intune.
// Changes are in order: the lag may shrink between two of them, but a later
// change never overtakes an earlier one.
func (s *Server) replicateUntil(limit int64) {
	for len(s.replications) > 0 && s.replications[0].at.Unix() <= limit {
		next := s.replications[0]
		s.replications = s.replications[1:]
		s.replicate(next)
	}
}

// flatten collects the live groups at and below g, and the union of their
// direct members, as a view shows them. Circles end.
func (s *Server) flatten(g *group, view func(*group) membership) (bitset, []*group) {
	all := newBitset(len(s.users) + len(s.fleet.devices))
	seen, queue, below := map[*group]bool{g: true}, []*group{g}, []*group{}
	for len(queue) > 0 {
		m := view(queue[0])
		all.or(m.direct)
		for _, n := range m.nested {
			if !seen[n] && n.deleted.IsZero() {
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
func (s *Server) knownMembers(g *group) bitset {
	if s.stale == 0 {
		return s.transitive(g)
	}
	all, _ := s.flatten(g, func(n *group) membership {
		if n.known != nil {
			return *n.known
		}
		return membership{n.direct, n.nested}
	})
	return all
}

// membersAt are the members of a group as a read of the moment shows them. The
// sets must not be modified.
func (s *Server) membersAt(g *group, transitive bool, asOf time.Time) (bitset, []*group) {
	view := func(n *group) membership {
		if old := s.memberTrail.at(n, asOf); old != nil {
			return membership{old.direct, old.nested}
		}
		return membership{}
	}
	switch {
	case !transitive:
		m := view(g)
		return m.direct, m.nested
	case len(s.memberTrail.past) == 0:
		return s.transitive(g), s.groupsBelow(g, false)
	default:
		return s.flatten(g, view)
	}
}
