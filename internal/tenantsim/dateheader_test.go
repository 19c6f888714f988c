// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// answerHead asks a server over the network, where net/http would add a Date of the machine's own, and gives the header.
func answerHead(t *testing.T, url, method, path, token string) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil && !strings.Contains(err.Error(), "EOF") {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.Header
}

// TestDateIsVirtual: every answer shows the tenant's own time, also one that is spoiled, and one of the control endpoints.
func TestDateIsVirtual(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	server := httptest.NewServer(tt.sim.Handler())
	t.Cleanup(server.Close)
	if err := tt.sim.SetFaults([]Fault{
		{Mode: FaultCut, Match: FaultMatch{Route: "/v1.0/devices"}},
		{Mode: FaultStatus, Status: 503, Match: FaultMatch{Route: "/v1.0/users"}},
		{Mode: FaultTruncated, Match: FaultMatch{Route: "/v1.0/groups"}},
	}); err != nil {
		t.Fatal(err)
	}
	tt.advance(36 * time.Hour)
	want := DefaultStart.Add(36 * time.Hour).Format(http.TimeFormat)
	for path, method := range map[string]string{
		"/v1.0/deviceManagement/managedDevices": http.MethodGet, "/v1.0/devices": http.MethodGet, "/v1.0/users": http.MethodGet, "/v1.0/groups": http.MethodGet,
		"/v1.0/nothing": http.MethodGet, "/v1.0/$batch": http.MethodPost, "/" + tt.sim.TenantID() + "/oauth2/v2.0/token": http.MethodPost,
		"/_sim/clock": http.MethodGet, "/_sim/": http.MethodGet, "/_sim/nothing": http.MethodGet, "/_sim/faults": http.MethodPut,
	} {
		if got := answerHead(t, server.URL, method, path, tt.token)["Date"]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s %s: Date %q, want %q", method, path, got, want)
		}
	}
}

// TestDateThatLies: a tenant may be told that its clock is wrong, or has none.
func TestDateThatLies(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	server := httptest.NewServer(tt.sim.Handler())
	t.Cleanup(server.Close)
	for want, lie := range map[string]DateHeader{
		DefaultStart.AddDate(0, 0, 30).Format(http.TimeFormat):     {Ahead: Duration(720 * time.Hour)},
		DefaultStart.Add(-6 * time.Minute).Format(http.TimeFormat): {Behind: Duration(6 * time.Minute)},
		"yesterday": {Text: "yesterday"}, "": {Absent: true},
	} {
		sc := tt.sim.Scenario()
		sc.Date = &lie
		if err := tt.sim.SetScenario(sc); err != nil {
			t.Fatal(err)
		}
		if got := answerHead(t, server.URL, http.MethodGet, "/v1.0/organization", tt.token).Get("Date"); got != want {
			t.Errorf("Date %q, want %q", got, want)
		}
	}
	for _, bad := range []DateHeader{{Ahead: 1, Behind: 1}, {Ahead: 1, Text: "x"}, {Behind: 1, Absent: true}, {Text: "x", Absent: true}} {
		if err := (&Scenario{Date: &bad}).Validate(); err == nil || !strings.Contains(err.Error(), "date: ") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
