// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

const reportsPath = "/beta/deviceManagement/reports/"

// action runs a report action to its end and returns its rows by column.
func (t *tenant) action(path string, body object) []map[string]any {
	t.Helper()
	w := t.do("POST", path, body)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("%s: %d %s %s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	var page struct {
		TotalRowCount int
		Schema        []struct{ Column string }
		Values        [][]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	out := []map[string]any{}
	for _, cells := range page.Values {
		row := map[string]any{"total": page.TotalRowCount}
		for i, col := range page.Schema {
			row[col.Column] = cells[i]
		}
		out = append(out, row)
	}
	return out
}

// conflicted is a tenant of ten devices, all of which have "allow", five of which
// have "hold" as well: the passkey setting of those is in conflict, the other
// settings, one that both have alike and one that only "hold" has, are not.
func conflicted(t *testing.T) (tt *tenant, allow, hold string) {
	t.Helper()
	tt = newTenant(t, Options{Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "half", Count: 5, From: "windows"}, GroupSpec{DisplayName: "all", From: "everything", Percent: 100})})
	for i := range tt.sim.fleet.devices { // each reports twice and counts once
		tt.sim.fleet.devices[i].traits |= traitSystemRow
	}
	both := func(body object) string {
		body["settings"] = append(body["settings"].([]object), choiceBody("x", "windows10", "mdm", PasswordManagerWindows, PasswordManagerWindows+"_1")["settings"].([]object)...)
		return tt.createPolicy(body)
	}
	const sync = edgePrefix + "syncdisabled"
	alone := holdBody("hold") // with a setting that the other lacks
	alone["settings"] = append(alone["settings"].([]object), choiceBody("x", "windows10", "mdm", sync, sync+"_1")["settings"].([]object)...)
	allow, hold = both(allowBody("allow")), both(alone)
	tt.assign(allow, groupTarget(tt.groupID("all")))
	tt.assign(hold, groupTarget(tt.groupID("half")))
	tt.advance(24 * time.Hour)
	return tt, allow, hold
}

func TestSettingReports(t *testing.T) {
	tt, allow, hold := conflicted(t)
	ofPolicy := func(id string) object {
		return object{"top": 50, "filter": "(PolicyId eq '" + id + "')"}
	}
	summary := tt.action(reportsPath+"getConfigurationPolicySettingsDeviceSummaryReport", ofPolicy(hold))
	if len(summary) != 3 {
		t.Fatalf("summary: %v", summary)
	}
	for _, row := range summary {
		conflicts, fine := 5.0, 0.0
		if row["SettingId"] != PasskeysWindowsDevice {
			conflicts, fine = 0, 5
		}
		if row["NumberOfConflictDevices"] != conflicts || row["NumberOfCompliantDevices"] != fine || row["NumberOfErrorDevices"] != 0.0 {
			t.Errorf("%v", row)
		}
	}
	rows := tt.action(reportsPath+"getConfigurationSettingsReport", ofPolicy(hold))
	devices := map[any]bool{}
	for _, row := range rows {
		devices[row["IntuneDeviceId"]] = true
		want := 6.0
		if row["SettingId"] != PasskeysWindowsDevice {
			want = 2
		}
		if row["SettingStatus"] != want {
			t.Errorf("%v", row)
		}
	}
	if len(devices) != 5 {
		t.Errorf("%d devices", len(devices))
	}
	device := text(rows[0], "IntuneDeviceId")
	details := tt.action(reportsPath+"getConfigurationSettingDetailsReport", object{"top": 50,
		"filter": fmt.Sprintf("(SettingId eq '%s') and (IntuneDeviceId eq '%s') and (PolicyId eq '%s')", PasskeysWindowsDevice, device, allow)})
	if len(details) == 0 || details[0]["PolicyName"] != "allow" || details[0]["SettingStatus_loc"] != "Conflict" {
		t.Errorf("details: %v", details)
	}
	policies := tt.action(reportsPath+"getConfigurationPoliciesReportForDevice", object{"top": 50, "filter": "(IntuneDeviceId eq '" + device + "')"})
	names := map[any]any{}
	for _, row := range policies {
		names[row["PolicyName"]] = row["PolicyStatus"]
	}
	if fmt.Sprint(names) != "map[allow:6 hold:6]" {
		t.Errorf("policies of a device: %v", names)
	}
	counts := tt.action(reportsPath+"getDeviceConfigurationPolicySettingsSummaryReport", object{"top": 50, "filter": fmt.Sprintf("(IntuneDeviceId eq '%s') and (PolicyId eq '%s')", device, hold)})
	if len(counts) != 1 || counts[0]["NumberOfConflictSettings"] != 1.0 || counts[0]["NumberOfCompliantSettings"] != 2.0 {
		t.Errorf("settings of a device: %v", counts)
	}
	statuses := tt.action(reportsPath+"getDeviceConfigurationPolicyStatusSummary", object{"top": 50, "filter": "(IntuneDeviceId eq '" + device + "')"})
	if len(statuses) != 1 || statuses[0]["NumberOfConflictPolicies"] != 2.0 {
		t.Errorf("policies of a device by status: %v", statuses)
	}
	if all := tt.action(reportsPath+"getDeviceConfigurationPolicyStatusSummary", object{"top": 50}); len(all) < 5 {
		t.Errorf("%d devices with a summary", len(all))
	}
}

