// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// wire is a tenant behind a real socket.
type wire struct {
	*tenant
	base   string
	client *http.Client
}

func newWire(t *testing.T, o Options) *wire {
	t.Helper()
	tt := newTenant(t, o)
	base, ca, err := tt.sim.StartBehind("127.0.0.1:0", func(next http.Handler) http.Handler { return graphschema.Handler(t, next) })
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		if err := tt.sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return &wire{tt, base, client}
}

// send is one request over the socket; err tells about the transport.
func (w *wire) send(ctx context.Context, method, path string, body any) (status int, raw string, err error) {
	w.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			w.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, w.base+path, content)
	if err != nil {
		w.Fatal(err)
	}
	r.GetBody = nil // the transport must not send it again by itself
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), errors.Join(err, res.Body.Close())
}

func (w *wire) fault(f Fault) {
	w.Helper()
	if err := w.sim.SetFaults([]Fault{f}); err != nil {
		w.Fatal(err)
	}
}

func once(mode FaultMode) Fault {
	return Fault{Mode: mode, Match: FaultMatch{Method: "POST", Route: policiesPath, Nth: 1}}
}

// TestFaultModes: what the client sees and what the tenant did, per mode. The
// second request is never spoiled.
func TestFaultModes(t *testing.T) {
	text := func(s string) *string { return &s }
	after := once(FaultHTML)
	after.AfterEffect = true
	status := once(FaultStatus)
	status.Status, status.RetryAfter = 503, 7
	odd := once(FaultStatus)
	odd.Status, odd.Body = 403, text("\x00\x00\x00")
	throttle := once(FaultThrottle)
	throttle.RetryAfter = 3
	for name, tc := range map[string]struct {
		fault   Fault
		created int    // policies that the first request made
		status  int    // 0: the transport fails
		body    string // part of the body
	}{
		"reset":     {once(FaultReset), 0, 0, ""},
		"lost":      {once(FaultLostAnswer), 1, 0, ""},
		"cut":       {once(FaultCut), 1, 0, ""},
		"status":    {status, 0, 503, `"code":"ServiceUnavailable"`},
		"nul bytes": {odd, 0, 403, "\x00\x00\x00"},
		"html":      {once(FaultHTML), 0, 502, "<html>"},
		"html late": {after, 1, 502, "<html>"},
		"truncated": {once(FaultTruncated), 1, 201, "{"},
		"duplicate": {once(FaultDuplicate), 2, 201, `"id"`},
		"throttle":  {throttle, 0, 429, "TooManyRequests"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, Options{Devices: 5})
			w.fault(tc.fault)
			code, body, err := w.send(context.Background(), "POST", policiesPath, allowBody("p"))
			if (err != nil) != (tc.status == 0) || tc.status != 0 && code != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("got %d %q %v", code, body, err)
			}
			if name == "truncated" && json.Valid([]byte(body)) {
				t.Errorf("the body is whole: %s", body)
			}
			if n := len(w.sim.Snapshot(false).Policies); n != tc.created {
				t.Errorf("%d policies exist, want %d", n, tc.created)
			}
			last := w.sim.Journal().Records[len(w.sim.Journal().Records)-1]
			if last.Fault != string(tc.fault.Mode)+" 0" || last.Changed != (tc.created > 0) && !tc.fault.AfterEffect {
				t.Errorf("journal %+v", last)
			}
			if code, _, err := w.send(context.Background(), "POST", policiesPath, allowBody("p")); code != 201 || err != nil {
				t.Errorf("the second request: %d %v", code, err)
			}
			if got := w.sim.Faults()[0]; got.Seen != 2 || got.Hits != 1 {
				t.Errorf("counters %+v", got)
			}
		})
	}
}

// TestFaultDelay: a client that gives up before the effect takes its request
// back; after the effect it only loses the answer.
func TestFaultDelay(t *testing.T) {
	for _, afterEffect := range []bool{false, true} {
		w := newWire(t, Options{Devices: 5})
		f := once(FaultDelay)
		f.Delay, f.AfterEffect = Duration(time.Hour), afterEffect
		w.fault(f)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, _, err := w.send(ctx, "POST", policiesPath, allowBody("p"))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after effect %v: %v", afterEffect, err)
		}
		deadline := time.Now().Add(5 * time.Second)
		for len(w.sim.Journal().Records) < 2 && time.Now().Before(deadline) { // the login is the first
			time.Sleep(time.Millisecond)
		}
		if n := len(w.sim.Snapshot(false).Policies); n != boolInt(afterEffect) {
			t.Errorf("after effect %v: %d policies", afterEffect, n)
		}
	}
}

