// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
)

// step is what became of a decision's effect, as the report needs it.
type step struct {
	// again: the effect worked, or its outcome has to be looked at; another reconcile should follow at once.
	again bool
	// problem says why the effect did not work; empty when it did.
	problem, reason string
	requeue         time.Duration
}

// execute carries out the one effect of a decision.
func (r *waveRun) execute(ctx context.Context, d rollout.Decision) step {
	if d.Effect == rollout.EffectNone || d.Effect == rollout.EffectPromote {
		if d.Phase != r.before.Status.Phase {
			return step{} // a move is told by its own reason; the next reconcile tells the problem if it is still there
		}
		return r.hidden("look at the tenant")
	}
	effects, connected := r.effects()
	if !connected {
		return step{reason: v1alpha1.ReasonTenantFailed, problem: "the Tenant of the policy is not connected; its conditions say why", requeue: retryAfterMistake}
	}
	switch w, s := &r.world, &r.after.Status; {
	case d.Effect == rollout.EffectResolveAudience && w.TenantProblem != nil:
		return r.hidden("resolve the audience")
	case d.Effect == rollout.EffectResolveAudience && w.Candidates != nil && w.Refusal() == nil:
		return r.took(effects.Freeze(ctx, s.Attempt, s.PayloadHash))
	case d.Effect == rollout.EffectExposeBatch:
		return r.took(effects.Expose(ctx))
	case d.Effect == rollout.EffectRepairMembership:
		return r.took(effects.Repair(ctx))
	case d.Effect == rollout.EffectDrain && w.Members == nil:
		return r.hidden("read the wave's group")
	case d.Effect == rollout.EffectDrain:
		return r.took(effects.Drain(ctx))
	}
	return step{} // the inventory is not loaded, or another wave of the policy resolves first
}

// effects is what writes to the wave's tenant, and false when it is not connected, or no longer.
func (r *waveRun) effects() (execute.Wave, bool) {
	e := execute.Wave{Ledgers: ledgers{&r.Kit}, World: r.world}
	if !r.world.Connected {
		return e, false
	}
	gc := r.Store.Client(observe.TenantOf(r.world.Policy))
	if gc == nil {
		r.world.Connected = false
		return e, false
	}
	e.Tenant = gc
	return e, true
}

// hidden reports what the tenant did not tell, where a decision cannot do without it.
func (r *waveRun) hidden(doing string) step {
	p := r.world.TenantProblem
	if p == nil {
		return step{}
	}
	return step{reason: p.Reason, problem: fmt.Sprintf("cannot %s: %s", doing, p.Message), requeue: p.RetryAfter}
}

// took writes down what an effect has stored. One that did not work is reported; the decision stands and comes back.
func (r *waveRun) took(s execute.WaveStep) step {
	s.Record(&r.after.Status, r.world.Now)
	switch {
	case s.Worked() && s.Settles > 0:
		return step{requeue: s.Settles}
	case s.Worked():
		return step{again: true}
	case s.Err == nil:
		return step{}
	}
	out := step{reason: reasonOf(s.Err), problem: readable(s.Err), again: s.Result == execute.Unknown, requeue: retryDelay(s.Err, r.world.Now)}
	if s.Doing != "" {
		out.problem = fmt.Sprintf("cannot %s: %s", s.Doing, out.problem)
	}
	return out
}

// release lets a deleted wave go once its group is gone, or is to be left behind.
func (r *waveRun) release(ctx context.Context) (ctrl.Result, error) {
	if !r.world.LeavesGroup() {
		effects, _ := r.effects()
		waits := r.world.Unreachable()
		if waits == "" {
			waits = effects.Release(ctx)
		}
		if waits != "" {
			return r.deletionWaits(ctx, waits)
		}
	}
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.before), nil)
	return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
}
