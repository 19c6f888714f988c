// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

// TestPromise01_OutsideThePopulation: whom a wave selects and its policy's population does not have is not exposed: the hold of
// another policy may be what they have.
func TestPromise01_OutsideThePopulation(t *testing.T) {
	hiding := graph.Group{ID: idC, DisplayName: "Board", Visibility: "HiddenMembership"}
	odd := graph.Member{ID: "pc-1", Kind: graph.MemberDevice}
	id := func(n int) audience.ID { return audience.ID{15: byte(n)} }
	member := func(n int) graph.Member { return graph.Member{ID: id(n).String(), Kind: graph.MemberDevice} }
	for name, tt := range map[string]struct {
		population *v1alpha1.Population
		members    []graph.Member // of the population's group
		eligible   []audience.ID
		reason     string
		missing    bool
		fail       map[string]error
	}{
		"some":                       {population: &v1alpha1.Population{Include: byID(idB)}, members: []graph.Member{member(1), member(9)}, eligible: []audience.ID{id(1)}, reason: diagnosis.ReasonOutsidePopulation},
		"all inside":                 {population: &v1alpha1.Population{Include: byID(idB)}, members: []graph.Member{member(1), member(2), member(3)}, eligible: []audience.ID{id(1), id(2), id(3)}},
		"unreadable":                 {population: &v1alpha1.Population{Include: byID(idB)}, members: []graph.Member{member(1), odd}, eligible: []audience.ID{id(1)}, reason: diagnosis.ReasonPopulationUnknown},
		"hidden":                     {population: &v1alpha1.Population{Include: byID(idB, idC)}, members: []graph.Member{member(1)}, eligible: []audience.ID{id(1)}, reason: diagnosis.ReasonPopulationUnknown},
		"everyone":                   {population: &v1alpha1.Population{All: true}, eligible: []audience.ID{id(1), id(2), id(3)}},
		"none":                       {eligible: []audience.ID{id(1), id(2), id(3)}},
		"the same group is not read": {population: &v1alpha1.Population{Include: byID(idA, idB)}, eligible: []audience.ID{id(1), id(2), id(3)}, fail: map[string]error{"TransitiveMembers": errAway}},
		"cannot be read":             {population: &v1alpha1.Population{Include: byID(idB)}, missing: true, fail: map[string]error{"TransitiveMembers": errAway}},
	} {
		t.Run(name, func(t *testing.T) {
			src := &tenant{groups: []graph.Group{{ID: idA}, {ID: idB}, hiding}, members: map[string][]graph.Member{idB: tt.members}, fail: tt.fail}
			c := audience.Candidates{
				Targeted: []audience.ID{id(1), id(2), id(3), id(4)}, Eligible: []audience.ID{id(1), id(2), id(3)},
				Ineligible: []v1alpha1.ReasonCount{{Reason: diagnosis.ReasonNotManaged, Count: 1}},
			}
			err := keepInside(t.Context(), src, tt.population, byID(idA), v1alpha1.UnitDevice, &c)
			if tt.missing {
				if !errors.Is(err, errAway) {
					t.Errorf("%v", err)
				}
				return
			}
			want := []v1alpha1.ReasonCount{{Reason: diagnosis.ReasonNotManaged, Count: 1}}
			if tt.reason != "" {
				want = append(want, v1alpha1.ReasonCount{Reason: tt.reason, Count: 2})
			}
			if err != nil || !slices.Equal(c.Eligible, tt.eligible) || !slices.Equal(c.Ineligible, want) || len(c.Targeted) != 4 {
				t.Errorf("%v, %v, %v", c.Eligible, c.Ineligible, err)
			}
		})
	}
}