func TestFailureReports(t *testing.T) {
	tt, allow, hold := conflicted(t)
	clean := tt.createPolicy(choiceBody("clean", "windows10", "mdm", PasswordManagerWindows, PasswordManagerWindows+"_1"))
	for _, version := range []string{"/v1.0", "/beta"} {
		path := version + "/deviceManagement/reports/"
		found := map[any]any{}
		for _, row := range tt.action(path+"getConfigurationPolicyNonComplianceReport", object{"top": 50}) {
			found[row["PolicyId"]] = row["NumberOfConflictDevices"]
		}
		if len(found) != 2 || found[allow] != 5.0 || found[hold] != 5.0 || found[clean] != nil {
			t.Errorf("%s: failing policies %v", version, found)
		}
		totals := tt.action(path+"getConfigurationPolicyNonComplianceSummaryReport", object{"top": 50})
		if len(totals) != 1 || totals[0]["NumberOfNonCompliantPolicies"] != 2.0 || totals[0]["NumberOfCompliantPolicies"] != 1.0 {
			t.Errorf("%s: totals %v", version, totals)
		}
		settings := tt.action(path+"getConfigurationSettingNonComplianceReport", object{"top": 50, "filter": "(PolicyId eq '" + hold + "')"})
		if len(settings) != 1 || settings[0]["SettingId"] != PasskeysWindowsDevice {
			t.Errorf("%s: failing settings %v", version, settings)
		}
	}
}

func TestReportActionRefusals(t *testing.T) {
	tt, allow, _ := conflicted(t)
	for _, tc := range []struct {
		path string
		body object
		want string
	}{
		{"getConfigurationSettingsReport", object{"top": 5}, "requires a filter on column 'PolicyId'"},
		{"getConfigurationSettingDetailsReport", object{"top": 5, "filter": "(PolicyId eq '" + allow + "')"}, "requires a filter on column 'SettingId'"},
		{"getConfigurationPoliciesReportForDevice", object{"top": 5}, "requires a filter on column 'IntuneDeviceId'"},
		{"getConfigurationPolicyNonComplianceReport", object{"skip": 0}, "parameter 'top' is required"},
		{"getConfigurationPolicyNonComplianceReport", object{"top": 5, "filter": "(TemplateVersion eq 0)"}, "not a valid filter"},
		{"getConfigurationPolicyNonComplianceReport", object{"top": 5, "who": 1}, "'who' does not exist"},
		{"getConfigurationPolicyNonComplianceReport", object{"top": 5, "select": []string{"policyid"}}, "Column 'policyid'"},
		{"getConfigurationPolicyNonComplianceReport", object{"top": 5, "orderBy": []string{"Nope"}}, "'Nope' of orderBy"},
		{"getConfigurationPolicyNonComplianceReport", object{"top": 5, "orderBy": []string{"PolicyId up"}}, "'PolicyId up' of orderBy"},
		{"getConfigurationPolicyNonComplianceReport", object{"top": 5, "groupBy": []string{"PolicyId"}}, "'groupBy' is not supported"},
		{"getHistoricalReport", object{"name": "Trend", "top": 5}, "Report 'Trend' was not found"},
		{"getHistoricalReport", object{"name": "Trend", "sessionId": "x"}, "'sessionId' does not exist"},
	} {
		if code, message := tt.errorOf(400, "POST", reportsPath+tc.path, tc.body); code != odata.CodeBadRequest || !strings.Contains(message, tc.want) {
			t.Errorf("%s %v: %s %s", tc.path, tc.body, code, message)
		}
	}
	for _, name := range []string{"getConfigurationSettingsReport", "getConfigurationPoliciesReportForDevice", "cachedReportConfigurations"} {
		tt.errorOf(400, "POST", strings.Replace(reportsPath, "beta", "v1.0", 1)+name, object{"top": 5})
	}
}

