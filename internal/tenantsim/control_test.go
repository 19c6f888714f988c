// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestControlEndpoints(t *testing.T) {
	sc := quiet()
	sc.ConflictingBaseline = &Baseline{DisplayName: "b", GroupDisplayName: "Tidegate Canary", DevicesPercent: 50}
	tt := newTenant(t, Options{Devices: 100, Scenario: sc})
	before := tt.sim.Now()
	state := tt.want(200, "POST", "/_sim/clock", object{"advance": "8h"}, "Authorization", "")
	if !tt.sim.Now().Equal(before.Add(8*time.Hour)) || state["speed"] != 0.0 {
		t.Errorf("clock %v", state)
	}
	tt.want(400, "POST", "/_sim/clock", object{"forward": "8h"})
	tt.want(400, "POST", "/_sim/clock", object{"advance": "-8h"})
	tt.want(400, "POST", "/_sim/clock", object{"speed": -1})
	tt.want(400, "PUT", "/_sim/scenario", object{"failurePercent": 101})
	tt.want(400, "PUT", "/_sim/scenario", object{"failPercent": 1})
	tt.want(400, "PUT", "/_sim/scenario?name=nope", nil)
	tt.want(200, "PUT", "/_sim/scenario", "failurePercent: 5\ncheckinInterval: 4h\n")
	if got := tt.want(200, "GET", "/_sim/scenario", nil); got["failurePercent"] != 5.0 || got["checkinInterval"] != "4h0m0s" {
		t.Errorf("scenario %v", got)
	}
	if n := len(tt.sim.Snapshot(false).Policies); n != 0 {
		t.Errorf("%d policies: the baseline must go with its scenario", n)
	}
	if err := tt.sim.SetScenario(sc); err != nil {
		t.Fatal(err)
	}
	tt.want(204, "POST", "/_sim/policies/unassign", object{"name": "b"})
	if p := tt.sim.Snapshot(false).Policies; len(p) != 1 || len(p[0].Assignments) != 0 {
		t.Errorf("after unassign: %v", p)
	}
	tt.want(204, "POST", "/_sim/policies/delete", object{"name": "b"})
	tt.want(400, "POST", "/_sim/policies/delete", object{"name": "b"})
	dump := tt.want(200, "GET", "/_sim/dump?devices=true", nil)
	if n := len(objects(dump["devices"])); n != 100 {
		t.Errorf("%d devices in the dump", n)
	}
	tt.want(200, "GET", "/_sim/", nil)
	tt.want(404, "GET", "/_sim/nothing", nil)
}

// TestJournalKeepsNoSecret: requests are recorded with what they changed, and
// neither tokens nor secrets nor link signatures are.
func TestJournalKeepsNoSecret(t *testing.T) {
	tt, id := applied(t)
	tt.export(statusBody(id))
	tt.errorOf(404, "GET", policiesPath+"/nope", nil)
	hold := tt.createPolicy(holdBody("hold"))
	tt.assign(hold, groupTarget(tt.groupID("g")))
	raw, err := json.Marshal(tt.want(200, "GET", "/_sim/journal", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{DefaultSecret, tt.token, strings.Split(tt.token, ".")[2], "sig="} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the journal holds %q", secret)
		}
	}
	j := tt.sim.Journal()
	last := j.Records[len(j.Records)-1]
	if !last.Changed || last.Status != 200 || len(last.Overlaps) != 1 || last.Overlaps[0].Devices != 100 {
		t.Errorf("assigning hold over allow was recorded as %+v", last)
	}
	if j.Routes["POST /beta/deviceManagement/configurationPolicies/{id}/assign"] != 2 || j.Total != uint64(len(j.Records)) {
		t.Errorf("counters %v", j.Routes)
	}
	tt.want(204, "DELETE", "/_sim/journal", nil)
	tt.want(200, "GET", "/v1.0/groups", nil)
	if j := tt.sim.Journal(); j.Total != 1 || j.Changes != 0 || j.Records[0].Changed {
		t.Errorf("after reset: %+v", j)
	}
}

func TestJournalIsBounded(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, JournalSize: 3})
	for range 10 {
		tt.want(200, "GET", "/v1.0/groups", nil)
	}
	j := tt.sim.Journal()
	if len(j.Records) != 3 || j.Total != 11 || j.Records[0].Number != 9 || j.Records[2].Number != 11 {
		t.Errorf("journal %+v", j)
	}
}

