// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/wire"
)

// Write is one request of an operator that changes something.
type Write struct {
	// Kube is true for a write to the API server, false for one to the tenant.
	Kube bool
	// Method and Path of the request; Path has no query.
	Method, Path string
	// Body as it was sent.
	Body string
}

// String is the write in one line, without its body.
func (w Write) String() string {
	to := "tenant"
	if w.Kube {
		to = "kube"
	}
	return fmt.Sprintf("%s %s %s", to, w.Method, w.Path)
}

// Operator is one operator process of a World. All that it sends passes through it, to the API server and to the tenant,
// so that a test can count its writes, cut it off between any two of them, or lose an answer.
type Operator struct {
	// Name tells it from other operators of the same world.
	Name string

	mu         sync.Mutex
	writes     []Write
	traffic    traffic
	rests      atomic.Int64 // how often a reconcile ended with nothing to do for a while
	cut        bool
	cutWhen    func(Write) bool // consulted before each write
	loseWhen   func(Write) bool
	refuseWhen func(Write) bool
	dead       chan struct{}
	stopped    atomic.Bool

	stop func()
}

// Run starts an operator for the world's namespace. It is stopped with the test at the latest.
func (w *World) Run(t testing.TB) *Operator { return w.run(t, nil) }

// RunUntil starts an operator that is cut off from everything when a write comes up for which cut is true: that write
// and all that would follow is not done, as in a process that was killed.
func (w *World) RunUntil(t testing.TB, cut func(Write) bool) *Operator { return w.run(t, cut) }

