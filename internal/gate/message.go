// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The sentences of the checks: what was found and what helps. Their text is part
// of the status, so it depends on the input alone.

func invalidSpec(e evaluation) string {
	return "the gate cannot be judged by: " + oneLine(e.specErr)
}

func invalidEvidence(e evaluation) string {
	return "the device counts contradict each other: " + oneLine(e.countsErr)
}

// oneLine: joined errors come one per line, a status message is one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func tooManyFailures(e evaluation) string {
	return fmt.Sprintf("%d of %d seen devices failed, the smoke run allows %d; examine the failed devices before exposing more",
		e.counts.SeenFailed, e.counts.Seen, e.spec.Smoke.MaxFailures)
}

func haltEvidence(e evaluation) string {
	return fmt.Sprintf("%d of %d seen devices failed: evidence %s reaches %s against a tolerated failure rate of %s; examine the failed devices before exposing more",
		e.counts.SeenFailed, e.counts.Seen, evidence(e.HaltEvidence, e.HaltAt), rate(e.HaltAt), rate(e.spec.Halt.ToleratedFailureRate))
}

func notMatured(e evaluation) string {
	return fmt.Sprintf("nothing to judge: %d of %d devices are exposed, none has matured", e.counts.Exposed, e.counts.Eligible)
}

func noReports(e evaluation) string {
	return fmt.Sprintf("%d devices matured and none of them reported: this is neither a pass nor a failure; check that the report source delivers", e.counts.Matured)
}

func tooManyNotApplicable(e evaluation) string {
	return fmt.Sprintf("the policy does not apply on %d of %d devices, allowed are %s %%: the targeting is wrong; bring these devices to what the policy needs, or correct the groups and request a retry",
		e.counts.NotApplicable, e.counts.Eligible, rate(math.Round(e.spec.MaxNotApplicable*1e6)/1e4))
}

func audienceTooSmall(e evaluation) string {
	floor, eligible := e.spec.Promote.FloorRate, e.plan.Audience
	need, proven, _ := Reachable(e.spec, eligible)
	if e.spec.Smoke != nil && eligible >= need {
		return fmt.Sprintf("a complete smoke run on an audience of %d devices needs %d reports, and %d devices are left of it: request a retry, which resolves the audience anew",
			eligible, e.Need, e.counts.Eligible)
	}
	if e.spec.Smoke != nil || proven >= floor {
		return fmt.Sprintf("the audience has %d devices and minReports asks for %d: enlarge the audience or lower minReports", eligible, need)
	}
	return fmt.Sprintf("an audience of %d devices cannot prove floor %s: %d clean reports prove %s, need %d; enlarge the audience or lower the floor",
		eligible, rate(floor), eligible, fixed(proven, floor, 4), need)
}

func tooFewReports(e evaluation) string {
	want, what := e.spec.MinReports, "minReports"
	if e.spec.Smoke != nil {
		want, what = e.Need, "a complete smoke run"
	}
	return fmt.Sprintf("%d matured devices reported, %s asks for %d: %d more must report", e.N, what, want, want-e.N)
}

func coverageBelowMinimum(e evaluation) string {
	least := e.spec.MinCoverage
	return fmt.Sprintf("%d of %d matured devices reported: coverage %s is below %s, %d more must report; success rate %.4f observed, %.4f if the silent devices failed, %.4f if they succeeded",
		e.counts.Reported, e.counts.Matured, fixed(e.Coverage, least, 4), rate(least),
		coveredReports(least, e.counts.Matured)-e.counts.Reported, e.Observed, e.WorstCase, e.BestCase)
}

func smokePassed(e evaluation) string {
	return fmt.Sprintf("%d of %d matured devices reported, %s, %d allowed: smoke run complete, no rate is proven",
		e.counts.Reported, e.counts.Matured, failures(e.counts), e.spec.Smoke.MaxFailures)
}

