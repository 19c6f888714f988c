// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// front is the host that the operator reaches. It hands requests on to a simulated tenant and notes every secret that an
// answer carries.
type front struct {
	URL string
	CA  string

	mu      sync.Mutex
	tenant  http.Handler
	lose    func(*http.Request) bool
	secrets []string
	// tokens and links count the different ones among the secrets.
	tokens, links int
}

// newFront starts a host in front of tenant and ends it with the test.
func newFront(t *testing.T, tenant http.Handler) *front {
	t.Helper()
	f := &front{tenant: tenant}
	srv := httptest.NewTLSServer(graphschema.Handler(t, f)) // what a test makes up has to fit as well
	t.Cleanup(srv.Close)
	f.URL = srv.URL
	f.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	return f
}

// Serve changes the tenant behind the host.
func (f *front) Serve(tenant http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tenant = tenant
}

// Lose drops the answer to each request that match picks, after the tenant has done what it asks for. Nil ends it.
func (f *front) Lose(match func(*http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lose = match
}

// Secrets lists the tokens and link signatures that were handed out, and how many of each there are.
func (f *front) Secrets() (secrets []string, tokens, links int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.secrets), f.tokens, f.links
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	tenant, lose := f.tenant, f.lose
	f.mu.Unlock()
	answer := httptest.NewRecorder()
	tenant.ServeHTTP(answer, r)
	f.note(answer.Body.Bytes())
	if lose != nil && lose(r) {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a client that hung up is its own affair
}

// signature matches what makes a link to a report a credential, in JSON.
var signature = regexp.MustCompile(`(?:[?&]|\\u0026)sig=([^"&\\]+)`)

// note keeps the token of an answer, its parts, and the signatures of links in it.
func (f *front) note(body []byte) {
	var answer struct {
		Token string `json:"access_token"`
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if json.Unmarshal(body, &answer) == nil && answer.Token != "" && f.keep(answer.Token) {
		f.tokens++
		for _, part := range strings.Split(answer.Token, ".")[1:] { // the first part is no secret
			f.keep(part)
		}
	}
	for _, m := range signature.FindAllSubmatch(body, -1) {
		if f.keep(string(m[1])) {
			f.links++
		}
	}
}

// keep adds a secret and says whether it is a new one. The lock is held.
func (f *front) keep(secret string) bool {
	if slices.Contains(f.secrets, secret) {
		return false
	}
	f.secrets = append(f.secrets, secret)
	return true
}
