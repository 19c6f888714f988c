// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Fact is one dimension of a wave's situation. State decides; Message is for the reader only and reaches nothing but the
// message of the decision. The zero State of every dimension means "not known" and never lets a wave advance.
type Fact[S ~string] struct {
	// State is one of the constants of the dimension. A value outside of them counts as not known.
	State S
	// Message says in a clause what the case is and, if something is wrong, what helps. Empty: a general text is used.
	Message string
}

// FactOf is a fact with the given state and message.
func FactOf[S ~string](state S, message string) Fact[S] {
	return Fact[S]{State: state, Message: message}
}

// or is the fact's own text, or the general one where it has none.
func (f Fact[S]) or(general string) string {
	if text := strings.TrimRight(strings.TrimSpace(f.Message), "."); text != "" {
		return text
	}
	return general
}

// Request is what a person asked for by annotation and what has not been handled yet. Abort and rollback beat retry: the
// caller passes the newest unhandled one of the strongest kind.
type Request string

// The requests.
const (
	RequestNone     Request = ""
	RequestAbort    Request = "Abort"
	RequestRollback Request = "Rollback"
	// RequestAccept: a person takes a rollback for finished that devices have not proven.
	RequestAccept Request = "Accept"
	RequestRetry  Request = "Retry"
)

// PolicyState says whether the PasskeyPolicy lets its waves start, expand and promote.
type PolicyState string

// The states of the policy. A policy that is not ready only because one of its waves is stalled counts as ready:
// otherwise a stalled wave would keep itself from recovering.
const (
	PolicyReady    PolicyState = "Ready"
	PolicyNotReady PolicyState = "NotReady"
	// PolicySuspended is not ready either, and nobody looks whether devices still have what it says: the clocks stand still.
	PolicySuspended PolicyState = "Suspended"
	PolicyMissing   PolicyState = "Missing"
)

// PayloadState compares the payload of the policy with the one of the attempt.
type PayloadState string

// The results of the comparison. PayloadNotCompared (the attempt has no revision yet, or the policy cannot say which one
// it wants) neither ends an attempt nor promotes it.
const (
	PayloadNotCompared PayloadState = ""
	PayloadSame        PayloadState = "Same"
	PayloadChanged     PayloadState = "Changed"
	// PayloadReverted: the spec returned to an earlier revision, and the one of the attempt is taken back.
	PayloadReverted PayloadState = "Reverted"
)

// DependencyState sums up spec.dependsOn.
type DependencyState string

// The states of the dependencies; a wave without dependencies has DependenciesMet.
const (
	DependenciesMet     DependencyState = "Met"
	DependenciesWaiting DependencyState = "Waiting"
	DependenciesFailed  DependencyState = "Failed"
	DependenciesMissing DependencyState = "Missing"
	DependenciesCycle   DependencyState = "Cycle"
)

// AudienceState is the result of resolving the audience.
type AudienceState string

// The states of the audience. In Resolving, AudienceOK means that the audience of this attempt is frozen and the managed
// group exists. In a wave that is Held because its audience was refused, it means that a new look would accept it.
const (
	AudienceUnresolved AudienceState = ""
	AudienceOK         AudienceState = "OK"
	AudienceRefused    AudienceState = "Refused"
)

// AudienceFact is the dimension of the audience.
type AudienceFact struct {
	Fact[AudienceState]
	// Reason is why it was refused: AudienceEmpty, AudienceTooSmall, AudienceOutOfBounds, AudienceIneligible,
	// GroupNotFound or GroupAmbiguous of the api package. Read only with AudienceRefused.
	Reason string
}

// AdmissionState is the tenant's side of a wave, written by the policy controller: whether the managed group is excluded
// from hold and included in allow.
type AdmissionState string

// The states of the admission. On the way in the group leaves hold before it enters allow, on the way out it leaves allow
// before it returns to hold, so that no device is ever targeted by both (P1).
const (
	AdmissionNone        AdmissionState = ""
	AdmissionAdmitting   AdmissionState = "Admitting"
	AdmissionAdmitted    AdmissionState = "Admitted"
	AdmissionWithdrawing AdmissionState = "Withdrawing"
	AdmissionWithdrawn   AdmissionState = "Withdrawn"
)

