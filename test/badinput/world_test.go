// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/wire"
)

// patience is how long a condition may take to appear, poll how often a waiting operator looks again.
const (
	patience = 20 * time.Second
	poll     = 30 * time.Millisecond
)

// world is a testkit world whose operator reaches the tenant through a front and logs everything.
type world struct {
	*testkit.World
	front *front
	log   *logBuffer
}

// start makes a world with two groups, Small of 5 devices and Pilot of 20, and runs an operator in it.
func start(t *testing.T, o testkit.Options) *world {
	t.Helper()
	o.NoOperator = true
	if o.Devices == 0 {
		o.Devices = 60
	}
	if o.Scenario.Groups == nil {
		o.Scenario.Groups = []tenantsim.GroupSpec{
			{DisplayName: "Small", Count: 5}, {DisplayName: "Pilot", Count: 20}, {DisplayName: "Empty"},
			{DisplayName: "Twin", Count: 1}, {DisplayName: "Twin", Count: 1},
			{DisplayName: testkit.Everyone, From: "everything", Percent: 100},
		}
	}
	w := &world{World: testkit.New(t, o), log: &logBuffer{}}
	w.front = newFront(t, w.Sim.Handler())
	w.SimURL, w.SimCA = w.front.URL, []byte(w.front.CA)
	w.operate(t, everything(w.log))
	return w
}

// operate runs an operator until the test ends.
func (w *world) operate(t *testing.T, log logr.Logger) {
	t.Helper()
	o := wire.Default()
	o.MetricsAddress, o.ProbeAddress, o.Namespace, o.SkipNameValidation = "0", "0", w.Namespace, true
	o.EndpointHosts = []string{hosts.Of(w.SimURL), hosts.Of(closed)}
	o.Clock, o.TuneGraph, o.Log = w.Clock, testkit.Tune, log
	o.Pace = func(time.Duration) time.Duration { return poll }
	w.Registry = prometheus.NewRegistry()
	o.Registry = w.Registry
	ctx, cancel := context.WithCancel(context.Background())
	mgr, err := wire.NewManager(ctx, w.Config, o)
	if err != nil {
		cancel()
		t.Fatalf("operator: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("operator: %v", err)
		}
	})
}

// object is one of the three kinds.
type object = client.Object

func conditionsOf(o object) []metav1.Condition {
	switch o := o.(type) {
	case *v1alpha1.Tenant:
		return o.Status.Conditions
	case *v1alpha1.PasskeyPolicy:
		return o.Status.Conditions
	case *v1alpha1.PilotWave:
		return o.Status.Conditions
	}
	return nil
}

// says waits until a condition of an object has this status, this reason and each of the words in its message, which is
// one line.
func (w *world) says(t *testing.T, o object, kind string, is metav1.ConditionStatus, reason string, words ...string) {
	t.Helper()
	o.SetNamespace(w.Namespace)
	w.AdvanceUntil(t, 15*time.Second, 2*time.Hour, func(ctx context.Context) error {
		if err := w.Kube.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		c := meta.FindStatusCondition(conditionsOf(o), kind)
		if c == nil || c.Status != is || c.Reason != reason || c.ObservedGeneration != o.GetGeneration() {
			return fmt.Errorf("%T %s has %s, want %s=%s with reason %s", o, o.GetName(), conditions(o), kind, is, reason)
		}
		for _, word := range words {
			if !strings.Contains(c.Message, word) {
				return fmt.Errorf("%s of %T %s says\n  %s\nwithout %q", kind, o, o.GetName(), c.Message, word)
			}
		}
		if strings.ContainsAny(c.Message, "\r\n") {
			return fmt.Errorf("%s of %T %s is more than one line: %q", kind, o, o.GetName(), c.Message)
		}
		return nil
	})
}

// stuck waits until an object is stalled for this reason.
func (w *world) stuck(t *testing.T, o object, reason string, words ...string) {
	t.Helper()
	w.says(t, o, v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, words...)
	if meta.IsStatusConditionTrue(conditionsOf(o), v1alpha1.ConditionReady) {
		t.Errorf("%T %s is stalled and ready: %s", o, o.GetName(), conditions(o))
	}
}

func conditions(o object) string {
	list := conditionsOf(o)
	text := make([]string, len(list))
	for i, c := range list {
		text[i] = fmt.Sprintf("%s=%s(%s: %s)", c.Type, c.Status, c.Reason, c.Message)
	}
	return "[" + strings.Join(text, " ") + "]"
}

