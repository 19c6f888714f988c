// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/refusal"
)

// route is one Graph endpoint.
type route struct {
	method string
	// pattern holds path segments below the version; {x} binds a key.
	pattern string
	// betaOnly routes answer "segment not found" on v1.0 (contract 0.1).
	betaOnly bool
	// intune selects the workload's error shape.
	intune bool
	// roles lists application permissions of which one is needed.
	roles []string
	// query lists the accepted query options.
	query odata.Option
	// entity is the type of answers that are written by hand and that $select
	// narrows; where an entity's properties are listed, they do that.
	entity string
	// reports marks telemetry endpoints, which a scenario can take down alone.
	reports bool
	// unlocked handlers take the state lock themselves ($batch).
	unlocked bool
	handle   func(*call) (*reply, error)

	segments []string
	work     workload
}

// reply is a response before it is written.
type reply struct {
	status      int
	body        any    // JSON, unless raw is set
	raw         []byte // verbatim body
	contentType string
	header      http.Header
	// changed and overlaps go to the journal, not to the client.
	changed       bool
	before, after string
	overlaps      []Overlap
}

// call is one Graph request on its way through the simulator.
type call struct {
	odata.Request
	server   *Server
	route    *route
	params   map[string]string
	roles    map[string]bool
	now      time.Time
	effect   bool // tenant state was changed
	headers  http.Header
	before   string
	after    string
	overlaps []Overlap
	// number counts the requests of the tenant.
	number uint64
	// afterEmpty: the page follows one that was empty on purpose.
	afterEmpty bool
}

// serveGraph answers one request below /v1.0 or /beta.
func (s *Server) serveGraph(r *http.Request) *reply {
	c := s.newCall(r)
	out, err := c.dispatch()
	if err != nil {
		out = c.errorReply(err)
	}
	out.changed, out.overlaps = c.effect, c.overlaps
	out.before, out.after = c.before, c.after
	if out.header == nil {
		out.header = http.Header{}
	}
	for name, values := range c.headers {
		out.header[name] = values
	}
	out.header.Set("request-id", c.RequestID)
	out.header.Set("client-request-id", c.ClientRequestID())
	return out
}

// errorReply refuses the call.
func (c *call) errorReply(err error) *reply {
	refused := refusal.Of(&c.Request, c.now, err)
	return &reply{status: refused.Status, body: refused.Body, header: refused.Header}
}

func (s *Server) newCall(r *http.Request) *call {
	c := &call{server: s, Request: odata.Request{HTTP: r}, now: s.clock.Now(), number: s.requests.Add(1)}
	c.RequestID = s.requestID(c.number)
	version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	c.Version, c.Path, c.Beta = version, "/"+path, version == "beta"
	return c
}

// dispatch authorises, finds the route, checks options and body, and runs the
// handler under the state lock.
func (c *call) dispatch() (*reply, error) {
	if err := c.authenticate(); err != nil {
		return nil, err
	}
	segments, err := splitPath(c.Path)
	if err != nil {
		return nil, odata.NoSegment(err.Error())
	}
	if err := c.match(segments); err != nil {
		return nil, err
	}
	if err := c.admit(); err != nil {
		return nil, err
	}
	if c.route.unlocked {
		return c.route.handle(c)
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.now = c.server.clock.Now()
	c.server.settle(c.now)
	if c.HTTP.Method == http.MethodGet {
		return c.read()
	}
	return c.write()
}

// admit is everything that can be said of a request before the tenant's state
// matters.
func (c *call) admit() error {
	for _, check := range []func() error{c.scenarioOutage, c.throttle, c.licence} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := c.authorize(c.route.roles); err != nil {
		return err
	}
	var err error
	if c.Query, err = c.ParseQuery(c.route.query); err != nil {
		return err
	}
	if err := c.checkSelect(); err != nil {
		return err
	}
	// A batch holds bodies, each of which is read by itself.
	return c.ReadBody(!c.route.unlocked, strings.HasSuffix(c.route.pattern, "/$ref"))
}

// read runs a handler that changes nothing.
func (c *call) read() (*reply, error) {
	out, err := c.route.handle(c)
	if err == nil {
		c.narrow(out)
	}
	return out, err
}

// write runs a handler that changes the tenant, unless somebody else must agree
// first.
func (c *call) write() (*reply, error) {
	before := c.server.configDigest()
	if err := c.approve(); err != nil {
		return nil, err
	}
	out, err := c.route.handle(c)
	if err == nil {
		c.oddStatus(out)
	}
	if c.effect {
		c.before, c.after = before, c.server.configDigest()
	}
	return out, err
}

// splitPath cuts a path into decoded segments. Both key syntaxes give the same
// segments: /x/{id} and /x('{id}'); an alternate key stays as (name=value).
func splitPath(path string) ([]string, error) {
	var out []string
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return nil, fmt.Errorf("%s", part)
		}
		name, key, hasKey := strings.Cut(plain, "(")
		if !hasKey {
			out = append(out, canonicalSegment(plain))
			continue
		}
		key, closed := strings.CutSuffix(key, ")")
		if !closed {
			return nil, fmt.Errorf("%s", plain)
		}
		if name != "" {
			out = append(out, canonicalSegment(name))
		}
		if key == "" { // a function call such as usage()
			continue
		}
		out = append(out, keyText(key))
	}
	return out, nil
}

