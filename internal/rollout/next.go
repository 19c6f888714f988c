// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Idle is how long a wave that waits for nothing in particular rests before it looks again. Changes of what it depends on
// wake it earlier.
const Idle = 15 * time.Minute

// NextText is what a person waits for, for the table view: a time, a number of reports, or nothing. after is the wave with
// the decision written down, soakUntil is from what was measured.
func NextText(after *v1alpha1.PilotWave, soakUntil, now time.Time) string {
	s := &after.Status
	t := Time(after, s.Clocks, now)
	switch s.Phase { //nolint:exhaustive // elsewhere it waits for no time that is known
	case v1alpha1.PhasePending:
		return minuteOf(soakUntil)
	case v1alpha1.PhaseExposing:
		return minuteOf(t.NextBatchAt)
	case v1alpha1.PhaseBaking:
		return v1alpha1.Minute(t.BakeUntil)
	case v1alpha1.PhaseEvaluating:
		if len(s.Gate) > 0 && s.Gate[0].NextLookAt > 0 {
			return fmt.Sprintf("at %d reports", s.Gate[0].NextLookAt)
		}
		return "next report"
	case v1alpha1.PhaseRollingBack:
		return v1alpha1.Minute(t.RollbackUntil)
	}
	return ""
}

func minuteOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return v1alpha1.Minute(t)
}

// Wait is how long nothing can change by time alone, more than 0. interval is spec.interval of the policy, 0 without one: a
// wave that is done looks for drift no more often than its policy does.
func Wait(after *v1alpha1.PilotWave, interval time.Duration, soakUntil, now time.Time) time.Duration {
	s := &after.Status
	t := Time(after, s.Clocks, now)
	wait := Idle
	if s.Phase == v1alpha1.PhaseSucceeded {
		wait = max(Idle, interval)
	}
	for _, at := range []time.Time{t.NextBatchAt, t.BakeUntil, t.DeadlineAt, t.RollbackUntil, soakUntil} {
		if d := at.Sub(now); d > 0 && d < wait {
			wait = d
		}
	}
	return wait
}
