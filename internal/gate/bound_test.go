// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"testing"
)

func TestRequiredReportsTable(t *testing.T) {
	for _, tc := range []struct {
		name         string
		floor, alpha float64
		want         []int // for 0, 1, 2, ... failures
	}{
		{"0.90 at 95 %", 0.90, 0.05, []int{29, 46, 61, 76, 89, 103}},
		{"0.95 at 95 %", 0.95, 0.05, []int{59, 93, 124, 153, 181, 208}},
		{"0.98 at 95 %", 0.98, 0.05, []int{149, 236, 313, 386, 456, 523}},
		{"0.99 at 95 %", 0.99, 0.05, []int{299, 473, 628, 773, 913, 1049}},
		{"0.95 at 90 %", 0.95, 0.10, []int{45, 77, 105, 132, 158, 184}},
		{"0.95 at two-sided 95 %", 0.95, 0.025, []int{72, 110, 142, 173, 202, 230}},
		{"0.95 with three looks", 0.95, 0.05 / 3, []int{80, 119, 153}},
		{"0.95 with five looks", 0.95, 0.05 / 5, []int{90, 130, 165}},
		{"0.90 with three looks", 0.90, 0.05 / 3, []int{39, 58, 75}},
		{"0.90 with five looks", 0.90, 0.05 / 5, []int{44, 64, 81}},
	} {
		var got []int
		for k, want := range tc.want {
			n := RequiredReports(tc.floor, tc.alpha, k)
			got = append(got, n)
			if n != want {
				t.Errorf("%s, %d failures: need %d, want %d", tc.name, k, n, want)
			}
		}
		t.Logf("%s: %v", tc.name, got)
	}
}

func TestWilsonTable(t *testing.T) {
	for floor, want := range map[float64][]int{
		0.90: {25, 42, 58, 72, 86, 100},
		0.95: {52, 87, 118, 147, 175, 202},
		0.98: {133, 222, 300, 373, 443, 511},
		0.99: {268, 446, 602, 748, 888, 1024},
	} {
		for k, want := range want {
			n := k + 1
			for WilsonLower(n, k, 0.05) < floor {
				n++
			}
			if n != want {
				t.Errorf("floor %v, %d failures: Wilson needs %d, want %d", floor, k, n, want)
			}
		}
	}
}

func TestLowerBoundTable(t *testing.T) {
	for _, tc := range []struct {
		n    int
		want []float64 // percent, for 0, 1, 2, ... failures
	}{
		{20, []float64{86.1, 78.4, 71.7, 65.6, 59.9, 54.4}},
		{50, []float64{94.2, 90.9, 87.9, 85.2, 82.6, 80.1}},
		{60, []float64{95.1, 92.3, 89.9, 87.6, 85.4, 83.3}},
		{75, []float64{96.1, 93.8, 91.8, 90.0, 88.2, 86.5}},
		{100, []float64{97.0, 95.3, 93.8, 92.4, 91.1, 89.8}},
		{200, []float64{98.5, 97.7, 96.9, 96.2, 95.5, 94.8}},
		{500, []float64{99.4, 99.1, 98.7, 98.5, 98.2, 97.9}},
		{53, []float64{94.5}},          // a hundred devices in ten sites, rho 0.1
		{90, []float64{96.7, 0, 93.2}}, // super-population bound of a finite wave
	} {
		for k, want := range tc.want {
			if got := 100 * LowerBound(tc.n, k, 0.05); want != 0 && math.Abs(got-want) > 0.0501 {
				t.Errorf("LowerBound(%d, %d) = %.3f %%, want %.1f %%", tc.n, k, got, want)
			}
		}
	}
	for n, want := range map[int]float64{10: 25.9, 20: 13.9, 30: 9.5, 50: 5.8, 75: 3.9, 100: 3.0, 300: 1.0} {
		if got := 100 * (1 - ProvenFloor(n, 0.05)); math.Abs(got-want) > 0.0501 {
			t.Errorf("%d clean devices leave %.3f %%, want %.1f %%", n, got, want)
		}
	}
}

