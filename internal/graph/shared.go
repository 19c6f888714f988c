// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"strings"
	"sync"
	"time"
)

// Shared is what all clients of one tenant have in common, however many they are: Microsoft counts requests by application
// and tenant, so that there is one pace, and one pause when the tenant asks for it; and the metrics of a tenant
// stay as long as one of its clients does. It is safe for concurrent use.
type Shared struct {
	limiter *limiter

	mu      sync.Mutex
	clients int
	metrics *metrics // of the first client
}

// NewShared returns what the clients of the tenant of cfg share. Limits, clock and waits are those of cfg; of the
// clients' own configurations they count no more.
func NewShared(cfg Config) *Shared {
	cfg = cfg.withDefaults()
	s := &Shared{}
	s.limiter = newLimiter(cfg.Limits, cfg.Clock, cfg.MaxRetryWait, cfg.ThrottleBase, s.throttled)
	return s
}

// Realm names the tenant that cfg reaches, whatever the credential and the spelling: two configurations of one realm count
// against the same limits. It is the host of Graph and the tenant id.
func (cfg Config) Realm() (string, error) {
	cfg = cfg.withDefaults()
	h, err := cfg.resolve()
	if err != nil {
		return "", err
	}
	return strings.ToLower(h.graph.Host + "/" + cfg.TenantID), nil
}

// join adds a client.
func (s *Shared) join(m *metrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients++
	if s.metrics == nil {
		s.metrics = m
	}
}

// leave takes a client off; the last one takes the tenant's series along.
func (s *Shared) leave(m *metrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients--; s.clients <= 0 {
		m.forget()
	}
}

// throttled counts the time that requests were held back.
func (s *Shared) throttled(c class, d time.Duration) {
	s.mu.Lock()
	m := s.metrics
	s.mu.Unlock()
	if m != nil {
		m.throttled(c, d)
	}
}
