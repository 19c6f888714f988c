// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fourLooks() Spec {
	spec := pilot()
	spec.Promote = Promote{FloorRate: 0.90, Confidence: 0.95, Looks: 4}
	spec.MinReports = 50
	spec.MinCoverage = 1
	return spec
}

func TestLookSizes(t *testing.T) {
	for _, tc := range []struct {
		name     string
		edit     func(*Spec)
		audience int
		want     []int
	}{
		{"evenly spaced", func(*Spec) {}, 100, []int{50, 67, 83, 100}},
		{"first is what a clean sample needs", func(s *Spec) { s.MinReports = 1 }, 100, []int{42, 61, 81, 100}},
		{"last is covered audience, rounded up", func(s *Spec) { s.MinCoverage = 0.85 }, 99, []int{50, 62, 73, 85}},
		{"one look is the last", func(s *Spec) { s.Promote.Looks = 1 }, 100, []int{100}},
		{"collapsed to two", func(*Spec) {}, 51, []int{50, 51}},
		{"collapsed to one", func(*Spec) {}, 50, []int{50}},
		{"audience too small", func(*Spec) {}, 20, []int{50}},
		{"empty audience", func(*Spec) {}, 0, []int{50}},
		{"smoke is complete at once", func(s *Spec) { s.Promote, s.Smoke, s.MinReports = Promote{}, &Smoke{}, 3 }, 10, []int{10}},
		{"no rounding up of exact products", func(s *Spec) {
			s.Promote, s.Smoke, s.MinReports, s.MinCoverage = Promote{}, &Smoke{}, 1, 0.07
		}, 100, []int{7}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := fourLooks()
			tc.edit(&spec)
			if diff := cmp.Diff(tc.want, LookSizes(spec, tc.audience)); diff != "" {
				t.Errorf("sizes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookSizesIncreaseWithinBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for range 5_000 {
		spec := fourLooks()
		spec.Promote.FloorRate = 0.5 + 0.49*random.Float64()
		spec.Promote.Looks = 1 + random.IntN(MaxLooks)
		spec.MinReports = 1 + random.IntN(300)
		spec.MinCoverage = 0.01 + 0.99*random.Float64()
		sizes := LookSizes(spec, random.IntN(5_000))
		if len(sizes) < 1 || len(sizes) > spec.Promote.Looks {
			t.Fatalf("%d sizes for %d looks", len(sizes), spec.Promote.Looks)
		}
		if need, _, _ := Reachable(spec, 0); sizes[0] < need {
			t.Fatalf("first size %d is below the %d that can pass", sizes[0], need)
		}
		for i := 1; i < len(sizes); i++ {
			if sizes[i] <= sizes[i-1] {
				t.Fatalf("sizes do not increase: %v", sizes)
			}
		}
	}
}

// Scenario 2, and what several looks cost there.
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
		{0.95, 4, 59, 86, "0.9284", false},
		{0.95, 4, 86, 86, "0.9503", true},
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

// Property (f): the whole evaluation, after each report, with the look state
// handed on as a controller would.
func TestFalsePromoteRateAtTheFloor(t *testing.T) {
	const seeds, size = 10_000, 100
	spec := fourLooks()
	spec.Halt.ToleratedFailureRate = 0.5 // so that halting hides no pass
	type state struct {
		n, k int
		look LookState
	}
	known := map[state]Result{} // Evaluate is pure
	passed := 0
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 6))
		now := state{}
		for now.n < size {
			now.n++
			if random.Float64() < 0.10 {
				now.k++
			}
			c := counts(size, now.n, now.k)
			c.Matured, c.Exposed = now.n, now.n // coverage never in the way
			r, ok := known[now]
			if !ok {
				r = Evaluate(spec, c, now.look)
				known[now] = r
			}
			if r.Verdict == VerdictPass {
				passed++
				break
			}
			now.look = r.Look
		}
	}
	share := float64(passed) / seeds
	t.Logf("false promotes at a true rate equal to the floor: %.4f (looks %v)", share, LookSizes(spec, size))
	if share > 0.025 || share == 0 {
		t.Errorf("false promotes %.4f, want above 0 and at most 0.025 (expected about 0.02)", share)
	}
}

// The documented price of the open last look, exactly and in the worst case of
// an evaluation after each single report.
func TestOpenLastLookCost(t *testing.T) {
	for _, tc := range []struct {
		floor           float64
		looks, audience int
		coverage        float64
		want            float64
	}{
		{0.95, 1, 100, 0.9, 0.0500},
		{0.90, 1, 100, 0.9, 0.0465},
		{0.90, 4, 100, 0.9, 0.0225},
		{0.95, 4, 400, 0.9, 0.0309},
		{0.95, 4, 1000, 0.9, 0.0367},
		{0.95, 1, 1000, 1.0, 0.0433},
		{0.95, 1, 1000, 0.9, 0.0679},
		{0.95, 1, 1000, 0.5, 0.1228},
	} {
		spec := pilot()
		spec.Promote = Promote{FloorRate: tc.floor, Confidence: 0.95, Looks: tc.looks}
		spec.MinReports = 30
		spec.MinCoverage = tc.coverage
		sizes := LookSizes(spec, tc.audience)
		last := sizes[len(sizes)-1]
		declared := map[int]bool{}
		for _, size := range sizes {
			declared[size] = true
		}
		got, _ := stopping(tc.audience, 1-tc.floor, func(n, k int) bool {
			return (declared[n] || n > last) && proves(n, k, tc.floor, spec.alphaPerLook())
		})
		t.Logf("floor %v, looks %v, audience %d, coverage %v: false pass %.4f", tc.floor, sizes, tc.audience, tc.coverage, got)
		if math.Abs(got-tc.want) > 0.00006 {
			t.Errorf("floor %v, %d looks, audience %d, coverage %v: %.4f, want %.4f",
				tc.floor, tc.looks, tc.audience, tc.coverage, got, tc.want)
		}
	}
}
