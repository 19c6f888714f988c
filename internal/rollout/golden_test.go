// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit/golden"
)

// example is a situation with a story.
type example struct {
	name string
	// change is applied to a wave in good order in the phase.
	phase  v1alpha1.WavePhase
	change func(in *Input)
}

// goodOrder is a wave in a phase in which nothing is wrong, and nothing is to be done either.
func goodOrder(phase v1alpha1.WavePhase) Input {
	in := Input{
		Phase: phase, Policy: FactOf(PolicyReady, ""), Payload: FactOf(PayloadSame, ""), Dependencies: FactOf(DependenciesMet, ""),
		Admission: FactOf(AdmissionAdmitted, ""), Exposure: FactOf(ExposureComplete, ""), Membership: FactOf(MembershipInSync, ""),
		Telemetry: FactOf(TelemetryFresh, ""), OnFailure: v1alpha1.FailureHold,
		Evidence: FactOf(EvidenceWait, "61 of 80 matured devices reported, 92 clean reports are needed for the floor 0.95"),
		Audience: AudienceFact{Fact: FactOf(AudienceOK, "118 devices targeted, 112 eligible")},
	}
	switch phase {
	case "", pending, resolving:
		in.Exposed = false
	case exposing:
		in.Exposed, in.Exposure = true, FactOf(ExposureDue, "25 of 112 eligible devices are exposed, the next 25 follow")
	case held:
		in.Exposed, in.HeldPhase, in.HeldReason = true, baking, v1alpha1.ReasonTelemetryStale
	default:
		in.Exposed = true
	}
	return in
}

var (
	haltText  = FactOf(EvidenceHalt, "4 of 12 devices failed; evidence 54.2 against the tolerated rate 0.05 exceeds 20")
	passText  = FactOf(EvidencePass, "92 of 93 reports are clean, lower bound 0.95001 reaches the floor 0.95")
	clockText = FactOf(TelemetryClock, ClockText(-30*24*time.Hour))
	staleText = FactOf(TelemetryStale, "the inventory is 31h old, gate.maxTelemetryAge is 26h.")
	progress  = FactOf(RollbackWaiting, "92 of 100 devices verified, 95 needed; 7 unreachable, 1 unconfirmed")
)

const (
	earlierText = "group g1 of attempt 1, which stands for r1, lacks 1 exposed devices and has 2 members that this wave did not expose"
	goneText    = "group g1 of attempt 1, which stands for r1, was deleted in the tenant, so that its devices do not have that revision any more"
)

