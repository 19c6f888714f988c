// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestRevertIsARollback: a spec that returns to the proven payload takes the new one back at once, and the wave stands again for
// what it had proven.
func TestRevertIsARollback(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 20)))
	p := newPolicy()
	p.Spec.Mode, p.Spec.Population = v1alpha1.ModeEnforceOnly, nil // in which a toggle may be turned off
	l.apply(l.newTenant(), p, newWave("a", "First"))
	l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	l.rest()
	first := l.attemptGroup("a")
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
	l.until("the next attempt exposes", 20, func() bool {
		return l.wave("a").Status.Attempt == 2 && l.wave("a").Status.Devices.Pending < 17 && l.wave("a").Status.Revision == 2
	})
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Enabled })
	l.rest()
	s := l.wave("a").Status
	if s.Phase != v1alpha1.PhaseRollingBack || s.Rollback == nil || !s.Rollback.Reverting || s.Attempts[0].WithdrawnAt != nil || s.Attempts[1].WithdrawnAt == nil {
		t.Fatalf("%+v", s)
	}
	l.until("it stands again", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	l.until("the second attempt is gone", 20, func() bool { return len(l.wave("a").Status.Attempts) == 1 })
	s = l.wave("a").Status
	if s.Attempt != 1 || s.Revision != 1 || l.attemptGroup("a") != first || s.Audience == nil || s.Audience.Eligible != 17 || s.Rollback != nil ||
		len(s.History) != 2 || s.History[1].Outcome != rollout.OutcomeReverted {
		t.Errorf("%+v", s)
	}
}

// TestPromise02_ExclusionActsAtOnce: who is excluded in a running attempt leaves its group, and is not exposed if it was not.
func TestPromise02_ExclusionActsAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 20), group("Out", 12)))
	w := newWave("a", "First")
	w.Spec.Exposure.BatchSize, w.Spec.Gate.Promote.FloorRate = 10, "0.70"
	l.apply(l.newTenant(), newPolicy(), w)
	l.until("the first batch is out", 20, func() bool { return l.wave("a").Status.Clocks.LastBatchAt != nil })
	before := l.members(l.attemptGroup("a"))
	out := before[:2]
	var outGroup string
	for _, g := range l.sim.Snapshot(false).Groups {
		if g.DisplayName == "Out" {
			outGroup = g.ID
		}
	}
	if err := l.admin().RemoveMembers(t.Context(), outGroup, l.members(outGroup)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.admin().AddMembers(t.Context(), outGroup, out); err != nil {
		t.Fatal(err)
	}
	w = l.wave("a")
	l.edit(w, func() { w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{DisplayName: "Out"}} })
	l.rest()
	s := l.wave("a").Status
	for _, m := range l.members(l.attemptGroup("a")) {
		if slices.Contains(out, m) {
			t.Errorf("%s is excluded and a member", m)
		}
	}
	if s.Audience.Excluded != 2 || s.Audience.Eligible != 15 || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionAudienceOutdated) {
		t.Errorf("%+v %+v", s.Audience, s.Conditions)
	}
	if n := strings.Count(strings.Join(l.events, "\n"), v1alpha1.ReasonDeviceExcluded); n != 1 {
		t.Errorf("told %d times", n)
	}
	l.until("a succeeds without them", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
}

// TestPromise02_UnknownExclusionsStopExposure: a list of the excluded that cannot be read is not an empty one.
func TestPromise02_UnknownExclusionsStopExposure(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 20)))
	w := newWave("a", "First")
	w.Spec.Exposure.BatchSize = 5
	l.apply(l.newTenant(), newPolicy(), w)
	l.until("the first batch is out", 20, func() bool { return l.wave("a").Status.Clocks.LastBatchAt != nil })
	w = l.wave("a")
	l.edit(w, func() { w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{DisplayName: "Nobody"}} })
	l.rest()
	exposed := len(l.members(l.attemptGroup("a")))
	for range 4 {
		if err := l.sim.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		l.rest()
	}
	if d := l.wave("a").Status.Decision; len(l.members(l.attemptGroup("a"))) != exposed || !strings.Contains(d.Message, `"Nobody"`) {
		t.Errorf("%d devices, %+v", len(l.members(l.attemptGroup("a")))-exposed, d)
	}
}

// TestPromise09_SafetyWithoutTheTenant: an abort acts in the first reconcile although tenant, fleet and ledger say nothing.
func TestPromise09_SafetyWithoutTheTenant(t *testing.T) {
	t.Parallel()
	l := running(t, v1alpha1.PhaseBaking)
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Route: "/**"}})
	for i := range l.chunks() {
		if err := l.kube.Delete(t.Context(), &l.chunks()[i]); err != nil {
			t.Fatal(err)
		}
	}
	w := l.wave("a")
	l.edit(w, func() { w.Spec.Gate.Promote.FloorRate = "most" })
	l.sim.ResetJournal()
	l.annotate("a", v1alpha1.AnnotationRollback, "now")
	if _, err := l.waves.Reconcile(t.Context(), requestOf("a")); err != nil {
		t.Fatal(err)
	}
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack || s.Attempts[0].WithdrawnAt == nil {
		t.Errorf("%+v", s)
	}
	if n := len(l.sim.Journal().Records); n != 0 {
		t.Errorf("%d requests to the tenant before it was decided", n)
	}
}

