// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "math"

// FisherOneSided is the exact one-sided p-value of "the wave's rate is not
// above the control's" when k1 of n1 devices in the wave and k0 of n0 in the
// control show the event (gate D3, dark devices): the chance that a random
// split of all events puts k1 or more of them into the wave.
//
// The result is in [0, 1]. It is 1, which proves nothing, for impossible
// arguments.
func FisherOneSided(k1, n1, k0, n0 int) float64 {
	if !possible(n1, k1) || !possible(n0, k0) {
		return 1
	}
	events := k1 + k0
	least := max(0, events-n0)
	if k1 <= least {
		return 1 // every split is at least as extreme
	}
	most := min(n1, events)
	logAll := logChoose(n1+n0, events)
	sum := 0.0
	for k := k1; k <= most; k++ {
		term := math.Exp(logChoose(n1, k) + logChoose(n0, events-k) - logAll)
		sum += term
		if term < sum*1e-18 {
			break // past the mode the terms only fall
		}
	}
	return min(sum, 1)
}

// logChoose is the natural logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	all, _ := math.Lgamma(float64(n) + 1)
	chosen, _ := math.Lgamma(float64(k) + 1)
	rest, _ := math.Lgamma(float64(n-k) + 1)
	return all - chosen - rest
}
