// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

const exportsPath = "/v1.0/deviceManagement/reports/exportJobs"

// export runs a job to its end and returns header and rows.
func (t *tenant) export(body object) ([]string, []map[string]string) {
	t.Helper()
	job := t.want(201, "POST", exportsPath, body)
	if job["status"] != "notStarted" || job["url"] != nil {
		t.Fatalf("new job: %v", job)
	}
	for range 10 {
		job = t.want(200, "GET", exportsPath+"('"+text(job, "id")+"')", nil)
		if text(job, "url") != "" {
			return t.download(text(job, "url"))
		}
	}
	t.Fatalf("the job does not end: %v", job)
	return nil, nil
}

func (t *tenant) download(url string) ([]string, []map[string]string) {
	t.Helper()
	w := t.do("GET", url, nil, "Authorization", "")
	if w.Code != 200 {
		t.Fatalf("download: %d %s", w.Code, w.Body)
	}
	z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
	if err != nil || len(z.File) != 1 || !strings.HasSuffix(z.File[0].Name, ".csv") {
		t.Fatalf("archive: %v %v", err, z)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	body, bom := strings.CutPrefix(string(raw), "\ufeff")
	if !bom {
		t.Error("the CSV has no byte order mark")
	}
	r := csv.NewReader(strings.NewReader(body))
	r.LazyQuotes = true
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return all[0], rows
}

func statusBody(policy string) object {
	return object{"reportName": "DeviceStatusesByConfigurationProfile", "filter": "(PolicyId eq '" + policy + "')",
		"select": []string{"IntuneDeviceId", "UPN", "ReportStatus", "PspdpuLastModifiedTimeUtc"}}
}

// applied is a tenant in which 100 devices applied a policy a day ago.
func applied(t *testing.T) (*tenant, string) {
	tt := newTenant(t, Options{Devices: 300, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 100, From: "windows"})})
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(tt.groupID("g")))
	tt.advance(24 * time.Hour)
	return tt, id
}

func TestStatusExport(t *testing.T) {
	tt, id := applied(t)
	header, rows := tt.export(statusBody(id))
	if got := strings.Join(header, ","); got != "IntuneDeviceId,UPN,ReportStatus,ReportStatus_loc,PspdpuLastModifiedTimeUtc" {
		t.Errorf("header %s", got)
	}
	devices, system := map[string]bool{}, 0
	for _, row := range rows {
		devices[row["IntuneDeviceId"]] = true
		if row["UPN"] == "" {
			system++
		}
		if row["ReportStatus"] != "2" || row["ReportStatus_loc"] != "Succeeded" {
			t.Fatalf("row %v", row)
		}
		if _, err := time.Parse("2006-01-02 15:04:05.0000000", row["PspdpuLastModifiedTimeUtc"]); err != nil {
			t.Fatal(err)
		}
	}
	if len(devices) != 100 || len(rows) != 100+system || system == 0 {
		t.Errorf("%d devices in %d rows, %d of the system account", len(devices), len(rows), system)
	}
	other := tt.createPolicy(allowBody("deleted"))
	tt.assign(other, groupTarget(tt.groupID("g")))
	tt.advance(24 * time.Hour)
	tt.want(204, "DELETE", policiesPath+"/"+other, nil)
	if _, rows := tt.export(statusBody(other)); len(rows) != 0 {
		t.Errorf("%d rows of a deleted policy", len(rows))
	}
	body := statusBody(id)
	body["localizationType"] = locReplace
	header, rows = tt.export(body)
	if len(header) != 4 || rows[0]["ReportStatus"] != "Succeeded" {
		t.Errorf("replaced: %v %v", header, rows[0])
	}
}

