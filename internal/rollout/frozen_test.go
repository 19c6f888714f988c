// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// TestPromise10_FrozenTimeNeverBakes runs a wave through random orders of batches, refused and late group writes, pauses,
// suspensions of Tenant and policy, telemetry outages, refusals, exclusions, crashes between ledger and status, and weeks without an
// operator. Beside it a plain account adds up the time since the newest member was shown in which the last look had found nothing
// that stops the clocks. The bake is over exactly when that account reaches gate.bake: never sooner, and within a second of each
// freeze not later.
func TestPromise10_FrozenTimeNeverBakes(t *testing.T) {
	promoted, froze := 0, 0
	for seed := range uint64(200) {
		h := newFreezer(t, seed)
		for turn := 0; turn < 400 && h.wave.Status.Clocks.SucceededAt == nil; turn++ {
			h.turn()
		}
		if h.wave.Status.Clocks.SucceededAt != nil {
			promoted++
		}
		froze += h.freezes
	}
	if promoted < 100 || froze < 400 {
		t.Errorf("%d of 200 waves were promoted, %d freezes: the world does not move enough to show anything", promoted, froze)
	}
}

// freezer is the world of one wave that somebody disturbs, and the account of its bake.
type freezer struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	now  time.Time

	base   World
	wave   *v1alpha1.PilotWave
	ledger audience.Ledger
	// members are by id when the tenant shows them, gone whom the directory lost, excluded whom a person took out.
	members        map[audience.ID]time.Time
	gone, excluded map[audience.ID]bool
	read           time.Time // of the fleet
	// what is wrong now.
	paused, suspended, policySuspended, blind, down, refusing bool

	// the account: since the newest member was shown, how long nothing was frozen.
	newest  time.Time
	baked   time.Duration
	still   bool // by the last look
	freezes int
}

func newFreezer(t *testing.T, seed uint64) *freezer {
	h := &freezer{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 23)), base: aWorld(0), members: map[audience.ID]time.Time{},
		gone: map[audience.ID]bool{}, excluded: map[audience.ID]bool{}}
	h.now, h.wave = h.base.Now, h.base.Wave
	h.ledger = *h.base.Record()
	h.wave.Spec.Exposure.BatchSize = 13 // and one in the last, for whom everything may go wrong
	h.wave.Spec.Gate.Bake = metav1.Duration{Duration: 48 * time.Hour}
	h.wave.Spec.Gate.Deadline = metav1.Duration{Duration: 100_000 * time.Hour}
	h.wave.Status.Clocks.StartedAt, h.read = stamped(h.now), h.now
	p := h.base.Policy
	p.Generation, p.Status.ObservedGeneration = 1, 1
	p.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionSettingsResolved, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, ObservedGeneration: 1},
	}
	return h
}

// turn lets time pass, changes something now and then, and lets the operator look.
func (h *freezer) turn() {
	d := time.Duration(1+h.rng.IntN(7200)) * time.Second
	if h.rng.IntN(60) == 0 {
		d = time.Duration(1+h.rng.IntN(21*24)) * time.Hour
	}
	h.now = h.now.Add(d)
	if !h.still && !h.newest.IsZero() {
		h.baked += d
	}
	for i, wrong := range []*bool{&h.refusing, &h.paused, &h.suspended, &h.policySuspended, &h.blind, &h.down} {
		if *wrong && h.rng.IntN(4) == 0 && (i > 0 || h.rng.IntN(8) == 0) {
			*wrong = false
		} else if h.rng.IntN(15) == 0 {
			*wrong = true
		}
	}
	if asked := h.ledger.Exposed(); len(asked) > 0 && h.rng.IntN(15) == 0 {
		id := asked[len(asked)-1-h.rng.IntN(min(len(asked), 3))].ID // of the newest, who may not be shown yet
		if h.rng.IntN(2) == 0 {
			h.excluded[id] = true
		} else {
			h.gone[id] = true
		}
	}
	if h.down {
		return
	}
	if !h.blind {
		h.read = h.now
	}
	for range 6 { // a step that moved the wave is followed by the next at once
		if !h.look() {
			return
		}
	}
}

