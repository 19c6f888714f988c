// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
)

const (
	idA = "aaaaaaaa-0000-4000-8000-000000000001"
	idB = "aaaaaaaa-0000-4000-8000-000000000002"
	idC = "aaaaaaaa-0000-4000-8000-000000000003"
)

func byID(ids ...string) []v1alpha1.GroupRef {
	var out []v1alpha1.GroupRef
	for _, id := range ids {
		out = append(out, v1alpha1.GroupRef{ID: id})
	}
	return out
}

// TestResolveGroup: a reference is one group, or a refusal that says what is wrong and what helps.
func TestResolveGroup(t *testing.T) {
	src := &tenant{groups: []graph.Group{{ID: idA, DisplayName: "Pilots"}, {ID: idC, DisplayName: "Twins"}, {ID: idB, DisplayName: "Twins"}}}
	for i := range 7 {
		src.groups = append(src.groups, graph.Group{ID: fmt.Sprintf("aaaaaaaa-0000-4000-8000-10000000000%d", i), DisplayName: "Many"})
	}
	for _, tt := range []struct {
		ref    v1alpha1.GroupRef
		id     string
		reason string
		parts  []string
	}{
		{v1alpha1.GroupRef{ID: idA}, idA, "", nil},
		{v1alpha1.GroupRef{ID: strings.ToUpper(idA)}, idA, "", nil},
		{v1alpha1.GroupRef{DisplayName: "Pilots"}, idA, "", nil},
		{v1alpha1.GroupRef{ID: "gone"}, "", v1alpha1.ReasonGroupNotFound, []string{"group gone does not exist", "check the id"}},
		{v1alpha1.GroupRef{DisplayName: "pilots"}, "", v1alpha1.ReasonGroupNotFound, []string{`"pilots"`, "create it, or correct the name"}},
		{v1alpha1.GroupRef{DisplayName: "Twins"}, "", v1alpha1.ReasonGroupAmbiguous, []string{"2 groups", `"Twins"`, "by id (" + idB + ", " + idC + ")"}},
		{v1alpha1.GroupRef{DisplayName: "Many"}, "", v1alpha1.ReasonGroupAmbiguous, []string{"7 groups", "000004, …)"}},
	} {
		id, err := ResolveGroup(t.Context(), src, tt.ref)
		var refused *Refusal
		if id != tt.id || (err == nil) != (tt.reason == "") || err != nil && (!errors.As(err, &refused) || refused.Reason != tt.reason) {
			t.Errorf("%s: %q, %v", tt.ref, id, err)
		}
		for _, part := range tt.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: want %q in %v", tt.ref, part, err)
			}
		}
	}
	for _, name := range []string{"Group", "GroupsByDisplayName"} {
		src := &tenant{fail: map[string]error{name: errAway}}
		ref := map[string]v1alpha1.GroupRef{"Group": {ID: idA}, "GroupsByDisplayName": {DisplayName: "Pilots"}}[name]
		if id, err := ResolveGroup(t.Context(), src, ref); id != "" || !errors.Is(err, errAway) {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

// lenient lets every device of the simulated fleet through.
func lenient(inv *fleet.Inventory) diagnosis.Rules {
	return diagnosis.Rules{
		Windows: "1", MacOS: "1", Edge: "1", Encryption: v1alpha1.EncryptionIgnore, MaxOffline: 10000 * time.Hour, AsOf: inv.AsOf,
		Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS},
	}
}

func nobody(audience.ID) bool { return false }

// TestResolveAudience: groups, exclusions, slice, earlier waves and prerequisites, in this order.
func TestResolveAudience(t *testing.T) {
	inv, fleetDevices := readFleet(t)
	rules := lenient(inv)
	var member []graph.Member
	for _, d := range fleetDevices[:30] {
		member = append(member, graph.Member{ID: d.ObjectID.String(), Kind: graph.MemberDevice})
	}
	src := &tenant{
		groups: []graph.Group{{ID: idA}, {ID: idB}, {ID: idC}},
		members: map[string][]graph.Member{
			idA: member,
			idB: {{ID: "whatever", Kind: "servicePrincipal"}, {ID: fleetDevices[0].ObjectID.String(), Kind: graph.MemberDevice}, {ID: fleetDevices[40].ObjectID.String(), Kind: graph.MemberDevice}},
			idC: append(slices.Clone(member[:4]), graph.Member{ID: "aaaaaaaa-0000-4000-8000-0000000000ff", Kind: graph.MemberDevice}),
		},
	}
	resolve := func(a v1alpha1.Audience, r diagnosis.Rules, taken func(audience.ID) bool) audience.Candidates {
		t.Helper()
		c, err := ResolveAudience(t.Context(), src, inv, v1alpha1.UnitDevice, &a, "salt", r, taken)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	of := func(include, exclude []v1alpha1.GroupRef) v1alpha1.Audience {
		return v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Include: include, Exclude: exclude}}
	}
	sorted := func(ids []audience.ID) []audience.ID {
		return slices.SortedFunc(slices.Values(ids), audience.ID.Compare)
	}

	all := resolve(of(byID(idA), nil), rules, nobody)
	if len(all.Targeted) != 30 || len(all.Eligible) != 30 || all.Ineligible != nil {
		t.Fatalf("%d targeted, %d eligible, %v", len(all.Targeted), len(all.Eligible), all.Ineligible)
	}
	// A device that two groups have is one.
	if both := resolve(of(byID(idA, idB), nil), rules, nobody); len(both.Targeted) != 31 {
		t.Errorf("%d targeted, want 31", len(both.Targeted))
	}
	// Exclusion wins, and a device that the inventory does not have is targeted and not eligible.
	if got := resolve(of(byID(idA), byID(idC)), rules, nobody); len(got.Targeted) != 26 || len(got.Excluded) != 5 {
		t.Errorf("%d targeted", len(got.Targeted))
	}
	strange := resolve(of(byID(idC), nil), rules, nobody)
	if want := []v1alpha1.ReasonCount{{Reason: diagnosis.ReasonNotManaged, Count: 1}}; len(strange.Targeted) != 5 || len(strange.Eligible) != 4 || !slices.Equal(strange.Ineligible, want) {
		t.Errorf("%d targeted, %d eligible, %v", len(strange.Targeted), len(strange.Eligible), strange.Ineligible)
	}
	// The slice is that of package audience, and what an earlier wave has is no longer there to take.
	sliced := of(byID(idA), nil)
	sliced.Slice = &v1alpha1.Slice{Count: ptr.To[int32](10)}
	ten := resolve(sliced, rules, nobody)
	if want := audience.Slice(sorted(all.Targeted), "salt", sliced.Slice); !slices.Equal(ten.Targeted, want) {
		t.Errorf("slice %v, want %v", ten.Targeted, want)
	}
	taken := ten.Targeted[:3]
	rest := resolve(sliced, rules, func(id audience.ID) bool { return slices.Contains(taken, id) })
	if !slices.Equal(rest.Targeted, ten.Targeted[3:]) {
		t.Errorf("an earlier wave's devices are taken from the slice: %d", len(rest.Targeted))
	}
	// Prerequisites that some miss are counted by reason, in order.
	strict := rules
	strict.Windows, strict.MacOS = "99", "99"
	strict.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows}
	none := resolve(of(byID(idA, idC), nil), strict, nobody)
	total := int32(0)
	for _, c := range none.Ineligible {
		total += c.Count
	}
	if len(none.Eligible) != 0 || total != 31 || !slices.IsSortedFunc(none.Ineligible, func(a, b v1alpha1.ReasonCount) int { return strings.Compare(a.Reason, b.Reason) }) || len(none.Ineligible) < 2 {
		t.Errorf("%v", none.Ineligible)
	}
}

