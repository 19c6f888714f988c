// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// tenantOfPolicy wakes the Tenant when a policy appears or gets new objects whose reports have to be read.
func tenantOfPolicy(_ context.Context, o client.Object) []ctrl.Request {
	p, ok := o.(*v1alpha1.PasskeyPolicy)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.TenantRef.Name}}}
}

// policyOfWave wakes the policy of a wave.
func policyOfWave(_ context.Context, o client.Object) []ctrl.Request {
	w, ok := o.(*v1alpha1.PilotWave)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: w.Namespace, Name: w.Spec.PolicyRef.Name}}}
}

// policiesOfTenant wakes the policies of a Tenant.
func (k *Kit) policiesOfTenant(ctx context.Context, o client.Object) []ctrl.Request {
	var out []ctrl.Request
	for _, p := range policiesBehind(ctx, k.Client, o) {
		out = append(out, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&p)})
	}
	return out
}

// dependents wakes the other waves of a policy when one changes its phase.
func (k *Kit) dependents(ctx context.Context, o client.Object) []ctrl.Request {
	w, ok := o.(*v1alpha1.PilotWave)
	if !ok {
		return nil
	}
	out := k.waveRequests(ctx, w.Namespace, w.Spec.PolicyRef.Name)
	for i := range out {
		if out[i].Name == w.Name {
			return append(out[:i], out[i+1:]...)
		}
	}
	return out
}

func (k *Kit) wavesOfPolicy(ctx context.Context, o client.Object) []ctrl.Request {
	return k.waveRequests(ctx, o.GetNamespace(), o.GetName())
}

func (k *Kit) wavesOfTenant(ctx context.Context, o client.Object) []ctrl.Request {
	var out []ctrl.Request
	for _, p := range policiesBehind(ctx, k.Client, o) {
		out = append(out, k.waveRequests(ctx, p.Namespace, p.Name)...)
	}
	return out
}

func (k *Kit) waveRequests(ctx context.Context, namespace, policy string) []ctrl.Request {
	waves, err := wavesOf(ctx, k.Client, namespace, policy)
	if err != nil {
		log.FromContext(ctx).Error(err, "cannot wake the waves of the policy", "policy", policy)
		return nil
	}
	out := make([]ctrl.Request, len(waves))
	for i := range waves {
		out[i] = ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&waves[i])}
	}
	return out
}

// policiesBehind lists the policies of the Tenant that a watch saw change. A failure is logged: a watch has no one to tell,
// and the policies come by on their own interval.
func policiesBehind(ctx context.Context, c client.Reader, o client.Object) []v1alpha1.PasskeyPolicy {
	t, ok := o.(*v1alpha1.Tenant)
	if !ok {
		return nil
	}
	list, err := policiesOf(ctx, c, t)
	if err != nil {
		log.FromContext(ctx).Error(err, "cannot wake what depends on the tenant", "tenant", t.Name)
	}
	return list
}

// forSpecChanges lets a reconcile start on a change of spec, annotations or deletion, not on its own status write.
func forSpecChanges() predicateOption {
	return predicateOption{predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})}
}

// predicateOption filters the events of the reconciled kind itself.
type predicateOption struct{ predicate.Predicate }

// ApplyToFor implements builder.ForOption.
func (p predicateOption) ApplyToFor(in *builder.ForInput) {
	builder.WithPredicates(p.Predicate).ApplyToFor(in)
}

// readinessChanges lets a Tenant wake what depends on it when its readiness or its inventory changes.
func readinessChanges() builder.WatchesOption {
	return builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok := e.ObjectOld.(*v1alpha1.Tenant)
		is, ok2 := e.ObjectNew.(*v1alpha1.Tenant)
		return !ok || !ok2 || was.Generation != is.Generation || was.Status.Reason != is.Status.Reason ||
			!equality.Semantic.DeepEqual(was.Status.Inventory, is.Status.Inventory)
	}})
}

// policyChanges lets a policy wake what depends on it when its spec or its status changes, not when only its metadata does.
func policyChanges() builder.WatchesOption {
	return builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok := e.ObjectOld.(*v1alpha1.PasskeyPolicy)
		is, ok2 := e.ObjectNew.(*v1alpha1.PasskeyPolicy)
		return !ok || !ok2 || was.Generation != is.Generation || !equality.Semantic.DeepEqual(was.Status, is.Status)
	}})
}

// admissionChanges lets a wave wake its policy when something changes that the policy acts on or repeats: its counts of
// devices, which move with every reading of the fleet, are not among it.
func admissionChanges() builder.WatchesOption {
	stalled := func(w *v1alpha1.PilotWave) string {
		if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionStalled); c != nil {
			return string(c.Status) + c.Message
		}
		return ""
	}
	return builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok := e.ObjectOld.(*v1alpha1.PilotWave)
		is, ok2 := e.ObjectNew.(*v1alpha1.PilotWave)
		return !ok || !ok2 || was.Generation != is.Generation || was.Status.Phase != is.Status.Phase || was.Status.Revision != is.Status.Revision ||
			was.DeletionTimestamp.IsZero() != is.DeletionTimestamp.IsZero() || attempts(was) != attempts(is) || stalled(was) != stalled(is)
	}})
}

// phaseChanges lets a wave wake its siblings when its phase or its payload changes.
func phaseChanges() builder.WatchesOption {
	return builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok := e.ObjectOld.(*v1alpha1.PilotWave)
		is, ok2 := e.ObjectNew.(*v1alpha1.PilotWave)
		return !ok || !ok2 || was.Generation != is.Generation || was.Status.Phase != is.Status.Phase || was.Status.Revision != is.Status.Revision || attempts(was) != attempts(is)
	}})
}

// attempts is what others act on of a wave's attempts: which groups there are, and whether somebody is in them and is to stay.
func attempts(w *v1alpha1.PilotWave) string {
	var b strings.Builder
	for _, a := range w.Status.Attempts {
		asked := int32(0)
		if a.Ledger != nil {
			asked = a.Ledger.Asked
		}
		fmt.Fprintf(&b, "%d r%d %s asked %d withdrawn %t succeeded %t regressed %t;", a.Attempt, a.Revision, a.GroupID, asked, a.WithdrawnAt != nil, a.SucceededAt != nil, a.RegressedAt != nil)
	}
	return b.String()
}
