// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

// stopping follows all paths of n = 1..limit reports, each a failure with
// probability fail, until stop says so, and returns the exact probability that
// it ever does and the mean n at which it does.
func stopping(limit int, fail float64, stop func(n, k int) bool) (probability, meanN float64) {
	alive := make([]float64, limit+2)
	alive[0] = 1
	for n := 1; n <= limit; n++ {
		for k := n; k >= 0; k-- { // downwards: alive[k-1] is still last round's
			mass := alive[k] * (1 - fail)
			if k > 0 {
				mass += alive[k-1] * fail
			}
			alive[k] = mass
			if mass > 0 && stop(n, k) {
				probability += mass
				meanN += mass * float64(n)
				alive[k] = 0
			}
		}
	}
	if probability > 0 {
		meanN /= probability
	}
	return probability, meanN
}

// judged evaluates the counts by the plan that was made for their audience.
func judged(spec Spec, c Counts) Result { return Evaluate(NewPlan(spec, c.Eligible+c.Withdrawn), c, 0) }

// pilot is a wave of about a hundred devices, after gate D7.
func pilot() Spec {
	return Spec{
		Promote:     Promote{FloorRate: 0.95, Confidence: 0.95, Looks: 1},
		Halt:        Halt{ToleratedFailureRate: 0.05, Alpha: 0.05, MinFailures: 3},
		MinReports:  59,
		MinCoverage: 0.90,
	}
}

// counts is an audience that is exposed completely and matured, in which
// reported devices reported and failed of them failed.
func counts(eligible, reported, failed int) Counts {
	return Counts{
		Eligible: eligible, Exposed: eligible, Matured: eligible,
		Seen: reported, SeenFailed: failed,
		Reported: reported, Succeeded: reported - failed, Failed: failed,
	}
}
