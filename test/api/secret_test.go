// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	tidegatev1alpha1 "github.com/tidegate/tidegate/api/v1alpha1"
)

const (
	secretFinalizerOnly = "../../config/admission/secret-finalizer-only.yaml"
	secretManager       = "system:serviceaccount:tidegate-system:tidegate-manager"
)

// actingAs returns a client that acts as a user.
func (c *cluster) actingAs(t *testing.T, user string) client.Client {
	t.Helper()
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	kube, err := client.New(config, client.Options{Scheme: c.client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return kube
}

// withSecret returns the cluster with config/default in force, and a namespace with a Secret.
func withSecret(t *testing.T) (*cluster, *corev1.Secret) {
	t.Helper()
	c := shared(t)
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "default"))
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: c.namespace(t), Name: "credential", Labels: map[string]string{"a": "b"}, Finalizers: []string{"example.com/other"},
	}, Data: map[string][]byte{"clientSecret": []byte("x")}}
	if err := c.client.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	manager := c.actingAs(t, secretManager)
	eventually(t, "wait for the admission policy to act", func() error {
		err := manager.Patch(t.Context(), s.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"probe":"x"}}}`)), client.DryRunAll)
		if !apierrors.IsForbidden(err) || !strings.Contains(fmt.Sprint(err), "may change nothing of a Secret") {
			return errors.Join(errors.New("not refused by the policy"), err)
		}
		return nil
	})
	return c, s
}

// TestPromise16_ManagerChangesOnlyItsFinalizerOfSecrets tries every other field, with the rights of config/rbac and with all
// rights that RBAC knows; others may do as before.
func TestPromise16_ManagerChangesOnlyItsFinalizerOfSecrets(t *testing.T) {
	c, s := withSecret(t)
	manager := c.actingAs(t, secretManager)
	try := func(kube client.Client, kind types.PatchType, body string, opts ...client.PatchOption) error {
		return kube.Patch(t.Context(), s.DeepCopy(), client.RawPatch(kind, []byte(body)), opts...)
	}
	ours := tidegatev1alpha1.FinalizerCredential
	for _, finalizers := range []string{`["example.com/other",%q]`, `["example.com/other"]`, `[%q,"example.com/other"]`, `["example.com/other"]`} {
		if strings.Contains(finalizers, "%q") {
			finalizers = fmt.Sprintf(finalizers, ours)
		}
		if err := try(manager, types.MergePatchType, `{"metadata":{"finalizers":`+finalizers+`}}`); err != nil {
			t.Errorf("finalizers %s: %v", finalizers, err)
		}
	}
	c.kubectl(t, "create", "clusterrolebinding", s.Namespace, "--clusterrole=cluster-admin", "--user="+secretManager)
	defer c.kubectl(t, "delete", "clusterrolebinding", s.Namespace)
	eventually(t, "give the manager all rights", func() error { return manager.List(t.Context(), &corev1.SecretList{}) })
	for name, body := range map[string]string{
		"data":              `{"data":{"clientSecret":"eQ=="}}`,
		"data added":        `{"stringData":{"more":"y"}}`,
		"data removed":      `{"data":null}`,
		"immutable":         `{"immutable":true}`,
		"labels":            `{"metadata":{"labels":{"a":"c"}}}`,
		"labels removed":    `{"metadata":{"labels":null}}`,
		"annotations":       `{"metadata":{"annotations":{"a":"c"}}}`,
		"owners":            `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"u"}]}}`,
		"another finalizer": `{"metadata":{"finalizers":["example.com/other","example.com/more"]}}`,
		"others' finalizer": `{"metadata":{"finalizers":null}}`,
		"data with ours":    fmt.Sprintf(`{"metadata":{"finalizers":["example.com/other",%q]},"data":{"clientSecret":"eQ=="}}`, ours),
	} {
		if err := try(manager, types.MergePatchType, body); !apierrors.IsForbidden(err) || !strings.Contains(fmt.Sprint(err), ours) {
			t.Errorf("%s: %v", name, err)
		}
		if err := try(c.client, types.MergePatchType, body, client.DryRunAll); err != nil && !apierrors.IsForbidden(err) {
			t.Errorf("%s by an administrator: %v", name, err)
		} else if err != nil {
			t.Errorf("%s: an administrator is refused: %v", name, err)
		}
	}
	if err := manager.Delete(t.Context(), s.DeepCopy()); !apierrors.IsForbidden(err) {
		t.Errorf("delete: %v", err)
	}
	if err := manager.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "new"}}); !apierrors.IsForbidden(err) {
		t.Errorf("create: %v", err)
	}
}

// TestSecretThatIsGoing: the finalizer may be taken off a Secret that is being deleted, which ends its deletion.
func TestSecretThatIsGoing(t *testing.T) {
	c, s := withSecret(t)
	manager := c.actingAs(t, secretManager)
	set := func(kube client.Client, body string) {
		t.Helper()
		if err := kube.Patch(t.Context(), s.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(body))); err != nil {
			t.Fatal(err)
		}
	}
	set(c.client, fmt.Sprintf(`{"metadata":{"finalizers":[%q]}}`, tidegatev1alpha1.FinalizerCredential))
	if err := c.client.Delete(t.Context(), s.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	set(manager, `{"metadata":{"finalizers":null}}`)
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(s), &corev1.Secret{}); !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestSecretPolicyTypeChecks as TestAdmissionPoliciesTypeCheck does.
func TestSecretPolicyTypeChecks(t *testing.T) {
	checker := typeChecker(t, shared(t))
	raw, err := os.ReadFile(secretFinalizerOnly)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n---\n")
	policy := &admissionv1.ValidatingAdmissionPolicy{}
	if err := yaml.UnmarshalStrict([]byte(first), policy); err != nil {
		t.Fatal(err)
	}
	for _, warning := range checker.Check(policy) {
		t.Errorf("%s: %s", warning.FieldRef, warning.Warning)
	}
	policy.Spec.Validations[0].Expression = "object.values == null"
	if len(checker.Check(policy)) != 1 {
		t.Error("the type checker accepts a field that does not exist")
	}
}
