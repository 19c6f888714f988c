// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/cluster"
)

// keepSecrets keeps the Secret that the Tenant signs in with from being deleted, and lets go of those that it does not use any
// more: a namespace is deleted in any order of its kinds, and without a credential nothing could be cleaned up (P7). Each name
// is in the status before the finalizer is on the Secret, so that none is forgotten in a crash. The note is what a person
// should know about it.
func (k Keeper) keepSecrets(ctx context.Context, t *v1alpha1.Tenant, s *corev1.Secret) (note string, err error) {
	var use []string
	if s != nil {
		use = []string{s.Name}
		if err := k.recordSecrets(ctx, t, union(t.Status.CredentialSecrets, use)); err != nil {
			return "", err
		}
		if note, err = k.keepSecret(ctx, t, s); err != nil {
			return "", err
		}
	}
	for _, name := range t.Status.CredentialSecrets {
		if slices.Contains(use, name) {
			continue
		}
		err := k.releaseSecret(ctx, t, name)
		switch {
		case refusedByCluster(err):
			use, note = append(use, name), stillKept(t.Namespace, name)
		case err != nil:
			return "", err
		}
	}
	slices.Sort(use)
	return note, k.recordSecrets(ctx, t, use)
}

// recordSecrets writes down which Secrets may carry the finalizer for this Tenant.
func (k Keeper) recordSecrets(ctx context.Context, t *v1alpha1.Tenant, names []string) error {
	if slices.Equal(t.Status.CredentialSecrets, names) {
		return nil
	}
	before := t.DeepCopy()
	t.Status.CredentialSecrets = names
	return cluster.PatchStatus(ctx, k.Client, before, t)
}

// keepSecret puts the finalizer on a Secret. Where that is refused, as with a role of an older version, the Tenant goes on
// without, and says so.
func (k Keeper) keepSecret(ctx context.Context, t *v1alpha1.Tenant, s *corev1.Secret) (note string, err error) {
	kept := controllerutil.ContainsFinalizer(s, v1alpha1.FinalizerCredential)
	switch deleted := !s.DeletionTimestamp.IsZero(); {
	case deleted && !t.DeletionTimestamp.IsZero(), !deleted && kept:
		return "", nil
	case deleted && kept:
		return fmt.Sprintf("Secret %q was deleted and is kept as long as this Tenant signs in with it: to renew the credential change the Secret's data where it is; "+
			"to let it go name another Secret in spec.auth", s.Name), nil
	case deleted:
		return fmt.Sprintf("Secret %q is being deleted and can no longer be kept: store the credential in another Secret and name that in spec.auth", s.Name), nil
	}
	err = k.patchSecret(ctx, s, controllerutil.AddFinalizer)
	switch {
	case refusedByCluster(err):
		return fmt.Sprintf("Secret %q is not protected from being deleted before this Tenant, as the cluster refuses the finalizer %s: the manager needs the right to patch secrets (config/rbac)",
			s.Name, v1alpha1.FinalizerCredential), nil
	case err != nil:
		return "", fmt.Errorf("keep Secret %q: %w", s.Name, err)
	}
	log.FromContext(ctx).Info("the credential is kept as long as the Tenant needs it", "secret", s.Name)
	return "", nil
}

// releaseSecret takes the finalizer off a Secret, unless another Tenant signs in with it.
func (k Keeper) releaseSecret(ctx context.Context, t *v1alpha1.Tenant, name string) error {
	s := &corev1.Secret{}
	if err := k.Reader.Get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: name}, s); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !controllerutil.ContainsFinalizer(s, v1alpha1.FinalizerCredential) {
		return nil
	}
	if used, err := k.usedByAnother(ctx, t, s); used || err != nil {
		return err
	}
	removeFinalizer := func(o client.Object, name string) bool { return controllerutil.RemoveFinalizer(o, name) }
	if err := k.patchSecret(ctx, s, removeFinalizer); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("let go of Secret %q: %w", name, err)
	}
	return nil
}

// usedByAnother says whether another Tenant of the namespace keeps the Secret: the one that its label names now, or one that it
// named before. It looks past the cache, as the last one must see that the others are gone. A Tenant without finalizer could go
// at any time without a word, so it does not count: it puts the finalizer on the Secret by itself.
func (k Keeper) usedByAnother(ctx context.Context, t *v1alpha1.Tenant, s *corev1.Secret) (bool, error) {
	var list v1alpha1.TenantList
	if err := k.Reader.List(ctx, &list, client.InNamespace(t.Namespace)); err != nil {
		return false, fmt.Errorf("list the Tenants that use Secret %q: %w", s.Name, err)
	}
	return slices.ContainsFunc(list.Items, func(other v1alpha1.Tenant) bool {
		ref := secretRef(&other)
		means := ref != nil && ref.Name == s.Name && s.Labels[v1alpha1.LabelTenant] == other.Name
		return other.UID != t.UID && controllerutil.ContainsFinalizer(&other, v1alpha1.Finalizer) && (means || slices.Contains(other.Status.CredentialSecrets, s.Name))
	}), nil
}

// union is all names of two lists, in order.
func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// secretsOf are the Secrets that may carry the finalizer for a Tenant.
func secretsOf(t *v1alpha1.Tenant) []string {
	if ref := secretRef(t); ref != nil {
		return union(t.Status.CredentialSecrets, []string{ref.Name})
	}
	return t.Status.CredentialSecrets
}

// patchSecret changes the finalizers of a Secret and nothing else of it. Secrets are read past the cache: to keep track of the
// write, the client would begin to list and watch all of them, and wait for what the manager has no right to.
func (k Keeper) patchSecret(ctx context.Context, s *corev1.Secret, change func(o client.Object, finalizer string) bool) error {
	before := s.DeepCopy()
	change(s, v1alpha1.FinalizerCredential)
	return k.Client.Patch(ctx, s, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(cluster.FieldOwner),
		client.DisableReadYourWritesConsistency)
}

// refusedByCluster says that RBAC or an admission policy does not allow a write, which the next try does not change.
func refusedByCluster(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) }

func stillKept(namespace, name string) string {
	return fmt.Sprintf("Secret %q still carries the finalizer %s, as the cluster refuses to let the manager take it off: give the manager the right to patch secrets (config/rbac), "+
		"or take it off by hand: kubectl -n %s edit secret %s", name, v1alpha1.FinalizerCredential, namespace, name)
}
