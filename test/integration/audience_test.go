// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestUsersStandForTheirDevices targets a group of people.
func TestUsersStandForTheirDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(tenantsim.GroupSpec{DisplayName: "People", Count: 30, Unit: "user"}), testkit.Options{})
	base(t, w, quick(w, "wave", "People"))
	s := reaches(t, w, "wave", v1alpha1.PhaseBaking).Status
	people := w.Group(t, "People")
	if people.Devices != 0 || people.Users == 0 || int(s.Audience.Eligible) < people.Users {
		t.Errorf("%d people stand for %d devices", people.Users, s.Audience.Eligible)
	}
	arrives(t, w, "Allow", int(s.Audience.Eligible))
	admin := w.Admin(t)
	for _, m := range w.Members(t, admin, w.AttemptGroup(t, "wave")) {
		if !slices.Contains(w.ExposedIDs(t, "wave"), m) {
			t.Errorf("%s is in the managed group and not a device of the audience", m)
		}
	}
	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
}

// TestSlicesOfOneGroup takes a quarter of a group, then the rest: nobody is in both, and who was in the quarter stays.
func TestSlicesOfOneGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 80)), testkit.Options{})
	quarter, half, rest := quick(w, "quarter", "Source"), quick(w, "half", "Source", "quarter"), quick(w, "rest", "Source", "half")
	quarter.Spec.Audience.Slice = &v1alpha1.Slice{Percent: ptr.To[int32](25)}
	half.Spec.Audience.Slice = &v1alpha1.Slice{Percent: ptr.To[int32](50)}
	for _, wave := range []*v1alpha1.PilotWave{quarter, half, rest} {
		wave.Spec.Gate.Promote.FloorRate = "0.50" // a slice is drawn by hash: its size is about right, not exactly
	}
	base(t, w, quarter, half, rest)
	reaches(t, w, "rest", v1alpha1.PhaseSucceeded)
	seen := map[string]string{}
	for name, want := range map[string]int{"quarter": 20, "half": 20, "rest": 40} {
		ids := w.ExposedIDs(t, name)
		if len(ids) < want-18 || len(ids) > want+18 { // four standard deviations
			t.Errorf("wave %s has %d devices, want about %d", name, len(ids), want)
		}
		for _, id := range ids {
			if other := seen[id]; other != "" {
				t.Errorf("device %s is in the waves %s and %s", id, other, name)
			}
			seen[id] = name
		}
	}
	if len(seen) != 80 {
		t.Errorf("the three waves took %d of 80 devices", len(seen))
	}
}

// TestWavesOnOneGroupAtTheSameTime lets waves without an order between them resolve the same group at once.
func TestWavesOnOneGroupAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 60)), testkit.Options{})
	var waves []*v1alpha1.PilotWave
	for _, name := range []string{"c", "a", "b"} {
		wave := quick(w, name, "Source")
		wave.Spec.Audience.Slice = &v1alpha1.Slice{Percent: ptr.To[int32](50)}
		waves = append(waves, wave)
	}
	waves[0].Spec.Audience.Slice = nil
	base(t, w, waves...)
	for _, wave := range waves {
		reaches(t, w, wave.Name, v1alpha1.PhaseBaking, v1alpha1.PhaseHeld)
	}
	seen := map[string]string{}
	for _, wave := range waves {
		if l := w.Ledger(t, wave.Name); l != nil {
			for _, id := range l.IDs() {
				if other := seen[id.String()]; other != "" {
					t.Errorf("device %s was taken by %s and by %s", id, other, wave.Name)
				}
				seen[id.String()] = wave.Name
			}
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d of 60 devices were taken", len(seen))
	}
}

// TestRefusedAudience holds a wave before any assignment, and lets it go on as soon as the cause is mended.
func TestRefusedAudience(t *testing.T) {
	outdated := calm(of("Source", 40))
	outdated.MissingPrerequisitePercent = ptr.To(60.0)
	for name, test := range map[string]struct {
		scenario tenantsim.Scenario
		reason   string
		spoil    func(*v1alpha1.PilotWave)
		mend     func(t *testing.T, w *testkit.World, wave *v1alpha1.PilotWave)
	}{
		"TooMany": {calm(of("Source", 40)), v1alpha1.ReasonAudienceOutOfBounds,
			func(w *v1alpha1.PilotWave) {
				w.Spec.Audience.Bounds = &v1alpha1.AudienceBounds{Max: ptr.To[int32](30)}
			},
			func(t *testing.T, w *testkit.World, wave *v1alpha1.PilotWave) {
				w.Edit(t, wave, func() { wave.Spec.Audience.Slice = &v1alpha1.Slice{Count: ptr.To[int32](30)} })
			}},
		"TooFew": {calm(of("Source", 40), of("More", 20)), v1alpha1.ReasonAudienceOutOfBounds,
			func(w *v1alpha1.PilotWave) {
				w.Spec.Audience.Bounds = &v1alpha1.AudienceBounds{Min: ptr.To[int32](50)}
			},
			func(t *testing.T, w *testkit.World, _ *v1alpha1.PilotWave) {
				admin := w.Admin(t)
				if _, err := admin.AddMembers(t.Context(), w.Group(t, "Source").ID, w.Members(t, admin, w.Group(t, "More").ID)); err != nil {
					t.Fatal(err)
				}
			}},
		"IneligibleFlood": {outdated, v1alpha1.ReasonAudienceIneligible,
			func(w *v1alpha1.PilotWave) { w.Spec.Audience.MaxIneligiblePercent = ptr.To[int32](20) },
			func(t *testing.T, w *testkit.World, wave *v1alpha1.PilotWave) {
				w.Edit(t, wave, func() {
					wave.Spec.Audience.MaxIneligiblePercent = ptr.To[int32](90)
					wave.Spec.Gate.Promote.FloorRate = "0.50"
				})
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.scenario, testkit.Options{})
			wave := quick(w, "wave", "Source")
			test.spoil(wave)
			base(t, w, wave)
			s := reaches(t, w, "wave", v1alpha1.PhaseHeld, v1alpha1.PhaseExposing, v1alpha1.PhaseBaking).Status
			w.Pass(t, step, 12*hour)
			if s.Phase != v1alpha1.PhaseHeld || s.HeldReason != test.reason || s.HeldPhase != v1alpha1.PhaseResolving {
				t.Fatalf("the wave is %s (%s from %s), want Held (%s): %s", s.Phase, s.HeldReason, s.HeldPhase, test.reason, s.Decision.Message)
			}
			if s.Audience != nil || w.Ledger(t, "wave") != nil || len(w.OwnGroups()) != 0 {
				t.Errorf("the refused audience left traces: %+v, groups %v", s.Audience, w.OwnGroups())
			}
			if got := w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows); len(got.Assignments) != 0 {
				t.Errorf("allow is assigned to %v", got.Assignments)
			}
			if err := condition(s.Conditions, v1alpha1.ConditionAudienceResolved, "False", test.reason); err != nil {
				t.Error(err)
			}
			test.mend(t, w, wave)
			reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
		})
	}
}