func smokeBlocked(e evaluation) string {
	return fmt.Sprintf("%s of %d reports: the smoke run allows %d%s", failures(e.counts), e.N, e.spec.Smoke.MaxFailures, targeting(e.counts))
}

func lookAhead(e evaluation) string {
	return fmt.Sprintf("%d matured devices reported, %s: next look at %d reports", e.counts.Reported, failures(e.counts), e.NextLook)
}

func floorReached(e evaluation) string {
	return fmt.Sprintf("%s of %d reports%s: lower bound %s reaches floor %s, coverage %d of %d",
		failures(e.counts), e.N, judgedAs(e), fixed(e.LowerBound, e.Floor, 4), rate(e.Floor), e.counts.Reported, e.counts.Matured)
}

// judgedAs says by which look a sample between two looks is judged.
func judgedAs(e evaluation) string {
	switch {
	case e.late:
		return fmt.Sprintf(", judged once by the %d that the deadline found", e.LookAt)
	case e.LookAt < e.N:
		return fmt.Sprintf(", judged by the look at %d", e.LookAt)
	}
	return ""
}

func proofBlocked(e evaluation) string { return notProven(e) + targeting(e.counts) }

// targeting is what a wave needs that only its targeting keeps from passing.
func targeting(c Counts) string {
	const (
		conflicts = "stop the other profile from targeting these devices"
		unneeded  = "find out why the policy does not apply, and mend it or leave such devices out of the next attempt"
	)
	switch {
	case c.Unexplained == 0:
		return "; it would pass without the conflicts: " + conflicts
	case c.Conflict == 0:
		return "; it would pass without those on which the policy does not apply: " + unneeded
	}
	return "; it would pass without both: " + conflicts + ", and " + unneeded
}

// notProven says what a failed look lacks: reports or an audience.
func notProven(e evaluation) string {
	text := fmt.Sprintf("%s of %d reports%s: lower bound %s is below floor %s, ",
		failures(e.counts), e.N, judgedAs(e), fixed(e.LowerBound, e.Floor, 4), rate(e.Floor))
	switch {
	case e.late:
		return text + "and the proof may be tried only once after the deadline: retry the wave, or override the gate"
	case e.OutOfReach:
		return text + fmt.Sprintf("and with %d failures no number of reports of %d devices proves it", e.K, e.plan.Audience)
	default:
		return text + fmt.Sprintf("need %d reports with no further failure, %d more", e.Need, e.Need-e.N)
	}
}

// failures is "1 failed" or, when the targeting is wrong, "1 failed and 2 in
// conflict with another profile and 3 on which the policy does not apply".
func failures(c Counts) string {
	text := strconv.Itoa(c.Failed) + " failed"
	if c.Conflict > 0 {
		text += fmt.Sprintf(" and %d in conflict with another profile", c.Conflict)
	}
	if c.Unexplained > 0 {
		text += fmt.Sprintf(" and %d on which the policy does not apply", c.Unexplained)
	}
	return text
}

// recovered says how many of the successes come after a failure: they pass the
// gate as any other, and a person may want to look at one first.
func recovered(c Counts) string {
	if c.Recovered == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of the %d devices that succeeded had failed before and recovered", c.Recovered, c.Succeeded)
}

// rate renders a number of the spec as it was written.
func rate(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// evidence renders an e-value; above a million only its magnitude matters.
func evidence(x, limit float64) string {
	if x >= 1e6 {
		return strconv.FormatFloat(x, 'e', 2, 64)
	}
	return fixed(x, limit, 2)
}

// fixed renders x with the given decimals, or with as many more as it takes to
// show on which side of limit it lies: 0.94999 is not to read "0.9500 is below
// 0.95".
func fixed(x, limit float64, decimals int) string {
	for ; decimals < 17; decimals++ {
		text := strconv.FormatFloat(x, 'f', decimals, 64)
		shown, err := strconv.ParseFloat(text, 64)
		if err == nil && (shown >= limit) == (x >= limit) {
			return text
		}
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}
