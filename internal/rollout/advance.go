// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// maxHistory is the number of closed attempts that status.history keeps.
const maxHistory = 10

// Target is the revision that a policy wants its waves to bring.
type Target struct {
	// Revision and PayloadHash are what an attempt takes on when it starts; 0 when the policy cannot say.
	Revision    int32
	PayloadHash string
	// Stable is the revision that every wave has proven, 0 for none: what a rollback falls back to.
	Stable int32
}

// Advance writes a decision into the status: phase, clocks, attempts, history and handled requests.
func Advance(w *v1alpha1.PilotWave, d Decision, target Target, now time.Time) {
	s, at := &w.Status, stamped(now)
	handle(w, d.HandledRequest)
	if d.Withdraw {
		withdraw(s, d, target, at)
	}
	if d.NewAttempt {
		newAttempt(s, d, at)
	}
	if d.Restore {
		restore(s, target)
	}
	watched(s, d, at)
	from := s.Phase
	s.Phase, s.HeldPhase, s.HeldReason = d.Phase, d.HeldPhase, d.HeldReason
	if d.Phase != v1alpha1.PhaseHeld {
		s.ClearSince = nil
	}
	if s.Attempt == 0 {
		s.Attempt = 1
	}
	if from != d.Phase {
		enter(w, d, target, at)
	}
	s.Clocks = Freeze(s.Clocks, d.Freeze, now)
	t := Time(w, s.Clocks, now)
	s.Clocks.BakeUntil, s.Clocks.DeadlineAt = v1alpha1.StampOf(t.BakeUntil), v1alpha1.StampOf(t.DeadlineAt)
	s.Decision.Reason, s.Decision.Message = d.Reason, d.Message
}

// enter sets the clocks that start with a phase. A phase that is entered again after Held keeps them.
func enter(w *v1alpha1.PilotWave, d Decision, target Target, at *metav1.Time) {
	s := &w.Status
	switch d.Phase {
	case v1alpha1.PhaseResolving:
		if s.Clocks.StartedAt == nil {
			s.Clocks.StartedAt, s.PayloadHash, s.Revision, s.Audience = at, target.PayloadHash, target.Revision, nil
		}
		s.GateHash = GateHash(GateOf(w))
	case v1alpha1.PhaseBaking:
		if s.Clocks.ExposureCompletedAt == nil { // nobody is left whom the tenant shows
			s.Clocks.ExposureCompletedAt = at
		}
	case v1alpha1.PhaseSucceeded:
		succeed(s, at)
	case v1alpha1.PhaseRollingBack:
		if s.Clocks.RollbackStartedAt == nil {
			s.Clocks.RollbackStartedAt = at
		}
		s.Rollback = &v1alpha1.RollbackStatus{Reverting: d.Revert}
	case v1alpha1.PhaseRolledBack:
		if s.Rollback != nil {
			s.Rollback.Accepted = d.Reason == v1alpha1.ReasonRollbackAccepted
		}
	case pending, exposing, evaluating, promoting, held, halted, rollbackIncomplete, aborted: // no clock of their own
	}
}

// succeed notes since when the current attempt stands.
func succeed(s *v1alpha1.PilotWaveStatus, at *metav1.Time) {
	if s.Clocks.SucceededAt == nil {
		s.Clocks.SucceededAt = at
	}
	if a := Current(s); a != nil && a.SucceededAt == nil {
		a.SucceededAt = s.Clocks.SucceededAt
	}
}

// watched notes what the watch after the promotion has found. A regression is not taken back by later reports.
func watched(s *v1alpha1.PilotWaveStatus, d Decision, at *metav1.Time) {
	a := Current(s)
	switch {
	case a == nil:
	case d.Regress:
		s.Clocks.RegressedAt, a.RegressedAt = at, at
	case d.EndWatch:
		a.WatchEndedAt = at
	}
}

