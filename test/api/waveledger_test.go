// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	tidegatev1alpha1 "github.com/tidegate/tidegate/api/v1alpha1"
)

// Accounts, as the API server sees them.
const (
	managerAccount   = "system:serviceaccount:tidegate-system:tidegate-manager"
	garbageCollector = "system:serviceaccount:kube-system:generic-garbage-collector"
	namespaces       = "system:serviceaccount:kube-system:namespace-controller"
)

// as returns a client that acts as a user.
func (c *cluster) as(t *testing.T, user string, groups ...string) client.Client {
	t.Helper()
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	kube, err := client.New(config, client.Options{Scheme: c.client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return kube
}

func waveLedger(namespace, name string, data []byte) *tidegatev1alpha1.WaveLedger {
	return &tidegatev1alpha1.WaveLedger{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{tidegatev1alpha1.LabelWaveUID: "uid"}},
		Spec: tidegatev1alpha1.WaveLedgerSpec{
			Wave: tidegatev1alpha1.LedgerWave{Name: "w", UID: "uid"}, Attempt: 1, Unit: tidegatev1alpha1.UnitDevice, Generation: 1, Chunks: 1, Data: data,
		},
	}
}

// withLedgerAdmission returns the cluster with config/default in force, rights on all WaveLedgers for the given users, and
// a namespace with a ledger that the manager wrote.
func withLedgerAdmission(t *testing.T, users ...string) (*cluster, string) {
	t.Helper()
	c := shared(t)
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "default"))
	ns := c.namespace(t)
	for i, user := range users {
		c.kubectl(t, "create", "clusterrolebinding", fmt.Sprintf("%s-%d", ns, i), "--clusterrole=cluster-admin", "--user="+user)
	}
	manager := c.as(t, managerAccount)
	eventually(t, "write a ledger as the manager", func() error { return manager.Create(t.Context(), waveLedger(ns, "kept", []byte("x"))) })
	eventually(t, "wait for the admission policy to act", func() error {
		if err := c.client.Create(t.Context(), waveLedger(ns, "probe", []byte("x")), client.DryRunAll); !apierrors.IsForbidden(err) {
			return fmt.Errorf("a ledger of the administrator: %w", errors.Join(errors.New("not refused"), err))
		}
		return nil
	})
	return c, ns
}

