// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// LeavesGroup says whether a deleted wave goes without a word to the tenant: there is no group, or it is to be left behind.
// A ledger is written before the group is made: without one there is no group, whatever the status says.
func (w World) LeavesGroup() bool {
	orphan := w.Policy != nil && w.Policy.Spec.DeletionPolicy == v1alpha1.DeletionOrphan
	nothing := w.GroupID() == "" && w.Ledger == nil
	return orphan || nothing || w.Wave.Annotations[v1alpha1.AnnotationReleaseFinalizer] == "true"
}

// Unreachable says why the group of a deleted wave cannot be looked for, and what helps; empty when it can.
func (w World) Unreachable() string {
	switch {
	case !w.Connected:
		return fmt.Sprintf("the wave's group cannot be deleted: the tenant of the policy is not connected; mend it, or set annotation %s to \"true\" to leave the group behind",
			v1alpha1.AnnotationReleaseFinalizer)
	case w.TenantProblem != nil:
		return fmt.Sprintf("the wave's group cannot be looked up: %s; set annotation %s to \"true\" to leave it behind", w.TenantProblem.Message, v1alpha1.AnnotationReleaseFinalizer)
	}
	return ""
}

// StillAssigned says why the group of a deleted wave has to stay for now: the policy has yet to take it out of its
// assignments. A policy that is deleted or suspended does not get to it. Empty when nothing is assigned to the group.
func (w World) StillAssigned() string {
	if w.Policy == nil || !w.Policy.DeletionTimestamp.IsZero() || w.Policy.Spec.Suspend {
		return ""
	}
	if a := w.admitted(); a == nil || a.State == v1alpha1.Withdrawn {
		return ""
	}
	return fmt.Sprintf("waiting until PasskeyPolicy %q no longer assigns anything to the wave's group: its conditions say what it waits for; set annotation %s to \"true\" to leave the group behind",
		w.Policy.Name, v1alpha1.AnnotationReleaseFinalizer)
}

// ForgetDrained drops the audience of an older attempt once its group is empty, in a wave that was Pending and stays so. As
// long as a wave has an audience of another payload, the policy keeps the old payload in place.
func ForgetDrained(s *v1alpha1.PilotWaveStatus, from v1alpha1.WavePhase, m Measured) {
	if from == v1alpha1.PhasePending && s.Phase == v1alpha1.PhasePending && m.Drained {
		s.Audience = nil
	}
}
