// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

// What one resync reads from the tenant. A policy looks its population group up, lists its members, for their kind, lists the
// policies of the tenant for markers, and reads each of its four objects (hold and a revision on two platforms): the policy, its
// assignments and its settings. A wave reads the members of its group; one that has succeeded has read them once in an interval of its
// policy. A Tenant whose inventory is fresh reads nothing.
const (
	readsPerPolicy = 3 + 4*3
	readsPerWave   = 1
)

// readsOf is what one resync of an object reads.
func readsOf(o client.Object) int {
	switch o := o.(type) {
	case *v1alpha1.PasskeyPolicy:
		return readsPerPolicy
	case *v1alpha1.PilotWave:
		if o.Status.Phase != v1alpha1.PhaseSucceeded {
			return readsPerWave
		}
	}
	return 0
}

// TestPromise12_SteadyStateWritesNothing counts what resyncs cost when nothing has changed: in a finished rollout of two
// platforms and four waves, and in the middle of one.
func TestPromise12_SteadyStateWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("W1", 20), of("W2", 20), of("W3", 20), of("W4", 20)), testkit.Options{
		Ideal: "requests of a resync are counted, and one that is refused now and then is sent again",
	})
	w4 := quick(w, "w4", "W4", "w3")
	w4.Spec.Gate.Bake.Duration = 3 * day
	base(t, w, quick(w, "w1", "W1"), quick(w, "w2", "W2"), quick(w, "w3", "W3", "w1", "w2"), w4)
	reaches(t, w, "w4", v1alpha1.PhaseBaking)
	w.Pass(t, step, day)
	t.Run("MidBake", func(t *testing.T) { resyncs(t, w) })
	reaches(t, w, "w4", v1alpha1.PhaseSucceeded)
	t.Run("Done", func(t *testing.T) { resyncs(t, w) })
	// 40 of 120 devices are in no wave.
	if err := condition(policy(t, w).Status.Conditions, v1alpha1.ConditionRolloutComplete, "False", v1alpha1.ReasonStillOnHold); err != nil {
		t.Error(err)
	}
}

// resyncs wakes every object five times and counts.
func resyncs(t *testing.T, w *testkit.World) {
	t.Helper()
	w.Settle(t)
	w.Settle(t)
	const times = 5
	before, writes := versions(t, w), len(w.Operator.Writes())
	for _, kind := range []string{"PasskeyPolicy", "PilotWave", "Tenant"} {
		for _, o := range w.Objects(t) {
			if fmt.Sprintf("%T", o) != "*v1alpha1."+kind {
				continue
			}
			perResync := readsOf(o)
			w.Sim.ResetJournal()
			for i := range times {
				annotate(t, w, o, testkit.TickAnnotation, fmt.Sprintf("%s resync %d", t.Name(), i))
				testkit.Eventually(t, 10*time.Second, func(context.Context) error {
					if n := w.Sim.Journal().Total; n < uint64((i+1)*perResync) {
						return fmt.Errorf("%d resyncs of %s %s have read %d times", i+1, kind, o.GetName(), n)
					}
					return nil
				})
				w.Calm(t)
			}
			j := w.Sim.Journal()
			if j.Changes != 0 {
				t.Errorf("%d resyncs of %s %s changed the tenant %d times", times, kind, o.GetName(), j.Changes)
			}
			if int(j.Total) != times*perResync {
				t.Errorf("a resync of %s %s costs %.1f Graph reads, want %d: %v", kind, o.GetName(), float64(j.Total)/times, perResync, j.Routes)
			} else {
				t.Logf("a resync of %s %s costs %d Graph reads, 0 Graph writes, 0 Kubernetes writes", kind, o.GetName(), perResync)
			}
		}
	}
	if extra := w.Operator.Writes()[writes:]; len(extra) != 0 {
		for _, write := range extra {
			t.Errorf("the operator wrote %s: %s", write, write.Body)
		}
	}
	after := versions(t, w)
	for name, was := range before {
		if is := after[name]; is != was && !strings.HasPrefix(name, "*v1alpha1.") { // these carry the annotation
			t.Errorf("%s went from version %s to %s", name, was, is)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d objects, %d before", len(after), len(before))
	}
}

// versions are the resource versions of everything in the world's namespace.
func versions(t testing.TB, w *testkit.World) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, o := range w.Objects(t) {
		out[fmt.Sprintf("%T/%s", o, o.GetName())] = o.GetResourceVersion()
	}
	var ledgers v1alpha1.WaveLedgerList
	var events eventsv1.EventList
	var secrets corev1.SecretList
	for _, list := range []client.ObjectList{&ledgers, &events, &secrets} {
		if err := w.Kube.List(t.Context(), list, client.InNamespace(w.Namespace)); err != nil {
			t.Fatalf("list %T: %v", list, err)
		}
	}
	for i := range ledgers.Items {
		out["WaveLedger/"+ledgers.Items[i].Name] = ledgers.Items[i].ResourceVersion
	}
	for i := range events.Items {
		out["Event/"+events.Items[i].Name] = events.Items[i].ResourceVersion
	}
	for i := range secrets.Items {
		out["Secret/"+secrets.Items[i].Name] = secrets.Items[i].ResourceVersion
	}
	return out
}
