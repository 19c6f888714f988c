// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Auth is how the application proves its identity: exactly one member is set.
type Auth struct {
	ClientSecret     *ClientSecret
	Certificate      *Certificate
	WorkloadIdentity *WorkloadIdentity
}

// ClientSecret is an application's password. It never prints its secret.
type ClientSecret struct {
	// ClientID is the application (client) id.
	ClientID string
	// Secret is the value of the client secret, not its id.
	Secret string
}

// Format prints the client id and hides the secret, whatever the verb is.
func (s ClientSecret) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "ClientSecret{ClientID:%s Secret:%s}", s.ClientID, hidden)
}

// MarshalJSON hides the secret from structured logs.
func (s ClientSecret) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"clientID": s.ClientID, "secret": hidden})
}

// Certificate is an application's certificate and private key. It never prints either.
type Certificate struct {
	// ClientID is the application (client) id.
	ClientID string
	// Data holds certificate and key as PEM or as PKCS#12 (PFX).
	Data []byte
	// Password opens Data; empty when it is not encrypted.
	Password string
}

// Format prints the client id and hides key and password, whatever the verb is.
func (s Certificate) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Certificate{ClientID:%s Data:%s}", s.ClientID, hidden)
}

// MarshalJSON hides key and password from structured logs.
func (s Certificate) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"clientID": s.ClientID, "data": hidden})
}

// WorkloadIdentity is a federated credential: a service account token of the cluster (contract l.3).
type WorkloadIdentity struct {
	// ClientID is the application or managed identity; empty means AZURE_CLIENT_ID.
	ClientID string
	// TokenFile holds the projected token; empty means AZURE_FEDERATED_TOKEN_FILE. It is read again on rotation.
	TokenFile string
}

// secretValues lists what must not show up in any text.
func (a Auth) secretValues() []string {
	switch {
	case a.ClientSecret != nil:
		return []string{a.ClientSecret.Secret}
	case a.Certificate != nil:
		return []string{a.Certificate.Password}
	}
	return nil
}

// credentialFunc makes a credential with an empty token cache.
type credentialFunc func() (azcore.TokenCredential, error)

// newCredential returns the maker of the tenant's credential, or says what is wrong with the configuration.
func newCredential(cfg Config, h hosts, httpClient *http.Client) (credentialFunc, error) {
	options := azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: h.authority.String()},
		Transport: httpClient,
		// The client's own retry loop decides about token requests too.
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{Disabled: true},
	}
	set := 0
	var build credentialFunc
	if s := cfg.Auth.ClientSecret; s != nil {
		set++
		build = func() (azcore.TokenCredential, error) {
			return azidentity.NewClientSecretCredential(cfg.TenantID, s.ClientID, s.Secret,
				&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: h.custom})
		}
		if s.ClientID == "" || s.Secret == "" {
			return nil, errors.New("auth.clientSecret: client id or secret is empty: set both keys of the Secret")
		}
	}
	if s := cfg.Auth.Certificate; s != nil {
		set++
		if s.ClientID == "" {
			return nil, errors.New("auth.clientCertificate: client id is empty: write the application (client) id of the app registration")
		}
		certs, key, err := azidentity.ParseCertificates(s.Data, []byte(s.Password))
		if err != nil {
			// The parser's words can quote the input, so they are not repeated.
			return nil, errors.New("auth.clientCertificate: no certificate with private key could be read: store PEM with both, or PFX with its password")
		}
		build = func() (azcore.TokenCredential, error) {
			return azidentity.NewClientCertificateCredential(cfg.TenantID, s.ClientID, certs, key,
				&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: h.custom})
		}
	}
	if s := cfg.Auth.WorkloadIdentity; s != nil {
		set++
		build = func() (azcore.TokenCredential, error) {
			return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
				ClientOptions: options, TenantID: cfg.TenantID, ClientID: s.ClientID, TokenFilePath: s.TokenFile,
				DisableInstanceDiscovery: h.custom})
		}
	}
	if set != 1 {
		return nil, fmt.Errorf("auth has %d members: set exactly one of workloadIdentity, clientSecret, clientCertificate", set)
	}
	return build, nil
}

// authTransport adds the bearer token, and only on requests to the tenant's own Graph host.
type authTransport struct {
	next   http.RoundTripper
	client *Client
}

// RoundTrip implements http.RoundTripper. A 401 is answered once with a new token: Graph refused before any
// effect, so this is safe for writes as well.
func (t *authTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, op := req.Context(), callFrom(req.Context()).op
	if err := t.client.hosts.checkHost(req.URL); err != nil {
		closeBody(req)
		return nil, &notSentError{invalid(op, "%v", err)}
	}
	resp, cred, err := t.send(ctx, op, req, "")
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	claims := claimsChallenge(resp.Header)
	drain(resp)
	t.client.tokens.renew(cred)
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, &notSentError{err}
		}
	}
	resp, _, err = t.send(ctx, op, req, claims)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		// The Kiota adapter answers challenges by itself and panics on one that it cannot parse.
		resp.Header.Del("WWW-Authenticate")
	}
	return resp, err
}

// send sends one request with the current token and tells which credential it came from.
func (t *authTransport) send(ctx context.Context, op string, req *http.Request, claims string) (*http.Response, azcore.TokenCredential, error) {
	tok, cred, err := t.client.tokens.token(ctx, claims)
	if err != nil {
		closeBody(req)
		return nil, nil, &notSentError{t.client.tokenError(ctx, op, err)}
	}
	out := req.Clone(ctx)
	out.Header.Set("Authorization", "Bearer "+tok.Token)
	resp, err := t.next.RoundTrip(out)
	return resp, cred, err
}

// claimsPattern matches the claims of a bearer challenge.
var claimsPattern = regexp.MustCompile(`(?i)\bclaims="([^"]+)"`)

// claimsChallenge returns the claims that Graph asks a new token to carry, or nothing.
func claimsChallenge(header http.Header) string {
	for _, value := range header.Values("WWW-Authenticate") {
		m := claimsPattern.FindStringSubmatch(value)
		if m == nil {
			continue
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			if plain, err := enc.DecodeString(m[1]); err == nil {
				return string(plain)
			}
		}
	}
	return ""
}
