// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

func TestHaltCountTable(t *testing.T) {
	seen := []int{3, 5, 10, 20, 30, 50, 75, 100, 200}
	for _, tc := range []struct {
		tolerated float64
		want      []int
	}{
		{0.02, []int{2, 2, 3, 4, 4, 5, 7, 8, 12}},
		{0.05, []int{3, 3, 4, 5, 6, 8, 11, 13, 21}},
	} {
		var got []int
		for i, n := range seen {
			k := HaltCount(n, tc.tolerated, 0.05)
			got = append(got, k)
			if k != tc.want[i] {
				t.Errorf("tolerated %v, %d seen: halts at %d failures, want %d", tc.tolerated, n, k, tc.want[i])
			}
		}
		t.Logf("tolerated %v: %v seen halt at %v failures", tc.tolerated, seen, got)
	}
	if got := HaltCount(1, 0.05, 0.05); got != 2 {
		t.Errorf("one device can halt: HaltCount(1) = %d, want 2", got)
	}
	if got := HaltCount(0, 0.05, 0.05); got != 1 {
		t.Errorf("HaltCount(0) = %d, want 1", got)
	}
}

func TestHaltEvidenceWorkedValues(t *testing.T) {
	for _, tc := range []struct {
		n, k      int
		tolerated float64
		want      float64
		within    float64
	}{
		{10, 3, 0.05, 13.99, 0.005},
		{12, 4, 0.05, 54.2, 0.05},
		{0, 0, 0.05, 1, 1e-15},
		{10, 0, 0.05, 4.0 / 14, 1e-15},
		{10, 0, 0, 4.0 / 14, 1e-15},
		{10, 1, 0, math.MaxFloat64, 0},
		{1_000_000, 1_000_000, 0.05, math.MaxFloat64, 0},
		{3, 4, 0.05, 0, 0},
		{-1, 0, 0.05, 0, 0},
		{3, 1, 1, 0, 0},
		{3, 1, math.NaN(), 0, 0},
	} {
		got := HaltEvidence(tc.n, tc.k, tc.tolerated)
		t.Logf("%d of %d failed, %v tolerated: evidence %.4g", tc.k, tc.n, tc.tolerated, got)
		if math.Abs(got-tc.want) > tc.within {
			t.Errorf("HaltEvidence(%d, %d, %v) = %v, want %v", tc.n, tc.k, tc.tolerated, got, tc.want)
		}
	}
}

// The closed sum against the definition with incomplete beta functions.
func TestHaltEvidenceAgreesWithDefinition(t *testing.T) {
	for _, tolerated := range []float64{0.005, 0.02, 0.05, 0.3, 0.9} {
		for _, n := range []int{1, 7, 30, 100, 1_000, 100_000, 1_000_000} {
			rates := []float64{tolerated / 2, tolerated, 1.01 * tolerated, 1.2 * tolerated, 0.5 + tolerated/2}
			for _, rate := range rates {
				k := min(n, int(rate*float64(n)))
				want, ok := logEvidenceByDefinition(n, k, tolerated)
				got := math.Log(HaltEvidence(n, k, tolerated))
				if !ok || want > math.Log(math.MaxFloat64)-1 {
					continue
				}
				if math.Abs(got-want) > 1e-6 {
					t.Errorf("n=%d k=%d tolerated=%v: log evidence %.9f, by definition %.9f", n, k, tolerated, got, want)
				}
			}
		}
	}
}

// logEvidenceByDefinition is gate D4.5 as written; it is not ok where the tail
// underflows.
func logEvidenceByDefinition(n, k int, tolerated float64) (float64, bool) {
	a, b := 1+float64(k), priorFailures+float64(n-k)
	tail := mathext.RegIncBeta(b, a, 1-tolerated)
	if tail < 1e-280 {
		return 0, false
	}
	posterior := mathext.Lbeta(a, b) + math.Log(tail)
	prior := mathext.Lbeta(1, priorFailures) + priorFailures*math.Log1p(-tolerated)
	null := float64(k)*math.Log(tolerated) + float64(n-k)*math.Log1p(-tolerated)
	return posterior - prior - null, true
}

// What makes it an e-process: with failures at most as frequent as tolerated,
// its mean is at most 1, and exactly 1 at the tolerated rate.
func TestHaltEvidenceHasMeanOneAtTheToleratedRate(t *testing.T) {
	for _, tolerated := range []float64{0.02, 0.05, 0.2} {
		for _, n := range []int{1, 5, 20, 100, 300} {
			for _, rate := range []float64{tolerated, tolerated * 0.8, tolerated / 4} {
				mean := 0.0
				for k := range n + 1 {
					mass := math.Exp(logChoose(n, k) + float64(k)*math.Log(rate) + float64(n-k)*math.Log1p(-rate))
					mean += mass * HaltEvidence(n, k, tolerated)
				}
				// Beyond 100 devices saturation cuts the mean off below 1.
				if rate == tolerated && n <= 100 && math.Abs(mean-1) > 1e-9 || mean > 1+1e-9 {
					t.Errorf("n=%d tolerated=%v true=%v: mean evidence %.12f", n, tolerated, rate, mean)
				}
			}
		}
	}
}

