// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// TestOrderBy: where it is allowed it sorts, over pages and with a filter.
func TestOrderBy(t *testing.T) {
	tt := newTenant(t, Options{Devices: 40})
	names := func(target, property string, headers ...string) []string {
		t.Helper()
		var out []string
		for _, item := range tt.all(target, headers...) {
			out = append(out, text(item, property))
		}
		return out
	}
	whole := names("/v1.0/groups?$select=displayName", "displayName")
	up := names("/v1.0/groups?$select=displayName&$orderby=displayName&$top=1", "displayName")
	down := names("/v1.0/groups?$select=displayName&$orderby=displayName desc&$top=3", "displayName")
	slices.Sort(whole)
	if !slices.Equal(up, whole) {
		t.Errorf("ascending %v", up)
	}
	slices.Reverse(down)
	if !slices.Equal(down, whole) {
		t.Errorf("descending, reversed: %v", down)
	}
	synced := names("/v1.0/deviceManagement/managedDevices?$select=lastSyncDateTime&$orderby=lastSyncDateTime desc&$top=7", "lastSyncDateTime")
	if len(synced) < 30 || !slices.IsSortedFunc(synced, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("last syncs %v", synced)
	}
	filtered := "/v1.0/devices?$filter=operatingSystem eq 'Windows'&$orderby=displayName desc&$select=displayName,operatingSystem"
	tt.errorOf(400, "GET", filtered, nil) // needs the advanced engine
	advanced := names(filtered+"&$count=true&$top=5", "displayName", "ConsistencyLevel", "eventual")
	if len(advanced) < 20 || !slices.IsSortedFunc(advanced, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("filtered %v", advanced)
	}
	page := tt.want(200, "GET", filtered+"&$count=true&$top=5", nil, "ConsistencyLevel", "eventual")
	if page["@odata.count"] != float64(len(advanced)) {
		t.Errorf("count %v of %d", page["@odata.count"], len(advanced))
	}
	for target, want := range map[string]string{
		"/v1.0/groups?$orderby=nope":                                    "nope",
		"/v1.0/groups?$orderby=mailEnabled":                             "Sorting by property 'mailEnabled'",
		"/v1.0/groups?$orderby=displayName sideways":                    "Syntax error in $orderby",
		"/v1.0/deviceManagement/managedDevices?$orderby=isEncrypted":    "Sorting by property 'isEncrypted'",
		"/beta/deviceManagement/configurationPolicies?$orderby=name":    "'$orderby' is not supported",
		"/beta/deviceManagement/deviceHealthScripts?$orderby=publisher": "'$orderby' is not supported",
	} {
		if _, message := tt.errorOf(400, "GET", target, nil); !strings.Contains(message, want) {
			t.Errorf("%s: %s", target, message)
		}
	}
}

// TestDirectorySearch: words by their beginning, with the header only.
func TestDirectorySearch(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "Wave One"}, GroupSpec{DisplayName: "Wave Two"}, GroupSpec{DisplayName: "Other"})})
	const target = `/v1.0/groups?$select=displayName&$search="displayName:`
	for text, want := range map[string]int{"wave": 2, "wa": 2, "ave": 0, "wave tw": 1, "one": 1} {
		if got := len(tt.all(target+text+`"`, "ConsistencyLevel", "eventual")); got != want {
			t.Errorf("%q finds %d, want %d", text, got, want)
		}
	}
	if got := tt.all(target+`wave"&$filter=displayName eq 'Wave Two'`, "ConsistencyLevel", "eventual"); len(got) != 1 {
		t.Errorf("search and filter: %v", got)
	}
	if _, message := tt.errorOf(400, "GET", target+`wave"`, nil); !strings.Contains(message, "ConsistencyLevel: eventual") {
		t.Errorf("message %s", message)
	}
	tt.errorOf(400, "GET", `/v1.0/groups?$search=wave`, nil, "ConsistencyLevel", "eventual")
	tt.errorOf(400, "GET", `/v1.0/groups?$search="mail:wave"`, nil, "ConsistencyLevel", "eventual")
	tt.errorOf(400, "GET", `/v1.0/deviceManagement/managedDevices?$search="x"`, nil)
}

// TestCatalogSearch: $search on definitions needs no header (contract a.6).
func TestCatalogSearch(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	found := tt.all(`/beta/deviceManagement/configurationSettings?$search="saving passkeys"&$select=id,displayName`)
	if len(found) != 5 { // Edge and Chrome, each for device and user, and the MAM twin
		t.Errorf("found %v", found)
	}
}

// TestNegationNeedsTheAdvancedEngine wherever it stands in a filter.
func TestNegationNeedsTheAdvancedEngine(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const target = "/v1.0/groups?$filter=securityEnabled eq true and not (displayName eq 'x')"
	if code, _ := tt.errorOf(400, "GET", target, nil); code != odata.CodeUnsupportedQuery {
		t.Errorf("code %s", code)
	}
	tt.errorOf(400, "GET", target, nil, "ConsistencyLevel", "eventual")
	if n := len(tt.all(target+"&$count=true", "ConsistencyLevel", "eventual")); n != 4 {
		t.Errorf("%d groups", n)
	}
}

// TestLambdaFilter: any over a collection, in the one form that is documented.
func TestLambdaFilter(t *testing.T) {
	get := func(string) any { return []string{"a", "b"} }
	for filter, want := range map[string]bool{"m/any(x:x eq 'b')": true, "m/any(m: m eq 'c')": false, "not (m/any(x:x eq 'a'))": false} {
		expr, err := odata.ParseFilter(filter)
		if err != nil || expr.Eval(get) != want {
			t.Errorf("%s: %v %v", filter, expr, err)
		}
	}
	for _, filter := range []string{"m/any(x:y eq 'a')", "m/any(x eq 'a')", "m/any(x:x ne 'a')", "m/any(x:x eq 'a'", "/any(x:x eq 'a')", "m/all(x:x eq 'a')"} {
		if expr, err := odata.ParseFilter(filter); err == nil {
			t.Errorf("%s was accepted as %v", filter, expr)
		}
	}
}

// TestOrderOfNull: null comes before every value, and after it in a descending
// order (OData protocol 4.01, 11.2.6.2).
func TestOrderOfNull(t *testing.T) {
	sc := quiet()
	sc.Devices = []DeviceSpec{{State: "syncNever", Count: 3}}
	tt := newTenant(t, Options{Devices: 12, Scenario: sc})
	for direction, nulls := range map[string][2]int{"asc": {0, 3}, "desc": {9, 12}} {
		all := tt.all("/v1.0/devices?$orderby=approximateLastSignInDateTime " + direction)
		for i, d := range all {
			if isNull := d["approximateLastSignInDateTime"] == nil; isNull != (i >= nulls[0] && i < nulls[1]) {
				t.Errorf("%s: device %d of %d has %v", direction, i, len(all), d["approximateLastSignInDateTime"])
			}
		}
	}
}
