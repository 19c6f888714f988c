// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=passkeypolicies,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=passkeypolicies/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=passkeypolicies/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=namespaces,resourceNames=kube-system,verbs=get

// lostGrace is how long a write whose answer was lost is looked for before it counts as not made: by then the tenant shows
// what it took.
const lostGrace = observe.ReplicationLag

// PasskeyPolicyReconciler owns the settings catalog policies of each PasskeyPolicy and their assignments.
type PasskeyPolicyReconciler struct {
	Kit
	// Store gives client and inventory of each tenant.
	Store *fleet.Store
	// Namespaces reads kube-system, whose uid names the cluster in markers.
	Namespaces client.Reader

	catalogs *observe.Catalogs
	cluster  string
}

// SetupWithManager registers the controller.
func (r *PasskeyPolicyReconciler) SetupWithManager(mgr ctrl.Manager, o controller.Options) error {
	r.catalogs = observe.NewCatalogs()
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
	tenant        types.NamespacedName
	src           policyTenant

	// taking is the plan of withdraw, and held what the tenant did not take of it.
	taking []plan.Action
	held   *attempted
}

// policyTenant is what a policy reads from and writes to its tenant.
type policyTenant interface {
	observe.PolicySource
	observe.ApprovalSource
	execute.PolicyTenant
}

// policyResult is what one look and one step came to.
type policyResult struct {
	standing   status.Standing
	conditions []metav1.Condition
	// keep names conditions that this look could not judge and that stand as they were.
	keep    []string
	requeue time.Duration
	again   bool
	// acted says that a plan was tried, so that the result tells what came of it.
	acted bool
}

// judged are the conditions that a look at the tenant sets; stands are those that stay as they were without one.
var (
	judged = []string{v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted}
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
		PasskeyPolicyReconciler: r, before: before, after: before.DeepCopy(), waves: waves,
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

// step observes the tenant and takes the first action of the plan.
func (r *policyRun) step(ctx context.Context) (policyResult, error) {
	if r.after.Spec.Suspend {
		res := policyResult{standing: status.Standing{State: status.Current, Reason: v1alpha1.ReasonSuspended, Message: "suspended: nothing is written to the tenant until spec.suspend is false"}}
		res.keep = stands
		return res, nil
	}
	if res, ok, err := r.tenantUsable(ctx); !ok || err != nil {
		return res, err
	}
	if err := r.clusterID(ctx); err != nil {
		return policyResult{}, err
	}
	if res, taken, err := r.withdraw(ctx); taken || err != nil {
		return res, err
	}
	res, err := r.settle(ctx)
	if err != nil {
		return res, err
	}
	return r.withHeld(res), nil
}

// settle brings the tenant in line with the spec, one action at a time.
func (r *policyRun) settle(ctx context.Context) (policyResult, error) {
	resolved, err := r.resolve(ctx)
	if err != nil {
		return r.failure(err, "search the settings catalog"), nil
	}
	if resolved.Blocked {
		return blocked(resolved), nil
	}
	groups, err := observe.ResolveGroups(ctx, r.src, r.after.Spec.Population.Groups())
	if err != nil {
		return r.failure(err, "resolve the groups of spec.population"), nil
	}
	r.after.Status.PopulationGroups, r.after.Status.PopulationExcludes = groups.Include, groups.Exclude
	return r.apply(ctx, resolved, groups)
}

// tenantUsable says whether the tenant can be spoken to, and if not, why.
func (r *policyRun) tenantUsable(ctx context.Context) (policyResult, bool, error) {
	t := &v1alpha1.Tenant{}
	keep := stands
	err := r.Client.Get(ctx, r.tenant, t)
	switch {
	case apierrors.IsNotFound(err):
		return policyResult{keep: keep, standing: status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonTenantRefNotFound,
			Message: fmt.Sprintf("spec.tenantRef names Tenant %q, which is not in namespace %q: create it", r.tenant.Name, r.tenant.Namespace)}}, false, nil
	case err != nil:
		return policyResult{}, false, fmt.Errorf("read Tenant %q: %w", r.tenant.Name, err)
	case t.Spec.Suspend:
		return policyResult{keep: keep, standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonSuspended,
			Message: fmt.Sprintf("Tenant %q is suspended until its spec.suspend is false", t.Name)}}, false, nil
	case r.src == nil || len(t.Status.MissingPermissions) > 0 || refused(t):
		return policyResult{keep: keep, standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonTenantFailed,
			Message: fmt.Sprintf("Tenant %q is not connected (%s); its own conditions say why", t.Name, orPending(t.Status.Reason))}}, false, nil
	}
	return policyResult{}, true, nil
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

