// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// BuildDelete plans the removal of all policies, on each platform the latest revision first and hold last. A removal only
// ever takes targets away, so that no device comes under two at any pace (P1); the order keeps hold's restraint on all whom
// no wave exposed until there is nothing else left (P7). Nothing is given back to earlier levels on the way: they exclude
// the later groups to the end, as everything goes. A policy whose create is still open is looked up, and removed by the
// next plan if it is found. What a repeated create left behind goes before the policy itself.
// Any policy but Delete removes nothing: not to remove can be made good later.
func BuildDelete(observed []Observed, policy v1alpha1.DeletionPolicy) []Action {
	if policy != v1alpha1.DeletionDelete {
		return nil
	}
	sorted := slices.Clone(observed)
	slices.SortStableFunc(sorted, func(a, b Observed) int {
		return cmp.Or(cmp.Compare(b.Revision, a.Revision), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.ID, b.ID))
	})
	var actions []Action
	for i := range sorted {
		l := &level{key: sorted[i].Key, obs: sorted[i], known: true}
		for i := range l.obs.Copies {
			if c := &l.obs.Copies[i]; c.removable() && l.obs.Exists {
				actions = append(actions, removeCopy(&l.obs, c))
			}
		}
		switch {
		case l.obs.Exists:
			actions = append(actions, l.action(Delete, deleteReason(&l.obs)))
		case l.obs.CreateOpen:
			actions = append(actions, l.action(LookUp, "a create was sent and its answer is not known"))
		}
	}
	return actions
}

func deleteReason(o *Observed) string {
	_, foreign := split(o.Assignments, targets{include: newSet(o.Previous.Include), exclude: newSet(o.Previous.Exclude)}, everyoneOf(nil, o.Assignments))
	if len(foreign) == 0 {
		return "the PasskeyPolicy is deleted"
	}
	return fmt.Sprintf("the PasskeyPolicy is deleted; assignments that others added go with the policy (%d, the first is %s)",
		len(foreign), foreign[0])
}
