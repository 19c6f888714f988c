// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1" // #nosec G505 -- x5t is a SHA-1 thumbprint by definition
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// assertionType is the only kind of client assertion (contract l.1).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// clockSkew is how far the clocks of client and tenant may differ. ASSUMED.
const clockSkew = 5 * time.Minute

// assertion is a client assertion that was taken apart, not checked.
type assertion struct {
	head struct {
		Algorithm  string `json:"alg"`
		KeyID      string `json:"kid"`
		Thumbprint string `json:"x5t"`
		SHA256     string `json:"x5t#S256"`
	}
	claims struct {
		Issuer   string   `json:"iss"`
		Subject  string   `json:"sub"`
		Audience audience `json:"aud"`
		Expires  float64  `json:"exp"`
		NotYet   float64  `json:"nbf"`
	}
	signed    string
	signature []byte
}

// audience is one text or a list of them: both are legal in a JWT.
type audience []string

// UnmarshalJSON reads either form.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

var errMalformed = errors.New("not a signed JWT of three parts")

func parseAssertion(token string) (*assertion, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errMalformed
	}
	var a assertion
	for i, into := range []any{&a.head, &a.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, into) != nil {
			return nil, errMalformed
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, errMalformed
	}
	a.signed, a.signature = parts[0]+"."+parts[1], signature
	return &a, nil
}

// signedBy checks the signature with one key.
func (a *assertion) signedBy(key *rsa.PublicKey) bool {
	sum := sha256.Sum256([]byte(a.signed))
	switch a.head.Algorithm {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], a.signature) == nil
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], a.signature, nil) == nil
	default:
		return false
	}
}

// checkCredential checks how the application proves itself: a secret, or an
// assertion that its certificate or a federated issuer signed (contract l.1,
// l.3). AADSTS70021, 700211 and 700213 are the contract's; the other numbers, and
// status and OAuth error where the contract gives none, are ASSUMED.
//
// An assertion may be used again until it expires: its jti is not remembered. Of a
// federated token that follows from contract l.3, as one file serves every sign-in
// until it is rotated. Of a certificate's it is ASSUMED: the documentation of
// certificate credentials calls jti an identifier and asks for nothing else.
func (s *Server) checkCredential(form url.Values, r *http.Request) *tokenFailure {
	token, kind := form.Get("client_assertion"), form.Get("client_assertion_type")
	switch {
	case token == "" && kind == "":
		return s.checkSecret(form.Get("client_secret"))
	case token == "":
		return missingParameter("client_assertion")
	case kind == "":
		return missingParameter("client_assertion_type")
	case kind != assertionType:
		return &tokenFailure{http.StatusBadRequest, "invalid_request", 9002313,
			fmt.Sprintf("Invalid request. The client_assertion_type '%s' is not supported.", kind)}
	}
	a, err := parseAssertion(token)
	if err != nil {
		return &tokenFailure{http.StatusBadRequest, "invalid_request", 50027, "JWT token is invalid or malformed."}
	}
	// An application that signs for itself is its own issuer.
	if strings.EqualFold(a.claims.Issuer, s.options.ClientID) {
		return s.checkCertificate(a, r)
	}
	return s.checkFederated(a)
}

func missingParameter(name string) *tokenFailure {
	return &tokenFailure{http.StatusBadRequest, "invalid_request", 900144,
		fmt.Sprintf("The request body must contain the following parameter: '%s'.", name)}
}

func refusedClient(code int, format string, args ...any) *tokenFailure {
	return &tokenFailure{http.StatusUnauthorized, "invalid_client", code, fmt.Sprintf(format, args...)}
}

// checkCertificate accepts an assertion of the application itself.
func (s *Server) checkCertificate(a *assertion, r *http.Request) *tokenFailure {
	certificate := s.certificateOf(a)
	const refused = "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - %s]"
	switch {
	case certificate == nil:
		return refusedClient(700027, refused, "The key was not found.")
	case s.wall.Now().After(certificate.NotAfter), s.wall.Now().Before(certificate.NotBefore):
		return refusedClient(700027, refused, "The key used is expired.")
	}
	if key, isRSA := certificate.PublicKey.(*rsa.PublicKey); !isRSA || !a.signedBy(key) {
		return refusedClient(700027, "Client assertion failed signature validation.")
	}
	switch {
	case !strings.EqualFold(a.claims.Subject, s.options.ClientID):
		return refusedClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	case !s.ownAudience(a.claims.Audience, r):
		return refusedClient(700023, "Client assertion audience claim does not match Realm issuer.")
	}
	return s.checkLifetime(a)
}