// Current is the entry of the current attempt; nil before its group was asked for.
func Current(s *v1alpha1.PilotWaveStatus) *v1alpha1.WaveAttempt {
	i := slices.IndexFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == s.Attempt })
	if i < 0 {
		return nil
	}
	return &s.Attempts[i]
}

// HasGroup says that the status knows the group of an attempt.
func HasGroup(s *v1alpha1.PilotWaveStatus, attempt int32) bool {
	return slices.ContainsFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == attempt && a.GroupID != "" })
}

// Standing is the newest attempt that was proven with a revision and not taken back; nil for none.
func Standing(s *v1alpha1.PilotWaveStatus, revision int32) *v1alpha1.WaveAttempt {
	var found *v1alpha1.WaveAttempt
	for i := range s.Attempts {
		a := &s.Attempts[i]
		if a.Revision == revision && stands(a) && (found == nil || a.Attempt > found.Attempt) {
			found = a
		}
	}
	return found
}

// stands says that an attempt was promoted, was not taken back, and did not regress.
func stands(a *v1alpha1.WaveAttempt) bool {
	return a.SucceededAt != nil && a.WithdrawnAt == nil && a.RegressedAt == nil
}

// withdraw takes back what the wave brought and has not proven. Devices end on the revision that a rollback leaves: stable or
// hold, and when the payload was reverted the one that the policy returned to.
func withdraw(s *v1alpha1.PilotWaveStatus, d Decision, target Target, at *metav1.Time) {
	floor := target.Stable
	if d.Reason == v1alpha1.ReasonPayloadReverted {
		floor = target.Revision
	}
	var taken []int
	for i := range s.Attempts {
		if withdraws(s, &s.Attempts[i], floor) {
			taken = append(taken, i)
		}
	}
	for _, i := range taken {
		s.Attempts[i].WithdrawnAt = at
	}
}

// withdraws says whether a rollback takes an attempt back: the current one, those of its revision and of later ones, and every
// other that is later than floor.
func withdraws(s *v1alpha1.PilotWaveStatus, a *v1alpha1.WaveAttempt, floor int32) bool {
	return a.WithdrawnAt == nil && (a.Attempt == s.Attempt || a.Revision > floor || s.Revision > 0 && a.Revision >= s.Revision)
}

// restore makes the attempt that stands for the target the current one again, with what it was promoted by.
func restore(s *v1alpha1.PilotWaveStatus, target Target) {
	a := Standing(s, target.Revision)
	if a == nil {
		return
	}
	s.Attempt, s.Revision, s.PayloadHash = a.Attempt, a.Revision, target.PayloadHash
	s.Clocks.StartedAt, s.Clocks.SucceededAt = &a.CreatedAt, a.SucceededAt
}

// nextAttempt is a number that no attempt of the wave ever had.
func nextAttempt(s *v1alpha1.PilotWaveStatus) int32 {
	last := s.Attempt
	for i := range s.Attempts {
		last = max(last, s.Attempts[i].Attempt)
	}
	for i := range s.History {
		last = max(last, s.History[i].Attempt)
	}
	return last + 1
}

