// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
)

// Policy completes a view with what the tenant shows, as far as its stage needs it. A part that cannot be read says so; what
// rests on it is not looked for. The revisions of the view are decided before: what the settings resolve to, see Settings, is
// no part of this look. n are the neighbours of the policy, list the policies of the tenant; nil has them listed where the stage
// needs them.
func Policy(ctx context.Context, src PolicySource, self Owner, n Neighbours, list *Listing, v plan.View) plan.View {
	switch v.Stage {
	case plan.StageRollback:
		v.Objects = Recorded(ctx, src, v.Records(), self, v.At)
		return v
	case plan.StageWhole:
		spec := &v.Policy.Spec
		population, err := ResolvePopulation(ctx, src, spec.Population, spec.UnitOrDefault())
		if v.Population = (plan.Population{Include: population.Include, Exclude: population.Exclude, Err: err}); err != nil {
			return v
		}
		if v.Rivals, v.Population.Err = rivals(ctx, src, v.Policy, &population, &n); v.Population.Err != nil {
			return v
		}
		v.Want = plan.Want(v.Policy, v.Revisions, v.Population, v.Groups, func(key plan.Key) string { return self.describe(v.Policy, key) })
	case plan.StageRemoval: // nothing is wanted
	}
	if list == nil {
		found := List(ctx, src, v.Policy, v.At)
		list = &found
	}
	if v.ListErr = list.Err; v.ListErr != nil {
		return v
	}
	all := list.All
	v.Objects = Objects(ctx, src, all, v.Records(), v.Want, self, v.At)
	v.Others = otherOperators(all, self.Cluster)
	if v.Stage == plan.StageWhole {
		v.Rivals = append(v.Rivals, leftovers(all, self, v.Policy, &n)...)
	}
	return v
}

// Settings finds the settings of a policy in the tenant's catalog, and what its revisions pinned of it.
func Settings(ctx context.Context, src CatalogSource, c *Catalogs, p *v1alpha1.PasskeyPolicy, now time.Time) (settings.Resolution, error) {
	s := &p.Spec
	tenant := types.NamespacedName{Namespace: p.Namespace, Name: s.TenantRef.Name}
	defs, err := c.Definitions(ctx, tenant, src, now)
	if err != nil {
		return settings.Resolution{}, err
	}
	res := settings.Resolve(settings.Request{
		Settings: s.Settings, Platforms: s.Platforms, Scope: s.Scope, Mode: s.Mode, OnMissing: s.OnMissingSetting,
		PrerequisiteEdge: s.Prerequisites.Edge, Revisions: p.Status.Revisions, Catalog: defs,
	})
	if res.Blocked {
		c.Drop(tenant) // the next look asks the tenant again: the remedy may be there
	}
	return res, nil
}
