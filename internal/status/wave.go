// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// stuckHeld are the causes of Held that do not go away by themselves.
var stuckHeld = map[string]bool{v1alpha1.ReasonDeadlineExceeded: true}

// stuckPending are the causes that keep a wave from starting until a person mends something.
var stuckPending = map[string]bool{
	v1alpha1.ReasonPolicyNotFound: true, v1alpha1.ReasonDependencyMissing: true, v1alpha1.ReasonDependencyCycle: true,
	v1alpha1.ReasonDependencyFailed: true,
}

// stuckResolving are the causes of Held before any assignment; the audience has to be mended by a person.
var stuckResolving = map[string]bool{
	v1alpha1.ReasonAudienceEmpty: true, v1alpha1.ReasonAudienceTooSmall: true, v1alpha1.ReasonAudienceOutOfBounds: true,
	v1alpha1.ReasonAudienceIneligible: true, v1alpha1.ReasonGroupNotFound: true, v1alpha1.ReasonGroupAmbiguous: true,
}

// WaveStanding is the kstatus standing of a wave, from its phase and newest decision.
func WaveStanding(phase v1alpha1.WavePhase, heldReason string, d v1alpha1.DecisionStatus) Standing {
	s := Standing{State: InProgress, Reason: d.Reason, Message: d.Message}
	switch phase {
	case v1alpha1.PhaseSucceeded:
		s.State = Current
	case v1alpha1.PhaseHalted, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete, v1alpha1.PhaseAborted:
		s.State = Stuck
	case v1alpha1.PhaseHeld:
		if stuckHeld[heldReason] || stuckResolving[heldReason] {
			s.State = Stuck
		}
	case v1alpha1.PhaseResolving, v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseEvaluating, v1alpha1.PhasePromoting,
		v1alpha1.PhaseRollingBack: // on the way
	case v1alpha1.PhasePending:
		if stuckPending[d.Reason] {
			s.State = Stuck
		}
	}
	return s
}

// WaveColumns preformats the table view. next is what a person waits for: a time, a number of reports, or nothing.
func WaveColumns(s *v1alpha1.PilotWaveStatus, next string) v1alpha1.WaveColumns {
	c := v1alpha1.WaveColumns{Next: next}
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
