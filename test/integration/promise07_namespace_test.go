// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

// terminate deletes the namespace, as kubectl delete ns does: from then on the API server takes no new objects in it. The
// controller that would empty it does not run here: the test deletes kind by kind in its place.
func terminate(t testing.TB, w *testkit.World) {
	t.Helper()
	remove(t, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.Namespace}})
	probe := &corev1.Secret{ObjectMeta: named(w, "probe")}
	w.Soon(t, func(ctx context.Context) error {
		if err := w.Kube.Create(ctx, probe, client.DryRunAll); !apierrors.IsForbidden(err) {
			return fmt.Errorf("the namespace takes new objects: %w", err)
		}
		return nil
	})
}

// empty says whether nothing is left of the kinds in the namespace and of ours in the tenant.
func empty(w *testkit.World, kinds map[string]client.ObjectList) func(context.Context) error {
	return func(ctx context.Context) error {
		var left []string
		for kind, list := range kinds {
			if err := w.Kube.List(ctx, list, client.InNamespace(w.Namespace)); err != nil {
				return err
			}
			if n := len(namesIn(list)); n > 0 {
				left = append(left, fmt.Sprintf("%s %v", kind, namesIn(list)))
			}
		}
		for _, p := range w.OwnPolicies() {
			left = append(left, "policy "+p.Name)
		}
		for _, g := range w.OwnGroups() {
			left = append(left, "group "+g.DisplayName)
		}
		if len(left) > 0 {
			return fmt.Errorf("left: %s", strings.Join(left, ", "))
		}
		return nil
	}
}

// TestPromise07_NamespaceDeletedWhole deletes a namespace with a rollout in it. Whatever goes first, with an operator that is
// killed half-way, the tenant ends as it was before, and the operator asks for no new object.
func TestPromise07_NamespaceDeletedWhole(t *testing.T) {
	for _, order := range []string{
		"secrets tenants policies waves",
		"secrets policies waves tenants",
		"waves secrets tenants policies",
		"policies tenants secrets waves",
	} {
		t.Run(strings.ReplaceAll(order, " ", ","), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, calm(of("Source", 20), of("Next", 20)), testkit.Options{})
			wave := quick(w, "wave", "Source")
			wave.Spec.Exposure.BatchSize = 15
			base(t, w, wave, quick(w, "next", "Next", "wave"))
			reaches(t, w, "wave", v1alpha1.PhaseBaking)
			w.Settle(t)

			terminate(t, w)
			objects := map[string]client.Object{
				"secrets": &corev1.Secret{}, "tenants": &v1alpha1.Tenant{}, "policies": &v1alpha1.PasskeyPolicy{}, "waves": &v1alpha1.PilotWave{},
			}
			first := w.Operator
			for i, kind := range strings.Fields(order) {
				if err := w.Kube.DeleteAllOf(t.Context(), objects[kind], client.InNamespace(w.Namespace)); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					w.Settle(t) // it acts on what it sees before the next kind goes
				}
				if i == 1 {
					first.Kill()
				}
			}
			w.Run(t)
			w.Until(t, hour, 12*hour, empty(w, map[string]client.ObjectList{
				"secrets": &corev1.SecretList{}, "tenants": &v1alpha1.TenantList{}, "policies": &v1alpha1.PasskeyPolicyList{}, "waves": &v1alpha1.PilotWaveList{},
			}))
			for _, op := range w.Operators() {
				for _, write := range op.Writes() {
					if op != first && write.Kube && write.Method == "POST" && !strings.Contains(write.Path, "/events") {
						t.Errorf("a new object in a namespace that is being deleted: %s", write)
					}
				}
			}
		})
	}
}

// namesIn lists the names of objects in a list.
func namesIn(list client.ObjectList) []string {
	var out []string
	switch l := list.(type) {
	case *corev1.SecretList:
		for i := range l.Items {
			out = append(out, l.Items[i].Name)
		}
	case *v1alpha1.TenantList:
		for i := range l.Items {
			out = append(out, l.Items[i].Name+": "+message(l.Items[i].Status.Conditions, v1alpha1.ConditionReady))
		}
	case *v1alpha1.PasskeyPolicyList:
		for i := range l.Items {
			out = append(out, l.Items[i].Name+": "+message(l.Items[i].Status.Conditions, v1alpha1.ConditionReady))
		}
	case *v1alpha1.PilotWaveList:
		for i := range l.Items {
			out = append(out, l.Items[i].Name+": "+l.Items[i].Status.Decision.Message)
		}
	}
	return out
}
