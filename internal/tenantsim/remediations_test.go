// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

const scriptsPath = "/beta/deviceManagement/deviceHealthScripts"

func encoded(script string) string { return base64.StdEncoding.EncodeToString([]byte(script)) }

func scriptBody(name string) object {
	return object{"displayName": name, "description": "d", "publisher": "Contoso", "runAsAccount": "system", "enforceSignatureCheck": false,
		"runAs32Bit": false, "roleScopeTagIds": []string{"0"}, "detectionScriptContent": encoded("exit 1"),
		"remediationScriptContent": encoded(`Set-ItemProperty -Path $p -Name 'PasswordManagerPasskeysEnabled' -Value 1 -Type DWord`)}
}

func scriptAssignment(group string, hourly int) object {
	return object{"target": object{"@odata.type": string(targetGroup), "groupId": group}, "runRemediationScript": true,
		"runSchedule": object{"@odata.type": schedulePrefix + "HourlySchedule", "interval": hourly}}
}

// remediated is a script that ran on 50 Windows devices.
func remediated(t *testing.T, change func(*Scenario)) (tt *tenant, script string) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 50, From: "windows"})
	sc.ReportLag = &LagRange{}
	if change != nil {
		change(&sc)
	}
	tt = newTenant(t, Options{Devices: 100, Scenario: sc})
	script = text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	tt.want(204, "POST", scriptsPath+"/"+script+"/assign", object{"deviceHealthScriptAssignments": []object{scriptAssignment(tt.groupID("g"), 24)}})
	tt.advance(9 * time.Hour)
	return tt, script
}

func TestRemediationLifecycle(t *testing.T) {
	tt, id := remediated(t, nil)
	path := scriptsPath + "/" + id
	if got := tt.all(scriptsPath)[0]; got["detectionScriptContent"] != nil {
		t.Errorf("a list shows contents: %v", got)
	}
	if got := tt.want(200, "GET", path, nil); got["detectionScriptContent"] != encoded("exit 1") {
		t.Errorf("%v", got)
	}
	assigned := objects(tt.want(200, "GET", path+"/assignments", nil)["value"])
	if len(assigned) != 1 || assigned[0]["runRemediationScript"] != false || assigned[0]["runSchedule"].(map[string]any)["interval"] != 24.0 {
		t.Errorf("assignments %v", assigned)
	}
	if got := tt.want(200, "PATCH", path, object{"displayName": "renamed"}); got["displayName"] != "renamed" || got["publisher"] != "Contoso" {
		t.Errorf("%v", got)
	}
	tt.want(204, "POST", path+"/assign", object{"deviceHealthScriptAssignments": []object{}})
	if n := len(objects(tt.want(200, "GET", path+"/assignments", nil)["value"])); n != 0 {
		t.Errorf("%d assignments after clearing", n)
	}
	tt.want(204, "DELETE", path, nil)
	tt.want(404, "GET", path, nil)
	tt.want(400, "GET", "/v1.0/deviceManagement/deviceHealthScripts", nil)
}

// TestRemediationRuns: the first run finds the issue and repairs it, the next
// finds none, and the repair changes the device.
func TestRemediationRuns(t *testing.T) {
	tt, id := remediated(t, nil)
	path := scriptsPath + "/" + id
	states := tt.all(path + "/deviceRunStates?$expand=managedDevice($select=deviceName,operatingSystem,osVersion)")
	if len(states) != 50 {
		t.Fatalf("%d states", len(states))
	}
	for _, s := range states {
		device, _ := s["managedDevice"].(map[string]any)
		if s["detectionState"] != "fail" || s["remediationState"] != "success" || !strings.HasPrefix(text(s, "id"), id+":") || device["operatingSystem"] != "Windows" {
			t.Fatalf("state %v", s)
		}
		if !strings.Contains(text(s, "preRemediationDetectionScriptOutput"), "passkeys=unset") || !strings.Contains(text(s, "postRemediationDetectionScriptOutput"), "passkeys=allowed") {
			t.Fatalf("outputs %v", s)
		}
	}
	summary := tt.want(200, "GET", path+"/runSummary", nil)
	if summary["issueDetectedDeviceCount"] != 50.0 || summary["issueRemediatedDeviceCount"] != 50.0 || summary["detectionScriptPendingDeviceCount"] != 0.0 {
		t.Errorf("summary %v", summary)
	}
	if got := tt.sim.Snapshot(false).Fleet.Passkeys["allowed"]; got != 50 {
		t.Errorf("%d devices allow passkeys", got)
	}
	tt.advance(34 * time.Hour)
	summary = tt.want(200, "GET", path+"/runSummary", nil)
	if summary["noIssueDetectedDeviceCount"] != 50.0 || summary["issueRemediatedCumulativeDeviceCount"] != 50.0 {
		t.Errorf("second run %v", summary)
	}
	// New content runs again at the next contact, whatever the schedule.
	tt.want(200, "PATCH", path, object{"remediationScriptContent": encoded(`Set-ItemProperty PasswordManagerPasskeysEnabled -Value 0`)})
	tt.errorOf(400, "PATCH", path, object{"remediationScriptContent": "not base64!"})
}

