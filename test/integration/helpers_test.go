// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
	// step is how far the clock moves between two looks at the world.
	step = 4 * hour
)

// groups is the scenario of a tenant with the given groups and one of all devices.
func groups(specs ...tenantsim.GroupSpec) tenantsim.Scenario {
	return tenantsim.Scenario{Groups: append(specs, tenantsim.GroupSpec{DisplayName: testkit.Everyone, From: "everything", Percent: 100})}
}

// calm is a tenant without the ordinary noise: every device is fit, always on and in contact.
func calm(specs ...tenantsim.GroupSpec) tenantsim.Scenario {
	none := func() *float64 { return ptr.To(0.0) }
	sc := groups(specs...)
	sc.Groups[len(sc.Groups)-1].Percent = 100
	sc.StalePercent, sc.NeverPercent, sc.UnenrolledPercent = none(), none(), none()
	sc.MissingPrerequisitePercent, sc.UnencryptedPercent, sc.OfficeHoursPercent = none(), none(), none()
	sc.Churn = tenantsim.NoChurn()
	return sc
}

// changed is the scenario with some of its behaviour changed from now on.
func changed(t testing.TB, w *testkit.World, change func(*tenantsim.Scenario)) {
	t.Helper()
	sc := w.Sim.Scenario()
	change(&sc)
	if err := w.Sim.SetScenario(sc); err != nil {
		t.Fatalf("scenario: %v", err)
	}
}

// of is a group of n devices.
func of(name string, n int) tenantsim.GroupSpec {
	return tenantsim.GroupSpec{DisplayName: name, Count: n}
}

// newWorld starts a world that moves by ticks and watches only, so that every step of it can be awaited.
func newWorld(t testing.TB, sc tenantsim.Scenario, o testkit.Options) *testkit.World {
	t.Helper()
	o.Scenario, o.Poll = sc, time.Hour
	if o.Devices == 0 {
		o.Devices = 120
	}
	w := testkit.New(t, o)
	t.Cleanup(func() {
		if t.Failed() {
			dump(t, w)
		}
		checkOverlaps(t, w)
	})
	w.Watch(t)
	return w
}

// dump shows where the waves stood when a test failed.
func dump(t testing.TB, w *testkit.World) {
	t.Helper()
	var waves v1alpha1.PilotWaveList
	if err := w.Kube.List(context.Background(), &waves, client.InNamespace(w.Namespace)); err != nil {
		t.Logf("no dump: %v", err)
		return
	}
	for i := range waves.Items {
		s := &waves.Items[i].Status
		t.Logf("wave %s: %s attempt %d, %s: %s; devices %+v; clocks %+v", waves.Items[i].Name, s.Phase, s.Attempt, s.Decision.Reason, s.Decision.Message, s.Devices, s.Clocks)
	}
	var policies v1alpha1.PasskeyPolicyList
	if err := w.Kube.List(context.Background(), &policies, client.InNamespace(w.Namespace)); err != nil {
		t.Logf("no dump: %v", err)
		return
	}
	for i := range policies.Items {
		for _, c := range policies.Items[i].Status.Conditions {
			t.Logf("policy %s: %s=%s %s: %s", policies.Items[i].Name, c.Type, c.Status, c.Reason, c.Message)
		}
	}
}

// checkOverlaps is P1 beside what World.Watch sees: at every request that changed the tenant, no device was reached by both
// hold and allow.
func checkOverlaps(t testing.TB, w *testkit.World) {
	t.Helper()
	j := w.Sim.Journal()
	if j.Total != uint64(len(j.Records)) {
		t.Errorf("the journal has forgotten %d requests: enlarge it", j.Total-uint64(len(j.Records)))
	}
	for _, r := range j.Records {
		for _, o := range r.Overlaps {
			if strings.HasPrefix(o.PolicyA, "Tidegate ") && strings.HasPrefix(o.PolicyB, "Tidegate ") {
				t.Errorf("P1: after %s %s %d devices were targeted by %q and %q", r.Method, r.Path, o.Devices, o.PolicyA, o.PolicyB)
			}
		}
	}
}

// quick is a wave on a group that bakes for eight hours.
func quick(w *testkit.World, name, group string, after ...string) *v1alpha1.PilotWave {
	wave := w.WaveOn(name, group, after...)
	wave.Spec.Gate.Bake = metav1.Duration{Duration: 8 * hour}
	wave.Spec.Gate.Maturity = metav1.Duration{Duration: 8 * hour}
	return wave
}

