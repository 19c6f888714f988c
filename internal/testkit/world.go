// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// Start is the virtual time at which every world begins: a Monday morning.
var Start = time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)

// Options of a World; the zero value is a small healthy tenant on a manual clock.
type Options struct {
	// Speed of the clock in virtual seconds per real second; 0 is a clock that only Advance moves.
	Speed float64
	// Poll is the real time that a reconcile on a manual clock waits for whatever it waits for. Default 100 ms. An hour
	// leaves reconciles to watches, so that a test can count what each one does.
	Poll time.Duration
	// Devices in the tenant. Default 200.
	Devices int
	// Catalog of the tenant, see tenantsim.Options.
	Catalog string
	// Scenario of the tenant. Its groups default to those of the samples, scaled to what Devices allows.
	Scenario tenantsim.Scenario
	// Ideal asks for a tenant without the slowness and the odd answers of an ordinary day, and says why.
	Ideal string
	// Roles granted to the operator's app registration; nil is all that it needs.
	Roles []string
	// NoOperator leaves the operator to the test: see StartOperator.
	NoOperator bool
	// Log takes the operator's log; the zero value drops it.
	Log logr.Logger
}

// World is one namespace, one simulated tenant and one operator.
type World struct {
	Namespace string
	Kube      client.Client
	Config    *rest.Config
	Sim       *simtest.Tenant
	SimURL    string
	SimCA     []byte
	Clock     *tenantsim.Clock
	// Registry holds the operator's metrics.
	Registry *prometheus.Registry

	// EndpointHosts are those that Tenants may name beside the simulated tenant's; IdentityNamespaces may use the operator's own
	// workload identity. Both are flags of operators that start from now on, and Network, where it is set, is how they reach others.
	EndpointHosts, IdentityNamespaces []string
	Network                           http.RoundTripper

	// Operator is the one that New started; nil with Options.NoOperator.
	Operator *Operator

	opts  Options
	front *front
	ticks int
	pause time.Duration
	// oracle judges the tenant, see Watch.
	oracle func()
	glance time.Duration
	// objectIDs names the directory objects of managed devices.
	objectIDs map[string]string
}

// New starts a world and ends it with the test.
func New(t testing.TB, o Options) *World {
	t.Helper()
	startControlPlane(t)
	if o.Devices == 0 {
		o.Devices = 200
	}
	if o.Catalog == "" {
		o.Catalog = tenantsim.CatalogMacOSPasskeys // World.Policy delivers one setting to two platforms
	}
	if o.Poll == 0 {
		o.Poll = 100 * time.Millisecond
	}
	w := &World{Kube: controlPlane.kube, Config: controlPlane.rc, Clock: tenantsim.NewClock(Start, o.Speed), opts: o}
	w.Sim = simtest.New(t, tenantsim.Options{
		Seed: 1, Devices: o.Devices, Clock: w.Clock, Catalog: o.Catalog, Scenario: o.Scenario, Ideal: o.Ideal, Roles: o.Roles, JournalSize: 100_000,
	})
	w.serveTenant(t)
	w.Namespace = w.namespace(t)
	setLogger(o.Log)
	if !o.NoOperator {
		w.Operator = w.Run(t)
	}
	return w
}

func (w *World) namespace(t testing.TB) string {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(t.Name()))
	if len(name) > 40 {
		name = name[:40]
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: strings.Trim(name, "-") + "-"}}
	if err := w.Kube.Create(t.Context(), ns); err != nil {
		t.Fatalf("create namespace: %v", err)
	}
	t.Cleanup(func() { w.clear(t, ns.Name) })
	return ns.Name
}

// clear deletes what a test leaves in its namespace, finalizers or not, once its operators have stopped: all tests of a
// package share one API server, and an operator that watches every namespace would find the policy of a test before it.
func (w *World) clear(t testing.TB, namespace string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, list := range []client.ObjectList{&v1alpha1.PilotWaveList{}, &v1alpha1.PasskeyPolicyList{}, &v1alpha1.TenantList{}} {
		if err := w.Kube.List(ctx, list, client.InNamespace(namespace)); err != nil {
			t.Errorf("list what the test left: %v", err)
			continue
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			o, ok := item.(client.Object)
			if !ok {
				return fmt.Errorf("%T is no object", item)
			}
			if o.GetFinalizers() != nil {
				patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
				if err := w.Kube.Patch(ctx, o, patch); client.IgnoreNotFound(err) != nil {
					return err
				}
			}
			return client.IgnoreNotFound(w.Kube.Delete(ctx, o))
		})
		if err != nil {
			t.Errorf("delete what the test left: %v", err)
		}
	}
}

