// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// running is a lab with one wave on 20 devices in the given phase.
func running(t *testing.T, p v1alpha1.WavePhase, change ...func(*v1alpha1.PilotWave)) *lab {
	t.Helper()
	l := newLab(t, calm(group("First", 20)))
	w := newWave("a", "First")
	for _, f := range change {
		f(w)
	}
	l.apply(l.newTenant(), newPolicy(), w)
	l.until(string(p), 60, l.inPhase("a", p))
	l.rest()
	return l
}

func (l *lab) annotate(name, key, value string) {
	l.t.Helper()
	w := l.wave(name)
	l.edit(w, func() {
		if w.Annotations == nil {
			w.Annotations = map[string]string{}
		}
		w.Annotations[key] = value
	})
}

// setScenario changes how the simulated tenant behaves.
func (l *lab) setScenario(change func(*tenantsim.Scenario)) {
	l.t.Helper()
	sc := l.sim.Scenario()
	change(&sc)
	if err := l.sim.SetScenario(sc); err != nil {
		l.t.Fatal(err)
	}
}

// TestBadWave: devices fail, the wave halts after its first batch and exposes no other, rolls back, and ends when the
// devices prove it.
func TestBadWave(t *testing.T) {
	l := newLab(t, calm(group("First", 30)))
	l.setScenario(func(sc *tenantsim.Scenario) { sc.FailurePercent = 60 })
	w := newWave("a", "First")
	w.Spec.Exposure.BatchSize, w.Spec.Exposure.MaxUnreported = 10, ptr.To[int32](0)
	w.Spec.OnFailure.Action = v1alpha1.FailureRollback
	l.apply(l.newTenant(), newPolicy(), w)
	l.until("halted", 60, func() bool { return l.wave("a").Status.Clocks.RollbackStartedAt != nil })
	s := l.wave("a").Status
	if s.Rollback == nil || s.Rollback.Target != 10 || s.Devices.Pending == 0 {
		t.Errorf("%+v %+v", s.Devices, s.Rollback)
	}
	l.setScenario(func(sc *tenantsim.Scenario) { sc.FailurePercent = 0 }) // hold does no harm
	l.until("rolled back", 100, l.inPhase("a", v1alpha1.PhaseRolledBack))
	if got := l.assigned(v1alpha1.RoleAllow); got != "" {
		t.Errorf("allow is still assigned to %q", got)
	}
	text := strings.Join(l.events, "\n")
	for _, reason := range []string{v1alpha1.ReasonGateHalted, v1alpha1.ReasonRollbackStarted, v1alpha1.ReasonRollbackVerified} {
		if n := strings.Count(text, " "+reason+":"); n != 1 {
			t.Errorf("%d events %s", n, reason)
		}
	}
	// What nobody needs any more goes, and a retry has a group of its own.
	old := l.attemptGroup("a")
	l.until("its group is gone", 20, func() bool { return len(l.wave("a").Status.Attempts) == 0 })
	if got := l.chunks(); l.groupExists(old) || len(got) != 0 {
		t.Errorf("group %t, ledgers %v", l.groupExists(old), got)
	}
	l.annotate("a", v1alpha1.AnnotationRetry, "1")
	l.rest()
	if s := l.wave("a").Status; s.Attempt != 2 || len(s.History) != 1 || s.History[0].Outcome != rollout.OutcomeRolledBack || l.attemptGroup("a") == "" || l.attemptGroup("a") == old {
		t.Errorf("%+v", s)
	}
}

// TestPromise09_SafetyVerbs: abort and rollback act in the first reconcile, and leave the record of what was handled.
func TestPromise09_SafetyVerbs(t *testing.T) {
	for _, from := range []v1alpha1.WavePhase{v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseSucceeded} {
		for annotation, want := range map[string]v1alpha1.WavePhase{
			v1alpha1.AnnotationAbort: v1alpha1.PhaseAborted, v1alpha1.AnnotationRollback: v1alpha1.PhaseRollingBack,
		} {
			t.Run(fmt.Sprint(from, want), func(t *testing.T) {
				t.Parallel()
				l := running(t, from)
				l.annotate("a", annotation, "now")
				if _, err := l.waves.Reconcile(t.Context(), requestOf("a")); err != nil {
					t.Fatal(err)
				}
				s := l.wave("a").Status
				if s.Phase != want || s.HandledRequests == (v1alpha1.HandledRequests{}) {
					t.Errorf("%s %+v", s.Phase, s.HandledRequests)
				}
			})
		}
	}
}

// TestPromise02_GroupIsRepaired: a stranger in the managed group is taken out and a member that is missing is put back.
func TestPromise02_GroupIsRepaired(t *testing.T) {
	l := running(t, v1alpha1.PhaseBaking)
	id := l.attemptGroup("a")
	members := l.members(id)
	stranger := ""
	for _, d := range l.sim.Snapshot(true).Devices {
		if !slices.Contains(members, d.ObjectID) {
			stranger = d.ObjectID
			break
		}
	}
	if _, err := l.admin().AddMembers(t.Context(), id, []string{stranger}); err != nil {
		t.Fatal(err)
	}
	if err := l.admin().RemoveMembers(t.Context(), id, members[:1]); err != nil {
		t.Fatal(err)
	}
	l.round()
	if s := l.wave("a").Status.Decision; s.Reason != v1alpha1.ReasonMembershipDrifted || !strings.Contains(s.Message, "lacks 1 exposed devices and has 1 members") {
		t.Errorf("%+v", s)
	}
	l.rest()
	if got := l.members(id); !slices.Equal(got, members) {
		t.Errorf("%d members, want %d", len(got), len(members))
	}
}

