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
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/settings"
)

var settledAt = time.Date(2026, 6, 1, 9, 10, 0, 0, time.UTC)

// TestPolicySettled: what a policy says when nothing is left to do, and when it is looked at again.
func TestPolicySettled(t *testing.T) {
	drift := []plan.Drift{{Kind: plan.NameEdited, Detail: "renamed"}}
	stalled := v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Status: v1alpha1.PilotWaveStatus{Conditions: []metav1.Condition{Condition(v1alpha1.ConditionStalled, true, "R", "halted")}}}
	succeeded := v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "one", UID: "u"}, Status: v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseSucceeded, Attempt: 2}}
	lost := *succeeded.DeepCopy()
	lost.Status.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionStalled, true, v1alpha1.ReasonGroupLost, "deleted")}
	admitting := func(state v1alpha1.AdmissionState, ago time.Duration) func(p *v1alpha1.PasskeyPolicy) {
		at := metav1.NewTime(settledAt.Add(-ago))
		return func(p *v1alpha1.PasskeyPolicy) {
			p.Status.Waves = []v1alpha1.WaveAdmission{{Name: "one", UID: "u", Attempt: 2, Revision: 3, GroupID: "g", State: state, Since: at, AssignedAt: &at}}
		}
	}
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
		"groups wait":       {built: plan.Result{Notes: []string{"one", "two"}}, state: InProgress, reason: v1alpha1.ReasonAssigning, message: "one; two", requeue: time.Hour},
		"an object is gone": {built: plan.Result{Notes: []string{"one"}, Drifts: []plan.Drift{{Kind: plan.ObjectDeleted}}}, state: InProgress, reason: v1alpha1.ReasonObjectDeleted, message: "one", requeue: time.Hour},
		"Intune takes its time": {change: admitting(v1alpha1.Admitting, 10*time.Minute), state: InProgress, reason: v1alpha1.ReasonAssigning,
			message: `group g of wave "one" (attempt 2, r3) is Admitting since 2026-06-01T09:00Z, and Intune may take until 2026-06-01T09:30Z`, applied: true, requeue: 20 * time.Minute},
		"a wave has what it succeeded with": {change: admitting(v1alpha1.Admitted, 0), waves: []v1alpha1.PilotWave{succeeded}, state: Current, reason: v1alpha1.ReasonSucceeded, applied: true, requeue: time.Hour},
		"a wave's devices are out": {change: admitting(v1alpha1.Admitting, 0), waves: []v1alpha1.PilotWave{succeeded}, state: InProgress, reason: v1alpha1.ReasonAssigning,
			message: `wave "one" has succeeded, and its group g is Admitting`, requeue: 30 * time.Minute},
		"a wave's group is gone": {change: admitting(v1alpha1.Admitted, 0), waves: []v1alpha1.PilotWave{lost}, state: Stuck, reason: v1alpha1.ReasonWaveStalled, message: "deleted", requeue: time.Hour},
	} {
		p := &v1alpha1.PasskeyPolicy{Spec: v1alpha1.PasskeyPolicySpec{Mode: v1alpha1.ModeGate, Interval: metav1.Duration{Duration: time.Hour}}}
		if tt.change != nil {
			tt.change(p)
		}
		var r Report
		r.Settled(p, tt.waves, tt.built, settledAt)
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
	p := &v1alpha1.PasskeyPolicy{Status: v1alpha1.PasskeyPolicyStatus{Settings: []v1alpha1.SettingStatus{
		{Verdict: v1alpha1.SettingResolved}, {Verdict: v1alpha1.SettingSkipped}, {Verdict: v1alpha1.SettingSkipped}, {Verdict: v1alpha1.SettingSubstituted},
	}}}
	res, same := &settings.Resolution{}, &revision.Result{}
	r := PolicySeen(p, plan.Result{}, res, same)
	if len(r.Conditions) != 2 || !strings.HasPrefix(r.Conditions[0].Message, "1 resolved, 1 substituted, 2 skipped;") || r.Conditions[1].Status != metav1.ConditionFalse || len(r.Keep) > 0 {
		t.Errorf("%+v", r)
	}
	r = PolicySeen(p, plan.Result{Drifts: []plan.Drift{{Key: plan.LevelKey(v1alpha1.PlatformWindows, 0), Kind: plan.NameEdited, Detail: "d"}}}, res, same)
	if c := r.Conditions[1]; c.Type != v1alpha1.ConditionDrifted || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonNameEdited || c.Message != "Windows Hold: d" {
		t.Errorf("%+v", c)
	}
	if r = PolicySeen(p, plan.Result{Late: []string{"x"}}, res, same); r.Has(v1alpha1.ConditionDrifted) || len(r.Keep) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestPolicyNotAlone: the other operator is named with what it has.
func TestPolicyNotAlone(t *testing.T) {
	if c, not := NotAlone(&plan.View{}); not {
		t.Errorf("%+v", c)
	}
	rival := plan.View{Rivals: []plan.Rival{{Policy: "ns/first", Why: "both include group g"}, {Gone: "uid", Policies: []string{"a"}}}}
	if c, not := NotAlone(&rival); !not || c.Reason != v1alpha1.ReasonOtherPolicy || !strings.Contains(c.Message, "ns/first") || !strings.Contains(c.Message, "both include group g") ||
		!strings.Contains(c.Message, `uid), has left 1 policies in the tenant, for example "a"`) {
		t.Errorf("%+v", c)
	}
	c, not := NotAlone(&plan.View{Others: []plan.OtherOperator{{Cluster: "east", Policies: []string{"a", "b"}}}, Rivals: rival.Rivals})
	if !not {
		t.Fatal("alone")
	}
	var r Report
	r.NotAlone(c)
	if r.Standing.State != Stuck || r.Standing.Reason != v1alpha1.ReasonOtherOperator || !strings.Contains(r.Standing.Message, `east (2 policies, for example "a")`) || !r.Has(v1alpha1.ConditionApplied) {
		t.Errorf("%+v", r)
	}
}

// TestPolicyProgress: the waves of a policy in sum: the rollout is over when every wave has proven the revision that the spec
// asks for and stands by it, the tenant is as claimed, and nobody is on hold.
func TestPolicyProgress(t *testing.T) {
	wave := func(name string, phase v1alpha1.WavePhase) v1alpha1.PilotWave {
		return v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1alpha1.PilotWaveStatus{
			Phase: phase, Revision: 2, Conditions: []metav1.Condition{Condition(v1alpha1.ConditionReady, true, "R", "")},
		}}
	}
	done, busy, idle := wave("a", v1alpha1.PhaseSucceeded), wave("b", v1alpha1.PhaseBaking), wave("c", v1alpha1.PhasePending)
	former, unwell := *done.DeepCopy(), *done.DeepCopy()
	late := *done.DeepCopy()
	late.Status.Clocks.RegressedAt = &metav1.Time{}
	former.Status.Revision, unwell.Status.Conditions = 1, nil
	for name, tt := range map[string]struct {
		waves             []v1alpha1.PilotWave
		departed          bool
		onHold            int32
		emptied           bool
		progress, current string
		reason, message   string
		complete          bool
	}{
		"no wave":       {progress: "0/0", reason: v1alpha1.ReasonNoWaves},
		"on the way":    {waves: []v1alpha1.PilotWave{done, idle, busy}, progress: "1/3", current: "b", reason: v1alpha1.ReasonRolloutInProgress, message: "1/3 waves have succeeded on r2"},
		"over":          {waves: []v1alpha1.PilotWave{done}, progress: "1/1", reason: v1alpha1.ReasonRolloutComplete, complete: true},
		"on another":    {waves: []v1alpha1.PilotWave{former}, progress: "0/1", current: "a", reason: v1alpha1.ReasonRolloutInProgress},
		"not Ready":     {waves: []v1alpha1.PilotWave{unwell}, progress: "1/1", reason: v1alpha1.ReasonRolloutInProgress, message: `wave "a" is not Ready`},
		"departed":      {waves: []v1alpha1.PilotWave{done}, departed: true, progress: "1/1", reason: v1alpha1.ReasonRolloutInProgress, message: "condition Applied says why"},
		"nobody left":   {waves: []v1alpha1.PilotWave{done}, emptied: true, progress: "1/1", reason: v1alpha1.ReasonPopulationEmpty, message: "selects nobody"},
		"regressed":     {waves: []v1alpha1.PilotWave{late}, progress: "0/1", current: "a", reason: v1alpha1.ReasonRolloutInProgress},
		"still on hold": {waves: []v1alpha1.PilotWave{done}, onHold: 3, progress: "1/1", reason: v1alpha1.ReasonStillOnHold, message: "the account"},
	} {
		p := &v1alpha1.PasskeyPolicy{Spec: v1alpha1.PasskeyPolicySpec{Mode: v1alpha1.ModeGate}, Status: v1alpha1.PasskeyPolicyStatus{
			CurrentWave: "old", Revisions: []v1alpha1.RevisionStatus{{Number: 1, State: v1alpha1.RevisionStable}, {Number: 2, State: v1alpha1.RevisionCandidate}},
			Population: &v1alpha1.PopulationStatus{Members: 7, OnHold: tt.onHold},
		}}
		if tt.emptied {
			p.Status.Population.Members = 0
		}
		for _, kept := range []bool{false, true} {
			var r Report
			if applied := Condition(v1alpha1.ConditionApplied, !tt.departed, "R", ""); kept {
				r.Keep, p.Status.Conditions = []string{v1alpha1.ConditionApplied}, []metav1.Condition{applied}
			} else {
				r.Add(applied)
			}
			r.PolicyProgress(p, tt.waves, "the account")
			c := r.Conditions[len(r.Conditions)-1]
			if c.Reason != tt.reason || (c.Status == metav1.ConditionTrue) != tt.complete || !strings.Contains(c.Message, tt.message) ||
				p.Status.WaveProgress != tt.progress || p.Status.CurrentWave != tt.current {
				t.Errorf("%s: %+v, %+v", name, c, p.Status)
			}
		}
		p.Spec.Paused = true
		var r Report
		if r.PolicyProgress(p, tt.waves, ""); len(r.Conditions) != 2 || r.Conditions[1].Type != v1alpha1.ConditionPaused {
			t.Errorf("%s: %+v", name, r.Conditions)
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
