// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	absauth "github.com/microsoft/kiota-abstractions-go/authentication"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	"k8s.io/utils/clock"
)

// Client speaks to Microsoft Graph for one tenant: one token, one limiter, one retry policy, one set of
// metrics. It is safe for concurrent use.
type Client struct {
	cfg      Config
	hosts    hosts
	realm    string
	caps     caps
	adapter  abs.RequestAdapter
	base     http.RoundTripper
	download *http.Client
	tokens   *tokenSource
	limiter  *limiter
	shared   *Shared
	metrics  *metrics
	offset   atomic.Int64 // see ClockOffset
	closed   sync.Once
	secrets  *strings.Replacer // the client's own secrets, in every form in which a text may carry them
}

// New returns a client for the tenant of cfg, or an error that names the field, its value and the remedy; its kind is
// Credential when the field is one of auth. It sends nothing: a wrong secret shows in the first call, Permissions being
// the cheapest.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	h, err := cfg.resolve()
	if err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	base := cfg.Transport
	if base == nil {
		base = newBaseTransport(h.roots)
	}
	// Token requests need no retries of their own: azidentity calls Do and follows no links.
	signIn := &http.Client{Transport: &signInTransport{next: &tokenTransport{base}, hosts: &h}, Timeout: cfg.AttemptTimeout, CheckRedirect: noRedirect}
	credential, err := newCredential(cfg, h, signIn)
	if err != nil {
		return nil, &Error{Kind: KindCredential, Op: "New", Message: err.Error()}
	}
	c, err := newClient(cfg, h, base, credential)
	if err != nil {
		return nil, err
	}
	if _, err := c.tokens.credential(); err != nil {
		c.Close()
		return nil, &Error{Kind: KindCredential, Op: "New", Message: "auth: " + c.redact(err.Error())}
	}
	return c, nil
}

// newClient puts the parts together.
func newClient(cfg Config, h hosts, base http.RoundTripper, credential credentialFunc) (*Client, error) {
	m, err := newMetrics(cfg.Registry, strings.ToLower(cfg.TenantID))
	if err != nil {
		return nil, fmt.Errorf("graph: %w", err)
	}
	shared := cfg.Shared
	if shared == nil {
		shared = NewShared(cfg)
	}
	c := &Client{
		cfg: cfg, hosts: h, realm: strings.ToLower(h.graph.Host + "/" + cfg.TenantID), caps: defaultCaps, base: base, metrics: m, secrets: secretForms(cfg.Auth.secretValues()),
		tokens: newTokenSource(credential, h.scope),
		shared: shared, limiter: shared.limiter,
	}
	wire := &wireTransport{next: base, timeout: cfg.AttemptTimeout, answer: cfg.AnswerTimeout, download: cfg.DownloadTimeout, metrics: m, clock: clock.RealClock{}}
	c.download = &http.Client{Transport: &frameTransport{next: wire, userAgent: cfg.UserAgent}, CheckRedirect: noRedirect}
	chain := http.RoundTripper(&authTransport{next: &dateTransport{next: wire, clock: cfg.DateClock, offset: &c.offset}, client: c})
	chain = &limitTransport{next: chain, limiter: c.limiter}
	chain = &frameTransport{next: chain, userAgent: cfg.UserAgent}
	// A client without a time-out and with no Kiota middleware. The JSON factories are handed over directly:
	// the SDK's constructor would register them, and a backing store, in variables of the whole process.
	adapter, err := khttp.NewNetHttpRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		&absauth.AnonymousAuthenticationProvider{}, kjson.NewJsonParseNodeFactory(), kjson.NewJsonSerializationWriterFactory(),
		&http.Client{Transport: chain, CheckRedirect: noRedirect})
	if err != nil {
		return nil, fmt.Errorf("graph: request adapter: %w", err)
	}
	adapter.SetBaseUrl(h.graph.String() + "/v1.0")
	c.adapter = adapter
	shared.join(m)
	return c, nil
}

// Close drops idle connections and, when no other client shares the tenant, the tenant's metrics. Calls in flight end on
// their own. Closing again does nothing.
func (c *Client) Close() {
	c.closed.Do(func() {
		if base, ok := c.base.(interface{ CloseIdleConnections() }); ok {
			base.CloseIdleConnections()
		}
		c.shared.leave(c.metrics)
	})
}

