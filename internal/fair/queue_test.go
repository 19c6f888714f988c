// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func request(lane string, i int) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: lane, Name: fmt.Sprint(i)}}
}

// queue has the namespace as lane.
func queue(t *testing.T, share int) *Queue {
	q := New(priorityqueue.New[reconcile.Request](strings.ReplaceAll(t.Name(), "/", "_")), share, func(r reconcile.Request) string { return r.Namespace })
	t.Cleanup(func() {
		if !q.ShuttingDown() {
			q.ShutDown()
		}
	})
	return q
}

// get takes the next request, which must come.
func get(t *testing.T, q *Queue) reconcile.Request {
	t.Helper()
	got := make(chan reconcile.Request, 1)
	go func() {
		if req, shutdown := q.Get(); !shutdown {
			got <- req
		}
	}()
	select {
	case req := <-got:
		return req
	case <-time.After(5 * time.Second):
		t.Fatal("the queue hands out nothing")
		return reconcile.Request{}
	}
}

// TestSlowLaneLeavesWorkers: a lane with any number of requests has its share of the workers, and what comes after it in another
// lane is handed out at once. What waits is handed out in order when one of its lane is done, and nothing twice.
func TestSlowLaneLeavesWorkers(t *testing.T) {
	q := queue(t, 2)
	for i := range 20 {
		q.Add(request("slow", i))
	}
	first, second := get(t, q), get(t, q)
	q.Add(request("honest", 0))
	if other := get(t, q); other.Namespace != "honest" {
		t.Fatalf("with two slow ones under way the queue hands out %s", other)
	}
	seen := map[reconcile.Request]bool{first: true, second: true}
	q.Done(first)
	for range 18 {
		req := get(t, q)
		if req.Namespace != "slow" || seen[req] {
			t.Fatalf("%s is handed out again, or too early", req)
		}
		seen[req] = true
		q.Done(req)
	}
	q.Done(second)
	q.Done(request("honest", 0))
	if _, _, ok := q.Oldest(); ok || len(q.inLane) != 0 || len(q.parked) != 0 || len(q.ready) != 0 {
		t.Errorf("left: %v running, %v parked, %v ready", q.inLane, q.parked, q.ready)
	}
}

// TestOldest names the request that has been with a worker for the longest time.
func TestOldest(t *testing.T) {
	q := queue(t, 8)
	before := time.Now()
	q.Add(request("a", 1))
	first := get(t, q)
	q.Add(request("a", 2))
	second := get(t, q)
	if req, since, ok := q.Oldest(); !ok || req != first || since.Before(before) || time.Since(since) > time.Minute {
		t.Errorf("the oldest is %s since %s, %v", req, since, ok)
	}
	q.Done(first)
	if req, _, ok := q.Oldest(); !ok || req != second {
		t.Errorf("then it is %s, %v", req, ok)
	}
}

// TestWorkersOfManyLanes: everything is done once, no lane ever has more than its share, and workers end with the queue.
func TestWorkersOfManyLanes(t *testing.T) {
	q := queue(t, 3)
	var mu sync.Mutex
	now, done := map[string]int{}, map[reconcile.Request]int{}
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for {
				req, shutdown := q.Get()
				if shutdown {
					return
				}
				mu.Lock()
				if now[req.Namespace]++; now[req.Namespace] > 3 {
					t.Errorf("lane %s has %d workers", req.Namespace, now[req.Namespace])
				}
				mu.Unlock()
				time.Sleep(time.Duration(len(req.Name)) * 100 * time.Microsecond)
				mu.Lock()
				now[req.Namespace]--
				done[req]++
				mu.Unlock()
				q.Done(req)
			}
		})
	}
	for i := range 600 {
		q.Add(request(fmt.Sprint("lane ", i%5), i))
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		n := len(done)
		mu.Unlock()
		if n == 600 {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d of 600 are done", n)
		}
	}
	q.ShutDown()
	workers.Wait()
	for req, n := range done {
		if n != 1 {
			t.Errorf("%s was done %d times", req, n)
		}
	}
}

// TestLanes finds the Tenant of policies and waves from what an informer hears.
func TestLanes(t *testing.T) {
	l := NewLanes()
	h := l.Handler()
	policy := &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"}, Spec: v1alpha1.PasskeyPolicySpec{TenantRef: v1alpha1.LocalRef{Name: "t"}}}
	wave := &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "w"}, Spec: v1alpha1.PilotWaveSpec{PolicyRef: v1alpha1.LocalRef{Name: "p"}}}
	ofWave := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "w"}}
	ofPolicy := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "p"}}
	if got := l.OfWave(ofWave); got != "ns/" {
		t.Errorf("an unknown wave is in lane %q", got)
	}
	h.OnAdd(wave, true)
	h.OnAdd(policy, true)
	if l.OfWave(ofWave) != "ns/t" || l.OfPolicy(ofPolicy) != "ns/t" {
		t.Errorf("lanes %q and %q", l.OfWave(ofWave), l.OfPolicy(ofPolicy))
	}
	h.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: policy})
	h.OnDelete(wave)
	if len(l.tenants)+len(l.policies) != 0 {
		t.Errorf("kept: %v, %v", l.tenants, l.policies)
	}
}
