// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
)

// ResolveAudience reads the groups of a wave and selects its members: union of the included groups less the excluded ones,
// then the slice, then less what earlier waves have taken (taken). Groups of another kind than the unit, or whose
// members are hidden so that nobody knows whom they select or exclude, are a *Refusal.
//
// A person is eligible when one of their devices is. Nobody else's device stands for them.
func ResolveAudience(ctx context.Context, src MemberSource, inv *fleet.Inventory, unit v1alpha1.Unit, a *v1alpha1.Audience, salt string, rules diagnosis.Rules, taken func(audience.ID) bool) (audience.Candidates, error) {
	groups, err := ResolvePopulation(ctx, src, &v1alpha1.Population{Include: a.Groups.Include}, unit)
	if err != nil {
		return audience.Candidates{}, err
	}
	excluded, err := ResolveExclusions(ctx, src, a, unit)
	if err != nil {
		return audience.Candidates{}, err
	}
	c := audience.Candidates{Hidden: groups.Hidden, Paused: groups.Paused, Excluded: excluded}
	all := without(groups.included, c.Excluded)
	if len(all) == 0 && !groups.Complete() {
		return audience.Candidates{}, hidden(groups.Hidden, "it selects nobody who can be seen")
	}
	if n := groups.Unreadable; len(all) == 0 && n > 0 {
		return audience.Candidates{}, &Refusal{v1alpha1.ReasonUnreadable, fmt.Sprintf(
			"it selects nobody but %d members of whom it cannot be told who they are: look for them in the tenant and take them out of the groups, or name other groups", n)}
	}
	reasons := map[string]int32{}
	if groups.Unreadable > 0 {
		reasons[v1alpha1.ReasonUnreadable] = int32(groups.Unreadable)
	}
	for _, id := range audience.Slice(all, salt, a.Slice) {
		if taken(id) {
			continue
		}
		c.Targeted = append(c.Targeted, id)
		if ok, reason, _ := Eligible(inv, unit, id, rules); ok {
			c.Eligible = append(c.Eligible, id)
		} else {
			reasons[reason]++
		}
	}
	c.Ineligible = reasonCounts(reasons)
	return c, nil
}

// ResolveExclusions are the members of the groups that an audience excludes, sorted. An exclusion acts at once, also in
// a running attempt (P2), so that it is a question of its own. Of those who are known to be excluded it says so also beside
// the error that there are others of whom it is not known.
func ResolveExclusions(ctx context.Context, src MemberSource, a *v1alpha1.Audience, unit v1alpha1.Unit) ([]audience.ID, error) {
	var all []audience.ID
	var trouble error
	var notListed []string
	odd := 0
	for _, ref := range a.Groups.Exclude { // one that cannot be read hides none of the others
		excluded, err := ResolvePopulation(ctx, src, &v1alpha1.Population{Include: []v1alpha1.GroupRef{ref}}, unit)
		trouble = cmp.Or(trouble, err)
		all, notListed, odd = append(all, excluded.included...), append(notListed, excluded.Hidden...), odd+excluded.Unreadable
	}
	who := without(all, nil)
	switch {
	case trouble != nil:
		return who, trouble
	case len(notListed) > 0:
		return who, hidden(notListed, "whom it excludes is not known")
	case odd > 0:
		return who, &Refusal{v1alpha1.ReasonUnreadable, fmt.Sprintf(
			"%d members of the groups that are excluded cannot be read, so that it is not known whom these groups exclude: look for them in the tenant and take them out of the groups, or exclude other groups", odd)}
	}
	return who, nil
}

// Eligible says whether a wave may expose a device, or a person of unit User, by what the inventory knows.
func Eligible(inv *fleet.Inventory, unit v1alpha1.Unit, id audience.ID, rules diagnosis.Rules) (eligible bool, reason, detail string) {
	if unit == v1alpha1.UnitUser {
		return diagnosis.UserEligibility(deviceFacts(inv, id), rules)
	}
	return diagnosis.Eligibility(inv.Facts(id), rules)
}

// Unreachable says whether no policy object can reach a device, or any device of a person, and by which reason (P17).
func Unreachable(inv *fleet.Inventory, unit v1alpha1.Unit, id audience.ID, rules diagnosis.Rules) (reason string, out bool) {
	if unit == v1alpha1.UnitUser {
		return diagnosis.UserUnreachable(deviceFacts(inv, id), rules)
	}
	return diagnosis.Unreachable(inv.Facts(id), rules)
}

// deviceFacts are the facts of each device of which a person is the primary user.
func deviceFacts(inv *fleet.Inventory, user audience.ID) []diagnosis.Facts {
	devices := inv.ByUser(user)
	facts := make([]diagnosis.Facts, len(devices))
	for i, id := range devices {
		facts[i] = inv.Facts(id)
	}
	return facts
}

func hidden(groups []string, why string) *Refusal {
	return &Refusal{v1alpha1.ReasonMembersHidden, fmt.Sprintf(
		"the members of %s are hidden (visibility HiddenMembership): %s. Name a security group instead", strings.Join(groups, ", "), why)}
}

func reasonCounts(reasons map[string]int32) []v1alpha1.ReasonCount {
	var list []v1alpha1.ReasonCount
	for reason, n := range reasons {
		list = append(list, v1alpha1.ReasonCount{Reason: reason, Count: n})
	}
	slices.SortFunc(list, byReason)
	return list
}

func byReason(x, y v1alpha1.ReasonCount) int { return cmp.Compare(x.Reason, y.Reason) }
