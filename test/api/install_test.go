// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	tidegatev1alpha1 "github.com/tidegate/tidegate/api/v1alpha1"
)

// TestInstall applies config/default as README tells, twice: the second time must change nothing.
func TestInstall(t *testing.T) {
	c := shared(t)
	first, second := c.apply(t, "default"), c.apply(t, "default")
	if diff := cmp.Diff(first, second); diff != "" || !strings.Contains(first, "Deployment/tidegate-manager=") {
		t.Errorf("resource versions after the first and the second apply (-first +second):\n%s", diff)
	}

	deployment := &appsv1.Deployment{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: "tidegate-system", Name: "tidegate-manager"}, deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	for _, want := range []string{"--leader-elect", "--health-probe-bind-address=:8081", "--metrics-bind-address=:8443", "--metrics-secure=true", "--workload-identity-namespaces=", "--allow-endpoint-hosts="} {
		if !slices.Contains(pod.Containers[0].Args, want) {
			t.Errorf("the manager runs with %q, want %s among them", pod.Containers[0].Args, want)
		}
	}
	if mounts := pod.Containers[0].VolumeMounts; !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/tmp" && !m.ReadOnly }) {
		t.Errorf("the manager spools reports below /tmp, its root is read-only, and it mounts %v", mounts)
	}
	c.checkAccount(t, pod.ServiceAccountName)
	c.checkRestricted(t, deployment)
}

// apply applies a directory of config/ and lists the objects in it with their resource versions.
func (c *cluster) apply(t *testing.T, dir string) string {
	t.Helper()
	const versions = `-ojsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion}{"\n"}{end}`
	return c.kubectl(t, "apply", "-k", filepath.Join(configRoot, dir), versions)
}

// checkAccount wants the account of the pods to exist and every binding of the installation to name a role that exists.
func (c *cluster) checkAccount(t *testing.T, account string) {
	t.Helper()
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: "tidegate-system", Name: account}, &corev1.ServiceAccount{}); err != nil {
		t.Errorf("the pods run as %s: %v", account, err)
	}
	var bindings rbacv1.ClusterRoleBindingList
	if err := c.client.List(t.Context(), &bindings, client.MatchingLabels{"app.kubernetes.io/name": "tidegate"}); err != nil {
		t.Fatal(err)
	}
	bound := map[string]bool{}
	for _, b := range bindings.Items {
		bound[b.RoleRef.Name] = true
		if err := c.client.Get(t.Context(), client.ObjectKey{Name: b.RoleRef.Name}, &rbacv1.ClusterRole{}); err != nil {
			t.Errorf("binding %s: %v", b.Name, err)
		}
		for _, s := range b.Subjects {
			if s.Name != account || s.Namespace != "tidegate-system" {
				t.Errorf("binding %s names %s/%s, want the account of the pods", b.Name, s.Namespace, s.Name)
			}
		}
	}
	for _, role := range []string{"tidegate-manager", "tidegate-metrics-auth"} {
		if !bound[role] {
			t.Errorf("nothing binds the role %s", role)
		}
	}
}

// checkRestricted makes a pod from the template in the namespace that enforces the restricted security standard: envtest
// runs no controller that would.
func (c *cluster) checkRestricted(t *testing.T, deployment *appsv1.Deployment) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: deployment.Spec.Template.ObjectMeta, Spec: deployment.Spec.Template.Spec}
	pod.Name, pod.Namespace = "manager", deployment.Namespace
	if err := c.client.Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
		t.Errorf("a pod of the deployment: %v", err)
	}
	pod.Spec.Containers[0].SecurityContext = nil
	if err := c.client.Create(t.Context(), pod, client.DryRunAll); err == nil {
		t.Error("the namespace does not enforce the restricted standard: a pod without a security context is accepted")
	}
}

