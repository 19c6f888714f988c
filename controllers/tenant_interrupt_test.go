// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise09_ChangeCutsOffAReading: a reading takes long; a suspension, a deletion or a release of the Tenant does not wait
// for it, and nothing else cuts it off.
func TestPromise09_ChangeCutsOffAReading(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(ten *v1alpha1.Tenant)
		cut    bool
	}{
		"suspended": {func(ten *v1alpha1.Tenant) { ten.Spec.Suspend = true; ten.Generation++ }, true},
		"deleted":   {func(ten *v1alpha1.Tenant) { ten.Generation++ }, true}, // a deletion counts as a generation
		"released": {func(ten *v1alpha1.Tenant) {
			ten.Annotations = map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"}
		}, true},
		"other labels": {func(ten *v1alpha1.Tenant) { ten.Labels = map[string]string{"a": "b"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, calm())
			l.apply(l.newTenant())
			slow := time.Minute
			if !tt.cut {
				slow = time.Second
			}
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultDelay, Delay: tenantsim.Duration(slow), Match: tenantsim.FaultMatch{Route: "/v1.0/devices"}})
			done := make(chan ctrl.Result, 1)
			began := time.Now()
			go func() {
				res, err := l.tenants.Reconcile(t.Context(), requestOf("corp"))
				if err != nil {
					t.Error(err)
				}
				done <- res
			}()
			for l.tenants.Store.Client(keyOf("corp")) == nil {
				time.Sleep(time.Millisecond)
			}
			was := l.tenant()
			is := was.DeepCopy()
			tt.change(is)
			l.tenants.interrupt(t.Context(), event.UpdateEvent{ObjectOld: was, ObjectNew: is}, nil)
			res := <-done
			if took := time.Since(began); (took < slow) != tt.cut || (res == soon()) != tt.cut {
				t.Errorf("ended after %s with %+v", took, res)
			}
			if s := l.tenant().Status; (s.Inventory == nil) != tt.cut || (s.Reason == "") != tt.cut {
				t.Errorf("a reading that was cut off says something: %+v", s)
			}
			if client := l.tenants.Store.Client(keyOf("corp")); (client == nil) != is.Spec.Suspend {
				t.Errorf("client %v of a Tenant with suspend %t", client, is.Spec.Suspend)
			}
		})
	}
}

// TestInterruptOfNothing: a change while no reading is under way, and what is no Tenant, does nothing.
func TestInterruptOfNothing(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.rest()
	ten := l.tenant()
	ten.Generation = 7
	l.tenants.interrupt(t.Context(), event.UpdateEvent{ObjectNew: ten}, nil)
	l.tenants.interrupt(t.Context(), event.UpdateEvent{ObjectNew: newPolicy()}, nil)
	if l.tenants.Store.Client(keyOf("corp")) == nil {
		t.Error("a Tenant that is not suspended loses its client")
	}
}

// TestPromise09_SuspensionStopsWavesAtOnce: waves and policies see it on the Tenant itself, before its own reconcile has come.
func TestPromise09_SuspensionStopsWavesAtOnce(t *testing.T) {
	l := rolledOut(t)
	if err := l.sim.Advance(2 * time.Hour); err != nil { // the next batch of b is due
		t.Fatal(err)
	}
	exposed := l.wave("b").Status.Devices.Exposed
	ten := l.tenant()
	l.edit(ten, func() { ten.Spec.Suspend = true })
	l.sim.ResetJournal()
	for range 3 {
		for _, name := range []string{"a", "b"} {
			if _, err := l.waves.Reconcile(t.Context(), requestOf(name)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.policies.Reconcile(t.Context(), requestOf("pkp")); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.sim.Journal().Total; n != 0 || l.tenants.Store.Client(keyOf("corp")) == nil {
		t.Errorf("%d requests to a suspended tenant", n)
	}
	if got := l.wave("b").Status.Devices.Exposed; got != exposed {
		t.Errorf("%d devices are exposed, were %d", got, exposed)
	}
}

// TestSuspendedIsNotReady: a spec that was never applied is not called healthy, and nothing is under way or stuck.
func TestSuspendedIsNotReady(t *testing.T) {
	l := newLab(t, calm())
	ten := l.newTenant()
	ten.Spec.Suspend = true
	l.apply(ten)
	l.rest()
	s := l.tenant().Status
	c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
	if c == nil || c.Status != metav1.ConditionUnknown || c.Reason != v1alpha1.ReasonSuspended || len(s.Conditions) != 1 || l.sim.Journal().Total != 0 {
		t.Errorf("%+v, %d requests", s, l.sim.Journal().Total)
	}
}

// TestClockThatWasAhead: a reading from the future is read again as soon as the clock is right, and the new one counts.
func TestClockThatWasAhead(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	month := 30 * 24 * time.Hour
	right := l.clock.Now()
	l.clock.Advance(month)
	l.rest()
	if got := l.tenant().Status.Inventory.AsOf; got.Sub(right) < month {
		t.Fatalf("read at %s", got)
	}
	l.tenants.Clock = behind{l.clock, month}
	if _, err := l.tenants.Reconcile(t.Context(), requestOf("corp")); err != nil {
		t.Fatal(err)
	}
	if got := l.tenants.Store.Inventory(keyOf("corp")).AsOf; got.After(right.Add(time.Minute)) {
		t.Errorf("the reading of the wrong clock stays: %s, now %s", got, right)
	}
	if got := l.tenant().Status.Inventory.AsOf; got.After(right.Add(time.Minute)) {
		t.Errorf("status says %s", got)
	}
}

// behind is a clock that was set back.
type behind struct {
	*tenantsim.Clock
	by time.Duration
}

func (b behind) Now() time.Time                  { return b.Clock.Now().Add(-b.by) }
func (b behind) Since(t time.Time) time.Duration { return b.Now().Sub(t) }
