// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Timing is what the clocks of an attempt say at one instant. Frozen time (pause, suspension, telemetry outage) counts neither
// as bake nor towards the deadline (gate E4).
type Timing struct {
	// BakeElapsed: the bake is over. False before the tenant shows the last batch.
	BakeElapsed bool
	// DeadlinePassed: the attempt has run longer than gate.deadline.
	DeadlinePassed bool
	// BatchDue: exposure.interval has passed since the newest batch and since the tenant showed it, or there was none.
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
		t.BakeElapsed = !now.Before(t.BakeUntil.Add(running(c, bakesSince(c), now)))
	}
	t.BatchDue = true
	if last := newestExposure(c); last != nil {
		t.NextBatchAt = last.Add(spec.Exposure.Interval.Duration)
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
			c.FrozenSeconds += wholeSeconds(running(c, c.StartedAt, now))
		}
		if since := bakesSince(c); since != nil {
			c.BakeFrozenSeconds += wholeSeconds(running(c, since, now))
		}
		c.FrozenSince = nil
	}
	return c
}

// confirm notes when the tenant showed the newest member, and with complete that nobody is left to be shown. The frozen time that
// counts is that since then: it is known from the first member on, for whoever is still waited for may never come (refused,
// excluded). A later time stands against an earlier one.
func confirm(c v1alpha1.Clocks, at *metav1.Time, complete bool) v1alpha1.Clocks {
	if at != nil && (c.LastConfirmedAt == nil || at.After(c.LastConfirmedAt.Time)) {
		c.LastConfirmedAt, c.BakeFrozenSeconds = at, 0
	}
	if c.LastConfirmedAt != nil && (complete || c.ExposureCompletedAt != nil) {
		c.ExposureCompletedAt = c.LastConfirmedAt
	}
	return c
}

// bakesSince is from when on time counts as bake, or will when the exposure is complete; nil while nobody is exposed.
func bakesSince(c v1alpha1.Clocks) *metav1.Time {
	if c.LastConfirmedAt != nil {
		return c.LastConfirmedAt
	}
	return c.ExposureCompletedAt
}

// newestExposure is when the newest batch was asked for, or when the tenant showed the newest member, whichever is later.
func newestExposure(c v1alpha1.Clocks) *metav1.Time {
	if c.LastBatchAt == nil || c.LastConfirmedAt != nil && c.LastConfirmedAt.After(c.LastBatchAt.Time) {
		return c.LastConfirmedAt
	}
	return c.LastBatchAt
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

// wholeSeconds rounds up: what was frozen never counts as bake.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
