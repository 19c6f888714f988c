// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
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
	accounts accounts
	cluster  string
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

func policyOfWave(_ context.Context, o client.Object) []ctrl.Request {
	w, ok := o.(*v1alpha1.PilotWave)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: w.Namespace, Name: w.Spec.PolicyRef.Name}}}
}

func (r *PasskeyPolicyReconciler) policiesOfTenant(ctx context.Context, o client.Object) []ctrl.Request {
	var out []ctrl.Request
	for _, p := range policiesBehind(ctx, r.Client, o) {
		out = append(out, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&p)})
	}
	return out
}

// policyRun is one reconcile of one policy.
type policyRun struct {
	*PasskeyPolicyReconciler
	before, after *v1alpha1.PasskeyPolicy
	waves         []v1alpha1.PilotWave
	neighbours    observe.Neighbours
	// listed are the policies of the tenant, where the reconcile has listed them, and found those that status has forgotten.
	listed *observe.Listing
	found  observe.Found
	// looked says that the groups that its policies are assigned to were looked at in this reconcile.
	looked bool
	// left says in a sentence who of the population is not on a revision; empty when nobody, or not known.
	left string
	// lacks is what is to be said of a tenant that has not granted all permissions; nil when it has.
	lacks  *status.Report
	tenant types.NamespacedName
	src    policyTenant
}

// policyTenant is what a policy reads from and writes to its tenant.
type policyTenant interface {
	observe.PolicySource
	observe.ApprovalSource
	execute.PolicyTenant
}

// judged are the conditions that a look at the tenant sets; stands are those that stay as they were without one.
var (
	judged = []string{v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionPayloadOutdated, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted}
	stands = slices.Concat(judged, []string{v1alpha1.ConditionWaitingForApproval})
)

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
		PasskeyPolicyReconciler: r, before: before, after: before.DeepCopy(), waves: waves, left: r.accounts.of(before.UID).summary,
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
	if rep, ok, err := r.tenantUsable(ctx); !ok || err != nil {
		if r.after.Spec.Suspend {
			rep = status.PolicySuspended(r.after, r.Clock.Now())
		}
		rep.NotTakenBack(r.after, r.waves, r.Clock.Now())
		return rep, err
	}
	if err := r.clusterID(ctx); err != nil {
		return status.Report{}, err
	}
	// A revert is a rollback, and needs no catalog.
	decided, err := r.revise(ctx, nil, nil)
	if err != nil {
		return status.Report{}, err
	}
	back := r.view(plan.StageRollback)
	back.Lost(decided.Lost)
	rollback, err := r.pass(ctx, back, nil)
	if err != nil || rollback.ends() {
		return r.rolledBack(rollback), err
	}
	if r.after.Spec.Suspend || r.lacks != nil {
		return r.rollbackAlone(&rollback), nil
	}
	return r.rest(ctx, &rollback)
}

// rollbackAlone reports on a policy of which nothing but what a rollback takes back is written: it is suspended, or its tenant
// has not granted all permissions. What a rollback needs may be among those that are granted.
func (r *policyRun) rollbackAlone(rollback *pass) status.Report {
	rep := status.PolicySuspended(r.after, r.Clock.Now())
	if !r.after.Spec.Suspend {
		rep.Standing = r.lacks.Standing
	}
	switch gap := rollback.built.Unknown; {
	case rollback.out.Action != nil:
		r.notTaken(&rep, &rollback.out)
	case gap != nil: // there may be something to take back
		failed := r.failure(gap.Err, gap.Doing)
		rep.Standing.Message += "; " + failed.Standing.Message
		rep.Sooner(failed.Requeue)
	}
	rep.NotTakenBack(r.after, r.waves, r.Clock.Now())
	return rep
}

// rest does what the spec asks for, after what a rollback takes back.
func (r *policyRun) rest(ctx context.Context, rollback *pass) (status.Report, error) {
	if err := r.find(ctx); err != nil {
		return r.failure(err, "look for what the status has forgotten"), nil
	}
	pay, err := r.resolve(ctx)
	if graph.KindOf(err) != "" {
		return r.failure(err, "look for groups that the status has forgotten"), nil
	}
	if err != nil {
		return status.Report{}, err
	}
	if r.neighbours, err = observe.NeighboursOf(ctx, r.Client, r.after); err != nil {
		return status.Report{}, err
	}
	var rep status.Report
	tried := false
	if len(pay.decided.Lost) > 0 {
		rep = status.Lost(pay.decided.Waiting)
	} else {
		all := r.view(plan.StageWhole)
		all.CatalogErr = pay.err
		whole, err := r.pass(ctx, all, rollback.built.Actions)
		if err != nil {
			return status.Report{}, err
		}
		tried = whole.out.Action != nil
		rep = r.whole(whole, &pay)
		if whole.built.Unknown == nil && !rep.Again {
			r.population(ctx, &rep)
		}
		if !rep.Again {
			rep.Waits(pay.decided.Waiting)
			rep.Forgotten(r.after, r.waves)
		}
	}
	if rollback.out.Action != nil && !tried {
		rep = r.rollbackFirst(rep, &rollback.out)
	}
	return rep, nil
}

