// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func allUsersTarget() object {
	return object{"target": object{"@odata.type": string(targetAllUsers)}}
}

func allDevicesTarget() object {
	return object{"target": object{"@odata.type": string(targetAllDevices)}}
}

// TestTargetingCases are the cases of contract-2 y.1 and y.2 by name: three
// Windows devices, each with a user of its own; "PC 1" in words is device 1.
func TestTargetingCases(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "users"}, GroupSpec{DisplayName: "devices"}, GroupSpec{DisplayName: "mixed"}, GroupSpec{DisplayName: "outer"})
	tt := newTenant(t, Options{Devices: 3, Users: 3, Scenario: sc})
	s := tt.sim
	var device, user [3]string
	for i := range 3 {
		s.fleet.devices[i].platform = platformWindows
		device[i], user[i] = s.fleet.devices[i].objectID.String(), s.users[i].id.String()
	}
	users, devices, mixed, outer := tt.groupID("users"), tt.groupID("devices"), tt.groupID("mixed"), tt.groupID("outer")
	for group, members := range map[string][]string{users: {user[0], user[1]}, devices: {device[0], device[2]}, mixed: {user[0], device[1]}, outer: {users}} {
		for _, m := range members {
			tt.addMember(204, group, m)
		}
	}
	first := text(tt.want(201, "POST", filtersPath, filterBody("first", "windows10AndLater", `(device.deviceName -eq "PC-000001")`)), "id")
	id := tt.createPolicy(allowBody("p"))
	for name, c := range map[string]struct {
		targets []object
		want    string // the devices that are reached
	}{
		"users":                                  {[]object{groupTarget(users)}, "12"},
		"a user group less a device group":       {[]object{groupTarget(users), excludeTarget(devices)}, "12"},
		"a device group less a user group":       {[]object{groupTarget(devices), excludeTarget(users)}, "13"},
		"All users less devices":                 {[]object{allUsersTarget(), excludeTarget(devices)}, "123"},
		"All users less users":                   {[]object{allUsersTarget(), excludeTarget(users)}, "3"},
		"All devices less users":                 {[]object{allDevicesTarget(), excludeTarget(users)}, "123"},
		"All devices less devices":               {[]object{allDevicesTarget(), excludeTarget(devices)}, "2"},
		"both less users: devices remain":        {[]object{allDevicesTarget(), allUsersTarget(), excludeTarget(users)}, "123"},
		"a mixed group":                          {[]object{groupTarget(mixed)}, "12"},
		"users less a mixed group":               {[]object{groupTarget(users), excludeTarget(mixed)}, "2"},
		"devices less a mixed group":             {[]object{groupTarget(devices), excludeTarget(mixed)}, "13"},
		"a mixed group less devices":             {[]object{groupTarget(mixed), excludeTarget(devices)}, "12"},
		"nested exclusion":                       {[]object{allUsersTarget(), excludeTarget(outer)}, "3"},
		"nested inclusion":                       {[]object{groupTarget(outer)}, "12"},
		"the same group both ways":               {[]object{groupTarget(users), excludeTarget(users)}, ""},
		"filter include":                         {[]object{filteredTarget(users, first, "include")}, "1"},
		"filter exclude":                         {[]object{filteredTarget(users, first, "exclude")}, "2"},
		"two targets, any filter lets it pass":   {[]object{filteredTarget(users, first, "include"), filteredTarget(outer, first, "exclude")}, "12"},
		"a group that never existed":             {[]object{groupTarget(newGUID(3, "x", 1).String())}, ""},
		"exclusion of a group that never was":    {[]object{groupTarget(users), excludeTarget(newGUID(3, "x", 1).String())}, "12"},
		"nothing but an exclusion":               {[]object{excludeTarget(users)}, ""},
		"filter and exclusion of the other kind": {[]object{filteredTarget(devices, first, "include"), excludeTarget(users)}, "1"},
	} {
		tt.assign(id, c.targets...)
		got := ""
		for i := range 3 {
			answer, err := s.Targeting("p", device[i])
			if err != nil {
				t.Fatal(err)
			}
			if answer.Reaches {
				got += string(rune('1' + i))
			}
		}
		if list, err := s.Reached(id); got != c.want || err != nil || len(list) != len(c.want) {
			t.Errorf("%s: reaches %q, want %q; %d devices (%v)", name, got, c.want, len(list), err)
		}
	}
	p := s.policies[0]
	tt.assign(id, filteredTarget(users, first, "include"), excludeTarget(mixed))
	if s.userReached(p, 0) || !s.userReached(p, 1) || s.userReached(p, 2) {
		t.Error("userReached: user 1 is excluded, user 2 is hit whatever the filter says of the device, user 3 is in no target")
	}
}

