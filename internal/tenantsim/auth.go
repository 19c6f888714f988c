// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// AllRoles returns every application permission that the simulated endpoints
// know (contract l.5): the default grant.
func AllRoles() []string {
	return []string{
		"DeviceManagementConfiguration.ReadWrite.All",
		"DeviceManagementManagedDevices.Read.All",
		"DeviceManagementManagedDevices.PrivilegedOperations.All",
		"Group.ReadWrite.All",
		"GroupMember.ReadWrite.All",
		"Device.ReadWrite.All",
		"User.Read.All",
		"Organization.Read.All",
		"DeviceManagementScripts.ReadWrite.All",
		"DeviceManagementRBAC.Read.All",
		"Policy.Read.All",
		"Policy.ReadWrite.ConditionalAccess",
		"Policy.ReadWrite.AuthenticationMethod",
		"Policy.ReadWrite.SecurityDefaults",
		"Application.Read.All",
		"AuditLog.Read.All",
		"UserAuthMethod-Passkey.Read.All",
		"UserAuthMethod-WindowsHello.Read.All",
	}
}

// claims is the payload of an access token (contract l.2).
type claims struct {
	Audience string   `json:"aud"`
	Issuer   string   `json:"iss"`
	IssuedAt int64    `json:"iat"`
	NotYet   int64    `json:"nbf"`
	Expires  int64    `json:"exp"`
	AppID    string   `json:"appid"`
	IDType   string   `json:"idtyp"`
	ObjectID string   `json:"oid"`
	Roles    []string `json:"roles,omitempty"`
	TenantID string   `json:"tid"`
	Version  string   `json:"ver"`
	Unique   string   `json:"uti"`
	Epoch    int      `json:"sim_epoch,omitempty"`
}

// graphScopes are the resources of contract l.4 whose default scope is served.
var graphScopes = []string{
	"https://graph.microsoft.com", "https://graph.microsoft.us",
	"https://dod-graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn",
}

// serveToken is POST /{tenant}/oauth2/v2.0/token (contract l.1).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) *reply {
	if err := s.checkTokenRequest(w, r); err != nil {
		return s.tokenError(err)
	}
	s.mu.Lock()
	missing, epoch := s.scenario.MissingRoles, s.tokenEpoch
	s.mu.Unlock()
	now := s.wall.Now()
	life := int64(s.options.TokenLifetime / time.Second)
	var roles []string
	for _, role := range s.options.Roles {
		if !slices.Contains(missing, role) {
			roles = append(roles, role)
		}
	}
	token := s.sign(claims{
		Audience: graphScopes[0], Issuer: "https://sts.windows.net/" + s.options.TenantID + "/",
		IssuedAt: now.Unix(), NotYet: now.Unix(), Expires: now.Unix() + life,
		AppID: s.options.ClientID, IDType: "app", ObjectID: s.principalID.String(),
		Roles: roles, TenantID: s.options.TenantID, Version: "1.0", Unique: s.nextRequestID(), Epoch: epoch,
	})
	return &reply{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}, body: object{
		"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token,
	}}
}

// tokenFailure is an error of the token endpoint.
type tokenFailure struct {
	status int
	kind   string // OAuth error
	code   int    // AADSTS number
	text   string
}

func (e *tokenFailure) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.code, e.text) }

func (s *Server) checkTokenRequest(w http.ResponseWriter, r *http.Request) *tokenFailure {
	s.mu.Lock()
	refused := s.scenario.TokenRefused
	s.mu.Unlock()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return &tokenFailure{http.StatusBadRequest, "invalid_request", 90014, "The request body is not a valid form."}
	}
	tenant := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[0]
	form := r.PostForm
	if !s.isTenant(tenant) {
		return unknownTenant(tenant)
	}
	for _, name := range []string{"grant_type", "client_id", "scope"} {
		if form.Get(name) == "" {
			return missingParameter(name)
		}
	}
	switch {
	case form.Get("grant_type") != "client_credentials":
		return &tokenFailure{http.StatusBadRequest, "unsupported_grant_type", 70003,
			fmt.Sprintf("The app requested an unsupported grant type '%s'.", form.Get("grant_type"))}
	case !strings.EqualFold(form.Get("client_id"), s.options.ClientID):
		return &tokenFailure{http.StatusBadRequest, "unauthorized_client", 700016,
			fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'.", form.Get("client_id"), tenant)}
	case refused:
		return &tokenFailure{http.StatusUnauthorized, "invalid_client", 7000112,
			fmt.Sprintf("Application '%s' is disabled.", s.options.ClientID)}
	}
	if failure := s.checkCredential(form, r); failure != nil {
		return failure
	}
	return s.checkScope(form.Get("scope"), r)
}

