// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// maxHistory is the number of closed attempts that status.history keeps.
const maxHistory = 10

// Advance writes a decision into the status: phase, clocks, history and handled requests. payloadHash is the payload that
// an attempt takes on when it starts. Annotations of handled requests are passed in requested.
func Advance(w *v1alpha1.PilotWave, d Decision, payloadHash string, now time.Time) {
	s, at := &w.Status, stamped(now)
	handle(w, d.HandledRequest)
	if d.NewAttempt {
		newAttempt(s, d, at)
	}
	from := s.Phase
	s.Phase, s.HeldPhase, s.HeldReason = d.Phase, d.HeldPhase, d.HeldReason
	if d.Phase != v1alpha1.PhaseHeld {
		s.ClearSince = nil
	}
	if s.Attempt == 0 {
		s.Attempt = 1
	}
	if from != d.Phase {
		enter(w, d.Phase, payloadHash, at)
	}
	s.Clocks = Freeze(s.Clocks, d.Freeze, now)
	t := Time(&w.Spec, s.Clocks, now)
	s.Clocks.BakeUntil, s.Clocks.DeadlineAt = v1alpha1.StampOf(t.BakeUntil), v1alpha1.StampOf(t.DeadlineAt)
	s.Decision.Reason, s.Decision.Message = d.Reason, d.Message
}

// enter sets the clocks that start with a phase. A phase that is entered again after Held keeps them.
func enter(w *v1alpha1.PilotWave, p v1alpha1.WavePhase, payloadHash string, at *metav1.Time) {
	s := &w.Status
	switch p {
	case v1alpha1.PhaseResolving:
		if s.Clocks.StartedAt == nil {
			s.Clocks.StartedAt, s.PayloadHash, s.Audience = at, payloadHash, nil
		}
		s.GateHash = GateHash(&w.Spec.Gate)
	case v1alpha1.PhaseBaking:
		if s.Clocks.ExposureCompletedAt == nil {
			s.Clocks.ExposureCompletedAt = at
			if s.Clocks.LastBatchAt != nil {
				s.Clocks.ExposureCompletedAt = s.Clocks.LastBatchAt
			}
		}
	case v1alpha1.PhaseSucceeded:
		if s.Clocks.SucceededAt == nil {
			s.Clocks.SucceededAt = at
		}
	case v1alpha1.PhaseRollingBack:
		if s.Clocks.RollbackStartedAt == nil {
			s.Clocks.RollbackStartedAt = at
		}
	case pending, exposing, evaluating, promoting, held, halted, rolledBack, rollbackIncomplete, aborted: // no clock of their own
	}
}

// newAttempt files the attempt and clears everything that belongs to it. The audience stays until its devices have left
// the managed group: it names the group, and tells the policy that its payload is still out there.
func newAttempt(s *v1alpha1.PilotWaveStatus, d Decision, at *metav1.Time) {
	r := v1alpha1.AttemptRecord{
		Attempt: s.Attempt, Outcome: d.CloseAttempt, Reason: d.Reason, PayloadHash: s.PayloadHash, StartedAt: s.Clocks.StartedAt, EndedAt: *at,
	}
	for _, row := range s.Gate {
		r.N, r.K, r.LowerBound = row.N, row.K, row.LowerBound
	}
	if s.Audience != nil {
		r.Exposed = s.Audience.Eligible - s.Devices.Pending
	}
	s.History = append(s.History, r)
	if len(s.History) > maxHistory {
		s.History = s.History[len(s.History)-maxHistory:]
	}
	s.Attempt++
	s.PayloadHash, s.GateHash, s.Gate, s.Findings, s.Rollback = "", "", nil, nil, nil
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
	case a[v1alpha1.AnnotationRetry] != "" && a[v1alpha1.AnnotationRetry] != h.Retry:
		return RequestRetry
	}
	return RequestNone
}

func handle(w *v1alpha1.PilotWave, r Request) {
	h := &w.Status.HandledRequests
	switch r {
	case RequestRollback:
		h.Rollback = w.Annotations[v1alpha1.AnnotationRollback]
	case RequestAbort:
		h.Abort = w.Annotations[v1alpha1.AnnotationAbort]
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
