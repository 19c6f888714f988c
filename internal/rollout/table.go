// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

const (
	pending            = v1alpha1.PhasePending
	resolving          = v1alpha1.PhaseResolving
	exposing           = v1alpha1.PhaseExposing
	baking             = v1alpha1.PhaseBaking
	evaluating         = v1alpha1.PhaseEvaluating
	promoting          = v1alpha1.PhasePromoting
	succeeded          = v1alpha1.PhaseSucceeded
	held               = v1alpha1.PhaseHeld
	halted             = v1alpha1.PhaseHalted
	rollingBack        = v1alpha1.PhaseRollingBack
	rolledBack         = v1alpha1.PhaseRolledBack
	rollbackIncomplete = v1alpha1.PhaseRollbackIncomplete
	aborted            = v1alpha1.PhaseAborted
)

// Places in the table that are no phases.
const (
	// stay as next: the phase does not change.
	stay v1alpha1.WavePhase = ""
	// back as next: the phase from which the wave was held.
	back v1alpha1.WavePhase = "the held phase"
	// unknown as a phase: one that this version does not know, written by a newer one.
	unknown v1alpha1.WavePhase = "an unknown phase"
)

// rule is one line of the table.
type rule struct {
	// name identifies the row in decisions, logs and golden files.
	name string
	// in are the phases that the row covers, when is its condition.
	in   []v1alpha1.WavePhase
	when condition
	// next is the phase that follows.
	next   v1alpha1.WavePhase
	effect Effect
	// reason and message say why.
	reason, message func(*Input) string
	// freeze stops the clocks, freezeIf under a condition.
	freeze   bool
	freezeIf condition
	// handles is the request that the row acts on.
	handles Request
	// closes is set where the attempt ends and the next begins; it gives the outcome.
	closes func(*Input) string
	// withdraws, reverts, restores, regresses and endsWatch set the decision's Withdraw, Revert, Restore, Regress and EndWatch.
	withdraws, reverts, restores, regresses, endsWatch bool
}

type phases = []v1alpha1.WavePhase

var (
	// resumable are the phases that a wave can be held in and go back to.
	resumable = phases{resolving, exposing, baking, evaluating}
	// judged are the phases in which devices are exposed and watched.
	judged = phases{exposing, baking, evaluating, promoting}
	// clocked are those in which the clocks of an attempt run.
	clocked = with(judged, resolving, held)
	// restrained are the phases in which the wave is stopped or withdrawn for good.
	restrained = phases{rollingBack, rolledBack, rollbackIncomplete}
	// halting are the phases in which a person or halt evidence has stopped the wave: only a person starts it again (P9).
	halting = phases{halted, aborted}
	// retryable are the phases from which a person may start the next attempt.
	retryable = phases{held, halted, aborted, rolledBack, rollbackIncomplete}
	// everyPhase in the order of a wave's life.
	everyPhase = phases{pending, resolving, exposing, baking, evaluating, promoting, succeeded, held, halted, rollingBack,
		rolledBack, rollbackIncomplete, aborted}
)

// table is the state machine: first match wins, section by section in the fixed order of checks (design §5, gate E4).
var table = slices.Concat(deletion, requests, reverts, rollbackProgress, pause, haltEvidence, exclusion, retry, losing,
	telemetryValidity, payloadChange, deadline, recovery, upkeep, waiting, prerequisites, resolution, batches, promotion, settled)

// safetyRows are the rows that are decided on the state of the cluster alone, before the tenant, the ledger or the fleet is
// read (P9).
var safetyRows = rowNames(deletion, requests, reverts, pause)

func rowNames(sections ...[]rule) map[string]bool {
	names := map[string]bool{}
	for _, r := range slices.Concat(sections...) {
		names[r.name] = true
	}
	return names
}

var deletion = []rule{
	{name: "delete", in: with(everyPhase, unknown), when: deleting, effect: EffectRelease,
		reason: always(v1alpha1.ReasonDeleting), message: text("the wave is being deleted: what it owns in the tenant is removed, or left in place if the policy says so")},
}

