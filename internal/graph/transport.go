// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"k8s.io/utils/clock"
)

// newBaseTransport is net/http with room for parallel requests to one host, the proxy of the environment, and
// the roots of a custom endpoint.
func newBaseTransport(roots *x509.CertPool) *http.Transport {
	var t *http.Transport
	if def, ok := http.DefaultTransport.(*http.Transport); ok {
		t = def.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
	}
	t.MaxIdleConnsPerHost = 16
	t.MaxResponseHeaderBytes = maxHeaders
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return t
}

// noRedirect hands a redirect to the caller: the token must not follow it.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// frameTransport is the outermost round tripper. It gives a request an id and a body with a length, which can
// be sent again.
type frameTransport struct {
	next      http.RoundTripper
	userAgent string
}

// RoundTrip implements http.RoundTripper.
func (t *frameTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	out, err := t.framed(req)
	if err != nil {
		return nil, &notSentError{err}
	}
	return t.next.RoundTrip(out)
}

// framed copies a request and gives it headers, and a body that knows its length.
func (t *frameTransport) framed(req *http.Request) (*http.Request, error) {
	out := req.Clone(req.Context())
	out.Header.Set("User-Agent", t.userAgent)
	if out.Header.Get("client-request-id") == "" {
		out.Header.Set("client-request-id", uuid.NewString())
	}
	if req.Body == nil || req.Body == http.NoBody {
		return out, nil
	}
	content, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if err := req.Body.Close(); err != nil {
		return nil, fmt.Errorf("close request body: %w", err)
	}
	out.ContentLength = int64(len(content))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	out.Body = io.NopCloser(bytes.NewReader(content))
	return out, nil
}

// wireTransport is the innermost round tripper. It times what the server does, the answer's body included,
// counts it, and tells a request that may have arrived from one that cannot.
type wireTransport struct {
	next    http.RoundTripper
	timeout time.Duration // of silence
	// answer and download are the time until the last byte, of Graph's answers and of export files.
	answer, download time.Duration
	metrics          *metrics
	// clock is the real one also where Config.Clock is not: the network does not run on a virtual clock.
	clock clock.WithDelayedExecution
}

// RoundTrip implements http.RoundTripper.
func (t *wireTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	op := callFrom(req.Context())
	ctx, cancel := context.WithCancelCause(req.Context())
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	total := t.answer
	if op.file {
		total = t.download
	}
	guard := newWatchdog(t.clock, t.timeout, total, cancel)
	t.metrics.begin()
	resp, err := t.next.RoundTrip(req.WithContext(traced))
	if err != nil {
		t.metrics.end(op.op, 0)
		err = classify(err, context.Cause(ctx), connected.Load())
		guard.stop()
		return nil, err
	}
	t.metrics.end(op.op, resp.StatusCode)
	resp.Body = &guardedBody{ReadCloser: resp.Body, guard: guard, ctx: ctx, counted: func(n int) { t.metrics.read(op.op, n) }}
	return resp, nil
}

// classify says of a failed round trip whether the request can have reached the server.
func classify(err, cause error, connected bool) error {
	if givenUp(cause) {
		err = cause
	}
	var unsent *notSentError
	if connected || errors.As(err, &unsent) {
		return err
	}
	return &notSentError{err}
}

// givenUp reports whether the watchdog ended a request.
func givenUp(cause error) bool { return errors.Is(cause, errStalled) || isTooSlow(cause) }

// watchdog cancels a request when the server has been silent for too long, and when its answer does not end.
type watchdog struct {
	timeout        time.Duration
	cancel         context.CancelCauseFunc
	silence, total clock.Timer
}

// newWatchdog starts to watch.
func newWatchdog(clk clock.WithDelayedExecution, timeout, total time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{timeout: timeout, cancel: cancel, silence: clk.AfterFunc(timeout, func() { cancel(errStalled) }),
		total: clk.AfterFunc(total, func() { cancel(&tooSlowError{total}) })}
}

// alive gives the server another while in which it may be silent.
func (w *watchdog) alive() { w.silence.Reset(w.timeout) }

// stop ends the watch and everything that still hangs on the request.
func (w *watchdog) stop() {
	w.silence.Stop()
	w.total.Stop()
	w.cancel(nil)
}

// guardedBody is a body that must keep flowing.
type guardedBody struct {
	io.ReadCloser
	guard   *watchdog
	ctx     context.Context //nolint:containedctx // the body lives as long as the request
	counted func(int)
}

// Read implements io.Reader.
func (b *guardedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.counted(n)
	if err == nil {
		b.guard.alive()
		return n, nil
	}
	if cause := context.Cause(b.ctx); !errors.Is(err, io.EOF) && givenUp(cause) {
		err = cause
	}
	return n, err
}

// Close implements io.Closer.
func (b *guardedBody) Close() error {
	err := b.ReadCloser.Close()
	b.guard.stop()
	return err
}

// tokenTransport keeps the answers of a token endpoint small: they are read whole, by a library that knows no bound.
type tokenTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{capped(resp.Body, maxTokenBody, "the answer of the token endpoint"), resp.Body}
	}
	return resp, err
}

// drain reads what is left of a small body, so that its connection can be used again, and closes it.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
	_ = resp.Body.Close()
}

// closeBody closes the body of a request that is not sent: a round tripper must.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// readBounded reads a body of at most limit bytes; what is longer is cut.
func readBounded(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}
