// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/observe"
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

	once  sync.Once
	known *observe.Memo
}

// memo is what this process remembers of the groups of waves.
func (r *PilotWaveReconciler) memo() *observe.Memo {
	r.once.Do(func() { r.known = observe.NewMemo() })
	return r.known
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

// Reconcile takes one PilotWave one step: safety on the state of the cluster alone, then observe, decide, execute the one
// effect, report.
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
	reader := observe.WaveReader{Client: r.Client, Ledgers: r.ledgers(), Store: r.Store, Memo: r.memo()}
	world, err := reader.Cluster(ctx, before, r.Clock.Now())
	if err != nil {
		return ctrl.Result{}, err
	}
	run := &waveRun{PilotWaveReconciler: r, reader: reader, world: world, before: before, stored: before}
	if err := run.claim(ctx); err != nil {
		return ctrl.Result{}, err
	}
	in := run.world.Safety()
	if decision, decided := rollout.DecideSafety(in); decided {
		return run.safety(ctx, in, decision)
	}
	if err := reader.Observe(ctx, &run.world); err != nil {
		return ctrl.Result{}, err
	}
	return run.step(ctx)
}

// waveRun is one reconcile of one wave: the world that was observed, and the wave as it was, as it is stored by now, and as it is
// to become.
type waveRun struct {
	*PilotWaveReconciler
	reader                observe.WaveReader
	world                 rollout.World
	before, stored, after *v1alpha1.PilotWave
}

// claim takes up attempts that the status has forgotten, before anything is decided.
func (r *waveRun) claim(ctx context.Context) error {
	claimed := r.world.Claim()
	if claimed == nil {
		return nil
	}
	if err := r.patchStatus(ctx, r.stored, claimed); err != nil {
		return err
	}
	r.stored, r.world.Wave = claimed, claimed
	return nil
}

// safety carries out what was decided before ledger, tenant and fleet were read (P9).
func (r *waveRun) safety(ctx context.Context, in rollout.Input, d rollout.Decision) (ctrl.Result, error) {
	r.log(ctx, d)
	r.after = r.stored.DeepCopy()
	if d.Effect == rollout.EffectRelease {
		return r.release(ctx)
	}
	rollout.Advance(r.after, d, r.world.Target(), r.world.Now)
	return r.reportSafety(ctx, in, d)
}

// step decides on everything that is known, and carries it out. What the ledger is to be told comes first: nothing is decided by
// what would be lost with this process.
func (r *waveRun) step(ctx context.Context) (ctrl.Result, error) {
	if learned := r.world.Learned(); learned != nil {
		if err := (waveLedgers{r}).Save(ctx, learned); err != nil {
			return ctrl.Result{}, err
		}
	}
	in, measured, invalid := r.world.Situation()
	r.after = r.stored.DeepCopy()
	measured.Record(&r.after.Status)
	decision := rollout.Decide(in)
	r.log(ctx, decision)
	rollout.Advance(r.after, decision, r.world.Target(), r.world.Now)
	step := r.effects().Do(ctx, decision, &r.after.Status)
	step.Record(&r.after.Status, r.world.Now)
	return r.report(ctx, in, measured, decision, step, invalid)
}

func (r *waveRun) log(ctx context.Context, d rollout.Decision) {
	if r.before.Status.Phase != d.Phase || d.Effect != rollout.EffectNone {
		log.FromContext(ctx).Info("decision", "from", r.before.Status.Phase, "decision", d.String())
	}
}

// effects is what writes to the wave's tenant.
func (r *waveRun) effects() execute.Wave {
	e := execute.Wave{Ledgers: waveLedgers{r}, Claims: waveClaims{r}, World: r.world}
	e.World.Connected = false
	if r.world.Connected {
		if gc := r.Store.Client(observe.TenantOf(r.world.Policy)); gc != nil { // else it was closed since
			e.Tenant, e.World.Connected = gc, true
		}
	}
	return e
}

// release lets a deleted wave go once its groups are gone, or are to be left behind. With the annotation that asks for it, or
// under deletionPolicy Orphan, nothing is read for that.
func (r *waveRun) release(ctx context.Context) (ctrl.Result, error) {
	if !r.world.Released() {
		if err := r.reader.Departing(ctx, &r.world); err != nil {
			return ctrl.Result{}, err
		}
	}
	if waits := r.effects().Release(ctx); waits != "" {
		return r.deletionWaits(ctx, waits)
	}
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.before), nil)
	r.memo().Forget(r.before.UID)
	remains := status.RemainsOfWave(r.before)
	if err := r.setFinalizer(ctx, r.before, false); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if remains != "" && r.before.Annotations[v1alpha1.AnnotationReleaseFinalizer] == "true" {
		r.leaveBehind(ctx, r.before, remains)
	}
	return ctrl.Result{}, nil
}
