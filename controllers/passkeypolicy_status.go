// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/status"
)

const (
	// approvalPoll is how often a request for approval is looked at; annotation retry-requested-at has it looked at now.
	approvalPoll = 2 * time.Minute
	// refusedLook is how soon a write that the tenant refused is sent again.
	refusedLook = 2 * time.Minute
)

// ends says that a rollback is all of a reconcile: it wrote something, or nobody knows. What the tenant refused or people
// have to approve is told with all the rest.
func (p *pass) ends() bool {
	return p.out.Taken() || p.out.Result == execute.Retry || p.out.Result == execute.Unknown
}

// rolledBack reports on a rollback that ends the reconcile.
func (r *policyRun) rolledBack(p pass) status.Report {
	rep := status.Report{Keep: stands}
	switch {
	case p.out.Taken():
		rep.Standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonAssigning, Message: p.out.Action.String()}
		rep.Again = true
	case p.out.Action != nil:
		r.notTaken(&rep, &p.out)
	}
	return rep
}

// whole reports on the whole plan.
func (r *policyRun) whole(p pass, pay *payload) status.Report {
	gap := p.built.Unknown
	if gap != nil && gap.All {
		rep := r.failure(gap.Err, gap.Doing)
		if p.view.Population.Err != nil {
			rep.Unpopulated()
		}
		return rep
	}
	rep := status.PolicySeen(r.after, p.built, pay.found, &pay.decided)
	beside, notAlone := status.NotAlone(&p.view)
	switch {
	case revision.Target(p.view.Revisions) == nil:
		rep.Keep = stands
		return rep
	case p.out.Action != nil:
		r.acted(&rep, &p)
		if rep.Again {
			return rep
		}
	case notAlone:
		rep.NotAlone(beside)
		return rep
	case gap == nil:
		rep.Settled(r.after, r.waves, p.built, r.Clock.Now())
	}
	if gap != nil {
		r.partly(&rep, gap)
	}
	return rep
}

// acted adds what came of the plan's step.
func (r *policyRun) acted(rep *status.Report, p *pass) {
	text, reason := p.out.Action.String(), status.ApplyingReason(p.built.Actions)
	beside, notAlone := status.NotAlone(&p.view)
	switch {
	case notAlone: // waves must not take what is left to do for progress
		rep.Add(beside)
	case !p.out.Taken() && !slices.ContainsFunc(p.built.Actions, func(a plan.Action) bool { return a.Kind != plan.RemoveCopy }):
		rep.Settled(r.after, r.waves, p.built, r.Clock.Now()) // copies reach nobody: what the waves need is as it should be
	default:
		rep.Add(status.Condition(v1alpha1.ConditionApplied, false, reason, text))
	}
	if p.out.Taken() {
		rep.Standing = status.Standing{State: status.InProgress, Reason: reason, Message: text}
		rep.Again = true
		return
	}
	r.notTaken(rep, &p.out)
}

// notTaken adds why an action was not taken.
func (r *policyRun) notTaken(rep *status.Report, out *execute.Outcome) {
	rep.Add(approvalCondition(*out)...)
	switch out.Result {
	case execute.Waiting:
		rep.Standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonApprovalRequired, Message: out.Err.Error()}
		rep.Requeue = approvalPoll
		return
	case execute.Declined:
		rep.Standing = status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonApprovalRefused, Message: out.Err.Error()}
		rep.Requeue = r.after.Spec.Interval.Duration
		return
	}
	failed := r.failure(out.Err, out.Action.String())
	rep.Standing, rep.Requeue = failed.Standing, failed.Requeue
	switch {
	case out.Result == execute.Rejected: // only a person changes that
		rep.Requeue = max(rep.Requeue, refusedLook)
	case out.Result == execute.Unknown && out.Action.Kind != plan.RemoveCopy:
		rep.Again = true // look at once what became of it
	}
}

// approvalCondition says that people have to approve a write, or have refused to.
func approvalCondition(out execute.Outcome) []metav1.Condition {
	switch out.Result {
	case execute.Waiting:
		return []metav1.Condition{status.Condition(v1alpha1.ConditionWaitingForApproval, true, v1alpha1.ReasonApprovalRequired, out.Err.Error())}
	case execute.Declined:
		return []metav1.Condition{status.Condition(v1alpha1.ConditionWaitingForApproval, false, v1alpha1.ReasonApprovalRefused, out.Err.Error())}
	}
	return nil
}

// rollbackFirst tells of a rollback that was not taken before anything else: it is what a person has to hear first.
func (r *policyRun) rollbackFirst(rep status.Report, out *execute.Outcome) status.Report {
	also, requeue := rep.Standing.Message, rep.Requeue
	r.notTaken(&rep, out)
	rep.Standing.Message += "; besides: " + also
	if requeue > 0 {
		rep.Requeue = min(rep.Requeue, requeue)
	}
	return rep
}

// partly adds to what was done for the other platforms that objects could not be read. What is refused for good is not
// applied; what is only away stands as it was.
func (r *policyRun) partly(rep *status.Report, gap *plan.Gap) {
	failed := r.failure(gap.Err, gap.Doing)
	rep.Standing, rep.Requeue = failed.Standing, failed.Requeue
	switch {
	case rep.Has(v1alpha1.ConditionApplied):
	case failed.Standing.State == status.Stuck:
		rep.Add(status.Condition(v1alpha1.ConditionApplied, false, failed.Standing.Reason, failed.Standing.Message))
	default:
		rep.Keep = append(rep.Keep, v1alpha1.ConditionApplied)
	}
}

// failure turns a refusal or an error of the tenant into a report; what stood in the tenant still stands.
func (r *policyRun) failure(err error, doing string) status.Report {
	rep := status.Report{Keep: stands, Requeue: retryDelay(err, r.Clock.Now())}
	var refused *observe.Refusal
	if errors.As(err, &refused) {
		rep.Standing = status.Standing{State: status.Stuck, Reason: refused.Reason, Message: refused.Message}
		return rep
	}
	rep.Standing = status.Standing{State: status.InProgress, Reason: reasonOf(err), Message: fmt.Sprintf("%s: %s", doing, readable(err))}
	if reason := rep.Standing.Reason; reason == v1alpha1.ReasonForbidden || reason == v1alpha1.ReasonInvalid {
		rep.Standing.State = status.Stuck
	}
	return rep
}
