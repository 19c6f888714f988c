// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
)

// FaultHeader marks an answer that a test spoils on purpose: its body is not
// checked.
const FaultHeader = "X-Tenantsim-Fault"

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
// that it gives, and fails t for a body that does not hold. Put what injects
// faults outside of it.
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
		got := &capture{to: w, header: http.Header{}}
		next.ServeHTTP(got, withBody(req, bytes.NewReader(sent)))
		if got.gone {
			return
		}
		if got.header.Get(FaultHeader) == "" {
			r.report(Check(Exchange{Method: req.Method, URL: req.URL, RequestHeader: req.Header, RequestBody: sent,
				Status: got.code(), ResponseHeader: got.header, ResponseBody: got.body.Bytes()}))
		}
		got.flush()
	})
}

// capture keeps an answer until it was checked, so that no client is ahead of
// the verdict. A handler that takes the connection over gets it.
type capture struct {
	to     http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
	// gone answers are no longer ours: the connection was taken, or a part was
	// sent on purpose.
	gone bool
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
	if c.gone {
		return c.to.Write(p)
	}
	return c.body.Write(p)
}

// FlushError sends what there is: a handler that wants a part of its answer to
// arrive knows why.
func (c *capture) FlushError() error {
	if !c.gone {
		c.gone = true
		c.flush()
	}
	return http.NewResponseController(c.to).Flush()
}

// Hijack hands the connection to the handler.
func (c *capture) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.gone = true
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
	out.Body = io.NopCloser(body)
	return out
}

// RoundTripper wraps a client's transport: it checks each request that leaves
// and each answer that comes, and fails t for a body that does not hold. A nil
// next is http.DefaultTransport. Bodies are read whole before they are passed
// on.
func RoundTripper(t testing.TB, next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &roundTripper{next: next, reporter: newReporter(t)}
}

type roundTripper struct {
	next     http.RoundTripper
	reporter *reporter
}

// RoundTrip sends one request and checks both bodies.
func (rt *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, _, graph := splitVersion(req.URL); !graph {
		return rt.next.RoundTrip(req)
	}
	e := Exchange{Method: req.Method, URL: req.URL, RequestHeader: req.Header.Clone()}
	out := req.Clone(req.Context())
	if req.Body != nil {
		sent, err := io.ReadAll(req.Body)
		if closing := req.Body.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, err
		}
		e.RequestBody = sent
		out.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := rt.next.RoundTrip(out)
	if err != nil {
		rt.reporter.report(Check(e))
		return nil, err
	}
	got, broken := io.ReadAll(resp.Body)
	if closing := resp.Body.Close(); broken == nil {
		broken = closing
	}
	parts := []io.Reader{bytes.NewReader(got)}
	if broken != nil { // the client shall see what it would have seen
		parts = append(parts, failing{broken})
	}
	resp.Body = io.NopCloser(io.MultiReader(parts...))
	if broken == nil && resp.Header.Get(FaultHeader) == "" {
		e.Status, e.ResponseHeader, e.ResponseBody = resp.StatusCode, resp.Header, got
		rt.reporter.report(Check(e))
	}
	return resp, nil
}
