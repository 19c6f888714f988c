// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// TestPromise13_OnlyARevertTakes runs random histories of asks, catalogs, waves, withdrawals, deletions, losses of knowledge
// and time through Next. Beside it stands a tenant that knows nothing of states: devices are in groups, and what they have
// is the latest revision of these that still includes its group.
func TestPromise13_OnlyARevertTakes(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(600) {
		w := &random{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 8)), seen: seen, pins: map[int32][]v1alpha1.PinnedPayload{}, devices: map[int][]int{}}
		w.in = Input{Mode: v1alpha1.ModeGate, RevertWindow: []time.Duration{0, 24 * time.Hour, window}[w.rng.IntN(3)], Now: start}
		if w.rng.IntN(4) == 0 {
			w.in.Mode = v1alpha1.ModeEnforceOnly
		}
		for range 60 {
			w.move()
			w.look()
		}
	}
	for _, what := range []string{"minted", "stable", "reverted with devices", "returned", "retired", "removed", "waiting", "superseded", "taken"} {
		if seen[what] < 50 {
			t.Errorf("%s was seen %d times only: the histories are too tame (%v)", what, seen[what], seen)
		}
	}
}

type random struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	in      Input
	seen    map[string]int
	pins    map[int32][]v1alpha1.PinnedPayload
	devices map[int][]int // device → indexes of groups, each wave·100 + attempt
	catalog int
	last    int32
}

// move lets one thing happen in the world.
func (w *random) move() {
	switch w.rng.IntN(12) {
	case 0, 1:
		w.in.Ask = fmt.Sprint("ask", w.rng.IntN(3))
	case 2:
		w.catalog = w.rng.IntN(3)
	case 3:
		w.in.Take = true
	case 4:
		w.in.Now = w.in.Now.Add(time.Duration(w.rng.IntN(400)) * time.Hour)
	case 5:
		w.addWave()
	case 6:
		w.dropWave()
	default:
		for range 3 * len(w.in.Waves) {
			w.advance(&w.in.Waves[w.rng.IntN(len(w.in.Waves))])
		}
	}
}

func (w *random) addWave() {
	if len(w.in.Waves) < 3 {
		n := w.rng.IntN(1 << 20)
		w.in.Waves = append(w.in.Waves, Wave{Name: fmt.Sprint("w", n), UID: fmt.Sprint(n), Phase: v1alpha1.PhasePending})
	}
}

// dropWave marks a wave for deletion; it goes when its groups are withdrawn.
func (w *random) dropWave() {
	if len(w.in.Waves) > 0 && w.rng.IntN(3) == 0 {
		wave := &w.in.Waves[w.rng.IntN(len(w.in.Waves))]
		wave.Deleting = true
		for i := range wave.Attempts {
			wave.Attempts[i].Withdrawn = true
		}
	}
	w.in.Waves = slices.DeleteFunc(w.in.Waves, func(x Wave) bool {
		return x.Deleting && !slices.ContainsFunc(x.Attempts, func(a Attempt) bool { return a.active() })
	})
}

// advance lets a wave, or the policy for it, do its next thing.
func (w *random) advance(v *Wave) {
	target := Target(w.in.Revisions)
	for i := range v.Attempts { // the policy follows what was decided
		a := &v.Attempts[i]
		if (a.Withdrawn || TakenBack(w.in.Revisions, a.Revision)) && a.State != v1alpha1.Withdrawn && w.rng.IntN(2) == 0 {
			a.State = v1alpha1.Withdrawn
		}
	}
	if target == nil || v.Deleting {
		return
	}
	if v.Revision != target.Number {
		w.newAttempt(v, target)
		return
	}
	a := &v.Attempts[len(v.Attempts)-1]
	switch {
	case a.Withdrawn || a.State == v1alpha1.Withdrawn:
		v.Phase = v1alpha1.PhaseRolledBack
		if w.rng.IntN(2) == 0 {
			w.newAttempt(v, target)
		}
	case a.State == "":
		a.State = v1alpha1.Admitting
	case a.State == v1alpha1.Admitting:
		a.State = v1alpha1.Admitted
	case w.rng.IntN(20) == 0:
		v.Phase, a.Withdrawn = v1alpha1.PhaseRollingBack, true
	case v.Phase == v1alpha1.PhaseSucceeded || w.rng.IntN(3) == 0:
		v.Phase, a.Succeeded = v1alpha1.PhaseSucceeded, true
	default:
		w.expose(v, a)
	}
}

