// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// heldKey is a body that held, by its hash. The hash is seeded anew in each process: a body that does not hold and passes for
// one that did would have to do so in every run.
type heldKey struct {
	schema *Schema
	dir    Direction
	kind   string
	body   uint64
}

var (
	held     sync.Map // of heldKey
	bodySeed = maphash.MakeSeed()
)

// Exchange is one request to Graph and its answer.
type Exchange struct {
	Method string
	URL    *url.URL
	// RequestHeader and RequestBody as they were sent.
	RequestHeader http.Header
	RequestBody   []byte
	// Status is 0 while there is no answer.
	Status         int
	ResponseHeader http.Header
	ResponseBody   []byte
}

// Fault is a body that does not hold.
type Fault struct {
	// Method, Path and Direction name the body.
	Method, Path string
	Direction    Direction
	// Status of the answer, 0 for a request.
	Status int
	// Findings say where in the body what is wrong.
	Findings []string
}

// Error lists the findings.
func (f *Fault) Error() string {
	head := fmt.Sprintf("%s of %s %s", f.Direction, f.Method, f.Path)
	if f.Status != 0 {
		head += fmt.Sprintf(" (%d)", f.Status)
	}
	return head + " does not fit Graph's types:\n  " + strings.Join(f.Findings, "\n  ")
}

// Validate checks one JSON body of a call that succeeded. Version is beta or
// v1.0, path is what follows it in the URL. The error is a *Fault, or says that
// the version or the endpoint is not known.
func Validate(version, method, path string, dir Direction, body []byte) error {
	s, err := Load(version)
	if err != nil {
		return err
	}
	r, ok := match(version, method, path)
	if !ok {
		return noRoute(method, version, path)
	}
	kind := r.response
	if dir == Request {
		kind = r.request
	}
	return s.body(method, version+"/"+strings.Trim(path, "/"), dir, 0, kind, body)
}

// Check checks both bodies of an exchange with Graph, as FaultHeader and
// WrongHeader want it. What is not Graph (the token endpoint, a download) passes.
// Several faults are joined.
func Check(e Exchange) error {
	version, path, graph := splitVersion(e.URL)
	if !graph {
		return nil
	}
	s, err := Load(version)
	if err != nil {
		return err
	}
	return s.check(e, version, path)
}

// CheckAnswer checks only the answer, for a request that is wrong on purpose.
func CheckAnswer(e Exchange) error {
	version, path, graph := splitVersion(e.URL)
	if !graph {
		return nil
	}
	s, err := Load(version)
	if err != nil {
		return err
	}
	r, known := match(version, e.Method, path)
	if !known && e.Status < 400 {
		return noRoute(e.Method, version, path)
	}
	if r.response == bodyBatch && e.Status < 400 {
		return nil // what is inside can only be judged beside the requests
	}
	return s.answer(e, version+"/"+path, r.response)
}

func noRoute(method, version, path string) error {
	return fmt.Errorf("no route for %s /%s/%s: add it to internal/testkit/graphschema/routes.go", method, version, strings.Trim(path, "/"))
}

func splitVersion(u *url.URL) (version, path string, graph bool) {
	version, path, _ = strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	return version, path, version == "beta" || version == "v1.0"
}

func (s *Schema) check(e Exchange, version, path string) error {
	name := version + "/" + path
	if e.ResponseHeader.Get(FaultHeader) != "" {
		e.Status = 0
	}
	r, known := match(version, e.Method, path)
	if !known {
		if e.Status >= 400 { // what does not exist has no types, but it has an error
			return s.answer(e, name, "")
		}
		return noRoute(e.Method, version, path)
	}
	request, err := plain(e.RequestHeader, e.RequestBody)
	switch {
	case err != nil:
		err = fmt.Errorf("request of %s %s: %w", e.Method, name, err)
	case r.request == bodyBatch:
		return s.batch(e, version, name, request)
	default:
		err = s.body(e.Method, name, Request, 0, r.request, request)
	}
	return errors.Join(e.excuse(err), s.answer(e, name, r.response))
}

// excuse drops the fault of a request that is marked with WrongHeader, if it was
// refused or nobody can tell.
func (e *Exchange) excuse(fault error) error {
	switch {
	case fault == nil || e.RequestHeader.Get(WrongHeader) == "":
		return fault
	case e.Status == 0 || e.Status >= 400 && e.Status < 500:
		return nil
	}
	return fmt.Errorf("answered with %d, want a refusal: %w", e.Status, fault)
}

