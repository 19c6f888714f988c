// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

func TestTokenEndpoint(t *testing.T) {
	sim, err := New(Options{Ideal: idealHere, Devices: 5})
	if err != nil {
		t.Fatal(err)
	}
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {sim.ClientID()}, "client_secret": {DefaultSecret}, "scope": {"https://graph.microsoft.com/.default"}}
	with := func(name, value string) url.Values {
		v := url.Values{}
		for k, list := range good {
			v[k] = slices.Clone(list)
		}
		v.Set(name, value)
		return v
	}
	for name, tc := range map[string]struct {
		tenant string
		form   url.Values
		status int
		kind   string
		code   float64
	}{
		"good":           {sim.TenantID(), good, 200, "", 0},
		"by domain":      {"contoso.example", good, 200, "", 0},
		"openid scopes":  {sim.TenantID(), with("scope", "https://graph.microsoft.com/.default openid offline_access profile"), 200, "", 0},
		"wrong tenant":   {"11111111-2222-4333-8444-555555555555", good, 400, "invalid_request", 90002},
		"bad secret":     {sim.TenantID(), with("client_secret", "guess"), 401, "invalid_client", 7000215},
		"no secret":      {sim.TenantID(), with("client_secret", ""), 401, "invalid_client", 7000218},
		"wrong client":   {sim.TenantID(), with("client_id", "11111111-2222-4333-8444-555555555555"), 400, "unauthorized_client", 700016},
		"wrong grant":    {sim.TenantID(), with("grant_type", "password"), 400, "unsupported_grant_type", 70003},
		"no grant":       {sim.TenantID(), with("grant_type", ""), 400, "invalid_request", 900144},
		"not default":    {sim.TenantID(), with("scope", "https://graph.microsoft.com/User.Read"), 400, "invalid_scope", 1002012},
		"other resource": {sim.TenantID(), with("scope", "https://vault.azure.net/.default"), 400, "invalid_resource", 500011},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/"+tc.tenant+"/oauth2/v2.0/token", strings.NewReader(tc.form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			sim.Handler().ServeHTTP(w, r)
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != tc.status || text(body, "error") != tc.kind {
				t.Fatalf("got %d %v", w.Code, body)
			}
			if tc.status == 200 {
				if body["token_type"] != "Bearer" || body["expires_in"] != 3600.0 {
					t.Errorf("got %v", body)
				}
				return
			}
			if codes, _ := body["error_codes"].([]any); len(codes) != 1 || codes[0] != tc.code {
				t.Errorf("error_codes = %v, want %v", body["error_codes"], tc.code)
			}
			for _, name := range []string{"error_description", "timestamp", "trace_id", "correlation_id"} {
				if text(body, name) == "" {
					t.Errorf("%s is missing", name)
				}
			}
			if strings.Contains(w.Body.String(), "guess") {
				t.Error("the answer repeats the secret")
			}
		})
	}
}

func TestTokenClaims(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Scenario: Scenario{MissingRoles: []string{"User.Read.All"}}})
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(tt.token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var got claims
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.TenantID != tt.sim.TenantID() || got.AppID != tt.sim.ClientID() || got.Expires <= got.IssuedAt {
		t.Errorf("claims = %+v", got)
	}
	if slices.Contains(got.Roles, "User.Read.All") || !slices.Contains(got.Roles, "Group.ReadWrite.All") {
		t.Errorf("roles = %v", got.Roles)
	}
}

func TestDiscovery(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	doc := tt.want(200, http.MethodGet, "/"+tt.sim.TenantID()+"/v2.0/.well-known/openid-configuration", nil)
	if want := "https://" + testHost + "/" + tt.sim.TenantID() + "/oauth2/v2.0/token"; doc["token_endpoint"] != want {
		t.Errorf("token_endpoint = %v, want %s", doc["token_endpoint"], want)
	}
	tt.want(200, http.MethodGet, "/common/discovery/instance?api-version=1.1", nil)
	tt.want(400, http.MethodGet, "/nobody.example/v2.0/.well-known/openid-configuration", nil)
}

