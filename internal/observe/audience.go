// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
)

// MemberSource reads the groups of an audience.
type MemberSource interface {
	GroupSource
	TransitiveMembers(ctx context.Context, groupID string) ([]graph.Member, error)
}

// ResolveAudience reads the groups of a wave and selects its devices: union of the included groups less the excluded ones,
// users standing for their devices, then the slice, then less what earlier waves have taken (taken).
func ResolveAudience(ctx context.Context, src MemberSource, inv *fleet.Inventory, a *v1alpha1.Audience, salt string, rules diagnosis.Rules, taken func(audience.ID) bool) (audience.Candidates, error) {
	include, err := members(ctx, src, inv, a.Groups.Include)
	if err != nil {
		return audience.Candidates{}, err
	}
	exclude, err := members(ctx, src, inv, a.Groups.Exclude)
	if err != nil {
		return audience.Candidates{}, err
	}
	all := make([]audience.ID, 0, len(include))
	for id := range include {
		if !exclude[id] {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, audience.ID.Compare)
	var c audience.Candidates
	reasons := map[string]int32{}
	for _, id := range audience.Slice(all, salt, a.Slice) {
		if taken(id) {
			continue
		}
		c.Targeted = append(c.Targeted, id)
		if ok, reason, _ := diagnosis.Eligibility(inv.Facts(id), rules); ok {
			c.Eligible = append(c.Eligible, id)
		} else {
			reasons[reason]++
		}
	}
	for reason, n := range reasons {
		c.Ineligible = append(c.Ineligible, v1alpha1.ReasonCount{Reason: reason, Count: n})
	}
	slices.SortFunc(c.Ineligible, func(x, y v1alpha1.ReasonCount) int {
		if x.Reason < y.Reason {
			return -1
		}
		return 1
	})
	return c, nil
}

// members are the devices that groups stand for. A user stands for every managed device of which they are the primary
// user; a member that is neither is passed over, for it can hold no policy.
func members(ctx context.Context, src MemberSource, inv *fleet.Inventory, refs []v1alpha1.GroupRef) (map[audience.ID]bool, error) {
	out := map[audience.ID]bool{}
	for _, ref := range refs {
		id, err := ResolveGroup(ctx, src, ref)
		if err != nil {
			return nil, err
		}
		list, err := src.TransitiveMembers(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			switch m.Kind {
			case graph.MemberDevice:
				device, err := audience.ParseID(m.ID)
				if err != nil {
					return nil, fmt.Errorf("group %s has a device with the id %q: %w", ref, m.ID, err)
				}
				out[device] = true
			case graph.MemberUser:
				user, err := audience.ParseID(m.ID)
				if err != nil {
					return nil, fmt.Errorf("group %s has a user with the id %q: %w", ref, m.ID, err)
				}
				for _, device := range inv.ByUser(user) {
					out[device] = true
				}
			case graph.MemberGroup, graph.MemberOther: // no device, and who is in a nested group is in the list, too
			}
		}
	}
	return out, nil
}
