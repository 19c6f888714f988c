// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TickAnnotation is set by Tick to wake the operator.
const TickAnnotation = "test.tidegate.dev/tick"

const (
	// quiet is how long no operator may have sent a request before the world counts as settled, at the least. It is longer
	// than the pause between two steps of one object.
	quiet = 60 * time.Millisecond
	// arrival is how long Settle waits for its ticks to be seen.
	arrival = 500 * time.Millisecond
	// settleLimit is how long a world may stay busy at one instant of its clock.
	settleLimit = 30 * time.Second
)

// Tick wakes the reconciler of every object in the world, as a resync does, and returns their number. A world whose Options.Poll is long moves by
// ticks and watches alone.
func (w *World) Tick(t testing.TB) int {
	t.Helper()
	w.ticks++
	patch := client.RawPatch(types.MergePatchType, []byte(fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d"}}}`, TickAnnotation, w.ticks)))
	objects := w.Objects(t)
	w.pause = quiet
	for _, o := range objects {
		began := time.Now()
		if err := client.IgnoreNotFound(w.Kube.Patch(t.Context(), o, patch)); err != nil {
			t.Fatalf("tick %s: %v", o.GetName(), err)
		}
		w.pause = max(w.pause, 4*time.Since(began)) // a busy machine takes longer between two requests, too
	}
	return len(objects)
}

// Objects lists every Tenant, PasskeyPolicy and PilotWave of the world.
func (w *World) Objects(t testing.TB) []client.Object {
	t.Helper()
	var (
		tenants  v1alpha1.TenantList
		policies v1alpha1.PasskeyPolicyList
		waves    v1alpha1.PilotWaveList
		out      []client.Object
	)
	for _, list := range []client.ObjectList{&tenants, &policies, &waves} {
		if err := w.Kube.List(t.Context(), list, client.InNamespace(w.Namespace)); err != nil {
			t.Fatalf("list %T: %v", list, err)
		}
	}
	for i := range tenants.Items {
		out = append(out, &tenants.Items[i])
	}
	for i := range policies.Items {
		out = append(out, &policies.Items[i])
	}
	for i := range waves.Items {
		out = append(out, &waves.Items[i])
	}
	return out
}

// Calm waits until no operator of the world has anything under way.
func (w *World) Calm(t testing.TB) {
	t.Helper()
	began := time.Now() // what the test has just changed is still on its way to the operator
	for time.Since(began) < settleLimit {
		idle := min(time.Since(began), w.front.strangers.idle())
		for _, op := range w.Operators() {
			idle = min(idle, op.idle())
		}
		pause := max(w.pause, quiet)
		if idle >= pause {
			return
		}
		time.Sleep(max(pause-idle, 5*time.Millisecond))
	}
	t.Fatalf("the operator is still busy after %s at one instant: it does not come to rest", settleLimit)
}

// Settle wakes everything and waits until the operator has come to rest at this instant of the clock.
func (w *World) Settle(t testing.TB) {
	t.Helper()
	rested := map[*Operator]int64{}
	for _, op := range w.Operators() {
		rested[op] = op.rests.Load()
	}
	objects := w.Tick(t)
	// On a busy machine a tick takes its time to arrive. Most reconciles end in a rest that can be counted; for those that
	// do not there is a limit.
	began := time.Now()
	for op, before := range rested {
		for !op.gone() && op.rests.Load() < before+int64(objects) && time.Since(began) < arrival {
			time.Sleep(5 * time.Millisecond)
		}
	}
	w.Calm(t)
	w.look()
}

// Promptly settles the world until check returns nil, without letting virtual time pass, and fails the test with its last
// error when that takes longer than the world may be busy at one instant.
func (w *World) Promptly(t testing.TB, check func(context.Context) error) {
	t.Helper()
	w.Calm(t)
	last := check(t.Context())
	for began := time.Now(); last != nil && time.Since(began) < settleLimit/2; last = check(t.Context()) {
		w.Settle(t)
	}
	if last != nil {
		t.Fatalf("not at once: %v", last)
	}
}

// Pass lets d of virtual time pass in steps, with a settled operator after each.
func (w *World) Pass(t testing.TB, step, d time.Duration) {
	t.Helper()
	for ; d > 0; d -= step {
		w.advance(t, min(step, d))
		w.Settle(t)
	}
}

// Until lets virtual time pass in steps until check returns nil, and fails the test with its last error when that takes
// longer than limit. check sees a settled operator.
func (w *World) Until(t testing.TB, step, limit time.Duration, check func(context.Context) error) {
	t.Helper()
	w.Settle(t)
	last := check(t.Context())
	for passed := time.Duration(0); last != nil && passed < limit; passed += step {
		w.Pass(t, step, step)
		last = check(t.Context())
	}
	if last != nil {
		t.Fatalf("not within %s of virtual time: %v", limit, last)
	}
}

// Soon lets minutes of virtual time pass, in which a tenant on an ordinary day shows what it took and the operator looks
// again, until check returns nil; and then longer bits, in which Intune acts on assignments and the operator waits for that
// before it goes on. What devices feel of memberships takes longer: use Until for that.
func (w *World) Soon(t testing.TB, check func(context.Context) error) {
	t.Helper()
	w.Settle(t)
	last := check(t.Context())
	for passed := time.Duration(0); last != nil && passed < soonLimit; {
		bit := soonStep
		if passed >= soonFine {
			bit = soonBit
		}
		w.Pass(t, bit, bit)
		passed += bit
		last = check(t.Context())
	}
	if last != nil {
		t.Fatalf("not within %s of virtual time: %v", soonLimit, last)
	}
}

const (
	// soonStep is how far Soon moves the clock between two looks at first, for soonFine: the longest lag of a read, a list
	// or a member list, for each of a handful of writes that wait for one another. Then it is soonBit.
	soonStep, soonFine, soonBit = 30 * time.Second, 10 * time.Minute, 5 * time.Minute
	// soonLimit is enough for what waits twice until Intune has acted on assignments.
	soonLimit = 2 * time.Hour
)
