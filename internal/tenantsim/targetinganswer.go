// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// Ref names an object of the tenant.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// PolicyRef names what has assignments: a configurationPolicy or a
// deviceHealthScript.
type PolicyRef struct {
	Ref
	Kind string `json:"kind"`
}

// DeviceRef names a device by everything it is known by.
type DeviceRef struct {
	Name            string `json:"name"`
	ManagedDeviceID string `json:"managedDeviceId,omitempty"`
	ObjectID        string `json:"objectId"`
	DeviceID        string `json:"deviceId"`
}

// TargetingAnswer is whether one policy reaches one device, and why. Hits and
// outs are those of contract-2 y.4, as Intune knows the tenant at this moment:
// a hit counts only if the filter of its target lets the device through.
type TargetingAnswer struct {
	Policy PolicyRef `json:"policy"`
	Device DeviceRef `json:"device"`
	// Reaches is the verdict, Why the same in words.
	Reaches bool   `json:"reaches"`
	Why     string `json:"why"`
	// Enrolled: Intune manages the device. Platform: the policy is for its
	// operating system.
	Enrolled bool `json:"enrolled"`
	Platform bool `json:"platform"`
	// The four flags of y.4, for any user of the device.
	UserHit   bool `json:"userHit"`
	UserOut   bool `json:"userOut"`
	DeviceHit bool `json:"deviceHit"`
	DeviceOut bool `json:"deviceOut"`
	// Users are the users of the device, each with flags of its own.
	Users []UserTargeting `json:"users"`
	// Targets are the assignments that Intune acts on.
	Targets []TargetReason `json:"targets"`
	// AssignmentsArrive is when Intune will know the newest assignments, if it
	// does not yet.
	AssignmentsArrive *time.Time `json:"assignmentsArrive,omitempty"`
}

// UserTargeting is one user of the device.
type UserTargeting struct {
	Ref
	Hit bool `json:"userHit"`
	Out bool `json:"userOut"`
}

// TargetReason is one target and how the device or its users are in it.
type TargetReason struct {
	Kind  string       `json:"kind"`
	Group *TargetGroup `json:"group,omitempty"`
	// Members are the device and those of its users that the directory or Intune
	// has in the target.
	Members []MemberReason `json:"members"`
	Filter  *FilterVerdict `json:"filter,omitempty"`
}

// TargetGroup is the group of a target. An unknown one never existed or was
// purged.
type TargetGroup struct {
	Ref
	Deleted bool `json:"deleted,omitempty"`
	Unknown bool `json:"unknown,omitempty"`
	Dynamic bool `json:"dynamic,omitempty"`
}

// MemberReason is the device or a user in a target.
type MemberReason struct {
	Ref
	Kind string `json:"kind"` // device or user
	// Path leads from the target's group to the one that holds the member.
	Path []string `json:"path,omitempty"`
	// Entra: the directory has it. Intune: the targeting engine knows it. When
	// they differ, Arrives is when Intune will know the newest.
	Entra   bool       `json:"entra"`
	Intune  bool       `json:"intune"`
	Arrives *time.Time `json:"arrives,omitempty"`
}

// FilterVerdict is what a target's filter says about the device.
type FilterVerdict struct {
	Ref
	Type        string `json:"type"`
	Matches     bool   `json:"matches"`
	LetsThrough bool   `json:"letsThrough"`
}

// PolicyTargeting is what one policy reaches.
type PolicyTargeting struct {
	Policy PolicyRef `json:"policy"`
	// Devices are reached: targeted and of the policy's platform. Targeted
	// devices are reached by the assignments whatever their platform.
	Devices  int `json:"devices"`
	Targeted int `json:"targeted"`
	// Users are hit by a target and not excluded.
	Users int `json:"users"`
	// List holds the managed device ids, when asked for.
	List []string `json:"list,omitempty"`
}

// lookupError is a question about something that does not exist.
type lookupError struct{ text string }

func (e *lookupError) Error() string { return e.text }

