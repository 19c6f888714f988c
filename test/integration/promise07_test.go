// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// remove deletes objects as kubectl delete --wait=false does.
func remove(t testing.TB, w *testkit.World, objs ...client.Object) {
	t.Helper()
	for _, o := range objs {
		if err := w.Kube.Delete(t.Context(), o); err != nil {
			t.Fatalf("delete %s: %v", o.GetName(), err)
		}
	}
}

func TestPromise07_DeletedWaveReturnsItsDevicesToHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Keeps", 20), of("Goes", 20)), testkit.Options{})
	base(t, w, quick(w, "keeps", "Keeps"), quick(w, "goes", "Goes"))
	reaches(t, w, "goes", v1alpha1.PhaseBaking)
	reaches(t, w, "keeps", v1alpha1.PhaseBaking)
	goes := w.Wave(t, "goes")
	group := w.AttemptGroup(t, "goes")

	remove(t, w, goes)
	w.Until(t, hour, 4*hour, w.Gone("goes", goes))
	if groups := w.OwnGroups(); len(groups) != 1 || groups[0].ID == group {
		t.Errorf("after the deletion these managed groups exist: %+v", groups)
	}
	for _, p := range w.OwnPolicies() {
		for _, a := range p.Assignments {
			if strings.Contains(a.Group, "/goes") {
				t.Errorf("%s is still assigned to the group of the deleted wave: %+v", p.Name, p.Assignments)
			}
		}
	}
	arrives(t, w, "Allow", 20)
	arrives(t, w, "Hold", 100)
	reaches(t, w, "keeps", v1alpha1.PhaseSucceeded)
}

func TestPromise07_DeletedPolicyRemovesItsObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 20)), testkit.Options{})
	base(t, w, quick(w, "wave", "Source"))
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	p := policy(t, w)
	remove(t, w, p)
	w.Soon(t, that(func() bool { return len(w.OwnPolicies()) == 0 }, "the tenant still has the policies"))
	order := deletions(w)
	if len(order) != 4 || !strings.HasSuffix(order[0], "Allow") || !strings.HasSuffix(order[1], "Allow") {
		t.Errorf("policies were deleted in the order %v, want both allow policies before any hold", order)
	}

	t.Log("the wave has lost its policy; it still owns a group, and cleans up when it goes")
	wave := w.Wave(t, "wave")
	remove(t, w, wave)
	w.Until(t, hour, 4*hour, all(w.Gone("wave", wave), w.Gone(testkit.PolicyName, p)))
	if left := w.OwnGroups(); len(left) != 0 {
		t.Errorf("these managed groups were left behind: %+v", left)
	}
}

// deletions lists the policies of the tenant in the order in which operators deleted them, by the name in the create.
func deletions(w *testkit.World) []string {
	names := map[string]string{}
	for _, s := range w.AllPolicies() {
		names[s.ID] = s.Name
	}
	var out []string
	for _, op := range w.Operators() {
		for _, write := range op.Writes() {
			if !write.Kube && write.Method == "DELETE" && strings.Contains(write.Path, "/configurationPolicies") {
				id := write.Path[strings.LastIndex(write.Path, "/")+1:]
				id = strings.Trim(strings.TrimPrefix(id, "configurationPolicies"), "()'")
				if !slices.Contains(out, names[id]) { // a list that is late has a policy deleted twice
					out = append(out, names[id])
				}
			}
		}
	}
	return out
}

func TestPromise07_OrphanLeavesEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 20)), testkit.Options{})
	p := w.Policy()
	p.Spec.DeletionPolicy = v1alpha1.DeletionOrphan
	w.Apply(t, w.Secret(), w.Tenant(), p, quick(w, "wave", "Source"))
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	before := w.Sim.Snapshot(false)
	wave := w.Wave(t, "wave")
	w.Sim.ResetJournal()
	remove(t, w, wave)
	w.Until(t, hour, 4*hour, w.Gone("wave", wave))
	if len(w.OwnGroups()) != 1 {
		t.Errorf("the group of an orphaned wave is gone")
	}
	remove(t, w, p)
	w.Until(t, hour, 4*hour, w.Gone(testkit.PolicyName, p))
	after := w.Sim.Snapshot(false)
	if n := w.Sim.Journal().Changes; n != 0 {
		t.Errorf("%d requests changed the tenant although everything is to be left in place", n)
	}
	for i, was := range before.Policies {
		is := after.Policies[i]
		if is.ID != was.ID || len(is.Assignments) != len(was.Assignments) || !strings.Contains(is.Description, "[tidegate ") {
			t.Errorf("%s was left as %+v, was %+v", was.Name, is, was)
		}
	}
}

