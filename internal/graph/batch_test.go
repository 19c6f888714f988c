// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// batchServer answers each item of each post with item; the answers come in reverse order. An item whose answer is empty
// is left out.
func batchServer(t *testing.T, item func(post int, id, method, url string) string) *recorder {
	t.Helper()
	return serve(t, func(n int, w http.ResponseWriter, r *http.Request, body string) {
		if r.URL.Path != "/v1.0/$batch" {
			answer(w, 200, `{"value":[{"id":"late","passkeyType":"synced"}]}`)
			return
		}
		var in struct {
			Requests []wireBatchRequest `json:"requests"`
		}
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			t.Errorf("post %d: %v", n, err)
		}
		if len(in.Requests) == 0 || len(in.Requests) > 20 {
			t.Errorf("post %d has %d requests", n, len(in.Requests))
		}
		var out []string
		for _, q := range slices.Backward(in.Requests) {
			if a := item(n, q.ID, q.Method, q.URL); a != "" {
				out = append(out, fmt.Sprintf(`{"id":%q,%s}`, q.ID, a))
			}
		}
		if len(out) < len(in.Requests) {
			mark(w) // Graph answers each item
		}
		answer(w, 200, `{"responses":[%s]}`, strings.Join(out, ","))
	})
}

func userIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("u%03d", i)
	}
	return ids
}

