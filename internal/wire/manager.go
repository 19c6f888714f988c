// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/controllers"
	"github.com/tidegate/tidegate/internal/fair"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
)

// leaseName is the leader election lease; all versions of the operator share it.
const leaseName = "tidegate-leader"

// probeWait is how long the readiness probe waits for the caches before it says no. The kubelet gives up after a second.
const probeWait = 500 * time.Millisecond

// Scheme knows every type that the operator reads or writes.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// NewManager builds a manager with all controllers, ready to start. ctx ends when the process is asked to stop, and no sooner:
// what a reconcile is writing then may still finish, which it may not when the lease is lost.
func NewManager(ctx context.Context, rc *rest.Config, o Options) (ctrl.Manager, error) {
	o.withDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(rc, managerOptions(o))
	if err != nil && o.LeaderElect && o.LeaderElectionNamespace == "" {
		return nil, fmt.Errorf("set up manager: %w (outside of a cluster, --leader-election-namespace says where the lease goes)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("set up manager: %w", err)
	}
	if err := controllers.AddIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	store := newStore(o)
	op := &operator{Manager: mgr, pulse: newPulse(o, store)}
	if err := op.addControllers(ctx, o, store); err != nil {
		return nil, err
	}
	return op, op.addProbes()
}

// operator is a manager that can be stopped at any time.
type operator struct {
	ctrl.Manager
	pulse *pulse
}

// Start runs until ctx ends. The manager below does not look at ctx before its caches have synced, which they never do
// without the rights to read; nothing has been started by then, so there is nothing to wait for.
func (o *operator) Start(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- o.Manager.Start(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	if !o.synced(context.WithoutCancel(ctx)) {
		return nil
	}
	return <-done
}

// synced says whether the caches are in step with the API server; it waits for them a little.
func (o *operator) synced(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	return o.GetCache().WaitForCacheSync(ctx)
}

func managerOptions(o Options) ctrl.Options {
	opts := ctrl.Options{
		Scheme:                        Scheme(),
		Logger:                        quiet(o.Log),
		HealthProbeBindAddress:        o.ProbeAddress,
		LeaderElection:                o.LeaderElect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true, // main returns right after Start does
		GracefulShutdownTimeout:       &o.GracefulShutdown,
		Metrics: metricsserver.Options{
			BindAddress: o.MetricsAddress, SecureServing: o.MetricsSecure, CertDir: o.MetricsCertDir, TLSOpts: []func(*tls.Config){noHTTP2},
		},
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
		},
		Client: client.Options{
			FieldOwner: controllers.FieldOwner,
			Cache: &client.CacheOptions{
				// Ledgers are large and read past the cache (journal.Store): a stray read must not make an informer for them.
				DisableFor:                      []client.Object{&corev1.Secret{}, &corev1.Namespace{}, &v1alpha1.WaveLedger{}},
				EnableReadYourWritesConsistency: ptr.To(true),
			},
		},
		Controller: config.Controller{
			ReconciliationTimeout: o.ReconcileTimeout,
			EnableWarmup:          ptr.To(true),
			SkipNameValidation:    &o.SkipNameValidation,
		},
	}
	if o.MetricsSecure {
		opts.Metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	if o.Namespace != "" {
		opts.Cache.DefaultNamespaces = map[string]cache.Config{o.Namespace: {}}
	}
	return opts
}

// newStore holds what the process knows of tenants, within the memory that it has.
func newStore(o Options) *fleet.Store {
	store := fleet.NewStore()
	store.Memory = newRoom(o.MemoryLimit)
	return store
}

func (o *operator) addControllers(ctx context.Context, opts Options, store *fleet.Store) error {
	m, err := controllers.NewMetrics(opts.Registry)
	if err != nil {
		return err
	}
	kit := controllers.Kit{
		Client: o.GetClient(), Reader: o.GetAPIReader(), Recorder: o.GetEventRecorder("tidegate"), Clock: opts.Clock, Pace: opts.Pace, Metrics: m,
		Asked: func() bool { return ctx.Err() != nil },
	}
	lanes, err := o.lanes(ctx)
	if err != nil {
		return err
	}
	trust, err := opts.trust()
	if err != nil {
		return err
	}
	tenant := &controllers.TenantReconciler{Kit: kit, Store: store, Trust: trust, Tune: opts.tuneAll(store), Registry: opts.Registry}
	if err := tenant.SetupWithManager(o, o.workers(opts, lanes.OfTenant)); err != nil {
		return fmt.Errorf("set up Tenant controller: %w", err)
	}
	policy := controllers.NewPasskeyPolicyReconciler(kit, store, o.GetAPIReader())
	if err := policy.SetupWithManager(o, o.workers(opts, lanes.OfPolicy)); err != nil {
		return fmt.Errorf("set up PasskeyPolicy controller: %w", err)
	}
	wave := &controllers.PilotWaveReconciler{Kit: kit, Store: store}
	if err := wave.SetupWithManager(o, o.workers(opts, lanes.OfWave)); err != nil {
		return fmt.Errorf("set up PilotWave controller: %w", err)
	}
	return nil
}

// slowTenants is how many tenants may each keep all workers that they have a right to waiting before others notice.
const slowTenants = 8

// workers are those of one controller: so many for each tenant as the options say, and several times as many in all, which
// cost next to nothing while they wait.
func (o *operator) workers(opts Options, lane func(reconcile.Request) string) controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: slowTenants * opts.MaxConcurrentReconciles,
		NewQueue:                fair.Maker(o.GetLogger(), opts.MaxConcurrentReconciles, lane, o.pulse.watch),
	}
}

// lanes knows which tenant policies and waves are about.
func (o *operator) lanes(ctx context.Context) (*fair.Lanes, error) {
	lanes := fair.NewLanes()
	for _, obj := range []client.Object{&v1alpha1.PasskeyPolicy{}, &v1alpha1.PilotWave{}} {
		informer, err := o.GetCache().GetInformer(ctx, obj, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("hear of %T: %w", obj, err)
		}
		if _, err := informer.AddEventHandler(lanes.Handler()); err != nil {
			return nil, fmt.Errorf("hear of %T: %w", obj, err)
		}
	}
	return lanes, nil
}

func (o *operator) addProbes() error {
	if err := o.AddHealthzCheck("workers", func(*http.Request) error { return o.pulse.check() }); err != nil {
		return fmt.Errorf("add liveness probe: %w", err)
	}
	ready := func(req *http.Request) error {
		if !o.synced(req.Context()) {
			return errors.New("the caches are not in step with the API server yet")
		}
		return nil
	}
	if err := o.AddReadyzCheck("caches", ready); err != nil {
		return fmt.Errorf("add readiness probe: %w", err)
	}
	return nil
}

// tuneAll lets all Graph clients share the memory and the disk of the process.
func (o *Options) tuneAll(store *fleet.Store) func(*graph.Config) {
	spool := graph.NewSpool(o.SpoolSize)
	return func(c *graph.Config) {
		c.Memory, c.Spool = store.Memory, spool
		o.tuneGraph(c)
	}
}

// tuneGraph sets the budget of each new Graph client, and then what the caller wants otherwise.
func (o *Options) tuneGraph(c *graph.Config) {
	c.Limits = graph.ShareOf(o.GraphBudget)
	if o.TuneGraph != nil {
		o.TuneGraph(c)
	}
}
