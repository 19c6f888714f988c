// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/internal/testkit"
)

// get asks an operator over HTTP; the certificate is one that it made up.
func get(t *testing.T, url, token string) (status int, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // #nosec G402 -- a self-signed certificate on the same machine
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.ProtoMajor != 1 {
		t.Errorf("%s speaks %s, want HTTP/1.1", url, resp.Proto)
	}
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

// answers waits until a URL gives a status, and returns the body.
func answers(t *testing.T, url, token string, want int) string {
	t.Helper()
	var body string
	testkit.Eventually(t, patience, func(context.Context) error {
		status, text, err := get(t, url, token)
		if err == nil && status != want {
			err = fmt.Errorf("%s gives %d, want %d: %s", url, status, want, text)
		}
		body = text
		return err
	})
	return body
}

// token makes a service account and a token for it.
func token(t *testing.T, rc *rest.Config, kube client.Client, namespace, name string) string {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := kube.Create(t.Context(), sa); err != nil {
		t.Fatal(err)
	}
	cs, err := kubernetes.NewForConfig(rc)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := cs.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tr.Status.Token
}

// TestProbesAndMetrics runs an operator with the rights of its installation and asks it as the kubelet and as Prometheus
// would.
func TestProbesAndMetrics(t *testing.T) {
	w := testkit.New(t, pilot())
	rc := install(t, w)
	o := options(w)
	o.Registry, o.MetricsAddress, o.ProbeAddress = nil, freeAddress(t), freeAddress(t)
	start(t, rc, o)
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy(), w.WaveOn("pilot", "Pilot"))

	answers(t, "http://"+o.ProbeAddress+"/healthz", "", http.StatusOK)
	answers(t, "http://"+o.ProbeAddress+"/readyz", "", http.StatusOK)

	metrics := "https://" + o.MetricsAddress + "/metrics"
	answers(t, metrics, "", http.StatusUnauthorized)
	if status, body, err := get(t, metrics, "not-a-token"); err != nil || status == http.StatusOK {
		t.Errorf("a token that nobody issued gives %d, %v: %s", status, err, body)
	}
	stranger := token(t, w.Config, w.Kube, w.Namespace, "stranger")
	if body := answers(t, metrics, stranger, http.StatusForbidden); strings.Contains(body, "tidegate_") {
		t.Errorf("a stranger reads %s", body)
	}
	if status, body, err := get(t, "http://"+o.MetricsAddress+"/metrics", stranger); err == nil && status == http.StatusOK {
		t.Errorf("metrics are served without TLS: %s", body)
	}

	reader := token(t, w.Config, w.Kube, w.Namespace, "prometheus")
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-of-" + w.Namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "tidegate-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: w.Namespace, Name: "prometheus"}},
	}
	if err := w.Kube.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	w.AdvanceUntil(t, 30*time.Second, time.Hour, func(context.Context) error {
		status, body, err := get(t, metrics, reader)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("status %d: %w: %s", status, err, body)
		}
		for _, want := range []string{
			fmt.Sprintf(`tidegate_graph_requests_total{code="200",op="SettingDefinitions",tenant="%s"}`, w.Sim.TenantID()),
			fmt.Sprintf(`tidegate_tenant_devices{name="%s",namespace="%s"}`, testkit.TenantName, w.Namespace),
			fmt.Sprintf(`tidegate_wave_phase{name="pilot",namespace="%s",phase="Exposing"}`, w.Namespace),
			`tidegate_wave_decisions_total{phase="Resolving"`, `controller_runtime_reconcile_total{controller="pilotwave"`, `workqueue_depth{`,
		} {
			if !strings.Contains(body, want) {
				return fmt.Errorf("metrics lack %s", want)
			}
		}
		return nil
	})
}

// TestTwoOperatorsShareTheRegistry makes a second manager on the registry that the first one uses, as after a restart
// within a process.
func TestTwoOperatorsShareTheRegistry(t *testing.T) {
	w := testkit.New(t, pilot())
	o := options(w)
	first := start(t, w.Config, o)
	w.Apply(t, w.Secret(), w.Tenant())
	calling(t, o, 0)
	if err := first.stop(t); err != nil {
		t.Fatal(err)
	}
	before := calls(t, o)
	start(t, w.Config, o)
	calling(t, o, before)
}

// TestNotReady has an operator that may not read anything: alive, not ready, and stopped when it is told to.
func TestNotReady(t *testing.T) {
	w := testkit.New(t, pilot())
	rc := rest.CopyConfig(w.Config)
	rc.Impersonate = rest.ImpersonationConfig{UserName: "nobody", Groups: []string{"system:authenticated"}}
	o := options(w)
	o.ProbeAddress = freeAddress(t)
	p := start(t, rc, o)
	answers(t, "http://"+o.ProbeAddress+"/healthz", "", http.StatusOK)
	began := time.Now()
	body := answers(t, "http://"+o.ProbeAddress+"/readyz", "", http.StatusInternalServerError)
	if !strings.Contains(body, "caches") {
		t.Errorf("readyz says %q, want it to name the caches", body)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("readyz took %s; the kubelet waits for a second", took)
	}
	began = time.Now()
	if err := p.stop(t); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("Start returns %v after %s, although nothing was running", err, time.Since(began))
	}
}
