// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPolicyDeviceStatuses: columns by schema, several rows per device, pages by skip.
func TestPolicyDeviceStatuses(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, body string) {
		var sent reportRequest
		if err := json.Unmarshal([]byte(body), &sent); err != nil {
			t.Error(err)
		}
		rows := `["PC-1","d1",2,2,"2026-10-02T08:00:12","ann@x","extra"],["PC-1","d1",6,6,"2026-10-02T08:00:12","","extra"]`
		if sent.Skip == 2 {
			rows = `["","d2","5",null,null,null,""]`
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = fmt.Fprintf(w, `{"Values":[%s],"TotalRowCount":3,"Schema":[{"Column":"DeviceName","PropertyType":"String"},{"Column":"IntuneDeviceId","PropertyType":"String"},{"Column":"PolicyStatus","PropertyType":"Int32"},{"Column":"ReportStatus","PropertyType":"Int32"},{"Column":"PspdpuLastModifiedTimeUtc","PropertyType":"DateTime"},{"Column":"UPN","PropertyType":"String"},{"Column":"ReportStatus_loc","PropertyType":"String"}],"SessionId":""}`, rows)
	})
	var got []PolicyDeviceStatus
	err := testClient(t, srv.URL).PolicyDeviceStatuses(t.Context(), "p1", func(s PolicyDeviceStatus) error { got = append(got, s); return nil })
	at := time.Date(2026, 10, 2, 8, 0, 12, 0, time.UTC)
	want := []PolicyDeviceStatus{
		{DeviceID: "d1", DeviceName: "PC-1", UPN: "ann@x", PolicyStatus: StatusSucceeded, ReportStatus: StatusSucceeded, ModifiedAt: at},
		{DeviceID: "d1", DeviceName: "PC-1", PolicyStatus: StatusConflict, ReportStatus: StatusConflict, ModifiedAt: at},
		{DeviceID: "d2", PolicyStatus: StatusError, ReportStatus: statusUnknown},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	body := srv.all()[0].body
	if want := `"skip":0,"top":500,"orderBy":[],"filter":"(PolicyBaseTypeName eq 'DeviceManagementConfigurationPolicy') and (PolicyId eq 'p1')"`; !strings.Contains(body, want) || srv.count() != 2 {
		t.Errorf("%d requests, body %s", srv.count(), body)
	}
}

// TestReportFaults: a report that is short, shapeless or without its key columns is an error and never empty.
func TestReportFaults(t *testing.T) {
	for name, body := range map[string]string{
		"no count":       `{"Values":[],"Schema":[]}`,
		"ends early":     `{"TotalRowCount":5,"Schema":[{"Column":"IntuneDeviceId","PropertyType":"String"},{"Column":"PolicyStatus","PropertyType":"Int32"}],"Values":[]}`,
		"no key column":  `{"TotalRowCount":1,"Schema":[{"Column":"PolicyStatus","PropertyType":"Int32"}],"Values":[[2]]}`,
		"ragged row":     `{"TotalRowCount":1,"Schema":[{"Column":"IntuneDeviceId","PropertyType":"String"},{"Column":"PolicyStatus","PropertyType":"Int32"}],"Values":[["d1"]]}`,
		"no schema":      `{"TotalRowCount":1,"Values":[["d1",2]]}`,
		"malformed time": `{"TotalRowCount":1,"Schema":[{"Column":"IntuneDeviceId","PropertyType":"String"},{"Column":"PolicyStatus","PropertyType":"Int32"},{"Column":"PspdpuLastModifiedTimeUtc","PropertyType":"DateTime"}],"Values":[["d1",2,"yesterday"]]}`,
		"truncated":      `{"TotalRowCount":1,"Schema":[`,
	} {
		srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
			switch name {
			case "no count", "ragged row", "no schema", "truncated":
				mark(w)
			}
			_, _ = w.Write([]byte(body))
		})
		err := testClient(t, srv.URL).PolicyDeviceStatuses(t.Context(), "p1", func(PolicyDeviceStatus) error { return nil })
		if KindOf(err) != KindTransient {
			t.Errorf("%s: %v", name, err)
		}
	}
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		_, _ = w.Write([]byte(`{"TotalRowCount":0,"Schema":[],"Values":[]}`))
	})
	if err := testClient(t, srv.URL).PolicyDeviceStatuses(t.Context(), "p1", func(PolicyDeviceStatus) error { return nil }); err != nil {
		t.Errorf("a report of no rows is a report: %v", err)
	}
}