// TestConnectionRefused: the operating system refuses, for a while, and the
// same address serves again.
func TestConnectionRefused(t *testing.T) {
	w := newWire(t, Options{Devices: 5})
	f := once(FaultRefuse)
	f.For = Duration(1500 * time.Millisecond)
	w.fault(f)
	if _, _, err := w.send(context.Background(), "POST", policiesPath, allowBody("p")); err == nil {
		t.Fatal("the request that opens the refusal was answered")
	}
	if _, _, err := w.send(context.Background(), "GET", "/v1.0/groups", nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while refused: %v", err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		code, _, err := w.send(context.Background(), "GET", "/v1.0/groups", nil)
		if err == nil && code == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it never came back: %d %v", code, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := len(w.sim.Snapshot(false).Policies); n != 0 {
		t.Errorf("%d policies", n)
	}
}

// TestCloseWhileRefusing: a server whose port is left can be closed.
func TestCloseWhileRefusing(t *testing.T) {
	w := newWire(t, Options{Devices: 5})
	if !w.sim.RefuseConnections(time.Hour) {
		t.Fatal("no listener")
	}
	if err := w.sim.Close(); err != nil {
		t.Error(err)
	}
	if w.sim.RefuseConnections(time.Hour) {
		t.Error("a closed server refused")
	}
}

func TestTokenEndpointDown(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Faults: []Fault{{Mode: FaultTokenDown, Match: FaultMatch{Nth: 2}}}})
	w := tt.do("POST", "/"+tt.sim.TenantID()+"/oauth2/v2.0/token", "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded")
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"AADSTS90033: `) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	tt.token = tt.login()
	tt.want(200, "GET", "/v1.0/groups", nil)
}

// TestFaultErrorsHaveTheTenantsShape: an error that a fault makes up looks like
// one of the tenant's, alone and in a batch.
func TestFaultErrorsHaveTheTenantsShape(t *testing.T) {
	for _, f := range []Fault{{Mode: FaultThrottle}, {Mode: FaultStatus, Status: 429}} {
		f.Match.Method = "GET"
		tt := newTenant(t, Options{Devices: 5, Faults: []Fault{f}})
		// errorOf checks date and request-id.
		if code, message := tt.errorOf(429, "GET", "/v1.0/groups", nil); code != "TooManyRequests" || !strings.HasPrefix(message, "Too ") {
			t.Errorf("directory: %s %s", code, message)
		}
		var inner struct{ Message string }
		code, message := tt.errorOf(429, "GET", policiesPath, nil)
		if err := json.Unmarshal([]byte(message), &inner); err != nil || code != "TooManyRequests" || !strings.Contains(inner.Message, "Activity ID") {
			t.Errorf("Intune: %s %s %v", code, message, err)
		}
		out := tt.want(200, "POST", "/beta/$batch", object{"requests": []object{{"id": "1", "method": "GET", "url": "/deviceManagement/configurationPolicies"}}})
		answer, _ := objects(out["responses"])[0]["body"].(map[string]any)
		e, _ := answer["error"].(map[string]any)
		if ids, _ := e["innerError"].(map[string]any); text(ids, "request-id") == "" || json.Unmarshal([]byte(text(e, "message")), &inner) != nil {
			t.Errorf("in a batch: %v", answer)
		}
	}
}

// TestFaultMatching: which of ten requests each match spoils.
func TestFaultMatching(t *testing.T) {
	half := 0.5
	for name, tc := range map[string]struct {
		match FaultMatch
		want  string // one character per request: x is spoiled
	}{
		"all":       {FaultMatch{}, "xxxxxxxxxx"},
		"nth":       {FaultMatch{Nth: 3}, "..x......."},
		"every":     {FaultMatch{Every: 4}, "...x...x.."},
		"count":     {FaultMatch{Count: 2}, "xx........"},
		"share":     {FaultMatch{Probability: &half, Seed: 7}, ""},
		"route":     {FaultMatch{Route: "/v1.0/*"}, "xxxxxxxxxx"},
		"rest":      {FaultMatch{Route: "/v1.0/**"}, "xxxxxxxxxx"},
		"elsewhere": {FaultMatch{Route: "/v1.0/groups/*"}, ".........."},
		"method":    {FaultMatch{Method: "POST"}, ".........."},
		"query":     {FaultMatch{Query: "$top=5"}, "....x....."},
	} {
		var runs []string
		for range 2 {
			tt := newTenant(t, Options{Devices: 5})
			if err := tt.sim.SetFaults([]Fault{{Mode: FaultStatus, Status: 418, Match: tc.match}}); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for i := range 10 {
				w := tt.do("GET", "/v1.0/groups?$top="+string("1234567891"[i]), nil)
				got.WriteByte("x."[boolInt(w.Code == 200)])
			}
			runs = append(runs, got.String())
		}
		if runs[0] != runs[1] || tc.want != "" && runs[0] != tc.want {
			t.Errorf("%s: %v, want %q twice", name, runs, tc.want)
		}
		if n := strings.Count(runs[0], "x"); name == "share" && (n < 2 || n > 8) {
			t.Errorf("half of ten is %d", n)
		}
	}
}

