// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
)

const idNested = "aaaaaaaa-0000-4000-8000-0000000000aa"

// people and machines are n members of a kind; the ids of both begin at 1.
func people(n int) []graph.Member   { return some(n, graph.MemberUser, "bbbbbbbb") }
func machines(n int) []graph.Member { return some(n, graph.MemberDevice, "dddddddd") }

func some(n int, kind graph.MemberKind, head string) []graph.Member {
	var out []graph.Member
	for i := range n {
		out = append(out, graph.Member{ID: fmt.Sprintf("%s-0000-4000-8000-%012x", head, i+1), Kind: kind})
	}
	return out
}

func dynamic(rule string) graph.Group {
	return graph.Group{ID: idA, DisplayName: "G", GroupTypes: []string{"DynamicMembership"}, MembershipRule: rule, MembershipRuleProcessingState: "On"}
}

// TestCheckKind: a group holds what the unit wants, or is refused before anything is written; an empty one by its rule, and
// one that holds others in a nested group as well.
func TestCheckKind(t *testing.T) {
	plain := graph.Group{ID: idA, DisplayName: "G"}
	for name, c := range map[string]struct {
		group   graph.Group
		members []graph.Member
		nested  *graph.Group
		// device and user are what a refusal for that unit says was found; empty for none.
		device, user string
	}{
		"devices":            {group: plain, members: machines(20), user: "20 devices"},
		"one device":         {group: plain, members: machines(1), user: "1 device,"},
		"users":              {group: plain, members: people(30), device: "30 users"},
		"both":               {group: plain, members: slices.Concat(people(30), machines(20)), device: "30 users beside 20 devices", user: "20 devices beside 30 users"},
		"one user among":     {group: plain, members: slices.Concat(machines(20), people(1)), device: "1 user beside 20 devices", user: "20 devices beside 1 user"},
		"empty":              {group: plain},
		"others only":        {group: plain, members: []graph.Member{{ID: "x", Kind: graph.MemberOther}}},
		"empty device rule":  {group: dynamic(`(device.deviceOSType -eq "Windows")`), user: "by its rule devices"},
		"empty user rule":    {group: dynamic(`user.department -eq "IT"`), device: "by its rule users"},
		"quoted word":        {group: dynamic(`Device.displayName -startsWith "user.pc"`), user: "by its rule devices"},
		"direct reports":     {group: dynamic(`Direct Reports for "62e19b97-8b3d-4d4a-a106-4ce66896a863"`), device: "by its rule users"},
		"memberOf":           {group: dynamic(`user.memberof -any (group.objectId -in ['a'])`), device: "by its rule users"},
		"Microsoft 365":      {group: graph.Group{ID: idA, GroupTypes: []string{"Unified"}}, device: "by its rule users"},
		"users nested":       {group: plain, members: append(people(3), graph.Member{ID: idNested, Kind: graph.MemberGroup}), nested: &graph.Group{ID: idNested}, device: "3 users"},
		"empty rule nested":  {group: plain, members: append(machines(3), graph.Member{ID: idNested, Kind: graph.MemberGroup}), nested: &graph.Group{ID: idNested, MembershipRule: "user.x"}, device: "by its rule users", user: "3 devices"},
		"nested and deleted": {group: plain, members: append(machines(3), graph.Member{ID: idNested, Kind: graph.MemberGroup}), user: "3 devices"},
	} {
		src := &tenant{groups: []graph.Group{c.group}, members: map[string][]graph.Member{idA: c.members}}
		if c.nested != nil {
			src.groups = append(src.groups, *c.nested)
		}
		for unit, found := range map[v1alpha1.Unit]string{v1alpha1.UnitDevice: c.device, v1alpha1.UnitUser: c.user} {
			m, err := CheckKind(t.Context(), src, v1alpha1.GroupRef{ID: idA}, unit)
			var refused *Refusal
			if !errors.As(err, &refused) {
				if err != nil || found != "" || !m.Complete() || m.Group.ID != idA {
					t.Errorf("%s, %s: %+v, %v; want %q", name, unit, m, err, found)
				}
				continue
			}
			if found == "" || refused.Reason != v1alpha1.ReasonWrongKind || len(m.Devices)+len(m.Users) > 0 {
				t.Errorf("%s, %s: %v, want %q", name, unit, err, found)
			}
			wanted := map[v1alpha1.Unit]string{v1alpha1.UnitDevice: "wants devices only", v1alpha1.UnitUser: "wants users only"}[unit]
			for _, part := range []string{found, idA, "spec.unit " + string(unit), wanted} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s, %s: want %q in %v", name, unit, part, err)
				}
			}
		}
	}
}

