// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fair

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Lanes knows which Tenant each policy and wave is about, from what the cache hears of them; both stand in the Tenant's
// namespace. What it has not heard of yet counts for the namespace. It is safe for concurrent use.
type Lanes struct {
	mu       sync.RWMutex
	tenants  map[types.NamespacedName]string // of policies
	policies map[types.NamespacedName]string // of waves
}

// NewLanes knows nothing yet.
func NewLanes() *Lanes {
	return &Lanes{tenants: map[types.NamespacedName]string{}, policies: map[types.NamespacedName]string{}}
}

// OfTenant is the lane of a Tenant.
func (l *Lanes) OfTenant(req reconcile.Request) string { return req.String() }

// OfPolicy is the lane of the Tenant of a policy.
func (l *Lanes) OfPolicy(req reconcile.Request) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return req.Namespace + "/" + l.tenants[req.NamespacedName]
}

// OfWave is the lane of the Tenant of a wave's policy.
func (l *Lanes) OfWave(req reconcile.Request) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return req.Namespace + "/" + l.tenants[types.NamespacedName{Namespace: req.Namespace, Name: l.policies[req.NamespacedName]}]
}

// Handler hears of policies and waves, as handler of their informers.
func (l *Lanes) Handler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    l.heard,
		UpdateFunc: func(_, now any) { l.heard(now) },
		DeleteFunc: l.gone,
	}
}

func (l *Lanes) heard(obj any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch o := obj.(type) {
	case *v1alpha1.PasskeyPolicy:
		l.tenants[client.ObjectKeyFromObject(o)] = o.Spec.TenantRef.Name
	case *v1alpha1.PilotWave:
		l.policies[client.ObjectKeyFromObject(o)] = o.Spec.PolicyRef.Name
	}
}

func (l *Lanes) gone(obj any) {
	if last, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = last.Obj
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch o := obj.(type) {
	case *v1alpha1.PasskeyPolicy:
		delete(l.tenants, client.ObjectKeyFromObject(o))
	case *v1alpha1.PilotWave:
		delete(l.policies, client.ObjectKeyFromObject(o))
	}
}
