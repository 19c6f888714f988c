// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"
)

// targetKind is a kind of assignment target (contract a.5).
type targetKind string

const (
	targetGroup      targetKind = "#microsoft.graph.groupAssignmentTarget"
	targetExclude    targetKind = "#microsoft.graph.exclusionGroupAssignmentTarget"
	targetAllDevices targetKind = "#microsoft.graph.allDevicesAssignmentTarget"
	targetAllUsers   targetKind = "#microsoft.graph.allLicensedUsersAssignmentTarget"
)

// assignment is one target of a policy.
type assignment struct {
	kind  targetKind
	group guid
	// filterID names an assignment filter unless filterType is none.
	filterID, filterType string
}

// targets returns the devices that a policy's assignments reach, by device
// index: included groups by device or by primary user, less excluded groups.
// The platform is not considered here. The set is cached until the directory
// or the assignments change and must not be modified.
func (s *Server) targets(p *policy) bitset {
	if p.targetGen == s.targetGen && p.targetSet != nil {
		return p.targetSet
	}
	p.targetSet, p.targetGen = s.reachOf(p.assignments), s.targetGen
	return p.targetSet
}

// reachOf computes the devices that a set of assignments reaches, each narrowed
// by its own filter.
func (s *Server) reachOf(assignments []assignment) bitset {
	in, out := newBitset(len(s.fleet.devices)), newBitset(len(s.fleet.devices))
	for _, a := range assignments {
		one := newBitset(len(s.fleet.devices))
		switch a.kind {
		case targetAllDevices:
			s.addEnrolled(one, func(*device) bool { return true })
		case targetAllUsers:
			s.addEnrolled(one, func(d *device) bool { return d.user >= 0 })
		case targetGroup, targetExclude:
			s.addGroup(one, a.group)
		}
		if a.kind == targetExclude {
			out.or(one)
			continue
		}
		s.narrow(one, a)
		in.or(one)
	}
	in.andNot(out)
	return in
}

func (s *Server) addEnrolled(set bitset, keep func(*device) bool) {
	for i := range s.fleet.devices {
		if d := &s.fleet.devices[i]; isEnrolled(d) && keep(d) {
			set.set(i)
		}
	}
}

// addGroup adds the devices of a group and those of its users. A deleted group
// has no members any more.
func (s *Server) addGroup(set bitset, id guid) {
	g := s.groups[id]
	if g == nil || !g.deleted.IsZero() {
		return
	}
	s.addMembers(set, s.knownMembers(g))
}

func (s *Server) addMembers(set, members bitset) {
	members.each(func(i int) { s.addMember(set, i) })
}

// addMember adds the devices that stand behind one directory index.
func (s *Server) addMember(set bitset, i int) {
	if i >= len(s.users) {
		set.set(i - len(s.users))
		return
	}
	for _, d := range s.users[i].devices {
		set.set(int(d))
	}
}

// directoryChanged voids what was derived from groups and memberships.
func (s *Server) directoryChanged() {
	s.directoryGen++
	s.targetGen++
}

// retarget runs a change of assignments or memberships and notifies the
// devices for which the set of policies differs afterwards.
func (s *Server) retarget(change func()) { s.retargetAt(s.clock.Now().Unix(), change) }

// retargetAt is retarget for a change that happened at a moment.
func (s *Server) retargetAt(at int64, change func()) {
	before := make([]bitset, len(s.assigned))
	old := s.assigned
	for i, p := range old {
		before[i] = s.targets(p)
	}
	change()
	s.targetGen++
	s.indexAssigned()
	touched := newBitset(len(s.fleet.devices))
	seen := map[*policy]bool{}
	for i, p := range old {
		seen[p] = true
		after := newBitset(len(s.fleet.devices))
		if s.exists(p) {
			after = s.targets(p)
		}
		for w := range touched {
			touched[w] |= before[i][w] ^ after[w]
		}
	}
	for _, p := range s.assigned {
		if !seen[p] {
			touched.or(s.targets(p))
		}
	}
	s.notify(touched, at)
}