func TestStartServesTLS(t *testing.T) {
	sim, err := New(Options{Ideal: idealHere, Devices: 5, Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	base, ca, err := sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the CA is not a PEM certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, base+"/"+sim.TenantID()+"/v2.0/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil || !strings.Contains(string(raw), base+"/"+sim.TenantID()+"/oauth2/v2.0/token") {
		t.Errorf("%v %s", err, raw)
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err != nil || date.Before(DefaultStart) || date.After(DefaultStart.AddDate(0, 0, 30)) {
		t.Errorf("Date %q is not virtual: %v", res.Header.Get("Date"), err)
	}
	if _, _, err := sim.Start("127.0.0.1:0"); err == nil {
		t.Error("a second Start succeeded")
	}
	if err := sim.Close(); err != nil {
		t.Error(err)
	}
	if err := sim.Close(); err != nil {
		t.Error(err)
	}
}

func TestInjectedClock(t *testing.T) {
	fake := clocktesting.NewFakeClock(DefaultStart)
	tt := newTenant(t, Options{Devices: 50, Scenario: quiet(), Clock: fake})
	tt.advance(24 * time.Hour)
	if !fake.Now().Equal(DefaultStart.Add(24*time.Hour)) || tt.sim.Snapshot(false).Fleet.SeenIn24h != 50 {
		t.Errorf("now %v, fleet %+v", fake.Now(), tt.sim.Snapshot(false).Fleet)
	}
	fixed := newTenant(t, Options{Devices: 5, Clock: clocktesting.NewFakePassiveClock(DefaultStart)})
	if err := fixed.sim.Advance(time.Hour); err == nil {
		t.Error("a passive clock was advanced")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"devices": {Devices: -1}, "users": {Users: -1}, "speed": {Speed: -1}, "token lifetime": {TokenLifetime: time.Millisecond},
		"failurePercent":    {Scenario: Scenario{FailurePercent: -1}},
		"only 0 are left":   {Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "a", Count: 10}, GroupSpec{DisplayName: "b", Count: 1})},
		"names no group":    {Devices: 10, Scenario: Scenario{ConflictingBaseline: &Baseline{DisplayName: "b", GroupDisplayName: "nobody"}}},
		"no choice setting": {Catalog: "empty-edge", Scenario: Scenario{ConflictingBaseline: &Baseline{DisplayName: "b", GroupDisplayName: "Tidegate Early"}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScenarioFiles(t *testing.T) {
	for text, want := range map[string]string{
		"failurePercent: 3":        "",
		`{"checkinInterval":"4h"}`: "",
		"rules: [{name: r, devicesPercent: 5, outcome: error, after: 2h}]": "",
		"outages: [{from: 24h, to: '2026-06-03T00:00:00Z', status: 503}]":  "",
		"groups: [{displayName: a, count: 1}, {displayName: a, count: 1}]": "",
		"failurePercent: 3\nfailurePercent: 4":                             "already set",
		"failuresPercent: 3":                                               "failuresPercent",
		"checkinInterval: 4":                                               "8h",
		"checkinInterval: 1s":                                              "at least 1m",
		"rules: [{name: r, outcome: broken}]":                              "error, conflict, pending or dark",
		"outages: [{from: soon, status: 503}]":                             "RFC 3339",
		"outages: [{from: 1h, status: 200}]":                               "HTTP error status",
		"outages: [{from: 1h, status: 503, scope: x}]":                     "all or reports",
		"reportLag: {min: 2h, max: 1h}":                                    "smaller than min",
		"exportPolls: -1":                                                  "0 or more",
		"groups: [{count: 1}]":                                             "displayName",
		"groups: [{displayName: a, count: 1, percent: 5}]":                 "exclude each other",
		"groups: [{displayName: a, from: linux}]":                          "windows, macos",
		"groups: [{displayName: a, unit: team}]":                           "device, user or mixed",
		"conflictingBaseline: {displayName: b, devicesPercent: 5}":         "groupDisplayName",
		"tattooPercent: 120":                                               "between 0 and 100",
	} {
		_, err := ParseScenario([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(file, []byte("failurePercent: 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	if sc, err := LoadScenario(file); err != nil || sc.FailurePercent != 7 {
		t.Errorf("%v %v", sc, err)
	}
	if _, err := LoadScenario("nope"); err == nil || !strings.Contains(err.Error(), "baseline-conflict") {
		t.Errorf("unknown scenario: %v", err)
	}
}

// TestAmbiguousGroupName: equal display names exist on purpose.
func TestAmbiguousGroupName(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "twin", Count: 5}, GroupSpec{DisplayName: "twin", Count: 5})
	tt := newTenant(t, Options{Devices: 50, Scenario: sc})
	if n := len(tt.all("/v1.0/groups?$filter=displayName eq 'twin'")); n != 2 {
		t.Errorf("%d groups are called twin", n)
	}
}
