// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

// check is one line of a chain: when it holds, the evaluation ends with its
// verdict and its reason, and its sentence says to a person what was found and
// what helps. A chain is read from the top, the first line that holds decides.
type check struct {
	reason  Reason
	verdict Verdict
	// holds may look at everything that was measured; it changes nothing.
	holds func(evaluation) bool
	// sentence is called on an evaluation for which holds is true.
	sentence func(evaluation) string
}

// inputChecks refuse what nothing can be judged by. They come first, on an
// evaluation without numbers, and the result keeps the look it was given.
var inputChecks = []check{
	{reason: ReasonInvalidSpec, verdict: VerdictNoData, holds: specUnusable, sentence: invalidSpec},
	{reason: ReasonInvalidEvidence, verdict: VerdictNoData, holds: countsContradict, sentence: invalidEvidence},
}

// haltChecks protect the devices that are exposed. They come before everything
// that asks for more data: harm needs no coverage, no maturity and no look.
var haltChecks = []check{
	{reason: ReasonTooManyFailures, verdict: VerdictHalt, holds: smokeFailed, sentence: tooManyFailures},
	{reason: ReasonHaltEvidence, verdict: VerdictHalt, holds: haltProven, sentence: haltEvidence},
}

// targetingChecks come next: on an audience that is the wrong one nothing is
// worth proving.
var targetingChecks = []check{
	{reason: ReasonTooManyNotApplicable, verdict: VerdictWait, holds: mostlyNotApplicable, sentence: tooManyNotApplicable},
}

// promoteChecks lead to the claim about devices that are not exposed yet: first
// whether there is anything to judge, then whether it is enough, then whether it
// is time, then the proof. A smoke wave has no looks: it proves no rate. The last
// line always holds.
var promoteChecks = []check{
	{reason: ReasonNotMatured, verdict: VerdictNoData, holds: nothingMatured, sentence: notMatured},
	{reason: ReasonNoReports, verdict: VerdictNoData, holds: nothingReported, sentence: noReports},
	{reason: ReasonAudienceTooSmall, verdict: VerdictWait, holds: audienceShort, sentence: audienceTooSmall},
	{reason: ReasonTooFewReports, verdict: VerdictWait, holds: belowMinReports, sentence: tooFewReports},
	{reason: ReasonCoverageBelowMinimum, verdict: VerdictWait, holds: belowMinCoverage, sentence: coverageBelowMinimum},
	{reason: ReasonTooFewReports, verdict: VerdictWait, holds: smokeIncomplete, sentence: tooFewReports},
	{reason: ReasonTargetingBlocksPromote, verdict: VerdictWait, holds: smokeMistargeted, sentence: smokeBlocked},
	{reason: ReasonSmokePassed, verdict: VerdictPass, holds: isSmoke, sentence: smokePassed},
	{reason: ReasonLookNotDue, verdict: VerdictWait, holds: lookNotDue, sentence: lookAhead},
	{reason: ReasonFloorProven, verdict: VerdictPass, holds: floorProven, sentence: floorReached},
	{reason: ReasonTargetingBlocksPromote, verdict: VerdictWait, holds: provenButForTargeting, sentence: proofBlocked},
	{reason: ReasonBoundBelowFloor, verdict: VerdictWait, holds: always, sentence: notProven},
}

// first returns the line that decides, nil when none of them holds.
func first(chain []check, e evaluation) *check {
	for i := range chain {
		if chain[i].holds(e) {
			return &chain[i]
		}
	}
	return nil
}

func specUnusable(e evaluation) bool     { return e.specErr != nil }
func countsContradict(e evaluation) bool { return e.countsErr != nil }

func smokeFailed(e evaluation) bool {
	return e.spec.Smoke != nil && e.counts.SeenFailed > e.spec.Smoke.MaxFailures
}

func haltProven(e evaluation) bool {
	return e.spec.Halt != (Halt{}) && e.counts.SeenFailed >= e.spec.Halt.MinFailures && e.HaltEvidence >= e.HaltAt
}

// mostlyNotApplicable allows what coveredReports asks for as well: a share of the
// audience, with the same allowance for rounding.
func mostlyNotApplicable(e evaluation) bool {
	return float64(e.counts.NotApplicable) > e.spec.MaxNotApplicable*float64(e.counts.Eligible)+1e-9
}

// nothingToJudge leaves a failure that was seen before maturity something.
func nothingToJudge(e evaluation) bool { return e.counts.Reported == 0 && e.counts.SeenFailed == 0 }

func nothingMatured(e evaluation) bool  { return nothingToJudge(e) && e.counts.Matured == 0 }
func nothingReported(e evaluation) bool { return nothingToJudge(e) && e.counts.Matured > 0 }

// audienceShort: no sample of this audience can pass.
func audienceShort(e evaluation) bool {
	if isSmoke(e) {
		return e.OutOfReach
	}
	return !e.plan.Reachable()
}
func belowMinReports(e evaluation) bool  { return e.N < e.spec.MinReports }
func belowMinCoverage(e evaluation) bool { return e.Coverage < e.spec.MinCoverage }

func isSmoke(e evaluation) bool         { return e.spec.Smoke != nil }
func smokeIncomplete(e evaluation) bool { return isSmoke(e) && e.N < e.Need }

// smokeMistargeted: more hard failures than that would have halted, so that it is
// other devices that exceed the limit.
func smokeMistargeted(e evaluation) bool { return isSmoke(e) && e.K > e.spec.Smoke.MaxFailures }

func lookNotDue(e evaluation) bool { return e.judged == nil }

func floorProven(e evaluation) bool { return e.K <= e.judged.limit }

func provenButForTargeting(e evaluation) bool {
	return e.K > e.counts.Failed && e.counts.Failed <= e.judged.limit
}

func always(evaluation) bool { return true }
