// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// unseen is a lab whose wave has just exposed its devices, in a tenant that does not list them as members yet.
func unseen(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, calm(group("First", 20)))
	l.setScenario(func(sc *tenantsim.Scenario) { sc.Lag = &tenantsim.Lag{Members: tenantsim.Fixed(4 * time.Minute)} })
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
	l.until("exposed", 60, func() bool { return l.wave("a").Status.Clocks.LastBatchAt != nil })
	if listed := l.members(l.wave("a").Status.Audience.GroupID); len(listed) != 0 {
		t.Fatalf("the tenant lists %d members already: the test sees nothing", len(listed))
	}
	return l
}

// TestBatchThatIsNotListedYet: a list of members that is late is no drift, and nothing is sent twice for it.
func TestBatchThatIsNotListedYet(t *testing.T) {
	l := unseen(t)
	id, sent := l.wave("a").Status.Audience.GroupID, 0
	for _, r := range l.sim.Journal().Records {
		if r.Method == "PATCH" && strings.HasSuffix(r.Path, "/groups/"+id) {
			sent++
		}
	}
	if exposed := l.wave("a").Status.Devices.Exposed; sent != 1 || exposed == 0 {
		t.Errorf("%d requests put %d devices into the group, want one", sent, exposed)
	}
}

// TestPromise09_RollbackOfABatchThatIsNotListedYet: an empty list does not mean that there is nothing to take back.
func TestPromise09_RollbackOfABatchThatIsNotListedYet(t *testing.T) {
	l := unseen(t)
	l.annotate("a", v1alpha1.AnnotationRollback, "now")
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack {
		t.Errorf("the wave is %s: %s", s.Phase, s.Decision.Message)
	}
	if got := l.assigned(v1alpha1.RoleAllow); got != "" {
		t.Errorf("allow is still assigned to %q", got)
	}
}

// TestPromise13_PayloadAfterABatchThatIsNotListedYet: a new payload waits until the devices of the old one are out, and an
// empty list does not mean that they are.
func TestPromise13_PayloadAfterABatchThatIsNotListedYet(t *testing.T) {
	l := unseen(t)
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhasePending || s.Audience == nil {
		t.Errorf("the wave is %s, and its audience %v, while its devices are in the group", s.Phase, s.Audience)
	}
}