// ExposureState says whether the next batch of devices may be exposed.
type ExposureState string

// The states of the exposure.
const (
	ExposureNone              ExposureState = ""
	ExposureDue               ExposureState = "Due"
	ExposureWaitInterval      ExposureState = "WaitInterval"
	ExposureTooManyUnreported ExposureState = "TooManyUnreported"
	// ExposureUnconfirmed: every device was asked for, and the tenant does not show all of them as members yet.
	ExposureUnconfirmed ExposureState = "Unconfirmed"
	ExposureComplete    ExposureState = "Complete"
)

// MembershipState compares the managed group with the ledger of exposed devices.
type MembershipState string

// The results of the comparison. Not known counts as in sync: a group that could not be read is not repaired.
const (
	MembershipInSync  MembershipState = "InSync"
	MembershipDrifted MembershipState = "Drifted"
	// MembershipGone: the managed group does not exist any more.
	MembershipGone MembershipState = "Gone"
)

// EarlierState compares the groups of the wave's earlier attempts that stand with what the wave left in them: their devices have
// what these brought until a later attempt reaches them.
type EarlierState string

// The results of the comparison. Not known (they were not read) neither moves nor stops a wave.
const (
	// EarlierWhole: they are as they should be, or there are none.
	EarlierWhole EarlierState = "Whole"
	// EarlierDrifted: somebody took exposed devices out of one, or put others in.
	EarlierDrifted EarlierState = "Drifted"
	// EarlierGone: one does not exist any more. Its devices have fallen back to what they had before.
	EarlierGone EarlierState = "Gone"
	// EarlierUntold: the record of one cannot be relied on, so that nobody can say who belongs into its group.
	EarlierUntold EarlierState = "Untold"
)

// LedgerState says whether the record of the attempt's devices can be relied on.
type LedgerState string

// The states of the ledger. Not known (there is none yet, or nothing was read) is not lost.
const (
	LedgerOK      LedgerState = "OK"
	LedgerLost    LedgerState = "Lost"
	LedgerAltered LedgerState = "Altered"
)

// ExclusionState says whether devices of the attempt are excluded now that were not when it began.
type ExclusionState string

// The states of the exclusion. Not known excludes nobody.
const ExclusionDue ExclusionState = "Due"

// GrowthState says whether devices wait to join a growing audience.
type GrowthState string

// The states of the growth. Not known lets nobody join.
const GrowthDue GrowthState = "Due"

// TelemetryState says whether the inventory and the reports are young enough to decide on (spec.gate.maxTelemetryAge).
type TelemetryState string

// The states of the telemetry. TelemetryNotLoaded: this process has not read the inventory yet, although the last reading
// of its predecessor is young; a restart alone is no outage (P10).
const (
	TelemetryNotLoaded TelemetryState = ""
	TelemetryFresh     TelemetryState = "Fresh"
	TelemetryStale     TelemetryState = "Stale"
	TelemetryMissing   TelemetryState = "Missing"
	// TelemetryClock: the clock of this machine is wrong, so that nobody can say how old anything is.
	TelemetryClock TelemetryState = "Clock"
)

// EvidenceState is the verdict of the gate on the current attempt and payload.
type EvidenceState string

// The verdicts. EvidenceConflict: so many devices report another policy with a different value that the targeting is
// wrong and nothing can be judged (F3); it blocks, but does not count as a failure (gate D2). EvidenceNotApplicable: the policy
// does not apply on so many of them that the targeting is wrong (gate D1).
const (
	EvidenceNone          EvidenceState = ""
	EvidenceWait          EvidenceState = "Wait"
	EvidencePass          EvidenceState = "Pass"
	EvidenceHalt          EvidenceState = "Halt"
	EvidenceConflict      EvidenceState = "Conflict"
	EvidenceNotApplicable EvidenceState = "NotApplicable"
	EvidenceNoData        EvidenceState = "NoData"
)

