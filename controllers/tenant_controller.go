// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/credential"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/status"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=tenants,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=tenants/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=tidegate.dev,resources=tenants/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// TenantReconciler owns the Graph client, its limiter and the inventory of each Tenant, and keeps its Secret.
type TenantReconciler struct {
	Kit
	// Store takes client and inventory for the other controllers.
	Store *fleet.Store
	// Trust is what whoever runs the operator allows to those who may write Tenants.
	Trust credential.Trust
	// Tune adjusts the configuration of each new Graph client; nil leaves it as it is.
	Tune func(*graph.Config)
	// Registry takes the metrics of all clients; nil drops them.
	Registry prometheus.Registerer

	readings observe.Readings
	leaving  sync.Mutex
}

// credentials reads credentials and keeps their Secrets.
func (r *TenantReconciler) credentials() credential.Keeper {
	return credential.Keeper{Client: r.Client, Reader: r.Reader, Leaving: &r.leaving, Trust: r.Trust}
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

// Reconcile brings one Tenant's client and inventory up to date.
func (r *TenantReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	work, saw, end := r.readings.Begin(ctx, req.NamespacedName)
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
		return r.report(ctx, before, before.DeepCopy(), report.Stuck(v1alpha1.ReasonForbidden, waits))
	}
	cred, err := r.credentials().Keep(ctx, before)
	if err != nil {
		return ctrl.Result{}, err
	}
	reader := observe.TenantReader{Store: r.Store, EndpointHosts: r.Trust.EndpointHosts, Clock: r.Clock, Tune: r.Tune, Registry: r.Registry}
	look := reader.Look(work, before, policies, cred)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctrl.Result{}, nil // the process stops, and a reading that was cut off says nothing about the tenant
	case observe.CutOff(work):
		return soon(), nil // the next look sees what was changed
	}
	after := before.DeepCopy()
	res := report.Tenant(after, look, r.Clock.Now())
	if cred.Note != "" {
		res.Standing.Message += "; " + cred.Note
	}
	if !after.DeletionTimestamp.IsZero() {
		remains, err := observe.Remains(ctx, r.Client, policies)
		if err != nil {
			return ctrl.Result{}, err
		}
		res.Outlives(policies, remains)
	}
	return r.report(ctx, before, after, res)
}

// finalize keeps the Tenant until no policy refers to it: they need its client to clean up (P7). It says whether the Tenant
// was let go, and if not although nothing needs it any more, why.
func (r *TenantReconciler) finalize(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy) (gone bool, waits string, err error) {
	switch owned := controllerutil.ContainsFinalizer(t, v1alpha1.Finalizer); {
	case !t.DeletionTimestamp.IsZero() && !owned:
		r.forget(client.ObjectKeyFromObject(t))
		return true, "", nil
	case !t.DeletionTimestamp.IsZero() && (len(policies) == 0 || v1alpha1.Released(t)):
		return r.letGo(ctx, t, policies)
	case t.DeletionTimestamp.IsZero() && !owned:
		return false, "", r.setFinalizer(ctx, t, true)
	}
	return false, "", nil
}

// letGo ends the deletion, Secrets first.
func (r *TenantReconciler) letGo(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy) (gone bool, waits string, err error) {
	remains, err := observe.Remains(ctx, r.Client, policies)
	if err != nil {
		return false, "", err
	}
	waits, err = r.credentials().Release(ctx, t, func() error {
		r.forget(client.ObjectKeyFromObject(t))
		return client.IgnoreNotFound(r.setFinalizer(ctx, t, false))
	})
	if waits != "" || err != nil {
		return false, waits, err
	}
	r.leaveBehind(ctx, t, remains)
	return true, "", nil
}

func (r *TenantReconciler) forget(key types.NamespacedName) {
	r.Store.Delete(key)
	r.Metrics.Set("tenant", key, nil)
}

// report writes the status once, then events and metrics.
func (r *TenantReconciler) report(ctx context.Context, before, after *v1alpha1.Tenant, res status.Report) (ctrl.Result, error) {
	after.Status.ObservedGeneration = after.Generation
	after.Status.Reason = res.Standing.Reason
	after.Status.Conditions = status.Conditions(before.Status.Conditions, after.Generation, r.Clock.Now(), res.Standing, res.Conditions)
	if err := r.patchStatus(ctx, before, after); err != nil {
		return ctrl.Result{}, err
	}
	logChange(ctx, before.Status.Reason, res.Standing)
	r.emit(after, "Reconcile", status.ConditionEvents(before.Status.Conditions, after.Status.Conditions,
		v1alpha1.ConditionStalled, v1alpha1.ConditionPermissionsGranted, v1alpha1.ConditionInventoryFresh, v1alpha1.ConditionClockInSync, v1alpha1.ConditionThrottled))
	r.Metrics.Set("tenant", client.ObjectKeyFromObject(after), status.TenantSamples(&after.Status))
	if res.Requeue == 0 {
		return ctrl.Result{}, nil
	}
	return r.after(res.Requeue), nil
}

// interrupt hears of each change of a Tenant at once, also while a reconcile of it is under way. A suspended Tenant has no
// client from then on.
func (r *TenantReconciler) interrupt(_ context.Context, e event.UpdateEvent, _ workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	t, ok := e.ObjectNew.(*v1alpha1.Tenant)
	if !ok {
		return
	}
	r.readings.Changed(t)
	if t.Spec.Suspend {
		r.Store.Delete(client.ObjectKeyFromObject(t))
	}
}
