// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// PilotWaveSpec is one wave of a rollout.
type PilotWaveSpec struct {
	// policyRef names the PasskeyPolicy in the same namespace. Immutable.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="policyRef is immutable; create another PilotWave for another policy"
	// +required
	PolicyRef LocalRef `json:"policyRef"`

	// dependsOn lists the waves of the same policy that must have succeeded first. A cycle is refused. Absent: the wave
	// may start at once.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	DependsOn []WaveDependency `json:"dependsOn,omitempty"`

	// paused stops this wave where it stands: nothing is exposed, promoted or rolled back by the gate until it is resumed.
	// Requests to abort or roll back still act. Time that passes while paused is not bake time. Default false.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// audience says which devices the wave is for.
	// +required
	Audience Audience `json:"audience"`

	// exposure limits how fast devices receive the policy.
	// +kubebuilder:default={}
	// +optional
	Exposure Exposure `json:"exposure,omitzero"`

	// gate says which evidence promotes the wave and which stops it.
	// +required
	Gate Gate `json:"gate"`

	// onFailure says what a halted wave does, and one that regresses after its promotion.
	// +kubebuilder:default={}
	// +optional
	OnFailure OnFailure `json:"onFailure,omitzero"`

	// postWatch says how long the wave is watched after its promotion.
	// +kubebuilder:default={}
	// +optional
	PostWatch PostWatch `json:"postWatch,omitzero"`
}

// WaveDependency is a wave that must have succeeded first.
type WaveDependency struct {
	// name of a PilotWave of the same policy and namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// minSoak is how long ago that wave must have succeeded, watched by its gate.halt all the time. Default 0s.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')",message="minSoak must be a duration such as 24h, not negative; units are h, m, s and ms"
	// +optional
	MinSoak metav1.Duration `json:"minSoak,omitzero"`
}

// Audience selects devices. A device that an earlier wave of the same policy has taken stays there.
type Audience struct {
	// groups whose members, nested ones too, are candidates. Whom spec.population of the policy lacks is not eligible
	// (OutsidePopulation): hold does not reach them, and that of another policy may.
	// +required
	Groups GroupSelection `json:"groups"`

	// slice takes a stable part of the candidates. Absent: all.
	// +optional
	Slice *Slice `json:"slice,omitempty"`

	// membership: Frozen (default) takes those who are eligible when the attempt starts. Growing also takes those who join the
	// groups or become eligible later, each with clocks of its own, as long as the gate holds. The last wave of a rollout is
	// usually growing: it is how new and repaired devices come out of hold.
	// +kubebuilder:default=Frozen
	// +optional
	Membership Membership `json:"membership,omitempty"`

	// bounds on the number of eligible devices; a wave outside them is held before any assignment. Absent: none.
	// +optional
	Bounds *AudienceBounds `json:"bounds,omitempty"`

	// maxIneligiblePercent is the largest share of the audience that may miss a prerequisite, 0 to 100; above it the
	// targeting is taken to be wrong and the wave is held before any assignment. Default 20.
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxIneligiblePercent *int32 `json:"maxIneligiblePercent,omitempty"`
}

// Membership says whether an audience takes late joiners.
//
// +kubebuilder:validation:Enum=Frozen;Growing
type Membership string

// The kinds of membership.
const (
	MembershipFrozen  Membership = "Frozen"
	MembershipGrowing Membership = "Growing"
)

// Slice takes a part of the candidates in the order of a stable hash: a slice of 5 percent lies inside one of 20, and
// no device moves when others join or leave.
//
// +kubebuilder:validation:XValidation:rule="has(self.percent) != has(self.count)",message="set exactly one of percent or count; remove slice to take all candidates"
type Slice struct {
	// percent of the candidates, 1 to 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	Percent *int32 `json:"percent,omitempty"`

	// count of candidates, at least 1.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Count *int32 `json:"count,omitempty"`
}

// AudienceBounds limit the number of eligible devices.
//
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || self.min <= self.max",message="min must not exceed max: lower min or raise max"
type AudienceBounds struct {
	// min is the smallest number of eligible devices. Absent: 1.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Min *int32 `json:"min,omitempty"`

	// max is the largest number of eligible devices. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Max *int32 `json:"max,omitempty"`
}

