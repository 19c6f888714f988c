// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// namespaceKinds are the kinds that a namespace of ours holds. Its controller deletes all objects of one kind after the other,
// in an order that nobody promises.
var namespaceKinds = map[string]client.Object{
	"secrets":  &corev1.Secret{},
	"tenants":  &v1alpha1.Tenant{},
	"policies": &v1alpha1.PasskeyPolicy{},
	"waves":    &v1alpha1.PilotWave{},
	"ledgers":  &v1alpha1.WaveLedger{},
}

// orders are all orders of some names.
func orders(names []string) [][]string {
	if len(names) < 2 {
		return [][]string{slices.Clone(names)}
	}
	var out [][]string
	for i := range names {
		rest := slices.Delete(slices.Clone(names), i, i+1)
		for _, o := range orders(rest) {
			out = append(out, append([]string{names[i]}, o...))
		}
	}
	return out
}

// terminate makes the namespace refuse new objects, as the API server does for one that is being deleted. The operator must
// need none.
func (l *lab) terminate(dieAt int) (died func() bool) {
	writes := 0
	l.refuse = func(o client.Object) error {
		if o.GetResourceVersion() == "" {
			l.t.Errorf("a new %T %s in a namespace that is being deleted", o, o.GetName())
			return apierrors.NewForbidden(schema.GroupResource{}, o.GetName(), fmt.Errorf("namespace %s is being terminated", ns))
		}
		if writes++; writes == dieAt {
			return errWrite
		}
		return nil
	}
	return func() bool { return dieAt > 0 && writes >= dieAt }
}

// remainders lists what is left in the namespace and in the tenant.
func (l *lab) remainders() []string {
	l.t.Helper()
	var out []string
	for kind, list := range map[string]client.ObjectList{
		"secrets": &corev1.SecretList{}, "tenants": &v1alpha1.TenantList{}, "policies": &v1alpha1.PasskeyPolicyList{}, "waves": &v1alpha1.PilotWaveList{},
	} {
		if err := l.kube.List(l.t.Context(), list, client.InNamespace(ns)); err != nil {
			l.t.Fatal(err)
		}
		switch items := list.(type) {
		case *corev1.SecretList:
			for i := range items.Items {
				out = append(out, kind+" "+items.Items[i].Name)
			}
		case *v1alpha1.TenantList:
			for i := range items.Items {
				out = append(out, fmt.Sprintf("%s %s %+v", kind, items.Items[i].Name, items.Items[i].Status.Conditions))
			}
		case *v1alpha1.PasskeyPolicyList:
			for i := range items.Items {
				out = append(out, fmt.Sprintf("%s %s %+v", kind, items.Items[i].Name, items.Items[i].Status.Conditions))
			}
		case *v1alpha1.PilotWaveList:
			for i := range items.Items {
				out = append(out, fmt.Sprintf("%s %s %+v", kind, items.Items[i].Name, items.Items[i].Status.Decision))
			}
		}
	}
	snap := l.sim.Snapshot(false)
	for i := range snap.Policies {
		out = append(out, "in the tenant: policy "+snap.Policies[i].Name)
	}
	for _, g := range snap.Groups {
		if strings.HasPrefix(g.DisplayName, "Tidegate") && !g.Deleted {
			out = append(out, "in the tenant: group "+g.DisplayName)
		}
	}
	return out
}

// rolledOut is a world with a wave that is done and one that has a part of its devices.
func rolledOut(t *testing.T) *lab {
	l := newLab(t, calm(group("First", 20), group("Second", 20)))
	second := newWave("b", "Second")
	second.Spec.Exposure.BatchSize = 10
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"), second)
	l.until("both have devices", 40, func() bool {
		return l.wave("a").Status.Devices.Exposed > 0 && l.wave("b").Status.Devices.Exposed > 0
	})
	return l
}

// TestPromise07_NamespaceInAnyOrder deletes a namespace with all that is in it, kind by kind in every order, while the operator
// runs, starts again between two kinds, is away until all are deleted, or dies in a write: nothing is left, here or there.
func TestPromise07_NamespaceInAnyOrder(t *testing.T) {
	for i, order := range orders([]string{"policies", "secrets", "tenants", "waves"}) {
		if testing.Short() && i%4 != 0 {
			continue
		}
		// Ledgers hold nothing back; a wave may lose its own before or after all else.
		for at, order := range map[int][]string{i % 9: slices.Insert(slices.Clone(order), i%5, "ledgers"), 9 + i%9: slices.Insert(slices.Clone(order), 0, "ledgers")} {
			t.Run(fmt.Sprintf("%s/%d", strings.Join(order, ","), at), func(t *testing.T) {
				t.Parallel()
				deleteNamespace(t, order, at)
			})
		}
	}
}

// deleteNamespace deletes a namespace in an order of its kinds. Each variant restarts the operator elsewhere.
func deleteNamespace(t *testing.T, order []string, variant int) {
	l := rolledOut(t)
	died := l.terminate(variant)
	away, restart := variant%3 == 0, variant%len(order)
	step := func() {
		was := died()
		l.round()
		if died() && !was {
			l.start(t)
		}
	}
	for at, kind := range order {
		if err := l.kube.DeleteAllOf(t.Context(), namespaceKinds[kind], client.InNamespace(ns)); err != nil {
			t.Fatal(err)
		}
		if at == restart {
			l.start(t)
		}
		if !away {
			step()
		}
	}
	if away {
		l.start(t)
	}
	for range 24 {
		for range 8 {
			step()
		}
		if len(l.remainders()) == 0 {
			return
		}
		if err := l.sim.Advance(30 * time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("left: %s", strings.Join(l.remainders(), "\n"))
}