// TestResolveAudienceFails: what cannot be read makes no audience. Members of whom it cannot be told who they are are no empty
// group, and nobody is exposed while they may be excluded.
func TestResolveAudienceFails(t *testing.T) {
	inv := &fleet.Inventory{}
	for name, tt := range map[string]struct {
		src   *tenant
		parts []string
	}{
		"include is missing": {&tenant{groups: []graph.Group{{ID: idB}}}, []string{idA}},
		"exclude is missing": {&tenant{groups: []graph.Group{{ID: idA}}}, []string{idB}},
		"members are away":   {&tenant{groups: []graph.Group{{ID: idA}, {ID: idB}}, fail: map[string]error{"TransitiveMembers": errAway}}, []string{errAway.Error()}},
		"device id": {&tenant{groups: []graph.Group{{ID: idA}, {ID: idB}}, members: map[string][]graph.Member{idA: {{ID: "pc-1", Kind: graph.MemberDevice}}}},
			[]string{"selects nobody but 1 members", "take them out of the groups"}},
		"user id": {&tenant{groups: []graph.Group{{ID: idA}, {ID: idB}}, members: map[string][]graph.Member{idB: {{ID: "jo", Kind: graph.MemberUser}}}},
			[]string{"1 members of the groups that are excluded cannot be read", "exclude other groups"}},
	} {
		a := v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Include: byID(idA), Exclude: byID(idB)}}
		c, err := ResolveAudience(t.Context(), tt.src, inv, v1alpha1.UnitDevice, &a, "s", diagnosis.Rules{}, nobody)
		if err == nil || c.Targeted != nil || c.Eligible != nil {
			t.Errorf("%s: %+v, %v", name, c, err)
			continue
		}
		for _, part := range tt.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: want %q in %v", name, part, err)
			}
		}
	}
}
