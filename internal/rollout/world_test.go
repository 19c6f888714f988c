// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Sizes of the world, in ticks of its clock and batches of devices.
const (
	worldBatches  = 3
	worldBake     = 4
	worldDeadline = 40
)

// world is a toy tenant with one wave: what is true, as opposed to what a wave is told. Actors change it, observe turns
// it into an input, and step lets the wave decide once and carries the decision out.
type world struct {
	in Input // what the wave was told last, and the axes that actors set directly

	payload, attemptPayload int // versions; the attempt takes one on when it leaves Pending
	attempt                 int
	batches                 int // exposed batches of this attempt
	ticks, bakeTicks        int // unfrozen time since the attempt began, and since the last batch
	frozen                  bool
	groupReady              bool

	promotions map[int]int // by attempt
	closed     []string
	exposures  int // batches in the whole history
	log        []string
}

// newWorld is healthy: everything that a wave needs is there, and devices report well.
func newWorld(action v1alpha1.FailureAction) *world {
	w := &world{payload: 1, attempt: 1, promotions: map[int]int{}}
	w.in = Input{
		Phase: pending, Policy: FactOf(PolicyReady, ""), Dependencies: FactOf(DependenciesMet, ""), Membership: FactOf(MembershipInSync, ""),
		Telemetry: FactOf(TelemetryFresh, ""), Evidence: FactOf(EvidencePass, ""), OnFailure: action,
		Audience: AudienceFact{Fact: FactOf(AudienceOK, "")}, Exposure: FactOf(ExposureDue, ""),
	}
	return w
}

// observe derives the input from the truth.
func (w *world) observe() Input {
	in := w.in
	in.Exposed = w.batches > 0
	switch w.attemptPayload {
	case 0:
		in.Payload.State = PayloadNotCompared
	case w.payload:
		in.Payload.State = PayloadSame
	default:
		in.Payload.State = PayloadChanged
	}
	if in.Audience.State == AudienceOK && in.Phase != held && !w.groupReady {
		in.Audience.State = AudienceUnresolved
	}
	if w.batches == worldBatches {
		in.Exposure.State = ExposureComplete
	}
	if w.batches == 0 && in.Evidence.State != EvidenceNone { // nobody can have reported
		in.Evidence.State = EvidenceNoData
	}
	in.BakeElapsed = w.batches == worldBatches && w.bakeTicks >= worldBake
	in.DeadlinePassed = w.attemptPayload != 0 && w.ticks >= worldDeadline
	return in
}

// step is one reconcile. A crash after the effect loses the status, one before it loses the effect.
func (w *world) step(loseEffect, loseStatus bool) (Input, Decision) {
	in := w.observe()
	d := Decide(in)
	w.log = append(w.log, fmt.Sprintf("%-18s -> %v", in.Phase, d))
	if !loseEffect {
		w.execute(d.Effect)
	}
	if !loseStatus {
		w.record(in, d)
	}
	return in, d
}

func (w *world) execute(e Effect) {
	switch e {
	case EffectResolveAudience:
		w.groupReady = true
	case EffectExposeBatch:
		w.batches, w.bakeTicks = w.batches+1, 0
		w.exposures++
	case EffectExclude:
		w.in.Exclusion.State = ""
	case EffectRepairEarlier, EffectGiveUp:
		w.in.Earlier.State = EarlierWhole
	case EffectJoin:
		w.in.Growth.State = ""
	case EffectRepairMembership:
		w.in.Membership.State = MembershipInSync
	}
}

func (w *world) record(in Input, d Decision) {
	if d.NewAttempt {
		w.closed = append(w.closed, d.CloseAttempt)
		w.in.Ledger.State, w.in.Membership.State = LedgerOK, MembershipInSync // of its own
		w.attempt, w.batches, w.ticks, w.bakeTicks, w.attemptPayload, w.groupReady = w.attempt+1, 0, 0, 0, 0, false
	}
	if in.Phase != resolving && d.Phase == resolving && w.attemptPayload == 0 {
		w.attemptPayload = w.payload
	}
	if d.Effect == EffectPromote {
		w.promotions[w.attempt]++
	}
	if d.HandledRequest != RequestNone {
		w.in.Request = RequestNone
	}
	if d.Phase != in.Phase || d.Phase != held {
		w.in.Clear = NotClear
	}
	w.in.Phase, w.in.HeldPhase, w.in.HeldReason, w.frozen = d.Phase, d.HeldPhase, d.HeldReason, d.Freeze
}

// tick lets time pass: the policy controller follows the phase, clocks run unless frozen, a Held wave is read again.
func (w *world) tick() {
	switch w.in.Phase {
	case rollingBack, rolledBack, rollbackIncomplete:
		w.in.Admission.State = AdmissionWithdrawn
	case exposing:
		w.in.Admission.State = AdmissionAdmitted
	}
	if !w.frozen {
		w.ticks, w.bakeTicks = w.ticks+1, w.bakeTicks+1
	}
	in := w.observe()
	switch {
	case in.Phase != held || causePresent(&in) || in.Telemetry.State != TelemetryFresh:
		w.in.Clear = NotClear
	case w.in.Clear == NotClear:
		w.in.Clear = ClearOnce
	default:
		w.in.Clear = ClearTwice
	}
}

// run reconciles and lets time pass until the wave rests in the phase, or fails after the bound.
func (w *world) run(t *testing.T, bound int, rest func(w *world) bool) {
	t.Helper()
	for range bound {
		if rest(w) {
			return
		}
		w.step(false, false)
		w.tick()
	}
	t.Fatalf("not there after %d steps, the last:\n%s", bound, w.tail(25))
}

func (w *world) tail(n int) string {
	s := ""
	for _, line := range w.log[max(0, len(w.log)-n):] {
		s += "  " + line + "\n"
	}
	return s
}