// assignedTo reports whether an assignment names the group or one above it.
func (s *Server) assignedTo(g *group) bool {
	for _, p := range s.assigned {
		for _, a := range p.assignments {
			if top := s.groups[a.group]; top != nil && slices.Contains(s.groupsBelow(top, true), g) {
				return true
			}
		}
	}
	return false
}

// indexAssigned lists the policies that have assignments, and for each the
// rivals: policies that set a definition of it to another value.
func (s *Server) indexAssigned() {
	s.assigned = nil
	for _, p := range s.everyPolicy() {
		if len(p.assignments) > 0 {
			s.assigned = append(s.assigned, p)
		}
	}
	for _, p := range s.assigned {
		p.rivals = nil
		for _, q := range s.assigned {
			if p != q && p.contradicts(q) {
				p.rivals = append(p.rivals, q)
			}
		}
	}
}

// contradicts reports whether both policies set one definition differently.
func (p *policy) contradicts(q *policy) bool {
	if p.platforms&q.platforms == 0 {
		return false
	}
	for def, value := range p.values {
		if other, both := q.values[def]; both && other != value {
			return true
		}
	}
	return false
}

// Overlap is a pair of policies that set one definition to different values
// and reach the same devices at the same time.
type Overlap struct {
	PolicyA string `json:"policyA"`
	PolicyB string `json:"policyB"`
	Devices int    `json:"devices"`
}

// overlaps lists the contradictions that are targeted right now, whether or
// not a device has checked in since. Platform counts: a Windows policy does
// not reach a Mac in the same group.
func (s *Server) overlaps() []Overlap {
	var out []Overlap
	for i, p := range s.assigned {
		for _, q := range s.assigned[i+1:] {
			if !p.contradicts(q) {
				continue
			}
			if n := s.sharedDevices(p, q); n > 0 {
				out = append(out, Overlap{PolicyA: p.name, PolicyB: q.name, Devices: n})
			}
		}
	}
	return out
}

func (s *Server) sharedDevices(p, q *policy) int {
	both := p.platforms & q.platforms
	a, b, n := s.targets(p), s.targets(q), 0
	a.each(func(i int) {
		if b.has(i) && s.fleet.devices[i].platform&both != 0 {
			n++
		}
	})
	return n
}

// activeRule is a scenario rule with its groups resolved.
type activeRule struct {
	Rule
	devices bitset // nil: every device
	gen     uint64
}

func (s *Server) resetRules() { s.fleet.rules = nil }

// ruleFor returns the outcome that the first matching rule gives a device which
// applied the policy age seconds ago, or "".
func (s *Server) ruleFor(i int32, p *policy, age int64) Outcome {
	if len(s.scenario.Rules) == 0 {
		return ""
	}
	if s.fleet.rules == nil {
		for _, r := range s.scenario.Rules {
			s.fleet.rules = append(s.fleet.rules, activeRule{Rule: r})
		}
	}
	for k := range s.fleet.rules {
		r := &s.fleet.rules[k]
		if s.ruleReaches(r, i) && r.concerns(p) && age >= int64(r.After)/1e9 &&
			s.draw(i, "rule "+r.Name)*100 < r.DevicesPercent {
			return r.Outcome
		}
	}
	return ""
}

func (s *Server) ruleReaches(r *activeRule, i int32) bool {
	if len(r.Groups) == 0 {
		return true
	}
	if r.devices == nil || r.gen != s.directoryGen {
		r.devices, r.gen = newBitset(len(s.fleet.devices)), s.directoryGen
		for _, name := range r.Groups {
			for _, g := range s.ordered {
				if g.displayName == name || g.id.String() == name {
					s.addGroup(r.devices, g.id)
				}
			}
		}
	}
	return r.devices.has(int(i))
}

// concerns reports whether the policy sets what the rule is about.
func (r *activeRule) concerns(p *policy) bool {
	if r.Definition == "" && r.Value == "" {
		return true
	}
	for def, value := range p.values {
		if strings.Contains(def, r.Definition) && strings.HasSuffix(value, r.Value) {
			return true
		}
	}
	return false
}
