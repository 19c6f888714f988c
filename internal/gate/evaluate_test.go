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
	conflicts := func(c Counts, n int) Counts { c.Conflict = n; c.Succeeded -= n; return c }
	return []evaluateCase{
		{
			"scenario 1, one report short", pilot(), counts(95, 92, 1), VerdictWait, ReasonBoundBelowFloor,
			"1 failed of 92 reports: lower bound 0.9495 is below floor 0.95, need 93 reports with no further failure, 1 more",
		},
		{
			"scenario 1, the 93rd", pilot(), counts(95, 93, 1), VerdictPass, ReasonFloorProven,
			"1 failed of 93 reports: lower bound 0.9500 reaches floor 0.95, coverage 93 of 95",
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
			"2 failed of 100 reports: lower bound 0.9384 is below floor 0.95, need 124 reports with no further failure but the audience has 100 devices",
		},
		{
			"conflicts in the way", pilot(), conflicts(counts(100, 100, 0), 5), VerdictWait, ReasonConflictBlocksPromote,
			"0 failed and 5 in conflict with another profile of 100 reports: lower bound 0.8977 is below floor 0.95, need 208 reports with no further failure but the audience has 100 devices; it would pass without the conflicts: stop the other profile from targeting these devices",
		},
		{
			"conflicts are no evidence to halt", pilot(), conflicts(counts(100, 100, 0), 100), VerdictWait, ReasonConflictBlocksPromote,
			"0 failed and 100 in conflict with another profile of 100 reports: lower bound 0.0000 is below floor 0.95, need 2353 reports with no further failure but the audience has 100 devices; it would pass without the conflicts: stop the other profile from targeting these devices",
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
			"smoke, conflict", smokeSpec(0), conflicts(counts(10, 10, 0), 1), VerdictWait, ReasonConflictBlocksPromote,
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
			r := Evaluate(tc.spec, tc.counts, LookState{})
			t.Logf("%s(%s): n=%d k=%d observed %.4f worst %.4f best %.4f bound %.4f evidence %.4f: %s",
				r.Verdict, r.Reason, r.N, r.K, r.Observed, r.WorstCase, r.BestCase, r.LowerBound, r.HaltEvidence, r.Message)
			if r.Verdict != tc.verdict || r.Reason != tc.reason {
				t.Errorf("got %s(%s), want %s(%s)", r.Verdict, r.Reason, tc.verdict, tc.reason)
			}
			if diff := cmp.Diff(tc.message, r.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if again := Evaluate(tc.spec, tc.counts, r.Look); again != r {
				t.Errorf("repeated on unchanged evidence:\n%+v\nfirst:\n%+v", again, r)
			}
		})
	}
}

