// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/fleet"
)

// Population is everyone that a rollout is about, resolved.
type Population struct {
	// All: everyone less the excluded; Include is empty then.
	All bool
	Groups
	// Unit is of what kind the members are.
	Unit v1alpha1.Unit
	// Hidden names the groups of which the members may not be listed: with one of them the members are not known.
	Hidden []string
	// Paused names the dynamic groups that follow their rule no more.
	Paused []string
	// Unreadable is how many members the included groups have of whom it cannot be told who they are, UnreadableExcluded how
	// many the excluded ones.
	Unreadable, UnreadableExcluded int

	included, excluded []audience.ID
}

// Complete says whether the members are known.
func (p *Population) Complete() bool { return len(p.Hidden) == 0 }

// ResolvePopulation resolves and reads the groups of a population. A group that does not exist, is named ambiguously or
// is of another kind than the unit is a *Refusal; one that fails fails the whole, so that a target is never silently
// narrower or wider than written. nil is no population.
func ResolvePopulation(ctx context.Context, src MemberSource, p *v1alpha1.Population, unit v1alpha1.Unit) (Population, error) {
	out := Population{Unit: unit}
	if p == nil {
		return out, nil
	}
	out.All = p.All
	for _, part := range []struct {
		refs []v1alpha1.GroupRef
		ids  *[]string
		who  *[]audience.ID
		odd  *int
	}{{p.Include, &out.Include, &out.included, &out.Unreadable}, {p.Exclude, &out.Exclude, &out.excluded, &out.UnreadableExcluded}} {
		for _, ref := range part.refs {
			m, err := CheckKind(ctx, src, ref, unit)
			if err != nil {
				return Population{}, err
			}
			*part.ids = append(*part.ids, m.Group.ID)
			*part.who = append(*part.who, m.Of(unit)...)
			*part.odd += m.Unreadable
			out.Hidden, out.Paused = append(out.Hidden, m.Hidden...), append(out.Paused, m.Paused...)
		}
		slices.Sort(*part.ids)
		*part.ids = slices.Compact(*part.ids)
	}
	return out, nil
}

// Members are the members of the population, sorted: those of the included groups, or everyone, less those of the excluded
// ones. Everyone is for unit Device every device that Intune manages, and for unit User everybody who is the primary user
// of one: Intune's own All devices and All users have no list, and a person without a device holds nothing.
func (p *Population) Members(inv *fleet.Inventory) []audience.ID {
	all := p.included
	if p.All {
		all = everyone(inv, p.Unit)
	}
	return without(all, p.excluded)
}

func everyone(inv *fleet.Inventory, unit v1alpha1.Unit) []audience.ID {
	var ids []audience.ID
	for d := range inv.All() {
		if !d.Managed() {
			continue
		}
		if unit != v1alpha1.UnitUser {
			ids = append(ids, d.ObjectID)
		} else if id, err := audience.ParseID(d.UserID); err == nil {
			ids = append(ids, id) // an id that does not parse is that of no user
		}
	}
	return ids
}

// without returns the ids that are not among the excluded, sorted, each once.
func without(ids, excluded []audience.ID) []audience.ID {
	out := make(map[audience.ID]bool, len(excluded))
	for _, id := range excluded {
		out[id] = true
	}
	kept := make([]audience.ID, 0, len(ids))
	for _, id := range ids {
		if !out[id] {
			kept = append(kept, id)
		}
	}
	slices.SortFunc(kept, audience.ID.Compare)
	return slices.Compact(kept)
}