// RollbackState is how far a rollback is proven by devices.
type RollbackState string

// The states of a rollback: waiting for reports, proven on spec.onFailure.rollback.verifyPercent of the devices, or not
// proven by its deadline.
const (
	RollbackWaiting  RollbackState = ""
	RollbackVerified RollbackState = "Verified"
	RollbackOverdue  RollbackState = "Overdue"
)

// ClearState counts the readings, newer than the one that held the wave, from which the cause is absent. Two are needed
// (gate E4, hysteresis).
type ClearState string

// The counts.
const (
	NotClear   ClearState = ""
	ClearOnce  ClearState = "Once"
	ClearTwice ClearState = "Twice"
)

// Input is everything that a decision depends on, reduced to small enumerations. It holds no time: the caller has
// compared the clocks (see [Time]) and no device: the caller has asked the gate.
type Input struct {
	// Phase is where the wave stands; empty for a new wave, which is Pending.
	Phase v1alpha1.WavePhase
	// HeldPhase and HeldReason are where a Held wave came from and why; read only in Held.
	HeldPhase  v1alpha1.WavePhase
	HeldReason string

	// Deleting: the wave has a deletion timestamp.
	Deleting bool
	// Request is what a person asked for and what is not handled yet.
	Request Request
	// Paused: the wave or its policy is paused.
	Paused bool
	// Suspended: the Tenant is suspended; nothing is read from it or written to it.
	Suspended bool

	// Policy, Payload and Dependencies are about what comes before the wave.
	Policy       Fact[PolicyState]
	Payload      Fact[PayloadState]
	Dependencies Fact[DependencyState]
	// Audience, Admission, Exposure and Membership are about the managed group.
	Audience   AudienceFact
	Admission  Fact[AdmissionState]
	Exposure   Fact[ExposureState]
	Membership Fact[MembershipState]
	// Exposed: the managed group was admitted to the payload, so that a device may be in it. It is known from the cluster
	// alone: neither ledger nor tenant is asked (P9).
	Exposed bool
	// Ledger, Exclusion and Growth are about the attempt's devices.
	Ledger    Fact[LedgerState]
	Exclusion Fact[ExclusionState]
	Growth    Fact[GrowthState]
	// Earlier is about the groups of earlier attempts that stand.
	Earlier Fact[EarlierState]
	// OnlyReports: spec.drift of the policy is Report. What others did to the group of an earlier attempt stays.
	OnlyReports bool
	// Growing: spec.audience.membership is Growing.
	Growing bool
	// Restorable: an earlier attempt of the wave, proven and not taken back, brought the revision that the policy wants.
	Restorable bool
	// Reverting is read only in RollingBack and RollbackIncomplete: the rollback began because the payload was reverted, and
	// not because a person or a halt stopped the wave.
	Reverting bool
	// Telemetry and Evidence are about what devices report.
	Telemetry Fact[TelemetryState]
	Evidence  Fact[EvidenceState]
	// BakeElapsed: spec.gate.bake has passed since the last batch, frozen time not counted.
	BakeElapsed bool
	// DeadlinePassed: spec.gate.deadline has passed since the attempt began, frozen time not counted.
	DeadlinePassed bool
	// Watch is read only in Succeeded.
	Watch Fact[WatchState]
	// OnFailure is spec.onFailure.action; anything but Rollback holds.
	OnFailure v1alpha1.FailureAction
	// TakenBack is read only in RollingBack and RollbackIncomplete: the policy has nothing assigned any more to the groups that
	// the wave took back.
	TakenBack bool
	// Accepted is read only in RolledBack: a person, and not the devices, ended the rollback.
	Accepted bool
	// Rollback is read only in RollingBack and RollbackIncomplete.
	Rollback Fact[RollbackState]
	// Clear is read only in Held, and is about HeldReason.
	Clear ClearState
}
