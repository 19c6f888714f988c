// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// Released says that a deleted wave goes without a word to the tenant: its groups are to be left behind.
func (w World) Released() bool {
	orphan := w.Policy != nil && w.Policy.Spec.DeletionPolicy == v1alpha1.DeletionOrphan
	return orphan || w.Wave.Annotations[v1alpha1.AnnotationReleaseFinalizer] == "true"
}

// Owned are the attempts of a deleted wave of which the tenant may have a group: those that the status knows, those that were
// found in the tenant, and those of which there is a ledger, which is written before the group is made. GroupID is empty where
// it is not known.
func (w World) Owned() []v1alpha1.WaveAttempt {
	var out []v1alpha1.WaveAttempt
	known := map[int32]bool{}
	for _, a := range w.Wave.Status.Attempts {
		known[a.Attempt] = true
		out = append(out, a)
	}
	add := func(attempt int32, group string) {
		if !known[attempt] {
			known[attempt] = true
			out = append(out, v1alpha1.WaveAttempt{Attempt: attempt, GroupID: group})
		}
	}
	for attempt := range w.LostGroups {
		add(attempt, w.LostGroups[attempt])
	}
	for attempt, r := range w.Earlier {
		if r.State != audience.LedgerNone || r.Ledger != nil {
			add(attempt, "")
		}
	}
	return out
}

// Unreachable says why the groups of a deleted wave cannot be looked for, and what helps; empty when they can.
func (w World) Unreachable() string {
	release := fmt.Sprintf("set annotation %s to \"true\" to leave them behind", v1alpha1.AnnotationReleaseFinalizer)
	switch {
	case w.Tenant != nil && w.Tenant.Spec.Suspend:
		return fmt.Sprintf("the wave's groups cannot be deleted: Tenant %q is suspended; set its spec.suspend to false, or %s", w.Tenant.Name, release)
	case !w.Connected:
		return "the wave's groups cannot be deleted: the tenant of the policy is not connected; mend it, or " + release
	case w.TenantProblem != nil:
		return fmt.Sprintf("the wave's groups cannot be looked up: %s; %s", w.TenantProblem.Message, release)
	}
	return ""
}

// StillAssigned says why the group of an attempt of a deleted wave has to stay for now: the policy has yet to take it out of
// its assignments, which it does also while it is suspended. Empty when nothing is assigned to the group.
func (w World) StillAssigned(a *v1alpha1.WaveAttempt) string {
	if w.Policy == nil || !w.Policy.DeletionTimestamp.IsZero() || !w.assigned(a) {
		return ""
	}
	return fmt.Sprintf("waiting until PasskeyPolicy %q no longer assigns anything to the wave's group %s: its conditions say what it waits for; set annotation %s to \"true\" to leave the group behind",
		w.Policy.Name, a.GroupID, v1alpha1.AnnotationReleaseFinalizer)
}
