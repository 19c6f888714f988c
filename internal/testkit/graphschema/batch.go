// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// batchRequest is one request inside a $batch (contract k.1).
type batchRequest struct {
	ID        batchID           `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []batchID         `json:"dependsOn"`
}

// batchID is the id of a request. It is text; the service takes numbers too, as
// old tools send them, and answers with text.
type batchID string

// UnmarshalJSON reads text or a number.
func (b *batchID) UnmarshalJSON(raw []byte) error {
	var number json.Number
	if len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		*b = batchID(number)
		return nil
	}
	return json.Unmarshal(raw, (*string)(b))
}

// batchAnswer is one answer inside a $batch. Order is not kept: the id tells.
type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// maxBatch is how many requests one $batch may hold (contract k.1).
const maxBatch = 20

// batch checks the envelope both ways and each exchange inside.
func (s *Schema) batch(e Exchange, version, name string, request []byte) error {
	var sent struct {
		Requests []batchRequest `json:"requests"`
	}
	if err := strict(request, &sent); err != nil {
		fault := &Fault{Method: e.Method, Path: name, Direction: Request, Findings: []string{"body: " + err.Error()}}
		return errors.Join(e.excuse(fault), s.answer(e, name, bodyAny))
	}
	inner, faults := innerRequests(sent.Requests, version)
	if e.Status == 0 || e.Status >= 400 { // nothing inside was answered
		for _, x := range inner {
			faults = append(faults, s.inner(x))
		}
		return errors.Join(e.excuse(errors.Join(faults...)), s.answer(e, name, bodyAny))
	}
	body, err := plain(e.ResponseHeader, e.ResponseBody)
	if err != nil {
		return fmt.Errorf("response of %s %s: %w", e.Method, name, err)
	}
	faults = append(faults, s.innerAnswers(e, name, body, inner)...)
	return errors.Join(faults...)
}

// innerRequests checks the requests and returns them by id.
func innerRequests(list []batchRequest, version string) (map[string]*Exchange, []error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, &Fault{Method: http.MethodPost, Path: version + "/$batch", Direction: Request, Findings: []string{fmt.Sprintf(format, args...)}})
	}
	if len(list) == 0 || len(list) > maxBatch {
		fault("body.requests: %d requests, want 1 to %d", len(list), maxBatch)
	}
	out := map[string]*Exchange{}
	for i, r := range list {
		at := fmt.Sprintf("body.requests[%d]", i)
		u, err := url.Parse("/" + version + "/" + strings.TrimPrefix(r.URL, "/"))
		if err != nil || r.ID == "" || out[string(r.ID)] != nil {
			fault("%s: id %q and url %q: want an id of its own and a URL below the version", at, r.ID, r.URL)
			continue
		}
		// The official SDK sends null for the body of a request that has none.
		if string(r.Body) == "null" {
			r.Body = nil
		}
		header := headers(r.Headers)
		for _, d := range r.DependsOn {
			if !slices.ContainsFunc(list[:i], func(b batchRequest) bool { return b.ID == d }) {
				fault("%s: depends on %q, which does not come before it", at, d)
			}
		}
		out[string(r.ID)] = &Exchange{Method: r.Method, URL: u, RequestHeader: header, RequestBody: r.Body}
	}
	return out, faults
}

// innerAnswers checks the answers against the requests that they are for.
func (s *Schema) innerAnswers(e Exchange, name string, body []byte, inner map[string]*Exchange) []error {
	fault := func(format string, args ...any) error {
		return &Fault{Method: e.Method, Path: name, Direction: Response, Status: e.Status, Findings: []string{fmt.Sprintf(format, args...)}}
	}
	var got struct {
		Context   string        `json:"@odata.context"`
		NextLink  string        `json:"@odata.nextLink"`
		Responses []batchAnswer `json:"responses"`
	}
	if err := strict(body, &got); err != nil {
		return []error{fault("body: %v", err)}
	}
	var faults []error
	for i, a := range got.Responses {
		x := inner[a.ID]
		if x == nil {
			faults = append(faults, fault("body.responses[%d]: id %q was not asked for, or was answered before", i, a.ID))
			continue
		}
		delete(inner, a.ID)
		x.Status, x.ResponseHeader, x.ResponseBody = a.Status, headers(a.Headers), a.Body
		if string(a.Body) == "null" {
			x.ResponseBody = nil
		}
		faults = append(faults, s.inner(x))
	}
	for id := range inner {
		faults = append(faults, fault("body.responses: request %q was not answered", id))
	}
	return faults
}

// inner checks one exchange inside. A body needs its type in the headers of its
// part: without it the service refuses the part (contract k.1), as a test may
// want to see.
func (s *Schema) inner(x *Exchange) error {
	version, path, _ := splitVersion(x.URL)
	err := s.check(*x, version, path)
	if len(x.RequestBody) == 0 || isJSON(x.RequestHeader) || x.Status == http.StatusBadRequest {
		return err
	}
	return errors.Join(err, &Fault{Method: x.Method, Path: version + "/" + path, Direction: Request,
		Findings: []string{"body: stands in a batch without Content-Type: application/json in its headers"}})
}

func headers(m map[string]string) http.Header {
	h := http.Header{}
	for k, v := range m {
		h.Set(k, v)
	}
	return h
}

// strict decodes an envelope whose members are all known.
func strict(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
