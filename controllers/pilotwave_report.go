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
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// report writes the status once, then events and metrics. invalid is why the gate cannot be judged by; nil when it can.
func (r *waveRun) report(ctx context.Context, in rollout.Input, m rollout.Measured, d rollout.Decision, st execute.WaveStep, invalid error) (ctrl.Result, error) {
	s := &r.after.Status
	moved := r.before.Status.Phase != s.Phase
	if invalid != nil && !moved && d.Effect == rollout.EffectNone {
		st.Reason, st.Problem = v1alpha1.ReasonInvalid, invalid.Error()
	}
	if st.Problem != "" {
		s.Decision.Reason, s.Decision.Message = st.Reason, st.Problem
	}
	s.Columns = status.WaveColumns(s, rollout.NextText(r.after, m.SoakUntil, r.world.Now))
	set := status.WaveConditions(in, r.after)
	standing := status.WaveDeparted(status.WaveStanding(s), in, set, r.before.Status.Conditions)
	if err := r.write(ctx, standing, set, status.EarlierUnread(in)...); err != nil {
		return ctrl.Result{}, err
	}
	r.tell(append(status.WaveEvents(&r.before.Status, s), effected(d, st)...))
	switch {
	case st.After > 0:
		return r.Kit.after(st.After), nil
	case st.Again || moved || d.NewAttempt || d.Regress:
		return soon(), nil
	}
	wait := rollout.Wait(r.after, r.interval(), m.SoakUntil, r.world.Now)
	if again := r.memo().Again(&r.world); again > 0 {
		wait = min(wait, again)
	}
	return r.Kit.after(wait), nil
}

// reportSafety is report for a decision before which nothing but the cluster was read. What was not looked at stays as it was.
func (r *waveRun) reportSafety(ctx context.Context, in rollout.Input, d rollout.Decision) (ctrl.Result, error) {
	s := &r.after.Status
	s.Columns = status.WaveColumns(s, rollout.NextText(r.after, time.Time{}, r.world.Now))
	standing := status.WaveDeparted(status.WaveStanding(s), in, nil, r.before.Status.Conditions)
	if err := r.write(ctx, standing, status.SafetyConditions(in), status.Unread()...); err != nil {
		return ctrl.Result{}, err
	}
	r.tell(status.WaveEvents(&r.before.Status, s))
	if r.before.Status.Phase != s.Phase || d.NewAttempt {
		return soon(), nil
	}
	return r.Kit.after(rollout.Wait(r.after, r.interval(), time.Time{}, r.world.Now)), nil
}

// tell sends events and metrics, after the status that they describe was written.
func (r *waveRun) tell(events []status.Event) {
	s := &r.after.Status
	r.emit(r.after, "Decide", events)
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.after), status.WaveSamples(s))
	if r.before.Status.Phase != s.Phase {
		r.Metrics.Decided(string(s.Phase), s.Decision.Reason)
	}
}

// interval is how often the policy looks at the tenant; 0 without one.
func (r *waveRun) interval() time.Duration {
	if r.world.Policy == nil {
		return 0
	}
	return r.world.Policy.Spec.Interval.Duration
}

// write patches the status with its conditions; keep are those that stay as they are.
func (r *waveRun) write(ctx context.Context, standing status.Standing, set []metav1.Condition, keep ...string) error {
	s := &r.after.Status
	s.ObservedGeneration = r.after.Generation
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.world.Now, standing, set, keep...)
	return r.patchStatus(ctx, r.stored, r.after)
}

// effected are the events of effects that nothing in the status outlives: a group that was put right (P6), devices that were
// excluded, and such that joined.
func effected(d rollout.Decision, st execute.WaveStep) []status.Event {
	if st.Problem != "" {
		return nil
	}
	switch d.Effect {
	case rollout.EffectRepairMembership, rollout.EffectExclude, rollout.EffectGiveUp:
		return []status.Event{{Warning: true, Reason: d.Reason, Message: d.Message}}
	case rollout.EffectJoin:
		return []status.Event{{Reason: d.Reason, Message: d.Message}}
	}
	return nil
}

// deletionWaits reports what a deleted wave waits for.
func (r *waveRun) deletionWaits(ctx context.Context, message string) (ctrl.Result, error) {
	if remains := status.RemainsOfWave(r.before); remains != "" {
		message += "; in the tenant: " + remains
	}
	s := &r.after.Status
	s.Decision = v1alpha1.DecisionStatus{Reason: v1alpha1.ReasonDeleting, Message: message}
	if err := r.write(ctx, status.Standing{State: status.InProgress, Reason: s.Decision.Reason, Message: message}, nil); err != nil {
		return ctrl.Result{}, err
	}
	return r.Kit.after(report.MistakeLook), nil
}
