// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package credential

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
)

// Mistake is a fault in what a person wrote, with the words for its remedy.
type Mistake struct{ Reason, Message string }

// Withdrawn says that the Tenant may not use what it names. What it was given before does not serve it any longer either, unlike
// after a mistake by which a credential cannot be found.
func (m *Mistake) Withdrawn() bool {
	return m != nil && (m.Reason == v1alpha1.ReasonSecretNotForTenant || m.Reason == v1alpha1.ReasonIdentityNotAllowed || m.Reason == v1alpha1.ReasonEndpointNotAllowed)
}

// Credential is what a Tenant signs in with.
type Credential struct {
	Auth graph.Auth
	// Mistake says why there is none; nil when there is.
	Mistake *Mistake
	// Note is what a person should know about the Secret that holds it; empty when there is nothing to say.
	Note string

	secret *corev1.Secret // nil for a workload identity
}

// Trust is what whoever runs the operator allows to those who may write Tenants. The zero value allows nothing.
type Trust struct {
	// IdentityNamespaces are the namespaces whose Tenants may sign in with the operator's own workload identity.
	IdentityNamespaces []string
	// EndpointHosts are the hosts that spec.endpoint of a Tenant may name.
	EndpointHosts graph.HostList
}

// Keeper reads credentials and keeps their Secrets.
type Keeper struct {
	// Trust says who may use the operator's own identity.
	Trust Trust
	// Client writes the status of Tenants and the finalizers of Secrets.
	Client client.Client
	// Reader reads past the cache: Secrets are not watched, so that the operator needs no right to list them.
	Reader client.Reader
	// Leaving is held while a Tenant lets go of its Secrets and goes: of two that go at once, the second has to see that the
	// first is gone.
	Leaving *sync.Mutex
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

// Read reads what a Tenant signs in with, or says what is wrong with it. A Secret that is being deleted still serves.
func (k Keeper) Read(ctx context.Context, t *v1alpha1.Tenant) Credential {
	ref := secretRef(t)
	if ref == nil {
		return k.identity(t)
	}
	s, m := k.secret(ctx, t, *ref)
	if m != nil {
		return Credential{Mistake: m}
	}
	value := s.Data[ref.Key]
	if a := t.Spec.Auth.ClientSecret; a != nil {
		secret, note := password(s.Name, ref.Key, value)
		return Credential{Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: a.ClientID, Secret: secret}}, Note: note, secret: s}
	}
	return Credential{Auth: graph.Auth{Certificate: &graph.Certificate{ClientID: t.Spec.Auth.ClientCertificate.ClientID, Data: value}}, secret: s}
}

// Keep reads the credential and keeps its Secret. What cannot be used does not push out what was used before.
func (k Keeper) Keep(ctx context.Context, t *v1alpha1.Tenant) (c Credential, err error) {
	c = k.Read(ctx, t)
	if c.Mistake == nil {
		var note string
		note, err = k.keepSecrets(ctx, t, c.secret)
		c.Note = strings.Trim(c.Note+"; "+note, "; ")
	}
	return c, err
}

// identity is the operator's own, for a namespace that may use it. It is nobody's in a namespace that is not named: whoever
// writes a Tenant there would act in the company's directory as the operator.
func (k Keeper) identity(t *v1alpha1.Tenant) Credential {
	if !slices.Contains(k.Trust.IdentityNamespaces, t.Namespace) {
		return Credential{Mistake: &Mistake{v1alpha1.ReasonIdentityNotAllowed, fmt.Sprintf(
			"namespace %q may not sign in with the operator's own workload identity: whoever runs the operator can allow it by --workload-identity-namespaces=%s; "+
				"or set spec.auth.clientSecret or spec.auth.clientCertificate", t.Namespace, t.Namespace)}}
	}
	w := graph.WorkloadIdentity{}
	if a := t.Spec.Auth.WorkloadIdentity; a != nil {
		w.ClientID = a.ClientID
	}
	return Credential{Auth: graph.Auth{WorkloadIdentity: &w}}
}