// requests act before every other check, from every phase, paused or not (P9).
var requests = []rule{
	{name: "abort", in: with(without(everyPhase, restrained, phases{aborted}), unknown), when: abortRequested,
		next: aborted, handles: RequestAbort, reason: always(v1alpha1.ReasonAborted), message: sayAborted},
	{name: "abort-in-force", in: with(restrained, aborted), when: abortRequested, handles: RequestAbort,
		reason: reasonInForce, message: text("abort requested: nothing is exposed in this phase any more, so there is nothing to stop")},
	{name: "rollback", in: with(without(everyPhase, restrained), unknown), when: all(rollbackRequested, exposed),
		next: rollingBack, withdraws: true, handles: RequestRollback, reason: always(v1alpha1.ReasonRollbackStarted),
		message: text("rollback requested: the setting is taken back from every exposed device, and the rollback ends when devices prove it")},
	{name: "rollback-nothing", in: with(without(everyPhase, restrained), unknown), when: all(rollbackRequested, nothingExposed),
		next: rolledBack, withdraws: true, handles: RequestRollback, reason: always(v1alpha1.ReasonRollbackVerified),
		message: text("rollback requested: no device was exposed, so there is nothing to take back; a retry starts the next attempt")},
	{name: "rollback-in-force", in: restrained, when: rollbackRequested, handles: RequestRollback,
		reason: reasonInForce, message: text("rollback requested: the setting has been taken back from this wave already, the request changes nothing")},
}

// reverts take a revision back that the spec no longer wants because it returned to an earlier one: that is a rollback, and
// waits for nothing. A wave that was stopped before stays stopped when it is over.
var reverts = []rule{
	{name: "revert", in: without(everyPhase, restrained, halting), when: all(payloadReverted, exposed), next: rollingBack,
		withdraws: true, reverts: true, reason: always(v1alpha1.ReasonPayloadReverted), message: sayReverted},
	{name: "revert-stopped", in: halting, when: all(payloadReverted, exposed), next: rollingBack,
		withdraws: true, reason: always(v1alpha1.ReasonPayloadReverted), message: sayReverted},
	{name: "revert-nothing", in: without(everyPhase, restrained, halting, phases{pending}), when: payloadReverted, next: pending,
		withdraws: true, closes: func(*Input) string { return OutcomeReverted },
		reason: always(v1alpha1.ReasonPayloadReverted), message: text("the payload was reverted before the wave exposed a device: the attempt is closed")},
}

// rollbackProgress comes before pause: a rollback that has begun is finished.
var rollbackProgress = []rule{
	{name: "revert-restored", in: phases{rollingBack, rollbackIncomplete}, when: all(rollbackVerified, reverting, restorable), next: succeeded,
		restores: true, closes: func(*Input) string { return OutcomeReverted },
		reason: always(v1alpha1.ReasonPromoted), message: sayRollback("the revert is verified: the devices have what this wave had proven before")},
	{name: "revert-verified", in: phases{rollingBack, rollbackIncomplete}, when: all(rollbackVerified, reverting), next: pending,
		closes: func(*Input) string { return OutcomeReverted },
		reason: always(v1alpha1.ReasonRollbackVerified), message: sayRollback("the revert is verified; the wave begins anew with the payload that the policy returned to")},
	{name: "rollback-verified", in: phases{rollingBack, rollbackIncomplete}, when: rollbackVerified, next: rolledBack,
		reason: always(v1alpha1.ReasonRollbackVerified), message: sayRollback("enough devices report that the setting is gone")},
	{name: "accept-restored", in: phases{rollingBack, rollbackIncomplete}, when: all(acceptRequested, takenBack, reverting, restorable), next: succeeded,
		handles: RequestAccept, restores: true, closes: func(*Input) string { return OutcomeReverted },
		reason: always(v1alpha1.ReasonRollbackAccepted), message: sayRollback("a person accepted the revert as it is: the wave is what it had proven before")},
	{name: "accept-reverted", in: phases{rollingBack, rollbackIncomplete}, when: all(acceptRequested, takenBack, reverting), next: pending,
		handles: RequestAccept, closes: func(*Input) string { return OutcomeReverted },
		reason: always(v1alpha1.ReasonRollbackAccepted), message: sayRollback("a person accepted the revert as it is; the wave begins anew with the payload that the policy returned to")},
	{name: "accept", in: phases{rollingBack, rollbackIncomplete}, when: all(acceptRequested, takenBack), next: rolledBack, handles: RequestAccept,
		reason: always(v1alpha1.ReasonRollbackAccepted), message: sayRollback("a person accepted the rollback as it is; a retry starts the next attempt")},
	{name: "rollback-overdue", in: phases{rollingBack}, when: rollbackOverdue, next: rollbackIncomplete,
		reason:  always(v1alpha1.ReasonRollbackIncomplete),
		message: sayRollback("too few devices report by the deadline that the setting is gone; look at the others, later reports still count")},
}