func TestHaltEvidenceIsMonotone(t *testing.T) {
	for n := range 150 {
		for k := range n + 1 {
			now := HaltEvidence(n, k, 0.05)
			if failure := HaltEvidence(n+1, k+1, 0.05); failure < now {
				t.Fatalf("a failure lowered the evidence of n=%d k=%d from %v to %v", n, k, now, failure)
			}
			if success := HaltEvidence(n+1, k, 0.05); success > now {
				t.Fatalf("a success raised the evidence of n=%d k=%d from %v to %v", n, k, now, success)
			}
		}
	}
}

// Exact behaviour when looking after every one of up to 100 reports (table D5).
func TestHaltBehaviourUnderPeeking(t *testing.T) {
	for _, tc := range []struct {
		rate, halts, mean float64
	}{
		{0.02, 0.001, 0},
		{0.05, 0.021, 0},
		{0.15, 0.84, 40},
		{0.20, 0.99, 27},
		{0.30, 1.00, 13},
		{0.50, 1.00, 6},
	} {
		halts, mean := stopping(100, tc.rate, func(n, k int) bool {
			return HaltEvidence(n, k, 0.05) >= HaltThreshold(0.05)
		})
		t.Logf("true failure rate %.2f: halts with probability %.4f after %.1f devices", tc.rate, halts, mean)
		within := 0.0051
		if tc.rate <= 0.05 {
			within = 0.00051
		}
		if math.Abs(halts-tc.halts) > within || tc.mean > 0 && math.Abs(mean-tc.mean) > 0.51 {
			t.Errorf("rate %v: halts %.4f after %.1f, want %v after %v", tc.rate, halts, mean, tc.halts, tc.mean)
		}
	}
}

// Scenario 7: a policy that fails exactly as often as tolerated, evaluated
// after each report.
func TestScenario07FalseHaltBudget(t *testing.T) {
	const seeds, size = 10_000, 100
	halts := haltTable(pilot(), size)
	halted := 0
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 7))
		failed := 0
		for n := 1; n <= size; n++ {
			if random.Float64() < 0.05 {
				failed++
			}
			if halts[n][failed] {
				halted++
				break
			}
		}
	}
	share := float64(halted) / seeds
	t.Logf("false halts: %.4f of %d runs", share, seeds)
	if share > 0.05 || math.Abs(share-0.021) > 0.005 {
		t.Errorf("false halts %.4f, want about 0.021 and never above 0.05", share)
	}
}

// Scenario 8: 30 % of the devices break, batches of ten, reports one batch late.
func TestScenario08BadPolicyCaughtEarly(t *testing.T) {
	const seeds, size, batch = 1_000, 100, 10
	halts := haltTable(pilot(), size)
	halted, harmed, exposed := 0, 0, 0
	for seed := range uint64(seeds) {
		random := rand.New(rand.NewPCG(seed, 8))
		broken := make([]int, size+1) // failures among the first n devices
		for n := 1; n <= size; n++ {
			broken[n] = broken[n-1]
			if random.Float64() < 0.30 {
				broken[n]++
			}
		}
		out, caught := 0, false
		for out < size && !caught {
			out += batch
			seen := out - batch
			caught = halts[seen][broken[seen]]
		}
		if caught || halts[size][broken[size]] { // the last batch reports, too
			halted++
		}
		harmed += broken[out]
		exposed += out
	}
	meanHarmed := float64(harmed) / seeds
	meanExposed := float64(exposed) / seeds
	t.Logf("halted %d of %d runs, mean harmed %.2f, mean exposed %.2f", halted, seeds, meanHarmed, meanExposed)
	if meanHarmed > 10 || meanExposed > 32 || halted < 995 {
		t.Errorf("want at most 10 harmed, 32 exposed and at least 995 halted")
	}
}

// haltTable asks Evaluate, once for each n and k, whether it halts.
func haltTable(spec Spec, size int) [][]bool {
	table := make([][]bool, size+1)
	for n := range table {
		table[n] = make([]bool, n+1)
		for k := range table[n] {
			table[n][k] = judged(spec, counts(size, n, k)).Verdict == VerdictHalt
		}
	}
	return table
}
