// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long something may take on a busy machine.
const patience = 2 * time.Minute

// session is a lab that runs, as the person before the screen knows it.
type session struct {
	stop context.CancelFunc
	done chan error

	mu     sync.Mutex
	screen bytes.Buffer
}

// Write implements io.Writer.
func (s *session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.Write(p)
}

func (s *session) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// begin runs the program from the root of the checkout until it is ready.
func begin(t *testing.T) *session {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{stop: cancel, done: make(chan error, 1)}
	go func() { s.done <- run(ctx, s) }()
	t.Cleanup(func() { _ = s.end(t) })
	s.await(t, "Ctrl-C ends it.\n")
	return s
}

// end stops the program, as Ctrl-C does, and returns what it ended with.
func (s *session) end(t *testing.T) error {
	t.Helper()
	s.stop()
	select {
	case err := <-s.done:
		s.done <- err // for the clean-up
		return err
	case <-time.After(patience):
		t.Fatalf("the lab does not end:\n%s", s.output())
		return nil
	}
}

// await waits until the program has printed a text.
func (s *session) await(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		select {
		case err := <-s.done:
			s.done <- err
			t.Fatalf("the lab has ended: %v\n%s", err, s.output())
		default:
		}
		if out := s.output(); !strings.Contains(out, text) {
			return fmt.Errorf("it has not printed %q:\n%s", text, out)
		}
		return nil
	})
}

// eventually polls until check returns nil.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for began := time.Now(); time.Since(began) < patience; time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// row is what the program has printed under a name.
func (s *session) row(t *testing.T, name string) string {
	t.Helper()
	for line := range strings.Lines(s.output()) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("no row %q in\n%s", name, s.output())
	return ""
}

