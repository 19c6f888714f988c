// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

const seeds = 10_000

func randomOptions(rng *rand.Rand) Options {
	return Options{
		Drift:               []v1alpha1.DriftAction{v1alpha1.DriftCorrect, v1alpha1.DriftCorrect, v1alpha1.DriftReport}[rng.IntN(3)],
		AllowSettingsUpdate: rng.IntN(3) > 0,
	}
}

// mustNotGrow fails when an action put a device under both policies.
func mustNotGrow(t *testing.T, seed int, a Action, before, after map[string]bool) {
	t.Helper()
	for device := range after {
		if !before[device] {
			t.Fatalf("seed %d: %s puts device %s under hold and allow", seed, a, device)
		}
	}
}

// TestPromise01_NoDeviceUnderBoth executes whole plans on random tenants and looks
// at every possible device after every action: no action adds a device to both
// policies, and where drift is corrected none remains there.
func TestPromise01_NoDeviceUnderBoth(t *testing.T) {
	started, moved := 0, 0
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		w, opt := randomWorld(rng), randomOptions(rng)
		plan := compare(w.desired, w.observe(), opt)
		before := w.conflicts()
		if len(before) > 0 {
			started++
		}
		for _, a := range plan.Actions {
			w.do(t, a, false)
			after := w.conflicts()
			mustNotGrow(t, seed, a, before, after)
			before = after
			moved++
		}
		holdUnknown := slices.ContainsFunc(plan.Actions, func(a Action) bool { return a.Kind == LookUp })
		if opt.Drift == v1alpha1.DriftCorrect && !holdUnknown && len(before) > 0 {
			t.Fatalf("seed %d: devices stay under both: %v\n%v", seed, before, plan)
		}
	}
	if started < seeds/20 || moved < seeds {
		t.Errorf("%d worlds began with a conflict and %d actions were taken: the test sees too little", started, moved)
	}
}

// TestPromise05_StepsWithLostAnswers executes one action per plan, as reconciles
// do, and loses one answer in four. P1 holds at each step, no policy is made
// twice, and the work comes to an end (P5, P10, P12).
func TestPromise05_StepsWithLostAnswers(t *testing.T) {
	const steps = 60
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 5))
		w, opt := randomWorld(rng), randomOptions(rng)
		before, last := w.conflicts(), Result{}
		n := 0
		for ; n < steps; n++ {
			last = compare(w.desired, w.observe(), opt)
			if len(last.Actions) == 0 {
				break
			}
			w.do(t, last.Actions[0], rng.IntN(4) == 0)
			after := w.conflicts()
			mustNotGrow(t, seed, last.Actions[0], before, after)
			before = after
		}
		if n == steps {
			t.Fatalf("seed %d: no end after %d steps, next %v", seed, steps, last.Actions)
		}
	}
}

// TestPromise12_Converges executes a plan and plans again until nothing is left:
// one plan is enough unless a look-up was needed, and then the tenant is as
// desired, with every foreign target in place.
func TestPromise12_Converges(t *testing.T) {
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 12))
		w, opt := randomWorld(rng), randomOptions(rng)
		foreign := foreignTargets(w)
		for round := 0; ; round++ {
			plan := compare(w.desired, w.observe(), opt)
			if len(plan.Actions) == 0 {
				break
			}
			if round == 3 {
				t.Fatalf("seed %d: round %d still plans %v", seed, round, plan.Actions)
			}
			lookedUp := false
			for _, a := range plan.Actions {
				w.do(t, a, false)
				lookedUp = lookedUp || a.Kind == LookUp
			}
			if again := compare(w.desired, w.observe(), opt); !lookedUp && len(again.Actions) > 0 {
				t.Fatalf("seed %d: after\n%v\nstill\n%v", seed, plan.Actions, again.Actions)
			}
		}
		if opt.Drift == v1alpha1.DriftCorrect && opt.AllowSettingsUpdate {
			asDesired(t, seed, w)
		}
		for k, want := range foreign {
			if got := w.policies[k].targets; w.policies[k].exists {
				for _, target := range want {
					if !slices.ContainsFunc(got, func(g Target) bool { return g.Kind == target.Kind && g.GroupID == target.GroupID }) {
						t.Fatalf("seed %d: foreign %s of %s is gone", seed, target, k)
					}
				}
			}
		}
	}
}

// foreignTargets are those that nobody would take for ours.
func foreignTargets(w *world) map[Key][]Target {
	out := map[Key][]Target{}
	for k, p := range w.policies {
		n := w.named[k]
		for _, target := range p.targets {
			ours := target.Kind == TargetInclude && n.include.has(target.GroupID) || target.Kind == TargetExclude &&
				(n.exclude.has(target.GroupID) || w.named[key(v1alpha1.RoleAllow, k.Platform)].include.has(target.GroupID))
			if !ours {
				out[k] = append(out[k], target)
			}
		}
	}
	return out
}

