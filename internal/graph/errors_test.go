// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const intuneForbidden = `{"error":{"code":"Forbidden","message":"{\r\n  \"_version\": 3,\r\n  \"Message\": \"Application is not authorized to perform this operation. Application must have one of the following scopes: DeviceManagementConfiguration.ReadWrite.All, DeviceManagementConfiguration.Read.All - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: a1 - Url: https://fef.example/x?api-version=1\",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null\r\n}","innerError":{"date":"2026-10-02T09:14:31","request-id":"in-1","client-request-id":"c-1"}}}`

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// TestParseErrorShapes holds one row for each shape of an error answer that is known (contract 0.4, k.4, m, n).
func TestParseErrorShapes(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	jsonType := http.Header{"Content-Type": {"application/json"}}
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		want   Error
	}{
		{"entra not found", 404, jsonType,
			`{"error":{"code":"Request_ResourceNotFound","message":"Resource '5e1c' does not exist or one of its queried reference-property objects are not present.","innerError":{"date":"2026-10-02T09:14:31","request-id":"7c","client-request-id":"7c"}}}`,
			Error{Kind: KindNotFound, Status: 404, Code: "Request_ResourceNotFound", RequestID: "7c",
				Message: "Resource '5e1c' does not exist or one of its queried reference-property objects are not present."}},
		{"intune json in a string, scopes", 403, jsonType, intuneForbidden,
			Error{Kind: KindForbidden, Status: 403, Code: "Forbidden", RequestID: "in-1",
				Message:            "Application is not authorized to perform this operation. Application must have one of the following scopes: DeviceManagementConfiguration.ReadWrite.All, DeviceManagementConfiguration.Read.All",
				MissingPermissions: []string{"DeviceManagementConfiguration.ReadWrite.All", "DeviceManagementConfiguration.Read.All"}}},
		{"intune licence, no scopes", 403, jsonType, `{"error":{"code":"Forbidden","message":"{\"Message\":\"An error has occurred - Operation ID (for customer support): 0\"}"}}`,
			Error{Kind: KindForbidden, Status: 403, Code: "Forbidden", Message: "An error has occurred"}},
		{"plain text in the message", 400, jsonType, `{"error":{"code":"BadRequest","message":"Bad filter - CustomApiErrorPhrase: "}}`,
			Error{Kind: KindInvalid, Status: 400, Code: "BadRequest", Message: "Bad filter"}},
		{"deepest code", 400, jsonType, `{"error":{"code":"BadRequest","message":"m","innerError":{"code":"invalidRange","innererror":{"code":"cannotOpenFile"}}}}`,
			Error{Kind: KindInvalid, Status: 400, Code: "cannotOpenFile", Message: "m"}},
		{"code is a sentence", 400, jsonType, `{"error":{"code":"No method match route template","message":"No OData route exists"}}`,
			Error{Kind: KindInvalid, Status: 400, Code: "No method match route template", Message: "No OData route exists"}},
		{"unknown segment is not absence", 404, jsonType, `{"error":{"code":"BadRequest","message":"Resource not found for the segment 'deviceHealthScripts'."}}`,
			Error{Kind: KindInvalid, Status: 404, Code: "BadRequest", Message: "Resource not found for the segment 'deviceHealthScripts'."}},
		{"404 with a code inside that says nothing", 404, jsonType, `{"error":{"code":"ResourceNotFound","message":"m","innerError":{"code":"x1"}}}`, Error{Kind: KindNotFound, Status: 404, Code: "x1", Message: "m"}},
		{"404 that does not say what is absent", 404, jsonType, `{"error":{"code":"UnknownError","message":""}}`, Error{Kind: KindTransient, Status: 404, Code: "UnknownError"}},
		{"html 403 from a gateway", 403, http.Header{"Content-Type": {"text/html"}, "Request-Id": {"gw"}}, "<html><script>x()</script><h1>Access denied</h1></html>",
			Error{Kind: KindTransient, Status: 403, RequestID: "gw", Message: "a gateway answered with a web page: Access denied"}},
		{"html 404 from a gateway", 404, http.Header{}, "<html>gone?</html>",
			Error{Kind: KindTransient, Status: 404, Message: "a gateway answered with a web page: gone?"}},
		{"nul bytes", 403, jsonType, "\x00\x00\x00", Error{Kind: KindTransient, Status: 403, Message: "the answer held NUL bytes instead of JSON: Forbidden"}},
		{"empty 404", 404, http.Header{}, "", Error{Kind: KindTransient, Status: 404, Message: "the answer had no body: Not Found"}},
		{"empty 401", 401, http.Header{}, "", Error{Kind: KindUnauthorized, Status: 401, Message: "the answer had no body: Unauthorized"}},
		{"truncated", 400, jsonType, `{"error":{"code":"BadRequ`, Error{Kind: KindTransient, Status: 400, Message: `the answer is not a Graph error: {"error":{"code":"BadRequ`}},
		{"json without error", 502, jsonType, `{"statusCode":502,"message":"upstream"}`,
			Error{Kind: KindTransient, Status: 502, Message: `the answer is not a Graph error: {"statusCode":502,"message":"upstream"}`}},
		{"error is a string", 400, jsonType, `{"error":"nope"}`, Error{Kind: KindTransient, Status: 400, Message: `the answer is not a Graph error: {"error":"nope"}`}},
		{"error without message", 409, jsonType, `{"error":{"code":"Conflict"}}`, Error{Kind: KindConflict, Status: 409, Code: "Conflict"}},
		{"gzip", 409, jsonType, zipped(`{"error":{"code":"Conflict","message":"busy"}}`), Error{Kind: KindConflict, Status: 409, Code: "Conflict", Message: "busy"}},
		{"429 seconds", 429, http.Header{"Retry-After": {"7"}}, `{"error":{"code":"TooManyRequests","message":"slow"}}`,
			Error{Kind: KindThrottled, Status: 429, Code: "TooManyRequests", Message: "slow", RetryAt: now.Add(7 * time.Second)}},
		{"429 date, by the server's clock", 429, http.Header{"Retry-After": {"Sun, 22 Nov 2026 13:00:30 GMT"}, "Date": {"Sun, 22 Nov 2026 13:00:00 GMT"}}, "",
			Error{Kind: KindThrottled, Status: 429, Message: "the answer had no body: Too Many Requests", RetryAt: now.Add(30 * time.Second)}},
		{"429 without a time", 429, jsonType, `{"error":{"code":"TooManyRequests","message":"slow"}}`,
			Error{Kind: KindThrottled, Status: 429, Code: "TooManyRequests", Message: "slow"}},
		{"429 time in the text", 429, jsonType, `{"error":{"code":"TooManyRequests","message":"{\"Message\":\"slow\",\"RetryAfter\":\"12\"}"}}`,
			Error{Kind: KindThrottled, Status: 429, Code: "TooManyRequests", Message: "slow", RetryAt: now.Add(12 * time.Second)}},
		{"query broker", 500, jsonType, `{"error":{"code":"InternalServerError","message":"Rate limit reached because of too many requests to query broker. Please retry after sometime."}}`,
			Error{Kind: KindThrottled, Status: 500, Code: "InternalServerError", Message: "Rate limit reached because of too many requests to query broker. Please retry after sometime."}},
		{"other 500", 500, jsonType, `{"error":{"code":"InternalServerError","message":"boom"}}`, Error{Kind: KindTransient, Status: 500, Code: "InternalServerError", Message: "boom"}},
		{"approval opened", 412, http.Header{"X-Msft-Approval-Code": {"ap-1"}}, `{"error":{"code":"BadRequest","message":"Approval Required."}}`,
			Error{Kind: KindApprovalRequired, Status: 412, Code: "BadRequest", Message: "Approval Required.", ApprovalCode: "ap-1"}},
		{"approval wants a reason", 400, jsonType, `{"error":{"code":"BadRequest","message":"Header 'x-msft-approval-justification' is required to request approval."}}`,
			Error{Kind: KindApprovalRequired, Status: 400, Code: "BadRequest", Message: "Header 'x-msft-approval-justification' is required to request approval."}},
		{"delta token too old", 410, jsonType, `{"error":{"code":"resyncRequired","message":"Resync"}}`, Error{Kind: KindGone, Status: 410, Code: "resyncRequired", Message: "Resync"}},
		{"locked", 423, jsonType, `{"error":{"code":"Locked","message":"busy"}}`, Error{Kind: KindTransient, Status: 423, Code: "Locked", Message: "busy"}},
		{"message is an object", 400, jsonType, `{"error":{"code":"x","message":{"lang":"en","value":"old style"}}}`, Error{Kind: KindInvalid, Status: 400, Code: "x", Message: "old style"}},
		{"token in the message", 400, jsonType, `{"error":{"code":"x","message":"bad header Bearer eyJhbGciOiJub25lIn0.eyJyb2xlcyI6W119.sig and client_secret=hunter22"}}`,
			Error{Kind: KindInvalid, Status: 400, Code: "x", Message: "bad header Bearer [redacted] and client_secret=[redacted]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseError("", tt.status, tt.header, []byte(tt.body), now, redactText)
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzParseError checks that no body makes the parser fail, or leads to a kind or a text that a status cannot show.
func FuzzParseError(f *testing.F) {
	for _, body := range []string{"", "\x00", "<html>", intuneForbidden, `{"error":{"code":"x","message":{"value":"y"}}}`, `{"error":{}}`, zipped(intuneForbidden), "\x1f\x8b"} {
		for _, status := range []int{400, 401, 403, 404, 429, 500} {
			f.Add(status, "5", []byte(body))
		}
	}
	kinds := map[Kind]bool{KindNotFound: true, KindConflict: true, KindForbidden: true, KindUnauthorized: true, KindThrottled: true,
		KindTransient: true, KindInvalid: true, KindGone: true, KindApprovalRequired: true}
	now := time.Now()
	f.Fuzz(func(t *testing.T, status int, after string, body []byte) {
		e := parseError("op", status, http.Header{"Retry-After": {after}}, body, now, redactText)
		if !kinds[e.Kind] {
			t.Fatalf("kind %q", e.Kind)
		}
		for _, text := range []string{e.Message, e.Code, e.RequestID} {
			if !utf8.ValidString(text) || len(text) > maxMessage+64 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("text not fit for a status: %q", text)
			}
		}
		if e.RetryAt.Before(now) && !e.RetryAt.IsZero() || e.RetryAt.After(now.Add(maxThrottle)) {
			t.Fatalf("retry at %v, now %v", e.RetryAt, now)
		}
		_ = e.Error()
	})
}

// TestErrorText pins the line that people read.
func TestErrorText(t *testing.T) {
	e := &Error{Kind: KindForbidden, Op: "Assign", Status: 403, Code: "Forbidden", Message: "no", RequestID: "r1",
		MissingPermissions: []string{"A.Read.All", "B.Read.All"}, OutcomeUnknown: true, RetryAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	want := "graph: Assign: Forbidden (HTTP 403 Forbidden): no; grant one of: A.Read.All, B.Read.All; it is unknown whether the write took effect; retry at 2026-01-02T03:04:05Z [request-id r1]"
	if e.Error() != want {
		t.Errorf("got  %s\nwant %s", e.Error(), want)
	}
}