func (w *World) run(t testing.TB, cut func(Write) bool) *Operator {
	t.Helper()
	op := &Operator{cutWhen: cut, dead: make(chan struct{})}
	w.addOperator(op)
	o := wire.Default()
	o.MetricsAddress, o.ProbeAddress, o.Namespace, o.SkipNameValidation = "0", "0", w.Namespace, true
	o.EndpointHosts, o.IdentityNamespaces = append([]string{hosts.Of(w.SimURL)}, w.EndpointHosts...), w.IdentityNamespaces
	o.Clock = w.Clock
	o.Pace = func(d time.Duration) time.Duration {
		op.rests.Add(1)
		return w.pace(d)
	}
	o.TuneGraph = func(c *graph.Config) {
		Tune(c)
		// Waits are the tenant's time and as long as in a cluster: who is refused for two seconds tries again, inside the call.
		c.UserAgent, c.Clock = op.Name, newTenantTime(w.Clock)
		c.ThrottleBase, c.MaxRetryWait = 10*time.Second, time.Minute
		c.Transport = w.Network
	}
	w.Registry = prometheus.NewRegistry()
	o.Registry = w.Registry
	rc := rest.CopyConfig(w.Config)
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper { return &kubeTap{op: op, next: next} })
	ctx, cancel := context.WithCancel(context.Background())
	mgr, err := wire.NewManager(ctx, rc, o)
	if err != nil {
		cancel()
		t.Fatalf("operator: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	var once sync.Once
	op.stop = func() {
		once.Do(func() {
			op.stopped.Store(true)
			cancel()
			if err := <-done; err != nil && !op.Dead() {
				t.Errorf("operator %s: %v", op.Name, err)
			}
		})
	}
	t.Cleanup(op.stop)
	warm(ctx, t, mgr)
	return op
}

// warm waits until the operator sees the cluster, so that from then on only requests tell whether it is at rest.
func warm(ctx context.Context, t testing.TB, mgr ctrl.Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	select {
	case <-mgr.Elected():
	case <-ctx.Done():
		t.Fatal("the operator does not start")
	}
	for _, o := range []client.Object{&v1alpha1.Tenant{}, &v1alpha1.PasskeyPolicy{}, &v1alpha1.PilotWave{}} {
		if _, err := mgr.GetCache().GetInformer(ctx, o); err != nil {
			t.Fatalf("the operator's cache: %v", err)
		}
	}
}

// Stop ends the operator as a signal would: what it is doing may finish.
func (o *Operator) Stop() { o.stop() }

// Kill cuts the operator off from everything, then stops it.
func (o *Operator) Kill() {
	o.mu.Lock()
	o.die()
	o.mu.Unlock()
	o.stop()
}

// Dead says whether the operator was cut off.
func (o *Operator) Dead() bool {
	select {
	case <-o.dead:
		return true
	default:
		return false
	}
}

// LoseAnswers lets the tenant do the writes for which lose is true while the operator never hears of it. nil ends that.
func (o *Operator) LoseAnswers(lose func(Write) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.loseWhen = lose
}

// Writes returns everything that the operator wrote so far, each write of a batch by itself.
func (o *Operator) Writes() []Write {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []Write
	for _, w := range o.writes {
		out = append(out, w.each()...)
	}
	return out
}

// each is the write, or the writes that a batch carries.
func (w Write) each() []Write {
	if w.Kube || !strings.HasSuffix(w.Path, "/$batch") {
		return []Write{w}
	}
	var batch struct {
		Requests []struct {
			Method, URL string
			Body        json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(w.Body), &batch); err != nil {
		return []Write{w}
	}
	var out []Write
	for _, q := range batch.Requests {
		if q.Method != http.MethodGet {
			out = append(out, Write{Method: q.Method, Path: strings.TrimSuffix(w.Path, "/$batch") + q.URL, Body: string(q.Body)})
		}
	}
	return out
}

func (o *Operator) die() {
	if !o.cut {
		o.cut = true
		close(o.dead)
	}
}

// Refuse drops the writes for which refuse is true before the tenant or the API server sees them. nil ends that.
func (o *Operator) Refuse(refuse func(Write) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuseWhen = refuse
}

// errRefused is what a request that a test refuses gets.
var errRefused = errors.New("testkit: the request was refused")

// errCut is what a request of a dead operator gets.
var errCut = errors.New("testkit: the operator is cut off")

// begin is called before a request goes out; write is nil for one that only reads. lose asks for its answer to be lost.
func (o *Operator) begin(write *Write) (lose bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.cut && write != nil && o.cutWhen != nil && !bookkeeping(*write) && o.cutWhen(*write) {
		o.die()
	}
	if o.cut {
		return false, errCut
	}
	o.traffic.touch()
	if write != nil && o.refuseWhen != nil && slices.ContainsFunc(write.each(), o.refuseWhen) {
		return false, errRefused
	}
	o.traffic.begin()
	if write == nil {
		return false, nil
	}
	o.writes = append(o.writes, *write)
	return o.loseWhen != nil && slices.ContainsFunc(write.each(), o.loseWhen), nil
}

// refused takes back a write that the tenant did not take, as it was too busy: it is sent again, and is one write.
func (o *Operator) refused(write Write) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := len(o.writes) - 1; i >= 0; i-- {
		if o.writes[i] == write {
			o.writes = slices.Delete(o.writes, i, i+1)
			return
		}
	}
}

func (o *Operator) end() { o.traffic.end() }

// idle is how long the operator has had no request under way.
func (o *Operator) idle() time.Duration {
	if o.gone() {
		return time.Hour
	}
	return o.traffic.idle()
}

// gone says that nothing will come of the operator any more.
func (o *Operator) gone() bool { return o.Dead() || o.stopped.Load() }

// traffic knows whether requests are under way, and since when there are none.
type traffic struct {
	mu       sync.Mutex
	inFlight int
	last     time.Time
}

func (a *traffic) begin() { a.add(1) }
func (a *traffic) end()   { a.add(-1) }
func (a *traffic) touch() { a.add(0) }

func (a *traffic) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight += n
	a.last = time.Now()
}

func (a *traffic) idle() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inFlight > 0 {
		return 0
	}
	return time.Since(a.last)
}

// bookkeeping are writes that no decision rests on.
func bookkeeping(w Write) bool {
	return w.Kube && (strings.Contains(w.Path, "/events") || strings.Contains(w.Path, "/leases"))
}

// kubeTap sees what an operator sends to the API server.
type kubeTap struct {
	op   *Operator
	next http.RoundTripper
}

// RoundTrip sends the request, unless the operator is cut off.
func (k *kubeTap) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("watch") != "" {
		return k.next.RoundTrip(r)
	}
	var write *Write
	if r.Method != http.MethodGet {
		body, err := readBody(r)
		if err != nil {
			return nil, err
		}
		write = &Write{Kube: true, Method: r.Method, Path: r.URL.Path, Body: body}
	}
	lose, err := k.op.begin(write)
	if err != nil {
		return nil, err
	}
	defer k.op.end()
	resp, err := k.next.RoundTrip(r)
	if lose && err == nil {
		if err := resp.Body.Close(); err != nil {
			return nil, err
		}
		return nil, errors.New("testkit: the answer was lost")
	}
	return resp, err
}

func readBody(r *http.Request) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", fmt.Errorf("read the request: %w", err)
	}
	if err := r.Body.Close(); err != nil {
		return "", fmt.Errorf("read the request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body), nil
}
