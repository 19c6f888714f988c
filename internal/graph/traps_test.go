// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The tests in this file show that the traps of the Graph SDK and of Kiota's HTTP layer do not catch this client
// (contract 0.2.3 and 0.2.11 to 0.2.19). The numbers in their names are this file's own; the ninth, $batch, has its tests
// in batch_test.go.

// TestTrap01_ChangeAfterReadIsSent: a model that was read and then changed is sent as {} by the SDK.
func TestTrap01_ChangeAfterReadIsSent(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPatch {
			w.WriteHeader(204)
			return
		}
		answer(w, 200, groupJSON)
	})
	c := testClient(t, srv.URL)
	g, err := c.GroupByUniqueName(t.Context(), "pilot")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.UpsertGroup(t.Context(), g.UniqueName, GroupSpec{DisplayName: "Renamed", Description: "d"}); err != nil {
		t.Fatal(err)
	}
	want := `{"@odata.type":"#microsoft.graph.group","description":"d","displayName":"Renamed","mailEnabled":false,"mailNickname":"pilot","securityEnabled":true}`
	if got := srv.all()[1].body; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// TestTrap02_RepeatedBodyIsPlainAndComplete: the SDK repeats a body in plain under the label gzip, and without
// compression it sends bodies in chunks.
func TestTrap02_RepeatedBodyIsPlainAndComplete(t *testing.T) {
	for i := range 20 { // the SDK's order of middleware is random for each client
		srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
			if n < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(429)
				return
			}
			w.WriteHeader(204)
		})
		if _, err := testClient(t, srv.URL).AddMembers(t.Context(), "g1", []string{"m1"}); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"members@odata.bind":["%s/v1.0/directoryObjects/m1"]}`, srv.URL)
		for n, r := range srv.all() {
			if r.body != want || r.header.Get("Content-Encoding") != "" || r.chunked || r.length != int64(len(want)) {
				t.Fatalf("client %d, request %d: %+v, want body %s", i, n, r, want)
			}
		}
		if srv.count() != 3 {
			t.Fatalf("%d requests", srv.count())
		}
	}
}

// TestTrap03_ErrorWithoutMessageDoesNotPanic: ODataError.Error panics on these bodies.
func TestTrap03_ErrorWithoutMessageDoesNotPanic(t *testing.T) {
	for body, send := range map[string]func(http.ResponseWriter, int, string, ...any){
		`{}`: answer, `{"error":{}}`: answer, `{"error":null}`: answer, `{"error":{"code":"BadRequest"}}`: answer,
		`{"statusCode":400,"message":"x"}`: spoiled, `null`: spoiled, `[]`: spoiled,
	} {
		srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { send(w, 400, "%s", body) })
		_, err := testClient(t, srv.URL).Group(t.Context(), "g1")
		if e := asError(err); e == nil || e.Status != 400 || e.Error() == "" {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestTrap04_ZeroRetryOptionsAreSafe: the SDK's retry options panic or mean three when they are half filled.
func TestTrap04_ZeroRetryOptionsAreSafe(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(429)
	})
	_, err := testClient(t, srv.URL, func(c *Config) { c.MaxAttempts = 1 }).Group(t.Context(), "g1")
	wantKind(t, err, KindThrottled)
	if srv.count() != 1 {
		t.Errorf("one attempt was allowed, %d requests were sent", srv.count())
	}
}

// TestTrap05_LongRetryAfterIsNotSwallowed: the SDK sleeps inside its own time-out and loses status and headers.
func TestTrap05_LongRetryAfterIsNotSwallowed(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Retry-After", "600")
		answer(w, 429, `{"error":{"code":"TooManyRequests","message":"slow"}}`)
	})
	begin := time.Now()
	_, err := testClient(t, srv.URL, func(c *Config) { c.AttemptTimeout = time.Second }).Group(t.Context(), "g1")
	e := wantKind(t, err, KindThrottled)
	if wait := e.RetryAt.Sub(begin); e.Status != 429 || e.RequestID != "req-1" || wait < 599*time.Second || wait > 605*time.Second {
		t.Errorf("%+v", e)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the call slept for %v", took)
	}
}

// TestTrap06_RetriesReuseTheConnection: the SDK never closes the body of an answer that it retries.
func TestTrap06_RetriesReuseTheConnection(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n%2 == 1 {
			answer(w, 503, `{"error":{"code":"x","message":%q}}`, strings.Repeat("y", 8<<10))
			return
		}
		answer(w, 200, groupJSON)
	})
	c := testClient(t, srv.URL)
	for range 20 {
		if _, err := c.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
	}
	if n := srv.conns.Load(); n != 1 || srv.count() != 40 {
		t.Errorf("%d requests over %d connections, want 40 over 1", srv.count(), n)
	}
}

// TestTrap07_ForeignErrorBodiesKeepStatusAndRequestID: the SDK turns them into plain strings.
func TestTrap07_ForeignErrorBodiesKeepStatusAndRequestID(t *testing.T) {
	for contentType, body := range map[string]string{"text/html": "<html>no</html>", "text/plain": "no", "application/json": `{"error":{"code":`, "": ""} {
		srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
			if contentType == "application/json" {
				mark(w)
			}
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("request-id", "r7")
			w.WriteHeader(403)
			_, _ = w.Write([]byte(body))
		})
		_, err := testClient(t, srv.URL).Group(t.Context(), "g1")
		if e := wantKind(t, err, KindTransient); e.Status != 403 || e.RequestID != "r7" {
			t.Errorf("%q: %+v", contentType, e)
		}
	}
}

// TestTrap08_ErrorsOfLaterPagesAreWhole: the SDK's page iterator drops their bodies.
func TestTrap08_ErrorsOfLaterPagesAreWhole(t *testing.T) {
	var srv *recorder
	srv = serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			answer(w, 200, `{"value":[],"@odata.nextLink":%q}`, srv.URL+"/v1.0/deviceManagement/managedDevices?p=2")
			return
		}
		answer(w, 403, "%s", intuneForbidden)
	})
	err := testClient(t, srv.URL).ManagedDevices(t.Context(), func(ManagedDevice) error { return nil })
	e := wantKind(t, err, KindForbidden)
	if e.Status != 403 || e.Code != "Forbidden" || len(e.MissingPermissions) != 2 || !strings.HasPrefix(e.Message, "Application is not authorized") {
		t.Errorf("%+v", e)
	}
	if errors.Unwrap(e) != nil {
		t.Errorf("unexpected cause %v", errors.Unwrap(e))
	}
}

// TestTrap10_LargeBodiesAreReadWhole: a body that is kept for later is cut when the adapter returns.
func TestTrap10_LargeBodiesAreReadWhole(t *testing.T) {
	const rows = 9_000 // about 4 MiB
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"value":[`))
		for i := range rows {
			if i > 0 {
				_, _ = w.Write([]byte(","))
			}
			_, _ = fmt.Fprintf(w, `{"id":"%d","deviceName":%q}`, i, strings.Repeat("x", 450))
		}
		_, _ = w.Write([]byte(`]}`))
	})
	seen := 0
	err := testClient(t, srv.URL).ManagedDevices(t.Context(), func(d ManagedDevice) error {
		if d.ID != fmt.Sprint(seen) {
			return fmt.Errorf("row %d has id %s", seen, d.ID)
		}
		seen++
		return nil
	})
	if err != nil || seen != rows {
		t.Errorf("%d of %d rows, %v", seen, rows, err)
	}
}