// resolve finds the settings in the tenant's catalog and records verdicts and payload hash.
func (r *policyRun) resolve(ctx context.Context) (settings.Resolution, error) {
	defs, err := r.catalogs.Definitions(ctx, r.tenant, r.src, r.Clock.Now())
	if err != nil {
		return settings.Resolution{}, err
	}
	s := &r.after.Spec
	res := settings.Resolve(settings.Request{
		Settings: s.Settings, Platforms: s.Platforms, Scope: s.Scope, Mode: s.Mode, OnMissing: s.OnMissingSetting,
		PrerequisiteEdge: s.Prerequisites.Edge, Catalog: defs,
	})
	r.after.Status.Settings, r.after.Status.MinEdge = res.Verdicts, res.MinEdge
	if res.Blocked {
		r.catalogs.Drop(r.tenant) // the next look asks the tenant again: the remedy may be there
		return res, nil
	}
	r.after.Status.PayloadHash = res.Hash
	return res, nil
}

func blocked(res settings.Resolution) policyResult {
	return policyResult{
		standing:   status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonSettingMissing, Message: res.BlockMessage},
		conditions: []metav1.Condition{status.Condition(v1alpha1.ConditionSettingsResolved, false, v1alpha1.ReasonSettingMissing, res.BlockMessage)},
		keep:       []string{v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted, v1alpha1.ConditionWaitingForApproval},
		requeue:    5 * time.Minute,
	}
}

// apply compares the tenant with the plan and takes one step.
func (r *policyRun) apply(ctx context.Context, resolved settings.Resolution, groups observe.Groups) (policyResult, error) {
	admitted, inverse := r.waveGroups()
	want := plan.Want(r.after, resolved.Payloads, plan.Audience{
		Population: groups.Include, PopulationExcludes: groups.Exclude, Admitted: admitted, Inverse: inverse,
	}, r.describe)
	view, err := observe.Objects(ctx, r.src, r.after.Status.Objects, want, r.owner(), r.Clock.Now())
	if err != nil {
		return r.failure(err, "read the policies in the tenant"), nil
	}
	want, objects := wholePlatforms(view.Objects, want)
	seen := observed(objects)
	r.record(want, objects)
	if view.Err() == nil { // otherwise nobody knows how far the tenant has followed
		r.admissions(admitted, seen)
	} else {
		r.dismiss(admitted)
	}
	built := plan.Build(want, seen, plan.Options{
		Drift: r.after.Spec.Drift, AllowSettingsUpdate: !r.oldPayloadExposed(resolved.Hash), NarrowOnly: len(view.Others) > 0,
	})
	r.closeAssigns(want, seen, built.Actions)
	if view.Err() == nil && len(view.Others)+len(built.Late) == 0 { // otherwise the plan is not the whole one
		r.keepApprovals(slices.Concat(built.Actions, r.taking), want)
	}
	res := policyResult{conditions: []metav1.Condition{
		status.Condition(v1alpha1.ConditionSettingsResolved, true, v1alpha1.ReasonSettingsResolved, settingsMessage(resolved.Verdicts)),
	}}
	if len(built.Late) > 0 {
		res.keep = []string{v1alpha1.ConditionDrifted} // not judged for all
	} else {
		res.conditions = append(res.conditions, drifted(built.Drifts))
	}
	switch {
	case len(built.Actions) > 0:
		if res, err = r.act(ctx, res, built, want, objects, view.Others); err != nil || res.again || view.Err() == nil {
			return res, err
		}
	case len(view.Others) > 0:
		return notAlone(res, view.Others), nil
	case view.Err() == nil:
		r.settled(&res, built)
		return res, nil
	}
	return r.unreadable(res, view.Err()), nil
}

// unreadable adds to what was done for the other platforms that objects could not be read. What is refused for good is not
// applied; what is only away stands as it was.
func (r *policyRun) unreadable(res policyResult, err error) policyResult {
	failed := r.failure(err, "read the policies in the tenant")
	res.standing, res.requeue = failed.standing, failed.requeue
	applied := func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionApplied }
	switch {
	case slices.ContainsFunc(res.conditions, applied):
	case failed.standing.State == status.Stuck:
		res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionApplied, false, failed.standing.Reason, failed.standing.Message))
	default:
		res.keep = append(res.keep, v1alpha1.ConditionApplied)
	}
	return res
}

