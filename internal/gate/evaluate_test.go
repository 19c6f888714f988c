// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func smokeSpec(maxFailures int) Spec {
	return Spec{Smoke: &Smoke{MaxFailures: maxFailures}, MinReports: 5, MinCoverage: 1}
}

// evaluateCase is one evaluation at the start of an attempt, and what it says.
type evaluateCase struct {
	name    string
	spec    Spec
	counts  Counts
	verdict Verdict
	reason  Reason
	message string
}

// evaluateCases has at least one case for each check, see TestEveryCheckDecides.
func evaluateCases() []evaluateCase {
	minReports := func(n int) Spec { s := pilot(); s.MinReports = n; return s }
	covering := func() Spec { s := pilot(); s.MinCoverage = 1; return s }
	unexplained := func(c Counts, n int) Counts {
		c.Unexplained, c.NotApplicable = n, n
		c.Succeeded, c.Seen = c.Succeeded-n, c.Seen-n
		return c
	}
	explained := func(c Counts, n int) Counts {
		c.NotApplicable, c.Matured = n, c.Matured-n
		return c
	}
	recovered := func(c Counts, n int) Counts { c.Recovered = n; return c }
	without := func(c Counts, n int) Counts {
		c.Eligible, c.Exposed, c.Matured, c.Withdrawn = c.Eligible-n, c.Exposed-n, c.Matured-n, n
		return c
	}
	tolerant := func(s Spec, share float64) Spec { s.MaxNotApplicable = share; return s }
	conflicts := func(c Counts, n int) Counts { c.Conflict = n; c.Succeeded -= n; return c }
	return []evaluateCase{
		{
			"recovered from a failure", covering(), recovered(counts(93, 93, 1), 7), VerdictPass, ReasonFloorProven,
			"1 failed of 93 reports: lower bound 0.9500 reaches floor 0.95, coverage 93 of 93; 7 of the 92 devices that succeeded had failed before and recovered",
		},
		{
			"applies on nobody", tolerant(pilot(), 0.1), explained(counts(1000, 70, 0), 930), VerdictWait, ReasonTooManyNotApplicable,
			"the policy does not apply on 930 of 1000 devices, allowed are 10 %: the targeting is wrong; bring these devices to what the policy needs, or correct the groups and request a retry",
		},
		{
			"exactly as many as allowed, unexplained", tolerant(pilot(), 0.05), unexplained(counts(100, 100, 0), 5), VerdictWait, ReasonTargetingBlocksPromote,
			"0 failed and 5 on which the policy does not apply of 100 reports: lower bound 0.8977 is below floor 0.95, and with 5 failures no number of reports of 100 devices proves it" +
				"; it would pass without those on which the policy does not apply: find out why the policy does not apply, and mend it or leave such devices out of the next attempt",
		},
		{
			"as many as allowed, explained", tolerant(pilot(), 0.055), explained(counts(100, 94, 0), 5), VerdictPass, ReasonFloorProven,
			"0 failed of 94 reports: lower bound 0.9686 reaches floor 0.95, coverage 94 of 95",
		},
		{
			"explained, and the looks stay where they were", tolerant(pilot(), 1), explained(counts(1000, 70, 0), 930), VerdictWait, ReasonLookNotDue,
			"70 matured devices reported, 0 failed: next look at 900 reports",
		},
		{
			"smoke, not applicable", tolerant(smokeSpec(0), 0.1), unexplained(counts(10, 10, 0), 1), VerdictWait, ReasonTargetingBlocksPromote,
			"0 failed and 1 on which the policy does not apply of 10 reports: the smoke run allows 0; it would pass without those on which the policy does not apply: " +
				"find out why the policy does not apply, and mend it or leave such devices out of the next attempt",
		},
		{
			"smoke, a conflict as well", tolerant(smokeSpec(0), 0.1), conflicts(unexplained(counts(10, 10, 0), 1), 1), VerdictWait, ReasonTargetingBlocksPromote,
			"0 failed and 1 in conflict with another profile and 1 on which the policy does not apply of 10 reports: the smoke run allows 0; it would pass without both: " +
				"stop the other profile from targeting these devices, and find out why the policy does not apply, and mend it or leave such devices out of the next attempt",
		},
		{
			"smoke, one on which it is explained", tolerant(smokeSpec(0), 0.1), explained(counts(10, 9, 0), 1), VerdictWait, ReasonTooFewReports,
			"9 matured devices reported, a complete smoke run asks for 10: 1 more must report",
		},
		{
			"smoke, one never got it", smokeSpec(0), without(counts(10, 9, 0), 1), VerdictPass, ReasonSmokePassed,
			"9 of 9 matured devices reported, 0 failed, 0 allowed: smoke run complete, no rate is proven",
		},
		{
			"scenario 1, one report short", covering(), Counts{Eligible: 93, Exposed: 93, Seen: 92, SeenFailed: 1, Matured: 92, Reported: 92, Succeeded: 91, Failed: 1}, VerdictWait, ReasonLookNotDue,
			"92 matured devices reported, 1 failed: next look at 93 reports",
		},
		{
			"scenario 1, the 93rd", covering(), counts(93, 93, 1), VerdictPass, ReasonFloorProven,
			"1 failed of 93 reports: lower bound 0.9500 reaches floor 0.95, coverage 93 of 93",
		},
		{
			"not yet", pilot(), counts(200, 180, 4), VerdictWait, ReasonBoundBelowFloor,
			"4 failed of 180 reports: lower bound 0.9499 is below floor 0.95, need 181 reports with no further failure, 1 more",
		},
		{
			"scenario 2, reached by an audience that shrank", pilot(), counts(50, 50, 0), VerdictWait, ReasonAudienceTooSmall,
			"an audience of 50 devices cannot prove floor 0.95: 50 clean reports prove 0.9418, need 59; enlarge the audience or lower the floor",
		},
		{
			"minReports beyond the audience", minReports(120), counts(100, 100, 0), VerdictWait, ReasonAudienceTooSmall,
			"the audience has 100 devices and minReports asks for 120: enlarge the audience or lower minReports",
		},
		{
			"scenario 3, 80 exposed and only zeros", pilot(), Counts{Eligible: 80, Exposed: 80, Matured: 80}, VerdictNoData, ReasonNoReports,
			"80 devices matured and none of them reported: this is neither a pass nor a failure; check that the report source delivers",
		},
		{
			"all-zero counts", pilot(), Counts{}, VerdictNoData, ReasonNotMatured,
			"nothing to judge: 0 of 0 devices are exposed, none has matured",
		},
		{
			"just exposed", pilot(), Counts{Eligible: 100, Exposed: 25, Seen: 10}, VerdictNoData, ReasonNotMatured,
			"nothing to judge: 25 of 100 devices are exposed, none has matured",
		},
		{
			"scenario 6, 3 of 10", pilot(), Counts{Eligible: 100, Exposed: 25, Seen: 10, SeenFailed: 3}, VerdictWait, ReasonTooFewReports,
			"0 matured devices reported, minReports asks for 59: 59 more must report",
		},
		{
			"scenario 6, 4 of 12", pilot(), Counts{Eligible: 100, Exposed: 25, Seen: 12, SeenFailed: 4}, VerdictHalt, ReasonHaltEvidence,
			"4 of 12 seen devices failed: evidence 54.18 reaches 20 against a tolerated failure rate of 0.05; examine the failed devices before exposing more",
		},
		{
			"scenario 9 without a control, 12 of 60", pilot(), counts(60, 60, 12), VerdictHalt, ReasonHaltEvidence,
			"12 of 60 seen devices failed: evidence 1381.50 reaches 20 against a tolerated failure rate of 0.05; examine the failed devices before exposing more",
		},
		{
			"scenario 12, 30 offline", pilot(), counts(100, 70, 2), VerdictWait, ReasonCoverageBelowMinimum,
			"70 of 100 matured devices reported: coverage 0.7000 is below 0.9, 20 more must report; success rate 0.9714 observed, 0.6800 if the silent devices failed, 0.9800 if they succeeded",
		},
		{
			"look not due", pilot(), Counts{Eligible: 100, Exposed: 80, Matured: 70, Seen: 70, Reported: 70, Succeeded: 70}, VerdictWait, ReasonLookNotDue,
			"70 matured devices reported, 0 failed: next look at 90 reports",
		},
		{
			"out of reach", pilot(), counts(100, 100, 2), VerdictWait, ReasonBoundBelowFloor,
			"2 failed of 100 reports: lower bound 0.9384 is below floor 0.95, and with 2 failures no number of reports of 100 devices proves it",
		},
		{
			"conflicts in the way", pilot(), conflicts(counts(100, 100, 0), 5), VerdictWait, ReasonTargetingBlocksPromote,
			"0 failed and 5 in conflict with another profile of 100 reports: lower bound 0.8977 is below floor 0.95, and with 5 failures no number of reports of 100 devices proves it; it would pass without the conflicts: stop the other profile from targeting these devices",
		},
		{
			"conflicts are no evidence to halt", pilot(), conflicts(counts(100, 100, 0), 100), VerdictWait, ReasonTargetingBlocksPromote,
			"0 failed and 100 in conflict with another profile of 100 reports: lower bound 0.0000 is below floor 0.95, and with 100 failures no number of reports of 100 devices proves it; it would pass without the conflicts: stop the other profile from targeting these devices",
		},
		{
			"smoke, complete and clean", smokeSpec(0), counts(10, 10, 0), VerdictPass, ReasonSmokePassed,
			"10 of 10 matured devices reported, 0 failed, 0 allowed: smoke run complete, no rate is proven",
		},
		{
			"smoke, one failure", smokeSpec(0), counts(10, 4, 1), VerdictHalt, ReasonTooManyFailures,
			"1 of 4 seen devices failed, the smoke run allows 0; examine the failed devices before exposing more",
		},
		{
			"smoke, one failure allowed", smokeSpec(1), counts(10, 10, 1), VerdictPass, ReasonSmokePassed,
			"10 of 10 matured devices reported, 1 failed, 1 allowed: smoke run complete, no rate is proven",
		},
		{
			"smoke, only some matured", smokeSpec(0), Counts{Eligible: 10, Exposed: 10, Matured: 6, Seen: 6, Reported: 6, Succeeded: 6}, VerdictWait, ReasonTooFewReports,
			"6 matured devices reported, a complete smoke run asks for 10: 4 more must report",
		},
		{
			"smoke, one silent", smokeSpec(0), counts(10, 9, 0), VerdictWait, ReasonCoverageBelowMinimum,
			"9 of 10 matured devices reported: coverage 0.9000 is below 1, 1 more must report; success rate 1.0000 observed, 0.9000 if the silent devices failed, 1.0000 if they succeeded",
		},
		{
			"smoke, conflict", smokeSpec(0), conflicts(counts(10, 10, 0), 1), VerdictWait, ReasonTargetingBlocksPromote,
			"0 failed and 1 in conflict with another profile of 10 reports: the smoke run allows 0; it would pass without the conflicts: stop the other profile from targeting these devices",
		},
		{
			"smoke, no data", smokeSpec(0), Counts{Eligible: 10, Exposed: 10, Matured: 10}, VerdictNoData, ReasonNoReports,
			"10 devices matured and none of them reported: this is neither a pass nor a failure; check that the report source delivers",
		},
		{
			"smoke, too small", smokeSpec(0), counts(4, 4, 0), VerdictWait, ReasonAudienceTooSmall,
			"the audience has 4 devices and minReports asks for 5: enlarge the audience or lower minReports",
		},
		{
			"unusable gate", Spec{Smoke: &Smoke{}, MinReports: 0, MinCoverage: 2}, counts(10, 10, 0), VerdictNoData, ReasonInvalidSpec,
			"the gate cannot be judged by: minReports: 0: write a number of devices from 1 to 10000000; minCoverage: 2: write a fraction above 0 and up to 1, such as 0.9",
		},
		{
			"contradicting counts", pilot(), Counts{Eligible: 10, Exposed: 11}, VerdictNoData, ReasonInvalidEvidence,
			"the device counts contradict each other: exposed: 11: must be from 0 to 10 (eligible)",
		},
	}
}

