// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

func fourLooks() Spec {
	spec := pilot()
	spec.Promote = Promote{FloorRate: 0.90, Confidence: 0.95, Looks: 4}
	spec.MinReports = 50
	spec.MinCoverage = 1
	return spec
}

// Scenario 2: how many devices a gate needs does not depend on the number of looks.
func TestScenario02Reachable(t *testing.T) {
	for _, tc := range []struct {
		floor      float64
		looks, max int
		need       int
		proves     string
		ok         bool
	}{
		{0.95, 1, 50, 59, "0.9418", false},
		{0.95, 1, 58, 59, "0.9497", false},
		{0.95, 1, 59, 59, "0.9505", true},
		{0.90, 1, 50, 29, "0.9418", true},
		{0.95, 4, 58, 59, "0.9497", false},
		{0.95, 4, 59, 59, "0.9505", true}, // one plan of four looks is a single one
		{0.95, 1, 0, 59, "0.0000", false},
	} {
		spec := pilot()
		spec.MinReports = 1
		spec.Promote.FloorRate, spec.Promote.Looks = tc.floor, tc.looks
		need, proves, ok := Reachable(spec, tc.max)
		got := fixed(proves, tc.floor, 4)
		t.Logf("floor %v, %d looks, max %d: need %d, proves %s, ok %v", tc.floor, tc.looks, tc.max, need, got, ok)
		if need != tc.need || got != tc.proves || ok != tc.ok {
			t.Errorf("floor %v, %d looks, max %d: need %d proves %s ok %v, want %d %s %v",
				tc.floor, tc.looks, tc.max, need, got, ok, tc.need, tc.proves, tc.ok)
		}
	}
	smoke := pilot()
	smoke.Promote, smoke.Smoke, smoke.MinReports = Promote{}, &Smoke{}, 5
	if need, proves, ok := Reachable(smoke, 10); need != 5 || proves != 0 || !ok {
		t.Errorf("smoke of 10: need %d proves %v ok %v, want 5 0 true", need, proves, ok)
	}
	if _, _, ok := Reachable(smoke, 4); ok {
		t.Error("smoke of 4 cannot bring the 5 reports it asks for")
	}
}

// Exact chances at the looks of table D5: 50, 65, 80 and 100 reports.
// The size that admission asks for is one whose plan can pass, and one device fewer is not.
func TestTheSizeAskedForCanPass(t *testing.T) {
	for _, floor := range []float64{0.5, 0.83, 0.95, 0.99, 0.9999, 0.99999} {
		for _, looks := range []int{1, 2, 10} {
			spec := pilot()
			spec.Promote, spec.MinReports, spec.MinCoverage = Promote{FloorRate: floor, Confidence: 0.95, Looks: looks}, 1, 0.9
			need, _, _ := Reachable(spec, 0)
			if p := NewPlan(spec, need); !p.Reachable() || p.PassChance(floor) > 0.05 {
				t.Errorf("floor %v, %d looks: %d devices pass with chance %v", floor, looks, need, p.PassChance(floor))
			}
			if NewPlan(spec, need-1).Reachable() {
				t.Errorf("floor %v, %d looks: %d devices can pass, %d are asked for", floor, looks, need-1, need)
			}
		}
	}
}

func TestAlphaSpendingWorkedNumbers(t *testing.T) {
	looks := map[int]bool{50: true, 65: true, 80: true, 100: true}
	for _, tc := range []struct {
		name        string
		fail, alpha float64
		want        float64
	}{
		{"at the floor, uncorrected", 0.10, 0.05, 0.066},
		{"at the floor, a quarter each", 0.10, 0.05 / 4, 0.019},
		{"98 % good, uncorrected", 0.02, 0.05, 0.965},
		{"98 % good, a quarter each", 0.02, 0.05 / 4, 0.884},
	} {
		got, _ := stopping(100, tc.fail, func(n, k int) bool {
			return looks[n] && LowerBound(n, k, tc.alpha) >= 0.90
		})
		t.Logf("%s: passes with probability %.4f", tc.name, got)
		if math.Abs(got-tc.want) > 0.00051 {
			t.Errorf("%s: %.4f, want %v", tc.name, got, tc.want)
		}
	}
}