// base applies Secret, Tenant and policy, and waves after them.
func base(t testing.TB, w *testkit.World, waves ...*v1alpha1.PilotWave) {
	t.Helper()
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	for _, wave := range waves {
		w.Apply(t, wave)
	}
}

// reaches lets time pass until a wave is in one of the phases.
func reaches(t testing.TB, w *testkit.World, wave string, phases ...v1alpha1.WavePhase) *v1alpha1.PilotWave {
	t.Helper()
	w.Until(t, step, 12*day, w.InPhase(wave, phases...))
	return w.Wave(t, wave)
}

// policy reads the PasskeyPolicy.
func policy(t testing.TB, w *testkit.World) *v1alpha1.PasskeyPolicy {
	t.Helper()
	p := &v1alpha1.PasskeyPolicy{}
	if err := w.Get(t.Context(), testkit.PolicyName, p); err != nil {
		t.Fatalf("read policy: %v", err)
	}
	return p
}

// annotate sets an annotation.
func annotate(t testing.TB, w *testkit.World, o client.Object, key, value string) {
	t.Helper()
	// A patch: an update would write every field of the spec again, durations in another spelling.
	patch := client.RawPatch(types.MergePatchType, []byte(fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, key, value)))
	if err := w.Kube.Patch(t.Context(), o, patch); err != nil {
		t.Fatalf("annotate %s: %v", o.GetName(), err)
	}
}

// condition checks one condition of an object.
func condition(list []metav1.Condition, kind string, status metav1.ConditionStatus, reason string) error {
	c := meta.FindStatusCondition(list, kind)
	if c == nil {
		return fmt.Errorf("there is no condition %s in %v", kind, list)
	}
	if c.Status != status || reason != "" && c.Reason != reason {
		return fmt.Errorf("condition %s is %s %s (%s), want %s %s", kind, c.Status, c.Reason, c.Message, status, reason)
	}
	return nil
}

// eventsOf lists the events on an object, oldest first.
func eventsOf(t testing.TB, w *testkit.World, name string) []eventsv1.Event {
	t.Helper()
	var list eventsv1.EventList
	if err := w.Kube.List(t.Context(), &list, client.InNamespace(w.Namespace)); err != nil {
		t.Fatalf("list events: %v", err)
	}
	out := slices.DeleteFunc(list.Items, func(e eventsv1.Event) bool { return e.Regarding.Name != name })
	slices.SortFunc(out, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	return out
}

// countEvents counts the events of one reason on an object. An event that was sent again counts as often as it was sent.
func countEvents(t testing.TB, w *testkit.World, name, reason string) int {
	t.Helper()
	n := 0
	for _, e := range eventsOf(t, w, name) {
		if e.Reason == reason {
			n++
			if e.Series != nil {
				n += int(e.Series.Count) - 1
			}
		}
	}
	return n
}

// all joins checks; the first error counts.
func all(checks ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, c := range checks {
			errs = append(errs, c(ctx))
		}
		return errors.Join(errs...)
	}
}

// arrives lets Intune hear of what the tenant shows already, until a payload reaches so many devices.
func arrives(t testing.TB, w *testkit.World, payload string, want int) {
	t.Helper()
	w.Until(t, hour, 4*hour, func(context.Context) error { return w.Reaches(t, payload, want) })
}

// that makes a check of a condition; the rest says what was wanted.
func that(holds func() bool, format string, args ...any) func(context.Context) error {
	return func(context.Context) error {
		if !holds() {
			return fmt.Errorf(format, args...)
		}
		return nil
	}
}

// named is the metadata of an object of the world.
func named(w *testkit.World, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.Namespace, Name: name}
}

// message of one condition, empty when there is none.
func message(list []metav1.Condition, kind string) string {
	if c := meta.FindStatusCondition(list, kind); c != nil {
		return c.Message
	}
	return ""
}

// awaitDeath lets minutes pass until an operator has been cut off, then stops it.
func awaitDeath(t testing.TB, w *testkit.World, op *testkit.Operator) {
	t.Helper()
	w.Soon(t, func(context.Context) error {
		if op.Dead() {
			return nil
		}
		return fmt.Errorf("the operator is alive; it wrote %v", op.Writes())
	})
	op.Stop()
}
