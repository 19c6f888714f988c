// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// secretNamed reads a Secret; nil when it is gone.
func (l *lab) secretNamed(name string) *corev1.Secret {
	l.t.Helper()
	s := named(name, &corev1.Secret{})
	if err := l.kube.Get(l.t.Context(), client.ObjectKeyFromObject(s), s); client.IgnoreNotFound(err) != nil {
		l.t.Fatal(err)
	} else if err != nil {
		return nil
	}
	return s
}

// kept says whether a Secret carries our finalizer, and nothing else of ours.
func (l *lab) kept(name string) bool {
	l.t.Helper()
	s := l.secretNamed(name)
	return s != nil && slices.Equal(s.Finalizers, []string{v1alpha1.FinalizerCredential})
}

func (l *lab) remove(objs ...client.Object) {
	l.t.Helper()
	for _, o := range objs {
		if err := l.kube.Delete(l.t.Context(), o); client.IgnoreNotFound(err) != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *lab) message() string {
	l.t.Helper()
	return meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionReady).Message
}

// anotherSecret has the same credential, for the same Tenant.
func (l *lab) anotherSecret(name string) *corev1.Secret {
	s := named(name, &corev1.Secret{Data: map[string][]byte{"secret": []byte(l.sim.ClientSecret())}})
	s.Labels = map[string]string{v1alpha1.LabelTenant: "corp"}
	return s
}

// label says for which Tenant a Secret is; empty takes the label off.
func (l *lab) label(secret, tenant string) {
	l.t.Helper()
	s := l.secretNamed(secret)
	s.Labels = nil
	if tenant != "" {
		s.Labels = map[string]string{v1alpha1.LabelTenant: tenant}
	}
	if err := l.kube.Update(l.t.Context(), s); err != nil {
		l.t.Fatal(err)
	}
}

// TestPromise07_SecretOutlivesItsTenant: the Secret is kept as long as the Tenant is there, still serves after somebody
// deleted it, and goes with the Tenant. Nothing is written in steady state (P12).
func TestPromise07_SecretOutlivesItsTenant(t *testing.T) {
	l := newLab(t, calm())
	was := l.secretNamed("credential")
	l.apply(l.newTenant(), newPolicy())
	l.rest()
	is := l.secretNamed("credential")
	if !l.kept("credential") || string(is.Data["secret"]) != string(was.Data["secret"]) || !slices.Equal(l.tenant().Status.CredentialSecrets, []string{"credential"}) {
		t.Fatalf("%+v, status %v", is.ObjectMeta, l.tenant().Status.CredentialSecrets)
	}
	before := l.writes
	l.round()
	if l.writes != before {
		t.Errorf("%d writes in steady state", l.writes-before)
	}
	l.remove(is)
	l.start(t) // a new process has no client yet
	l.rest()
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonSucceeded || !strings.Contains(l.message(), `Secret "credential" was deleted and is kept`) {
		t.Errorf("%s: %s", s.Reason, l.message())
	}
	l.remove(l.policy(), l.tenant())
	for range 8 {
		l.round()
	}
	if n := len(l.sim.Snapshot(false).Policies); n != 0 || l.secretNamed("credential") != nil {
		t.Errorf("%d policies are left in the tenant, Secret %+v", n, l.secretNamed("credential"))
	}
}

// TestSecretIsLetGo: a Secret that stays behind is as it was before the Tenant, whether the Tenant goes, names another one, or
// signs in otherwise.
func TestSecretIsLetGo(t *testing.T) {
	for name, change := range map[string]func(l *lab){
		"tenant deleted": func(l *lab) { l.remove(l.tenant()) },
		"another Secret": func(l *lab) {
			ten := l.tenant()
			l.edit(ten, func() { ten.Spec.Auth.ClientSecret.SecretRef.Name = "second" })
		},
		"another identity": func(l *lab) {
			ten := l.tenant()
			l.edit(ten, func() {
				ten.Spec.Auth, ten.Spec.Endpoint = v1alpha1.TenantAuth{WorkloadIdentity: &v1alpha1.WorkloadIdentityAuth{ClientID: "app"}}, nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, calm())
			l.tenants.Trust.IdentityNamespaces = []string{ns}
			l.apply(l.newTenant(), l.anotherSecret("second"))
			l.rest()
			change(l)
			l.round()
			if got := l.secretNamed("credential"); got == nil || len(got.Finalizers) != 0 {
				t.Errorf("%+v", got)
			}
			if l.kept("second") != (name == "another Secret") {
				t.Error("the other Secret")
			}
		})
	}
}

