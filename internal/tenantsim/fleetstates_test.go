// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// TestEnrolledTwice: the older record is a managed device of its own, with what
// was true then, and stands for nothing that a group can hold.
func TestEnrolledTwice(t *testing.T) {
	tt := stateTenant(t)
	for _, member := range tt.all("/v1.0/groups/" + tt.groupID("enrolledTwice") + "/members/microsoft.graph.device?$select=id,deviceId,displayName") {
		records := tt.all("/v1.0/deviceManagement/managedDevices?$orderby=lastSyncDateTime&$filter=azureADDeviceId eq '" + text(member, "deviceId") + "'")
		if len(records) != 2 {
			t.Fatalf("%d records of %s", len(records), text(member, "displayName"))
		}
		old, living := records[0], records[1]
		if text(old, "lastSyncDateTime") >= text(living, "lastSyncDateTime") || text(old, "enrolledDateTime") >= text(living, "enrolledDateTime") {
			t.Errorf("older %v, living %v", old, living)
		}
		if old["isEncrypted"] != false || living["isEncrypted"] != true || old["osVersion"] == living["osVersion"] {
			t.Errorf("the older record of %s knows what the living one knows", text(member, "displayName"))
		}
		for _, same := range []string{"serialNumber", "deviceName", "userId"} {
			if old[same] != living[same] {
				t.Errorf("%s: %v and %v", same, old[same], living[same])
			}
		}
	}
}

// TestEnrolledUnregistered: the directory knows nothing of such a device, under
// whatever id.
func TestEnrolledUnregistered(t *testing.T) {
	tt := stateTenant(t)
	records := tt.all("/v1.0/deviceManagement/managedDevices?$filter=azureADDeviceId eq '" + ids.GUID{}.String() + "'")
	if len(records) != perState {
		t.Errorf("%d records without a registration, want %d", len(records), perState)
	}
	tt.want(404, "GET", "/v1.0/devices(deviceId='"+ids.GUID{}.String()+"')", nil)
	for i := range tt.sim.fleet.devices {
		if d := &tt.sim.fleet.devices[i]; !inDirectory(d) {
			tt.want(404, "GET", "/v1.0/devices/"+d.objectID.String(), nil)
		}
	}
	if members := tt.all("/v1.0/groups/" + tt.groupID("enrolledUnregistered") + "/members?$select=id"); len(members) != 0 {
		t.Errorf("members %v", members)
	}
}

// TestUserOfThree: three devices in the state have the same primary user.
func TestUserOfThree(t *testing.T) {
	tt := stateTenant(t)
	users := map[string]int{}
	for _, member := range tt.all("/v1.0/groups/" + tt.groupID("userOfThree") + "/members/microsoft.graph.device?$select=id,deviceId") {
		record := tt.all("/v1.0/deviceManagement/managedDevices?$filter=azureADDeviceId eq '" + text(member, "deviceId") + "'")[0]
		users[text(record, "userId")]++
	}
	if len(users) != 1 {
		t.Errorf("users %v", users)
	}
}

// TestInventoryAges: the app inventory follows an update of Edge after a day, or
// after a week, and not before; a device without inventory never has one.
func TestInventoryAges(t *testing.T) {
	tt := stateTenant(t)
	updated := func(state string) (n int) {
		t.Helper()
		l := readLists(tt)
		for i := range tt.sim.options.Devices {
			if d := &tt.sim.fleet.devices[i]; d.special().name == state && l.of(tt, i)["apps"] == "current" {
				n++
			}
		}
		return n
	}
	var passed time.Duration
	for _, step := range []struct {
		at          time.Duration
		daily, week int
	}{{20 * time.Hour, 0, 0}, {36 * time.Hour, perState, 0}, {6 * 24 * time.Hour, perState, 0}, {8 * 24 * time.Hour, perState, perState}} {
		tt.advance(step.at - passed)
		passed = step.at
		if daily, week := updated("inventory24h"), updated("inventory7d"); daily != step.daily || week != step.week {
			t.Errorf("after %s %d and %d inventories follow, want %d and %d", step.at, daily, week, step.daily, step.week)
		}
	}
	for _, state := range []string{"inventoryNone", "inventoryNonePersonal", "inventoryNoneCoManaged", "agentMsSense"} {
		if n := updated(state); n != 0 {
			t.Errorf("%d devices in state %s report applications", n, state)
		}
	}
}

