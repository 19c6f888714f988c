// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Safety is the part of the situation that the objects of the cluster tell: all that [DecideSafety] needs (P9). Ledger,
// tenant and fleet need not be read for it.
func (w World) Safety() Input {
	s := &w.Wave.Status
	in := Input{
		Phase: s.Phase, HeldPhase: s.HeldPhase, HeldReason: s.HeldReason,
		Deleting: !w.Wave.DeletionTimestamp.IsZero(), Request: Requested(w.Wave),
		Paused:    w.Wave.Spec.Paused || w.Policy != nil && w.Policy.Spec.Paused,
		Suspended: w.Tenant != nil && w.Tenant.Spec.Suspend,
		Policy:    w.policyState(), Payload: w.payload(), Admission: w.admission(),
		Exposed: w.exposed(w.floor()), Growing: w.Wave.Spec.Audience.Membership == v1alpha1.MembershipGrowing,
		Restorable: w.restorable(), TakenBack: w.takenOut(), Reverting: s.Rollback != nil && s.Rollback.Reverting,
		Accepted:  s.Rollback != nil && s.Rollback.Accepted,
		OnFailure: w.Wave.Spec.OnFailure.Action, OnlyReports: w.Policy != nil && w.Policy.Spec.Drift == v1alpha1.DriftReport,
	}
	in.Dependencies, _ = Depend(w.Wave, w.Siblings, w.Target(), w.restartFrom(), w.Now)
	if Time(w.Wave, s.Clocks, w.Now).RollbackOverdue {
		in.Rollback = FactOf(RollbackOverdue, "")
	}
	return in
}

// takenOut says that the policy has nothing assigned any more to the groups of the attempts that the wave took back. Without a
// policy nobody takes them out.
func (w World) takenOut() bool {
	return w.Policy != nil && !slices.ContainsFunc(w.Wave.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.WithdrawnAt != nil && w.assigned(&a) })
}

// restorable says that an earlier attempt stands for what the policy wants.
func (w World) restorable() bool {
	s := &w.Wave.Status
	switch s.Phase { //nolint:exhaustive // every other phase has an attempt of its own
	case "", v1alpha1.PhasePending, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRollbackIncomplete:
	default:
		return false
	}
	t := w.Target()
	return t.Revision != 0 && Standing(s, t.Revision) != nil && w.beyond() == nil
}
