// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func waveAt(phase v1alpha1.WavePhase) *v1alpha1.PilotWave {
	w := &v1alpha1.PilotWave{Spec: *timed()}
	w.Status.Phase = phase
	return w
}

// enterPhase advances the wave into a phase.
func enterPhase(w *v1alpha1.PilotWave, p v1alpha1.WavePhase, h float64) {
	Advance(w, Decision{Phase: p, Reason: "R", Message: "m"}, Target{Revision: 7, PayloadHash: "sha256:new"}, hour(h))
}

// TestAdvanceClocks goes through the life of a wave and looks at the clock that each phase starts.
func TestAdvanceClocks(t *testing.T) {
	w := waveAt("")
	w.Status.Audience = &v1alpha1.AudienceStatus{Eligible: 1}
	enterPhase(w, pending, 0)
	if s := w.Status; s.Attempt != 1 || s.Phase != pending || s.Clocks != (v1alpha1.Clocks{}) || s.PayloadHash != "" || s.Decision.Reason != "R" || s.Decision.Message != "m" {
		t.Fatalf("pending: %+v", s)
	}
	enterPhase(w, resolving, 1)
	if s := w.Status; !s.Clocks.StartedAt.Equal(at(1)) || s.PayloadHash != "sha256:new" || s.Revision != 7 || s.Audience != nil || s.GateHash != GateHash(&w.Spec.Gate) || !s.Clocks.DeadlineAt.Equal(at(337)) {
		t.Errorf("resolving: %+v", s)
	}
	w.Status.Audience = &v1alpha1.AudienceStatus{Eligible: 3}
	enterPhase(w, exposing, 2)
	w.Status.Clocks.LastBatchAt = at(3)
	Measured{LastBatchAt: at(3), LastConfirmedAt: at(3)}.Record(&w.Status)
	enterPhase(w, exposing, 4)
	if s := w.Status; s.Clocks.ExposureCompletedAt != nil || s.Clocks.BakeUntil != nil {
		t.Errorf("exposing: %+v", s)
	}
	Measured{LastBatchAt: at(3), LastConfirmedAt: at(6), ExposedAll: true}.Record(&w.Status)
	enterPhase(w, baking, 11)
	if s := w.Status; !s.Clocks.ExposureCompletedAt.Equal(at(6)) || !s.Clocks.BakeUntil.Equal(at(78)) {
		t.Errorf("the bake begins when the tenant shows the last batch: %+v", s.Clocks)
	}
	enterPhase(w, evaluating, 75)
	enterPhase(w, promoting, 76)
	enterPhase(w, succeeded, 77)
	enterPhase(w, succeeded, 90)
	if s := w.Status; !s.Clocks.SucceededAt.Equal(at(77)) || !s.Clocks.StartedAt.Equal(at(1)) || s.Audience == nil {
		t.Errorf("succeeded: %+v", s)
	}
}

