// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/rollout"
)

// stuckHeld are the causes of Held that do not go away by themselves.
var stuckHeld = map[string]bool{
	v1alpha1.ReasonDeadlineExceeded: true, v1alpha1.ReasonTooManyNotApplicable: true,
	v1alpha1.ReasonLedgerLost: true, v1alpha1.ReasonLedgerAltered: true, v1alpha1.ReasonGroupLost: true,
}

// stuckSucceeded are what a promoted wave may have lost: it no longer stands for what it proved until a person acts (P14).
var stuckSucceeded = map[string]bool{
	v1alpha1.ReasonLedgerLost: true, v1alpha1.ReasonLedgerAltered: true, v1alpha1.ReasonGroupLost: true,
}

// stuckPending are the causes that keep a wave from starting until a person mends something.
var stuckPending = map[string]bool{
	v1alpha1.ReasonPolicyNotFound: true, v1alpha1.ReasonDependencyMissing: true, v1alpha1.ReasonDependencyCycle: true,
	v1alpha1.ReasonDependencyFailed: true,
}

// WaveStanding is the kstatus standing of a wave, from its phase and newest decision. A wave that was held before any
// assignment, for whatever reason, has an audience that a person has to mend.
func WaveStanding(s *v1alpha1.PilotWaveStatus) Standing {
	d := s.Decision
	out := Standing{State: InProgress, Reason: d.Reason, Message: d.Message}
	stuck := d.Reason == v1alpha1.ReasonInvalid
	switch s.Phase {
	case v1alpha1.PhaseSucceeded:
		out.State = Current
		if at := rollout.Regressed(s); at != nil && !stuckSucceeded[d.Reason] {
			stuck, out.Reason, out.Message = true, v1alpha1.ReasonLateRegression, regressed(d, at.Time)
		}
		stuck = stuck || stuckSucceeded[d.Reason]
	case v1alpha1.PhaseHalted, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete, v1alpha1.PhaseAborted:
		stuck = true
	case v1alpha1.PhaseHeld:
		stuck = stuck || stuckHeld[s.HeldReason] || s.HeldPhase == v1alpha1.PhaseResolving
	case v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseEvaluating, v1alpha1.PhasePromoting, v1alpha1.PhaseRollingBack: // on the way
	case v1alpha1.PhasePending:
		stuck = stuck || stuckPending[d.Reason]
	case v1alpha1.PhaseResolving:
		stuck = stuck || stuckSucceeded[d.Reason] // the record of another wave
	}
	if stuck {
		out.State = Stuck
	}
	return out
}

// regressed says that a wave regressed after its promotion, also while a decision is about something else.
func regressed(d v1alpha1.DecisionStatus, at time.Time) string {
	if d.Reason == v1alpha1.ReasonLateRegression {
		return d.Message
	}
	return fmt.Sprintf("regressed after the promotion, at %s; %s", Time(at), d.Message)
}

// WaveColumns preformats the table view. next is what a person waits for: a time, a number of reports, or nothing.
func WaveColumns(s *v1alpha1.PilotWaveStatus, next string) v1alpha1.WaveColumns {
	c := v1alpha1.WaveColumns{Next: next}
	if s.Revision > 0 {
		c.Revision = revision.Name(s.Revision)
	}
	if s.Audience == nil {
		return c
	}
	d := s.Devices
	c.Progress = fmt.Sprintf("%d/%d", d.Succeeded+d.Failed+d.Conflict, s.Audience.Eligible)
	c.Failed = fmt.Sprint(d.Failed)
	if d.Conflict > 0 {
		c.Failed = fmt.Sprintf("%d+%d conflict", d.Failed, d.Conflict)
	}
	for _, row := range s.Gate {
		c.Floor = row.Floor
		if c.Floor == "" {
			c.Floor = "smoke"
			continue
		}
		if row.N > 0 { // nothing is proven before the first report, not zero
			c.Bound = row.LowerBound
		}
	}
	return c
}

// Time renders a time for the table view, to the minute and in UTC.
func Time(t time.Time) string { return v1alpha1.Minute(t) }