// kubectl runs kubectl as one of the users of the lab.
func (s *session) kubectl(t *testing.T, user string, args ...string) (string, error) {
	t.Helper()
	kubeconfig := filepath.Join(filepath.Dir(s.row(t, "kubeconfig")), user+".kubeconfig")
	cmd := exec.CommandContext(t.Context(), filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), append([]string{"--kubeconfig", kubeconfig}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must runs kubectl and fails the test if kubectl fails.
func (s *session) must(t *testing.T, user string, args ...string) string {
	t.Helper()
	out, err := s.kubectl(t, user, args...)
	if err != nil {
		t.Fatalf("kubectl %q as %s: %v\n%s\n%s", args, user, err, out, s.output())
	}
	return out
}

// fetch asks a URL; the certificate is one that the lab made up.
func fetch(t *testing.T, url, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	c := http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // #nosec G402 -- a certificate of the lab's own
		DisableKeepAlives: true,
	}}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// impossible is a wave that the admission policy refuses: one device cannot prove 99.9 %.
const impossible = `
apiVersion: tidegate.dev/v1alpha1
kind: PilotWave
metadata: {name: impossible}
spec:
  policyRef: {name: edge-passkeys}
  audience: {groups: {include: [{displayName: Tidegate Canary}]}, bounds: {max: 1}}
  gate: {promote: {floorRate: "0.999"}}
`

// TestLab tries a case by hand: it applies what the lab has written, as the people that the lab has made, and follows the
// operator under the shipped rights until devices have the policy.
func TestLab(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(filepath.Join("..", ".."))
	t.Setenv("TMPDIR", folder) // whatever the lab leaves behind is found here
	t.Setenv("SPEED", "20000")
	t.Setenv("DEVICES", "300")
	s := begin(t)

	s.must(t, "admin", "apply", "-f", s.row(t, "Tenant"))
	s.must(t, "auditor", "wait", "tenant/corporate", "--for=condition=Ready", "--timeout="+patience.String())
	s.must(t, "author", "apply", "-f", "config/samples/passkeypolicy.yaml", "-f", "config/samples/wave_1_canary.yaml")
	s.checkRefused(t)
	s.checkServed(t)
	s.must(t, "operator", "wait", "wave/canary", "--for=jsonpath={.status.phase}=Baking", "--timeout="+patience.String())
	s.checkLedger(t)
	if out := s.output(); strings.Contains(out, "\nrefused ") {
		t.Errorf("the shipped configuration refuses what the operator needs:\n%s", out)
	}

	// The rights of the operator are those of the installation: they go with it, and the lab says so.
	s.must(t, "admin", "delete", "clusterrolebinding", "tidegate-manager")
	s.await(t, "\nrefused  ")

	api, err := url.Parse(s.row(t, "API server"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.end(t); err != nil {
		t.Errorf("the lab ends with %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if c, err := net.DialTimeout("tcp", api.Host, time.Second); err == nil {
		t.Errorf("the API server still listens: %v", c.Close())
	}
}

// checkRefused tries what each of them must not do.
func (s *session) checkRefused(t *testing.T) {
	t.Helper()
	wave := filepath.Join(t.TempDir(), "wave.yaml")
	if err := os.WriteFile(wave, []byte(impossible), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, word string
		args       []string
	}{
		{"author", "cannot prove 0.999", []string{"apply", "-f", wave}},
		{"author", "Forbidden", []string{"delete", "tenant", "corporate"}},
		{"operator", "Forbidden", []string{"delete", "wave", "canary"}},
		{"auditor", "Forbidden", []string{"annotate", "wave", "canary", "a=b"}},
		{"tenant-admin", "Forbidden", []string{"get", "secret", "tidegate-tenant"}},
	} {
		if out, err := s.kubectl(t, test.user, test.args...); err == nil || !strings.Contains(out, test.word) {
			t.Errorf("%s: kubectl %q gives %v, want a refusal with %q\n%s", test.user, test.args, err, test.word, out)
		}
	}
}

// checkLedger: the record of the wave is there, the people neither see nor need it, and not even an administrator may write it.
func (s *session) checkLedger(t *testing.T) {
	t.Helper()
	all := s.must(t, "auditor", "get", "tidegate", "-oname")
	for _, kind := range []string{"tenant.", "passkeypolicy.", "pilotwave."} {
		if !strings.Contains(all, kind) {
			t.Errorf("kubectl get tidegate lists no %s: %s", kind, all)
		}
	}
	if out := s.must(t, "admin", "get", "wled", "-oname"); !strings.Contains(out, "waveledger.tidegate.dev/") {
		t.Errorf("the wave has no ledger: %q", out)
	}
	for user, word := range map[string]string{"auditor": "Forbidden", "author": "Forbidden", "operator": "Forbidden", "admin": "only the manager of Tidegate"} {
		if out, err := s.kubectl(t, user, "delete", "waveledgers", "--all"); err == nil || !strings.Contains(out, word) {
			t.Errorf("%s deletes the ledger: %v, want a refusal with %q\n%s", user, err, word, out)
		}
	}
}

// checkServed asks every address that the lab prints.
func (s *session) checkServed(t *testing.T) {
	t.Helper()
	metrics, file, _ := strings.Cut(s.row(t, "metrics"), ", token in ")
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		url, token string
		status     int
		word       string
	}{
		{metrics, string(token), http.StatusOK, "tidegate_graph_requests_total"},
		{metrics, "", http.StatusUnauthorized, ""},
		{s.row(t, "probes"), "", http.StatusOK, "ok"},
		{s.row(t, "simulator") + "clock", "", http.StatusOK, `"speed": 20000`},
		{strings.Fields(s.row(t, "Graph"))[0] + "/groups", "", http.StatusUnauthorized, "InvalidAuthenticationToken"},
	} {
		if status, body := fetch(t, test.url, test.token); status != test.status || !strings.Contains(body, test.word) {
			t.Errorf("%s gives %d, want %d and %q: %s", test.url, status, test.status, test.word, body)
		}
	}
	if holder := s.must(t, "admin", "-n", "tidegate-system", "get", "lease", "tidegate-leader", "-ojsonpath={.spec.holderIdentity}"); holder == "" {
		t.Error("nobody holds the lease in the shipped namespace")
	}
}

// TestBadVariables wants a sentence before anything is started.
func TestBadVariables(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"SPEED", "fast", `SPEED is "fast": write virtual seconds per real second`},
		{"SPEED", "-1", "0 to 100000"},
		{"SPEED", "NaN", "0 to 100000"},
		{"DEVICES", "0", `DEVICES is "0": write a number of devices, 1 to 1000000`},
		{"SEED", "x", `SEED is "x": write a whole number`},
		{"SCENARIO", "nope", `scenario "nope" is neither built in (healthy,`},
		{"LAG", "slow", `lag "slow": write ordinary, ideal, a duration`},
		{"CATALOG", "nope", `catalog "nope" is neither built in (edge, article,`},
		{"KUBEBUILDER_ASSETS", "", "start it with make, or export KUBEBUILDER_ASSETS"},
		{"KUBEBUILDER_ASSETS", t.TempDir(), "start Kubernetes API server and etcd: "},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			t.Setenv(test.name, test.value)
			s := &session{}
			if err := run(t.Context(), s); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
			if out := s.output(); out != "" {
				t.Errorf("it prints %q", out)
			}
			if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}
