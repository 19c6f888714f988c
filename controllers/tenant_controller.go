// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/guard"
	"github.com/tidegate/tidegate/internal/status"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=tenants,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=tenants/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=tenants/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// retryAfterMistake is how soon a mistake that only a person can mend is looked at again; Secrets are not watched, so
// that the operator needs no right to list them.
const retryAfterMistake = 30 * time.Second

// TenantReconciler owns the Graph client, its limiter and the inventory of each Tenant, and keeps its Secret.
type TenantReconciler struct {
	Kit
	// Store takes client and inventory for the other controllers.
	Store *fleet.Store
	// Tune adjusts the configuration of each new Graph client; nil leaves it as it is.
	Tune func(*graph.Config)
	// Registry takes the metrics of all clients; nil drops them.
	Registry prometheus.Registerer

	readings readings
	// leaving is held while a Tenant lets go of its Secrets and goes: of two that go at once, the second has to see that the
	// first is gone.
	leaving sync.Mutex
}

// SetupWithManager registers the controller.
func (r *TenantReconciler) SetupWithManager(mgr ctrl.Manager, o controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Tenant{}, forSpecChanges()).
		Watches(&v1alpha1.Tenant{}, handler.Funcs{UpdateFunc: r.interrupt}).
		Watches(&v1alpha1.PasskeyPolicy{}, handler.EnqueueRequestsFromMapFunc(tenantOfPolicy), policyChanges()).
		WithOptions(o).
		Complete(stopping(r))
}

// tenantOfPolicy wakes the Tenant when a policy appears or gets new objects whose reports have to be read.
func tenantOfPolicy(_ context.Context, o client.Object) []ctrl.Request {
	p, ok := o.(*v1alpha1.PasskeyPolicy)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.TenantRef.Name}}}
}

// Reconcile brings one Tenant's client and inventory up to date.
func (r *TenantReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	work, saw, end := r.readings.begin(ctx, req.NamespacedName)
	defer end()
	before := &v1alpha1.Tenant{}
	if err := r.Client.Get(ctx, req.NamespacedName, before); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("read Tenant: %w", err)
	}
	saw(before)
	if before.Spec.Suspend { // before all else: the others ask the Store for a client
		r.Store.Delete(req.NamespacedName)
	}
	policies, err := policiesOf(ctx, r.Client, before)
	if err != nil {
		return ctrl.Result{}, err
	}
	gone, waits, err := r.finalize(ctx, before, policies)
	switch {
	case gone || err != nil:
		return ctrl.Result{}, err
	case waits != "":
		return r.report(ctx, before, before.DeepCopy(), failed(v1alpha1.ReasonForbidden, waits, retryAfterMistake))
	}
	cred, note, err := r.keptCredential(ctx, before)
	if err != nil {
		return ctrl.Result{}, err
	}
	after := before.DeepCopy()
	res := r.observe(work, after, policies, cred)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctrl.Result{}, nil // the process stops, and a reading that was cut off says nothing about the tenant
	case cutOff(work):
		return soon(), nil // the next look sees what was changed
	}
	if note != "" {
		res.standing.Message += "; " + note
	}
	if res.standing, err = r.outlive(ctx, after, res.standing, policies); err != nil {
		return ctrl.Result{}, err
	}
	return r.report(ctx, before, after, res)
}

// outlive adds to the standing of a deleted Tenant what it still waits for, and where it cannot be used any more what remains
// in the tenant and how to let go.
func (r *TenantReconciler) outlive(ctx context.Context, t *v1alpha1.Tenant, s status.Standing, policies []v1alpha1.PasskeyPolicy) (status.Standing, error) {
	if t.DeletionTimestamp.IsZero() {
		return s, nil
	}
	if s.State == status.Current {
		return status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonDeleting, Message: fmt.Sprintf(
			"deleted, and kept for the policies that have to clean up in the tenant: %s. Delete them, or set annotation %s to \"true\" to leave their objects behind",
			policyNames(policies), v1alpha1.AnnotationReleaseFinalizer)}, nil
	}
	remains, err := r.remains(ctx, policies)
	if err != nil {
		return s, err
	}
	if s.State == status.Suspended {
		s.State = status.Stuck // a deletion that waits for a person
	}
	s.Message = fmt.Sprintf("deleted, and the policies %s cannot clean up: %s. To let go and leave behind what remains, set annotation %s to \"true\" on those policies, on their waves and on this Tenant",
		policyNames(policies), s.Message, v1alpha1.AnnotationReleaseFinalizer)
	if remains != "" {
		s.Message += ". What remains in the tenant: " + remains
	}
	return s, nil
}