// TestGroupOfAnAssignmentGoes: deleted a group reaches nobody, restored it
// reaches its members again, purged it never does.
func TestGroupOfAnAssignmentGoes(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5, From: "windows"}, GroupSpec{DisplayName: "outer"})})
	g, outer := tt.groupID("g"), tt.groupID("outer")
	tt.addMember(204, outer, g)
	direct, nested := tt.createPolicy(allowBody("direct")), tt.createPolicy(allowBody("nested"))
	tt.assign(direct, groupTarget(g))
	tt.assign(nested, groupTarget(outer))
	check := func(when string, want int) {
		t.Helper()
		for _, id := range []string{direct, nested} {
			if got, err := tt.sim.Reached(id); err != nil || len(got) != want {
				t.Errorf("%s: %d devices, want %d (%v)", when, len(got), want, err)
			}
		}
	}
	check("at first", 5)
	tt.want(204, "DELETE", "/v1.0/groups/"+g, nil)
	check("deleted", 0)
	tt.want(200, "POST", "/v1.0/directory/deletedItems/"+g+"/restore", nil)
	check("restored", 5)
	tt.want(204, "DELETE", "/v1.0/groups/"+g, nil)
	tt.want(204, "DELETE", "/v1.0/directory/deletedItems/"+g, nil)
	check("purged", 0)
	again := text(tt.want(201, "POST", "/v1.0/groups", groupBody("g")), "id")
	if again == g {
		t.Error("a group of the same name has the id of the purged one")
	}
	check("made again", 0)
	if got := objects(tt.want(200, "GET", policiesPath+"/"+direct+"/assignments", nil)["value"]); len(got) != 1 {
		t.Errorf("the assignment of a purged group: %v", got)
	}
}

// TestAssignToNoGroup: third-party 14, and the switch.
func TestAssignToNoGroup(t *testing.T) {
	tt := newTenant(t, Options{Devices: 2, Scenario: quiet()})
	id := tt.createPolicy(allowBody("p"))
	unknown := newGUID(3, "x", 1).String()
	tt.assign(id, groupTarget(unknown), excludeTarget(unknown))
	path := policiesPath + "/" + id + "/assign"
	if _, message := tt.errorOf(400, "POST", path, object{"assignments": []object{groupTarget("x")}}); !strings.Contains(message, "Invalid GroupId : 'x' provided, a valid AADGroupId is expected.") {
		t.Errorf("a malformed id: %s", message)
	}
	tt.scenario(func(sc *Scenario) { sc.StrictAssignments = true })
	if _, message := tt.errorOf(400, "POST", path, object{"assignments": []object{groupTarget(unknown)}}); !strings.Contains(message, "was not found") {
		t.Errorf("strict: %s", message)
	}
}