// goesOn waits until the policy is in the tenant.
func (w *world) goesOn(t *testing.T) {
	t.Helper()
	w.says(t, policy(), v1alpha1.ConditionApplied, metav1.ConditionTrue, v1alpha1.ReasonApplied)
	if n := len(w.ours()); n < 2 {
		t.Errorf("the policy is applied and the tenant has %d objects of it, want allow and hold: %q", n, w.ours())
	}
}

// exposes waits until the wave has an audience and its group has members.
func (w *world) exposes(t *testing.T, name string) {
	t.Helper()
	w.AdvanceUntil(t, 3*time.Minute, 3*time.Hour, func(ctx context.Context) error {
		o := &v1alpha1.PilotWave{}
		if err := w.Get(ctx, name, o); err != nil {
			return err
		}
		if o.Status.Audience == nil || o.Status.Devices.Pending == o.Status.Audience.Eligible {
			return fmt.Errorf("wave %s is %s with %s", name, o.Status.Phase, conditions(o))
		}
		return nil
	})
}

// untouched lets the operator look twice more and wants the tenant to be as it was made: no request has changed it.
func (w *world) untouched(t *testing.T) {
	t.Helper()
	w.unchangedSince(t, 0)
}

// unchangedSince lets the operator look twice more and wants no more changes of the tenant than before.
func (w *world) unchangedSince(t *testing.T, before uint64) {
	t.Helper()
	w.lookAgain(t)
	if n := w.Sim.Journal().Changes; n != before {
		t.Errorf("%d requests changed the tenant, want %d: %v", n, before, changes(w.Sim.Journal()))
	}
	if ours := w.ours(); before == 0 && len(ours) > 0 {
		t.Errorf("the tenant has %q", ours)
	}
}

func changes(j tenantsim.JournalSnapshot) []string {
	var out []string
	for _, r := range j.Records {
		if r.Changed {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}

// ours lists what the operator has made in the tenant.
func (w *world) ours() []string {
	var out []string
	s := w.Sim.Snapshot(false)
	for _, p := range s.Policies {
		if strings.Contains(p.Description, "[tidegate ") {
			out = append(out, "policy "+p.Name)
		}
	}
	return append(out, w.ourGroups()...)
}

// ourGroups lists the groups of waves.
func (w *world) ourGroups() []string {
	var out []string
	for _, g := range w.Sim.Snapshot(false).Groups {
		if strings.HasPrefix(g.UniqueName, "tidegate-") && !g.Deleted {
			out = append(out, "group "+g.DisplayName)
		}
	}
	return out
}

// lookAgain makes the operator reconcile everything in the world twice more.
func (w *world) lookAgain(t *testing.T) {
	t.Helper()
	for _, kind := range []struct {
		controller string
		list       client.ObjectList
	}{
		{"tenant", &v1alpha1.TenantList{}}, {"passkeypolicy", &v1alpha1.PasskeyPolicyList{}}, {"pilotwave", &v1alpha1.PilotWaveList{}},
	} {
		if err := w.Kube.List(t.Context(), kind.list, client.InNamespace(w.Namespace)); err != nil {
			t.Fatal(err)
		}
		n := float64(meta.LenList(kind.list))
		if n == 0 {
			continue
		}
		began, round := reconciles(t, kind.controller), 0
		testkit.Eventually(t, patience, func(ctx context.Context) error {
			round++
			if err := w.touch(ctx, kind.list, round); err != nil {
				return err
			}
			if done := reconciles(t, kind.controller) - began; done < 2*n {
				return fmt.Errorf("%v more reconciles of %s, want %v", done, kind.controller, 2*n)
			}
			return nil
		})
	}
}

// touch changes an annotation of each object, which wakes its controller.
func (w *world) touch(ctx context.Context, list client.ObjectList, round int) error {
	return meta.EachListItem(list, func(item runtime.Object) error {
		o, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("%T is no object", item)
		}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"test/round":"%d"}}}`, round)
		copied, _ := o.DeepCopyObject().(client.Object)
		return w.Kube.Patch(ctx, copied, client.RawPatch("application/merge-patch+json", patch))
	})
}

// reconciles counts the finished reconciles of a controller in this process.
func reconciles(t *testing.T, controller string) float64 {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "controller_runtime_reconcile_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "controller" && l.GetValue() == controller {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}

// Empty objects of the names that the builders use, to read into.

func tenant() *v1alpha1.Tenant {
	return &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: testkit.TenantName}}
}

func policy() *v1alpha1.PasskeyPolicy {
	return &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Name: testkit.PolicyName}}
}

func wave(name string) *v1alpha1.PilotWave {
	return &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: name}}
}
