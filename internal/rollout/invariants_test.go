// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// invariant is one statement about every situation and its decision. They come in pairs: what must not happen, and what
// must. A list of prohibitions alone is kept by a machine that never moves.
type invariant func(in *Input, d *Decision) bool

// implies is the form of an invariant: whenever a, then b.
func implies(a, b bool) bool { return !a || b }

// undisturbed: nothing that comes before the gate in the order of checks applies.
func undisturbed(in *Input) bool {
	return !in.Deleting && in.Request == RequestNone && !in.Paused && !in.Suspended && in.Payload.State != PayloadReverted &&
		in.Exclusion.State != ExclusionDue && !isLost(in) && !departed(in)
}

// departed: what an earlier attempt stands for is not what its devices have.
func departed(in *Input) bool {
	return in.Earlier.State == EarlierDrifted || in.Earlier.State == EarlierGone
}

// regresses: halt evidence in the watch after the promotion.
func regresses(in *Input) bool {
	return (in.Watch.State == WatchOn || in.Watch.State == WatchEnding) && in.Evidence.State == EvidenceHalt
}

// rollsBackLate: a late regression takes back what the wave brought.
func rollsBackLate(in *Input) bool {
	return in.Phase == succeeded && in.Watch.State == WatchRegressed && in.OnFailure == v1alpha1.FailureRollback && in.Exposed && !in.Paused && !in.Suspended
}

// isLost: what the operator keeps or owns for the wave is not there, or not what it was.
func isLost(in *Input) bool {
	return in.Ledger.State == LedgerLost || in.Ledger.State == LedgerAltered || in.Membership.State == MembershipGone
}

// undisturbedBut is undisturbed but for what departed from the earlier attempts.
func undisturbedBut(in *Input) bool {
	same := *in
	same.Earlier = Fact[EarlierState]{}
	return undisturbed(&same)
}

// judgeable: what evidence says now counts, for this payload.
func judgeable(in *Input) bool {
	return in.Telemetry.State == TelemetryFresh && in.Payload.State == PayloadSame
}

// calm: nothing in the evidence stops the wave.
func calm(in *Input) bool {
	return in.Evidence.State != EvidenceHalt && in.Evidence.State != EvidenceConflict && in.Evidence.State != EvidenceNotApplicable
}

// open: policy and dependencies let the wave start, expand and promote.
func open(in *Input) bool {
	return in.Policy.State == PolicyReady && in.Dependencies.State == DependenciesMet
}

func isJudged(p v1alpha1.WavePhase) bool { return slices.Contains(judged, p) }

// proven: all that a promotion rests on.
func proven(in *Input) bool {
	return undisturbed(in) && judgeable(in) && open(in) && in.Evidence.State == EvidencePass && in.BakeElapsed &&
		in.Membership.State != MembershipDrifted
}

func safety(r Request) bool { return r == RequestAbort || r == RequestRollback }