// TestAdvanceKeepsClocks: a phase that is entered again after Held goes on with its clocks, and takes no new payload.
func TestAdvanceKeepsClocks(t *testing.T) {
	w := waveAt(exposing)
	w.Status.Attempt, w.Status.PayloadHash = 2, "sha256:old"
	w.Status.Audience = &v1alpha1.AudienceStatus{Eligible: 1}
	w.Status.Clocks = v1alpha1.Clocks{StartedAt: at(0)}
	enterPhase(w, baking, 5) // nothing was ever exposed: the bake begins now
	Advance(w, Decision{Phase: held, HeldPhase: baking, HeldReason: v1alpha1.ReasonTelemetryStale, Freeze: true}, Target{PayloadHash: "sha256:new"}, hour(6))
	if s := w.Status; s.HeldPhase != baking || s.HeldReason != v1alpha1.ReasonTelemetryStale || !s.Clocks.FrozenSince.Equal(at(6)) {
		t.Errorf("held: %+v", s)
	}
	w.Status.ClearSince = at(7)
	enterPhase(w, baking, 9)
	s := w.Status
	if !s.Clocks.ExposureCompletedAt.Equal(at(5)) || s.HeldPhase != "" || s.HeldReason != "" || s.ClearSince != nil || s.Clocks.FrozenSeconds != 3*3600 || !s.Clocks.BakeUntil.Equal(at(80)) {
		t.Errorf("back: %+v", s)
	}
	enterPhase(w, resolving, 10)
	if s := w.Status; s.PayloadHash != "sha256:old" || !s.Clocks.StartedAt.Equal(at(0)) || s.Audience == nil || s.Attempt != 2 {
		t.Errorf("resolving again: %+v", s)
	}
	enterPhase(w, rollingBack, 11)
	enterPhase(w, rollbackIncomplete, 12)
	enterPhase(w, rollingBack, 13)
	if !w.Status.Clocks.RollbackStartedAt.Equal(at(11)) {
		t.Errorf("the rollback's deadline moved: %+v", w.Status.Clocks)
	}
}

