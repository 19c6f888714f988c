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
	if listed := l.members(l.attemptGroup("a")); len(listed) != 0 {
		t.Fatalf("the tenant lists %d members already: the test sees nothing", len(listed))
	}
	return l
}

// TestBatchThatIsNotListedYet: a list of members that is late is no drift, and nothing is sent twice for it.
func TestBatchThatIsNotListedYet(t *testing.T) {
	l := unseen(t)
	id, sent := l.attemptGroup("a"), 0
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
	t.Parallel()
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

// TestPromise13_PayloadAfterABatchThatIsNotListedYet: a new payload takes nothing from the devices of the old one, which are on
// their way into the group.
func TestPromise13_PayloadAfterABatchThatIsNotListedYet(t *testing.T) {
	t.Parallel()
	l := unseen(t)
	old := l.attemptGroup("a")
	l.otherPayload()
	l.rest()
	if err := l.sim.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if s := l.wave("a").Status; s.Attempt != 2 || len(l.members(old)) == 0 {
		t.Errorf("attempt %d, %d members of the first", s.Attempt, len(l.members(old)))
	}
}