// TestUserRoles asks the API server what a person with each role may do.
func TestUserRoles(t *testing.T) {
	c := shared(t)
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "default"))
	ns := c.namespace(t)
	for _, role := range []string{"auditor", "author", "operator", "tenant-admin"} {
		c.kubectl(t, "create", "rolebinding", role, "-n", ns, "--clusterrole=tidegate-"+role, "--user="+role)
	}
	for _, test := range []struct {
		user, verb, resource string
		want                 bool
	}{
		{"auditor", "list", "pilotwaves.tidegate.dev", true},
		{"auditor", "get", "tenants.tidegate.dev", true},
		{"auditor", "patch", "pilotwaves.tidegate.dev", false},
		{"auditor", "get", "secrets", false},
		{"auditor", "get", "waveledgers.tidegate.dev", false},
		{"author", "create", "waveledgers.tidegate.dev", false},
		{"operator", "patch", "waveledgers.tidegate.dev", false},
		{"tenant-admin", "delete", "waveledgers.tidegate.dev", false},
		{"author", "create", "pilotwaves.tidegate.dev", true},
		{"author", "delete", "passkeypolicies.tidegate.dev", true},
		{"author", "get", "tenants.tidegate.dev", true},
		{"author", "update", "tenants.tidegate.dev", false},
		{"author", "update", "pilotwaves.tidegate.dev/status", false},
		{"operator", "patch", "pilotwaves.tidegate.dev", true},
		{"operator", "create", "pilotwaves.tidegate.dev", false},
		{"operator", "delete", "pilotwaves.tidegate.dev", false},
		{"operator", "patch", "tenants.tidegate.dev", false},
		{"tenant-admin", "create", "tenants.tidegate.dev", true},
		{"tenant-admin", "create", "pilotwaves.tidegate.dev", false},
	} {
		resource, sub, _ := strings.Cut(test.resource, "/")
		args := []string{"auth", "can-i", "-n", ns, "--as=" + test.user, test.verb, resource}
		if sub != "" {
			args = append(args, "--subresource="+sub)
		}
		eventually(t, "the answer for "+test.user, func() error {
			// can-i exits with 1 for "no", and for everything that goes wrong.
			out, err := c.tryKubectl(t, args...)
			answer, _, _ := strings.Cut(strings.TrimSpace(out), " ")
			if (answer != "yes" && answer != "no") || (answer == "yes") != test.want {
				return fmt.Errorf("%s may %s %s: got %q, want %t: %w", test.user, test.verb, test.resource, answer, test.want, err)
			}
			return nil
		})
	}
}

// builtIn are the roles that every cluster has for people, each of which has all rights of those before it.
var builtIn = []string{"view", "edit", "admin"}

// aggregated are the rules of a built-in role and of all that extend it, as the controller of a whole cluster gathers them.
func (c *cluster) aggregated(t *testing.T, builtin string) []rbacv1.PolicyRule {
	t.Helper()
	below := builtIn[:slices.Index(builtIn, builtin)+1]
	var roles rbacv1.ClusterRoleList
	if err := c.client.List(t.Context(), &roles); err != nil {
		t.Fatal(err)
	}
	var rules []rbacv1.PolicyRule
	for i := range roles.Items {
		if slices.ContainsFunc(below, func(b string) bool {
			return roles.Items[i].Labels["rbac.authorization.k8s.io/aggregate-to-"+b] == "true"
		}) {
			rules = append(rules, roles.Items[i].Rules...)
		}
	}
	return rules
}

// TestPromise16_BuiltInRolesWriteNoTenants: whoever is view, edit or admin of a namespace may see a Tenant and not write it, nor the
// status or the finalizers of anything of ours, with all that Tidegate and the cluster add to these roles.
func TestPromise16_BuiltInRolesWriteNoTenants(t *testing.T) {
	c := shared(t)
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "default"))
	ns := c.namespace(t)
	for _, builtin := range builtIn {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "whole-" + builtin + "-"}, Rules: c.aggregated(t, builtin)}
		if err := c.client.Create(t.Context(), role); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.client.Delete(context.WithoutCancel(t.Context()), role) })
		c.kubectl(t, "create", "rolebinding", role.Name, "-n", ns, "--clusterrole="+role.Name, "--user=whole-"+builtin)
		user := c.actingAs(t, "whole-"+builtin)
		may := func(verb, resource, sub string) bool {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: ns, Verb: verb, Group: "tidegate.dev", Resource: resource, Subresource: sub,
			}}}
			if err := user.Create(t.Context(), review); err != nil {
				t.Fatal(err)
			}
			return review.Status.Allowed
		}
		eventually(t, "the role of "+builtin, func() error {
			if !may("get", "tenants", "") {
				return fmt.Errorf("%s may not get a Tenant", builtin)
			}
			return nil
		})
		for _, verb := range []string{"create", "update", "patch", "delete", "deletecollection"} {
			if may(verb, "tenants", "") {
				t.Errorf("%s may %s tenants", builtin, verb)
			}
			if got := may(verb, "pilotwaves", ""); got != (builtin != "view") {
				t.Errorf("%s may %s pilotwaves: %t", builtin, verb, got)
			}
			for _, resource := range []string{"tenants", "passkeypolicies", "pilotwaves"} {
				for _, sub := range []string{"status", "finalizers"} {
					if may(verb, resource, sub) {
						t.Errorf("%s may %s %s/%s", builtin, verb, resource, sub)
					}
				}
			}
		}
	}
}

