// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/revision"
)

// Claim is the wave with the attempts that its status has forgotten and its policy has on record, as after a restore from a
// backup: their devices keep what they have, and their numbers and groups are not used again. One that was taken back since is
// taken back. Nil when there is nothing of that.
//
// When the newest of them is the current one or later, it is the current attempt from now on. Whether it was stopped by a person
// or a halt nobody knows any more, nor whom it exposed: the wave is held, or its rollback goes on, and only a person's retry starts
// the next one (P9).
func (w World) Claim() *v1alpha1.PilotWave {
	if w.Policy == nil {
		return nil
	}
	claimed := w.Wave.DeepCopy()
	s := &claimed.Status
	var newest *v1alpha1.WaveAttempt
	changed := false
	for i := range w.Policy.Status.Waves {
		changed = w.takeBack(s, &w.Policy.Status.Waves[i]) || changed
		a := forgotten(s, string(w.Wave.UID), &w.Policy.Status.Waves[i])
		if a == nil {
			continue
		}
		s.Attempts = append(s.Attempts, *a)
		if newest == nil || a.Attempt > newest.Attempt {
			newest = a
		}
	}
	if newest == nil {
		if !changed {
			return nil
		}
		return claimed
	}
	slices.SortFunc(s.Attempts, func(a, b v1alpha1.WaveAttempt) int { return cmp.Compare(a.Attempt, b.Attempt) })
	if newest.Attempt >= s.Attempt {
		w.resume(s, newest)
	}
	return claimed
}

// takeBack notes a rollback that the policy has on record and that the status has forgotten. The wave is where the rollback was: its
// devices prove it, and only a person's retry starts the next attempt (P9). A revision that is not live is taken back by itself.
func (w World) takeBack(s *v1alpha1.PilotWaveStatus, e *v1alpha1.WaveAdmission) bool {
	i := slices.IndexFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool {
		return e.UID == string(w.Wave.UID) && a.Attempt == e.Attempt && a.GroupID == e.GroupID && a.WithdrawnAt == nil
	})
	gone := e.AdmittedAt != nil && (e.State == v1alpha1.Withdrawing || e.State == v1alpha1.Withdrawn)
	if i < 0 || !gone || !w.lives(e.Revision) || !w.Wave.DeletionTimestamp.IsZero() {
		return false
	}
	s.Attempts[i].WithdrawnAt = e.Since.DeepCopy()
	if e.Attempt == s.Attempt && !slices.Contains(restrained, s.Phase) {
		w.rollOn(s, e.Since)
	}
	return true
}

// rollOn goes on with a rollback that began then.
func (w World) rollOn(s *v1alpha1.PilotWaveStatus, began metav1.Time) {
	s.Phase, s.HeldPhase, s.HeldReason, s.ClearSince = v1alpha1.PhaseRollingBack, "", "", nil
	s.Rollback, s.Clocks.RollbackStartedAt = &v1alpha1.RollbackStatus{}, &began
	s.HandledRequests.Retry = w.Wave.Annotations[v1alpha1.AnnotationRetry]
}

// forgotten is the attempt of an entry of the policy that the wave owns and does not list; nil for none.
func forgotten(s *v1alpha1.PilotWaveStatus, uid string, e *v1alpha1.WaveAdmission) *v1alpha1.WaveAttempt {
	known := func(a v1alpha1.WaveAttempt) bool { return a.Attempt == e.Attempt && a.GroupID != "" }
	if e.UID != uid || e.Attempt == 0 || e.State == v1alpha1.Withdrawn || slices.ContainsFunc(s.Attempts, known) {
		return nil
	}
	s.Attempts = slices.DeleteFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == e.Attempt })
	a := v1alpha1.WaveAttempt{Attempt: e.Attempt, Revision: e.Revision, GroupID: e.GroupID, CreatedAt: e.Since}
	if e.AdmittedAt != nil {
		a.CreatedAt = *e.AdmittedAt
	}
	if e.State == v1alpha1.Withdrawing {
		a.WithdrawnAt = e.Since.DeepCopy()
	}
	return &a
}

// resume makes a forgotten attempt the current one, of which no more is known than its group.
func (w World) resume(s *v1alpha1.PilotWaveStatus, a *v1alpha1.WaveAttempt) {
	s.Attempt, s.Revision, s.PayloadHash = a.Attempt, a.Revision, ""
	if r := revision.ByNumber(w.Policy.Status.Revisions, a.Revision); r != nil {
		s.PayloadHash = r.PayloadHash
	}
	s.Phase, s.HeldPhase, s.HeldReason = v1alpha1.PhaseHeld, v1alpha1.PhaseExposing, v1alpha1.ReasonLedgerLost
	s.Audience, s.Proof, s.GateHash, s.Gate, s.Findings, s.Rollback, s.ClearSince = nil, nil, "", nil, nil, nil, nil
	s.Devices, s.Decision = v1alpha1.DeviceCounts{}, v1alpha1.DecisionStatus{}
	s.Clocks = v1alpha1.Clocks{StartedAt: ptrTo(a.CreatedAt)}
	s.HandledRequests.Retry = w.Wave.Annotations[v1alpha1.AnnotationRetry] // it may be as old as what was forgotten
	w.passOver(s, a.CreatedAt.Time)
	if a.WithdrawnAt != nil && w.lives(a.Revision) {
		w.rollOn(s, *a.WithdrawnAt)
	}
}

// passOver takes the requests of a time before an attempt began for handled: they were about another one. A request that is newer, or
// has no time for its value, is acted on, for it may be one of now, and safety comes first (P9).
func (w World) passOver(s *v1alpha1.PilotWaveStatus, began time.Time) {
	for annotation, handled := range map[string]*string{
		v1alpha1.AnnotationAbort: &s.HandledRequests.Abort, v1alpha1.AnnotationRollback: &s.HandledRequests.Rollback,
		v1alpha1.AnnotationAcceptRollback: &s.HandledRequests.RollbackAccepted,
	} {
		value := w.Wave.Annotations[annotation]
		if at, err := time.Parse(time.RFC3339, value); err == nil && at.Before(began) {
			*handled = value
		}
	}
}

func ptrTo(t metav1.Time) *metav1.Time { return &t }

// beyond is the newest attempt whose devices have a revision that is later than the target, and that nobody has taken back; nil
// for none. To start on the target beneath it would reach nobody who has it.
func (w World) beyond() *v1alpha1.WaveAttempt {
	t := w.Target()
	var found *v1alpha1.WaveAttempt
	for i := range w.Wave.Status.Attempts {
		a := &w.Wave.Status.Attempts[i]
		if t.Revision > 0 && a.Revision > t.Revision && !revision.TakenBack(w.Policy.Status.Revisions, a.Revision) && w.mayHaveDevices(a) {
			found = a
		}
	}
	return found
}
