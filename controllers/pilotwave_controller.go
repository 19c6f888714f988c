// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=pilotwaves,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=pilotwaves/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=pilotwaves/finalizers,verbs=update

// PilotWaveReconciler owns each wave's decision, its ledger, and the members of its managed group.
type PilotWaveReconciler struct {
	Kit
	// Store gives client and inventory of each tenant.
	Store *fleet.Store
}

// SetupWithManager registers the controller.
func (r *PilotWaveReconciler) SetupWithManager(mgr ctrl.Manager, o controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.PilotWave{}, forSpecChanges()).
		Watches(&v1alpha1.PilotWave{}, handler.EnqueueRequestsFromMapFunc(r.dependents), phaseChanges()).
		Watches(&v1alpha1.PasskeyPolicy{}, handler.EnqueueRequestsFromMapFunc(r.wavesOfPolicy), policyChanges()).
		Watches(&v1alpha1.Tenant{}, handler.EnqueueRequestsFromMapFunc(r.wavesOfTenant), readinessChanges()).
		WithOptions(o).
		Complete(finishing(r, r.Asked))
}

// dependents wakes the other waves of a policy when one changes its phase.
func (r *PilotWaveReconciler) dependents(ctx context.Context, o client.Object) []ctrl.Request {
	w, ok := o.(*v1alpha1.PilotWave)
	if !ok {
		return nil
	}
	out := r.waveRequests(ctx, w.Namespace, w.Spec.PolicyRef.Name)
	for i := range out {
		if out[i].Name == w.Name {
			return append(out[:i], out[i+1:]...)
		}
	}
	return out
}

func (r *PilotWaveReconciler) wavesOfPolicy(ctx context.Context, o client.Object) []ctrl.Request {
	return r.waveRequests(ctx, o.GetNamespace(), o.GetName())
}

func (r *PilotWaveReconciler) wavesOfTenant(ctx context.Context, o client.Object) []ctrl.Request {
	var out []ctrl.Request
	for _, p := range policiesBehind(ctx, r.Client, o) {
		out = append(out, r.waveRequests(ctx, p.Namespace, p.Name)...)
	}
	return out
}

func (r *PilotWaveReconciler) waveRequests(ctx context.Context, namespace, policy string) []ctrl.Request {
	waves, err := wavesOf(ctx, r.Client, namespace, policy)
	if err != nil {
		log.FromContext(ctx).Error(err, "cannot wake the waves of the policy", "policy", policy)
		return nil
	}
	out := make([]ctrl.Request, len(waves))
	for i := range waves {
		out[i] = ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&waves[i])}
	}
	return out
}

// Reconcile takes one PilotWave one step: observe, decide, execute the one effect, report.
func (r *PilotWaveReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	before := &v1alpha1.PilotWave{}
	if err := r.Client.Get(ctx, req.NamespacedName, before); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.Metrics.Set("wave", req.NamespacedName, nil)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if before.DeletionTimestamp.IsZero() {
		if err := r.setFinalizer(ctx, before, true); err != nil {
			return ctrl.Result{}, err
		}
	}
	run, err := r.observe(ctx, before)
	if err != nil {
		return ctrl.Result{}, err
	}
	in, err := run.input()
	if err != nil {
		return run.invalid(ctx, err)
	}
	decision := rollout.Decide(in)
	if before.Status.Phase != decision.Phase || decision.Effect != rollout.EffectNone {
		log.FromContext(ctx).Info("decision", "from", before.Status.Phase, "decision", decision.String())
	}
	if decision.Effect == rollout.EffectRelease {
		return run.release(ctx)
	}
	rollout.Advance(run.after, decision, run.payloadHash(), run.now)
	run.forgetDrained()
	step := run.execute(ctx, decision)
	return run.report(ctx, in, decision, step)
}

// step is what became of a decision's effect.
type step struct {
	// again: the effect worked, or its outcome has to be looked at; another reconcile should follow at once.
	again bool
	// problem says why the effect did not work; empty when it did.
	problem, reason string
	requeue         time.Duration
}

// report writes the status once, then events and metrics.
func (r *waveRun) report(ctx context.Context, in rollout.Input, d rollout.Decision, st step) (ctrl.Result, error) {
	s := &r.after.Status
	s.ObservedGeneration = r.after.Generation
	if st.problem != "" {
		s.Decision.Reason, s.Decision.Message = st.reason, st.problem
	}
	s.Columns = status.WaveColumns(s, r.nextText())
	standing := status.WaveStanding(s.Phase, s.HeldReason, s.Decision)
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.now, standing, waveConditions(in, s))
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	r.emit(r.after, "Decide", append(status.WaveEvents(&r.before.Status, s), repaired(d, st)...))
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.after), status.WaveSamples(s))
	moved := r.before.Status.Phase != s.Phase
	if moved {
		r.Metrics.Decided(string(s.Phase), s.Decision.Reason)
	}
	switch {
	case st.requeue > 0:
		return r.Kit.after(st.requeue), nil
	case st.again || moved || d.NewAttempt:
		return soon(), nil
	}
	return r.Kit.after(r.wait()), nil
}

// repaired is the event of a managed group that was put right (P6): nothing else in the status outlives the repair.
func repaired(d rollout.Decision, st step) []status.Event {
	if d.Effect != rollout.EffectRepairMembership || st.problem != "" {
		return nil
	}
	return []status.Event{{Warning: true, Reason: d.Reason, Message: d.Message}}
}

// invalid reports a spec that cannot be judged. The CRD's validation makes it unlikely.
func (r *waveRun) invalid(ctx context.Context, cause error) (ctrl.Result, error) {
	s := &r.after.Status
	s.ObservedGeneration = r.after.Generation
	s.Decision = v1alpha1.DecisionStatus{Reason: v1alpha1.ReasonInvalid, Message: cause.Error()}
	standing := status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonInvalid, Message: cause.Error()}
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.now, standing, nil)
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	r.emit(r.after, "Decide", status.ConditionEvents(r.before.Status.Conditions, s.Conditions, v1alpha1.ConditionStalled))
	return r.Kit.after(idle), nil
}

// payloadHash is what an attempt that starts now takes on.
func (r *waveRun) payloadHash() string {
	if r.policy == nil {
		return ""
	}
	return r.policy.Status.PayloadHash
}

// uniqueName is the alternate key of the wave's managed group; an upsert on it never makes a second group (P5).
func uniqueName(uid types.UID) string { return fmt.Sprintf("tidegate-%s", uid) }
