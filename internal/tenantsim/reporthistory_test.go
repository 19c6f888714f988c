// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"strings"
	"testing"
	"time"
)

// TestReportHistory: a day keeps the counts that the report showed when it ended,
// whether time went in small steps or in one; the day that runs shows what the
// report shows.
func TestReportHistory(t *testing.T) {
	run := func(step time.Duration) (history []map[string]any, ends []any) {
		tt := newTenant(t, Options{Devices: 60, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 40, From: "windows"})})
		id := text(tt.want(201, "POST", policiesPath, allowBody("p")), "id")
		tt.want(200, "POST", policiesPath+"/"+id+"/assign", object{"assignments": []object{{"target": object{"@odata.type": string(targetGroup), "groupId": tt.groupID("g")}}}})
		count := func() any {
			return tt.action(reportsPath+"getConfigurationPolicyDeviceSummaryReport", object{"top": 5, "filter": "(PolicyId eq '" + id + "')"})[0]["NumberOfCompliantDevices"]
		}
		begin := tt.sim.Now()
		for day := 1; day <= 4; day++ {
			end := begin.Truncate(24 * time.Hour).Add(time.Duration(day) * 24 * time.Hour)
			for tt.sim.Now().Before(end.Add(-time.Second)) {
				tt.advance(min(step, end.Add(-time.Second).Sub(tt.sim.Now())))
			}
			if step < 24*time.Hour {
				ends = append(ends, count())
			}
			tt.advance(time.Second)
		}
		return tt.action("/v1.0/deviceManagement/reports/getHistoricalReport", object{"name": "ConfigurationPolicyDeviceAggregates", "top": 100, "filter": "(PolicyId eq '" + id + "')"}), append(ends, count())
	}
	history, ends := run(time.Hour)
	if len(history) != 5 || len(ends) != 5 {
		t.Fatalf("%d days of history, %d counts: %v", len(history), len(ends), history)
	}
	for i, day := range history {
		if date := time.Date(2026, 6, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly); day["Date"] != date || day["NumberOfCompliantDevices"] != ends[i] {
			t.Errorf("day %d: %v, the report showed %v", i, day, ends[i])
		}
	}
	if history[0]["NumberOfCompliantDevices"] == history[4]["NumberOfCompliantDevices"] && history[4]["NumberOfCompliantDevices"] != 40.0 {
		t.Errorf("nothing happened: %v", history)
	}
	once, _ := run(96 * time.Hour)
	for i := range history {
		if once[i]["NumberOfCompliantDevices"] != history[i]["NumberOfCompliantDevices"] {
			t.Errorf("day %d in one step: %v, in hours %v", i, once[i], history[i])
		}
	}
}

// TestReportHistoryIsBounded: old days go, and a leap over years costs no more
// than what is kept.
func TestReportHistoryIsBounded(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Scenario: quiet()})
	tt.want(201, "POST", policiesPath, allowBody("p"))
	for range 3 {
		tt.advance(100 * 24 * time.Hour)
	}
	if n := len(tt.sim.history); n != historyDays {
		t.Errorf("%d days of one policy are kept, want %d", n, historyDays)
	}
	for want, body := range map[string]object{
		"Report 'Trend' was not found": {"name": "Trend", "top": 1}, "'top' is required": {"name": "ConfigurationPolicyDeviceAggregates"},
		"'sessionId' does not exist": {"name": "ConfigurationPolicyDeviceAggregates", "top": 1, "sessionId": ""},
	} {
		if _, message := tt.errorOf(400, "POST", reportsPath+"getHistoricalReport", body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
}

// TestRemediationHistoryCountsDevices: a device counts once a day, by its last run,
// and a day keeps its counts when devices run again.
func TestRemediationHistoryCountsDevices(t *testing.T) {
	r := &remediation{}
	day := func(n, hour int64) int64 { return n*daySeconds + hour*3600 }
	first := runResult{at: day(100, 1), detection: "fail", repair: "success"}
	second := runResult{at: day(100, 2), detection: "success", repair: "unknown"}
	third := runResult{at: day(101, 2), detection: "scriptError", repair: "unknown"}
	r.tally(first, runResult{})
	if r.days[100] != (remediationDay{repaired: 1}) {
		t.Errorf("first %v", r.days)
	}
	r.tally(second, first)
	r.tally(third, second)
	if r.days[100] != (remediationDay{fine: 1}) || r.days[101] != (remediationDay{failed: 1}) {
		t.Errorf("then %v", r.days)
	}
}

// TestExportJobsChange: a job is listed without being moved on, a change makes it
// run anew, and a deleted one is gone with its file.
func TestExportJobsChange(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet()})
	const path = "/v1.0/deviceManagement/reports/exportJobs"
	id := text(tt.want(201, "POST", path, object{"reportName": "Devices", "select": []string{"DeviceName"}, "snapshotId": "s"}), "id")
	for range 2 {
		if list := tt.all(path); len(list) != 1 || list[0]["status"] != "notStarted" || list[0]["snapshotId"] != "s" {
			t.Errorf("list %v", list)
		}
	}
	done := tt.want(200, "GET", path+"/"+id, nil)
	if done["status"] != "completed" || text(done, "url") == "" || tt.all(path)[0]["url"] == nil {
		t.Errorf("done %v", done)
	}
	changed := tt.want(200, "PATCH", path+"/"+id, object{"select": []string{"DeviceId"}})
	if changed["status"] != "notStarted" || changed["url"] != nil || changed["reportName"] != "Devices" || changed["snapshotId"] != "s" {
		t.Errorf("changed %v", changed)
	}
	tt.errorOf(400, "PATCH", path+"/"+id, object{"select": []string{"NoSuchColumn"}})
	if again := tt.want(200, "GET", path+"/"+id, nil); again["select"].([]any)[0] != "DeviceId" || text(again, "url") == "" {
		t.Errorf("again %v", again)
	}
	found := tt.want(201, "POST", "/beta/deviceManagement/reports/exportJobs", object{"reportName": "Devices", "select": []string{"DeviceName"}, "search": "no device has this name"})
	if found["search"] != "no device has this name" {
		t.Errorf("search %v", found)
	}
	tt.want(204, "DELETE", path+"/"+id, nil)
	tt.errorOf(404, "GET", path+"/"+id, nil)
	tt.errorOf(404, "DELETE", path+"/"+id, nil)
	tt.errorOf(404, "PATCH", path+"/"+id, object{"select": []string{"DeviceId"}})
}

