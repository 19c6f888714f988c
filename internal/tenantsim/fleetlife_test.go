// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// inState lists the devices of a state, by index.
func (t *tenant) inState(state string) (out []int32) {
	for i := range t.sim.options.Devices {
		if t.sim.fleet.devices[i].special().name == state {
			out = append(out, int32(i))
		}
	}
	return out
}

// TestTwoUsers: each user of a shared device has rows of her own. What is assigned
// to one of them reaches her alone and conflicts for her alone; the device counts
// once, with the worst.
func TestTwoUsers(t *testing.T) {
	const shared = 8
	sc := quiet(GroupSpec{DisplayName: "shared", From: "userTwo", Percent: 100}, GroupSpec{DisplayName: "people"})
	sc.Devices = []DeviceSpec{{State: "userTwo", Count: shared}}
	tt := newTenant(t, Options{Devices: 60, Scenario: sc})
	people := tt.groupID("people")
	second := map[string]bool{}
	for _, i := range tt.inState("userTwo") {
		id := tt.sim.users[tt.sim.fleet.devices[i].second].id.String()
		if !second[id] {
			second[id] = true
			tt.addMember(204, people, id)
		}
	}
	mine := tt.createPolicy(choiceBody("mine", "windows10", "mdm", cameraID, cameraID+"_1"))
	ours := tt.createPolicy(choiceBody("ours", "windows10", "mdm", cameraID, cameraID+"_0"))
	tt.assign(mine, groupTarget(people))
	tt.assign(ours, groupTarget(tt.groupID("shared")))
	tt.advance(8 * 24 * time.Hour)
	differ := 0
	for _, i := range tt.inState("userTwo") {
		v := tt.sim.device(i)
		primary, other := v.userID(), tt.sim.users[v.d.second].id.String()
		got, at := map[string]int{}, map[string]int64{}
		for _, r := range tt.sim.deviceSnapshot(i).Facts.Results {
			got[r.Policy+r.User], at[r.Policy+r.User] = r.Status, r.At
		}
		want := map[string]int{ours + primary: 2, ours + other: 6, mine + other: 6}
		if second[primary] { // the second user of another device
			want[ours+primary], want[mine+primary] = 6, 6
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: results %v, want %v", v.name(), got, want)
		}
		differ += boolInt(at[ours+primary] != at[ours+other])
	}
	if differ == 0 {
		t.Error("the second user is always there when the first one is")
	}
	_, rows := tt.export(statusBody(ours))
	users := map[string]bool{}
	for _, r := range rows {
		users[r["IntuneDeviceId"]+r["UPN"]] = true
	}
	if len(users) != len(rows) || len(rows) < 2*shared {
		t.Errorf("%d rows, %d of them different", len(rows), len(users))
	}
	_, rows = tt.export(object{"reportName": "ConfigurationPolicyDeviceAggregates", "filter": "(PolicyId eq '" + ours + "')"})
	if rows[0]["NumberOfConflictDevices"] != fmt.Sprint(shared) || rows[0]["NumberOfCompliantDevices"] != "0" {
		t.Errorf("aggregates %v", rows[0])
	}
}

