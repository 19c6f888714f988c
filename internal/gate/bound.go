// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Unprovable is the sample size returned where no sample of up to
// [MaxDevices] devices is large enough. It compares as larger than any fleet,
// so "n >= needed" stays false.
const Unprovable = math.MaxInt

// LowerBound is the exact one-sided (Clopper-Pearson) lower bound, at level
// 1-alpha, on the success rate behind n reports of which k failed (gate D4.1).
// The chance that it lies above the true rate is at most alpha, for any true
// rate and any n.
//
// alpha is a fraction in (0, 1). The result is in [0, 1]; it is 0, which
// proves nothing, for n = 0, for k = n and for impossible arguments.
func LowerBound(n, k int, alpha float64) float64 {
	if !possible(n, k) || k == n || !openUnit(alpha) {
		return 0
	}
	return mathext.InvRegIncBeta(float64(n-k), float64(k+1), alpha)
}

// RequiredReports is the smallest number of reports that proves success at or
// above floor at one-sided level 1-alpha when exactly k of them failed
// (gate D4.1, table D5). floor and alpha are fractions in (0, 1). The result is
// [Unprovable] when no sample of up to [MaxDevices] is enough.
func RequiredReports(floor, alpha float64, k int) int {
	if k < 0 || !openUnit(floor) || !openUnit(alpha) {
		return Unprovable
	}
	// The tail falls as n grows: bracket by doubling, then bisect.
	// Invariant: tooFew does not prove the floor, enough does.
	tooFew, enough := k, k+1
	for !proves(enough, k, floor, alpha) {
		if enough >= MaxDevices {
			return Unprovable
		}
		tooFew, enough = enough, min(2*enough, MaxDevices)
	}
	for enough-tooFew > 1 {
		mid := tooFew + (enough-tooFew)/2
		if proves(mid, k, floor, alpha) {
			enough = mid
		} else {
			tooFew = mid
		}
	}
	return enough
}

// ProvenFloor is the highest floor that n reports without a single failure
// prove at one-sided level 1-alpha: alpha^(1/n) (gate D4.1). It is 0 for n <= 0.
func ProvenFloor(n int, alpha float64) float64 {
	if n <= 0 || !openUnit(alpha) {
		return 0
	}
	return math.Pow(alpha, 1/float64(n))
}

// WilsonLower is Wilson's one-sided lower bound on the success rate (gate
// D4.2). It is for display beside other tools that show it and must not decide
// anything: close to 1 it promises more than it keeps (52 clean reports pass a
// floor of 0.95 with a true error of 6.9 %). It is 0 for impossible arguments.
func WilsonLower(n, k int, alpha float64) float64 {
	if !possible(n, k) || n == 0 || !openUnit(alpha) {
		return 0
	}
	z := math.Sqrt2 * math.Erfinv(1-2*alpha)
	size := float64(n)
	rate := float64(n-k) / size
	centre := rate + z*z/(2*size)
	spread := z * math.Sqrt(rate*(1-rate)/size+z*z/(4*size*size))
	return max(0, (centre-spread)/(1+z*z/size))
}

// proves decides "lower bound >= floor" by the tail probability instead of by
// the bound: the two are the same statement, but the tail needs no inversion,
// and [RequiredReports] and [Evaluate] then cannot differ by a rounding error.
func proves(n, k int, floor, alpha float64) bool {
	return failuresAtMost(n, k, floor) <= alpha
}

// failuresAtMost is P(at most k of n devices fail) when each succeeds with
// probability success in (0, 1).
func failuresAtMost(n, k int, success float64) float64 {
	if k >= n {
		return 1
	}
	return mathext.RegIncBeta(float64(n-k), float64(k+1), success)
}

// possible says that k of n devices can have failed.
func possible(n, k int) bool { return 0 <= k && k <= n }

// openUnit says that x lies strictly between 0 and 1; NaN does not.
func openUnit(x float64) bool { return 0 < x && x < 1 }

// within says that x lies in [low, high]; NaN does not.
func within(x, low, high float64) bool { return low <= x && x <= high }
