// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// lingering is a scenario and a kind of wave that stays in one phase for as long as a test wants.
type lingering struct {
	phase    v1alpha1.WavePhase
	scenario func(*tenantsim.Scenario)
	wave     func(*v1alpha1.PilotWave)
}

var lingerers = []lingering{
	{v1alpha1.PhaseExposing, func(*tenantsim.Scenario) {}, func(w *v1alpha1.PilotWave) {
		w.Spec.Exposure.BatchSize, w.Spec.Exposure.Interval.Duration = 10, 8*hour
	}},
	{v1alpha1.PhaseBaking, func(*tenantsim.Scenario) {}, func(w *v1alpha1.PilotWave) {
		w.Spec.Gate.Bake.Duration = 2 * day
	}},
	// A few failures in thirty are too few to halt and too many to prove 90 %.
	{v1alpha1.PhaseEvaluating, func(sc *tenantsim.Scenario) {
		sc.Rules = []tenantsim.Rule{{Name: "a few", DevicesPercent: 15, Outcome: tenantsim.OutcomeError, Definition: "passkeysenabled"}}
	}, func(w *v1alpha1.PilotWave) {
		w.Spec.Gate.Promote.FloorRate, w.Spec.Gate.Halt.ToleratedFailureRate = "0.90", "0.20"
	}},
	{v1alpha1.PhaseHeld, func(sc *tenantsim.Scenario) { sc.ZeroReports = true }, func(*v1alpha1.PilotWave) {}},
}

// TestPromise09_SafetyVerbs asks for abort, rollback and pause in every phase in which a wave can be for long, at one
// instant of the clock, and looks at the first decision that follows.
func TestPromise09_SafetyVerbs(t *testing.T) {
	for _, l := range lingerers {
		t.Run(string(l.phase), func(t *testing.T) {
			t.Parallel()
			sc := calm(of("A", 30), of("B", 30), of("C", 30))
			w := newWorld(t, sc, testkit.Options{})
			changed(t, w, l.scenario)
			aborted, withdrawn, paused := quick(w, "aborted", "A"), quick(w, "withdrawn", "B"), quick(w, "paused", "C")
			for _, wave := range []*v1alpha1.PilotWave{aborted, withdrawn, paused} {
				l.wave(wave)
			}
			base(t, w, aborted, withdrawn, paused)
			for _, wave := range []string{"aborted", "withdrawn", "paused"} {
				reaches(t, w, wave, l.phase)
				w.Soon(t, that(func() bool { return len(w.ExposedIDs(t, wave)) > 0 }, "nothing of %s is exposed", wave))
			}

			seen := len(w.Operator.Writes())
			annotate(t, w, aborted, v1alpha1.AnnotationAbort, "now")
			annotate(t, w, withdrawn, v1alpha1.AnnotationRollback, "now")
			w.Edit(t, paused, func() { paused.Spec.Paused = true })
			w.Promptly(t, that(func() bool {
				return w.Wave(t, "aborted").Status.HandledRequests.Abort != "" && w.Wave(t, "withdrawn").Status.HandledRequests.Rollback != "" &&
					condition(w.Wave(t, "paused").Status.Conditions, v1alpha1.ConditionPaused, "True", "") == nil
			}, "abort, rollback and pause are not noted"))
			firstDecisions(t, w, seen)

			exposed := w.ExposedIDs(t, "aborted")
			frozenAt := w.Clock.Now()
			w.Pass(t, step, day)
			if s := w.Wave(t, "aborted").Status; s.Phase != v1alpha1.PhaseAborted || !slices.Equal(w.ExposedIDs(t, "aborted"), exposed) {
				t.Errorf("a day after the abort the wave is %s and has %d devices exposed, %d at the abort", s.Phase, len(w.ExposedIDs(t, "aborted")), len(exposed))
			}
			stays := w.Wave(t, "paused").Status
			if stays.Phase != l.phase || stays.Clocks.FrozenSince == nil {
				t.Errorf("while paused the wave went from %s to %s, frozen since %v", l.phase, stays.Phase, stays.Clocks.FrozenSince)
			}
			if err := condition(stays.Conditions, v1alpha1.ConditionPaused, "True", v1alpha1.ReasonPaused); err != nil {
				t.Error(err)
			}

			t.Log("the causes go away, the wave is resumed")
			changed(t, w, func(sc *tenantsim.Scenario) { sc.ZeroReports, sc.Rules = false, nil })
			w.Edit(t, paused, func() { paused.Spec.Paused = false })
			w.Promptly(t, that(func() bool {
				return condition(w.Wave(t, "paused").Status.Conditions, v1alpha1.ConditionPaused, "True", "") != nil
			}, "the wave is not resumed"))
			s := w.Wave(t, "paused").Status
			if got := time.Duration(s.Clocks.FrozenSeconds) * time.Second; s.Clocks.FrozenSince == nil && got < w.Clock.Now().Sub(frozenAt) {
				t.Errorf("%s of the attempt are frozen, the pause took %s", got, w.Clock.Now().Sub(frozenAt))
			}
			done := reaches(t, w, "paused", v1alpha1.PhaseSucceeded)
			if bake := done.Spec.Gate.Bake.Duration; done.Status.Clocks.SucceededAt.Sub(done.Status.Clocks.ExposureCompletedAt.Time) < bake+time.Duration(done.Status.Clocks.BakeFrozenSeconds)*time.Second {
				t.Errorf("promoted at %s, exposed at %s with %d s frozen: the bake of %s is cut short", done.Status.Clocks.SucceededAt,
					done.Status.Clocks.ExposureCompletedAt, done.Status.Clocks.BakeFrozenSeconds, bake)
			}
			reaches(t, w, "withdrawn", v1alpha1.PhaseRolledBack)
			switch l.phase {
			case v1alpha1.PhaseBaking:
				retryDrainsFirst(t, w, "withdrawn")
			case v1alpha1.PhaseExposing:
				retryDrainsFirst(t, w, "aborted")
			}
		})
	}
}

