// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/wire"
)

// refusals notes what an API server does not allow.
type refusals struct {
	mu   sync.Mutex
	list []string
	seen map[string]bool
}

// tap lets r see the traffic of a configuration.
func (r *refusals) tap(rc *rest.Config) {
	rc.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.seen == nil {
				r.seen = map[string]bool{}
			}
			r.seen[req.Method] = true
			if err == nil && (resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized) {
				r.list = append(r.list, req.Method+" "+req.URL.Path)
			}
			return resp, err
		})
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestInstalledRightsAreEnough runs a rollout from the first apply to the last deletion as the service account of
// config/rbac: the API server refuses nothing, and there is nothing that it gives away.
func TestInstalledRightsAreEnough(t *testing.T) {
	w := testkit.New(t, pilot())
	rc := install(t, w)
	var refused refusals
	refused.tap(rc)
	o := options(w)
	o.Namespace, o.LeaderElect, o.LeaderElectionNamespace = "", true, system // as the deployment runs
	o.MetricsAddress, o.ProbeAddress = freeAddress(t), freeAddress(t)
	p := start(t, rc, o)
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy(), w.WaveOn("pilot", "Pilot"))
	stranger := token(t, w.Config, w.Kube, w.Namespace, "stranger")
	answers(t, "https://"+o.MetricsAddress+"/metrics", stranger, http.StatusForbidden) // needs both reviews of metrics.yaml
	w.AdvanceUntil(t, 2*time.Hour, 6*24*time.Hour, func(ctx context.Context) error {
		err := w.InPhase("pilot", v1alpha1.PhaseSucceeded)(ctx)
		if err == nil {
			return nil
		}
		policy := &v1alpha1.PasskeyPolicy{}
		if readErr := w.Get(ctx, testkit.PolicyName, policy); readErr != nil {
			return readErr
		}
		return fmt.Errorf("%w; the policy says %+v", err, policy.Status.Conditions)
	})
	var events corev1.EventList
	testkit.Eventually(t, patience, func(ctx context.Context) error { // events are sent behind the reconcile
		if err := w.Kube.List(ctx, &events, client.InNamespace(w.Namespace)); err != nil || len(events.Items) < 3 {
			return fmt.Errorf("%d events: %w", len(events.Items), err)
		}
		return nil
	})
	for _, obj := range []client.Object{
		&v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "pilot"}},
		&v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Name: testkit.PolicyName}},
		&v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: testkit.TenantName}},
	} {
		obj.SetNamespace(w.Namespace)
		if err := w.Kube.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		w.AdvanceUntil(t, time.Minute, time.Hour, func(ctx context.Context) error {
			if err := w.Kube.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
				return client.IgnoreNotFound(err)
			}
			return fmt.Errorf("%T is still there", obj)
		})
	}
	if err := p.stop(t); err != nil {
		t.Errorf("Start returns %v", err)
	}
	refused.mu.Lock()
	defer refused.mu.Unlock()
	if len(refused.list) > 0 {
		t.Errorf("config/rbac does not allow %q", slices.Compact(refused.list))
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch} {
		if !refused.seen[method] {
			t.Errorf("no %s was tried: this proves little", method)
		}
	}
}

// TestInstalledRightsAreLeast asks what the service account of config/rbac may do beyond its work.
func TestInstalledRightsAreLeast(t *testing.T) {
	w := testkit.New(t, pilot())
	kube, err := client.New(install(t, w), client.Options{Scheme: wire.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		verb, group, resource, subresource, namespace, name string
		want                                                bool
	}{
		{"get", "", "secrets", "", w.Namespace, "credential", true},
		{"list", "", "secrets", "", w.Namespace, "", false},
		{"watch", "", "secrets", "", w.Namespace, "", false},
		{"list", "", "secrets", "", "", "", false},
		{"update", "", "secrets", "", w.Namespace, "credential", false},
		{"get", "", "namespaces", "", "", "kube-system", true},
		{"get", "", "namespaces", "", "", w.Namespace, false},
		{"list", "", "pods", "", w.Namespace, "", false},
		{"create", "", "serviceaccounts", "token", w.Namespace, "default", false},
		{"impersonate", "", "users", "", "", "", false},
		{"create", "rbac.authorization.k8s.io", "rolebindings", "", w.Namespace, "", false},
		{"create", "tidegate.dev", "pilotwaves", "", w.Namespace, "", false},
		{"delete", "tidegate.dev", "tenants", "", w.Namespace, "", false},
		{"patch", "tidegate.dev", "pilotwaves", "status", w.Namespace, "", true},
		{"update", "tidegate.dev", "waveledgers", "", w.Namespace, "", true},
		{"watch", "tidegate.dev", "waveledgers", "", w.Namespace, "", false},
		{"get", "", "configmaps", "", w.Namespace, "", false},
		{"create", "", "configmaps", "", w.Namespace, "", false},
		{"get", "", "configmaps", "", system, "", false},
		{"update", "coordination.k8s.io", "leases", "", system, "tidegate-leader", true},
		{"update", "coordination.k8s.io", "leases", "", w.Namespace, "tidegate-leader", false},
	} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: test.verb, Group: test.group, Resource: test.resource, Subresource: test.subresource, Namespace: test.namespace, Name: test.name,
			},
		}}
		testkit.Eventually(t, patience, func(ctx context.Context) error { // bindings take a moment to count
			ask := review.DeepCopy()
			if err := kube.Create(ctx, ask); err != nil {
				return err
			}
			if ask.Status.Allowed != test.want {
				return fmt.Errorf("%s %s/%s %s in %q is allowed: %v, want %v", test.verb, test.group, test.resource, test.name, test.namespace, ask.Status.Allowed, test.want)
			}
			return nil
		})
	}
}