// TestNewAttempt: the closed attempt goes into the history with its numbers, and nothing of it is evidence for the next.
func TestNewAttempt(t *testing.T) {
	w := waveAt(halted)
	w.Annotations = map[string]string{v1alpha1.AnnotationRetry: "again"}
	w.Status = v1alpha1.PilotWaveStatus{
		Phase: halted, Attempt: 3, PayloadHash: "sha256:p", GateHash: "sha256:g",
		Revision: 2, Attempts: []v1alpha1.WaveAttempt{{Attempt: 3, Revision: 2, GroupID: "g"}},
		Audience: &v1alpha1.AudienceStatus{Eligible: 100}, Devices: v1alpha1.DeviceCounts{Pending: 60, Failed: 4, Succeeded: 36},
		Gate:     []v1alpha1.GateRow{{Metric: Metric, N: 40, K: 4, LowerBound: "0.7871", LookAt: 40}},
		Decision: v1alpha1.DecisionStatus{Verdict: v1alpha1.VerdictHalt, EvidenceDigest: "sha256:e"},
		Clocks:   v1alpha1.Clocks{StartedAt: at(1), LastBatchAt: at(2), FrozenSeconds: 7, RollbackStartedAt: at(3), FrozenSince: at(4)},
		Findings: []v1alpha1.Finding{{Mode: "F3"}}, Rollback: &v1alpha1.RollbackStatus{Target: 1},
	}
	Advance(w, Decision{Phase: pending, NewAttempt: true, CloseAttempt: OutcomeHalted, HandledRequest: RequestRetry, Reason: v1alpha1.ReasonAttemptStarted, Message: "m"}, Target{PayloadHash: "sha256:q"}, hour(9.0001))
	want := v1alpha1.PilotWaveStatus{
		Phase: pending, Attempt: 4, Attempts: []v1alpha1.WaveAttempt{{Attempt: 3, Revision: 2, GroupID: "g"}},
		Decision:        v1alpha1.DecisionStatus{Reason: v1alpha1.ReasonAttemptStarted, Message: "m"},
		HandledRequests: v1alpha1.HandledRequests{Retry: "again"},
		History: []v1alpha1.AttemptRecord{{Attempt: 3, Outcome: OutcomeHalted, Reason: v1alpha1.ReasonAttemptStarted, PayloadHash: "sha256:p", Revision: 2,
			N: 40, K: 4, LowerBound: "0.7871", Exposed: 40, StartedAt: at(1), EndedAt: *at(9)}},
	}
	if diff := cmp.Diff(want, w.Status); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestHistoryIsBounded: the ten newest attempts are kept, in order.
func TestHistoryIsBounded(t *testing.T) {
	w := waveAt(aborted)
	w.Status.Attempt = 1
	for i := range 25 {
		Advance(w, Decision{Phase: pending, NewAttempt: true, CloseAttempt: OutcomeAborted}, Target{}, hour(float64(i)))
		w.Status.Phase = aborted
	}
	h := w.Status.History
	if len(h) != 10 || w.Status.Attempt != 26 {
		t.Fatalf("%d records, attempt %d", len(h), w.Status.Attempt)
	}
	for i, r := range h {
		if r.Attempt != int32(16+i) || !r.EndedAt.Time.Equal(hour(float64(15+i))) || r.StartedAt != nil || r.Exposed != 0 {
			t.Errorf("record %d: %+v", i, r)
		}
	}
}

// TestRequested: the strongest request that is not handled; a new value asks again.
func TestRequested(t *testing.T) {
	const a, b, c = v1alpha1.AnnotationAbort, v1alpha1.AnnotationRollback, v1alpha1.AnnotationRetry
	for _, tt := range []struct {
		asked   map[string]string
		handled v1alpha1.HandledRequests
		want    Request
	}{
		{nil, v1alpha1.HandledRequests{}, RequestNone},
		{map[string]string{c: "1"}, v1alpha1.HandledRequests{}, RequestRetry},
		{map[string]string{a: "1", c: "1"}, v1alpha1.HandledRequests{}, RequestAbort},
		{map[string]string{a: "1", b: "1", c: "1"}, v1alpha1.HandledRequests{}, RequestRollback},
		{map[string]string{a: "1", b: "1", c: "1"}, v1alpha1.HandledRequests{Rollback: "1"}, RequestAbort},
		{map[string]string{a: "1", b: "1", c: "1"}, v1alpha1.HandledRequests{Rollback: "1", Abort: "1"}, RequestRetry},
		{map[string]string{a: "1", b: "1", c: "1"}, v1alpha1.HandledRequests{Rollback: "1", Abort: "1", Retry: "1"}, RequestNone},
		{map[string]string{b: "2"}, v1alpha1.HandledRequests{Rollback: "1"}, RequestRollback},
		{map[string]string{b: ""}, v1alpha1.HandledRequests{Rollback: "1"}, RequestNone}, // taken back
	} {
		w := waveAt(exposing)
		w.Annotations, w.Status.HandledRequests = tt.asked, tt.handled
		if got := Requested(w); got != tt.want {
			t.Errorf("%v handled %+v: %q, want %q", tt.asked, tt.handled, got, tt.want)
		}
	}
	for _, both := range []v1alpha1.WavePhase{exposing, rollbackIncomplete} { // an acceptance is of the rollback that a person saw
		w := waveAt(both)
		w.Annotations = map[string]string{b: "y", v1alpha1.AnnotationAcceptRollback: "w"}
		Advance(w, Decision{Phase: rollbackIncomplete, HandledRequest: RequestRollback}, Target{}, epoch)
		if got, want := Requested(w), map[v1alpha1.WavePhase]Request{rollbackIncomplete: RequestAccept}[both]; got != want {
			t.Errorf("%s: %q, want %q", both, got, want)
		}
		Advance(w, Decision{Phase: rolledBack, HandledRequest: RequestAccept, Reason: v1alpha1.ReasonRollbackAccepted}, Target{}, epoch)
		if got := Requested(w); got != RequestNone {
			t.Errorf("%s: %q", both, got)
		}
	}
	// Handling any request handles that one; one that stops the wave voids a retry that is already there (P9).
	for _, r := range []Request{RequestAbort, RequestRollback, RequestRetry, RequestNone} {
		w := waveAt(exposing)
		w.Annotations = map[string]string{a: "x", b: "y", c: "z"}
		Advance(w, Decision{Phase: exposing, HandledRequest: r}, Target{}, epoch)
		got := w.Status.HandledRequests
		want := map[Request]v1alpha1.HandledRequests{RequestAbort: {Abort: "x", Retry: "z"}, RequestRollback: {Rollback: "y", Retry: "z"}, RequestRetry: {Retry: "z"}}[r]
		if got != want {
			t.Errorf("%q: %+v", r, got)
		}
	}
}

// TestClearance: two newer readings without the cause, each with fresh telemetry, end Held; one with the cause starts over.
func TestClearance(t *testing.T) {
	cleared := Input{Phase: held, HeldPhase: baking, HeldReason: v1alpha1.ReasonTargetingConflict,
		Telemetry: FactOf(TelemetryFresh, ""), Evidence: FactOf(EvidenceWait, "")}
	state, since := Clearance(&cleared, nil, hour(1.0001))
	if state != ClearOnce || !since.Equal(at(1)) {
		t.Fatalf("first: %q %v", state, since)
	}
	if state, again := Clearance(&cleared, since, hour(1.0002)); state != ClearOnce || !again.Equal(since) {
		t.Errorf("the same reading counts once: %q %v", state, again)
	}
	if state, again := Clearance(&cleared, since, hour(2)); state != ClearTwice || !again.Equal(since) {
		t.Errorf("second: %q %v", state, again)
	}
	for name, change := range map[string]func(*Input){
		"cause is back":     func(in *Input) { in.Evidence.State = EvidenceConflict },
		"telemetry stale":   func(in *Input) { in.Telemetry.State = TelemetryStale },
		"telemetry unknown": func(in *Input) { in.Telemetry.State = TelemetryNotLoaded },
		"not held":          func(in *Input) { in.Phase = baking },
	} {
		in := cleared
		change(&in)
		if state, again := Clearance(&in, since, hour(2)); state != NotClear || again != nil {
			t.Errorf("%s: %q %v", name, state, again)
		}
	}
	if state, again := Clearance(&cleared, since, time.Time{}); state != NotClear || again != nil {
		t.Errorf("no reading: %q %v", state, again)
	}
	// The causes themselves, each with the evidence that shows it.
	for reason, evidence := range map[string]EvidenceState{
		v1alpha1.ReasonHeldNoData: EvidenceNone, v1alpha1.ReasonDeadlineExceeded: EvidenceWait,
	} {
		in := cleared
		in.HeldReason, in.Evidence.State = reason, evidence
		if state, _ := Clearance(&in, nil, hour(1)); state != NotClear {
			t.Errorf("%s with evidence %q: %q", reason, evidence, state)
		}
	}
}

// TestAdvanceIsStable: the same decision again, at a later time, changes nothing but what time itself moves (P12).
func TestAdvanceIsStable(t *testing.T) {
	for _, p := range append([]v1alpha1.WavePhase{"Hovering"}, everyPhase...) {
		for _, freeze := range []bool{false, true} {
			w := waveAt(pending)
			w.Status.Attempt = 1
			d := Decision{Phase: p, Reason: "R", Message: "m", Freeze: freeze}
			if p == held {
				d.HeldPhase, d.HeldReason = baking, "R"
			}
			Advance(w, d, Target{PayloadHash: "sha256:p"}, hour(1))
			before := w.Status.DeepCopy()
			Advance(w, d, Target{Revision: 9, PayloadHash: "sha256:other"}, hour(50))
			if diff := cmp.Diff(before, &w.Status); diff != "" {
				t.Errorf("%s frozen %t:\n%s", p, freeze, diff)
			}
		}
	}
}

func TestStampIsWhatTheAPIKeeps(t *testing.T) {
	in := time.Date(2026, 3, 2, 9, 0, 0, 999, time.FixedZone("CET", 3600))
	got := stamped(in)
	data, err := got.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back metav1.Time
	if err := back.UnmarshalJSON(data); err != nil || !back.Equal(got) || fmt.Sprint(got.UTC()) != "2026-03-02 08:00:00 +0000 UTC" {
		t.Errorf("%s comes back as %v, %v", data, back, err)
	}
	if v1alpha1.StampOf(time.Time{}) != nil {
		t.Error("no time is a time")
	}
}