// TestFaultRoutesKnowKeySyntaxes: both spellings of a key are one route.
func TestFaultRoutesKnowKeySyntaxes(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	id := tt.groupID("Tidegate Canary")
	if err := tt.sim.SetFaults([]Fault{{Mode: FaultStatus, Status: 418, Match: FaultMatch{Route: "/v1.0/groups/*/members"}}}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1.0/groups/" + id + "/members", "/v1.0/groups('" + id + "')/members", "/v1.0/groups(uniqueName='x')/members"} {
		if w := tt.do("GET", path, nil); w.Code != 418 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestStorm: a storm refuses everything until its time is over, on the chosen
// clock, with or without Retry-After.
func TestStorm(t *testing.T) {
	for _, retryAfter := range []int{0, 30} {
		tt := newTenant(t, Options{Devices: 5})
		storm := Fault{Mode: FaultThrottle, For: Duration(time.Hour), Clock: "virtual", RetryAfter: retryAfter, Match: FaultMatch{Route: "/v1.0/**", Nth: 2}}
		if err := tt.sim.SetFaults([]Fault{storm}); err != nil {
			t.Fatal(err)
		}
		tt.want(200, "GET", "/v1.0/groups", nil)
		for range 3 {
			w := tt.do("GET", "/v1.0/groups", nil)
			if w.Code != 429 || (w.Header().Get("Retry-After") == "30") != (retryAfter == 30) {
				t.Errorf("in the storm: %d %v", w.Code, w.Header())
			}
		}
		tt.advance(time.Hour)
		tt.want(200, "GET", "/v1.0/groups", nil)
	}
}

// TestJournalDigests: a request that changes the tenant is recorded with the
// state around it, and the states join up.
func TestJournalDigests(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20})
	start := tt.sim.ConfigDigest()
	id := tt.createPolicy(allowBody("p"))
	tt.errorOf(400, "POST", policiesPath, object{"name": "bad"})
	tt.advance(24 * time.Hour)
	tt.assign(id, groupTarget(tt.groupID("Tidegate Canary")))
	tt.addMember(204, tt.groupID("Tidegate Early"), text(tt.all("/v1.0/devices?$filter=displayName eq 'PC-000001'")[0], "id"))
	tt.want(204, "DELETE", policiesPath+"/"+id, nil)
	digest := start
	changes := 0
	for _, r := range tt.sim.Journal().Records {
		if !r.Changed {
			if r.Before != "" || r.After != "" {
				t.Errorf("%s %s changed nothing and has digests", r.Method, r.Path)
			}
			continue
		}
		changes++
		if r.Before != digest || r.After == digest {
			t.Errorf("%s %s: %s to %s after %s", r.Method, r.Path, r.Before, r.After, digest)
		}
		digest = r.After
	}
	if changes != 4 || digest != tt.sim.ConfigDigest() || digest == start {
		t.Errorf("%d changes end at %s, now %s", changes, digest, tt.sim.ConfigDigest())
	}
}

// TestFaultsInsideBatch: faults reach single items of a batch.
func TestFaultsInsideBatch(t *testing.T) {
	for mode, want := range map[FaultMode]float64{FaultThrottle: 429, FaultLostAnswer: 504, FaultReset: 504, FaultDuplicate: 201} {
		tt := newTenant(t, Options{Devices: 5})
		f := Fault{Mode: mode, Match: FaultMatch{Method: "POST", Route: "/v1.0/groups"}}
		if mode == FaultThrottle {
			f.RetryAfter = 9
		}
		if err := tt.sim.SetFaults([]Fault{f}); err != nil {
			t.Fatal(err)
		}
		before := len(tt.sim.Snapshot(false).Groups)
		out := tt.want(200, "POST", "/v1.0/$batch", object{"requests": []object{
			{"id": "1", "method": "POST", "url": "/groups", "headers": object{"Content-Type": "application/json"}, "body": groupBody("g")},
			{"id": "2", "method": "GET", "url": "/groups"},
		}})
		for _, item := range objects(out["responses"]) {
			if item["id"] == "2" && item["status"] != 200.0 || item["id"] == "1" && item["status"] != want {
				t.Errorf("%s: item %v", mode, item)
			}
			if headers, _ := item["headers"].(map[string]any); item["status"] == 429.0 && headers["Retry-After"] != "9" {
				t.Errorf("429 item without its own Retry-After: %v", item)
			}
		}
		made := len(tt.sim.Snapshot(false).Groups) - before
		if expected := map[FaultMode]int{FaultLostAnswer: 1, FaultDuplicate: 2}[mode]; made != expected {
			t.Errorf("%s made %d groups, want %d", mode, made, expected)
		}
	}
}

