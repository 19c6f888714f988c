// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOwners(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Roles: []string{"Group.ReadWrite.All", "User.Read.All"}})
	id := text(tt.want(201, "POST", "/v1.0/groups", object{"displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true}), "id")
	path := "/v1.0/groups/" + id + "/owners/$ref"
	root := "https://" + testHost + "/v1.0/"
	user := text(tt.all("/v1.0/users?$select=id&$top=1")[0], "id")
	before := tt.sim.ConfigDigest()
	tt.want(204, "POST", path, object{"@odata.id": root + "servicePrincipals/" + tt.sim.PrincipalID()})
	tt.want(204, "POST", path, object{"@odata.id": root + "users/" + user})
	if tt.sim.ConfigDigest() == before {
		t.Error("the digest does not see owners")
	}
	if _, message := tt.errorOf(400, "POST", path, object{"@odata.id": root + "directoryObjects/" + user}); !strings.Contains(message, "already exist") || !strings.Contains(message, "'owners'") {
		t.Error(message)
	}
	for _, bad := range []string{"https://elsewhere.example/v1.0/users/" + user, root + "groups/" + id, root + "users"} {
		tt.errorOf(400, "POST", path, object{"@odata.id": bad})
	}
	tt.errorOf(404, "POST", path, object{"@odata.id": root + "users/" + office})
	tt.errorOf(404, "POST", "/v1.0/groups/"+office+"/owners/$ref", object{"@odata.id": root + "users/" + user})
	tt.errorOf(400, "POST", path, object{})
}

// TestOwnerMayManage: an application with Group.Create alone manages what it owns,
// and cannot make itself the owner of what it does not (contract g).
func TestOwnerMayManage(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Roles: []string{"Group.Create"}})
	root := "https://" + testHost + "/v1.0/"
	own := object{"displayName": "own", "mailEnabled": false, "mailNickname": "own", "securityEnabled": true, "owners@odata.bind": []string{root + "servicePrincipals/" + tt.sim.PrincipalID()}}
	id := text(tt.want(201, "POST", "/v1.0/groups", own), "id")
	user := tt.sim.users[0].id.String()
	tt.want(204, "POST", "/v1.0/groups/"+id+"/owners/$ref", object{"@odata.id": root + "users/" + user})
	lost := text(tt.want(201, "POST", "/v1.0/groups", object{"displayName": "lost", "mailEnabled": false, "mailNickname": "lost", "securityEnabled": true}), "id")
	tt.errorOf(403, "POST", "/v1.0/groups/"+lost+"/owners/$ref", object{"@odata.id": root + "servicePrincipals/" + tt.sim.PrincipalID()})
}

// TestGrants: appRoleAssignments are what is granted now (contract l.2).
func TestGrants(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	names := map[string]string{}
	graph := tt.want(200, "GET", "/v1.0/servicePrincipals(appId='"+graphAppID+"')?$select=id,appRoles", nil)
	for _, role := range objects(graph["appRoles"]) {
		names[text(role, "id")] = text(role, "value")
	}
	roles := func() []string {
		var out []string
		for _, g := range tt.all("/v1.0/servicePrincipals(appId='" + tt.sim.ClientID() + "')/appRoleAssignments?$top=5") {
			if g["resourceId"] != graph["id"] || g["principalId"] != tt.sim.PrincipalID() {
				t.Errorf("%v", g)
			}
			out = append(out, names[text(g, "appRoleId")])
		}
		return out
	}
	if got := roles(); !slices.Equal(got, AllRoles()) {
		t.Errorf("granted: %v", got)
	}
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Device.ReadWrite.All"} })
	if got := roles(); len(got) != len(AllRoles())-1 || slices.Contains(got, "Device.ReadWrite.All") {
		t.Errorf("after one was taken: %v", got)
	}
	if me := tt.want(200, "GET", "/v1.0/servicePrincipals/"+tt.sim.PrincipalID(), nil); me["appId"] != tt.sim.ClientID() {
		t.Errorf("%v", me)
	}
	tt.errorOf(404, "GET", "/v1.0/servicePrincipals/"+office, nil)
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Application.Read.All"} })
	tt.errorOf(403, "GET", "/v1.0/servicePrincipals/"+tt.sim.PrincipalID()+"/appRoleAssignments", nil)
}

