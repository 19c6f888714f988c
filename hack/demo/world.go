// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/wire"
)

// namespace is where the demo's objects live.
const namespace = "demo"

// world is everything that runs.
type world struct {
	cfg        settings
	env        *envtest.Environment
	sim        *tenantsim.Server
	clock      *tenantsim.Clock
	simURL     string
	simCA      []byte
	kube       client.Client
	kubeconfig []byte
	dir        string
	stop       context.CancelFunc
	stopped    chan error
}

func newWorld(ctx context.Context, cfg settings, screen *screen) (*world, error) {
	w := &world{cfg: cfg, stopped: make(chan error, 1)}
	var err error
	if w.dir, err = os.MkdirTemp("", "tidegate-demo-"); err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	for _, part := range []struct {
		what  string
		start func(context.Context) error
	}{
		{"Kubernetes API server and etcd", w.startControlPlane},
		{fmt.Sprintf("Microsoft tenant, simulated: %d devices, time runs %.0f times as fast", cfg.devices, cfg.speed), w.startTenant},
		{"operator", w.startOperator},
	} {
		began := time.Now()
		if err := part.start(ctx); err != nil {
			w.close(screen)
			return nil, fmt.Errorf("start %s: %w", part.what, err)
		}
		screen.line("started  %-72s %5.1fs", part.what, time.Since(began).Seconds())
	}
	return w, nil
}

func (w *world) startControlPlane(context.Context) error {
	w.env = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	etcd := w.env.ControlPlane.GetAPIServer().Configure()
	etcd.Append("watch-cache-sizes", "pilotwaves.tidegate.dev#0")
	rc, err := w.env.Start()
	if err != nil {
		return err
	}
	if w.kube, err = client.New(rc, client.Options{Scheme: wire.Scheme()}); err != nil {
		return err
	}
	user, err := w.env.AddUser(envtest.User{Name: "demo-admin", Groups: []string{"system:masters"}}, rc)
	if err != nil {
		return err
	}
	w.kubeconfig, err = user.KubeConfig()
	return err
}

func (w *world) startTenant(context.Context) error {
	scenario, ok := tenantsim.BuiltinScenario("baseline-conflict")
	if !ok {
		return errors.New("the simulator has no scenario baseline-conflict")
	}
	// The story takes about three weeks. It starts five weeks ago on a Monday, so that every time in it lies in the past.
	start := time.Now().UTC().AddDate(0, 0, -35).Truncate(24 * time.Hour).Add(6 * time.Hour)
	for start.Weekday() != time.Monday {
		start = start.AddDate(0, 0, -1)
	}
	w.clock = tenantsim.NewClock(start, w.cfg.speed)
	var err error
	w.sim, err = tenantsim.New(tenantsim.Options{Seed: w.cfg.seed, Devices: w.cfg.devices, Clock: w.clock, Scenario: scenario})
	if err != nil {
		return err
	}
	w.simURL, w.simCA, err = w.sim.Start("127.0.0.1:0")
	return err
}

