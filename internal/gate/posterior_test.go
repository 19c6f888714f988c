// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

func TestPosteriorWorseWorkedNumbers(t *testing.T) {
	for _, tc := range []struct {
		k1, n1, k0, n0 int
		delta, want    float64
		within         float64
	}{
		{3, 50, 10, 500, 0, 0.948, 0.0005},
		{3, 50, 10, 500, 0.02, 0.77, 0.005},
		{6, 75, 20, 1000, 0, 0.997, 0.0005},
		{6, 75, 20, 1000, 0.02, 0.944, 0.0005},
		{8, 100, 20, 1000, 0.02, 0.964, 0.0005},
		{12, 60, 95, 500, 0, 0.58, 0.005},
		{12, 60, 95, 500, 0.02, 0.44, 0.005},
		{9, 60, 50, 1000, 0.05, 0.89, 0.005},
		{12, 80, 50, 1000, 0.05, 0.92, 0.005},
	} {
		got := PosteriorWorse(tc.k1, tc.n1, tc.k0, tc.n0, tc.delta)
		t.Logf("%d/%d against %d/%d, delta %v: %.4f", tc.k1, tc.n1, tc.k0, tc.n0, tc.delta, got)
		if !(math.Abs(got-tc.want) <= tc.within) {
			t.Errorf("%d/%d against %d/%d, delta %v: %.4f, want %v", tc.k1, tc.n1, tc.k0, tc.n0, tc.delta, got, tc.want)
		}
	}
}

// The failure counts from which "worse by 2 points with 0.95" holds against
// 20 of 1,000, and up to which "not worse by 5 points" does (table D5).
func TestPosteriorDecisionCounts(t *testing.T) {
	for n, want := range map[int]struct{ worse, inferior int }{50: {5, 0}, 75: {7, 1}, 100: {8, 3}, 200: {14, 8}} {
		worse := 0
		for PosteriorWorse(worse, n, 20, 1000, 0.02) < 0.95 {
			worse++
		}
		fine := -1
		for 1-PosteriorWorse(fine+1, n, 20, 1000, 0.05) >= 0.95 {
			fine++
		}
		if worse != want.worse || fine != want.inferior {
			t.Errorf("n=%d: worse from %d, not inferior up to %d, want %d and %d", n, worse, fine, want.worse, want.inferior)
		}
	}
}

// Both orders of integration give the same number, and the two sides add up.
func TestPosteriorWorseIsConsistent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	for range 2_000 {
		n1, n0 := random.IntN(3_000), random.IntN(3_000)
		if random.IntN(4) == 0 {
			n0 *= 100
		}
		k1, k0 := random.IntN(n1+1), random.IntN(n0+1)
		delta := random.Float64() - 0.5
		p := PosteriorWorse(k1, n1, k0, n0, delta)
		reverse := PosteriorWorse(k0, n0, k1, n1, -delta)
		if !within(p, 0, 1) || math.Abs(p+reverse-1) > 1e-6 {
			t.Fatalf("%d/%d against %d/%d, delta %v: %v and the other way round %v do not add to 1", k1, n1, k0, n0, delta, p, reverse)
		}
		if same := PosteriorWorse(k1, n1, k1, n1, 0); math.Abs(same-0.5) > 1e-6 {
			t.Fatalf("%d/%d against itself: %v, want 0.5", k1, n1, same)
		}
		// Averaged over the wider of the two, against the narrower used above.
		wave, control := betaOf(n1, k1), betaOf(n0, k0)
		wide, ratio := control.belowOther(wave, delta), wave.variance()/control.variance()
		if ratio < 1 {
			wide, ratio = wave.aboveOther(control, delta), 1/ratio
		}
		if ratio < 100 && math.Abs(wide-p) > 1e-6 {
			t.Fatalf("%d/%d against %d/%d, delta %v: %v, the other way of integration %v", k1, n1, k0, n0, delta, p, wide)
		}
	}
}

// Against a plain midpoint rule with very many points, where the integrand is
// hardest: a kink in the middle of the mass, or one side far narrower.
func TestPosteriorWorseAgreesWithBruteForce(t *testing.T) {
	for _, tc := range []struct {
		k1, n1, k0, n0 int
		delta          float64
	}{
		{170, 1_000, 0, 3, 0.17},
		{830, 1_000, 3, 3, -0.17},
		{0, 3, 170, 1_000, -0.17},
		{3, 3, 830, 1_000, 0.17},
		{0, 10, 10_000, 1_000_000, 0},
		{10_000, 1_000_000, 0, 10, 0.001},
		{0, 0, 0, 0, 0.25},
		{1, 3_000, 1_500, 3_000, -0.4},
	} {
		got := PosteriorWorse(tc.k1, tc.n1, tc.k0, tc.n0, tc.delta)
		want := bruteForceWorse(betaOf(tc.n1, tc.k1), betaOf(tc.n0, tc.k0), tc.delta)
		if !(math.Abs(got-want) <= 1e-7) {
			t.Errorf("%d/%d against %d/%d, delta %v: %.9f, by brute force %.9f", tc.k1, tc.n1, tc.k0, tc.n0, tc.delta, got, want)
		}
	}
}

func bruteForceWorse(wave, control beta, delta float64) float64 {
	const points = 300_000
	logScale := math.Ln2 - mathext.Lbeta(control.a, control.b)
	sum, step := 0.0, math.Pi/2/points
	for i := range points {
		sin, cos := math.Sincos((float64(i) + 0.5) * step)
		density := math.Exp(logScale + (2*control.a-1)*math.Log(sin) + (2*control.b-1)*math.Log(cos))
		if x := sin*sin + delta; density > 1e-30 && x < 1 {
			above := 1.0
			if x > 0 {
				above = mathext.RegIncBeta(wave.b, wave.a, 1-x)
			}
			sum += density * above * step
		}
	}
	return sum
}

func TestPosteriorWorseOfImpossibleCountsIsNaN(t *testing.T) {
	for _, p := range []float64{
		PosteriorWorse(2, 1, 0, 1, 0),
		PosteriorWorse(0, 1, -1, 1, 0),
		PosteriorWorse(0, 1, 0, 1, 1),
		PosteriorWorse(0, 1, 0, 1, math.NaN()),
	} {
		if !math.IsNaN(p) {
			t.Errorf("got %v, want NaN", p)
		}
	}
}

func TestFisherWorkedNumbers(t *testing.T) {
	for _, tc := range []struct {
		k1, n1, k0, n0 int
		want, within   float64
	}{
		{9, 60, 50, 1000, 0.004, 0.0005},
		{6, 60, 50, 1000, 0.09, 0.005},
		{12, 80, 50, 1000, 0.0012, 0.00005},
		{3, 50, 10, 500, 0.106, 0.0005},
		{6, 75, 20, 1000, 0.007, 0.0005},
		{3, 3, 0, 3, 1.0 / 20, 1e-12}, // one of C(6,3) splits
		{0, 5, 3, 5, 1, 0},
		{5, 5, 5, 5, 1, 0},
		{0, 0, 0, 0, 1, 0},
		{2, 1, 0, 1, 1, 0},
	} {
		got := FisherOneSided(tc.k1, tc.n1, tc.k0, tc.n0)
		t.Logf("%d/%d against %d/%d: p = %.4f", tc.k1, tc.n1, tc.k0, tc.n0, got)
		if math.Abs(got-tc.want) > tc.within {
			t.Errorf("%d/%d against %d/%d: %v, want %v", tc.k1, tc.n1, tc.k0, tc.n0, got, tc.want)
		}
	}
}
