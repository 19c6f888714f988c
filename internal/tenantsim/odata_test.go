// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestParseFilter(t *testing.T) {
	item := map[string]any{"name": "Anna's PC", "n": 5, "on": true, "at": "2026-06-01T08:00:00Z", "gone": nil, "platforms": "iOS,macOS", "a/b": "x"}
	get := func(path string) any { return item[path] }
	for text, want := range map[string]bool{
		"name eq 'Anna''s PC'":                           true,
		"name eq 'anna''s pc'":                           true,
		"name ne 'x'":                                    true,
		"n gt 4 and n le 5":                              true,
		"n lt 5 or on eq true":                           true,
		"not (n eq 5)":                                   false,
		"not(n eq 5) or (on eq false)":                   false,
		"gone eq null":                                   true,
		"name eq null":                                   false,
		"at ge 2026-06-01T07:59:59Z":                     true,
		"at lt 2026-06-01T08:00:00Z":                     false,
		"platforms has 'macOS'":                          true,
		"platforms has 'mac'":                            false,
		"contains(name,'NNA')":                           true,
		"startswith(name, 'an') and endswith(name,'pc')": true,
		"n in (1,5)":                                     true,
		"a/b eq 'x'":                                     true,
		"((PolicyBaseTypeName eq 'X') or (n eq 5)) and (n eq '5')": true,
		"n eq 1 or n eq 5 and on eq false":                         false,
	} {
		expr, err := parseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := expr.eval(get); got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{
		"", "name", "name eq", "name eq 'x", "name is 'x'", "(n eq 5", "n eq 5)", "n eq 5 and", "contains(name)", "contains(name,5)",
		"n in 5", "n in (5", "name eq x", "not", "n eq NaN", strings.Repeat("(", 100) + "n eq 5" + strings.Repeat(")", 100), "\xff eq 5",
	} {
		if expr, err := parseFilter(text); err == nil {
			t.Errorf("%q was accepted as %s", text, expr)
		}
	}
}

// FuzzParseFilter: no input crashes, and what was parsed means the same when
// it is written out and parsed again.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"a eq 1", "not (a eq 'x''y') or b in (1,'2',null)", "contains(a/b,'c') and d ge 2026-01-01T00:00:00Z", "(((", "a eq -1.5e3", "a eq -.0", "a has 'b'"} {
		f.Add(seed)
	}
	item := func(path string) any { return map[string]any{"a": "x'y", "b": 2, "d": "2026-06-01T00:00:00Z"}[path] }
	f.Fuzz(func(t *testing.T, text string) {
		expr, err := parseFilter(text)
		if err != nil {
			return
		}
		written := expr.String()
		if len(written) > maxFilterLength {
			return
		}
		again, err := parseFilter(written)
		if err != nil {
			if strings.Contains(err.Error(), "nested too deeply") {
				return // each operator writes parentheses
			}
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		if again.String() != written || again.eval(item) != expr.eval(item) {
			t.Fatalf("%q became %q", written, again)
		}
	})
}

