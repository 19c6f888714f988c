// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
)

const (
	// jeffreys is the pseudo-count that Jeffreys' prior adds to failures and
	// to successes.
	jeffreys = 0.5
	// nodes of the quadrature per smooth piece, and its half-width in posterior
	// standard deviations. The tests hold the result to 1e-7 of a brute-force
	// sum; decisions compare it with 0.95.
	nodes     = 256
	halfWidth = 10
)

// PosteriorWorse is the probability that the failure rate behind the wave (k1
// of n1 failed) exceeds the one behind the control (k0 of n0) by more than
// delta, each with Jeffreys' prior (gate D4.3). Close to 1 says that the wave is
// worse, close to 0 that it is not worse by delta; the rest is undecided.
//
// delta is a rate difference in (-1, 1). Impossible arguments give NaN, which
// satisfies no comparison and so proves neither.
func PosteriorWorse(k1, n1, k0, n0 int, delta float64) float64 {
	if !possible(n1, k1) || !possible(n0, k0) || !openUnit((delta+1)/2) {
		return math.NaN()
	}
	wave := betaOf(n1, k1)
	control := betaOf(n0, k0)
	// Average over the narrower of the two, so that the other one's
	// distribution function is smooth at the scale of the nodes.
	var p float64
	if control.variance() <= wave.variance() {
		p = wave.aboveOther(control, delta)
	} else {
		p = control.belowOther(wave, delta)
	}
	return clamp(p)
}

// beta is a Beta(a, b) distribution of a failure rate.
type beta struct{ a, b float64 }

// betaOf is the posterior after k of n failed.
func betaOf(n, k int) beta {
	return beta{a: float64(k) + jeffreys, b: float64(n-k) + jeffreys}
}

func (d beta) variance() float64 {
	sum := d.a + d.b
	return d.a * d.b / (sum * sum * (sum + 1))
}

// aboveOther is P(rate of d > rate of other + delta), averaged over other.
func (d beta) aboveOther(other beta, delta float64) float64 {
	return other.average(-delta, 1-delta, func(x float64) float64 {
		return mathext.RegIncBeta(d.b, d.a, clamp(1-x-delta)) // P(rate > x+delta), by symmetry
	})
}

// belowOther is P(rate of d + delta < rate of other), averaged over other.
func (d beta) belowOther(other beta, delta float64) float64 {
	return other.average(delta, 1+delta, func(x float64) float64 {
		return mathext.RegIncBeta(d.a, d.b, clamp(x-delta)) // P(rate <= x-delta)
	})
}

// average is the expectation of f under the distribution, where f is smooth
// except at the two kinks. With x = sin^2(t) the density loses its poles at 0
// and 1 and has nearly the same width, 1/(2 sqrt(a+b)), wherever it lies, so one
// fixed rule serves all counts.
func (d beta) average(kink1, kink2 float64, f func(float64) float64) float64 {
	centre := angle(d.a / (d.a + d.b))
	spread := halfWidth / (2 * math.Sqrt(d.a+d.b))
	from := max(0, centre-spread)
	to := min(math.Pi/2, centre+spread)
	logScale := math.Ln2 - mathext.Lbeta(d.a, d.b)
	density := func(t float64) float64 {
		sin, cos := math.Sincos(t)
		logDensity := logScale + (2*d.a-1)*math.Log(sin) + (2*d.b-1)*math.Log(cos)
		return math.Exp(logDensity) * f(sin*sin)
	}
	cut1 := min(max(angle(kink1), from), to)
	cut2 := min(max(angle(kink2), cut1), to)
	sum := 0.0
	for _, part := range [][2]float64{{from, cut1}, {cut1, cut2}, {cut2, to}} {
		if part[0] < part[1] {
			sum += quad.Fixed(density, part[0], part[1], nodes, quad.Legendre{}, 0)
		}
	}
	return sum
}

// angle is t of x = sin^2(t), for x cut to [0, 1].
func angle(x float64) float64 { return math.Asin(math.Sqrt(clamp(x))) }

func clamp(x float64) float64 { return min(max(x, 0), 1) }