// waveGroups are the groups that get the payload and those that get its inverse.
func (r *policyRun) waveGroups() (admitted, inverse []string) {
	admitted, inverse = plan.WaveGroups(r.waves)
	if r.after.Spec.DeletionPolicy == v1alpha1.DeletionOrphan {
		a, i := plan.Orphans(r.after.Spec.Mode, r.after.Status.Objects, r.waves)
		admitted, inverse = merge(admitted, a), merge(inverse, i)
	}
	return admitted, inverse
}

// applyingReason tells waves whether only assignments are moving, which is what they wait for themselves, or whether the
// tenant does not have the payload yet.
func applyingReason(actions []plan.Action) string {
	if slices.ContainsFunc(actions, func(a plan.Action) bool { return a.Kind != plan.Assign }) {
		return v1alpha1.ReasonApplying
	}
	return v1alpha1.ReasonAssigning
}

// settled fills the result of a plan without actions.
func (r *policyRun) settled(res *policyResult, built plan.Result) {
	res.requeue = r.after.Spec.Interval.Duration
	if slices.ContainsFunc(r.after.Status.Objects, func(o v1alpha1.TenantObject) bool { return o.AssignSentAt != nil }) {
		res.requeue = min(res.requeue, lostGrace)
	}
	if len(built.Late) > 0 {
		late, reason := strings.Join(built.Late, "; "), v1alpha1.ReasonAssigning
		if built.LateContent {
			reason = v1alpha1.ReasonApplying
		}
		res.standing = status.Standing{State: status.InProgress, Reason: reason, Message: late}
		res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionApplied, false, reason, late))
		res.requeue = lateLook
		return
	}
	if len(built.Notes) > 0 {
		note := strings.Join(built.Notes, "; ")
		res.standing = status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonPayloadWaiting, Message: note}
		res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionApplied, false, v1alpha1.ReasonPayloadWaiting, note))
		return
	}
	message := "every policy in the tenant is as it should be"
	if r.after.Spec.Drift == v1alpha1.DriftReport && len(built.Drifts) > 0 {
		message = "every policy in the tenant is as it was written, but for what condition Drifted names: spec.drift is Report"
	}
	if r.after.Spec.Mode == v1alpha1.ModeEnforceOnly {
		message += "; mode EnforceOnly restrains no one: Edge allows passkeys by default"
	}
	res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionApplied, true, v1alpha1.ReasonApplied, message))
	res.standing = status.Standing{State: status.Current, Reason: v1alpha1.ReasonSucceeded, Message: message}
	if name, why := stalledWave(r.waves); name != "" {
		res.standing = status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonWaveStalled, Message: fmt.Sprintf("wave %q is stalled: %s", name, why)}
	}
}

// report writes the status once, then events.
func (r *policyRun) report(ctx context.Context, res policyResult) (ctrl.Result, error) {
	s, was := &r.after.Status, r.before.Status.Reason
	s.ObservedGeneration, s.Reason = r.after.Generation, res.standing.Reason
	res.conditions = append(res.conditions, r.progress()...)
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.Clock.Now(), res.standing, res.conditions, res.keep...)
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	logChange(ctx, was, res.standing)
	r.emit(r.after, "Reconcile", status.ConditionEvents(r.before.Status.Conditions, s.Conditions, v1alpha1.ConditionStalled,
		v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted, v1alpha1.ConditionWaitingForApproval,
		v1alpha1.ConditionRolloutComplete))
	switch {
	case res.again:
		return soon(), nil
	case res.requeue > 0:
		return r.Kit.after(res.requeue), nil
	}
	return ctrl.Result{}, nil
}

// failure turns a refusal or an error of the tenant into a result; what stood in the tenant still stands.
func (r *policyRun) failure(err error, doing string) policyResult {
	res := policyResult{
		keep:    stands,
		requeue: retryDelay(err, r.Clock.Now()),
	}
	var refused *observe.Refusal
	if errors.As(err, &refused) {
		res.standing = status.Standing{State: status.Stuck, Reason: refused.Reason, Message: refused.Message}
		return res
	}
	res.standing = status.Standing{State: status.InProgress, Reason: reasonOf(err), Message: fmt.Sprintf("%s: %s", doing, readable(err))}
	if r := res.standing.Reason; r == v1alpha1.ReasonForbidden || r == v1alpha1.ReasonInvalid {
		res.standing.State = status.Stuck
	}
	return res
}
