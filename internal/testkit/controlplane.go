// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/tidegate/tidegate/internal/wire"
)

// controlPlane is the API server that all tests of one package share.
var controlPlane struct {
	once sync.Once
	env  *envtest.Environment
	rc   *rest.Config
	kube client.Client
	err  error
}

// Main runs the tests of a package and stops the control plane that they shared. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if env := controlPlane.env; env != nil {
		if err := env.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop control plane:", err)
			code = max(code, 1)
		}
	}
	if kubeconfig.file != "" {
		if err := os.RemoveAll(filepath.Dir(kubeconfig.file)); err != nil {
			fmt.Fprintln(os.Stderr, "remove the kubeconfig:", err)
		}
	}
	os.Exit(code)
}

// Root is the root of the checkout.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// startControlPlane starts API server and etcd once for the package.
func startControlPlane(t testing.TB) {
	t.Helper()
	cp := &controlPlane
	cp.once.Do(func() {
		if os.Getenv("KUBEBUILDER_ASSETS") == "" {
			cp.err = fmt.Errorf("KUBEBUILDER_ASSETS is not set: run `make test`, or export KUBEBUILDER_ASSETS=$(hack/controlplane.sh)")
			return
		}
		env := &envtest.Environment{
			CRDDirectoryPaths: []string{filepath.Join(Root(), "config", "crd", "bases")}, ErrorIfCRDPathMissing: true,
			ControlPlaneStartTimeout: time.Minute,
		}
		args := env.ControlPlane.GetAPIServer().Configure()
		args.Append("watch-cache-sizes", "pilotwaves.tidegate.dev#0")
		env.ControlPlane.Etcd = &envtest.Etcd{}
		env.ControlPlane.Etcd.Configure().Append("heartbeat-interval", "10").Append("election-timeout", "100")
		if cp.rc, cp.err = env.Start(); cp.err != nil {
			return
		}
		cp.env = env
		cp.rc.QPS = -1
		cp.kube, cp.err = client.New(cp.rc, client.Options{Scheme: wire.Scheme()})
	})
	if cp.err != nil {
		t.Fatalf("control plane: %v", cp.err)
	}
}

// kubeconfig is the file by which kubectl reaches the control plane as an administrator.
var kubeconfig struct {
	once sync.Once
	file string
	err  error
}

// Kubectl runs kubectl in the world's namespace and returns what it prints.
func (w *World) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	kubeconfig.once.Do(func() {
		user, err := controlPlane.env.AddUser(envtest.User{Name: "testkit", Groups: []string{"system:masters"}}, controlPlane.rc)
		if err != nil {
			kubeconfig.err = err
			return
		}
		data, err := user.KubeConfig()
		if err != nil {
			kubeconfig.err = err
			return
		}
		dir, err := os.MkdirTemp("", "testkit-")
		if err != nil {
			kubeconfig.err = err
			return
		}
		kubeconfig.file = filepath.Join(dir, "kubeconfig")
		kubeconfig.err = os.WriteFile(kubeconfig.file, data, 0o600)
	})
	if kubeconfig.err != nil {
		t.Fatalf("kubeconfig: %v", kubeconfig.err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), // #nosec G204 -- a test runs its own tool
		append([]string{"--kubeconfig", kubeconfig.file, "--namespace", w.Namespace}, args...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("kubectl %v: %v: %s", args, err, problems.String())
	}
	return out.String()
}

// Eventually polls until check returns nil, and fails the test with its last error when that takes longer than within.
func Eventually(t testing.TB, within time.Duration, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	last := fmt.Errorf("not checked yet")
	for ctx.Err() == nil {
		err := check(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("not within %s: %v", within, last)
}
