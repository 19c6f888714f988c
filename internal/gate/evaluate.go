// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

// Verdict is the answer of one evaluation.
type Verdict string

const (
	// VerdictPass: the floor is proven, or the smoke run is clean and complete.
	VerdictPass Verdict = "Pass"
	// VerdictWait: neither proven nor refuted; the reason says what is missing.
	VerdictWait Verdict = "Wait"
	// VerdictHalt: the wave does harm beyond what is tolerated.
	VerdictHalt Verdict = "Halt"
	// VerdictNoData: there is nothing to judge. It is never a pass and never a
	// failure (P4).
	VerdictNoData Verdict = "NoData"
)

// Reason says in one word why a verdict was given.
type Reason string

const (
	// ReasonFloorProven: Pass, the lower bound reached the floor at a look.
	ReasonFloorProven Reason = "FloorProven"
	// ReasonSmokePassed: Pass, a complete smoke run within its failure limit.
	ReasonSmokePassed Reason = "SmokePassed"

	// ReasonAudienceTooSmall: Wait, the audience cannot prove the floor even
	// without a failure. Only a change of the audience or of the gate helps.
	ReasonAudienceTooSmall Reason = "AudienceTooSmall"
	// ReasonTooFewReports: Wait, fewer reports than MinReports, or a smoke run
	// that is not complete.
	ReasonTooFewReports Reason = "TooFewReports"
	// ReasonCoverageBelowMinimum: Wait, too many matured devices are silent.
	ReasonCoverageBelowMinimum Reason = "CoverageBelowMinimum"
	// ReasonLookNotDue: Wait, the next declared sample size is not reached.
	ReasonLookNotDue Reason = "LookNotDue"
	// ReasonBoundBelowFloor: Wait, judged and not proven.
	ReasonBoundBelowFloor Reason = "BoundBelowFloor"
	// ReasonConflictBlocksPromote: Wait, it would pass without the devices on
	// which another profile sets the same thing. The targeting is to be
	// corrected, not the policy (gate D2).
	ReasonConflictBlocksPromote Reason = "ConflictBlocksPromote"

	// ReasonHaltEvidence: Halt, the evidence reached 1/alpha.
	ReasonHaltEvidence Reason = "HaltEvidence"
	// ReasonTooManyFailures: Halt, a smoke run exceeded its failure limit.
	ReasonTooManyFailures Reason = "TooManyFailures"

	// ReasonNotMatured: NoData, no device is matured, silence is expected.
	ReasonNotMatured Reason = "NotMatured"
	// ReasonNoReports: NoData, devices are matured and none has reported.
	ReasonNoReports Reason = "NoReports"
	// ReasonInvalidEvidence: NoData, the counts contradict each other.
	ReasonInvalidEvidence Reason = "InvalidEvidence"
	// ReasonInvalidSpec: NoData, the gate itself is unusable.
	ReasonInvalidSpec Reason = "InvalidSpec"
)

// Result is one evaluation: the verdict and all numbers it rests on. Every
// number is finite. Rates are fractions; those over no device are 0 and mean
// nothing while N (or the matured count) is 0.
type Result struct {
	Verdict Verdict
	Reason  Reason
	// Message is a sentence for a person, the same for the same input.
	Message string

	// N is the number of matured reports and K how many of them count against
	// promoting: failures and conflicts.
	N, K int
	// Observed is the success rate among reports; WorstCase takes each silent
	// matured device for a failure, BestCase for a success (gate D3).
	Observed, WorstCase, BestCase float64
	// LowerBound is the exact bound on the success rate at the level of one
	// look, Floor what it must reach. Both are 0 for a smoke wave.
	LowerBound, Floor float64
	// HaltEvidence halts the wave when it reaches HaltAt. Both are 0 where a
	// smoke wave has no halt test. The caller must latch a halt: evidence may
	// sink again when further devices succeed.
	HaltEvidence, HaltAt float64
	// Need is the sample size, in reports, that proves the floor if no further
	// device fails; [Unprovable] if none does. For a smoke wave it is the
	// number of reports of a complete run.
	Need int
	// OutOfReach says that Need exceeds the audience: unless a failed device
	// recovers, waiting cannot lead to a pass.
	OutOfReach bool
	// Coverage is the share of matured devices that reported.
	Coverage float64
	// Look is what to keep and to hand in as prev next time.
	Look LookState
	// NextLook is the next declared sample size in reports, 0 when the last
	// look is open and each change of the evidence is judged.
	NextLook int
}

// Evaluate judges the counts by the spec. prev is the Look of the previous
// result in this attempt, or zero. The order is: unusable input, halt, missing
// data, then the promote rules. Repeating an evaluation with its own Look and
// unchanged counts gives the same result, so that a steady state writes nothing
// (P12).
//
// A pass is kept between looks while the present evidence still proves the
// floor, and is withdrawn when late failures take the bound below it.
func Evaluate(spec Spec, c Counts, prev LookState) Result {
	if err := spec.Validate(); err != nil {
		return unusable(ReasonInvalidSpec, err, c, prev)
	}
	if err := c.Validate(); err != nil {
		return unusable(ReasonInvalidEvidence, err, c, prev)
	}
	sizes := LookSizes(spec, c.Eligible)
	r := measure(spec, c, sizes, prev)
	switch {
	case halted(spec, c, &r):
	case c.Reported == 0 && c.SeenFailed == 0:
		r.Verdict, r.Reason = VerdictNoData, ReasonNotMatured
		if c.Matured > 0 {
			r.Reason = ReasonNoReports
		}
	case spec.Smoke != nil:
		judgeSmoke(spec, c, &r)
	default:
		judgePromote(spec, c, sizes, &r)
	}
	r.Message = message(spec, c, r)
	return r
}

