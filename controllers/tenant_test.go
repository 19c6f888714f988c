// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/credential"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/status"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestTenantReady: a tenant that works shows its devices and the token's end, reads them again when that is due, and not
// before (P12).
func TestTenantReady(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.rest()
	s := l.tenant().Status
	if s.Reason != v1alpha1.ReasonSucceeded || s.Inventory == nil || s.Inventory.Devices != 80 || s.TokenExpiresAt == nil || len(s.MissingPermissions) > 0 {
		t.Fatalf("%+v", s)
	}
	if got := fmt.Sprint(len(s.Conditions)); got != "4" || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionInventoryFresh) || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionPermissionsGranted) {
		t.Errorf("%+v", s.Conditions)
	}
	l.sim.ResetJournal()
	l.clock.Advance(29 * time.Minute)
	res, err := l.tenants.Reconcile(t.Context(), requestOf("corp"))
	if err != nil || res.RequeueAfter != time.Minute || l.sim.Journal().Total != 0 {
		t.Errorf("%v, %v, %d requests", res, err, l.sim.Journal().Total)
	}
	l.clock.Advance(time.Minute)
	l.rest()
	if got := l.tenant().Status.Inventory.AsOf; !got.After(s.Inventory.AsOf.Time) {
		t.Errorf("not read again: %s", got)
	}
	if n, err := testutil.GatherAndCount(l.registry, "tidegate_tenant_devices", "tidegate_tenant_inventory_timestamp_seconds", "tidegate_tenant_inventory_part_timestamp_seconds"); n != 5 || err != nil {
		t.Errorf("%d samples, %v", n, err)
	}
}

// TestTenantMistakes: each mistake in spec or Secret is Stalled with the thing and the remedy, and mending it is enough.
func TestTenantMistakes(t *testing.T) {
	secret := func(l *lab, data map[string][]byte) {
		s := named("credential", &corev1.Secret{})
		l.edit(s, func() { s.Data = data })
	}
	for name, tt := range map[string]struct {
		change func(l *lab, ten *v1alpha1.Tenant)
		reason string
		parts  []string
		mend   func(l *lab)
	}{
		"no secret": {func(_ *lab, ten *v1alpha1.Tenant) { ten.Spec.Auth.ClientSecret.SecretRef.Name = "later" }, v1alpha1.ReasonSecretNotFound,
			[]string{`Secret "later"`, `namespace "ns"`, `key "secret"`}, func(l *lab) {
				l.apply(l.anotherSecret("later"))
			}},
		"no key": {func(l *lab, _ *v1alpha1.Tenant) { secret(l, map[string][]byte{"other": {1}}) }, v1alpha1.ReasonSecretKeyNotFound,
			[]string{`under the key "secret"`, "secretRef.key"}, func(l *lab) { secret(l, map[string][]byte{"secret": []byte(l.sim.ClientSecret())}) }},
		"wrong secret": {func(l *lab, _ *v1alpha1.Tenant) { secret(l, map[string][]byte{"secret": []byte("guess")}) }, v1alpha1.ReasonCredentialRefused,
			[]string{"spec.auth signs in as application"}, func(l *lab) { secret(l, map[string][]byte{"secret": []byte(l.sim.ClientSecret())}) }},
		"wrong tenant": {func(_ *lab, ten *v1alpha1.Tenant) { ten.Spec.TenantID = "00000000-0000-4000-8000-000000000009" }, v1alpha1.ReasonTenantNotFound,
			[]string{"00000000-0000-4000-8000-000000000009"}, func(l *lab) { ten := l.tenant(); l.edit(ten, func() { ten.Spec.TenantID = l.sim.TenantID() }) }},
		"bad certificate": {func(_ *lab, ten *v1alpha1.Tenant) {
			ten.Spec.Auth = v1alpha1.TenantAuth{ClientCertificate: &v1alpha1.ClientCertificateAuth{ClientID: "app", SecretRef: v1alpha1.SecretKeyRef{Name: "credential", Key: "secret"}}}
		}, v1alpha1.ReasonInvalidCredential, []string{"auth.clientCertificate", "store PEM with both, or PFX"}, func(l *lab) {
			ten, auth := l.tenant(), l.newTenant().Spec.Auth
			l.edit(ten, func() { ten.Spec.Auth = auth })
		}},
		"bad CA": {func(_ *lab, ten *v1alpha1.Tenant) { ten.Spec.Endpoint.CABundle = "no certificate" }, v1alpha1.ReasonInvalidEndpoint,
			nil, func(l *lab) { ten := l.tenant(); l.edit(ten, func() { ten.Spec.Endpoint.CABundle = string(l.ca) }) }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, calm())
			ten := l.newTenant()
			tt.change(l, ten)
			l.apply(ten)
			l.rest()
			s := l.tenant().Status
			c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionStalled)
			if c == nil || c.Reason != tt.reason || s.Reason != tt.reason || s.Inventory != nil {
				t.Fatalf("%+v", s)
			}
			for _, part := range tt.parts {
				if !strings.Contains(c.Message, part) {
					t.Errorf("want %q in %q", part, c.Message)
				}
			}
			if strings.Contains(c.Message, "guess") {
				t.Errorf("P8: the secret is in %q", c.Message)
			}
			tt.mend(l)
			l.rest()
			if got := l.tenant().Status.Reason; got != v1alpha1.ReasonSucceeded {
				t.Errorf("mended: %s", got)
			}
		})
	}
}

