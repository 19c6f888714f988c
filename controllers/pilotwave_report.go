// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// report writes the status once, then events and metrics.
func (r *waveRun) report(ctx context.Context, in rollout.Input, m rollout.Measured, d rollout.Decision, st execute.WaveStep) (ctrl.Result, error) {
	s := &r.after.Status
	if st.Problem != "" {
		s.Decision.Reason, s.Decision.Message = st.Reason, st.Problem
	}
	s.Columns = status.WaveColumns(s, rollout.NextText(r.after, m.SoakUntil, r.world.Now))
	if err := r.write(ctx, status.WaveStanding(s.Phase, s.HeldReason, s.Decision), status.WaveConditions(in, s)); err != nil {
		return ctrl.Result{}, err
	}
	r.emit(r.after, "Decide", append(status.WaveEvents(&r.before.Status, s), repaired(d, st)...))
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.after), status.WaveSamples(s))
	moved := r.before.Status.Phase != s.Phase
	if moved {
		r.Metrics.Decided(string(s.Phase), s.Decision.Reason)
	}
	switch {
	case st.After > 0:
		return r.Kit.after(st.After), nil
	case st.Again || moved || d.NewAttempt:
		return soon(), nil
	}
	return r.Kit.after(rollout.Wait(r.after, r.interval(), m.SoakUntil, r.world.Now)), nil
}

// interval is how often the policy looks at the tenant; 0 without one.
func (r *waveRun) interval() time.Duration {
	if r.world.Policy == nil {
		return 0
	}
	return r.world.Policy.Spec.Interval.Duration
}

// write patches the status with its conditions.
func (r *waveRun) write(ctx context.Context, standing status.Standing, set []metav1.Condition) error {
	s := &r.after.Status
	s.ObservedGeneration = r.after.Generation
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.world.Now, standing, set)
	return r.patchStatus(ctx, r.before, r.after)
}

// repaired is the event of a managed group that was put right (P6): nothing else in the status outlives the repair.
func repaired(d rollout.Decision, st execute.WaveStep) []status.Event {
	if d.Effect != rollout.EffectRepairMembership || st.Problem != "" {
		return nil
	}
	return []status.Event{{Warning: true, Reason: d.Reason, Message: d.Message}}
}

// invalid reports a spec that cannot be judged. The CRD's validation makes it unlikely.
func (r *waveRun) invalid(ctx context.Context, cause error) (ctrl.Result, error) {
	s := &r.after.Status
	s.Decision = v1alpha1.DecisionStatus{Reason: v1alpha1.ReasonInvalid, Message: cause.Error()}
	if err := r.write(ctx, status.Standing{State: status.Stuck, Reason: s.Decision.Reason, Message: s.Decision.Message}, nil); err != nil {
		return ctrl.Result{}, err
	}
	r.emit(r.after, "Decide", status.ConditionEvents(r.before.Status.Conditions, s.Conditions, v1alpha1.ConditionStalled))
	return r.Kit.after(rollout.Idle), nil
}

// deletionWaits reports what a deleted wave waits for.
func (r *waveRun) deletionWaits(ctx context.Context, message string) (ctrl.Result, error) {
	s := &r.after.Status
	s.Decision = v1alpha1.DecisionStatus{Reason: v1alpha1.ReasonDeleting, Message: message}
	if err := r.write(ctx, status.Standing{State: status.InProgress, Reason: s.Decision.Reason, Message: message}, nil); err != nil {
		return ctrl.Result{}, err
	}
	return r.Kit.after(retryAfterMistake), nil
}
