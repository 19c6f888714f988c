// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"sort"
)

// priorFailures is b of the Beta(1, b) prior on the failure rate of a policy
// that is worse than tolerated (gate D4.5). Its mean of 0.2 puts the weight on
// the breakages that rollouts really meet; the test stays valid for any other.
const priorFailures = 4

// HaltEvidence weighs "the failure rate is above tolerated" against "it is not"
// after n devices were seen and k of them failed (gate D4.5). Under the second
// hypothesis its expectation is at most 1 at every moment, so the chance that
// it ever reaches 1/alpha is at most alpha, however often it is read (Ville).
// It depends on n and k alone, hence a restart cannot change it.
//
// tolerated is a fraction in [0, 1); at 0 any failure is full evidence. The
// result is finite, never NaN, and saturates at [math.MaxFloat64]. Impossible
// arguments give 0: no evidence.
//
// With a Beta(1, b) prior truncated to (tolerated, 1) and whole-numbered b, the
// ratio of incomplete beta functions collapses into a finite sum of positive
// terms,
//
//	E = sum over i = 0..k of  b k!/(k-i)! (n-k+b-1)!/(n-k+b+i)! ((1-t)/t)^i
//
// which neither cancels nor underflows (the first term is b/(n-k+b)). That
// makes logarithms, special functions and their error bounds unnecessary. The
// loop ends where the terms stop to matter: after about sqrt(n) steps near the
// tolerated rate, sooner elsewhere.
func HaltEvidence(n, k int, tolerated float64) float64 {
	if !possible(n, k) || tolerated == 1 || !within(tolerated, 0, 1) {
		return 0
	}
	odds := (1 - tolerated) / tolerated
	rest := float64(n - k + priorFailures)
	term := priorFailures / rest
	sum := term
	for i := range k {
		ratio := float64(k-i) / (rest + 1 + float64(i)) * odds
		term *= ratio
		sum += term
		if sum > math.MaxFloat64/2 {
			return math.MaxFloat64
		}
		if ratio < 1 && term < sum*1e-18*(1-ratio) {
			break // ratios only fall: all later terms together are below rounding
		}
	}
	return sum
}

// HaltThreshold is the evidence at which a wave halts: 1/alpha, for a chance of
// at most alpha to ever halt a policy that fails no more than tolerated.
func HaltThreshold(alpha float64) float64 { return 1 / alpha }

// HaltCount is the smallest number of failures among n seen devices whose
// evidence reaches 1/alpha (table D5). It is n+1 when even n failures do not.
func HaltCount(n int, tolerated, alpha float64) int {
	if n <= 0 {
		return 1
	}
	threshold := HaltThreshold(alpha)
	// Evidence grows with each failure, since the prior lies above tolerated.
	return sort.Search(n+1, func(k int) bool {
		return HaltEvidence(n, k, tolerated) >= threshold
	})
}
