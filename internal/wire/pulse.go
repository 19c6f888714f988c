// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/fair"
	"github.com/tidegate/tidegate/internal/fleet"
)

const (
	// overdue is the part of its deadline for which a reconcile may go on after it: two minutes of half an hour. Its context has
	// ended by then, so that every call to the API server and to a tenant has ended too: who still runs waits for something
	// that will not come.
	overdue = 15
	// unanswered is how long the parts of the process that all workers share may take to answer.
	unanswered = time.Minute
)

// pulse tells whether the workers of this process get on. A reconcile that waits for a slow tenant has until its deadline, so
// that half an hour of waiting is nothing unusual; one that is still there afterwards, or a lock that nobody gives back, is a
// process that only a restart helps. A process that does not lead has no workers, and is well.
type pulse struct {
	clock    clock.PassiveClock
	deadline time.Duration
	// touch goes through what all workers share; it returns when none of it is held for good.
	touch func()

	mu     sync.Mutex
	queues map[string]*fair.Queue
	asked  time.Time // when touch was begun that has not returned; zero for none
}

func newPulse(o Options, store *fleet.Store) *pulse {
	return &pulse{clock: clock.RealClock{}, deadline: o.ReconcileTimeout, queues: map[string]*fair.Queue{},
		touch: func() { store.Client(types.NamespacedName{}) }}
}

// watch adds the queue of a controller.
func (p *pulse) watch(name string, q *fair.Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queues[name] = q
}

// check says what does not get on, nil when all does. It returns at once.
func (p *pulse) check() error {
	if waited := p.shared(); waited > unanswered {
		return fmt.Errorf("what all workers share has not answered for %s", waited.Round(time.Second))
	}
	return p.workers()
}

// shared touches what all workers share, unless that is still under way, and tells since when it is.
func (p *pulse) shared() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked.IsZero() {
		return p.clock.Since(p.asked)
	}
	p.asked = p.clock.Now()
	go func() {
		p.touch()
		for _, q := range p.all() {
			q.Oldest()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = time.Time{}
	}()
	return 0
}

// all are the queues.
func (p *pulse) all() map[string]*fair.Queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]*fair.Queue, len(p.queues))
	for name, q := range p.queues {
		out[name] = q
	}
	return out
}

// workers looks for a reconcile that goes on after its deadline.
func (p *pulse) workers() error {
	var stuck []string
	for name, q := range p.all() {
		if req, since, ok := q.Oldest(); ok && p.clock.Since(since) > p.deadline+p.deadline/overdue {
			stuck = append(stuck, fmt.Sprintf("the reconcile of %s %s has run for %s and does not end at its deadline of %s",
				name, req, p.clock.Since(since).Round(time.Second), p.deadline))
		}
	}
	if len(stuck) == 0 {
		return nil
	}
	slices.Sort(stuck)
	return errors.New(stuck[0])
}
