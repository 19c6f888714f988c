// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/internal/fair"
	"github.com/tidegate/tidegate/internal/fleet"
)

// TestPulseOfWorkers: a reconcile may wait for a slow tenant until its deadline; one that is there long after it is stuck.
func TestPulseOfWorkers(t *testing.T) {
	o := Default()
	p := newPulse(o, fleet.NewStore())
	q := fair.New(priorityqueue.New[reconcile.Request]("pulse"), 8, func(reconcile.Request) string { return "" })
	defer q.ShutDown()
	p.watch("pilotwave", q)
	if err := p.check(); err != nil {
		t.Errorf("without work: %v", err)
	}
	req := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "passkeys", Name: "early"}}
	q.Add(req)
	q.Get()
	for after, well := range map[time.Duration]bool{0: true, 30 * time.Minute: true, 31 * time.Minute: true, 33 * time.Minute: false} {
		p.clock = testclock.NewFakePassiveClock(time.Now().Add(after))
		err := p.workers()
		if (err == nil) != well || err != nil && !strings.Contains(err.Error(), "the reconcile of pilotwave passkeys/early has run for 33m0s") {
			t.Errorf("after %s: %v", after, err)
		}
	}
	q.Done(req)
	if err := p.workers(); err != nil {
		t.Errorf("after it is done: %v", err)
	}
}

// TestPulseOfWhatIsShared: a lock that somebody holds for good shows, although no probe waits for it.
func TestPulseOfWhatIsShared(t *testing.T) {
	clk := testclock.NewFakePassiveClock(time.Now())
	p := newPulse(Default(), fleet.NewStore())
	p.clock = clk
	held, touched := make(chan struct{}), make(chan struct{}, 8)
	p.touch = func() { <-held; touched <- struct{}{} }
	for _, step := range []struct {
		after time.Duration
		well  bool
	}{{0, true}, {50 * time.Second, true}, {20 * time.Second, false}, {time.Hour, false}} {
		clk.SetTime(clk.Now().Add(step.after))
		if err := p.check(); (err == nil) != step.well || err != nil && !strings.Contains(err.Error(), "has not answered for") {
			t.Errorf("%s later: %v", step.after, err)
		}
	}
	close(held)
	<-touched
	for began := time.Now(); p.check() != nil; time.Sleep(time.Millisecond) {
		if time.Since(began) > 5*time.Second {
			t.Fatal("still not well after the lock was given back")
		}
	}
}