// TestReportCells: the forms of times and numbers in reports and exports.
func TestReportCells(t *testing.T) {
	for text, want := range map[string]string{"2026-06-19 20:29:04.0000000": "2026-06-19T20:29:04Z", "2026-10-02T08:00:12": "2026-10-02T08:00:12Z",
		"2026-03-02T13:57:54.5031392Z": "2026-03-02T13:57:54.5031392Z", "": "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z"} {
		if got, err := ParseReportTime(text); err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := ParseReportTime("02/10/2026"); err == nil {
		t.Error("a time of no known form was accepted")
	}
	for text, want := range map[string]ReportStatus{"2": StatusSucceeded, "0": StatusPending, "7": StatusNotAssigned, "8": -1, "-1": -1, "": -1, "Succeeded": -1, "2.5": -1} {
		if got := reportNumber(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestDevices: sentinels, nulls and unknown members of device lists, and the action that syncs one.
func TestDevices(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		switch r.URL.Path {
		case "/v1.0/deviceManagement/managedDevices":
			if r.URL.Query().Has("page") { // the types know neither this state nor this member
				spoiled(w, 200, `{"value":[{"id":"m3","complianceState":"notInEnum","joinType":"ignored"}]}`)
				return
			}
			answer(w, 200, `{"value":[{"id":"m1","azureADDeviceId":"x1","operatingSystem":"Windows","osVersion":"10.0.26100.4061","complianceState":"configManager","enrolledDateTime":"2026-01-02T03:04:05.1234567Z","lastSyncDateTime":"0001-01-01T00:00:00Z","isEncrypted":null,"userId":null,"ethernetMacAddress":"ignored"},
				{"id":"m2","isEncrypted":true,"lastSyncDateTime":null}],"@odata.nextLink":"http://%s/v1.0/deviceManagement/managedDevices?page=2"}`, r.Host)
		case "/v1.0/devices":
			answer(w, 200, `{"value":[{"id":"o1","deviceId":"x1","trustType":"AzureAd","isManaged":true,"approximateLastSignInDateTime":"2026-10-02T08:00:12Z","sourceType":"unlisted"}]}`)
		default:
			w.WriteHeader(204)
		}
	})
	c := testClient(t, srv.URL)
	var managed []ManagedDevice
	if err := c.ManagedDevices(t.Context(), func(d ManagedDevice) error { managed = append(managed, d); return nil }); err != nil {
		t.Fatal(err)
	}
	yes := true
	want := []ManagedDevice{{ID: "m1", AzureADDeviceID: "x1", OperatingSystem: "Windows", OSVersion: "10.0.26100.4061", ComplianceState: "configManager",
		EnrolledAt: time.Date(2026, 1, 2, 3, 4, 5, 123456700, time.UTC)}, {ID: "m2", IsEncrypted: &yes}, {ID: "m3", ComplianceState: "notInEnum"}}
	if diff := cmp.Diff(want, managed); diff != "" {
		t.Error(diff)
	}
	var entra []EntraDevice
	if err := c.EntraDevices(t.Context(), func(d EntraDevice) error { entra = append(entra, d); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]EntraDevice{{ID: "o1", DeviceID: "x1", TrustType: "AzureAd", IsManaged: &yes, LastSignInAt: time.Date(2026, 10, 2, 8, 0, 12, 0, time.UTC)}}, entra); diff != "" {
		t.Error(diff)
	}
	if err := c.SyncDevice(t.Context(), "m1"); err != nil {
		t.Error(err)
	}
	if r := srv.all()[3]; r.method != "POST" || r.path != "/v1.0/deviceManagement/managedDevices/m1/syncDevice" {
		t.Errorf("%s %s", r.method, r.path)
	}
	if q := mustQuery(t, srv.all()[0].query); !strings.Contains(q.Get("$select"), "lastSyncDateTime") || strings.Contains(q.Get("$select"), "joinType") {
		t.Errorf("%v", q)
	}
}
