// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/revise"
	"github.com/tidegate/tidegate/internal/status"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=passkeypolicies,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=passkeypolicies/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=passkeypolicies/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=namespaces,resourceNames=kube-system,verbs=get

// PasskeyPolicyReconciler owns the settings catalog policies of each PasskeyPolicy and their assignments. Make one with
// NewPasskeyPolicyReconciler.
type PasskeyPolicyReconciler struct {
	Kit
	// Store gives client and inventory of each tenant.
	Store *fleet.Store
	// Namespaces reads kube-system, whose uid names the cluster in markers.
	Namespaces client.Reader

	catalogs *observe.Catalogs
	accounts observe.Accounts
	cluster  observe.ClusterID
}

// NewPasskeyPolicyReconciler returns a reconciler that has read nothing yet. store gives client and inventory of each tenant,
// namespaces reads kube-system.
func NewPasskeyPolicyReconciler(kit Kit, store *fleet.Store, namespaces client.Reader) *PasskeyPolicyReconciler {
	return &PasskeyPolicyReconciler{Kit: kit, Store: store, Namespaces: namespaces, catalogs: observe.NewCatalogs()}
}

// SetupWithManager registers the controller.
func (r *PasskeyPolicyReconciler) SetupWithManager(mgr ctrl.Manager, o controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.PasskeyPolicy{}, forSpecChanges()).
		Watches(&v1alpha1.PilotWave{}, handler.EnqueueRequestsFromMapFunc(policyOfWave), admissionChanges()).
		Watches(&v1alpha1.Tenant{}, handler.EnqueueRequestsFromMapFunc(r.policiesOfTenant), readinessChanges()).
		WithOptions(o).
		Complete(finishing(r, r.Asked))
}

// policyRun is one reconcile of one policy.
type policyRun struct {
	*PasskeyPolicyReconciler
	before, after *v1alpha1.PasskeyPolicy
	waves         []v1alpha1.PilotWave
	neighbours    observe.Neighbours
	revs          *revise.Run
	// left says in a sentence who of the population is not on a revision; empty when nobody, or not known.
	left   string
	tenant types.NamespacedName
	src    policyTenant
}

// policyTenant is what a policy reads from and writes to its tenant.
type policyTenant interface {
	observe.PolicySource
	observe.ApprovalSource
	execute.PolicyTenant
}

