// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/rollout"
)

// Memo remembers for a while what was read of the groups of waves, so that a wave that is looked at often does not read them
// each time. It is lost with the process, and then they are read again. The nil Memo remembers nothing.
type Memo struct {
	mu    sync.Mutex
	waves map[types.UID]*remembered
}

type remembered struct {
	// excluded are whom the groups of key exclude, as read at readAt; named is when these groups were read for the first time.
	key           string
	excluded      map[audience.ID]bool
	readAt, named time.Time
	// lists counts the lists of the excluded that differed from the one before.
	lists int
	// settled is the reading of the fleet in which a growing audience, by that hash of its spec, had no joiners: when devices
	// were read, and what makes them eligible.
	settled [2]time.Time
	spec    string
	// groups are those of attempts, by their numbers, that were seen as they should be.
	groups map[int32]settledGroup
}

// settledGroup is when the group of an attempt was read, beside which ledger and which list of the excluded.
type settledGroup struct {
	readAt time.Time
	ledger string
	list   int
}

// NewMemo makes an empty memo.
func NewMemo() *Memo { return &Memo{waves: map[types.UID]*remembered{}} }

func (m *Memo) of(w *v1alpha1.PilotWave) *remembered {
	r := m.waves[w.UID]
	if r == nil {
		r = &remembered{}
		m.waves[w.UID] = r
	}
	return r
}

// exclusions gives whom the groups of key exclude, if that was read less than an interval ago. A list that was read when spec had
// just named its groups may be older than what a person did before that edit: it is relied on for MemberLag only.
func (m *Memo) exclusions(world *rollout.World, key string) (map[audience.ID]bool, bool) {
	if m == nil {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	age := world.Now.Sub(r.readAt)
	return r.excluded, r.excluded != nil && r.key == key && age >= 0 && age < r.lasts(world)
}

// lasts is how long the list of the excluded is relied on.
func (r *remembered) lasts(world *rollout.World) time.Duration {
	if r.readAt.Sub(r.named) < world.MemberLag {
		return min(world.MemberLag, interval(world))
	}
	return interval(world)
}

// excludedNow says that the list of the excluded was read for this look.
func (m *Memo) excludedNow(world *rollout.World) bool {
	if m == nil {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(world.Wave).readAt.Equal(world.Now)
}

func (m *Memo) keepExclusions(world *rollout.World, key string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	if r.excluded == nil || r.key != key {
		r.named = world.Now
	}
	if r.excluded == nil || !maps.Equal(r.excluded, world.Excluded) {
		r.lists++
	}
	r.key, r.excluded, r.readAt = key, world.Excluded, world.Now
}

// Forget drops what is remembered of a wave that is gone.
func (m *Memo) Forget(uid types.UID) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.waves, uid)
}

func (m *Memo) forget(w *v1alpha1.PilotWave) { m.Forget(w.UID) }

// hasSettled says that this reading of the fleet was looked at for joiners already, and had none.
func (m *Memo) hasSettled(world *rollout.World) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	return r.settled == readingOf(world) && r.spec == rollout.AudienceHash(&world.Wave.Spec.Audience)
}

func (m *Memo) settle(world *rollout.World) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	r.settled, r.spec = readingOf(world), rollout.AudienceHash(&world.Wave.Spec.Audience)
}

func readingOf(world *rollout.World) [2]time.Time {
	return [2]time.Time{world.Fleet.AsOf(), world.Fleet.EligibleAsOf()}
}

// hasSettledGroup says that the group of an attempt was read less than an interval ago and was as it should be, by the ledger and
// the exclusions that are known now.
func (m *Memo) hasSettledGroup(world *rollout.World, a *v1alpha1.WaveAttempt) bool {
	if m == nil || world.Excluded == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	g, known := r.groups[a.Attempt]
	age := world.Now.Sub(g.readAt)
	return known && g.ledger == digestOf(a) && g.list == r.lists && age >= 0 && age < interval(world)
}

func (m *Memo) settleGroup(world *rollout.World, a *v1alpha1.WaveAttempt) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	if r.groups == nil {
		r.groups = map[int32]settledGroup{}
	}
	r.groups[a.Attempt] = settledGroup{readAt: world.Now, ledger: digestOf(a), list: r.lists}
}

// digestOf identifies the ledger that the status binds for an attempt.
func digestOf(a *v1alpha1.WaveAttempt) string {
	if a.Ledger == nil {
		return ""
	}
	return a.Ledger.Digest
}

// Again is how long until something of what was remembered for this look has to be read again, for a wave that sleeps longer; 0 when
// nothing was. Without it a wave that is woken now and then would see a departure later than an interval (P14).
func (m *Memo) Again(world *rollout.World) time.Duration {
	if m == nil || world.Policy == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, rest := m.of(world.Wave), max(rollout.Idle, interval(world))
	var due []time.Time
	if lasts := r.lasts(world); world.Excluded != nil && len(exclusions(world)) > 0 {
		if lasts == interval(world) {
			lasts = rest
		}
		due = append(due, r.readAt.Add(lasts))
	}
	for _, a := range append(world.StandingEarlier(), world.CurrentAttempt()) {
		if a.Group.Settled {
			due = append(due, r.groups[a.Entry.Attempt].readAt.Add(rest))
		}
	}
	if len(due) == 0 {
		return 0
	}
	return max(time.Second, slices.MinFunc(due, time.Time.Compare).Sub(world.Now))
}
