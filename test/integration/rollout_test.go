// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

func groups(specs ...tenantsim.GroupSpec) tenantsim.Scenario {
	return tenantsim.Scenario{Groups: append(specs, tenantsim.GroupSpec{DisplayName: testkit.Everyone, From: "everything"})}
}

func TestTwoWavesSucceedInOrder(t *testing.T) {
	w := testkit.New(t, testkit.Options{Devices: 120, Scenario: groups(
		tenantsim.GroupSpec{DisplayName: "First", Count: 40}, tenantsim.GroupSpec{DisplayName: "Second", Count: 40},
	)})
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy(), w.WaveOn("first", "First"), w.WaveOn("second", "Second", "first"))

	w.AdvanceUntil(t, 2*time.Hour, 6*24*time.Hour, w.InPhase("first", v1alpha1.PhaseSucceeded))
	if p := w.Wave(t, "second").Status.Phase; p == v1alpha1.PhaseSucceeded {
		t.Fatalf("second is %s although first has only just succeeded", p)
	}
	w.AdvanceUntil(t, 2*time.Hour, 6*24*time.Hour, w.InPhase("second", v1alpha1.PhaseSucceeded))
	for _, name := range []string{"first", "second"} {
		s := w.Wave(t, name).Status
		if s.Audience == nil || s.Devices.Succeeded < 25 || s.Attempt != 1 {
			t.Errorf("wave %s ended with %+v, attempt %d", name, s.Devices, s.Attempt)
		}
	}
	for _, r := range w.Sim.Journal().Records {
		if len(r.Overlaps) > 0 {
			t.Errorf("%s %s left devices targeted by two contradicting policies: %+v", r.Method, r.Path, r.Overlaps)
		}
	}
}
