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

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
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
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// retryAfterMistake is how soon a mistake that only a person can mend is looked at again; Secrets are not watched, so
// that the operator needs no right to list them.
const retryAfterMistake = 30 * time.Second

// TenantReconciler owns the Graph client, its limiter and the inventory of each Tenant.
type TenantReconciler struct {
	Kit
	// Store takes client and inventory for the other controllers.
	Store *fleet.Store
	// Secrets reads credentials, past the cache.
	Secrets client.Reader
	// Tune adjusts the configuration of each new Graph client; nil leaves it as it is.
	Tune func(*graph.Config)
	// Registry takes the metrics of all clients; nil drops them.
	Registry prometheus.Registerer
}

// SetupWithManager registers the controller.
func (r *TenantReconciler) SetupWithManager(mgr ctrl.Manager, o controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Tenant{}, forSpecChanges()).
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
	before := &v1alpha1.Tenant{}
	if err := r.Client.Get(ctx, req.NamespacedName, before); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.NamespacedName)
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("read Tenant: %w", err)
	}
	policies, err := policiesOf(ctx, r.Client, before)
	if err != nil {
		return ctrl.Result{}, err
	}
	if done, err := r.finalize(ctx, before, policies); done || err != nil {
		return ctrl.Result{}, err
	}
	after := before.DeepCopy()
	if after.Spec.Suspend {
		r.Store.Delete(req.NamespacedName)
		return r.report(ctx, before, after, tenantResult{standing: status.Standing{
			State: status.Current, Reason: v1alpha1.ReasonSuspended, Message: "suspended: no call is made to the tenant until spec.suspend is false",
		}})
	}
	res := r.observe(ctx, after, policies)
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctrl.Result{}, nil // the process stops, and a reading that was cut off says nothing about the tenant
	}
	if !after.DeletionTimestamp.IsZero() && res.standing.State == status.Current {
		res.standing = leaving(policies)
	}
	return r.report(ctx, before, after, res)
}

// leaving says what a deleted Tenant waits for.
func leaving(policies []v1alpha1.PasskeyPolicy) status.Standing {
	names := make([]string, len(policies))
	for i := range policies {
		names[i] = policies[i].Name
	}
	slices.Sort(names)
	return status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonDeleting, Message: fmt.Sprintf(
		"deleted, and kept for the policies that have to clean up in the tenant: %s. Delete them, or set annotation %s to \"true\" to leave their objects behind",
		strings.Join(names, ", "), v1alpha1.AnnotationReleaseFinalizer)}
}

// finalize keeps the Tenant until no policy refers to it: they need its client to clean up (P7). It is done when the Tenant
// was let go.
func (r *TenantReconciler) finalize(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy) (done bool, err error) {
	if t.DeletionTimestamp.IsZero() {
		if controllerutil.ContainsFinalizer(t, v1alpha1.Finalizer) {
			return false, nil
		}
		return false, r.setFinalizer(ctx, t, true)
	}
	if len(policies) > 0 && t.Annotations[v1alpha1.AnnotationReleaseFinalizer] != "true" {
		return false, nil // deleted, but still of use
	}
	r.forget(client.ObjectKeyFromObject(t))
	return true, r.setFinalizer(ctx, t, false)
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
func (r *TenantReconciler) observe(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy) tenantResult {
	key := client.ObjectKeyFromObject(t)
	gc, mistake := r.connect(ctx, t)
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
	if inv == nil || !now.Before(inv.AsOf.Add(interval)) || slices.ContainsFunc(ids, func(id string) bool { return !inv.HasStatuses(id) }) {
		next, err := fleet.Refresh(ctx, gc, ids, r.Clock)
		if err == nil {
			err = r.Store.Confirm(key, next, lastManaged(t))
		}
		if err != nil {
			return r.failure(t, err, "read the inventory")
		}
		r.Store.PutInventory(key, next)
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

// applicationOf is the application that a Tenant signs in as, in words.
func applicationOf(t *v1alpha1.Tenant) string {
	switch a := &t.Spec.Auth; {
	case a.ClientSecret != nil:
		return "application " + a.ClientSecret.ClientID
	case a.ClientCertificate != nil:
		return "application " + a.ClientCertificate.ClientID
	case a.WorkloadIdentity != nil && a.WorkloadIdentity.ClientID != "":
		return "application " + a.WorkloadIdentity.ClientID
	}
	return "the application of AZURE_CLIENT_ID"
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

// mistake is a fault in what a person wrote, with the words for its remedy.
type mistake struct{ reason, message string }

// connect returns the tenant's client, made anew when spec or credential changed.
func (r *TenantReconciler) connect(ctx context.Context, t *v1alpha1.Tenant) (*graph.Client, *mistake) {
	cfg := graph.Config{TenantID: t.Spec.TenantID, Cloud: graph.Cloud(t.Spec.Cloud), Registry: r.Registry}
	if e := t.Spec.Endpoint; e != nil {
		cfg.Endpoint = &graph.Endpoint{GraphURL: e.GraphURL, AuthorityURL: e.AuthorityURL, CABundle: []byte(e.CABundle)}
	}
	var m *mistake
	if cfg.Auth, m = r.credential(ctx, t); m != nil {
		return nil, m
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

func (r *TenantReconciler) credential(ctx context.Context, t *v1alpha1.Tenant) (graph.Auth, *mistake) {
	switch a := t.Spec.Auth; {
	case a.ClientSecret != nil:
		secret, m := r.secret(ctx, t.Namespace, a.ClientSecret.SecretRef)
		return graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: a.ClientSecret.ClientID, Secret: string(secret)}}, m
	case a.ClientCertificate != nil:
		data, m := r.secret(ctx, t.Namespace, a.ClientCertificate.SecretRef)
		return graph.Auth{Certificate: &graph.Certificate{ClientID: a.ClientCertificate.ClientID, Data: data}}, m
	default:
		w := graph.WorkloadIdentity{}
		if a.WorkloadIdentity != nil {
			w.ClientID = a.WorkloadIdentity.ClientID
		}
		return graph.Auth{WorkloadIdentity: &w}, nil
	}
}

func (r *TenantReconciler) secret(ctx context.Context, namespace string, ref v1alpha1.SecretKeyRef) ([]byte, *mistake) {
	s := &corev1.Secret{}
	err := r.Secrets.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, s)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &mistake{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %q is not in namespace %q: create it with the key %q", ref.Name, namespace, ref.Key)}
	case err != nil:
		return nil, &mistake{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %q cannot be read: %v", ref.Name, err)}
	case len(s.Data[ref.Key]) == 0:
		return nil, &mistake{v1alpha1.ReasonSecretKeyNotFound, fmt.Sprintf("Secret %q has no value under the key %q: add it, or name the right key in secretRef.key", ref.Name, ref.Key)}
	}
	return s.Data[ref.Key], nil
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
