// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// flags are the command line.
type flags struct {
	listen, start, catalog, scenario string
	faults, ideal                    string
	tenantID, clientID, clientSecret string
	caFile, output                   string
	certificate                      string
	federated                        federation
	devices, users                   int
	seed                             uint64
	speed                            float64
}

// federation is one federated identity credential.
type federation struct{ issuer, subject, audience, keys string }

func newCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "tenantsim",
		Short: "Run a simulated Microsoft tenant (Graph, token endpoint, device fleet)",
		Long: `tenantsim serves the parts of Microsoft Graph that a policy rollout needs, a
token endpoint and a fleet of devices that check in, apply policy and report on
a virtual clock. Control endpoints are listed at GET /_sim/ and need no token.`,
		Example: `  tenantsim --devices 2000 --speed 3600 --ca-file ca.pem
  tenantsim --scenario baseline-conflict
  tenantsim --faults lost-answers.yaml
  curl --cacert ca.pem https://127.0.0.1:PORT/_sim/dump`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	fs.IntVar(&f.devices, "devices", 2000, "devices in the tenant")
	fs.IntVar(&f.users, "users", 0, "users in the tenant (default nine per ten devices)")
	fs.Uint64Var(&f.seed, "seed", 1, "seed of every random choice")
	fs.Float64Var(&f.speed, "speed", 1, "virtual seconds per real second; 0 moves time only by POST /_sim/clock")
	fs.StringVar(&f.start, "start", "now", "virtual start time, RFC 3339 or \"now\"")
	fs.StringVar(&f.catalog, "catalog", "edge", "settings catalog: edge, article, empty-edge, edge-with-macos-passkeys (fictitious), or a file with a dump of configurationSettings")
	fs.StringVar(&f.scenario, "scenario", "healthy", fmt.Sprintf("built-in scenario %v or a YAML file", tenantsim.BuiltinScenarios()))
	fs.StringVar(&f.ideal, "ideal", "", "take away the slowness and the odd answers of an ordinary day; write why")
	fs.StringVar(&f.faults, "faults", "", "YAML file of faults to begin with; PUT /_sim/faults changes them later")
	fs.StringVar(&f.tenantID, "tenant-id", "", "tenant id (default: derived from the seed)")
	fs.StringVar(&f.clientID, "client-id", "", "application id (default: derived from the seed)")
	fs.StringVar(&f.clientSecret, "client-secret", tenantsim.DefaultSecret, "client secret that the token endpoint accepts")
	fs.StringVar(&f.certificate, "client-certificate", "", "PEM file of RSA certificates that the application may sign in with")
	fs.StringVar(&f.federated.issuer, "federated-issuer", "", "issuer of tokens that the application may sign in with, as exact text")
	fs.StringVar(&f.federated.subject, "federated-subject", "", "their subject, such as system:serviceaccount:tidegate-system:tidegate")
	fs.StringVar(&f.federated.audience, "federated-audience", tenantsim.DefaultAudience, "their audience")
	fs.StringVar(&f.federated.keys, "federated-keys", "", "JSON Web Key Set of the issuer, such as kubectl get --raw /openid/v1/jwks prints")
	fs.StringVar(&f.caFile, "ca-file", "", "write the certificate authority here (default: a file in a new temporary folder)")
	fs.StringVarP(&f.output, "output", "o", "text", "how to print the connection: text or json")
	return cmd
}

// connection is what a client needs to reach the tenant. The secret is not
// part of it: the person who started the simulator knows it.
type connection struct {
	BaseURL  string `json:"baseURL"`
	TenantID string `json:"tenantID"`
	ClientID string `json:"clientID"`
	CAFile   string `json:"caFile"`
	// CA is the certificate authority itself, as PEM.
	CA string `json:"ca"`
}

