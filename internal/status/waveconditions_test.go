// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"testing"

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
