// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/rollout"
)

// TestTelemetry: what counts as fresh, stale, missing and not loaded.
func TestTelemetry(t *testing.T) {
	now := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	read := func(ago time.Duration) *v1alpha1.Tenant {
		return named("corp", &v1alpha1.Tenant{Status: v1alpha1.TenantStatus{Inventory: &v1alpha1.InventoryStatus{AsOf: metav1.NewTime(now.Add(-ago))}}})
	}
	policy := newPolicy()
	policy.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, ID: "unread"}}
	for name, tt := range map[string]struct {
		run  waveRun
		want rollout.TelemetryState
	}{
		"no tenant":                       {waveRun{}, rollout.TelemetryMissing},
		"never read":                      {waveRun{tenant: named("corp", &v1alpha1.Tenant{})}, rollout.TelemetryNotLoaded},
		"read by a predecessor":           {waveRun{tenant: read(time.Hour)}, rollout.TelemetryNotLoaded},
		"read by a predecessor, long ago": {waveRun{tenant: read(27 * time.Hour)}, rollout.TelemetryStale},
		"fresh":                           {waveRun{tenant: read(27 * time.Hour), inventory: &fleet.Inventory{AsOf: now}}, rollout.TelemetryFresh},
		"stale":                           {waveRun{tenant: read(0), inventory: &fleet.Inventory{AsOf: now.Add(-27 * time.Hour)}}, rollout.TelemetryStale},
		"a policy's reports are missing":  {waveRun{tenant: read(0), inventory: &fleet.Inventory{AsOf: now}, policy: policy}, rollout.TelemetryNotLoaded},
	} {
		tt.run.before, tt.run.now = newWave("a", "First"), now
		if got := tt.run.telemetry(); got.State != tt.want || (got.State == rollout.TelemetryFresh) != (got.Message == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestExposure: which of the limits on the next batch is in force.
func TestExposure(t *testing.T) {
	l := ledgerOf(newWave("a", "Everyone"), 1, 40)
	part, _ := l.Expose(25, time.Unix(1_800_000_000, 0))
	all, _ := l.Expose(40, time.Unix(1_800_000_000, 0))
	for name, tt := range map[string]struct {
		ledger     audience.Ledger
		due        bool
		unreported int
		most       *int32
		want       rollout.ExposureState
		part       string
	}{
		"due":                        {part, true, 30, nil, rollout.ExposureDue, "15 of 15"},
		"complete":                   {all, false, 40, nil, rollout.ExposureComplete, "all 40"},
		"interval":                   {part, false, 0, nil, rollout.ExposureWaitInterval, "goes out at"},
		"unreported":                 {part, true, 31, nil, rollout.ExposureTooManyUnreported, "exposure.maxUnreported allows 30"},
		"unreported, none allowed":   {part, true, 1, ptr.To[int32](0), rollout.ExposureTooManyUnreported, "allows 0"},
		"none unreported, 0 allowed": {part, true, 0, ptr.To[int32](0), rollout.ExposureDue, ""},
	} {
		w := newWave("a", "First")
		w.Spec.Exposure.MaxUnreported = tt.most
		run := waveRun{before: w, ledger: &tt.ledger, timing: rollout.Timing{BatchDue: tt.due}}
		if got := run.exposure(tt.unreported); got.State != tt.want || !strings.Contains(got.Message, tt.part) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestPolicyState: when a policy lets its waves move.
func TestPolicyState(t *testing.T) {
	ready := newPolicy()
	ready.Generation, ready.Status.ObservedGeneration, ready.Status.PayloadHash = 3, 3, "p"
	ready.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionSettingsResolved, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, ObservedGeneration: 3},
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PasskeyPolicy)
		want   rollout.PolicyState
	}{
		"ready":          {func(*v1alpha1.PasskeyPolicy) {}, rollout.PolicyReady},
		"suspended":      {func(p *v1alpha1.PasskeyPolicy) { p.Spec.Suspend = true }, rollout.PolicyNotReady},
		"new generation": {func(p *v1alpha1.PasskeyPolicy) { p.Generation = 4 }, rollout.PolicyNotReady},
		"no payload":     {func(p *v1alpha1.PasskeyPolicy) { p.Status.PayloadHash = "" }, rollout.PolicyNotReady},
		"unresolved":     {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions[0].Status = metav1.ConditionFalse }, rollout.PolicyNotReady},
		"not applied":    {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions[1].Status = metav1.ConditionFalse }, rollout.PolicyNotReady},
		"never applied":  {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions = p.Status.Conditions[:1] }, rollout.PolicyNotReady},
		"assigning a group": {func(p *v1alpha1.PasskeyPolicy) {
			p.Status.Conditions[1] = metav1.Condition{Type: v1alpha1.ConditionApplied, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAssigning, ObservedGeneration: 3}
		}, rollout.PolicyReady},
		"applied for an older spec": {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions[1].ObservedGeneration = 2 }, rollout.PolicyNotReady},
		"deleted":                   {func(p *v1alpha1.PasskeyPolicy) { p.DeletionTimestamp = ptr.To(metav1.NewTime(time.Unix(1, 0))) }, rollout.PolicyMissing},
	} {
		p := ready.DeepCopy()
		tt.change(p)
		run := waveRun{before: newWave("a", "First"), policy: p}
		if got := run.policyState(); got.State != tt.want || (tt.want == rollout.PolicyReady) != (got.Message == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := (&waveRun{before: newWave("a", "First")}).policyState(); got.State != rollout.PolicyMissing || !strings.Contains(got.Message, `"pkp"`) {
		t.Errorf("none: %+v", got)
	}
}

// TestNext: what a person waits for in each phase, and how long nothing changes by time alone.
func TestNext(t *testing.T) {
	now := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	clocks := v1alpha1.Clocks{
		StartedAt: ptr.To(metav1.NewTime(now)), LastBatchAt: ptr.To(metav1.NewTime(now.Add(-30 * time.Minute))),
		ExposureCompletedAt: ptr.To(metav1.NewTime(now)), RollbackStartedAt: ptr.To(metav1.NewTime(now)),
	}
	for _, tt := range []struct {
		phase v1alpha1.WavePhase
		row   *v1alpha1.GateRow
		soak  time.Duration
		text  string
	}{
		{v1alpha1.PhasePending, nil, 0, ""}, {v1alpha1.PhasePending, nil, time.Hour, "2026-06-01T07:00Z"},
		{v1alpha1.PhaseExposing, nil, 0, "2026-06-01T06:30Z"}, {v1alpha1.PhaseBaking, nil, 0, "2026-06-01T14:00Z"},
		{v1alpha1.PhaseEvaluating, nil, 0, "next report"}, {v1alpha1.PhaseEvaluating, &v1alpha1.GateRow{NextLookAt: 93}, 0, "at 93 reports"},
		{v1alpha1.PhaseRollingBack, nil, 0, "2026-06-08T06:00Z"}, {v1alpha1.PhaseSucceeded, nil, 0, ""},
	} {
		run := waveRun{after: newWave("a", "First"), now: now}
		run.after.Status.Phase, run.after.Status.Clocks = tt.phase, clocks
		if tt.row != nil {
			run.after.Status.Gate = []v1alpha1.GateRow{*tt.row}
		}
		if tt.soak > 0 {
			run.soakUntil = now.Add(tt.soak)
		}
		if got := run.nextText(); got != tt.text {
			t.Errorf("%s: %q, want %q", tt.phase, got, tt.text)
		}
	}
	run := waveRun{after: newWave("a", "First"), now: now, policy: newPolicy()}
	if got := run.wait(); got != idle {
		t.Errorf("nothing is due: %s", got)
	}
	run.after.Status.Clocks.LastBatchAt = ptr.To(metav1.NewTime(now.Add(-55 * time.Minute)))
	if got := run.wait(); got != 5*time.Minute {
		t.Errorf("a batch is due in 5 minutes: %s", got)
	}
	run.after.Status = v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseSucceeded}
	if got := run.wait(); got != 30*time.Minute {
		t.Errorf("done: %s", got)
	}
}

