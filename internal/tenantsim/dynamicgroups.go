// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/memberrule"
)

// evaluation is where the processing of a group's membership rule stands.
type evaluation struct {
	queue arrivals
	// full counts the evaluations of all members on their way; the last one runs
	// from started on. done is when the last one ended.
	full          int
	started, done time.Time
	now           func() time.Time
}

// ruleChanged evaluates a dynamic group anew, at once or after the lag. A paused
// group stays as it is (contract-2 x.2), and so does one that is static now.
func (s *Server) ruleChanged(g *group, at time.Time) {
	g.evaluation.now = s.clock.Now
	if !g.evaluates() {
		return
	}
	delay := s.lagOf(func(l *Lag) LagRange { return l.Dynamic })
	if delay == 0 && g.evaluation.queue.pending == 0 {
		s.evaluateRule(g, at)
		return
	}
	g.evaluation.full++
	g.evaluation.started = at.Add(delay / 2) // ASSUMED: half the time passes before it begins
	s.after(&g.evaluation.queue, at, delay, func(at time.Time) {
		g.evaluation.full--
		if g.evaluates() {
			s.evaluateRule(g, at)
		}
	})
}

// evaluates reports whether the service keeps the group up to date.
func (g *group) evaluates() bool {
	return g.dynamic() && g.rule != nil && !g.paused() && g.deleted.IsZero()
}

// evaluateRule makes the members those that the rule holds for.
func (s *Server) evaluateRule(g *group, at time.Time) {
	members := ids.NewBitset(len(s.users) + len(s.fleet.devices))
	from, to := 0, len(s.users)
	if g.rule.Kind == memberrule.Devices {
		from, to = to, len(s.users)+len(s.fleet.devices)
	}
	for i := from; i < to; i++ {
		if s.ruleHolds(g.rule, i) {
			members.Set(i)
		}
	}
	s.changeMembersAt(g, at, func() { g.direct, g.nested, g.principals = members, nil, nil })
	g.evaluation.done = at
}

// ruleHolds evaluates a rule for one user or device, by directory index.
func (s *Server) ruleHolds(rule *memberrule.Rule, index int) bool {
	if index < len(s.users) {
		return rule.Kind == memberrule.Users && rule.Matches(userRuleFacts{userView{s, int32(index)}})
	}
	v := s.device(int32(index - len(s.users)))
	return rule.Kind == memberrule.Devices && inDirectory(v.d) && rule.Matches(deviceRuleFacts{v})
}

// factsChanged makes dynamic groups look again at one user or device, by directory
// index, whose facts changed; it must follow every such change of a user
// (deviceChanged calls it for devices). Each group takes it in after a lag of its own.
func (s *Server) factsChanged(index int, at time.Time) {
	for _, g := range s.ordered {
		if !g.evaluates() || g.evaluation.queue.pending == 0 && s.ruleHolds(g.rule, index) == g.direct.Has(index) {
			continue
		}
		delay := s.lagOf(func(l *Lag) LagRange { return l.Dynamic })
		if delay == 0 && g.evaluation.queue.pending == 0 {
			s.reconsider(g, index, at)
			continue
		}
		s.after(&g.evaluation.queue, at, delay, func(at time.Time) { s.reconsider(g, index, at) })
	}
}

// reconsider adds or removes one member as the rule says now.
func (s *Server) reconsider(g *group, index int, at time.Time) {
	if !g.evaluates() {
		return
	}
	holds := s.ruleHolds(g.rule, index)
	if holds == g.direct.Has(index) {
		return
	}
	s.changeMembersAt(g, at, func() {
		g.direct = g.direct.Grown(len(s.users) + len(s.fleet.devices))
		if g.direct.Clear(index); holds {
			g.direct.Set(index)
		}
	})
	g.evaluation.done = at
}

// processingStatus is beta's membershipRuleProcessingStatus (contract-2 x.2).
func (g *group) processingStatus() any {
	if !g.dynamic() || g.evaluation.now == nil {
		return nil
	}
	e := &g.evaluation
	out := object{"status": "Succeeded", "lastMembershipUpdated": nil, "errorMessage": nil}
	if !e.done.IsZero() {
		out["lastMembershipUpdated"] = entraTime(e.done)
	}
	switch {
	case e.full > 0 && e.now().Before(e.started), e.full == 0 && e.done.IsZero():
		out["status"] = "NotStarted"
	case e.full > 0:
		out["status"] = "Running"
	}
	return out
}

// userRuleFacts and deviceRuleFacts show a directory object to membership rules: under
// the name that the rule uses, the member that the API shows.
type (
	userRuleFacts   struct{ v userView }
	deviceRuleFacts struct{ v deviceView }
)

var (
	userRuleNames   = ruleNames(userEntity, map[string]string{"objectid": "id", "mobile": "mobilePhone", "physicaldeliveryofficename": "officeLocation"})
	deviceRuleNames = ruleNames(entraDevice, map[string]string{"objectid": "id", "deviceostype": "operatingSystem", "deviceosversion": "operatingSystemVersion",
		"devicemanufacturer": "manufacturer", "devicemodel": "model", "devicetrusttype": "trustType", "devicephysicalids": "physicalIds"})
)

func ruleNames[T any](e *entity.Type[T], others map[string]string) map[string]*entity.Property[T] {
	out := map[string]*entity.Property[T]{}
	for i := range e.Properties {
		if p := &e.Properties[i]; p.Exists(true) {
			out[strings.ToLower(p.Name)] = p
		}
	}
	for name, member := range others {
		if p := e.Lookup(member, true); p != nil {
			out[name] = p
		}
	}
	return out
}

func (f userRuleFacts) Value(name string) any { return fact(userRuleNames[name], f.v) }

// intuneAppID is the management application of devices that Intune manages, as
// the page about rules names it.
const intuneAppID = "0000000a-0000-0000-c000-000000000000"

func (f deviceRuleFacts) Value(name string) any {
	if name == "devicemanagementappid" {
		if managed := fact(deviceRuleNames["ismanaged"], f.v); managed != true {
			return nil
		}
		return intuneAppID
	}
	return fact(deviceRuleNames[name], f.v)
}

// fact reads a member; what is neither text, switch nor list of texts is null.
func fact[T any](p *entity.Property[T], item T) any {
	if p == nil {
		return nil
	}
	switch v := p.Get(item).(type) {
	case string, bool, []string:
		return v
	default:
		return nil
	}
}