func TestReportOrderAndSearch(t *testing.T) {
	tt, allow, hold := conflicted(t)
	names := func(body object) []string {
		var out []string
		for _, row := range tt.action(reportsPath+"getConfigurationPolicyNonComplianceReport", body) {
			out = append(out, text(row, "PolicyName"))
		}
		return out
	}
	if got := names(object{"top": 5, "orderBy": []string{"PolicyName desc"}, "select": []string{"PolicyName"}}); !slices.Equal(got, []string{"hold", "allow"}) {
		t.Errorf("descending: %v", got)
	}
	second := "PolicyId desc" // the second key alone would turn the order around
	if allow < hold {
		second = "PolicyId asc"
	}
	if got := names(object{"top": 5, "orderBy": []string{"PolicyName desc", second}}); !slices.Equal(got, []string{"hold", "allow"}) {
		t.Errorf("two keys: %v", got)
	}
	if got := names(object{"top": 5, "orderBy": []string{"NumberOfErrorDevices", "PolicyName asc"}}); !slices.Equal(got, []string{"allow", "hold"}) {
		t.Errorf("a tie: %v", got)
	}
	if got := names(object{"top": 5, "search": "HOL"}); !slices.Equal(got, []string{"hold"}) {
		t.Errorf("search: %v", got)
	}
}