// Exposure limits how fast devices receive the policy: the blast radius of a bad one.
type Exposure struct {
	// batchSize is the number of devices that are exposed at once, 1 to 10000. Default 25.
	// +kubebuilder:default=25
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	BatchSize int32 `json:"batchSize,omitempty"`

	// interval between two batches. Default 8h, one check-in cycle of Intune.
	// +kubebuilder:default="8h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')",message="interval must be a duration such as 8h, not negative; units are h, m, s and ms"
	// +optional
	Interval metav1.Duration `json:"interval,omitzero"`

	// maxUnreported is the largest number of exposed devices without a fresh report at which another batch may go out.
	// Absent: twice batchSize.
	// +kubebuilder:validation:Minimum=0
	// +optional
	MaxUnreported *int32 `json:"maxUnreported,omitempty"`
}

// Gate says which evidence promotes the wave and which stops it. Promotion and halt are separate tests: promotion has
// to prove that the policy is good on devices that had time to report, a halt only needs enough evidence that it is bad.
//
// +kubebuilder:validation:XValidation:rule="has(self.promote) != has(self.smoke)",message="set exactly one of promote (a success rate to prove) or smoke (for a wave too small for statistics)"
// +kubebuilder:validation:XValidation:rule="!has(self.deadline) || !has(self.bake) || [self.deadline, self.bake].exists(d, !d.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')) || duration(self.deadline) > duration(self.bake)",message="deadline must be longer than bake",messageExpression="'deadline ' + self.deadline + ' must be longer than bake ' + self.bake + ': the wave would be held before it could be promoted; raise deadline or lower bake'",fieldPath=".deadline"
// +kubebuilder:validation:XValidation:rule="!has(self.deadline) || !has(self.maturity) || [self.deadline, self.maturity].exists(d, !d.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')) || duration(self.deadline) > duration(self.maturity)",message="deadline must be longer than maturity",messageExpression="'deadline ' + self.deadline + ' must be longer than maturity ' + self.maturity + ': the wave would be held before a device counts; raise deadline or lower maturity'",fieldPath=".deadline"
type Gate struct {
	// bake is the shortest time between the last exposure, as the tenant shows it, and promotion. Default 72h. Frozen time
	// (paused, Tenant or policy suspended, telemetry outage) does not count.
	// +kubebuilder:default="72h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')",message="bake must be a duration such as 72h, not negative; units are h, m, s and ms"
	// +optional
	Bake metav1.Duration `json:"bake,omitzero"`

	// maturity is how long a device must have been exposed before its silence counts against coverage. Default 48h.
	// +kubebuilder:default="48h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')",message="maturity must be a duration such as 48h, not negative; units are h, m, s and ms"
	// +optional
	Maturity metav1.Duration `json:"maturity,omitzero"`

	// deadline after the start of the attempt at which a wave that is neither promoted nor halted is held for a person.
	// Default 336h (14 days). Frozen time does not count.
	// +kubebuilder:default="336h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')",message="deadline must be a duration such as 336h and longer than bake; units are h, m, s and ms"
	// +optional
	Deadline metav1.Duration `json:"deadline,omitzero"`

	// maxTelemetryAge is the oldest inventory and report reading on which a decision may rest; beyond it the wave is held
	// as TelemetryStale. Default 26h.
	// +kubebuilder:default="26h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1m')",message="maxTelemetryAge must be a duration such as 26h, at least 1m; units are h, m, s and ms"
	// +optional
	MaxTelemetryAge metav1.Duration `json:"maxTelemetryAge,omitzero"`

	// coverage says how much of the wave must have reported.
	// +kubebuilder:default={}
	// +optional
	Coverage Coverage `json:"coverage,omitzero"`

	// promote is the statistical test for promotion. Exactly one of promote and smoke.
	// +optional
	Promote *PromoteTest `json:"promote,omitempty"`

	// smoke promotes a wave that is too small for statistics: coverage.minPercent of its eligible devices must have
	// reported, with at most maxFailures failures. It proves nothing about the next wave's failure rate.
	// +optional
	Smoke *SmokeTest `json:"smoke,omitempty"`

	// halt is the test that stops the wave. It is looked at with every new report, at no cost in false alarms.
	// +kubebuilder:default={}
	// +optional
	Halt HaltTest `json:"halt,omitzero"`
}

