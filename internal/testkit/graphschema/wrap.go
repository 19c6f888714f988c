// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
)

// FaultHeader marks an answer that a fault made or spoiled on purpose: its body
// is not checked, the request still is. The simulator sets it (the name is
// written there once more, because the simulator imports no test support).
const FaultHeader = "X-Tenantsim-Fault"

// Spoiled is the value of FaultHeader for an answer that a test made up and that
// does not fit Graph's types: then it must not, so that no mark hides a body that
// could be checked. A part of a $batch is not held to it.
const Spoiled = "spoiled"

// WrongHeader marks a request that does not fit Graph's types on purpose, to see
// it refused: then it must be refused, with a status of 4xx. The wrapped server
// never sees the header; inside a $batch it is one of the headers of its part.
const WrongHeader = "X-Test-Wrong"

// reporter hands faults to a test until the test is over. A client may still be
// sending then, and a finished test must not be touched.
type reporter struct {
	mu   sync.Mutex
	t    testing.TB
	done bool
}

func newReporter(t testing.TB) *reporter {
	r := &reporter{t: t}
	t.Cleanup(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done = true
	})
	return r
}

func (r *reporter) report(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.t.Errorf("%v", err)
	}
}

// Handler wraps a server. It checks each request that reaches it and each answer
// that it gives, and fails t for a body that does not hold. Of an answer that
// never came, was cut off or bears FaultHeader, only the request is checked; one
// that is marked Spoiled must not hold. Put what loses or invents answers of its
// own outside of it.
func Handler(t testing.TB, next http.Handler) http.Handler {
	r := newReporter(t)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, _, graph := splitVersion(req.URL); !graph {
			next.ServeHTTP(w, req)
			return
		}
		sent, err := io.ReadAll(req.Body)
		if err != nil { // the client went away in the middle of it: nothing to judge
			next.ServeHTTP(w, withBody(req, io.MultiReader(bytes.NewReader(sent), failing{err})))
			return
		}
		e := Exchange{Method: req.Method, URL: req.URL, RequestHeader: req.Header.Clone(), RequestBody: sent}
		got := &capture{to: w, header: http.Header{}}
		answered := false
		// A handler that drops the connection does so by a panic, which goes on.
		defer func() {
			if !answered {
				r.report(Check(e))
			}
		}()
		next.ServeHTTP(got, withBody(req, bytes.NewReader(sent)))
		if got.taken || got.begun && req.Context().Err() != nil {
			return
		}
		answered = true
		e.Status, e.ResponseHeader, e.ResponseBody = got.code(), got.header, got.body.Bytes()
		r.report(Check(e))
		r.report(idleMark(e))
		if !got.begun {
			got.flush()
		}
	})
}

// idleMark finds an answer that is marked Spoiled and fits all the same.
func idleMark(e Exchange) error {
	if e.ResponseHeader.Get(FaultHeader) != Spoiled {
		return nil
	}
	e.ResponseHeader = e.ResponseHeader.Clone()
	e.ResponseHeader.Del(FaultHeader)
	if Check(e) == nil {
		return fmt.Errorf("response of %s %s (%d) is marked %s: %s, but fits Graph's types: take the mark away", e.Method, e.URL.Path, e.Status, FaultHeader, Spoiled)
	}
	return nil // the fault is the answer's, or the request's, which was reported
}

// capture keeps an answer until it was checked, so that no client is ahead of
// the verdict. A handler that takes the connection over gets it.
type capture struct {
	to     http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
	// begun answers were sent in part, as the handler wanted; the rest follows as
	// it is written. taken ones are no longer ours: the handler has the connection.
	begun, taken bool
}

// Header returns the header of the answer to be.
func (c *capture) Header() http.Header { return c.header }

// WriteHeader keeps the status; the first one counts.
func (c *capture) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

// Write keeps a part of the body.
func (c *capture) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	_, _ = c.body.Write(p) // a buffer does not fail
	if c.begun {
		return c.to.Write(p)
	}
	return len(p), nil
}

// FlushError sends what there is: a handler that wants a part of its answer to
// arrive knows why.
func (c *capture) FlushError() error {
	if !c.begun {
		c.begun = true
		c.flush()
	}
	return http.NewResponseController(c.to).Flush()
}

// Hijack hands the connection to the handler.
func (c *capture) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.taken = true
	return http.NewResponseController(c.to).Hijack()
}

func (c *capture) code() int { return max(c.status, http.StatusOK) }

func (c *capture) flush() {
	maps.Copy(c.to.Header(), c.header)
	c.to.WriteHeader(c.code())
	// A client that hung up is the client's business.
	_, _ = c.to.Write(c.body.Bytes())
}

// failing fails a read with the error that the original read had.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func withBody(req *http.Request, body io.Reader) *http.Request {
	out := req.Clone(req.Context())
	out.Header.Del(WrongHeader)
	out.Body = io.NopCloser(body)
	return out
}
