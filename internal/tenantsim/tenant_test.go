// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const testHost = "graph.test"

// tenant drives a simulated tenant through its handler.
type tenant struct {
	*testing.T
	sim   *Server
	token string
}

func newTenant(t *testing.T, o Options) *tenant {
	t.Helper()
	sim, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	tt := &tenant{T: t, sim: sim}
	tt.token = tt.login()
	return tt
}

// quiet has no noise: every device is managed, fit and always on.
func quiet(groups ...GroupSpec) Scenario {
	zero := 0.0
	return Scenario{StalePercent: &zero, NeverPercent: &zero, UnenrolledPercent: &zero, MissingPrerequisitePercent: &zero,
		UnencryptedPercent: &zero, OfficeHoursPercent: &zero, Groups: groups}
}

func (t *tenant) login() string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.sim.ClientID()}, "client_secret": {DefaultSecret}, "scope": {"https://graph.microsoft.com/.default"}}
	r := httptest.NewRequest(http.MethodPost, "/"+t.sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	t.sim.Handler().ServeHTTP(w, r)
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
		t.Fatalf("token: %d %s", w.Code, w.Body)
	}
	return body.AccessToken
}

// do sends a request; headers are name, value pairs.
func (t *tenant) do(method, target string, body any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = strings.NewReader(string(raw))
	}
	r := httptest.NewRequest(method, strings.ReplaceAll(target, " ", "%20"), reader)
	r.Host = testHost
	r.Header.Set("Authorization", "Bearer "+t.token)
	r.Header.Set("X-Forwarded-Proto", "https")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	t.sim.Handler().ServeHTTP(w, r)
	return w
}

// want sends a request, checks the status and decodes the body.
func (t *tenant) want(status int, method, target string, body any, headers ...string) map[string]any {
	t.Helper()
	w := t.do(method, target, body, headers...)
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, target, w.Code, status, w.Body)
	}
	out := map[string]any{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, target, err, w.Body)
		}
	}
	return out
}

// all follows a list to its end.
func (t *tenant) all(target string, headers ...string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for target != "" {
		page := t.want(http.StatusOK, http.MethodGet, target, nil, headers...)
		out = append(out, objects(page["value"])...)
		target, _ = page["@odata.nextLink"].(string)
	}
	return out
}

// errorOf sends a request and returns the error's code and readable message.
func (t *tenant) errorOf(status int, method, target string, body any, headers ...string) (code, message string) {
	t.Helper()
	out := t.want(status, method, target, body, headers...)
	e, ok := out["error"].(map[string]any)
	if !ok {
		t.Fatalf("%s %s: no error object: %v", method, target, out)
	}
	inner, _ := e["innerError"].(map[string]any)
	if text(inner, "request-id") == "" || text(inner, "date") == "" {
		t.Errorf("%s %s: innerError lacks request-id or date: %v", method, target, inner)
	}
	return text(e, "code"), text(e, "message")
}

func (t *tenant) advance(d time.Duration) {
	t.Helper()
	if err := t.sim.Advance(d); err != nil {
		t.Fatal(err)
	}
}

// groupID finds a group by display name.
func (t *tenant) groupID(name string) string {
	t.Helper()
	found := t.all("/v1.0/groups?$select=id&$filter=displayName eq '" + name + "'")
	if len(found) != 1 {
		t.Fatalf("%d groups are called %q", len(found), name)
	}
	return text(found[0], "id")
}

// choiceBody is a policy that sets one choice.
func choiceBody(name, platforms, technologies, definition, value string) object {
	return object{"name": name, "description": "", "platforms": platforms, "technologies": technologies, "roleScopeTagIds": []string{"0"},
		"settings": []object{{"@odata.type": typePrefix + "Setting", "settingInstance": object{
			"@odata.type": typePrefix + "ChoiceSettingInstance", "settingDefinitionId": definition,
			"choiceSettingValue": object{"value": value, "children": []object{}},
		}}}}
}

func allowBody(name string) object {
	return choiceBody(name, "windows10", "mdm", PasskeysWindowsDevice, PasskeysWindowsDevice+"_1")
}

func holdBody(name string) object {
	return choiceBody(name, "windows10", "mdm", PasskeysWindowsDevice, PasskeysWindowsDevice+"_0")
}

const policiesPath = "/beta/deviceManagement/configurationPolicies"

func (t *tenant) createPolicy(body object) string {
	t.Helper()
	return text(t.want(http.StatusCreated, http.MethodPost, policiesPath, body), "id")
}

func groupTarget(id string) object {
	return object{"target": object{"@odata.type": string(targetGroup), "groupId": id}}
}

func excludeTarget(id string) object {
	return object{"target": object{"@odata.type": string(targetExclude), "groupId": id}}
}

func (t *tenant) assign(policy string, targets ...object) {
	t.Helper()
	if targets == nil {
		targets = []object{}
	}
	t.want(http.StatusOK, http.MethodPost, policiesPath+"/"+policy+"/assign", object{"assignments": targets})
}

// status counts the results of a policy by word, without report lag.
func (t *tenant) status(name string) map[string]int {
	t.Helper()
	for _, p := range t.sim.Snapshot(false).Policies {
		if p.Name == name {
			return p.Status
		}
	}
	t.Fatalf("no policy is called %q", name)
	return nil
}