func policyNames(policies []v1alpha1.PasskeyPolicy) string {
	names := make([]string, len(policies))
	for i := range policies {
		names[i] = policies[i].Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// remains names what the policies of a Tenant and their waves have in the tenant.
func (r *TenantReconciler) remains(ctx context.Context, policies []v1alpha1.PasskeyPolicy) (string, error) {
	var parts []string
	for i := range policies {
		waves, err := wavesOf(ctx, r.Client, policies[i].Namespace, policies[i].Name)
		if err != nil {
			return "", err
		}
		if text := status.Remains(&policies[i], waves); text != "" {
			parts = append(parts, fmt.Sprintf("of PasskeyPolicy %q: %s", policies[i].Name, text))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "; "), nil
}

// finalize keeps the Tenant until no policy refers to it: they need its client to clean up (P7). It says whether the Tenant
// was let go, and if not although nothing needs it any more, why.
func (r *TenantReconciler) finalize(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy) (gone bool, waits string, err error) {
	switch owned := controllerutil.ContainsFinalizer(t, v1alpha1.Finalizer); {
	case !t.DeletionTimestamp.IsZero() && !owned:
		r.forget(client.ObjectKeyFromObject(t))
		return true, "", nil
	case !t.DeletionTimestamp.IsZero() && (len(policies) == 0 || released(t)):
		return r.letGo(ctx, t, policies)
	case t.DeletionTimestamp.IsZero() && !owned:
		return false, "", r.setFinalizer(ctx, t, true)
	}
	return false, "", nil
}

// letGo ends the deletion: the Secrets first, as nobody would know of them afterwards.
func (r *TenantReconciler) letGo(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy) (gone bool, waits string, err error) {
	remains, err := r.remains(ctx, policies)
	if err != nil {
		return false, "", err
	}
	r.leaving.Lock()
	defer r.leaving.Unlock()
	for _, name := range secretsOf(t) {
		err := r.releaseSecret(ctx, t, name)
		switch {
		case refusedByCluster(err) && released(t):
			log.FromContext(ctx).Error(err, "a Secret keeps its finalizer", "secret", name, "finalizer", v1alpha1.FinalizerCredential)
		case refusedByCluster(err):
			return false, fmt.Sprintf("deleted, and needed by no policy any more, but %s; or set annotation %s to \"true\" to let go of this Tenant alone",
				stillKept(t.Namespace, name), v1alpha1.AnnotationReleaseFinalizer), nil
		case err != nil:
			return false, "", err
		}
	}
	r.forget(client.ObjectKeyFromObject(t))
	if err := r.setFinalizer(ctx, t, false); client.IgnoreNotFound(err) != nil {
		return false, "", err
	}
	r.leaveBehind(ctx, t, remains)
	return true, "", nil
}

func (r *TenantReconciler) forget(key types.NamespacedName) {
	r.Store.Delete(key)
	r.Metrics.Set("tenant", key, nil)
}

// tenantResult is what one look at the tenant found.
type tenantResult struct {
	standing   status.Standing
	conditions []metav1.Condition
	requeue    time.Duration // zero: nothing to wait for
}

// failed is a result that says why the tenant cannot be used.
func failed(reason, message string, requeue time.Duration) tenantResult {
	return tenantResult{standing: status.Standing{State: status.Stuck, Reason: reason, Message: message}, requeue: requeue}
}

// observe connects, compares permissions and reads the inventory when it is due. It fills the data of t.Status.
func (r *TenantReconciler) observe(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy, cred credential) tenantResult {
	if t.Spec.Suspend {
		return tenantResult{standing: status.Standing{
			State: status.Suspended, Reason: v1alpha1.ReasonSuspended, Message: "suspended: no call is made to the tenant until spec.suspend is false",
		}}
	}
	key := client.ObjectKeyFromObject(t)
	gc, mistake := r.connect(t, cred)
	if gc == nil && !t.DeletionTimestamp.IsZero() {
		// The Secret often goes in the same breath as the Tenant. Its policies still need the client to clean up (P7).
		gc = r.Store.Client(key)
	}
	if gc == nil {
		r.Store.Delete(key)
		return failed(mistake.reason, mistake.message, retryAfterMistake)
	}
	perms, err := gc.Permissions(ctx)
	if err != nil {
		return r.failure(t, err, "sign in to the tenant")
	}
	expires := v1alpha1.Stamp(perms.ExpiresAt)
	t.Status.TokenExpiresAt = &expires
	t.Status.MissingPermissions = guard.MissingPermissions(perms.Roles, guard.Needs)
	granted := status.Condition(v1alpha1.ConditionPermissionsGranted, true, v1alpha1.ReasonPermissionsGranted, "the token carries every permission that is needed")
	if missing := t.Status.MissingPermissions; len(missing) > 0 {
		gc.RenewToken() // roles are fixed when a token is issued (contract l.2): consent shows only in the next one
		granted = status.Condition(v1alpha1.ConditionPermissionsGranted, false, v1alpha1.ReasonPermissionMissing, permissionMessage(missing))
		res := failed(v1alpha1.ReasonPermissionMissing, granted.Message, retryAfterMistake)
		res.conditions = []metav1.Condition{granted}
		return res
	}
	res := r.refresh(ctx, t, gc, policies)
	res.conditions = append(res.conditions, granted)
	return res
}

// refresh reads devices and reports when that is due and puts them into the store.
func (r *TenantReconciler) refresh(ctx context.Context, t *v1alpha1.Tenant, gc *graph.Client, policies []v1alpha1.PasskeyPolicy) tenantResult {
	key, now := client.ObjectKeyFromObject(t), r.Clock.Now()
	interval := t.Spec.Inventory.RefreshInterval.Duration
	inv := r.Store.Inventory(key)
	ids := objectIDs(policies)
	if inv == nil || inv.Ahead(now) || !now.Before(inv.AsOf.Add(interval)) || slices.ContainsFunc(ids, func(id string) bool { return !inv.Asked(id) }) {
		next, err := fleet.Refresh(ctx, gc, ids, r.Clock)
		if err == nil {
			err = r.Store.Confirm(key, next, lastManaged(t))
		}
		if err != nil {
			return r.failure(t, err, "read the inventory")
		}
		r.Store.PutInventory(key, next, r.Clock.Now())
		inv = next
		log.FromContext(ctx).Info("inventory refreshed", "devices", inv.Managed(), "policies", len(ids), "took", inv.Took)
		t.Status.Inventory = &v1alpha1.InventoryStatus{
			Devices: int64(inv.Managed()), AsOf: v1alpha1.Stamp(inv.AsOf),
			Duration: metav1.Duration{Duration: inv.Took.Round(time.Second)},
		}
	}
	res := tenantResult{
		standing:   status.Standing{State: status.Current, Reason: v1alpha1.ReasonSucceeded, Message: "signed in, permissions granted, inventory fresh"},
		conditions: []metav1.Condition{status.Condition(v1alpha1.ConditionInventoryFresh, true, v1alpha1.ReasonInventoryFresh, freshMessage(inv))},
		requeue:    max(inv.AsOf.Add(interval).Sub(r.Clock.Now()), time.Second),
	}
	if wait := gc.ThrottledFor(); wait > 0 { // a tenant that is throttled is slow, not broken
		until := r.Clock.Now().Add(wait).UTC().Round(time.Second).Format(time.RFC3339)
		res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionThrottled, true, v1alpha1.ReasonThrottled,
			"the tenant asked for fewer requests: some are held back until "+until))
		res.requeue = min(res.requeue, wait) // to take the condition away again
	}
	return res
}

// lastManaged is how many devices the last reading had that was believed, 0 when there was none.
func lastManaged(t *v1alpha1.Tenant) int64 {
	if t.Status.Inventory == nil {
		return 0
	}
	return t.Status.Inventory.Devices
}

func freshMessage(inv *fleet.Inventory) string {
	text := "devices and reports were read within the refresh interval"
	if err := inv.EncryptionUnread; err != nil {
		text += fmt.Sprintf("; without the encryption report, so that devices which do not report encryption count as unknown: %s", readable(err))
	}
	for _, err := range inv.Unread() {
		text += fmt.Sprintf("; without one report, so that waves of that policy wait: %s", readable(err))
	}
	for _, odd := range inv.Odd {
		text += fmt.Sprintf("; of %s, %d could not be read and count as not said (%s)", odd.List, odd.Items, odd.First)
	}
	if inv.Managed() > 0 && inv.EdgeVersions() == 0 {
		text += "; the app inventory has no version of Microsoft Edge, so that the version on every device counts as unknown: check that Intune collects it (docs/empty-lists.md)"
	}
	return text
}

// failure turns an error of the tenant into conditions. An outage of the service is in progress, not stuck: it ends by
// itself, and waves judge for themselves how old their evidence may be (P4).
func (r *TenantReconciler) failure(t *v1alpha1.Tenant, err error, doing string) tenantResult {
	kind, reason := graph.KindOf(err), reasonOf(err)
	message := fmt.Sprintf("cannot %s: %s%s", doing, readable(err), whereToLook(t, err))
	res := tenantResult{standing: status.Standing{State: status.InProgress, Reason: reason, Message: message}, requeue: retryDelay(err, r.Clock.Now())}
	if kind == graph.KindCredential || kind == graph.KindUnauthorized || kind == graph.KindForbidden || kind == graph.KindInvalid {
		res.standing.State = status.Stuck
		res.requeue = max(res.requeue, retryAfterMistake)
	}
	fresh := status.Unknown(v1alpha1.ConditionInventoryFresh, v1alpha1.ReasonInventoryPending, message)
	if t.Status.Inventory != nil {
		fresh = status.Condition(v1alpha1.ConditionInventoryFresh, false, v1alpha1.ReasonInventoryFailed, message)
	}
	res.conditions = append(res.conditions, fresh)
	var e *graph.Error
	if errors.As(err, &e) && e.Kind == graph.KindThrottled {
		until := message
		if !e.RetryAt.IsZero() {
			until += "; it asks to come back at " + e.RetryAt.UTC().Round(time.Second).Format(time.RFC3339)
		}
		res.conditions = append(res.conditions, status.Condition(v1alpha1.ConditionThrottled, true, v1alpha1.ReasonThrottled, until))
	}
	return res
}

// whereToLook names the fields behind a refused sign-in and behind a host that gives no answer.
func whereToLook(t *v1alpha1.Tenant, err error) string {
	var e *graph.Error
	switch {
	case !errors.As(err, &e):
		return ""
	case e.Kind == graph.KindCredential:
		return fmt.Sprintf("; spec.auth signs in as %s to tenant %s: see its app registration in Entra", applicationOf(t), t.Spec.TenantID)
	case e.Kind == graph.KindTransient && e.Status == 0 && t.Spec.Endpoint != nil:
		return fmt.Sprintf("; check that spec.endpoint.authorityURL %s and spec.endpoint.graphURL %s are right and up, and that spec.endpoint.caBundle holds the authority of their certificates",
			t.Spec.Endpoint.AuthorityURL, t.Spec.Endpoint.GraphURL)
	case e.Kind == graph.KindTransient && e.Status == 0:
		return fmt.Sprintf("; check that the operator may reach the hosts of cloud %s: network policy, proxy, DNS", t.Spec.Cloud)
	}
	return ""
}

// report writes the status once, then events and metrics.
func (r *TenantReconciler) report(ctx context.Context, before, after *v1alpha1.Tenant, res tenantResult) (ctrl.Result, error) {
	after.Status.ObservedGeneration = after.Generation
	after.Status.Reason = res.standing.Reason
	after.Status.Conditions = status.Conditions(before.Status.Conditions, after.Generation, r.Clock.Now(), res.standing, res.conditions)
	if err := r.patchStatus(ctx, before, after); err != nil {
		return ctrl.Result{}, err
	}
	logChange(ctx, before.Status.Reason, res.standing)
	r.emit(after, "Reconcile", status.ConditionEvents(before.Status.Conditions, after.Status.Conditions,
		v1alpha1.ConditionStalled, v1alpha1.ConditionPermissionsGranted, v1alpha1.ConditionInventoryFresh, v1alpha1.ConditionThrottled))
	r.Metrics.Set("tenant", client.ObjectKeyFromObject(after), status.TenantSamples(&after.Status))
	if res.requeue == 0 {
		return ctrl.Result{}, nil
	}
	return r.after(res.requeue), nil
}

// connect returns the tenant's client, made anew when spec or credential changed.
func (r *TenantReconciler) connect(t *v1alpha1.Tenant, cred credential) (*graph.Client, *mistake) {
	if cred.mistake != nil {
		return nil, cred.mistake
	}
	cfg := graph.Config{TenantID: t.Spec.TenantID, Cloud: graph.Cloud(t.Spec.Cloud), Auth: cred.auth, Registry: r.Registry}
	if e := t.Spec.Endpoint; e != nil {
		cfg.Endpoint = &graph.Endpoint{GraphURL: e.GraphURL, AuthorityURL: e.AuthorityURL, CABundle: []byte(e.CABundle)}
	}
	if r.Tune != nil {
		r.Tune(&cfg)
	}
	gc, err := r.Store.Connect(client.ObjectKeyFromObject(t), cfg)
	switch {
	case graph.KindOf(err) == graph.KindCredential:
		return nil, &mistake{v1alpha1.ReasonInvalidCredential, readable(err)}
	case err != nil:
		return nil, &mistake{v1alpha1.ReasonInvalidEndpoint, readable(err)}
	}
	return gc, nil
}

// objectIDs lists the tenant objects whose device reports are evidence. One that somebody deleted in the tenant is among
// them as long as it is on record; a report on it is ASSUMED to have no rows, as it is a filter on a table.
func objectIDs(policies []v1alpha1.PasskeyPolicy) []string {
	var ids []string
	for i := range policies {
		for _, o := range policies[i].Status.Objects {
			if o.ID != "" {
				ids = append(ids, o.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// forSpecChanges lets a reconcile start on a change of spec, annotations or deletion, not on its own status write.
func forSpecChanges() predicateOption {
	return predicateOption{predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})}
}
