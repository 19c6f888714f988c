// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPlatformRemoved: the objects of a platform that is no longer wanted are deleted and forgotten; one that somebody
// deleted first is forgotten, too.
func TestPlatformRemoved(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm())
	p := newPolicy()
	p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS}
	l.apply(l.newTenant(), p)
	l.rest()
	if n := len(l.policy().Status.Objects); n != 4 {
		t.Fatalf("%d objects", n)
	}
	l.clock.Advance(observe.ReplicationLag)
	for _, o := range l.policy().Status.Objects {
		if o.Platform == v1alpha1.PlatformMacOS && o.Role == v1alpha1.RoleHold {
			if err := l.sim.DeletePolicy(o.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.edit(p, func() { p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows} })
	l.rest()
	objects := l.policy().Status.Objects
	// Hold is what the first ask made of it, on both platforms; the revision that no device had goes.
	if len(objects) != 3 || len(l.sim.Snapshot(false).Policies) != 3 || slices.ContainsFunc(objects, func(o v1alpha1.TenantObject) bool {
		return o.Revision > 0 && (o.Platform != v1alpha1.PlatformWindows || o.Revision != 2)
	}) {
		t.Errorf("%+v", objects)
	}
}

// TestPromise07_DeletePolicy: what a deletion leaves behind.
func TestPromise07_DeletePolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		prepare func(l *lab, p *v1alpha1.PasskeyPolicy)
		left    int
		waits   string
	}{
		{"delete", func(*lab, *v1alpha1.PasskeyPolicy) {}, 0, ""},
		{"orphan", func(_ *lab, p *v1alpha1.PasskeyPolicy) { p.Spec.DeletionPolicy = v1alpha1.DeletionOrphan }, 2, ""},
		{"the tenant refuses", func(l *lab, _ *v1alpha1.PasskeyPolicy) {
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: "DELETE"}})
		}, 2, "objects remain in the tenant"},
		{"the tenant cannot be read", func(l *lab, _ *v1alpha1.PasskeyPolicy) {
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Route: policiesRoute + "/*"}})
		}, 2, "objects remain in the tenant"},
		{"the tenant is not connected", func(l *lab, _ *v1alpha1.PasskeyPolicy) { l.policies.Store.Delete(policyKey) }, 2, `Tenant "corp" is not connected`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := applied(t, v1alpha1.DriftCorrect)
			p := l.policy()
			l.edit(p, func() { tt.prepare(l, p) })
			if err := l.kube.Delete(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			for range 8 {
				if _, err := l.policies.Reconcile(t.Context(), requestOf("pkp")); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(l.sim.Snapshot(false).Policies); n != tt.left {
				t.Errorf("%d policies are left", n)
			}
			err := l.kube.Get(t.Context(), keyOf("pkp"), &v1alpha1.PasskeyPolicy{})
			if tt.waits == "" {
				if err == nil {
					t.Error("the finalizer is still there")
				}
				return
			}
			c := l.condition(v1alpha1.ConditionStalled)
			if err != nil || c == nil || c.Reason != v1alpha1.ReasonTenantObjectsRemain || !strings.Contains(c.Message, tt.waits) || !strings.Contains(c.Message, v1alpha1.AnnotationReleaseFinalizer) {
				t.Fatalf("%v %+v", err, c)
			}
			p = l.policy()
			l.edit(p, func() { p.Annotations = map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"} })
			if _, err := l.policies.Reconcile(t.Context(), requestOf("pkp")); err != nil {
				t.Fatal(err)
			}
			if err := l.kube.Get(t.Context(), keyOf("pkp"), &v1alpha1.PasskeyPolicy{}); err == nil {
				t.Error("the annotation does not release it")
			}
		})
	}
}