// TestSamples applies config/samples with the admission policies in force, first as a dry run.
func TestSamples(t *testing.T) {
	c := withAdmission(t)
	ns := c.namespace(t)
	samples := filepath.Join(configRoot, "samples")
	c.kubectl(t, "apply", "-n", ns, "-k", samples, "--dry-run=server")
	c.kubectl(t, "apply", "-n", ns, "-k", samples)

	var waves tidegatev1alpha1.PilotWaveList
	if err := c.client.List(t.Context(), &waves, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	after := map[string]string{"canary": "", "pilot": "canary", "early": "pilot", "broad": "early"}
	for _, w := range waves.Items {
		want, ok := after[w.Name]
		if !ok {
			t.Errorf("unexpected wave %s", w.Name)
		}
		delete(after, w.Name)
		got := ""
		if len(w.Spec.DependsOn) == 1 {
			got = w.Spec.DependsOn[0].Name
		}
		if got != want {
			t.Errorf("wave %s depends on %q, want %q", w.Name, got, want)
		}
		policy := &tidegatev1alpha1.PasskeyPolicy{}
		if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: w.Spec.PolicyRef.Name}, policy); err != nil {
			t.Errorf("wave %s: %v", w.Name, err)
			continue
		}
		c.checkTenantOf(t, policy)
	}
	if len(after) > 0 {
		t.Errorf("missing waves: %v", after)
	}
}

// checkTenantOf follows the references of a sample down to the key in the Secret.
func (c *cluster) checkTenantOf(t *testing.T, policy *tidegatev1alpha1.PasskeyPolicy) {
	t.Helper()
	tenant := &tidegatev1alpha1.Tenant{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: policy.Namespace, Name: policy.Spec.TenantRef.Name}, tenant); err != nil {
		t.Fatalf("policy %s: %v", policy.Name, err)
	}
	ref := tenant.Spec.Auth.ClientSecret.SecretRef
	secret := &corev1.Secret{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: policy.Namespace, Name: ref.Name}, secret); err != nil {
		t.Fatalf("tenant %s: %v", tenant.Name, err)
	}
	if value := string(secret.Data[ref.Key]); !strings.HasPrefix(value, "REPLACE-") {
		t.Errorf("the sample Secret has %q under %s, want an obvious placeholder", value, ref.Key)
	}
}

// TestKustomizationsAreComplete wants every manifest below config/ to be listed in the kustomization of its directory.
func TestKustomizationsAreComplete(t *testing.T) {
	kustomizations, err := filepath.Glob(filepath.Join(configRoot, "*", "kustomization.yaml"))
	if err != nil || len(kustomizations) < 7 {
		t.Fatalf("found the kustomizations %q (error %v), want at least 7", kustomizations, err)
	}
	for _, file := range kustomizations {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var kustomization struct{ Resources []string }
		if err := yaml.Unmarshal(raw, &kustomization); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		dir := filepath.Dir(file)
		manifests, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		bases, err := filepath.Glob(filepath.Join(dir, "bases", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, manifest := range append(manifests, bases...) {
			name, err := filepath.Rel(dir, manifest)
			if err != nil {
				t.Fatal(err)
			}
			if name != "kustomization.yaml" && !slices.Contains(kustomization.Resources, filepath.ToSlash(name)) {
				t.Errorf("%s does not list %s", file, name)
			}
		}
	}
}

// metricName finds the names of Tidegate's metrics in expressions.
var metricName = regexp.MustCompile(`\btidegate_[a-z_]+\b`)

// TestAlertsUseMetricsThatExist compares the alert rules with the names in the sources: an alert on a name that nobody
// reports never fires.
func TestAlertsUseMetricsThatExist(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(configRoot, "prometheus", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Spec struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
	}
	if err := yaml.Unmarshal(raw, &rules); err != nil {
		t.Fatal(err)
	}
	sources := readSources(t, "../../internal/status", "../../internal/graph", "../../controllers")
	checked := 0
	for _, group := range rules.Spec.Groups {
		for _, rule := range group.Rules {
			for _, name := range metricName.FindAllString(rule.Expr, -1) {
				checked++
				short := strings.TrimPrefix(name, "tidegate_")
				if !strings.Contains(sources, `"`+name+`"`) && !strings.Contains(sources, `"`+short+`"`) {
					t.Errorf("alert %s uses %s, which nothing reports", rule.Alert, name)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("found no metric in the alert rules")
	}
}

// readSources returns the Go sources of packages in one text, tests left out.
func readSources(t *testing.T, dirs ...string) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in %s (error %v)", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(raw)
		}
	}
	return all.String()
}