func (t *tenant) sideDoor(status int, path string, out any) {
	t.Helper()
	w := t.do(http.MethodGet, "/_sim/"+path, nil)
	if w.Code != status {
		t.Fatalf("/_sim/%s: %d, want %d: %s", path, w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		t.Fatalf("/_sim/%s: %v: %s", path, err, w.Body)
	}
}

// TestTargetingEndpoint: who asks, what is named, what is on the way.
func TestTargetingEndpoint(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "inner"}, GroupSpec{DisplayName: "outer"})
	sc.Lag = &Lag{Targeting: hours(2), Assignments: hours(1)}
	tt := newTenant(t, Options{Devices: 4, Users: 4, Scenario: sc})
	tt.sim.fleet.devices[0].platform = platformWindows
	inner, outer := tt.groupID("inner"), tt.groupID("outer")
	d := &tt.sim.fleet.devices[0]
	tt.addMember(204, outer, inner)
	tt.advance(2 * time.Hour)
	tt.addMember(204, inner, tt.sim.users[0].id.String())
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(outer))
	var a TargetingAnswer
	ask := func(device string) {
		t.Helper()
		a = TargetingAnswer{}
		tt.sideDoor(200, "targeting?policy=p&device="+device, &a)
	}
	ask(d.managedID.String())
	if a.Reaches || len(a.Targets) != 0 || a.AssignmentsArrive == nil || !a.AssignmentsArrive.Equal(tt.sim.Now().Add(time.Hour)) {
		t.Errorf("before the assignment arrived: %+v", a)
	}
	tt.advance(time.Hour)
	ask(d.objectID.String())
	m := a.Targets[0].Members
	if a.Reaches || a.UserHit || len(m) != 1 || !m[0].Entra || m[0].Intune || m[0].Kind != "user" || strings.Join(m[0].Path, ">") != "outer>inner" ||
		m[0].Arrives == nil || !m[0].Arrives.Equal(tt.sim.Now().Add(time.Hour)) {
		t.Errorf("before the membership arrived: %+v", a)
	}
	tt.advance(time.Hour)
	for _, key := range []string{d.deviceID.String(), "PC-000001"} {
		if ask(key); !a.Reaches || !a.UserHit || a.DeviceHit || a.UserOut || a.DeviceOut || a.Targets[0].Members[0].Arrives != nil {
			t.Errorf("%s: %+v", key, a)
		}
	}
	var one PolicyTargeting
	tt.sideDoor(200, "targeting?list=true&policy="+id, &one)
	if one.Devices != 1 || one.Users != 1 || len(one.List) != 1 || one.List[0] != d.managedID.String() {
		t.Errorf("policy alone: %+v", one)
	}
	var reached struct{ Policies []PolicyRef }
	tt.sideDoor(200, "targeting?device=PC-000001", &reached)
	if len(reached.Policies) != 1 || reached.Policies[0].ID != id || reached.Policies[0].Kind != "configurationPolicy" {
		t.Errorf("device alone: %+v", reached)
	}
	var all struct{ Targeting []TargetingAnswer }
	tt.createPolicy(allowBody("other"))
	tt.sideDoor(200, "targeting?all=true&device=PC-000001", &all)
	if len(all.Targeting) != 2 || all.Targeting[1].Reaches || all.Targeting[1].Why == "" {
		t.Errorf("device with all: %+v", all)
	}
	tt.createPolicy(allowBody("other"))
	for query, want := range map[string]struct {
		status int
		text   string
	}{
		"":                         {400, "name a policy"},
		"?x=1":                     {400, `"x"`},
		"?policy=nope":             {404, `policy "nope" does not exist`},
		"?policy=other":            {400, "names 2 objects"},
		"?device=nope":             {404, `device "nope" does not exist`},
		"?policy=p&device=nope":    {404, `device "nope" does not exist`},
		"?policy=nope&device=nope": {404, `policy "nope" does not exist`},
	} {
		var refused struct{ Error string }
		if tt.sideDoor(want.status, "targeting"+query, &refused); !strings.Contains(refused.Error, want.text) {
			t.Errorf("%q: %s", query, refused.Error)
		}
	}
}
