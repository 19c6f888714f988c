// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// act takes one step of a plan and adds what came of it to res.
func (r *policyRun) act(ctx context.Context, res policyReport, built plan.Result, others []observe.OtherOperator) (policyReport, error) {
	out, err := r.attempt(ctx, built.Actions)
	if err != nil {
		return policyReport{}, err
	}
	res.acted = true
	text, reason := out.Action.String(), applyingReason(built.Actions)
	switch {
	case len(others) > 0: // waves must not take what is left to do for progress
		res.conditions = append(res.conditions, notAloneCondition(others))
	case !out.Taken() && !slices.ContainsFunc(built.Actions, func(a plan.Action) bool { return a.Kind != plan.RemoveCopy }):
		r.settled(&res, built) // copies reach nobody: what the waves need is as it should be
	default:
		res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionApplied, false, reason, text))
	}
	if out.Taken() {
		res.standing = status.Standing{State: status.InProgress, Reason: reason, Message: text}
		res.again = true
		return res, nil
	}
	return r.notTaken(res, &out), nil
}

// notTaken adds to a result why an action was not taken.
func (r *policyRun) notTaken(res policyReport, out *execute.Outcome) policyReport {
	res.conditions = append(res.conditions, approvalCondition(*out)...)
	switch out.Result {
	case execute.Waiting:
		res.standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonApprovalRequired, Message: out.Err.Error()}
		res.requeue = approvalPoll
		return res
	case execute.Declined:
		res.standing = status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonApprovalRefused, Message: out.Err.Error()}
		res.requeue = r.after.Spec.Interval.Duration
		return res
	}
	failed := r.failure(out.Err, out.Action.String())
	res.standing, res.requeue = failed.standing, failed.requeue
	switch {
	case out.Result == execute.Rejected: // only a person changes that
		res.requeue = max(res.requeue, refusedLook)
	case out.Result == execute.Unknown && out.Action.Kind != plan.RemoveCopy:
		res.again = true // look at once what became of it
	}
	return res
}

// approvalPoll is how often a request for approval is looked at; annotation retry-requested-at has it looked at now.
const approvalPoll = 2 * time.Minute

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

// withdraw takes groups that are not admitted any more back from allow to hold, before anything else is looked at: a
// rollback does not wait for a setting, a group or a policy that cannot be read (P9). It is taken when it wrote something,
// or when nobody knows; what the tenant refused or people have to approve is told with all the rest.
func (r *policyRun) withdraw(ctx context.Context) (policyReport, bool, error) {
	admitted, _ := r.waveGroups()
	w := plan.Withdrawal{
		Admitted: admitted, Excluded: r.after.Status.PopulationExcludes, Gate: r.after.Spec.Mode == v1alpha1.ModeGate, Drift: r.after.Spec.Drift,
	}
	records := w.Records(r.after.Status.Objects)
	if len(records) == 0 {
		return policyReport{}, false, nil
	}
	r.dismiss(admitted)
	objects := withAllow(observe.Recorded(ctx, r.src, records, r.owner(), r.Clock.Now()))
	r.taking = w.Build(observed(objects))
	if len(r.taking) == 0 {
		return policyReport{}, false, nil
	}
	out, err := r.attempt(ctx, r.taking)
	res := policyReport{keep: stands}
	switch {
	case err != nil:
		return res, false, err
	case out.Taken():
		res.standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonAssigning, Message: out.Action.String()}
		res.again = true
		return res, true, nil
	case out.Result == execute.Retry, out.Result == execute.Unknown:
		return r.notTaken(res, &out), true, nil
	}
	r.held = &out
	return res, false, nil
}

// withAllow are the objects that could be read, and no hold without its allow: what hold takes back has to be seen to have
// left allow (P1).
func withAllow(objects []observe.Object) []observe.Object {
	blind := map[v1alpha1.Platform]bool{}
	for i := range objects {
		if objects[i].Role == v1alpha1.RoleAllow && objects[i].Err != nil {
			blind[objects[i].Platform] = true
		}
	}
	return slices.DeleteFunc(objects, func(o observe.Object) bool { return o.Err != nil || blind[o.Platform] })
}

// withHeld adds to a result that a rollback was not taken, unless the result tells so itself: it is what a person has to
// hear first.
func (r *policyRun) withHeld(res policyReport) policyReport {
	if r.held == nil || res.acted {
		return res
	}
	also, requeue := res.standing.Message, res.requeue
	res = r.notTaken(res, r.held)
	res.standing.Message += "; besides: " + also
	if requeue > 0 {
		res.requeue = min(res.requeue, requeue)
	}
	return res
}

// wholePlatforms are the wanted and the observed objects of those platforms whose objects could all be read. Allow and
// hold of a platform are planned together or not at all (P1).
func wholePlatforms(objects []observe.Object, want []plan.Desired) ([]plan.Desired, []observe.Object) {
	blind := map[v1alpha1.Platform]bool{}
	for i := range objects {
		blind[objects[i].Platform] = blind[objects[i].Platform] || objects[i].Err != nil
	}
	return slices.DeleteFunc(slices.Clone(want), func(d plan.Desired) bool { return blind[d.Platform] }),
		slices.DeleteFunc(slices.Clone(objects), func(o observe.Object) bool { return blind[o.Platform] })
}

func observed(objects []observe.Object) []plan.Observed {
	out := make([]plan.Observed, len(objects))
	for i := range objects {
		out[i] = objects[i].Observed
	}
	return out
}

// lateLook is how soon a tenant that is late is looked at again.
const lateLook = 10 * time.Second

// refusedLook is how soon a write that the tenant refused is sent again.
const refusedLook = 2 * time.Minute

// notAlone stops a policy that shares its tenant with the operator of another cluster: each would hold back, assign and
// judge devices without knowing of the other (P6). What is there stays; removals that are asked for still happen.
func notAlone(res policyReport, others []observe.OtherOperator) policyReport {
	c := notAloneCondition(others)
	res.conditions = append(res.conditions, c)
	res.standing = status.Standing{State: status.Stuck, Reason: c.Reason, Message: c.Message}
	res.requeue = stoppedLook
	return res
}

// stoppedLook is how soon a policy that another operator stops looks whether it is gone.
const stoppedLook = 5 * time.Minute

func notAloneCondition(others []observe.OtherOperator) metav1.Condition {
	parts := make([]string, len(others))
	for i, o := range others {
		parts[i] = fmt.Sprintf("%s (%d policies, for example %q)", o.Cluster, len(o.Policies), o.Policies[0])
	}
	return status.Condition(v1alpha1.ConditionApplied, false, v1alpha1.ReasonOtherOperator, fmt.Sprintf(
		"the tenant holds policies of the Tidegate of another cluster, by the uid of its namespace kube-system: %s. Only one may work on a tenant: "+
			"delete the PasskeyPolicies of the other cluster, or, where that cluster is gone, delete its policies in the tenant or take the marker out of their descriptions",
		strings.Join(parts, ", ")))
}
