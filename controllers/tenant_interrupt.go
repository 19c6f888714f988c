// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// errChanged is the cause for which a reading of the tenant is cut off.
var errChanged = errors.New("the Tenant was changed meanwhile")

// readings are the readings of tenants under way. One takes minutes in a large fleet, and the next reconcile of the same
// Tenant waits for it; a suspension, a deletion or a release must not (P9). The zero value is ready.
type readings struct {
	mu      sync.Mutex
	running map[types.NamespacedName]*reading
}

// reading is one of them.
type reading struct {
	cancel context.CancelCauseFunc
	of     *v1alpha1.Tenant // what the reconcile saw; nil before it has looked
}

// begin starts a reading, before the Tenant is looked at: a change before is seen by the look, and one after it cuts the
// context off. saw tells which Tenant the look found; end has to be called.
func (r *readings) begin(ctx context.Context, key types.NamespacedName) (work context.Context, saw func(*v1alpha1.Tenant), end func()) {
	work, cancel := context.WithCancelCause(ctx)
	one := &reading{cancel: cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running = map[types.NamespacedName]*reading{}
	}
	r.running[key] = one
	saw = func(t *v1alpha1.Tenant) {
		r.mu.Lock()
		defer r.mu.Unlock()
		one.of = t.DeepCopy()
	}
	end = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.running[key] == one {
			delete(r.running, key)
		}
		cancel(nil)
	}
	return work, saw, end
}

// changed cuts off the reading of a Tenant that is not any more what its reconcile saw.
func (r *readings) changed(t *v1alpha1.Tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.running[client.ObjectKeyFromObject(t)]
	if one == nil || one.of != nil && one.of.Generation >= t.Generation && released(one.of) == released(t) {
		return
	}
	one.cancel(errChanged)
}

// cutOff says that a reading ended because its Tenant changed.
func cutOff(work context.Context) bool { return errors.Is(context.Cause(work), errChanged) }

// interrupt hears of each change of a Tenant at once, also while a reconcile of it is under way. A suspended Tenant has no
// client from then on.
func (r *TenantReconciler) interrupt(_ context.Context, e event.UpdateEvent, _ workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	t, ok := e.ObjectNew.(*v1alpha1.Tenant)
	if !ok {
		return
	}
	r.readings.changed(t)
	if t.Spec.Suspend {
		r.Store.Delete(client.ObjectKeyFromObject(t))
	}
}

// released says that a person lets a deletion finish although the tenant cannot be cleaned (P7).
func released(o client.Object) bool {
	return o.GetAnnotations()[v1alpha1.AnnotationReleaseFinalizer] == "true"
}