// TestCachedReportsChange: as jobs, and what is too old is neither listed nor read.
func TestCachedReportsChange(t *testing.T) {
	tt, allow, _ := conflicted(t)
	const path, id = reportsPath + "cachedReportConfigurations", "DeviceStatusesByConfigurationProfile_a"
	tt.want(201, "POST", path, object{"id": id, "select": []string{"DeviceName"}})
	tt.want(200, "GET", path+"/"+id, nil)
	if list := tt.all(path + "?$select=id,status"); len(list) != 1 || list[0]["status"] != "completed" {
		t.Errorf("list %v", list)
	}
	all := tt.action(reportsPath+"getCachedReport", object{"id": id, "top": 500})
	changed := tt.want(200, "PATCH", path+"/"+id, object{"filter": "(PolicyId eq '" + allow + "')"})
	if changed["status"] != "notStarted" || changed["lastRefreshDateTime"] != neverTime || len(changed["select"].([]any)) != 1 {
		t.Errorf("changed %v", changed)
	}
	tt.errorOf(400, "POST", reportsPath+"getCachedReport", object{"id": id, "top": 500})
	tt.want(200, "GET", path+"/"+id, nil)
	if some := tt.action(reportsPath+"getCachedReport", object{"id": id, "top": 500}); len(some) == 0 || len(some) >= len(all) {
		t.Errorf("%d rows of one policy, %d of all", len(some), len(all))
	}
	tt.errorOf(400, "PATCH", path+"/"+id, object{"id": "DeviceStatusesByConfigurationProfile_b"})
	tt.errorOf(400, "PATCH", path+"/"+id, object{"filter": "(NoSuchColumn eq 'x')"})
	tt.advance(cachedLife)
	if list := tt.all(path); len(list) != 0 {
		t.Errorf("too old: %v", list)
	}
	tt.errorOf(404, "PATCH", path+"/"+id, object{"filter": ""})
	tt.scenario(func(sc *Scenario) { sc.Odd = &Odd{CachedStatusRefused: true} })
	if _, message := tt.errorOf(400, "POST", path, object{"id": id, "select": []string{"DeviceName"}}); !strings.Contains(message, "An error has occurred.") {
		t.Error(message)
	}
	tt.want(201, "POST", path, object{"id": "ConfigurationPolicyDeviceAggregates_a"})
}

// TestOddNames: some rows lack a device name or a UPN, the same ones each time; no
// row lacks the id that tells devices apart.
func TestOddNames(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Percent: 100, From: "everything"})
	sc.Odd = &Odd{Names: true}
	tt := newTenant(t, Options{Devices: 400, Scenario: sc})
	id := text(tt.want(201, "POST", policiesPath, allowBody("p")), "id")
	tt.want(200, "POST", policiesPath+"/"+id+"/assign", object{"assignments": []object{{"target": object{"@odata.type": string(targetGroup), "groupId": tt.groupID("g")}}}})
	tt.advance(48 * time.Hour)
	read := func() (names, upns string) {
		for _, row := range tt.action(reportsPath+"getConfigurationPolicyDevicesReport", object{"top": 2000, "filter": "(PolicyId eq '" + id + "')"}) {
			device := text(row, "IntuneDeviceId")
			if device == "" {
				t.Fatal("a row without a device")
			}
			if row["DeviceName"] == "" {
				names += device + ";"
			}
			if row["UPN"] == "" {
				upns += device + ";"
			}
		}
		return names, upns
	}
	names, upns := read()
	if n := strings.Count(names, ";"); n < 1 || n > 60 || upns == "" {
		t.Errorf("%d rows have no device name, UPN lacks in %q", n, upns)
	}
	if againNames, againUPNs := read(); againNames != names || againUPNs != upns {
		t.Error("other rows lack a name the second time")
	}
}