func (l *lab) members(group string) []string {
	l.t.Helper()
	list, err := l.admin().Members(l.t.Context(), group)
	if err != nil {
		l.t.Fatal(err)
	}
	var out []string
	for _, m := range list {
		out = append(out, m.ID)
	}
	slices.Sort(out)
	return out
}

// TestPauseStopsTheClock: paused time is no bake, and the pause is told once.
func TestPauseStopsTheClock(t *testing.T) {
	l := running(t, v1alpha1.PhaseBaking)
	p := l.policy()
	l.edit(p, func() { p.Spec.Paused = true })
	l.rest()
	until := l.wave("a").Status.Clocks.BakeUntil.Time
	for range 12 {
		if err := l.sim.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		l.rest()
	}
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseBaking || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionPaused) || s.Decision.Reason != v1alpha1.ReasonPaused {
		t.Errorf("%+v", s)
	}
	p = l.policy()
	l.edit(p, func() { p.Spec.Paused = false })
	l.rest()
	if s := l.wave("a").Status; s.Clocks.FrozenSeconds != 12*3600 || s.Clocks.BakeFrozenSeconds != 12*3600 || !s.Clocks.BakeUntil.Time.Equal(until.Add(12*time.Hour)) {
		t.Errorf("%+v", s.Clocks)
	}
	if n := strings.Count(strings.Join(l.events, "\n"), "Normal Paused: paused"); n != 1 {
		t.Errorf("%d pauses are told: %v", n, l.events)
	}
	l.until("a succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
}

// TestPromise04_Outage: reports that cannot be read hold the wave, and cost nothing but the time.
func TestPromise04_Outage(t *testing.T) {
	l := running(t, v1alpha1.PhaseBaking, func(w *v1alpha1.PilotWave) { w.Spec.Gate.MaxTelemetryAge = hours(2) })
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Route: "/*/deviceManagement/reports/**"}})
	l.until("held", 40, l.inPhase("a", v1alpha1.PhaseHeld))
	if s := l.wave("a").Status; s.HeldReason != v1alpha1.ReasonTelemetryStale || s.Clocks.FrozenSince == nil {
		t.Errorf("%+v", s)
	}
	if c := meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionInventoryFresh); c.Status != metav1.ConditionFalse {
		t.Errorf("%+v", c)
	}
	l.faults()
	l.until("a succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	if s := l.wave("a").Status; s.Attempt != 1 || s.Clocks.FrozenSeconds == 0 {
		t.Errorf("%+v", s)
	}
}

// otherPayload lets a newer generation of the setting appear in the catalog, and takes it.
func (l *lab) otherPayload() {
	l.t.Helper()
	if _, err := l.sim.AddGeneration("PasswordManagerPasskeysEnabled", "v150"); err != nil {
		l.t.Fatal(err)
	}
	l.policies.catalogs = observe.NewCatalogs() // a new process reads the catalog again
	p := l.policy()
	l.edit(p, func() { p.Annotations = map[string]string{v1alpha1.AnnotationTake: "1"} })
}

// TestPromise13_PayloadChange: a new payload closes the attempt and takes nothing from its devices; the next one brings it, with
// a group of its own.
func TestPromise13_PayloadChange(t *testing.T) {
	l := running(t, v1alpha1.PhaseSucceeded)
	old := l.attemptGroup("a")
	members := l.members(old)
	l.otherPayload()
	l.until("the next attempt exposes", 20, func() bool { return l.wave("a").Status.Attempt == 2 && l.wave("a").Status.Clocks.LastBatchAt != nil })
	if got := l.members(old); !slices.Equal(got, members) {
		t.Errorf("%d of %d devices are left in the group of the first attempt", len(got), len(members))
	}
	l.until("a succeeds again", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	s := l.wave("a").Status
	if len(s.History) != 1 || s.History[0].Outcome != rollout.OutcomeSuperseded || s.History[0].Exposed != 17 || s.Revision != 2 || s.Columns.Revision != "r2" || len(s.Attempts) != 2 {
		t.Errorf("%+v", s)
	}
	for _, r := range l.sim.Journal().Records {
		if len(r.Overlaps) > 0 {
			t.Errorf("%s %s: %v", r.Method, r.Path, r.Overlaps)
		}
	}
}

// TestAudienceRefused: what a person has to mend holds the wave before any device is exposed, and mending it is enough.
func TestAudienceRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PilotWave)
		reason string
		part   string
	}{
		"no such group":           {func(w *v1alpha1.PilotWave) { w.Spec.Audience.Groups.Include[0].DisplayName = "Nobody" }, v1alpha1.ReasonGroupNotFound, `"Nobody"`},
		"too small for the floor": {func(w *v1alpha1.PilotWave) { w.Spec.Gate.Promote.FloorRate = "0.99" }, v1alpha1.ReasonAudienceTooSmall, "needs 299 devices"},
		"out of bounds": {func(w *v1alpha1.PilotWave) {
			w.Spec.Audience.Bounds = &v1alpha1.AudienceBounds{Max: ptr.To[int32](5)}
		}, v1alpha1.ReasonAudienceOutOfBounds, "spec.audience.bounds.max"},
	} {
		t.Run(name, func(t *testing.T) {
			good := newWave("a", "First").Spec
			l := running(t, v1alpha1.PhaseHeld, tt.change)
			s := l.wave("a").Status
			c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionAudienceResolved)
			if s.HeldReason != tt.reason || !strings.Contains(s.Decision.Message, tt.part) || c.Reason != tt.reason || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled) {
				t.Errorf("%+v %+v", s.Decision, c)
			}
			if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonWaveStalled {
				t.Errorf("the policy does not show its stalled wave: %+v", c)
			}
			w := l.wave("a")
			l.edit(w, func() { w.Spec = good })
			l.until("it goes on", 20, l.inPhase("a", v1alpha1.PhaseBaking))
		})
	}
}