func TestInventoryExports(t *testing.T) {
	tt := newTenant(t, Options{Devices: 400})
	managed := len(tt.all("/v1.0/deviceManagement/managedDevices?$select=id"))
	_, devices := tt.export(object{"reportName": "Devices", "select": []string{"DeviceId", "ReferenceId", "OSVersion", "Model", "LastContact"}})
	if len(devices) != managed {
		t.Errorf("%d rows for %d devices", len(devices), managed)
	}
	_, apps := tt.export(object{"reportName": "AppInvRawData", "filter": "(ApplicationName eq 'Microsoft Edge')", "select": []string{"DeviceId", "ApplicationName", "ApplicationVersion"}})
	if len(apps) == 0 || len(apps) >= managed { // devices never seen have no inventory
		t.Errorf("%d Edge rows for %d devices", len(apps), managed)
	}
	_, all := tt.export(object{"reportName": "AppInvRawData", "select": []string{"ApplicationName"}})
	if len(all) < 2*len(apps) {
		t.Errorf("%d rows in all, %d of Edge itself", len(all), len(apps))
	}
}

func TestExportRefusals(t *testing.T) {
	tt, id := applied(t)
	for name, body := range map[string]object{
		"unknown report":  {"reportName": "Nope"},
		"no report":       {"select": []string{"DeviceId"}},
		"unknown column":  {"reportName": "Devices", "select": []string{"Nope"}},
		"column case":     {"reportName": "Devices", "select": []string{"deviceid"}},
		"loc column":      {"reportName": "DeviceStatusesByConfigurationProfile", "select": []string{"ReportStatus_loc"}},
		"bad filter":      {"reportName": "Devices", "filter": "Model"},
		"unfilterable":    {"reportName": "Devices", "filter": "Model eq 'x'"},
		"unknown format":  {"reportName": "Devices", "format": "xlsx"},
		"unknown member":  {"reportName": "Devices", "colour": 1},
		"bad localizing":  {"reportName": "Devices", "localizationType": "x"},
		"oversize filter": {"reportName": "Devices", "filter": strings.Repeat("x", 2001)},
	} {
		if code, _ := tt.errorOf(400, "POST", exportsPath, body); code != odata.CodeBadRequest {
			t.Errorf("%s: %s", name, code)
		}
	}
	tt.errorOf(404, "GET", exportsPath+"/nothing", nil)
	job := tt.want(201, "POST", exportsPath, statusBody(id))
	job = tt.want(200, "GET", exportsPath+"/"+text(job, "id"), nil)
	url := text(job, "url")
	if w := tt.do("GET", url, nil); w.Code != http.StatusForbidden {
		t.Errorf("download with a bearer token: %d", w.Code)
	}
	if w := tt.do("GET", url+"x", nil, "Authorization", ""); w.Code != http.StatusForbidden {
		t.Errorf("download with a changed signature: %d", w.Code)
	}
}

func TestExportJobFaults(t *testing.T) {
	tt, id := applied(t)
	polls := 3
	sc := quiet()
	sc.ExportPolls, sc.ExportWithoutURLPercent = &polls, 100
	if err := tt.sim.SetScenario(sc); err != nil {
		t.Fatal(err)
	}
	job := tt.want(201, "POST", exportsPath, statusBody(id))
	var seen []string
	for range 6 {
		job = tt.want(200, "GET", exportsPath+"/"+text(job, "id"), nil)
		seen = append(seen, text(job, "status"))
		if text(job, "url") != "" {
			seen = append(seen, "url")
		}
	}
	if got := strings.Join(seen, " "); got != "inProgress inProgress completed completed completed url completed url" {
		t.Errorf("polls: %s", got)
	}
	sc.ExportFailurePercent = 100
	if err := tt.sim.SetScenario(sc); err != nil {
		t.Fatal(err)
	}
	job = tt.want(201, "POST", exportsPath, statusBody(id))
	for range polls {
		job = tt.want(200, "GET", exportsPath+"/"+text(job, "id"), nil)
	}
	if job["status"] != "failed" || job["url"] != nil {
		t.Errorf("failed job: %v", job)
	}
}

