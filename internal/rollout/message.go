// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

const promotedText = "the wave is promoted; waves that depend on it may start"

func always(reason string) func(*Input) string { return func(*Input) string { return reason } }

func text(s string) func(*Input) string { return func(*Input) string { return s } }

// Reasons that depend on a dimension.

func reasonPolicy(in *Input) string {
	if in.Policy.State == PolicyMissing {
		return v1alpha1.ReasonPolicyNotFound
	}
	return v1alpha1.ReasonPolicyNotReady
}

func reasonDependencies(in *Input) string {
	switch in.Dependencies.State {
	case DependenciesMissing:
		return v1alpha1.ReasonDependencyMissing
	case DependenciesCycle:
		return v1alpha1.ReasonDependencyCycle
	case DependenciesFailed:
		return v1alpha1.ReasonDependencyFailed
	case DependenciesMet, DependenciesWaiting:
	}
	return v1alpha1.ReasonWaitingForDependency
}

func reasonTelemetry(in *Input) string {
	switch in.Telemetry.State { //nolint:exhaustive // asked in an outage only
	case TelemetryMissing:
		return v1alpha1.ReasonTelemetryMissing
	case TelemetryClock:
		return v1alpha1.ReasonClockSkewed
	}
	return v1alpha1.ReasonTelemetryStale
}

func reasonAudience(in *Input) string {
	if in.Audience.Reason == "" {
		return v1alpha1.ReasonInvalid
	}
	return in.Audience.Reason
}

func reasonHeld(in *Input) string {
	if in.HeldReason == "" {
		return v1alpha1.ReasonInvalid
	}
	return in.HeldReason
}

func reasonEarlier(in *Input) string {
	if in.Earlier.State == EarlierGone {
		return v1alpha1.ReasonGroupLost
	}
	return v1alpha1.ReasonMembershipDrifted
}

func reasonLedger(in *Input) string {
	if in.Ledger.State == LedgerAltered {
		return v1alpha1.ReasonLedgerAltered
	}
	return v1alpha1.ReasonLedgerLost
}

// reasonInForce is the standing reason of a phase in which a safety request has nothing left to do.
func reasonInForce(in *Input) string {
	switch in.Phase { //nolint:exhaustive // RolledBack is the only other phase in which nothing is left to do
	case rollingBack:
		return v1alpha1.ReasonRollbackWaiting
	case rollbackIncomplete:
		return v1alpha1.ReasonRollbackIncomplete
	case aborted:
		return v1alpha1.ReasonAborted
	}
	return v1alpha1.ReasonRollbackVerified
}

// outcomeOfPhase is how an attempt ends that a person leaves behind in this phase.
func outcomeOfPhase(in *Input) string {
	switch in.Phase { //nolint:exhaustive // Held is the only other phase from which a person starts anew
	case halted:
		return OutcomeHalted
	case aborted:
		return OutcomeAborted
	case rolledBack:
		return OutcomeRolledBack
	case rollbackIncomplete:
		return OutcomeRollbackIncomplete
	}
	return OutcomeHeld
}

// whyNoRetry completes "the retry request changes nothing, because".
func whyNoRetry(p v1alpha1.WavePhase) string {
	switch p {
	case pending:
		return "the attempt has not begun"
	case succeeded:
		return "the wave has succeeded; a new revision of the payload starts the next attempt"
	case rollingBack:
		return "the rollback is not finished; retry when it is"
	case resolving, exposing, baking, evaluating, promoting:
		return "the attempt is still running; abort it first to start over"
	case held, halted, rolledBack, rollbackIncomplete, aborted: // here a retry is granted, and no reason is asked for
	}
	return "the phase is not known; abort the wave first"
}

// Sentences. Each says what is the case and, where a person can help, how.

func sayAborted(in *Input) string {
	if in.Exposed {
		return "aborted: no further device is exposed, and exposed devices keep the setting; a rollback takes it back, a retry starts the next attempt" + sayLater(in)
	}
	return "aborted: no device is exposed; a retry starts the next attempt" + sayLater(in)
}

func sayPaused(in *Input) string {
	s := "paused: nothing is exposed or promoted and the clocks stand still until spec.paused is false on the wave and on its policy"
	if in.Phase == held {
		s += "; held as " + reasonHeld(in) + " before that"
	}
	if in.Request == RequestRetry && in.Phase == held {
		s += "; the retry request waits for that, too"
	}
	if in.Evidence.State == EvidenceHalt {
		return s + "; there is halt evidence, and the wave halts as soon as it is resumed: " + in.Evidence.or("more devices fail than is tolerated")
	}
	return s + clause("; the gate says: ", in.Evidence.or(""))
}

func saySuspended(in *Input) string {
	return "the Tenant is suspended: nothing is read or written, and the clocks stand still until its spec.suspend is false"
}

func sayReverted(in *Input) string {
	return in.Payload.or("the policy returned to an earlier payload") +
		": what this wave brought is taken back at once, and its devices fall back to what they had"
}

