// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"testing"
)

// TestOddItem: one item of a list is other than the rest, and the rest is as it was.
func TestOddItem(t *testing.T) {
	tt := newTenant(t, Options{Devices: 6, Scenario: quiet()})
	const target = "/v1.0/devices?$select=id,deviceId"
	whole := tt.all(target)
	chosen := text(whole[2], "id")
	for name, tc := range map[string]struct {
		item OddItem
		want func(items []any) bool
	}{
		"set":        {OddItem{With: chosen, Set: map[string]any{"id": 7}}, func(items []any) bool { return items[2].(object)["id"] == 7.0 && items[2].(object)["deviceId"] != nil }},
		"dropped":    {OddItem{With: chosen, Drop: []string{"id"}}, func(items []any) bool { return items[2].(object)["id"] == nil }},
		"null":       {OddItem{With: chosen, Null: true}, func(items []any) bool { return items[2] == nil && len(items) == len(whole) }},
		"gone":       {OddItem{With: chosen, Gone: true}, func(items []any) bool { return len(items) == len(whole)-1 }},
		"the first":  {OddItem{Null: true}, func(items []any) bool { return items[0] == nil && items[1] != nil }},
		"not listed": {OddItem{With: "nobody", Null: true}, func(items []any) bool { return len(items) == len(whole) && items[0] != nil }},
	} {
		if err := tt.sim.SetFaults([]Fault{{Mode: FaultItem, Match: FaultMatch{Route: "/v1.0/devices"}, Item: &tc.item}}); err != nil {
			t.Fatal(err)
		}
		items, _ := tt.want(http.StatusOK, http.MethodGet, target, nil)["value"].([]any)
		if !tc.want(items) || len(items) > 3 && name != "gone" && text(items[3].(object), "id") != text(whole[3], "id") {
			t.Errorf("%s: %v", name, items)
		}
	}
}

// TestOddRow: one row of an export is other than the rest.
func TestOddRow(t *testing.T) {
	tt := newTenant(t, Options{Devices: 6, Scenario: quiet()})
	body := object{"reportName": "AppInvRawData", "format": "csv", "select": []string{"DeviceId", "ApplicationName", "ApplicationVersion"}}
	_, whole := tt.export(body)
	if err := tt.sim.SetFaults([]Fault{{Mode: FaultItem, Match: FaultMatch{Route: "/_blob/**"}, Item: &OddItem{Set: map[string]any{"DeviceId": "n/a, or so"}}}}); err != nil {
		t.Fatal(err)
	}
	_, odd := tt.export(body)
	if len(odd) != len(whole) || odd[0]["DeviceId"] != "n/a, or so" || odd[1]["DeviceId"] != whole[1]["DeviceId"] || odd[0]["ApplicationName"] != whole[0]["ApplicationName"] {
		t.Errorf("%v\nof\n%v", odd[:2], whole[:2])
	}
}

// TestFaultByBody: a fault can be about one of the objects that a request names.
func TestFaultByBody(t *testing.T) {
	tt := newTenant(t, Options{Devices: 6})
	if err := tt.sim.SetFaults([]Fault{{Mode: FaultStatus, Status: 403, Match: FaultMatch{Method: "POST", Body: "FORBIDDEN one"}}}); err != nil {
		t.Fatal(err)
	}
	tt.errorOf(http.StatusForbidden, http.MethodPost, "/v1.0/groups", groupBody("the forbidden one"))
	tt.want(http.StatusCreated, http.MethodPost, "/v1.0/groups", groupBody("another"))
}
