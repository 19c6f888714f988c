// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// assignedDevices are the devices that the assignment status report lists, by
// index.
func (t *tenant) assignedDevices(policyID string) (devices []int) {
	t.Helper()
	_, rows := t.export(object{"reportName": "DeviceAssignmentStatusByConfigurationPolicy", "filter": "(PolicyId eq '" + policyID + "')"})
	for _, r := range rows {
		id, _ := ids.ParseGUID(r["IntuneDeviceId"])
		devices = append(devices, int(t.sim.managed[id]))
	}
	slices.Sort(devices)
	return devices
}

// TestAssignmentStatusLag: the assignment status report follows changes of
// assignments and members a day later, while devices and the check-in report live
// by them at once.
func TestAssignmentStatusLag(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 6, From: "windows"}, GroupSpec{DisplayName: "more", Count: 4, From: "windows"})
	sc.Lag = &Lag{AssignmentStatus: hours(24)}
	tt := newTenant(t, Options{Devices: 40, Scenario: sc})
	id := tt.createPolicy(allowBody("p"))
	group := tt.groupID("g")
	for _, step := range []struct {
		name                                string
		do                                  func()
		wait                                time.Duration
		reached, checkedIn, listed, counted int
	}{
		{"assigned", func() { tt.assign(id, groupTarget(group)) }, 0, 6, 0, 0, 0},
		{"nearly a day later", nil, 24*time.Hour - time.Second, 6, 6, 0, 0},
		{"a day later", nil, time.Second, 6, 6, 6, 6},
		{"one member less", func() {
			first := text(tt.all("/v1.0/groups/" + group + "/members/microsoft.graph.device?$select=id")[0], "id")
			tt.want(204, "DELETE", "/v1.0/groups/"+group+"/members/"+first+"/$ref", nil)
		}, 12 * time.Hour, 5, 5, 6, 6},
		{"a second group", func() { tt.assign(id, groupTarget(group), groupTarget(tt.groupID("more"))) }, 11 * time.Hour, 9, 9, 6, 6},
		{"the member is gone", nil, time.Hour, 9, 9, 5, 5},
		{"the group is there", nil, 12 * time.Hour, 9, 9, 9, 9},
		{"no assignment", func() { tt.assign(id) }, 23 * time.Hour, 0, 0, 9, 9},
		{"and the report knows", nil, time.Hour, 0, 0, 0, 0},
		{"assigned and taken back", func() {
			tt.assign(id, groupTarget(group))
			tt.advance(time.Hour)
			tt.assign(id)
		}, 23 * time.Hour, 0, 0, 5, 5},
		{"nothing is left of it", nil, time.Hour, 0, 0, 0, 0},
	} {
		if step.do != nil {
			step.do()
		}
		tt.advance(step.wait)
		reached, err := tt.sim.Reached(id)
		if err != nil {
			t.Fatal(err)
		}
		_, rows := tt.export(object{"reportName": "DeviceStatusesByConfigurationProfile", "filter": "(PolicyId eq '" + id + "')", "select": []string{"IntuneDeviceId"}})
		devices := map[string]bool{}
		for _, r := range rows {
			devices[r["IntuneDeviceId"]] = true
		}
		listed := tt.assignedDevices(id)
		counts := 0
		for _, c := range tt.sim.countPolicies(tt.sim.Now().Unix()) {
			counts += c.of(0, 1, 2, 3, 4, 5, 6).(int)
		}
		if got, want := fmt.Sprint(len(reached), len(devices), len(listed), counts), fmt.Sprint(step.reached, step.checkedIn, step.listed, step.counted); got != want {
			t.Errorf("%s: %s devices are reached, checked in, listed and counted, want %s", step.name, got, want)
		}
	}
	tt.assign(id, groupTarget(group))
	tt.advance(25 * time.Hour)
	tt.want(204, "DELETE", "/beta/deviceManagement/configurationPolicies/"+id, nil)
	if listed := tt.assignedDevices(id); len(listed) != 0 {
		t.Errorf("a deleted policy lists %d devices", len(listed))
	}
}

// TestAssignmentStatusWasTrue: with one change an hour and draws from a wide
// range, what the report lists is at any hour what the policy reached at a moment
// one to two days ago, and in the end the truth.
func TestAssignmentStatusWasTrue(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "a"}, GroupSpec{DisplayName: "b"})
	sc.Lag = &Lag{AssignmentStatus: OrdinaryLag().AssignmentStatus}
	tt := newTenant(t, Options{Devices: 150, Scenario: sc})
	s := tt.sim
	windows := []int{}
	for i := range s.fleet.devices {
		if d := &s.fleet.devices[i]; d.platform == platformWindows && isEnrolled(d) && inDirectory(d) {
			windows = append(windows, i)
		}
	}
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(tt.groupID("a")), excludeTarget(tt.groupID("b")))
	const most = 120
	truth := make([][]int, 0, most+60)
	reached := func() (out []int) {
		s.targets(s.policies[0]).Each(func(i int) { out = append(out, i) })
		return out
	}
	differ := 0
	for hour := range most + 49 {
		if hour < most {
			i := windows[int(s.drawAt(0, "test device", uint32(hour))*float64(len(windows)))]
			groupID, _ := ids.ParseGUID(tt.groupID([]string{"a", "a", "b"}[hour%3]))
			g := s.groups[groupID]
			member := s.fleet.devices[i].objectID.String()
			if g.direct.Has(len(s.users) + i) {
				tt.want(204, "DELETE", "/v1.0/groups/"+g.id.String()+"/members/"+member+"/$ref", nil)
			} else {
				tt.addMember(204, g.id.String(), member)
			}
		}
		truth = append(truth, reached())
		tt.advance(time.Hour)
		listed := tt.assignedDevices(id)
		now := hour + 1 // truth[h] holds from hour h to h+1
		from, to := max(0, now-49), max(0, now-24)
		if len(listed) > 0 && !slices.ContainsFunc(truth[from:min(to+1, len(truth))], func(was []int) bool { return slices.Equal(was, listed) }) {
			t.Fatalf("hour %d: lists %v, which the policy did not reach at any moment from hour %d to %d", now, listed, from, to)
		}
		differ += boolInt(!slices.Equal(listed, reached()))
	}
	if listed := tt.assignedDevices(id); !slices.Equal(listed, reached()) || len(listed) < 20 {
		t.Errorf("in the end the report lists %v, the policy reaches %v", listed, reached())
	}
	if differ < most/2 {
		t.Errorf("the report was late in %d hours only", differ)
	}
}

// TestGroupHoldsItself: refused, alone and among others; a circle of two is not.
func TestGroupHoldsItself(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Scenario: quiet(GroupSpec{DisplayName: "a"}, GroupSpec{DisplayName: "b"})})
	a, b := tt.groupID("a"), tt.groupID("b")
	tt.addMember(400, a, a)
	tt.want(400, "PATCH", "/v1.0/groups/"+a, object{"members@odata.bind": []string{tt.memberURL(b), tt.memberURL(a)}})
	if n := tt.count("/v1.0/groups/" + a + "/members/$count"); n != "0" {
		t.Errorf("%s members joined in a request that was refused", n)
	}
	tt.addMember(204, a, b)
	tt.addMember(204, b, a)
}
