// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// oracle is contract-2 y.4 as a reader would try it by hand: it goes through
// pairs of users and devices, knows members by id, and keeps what Intune knew at
// which time. It shares nothing with the fast path.
type oracle struct {
	groups    map[string]*oracleGroup
	policies  map[string]*[]oracleChange[[]oracleTarget]
	filters   map[string]map[string]bool // filter id to device names
	users     map[string][]string        // device object id to its users
	names     map[string]string          // device object id to name
	windows   map[string]bool
	enrolled  map[string]string // device object id to managed id
	lag       time.Duration
	assignLag time.Duration
	dynamic   time.Duration
}

// oracleChange is a value and when Intune takes it in.
type oracleChange[T any] struct {
	at    time.Time
	value T
}

type oracleGroup struct {
	members map[string]bool // as the directory has them
	deleted bool
	known   []oracleChange[[]string]
}

type oracleTarget struct {
	kind, group, filter, mode string
}

func latest[T any](changes []oracleChange[T], now time.Time) (value T) {
	for _, c := range changes {
		if !c.at.After(now) {
			value = c.value
		}
	}
	return value
}

// changed notes the members of a group as they are from now on.
func (o *oracle) changed(id string, now time.Time) {
	g := o.groups[id]
	var members []string
	if !g.deleted {
		for m := range g.members {
			members = append(members, m)
		}
	}
	g.known = append(g.known, oracleChange[[]string]{now.Add(o.lag), members})
}

// within reports whether x is in the group, at any depth.
func (o *oracle) within(x, group string, now time.Time, seen map[string]bool) bool {
	g := o.groups[group]
	if g == nil || seen[group] {
		return false
	}
	seen[group] = true
	for _, m := range latest(g.known, now) {
		if m == x || o.within(x, m, now, seen) {
			return true
		}
	}
	return false
}

func (o *oracle) in(x string, t oracleTarget, isUser bool, now time.Time) bool {
	switch t.kind {
	case string(targetAllUsers):
		return isUser
	case string(targetAllDevices):
		return !isUser
	default:
		return o.within(x, t.group, now, map[string]bool{})
	}
}

// reaches is y.4: for the device alone, and for each pair with a user.
func (o *oracle) reaches(policy, device string, now time.Time) bool {
	if o.enrolled[device] == "" || !o.windows[device] {
		return false
	}
	targets := latest(*o.policies[policy], now)
	pairs := append([]string{""}, o.users[device]...)
	for _, u := range pairs {
		var userHit, deviceHit, userOut, deviceOut bool
		for _, t := range targets {
			user, dev := u != "" && o.in(u, t, true, now), o.in(device, t, false, now)
			if t.kind == string(targetExclude) {
				userOut, deviceOut = userOut || user, deviceOut || dev
				continue
			}
			if matches := o.filters[t.filter][o.names[device]]; t.mode == "include" && !matches || t.mode == "exclude" && matches {
				continue
			}
			userHit, deviceHit = userHit || user, deviceHit || dev
		}
		if userHit && !userOut || deviceHit && !deviceOut {
			return true
		}
	}
	return false
}

// play is one random small tenant.
type play struct {
	*tenant
	*oracle
	rnd                       *rand.Rand
	groupIDs, live, people    []string
	devices, policyIDs, rules []string
	automatic                 string // the dynamic group
}

