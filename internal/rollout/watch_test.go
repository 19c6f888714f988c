// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// promotedWorld is a wave of 15 devices that was promoted at hour 60, now hour 72, and one that depends on it.
func promotedWorld(failing int, dependent v1alpha1.WavePhase) World {
	w := aWorld(15)
	w.Ledger.Ledger.Entries = w.Ledger.Ledger.Entries[:15]
	s := &w.Wave.Status
	s.Phase, s.Clocks.SucceededAt, s.Clocks.ExposureCompletedAt, s.Attempts[0].SucceededAt = succeeded, at(60), at(52), at(60)
	w.Wave.Spec.PostWatch.Duration = metav1.Duration{Duration: 36 * time.Hour}
	w.fail(failing)
	early := v1alpha1.PilotWave{}
	early.Name, early.UID, early.Status.Phase, early.Status.Revision = "early", "early-uid", dependent, 1
	early.Spec.PolicyRef.Name, early.Spec.DependsOn = "pkp", []v1alpha1.WaveDependency{{Name: "a"}}
	w.Siblings = []v1alpha1.PilotWave{*w.Wave, early}
	return w
}

// fail lets the first n devices report an error, in a reading of now.
func (w *World) fail(n int) {
	facts := map[audience.ID]diagnosis.Facts{}
	for i, id := range ids(40) {
		facts[id] = factsOf(good, i, w.Now)
		if i < n {
			facts[id] = factsOf(failing, i, w.Now)
		}
	}
	w.Fleet = reading{asOf: w.Now, facts: facts, statuses: []string{"allow"}}
}

// later is the world after a time, with a reading of then.
func (w World) later(d time.Duration, failing int) World {
	w.Now = w.Now.Add(d)
	w.fail(failing)
	w.Siblings = append([]v1alpha1.PilotWave{*w.Wave.DeepCopy()}, w.Siblings[1:]...)
	return w
}

// TestPromise15_LateRegression: every device fails after the promotion: the wave stands where it was promoted, and says so; what
// depends on it waits, and the revision is not proven by it. A second look, a restart, a recovery change nothing; a retry does.
func TestPromise15_LateRegression(t *testing.T) {
	w := decided(t, promotedWorld(15, exposing))
	s := &w.Wave.Status
	if s.Phase != succeeded || s.Decision.Reason != v1alpha1.ReasonLateRegression || !Regressed(s).Equal(at(72)) || !s.Attempts[0].RegressedAt.Equal(at(72)) || s.Attempts[0].SucceededAt == nil {
		t.Fatalf("%+v", s)
	}
	for name, next := range map[string]World{"again": w.later(time.Hour, 15), "recovered": w.later(100*time.Hour, 0)} {
		if got := decided(t, next).Wave.Status; got.Decision.Reason != v1alpha1.ReasonLateRegression || !Regressed(&got).Equal(at(72)) || got.Phase != succeeded {
			t.Errorf("%s: %+v", name, got)
		}
	}
	after := w.later(time.Hour, 15)
	d, _ := Depend(&after.Siblings[1], after.Siblings, Target{Revision: 1}, "", after.Now)
	if d.State != DependenciesFailed || !strings.Contains(d.Message, `"a"`) {
		t.Errorf("the wave that depends on it: %+v", d)
	}
	after.Wave.Annotations = map[string]string{v1alpha1.AnnotationRetry: "1"}
	retried := decided(t, after).Wave.Status
	if retried.Phase != pending || retried.Attempt != 2 || len(retried.History) != 1 || retried.History[0].Outcome != OutcomeRegressed || retried.History[0].RegressedAt == nil || Regressed(&retried) != nil {
		t.Errorf("retried: %+v", retried)
	}
	again := decided(t, World{Now: after.Now, Wave: &v1alpha1.PilotWave{Spec: w.Wave.Spec, Status: retried}, Policy: after.Policy, Tenant: after.Tenant, Siblings: after.Siblings})
	if got := again.Wave.Status; got.Phase == succeeded {
		t.Errorf("the regressed attempt stands for the payload: %+v", got)
	}
	after.Siblings[0].Status = retried
	if d, _ := Depend(&after.Siblings[1], after.Siblings, Target{Revision: 1}, "", after.Now); d.State == DependenciesMet {
		t.Errorf("the wave that depends on it goes on before the payload is proven anew: %+v", d)
	}
}