// certificateOf finds the certificate whose thumbprint the header names.
func (s *Server) certificateOf(a *assertion) *x509.Certificate {
	for _, certificate := range s.options.Certificates {
		short, long := sha1.Sum(certificate.Raw), sha256.Sum256(certificate.Raw) // #nosec G401 -- x5t is SHA-1
		if isThumbprint(a.head.Thumbprint, short[:]) || isThumbprint(a.head.SHA256, long[:]) {
			return certificate
		}
	}
	return nil
}

// isThumbprint takes base64 in either alphabet, padded or not: Microsoft's own
// library for Go sends the ordinary one, not the one for URLs.
func isThumbprint(given string, sum []byte) bool {
	plain := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(given)
	return plain != "" && plain == base64.RawStdEncoding.EncodeToString(sum)
}

// ownAudience wants this tenant's token endpoint or issuer, as the client
// reaches it.
func (s *Server) ownAudience(given audience, r *http.Request) bool {
	for _, tenant := range []string{s.options.TenantID, s.options.Domain} {
		root := origin(r) + "/" + tenant
		for _, legal := range []string{root + "/oauth2/v2.0/token", root + "/oauth2/token", root + "/v2.0", root} {
			if slices.ContainsFunc(given, func(a string) bool { return strings.EqualFold(strings.TrimSuffix(a, "/"), legal) }) {
				return true
			}
		}
	}
	return false
}

// checkLifetime wants an expiry, and now to lie in the assertion's time.
func (s *Server) checkLifetime(a *assertion) *tokenFailure {
	now := s.wall.Now()
	from, to := time.Unix(int64(a.claims.NotYet), 0), time.Unix(int64(a.claims.Expires), 0)
	if now.After(to.Add(clockSkew)) || now.Before(from.Add(-clockSkew)) {
		return refusedClient(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s.",
			now.UTC().Format(time.RFC3339), from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	return nil
}

// checkFederated accepts the token of a registered issuer. Issuer, subject and
// audience are compared as exact text: a trailing slash matters (contract l.3).
func (s *Server) checkFederated(a *assertion) *tokenFailure {
	if s.federationUnsettled() {
		return s.noFederation(a)
	}
	if a.head.Algorithm != "RS256" { // contract l.3
		return &tokenFailure{http.StatusBadRequest, "invalid_request", 50027,
			fmt.Sprintf("JWT token is invalid or malformed. The signing algorithm '%.16s' is not supported, RS256 is.", a.head.Algorithm)}
	}
	credential, failure := s.federatedCredential(a)
	if failure != nil {
		return failure
	}
	if key := credential.Keys[a.head.KeyID]; key == nil || !a.signedBy(key) {
		return refusedClient(50013, "Assertion failed signature validation. [Reason - The key was not found.]")
	}
	return s.checkLifetime(a)
}

// federatedCredential finds the registration; the failure names the first claim
// that no registration has.
func (s *Server) federatedCredential(a *assertion) (*FederatedCredential, *tokenFailure) {
	issuer, subject := false, false
	for i := range s.options.FederatedCredentials {
		f := &s.options.FederatedCredentials[i]
		issuer = issuer || f.Issuer == a.claims.Issuer
		subject = subject || f.Issuer == a.claims.Issuer && f.Subject == a.claims.Subject
		if f.Issuer == a.claims.Issuer && f.Subject == a.claims.Subject && slices.Contains(a.claims.Audience, f.Audience) {
			return f, nil
		}
	}
	const none = "No matching federated identity record found for presented assertion %s '%s'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
	switch {
	case !issuer:
		return nil, refusedClient(700211, none, "issuer", a.claims.Issuer)
	case !subject:
		return nil, refusedClient(700213, none, "subject", a.claims.Subject)
	default:
		return nil, refusedClient(700212, none, "audience", strings.Join(a.claims.Audience, ", "))
	}
}

// noFederation is what a credential answers that has not reached every server
// yet (contract l.3).
func (s *Server) noFederation(a *assertion) *tokenFailure {
	return &tokenFailure{http.StatusBadRequest, "invalid_request", 70021, fmt.Sprintf(
		"No matching federated identity record found for presented assertion. Assertion Issuer: '%s'. Assertion Subject: '%s'. Assertion Audience: '%s'.",
		a.claims.Issuer, a.claims.Subject, strings.Join(a.claims.Audience, ", "))}
}

// federationUnsettled draws whether this sign-in meets a server that does not
// know the credential yet. It may fail after a success, as the service may.
func (s *Server) federationUnsettled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.federatedSignIns++
	return ids.Uniform(ids.Mix(s.options.Seed^ids.HashText("federation")^ids.Mix(s.federatedSignIns)))*100 < s.scenario.FederationFailurePercent
}
