// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// approvalPoll is how often a request for approval is looked at; annotation retry-requested-at has it looked at now.
const approvalPoll = 2 * time.Minute

// approvalWait says why an action was not sent, or not taken, until people approve it.
type approvalWait struct {
	standing  status.Standing
	condition metav1.Condition
	requeue   time.Duration
}

// keepApprovals drops the pending approvals of writes that are not planned any more.
func (r *policyRun) keepApprovals(actions []plan.Action) {
	s := &r.after.Status
	kept := plan.KeepApprovals(s.Approvals, actions)
	if len(kept) != len(s.Approvals) {
		s.Approvals = kept
	}
}

// send executes an action, by way of Multi Admin Approval where the tenant demands that (contract m). With a wait, the
// action is held back and the outcome says nothing.
func (r *policyRun) send(ctx context.Context, a *plan.Action) (execute.Outcome, *approvalWait, error) {
	if a.Kind == plan.LookUp {
		out, err := r.execute(ctx, a)
		return out, nil, err
	}
	fp := a.Fingerprint()
	pending := r.pending(fp)
	request, err := r.request(ctx, pending)
	if err != nil {
		return execute.Outcome{Result: execute.Retry, Err: err}, nil, nil //nolint:nilerr // an outcome of the tenant, not a failure of the reconcile
	}
	switch plan.NextApproval(pending, r.retryAnnotation(), request, r.Clock.Now()) {
	case plan.SendPlain:
		r.forgetApproval(fp)
		out, err := r.execute(ctx, a)
		if err != nil || graph.KindOf(out.Err) != graph.KindApprovalRequired {
			return out, nil, err
		}
		return r.ask(ctx, a, fp)
	case plan.TryPlain:
		return r.tryPlain(ctx, a, fp)
	case plan.SendApproved:
		return r.sendApproved(ctx, a, fp)
	case plan.AwaitEffect:
		return execute.Outcome{}, waiting(pending, "it was approved and sent; waiting until the tenant shows it"), nil
	case plan.StopRefused:
		pending.State = plan.Refusal(pending, request)
		return execute.Outcome{}, r.refusedApproval(pending), nil
	case plan.FindRequest:
		return execute.Outcome{}, waiting(pending, "the answer with the code of the request was lost; looking for the request"), nil
	}
	pending.State = v1alpha1.ApprovalWaiting
	if request == nil && plan.Overdue(pending, r.Clock.Now()) {
		return execute.Outcome{}, waiting(pending, fmt.Sprintf("the tenant does not show request %s; it is looked for again, and a new value of annotation %s asks anew",
			pending.Code, v1alpha1.AnnotationRetry)), nil
	}
	return execute.Outcome{}, waiting(pending, ""), nil
}

// sendApproved sends a write under the code of its approval.
func (r *policyRun) sendApproved(ctx context.Context, a *plan.Action, fp string) (execute.Outcome, *approvalWait, error) {
	p := r.pending(fp)
	p.State = v1alpha1.ApprovalApproved
	approval := graph.Approval{Code: p.Code, Digest: p.Digest}
	out, err := r.execute(graph.WithApproval(ctx, approval), a)
	var e *graph.Error
	switch {
	case err != nil || !errors.As(out.Err, &e):
	case e.Kind == graph.KindConflict && e.Status == 0: // the client's own word: the bytes are not those that were approved
		r.forgetApproval(fp)
	case e.Kind == graph.KindInvalid, e.Kind == graph.KindForbidden, e.Kind == graph.KindApprovalRequired:
		// Approved, and refused all the same: sending it again helps nobody.
		r.pending(fp).State = v1alpha1.ApprovalRejected
	}
	return out, nil, err
}

// tryPlain sends a write that waits once more without its request, because a person asked to look again. Where the tenant
// still wants an approval, the request that is open stays the one to decide on.
func (r *policyRun) tryPlain(ctx context.Context, a *plan.Action, fp string) (execute.Outcome, *approvalWait, error) {
	r.pending(fp).Retry = r.retryAnnotation()
	out, err := r.execute(ctx, a)
	if err != nil {
		return out, nil, err
	}
	if graph.KindOf(out.Err) == graph.KindApprovalRequired {
		return execute.Outcome{}, waiting(r.pending(fp), ""), nil
	}
	if out.Result == execute.Applied || out.Result == execute.AlreadyTrue {
		r.forgetApproval(fp)
	}
	return out, nil, nil
}

