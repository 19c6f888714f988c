// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/status"
)

// doubled lists the devices that two policies of ours reach on one platform, by what the tenant's own targeting says (P1).
func (l *lab) doubled() []string {
	l.t.Helper()
	by := map[string][]string{}
	for _, p := range l.sim.Snapshot(false).Policies {
		if !strings.HasPrefix(p.Name, "Tidegate ") {
			continue
		}
		reached, err := l.sim.Reached(p.ID)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, d := range reached {
			by[d+" on "+p.Platforms] = append(by[d+" on "+p.Platforms], p.Name)
		}
	}
	var out []string
	for device, names := range by {
		if len(names) > 1 {
			slices.Sort(names)
			out = append(out, fmt.Sprintf("%s by %s", device, strings.Join(names, " and ")))
		}
	}
	slices.Sort(out)
	return out
}

// mustBeSingle fails where a device is reached by two payloads, and names a few.
func (l *lab) mustBeSingle(when string) {
	l.t.Helper()
	if two := l.doubled(); len(two) > 0 {
		l.t.Errorf("%s: %d devices have two payloads, for example %s", when, len(two), two[0])
	}
}

// second is another policy of the same tenant, an hour younger than "pkp".
func (l *lab) second(change func(*v1alpha1.PasskeyPolicy)) *v1alpha1.PasskeyPolicy {
	l.t.Helper()
	p := newPolicy()
	p.Name, p.CreationTimestamp = "second", metav1.NewTime(l.clock.Now().Add(time.Hour))
	change(p)
	l.apply(p)
	return p
}

// settle reconciles Tenants and policies by name until they are at rest, with time for Intune to act.
func (l *lab) settle(tenants, policies []string) {
	l.t.Helper()
	for range 3 {
		for range 8 {
			for _, name := range tenants {
				if _, err := l.tenants.Reconcile(l.t.Context(), requestOf(name)); err != nil {
					l.t.Fatal(err)
				}
			}
			for _, name := range policies {
				if _, err := l.policies.Reconcile(l.t.Context(), requestOf(name)); err != nil {
					l.t.Fatal(err)
				}
			}
		}
		l.clock.Advance(20 * time.Minute)
	}
}

// TestPromise01_DroppedPlatformIsStillWritten: a policy that no longer asks for a platform leaves there what devices have. A
// younger policy for that platform and the same devices finds them taken.
func TestPromise01_DroppedPlatformIsStillWritten(t *testing.T) {
	t.Parallel()
	l := puppets(t, func(p *v1alpha1.PasskeyPolicy) {
		p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS}
	})
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.succeed("a")
	p := l.policy()
	l.edit(p, func() { p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows} })
	l.rest()
	l.lag()
	l.mustBeSingle("one policy")
	younger := l.second(func(p *v1alpha1.PasskeyPolicy) { p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformMacOS} })
	l.settle([]string{"corp"}, []string{"second", "pkp"})
	l.read(younger)
	l.mustBeSingle("two policies")
	if c := meta.FindStatusCondition(younger.Status.Conditions, v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonOtherPolicy {
		t.Errorf("the younger policy: %+v", younger.Status.Conditions)
	}
}

// TestPromise01_OlderPolicyWidens: the older of two policies widens its population to those of the younger one, which was
// there first: nobody gets two payloads, and one of the two says whom they share.
func TestPromise01_OlderPolicyWidens(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("East", 20), group("West", 20)))
	l.waves = nil
	first := newPolicy()
	first.Spec.Population.Include[0].DisplayName = "East"
	l.apply(l.newTenant(), first)
	younger := l.second(func(p *v1alpha1.PasskeyPolicy) { p.Spec.Population.Include[0].DisplayName = "West" })
	l.settle([]string{"corp"}, []string{"pkp", "second"})
	l.read(younger)
	if !meta.IsStatusConditionTrue(younger.Status.Conditions, v1alpha1.ConditionApplied) {
		t.Fatalf("%+v", younger.Status.Conditions)
	}
	y := newWave("y", "West")
	y.Spec.PolicyRef.Name = "second"
	l.apply(y)
	admitted := l.attempt("y", 1, v1alpha1.PhaseExposing)
	l.settle([]string{"corp"}, []string{"pkp", "second"})
	if _, err := l.admin().AddMembers(t.Context(), admitted, l.members(l.groupID("West"))[:3]); err != nil {
		t.Fatal(err)
	}
	l.mustBeSingle("apart")
	p := l.policy()
	l.edit(p, func() {
		p.Spec.Population.Include = append(p.Spec.Population.Include, v1alpha1.GroupRef{DisplayName: "West"})
	})
	l.settle([]string{"corp"}, []string{"pkp", "second"})
	l.mustBeSingle("the older one widened")
	if o := l.sim.Snapshot(false).Overlaps; len(o) > 0 {
		t.Errorf("devices of the younger policy's wave are told the contrary by the older one's hold: %+v", o)
	}
	if c := l.condition(v1alpha1.ConditionApplied); c.Reason != v1alpha1.ReasonOtherPolicy || !strings.Contains(c.Message, "ns/second") {
		t.Errorf("the older policy: %+v", c)
	}
	l.edit(p, func() { p.Spec.Population.Include = p.Spec.Population.Include[:1] })
	l.settle([]string{"corp"}, []string{"pkp", "second"})
	l.read(younger)
	if !meta.IsStatusConditionTrue(younger.Status.Conditions, v1alpha1.ConditionApplied) || !meta.IsStatusConditionTrue(l.policy().Status.Conditions, v1alpha1.ConditionApplied) {
		t.Errorf("after the edit is taken back: %+v, %+v", l.policy().Status.Conditions, younger.Status.Conditions)
	}
}

// TestPromise01_OlderPolicyWithoutTenant: the Tenant object of the older policy is let go, and what that policy has in the
// tenant stays. A younger one, by another Tenant object of the same tenant, still finds the devices taken.
func TestPromise01_OlderPolicyWithoutTenant(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.succeed("a")
	twin := l.newTenant()
	twin.Name, twin.Spec.Auth.ClientSecret.SecretRef.Name = "twin", "twins"
	l.apply(twin, l.anotherSecret("twins"))
	l.label("twins", "twin")
	younger := l.second(func(p *v1alpha1.PasskeyPolicy) { p.Spec.TenantRef.Name = "twin" })
	l.settle([]string{"corp", "twin"}, []string{"pkp", "second"})
	l.read(younger)
	if c := meta.FindStatusCondition(younger.Status.Conditions, v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonOtherPolicy {
		t.Fatalf("%+v", younger.Status.Conditions)
	}
	corp := l.tenant()
	l.edit(corp, func() { corp.Annotations = map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"} })
	if err := l.kube.Delete(t.Context(), corp); err != nil {
		t.Fatal(err)
	}
	l.settle([]string{"corp", "twin"}, []string{"pkp", "second"})
	l.clock.Advance(status.StoppedLook)
	l.settle([]string{"twin"}, []string{"pkp", "second"})
	l.read(younger)
	l.mustBeSingle("the older one has no Tenant")
	if c := meta.FindStatusCondition(younger.Status.Conditions, v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonOtherPolicy {
		t.Errorf("the younger policy: %+v", younger.Status.Conditions)
	}
}