// TestLeavingDevices: who is ordered to leave reports until the order is carried
// out, and is then gone from Intune and, when retired, from the directory and its
// groups.
func TestLeavingDevices(t *testing.T) {
	states := map[string]struct{ day, week bool }{ // gone after a day and a half, after nine days
		"managementRetirePending": {false, true}, "managementWipePending": {false, true}, "managementDeletePending": {false, true},
		"managementRetireIssued": {true, true}, "managementWipeIssued": {true, true},
		"managementRetireFailed": {}, "managementWipeFailed": {}, "managementRetireCanceled": {}, "managementWipeCanceled": {}, "managementUnknown": {},
	}
	sc := quiet(GroupSpec{DisplayName: "everybody", From: "everything", Percent: 100})
	for state := range states {
		sc.Devices = append(sc.Devices, DeviceSpec{State: state, Count: 5})
	}
	slices.SortFunc(sc.Devices, func(a, b DeviceSpec) int { return strings.Compare(a.State, b.State) })
	tt := newTenant(t, Options{Devices: 100, Scenario: sc})
	policy := tt.createPolicy(choiceBody("p", "windows10", "mdm", cameraID, cameraID+"_1"))
	tt.assign(policy, groupTarget(tt.groupID("everybody")))
	left := func(state string) (n, groupless int) {
		for _, i := range tt.inState(state) {
			d := &tt.sim.fleet.devices[i]
			n += boolInt(tt.do("GET", "/v1.0/deviceManagement/managedDevices/"+d.managedID.String(), nil).Code == 404)
			groupless += boolInt(tt.do("GET", "/v1.0/devices/"+d.objectID.String(), nil).Code == 404)
		}
		return n, groupless
	}
	check := func(when string, gone func(struct{ day, week bool }) bool, exact bool) {
		t.Helper()
		for state, expect := range states {
			want := 0
			if gone(expect) {
				want = 5
			}
			n, groupless := left(state)
			if n != want && (exact || want == 5) {
				t.Errorf("%s: %d devices in state %s are gone, want %d", when, n, state, want)
			}
			if retired := strings.Contains(state, "Retire"); !retired && groupless != 0 || retired && groupless != n {
				t.Errorf("%s: %d of %d gone devices in state %s left the directory", when, groupless, n, state)
			}
		}
	}
	tt.advance(12 * time.Hour)
	status := tt.sim.Snapshot(false).Policies[0].Status["Succeeded"]
	tt.advance(24 * time.Hour)
	check("after a day", func(e struct{ day, week bool }) bool { return e.day }, false)
	tt.advance(8 * 24 * time.Hour)
	check("after nine days", func(e struct{ day, week bool }) bool { return e.week }, true)
	snap := tt.sim.Snapshot(true)
	if now := snap.Policies[0].Status["Succeeded"]; now >= status || status == 0 {
		t.Errorf("%d devices reported at first, %d in the end", status, now)
	}
	if want := fmt.Sprint(100 - 10); tt.count("/v1.0/groups/"+tt.groupID("everybody")+"/members/$count") != want {
		t.Errorf("the group holds %s devices, want %s", tt.count("/v1.0/groups/"+tt.groupID("everybody")+"/members/$count"), want)
	}
	if len(snap.Devices) != 100-10 || snap.Fleet.Managed != 100-25 {
		t.Errorf("%d devices, %d managed", len(snap.Devices), snap.Fleet.Managed)
	}
}

// TestManagementStateFilters: lists and reports find devices by their state.
func TestManagementStateFilters(t *testing.T) {
	tt := stateTenant(t)
	for _, version := range []string{"v1.0", "beta"} {
		for m, name := range managementNames {
			n := len(tt.all("/" + version + "/deviceManagement/managedDevices?$select=id&$filter=managementState eq '" + name.member + "'"))
			want := perState
			if management(m) == managementManaged {
				want = tt.sim.Snapshot(false).Fleet.Managed - perState*(len(managementNames)-1)
			}
			if n != want {
				t.Errorf("%s: %d devices are %s, want %d", version, n, name.member, want)
			}
		}
	}
	for _, report := range []string{"Devices", "DevicesWithInventory"} {
		_, rows := tt.export(object{"reportName": report, "filter": "(ManagementState eq 8)"})
		if len(rows) != perState {
			t.Errorf("%s: %d devices with an issued wipe, want %d", report, len(rows), perState)
		}
	}
}

// TestDeletedDevice: the object is gone for every reader and every reference, and
// one of its references fails a whole PATCH of members (contract-2 x.4). Intune
// still knows the device.
func TestDeletedDevice(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g"})
	sc.Devices = []DeviceSpec{{State: "deletedFromDirectory", Count: 1}}
	tt := newTenant(t, Options{Devices: 30, Scenario: sc})
	v := tt.sim.device(tt.inState("deletedFromDirectory")[0])
	gone, group := v.d.objectID.String(), tt.groupID("g")
	tt.want(404, "GET", "/v1.0/devices/"+gone, nil)
	tt.want(404, "GET", "/v1.0/devices(deviceId='"+v.d.deviceID.String()+"')", nil)
	tt.addMember(404, group, gone)
	refs := []string{}
	for _, d := range tt.all("/v1.0/devices?$select=id")[:19] {
		refs = append(refs, tt.memberURL(text(d, "id")))
	}
	code, message := tt.errorOf(404, "PATCH", "/v1.0/groups/"+group, object{"members@odata.bind": append(refs, tt.memberURL(gone))})
	if code != "Request_ResourceNotFound" || !strings.Contains(message, "does not exist or one of its queried reference-property objects are not present") {
		t.Errorf("%s: %s", code, message)
	}
	if n := tt.count("/v1.0/groups/" + group + "/members/$count"); n != "0" {
		t.Errorf("%s devices were added beside the deleted one", n)
	}
	if d := tt.want(200, "GET", "/v1.0/deviceManagement/managedDevices/"+v.d.managedID.String(), nil); d["azureADDeviceId"] != v.d.deviceID.String() {
		t.Errorf("Intune forgot the id: %v", d)
	}
}

