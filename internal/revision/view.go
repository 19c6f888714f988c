// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"cmp"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// WaveOf is a wave as Next sees it. groups are the policy's records, status.waves.
// How many devices were asked into a group is known from the binding of the wave's
// record of devices; without one it is known, and none, only while there is no group.
func WaveOf(w *v1alpha1.PilotWave, groups []v1alpha1.WaveAdmission) Wave {
	out := Wave{
		Name: w.Name, UID: string(w.UID), Phase: cmp.Or(w.Status.Phase, v1alpha1.PhasePending), Attempt: w.Status.Attempt,
		Revision: w.Status.Revision, PayloadHash: w.Status.PayloadHash, Deleting: !w.DeletionTimestamp.IsZero(),
	}
	for _, a := range w.Status.Attempts {
		out.Attempts = append(out.Attempts, attemptOf(a, string(w.UID), groups))
	}
	return out
}

func attemptOf(a v1alpha1.WaveAttempt, uid string, groups []v1alpha1.WaveAdmission) Attempt {
	out := Attempt{
		Attempt: a.Attempt, Revision: a.Revision, GroupID: a.GroupID, Withdrawn: a.WithdrawnAt != nil, Succeeded: a.SucceededAt != nil,
		ExposedKnown: a.GroupID == "",
	}
	if a.Ledger != nil {
		out.Exposed, out.ExposedKnown = a.Ledger.Asked, true
	}
	entry := slices.IndexFunc(groups, func(g v1alpha1.WaveAdmission) bool { return g.UID == uid && g.Attempt == a.Attempt })
	if entry >= 0 {
		out.State = groups[entry].State
	}
	return out
}

// Withdraw says that the group of an attempt is to leave the assignments: its wave
// took the attempt back, or its revision was taken back. A wave that a person
// stopped is no exception.
func Withdraw(list []v1alpha1.RevisionStatus, a v1alpha1.WaveAttempt) bool {
	return a.WithdrawnAt != nil || TakenBack(list, a.Revision)
}
