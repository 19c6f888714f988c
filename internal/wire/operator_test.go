// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/wire"
)

func TestMain(m *testing.M) {
	wire.UseLog(logr.Discard())
	testkit.Main(m)
}

const patience = 20 * time.Second

// pilot is a tenant with one group that is large enough for a wave.
func pilot() testkit.Options {
	return testkit.Options{NoOperator: true, Devices: 60, Scenario: tenantsim.Scenario{Groups: []tenantsim.GroupSpec{
		{DisplayName: "Pilot", Count: 25}, {DisplayName: testkit.Everyone, From: "everything", Percent: 100},
	}}}
}

// options are those of an operator for one world, with nothing served.
func options(w *testkit.World) wire.Options {
	o := wire.Default()
	o.MetricsAddress, o.ProbeAddress, o.Namespace, o.SkipNameValidation = "0", "0", w.Namespace, true
	o.LeaderElectionNamespace, o.EndpointHosts = w.Namespace, []string{hosts.Of(w.SimURL)}
	o.Clock, o.TuneGraph, o.Registry = w.Clock, testkit.Tune, prometheus.NewRegistry()
	o.Pace = func(time.Duration) time.Duration { return 50 * time.Millisecond }
	return o
}

// process is a running manager.
type process struct {
	ctrl.Manager
	cancel context.CancelFunc
	done   chan error
}

// start runs a manager and stops it with the test.
func start(t *testing.T, rc *rest.Config, o wire.Options) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	mgr, err := wire.NewManager(ctx, rc, o)
	if err != nil {
		cancel()
		t.Fatalf("operator: %v", err)
	}
	p := &process{Manager: mgr, cancel: cancel, done: make(chan error, 1)}
	var once sync.Once
	go func() { p.done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		once.Do(func() {
			select {
			case <-p.done:
			case <-time.After(patience):
				t.Error("the manager does not stop")
			}
		})
	})
	return p
}

// stop ends a manager and returns what Start returned.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	p.cancel()
	select {
	case err := <-p.done:
		p.done <- err // for the clean-up
		return err
	case <-time.After(patience):
		t.Fatal("the manager does not stop")
		return nil
	}
}

// calls counts the requests to a tenant that an operator has in its metrics.
func calls(t *testing.T, o wire.Options) float64 {
	t.Helper()
	reg, ok := o.Registry.(prometheus.Gatherer)
	if !ok {
		t.Fatalf("%T cannot be read", o.Registry)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == "tidegate_graph_requests_total" {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// calling waits until an operator has sent more than n requests to its tenant.
func calling(t *testing.T, o wire.Options, n float64) {
	t.Helper()
	testkit.Eventually(t, patience, func(context.Context) error {
		if got := calls(t, o); got <= n {
			return fmt.Errorf("%v requests, want more than %v", got, n)
		}
		return nil
	})
}

// freeAddress is an address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// serviceAccount is the account that the deployment runs as.
const serviceAccount, system = "tidegate-manager", "tidegate-system"

// install applies config/rbac, and returns a configuration that acts as the account of the pods and has its rights only.
func install(t *testing.T, w *testkit.World) *rest.Config {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: system}}
	if err := w.Kube.Create(t.Context(), ns); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"),
		"--kubeconfig", kubeconfig(t, w), "apply", "-k", filepath.Join(testkit.Root(), "config", "rbac"))
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("install config/rbac: %v\n%s", err, out)
	}
	rc := rest.CopyConfig(w.Config)
	rc.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + system + ":" + serviceAccount,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + system, "system:authenticated"},
	}
	return rc
}

// kubeconfig writes the administrator's kubeconfig of the shared control plane to a file.
func kubeconfig(t *testing.T, w *testkit.World) string {
	t.Helper()
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["c"] = &clientcmdapi.Cluster{Server: w.Config.Host, CertificateAuthorityData: w.Config.CAData}
	cfg.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificateData: w.Config.CertData, ClientKeyData: w.Config.KeyData}
	cfg.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	cfg.CurrentContext = "x"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		t.Fatal(err)
	}
	return file
}