// canonicalSegment shortens the long form of casts and actions.
func canonicalSegment(segment string) string {
	if rest, ok := strings.CutPrefix(segment, "microsoft.graph."); ok {
		return "graph." + rest
	}
	return segment
}

// keyText strips the quotes of 'id' and keeps alternate keys recognisable.
func keyText(key string) string {
	if name, value, ok := strings.Cut(key, "="); ok && !strings.HasPrefix(key, "'") {
		return "(" + name + "=" + unquote(value) + ")"
	}
	return unquote(key)
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return s
}

// alternateKey reads a segment of the form (name=value).
func alternateKey(segment, name string) (string, bool) {
	value, ok := strings.CutPrefix(segment, "("+name+"=")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(value, ")")
}

// noMethod is the refusal of a verb that a path of Intune does not have: the gateway's
// text, not the service's (contract a.4; contract-2 0.1;
// that every path and verb is refused so is ASSUMED).
func (c *call) noMethod() error {
	template := "~"
	for i, segment := range c.route.segments {
		switch {
		case i == 0:
			segment = "singleton"
		case strings.HasPrefix(segment, "{"):
			segment = "key"
		case operations[segment]:
			segment = "action"
		default:
			segment = "navigation"
		}
		template += "/" + segment
	}
	e := odata.Fail(http.StatusBadRequest, "No method match route template",
		"No OData route exists that match template %s with http verb %s for request %s.", template, c.HTTP.Method, c.Path)
	e.Plain = true
	return e
}

// match finds the route and binds its keys. The longest known prefix decides
// which segment an error names.
func (c *call) match(segments []string) error {
	var allowed []string
	deepest := 0
	for i := range routes {
		rt := &routes[i]
		if rt.betaOnly && !c.Beta {
			continue
		}
		params, depth, ok := bind(rt.segments, segments)
		deepest = max(deepest, depth)
		if !ok {
			continue
		}
		if rt.method == c.HTTP.Method {
			c.route, c.params, c.Intune = rt, params, rt.intune
			return nil
		}
		allowed = append(allowed, rt.method)
		c.route, c.Intune = rt, rt.intune
	}
	if len(allowed) == 0 {
		return odata.NoSegment(segments[min(deepest, len(segments)-1)])
	}
	if c.route.intune {
		return c.noMethod()
	}
	c.route, c.Intune = &route{}, false
	e := odata.Fail(http.StatusMethodNotAllowed, odata.CodeRequestBadRequest,
		"Specified HTTP method is not allowed for the request target.") // ASSUMED text
	e.Header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
	e.Plain = true
	return e
}

// isQualified reports whether a segment is the qualified name of the action or
// function that the pattern has: microsoft.graph.assign is assign (OData URL
// conventions 4.3.3; third-party 15). Navigations have no qualified name.
func isQualified(segment, name string) bool {
	return operations[name] && segment == "graph."+name
}

func bind(pattern, segments []string) (params map[string]string, depth int, ok bool) {
	for i, want := range pattern {
		if i >= len(segments) {
			return nil, i, false
		}
		if name, isKey := strings.CutPrefix(want, "{"); isKey {
			if strings.HasPrefix(segments[i], "$") {
				return nil, i, false
			}
			if params == nil {
				params = map[string]string{}
			}
			params[strings.TrimSuffix(name, "}")] = segments[i]
			continue
		}
		if want != segments[i] && !isQualified(segments[i], want) {
			return nil, i, false
		}
	}
	return params, len(pattern), len(pattern) == len(segments)
}

// scenarioOutage answers for a workload that the scenario has taken down.
func (c *call) scenarioOutage() error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	outage := s.scenario.outageAt(c.now, s.start, c.route.reports)
	if outage == nil {
		return nil
	}
	e := odata.Fail(outage.Status, "ServiceUnavailable", "The service is temporarily unavailable. Please retry later.")
	if outage.Status == http.StatusTooManyRequests {
		e.Code, e.Message = "TooManyRequests", "Too many requests."
	}
	if outage.RetryAfter > 0 {
		e.Header = http.Header{"Retry-After": {fmt.Sprint(outage.RetryAfter)}}
	}
	e.Plain = true
	return e
}

// write sends the reply.
func (out *reply) write(w http.ResponseWriter) error {
	for name, values := range out.header {
		for _, v := range values {
			w.Header().Add(name, v)
		}
	}
	switch {
	case out.raw != nil:
		w.Header().Set("Content-Type", out.contentType)
		w.WriteHeader(out.status)
		_, err := w.Write(out.raw)
		return err
	case out.body != nil:
		w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
		w.WriteHeader(out.status)
		return json.NewEncoder(w).Encode(out.body)
	default:
		w.WriteHeader(out.status)
		return nil
	}
}
