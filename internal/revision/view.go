// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// InputOf is the input of a policy as the cluster knows it. What the settings resolve to, and how many devices have each
// revision, is for the caller to add.
func InputOf(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, now time.Time) Input {
	s := &p.Status
	take := p.Annotations[v1alpha1.AnnotationTake]
	in := Input{
		Revisions: s.Revisions, LastRevision: s.LastRevision, Mode: p.Spec.Mode, Ask: settings.AskHash(&p.Spec),
		Take: take != "" && take != s.HandledTake, RevertWindow: p.Spec.RevertWindow.Duration, Groups: s.Waves, Now: now,
	}
	for i := range waves {
		in.Waves = append(in.Waves, WaveOf(&waves[i], s.Waves))
	}
	for i := range s.Objects {
		in.Objects = append(in.Objects, s.Objects[i].Revision)
	}
	return in
}

// WaveOf is a wave as Next sees it. groups are the policy's records, status.waves.
// How many devices were asked into a group is known from the binding of the wave's
// record of devices; without one it is known, and none, only while there is no group.
func WaveOf(w *v1alpha1.PilotWave, groups []v1alpha1.WaveAdmission) Wave {
	out := Wave{
		Name: w.Name, UID: string(w.UID), Phase: cmp.Or(w.Status.Phase, v1alpha1.PhasePending), Attempt: w.Status.Attempt,
		Revision: w.Status.Revision, PayloadHash: w.Status.PayloadHash, Deleting: !w.DeletionTimestamp.IsZero(),
		Regressed: w.Status.Clocks.RegressedAt != nil,
	}
	for _, a := range w.Status.Attempts {
		out.Attempts = append(out.Attempts, attemptOf(a, string(w.UID), groups))
	}
	return out
}

func attemptOf(a v1alpha1.WaveAttempt, uid string, groups []v1alpha1.WaveAdmission) Attempt {
	out := Attempt{
		Attempt: a.Attempt, Revision: a.Revision, GroupID: a.GroupID, Withdrawn: a.WithdrawnAt != nil, Succeeded: a.SucceededAt != nil && a.RegressedAt == nil,
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
