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
	for _, o := range sorted {
		for i := range o.Copies {
			if c := &o.Copies[i]; c.removable() && o.Exists {
				actions = append(actions, removeCopy(o.Key, c))
			}
		}
		switch {
		case o.Exists:
			actions = append(actions, newAction(Delete, o.Key, o.ID, deleteReason(o)))
		case o.CreateOpen:
			actions = append(actions, newAction(LookUp, o.Key, "", "a create was sent and its answer is not known"))
		}
	}
	return actions
}

func deleteReason(o Observed) string {
	_, foreign := split(o.Assignments, targets{include: newSet(o.Previous.Include), exclude: newSet(o.Previous.Exclude)})
	if len(foreign) == 0 {
		return "the PasskeyPolicy is deleted"
	}
	return fmt.Sprintf("the PasskeyPolicy is deleted; assignments that others added go with the policy (%d, the first is %s)",
		len(foreign), foreign[0])
}