// TestSecretIsKeptUntilAnotherWorks: a slip in spec.auth does not give up the credential that works.
func TestSecretIsKeptUntilAnotherWorks(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant(), newPolicy())
	l.rest()
	ten := l.tenant()
	l.edit(ten, func() { ten.Spec.Auth.ClientSecret.SecretRef.Name = "slip" })
	l.rest()
	if got := l.tenant().Status; got.Reason != v1alpha1.ReasonSecretNotFound || !l.kept("credential") || !slices.Equal(got.CredentialSecrets, []string{"credential"}) {
		t.Errorf("%+v", got)
	}
	l.remove(l.tenant(), l.policy())
	ten = l.tenant()
	ten.SetAnnotations(map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"})
	if err := l.kube.Update(t.Context(), ten); err != nil {
		t.Fatal(err)
	}
	l.round()
	if got := l.secretNamed("credential"); len(got.Finalizers) != 0 {
		t.Errorf("left behind on a Secret that spec does not name: %v", got.Finalizers)
	}
}

// TestSecretOfTwoTenants: a Secret that was for one Tenant and then for another is kept until the last of them is gone, also when
// both go at the same moment.
func TestSecretOfTwoTenants(t *testing.T) {
	both := func(t *testing.T) *lab {
		l := newLab(t, calm())
		second := l.newTenant()
		second.Name = "second"
		l.apply(l.newTenant(), second)
		for range 3 {
			l.round()
		}
		l.label("credential", "second")
		for range 3 {
			if _, err := l.tenants.Reconcile(t.Context(), requestOf("second")); err != nil {
				t.Fatal(err)
			}
		}
		return l
	}
	l := both(t)
	second := named("second", &v1alpha1.Tenant{})
	l.remove(second)
	if _, err := l.tenants.Reconcile(t.Context(), requestOf("second")); err != nil || !l.kept("credential") {
		t.Fatalf("the other one needs it: %v", err)
	}
	l.remove(l.tenant())
	l.round()
	if got := l.secretNamed("credential"); len(got.Finalizers) != 0 {
		t.Errorf("%v", got.Finalizers)
	}
	for range 8 {
		l := both(t)
		l.remove(l.tenant(), second)
		var wg sync.WaitGroup
		for _, name := range []string{"corp", "second"} {
			wg.Go(func() {
				for range 5 { // two writers of one Secret: one of them may have to look again
					if _, err := l.tenants.Reconcile(t.Context(), requestOf(name)); err == nil {
						return
					}
				}
			})
		}
		wg.Wait()
		if got := l.secretNamed("credential"); len(got.Finalizers) != 0 {
			t.Fatalf("each left it to the other: %v", got.Finalizers)
		}
	}
}

// TestPromise05_SecretAfterACrash: whichever write fails, in taking up one Secret, changing to another and going, the next
// process leaves nothing behind.
func TestPromise05_SecretAfterACrash(t *testing.T) {
	for at := 1; ; at++ {
		l := newLab(t, calm())
		l.apply(l.newTenant(), l.anotherSecret("second"))
		tried := 0
		play := func() {
			l.refuse = func(client.Object) error {
				if tried++; tried == at {
					return errWrite
				}
				return nil
			}
			for range 4 {
				was := tried
				l.round()
				if was < at && tried >= at {
					l.start(t)
				}
			}
			l.refuse = nil
		}
		play()
		ten := l.tenant()
		l.edit(ten, func() { ten.Spec.Auth.ClientSecret.SecretRef.Name = "second" })
		play()
		if first := l.secretNamed("credential"); len(first.Finalizers) != 0 || !l.kept("second") {
			t.Fatalf("write %d: %v", at, first.Finalizers)
		}
		l.remove(l.tenant())
		play()
		if second := l.secretNamed("second"); len(second.Finalizers) != 0 {
			t.Fatalf("write %d: %v", at, second.Finalizers)
		}
		if err := l.kube.Get(t.Context(), keyOf("corp"), &v1alpha1.Tenant{}); !apierrors.IsNotFound(err) {
			t.Fatalf("write %d: the Tenant is there: %v", at, err)
		}
		if tried < at {
			if at < 9 {
				t.Fatalf("only %d writes were tried", at)
			}
			return
		}
	}
}