// newAttempt files the attempt and clears everything that belongs to it. Its group stays among the attempts: devices have what
// it brought until a later attempt reaches them, or until it is taken back.
func newAttempt(s *v1alpha1.PilotWaveStatus, d Decision, at *metav1.Time) {
	r := v1alpha1.AttemptRecord{
		Attempt: s.Attempt, Outcome: d.CloseAttempt, Reason: d.Reason, PayloadHash: s.PayloadHash, Revision: s.Revision,
		StartedAt: s.Clocks.StartedAt, EndedAt: *at,
	}
	for _, row := range s.Gate {
		r.N, r.K, r.LowerBound = row.N, row.K, row.LowerBound
	}
	if s.Audience != nil {
		r.Exposed = s.Audience.Eligible - s.Devices.Pending
	}
	r.RegressedAt = Regressed(s)
	if a := Current(s); a != nil && d.CloseAttempt == OutcomeLost {
		a.SucceededAt = nil // nothing stands for it any more
	}
	if a := Current(s); a != nil && d.Lost && a.WithdrawnAt == nil {
		a.WithdrawnAt = at
	}
	s.History = slices.DeleteFunc(s.History, func(h v1alpha1.AttemptRecord) bool { return h.Attempt == r.Attempt }) // one that was restored
	s.History = append(s.History, r)
	if len(s.History) > maxHistory {
		s.History = s.History[len(s.History)-maxHistory:]
	}
	s.Attempt = nextAttempt(s)
	s.PayloadHash, s.Revision, s.Audience, s.Proof, s.GateHash, s.Gate, s.Findings, s.Rollback = "", 0, nil, nil, "", nil, nil, nil
	s.Devices, s.Clocks, s.Decision = v1alpha1.DeviceCounts{}, v1alpha1.Clocks{}, v1alpha1.DecisionStatus{}
}

// Requested is the strongest request that a person has made by annotation and that is not handled yet. Safety comes
// first: abort and rollback beat retry.
func Requested(w *v1alpha1.PilotWave) Request {
	a, h := w.Annotations, w.Status.HandledRequests
	switch {
	case a[v1alpha1.AnnotationRollback] != "" && a[v1alpha1.AnnotationRollback] != h.Rollback:
		return RequestRollback
	case a[v1alpha1.AnnotationAbort] != "" && a[v1alpha1.AnnotationAbort] != h.Abort:
		return RequestAbort
	case a[v1alpha1.AnnotationAcceptRollback] != "" && a[v1alpha1.AnnotationAcceptRollback] != h.RollbackAccepted:
		return RequestAccept
	case a[v1alpha1.AnnotationRetry] != "" && a[v1alpha1.AnnotationRetry] != h.Retry:
		return RequestRetry
	}
	return RequestNone
}

// handle notes a request as acted on. One that stops the wave voids a retry that was asked for before it was seen: only a
// retry after the stop starts the wave again (P9). A rollback voids an acceptance in the same way: that was one of another.
func handle(w *v1alpha1.PilotWave, r Request) {
	h := &w.Status.HandledRequests
	switch r {
	case RequestRollback:
		h.Rollback, h.Retry = w.Annotations[v1alpha1.AnnotationRollback], w.Annotations[v1alpha1.AnnotationRetry]
		if !slices.Contains(restrained, w.Status.Phase) {
			h.RollbackAccepted = w.Annotations[v1alpha1.AnnotationAcceptRollback]
		}
	case RequestAbort:
		h.Abort, h.Retry = w.Annotations[v1alpha1.AnnotationAbort], w.Annotations[v1alpha1.AnnotationRetry]
	case RequestAccept:
		h.RollbackAccepted = w.Annotations[v1alpha1.AnnotationAcceptRollback]
	case RequestRetry:
		h.Retry = w.Annotations[v1alpha1.AnnotationRetry]
	case RequestNone:
	}
}

// Clearance counts the readings of the fleet from which the cause of Held is absent, and gives the reading to remember.
// in is the input without Clear; asOf is when the fleet was read, zero if it was not.
func Clearance(in *Input, since *metav1.Time, asOf time.Time) (ClearState, *metav1.Time) {
	if in.Phase != v1alpha1.PhaseHeld || asOf.IsZero() || causePresent(in) || in.Telemetry.State != TelemetryFresh {
		return NotClear, nil
	}
	switch {
	case since == nil:
		return ClearOnce, v1alpha1.StampOf(asOf)
	case v1alpha1.Stamp(asOf).After(since.Time):
		return ClearTwice, since
	default:
		return ClearOnce, since
	}
}

// stamped is now as the status keeps it.
func stamped(now time.Time) *metav1.Time {
	at := v1alpha1.Stamp(now)
	return &at
}
