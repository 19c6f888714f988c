// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/testkit"
)

// another is a payload that differs from the first one.
func another(p *v1alpha1.PasskeyPolicy) { p.Spec.Settings.BackupStorageLocation = "AzureAD" }

// reached wants a number of devices under each revision, by their numbers.
func reached(t testing.TB, w *testkit.World, want ...int) func(context.Context) error {
	return func(context.Context) error {
		var got []int
		for i := range want {
			got = append(got, len(w.ReachedBy(t, fmt.Sprintf("r%d", i+1))))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("revisions 1 to %d reach %v devices, want %v", len(want), got, want)
		}
		return nil
	}
}

// revisionState is the state of a revision of the policy; empty when it is not listed.
func revisionState(t testing.TB, w *testkit.World, number int32) v1alpha1.RevisionState {
	t.Helper()
	for _, r := range policy(t, w).Status.Revisions {
		if r.Number == number {
			return r.State
		}
	}
	return ""
}

// TestRevisionsAndTheirRevert brings a second revision after the first, wave by wave, and takes it back by returning the spec.
func TestRevisionsAndTheirRevert(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20), of("Second", 20)), testkit.Options{Devices: 60})
	base(t, w, quick(w, "first", "First"), quick(w, "second", "Second", "first"))
	reaches(t, w, "second", v1alpha1.PhaseSucceeded)
	w.Until(t, hour, 8*hour, reached(t, w, 40))
	w.Until(t, hour, 8*hour, that(func() bool { return revisionState(t, w, 1) == v1alpha1.RevisionStable }, "revision 1 is not stable"))
	members, old := w.Members(t, w.Admin(t), w.GroupID(t, "first")), policy(t, w).Status.PayloadHash

	t.Log("a second revision: nobody loses anything, the waves bring it one after the other")
	p := policy(t, w)
	w.Edit(t, p, func() { another(p) })
	w.Until(t, 10*time.Minute, 4*hour, w.InPhase("first", v1alpha1.PhaseExposing))
	if err := reached(t, w, 40, 0)(t.Context()); err != nil {
		t.Errorf("before the first batch: %v", err)
	}
	if first := w.Wave(t, "first").Status; first.Attempt != 2 || first.Revision != 2 || first.History[0].Outcome != rollout.OutcomeSuperseded {
		t.Errorf("first is in attempt %d on revision %d with history %+v", first.Attempt, first.Revision, first.History)
	}
	w.Until(t, hour, 2*day, reached(t, w, 20, 20))
	if s := w.Wave(t, "second").Status; s.Phase != v1alpha1.PhasePending {
		t.Errorf("second is %s while first proves the new revision", s.Phase)
	}
	reaches(t, w, "second", v1alpha1.PhaseSucceeded)
	w.Until(t, hour, 8*hour, reached(t, w, 0, 40))
	w.Until(t, hour, 8*hour, that(func() bool {
		return revisionState(t, w, 1) == v1alpha1.RevisionSuperseded && revisionState(t, w, 2) == v1alpha1.RevisionStable
	}, "revision 2 is not stable: %+v", policy(t, w).Status.Revisions))
	if got := w.Members(t, w.Admin(t), w.Wave(t, "first").Status.Attempts[0].GroupID); !slices.Equal(got, members) {
		t.Errorf("the group of the first attempt had %d members and has %d", len(members), len(got))
	}

	t.Log("git revert: a rollback of all waves, in a constant number of writes")
	seen := len(w.Operator.Writes())
	w.Edit(t, p, func() { p.Spec.Settings.BackupStorageLocation = "" })
	w.Until(t, 10*time.Minute, 8*hour, reached(t, w, 40))
	for _, write := range w.Operator.Writes()[seen:] {
		if !write.Kube && (strings.Contains(write.Path, "/members") || strings.Contains(write.Body, "members@odata.bind")) {
			t.Errorf("the revert touches members: %s", write)
		}
	}
	for _, name := range []string{"first", "second"} {
		s := reaches(t, w, name, v1alpha1.PhaseSucceeded).Status
		if s.Revision != 1 || s.PayloadHash != old || s.Attempt != 1 {
			t.Errorf("wave %s is on revision %d in attempt %d, want the first of both", name, s.Revision, s.Attempt)
		}
	}
	w.Until(t, hour, 2*day, that(func() bool {
		return revisionState(t, w, 1) == v1alpha1.RevisionStable && revisionState(t, w, 2) == "" && w.OwnRevision(t, v1alpha1.PlatformWindows, 2) == nil && len(w.OwnGroups()) == 2
	}, "revision 2 is not cleaned up"))
}

// TestNewPayloadAfterRollback: a wave that a person has rolled back takes a new payload on their word only, in a group of its own.
func TestNewPayloadAfterRollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20)), testkit.Options{})
	first := quick(w, "first", "First")
	base(t, w, first)
	reaches(t, w, "first", v1alpha1.PhaseBaking)
	group := w.GroupID(t, "first")
	annotate(t, w, first, v1alpha1.AnnotationRollback, "now")
	reaches(t, w, "first", v1alpha1.PhaseRolledBack)
	p := policy(t, w)
	w.Edit(t, p, func() { another(p) })
	w.Pass(t, hour, 12*hour)
	if s := w.Wave(t, "first").Status; s.Phase != v1alpha1.PhaseRolledBack || s.Attempt != 1 {
		t.Fatalf("a new payload moved the wave to %s, attempt %d", s.Phase, s.Attempt)
	}
	if n := len(w.ReachedBy(t, "Allow")); n > 0 {
		t.Errorf("%d devices are reached after the rollback", n)
	}
	annotate(t, w, first, v1alpha1.AnnotationRetry, "again")
	s := reaches(t, w, "first", v1alpha1.PhaseSucceeded).Status
	if s.Attempt != 2 || w.GroupID(t, "first") == group {
		t.Errorf("attempt %d goes out through group %s, that of the first is %s", s.Attempt, w.GroupID(t, "first"), group)
	}
}
