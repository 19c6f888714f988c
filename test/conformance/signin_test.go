// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
	"github.com/tidegate/tidegate/internal/testkit/testcert"
)

const (
	issuer  = "https://oidc.example/cluster/"
	subject = "system:serviceaccount:tidegate-system:tidegate-manager"
)

// signIn is a tenant that knows a certificate and the service account of a cluster.
type signIn struct {
	sim         *simtest.Tenant
	url         string
	ca          []byte
	key         *rsa.PrivateKey
	certificate []byte // PEM, with the key
}

func newSignIn(t *testing.T) signIn {
	t.Helper()
	key := testcert.Key(t)
	certificate := testcert.Certificate(t, key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	s := signIn{key: key, certificate: testcert.PEM(t, certificate, key)}
	s.sim = simtest.New(t, tenantsim.Options{Seed: 1, Devices: 5, Ideal: oneAnswer, Certificates: []*x509.Certificate{certificate}, FederatedCredentials: []tenantsim.FederatedCredential{
		{Issuer: issuer, Subject: subject, Keys: map[string]*rsa.PublicKey{"": &key.PublicKey}},
	}})
	s.url, s.ca = s.sim.Start()
	return s
}

// serviceAccountToken is a projected token as the cluster's API server signs it, in a file.
func (s signIn) serviceAccountToken(t *testing.T, subject string) string {
	t.Helper()
	token := testcert.JWT(t, s.key, map[string]any{"alg": "RS256"},
		map[string]any{"iss": issuer, "sub": subject, "aud": tenantsim.DefaultAudience, "exp": time.Now().Add(time.Hour).Unix()})
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (s signIn) client(t *testing.T, auth graph.Auth) *graph.Client {
	t.Helper()
	cfg := graph.Config{TenantID: s.sim.TenantID(), Auth: auth, Endpoint: &graph.Endpoint{GraphURL: s.url, AuthorityURL: s.url, CABundle: s.ca}, AllowedHosts: hosts.Allow(t, s.url)}
	if auth.WorkloadIdentity != nil { // signs in to Microsoft only
		cfg.Endpoint, cfg.Transport = nil, posing(hosts.Of(s.url))
	}
	c, err := graph.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// posing reaches the tenant under the names of Microsoft's hosts, for which it has no certificate.
func posing(address string) http.RoundTripper {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, // #nosec G402 -- a tenant of the test
	}
}

// TestClientSignsIn: the client's three credentials, which Microsoft's library makes, and the tenant's check of them, which
// was written from the documentation (contract l.1, l.3), agree: on what is right and on what is wrong.
func TestClientSignsIn(t *testing.T) {
	s, stranger := newSignIn(t), newSignIn(t)
	for name, tt := range map[string]struct {
		auth graph.Auth
		code string // of the refusal; empty: signed in
	}{
		"secret":                      {graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: s.sim.ClientID(), Secret: s.sim.ClientSecret()}}, ""},
		"another secret":              {graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: s.sim.ClientID(), Secret: "guess"}}, "AADSTS7000215"},
		"certificate":                 {graph.Auth{Certificate: &graph.Certificate{ClientID: s.sim.ClientID(), Data: s.certificate}}, ""},
		"another certificate":         {graph.Auth{Certificate: &graph.Certificate{ClientID: s.sim.ClientID(), Data: stranger.certificate}}, "AADSTS700027"},
		"service account":             {graph.Auth{WorkloadIdentity: &graph.WorkloadIdentity{ClientID: s.sim.ClientID(), TokenFile: s.serviceAccountToken(t, subject)}}, ""},
		"another service account":     {graph.Auth{WorkloadIdentity: &graph.WorkloadIdentity{ClientID: s.sim.ClientID(), TokenFile: s.serviceAccountToken(t, subject+"2")}}, "AADSTS700213"},
		"another cluster's signature": {graph.Auth{WorkloadIdentity: &graph.WorkloadIdentity{ClientID: s.sim.ClientID(), TokenFile: stranger.serviceAccountToken(t, subject)}}, "AADSTS"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := s.client(t, tt.auth).Permissions(t.Context())
			if tt.code == "" {
				if err != nil || len(p.Roles) == 0 || p.TenantID != s.sim.TenantID() {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			if graph.KindOf(err) != graph.KindCredential || !strings.Contains(err.Error(), tt.code) {
				t.Errorf("%v, want %s", err, tt.code)
			}
		})
	}
}
