// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bufio"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/testkit/testcert"
)

// formValue is a field of the last token request.
func (a *authority) formValue(name string) string {
	form := *a.lastForm.Load()
	return strings.Join(form[name], "|")
}

// checkGrant checks what every token request with an assertion carries (contract l.1).
func (a *authority) checkGrant(t *testing.T) {
	t.Helper()
	for name, want := range map[string]string{"grant_type": "client_credentials", "client_id": "app", "client_secret": "",
		"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"} {
		if got := a.formValue(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestCertificateAssertion: the assertion is a JWT for this token endpoint, of a short life, that names the certificate
// and is signed with its key.
func TestCertificateAssertion(t *testing.T) {
	a := newAuthority(t)
	signer := testcert.Key(t)
	cert := testcert.Certificate(t, signer, time.Time{}, time.Now().Add(time.Hour))
	data := testcert.PEM(t, cert, signer)
	c := a.client(t, func(cfg *Config) { cfg.Auth = Auth{Certificate: &Certificate{ClientID: "app", Data: data}} })
	if _, err := c.Group(t.Context(), "g1"); err != nil {
		t.Fatal(err)
	}
	a.checkGrant(t)
	parts := strings.Split(a.formValue("client_assertion"), ".")
	if len(parts) != 3 {
		t.Fatalf("the assertion has %d parts", len(parts))
	}
	var header struct {
		Alg  string `json:"alg"`
		S256 string `json:"x5t#S256"`
	}
	var claims struct {
		Aud string `json:"aud"`
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		ID  string `json:"jti"`
		Exp int64  `json:"exp"`
		Nbf int64  `json:"nbf"`
	}
	decode(t, parts[0], &header)
	decode(t, parts[1], &claims)
	print256 := sha256.Sum256(cert.Raw)
	if header.Alg != "PS256" || header.S256 != base64.StdEncoding.EncodeToString(print256[:]) {
		t.Errorf("header %+v does not name the certificate", header)
	}
	if want := a.URL + "/" + testTenant + "/oauth2/v2.0/token"; claims.Aud != want || claims.Iss != "app" || claims.Sub != "app" || claims.ID == "" {
		t.Errorf("claims %+v, want audience %s", claims, want)
	}
	if now := time.Now().Unix(); claims.Nbf > now || claims.Exp <= now || claims.Exp > now+3600 {
		t.Errorf("the assertion holds from %d to %d, now %d", claims.Nbf, claims.Exp, now)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("key of type %T", cert.PublicKey)
	}
	if err := rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, nil); err != nil {
		t.Errorf("the signature is not the certificate's: %v", err)
	}
}

// decode reads a part of a JWT.
func decode(t *testing.T, part string, v any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// TestWorkloadIdentityAssertion: the service account's token is the assertion; the file is read again when the token is
// renewed, and the variables of the webhook stand in for what the configuration leaves out (contract l.3).
func TestWorkloadIdentityAssertion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("projected.token.one")
	t.Setenv("AZURE_CLIENT_ID", "app")
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", file)
	for name, identity := range map[string]WorkloadIdentity{"named": {ClientID: "app", TokenFile: file}, "by the webhook": {}} {
		a := newAuthority(t)
		c := a.client(t, a.asMicrosoft("https://login.microsoftonline.com"), func(cfg *Config) { cfg.Auth = Auth{WorkloadIdentity: &identity} })
		write("projected.token.one")
		for _, want := range []string{"projected.token.one", "projected.token.two"} {
			if _, err := c.Group(t.Context(), "g1"); err != nil {
				t.Fatal(err)
			}
			a.checkGrant(t)
			if got := a.formValue("client_assertion"); got != want {
				t.Errorf("%s: assertion %q, want %q", name, got, want)
			}
			write("projected.token.two")
			c.RenewToken()
		}
	}

	absent := newAuthority(t)
	missing := absent.client(t, absent.asMicrosoft("https://login.microsoftonline.com"), func(cfg *Config) { cfg.Auth = Auth{WorkloadIdentity: &WorkloadIdentity{TokenFile: file + ".absent"}} })
	_, err := missing.Group(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, "no token") {
		t.Errorf("%v", e)
	}
	t.Setenv("AZURE_CLIENT_ID", "") // set and empty is as good as absent
	if err := os.Unsetenv("AZURE_CLIENT_ID"); err != nil {
		t.Fatal(err)
	}
	cfg := newAuthority(t).config()
	cfg.Endpoint, cfg.Auth = nil, Auth{WorkloadIdentity: &WorkloadIdentity{}}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "client ID") {
		t.Errorf("no client id anywhere: %v", err)
	}
}

// TestTokenIsRefreshedAhead: a token is used from the cache while it is good for some minutes more, and is replaced
// before it ends.
func TestTokenIsRefreshedAhead(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		tokens int64
	}{
		"an hour left":         {`"expires_in":3600`, 1},
		"four minutes left":    {`"expires_in":240`, 3},
		"issuer says: not yet": {`"expires_in":7200,"refresh_in":3600`, 1},
	} {
		a := newAuthority(t)
		a.onToken = func(w http.ResponseWriter, n int64) {
			answer(w, 200, `{"token_type":"Bearer",%s,"access_token":%q}`, tt.answer, jwt(int(n)))
		}
		var used []string
		a.onGraph = func(w http.ResponseWriter, r *http.Request) {
			used = append(used, r.Header.Get("Authorization"))
			answer(w, 200, groupJSON)
		}
		c := a.client(t)
		for range 3 {
			if _, err := c.Group(t.Context(), "g1"); err != nil {
				t.Fatal(err)
			}
		}
		if n := a.tokens.Load(); n != tt.tokens || len(slices.Compact(used)) != int(tt.tokens) {
			t.Errorf("%s: %d token requests, want %d; %d tokens were used", name, n, tt.tokens, len(slices.Compact(used)))
		}
	}
}

