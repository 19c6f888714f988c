// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "math"

// LookState is what the caller keeps between two evaluations of one metric in
// one attempt. The zero value is the start of an attempt.
type LookState struct {
	// Taken counts the declared sample sizes that are used up. One look at a
	// sample that has jumped over several sizes uses all of them.
	Taken int
	// Reports and Failures are the evidence of the latest look. The same
	// evidence is never counted as another look.
	Reports, Failures int
	// Passed says that the latest look proved the floor.
	Passed bool
}

// LookSizes declares at how many matured reports promotion is judged. It
// depends on spec and audience size (devices) only, so it can be published
// before the first report; a sample size chosen after seeing results would void
// the confidence (gate D4.7).
//
// The first size is the smallest sample that can pass, one without failures,
// but at least MinReports. The last is the audience times MinCoverage, rounded
// up, but at least the first. The others are evenly spaced between. Sizes
// strictly increase; where they collide there are fewer looks than spec.Looks,
// each still tested at (1-Confidence)/Looks. With one look only the last size
// is used. The first size may exceed the audience: such a wave cannot pass, see
// [Reachable]. A smoke wave has exactly one size.
func LookSizes(spec Spec, audience int) []int {
	last := coveredReports(spec.MinCoverage, audience)
	if spec.Smoke != nil {
		return []int{max(last, spec.MinReports)}
	}
	first := max(RequiredReports(spec.Promote.FloorRate, spec.alphaPerLook(), 0), spec.MinReports)
	last = max(last, first)
	looks := spec.Promote.Looks
	if looks <= 1 || first == last {
		return []int{last}
	}
	sizes := make([]int, 0, looks)
	for i := range looks {
		step := float64(last-first) * float64(i) / float64(looks-1)
		size := first + int(math.Round(step))
		if len(sizes) == 0 || size > sizes[len(sizes)-1] {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// Reachable says whether an audience of at most maxDevices can ever pass: need
// is the smallest sample that could, proves the floor that maxDevices clean
// reports prove at the level of one look, ok whether maxDevices reaches need. A
// wave that is not reachable is refused before it starts. For a smoke wave,
// which proves no rate, need is MinReports and proves is 0.
func Reachable(spec Spec, maxDevices int) (need int, proves float64, ok bool) {
	if spec.Smoke != nil {
		return spec.MinReports, 0, maxDevices >= spec.MinReports
	}
	alpha := spec.alphaPerLook()
	need = max(RequiredReports(spec.Promote.FloorRate, alpha, 0), spec.MinReports)
	return need, ProvenFloor(maxDevices, alpha), maxDevices >= need
}

// coveredReports is share x devices, rounded up. The small allowance keeps a
// product such as 0.07 x 100 = 7.000000000000001 from asking for one more.
func coveredReports(share float64, devices int) int {
	return int(math.Ceil(share*float64(devices) - 1e-9))
}

// reached counts the declared sizes that a sample of n reports has come to.
func reached(sizes []int, n int) int {
	count := 0
	for count < len(sizes) && sizes[count] <= n {
		count++
	}
	return count
}

// nextSize is the first declared size that is neither used up nor reached, 0
// when there is none: the last look is open.
func nextSize(sizes []int, n, taken int) int {
	if i := max(reached(sizes, n), taken); i < len(sizes) {
		return sizes[i]
	}
	return 0
}

// due says whether n reports with k failures are to be judged now, and whether
// that judgement is a repetition of the latest look on unchanged evidence.
//
// Before the last declared size each size gives one look. The last look stays
// open: from there on any change of the evidence is judged again, at the same
// alpha. Without this a wave that misses its floor by one report, or whose one
// conflict is repaired, could never finish although the missing evidence comes
// in. The price: such further tries are not covered by dividing alpha. The
// total chance of a false pass stays below 1-Confidence with several looks at
// usual coverage, as those spend less than they may, but a single look over a
// large audience exceeds it: 0.068 instead of 0.05 for floor 0.95, coverage 0.90
// and 1,000 devices. TestOpenLastLookCost has the exact numbers. With MinCoverage
// 1 the audience holds no report beyond the last look, and the level is strict.
func due(sizes []int, n, k int, prev LookState) (judge, repeated bool) {
	if prev.Taken > 0 && n == prev.Reports && k == prev.Failures {
		return true, true
	}
	now := reached(sizes, n)
	return now > prev.Taken || now == len(sizes), false
}
