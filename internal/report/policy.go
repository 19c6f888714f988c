// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
)

const (
	// ApprovalPoll is how often a request for approval is looked at; annotation retry-requested-at has it looked at now.
	ApprovalPoll = 2 * time.Minute
	// RefusedLook is how soon a write that the tenant refused is sent again.
	RefusedLook = 2 * time.Minute
)

// judged are the conditions that a look at the tenant sets; stands are those that stay as they were without one.
var (
	judged = []string{v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionPayloadOutdated, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted}
	stands = slices.Concat(judged, []string{v1alpha1.ConditionWaitingForApproval})
)

// Pass is one way down through the rooms: what was seen, what was planned, and what became of it.
type Pass struct {
	View  plan.View
	Built plan.Result
	Out   execute.Outcome
}

// Payload is what is known of what the spec asks for, and what was decided on it.
type Payload struct {
	// Found is what the settings catalog has; nil when it could not be read.
	Found   *settings.Resolution
	Decided revision.Result
	// Err is why the catalog could not be read though something rests on it.
	Err error
	// Unfound is why it could not be looked for what the status has forgotten; nothing is decided then.
	Unfound *plan.Gap
}

// Policy reports on one reconcile of one PasskeyPolicy.
type Policy struct {
	// Policy is the policy as it is to become, and Waves are its waves.
	Policy *v1alpha1.PasskeyPolicy
	Waves  []v1alpha1.PilotWave
	Now    time.Time
}

// Ends says that a rollback is all of a reconcile: it wrote something, or nobody knows. What the tenant refused or people
// have to approve is told with all the rest.
func (p *Pass) Ends() bool {
	return p.Out.Taken() || p.Out.Result == execute.Retry || p.Out.Result == execute.Unknown
}

// RolledBack reports on a rollback that ends the reconcile.
func (r Policy) RolledBack(p Pass) status.Report {
	rep := status.Report{Keep: stands}
	switch {
	case p.Out.Taken():
		rep.Standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonAssigning, Message: p.Out.Action.String()}
		rep.Again = true
	case p.Out.Action != nil:
		r.notTaken(&rep, &p.Out)
	}
	return rep
}

// Alone reports on a policy of which nothing but what a rollback takes back is written: it is suspended, or its tenant has not
// granted all permissions, of which lacks tells. What a rollback needs may be among those that are granted.
func (r Policy) Alone(rollback *Pass, lacks *status.Report) status.Report {
	rep := status.PolicySuspended(r.Policy, r.Now)
	if !r.Policy.Spec.Suspend {
		rep.Standing = lacks.Standing
	}
	switch gap := rollback.Built.Unknown; {
	case rollback.Out.Action != nil:
		r.notTaken(&rep, &rollback.Out)
	case gap != nil: // there may be something to take back
		failed := r.Failure(gap.Err, gap.Doing)
		rep.Standing.Message += "; " + failed.Standing.Message
		rep.Sooner(failed.Requeue)
	}
	rep.NotTakenBack(r.Policy, r.Waves, r.Now)
	return rep
}

// Undecided reports on a policy of which nothing can be decided: what the tenant has of it could not be looked for, or its
// revisions are lost.
func (r Policy) Undecided(pay *Payload) (rep status.Report, waits bool) {
	switch {
	case pay.Unfound != nil:
		return r.Failure(pay.Unfound.Err, pay.Unfound.Doing), true
	case len(pay.Decided.Lost) > 0:
		return status.Lost(pay.Decided.Waiting), true
	}
	return rep, false
}

// Whole reports on the whole plan.
func (r Policy) Whole(p Pass, pay *Payload) status.Report {
	rep := r.whole(&p, pay)
	if !rep.Again {
		rep.Waits(pay.Decided.Waiting)
		rep.Forgotten(r.Policy, r.Waves)
	}
	return rep
}