func sayExcluded(in *Input) string {
	return in.Exclusion.or("devices of this attempt are excluded now") + "; they are taken out, and what they reported still counts"
}

func sayJoined(in *Input) string {
	return in.Growth.or("devices that joined the audience or became eligible are taken in") + "; they go out in batches"
}

func sayLedger(in *Input) string {
	return in.Ledger.or("the record of the attempt's devices is not what this operator wrote") +
		"; nothing is exposed or promoted, abort and rollback act without it, and a retry starts a new attempt"
}

func sayGroupGone(in *Input) string {
	return in.Membership.or("the managed group of the wave was deleted in the tenant, so that nobody has what it brought: " +
		"restore it from the deleted groups of Entra, or request a retry, which starts a new attempt with a group of its own")
}

// EarlierDeparture is why the groups of earlier attempts are not what the wave left there, for conditions: a reason and a sentence.
func EarlierDeparture(in *Input) (reason, message string) { return reasonEarlier(in), sayEarlier(in) }

// sayEarlier says what the groups of earlier attempts are not, and the way back.
func sayEarlier(in *Input) string {
	s := in.Earlier.or("the group of an earlier attempt that stands is not what this wave left there")
	switch {
	case in.Earlier.State == EarlierGone:
		return s + "; restore it from the deleted groups of Entra, or request a retry, which gives that attempt up; until then the wave exposes nobody else"
	case in.OnlyReports:
		return s + "; spec.drift of the policy is Report: put the members right in the tenant, or set it to Correct; until then the wave exposes nobody else"
	}
	return s + "; it is repaired unless the wave, its policy or its Tenant is paused or suspended"
}

func sayGivenUp(in *Input) string {
	return "retry requested: " + in.Earlier.or("the group of an earlier attempt was deleted in the tenant") +
		"; that attempt is given up, and its devices get what later attempts bring them"
}

// sayLater tells a stopped wave that the world has moved on.
func sayLater(in *Input) string {
	if in.Payload.State != PayloadChanged {
		return ""
	}
	return "; the payload has changed since, and a retry takes the new one"
}

func sayHaltedPaused(in *Input) string {
	return "halted and paused: the rollback begins when spec.paused is false on the wave and on its policy, or at once on a rollback request" +
		haltClause(in)
}

func sayHalted(in *Input) string {
	s := "halted: no further device is exposed"
	if in.OnFailure == v1alpha1.FailureRollback {
		return s + ", and the exposed devices are rolled back next" + haltClause(in)
	}
	return s + ", exposed devices keep the setting; request a rollback or a retry" + sayLater(in) + haltClause(in)
}

// haltClause quotes the gate only while it says halt: what it says later is not why the wave was halted.
func haltClause(in *Input) string {
	if in.Evidence.State != EvidenceHalt {
		return ""
	}
	return clause("; the gate says: ", in.Evidence.or(""))
}

func sayConflict(in *Input) string {
	return "held: " + in.Evidence.or("too many devices report another policy that sets the same setting differently; remove the other policy or exclude the devices")
}

func sayNotApplicable(in *Input) string {
	return "held: " + in.Evidence.or("the policy does not apply on too many devices; bring these to what it needs, or correct the groups and request a retry")
}

func sayRetry(in *Input) string {
	return fmt.Sprintf("retry requested: the attempt is closed as %s and the next one begins with no evidence", outcomeOfPhase(in))
}

func sayTelemetry(in *Input) string {
	switch in.Telemetry.State {
	case TelemetryStale:
		return "the clocks stand still: " + in.Telemetry.or("the newest reading of the inventory is older than gate.maxTelemetryAge; see the InventoryFresh condition of the Tenant")
	case TelemetryMissing:
		return "the clocks stand still: " + in.Telemetry.or("there is no reading of the inventory; see the InventoryFresh condition of the Tenant")
	case TelemetryClock:
		return "the clocks stand still: " + in.Telemetry.or("the clock of the operator's node is wrong; see the ClockInSync condition of the Tenant")
	case TelemetryFresh, TelemetryNotLoaded:
	}
	return in.Telemetry.or("the inventory of the tenant is being read after a start; nothing is decided until then")
}

func saySuperseded(in *Input) string {
	return "the payload of the policy has changed: the attempt is closed as Superseded, its devices keep what they have, and the next one begins with no evidence" +
		clause("; ", in.Payload.or(""))
}

func sayDeadline(in *Input) string {
	return "held for a person: the deadline passed without a pass; request a retry, a rollback or an abort, or let further reports prove the floor" +
		clause("; the gate says: ", in.Evidence.or(""))
}

func sayCleared(in *Input) string {
	return fmt.Sprintf("the cause %s is gone: the wave goes on in %s", reasonHeld(in), in.HeldPhase)
}

