// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestPromise04_OutageOfReportsHolds takes the reports away for three days in the middle of a bake.
func TestPromise04_OutageOfReportsHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unrefused(of("Source", 40)), testkit.Options{})
	wave := quick(w, "wave", "Source")
	wave.Spec.Gate.Bake.Duration = 3 * day
	base(t, w, wave)
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	exposedAt := w.Wave(t, "wave").Status.Clocks.ExposureCompletedAt.Time
	changed(t, w, func(sc *tenantsim.Scenario) {
		sc.Outages = []tenantsim.Outage{{From: "0s", Status: 503, Scope: "reports"}}
	})

	w.Until(t, step, 2*day, w.InPhase("wave", v1alpha1.PhaseHeld))
	held := w.Wave(t, "wave").Status
	if held.HeldReason != v1alpha1.ReasonTelemetryStale || held.HeldPhase != v1alpha1.PhaseBaking && held.HeldPhase != v1alpha1.PhaseEvaluating {
		t.Errorf("held as %s from %s, want TelemetryStale", held.HeldReason, held.HeldPhase)
	}
	if held.Clocks.FrozenSince == nil {
		t.Fatalf("the clocks run on in an outage: %+v", held.Clocks)
	}
	began := w.Clock.Now()
	// Two days more: nothing but Held, whatever the bake and the silence would say.
	for range 12 {
		w.Pass(t, step, step)
		if s := w.Wave(t, "wave").Status; s.Phase != v1alpha1.PhaseHeld {
			t.Fatalf("in the outage the wave went to %s: %s", s.Phase, s.Decision.Message)
		}
	}
	changed(t, w, func(sc *tenantsim.Scenario) { sc.Outages = nil })
	w.Pass(t, hour, hour)
	w.Promptly(t, that(func() bool { return w.Wave(t, "wave").Status.ClearSince != nil }, "the first good reading is not noticed"))
	first := w.Wave(t, "wave").Status
	if first.Phase != v1alpha1.PhaseHeld || first.ClearSince == nil {
		t.Errorf("after one good reading the wave is %s, clear since %v; one reading is not enough", first.Phase, first.ClearSince)
	}
	w.Pass(t, hour, hour)
	w.Promptly(t, w.InPhase("wave", v1alpha1.PhaseBaking))
	second := w.Wave(t, "wave").Status
	if second.Phase != v1alpha1.PhaseBaking {
		t.Errorf("after two good readings the wave is %s, want Baking: %s", second.Phase, second.Decision.Message)
	}
	frozen := int64(w.Clock.Now().Sub(began).Seconds())
	if got := second.Clocks.BakeFrozenSeconds; got < frozen || got > frozen+int64(step.Seconds()) {
		t.Errorf("%d s of bake are frozen, the outage held the wave for %d to %d s", got, frozen, frozen+int64(step.Seconds()))
	}
	if want := exposedAt.Add(wave.Spec.Gate.Bake.Duration).Unix() + second.Clocks.BakeFrozenSeconds; second.Clocks.BakeUntil.Unix() != want {
		t.Errorf("the bake ends at %s, want it moved by the frozen time", second.Clocks.BakeUntil)
	}
	done := reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
	if done.Status.Clocks.SucceededAt.Before(second.Clocks.BakeUntil) {
		t.Errorf("promoted at %s, the bake ended at %s", done.Status.Clocks.SucceededAt, second.Clocks.BakeUntil)
	}
	if onset, end := countEvents(t, w, "wave", v1alpha1.ReasonTelemetryStale), countEvents(t, w, "wave", v1alpha1.ReasonHeldCauseCleared); onset != 1 || end != 1 {
		t.Errorf("%d events for the onset and %d for the end of the outage, want one each: %v", onset, end, notes(t, w, "wave"))
	}
}

// unrefused is a calm tenant that refuses no request now and then: with steps of four hours one reading that is refused is an
// outage of its own, and these tests count the onsets of theirs.
func unrefused(specs ...tenantsim.GroupSpec) tenantsim.Scenario {
	sc := calm(specs...)
	sc.Throttle = &tenantsim.Throttle{}
	return sc
}

