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
	// ReasonTargetingBlocksPromote: Wait, it would pass without the devices on
	// which another profile sets the same thing, or on which the policy does not
	// apply. The targeting is to be corrected, not the policy (gate D2).
	ReasonTargetingBlocksPromote Reason = "TargetingBlocksPromote"
	// ReasonTooManyNotApplicable: Wait, the policy does not apply on more of the
	// audience than MaxNotApplicable allows.
	ReasonTooManyNotApplicable Reason = "TooManyNotApplicable"

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
	// promoting: all that are no success.
	N, K int
	// Observed is the success rate among reports; WorstCase takes each silent
	// matured device for a failure, BestCase for a success (gate D3).
	Observed, WorstCase, BestCase float64
	// LowerBound is the exact bound on the success rate at the level of the
	// look that judged, Floor what it must reach. Both are 0 for a smoke wave.
	LowerBound, Floor float64
	// LookAt is the number of reports of the look that judged, 0 before the
	// first; Allowed is how many failures it lets pass.
	LookAt, Allowed int
	// HaltEvidence halts the wave when it reaches HaltAt. Both are 0 where a
	// smoke wave has no halt test. The caller must latch a halt: evidence may
	// sink again when further devices succeed.
	HaltEvidence, HaltAt float64
	// Need is the number of reports that proves the floor if no further device
	// fails; [Unprovable] if none of the plan does. For a smoke wave it is the
	// number of reports of a complete run.
	Need int
	// OutOfReach says that no sample of the audience passes: unless a failed
	// device recovers, waiting cannot lead to a pass.
	OutOfReach bool
	// Coverage is the share of matured devices that reported.
	Coverage float64
	// NextLook is the next sample size, in reports, that allows more failures
	// than now; 0 when there is none.
	NextLook int
}

// Evaluate judges the counts by the plan and the gate it was made for. deadline
// is the number of reports that the deadline found and kept, 0 before it: from
// then on only [Plan.Deadline] counts, whatever reports come after. The order
// is: unusable input, halt, missing data, then the promote rules; the lists in
// checks.go are that order. The result is a function of the three, so that a
// steady state writes nothing (P12) and any moment can be replayed (P10).
//
// A pass is withdrawn when late failures take the evidence beyond what its look
// allows.
func Evaluate(p Plan, c Counts, deadline int) Result {
	r, _ := evaluate(p, c, deadline)
	return r
}

// evaluation is what the checks look at: the input, and the numbers that every
// verdict shows.
type evaluation struct {
	plan   Plan
	spec   Spec
	counts Counts
	// specErr and countsErr say why there are no numbers to look at.
	specErr, countsErr error
	// judged is the look that judges the reports, nil before the first; level
	// its error rate.
	judged *judgement
	level  float64
	// late says that the deadline judges.
	late bool
	Result
}

// evaluate also returns the check that decided.
func evaluate(p Plan, c Counts, deadline int) (Result, *check) {
	e := evaluation{plan: p, spec: p.spec, counts: c, specErr: p.spec.Validate(), countsErr: c.Validate()}
	e.N, e.K = c.Reported, c.Failed+c.Conflict+c.Unexplained
	if bad := first(inputChecks, e); bad != nil {
		return e.conclude(bad), bad
	}
	e.measure(deadline)
	for _, chain := range [][]check{haltChecks, targetingChecks, promoteChecks} {
		if decisive := first(chain, e); decisive != nil {
			return e.conclude(decisive), decisive
		}
	}
	return e.Result, nil // not reached: the last line of promoteChecks always holds
}

// measure computes the numbers that every verdict shows.
func (e *evaluation) measure(deadline int) {
	spec, c := e.spec, e.counts
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
		e.Need = max(coveredReports(spec.MinCoverage, e.plan.Audience-c.Withdrawn), spec.MinReports)
		e.OutOfReach = e.Need > c.Eligible
		return
	}
	e.Floor = spec.Promote.FloorRate
	e.choose(deadline)
	n := e.N
	if e.judged != nil {
		n, e.LookAt, e.Allowed = e.judged.reports, e.judged.reports, max(e.judged.limit, 0)
	}
	e.LowerBound = LowerBound(n, min(n, e.K), e.level)
	e.OutOfReach = e.Need == Unprovable
}

// choose finds the look that judges. Before the first the level shown is that of
// the first.
func (e *evaluation) choose(deadline int) {
	if deadline > 0 {
		e.late, e.level, e.Need = true, e.spec.alpha(), Unprovable
		e.judged = &judgement{deadline, e.plan.Deadline(deadline)}
		if e.judged.limit >= 0 {
			e.level = between(deadline, e.judged.limit, e.Floor)
		}
		return
	}
	e.judged, e.Need, e.NextLook = e.plan.at(e.N), e.plan.need(e.K), e.plan.next(e.N)
	switch {
	case e.judged != nil:
		e.level = e.plan.level(e.judged.reports)
	case e.NextLook > 0:
		e.level = e.plan.level(e.NextLook)
	default:
		e.level = e.spec.alpha()
	}
}

// between is a level at which exactly up to limit failures of n reports prove
// the floor.
func between(n, limit int, floor float64) float64 {
	return (failuresAtMost(n, limit, floor) + failuresAtMost(n, limit+1, floor)) / 2
}

// conclude is the result by the check that decided.
func (e evaluation) conclude(by *check) Result {
	e.Verdict, e.Reason = by.verdict, by.reason
	e.Message = by.sentence(e)
	if e.specErr == nil && e.countsErr == nil {
		e.Message += recovered(e.counts)
	}
	return e.Result
}

func ratio(part, whole int) float64 { return float64(part) / float64(whole) }