func TestWindowsHello(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	found := 0
	for i, u := range tt.all("/v1.0/users?$select=id") {
		want := 0
		for _, d := range tt.sim.users[i].devices {
			want += boolInt(tt.sim.fleet.devices[d].platform == platformWindows)
		}
		keys := tt.all("/v1.0/users/" + text(u, "id") + "/authentication/windowsHelloForBusinessMethods")
		if len(keys) != want {
			t.Errorf("user %d has %d keys, want %d", i, len(keys), want)
		}
		found += len(keys)
		if len(keys) > 0 && (text(keys[0], "displayName") == "" || keys[0]["keyStrength"] != "normal") {
			t.Errorf("%v", keys[0])
		}
	}
	if found == 0 {
		t.Error("nobody has a key")
	}
	tt.errorOf(404, "GET", "/v1.0/users/"+office+"/authentication/windowsHelloForBusinessMethods", nil)
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"UserAuthMethod-WindowsHello.Read.All"} })
	tt.errorOf(403, "GET", "/v1.0/users/"+tt.sim.users[0].id.String()+"/authentication/windowsHelloForBusinessMethods", nil)
}

func TestDeviceOverview(t *testing.T) {
	tt := newTenant(t, Options{Devices: 50})
	got := tt.want(200, "GET", "/v1.0/deviceManagement/managedDeviceOverview", nil)
	list := tt.all("/v1.0/deviceManagement/managedDevices?$select=operatingSystem")
	windows := 0
	for _, d := range list {
		windows += boolInt(d["operatingSystem"] == "Windows")
	}
	systems := got["deviceOperatingSystemSummary"].(map[string]any)
	if got["enrolledDeviceCount"] != float64(len(list)) || systems["windowsCount"] != float64(windows) || systems["macOSCount"] != float64(len(list)-windows) {
		t.Errorf("%v for %d devices, %d with Windows", got, len(list), windows)
	}
}

