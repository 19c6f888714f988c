// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	tidegatev1alpha1 "github.com/tidegate/tidegate/api/v1alpha1"
)

const (
	crdBases   = "../../config/crd/bases"
	configRoot = "../../config"
)

// cluster is an API server with the CRDs of config/crd/bases.
type cluster struct {
	config     *rest.Config
	client     client.Client
	kubeconfig string
	assets     string
}

// started is the control plane of this test binary, for TestMain to stop. Only startOnce writes it.
var started *envtest.Environment

func TestMain(m *testing.M) {
	code := m.Run()
	if started != nil {
		if err := started.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the control plane:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// shared returns the cluster of this test binary and starts it at the first call.
func shared(t *testing.T) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane")
	}
	c, err := startOnce()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var startOnce = sync.OnceValues(start)

func start() (*cluster, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return nil, fmt.Errorf(`KUBEBUILDER_ASSETS is not set: run "make test PKG=./test/api/...", ` +
			`or set it to the directory that hack/controlplane.sh prints`)
	}
	started = &envtest.Environment{CRDDirectoryPaths: []string{crdBases}, ErrorIfCRDPathMissing: true}
	// A single etcd member elects itself: waiting a second for other candidates is time lost.
	started.ControlPlane.Etcd = &envtest.Etcd{}
	started.ControlPlane.Etcd.Configure().Set("heartbeat-interval", "10").Set("election-timeout", "100")
	config, err := started.Start()
	if err != nil {
		return nil, fmt.Errorf("start the control plane of %s: %w", assets, err)
	}
	config.QPS = -1
	c := &cluster{config: config, assets: assets, kubeconfig: filepath.Join(started.ControlPlane.APIServer.CertDir, "kubeconfig")}
	if err := os.WriteFile(c.kubeconfig, started.KubeConfig, 0o600); err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), tidegatev1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("build the scheme: %w", err)
	}
	if c.client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c, nil
}

// kubectl runs kubectl and returns what it printed to standard output; it fails the test if kubectl fails.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.tryKubectl(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *cluster) tryKubectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.assets, "kubectl"), append([]string{"--kubeconfig", c.kubeconfig}, args...)...)
	// No home: neither a cache nor a configuration of the developer takes part.
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// namespace makes a namespace of its own for a test. Nobody removes it: envtest has no controller that would.
func (c *cluster) namespace(t *testing.T) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "api-"}}
	if err := c.client.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// dryCreate asks the API server what it would store.
func (c *cluster) dryCreate(t *testing.T, obj *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	t.Helper()
	got := obj.DeepCopy()
	return got, c.client.Create(t.Context(), got, client.DryRunAll, client.FieldValidation("Strict"))
}

// create stores an object.
func (c *cluster) create(t *testing.T, obj *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	got, kube := obj.DeepCopy(), c.client
	if obj.GetKind() == recordKind { // where the admission policies are in force, nobody else may
		kube = c.as(t, managerAccount, "system:masters")
	}
	if err := kube.Create(t.Context(), got, client.FieldValidation("Strict")); err != nil {
		t.Fatal(err)
	}
	return got
}

// eventually polls until check returns nil, for at most half a minute.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// parse reads one object from YAML.
func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object, ok := decode(t, text).(map[string]any)
	if !ok {
		t.Fatalf("not an object:\n%s", text)
	}
	return &unstructured.Unstructured{Object: object}
}

// decode reads a value from YAML, whole numbers as int64 like a client of the API server does.
func decode(t *testing.T, text string) any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return value
}
