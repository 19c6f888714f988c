// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
)

// requests answers from its rows, or with err.
type requests struct {
	rows []graph.OperationApprovalRequest
	err  error
}

func (f requests) OperationApprovalRequests(context.Context) ([]graph.OperationApprovalRequest, error) {
	return f.rows, f.err
}

func (f requests) OperationApprovalRequest(_ context.Context, code string) (graph.OperationApprovalRequest, error) {
	for _, r := range f.rows {
		if r.Code == code {
			return r, f.err
		}
	}
	if f.err != nil {
		return graph.OperationApprovalRequest{}, f.err
	}
	return graph.OperationApprovalRequest{}, notFound
}

// TestApproval: a request is read by its code; without one it is found by the reference alone, and never taken for that of
// an earlier try.
func TestApproval(t *testing.T) {
	p := v1alpha1.PendingApproval{Fingerprint: "0123456789abcdef", RequestedAt: metav1.Unix(1_800_000_000, 0)}
	row := func(code, ref string, status graph.ApprovalStatus) graph.OperationApprovalRequest {
		return graph.OperationApprovalRequest{Code: code, Status: status, RequestJustification: "for you [ref " + ref + "]", LastModifiedAt: time.Unix(5, 0)}
	}
	src := requests{rows: []graph.OperationApprovalRequest{
		row("c0", "0123456789abcdef-1799999999", graph.ApprovalRejected), row("c1", "0123456789abcdef-1800000000", graph.ApprovalNeeded), row("c2", "x-1", graph.ApprovalApproved),
	}}
	for _, tt := range []struct{ code, want, status string }{
		{"", "c1", "needsApproval"}, {"c0", "c0", "rejected"}, {"c2", "c2", "approved"}, {"c9", "c9", ""},
	} {
		q := p
		q.Code = tt.code
		got, err := Approval(t.Context(), src, &q)
		if err != nil || q.Code != tt.want || (got == nil) != (tt.status == "") || got != nil && (got.Status != tt.status || !got.ChangedAt.Equal(time.Unix(5, 0))) {
			t.Errorf("%q: %+v, code %q, %v", tt.code, got, q.Code, err)
		}
	}
	q := p
	q.Fingerprint = "other"
	if got, err := Approval(t.Context(), src, &q); got != nil || err != nil || q.Code != "" {
		t.Errorf("%+v, %v, code %q", got, err, q.Code)
	}
	for _, code := range []string{"", "c1"} {
		q := p
		q.Code = code
		if got, err := Approval(t.Context(), requests{err: errAway}, &q); got != nil || !errors.Is(err, errAway) {
			t.Errorf("%q: %v, %v", code, got, err)
		}
	}
}