// ThrottledFor returns how long, on the clock of Config, some workload is still held back at the tenant's wish; 0 when
// none is.
func (c *Client) ThrottledFor() time.Duration {
	until := c.limiter.throttledUntil()
	if until.IsZero() {
		return 0
	}
	return until.Sub(c.cfg.Clock.Now())
}

// effect is what repeating a request does.
type effect int

const (
	// effectUnsafe: each repetition may make another object. It is never repeated on a lost answer.
	effectUnsafe effect = iota
	// effectIdempotent: the same bytes lead to the same state.
	effectIdempotent
	// effectRead: nothing in the tenant changes.
	effectRead
)

// call describes one request to everything below the adapter.
type call struct {
	op     string // method of Client, also the label of the metrics
	class  class
	effect effect
	units  int // resource units of a directory request (contract k.3), at least 1
	writes int // how many writes a request carries, at least 1 unless it is a read
	// byID is true for a read of one object by its key, whose NotFound means gone: it is confirmed by a second read.
	byID bool
	// streamed is true for a list whose rows are not kept here: who keeps them counts what they take.
	streamed bool
	// file is true for the download of an export file, which may take longer than an answer.
	file bool
	// digest identifies a write that Multi Admin Approval can stop.
	digest string
	// permissions are the least application permissions, all of them needed (contract g, l.5). They explain a 403
	// that names none.
	permissions []string
}

// byID marks a read of one object by its key.
func byID(c call) call {
	c.byID = true
	return c
}

// callKey is the context key of a call.
type callKey struct{}

// callFrom returns the call of a request, or an unsafe one of no name.
func callFrom(ctx context.Context) call {
	if c, ok := ctx.Value(callKey{}).(call); ok {
		return c
	}
	return call{op: "unknown", class: classDirectory}
}

// send runs one request until it succeeds or may not be repeated. read gets the answer of each attempt that
// Graph accepted and reads its body before it returns; nil means that the body does not matter.
func (c *Client) send(ctx context.Context, op call, ri *abs.RequestInformation, read func(*http.Response) error) error {
	op, err := c.approve(ctx, op, ri)
	if err != nil {
		return err
	}
	if op.effect == effectRead {
		// Without it, words that were added to an enum later come as unknownFutureValue (contract 0.3).
		ri.Headers.TryAdd("Prefer", "include-unknown-enum-members")
	}
	once := func() error {
		return c.retrying(ctx, op, func(ctx context.Context) error { return c.attempt(ctx, op, ri, read) })
	}
	err = once()
	if op.byID && KindOf(err) == KindNotFound {
		err = c.confirmGone(ctx, op, once)
	}
	if e := asError(err); e != nil && e.Kind == KindApprovalRequired {
		e.ApprovalDigest = op.digest
	}
	return err
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, op call, ri *abs.RequestInformation, read func(*http.Response) error) error {
	var status int
	var id string
	handler := abs.NewRequestHandlerOption()
	handler.SetResponseHandler(func(response any, _ abs.ErrorMappings) (any, error) {
		resp, ok := response.(*http.Response)
		if !ok || resp == nil {
			return nil, fmt.Errorf("the adapter handed over %T instead of an answer", response)
		}
		defer drain(resp)
		status, id = resp.StatusCode, requestID(resp.Header, c.hide)
		return nil, c.answer(op, resp, read)
	})
	ri.AddRequestOptions([]abs.RequestOption{handler})
	err := c.adapter.SendNoContent(context.WithValue(ctx, callKey{}, op), ri, nil)
	if err == nil {
		c.limiter.resume(op.class)
		return nil
	}
	return c.settle(op, c.failure(ctx, op, err, status, id))
}

// answer reads one answer: an error status becomes an *Error, anything else goes to read.
func (c *Client) answer(op call, resp *http.Response, read func(*http.Response) error) error {
	if resp.StatusCode >= 400 {
		body, err := readBounded(resp.Body, maxErrorBody)
		if err != nil {
			body = nil // The status still says what happened; the text is lost.
		}
		e := c.parseError(op.op, resp.StatusCode, resp.Header, body)
		// A server that failed, or a gateway that gave up on it, may have done the work before.
		e.OutcomeUnknown = op.effect != effectRead && resp.StatusCode != http.StatusLocked &&
			(e.Kind == KindTransient || resp.StatusCode >= 500)
		return e
	}
	if resp.StatusCode >= 300 {
		return &Error{Kind: KindTransient, Op: op.op, Status: resp.StatusCode, RequestID: requestID(resp.Header, c.hide),
			Message: "Graph answered with a redirect, which is not followed: " + statusText(resp.StatusCode)}
	}
	if read == nil {
		return c.wantNothing(op, resp)
	}
	if err := read(resp); err != nil {
		return fmt.Errorf("the answer did not parse: %w", err)
	}
	return nil
}

