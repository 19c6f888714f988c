// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// attempted is what came of trying a plan: one applied action, or the first one that was refused or has to wait.
type attempted struct {
	applied bool
	action  *plan.Action
	out     execute.Outcome
	wait    *approvalWait
}

// attempt takes the actions of a plan, which is not empty, in their order until one is applied. One that the tenant refuses
// or that people have to approve holds up those that come after it on the same platform, and on no other (P9). The removal
// of a copy holds up nothing.
func (r *policyRun) attempt(ctx context.Context, actions []plan.Action, want []plan.Desired, objects []observe.Object) (attempted, error) {
	stopped := map[v1alpha1.Platform]bool{}
	var first *attempted
	for i := range actions {
		a := &actions[i]
		if stopped[a.Platform] {
			continue
		}
		out, wait, err := r.send(ctx, a, want, objects)
		if err != nil {
			return attempted{}, err
		}
		tried := attempted{action: a, out: out, wait: wait}
		switch {
		case wait != nil, out.Result == execute.Rejected:
		case out.Result == execute.Applied, out.Result == execute.AlreadyTrue:
			tried.applied = true
			return tried, nil
		default: // the tenant is away, asks to wait, or nobody knows: the next step needs a fresh look
			return tried, nil
		}
		stopped[a.Platform] = a.Kind != plan.RemoveCopy
		if first == nil || first.action.Kind == plan.RemoveCopy && a.Kind != plan.RemoveCopy {
			first = &tried
		}
	}
	return *first, nil
}

// withdraw takes groups that are not admitted any more out of the allow policies, before anything else is looked at: a
// rollback does not wait for a setting, a group or a policy that cannot be read (P9). It is taken when it wrote something;
// what it could not do is planned and reported with all the rest.
func (r *policyRun) withdraw(ctx context.Context) (policyResult, bool, error) {
	admitted, _ := r.waveGroups()
	records := plan.Withdrawn(r.after.Status.Objects, admitted)
	if len(records) == 0 {
		return policyResult{}, false, nil
	}
	objects := slices.DeleteFunc(observe.Recorded(ctx, r.src, records, r.owner(), r.Clock.Now()), func(o observe.Object) bool { return o.Err != nil })
	actions := plan.BuildWithdraw(observed(objects), admitted, r.after.Spec.Drift)
	if len(actions) == 0 {
		return policyResult{}, false, nil
	}
	done, err := r.attempt(ctx, actions, nil, objects)
	if err != nil || !done.applied {
		return policyResult{}, false, err
	}
	text := done.action.String()
	return policyResult{
		standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonAssigning, Message: text},
		keep:     stands, again: true,
	}, true, nil
}
