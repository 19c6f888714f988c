// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/controllers"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
)

// errCut is what everything gets that a dead operator asks for.
var errCut = errors.New("fastworld: the operator is cut off")

// Operator is one process of the operator: reconcilers that are called by hand, a store, and a cache of the cluster. It can be
// cut off before or after any of its writes, and is then replaced by the world.
type Operator struct {
	// Name tells it from others of the world.
	Name string

	world *World
	cache *View
	kinds map[string]reconcile.Reconciler
	store *fleet.Store
	tap   *tap

	mu   sync.Mutex
	dead bool
	// cutAt ends the operator at its n-th write from now on, before it or after it; 0 never does.
	cutAt    int
	cutAfter bool
}

// newOperator starts a process whose cache is as of now.
func (w *World) newOperator() *Operator {
	w.operators++
	o := &Operator{Name: fmt.Sprintf("operator-%d", w.operators), world: w, store: fleet.NewStore()}
	o.cache = &View{cluster: w.Cluster, seen: map[schema.GroupVersionKind]int64{}, before: o.beforeKube, after: o.afterKube}
	direct := &View{cluster: w.Cluster, before: o.beforeKube, after: o.afterKube}
	o.tap = &tap{tenant: w.catalog, before: o.beforeTenant, after: w.observe}
	kit := controllers.Kit{Client: o.cache, Reader: direct, Recorder: recorder{w}, Clock: skewedClock{w}}
	tenant := &controllers.TenantReconciler{Kit: kit, Store: o.store, Tune: o.tune}
	policy := controllers.NewPasskeyPolicyReconciler(kit, o.store, direct)
	wave := &controllers.PilotWaveReconciler{Kit: kit, Store: o.store}
	o.kinds = map[string]reconcile.Reconciler{KindTenant: tenant, KindPolicy: policy, KindWave: wave}
	if w.Frail > 0 {
		o.CutAt(w.Frail, w.operators%2 == 0)
	}
	return o
}

// current says that the cache has everything that there is.
func (o *Operator) current() bool {
	for gvk, k := range o.world.Cluster.kinds {
		if seen, known := o.cache.seen[gvk]; known && seen < k.rev {
			return false
		}
	}
	return true
}

// skewedClock is the clock of the machine that the operator runs on.
type skewedClock struct{ w *World }

// Now implements clock.PassiveClock.
func (c skewedClock) Now() time.Time { return c.w.Clock.Now().Add(c.w.Skew) }

// Since implements clock.PassiveClock.
func (c skewedClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// The kinds that have reconcilers.
const (
	KindTenant = "Tenant"
	KindPolicy = "PasskeyPolicy"
	KindWave   = "PilotWave"
)

// tune makes the Graph client one that speaks to the tenant without a network, and that does not wait in real time.
func (o *Operator) tune(c *graph.Config) {
	c.Transport, c.UserAgent = o.tap, o.Name
	c.Clock = &hastyClock{world: o.world.Clock}
	c.Limits = graph.Unlimited()
	c.ExportPollInterval, c.RetryBase, c.RetryCap, c.MaxAttempts = time.Second, time.Second, 5*time.Second, 3
	c.ThrottleBase, c.MaxRetryWait = 10*time.Second, time.Second
}

// Reconcile lets the operator look at one object. The cache is as old as it is.
func (o *Operator) Reconcile(ctx context.Context, key Key) (ctrl.Result, error) {
	return o.kinds[key.Kind].Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: Namespace, Name: key.Name}})
}

// CutAt ends the operator at its n-th write from now on: before it is done, or after it, with its answer lost.
func (o *Operator) CutAt(n int, after bool) { o.cutAt, o.cutAfter = n, after }

// Dead says whether the operator was cut off.
func (o *Operator) Dead() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dead
}

// lag lets the cache of each kind stay behind, or catch up.
func (o *Operator) lag(stays func(kind string) bool) {
	for _, gvk := range slices.SortedFunc(maps.Keys(o.world.Cluster.kinds), func(a, b schema.GroupVersionKind) int {
		return compareText(a.Kind, b.Kind)
	}) {
		if _, known := o.cache.seen[gvk]; !known || !stays(gvk.Kind) {
			o.cache.catchUp(gvk)
		}
	}
}

// behind sets the cache of each kind back by some writes to it, as that of a leader that has just begun may be.
func (o *Operator) behind(by func(kind string) int64) {
	for gvk := range o.world.Cluster.kinds {
		o.cache.seen[gvk] = max(0, o.world.Cluster.rev-by(gvk.Kind))
	}
}

// write counts a write; before says whether it is still to be done.
func (o *Operator) write(before bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead {
		return errCut
	}
	if o.cutAt == 0 || before == o.cutAfter {
		return nil
	}
	if o.cutAt--; o.cutAt == 0 {
		o.dead = true
		return errCut
	}
	return nil
}

// clockwork says that a write may be due to real time: a Tenant's status tells when its token expires. It is not counted, or a
// story could not be told again.
func clockwork(w Write) bool { return strings.HasPrefix(w.Path, KindTenant+" ") }

func (o *Operator) beforeKube(w Write) error {
	if o.Dead() {
		return errCut
	}
	if !clockwork(w) {
		if err := o.write(true); err != nil {
			return err
		}
	}
	o.world.wrote(o, w)
	return nil
}

func (o *Operator) afterKube(w Write) error {
	if clockwork(w) {
		return nil
	}
	return o.write(false)
}

func (o *Operator) beforeTenant(r *http.Request, w *Write) Trouble {
	if o.Dead() {
		return Unsent
	}
	if w != nil {
		if err := o.write(true); err != nil {
			return Unsent
		}
	}
	trouble := o.world.trouble(r, w)
	if w != nil && (trouble == None || trouble == Lost) {
		o.world.wrote(o, *w)
	}
	if w != nil && trouble == None && o.write(false) != nil {
		return Lost
	}
	return trouble
}

// recorder counts events.
type recorder struct{ world *World }

// Eventf implements events.EventRecorder.
func (r recorder) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	name := ""
	if o, ok := regarding.(client.Object); ok {
		name = o.GetName()
	}
	r.world.event(name, kind, reason, fmt.Sprintf(note, args...))
}

// hastyClock is the world's clock for a Graph client: to wait takes no time of anybody else's, and is over when the world has
// caught up.
type hastyClock struct {
	clock.RealClock
	world clock.PassiveClock
	mu    sync.Mutex
	ahead time.Time
}

// Now implements clock.Clock.
func (c *hastyClock) Now() time.Time { return c.wait(0) }

// Since implements clock.Clock.
func (c *hastyClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *hastyClock) wait(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.world.Now(); now.After(c.ahead) {
		c.ahead = now
	}
	c.ahead = c.ahead.Add(max(d, 0))
	return c.ahead
}

// NewTimer implements clock.Clock.
func (c *hastyClock) NewTimer(d time.Duration) clock.Timer {
	fired := make(chan time.Time, 1)
	fired <- c.wait(d)
	return firedTimer(fired)
}

// firedTimer is a timer that is over.
type firedTimer chan time.Time

// C implements clock.Timer.
func (t firedTimer) C() <-chan time.Time { return t }

// Stop implements clock.Timer.
func (t firedTimer) Stop() bool { return false }

// Reset implements clock.Timer.
func (t firedTimer) Reset(time.Duration) bool { return false }