func (s *Server) checkSecret(given string) *tokenFailure {
	if given == "" {
		return &tokenFailure{http.StatusUnauthorized, "invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	}
	for _, secret := range s.options.ClientSecrets {
		if subtle.ConstantTimeCompare([]byte(secret), []byte(given)) == 1 {
			return nil
		}
	}
	return &tokenFailure{http.StatusUnauthorized, "invalid_client", 7000215,
		fmt.Sprintf("Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", s.options.ClientID)}
}

// checkScope wants exactly one resource's /.default; the OpenID scopes that
// libraries add are ignored.
func (s *Server) checkScope(scope string, r *http.Request) *tokenFailure {
	resources := 0
	for item := range strings.FieldsSeq(scope) {
		if item == "openid" || item == "profile" || item == "offline_access" {
			continue
		}
		resource, isDefault := strings.CutSuffix(item, "/.default")
		if !isDefault {
			return &tokenFailure{http.StatusBadRequest, "invalid_scope", 1002012,
				fmt.Sprintf("The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", item)}
		}
		if !slices.Contains(graphScopes, resource) && resource != origin(r) {
			return &tokenFailure{http.StatusBadRequest, "invalid_resource", 500011,
				fmt.Sprintf("The resource principal named %s was not found in the tenant.", resource)}
		}
		resources++
	}
	if resources != 1 {
		return &tokenFailure{http.StatusBadRequest, "invalid_scope", 70011, "The provided value for scope names no single resource."}
	}
	return nil
}

func unknownTenant(tenant string) *tokenFailure {
	return &tokenFailure{http.StatusBadRequest, "invalid_request", 90002,
		fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant)}
}

func (s *Server) isTenant(name string) bool {
	return strings.EqualFold(name, s.options.TenantID) || strings.EqualFold(name, s.options.Domain)
}

func (s *Server) tokenError(e *tokenFailure) *reply {
	trace, correlation := s.nextRequestID(), s.nextRequestID()
	stamp := s.clock.Now().UTC().Format("2006-01-02 15:04:05Z")
	return &reply{status: e.status, body: object{
		"error": e.kind, "error_codes": []int{e.code}, "timestamp": stamp,
		"trace_id": trace, "correlation_id": correlation,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", e.code, e.text, trace, correlation, stamp),
		"error_uri":         fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", e.code),
	}}
}

// serveOpenID is GET /{tenant}/v2.0/.well-known/openid-configuration, which
// the Azure identity library reads before it asks for a token.
func (s *Server) serveOpenID(r *http.Request, tenant string) *reply {
	if !s.isTenant(tenant) && tenant != "common" && tenant != "organizations" {
		return s.tokenError(unknownTenant(tenant))
	}
	root := origin(r) + "/" + tenant
	return &reply{status: http.StatusOK, body: object{
		"authorization_endpoint":                root + "/oauth2/v2.0/authorize",
		"token_endpoint":                        root + "/oauth2/v2.0/token",
		"jwks_uri":                              root + "/discovery/v2.0/keys",
		"issuer":                                root + "/v2.0",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   r.Host,
	}}
}

// serveInstance is GET /common/discovery/instance: this host is its own cloud.
func (s *Server) serveInstance(r *http.Request) *reply {
	return &reply{status: http.StatusOK, body: object{
		"tenant_discovery_endpoint": origin(r) + "/" + s.options.TenantID + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []object{{
			"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host},
		}},
	}}
}

// sign makes a JWT-shaped token. Only this server can check it; clients may
// read the payload, as they may with real Graph tokens (contract l.2).
func (s *Server) sign(c claims) string {
	payload, err := json.Marshal(c)
	if err != nil { // a struct of strings and numbers always marshals
		panic(fmt.Sprintf("tenantsim: marshal claims: %v", err))
	}
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256","kid":"tenantsim"}`))
	text := head + "." + base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + s.signature(text)
}

func (s *Server) signature(text string) string {
	mac := hmac.New(sha256.New, s.tokenKey)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate checks the bearer token and loads its roles.
func (c *call) authenticate() error {
	unauthorized := func(why string) error {
		e := odata.Fail(http.StatusUnauthorized, odata.CodeInvalidToken, "%s", why)
		e.Header = http.Header{"WWW-Authenticate": {`Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`}}
		e.Plain = true
		return e
	}
	token, ok := strings.CutPrefix(c.HTTP.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return unauthorized("Access token is empty.")
	}
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || strings.Count(token, ".") != 2 {
		return unauthorized("JWT is not well formed.")
	}
	s := c.server
	if !hmac.Equal([]byte(s.signature(token[:cut])), []byte(token[cut+1:])) {
		return unauthorized("Access token validation failure. Invalid signature.")
	}
	_, payload, _ := strings.Cut(token[:cut], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var got claims
	if err != nil || json.Unmarshal(raw, &got) != nil {
		return unauthorized("JWT is not well formed.")
	}
	switch {
	case got.TenantID != s.options.TenantID:
		return unauthorized("Access token validation failure. Invalid tenant.")
	case s.wall.Now().Unix() >= got.Expires:
		return unauthorized("Lifetime validation failed, the token is expired.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got.Epoch < s.tokenEpoch {
		return unauthorized("Lifetime validation failed, the token is expired.")
	}
	if s.scenario.RevokeTokens {
		return unauthorized("Continuous access evaluation resulted in challenge.")
	}
	c.roles = map[string]bool{}
	for _, role := range got.Roles {
		// A tenant applies a withdrawn permission with the next token. The
		// simulator applies it at once, so that a test needs no token change.
		c.roles[role] = !slices.Contains(s.scenario.MissingRoles, role)
	}
	return nil
}

// hasAny reports whether the token carries one of the permissions.
func (c *call) hasAny(roles ...string) bool {
	for _, role := range roles {
		if c.roles[role] {
			return true
		}
	}
	return len(roles) == 0
}

// authorize refuses a call without one of the permissions, in the words of the
// route's workload (contract 0.4).
func (c *call) authorize(roles []string) error {
	if c.hasAny(roles...) {
		return nil
	}
	if c.route.intune {
		return odata.Fail(http.StatusForbidden, odata.CodeForbidden,
			"Application is not authorized to perform this operation. Application must have one of the following scopes: %s", strings.Join(roles, ", "))
	}
	return odata.Fail(http.StatusForbidden, odata.CodeDenied, "Insufficient privileges to complete the operation.")
}
