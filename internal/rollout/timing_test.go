// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// epoch is hour 0 of the tests of this package.
var epoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// hour is a time after the epoch.
func hour(h float64) time.Time { return epoch.Add(time.Duration(h * float64(time.Hour))) }

func at(h float64) *metav1.Time { return stamped(hour(h)) }

func hours(h float64) metav1.Duration {
	return metav1.Duration{Duration: time.Duration(h * float64(time.Hour))}
}

// timed is a spec with the defaults of the API.
func timed() *v1alpha1.PilotWaveSpec {
	return &v1alpha1.PilotWaveSpec{
		Gate:      v1alpha1.Gate{Bake: hours(72), Maturity: hours(48), Deadline: hours(336), MaxTelemetryAge: hours(26)},
		Exposure:  v1alpha1.Exposure{BatchSize: 25, Interval: hours(8)},
		OnFailure: v1alpha1.OnFailure{Rollback: v1alpha1.RollbackRule{VerifyPercent: 95, Deadline: hours(168)}},
	}
}

// waveOf has that spec and no status.
func waveOf(s *v1alpha1.PilotWaveSpec) *v1alpha1.PilotWave { return &v1alpha1.PilotWave{Spec: *s} }

// TestOutageMovesTheBake is gate F4: a wave at hour 40 of its bake of 72 loses its telemetry for 18 hours. 64,800
// seconds are frozen, and the bake ends 18 hours later than it would have.
func TestOutageMovesTheBake(t *testing.T) {
	spec := timed()
	c := v1alpha1.Clocks{StartedAt: at(-10), LastBatchAt: at(0), ExposureCompletedAt: at(0)}
	if got := Time(waveOf(spec), c, hour(40)); !got.BakeUntil.Equal(hour(72)) || got.BakeElapsed || !got.DeadlineAt.Equal(hour(326)) {
		t.Fatalf("before the outage: %+v", got)
	}
	c = Freeze(c, true, hour(40))
	for h := 40.; h <= 58; h += 0.5 { // reconciles during the outage change nothing
		c = Freeze(c, true, hour(h))
		if got := Time(waveOf(spec), c, hour(h)); got.BakeElapsed || got.DeadlinePassed {
			t.Fatalf("hour %v: %+v", h, got)
		}
	}
	if got := Time(waveOf(spec), c, hour(1000)); got.BakeElapsed || got.DeadlinePassed {
		t.Errorf("a freeze of 40 days lets time pass: %+v", got)
	}
	c = Freeze(c, false, hour(58))
	t.Logf("frozenSeconds %d, of these since the exposure %d", c.FrozenSeconds, c.BakeFrozenSeconds)
	if c.FrozenSeconds != 64800 || c.BakeFrozenSeconds != 64800 || c.FrozenSince != nil {
		t.Errorf("%+v", c)
	}
	for _, tt := range []struct {
		h                float64
		elapsed, overdue bool
	}{{72, false, false}, {90 - 1./3600, false, false}, {90, true, false}, {344 - 1./3600, true, false}, {344, true, true}} {
		got := Time(waveOf(spec), c, hour(tt.h))
		if got.BakeElapsed != tt.elapsed || got.DeadlinePassed != tt.overdue || !got.BakeUntil.Equal(hour(90)) || !got.DeadlineAt.Equal(hour(344)) {
			t.Errorf("hour %v: %+v", tt.h, got)
		}
	}
}

