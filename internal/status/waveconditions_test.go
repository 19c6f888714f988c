// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/rollout"
)

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

// TestAudienceOutdated: an edit of spec.audience is told, with what it does and what a retry would do, until it is undone.
func TestAudienceOutdated(t *testing.T) {
	w := &v1alpha1.PilotWave{}
	w.Status.Audience = &v1alpha1.AudienceStatus{SpecHash: rollout.AudienceHash(&w.Spec.Audience)}
	if c := meta.FindStatusCondition(WaveConditions(rollout.Input{}, w), v1alpha1.ConditionAudienceOutdated); c != nil {
		t.Errorf("not edited: %+v", c)
	}
	w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{ID: "x"}}
	for growing, part := range map[bool]string{false: "exclusions act at once", true: "those who are selected now join"} {
		c := meta.FindStatusCondition(WaveConditions(rollout.Input{Growing: growing}, w), v1alpha1.ConditionAudienceOutdated)
		if c == nil || c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, part) {
			t.Errorf("growing %t: %+v", growing, c)
		}
	}
}

// TestWaveDeparted: while the group of an earlier attempt is not what the wave left there, the wave is not what it stands for. A look
// that did not read the groups says nothing new of them.
func TestWaveDeparted(t *testing.T) {
	type earlier = rollout.Fact[rollout.EarlierState]
	drifted, gone := rollout.FactOf(rollout.EarlierDrifted, "group g has 1 member"), rollout.FactOf(rollout.EarlierGone, "group g was deleted")
	before := []metav1.Condition{Condition(v1alpha1.ConditionDrifted, true, v1alpha1.ReasonGroupLost, "group g was deleted")}
	for name, tt := range map[string]struct {
		earlier earlier
		reports bool
		before  []metav1.Condition
		was     State
		want    State
		reason  string // of the condition; empty: there is none
		keeps   bool
	}{
		"whole":                      {rollout.FactOf(rollout.EarlierWhole, ""), false, nil, Current, Current, "", false},
		"whole again":                {rollout.FactOf(rollout.EarlierWhole, ""), false, before, Current, Current, "", false},
		"drifted, put right":         {drifted, false, nil, Current, InProgress, v1alpha1.ReasonMembershipDrifted, false},
		"drifted on the way":         {drifted, false, nil, InProgress, InProgress, v1alpha1.ReasonMembershipDrifted, false},
		"drifted, reported":          {drifted, true, nil, Current, Stuck, v1alpha1.ReasonMembershipDrifted, false},
		"gone":                       {gone, false, nil, Current, Stuck, v1alpha1.ReasonGroupLost, false},
		"gone, stuck by another":     {gone, false, nil, Stuck, Stuck, v1alpha1.ReasonGroupLost, false},
		"record lost":                {rollout.FactOf(rollout.EarlierUntold, "no record"), false, nil, Current, Current, v1alpha1.ReasonLedgerLost, false},
		"not read":                   {earlier{}, false, nil, Current, Current, "", true},
		"not read, gone before that": {earlier{}, false, before, Current, Stuck, "", true},
	} {
		in := rollout.Input{Earlier: tt.earlier, OnlyReports: tt.reports}
		set := WaveConditions(in, &v1alpha1.PilotWave{})
		c := meta.FindStatusCondition(set, v1alpha1.ConditionDrifted)
		if (c != nil) != (tt.reason != "") || c != nil && (c.Reason != tt.reason || (c.Status == metav1.ConditionTrue) != (tt.earlier.State != rollout.EarlierUntold)) {
			t.Errorf("%s: %+v", name, c)
		}
		got := WaveDeparted(Standing{State: tt.was, Reason: "R"}, in, set, tt.before)
		if got.State != tt.want || (got.Reason == "R") != (tt.was == tt.want) {
			t.Errorf("%s: %+v", name, got)
		}
		if keeps := EarlierUnread(in); (len(keeps) > 0) != tt.keeps {
			t.Errorf("%s: keeps %v", name, keeps)
		}
	}
}