func TestRemediationTotals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 10, From: "windows"})})
	tt.scenario(func(sc *Scenario) {
		sc.Remediations = []RemediationRule{{Script: "fix", DevicesPercent: 50, Detection: "issue", Repair: "success"}}
	})
	const path = "/beta/deviceManagement/deviceHealthScripts"
	id := text(tt.want(201, "POST", path, object{"displayName": "fix", "publisher": "p", "detectionScriptContent": "ZXhpdCAx", "remediationScriptContent": "ZXhpdCAw"}), "id")
	tt.want(204, "POST", path+"/"+id+"/assign", object{"deviceHealthScriptAssignments": []object{{"target": object{"@odata.type": string(targetGroup), "groupId": tt.groupID("g")},
		"runRemediationScript": true, "runSchedule": object{"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 7, "time": "06:30:00", "useUtc": true}}}})
	seen := ""
	for _, span := range []time.Duration{24 * time.Hour, 8 * 24 * time.Hour} { // repaired first, found healthy later: both days are history
		tt.advance(span)
		summary := tt.want(200, "GET", path+"/"+id+"/runSummary", nil)
		totals := tt.want(200, "GET", path+"/getRemediationSummary()", nil)
		if totals["scriptCount"] != 1.0 || totals["remediatedDeviceCount"] != summary["issueRemediatedDeviceCount"] {
			t.Errorf("totals %v, summary %v", totals, summary)
		}
		repaired, fine := 0.0, 0.0
		for _, day := range objects(tt.want(200, "GET", path+"/"+id+"/getRemediationHistory()", nil)["historyData"]) {
			repaired += day["remediatedDeviceCount"].(float64)
			fine += day["noIssueDeviceCount"].(float64)
		}
		if fine != summary["noIssueDetectedDeviceCount"] {
			t.Errorf("history: %v fine; summary %v", fine, summary)
		}
		seen += fmt.Sprint(repaired, " ", fine, ";")
	}
	if seen != "10 0;10 10;" {
		t.Errorf("repaired and fine: %s", seen)
	}
	tt.errorOf(404, "GET", path+"/"+office+"/getRemediationHistory()", nil)
}

func TestFilterStatus(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 10, From: "windows"})})
	const filters = "/beta/deviceManagement/assignmentFilters"
	filter := func(name, rule string) string {
		return text(tt.want(201, "POST", filters, object{"displayName": name, "platform": "windows10AndLater", "rule": rule}), "id")
	}
	yes, no := filter("yes", `(device.deviceOwnership -eq "Corporate")`), filter("no", `(device.deviceName -eq "nobody")`)
	id := tt.createPolicy(allowBody("p"))
	target := func(filter, kind string) object {
		return object{"target": object{"@odata.type": string(targetGroup), "groupId": tt.groupID("g"),
			"deviceAndAppManagementAssignmentFilterId": filter, "deviceAndAppManagementAssignmentFilterType": kind}}
	}
	tt.assign(id, target(yes, "include"))
	device := text(tt.all("/v1.0/deviceManagement/managedDevices?$select=id&$filter=operatingSystem eq 'Windows'")[0], "id")
	const path = "/beta/deviceManagement/getAssignmentFiltersStatusDetails"
	ask := object{"managedDeviceId": device, "payloadId": id, "skip": 0, "top": 10, "assignmentFilterIds": []string{}}
	if rows := tt.action(path, ask); len(rows) != 1 || rows[0]["AssignmentFilterId"] != yes || rows[0]["AssignmentFilterType"] != "include" || rows[0]["EvaluationResult"] != "match" && rows[0]["EvaluationResult"] != "notEvaluated" {
		t.Errorf("%v", rows)
	}
	tt.assign(id, target(no, "exclude"))
	tt.advance(24 * time.Hour)
	if rows := tt.action(path, ask); len(rows) != 1 || rows[0]["EvaluationResult"] != "notMatch" || rows[0]["AssignmentFilterType"] != "exclude" {
		t.Errorf("%v", rows)
	}
	if rows := tt.action(path, with(ask, object{"assignmentFilterIds": []string{yes}})); len(rows) != 0 {
		t.Errorf("a filter that is not used: %v", rows)
	}
	tt.errorOf(404, "POST", path, with(ask, object{"managedDeviceId": office}))
	tt.errorOf(404, "POST", path, with(ask, object{"payloadId": office}))
	tt.errorOf(400, "POST", path, with(ask, object{"who": 1}))
	tt.errorOf(400, "POST", path, with(ask, object{"top": nil}))
}

func TestEnableFilters(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const path = "/beta/deviceManagement/assignmentFilters/enable"
	before := tt.sim.ConfigDigest()
	for _, on := range []bool{true, false, true} {
		if got := tt.want(200, "POST", path, object{"enable": on}); got["enabled"] != on {
			t.Errorf("%v", got)
		}
		if (tt.sim.ConfigDigest() == before) != on {
			t.Errorf("the digest does not follow the switch at %v", on)
		}
	}
	for _, bad := range []object{{}, {"enable": "yes"}, {"enable": true, "x": 1}} {
		tt.errorOf(400, "POST", path, bad)
	}
	for _, bad := range []object{{"deviceAndAppManagementAssignmentFilter": object{"rule": "x"}, "who": 1}, {}} {
		tt.errorOf(400, "POST", "/beta/deviceManagement/assignmentFilters/validateFilter", bad)
	}
	for _, bad := range []object{{"data": object{"rule": `(device.model -eq "x")`, "platform": "windows10AndLater", "top": 5, "who": 1}}, {"data": object{"top": 5}, "who": 1}} {
		tt.errorOf(400, "POST", "/beta/deviceManagement/evaluateAssignmentFilter", bad)
	}
}