// StartOperator runs an operator for the world's namespace until the returned function is called. A test may run several,
// one after the other or, with leader election off, at the same time. See Run for one that can be watched and cut off.
func (w *World) StartOperator(t testing.TB) (stop func()) {
	t.Helper()
	return w.Run(t).Stop
}

// loggerSet guards the logger of controller-runtime, which all worlds of a process share.
var loggerSet sync.Once

// setLogger takes the first logger that is asked for; a world without one silences the library's own warning.
func setLogger(l logr.Logger) {
	if l.GetSink() != nil {
		ctrl.SetLogger(l)
		return
	}
	loggerSet.Do(func() {
		if os.Getenv("TIDEGATE_TEST_LOG") != "" {
			ctrl.SetLogger(zap.New(zap.UseDevMode(true)))
			return
		}
		ctrl.SetLogger(logr.Discard())
	})
}

// pace turns a wait on the world's clock into real time.
func (w *World) pace(d time.Duration) time.Duration {
	if w.opts.Speed > 0 {
		return time.Duration(float64(d) / w.opts.Speed)
	}
	return w.opts.Poll
}

// Tune makes a Graph client fit for a simulator: no waiting that is real time.
func Tune(c *graph.Config) {
	c.ExportPollInterval, c.RetryBase, c.RetryCap, c.MaxAttempts = 5*time.Millisecond, time.Millisecond, 10*time.Millisecond, 3
	c.ThrottleBase, c.MaxRetryWait = 10*time.Millisecond, 50*time.Millisecond
	c.Limits = graph.Unlimited()
}

// Apply creates objects in the world's namespace.
func (w *World) Apply(t testing.TB, objs ...client.Object) {
	t.Helper()
	for _, o := range objs {
		o.SetNamespace(w.Namespace)
		if err := w.Kube.Create(t.Context(), o); err != nil {
			t.Fatalf("create %T %s: %v", o, o.GetName(), err)
		}
	}
}

// Get reads an object of the world's namespace again.
func (w *World) Get(ctx context.Context, name string, into client.Object) error {
	return w.Kube.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: name}, into)
}

// Wave reads a wave.
func (w *World) Wave(t testing.TB, name string) *v1alpha1.PilotWave {
	t.Helper()
	wave := &v1alpha1.PilotWave{}
	if err := w.Get(t.Context(), name, wave); err != nil {
		t.Fatalf("read wave %s: %v", name, err)
	}
	return wave
}

// Edit changes an object, again and again until no other write comes in between.
func (w *World) Edit(t testing.TB, obj client.Object, change func()) {
	t.Helper()
	Eventually(t, 10*time.Second, func(ctx context.Context) error {
		if err := w.Kube.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
			return err
		}
		change()
		return w.Kube.Update(ctx, obj)
	})
}

// AdvanceUntil moves the manual clock in steps until check returns nil; limit bounds the virtual time. The operator gets
// real time to follow each step.
func (w *World) AdvanceUntil(t testing.TB, stepSize, limit time.Duration, check func(context.Context) error) {
	t.Helper()
	last := fmt.Errorf("not checked yet")
	for passed := time.Duration(0); passed <= limit; passed += stepSize {
		if last = check(t.Context()); last == nil {
			return
		}
		if err := w.Sim.Advance(stepSize); err != nil {
			t.Fatalf("advance: %v", err)
		}
		for range 10 {
			if last = check(t.Context()); last == nil {
				return
			}
			time.Sleep(w.opts.Poll / 2)
		}
	}
	t.Fatalf("not within %s of virtual time: %v", limit, last)
}

// InPhase checks that a wave is in one of the phases.
func (w *World) InPhase(name string, phases ...v1alpha1.WavePhase) func(context.Context) error {
	return func(ctx context.Context) error {
		wave := &v1alpha1.PilotWave{}
		if err := w.Get(ctx, name, wave); err != nil {
			return err
		}
		for _, p := range phases {
			if wave.Status.Phase == p {
				return nil
			}
		}
		return fmt.Errorf("wave %s is %s (%s: %s), want %v", name, wave.Status.Phase, wave.Status.Decision.Reason, wave.Status.Decision.Message, phases)
	}
}