func TestEvaluate(t *testing.T) {
	for _, tc := range evaluateCases() {
		t.Run(tc.name, func(t *testing.T) {
			r := judged(tc.spec, tc.counts)
			t.Logf("%s(%s): n=%d k=%d observed %.4f worst %.4f best %.4f bound %.4f evidence %.4f: %s",
				r.Verdict, r.Reason, r.N, r.K, r.Observed, r.WorstCase, r.BestCase, r.LowerBound, r.HaltEvidence, r.Message)
			if r.Verdict != tc.verdict || r.Reason != tc.reason {
				t.Errorf("got %s(%s), want %s(%s)", r.Verdict, r.Reason, tc.verdict, tc.reason)
			}
			if diff := cmp.Diff(tc.message, r.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestScenario12Rates(t *testing.T) {
	r := judged(pilot(), counts(100, 70, 2))
	for _, tc := range []struct {
		name string
		got  float64
		want string
	}{
		{"observed", r.Observed, "0.9714"},
		{"worst case", r.WorstCase, "0.6800"},
		{"best case", r.BestCase, "0.9800"},
		{"coverage", r.Coverage, "0.7000"},
		{"lower bound", r.LowerBound, "0.9128"},
	} {
		if got := fixed(tc.got, 2, 4); got != tc.want {
			t.Errorf("%s is %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestLooks: a sample between two looks is judged by the earlier one, and any order of asking gives the same.
func TestLooks(t *testing.T) {
	spec := fourLooks()
	plan := RestorePlan(spec, 100, 83, 0.02, 0)
	if diff := cmp.Diff([]int{50, 61, 72, 83, 84}, plan.sizes[:5]); diff != "" {
		t.Fatalf("sizes (-want +got):\n%s", diff)
	}
	for _, step := range []struct {
		n, k, conflicts int
		verdict         Verdict
		reason          Reason
		look, allowed   int
		next            int
	}{
		{49, 0, 0, VerdictWait, ReasonTooFewReports, 0, 0, 50},
		{50, 0, 0, VerdictPass, ReasonFloorProven, 50, 0, 61},
		{60, 0, 0, VerdictPass, ReasonFloorProven, 50, 0, 61},
		{60, 1, 0, VerdictWait, ReasonBoundBelowFloor, 50, 0, 61}, // the next one decides
		{61, 1, 0, VerdictPass, ReasonFloorProven, 61, 1, 83},
		{80, 1, 0, VerdictPass, ReasonFloorProven, 72, 1, 83},
		{82, 2, 0, VerdictWait, ReasonBoundBelowFloor, 72, 1, 83},
		{83, 2, 0, VerdictPass, ReasonFloorProven, 83, 2, 88},
		{90, 3, 0, VerdictPass, ReasonFloorProven, 90, 3, 0},
		{90, 3, 1, VerdictWait, ReasonTargetingBlocksPromote, 90, 3, 0},
		{90, 4, 0, VerdictWait, ReasonBoundBelowFloor, 90, 3, 0}, // a late failure withdraws the pass
		{100, 4, 0, VerdictWait, ReasonBoundBelowFloor, 100, 3, 0},
	} {
		c := counts(100, step.n, step.k+step.conflicts)
		c.Conflict, c.Failed = step.conflicts, step.k
		c.SeenFailed = step.k
		c.Matured, c.Exposed = step.n, step.n
		r := Evaluate(plan, c, 0)
		if r.Verdict != step.verdict || r.Reason != step.reason || r.LookAt != step.look || r.Allowed != step.allowed || r.NextLook != step.next {
			t.Errorf("n=%d k=%d: %s(%s) look %d allows %d next %d, want %s(%s) look %d allows %d next %d", r.N, r.K,
				r.Verdict, r.Reason, r.LookAt, r.Allowed, r.NextLook, step.verdict, step.reason, step.look, step.allowed, step.next)
		}
		if (r.LowerBound >= r.Floor) != (step.k+step.conflicts <= step.allowed) && step.look > 0 {
			t.Errorf("n=%d k=%d: the bound shown is %v", r.N, r.K, r.LowerBound)
		}
	}
}

// TestDeadline: the deadline is one more look, at what it finds, and the last one: what reports afterwards only counts
// against it.
func TestDeadline(t *testing.T) {
	plan := NewPlan(pilot(), 93)
	for _, tc := range []struct {
		found, n, k int
		verdict     Verdict
		message     string
	}{
		{0, 90, 0, VerdictWait, "90 matured devices reported, 0 failed: next look at 93 reports"},
		{90, 90, 0, VerdictPass, "0 failed of 90 reports, judged once by the 90 that the deadline found: lower bound 0.9629 reaches floor 0.95, coverage 90 of 90"},
		{90, 93, 0, VerdictPass, ""},
		{90, 93, 1, VerdictWait, "1 failed of 93 reports, judged once by the 90 that the deadline found: lower bound 0.9432 is below floor 0.95, and the proof may be tried only once after the deadline: retry the wave, or override the gate"},
		{93, 93, 1, VerdictPass, ""},
		{83, 93, 0, VerdictWait, ""}, // not covered when the deadline came
	} {
		c := counts(93, tc.n, tc.k)
		c.Matured = tc.n
		r := Evaluate(plan, c, tc.found)
		if r.Verdict != tc.verdict || tc.message != "" && r.Message != tc.message {
			t.Errorf("%d found, %d of %d: %s %q", tc.found, tc.k, tc.n, r.Verdict, r.Message)
		}
	}
}

// MinFailures holds back evidence that rests on too few devices.
func TestMinFailuresHoldsBackAHalt(t *testing.T) {
	spec := pilot()
	spec.Halt.ToleratedFailureRate = 0.02
	early := Counts{Eligible: 100, Exposed: 10, Seen: 3, SeenFailed: 2}
	if r := judged(spec, early); r.Verdict == VerdictHalt || r.HaltEvidence < r.HaltAt {
		t.Errorf("2 of 3: %s with evidence %.2f of %.2f, want full evidence and no halt", r.Verdict, r.HaltEvidence, r.HaltAt)
	}
	spec.Halt.MinFailures = 2
	if r := judged(spec, early); r.Verdict != VerdictHalt {
		t.Errorf("2 of 3 with minFailures 2: %s", r.Verdict)
	}
}

// Property (a): a failure never turns Halt into Pass, a success never turns Pass
// into Halt.
func TestOneReportNeverJumpsBetweenHaltAndPass(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var halts, passes int
	for range 1_500 {
		spec := randomSpec(random)
		audience := 1 + random.IntN(300)
		n := random.IntN(audience)
		k := random.IntN(1 + random.IntN(n+1))
		before := judged(spec, counts(audience, n, k))
		switch before.Verdict {
		case VerdictHalt:
			halts++
			if after := judged(spec, counts(audience, n+1, k+1)); after.Verdict != VerdictHalt {
				t.Fatalf("%d of %d halted, one more failure gives %s(%s)", k, n, after.Verdict, after.Reason)
			}
		case VerdictPass:
			passes++
			after := judged(spec, counts(audience, n+1, k))
			if after.Verdict == VerdictHalt || spec.Smoke == nil && after.Verdict != VerdictPass {
				t.Fatalf("%d of %d passed, one more success gives %s(%s)", k, n, after.Verdict, after.Reason)
			}
		}
	}
	t.Logf("%d halts and %d passes among the cases", halts, passes)
	if halts < 200 || passes < 80 {
		t.Errorf("only %d halts and %d passes: the property is hardly tested", halts, passes)
	}
}

func randomSpec(random *rand.Rand) Spec {
	spec := Spec{
		Halt: Halt{
			ToleratedFailureRate: random.Float64() * 0.3,
			Alpha:                0.01 + 0.2*random.Float64(),
			MinFailures:          1 + random.IntN(4),
		},
		MinReports:  1 + random.IntN(40),
		MinCoverage: 0.2 + 0.8*random.Float64(),
	}
	if random.IntN(4) == 0 {
		spec.Smoke = &Smoke{MaxFailures: random.IntN(3)}
	} else {
		spec.Promote = Promote{
			FloorRate:  0.5 + 0.45*random.Float64(),
			Confidence: 0.8 + 0.19*random.Float64(),
			Looks:      1 + random.IntN(5),
		}
	}
	return spec
}

// TestSmokeOfAnAudienceThatShrank: what a complete run is follows from the
// audience of the start, whoever has left it since with the policy on them.
func TestSmokeOfAnAudienceThatShrank(t *testing.T) {
	spec := smokeSpec(0)
	plan := NewPlan(spec, 10)
	got := Evaluate(plan, counts(7, 7, 0), 0)
	want := "a complete smoke run on an audience of 10 devices needs 10 reports, and 7 devices are left of it: request a retry, which resolves the audience anew"
	if got.Verdict != VerdictWait || got.Reason != ReasonAudienceTooSmall || got.Message != want {
		t.Errorf("%s(%s): %s", got.Verdict, got.Reason, got.Message)
	}
	if got := Evaluate(plan, counts(14, 10, 0), 0); got.Need != 10 { // four joined
		t.Errorf("needs %d reports", got.Need)
	}
}
