// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// bad is a tenant in which the payload breaks 30 % of all devices, and a wave that goes out in batches of ten.
func bad(t *testing.T, action v1alpha1.FailureAction) *testkit.World {
	t.Helper()
	sc, _ := tenantsim.BuiltinScenario("bad-policy")
	fleet := calm(of("Source", 60), of("Next", 20))
	fleet.Rules = sc.Rules
	w := newWorld(t, fleet, testkit.Options{})
	wave := quick(w, "wave", "Source")
	wave.Spec.Exposure.BatchSize, wave.Spec.Exposure.Interval.Duration = 10, step
	wave.Spec.OnFailure.Action = action
	wave.Spec.OnFailure.Rollback.Deadline.Duration = day
	base(t, w, wave, quick(w, "next", "Next", "wave"))
	return w
}

func TestBadWaveHaltsEarly(t *testing.T) {
	t.Parallel()
	w := bad(t, v1alpha1.FailureHold)
	reaches(t, w, "wave", v1alpha1.PhaseHalted)
	s := w.Wave(t, "wave").Status
	exposed := w.ExposedIDs(t, "wave")
	if len(exposed) > 40 || s.Devices.Failed < 3 {
		t.Errorf("%d of 60 devices were exposed and %d had failed before the halt", len(exposed), s.Devices.Failed)
	}
	t.Logf("halted with %d of 60 devices exposed, %d failed", len(exposed), s.Devices.Failed)
	if s.Decision.Verdict != v1alpha1.VerdictHalt || !slices.ContainsFunc(s.Findings, func(f v1alpha1.Finding) bool { return f.Mode == "F3" && f.Count > 0 && len(f.Samples) > 0 }) {
		t.Errorf("the verdict is %s, the findings are %+v", s.Decision.Verdict, s.Findings)
	}
	w.Pass(t, step, 2*day)
	if now := w.ExposedIDs(t, "wave"); !slices.Equal(now, exposed) {
		t.Errorf("after the halt %d more devices were exposed", len(now)-len(exposed))
	}
	if got := w.Members(t, w.Admin(t), w.AttemptGroup(t, "wave")); !slices.Equal(got, exposed) {
		t.Errorf("the managed group has %d members, %d devices are exposed", len(got), len(exposed))
	}
	next := w.Wave(t, "next").Status
	if next.Phase != v1alpha1.PhasePending || next.Decision.Reason != v1alpha1.ReasonDependencyFailed {
		t.Errorf("the next wave is %s (%s)", next.Phase, next.Decision.Reason)
	}
	if err := condition(policy(t, w).Status.Conditions, v1alpha1.ConditionStalled, "True", v1alpha1.ReasonWaveStalled); err != nil {
		t.Error(err)
	}
	if n := countEvents(t, w, "wave", v1alpha1.ReasonGateHalted); n != 1 {
		t.Errorf("%d events report the halt, want 1: %s", n, notes(t, w, "wave"))
	}
}

// TestBadWaveRollsBack wants devices, not writes, to prove the rollback.
func TestBadWaveRollsBack(t *testing.T) {
	t.Parallel()
	w := bad(t, v1alpha1.FailureRollback)
	reaches(t, w, "wave", v1alpha1.PhaseRollingBack)
	w.Soon(t, that(func() bool {
		return len(w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows).Assignments) == 0 && w.Wave(t, "wave").Status.Rollback != nil
	}, "the rollback has begun and allow is still assigned"))
	s := w.Wave(t, "wave").Status
	if s.Phase != v1alpha1.PhaseRollingBack || s.Rollback == nil || s.Rollback.Verified != 0 {
		t.Fatalf("before any device has checked in the wave is %s, %+v", s.Phase, s.Rollback)
	}
	done := reaches(t, w, "wave", v1alpha1.PhaseRolledBack)
	r := done.Status.Rollback
	if r == nil || r.Verified*100 < r.Target*95 {
		t.Errorf("rolled back with %+v, want 95 %% verified", r)
	}
	for _, d := range w.Sim.Snapshot(true).Devices {
		if slices.Contains(w.ExposedIDs(t, "wave"), d.ObjectID) && d.Passkeys == "allowed" {
			t.Errorf("device %s was exposed and still allows passkeys", d.Name)
		}
	}
	checkSafety(t, w)
}

