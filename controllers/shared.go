// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/cluster"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
)

// Index names: which objects refer to a given one.
const (
	IndexPolicyTenant = observe.IndexPolicyTenant
	IndexWavePolicy   = observe.IndexWavePolicy
)

// AddIndexes registers the look-ups that the controllers use with the manager's cache.
func AddIndexes(ctx context.Context, i client.FieldIndexer) error {
	err := i.IndexField(ctx, &v1alpha1.PasskeyPolicy{}, IndexPolicyTenant, func(o client.Object) []string {
		p, _ := o.(*v1alpha1.PasskeyPolicy)
		return []string{p.Spec.TenantRef.Name}
	})
	if err != nil {
		return fmt.Errorf("index policies by tenant: %w", err)
	}
	err = i.IndexField(ctx, &v1alpha1.PilotWave{}, IndexWavePolicy, func(o client.Object) []string {
		w, _ := o.(*v1alpha1.PilotWave)
		return []string{w.Spec.PolicyRef.Name}
	})
	if err != nil {
		return fmt.Errorf("index waves by policy: %w", err)
	}
	return nil
}

func policiesOf(ctx context.Context, c client.Reader, t *v1alpha1.Tenant) ([]v1alpha1.PasskeyPolicy, error) {
	return observe.Policies(ctx, c, t)
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

func wavesOf(ctx context.Context, c client.Reader, namespace, policy string) ([]v1alpha1.PilotWave, error) {
	return observe.Waves(ctx, c, namespace, policy)
}

// setFinalizer is cluster.SetFinalizer.
func (k *Kit) setFinalizer(ctx context.Context, obj client.Object, on bool) error {
	return cluster.SetFinalizer(ctx, k.Client, obj, on)
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

// The words for an error of the tenant: the reason of a condition, what a person can do about it, and when to look again.
var (
	reasonOf   = graph.Reason
	readable   = graph.Readable
	retryDelay = graph.RetryDelay
)

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
		fmt.Fprintf(&b, "%d r%d %s asked %d withdrawn %t succeeded %t;", a.Attempt, a.Revision, a.GroupID, asked, a.WithdrawnAt != nil, a.SucceededAt != nil)
	}
	return b.String()
}
