// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// directoryChanged voids what was derived from groups and memberships.
func (s *Server) directoryChanged() {
	s.directoryGen++
	s.knownGen++
	s.voidTargets()
}

// voidTargets makes every assignee's reach be computed anew.
func (s *Server) voidTargets() { s.targetGen++ }

// warmTargets computes what is not cached, so that the next change can be told
// from what was before it.
func (s *Server) warmTargets() {
	for _, p := range s.assigned {
		s.targets(p)
	}
}

// keepTargets starts a new generation of targets in which the cached reaches
// still hold: the caller has brought up to date those that differ.
func (s *Server) keepTargets() {
	old := s.targetGen
	s.targetGen++
	s.eachAssignee(func(a assignee) {
		if c := a.cache(); c.devices != nil && c.gen == old {
			c.gen = s.targetGen
		}
	})
}

func (s *Server) eachAssignee(do func(assignee)) {
	for _, p := range s.assigned {
		do(p)
	}
	for _, r := range s.remediations.All() {
		do(r)
	}
}

// retarget runs a rare change, such as of a filter, and notifies the devices
// for which the set of policies differs afterwards. The change voids the
// reaches that it concerns.
func (s *Server) retarget(change func()) {
	old := s.assigned
	before := make(map[*policy]ids.Bitset, len(old))
	for _, p := range old {
		before[p] = s.targets(p)
	}
	change()
	s.keepTargets()
	s.indexAssigned()
	touched := ids.NewBitset(len(s.fleet.devices))
	for _, p := range old {
		if !s.exists(p) {
			touched.Or(before[p])
		}
	}
	now := s.clock.Now().Unix()
	for _, p := range s.assigned {
		moved := difference(before[p], s.targets(p), len(s.fleet.devices))
		s.reachMoved(p, moved, now)
		touched.Or(moved)
	}
	s.notify(touched, now)
}

// difference holds what is in one of two sets only.
func difference(a, b ids.Bitset, size int) ids.Bitset {
	out := ids.NewBitset(size)
	for w := range out {
		out[w] = a.Word(w) ^ b.Word(w)
	}
	return out
}

// relearn makes Intune act on a policy's assignments as they are known now.
func (s *Server) relearn(p *policy, at time.Time) {
	before := p.reach.devices
	p.reach = reachCache{}
	s.keepTargets()
	s.indexAssigned()
	moved := difference(before, s.targets(p), len(s.fleet.devices))
	s.reachMoved(p, moved, at.Unix())
	s.notify(moved, at.Unix())
}

// learnMembers makes Intune act on a change of a group's members. Only what is
// assigned to the group, or to one above it, can change, and only for the
// devices behind the members that came or went.
func (s *Server) learnMembers(g *group, before, after membership, at time.Time) {
	moved := s.movedMembers(before, after)
	above := s.groupsAbove(g)
	s.knownGen++
	devices := ids.NewBitset(len(s.fleet.devices))
	moved.Each(func(i int) { s.addMember(devices, i) })
	s.refresh(devices, at.Unix(), func(a assignee) bool {
		for _, target := range a.effective() {
			if above[target.group] {
				return true
			}
		}
		return false
	})
}

// movedMembers are the users and devices that may have come or gone, those of
// nested groups included.
func (s *Server) movedMembers(before, after membership) ids.Bitset {
	moved := difference(before.direct, after.direct, len(s.users)+len(s.fleet.devices))
	kept := map[*group]bool{}
	for _, n := range before.nested {
		kept[n] = true
	}
	for _, n := range after.nested {
		if !kept[n] {
			moved.Or(s.knownMembers(n))
		}
		delete(kept, n)
	}
	for _, n := range before.nested {
		if kept[n] {
			moved.Or(s.knownMembers(n))
		}
	}
	return moved
}

// groupsAbove are the group and those that hold it, at any depth, as Intune
// knows them.
func (s *Server) groupsAbove(g *group) map[ids.GUID]bool {
	above := map[ids.GUID]bool{g.id: true}
	for grew := true; grew; {
		grew = false
		for _, groups := range [][]*group{s.ordered, s.leaving} {
			for _, parent := range groups {
				if above[parent.id] {
					continue
				}
				for _, n := range parent.knownView().nested {
					if above[n.id] {
						above[parent.id], grew = true, true
						break
					}
				}
			}
		}
	}
	return above
}

// refresh decides anew about some devices for the assignees that a change
// concerns, and notifies those for which a policy came or went.
func (s *Server) refresh(devices ids.Bitset, at int64, concerned func(assignee) bool) {
	touched := ids.NewBitset(len(s.fleet.devices))
	s.eachAssignee(func(a assignee) {
		c := a.cache()
		if c.devices == nil || c.gen != s.targetGen || !concerned(a) {
			return
		}
		assignments := a.effective()
		var moved ids.Bitset
		devices.Each(func(i int) {
			now := s.reaches(assignments, int32(i))
			if now == c.devices.Has(i) {
				return
			}
			c.devices = c.devices.Grown(len(s.fleet.devices))
			if c.devices.Clear(i); now {
				c.devices.Set(i)
			}
			moved.Set(i)
		})
		if p, isPolicy := a.(*policy); isPolicy {
			s.reachMoved(p, moved, at)
			touched.Or(moved)
		}
	})
	s.keepTargets()
	s.notify(touched, at)
}

// deviceChanged brings up to date what depends on the facts of one device: its
// enrolment, its users, its name and whatever else filters and membership rules
// read. It must follow every such change, and every device that is added.
func (s *Server) deviceChanged(i int32, at int64) {
	for _, f := range s.filters.All() {
		f.refresh(s, i)
	}
	one := ids.NewBitset(len(s.fleet.devices))
	one.Set(int(i))
	s.refresh(one, at, func(assignee) bool { return true })
	s.factsChanged(len(s.users)+int(i), time.Unix(at, 0).UTC())
}
