// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// late makes the tenant show what it took only half a minute later.
func (l *lab) late() {
	l.t.Helper()
	lag := tenantsim.Fixed(30 * time.Second)
	l.setScenario(func(sc *tenantsim.Scenario) { sc.Lag = &tenantsim.Lag{Read: lag, List: lag} })
	l.sim.ResetJournal()
	l.events = nil
}

// twoExposing is a lab with two waves, "a" and "b", that have devices under the payload.
func twoExposing(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, calm(group("First", 40), group("Second", 30)))
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"), newWave("b", "Second"))
	l.until("exposing", 20, func() bool { return l.wave("a").Status.Devices.Exposed > 0 && l.wave("b").Status.Devices.Exposed > 0 })
	if err := l.sim.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	l.rest()
	return l
}

// TestPromise01_TwoRollbacksOfALateTenant: the group that the first rollback took out is not written back by the second one
// because a late read still shows it, wherever the process stops between.
func TestPromise01_TwoRollbacksOfALateTenant(t *testing.T) {
	for name, between := range map[string]func(l *lab){
		"one after the other": func(*lab) {},
		"stopped between the two policies": func(l *lab) {
			for _, reconcile := range []func() error{
				func() error { _, err := l.waves.Reconcile(t.Context(), requestOf("b")); return err },
				func() error { _, err := l.policies.Reconcile(t.Context(), requestOf("pkp")); return err },
			} {
				if err := reconcile(); err != nil {
					t.Fatal(err)
				}
			}
			l.clock.Advance(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := twoExposing(t)
			l.late()
			l.annotate("a", v1alpha1.AnnotationRollback, "now")
			for range 4 {
				l.round()
				l.clock.Advance(time.Second)
			}
			l.annotate("b", v1alpha1.AnnotationRollback, "now")
			between(l)
			for range 120 {
				l.round()
				l.clock.Advance(5 * time.Second)
			}
			if allow, hold := l.assigned(v1alpha1.RoleAllow), l.assigned(v1alpha1.RoleHold); allow != "" || hold != "group Everyone" {
				t.Errorf("allow %q, hold %q", allow, hold)
			}
			if slices.ContainsFunc(l.events, func(e string) bool { return strings.Contains(e, v1alpha1.ReasonForeignAssignment) }) {
				t.Errorf("our own group is taken for somebody's: %v", l.events)
			}
		})
	}
}

// TestPromise11_PayloadAndBackOfALateTenant: a payload that was written and taken back while reads are late is what the
// tenant has in the end, and nobody is blamed for it.
func TestPromise11_PayloadAndBackOfALateTenant(t *testing.T) {
	l := applied(t, v1alpha1.DriftReport)
	before := settingsIn(l, v1alpha1.RoleHold)
	l.late()
	p := l.policy()
	for _, creation := range []v1alpha1.Toggle{v1alpha1.Disabled, v1alpha1.Enabled} {
		l.edit(p, func() { p.Spec.Settings.PasskeyCreation = creation })
		for range 3 {
			l.round()
			l.clock.Advance(time.Second)
		}
	}
	if c := l.condition(v1alpha1.ConditionApplied); c.Status == metav1.ConditionTrue {
		t.Errorf("applied on a late read: %+v", c)
	}
	for range 20 {
		l.clock.Advance(time.Minute)
		l.round()
	}
	if got := settingsIn(l, v1alpha1.RoleHold); got != before || l.condition(v1alpha1.ConditionApplied).Status != metav1.ConditionTrue || l.condition(v1alpha1.ConditionDrifted).Status != metav1.ConditionFalse {
		t.Errorf("hold sets %s, want %s; %+v", got, before, l.policy().Status.Conditions)
	}
}

// settingsIn are the values that a policy has in the tenant, whatever reads show.
func settingsIn(l *lab, role v1alpha1.ObjectRole) string {
	l.t.Helper()
	var out []string
	for _, p := range l.sim.Snapshot(false).Policies {
		if p.ID == l.object(role).ID {
			for id, value := range p.Values {
				out = append(out, id+"="+value)
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestPromise06_RollbackBesideAnEdit: what somebody took out of allow while another wave is rolled back is reported, and
// then written back.
func TestPromise06_RollbackBesideAnEdit(t *testing.T) {
	l := twoExposing(t)
	l.clock.Advance(observe.ReplicationLag)
	l.events = nil
	l.annotate("a", v1alpha1.AnnotationRollback, "now")
	if _, err := l.waves.Reconcile(t.Context(), requestOf("a")); err != nil {
		t.Fatal(err)
	}
	live, err := l.admin().Assignments(t.Context(), l.object(v1alpha1.RoleAllow).ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range live {
		if live[i].GroupID == l.attemptGroup("b") {
			live = slices.Delete(live, i, i+1)
			break
		}
	}
	if _, err := l.admin().Assign(t.Context(), l.object(v1alpha1.RoleAllow).ID, live); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		l.round()
		l.clock.Advance(10 * time.Second)
	}
	if got := l.assigned(v1alpha1.RoleAllow); !strings.Contains(got, "ns/b") || strings.Contains(got, "ns/a") {
		t.Errorf("allow %q", got)
	}
	if !slices.ContainsFunc(l.events, func(e string) bool { return strings.Contains(e, v1alpha1.ReasonAssignmentMissing) }) {
		t.Errorf("nothing tells of the edit: %v", l.events)
	}
}
