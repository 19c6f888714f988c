// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestRollbackAccepted: a rollback that devices do not prove in time keeps the wave's group, which is all that tells who had it, until a
// person accepts it: then group and ledger go, no new attempt begins, and the status does not say that it was proven.
func TestRollbackAccepted(t *testing.T) {
	l := proven(t, v1alpha1.ModeGate)
	w := l.wave("a")
	l.edit(w, func() { w.Spec.OnFailure.Rollback = v1alpha1.RollbackRule{VerifyPercent: 100, Deadline: hours(2)} })
	l.ask("AzureAD")
	l.until("devices are exposed to r2", 20, func() bool { s := l.wave("a").Status; return s.Attempt == 2 && s.Clocks.LastBatchAt != nil })
	group := l.attemptGroup("a")
	l.annotate("a", v1alpha1.AnnotationRollback, "1")
	l.annotate("a", v1alpha1.AnnotationAcceptRollback, "too early")
	l.round()
	l.round()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack || s.HandledRequests.RollbackAccepted != "too early" {
		t.Fatalf("what was accepted before it began counts: %s %+v", s.Phase, s.HandledRequests)
	}
	l.annotate("a", v1alpha1.AnnotationAcceptRollback, "now")
	l.round()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseRollingBack || !strings.Contains(s.Decision.Message, "waits until the policy has taken the groups") {
		t.Fatalf("accepted while assignments may stand: %s %+v", s.Phase, s.Decision)
	}
	w = l.wave("a")
	l.edit(w, func() { delete(w.Annotations, v1alpha1.AnnotationAcceptRollback) })
	l.until("incomplete", 4, l.inPhase("a", v1alpha1.PhaseRollbackIncomplete))
	if !l.groupExists(group) {
		t.Fatal("the group is gone before anybody knows who had it")
	}
	l.annotate("a", v1alpha1.AnnotationAcceptRollback, "2")
	l.rest()
	s := l.wave("a").Status
	if s.Phase != v1alpha1.PhaseRolledBack || s.Attempt != 2 || s.Decision.Reason != v1alpha1.ReasonRollbackAccepted || !s.Rollback.Accepted {
		t.Errorf("%s %+v %+v", s.Phase, s.Decision, s.Rollback)
	}
	if l.groupExists(group) || strings.Contains(l.revisions(), "2 ") && !strings.Contains(l.revisions(), "2 Candidate") {
		t.Errorf("%s; group exists: %v", l.revisions(), l.groupExists(group))
	}
	if !slices.ContainsFunc(l.events, func(e string) bool { return strings.Contains(e, v1alpha1.ReasonRollbackAccepted) }) {
		t.Errorf("%v", l.events)
	}
}