// TestPromise07_TenantThatIsGone deletes the credential, so that nothing in the tenant can be cleaned up any more.
func TestPromise07_TenantThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 20)), testkit.Options{})
	base(t, w, quick(w, "wave", "Source"))
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	w.Operator.Stop()
	p, ten, wave := policy(t, w), tenant(t, w), w.Wave(t, "wave")
	remove(t, w, &corev1.Secret{ObjectMeta: named(w, testkit.SecretName)}, wave, p, ten)
	w.Run(t)
	w.Settle(t)
	w.Pass(t, step, 2*day)

	if err := w.Get(t.Context(), testkit.PolicyName, p); err != nil {
		t.Fatalf("the policy went although its objects remain: %v", err)
	}
	if err := condition(p.Status.Conditions, v1alpha1.ConditionStalled, "True", v1alpha1.ReasonTenantObjectsRemain); err != nil {
		t.Error(err)
	} else if text := p.Status.Conditions; !strings.Contains(message(text, v1alpha1.ConditionStalled), v1alpha1.AnnotationReleaseFinalizer) {
		t.Errorf("the condition does not name the way out: %s", message(text, v1alpha1.ConditionStalled))
	}
	wave = w.Wave(t, "wave")
	if d := wave.Status.Decision; d.Reason != v1alpha1.ReasonDeleting || !strings.Contains(d.Message, v1alpha1.AnnotationReleaseFinalizer) {
		t.Errorf("the wave says %s: %s; want what it waits for and the way out", d.Reason, d.Message)
	}
	annotate(t, w, wave, v1alpha1.AnnotationReleaseFinalizer, "true")
	annotate(t, w, p, v1alpha1.AnnotationReleaseFinalizer, "true")
	w.Calm(t)
	w.Until(t, hour, 2*hour, all(w.Gone("wave", wave), w.Gone(testkit.PolicyName, p), w.Gone(testkit.TenantName, ten)))
}

// TestPromise07_EverythingAtOnce deletes all objects in one go, in every phase that owns something.
func TestPromise07_EverythingAtOnce(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *testkit.World){
		"Exposing": func(t *testing.T, w *testkit.World) { w.Soon(t, w.InPhase("wave", v1alpha1.PhaseExposing)) },
		"Succeeded": func(t *testing.T, w *testkit.World) {
			reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
		},
		"RollingBack": func(t *testing.T, w *testkit.World) {
			reaches(t, w, "wave", v1alpha1.PhaseBaking)
			annotate(t, w, w.Wave(t, "wave"), v1alpha1.AnnotationRollback, "1")
			w.Promptly(t, w.InPhase("wave", v1alpha1.PhaseRollingBack))
		},
		"Held": func(t *testing.T, w *testkit.World) {
			changed(t, w, func(sc *tenantsim.Scenario) { sc.ZeroReports = true })
			reaches(t, w, "wave", v1alpha1.PhaseHeld)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, calm(of("Source", 20), of("Next", 20)), testkit.Options{})
			wave := quick(w, "wave", "Source")
			wave.Spec.Exposure.BatchSize = 15
			base(t, w, wave, quick(w, "next", "Next", "wave"))
			prepare(t, w)
			p, ten, next := policy(t, w), tenant(t, w), w.Wave(t, "next")
			remove(t, w, ten, p, wave, next, &corev1.Secret{ObjectMeta: named(w, testkit.SecretName)})
			w.Calm(t)
			w.Until(t, hour, 4*hour, all(w.Gone("wave", wave), w.Gone("next", next), w.Gone(testkit.PolicyName, p), w.Gone(testkit.TenantName, ten)))
			if left := w.OwnGroups(); len(left) != 0 {
				t.Errorf("these managed groups were left behind: %+v", left)
			}
			if left := w.OwnPolicies(); len(left) != 0 {
				t.Errorf("these policies were left behind: %+v", left)
			}
		})
	}
}

// TestPromise07_GroupOfAWaveThatNeverGotFar kills the operator after it made the group and before it could say so.
func TestPromise07_GroupOfAWaveThatNeverGotFar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 20)), testkit.Options{NoOperator: true})
	grouped := false
	op := w.RunUntil(t, func(write testkit.Write) bool {
		cut := grouped
		grouped = grouped || !write.Kube && strings.Contains(write.Path, "/groups")
		return cut
	})
	base(t, w, quick(w, "wave", "Source"))
	awaitDeath(t, w, op)
	if n := len(w.OwnGroups()); n != 1 {
		t.Fatalf("%d managed groups exist, want the one whose answer was lost", n)
	}
	wave := w.Wave(t, "wave")
	if wave.Status.Audience != nil {
		t.Fatalf("the status knows the group already: %+v", wave.Status.Audience)
	}
	remove(t, w, wave)
	w.Run(t)
	w.Settle(t)
	w.Until(t, hour, 4*hour, w.Gone("wave", wave))
	if left := w.OwnGroups(); len(left) != 0 {
		t.Errorf("these managed groups were left behind: %+v", left)
	}
}
