// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBatch is the largest number of requests in a batch (contract k.1).
const maxBatch = 20

// batchItem is one request of a batch.
type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// batchAnswer is one response of a batch.
type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// serveBatch runs the requests one by one. Answers come back in another order
// than they were asked, as the service may do: clients match by id.
func serveBatch(c *call) (*reply, error) {
	raw, err := json.Marshal(c.body)
	if err != nil {
		return nil, fmt.Errorf("marshal batch: %w", err)
	}
	var body struct {
		Requests []batchItem `json:"requests"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, c.badRequest("Invalid batch payload format: %s", err)
	}
	if err := c.checkBatch(body.Requests); err != nil {
		return nil, err
	}
	status := map[string]int{}
	var answers []batchAnswer
	for _, item := range body.Requests {
		answer := c.runBatchItem(item, status)
		status[item.ID] = answer.Status
		answers = append(answers, answer)
	}
	slices.Reverse(answers)
	return &reply{status: http.StatusOK, body: object{"responses": answers}}, nil
}

// inBatchKey marks the context of a request inside a batch.
type inBatchKey struct{}

func (c *call) checkBatch(items []batchItem) error {
	if len(items) == 0 || len(items) > maxBatch {
		return c.badRequest("Number of batch request steps is %d: 1 to %d are allowed.", len(items), maxBatch)
	}
	seen := map[string]bool{}
	for _, item := range items {
		switch {
		case item.ID == "" || seen[item.ID]:
			return c.badRequest("Request Ids in a batch must be present and unique: '%s'.", item.ID)
		case item.Method == "" || item.URL == "":
			return c.badRequest("Batch request '%s' needs method and url.", item.ID)
		case strings.Contains(item.URL, "://"):
			return c.badRequest("Invalid URL in batch request '%s': it must be relative to the version.", item.ID)
		}
		for _, id := range item.DependsOn {
			if !seen[id] {
				return c.badRequest("Batch request '%s' depends on '%s', which does not come before it.", item.ID, id)
			}
		}
		seen[item.ID] = true
	}
	return nil
}

func (c *call) runBatchItem(item batchItem, status map[string]int) batchAnswer {
	for _, id := range item.DependsOn {
		if status[id] >= 400 {
			return batchAnswer{ID: item.ID, Status: http.StatusFailedDependency, Body: c.batchError("FailedDependency", "A request that this one depends on failed.")}
		}
	}
	u, err := url.Parse(c.origin() + "/" + c.version + "/" + strings.TrimPrefix(item.URL, "/"))
	if err != nil {
		return batchAnswer{ID: item.ID, Status: http.StatusBadRequest, Body: c.batchError(codeBadRequest, "The url is not valid.")}
	}
	var payload []byte
	if len(item.Body) > 0 && string(item.Body) != "null" {
		payload = item.Body
	}
	r, err := http.NewRequestWithContext(c.request.Context(), item.Method, u.String(), bytes.NewReader(payload))
	if err != nil {
		return batchAnswer{ID: item.ID, Status: http.StatusBadRequest, Body: c.batchError(codeBadRequest, err.Error())}
	}
	r = r.WithContext(context.WithValue(r.Context(), inBatchKey{}, true))
	r.Host, r.TLS = c.request.Host, c.request.TLS
	for name, value := range item.Headers {
		r.Header.Set(name, value)
	}
	for _, name := range []string{"Authorization", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := c.request.Header.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	if hit := c.server.pickFault(r); hit != nil {
		return c.server.inBatch(r, hit).batchAnswer(item.ID)
	}
	return c.server.answer(nil, r, "").batchAnswer(item.ID)
}

func (c *call) batchError(code, message string) any {
	return c.errorReply(fail(0, code, "%s", message)).body
}

// batchAnswer renders a reply as a part of a batch: JSON as it is, other bodies
// as base64 text (contract k.1).
func (out *reply) batchAnswer(id string) batchAnswer {
	answer := batchAnswer{ID: id, Status: out.status, Headers: map[string]string{}}
	for name := range out.header {
		answer.Headers[name] = out.header.Get(name)
	}
	switch {
	case out.raw != nil:
		answer.Headers["Content-Type"] = out.contentType
		answer.Body = base64.StdEncoding.EncodeToString(out.raw)
	case out.body != nil:
		answer.Headers["Content-Type"] = "application/json"
		answer.Body = out.body
	}
	return answer
}
