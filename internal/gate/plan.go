// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"slices"
	"sort"
)

const (
	// finalLooks is into how many looks the final stretch is divided at most.
	finalLooks = 200
	// largestExact is the largest audience whose level is calibrated by recursion. Beyond it there are so many reports
	// that dividing the error rate costs nothing, and the looks of the final stretch are few.
	largestExact = 20_000
	coarseLooks  = 10
	// powerLoss is how much of the best possible chance to pass a plan may give up for passing earlier.
	powerLoss = 0.01
	// powerRatio: plans are compared by a payload that fails so much more seldom than the floor allows, 0.99 at 0.95.
	powerRatio = 5
)

// shapes are tried in this order: the later, the less is spent on looks before the end; the last one spends nothing.
var shapes = []float64{0, 1, 2, 4, 8, 16, 1e6}

// Plan says before the first report of an attempt at how many reports its proof is tried and how many failures each try
// allows. Over the whole plan, at whatever moments it is asked, a payload at the floor passes with a chance of at most
// 1-Confidence (P15, gate D4.7): a sample between two looks is judged by the earlier one, so that it passes only if that
// one would have passed.
//
// A plan is a function of the gate and of the audience it was made for. Both have to be those of the start of the
// attempt: a plan that is made again after evidence was seen voids the level. The zero value has no look.
type Plan struct {
	// Audience is the number of devices the plan was made for.
	Audience int
	// Start is the number of reports from which on every further one is a look.
	Start int
	// Alpha is the level of each look from Start on, Shape how much lower that of earlier ones is: a look at n reports
	// has Alpha x (n/Start)^Shape.
	Alpha, Shape float64

	spec Spec
	// sizes are the numbers of reports at which the proof is tried, ascending; looks are those that allow more failures
	// than the one before, ascending in both.
	sizes []int
	looks []judgement
}

// NewPlan makes the plan of an attempt of so many devices. Of the plans of at most Looks looks, the last of which is
// repeated at each further report, it takes the one that begins the last one earliest among those that lose at most
// powerLoss of the best chance that any rule of this level has. A smoke wave has no looks: it proves no rate.
func NewPlan(spec Spec, audience int) Plan {
	if spec.Smoke != nil || spec.Validate() != nil || audience < spec.firstLook() {
		return Plan{Audience: audience, spec: spec}
	}
	if audience > largestExact {
		return dividedPlan(spec, audience)
	}
	good := 1 - (1-spec.Promote.FloorRate)/powerRatio
	enough := bestChance(audience, spec.Promote.FloorRate, spec.alpha(), good) - powerLoss
	var best Plan
	power := -1.0
	for _, start := range starts(spec, audience) {
		for _, shape := range shapes[:min(len(shapes), 1+(spec.Promote.Looks-1)*len(shapes))] {
			p := calibrated(spec, audience, start, shape)
			if chance := p.PassChance(good); chance > power {
				best, power = p, chance
			}
			if power >= enough {
				return best
			}
		}
	}
	return best
}

// starts are the sample sizes from which every further report may be a look: what MinCoverage asks for, and beyond it each
// size that allows one failure more than the one before, for between them nothing is gained by waiting.
func starts(spec Spec, audience int) []int {
	covered := spec.covered(audience)
	out := []int{covered}
	limit := spec.allows(-1, covered, spec.alpha())
	for n := covered + 1; n <= audience; n++ {
		if more := spec.allows(limit, n, spec.alpha()); more > limit {
			limit, out = more, append(out, n)
		}
	}
	return out
}

// RestorePlan is the plan that [NewPlan] once made for this gate, from what was kept of it.
func RestorePlan(spec Spec, audience, start int, alpha, shape float64) Plan {
	p := Plan{Audience: audience, Start: start, Alpha: alpha, Shape: shape, spec: spec}
	if spec.Smoke == nil && spec.Validate() == nil && audience >= spec.firstLook() {
		p.sizes = lookSizes(spec, audience, start)
		p.judge()
	}
	return p
}

// calibrated is the plan of that start and shape with the largest Alpha that keeps the level.
func calibrated(spec Spec, audience, start int, shape float64) Plan {
	level, floor := spec.alpha(), spec.Promote.FloorRate
	p := RestorePlan(spec, audience, start, level, shape)
	if passChance(p.looks, floor) <= level {
		return p
	}
	low, high := 0.0, level // low keeps the level, high does not
	p = RestorePlan(spec, audience, start, low, shape)
	for range 24 {
		mid := (low + high) / 2
		if q := RestorePlan(spec, audience, start, mid, shape); passChance(q.looks, floor) <= level {
			low, p = mid, q
		} else {
			high = mid
		}
	}
	return p
}

// dividedPlan spends the error rate in equal parts, or all of it on the whole audience where a part would prove nothing.
func dividedPlan(spec Spec, audience int) Plan {
	start := spec.covered(audience)
	p := RestorePlan(spec, audience, start, spec.alpha()/float64(len(lookSizes(spec, audience, start))), 0)
	if p.Reachable() {
		return p
	}
	return RestorePlan(spec, audience, audience, spec.alpha(), shapes[len(shapes)-1])
}

