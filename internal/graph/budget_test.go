// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	clocktesting "k8s.io/utils/clock/testing"
)

// noon is when the fake clocks of these tests start.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// TestRetryAfterToTheSecond: on a clock that only the test moves, nothing leaves before the time that the tenant named,
// in each of the forms in which it names it.
func TestRetryAfterToTheSecond(t *testing.T) {
	forms := map[string]func(w http.ResponseWriter){
		"seconds": func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3") },
		"date": func(w http.ResponseWriter) {
			w.Header().Set("Date", noon.Format(http.TimeFormat))
			w.Header().Set("Retry-After", noon.Add(3*time.Second).Format(http.TimeFormat))
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				if n == 1 {
					form(w)
					answer(w, 429, `{"error":{"code":"TooManyRequests","message":"slow"}}`)
					return
				}
				answer(w, 200, groupJSON)
			})
			clk := clocktesting.NewFakeClock(noon)
			reg := prometheus.NewRegistry()
			c := testClient(t, srv.URL, func(cfg *Config) { cfg.Clock, cfg.Registry = clk, reg })
			done := make(chan error, 1)
			go func() { _, err := c.Group(t.Context(), "g1"); done <- err }()
			eventually(t, "the first answer", clk.HasWaiters)
			if until := c.limiter.throttledUntil(); !until.Equal(noon.Add(3 * time.Second)) {
				t.Errorf("throttled until %v", until)
			}
			clk.Step(3*time.Second - time.Nanosecond)
			if srv.count() != 1 || !clk.HasWaiters() {
				t.Fatalf("%d requests before the time", srv.count())
			}
			clk.Step(time.Nanosecond)
			if err := <-done; err != nil || srv.count() != 2 {
				t.Errorf("%v after %d requests", err, srv.count())
			}
			want := `# HELP tidegate_graph_throttled_seconds_total Seconds that requests were held back by the client's own limits or by the tenant's throttling.
# TYPE tidegate_graph_throttled_seconds_total counter
tidegate_graph_throttled_seconds_total{class="directory",tenant="contoso"} 3
`
			if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "tidegate_graph_throttled_seconds_total"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBackoffHasFullJitter: without a named time the wait is drawn from the whole range up to a bound that doubles and
// then stays at the cap.
func TestBackoffHasFullJitter(t *testing.T) {
	c := testClient(t, "http://127.0.0.1:1", func(cfg *Config) { cfg.RetryBase, cfg.RetryCap, cfg.MaxAttempts = time.Second, 5*time.Second, 99 })
	read := call{op: "x", class: classDirectory, effect: effectRead}
	for attempt, bound := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 5 * time.Second, 60: 5 * time.Second} {
		low, high, sum := bound, time.Duration(0), time.Duration(0)
		const draws = 2000
		for range draws {
			d, again := c.backoff(t.Context(), read, attempt, &Error{Kind: KindTransient, Status: 503})
			if !again || d < 0 || d > bound {
				t.Fatalf("attempt %d waits %v (%v), bound %v", attempt, d, again, bound)
			}
			low, high, sum = min(low, d), max(high, d), sum+d
		}
		// Uniform over the range: the chance of missing either tenth, or of a mean off by a tenth, is below 1e-17.
		if mean := sum / draws; low > bound/10 || high < bound*9/10 || mean < bound*2/5 || mean > bound*3/5 {
			t.Errorf("attempt %d: waits from %v to %v, mean %v, bound %v", attempt, low, high, mean, bound)
		}
	}
}

// TestSlowTenantDoesNotSlowAnother: while one tenant does not answer, throttles and fills its own limits, another
// tenant's client in the same process is served at once.
func TestSlowTenantDoesNotSlowAnother(t *testing.T) {
	release := make(chan struct{})
	var held atomic.Int64
	slow := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request, _ string) {
		held.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		abort()
	})
	quick := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	reg := prometheus.NewRegistry()
	stuck := testClient(t, slow.URL, func(cfg *Config) { cfg.Registry, cfg.TenantID, cfg.MaxAttempts = reg, "slow", 1 })
	other := testClient(t, quick.URL, func(cfg *Config) { cfg.Registry, cfg.TenantID = reg, "quick" })
	const callers = 32
	done := make(chan error, callers)
	for range callers {
		go func() { _, err := stuck.Group(t.Context(), "g1"); done <- err }()
	}
	eventually(t, "the slow tenant holds all calls", func() bool { return held.Load() == callers })
	stuck.limiter.pause(classDirectory, time.Now().Add(time.Hour))
	for range 100 {
		if _, err := other.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := testutil.ToFloat64(stuck.metrics.inFlight.WithLabelValues("slow")); n != callers {
		t.Errorf("%v calls in flight at the slow tenant, want %d: the other tenant was not measured beside it", n, callers)
	}
	if !other.limiter.throttledUntil().IsZero() {
		t.Errorf("the other tenant is held back until %v", other.limiter.throttledUntil())
	}
	close(release)
	for range callers {
		wantKind(t, <-done, KindTransient)
	}
}

