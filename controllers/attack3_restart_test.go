// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise03_EarliestIncompleteKeepsTheOrder: under restartFrom EarliestIncomplete, waves that have all succeeded before take
// the new payload in the order of dependsOn: a bad one does not reach everybody at once.
func TestPromise03_EarliestIncompleteKeepsTheOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 20), group("Second", 20)))
	p := newPolicy()
	p.Spec.RevertWindow, p.Spec.RestartFrom = hours(720), v1alpha1.RestartEarliestIncomplete
	l.apply(l.newTenant(), p, newWave("a", "First"), newWave("b", "Second", "a"))
	l.until("both succeed", 100, func() bool {
		return l.inPhase("a", v1alpha1.PhaseSucceeded)() && l.inPhase("b", v1alpha1.PhaseSucceeded)()
	})
	l.rest()
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	for range 30 {
		l.rest()
		a, b := l.wave("a").Status, l.wave("b").Status
		if a.Phase == v1alpha1.PhaseSucceeded && a.Revision == 2 {
			return
		}
		if b.Attempt == 2 && b.Clocks.LastBatchAt != nil {
			t.Fatalf("b, which comes after a, exposes r2 while a is %s: %+v", a.Phase, a.Decision)
		}
		if err := l.sim.Advance(3600e9); err != nil {
			t.Fatal(err)
		}
	}
}