// wantNothing accepts the answer to a write whose success carries nothing that is read: no content, or JSON. Any other
// page comes from something in between that may have kept the write to itself (contract 0.4).
func (c *Client) wantNothing(op call, resp *http.Response) error {
	if resp.StatusCode == http.StatusNoContent || !isForeign(resp.Header.Get("Content-Type")) {
		return nil
	}
	return c.noAnswer(op, resp.StatusCode, resp.Header)
}

// isForeign tells a content type that Graph does not answer with.
func isForeign(kind string) bool {
	return kind != "" && !strings.Contains(strings.ToLower(kind), "json")
}

// noAnswer is the error for a success that is not Graph's own. What became of a write is open.
func (c *Client) noAnswer(op call, status int, header http.Header) *Error {
	return &Error{Kind: KindTransient, Op: op.op, Status: status, RequestID: requestID(header, c.hide), OutcomeUnknown: op.effect != effectRead, Foreign: c.hosts.custom,
		Message: fmt.Sprintf("a page of type %q came instead of Graph's answer: a proxy or gateway stands in between", header.Get("Content-Type"))}
}

// settle completes an error with what only the client knows: until when a class is paused, and which
// permission a bare refusal is about.
func (c *Client) settle(op call, e *Error) *Error {
	switch e.Kind {
	case KindThrottled:
		if e.Status != 0 {
			e.RetryAt = c.limiter.pause(op.class, e.RetryAt)
		}
	case KindForbidden:
		if len(e.MissingPermissions) == 0 {
			c.explainRefusal(op, e)
		}
	}
	return e
}

// explainRefusal says what a refusal that names no permission is about: the first one that the token lacks, or, when it
// lacks none, what else an Intune service refuses for, a licence above all (contract 0.4).
func (c *Client) explainRefusal(op call, e *Error) {
	missing, known := c.firstMissing(op.permissions)
	switch {
	case len(missing) > 0:
		e.MissingPermissions = missing
	case known && op.intune():
		e.Hint = "the application has the permission for this call: check that the tenant has an active Intune licence and that no role or scope tag is in the way"
	}
}

// intune reports whether an Intune service answers a call.
func (c call) intune() bool {
	return c.class == classConfiguration || c.class == classDevices || c.class == classExports
}

// betaRequest builds a request for an endpoint that exists in beta only. path starts with a slash and is
// escaped; body is marshalled once, so that every repetition sends the same bytes.
func (c *Client) betaRequest(method abs.HttpMethod, path string, query url.Values, body any) (*abs.RequestInformation, error) {
	return c.versionRequest("beta", method, path, query, body)
}

// versionRequest builds a request by hand, for what the typed builders do not have or would lose.
func (c *Client) versionRequest(version string, method abs.HttpMethod, path string, query url.Values, body any) (*abs.RequestInformation, error) {
	text := c.hosts.graph.String() + "/" + version + path
	if len(query) > 0 {
		// Encode sorts the keys; Graph wants %20 and not + for blanks in a filter (contract 0.3).
		text += "?" + escapeQuery(query)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("request path %q: %w", path, err)
	}
	ri := abs.NewRequestInformation()
	ri.Method = method
	ri.SetUri(*u)
	ri.Headers.TryAdd("Accept", "application/json")
	if body != nil {
		content, err := marshal(body)
		if err != nil {
			return nil, fmt.Errorf("request body: %w", err)
		}
		ri.SetStreamContentAndContentType(content, "application/json")
	}
	return ri, nil
}

// escapeQuery encodes a query with sorted keys, %20 for blanks and readable option names.
func escapeQuery(query url.Values) string {
	encoded := query.Encode()
	encoded = string(bytes.ReplaceAll([]byte(encoded), []byte("+"), []byte("%20")))
	return string(bytes.ReplaceAll([]byte(encoded), []byte("%24"), []byte("$")))
}

// marshal renders JSON without HTML escapes. Structs keep their order and maps are sorted, so equal values
// give equal bytes (contract m: a re-sent write must be identical).
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// needID refuses an empty key: the path without it would mean the whole collection.
func needID(op, field, value string) error {
	if strings.TrimSpace(value) == "" {
		return invalid(op, "%s is empty: name the object to work on", field)
	}
	return nil
}
