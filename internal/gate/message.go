// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"strconv"
	"strings"
)

// message renders a judged result as one sentence that says what was found and
// what helps. Its text is part of the status, so it depends on the input alone.
func message(spec Spec, c Counts, r Result) string {
	switch r.Reason {
	case ReasonHaltEvidence:
		return fmt.Sprintf("%d of %d seen devices failed: evidence %s reaches %s against a tolerated failure rate of %s; examine the failed devices before exposing more",
			c.SeenFailed, c.Seen, evidence(r.HaltEvidence, r.HaltAt), rate(r.HaltAt), rate(spec.Halt.ToleratedFailureRate))
	case ReasonTooManyFailures:
		return fmt.Sprintf("%d of %d seen devices failed, the smoke run allows %d; examine the failed devices before exposing more",
			c.SeenFailed, c.Seen, spec.Smoke.MaxFailures)
	case ReasonNotMatured:
		return fmt.Sprintf("nothing to judge: %d of %d devices are exposed, none has matured", c.Exposed, c.Eligible)
	case ReasonNoReports:
		return fmt.Sprintf("%d devices matured and none of them reported: this is neither a pass nor a failure; check that the report source delivers", c.Matured)
	case ReasonSmokePassed:
		return fmt.Sprintf("%d of %d matured devices reported, %s, %d allowed: smoke run complete, no rate is proven",
			c.Reported, c.Matured, failures(c), spec.Smoke.MaxFailures)
	case ReasonAudienceTooSmall:
		return audienceTooSmall(spec, c)
	case ReasonTooFewReports:
		return tooFewReports(spec, r)
	case ReasonCoverageBelowMinimum:
		return fmt.Sprintf("%d of %d matured devices reported: coverage %s is below %s, %s more must report; success rate %.4f observed, %.4f if the silent devices failed, %.4f if they succeeded",
			c.Reported, c.Matured, fixed(r.Coverage, spec.MinCoverage, 4), rate(spec.MinCoverage),
			strconv.Itoa(coveredReports(spec.MinCoverage, c.Matured)-c.Reported), r.Observed, r.WorstCase, r.BestCase)
	case ReasonLookNotDue:
		return fmt.Sprintf("%d matured devices reported, %s: next look at %d reports", c.Reported, failures(c), r.NextLook)
	case ReasonFloorProven:
		return fmt.Sprintf("%s of %d reports: lower bound %s reaches floor %s, coverage %d of %d",
			failures(c), r.N, fixed(r.LowerBound, r.Floor, 4), rate(r.Floor), c.Reported, c.Matured)
	default:
		return notProven(spec, c, r)
	}
}

func unusableMessage(reason Reason, err error) string {
	// Joined errors come one per line; a status message is one line.
	list := strings.ReplaceAll(err.Error(), "\n", "; ")
	if reason == ReasonInvalidSpec {
		return "the gate cannot be judged by: " + list
	}
	return "the device counts contradict each other: " + list
}

func audienceTooSmall(spec Spec, c Counts) string {
	need, proven, _ := Reachable(spec, c.Eligible)
	if spec.Smoke != nil || proven >= spec.Promote.FloorRate {
		return fmt.Sprintf("the audience has %d devices and minReports asks for %d: enlarge the audience or lower minReports", c.Eligible, need)
	}
	return fmt.Sprintf("an audience of %d devices cannot prove floor %s: %d clean reports prove %s, need %d; enlarge the audience or lower the floor",
		c.Eligible, rate(spec.Promote.FloorRate), c.Eligible, fixed(proven, spec.Promote.FloorRate, 4), need)
}

func tooFewReports(spec Spec, r Result) string {
	want, what := spec.MinReports, "minReports"
	if spec.Smoke != nil {
		want, what = r.Need, "a complete smoke run"
	}
	return fmt.Sprintf("%d matured devices reported, %s asks for %d: %d more must report", r.N, what, want, want-r.N)
}

// notProven says what a failed look lacks: reports, an audience, or order in
// the targeting.
func notProven(spec Spec, c Counts, r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %d reports: ", failures(c), r.N)
	if spec.Smoke != nil {
		fmt.Fprintf(&b, "the smoke run allows %d", spec.Smoke.MaxFailures)
	} else {
		fmt.Fprintf(&b, "lower bound %s is below floor %s, ", fixed(r.LowerBound, r.Floor, 4), rate(r.Floor))
		switch {
		case r.Need == Unprovable:
			b.WriteString("and no number of further reports would prove it")
		case r.OutOfReach:
			fmt.Fprintf(&b, "need %d reports with no further failure but the audience has %d devices", r.Need, c.Eligible)
		default:
			fmt.Fprintf(&b, "need %d reports with no further failure, %d more", r.Need, r.Need-r.N)
		}
		if r.NextLook > 0 {
			fmt.Fprintf(&b, "; next look at %d reports", r.NextLook)
		}
	}
	if r.Reason == ReasonConflictBlocksPromote {
		b.WriteString("; it would pass without the conflicts: stop the other profile from targeting these devices")
	}
	return b.String()
}

// failures is "1 failed" or, when other profiles interfere, "1 failed and 2 in
// conflict with another profile".
func failures(c Counts) string {
	text := strconv.Itoa(c.Failed) + " failed"
	if c.Conflict > 0 {
		text += fmt.Sprintf(" and %d in conflict with another profile", c.Conflict)
	}
	return text
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
