// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLagRange: both ways to write a delay, and the shorter way out.
func TestLagRange(t *testing.T) {
	for in, want := range map[string]string{
		`lag: {read: 30s, list: 2m, members: 1m, index: 5m, targeting: 2h, filterRelease: 30s}`: `{"read":"30s","list":"2m0s","members":"1m0s","index":"5m0s","targeting":"2h0m0s","filterRelease":"30s"}`,
		`lag: {targeting: {min: 5m, max: 2h}, assignments: {min: 1m, max: 1m}}`:                 `{"targeting":{"min":"5m0s","max":"2h0m0s"},"assignments":"1m0s"}`,
		`lag: {replicas: 3, dynamic: {max: 1h}}`:                                                `{"replicas":3,"dynamic":{"min":"0s","max":"1h0m0s"}}`,
	} {
		sc, err := ParseScenario([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if out, err := json.Marshal(sc.Lag); err != nil || string(out) != want {
			t.Errorf("%s: comes out as %s (%v), want %s", in, out, err, want)
		}
		again, err := ParseScenario([]byte(`{"lag":` + want + `}`))
		if err != nil || *again.Lag != *sc.Lag {
			t.Errorf("%s: reads back as %+v (%v)", want, again.Lag, err)
		}
	}
	for in, want := range map[string]string{
		`lag: {read: soon}`:                      "soon",
		`lag: {read: 30}`:                        "write a span",
		`lag: {read: {min: 1m, max: 1m, x: 1m}}`: "write a span",
		`lag: {members: {min: 2h, max: 1h}}`:     "lag.members.max",
		`lag: {replicas: -1}`:                    "lag.replicas",
		`reportLag: {min: 2h, max: 1h}`:          "reportLag.max",
	} {
		if _, err := ParseScenario([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", in, err, want)
		}
	}
}

// TestChangesKeepTheirOrder: with draws from a wide range, the changes of one
// group arrive in their order, each at its own time; those of two groups, and
// of assignments, do not wait for each other.
func TestChangesKeepTheirOrder(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "a"}, GroupSpec{DisplayName: "b"})
	sc.Lag = &Lag{Targeting: LagRange{Min: Duration(5 * time.Minute), Max: Duration(4 * time.Hour)}, Assignments: LagRange{Max: Duration(2 * time.Hour)}}
	tt := newTenant(t, Options{Devices: 12, Scenario: sc})
	s := tt.sim
	var policies [2]string
	for k, name := range []string{"a", "b"} {
		policies[k] = tt.createPolicy(allowBody(name))
		tt.assign(policies[k], groupTarget(tt.groupID(name)))
	}
	tt.advance(2 * time.Hour)
	crossed, last := false, [2]int{}
	for i := range 12 {
		for _, name := range []string{"a", "b"} {
			tt.addMember(204, tt.groupID(name), s.fleet.devices[i].objectID.String())
		}
	}
	for range 4 * 60 {
		tt.advance(time.Minute)
		var now [2]int
		for k := range policies {
			set := s.targets(s.policies[k])
			now[k] = set.Count()
			for i := range now[k] {
				if !set.Has(i) {
					t.Fatalf("%s: device %d is missing of %d: a later change overtook it", s.policies[k].name, i, now[k])
				}
			}
		}
		crossed = crossed || now[0] != now[1]
		last = now
	}
	if !crossed || last != [2]int{12, 12} {
		t.Errorf("crossed %v, in the end %v", crossed, last)
	}
}

// TestAssignmentLag: reads show new assignments while devices live by the old.
func TestAssignmentLag(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 6, From: "windows"})
	sc.Lag = &Lag{Assignments: hours(3)}
	sc.CheckinInterval = Duration(30 * time.Minute)
	tt := newTenant(t, Options{Devices: 30, Scenario: sc})
	id := tt.createPolicy(allowBody("p"))
	script := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	reached := func(want int) {
		t.Helper()
		for _, object := range []string{id, script} {
			if got, err := tt.sim.Reached(object); err != nil || len(got) != want {
				t.Errorf("%s reaches %d devices, want %d (%v)", object, len(got), want, err)
			}
		}
	}
	both := func(targets ...object) {
		t.Helper()
		if targets == nil {
			targets = []object{}
		}
		tt.assign(id, targets...)
		tt.want(204, "POST", scriptsPath+"/"+script+"/assign", object{"deviceHealthScriptAssignments": targets})
	}
	both(groupTarget(tt.groupID("g")))
	if n := len(objects(tt.want(200, "GET", policiesPath+"/"+id+"/assignments", nil)["value"])); n != 1 {
		t.Errorf("%d assignments are shown", n)
	}
	tt.advance(2 * time.Hour)
	reached(0)
	if got := tt.status("p"); len(got) != 0 {
		t.Errorf("devices applied what Intune did not know: %v", got)
	}
	both()
	tt.advance(time.Hour)
	reached(6)
	tt.advance(time.Hour)
	if got := tt.status("p")["Succeeded"]; got != 6 {
		t.Errorf("%d devices applied it in the hour between", got)
	}
	tt.advance(time.Hour)
	reached(0)
}

// TestReplicas: each request meets a replica of its own: after a write the new
// name and the old come in turns, until the last replica has it.
func TestReplicas(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "old", Count: 3})
	sc.Lag = &Lag{Replicas: 3, Read: hours(2), List: hours(2), Members: hours(2), Index: hours(2)}
	play := func() string {
		tt := newTenant(t, Options{Devices: 20, Scenario: sc})
		id := tt.groupID("old")
		tt.advance(3 * time.Hour)
		tt.want(204, "PATCH", "/v1.0/groups/"+id, object{"displayName": "new"})
		tt.want(204, "DELETE", "/v1.0/groups/"+id+"/members/"+text(tt.all("/v1.0/groups/" + id + "/members")[0], "id")+"/$ref", nil)
		var seen strings.Builder
		for range 2 {
			for range 30 {
				get, listed := text(tt.want(200, "GET", "/v1.0/groups/"+id, nil), "displayName"), 0
				for _, g := range tt.all("/v1.0/groups") {
					listed += boolInt(g["displayName"] == "new")
				}
				fmt.Fprint(&seen, get, listed, len(tt.all("/v1.0/groups/"+id+"/members")), tt.count("/v1.0/groups/"+id+"/members/$count"), " ")
			}
			seen.WriteString("| ")
			tt.advance(2 * time.Hour)
		}
		return seen.String()
	}
	first := play()
	early, late, _ := strings.Cut(first, "| ")
	for _, want := range []string{"new", "old", "new0", "old1", "23", "32"} {
		if !strings.Contains(early, want) {
			t.Errorf("never %q in %s", want, early)
		}
	}
	if strings.Contains(late, "old") || strings.Contains(late, "3") || strings.Contains(late, "new0") {
		t.Errorf("after the longest lag: %s", late)
	}
	if again := play(); again != first {
		t.Errorf("equal requests, unequal answers:\n%s\n%s", first, again)
	}
}
