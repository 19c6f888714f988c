// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

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
	"github.com/tidegate/tidegate/internal/graph"
)

// mistake is a fault in what a person wrote, with the words for its remedy.
type mistake struct{ reason, message string }

// credential is what a Tenant signs in with.
type credential struct {
	auth graph.Auth
	// secret holds it; nil for a workload identity.
	secret *corev1.Secret
	// mistake says why there is none; nil when there is.
	mistake *mistake
}

// secretRef is the Secret key that a Tenant signs in with; nil for a workload identity.
func secretRef(t *v1alpha1.Tenant) *v1alpha1.SecretKeyRef {
	switch a := &t.Spec.Auth; {
	case a.ClientSecret != nil:
		return &a.ClientSecret.SecretRef
	case a.ClientCertificate != nil:
		return &a.ClientCertificate.SecretRef
	}
	return nil
}

// credential reads what the Tenant signs in with, or says what is wrong with it. A Secret that is being deleted still serves.
func (r *TenantReconciler) credential(ctx context.Context, t *v1alpha1.Tenant) credential {
	ref := secretRef(t)
	if ref == nil {
		w := graph.WorkloadIdentity{}
		if a := t.Spec.Auth.WorkloadIdentity; a != nil {
			w.ClientID = a.ClientID
		}
		return credential{auth: graph.Auth{WorkloadIdentity: &w}}
	}
	s, m := r.secret(ctx, t, *ref)
	if m != nil {
		return credential{mistake: m}
	}
	value := s.Data[ref.Key]
	if a := t.Spec.Auth.ClientSecret; a != nil {
		return credential{auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: a.ClientID, Secret: string(value)}}, secret: s}
	}
	return credential{auth: graph.Auth{Certificate: &graph.Certificate{ClientID: t.Spec.Auth.ClientCertificate.ClientID, Data: value}}, secret: s}
}

// keptCredential reads the credential and keeps its Secret. What cannot be used does not push out what was used before. The
// note is what a person should know about the Secret.
func (r *TenantReconciler) keptCredential(ctx context.Context, t *v1alpha1.Tenant) (c credential, note string, err error) {
	c = r.credential(ctx, t)
	if c.mistake == nil {
		note, err = r.keepSecrets(ctx, t, c.secret)
	}
	return c, note, err
}

func (r *TenantReconciler) secret(ctx context.Context, t *v1alpha1.Tenant, ref v1alpha1.SecretKeyRef) (*corev1.Secret, *mistake) {
	namespace, elsewhere := t.Namespace, ""
	if !t.DeletionTimestamp.IsZero() { // perhaps together with its namespace, in which then nothing can be created
		elsewhere = ", or in a namespace that is being deleted, which takes no new objects, change spec.auth of this Tenant to a Secret that is left or to workloadIdentity"
	}
	s := &corev1.Secret{}
	err := r.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, s)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &mistake{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %q is not in namespace %q: create it with the key %q%s", ref.Name, namespace, ref.Key, elsewhere)}
	case err != nil:
		return nil, &mistake{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %q cannot be read: %v", ref.Name, err)}
	case len(s.Data[ref.Key]) == 0:
		return nil, &mistake{v1alpha1.ReasonSecretKeyNotFound, fmt.Sprintf("Secret %q has no value under the key %q: add it, or name the right key in secretRef.key", ref.Name, ref.Key)}
	}
	return s, nil
}

// keepSecrets keeps the Secret that the Tenant signs in with from being deleted, and lets go of those that it does not use any
// more: a namespace is deleted in any order of its kinds, and without a credential nothing could be cleaned up (P7). Each name
// is in the status before the finalizer is on the Secret, so that none is forgotten in a crash. The note is what a person
// should know about it.
func (r *TenantReconciler) keepSecrets(ctx context.Context, t *v1alpha1.Tenant, s *corev1.Secret) (note string, err error) {
	var use []string
	if s != nil {
		use = []string{s.Name}
		if err := r.recordSecrets(ctx, t, union(t.Status.CredentialSecrets, use)); err != nil {
			return "", err
		}
		if note, err = r.keepSecret(ctx, t, s); err != nil {
			return "", err
		}
	}
	for _, name := range t.Status.CredentialSecrets {
		if slices.Contains(use, name) {
			continue
		}
		err := r.releaseSecret(ctx, t, name)
		switch {
		case refusedByCluster(err):
			use, note = append(use, name), stillKept(t.Namespace, name)
		case err != nil:
			return "", err
		}
	}
	slices.Sort(use)
	return note, r.recordSecrets(ctx, t, use)
}

// recordSecrets writes down which Secrets may carry the finalizer for this Tenant.
func (r *TenantReconciler) recordSecrets(ctx context.Context, t *v1alpha1.Tenant, names []string) error {
	if slices.Equal(t.Status.CredentialSecrets, names) {
		return nil
	}
	before := t.DeepCopy()
	t.Status.CredentialSecrets = names
	return r.patchStatus(ctx, before, t)
}

// keepSecret puts the finalizer on a Secret. Where that is refused, as with a role of an older version, the Tenant goes on
// without, and says so.
func (r *TenantReconciler) keepSecret(ctx context.Context, t *v1alpha1.Tenant, s *corev1.Secret) (note string, err error) {
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
	err = r.patchSecret(ctx, s, controllerutil.AddFinalizer)
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
func (r *TenantReconciler) releaseSecret(ctx context.Context, t *v1alpha1.Tenant, name string) error {
	s := &corev1.Secret{}
	if err := r.Reader.Get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: name}, s); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !controllerutil.ContainsFinalizer(s, v1alpha1.FinalizerCredential) {
		return nil
	}
	if used, err := r.usedByAnother(ctx, t, name); used || err != nil {
		return err
	}
	removeFinalizer := func(o client.Object, name string) bool { return controllerutil.RemoveFinalizer(o, name) }
	if err := r.patchSecret(ctx, s, removeFinalizer); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("let go of Secret %q: %w", name, err)
	}
	return nil
}

// usedByAnother says whether another Tenant of the namespace keeps the Secret. It looks past the cache, as the last one must
// see that the others are gone. A Tenant without finalizer could go at any time without a word, so it does not count: it puts
// the finalizer on the Secret by itself.
func (r *TenantReconciler) usedByAnother(ctx context.Context, t *v1alpha1.Tenant, name string) (bool, error) {
	var list v1alpha1.TenantList
	if err := r.Reader.List(ctx, &list, client.InNamespace(t.Namespace)); err != nil {
		return false, fmt.Errorf("list the Tenants that use Secret %q: %w", name, err)
	}
	return slices.ContainsFunc(list.Items, func(other v1alpha1.Tenant) bool {
		return other.UID != t.UID && controllerutil.ContainsFinalizer(&other, v1alpha1.Finalizer) && slices.Contains(secretsOf(&other), name)
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
func (r *TenantReconciler) patchSecret(ctx context.Context, s *corev1.Secret, change func(o client.Object, finalizer string) bool) error {
	before := s.DeepCopy()
	change(s, v1alpha1.FinalizerCredential)
	return r.Client.Patch(ctx, s, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(FieldOwner),
		client.DisableReadYourWritesConsistency)
}

// refusedByCluster says that RBAC or an admission policy does not allow a write, which the next try does not change.
func refusedByCluster(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) }

func stillKept(namespace, name string) string {
	return fmt.Sprintf("Secret %q still carries the finalizer %s, as the cluster refuses to let the manager take it off: give the manager the right to patch secrets (config/rbac), "+
		"or take it off by hand: kubectl -n %s edit secret %s", name, v1alpha1.FinalizerCredential, namespace, name)
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
