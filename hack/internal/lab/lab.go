// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lab is Tidegate on one machine: a real API server and etcd, config/default installed as it is shipped, a
// simulated Microsoft tenant, and the operator, on one accelerated clock. The operator has the service account, the
// rights and the flags of the shipped Deployment, and the admission policies are in force.
//
// What a cluster has besides is missing: no kubelet runs the Deployment (the operator runs in the lab's own process), and
// no controller manager collects garbage, empties a deleted namespace or extends the built-in roles.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// Lab is everything that runs.
type Lab struct {
	options Options
	tenant  tenantsim.Options

	// Kube and Config reach the API server as an administrator.
	Kube   client.Client
	Config *rest.Config
	// Sim is the tenant, SimURL and SimCA reach it.
	Sim    *tenantsim.Server
	SimURL string
	SimCA  []byte
	// Clock is the clock of tenant and operator.
	Clock *Clock
	// Dir holds what a person needs, see the Describe method; it goes with the lab.
	Dir string

	env      *envtest.Environment
	people   []string // users beside the administrator, by the role that they hold
	manager  shipped
	refusals refusals
	stop     context.CancelFunc
	done     chan struct{} // closed when the operator has ended
	failure  error         // of the operator; read it after done
	closers  []func() error
}

// Start brings everything up, in order, and says so part by part. Close the lab afterwards.
func Start(ctx context.Context, o Options) (*Lab, error) {
	tenant, err := o.tenant()
	if err != nil {
		return nil, err
	}
	l := &Lab{options: o, tenant: tenant, done: make(chan struct{})}
	if l.Dir, err = os.MkdirTemp("", "tidegate-lab-"); err != nil {
		return nil, fmt.Errorf("make a folder for the lab: %w", err)
	}
	l.closers = append(l.closers, func() error { return os.RemoveAll(l.Dir) })
	for _, part := range []struct {
		what  string
		start func(context.Context) error
	}{
		{"Kubernetes API server and etcd", l.startControlPlane},
		{"config/default as shipped, admission policies in force", l.install},
		{fmt.Sprintf("Microsoft tenant, simulated: %d devices, %s", o.Devices, pace(o.Speed)), l.startTenant},
		{"operator, with the account, rights and flags of its Deployment", l.startOperator},
	} {
		began := time.Now()
		if err := errors.Join(ctx.Err(), part.start(ctx)); err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", part.what, err), l.Close())
		}
		o.Say("started  %-72s %5.1fs", part.what, time.Since(began).Seconds())
	}
	return l, nil
}

func pace(speed float64) string {
	if speed == 0 {
		return "time stands until it is moved"
	}
	return fmt.Sprintf("time runs %.0f times as fast", speed)
}

// Done is closed when the operator has ended, which it should not before Close; Err says why.
func (l *Lab) Done() <-chan struct{} { return l.done }

// Err is why the operator ended; call it after Done only.
func (l *Lab) Err() error { return l.failure }

// Close stops everything, the operator first, and removes the lab's folder.
func (l *Lab) Close() error {
	var all []error
	if l.stop != nil {
		l.stop()
		<-l.done
		if l.failure != nil {
			all = append(all, fmt.Errorf("operator: %w", l.failure))
		}
		l.stop = nil
	}
	for i := len(l.closers) - 1; i >= 0; i-- {
		if err := l.closers[i](); err != nil && !errors.Is(err, io.EOF) {
			all = append(all, fmt.Errorf("clean up: %w", err))
		}
	}
	l.closers = nil
	return errors.Join(all...)
}

// file is the path of a file in the lab's folder.
func (l *Lab) file(name string) string { return filepath.Join(l.Dir, name) }

// write keeps a file for the person who uses the lab, and for nobody else.
func (l *Lab) write(name string, data []byte) error {
	if err := os.WriteFile(l.file(name), data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
