// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// everybodyFails makes every device fail on the setting.
func everybodyFails(sc *tenantsim.Scenario) {
	sc.Rules = []tenantsim.Rule{{Name: "all", DevicesPercent: 100, Outcome: tenantsim.OutcomeError, Definition: "passkeysenabled", Value: "_1"}}
}

// refusedExport answers requests for an export whose body has text in it.
func refusedExport(status int, text string) tenantsim.Fault {
	return tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: status,
		Match: tenantsim.FaultMatch{Method: "POST", Route: "/v1.0/deviceManagement/reports/exportJobs", Body: text}}
}

// part is a part of the inventory as the Tenant's status has it.
func (l *lab) part(name string) v1alpha1.InventoryPart {
	l.t.Helper()
	for _, p := range l.tenant().Status.Inventory.Parts {
		if p.Name == name {
			return p
		}
	}
	l.t.Fatalf("no part %s: %+v", name, l.tenant().Status.Inventory)
	return v1alpha1.InventoryPart{}
}

// tenantCondition is a condition of the Tenant.
func (l *lab) tenantCondition(kind string) metav1.Condition {
	l.t.Helper()
	c := meta.FindStatusCondition(l.tenant().Status.Conditions, kind)
	if c == nil {
		return metav1.Condition{}
	}
	return *c
}

// TestPromise04_HaltsWithoutEdgeVersions: every device fails while the tenant refuses the app inventory, the encryption report and
// the report of another policy. The wave halts all the same, after a restart as well.
func TestPromise04_HaltsWithoutEdgeVersions(t *testing.T) {
	for _, restart := range []bool{false, true} {
		l := newLab(t, calm(group("First", 30)))
		l.setScenario(everybodyFails)
		w := newWave("a", "First")
		w.Spec.Exposure.MaxUnreported = ptr.To[int32](1000)
		l.apply(l.newTenant(), newPolicy(), w)
		l.until("exposing", 60, l.inPhase("a", v1alpha1.PhaseExposing))
		other := l.policy().Status.Objects[0].ID // hold
		l.faults(refusedExport(403, "AppInvRawData"), refusedExport(404, other),
			tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Route: "/beta/deviceManagement/managedDeviceEncryptionStates"}})
		if restart {
			l.start(t)
		}
		l.until("halted", 24, l.inPhase("a", v1alpha1.PhaseHalted))
		if s := l.wave("a").Status; s.Devices.Failed < 3 || s.Devices.Succeeded > 0 {
			t.Errorf("restart %t: %+v", restart, s.Devices)
		}
		edge, devices := l.part(v1alpha1.InventoryEdgeVersions), l.part(v1alpha1.InventoryDevices)
		if edge.Error == "" || (edge.AsOf == nil) != restart || devices.Error != "" || !restart && !edge.AsOf.Before(devices.AsOf) {
			t.Errorf("restart %t: %+v and %+v", restart, edge, devices)
		}
		reports := l.part(v1alpha1.InventoryPolicyReports)
		if reports.Failing != 1 || len(reports.Failed) != 1 || !strings.EqualFold(reports.Failed[0].ID, other) || reports.Objects != 2 || reports.AsOf.Before(devices.AsOf) {
			t.Errorf("restart %t: reports %+v", restart, reports)
		}
		if c := l.tenantCondition(v1alpha1.ConditionInventoryFresh); c.Status != metav1.ConditionFalse || !strings.Contains(c.Message, "the Edge versions") {
			t.Errorf("restart %t: %+v", restart, c)
		}
	}
}

// TestPromise04_DeletedObjectBlindsNoOther: the report of an object that somebody deleted is refused, and every other is read; so is
// the same object's once it is there again.
func TestPromise04_DeletedObjectBlindsNoOther(t *testing.T) {
	for _, status := range []int{400, 404} {
		l := running(t, v1alpha1.PhaseBaking)
		hold := l.policy().Status.Objects[0].ID
		l.faults(refusedExport(status, hold))
		l.until("promoted", 40, l.inPhase("a", v1alpha1.PhaseSucceeded))
		if c := l.tenantCondition(v1alpha1.ConditionInventoryFresh); c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, strings.ToLower(hold)) {
			t.Errorf("%d: %+v", status, c)
		}
		if reports := l.part(v1alpha1.InventoryPolicyReports); reports.Failing != 1 || reports.Failed[0].AsOf == nil {
			t.Errorf("%d: %+v", status, reports)
		}
		l.faults()
		l.clock.Advance(time.Hour)
		l.rest()
		if reports := l.part(v1alpha1.InventoryPolicyReports); reports.Failing != 0 || reports.Error != "" || len(reports.Failed) != 0 {
			t.Errorf("%d: %+v", status, reports)
		}
	}
}

