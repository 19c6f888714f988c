// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fair shares the workers of a controller among tenants. A worker waits while a tenant answers, and a host that is slow
// or hostile answers as late as it can: without a bound it would keep every worker waiting, and no other tenant's objects
// would be looked at.
package fair

import (
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Queue hands out requests so that no lane has more than its share of the workers at a time. What would be more is parked, costs
// no worker, and is handed out, in order, by the first worker of the lane that is done. It is safe for concurrent use.
type Queue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	share int
	lane  func(reconcile.Request) string

	mu      sync.Mutex
	running map[reconcile.Request]run
	inLane  map[string]int
	parked  map[string][]item
	ready   []item // left the car park, and count as running in their lane
}

// item is a request that was taken from the queue below.
type item struct {
	req      reconcile.Request
	priority int
	lane     string
}

// run is a request that a worker has.
type run struct {
	lane  string
	since time.Time
}

// New wraps a priority queue. share is at least 1; lane names the tenant that a request is about.
func New(below priorityqueue.PriorityQueue[reconcile.Request], share int, lane func(reconcile.Request) string) *Queue {
	return &Queue{PriorityQueue: below, share: share, lane: lane,
		running: map[reconcile.Request]run{}, inLane: map[string]int{}, parked: map[string][]item{}}
}

// Maker returns what controller.Options.NewQueue takes, and hands each queue that it makes to made.
func Maker(log logr.Logger, share int, lane func(reconcile.Request) string, made func(name string, q *Queue)) func(string, workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
		q := New(priorityqueue.New(name, func(o *priorityqueue.Opts[reconcile.Request]) {
			o.Log, o.RateLimiter = log.WithValues("controller", name), limiter
		}), share, lane)
		made(name, q)
		return q
	}
}

// GetWithPriority implements priorityqueue.PriorityQueue.
func (q *Queue) GetWithPriority() (reconcile.Request, int, bool) {
	for {
		if it, ok := q.leavePark(); ok {
			return it.req, it.priority, false
		}
		req, priority, shutdown := q.PriorityQueue.GetWithPriority()
		if shutdown || q.admit(item{req: req, priority: priority, lane: q.lane(req)}) {
			return req, priority, shutdown
		}
	}
}

// Get implements workqueue.TypedInterface.
func (q *Queue) Get() (reconcile.Request, bool) {
	req, _, shutdown := q.GetWithPriority()
	return req, shutdown
}

// Done implements workqueue.TypedInterface.
func (q *Queue) Done(req reconcile.Request) {
	q.end(req)
	q.PriorityQueue.Done(req)
}

// leavePark takes a request that was parked and may run now.
func (q *Queue) leavePark() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) == 0 || q.ShuttingDown() {
		return item{}, false
	}
	it := q.ready[0]
	q.ready = q.ready[1:]
	q.running[it.req] = run{lane: it.lane, since: time.Now()}
	return it, true
}

// admit starts a request, or parks it when its lane has its share.
func (q *Queue) admit(it item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.inLane[it.lane] >= q.share {
		q.parked[it.lane] = append(q.parked[it.lane], it)
		return false
	}
	q.inLane[it.lane]++
	q.running[it.req] = run{lane: it.lane, since: time.Now()}
	return true
}

// end notes that a request is done. The worker that had it comes for the next one, and finds the first one parked.
func (q *Queue) end(req reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	done, ok := q.running[req]
	if !ok {
		return
	}
	delete(q.running, req)
	if waiting := q.parked[done.lane]; len(waiting) > 0 {
		q.ready = append(q.ready, waiting[0])
		if q.parked[done.lane] = waiting[1:]; len(waiting) == 1 {
			delete(q.parked, done.lane)
		}
		return
	}
	if q.inLane[done.lane]--; q.inLane[done.lane] == 0 {
		delete(q.inLane, done.lane)
	}
}

// Oldest returns the request that a worker has had for the longest time, and since when; false when no worker has one.
func (q *Queue) Oldest() (oldest reconcile.Request, since time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for req, r := range q.running {
		if !ok || r.since.Before(since) {
			oldest, since, ok = req, r.since, true
		}
	}
	return oldest, since, ok
}
