// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
)

// Write is one request of an operator that changes something.
type Write struct {
	// Kube is true for a write to the API server, false for one to the tenant.
	Kube bool
	// Method and Path of the request: for the API server a verb, kind and name.
	Method, Path string
	// Body as it was sent to the tenant.
	Body string
	// Batched marks a request inside of a $batch, which is told of beside the batch itself.
	Batched bool
}

// String is the write in one line, without its body.
func (w Write) String() string {
	to := "tenant"
	if w.Kube {
		to = "kube"
	}
	return fmt.Sprintf("%s %s %s", to, w.Method, w.Path)
}

// Trouble is what becomes of a request.
type Trouble int

// The kinds of trouble.
const (
	// None: it is answered.
	None Trouble = iota
	// Busy: 429 with a Retry-After of some seconds.
	Busy
	// Down: 503, nothing was done.
	Down
	// Broken: 500, nothing was done.
	Broken
	// Lost: it was done, and the answer is lost.
	Lost
	// Unsent: the connection is refused.
	Unsent
)

// tap stands between the Graph client of one operator and the tenant, in the place of the network.
type tap struct {
	tenant http.Handler
	// before sees each request, with its write if it is one, and says what is to become of it; after sees what was answered.
	before func(r *http.Request, w *Write) Trouble
	after  func(r *http.Request, w *Write, answer *httptest.ResponseRecorder)
}

// RoundTrip implements http.RoundTripper.
func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.TLS, in.RequestURI = r.URL.Host, &tls.ConnectionState{}, r.URL.RequestURI()
	body, err := bodyOf(in)
	if err != nil {
		return nil, err
	}
	var write *Write
	if changesTenant(in, body) {
		write = &Write{Method: r.Method, Path: r.URL.Path, Body: string(body)}
	}
	trouble := t.before(in, write)
	if trouble == Unsent {
		return nil, fmt.Errorf("fastworld: %w", syscall.ECONNREFUSED)
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	answer := httptest.NewRecorder()
	switch trouble {
	case Busy:
		answer.Header().Set("Retry-After", "7")
		refuse(answer, http.StatusTooManyRequests, "TooManyRequests")
	case Down:
		refuse(answer, http.StatusServiceUnavailable, "serviceUnavailable")
	case Broken:
		refuse(answer, http.StatusInternalServerError, "internalServerError")
	default:
		t.tenant.ServeHTTP(answer, in)
		t.after(in, write, answer)
	}
	if trouble == Lost {
		return nil, fmt.Errorf("fastworld: the answer is lost: %w", io.ErrUnexpectedEOF)
	}
	out := answer.Result()
	out.Request = r
	return out, nil
}

func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		r.Body = http.NoBody
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

func refuse(answer *httptest.ResponseRecorder, status int, code string) {
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(status)
	_, _ = fmt.Fprintf(answer, `{"error":{"code":%q,"message":"fastworld: on purpose"}}`, code) // a recorder takes everything
}

// changesTenant tells writes from reads that Graph wants as POST.
func changesTenant(r *http.Request, body []byte) bool {
	switch {
	case r.Method == http.MethodGet, strings.Contains(r.URL.Path, "/reports/"), strings.HasSuffix(r.URL.Path, "/token"):
		return false
	case strings.HasSuffix(r.URL.Path, "/$batch"):
		for _, part := range batched(body) {
			if part.Method != http.MethodGet {
				return true
			}
		}
		return false
	}
	return true
}

// part is one request of a batch.
type part struct {
	ID, Method, URL string
	Body            json.RawMessage
}

func batched(body []byte) []part {
	var in struct{ Requests []part }
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	return in.Requests
}