func sayHeld(in *Input) string {
	s := "held as " + reasonHeld(in)
	switch {
	case heldInResolving.holds(in):
		return s + clause(": ", in.Audience.or("the audience cannot be used; correct spec.audience or the groups"))
	case heldByDeadline.holds(in):
		return s + " until a person requests a retry, a rollback or an abort, or the gate passes" + clause(": ", in.Evidence.or(""))
	case heldByLoss.holds(in) && ledgerBad.holds(in):
		return s + ": " + sayLedger(in)
	case heldByLoss.holds(in):
		return s + ": " + sayGroupGone(in)
	case telemetryOut.holds(in):
		return s + ", the clocks stand still" + clause(": ", in.Telemetry.or("see the InventoryFresh condition of the Tenant"))
	}
	if in.Clear != NotClear {
		return s + ": the newest reading no longer shows the cause, a second one without it is needed to go on"
	}
	return s + clause(": ", in.Evidence.or(""))
}

func sayPolicy(in *Input) string {
	if in.Policy.State == PolicyMissing {
		return in.Policy.or("the PasskeyPolicy of spec.policyRef does not exist; create it or delete the wave")
	}
	return in.Policy.or("the PasskeyPolicy is not ready; see its conditions")
}

func sayPayloadUnknown(in *Input) string {
	return "it is not known whether the payload is still the one of this attempt, so nothing is exposed or promoted: " +
		in.Payload.or("the PasskeyPolicy does not say what its payload is; see its conditions")
}

func sayDependencies(in *Input) string {
	switch in.Dependencies.State {
	case DependenciesMissing:
		return in.Dependencies.or("a wave of spec.dependsOn does not exist; create it or correct the name")
	case DependenciesCycle:
		return in.Dependencies.or("spec.dependsOn leads back to this wave; remove one of the links")
	case DependenciesFailed:
		return in.Dependencies.or("a wave of spec.dependsOn ended without success; mend and retry that one")
	case DependenciesMet, DependenciesWaiting:
	}
	return in.Dependencies.or("waiting until the waves of spec.dependsOn have succeeded and soaked")
}

func sayRefused(in *Input) string {
	return "held before any assignment: " + in.Audience.or("the audience cannot be used; correct spec.audience or the groups")
}

func sayResolved(in *Input) string {
	return in.Audience.or("the audience is resolved and frozen") + ": devices are exposed in batches from now on"
}

func sayResolving(in *Input) string {
	return in.Audience.or("the audience is being resolved and frozen")
}

func sayAdmission(in *Input) string {
	return in.Admission.or("waiting until the policy has admitted the managed group of this wave in the tenant")
}

func sayDrifted(in *Input) string {
	return in.Membership.or("the managed group does not hold exactly the devices that this wave exposed") + "; it is repaired"
}

func sayDriftedPaused(in *Input) string {
	return in.Membership.or("the managed group does not hold exactly the devices that this wave exposed") +
		"; it is repaired when the wave, its policy and its Tenant are neither paused nor suspended"
}

func sayExposure(general string) func(*Input) string {
	return func(in *Input) string { return in.Exposure.or(general) }
}

func sayRollback(general string) func(*Input) string {
	return func(in *Input) string { return general + sayLater(in) + clause(": ", in.Rollback.or("")) }
}

func sayGate(general string) func(*Input) string {
	return func(in *Input) string { return general + clause(": ", in.Evidence.or("")) }
}

func sayBaking(in *Input) string {
	return "the bake is not over" + clause("; the gate says: ", in.Evidence.or(""))
}

func sayNoData(in *Input) string {
	return "held: the bake is over and there is nothing to judge; check that the devices report: " +
		in.Evidence.or("no usable report has arrived")
}

func saySucceeded(in *Input) string {
	s := promotedText + clause("; ", in.Watch.or(""))
	if in.Evidence.State == EvidenceHalt {
		return s + "; what devices report by now would have halted it" + clause(": ", in.Evidence.or(""))
	}
	return s
}

// sayRegressed says what a late regression stops, and the ways out of it.
func sayRegressed(in *Input) string {
	s := "regressed after the promotion: the waves that depend on this one, and its own late joiners, are not exposed any further"
	switch {
	case in.OnFailure == v1alpha1.FailureRollback && stopped.holds(in):
		s += "; the rollback begins when nothing is paused or suspended, or at once on a rollback request"
	case in.OnFailure == v1alpha1.FailureRollback:
		s += ", and the exposed devices are rolled back next"
	default:
		s += ", and its devices keep the setting; look at the failed ones, then request a rollback, or a retry, which proves the payload anew, or change the payload"
	}
	return s + haltClause(in)
}

func sayUnknown(in *Input) string {
	return fmt.Sprintf("status.phase %q is not known to this version: run the version that wrote it, or request an abort or a rollback", in.Phase)
}

// clause joins s to a sentence, or nothing where there is nothing to say.
func clause(joint, s string) string {
	if s == "" {
		return ""
	}
	return joint + s
}