// run serves until ctx ends.
func run(ctx context.Context, out io.Writer, f flags) error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("--output %q: write text or json", f.output)
	}
	options, err := f.options(time.Now())
	if err != nil {
		return err
	}
	server, err := tenantsim.New(options)
	if err != nil {
		return err
	}
	baseURL, ca, err := server.Start(f.listen)
	if err != nil {
		return err
	}
	caFile, err := writeCA(f.caFile, ca)
	if err == nil {
		err = announce(out, f.output, connection{baseURL, server.TenantID(), server.ClientID(), caFile, string(ca)})
	}
	if err == nil {
		<-ctx.Done()
	}
	if closeErr := server.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (f flags) options(now time.Time) (tenantsim.Options, error) {
	o := tenantsim.Options{Seed: f.seed, Devices: f.devices, Users: f.users, Start: now.UTC(), Speed: f.speed,
		TenantID: f.tenantID, ClientID: f.clientID, Catalog: f.catalog, Ideal: f.ideal}
	if f.devices < 1 {
		return o, fmt.Errorf("--devices %d: write 1 or more", f.devices)
	}
	if f.clientSecret == "" {
		return o, fmt.Errorf("--client-secret is empty: write the secret that clients will send")
	}
	o.ClientSecrets = []string{f.clientSecret}
	if f.start != "now" {
		start, err := time.Parse(time.RFC3339, f.start)
		if err != nil {
			return o, fmt.Errorf("--start %q: write an RFC 3339 time such as 2026-06-01T06:00:00Z, or now", f.start)
		}
		o.Start = start
	}
	var err error
	if o.Scenario, err = tenantsim.LoadScenario(f.scenario); err != nil {
		return o, fmt.Errorf("--scenario: %w", err)
	}
	if f.faults != "" {
		if o.Faults, err = tenantsim.LoadFaults(f.faults); err != nil {
			return o, fmt.Errorf("--faults: %w", err)
		}
	}
	return o, f.credentials(&o)
}

// credentials registers what the application may sign in with beside a secret.
func (f flags) credentials(o *tenantsim.Options) error {
	if f.certificate != "" {
		raw, err := os.ReadFile(f.certificate)
		if err != nil {
			return fmt.Errorf("--client-certificate: %w", err)
		}
		if o.Certificates, err = tenantsim.ParseCertificates(raw); err != nil {
			return fmt.Errorf("--client-certificate %s: %w", f.certificate, err)
		}
	}
	given := f.federated
	if given.issuer == "" && given.subject == "" && given.keys == "" {
		return nil
	}
	if given.issuer == "" || given.subject == "" || given.keys == "" {
		return errors.New("--federated-issuer, --federated-subject and --federated-keys go together: give all three")
	}
	raw, err := os.ReadFile(given.keys)
	if err != nil {
		return fmt.Errorf("--federated-keys: %w", err)
	}
	keys, err := tenantsim.ParseJWKS(raw)
	if err != nil {
		return fmt.Errorf("--federated-keys %s: %w", given.keys, err)
	}
	o.FederatedCredentials = []tenantsim.FederatedCredential{{Issuer: given.issuer, Subject: given.subject, Audience: given.audience, Keys: keys}}
	return nil
}

// writeCA stores the authority where clients can read it.
func writeCA(path string, ca []byte) (string, error) {
	if path == "" {
		dir, err := os.MkdirTemp("", "tenantsim-")
		if err != nil {
			return "", fmt.Errorf("make a folder for the certificate authority: %w", err)
		}
		path = filepath.Join(dir, "ca.pem")
	}
	if err := os.WriteFile(path, ca, 0o644); err != nil { // #nosec G306 -- a public certificate
		return "", fmt.Errorf("write the certificate authority: %w", err)
	}
	return path, nil
}

func announce(out io.Writer, format string, c connection) error {
	if format == "json" {
		return json.NewEncoder(out).Encode(c)
	}
	_, err := fmt.Fprintf(out, "base URL   %s\ntenant id  %s\nclient id  %s\nCA file    %s\n", c.BaseURL, c.TenantID, c.ClientID, c.CAFile)
	return err
}