// password is an application secret without the line break that a file ends in, which Entra would refuse without saying why.
func password(name, key string, value []byte) (secret, note string) {
	secret = strings.TrimRight(string(value), "\r\n")
	if len(secret) < len(value) {
		note = fmt.Sprintf("the value under the key %q of Secret %q ends in a line break, which is left out: store it without, as by --from-literal", key, name)
	}
	return secret, note
}

// Release ends the deletion of a Tenant: it lets go of its Secrets and then, by leave, of the Tenant itself: nobody would know
// of them afterwards. waits says why a Secret cannot be let go of; the Tenant stays then, unless it is released.
func (k Keeper) Release(ctx context.Context, t *v1alpha1.Tenant, leave func() error) (waits string, err error) {
	k.Leaving.Lock()
	defer k.Leaving.Unlock()
	for _, name := range secretsOf(t) {
		err := k.releaseSecret(ctx, t, name)
		switch {
		case refusedByCluster(err) && v1alpha1.Released(t):
			log.FromContext(ctx).Error(err, "a Secret keeps its finalizer", "secret", name, "finalizer", v1alpha1.FinalizerCredential)
		case refusedByCluster(err):
			return fmt.Sprintf("deleted, and needed by no policy any more, but %s; or set annotation %s to \"true\" to let go of this Tenant alone",
				stillKept(t.Namespace, name), v1alpha1.AnnotationReleaseFinalizer), nil
		case err != nil:
			return "", err
		}
	}
	return "", leave()
}

func (k Keeper) secret(ctx context.Context, t *v1alpha1.Tenant, ref v1alpha1.SecretKeyRef) (*corev1.Secret, *Mistake) {
	namespace, elsewhere := t.Namespace, ""
	if !t.DeletionTimestamp.IsZero() { // perhaps together with its namespace, in which then nothing can be created
		elsewhere = ", or in a namespace that is being deleted, which takes no new objects, change spec.auth of this Tenant to a Secret that is left or to workloadIdentity"
	}
	s := &corev1.Secret{}
	err := k.Reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, s)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &Mistake{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %q is not in namespace %q: create it with the key %q%s", ref.Name, namespace, ref.Key, elsewhere)}
	case err != nil:
		return nil, &Mistake{v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %q cannot be read: %v", ref.Name, err)}
	case s.Labels[v1alpha1.LabelTenant] != t.Name:
		return nil, notFor(s, t)
	case len(bytes.Trim(s.Data[ref.Key], "\r\n")) == 0:
		return nil, &Mistake{v1alpha1.ReasonSecretKeyNotFound, fmt.Sprintf("Secret %q has no value under the key %q: add it, or name the right key in secretRef.key", ref.Name, ref.Key)}
	}
	return s, nil
}

// notFor says that a Secret is not for a Tenant. Whoever may write Tenants would otherwise send any Secret of the namespace out,
// those that they may not read included; whoever may change a Secret may read it.
func notFor(s *corev1.Secret, t *v1alpha1.Tenant) *Mistake {
	has, overwrite := "has no label "+v1alpha1.LabelTenant, ""
	if other, labelled := s.Labels[v1alpha1.LabelTenant]; labelled {
		has, overwrite = fmt.Sprintf("is for Tenant %q by its label %s", other, v1alpha1.LabelTenant), " --overwrite"
	}
	return &Mistake{v1alpha1.ReasonSecretNotForTenant, fmt.Sprintf("Secret %q %s, so that it is not used: if it is meant for this Tenant, whoever owns the Secret says so by "+
		"kubectl -n %s label secret %s %s=%s%s", s.Name, has, s.Namespace, s.Name, v1alpha1.LabelTenant, t.Name, overwrite)}
}

// Application is the application that a Tenant signs in as, in words.
func Application(t *v1alpha1.Tenant) string {
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
