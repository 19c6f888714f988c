// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/internal/wire"
)

// manifest reads one object of a file of config/.
func manifest(t *testing.T, into any, path ...string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{configRoot}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(raw, into); err != nil {
		t.Fatalf("%s: %v", filepath.Join(path...), err)
	}
}

// TestNamespaceIsRestricted breaks each field of the pod that the restricted standard asks for, one at a time: the API server
// refuses every one of them in the namespace of the manager.
func TestNamespaceIsRestricted(t *testing.T) {
	c := shared(t)
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "default"))
	deployment := &appsv1.Deployment{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: "tidegate-system", Name: "tidegate-manager"}, deployment); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*corev1.PodSpec, *corev1.Container){
		"nothing":         func(*corev1.PodSpec, *corev1.Container) {},
		"root":            func(p *corev1.PodSpec, _ *corev1.Container) { p.SecurityContext.RunAsNonRoot = nil },
		"root by number":  func(p *corev1.PodSpec, _ *corev1.Container) { p.SecurityContext.RunAsUser = ptr.To[int64](0) },
		"seccomp":         func(p *corev1.PodSpec, _ *corev1.Container) { p.SecurityContext.SeccompProfile = nil },
		"more privileges": func(_ *corev1.PodSpec, c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = nil },
		"capabilities":    func(_ *corev1.PodSpec, c *corev1.Container) { c.SecurityContext.Capabilities = nil },
		"one capability": func(_ *corev1.PodSpec, c *corev1.Container) {
			c.SecurityContext.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
		},
		"privileged": func(_ *corev1.PodSpec, c *corev1.Container) {
			c.SecurityContext.Privileged, c.SecurityContext.AllowPrivilegeEscalation = ptr.To(true), nil
		},
		"network of the host":   func(p *corev1.PodSpec, _ *corev1.Container) { p.HostNetwork = true },
		"processes of the host": func(p *corev1.PodSpec, _ *corev1.Container) { p.HostPID = true },
		"files of the host": func(p *corev1.PodSpec, _ *corev1.Container) {
			p.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
		},
	} {
		pod := &corev1.Pod{ObjectMeta: *deployment.Spec.Template.ObjectMeta.DeepCopy(), Spec: *deployment.Spec.Template.Spec.DeepCopy()}
		pod.Name, pod.Namespace = "manager", deployment.Namespace
		spoil(&pod.Spec, &pod.Spec.Containers[0])
		err := c.client.Create(t.Context(), pod, client.DryRunAll)
		if name == "nothing" && err != nil {
			t.Errorf("the pod as it is shipped: %v", err)
		}
		if name != "nothing" && (err == nil || !strings.Contains(err.Error(), "PodSecurity")) {
			t.Errorf("%s: got %v, want PodSecurity to refuse it", name, err)
		}
	}
	if root := deployment.Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem; root == nil || !*root {
		t.Error("the root of the manager can be written")
	}
}

// TestManagerFitsItsLimits: what the manager is told and what its pod has go together.
func TestManagerFitsItsLimits(t *testing.T) {
	deployment := &appsv1.Deployment{}
	manifest(t, deployment, "manager", "deployment.yaml")
	pod := deployment.Spec.Template.Spec
	for _, v := range pod.Volumes {
		if v.Name == "tmp" && v.EmptyDir.SizeLimit.Value() <= wire.Default().SpoolSize+64<<20 {
			t.Errorf("archives may take %d bytes of a volume of %s", wire.Default().SpoolSize, v.EmptyDir.SizeLimit)
		}
	}
	// internal/wire proves that this is enough for tenants of 200,000 devices, and docs/operations.md says so.
	if limit := pod.Containers[0].Resources.Limits.Memory(); limit.Cmp(resource.MustParse("1Gi")) != 0 {
		t.Errorf("the memory limit is %s, want 1Gi", limit)
	}
	if probe := pod.Containers[0].LivenessProbe; probe == nil || probe.HTTPGet.Path != "/healthz" || probe.TimeoutSeconds < 2 {
		t.Errorf("the liveness probe is %+v", probe)
	}
}