// TestTokenEndpointIsDown: a token that was to be refreshed is used on while the endpoint fails, without asking again
// for each request; a refusal shows at once, and so does a challenge for a new token.
func TestTokenEndpointIsDown(t *testing.T) {
	for name, tt := range map[string]struct {
		onToken  func(w http.ResponseWriter)
		requests int64 // token requests after the first
		kind     Kind
	}{
		"fails": {func(w http.ResponseWriter) { answer(w, 503, `<html>`) }, 1, ""},
		"busy":  {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "60"); answer(w, 429, `{}`) }, 1, ""},
		"refuses": {func(w http.ResponseWriter) {
			answer(w, 401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`)
		}, 3, KindCredential},
	} {
		a := newAuthority(t)
		a.onToken = func(w http.ResponseWriter, n int64) {
			if n > 1 {
				tt.onToken(w)
				return
			}
			answer(w, 200, `{"token_type":"Bearer","expires_in":240,"access_token":%q}`, jwt(int(n)))
		}
		c := a.client(t)
		if _, err := c.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_, err := c.Group(t.Context(), "g1")
			if tt.kind == "" && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if tt.kind != "" {
				wantKind(t, err, tt.kind)
			}
		}
		if n := a.tokens.Load() - 1; n != tt.requests {
			t.Errorf("%s: %d more token requests, want %d", name, n, tt.requests)
		}
		c.RenewToken() // the old token does not stand in for a new one
		if _, err := c.Group(t.Context(), "g1"); err == nil {
			t.Errorf("%s: the token outlived its renewal", name)
		}
	}
}

// proxyVariable hands the parts of TestProxyOfTheEnvironment to its child.
const proxyVariable = "TIDEGATE_TEST_PROXY_CA"

// TestProxyOfTheEnvironment: token and Graph are reached through HTTPS_PROXY, as every other program does. The standard
// library reads the variables once in a process, so the client runs in a child.
func TestProxyOfTheEnvironment(t *testing.T) {
	if file := os.Getenv(proxyVariable); file != "" {
		ca, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Nothing listens at this name: only the proxy can lead to the server that has a certificate for it.
		c, err := New(Config{TenantID: testTenant, Endpoint: &Endpoint{GraphURL: "https://example.com", AuthorityURL: "https://example.com", CABundle: ca}, AllowedHosts: allow("https://example.com"),
			Auth: Auth{ClientSecret: &ClientSecret{ClientID: "app", Secret: testSecret}}, MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		if g, err := c.Group(t.Context(), "g1"); err != nil || g.ID != "g1" {
			t.Fatalf("%+v, %v", g, err)
		}
		return
	}
	a := newAuthority(t)
	a.base = "https://example.com"
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.Host)
		mu.Unlock()
		tunnel(t, w, a.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, a.config().Endpoint.CABundle, 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyOfTheEnvironment$", "-test.count=1") // #nosec G204 -- this very test
	child.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.Contains(strings.ToLower(v), "_proxy=") }),
		proxyVariable+"="+file, "HTTPS_PROXY="+proxy.URL)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) == 0 || slices.ContainsFunc(asked, func(s string) bool { return s != "CONNECT example.com:443" }) || a.tokens.Load() != 1 {
		t.Errorf("the proxy was asked for %v, %d token requests", asked, a.tokens.Load())
	}
}

// tunnel joins a client to a server, as a proxy does for CONNECT.
func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = server.Close() }()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = client.Close() }()
	if _, err := fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func(from *bufio.Reader) { _, _ = io.Copy(server, from) }(buffered.Reader)
	_, _ = io.Copy(client, server)
}