// Targeting tells whether a policy or script reaches a device, and why. The
// policy is named by id or display name, the device by managed device id, object
// id, deviceId or name.
func (s *Server) Targeting(policy, device string) (TargetingAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	a, err := s.findAssignee(policy)
	if err != nil {
		return TargetingAnswer{}, err
	}
	i, err := s.anyDevice(device)
	if err != nil {
		return TargetingAnswer{}, err
	}
	return s.explain(a, i), nil
}

// EffectivePolicies lists the policies and scripts that reach a device.
func (s *Server) EffectivePolicies(device string) ([]PolicyRef, error) {
	answers, err := s.explainAll(device)
	out := []PolicyRef{}
	for _, a := range answers {
		if a.Reaches {
			out = append(out, a.Policy)
		}
	}
	return out, err
}

// Reached lists the managed device ids that a policy or script reaches, in the
// order of the fleet.
func (s *Server) Reached(policyID string) ([]string, error) {
	answer, err := s.policyTargeting(policyID, true)
	return answer.List, err
}

// controlTargeting is GET /_sim/targeting?policy=&device=.
func (s *Server) controlTargeting(r *http.Request) (any, error) {
	q := r.URL.Query()
	for _, name := range sortedKeys(q) {
		if !slices.Contains([]string{"policy", "device", "list", "all"}, name) {
			return nil, fmt.Errorf("targeting: parameter %q is not known: write policy, device, list=true (with a policy alone) or all=true (with a device alone)", name)
		}
	}
	policy, device := q.Get("policy"), q.Get("device")
	switch {
	case policy != "" && device != "":
		return s.Targeting(policy, device)
	case policy != "":
		return s.policyTargeting(policy, q.Get("list") == "true")
	case device == "":
		return nil, fmt.Errorf("targeting: name a policy, a device or both: /_sim/targeting?policy=…&device=…")
	case q.Get("all") == "true":
		answers, err := s.explainAll(device)
		return object{"targeting": answers}, err
	default:
		reached, err := s.EffectivePolicies(device)
		return object{"policies": reached}, err
	}
}

func (s *Server) explainAll(device string) ([]TargetingAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	i, err := s.anyDevice(device)
	if err != nil {
		return nil, err
	}
	out := []TargetingAnswer{}
	for _, a := range s.everyAssignee() {
		out = append(out, s.explain(a, i))
	}
	return out, nil
}

func (s *Server) policyTargeting(policy string, list bool) (PolicyTargeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	a, err := s.findAssignee(policy)
	if err != nil {
		return PolicyTargeting{}, err
	}
	reach := s.reachOf(a)
	out := PolicyTargeting{Policy: refOf(a), Targeted: reach.Count()}
	assignments := a.effective()
	for u := range s.users {
		out.Users += boolInt(s.userHit(assignments, int32(u)))
	}
	reach.Each(func(i int) {
		if d := &s.fleet.devices[i]; d.platform&platformOf(a) != 0 {
			out.Devices++
			if list {
				out.List = append(out.List, d.managedID.String())
			}
		}
	})
	return out, nil
}

// everyAssignee lists policies, then scripts, in the order of their creation.
func (s *Server) everyAssignee() []assignee {
	var out []assignee
	for _, p := range s.everyPolicy() {
		out = append(out, p)
	}
	for _, r := range s.remediations.All() {
		out = append(out, r)
	}
	return out
}

func refOf(a assignee) PolicyRef {
	switch a := a.(type) {
	case *remediation:
		return PolicyRef{Ref{a.ID, a.displayName}, "deviceHealthScript"}
	case *policy:
		kinds := map[string]string{"": "configurationPolicy", admxBaseType: "groupPolicyConfiguration", intentBaseType: "intent"}
		return PolicyRef{Ref{a.id.String(), a.name}, kinds[a.shadowOf]}
	default: // there is no third kind
		panic(fmt.Sprintf("tenantsim: %T has no name for people", a))
	}
}

// platformOf are the platforms an assignee is for; scripts run on Windows only.
func platformOf(a assignee) platform {
	if p, isPolicy := a.(*policy); isPolicy {
		return p.platforms
	}
	return platformWindows
}

