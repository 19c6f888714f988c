// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
)

// Attempt takes the actions of a plan in their order until one is applied, and says what became of that one, or of the
// first that was refused or has to wait. Such an action holds up those that come after it on the same platform, and on no
// other (P9). The removal of a copy holds up that of its own policy, which tells of it (P7), and nothing else. Of an empty
// plan nothing is tried, and the outcome names no action. An error says that the journal failed.
func (r *Runner) Attempt(ctx context.Context, actions []plan.Action) (Outcome, error) {
	stopped, copied := map[v1alpha1.Platform]bool{}, map[plan.Key]bool{}
	var first Outcome
	for i := range actions {
		a := &actions[i]
		if stopped[a.Platform] || a.Kind == plan.Delete && copied[a.Key] {
			continue
		}
		out, err := r.send(ctx, a)
		if err != nil {
			return Outcome{}, err
		}
		out.Action = a
		if !stops(out) {
			return out, nil
		}
		stopped[a.Platform] = stopped[a.Platform] || a.Kind != plan.RemoveCopy
		copied[a.Key] = copied[a.Key] || a.Kind == plan.RemoveCopy
		if first.Action == nil || first.Action.Kind == plan.RemoveCopy && a.Kind != plan.RemoveCopy {
			first = out
		}
	}
	return first, nil
}

// stops says that an action was not taken and that the rest of the plan may be tried all the same. Where the tenant is away,
// asks to wait, or nobody knows, the next step needs a fresh look, unless only the removal of a copy is in doubt.
func stops(out Outcome) bool {
	switch out.Result {
	case Waiting, Declined, Rejected:
		return true
	case Applied, AlreadyTrue, Retry, Unknown:
	}
	return !out.Taken() && out.Action.Kind == plan.RemoveCopy
}
