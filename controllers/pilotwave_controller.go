// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
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
	world, err := observe.WaveReader{Client: r.Client, Ledgers: ledgers{&r.Kit}, Store: r.Store}.Wave(ctx, before, r.Clock.Now())
	if err != nil {
		return ctrl.Result{}, err
	}
	run := &waveRun{PilotWaveReconciler: r, world: world, before: before, after: before.DeepCopy()}
	in, measured, err := world.Situation()
	measured.Record(&run.after.Status)
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
	rollout.Advance(run.after, decision, world.PayloadHash(), world.Now)
	rollout.ForgetDrained(&run.after.Status, before.Status.Phase, measured)
	step := run.effects().Do(ctx, decision, &run.after.Status)
	step.Record(&run.after.Status, world.Now)
	return run.report(ctx, in, measured, decision, step)
}

// waveRun is one reconcile of one wave: the world that was observed, and the wave as it is to become.
type waveRun struct {
	*PilotWaveReconciler
	world         rollout.World
	before, after *v1alpha1.PilotWave
}

// effects is what writes to the wave's tenant.
func (r *waveRun) effects() execute.Wave {
	e := execute.Wave{Ledgers: ledgers{&r.Kit}, World: r.world}
	e.World.Connected = false
	if r.world.Connected {
		if gc := r.Store.Client(observe.TenantOf(r.world.Policy)); gc != nil { // else it was closed since
			e.Tenant, e.World.Connected = gc, true
		}
	}
	return e
}

// release lets a deleted wave go once its group is gone, or is to be left behind.
func (r *waveRun) release(ctx context.Context) (ctrl.Result, error) {
	if waits := r.effects().Release(ctx); waits != "" {
		return r.deletionWaits(ctx, waits)
	}
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.before), nil)
	return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
}

// ledgers gives observe and execute the ledgers that the kit stores.
type ledgers struct{ *Kit }

// Load implements observe.Ledgers.
func (l ledgers) Load(ctx context.Context, w *v1alpha1.PilotWave) (*audience.Ledger, error) {
	return l.loadLedger(ctx, w)
}

// Save implements execute.LedgerWriter.
func (l ledgers) Save(ctx context.Context, w *v1alpha1.PilotWave, ledger audience.Ledger) error {
	return l.saveLedger(ctx, w, ledger)
}