// firstDecisions looks at the first status that the operator wrote of each wave since the request.
func firstDecisions(t *testing.T, w *testkit.World, seen int) {
	t.Helper()
	want := map[string]v1alpha1.WavePhase{"aborted": v1alpha1.PhaseAborted, "withdrawn": v1alpha1.PhaseRollingBack}
	for _, write := range w.Operator.Writes()[seen:] {
		name := waveOf(write)
		if phase, ok := want[name]; ok {
			if got := phaseIn(write); got != phase {
				t.Errorf("the first status of wave %s after the request says phase %q, want %s: %s", name, got, phase, write.Body)
			}
			delete(want, name)
		}
		if !write.Kube && name == "" && exposes(write) {
			t.Errorf("after the requests devices were exposed: %s", write)
		}
	}
	for name := range want {
		t.Errorf("the request on wave %s was not acted on at once: %+v", name, w.Wave(t, name).Status.Decision)
	}
	h := w.Wave(t, "aborted").Status.HandledRequests
	if h.Abort != "now" || w.Wave(t, "withdrawn").Status.HandledRequests.Rollback != "now" {
		t.Errorf("the requests are not noted as handled: %+v", h)
	}
}

// retryDrainsFirst starts the next attempt of a wave whose devices are still in its group, and wants them out of it before
// anything is exposed again.
func retryDrainsFirst(t *testing.T, w *testkit.World, name string) {
	t.Helper()
	wave := w.Wave(t, name)
	group, old := w.AttemptGroup(t, name), w.ExposedIDs(t, name)
	if len(old) == 0 {
		t.Fatalf("wave %s has no device exposed, there is nothing to drain", name)
	}
	seen := len(w.Operator.Writes())
	reached := len(w.ReachedBy(t, "Allow"))
	annotate(t, w, wave, v1alpha1.AnnotationRetry, "now")
	w.Until(t, 10*time.Minute, 4*hour, all(w.InPhase(name, v1alpha1.PhaseExposing, v1alpha1.PhaseBaking), that(func() bool {
		return w.Wave(t, name).Status.Attempt == 2 && len(w.ExposedIDs(t, name)) > 0
	}, "the second attempt of %s exposes nothing", name)))
	out, widened := map[string]bool{}, false
	for _, write := range w.Operator.Writes()[seen:] {
		if id, ok := removal(write, group); ok {
			out[id] = true
		}
		if exposes(write) && len(out) < len(old) {
			t.Errorf("wave %s: a device was exposed again when %d of %d were out", name, len(out), len(old))
		}
		widened = widened || exposes(write)
	}
	s := w.Wave(t, name).Status
	if s.Attempt != 2 || len(s.History) != 1 || s.HandledRequests.Retry != "now" || len(out) != len(old) || !widened {
		t.Errorf("wave %s after the retry: attempt %d, history %+v, %d of %d devices drained, exposing %t", name, s.Attempt, s.History, len(out), len(old), widened)
	}
	if now := len(w.ReachedBy(t, "Allow")); now > max(reached, reached+len(w.ExposedIDs(t, name))) {
		t.Errorf("allow reaches %d devices after the retry of %s, %d before", now, name, reached)
	}
	reaches(t, w, name, v1alpha1.PhaseSucceeded)
}

// TestRetryAfterRollbackExposesNobody keeps the devices of a rolled back wave from leaving its group, and wants them to
// stay on hold all the same while the next attempt waits for that.
func TestRetryAfterRollbackExposesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20)), testkit.Options{})
	first := quick(w, "first", "First")
	base(t, w, first)
	reaches(t, w, "first", v1alpha1.PhaseBaking)
	annotate(t, w, first, v1alpha1.AnnotationRollback, "now")
	reaches(t, w, "first", v1alpha1.PhaseRolledBack)
	group := w.AttemptGroup(t, "first")
	w.Operator.Refuse(func(write testkit.Write) bool {
		_, ok := removal(write, group)
		return ok
	})
	annotate(t, w, first, v1alpha1.AnnotationRetry, "now")
	w.Promptly(t, that(func() bool { return w.Wave(t, "first").Status.Attempt == 2 }, "the second attempt has not begun"))
	w.Pass(t, hour, 2*hour)
	if s := w.Wave(t, "first").Status; s.Phase != v1alpha1.PhasePending || s.Attempt != 2 || len(w.Members(t, w.Admin(t), group)) != 20 {
		t.Fatalf("the wave is %s in attempt %d with %d devices in its group, want a second attempt that cannot drain the first", s.Phase, s.Attempt, len(w.Members(t, w.Admin(t), group)))
	}
	checkSafety(t, w)
	w.Operator.Refuse(nil)
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
}
