// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCancelReturnsAtOnce: wherever a call waits, it returns within 100 ms of its caller's giving up, with the caller's
// own error, and a write of which nothing left says so.
func TestCancelReturnsAtOnce(t *testing.T) {
	policy := ConfigurationPolicy{Name: "n", Platforms: "windows10", Technologies: "mdm", Settings: []Setting{{Instance: ChoiceSetting("d", "d_1")}}}
	group := func(ctx context.Context, c *Client) error { _, err := c.Group(ctx, "g1"); return err }
	create := func(ctx context.Context, c *Client) error {
		_, err := c.CreateConfigurationPolicy(ctx, policy)
		return err
	}
	export := func(ctx context.Context, c *Client) error {
		_, err := c.Export(ctx, exportRequest, func(Row) error { return nil })
		return err
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { hang(r) }
	tests := map[string]struct {
		handle  func(w http.ResponseWriter, r *http.Request)
		prepare func(c *Client)
		change  func(*Config)
		do      func(context.Context, *Client) error
		unknown bool
	}{
		"for the answer":         {handle: silent, do: group},
		"for a write's answer":   {handle: silent, do: create, unknown: true},
		"for the budget":         {handle: silent, change: func(c *Config) { c.Limits.Directory = Limit{PerSecond: 0.001, Burst: 1} }, prepare: func(c *Client) { c.limiter.byClass[classDirectory].all.Allow() }, do: group},
		"for a write's budget":   {handle: silent, change: func(c *Config) { c.Limits.ConfigurationWrites = Limit{PerSecond: 0.001, Burst: 1} }, prepare: func(c *Client) { c.limiter.byClass[classConfiguration].writes.Allow() }, do: create},
		"for the tenant's pause": {handle: silent, change: func(c *Config) { c.MaxRetryWait = time.Hour }, prepare: func(c *Client) { c.limiter.pause(classDirectory, time.Now().Add(time.Minute)) }, do: group},
		"for Retry-After": {change: func(c *Config) { c.MaxRetryWait = time.Hour }, do: group, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(429)
		}},
		"for the back-off": {change: func(c *Config) { c.RetryBase, c.RetryCap = time.Hour, time.Hour }, do: group, handle: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }},
		"for the second look": {change: func(c *Config) { c.ConfirmDelay = time.Hour }, do: group, handle: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"m"}}`)
		}},
		"in the middle of a page": {do: func(ctx context.Context, c *Client) error { return c.Users(ctx, func(User) error { return nil }) }, handle: func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"value":[{"id":"u1"},`))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		"for the next page": {do: func(ctx context.Context, c *Client) error { return c.Users(ctx, func(User) error { return nil }) }, handle: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("page") {
				hang(r)
			}
			answer(w, 200, `{"value":[],"@odata.nextLink":"http://%s/v1.0/users?page=2"}`, r.Host)
		}},
		"for an upserted group": {change: func(c *Config) { c.RetryBase, c.RetryCap = time.Hour, time.Hour }, handle: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch {
				w.WriteHeader(204)
				return
			}
			answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"m"}}`)
		}, do: func(ctx context.Context, c *Client) error {
			_, _, err := c.UpsertGroup(ctx, "pilot", GroupSpec{DisplayName: "p"})
			return err
		}},
		"for an export job": {change: func(c *Config) { c.ExportPollInterval = time.Hour }, do: export, handle: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 201, `{"id":"j","status":"inProgress"}`)
		}},
		"for an export file": {do: export, handle: func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "storage") {
				w.Header().Set("Content-Length", "100000")
				_, _ = w.Write([]byte("PK"))
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return
			}
			answer(w, 201, `{"id":"j","status":"completed","url":"http://%s/storage/f.zip"}`, r.Host)
		}},
		"for an item of a batch": {change: func(c *Config) { c.MaxRetryWait = time.Hour }, handle: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 200, `{"responses":[{"id":"0","status":429,"headers":{"Retry-After":"60"},"body":{"error":{"code":"TooManyRequests","message":"slow"}}}]}`)
		}, do: func(ctx context.Context, c *Client) error {
			return c.Fido2Methods(ctx, []string{"u1"}, func(UserPasskeys) error { return nil })
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := asError(atOnce(t, func() (time.Duration, error) {
				entered := make(chan struct{}, 64)
				srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
					select {
					case entered <- struct{}{}:
					default:
					}
					tt.handle(w, r)
				})
				c := testClient(t, srv.URL, func(cfg *Config) {
					if tt.change != nil {
						tt.change(cfg)
					}
				})
				if tt.prepare != nil {
					tt.prepare(c)
				}
				return cancelled(t, entered, func(ctx context.Context) error { return tt.do(ctx, c) })
			}))
			if e == nil || !errors.Is(e, context.Canceled) || e.Kind != KindTransient || e.OutcomeUnknown != tt.unknown {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// atOnce fails when a call that was cancelled does not return within 100 ms. A machine that is busy elsewhere is given
// two more chances.
func atOnce(t *testing.T, try func() (time.Duration, error)) error {
	t.Helper()
	const limit = 100 * time.Millisecond
	took, err := try()
	for attempt := 1; attempt < 3 && took > limit; attempt++ {
		took, err = try()
	}
	if took > limit {
		t.Errorf("the call took %v to return", took)
	}
	return err
}

// cancelled runs a call, cancels it once it waits, and tells how long it took to return after that. entered gets a value
// for each request that the server saw; a call that sends none is cancelled after a while.
func cancelled(t *testing.T, entered <-chan struct{}, do func(context.Context) error) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	for waiting := true; waiting; {
		select {
		case <-entered: // the call goes on from here to where it waits
		case err := <-done:
			t.Fatalf("the call did not wait: %v", err)
		case <-time.After(60 * time.Millisecond):
			waiting = false
		}
	}
	begin := time.Now()
	cancel()
	err := <-done
	return time.Since(begin), err
}

// TestCancelWhileAnotherWaitsForTheToken: the credential asks for a token once for all callers; one that gives up does
// not stand in line for it.
func TestCancelWhileAnotherWaitsForTheToken(t *testing.T) {
	a := newAuthority(t)
	release, entered := make(chan struct{}), make(chan struct{}, 4)
	a.onToken = func(w http.ResponseWriter, n int64) {
		entered <- struct{}{}
		<-release
		answer(w, 200, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, jwt(int(n)))
	}
	c := a.client(t)
	first := make(chan error, 1)
	go func() { _, err := c.Group(t.Context(), "g1"); first <- err }()
	<-entered
	for name, do := range map[string]func(context.Context) error{
		"request":     func(ctx context.Context) error { _, err := c.Group(ctx, "g1"); return err },
		"permissions": func(ctx context.Context) error { _, err := c.Permissions(ctx); return err },
		"write":       func(ctx context.Context) error { return c.SyncDevice(ctx, "d1") },
	} {
		e := asError(atOnce(t, func() (time.Duration, error) { return cancelled(t, nil, do) }))
		if e == nil || !errors.Is(e, context.Canceled) || e.OutcomeUnknown {
			t.Errorf("%s: %+v", name, e)
		}
	}
	close(release)
	if err := <-first; err != nil || a.tokens.Load() != 1 {
		t.Errorf("the first call: %v, %d token requests", err, a.tokens.Load())
	}
}

// TestDeadlineIsNotSleptAway: a call whose deadline comes before the next attempt says at once what went wrong.
func TestDeadlineIsNotSleptAway(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Retry-After", "4")
		answer(w, 503, `{"error":{"code":"ServiceUnavailable","message":"down"}}`)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	begin := time.Now()
	_, err := testClient(t, srv.URL).Group(ctx, "g1")
	if e := wantKind(t, err, KindTransient); e.Status != 503 || e.Code != "ServiceUnavailable" || e.RetryAt.IsZero() || srv.count() != 1 || time.Since(begin) > 2*time.Second {
		t.Errorf("%v after %d requests and %v", e, srv.count(), time.Since(begin))
	}
}