// TestFreezeBeforeExposure: what was frozen before the last batch moves the deadline, and not the bake.
func TestFreezeBeforeExposure(t *testing.T) {
	c := v1alpha1.Clocks{StartedAt: at(0)}
	c = Freeze(Freeze(c, true, hour(2)), false, hour(5))
	c.ExposureCompletedAt = at(10)
	if c.FrozenSeconds != 3*3600 || c.BakeFrozenSeconds != 0 {
		t.Errorf("%+v", c)
	}
	if got := Time(waveOf(timed()), c, hour(10)); !got.BakeUntil.Equal(hour(82)) || !got.DeadlineAt.Equal(hour(339)) {
		t.Errorf("%+v", got)
	}
	// A freeze that began before the last batch counts for the bake from the batch on.
	c = v1alpha1.Clocks{StartedAt: at(0), ExposureCompletedAt: at(10), FrozenSince: at(8)}
	if got := Time(waveOf(timed()), c, hour(82+2)); got.BakeElapsed {
		t.Errorf("baked while frozen: %+v", got)
	}
	if c = Freeze(c, false, hour(14)); c.FrozenSeconds != 6*3600 || c.BakeFrozenSeconds != 4*3600 {
		t.Errorf("%+v", c)
	}
	// And one before the attempt began counts from its beginning.
	c = Freeze(v1alpha1.Clocks{StartedAt: at(4), FrozenSince: at(0)}, false, hour(5))
	if c.FrozenSeconds != 3600 {
		t.Errorf("%+v", c)
	}
	// A pause before the attempt is no time of the attempt.
	if c = Freeze(v1alpha1.Clocks{FrozenSince: at(0)}, false, hour(5)); c != (v1alpha1.Clocks{}) {
		t.Errorf("%+v", c)
	}
	// Clocks that run backwards take no time away.
	if c = Freeze(v1alpha1.Clocks{StartedAt: at(0), FrozenSince: at(5)}, false, hour(3)); c.FrozenSeconds != 0 || c.FrozenSince != nil {
		t.Errorf("%+v", c)
	}
}

// TestTime: what is due when, at the boundaries.
func TestTime(t *testing.T) {
	spec := timed()
	if got := Time(waveOf(spec), v1alpha1.Clocks{}, hour(0)); !cmp.Equal(got, Timing{BatchDue: true}) {
		t.Errorf("a new wave: %+v", got)
	}
	second := 1. / 3600
	batch := v1alpha1.Clocks{LastBatchAt: at(1)}
	if a, b := Time(waveOf(spec), batch, hour(9-second)), Time(waveOf(spec), batch, hour(9)); a.BatchDue || !b.BatchDue || !a.NextBatchAt.Equal(hour(9)) {
		t.Errorf("batch: %+v %+v", a, b)
	}
	back := v1alpha1.Clocks{RollbackStartedAt: at(1), FrozenSince: at(1)}
	if a, b := Time(waveOf(spec), back, hour(169-second)), Time(waveOf(spec), back, hour(169)); a.RollbackOverdue || !b.RollbackOverdue || !a.RollbackUntil.Equal(hour(169)) {
		t.Errorf("a rollback is not frozen: %+v %+v", a, b)
	}
	spec.Gate.Bake = hours(0)
	if got := Time(waveOf(spec), v1alpha1.Clocks{ExposureCompletedAt: at(3)}, hour(3)); !got.BakeElapsed {
		t.Errorf("no bake: %+v", got)
	}
}

// TestFrozenTimeIsExactlyLost runs random pauses against a plain count of the seconds in which nothing was frozen: bake
// and deadline end exactly when that count reaches them, however the pauses nest and repeat.
func TestFrozenTimeIsExactlyLost(t *testing.T) {
	spec := timed()
	spec.Gate.Bake, spec.Gate.Deadline = hours(1), hours(3)
	for seed := range 300 {
		rng := rand.New(rand.NewPCG(uint64(seed), 11))
		now, frozen := epoch, false
		c := v1alpha1.Clocks{StartedAt: at(0)}
		var ran, baked time.Duration
		exposedAfter := time.Duration(rng.IntN(5400)) * time.Second
		for range 60 {
			d := time.Duration(1+rng.IntN(600)) * time.Second
			if c.ExposureCompletedAt == nil && now.Sub(epoch) >= exposedAfter && !frozen {
				c.ExposureCompletedAt = stamped(now)
			}
			now = now.Add(d)
			if !frozen {
				ran += d
				if c.ExposureCompletedAt != nil {
					baked += d
				}
			}
			got := Time(waveOf(spec), c, now)
			if got.DeadlinePassed != (ran >= 3*time.Hour) || got.BakeElapsed != (c.ExposureCompletedAt != nil && baked >= time.Hour) {
				t.Fatalf("seed %d: ran %s, baked %s: %+v from %+v at %s", seed, ran, baked, got, c, now)
			}
			frozen = rng.IntN(2) == 0
			c = Freeze(c, frozen, now)
			if again := Freeze(c, frozen, now.Add(time.Hour)); !cmp.Equal(again, c) {
				t.Fatalf("seed %d: freezing again changes %+v to %+v", seed, c, again)
			}
		}
	}
}