// TestMissingPermission names what to grant and for what, and goes on after consent.
func TestMissingPermission(t *testing.T) {
	l := newLab(t, calm())
	l.setScenario(func(sc *tenantsim.Scenario) { sc.MissingRoles = []string{"Group.ReadWrite.All"} })
	l.apply(l.newTenant(), newPolicy())
	l.rest()
	s := l.tenant().Status
	c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionPermissionsGranted)
	if c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonPermissionMissing || !strings.Contains(c.Message, "Group.ReadWrite.All (for creating one group") || len(s.MissingPermissions) == 0 {
		t.Fatalf("%+v", s)
	}
	if len(l.changed()) > 0 {
		t.Errorf("something was written: %v", l.changed())
	}
	l.setScenario(func(sc *tenantsim.Scenario) { sc.MissingRoles = nil })
	l.rest()
	if s := l.tenant().Status; len(s.MissingPermissions) > 0 || s.Reason != v1alpha1.ReasonSucceeded {
		t.Errorf("%+v", s)
	}
}

// TestTenantOutage: an outage is in progress, not stuck; a throttled tenant says so; the inventory that was read stays.
func TestTenantOutage(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Route: "/v1.0/devices"}})
	l.rest()
	fresh := meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionInventoryFresh)
	if fresh == nil || fresh.Status != metav1.ConditionUnknown || fresh.Reason != v1alpha1.ReasonInventoryPending || !strings.Contains(fresh.Message, "read the inventory") {
		t.Errorf("never read: %+v", fresh)
	}
	l.faults()
	l.rest()
	l.clock.Advance(time.Hour)
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 429, RetryAfter: 120, Match: tenantsim.FaultMatch{Route: "/v1.0/devices"}})
	l.rest()
	s := l.tenant().Status
	fresh = meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionInventoryFresh)
	if fresh.Status != metav1.ConditionFalse || fresh.Reason != v1alpha1.ReasonInventoryFailed || s.Inventory == nil ||
		!meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionThrottled) || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReconciling) {
		t.Errorf("throttled: %+v", s)
	}
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionThrottled); c == nil || !strings.Contains(c.Message, "come back at 20") {
		t.Errorf("does not say until when: %+v", c)
	}
	l.faults()
	l.start(t) // a new client has no memory of Retry-After, which is in real time
	l.rest()
	if s := l.tenant().Status; meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionThrottled) != nil || s.Reason != v1alpha1.ReasonSucceeded {
		t.Errorf("over: %+v", s)
	}
}