// newAttempt begins anew on the target, or goes on with an attempt of it that still stands.
func (w *random) newAttempt(v *Wave, target *v1alpha1.RevisionStatus) {
	for _, a := range v.Attempts {
		if a.Revision == target.Number && a.Succeeded && !a.Withdrawn && a.State == v1alpha1.Admitted {
			v.Revision, v.PayloadHash, v.Attempt, v.Phase = target.Number, target.PayloadHash, a.Attempt, v1alpha1.PhaseSucceeded
			v.Attempts = slices.DeleteFunc(v.Attempts, func(b Attempt) bool { return b.Attempt > a.Attempt && !b.active() })
			if v.Attempts[len(v.Attempts)-1].Attempt != a.Attempt {
				v.Revision = 0 // later attempts are not withdrawn yet: nothing to go on with
			}
			return
		}
	}
	if w.rng.IntN(2) == 0 {
		v.Attempts = slices.DeleteFunc(v.Attempts, func(b Attempt) bool { return !b.active() }) // old groups go at last
	}
	v.Attempt++
	for _, a := range v.Attempts {
		v.Attempt = max(v.Attempt, a.Attempt+1)
	}
	v.Revision, v.PayloadHash, v.Phase = target.Number, target.PayloadHash, v1alpha1.PhaseExposing
	v.Attempts = append(v.Attempts, Attempt{Attempt: v.Attempt, Revision: target.Number, GroupID: fmt.Sprint(v.Name, v.Attempt), ExposedKnown: true})
}

// expose adds a device of the wave's own to the group.
func (w *random) expose(v *Wave, a *Attempt) {
	device := int(v.UID[0])*10 + w.rng.IntN(5)
	key := w.key(v, a)
	if !slices.Contains(w.devices[device], key) {
		w.devices[device] = append(w.devices[device], key)
		a.Exposed++
	}
}

func (w *random) key(v *Wave, a *Attempt) int {
	n := 0
	for _, r := range v.UID {
		n = n*10 + int(r-'0')
	}
	return n*1000 + int(a.Attempt)
}

// has is what each device has under a list of revisions: the newest one whose group is still in its include.
func (w *random) has(list []v1alpha1.RevisionStatus) map[int]int32 {
	by := map[int]int32{}
	for i := range w.in.Waves {
		v := &w.in.Waves[i]
		for j := range v.Attempts {
			if a := &v.Attempts[j]; a.active() && !a.Withdrawn && ByNumber(list, a.Revision) != nil && !TakenBack(list, a.Revision) {
				by[w.key(v, a)] = a.Revision
			}
		}
	}
	out := map[int]int32{}
	for device, groups := range w.devices {
		for _, g := range groups {
			out[device] = max(out[device], by[g])
		}
	}
	return out
}

// look decides, and holds the decision against the world.
func (w *random) look() {
	t := w.t
	if w.in.Ask == "" {
		return
	}
	w.in.Resolution = nil
	if w.rng.IntN(4) > 0 {
		w.in.Resolution = resolution(fmt.Sprint(w.in.Ask, " in catalog ", w.catalog))
	}
	before := w.has(w.in.Revisions)
	w.count(before)
	res := Next(w.in)
	w.note(res, before)
	w.states(res)
	w.content(res)

	after := w.has(res.Revisions)
	for device, r := range before {
		if after[device] < r && !slices.Contains(res.Reverted, r) {
			t.Fatalf("seed %d: device %d had %s and has %s, reverted are %v\nbefore %s\nafter  %s", w.seed, device, Name(r), Name(after[device]), res.Reverted,
				words(w.in.Revisions), words(res.Revisions))
		}
	}
	again := w.in
	again.Revisions, again.LastRevision, again.Take = res.Revisions, res.LastRevision, w.in.Take && !res.TakeHandled
	second := Next(again)
	if !reflect.DeepEqual(res.Revisions, second.Revisions) {
		t.Fatalf("seed %d: the second look changes something:\n%s", w.seed, cmp.Diff(res.Revisions, second.Revisions))
	}
	again.Revisions = slices.Clone(again.Revisions)
	if slices.Reverse(again.Revisions); !reflect.DeepEqual(Next(again), second) {
		t.Fatalf("seed %d: the order of the list matters", w.seed)
	}
	w.in.Revisions, w.in.LastRevision, w.in.Take = res.Revisions, res.LastRevision, again.Take
	w.in.Objects = nil
	for _, r := range res.Revisions {
		if r.State != v1alpha1.RevisionRetired || w.rng.IntN(2) == 0 {
			w.in.Objects = append(w.in.Objects, r.Number)
		}
	}
}

