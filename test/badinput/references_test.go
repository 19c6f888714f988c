// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

func TestTenantRefToNothing(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	w.Apply(t, w.Secret(), w.Policy(), w.WaveOn("pilot", "Pilot"))
	w.stuck(t, policy(), v1alpha1.ReasonTenantRefNotFound, "spec.tenantRef", `"`+testkit.TenantName+`"`, w.Namespace, "create it")
	w.says(t, wave("pilot"), v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotReady, testkit.PolicyName)
	w.untouched(t)
	w.Apply(t, w.Tenant())
	w.goesOn(t)
	w.exposes(t, "pilot")
}

func TestPolicyRefToNothing(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	w.Apply(t, w.Secret(), w.Tenant(), w.WaveOn("pilot", "Pilot"))
	w.stuck(t, wave("pilot"), v1alpha1.ReasonPolicyNotFound, "spec.policyRef", `"`+testkit.PolicyName+`"`, w.Namespace, "create it")
	w.untouched(t)
	w.Apply(t, w.Policy())
	w.goesOn(t)
	w.exposes(t, "pilot")
}

func TestDependencyOnNothing(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	w.goesOn(t)
	before := w.Sim.Journal().Changes
	o := w.WaveOn("pilot", "Pilot", "canary")
	w.Apply(t, o)
	words := []string{"spec.dependsOn", `"canary"`, testkit.PolicyName, "create it or correct the name"}
	w.stuck(t, wave("pilot"), v1alpha1.ReasonDependencyMissing, words...)
	w.says(t, wave("pilot"), v1alpha1.ConditionDependenciesMet, metav1.ConditionFalse, v1alpha1.ReasonDependencyMissing, words...)
	w.unchangedSince(t, before)

	// Both remedies: the wave that was meant appears, and then the name is taken out.
	w.Apply(t, w.WaveOn("canary", "Small"))
	w.says(t, wave("pilot"), v1alpha1.ConditionDependenciesMet, metav1.ConditionFalse, v1alpha1.ReasonWaitingForDependency, `"canary"`)
	w.Edit(t, o, func() { o.Spec.DependsOn = nil })
	w.exposes(t, "pilot")
}

// TestDependencyOfAnotherPolicy names a wave that exists, under another policy.
func TestDependencyOfAnotherPolicy(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	other := w.WaveOn("canary", "Small")
	other.Spec.PolicyRef.Name = "other"
	w.Apply(t, other, w.WaveOn("pilot", "Pilot", "canary"))
	w.stuck(t, wave("pilot"), v1alpha1.ReasonPolicyNotFound)
	w.says(t, wave("pilot"), v1alpha1.ConditionDependenciesMet, metav1.ConditionFalse, v1alpha1.ReasonDependencyMissing,
		`"canary"`, testkit.PolicyName, "correct the name")
	w.untouched(t)
}

// TestDependencyCycle closes a ring of waves. One of a single wave is refused when it is applied; the others are found
// by the operator, and every wave in the ring says so.
func TestDependencyCycle(t *testing.T) {
	t.Parallel()
	for _, ring := range [][]string{{"a", "b"}, {"a", "b", "c"}} {
		t.Run(strings.Join(ring, "-"), func(t *testing.T) {
			t.Parallel()
			w := start(t, testkit.Options{})
			w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
			w.goesOn(t)
			before := w.Sim.Journal().Changes
			var first *v1alpha1.PilotWave
			for i, name := range ring {
				o := w.WaveOn(name, "Pilot", ring[(i+1)%len(ring)])
				w.Apply(t, o)
				if i == 0 {
					first = o
				}
			}
			for i, name := range ring {
				path := append(append([]string{}, ring[i:]...), ring[:i+1]...)
				w.stuck(t, wave(name), v1alpha1.ReasonDependencyCycle, strings.Join(path, " → "), "remove one of these dependencies")
			}
			w.unchangedSince(t, before)
			if g := w.ourGroups(); len(g) > 0 {
				t.Errorf("the tenant has %q", g)
			}
			w.Edit(t, first, func() { first.Spec.DependsOn = nil })
			w.exposes(t, ring[0])
			last := ring[len(ring)-1]
			w.says(t, wave(last), v1alpha1.ConditionDependenciesMet, metav1.ConditionFalse, v1alpha1.ReasonWaitingForDependency, `"`+ring[0]+`"`)
		})
	}
}

func TestSuspendedTenant(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	o := w.Tenant()
	o.Spec.Suspend = true
	w.Apply(t, w.Secret(), o, w.Policy(), w.WaveOn("pilot", "Pilot"))
	w.says(t, tenant(), v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonSuspended, "suspended", "spec.suspend")
	w.says(t, policy(), v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended, `"`+testkit.TenantName+`"`, "spec.suspend")
	w.untouched(t)
	if n := w.Sim.Journal().Total; n != 0 {
		t.Errorf("%d requests were sent to a suspended tenant", n)
	}
	w.Edit(t, o, func() { o.Spec.Suspend = false })
	w.goesOn(t)
	w.exposes(t, "pilot")
}

func TestSuspendedPolicy(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	o := w.Policy()
	o.Spec.Suspend = true
	w.Apply(t, w.Secret(), w.Tenant(), o, w.WaveOn("pilot", "Pilot"))
	w.says(t, policy(), v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonSuspended, "nothing but what a rollback takes back", "spec.suspend")
	w.says(t, wave("pilot"), v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotReady, `"`+testkit.PolicyName+`"`, "suspended", "spec.suspend")
	w.untouched(t)
	w.Edit(t, o, func() { o.Spec.Suspend = false })
	w.goesOn(t)
	w.exposes(t, "pilot")
}

// TestRefusedApply has one mistake of each kind that the API server can see by itself. test/api has every rule.
func TestRefusedApply(t *testing.T) {
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 10})
	tenant, policy, wave := w.Tenant, w.Policy, func() *v1alpha1.PilotWave { return w.WaveOn("pilot", "Pilot") }
	for _, test := range []struct {
		name  string
		make  func() object
		words []string
	}{
		{"endpoint without TLS", func() object { o := tenant(); o.Spec.Endpoint.GraphURL = "http://graph.example"; return o },
			[]string{"spec.endpoint.graphURL", "https"}},
		{"tenant by name", func() object { o := tenant(); o.Spec.TenantID = "contoso"; return o }, []string{"spec.tenantID"}},
		{"no credential", func() object { o := tenant(); o.Spec.Auth = v1alpha1.TenantAuth{}; return o },
			[]string{"spec.auth", "exactly one of clientSecret, clientCertificate or workloadIdentity"}},
		{"no setting", func() object { o := policy(); o.Spec.Settings = v1alpha1.PasskeySettings{}; return o },
			[]string{"spec.settings", "set at least one of"}},
		{"gate without population", func() object { o := policy(); o.Spec.Population = nil; return o }, []string{"population", "EnforceOnly"}},
		{"group by id and name", func() object { o := wave(); o.Spec.Audience.Groups.Include[0].ID = noGroup; return o },
			[]string{"spec.audience.groups.include[0]", "exactly one of id or displayName"}},
		{"wave that depends on itself", func() object { return w.WaveOn("pilot", "Pilot", "pilot") }, []string{"spec.dependsOn", "remove that entry"}},
		{"floor of one hundred percent", func() object { o := wave(); o.Spec.Gate.Promote.FloorRate = "95"; return o }, []string{"spec.gate.promote.floorRate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := test.make()
			o.SetNamespace(w.Namespace)
			err := w.Kube.Create(t.Context(), o)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("refused with\n  %v\nwithout %q", err, word)
				}
			}
		})
	}
}
