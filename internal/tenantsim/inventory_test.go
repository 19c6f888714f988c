// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDetectedApps(t *testing.T) {
	tt := newTenant(t, Options{Devices: 100})
	page := tt.want(200, "GET", "/v1.0/deviceManagement/detectedApps?$top=2", nil)
	apps := tt.all("/v1.0/deviceManagement/detectedApps?$top=2")
	if page["@odata.count"] != float64(len(apps)) || len(apps) < 5 {
		t.Errorf("%d apps, count %v", len(apps), page["@odata.count"])
	}
	perDevice := 0
	for _, a := range apps {
		if len(text(a, "id")) != 64 || a["platform"] != "windows" && a["platform"] != "macOS" {
			t.Errorf("app %v", a)
		}
		devices := tt.all("/v1.0/deviceManagement/detectedApps/" + text(a, "id") + "/managedDevices?$select=id,deviceName")
		if float64(len(devices)) != a["deviceCount"] {
			t.Errorf("%v devices are listed as %d", a["deviceCount"], len(devices))
		}
		perDevice += len(devices)
	}
	total := 0
	for _, d := range tt.all("/v1.0/deviceManagement/managedDevices?$select=id,lastSyncDateTime") {
		path := "/beta/deviceManagement/managedDevices/" + text(d, "id") + "/detectedApps"
		if d["lastSyncDateTime"] == neverTime {
			tt.want(404, "GET", path, nil)
			continue
		}
		total += len(tt.all(path))
	}
	if total != perDevice {
		t.Errorf("%d apps by device, %d by app", total, perDevice)
	}
	tt.errorOf(400, "GET", "/v1.0/deviceManagement/managedDevices/x/detectedApps", nil) // beta only
	tt.errorOf(400, "GET", "/v1.0/deviceManagement/detectedApps?$filter=displayName eq 'Microsoft Edge'", nil)
	tt.want(404, "GET", "/v1.0/deviceManagement/detectedApps/"+strings.Repeat("0", 64), nil)
}

func TestEncryptionStates(t *testing.T) {
	tt := newTenant(t, Options{Devices: 200})
	plain := tt.all("/beta/deviceManagement/managedDeviceEncryptionStates?$filter=encryptionState eq 'notEncrypted'")
	for _, row := range plain {
		device := tt.want(200, "GET", "/v1.0/deviceManagement/managedDevices/"+text(row, "id"), nil)
		if device["isEncrypted"] != false {
			t.Errorf("device %v", device["isEncrypted"])
		}
	}
	if len(plain) == 0 {
		t.Error("no device is unencrypted")
	}
}

// TestStatusExports: the assignment report knows devices that have not
// reported, the aggregates add up to it, the remediation report needs a filter.
func TestStatusExports(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 40, From: "windows"})
	sc.FailurePercent = 20
	tt := newTenant(t, Options{Devices: 100, Scenario: sc})
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(tt.groupID("g")))
	filter := "(PolicyId eq '" + id + "')"
	_, rows := tt.export(object{"reportName": "DeviceAssignmentStatusByConfigurationPolicy", "filter": filter})
	if len(rows) != 40 || rows[0]["AssignmentStatus"] != "0" || rows[0]["AssignmentStatus_loc"] != "Pending" {
		t.Fatalf("%d rows, first %v", len(rows), rows[0])
	}
	tt.advance(24 * time.Hour)
	_, rows = tt.export(object{"reportName": "DeviceAssignmentStatusByConfigurationPolicy", "filter": filter})
	byStatus := map[string]int{}
	for _, r := range rows {
		byStatus[r["AssignmentStatus"]]++
	}
	_, sums := tt.export(object{"reportName": "ConfigurationPolicyDeviceAggregates", "filter": filter})
	if len(sums) != 1 || byStatus["5"] == 0 || sums[0]["NumberOfErrorDevices"] != strconv.Itoa(byStatus["5"]) || sums[0]["NumberOfCompliantDevices"] != strconv.Itoa(byStatus["2"]) {
		t.Errorf("rows %v, aggregates %v", byStatus, sums)
	}
	w := tt.do("POST", "/beta/deviceManagement/reports/getConfigurationPolicyDeviceSummaryReport", object{"top": 10, "filter": filter})
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"NumberOfErrorDevices"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}

	script := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	tt.want(204, "POST", scriptsPath+"/"+script+"/assign", object{"deviceHealthScriptAssignments": []object{scriptAssignment(tt.groupID("g"), 100)}})
	tt.advance(24 * time.Hour)
	const jobs = "/v1.0/deviceManagement/reports/exportJobs"
	for _, bad := range []string{"", "(DetectionStatus eq 2)"} {
		if _, message := tt.errorOf(400, "POST", jobs, object{"reportName": "DeviceRunStatesByProactiveRemediation", "filter": bad}); !strings.Contains(message, "requires a filter on column 'PolicyId'") {
			t.Errorf("message %s", message)
		}
	}
	_, runs := tt.export(object{"reportName": "DeviceRunStatesByProactiveRemediation", "filter": "(PolicyId eq '" + script + "')"})
	if len(runs) != 40 || runs[0]["DetectionStatus_loc"] != "With issues" || runs[0]["RemediationStatus_loc"] != "Issue fixed" {
		t.Errorf("%d runs, %v", len(runs), runs)
	}

	_, apps := tt.export(object{"reportName": "AppInvAggregate", "filter": "(ApplicationName eq 'Microsoft Edge') and (Platform eq 'Windows')"})
	if len(apps) == 0 || apps[0]["DeviceCount"] == "0" {
		t.Errorf("apps %v", apps)
	}
	tt.errorOf(400, "POST", jobs, object{"reportName": "AppInvByDevice"})
	device := text(tt.all("/v1.0/deviceManagement/managedDevices?$select=id")[0], "id")
	if _, own := tt.export(object{"reportName": "AppInvByDevice", "filter": "(DeviceId eq '" + device + "')"}); len(own) == 0 || own[0]["DeviceId"] != device {
		t.Errorf("own apps %v", own)
	}
}

