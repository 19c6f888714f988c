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
// data, then the promote rules; the lists in checks.go are that order. Repeating
// an evaluation with its own Look and unchanged counts gives the same result, so
// that a steady state writes nothing (P12).
//
// A pass is kept between looks while the present evidence still proves the
// floor, and is withdrawn when late failures take the bound below it.
func Evaluate(spec Spec, c Counts, prev LookState) Result {
	r, _ := evaluate(spec, c, prev)
	return r
}

// evaluation is what the checks look at: the input, and the numbers that every
// verdict shows.
type evaluation struct {
	spec   Spec
	counts Counts
	// specErr and countsErr say why there are no numbers to look at.
	specErr, countsErr error
	// sizes are the declared looks, at least one.
	sizes []int
	// due says that the proof is to be tried now, repeated that this is the
	// latest look once more, on unchanged evidence.
	due, repeated bool
	Result
}

// evaluate also returns the check that decided.
func evaluate(spec Spec, c Counts, prev LookState) (Result, *check) {
	e := evaluation{spec: spec, counts: c, specErr: spec.Validate(), countsErr: c.Validate()}
	e.N, e.K, e.Look = c.Reported, c.Failed+c.Conflict, prev
	if bad := first(inputChecks, e); bad != nil {
		return e.conclude(bad), bad
	}
	e.measure()
	decisive := first(haltChecks, e)
	if decisive == nil {
		decisive = first(promoteChecks, e)
	}
	return e.conclude(decisive), decisive
}

// measure computes the numbers that every verdict shows.
func (e *evaluation) measure() {
	spec, c := e.spec, e.counts
	e.sizes = LookSizes(spec, c.Eligible)
	e.due, e.repeated = due(e.sizes, e.N, e.K, e.Look)
	e.NextLook = nextSize(e.sizes, e.N, e.Look.Taken)
	if c.Reported > 0 {
		e.Observed = ratio(c.Succeeded, c.Reported)
	}
	if c.Matured > 0 {
		e.WorstCase = ratio(c.Succeeded, c.Matured)
		e.BestCase = ratio(c.Succeeded+c.Matured-c.Reported, c.Matured)
		e.Coverage = ratio(c.Reported, c.Matured)
	}
	if spec.Halt != (Halt{}) {
		e.HaltEvidence = HaltEvidence(c.Seen, c.SeenFailed, spec.Halt.ToleratedFailureRate)
		e.HaltAt = HaltThreshold(spec.Halt.Alpha)
	}
	if spec.Smoke != nil {
		e.Need = e.sizes[0]
	} else {
		alpha := spec.alphaPerLook()
		e.Floor = spec.Promote.FloorRate
		e.LowerBound = LowerBound(e.N, e.K, alpha)
		e.Need = max(RequiredReports(e.Floor, alpha, e.K), spec.MinReports)
	}
	e.OutOfReach = e.Need > c.Eligible
}

// conclude is the result by the check that decided. The look is recorded before
// the sentence is spoken, which names the next one.
func (e evaluation) conclude(by *check) Result {
	e.Verdict, e.Reason = by.verdict, by.reason
	switch {
	case by.tries:
		e.take()
	case by.verdict == VerdictHalt:
		e.Look.Passed = false
	}
	e.Message = by.sentence(e)
	return e.Result
}

// take records a try at the proof.
func (e *evaluation) take() {
	e.Look.Passed = e.Verdict == VerdictPass
	if e.repeated {
		return
	}
	e.Look.Taken = max(1, e.Look.Taken, reached(e.sizes, e.N))
	e.Look.Reports, e.Look.Failures = e.N, e.K
	e.NextLook = nextSize(e.sizes, e.N, e.Look.Taken)
}

func ratio(part, whole int) float64 { return float64(part) / float64(whole) }
