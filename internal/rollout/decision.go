// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Effect is the one thing that a decision wants done. Every effect may be repeated: after a crash the same decision
// comes back and asks for it again.
type Effect string

// The effects.
const (
	// EffectNone changes nothing outside of the status.
	EffectNone Effect = ""
	// EffectResolveAudience resolves the audience, freezes it in the ledger and upserts the managed group, still empty.
	EffectResolveAudience Effect = "ResolveAudience"
	// EffectExposeBatch adds the next batch of the ledger to the managed group.
	EffectExposeBatch Effect = "ExposeBatch"
	// EffectRepairMembership makes the managed group hold the exposed devices of the ledger, no more and no less.
	EffectRepairMembership Effect = "RepairMembership"
	// EffectExclude takes devices that are excluded now out of the managed group and marks them in the ledger: they are never
	// exposed again by this attempt, and each falls back to what it had in one change (P1, P2).
	EffectExclude Effect = "Exclude"
	// EffectRepairEarlier does for the group of an earlier attempt that stands what EffectRepairMembership does for the current one.
	EffectRepairEarlier Effect = "RepairEarlier"
	// EffectGiveUp takes earlier attempts back whose groups are gone: nothing stands for them any more.
	EffectGiveUp Effect = "GiveUp"
	// EffectJoin writes late joiners into the ledger of a growing audience; batches take it from there.
	EffectJoin Effect = "Join"
	// EffectRelease cleans up for a deletion.
	EffectRelease Effect = "Release"
	// EffectPromote records the promotion.
	EffectPromote Effect = "Promote"
)

// The outcomes of a closed attempt, as kept in status.history.
const (
	OutcomeSuperseded         = "Superseded"
	OutcomeHeld               = "Held"
	OutcomeHalted             = "Halted"
	OutcomeAborted            = "Aborted"
	OutcomeRolledBack         = "RolledBack"
	OutcomeRollbackIncomplete = "RollbackIncomplete"
	OutcomeReverted           = "Reverted"
	OutcomeLost               = "Lost"
	OutcomeRegressed          = "Regressed"
)

// Decision is what becomes of a wave in one reconcile: at most one change of phase and at most one effect.
type Decision struct {
	// Phase is the next phase; HeldPhase and HeldReason belong to Held and are empty otherwise.
	Phase      v1alpha1.WavePhase
	HeldPhase  v1alpha1.WavePhase
	HeldReason string
	// Reason is a reason constant of the api package, Message one sentence that a person can act on. Both are the same
	// for the same input.
	Reason  string
	Message string
	// Effect is what to execute in this reconcile, if anything.
	Effect Effect
	// Freeze: bake and deadline stand still from now on, until a decision without it.
	Freeze bool
	// CloseAttempt is the outcome with which the attempt goes into the history, NewAttempt opens the next one without
	// audience, payload hash, evidence and clocks. They come together.
	CloseAttempt string
	NewAttempt   bool
	// Lost: the group of the attempt that is closed is gone, so that it does not stand for anything any more.
	Lost bool
	// Withdraw: the attempt, and every other of the wave that is not proven, is taken back from its revision.
	Withdraw bool
	// Revert: the rollback that begins is the revert of the payload; it ends where the wave was before.
	Revert bool
	// Restore: the earlier attempt that stands for the payload is the current one again.
	Restore bool
	// Regress: the attempt was promoted, and halt evidence came after that.
	Regress bool
	// EndWatch: the watch after the promotion is over.
	EndWatch bool
	// HandledRequest is the request that needs no further look, whether it changed anything or not.
	HandledRequest Request
	// Rule names the row of the table that decided.
	Rule string
}

// String renders the decision in one line, for logs, explain and dry runs: what, why, and what a person can do.
func (d Decision) String() string {
	var b strings.Builder
	b.WriteString(string(d.Phase))
	if d.Phase == v1alpha1.PhaseHeld {
		fmt.Fprintf(&b, "(%s, from %s)", d.HeldReason, d.HeldPhase)
	}
	if d.Effect != EffectNone {
		fmt.Fprintf(&b, " +%s", d.Effect)
	}
	if d.Freeze {
		b.WriteString(" frozen")
	}
	if d.NewAttempt {
		fmt.Fprintf(&b, " new attempt after %s", d.CloseAttempt)
	}
	if d.Withdraw {
		b.WriteString(" withdrawn")
	}
	if d.Restore {
		b.WriteString(" restored")
	}
	if d.Regress {
		b.WriteString(" regressed")
	}
	if d.EndWatch {
		b.WriteString(" watch ended")
	}
	if d.HandledRequest != RequestNone {
		fmt.Fprintf(&b, " handled %s", d.HandledRequest)
	}
	fmt.Fprintf(&b, " [%s] %s: %s", d.Rule, d.Reason, d.Message)
	return b.String()
}
