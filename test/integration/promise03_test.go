// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// breaks makes a share of all devices fail on the payload from their next check-in on.
func breaks(percent float64) func(*tenantsim.Scenario) {
	return func(sc *tenantsim.Scenario) {
		sc.Rules = []tenantsim.Rule{{Name: "late", DevicesPercent: percent, Outcome: tenantsim.OutcomeError, Definition: "passkeysenabled"}}
	}
}

// TestPromise03_BetweenPassAndPromotion kills the operator when the gate has passed and the promotion is about to be
// recorded. Until the next operator comes, devices fail or their reports stop.
func TestPromise03_BetweenPassAndPromotion(t *testing.T) {
	for name, test := range map[string]struct {
		scenario func(*tenantsim.Scenario)
		want     v1alpha1.WavePhase
	}{
		"ManyFailures": {breaks(60), v1alpha1.PhaseHalted},
		"SomeFailures": {breaks(15), v1alpha1.PhaseEvaluating}, // too many for the floor, too few to halt
		// What devices have said they have said: their last word counts when reports stop.
		"NoReports": {func(sc *tenantsim.Scenario) { sc.ZeroReports = true }, v1alpha1.PhaseSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, calm(of("Source", 40)), testkit.Options{NoOperator: true})
			op := w.RunUntil(t, func(write testkit.Write) bool { return phaseIn(write) == v1alpha1.PhaseSucceeded })
			wave := quick(w, "wave", "Source")
			wave.Spec.Gate.Promote.FloorRate, wave.Spec.Gate.Halt.ToleratedFailureRate = "0.90", "0.20"
			base(t, w, wave)
			for range 20 {
				w.Settle(t)
				if op.Dead() {
					break
				}
				w.Pass(t, step, step)
			}
			if s := w.Wave(t, "wave").Status; !op.Dead() || s.Phase != v1alpha1.PhasePromoting {
				t.Fatalf("the wave is %s, want Promoting and a dead operator", s.Phase)
			}
			op.Stop()
			changed(t, w, test.scenario)
			if err := w.Sim.Advance(16 * hour); err != nil {
				t.Fatal(err)
			}
			w.Run(t)
			reaches(t, w, "wave", test.want, v1alpha1.PhaseSucceeded)
			w.Pass(t, step, day)
			promoted := 0
			if test.want == v1alpha1.PhaseSucceeded {
				promoted = 1
			}
			if s := w.Wave(t, "wave").Status; s.Phase != test.want || (s.Clocks.SucceededAt != nil) != (promoted == 1) {
				t.Errorf("with %d failed devices of %+v the wave is %s, promoted at %v: %s", s.Devices.Failed, s.Devices, s.Phase, s.Clocks.SucceededAt, s.Decision.Message)
			}
			if n := countEvents(t, w, "wave", v1alpha1.ReasonPromoted); n != promoted {
				t.Errorf("%d events say that the wave was promoted: %s", n, notes(t, w, "wave"))
			}
		})
	}
}

// TestPromise03_PromotedOnce lets devices fail after the promotion, and operators come and go.
func TestPromise03_PromotedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 40)), testkit.Options{})
	base(t, w, quick(w, "wave", "Source"))
	was := reaches(t, w, "wave", v1alpha1.PhaseSucceeded).Status
	changed(t, w, breaks(40))
	w.Pass(t, step, day)
	w.Operator.Stop()
	w.Run(t)
	w.Pass(t, step, day)
	is := w.Wave(t, "wave").Status
	if is.Phase != v1alpha1.PhaseSucceeded || !is.Clocks.SucceededAt.Equal(was.Clocks.SucceededAt) || is.Attempt != 1 || len(is.History) != 0 {
		t.Errorf("the promoted wave is %s since %v, attempt %d, history %+v; was promoted at %v", is.Phase, is.Clocks.SucceededAt, is.Attempt, is.History, was.Clocks.SucceededAt)
	}
	if n := countEvents(t, w, "wave", v1alpha1.ReasonPromoted); n != 1 {
		t.Errorf("%d events say that the wave was promoted, want 1: %s", n, notes(t, w, "wave"))
	}
	if is.Devices.Failed == 0 {
		t.Errorf("the late failures are not shown: %+v", is.Devices)
	}
}

// TestPromise03_NeverWithoutAPass has too many failures to prove the floor and too few to halt.
func TestPromise03_NeverWithoutAPass(t *testing.T) {
	t.Parallel()
	sc := calm(of("Source", 30), of("Next", 20))
	sc.Rules = []tenantsim.Rule{{Name: "a few", DevicesPercent: 15, Outcome: tenantsim.OutcomeError, Definition: "passkeysenabled"}}
	w := newWorld(t, sc, testkit.Options{})
	wave := quick(w, "wave", "Source")
	wave.Spec.Gate.Promote.FloorRate, wave.Spec.Gate.Halt.ToleratedFailureRate = "0.90", "0.20"
	wave.Spec.Gate.Deadline.Duration = 3 * day
	base(t, w, wave, quick(w, "next", "Next", "wave"))
	s := reaches(t, w, "wave", v1alpha1.PhaseHeld, v1alpha1.PhaseSucceeded, v1alpha1.PhaseHalted).Status
	if s.Phase != v1alpha1.PhaseHeld || s.HeldReason != v1alpha1.ReasonDeadlineExceeded {
		t.Fatalf("without a pass the wave is %s (%s): %s", s.Phase, s.HeldReason, s.Decision.Message)
	}
	if s := w.Wave(t, "next").Status; s.Phase != v1alpha1.PhasePending {
		t.Errorf("the next wave is %s", s.Phase)
	}
}
