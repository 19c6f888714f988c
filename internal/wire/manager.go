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
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/controllers"
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
	if err := addControllers(mgr, o, func() bool { return ctx.Err() != nil }); err != nil {
		return nil, err
	}
	op := &operator{mgr}
	return op, op.addProbes()
}

// operator is a manager that can be stopped at any time.
type operator struct{ ctrl.Manager }

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
			BindAddress: o.MetricsAddress, SecureServing: o.MetricsSecure, TLSOpts: []func(*tls.Config){noHTTP2},
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
			MaxConcurrentReconciles: o.MaxConcurrentReconciles,
			ReconciliationTimeout:   o.ReconcileTimeout,
			EnableWarmup:            ptr.To(true),
			SkipNameValidation:      &o.SkipNameValidation,
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

func addControllers(mgr ctrl.Manager, o Options, asked func() bool) error {
	m, err := controllers.NewMetrics(o.Registry)
	if err != nil {
		return err
	}
	kit := controllers.Kit{
		Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Recorder: mgr.GetEventRecorder("tidegate"), Clock: o.Clock, Pace: o.Pace, Asked: asked, Metrics: m,
	}
	store := fleet.NewStore()
	store.Memory = newRoom(o.MemoryLimit)
	spool := graph.NewSpool(o.SpoolSize)
	tune := func(c *graph.Config) {
		c.Memory, c.Spool = store.Memory, spool
		o.tuneGraph(c)
	}
	each := controller.Options{}
	tenant := &controllers.TenantReconciler{Kit: kit, Store: store, Tune: tune, Registry: o.Registry}
	if err := tenant.SetupWithManager(mgr, each); err != nil {
		return fmt.Errorf("set up Tenant controller: %w", err)
	}
	policy := controllers.NewPasskeyPolicyReconciler(kit, store, mgr.GetAPIReader())
	if err := policy.SetupWithManager(mgr, each); err != nil {
		return fmt.Errorf("set up PasskeyPolicy controller: %w", err)
	}
	wave := &controllers.PilotWaveReconciler{Kit: kit, Store: store}
	if err := wave.SetupWithManager(mgr, each); err != nil {
		return fmt.Errorf("set up PilotWave controller: %w", err)
	}
	return nil
}

func (o *operator) addProbes() error {
	if err := o.AddHealthzCheck("ping", healthz.Ping); err != nil {
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

// tuneGraph sets the budget of each new Graph client, and then what the caller wants otherwise.
func (o *Options) tuneGraph(c *graph.Config) {
	c.Limits = graph.ShareOf(o.GraphBudget)
	if o.TuneGraph != nil {
		o.TuneGraph(c)
	}
}
