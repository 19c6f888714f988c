// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/room"
)

// Store holds the Graph client and the newest inventory of each Tenant, by its namespaced name. The Tenant controller
// writes it, the others read; a status write on the Tenant tells them when to look again. It is safe for concurrent use.
// Nothing in it outlives the process: after a restart an inventory is missing until it is read again.
//
// Several Tenants may name one Microsoft tenant. Each has a client, as its credential may differ, and all of them share one
// limiter: two budgets would be twice what the tenant allows, and one would not know of the other's throttling.
type Store struct {
	// Memory is shared by all readings of the process, and by what they leave; nil means that there is no bound. It is set
	// before the store is used.
	Memory *room.Room

	mu      sync.RWMutex
	tenants map[types.NamespacedName]*tenant
	shared  map[string]*graph.Shared // by realm
}

type tenant struct {
	config    graph.Config
	realm     string
	client    *graph.Client
	inventory *Inventory
	// doubted are the lists of the first of the readings that were not believed and say the same, nil when there is none.
	doubted *counts
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{tenants: map[types.NamespacedName]*tenant{}, shared: map[string]*graph.Shared{}}
}

// Connect returns the tenant's client, and makes a new one when cfg differs from what the present one was made of, a
// renewed secret included. The inventory stays as long as it is still the same tenant, reached at the same place; else
// it is dropped. On an error, which says what is wrong in cfg, everything stays as it was.
func (s *Store) Connect(key types.NamespacedName, cfg graph.Config) (*graph.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.tenants[key]
	if old != nil && reflect.DeepEqual(old.config, cfg) {
		return old.client, nil
	}
	client, realm, err := s.dial(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the tenant of %s: %w", key, err)
	}
	next := &tenant{config: cfg, realm: realm, client: client}
	if old != nil {
		if sameTenant(old.config, cfg) {
			next.inventory = old.inventory
		}
		s.keep(key, next.inventory)
		old.client.Close()
	}
	s.tenants[key] = next
	s.forgetUnused()
	return client, nil
}

// dial makes a client that shares its limiter with all others of its realm.
func (s *Store) dial(cfg graph.Config) (*graph.Client, string, error) {
	realm, err := cfg.Realm()
	if err != nil {
		return nil, "", fmt.Errorf("graph: %w", err)
	}
	shared := s.shared[realm]
	if shared == nil {
		shared = graph.NewShared(cfg)
	}
	cfg.Shared = shared
	client, err := graph.New(cfg)
	if err != nil {
		return nil, "", err
	}
	s.shared[realm] = shared
	return client, realm, nil
}

// forgetUnused drops the limiters that no Tenant uses any more.
func (s *Store) forgetUnused() {
	used := map[string]bool{}
	for _, t := range s.tenants {
		used[t.realm] = true
	}
	maps.DeleteFunc(s.shared, func(realm string, _ *graph.Shared) bool { return !used[realm] })
}

// Client returns the tenant's client, nil when it is not connected.
func (s *Store) Client(key types.NamespacedName) *graph.Client {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.tenants[key]; t != nil {
		return t.client
	}
	return nil
}

// Inventory returns the newest inventory of the tenant, nil when none was read yet.
func (s *Store) Inventory(key types.NamespacedName) *Inventory {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.tenants[key]; t != nil {
		return t.inventory
	}
	return nil
}

// PutInventory keeps an inventory unless there is a newer one or the tenant is not connected, and says whether it did: a
// reading that ends after its tenant was deleted must not bring it back. One that is ahead of now is not newer: the clock
// was wrong when it was taken.
func (s *Store) PutInventory(key types.NamespacedName, inv *Inventory, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[key]
	if t == nil || inv == nil {
		return false
	}
	if old := t.inventory; old != nil && old.AsOf.After(inv.AsOf) && !old.Ahead(now) {
		return false
	}
	t.inventory = inv
	s.keep(key, inv)
	return true
}

// keep accounts for the memory of the inventory that a tenant has from now on.
func (s *Store) keep(key types.NamespacedName, inv *Inventory) {
	if s.Memory == nil {
		return
	}
	bytes := int64(0)
	if inv != nil {
		bytes = inv.Memory()
	}
	s.Memory.Keep(key.String(), bytes)
}

// Delete forgets a tenant and closes its client.
func (s *Store) Delete(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tenants[key]; t != nil {
		t.client.Close()
		delete(s.tenants, key)
		s.keep(key, nil)
		s.forgetUnused()
	}
}

// sameTenant says whether two configurations reach the same directory, whatever the credential.
func sameTenant(a, b graph.Config) bool {
	return a.TenantID == b.TenantID && a.Cloud == b.Cloud && reflect.DeepEqual(a.Endpoint, b.Endpoint)
}