// TestWaveConditionReasons: each state has the reason that the API documents.
func TestWaveConditionReasons(t *testing.T) {
	for state, want := range map[rollout.DependencyState]string{
		rollout.DependenciesMet: v1alpha1.ReasonDependenciesMet, rollout.DependenciesMissing: v1alpha1.ReasonDependencyMissing,
		rollout.DependenciesCycle: v1alpha1.ReasonDependencyCycle, rollout.DependenciesFailed: v1alpha1.ReasonDependencyFailed,
		rollout.DependenciesWaiting: v1alpha1.ReasonWaitingForDependency, "": v1alpha1.ReasonWaitingForDependency,
	} {
		if got := dependencyReason(rollout.Input{Dependencies: rollout.FactOf(state, "")}); got != want {
			t.Errorf("%q: %s", state, got)
		}
	}
	for state, want := range map[rollout.TelemetryState]string{
		rollout.TelemetryFresh: v1alpha1.ReasonTelemetryFresh, rollout.TelemetryStale: v1alpha1.ReasonTelemetryStale,
		rollout.TelemetryMissing: v1alpha1.ReasonTelemetryMissing, rollout.TelemetryNotLoaded: v1alpha1.ReasonInventoryNotLoaded,
	} {
		if got := telemetryReason(rollout.Input{Telemetry: rollout.FactOf(state, "")}); got != want {
			t.Errorf("%q: %s", state, got)
		}
	}
}
