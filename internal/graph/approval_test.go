// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

const approvalJSON = `{"error":{"code":"BadRequest","message":"{\"Message\":\"Approval Required. Request Approval using the request ID returned as part of the x-msft-approval-code response header. x-msft-approval-code: 6f1c7a52-0d7c-4c80-9a55-3a3d5c8f9b10 - Operation ID (for customer support): 0\"}"}}`

// protectedWrites is every write that Multi Admin Approval can stop.
var protectedWrites = map[string]func(context.Context, *Client) error{
	"CreateConfigurationPolicy": func(ctx context.Context, c *Client) error {
		_, err := c.CreateConfigurationPolicy(ctx, testPolicy)
		return err
	},
	"ReplaceConfigurationPolicy": func(ctx context.Context, c *Client) error { return c.ReplaceConfigurationPolicy(ctx, "p1", testPolicy) },
	"DeleteConfigurationPolicy":  func(ctx context.Context, c *Client) error { return c.DeleteConfigurationPolicy(ctx, "p1") },
	"Assign": func(ctx context.Context, c *Client) error {
		_, err := c.Assign(ctx, "p1", []Assignment{{Kind: TargetGroup, GroupID: "g1"}})
		return err
	},
	"CreateRemediation": func(ctx context.Context, c *Client) error {
		_, err := c.CreateRemediation(ctx, testRemediation)
		return err
	},
	"UpdateRemediation": func(ctx context.Context, c *Client) error { return c.UpdateRemediation(ctx, "r1", testRemediation) },
	"DeleteRemediation": func(ctx context.Context, c *Client) error { return c.DeleteRemediation(ctx, "r1") },
	"AssignRemediation": func(ctx context.Context, c *Client) error { _, err := c.AssignRemediation(ctx, "r1", nil); return err },
	"RunRemediation":    func(ctx context.Context, c *Client) error { return c.RunRemediation(ctx, "d1", "r1") },
	"SyncDevice":        func(ctx context.Context, c *Client) error { return c.SyncDevice(ctx, "d1") },
	"CreateAssignmentFilter": func(ctx context.Context, c *Client) error {
		_, err := c.CreateAssignmentFilter(ctx, testFilter)
		return err
	},
	"UpdateAssignmentFilter": func(ctx context.Context, c *Client) error { return c.UpdateAssignmentFilter(ctx, "f1", testFilter) },
	"DeleteAssignmentFilter": func(ctx context.Context, c *Client) error { return c.DeleteAssignmentFilter(ctx, "f1") },
}

// TestApprovalRequired: a write that needs a person is an outcome of its own, sent once, with the code of its request;
// it resumes with the same bytes under the code.
func TestApprovalRequired(t *testing.T) {
	for op, write := range protectedWrites {
		t.Run(op, func(t *testing.T) {
			srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
				if r.Header.Get("x-msft-approval-code") != "" || r.Method == http.MethodGet {
					succeed(w, r)
					return
				}
				w.Header().Set("x-msft-approval-code", "6f1c7a52-0d7c-4c80-9a55-3a3d5c8f9b10")
				answer(w, 412, "%s", approvalJSON)
			})
			c := testClient(t, srv.URL)
			asked := WithApproval(t.Context(), Approval{Justification: "Wave 1 für Ann"})
			e := wantKind(t, write(asked, c), KindApprovalRequired)
			if srv.count() != 1 || e.ApprovalCode != "6f1c7a52-0d7c-4c80-9a55-3a3d5c8f9b10" || e.OutcomeUnknown || len(e.ApprovalDigest) != 64 {
				t.Fatalf("%d requests, %+v", srv.count(), e)
			}
			first := srv.all()[0]
			if text, err := base64.StdEncoding.DecodeString(first.header.Get("x-msft-approval-justification")); err != nil || string(text) != "Wave 1 für Ann" {
				t.Errorf("justification %q, %v", text, err)
			}
			if err := write(WithApproval(t.Context(), Approval{Code: e.ApprovalCode, Digest: e.ApprovalDigest}), c); err != nil {
				t.Fatal(err)
			}
			again := srv.all()[1]
			if again.method != first.method || again.path != first.path || again.query != first.query || again.body != first.body {
				t.Errorf("resumed with\n%+v, approved was\n%+v", again, first)
			}
			if again.header.Get("x-msft-approval-justification") != "" || again.header.Get("x-msft-approval-code") != e.ApprovalCode {
				t.Errorf("headers %v", again.header)
			}
		})
	}
}

// TestApprovalDigestGuardsTheBytes: an approval for one write does not carry another.
func TestApprovalDigestGuardsTheBytes(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 412, "%s", approvalJSON) })
	c := testClient(t, srv.URL)
	ctx := WithApproval(t.Context(), Approval{Justification: "why"})
	e := wantKind(t, c.ReplaceConfigurationPolicy(ctx, "p1", testPolicy), KindApprovalRequired)
	if e.ApprovalCode != "6f1c7a52-0d7c-4c80-9a55-3a3d5c8f9b10" {
		t.Errorf("the code in the text is not found: %+v", e)
	}
	resumed := WithApproval(t.Context(), Approval{Code: e.ApprovalCode, Digest: e.ApprovalDigest})
	other := testPolicy
	other.Name = "another"
	wantKind(t, c.ReplaceConfigurationPolicy(resumed, "p1", other), KindConflict)
	wantKind(t, c.ReplaceConfigurationPolicy(resumed, "p2", testPolicy), KindConflict)
	wantKind(t, c.DeleteConfigurationPolicy(resumed, "p1"), KindConflict)
	e = wantKind(t, c.SyncDevice(ctx, "d1"), KindApprovalRequired)
	wantKind(t, c.SyncDevice(WithApproval(t.Context(), Approval{Code: e.ApprovalCode, Digest: e.ApprovalDigest}), "d2"), KindConflict)
	if srv.count() != 2 {
		t.Errorf("%d requests, want the first of each alone", srv.count())
	}
}

