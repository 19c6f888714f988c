// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
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
	group ids.GUID
	// filterID names an assignment filter unless filterType is none.
	filterID, filterType string
}

// assignee is an object of Intune that has assignments.
type assignee interface {
	// effective are the assignments as the targeting engine knows them.
	effective() []assignment
	cache() *reachCache
}

// reachCache holds the devices that an assignee reaches as of a generation.
type reachCache struct {
	devices ids.Bitset
	gen     uint64
}

func (p *policy) cache() *reachCache      { return &p.reach }
func (r *remediation) cache() *reachCache { return &r.reach }

func (p *policy) effective() []assignment {
	if p.known != nil {
		return *p.known
	}
	return p.assignments
}

// targets returns the devices that a policy's assignments reach, by device
// index, as Intune knows assignments and memberships. The platform is not
// considered here. The set must not be modified.
func (s *Server) targets(p *policy) ids.Bitset { return s.reachOf(p) }

// reachOf is targets for any assignee. The set is cached until something that
// decides about it changes.
func (s *Server) reachOf(a assignee) ids.Bitset {
	c := a.cache()
	if c.devices == nil || c.gen != s.targetGen {
		c.devices, c.gen = s.reachedBy(a.effective()), s.targetGen
	}
	return c.devices
}

// reachedBy computes the devices that assignments reach (contract-2 y.4). The
// directory index keeps users and devices apart, and so does the rule: what an
// exclusion holds is taken from the hits of its own kind before users turn into
// their devices, and nothing crosses over.
func (s *Server) reachedBy(assignments []assignment) ids.Bitset {
	out := ids.NewBitset(len(s.users) + len(s.fleet.devices))
	for _, a := range assignments {
		if a.kind == targetExclude {
			out.Or(s.hits(a))
		}
	}
	in := ids.NewBitset(len(s.fleet.devices))
	for _, a := range assignments {
		if a.kind == targetExclude {
			continue
		}
		one := ids.NewBitset(len(s.fleet.devices))
		s.hits(a).Each(func(i int) {
			if !out.Has(i) {
				s.addMember(one, i)
			}
		})
		s.narrow(one, a) // contract-2 y.2: on the device, whatever kind was hit
		in.Or(one)
	}
	in.Each(func(i int) {
		if !isEnrolled(&s.fleet.devices[i]) { // Intune targets what it manages
			in.Clear(i)
		}
	})
	return in
}

// hits are the users and devices that one target names, by directory index. The
// set must not be modified.
func (s *Server) hits(a assignment) ids.Bitset {
	switch a.kind {
	case targetAllUsers: // every user of the tenant is licensed
		return ids.FullBitset(0, len(s.users))
	case targetAllDevices:
		return ids.FullBitset(len(s.users), len(s.users)+len(s.fleet.devices))
	default:
		return s.groupHits(a.group)
	}
}

// groupHits are the members of a group as Intune knows them; an unknown or
// purged group has none.
func (s *Server) groupHits(id ids.GUID) ids.Bitset {
	if g := s.targetGroup(id); g != nil {
		return s.knownMembers(g)
	}
	return nil
}

// names reports whether one target names a user or device.
func (s *Server) names(a assignment, index int) bool {
	switch a.kind {
	case targetAllUsers:
		return index < len(s.users)
	case targetAllDevices:
		return index >= len(s.users)
	default:
		return s.groupHits(a.group).Has(index)
	}
}

// excluded reports whether an exclusion holds a user or device.
func (s *Server) excluded(assignments []assignment, index int) bool {
	return slices.ContainsFunc(assignments, func(a assignment) bool { return a.kind == targetExclude && s.names(a, index) })
}

// userReached reports whether a policy reaches a user: an include target names
// the user and no exclusion does. Filters are about devices and do not count.
func (s *Server) userReached(p *policy, u int32) bool { return s.userHit(p.effective(), u) }

// userHit is userReached for the assignments of anything.
func (s *Server) userHit(assignments []assignment, u int32) bool {
	return !s.excluded(assignments, int(u)) &&
		slices.ContainsFunc(assignments, func(a assignment) bool { return a.kind != targetExclude && s.names(a, int(u)) })
}

// reaches is reachedBy for one device.
func (s *Server) reaches(assignments []assignment, i int32) bool {
	if !isEnrolled(&s.fleet.devices[i]) {
		return false
	}
	stands := []int{len(s.users) + int(i)}
	for _, u := range s.usersOf(i) {
		stands = append(stands, int(u))
	}
	return s.reachesAs(assignments, i, stands)
}

// reachesAs tells whether assignments reach a device by one of the directory
// indices that stand for it: its own and those of users.
func (s *Server) reachesAs(assignments []assignment, i int32, stands []int) bool {
	stands = slices.DeleteFunc(stands, func(index int) bool { return s.excluded(assignments, index) })
	for _, a := range assignments {
		if a.kind != targetExclude && s.admits(a, i) &&
			slices.ContainsFunc(stands, func(index int) bool { return s.names(a, index) }) {
			return true
		}
	}
	return false
}

// addGroup adds the devices of a group and those of its users.
func (s *Server) addGroup(set ids.Bitset, id ids.GUID) {
	s.groupHits(id).Each(func(i int) { s.addMember(set, i) })
}

// addMember adds the devices that stand behind one directory index.
func (s *Server) addMember(set ids.Bitset, i int) {
	if i >= len(s.users) {
		set.Set(i - len(s.users))
		return
	}
	for _, d := range s.users[i].devices {
		set.Set(int(d))
	}
}

// usersOf are the users of a device, the primary one first. users[u].devices
// says the same the other way round.
func (s *Server) usersOf(i int32) []int32 { return s.fleet.devices[i].people() }

// addDeviceUser makes a user use a device beside its primary user, unless another
// one does already.
func (s *Server) addDeviceUser(i, u int32) {
	d := &s.fleet.devices[i]
	if d.second >= 0 || d.user == u {
		return
	}
	d.second = u
	s.users[u].devices = append(s.users[u].devices, i)
}

// indexAssigned lists the policies that have assignments, and for each the
// rivals: policies that set a definition of it to another value.
func (s *Server) indexAssigned() {
	s.assigned = nil
	for _, p := range s.everyPolicy() {
		if len(p.assignments) > 0 || len(p.effective()) > 0 {
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
	a.Each(func(i int) {
		if b.Has(i) && s.fleet.devices[i].platform&both != 0 {
			n++
		}
	})
	return n
}

// activeRule is a scenario rule with its groups resolved.
type activeRule struct {
	Rule
	devices ids.Bitset // nil: every device
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
	if now := s.directoryGen + s.knownGen; r.devices == nil || r.gen != now {
		r.devices, r.gen = ids.NewBitset(len(s.fleet.devices)), now
		for _, name := range r.Groups {
			for _, g := range s.ordered {
				if g.displayName == name || g.id.String() == name {
					s.addGroup(r.devices, g.id)
				}
			}
		}
	}
	return r.devices.Has(int(i))
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
