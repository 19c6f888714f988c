// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

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
		after, soakUntil := aWave(), time.Time{}
		after.Status.Phase, after.Status.Clocks = tt.phase, clocks
		if tt.row != nil {
			after.Status.Gate = []v1alpha1.GateRow{*tt.row}
		}
		if tt.soak > 0 {
			soakUntil = now.Add(tt.soak)
		}
		if got := NextText(after, soakUntil, now); got != tt.text {
			t.Errorf("%s: %q, want %q", tt.phase, got, tt.text)
		}
	}
	after, never := aWave(), time.Time{}
	if got := Wait(after, 30*time.Minute, never, now); got != Idle {
		t.Errorf("nothing is due: %s", got)
	}
	after.Status.Clocks.LastBatchAt = ptr.To(metav1.NewTime(now.Add(-55 * time.Minute)))
	if got := Wait(after, 30*time.Minute, never, now); got != 5*time.Minute {
		t.Errorf("a batch is due in 5 minutes: %s", got)
	}
	after.Status = v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseSucceeded}
	if got := Wait(after, 30*time.Minute, never, now); got != 30*time.Minute {
		t.Errorf("done: %s", got)
	}
}