func (r Policy) whole(p *Pass, pay *Payload) status.Report {
	gap := p.Built.Unknown
	if gap != nil && gap.All {
		rep := r.Failure(gap.Err, gap.Doing)
		if p.View.Population.Err != nil {
			rep.Unpopulated()
		}
		return rep
	}
	rep := status.PolicySeen(r.Policy, p.Built, pay.Found, &pay.Decided)
	beside, notAlone := status.NotAlone(&p.View)
	switch {
	case revision.Target(p.View.Revisions) == nil:
		rep.Keep = stands
		return rep
	case p.Out.Action != nil:
		r.acted(&rep, p)
		if rep.Again {
			return rep
		}
	case notAlone:
		rep.NotAlone(beside)
		return rep
	case gap == nil:
		rep.Settled(r.Policy, r.Waves, p.Built, r.Now)
	}
	if gap != nil {
		r.partly(&rep, gap)
	}
	return rep
}

// acted adds what came of the plan's step.
func (r Policy) acted(rep *status.Report, p *Pass) {
	text, reason := p.Out.Action.String(), status.ApplyingReason(p.Built.Actions)
	beside, notAlone := status.NotAlone(&p.View)
	switch {
	case notAlone: // waves must not take what is left to do for progress
		rep.Add(beside)
	case !p.Out.Taken() && !slices.ContainsFunc(p.Built.Actions, func(a plan.Action) bool { return a.Kind != plan.RemoveCopy }):
		rep.Settled(r.Policy, r.Waves, p.Built, r.Now) // copies reach nobody: what the waves need is as it should be
	default:
		rep.Add(status.Condition(v1alpha1.ConditionApplied, false, reason, text))
	}
	if p.Out.Taken() {
		rep.Standing = status.Standing{State: status.InProgress, Reason: reason, Message: text}
		rep.Again = true
		return
	}
	r.notTaken(rep, &p.Out)
}

// notTaken adds why an action was not taken.
func (r Policy) notTaken(rep *status.Report, out *execute.Outcome) {
	rep.Add(approvalCondition(*out)...)
	switch out.Result {
	case execute.Waiting:
		rep.Standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonApprovalRequired, Message: out.Err.Error()}
		rep.Requeue = ApprovalPoll
		return
	case execute.Declined:
		rep.Standing = status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonApprovalRefused, Message: out.Err.Error()}
		rep.Requeue = r.Policy.Spec.Interval.Duration
		return
	}
	failed := r.Failure(out.Err, out.Action.String())
	rep.Standing, rep.Requeue = failed.Standing, failed.Requeue
	switch {
	case out.Result == execute.Rejected: // only a person changes that
		rep.Requeue = max(rep.Requeue, RefusedLook)
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

// Together is the report on the whole plan and on a rollback before it that was not taken. Where the whole has tried something,
// the rollback is among it.
func (r Policy) Together(rep status.Report, whole, rollback *Pass) status.Report {
	if whole.Out.Action != nil {
		return rep
	}
	return r.RollbackFirst(rep, rollback)
}

// RollbackFirst tells of a rollback that was not taken before anything else: it is what a person has to hear first.
func (r Policy) RollbackFirst(rep status.Report, rollback *Pass) status.Report {
	out := &rollback.Out
	if out.Action == nil {
		return rep
	}
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
func (r Policy) partly(rep *status.Report, gap *plan.Gap) {
	failed := r.Failure(gap.Err, gap.Doing)
	rep.Standing, rep.Requeue = failed.Standing, failed.Requeue
	switch {
	case rep.Has(v1alpha1.ConditionApplied):
	case failed.Standing.State == status.Stuck:
		rep.Add(status.Condition(v1alpha1.ConditionApplied, false, failed.Standing.Reason, failed.Standing.Message))
	default:
		rep.Keep = append(rep.Keep, v1alpha1.ConditionApplied)
	}
}

// Failure turns a refusal or an error of the tenant into a report; what stood in the tenant still stands.
func (r Policy) Failure(err error, doing string) status.Report {
	rep := status.Report{Keep: stands, Requeue: graph.RetryDelay(err, r.Now)}
	var refused *observe.Refusal
	if errors.As(err, &refused) {
		rep.Standing = status.Standing{State: status.Stuck, Reason: refused.Reason, Message: refused.Message}
		return rep
	}
	rep.Standing = status.Standing{State: status.InProgress, Reason: graph.Reason(err), Message: fmt.Sprintf("%s: %s", doing, graph.Readable(err))}
	if reason := rep.Standing.Reason; reason == v1alpha1.ReasonForbidden || reason == v1alpha1.ReasonInvalid {
		rep.Standing.State = status.Stuck
	}
	return rep
}
