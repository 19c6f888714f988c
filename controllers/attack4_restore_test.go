// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise09_RestoredBeforeARollback: the status of a wave that is older than its rollback, or lost, does not give its devices
// again what was taken back: the policy has on record that it was, and the devices prove it.
func TestPromise09_RestoredBeforeARollback(t *testing.T) {
	t.Parallel()
	for name, wiped := range map[string]bool{"older": false, "lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := proven(t, v1alpha1.ModeGate)
			l.ask("AzureAD")
			l.until("devices are exposed to r2", 20, func() bool { s := l.wave("a").Status; return s.Attempt == 2 && s.Clocks.LastBatchAt != nil })
			before, group := l.backup(), l.attemptGroup("a")
			if wiped {
				before.wave = v1alpha1.PilotWaveStatus{}
			}
			l.annotate("a", v1alpha1.AnnotationRollback, "1")
			l.rest()
			if l.mayHave(group) || !l.groupExists(group) {
				t.Fatal("the rollback takes nothing back, or is over")
			}
			w := l.wave("a")
			l.edit(w, func() { delete(w.Annotations, v1alpha1.AnnotationRollback) })
			l.restore(&before, false, true)
			l.rest()
			if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack || !l.groupExists(group) {
				t.Errorf("%s %+v, group exists %v", s.Phase, s.Decision, l.groupExists(group))
			}
			l.until("devices prove it", 30, func() bool {
				if l.mayHave(group) {
					t.Fatalf("the group is under r2 again: %s", l.admissions())
				}
				return l.inPhase("a", v1alpha1.PhaseRolledBack)()
			})
		})
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
