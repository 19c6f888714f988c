// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
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
	key      string
	excluded map[audience.ID]bool
	readAt   time.Time
	// reading counts how often the excluded were read.
	reading int
	// settled is the reading of the fleet in which a growing audience, by that hash of its spec, had no joiners.
	settled time.Time
	spec    string
	// groups are those of earlier attempts, by their numbers, that were seen as they should be.
	groups map[int32]settledGroup
}

// settledGroup is when the group of an attempt was read, beside which ledger and which reading of the excluded.
type settledGroup struct {
	readAt  time.Time
	ledger  string
	reading int
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

// exclusions gives whom the groups of key exclude, if that was read less than an interval ago.
func (m *Memo) exclusions(world *rollout.World, key string) (map[audience.ID]bool, bool) {
	if m == nil {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	age := world.Now.Sub(r.readAt)
	return r.excluded, r.excluded != nil && r.key == key && age >= 0 && age < interval(world)
}

func (m *Memo) keepExclusions(world *rollout.World, key string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	r.key, r.excluded, r.readAt, r.reading = key, world.Excluded, world.Now, r.reading+1
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
	return r.settled.Equal(world.Fleet.AsOf()) && r.spec == rollout.AudienceHash(&world.Wave.Spec.Audience)
}

func (m *Memo) settle(world *rollout.World) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	r.settled, r.spec = world.Fleet.AsOf(), rollout.AudienceHash(&world.Wave.Spec.Audience)
}

// hasSettledGroup says that the group of an earlier attempt was read less than an interval ago and was as it should be, by the
// ledger and the exclusions that are known now.
func (m *Memo) hasSettledGroup(world *rollout.World, a *v1alpha1.WaveAttempt) bool {
	if m == nil || world.Excluded == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(world.Wave)
	g, known := r.groups[a.Attempt]
	age := world.Now.Sub(g.readAt)
	return known && g.ledger == digestOf(a) && g.reading == r.reading && age >= 0 && age < interval(world)
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
	r.groups[a.Attempt] = settledGroup{readAt: world.Now, ledger: digestOf(a), reading: r.reading}
}

// digestOf identifies the ledger that the status binds for an attempt.
func digestOf(a *v1alpha1.WaveAttempt) string {
	if a.Ledger == nil {
		return ""
	}
	return a.Ledger.Digest
}