// TestSecretThatMayNotBeKept: with a role of an older version the Tenant works without, says so, and does not stay for it.
func TestSecretThatMayNotBeKept(t *testing.T) {
	forbidden := func(o client.Object) error {
		if _, ok := o.(*corev1.Secret); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, o.GetName(), nil)
		}
		return nil
	}
	l := newLab(t, calm())
	l.refuse = forbidden
	l.apply(l.newTenant())
	l.rest()
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonSucceeded || !strings.Contains(l.message(), `Secret "credential" is not protected`) || !strings.Contains(l.message(), "config/rbac") {
		t.Fatalf("%s: %s", s.Reason, l.message())
	}
	l.refuse = nil
	l.rest()
	if !l.kept("credential") || strings.Contains(l.message(), "protected") {
		t.Fatalf("the right came back: %s", l.message())
	}

	t.Log("the right is gone again, and the Tenant goes")
	l.refuse = forbidden
	l.remove(l.tenant())
	l.rest()
	if s := l.tenant().Status; s.Reason != v1alpha1.ReasonForbidden || !strings.Contains(l.message(), "take it off by hand: kubectl -n ns edit secret credential") {
		t.Errorf("%s: %s", s.Reason, l.message())
	}
	ten := l.tenant()
	ten.SetAnnotations(map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"})
	if err := l.kube.Update(t.Context(), ten); err != nil {
		t.Fatal(err)
	}
	l.round()
	if err := l.kube.Get(t.Context(), keyOf("corp"), ten); !apierrors.IsNotFound(err) {
		t.Errorf("it waits for ever: %v", err)
	}
}

// TestPromise07_CredentialIsGone: somebody took the finalizer off. The Tenant says what remains, by name and id, whom hold
// restrains, and how to let go; what it leaves behind then is an event.
func TestPromise07_CredentialIsGone(t *testing.T) {
	l := newLab(t, calm(group("Source", 20)))
	l.apply(l.newTenant(), newPolicy(), newWave("a", "Source"))
	l.until("exposed", 20, func() bool { return l.wave("a").Status.Devices.Exposed > 0 })
	s := l.secretNamed("credential")
	s.Finalizers = nil
	if err := l.kube.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	l.remove(s, l.tenant(), l.policy(), l.wave("a"))
	l.start(t)
	l.rest()
	var wants []string
	for _, o := range l.policy().Status.Objects {
		wants = append(wants, o.Name, o.ID)
	}
	wants = append(wants, `hold still restrains the members of "Everyone"`, `of wave "a"`, "workloadIdentity",
		"set annotation "+v1alpha1.AnnotationReleaseFinalizer+` to "true" on those policies, on their waves and on this Tenant`)
	for _, g := range l.sim.Snapshot(false).Groups {
		if strings.HasPrefix(g.DisplayName, "Tidegate") {
			wants = append(wants, g.ID)
		}
	}
	for _, want := range wants {
		if !strings.Contains(l.message(), want) {
			t.Errorf("want %q in %s", want, l.message())
		}
	}
	if c := meta.FindStatusCondition(l.tenant().Status.Conditions, v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonSecretNotFound || len(wants) < 9 {
		t.Errorf("%+v, looked for %q", c, wants)
	}
	ten := l.tenant()
	ten.SetAnnotations(map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"})
	if err := l.kube.Update(t.Context(), ten); err != nil {
		t.Fatal(err)
	}
	l.round()
	found := slices.ContainsFunc(l.events, func(e string) bool {
		return strings.HasPrefix(e, "corp Warning LeftBehind: ") && strings.Contains(e, wants[1]) && strings.Contains(e, "hold still restrains")
	})
	if err := l.kube.Get(t.Context(), keyOf("corp"), ten); !apierrors.IsNotFound(err) || !found {
		t.Errorf("%v; %q", err, l.events)
	}
}