func (r *policyRun) pending(fp string) *v1alpha1.PendingApproval {
	list := r.after.Status.Approvals
	if i := slices.IndexFunc(list, func(p v1alpha1.PendingApproval) bool { return p.Fingerprint == fp }); i >= 0 {
		return &list[i]
	}
	return nil
}

// request is what the tenant says about a pending approval. One that was refused is not asked about any more.
func (r *policyRun) request(ctx context.Context, p *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error) {
	if p == nil || plan.Refused(p) {
		return nil, nil
	}
	return observe.Approval(ctx, r.src, p)
}

func (r *policyRun) forgetApproval(fp string) {
	s := &r.after.Status
	s.Approvals = slices.DeleteFunc(s.Approvals, func(p v1alpha1.PendingApproval) bool { return p.Fingerprint == fp })
}

func (r *policyRun) retryAnnotation() string { return r.before.Annotations[v1alpha1.AnnotationRetry] }

// ask opens a request for approval. That it is about to be opened is journalled first: a second request for the same write
// would make people decide twice (P5).
func (r *policyRun) ask(ctx context.Context, a *plan.Action, fp string) (execute.Outcome, *approvalWait, error) {
	r.after.Status.Approvals = append(r.after.Status.Approvals, v1alpha1.PendingApproval{
		Fingerprint: fp, Role: a.Role, Platform: a.Platform, Action: a.String(), State: v1alpha1.ApprovalOpening,
		RequestedAt: *r.stamp(), Retry: r.retryAnnotation(),
	})
	if err := r.journal(ctx); err != nil {
		return execute.Outcome{}, nil, err
	}
	justification := observe.Justification(r.before.Namespace+"/"+r.before.Name, r.pending(fp))
	out, err := r.execute(graph.WithApproval(ctx, graph.Approval{Justification: justification}), a)
	if err != nil {
		return out, nil, err
	}
	var e *graph.Error
	switch p := r.pending(fp); {
	case errors.As(out.Err, &e) && e.Kind == graph.KindApprovalRequired && e.ApprovalCode != "":
		p.State, p.Code, p.Digest = v1alpha1.ApprovalWaiting, e.ApprovalCode, e.ApprovalDigest
		return execute.Outcome{}, waiting(p, ""), nil
	case e != nil && e.Kind == graph.KindApprovalRequired: // a request may be open all the same: it is looked for
		return execute.Outcome{}, waiting(p, "the tenant named no code of the request; looking for it"), nil
	case out.Result != execute.Unknown:
		r.forgetApproval(fp)
	}
	return out, nil, nil
}

// waiting is the result of an action that people have to approve.
func waiting(p *v1alpha1.PendingApproval, instead string) *approvalWait {
	message := fmt.Sprintf("%s: Multi Admin Approval holds this write back", p.Action)
	if instead != "" {
		message += "; " + instead
	} else {
		message += fmt.Sprintf(": approve request %s of %s in the Intune admin center (Tenant administration, Multi Admin Approval), or exclude the application there and give annotation %s a new value",
			p.Code, status.Time(p.RequestedAt.Time), v1alpha1.AnnotationRetry)
	}
	return &approvalWait{
		standing:  status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonApprovalRequired, Message: message},
		condition: status.Condition(v1alpha1.ConditionWaitingForApproval, true, v1alpha1.ReasonApprovalRequired, message),
		requeue:   approvalPoll,
	}
}

// refusedApproval is the result of an action that people do not want, or did not look at.
func (r *policyRun) refusedApproval(p *v1alpha1.PendingApproval) *approvalWait {
	message := fmt.Sprintf("%s: the request for its approval (%s) was %s, by people or by the tenant; it is not sent and not asked for again until annotation %s has a new value, or something else is to be written",
		p.Action, p.Code, strings.ToLower(string(p.State)), v1alpha1.AnnotationRetry)
	return &approvalWait{
		standing:  status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonApprovalRefused, Message: message},
		condition: status.Condition(v1alpha1.ConditionWaitingForApproval, false, v1alpha1.ReasonApprovalRefused, message),
		requeue:   r.after.Spec.Interval.Duration,
	}
}
