// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// keepInside takes whom the population of the policy does not have from the eligible: hold does not reach them, the rollout does
// not count them, and the hold of another policy may be what they have (P1 over all policies of a tenant). Of a population whose
// members are hidden it is not known who is in it: whoever cannot be seen there is not exposed either (P4).
func keepInside(ctx context.Context, src MemberSource, p *v1alpha1.Population, include []v1alpha1.GroupRef, unit v1alpha1.Unit, c *audience.Candidates) error {
	if p == nil || p.All || allOf(include, p.Include) {
		return nil
	}
	population, err := ResolvePopulation(ctx, src, &v1alpha1.Population{Include: p.Include}, unit)
	if err != nil {
		return err
	}
	inside := make(map[audience.ID]bool, len(population.included))
	for _, id := range population.included {
		inside[id] = true
	}
	reason := diagnosis.ReasonOutsidePopulation
	if !population.Complete() || population.Unreadable > 0 {
		reason = diagnosis.ReasonPopulationUnknown
	}
	before := len(c.Eligible)
	c.Eligible = slices.DeleteFunc(c.Eligible, func(id audience.ID) bool { return !inside[id] })
	if n := before - len(c.Eligible); n > 0 {
		c.Ineligible = append(c.Ineligible, v1alpha1.ReasonCount{Reason: reason, Count: int32(n)})
		slices.SortFunc(c.Ineligible, byReason)
	}
	return nil
}

// allOf says that each of the groups is among others by the same name or id: their members are then there as well.
func allOf(groups, others []v1alpha1.GroupRef) bool {
	return !slices.ContainsFunc(groups, func(g v1alpha1.GroupRef) bool { return !slices.Contains(others, g) })
}
