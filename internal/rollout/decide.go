// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Decide says what becomes of a wave. It is total (every input has a decision), deterministic, and depends on nothing but
// its argument. The first row of the table that covers the phase and whose condition holds decides.
func Decide(in Input) Decision {
	in = normalize(in)
	for _, r := range rulesOf(in.Phase) {
		if r.when.holds(&in) {
			return noteMoot(&in, noteSuspended(&in, r.decide(&in)))
		}
	}
	// Not reached: the last row of every phase holds always, which a test proves.
	return Decision{Phase: in.Phase, HeldPhase: in.HeldPhase, HeldReason: in.HeldReason, Reason: v1alpha1.ReasonInvalid,
		Message: "no row covers this state; please report it"}
}

// DecideSafety decides what does not wait for knowledge: deletion, abort, rollback, revert, pause and suspension of the Tenant,
// on the state of the cluster alone (P9). in needs no more than the phase, Deleting, Request, Paused, Suspended, Payload, Exposed and
// OnFailure; everything else may be unknown. false means that the rest has to be observed first.
func DecideSafety(in Input) (Decision, bool) {
	in = normalize(in)
	for _, r := range rulesOf(in.Phase) {
		if safetyRows[r.name] && r.when.holds(&in) {
			return noteMoot(&in, r.decide(&in)), true
		}
	}
	return Decision{}, false
}

// normalize gives a new wave its first phase, and a Held wave that lost its way a phase to go back to. Resolving is safe
// for that: from there every later phase is earned again from the facts.
func normalize(in Input) Input {
	if in.Phase == "" {
		in.Phase = v1alpha1.PhasePending
	}
	if in.Phase != v1alpha1.PhaseHeld {
		in.HeldPhase, in.HeldReason = "", ""
	} else if !slices.Contains(resumable, in.HeldPhase) {
		in.HeldPhase = v1alpha1.PhaseResolving
	}
	return in
}

// decide applies the row to an input for which its condition holds.
func (r *rule) decide(in *Input) Decision {
	d := Decision{
		Phase: in.Phase, HeldPhase: in.HeldPhase, HeldReason: in.HeldReason,
		Reason: r.reason(in), Message: r.message(in), Effect: r.effect, Freeze: r.freeze || r.freezeIf.yes(in),
		HandledRequest: r.handles, Withdraw: r.withdraws, Revert: r.reverts, Restore: r.restores, Regress: r.regresses, EndWatch: r.endsWatch,
		Rule: r.name,
	}
	switch r.next { //nolint:exhaustive // three words that are no phase, and every phase
	case stay:
	case held:
		if in.Phase != v1alpha1.PhaseHeld {
			d.HeldPhase = resumeAt(in.Phase)
		}
		d.Phase, d.HeldReason = v1alpha1.PhaseHeld, d.Reason
	case back:
		d.Phase = in.HeldPhase
	default:
		d.Phase = r.next
	}
	if d.Phase != v1alpha1.PhaseHeld {
		d.HeldPhase, d.HeldReason = "", ""
	}
	d.Freeze = d.Freeze || slices.Contains(clocked, d.Phase) && standsStill.holds(in) || d.Phase == held && in.Phase == held && heldOrOut.holds(in)
	if r.closes != nil {
		d.NewAttempt, d.CloseAttempt = true, r.closes(in)
		d.Lost = r.handles == RequestRetry && groupGone.holds(in)
	}
	return d
}

// resumeAt is where a wave goes on that is held in phase p. A promotion is not resumed, it is earned again (P3).
func resumeAt(p v1alpha1.WavePhase) v1alpha1.WavePhase {
	if p == v1alpha1.PhasePromoting {
		return v1alpha1.PhaseEvaluating
	}
	return p
}

// noteSuspended says why the clocks stand still in a wave that a suspended policy does not stop otherwise.
func noteSuspended(in *Input, d Decision) Decision {
	if in.Policy.State == PolicySuspended && d.Freeze && !stopped.holds(in) && !in.Deleting {
		d.Message += "; the clocks stand still until spec.suspend of the PasskeyPolicy is false"
	}
	return d
}

// noteMoot marks a retry as handled in a phase in which there is nothing to retry, and the acceptance of a rollback where none is
// under way. It changes nothing else, so that neither ever stands in the way of a safety check.
func noteMoot(in *Input, d Decision) Decision {
	if in.Deleting || d.HandledRequest != RequestNone {
		return d
	}
	switch {
	case in.Request == RequestRetry && !slices.Contains(retryable, in.Phase):
		d.HandledRequest = RequestRetry
		d.Message += "; the retry request changes nothing, because " + whyNoRetry(in.Phase)
	case in.Request == RequestAccept && in.Phase != rollingBack && in.Phase != rollbackIncomplete:
		d.HandledRequest = RequestAccept
		d.Message += "; there is no rollback to accept"
	}
	return d
}