// invariants hold in every situation.
var invariants = map[string]invariant{
	// P3
	"promotion only from a proven Pass": func(in *Input, d *Decision) bool {
		forward := d.Effect == EffectPromote || d.Phase == promoting && in.Phase != promoting || d.Phase == succeeded && in.Phase != succeeded && !d.Restore
		retried := *in
		if in.Request == RequestRetry || in.Request == RequestAccept { // moot in these phases: it changes nothing
			retried.Request = RequestNone
		}
		return implies(forward, proven(&retried))
	},
	"a proven Pass promotes": func(in *Input, d *Decision) bool {
		return implies(in.Phase == evaluating && proven(in), d.Phase == promoting && d.Effect == EffectNone) &&
			implies(in.Phase == promoting && proven(in), d.Phase == succeeded && d.Effect == EffectPromote)
	},
	"promotion is recorded on the way from Promoting to Succeeded and nowhere else": func(in *Input, d *Decision) bool {
		return (d.Effect == EffectPromote) == (in.Phase == promoting && d.Phase == succeeded) &&
			implies(d.Phase == succeeded && in.Phase != succeeded, in.Phase == promoting || d.Restore && in.Restorable)
	},
	"a lost Pass leaves Promoting": func(in *Input, d *Decision) bool {
		return implies(in.Phase == promoting && undisturbed(in) && in.Telemetry.State == TelemetryFresh && in.Evidence.State != EvidencePass,
			d.Phase == evaluating || d.Phase == held || d.Phase == halted || d.Phase == pending)
	},

	// P4
	"only halt evidence halts": func(in *Input, d *Decision) bool {
		return implies(d.Phase == halted && in.Phase != halted, in.Evidence.State == EvidenceHalt)
	},
	"only a halted wave, a reverted payload or a person rolls back": func(in *Input, d *Decision) bool {
		begins := (d.Phase == rollingBack || d.Phase == rolledBack) && !slices.Contains(restrained, in.Phase)
		failed := in.Phase == halted || in.Phase == succeeded && in.Watch.State == WatchRegressed
		return implies(begins, in.Request == RequestRollback || failed && in.OnFailure == v1alpha1.FailureRollback ||
			in.Payload.State == PayloadReverted && in.Exposed) && implies(begins, d.Withdraw)
	},
	"what is taken back is taken back by a rollback or a revert": func(in *Input, d *Decision) bool {
		return implies(d.Withdraw, d.Phase == rollingBack || d.Phase == rolledBack || in.Payload.State == PayloadReverted && !in.Exposed && d.NewAttempt)
	},
	"a telemetry outage holds and freezes": func(in *Input, d *Decision) bool {
		out := telemetryOut.holds(in)
		return implies(isJudged(in.Phase) && undisturbed(in) && out && calm(in),
			d.Phase == held && d.Freeze && d.HeldReason == reasonTelemetry(in) && d.HeldReason == d.Reason)
	},
	"a wrong clock starts, exposes and promotes nothing": func(in *Input, d *Decision) bool {
		begins := in.Phase == pending && d.Phase == resolving
		return implies(clockWrong.holds(in), !begins && d.Effect != EffectExposeBatch && d.Effect != EffectPromote && d.Effect != EffectJoin &&
			(d.Phase != promoting || in.Phase == promoting))
	},
	"an outage during Held freezes": func(in *Input, d *Decision) bool {
		out := telemetryOut.holds(in)
		return implies(in.Phase == held && d.Phase == held && out && d.Effect == EffectNone, d.Freeze || in.Deleting)
	},
	"a lost ledger or group holds, freezes, and moves nothing": func(in *Input, d *Decision) bool {
		still := !in.Deleting && !in.Paused && !in.Suspended && !safety(in.Request) && in.Payload.State != PayloadReverted &&
			in.Exclusion.State != ExclusionDue && calm(in)
		return implies(isJudged(in.Phase) && still && isLost(in) && d.Effect != EffectGiveUp, d.Phase == held && d.Freeze && slices.Contains(losses, d.HeldReason)) &&
			implies(isLost(in), d.Effect != EffectExposeBatch && d.Effect != EffectPromote && d.Effect != EffectJoin && d.Effect != EffectRepairMembership || in.Phase == resolving) &&
			implies(in.Phase == succeeded && still && isLost(in) && !rollsBackLate(in) && in.Request == RequestNone && in.Payload.State != PayloadChanged,
				d.Phase == succeeded && (slices.Contains(losses, d.Reason) || d.Effect == EffectRepairEarlier))
	},
	"a retry leaves what is lost": func(in *Input, d *Decision) bool {
		return implies(in.Phase == succeeded && in.Request == RequestRetry && !in.Deleting && isLost(in) && in.Payload.State != PayloadReverted &&
			in.Exclusion.State != ExclusionDue && !regresses(in) && !rollsBackLate(in),
			d.Phase == pending && d.CloseAttempt == OutcomeLost && d.HandledRequest == RequestRetry)
	},
	"a retry leaves a late regression": func(in *Input, d *Decision) bool {
		asked := in.Phase == succeeded && in.Watch.State == WatchRegressed && in.Request == RequestRetry && !in.Deleting
		return implies(asked && in.Payload.State != PayloadReverted && in.Exclusion.State != ExclusionDue && !rollsBackLate(in) && !isLost(in),
			d.Phase == pending && d.CloseAttempt == OutcomeRegressed && d.HandledRequest == RequestRetry)
	},
	"unknown telemetry moves nothing but the payload and a retreat": func(in *Input, d *Decision) bool {
		return implies(isJudged(in.Phase) && undisturbed(in) && in.Telemetry.State == TelemetryNotLoaded && in.Evidence.State == EvidenceNone,
			d.Phase == in.Phase && d.Effect == EffectNone && d.Reason == v1alpha1.ReasonInventoryNotLoaded && d.Freeze == (in.Policy.State == PolicySuspended))
	},
	"no data holds after the bake": func(in *Input, d *Decision) bool {
		return implies(in.Phase == evaluating && undisturbed(in) && judgeable(in) && in.Evidence.State == EvidenceNoData && in.BakeElapsed,
			d.Phase == held && d.HeldReason == map[bool]string{
				true: v1alpha1.ReasonDeadlineExceeded, false: v1alpha1.ReasonHeldNoData}[in.DeadlinePassed])
	},
	"no data is too early to hold before the bake is over": func(in *Input, d *Decision) bool {
		return implies((in.Phase == exposing || in.Phase == baking) && undisturbed(in) && judgeable(in) &&
			in.Evidence.State == EvidenceNoData && !in.DeadlinePassed, d.Phase != held)
	},

	// P9
	"abort acts from every phase at once": func(in *Input, d *Decision) bool {
		return implies(in.Request == RequestAbort && !in.Deleting, d.HandledRequest == RequestAbort &&
			(d.Phase == aborted || d.Phase == in.Phase && slices.Contains(restrained, in.Phase)))
	},
	"rollback acts from every phase at once": func(in *Input, d *Decision) bool {
		want := rolledBack
		if in.Exposed {
			want = rollingBack
		}
		if slices.Contains(restrained, in.Phase) {
			want = in.Phase
		}
		return implies(in.Request == RequestRollback && !in.Deleting, d.HandledRequest == RequestRollback && d.Phase == want)
	},
	"a suspended Tenant stops every effect and every step of a running wave": func(in *Input, d *Decision) bool {
		running := isJudged(in.Phase) || in.Phase == pending || in.Phase == resolving || in.Phase == held
		return implies(in.Suspended && !in.Deleting, d.Effect == EffectNone && implies(running && !safety(in.Request) && in.Payload.State != PayloadReverted,
			d.Phase == in.Phase && d.Freeze))
	},
	"a reverted payload is taken back at once": func(in *Input, d *Decision) bool {
		running := !slices.Contains(restrained, in.Phase) && in.Phase != pending
		return implies(in.Payload.State == PayloadReverted && running && in.Exposed && !in.Deleting && !safety(in.Request),
			d.Phase == rollingBack && d.Withdraw && d.Revert == !slices.Contains(halting, in.Phase)) &&
			implies(in.Payload.State == PayloadReverted && running && !in.Exposed && !in.Deleting && !safety(in.Request) && !slices.Contains(halting, in.Phase),
				d.Phase == pending && d.CloseAttempt == OutcomeReverted)
	},
	"a verified revert ends where the wave was": func(in *Input, d *Decision) bool {
		over := (in.Phase == rollingBack || in.Phase == rollbackIncomplete) && in.Rollback.State == RollbackVerified && !in.Deleting && !safety(in.Request)
		return implies(over && in.Reverting && in.Restorable, d.Phase == succeeded && d.Restore && d.CloseAttempt == OutcomeReverted) &&
			implies(over && in.Reverting && !in.Restorable, d.Phase == pending && d.CloseAttempt == OutcomeReverted) &&
			implies(over && !in.Reverting, d.Phase == rolledBack)
	},
	"a rollback is accepted when nothing is assigned any more, and nothing else is": func(in *Input, d *Decision) bool {
		if in.Request != RequestAccept || in.Deleting {
			return implies(d.Reason == v1alpha1.ReasonRollbackAccepted, in.Accepted && d.Phase == in.Phase)
		}
		if in.Phase != rollingBack && in.Phase != rollbackIncomplete {
			same := *in
			same.Request = RequestNone
			was := Decide(same)
			return d.HandledRequest == RequestAccept && d.Phase == was.Phase && d.Effect == was.Effect && d.Reason == was.Reason
		}
		if in.Rollback.State == RollbackVerified {
			return true // devices have proven it, see the other rows
		}
		ends := map[v1alpha1.WavePhase]bool{rolledBack: !in.Reverting, pending: in.Reverting && !in.Restorable, succeeded: in.Reverting && in.Restorable}
		mends := !in.TakenBack && (d.Effect == EffectExclude || d.Effect == EffectRepairEarlier) // which waits for no acceptance
		return in.TakenBack == (d.HandledRequest == RequestAccept) && in.TakenBack == ends[d.Phase] && !d.Withdraw && (d.Effect == EffectNone || mends)
	},
	"who has proven the payload has nothing to start": func(in *Input, d *Decision) bool {
		return implies(d.Restore, in.Restorable) && implies(in.Phase == pending && undisturbed(in) && in.Restorable, d.Phase == succeeded && d.Restore)
	},
	"the safety rows need nothing but the cluster": func(in *Input, d *Decision) bool {
		known := Input{Phase: in.Phase, HeldPhase: in.HeldPhase, HeldReason: in.HeldReason, Deleting: in.Deleting, Request: in.Request,
			Paused: in.Paused, Suspended: in.Suspended, Payload: in.Payload, Exposed: in.Exposed, OnFailure: in.OnFailure}
		early, ok := DecideSafety(known)
		if in.Phase == rollingBack || in.Phase == rollbackIncomplete { // what devices prove comes first there
			return true
		}
		return ok == safetyRows[d.Rule] && implies(ok, early.Phase == d.Phase && early.Effect == d.Effect && early.Withdraw == d.Withdraw &&
			early.HandledRequest == d.HandledRequest && early.Rule == d.Rule)
	},
	"an exclusion acts at once": func(in *Input, d *Decision) bool {
		due := in.Exclusion.State == ExclusionDue
		moves := in.Phase == halted || rollsBackLate(in) || (in.Phase == rollingBack || in.Phase == rollbackIncomplete) && (in.Rollback.State != RollbackWaiting || in.Request == RequestAccept && in.TakenBack) ||
			in.Payload.State == PayloadReverted && in.Phase != pending && !slices.Contains(restrained, in.Phase) || in.Payload.State == PayloadReverted && in.Exposed
		return implies(d.Effect == EffectExclude, due && !in.Paused && !in.Suspended) &&
			implies(due, d.Effect != EffectExposeBatch) &&
			implies(due && !in.Deleting && !safety(in.Request) && !in.Paused && !in.Suspended && calm(in) && !moves, d.Effect == EffectExclude && d.Phase == in.Phase)
	},
	"what earlier attempts left stays, or stops further exposure": func(in *Input, d *Decision) bool {
		starts := in.Phase == pending && d.Phase == resolving || in.Phase == resolving && d.Phase == exposing ||
			d.Effect == EffectExposeBatch || d.Effect == EffectResolveAudience || d.Restore && in.Phase == pending
		due := in.Earlier.State == EarlierDrifted && !in.OnlyReports
		rests := slices.Contains(phases{pending, resolving, aborted, rolledBack, rollingBack}, in.Phase) || in.Phase == halted && in.OnFailure != v1alpha1.FailureRollback
		said := d.Reason == v1alpha1.ReasonGroupLost || d.Reason == v1alpha1.ReasonMembershipDrifted
		return implies(departed(in), !starts) &&
			implies(d.Effect == EffectRepairEarlier, due && !in.Paused && !in.Suspended && d.Phase == in.Phase) &&
			implies(due && rests && undisturbedBut(in) && in.Rollback.State == RollbackWaiting && in.Payload.State == PayloadSame, d.Effect == EffectRepairEarlier) &&
			implies(departed(in) && (in.Phase == pending || in.Phase == resolving) && undisturbedBut(in) && in.Payload.State == PayloadSame, said)
	},
	"a drifted group of an earlier attempt is repaired where nothing moves the wave": func(in *Input, d *Decision) bool {
		due := in.Earlier.State == EarlierDrifted && !in.OnlyReports && undisturbedBut(in) && in.Payload.State == PayloadSame &&
			in.Telemetry.State == TelemetryFresh && calm(in) && !in.DeadlinePassed && in.Rollback.State == RollbackWaiting
		moved := in.Phase == held && d.Phase == in.HeldPhase || in.Phase == halted && d.Phase != halted || rollsBackLate(in)
		return implies(due && !moved, d.Effect == EffectRepairEarlier)
	},
	"a retry gives up the earlier attempts whose groups are gone": func(in *Input, d *Decision) bool {
		asked := in.Request == RequestRetry && in.Earlier.State == EarlierGone && !in.Deleting && !in.Paused && !in.Suspended
		first := in.Exclusion.State == ExclusionDue || in.Payload.State == PayloadReverted || !calm(in) || in.Phase == rollingBack ||
			in.Phase == rollbackIncomplete && in.Rollback.State == RollbackVerified || in.Phase == succeeded && (isLost(in) || in.Watch.State == WatchRegressed) ||
			in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback
		return implies(asked && !first, d.Effect == EffectGiveUp && d.Phase == in.Phase)
	},
	"only a person gives up an attempt whose group is gone": func(in *Input, d *Decision) bool {
		byItself := d.CloseAttempt == OutcomeSuperseded || d.CloseAttempt == OutcomeReverted
		return implies(d.Effect == EffectGiveUp, in.Request == RequestRetry && in.Earlier.State == EarlierGone && in.Phase != rollingBack && d.Phase == in.Phase) &&
			implies(d.Lost, in.Request == RequestRetry && d.NewAttempt && in.Membership.State == MembershipGone) &&
			implies(d.NewAttempt && !byItself && in.Membership.State == MembershipGone, d.Lost) &&
			implies(d.NewAttempt && !byItself && in.Earlier.State == EarlierGone && !in.Paused && !in.Suspended,
				in.Phase == succeeded && (isLost(in) || in.Watch.State == WatchRegressed))
	},
	"late joiners come in only where the audience grows": func(in *Input, d *Decision) bool {
		takes := in.Phase == succeeded && in.Telemetry.State == TelemetryFresh || in.Phase == exposing && judgeable(in) && open(in) &&
			in.Admission.State == AdmissionAdmitted && !in.DeadlinePassed
		return implies(d.Effect == EffectJoin, in.Growing && in.Growth.State == GrowthDue && (in.Phase == exposing || in.Phase == succeeded)) &&
			implies(takes && undisturbed(in) && calm(in) && in.Growing && in.Growth.State == GrowthDue && in.Membership.State == MembershipInSync &&
				in.Payload.State == PayloadSame && in.Watch.State != WatchRegressed, d.Effect == EffectJoin)
	},
	"a safety request comes with no effect and no new attempt": func(in *Input, d *Decision) bool {
		return implies(safety(in.Request) && !in.Deleting, d.Effect == EffectNone && !d.NewAttempt)
	},
	"pause stops every effect and every step of a running wave": func(in *Input, d *Decision) bool {
		running := isJudged(in.Phase) || in.Phase == pending || in.Phase == resolving || in.Phase == held
		stands := d.Phase == in.Phase && d.Freeze && d.Reason == v1alpha1.ReasonPaused &&
			implies(in.Phase == held, d.HeldReason == in.HeldReason && d.HeldPhase == in.HeldPhase)
		return implies(in.Paused && !in.Deleting, d.Effect == EffectNone && implies(running && !safety(in.Request) && in.Payload.State != PayloadReverted, stands))
	},
	"pause delays the rollback by the gate, and only that one": func(in *Input, d *Decision) bool {
		return implies(in.Phase == halted && in.Paused && in.Exposed && in.OnFailure == v1alpha1.FailureRollback && !safety(in.Request) &&
			in.Payload.State != PayloadReverted, d.Phase == halted) &&
			implies(in.Phase == rollingBack && in.Rollback.State == RollbackVerified && !safety(in.Request) && !in.Deleting, d.Phase != rollingBack)
	},
	"deletion comes first and releases": func(in *Input, d *Decision) bool {
		return (d.Effect == EffectRelease) == in.Deleting && implies(in.Deleting, d.Phase == in.Phase && d.HandledRequest == RequestNone)
	},

	// retreat
	"halt evidence halts": func(in *Input, d *Decision) bool {
		watched := isJudged(in.Phase) || in.Phase == held
		return implies(watched && in.Evidence.State == EvidenceHalt && !in.Deleting && !in.Paused && !in.Suspended && !safety(in.Request) &&
			in.Payload.State != PayloadReverted, d.Phase == halted && d.Effect == EffectNone)
	},
	"halt evidence after the promotion is a late regression, while it is watched": func(in *Input, d *Decision) bool {
		first := in.Deleting || safety(in.Request) || in.Payload.State == PayloadReverted
		return d.Regress == (in.Phase == succeeded && regresses(in) && !first) && implies(d.Regress, d.Phase == succeeded && d.Effect == EffectNone && !d.EndWatch)
	},
	"a promotion is not undone by itself": func(in *Input, d *Decision) bool {
		undone := in.Phase == succeeded && d.Phase != succeeded
		byPerson := safety(in.Request) || in.Request == RequestRetry || in.Payload.State == PayloadChanged || in.Payload.State == PayloadReverted
		return implies(undone && !byPerson, rollsBackLate(in) && d.Phase == rollingBack && d.Withdraw)
	},
	"a late regression that shall roll back does": func(in *Input, d *Decision) bool {
		return implies(in.Phase == succeeded && undisturbed(in) && rollsBackLate(in), d.Phase == rollingBack)
	},
	"who regressed takes nobody in, and starts again on a person's word or a new payload": func(in *Input, d *Decision) bool {
		was := in.Phase == succeeded && in.Watch.State == WatchRegressed
		return implies(was, d.Effect != EffectExposeBatch && d.Effect != EffectJoin && !d.EndWatch) &&
			implies(was && d.Phase == pending, in.Request == RequestRetry && d.CloseAttempt != "" || in.Payload.State == PayloadChanged || in.Payload.State == PayloadReverted) &&
			implies(was && undisturbed(in) && in.Payload.State == PayloadSame && in.Membership.State == MembershipInSync && in.OnFailure == v1alpha1.FailureHold,
				d.Phase == succeeded && d.Reason == v1alpha1.ReasonLateRegression)
	},
	"the watch ends by a look without halt evidence": func(in *Input, d *Decision) bool {
		judged := in.Phase == succeeded && in.Watch.State == WatchEnding && in.Evidence.State != EvidenceHalt && in.Evidence.State != EvidenceNone
		return implies(d.EndWatch, judged) && implies(judged && undisturbed(in) && in.Payload.State == PayloadSame &&
			in.Membership.State == MembershipInSync && in.Growth.State != GrowthDue && in.Exposure.State != ExposureDue, d.EndWatch)
	},
	"the clocks stand still while nobody looks": func(in *Input, d *Decision) bool {
		out := in.Telemetry.State == TelemetryStale || in.Telemetry.State == TelemetryMissing
		still := in.Paused || in.Suspended || in.Policy.State == PolicySuspended || out
		return implies(still && slices.Contains(clocked, d.Phase), d.Freeze)
	},
	"a halted wave that shall roll back does": func(in *Input, d *Decision) bool {
		return implies(in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback && undisturbed(in) && in.Exposed, d.Phase == rollingBack)
	},
	"a halted wave that shall hold does": func(in *Input, d *Decision) bool {
		return implies(in.Phase == halted && in.OnFailure == v1alpha1.FailureHold && undisturbed(in), d.Phase == halted && d.Effect == EffectNone)
	},
	"a targeting conflict holds": func(in *Input, d *Decision) bool {
		return implies(isJudged(in.Phase) && undisturbed(in) && in.Evidence.State == EvidenceConflict,
			d.Phase == held && d.HeldReason == v1alpha1.ReasonTargetingConflict)
	},
	"a payload that does not apply on too many holds": func(in *Input, d *Decision) bool {
		return implies(isJudged(in.Phase) && undisturbed(in) && in.Evidence.State == EvidenceNotApplicable,
			d.Phase == held && d.HeldReason == v1alpha1.ReasonTooManyNotApplicable)
	},
	"a rollback ends by proof or overdue, and never otherwise": func(in *Input, d *Decision) bool {
		return implies(in.Phase == rollingBack && undisturbed(in) && !in.Reverting, d.Phase == map[RollbackState]v1alpha1.WavePhase{
			RollbackWaiting: rollingBack, RollbackVerified: rolledBack, RollbackOverdue: rollbackIncomplete}[in.Rollback.State])
	},

	// exposure
	"a batch goes out only from a wave in which nothing blocks": func(in *Input, d *Decision) bool {
		return implies(d.Effect == EffectExposeBatch, (in.Phase == exposing || in.Phase == succeeded && in.Growing) && d.Phase == in.Phase &&
			!in.Deleting && !in.Paused && !in.Suspended && !isLost(in) &&
			!safety(in.Request) && judgeable(in) && open(in) && in.Admission.State == AdmissionAdmitted &&
			in.Exposure.State == ExposureDue && in.Membership.State != MembershipDrifted && in.Exclusion.State != ExclusionDue &&
			calm(in) && (!in.DeadlinePassed || in.Evidence.State == EvidencePass || in.Phase == succeeded))
	},
	"a due batch goes out when nothing blocks": func(in *Input, d *Decision) bool {
		return implies(in.Phase == exposing && undisturbed(in) && judgeable(in) && open(in) && in.Admission.State == AdmissionAdmitted &&
			in.Exposure.State == ExposureDue && in.Membership.State != MembershipDrifted && calm(in) && !in.DeadlinePassed && in.Growth.State != GrowthDue, d.Effect == EffectExposeBatch) &&
			implies(in.Phase == succeeded && in.Growing && undisturbed(in) && judgeable(in) && open(in) && in.Admission.State == AdmissionAdmitted &&
				in.Exposure.State == ExposureDue && in.Membership.State != MembershipDrifted && calm(in) && in.Growth.State != GrowthDue && in.Watch.State != WatchRegressed,
				d.Effect == EffectExposeBatch)
	},
	"the audience is resolved only in Resolving, from fresh telemetry": func(in *Input, d *Decision) bool {
		return implies(d.Effect == EffectResolveAudience, in.Phase == resolving && !in.Paused && !in.Suspended && open(in) &&
			in.Telemetry.State == TelemetryFresh && in.Audience.State == AudienceUnresolved)
	},
	"an unresolved audience is resolved when nothing blocks": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && undisturbed(in) && judgeable(in) && open(in) && in.Audience.State == AudienceUnresolved,
			d.Effect == EffectResolveAudience)
	},
	"a refused audience holds before any assignment": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && undisturbed(in) && judgeable(in) && open(in) && in.Audience.State == AudienceRefused,
			d.Phase == held && d.HeldPhase == resolving && d.HeldReason == reasonAudience(in))
	},
	"exposure begins only with an accepted audience": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && d.Phase == exposing, in.Audience.State == AudienceOK)
	},
	"a drifted group is repaired in the phases that rely on it, and no other": func(in *Input, d *Decision) bool {
		relies := in.Phase == succeeded && !rollsBackLate(in) || in.Phase == baking && in.BakeElapsed ||
			in.Phase == exposing && open(in) || in.Phase == resolving && in.Audience.State == AudienceOK && open(in)
		return implies(d.Effect == EffectRepairMembership, in.Membership.State == MembershipDrifted && !in.Paused && !in.Suspended) &&
			implies(relies && undisturbed(in) && judgeable(in) && in.Membership.State == MembershipDrifted && !in.DeadlinePassed && calm(in),
				d.Effect == EffectRepairMembership && d.Phase == in.Phase)
	},
	"a group is admitted without strangers": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && d.Phase == exposing, in.Membership.State != MembershipDrifted)
	},
	"a wave starts when policy and dependencies let it": func(in *Input, d *Decision) bool {
		may := open(in) && !in.Restorable && in.Telemetry.State != TelemetryClock
		return implies(in.Phase == pending && d.Phase == resolving, may) && implies(in.Phase == pending && undisturbed(in) && may, d.Phase == resolving)
	},

	"the bake begins when every device is exposed, and only then": func(in *Input, d *Decision) bool {
		ready := undisturbed(in) && judgeable(in) && calm(in) && !in.DeadlinePassed && in.Admission.State == AdmissionAdmitted &&
			in.Membership.State != MembershipDrifted
		return implies(in.Phase == exposing && d.Phase == baking, in.Exposure.State == ExposureComplete) &&
			implies(in.Phase == exposing && ready && in.Exposure.State == ExposureComplete && (!in.Growing || in.Growth.State != GrowthDue), d.Phase == baking)
	},
	"the evidence is judged after the bake, and only then": func(in *Input, d *Decision) bool {
		ready := undisturbed(in) && judgeable(in) && calm(in) && !in.DeadlinePassed && in.Membership.State != MembershipDrifted
		return implies(in.Phase == baking && ready, (d.Phase == evaluating) == in.BakeElapsed) &&
			implies(in.Phase == evaluating && ready && !in.BakeElapsed, d.Phase == baking) &&
			implies(in.Phase == baking && d.Phase == evaluating, in.BakeElapsed)
	},
	"an outage in Resolving freezes": func(in *Input, d *Decision) bool {
		out := telemetryOut.holds(in)
		return implies(in.Phase == resolving && undisturbed(in) && in.Payload.State != PayloadChanged && open(in) && out,
			d.Phase == resolving && d.Freeze && d.Effect == EffectNone && d.Reason == reasonTelemetry(in))
	},

	// attempts
	"a changed payload closes the attempt": func(in *Input, d *Decision) bool {
		fresh := !isJudged(in.Phase) || in.Telemetry.State == TelemetryFresh
		exempt := in.Phase == pending || slices.Contains(restrained, in.Phase) || slices.Contains(halting, in.Phase) ||
			in.Phase == held && slices.Contains(losses, in.HeldReason) || rollsBackLate(in)
		return implies(in.Payload.State == PayloadChanged && undisturbed(in) && fresh && calm(in) && !exempt,
			d.Phase == pending && d.NewAttempt && d.CloseAttempt == OutcomeSuperseded && !d.Withdraw)
	},
	"who was stopped by a person or a halt starts again only on a person's word": func(in *Input, d *Decision) bool {
		stopped := slices.Contains(halting, in.Phase) || in.Phase == rolledBack || in.Phase == rollbackIncomplete && !in.Reverting
		away := d.Phase == pending || d.Phase == resolving || isJudged(d.Phase) || d.Phase == succeeded
		return implies(stopped && away, in.Request == RequestRetry && d.HandledRequest == RequestRetry)
	},
	"an attempt ends by a changed payload or a retry, and never by itself": func(in *Input, d *Decision) bool {
		byItself := in.Payload.State == PayloadChanged || in.Payload.State == PayloadReverted || in.Reverting && (in.Rollback.State == RollbackVerified || in.Request == RequestAccept && in.TakenBack)
		return d.NewAttempt == (d.CloseAttempt != "") && implies(in.Phase != pending && d.Phase == pending, d.NewAttempt) &&
			implies(d.NewAttempt, d.Phase == pending || d.Restore) &&
			implies(d.NewAttempt, byItself || d.HandledRequest == RequestRetry && in.Request == RequestRetry) &&
			implies(d.NewAttempt && !byItself, slices.Contains(retryable, in.Phase) || in.Phase == succeeded && (isLost(in) || in.Watch.State == WatchRegressed)) &&
			implies(d.NewAttempt, d.Effect == EffectNone)
	},
	"a retry starts an attempt where there is something to retry, and is answered elsewhere": func(in *Input, d *Decision) bool {
		if in.Request != RequestRetry || in.Deleting {
			return true
		}
		if in.Phase == succeeded && (isLost(in) || in.Watch.State == WatchRegressed) {
			return true // see "a retry leaves what is lost", "who regressed …"
		}
		if d.Effect == EffectGiveUp { // what there is to retry is next
			return (d.HandledRequest == RequestNone) == slices.Contains(retryable, in.Phase)
		}
		if !slices.Contains(retryable, in.Phase) {
			same := *in
			same.Request = RequestNone
			was := Decide(same)
			return d.HandledRequest == RequestRetry && d.Phase == was.Phase && d.Effect == was.Effect && d.Reason == was.Reason
		}
		excluded := in.Exclusion.State == ExclusionDue && !in.Paused && !in.Suspended
		reverted := in.Payload.State == PayloadReverted && (in.Phase == held || slices.Contains(halting, in.Phase) && in.Exposed)
		later := in.Phase == held && (in.Paused || in.Suspended || in.Evidence.State == EvidenceHalt) || excluded || reverted ||
			in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback ||
			in.Phase == rollbackIncomplete && in.Rollback.State == RollbackVerified
		return later == (d.HandledRequest == RequestNone) && implies(!later, d.NewAttempt)
	},
	"only the request that is there is handled": func(in *Input, d *Decision) bool {
		return d.HandledRequest == RequestNone || d.HandledRequest == in.Request
	},

	// Held
	"Held knows why and where from, and no other phase does": func(in *Input, d *Decision) bool {
		if d.Phase != held {
			return d.HeldPhase == "" && d.HeldReason == ""
		}
		return slices.Contains(resumable, d.HeldPhase) && implies(in.Phase != held, d.HeldReason != "" && d.HeldReason == d.Reason) &&
			implies(in.Phase == held, d.HeldPhase == in.HeldPhase)
	},
	"Held ends where it began, and only when its cause is gone": func(in *Input, d *Decision) bool {
		resumes := in.Phase == held && slices.Contains(resumable, d.Phase)
		loss := slices.Contains(losses, in.HeldReason)
		gone := in.Clear == ClearTwice && in.HeldReason != v1alpha1.ReasonDeadlineExceeded && !loss ||
			in.HeldReason == v1alpha1.ReasonDeadlineExceeded && in.Evidence.State == EvidencePass
		return implies(resumes, d.Phase == in.HeldPhase && d.Effect == EffectNone && d.Reason == v1alpha1.ReasonHeldCauseCleared) &&
			implies(resumes && in.HeldPhase == resolving && !loss, in.Audience.State == AudienceOK) &&
			implies(resumes && in.HeldPhase != resolving && !loss, gone && in.Telemetry.State == TelemetryFresh) &&
			implies(resumes && loss, !isLost(in) || in.HeldPhase == resolving && in.Audience.State == AudienceOK)
	},
	"Held ends when its cause is gone": func(in *Input, d *Decision) bool {
		ready := undisturbed(in) && in.Phase == held && judgeable(in) && !in.DeadlinePassed
		good := in.Evidence.State == EvidenceWait || in.Evidence.State == EvidencePass
		return implies(ready && good && in.HeldPhase != resolving && in.HeldReason != v1alpha1.ReasonDeadlineExceeded && in.Clear == ClearTwice,
			d.Phase == in.HeldPhase) &&
			implies(ready && calm(in) && slices.Contains(losses, in.HeldReason), d.Phase == in.HeldPhase) &&
			implies(ready && in.HeldPhase != resolving && in.HeldReason == v1alpha1.ReasonDeadlineExceeded && in.Evidence.State == EvidencePass,
				d.Phase == in.HeldPhase) &&
			implies(ready && in.HeldPhase == resolving && in.Audience.State == AudienceOK && in.Evidence.State != EvidenceHalt, d.Phase == resolving)
	},
	"a wave past its deadline waits for a person": func(in *Input, d *Decision) bool {
		missed := undisturbed(in) && judgeable(in) && in.DeadlinePassed && in.Evidence.State != EvidencePass && calm(in)
		stuck := d.Phase == held && d.HeldReason == v1alpha1.ReasonDeadlineExceeded
		outage := slices.Contains(outages, in.HeldReason) || slices.Contains(losses, in.HeldReason)
		return implies(missed && isJudged(in.Phase), stuck) &&
			implies(missed && in.Phase == held && in.HeldPhase != resolving && !outage, stuck)
	},

	// clocks
	"clocks stand still in a pause or an outage, and never otherwise": func(in *Input, d *Decision) bool {
		out := telemetryOut.holds(in) ||
			in.Phase == held && slices.Contains(slices.Concat(outages, losses), in.HeldReason)
		return implies(d.Freeze, in.Paused || in.Suspended || in.Policy.State == PolicySuspended || out || isLost(in))
	},

	// the graph, written down by hand a second time
	"only these steps": func(in *Input, d *Decision) bool {
		return d.Phase == in.Phase || slices.Contains(steps[in.Phase], d.Phase)
	},
}

