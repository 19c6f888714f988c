// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

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
		"platform":                         {"displayName": "x", "rule": "(device.model -eq \"x\")"},
		"syntax error":                     filterBody("x", "windows10AndLater", "x"),
		"'device.isRooted' does not exist": filterBody("x", "macOS", `(device.isRooted -eq "True")`),
		"such as app.":                     with(filterBody("x", "iOSMobileApplicationManagement", `(device.model -eq "x")`), object{"assignmentFilterManagementType": "apps"}),
		"no rule can be written":           filterBody("x", "unknown", `(device.model -eq "x")`),
		"management type":                  with(filterBody("x", "macOS", `(device.model -eq "x")`), object{"assignmentFilterManagementType": "apps"}),
		"is 'apps'":                        filterBody("x", "iOSMobileApplicationManagement", `(app.appVersion -eq "1")`),
		"expected":                         filterBody("x", "solaris", "(device.model -eq \"x\")"),
	} {
		if _, message := tt.errorOf(400, "POST", filtersPath, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	for len(tt.sim.filters.All()) < maxAssignmentFilters {
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

// TestFilterPlatforms: each platform reaches the devices of its kind, judged by
// what Intune shows of them.
func TestFilterPlatforms(t *testing.T) {
	sc := quiet()
	for _, state := range []string{"iOS17", "iPadOS17", "android14", "androidForWork", "androidEnterprise"} {
		sc.Devices = append(sc.Devices, DeviceSpec{State: state, Count: 2})
	}
	tt := newTenant(t, Options{Devices: 60, Scenario: sc})
	shown := map[string]int{}
	for _, d := range tt.all("/beta/deviceManagement/managedDevices?$select=operatingSystem") {
		shown[text(d, "operatingSystem")]++
	}
	for platform, want := range map[string]int{"windows10AndLater": shown["Windows"], "macOS": shown["macOS"], "iOS": 4, "android": 2, "androidForWork": 4,
		"androidWorkProfile": 2, "androidAOSP": 0, "windowsPhone81": 0} {
		body := object{"data": object{"platform": platform, "rule": `(device.model -ne $null)`, "search": "", "skip": 0, "top": 100}}
		w := tt.do("POST", "/beta/deviceManagement/evaluateAssignmentFilter", body)
		var got struct{ TotalRowCount int }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.TotalRowCount != want || platform == "macOS" && want == 0 {
			t.Errorf("%s: %d devices, want %d: %v", platform, got.TotalRowCount, want, err)
		}
	}
	for platform, rule := range map[string]string{
		"androidWorkProfile": `(device.deviceManagementType -eq "Corporate-owned with work profile")`,
		"androidForWork":     `(device.deviceManagementType -eq "Corporate-owned fully managed")`,
		"iOS":                `(device.isRooted -eq "Unknown") and (device.manufacturer -eq "Apple") and (device.operatingSystemVersion -ge 17.0) and (device.model -startsWith "iP")`,
		"macOS":              `(device.cpuArchitecture -eq "arm64") and (device.deviceCategory -eq $null)`,
		"windows10AndLater":  `(device.cpuArchitecture -eq "amd64") and (device.operatingSystemSKU -eq "Enterprise") and (device.deviceTrustType -ne "Unknown")`,
	} {
		w := tt.do("POST", "/beta/deviceManagement/evaluateAssignmentFilter", object{"data": object{"platform": platform, "rule": rule, "skip": 0, "top": 100}})
		if w.Code != 200 || strings.Contains(w.Body.String(), `"TotalRowCount":0`) {
			t.Errorf("%s: %s reaches nothing: %s", platform, rule, w.Body)
		}
	}
}

// TestAppFilters: a filter of managed apps is kept and reaches no device.
func TestAppFilters(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20})
	body := object{"displayName": "old Edge", "platform": "androidMobileApplicationManagement", "rule": `(app.appVersion -startsWith "1") and (app.deviceManagementType -eq "Unmanaged")`}
	made := tt.want(201, "POST", filtersPath, body)
	if made["assignmentFilterManagementType"] != "apps" || made["rule"] != body["rule"] {
		t.Errorf("made %v", made)
	}
	tt.want(200, "PATCH", filtersPath+"/"+text(made, "id"), object{"rule": `(app.operatingSystemVersion -lt 14)`, "assignmentFilterManagementType": "apps"})
	tt.errorOf(400, "PATCH", filtersPath+"/"+text(made, "id"), object{"rule": `(device.model -eq "x")`})
	tt.errorOf(400, "PATCH", filtersPath+"/"+text(made, "id"), object{"assignmentFilterManagementType": "devices"})
	w := tt.do("POST", "/beta/deviceManagement/evaluateAssignmentFilter", object{"data": object{"platform": body["platform"], "rule": body["rule"], "skip": 0, "top": 10}})
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"TotalRowCount":0`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
