// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

// asMain in the environment turns the test binary into the program: the tests run it as a process of its own.
const asMain = "TIDEGATE_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		os.Exit(0)
	}
	testkit.Main(m)
}

// program prepares a run with a kubeconfig and nothing else of the developer's.
func program(t *testing.T, kubeconfig string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = []string{asMain + "=1", "HOME=" + t.TempDir(), "KUBECONFIG=" + kubeconfig}
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// ends runs the program to its end and wants an exit code.
func ends(t *testing.T, code int, kubeconfig string, args ...string) (stderr string) {
	t.Helper()
	cmd, stdout, errs := program(t, kubeconfig, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%q exits with %d, want %d\n%s%s", args, got, code, stdout, errs)
	}
	return errs.String()
}

func TestHelp(t *testing.T) {
	text := ends(t, 0, "", "--help")
	for _, flag := range []string{
		"--metrics-bind-address", "--metrics-secure", "--workload-identity-namespaces", "--allow-endpoint-hosts", "--health-probe-bind-address", "--leader-elect", "--namespace",
		"--max-concurrent-reconciles", "--reconcile-timeout", "--graceful-shutdown-timeout", "--zap-log-level", "--zap-encoder",
	} {
		if !strings.Contains(text, flag) {
			t.Errorf("--help does not tell of %s:\n%s", flag, text)
		}
	}
}

// TestBadCommandLine wants one line that says what is wrong, before a cluster is even looked for.
func TestBadCommandLine(t *testing.T) {
	for _, test := range []struct {
		args  []string
		words []string
	}{
		{[]string{"--nope"}, []string{"--nope"}},
		{[]string{"--leader-elect=perhaps"}, []string{"--leader-elect", "perhaps"}},
		{[]string{"--reconcile-timeout=10"}, []string{"--reconcile-timeout"}},
		{[]string{"--max-concurrent-reconciles=0"}, []string{"--max-concurrent-reconciles is 0", "at least 1"}},
		{[]string{"--metrics-bind-address=8443"}, []string{"--metrics-bind-address", ":port"}},
		{[]string{"--zap-log-level=loud"}, []string{"--zap-log-level", "loud"}},
		{[]string{"--leader-elect", "true"}, []string{`unexpected argument "true"`, "--help"}},
	} {
		text := ends(t, 1, "/does/not/exist", test.args...)
		if !strings.HasPrefix(text, "tidegate: ") || strings.Count(text, "\n") != 1 {
			t.Errorf("%q prints %q, want one line", test.args, text)
		}
		for _, word := range test.words {
			if !strings.Contains(text, word) {
				t.Errorf("%q prints %q without %q", test.args, text, word)
			}
		}
	}
}

func TestNoCluster(t *testing.T) {
	if text := ends(t, 1, "/does/not/exist"); !strings.Contains(text, "KUBECONFIG, or the service account") {
		t.Errorf("it prints %q, want the two places where a cluster is looked for", text)
	}
	file := kubeconfig(t, &rest.Config{Host: "https://127.0.0.1:1"})
	if text := ends(t, 1, file); !strings.Contains(text, "127.0.0.1:1") || !strings.Contains(text, "refused") {
		t.Errorf("it prints %q, want the API server that does not answer", text)
	}
}

func kubeconfig(t *testing.T, rc *rest.Config) string {
	t.Helper()
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters["c"] = &clientcmdapi.Cluster{Server: rc.Host, CertificateAuthorityData: rc.CAData}
	cfg.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificateData: rc.CertData, ClientKeyData: rc.KeyData}
	cfg.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	cfg.CurrentContext = "x"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSIGTERM runs the program as its pod does and ends it as the kubelet does: it hands the lease over, exits with 0, and
// has logged nothing but one JSON object a line.
func TestSIGTERM(t *testing.T) {
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 20})
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	probes := freeAddress(t)
	cmd, stdout, stderr := program(t, kubeconfig(t, w.Config), "--leader-elect", "--leader-election-namespace="+w.Namespace, "--namespace="+w.Namespace,
		"--allow-endpoint-hosts="+hosts.Of(w.SimURL), "--health-probe-bind-address="+probes, "--metrics-bind-address="+freeAddress(t))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	lease := &coordinationv1.Lease{}
	testkit.Eventually(t, time.Minute, func(ctx context.Context) error {
		select {
		case err := <-ended:
			t.Fatalf("the program ended by itself: %v\n%s%s", err, stdout, stderr)
		default:
		}
		if err := ready(ctx, "http://"+probes+"/readyz"); err != nil {
			return err
		}
		err := w.Kube.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: "tidegate-leader"}, lease)
		if err == nil && (lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "") {
			err = errors.New("nobody holds the lease")
		}
		if err != nil {
			return err
		}
		if n := w.Sim.Journal().Total; n < 3 {
			return fmt.Errorf("%d requests to the tenant: it is not at work yet", n)
		}
		return nil
	})

	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, stderr)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	if err := w.Kube.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil || *lease.Spec.HolderIdentity != "" {
		t.Errorf("the lease is held by %q: %v", *lease.Spec.HolderIdentity, err)
	}
	if stdout.Len() > 0 {
		t.Errorf("it prints %q", stdout)
	}
	checkLog(t, stderr.String())
}

func ready(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s gives %d", url, resp.StatusCode)
	}
	return nil
}

// freeAddress finds a port below those that the kernel gives to outgoing connections: one of them could take a port
// between its being found free and the program's listening on it.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000)))
		if err != nil {
			continue // taken
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no port from 20000 to 29999 is free")
	return ""
}

// released is what the manager's library may call it when the lease is handed over at the end.
const released = "leader election lost"

// checkLog wants a log in the format of production, with the lines of the libraries among it.
func checkLog(t *testing.T, text string) {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var entry struct {
			Level, TS, Msg, Error string
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.Msg == "" {
			t.Errorf("no event in JSON: %v: %s", err, line)
			continue
		}
		if _, err := time.Parse(time.RFC3339, entry.TS); err != nil {
			t.Errorf("the time of %s: %v", line, err)
		}
		if strings.Contains(entry.Msg, "\n") || entry.Level == "debug" || entry.Level == "error" && entry.Error != released {
			t.Errorf("no event of a healthy run in production: %s", line)
		}
		seen[strings.Trim(entry.Msg, ".")] = true
	}
	for _, want := range []string{"Starting Controller", "Shutdown signal received, waiting for all workers to finish"} {
		if !seen[want] {
			t.Errorf("no %q in the log:\n%s", want, text)
		}
	}
	if !strings.Contains(text, "leader lease") && !strings.Contains(text, "became leader") && !strings.Contains(text, "acquired lease") {
		t.Errorf("the log of the leader election goes elsewhere:\n%s", text)
	}
}
