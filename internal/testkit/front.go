// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// front stands before the simulated tenant and hands each request to the operator that sent it, known by its user agent.
type front struct {
	tenant    http.Handler
	mu        sync.Mutex
	operators map[string]*Operator
	strangers traffic // tokens, which carry no operator's name, and what tests and admins ask for
	created   []tenantsim.PolicySnapshot
}

// serveTenant starts the tenant behind a front and returns its URL and the certificate to trust.
func (w *World) serveTenant(t testing.TB) {
	t.Helper()
	w.front = &front{tenant: w.Sim.Handler(), operators: map[string]*Operator{}}
	server := httptest.NewUnstartedServer(w.front)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that are dropped on purpose are no news
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	w.SimURL = server.URL
	w.SimCA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func (w *World) addOperator(op *Operator) {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	op.Name = fmt.Sprintf("operator-%d", len(w.front.operators)+1)
	w.front.operators[op.Name] = op
}

// Operators are all that the world has started so far.
func (w *World) Operators() []*Operator {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	var out []*Operator
	for _, op := range w.front.operators {
		out = append(out, op)
	}
	return out
}

// ServeHTTP passes a request on, or drops the connection before or after the tenant has acted on it.
func (f *front) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	op := f.sender(r)
	if op == nil {
		f.strangers.begin()
		defer f.strangers.end()
		f.tenant.ServeHTTP(rw, r)
		return
	}
	var write *Write
	if changesTenant(r) {
		body, err := readBody(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		write = &Write{Method: r.Method, Path: r.URL.Path, Body: body}
	}
	lose, err := op.begin(write)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer op.end()
	if write == nil {
		f.tenant.ServeHTTP(rw, r)
		return
	}
	answer := httptest.NewRecorder()
	f.tenant.ServeHTTP(answer, r)
	if answer.Code == http.StatusTooManyRequests {
		op.refused(*write)
	}
	f.note(r, answer)
	if lose {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(rw.Header(), answer.Header())
	rw.WriteHeader(answer.Code)
	if _, err := rw.Write(answer.Body.Bytes()); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// note remembers the id of a policy that was made, for the time when it is gone.
func (f *front) note(r *http.Request, answer *httptest.ResponseRecorder) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/configurationPolicies") || answer.Code != http.StatusCreated {
		return
	}
	body := answer.Body.Bytes()
	if answer.Header().Get("Content-Encoding") == "gzip" {
		zipped, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return
		}
		if body, err = io.ReadAll(zipped); err != nil {
			return
		}
	}
	var made struct{ ID, Name string }
	if json.Unmarshal(body, &made) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created = append(f.created, tenantsim.PolicySnapshot{ID: made.ID, Name: made.Name})
}

func (f *front) sender(r *http.Request) *Operator {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, op := range f.operators {
		if agent := r.UserAgent(); agent == name || strings.HasPrefix(agent, name+" ") || strings.HasPrefix(agent, name+"/") {
			return op
		}
	}
	return nil
}

// changesTenant tells writes from reads that Graph wants as POST.
func changesTenant(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/reports/") && !strings.HasSuffix(r.URL.Path, "/token")
}