// Coverage says how much of the wave must have reported.
type Coverage struct {
	// minReports is the smallest number of matured devices with a fresh result. Default 1.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +optional
	MinReports int32 `json:"minReports,omitempty"`

	// minPercent of the matured devices that must have a fresh result, 1 to 100. With a smoke gate, or a promote gate at
	// its last look, it is also the part of the audience, as it was when the attempt began, that must have one. Default 90.
	// +kubebuilder:default=90
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	MinPercent int32 `json:"minPercent,omitempty"`

	// maxNotApplicablePercent is the largest share of the audience on which the policy may turn out not to apply, 0 to 100;
	// above it the targeting is taken to be wrong and the wave is held. Up to it, such a device counts against promotion
	// unless a prerequisite explains it, in which case it proves nothing either way. 100 sets no limit. Default 10.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxNotApplicablePercent *int32 `json:"maxNotApplicablePercent,omitempty"`
}

// PromoteTest demands proof of a success rate: the exact (Clopper-Pearson) lower confidence bound on the success rate
// must reach the floor.
type PromoteTest struct {
	// floorRate is the success rate that must be proven, a decimal above 0 and below 1, for example "0.95".
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]{1,6}$') && double(self) > 0.0",message="floorRate must be a decimal in quotes, above 0 and below 1, with up to 6 digits, such as \"0.95\""
	// +required
	FloorRate string `json:"floorRate"`

	// confidence of the proof, one-sided, a decimal from 0.5 to below 1. Default "0.95".
	// +kubebuilder:default="0.95"
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]{1,6}$') && double(self) >= 0.5",message="confidence must be a decimal in quotes, from 0.5 to below 1, with up to 6 digits, such as \"0.95\""
	// +optional
	Confidence string `json:"confidence,omitempty"`

	// looks is the number of sample sizes at which the bound is looked at, fixed before the first report; at the last one,
	// and at each further report up to the whole audience. Over all looks together, and the one at gate.deadline, a payload
	// at the floor passes with at most 1 - confidence. 1 to 10, default 1.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	// +optional
	Looks int32 `json:"looks,omitempty"`
}

// SmokeTest promotes on nearly complete reports without a statistical claim.
type SmokeTest struct {
	// maxFailures is the largest number of failed devices; one more halts the wave at once. Devices in conflict count
	// against it for promotion, but do not halt. Default 0.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +optional
	MaxFailures int32 `json:"maxFailures,omitempty"`
}

// HaltTest stops a wave: an e-process that may be looked at after every report.
type HaltTest struct {
	// toleratedFailureRate is the failure rate that is still acceptable, a decimal above 0 and below 1. Default "0.05".
	// +kubebuilder:default="0.05"
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]{1,6}$') && double(self) > 0.0",message="toleratedFailureRate must be a decimal in quotes, above 0 and below 1, with up to 6 digits, such as \"0.05\""
	// +optional
	ToleratedFailureRate string `json:"toleratedFailureRate,omitempty"`

	// alpha is the largest chance of halting a policy that fails at the tolerated rate, over any number of looks, a decimal
	// above 0 and at most 0.5. Default "0.05": the wave halts when the evidence reaches 1/alpha = 20.
	// +kubebuilder:default="0.05"
	// +kubebuilder:validation:MaxLength=8
	// +kubebuilder:validation:XValidation:rule="self.matches('^0[.][0-9]{1,6}$') && double(self) > 0.0 && double(self) <= 0.5",message="alpha must be a decimal in quotes, above 0 and at most 0.5, with up to 6 digits, such as \"0.05\""
	// +optional
	Alpha string `json:"alpha,omitempty"`

	// minFailures is the smallest number of failed devices that may halt the wave. Default 3.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +optional
	MinFailures int32 `json:"minFailures,omitempty"`
}

// FailureAction says what a halted wave does.
//
// +kubebuilder:validation:Enum=Hold;Rollback
type FailureAction string

// The failure actions.
const (
	FailureHold     FailureAction = "Hold"
	FailureRollback FailureAction = "Rollback"
)

// OnFailure says what a halted wave does, and one that regresses after its promotion.
type OnFailure struct {
	// action: Hold (default) exposes no further device and leaves the setting on the exposed ones; Rollback takes it back, so
	// that they have the stable revision again, or hold, also when the halt evidence comes after the promotion (see postWatch).
	// Rolling a device policy back is a change with risks of its own.
	// +kubebuilder:default=Hold
	// +optional
	Action FailureAction `json:"action,omitempty"`

	// rollback says when a rollback is finished.
	// +kubebuilder:default={}
	// +optional
	Rollback RollbackRule `json:"rollback,omitzero"`
}

// PostWatch says how long a wave is watched after its promotion.
type PostWatch struct {
	// duration after the promotion, and after the last device of a growing audience was exposed, for which the devices go on
	// being judged by gate.halt. The watch lasts longer while another wave that depends on this one is not promoted, and ends
	// with the first reading of the fleet that is newer. Halt evidence in it makes the wave Stalled as LateRegression: the waves
	// that depend on it, and itself, expose no further device, the revision does not become stable, and onFailure says what
	// becomes of its own devices. Default 336h (14 days), at most 8760h; 0s watches only for the waves that depend on it.
	// +kubebuilder:default="336h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$') && duration(self) <= duration('8760h')",message="duration must be a duration such as 336h, not negative and at most 8760h; units are h, m, s and ms"
	// +optional
	Duration metav1.Duration `json:"duration,omitzero"`
}

// RollbackRule says when a rollback is finished.
type RollbackRule struct {
	// verifyPercent of the exposed devices that must show that they have what they had before, 1 to 100. Default 95.
	// +kubebuilder:default=95
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	VerifyPercent int32 `json:"verifyPercent,omitempty"`

	// deadline after which an unfinished rollback is reported as RollbackIncomplete; it still ends as RolledBack when
	// enough devices report later. Default 168h.
	// +kubebuilder:default="168h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$') && duration(self) > duration('0s')",message="deadline must be a duration such as 168h, longer than 0s; units are h, m, s and ms"
	// +optional
	Deadline metav1.Duration `json:"deadline,omitzero"`
}

// WavePhase is where a wave stands. Paused is a condition over a phase, not a phase.
//
// +kubebuilder:validation:Enum=Pending;Resolving;Exposing;Baking;Evaluating;Promoting;Succeeded;Held;Halted;RollingBack;RolledBack;RollbackIncomplete;Aborted
type WavePhase string

// The phases of a wave.
const (
	PhasePending            WavePhase = "Pending"
	PhaseResolving          WavePhase = "Resolving"
	PhaseExposing           WavePhase = "Exposing"
	PhaseBaking             WavePhase = "Baking"
	PhaseEvaluating         WavePhase = "Evaluating"
	PhasePromoting          WavePhase = "Promoting"
	PhaseSucceeded          WavePhase = "Succeeded"
	PhaseHeld               WavePhase = "Held"
	PhaseHalted             WavePhase = "Halted"
	PhaseRollingBack        WavePhase = "RollingBack"
	PhaseRolledBack         WavePhase = "RolledBack"
	PhaseRollbackIncomplete WavePhase = "RollbackIncomplete"
	PhaseAborted            WavePhase = "Aborted"
)

// Verdict is what the gate says of the evidence.
//
// +kubebuilder:validation:Enum=Pass;Wait;Halt;NoData
type Verdict string

// The verdicts of a gate.
const (
	VerdictPass   Verdict = "Pass"
	VerdictWait   Verdict = "Wait"
	VerdictHalt   Verdict = "Halt"
	VerdictNoData Verdict = "NoData"
)

// ReasonCount is how many devices share a reason.
type ReasonCount struct {
	// reason in CamelCase.
	Reason string `json:"reason"`
	// count of devices.
	Count int32 `json:"count"`
}

// AudienceStatus is the resolved audience of the current attempt. Membership is frozen when the attempt resolves it.
type AudienceStatus struct {
	// digest of the eligible devices' ids.
	Digest string `json:"digest"`

	// targeted is the number of devices that the groups and the slice select.
	Targeted int32 `json:"targeted"`

	// eligible is the number of targeted devices that meet the prerequisites: the devices that the wave will expose.
	Eligible int32 `json:"eligible"`

	// ineligible counts the other targeted devices by reason.
	// +listType=map
	// +listMapKey=reason
	// +optional
	Ineligible []ReasonCount `json:"ineligible,omitempty"`

	// resolvedAt is when the audience was frozen.
	ResolvedAt metav1.Time `json:"resolvedAt"`

	// specHash identifies the spec.audience that was resolved.
	// +optional
	SpecHash string `json:"specHash,omitempty"`

	// joined is the number of devices that a growing audience took after it was first resolved.
	// +optional
	Joined int32 `json:"joined,omitempty"`

	// excluded is the number of devices of this audience that were excluded later.
	// +optional
	Excluded int32 `json:"excluded,omitempty"`

	// refused is the number of devices of this audience that the tenant did not take as members of the wave's group. They do
	// not count as exposed; the findings name some of them with the reason.
	// +optional
	Refused int32 `json:"refused,omitempty"`
}

// WaveAttempt is an attempt whose group may exist in the tenant.
type WaveAttempt struct {
	// attempt number, from 1.
	Attempt int32 `json:"attempt"`

	// revision of the payload that the attempt brings.
	Revision int32 `json:"revision"`

	// groupID of the Entra group that holds the exposed devices of this attempt alone. Empty while the group is being made.
	// +optional
	GroupID string `json:"groupID,omitempty"`

	// createdAt is when the group was first asked for.
	CreatedAt metav1.Time `json:"createdAt"`

	// succeededAt is when the attempt was promoted; absent when it was not.
	// +optional
	SucceededAt *metav1.Time `json:"succeededAt,omitempty"`

	// regressedAt is when halt evidence was found after the promotion; absent when none was. It is not taken back: a retry
	// proves the payload anew, with another attempt.
	// +optional
	RegressedAt *metav1.Time `json:"regressedAt,omitempty"`

	// watchEndedAt is when the watch after the promotion ended without halt evidence; absent while it goes on.
	// +optional
	WatchEndedAt *metav1.Time `json:"watchEndedAt,omitempty"`

	// withdrawnAt is when the attempt was taken back: its devices fall back to what they had before. Absent while it stands.
	// +optional
	WithdrawnAt *metav1.Time `json:"withdrawnAt,omitempty"`

	// ledger binds this status to the operator's record of the attempt's devices.
	// +optional
	Ledger *LedgerBinding `json:"ledger,omitempty"`
}

// DeviceCounts are the eligible devices of the current attempt by outcome; each device has exactly one. The last word of a
// device counts: one that failed and was wiped, retired, disabled or enrolled anew since still counts as failed.
type DeviceCounts struct {
	// pending devices are not exposed yet.
	Pending int32 `json:"pending"`
	// exposed devices have not checked in since.
	Exposed int32 `json:"exposed"`
	// seen devices checked in after exposure and have no result yet.
	Seen int32 `json:"seen"`
	// succeeded devices report the policy as applied.
	Succeeded int32 `json:"succeeded"`
	// recovered of the succeeded devices had failed or were in conflict before in this attempt, and succeeded later in the same
	// enrolment. They are among succeeded, not beside them: look at some of them before you rely on the rest.
	Recovered int32 `json:"recovered"`
	// failed devices report an error.
	Failed int32 `json:"failed"`
	// conflict devices report another policy that sets the same setting differently.
	Conflict int32 `json:"conflict"`
	// notApplicable devices report that the policy does not apply to them; see spec.gate.coverage.maxNotApplicablePercent.
	NotApplicable int32 `json:"notApplicable"`
	// stale devices have only a report that is older than their exposure, or no contact for maxOffline.
	Stale int32 `json:"stale"`
	// dark devices were active before exposure and have been silent since, for longer than maturity.
	Dark int32 `json:"dark"`
}

// GateRow is one metric of the gate.
type GateRow struct {
	// metric name; delivered is the settings catalog status of the payload.
	Metric string `json:"metric"`
	// verdict of this metric.
	Verdict Verdict `json:"verdict"`
	// n is the number of matured devices with a fresh result.
	N int32 `json:"n"`
	// k is how many of them failed or are in conflict.
	K int32 `json:"k"`
	// observed success rate among n, a decimal.
	Observed string `json:"observed"`
	// lowerBound is the proven success rate at the configured confidence, a decimal.
	LowerBound string `json:"lowerBound"`
	// worstCase success rate if every silent matured device has failed, a decimal.
	WorstCase string `json:"worstCase"`
	// bestCase success rate if every silent matured device has succeeded, a decimal.
	BestCase string `json:"bestCase"`
	// floor to prove, a decimal; empty for a smoke gate.
	// +optional
	Floor string `json:"floor,omitempty"`
	// coverage is the share of matured devices with a fresh result, a decimal.
	Coverage string `json:"coverage"`
	// haltEvidence is the e-value against the tolerated failure rate.
	HaltEvidence string `json:"haltEvidence"`
	// haltAt is the e-value that halts.
	HaltAt string `json:"haltAt"`
	// lookAt is the number of reports of the look that judged: a sample between two looks is judged by the earlier one.
	// 0 before the first.
	// +optional
	LookAt int32 `json:"lookAt,omitempty"`
	// allowedFailures is how many failures that look lets pass.
	// +optional
	AllowedFailures int32 `json:"allowedFailures,omitempty"`
	// nextLookAt is the number of reports from which on more failures pass than now; 0 when there is none.
	// +optional
	NextLookAt int32 `json:"nextLookAt,omitempty"`
}

// ProofStatus is what the attempt is judged by. It is fixed with the audience, before the first device is exposed: a gate that
// is loosened afterwards proves nothing about this attempt, and a plan that is made after evidence was seen has no level.
type ProofStatus struct {
	// gate is the spec.gate that the attempt began with. The attempt ends at the deadline of the spec.
	// +kubebuilder:pruning:PreserveUnknownFields
	Gate runtime.RawExtension `json:"gate"`
	// audience is the number of devices the looks were planned for.
	Audience int32 `json:"audience"`
	// start is the number of reports from which on every further one is a look at the bound. 0 for a smoke gate.
	// +optional
	Start int32 `json:"start,omitempty"`
	// alpha is the level of a look from start on, a decimal: over all looks, a payload at the floor passes with at most
	// 1 - confidence.
	// +optional
	Alpha string `json:"alpha,omitempty"`
	// shape is how much lower the level of earlier looks is: of n reports, alpha x (n/start)^shape. A decimal.
	// +optional
	Shape string `json:"shape,omitempty"`
	// deadlineReports is the number of reports at gate.deadline, once the proof was tried there. It cannot be tried again.
	// +optional
	DeadlineReports int32 `json:"deadlineReports,omitempty"`
	// deadlineEdited says that gate.deadline was edited before the proof was tried at it. The attempt has no such try any more: one
	// at a moment that somebody chooses who sees the reports would promote too often.
	// +optional
	DeadlineEdited bool `json:"deadlineEdited,omitempty"`
}

// DecisionStatus is the newest decision, in words that a person can act on.
type DecisionStatus struct {
	// verdict of the gate at the decision; empty before there is anything to judge.
	// +optional
	Verdict Verdict `json:"verdict,omitempty"`
	// reason in CamelCase.
	Reason string `json:"reason"`
	// message says what is the case, and what is needed.
	Message string `json:"message"`
	// evidenceDigest identifies the evidence that was judged.
	// +optional
	EvidenceDigest string `json:"evidenceDigest,omitempty"`
}

// Clocks are the times from which every waiting period is derived.
type Clocks struct {
	// startedAt is when the attempt left Pending.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// lastBatchAt is when the newest batch was exposed.
	// +optional
	LastBatchAt *metav1.Time `json:"lastBatchAt,omitempty"`
	// lastConfirmedAt is when the tenant showed the newest member of the wave's group that this wave put there.
	// +optional
	LastConfirmedAt *metav1.Time `json:"lastConfirmedAt,omitempty"`
	// exposureCompletedAt is when the tenant showed the last exposed device as a member: the bake counts from then on.
	// +optional
	ExposureCompletedAt *metav1.Time `json:"exposureCompletedAt,omitempty"`
	// bakeUntil is when the bake ends if nothing freezes it.
	// +optional
	BakeUntil *metav1.Time `json:"bakeUntil,omitempty"`
	// deadlineAt is when the wave is held for a person if nothing freezes it.
	// +optional
	DeadlineAt *metav1.Time `json:"deadlineAt,omitempty"`
	// frozenSince is when the current freeze (pause, suspension, telemetry outage) began.
	// +optional
	FrozenSince *metav1.Time `json:"frozenSince,omitempty"`
	// frozenSeconds is the time frozen in this attempt before frozenSince.
	// +optional
	FrozenSeconds int64 `json:"frozenSeconds,omitempty"`
	// bakeFrozenSeconds is the part of frozenSeconds since lastConfirmedAt.
	// +optional
	BakeFrozenSeconds int64 `json:"bakeFrozenSeconds,omitempty"`
	// succeededAt is when the wave was promoted.
	// +optional
	SucceededAt *metav1.Time `json:"succeededAt,omitempty"`
	// regressedAt is when halt evidence was found after the promotion of this attempt; absent when none was.
	// +optional
	RegressedAt *metav1.Time `json:"regressedAt,omitempty"`
	// rollbackStartedAt is when the rollback began.
	// +optional
	RollbackStartedAt *metav1.Time `json:"rollbackStartedAt,omitempty"`
}

