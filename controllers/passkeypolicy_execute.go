// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
)

// attempt takes the next step of a plan.
func (r *policyRun) attempt(ctx context.Context, actions []plan.Action) (execute.Outcome, error) {
	runner := execute.Runner{
		Tenant: r.src, Journal: r, Status: &r.after.Status, Policy: r.before.Namespace + "/" + r.before.Name,
		Retry: r.before.Annotations[v1alpha1.AnnotationRetry], Now: r.Clock.Now,
		Request: func(ctx context.Context, p *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error) {
			return observe.Approval(ctx, r.src, p)
		},
	}
	return runner.Attempt(ctx, actions)
}

// Write is the journal of execute: it stores the status as it stands before something is sent.
func (r *policyRun) Write(ctx context.Context, s *v1alpha1.PasskeyPolicyStatus) error {
	pending := r.after.DeepCopy()
	s.DeepCopyInto(&pending.Status)
	if err := r.patchStatus(ctx, r.before, pending); err != nil {
		return err
	}
	r.before = pending.DeepCopy()
	r.after.ResourceVersion = pending.ResourceVersion
	return nil
}

// keepApprovals drops the pending approvals of writes that are not planned any more.
func (r *policyRun) keepApprovals(actions []plan.Action) {
	s := &r.after.Status
	kept := plan.KeepApprovals(s.Approvals, actions)
	if len(kept) != len(s.Approvals) {
		s.Approvals = kept
	}
}

// stamp is now, as a status keeps it.
func (r *policyRun) stamp() *metav1.Time {
	now := metav1.NewTime(r.Clock.Now().UTC().Truncate(time.Second))
	return &now
}

// closeAssigns ends the wait for assignments whose answer was lost: nothing is left to write, and the tenant has had time
// to show a write that came late. What it shows of ours is what the next plan starts from.
func (r *policyRun) closeAssigns(want []plan.Desired, seen []plan.Observed, actions []plan.Action) {
	for i := range seen {
		o := &seen[i]
		planned := slices.ContainsFunc(actions, func(a plan.Action) bool { return a.Kind == plan.Assign && a.Key == o.Key })
		if !o.AssignOpen || !o.Exists || planned {
			continue
		}
		rec := r.object(o.Key)
		if rec.AssignSentAt == nil || r.Clock.Since(rec.AssignSentAt.Time) < lostGrace {
			continue
		}
		var d *plan.Desired
		if w := slices.IndexFunc(want, func(d plan.Desired) bool { return d.Key == o.Key }); w >= 0 {
			d = &want[w]
		}
		rec.IncludeGroups, rec.ExcludeGroups = plan.Ours(*o, d)
		rec.AssignSentAt = nil
	}
}