// TestReportLag: a result is not in the report before the lag is over, and the
// report's time is that of the check-in.
func TestReportLag(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 100, From: "windows"})
	sc.ReportLag = &LagRange{Min: Duration(6 * time.Hour), Max: Duration(6 * time.Hour)}
	tt := newTenant(t, Options{Devices: 300, Scenario: sc})
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(tt.groupID("g")))
	tt.advance(5 * time.Hour)
	if _, rows := tt.export(statusBody(id)); len(rows) != 0 || tt.status("p")["Succeeded"] != 100 {
		t.Errorf("%d rows after 5 h, %v applied", len(rows), tt.status("p"))
	}
	tt.advance(6 * time.Hour)
	if _, rows := tt.export(statusBody(id)); len(rows) < 100 {
		t.Errorf("%d rows after 11 h", len(rows))
	}
}

func TestDevicesReport(t *testing.T) {
	tt, id := applied(t)
	const path = "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport"
	body := object{"select": []string{"PolicyStatus", "IntuneDeviceId", "DeviceName", "UPN"}, "skip": 0, "top": "30", "orderBy": []string{},
		"filter": "((PolicyBaseTypeName eq 'DeviceManagementConfigurationPolicy')) and (PolicyId eq '" + id + "')"}
	devices := map[string]bool{}
	total := 1
	for skip := 0; skip < total; skip += 30 {
		body["skip"] = skip
		w := tt.do("POST", path, body)
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/octet-stream" {
			t.Fatalf("%d %s %s", w.Code, w.Header(), w.Body)
		}
		var page reportPage
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, col := range page.Schema {
			names = append(names, col.Column)
		}
		if got := strings.Join(names, ","); got != "DeviceName,IntuneDeviceId,PolicyStatus,PolicyStatus_loc,UPN" {
			t.Fatalf("schema %s", got)
		}
		total = page.TotalRowCount
		for _, row := range page.Values {
			if row[2] != 2.0 {
				t.Fatalf("row %v", row)
			}
			devices[row[1].(string)] = true
		}
	}
	if len(devices) != 100 {
		t.Errorf("%d devices", len(devices))
	}
	for _, bad := range []object{{"skip": 0}, {"top": "x"}, {"top": 1, "select": []string{"nope"}}, {"top": 1, "filter": "x"}, {"top": 1, "colour": 2}} {
		tt.errorOf(400, "POST", path, bad)
	}
}

// TestTelemetryFaults: outage, zeros, no rows and a frozen report.
func TestTelemetryFaults(t *testing.T) {
	tt, id := applied(t)
	set := func(change func(*Scenario)) {
		t.Helper()
		sc := quiet()
		change(&sc)
		if err := tt.sim.SetScenario(sc); err != nil {
			t.Fatal(err)
		}
	}
	set(func(sc *Scenario) {
		sc.Outages = []Outage{{From: "0s", To: "48h", Status: 503, Scope: "reports", RetryAfter: 7}}
	})
	w := tt.do("POST", exportsPath, statusBody(id))
	if w.Code != 503 || w.Header().Get("Retry-After") != "7" {
		t.Errorf("outage: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	tt.want(200, "GET", "/v1.0/groups", nil)
	tt.advance(25 * time.Hour)
	tt.want(201, "POST", exportsPath, statusBody(id))
	set(func(sc *Scenario) { sc.ZeroReports = true })
	if _, rows := tt.export(statusBody(id)); len(rows) == 0 || rows[0]["ReportStatus"] != "0" {
		t.Errorf("zero reports: %d rows", len(rows))
	}
	set(func(sc *Scenario) { sc.EmptyReports = true })
	if _, rows := tt.export(statusBody(id)); len(rows) != 0 {
		t.Errorf("empty reports: %d rows", len(rows))
	}
	asOf := tt.sim.Now()
	set(func(sc *Scenario) { sc.StaleReports = &asOf })
	tt.advance(72 * time.Hour)
	_, rows := tt.export(statusBody(id))
	if len(rows) == 0 {
		t.Error("stale reports: no rows")
	}
	for _, row := range rows {
		if at, err := time.Parse("2006-01-02 15:04:05.0000000", row["PspdpuLastModifiedTimeUtc"]); err != nil || at.After(asOf) {
			t.Fatalf("row of %v in a report as of %v (%v)", row["PspdpuLastModifiedTimeUtc"], asOf, err)
		}
	}
}