var pause = []rule{
	{name: "paused", in: with(judged, pending, resolving, held), when: paused, freeze: true,
		reason: always(v1alpha1.ReasonPaused), message: sayPaused},
	{name: "suspended", in: with(judged, pending, resolving, held), when: suspended, freeze: true,
		reason: always(v1alpha1.ReasonSuspended), message: saySuspended},
	{name: "paused-rollback", in: phases{halted}, when: all(paused, rollsBack, exposed),
		reason: always(v1alpha1.ReasonPaused), message: sayHaltedPaused},
}

// haltEvidence comes before telemetry: failures that devices have reported stay true when later reports are missing.
var haltEvidence = []rule{
	{name: "halt", in: with(judged, held), when: evidenceHalt, next: halted,
		reason: always(v1alpha1.ReasonGateHalted), message: sayHalted},
	// A promotion is not undone by what comes after it, unless that is declared; what would rest on it stops.
	{name: "late-regression", in: phases{succeeded}, when: all(watchOn, evidenceHalt), regresses: true,
		reason: always(v1alpha1.ReasonLateRegression), message: sayRegressed},
	{name: "late-rollback", in: phases{succeeded}, when: all(regressed, rollsBack, exposed, not(stopped, "not paused or suspended")), next: rollingBack,
		withdraws: true, reason: always(v1alpha1.ReasonRollbackStarted),
		message: text("regressed after the promotion with onFailure Rollback: the setting is taken back from every exposed device, and the rollback ends when devices prove it")},
	{name: "halt-rollback", in: phases{halted}, when: all(rollsBack, exposed), next: rollingBack, withdraws: true,
		reason:  always(v1alpha1.ReasonRollbackStarted),
		message: text("halted with onFailure Rollback: the setting is taken back from every exposed device, and the rollback ends when devices prove it")},
	{name: "halt-rollback-nothing", in: phases{halted}, when: all(rollsBack, nothingExposed), next: rolledBack, withdraws: true,
		reason:  always(v1alpha1.ReasonRollbackVerified),
		message: text("halted with onFailure Rollback: no device is exposed, so there is nothing to take back; a retry starts the next attempt")},
	{name: "conflict", in: judged, when: evidenceConflict, next: held,
		reason: always(v1alpha1.ReasonTargetingConflict), message: sayConflict},
	{name: "not-applicable", in: judged, when: evidenceMistargeted, next: held,
		reason: always(v1alpha1.ReasonTooManyNotApplicable), message: sayNotApplicable},
}

// exclusion acts at once, whatever else the wave waits for, and on every attempt that stands (P2).
var exclusion = []rule{
	{name: "exclude", in: everyPhase, when: all(exclusionDue, not(stopped, "not paused or suspended")), effect: EffectExclude,
		reason: always(v1alpha1.ReasonDeviceExcluded), message: sayExcluded},
}

