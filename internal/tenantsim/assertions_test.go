// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/rsa"
	"crypto/sha1" // #nosec G505 -- x5t
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/testkit/testcert"
)

func thumbprint(c *x509.Certificate) []byte {
	sum := sha256.Sum256(c.Raw)
	return sum[:]
}

// assertSignIn sends an assertion and returns status, OAuth error and AADSTS number.
func assertSignIn(t *testing.T, sim *Server, form url.Values) (int, string, int) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://"+testHost+"/"+sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	var body struct {
		AccessToken string `json:"access_token"`
		Kind        string `json:"error"`
		Codes       []int  `json:"error_codes"`
		Text        string `json:"error_description"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if w.Code == http.StatusOK {
		if body.AccessToken == "" {
			t.Error("no token")
		}
		return w.Code, "", 0
	}
	if len(body.Codes) != 1 || !strings.HasPrefix(body.Text, fmt.Sprintf("AADSTS%d: ", body.Codes[0])) {
		t.Fatalf("not the shape of an error: %s", w.Body)
	}
	if sent := form.Get("client_assertion"); sent != "" && strings.Contains(w.Body.String(), sent) {
		t.Error("the answer repeats the assertion")
	}
	return w.Code, body.Kind, body.Codes[0]
}

func assertionForm(sim *Server, token string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {sim.ClientID()}, "scope": {"https://graph.microsoft.com/.default"},
		"client_assertion_type": {assertionType}, "client_assertion": {token}}
}

func with(o object, changes object) object {
	out := maps.Clone(o)
	for name, v := range changes {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

// TestCertificateSignIn: contract l.1, an assertion that the application signs.
func TestCertificateSignIn(t *testing.T) {
	key, stranger := testcert.Key(t), testcert.Key(t)
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	certificate := testcert.Certificate(t, key, now.Add(-time.Hour), now.Add(time.Hour))
	for i := 2; !strings.ContainsAny(base64.StdEncoding.EncodeToString(thumbprint(certificate)), "+/"); i++ {
		certificate = testcert.Certificate(t, key, now.Add(-time.Hour), now.Add(time.Hour+time.Duration(i)*time.Second))
	}
	expired := testcert.Certificate(t, stranger, now.Add(-2*time.Hour), now.Add(-time.Hour))
	sim, err := New(Options{Ideal: idealHere, Devices: 5, Certificates: []*x509.Certificate{certificate, expired}})
	if err != nil {
		t.Fatal(err)
	}
	sim.wall = clocktesting.NewFakePassiveClock(now)
	thumb := func(c *x509.Certificate) object {
		short, long := sha1.Sum(c.Raw), sha256.Sum256(c.Raw) // #nosec G401 -- x5t
		return object{"x5t": base64.RawURLEncoding.EncodeToString(short[:]), "x5t#S256": base64.RawURLEncoding.EncodeToString(long[:])}
	}
	head := with(object{"typ": "JWT", "alg": "PS256"}, thumb(certificate))
	claims := object{"iss": sim.ClientID(), "sub": sim.ClientID(), "aud": "https://" + testHost + "/" + sim.TenantID() + "/oauth2/v2.0/token",
		"exp": now.Add(10 * time.Minute).Unix(), "nbf": now.Unix(), "jti": "1"}
	for name, tc := range map[string]struct {
		key          *rsa.PrivateKey
		head, claims object
		status       int
		code         int
	}{
		"PS256":                {key, head, nil, 200, 0},
		"RS256, SHA-1 only":    {key, object{"alg": "RS256", "x5t#S256": nil}, nil, 200, 0},
		"SHA-256 only":         {key, object{"x5t": nil}, nil, 200, 0},
		"issuer as audience":   {key, nil, object{"aud": []string{"https://" + testHost + "/" + sim.TenantID() + "/v2.0"}}, 200, 0},
		"late, within skew":    {key, nil, object{"exp": now.Add(-4 * time.Minute).Unix()}, 200, 0},
		"another key":          {stranger, nil, nil, 401, 700027},
		"unknown certificate":  {key, object{"x5t": "AAAA", "x5t#S256": nil}, nil, 401, 700027},
		"no thumbprint":        {key, object{"x5t": nil, "x5t#S256": nil}, nil, 401, 700027},
		"expired certificate":  {stranger, thumb(expired), nil, 401, 700027},
		"algorithm none":       {key, object{"alg": "none"}, nil, 401, 700027},
		"wrong padding":        {key, object{"alg": "HS256"}, nil, 401, 700027},
		"sub is another":       {key, nil, object{"sub": "11111111-2222-4333-8444-555555555555"}, 401, 700021},
		"another audience":     {key, nil, object{"aud": "https://login.example/x/oauth2/v2.0/token"}, 401, 700023},
		"no audience":          {key, nil, object{"aud": nil}, 401, 700023},
		"expired":              {key, nil, object{"exp": now.Add(-6 * time.Minute).Unix()}, 401, 700024},
		"no expiry":            {key, nil, object{"exp": nil}, 401, 700024},
		"not yet":              {key, nil, object{"nbf": now.Add(6 * time.Minute).Unix()}, 401, 700024},
		"issued by a stranger": {key, object{"alg": "RS256"}, object{"iss": "https://nobody.example"}, 401, 700211},
		// What azidentity sends: the thumbprint in the alphabet that is not for URLs.
		"as Microsoft's library": {key, object{"x5t": nil, "x5t#S256": base64.StdEncoding.EncodeToString(thumbprint(certificate))}, nil, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			token := testcert.JWT(t, tc.key, with(head, tc.head), with(claims, tc.claims))
			status, _, code := assertSignIn(t, sim, assertionForm(sim, token))
			if status != tc.status || code != tc.code {
				t.Errorf("got %d AADSTS%d, want %d AADSTS%d", status, code, tc.status, tc.code)
			}
		})
	}
	t.Run("sent twice", func(t *testing.T) { // ASSUMED, see checkCredential
		token := testcert.JWT(t, key, head, claims)
		for range 2 {
			if status, _, code := assertSignIn(t, sim, assertionForm(sim, token)); status != 200 {
				t.Errorf("got %d AADSTS%d", status, code)
			}
		}
		sim.wall = clocktesting.NewFakePassiveClock(now.Add(20 * time.Minute))
		if status, _, code := assertSignIn(t, sim, assertionForm(sim, token)); status != 401 || code != 700024 {
			t.Errorf("after it expired: %d AADSTS%d", status, code)
		}
		sim.wall = clocktesting.NewFakePassiveClock(now)
	})
	t.Run("a claim changed after signing", func(t *testing.T) {
		parts := strings.Split(testcert.JWT(t, key, head, claims), ".")
		other := strings.Split(testcert.JWT(t, key, head, with(claims, object{"jti": "2"})), ".")
		if _, _, code := assertSignIn(t, sim, assertionForm(sim, parts[0]+"."+other[1]+"."+parts[2])); code != 700027 {
			t.Errorf("AADSTS%d", code)
		}
	})
	for name, tc := range map[string]struct {
		change func(url.Values)
		code   int
	}{
		"no JWT":       {func(f url.Values) { f.Set("client_assertion", "abc") }, 50027},
		"bad base64":   {func(f url.Values) { f.Set("client_assertion", "a.b!.c") }, 50027},
		"no assertion": {func(f url.Values) { f.Del("client_assertion") }, 900144},
		"no type":      {func(f url.Values) { f.Del("client_assertion_type") }, 900144},
		"another type": {func(f url.Values) { f.Set("client_assertion_type", "saml") }, 9002313},
	} {
		t.Run(name, func(t *testing.T) {
			form := assertionForm(sim, testcert.JWT(t, key, head, claims))
			tc.change(form)
			if status, kind, code := assertSignIn(t, sim, form); status != 400 || kind != "invalid_request" || code != tc.code {
				t.Errorf("got %d %s AADSTS%d, want AADSTS%d", status, kind, code, tc.code)
			}
		})
	}
}

// TestFederatedSignIn: contract l.3, a service account token in place of a secret.
func TestFederatedSignIn(t *testing.T) {
	key, stranger := testcert.Key(t), testcert.Key(t)
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	credential := FederatedCredential{Issuer: "https://oidc.example/cluster/", Subject: "system:serviceaccount:tidegate:operator",
		Keys: map[string]*rsa.PublicKey{"k1": &key.PublicKey}}
	sim, err := New(Options{Ideal: idealHere, Devices: 5, FederatedCredentials: []FederatedCredential{credential}})
	if err != nil {
		t.Fatal(err)
	}
	sim.wall = clocktesting.NewFakePassiveClock(now)
	head := object{"alg": "RS256", "kid": "k1"}
	claims := object{"iss": credential.Issuer, "sub": credential.Subject, "aud": []string{DefaultAudience}, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}
	for name, tc := range map[string]struct {
		key          *rsa.PrivateKey
		head, claims object
		status, code int
	}{
		"good":                {key, nil, nil, 200, 0},
		"slash of the issuer": {key, nil, object{"iss": "https://oidc.example/cluster"}, 401, 700211},
		"another account":     {key, nil, object{"sub": "system:serviceaccount:tidegate:other"}, 401, 700213},
		"another audience":    {key, nil, object{"aud": "https://kubernetes.default.svc"}, 401, 700212},
		"another key":         {stranger, nil, nil, 401, 50013},
		"unknown key id":      {key, object{"kid": "k2"}, nil, 401, 50013},
		"PS256":               {key, object{"alg": "PS256"}, nil, 400, 50027},
		"expired":             {key, nil, object{"exp": now.Add(-time.Hour).Unix()}, 401, 700024},
	} {
		t.Run(name, func(t *testing.T) {
			token := testcert.JWT(t, tc.key, with(head, tc.head), with(claims, tc.claims))
			if status, _, code := assertSignIn(t, sim, assertionForm(sim, token)); status != tc.status || code != tc.code {
				t.Errorf("got %d AADSTS%d, want %d AADSTS%d", status, code, tc.status, tc.code)
			}
		})
	}
	t.Run("propagation", func(t *testing.T) {
		if err := sim.SetScenario(Scenario{FederationFailurePercent: 50}); err != nil {
			t.Fatal(err)
		}
		form := assertionForm(sim, testcert.JWT(t, key, head, claims))
		failed, afterSuccess, succeeded := 0, 0, false
		for range 40 {
			switch status, kind, code := assertSignIn(t, sim, form); {
			case status == 200:
				succeeded = true
			case status == 400 && kind == "invalid_request" && code == 70021:
				failed++
				afterSuccess += boolInt(succeeded)
			default:
				t.Fatalf("got %d %s AADSTS%d", status, kind, code)
			}
		}
		if failed < 10 || failed > 30 || afterSuccess == 0 {
			t.Errorf("%d of 40 failed, %d after a success", failed, afterSuccess)
		}
	})
}

func TestParseCredentials(t *testing.T) {
	key := testcert.Key(t)
	certificate := testcert.Certificate(t, key, time.Now(), time.Now().Add(time.Hour))
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	got, err := ParseCertificates(append(private, block...))
	if err != nil || len(got) != 1 || !got[0].Equal(certificate) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range [][]byte{nil, private, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})} {
		if _, err := ParseCertificates(bad); err == nil {
			t.Errorf("%.20q is accepted", bad)
		}
	}
	encode := base64.RawURLEncoding.EncodeToString
	set := fmt.Sprintf(`{"keys":[{"kty":"EC","kid":"e"},{"kty":"RSA","kid":"k","n":%q,"e":%q}]}`, encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes()))
	keys, err := ParseJWKS([]byte(set))
	if err != nil || len(keys) != 1 || !keys["k"].Equal(&key.PublicKey) {
		t.Errorf("%v %v", keys, err)
	}
	for _, bad := range []string{"", "{}", `{"keys":[{"kty":"RSA","kid":"k"}]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AAAAAAAAAAE"}]}`} {
		if _, err := ParseJWKS([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestCredentialOptions(t *testing.T) {
	key := testcert.Key(t)
	good := FederatedCredential{Issuer: "https://i.example/", Subject: "s", Keys: map[string]*rsa.PublicKey{"": &key.PublicKey}}
	for want, o := range map[string]Options{
		"certificates[0] is nil":               {Certificates: []*x509.Certificate{nil}},
		"certificates[0] holds":                {Certificates: []*x509.Certificate{{PublicKey: "ed25519"}}},
		"federatedCredentials[0] needs issuer": {FederatedCredentials: []FederatedCredential{{Issuer: "i", Keys: good.Keys}}},
		"federatedCredentials[0] needs":        {FederatedCredentials: []FederatedCredential{{Subject: "s", Keys: good.Keys}}},
		"federatedCredentials[1] needs":        {FederatedCredentials: []FederatedCredential{good, {Issuer: "i", Subject: "s"}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
