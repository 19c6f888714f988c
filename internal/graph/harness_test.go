// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// staticCredential hands out numbered tokens, a new one for each credential object.
type staticCredential struct {
	token string
	err   error
}

func (s staticCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: s.token, ExpiresOn: time.Now().Add(time.Hour)}, s.err
}

// jwt makes an unsigned token with roles.
func jwt(n int, roles ...string) string {
	claims, err := json.Marshal(map[string]any{"roles": roles, "tid": "contoso", "n": n})
	if err != nil {
		panic(err)
	}
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"none"}`)) + "." + enc.EncodeToString(claims) + ".c2ln"
}

// recorded is one request as the server saw it.
type recorded struct {
	method, path, query, body string
	header                    http.Header
	length                    int64
	chunked                   bool
}

// recorder is a server that keeps what it is asked and answers with the handler of the test.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	requests []recorded
	conns    atomic.Int64
}

func (r *recorder) all() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]recorded(nil), r.requests...)
}

func (r *recorder) count() int { return len(r.all()) }

// serve starts a server; handle gets the number of the request, from 1. Whatever this package sends and whatever handle
// answers must fit the types of Graph; an answer that does not on purpose says so where it is written: see spoiled.
func serve(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request, body string)) *recorder {
	t.Helper()
	return start(t, handle, func(next http.Handler) http.Handler { return graphschema.Handler(t, next) })
}

// serveAny is serve without the check, for a tenant that is newer than the types and gets back what it sent.
func serveAny(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request, body string)) *recorder {
	t.Helper()
	return start(t, handle, func(next http.Handler) http.Handler { return next })
}

// start starts a server with something between it and the handler of the test.
func start(t *testing.T, handle func(n int, w http.ResponseWriter, r *http.Request, body string), between func(http.Handler) http.Handler) *recorder {
	t.Helper()
	rec := &recorder{}
	rec.Server = httptest.NewUnstartedServer(between(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		rec.mu.Lock()
		rec.requests = append(rec.requests, recorded{method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery,
			body: string(body), header: r.Header.Clone(), length: r.ContentLength, chunked: len(r.TransferEncoding) > 0})
		n := len(rec.requests)
		rec.mu.Unlock()
		handle(n, w, r, string(body))
	})))
	rec.Config.ConnContext = countConns(&rec.conns)
	rec.Start()
	t.Cleanup(rec.Close)
	return rec
}

// testConfig is quick and unlimited.
func testConfig(graphURL string) Config {
	return Config{TenantID: "contoso", Endpoint: &Endpoint{GraphURL: graphURL, AuthorityURL: "https://127.0.0.1:1"},
		AllowedHosts: allow(graphURL, "https://127.0.0.1:1"),
		Auth:         Auth{ClientSecret: &ClientSecret{ClientID: "app", Secret: "s3cr3t-v4lue"}},
		Limits:       Unlimited(), RetryBase: time.Millisecond, RetryCap: 4 * time.Millisecond,
		ExportPollInterval: time.Millisecond, AttemptTimeout: 10 * time.Second}
}

// allow lets an endpoint name the hosts of some URLs.
func allow(urls ...string) HostList {
	var entries []string
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			entries = append(entries, u.Host)
		}
	}
	l, err := ParseHosts(entries)
	if err != nil {
		panic(err)
	}
	return l
}

// testClient speaks to a server with a static credential.
func testClient(t *testing.T, graphURL string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := testConfig(graphURL)
	for _, f := range change {
		f(&cfg)
	}
	cfg = cfg.withDefaults()
	h, err := cfg.resolve()
	if err != nil {
		t.Fatal(err)
	}
	var issued atomic.Int64
	c, err := newClient(cfg, h, newBaseTransport(h.roots), func() (azcore.TokenCredential, error) {
		return staticCredential{token: jwt(int(issued.Add(1)), "Device.Read.All")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answer writes JSON as Graph does, or, where the text is one, a web page as a gateway does.
func answer(w http.ResponseWriter, status int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	kind := "application/json"
	if strings.HasPrefix(text, "<") {
		kind = "text/html; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("request-id", "req-1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// spoiled is answer for what does not fit Graph's types on purpose: because it is broken, or because it is newer than
// they are.
func spoiled(w http.ResponseWriter, status int, format string, args ...any) {
	mark(w)
	answer(w, status, format, args...)
}

// mark says of an answer, before it is written, that it does not fit Graph's types on purpose. One that does fails.
func mark(w http.ResponseWriter) { w.Header().Set(graphschema.FaultHeader, graphschema.Spoiled) }

// succeed answers as sparely as Graph may where all went well: with nothing, with a collection of nothing, or with an
// object that has only a key. The keys of these tests hold a digit, no collection's name does.
func succeed(w http.ResponseWriter, r *http.Request) {
	last := path.Base(r.URL.Path)
	isKey := strings.ContainsAny(last, "0123456789")
	switch {
	case r.Method == http.MethodDelete, r.Method == http.MethodPut, last == "syncDevice", last == "initiateOnDemandProactiveRemediation",
		strings.HasPrefix(r.URL.Path, "/v1.0/groups") && r.Method == http.MethodPatch,
		strings.Contains(r.URL.Path, "/deviceHealthScripts/") && last == "assign":
		w.WriteHeader(204)
	case isKey:
		answer(w, 200, `{"id":"x1"}`)
	case r.Method == http.MethodPost && last != "assign":
		answer(w, 201, `{"id":"x1"}`)
	case last == "transitiveMembers": // an empty one is asked for twice, as is the next
		answer(w, 200, `{"value":[{"@odata.type":"#microsoft.graph.device","id":"x1"}]}`)
	case last == "assignments" && r.Method == http.MethodGet:
		answer(w, 200, `{"value":[{"id":"x1","target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`)
	default:
		answer(w, 200, `{"value":[]}`)
	}
}

// abort cuts the connection without an answer.
func abort() { panic(http.ErrAbortHandler) }

// hang leaves a request without an answer until the client gives up.
func hang(r *http.Request) {
	<-r.Context().Done()
	abort()
}

// wantKind fails unless err is an *Error of a kind, and returns it.
func wantKind(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	e := asError(err)
	if e == nil {
		t.Fatalf("got %v (%T), want an *Error of kind %s", err, err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got kind %s (%v), want %s", e.Kind, err, kind)
	}
	return e
}

func mustQuery(t *testing.T, raw string) url.Values {
	t.Helper()
	q, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// countConns counts the connections of a server.
func countConns(n *atomic.Int64) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, _ net.Conn) context.Context {
		n.Add(1)
		return ctx
	}
}