// answer checks the body of an answer.
func (s *Schema) answer(e Exchange, name, kind string) error {
	if e.Status == 0 {
		return nil
	}
	body, err := plain(e.ResponseHeader, e.ResponseBody)
	if err != nil {
		return fmt.Errorf("response of %s %s: %w", e.Method, name, err)
	}
	if e.Status >= 400 {
		if !isJSON(e.ResponseHeader) || len(bytes.TrimSpace(body)) == 0 {
			return nil // a gateway's HTML, or nothing (contract 0.4)
		}
		kind = "error.oDataError"
	}
	if e.Status == http.StatusNoContent {
		kind = ""
	}
	return s.body(e.Method, name, Response, e.Status, kind, body)
}

// body checks one body of a known kind. The same body of the same kind is looked at once: what held holds.
func (s *Schema) body(method, path string, dir Direction, status int, kind string, body []byte) error {
	key := heldKey{s, dir, kind, maphash.Bytes(bodySeed, body)}
	if _, known := held.Load(key); known {
		return nil
	}
	c := &checker{schema: s, dir: dir}
	c.document(kind, body)
	if len(c.faults) == 0 {
		held.Store(key, struct{}{})
		return nil
	}
	return &Fault{Method: method, Path: path, Direction: dir, Status: status, Findings: c.faults}
}

// document checks a whole body.
func (c *checker) document(kind string, body []byte) {
	if kind == bodyText {
		return
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if kind != "" && c.dir == Response {
			c.fault("body", "is empty, want %s", kind)
		}
		return
	}
	v, err := decode(body)
	if err != nil {
		c.fault("body", "is no JSON: %v", err)
		return
	}
	switch kind {
	case "":
		// Some clients send {} where no body is wanted; Graph takes it (ASSUMED).
		if m, ok := v.(map[string]any); !ok || len(m) > 0 {
			c.fault("body", "is there, but the endpoint has none")
		}
	case bodyAny:
	case bodyRef:
		c.reference(v)
	case bodyReport:
		c.report(v)
	default:
		if element, ok := strings.CutPrefix(kind, "[]"); ok {
			c.collection(v, element)
			return
		}
		c.object("body", v, kind)
	}
}

// collection checks {"value": […]} and what stands beside it.
func (c *checker) collection(v any, element string) {
	members, ok := v.(map[string]any)
	if !ok {
		c.fault("body", "is %s, want an object with a member value", kindOf(v))
		return
	}
	if _, ok := members["value"]; !ok {
		c.fault("body", "has no member value: want a collection of %s", element)
	}
	for _, name := range sortedNames(members) {
		switch text, known := control[name]; {
		case name == "value":
			if members[name] == nil {
				c.fault("body.value", "is null, want an array")
				continue
			}
			c.typed("body.value", members[name], "[]"+element, "")
		case known && name != "@odata.type" && name != "@odata.id" && name != "@odata.etag":
			c.present("body."+name, members[name])
			c.typed("body."+name, members[name], text, "")
		default:
			c.fault("body."+name, "does not belong into the envelope of a collection")
		}
	}
}

// reference checks {"@odata.id": url} (contract g).
func (c *checker) reference(v any) {
	members, ok := v.(map[string]any)
	id, text := members["@odata.id"].(string)
	if !ok || !text || len(members) != 1 {
		c.fault("body", `is not {"@odata.id": url}`)
		return
	}
	if u, err := url.Parse(id); err != nil || u.Host == "" {
		c.fault("body.@odata.id", "%q is no absolute URL", id)
	}
}

// report checks the rows of a report action (contract b.1): every row has one
// value for each column of the schema.
func (c *checker) report(v any) {
	var r struct {
		TotalRowCount *int
		Schema        []struct{ Column, PropertyType string }
		Values        [][]any
		SessionID     *string `json:"SessionId"`
	}
	raw, err := json.Marshal(v)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err = d.Decode(&r)
	}
	if err != nil {
		c.fault("body", "is no report: %v", err)
		return
	}
	if r.TotalRowCount == nil || r.Schema == nil || r.Values == nil {
		c.fault("body", "lacks TotalRowCount, Schema or Values")
	}
	for i, row := range r.Values {
		if len(row) != len(r.Schema) {
			c.fault(fmt.Sprintf("body.Values[%d]", i), "has %d cells for %d columns", len(row), len(r.Schema))
		}
	}
	for i, col := range r.Schema {
		if col.Column == "" || col.PropertyType == "" {
			c.fault(fmt.Sprintf("body.Schema[%d]", i), "lacks Column or PropertyType")
		}
	}
}

// decode reads exactly one JSON value, with numbers as they were written.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

// plain unpacks a body. The official SDK compresses what it sends (contract 0.2).
func plain(h http.Header, body []byte) ([]byte, error) {
	if !strings.EqualFold(h.Get("Content-Encoding"), "gzip") || len(body) == 0 {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("says gzip: %w", err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return out, nil
}

func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