// TestPlansKeepTheirLevel computes level and power of many plans by a recursion of its own, one report at a time, with the
// verdicts of Evaluate: so often would a payload at the floor be promoted, however often the gate is asked (P15).
func TestPromise15_PlansKeepTheirLevel(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 15))
	for range 40 {
		spec := pilot()
		spec.Promote = Promote{FloorRate: 0.5 + 0.49*random.Float64(), Confidence: 0.5 + 0.49*random.Float64(), Looks: 1 + random.IntN(MaxLooks)}
		spec.MinReports = 1 + random.IntN(60)
		spec.MinCoverage = 0.3 + 0.7*random.Float64()
		spec.Halt.ToleratedFailureRate = 0.98 // so that halting hides no pass
		audience := spec.firstLook() + random.IntN(150)
		if audience > 400 {
			continue
		}
		p := NewPlan(spec, audience)
		if !p.Reachable() {
			t.Fatalf("%+v of %d devices has no look", spec, audience)
		}
		if !slices.IsSorted(p.sizes) || len(slices.Compact(slices.Clone(p.sizes))) != len(p.sizes) {
			t.Fatalf("sizes %v", p.sizes)
		}
		level, _ := stopping(audience, 1-spec.Promote.FloorRate, passes(p, 0))
		if level > spec.alpha()+1e-9 || math.Abs(level-p.PassChance(spec.Promote.FloorRate)) > 1e-9 {
			t.Fatalf("%+v of %d: level %.6f by report, %.6f by look, want at most %.6f", spec.Promote, audience, level, p.PassChance(spec.Promote.FloorRate), spec.alpha())
		}
		found := 1 + random.IntN(audience)
		level, _ = stopping(found, 1-spec.Promote.FloorRate, passes(p, found))
		if level > spec.alpha()+1e-9 {
			t.Fatalf("%+v of %d: level %.6f with a deadline at %d reports, want at most %.6f", spec.Promote, audience, level, found, spec.alpha())
		}
	}
}

// passes asks the gate after each report; at deadline reports, 0 for none, the deadline has passed.
func passes(p Plan, deadline int) func(n, k int) bool {
	return func(n, k int) bool {
		c := counts(p.Audience, n, k)
		c.Matured, c.Exposed = n, n // coverage is what the sizes say
		if n == deadline {
			return Evaluate(p, c, n).Verdict == VerdictPass
		}
		return Evaluate(p, c, 0).Verdict == VerdictPass
	}
}

var update = flag.Bool("update", false, "write the table of docs/gate.md anew")

// TestPlanTable holds the table of docs/gate.md against numbers that are computed here, one report at a time.
func TestPlanTable(t *testing.T) {
	const page, begin, end = "../../docs/gate.md", "<!-- plans: begin, generated -->\n", "<!-- plans: end -->\n"
	var b strings.Builder
	b.WriteString("| audience | looks | start | failures allowed at start, at the end | level | 0.98 | 0.99 | 0.995 | best at 0.99 |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, audience := range []int{93, 100, 377, 1_000, 10_000} {
		for _, looks := range []int{1, 2, 4, 10} {
			spec := pilot()
			spec.Promote.Looks = looks
			p := NewPlan(spec, audience)
			limits := tabulate(p)
			chance := func(success float64) float64 { return reportByReport(limits, success) }
			level, power := chance(0.95), chance(0.99)
			best := bestChance(audience, 0.95, 0.05, 0.99)
			if level > 0.05 || power < best-0.02 {
				t.Errorf("%d devices, %d looks: level %.5f, power %.4f of %.4f", audience, looks, level, power, best)
			}
			fmt.Fprintf(&b, "| %d | %d | %d | %d, %d | %.4f | %.4f | %.4f | %.4f | %.4f |\n",
				audience, looks, p.Start, limits[p.Start], limits[audience], level, chance(0.98), power, chance(0.995), best)
		}
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	switch want := before + begin + "\n" + b.String() + "\n" + end + after; {
	case want == string(data):
	case *update:
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of %s is not what the plans give: run go test ./internal/gate -run TestPlanTable -update\n%s", page, b.String())
	}
}

// tabulate asks the gate itself how many failures of each number of reports pass.
func tabulate(p Plan) []int {
	ask := passes(p, 0)
	limits := make([]int, p.Audience+1)
	limit := -1
	for n := range limits {
		for limit < n && ask(n, limit+1) {
			limit++
		}
		limits[n] = limit
	}
	return limits
}

// reportByReport is the chance to pass at any number of reports n with at most limits[n] failures. Courses with more
// failures than ever pass are not followed.
func reportByReport(limits []int, success float64) float64 {
	most := limits[len(limits)-1]
	alive := make([]float64, most+1)
	alive[0] = 1
	passed := 0.0
	for n := 1; n < len(limits); n++ {
		for k := most; k > 0; k-- {
			alive[k] = alive[k]*success + alive[k-1]*(1-success)
		}
		alive[0] *= success
		for k := 0; k <= limits[n]; k++ {
			passed += alive[k]
			alive[k] = 0
		}
	}
	return passed
}