// lookSizes are the numbers of reports at which the proof may be tried, ascending: Looks-1 from the first sample that
// could pass if the error rate were divided, evenly spaced, and from start each further report, or every few of them, up
// to the whole audience. No size depends on an outcome.
func lookSizes(spec Spec, audience, start int) []int {
	early := spec.Promote.Looks - 1
	first := min(max(RequiredReports(spec.Promote.FloorRate, spec.alpha()/float64(early+1), 0), spec.MinReports), start)
	var sizes []int
	for i := range early {
		sizes = append(sizes, first+int(math.Round(float64(start-first)*float64(i)/float64(early))))
	}
	most := finalLooks
	if audience > largestExact {
		most = coarseLooks
	}
	step := max(1, (audience-start+most-1)/most)
	for n := start; n < audience; n += step {
		sizes = append(sizes, n)
	}
	return slices.Compact(append(sizes, audience))
}

// judge gives each size the most failures that its level allows. A size that allows no more than the one before is no
// look: whatever would pass there has passed.
func (p *Plan) judge() {
	limit := -1
	for _, n := range p.sizes {
		if more := p.spec.allows(limit, n, p.level(n)); more > limit {
			limit = more
			p.looks = append(p.looks, judgement{n, limit})
		}
	}
}

// allows is the most failures, at least limit, with which n reports prove the floor at that level.
func (s Spec) allows(limit, n int, level float64) int {
	for limit < n && proves(n, limit+1, s.Promote.FloorRate, level) {
		limit++
	}
	return limit
}

func (p Plan) level(reports int) float64 {
	return p.Alpha * math.Pow(min(1, float64(reports)/float64(p.Start)), p.Shape)
}

// covered is the smallest number of reports that MinCoverage, MinReports and the floor let pass.
func (s Spec) covered(audience int) int {
	return min(max(coveredReports(s.MinCoverage, audience), s.firstLook()), audience)
}

// coveredReports is share x devices, rounded up. The small allowance keeps a product such as 0.07 x 100 =
// 7.000000000000001 from asking for one more.
func coveredReports(share float64, devices int) int {
	return int(math.Ceil(share*float64(devices) - 1e-9))
}

// PassChance is the exact chance that a payload with that success rate passes if every device of the audience reports.
func (p Plan) PassChance(success float64) float64 { return passChance(p.looks, success) }

// Reachable says that some sample of the audience can pass.
func (p Plan) Reachable() bool { return len(p.looks) > 0 }

// at is the try by which so many reports are judged, nil before the first that any sample could pass.
func (p Plan) at(reports int) *judgement {
	look := sort.Search(len(p.looks), func(i int) bool { return p.looks[i].reports > reports })
	if look == 0 {
		return nil
	}
	size, _ := slices.BinarySearch(p.sizes, reports+1)
	return &judgement{p.sizes[size-1], p.looks[look-1].limit}
}

// next is the number of reports from which on more failures pass than at so many, 0 when there is none.
func (p Plan) next(reports int) int {
	i := sort.Search(len(p.looks), func(i int) bool { return p.looks[i].reports > reports })
	if i == len(p.looks) {
		return 0
	}
	return p.looks[i].reports
}

// need is the number of reports at which k failures pass, [Unprovable] when at none.
func (p Plan) need(k int) int {
	i := sort.Search(len(p.looks), func(i int) bool { return p.looks[i].limit >= k })
	if i == len(p.looks) {
		return Unprovable
	}
	return p.looks[i].reports
}

// Deadline is the most failures that pass when the deadline finds so many reports and no more are waited for; -1 when
// nothing passes. It spends what the looks up to here have left of the level, so that it may be asked once in an attempt,
// at a moment that does not depend on the outcomes, and no look of the plan counts afterwards.
func (p Plan) Deadline(reports int) int {
	if !p.Covers(reports) {
		return -1
	}
	w := newWalk(p.spec.Promote.FloorRate)
	for _, l := range p.looks {
		if l.reports > reports {
			break
		}
		w.to(l.reports)
		w.stop(l.limit)
	}
	w.to(reports)
	limit := -1
	if l := p.at(reports); l != nil {
		limit = l.limit
	}
	for limit < reports && w.passed+w.atMost(limit+1) <= p.spec.alpha() {
		limit++
	}
	return limit
}

// bestChance is the chance to pass of the most powerful rule of that level that sees all reports (Neyman and Pearson): no
// rule that looks earlier has more.
func bestChance(audience int, floor, alpha, success float64) float64 {
	limit := -1
	for failuresAtMost(audience, limit+1, floor) <= alpha {
		limit++
	}
	spent, power := 0.0, 0.0
	if limit >= 0 {
		spent, power = failuresAtMost(audience, limit, floor), failuresAtMost(audience, limit, success)
	}
	return power + (alpha-spent)/exactly(audience, limit+1, floor)*exactly(audience, limit+1, success)
}

// Reachable says whether an audience of at most maxDevices can ever pass: need
// is the smallest sample that could, proves the floor that maxDevices clean
// reports prove, ok whether maxDevices reaches need. A wave that is not
// reachable is refused before it starts. For a smoke wave, which proves no rate,
// need is MinReports and proves is 0.
func Reachable(spec Spec, maxDevices int) (need int, proves float64, ok bool) {
	if spec.Smoke != nil {
		return spec.MinReports, 0, maxDevices >= spec.MinReports
	}
	need = spec.firstLook()
	return need, ProvenFloor(maxDevices, spec.alpha()), maxDevices >= need
}

// Covers says that so many reports are enough for a try at the deadline.
func (p Plan) Covers(reports int) bool {
	return p.Reachable() && reports >= p.spec.covered(p.Audience)
}
