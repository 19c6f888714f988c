// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/wire"
)

// holder reads who holds the lease.
func holder(ctx context.Context, w *testkit.World) (string, error) {
	lease := &coordinationv1.Lease{}
	if err := w.Kube.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: "tidegate-leader"}, lease); err != nil {
		return "", err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return "", errors.New("nobody holds the lease")
	}
	return *lease.Spec.HolderIdentity, nil
}

// TestLeaderElection runs two operators: one acts, the other one takes over soon after it has stopped.
func TestLeaderElection(t *testing.T) {
	w := testkit.New(t, pilot())
	elect := func() wire.Options {
		o := options(w)
		o.LeaderElect = true
		return o
	}
	a, b := elect(), elect()
	first := start(t, w.Config, a)
	w.Apply(t, w.Secret(), w.Tenant())
	calling(t, a, 0)
	was, err := holder(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}

	b.ProbeAddress = freeAddress(t)
	second := start(t, w.Config, b)
	answers(t, "http://"+b.ProbeAddress+"/readyz", "", http.StatusOK) // warm, and waiting
	for range 3 {
		before := calls(t, a)
		if err := w.Sim.Advance(time.Hour); err != nil { // the inventory is due
			t.Fatal(err)
		}
		calling(t, a, before)
	}
	if n := calls(t, b); n != 0 {
		t.Errorf("the operator that does not lead has sent %v requests to the tenant", n)
	}

	stopped := time.Now()
	if err := first.stop(t); err != nil {
		t.Errorf("the leader ends with %v", err)
	}
	atStop := calls(t, a)
	select {
	case <-second.Elected():
	case <-time.After(patience):
		t.Fatal("nobody takes over")
	}
	// A lease that was not handed over runs for 15 s. A waiting operator looks every 2 s.
	if took := time.Since(stopped); took > 8*time.Second {
		t.Errorf("the second operator leads after %s: the lease was not handed over", took)
	}
	calling(t, b, 0)
	if n := calls(t, a); n != atStop {
		t.Errorf("the stopped operator has sent %v more requests", n-atStop)
	}
	if is, err := holder(t.Context(), w); err != nil || is == was {
		t.Errorf("the lease is held by %q, before by %q: %v", is, was, err)
	}
}

// gatekeeper stands before a tenant and holds up the requests that match, until it is opened.
type gatekeeper struct {
	tenant  http.Handler
	match   func(*http.Request) bool
	arrived chan struct{}
	open    chan struct{}
	once    sync.Once
}

// guard puts a gatekeeper before the tenant of a world.
func guard(t *testing.T, w *testkit.World, match func(*http.Request) bool) *gatekeeper {
	t.Helper()
	g := &gatekeeper{tenant: w.Sim.Handler(), match: match, arrived: make(chan struct{}), open: make(chan struct{})}
	srv := httptest.NewTLSServer(g)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { // first: a request that is held up would keep the server open
		select {
		case <-g.open:
		default:
			close(g.open)
		}
	})
	w.SimURL, w.SimCA = srv.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	return g
}

// ServeHTTP implements http.Handler.
func (g *gatekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.match(r) {
		g.once.Do(func() { close(g.arrived) })
		<-g.open
	}
	g.tenant.ServeHTTP(w, r)
}

