// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/wire"
)

// shipped is how the Deployment of config/default runs the operator.
type shipped struct {
	namespace, account string
	options            wire.Options
	logging            zap.Options
}

// deployment reads the one Deployment that was installed.
func (l *Lab) deployment(ctx context.Context) (shipped, error) {
	var list appsv1.DeploymentList
	if err := l.Kube.List(ctx, &list); err != nil {
		return shipped{}, fmt.Errorf("read the Deployment: %w", err)
	}
	if len(list.Items) != 1 || len(list.Items[0].Spec.Template.Spec.Containers) != 1 {
		return shipped{}, fmt.Errorf("config/default has %d Deployments, want one with one container", len(list.Items))
	}
	d := &list.Items[0]
	s := shipped{namespace: d.Namespace, account: d.Spec.Template.Spec.ServiceAccountName, options: wire.Default()}
	flags := pflag.NewFlagSet("tidegate", pflag.ContinueOnError)
	s.options.Bind(flags)
	logFlags := flag.NewFlagSet("", flag.ContinueOnError)
	s.logging.BindFlags(logFlags)
	flags.AddGoFlagSet(logFlags)
	if err := flags.Parse(d.Spec.Template.Spec.Containers[0].Args); err != nil {
		return shipped{}, fmt.Errorf("flags of the Deployment: %w", err)
	}
	return s, nil
}

// startOperator runs the operator as its pod would.
func (l *Lab) startOperator(ctx context.Context) error {
	var err error
	if l.manager, err = l.deployment(ctx); err != nil {
		return err
	}
	if err := l.outsideOfPod(&l.manager.options); err != nil {
		return err
	}
	if err := l.openLog(); err != nil {
		return err
	}
	rc, err := l.identity(ctx)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	mgr, err := wire.NewManager(running, rc, l.manager.options)
	if err != nil {
		stop()
		return err
	}
	l.stop = stop
	go func() {
		defer close(l.done)
		l.failure = mgr.Start(running)
	}()
	return l.awaitOperator(ctx, mgr.Elected())
}

// outsideOfPod replaces what only means something in a pod: its namespace, and ports that nobody else has; and allows the one host
// that is not Microsoft's.
func (l *Lab) outsideOfPod(o *wire.Options) error {
	if o.LeaderElectionNamespace == "" {
		o.LeaderElectionNamespace = l.manager.namespace
	}
	for _, address := range []*string{&o.MetricsAddress, &o.ProbeAddress} {
		if *address == "0" {
			continue
		}
		var err error
		if *address, err = freeAddress(); err != nil {
			return err
		}
	}
	o.EndpointHosts = append(o.EndpointHosts, strings.TrimPrefix(l.SimURL, "https://"))
	o.SkipNameValidation = true // a test has several labs in its life
	o.Clock, o.Pace = l.Clock, l.Clock.Pace
	o.TuneGraph = func(c *graph.Config) { c.Clock = l.Clock } // its limits and waits are those of the tenant's time
	return nil
}

// freeAddress is an address on which nothing listens.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// openLog sends the operator's log to where it is wanted.
func (l *Lab) openLog() error {
	out := l.options.Log
	if out == nil {
		file, err := os.OpenFile(l.file(logFile), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("open the operator's log: %w", err)
		}
		l.closers = append(l.closers, file.Close)
		out = file
	}
	wire.UseLog(zap.New(zap.UseFlagOptions(&l.manager.logging), zap.WriteTo(out)))
	return nil
}

// identity reaches the API server as the service account of the Deployment, and notes what is refused.
func (l *Lab) identity(ctx context.Context) (*rest.Config, error) {
	token, err := l.token(ctx, l.manager.namespace, l.manager.account)
	if err != nil {
		return nil, err
	}
	rc := rest.AnonymousClientConfig(l.Config)
	rc.BearerToken, rc.QPS = token, -1 // as main has it
	rc.Wrap(l.refusals.tap)
	return rc, nil
}

// awaitOperator waits until the operator leads and calls itself ready, as the kubelet would ask it.
func (l *Lab) awaitOperator(ctx context.Context, elected <-chan struct{}) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		select {
		case <-l.done:
			return false, errors.Join(errors.New("it has ended"), l.failure)
		case <-elected:
			return l.ready(ctx), nil
		default:
			return false, nil
		}
	})
	if refused := l.Refused(); err != nil && len(refused) > 0 {
		return fmt.Errorf("%w; the API server refused %s", err, strings.Join(refused, "; "))
	}
	return err
}

func (l *Lab) ready(ctx context.Context) bool {
	address := l.manager.options.ProbeAddress
	if address == "0" {
		return true
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// refusals notes what the API server does not let the operator do.
type refusals struct {
	mu   sync.Mutex
	list []string
}

// Refused lists the requests of the operator that the API server has refused, by a missing right, an admission policy or
// a rule of a resource: each is a fault of what is shipped.
func (l *Lab) Refused() []string {
	l.refusals.mu.Lock()
	defer l.refusals.mu.Unlock()
	return slices.Clone(l.refusals.list)
}

// tap lets the list see the traffic of a client.
func (r *refusals) tap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		answer, err := next.RoundTrip(req)
		if err != nil {
			return answer, err
		}
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity:
			return answer, r.note(req, answer)
		}
		return answer, nil
	})
}

// note keeps a refusal, and the API server's own words with it.
func (r *refusals) note(req *http.Request, answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return fmt.Errorf("read the refusal: %w", err)
	}
	answer.Body = io.NopCloser(strings.NewReader(string(body)))
	line := fmt.Sprintf("%s %s: %d: %s", req.Method, req.URL.Path, answer.StatusCode, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.list, line) {
		r.list = append(r.list, line)
	}
	return nil
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
