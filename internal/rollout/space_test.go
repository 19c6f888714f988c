// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// dimension is one axis of the input space.
type dimension struct {
	name   string
	values int
	// crossed of the values are crossed with all other axes, the rest are drawn; 0 crosses all.
	crossed int
	// set puts the i-th value into the input.
	set func(in *Input, i int)
}

func stringDimension[S ~string](name string, at func(*Input) *S, values ...S) *dimension {
	return &dimension{name: name, values: len(values), set: func(in *Input, i int) { *at(in) = values[i] }}
}

// factDimension gives each state a text of its own, so that a message that leaks from one axis to another shows.
func factDimension[S ~string](name string, at func(*Input) *Fact[S], values ...S) *dimension {
	facts := make([]Fact[S], len(values))
	for i, v := range values {
		facts[i] = FactOf(v, "")
		if i > 0 {
			facts[i].Message = "<" + name + " " + string(v) + ">."
		}
	}
	return &dimension{name: name, values: len(values), set: func(in *Input, i int) { *at(in) = facts[i] }}
}

func boolDimension(name string, at func(*Input) *bool) *dimension {
	return &dimension{name: name, values: 2, set: func(in *Input, i int) { *at(in) = i == 1 }}
}

// crossing limits the values that are crossed.
func (d *dimension) crossing(n int) *dimension {
	d.crossed = n
	return d
}

var audienceReasons = []string{
	v1alpha1.ReasonAudienceEmpty, v1alpha1.ReasonAudienceTooSmall, v1alpha1.ReasonAudienceOutOfBounds,
	v1alpha1.ReasonAudienceIneligible, v1alpha1.ReasonGroupNotFound, v1alpha1.ReasonGroupAmbiguous,
}

var heldReasons = append(slices.Clone(audienceReasons), v1alpha1.ReasonHeldNoData, v1alpha1.ReasonTelemetryStale,
	v1alpha1.ReasonTelemetryMissing, v1alpha1.ReasonClockSkewed, v1alpha1.ReasonTargetingConflict, v1alpha1.ReasonTooManyNotApplicable, v1alpha1.ReasonDeadlineExceeded,
	v1alpha1.ReasonLedgerLost, v1alpha1.ReasonLedgerAltered, v1alpha1.ReasonGroupLost, "")