// TestCheckKindUnknown: a list that may be short is no complete one, and a fault is no answer.
func TestCheckKindUnknown(t *testing.T) {
	hiding := graph.Group{ID: idA, DisplayName: "Board", GroupTypes: []string{"Unified"}, Visibility: "HiddenMembership"}
	src := &tenant{groups: []graph.Group{hiding}}
	m, err := CheckKind(t.Context(), src, v1alpha1.GroupRef{ID: idA}, v1alpha1.UnitUser)
	if err != nil || m.Complete() || !slices.Equal(m.Hidden, []string{"Board"}) {
		t.Errorf("hidden: %+v, %v", m, err)
	}
	src = &tenant{groups: []graph.Group{{ID: idB, DisplayName: "Staff"}, hiding}, members: map[string][]graph.Member{idB: append(people(4), graph.Member{ID: idA, Kind: graph.MemberGroup})}}
	m, err = CheckKind(t.Context(), src, v1alpha1.GroupRef{DisplayName: "Staff"}, v1alpha1.UnitUser)
	if err != nil || m.Complete() || len(m.Users) != 4 {
		t.Errorf("hidden in a nested group: %+v, %v", m, err)
	}
	paused := dynamic("device.x")
	paused.MembershipRuleProcessingState = "Paused"
	src = &tenant{groups: []graph.Group{paused}, members: map[string][]graph.Member{idA: machines(2)}}
	m, err = CheckKind(t.Context(), src, v1alpha1.GroupRef{ID: idA}, v1alpha1.UnitDevice)
	if err != nil || !m.Complete() || len(m.Paused) != 1 || len(m.Devices) != 2 {
		t.Errorf("paused: %+v, %v", m, err)
	}
	for _, call := range []string{"Group", "TransitiveMembers"} {
		src := &tenant{groups: []graph.Group{{ID: idA}}, fail: map[string]error{call: errAway}}
		if _, err := CheckKind(t.Context(), src, v1alpha1.GroupRef{ID: idA}, v1alpha1.UnitDevice); !errors.Is(err, errAway) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// TestResolvePopulation: sorted, each once, all or nothing, and of one kind in include and exclude.
func TestResolvePopulation(t *testing.T) {
	src := &tenant{groups: []graph.Group{{ID: idB, DisplayName: "b"}, {ID: idA, DisplayName: "a"}, {ID: idC, DisplayName: "c"}},
		members: map[string][]graph.Member{idA: machines(5), idB: machines(3), idC: machines(1)}}
	p := &v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: "b"}, {ID: idA}, {ID: idB}}, Exclude: []v1alpha1.GroupRef{{DisplayName: "c"}}}
	got, err := ResolvePopulation(t.Context(), src, p, v1alpha1.UnitDevice)
	if err != nil || !slices.Equal(got.Include, []string{idA, idB}) || !slices.Equal(got.Exclude, []string{idC}) || got.All || !got.Complete() {
		t.Errorf("%+v, %v", got, err)
	}
	if who := got.Members(&fleet.Inventory{}); len(who) != 4 || !slices.IsSortedFunc(who, audience.ID.Compare) {
		t.Errorf("members %v", who)
	}
	src.members[idC] = people(1)
	var refused *Refusal
	if got, err := ResolvePopulation(t.Context(), src, p, v1alpha1.UnitDevice); !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonWrongKind || got.Include != nil {
		t.Errorf("an exclusion of users: %+v, %v", got, err)
	}
	if got, err := ResolvePopulation(t.Context(), src, &v1alpha1.Population{Include: byID(idA), Exclude: byID("gone")}, v1alpha1.UnitDevice); err == nil || got.Include != nil {
		t.Errorf("one is missing: %+v, %v", got, err)
	}
	if got, err := ResolvePopulation(t.Context(), src, nil, v1alpha1.UnitDevice); err != nil || got.All || got.Include != nil {
		t.Errorf("none: %+v, %v", got, err)
	}
}