func newPlay(t *testing.T, seed uint64) *play {
	t.Helper()
	p := &play{rnd: rand.New(rand.NewPCG(seed, 1)), oracle: &oracle{groups: map[string]*oracleGroup{}, policies: map[string]*[]oracleChange[[]oracleTarget]{},
		filters: map[string]map[string]bool{}, users: map[string][]string{}, names: map[string]string{}, windows: map[string]bool{}, enrolled: map[string]string{}}}
	sc := quiet(GroupSpec{DisplayName: "unused"})
	gone := 15.0
	sc.UnenrolledPercent = &gone
	if seed%2 == 0 {
		p.lag, p.assignLag = time.Duration(p.rnd.IntN(5))*time.Hour, time.Duration(p.rnd.IntN(3))*time.Hour
		p.dynamic = time.Duration(p.rnd.IntN(2)) * time.Hour
		sc.Lag = &Lag{Targeting: Fixed(p.lag), Assignments: Fixed(p.assignLag), Dynamic: Fixed(p.dynamic)}
	}
	p.tenant = newTenant(t, Options{Seed: seed, Devices: 9, Users: 5, Scenario: sc})
	s := p.sim
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		id := d.objectID.String()
		if p.rnd.IntN(3) == 0 {
			s.addDeviceUser(int32(i), int32(p.rnd.IntN(len(s.users))))
		}
		p.devices = append(p.devices, id)
		p.names[id], p.windows[id] = s.device(int32(i)).name(), d.platform == platformWindows
		if isEnrolled(d) {
			p.enrolled[id] = d.managedID.String()
		}
	}
	for u := range s.users {
		id := s.users[u].id.String()
		p.people = append(p.people, id)
		for _, d := range s.users[u].devices {
			p.users[p.devices[d]] = append(p.users[p.devices[d]], id)
		}
	}
	p.furnish()
	return p
}

