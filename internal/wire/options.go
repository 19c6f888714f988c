// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/tidegate/tidegate/internal/credential"
	"github.com/tidegate/tidegate/internal/graph"
)

// Options are the settings of one operator process.
type Options struct {
	// MetricsAddress serves /metrics; "0" switches it off.
	MetricsAddress string
	// MetricsSecure serves /metrics over TLS and only to callers whose token may read it (RBAC on /metrics).
	MetricsSecure bool
	// MetricsCertDir holds tls.crt and tls.key for /metrics, which are read again when they change; where they are not at the
	// start, or this is empty, the process makes a certificate of its own.
	MetricsCertDir string
	// ProbeAddress serves /healthz and /readyz; "0" switches it off.
	ProbeAddress string
	// LeaderElect makes replicas take turns: only one acts.
	LeaderElect bool
	// Namespace limits the operator to one namespace; empty means all.
	Namespace string
	// LeaderElectionNamespace holds the lease; empty means the namespace that the process runs in.
	LeaderElectionNamespace string
	// MaxConcurrentReconciles for each kind and tenant, at least 1; all tenants together have eight times as many.
	MaxConcurrentReconciles int
	// GraphBudget is the share of Microsoft's published limits that is used of each tenant, in percent: 1 to 100. Other
	// applications, and people in the portal, share the limits of a tenant.
	GraphBudget int
	// IdentityNamespaces are the namespaces whose Tenants may sign in with the operator's own workload identity; none by default.
	IdentityNamespaces []string
	// EndpointHosts are the hosts, as host or host:port, that spec.endpoint of a Tenant may name; none by default.
	EndpointHosts []string
	// ReconcileTimeout ends a reconcile that hangs. An inventory of a large tenant takes minutes.
	ReconcileTimeout time.Duration
	// SpoolSize is the disk in the directory for temporary files that report archives may use together, in bytes; at least
	// one of the largest, twice graph.MaxArchive. Keep it below the size of the volume.
	SpoolSize int64
	// GracefulShutdown is how long running reconciles may take to finish after the signal to stop; 0 does not wait.
	// Keep it below the pod's terminationGracePeriodSeconds, or the lease is not handed over.
	GracefulShutdown time.Duration

	// The rest is for callers other than main.

	// MemoryLimit is what the process may use, in bytes, see LimitMemory; 0 for no limit.
	MemoryLimit int64
	// Log takes the log of this operator, at level 6 and below; the zero value is the log of the process, see UseLog.
	Log logr.Logger
	// Clock is the source of now; nil is real time.
	Clock clock.PassiveClock
	// Pace turns a duration on Clock into real time; nil is one to one.
	Pace func(time.Duration) time.Duration
	// TuneGraph adjusts the configuration of each Graph client; nil leaves it.
	TuneGraph func(*graph.Config)
	// Registry takes the operator's metrics; nil is controller-runtime's own, which /metrics serves.
	Registry prometheus.Registerer
	// SkipNameValidation lets several managers run in one process, as tests do.
	SkipNameValidation bool
}

// Default is what the program uses without flags.
func Default() Options {
	return Options{
		MetricsAddress: ":8443", MetricsSecure: true, ProbeAddress: ":8081",
		MaxConcurrentReconciles: 8, GraphBudget: graph.DefaultShare, ReconcileTimeout: 30 * time.Minute, GracefulShutdown: 20 * time.Second,
		SpoolSize: 896 << 20,
	}
}