// Finding is one failure mode seen in the wave.
type Finding struct {
	// mode is the failure mode, an F and its number: 1 prerequisite missing, 2 not applied, 3 conflict or error, 5 stale.
	Mode string `json:"mode"`
	// reason in CamelCase.
	Reason string `json:"reason"`
	// count of devices.
	Count int32 `json:"count"`
	// samples are the names of a few of them.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	// +optional
	Samples []string `json:"samples,omitempty"`
	// runbook says what to do.
	Runbook string `json:"runbook"`
}

// RollbackStatus is how far a rollback is proven.
type RollbackStatus struct {
	// reverting: the rollback began because the payload of the policy was reverted. When it is verified the wave is what it was
	// before.
	// +optional
	Reverting bool `json:"reverting,omitempty"`
	// accepted: a person ended the rollback by annotation tidegate.dev/rollback-accepted-at, before devices had proven it.
	// +optional
	Accepted bool `json:"accepted,omitempty"`
	// target is the number of exposed devices.
	Target int32 `json:"target"`
	// verified devices show that they have what they had before.
	Verified int32 `json:"verified"`
	// unreachable devices have not checked in since the rollback began.
	Unreachable int32 `json:"unreachable"`
	// unconfirmed devices checked in but do not show it.
	Unconfirmed int32 `json:"unconfirmed"`
}

// AttemptRecord is the outcome of a closed attempt.
type AttemptRecord struct {
	// attempt number, from 1.
	Attempt int32 `json:"attempt"`
	// outcome: Superseded (a new payload), Reverted (the policy returned to an earlier one), or by a retry Held, Halted, Aborted,
	// RolledBack, RollbackIncomplete, Regressed (after its promotion) or Lost (its ledger or group).
	Outcome string `json:"outcome"`
	// reason in CamelCase.
	Reason string `json:"reason"`
	// payloadHash of the attempt.
	PayloadHash string `json:"payloadHash"`
	// revision of the attempt.
	// +optional
	Revision int32 `json:"revision,omitempty"`
	// n, k and lowerBound at the end.
	N int32 `json:"n"`
	// k at the end.
	K int32 `json:"k"`
	// lowerBound at the end, a decimal.
	// +optional
	LowerBound string `json:"lowerBound,omitempty"`
	// exposed devices at the end.
	Exposed int32 `json:"exposed"`
	// startedAt of the attempt.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// regressedAt is when halt evidence was found after the promotion of the attempt; absent when none was.
	// +optional
	RegressedAt *metav1.Time `json:"regressedAt,omitempty"`
	// endedAt of the attempt.
	EndedAt metav1.Time `json:"endedAt"`
}

// HandledRequests are the annotation values that have been acted on.
type HandledRequests struct {
	// abort is the handled value of tidegate.dev/abort-requested-at.
	// +optional
	Abort string `json:"abort,omitempty"`
	// rollback is the handled value of tidegate.dev/rollback-requested-at.
	// +optional
	Rollback string `json:"rollback,omitzero"`
	// rollbackAccepted is the handled value of tidegate.dev/rollback-accepted-at.
	// +optional
	RollbackAccepted string `json:"rollbackAccepted,omitempty"`
	// retry is the handled value of tidegate.dev/retry-requested-at.
	// +optional
	Retry string `json:"retry,omitempty"`
}

// WaveColumns are preformatted values for the table view.
type WaveColumns struct {
	// progress is reported/eligible devices.
	// +optional
	Progress string `json:"progress,omitempty"`
	// failed is the number of failed devices, with conflicts after a plus sign.
	// +optional
	Failed string `json:"failed,omitempty"`
	// bound is the proven success rate.
	// +optional
	Bound string `json:"bound,omitempty"`
	// floor to prove, or smoke.
	// +optional
	Floor string `json:"floor,omitempty"`
	// next is the time or the number of reports at which something can change.
	// +optional
	Next string `json:"next,omitempty"`
	// revision of the current attempt, such as r2.
	// +optional
	Revision string `json:"revision,omitempty"`
}