// TestPromise07_DeleteWave: devices return to hold, the group goes; or all stays under Orphan, or by annotation.
func TestPromise07_DeleteWave(t *testing.T) {
	managed := func(l *lab) int {
		n := 0
		for _, g := range l.sim.Snapshot(false).Groups {
			if strings.HasPrefix(g.DisplayName, "Tidegate") && !g.Deleted {
				n++
			}
		}
		return n
	}
	for name, tt := range map[string]struct {
		prepare func(l *lab)
		left    int
		waits   bool
	}{
		"delete": {func(*lab) {}, 0, false},
		"orphan": {func(l *lab) {
			p := l.policy()
			l.edit(p, func() { p.Spec.DeletionPolicy = v1alpha1.DeletionOrphan })
		}, 1, false},
		"the tenant refuses": {func(l *lab) {
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: "DELETE"}})
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := running(t, v1alpha1.PhaseSucceeded)
			tt.prepare(l)
			if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
				t.Fatal(err)
			}
			for range 6 {
				for range 4 {
					l.round()
				}
				if err := l.sim.Advance(time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if managed(l) != tt.left {
				t.Errorf("%d managed groups", managed(l))
			}
			err := l.kube.Get(t.Context(), keyOf("a"), &v1alpha1.PilotWave{})
			if (err == nil) != tt.waits {
				t.Fatalf("waits %t, %v", err == nil, err)
			}
			if !tt.waits {
				return
			}
			if d := l.wave("a").Status.Decision; d.Reason != v1alpha1.ReasonDeleting || !strings.Contains(d.Message, v1alpha1.AnnotationReleaseFinalizer) {
				t.Errorf("%+v", d)
			}
			l.annotate("a", v1alpha1.AnnotationReleaseFinalizer, "true")
			l.round()
			if err := l.kube.Get(t.Context(), keyOf("a"), &v1alpha1.PilotWave{}); err == nil {
				t.Error("the annotation does not release it")
			}
		})
	}
}

// TestInvalidGate: a gate that the CRD would have refused is reported, and nothing is decided.
func TestInvalidGate(t *testing.T) {
	l := running(t, v1alpha1.PhaseBaking)
	w := l.wave("a")
	l.edit(w, func() { w.Spec.Gate.Promote.FloorRate = "most" })
	l.rest()
	s := l.wave("a").Status // the attempt is judged by the gate that it began with
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionGateOutdated); s.Phase != v1alpha1.PhaseBaking || c == nil || c.Reason != v1alpha1.ReasonGateEdited ||
		meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionStalled) != nil {
		t.Errorf("%s %+v", s.Phase, s.Conditions)
	}
	w = l.wave("a")
	l.edit(w, func() { w.Annotations = map[string]string{v1alpha1.AnnotationAbort: "now"} })
	l.rest()
	w = l.wave("a")
	l.edit(w, func() { w.Annotations[v1alpha1.AnnotationRetry] = "now" })
	l.rest()
	s = l.wave("a").Status
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionStalled); s.Attempt != 2 || c == nil || c.Reason != v1alpha1.ReasonInvalid || !strings.Contains(c.Message, "gate.promote.floorRate") {
		t.Errorf("attempt %d in %s %+v", s.Attempt, s.Phase, s.Conditions)
	}
}

// attemptGroup is the id of the group of a wave's current attempt; empty for none.
func (l *lab) attemptGroup(name string) string {
	l.t.Helper()
	w := l.wave(name)
	if a := attemptOf(w, w.Status.Attempt); a != nil {
		return a.GroupID
	}
	return ""
}

func (l *lab) groupExists(id string) bool {
	for _, g := range l.sim.Snapshot(false).Groups {
		if g.ID == id {
			return !g.Deleted
		}
	}
	return false
}
