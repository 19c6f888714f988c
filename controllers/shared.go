// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

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

func wavesOf(ctx context.Context, c client.Reader, namespace, policy string) ([]v1alpha1.PilotWave, error) {
	return observe.Waves(ctx, c, namespace, policy)
}

// setFinalizer is cluster.SetFinalizer.
func (k *Kit) setFinalizer(ctx context.Context, obj client.Object, on bool) error {
	return cluster.SetFinalizer(ctx, k.Client, obj, on)
}

// The words for an error of the tenant: the reason of a condition, what a person can do about it, and when to look again.
var (
	reasonOf   = graph.Reason
	readable   = graph.Readable
	retryDelay = graph.RetryDelay
)