// TestDuplicatesInTheDirectory: two objects of one name; the older one is stale
// and still in the groups.
func TestDuplicatesInTheDirectory(t *testing.T) {
	for state, records := range map[string]int{"registeredTwice": 1, "reimaged": 2} {
		sc := quiet(GroupSpec{DisplayName: "everybody", From: "everything", Percent: 100})
		sc.Devices = []DeviceSpec{{State: state, Count: 2}}
		tt := newTenant(t, Options{Devices: 30, Scenario: sc})
		for _, i := range tt.inState(state) {
			v := tt.sim.device(i)
			objects := tt.all("/v1.0/devices?$filter=displayName eq '" + v.name() + "'")
			if len(objects) != 2 || objects[0]["deviceId"] == objects[1]["deviceId"] ||
				text(objects[1], "approximateLastSignInDateTime") >= text(objects[0], "approximateLastSignInDateTime") {
				t.Errorf("%s: objects %v", state, objects)
			}
			if same := tt.all("/v1.0/deviceManagement/managedDevices?$filter=serialNumber eq '" + v.serial() + "'"); len(same) != records {
				t.Errorf("%s: %d records, want %d", state, len(same), records)
			}
		}
		if n := tt.count("/v1.0/groups/" + tt.groupID("everybody") + "/members/$count"); n != "32" {
			t.Errorf("%s: the group holds %s, want the older objects too", state, n)
		}
	}
}

// TestGroupPolicyOverwrites: the report says Succeeded and the value is another
// one, which only the snapshot and a remediation see.
func TestGroupPolicyOverwrites(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", From: "hybridGroupPolicy", Percent: 100})
	sc.Devices = []DeviceSpec{{State: "hybridGroupPolicy", Count: 6}}
	tt := newTenant(t, Options{Devices: 30, Scenario: sc})
	tt.assign(tt.createPolicy(allowBody("p")), groupTarget(tt.groupID("g")))
	script := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	tt.want(204, "POST", scriptsPath+"/"+script+"/assign", object{"deviceHealthScriptAssignments": []object{scriptAssignment(tt.groupID("g"), 24)}})
	tt.advance(4 * 24 * time.Hour)
	if got := tt.status("p"); got["Succeeded"] != 6 || len(got) != 1 {
		t.Errorf("status %v", got)
	}
	if got := tt.sim.Snapshot(false).Fleet.Passkeys; got["blocked"] != 6 || got["allowed"] != 0 {
		t.Errorf("passkeys %v", got)
	}
	summary := tt.want(200, "GET", scriptsPath+"/"+script+"/runSummary", nil)
	if summary["issueDetectedDeviceCount"] != 6.0 || summary["issueReoccurredDeviceCount"] != 6.0 {
		t.Errorf("the remediation does not see it: %v", summary)
	}
}

// TestWrongClocks: times that a device makes are off by as much as its clock, the
// service's are not.
func TestWrongClocks(t *testing.T) {
	for state, ahead := range map[string]time.Duration{"clockAhead": 5 * time.Hour, "clockBehind": -3 * time.Hour, "hybridJoined": 0} {
		sc := quiet(GroupSpec{DisplayName: "g", From: state, Percent: 100})
		sc.Devices = []DeviceSpec{{State: state, Count: 4}}
		sc.ReportLag = &LagRange{}
		tt := newTenant(t, Options{Devices: 30, Scenario: sc})
		id := tt.createPolicy(allowBody("p"))
		tt.assign(id, groupTarget(tt.groupID("g")))
		script := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
		tt.want(204, "POST", scriptsPath+"/"+script+"/assign", object{"deviceHealthScriptAssignments": []object{scriptAssignment(tt.groupID("g"), 24)}})
		tt.advance(24 * time.Hour)
		runs := tt.all(scriptsPath + "/" + script + "/deviceRunStates")
		for _, run := range runs {
			_, record, _ := strings.Cut(text(run, "id"), ":")
			key, _ := ids.ParseGUID(record)
			ran := tt.sim.remediations.All()[0].states[tt.sim.managed[key]].current.at
			if want := unixTime(ran + int64(ahead/time.Second)); run["lastStateUpdateDateTime"] != want {
				t.Errorf("%s: the run says %v, want %v", state, run["lastStateUpdateDateTime"], want)
			}
		}
		if len(runs) != 4 {
			t.Errorf("%s: %d runs", state, len(runs))
		}
		_, rows := tt.export(statusBody(id))
		for _, r := range rows {
			synced := text(tt.want(200, "GET", "/v1.0/deviceManagement/managedDevices/"+r["IntuneDeviceId"], nil), "lastSyncDateTime")
			said, err := time.Parse("2006-01-02 15:04:05", r["PspdpuLastModifiedTimeUtc"][:19])
			at, err2 := time.Parse(time.RFC3339, synced)
			if err != nil || err2 != nil || said.Sub(at) != ahead {
				t.Errorf("%s: reported at %s, synced at %s (%v, %v)", state, said, at, err, err2)
			}
		}
		if len(rows) < 4 {
			t.Errorf("%s: %d rows", state, len(rows))
		}
	}
}