// TestApprovalIsNotRepeated: a lost answer may have opened a request, so that a justified write is never sent twice.
func TestApprovalIsNotRepeated(t *testing.T) {
	srv := serve(t, func(int, http.ResponseWriter, *http.Request, string) { abort() })
	c := testClient(t, srv.URL)
	e := wantKind(t, c.ReplaceConfigurationPolicy(WithApproval(t.Context(), Approval{Justification: "why"}), "p1", testPolicy), KindTransient)
	if srv.count() != 1 || !e.OutcomeUnknown {
		t.Errorf("%d requests, %v", srv.count(), e)
	}
	wantKind(t, c.ReplaceConfigurationPolicy(t.Context(), "p1", testPolicy), KindTransient)
	if srv.count() != 1+4 {
		t.Errorf("%d requests: without a justification the write repeats", srv.count())
	}
}

// TestApprovalStaysOnIntuneWrites: reads and other workloads carry no header, and a bad reason is refused here.
func TestApprovalStaysOnIntuneWrites(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) { succeed(w, r) })
	c := testClient(t, srv.URL)
	ctx := WithApproval(t.Context(), Approval{Justification: "why"})
	if _, err := c.Group(ctx, "g1"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddMembers(ctx, "g1", []string{"m1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Assignments(ctx, "p1"); err != nil {
		t.Fatal(err)
	}
	for _, r := range srv.all() {
		if r.header.Get("x-msft-approval-justification") != "" || r.header.Get("x-msft-approval-code") != "" {
			t.Errorf("%s %s carries an approval", r.method, r.path)
		}
	}
	sent := srv.count()
	for _, a := range []Approval{{}, {Justification: strings.Repeat("ü", 1025)}, {Justification: "\xff"}, {Code: "a\r\nX: y"}} {
		wantKind(t, c.DeleteConfigurationPolicy(WithApproval(t.Context(), a), "p1"), KindInvalid)
	}
	if srv.count() != sent {
		t.Error("a bad approval was sent")
	}
	if err := c.DeleteConfigurationPolicy(WithApproval(t.Context(), Approval{Justification: strings.Repeat("ü", 1024)}), "p1"); err != nil {
		t.Error(err)
	}
}

// TestOperationApprovalRequest: the request is found by its code, and no other one is taken for it.
func TestOperationApprovalRequest(t *testing.T) {
	tests := []struct {
		name, rows string
		want       ApprovalStatus
		kind       Kind
		beyond     bool // the types have no such row
	}{
		{"by requestId", `{"id":"e1","requestId":"ap-2","status":"rejected"},{"id":"e2","requestId":"AP-1","status":"approved","approvalJustification":"ok","expirationDateTime":"2026-12-01T00:00:00Z"}`, ApprovalApproved, "", true},
		{"by id", `{"id":"ap-1","status":"needsApproval"}`, ApprovalNeeded, "", false},
		{"by the filter alone", `{"id":"e1","status":"expired"}`, ApprovalExpired, "", false},
		{"a new word", `{"id":"ap-1","status":"escalated"}`, "escalated", "", true},
		{"another one", `{"id":"e1","requestId":"ap-2","status":"approved"}`, "", KindNotFound, true},
		{"two without a code", `{"id":"e1","status":"approved"},{"id":"e2","status":"approved"}`, "", KindNotFound, false},
		{"none", ``, "", KindNotFound, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
				if tt.beyond {
					mark(w)
				}
				answer(w, 200, `{"value":[%s]}`, tt.rows)
			})
			got, err := testClient(t, srv.URL).OperationApprovalRequest(t.Context(), "ap-1")
			if KindOf(err) != tt.kind || got.Status != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
			if q := mustQuery(t, srv.all()[0].query).Get("$filter"); q != "requestId eq 'ap-1'" {
				t.Errorf("filter %q", q)
			}
		})
	}
}

// TestOperationApprovalRequests: all pages are listed, whoever opened the requests; the code is the requestId, or the id
// where the tenant sends none, as the types have it.
func TestOperationApprovalRequests(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		if n == 1 {
			spoiled(w, 200, `{"value":[{"id":"e1","requestId":"ap-1","status":"approved"}],"@odata.nextLink":"http://%s/beta/deviceManagement/operationApprovalRequests?$skiptoken=2"}`, r.Host)
			return
		}
		answer(w, 200, `{"value":[{"id":"ap-2","status":"needsApproval","requestJustification":"why","requestDateTime":"2026-06-01T08:00:00Z"}]}`)
	})
	got, err := testClient(t, srv.URL).OperationApprovalRequests(t.Context())
	want := []OperationApprovalRequest{
		{ID: "e1", Code: "ap-1", Status: ApprovalApproved},
		{ID: "ap-2", Code: "ap-2", Status: ApprovalNeeded, RequestJustification: "why", RequestedAt: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)},
	}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] || srv.all()[0].query != "" {
		t.Errorf("%+v, %v", got, err)
	}
	broken := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 403, `{"error":{"code":"Forbidden","message":"no"}}`)
	})
	_, err = testClient(t, broken.URL).OperationApprovalRequests(t.Context())
	if e := wantKind(t, err, KindForbidden); len(e.MissingPermissions) != 1 || e.MissingPermissions[0] != "DeviceManagementRBAC.Read.All" {
		t.Errorf("%+v", e)
	}
}