// retry is a person's word that what stopped the wave, or what is lost, is left behind. An earlier attempt whose group is gone is
// given up by it first; where the wave itself has something to retry, that follows.
var retry = []rule{
	{name: "retry-earlier-lost", in: retryable, when: all(retryRequested, earlierGone, not(stopped, "not paused or suspended")), effect: EffectGiveUp,
		reason: always(v1alpha1.ReasonGroupLost), message: sayGivenUp},
	{name: "retry-lost", in: phases{succeeded}, when: all(retryRequested, lost), next: pending, handles: RequestRetry,
		closes: func(*Input) string { return OutcomeLost }, reason: always(v1alpha1.ReasonAttemptStarted),
		message: text("retry requested: the attempt, whose ledger or group is lost, is closed and the next one begins with a group of its own")},
	{name: "retry-regressed", in: phases{succeeded}, when: all(retryRequested, regressed), next: pending, handles: RequestRetry,
		closes: func(*Input) string { return OutcomeRegressed }, reason: always(v1alpha1.ReasonAttemptStarted),
		message: text("retry requested: the attempt, which regressed after its promotion, is closed and the next one begins with no evidence")},
	{name: "give-up-earlier", in: without(everyPhase, retryable, phases{rollingBack}),
		when:   all(retryRequested, earlierGone, not(stopped, "not paused or suspended")),
		effect: EffectGiveUp, handles: RequestRetry, reason: always(v1alpha1.ReasonGroupLost), message: sayGivenUp},
	{name: "retry", in: retryable, when: retryRequested, next: pending, handles: RequestRetry, closes: outcomeOfPhase,
		reason: always(v1alpha1.ReasonAttemptStarted), message: sayRetry},
}

// losing stops a wave whose record or group is not what this operator left: nothing can be judged or exposed by it.
var losing = []rule{
	{name: "ledger-lost", in: judged, when: ledgerBad, next: held, freeze: true, reason: reasonLedger, message: sayLedger},
	{name: "group-gone", in: judged, when: groupGone, next: held, freeze: true,
		reason: always(v1alpha1.ReasonGroupLost), message: sayGroupGone},
	{name: "loss-cleared", in: phases{held}, when: all(heldByLoss, notLost), next: back,
		reason: always(v1alpha1.ReasonHeldCauseCleared), message: sayCleared},
}

var telemetryValidity = []rule{
	// A wrong clock says nothing of how old a reading is, how long a bake lasted or when a batch is due.
	{name: "clock-wrong", in: judged, when: clockWrong, next: held, freeze: true,
		reason: always(v1alpha1.ReasonClockSkewed), message: sayTelemetry},
	{name: "telemetry-stale", in: judged, when: telemetryStale, next: held, freeze: true,
		reason: always(v1alpha1.ReasonTelemetryStale), message: sayTelemetry},
	{name: "telemetry-missing", in: judged, when: telemetryMissing, next: held, freeze: true,
		reason: always(v1alpha1.ReasonTelemetryMissing), message: sayTelemetry},
	{name: "inventory-not-loaded", in: judged, when: inventoryNotLoaded,
		reason: always(v1alpha1.ReasonInventoryNotLoaded), message: sayTelemetry},
}

var payloadChange = []rule{
	// A wave that a person or a halt has stopped is left by a retry only (P9).
	{name: "superseded", in: without(everyPhase, restrained, halting, phases{pending}), when: payloadChanged, next: pending,
		closes: func(*Input) string { return OutcomeSuperseded },
		reason: always(v1alpha1.ReasonAttemptSuperseded), message: saySuperseded},
}

var deadline = []rule{
	{name: "deadline", in: judged, when: deadlineMissed, next: held,
		reason: always(v1alpha1.ReasonDeadlineExceeded), message: sayDeadline},
	{name: "deadline-while-held", in: phases{held}, when: all(heldByEvidence, telemetryFresh, deadlineMissed), next: held,
		reason: always(v1alpha1.ReasonDeadlineExceeded), message: sayDeadline},
}

// recovery leads out of Held.
var recovery = []rule{
	{name: "audience-cleared", in: phases{held}, when: all(heldInResolving, audienceOK), next: back,
		reason: always(v1alpha1.ReasonHeldCauseCleared), message: sayCleared},
	{name: "deadline-cleared", in: phases{held}, when: all(heldLater, heldByDeadline, telemetryFresh, evidencePass),
		next: back, reason: always(v1alpha1.ReasonHeldCauseCleared), message: sayCleared},
	{name: "cause-cleared", in: phases{held},
		when: all(heldLater, not(heldByDeadline, "not by the deadline"), not(heldByLoss, "not by a loss"), telemetryFresh, causeGone),
		next: back, reason: always(v1alpha1.ReasonHeldCauseCleared), message: sayCleared},
}