// TestMetricsOfBytesAndWaits: bytes are those that were read, waits for the own limit are counted by class.
func TestMetricsOfBytesAndWaits(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	clk := clocktesting.NewFakeClock(noon)
	c := testClient(t, srv.URL, func(cfg *Config) {
		cfg.Registry, cfg.Clock, cfg.Limits.Directory = prometheus.NewRegistry(), clk, Limit{PerSecond: 0.5, Burst: 1}
	})
	done := make(chan error, 1)
	for n := range 3 {
		go func() { _, err := c.Group(t.Context(), "g1"); done <- err }()
		if n > 0 {
			eventually(t, "wait for the bucket", clk.HasWaiters)
			clk.Step(2 * time.Second)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if got := testutil.ToFloat64(c.metrics.waiting.WithLabelValues("contoso", "directory")); got != 4 {
		t.Errorf("waited %v s, want 4", got)
	}
	if got, want := testutil.ToFloat64(c.metrics.bytes.WithLabelValues("contoso", "Group")), float64(3*len(groupJSON)); got != want {
		t.Errorf("%v bytes, want %v", got, want)
	}
}

// TestDefaultLimitsAreHalf: the sustained rate is half of what is published, and a burst on top of it stays below the
// published number over the published window.
func TestDefaultLimitsAreHalf(t *testing.T) {
	l := Limits{}.withDefaults()
	for name, row := range map[string]struct {
		limit             Limit
		published, window float64 // requests (or units) per window in seconds (contract k.3)
		share             float64
	}{
		"configuration":        {l.Configuration, 1000, 20, 0.55},
		"configuration writes": {l.ConfigurationWrites, 100, 20, 0.6},
		"devices":              {l.Devices, 2000, 20, 0.55},
		"device writes":        {l.DeviceWrites, 200, 20, 0.6},
		"exports":              {l.Exports, 48, 60, 0.6},
		"directory":            {l.Directory, 3500, 10, 0.6},
		"directory writes":     {l.DirectoryWrites, 3000, 150, 0.52},
		"conditional access":   {l.ConditionalAccess, 1, 1, 1.5}, // one request is the least that can leave
		"reports":              {l.Reports, 5, 10, 0.9},
	} {
		if row.limit.PerSecond > row.published/row.window/2 {
			t.Errorf("%s: %v per second, published %v", name, row.limit.PerSecond, row.published/row.window)
		}
		if sent := row.limit.PerSecond*row.window + float64(row.limit.Burst); sent > row.published*row.share {
			t.Errorf("%s: %v in %v s, published %v", name, sent, row.window, row.published)
		}
	}
}

// TestClassesOfNewWorkloads: Conditional Access and reports have budgets of their own, so that a throttled one of them
// holds up nothing else.
func TestClassesOfNewWorkloads(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		if strings.Contains(r.URL.Path, "conditionalAccess") {
			w.Header().Set("Retry-After", strconv.Itoa(60))
			answer(w, 429, `{"error":{"code":"TooManyRequests","message":"slow"}}`)
			return
		}
		succeed(w, r)
	})
	c := testClient(t, srv.URL)
	_, err := c.ConditionalAccessPolicies(t.Context())
	wantKind(t, err, KindThrottled)
	_, err = c.AuthenticationStrengths(t.Context())
	wantKind(t, err, KindThrottled)
	if err := c.UserRegistrations(t.Context(), func(UserRegistration) error { return nil }); err != nil {
		t.Error(err)
	}
	if _, err := c.Group(t.Context(), "g1"); err != nil {
		t.Error(err)
	}
}

// TestShareOf: half is the default, every workload shrinks alike, and no share of 100 or less goes past what is published.
func TestShareOf(t *testing.T) {
	if ShareOf(DefaultShare) != (Limits{}).withDefaults() {
		t.Errorf("%+v", ShareOf(DefaultShare))
	}
	published := []struct {
		of     func(Limits) Limit
		number float64 // requests, or units, in a window
		window float64 // seconds
	}{ // contract k.3
		{func(l Limits) Limit { return l.Configuration }, 1000, 20}, {func(l Limits) Limit { return l.ConfigurationWrites }, 100, 20},
		{func(l Limits) Limit { return l.Devices }, 2000, 20}, {func(l Limits) Limit { return l.DeviceWrites }, 200, 20},
		{func(l Limits) Limit { return l.Exports }, 48, 60}, {func(l Limits) Limit { return l.Directory }, 3500, 10},
		{func(l Limits) Limit { return l.DirectoryWrites }, 3000, 150}, {func(l Limits) Limit { return l.ConditionalAccess }, 1, 1},
		{func(l Limits) Limit { return l.Reports }, 5, 10},
	}
	for _, percent := range []int{1, 10, 50, 99, 100} {
		for i, p := range published {
			got := p.of(ShareOf(percent))
			if want := p.number / p.window * float64(percent) / 100; got.PerSecond > want*1.0001 || got.PerSecond < want*0.79 || got.Burst < 1 {
				t.Errorf("%d %%, limit %d: %+v, want %.3f a second", percent, i, got, want)
			}
		}
	}
}