func TestQueryOptionsAreStrict(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	for target, want := range map[string]string{
		"/v1.0/groups?$foo=1":                                                        "'$foo' is not supported",
		"/v1.0/groups?foo=1":                                                         "'foo' is not valid",
		"/v1.0/groups?$expand=members":                                               "'$expand' is not supported",
		"/v1.0/groups?$orderby=classification":                                       "Sorting by property 'classification'",
		"/v1.0/groups/x/members?$orderby=displayName":                                "'$orderby' is not supported",
		"/v1.0/groups?$top=0":                                                        "$top",
		"/v1.0/groups?$top=x":                                                        "$top",
		"/v1.0/groups?$top=1000":                                                     "Invalid page size specified: '1000'",
		"/v1.0/groups?$select=nope":                                                  "nope",
		"/v1.0/groups?$filter=nope eq 1":                                             "nope",
		"/v1.0/groups?$filter=displayName":                                           "Invalid filter clause",
		"/v1.0/groups?$filter=contains(displayName,'a')":                             "displayName",
		"/v1.0/groups?$filter=displayName ne 'a'":                                    "ConsistencyLevel",
		"/v1.0/groups?$count=true":                                                   "ConsistencyLevel",
		"/v1.0/groups?$skiptoken=abc":                                                "skip token",
		"/v1.0/groups?$top=1&$top=2":                                                 "more than once",
		"/v1.0/deviceManagement/managedDevices?$select=joinType":                     "joinType",
		"/v1.0/deviceManagement/managedDevices?$filter=isEncrypted eq true":          "isEncrypted",
		"/beta/deviceManagement/configurationPolicies?$expand=foo":                   "foo",
		"/beta/deviceManagement/configurationSettings?$filter=description eq 'x'":    "description",
		"/beta/deviceManagement/configurationPolicies?$filter=settingCount%20eq%201": "settingCount",
	} {
		if _, message := tt.errorOf(400, http.MethodGet, target, nil); !strings.Contains(message, want) {
			t.Errorf("%s: %q does not tell about %q", target, message, want)
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	for target, segment := range map[string]string{
		"/v1.0/nothing": "nothing",
		"/v1.0/deviceManagement/configurationPolicies":                       "configurationPolicies",
		"/v1.0/deviceManagement/configurationSettings":                       "configurationSettings",
		"/v1.0/groups/" + tt.groupID("Tidegate Canary") + "/nothing":         "nothing",
		"/v1.0/deviceManagement/managedDevices/abc/detectedApps":             "detectedApps",
		"/v1.0/deviceManagement/reports/getConfigurationPolicyDevicesReport": "getConfigurationPolicyDevicesReport",
	} {
		code, message := tt.errorOf(400, http.MethodGet, target, nil)
		if code != codeBadRequest || message != "Resource not found for the segment '"+segment+"'." {
			t.Errorf("%s: %s %q", target, code, message)
		}
	}
	w := tt.do(http.MethodDelete, "/v1.0/groups", nil)
	if w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("DELETE /groups: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	// The documented creation of an assignment does not work (contract-2 0.1).
	for _, kind := range []string{"configurationPolicies", "deviceHealthScripts", "intents", "groupPolicyConfigurations"} {
		code, message := tt.errorOf(400, "POST", "/beta/deviceManagement/"+kind+"/"+newGUID(1, "x", 1).String()+"/assignments", object{"target": object{}})
		if code != "No method match route template" || !strings.HasPrefix(message, "No OData route exists that match template ~/singleton/navigation/key/navigation with http verb POST for request ") {
			t.Errorf("POST %s/assignments: %s %q", kind, code, message)
		}
	}
	if code, _ := tt.errorOf(400, http.MethodGet, "/v1.0/deviceManagement/managedDevices/$count", nil); !strings.HasPrefix(code, "No OData route exists") {
		t.Errorf("managedDevices/$count: code %q", code)
	}
}

func TestRequestBodies(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	good := `{"displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	tt.want(201, http.MethodPost, "/v1.0/groups", zipped.String(), "Content-Encoding", "gzip")
	tt.errorOf(400, http.MethodPost, "/v1.0/groups", good, "Content-Encoding", "gzip")
	tt.errorOf(400, http.MethodPost, "/v1.0/groups", zipped.String()[:20], "Content-Encoding", "gzip")
	tt.errorOf(415, http.MethodPost, "/v1.0/groups", good, "Content-Encoding", "br")
	tt.errorOf(400, http.MethodPost, "/v1.0/groups", good, "Content-Type", "text/plain")
	tt.errorOf(400, http.MethodPost, "/v1.0/groups", good, "Content-Type", "")
	for body, want := range map[string]string{
		`{`: "JSON", `[]`: "JSON", good + good: "JSON", ``: "body is required",
		`{"displayName":"g","mailEnabled":false,"mailNickname":"g"}`:                                                              "'securityEnabled'",
		`{"displayName":"g","mailEnabled":"no","mailNickname":"g","securityEnabled":true}`:                                        "'mailEnabled'",
		`{"displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true,"color":"red"}`:                         "'color'",
		`{"@odata.type":"#microsoft.graph.user","displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true}`: "microsoft.graph.user",
		`{"displayName":"` + strings.Repeat("x", 257) + `","mailEnabled":false,"mailNickname":"g","securityEnabled":true}`:        "257",
		`{"displayName":"g","mailEnabled":false,"mailNickname":"a b","securityEnabled":true}`:                                     "mailNickname",
	} {
		if _, message := tt.errorOf(400, http.MethodPost, "/v1.0/groups", body); !strings.Contains(message, want) {
			t.Errorf("%.80s: %q does not tell about %q", body, message, want)
		}
	}
}

// TestPagingDoesNotDependOnPageSize reads each list with several page sizes.
func TestPagingDoesNotDependOnPageSize(t *testing.T) {
	tt := newTenant(t, Options{Devices: 450})
	for range 7 {
		tt.createPolicy(allowBody("same name"))
	}
	everyone := tt.groupID("All Corporate Devices")
	for _, list := range []string{
		"/v1.0/users?$select=id", "/v1.0/devices?$select=id", "/v1.0/groups?$select=id", "/v1.0/deviceManagement/managedDevices?$select=id",
		"/v1.0/groups/" + everyone + "/members?$select=id", "/v1.0/groups/" + everyone + "/transitiveMembers/microsoft.graph.device?$select=id",
		policiesPath + "?$select=id", "/beta/deviceManagement/configurationSettings?$select=id", "/beta/deviceManagement/configurationCategories?$select=id",
		"/v1.0/devices?$select=id&$filter=operatingSystem eq 'Windows'",
	} {
		whole := tt.all(list)
		seen := map[string]bool{}
		for _, item := range whole {
			seen[text(item, "id")] = true
		}
		if len(whole) < 3 || len(seen) != len(whole) {
			t.Errorf("%s: %d items, %d different", list, len(whole), len(seen))
		}
		for _, size := range []string{"2", "37", "999"} {
			paged := tt.all(list + "&$top=" + size)
			if a, b := ids(paged), ids(whole); a != b {
				t.Errorf("%s with $top=%s differs from the whole list", list, size)
			}
		}
	}
	if n := len(objects(tt.want(200, "GET", "/v1.0/deviceManagement/managedDevices", nil, "Prefer", "odata.maxpagesize=3")["value"])); n != 3 {
		t.Errorf("Prefer: odata.maxpagesize=3 gave %d items", n)
	}
}

func ids(items []map[string]any) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(text(item, "id") + "\n")
	}
	return b.String()
}

func TestNextLinkHonoursForwardedHostAndCounts(t *testing.T) {
	tt := newTenant(t, Options{Devices: 50})
	page := tt.want(200, "GET", "/v1.0/devices?$top=2&$select=id&$count=true", nil, "ConsistencyLevel", "eventual", "X-Forwarded-Host", "front.example")
	next := text(page, "@odata.nextLink")
	if !strings.HasPrefix(next, "https://front.example/v1.0/devices?") || page["@odata.count"] != 50.0 {
		t.Errorf("nextLink %q, count %v", next, page["@odata.count"])
	}
	second := tt.want(200, "GET", next, nil, "ConsistencyLevel", "eventual")
	if _, present := second["@odata.count"]; present {
		t.Error("@odata.count is on the second page")
	}
	for range 4 {
		tt.createPolicy(allowBody("p"))
	}
	policies := tt.want(200, "GET", policiesPath+"?$top=3", nil)
	if policies["@odata.count"] != 3.0 || !strings.Contains(text(policies, "@odata.nextLink"), "%252c") {
		t.Errorf("policies page: count %v, nextLink %v", policies["@odata.count"], policies["@odata.nextLink"])
	}
}

func TestBatch(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20})
	group := tt.groupID("Tidegate Canary")
	out := tt.want(200, "POST", "/v1.0/$batch", object{"requests": []object{
		{"id": "1", "method": "GET", "url": "/groups/" + group + "?$select=id"},
		{"id": "2", "method": "POST", "url": "/groups", "headers": object{"Content-Type": "application/json"},
			"body": object{"displayName": "b", "mailEnabled": false, "mailNickname": "b", "securityEnabled": true}},
		{"id": "3", "method": "GET", "url": "/groups/" + newGUID(1, "x", 1).String()},
		{"id": "4", "method": "GET", "url": "/groups", "dependsOn": []string{"3"}},
		{"id": "5", "method": "GET", "url": "/groups/" + group + "/members/$count", "headers": object{"ConsistencyLevel": "eventual"}},
		{"id": "6", "method": "POST", "url": "/groups", "body": object{"displayName": "no type"}},
	}})
	got := map[string]float64{}
	for _, r := range objects(out["responses"]) {
		status, _ := r["status"].(float64)
		got[text(r, "id")] = status
	}
	for id, want := range map[string]float64{"1": 200, "2": 201, "3": 404, "4": 424, "5": 200, "6": 400} {
		if got[id] != want {
			t.Errorf("item %s: status %v, want %v", id, got[id], want)
		}
	}
	tt.groupID("b")
	tt.errorOf(400, "POST", "/v1.0/$batch", object{"requests": []object{{"id": "1", "method": "POST", "url": "/$batch", "headers": object{"Content-Type": "application/json"},
		"body": object{"requests": []object{{"id": "1", "method": "GET", "url": "/groups"}}}}}})
	many := make([]object, 21)
	for i := range many {
		many[i] = object{"id": json.Number("1").String(), "method": "GET", "url": "/groups"}
	}
	tt.errorOf(400, "POST", "/beta/$batch", object{"requests": many})
	tt.errorOf(400, "POST", "/beta/$batch", object{"requests": many[:2]}) // equal ids
}