// TestPrometheusKnowsWhomItAsks: the token of Prometheus goes to nobody but who shows the certificate of the manager.
func TestPrometheusKnowsWhomItAsks(t *testing.T) {
	var monitor struct {
		APIVersion, Kind string
		Metadata         map[string]any
		Spec             struct {
			Selector  any
			Endpoints []struct {
				Port, Path, Scheme, BearerTokenFile string
				HonorLabels                         bool
				TLSConfig                           struct {
					ServerName         string
					InsecureSkipVerify bool
					CA                 struct{ Secret struct{ Name, Key string } }
				}
			}
		}
	}
	manifest(t, &monitor, "prometheus", "service_monitor.yaml")
	service, deployment := &corev1.Service{}, &appsv1.Deployment{}
	manifest(t, service, "manager", "metrics_service.yaml")
	manifest(t, deployment, "manager", "deployment.yaml")
	mounted := ""
	for _, v := range deployment.Spec.Template.Spec.Volumes {
		if v.Secret != nil {
			mounted = v.Secret.SecretName
		}
	}
	for _, e := range monitor.Spec.Endpoints {
		want := service.Name + "." + service.Namespace + ".svc"
		if e.Scheme != "https" || e.TLSConfig.InsecureSkipVerify || e.TLSConfig.ServerName != want || e.TLSConfig.CA.Secret.Name != mounted || e.TLSConfig.CA.Secret.Key == "" {
			t.Errorf("the endpoint is %+v, want the name %s and the certificate in Secret %s", e, want, mounted)
		}
	}
	raw, err := os.ReadFile(filepath.Join(configRoot, "metrics-certificate", "certificate.yaml"))
	if err != nil || !strings.Contains(string(raw), "secretName: "+mounted) || !strings.Contains(string(raw), "- "+service.Name+"."+service.Namespace+".svc\n") {
		t.Errorf("the certificate is for another name or Secret: %v", err)
	}
}

// TestEgress asks the network policy, as a network plugin would, what the manager reaches.
func TestEgress(t *testing.T) {
	c := shared(t)
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "default"))
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "network-policy"))
	policy, deployment := &networkingv1.NetworkPolicy{}, &appsv1.Deployment{}
	manifest(t, policy, "network-policy", "egress.yaml")
	manifest(t, deployment, "manager", "deployment.yaml")
	for label, value := range policy.Spec.PodSelector.MatchLabels {
		if deployment.Spec.Template.Labels[label] != value {
			t.Errorf("the policy selects pods with %s=%s, the manager's have %q", label, value, deployment.Spec.Template.Labels[label])
		}
	}
	for _, test := range []struct {
		address string
		port    int32
		want    bool
	}{
		{"20.190.128.10", 443, true},   // a sign-in host
		{"2603:1006:1::1", 443, true},  // the same by IPv6
		{"20.190.128.10", 80, false},   // Microsoft is reached by https
		{"20.190.128.10", 8080, false}, // and nothing else
		{"10.96.0.10", 443, false},     // a service of the cluster
		{"172.20.1.1", 443, false},
		{"192.168.1.1", 443, false},
		{"100.64.3.4", 443, false}, // pods of some clouds, and the metadata of one (100.100.100.200)
		{"100.100.100.200", 443, false},
		{"fd00::1", 443, false},
		{"169.254.169.254", 443, false},
		{"169.254.169.254", 6443, false},
		{"169.254.169.254", 80, false},
		{"168.63.129.16", 443, false}, // host services of Azure
		{"fd00:ec2::254", 443, false},
		{"fd00:ec2::254", 6443, false},
		{"fe80::1", 443, false},
		{"127.0.0.1", 443, false},
		{"192.168.1.1", 6443, true}, // an API server
		{"169.254.20.10", 53, true}, // DNS on the node
		{"169.254.169.253", 53, false},
	} {
		if got := reaches(t, policy, test.address, test.port); got != test.want {
			t.Errorf("%s:%d is within reach: %v, want %v", test.address, test.port, got, test.want)
		}
	}
}

// reaches says whether a policy lets packets out to an address.
func reaches(t *testing.T, policy *networkingv1.NetworkPolicy, address string, port int32) bool {
	t.Helper()
	ip := netip.MustParseAddr(address)
	for _, rule := range policy.Spec.Egress {
		open := false
		for _, p := range rule.Ports {
			open = open || p.Port != nil && p.Port.IntVal == port
		}
		for _, to := range rule.To {
			if open && to.IPBlock != nil && within(t, to.IPBlock, ip) {
				return true
			}
		}
	}
	return false
}

// within says whether a block of addresses holds one.
func within(t *testing.T, block *networkingv1.IPBlock, ip netip.Addr) bool {
	t.Helper()
	if !netip.MustParsePrefix(block.CIDR).Contains(ip) {
		return false
	}
	for _, except := range block.Except {
		if netip.MustParsePrefix(except).Contains(ip) {
			return false
		}
	}
	return true
}