// upkeep keeps what the wave's earlier attempts stand for, in every phase: their devices have it until a later attempt reaches
// them, and a rollback falls back to it. What departs from that, and is not put right, stops further exposure (P14).
var upkeep = []rule{
	{name: "repair-earlier", in: everyPhase, when: all(earlierDrifted, corrects, not(stopped, "not paused or suspended")), effect: EffectRepairEarlier,
		reason: always(v1alpha1.ReasonMembershipDrifted), message: sayEarlier},
	{name: "earlier-departed", in: phases{pending, resolving}, when: earlierDeparted, reason: reasonEarlier, message: sayEarlier},
	{name: "earlier-departed-expansion", in: phases{exposing}, when: all(exposureIncomplete, earlierDeparted), reason: reasonEarlier, message: sayEarlier},
}

// waiting is where a wave stays that nothing above moves.
var waiting = []rule{
	{name: "held", in: phases{held}, when: otherwise, freezeIf: heldOrOut, reason: reasonHeld, message: sayHeld},
	{name: "accept-waits", in: phases{rollingBack, rollbackIncomplete}, when: acceptRequested, reason: reasonInForce,
		message: sayRollback("the acceptance of the rollback waits until the policy has taken the groups of this wave out of its assignments: devices may still have it")},
	{name: "rollback-waiting", in: phases{rollingBack}, when: otherwise, reason: always(v1alpha1.ReasonRollbackWaiting),
		message: sayRollback("waiting for devices to report that the setting is gone")},
}

// prerequisites stop a wave from starting and from expanding. A wave that has proven already what the policy wants has
// nothing to start.
var prerequisites = []rule{
	{name: "restore", in: phases{pending}, when: restorable, next: succeeded, restores: true,
		reason: always(v1alpha1.ReasonPromoted), message: text("the policy returned to the payload that this wave has proven, and its devices have it")},
	{name: "policy", in: phases{pending, resolving}, when: policyBlocks, reason: reasonPolicy, message: sayPolicy},
	{name: "policy-expansion", in: phases{exposing}, when: all(exposureIncomplete, policyBlocks), reason: reasonPolicy, message: sayPolicy},
	{name: "payload-expansion", in: phases{exposing}, when: all(exposureIncomplete, payloadNotCompared),
		reason: always(v1alpha1.ReasonPolicyNotReady), message: sayPayloadUnknown},
	{name: "dependencies", in: phases{pending, resolving}, when: dependenciesBlock, reason: reasonDependencies, message: sayDependencies},
	{name: "dependencies-expansion", in: phases{exposing}, when: all(exposureIncomplete, dependenciesBlock),
		reason: reasonDependencies, message: sayDependencies},
}

var resolution = []rule{
	{name: "start-clock", in: phases{pending}, when: clockWrong, reason: always(v1alpha1.ReasonClockSkewed), message: sayTelemetry},
	{name: "start", in: phases{pending}, when: nothingBlocks, next: resolving,
		reason: always(v1alpha1.ReasonResolvingAudience), message: text("policy and dependencies are ready: the audience is resolved next")},
	{name: "resolve-outage", in: phases{resolving}, when: telemetryOut, freeze: true,
		reason: reasonTelemetry, message: sayTelemetry},
	{name: "resolve-not-loaded", in: phases{resolving}, when: inventoryNotLoaded,
		reason: always(v1alpha1.ReasonInventoryNotLoaded), message: sayTelemetry},
	{name: "audience-refused", in: phases{resolving}, when: audienceRefused, next: held, reason: reasonAudience, message: sayRefused},
	{name: "repair-empty", in: phases{resolving}, when: all(audienceOK, drifted), effect: EffectRepairMembership,
		reason: always(v1alpha1.ReasonMembershipDrifted), message: sayDrifted},
	{name: "audience-resolved", in: phases{resolving}, when: audienceOK, next: exposing,
		reason: always(v1alpha1.ReasonAudienceResolved), message: sayResolved},
	{name: "resolve", in: phases{resolving}, when: audienceOpen, effect: EffectResolveAudience,
		reason: always(v1alpha1.ReasonResolvingAudience), message: sayResolving},
}