func (s *Server) findAssignee(nameOrID string) (assignee, error) {
	var found []assignee
	var ids []string
	for _, a := range s.everyAssignee() {
		switch ref := refOf(a); nameOrID {
		case ref.ID:
			return a, nil
		case ref.Name:
			found, ids = append(found, a), append(ids, ref.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, &lookupError{fmt.Sprintf("policy %q does not exist: GET /_sim/dump lists policies and remediations", nameOrID)}
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("policy %q names %d objects: write one of the ids %s", nameOrID, len(found), strings.Join(ids, ", "))
	}
}

// anyDevice finds a device by managed device id, object id, deviceId or name. A
// re-enrolled device has two records of one name: the newer counts.
func (s *Server) anyDevice(key string) (int32, error) {
	if id, ok := ids.ParseGUID(key); ok {
		if i, found := s.managed[id]; found {
			return i, nil
		}
		if i, found := s.objects[id]; found && int(i) >= len(s.users) {
			return i - int32(len(s.users)), nil
		}
		if i, found := s.entra[id]; found {
			return i, nil
		}
	}
	for i := range s.fleet.devices {
		if s.device(int32(i)).name() == key {
			return int32(i), nil
		}
	}
	return 0, &lookupError{fmt.Sprintf("device %q does not exist: write a managed device id, an object id, a deviceId or a name; GET /_sim/dump?devices=true lists them", key)}
}

// explain applies contract-2 y.4 to one device, step by step.
func (s *Server) explain(a assignee, i int32) TargetingAnswer {
	v := s.device(i)
	out := TargetingAnswer{Policy: refOf(a), Device: DeviceRef{Name: v.name(), ObjectID: v.d.objectID.String(), DeviceID: v.d.deviceID.String()},
		Enrolled: isEnrolled(v.d), Platform: v.d.platform&platformOf(a) != 0, Users: []UserTargeting{}, Targets: []TargetReason{},
		AssignmentsArrive: lateOf(a)}
	if out.Enrolled {
		out.Device.ManagedDeviceID = v.d.managedID.String()
	}
	assignments := a.effective()
	for _, target := range assignments {
		out.Targets = append(out.Targets, s.targetReason(target, i))
	}
	device := len(s.users) + int(i)
	out.DeviceHit, out.DeviceOut = s.hitThrough(assignments, i, device), s.excluded(assignments, device)
	applies := out.DeviceHit && !out.DeviceOut
	for _, u := range s.usersOf(i) {
		one := UserTargeting{Ref{s.users[u].id.String(), s.userPrincipalName(u)}, s.hitThrough(assignments, i, int(u)), s.excluded(assignments, int(u))}
		out.Users = append(out.Users, one)
		out.UserHit, out.UserOut = out.UserHit || one.Hit, out.UserOut || one.Out
		applies = applies || one.Hit && !one.Out
	}
	out.Reaches = applies && out.Enrolled && out.Platform
	out.Why = out.words(applies)
	return out
}

// hitThrough: an include target whose filter lets the device through names the
// user or device.
func (s *Server) hitThrough(assignments []assignment, i int32, index int) bool {
	return slices.ContainsFunc(assignments, func(a assignment) bool {
		return a.kind != targetExclude && s.names(a, index) && s.admits(a, i)
	})
}

func (t *TargetingAnswer) words(applies bool) string {
	switch {
	case t.Reaches && t.DeviceHit && !t.DeviceOut:
		return "an include target holds the device and no exclusion does"
	case t.Reaches:
		return "an include target holds a user of the device and no exclusion holds that user"
	case !t.Enrolled:
		return "Intune does not manage the device"
	case applies:
		return "the policy is for another platform"
	case len(t.Targets) == 0:
		return "the policy has no assignments that Intune knows"
	case t.UserHit || t.DeviceHit:
		return "every hit is excluded by a group of its own kind"
	case slices.ContainsFunc(t.Targets, TargetReason.filteredOut):
		return "the filter of the target does not let the device through"
	default:
		return "no include target holds the device or a user of it, as far as Intune knows"
	}
}

// filteredOut: only the filter keeps the device from being hit.
func (t TargetReason) filteredOut() bool {
	return t.Filter != nil && !t.Filter.LetsThrough && slices.ContainsFunc(t.Members, func(m MemberReason) bool { return m.Intune })
}

func lateOf(a assignee) *time.Time {
	late := &arrivals{}
	switch a := a.(type) {
	case *policy:
		late = &a.late
	case *remediation:
		late = &a.late
	}
	if late.pending == 0 {
		return nil
	}
	at := late.last.UTC()
	return &at
}

func (s *Server) targetReason(a assignment, i int32) TargetReason {
	out := TargetReason{Kind: strings.TrimPrefix(string(a.kind), "#microsoft.graph."), Members: []MemberReason{}}
	v := s.device(i)
	stands := []MemberReason{{Ref: Ref{v.d.objectID.String(), v.name()}, Kind: "device"}}
	indices := []int{len(s.users) + int(i)}
	for _, u := range s.usersOf(i) {
		stands = append(stands, MemberReason{Ref: Ref{s.users[u].id.String(), s.userPrincipalName(u)}, Kind: "user"})
		indices = append(indices, int(u))
	}
	for k, m := range stands {
		if m = s.memberReason(a, m, indices[k]); m.Entra || m.Intune {
			out.Members = append(out.Members, m)
		}
	}
	if a.kind == targetGroup || a.kind == targetExclude {
		out.Group = s.targetGroupAnswer(a.group)
	}
	if f := s.filters.Get(a.filterID); f != nil && a.filterType != "none" {
		out.Filter = &FilterVerdict{Ref{f.ID, f.displayName}, a.filterType, f.devicesOf(s).Has(int(i)), s.admits(a, i)}
	}
	return out
}

func (s *Server) targetGroupAnswer(id ids.GUID) *TargetGroup {
	g := s.targetGroup(id)
	if g == nil {
		return &TargetGroup{Ref: Ref{ID: id.String()}, Unknown: true}
	}
	return &TargetGroup{Ref: Ref{id.String(), g.displayName}, Deleted: !g.deleted.IsZero(), Dynamic: g.dynamic(), Unknown: s.groups[id] == nil}
}

// memberReason compares the directory with what Intune knows.
func (s *Server) memberReason(a assignment, m MemberReason, index int) MemberReason {
	m.Intune = s.names(a, index)
	if a.kind != targetGroup && a.kind != targetExclude {
		m.Entra = m.Intune
		return m
	}
	g := s.targetGroup(a.group)
	if g == nil {
		return m
	}
	path := g.pathTo(index, (*group).directoryView)
	m.Entra = path != nil && s.groups[a.group] != nil
	if path == nil {
		path = g.pathTo(index, (*group).knownView)
	}
	m.Path = path
	if m.Entra != m.Intune {
		m.Arrives = g.lastArrival()
	}
	return m
}

// directoryView is who is in a group, without the groups below, by the truth.
func (g *group) directoryView() membership {
	if !g.deleted.IsZero() {
		return membership{}
	}
	return membership{g.direct, g.nested}
}

// pathTo names the groups from g to the nearest one that holds a member itself,
// nil if none does.
func (g *group) pathTo(index int, view func(*group) membership) []string {
	type step struct {
		group *group
		path  []string
	}
	seen, queue := map[*group]bool{g: true}, []step{{g, []string{g.displayName}}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		m := view(at.group)
		if m.direct.Has(index) {
			return at.path
		}
		for _, n := range m.nested {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, step{n, append(slices.Clone(at.path), n.displayName)})
			}
		}
	}
	return nil
}

// lastArrival is when Intune will know the newest members of the group and of
// those below it.
func (g *group) lastArrival() *time.Time {
	var last time.Time
	seen, queue := map[*group]bool{g: true}, []*group{g}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at.late.pending > 0 && at.late.last.After(last) {
			last = at.late.last
		}
		for _, n := range append(slices.Clone(at.nested), at.knownView().nested...) {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	last = last.UTC()
	return &last
}
