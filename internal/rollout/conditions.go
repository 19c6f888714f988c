// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// condition is a question to an input that can be named in a diagram.
type condition struct {
	text  string
	holds func(*Input) bool
}

// yes is holds for a condition that may be absent.
func (c condition) yes(in *Input) bool { return c.holds != nil && c.holds(in) }

// all holds if every one of cs does.
func all(cs ...condition) condition {
	texts := make([]string, len(cs))
	for i, c := range cs {
		texts[i] = c.text
	}
	return condition{strings.Join(texts, ", "), func(in *Input) bool {
		for _, c := range cs {
			if !c.holds(in) {
				return false
			}
		}
		return true
	}}
}

// not turns c around; text is how that is said.
func not(c condition, text string) condition {
	return condition{text, func(in *Input) bool { return !c.holds(in) }}
}

var (
	otherwise = condition{"otherwise", func(*Input) bool { return true }}
	// nothingBlocks and audienceOpen are otherwise, too, and say what is left when the rows before them do not apply.
	nothingBlocks = condition{"otherwise: policy ready, dependencies met", otherwise.holds}
	audienceOpen  = condition{"otherwise: audience not resolved", otherwise.holds}

	deleting          = condition{"deletion", func(in *Input) bool { return in.Deleting }}
	abortRequested    = condition{"abort requested", func(in *Input) bool { return in.Request == RequestAbort }}
	rollbackRequested = condition{"rollback requested", func(in *Input) bool { return in.Request == RequestRollback }}
	acceptRequested   = condition{"rollback accepted", func(in *Input) bool { return in.Request == RequestAccept }}
	retryRequested    = condition{"retry requested", func(in *Input) bool { return in.Request == RequestRetry }}
	paused            = condition{"paused", func(in *Input) bool { return in.Paused }}

	suspended = condition{"Tenant suspended", func(in *Input) bool { return in.Suspended }}
	stopped   = condition{"paused or Tenant suspended", func(in *Input) bool { return in.Paused || in.Suspended }}

	exposed        = condition{"devices exposed", func(in *Input) bool { return in.Exposed }}
	nothingExposed = not(exposed, "nothing exposed")
	drifted        = condition{"managed group drifted", func(in *Input) bool { return in.Membership.State == MembershipDrifted }}
	groupGone      = condition{"managed group gone", func(in *Input) bool { return in.Membership.State == MembershipGone }}
	ledgerBad      = condition{"ledger lost or altered", func(in *Input) bool {
		return in.Ledger.State == LedgerLost || in.Ledger.State == LedgerAltered
	}}
	lost    = condition{"ledger or managed group lost", func(in *Input) bool { return ledgerBad.holds(in) || groupGone.holds(in) }}
	notLost = not(lost, "ledger and managed group there")

	exclusionDue   = condition{"devices excluded since", func(in *Input) bool { return in.Exclusion.State == ExclusionDue }}
	joiners        = condition{"devices wait to join", func(in *Input) bool { return in.Growing && in.Growth.State == GrowthDue }}
	growing        = condition{"audience grows", func(in *Input) bool { return in.Growing }}
	earlierDrifted = condition{"group of an earlier attempt drifted", func(in *Input) bool { return in.Earlier.State == EarlierDrifted }}
	earlierGone    = condition{"group of an earlier attempt gone", func(in *Input) bool { return in.Earlier.State == EarlierGone }}
	// earlierDeparted is what stops further exposure (P14).
	earlierDeparted = condition{"group of an earlier attempt drifted or gone", func(in *Input) bool {
		return earlierDrifted.holds(in) || earlierGone.holds(in)
	}}
	earlierStands = not(earlierDeparted, "groups of earlier attempts as they should be")
	corrects      = condition{"spec.drift is not Report", func(in *Input) bool { return !in.OnlyReports }}

	restorable = condition{"an earlier attempt stands for the payload", func(in *Input) bool { return in.Restorable }}
	reverting  = condition{"reverted", func(in *Input) bool { return in.Reverting }}
	inSync     = condition{"managed group in sync", func(in *Input) bool { return !drifted.holds(in) && !groupGone.holds(in) }}

	rollbackVerified = condition{"rollback verified", func(in *Input) bool { return in.Rollback.State == RollbackVerified }}
	takenBack        = condition{"nothing assigned any more", func(in *Input) bool { return in.TakenBack }}
	rollbackAccepted = condition{"ended by a person", func(in *Input) bool { return in.Accepted }}
	rollbackOverdue  = condition{"rollback overdue", func(in *Input) bool { return in.Rollback.State == RollbackOverdue }}
	watchOn          = condition{"watched after the promotion", func(in *Input) bool { return in.Watch.State == WatchOn || in.Watch.State == WatchEnding }}
	watchEnding      = condition{"the watch after the promotion is over", func(in *Input) bool { return in.Watch.State == WatchEnding }}
	regressed        = condition{"regressed after the promotion", func(in *Input) bool { return in.Watch.State == WatchRegressed }}
	judgedNow        = condition{"devices judged", func(in *Input) bool { return in.Evidence.State != EvidenceNone }}
	rollsBack        = condition{"onFailure is Rollback", func(in *Input) bool { return in.OnFailure == v1alpha1.FailureRollback }}

	telemetryFresh   = condition{"telemetry fresh", func(in *Input) bool { return in.Telemetry.State == TelemetryFresh }}
	telemetryStale   = condition{"telemetry stale", func(in *Input) bool { return in.Telemetry.State == TelemetryStale }}
	telemetryMissing = condition{"telemetry missing", func(in *Input) bool { return in.Telemetry.State == TelemetryMissing }}
	clockWrong       = condition{"clock wrong", func(in *Input) bool { return in.Telemetry.State == TelemetryClock }}
	// telemetryOut holds in an outage, but not in a process that has only just started.
	telemetryOut = condition{"telemetry stale or missing, or clock wrong", func(in *Input) bool {
		return telemetryStale.holds(in) || telemetryMissing.holds(in) || clockWrong.holds(in)
	}}
	inventoryNotLoaded = not(telemetryFresh, "inventory not loaded")

	evidencePass     = condition{"gate passes", func(in *Input) bool { return in.Evidence.State == EvidencePass }}
	evidenceHalt     = condition{"halt evidence", func(in *Input) bool { return in.Evidence.State == EvidenceHalt }}
	evidenceConflict = condition{"targeting conflict", func(in *Input) bool { return in.Evidence.State == EvidenceConflict }}
	// evidenceMistargeted: the devices are not those that the policy is for.
	evidenceMistargeted = condition{"policy does not apply on too many", func(in *Input) bool { return in.Evidence.State == EvidenceNotApplicable }}
	evidenceNoData      = condition{"no data", func(in *Input) bool { return in.Evidence.State == EvidenceNoData }}

	payloadChanged  = condition{"payload changed", func(in *Input) bool { return in.Payload.State == PayloadChanged }}
	payloadReverted = condition{"payload reverted", func(in *Input) bool { return in.Payload.State == PayloadReverted }}
	payloadSame     = condition{"payload same", func(in *Input) bool { return in.Payload.State == PayloadSame }}
	deadlineMissed  = condition{"deadline passed without a pass", func(in *Input) bool {
		return in.DeadlinePassed && in.Evidence.State != EvidencePass
	}}
	bakeElapsed = condition{"bake elapsed", func(in *Input) bool { return in.BakeElapsed }}

	policyReady        = condition{"policy ready", func(in *Input) bool { return in.Policy.State == PolicyReady }}
	policyBlocks       = not(policyReady, "policy missing or not ready")
	dependenciesMet    = condition{"dependencies met", func(in *Input) bool { return in.Dependencies.State == DependenciesMet }}
	dependenciesBlock  = not(dependenciesMet, "dependencies not met")
	payloadNotCompared = not(payloadSame, "payload not known")

	// proof is all that a promotion rests on (P3).
	proof = all(evidencePass, payloadSame, telemetryFresh, bakeElapsed, inSync, policyReady, dependenciesMet, earlierStands)

	audienceOK      = condition{"audience accepted", func(in *Input) bool { return in.Audience.State == AudienceOK }}
	audienceRefused = condition{"audience refused", func(in *Input) bool { return in.Audience.State == AudienceRefused }}

	admitted           = condition{"group admitted", func(in *Input) bool { return in.Admission.State == AdmissionAdmitted }}
	exposureComplete   = condition{"every device exposed", func(in *Input) bool { return in.Exposure.State == ExposureComplete }}
	exposureIncomplete = not(exposureComplete, "devices left to expose")
	batchDue           = condition{"batch due", func(in *Input) bool { return in.Exposure.State == ExposureDue }}
	intervalRunning    = condition{"batch interval not over", func(in *Input) bool { return in.Exposure.State == ExposureWaitInterval }}
	tooManyUnreported  = condition{"too many devices unreported", func(in *Input) bool { return in.Exposure.State == ExposureTooManyUnreported }}

	heldInResolving = condition{"held before any assignment", func(in *Input) bool { return in.HeldPhase == v1alpha1.PhaseResolving }}
	heldLater       = not(heldInResolving, "held later")
	heldByDeadline  = condition{"held by the deadline", func(in *Input) bool { return in.HeldReason == v1alpha1.ReasonDeadlineExceeded }}
	// heldByEvidence are the causes that the deadline overtakes. A telemetry outage is not among them: it stops the
	// clock of the deadline.
	heldByEvidence = condition{"held for want of usable evidence", func(in *Input) bool {
		return in.HeldPhase != v1alpha1.PhaseResolving && in.HeldReason != v1alpha1.ReasonDeadlineExceeded &&
			!slices.Contains(outages, in.HeldReason) && !slices.Contains(losses, in.HeldReason)
	}}
	heldByLoss = condition{"held by a loss", func(in *Input) bool { return slices.Contains(losses, in.HeldReason) }}
	// causeGone: two newer readings without the cause, and the present one does not show it either.
	causeGone = condition{"cause gone in two readings", func(in *Input) bool {
		return in.Clear == ClearTwice && !causePresent(in)
	}}
	heldOrOut = condition{"telemetry outage or loss", func(in *Input) bool {
		return slices.Contains(outages, in.HeldReason) || heldByLoss.holds(in) || telemetryOut.holds(in)
	}}
	// growth is all that a batch of late joiners rests on.
	growth       = all(growing, batchDue, admitted, payloadSame, telemetryFresh, policyReady, dependenciesMet, calmEvidence, earlierStands)
	calmEvidence = condition{"no halt evidence, devices well targeted", func(in *Input) bool {
		return !evidenceHalt.holds(in) && !evidenceConflict.holds(in) && !evidenceMistargeted.holds(in)
	}}
)