// The axes of the input space, all constants of each; TestUnknownValues is about others.
var (
	dimHeldPhase  = stringDimension("HeldPhase", func(in *Input) *v1alpha1.WavePhase { return &in.HeldPhase }, resumable...)
	dimHeldReason = stringDimension("HeldReason", func(in *Input) *string { return &in.HeldReason }, heldReasons...)
	dimDeleting   = boolDimension("Deleting", func(in *Input) *bool { return &in.Deleting })
	dimRequest    = stringDimension("Request", func(in *Input) *Request { return &in.Request },
		RequestNone, RequestAbort, RequestRollback, RequestAccept, RequestRetry)
	dimPaused    = boolDimension("Paused", func(in *Input) *bool { return &in.Paused })
	dimSuspended = boolDimension("Suspended", func(in *Input) *bool { return &in.Suspended })
	dimLedger    = factDimension("Ledger", func(in *Input) *Fact[LedgerState] { return &in.Ledger }, "", LedgerOK, LedgerLost, LedgerAltered)
	dimExclusion = factDimension("Exclusion", func(in *Input) *Fact[ExclusionState] { return &in.Exclusion }, "", ExclusionDue)
	dimEarlier   = factDimension("Earlier", func(in *Input) *Fact[EarlierState] { return &in.Earlier }, "", EarlierWhole, EarlierDrifted, EarlierGone, EarlierUntold)
	dimReports   = boolDimension("OnlyReports", func(in *Input) *bool { return &in.OnlyReports })
	dimGrowth    = factDimension("Growth", func(in *Input) *Fact[GrowthState] { return &in.Growth }, "", GrowthDue)
	dimGrowing   = boolDimension("Growing", func(in *Input) *bool { return &in.Growing })
	dimRestore   = boolDimension("Restorable", func(in *Input) *bool { return &in.Restorable })
	dimTaken     = boolDimension("TakenBack", func(in *Input) *bool { return &in.TakenBack })
	dimAccepted  = boolDimension("Accepted", func(in *Input) *bool { return &in.Accepted })
	dimReverting = boolDimension("Reverting", func(in *Input) *bool { return &in.Reverting })

	dimWatch = factDimension("Watch", func(in *Input) *Fact[WatchState] { return &in.Watch }, WatchOff, WatchOn, WatchEnding, WatchRegressed)

	// sampled are the axes that are drawn at random instead of crossed with all others, whose product would be too large.
	sampled = []*dimension{dimSuspended, dimLedger, dimExclusion, dimGrowth, dimGrowing, dimRestore, dimReverting, dimTaken,
		dimEarlier, dimReports, dimWatch}

	dimPolicy = factDimension("Policy", func(in *Input) *Fact[PolicyState] { return &in.Policy },
		PolicyReady, PolicyNotReady, PolicyMissing, PolicySuspended).crossing(3)
	dimPayload = factDimension("Payload", func(in *Input) *Fact[PayloadState] { return &in.Payload },
		PayloadNotCompared, PayloadSame, PayloadChanged, PayloadReverted).crossing(3)
	dimDependencies = factDimension("Dependencies", func(in *Input) *Fact[DependencyState] { return &in.Dependencies },
		DependenciesMet, DependenciesWaiting, DependenciesFailed, DependenciesMissing, DependenciesCycle).crossing(3)
	dimAudience = factDimension("Audience", func(in *Input) *Fact[AudienceState] { return &in.Audience.Fact },
		AudienceUnresolved, AudienceOK, AudienceRefused)
	dimAudienceReason = stringDimension("AudienceReason", func(in *Input) *string { return &in.Audience.Reason }, audienceReasons...)
	dimAdmission      = factDimension("Admission", func(in *Input) *Fact[AdmissionState] { return &in.Admission },
		AdmissionNone, AdmissionAdmitting, AdmissionAdmitted, AdmissionWithdrawing, AdmissionWithdrawn).crossing(3)
	dimExposure = factDimension("Exposure", func(in *Input) *Fact[ExposureState] { return &in.Exposure },
		ExposureNone, ExposureDue, ExposureWaitInterval, ExposureComplete, ExposureTooManyUnreported, ExposureUnconfirmed).crossing(4)
	dimExposed    = boolDimension("Exposed", func(in *Input) *bool { return &in.Exposed })
	dimMembership = factDimension("Membership", func(in *Input) *Fact[MembershipState] { return &in.Membership },
		MembershipInSync, MembershipDrifted, MembershipGone).crossing(2)
	dimTelemetry = factDimension("Telemetry", func(in *Input) *Fact[TelemetryState] { return &in.Telemetry },
		TelemetryNotLoaded, TelemetryFresh, TelemetryStale, TelemetryMissing, TelemetryClock)
	dimEvidence = factDimension("Evidence", func(in *Input) *Fact[EvidenceState] { return &in.Evidence },
		EvidenceNone, EvidenceWait, EvidencePass, EvidenceHalt, EvidenceConflict, EvidenceNotApplicable, EvidenceNoData)
	dimBake      = boolDimension("BakeElapsed", func(in *Input) *bool { return &in.BakeElapsed })
	dimDeadline  = boolDimension("DeadlinePassed", func(in *Input) *bool { return &in.DeadlinePassed })
	dimOnFailure = stringDimension("OnFailure", func(in *Input) *v1alpha1.FailureAction { return &in.OnFailure },
		v1alpha1.FailureHold, v1alpha1.FailureRollback)
	dimRollback = factDimension("Rollback", func(in *Input) *Fact[RollbackState] { return &in.Rollback },
		RollbackWaiting, RollbackVerified, RollbackOverdue)
	dimClear = stringDimension("Clear", func(in *Input) *ClearState { return &in.Clear }, NotClear, ClearOnce, ClearTwice)

	dimensions = []*dimension{dimHeldPhase, dimHeldReason, dimDeleting, dimRequest, dimPaused, dimPolicy, dimPayload,
		dimDependencies, dimAudience, dimAudienceReason, dimAdmission, dimExposure, dimExposed, dimMembership, dimTelemetry,
		dimEvidence, dimBake, dimDeadline, dimOnFailure, dimRollback, dimClear,
		dimSuspended, dimLedger, dimExclusion, dimGrowth, dimGrowing, dimRestore, dimReverting, dimTaken, dimAccepted, dimEarlier, dimReports, dimWatch}
)