// count is what the policy knows of devices, and sometimes it does not.
func (w *random) count(has map[int]int32) {
	w.in.Devices = map[int32]int32{}
	for i := range w.in.Revisions {
		if w.rng.IntN(10) > 0 {
			w.in.Devices[w.in.Revisions[i].Number] = 0
		}
	}
	for _, r := range has {
		if _, ok := w.in.Devices[r]; ok {
			w.in.Devices[r]++
		}
	}
}

func (w *random) note(res Result, has map[int]int32) {
	add := func(what string, when bool) {
		if when {
			w.seen[what]++
		}
	}
	add("minted", res.Minted > 0)
	add("stable", res.BecameStable > 0)
	add("returned", res.ReturnedTo > 0)
	add("retired", len(res.Retired) > 0)
	add("removed", len(res.Removed) > 0)
	add("superseded", len(res.Superseded) > 0)
	add("waiting", res.Waiting != nil && res.Waiting.Reason == v1alpha1.ReasonPayloadWaiting)
	add("taken", res.TakeHandled && res.Minted > 0)
	for _, r := range has {
		if slices.Contains(res.Reverted, r) {
			w.seen["reverted with devices"]++
			return
		}
	}
}

// states says how many revisions may be where.
func (w *random) states(res Result) {
	count, kept := map[v1alpha1.RevisionState]int{}, 0
	for i := range res.Revisions {
		r := &res.Revisions[i]
		count[r.State]++
		if r.State != v1alpha1.RevisionSuperseded {
			continue
		}
		if r.StableAt == nil {
			count["superseded candidate"]++
		} else if r.RevertUntil != nil && w.in.Now.Before(r.RevertUntil.Time) {
			kept++
		}
	}
	base := 0
	if w.in.Mode == v1alpha1.ModeGate {
		base = 1
	}
	minted := res.LastRevision > 0
	if count[v1alpha1.RevisionCandidate] > 1 || count[v1alpha1.RevisionStable] > 1 || kept > 1 || minted && count[v1alpha1.RevisionBaseline] != base {
		w.t.Fatalf("seed %d: %s", w.seed, words(res.Revisions))
	}
	stable := Stable(res.Revisions)
	above := 0
	for i := range res.Revisions {
		r := &res.Revisions[i]
		if r.State == v1alpha1.RevisionSuperseded && r.StableAt == nil && (stable == nil || r.Number > stable.Number) {
			above++
		}
	}
	if above > 1 {
		w.t.Fatalf("seed %d: more than one superseded candidate: %s", w.seed, words(res.Revisions))
	}
	if minted && res.Target == nil {
		w.t.Fatalf("seed %d: no target: %s", w.seed, words(res.Revisions))
	}
}

// content says that numbers only grow, and that what one means never changes nor disappears beneath a device.
func (w *random) content(res Result) {
	if res.LastRevision < w.last || res.Minted > 0 && res.Minted <= w.last {
		w.t.Fatalf("seed %d: number %d after %d", w.seed, res.Minted, w.last)
	}
	w.last = res.LastRevision
	for i := range res.Revisions {
		r := &res.Revisions[i]
		if old, ok := w.pins[r.Number]; ok && !reflect.DeepEqual(old, r.Payloads) || r.PayloadHash != settings.HashPinned(r.Payloads) {
			w.t.Fatalf("seed %d: %s changed: %v, was %v", w.seed, Name(r.Number), r.Payloads, old)
		}
		w.pins[r.Number] = r.Payloads
	}
	if w.in.Resolution != nil && res.Waiting == nil && !w.in.Take && res.Target.SettingsHash != w.in.Ask {
		w.t.Fatalf("seed %d: the ask is not the target, and nothing says why", w.seed)
	}
}

func words(list []v1alpha1.RevisionStatus) string {
	out := ""
	for _, r := range list {
		out += fmt.Sprintf("%s %s (%s); ", Name(r.Number), r.State, r.SettingsHash)
	}
	return out
}