func (w *world) startOperator(ctx context.Context) error {
	logs := logr.Discard()
	if w.cfg.verbose {
		logs = zap.New(zap.UseDevMode(true))
	}
	ctrl.SetLogger(logs)
	o := wire.Default()
	o.MetricsAddress, o.ProbeAddress = "0", "0"
	o.LeaderElect, o.LeaderElectionNamespace = true, "default"
	o.Registry, o.Clock = prometheus.NewRegistry(), w.clock
	o.Pace = func(d time.Duration) time.Duration { return time.Duration(float64(d) / w.cfg.speed) }
	o.TuneGraph = func(c *graph.Config) {
		// The client's waits are real time; the simulated service answers in accelerated time.
		c.ExportPollInterval = 20 * time.Millisecond
		c.Limits = graph.Unlimited()
	}
	mgr, err := wire.NewManager(ctx, w.env.Config, o)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	go func() { w.stopped <- mgr.Start(running) }()
	select {
	case <-mgr.Elected():
		return nil
	case err := <-w.stopped:
		return fmt.Errorf("the manager ended: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// apply sends config/samples, with the tenant pointed at the simulator.
func (w *world) apply(ctx context.Context) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := w.kube.Create(ctx, ns); err != nil {
		return fmt.Errorf("create namespace: %w", err)
	}
	for _, file := range []string{"tenant_secret", "tenant", "passkeypolicy", "wave_1_canary", "wave_2_pilot", "wave_3_early", "wave_4_broad"} {
		data, err := os.ReadFile(filepath.Join("config", "samples", file+".yaml"))
		if err != nil {
			return fmt.Errorf("read sample: %w", err)
		}
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(data, obj); err != nil {
			return fmt.Errorf("parse sample %s: %w", file, err)
		}
		obj.SetNamespace(namespace)
		if err := w.adapt(obj); err != nil {
			return fmt.Errorf("adapt sample %s: %w", file, err)
		}
		if err := w.kube.Create(ctx, obj); err != nil {
			return fmt.Errorf("apply sample %s: %w", file, err)
		}
	}
	return nil
}

// adapt replaces what a person would fill in: credentials, ids, and where the tenant is.
func (w *world) adapt(obj *unstructured.Unstructured) error {
	set := func(value any, path ...string) error { return unstructured.SetNestedField(obj.Object, value, path...) }
	switch obj.GetKind() {
	case "Secret":
		return set(w.sim.ClientSecret(), "stringData", "clientSecret")
	case "Tenant":
		return errors.Join(
			set(w.sim.TenantID(), "spec", "tenantID"),
			set(w.sim.ClientID(), "spec", "auth", "clientSecret", "clientID"),
			set(map[string]any{"graphURL": w.simURL, "authorityURL": w.simURL, "caBundle": string(w.simCA)}, "spec", "endpoint"),
			set("2h", "spec", "inventory", "refreshInterval"),
		)
	}
	return nil
}

func (w *world) waves(ctx context.Context) ([]v1alpha1.PilotWave, error) {
	var list v1alpha1.PilotWaveList
	if err := w.kube.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list waves: %w", err)
	}
	return list.Items, nil
}

// hold leaves everything running until the person interrupts.
func (w *world) hold(ctx context.Context, screen *screen, failure error) error {
	path := filepath.Join(w.dir, "kubeconfig")
	if err := os.WriteFile(path, w.kubeconfig, 0o600); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	kubectl := filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl")
	screen.line("")
	screen.line("Everything is still running. In another terminal:")
	screen.line("  export KUBECONFIG=%s", path)
	screen.line("  %s -n %s get tidegate", kubectl, namespace)
	screen.line("  %s explain pilotwave.spec.gate", kubectl)
	screen.line("  curl --cacert %s %s/_sim/", w.caFile(screen), w.simURL)
	screen.line("Ctrl-C ends it.")
	<-ctx.Done()
	return failure
}

func (w *world) caFile(screen *screen) string {
	path := filepath.Join(w.dir, "ca.pem")
	if err := os.WriteFile(path, w.simCA, 0o600); err != nil {
		screen.line("cannot write the simulator's CA: %v", err)
	}
	return path
}

func (w *world) close(screen *screen) {
	if w.stop != nil {
		w.stop()
		if err := <-w.stopped; err != nil {
			screen.line("operator: %v", err)
		}
	}
	closers := []func() error{func() error { return os.RemoveAll(w.dir) }}
	if w.sim != nil {
		closers = append(closers, w.sim.Close)
	}
	if w.env != nil {
		closers = append(closers, w.env.Stop)
	}
	for _, c := range closers {
		if err := c(); err != nil && !errors.Is(err, io.EOF) {
			screen.line("cleaning up: %v", err)
		}
	}
}