// TestPromise16_NobodyButTheManagerWritesLedgers tries every verb as people with all rights that RBAC knows, among them
// system:masters, which bypasses RBAC.
func TestPromise16_NobodyButTheManagerWritesLedgers(t *testing.T) {
	const boss, other = "boss", "system:serviceaccount:default:tidegate-manager"
	c, ns := withLedgerAdmission(t, boss, other)
	for name, kube := range map[string]client.Client{
		"cluster-admin": c.as(t, boss), "system:masters": c.client, "an account of the same name elsewhere": c.as(t, other),
	} {
		for verb, do := range map[string]func() error{
			"create": func() error { return kube.Create(t.Context(), waveLedger(ns, "forged", []byte("x"))) },
			"update": func() error {
				l := &tidegatev1alpha1.WaveLedger{}
				if err := kube.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "kept"}, l); err != nil {
					return err
				}
				l.Spec.Data = []byte("y")
				return kube.Update(t.Context(), l)
			},
			"label": func() error {
				return kube.Patch(t.Context(), waveLedger(ns, "kept", nil), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null}}`)))
			},
			"apply": func() error {
				l := waveLedger(ns, "kept", []byte("y"))
				l.SetGroupVersionKind(tidegatev1alpha1.GroupVersion.WithKind("WaveLedger"))
				return kube.Patch(t.Context(), l, client.Apply, client.FieldOwner("me"), client.ForceOwnership) //nolint:staticcheck // typed apply needs generated configurations
			},
			"delete": func() error { return kube.Delete(t.Context(), waveLedger(ns, "kept", nil)) },
			"deletecollection": func() error {
				return kube.DeleteAllOf(t.Context(), &tidegatev1alpha1.WaveLedger{}, client.InNamespace(ns))
			},
		} {
			err := do()
			if !apierrors.IsForbidden(err) {
				t.Errorf("%s may %s: %v", name, verb, err)
				continue
			}
			for _, want := range []string{managerAccount, "delete its PilotWave", tidegatev1alpha1.AnnotationReleaseFinalizer} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: the message lacks %q: %v", name, verb, want, err)
				}
			}
		}
	}
	kept := &tidegatev1alpha1.WaveLedger{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "kept"}, kept); err != nil || string(kept.Spec.Data) != "x" || len(kept.Labels) != 1 {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestManagerWritesLedgers: the manager's account may do what the journal does, with the rights of config/rbac.
func TestManagerWritesLedgers(t *testing.T) {
	c, ns := withLedgerAdmission(t)
	manager := c.as(t, managerAccount)
	l := waveLedger(ns, "large", bytes.Repeat([]byte{7}, 1<<20))
	if err := manager.Create(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	l.Spec.Data[0] = 8
	if err := manager.Update(t.Context(), l); err != nil {
		t.Error(err)
	}
	var list tidegatev1alpha1.WaveLedgerList
	if err := manager.List(t.Context(), &list, client.InNamespace(ns)); err != nil || len(list.Items) != 2 {
		t.Errorf("%d ledgers, %v", len(list.Items), err)
	}
	if err := manager.Delete(t.Context(), l); err != nil {
		t.Error(err)
	}
	l = waveLedger(ns, "too-large", bytes.Repeat([]byte{7}, 1<<20+3))
	if err := manager.Create(t.Context(), l); !apierrors.IsInvalid(err) {
		t.Errorf("more than 1 MiB: %v", err)
	}
}

// TestPromise07_LedgersAreCleanedUp: the cluster removes the ledgers of a wave or namespace that is gone, and orphans
// them where it is told to; it does not write in them.
func TestPromise07_LedgersAreCleanedUp(t *testing.T) {
	const classic = "system:kube-controller-manager"
	c, ns := withLedgerAdmission(t, classic)
	manager := c.as(t, managerAccount)
	for _, user := range []string{garbageCollector, namespaces, classic} {
		kube := c.as(t, user)
		l := waveLedger(ns, "collected", bytes.Repeat([]byte{7}, 1<<20))
		l.OwnerReferences = []metav1.OwnerReference{{APIVersion: "tidegate.dev/v1alpha1", Kind: "PilotWave", Name: "w", UID: "uid"}}
		if err := manager.Create(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if user != namespaces { // it has no right to update
			edited := l.DeepCopy()
			edited.Spec.Data[0] = 8
			if err := kube.Update(t.Context(), edited); !apierrors.IsForbidden(err) {
				t.Errorf("%s writes in a ledger: %v", user, err)
			}
			if err := kube.Patch(t.Context(), l.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"ownerReferences":null}}`))); err != nil {
				t.Errorf("%s orphans a ledger: %v", user, err)
			}
		}
		if err := kube.Delete(t.Context(), l); err != nil {
			t.Errorf("%s deletes a ledger: %v", user, err)
		}
	}
	if err := c.as(t, namespaces).DeleteAllOf(t.Context(), &tidegatev1alpha1.WaveLedger{}, client.InNamespace(ns)); err != nil {
		t.Errorf("the namespace is deleted: %v", err)
	}
}

// TestPromise16_NoRoleForPeopleNamesLedgers, neither by name nor by a wildcard, so that view, edit and admin gain nothing.
func TestPromise16_NoRoleForPeopleNamesLedgers(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(configRoot, "rbac", "user_roles.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roles := 0
	for _, doc := range strings.Split(string(raw), "\n---\n") {
		role := rbacv1.ClusterRole{}
		if err := yaml.UnmarshalStrict([]byte(doc), &role); err != nil {
			t.Fatal(err)
		}
		roles++
		for _, rule := range role.Rules {
			for _, resource := range rule.Resources {
				if strings.HasPrefix(resource, "waveledgers") || strings.Contains(resource, "*") || slices.Contains(rule.APIGroups, "*") {
					t.Errorf("%s gives rights on %s", role.Name, resource)
				}
			}
		}
	}
	if roles < 4 {
		t.Fatalf("found %d roles", roles)
	}
}
