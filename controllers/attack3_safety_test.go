// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise09_RollbackWithoutAPermission: a permission that somebody takes from the application stops what needs it. Reading
// the fleet is no part of a rollback, nor of a revert.
func TestPromise09_RollbackWithoutAPermission(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(l *lab){
		"rollback": func(l *lab) { l.annotate("a", v1alpha1.AnnotationRollback, "now") },
		"deleted wave": func(l *lab) {
			if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := running(t, v1alpha1.PhaseBaking)
			if got := l.level(1); !strings.HasPrefix(got, "group ") {
				t.Fatal(got)
			}
			l.setScenario(func(s *tenantsim.Scenario) { s.MissingRoles = []string{"DeviceManagementManagedDevices.Read.All"} })
			l.tenants.Store.Client(policyKey).RenewToken()
			l.rest()
			if meta.IsStatusConditionTrue(l.tenant().Status.Conditions, v1alpha1.ConditionPermissionsGranted) {
				t.Fatalf("%+v", l.tenant().Status.Conditions)
			}
			ask(l)
			l.rest()
			l.lag()
			l.mustBe("r1 is taken back", l.level(1), "")
		})
	}
}

// TestPromise09_DeletedUnderASuspendedTenant: a policy that is deleted while its Tenant is suspended says so, asks nothing of
// the tenant, and cleans up when the Tenant is back.
func TestPromise09_DeletedUnderASuspendedTenant(t *testing.T) {
	t.Parallel()
	l := running(t, v1alpha1.PhaseBaking)
	o := l.tenant()
	l.edit(o, func() { o.Spec.Suspend = true })
	l.rest()
	l.sim.ResetJournal()
	if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		l.round()
	}
	if got := l.changed(); len(got) > 0 {
		t.Errorf("a suspended tenant was written to: %v", got)
	}
	c := l.condition(v1alpha1.ConditionReady)
	if c == nil || !strings.Contains(c.Message, "suspend") {
		t.Errorf("the policy does not say that its Tenant is suspended: %+v", c)
	}
	l.start(t)
	l.rest()
	o = l.tenant()
	l.edit(o, func() { o.Spec.Suspend = false })
	if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		l.rest2()
	}
	for _, left := range l.remainders() {
		if strings.HasPrefix(left, "in the tenant") || strings.HasPrefix(left, "policies") || strings.HasPrefix(left, "waves") {
			t.Errorf("left: %s", left)
		}
	}
}

// rest2 reconciles for half an hour, whether the policy is there or not.
func (l *lab) rest2() {
	l.t.Helper()
	for range 8 {
		l.round()
	}
	if err := l.sim.Advance(30 * 60e9); err != nil {
		l.t.Fatal(err)
	}
}

// TestPromise14_NotAppliedWhileARollbackWaits: devices have what a person took back, because the Tenant is suspended: the
// policy does not go on claiming that the tenant is as it should be.
func TestPromise14_NotAppliedWhileARollbackWaits(t *testing.T) {
	t.Parallel()
	l := proven(t, v1alpha1.ModeGate)
	o := l.tenant()
	l.edit(o, func() { o.Spec.Suspend = true })
	l.rest()
	l.annotate("a", v1alpha1.AnnotationRollback, "now")
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack || l.level(1) == "" {
		t.Fatalf("%s, r1 %q", s.Phase, l.level(1))
	}
	if c := l.condition(v1alpha1.ConditionApplied); meta.IsStatusConditionTrue(l.policy().Status.Conditions, v1alpha1.ConditionApplied) {
		t.Errorf("r1 still reaches the wave's devices, and Applied is %s: %s", c.Status, c.Message)
	}
}

// TestPromise09_UnreadableRollbackOfASuspendedPolicy: a rollback whose policy is suspended and cannot be read for a moment is
// tried again by itself.
func TestPromise09_UnreadableRollbackOfASuspendedPolicy(t *testing.T) {
	l := exposing(t, []string{"a"})
	p := l.policy()
	l.edit(p, func() { p.Spec.Suspend = true })
	l.rest()
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: policiesRoute + "/*"}},
		tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: policiesRoute + "/*/assignments"}})
	l.takeBack("a")
	res, err := l.policies.Reconcile(t.Context(), requestOf("pkp"))
	if err != nil || res.RequeueAfter <= 0 || l.level(1) == "" {
		t.Errorf("%v %+v, r1 %q: %+v", err, res, l.level(1), l.policy().Status.Conditions)
	}
	l.faults()
	l.rest()
	l.mustBe("r1 is taken back", l.level(1), "")
}