// TestTenantWithoutEncryptionReport: the report is beta; without it the inventory is fresh, and says what it lacks.
func TestTenantWithoutEncryptionReport(t *testing.T) {
	l := newLab(t, calm())
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Route: "/beta/deviceManagement/managedDeviceEncryptionStates"}})
	l.apply(l.newTenant())
	l.rest()
	c := meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionInventoryFresh)
	if c == nil || c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, "without the encryption report") || l.tenant().Status.Reason != v1alpha1.ReasonSucceeded {
		t.Errorf("%+v", l.tenant().Status)
	}
}

// TestTenantThrottledElsewhere: what a policy was told about throttling shows on the Tenant, which itself was spared, until
// it is over.
func TestTenantThrottledElsewhere(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.rest()
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 429, RetryAfter: 90, Match: tenantsim.FaultMatch{Route: policiesRoute}})
	if _, err := l.admin().ConfigurationPolicies(t.Context(), ""); graph.KindOf(err) != graph.KindThrottled {
		t.Fatal(err)
	}
	res, err := l.tenants.Reconcile(t.Context(), requestOf("corp"))
	c := meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionThrottled)
	if err != nil || c == nil || c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, "held back until 2026-06-01T06:01:") || res.RequeueAfter > 90*time.Second {
		t.Errorf("%+v, again in %s, %v", c, res.RequeueAfter, err)
	}
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonSucceeded {
		t.Errorf("slow is not broken: %+v", s)
	}
	l.faults()
	l.start(t)
	l.rest()
	if c := meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionThrottled); c != nil {
		t.Errorf("over: %+v", c)
	}
}

// TestTenantSuspendAndDelete: suspended means not one call; a deleted Tenant stays for its policies' sake.
func TestTenantSuspendAndDelete(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant(), newPolicy())
	l.rest()
	ten := l.tenant()
	l.edit(ten, func() { ten.Spec.Suspend = true })
	l.sim.ResetJournal()
	l.rest()
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonSuspended || l.sim.Journal().Total != 0 {
		t.Errorf("%+v, %d requests", s, l.sim.Journal().Total)
	}
	ten = l.tenant()
	l.edit(ten, func() { ten.Spec.Suspend = false })
	l.rest()
	if err := l.kube.Delete(t.Context(), l.tenant()); err != nil {
		t.Fatal(err)
	}
	l.rest()
	if err := l.kube.Get(t.Context(), keyOf("corp"), &v1alpha1.Tenant{}); err != nil {
		t.Fatalf("gone before its policy: %v", err)
	}
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonDeleting || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReconciling) ||
		!strings.Contains(meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady).Message, "clean up in the tenant: pkp.") {
		t.Errorf("does not say what it waits for: %+v", s)
	}
	if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		l.round()
	}
	if n := len(l.sim.Snapshot(false).Policies); n != 0 {
		t.Errorf("%d policies are left in the tenant", n)
	}
	if err := l.kube.Get(t.Context(), keyOf("corp"), &v1alpha1.Tenant{}); err == nil || l.tenants.Store.Client(keyOf("corp")) != nil {
		t.Errorf("still there: %v", err)
	}
}