// Reconcile takes one PasskeyPolicy one step towards its spec.
func (r *PasskeyPolicyReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	before := &v1alpha1.PasskeyPolicy{}
	if err := r.Client.Get(ctx, req.NamespacedName, before); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	waves, err := wavesOf(ctx, r.Client, before.Namespace, before.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if before.DeletionTimestamp.IsZero() {
		if err := r.setFinalizer(ctx, before, true); err != nil {
			return ctrl.Result{}, err
		}
	}
	run := &policyRun{
		PasskeyPolicyReconciler: r, before: before, after: before.DeepCopy(), waves: waves, left: r.accounts.Summary(before.UID),
		tenant: types.NamespacedName{Namespace: before.Namespace, Name: before.Spec.TenantRef.Name},
	}
	if gc := r.Store.Client(run.tenant); gc != nil {
		run.src = gc
	}
	if !before.DeletionTimestamp.IsZero() {
		return run.delete(ctx)
	}
	res, err := run.step(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	return run.report(ctx, res)
}

// step takes one step: first what a rollback takes back, by the records alone, and then the whole (P9). Of a policy that is
// suspended, or whose tenant lacks a permission, only the former.
func (r *policyRun) step(ctx context.Context) (status.Report, error) {
	t, err := observe.Tenant(ctx, r.Client, r.tenant)
	if err != nil {
		return status.Report{}, err
	}
	rep, lacks, usable := r.words().TenantUsable(t, r.src != nil)
	if !usable {
		return rep, nil
	}
	if err := r.cluster.Learn(ctx, r.Namespaces); err != nil {
		return status.Report{}, err
	}
	// A revert is a rollback, and needs no catalog.
	decided, err := r.revisions().Revise(ctx, nil, nil)
	if err != nil {
		return status.Report{}, err
	}
	back := r.view(plan.StageRollback)
	back.Lost(decided.Lost)
	rollback, err := r.pass(ctx, back, nil)
	if err != nil || rollback.Ends() {
		return r.words().RolledBack(rollback), err
	}
	if r.after.Spec.Suspend || lacks != nil {
		return r.words().Alone(&rollback, lacks), nil
	}
	return r.rest(ctx, &rollback)
}

// rest does what the spec asks for, after what a rollback takes back.
func (r *policyRun) rest(ctx context.Context, rollback *report.Pass) (status.Report, error) {
	pay, err := r.revisions().Resolve(ctx)
	if err != nil {
		return status.Report{}, err
	}
	if r.neighbours, err = observe.NeighboursOf(ctx, r.Client, r.after); err != nil {
		return status.Report{}, err
	}
	if rep, waits := r.words().Undecided(&pay); waits {
		return r.words().RollbackFirst(rep, rollback), nil
	}
	all := r.view(plan.StageWhole)
	all.CatalogErr = pay.Err
	whole, err := r.pass(ctx, all, rollback.Built.Actions)
	if err != nil {
		return status.Report{}, err
	}
	rep := r.words().Whole(whole, &pay)
	if whole.Built.Unknown == nil && !rep.Again {
		r.population(ctx, &rep)
	}
	return r.words().Together(rep, &whole, rollback), nil
}

// population accounts for everybody whom the policy is about. What cannot be read is looked for again.
func (r *policyRun) population(ctx context.Context, rep *status.Report) {
	now := r.Clock.Now()
	left, err := r.accounts.Population(ctx, r.src, r.Store.Inventory(r.tenant), r.after, r.before.Status.ObservedGeneration, now)
	if err != nil {
		log.FromContext(ctx).Error(err, "cannot account for the population")
		rep.Sooner(retryDelay(err, now))
	}
	r.left = left
}

// revisions settles which revisions the policy has.
func (r *policyRun) revisions() *revise.Run {
	if r.revs == nil {
		r.revs = &revise.Run{
			Policy: r.after, Waves: r.waves, Source: r.src, Owner: r.owner(), Tenant: r.tenant, Catalogs: r.catalogs, Accounts: &r.accounts, Ledgers: r.ledgers(),
			Journal: r, Now: r.Clock.Now,
			Tell: func(events []status.Event) {
				r.emit(r.after, "Decide", events)
				r.Metrics.Revised(events)
			},
			TellFound: func(events []status.Event) { r.emit(r.after, "Observe", events) },
		}
	}
	return r.revs
}

// words tells what came of it.
func (r *policyRun) words() report.Policy {
	return report.Policy{Policy: r.after, Waves: r.waves, Now: r.Clock.Now()}
}

// view begins a look with what the cluster knows by now.
func (r *policyRun) view(stage plan.Stage) plan.View {
	return plan.NewView(stage, r.after.DeepCopy(), r.waves, r.Clock.Now())
}

// pass observes, plans, records and takes the next step of one stage. rollback are the actions of the stage before.
func (r *policyRun) pass(ctx context.Context, v plan.View, rollback []plan.Action) (report.Pass, error) {
	v, err := r.revisions().Observe(ctx, r.neighbours, v)
	if err != nil {
		return report.Pass{}, err
	}
	built := plan.Build(v)
	r.after.Status = v.Record(built, rollback)
	if len(built.Actions) > 0 && !equality.Semantic.DeepEqual(r.before.Status.Waves, r.after.Status.Waves) {
		// What was seen missing is not to be taken for seen once it is repaired: devices may not know of the repair yet.
		if err := r.Write(ctx, &r.after.Status); err != nil {
			return report.Pass{}, err
		}
	}
	out, err := r.runner().Attempt(ctx, built.Actions)
	return report.Pass{View: v, Built: built, Out: out}, err
}

func (r *policyRun) owner() observe.Owner {
	return observe.Owner{Cluster: string(r.cluster), UID: string(r.before.UID)}
}

func (r *policyRun) runner() *execute.Runner {
	return &execute.Runner{
		Tenant: r.src, Journal: r, Status: &r.after.Status, Policy: r.before.Namespace + "/" + r.before.Name,
		Retry: r.before.Annotations[v1alpha1.AnnotationRetry], Now: r.Clock.Now,
		Request: func(ctx context.Context, p *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error) {
			return observe.Approval(ctx, r.src, p)
		},
	}
}

// Write is the journal of execute: it stores the status as it stands before something is sent.
func (r *policyRun) Write(ctx context.Context, s *v1alpha1.PasskeyPolicyStatus) error {
	pending := r.after.DeepCopy()
	s.DeepCopyInto(&pending.Status)
	if err := r.patchStatus(ctx, r.before, pending); err != nil {
		return err
	}
	r.before = pending.DeepCopy()
	r.after.ResourceVersion = pending.ResourceVersion
	return nil
}

// report writes the status once, then events.
func (r *policyRun) report(ctx context.Context, rep status.Report) (ctrl.Result, error) {
	s, was := &r.after.Status, r.before.Status.Reason
	s.ObservedGeneration, s.Reason = r.after.Generation, rep.Standing.Reason
	rep.PolicyProgress(r.after, r.waves, r.left)
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.Clock.Now(), rep.Standing, rep.Conditions, rep.Keep...)
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	logChange(ctx, was, rep.Standing)
	r.emit(r.after, "Reconcile", status.ConditionEvents(r.before.Status.Conditions, s.Conditions, v1alpha1.ConditionStalled,
		v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionPayloadOutdated, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted, v1alpha1.ConditionWaitingForApproval,
		v1alpha1.ConditionRolloutComplete))
	return r.next(&rep), nil
}