// relevant are the axes that may influence the decision in a phase; TestIrrelevantDimensions shows that the others do
// not. Deletion and requests are relevant in all.
var relevant = map[v1alpha1.WavePhase][]*dimension{
	pending: {dimEarlier, dimReports, dimExclusion, dimPaused, dimSuspended, dimRestore, dimPayload, dimPolicy, dimDependencies, dimExposed, dimEvidence, dimTelemetry},
	resolving: {dimEarlier, dimReports, dimExclusion, dimPaused, dimSuspended, dimPolicy, dimPayload, dimDependencies, dimAudience, dimAudienceReason, dimExposed, dimMembership,
		dimTelemetry, dimEvidence},
	exposing: {dimEarlier, dimReports, dimPaused, dimSuspended, dimLedger, dimExclusion, dimGrowing, dimGrowth, dimPolicy, dimPayload, dimDependencies, dimAdmission, dimExposure, dimExposed, dimMembership,
		dimTelemetry, dimEvidence, dimDeadline, dimOnFailure},
	baking: {dimPolicy, dimEarlier, dimReports, dimPaused, dimSuspended, dimLedger, dimExclusion, dimPayload, dimExposed, dimMembership, dimTelemetry, dimEvidence, dimBake, dimDeadline, dimOnFailure},
	evaluating: {dimEarlier, dimReports, dimPaused, dimSuspended, dimLedger, dimExclusion, dimPolicy, dimPayload, dimDependencies, dimExposed, dimMembership, dimTelemetry, dimEvidence,
		dimBake, dimDeadline, dimOnFailure},
	promoting: {dimEarlier, dimReports, dimPaused, dimSuspended, dimLedger, dimExclusion, dimPolicy, dimPayload, dimDependencies, dimExposed, dimMembership, dimTelemetry, dimEvidence,
		dimBake, dimDeadline, dimOnFailure},
	succeeded: {dimEarlier, dimReports, dimPaused, dimSuspended, dimLedger, dimExclusion, dimGrowing, dimGrowth, dimPolicy, dimPayload, dimDependencies, dimAdmission,
		dimExposure, dimExposed, dimMembership, dimTelemetry, dimEvidence, dimOnFailure, dimWatch},
	held: {dimPolicy, dimEarlier, dimReports, dimHeldPhase, dimHeldReason, dimPaused, dimSuspended, dimLedger, dimExclusion, dimMembership, dimPayload, dimAudience, dimExposed,
		dimTelemetry, dimEvidence, dimDeadline, dimOnFailure, dimClear},
	halted:             {dimEarlier, dimMembership, dimReports, dimPaused, dimSuspended, dimExclusion, dimPayload, dimExposed, dimEvidence, dimOnFailure},
	rollingBack:        {dimEarlier, dimReports, dimPaused, dimSuspended, dimExclusion, dimRollback, dimReverting, dimRestore, dimTaken, dimPayload},
	rolledBack:         {dimEarlier, dimMembership, dimReports, dimPaused, dimSuspended, dimExclusion, dimPayload, dimRollback, dimAccepted},
	rollbackIncomplete: {dimEarlier, dimMembership, dimReports, dimPaused, dimSuspended, dimExclusion, dimPayload, dimRollback, dimReverting, dimRestore, dimTaken},
	aborted:            {dimEarlier, dimMembership, dimReports, dimPaused, dimSuspended, dimExclusion, dimPayload, dimExposed},
}