// TestPopulationOfEveryone: all devices that Intune manages, or the people who have one, less the excluded.
func TestPopulationOfEveryone(t *testing.T) {
	inv, devices := readFleet(t)
	owners := map[string]bool{}
	for _, d := range devices {
		owners[d.UserID] = true
	}
	for unit, c := range map[v1alpha1.Unit]struct {
		member graph.Member
		want   int
	}{
		v1alpha1.UnitDevice: {graph.Member{ID: devices[3].ObjectID.String(), Kind: graph.MemberDevice}, len(devices) - 1},
		v1alpha1.UnitUser:   {graph.Member{ID: devices[3].UserID, Kind: graph.MemberUser}, len(owners) - 1},
	} {
		src := &tenant{groups: []graph.Group{{ID: idA}}, members: map[string][]graph.Member{idA: {c.member}}}
		got, err := ResolvePopulation(t.Context(), src, &v1alpha1.Population{All: true, Exclude: byID(idA)}, unit)
		if err != nil || !got.All || len(got.Members(inv)) != c.want {
			t.Errorf("%s: %d members, want %d, %v", unit, len(got.Members(inv)), c.want, err)
		}
	}
}

// TestResolveAudienceOfUsers: people are selected and sliced, and one with a device that is fit is eligible.
func TestResolveAudienceOfUsers(t *testing.T) {
	inv, devices := readFleet(t)
	rules := lenient(inv)
	var members []graph.Member
	seen := map[string]bool{}
	for _, d := range devices {
		if !seen[d.UserID] {
			seen[d.UserID] = true
			members = append(members, graph.Member{ID: d.UserID, Kind: graph.MemberUser})
		}
	}
	members = append(members, people(2)...) // who have no device
	src := &tenant{groups: []graph.Group{{ID: idA}, {ID: idB}}, members: map[string][]graph.Member{idA: members, idB: members[:1]}}
	a := &v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Include: byID(idA), Exclude: byID(idB)}}
	c, err := ResolveAudience(t.Context(), src, inv, v1alpha1.UnitUser, a, "salt", rules, nobody)
	if err != nil {
		t.Fatal(err)
	}
	if want := []v1alpha1.ReasonCount{{Reason: diagnosis.ReasonNoDevice, Count: 2}}; len(c.Targeted) != len(members)-1 || len(c.Eligible) != len(members)-3 || !slices.Equal(c.Ineligible, want) {
		t.Errorf("%d targeted, %d eligible, %v", len(c.Targeted), len(c.Eligible), c.Ineligible)
	}
	rules.Edge = "999"
	c, err = ResolveAudience(t.Context(), src, inv, v1alpha1.UnitUser, a, "salt", rules, nobody)
	if err != nil || len(c.Eligible) != 0 || len(c.Ineligible) != 2 || c.Ineligible[0].Reason != diagnosis.ReasonEdgeTooOld {
		t.Errorf("%d eligible, %v, %v", len(c.Eligible), c.Ineligible, err)
	}
	var refused *Refusal
	if _, err := ResolveAudience(t.Context(), src, inv, v1alpha1.UnitDevice, a, "salt", rules, nobody); !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonWrongKind {
		t.Errorf("users for unit Device: %v", err)
	}
	person, err := audience.ParseID(people(1)[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if reason, out := Unreachable(inv, v1alpha1.UnitUser, person, rules); !out || reason != diagnosis.ReasonNoDevice {
		t.Errorf("a person without a device: %q, %t", reason, out)
	}
	if _, out := Unreachable(inv, v1alpha1.UnitDevice, devices[0].ObjectID, rules); out {
		t.Error("a device with an old Edge is out of reach")
	}
}

// TestPromise02_HiddenExclusion: whom an exclusion means is not known when its members are hidden; nobody is exposed then.
func TestPromise02_HiddenExclusion(t *testing.T) {
	hiding := graph.Group{ID: idB, DisplayName: "Board", Visibility: "HiddenMembership"}
	src := &tenant{groups: []graph.Group{{ID: idA}, hiding}, members: map[string][]graph.Member{idA: people(9), idB: people(2)}}
	for name, groups := range map[string]v1alpha1.GroupSelection{
		"excluded":          {Include: byID(idA), Exclude: byID(idB)},
		"alone, and nobody": {Include: byID(idB), Exclude: byID(idA)},
	} {
		_, err := ResolveAudience(t.Context(), src, &fleet.Inventory{}, v1alpha1.UnitUser, &v1alpha1.Audience{Groups: groups}, "s", diagnosis.Rules{}, nobody)
		var refused *Refusal
		if !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonMembersHidden || name == "excluded" && !strings.Contains(err.Error(), "Board") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := ResolveAudience(t.Context(), src, &fleet.Inventory{}, v1alpha1.UnitUser, &v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Include: byID(idB)}}, "s", diagnosis.Rules{}, nobody)
	if err != nil || len(c.Targeted) != 2 || len(c.Hidden) != 1 {
		t.Errorf("included: %+v, %v", c, err)
	}
}