// pass is one way down through the rooms: what was seen, what was planned, and what became of it.
type pass struct {
	view  plan.View
	built plan.Result
	out   execute.Outcome
}

// view begins a look with what the cluster knows by now.
func (r *policyRun) view(stage plan.Stage) plan.View {
	return plan.NewView(stage, r.after.DeepCopy(), r.waves, r.Clock.Now())
}

// pass observes, plans, records and takes the next step of one stage. rollback are the actions of the stage before.
func (r *policyRun) pass(ctx context.Context, v plan.View, rollback []plan.Action) (pass, error) {
	v, err := r.observe(ctx, v)
	if err != nil {
		return pass{}, err
	}
	built := plan.Build(v)
	r.after.Status = v.Record(built, rollback)
	if len(built.Actions) > 0 && !equality.Semantic.DeepEqual(r.before.Status.Waves, r.after.Status.Waves) {
		// What was seen missing is not to be taken for seen once it is repaired: devices may not know of the repair yet.
		if err := r.Write(ctx, &r.after.Status); err != nil {
			return pass{}, err
		}
	}
	out, err := r.runner().Attempt(ctx, built.Actions)
	return pass{v, built, out}, err
}

func (r *policyRun) owner() observe.Owner {
	return observe.Owner{Cluster: r.cluster, UID: string(r.before.UID)}
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

// tenantUsable says whether the tenant can be spoken to, and if not, why.
func (r *policyRun) tenantUsable(ctx context.Context) (status.Report, bool, error) {
	t := &v1alpha1.Tenant{}
	err := r.Client.Get(ctx, r.tenant, t)
	switch {
	case apierrors.IsNotFound(err):
		return status.Report{Keep: stands, Standing: status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonTenantRefNotFound,
			Message: fmt.Sprintf("spec.tenantRef names Tenant %q, which is not in namespace %q: create it", r.tenant.Name, r.tenant.Namespace)}}, false, nil
	case err != nil:
		return status.Report{}, false, fmt.Errorf("read Tenant %q: %w", r.tenant.Name, err)
	case t.Spec.Suspend:
		return status.Report{Keep: stands, Standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonSuspended,
			Message: fmt.Sprintf("Tenant %q is suspended until its spec.suspend is false", t.Name)}}, false, nil
	}
	failed := status.Report{Keep: stands, Standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonTenantFailed,
		Message: fmt.Sprintf("Tenant %q is not connected (%s); its own conditions say why", t.Name, orPending(t.Status.Reason))}}
	if r.src == nil || refused(t) {
		return failed, false, nil
	}
	if len(t.Status.MissingPermissions) > 0 {
		r.lacks = &failed
	}
	return status.Report{}, true, nil
}

// refused says that the tenant gives out no token: nothing that a policy could ask for has a chance.
func refused(t *v1alpha1.Tenant) bool {
	return t.Status.Reason == v1alpha1.ReasonCredentialRefused || t.Status.Reason == v1alpha1.ReasonTenantNotFound
}

func orPending(reason string) string {
	if reason == "" {
		return v1alpha1.ReasonProgressing
	}
	return reason
}

// clusterID learns once how this cluster is named in markers.
func (r *PasskeyPolicyReconciler) clusterID(ctx context.Context) error {
	if r.cluster != "" {
		return nil
	}
	id, err := clusterUID(ctx, r.Namespaces)
	r.cluster = id
	return err
}

// clusterUID is the uid of kube-system, by habit the identity of a cluster.
func clusterUID(ctx context.Context, c client.Reader) (string, error) {
	ns := &corev1.Namespace{}
	if err := c.Get(ctx, types.NamespacedName{Name: metav1.NamespaceSystem}, ns); err != nil {
		return "", fmt.Errorf("read namespace kube-system, whose uid marks this cluster's objects in the tenant: %w", err)
	}
	return string(ns.UID), nil
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
	switch {
	case rep.Again:
		return soon(), nil
	case rep.Requeue > 0:
		return r.Kit.after(rep.Requeue), nil
	}
	return ctrl.Result{}, nil
}