// TestMultiAdminApproval walks through contract m.
func TestMultiAdminApproval(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 5})
	sc.Approvals = []string{"configurationPolicies", "scripts"}
	tt := newTenant(t, Options{Devices: 20, Scenario: sc})
	if _, message := tt.errorOf(400, "POST", policiesPath, allowBody("p")); !strings.Contains(message, "'x-msft-approval-justification' is required") {
		t.Errorf("message %s", message)
	}
	tt.errorOf(400, "POST", policiesPath, allowBody("p"), headerJustification, "not base64!")
	tt.errorOf(400, "POST", policiesPath, allowBody("p"), headerJustification, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 1025))))
	why := base64.StdEncoding.EncodeToString([]byte("wave 1"))
	ask := func(method, path string, body any) string {
		t.Helper()
		w := tt.do(method, path, body, headerJustification, why)
		code := w.Header().Get("x-msft-approval-code")
		if w.Code != 412 || code == "" || !strings.Contains(w.Body.String(), "Approval Required") || !strings.Contains(w.Body.String(), code) {
			t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		return code
	}
	code := ask("POST", policiesPath, allowBody("p"))
	if other := ask("POST", policiesPath, allowBody("p")); other == code || len(tt.sim.Approvals()) != 2 {
		t.Error("a retry must queue another request")
	}
	status := func(code string) string {
		t.Helper()
		found := tt.all("/beta/deviceManagement/operationApprovalRequests?$filter=requestId eq '" + code + "'")
		if len(found) != 1 || found[0]["requestId"] != nil {
			t.Fatalf("requests %v", found)
		}
		return text(found[0], "status")
	}
	if s := status(code); s != "needsApproval" {
		t.Errorf("status %s", s)
	}
	tt.want(412, "POST", policiesPath, allowBody("p"), headerApprovalCode, code)
	tt.want(204, "POST", "/_sim/approvals", object{"id": code, "decision": "approve"})
	tt.want(400, "POST", "/_sim/approvals", object{"id": code, "decision": "approve"})
	if _, message := tt.errorOf(400, "POST", policiesPath, allowBody("q"), headerApprovalCode, code); !strings.Contains(message, "differs") {
		t.Errorf("other bytes: %s", message)
	}
	id := text(tt.want(201, "POST", policiesPath, allowBody("p"), headerApprovalCode, code), "id")
	if s := status(code); s != "completed" {
		t.Errorf("status %s", s)
	}
	tt.errorOf(403, "POST", policiesPath, allowBody("p"), headerApprovalCode, code) // once only
	if n := len(tt.sim.Snapshot(false).Policies); n != 1 {
		t.Errorf("%d policies", n)
	}
	rejected := ask("DELETE", policiesPath+"/"+id, nil)
	if err := tt.sim.Reject(rejected); err != nil {
		t.Fatal(err)
	}
	tt.errorOf(403, "DELETE", policiesPath+"/"+id, nil, headerApprovalCode, rejected)
	late := ask("DELETE", policiesPath+"/"+id, nil)
	tt.advance(31 * 24 * time.Hour)
	if s := status(late); s != "expired" || tt.sim.Approve(late) == nil {
		t.Errorf("status %s", s)
	}
	tt.errorOf(400, "DELETE", policiesPath+"/"+id, nil, headerApprovalCode, "nope")
	ask("POST", scriptsPath, scriptBody("s"))
	tt.want(200, "GET", policiesPath, nil) // reading is free
	tt.want(201, "POST", "/v1.0/groups", groupBody("g2"))
	if got := objects(tt.want(200, "GET", "/_sim/approvals", nil)["approvals"]); len(got) != 5 || got[0]["justification"] != "wave 1" {
		t.Errorf("approvals %v", got)
	}
	tt.scenario(func(sc *Scenario) { sc.Approvals = nil })
	tt.want(201, "POST", policiesPath, allowBody("free"), headerJustification, why) // ignored where it is off
}