// TestPromise04_AudienceWaitsForEdgeVersions: who is eligible is not known without them, so that an audience waits, and is resolved
// when they are read.
func TestPromise04_AudienceWaitsForEdgeVersions(t *testing.T) {
	l := newLab(t, calm(group("First", 20)))
	l.faults(refusedExport(403, "AppInvRawData"))
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
	l.until("resolving", 10, l.inPhase("a", v1alpha1.PhaseResolving))
	l.clock.Advance(time.Hour)
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseResolving || !strings.Contains(s.Decision.Message, "the Edge versions") || s.Audience != nil {
		t.Fatalf("%s: %+v", s.Phase, s.Decision)
	}
	l.faults()
	l.until("exposing", 10, l.inPhase("a", v1alpha1.PhaseExposing))
	if a := l.wave("a").Status.Audience; a == nil || a.Eligible != 17 { // three are Macs
		t.Errorf("%+v", a)
	}
}

// TestPromise15_NoBatchWithoutANewerReading: with the reports of the wave's own policy away, telemetry counts as fresh for 26 hours,
// and not one batch goes out meanwhile; devices and every other report being read makes no difference.
func TestPromise15_NoBatchWithoutANewerReading(t *testing.T) {
	l := newLab(t, calm(group("First", 60)))
	w := newWave("a", "First")
	w.Spec.Exposure.MaxUnreported = ptr.To[int32](1000)
	l.apply(l.newTenant(), newPolicy(), w)
	l.until("the first batch is out", 60, func() bool {
		s := l.wave("a").Status
		return s.Audience != nil && s.Devices.Pending == s.Audience.Eligible-15
	})
	left := l.wave("a").Status.Devices.Pending
	own := slices.DeleteFunc(l.policy().Status.Objects, func(o v1alpha1.TenantObject) bool { return o.Role != v1alpha1.RoleAllow })[0].ID
	l.faults(refusedExport(503, own))
	fresh := 0
	for range 25 {
		l.clock.Advance(time.Hour)
		l.rest()
		s := l.wave("a").Status
		if s.Devices.Pending != left {
			t.Fatalf("%d devices are left to expose: %+v", s.Devices.Pending, s.Decision)
		}
		if meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionTelemetryFresh) {
			fresh++
		}
	}
	if s := l.wave("a").Status; fresh < 20 || !strings.Contains(s.Decision.Message, "newer than the last batch") {
		t.Errorf("fresh at %d of 25 looks: %+v", fresh, s.Decision)
	}
	l.faults()
	l.until("the next batch is out", 3, func() bool { return l.wave("a").Status.Devices.Pending < left })
}

// shifted is the clock of a machine whose time is wrong.
type shifted struct {
	*tenantsim.Clock
	by *time.Duration
}

func (s shifted) Now() time.Time                  { return s.Clock.Now().Add(*s.by) }
func (s shifted) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

// shift gives the operator a clock of its own.
func (l *lab) shift() *time.Duration {
	by := new(time.Duration)
	clk := shifted{l.clock, by}
	l.tenants.Clock, l.policies.Clock, l.waves.Clock = clk, clk, clk
	return by
}