// TestCachedReport: contract b.1, make, poll, page.
func TestCachedReport(t *testing.T) {
	tt, allow, _ := conflicted(t)
	three := 3
	tt.scenario(func(sc *Scenario) { sc.ExportPolls = &three })
	const path = reportsPath + "cachedReportConfigurations"
	id := "DeviceStatusesByConfigurationProfile_11111111-2222-4333-8444-555555555555"
	body := object{"id": id, "filter": "(PolicyId eq '" + allow + "')", "orderBy": []string{}, "metadata": "",
		"select": []string{"IntuneDeviceId", "ReportStatus", "DeviceName"}}
	before := tt.sim.ConfigDigest()
	made := tt.want(201, "POST", path, body)
	if made["id"] != id || made["status"] != "notStarted" || made["reportName"] != "DeviceStatusesByConfigurationProfile" || made["lastRefreshDateTime"] != neverTime {
		t.Errorf("made: %v", made)
	}
	if tt.sim.ConfigDigest() == before {
		t.Error("the digest does not see it")
	}
	read := object{"id": id, "skip": 0, "top": 50, "search": "", "orderBy": []string{"DeviceName"}, "select": []string{"DeviceName", "ReportStatus"}}
	if _, message := tt.errorOf(400, "POST", reportsPath+"getCachedReport", read); !strings.Contains(message, "is notStarted") {
		t.Error(message)
	}
	for _, want := range []string{"inProgress", "inProgress", "completed"} {
		if got := tt.want(200, "GET", path+"('"+id+"')", nil); got["status"] != want {
			t.Errorf("status %v, want %s", got["status"], want)
		}
	}
	for _, version := range []string{"/v1.0", "/beta"} {
		rows := tt.action(version+"/deviceManagement/reports/getCachedReport", read)
		if len(rows) < 10 || rows[0]["IntuneDeviceId"] != nil || rows[0]["ReportStatus"] == nil ||
			!slices.IsSortedFunc(rows, func(a, b map[string]any) int { return strings.Compare(text(a, "DeviceName"), text(b, "DeviceName")) }) {
			t.Errorf("%s: %v", version, rows)
		}
	}
	page := tt.action(reportsPath+"getCachedReport", object{"id": id, "skip": 2, "top": 3})
	if len(page) != 3 || page[0]["IntuneDeviceId"] == nil || page[0]["total"].(int) < 10 {
		t.Errorf("a page: %v", page)
	}
	for want, bad := range map[string]object{
		"Column 'UPN'": with(read, object{"select": []string{"UPN"}}), "'top' is required": with(read, object{"top": nil}), "'filter' does not exist": with(read, object{"filter": ""}),
	} {
		if _, message := tt.errorOf(400, "POST", reportsPath+"getCachedReport", bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	for want, bad := range map[string]object{
		"'id'": with(body, object{"id": nil}), "Report 'Nope_1' was not found": with(body, object{"id": "Nope_1"}), "Report 'Devices' was not found": with(body, object{"id": "Devices"}),
		"Column 'x'": with(body, object{"select": []string{"x"}}), "'x' of orderBy": with(body, object{"orderBy": []string{"x"}}), "valid filter": with(body, object{"filter": "(UPN eq 'x')"}),
		"'extra' does not": with(body, object{"extra": 1}),
	} {
		if _, message := tt.errorOf(400, "POST", path, bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	if again := tt.want(201, "POST", path, body); again["status"] != "notStarted" {
		t.Errorf("made anew: %v", again)
	}
	if got := tt.want(200, "GET", path+"/"+id, nil); got["status"] != "inProgress" {
		t.Errorf("made anew, polled: %v", got)
	}
	tt.want(204, "DELETE", path+"/"+id, nil)
	tt.errorOf(404, "GET", path+"/"+id, nil)
	tt.errorOf(404, "POST", reportsPath+"getCachedReport", read)
	tt.want(201, "POST", path, body)
	tt.advance(cachedLife)
	tt.errorOf(404, "GET", path+"/"+id, nil)
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"DeviceManagementConfiguration.ReadWrite.All"} })
	tt.errorOf(403, "POST", path, body)
}

// TestInventoryExport: contract b.4, other headers, words only, aliases in select.
func TestInventoryExport(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet()})
	header, rows := tt.export(object{"reportName": "DevicesWithInventory", "localizationType": locTwins})
	if len(rows) != 10 || !slices.Contains(header, "Device ID") || !slices.Contains(header, "Device name") || slices.Contains(header, "DeviceId") ||
		slices.Contains(header, "ManagementAgents") || slices.ContainsFunc(header, func(h string) bool { return strings.HasSuffix(h, "_loc") }) {
		t.Errorf("%d rows of %v", len(rows), header)
	}
	header, rows = tt.export(object{"reportName": "DevicesWithInventory", "select": []string{"DeviceId", "ComplianceState", "OS", "ManagementAgents"}, "filter": "(OwnerType eq '1')"})
	if !slices.Equal(header, []string{"Device ID", "Compliance", "OS", "ManagementAgents"}) || len(rows) != 10 || rows[0]["Compliance"] != "Compliant" {
		t.Errorf("%v %v", header, rows)
	}
	for _, bad := range []object{
		{"reportName": "DevicesWithInventory", "select": []string{"Device ID"}},
		{"reportName": "DevicesWithInventory", "filter": "(ComplianceState eq '1')"},
		{"reportName": "DevicesWithInventory", "filter": "(DeviceName eq 'x')"},
		{"reportName": "Devices", "select": []string{"ComplianceState"}},
	} {
		tt.errorOf(400, "POST", exportsPath, bad)
	}
}

func TestPolicyExports(t *testing.T) {
	tt, allow, hold := conflicted(t)
	header, rows := tt.export(object{"reportName": "PerSettingDeviceSummaryByConfigurationPolicy", "filter": "(PolicyId eq '" + hold + "')",
		"select": []string{"SettingName", "NumberOfConflictDevices", "NumberOfCompliantDevices"}})
	if len(rows) != 3 || !slices.Equal(header, []string{"SettingName", "NumberOfConflictDevices", "NumberOfCompliantDevices"}) {
		t.Errorf("%v %v", header, rows)
	}
	_, all := tt.export(object{"reportName": "DeviceStatusesByConfigurationProfileForASR", "filter": "(PolicyId eq '" + allow + "')"})
	device := all[0]["IntuneDeviceId"]
	for _, name := range []string{"DeviceConfigurationPolicyStatuses", "DeviceConfigurationPolicyStatusesV3"} {
		header, rows = tt.export(object{"reportName": name, "filter": "(IntuneDeviceId eq '" + device + "')"})
		if len(rows) == 0 || slices.Contains(header, "UserId") || rows[0]["IntuneDeviceId"] != device {
			t.Errorf("%s: %v %v", name, header, rows)
		}
	}
	tt.errorOf(400, "POST", exportsPath, object{"reportName": "DeviceConfigurationPolicyStatuses", "filter": "(PolicyId eq '" + allow + "')"})
	tt.errorOf(400, "POST", exportsPath, object{"reportName": "PerSettingDeviceSummaryByConfigurationPolicy", "filter": "(SettingName eq 'x')"})
}