// TestWatchLasts: how long a promoted wave is watched, and that neither an outage nor a downtime ends it unseen.
func TestWatchLasts(t *testing.T) {
	for name, tt := range map[string]struct {
		after   time.Duration
		phase   v1alpha1.WavePhase
		change  func(*World)
		want    WatchState
		message string
	}{
		"in time":                             {0, succeeded, nil, WatchOn, "until 2026-03-06T08:00Z"},
		"over":                                {26 * time.Hour, succeeded, nil, WatchEnding, ""},
		"over, and another depends on it":     {400 * time.Hour, exposing, nil, WatchOn, `wave "early"`},
		"over, and another waits to begin":    {400 * time.Hour, "", nil, WatchOn, `wave "early"`},
		"over, and the other was stopped":     {400 * time.Hour, aborted, nil, WatchEnding, ""},
		"over, and the other is deleted":      {400 * time.Hour, exposing, func(w *World) { w.Siblings[1].DeletionTimestamp = at(0) }, WatchEnding, ""},
		"over, others depend on others":       {400 * time.Hour, exposing, func(w *World) { w.Siblings[1].Spec.DependsOn[0].Name = "b" }, WatchEnding, ""},
		"over, the fleet was not read since":  {400 * time.Hour, succeeded, func(w *World) { w.Fleet = reading{asOf: hour(95), statuses: []string{"allow"}} }, WatchOn, "read later than"},
		"over, this process has read nothing": {400 * time.Hour, succeeded, func(w *World) { w.Fleet = nil }, WatchOn, "read later than"},
		"ended":                               {400 * time.Hour, succeeded, func(w *World) { w.Wave.Status.Attempts[0].WatchEndedAt = at(99) }, WatchOff, "ended"},
		"ended, and a new wave depends on it": {400 * time.Hour, pending, func(w *World) { w.Wave.Status.Attempts[0].WatchEndedAt = at(99) }, WatchOn, "early"},
		"regressed":                           {400 * time.Hour, succeeded, func(w *World) { w.Wave.Status.Clocks.RegressedAt = at(65) }, WatchRegressed, ""},
		"not promoted":                        {0, succeeded, func(w *World) { w.Wave.Status.Phase = evaluating }, WatchOff, ""},
		"watched for the others alone":        {time.Hour, succeeded, func(w *World) { w.Wave.Spec.PostWatch.Duration.Duration = 0 }, WatchEnding, ""},
		"a joiner was shown since":            {26 * time.Hour, succeeded, func(w *World) { w.Ledger.Ledger.Entries[3].ConfirmedAt = audience.StampOf(hour(70)) }, WatchOn, "until"},
	} {
		w := promotedWorld(0, tt.phase).later(tt.after, 0)
		if tt.change != nil {
			tt.change(&w)
		}
		if got := w.watch(); got.State != tt.want || !strings.Contains(got.Message, tt.message) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestPromise12_WatchEnds: the watch ends once, by a reading that is newer and shows no halt evidence; after it nothing is written,
// and failures change nothing. One that was missed by an outage over its end is found.
func TestPromise12_WatchEnds(t *testing.T) {
	over := promotedWorld(0, succeeded).later(26*time.Hour, 0)
	w := decided(t, over)
	if a := w.Wave.Status.Attempts[0]; !a.WatchEndedAt.Equal(at(98)) || a.RegressedAt != nil {
		t.Fatalf("%+v", a)
	}
	w = decided(t, w.later(time.Hour, 0))
	before := w.Wave.Status.DeepCopy()
	for h := range 10 {
		if w = decided(t, w.later(time.Duration(h)*time.Hour, 0)); w.Wave.Status.Decision != before.Decision || !w.Wave.Status.Attempts[0].WatchEndedAt.Equal(at(98)) {
			t.Fatalf("written again after %d h: %+v", h, w.Wave.Status)
		}
	}
	if got := decided(t, w.later(time.Hour, 15)).Wave.Status; Regressed(&got) != nil || got.Decision.Reason != v1alpha1.ReasonPromoted {
		t.Errorf("failures after the watch: %+v", got)
	}
	missed := promotedWorld(0, succeeded).later(26*time.Hour, 0)
	missed.Fleet = nil
	missed = decided(t, missed)
	if missed.Wave.Status.Attempts[0].WatchEndedAt != nil {
		t.Fatal("the watch ended without a look at the devices")
	}
	if got := decided(t, missed.later(500*time.Hour, 15)).Wave.Status; Regressed(&got) == nil {
		t.Errorf("weeks without a reading hide a regression: %+v", got)
	}
}

// TestPromise13_LateRollbackIsDeclared: what a wave brought is taken back after a late regression where onFailure says so, and not
// while it is paused.
func TestPromise13_LateRollbackIsDeclared(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*World)
		want   v1alpha1.WavePhase
	}{
		"Hold":             {func(*World) {}, succeeded},
		"Rollback":         {func(w *World) { w.Wave.Spec.OnFailure.Action = v1alpha1.FailureRollback }, rollingBack},
		"Rollback, paused": {func(w *World) { w.Wave.Spec.OnFailure.Action, w.Wave.Spec.Paused = v1alpha1.FailureRollback, true }, succeeded},
	} {
		w := promotedWorld(15, exposing)
		tt.change(&w)
		for range 3 {
			w = decided(t, w)
		}
		s := &w.Wave.Status
		if s.Phase != tt.want || Regressed(s) == nil || (s.Attempts[0].WithdrawnAt != nil) != (tt.want == rollingBack) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestDependOnRegressed: a late regression stops all that come after the wave, also through others that had succeeded on it, until
// the payload is proven anew.
func TestDependOnRegressed(t *testing.T) {
	late := func(list []v1alpha1.PilotWave, name string, change func(*v1alpha1.PilotWaveStatus)) []v1alpha1.PilotWave {
		for i := range list {
			if list[i].Name == name {
				change(&list[i].Status)
			}
		}
		return list
	}
	current := func(s *v1alpha1.PilotWaveStatus) { s.Clocks.RegressedAt = at(5) }
	former := func(s *v1alpha1.PilotWaveStatus) {
		s.History = []v1alpha1.AttemptRecord{{Attempt: 1, Revision: 2, RegressedAt: at(5)}}
	}
	another := func(s *v1alpha1.PilotWaveStatus) {
		s.History = []v1alpha1.AttemptRecord{{Attempt: 1, Revision: 1, RegressedAt: at(5)}}
	}
	for name, tt := range map[string]struct {
		waves []v1alpha1.PilotWave
		want  DependencyState
	}{
		"the one before":               {late(waves("a Exposing b", "b Succeeded"), "b", current), DependenciesFailed},
		"one before that":              {late(waves("a Exposing b", "b Succeeded c", "c Succeeded"), "c", current), DependenciesFailed},
		"one before that rolls back":   {late(waves("a Exposing b", "b Succeeded c", "c RolledBack"), "c", current), DependenciesFailed},
		"one before that is retried":   {late(waves("a Exposing b", "b Succeeded c", "c Baking"), "c", former), DependenciesFailed},
		"one before that has proven":   {late(waves("a Exposing b", "b Succeeded c", "c Succeeded"), "c", former), DependenciesMet},
		"on an earlier revision":       {late(waves("a Exposing b", "b Succeeded c", "c Baking"), "c", another), DependenciesMet},
		"one that does not come first": {late(waves("a Exposing b", "b Succeeded", "c Succeeded"), "c", current), DependenciesMet},
		"a circle of others":           {late(waves("a Exposing b", "b Succeeded c", "c Succeeded b"), "a", current), DependenciesMet},
	} {
		if got, _ := Depend(&tt.waves[0], tt.waves, Target{Revision: 2}, "", hour(9)); got.State != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestPromise10_RefusedWritesAreNoBake: the group writes of a batch are refused for 47 hours, with and without a pause in between:
// the bake begins when the tenant shows the devices, and so does the interval to the next batch.
func TestPromise10_RefusedWritesAreNoBake(t *testing.T) {
	for _, paused := range []bool{false, true} {
		w := aWorld(40)
		for i := range w.Ledger.Ledger.Entries {
			w.Ledger.Ledger.Entries[i].ConfirmedAt = 0
			w.Ledger.Ledger.Entries[i].AskedAt = audience.StampOf(w.Now)
		}
		w.Wave.Spec.Gate.Bake = metav1.Duration{Duration: 48 * time.Hour}
		w.Members = map[audience.ID]bool{}
		w = decided(t, w)
		if paused {
			w.Wave.Spec.Paused = true
			w = decided(t, w.hoursOn(1))
			w.Wave.Spec.Paused = false
			w = w.hoursOn(46)
		} else {
			w = w.hoursOn(47)
		}
		for _, id := range ids(40) {
			w.Members[id] = true
		}
		shown := w.Now
		w.Ledger = readOf(w.Learned())
		for range 3 {
			w = decided(t, w)
		}
		if c := w.Wave.Status.Clocks; w.Wave.Status.Phase != baking || !c.ExposureCompletedAt.Time.Equal(shown) || c.BakeFrozenSeconds != 0 {
			t.Errorf("paused %t: %s, %s", paused, w.Wave.Status.Phase, clocksText(c))
		}
		if w = decided(t, w.hoursOn(47)); w.Wave.Status.Phase != baking {
			t.Errorf("paused %t: %s after 47 h", paused, w.Wave.Status.Phase)
		}
		if w = decided(t, w.hoursOn(1)); w.Wave.Status.Phase != evaluating {
			t.Errorf("paused %t: %s after 48 h", paused, w.Wave.Status.Phase)
		}
	}
}

// hoursOn is the world after some hours, with a reading of then.
func (w World) hoursOn(n int) World {
	w.Now = w.Now.Add(time.Duration(n) * time.Hour)
	w.fail(0)
	return w
}