func TestFaultFiles(t *testing.T) {
	for text, want := range map[string]string{
		"faults: []": "",
		"faults: [{mode: lostAnswer, match: {method: POST, route: /beta/**, nth: 2}}]": "",
		"faults: [{mode: throttle, for: 5s, retryAfter: 2, clock: virtual}]":           "",
		"faults: [{mode: status, status: 403, body: '', headers: {Server: x}}]":        "",
		`{"faults":[{"mode":"delay","delay":"2s","afterEffect":true}]}`:                "",
		"faults: [{mode: oddItem, item: {with: a, set: {id: 7}, drop: [b]}}]":          "",
		"faults: [{mode: oddItem}]":                                   "item is missing",
		"faults: [{mode: oddItem, item: {asNull: true, gone: true}}]": "one of asNull, gone",
		"faults: [{mode: html, item: {asNull: true}}]":                "use mode oddItem",
		"":                                                          `"faults" is missing`,
		"faults: [{mode: explode}]":                                 `faults[0].mode "explode": write one of`,
		"faults: [{moed: html}]":                                    `unknown field "moed"`,
		"faults: [{mode: html}, {mode: delay}]":                     "faults[1].delay is 0s",
		"faults: [{mode: status}]":                                  "status is missing",
		"faults: [{mode: html, status: 99}]":                        "write 200 to 599",
		"faults: [{mode: html, body: x}]":                           "body: mode html takes none",
		"faults: [{mode: html, for: 1s}]":                           "only connectionRefused and throttle last",
		"faults: [{mode: html, clock: real}]":                       "only throttle takes one",
		"faults: [{mode: throttle, clock: x}]":                      "write real or virtual",
		"faults: [{mode: html, retryAfter: 1}]":                     "modes status and throttle",
		"faults: [{mode: lostAnswer, headers: {a: b}}]":             "makes no answer of its own",
		"faults: [{mode: lostAnswer, status: 500}]":                 "takes none",
		"faults: [{mode: lostAnswer, afterEffect: true}]":           "afterEffect",
		"faults: [{mode: html, match: {method: HEAD}}]":             "match.method",
		"faults: [{mode: html, match: {route: beta}}]":              "begin with /",
		"faults: [{mode: html, match: {route: '/a/**/b'}}]":         "comes last",
		"faults: [{mode: html, match: {nth: 1, every: 2}}]":         "exclude each other",
		"faults: [{mode: html, match: {count: -1}}]":                "counts from 1",
		"faults: [{mode: html, match: {probability: 2}}]":           "write 0 to 1",
		"faults: [{mode: tokenEndpointDown, match: {method: GET}}]": "fixed method and route",
	} {
		_, err := ParseFaults([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte("faults: [{mode: html}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if faults, err := LoadFaults(file); err != nil || len(faults) != 1 {
		t.Errorf("%v %v", faults, err)
	}
	if _, err := LoadFaults(file + "x"); err == nil {
		t.Error("a missing file was read")
	}
	if _, err := New(Options{Ideal: idealHere, Devices: 5, Faults: []Fault{{Mode: "x"}}}); err == nil || !strings.Contains(err.Error(), "faults[0].mode") {
		t.Errorf("bad faults at the start: %v", err)
	}
}

func TestFaultControl(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	tt.want(200, "PUT", "/_sim/faults", "faults: [{name: gate, mode: html, match: {route: /v1.0/groups}}]")
	tt.do("GET", "/v1.0/groups", nil)
	listed := objects(tt.want(200, "GET", "/_sim/faults", nil)["faults"])
	if len(listed) != 1 || listed[0]["hits"] != 1.0 || listed[0]["name"] != "gate" {
		t.Errorf("faults %v", listed)
	}
	tt.want(400, "PUT", "/_sim/faults", object{"faults": []object{{"mode": "nope"}}})
	if len(tt.sim.Faults()) != 1 {
		t.Error("a refused list replaced the faults")
	}
	tt.want(204, "DELETE", "/_sim/faults", nil)
	tt.want(200, "GET", "/v1.0/groups", nil)
	tt.want(400, "POST", "/_sim/refuse", object{"for": "1s"}) // no listener
	tt.want(400, "POST", "/_sim/refuse", object{})
}

// TestRecorderSurvivesDrop: a handler without a connection aborts.
func TestRecorderSurvivesDrop(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Faults: []Fault{{Mode: FaultReset, Match: FaultMatch{Method: "GET"}}}})
	defer func() {
		if got := recover(); got != any(http.ErrAbortHandler) {
			t.Errorf("recovered %v", got)
		}
	}()
	tt.sim.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/v1.0/groups", nil))
	t.Error("the handler returned")
}
