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

// TestPromise01_TwoRollbacksOfALateTenant: the group that the first rollback took out is not written back by the second one
// because a late read still shows it, wherever the process stops between.
func TestPromise01_TwoRollbacksOfALateTenant(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(l *lab){
		"one after the other": func(*lab) {},
		"stopped between the two policies": func(l *lab) {
			if _, err := l.policies.Reconcile(t.Context(), requestOf("pkp")); err != nil {
				t.Fatal(err)
			}
			l.clock.Advance(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := exposing(t, []string{"a", "b"})
			l.late()
			l.takeBack("a")
			for range 4 {
				l.round()
				l.clock.Advance(time.Second)
			}
			l.takeBack("b")
			between(l)
			for range 120 {
				l.round()
				l.clock.Advance(20 * time.Second)
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

// TestPromise11_PayloadAndBackOfALateTenant: of a payload that was written and taken back while reads are late nothing is left
// in the tenant in the end, and nobody is blamed for it.
func TestPromise11_PayloadAndBackOfALateTenant(t *testing.T) {
	t.Parallel()
	l := applied(t, v1alpha1.DriftReport)
	before := settingsIn(l, v1alpha1.RoleHold)
	l.late()
	p := l.policy()
	for _, storage := range []string{"AzureAD", ""} {
		l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = storage })
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
	if got := settingsIn(l, v1alpha1.RoleHold); got != before || len(l.sim.Snapshot(false).Policies) != 2 || l.condition(v1alpha1.ConditionApplied).Status != metav1.ConditionTrue || l.condition(v1alpha1.ConditionDrifted).Status != metav1.ConditionFalse {
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
	t.Parallel()
	l := exposing(t, []string{"a", "b"})
	l.clock.Advance(observe.ReplicationLag)
	l.events = nil
	l.takeBack("a")
	theirs := l.wave("b").Status.Attempts[0].GroupID
	live, err := l.admin().Assignments(t.Context(), l.object(v1alpha1.RoleAllow).ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range live {
		if live[i].GroupID == theirs {
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
	l.lag()
	l.lag()
	l.mustBe("r1", l.level(1), "group b-1")
	if !slices.ContainsFunc(l.events, func(e string) bool { return strings.Contains(e, v1alpha1.ReasonAssignmentMissing) }) {
		t.Errorf("nothing tells of the edit: %v", l.events)
	}
}
