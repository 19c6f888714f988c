// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

const (
	testTenant = "11111111-2222-3333-4444-555555555555"
	testSecret = "p%2Q~very+secret/value=="
)

// authority is a token endpoint and a Graph in one TLS server.
type authority struct {
	*httptest.Server
	base      string // what it calls itself where that is not its URL
	elsewhere string // where it says that its token endpoint is, if not at itself
	tokens    atomic.Int64
	lastForm  atomic.Pointer[map[string][]string]
	onToken   func(w http.ResponseWriter, n int64)
	onGraph   func(w http.ResponseWriter, r *http.Request)
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	return startAuthority(t, func(next http.Handler) http.Handler { return graphschema.Handler(t, next) })
}

// newAuthorityAny is newAuthority without the check, for answers that are nothing of Graph's.
func newAuthorityAny(t *testing.T) *authority {
	t.Helper()
	return startAuthority(t, func(next http.Handler) http.Handler { return next })
}

func startAuthority(t *testing.T, between func(http.Handler) http.Handler) *authority {
	t.Helper()
	a := &authority{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		tenant := r.PathValue("tenant")
		if tenant != testTenant {
			answer(w, 400, `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant '%s' not found. Check to make sure you have the correct tenant ID. Trace ID: t1 Correlation ID: c1 Timestamp: 2026-10-02 09:14:31Z","error_codes":[90002],"trace_id":"t1"}`, tenant)
			return
		}
		base := a.URL + "/" + tenant
		if a.base != "" {
			base = a.base + "/" + tenant
		}
		answer(w, 200, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q}`, base+"/v2.0", base+"/oauth2/v2.0/authorize", cmp.Or(a.elsewhere, base)+"/oauth2/v2.0/token")
	})
	mux.HandleFunc("GET /common/discovery/instance", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, `{"tenant_discovery_endpoint":%q,"metadata":[]}`, a.base+"/"+testTenant+"/v2.0/.well-known/openid-configuration")
	})
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form := map[string][]string(r.PostForm)
		a.lastForm.Store(&form)
		n := a.tokens.Add(1)
		if a.onToken != nil {
			a.onToken(w, n)
			return
		}
		answer(w, 200, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, jwt(int(n), "Device.Read.All", "Group.ReadWrite.All"))
	})
	a.Server = httptest.NewTLSServer(between(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1.0/") || strings.HasPrefix(r.URL.Path, "/beta/") {
			a.onGraph(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})))
	a.onGraph = func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, groupJSON) }
	t.Cleanup(a.Close)
	return a
}

// config reaches the server with a client secret.
func (a *authority) config() Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	return Config{TenantID: testTenant, Endpoint: &Endpoint{GraphURL: a.URL, AuthorityURL: a.URL, CABundle: ca}, AllowedHosts: allow(a.URL),
		Auth:      Auth{ClientSecret: &ClientSecret{ClientID: "app", Secret: testSecret}},
		RetryBase: time.Millisecond, RetryCap: time.Millisecond}
}

// asMicrosoft makes a configuration without endpoint reach the server under the names of Microsoft's hosts.
func (a *authority) asMicrosoft(authority string) func(*Config) {
	a.base = authority
	return func(cfg *Config) {
		cfg.Endpoint, cfg.AllowedHosts = nil, HostList{}
		cfg.Transport = &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, a.Listener.Addr().String())
			},
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, // #nosec G402 -- a server of the test has no certificate of Microsoft's
		}
	}
}

// client makes a client of New, the way the product does.
func (a *authority) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	cfg := a.config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestClientSecret: one token serves many requests, goes to Graph, and its roles are read.
func TestClientSecret(t *testing.T) {
	a := newAuthority(t)
	a.onGraph = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+jwt(int(a.tokens.Load()), "Device.Read.All", "Group.ReadWrite.All") {
			t.Errorf("authorization %q", r.Header.Get("Authorization"))
		}
		answer(w, 200, groupJSON)
	}
	c := a.client(t)
	for range 3 {
		if _, err := c.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.Permissions(t.Context())
	if err != nil || strings.Join(p.Roles, ",") != "Device.Read.All,Group.ReadWrite.All" || p.TenantID != "contoso" || time.Until(p.ExpiresAt) < 50*time.Minute {
		t.Errorf("%+v, %v", p, err)
	}
	if a.tokens.Load() != 1 {
		t.Errorf("%d token requests", a.tokens.Load())
	}
	form := *a.lastForm.Load()
	if !strings.Contains(form["scope"][0], a.URL+"/.default") || form["client_secret"][0] != testSecret {
		t.Errorf("form %v", form)
	}
	c.RenewToken()
	if _, err := c.Permissions(t.Context()); err != nil || a.tokens.Load() != 2 {
		t.Errorf("renewal: %d token requests, %v", a.tokens.Load(), err)
	}
}

// TestTokenErrors: the AADSTS code is kept, the kind says whose fault it is, and nothing secret is shown (P8).
func TestTokenErrors(t *testing.T) {
	refusal := func(code int, text string) func(http.ResponseWriter, int64) {
		return func(w http.ResponseWriter, _ int64) {
			answer(w, 401, `{"error":"invalid_client","error_description":"AADSTS%d: %s Trace ID: abc Correlation ID: def Timestamp: 2026-10-02 09:14:31Z","error_codes":[%d],"trace_id":"abc","correlation_id":"def"}`, code, text, code)
		}
	}
	tests := []struct {
		name    string
		tenant  string
		onToken func(http.ResponseWriter, int64)
		kind    Kind
		code    string
		says    string
		tokens  int64
	}{
		{"wrong secret", testTenant, refusal(7000215, "Invalid client secret provided: "+testSecret+"."), KindCredential, "AADSTS7000215", "write its value, not its id", 1},
		{"unknown application", testTenant, refusal(700016, "Application with identifier 'app' was not found."), KindCredential, "AADSTS700016", "check the client id", 1},
		{"unknown tenant", "99999999-2222-3333-4444-555555555555", nil, KindCredential, "AADSTS90002", "check spec.tenantID", 0},
		{"federated credential is new", testTenant, refusal(70021, "No matching federated identity record found."), KindCredential, "AADSTS70021", "takes some minutes", 1},
		{"throttled", testTenant, func(w http.ResponseWriter, _ int64) { w.Header().Set("Retry-After", "33"); answer(w, 429, `{}`) }, KindThrottled, "", "", 1},
		{"down", testTenant, func(w http.ResponseWriter, _ int64) { answer(w, 503, `<html>`) }, KindTransient, "", "something else than a token", 4},
		{"html", testTenant, func(w http.ResponseWriter, _ int64) { answer(w, 400, `<html>proxy</html>`) }, KindTransient, "", "something else than a token", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAuthority(t)
			a.onToken = tt.onToken
			c := a.client(t, func(cfg *Config) { cfg.TenantID = tt.tenant })
			_, permissionsErr := c.Permissions(t.Context())
			if e := wantKind(t, permissionsErr, tt.kind); e.Code != tt.code || !strings.Contains(e.Message+e.Hint, tt.says) {
				t.Errorf("got %v", e)
			}
			if a.tokens.Load() != tt.tokens {
				t.Errorf("%d token requests, want %d", a.tokens.Load(), tt.tokens)
			}
			_, groupErr := c.Group(t.Context(), "g1")
			wantKind(t, groupErr, tt.kind)
			_, err := c.AddMembers(t.Context(), "g1", []string{"m"})
			if e := wantKind(t, err, tt.kind); e.OutcomeUnknown {
				t.Errorf("nothing was sent, yet %v", e)
			}
			for _, err := range []error{permissionsErr, groupErr, err} {
				for _, text := range []string{fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
					if strings.Contains(text, testSecret) || strings.Contains(text, "Trace ID") || strings.Contains(text, "correlation_id") {
						t.Errorf("the error shows too much: %s", text)
					}
				}
			}
		})
	}
}

// TestTokenEndpointUnreachable is a failure of the network and not of the credential.
func TestTokenEndpointUnreachable(t *testing.T) {
	a := newAuthority(t)
	c := a.client(t, func(cfg *Config) {
		cfg.Endpoint.AuthorityURL, cfg.AllowedHosts = "https://127.0.0.1:1", allow(a.URL, "https://127.0.0.1:1")
	})
	_, err := c.Group(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, "no token") || strings.Contains(e.Message, testSecret) {
		t.Errorf("%v", e)
	}
}

// TestUntrustedServer: without the CA of the endpoint nothing is sent.
func TestUntrustedServer(t *testing.T) {
	a := newAuthority(t)
	c := a.client(t, func(cfg *Config) { cfg.Endpoint.CABundle = nil })
	_, err := c.Permissions(t.Context())
	if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, "certificate") || a.tokens.Load() != 0 {
		t.Errorf("%v, %d token requests", e, a.tokens.Load())
	}
}

// TestBadConfig: each mistake gets a sentence that names the field and the remedy.
func TestBadConfig(t *testing.T) {
	a := newAuthority(t)
	tests := map[string]struct {
		change func(*Config)
		says   string
	}{
		"tenant":         {func(c *Config) { c.TenantID = "" }, "tenantID is empty"},
		"cloud":          {func(c *Config) { c.Cloud = "Mars" }, `cloud "Mars" is unknown: write Global`},
		"no auth":        {func(c *Config) { c.Auth = Auth{} }, "set exactly one of"},
		"two auths":      {func(c *Config) { c.Endpoint, c.Auth.WorkloadIdentity = nil, &WorkloadIdentity{} }, "set exactly one of"},
		"empty secret":   {func(c *Config) { c.Auth.ClientSecret.Secret = "" }, "auth.clientSecret"},
		"wrong tenant":   {func(c *Config) { c.TenantID = "a b" }, "invalid tenantID"},
		"certificate":    {func(c *Config) { c.Auth = Auth{Certificate: &Certificate{Data: []byte("hunter22")}} }, "auth.clientCertificate"},
		"http graph":     {func(c *Config) { c.Endpoint.GraphURL = "http://graph.example" }, "does not use https"},
		"http authority": {func(c *Config) { c.Endpoint.AuthorityURL = "http://127.0.0.1:80" }, "does not use https"},
		"no url":         {func(c *Config) { c.Endpoint.GraphURL = "graph" }, "is not a URL"},
		"user in url":    {func(c *Config) { c.Endpoint.GraphURL = "https://u:p@graph.example" }, "remove user"},
		"ca":             {func(c *Config) { c.Endpoint.CABundle = []byte("x") }, "endpoint.caBundle"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := a.config()
			tt.change(&cfg)
			_, err := New(cfg)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "u:p") {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

// TestClouds: each cloud has hosts and a scope of its own, and the scope is what the token is asked for (contract l.4).
func TestClouds(t *testing.T) {
	for cloud, want := range map[Cloud]struct{ graph, authority string }{
		"": {"https://graph.microsoft.com", "https://login.microsoftonline.com"}, CloudGlobal: {"https://graph.microsoft.com", "https://login.microsoftonline.com"},
		CloudUSGovernmentL4: {"https://graph.microsoft.us", "https://login.microsoftonline.us"}, CloudUSGovernmentL5: {"https://dod-graph.microsoft.us", "https://login.microsoftonline.us"},
		CloudChina: {"https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"},
	} {
		c, err := New(Config{TenantID: testTenant, Cloud: cloud, Auth: Auth{ClientSecret: &ClientSecret{ClientID: "a", Secret: "b"}}})
		if err != nil {
			t.Fatal(err)
		}
		if c.hosts.graph.String() != want.graph || c.hosts.authority.String() != want.authority || c.adapter.GetBaseUrl() != want.graph+"/v1.0" {
			t.Errorf("%q: %s, %s, %s", cloud, c.hosts.graph, c.hosts.authority, c.adapter.GetBaseUrl())
		}
		if ri, err := c.betaRequest(abs.GET, policiesPath, nil, nil); err != nil || !strings.HasPrefix(urlOf(t, ri), want.graph+"/beta/") {
			t.Errorf("%q: beta goes to %s, %v", cloud, urlOf(t, ri), err)
		}
		c.Close()

		a := newAuthority(t)
		if _, err := a.client(t, func(cfg *Config) { cfg.Cloud = cloud }, a.asMicrosoft(want.authority)).Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
		if scope := (*a.lastForm.Load())["scope"]; len(scope) != 1 || strings.Fields(scope[0])[0] != want.graph+"/.default" {
			t.Errorf("%q: a token is asked for %q", cloud, scope)
		}
	}
}

// urlOf is where a request goes.
func urlOf(t *testing.T, ri *abs.RequestInformation) string {
	t.Helper()
	u, err := ri.GetUri()
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// TestConfigHidesSecrets: printing or marshalling a configuration shows no secret, whatever the verb (P8).
func TestConfigHidesSecrets(t *testing.T) {
	s := ClientSecret{ClientID: "app", Secret: testSecret}
	k := Certificate{ClientID: "app", Data: []byte(testSecret), Password: testSecret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, s, &s, k, &k)
	}
	if err := json.NewEncoder(&out).Encode([]any{s, &k}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), testSecret) || !strings.Contains(out.String(), "app") {
		t.Error(out.String())
	}
}