// TestShutdownEndsReads stops an operator whose Tenant is being read: a read is worth nothing any more.
func TestShutdownEndsReads(t *testing.T) {
	w := testkit.New(t, pilot())
	g := guard(t, w, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/managedDevices") })
	var log bytes.Buffer
	o := options(w)
	o.Log = zap.New(zap.WriteTo(zapcore.Lock(zapcore.AddSync(&log))))
	p := start(t, w.Config, o)
	w.Apply(t, w.Secret(), w.Tenant())
	wait(t, g.arrived)
	began := time.Now()
	if err := p.stop(t); err != nil {
		t.Errorf("Start returns %v", err)
	}
	if !strings.Contains(log.String(), "Shutdown signal received") || strings.Contains(log.String(), `"level":"error"`) {
		t.Errorf("the log of an ordinary shutdown is\n%s", log.String())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the shutdown took %s, for a read", took)
	}
}

// TestPromise09_SuspensionEndsAReading suspends a Tenant whose fleet is being read: nothing waits for the end of the reading,
// and what it had read so far counts for nothing.
func TestPromise09_SuspensionEndsAReading(t *testing.T) {
	w := testkit.New(t, pilot())
	g := guard(t, w, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/managedDevices") })
	start(t, w.Config, options(w))
	w.Apply(t, w.Secret(), w.Tenant())
	wait(t, g.arrived)
	began := time.Now()
	ten := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: testkit.TenantName}}
	if err := w.Kube.Patch(t.Context(), ten, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"suspend":true}}`))); err != nil {
		t.Fatal(err)
	}
	for ten.Status.Reason != v1alpha1.ReasonSuspended || ten.Status.ObservedGeneration != ten.Generation {
		if time.Since(began) > 5*time.Second {
			t.Fatalf("still not suspended: %+v", ten.Status)
		}
		time.Sleep(10 * time.Millisecond)
		if err := w.Get(t.Context(), testkit.TenantName, ten); err != nil {
			t.Fatal(err)
		}
	}
	if ten.Status.Inventory != nil {
		t.Errorf("a reading that was cut off left %+v", ten.Status.Inventory)
	}
}

// TestShutdownFinishesWrites stops an operator while the tenant creates a policy: the answer is awaited and recorded, so
// that the next leader has nothing to find out.
func TestShutdownFinishesWrites(t *testing.T) {
	w := testkit.New(t, pilot())
	g := guard(t, w, func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/configurationPolicies")
	})
	p := start(t, w.Config, options(w))
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	wait(t, g.arrived)
	p.cancel()
	select {
	case err := <-p.done:
		t.Fatalf("Start returned %v while a write was under way", err)
	case <-time.After(300 * time.Millisecond): // long enough for a manager that does not wait
	}
	close(g.open)
	if err := p.stop(t); err != nil {
		t.Errorf("Start returns %v", err)
	}
	o := &v1alpha1.PasskeyPolicy{}
	if err := w.Get(t.Context(), testkit.PolicyName, o); err != nil {
		t.Fatal(err)
	}
	made := w.Sim.Snapshot(false).Policies
	if len(made) != 1 || len(o.Status.Objects) == 0 {
		t.Fatalf("the tenant has %d policies and the status %v, want one", len(made), o.Status.Objects)
	}
	for _, rec := range o.Status.Objects {
		if rec.CreateSentAt != nil {
			t.Errorf("the outcome of creating %q is open", rec.Name)
		}
	}
	if !slices.ContainsFunc(o.Status.Objects, func(rec v1alpha1.TenantObject) bool { return rec.ID == made[0].ID }) {
		t.Errorf("the policy is %s and the status says %v", made[0].ID, o.Status.Objects)
	}
}

// hanging is a Pace at which reconciles stay until they are let go.
type hanging struct {
	arrived, open chan struct{}
	once          sync.Once
	left          atomic.Bool
}

func newHanging() *hanging {
	return &hanging{arrived: make(chan struct{}), open: make(chan struct{})}
}

// pace holds a reconcile at its end.
func (h *hanging) pace(time.Duration) time.Duration {
	h.once.Do(func() { close(h.arrived) })
	<-h.open
	h.left.Store(true)
	return time.Hour
}

// TestShutdownIsBounded stops an operator with a reconcile that does not end.
func TestShutdownIsBounded(t *testing.T) {
	w := testkit.New(t, pilot())
	o := options(w)
	o.GracefulShutdown = 300 * time.Millisecond
	short := newHanging()
	o.Pace = short.pace
	p := start(t, w.Config, o)
	w.Apply(t, w.Secret(), w.Tenant())
	wait(t, short.arrived)
	began := time.Now()
	err := p.stop(t)
	if took := time.Since(began); err == nil || took > 5*time.Second || short.left.Load() {
		t.Errorf("Start returned %v after %s, want an error about the reconcile that hangs", err, took)
	}
	close(short.open)

	// With enough time the same reconcile is waited for.
	o.GracefulShutdown = patience
	long := newHanging()
	o.Pace = long.pace
	p = start(t, w.Config, o)
	wait(t, long.arrived)
	p.cancel()
	close(long.open)
	if err := p.stop(t); err != nil || !long.left.Load() {
		t.Errorf("Start returned %v, reconcile ended: %v", err, long.left.Load())
	}
}

func wait(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal("it does not happen")
	}
}

// TestNewManagerRefuses wants a mistake to be found before anything runs.
func TestNewManagerRefuses(t *testing.T) {
	w := testkit.New(t, pilot())
	for name, test := range map[string]struct {
		change func(*wire.Options)
		word   string
	}{
		"bad option":          {func(o *wire.Options) { o.MaxConcurrentReconciles = 0 }, "--max-concurrent-reconciles"},
		"no place for leases": {func(o *wire.Options) { o.LeaderElect, o.LeaderElectionNamespace = true, "" }, "--leader-election-namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(w)
			test.change(&o)
			if _, err := wire.NewManager(t.Context(), w.Config, o); err == nil || !strings.Contains(fmt.Sprint(err), test.word) {
				t.Errorf("got error %v, want one that names %s", err, test.word)
			}
		})
	}
}
