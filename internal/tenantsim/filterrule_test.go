// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseRule(t *testing.T) {
	tt := newTenant(t, Options{Devices: 1, Scenario: quiet()})
	v := tt.sim.device(0)
	v.d.platform, v.d.osVersion, v.d.model, v.d.traits = platformWindows, 2, 0, traitHybrid // 10.0.22631.5335, a Latitude
	for text, want := range map[string]bool{
		`(device.deviceOwnership -eq "Corporate")`:                                                                 true,
		`(device.deviceOwnership -eq "corporate")`:                                                                 true,
		`(device.deviceOwnership -eq "Personal")`:                                                                  false,
		`device.deviceOwnership -ne "Personal"`:                                                                    true,
		`(device.deviceName -startsWith "PC-") and (device.model -contains "latitude")`:                            true,
		`(device.deviceName -eq "x") or (device.manufacturer -in ["LENOVO","Dell Inc."])`:                          true,
		`(device.manufacturer -notIn ["LENOVO"])`:                                                                  true,
		`(device.model -notContains "Latitude")`:                                                                   false,
		`not (device.model -contains "Latitude")`:                                                                  false,
		`NOT (device.model -contains "x") AND (device.deviceTrustType -eq "Hybrid Azure AD joined")`:               true,
		`(device.operatingSystemVersion -ge 10.0.22631.0)`:                                                         true,
		`(device.operatingSystemVersion -gt 10.0.22631.5335)`:                                                      false,
		`(device.operatingSystemVersion -lt 10.0.9999)`:                                                            false, // by number, not by text
		`(device.operatingSystemVersion -le 11)`:                                                                   true,
		`(device.operatingSystemVersion -eq 10.0.22631.5335.0)`:                                                    true,
		`(device.deviceCategory -eq $null)`:                                                                        true,
		`(device.model -ne $null)`:                                                                                 true,
		`((device.deviceName -eq "x") or (device.model -ne "y")) and (device.operatingSystemSKU -eq "Enterprise")`: true,
	} {
		rule, err := parseRule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := rule.matches(v); got != want {
			t.Errorf("%s is %v", text, got)
		}
		if again, err := parseRule(rule.String()); err != nil || again.String() != rule.String() {
			t.Errorf("%s is written as %s: %v", text, rule, err)
		}
	}
	for text, want := range map[string]string{
		"":                       "property such as device.deviceName",
		`deviceName -eq "x"`:     "property such as device.deviceName",
		`(device.nope -eq "x")`:  "'device.nope' does not exist",
		`(device.model -is "x")`: "'-is' is not supported",
		`(device.model -gt "x")`: "'-gt' is not supported for device.model",
		`(device.operatingSystemVersion -startsWith 10)`: "not supported",
		`(device.operatingSystemVersion -ge "10.0")`:     "without quotes",
		`(device.operatingSystemVersion -ge 10.x)`:       "without quotes",
		`(device.model -eq x)`:                           "double quotes",
		`(device.model -eq "x)`:                          "unterminated",
		`(device.model -eq "x"`:                          "')' expected",
		`(device.model -eq "x"))`:                        "unexpected text",
		`(device.model -in "x")`:                         "a list such as",
		`(device.model -in ["x" "y"])`:                   "',' or ']'",
		`(device.model -contains $null)`:                 "$null goes with",
		`(device.deviceOwnership -eq "Mine")`:            "not one of",
		`(device.model -eq "x") (device.model -eq "y")`:  "unexpected text",
		strings.Repeat("(", 50):                          "nested too deeply",
		strings.Repeat("not ", 50):                       "nested too deeply",
		strings.Repeat("x", 3073):                        "at most 3072",
		"\xff":                                           "UTF-8",
	} {
		if _, err := parseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParseRule: no input crashes, and a rule means the same when it is written
// out and parsed again.
func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{
		`(device.deviceOwnership -eq "Corporate") and (device.operatingSystemVersion -ge 10.0.22631.0)`,
		`not ((device.model -in ["a","b"]) or (device.model -ne $null))`, `device.deviceName -startsWith "x"`, `((((`,
	} {
		f.Add(seed)
	}
	sim, err := New(Options{Ideal: idealHere, Devices: 1})
	if err != nil {
		f.Fatal(err)
	}
	v := sim.device(0)
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := parseRule(text)
		if err != nil {
			return
		}
		written := rule.String()
		again, err := parseRule(written)
		if err != nil {
			if strings.Contains(err.Error(), "nested too deeply") || len(written) > maxRuleLength {
				return // writing adds parentheses
			}
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		if again.String() != written || again.matches(v) != rule.matches(v) {
			t.Fatalf("%q became %q", written, again)
		}
	})
}