// Bind adds one flag for each option that a person sets.
func (o *Options) Bind(f *pflag.FlagSet) {
	f.StringVar(&o.MetricsAddress, "metrics-bind-address", o.MetricsAddress, "address of /metrics; 0 switches it off")
	f.BoolVar(&o.MetricsSecure, "metrics-secure", o.MetricsSecure, "serve /metrics over TLS, to authorized callers only")
	f.StringVar(&o.MetricsCertDir, "metrics-cert-dir", o.MetricsCertDir, "directory with tls.crt and tls.key for /metrics; without them the manager signs its own certificate")
	f.StringVar(&o.ProbeAddress, "health-probe-bind-address", o.ProbeAddress, "address of /healthz and /readyz; 0 switches them off")
	f.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect, "let only one of several replicas act")
	f.StringVar(&o.Namespace, "namespace", o.Namespace, "manage only this namespace; empty means all")
	f.StringVar(&o.LeaderElectionNamespace, "leader-election-namespace", o.LeaderElectionNamespace, "namespace of the lease; empty means the one that the operator runs in")
	f.IntVar(&o.MaxConcurrentReconciles, "max-concurrent-reconciles", o.MaxConcurrentReconciles, "reconciles that run at the same time for each kind and tenant")
	f.IntVar(&o.GraphBudget, "graph-budget", o.GraphBudget, "share of Microsoft's published request limits to use of each tenant, in percent")
	f.StringSliceVar(&o.IdentityNamespaces, "workload-identity-namespaces", o.IdentityNamespaces,
		"namespaces whose Tenants may sign in with the operator's own workload identity, separated by commas; empty means none")
	f.StringSliceVar(&o.EndpointHosts, "allow-endpoint-hosts", o.EndpointHosts,
		"hosts that spec.endpoint of a Tenant may name beside Microsoft's own, as host or host:port separated by commas; empty means none")
	f.DurationVar(&o.ReconcileTimeout, "reconcile-timeout", o.ReconcileTimeout, "end a reconcile that takes longer")
	f.Int64Var(&o.SpoolSize, "spool-size", o.SpoolSize, "disk that report archives may use together in the directory for temporary files, in bytes")
	f.DurationVar(&o.GracefulShutdown, "graceful-shutdown-timeout", o.GracefulShutdown, "time for running reconciles to finish after the signal to stop")
}

// Validate names the first option that cannot work and what to write instead.
func (o *Options) Validate() error {
	switch {
	case o.MaxConcurrentReconciles < 1:
		return fmt.Errorf("--max-concurrent-reconciles is %d: write at least 1", o.MaxConcurrentReconciles)
	case o.GraphBudget < 1 || o.GraphBudget > 100:
		return fmt.Errorf("--graph-budget is %d: write a share from 1 to 100 percent", o.GraphBudget)
	case o.ReconcileTimeout <= 0:
		return fmt.Errorf("--reconcile-timeout is %s: write a positive duration, for example 30m", o.ReconcileTimeout)
	case o.SpoolSize < 2*graph.MaxArchive:
		return fmt.Errorf("--spool-size is %d: write at least %d, twice the largest report archive", o.SpoolSize, 2*graph.MaxArchive)
	case o.GracefulShutdown < 0:
		return fmt.Errorf("--graceful-shutdown-timeout is %s: write 0 or more, for example 20s", o.GracefulShutdown)
	}
	_, err := o.trust()
	return errors.Join(err,
		checkAddress("--metrics-bind-address", o.MetricsAddress), checkAddress("--health-probe-bind-address", o.ProbeAddress),
		checkNamespace("--namespace", o.Namespace), checkNamespace("--leader-election-namespace", o.LeaderElectionNamespace),
	)
}

// trust reads what is allowed to those who may write Tenants, or says which entry cannot be meant.
func (o *Options) trust() (credential.Trust, error) {
	var wrong []error
	for _, name := range o.IdentityNamespaces {
		if name == "" {
			wrong = append(wrong, errors.New("--workload-identity-namespaces has an empty entry: write the names of namespaces, separated by commas"))
		}
		wrong = append(wrong, checkNamespace("--workload-identity-namespaces", name))
	}
	hosts, err := graph.ParseHosts(o.EndpointHosts)
	if err != nil {
		wrong = append(wrong, fmt.Errorf("--allow-endpoint-hosts: %w", err))
	}
	return credential.Trust{IdentityNamespaces: o.IdentityNamespaces, EndpointHosts: hosts}, errors.Join(wrong...)
}

// checkAddress wants an address to listen on, or 0. An empty one means another port to each server that reads it.
func checkAddress(flag, address string) error {
	if address == "0" {
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%s is %q: write host:port or :port, or 0 to switch it off", flag, address)
	}
	return nil
}

func checkNamespace(flag, name string) error {
	if name == "" {
		return nil
	}
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return fmt.Errorf("%s is %q, which cannot be a namespace: %s", flag, name, strings.Join(problems, ", "))
	}
	return nil
}

func (o *Options) withDefaults() {
	if o.Log.GetSink() == nil {
		o.Log = ctrl.Log
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Registry == nil {
		o.Registry = metrics.Registry
	}
}

// noHTTP2 keeps the metrics server on HTTP/1.1: it has a handful of callers and no use for the larger attack surface.
func noHTTP2(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }
