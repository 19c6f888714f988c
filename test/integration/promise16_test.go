// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/guard"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/thief"
)

// stalls waits until a Tenant is stalled for a reason, and wants words in what it says.
func stalls(t *testing.T, w *testkit.World, name, reason string, words ...string) {
	t.Helper()
	testkit.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		ten := &v1alpha1.Tenant{}
		if err := w.Get(ctx, name, ten); err != nil {
			return err
		}
		if err := condition(ten.Status.Conditions, v1alpha1.ConditionStalled, metav1.ConditionTrue, reason); err != nil {
			return err
		}
		for _, word := range words {
			if text := message(ten.Status.Conditions, v1alpha1.ConditionStalled); !strings.Contains(text, word) {
				return fmt.Errorf("want %q in %s", word, text)
			}
		}
		return nil
	})
}

// ready waits until a Tenant is ready.
func ready(t *testing.T, w *testkit.World, name string) {
	t.Helper()
	testkit.Eventually(t, 60*time.Second, func(ctx context.Context) error {
		ten := &v1alpha1.Tenant{}
		if err := w.Get(ctx, name, ten); err != nil {
			return err
		}
		return condition(ten.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
}

// at points a Tenant at hosts.
func at(ten *v1alpha1.Tenant, graph, authority string, ca []byte) *v1alpha1.Tenant {
	ten.Spec.Endpoint = &v1alpha1.TenantEndpoint{GraphURL: graph, AuthorityURL: authority, CABundle: string(ca)}
	return ten
}

// nowhere finds a text in no object of the world and in no event.
func nowhere(t *testing.T, w *testkit.World, canary string) {
	t.Helper()
	for _, list := range []client.ObjectList{&v1alpha1.TenantList{}, &v1alpha1.PasskeyPolicyList{}, &v1alpha1.PilotWaveList{}, &eventsv1.EventList{}} {
		if err := w.Kube.List(t.Context(), list, client.InNamespace(w.Namespace)); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), canary) {
			t.Errorf("%T shows %q: %s", list, canary, text)
		}
	}
}

// TestPromise16_SecretOfAnother: somebody who may write Tenants, and no more, has one sign in with a Secret that is not for it, to
// a host of their own that the operator even may speak to. The value does not leave, whatever the label says but the Tenant's own
// name; then it is sent, without the line break of the file that it came from.
func TestPromise16_SecretOfAnother(t *testing.T) {
	t.Parallel()
	evil := thief.New(t, nil)
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 10})
	w.EndpointHosts = []string{hosts.Of(evil.URL)}
	w.Run(t)
	const value = "value-of-somebody-else"
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: testkit.SecretName}, Data: map[string][]byte{"clientSecret": []byte(value + "\r\n")}}
	w.Apply(t, secret, at(w.Tenant(), evil.URL, evil.URL, evil.CA()), w.Policy())
	stalls(t, w, testkit.TenantName, v1alpha1.ReasonSecretNotForTenant, `has no label tidegate.dev/tenant`,
		fmt.Sprintf("kubectl -n %s label secret %s tidegate.dev/tenant=%s", w.Namespace, testkit.SecretName, testkit.TenantName))
	for _, name := range []string{"another", strings.ToUpper(testkit.TenantName), ""} {
		w.Edit(t, secret, func() { secret.Labels = map[string]string{v1alpha1.LabelTenant: name} })
		stalls(t, w, testkit.TenantName, v1alpha1.ReasonSecretNotForTenant, fmt.Sprintf("is for Tenant %q", name), "--overwrite")
	}
	evil.Untouched(t)
	if secret.Finalizers != nil {
		t.Errorf("the Secret of another got %v", secret.Finalizers)
	}
	w.Edit(t, secret, func() { secret.Labels = map[string]string{v1alpha1.LabelTenant: testkit.TenantName} })
	testkit.Eventually(t, 30*time.Second, func(context.Context) error {
		if !strings.Contains(evil.Heard(), "/.well-known/openid-configuration") {
			return errors.New("a Secret that is for the Tenant is not used")
		}
		return nil
	})
	nowhere(t, w, value)
}

// TestPromise16_LabelIsTakenBack: the owner of a Secret takes its label off while the Tenant works, and then while it is deleted:
// nothing is asked of the tenant any more, what remains is named, and the label or the release ends it (P7).
func TestPromise16_LabelIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"label", "release"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := testkit.New(t, testkit.Options{Devices: 20})
			w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
			ready(t, w, testkit.TenantName)
			w.AdvanceUntil(t, 3*time.Minute, 3*time.Hour, func(context.Context) error {
				if len(w.OwnPolicies()) < 4 {
					return fmt.Errorf("%d policies in the tenant", len(w.OwnPolicies()))
				}
				return nil
			})
			secret := &corev1.Secret{ObjectMeta: named(w, testkit.SecretName)}
			w.Edit(t, secret, func() { delete(secret.Labels, v1alpha1.LabelTenant) })
			annotate(t, w, tenant(t, w), "test/look", "1")
			stalls(t, w, testkit.TenantName, v1alpha1.ReasonSecretNotForTenant)
			remove(t, w, policy(t, w), tenant(t, w))
			p := policy(t, w)
			stalls(t, w, testkit.TenantName, v1alpha1.ReasonSecretNotForTenant, "kubectl -n "+w.Namespace+" label secret", p.Status.Objects[0].ID, v1alpha1.AnnotationReleaseFinalizer)
			w.Sim.ResetJournal()
			annotate(t, w, tenant(t, w), "test/look", "2")
			annotate(t, w, p, "test/look", "2")
			stalls(t, w, testkit.TenantName, v1alpha1.ReasonSecretNotForTenant)
			if n := w.Sim.Journal().Total; n != 0 {
				t.Errorf("%d requests with a Secret that was taken back", n)
			}
			if way == "label" {
				w.Edit(t, secret, func() { secret.Labels = map[string]string{v1alpha1.LabelTenant: testkit.TenantName} })
			} else {
				annotate(t, w, p, v1alpha1.AnnotationReleaseFinalizer, "true")
				annotate(t, w, tenant(t, w), v1alpha1.AnnotationReleaseFinalizer, "true")
			}
			w.AdvanceUntil(t, 3*time.Minute, 3*time.Hour, func(ctx context.Context) error {
				return errors.Join(w.Gone(testkit.PolicyName, p)(ctx), w.Gone(testkit.TenantName, &v1alpha1.Tenant{})(ctx))
			})
			if left := len(w.OwnPolicies()); (left == 0) != (way == "label") {
				t.Errorf("%d policies are left in the tenant", left)
			}
		})
	}
}

// tapped is a network without anybody: each request is noted and fails.
type tapped struct {
	mu   sync.Mutex
	seen []string
}

// RoundTrip implements http.RoundTripper.
func (n *tapped) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(raw)
	}
	n.mu.Lock()
	n.seen = append(n.seen, r.Method+" "+r.URL.Scheme+"://"+r.URL.Host+r.URL.Path+" "+r.Header.Get("Authorization")+" "+body)
	n.mu.Unlock()
	base := "https://login.microsoftonline.com/t"
	switch {
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		return reply(fmt.Sprintf(`{"issuer":"%[1]s/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`, base)), nil
	case strings.Contains(r.URL.Path, "/discovery/instance"):
		return reply(`{"tenant_discovery_endpoint":"` + base + `/v2.0/.well-known/openid-configuration","metadata":[]}`), nil
	case strings.HasSuffix(r.URL.Path, "/token"):
		return reply(`{"token_type":"Bearer","expires_in":3599,"access_token":"` + permitted() + `"}`), nil
	}
	return nil, errors.New("the cable is cut")
}

// permitted is a token with every permission that is needed.
func permitted() string {
	var roles []string
	for _, need := range guard.Needs {
		roles = append(roles, need.AnyOf[0])
	}
	claims, err := json.Marshal(map[string]any{"roles": roles})
	if err != nil {
		panic(err)
	}
	return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
}

func reply(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// requests are those that were sent.
func (n *tapped) requests() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.seen, "\n")
}

