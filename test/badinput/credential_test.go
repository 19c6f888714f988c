// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/guard"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// blocked wants the policy to point at its Tenant, and nothing in the tenant.
func (w *world) blocked(t *testing.T) {
	t.Helper()
	w.says(t, policy(), v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonTenantFailed, testkit.TenantName, "its own conditions say why")
	w.untouched(t)
}

func TestMissingSecret(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	w.Apply(t, w.Tenant(), w.Policy())
	w.stuck(t, tenant(), v1alpha1.ReasonSecretNotFound, `"`+testkit.SecretName+`"`, w.Namespace, "create it", `"clientSecret"`)
	w.blocked(t)
	if n := w.Sim.Journal().Total; n != 0 {
		t.Errorf("%d requests were sent without a credential", n)
	}
	w.Apply(t, w.Secret()) // nothing else: the Tenant finds it by itself
	w.goesOn(t)
}

func TestMissingSecretKey(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	s := w.Secret()
	s.StringData = map[string]string{"client-secret": w.Sim.ClientSecret()}
	w.Apply(t, s, w.Tenant(), w.Policy())
	w.stuck(t, tenant(), v1alpha1.ReasonSecretKeyNotFound, `"`+testkit.SecretName+`"`, `"clientSecret"`, "add it", "secretRef.key")
	w.blocked(t)

	o := tenant()
	o.Namespace = w.Namespace
	w.Edit(t, o, func() { o.Spec.Auth.ClientSecret.SecretRef.Key = "client-secret" })
	w.goesOn(t)
}

func TestWrongTenantID(t *testing.T) {
	t.Parallel()
	const wrong = "00000000-1111-2222-3333-444444444444"
	w := start(t, testkit.Options{})
	o := w.Tenant()
	o.Spec.TenantID = wrong
	w.Apply(t, w.Secret(), o, w.Policy())
	w.stuck(t, tenant(), v1alpha1.ReasonTenantNotFound, wrong, "check spec.tenantID and spec.cloud")
	w.blocked(t)

	// The id is immutable: the Tenant is replaced. The policy still refers to it, which needs the release.
	w.Edit(t, o, func() { o.Annotations = map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"} })
	if err := w.Kube.Delete(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, patience, func(ctx context.Context) error {
		right := w.Tenant()
		right.Namespace = w.Namespace
		return w.Kube.Create(ctx, right)
	})
	w.goesOn(t)
}

func TestWrongClientSecret(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	s := w.Secret()
	s.StringData["clientSecret"] = "not-the-secret-of-this-app"
	w.Apply(t, s, w.Tenant(), w.Policy())
	w.stuck(t, tenant(), v1alpha1.ReasonCredentialRefused, w.Sim.ClientID(), "check the client secret in the Secret", "its value, not its id")
	w.blocked(t)

	o := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: testkit.SecretName}}
	w.Edit(t, o, func() { o.StringData = w.Secret().StringData })
	w.goesOn(t)
}

func TestWrongClientID(t *testing.T) {
	t.Parallel()
	const wrong = "00000000-1111-2222-3333-444444444444"
	w := start(t, testkit.Options{})
	o := w.Tenant()
	o.Spec.Auth.ClientSecret.ClientID = wrong
	w.Apply(t, w.Secret(), o, w.Policy())
	w.stuck(t, tenant(), v1alpha1.ReasonCredentialRefused, wrong, "check the client id")
	w.blocked(t)
	w.Edit(t, o, func() { o.Spec.Auth.ClientSecret.ClientID = w.Sim.ClientID() })
	w.goesOn(t)
}

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	w.change(t, func(sc *tenantsim.Scenario) { sc.TokenRefused = true })
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	// The directory only says that the application is disabled, which is not shown of a host that is not Microsoft's; where to look is.
	w.stuck(t, tenant(), v1alpha1.ReasonCredentialRefused, "HTTP 401", w.Sim.ClientID(), w.Sim.TenantID(), "spec.auth", "see its app registration")
	w.blocked(t)
	w.change(t, func(sc *tenantsim.Scenario) { sc.TokenRefused = false })
	w.goesOn(t)
}

// change changes the scenario of the tenant.
func (w *world) change(t *testing.T, how func(*tenantsim.Scenario)) {
	t.Helper()
	sc := w.Sim.Scenario()
	how(&sc)
	if err := w.Sim.SetScenario(sc); err != nil {
		t.Fatal(err)
	}
}

// TestMissingPermissions takes all permissions away and grants them one by one.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{Roles: []string{"User.Read.All"}})
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	words := []string{"admin consent"}
	for _, n := range guard.Needs {
		words = append(words, n.AnyOf[0]+" (for "+n.For+")")
	}
	o := tenant()
	w.stuck(t, o, v1alpha1.ReasonPermissionMissing, words...)
	w.says(t, o, v1alpha1.ConditionPermissionsGranted, metav1.ConditionFalse, v1alpha1.ReasonPermissionMissing, words...)
	if len(o.Status.MissingPermissions) != len(guard.Needs) {
		t.Errorf("status.missingPermissions is %v, want one entry for each of the %d needs", o.Status.MissingPermissions, len(guard.Needs))
	}
	w.blocked(t)
}

// TestConsentIsSeen withholds each permission in turn and then grants it: the next token shows it.
func TestConsentIsSeen(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	only := func(missing ...string) { w.change(t, func(sc *tenantsim.Scenario) { sc.MissingRoles = missing }) }
	only("DeviceManagementManagedDevices.Read.All")
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	for _, missing := range []string{"DeviceManagementManagedDevices.Read.All", "DeviceManagementConfiguration.ReadWrite.All", "Group.ReadWrite.All", "Device.ReadWrite.All"} {
		only(missing)
		o := tenant()
		testkit.Eventually(t, patience, func(ctx context.Context) error {
			return w.wantMissing(ctx, o, missing)
		})
		w.stuck(t, o, v1alpha1.ReasonPermissionMissing, missing+" (for ")
	}
	w.untouched(t)
	only()
	w.goesOn(t)
	w.says(t, tenant(), v1alpha1.ConditionPermissionsGranted, metav1.ConditionTrue, v1alpha1.ReasonPermissionsGranted)
}

func (w *world) wantMissing(ctx context.Context, o *v1alpha1.Tenant, permission string) error {
	if err := w.Get(ctx, testkit.TenantName, o); err != nil {
		return err
	}
	if m := o.Status.MissingPermissions; len(m) != 1 || m[0].Permission != permission || m[0].NeededFor == "" {
		return apierrors.NewBadRequest(conditions(o))
	}
	return nil
}