// furnish makes groups, filters and policies.
func (p *play) furnish() {
	p.Helper()
	for k := range 6 {
		id := text(p.want(201, "POST", "/v1.0/groups", groupBody(fmt.Sprint("g", k))), "id")
		p.groupIDs, p.live = append(p.groupIDs, id), append(p.live, id)
		p.groups[id] = &oracleGroup{members: map[string]bool{}}
	}
	p.automatic = p.makeGroup("automatic", object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": `user.mail -eq null`})
	p.groupIDs, p.groups[p.automatic] = append(p.groupIDs, p.automatic), &oracleGroup{}
	for k := range 2 {
		matching := map[string]bool{}
		for id, name := range p.names {
			if p.windows[id] && p.enrolled[id] != "" && p.rnd.IntN(2) == 0 {
				matching[name] = true
			}
		}
		rule := `(device.deviceName -in ["none","` + strings.Join(sortedKeys(matching), `","`) + `"])`
		id := text(p.want(201, "POST", filtersPath, filterBody(fmt.Sprint("f", k), "windows10AndLater", rule)), "id")
		p.filters[id], p.rules = matching, append(p.rules, id)
	}
	for k := range 3 {
		id := p.createPolicy(allowBody(fmt.Sprint("p", k)))
		p.policyIDs, p.policies[id] = append(p.policyIDs, id), &[]oracleChange[[]oracleTarget]{}
	}
}

// rewrite gives the dynamic group a rule that holds for random users or devices.
func (p *play) rewrite() {
	p.Helper()
	kind, all := "user", p.people
	if p.rnd.IntN(2) == 0 {
		kind, all = "device", p.devices
	}
	var chosen []string
	for _, id := range all {
		if p.rnd.IntN(2) == 0 {
			chosen = append(chosen, id)
		}
	}
	rule := kind + `.objectId -in ["none","` + strings.Join(chosen, `","`) + `"]`
	p.want(204, "PATCH", "/v1.0/groups/"+p.automatic, object{"membershipRule": rule})
	g, now := p.groups[p.automatic], p.sim.Now()
	for k := range g.known {
		if evaluated := g.known[k].at.Add(-p.lag); evaluated.After(now) {
			g.known[k].value = chosen // whichever rule stands then is evaluated
		}
	}
	g.known = append(g.known, oracleChange[[]string]{now.Add(p.dynamic + p.lag), chosen})
}

func (p *play) pick(list []string) string { return list[p.rnd.IntN(len(list))] }

// reassign gives a policy random targets of every kind, groups that are deleted
// or purged among them.
func (p *play) reassign() {
	p.Helper()
	policy := p.pick(p.policyIDs)
	var targets []oracleTarget
	var body []object
	for range p.rnd.IntN(5) {
		t := oracleTarget{kind: p.pick([]string{string(targetGroup), string(targetGroup), string(targetExclude), string(targetExclude), string(targetAllUsers), string(targetAllDevices)}), mode: "none"}
		target := object{"@odata.type": t.kind}
		if t.kind == string(targetGroup) || t.kind == string(targetExclude) {
			t.group = p.pick(p.groupIDs)
			target["groupId"] = t.group
		}
		if t.kind != string(targetExclude) && p.rnd.IntN(3) == 0 {
			t.filter, t.mode = p.pick(p.rules), p.pick([]string{"include", "exclude"})
			target["deviceAndAppManagementAssignmentFilterId"], target["deviceAndAppManagementAssignmentFilterType"] = t.filter, t.mode
		}
		if !slices.ContainsFunc(targets, func(o oracleTarget) bool { return o.kind == t.kind && o.group == t.group }) {
			targets, body = append(targets, t), append(body, object{"target": target})
		}
	}
	p.assign(policy, body...)
	*p.policies[policy] = append(*p.policies[policy], oracleChange[[]oracleTarget]{p.sim.Now().Add(p.assignLag), targets})
}

// step changes one thing.
func (p *play) step() string {
	p.Helper()
	switch n := p.rnd.IntN(10); {
	case n == 0:
		p.rewrite()
		return "rule"
	case len(p.live) == 0 || n < 4:
		p.reassign()
		return "assign"
	}
	id := p.pick(p.live)
	g, now := p.groups[id], p.sim.Now()
	switch n := p.rnd.IntN(20); {
	case g.deleted && n < 3:
		p.want(204, "DELETE", "/v1.0/directory/deletedItems/"+id, nil)
		p.live = slices.DeleteFunc(p.live, func(o string) bool { return o == id })
		for other, parent := range p.groups {
			if parent.members[id] {
				delete(parent.members, id)
				p.changed(other, now)
			}
		}
		return "purge"
	case g.deleted:
		p.want(200, "POST", "/v1.0/directory/deletedItems/"+id+"/restore", nil)
		g.deleted = false
		p.changed(id, now)
		return "restore"
	case n < 2:
		p.want(204, "DELETE", "/v1.0/groups/"+id, nil)
		g.deleted = true
		p.changed(id, now)
		return "delete"
	}
	member := p.pick(slices.Concat(p.devices, p.people, p.people, p.live, []string{p.automatic}))
	if o := p.groups[member]; o != nil && o.deleted || member == id {
		return "nothing"
	}
	if g.members[member] {
		p.want(204, "DELETE", "/v1.0/groups/"+id+"/members/"+member+"/$ref", nil)
		delete(g.members, member)
	} else {
		p.addMember(204, id, member)
		g.members[member] = true
	}
	p.changed(id, now)
	return "member"
}

// compare holds every answer of the simulator against the oracle.
func (p *play) compare(after string) {
	p.Helper()
	now := p.sim.Now()
	for _, policy := range p.policyIDs {
		reached, err := p.sim.Reached(policy)
		if err != nil {
			p.Fatal(err)
		}
		for _, device := range p.devices {
			want := p.reaches(policy, device, now)
			answer, err := p.sim.Targeting(policy, device)
			if err != nil {
				p.Fatal(err)
			}
			fast := p.enrolled[device] != "" && slices.Contains(reached, p.enrolled[device])
			if fast != want || answer.Reaches != want {
				p.Fatalf("after %s at %s: policy %s, device %s: the set says %v, the answer %v (%s), by hand %v: %+v", after, now, policy, device, fast, answer.Reaches, answer.Why, want, answer)
			}
		}
	}
}

// TestTargetingAgainstOracle plays many small tenants with groups that are mixed,
// dynamic, nested, circular, deleted, restored and purged, with every kind of
// target, filters, devices of two users, and lags.
func TestTargetingAgainstOracle(t *testing.T) {
	seen := map[bool]int{}
	for seed := range uint64(150) {
		p := newPlay(t, seed)
		for k := range 25 {
			did := p.step()
			p.compare(fmt.Sprintf("seed %d, step %d, %s", seed, k, did))
			if p.rnd.IntN(3) == 0 {
				p.advance(time.Duration(p.rnd.IntN(150)) * time.Minute)
				p.compare(fmt.Sprintf("seed %d, step %d, waiting", seed, k))
			}
		}
		for _, policy := range p.policyIDs {
			for _, device := range p.devices {
				seen[p.reaches(policy, device, p.sim.Now())]++
			}
		}
	}
	if seen[true] < 500 || seen[false] < 500 {
		t.Errorf("the tenants show too little: %v", seen)
	}
}
