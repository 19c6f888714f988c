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
