// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/testkit/testcert"
)

// TestRunServesUntilStopped starts the program, reaches it with the CA that it
// wrote, and stops it.
func TestRunServesUntilStopped(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	read, write := io.Pipe()
	cmd := newCommand()
	cmd.SetArgs([]string{"--devices", "20", "--speed", "0", "--start", "2026-06-01T06:00:00Z", "--ca-file", ca, "-o", "json"})
	cmd.SetOut(write)
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var c connection
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if c.CA != string(pem) {
		t.Errorf("ca is %q, the file has %q", c.CA, pem)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL+"/_sim/clock", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil || !strings.Contains(string(body), "2026-06-01T06:00:00Z") {
		t.Errorf("clock: %v %s", err, body)
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestBadFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"--devices":                            {"--devices", "0"},
		"--start":                              {"--start", "tomorrow"},
		"--output":                             {"-o", "xml"},
		"--client-secret":                      {"--client-secret", ""},
		"built in":                             {"--scenario", "nope"},
		"catalog":                              {"--catalog", "nope"},
		"--faults":                             {"--faults", "nope.yaml"},
		"listen":                               {"--listen", "256.0.0.1:0"},
		"unknown command":                      {"extra"},
		"--client-certificate: ":               {"--client-certificate", "nope.pem"},
		"--client-certificate command_test.go": {"--client-certificate", "command_test.go"},
		"go together":                          {"--federated-issuer", "https://i.example/"},
		"--federated-keys: ":                   {"--federated-issuer", "https://i.example/", "--federated-subject", "s", "--federated-keys", "nope.json"},
		"--federated-keys command_test.go":     {"--federated-issuer", "https://i.example/", "--federated-subject", "s", "--federated-keys", "command_test.go"},
	} {
		cmd := newCommand()
		cmd.SetArgs(append(args, "--ca-file", filepath.Join(t.TempDir(), "ca.pem")))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.ExecuteContext(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error about %s", args, err, want)
		}
	}
}

// TestFaultsFile: the faults of a file are in force, and a bad one is refused
// with the field's name.
func TestFaultsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.yaml")
	for text, want := range map[string]string{
		"faults: [{mode: lostAnswer, match: {method: POST, nth: 1}}]": "",
		"faults: [{mode: vanish}]":                                    `--faults: faults[0].mode "vanish"`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := flags{devices: 5, clientSecret: "s", start: "now", scenario: "healthy", faults: file}.options(time.Unix(0, 0))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || want == "" && len(o.Faults) != 1 {
			t.Errorf("%s: %v %v", text, o.Faults, err)
		}
	}
}

// TestCatalogFile: --catalog takes a dump, and names the file, index and member
// that do not fit.
func TestCatalogFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dump.json")
	const definition = `{"id": "a", "@odata.type": "#microsoft.graph.deviceManagementConfigurationSimpleSettingDefinition"%s}`
	for applicability, want := range map[string]string{
		`, "applicability": {"platform": "windows10", "technologies": "mdm"}`: "",
		`, "applicability": {"platform": "windows10"}`:                        file + ": definition 0 (a): applicability.technologies is missing",
	} {
		if err := os.WriteFile(file, fmt.Appendf(nil, `{"value": [`+definition+`]}`, applicability), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		cmd := newCommand()
		cmd.SetArgs([]string{"--devices", "5", "--catalog", file, "--ca-file", filepath.Join(t.TempDir(), "ca.pem")})
		read, write := io.Pipe()
		cmd.SetOut(write)
		done := make(chan error, 1)
		go func() { done <- cmd.ExecuteContext(ctx); write.Close() }()
		if _, err := bufio.NewReader(read).ReadString('\n'); (err == nil) != (want == "") {
			t.Errorf("%s: read %v", applicability, err)
		}
		go func() { _, _ = io.Copy(io.Discard, read) }()
		cancel()
		if err := <-done; (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", applicability, err, want)
		}
	}
}

// TestCredentialFiles: the files that the flags name are registered.
func TestCredentialFiles(t *testing.T) {
	key := testcert.Key(t)
	der := testcert.Certificate(t, key, time.Now(), time.Now().Add(time.Hour)).Raw
	certificate, keys := filepath.Join(t.TempDir(), "c.pem"), filepath.Join(t.TempDir(), "k.json")
	set := fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k","n":%q,"e":"AQAB"}]}`, base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
	for file, raw := range map[string][]byte{certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keys: []byte(set)} {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := flags{devices: 5, clientSecret: "s", start: "now", scenario: "healthy", certificate: certificate,
		federated: federation{issuer: "https://i.example/", subject: "s", audience: "a", keys: keys}}
	o, err := f.options(time.Unix(0, 0))
	if err != nil || len(o.Certificates) != 1 || len(o.FederatedCredentials) != 1 {
		t.Fatalf("%v %+v", err, o)
	}
	got := o.FederatedCredentials[0]
	if got.Issuer != "https://i.example/" || got.Subject != "s" || got.Audience != "a" || !got.Keys["k"].Equal(&key.PublicKey) {
		t.Errorf("%+v", got)
	}
}
