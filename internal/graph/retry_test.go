// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRetryReads: what a read does after each kind of failure, counted in requests.
func TestRetryReads(t *testing.T) {
	tests := []struct {
		name     string
		first    func(w http.ResponseWriter)
		requests int
		kind     Kind // empty: the second attempt succeeds
	}{
		{"503", func(w http.ResponseWriter) { answer(w, 503, `{"error":{"code":"x","message":"y"}}`) }, 2, ""},
		{"502 html", func(w http.ResponseWriter) { answer(w, 502, `<html>`) }, 2, ""},
		{"504 empty", func(w http.ResponseWriter) { w.WriteHeader(504) }, 2, ""},
		{"connection cut", func(http.ResponseWriter) { abort() }, 2, ""},
		{"truncated body", func(w http.ResponseWriter) { spoiled(w, 200, `{"id":`) }, 2, ""},
		{"429 at once", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) }, 2, ""},
		{"429 later", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) }, 1, KindThrottled},
		{"429 without a time", func(w http.ResponseWriter) { w.WriteHeader(429) }, 1, KindThrottled},
		{"500", func(w http.ResponseWriter) { answer(w, 500, `{"error":{"code":"x","message":"y"}}`) }, 1, KindTransient},
		{"400", func(w http.ResponseWriter) { answer(w, 400, `{"error":{"code":"x","message":"y"}}`) }, 1, KindInvalid},
		{"404", func(w http.ResponseWriter) {
			answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"y"}}`)
		}, 2, ""}, // one miss is not believed
		{"403", func(w http.ResponseWriter) { answer(w, 403, `{"error":{"code":"Forbidden","message":"y"}}`) }, 1, KindForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				if n == 1 {
					tt.first(w)
					return
				}
				answer(w, 200, groupJSON)
			})
			g, err := testClient(t, srv.URL).Group(t.Context(), "g1")
			if tt.kind == "" && (err != nil || g.ID != "g1") {
				t.Fatalf("got %+v, %v", g, err)
			}
			if tt.kind != "" {
				wantKind(t, err, tt.kind)
			}
			if srv.count() != tt.requests {
				t.Errorf("%d requests, want %d", srv.count(), tt.requests)
			}
		})
	}
}

// TestRetryStops: attempts are bounded and the last failure is what the caller gets.
func TestRetryStops(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 503, `{"error":{"code":"ServiceUnavailable","message":"down"}}`)
	})
	_, err := testClient(t, srv.URL, func(c *Config) { c.MaxAttempts = 3 }).Group(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); e.Code != "ServiceUnavailable" || srv.count() != 3 {
		t.Errorf("%v after %d requests", e, srv.count())
	}
}

// TestThrottleHoldsTheClassBack: after a long Retry-After nothing of that class leaves, other classes go on.
func TestThrottleHoldsTheClassBack(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		if strings.Contains(r.URL.Path, "groups") {
			w.Header().Set("Retry-After", "90")
			answer(w, 429, `{"error":{"code":"TooManyRequests","message":"slow down"}}`)
			return
		}
		answer(w, 200, `{"value":[]}`)
	})
	c := testClient(t, srv.URL)
	before := time.Now()
	_, err := c.Group(t.Context(), "g1")
	e := wantKind(t, err, KindThrottled)
	if wait := e.RetryAt.Sub(before); wait < 89*time.Second || wait > 91*time.Second {
		t.Errorf("retry at %v, %v away", e.RetryAt, wait)
	}
	again := wantKind(t, c.Users(t.Context(), func(User) error { return nil }), KindThrottled)
	if !again.RetryAt.Equal(e.RetryAt) || srv.count() != 1 || !c.limiter.throttledUntil().Equal(e.RetryAt) {
		t.Errorf("second call: %v, %d requests", again, srv.count())
	}
	if err := c.ManagedDevices(t.Context(), func(ManagedDevice) error { return nil }); err != nil {
		t.Errorf("another class was held back: %v", err)
	}
}

// TestLostAnswer: a create whose answer is lost is sent once and says that its outcome is unknown.
func TestLostAnswer(t *testing.T) {
	policy := ConfigurationPolicy{Name: "n", Platforms: "windows10", Technologies: "mdm", Settings: []Setting{{Instance: ChoiceSetting("d", "d_1")}}}
	faults := map[string]func(w http.ResponseWriter){
		"reset after effect": func(http.ResponseWriter) { abort() },
		"truncated answer":   func(w http.ResponseWriter) { spoiled(w, 201, `{"id":"p1",`) },
		"answer without id":  func(w http.ResponseWriter) { answer(w, 201, `{}`) },
		"gateway time-out":   func(w http.ResponseWriter) { answer(w, 504, `<html>`) },
		"server error":       func(w http.ResponseWriter) { answer(w, 500, `{"error":{"code":"x","message":"y"}}`) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { fault(w) })
			_, err := testClient(t, srv.URL).CreateConfigurationPolicy(t.Context(), policy)
			e := wantKind(t, err, KindTransient)
			if !e.OutcomeUnknown || srv.count() != 1 {
				t.Errorf("%+v after %d requests", e, srv.count())
			}
		})
	}
	t.Run("time-out", func(t *testing.T) {
		srv := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request, _ string) { hang(r) })
		_, err := testClient(t, srv.URL, func(c *Config) { c.AttemptTimeout = 30 * time.Millisecond }).CreateConfigurationPolicy(t.Context(), policy)
		e := wantKind(t, err, KindTransient)
		if !e.OutcomeUnknown || srv.count() != 1 || errors.Is(err, context.DeadlineExceeded) || e.Message != errStalled.Error() {
			t.Errorf("%+v after %d requests", e, srv.count())
		}
	})
}

// TestUnsafeWriteMayBeRepeated: only where the tenant cannot have acted.
func TestUnsafeWriteMayBeRepeated(t *testing.T) {
	policy := ConfigurationPolicy{Name: "n", Platforms: "windows10", Technologies: "mdm", Settings: []Setting{{Instance: ChoiceSetting("d", "d_1")}}}
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
			return
		}
		answer(w, 201, `{"id":"p1","name":"n"}`)
	})
	p, err := testClient(t, srv.URL).CreateConfigurationPolicy(t.Context(), policy)
	if err != nil || p.ID != "p1" || srv.count() != 2 {
		t.Errorf("%+v, %v after %d requests", p, err, srv.count())
	}
	if a, b := srv.all()[0].body, srv.all()[1].body; a != b || a == "" {
		t.Errorf("the bytes changed:\n%s\n%s", a, b)
	}

	t.Run("no connection", func(t *testing.T) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := closed.Addr().String()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = testClient(t, "http://"+address).CreateConfigurationPolicy(t.Context(), policy)
		if e := wantKind(t, err, KindTransient); e.OutcomeUnknown {
			t.Errorf("nothing was sent, yet %v", e)
		}
		_, err = testClient(t, "http://"+address).GroupsByDisplayName(t.Context(), "Board")
		if strings.Contains(err.Error(), "Board") || strings.Contains(err.Error(), "http://") {
			t.Errorf("the error shows the query: %v", err)
		}
	})
}

// TestIdempotentWriteIsRepeated: a replacement and a deletion may follow a lost answer; the doubt stays when
// they end in a refusal.
func TestIdempotentWriteIsRepeated(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			abort()
		}
		answer(w, 404, `{"error":{"code":"ResourceNotFound","message":"gone"}}`)
	})
	e := wantKind(t, testClient(t, srv.URL).DeleteConfigurationPolicy(t.Context(), "p1"), KindNotFound)
	if !e.OutcomeUnknown || srv.count() != 4 { // delete, delete again, read, read again
		t.Errorf("%v after %d requests", e, srv.count())
	}
}

// TestLimiter: the bucket holds requests back.
func TestLimiter(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Limits.Directory = Limit{PerSecond: 50, Burst: 1} })
	begin := time.Now()
	for range 4 {
		if _, err := c.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 55*time.Millisecond {
		t.Errorf("4 requests at 50 per second took %v", took)
	}
}
