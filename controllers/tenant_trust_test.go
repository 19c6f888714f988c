// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// store puts a value into the Secret of the Tenant.
func (l *lab) store(value string) {
	l.t.Helper()
	s := named("credential", &corev1.Secret{})
	l.edit(s, func() { s.Data = map[string][]byte{"secret": []byte(value)} })
}

// TestSecretEndsInALineBreak: the line break that a file ends in is no part of an application secret: it is not sent, the Tenant
// says so, and nothing is written in steady state (P12). Blanks may be meant.
func TestSecretEndsInALineBreak(t *testing.T) {
	for value, reason := range map[string]string{"\n": v1alpha1.ReasonSucceeded, "\r\n": v1alpha1.ReasonSucceeded, "\n\n": v1alpha1.ReasonSucceeded, " \n": v1alpha1.ReasonCredentialRefused} {
		l := newLab(t, calm())
		l.store(l.sim.ClientSecret() + value)
		l.apply(l.newTenant())
		l.rest()
		if got := l.tenant().Status.Reason; got != reason || !strings.Contains(l.message(), `the value under the key "secret" of Secret "credential" ends in a line break, which is left out`) {
			t.Errorf("%q: %s: %s", value, got, l.message())
		}
		before := l.writes
		l.round()
		if l.writes != before {
			t.Errorf("%q: %d writes in steady state", value, l.writes-before)
		}
		l.store("\r\n")
		l.rest()
		if got := l.tenant().Status.Reason; got != v1alpha1.ReasonSecretKeyNotFound {
			t.Errorf("nothing but a line break: %s: %s", got, l.message())
		}
	}
}

// TestSecretIsRenewed: Entra has revoked the secret, and a new one is stored. The Tenant takes it at its next look, says so in one
// write, which wakes its policies and waves once, and the policy goes on.
func TestSecretIsRenewed(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant(), newPolicy())
	l.store("revoked")
	l.rest()
	if got := l.tenant().Status.Reason; got != v1alpha1.ReasonCredentialRefused || len(l.sim.Snapshot(false).Policies) != 0 {
		t.Fatalf("%s: %s", got, l.message())
	}
	l.store(l.sim.ClientSecret())
	versions := map[string]bool{}
	for range 4 {
		if _, err := l.tenants.Reconcile(t.Context(), requestOf("corp")); err != nil {
			t.Fatal(err)
		}
		versions[l.tenant().ResourceVersion] = true
	}
	if got := l.tenant().Status.Reason; got != v1alpha1.ReasonSucceeded || len(versions) != 1 {
		t.Errorf("%s: %s; written %d times", got, l.message(), len(versions))
	}
	l.rest()
	if len(l.sim.Snapshot(false).Policies) == 0 {
		t.Error("the policy does not go on")
	}
}

// TestPromise16_IdentityBesideEndpoint: past the rule of the API, as with an older CRD, the operator refuses by itself to sign in to
// another host with its own identity, in a namespace that may use it and at a host that is listed.
func TestPromise16_IdentityBesideEndpoint(t *testing.T) {
	l := newLab(t, calm())
	l.tenants.Trust.IdentityNamespaces = []string{ns}
	ten := l.newTenant()
	ten.Spec.Auth = v1alpha1.TenantAuth{WorkloadIdentity: &v1alpha1.WorkloadIdentityAuth{ClientID: "app"}}
	l.sim.ResetJournal()
	l.apply(ten)
	l.rest()
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonInvalidEndpoint || !strings.Contains(l.message(), "auth.workloadIdentity signs in to Microsoft only") || l.sim.Journal().Total != 0 {
		t.Errorf("%s: %s, %d requests", s.Reason, l.message(), l.sim.Journal().Total)
	}
}

// TestPromise16_ForeignWordsInStatus: what a host that is not Microsoft's says of a call that it refuses stands in no condition and
// in no event, of no kind.
func TestPromise16_ForeignWordsInStatus(t *testing.T) {
	const canary = "canary-of-an-internal-service"
	for _, route := range []string{"/v1.0/devices", policiesRoute, "/beta/deviceManagement/configurationSettings", "/v1.0/groups", "/v1.0/deviceManagement/reports/exportJobs"} {
		for _, status := range []int{400, 403, 404, 409, 500, 503} {
			l := newLab(t, calm(group("First", 10)))
			body := `{"error":{"code":"` + canary + `","message":"` + canary + `"}}`
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: status, Body: &body, Match: tenantsim.FaultMatch{Route: route}})
			l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
			for range 6 {
				l.round()
			}
			text := strings.Join(l.events, "\n")
			for _, c := range l.tenant().Status.Conditions {
				text += "\n" + c.Message
			}
			for _, c := range l.policy().Status.Conditions {
				text += "\n" + c.Message
			}
			for _, c := range l.wave("a").Status.Conditions {
				text += "\n" + c.Message
			}
			for _, err := range l.errs {
				text += "\n" + err.Error()
			}
			if strings.Contains(text, canary) {
				t.Errorf("%s, %d: %s", route, status, text)
			}
		}
	}
}