// TestCredentials: which credential each kind of auth takes.
func TestCredentials(t *testing.T) {
	l := newLab(t, calm())
	l.tenants.Trust.IdentityNamespaces = []string{ns}
	ref := v1alpha1.SecretKeyRef{Name: "credential", Key: "secret"}
	for name, tt := range map[string]struct {
		auth v1alpha1.TenantAuth
		who  string
	}{
		"secret":             {v1alpha1.TenantAuth{ClientSecret: &v1alpha1.ClientSecretAuth{ClientID: "app", SecretRef: ref}}, "application app"},
		"certificate":        {v1alpha1.TenantAuth{ClientCertificate: &v1alpha1.ClientCertificateAuth{ClientID: "app", SecretRef: ref}}, "application app"},
		"identity":           {v1alpha1.TenantAuth{WorkloadIdentity: &v1alpha1.WorkloadIdentityAuth{ClientID: "app"}}, "application app"},
		"webhook's identity": {v1alpha1.TenantAuth{WorkloadIdentity: &v1alpha1.WorkloadIdentityAuth{}}, "the application of AZURE_CLIENT_ID"},
	} {
		ten := named("corp", &v1alpha1.Tenant{Spec: v1alpha1.TenantSpec{Auth: tt.auth}})
		got := l.tenants.credentials().Read(t.Context(), ten)
		set := []bool{got.Auth.ClientSecret != nil && got.Auth.ClientSecret.Secret == l.sim.ClientSecret(),
			got.Auth.Certificate != nil && string(got.Auth.Certificate.Data) == l.sim.ClientSecret(), got.Auth.WorkloadIdentity != nil}
		want := []bool{tt.auth.ClientSecret != nil, tt.auth.ClientCertificate != nil, tt.auth.WorkloadIdentity != nil}
		if got.Mistake != nil || !slices.Equal(set, want) || credential.Application(ten) != tt.who {
			t.Errorf("%s: %v, %v, %s", name, set, got.Mistake, credential.Application(ten))
		}
	}
}

// TestKit: waiting on a clock that runs at another pace, and metrics that are not wanted.
func TestKit(t *testing.T) {
	k := &Kit{}
	if got := k.after(time.Hour).RequeueAfter; got != time.Hour {
		t.Errorf("%s", got)
	}
	k.Pace = func(d time.Duration) time.Duration { return d / 3600 }
	if got := k.after(time.Hour).RequeueAfter; got != time.Second {
		t.Errorf("%s", got)
	}
	if got := k.after(time.Second).RequeueAfter; got != minRequeue {
		t.Errorf("a busy loop: %s", got)
	}
	var none *Metrics
	none.Set("wave", keyOf("a"), []status.Sample{{Name: status.MetricWavePhase}})
	none.Decided("Baking", "R")
}

// TestMetrics: a set replaces what the object had, and nothing of another object or kind.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	twin, err := NewMetrics(registry) // a second operator of the same process
	if err != nil || twin.decisions != m.decisions {
		t.Fatalf("%v", err)
	}
	wave := status.WaveSamples(&v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseBaking})
	m.Set("wave", keyOf("a"), wave)
	m.Set("wave", keyOf("b"), wave)
	m.Set("tenant", keyOf("a"), []status.Sample{{Name: status.MetricTenantDevices, Value: 3}})
	count := func() int {
		n, err := testutil.GatherAndCount(registry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	full := count()
	if want := 2*len(wave) + 1; full != want {
		t.Errorf("%d samples, want %d", full, want)
	}
	m.Set("wave", keyOf("a"), nil)
	if got := count(); got != full-len(wave) {
		t.Errorf("%d samples after one wave is gone, want %d", got, full-len(wave))
	}
	m.Decided("Halted", "GateHalted")
	m.Decided("Halted", "GateHalted")
	if got := testutil.ToFloat64(m.decisions.WithLabelValues("Halted", "GateHalted")); got != 2 {
		t.Errorf("%v", got)
	}
	clash := prometheus.NewRegistry()
	clash.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "tidegate_wave_phase"}))
	if _, err := NewMetrics(clash); err == nil {
		t.Error("another family of the same name is taken for ours")
	}
}

// TestAPIServerAway: what the API server refuses ends the reconcile with an error that says what was tried.
func TestAPIServerAway(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.failAt = l.writes + 1
	if _, err := l.tenants.Reconcile(t.Context(), requestOf("corp")); err == nil || !strings.Contains(err.Error(), "set finalizer") {
		t.Errorf("%v", err)
	}
	l.failAt = l.writes + 2
	if _, err := l.tenants.Reconcile(t.Context(), requestOf("corp")); err == nil || !strings.Contains(err.Error(), "write status") {
		t.Errorf("%v", err)
	}
}