// standsStill is what stops the clocks whichever row decides: an exclusion or a repair in between does not start them.
var standsStill = condition{"paused, Tenant or policy suspended, telemetry outage", func(in *Input) bool {
	return stopped.holds(in) || in.Policy.State == PolicySuspended || telemetryOut.holds(in)
}}

// losses are the causes of Held that lie in what the operator keeps or owns: its ledger and the managed group. Devices may
// have lost what the attempt brought, so the clocks stand still.
var losses = []string{v1alpha1.ReasonLedgerLost, v1alpha1.ReasonLedgerAltered, v1alpha1.ReasonGroupLost}

// outages are the causes of Held during which the clocks stand still (gate E4, F4).
var outages = []string{v1alpha1.ReasonTelemetryStale, v1alpha1.ReasonTelemetryMissing, v1alpha1.ReasonClockSkewed}

// causePresent says whether the input itself still shows the cause of Held.
func causePresent(in *Input) bool {
	switch in.HeldReason {
	case v1alpha1.ReasonDeadlineExceeded:
		return !evidencePass.holds(in)
	case v1alpha1.ReasonTargetingConflict:
		return evidenceConflict.holds(in)
	case v1alpha1.ReasonTooManyNotApplicable:
		return evidenceMistargeted.holds(in)
	case v1alpha1.ReasonHeldNoData:
		return in.Evidence.State == EvidenceNoData || in.Evidence.State == EvidenceNone
	case v1alpha1.ReasonLedgerLost, v1alpha1.ReasonLedgerAltered, v1alpha1.ReasonGroupLost:
		return lost.holds(in)
	}
	return false
}
