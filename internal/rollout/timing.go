// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Timing is what the clocks of an attempt say at one instant. Frozen time (pause, telemetry outage) counts neither as
// bake nor towards the deadline (gate E4).
type Timing struct {
	// BakeElapsed: the bake is over. False before the last batch is out.
	BakeElapsed bool
	// DeadlinePassed: the attempt has run longer than gate.deadline.
	DeadlinePassed bool
	// BatchDue: exposure.interval has passed since the newest batch, or there was none.
	BatchDue bool
	// RollbackOverdue: onFailure.rollback.deadline has passed since the rollback began.
	RollbackOverdue bool
	// BakeUntil, DeadlineAt, NextBatchAt and RollbackUntil are when each of them becomes true if nothing freezes the
	// clocks from now on. Zero when not yet known.
	BakeUntil, DeadlineAt, NextBatchAt, RollbackUntil time.Time
}

// Time reads the clocks of an attempt.
func Time(w *v1alpha1.PilotWave, c v1alpha1.Clocks, now time.Time) Timing {
	var t Timing
	spec, gate := &w.Spec, GateOf(w)
	if c.StartedAt != nil {
		t.DeadlineAt = c.StartedAt.Add(gate.Deadline.Duration + seconds(c.FrozenSeconds))
		t.DeadlinePassed = !now.Before(t.DeadlineAt.Add(running(c, c.StartedAt, now)))
	}
	if c.ExposureCompletedAt != nil {
		t.BakeUntil = c.ExposureCompletedAt.Add(gate.Bake.Duration + seconds(c.BakeFrozenSeconds))
		t.BakeElapsed = !now.Before(t.BakeUntil.Add(running(c, c.ExposureCompletedAt, now)))
	}
	t.BatchDue = true
	if c.LastBatchAt != nil {
		t.NextBatchAt = c.LastBatchAt.Add(spec.Exposure.Interval.Duration)
		t.BatchDue = !now.Before(t.NextBatchAt)
	}
	if c.RollbackStartedAt != nil {
		t.RollbackUntil = c.RollbackStartedAt.Add(spec.OnFailure.Rollback.Deadline.Duration)
		t.RollbackOverdue = !now.Before(t.RollbackUntil)
	}
	return t
}

// Freeze starts or ends frozen time.
func Freeze(c v1alpha1.Clocks, frozen bool, now time.Time) v1alpha1.Clocks {
	switch {
	case frozen && c.FrozenSince == nil:
		c.FrozenSince = stamped(now)
	case !frozen && c.FrozenSince != nil:
		if c.StartedAt != nil {
			c.FrozenSeconds += int64(running(c, c.StartedAt, now) / time.Second)
		}
		if c.ExposureCompletedAt != nil {
			c.BakeFrozenSeconds += int64(running(c, c.ExposureCompletedAt, now) / time.Second)
		}
		c.FrozenSince = nil
	}
	return c
}

// running is how long the current freeze has covered the period that began at since.
func running(c v1alpha1.Clocks, since *metav1.Time, now time.Time) time.Duration {
	if c.FrozenSince == nil {
		return 0
	}
	from := c.FrozenSince.Time
	if since.After(from) {
		from = since.Time
	}
	return max(0, now.Sub(from))
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