func TestGraphRefusesTokens(t *testing.T) {
	wall := clocktesting.NewFakePassiveClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	sim, err := New(Options{Ideal: idealHere, Devices: 5})
	if err != nil {
		t.Fatal(err)
	}
	sim.wall = wall
	tt := &tenant{T: t, sim: sim}
	tt.token = tt.login()
	other := newTenant(t, Options{Devices: 5, Seed: 9})
	sameKey := newTenant(t, Options{Devices: 5, TenantID: "11111111-2222-4333-8444-555555555555"})
	parts := strings.Split(tt.token, ".")
	for name, header := range map[string]string{
		"none": "", "not bearer": "Basic abc", "garbage": "Bearer abc", "other tenant's": "Bearer " + other.token, "other tenant's, same key": "Bearer " + sameKey.token,
		"signature changed": "Bearer " + parts[0] + "." + parts[1] + ".AAAA", "payload changed": "Bearer " + parts[0] + "." + parts[1] + "A." + parts[2],
	} {
		code, _ := tt.errorOf(401, http.MethodGet, "/v1.0/groups", nil, "Authorization", header)
		if code != odata.CodeInvalidToken {
			t.Errorf("%s: code %s", name, code)
		}
	}
	tt.want(200, http.MethodGet, "/v1.0/groups", nil)
	wall.SetTime(wall.Now().Add(time.Hour))
	tt.errorOf(401, http.MethodGet, "/v1.0/groups", nil)
}

func TestPermissions(t *testing.T) {
	for name, tc := range map[string]struct {
		missing      []string
		method, path string
		body         any
		intune       bool
	}{
		"groups":          {[]string{"Group.ReadWrite.All", "GroupMember.ReadWrite.All"}, "GET", "/v1.0/groups", nil, false},
		"devices":         {[]string{"Device.ReadWrite.All"}, "GET", "/v1.0/devices", nil, false},
		"users":           {[]string{"User.Read.All"}, "GET", "/v1.0/users", nil, false},
		"managed devices": {[]string{"DeviceManagementManagedDevices.Read.All"}, "GET", "/v1.0/deviceManagement/managedDevices", nil, true},
		"catalog":         {[]string{"DeviceManagementConfiguration.ReadWrite.All"}, "GET", "/beta/deviceManagement/configurationSettings", nil, true},
		"policies":        {[]string{"DeviceManagementConfiguration.ReadWrite.All"}, "POST", policiesPath, allowBody("x"), true},
		"exports":         {[]string{"DeviceManagementConfiguration.ReadWrite.All"}, "POST", "/v1.0/deviceManagement/reports/exportJobs", object{"reportName": "Devices"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tt := newTenant(t, Options{Devices: 5})
			sc := tt.sim.Scenario()
			sc.MissingRoles = tc.missing
			if err := tt.sim.SetScenario(sc); err != nil {
				t.Fatal(err)
			}
			code, message := tt.errorOf(403, tc.method, tc.path, tc.body)
			if tc.intune {
				var inner struct{ Message string }
				if err := json.Unmarshal([]byte(message), &inner); err != nil {
					t.Fatalf("message is not JSON: %v: %q", err, message)
				}
				if code != odata.CodeForbidden || !strings.Contains(inner.Message, "must have one of the following scopes: ") || !strings.Contains(inner.Message, " - Operation ID") {
					t.Errorf("got %s %q", code, inner.Message)
				}
				if !strings.Contains(message, "\r\n") {
					t.Error("the inner JSON has no CRLF")
				}
				return
			}
			if code != odata.CodeDenied {
				t.Errorf("code %s", code)
			}
		})
	}
}

func TestSyncNeedsPrivilegedOperations(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Roles: []string{"DeviceManagementManagedDevices.ReadWrite.All"}})
	id := text(tt.all("/v1.0/deviceManagement/managedDevices?$select=id")[0], "id")
	tt.errorOf(403, http.MethodPost, "/v1.0/deviceManagement/managedDevices/"+id+"/syncDevice", nil)
}

func TestTokenRefusedAndRevoked(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	if err := tt.sim.SetScenario(Scenario{TokenRefused: true, RevokeTokens: true}); err != nil {
		t.Fatal(err)
	}
	tt.errorOf(401, http.MethodGet, "/v1.0/groups", nil)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {tt.sim.ClientID()}, "client_secret": {DefaultSecret}, "scope": {"https://graph.microsoft.com/.default"}}
	out := tt.want(401, http.MethodPost, "/"+tt.sim.TenantID()+"/oauth2/v2.0/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if text(out, "error") != "invalid_client" {
		t.Errorf("got %v", out)
	}
}
