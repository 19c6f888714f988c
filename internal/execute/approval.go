// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// send executes an action, by way of Multi Admin Approval where the tenant demands that (contract m).
func (r *Runner) send(ctx context.Context, a *plan.Action) (Outcome, error) {
	if a.Kind == plan.LookUp {
		return r.run(ctx, r.step(a))
	}
	fp := a.Fingerprint()
	pending := r.pending(fp)
	request, err := r.request(ctx, pending)
	if err != nil {
		return Outcome{Result: Retry, Err: err}, nil //nolint:nilerr // an outcome of the tenant, not a failure of the journal
	}
	switch plan.NextApproval(pending, r.Retry, request, r.Now()) {
	case plan.SendPlain:
		return r.sendPlain(ctx, a, fp)
	case plan.TryPlain:
		return r.tryPlain(ctx, a, fp)
	case plan.SendApproved:
		return r.sendApproved(ctx, a, fp)
	case plan.AwaitEffect:
		return waiting(pending, "it was approved and sent; waiting until the tenant shows it"), nil
	case plan.StopRefused:
		pending.State = plan.Refusal(pending, request)
		return declined(pending), nil
	case plan.FindRequest:
		return waiting(pending, "the answer with the code of the request was lost; looking for the request"), nil
	}
	pending.State = v1alpha1.ApprovalWaiting
	if request == nil && plan.Overdue(pending, r.Now()) {
		return waiting(pending, fmt.Sprintf("the tenant does not show request %s; it is looked for again, and a new value of annotation %s asks anew",
			pending.Code, v1alpha1.AnnotationRetry)), nil
	}
	return waiting(pending, ""), nil
}

// sendPlain sends a write for which nothing was asked yet, and asks where the tenant says so.
func (r *Runner) sendPlain(ctx context.Context, a *plan.Action, fp string) (Outcome, error) {
	r.forgetApproval(fp)
	out, err := r.run(ctx, r.step(a))
	if err != nil || graph.KindOf(out.Err) != graph.KindApprovalRequired {
		return out, err
	}
	return r.ask(ctx, a, fp)
}

// tryPlain sends a write that waits once more without its request, because a person asked to look again. Where the tenant
// still wants an approval, the request that is open stays the one to decide on.
func (r *Runner) tryPlain(ctx context.Context, a *plan.Action, fp string) (Outcome, error) {
	r.pending(fp).Retry = r.Retry
	out, err := r.run(ctx, r.step(a))
	if err != nil {
		return out, err
	}
	if graph.KindOf(out.Err) == graph.KindApprovalRequired {
		return waiting(r.pending(fp), ""), nil
	}
	if out.Taken() {
		r.forgetApproval(fp)
	}
	return out, nil
}

// sendApproved sends a write under the code of its approval.
func (r *Runner) sendApproved(ctx context.Context, a *plan.Action, fp string) (Outcome, error) {
	p := r.pending(fp)
	p.State = v1alpha1.ApprovalApproved
	out, err := r.run(graph.WithApproval(ctx, graph.Approval{Code: p.Code, Digest: p.Digest}), r.step(a))
	var e *graph.Error
	switch {
	case err != nil || !errors.As(out.Err, &e):
	case e.Kind == graph.KindConflict && e.Status == 0: // the client's own word: the bytes are not those that were approved
		r.forgetApproval(fp)
	case e.Kind == graph.KindInvalid, e.Kind == graph.KindForbidden, e.Kind == graph.KindApprovalRequired:
		// Approved, and refused all the same: sending it again helps nobody.
		r.pending(fp).State = v1alpha1.ApprovalRejected
	}
	return out, err
}

// ask opens a request for approval.
func (r *Runner) ask(ctx context.Context, a *plan.Action, fp string) (Outcome, error) {
	s := r.step(a)
	s.Request = &v1alpha1.PendingApproval{
		Fingerprint: fp, Role: a.Role, Platform: a.Platform, Revision: a.Revision, Action: a.String(), State: v1alpha1.ApprovalOpening,
		RequestedAt: *stamp(r.Now()), Retry: r.Retry,
	}
	justification := plan.Justification(r.Policy, s.Request)
	out, err := r.run(graph.WithApproval(ctx, graph.Approval{Justification: justification}), s)
	if err != nil {
		return out, err
	}
	var e *graph.Error
	switch p := r.pending(fp); {
	case errors.As(out.Err, &e) && e.Kind == graph.KindApprovalRequired && e.ApprovalCode != "":
		p.State, p.Code, p.Digest = v1alpha1.ApprovalWaiting, e.ApprovalCode, e.ApprovalDigest
		return waiting(p, ""), nil
	case e != nil && e.Kind == graph.KindApprovalRequired: // a request may be open all the same: it is looked for
		return waiting(p, "the tenant named no code of the request; looking for it"), nil
	case out.Result != Unknown:
		r.forgetApproval(fp)
	}
	return out, nil
}

func (r *Runner) step(a *plan.Action) Step { return newStep(a, r.record(a.Key), stamp(r.Now())) }

func (r *Runner) pending(fp string) *v1alpha1.PendingApproval {
	list := r.Status.Approvals
	if i := slices.IndexFunc(list, func(p v1alpha1.PendingApproval) bool { return p.Fingerprint == fp }); i >= 0 {
		return &list[i]
	}
	return nil
}

// request is what the tenant says about a pending approval. One that was refused is not asked about any more.
func (r *Runner) request(ctx context.Context, p *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error) {
	if p == nil || plan.Refused(p) {
		return nil, nil
	}
	return r.Request(ctx, p)
}

func (r *Runner) forgetApproval(fp string) {
	r.Status.Approvals = slices.DeleteFunc(r.Status.Approvals, func(p v1alpha1.PendingApproval) bool { return p.Fingerprint == fp })
}

// waiting is the outcome of an action that people have to approve. instead replaces what they are asked to do.
func waiting(p *v1alpha1.PendingApproval, instead string) Outcome {
	const held = "%s: Multi Admin Approval holds this write back"
	if instead != "" {
		return Outcome{Result: Waiting, Err: fmt.Errorf(held+"; %s", p.Action, instead)}
	}
	return Outcome{Result: Waiting, Err: fmt.Errorf(
		held+": approve request %s of %s in the Intune admin center (Tenant administration, Multi Admin Approval), or exclude the application there and give annotation %s a new value",
		p.Action, p.Code, status.Time(p.RequestedAt.Time), v1alpha1.AnnotationRetry)}
}

// declined is the outcome of an action that people do not want, or did not look at.
func declined(p *v1alpha1.PendingApproval) Outcome {
	return Outcome{Result: Declined, Err: fmt.Errorf(
		"%s: the request for its approval (%s) was %s, by people or by the tenant; it is not sent and not asked for again until annotation %s has a new value, or something else is to be written",
		p.Action, p.Code, strings.ToLower(string(p.State)), v1alpha1.AnnotationRetry)}
}