// asDesired holds a tenant that needs no more actions against the wishes.
func asDesired(t *testing.T, seed int, w *world) {
	t.Helper()
	wanted := map[Key]bool{}
	for _, d := range w.desired {
		wanted[d.Key] = true
		p := w.policies[d.Key]
		if !p.exists || !p.settings || !p.nameOK {
			t.Fatalf("seed %d: %s is %+v", seed, d.Key, *p)
		}
		for device := range 1 << len(universe) {
			got := p.reaches(device, func(t Target) bool {
				return t.Kind == TargetInclude && w.named[d.Key].include.has(t.GroupID)
			})
			if got != w.wants(d, device) {
				t.Fatalf("seed %d: device %06b of %s: targeted %v, by %v, desired %+v", seed, device, d.Key, got, p.targets, d)
			}
		}
	}
	for k, p := range w.policies {
		if p.exists && !wanted[k] {
			t.Fatalf("seed %d: %s is not desired and stays", seed, k)
		}
	}
}

// wants says whether d is to reach a device, given what foreign targets exclude.
func (w *world) wants(d Desired, device int) bool {
	member := func(id string) bool { return device&(1<<slices.Index(universe, id)) != 0 }
	for _, t := range w.policies[d.Key].targets {
		forP1 := d.Role == v1alpha1.RoleHold && w.allowIncludes(d.Platform).has(t.GroupID)
		foreign := !w.named[d.Key].exclude.has(t.GroupID)
		if t.Kind == TargetExclude && member(t.GroupID) && (forP1 || foreign) {
			return false
		}
	}
	if slices.ContainsFunc(d.Exclude, member) {
		return false
	}
	return slices.ContainsFunc(d.Include, member)
}

func (w *world) allowIncludes(platform v1alpha1.Platform) set {
	for _, d := range w.desired {
		if d.Key == key(v1alpha1.RoleAllow, platform) {
			return newSet(d.Include)
		}
	}
	return nil
}

// TestPromise12_OrderOfInputDoesNotMatter holds the plan against a shuffled input.
func TestPromise12_OrderOfInputDoesNotMatter(t *testing.T) {
	for seed := range 1000 {
		rng := rand.New(rand.NewPCG(uint64(seed), 13))
		w, opt := randomWorld(rng), randomOptions(rng)
		observed := w.observe()
		want := compare(w.desired, observed, opt)
		desired := slices.Clone(w.desired)
		slices.Reverse(desired)
		slices.Reverse(observed)
		for i := range desired {
			desired[i].Include, desired[i].Exclude = slices.Clone(desired[i].Include), slices.Clone(desired[i].Exclude)
			slices.Reverse(desired[i].Include)
			slices.Reverse(desired[i].Exclude)
		}
		if diff := cmp.Diff(want, compare(desired, observed, opt)); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
	}
}

// TestPromise07_DeleteOrder removes everything from random tenants: P1 holds at
// each step and nothing of ours is left after a second plan.
func TestPromise07_DeleteOrder(t *testing.T) {
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		w := randomWorld(rng)
		if got := BuildDelete(w.observe(), v1alpha1.DeletionOrphan); len(got) > 0 {
			t.Fatalf("seed %d: Orphan plans %v", seed, got)
		}
		before := w.conflicts()
		for range 2 {
			for _, a := range BuildDelete(w.observe(), v1alpha1.DeletionDelete) {
				w.do(t, a, false)
				after := w.conflicts()
				mustNotGrow(t, seed, a, before, after)
				before = after
			}
		}
		for k, p := range w.policies {
			if p.exists {
				t.Fatalf("seed %d: %s stays: %+v", seed, k, *p)
			}
		}
	}
}

// TestActionsCarryTheirOrigin: who sends an action finds in it what is wanted and what was seen, and looks nothing up.
func TestActionsCarryTheirOrigin(t *testing.T) {
	for seed := range 1000 {
		rng := rand.New(rand.NewPCG(uint64(seed), 17))
		w, opt := randomWorld(rng), randomOptions(rng)
		actions := slices.Concat(compare(w.desired, w.observe(), opt).Actions, BuildDelete(w.observe(), v1alpha1.DeletionDelete))
		for _, a := range actions {
			writes := a.Kind == Create || a.Kind == Replace || a.Kind == Rename || a.Kind == Assign
			if writes && (a.Desired == nil || a.Desired.Key != a.Key) {
				t.Errorf("seed %d: %s is not told what is wanted: %+v", seed, a, a.Desired)
			}
			if a.ID != "" && (a.Observed == nil || a.Observed.Key != a.Key || a.Observed.ID != a.ID) || a.Observed == nil && w.policies[a.Key].known {
				t.Errorf("seed %d: %s is not told what was seen: %+v", seed, a, a.Observed)
			}
		}
	}
}
