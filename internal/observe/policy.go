// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
)

// Policy completes a view with what the tenant shows, as far as its stage needs it. A part that cannot be read says so; what
// rests on it is not looked for.
func Policy(ctx context.Context, src PolicySource, c *Catalogs, self Owner, v plan.View) plan.View {
	switch v.Stage {
	case plan.StageRollback:
		v.Objects = Recorded(ctx, src, v.Records(), self, v.At)
		return v
	case plan.StageWhole:
		if v.Catalog = catalogOf(ctx, src, c, &v); v.Catalog.Err != nil || v.Catalog.Blocked {
			return v
		}
		groups, err := ResolveGroups(ctx, src, v.Policy.Spec.Population.Groups())
		if v.Population = (plan.Population{Include: groups.Include, Exclude: groups.Exclude, Err: err}); err != nil {
			return v
		}
		v.Want = plan.Want(v.Policy, v.Catalog.Payloads, v.Audience(), func(key plan.Key) string { return self.describe(v.Policy, key) })
	}
	v.Objects, v.Others, v.ListErr = Objects(ctx, src, v.Records(), v.Want, self, v.At)
	return v
}

// catalogOf finds the settings of a policy in the tenant's catalog.
func catalogOf(ctx context.Context, src PolicySource, c *Catalogs, v *plan.View) plan.Catalog {
	s := &v.Policy.Spec
	tenant := types.NamespacedName{Namespace: v.Policy.Namespace, Name: s.TenantRef.Name}
	defs, err := c.Definitions(ctx, tenant, src, v.At)
	if err != nil {
		return plan.Catalog{Err: err}
	}
	res := settings.Resolve(settings.Request{
		Settings: s.Settings, Platforms: s.Platforms, Scope: s.Scope, Mode: s.Mode, OnMissing: s.OnMissingSetting,
		PrerequisiteEdge: s.Prerequisites.Edge, Catalog: defs,
	})
	if res.Blocked {
		c.Drop(tenant) // the next look asks the tenant again: the remedy may be there
	}
	return plan.Catalog{Resolution: res}
}