// steps are the changes of phase that the design allows; a second, independent statement of the table.
var steps = map[v1alpha1.WavePhase]phases{
	pending:            {resolving, succeeded, aborted, rollingBack, rolledBack},
	resolving:          {exposing, held, pending, aborted, rollingBack, rolledBack},
	exposing:           {baking, held, halted, pending, aborted, rollingBack, rolledBack},
	baking:             {evaluating, held, halted, pending, aborted, rollingBack, rolledBack},
	evaluating:         {promoting, baking, held, halted, pending, aborted, rollingBack, rolledBack},
	promoting:          {succeeded, evaluating, held, halted, pending, aborted, rollingBack, rolledBack},
	succeeded:          {pending, aborted, rollingBack, rolledBack},
	held:               {resolving, exposing, baking, evaluating, halted, pending, aborted, rollingBack, rolledBack},
	halted:             {rollingBack, rolledBack, pending, aborted},
	rollingBack:        {rolledBack, rollbackIncomplete, succeeded, pending},
	rolledBack:         {pending},
	rollbackIncomplete: {rolledBack, pending, succeeded},
	aborted:            {pending, rollingBack, rolledBack},
}

// mustHold fails for each of the named invariants that has a counterexample.
func mustHold(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := invariants[name]; !ok {
			t.Errorf("no invariant %q", name)
		}
		if example, ok := walked(t).broken[name]; ok {
			t.Errorf("broken: %s\n%s", name, example)
		}
	}
}

