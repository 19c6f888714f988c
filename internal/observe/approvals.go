// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// ApprovalSource reads the requests of Multi Admin Approval.
type ApprovalSource interface {
	OperationApprovalRequest(ctx context.Context, code string) (graph.OperationApprovalRequest, error)
	OperationApprovalRequests(ctx context.Context) ([]graph.OperationApprovalRequest, error)
}

// Approval reads the request that a pending approval stands for; nil when the tenant has none. Where the answer with the
// code was lost, the request is known by its justification, and its code is filled in.
func Approval(ctx context.Context, src ApprovalSource, p *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error) {
	if p.Code != "" {
		req, err := src.OperationApprovalRequest(ctx, p.Code)
		if graph.KindOf(err) == graph.KindNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("see whether approval request %s is decided: %w", p.Code, err)
		}
		return request(req), nil
	}
	list, err := src.OperationApprovalRequests(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for an approval request whose code was lost: %w", err)
	}
	for i := range list {
		if strings.Contains(list[i].RequestJustification, plan.Reference(p)) {
			p.Code = list[i].Code
			return request(list[i]), nil
		}
	}
	for i := range list {
		if r := &list[i]; r.Unreadable != nil && r.RequestJustification == "" {
			return nil, unbelieved("OperationApprovalRequests", fmt.Sprintf(
				"approval request %q cannot be read (%v), and may be the one whose code was lost: decide or cancel it in the tenant", r.Code, r.Unreadable))
		}
	}
	return nil, nil
}

func request(r graph.OperationApprovalRequest) *plan.ApprovalRequest {
	return &plan.ApprovalRequest{Status: string(r.Status), ChangedAt: r.LastModifiedAt}
}