// PilotWaveStatus is where the wave stands and why.
type PilotWaveStatus struct {
	// observedGeneration is the spec generation that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// phase of the current attempt.
	// +optional
	Phase WavePhase `json:"phase,omitempty"`
	// heldPhase is the phase that a Held wave returns to when the cause is gone.
	// +optional
	HeldPhase WavePhase `json:"heldPhase,omitempty"`
	// heldReason is why the wave is Held.
	// +optional
	HeldReason string `json:"heldReason,omitempty"`
	// clearSince is the reading of the inventory at which the cause of Held was first seen gone; a second, newer reading
	// without it ends Held.
	// +optional
	ClearSince *metav1.Time `json:"clearSince,omitempty"`
	// attempt number, from 1; a new payload or a retry starts the next.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`
	// payloadHash that this attempt exposes and judges.
	// +optional
	PayloadHash string `json:"payloadHash,omitempty"`
	// revision of the payload that this attempt exposes and judges.
	// +optional
	Revision int32 `json:"revision,omitempty"`
	// attempts whose groups may exist in the tenant, the current one among them. An older one stands for devices that have
	// what it brought until a later attempt reaches them.
	// +listType=map
	// +listMapKey=attempt
	// +optional
	Attempts []WaveAttempt `json:"attempts,omitempty"`
	// gateHash identifies the gate that judges this attempt.
	// +optional
	GateHash string `json:"gateHash,omitempty"`
	// audience of this attempt.
	// +optional
	Audience *AudienceStatus `json:"audience,omitempty"`
	// proof is what this attempt is judged by, from the moment its audience is frozen.
	// +optional
	Proof *ProofStatus `json:"proof,omitempty"`
	// devices of this attempt by outcome.
	// +optional
	Devices DeviceCounts `json:"devices,omitzero"`
	// gate has one row per metric.
	// +listType=map
	// +listMapKey=metric
	// +optional
	Gate []GateRow `json:"gate,omitempty"`
	// decision is the newest decision.
	// +optional
	Decision DecisionStatus `json:"decision,omitzero"`
	// clocks of this attempt.
	// +optional
	Clocks Clocks `json:"clocks,omitzero"`
	// findings by failure mode.
	// +listType=atomic
	// +optional
	Findings []Finding `json:"findings,omitempty"`
	// rollback progress; absent when there was none.
	// +optional
	Rollback *RollbackStatus `json:"rollback,omitempty"`
	// history of closed attempts, newest last, at most 10.
	// +listType=map
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=10
	// +optional
	History []AttemptRecord `json:"history,omitempty"`
	// handledRequests are the annotation values that have been acted on.
	// +optional
	HandledRequests HandledRequests `json:"handledRequests,omitzero"`
	// columns are preformatted values for the table view.
	// +optional
	Columns WaveColumns `json:"columns,omitzero"`
	// conditions: Ready, Reconciling, Stalled, DependenciesMet, AudienceResolved, AudienceOutdated, GateOutdated, TelemetryFresh,
	// GatePassed, Paused.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// PilotWave is one wave of a passkey rollout: an audience, a pace and a gate.
//
// +kubebuilder:validation:XValidation:rule="!has(self.spec.dependsOn) || !self.spec.dependsOn.exists(d, d.name == self.metadata.name)",message="dependsOn names the wave itself: remove that entry",messageExpression="'dependsOn names the wave itself, ' + self.metadata.name + ': remove that entry'",fieldPath=".spec.dependsOn"
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=wave;waves,categories=tidegate
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.columns.revision`
// +kubebuilder:printcolumn:name="Verdict",type=string,JSONPath=`.status.decision.verdict`
// +kubebuilder:printcolumn:name="Progress",type=string,JSONPath=`.status.columns.progress`
// +kubebuilder:printcolumn:name="Failed",type=string,JSONPath=`.status.columns.failed`
// +kubebuilder:printcolumn:name="Bound",type=string,JSONPath=`.status.columns.bound`
// +kubebuilder:printcolumn:name="Floor",type=string,JSONPath=`.status.columns.floor`
// +kubebuilder:printcolumn:name="Next",type=string,JSONPath=`.status.columns.next`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.decision.reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Policy",type=string,priority=1,JSONPath=`.spec.policyRef.name`
// +kubebuilder:printcolumn:name="Attempt",type=integer,priority=1,JSONPath=`.status.attempt`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.decision.message`
type PilotWave struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the wave's audience, pace and gate.
	// +required
	Spec PilotWaveSpec `json:"spec"`

	// status is written by the controller only.
	// +optional
	Status PilotWaveStatus `json:"status,omitzero"`
}

// PilotWaveList is a list of PilotWaves.
//
// +kubebuilder:object:root=true
type PilotWaveList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PilotWave `json:"items"`
}
