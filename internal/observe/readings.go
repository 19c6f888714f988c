// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// errChanged is the cause for which a reading of the tenant is cut off.
var errChanged = errors.New("the Tenant was changed meanwhile")

// Readings are the readings of tenants under way. One takes minutes in a large fleet, and the next reconcile of the same
// Tenant waits for it; a suspension, a deletion or a release must not (P9). The zero value is ready.
type Readings struct {
	mu      sync.Mutex
	running map[types.NamespacedName]*reading
}

// reading is one of them.
type reading struct {
	cancel context.CancelCauseFunc
	of     *v1alpha1.Tenant // what the reconcile saw; nil before it has looked
}

// Begin starts a reading, before the Tenant is looked at: a change before is seen by the look, and one after it cuts the
// context off. saw tells which Tenant the look found; end has to be called.
func (r *Readings) Begin(ctx context.Context, key types.NamespacedName) (work context.Context, saw func(*v1alpha1.Tenant), end func()) {
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

// Changed cuts off the reading of a Tenant that is not any more what its reconcile saw.
func (r *Readings) Changed(t *v1alpha1.Tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.running[client.ObjectKeyFromObject(t)]
	if one == nil || one.of != nil && one.of.Generation >= t.Generation && v1alpha1.Released(one.of) == v1alpha1.Released(t) {
		return
	}
	one.cancel(errChanged)
}

// CutOff says that a reading ended because its Tenant changed.
func CutOff(work context.Context) bool { return errors.Is(context.Cause(work), errChanged) }