func TestRemediationRules(t *testing.T) {
	tt, id := remediated(t, func(sc *Scenario) {
		sc.Remediations = []RemediationRule{
			{Script: "other", DevicesPercent: 100, Detection: "scriptError"},
			{Script: "s", DevicesPercent: 30, Detection: "issue", Repair: "failed", Output: strings.Repeat("x", 3000)},
			{DevicesPercent: 100, Detection: "issue", Recurs: true},
		}
	})
	summary := tt.want(200, "GET", scriptsPath+"/"+id+"/runSummary", nil)
	failed, fixed := summary["remediationScriptErrorDeviceCount"].(float64), summary["issueRemediatedDeviceCount"].(float64)
	if failed < 5 || failed > 25 || failed+fixed != 50 {
		t.Errorf("failed %v, fixed %v", failed, fixed)
	}
	for _, s := range tt.all(scriptsPath + "/" + id + "/deviceRunStates?$filter=remediationState eq 'remediationFailed'") {
		if n := len(text(s, "preRemediationDetectionScriptOutput")); n != maxScriptOutput {
			t.Fatalf("%d characters of output", n)
		}
	}
	tt.advance(34 * time.Hour)
	if got := tt.want(200, "GET", scriptsPath+"/"+id+"/runSummary", nil)["issueReoccurredDeviceCount"]; got != fixed {
		t.Errorf("reoccurred %v, want %v", got, fixed)
	}
}

// TestRunOnDemand runs on one device that no assignment reaches.
func TestRunOnDemand(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30, Scenario: quiet()})
	id := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	var device string
	for _, d := range tt.all("/v1.0/deviceManagement/managedDevices?$select=id,operatingSystem") {
		if d["operatingSystem"] == "Windows" {
			device = text(d, "id")
			break
		}
	}
	action := "/beta/deviceManagement/managedDevices/" + device + "/initiateOnDemandProactiveRemediation"
	tt.want(404, "POST", action, object{"scriptPolicyId": "nope"})
	tt.want(204, "POST", action, object{"scriptPolicyId": id})
	tt.advance(2 * time.Hour)
	if states := tt.all(scriptsPath + "/" + id + "/deviceRunStates"); len(states) != 1 || !strings.HasSuffix(text(states[0], "id"), device) {
		t.Errorf("states %v", states)
	}
}

func TestRemediationRefusals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 3})})
	id := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	group := tt.groupID("g")
	schedule := func(s object) object {
		a := scriptAssignment(group, 1)
		a["runSchedule"] = s
		return object{"deviceHealthScriptAssignments": []object{a}}
	}
	for want, body := range map[string]object{
		"'assignments' does not exist": {"assignments": []object{}},
		"is required":                  {},
		"run schedule is expected":     schedule(object{"interval": 1}),
		"at least 1":                   schedule(object{"@odata.type": schedulePrefix + "HourlySchedule", "interval": 0}),
		"'time' does not exist":        schedule(object{"@odata.type": schedulePrefix + "HourlySchedule", "interval": 1, "time": "09:00:00"}),
		"Edm.TimeOfDay":                schedule(object{"@odata.type": schedulePrefix + "DailySchedule", "interval": 1, "time": "9 am"}),
		"Edm.Date":                     schedule(object{"@odata.type": schedulePrefix + "RunOnceSchedule", "interval": 1, "time": "09:00:00", "date": "soon"}),
		"'runs' does not exist":        {"deviceHealthScriptAssignments": []object{{"target": object{"@odata.type": string(targetGroup), "groupId": group}, "runs": 1}}},
		"assignment target type":       {"deviceHealthScriptAssignments": []object{{"target": object{"@odata.type": "#x"}}}},
	} {
		if _, message := tt.errorOf(400, "POST", scriptsPath+"/"+id+"/assign", body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	for want, body := range map[string]object{
		"displayName": {"description": "x"}, "runAsAccount": {"displayName": "x", "runAsAccount": "root"}, "Edm.Binary": {"displayName": "x", "detectionScriptContent": "%"},
		"settings": {"displayName": "x", "settings": 1},
	} {
		if _, message := tt.errorOf(400, "POST", scriptsPath, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"DeviceManagementScripts.ReadWrite.All"} })
	if _, message := tt.errorOf(403, "GET", scriptsPath, nil); !strings.Contains(message, "DeviceManagementScripts.Read.All") {
		t.Errorf("message %s", message)
	}
}

// TestSchedules: daily and once, by virtual time.
func TestSchedules(t *testing.T) {
	day := int64(86400)
	base := DefaultStart.Unix() - DefaultStart.Unix()%day // midnight
	for name, tc := range map[string]struct {
		schedule runSchedule
		last, at int64
		want     bool
	}{
		"daily, never ran":          {runSchedule{kind: "DailySchedule", interval: 1, time: "09:00:00"}, 0, base, true},
		"daily, before the time":    {runSchedule{kind: "DailySchedule", interval: 1, time: "09:00:00"}, base + 10*3600, base + day + 8*3600, false},
		"daily, after the time":     {runSchedule{kind: "DailySchedule", interval: 1, time: "09:00:00"}, base + 10*3600, base + day + 9*3600, true},
		"every other day, next day": {runSchedule{kind: "DailySchedule", interval: 2, time: "09:00:00"}, base + 10*3600, base + day + 10*3600, false},
		"every other day, due":      {runSchedule{kind: "DailySchedule", interval: 2, time: "09:00:00"}, base + 10*3600, base + 2*day + 10*3600, true},
		"hourly, too soon":          {runSchedule{kind: "HourlySchedule", interval: 4}, base, base + 3*3600, false},
		"hourly, due":               {runSchedule{kind: "HourlySchedule", interval: 4}, base, base + 4*3600, true},
		"once, before":              {runSchedule{kind: "RunOnceSchedule", date: "2026-06-02", time: "09:00:00"}, 0, base, false},
		"once, after":               {runSchedule{kind: "RunOnceSchedule", date: "2026-06-02", time: "09:00:00"}, 0, base + day + 10*3600, true},
		"once, again":               {runSchedule{kind: "RunOnceSchedule", date: "2026-06-02", time: "09:00:00"}, base, base + 2*day, false},
	} {
		r := &remediation{states: []runState{{current: runResult{at: tc.last}}}}
		if got := r.due(0, remediationAssignment{schedule: tc.schedule}, tc.at); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
