// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestDeviceReadLag: what happens to a device of the directory shows by id after
// one lag and in lists after another, while writes meet the true state.
func TestDeviceReadLag(t *testing.T) {
	const read, list = time.Minute, 3 * time.Minute
	for _, change := range []struct {
		name   string
		run    func(tt *tenant, i int32)
		before string // what reads show until the lag is over
		after  string
	}{
		{"disabled", func(tt *tenant, i int32) {
			tt.want(204, "PATCH", tt.devicePath(i), object{"accountEnabled": false})
		}, "old true", "old false"},
		{"disabled and enabled", func(tt *tenant, i int32) {
			tt.want(204, "PATCH", tt.devicePath(i), object{"accountEnabled": false})
			tt.want(204, "PATCH", tt.devicePath(i), object{"accountEnabled": true})
		}, "old true", "old true"},
		{"renamed", func(tt *tenant, i int32) { tt.happen(eventRenamed, i) }, "old true", "new true"},
		{"deleted", func(tt *tenant, i int32) {
			tt.want(204, "DELETE", tt.devicePath(i), nil)
			tt.want(404, "DELETE", tt.devicePath(i), nil)
			tt.want(404, "PATCH", tt.devicePath(i), object{"accountEnabled": false})
			tt.addMember(404, tt.groupID("g"), tt.sim.fleet.devices[i].objectID.String())
		}, "old true", "gone"},
		{"disabled and deleted", func(tt *tenant, i int32) {
			tt.want(204, "PATCH", tt.devicePath(i), object{"accountEnabled": false})
			tt.want(204, "DELETE", tt.devicePath(i), nil)
		}, "old true", "gone"},
	} {
		sc := quiet(GroupSpec{DisplayName: "g"})
		sc.Lag = &Lag{Read: Fixed(read), List: Fixed(list)}
		tt := newTenant(t, Options{Devices: 20, Scenario: sc})
		const i = 7
		v := tt.sim.device(i)
		id, deviceID, old := v.d.objectID.String(), v.d.deviceID.String(), v.name()
		change.run(tt, i)
		for _, moment := range []struct {
			wait time.Duration
			byID bool // the lag of a read by id is over
			all  bool // that of lists too
		}{{}, {wait: read - time.Second}, {wait: time.Second, byID: true}, {wait: list - read - time.Second, byID: true}, {wait: time.Second, byID: true, all: true}} {
			tt.advance(moment.wait)
			want := map[bool]string{false: change.before, true: change.after}
			for path, arrived := range map[string]bool{"/v1.0/devices/" + id: moment.byID, "/v1.0/devices(deviceId='" + deviceID + "')": moment.byID} {
				if got := tt.deviceLook(tt.do("GET", path, nil).Code, path, old); got != want[arrived] {
					t.Errorf("%s, %s after %s: %s, want %s", change.name, path, moment.wait, got, want[arrived])
				}
			}
			got := "gone"
			for _, d := range tt.all("/v1.0/devices?$top=999") {
				if text(d, "id") == id {
					got = lookOf(d, old)
				}
			}
			if got != want[moment.all] {
				t.Errorf("%s, list after %s: %s, want %s", change.name, moment.wait, got, want[moment.all])
			}
		}
		tt.sim.deviceTrail.prune(tt.sim.Now())
		if n := len(tt.sim.deviceTrail.past) + len(tt.sim.deviceTrail.notes); n != 0 {
			t.Errorf("%s: %d looks are kept for ever", change.name, n)
		}
	}
}

// TestDeviceEntersLate: a device that was just registered is not there for reads,
// nor for writes, until the lag is over.
func TestDeviceEntersLate(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g"})
	sc.Lag = &Lag{Read: Fixed(time.Minute), List: Fixed(3 * time.Minute)}
	tt := newTenant(t, Options{Devices: 20, Scenario: sc})
	tt.happen(eventNew, 0)
	path := tt.devicePath(20)
	for _, moment := range []struct {
		wait         time.Duration
		code, listed int
	}{{0, 404, 20}, {time.Minute - time.Second, 404, 20}, {time.Second, 200, 20}, {2 * time.Minute, 200, 21}} {
		tt.advance(moment.wait)
		tt.want(moment.code, "GET", path, nil)
		if moment.code == http.StatusNotFound {
			tt.want(404, "PATCH", path, object{"accountEnabled": true})
			tt.addMember(404, tt.groupID("g"), tt.sim.fleet.devices[20].objectID.String())
		}
		if n := len(tt.all("/v1.0/devices?$top=999")); n != moment.listed {
			t.Errorf("%s later %d devices are listed, want %d", moment.wait, n, moment.listed)
		}
	}
}

func (t *tenant) devicePath(i int32) string {
	return "/v1.0/devices/" + t.sim.fleet.devices[i].objectID.String()
}

// happen lets an event happen now, as the fleet's own life does.
func (t *tenant) happen(kind eventKind, device int32) {
	s := t.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	c := fleetChange{s: s, at: s.clock.Now().Unix()}
	c.happen(fleetEvent{c.at, kind, device})
	c.commit()
}

// deviceLook is what a read by id shows: gone, or name and account.
func (t *tenant) deviceLook(code int, path, old string) string {
	t.Helper()
	if code == http.StatusNotFound {
		return "gone"
	}
	return lookOf(t.want(200, "GET", path, nil), old)
}

func lookOf(d object, old string) string {
	name := "new"
	if text(d, "displayName") == old {
		name = "old"
	}
	return fmt.Sprint(name, " ", d["accountEnabled"])
}