// TestPromise04_ClockAheadAtOneReading: the clock was a month ahead when the fleet was read, and is right from then on, while the
// tenant is away for five days. What was read is not fresh for a month: it is tried again, and the wave is held.
func TestPromise04_ClockAheadAtOneReading(t *testing.T) {
	l := running(t, v1alpha1.PhaseBaking, func(w *v1alpha1.PilotWave) { w.Spec.Gate.Bake, w.Spec.Gate.Maturity = hours(1000), hours(1000) })
	by := l.shift()
	*by = 30 * 24 * time.Hour
	l.tenants.Store.Inventory(keyOf("corp")).AsOf = time.Time{} // due
	if _, err := l.tenants.Reconcile(t.Context(), requestOf("corp")); err != nil {
		t.Fatal(err)
	}
	if c, s := l.tenantCondition(v1alpha1.ConditionClockInSync), l.tenant().Status; c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonClockSkewed ||
		!strings.Contains(c.Message, "synchronise") || s.ClockOffset == nil || s.ClockOffset.Duration != *by || s.Reason != v1alpha1.ReasonClockSkewed {
		t.Errorf("%+v, offset %v", c, s.ClockOffset)
	}
	*by = 0
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Route: "/*/deviceManagement/**"}},
		tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Route: "/v1.0/devices"}})
	l.sim.ResetJournal()
	for range 5 {
		l.clock.Advance(24 * time.Hour)
		l.rest()
		s := l.wave("a").Status
		if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionTelemetryFresh); c == nil || c.Status == metav1.ConditionTrue {
			t.Fatalf("after an outage at %s: %+v", l.clock.Now(), c)
		}
		if c := l.tenantCondition(v1alpha1.ConditionInventoryFresh); c.Status == metav1.ConditionTrue {
			t.Fatalf("after an outage at %s: %+v", l.clock.Now(), c)
		}
	}
	if n := l.sim.Journal().Total; n < 10 {
		t.Errorf("the tenant was asked %d times in five days", n)
	}
	l.faults()
	l.until("back in the bake", 6, l.inPhase("a", v1alpha1.PhaseBaking))
	if c := l.tenantCondition(v1alpha1.ConditionClockInSync); c.Status != metav1.ConditionTrue {
		t.Errorf("%+v", c)
	}
}

// TestPromise04_WrongClock: while the clock of the node is wrong no wave starts, exposes or is promoted, with one event; a
// rollback that somebody asks for acts; and when the clock is right the others go on by themselves.
func TestPromise04_WrongClock(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 40 * 24 * time.Hour, "behind": -40 * 24 * time.Hour, "a little ahead": 6 * time.Minute} {
		l := newLab(t, calm(group("First", 40), group("Second", 20), group("Third", 20)))
		l.apply(l.newTenant(), newPolicy(), newWave("a", "First"), newWave("b", "Second"))
		l.until("b is judged", 60, func() bool {
			p := l.wave("b").Status.Phase
			return p == v1alpha1.PhaseEvaluating || p == v1alpha1.PhaseBaking
		})
		exposed := l.wave("a").Status.Devices.Pending
		by := l.shift()
		*by = off
		l.apply(newWave("c", "Third"))
		for range 30 {
			l.clock.Advance(time.Hour)
			l.rest()
		}
		a, b, c := l.wave("a").Status, l.wave("b").Status, l.wave("c").Status
		if a.Phase == v1alpha1.PhaseSucceeded || b.Phase != v1alpha1.PhaseHeld || b.HeldReason != v1alpha1.ReasonClockSkewed || c.Phase != v1alpha1.PhasePending || a.Devices.Pending != exposed {
			t.Errorf("%s: a %s with %d pending (%d before), b %s (%s), c %s", name, a.Phase, a.Devices.Pending, exposed, b.Phase, b.HeldReason, c.Phase)
		}
		if n := strings.Count(strings.Join(l.events, "\n"), "corp Warning ClockSkewed"); n != 1 {
			t.Errorf("%s: %d events: %v", name, n, l.events)
		}
		l.annotate("a", v1alpha1.AnnotationRollback, "1")
		l.rest()
		if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack {
			t.Errorf("%s: a rollback was asked for and a is %s: %+v", name, s.Phase, s.Decision)
		}
		*by = 0
		l.until("b goes on", 60, l.inPhase("b", v1alpha1.PhaseSucceeded))
		l.until("c goes on", 90, l.inPhase("c", v1alpha1.PhaseSucceeded))
	}
}

// TestPromise15_HaltsByAWrongClock: failures halt a wave whatever the clock says.
func TestPromise15_HaltsByAWrongClock(t *testing.T) {
	for _, off := range []time.Duration{40 * 24 * time.Hour, -40 * 24 * time.Hour} {
		l := newLab(t, calm(group("First", 30)))
		l.setScenario(everybodyFails)
		l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
		l.until("a batch is out", 60, func() bool {
			s := l.wave("a").Status
			return s.Phase == v1alpha1.PhaseExposing && s.Devices.Exposed+s.Devices.Seen > 0
		})
		by := l.shift()
		*by = off
		l.until("halted", 24, l.inPhase("a", v1alpha1.PhaseHalted))
	}
}
