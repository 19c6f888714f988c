// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
)

// TestPolicySettled: what a policy says when nothing is left to do, and when it is looked at again.
func TestPolicySettled(t *testing.T) {
	drift := []plan.Drift{{Kind: plan.NameEdited, Detail: "renamed"}}
	stalled := v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Status: v1alpha1.PilotWaveStatus{Conditions: []metav1.Condition{Condition(v1alpha1.ConditionStalled, true, "R", "halted")}}}
	for name, tt := range map[string]struct {
		change  func(p *v1alpha1.PasskeyPolicy)
		waves   []v1alpha1.PilotWave
		built   plan.Result
		state   State
		reason  string
		message string
		applied bool
		requeue time.Duration
	}{
		"as it should be": {state: Current, reason: v1alpha1.ReasonSucceeded, message: "every policy in the tenant is as it should be", applied: true, requeue: time.Hour},
		"drift is only reported": {change: func(p *v1alpha1.PasskeyPolicy) { p.Spec.Drift = v1alpha1.DriftReport }, built: plan.Result{Drifts: drift},
			state: Current, reason: v1alpha1.ReasonSucceeded, message: "but for what condition Drifted names", applied: true, requeue: time.Hour},
		"EnforceOnly": {change: func(p *v1alpha1.PasskeyPolicy) { p.Spec.Mode = v1alpha1.ModeEnforceOnly }, state: Current, reason: v1alpha1.ReasonSucceeded,
			message: "EnforceOnly restrains no one", applied: true, requeue: time.Hour},
		"an assignment is open": {change: func(p *v1alpha1.PasskeyPolicy) {
			p.Status.Objects = []v1alpha1.TenantObject{{AssignSentAt: &metav1.Time{}}}
		},
			state: Current, reason: v1alpha1.ReasonSucceeded, applied: true, requeue: plan.ReplicationLag},
		"a wave is stalled": {waves: []v1alpha1.PilotWave{{}, stalled}, state: Stuck, reason: v1alpha1.ReasonWaveStalled, message: `wave "one" is stalled: halted`, applied: true, requeue: time.Hour},
		"assignments are late": {built: plan.Result{Late: []string{"the assignments", "of two"}, Notes: []string{"n"}}, state: InProgress, reason: v1alpha1.ReasonAssigning,
			message: "the assignments; of two", requeue: LateLook},
		"settings are late": {built: plan.Result{Late: []string{"settings"}, LateContent: true}, state: InProgress, reason: v1alpha1.ReasonApplying, message: "settings", requeue: LateLook},
		"a payload waits":   {built: plan.Result{Notes: []string{"one", "two"}}, state: InProgress, reason: v1alpha1.ReasonPayloadWaiting, message: "one; two", requeue: time.Hour},
	} {
		p := &v1alpha1.PasskeyPolicy{Spec: v1alpha1.PasskeyPolicySpec{Mode: v1alpha1.ModeGate, Interval: metav1.Duration{Duration: time.Hour}}}
		if tt.change != nil {
			tt.change(p)
		}
		var r Report
		r.Settled(p, tt.waves, tt.built)
		if r.Standing.State != tt.state || r.Standing.Reason != tt.reason || !strings.Contains(r.Standing.Message, tt.message) || r.Requeue != tt.requeue {
			t.Errorf("%s: %+v", name, r)
		}
		if !r.Has(v1alpha1.ConditionApplied) || (r.Conditions[0].Status == metav1.ConditionTrue) != tt.applied {
			t.Errorf("%s: %+v", name, r.Conditions)
		}
	}
}