// TestDisabledDevice: the directory says so, the last sign-in stands still, and
// the device goes on checking in.
func TestDisabledDevice(t *testing.T) {
	sc := quiet()
	sc.Devices = []DeviceSpec{{State: "accountDisabled", Count: 1}}
	tt := newTenant(t, Options{Devices: 20, Scenario: sc})
	v := tt.sim.device(tt.inState("accountDisabled")[0])
	path := "/v1.0/devices/" + v.d.objectID.String()
	before := tt.want(200, "GET", path, nil)
	tt.advance(3 * 24 * time.Hour)
	after := tt.want(200, "GET", path, nil)
	if after["accountEnabled"] != false || after["isManaged"] != true || before["approximateLastSignInDateTime"] != after["approximateLastSignInDateTime"] {
		t.Errorf("before %v\nafter %v", before, after)
	}
	if tt.sim.Now().Unix()-v.d.lastSync > dayOf {
		t.Error("a disabled device stopped checking in")
	}
	tt.want(204, "POST", "/v1.0/deviceManagement/managedDevices/"+v.d.managedID.String()+"/wipe", object{})
	tt.want(204, "PATCH", path, object{"accountEnabled": false})
	tt.advance(10 * 24 * time.Hour)
	if after := tt.want(200, "GET", path, nil); isEnrolled(v.d) || before["approximateLastSignInDateTime"] != after["approximateLastSignInDateTime"] {
		t.Errorf("wiped: %t, before %v, after %v", !isEnrolled(v.d), before, after)
	}
}

// administered is a tenant whose caller may do everything to devices, and the
// paths of a device in the directory and in Intune.
func administered(t *testing.T) (tt *tenant, paths func(i int32) (entry, record string)) {
	t.Helper()
	tt = newTenant(t, Options{Devices: 40, Roles: append(AllRoles(), rolesWriteManaged...),
		Scenario: quiet(GroupSpec{DisplayName: "g", From: "everything", Percent: 100})})
	return tt, func(i int32) (entry, record string) {
		d := &tt.sim.fleet.devices[i]
		return "/v1.0/devices/" + d.objectID.String(), "/v1.0/deviceManagement/managedDevices/" + d.managedID.String()
	}
}

// TestDirectoryActions: what an administrator does to a device of the directory.
func TestDirectoryActions(t *testing.T) {
	tt, paths := administered(t)
	digest := tt.sim.ConfigDigest()
	gone, record := paths(0)
	tt.want(204, "DELETE", gone, nil)
	tt.want(404, "DELETE", gone, nil)
	tt.want(404, "GET", gone, nil)
	tt.want(200, "GET", record, nil)
	if n := tt.count("/v1.0/groups/" + tt.groupID("g") + "/members/$count"); n != "39" || tt.sim.ConfigDigest() == digest {
		t.Errorf("the group holds %s devices after one was deleted", n)
	}
	entry, _ := paths(1)
	for _, enabled := range []bool{false, true} {
		tt.want(204, "PATCH", entry, object{"accountEnabled": enabled})
		if got := tt.want(200, "GET", entry, nil)["accountEnabled"]; got != enabled {
			t.Errorf("accountEnabled is %v, want %t", got, enabled)
		}
	}
	tt.errorOf(400, "PATCH", entry, wrong{object{"accountEnabled": "no"}})
}

// TestOrders: retire, wipe and delete wait for the device; only retiring takes the
// object of the directory along.
func TestOrders(t *testing.T) {
	for _, order := range []struct {
		method, path string
		body         any
		state        string
		left         int // GET of the object in the end
	}{
		{"POST", "/retire", nil, "retirePending", 404},
		{"POST", "/wipe", object{"keepUserData": false}, "wipePending", 200},
		{"DELETE", "", nil, "deletePending", 200},
	} {
		tt, paths := administered(t)
		entry, record := paths(2)
		tt.want(204, order.method, record+order.path, order.body)
		if got := tt.want(200, "GET", record, nil)["managementState"]; got != order.state {
			t.Errorf("%s %s: managementState %v", order.method, order.path, got)
		}
		tt.advance(8 * 24 * time.Hour)
		tt.want(404, "GET", record, nil)
		tt.want(order.left, "GET", entry, nil)
	}
}
