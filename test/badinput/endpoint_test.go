// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// closed is where nothing listens.
const closed = "https://127.0.0.1:1"

// TestWrongEndpoint points a Tenant at hosts that do not work. A host that cannot be reached may be down for a while, so
// the Tenant keeps trying; what can never work is stalled.
func TestWrongEndpoint(t *testing.T) {
	t.Parallel()
	other := newFront(t, nil)
	for _, test := range []struct {
		name   string
		change func(*v1alpha1.TenantEndpoint)
		kind   string
		reason string
		words  []string
	}{
		{"CA is not a certificate", func(e *v1alpha1.TenantEndpoint) { e.CABundle = "no certificate" },
			v1alpha1.ConditionStalled, v1alpha1.ReasonInvalidEndpoint, []string{"endpoint.caBundle", "write one or more PEM blocks"}},
		{"authority unreachable", func(e *v1alpha1.TenantEndpoint) { e.AuthorityURL = closed },
			v1alpha1.ConditionReconciling, v1alpha1.ReasonTransient, []string{"127.0.0.1:1", "refused", "spec.endpoint.authorityURL", "check"}},
		{"graph unknown to the authority", func(e *v1alpha1.TenantEndpoint) { e.GraphURL = closed },
			v1alpha1.ConditionStalled, v1alpha1.ReasonCredentialRefused, []string{"HTTP 400", "check spec.endpoint.graphURL"}},
		{"host not allowed", func(e *v1alpha1.TenantEndpoint) { e.GraphURL = "https://127.0.0.1:2" },
			v1alpha1.ConditionStalled, v1alpha1.ReasonEndpointNotAllowed, []string{"endpoint.graphURL", "127.0.0.1:2", "--allow-endpoint-hosts=127.0.0.1:2"}},
		{"CA of another host", func(e *v1alpha1.TenantEndpoint) { e.CABundle = anotherCA(t) },
			v1alpha1.ConditionReconciling, v1alpha1.ReasonTransient, []string{"certificate", other.URL, "spec.endpoint.caBundle", "check"}},
		{"system roots for a private host", func(e *v1alpha1.TenantEndpoint) { e.CABundle = "" },
			v1alpha1.ConditionReconciling, v1alpha1.ReasonTransient, []string{"certificate", other.URL, "spec.endpoint.caBundle", "check"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, testkit.Options{})
			o := w.Tenant()
			test.change(o.Spec.Endpoint)
			for i, word := range test.words {
				if word == other.URL {
					test.words[i] = w.front.URL
				}
			}
			w.Apply(t, w.Secret(), o, w.Policy())
			w.says(t, tenant(), test.kind, metav1.ConditionTrue, test.reason, test.words...)
			w.says(t, policy(), v1alpha1.ConditionReady, metav1.ConditionFalse, policyReason(test.reason))
			w.untouched(t)
			w.Edit(t, o, func() { o.Spec.Endpoint = w.Tenant().Spec.Endpoint })
			w.goesOn(t)
		})
	}
}

// policyReason is what a policy says of a Tenant with this reason: without a client it cannot even try.
func policyReason(tenant string) string {
	if tenant == v1alpha1.ReasonInvalidEndpoint || tenant == v1alpha1.ReasonEndpointNotAllowed || tenant == v1alpha1.ReasonCredentialRefused {
		return v1alpha1.ReasonTenantFailed
	}
	return tenant
}

// anotherCA is a certificate authority that signs no host here.
func anotherCA(t *testing.T) string {
	t.Helper()
	_, ca := simtest.New(t, tenantsim.Options{Devices: 1}).Start()
	return string(ca)
}
