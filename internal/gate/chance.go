// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "math"

// tailSigmas is how many standard deviations around the expected number of failures the recursion follows. What lies
// further out has less than 1e-14 of the chance.
const tailSigmas = 8

// judgement is one look of a plan: with so many reports at most so many failures pass.
type judgement struct{ reports, limit int }

// passChance is the exact chance that a payload with that success rate, a fraction in (0, 1), passes at any of the
// looks, which ascend. It follows the number of failures from look to look and takes out what has passed (gate D4.7).
// It supposes that each device has one outcome, whenever it reports.
func passChance(looks []judgement, success float64) float64 {
	w := newWalk(success)
	for _, l := range looks {
		w.to(l.reports)
		w.stop(l.limit)
	}
	return w.passed
}

// walk is the distribution of failures among the first reports of those courses that have not passed.
type walk struct {
	success float64
	reports int
	// weight[i] is the chance of low+i failures.
	low    int
	weight []float64
	passed float64
}

func newWalk(success float64) *walk { return &walk{success: success, weight: []float64{1}} }

// to adds reports until there are n of them.
func (w *walk) to(n int) {
	if n <= w.reports {
		return
	}
	low, step := failuresAmong(n-w.reports, w.success)
	next := make([]float64, len(w.weight)+len(step)-1)
	for i, p := range w.weight {
		if p == 0 {
			continue
		}
		for j, q := range step {
			next[i+j] += p * q
		}
	}
	w.reports, w.low, w.weight = n, w.low+low, next
	w.trim()
}

// trim forgets the courses that are further out than tailSigmas.
func (w *walk) trim() {
	from, to := window(w.reports, w.success)
	if cut := from - w.low; cut > 0 {
		w.low, w.weight = from, w.weight[min(cut, len(w.weight)):]
	}
	if keep := to - w.low + 1; keep < len(w.weight) {
		w.weight = w.weight[:max(keep, 0)]
	}
}

// stop takes out the courses with at most limit failures: they pass here.
func (w *walk) stop(limit int) {
	for i := 0; i < len(w.weight) && w.low+i <= limit; i++ {
		w.passed += w.weight[i]
		w.weight[i] = 0
	}
}

// atMost is the chance that a course has not passed yet and has at most limit failures now.
func (w *walk) atMost(limit int) float64 {
	sum := 0.0
	for i := 0; i < len(w.weight) && w.low+i <= limit; i++ {
		sum += w.weight[i]
	}
	return sum
}

// failuresAmong is the distribution of the number of failures among n reports, from low failures on.
func failuresAmong(n int, success float64) (low int, chance []float64) {
	low, high := window(n, success)
	chance = make([]float64, high-low+1)
	for i := range chance {
		chance[i] = exactly(n, low+i, success)
	}
	return low, chance
}

// window holds all numbers of failures among n reports that are worth following.
func window(n int, success float64) (low, high int) {
	mean := float64(n) * (1 - success)
	reach := tailSigmas*math.Sqrt(mean*success) + tailSigmas
	return max(0, int(mean-reach)), min(n, int(math.Ceil(mean+reach)))
}

// exactly is the chance of k failures among n reports.
func exactly(n, k int, success float64) float64 {
	all, _ := math.Lgamma(float64(n) + 1)
	bad, _ := math.Lgamma(float64(k) + 1)
	good, _ := math.Lgamma(float64(n-k) + 1)
	return math.Exp(all - bad - good + float64(k)*math.Log1p(-success) + float64(n-k)*math.Log(success))
}
