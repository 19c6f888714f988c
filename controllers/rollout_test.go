// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise12_RolloutEndsInSilence takes two waves from nothing to success, and then reconciles everything again: no
// write to the API server, none to the tenant, no event.
func TestPromise12_RolloutEndsInSilence(t *testing.T) {
	l := newLab(t, calm(group("First", 20), group("Second", 20)))
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"), newWave("b", "Second", "a"))
	l.until("b succeeds", 100, l.inPhase("b", v1alpha1.PhaseSucceeded))
	l.rest()
	if len(l.errs) > 0 {
		t.Errorf("reconciles failed: %v", l.errs)
	}
	for _, r := range l.sim.Journal().Records {
		if len(r.Overlaps) > 0 {
			t.Errorf("%s %s puts devices under hold and allow: %v", r.Method, r.Path, r.Overlaps)
		}
	}
	writes, changes, events := l.writes, l.sim.Journal().Changes, len(l.events)
	for range 5 {
		l.round()
	}
	if l.writes != writes || l.sim.Journal().Changes != changes || len(l.events) != events {
		t.Errorf("in rest: %d writes, %d changes of the tenant, events %v", l.writes-writes, l.sim.Journal().Changes-changes, l.events[events:])
	}
	p := l.policy().Status
	if p.WaveProgress != "2/2" || p.Reason != v1alpha1.ReasonSucceeded {
		t.Errorf("%+v", p)
	}
}
