// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// batchLimit is how many requests one $batch may carry (contract k.1). The SDK's batch stops at 19, gives up all
// earlier answers when a later post fails and never repeats an item (contract 0.2); hence this one.
const batchLimit = 20

// batchRequest is one request of a batch.
type batchRequest struct {
	// Method is the HTTP method, URL the path below the version with a leading slash.
	Method, URL string
	// Body is sent as JSON; nil for none.
	Body any
}

// batchResult is the answer to one request: either Body or Err.
type batchResult struct {
	// Status is the HTTP status, 0 when the request got no answer of its own.
	Status int
	// Body is the answer's JSON; nil when it had none.
	Body json.RawMessage
	// Err says why there is no answer; its OutcomeUnknown is as of any other call.
	Err *Error
}

// wireBatchRequest is a request inside a batch.
type wireBatchRequest struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// wireBatchAnswer is an answer inside a batch.
type wireBatchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batch sends requests in posts of at most 20 and returns one result for each, in their order, whatever the order of
// the answers. An item that is throttled or fails for the moment is sent again alone with its kind, after its own
// Retry-After and within the client's limits; a post that fails marks its own items and leaves all earlier answers
// as they are. The effect of op must hold for each of the requests, all of them v1.0: a batch cannot mix.
func (c *Client) batch(ctx context.Context, op call, requests []batchRequest) []batchResult {
	results := make([]batchResult, len(requests))
	for start := 0; start < len(requests); start += batchLimit {
		chunk := make([]int, 0, batchLimit)
		for i := start; i < min(start+batchLimit, len(requests)); i++ {
			chunk = append(chunk, i)
		}
		c.batchChunk(ctx, op, requests, results, chunk)
	}
	return results
}

// batchChunk settles the requests of one chunk, given by their positions.
func (c *Client) batchChunk(ctx context.Context, op call, requests []batchRequest, results []batchResult, open []int) {
	unknown := map[int]bool{}
	for attempt := 1; len(open) > 0; attempt++ {
		if err := c.batchPost(ctx, op, requests, results, open); err != nil {
			for _, i := range open {
				e := *err
				e.OutcomeUnknown = e.OutcomeUnknown || unknown[i]
				results[i] = batchResult{Err: &e}
			}
			return
		}
		var again []int
		var wait time.Duration
		for _, i := range open {
			e := results[i].Err
			if e == nil {
				continue
			}
			unknown[i] = unknown[i] || e.OutcomeUnknown
			e.OutcomeUnknown = unknown[i]
			if d, repeat := c.backoff(ctx, op, attempt, e); repeat {
				again, wait = append(again, i), max(wait, d)
				c.metrics.retried(op.op)
			}
		}
		open = again
		if len(open) == 0 {
			return
		}
		c.metrics.throttled(op.class, wait)
		if err := sleep(ctx, c.cfg.Clock, wait); err != nil {
			return // Each open item keeps the error of its own that it would have been repeated for.
		}
	}
}

// batchPost sends one post and notes the answer of each of its items.
func (c *Client) batchPost(ctx context.Context, op call, requests []batchRequest, results []batchResult, open []int) *Error {
	items := make([]wireBatchRequest, len(open))
	for n, i := range open {
		r := requests[i]
		items[n] = wireBatchRequest{ID: strconv.Itoa(i), Method: r.Method, URL: r.URL, Body: r.Body}
		if r.Body != nil {
			items[n].Headers = map[string]string{"Content-Type": "application/json"}
		}
	}
	ri, err := c.versionRequest("v1.0", abs.POST, "/$batch", nil, map[string]any{"requests": items})
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	op.units, op.writes = max(1, op.units)*len(open), len(open) // each inner request counts for itself (contract k.1)
	answers := map[string]wireBatchAnswer{}
	err = c.send(ctx, op, ri, func(resp *http.Response) error {
		var body struct {
			Responses []item[wireBatchAnswer] `json:"responses"`
		}
		clear(answers)
		if err := decodeObject(&body)(resp); err != nil {
			return err
		}
		if body.Responses == nil {
			return fmt.Errorf(`a batch answer without "responses"`)
		}
		for _, a := range body.Responses {
			if a.odd == nil { // one that does not parse leaves its request without an answer, and no other
				answers[a.value.ID] = a.value
			}
		}
		return nil
	})
	if err != nil {
		if e := asError(err); e != nil {
			return e
		}
		return &Error{Kind: KindTransient, Op: op.op, Message: err.Error(), Err: err}
	}
	for _, i := range open {
		a, ok := answers[strconv.Itoa(i)]
		results[i] = c.batchItem(op, a, ok)
	}
	return nil
}

// batchItem reads the answer to one request as if it had come alone.
func (c *Client) batchItem(op call, a wireBatchAnswer, answered bool) batchResult {
	if !answered || a.Status == 0 {
		return batchResult{Err: &Error{Kind: KindTransient, Op: op.op, Message: "the batch answer leaves a request out",
			OutcomeUnknown: op.effect != effectRead}}
	}
	header := http.Header{}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	if a.Status < 300 && !isPage(a, header) {
		return batchResult{Status: a.Status, Body: a.Body}
	}
	if a.Status < 300 {
		return batchResult{Status: a.Status, Err: c.noAnswer(op, a.Status, header)}
	}
	e := c.parseError(op.op, a.Status, header, batchErrorBody(a.Body))
	e.OutcomeUnknown = op.effect != effectRead && a.Status != http.StatusLocked && a.Status != http.StatusFailedDependency &&
		(e.Kind == KindTransient || a.Status >= 500)
	return batchResult{Status: a.Status, Err: c.settle(op, e)}
}

// isPage tells that an item's success carries what is not JSON, which comes as text (contract k.1): it is somebody else's
// answer, and as little a success as it would be alone (contract 0.4).
func isPage(a wireBatchAnswer, header http.Header) bool {
	if a.Status == http.StatusNoContent {
		return false
	}
	return isForeign(header.Get("Content-Type")) || strings.HasPrefix(strings.TrimSpace(string(a.Body)), `"`)
}

// batchErrorBody returns the bytes of an item's body. What is not JSON comes as base64 text (contract k.1).
func batchErrorBody(body json.RawMessage) []byte {
	var text string
	if json.Unmarshal(body, &text) != nil {
		return body
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		return raw
	}
	return []byte(text)
}

// batchPath joins escaped path segments to an item's URL.
func batchPath(segments ...string) string {
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return "/" + strings.Join(segments, "/")
}
