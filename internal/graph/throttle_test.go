// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	clocktesting "k8s.io/utils/clock/testing"
)

// TestThrottleWithoutATime: a 429 that names no time holds its class back for at least 10 s, longer with each such
// answer in a row up to a cap, with jitter; an answer that is served starts over (contract k.4).
func TestThrottleWithoutATime(t *testing.T) {
	clk := clocktesting.NewFakeClock(noon)
	c := testClient(t, "http://127.0.0.1:1", func(cfg *Config) { cfg.Clock = clk })
	drawn := map[time.Duration]bool{}
	for range 50 {
		for n, low := range []time.Duration{10, 20, 40, 80, 160, 320, 600, 600, 600} {
			low *= time.Second
			d := c.limiter.pause(classDevices, time.Time{}).Sub(clk.Now())
			if d < low || d > low*3/2 {
				t.Fatalf("answer %d in a row: %v, want %v and up to half more", n+1, d, low)
			}
			if n == 0 {
				drawn[d] = true
			}
			clk.SetTime(clk.Now().Add(d))
		}
		c.limiter.resume(classDevices)
	}
	if len(drawn) < 40 {
		t.Errorf("50 first pauses have only %d lengths: no jitter", len(drawn))
	}
}

// TestQueryBroker: Intune throttles reports with a 500 of one sentence. It is Throttled with a time of at least 10 s and
// holds its class back; any other 500 is not (contract k.4).
func TestQueryBroker(t *testing.T) {
	message := "Rate limit reached because of too many requests to query broker. Please retry after sometime."
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 500, `{"error":{"code":"InternalServerError","message":%q}}`, `{"Message":"`+message+` - Operation ID (for customer support): 1","RetryAfter":null}`)
	})
	clk := clocktesting.NewFakeClock(noon)
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Clock = clk })
	read := func() error {
		return c.PolicyDeviceStatuses(t.Context(), "p1", func(PolicyDeviceStatus) error { return nil })
	}
	e := wantKind(t, read(), KindThrottled)
	if wait := e.RetryAt.Sub(noon); wait < 10*time.Second || wait > 15*time.Second || e.Message != message || e.Status != 500 {
		t.Errorf("%+v", e)
	}
	again := wantKind(t, read(), KindThrottled)
	if !again.RetryAt.Equal(e.RetryAt) || srv.count() != 1 || !c.limiter.throttledUntil().Equal(e.RetryAt) {
		t.Errorf("%v after %d requests", again, srv.count())
	}
	// A write is not repeated after it, and its outcome is open: the refusal is known from reads only.
	clk.SetTime(e.RetryAt)
	if e := wantKind(t, c.DeleteConfigurationPolicy(t.Context(), "p1"), KindThrottled); !e.OutcomeUnknown || srv.count() != 2 {
		t.Errorf("%v after %d requests", e, srv.count())
	}

	message = "boom"
	other := testClient(t, srv.URL)
	err := other.PolicyDeviceStatuses(t.Context(), "p1", func(PolicyDeviceStatus) error { return nil })
	if e := wantKind(t, err, KindTransient); !e.RetryAt.IsZero() || !other.limiter.throttledUntil().IsZero() {
		t.Errorf("%+v", e)
	}
}

// TestPauseReachesThoseInLine: a request that waits for its tokens when the tenant throttles another one of its class
// does not leave before the time that was named.
func TestPauseReachesThoseInLine(t *testing.T) {
	clk := clocktesting.NewFakeClock(noon)
	limits := Unlimited()
	limits.Devices = Limit{PerSecond: 0.5, Burst: 1}
	l := newLimiter(limits, clk, time.Hour, 10*time.Second, nil)
	c := call{op: "x", class: classDevices, effect: effectRead}
	if err := l.wait(t.Context(), c); err != nil { // takes the only token
		t.Fatal(err)
	}
	done := make(chan time.Time, 1)
	go func() { _ = l.wait(t.Context(), c); done <- clk.Now() }()
	eventually(t, "the second request in line", clk.HasWaiters)
	until := l.pause(classDevices, noon.Add(7*time.Second))
	clk.Step(2 * time.Second) // its token is there
	eventually(t, "the second request held back", func() bool { return clk.HasWaiters() || len(done) > 0 })
	clk.Step(5*time.Second - time.Nanosecond)
	if len(done) > 0 {
		t.Fatal("it left before the time")
	}
	clk.Step(time.Nanosecond)
	if left := <-done; left.Before(until) {
		t.Errorf("it left at %v, before %v", left, until)
	}
}

// TestCostAboveTheBucket: a batch pays for each of its requests, also where the bucket holds fewer tokens, and a caller
// that gives up on the way ends the wait.
func TestCostAboveTheBucket(t *testing.T) {
	clk := clocktesting.NewFakeClock(noon)
	limits := Unlimited()
	limits.Directory = Limit{PerSecond: 1, Burst: 5}
	l := newLimiter(limits, clk, time.Hour, 10*time.Second, nil)
	c := call{op: "x", class: classDirectory, effect: effectRead, units: 20}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.wait(ctx, c) }()
	for range 3 { // the first five are in the bucket
		eventually(t, "wait for the bucket", clk.HasWaiters)
		clk.Step(5*time.Second - time.Nanosecond)
		if !clk.HasWaiters() {
			t.Fatal("it did not wait for its tokens")
		}
		clk.Step(time.Nanosecond)
	}
	if err := <-done; err != nil || !clk.Now().Equal(noon.Add(15*time.Second)) {
		t.Errorf("%v at %v", err, clk.Now())
	}
	go func() { done <- l.wait(ctx, c) }()
	eventually(t, "wait for the bucket", clk.HasWaiters)
	cancel()
	if err := <-done; err != context.Canceled { //nolint:errorlint // as it is
		t.Error(err)
	}
}

// TestMetricsOfLostAnswers: a request without an answer is counted as error, and while it waits it is in flight.
func TestMetricsOfLostAnswers(t *testing.T) {
	release := make(chan struct{})
	srv := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request, _ string) {
		<-release
		abort()
	})
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.MaxAttempts = 1 })
	done := make(chan error, 1)
	go func() { _, err := c.Group(t.Context(), "g1"); done <- err }()
	eventually(t, "request on its way", func() bool { return srv.count() == 1 })
	if n := testutil.ToFloat64(c.metrics.inFlight.WithLabelValues("contoso")); n != 1 {
		t.Errorf("%v in flight", n)
	}
	close(release)
	wantKind(t, <-done, KindTransient)
	if n := testutil.ToFloat64(c.metrics.requests.WithLabelValues("contoso", "Group", "error")); n != 1 {
		t.Errorf("%v requests without an answer", n)
	}
	if n := testutil.ToFloat64(c.metrics.inFlight.WithLabelValues("contoso")); n != 0 {
		t.Errorf("%v in flight after the end", n)
	}
}
