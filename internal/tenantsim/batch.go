// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// maxBatch is the largest number of requests in a batch (contract k.1).
const maxBatch = 20

// batchItem is one request of a batch.
type batchItem struct {
	id, method, url string
	headers         map[string]string
	body            any // JSON; text is base64 of something else
	dependsOn       []string
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
	items, err := c.batchItems()
	if err != nil {
		return nil, err
	}
	if err := c.checkBatch(items); err != nil {
		return nil, err
	}
	status := map[string]int{}
	var answers []batchAnswer
	for _, item := range items {
		answer := c.runBatchItem(item, status)
		status[item.id] = answer.Status
		answers = append(answers, answer)
	}
	slices.Reverse(answers)
	return &reply{status: http.StatusOK, body: object{"responses": answers}}, nil
}

// batchItems reads the envelope by hand, as the service is less strict than a
// decoder would be: an id is text by the documentation, and a number does as well
// (third-party 4); what is no member of a request is ignored. ASSUMED texts.
func (c *call) batchItems() ([]batchItem, error) {
	list, ok := c.Body["requests"].([]any)
	if !ok {
		return nil, c.BadRequest("Invalid batch payload format: 'requests' must be an array of requests.")
	}
	out := make([]batchItem, 0, len(list))
	for i, entry := range list {
		body, ok := entry.(map[string]any)
		if !ok {
			return nil, c.BadRequest("Invalid batch payload format: request %d is no object.", i)
		}
		item, wrong := readBatchItem(body)
		if wrong != "" {
			return nil, c.BadRequest("Invalid batch payload format: '%s' of request %d has the wrong type.", wrong, i)
		}
		out = append(out, item)
	}
	return out, nil
}

// readBatchItem reads one request; wrong names the member of another type.
func readBatchItem(body object) (item batchItem, wrong string) {
	item.body = body["body"]
	for name, field := range map[string]*string{"id": &item.id, "method": &item.method, "url": &item.url} {
		text, ok := idText(body[name])
		if _, isNumber := body[name].(json.Number); !ok || isNumber && name != "id" {
			wrong = max(wrong, name) // the same one each time
		}
		*field = text
	}
	if list, ok := body["dependsOn"].([]any); ok {
		for _, entry := range list {
			id, ok := idText(entry)
			if !ok {
				return item, "dependsOn"
			}
			item.dependsOn = append(item.dependsOn, id)
		}
	} else if body["dependsOn"] != nil {
		return item, "dependsOn"
	}
	headers, ok := body["headers"].(map[string]any)
	if !ok && body["headers"] != nil {
		return item, "headers"
	}
	item.headers = map[string]string{}
	for _, name := range sortedKeys(headers) {
		value, ok := idText(headers[name])
		if !ok {
			return item, "headers"
		}
		item.headers[name] = value
	}
	return item, wrong
}

// idText reads text, or a number as the text that it is; absent is empty.
func idText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	default:
		return "", false
	}
}

// inBatchKey marks the context of a request inside a batch.
type inBatchKey struct{}

func (c *call) checkBatch(items []batchItem) error {
	if len(items) == 0 || len(items) > maxBatch {
		return c.BadRequest("Number of batch request steps is %d: 1 to %d are allowed.", len(items), maxBatch)
	}
	seen := map[string]bool{}
	for _, item := range items {
		switch {
		case item.id == "" || seen[item.id]:
			return c.BadRequest("Request Ids in a batch must be present and unique: '%s'.", item.id)
		case item.method == "" || item.url == "":
			return c.BadRequest("Batch request '%s' needs method and url.", item.id)
		case strings.Trim(item.url, "/") == "$batch": // ASSUMED: 20 requests are the most that one request can carry
			return c.BadRequest("Batch request '%s' is a batch: batches cannot be nested.", item.id)
		case strings.Contains(item.url, "://"):
			return c.BadRequest("Invalid URL in batch request '%s': it must be relative to the version.", item.id)
		}
		for _, id := range item.dependsOn {
			if !seen[id] {
				return c.BadRequest("Batch request '%s' depends on '%s', which does not come before it.", item.id, id)
			}
		}
		seen[item.id] = true
	}
	return nil
}

func (c *call) runBatchItem(item batchItem, status map[string]int) batchAnswer {
	for _, id := range item.dependsOn {
		if status[id] >= 400 {
			return batchAnswer{ID: item.id, Status: http.StatusFailedDependency, Body: c.batchError("FailedDependency", "A request that this one depends on failed.")}
		}
	}
	u, err := url.Parse(c.origin() + "/" + c.Version + "/" + strings.TrimPrefix(item.url, "/"))
	if err != nil {
		return batchAnswer{ID: item.id, Status: http.StatusBadRequest, Body: c.batchError(odata.CodeBadRequest, "The url is not valid.")}
	}
	payload, err := item.payload()
	if err != nil {
		return batchAnswer{ID: item.id, Status: http.StatusBadRequest, Body: c.batchError(odata.CodeBadRequest, "The body is not valid.")}
	}
	r, err := http.NewRequestWithContext(c.HTTP.Context(), item.method, u.String(), bytes.NewReader(payload))
	if err != nil {
		return batchAnswer{ID: item.id, Status: http.StatusBadRequest, Body: c.batchError(odata.CodeBadRequest, "The method is not valid.")}
	}
	r = r.WithContext(context.WithValue(r.Context(), inBatchKey{}, true))
	r.Host, r.TLS = c.HTTP.Host, c.HTTP.TLS
	for name, value := range item.headers {
		r.Header.Set(name, value)
	}
	for _, name := range []string{"Authorization", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v := c.HTTP.Header.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	if hit := c.server.pickFault(r); hit != nil {
		return c.server.inBatch(r, hit).batchAnswer(item.id)
	}
	return c.server.answer(nil, r, "").batchAnswer(item.id)
}

// payload is the body as it would come alone.
func (b batchItem) payload() ([]byte, error) {
	if b.body == nil {
		return nil, nil
	}
	return json.Marshal(b.body)
}

func (c *call) batchError(code, message string) any {
	return c.errorReply(odata.Fail(0, code, "%s", message)).body
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