const filtersPath = "/beta/deviceManagement/assignmentFilters"

func filterBody(name, platform, rule string) object {
	return object{"displayName": name, "description": "d", "platform": platform, "rule": rule, "assignmentFilterManagementType": "devices", "roleScopeTags": []string{"0"}}
}

func filteredTarget(group, filter, kind string) object {
	return object{"target": object{"@odata.type": string(targetGroup), "groupId": group,
		"deviceAndAppManagementAssignmentFilterId": filter, "deviceAndAppManagementAssignmentFilterType": kind}}
}

// TestAssignmentFilters: life of a filter, and what it does to targets.
func TestAssignmentFilters(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 60, From: "windows"})
	sc.Lag = &Lag{FilterRelease: Fixed(30 * time.Second)}
	tt := newTenant(t, Options{Devices: 100, Scenario: sc})
	made := tt.want(201, "POST", filtersPath, filterBody("dell", "windows10AndLater", `(device.manufacturer -eq "Dell Inc.")`))
	id := text(made, "id")
	if made["rule"] == nil || made["roleScopeTags"] == nil || made["roleScopeTagIds"] != nil {
		t.Errorf("created %v", made)
	}
	policy, group := tt.createPolicy(allowBody("p")), tt.groupID("g")
	targeted := func() int { return tt.sim.Snapshot(false).Policies[0].Targeted }
	tt.assign(policy, groupTarget(group))
	whole := targeted()
	tt.assign(policy, filteredTarget(group, id, "include"))
	inside := targeted()
	tt.assign(policy, filteredTarget(group, id, "exclude"))
	outside := targeted()
	if whole != 60 || inside == 0 || outside == 0 || inside+outside != 60 {
		t.Errorf("whole %d, include %d, exclude %d", whole, inside, outside)
	}
	got := objects(tt.want(200, "GET", policiesPath+"/"+policy+"/assignments", nil)["value"])[0]["target"].(map[string]any)
	if got["deviceAndAppManagementAssignmentFilterId"] != id || got["deviceAndAppManagementAssignmentFilterType"] != "exclude" {
		t.Errorf("assignment reads back as %v", got)
	}
	tt.advance(24 * time.Hour)
	if n := tt.status("p")["Succeeded"] + tt.status("p")["Not applicable"]; n > outside || n == 0 {
		t.Errorf("%d devices applied, %d are targeted", n, outside)
	}
	used := objects(tt.want(200, "GET", filtersPath+"/"+id+"/payloads", nil)["value"])
	if len(used) != 1 || used[0]["payloadId"] != policy {
		t.Errorf("payloads %v", used)
	}

	tt.want(200, "PATCH", filtersPath+"/"+id, object{"rule": `(device.manufacturer -eq "nobody")`})
	if targeted() != 60 {
		t.Errorf("after the rule changed: %d", targeted())
	}
	for want, body := range map[string]object{
		"cannot be changed": {"platform": "macOS"}, "not valid": {"rule": "x"}, "does not exist on type": {"roleScopeTagIds": []string{"0"}}, "is required": {"displayName": ""},
	} {
		if _, message := tt.errorOf(400, "PATCH", filtersPath+"/"+id, body); !strings.Contains(message, want) {
			t.Errorf("%v: %s", body, message)
		}
	}

	inUse := func() {
		t.Helper()
		if _, message := tt.errorOf(400, "DELETE", filtersPath+"/"+id, nil); !strings.Contains(message, "associated with existing assignments") {
			t.Errorf("message %s", message)
		}
	}
	inUse()
	tt.assign(policy, groupTarget(group))
	inUse() // for a while after the last use
	tt.advance(time.Minute)
	tt.want(204, "DELETE", filtersPath+"/"+id, nil)
	tt.want(404, "GET", filtersPath+"/"+id, nil)
}