func TestPromise03_PromotedOnceAndOnlyFromAPass(t *testing.T) {
	mustHold(t,
		"promotion only from a proven Pass",
		"a proven Pass promotes",
		"promotion is recorded on the way from Promoting to Succeeded and nowhere else",
		"a lost Pass leaves Promoting",
	)
}

func TestPromise04_UnknownIsNeitherPassNorFailure(t *testing.T) {
	mustHold(t,
		"only halt evidence halts",
		"only a halted wave, a reverted payload or a person rolls back",
		"a telemetry outage holds and freezes",
		"a wrong clock starts, exposes and promotes nothing",
		"an outage during Held freezes",
		"unknown telemetry moves nothing but the payload and a retreat",
		"no data holds after the bake",
		"no data is too early to hold before the bake is over",
	)
}

func TestPromise09_SafetyVerbsActFromEveryPhase(t *testing.T) {
	mustHold(t,
		"abort acts from every phase at once",
		"rollback acts from every phase at once",
		"a safety request comes with no effect and no new attempt",
		"pause stops every effect and every step of a running wave",
		"pause delays the rollback by the gate, and only that one",
		"a suspended Tenant stops every effect and every step of a running wave",
		"a reverted payload is taken back at once",
		"the safety rows need nothing but the cluster",
		"who was stopped by a person or a halt starts again only on a person's word",
	)
}

func TestPromise07_DeletionComesFirst(t *testing.T) {
	mustHold(t, "deletion comes first and releases")
}

// TestInvariants holds all of them, so that none is forgotten.
func TestInvariants(t *testing.T) {
	t.Logf("%d situations, %d invariants", walked(t).situations, len(invariants))
	for name := range invariants {
		t.Run(name, func(t *testing.T) { mustHold(t, name) })
	}
}