var batches = []rule{
	// Strangers go before the group is admitted: they would get the payload with it.
	{name: "repair", in: phases{exposing}, when: drifted, effect: EffectRepairMembership,
		reason: always(v1alpha1.ReasonMembershipDrifted), message: sayDrifted},
	{name: "admission", in: phases{exposing}, when: not(admitted, "group not admitted"),
		reason: always(v1alpha1.ReasonWaitingForAdmission), message: sayAdmission},
	{name: "join", in: phases{exposing}, when: joiners, effect: EffectJoin,
		reason: always(v1alpha1.ReasonDevicesJoined), message: sayJoined},
	{name: "exposed", in: phases{exposing}, when: exposureComplete, next: baking,
		reason: always(v1alpha1.ReasonBakeStarted), message: sayExposure("every eligible device is exposed: the bake begins")},
	{name: "batch", in: phases{exposing}, when: batchDue, effect: EffectExposeBatch,
		reason: always(v1alpha1.ReasonBatchExposed), message: sayExposure("the next batch of devices is exposed")},
	{name: "batch-interval", in: phases{exposing}, when: intervalRunning,
		reason: always(v1alpha1.ReasonBatchIntervalNotOver), message: sayExposure("the interval between two batches is not over")},
	{name: "batch-unreported", in: phases{exposing}, when: tooManyUnreported,
		reason: always(v1alpha1.ReasonTooManyUnreported), message: sayExposure("the next batch waits until more of the exposed devices have reported")},
	{name: "exposing", in: phases{exposing}, when: otherwise,
		reason: always(v1alpha1.ReasonExposing), message: sayExposure("waiting to learn which devices come next")},
}

// promotion has one way in: a Pass, on the present payload, from fresh telemetry, in a phase that comes after the bake
// (P3). It takes two decisions, so that the second looks at everything again.
var promotion = []rule{
	{name: "bake-extended", in: phases{evaluating}, when: not(bakeElapsed, "bake not elapsed"), next: baking,
		reason: always(v1alpha1.ReasonBakeNotElapsed), message: sayBaking},
	{name: "no-data", in: phases{evaluating}, when: evidenceNoData, next: held,
		reason: always(v1alpha1.ReasonHeldNoData), message: sayNoData},
	{name: "repair-judged", in: phases{baking, evaluating}, when: drifted, effect: EffectRepairMembership,
		reason: always(v1alpha1.ReasonMembershipDrifted), message: sayDrifted},
	{name: "baked", in: phases{baking}, when: bakeElapsed, next: evaluating,
		reason: always(v1alpha1.ReasonGateWaiting), message: sayGate("the bake is over: the evidence is judged next")},
	{name: "baking", in: phases{baking}, when: otherwise, reason: always(v1alpha1.ReasonBakeNotElapsed), message: sayBaking},

	{name: "pass-policy", in: phases{evaluating}, when: all(evidencePass, policyBlocks), reason: reasonPolicy, message: sayPolicy},
	{name: "pass-payload", in: phases{evaluating}, when: all(evidencePass, payloadNotCompared),
		reason: always(v1alpha1.ReasonPolicyNotReady), message: sayPayloadUnknown},
	{name: "pass-dependencies", in: phases{evaluating}, when: all(evidencePass, dependenciesBlock), reason: reasonDependencies, message: sayDependencies},
	{name: "pass-earlier", in: phases{evaluating}, when: all(evidencePass, earlierDeparted), reason: reasonEarlier, message: sayEarlier},
	{name: "pass", in: phases{evaluating}, when: proof, next: promoting,
		reason: always(v1alpha1.ReasonGatePassed), message: sayGate("the gate passes: the wave is promoted next")},
	{name: "gate-waiting", in: phases{evaluating}, when: otherwise,
		reason: always(v1alpha1.ReasonGateWaiting), message: sayGate("the evidence does not suffice yet")},

	{name: "promote", in: phases{promoting}, when: proof, next: succeeded, effect: EffectPromote,
		reason: always(v1alpha1.ReasonPromoted), message: text(promotedText)},
	{name: "pass-lost", in: phases{promoting}, when: otherwise, next: evaluating,
		reason: always(v1alpha1.ReasonGateWaiting), message: text("not promoted: what the promotion rests on has changed since the gate passed, and is judged again")},
}