func TestAssignmentFilterRefusals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5})})
	policy, group := tt.createPolicy(allowBody("p")), tt.groupID("g")
	mac := text(tt.want(201, "POST", filtersPath, filterBody("mac", "macOS", `(device.model -ne "x")`)), "id")
	win := text(tt.want(201, "POST", filtersPath, filterBody("win", "windows10AndLater", `(device.model -ne "x")`)), "id")
	exclusion := filteredTarget(group, win, "include")
	exclusion["target"].(object)["@odata.type"] = string(targetExclude)
	for want, target := range map[string]object{
		"does not match with the platform": filteredTarget(group, mac, "include"),
		"was not found":                    filteredTarget(group, "b0a1b0a1-0000-4000-8000-000000000000", "include"),
		"needs a filter type":              filteredTarget(group, win, "none"),
		"cannot have an assignment filter": exclusion,
		"Cannot convert":                   filteredTarget(group, win, "maybe"),
	} {
		if _, message := tt.errorOf(400, "POST", policiesPath+"/"+policy+"/assign", object{"assignments": []object{target}}); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	for range 2 {
		tt.assign(policy, filteredTarget(group, emptyFilterID, "none")) // "no filter" in its other spelling
	}
	for want, body := range map[string]object{
		"platform":     {"displayName": "x", "rule": "(device.model -eq \"x\")"},
		"syntax error": filterBody("x", "windows10AndLater", "x"),
		"expected":     filterBody("x", "solaris", "(device.model -eq \"x\")"),
	} {
		if _, message := tt.errorOf(400, "POST", filtersPath, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	for len(tt.sim.filters.items) < maxAssignmentFilters {
		tt.want(201, "POST", filtersPath, filterBody("f", "macOS", `(device.model -ne "x")`))
	}
	tt.errorOf(400, "POST", filtersPath, filterBody("one too many", "macOS", `(device.model -ne "x")`))
	if n := len(tt.all(filtersPath + "?$top=30&$select=id")); n != maxAssignmentFilters {
		t.Errorf("%d listed", n)
	}
	tt.want(400, "GET", "/v1.0/deviceManagement/assignmentFilters", nil)
}

func TestFilterPreview(t *testing.T) {
	tt := newTenant(t, Options{Devices: 50, Scenario: quiet()})
	for rule, want := range map[string]bool{`(device.model -ne "x")`: true, "x": false} {
		got := tt.want(200, "POST", filtersPath+"/validateFilter", object{"deviceAndAppManagementAssignmentFilter": object{"platform": "macOS", "rule": rule}})
		if got["isValidRule"] != want {
			t.Errorf("%s: %v", rule, got)
		}
	}
	w := tt.do("POST", "/beta/deviceManagement/evaluateAssignmentFilter", object{"data": object{"platform": "macOS", "rule": `(device.deviceName -startsWith "MAC")`, "skip": 0, "top": 3}})
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/octet-stream" || !strings.Contains(w.Body.String(), "MAC-") || strings.Contains(w.Body.String(), "PC-") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	tt.errorOf(400, "POST", "/beta/deviceManagement/evaluateAssignmentFilter", object{"data": object{"platform": "macOS", "rule": "x", "top": 3}})
	tt.errorOf(400, "POST", "/beta/deviceManagement/evaluateAssignmentFilter", object{})
	if !slices.Contains(filterPlatforms, "windows10AndLater") {
		t.Error("platforms")
	}
}
