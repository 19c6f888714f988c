// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise09_RestoredBeforeARollback: the status of a wave that is older than its rollback does not give its devices again what
// was taken back: the policy has on record that it was.
func TestPromise09_RestoredBeforeARollback(t *testing.T) {
	t.Parallel()
	l := proven(t, v1alpha1.ModeGate)
	l.ask("AzureAD")
	l.until("devices are exposed to r2", 20, func() bool { s := l.wave("a").Status; return s.Attempt == 2 && s.Clocks.LastBatchAt != nil })
	before, group := l.backup(), l.attemptGroup("a")
	l.annotate("a", v1alpha1.AnnotationRollback, "1")
	l.rest()
	if l.mayHave(group) {
		t.Fatal("the rollback takes nothing back")
	}
	w := l.wave("a")
	l.edit(w, func() { delete(w.Annotations, v1alpha1.AnnotationRollback) })
	l.restore(&before, false, true)
	for range 6 {
		l.rest()
		if l.mayHave(group) {
			w := l.wave("a")
			t.Fatalf("the group is under r2 again: %s %+v; %s", w.Status.Phase, w.Status.Decision, l.admissions())
		}
		if err := l.sim.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

// mayHave says that a policy of the tenant includes a group, other than hold.
func (l *lab) mayHave(group string) bool {
	l.t.Helper()
	for _, o := range l.policy().Status.Objects {
		if o.Revision > 0 && slices.Contains(o.IncludeGroups, group) {
			return true
		}
	}
	return false
}