// examples are the situations whose rendering is kept, with the scenario of gate F that they belong to.
var examples = []example{
	{"a new wave", "", func(in *Input) {
		in.Payload, in.Audience, in.Evidence = Fact[PayloadState]{}, AudienceFact{}, Fact[EvidenceState]{}
	}},
	{"waiting for another wave", pending, func(in *Input) {
		in.Dependencies = FactOf(DependenciesWaiting, "waiting for wave ring-0 (Baking)")
	}},
	{"policy missing", pending, func(in *Input) { in.Policy = FactOf(PolicyMissing, "") }},
	{"proven already", pending, func(in *Input) { in.Restorable = true }},
	{"tenant suspended", baking, func(in *Input) { in.Suspended = true }},
	{"payload reverted", baking, func(in *Input) { in.Payload = FactOf(PayloadReverted, "the spec returned to revision 1") }},
	{"payload reverted, halted before", halted, func(in *Input) { in.Payload = FactOf(PayloadReverted, "") }},
	{"payload reverted before the first device", resolving, func(in *Input) { in.Payload = FactOf(PayloadReverted, "") }},
	{"revert verified", rollingBack, func(in *Input) { in.Reverting, in.Rollback = true, FactOf(RollbackVerified, "") }},
	{"revert verified, proven before", rollingBack, func(in *Input) {
		in.Reverting, in.Restorable, in.Rollback = true, true, FactOf(RollbackVerified, "")
	}},
	{"payload edited after a halt", halted, func(in *Input) { in.Payload = FactOf(PayloadChanged, "") }},
	{"payload edited after an abort", aborted, func(in *Input) { in.Payload = FactOf(PayloadChanged, "") }},
	{"payload not known while devices wait", exposing, func(in *Input) { in.Payload = Fact[PayloadState]{} }},
	{"ledger lost", exposing, func(in *Input) { in.Ledger = FactOf(LedgerLost, "") }},
	{"ledger altered", succeeded, func(in *Input) { in.Ledger = FactOf(LedgerAltered, "") }},
	{"ledger found again", held, func(in *Input) { in.HeldReason, in.Ledger = v1alpha1.ReasonLedgerLost, FactOf(LedgerOK, "") }},
	{"group deleted while baking", baking, func(in *Input) { in.Membership = FactOf(MembershipGone, "") }},
	{"group still gone", held, func(in *Input) { in.HeldReason, in.Membership = v1alpha1.ReasonGroupLost, FactOf(MembershipGone, "") }},
	{"group deleted after the success", succeeded, func(in *Input) { in.Membership = FactOf(MembershipGone, "") }},
	{"retry of a lost group", succeeded, func(in *Input) { in.Membership, in.Request = FactOf(MembershipGone, ""), RequestRetry }},
	{"excluded since", baking, func(in *Input) { in.Exclusion = FactOf(ExclusionDue, "7 devices of this attempt are excluded now") }},
	{"excluded while the next attempt waits", pending, func(in *Input) {
		in.Exclusion = FactOf(ExclusionDue, "2 devices of attempt 1 are newly excluded, 2 excluded devices leave its group g1")
	}},
	{"excluded after a rollback", rolledBack, func(in *Input) {
		in.Exclusion = FactOf(ExclusionDue, "0 devices of attempt 1 are newly excluded, 1 excluded devices leave its group g1")
	}},
	{"strangers in an earlier group", pending, func(in *Input) { in.Earlier = FactOf(EarlierDrifted, earlierText) }},
	{"strangers in an earlier group, drift Report", exposing, func(in *Input) {
		in.Earlier, in.OnlyReports = FactOf(EarlierDrifted, earlierText), true
	}},
	{"strangers in an earlier group, drift Report, the gate passes", evaluating, func(in *Input) {
		in.BakeElapsed, in.Evidence, in.Earlier, in.OnlyReports = true, passText, FactOf(EarlierDrifted, earlierText), true
	}},
	{"earlier group deleted", pending, func(in *Input) { in.Earlier = FactOf(EarlierGone, goneText) }},
	{"retry of a wave whose earlier group is deleted", succeeded, func(in *Input) {
		in.Earlier, in.Request = FactOf(EarlierGone, goneText), RequestRetry
	}},
	{"retry after an abort, earlier group deleted", aborted, func(in *Input) {
		in.Earlier, in.Request = FactOf(EarlierGone, goneText), RequestRetry
	}},
	{"joiners", succeeded, func(in *Input) { in.Growing, in.Growth = true, FactOf(GrowthDue, "3 devices became eligible") }},
	{"joiners go out", succeeded, func(in *Input) { in.Growing, in.Exposure = true, FactOf(ExposureDue, "3 of 3 devices go out now") }},
	{"growing wave regresses", succeeded, func(in *Input) { in.Growing, in.Evidence, in.Watch = true, haltText, FactOf(WatchOn, "") }},
	{"asked, not confirmed", exposing, func(in *Input) {
		in.Exposure = FactOf(ExposureUnconfirmed, "the tenant does not show 12 of 112 devices in the group yet")
	}},
	{"strangers before the admission", exposing, func(in *Input) {
		in.Admission, in.Membership = FactOf(AdmissionAdmitting, ""), FactOf(MembershipDrifted, "the managed group has 2 devices that the wave did not expose")
	}},
	{"retry before the start", pending, func(in *Input) { in.Request = RequestRetry }},
	{"audience to resolve", resolving, func(in *Input) { in.Audience = AudienceFact{} }},
	{"audience too ineligible (gate F13)", resolving, func(in *Input) {
		in.Audience = AudienceFact{FactOf(AudienceRefused, "41 of 118 devices (35 %) miss a prerequisite, audience.maxIneligiblePercent is 20; 41 x EdgeTooOld"), v1alpha1.ReasonAudienceIneligible}
	}},
	{"audience accepted", resolving, func(*Input) {}},
	{"group on its way", exposing, func(in *Input) { in.Admission = FactOf(AdmissionAdmitting, "") }},
	{"batch due", exposing, func(*Input) {}},
	{"batch not due", exposing, func(in *Input) {
		in.Exposure = FactOf(ExposureWaitInterval, "the next batch follows at 2026-03-01T18:00Z")
	}},
	{"dependency lost while exposing", exposing, func(in *Input) { in.Dependencies = FactOf(DependenciesFailed, "wave ring-0 is Aborted; retry it") }},
	{"too many silent", exposing, func(in *Input) {
		in.Exposure = FactOf(ExposureTooManyUnreported, "52 exposed devices have not reported, exposure.maxUnreported is 50")
	}},
	{"guard blocks expansion", exposing, func(in *Input) {
		in.Policy = FactOf(PolicyNotReady, "conditional access policy \"Require phishing-resistant MFA\" would lock the audience out")
	}},
	{"foreign edit of the group", exposing, func(in *Input) {
		in.Membership = FactOf(MembershipDrifted, "the managed group has 2 devices that the wave did not expose and lacks 1 that it did")
	}},
	{"all exposed", exposing, func(in *Input) {
		in.Exposure = FactOf(ExposureComplete, "112 of 112 eligible devices are exposed: the bake begins")
	}},
	{"baking", baking, func(*Input) {}},
	{"paused bake", baking, func(in *Input) { in.Paused = true }},
	{"paused with halt evidence", baking, func(in *Input) { in.Paused, in.Evidence = true, haltText }},
	{"fast halt (gate F6)", exposing, func(in *Input) { in.Evidence = haltText }},
	{"halt with rollback", exposing, func(in *Input) { in.Evidence, in.OnFailure = haltText, v1alpha1.FailureRollback }},
	{"halted, rollback follows", halted, func(in *Input) { in.Evidence, in.OnFailure = haltText, v1alpha1.FailureRollback }},
	{"halted and held", halted, func(in *Input) { in.Evidence = haltText }},
	{"outage begins (F4)", baking, func(in *Input) { in.Telemetry = staleText }},
	{"outage lasts", held, func(in *Input) { in.Telemetry = staleText }},
	{"outage over, first reading", held, func(in *Input) { in.Clear = ClearOnce }},
	{"outage over, second reading", held, func(in *Input) { in.Clear = ClearTwice }},
	{"clock wrong", pending, func(in *Input) { in.Telemetry = clockText }},
	{"clock wrong", exposing, func(in *Input) { in.Telemetry = clockText }},
	{"clock wrong", promoting, func(in *Input) { in.Telemetry = clockText; in.Evidence = FactOf(EvidencePass, "") }},
	{"after a restart", baking, func(in *Input) { in.Telemetry = Fact[TelemetryState]{} }},
	{"zero data (F3)", evaluating, func(in *Input) {
		in.BakeElapsed, in.Evidence = true, FactOf(EvidenceNoData, "0 of 80 exposed devices have a result for this payload")
	}},
	{"offline is not failed (gate F12)", evaluating, func(in *Input) {
		in.BakeElapsed, in.DeadlinePassed = true, true
		in.Evidence = FactOf(EvidenceWait, "70 of 100 matured devices reported: observed 0.971, worst case 0.680, best case 0.980")
	}},
	{"targeting conflict", baking, func(in *Input) {
		in.Evidence = FactOf(EvidenceConflict, "9 of 30 devices report a conflict with another policy; end its assignment")
	}},
	{"does not apply", baking, func(in *Input) {
		in.Evidence = FactOf(EvidenceNotApplicable, "the policy does not apply on 12 of 100 devices, allowed are 10 %")
	}},
	{"does not apply, once more than a reading ago", held, func(in *Input) {
		in.HeldPhase, in.HeldReason, in.Clear = baking, v1alpha1.ReasonTooManyNotApplicable, ClearTwice
	}},
	{"payload edited mid-bake (gate F17)", baking, func(in *Input) { in.Payload = FactOf(PayloadChanged, "") }},
	{"bake over", baking, func(in *Input) { in.BakeElapsed = true }},
	{"gate waits", evaluating, func(in *Input) { in.BakeElapsed = true }},
	{"gate passes (F1)", evaluating, func(in *Input) {
		in.BakeElapsed, in.Evidence = true, passText
	}},
	{"gate passes, policy gone", evaluating, func(in *Input) {
		in.BakeElapsed, in.Evidence, in.Policy = true, passText, FactOf(PolicyMissing, "")
	}},
	{"gate passes, payload not known", evaluating, func(in *Input) {
		in.BakeElapsed, in.Evidence, in.Payload = true, passText, FactOf(PayloadNotCompared, "")
	}},
	{"gate passes, dependency gone", evaluating, func(in *Input) {
		in.BakeElapsed, in.Evidence, in.Dependencies = true, passText, FactOf(DependenciesMissing, "")
	}},
	{"promotion", promoting, func(in *Input) { in.BakeElapsed, in.Evidence = true, FactOf(EvidencePass, "") }},
	{"promotion lost to a late failure", promoting, func(in *Input) { in.BakeElapsed = true }},
	{"succeeded", succeeded, func(*Input) {}},
	{"watched", succeeded, func(in *Input) { in.Watch = FactOf(WatchOn, "it is watched until 2026-03-15T09:00Z") }},
	{"watch over", succeeded, func(in *Input) { in.Watch = FactOf(WatchEnding, "its watch is over") }},
	{"failures after the watch", succeeded, func(in *Input) {
		in.Evidence, in.Watch = haltText, FactOf(WatchOff, "its watch ended at 2026-03-15T09:00Z")
	}},
	{"late regression", succeeded, func(in *Input) { in.Evidence, in.Watch = haltText, FactOf(WatchOn, "") }},
	{"late regression stands", succeeded, func(in *Input) { in.Watch = FactOf(WatchRegressed, "") }},
	{"late regression, rollback follows", succeeded, func(in *Input) {
		in.Evidence, in.Watch, in.OnFailure = haltText, FactOf(WatchRegressed, ""), v1alpha1.FailureRollback
	}},
	{"late regression, rollback waits", succeeded, func(in *Input) {
		in.Evidence, in.Watch, in.OnFailure, in.Paused = haltText, FactOf(WatchRegressed, ""), v1alpha1.FailureRollback, true
	}},
	{"retry after a late regression", succeeded, func(in *Input) { in.Request, in.Watch = RequestRetry, FactOf(WatchRegressed, "") }},
	{"suspended policy", baking, func(in *Input) { in.Policy = FactOf(PolicySuspended, "PasskeyPolicy \"pkp\" is suspended") }},
	{"abort", exposing, func(in *Input) { in.Request = RequestAbort }},
	{"abort during a rollback", rollingBack, func(in *Input) { in.Request = RequestAbort }},
	{"rollback of a success", succeeded, func(in *Input) { in.Request = RequestRollback }},
	{"rollback of nothing", resolving, func(in *Input) { in.Request = RequestRollback }},
	{"rollback under way (gate F19)", rollingBack, func(in *Input) { in.Rollback = progress }},
	{"rollback overdue (gate F19)", rollingBack, func(in *Input) { in.Rollback = progress; in.Rollback.State = RollbackOverdue }},
	{"rollback verified late (gate F19)", rollbackIncomplete, func(in *Input) {
		in.Rollback = FactOf(RollbackVerified, "96 of 100 devices verified, 95 needed")
	}},
	{"rollback accepted", rollbackIncomplete, func(in *Input) { in.Request, in.TakenBack, in.Rollback = RequestAccept, true, progress }},
	{"rollback accepted too early", rollingBack, func(in *Input) { in.Request, in.Rollback = RequestAccept, progress }},
	{"rollback that was accepted", rolledBack, func(in *Input) { in.Accepted = true }},
	{"acceptance of nothing", baking, func(in *Input) { in.Request = RequestAccept }},
	{"retry after an abort", aborted, func(in *Input) { in.Request = RequestRetry }},
	{"retry of a running bake", baking, func(in *Input) { in.Request = RequestRetry }},
	{"deletion", baking, func(in *Input) { in.Deleting, in.Request = true, RequestAbort }},
}

func renderExamples() string {
	var b strings.Builder
	for _, e := range examples {
		in := goodOrder(e.phase)
		e.change(&in)
		fmt.Fprintf(&b, "%s\n  %s -> %v\n\n", e.name, normalize(in).Phase, Decide(in))
	}
	return b.String()
}

// TestGoldenDecisions: what a person reads stays as it is until somebody changes it on purpose.
func TestGoldenDecisions(t *testing.T) {
	golden.Match(t, "testdata/decisions.golden", renderExamples())
}
