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
	// settled is the reading of the fleet in which a growing audience, by that hash of its spec, had no joiners.
	settled time.Time
	spec    string
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
