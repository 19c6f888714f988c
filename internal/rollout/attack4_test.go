// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// decided is a wave after one more reconcile that finds the world as it is.
func decided(t *testing.T, w World) World {
	t.Helper()
	in, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	after := w.Wave.DeepCopy()
	m.Record(&after.Status)
	Advance(after, Decide(in), w.Target(), w.Now)
	w.Wave = after
	return w
}

// TestPromise03_RegressedIsNotRestored: a wave that had succeeded and then regressed stands for nothing any more: a retry begins the
// next attempt, and brings no Succeeded on which other waves begin.
func TestPromise03_RegressedIsNotRestored(t *testing.T) {
	for _, aborts := range []bool{false, true} {
		w := aWorld(40)
		s := &w.Wave.Status
		s.Phase, s.Attempts[0].SucceededAt, s.Clocks.SucceededAt = succeeded, v1alpha1.StampOf(hour(50)), v1alpha1.StampOf(hour(50))
		Advance(w.Wave, Decision{Phase: succeeded, Regress: true}, w.Target(), w.Now)
		w.Wave.Annotations = map[string]string{}
		if aborts {
			w.Wave.Annotations[v1alpha1.AnnotationAbort] = "1"
			w = decided(t, w)
		}
		w.Wave.Annotations[v1alpha1.AnnotationRetry] = "1"
		for range 2 {
			w = decided(t, w)
			if w.Wave.Status.Phase == succeeded || w.Wave.Status.Attempt != 2 {
				t.Errorf("aborts %t: halt evidence stands, and the wave is %s by attempt %d: %s", aborts, w.Wave.Status.Phase, w.Wave.Status.Attempt, w.Wave.Status.Decision.Message)
			}
		}
	}
}

// TestPromise09_ClaimedAttemptIsNotRetriedByAnOldWord: a retry that was handled by a status which is lost starts nothing again.
func TestPromise09_ClaimedAttemptIsNotRetriedByAnOldWord(t *testing.T) {
	w := aWorld(10)
	w.Wave.Annotations = map[string]string{v1alpha1.AnnotationRetry: "long ago"}
	proof, err := NewProof(&w.Wave.Spec.Gate, 40)
	if err != nil {
		t.Fatal(err)
	}
	w.Wave.Status = v1alpha1.PilotWaveStatus{Proof: proof}
	if w.Wave = w.Claim(); w.Wave == nil || w.Wave.Status.Phase != held {
		t.Fatalf("%+v", w.Wave)
	}
	if w.Wave.Status.Proof != nil {
		t.Error("the attempt is judged by the gate of another one")
	}
	if r := Requested(w.Wave); r != RequestNone {
		t.Errorf("nobody asked for it since: %s", r)
	}
	w.Wave.Annotations[v1alpha1.AnnotationRetry] = "now"
	if r := Requested(w.Wave); r != RequestRetry {
		t.Errorf("a person asks: %q", r)
	}
}

// TestPromise12_UnreadableMemberIsToldSteadily: a group that has a member who cannot be read is not settled: what is told of it is
// told at every look.
func TestPromise12_UnreadableMemberIsToldSteadily(t *testing.T) {
	w := nextWorld()
	w.earlierGroup(func(g *GroupReading) { g.UnreadableMembers = 1 })
	if w.OddMembers() == "" {
		t.Fatal("nobody is told")
	}
	if w.Settles(w.StandingEarlier()[0]) {
		t.Error("the next look does not read the group, and tells nothing of it")
	}
}

// TestPromise13_OldRollbackAfterALoss: a rollback of a time before the attempt, which a status that is lost had handled, takes
// nothing back again; one that may be of now does.
func TestPromise13_OldRollbackAfterALoss(t *testing.T) {
	for name, tt := range map[string]struct {
		value string
		acts  bool
	}{
		"before the attempt": {hour(-100).UTC().Format(time.RFC3339), false},
		"during the attempt": {hour(60).UTC().Format(time.RFC3339), true},
		"no time":            {"please", true},
	} {
		w := aWorld(10)
		w.Policy.Status.Waves[0].Since = v1alpha1.Stamp(hour(10))
		w.Wave.Annotations = map[string]string{v1alpha1.AnnotationRollback: tt.value}
		w.Wave.Status = v1alpha1.PilotWaveStatus{}
		w.Wave = w.Claim()
		if d, decided := DecideSafety(w.Safety()); (decided && d.Withdraw) != tt.acts {
			t.Errorf("%s: %s", name, d)
		}
	}
}
