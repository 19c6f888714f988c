// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/status"
)

// Tenant reads a Tenant; nil when there is none.
func Tenant(ctx context.Context, c client.Reader, key types.NamespacedName) (*v1alpha1.Tenant, error) {
	t := &v1alpha1.Tenant{}
	if err := c.Get(ctx, key, t); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read Tenant %q: %w", key.Name, err)
	}
	return t, nil
}

// IndexPolicyTenant is the index of policies by the name of their Tenant.
const IndexPolicyTenant = "spec.tenantRef.name"

// Policies lists the policies of a Tenant. c has the index IndexPolicyTenant.
func Policies(ctx context.Context, c client.Reader, t *v1alpha1.Tenant) ([]v1alpha1.PasskeyPolicy, error) {
	var list v1alpha1.PasskeyPolicyList
	if err := c.List(ctx, &list, client.InNamespace(t.Namespace), client.MatchingFields{IndexPolicyTenant: t.Name}); err != nil {
		return nil, fmt.Errorf("list the policies of the tenant: %w", err)
	}
	return list.Items, nil
}

// Remains names what the policies of a Tenant and their waves have in the tenant.
func Remains(ctx context.Context, c client.Reader, policies []v1alpha1.PasskeyPolicy) (string, error) {
	var parts []string
	for i := range policies {
		waves, err := Waves(ctx, c, policies[i].Namespace, policies[i].Name)
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