// TestFido2Methods: 45 users travel in 3 posts of at most 20, and each gets its own answer although the answers come
// in another order (contract 0.2.18, k.1).
func TestFido2Methods(t *testing.T) {
	srv := batchServer(t, func(_ int, _, method, url string) string {
		user := strings.Split(url, "/")[2]
		if method != "GET" || url != "/users/"+user+"/authentication/fido2Methods" {
			t.Errorf("%s %s", method, url)
		}
		switch user {
		case "u007":
			return `"status":404,"body":{"error":{"code":"Request_ResourceNotFound","message":"no user"}}`
		case "u008":
			return `"status":200,"body":{"value":[]}`
		}
		return fmt.Sprintf(`"status":200,"headers":{"Content-Type":"application/json"},"body":{"value":[{"id":"k-%s","passkeyType":"synced","aaGuid":"a","createdDateTime":"2026-09-30T10:00:00Z"}]}`, user)
	})
	want := userIDs(45)
	var got []string
	err := testClient(t, srv.URL).Fido2Methods(t.Context(), want, func(u UserPasskeys) error {
		got = append(got, u.UserID)
		switch {
		case u.UserID == "u007":
			wantKind(t, u.Err, KindNotFound)
		case u.UserID == "u008":
			if u.Err != nil || len(u.Passkeys) != 0 {
				t.Errorf("%+v", u)
			}
		case u.Err != nil || len(u.Passkeys) != 1 || u.Passkeys[0].ID != "k-"+u.UserID || u.Passkeys[0].CreatedAt.IsZero():
			t.Errorf("%+v", u)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, want) || srv.count() != 3 {
		t.Errorf("%v, %d requests, users %v", err, srv.count(), got)
	}
}

// TestBatchItemsAreRepeated: only the items that were throttled or failed for the moment go out again, after their
// own Retry-After; a refusal stands; an item that was left out is asked for again.
func TestBatchItemsAreRepeated(t *testing.T) {
	var posts [][]string
	srv := batchServer(t, func(post int, id, _, _ string) string {
		for len(posts) < post {
			posts = append(posts, nil)
		}
		posts[post-1] = append(posts[post-1], id)
		if post == 1 {
			switch id {
			case "1":
				return `"status":429,"headers":{"retry-after":"0"},"body":{"error":{"code":"TooManyRequests","message":"slow"}}`
			case "2":
				return `"status":503,"body":{"error":{"code":"ServiceUnavailable","message":"busy"}}`
			case "3":
				return `"status":403,"body":{"error":{"code":"Forbidden","message":"no"}}`
			case "4":
				return `` // left out
			case "5":
				return `"status":502,"headers":{"Content-Type":"text/html"},"body":"PGh0bWw+YmFkPC9odG1sPg=="`
			case "6":
				return `"status":500,"body":{"error":{"code":"InternalServerError","message":"boom"}}`
			}
		}
		return fmt.Sprintf(`"status":200,"body":{"value":[{"id":"k%s"}]}`, id)
	})
	results := map[string]UserPasskeys{}
	err := testClient(t, srv.URL).Fido2Methods(t.Context(), userIDs(8), func(u UserPasskeys) error { results[u.UserID] = u; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for i, ids := range posts {
		slices.Sort(ids)
		if i == 1 && !slices.Equal(ids, []string{"1", "2", "4", "5"}) || i > 1 {
			t.Errorf("post %d repeats %v", i+1, ids)
		}
	}
	for user, u := range results {
		switch user {
		case "u003":
			wantKind(t, u.Err, KindForbidden)
		case "u006":
			wantKind(t, u.Err, KindTransient)
		default:
			if u.Err != nil || len(u.Passkeys) != 1 || "k"+user[3:] != u.Passkeys[0].ID {
				t.Errorf("%+v", u)
			}
		}
	}
}

// TestBatchThrottledForLong: an item whose Retry-After is longer than a call waits names its time and is not repeated.
func TestBatchThrottledForLong(t *testing.T) {
	srv := batchServer(t, func(_ int, id, _, _ string) string {
		if id == "0" {
			return `"status":429,"headers":{"Retry-After":"90"},"body":{"error":{"code":"TooManyRequests","message":"slow"}}`
		}
		return `"status":200,"body":{"value":[]}`
	})
	c, begin := testClient(t, srv.URL), time.Now()
	var failed *Error
	err := c.Fido2Methods(t.Context(), userIDs(2), func(u UserPasskeys) error {
		if u.UserID == "u000" {
			failed = wantKind(t, u.Err, KindThrottled)
		} else if u.Err != nil {
			t.Errorf("the other user: %v", u.Err)
		}
		return nil
	})
	if err != nil || srv.count() != 1 || failed.RetryAt.Sub(begin) < 89*time.Second || !c.limiter.throttledUntil().Equal(failed.RetryAt) {
		t.Errorf("%v, %d posts, %+v, throttled until %v", err, srv.count(), failed, c.limiter.throttledUntil())
	}
}

// TestBatchPostFails: a post that fails costs its own items only; the SDK's batch throws all answers away.
func TestBatchPostFails(t *testing.T) {
	var posts atomic.Int64
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, body string) {
		if posts.Add(1) == 2 {
			answer(w, 403, `{"error":{"code":"Forbidden","message":"no"}}`)
			return
		}
		var in struct {
			Requests []wireBatchRequest `json:"requests"`
		}
		_ = json.Unmarshal([]byte(body), &in)
		out := make([]string, len(in.Requests))
		for i, q := range in.Requests {
			out[i] = fmt.Sprintf(`{"id":%q,"status":200,"body":{"value":[]}}`, q.ID)
		}
		answer(w, 200, `{"responses":[%s]}`, strings.Join(out, ","))
	})
	var failed []string
	err := testClient(t, srv.URL).Fido2Methods(t.Context(), userIDs(60), func(u UserPasskeys) error {
		if u.Err != nil {
			wantKind(t, u.Err, KindForbidden)
			failed = append(failed, u.UserID)
		}
		return nil
	})
	if err != nil || !slices.Equal(failed, userIDs(40)[20:]) {
		t.Errorf("%v, failed %v", err, failed)
	}
}

// TestBatchWrites: a write inside a batch whose outcome is open says so and is not repeated, one that was refused
// before any effect is.
func TestBatchWrites(t *testing.T) {
	var seen []string
	srv := batchServer(t, func(post int, id, _, _ string) string {
		seen = append(seen, fmt.Sprintf("%d:%s", post, id))
		if post > 1 {
			return `"status":204`
		}
		return map[string]string{"0": `"status":503,"body":{"error":{"code":"x","message":"y"}}`, "1": `"status":424,"body":{"error":{"code":"FailedDependency","message":"y"}}`,
			"2": `"status":429,"headers":{"Retry-After":"0"},"body":{"error":{"code":"TooManyRequests","message":"y"}}`, "3": ``}[id]
	})
	op := groupWrite("AddOwners")
	op.effect = effectUnsafe
	requests := make([]batchRequest, 4)
	for i := range requests {
		requests[i] = batchRequest{Method: "POST", URL: "/groups/g1/owners/$ref", Body: map[string]string{"@odata.id": srv.URL + "/v1.0/directoryObjects/o1"}}
	}
	results := testClient(t, srv.URL).batch(t.Context(), op, requests)
	if !results[0].Err.OutcomeUnknown || results[1].Err.OutcomeUnknown || results[2].Err != nil || !results[3].Err.OutcomeUnknown {
		t.Errorf("got %+v", results)
	}
	if got := strings.Join(seen, " "); got != "1:3 1:2 1:1 1:0 2:2" {
		t.Errorf("sent %s", got)
	}
	if !strings.Contains(srv.all()[0].body, `"headers":{"Content-Type":"application/json"}`) {
		t.Error("an item with a body names no content type")
	}
}

// TestBatchTakesNoPageForSuccess: a portal's page in the place of an item's answer is no success of it, whether it comes as
// text or as base64, with or without its type; what Graph answers a write is one, with content or without.
func TestBatchTakesNoPageForSuccess(t *testing.T) {
	answers := []struct {
		text string
		page bool
	}{
		{`"status":200,"headers":{"Content-Type":"text/html; charset=utf-8"},"body":"PGh0bWw+"`, true},
		{`"status":200,"body":"<html>accept the terms</html>"`, true},
		{`"status":200,"headers":{"content-type":"text/html"}`, true},
		{`"status":204`, false},
		{`"status":204,"headers":{"Content-Type":"text/plain"},"body":null`, false},
		{`"status":200,"headers":{"Content-Type":"application/json"},"body":{}`, false},
		{`"status":200`, false},
	}
	requests, items := make([]batchRequest, len(answers)), make([]string, len(answers))
	for i, a := range answers {
		items[i] = fmt.Sprintf(`{"id":"%d",%s}`, i, a.text)
	}
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		mark(w) // no item of these is Graph's
		answer(w, 200, `{"responses":[%s]}`, strings.Join(items, ","))
	})
	op := groupWrite("AddOwners")
	op.effect = effectUnsafe
	for i := range requests {
		requests[i] = batchRequest{Method: "DELETE", URL: "/groups/g1/owners/o1/$ref"}
	}
	for i, r := range testClient(t, srv.URL).batch(t.Context(), op, requests) {
		if isError := r.Err != nil && r.Err.Kind == KindTransient && r.Err.OutcomeUnknown; isError != answers[i].page || r.Err != nil != answers[i].page {
			t.Errorf("%s: got %+v", answers[i].text, r.Err)
		}
	}
}