func unusable(reason Reason, err error, c Counts, prev LookState) Result {
	return Result{
		Verdict: VerdictNoData,
		Reason:  reason,
		Message: unusableMessage(reason, err),
		N:       c.Reported,
		K:       c.Failed + c.Conflict,
		Look:    prev,
	}
}

// measure computes the numbers that every verdict shows.
func measure(spec Spec, c Counts, sizes []int, prev LookState) Result {
	r := Result{N: c.Reported, K: c.Failed + c.Conflict, Look: prev}
	r.NextLook = nextSize(sizes, r.N, prev.Taken)
	if c.Reported > 0 {
		r.Observed = ratio(c.Succeeded, c.Reported)
	}
	if c.Matured > 0 {
		r.WorstCase = ratio(c.Succeeded, c.Matured)
		r.BestCase = ratio(c.Succeeded+c.Matured-c.Reported, c.Matured)
		r.Coverage = ratio(c.Reported, c.Matured)
	}
	if spec.Halt != (Halt{}) {
		r.HaltEvidence = HaltEvidence(c.Seen, c.SeenFailed, spec.Halt.ToleratedFailureRate)
		r.HaltAt = HaltThreshold(spec.Halt.Alpha)
	}
	if spec.Smoke != nil {
		r.Need = sizes[0]
	} else {
		alpha := spec.alphaPerLook()
		r.Floor = spec.Promote.FloorRate
		r.LowerBound = LowerBound(r.N, r.K, alpha)
		r.Need = max(RequiredReports(r.Floor, alpha, r.K), spec.MinReports)
	}
	r.OutOfReach = r.Need > c.Eligible
	return r
}

func halted(spec Spec, c Counts, r *Result) bool {
	switch {
	case spec.Smoke != nil && c.SeenFailed > spec.Smoke.MaxFailures:
		r.Reason = ReasonTooManyFailures
	case spec.Halt != (Halt{}) && c.SeenFailed >= spec.Halt.MinFailures && r.HaltEvidence >= r.HaltAt:
		r.Reason = ReasonHaltEvidence
	default:
		return false
	}
	r.Verdict = VerdictHalt
	r.Look.Passed = false
	return true
}

// judgeSmoke needs no looks: it proves no rate, so looking again costs nothing.
func judgeSmoke(spec Spec, c Counts, r *Result) {
	r.Verdict = VerdictWait
	switch {
	case spec.MinReports > c.Eligible:
		r.Reason = ReasonAudienceTooSmall
	case r.N < spec.MinReports:
		r.Reason = ReasonTooFewReports
	case r.Coverage < spec.MinCoverage:
		r.Reason = ReasonCoverageBelowMinimum
	case r.N < r.Need:
		r.Reason = ReasonTooFewReports
	case r.K > spec.Smoke.MaxFailures:
		// More hard failures than that would have halted: conflicts exceed it.
		r.Reason = ReasonConflictBlocksPromote
	default:
		r.Verdict, r.Reason = VerdictPass, ReasonSmokePassed
	}
}

// judgePromote tries the proof if a look is due, and records the look.
func judgePromote(spec Spec, c Counts, sizes []int, r *Result) {
	judge, repeated := due(sizes, r.N, r.K, r.Look)
	r.Verdict = VerdictWait
	switch {
	case sizes[0] > c.Eligible:
		r.Reason = ReasonAudienceTooSmall
		return
	case r.N < spec.MinReports:
		r.Reason = ReasonTooFewReports
		return
	case r.Coverage < spec.MinCoverage:
		r.Reason = ReasonCoverageBelowMinimum
		return
	case !judge && !r.Look.Passed:
		r.Reason = ReasonLookNotDue
		return
	}
	r.Reason = proof(spec, c, r)
	if r.Reason == ReasonFloorProven {
		r.Verdict = VerdictPass
	}
	r.Look.Passed = r.Verdict == VerdictPass
	if !repeated {
		r.Look.Taken = max(1, r.Look.Taken, reached(sizes, r.N))
		r.Look.Reports, r.Look.Failures = r.N, r.K
		r.NextLook = nextSize(sizes, r.N, r.Look.Taken)
	}
}

// proof is the outcome of one look.
func proof(spec Spec, c Counts, r *Result) Reason {
	alpha := spec.alphaPerLook()
	switch {
	case proves(r.N, r.K, r.Floor, alpha):
		return ReasonFloorProven
	case c.Conflict > 0 && proves(r.N, c.Failed, r.Floor, alpha):
		return ReasonConflictBlocksPromote
	default:
		return ReasonBoundBelowFloor
	}
}

func ratio(part, whole int) float64 { return float64(part) / float64(whole) }