func TestScenario12Rates(t *testing.T) {
	r := Evaluate(pilot(), counts(100, 70, 2), LookState{})
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

// One attempt under a gate with four looks, step by step.
func TestLooksAreTakenOnceAndInOrder(t *testing.T) {
	spec := fourLooks()
	spec.Promote.FloorRate = 0.93 // needs 61, 85, 106 ... reports per look
	sizes := LookSizes(spec, 110)
	if diff := cmp.Diff([]int{61, 77, 94, 110}, sizes); diff != "" {
		t.Fatalf("sizes (-want +got):\n%s", diff)
	}
	var look LookState
	for _, step := range []struct {
		n, k, conflicts int
		verdict         Verdict
		reason          Reason
		look            LookState
		next            int
	}{
		{60, 1, 0, VerdictWait, ReasonLookNotDue, LookState{}, 61},
		{61, 1, 0, VerdictWait, ReasonBoundBelowFloor, LookState{Taken: 1, Reports: 61, Failures: 1}, 77},
		{76, 0, 0, VerdictWait, ReasonLookNotDue, LookState{Taken: 1, Reports: 61, Failures: 1}, 77}, // a device recovered: no extra look
		{95, 2, 0, VerdictWait, ReasonBoundBelowFloor, LookState{Taken: 3, Reports: 95, Failures: 2}, 110},
		{96, 1, 0, VerdictWait, ReasonLookNotDue, LookState{Taken: 3, Reports: 95, Failures: 2}, 110},
		{110, 1, 2, VerdictWait, ReasonConflictBlocksPromote, LookState{Taken: 4, Reports: 110, Failures: 3}, 0},
		{110, 1, 2, VerdictWait, ReasonConflictBlocksPromote, LookState{Taken: 4, Reports: 110, Failures: 3}, 0},
		{110, 1, 0, VerdictPass, ReasonFloorProven, LookState{Taken: 4, Reports: 110, Failures: 1, Passed: true}, 0}, // profile repaired
		{110, 1, 0, VerdictPass, ReasonFloorProven, LookState{Taken: 4, Reports: 110, Failures: 1, Passed: true}, 0},
		{110, 3, 0, VerdictWait, ReasonBoundBelowFloor, LookState{Taken: 4, Reports: 110, Failures: 3}, 0}, // late failures
	} {
		c := counts(110, step.n, step.k)
		c.Conflict, c.Succeeded = step.conflicts, c.Succeeded-step.conflicts
		c.Matured, c.Exposed = step.n, step.n
		r := Evaluate(spec, c, look)
		look = r.Look
		if r.Verdict != step.verdict || r.Reason != step.reason || r.Look != step.look || r.NextLook != step.next {
			t.Errorf("n=%d k=%d: %s(%s) look %+v next %d, want %s(%s) look %+v next %d", r.N, r.K,
				r.Verdict, r.Reason, r.Look, r.NextLook, step.verdict, step.reason, step.look, step.next)
		}
	}
}

// A pass between two looks survives silence, growth and a coverage gap, but not
// late failures (scenario 15: 1 of 95, then 4 of 98).
func TestPassIsKeptUntilRefuted(t *testing.T) {
	spec := pilot()
	pass := Evaluate(spec, counts(100, 95, 1), LookState{})
	if pass.Verdict != VerdictPass {
		t.Fatalf("1 of 95: %s(%s)", pass.Verdict, pass.Reason)
	}
	silent := Evaluate(spec, Counts{Eligible: 100, Exposed: 100, Matured: 100}, pass.Look)
	if silent.Verdict != VerdictNoData || silent.Look != pass.Look {
		t.Errorf("telemetry gone: %s(%s) look %+v", silent.Verdict, silent.Reason, silent.Look)
	}
	broken := Evaluate(spec, Counts{Exposed: 1}, pass.Look)
	if broken.Verdict != VerdictNoData || broken.Look != pass.Look {
		t.Errorf("telemetry broken: %s(%s) look %+v", broken.Verdict, broken.Reason, broken.Look)
	}
	gap := Evaluate(spec, counts(100, 89, 0), pass.Look)
	if gap.Reason != ReasonCoverageBelowMinimum || gap.Look != pass.Look {
		t.Errorf("coverage gap: %s(%s) look %+v", gap.Verdict, gap.Reason, gap.Look)
	}
	if grown := Evaluate(spec, counts(100, 97, 1), pass.Look); grown.Verdict != VerdictPass {
		t.Errorf("grown: %s(%s)", grown.Verdict, grown.Reason)
	}
	late := Evaluate(spec, counts(100, 98, 4), pass.Look)
	if late.Verdict != VerdictWait || late.Reason != ReasonBoundBelowFloor || late.Look.Passed {
		t.Errorf("late failures: %s(%s) look %+v", late.Verdict, late.Reason, late.Look)
	}
	stricter := spec
	stricter.Promote.FloorRate = 0.97
	if r := Evaluate(stricter, counts(100, 95, 1), pass.Look); r.Verdict == VerdictPass {
		t.Error("a stricter gate keeps the pass of the looser one")
	}
	harmful := counts(100, 98, 4)
	harmful.SeenFailed = 15
	harmful.Seen = 100
	harmful.Matured, harmful.Reported, harmful.Succeeded = 98, 97, 93
	if r := Evaluate(spec, harmful, pass.Look); r.Verdict != VerdictHalt || r.Look.Passed {
		t.Errorf("late harm: %s(%s) look %+v", r.Verdict, r.Reason, r.Look)
	}
	early := fourLooks()
	early.MinReports = 42
	partly := func(n, k int) Counts {
		c := counts(100, n, k)
		c.Matured = n
		return c
	}
	first := Evaluate(early, partly(42, 0), LookState{})
	if first.Verdict != VerdictPass || first.NextLook != 61 {
		t.Fatalf("0 of 42: %s(%s) next %d", first.Verdict, first.Reason, first.NextLook)
	}
	if r := Evaluate(early, counts(100, 62, 0), LookState{}); r.Reason != ReasonCoverageBelowMinimum || r.NextLook != 81 {
		t.Errorf("a size reached without coverage: %s(%s) next %d", r.Verdict, r.Reason, r.NextLook)
	}
	if r := Evaluate(early, partly(43, 2), first.Look); r.Verdict != VerdictWait || r.Look.Passed {
		t.Errorf("late failures between looks: %s(%s) look %+v", r.Verdict, r.Reason, r.Look)
	}
}

// MinFailures holds back evidence that rests on too few devices.
func TestMinFailuresHoldsBackAHalt(t *testing.T) {
	spec := pilot()
	spec.Halt.ToleratedFailureRate = 0.02
	early := Counts{Eligible: 100, Exposed: 10, Seen: 3, SeenFailed: 2}
	if r := Evaluate(spec, early, LookState{}); r.Verdict == VerdictHalt || r.HaltEvidence < r.HaltAt {
		t.Errorf("2 of 3: %s with evidence %.2f of %.2f, want full evidence and no halt", r.Verdict, r.HaltEvidence, r.HaltAt)
	}
	spec.Halt.MinFailures = 2
	if r := Evaluate(spec, early, LookState{}); r.Verdict != VerdictHalt {
		t.Errorf("2 of 3 with minFailures 2: %s", r.Verdict)
	}
}

// Property (a): a failure never turns Halt into Pass, a success never turns Pass
// into Halt.
func TestOneReportNeverJumpsBetweenHaltAndPass(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var halts, passes int
	for range 20_000 {
		spec := randomSpec(random)
		audience := 1 + random.IntN(300)
		n := random.IntN(audience)
		k := random.IntN(1 + random.IntN(n+1))
		before := Evaluate(spec, counts(audience, n, k), LookState{})
		switch before.Verdict {
		case VerdictHalt:
			halts++
			if after := Evaluate(spec, counts(audience, n+1, k+1), before.Look); after.Verdict != VerdictHalt {
				t.Fatalf("%d of %d halted, one more failure gives %s(%s)", k, n, after.Verdict, after.Reason)
			}
		case VerdictPass:
			passes++
			after := Evaluate(spec, counts(audience, n+1, k), before.Look)
			if after.Verdict == VerdictHalt || spec.Smoke == nil && after.Verdict != VerdictPass {
				t.Fatalf("%d of %d passed, one more success gives %s(%s)", k, n, after.Verdict, after.Reason)
			}
		}
	}
	t.Logf("%d halts and %d passes among the cases", halts, passes)
	if halts < 500 || passes < 500 {
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