func TestWorkedBounds(t *testing.T) {
	for _, tc := range []struct {
		name string
		got  float64
		want string
	}{
		{"92 reports, 1 failure", LowerBound(92, 1, 0.05), "0.9495"},
		{"93 reports, 1 failure", LowerBound(93, 1, 0.05), "0.9500"},
		{"70 reports, 2 failures", LowerBound(70, 2, 0.05), "0.9128"},
		{"95 reports, 1 failure", LowerBound(95, 1, 0.05), "0.9510"},
		{"69 reports, 1 failure", LowerBound(69, 1, 0.05), "0.9331"},
		{"50 clean devices", ProvenFloor(50, 0.05), "0.9418"},
	} {
		got := fixed(tc.got, 2, 4)
		t.Logf("%s: %s", tc.name, got)
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// The same tail, summed term by term, up to a million devices.
func TestTailAgreesWithBinomialSum(t *testing.T) {
	for _, n := range []int{1, 2, 10, 59, 93, 500, 5_000, 100_000, 1_000_000} {
		for _, k := range []int{0, 1, 3, n / 100, n / 20, n / 2, n - 1} {
			if k >= n {
				continue
			}
			bound := LowerBound(n, k, 0.05)
			sum := binomialSum(n, k, bound)
			if tail := failuresAtMost(n, k, bound); math.Abs(tail-sum) > 1e-9 || math.Abs(sum-0.05) > 1e-8 {
				t.Errorf("n=%d k=%d: at bound %.12f tail %.12f, summed %.12f, want both 0.05", n, k, bound, tail, sum)
			}
		}
	}
}

// binomialSum adds P(j failures) from j = k downwards.
func binomialSum(n, k int, success float64) float64 {
	term := math.Exp(logChoose(n, k) + float64(k)*math.Log1p(-success) + float64(n-k)*math.Log(success))
	sum := term
	for j := k; j > 0; j-- {
		term *= float64(j) / float64(n-j+1) * success / (1 - success)
		sum += term
	}
	return sum
}

// The bound, the tail and the needed sample size are three views of one test.
func TestBoundTailAndRequiredReportsAgree(t *testing.T) {
	for _, floor := range []float64{0.5, 0.8, 0.9, 0.95, 0.99} {
		for _, alpha := range []float64{0.0025, 0.0125, 0.05, 0.2} {
			for k := range 12 {
				need := RequiredReports(floor, alpha, k)
				if below := LowerBound(need-1, k, alpha); below >= floor {
					t.Errorf("floor %v alpha %v k %d: %d reports already bound %v", floor, alpha, k, need-1, below)
				}
				if bound := LowerBound(need, k, alpha); bound < floor {
					t.Errorf("floor %v alpha %v k %d: %d reports bound only %v", floor, alpha, k, need, bound)
				}
			}
		}
	}
}

func TestLowerBoundIsMonotone(t *testing.T) {
	for n := range 120 {
		for k := range n + 1 {
			bound := LowerBound(n, k, 0.05)
			if worse := LowerBound(n+1, k+1, 0.05); worse > bound {
				t.Fatalf("a failure raised the bound of n=%d k=%d from %v to %v", n, k, bound, worse)
			}
			if better := LowerBound(n+1, k, 0.05); better < bound {
				t.Fatalf("a success lowered the bound of n=%d k=%d from %v to %v", n, k, bound, better)
			}
			if observed := float64(n-k) / max(1, float64(n)); bound > observed {
				t.Fatalf("bound %v of n=%d k=%d exceeds the observed rate %v", bound, n, k, observed)
			}
		}
	}
}

func TestImpossibleArgumentsProveNothing(t *testing.T) {
	for _, nk := range [][2]int{{0, 0}, {5, 5}, {5, 6}, {5, -1}, {-1, 0}} {
		if got := LowerBound(nk[0], nk[1], 0.05); got != 0 {
			t.Errorf("LowerBound(%v) = %v, want 0", nk, got)
		}
		if got := WilsonLower(nk[0], nk[1], 0.05); got > 1e-12 {
			t.Errorf("WilsonLower(%v) = %v, want 0", nk, got)
		}
	}
	for _, alpha := range []float64{0, 1, -1, math.NaN()} {
		if LowerBound(100, 0, alpha) != 0 || ProvenFloor(100, alpha) != 0 || RequiredReports(0.9, alpha, 0) != Unprovable {
			t.Errorf("alpha %v proves something", alpha)
		}
	}
	for _, floor := range []float64{0, 1, 1 - 1e-12, math.NaN()} {
		if got := RequiredReports(floor, 0.05, 0); got != Unprovable {
			t.Errorf("RequiredReports(%v) = %d, want Unprovable", floor, got)
		}
	}
	if RequiredReports(0.9, 0.05, -1) != Unprovable || ProvenFloor(0, 0.05) != 0 {
		t.Error("a negative count proves something")
	}
}
