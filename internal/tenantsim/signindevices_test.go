// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"testing"
	"time"
)

// TestSignInsFitTheirDevices: the log names devices of the directory only, none before
// it was registered, and none that lost contact, was disabled or installed anew since.
func TestSignInsFitTheirDevices(t *testing.T) {
	rate := func(v float64) *float64 { return &v }
	sc := Scenario{PhonesPercent: 20, SecondUserPercent: 10, Churn: &Churn{NewPercent: rate(20), ReimagedPercent: rate(20), DisabledPercent: rate(10), GonePercent: rate(10)}}
	for _, state := range []string{"registeredTwice", "reimaged", "accountDisabled", "deletedFromDirectory", "sync30d", "syncNever"} {
		sc.Devices = append(sc.Devices, DeviceSpec{State: state, Count: 5})
	}
	tt := newTenant(t, Options{Devices: 200, Scenario: sc})
	tt.advance(17*24*time.Hour + 13*time.Hour)
	moment := func(of map[string]any, name string) time.Time {
		at, err := time.Parse(time.RFC3339, text(of, name))
		if err != nil && of[name] != nil {
			t.Fatal(err)
		}
		return at
	}
	devices := map[string]map[string]any{}
	for _, d := range tt.all("/v1.0/devices?$top=999") {
		devices[text(d, "deviceId")] = d
	}
	named := 0
	for _, e := range tt.all("/v1.0/auditLogs/signIns") {
		id := text(inner(e, "deviceDetail"), "deviceId")
		if id == "" {
			continue
		}
		named++
		d, at := devices[id], moment(e, "createdDateTime")
		switch {
		case d == nil:
			t.Errorf("a sign-in of %s comes from %s, which the directory does not have", at, id)
		case at.Before(moment(d, "registrationDateTime")):
			t.Errorf("%v was registered at %v and somebody signed in on it at %s", d["displayName"], d["registrationDateTime"], at)
		case at.Sub(moment(d, "approximateLastSignInDateTime")) > 4*24*time.Hour: // weekends
			t.Errorf("%v had its last sign-in at %v and another one at %s", d["displayName"], d["approximateLastSignInDateTime"], at)
		}
		if t.Failed() {
			return
		}
	}
	if named < 500 {
		t.Errorf("%d sign-ins name a device", named)
	}
}