// TestLedgerIsLost: a lost ledger holds the wave and stops everything but safety; a retry begins anew.
func TestLedgerIsLost(t *testing.T) {
	t.Parallel()
	l := running(t, v1alpha1.PhaseBaking)
	if err := l.kube.Delete(t.Context(), &l.chunks()[0]); err != nil {
		t.Fatal(err)
	}
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseHeld || s.HeldReason != v1alpha1.ReasonLedgerLost || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled) {
		t.Fatalf("%+v", s)
	}
	l.annotate("a", v1alpha1.AnnotationRetry, "1")
	l.until("it begins anew", 20, func() bool { return l.wave("a").Status.Attempt == 2 && l.wave("a").Status.Clocks.LastBatchAt != nil })
}

// TestSuspendedTenant: nothing is asked of a suspended tenant, and the wave says so.
func TestSuspendedTenant(t *testing.T) {
	t.Parallel()
	l := running(t, v1alpha1.PhaseBaking)
	o := l.tenant()
	l.edit(o, func() { o.Spec.Suspend = true })
	l.rest()
	l.sim.ResetJournal()
	for range 3 {
		l.round()
	}
	s := l.wave("a").Status
	if s.Phase != v1alpha1.PhaseBaking || s.Decision.Reason != v1alpha1.ReasonSuspended || meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReady) || s.Clocks.FrozenSince == nil {
		t.Errorf("%+v", s)
	}
	if n := len(l.sim.Journal().Records); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestGrowing: a device that comes later joins a promoted wave, in a batch, with clocks of its own.
func TestGrowing(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 20)))
	w := newWave("a", "First")
	w.Spec.Audience.Membership = v1alpha1.MembershipGrowing
	l.apply(l.newTenant(), newPolicy(), w)
	l.until("a succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	l.rest()
	before := l.wave("a").Status
	id := ""
	for _, g := range l.sim.Snapshot(false).Groups {
		if g.DisplayName == "First" {
			id = g.ID
		}
	}
	members, strangers := l.members(id), []string{}
	for _, d := range l.sim.Snapshot(true).Devices {
		if !slices.Contains(members, d.ObjectID) && len(strangers) < 6 {
			strangers = append(strangers, d.ObjectID)
		}
	}
	if _, err := l.admin().AddMembers(t.Context(), id, strangers); err != nil {
		t.Fatal(err)
	}
	l.until("they joined", 20, func() bool { return l.wave("a").Status.Audience.Joined > 0 && l.wave("a").Status.Devices.Pending == 0 })
	s := l.wave("a").Status
	joined := slices.DeleteFunc(l.members(l.attemptGroup("a")), func(m string) bool { return !slices.Contains(strangers, m) })
	if s.Phase != v1alpha1.PhaseSucceeded || s.Attempt != 1 || s.Audience.Eligible != before.Audience.Eligible+s.Audience.Joined || len(joined) != int(s.Audience.Joined) {
		t.Errorf("%v %+v", joined, s)
	}
	writes := l.writes
	for range 3 {
		l.round()
	}
	if l.writes != writes {
		t.Errorf("%d writes in rest", l.writes-writes)
	}
}

// TestPromise02_OverlappingWavesShareNoDevice: two waves of one group, free to resolve at once, never freeze the same device.
func TestPromise02_OverlappingWavesShareNoDevice(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 40)))
	a, b := newWave("a", "First"), newWave("b", "First")
	for _, w := range []*v1alpha1.PilotWave{a, b} {
		w.Spec.Gate.Promote.FloorRate = "0.60"
		w.Spec.Audience.Slice = &v1alpha1.Slice{Percent: ptr.To[int32](50)}
	}
	b.Spec.Audience.Slice.Percent = ptr.To[int32](100)
	l.apply(l.newTenant(), newPolicy(), a, b)
	l.until("both are exposed", 40, func() bool {
		return l.wave("a").Status.Devices.Exposed+l.wave("a").Status.Devices.Succeeded > 0 && l.wave("b").Status.Devices.Exposed+l.wave("b").Status.Devices.Succeeded > 0
	})
	l.until("both succeed", 60, func() bool {
		return l.inPhase("a", v1alpha1.PhaseSucceeded)() && l.inPhase("b", v1alpha1.PhaseSucceeded)()
	})
	mine := l.members(l.attemptGroup("a"))
	for _, m := range l.members(l.attemptGroup("b")) {
		if slices.Contains(mine, m) {
			t.Errorf("%s is in both", m)
		}
	}
	for _, c := range l.chunks() {
		if strings.HasPrefix(c.Name, "tidegate-claims") {
			t.Errorf("the lock is held by %s", c.Spec.Wave.Name)
		}
	}
}