// TestBatchEnds: a caller that gives up, and one whose yield fails, see their own error.
func TestBatchEnds(t *testing.T) {
	srv := batchServer(t, func(int, string, string, string) string { return `"status":200,"body":{"value":[]}` })
	c := testClient(t, srv.URL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e := wantKind(t, c.Fido2Methods(ctx, userIDs(3), func(UserPasskeys) error { return nil }), KindTransient); e.Err != context.Canceled { //nolint:errorlint // the very cause
		t.Errorf("got %v", e)
	}
	stop := fmt.Errorf("enough")
	if err := c.Fido2Methods(t.Context(), userIDs(3), func(UserPasskeys) error { return stop }); err != stop { //nolint:errorlint // as it is
		t.Errorf("got %v", err)
	}
	wantKind(t, c.Fido2Methods(t.Context(), []string{"a", ""}, nil), KindInvalid)
}

// TestBatchAnswerWithMorePages: a user with more than one page of passkeys is read to the end.
func TestBatchAnswerWithMorePages(t *testing.T) {
	var root string
	srv := batchServer(t, func(int, string, string, string) string {
		return fmt.Sprintf(`"status":200,"body":{"value":[{"id":"first"}],"@odata.nextLink":"%s/v1.0/users/u000/authentication/fido2Methods?$skiptoken=x"}`, root)
	})
	root = srv.URL
	err := testClient(t, srv.URL).Fido2Methods(t.Context(), userIDs(1), func(u UserPasskeys) error {
		if u.Err != nil || len(u.Passkeys) != 2 || u.Passkeys[1].ID != "late" {
			t.Errorf("%+v", u)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