// checkSafety holds for every wave that was stopped: not a single device of its group gets the payload.
func checkSafety(t *testing.T, w *testkit.World) {
	t.Helper()
	if err := w.Reaches(t, "Allow", 0); err != nil {
		t.Error(err)
	}
}

// TestRollbackIncomplete lets a third of the devices vanish, and return after the deadline.
func TestRollbackIncomplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 30)), testkit.Options{})
	wave := quick(w, "wave", "Source")
	wave.Spec.OnFailure.Rollback.Deadline.Duration = day
	base(t, w, wave)
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	w.Pass(t, step, step)
	changed(t, w, func(sc *tenantsim.Scenario) { sc.OfflinePercent = 35 })
	annotate(t, w, wave, v1alpha1.AnnotationRollback, "now")
	w.Settle(t)
	w.Pass(t, step, 20*hour)
	if s := w.Wave(t, "wave").Status; s.Phase != v1alpha1.PhaseRollingBack {
		t.Fatalf("with a third of the devices silent and the deadline ahead the wave is %s: %s", s.Phase, s.Decision.Message)
	}
	s := reaches(t, w, "wave", v1alpha1.PhaseRollbackIncomplete).Status
	if s.Rollback == nil || s.Rollback.Unreachable == 0 || s.Rollback.Verified == 0 || s.Rollback.Target != 30 {
		t.Errorf("the rollback stands at %+v, want some verified and some unreachable of 30", s.Rollback)
	}
	if err := condition(s.Conditions, v1alpha1.ConditionStalled, "True", v1alpha1.ReasonRollbackIncomplete); err != nil {
		t.Error(err)
	}
	w.Pass(t, step, day)
	if s := w.Wave(t, "wave").Status; s.Phase != v1alpha1.PhaseRollbackIncomplete {
		t.Fatalf("nobody has returned and the wave is %s", s.Phase)
	}
	changed(t, w, func(sc *tenantsim.Scenario) { sc.OfflinePercent = 0 })
	reaches(t, w, "wave", v1alpha1.PhaseRolledBack)
}

// TestTargetingConflict has a baseline of another team set the same setting on a share of the wave's devices.
func TestTargetingConflict(t *testing.T) {
	t.Parallel()
	sc := calm(tenantsim.GroupSpec{DisplayName: "Source", Count: 60, From: "windows"})
	sc.ConflictingBaseline = &tenantsim.Baseline{DisplayName: "Other team's baseline", GroupDisplayName: "Source", DevicesPercent: 20}
	w := newWorld(t, sc, testkit.Options{Devices: 160})
	wave := quick(w, "wave", "Source")
	wave.Spec.Exposure.BatchSize, wave.Spec.Exposure.Interval.Duration = 20, step
	base(t, w, wave)
	w.Until(t, step, 6*day, that(func() bool { return w.Wave(t, "wave").Status.HeldReason == v1alpha1.ReasonTargetingConflict },
		"with a fifth of the devices in conflict the wave is not held for it"))
	s := w.Wave(t, "wave").Status
	if !slices.ContainsFunc(s.Findings, func(f v1alpha1.Finding) bool { return f.Mode == "F3" }) || s.Devices.Conflict == 0 {
		t.Errorf("the findings are %+v, the devices %+v", s.Findings, s.Devices)
	}
	exposed := w.ExposedIDs(t, "wave")
	w.Pass(t, step, day)
	if now := w.ExposedIDs(t, "wave"); !slices.Equal(now, exposed) {
		t.Errorf("while held %d more devices were exposed", len(now)-len(exposed))
	}
	if err := w.Sim.Unassign("Other team's baseline"); err != nil {
		t.Fatal(err)
	}
	done := reaches(t, w, "wave", v1alpha1.PhaseSucceeded).Status
	if done.Attempt != 1 || len(w.ExposedIDs(t, "wave")) != 60 || done.Devices.Conflict != 0 {
		t.Errorf("the wave ended in attempt %d with %d devices exposed, %+v", done.Attempt, len(w.ExposedIDs(t, "wave")), done.Devices)
	}
	if onset, end := countEvents(t, w, "wave", v1alpha1.ReasonTargetingConflict), countEvents(t, w, "wave", v1alpha1.ReasonHeldCauseCleared); onset != 1 || end < 1 { // a reading that was refused may have held it as well
		t.Errorf("%d events for the onset and %d for the end, want one, and one at least: %s", onset, end, notes(t, w, "wave"))
	}
}