// TestPromise16_IdentityOfTheOperator: the projected token of the operator's own service account goes to Microsoft, for a Tenant of
// a namespace that is listed, and nowhere else and for nobody else.
func TestPromise16_IdentityOfTheOperator(t *testing.T) {
	const canary = "projected.token.canary"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AZURE_CLIENT_ID", "00000000-0000-4000-8000-000000000001")
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", file)
	evil, net := thief.New(t, nil), &tapped{}
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 10})
	w.EndpointHosts, w.IdentityNamespaces, w.Network = []string{hosts.Of(evil.URL)}, []string{"elsewhere", w.Namespace + "x"}, net
	op := w.Run(t)
	identity := func() *v1alpha1.Tenant {
		ten := w.Tenant()
		ten.Namespace, ten.Spec.Endpoint, ten.Spec.Auth = w.Namespace, nil, v1alpha1.TenantAuth{WorkloadIdentity: &v1alpha1.WorkloadIdentityAuth{}}
		return ten
	}
	stolen := at(identity(), evil.URL, evil.URL, evil.CA())
	if err := w.Kube.Create(t.Context(), stolen); !apierrors.IsInvalid(err) || !strings.Contains(fmt.Sprint(err), "auth.workloadIdentity signs in to Microsoft only") {
		t.Fatalf("a workload identity beside an endpoint: %v", err)
	}
	ten := identity()
	w.Apply(t, ten)
	stalls(t, w, testkit.TenantName, v1alpha1.ReasonIdentityNotAllowed, "--workload-identity-namespaces="+w.Namespace)
	if err := w.Kube.Patch(t.Context(), ten, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"endpoint":{"graphURL":%q,"authorityURL":%q}}}`, evil.URL, evil.URL))); !apierrors.IsInvalid(err) {
		t.Errorf("an endpoint beside a workload identity: %v", err)
	}
	if seen := net.requests(); seen != "" {
		t.Errorf("sent for a namespace that is not listed: %s", seen)
	}
	op.Stop()
	w.IdentityNamespaces = []string{w.Namespace}
	w.Run(t)
	testkit.Eventually(t, 30*time.Second, func(context.Context) error {
		if !strings.Contains(net.requests(), "https://graph.microsoft.com/") {
			return fmt.Errorf("a namespace that is listed cannot use it: %s", net.requests())
		}
		return nil
	})
	for line := range strings.SplitSeq(net.requests(), "\n") {
		if strings.Contains(line, canary) && !strings.HasPrefix(line, "POST https://login.microsoftonline.com/") || strings.Contains(line, "Bearer") && !strings.Contains(line, " https://graph.microsoft.com/") {
			t.Errorf("sent elsewhere: %s", line)
		}
	}
	if !strings.Contains(net.requests(), canary) || !strings.Contains(net.requests(), "graph.microsoft.com%2F.default") {
		t.Errorf("never sent: %s", net.requests())
	}
	evil.Untouched(t)
	nowhere(t, w, canary)
}

// TestPromise16_TokenForAnotherHost: with an application secret of their own, or of a Secret that is for the Tenant, nobody has a
// token of Microsoft's sent to another host, nor the secret to a host that is not listed.
func TestPromise16_TokenForAnotherHost(t *testing.T) {
	t.Parallel()
	const login, graph = "https://login.microsoftonline.com", "https://graph.microsoft.com"
	evil, listed, net := thief.New(t, nil), thief.New(t, nil), &tapped{}
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 10})
	w.EndpointHosts, w.Network = []string{hosts.Of(listed.URL)}, net
	w.Run(t)
	w.Apply(t, w.Secret(), at(w.Tenant(), evil.URL, evil.URL, evil.CA()))
	stalls(t, w, testkit.TenantName, v1alpha1.ReasonEndpointNotAllowed, "endpoint.graphURL names host "+hosts.Of(evil.URL), "--allow-endpoint-hosts="+hosts.Of(evil.URL))
	ten := tenant(t, w)
	for _, tt := range []struct{ graph, authority, reason, says string }{
		{listed.URL, evil.URL, v1alpha1.ReasonEndpointNotAllowed, "endpoint.authorityURL names host " + hosts.Of(evil.URL)},
		{listed.URL, login, v1alpha1.ReasonInvalidEndpoint, "login.microsoftonline.com, which is Microsoft's own"},
		{graph, listed.URL, v1alpha1.ReasonInvalidEndpoint, "graph.microsoft.com, which is Microsoft's own"},
		{"https://GRAPH.microsoft.com:443", listed.URL, v1alpha1.ReasonInvalidEndpoint, "graph.microsoft.com, which is Microsoft's own"},
		{listed.URL, "https://login.windows.net", v1alpha1.ReasonInvalidEndpoint, "login.windows.net, which is Microsoft's own"},
		{evil.URL, login, v1alpha1.ReasonEndpointNotAllowed, "endpoint.graphURL names host " + hosts.Of(evil.URL)},
		{strings.Replace(listed.URL, "127.0.0.1", "localhost", 1), listed.URL, v1alpha1.ReasonEndpointNotAllowed, "names host localhost"},
	} {
		w.Edit(t, ten, func() { at(ten, tt.graph, tt.authority, evil.CA()) })
		stalls(t, w, testkit.TenantName, tt.reason, tt.says)
	}
	if seen := net.requests(); seen != "" {
		t.Errorf("sent: %s", seen)
	}
}

// TestPromise16_InternalService: a Tenant points at a listed host that is not Graph, behind which an internal service answers.
// Status, events and message show what the answer means and nothing of it; nor is a link of it followed.
func TestPromise16_InternalService(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-an-internal-service"
	metadata := thief.New(t, nil)
	for name, answer := range map[string]http.HandlerFunc{
		"sign-in": func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(rw, `{"error":"`+canary+`","error_description":"`+canary+`","message":"`+canary+`"}`)
		},
		"discovery": func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, canary) },
		"token endpoint elsewhere": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(rw, `{"issuer":"https://%[2]s","authorization_endpoint":"%[1]s/a","token_endpoint":"%[1]s/token"}`, metadata.URL, canary)
		},
		"redirect": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, metadata.URL+"/"+canary, http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := thief.New(t, answer)
			w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 10})
			w.EndpointHosts = []string{hosts.Of(service.URL)}
			w.Run(t)
			w.Apply(t, w.Secret(), at(w.Tenant(), service.URL, service.URL, append(service.CA(), metadata.CA()...)), w.Policy())
			testkit.Eventually(t, 30*time.Second, func(ctx context.Context) error {
				ten := &v1alpha1.Tenant{}
				if err := w.Get(ctx, testkit.TenantName, ten); err != nil {
					return err
				}
				if text := message(ten.Status.Conditions, v1alpha1.ConditionReady); !strings.Contains(text, "cannot sign in to the tenant: ") || service.Heard() == "" {
					return fmt.Errorf("it says %q", text)
				}
				return nil
			})
			nowhere(t, w, canary)
			metadata.Untouched(t)
		})
	}
}

// TestPromise16_TenantOfAnother: the id of a Microsoft tenant is no secret. Whoever writes a Tenant with it, a guessed secret or a
// host that answers for that id, gets no use of the client of the Tenant that is signed in, and keeps its policy from nothing.
func TestPromise16_TenantOfAnother(t *testing.T) {
	t.Parallel()
	none := tenantsim.Scenario{Groups: []tenantsim.GroupSpec{{DisplayName: testkit.Everyone, From: "everything", Percent: 100}}}
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 20, Scenario: none})
	fake := thief.New(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
	w.EndpointHosts = []string{hosts.Of(fake.URL)}
	guessed := w.Secret()
	guessed.Name, guessed.Labels, guessed.StringData = "guess", map[string]string{v1alpha1.LabelTenant: "guess"}, map[string]string{"clientSecret": "guess"}
	theirs, posing := w.Tenant(), at(w.Tenant(), fake.URL, fake.URL, fake.CA())
	theirs.Name, theirs.Spec.Auth.ClientSecret.SecretRef.Name = "guess", "guess"
	posing.Name, posing.Spec.Auth.ClientSecret.SecretRef.Name = "posing", "posing"
	pose := w.Secret()
	pose.Name, pose.Labels = "posing", map[string]string{v1alpha1.LabelTenant: "posing"}
	first, second := w.Policy(), w.Policy()
	first.Name, first.Spec.TenantRef.Name = "a-first", "guess"
	second.Name, second.Spec.TenantRef.Name = "a-second", "posing"
	w.Apply(t, guessed, pose, theirs, posing, first, second)
	w.Run(t)
	stalls(t, w, "guess", v1alpha1.ReasonCredentialRefused)
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	ready(t, w, testkit.TenantName)
	w.AdvanceUntil(t, 3*time.Minute, 3*time.Hour, func(ctx context.Context) error {
		p := &v1alpha1.PasskeyPolicy{}
		if err := w.Get(ctx, testkit.PolicyName, p); err != nil {
			return err
		}
		return condition(p.Status.Conditions, v1alpha1.ConditionApplied, metav1.ConditionTrue, v1alpha1.ReasonApplied)
	})
	for _, name := range []string{"a-first", "a-second"} {
		p := &v1alpha1.PasskeyPolicy{}
		if err := w.Get(t.Context(), name, p); err != nil {
			t.Fatal(err)
		}
		if len(p.Status.Objects) != 0 || len(p.Status.Conditions) == 0 {
			t.Errorf("%s has %+v in the tenant, conditions %+v", name, p.Status.Objects, p.Status.Conditions)
		}
	}
	for _, o := range w.OwnPolicies() {
		if !strings.Contains(o.Name, "/"+testkit.PolicyName) {
			t.Errorf("the tenant has %q", o.Name)
		}
	}
}