// TestStatesAndPolicies: a device that Intune does not manage applies nothing
// although it is in contact, and one that stays away does not come.
func TestStatesAndPolicies(t *testing.T) {
	tt := stateTenant(t)
	targets := []object{}
	for _, state := range DeviceStates() {
		targets = append(targets, groupTarget(tt.groupID(state)))
	}
	tt.assign(tt.createPolicy(allowBody("p")), targets...)
	tt.advance(48 * time.Hour)
	for i := range tt.sim.options.Devices {
		d := &tt.sim.fleet.devices[i]
		if d.management.leaves() {
			continue // has left by now, or not
		}
		r := d.row(tt.sim.policies[0], d.user)
		want := d.state != 0 && d.platform == platformWindows && inContact(d) && takesPolicies(d) && inDirectory(d) && d.acceptsPolicies()
		if (r != nil) != want {
			t.Errorf("%s: has a row: %t, want %t", d.special().name, r != nil, want)
		}
		if recent := tt.sim.Now().Unix()-d.lastSync < dayOf; recent != inContact(d) {
			t.Errorf("%s: last contact %s", d.special().name, unixTime(d.lastSync))
		}
		if d.state == 0 || r == nil {
			continue
		}
		if fit := passkeyNeeds.met(d) && d.special().name != "coManagedConfigurationManager"; (r.current.status == statusSucceeded) != fit || (r.current.status == statusNotApplicable) == fit {
			t.Errorf("%s: status %d", d.special().name, r.current.status)
		}
	}
}

// TestStatesAreDealt: by count and by percent, the same in equal tenants, and
// never more than there are.
func TestStatesAreDealt(t *testing.T) {
	sc := Scenario{Devices: []DeviceSpec{{State: "windows10", Percent: 10}, {State: "userNone", Count: 7}}}
	deal := func(seed uint64) (out []string) {
		tt := newTenant(t, Options{Seed: seed, Devices: 300, Scenario: sc})
		for i := range tt.sim.fleet.devices {
			out = append(out, tt.sim.fleet.devices[i].special().name)
		}
		return out
	}
	first := deal(1)
	count := map[string]int{}
	for _, state := range first {
		count[state]++
	}
	if count["windows10"] != 30 || count["userNone"] != 7 {
		t.Errorf("states %v", count)
	}
	if !slices.Equal(first, deal(1)) || slices.Equal(first, deal(2)) {
		t.Error("the seed does not decide")
	}
	sc.Devices[1].Count = 271
	if _, err := New(Options{Ideal: idealHere, Devices: 300, Scenario: sc}); err == nil || !strings.Contains(err.Error(), "devices[1] wants 271 devices in state userNone, only 270 of 300 are left: add devices or lower the count") {
		t.Errorf("error %v", err)
	}
}

func TestDeviceSpecs(t *testing.T) {
	for raw, want := range map[string]string{
		"devices: [{state: edgeBetaOnly, count: 2}, {state: macOS12, percent: 0.5}]": "",
		"groups: [{displayName: g, from: edgeBetaOnly, percent: 50}]":                "",
		"devices: [{state: edgebeta, count: 2}]":                                     `devices[0]: state "edgebeta": write one of agentEas, `,
		"devices: [{count: 2}]":                                                      `devices[0]: state "": write one of`,
		"devices: [{state: macOS12}]":                                                "devices[0]: state macOS12: write either count or percent",
		"devices: [{state: macOS12, count: 1, percent: 1}]":                          "write either count or percent",
		"devices: [{state: macOS12, count: -1}]":                                     "devices[0]: count is -1: write 1 or more",
		"devices: [{state: macOS12, percent: 101}]":                                  "devices[0].percent is 101",
		"devices: [{state: macOS12, share: 1}]":                                      "unknown field",
		"groups: [{displayName: g, from: nowhere, count: 1}]":                        `from "nowhere": write windows, macos, ios, android, all, everything or a state`,
	} {
		_, err := ParseScenario([]byte(raw))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
	if _, err := ParseScenario([]byte("devices: [{state: x, count: 1}]")); err == nil || !strings.Contains(err.Error(), strings.Join(DeviceStates(), ", ")) {
		t.Errorf("the error does not list the states: %v", err)
	}
}

// TestStatesAreDocumented: the tables of the documentation have every state.
func TestStatesAreDocumented(t *testing.T) {
	var said string
	for _, file := range []string{"tenantsim.md", "tenantsim-devices.md"} {
		raw, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		said += string(raw)
	}
	for _, state := range DeviceStates() {
		if !strings.Contains(said, "`"+state+"`") {
			t.Errorf("the documentation does not say what %s is", state)
		}
	}
}

// TestStatesAt200k: states cost a large tenant next to nothing.
func TestStatesAt200k(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the 200,000-device start takes a second and 100 MB")
	}
	var sc Scenario
	for _, state := range DeviceStates() {
		sc.Devices = append(sc.Devices, DeviceSpec{State: state, Percent: 1})
	}
	began := time.Now()
	sim, err := New(Options{Ideal: idealHere, Devices: 200_000, Scenario: sc})
	if err != nil {
		t.Fatal(err)
	}
	took, heap := time.Since(began), heapInUse()
	t.Logf("200,000 devices in %d states start in %s and hold %d MiB", len(sc.Devices), took, heap>>20)
	if took > 10*time.Second || heap > 80<<20 {
		t.Errorf("200,000 devices start in %s and hold %d MiB, want at most 10s and 80 MiB", took, heap>>20)
	}
	runtime.KeepAlive(sim)
}