// TestPromise04_ReportsThatSayNothing lets the reports succeed and say nothing: all zero, or no rows at all.
func TestPromise04_ReportsThatSayNothing(t *testing.T) {
	for name, silence := range map[string]func(*tenantsim.Scenario){
		"AllZero": func(sc *tenantsim.Scenario) { sc.ZeroReports = true },
		"Empty":   func(sc *tenantsim.Scenario) { sc.EmptyReports = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, unrefused(of("Source", 40)), testkit.Options{})
			base(t, w, quick(w, "wave", "Source"))
			changed(t, w, silence)
			w.Until(t, step, 3*day, w.InPhase("wave", v1alpha1.PhaseHeld, v1alpha1.PhaseSucceeded, v1alpha1.PhaseHalted))
			s := w.Wave(t, "wave").Status
			if s.Phase != v1alpha1.PhaseHeld || s.HeldReason != v1alpha1.ReasonHeldNoData {
				t.Fatalf("without a word from any device the wave is %s (%s), want Held (NoData): %s", s.Phase, s.HeldReason, s.Decision.Message)
			}
			if len(s.Gate) != 1 || s.Gate[0].Verdict != v1alpha1.VerdictNoData || s.Gate[0].N != 0 || s.Gate[0].K != 0 {
				t.Errorf("the gate counts reports that do not exist: %+v", s.Gate)
			}
			for range 6 {
				w.Pass(t, step, step)
				if s := w.Wave(t, "wave").Status; s.Phase != v1alpha1.PhaseHeld {
					t.Fatalf("the wave went on to %s: %s", s.Phase, s.Decision.Message)
				}
			}
			changed(t, w, func(sc *tenantsim.Scenario) { sc.ZeroReports, sc.EmptyReports = false, false })
			w.Until(t, hour, 2*day, w.InPhase("wave", v1alpha1.PhaseSucceeded))
			if onset, end := countEvents(t, w, "wave", v1alpha1.ReasonHeldNoData), countEvents(t, w, "wave", v1alpha1.ReasonHeldCauseCleared); onset != 1 || end != 1 {
				t.Errorf("%d events for the onset and %d for the end, want one each: %v", onset, end, notes(t, w, "wave"))
			}
		})
	}
}

// TestPromise04_OutageBeforeTheFirstReading keeps a wave from resolving its audience on nothing.
func TestPromise04_OutageBeforeTheFirstReading(t *testing.T) {
	t.Parallel()
	sc := calm(of("Source", 40))
	sc.Outages = []tenantsim.Outage{{From: "0s", To: "24h", Status: 503}}
	w := newWorld(t, sc, testkit.Options{})
	base(t, w, quick(w, "wave", "Source"))
	w.Pass(t, step, 20*hour)
	if s := w.Wave(t, "wave").Status; s.Phase != v1alpha1.PhasePending || s.Audience != nil {
		t.Errorf("without a tenant the wave is %s with audience %v", s.Phase, s.Audience)
	}
	if err := condition(tenant(t, w).Status.Conditions, v1alpha1.ConditionReady, "False", v1alpha1.ReasonTransient); err != nil {
		t.Error(err)
	}
	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
}

// tenant reads the Tenant.
func tenant(t testing.TB, w *testkit.World) *v1alpha1.Tenant {
	t.Helper()
	ten := &v1alpha1.Tenant{}
	if err := w.Get(t.Context(), testkit.TenantName, ten); err != nil {
		t.Fatalf("read tenant: %v", err)
	}
	return ten
}

// notes are the events of an object as text.
func notes(t testing.TB, w *testkit.World, name string) string {
	t.Helper()
	var b strings.Builder
	for _, e := range eventsOf(t, w, name) {
		fmt.Fprintf(&b, "\n  %s %s: %s", e.EventTime.Format("15:04:05"), e.Reason, e.Note)
	}
	return b.String()
}
