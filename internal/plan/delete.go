// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// BuildDelete plans the removal of all policies, allow before hold on each
// platform, so that no step puts a device under both (P1, P7). A policy whose
// create is still open is looked up, and removed by the next plan if it is found.
// What a repeated create left behind goes before the policy itself.
// Any policy but Delete removes nothing: not to remove can be made good later.
func BuildDelete(observed []Observed, policy v1alpha1.DeletionPolicy) []Action {
	if policy != v1alpha1.DeletionDelete {
		return nil
	}
	sorted := slices.Clone(observed)
	slices.SortStableFunc(sorted, func(a, b Observed) int {
		// "Allow" sorts before "Hold".
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.ID, b.ID))
	})
	var actions []Action
	for i := range sorted {
		s := &side{key: sorted[i].Key, obs: sorted[i], known: true}
		for i := range s.obs.Copies {
			if c := &s.obs.Copies[i]; c.removable() && s.obs.Exists {
				actions = append(actions, removeCopy(&s.obs, c))
			}
		}
		switch {
		case s.obs.Exists:
			actions = append(actions, s.action(Delete, deleteReason(&s.obs)))
		case s.obs.CreateOpen:
			actions = append(actions, s.action(LookUp, "a create was sent and its answer is not known"))
		}
	}
	return actions
}

func deleteReason(o *Observed) string {
	_, foreign := split(o.Assignments, targets{include: newSet(o.Previous.Include), exclude: newSet(o.Previous.Exclude)})
	if len(foreign) == 0 {
		return "the PasskeyPolicy is deleted"
	}
	return fmt.Sprintf("the PasskeyPolicy is deleted; assignments that others added go with the policy (%d, the first is %s)",
		len(foreign), foreign[0])
}