// world is what the operator sees now.
func (h *freezer) world() World {
	w := h.base
	w.Now, w.Wave = h.now, h.wave
	w.Wave.Spec.Paused = h.paused
	w.Policy, w.Tenant = w.Policy.DeepCopy(), w.Tenant.DeepCopy()
	w.Policy.Spec.Suspend, w.Tenant.Spec.Suspend = h.policySuspended, h.suspended
	w.Excluded, w.Ledger = h.excluded, readOf(&h.ledger)
	w.Members = map[audience.ID]bool{}
	for id, at := range h.members {
		w.Members[id] = !h.now.Before(at)
	}
	facts := map[audience.ID]diagnosis.Facts{}
	for i, id := range ids(40) {
		if !h.gone[id] {
			facts[id] = factsOf(good, i, h.read)
		}
	}
	w.Fleet = reading{asOf: h.read, facts: facts, statuses: []string{"allow"}}
	return w
}

// look is one reconcile; true asks for the next.
func (h *freezer) look() bool {
	w := h.world()
	if d, decided := DecideSafety(w.Safety()); decided {
		after := h.wave.DeepCopy()
		Advance(after, d, w.Target(), h.now)
		return h.store(after, d, w.Safety())
	}
	if learned := w.Learned(); learned != nil {
		h.ledger = *learned
		h.shown()
		if h.rng.IntN(3) == 0 {
			return false // killed before the status is written
		}
		w.Ledger = readOf(&h.ledger)
	}
	in, m, err := w.Situation()
	if err != nil {
		h.t.Fatal(err)
	}
	after := h.wave.DeepCopy()
	m.Record(&after.Status)
	h.compare(m)
	d := Decide(in)
	Advance(after, d, w.Target(), h.now)
	h.effect(d)
	return h.store(after, d, in)
}

// shown begins the account anew when the tenant has shown another member.
func (h *freezer) shown() {
	for _, e := range h.ledger.Entries {
		if at := e.ConfirmedAt.Time(); at.After(h.newest) {
			h.newest, h.baked = at, 0
		}
	}
}

// compare holds what the clocks say against the account.
func (h *freezer) compare(m Measured) {
	c := h.wave.Status.Clocks
	if c.SucceededAt != nil || !m.ExposedAll || h.newest.IsZero() {
		return
	}
	bake := h.wave.Spec.Gate.Bake.Duration
	slack := time.Duration(h.freezes+1) * time.Second
	if m.Timing.BakeElapsed && h.baked < bake {
		h.t.Fatalf("seed %d at %s: the bake of %s is over after %s: %s", h.seed, h.now, bake, h.baked, clocksText(c))
	}
	if !m.Timing.BakeElapsed && h.baked >= bake+slack {
		h.t.Fatalf("seed %d at %s: the bake of %s is not over after %s: %s", h.seed, h.now, bake, h.baked, clocksText(c))
	}
}

func (h *freezer) effect(d Decision) {
	switch d.Effect {
	case EffectExposeBatch:
		next, batch := h.ledger.Expose(int(h.wave.Spec.Exposure.BatchSize), h.now)
		h.ledger = next
		h.put(batch)
	case EffectRepairMembership:
		w := h.world()
		missing, _ := w.MemberDrift(w.CurrentAttempt())
		h.put(missing)
	case EffectExclude:
		var all []audience.ID
		for id := range h.excluded {
			all = append(all, id)
			delete(h.members, id)
		}
		h.ledger, _ = h.ledger.Exclude(all, h.now)
	}
}

// put is a write to the group: refused, or shown after a while.
func (h *freezer) put(list []audience.ID) {
	for _, id := range list {
		if !h.refusing && !h.gone[id] {
			h.members[id] = h.now.Add(time.Duration(h.rng.IntN(600)) * time.Second)
		}
	}
}

func (h *freezer) store(after *v1alpha1.PilotWave, d Decision, in Input) bool {
	moved := after.Status.Phase != h.wave.Status.Phase || d.Effect == EffectExclude
	h.wave = after
	was := h.still
	outage := in.Telemetry.State == TelemetryStale || in.Telemetry.State == TelemetryMissing
	held := after.Status.Phase == held && slices.Contains(outages, after.Status.HeldReason)
	h.still = h.paused || h.suspended || h.policySuspended || outage || held
	if h.still && !was {
		h.freezes++
	}
	return moved
}

func clocksText(c v1alpha1.Clocks) string {
	return fmt.Sprintf("shown %s, complete %s, frozen since %s, %d s of the bake", c.LastConfirmedAt, c.ExposureCompletedAt, c.FrozenSince, c.BakeFrozenSeconds)
}