// settled are the phases in which a wave stays until a person or a new payload moves it.
var settled = []rule{
	{name: "succeeded-ledger", in: phases{succeeded}, when: ledgerBad, reason: reasonLedger, message: sayLedger},
	{name: "succeeded-group-gone", in: phases{succeeded}, when: groupGone, reason: always(v1alpha1.ReasonGroupLost), message: sayGroupGone},
	{name: "succeeded-paused", in: phases{succeeded}, when: all(drifted, stopped), reason: always(v1alpha1.ReasonPaused), message: sayDriftedPaused},
	{name: "repair-succeeded", in: phases{succeeded}, when: drifted, effect: EffectRepairMembership,
		reason: always(v1alpha1.ReasonMembershipDrifted), message: sayDrifted},
	{name: "regressed", in: phases{succeeded}, when: regressed, reason: always(v1alpha1.ReasonLateRegression), message: sayRegressed},
	{name: "join-succeeded", in: phases{succeeded}, when: all(joiners, telemetryFresh, not(stopped, "not paused or suspended")), effect: EffectJoin,
		reason: always(v1alpha1.ReasonDevicesJoined), message: sayJoined},
	{name: "grow", in: phases{succeeded}, when: all(growth, not(stopped, "not paused or suspended")), effect: EffectExposeBatch,
		reason: always(v1alpha1.ReasonBatchExposed), message: sayExposure("the next batch of late joiners is exposed")},
	{name: "watch-ended", in: phases{succeeded}, when: all(watchEnding, judgedNow), endsWatch: true,
		reason: always(v1alpha1.ReasonPromoted), message: saySucceeded},
	{name: "succeeded", in: phases{succeeded}, when: otherwise, reason: always(v1alpha1.ReasonPromoted), message: saySucceeded},
	{name: "halted", in: phases{halted}, when: otherwise, reason: always(v1alpha1.ReasonGateHalted), message: sayHalted},
	{name: "rolled-back-accepted", in: phases{rolledBack}, when: rollbackAccepted, reason: always(v1alpha1.ReasonRollbackAccepted),
		message: sayRollback("a person accepted the rollback as it was; a retry starts the next attempt")},
	{name: "rolled-back", in: phases{rolledBack}, when: otherwise, reason: always(v1alpha1.ReasonRollbackVerified),
		message: sayRollback("the wave is rolled back; a retry starts the next attempt")},
	{name: "rollback-incomplete", in: phases{rollbackIncomplete}, when: otherwise, reason: always(v1alpha1.ReasonRollbackIncomplete),
		message: sayRollback("too few devices report that the setting is gone; look at the others, later reports still count, and annotation " +
			v1alpha1.AnnotationAcceptRollback + " accepts it as it is")},
	{name: "aborted", in: phases{aborted}, when: otherwise, reason: always(v1alpha1.ReasonAborted), message: sayAborted},
	{name: "unknown-phase", in: phases{unknown}, when: otherwise, reason: always(v1alpha1.ReasonInvalid), message: sayUnknown},
}

// phaseIndex is the table by phase, in the same order.
var phaseIndex = byPhase(table)

func byPhase(table []rule) map[v1alpha1.WavePhase][]*rule {
	index := map[v1alpha1.WavePhase][]*rule{}
	for i := range table {
		for _, p := range table[i].in {
			index[p] = append(index[p], &table[i])
		}
	}
	return index
}

// rulesOf are the rows for a phase; one that is not known has the safety rows.
func rulesOf(p v1alpha1.WavePhase) []*rule {
	if r, ok := phaseIndex[p]; ok {
		return r
	}
	return phaseIndex[unknown]
}

func with(a phases, more ...v1alpha1.WavePhase) phases { return slices.Concat(a, more) }

func without(a phases, less ...phases) phases {
	return slices.DeleteFunc(slices.Clone(a), func(p v1alpha1.WavePhase) bool { return slices.Contains(slices.Concat(less...), p) })
}