// eachInput walks the full product of the axes that are relevant in a phase, but for the sampled ones, with the i-th request, and
// draws situations in which those move, too. A deletion makes all of them irrelevant but those that the decision repeats; it is
// drawn at random.
func eachInput(phase v1alpha1.WavePhase, request int, visit func(*Input)) {
	axes := slices.DeleteFunc(slices.Clone(relevant[phase]), func(d *dimension) bool { return slices.Contains(sampled, d) })
	if phase == succeeded || phase == held { // too many even so: what they have more than the others is drawn
		axes = slices.DeleteFunc(axes, func(d *dimension) bool {
			return d == dimPolicy || d == dimDependencies || d == dimAdmission || phase == held && d == dimMembership
		})
	}
	in := &Input{Phase: phase}
	dimRequest.set(in, request)
	var walk func(i int)
	walk = func(i int) {
		if i == len(axes) {
			visit(in)
			return
		}
		most := axes[i].values
		if axes[i].crossed > 0 {
			most = axes[i].crossed
		}
		for v := range most {
			axes[i].set(in, v)
			walk(i + 1)
		}
	}
	walk(0)
	r := rand.New(rand.NewPCG(5, uint64(request)))
	for i := range 24_000 {
		random, good := Input{Phase: phase}, i%2 == 0
		if good {
			random = goodOrder(phase)
			random.Audience.Reason = audienceReasons[0]
		}
		dimRequest.set(&random, request)
		for _, d := range relevant[phase] {
			switch moves := r.IntN(3) > 0; { // the others stay at rest, or nothing ever moves
			case moves && (!good || r.IntN(2) == 0):
				d.set(&random, r.IntN(d.values))
			case !good:
				d.set(&random, 0)
			}
		}
		visit(&random)
	}
	for range 2000 {
		random := randomInput(r)
		random.Phase, random.Deleting = phase, true
		visit(&random)
	}
}

// randomInput draws every axis independently.
func randomInput(r *rand.Rand) Input {
	in := Input{Phase: everyPhase[r.IntN(len(everyPhase))]}
	for _, d := range dimensions {
		d.set(&in, r.IntN(d.values))
	}
	return in
}

// TestIrrelevantDimensions moves, in random situations, the axes that are said not to matter, and wants the same decision
// to the letter.
func TestIrrelevantDimensions(t *testing.T) {
	const samples = 200_000
	r := rand.New(rand.NewPCG(1, 2))
	matters := map[v1alpha1.WavePhase]map[*dimension]bool{}
	for phase, axes := range relevant {
		matters[phase] = map[*dimension]bool{dimDeleting: true, dimRequest: true}
		for _, d := range axes {
			matters[phase][d] = true
		}
	}
	for range samples {
		in := randomInput(r)
		moved := in
		for _, d := range dimensions {
			if !matters[in.Phase][d] {
				d.set(&moved, r.IntN(d.values))
			}
		}
		if a, b := Decide(in), Decide(moved); a != b {
			t.Fatalf("an axis outside of relevant[%s] matters:\n%+v\n  %v\n%+v\n  %v", in.Phase, in, a, moved, b)
		}
	}
}

// TestRelevantDimensionsMatter keeps the lists of relevant axes short: each axis changes some decision of its phase.
func TestRelevantDimensionsMatter(t *testing.T) {
	for phase, axes := range relevant {
		for _, d := range append([]*dimension{dimDeleting, dimRequest}, axes...) {
			if !changesSomething(phase, d) {
				t.Errorf("%s: no value of %s changes a decision; take it off the list", phase, d.name)
			}
		}
	}
}

func changesSomething(phase v1alpha1.WavePhase, d *dimension) bool {
	r := rand.New(rand.NewPCG(3, 4))
	for range 40_000 {
		in := randomInput(r)
		in.Phase = phase
		if r.IntN(2) == 0 { // a wave in good order, but for a few things
			in = goodOrder(phase)
			for _, other := range dimensions {
				if r.IntN(4) == 0 {
					other.set(&in, r.IntN(other.values))
				}
			}
		}
		moved := in
		d.set(&moved, r.IntN(d.values))
		if Decide(in) != Decide(moved) {
			return true
		}
	}
	return false
}