// TestPolicySeen: what a look tells of settings and drift; while the tenant is late, drift is not judged.
func TestPolicySeen(t *testing.T) {
	v := plan.View{Catalog: plan.Catalog{Resolution: settings.Resolution{Verdicts: []v1alpha1.SettingStatus{
		{Verdict: v1alpha1.SettingResolved}, {Verdict: v1alpha1.SettingSkipped}, {Verdict: v1alpha1.SettingSkipped}, {Verdict: v1alpha1.SettingSubstituted},
	}}}}
	r := PolicySeen(&v, plan.Result{})
	if len(r.Conditions) != 2 || !strings.HasPrefix(r.Conditions[0].Message, "1 resolved, 1 substituted, 2 skipped;") || r.Conditions[1].Status != metav1.ConditionFalse || len(r.Keep) > 0 {
		t.Errorf("%+v", r)
	}
	r = PolicySeen(&v, plan.Result{Drifts: []plan.Drift{{Key: plan.Key{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformWindows}, Kind: plan.NameEdited, Detail: "d"}}})
	if c := r.Conditions[1]; c.Type != v1alpha1.ConditionDrifted || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonNameEdited || c.Message != "Windows Hold: d" {
		t.Errorf("%+v", c)
	}
	if r = PolicySeen(&v, plan.Result{Late: []string{"x"}}); r.Has(v1alpha1.ConditionDrifted) || len(r.Keep) != 1 {
		t.Errorf("%+v", r)
	}
	v.Catalog.Blocked, v.Catalog.BlockMessage = true, "why"
	if r = PolicySeen(&v, plan.Result{}); r.Standing != (Standing{Stuck, v1alpha1.ReasonSettingMissing, "why"}) || len(r.Conditions) != 1 || r.Conditions[0].Status != metav1.ConditionFalse || r.Requeue != StoppedLook {
		t.Errorf("%+v", r)
	}
}

// TestPolicyNotAlone: the other operator is named with what it has.
func TestPolicyNotAlone(t *testing.T) {
	var r Report
	r.NotAlone([]plan.OtherOperator{{Cluster: "east", Policies: []string{"a", "b"}}})
	if r.Standing.State != Stuck || r.Standing.Reason != v1alpha1.ReasonOtherOperator || !strings.Contains(r.Standing.Message, `east (2 policies, for example "a")`) || !r.Has(v1alpha1.ConditionApplied) {
		t.Errorf("%+v", r)
	}
}

// TestPolicyProgress: the waves of a policy in sum.
func TestPolicyProgress(t *testing.T) {
	wave := func(name string, phase v1alpha1.WavePhase) v1alpha1.PilotWave {
		return v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1alpha1.PilotWaveStatus{Phase: phase}}
	}
	done, busy, idle := wave("a", v1alpha1.PhaseSucceeded), wave("b", v1alpha1.PhaseBaking), wave("c", v1alpha1.PhasePending)
	for _, tt := range []struct {
		waves             []v1alpha1.PilotWave
		progress, current string
		reason            string
		complete          bool
	}{
		{nil, "0/0", "", v1alpha1.ReasonNoWaves, false}, {[]v1alpha1.PilotWave{done, idle, busy}, "1/3", "b", v1alpha1.ReasonRolloutInProgress, false},
		{[]v1alpha1.PilotWave{done}, "1/1", "", v1alpha1.ReasonRolloutComplete, true},
	} {
		s := v1alpha1.PasskeyPolicyStatus{CurrentWave: "old"}
		got := PolicyProgress(&s, tt.waves, false)
		if len(got) != 1 || got[0].Reason != tt.reason || (got[0].Status == metav1.ConditionTrue) != tt.complete || s.WaveProgress != tt.progress || s.CurrentWave != tt.current {
			t.Errorf("%+v, %+v", got, s)
		}
		if got := PolicyProgress(&s, tt.waves, true); len(got) != 2 || got[1].Type != v1alpha1.ConditionPaused {
			t.Errorf("%+v", got)
		}
	}
}

// TestApplyingReason: waves go on when only assignments are moving.
func TestApplyingReason(t *testing.T) {
	assign, replace := plan.Action{Kind: plan.Assign}, plan.Action{Kind: plan.Replace}
	if a, b := ApplyingReason([]plan.Action{assign}), ApplyingReason([]plan.Action{assign, replace}); a != v1alpha1.ReasonAssigning || b != v1alpha1.ReasonApplying {
		t.Errorf("%s, %s", a, b)
	}
}
