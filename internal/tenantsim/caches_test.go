// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// checkTargets holds what is cached of targeting against what follows from what
// Intune knows, and the verdicts with their reasons against both.
func (t *tenant) checkTargets(after string) {
	t.Helper()
	s := t.sim
	for _, a := range s.everyAssignee() {
		fresh := s.reachedBy(a.effective())
		if d := difference(s.reachOf(a), fresh, len(s.fleet.devices)); d.Count() != 0 {
			t.Fatalf("after %s: %s: %d devices differ from what follows by hand, the first is %d", after, refOf(a).Name, d.Count(), d.Next(0))
		}
		for i := range s.fleet.devices {
			answer := s.explain(a, int32(i))
			if want := fresh.Has(i) && s.fleet.devices[i].platform&platformOf(a) != 0; answer.Reaches != want {
				t.Fatalf("after %s: %s on %d: %+v, want %t", after, refOf(a).Name, i, answer, want)
			}
		}
	}
	for _, g := range s.ordered {
		direct, _ := s.flatten(g, (*group).knownView)
		if d := difference(s.knownMembers(g), direct, len(s.users)+len(s.fleet.devices)); d.Count() != 0 {
			t.Fatalf("after %s: group %s: %d cached members differ", after, g.displayName, d.Count())
		}
	}
}

// checkRest: once nothing is on its way, Intune knows what the directory has, and
// dynamic groups are what their rules say.
func (t *tenant) checkRest() {
	t.Helper()
	s := t.sim
	if s.stale != 0 || len(s.onTheWay) != 0 || len(s.leaving) != 0 {
		t.Fatalf("%d changes unknown to Intune, %d on their way, %d groups leaving", s.stale, len(s.onTheWay), len(s.leaving))
	}
	for _, g := range s.ordered {
		if g.known != nil || g.late.pending != 0 || g.evaluation.queue.pending != 0 || g.evaluation.full != 0 {
			t.Fatalf("group %s is not at rest", g.displayName)
		}
		if !g.evaluates() {
			continue
		}
		for i := range len(s.users) + len(s.fleet.devices) {
			if s.ruleHolds(g.rule, i) != g.direct.Has(i) {
				t.Fatalf("group %s: member %d: %t, the rule says %t", g.displayName, i, g.direct.Has(i), s.ruleHolds(g.rule, i))
			}
		}
	}
}

// TestTargetingThroughEverything lets a tenant with churn, odd devices and dynamic
// groups go through changes of groups, devices, assignments, filters and of the lag
// itself, and holds what is cached against what follows by hand.
func TestTargetingThroughEverything(t *testing.T) {
	rates := func(v float64) *float64 { return &v }
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 77))
		sc := Scenario{SecondUserPercent: 30, PhonesPercent: 20, Churn: &Churn{NewPercent: rates(20), GonePercent: rates(15), WipedPercent: rates(5), ReimagedPercent: rates(10), RenamedPercent: rates(10), DisabledPercent: rates(5), MovedPercent: rates(20), UserChangedPercent: rates(15)},
			Groups: []GroupSpec{{DisplayName: "everybody", From: "everything", Percent: 100}, {DisplayName: "a", From: "windows", Count: 15}, {DisplayName: "b", From: "windows", Count: 15},
				{DisplayName: "people", Count: 20, Unit: "user"}, {DisplayName: "mixed", Count: 10, Unit: "mixed"}, {DisplayName: "nest", Groups: []string{"a", "people"}}}}
		for _, state := range []string{"enrolledTwice", "registeredTwice", "reimaged", "deletedFromDirectory", "enrolledUnregistered", "userTwo", "userNone", "managementWipeIssued", "coManagedConfigurationManager"} {
			sc.Devices = append(sc.Devices, DeviceSpec{State: state, Count: 2})
		}
		tt := newTenant(t, Options{Devices: 90, Users: 50, Seed: seed, Scenario: sc})
		groups := []string{"everybody", "a", "b", "people", "mixed", "nest"}
		for k, name := range groups {
			groups[k] = tt.groupID(name)
		}
		fixed := len(groups)
		groups = append(groups, tt.makeGroup("disabled", object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": `device.accountEnabled -eq false`}),
			tt.makeGroup("renamed", object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": `device.displayName -contains "-2"`}))
		filter := text(tt.want(201, "POST", filtersPath, filterBody("f", "windows10AndLater", `(device.deviceName -contains "1")`)), "id")
		var policies []string
		for k := range 4 {
			policies = append(policies, tt.createPolicy(allowBody(fmt.Sprint("p", k))))
		}
		script := text(tt.want(201, "POST", scriptsPath, scriptBody("s")), "id")
		pick := func() string { return groups[rnd.IntN(len(groups))] }
		for k := range 70 {
			did := ""
			switch rnd.IntN(13) {
			case 0, 1:
				did = "assign"
				targets := []object{}
				seen := []string{}
				for range rnd.IntN(4) {
					g := pick()
					if slices.Contains(seen, g) {
						continue
					}
					seen = append(seen, g)
					target := groupTarget(g)
					if rnd.IntN(3) == 0 {
						target = excludeTarget(g)
					} else if rnd.IntN(3) == 0 {
						inner(target, "target")["deviceAndAppManagementAssignmentFilterId"] = filter
						inner(target, "target")["deviceAndAppManagementAssignmentFilterType"] = "exclude"
					}
					targets = append(targets, target)
				}
				if rnd.IntN(4) == 0 {
					targets = append(targets, object{"target": object{"@odata.type": string(targetAllUsers)}})
				}
				tt.assign(policies[rnd.IntN(len(policies))], targets...)
			case 2:
				did = "script"
				tt.want(204, "POST", scriptsPath+"/"+script+"/assign", object{"deviceHealthScriptAssignments": []object{scriptAssignment(pick(), 24)}})
			case 3:
				did = "lag"
				lags := []*Lag{nil, {}, OrdinaryLag(), {Targeting: hours(5)}, {Dynamic: hours(1), Assignments: hours(2)}, {Targeting: Fixed(time.Minute), Replicas: 4}}
				tt.scenario(func(sc *Scenario) { sc.Lag = lags[rnd.IntN(len(lags))] })
			case 4:
				did = "delete or restore"
				id := groups[rnd.IntN(fixed)]
				if w := tt.do("DELETE", "/v1.0/groups/"+id, nil); w.Code != 204 {
					tt.do("POST", "/v1.0/directory/deletedItems/"+id+"/restore", nil)
				}
			case 5:
				did = "nest"
				tt.do("POST", "/v1.0/groups/"+groups[rnd.IntN(fixed)]+"/members/$ref", object{"@odata.id": tt.memberURL(pick())})
			case 6:
				did = "member"
				d := &tt.sim.fleet.devices[rnd.IntN(len(tt.sim.fleet.devices))]
				id := groups[rnd.IntN(fixed)]
				if w := tt.do("POST", "/v1.0/groups/"+id+"/members/$ref", object{"@odata.id": tt.memberURL(d.objectID.String())}); w.Code != 204 {
					tt.do("DELETE", "/v1.0/groups/"+id+"/members/"+d.objectID.String()+"/$ref", nil)
				}
			case 7:
				did = "device"
				d := &tt.sim.fleet.devices[rnd.IntN(len(tt.sim.fleet.devices))]
				tt.do("PATCH", "/v1.0/devices/"+d.objectID.String(), object{"accountEnabled": rnd.IntN(2) == 0})
			case 8:
				did = "device goes"
				d := &tt.sim.fleet.devices[rnd.IntN(len(tt.sim.fleet.devices))]
				tt.do("DELETE", []string{"/v1.0/devices/" + d.objectID.String(), "/beta/deviceManagement/managedDevices/" + d.managedID.String()}[rnd.IntN(2)], nil)
			case 9:
				did = "filter"
				tt.do("PATCH", filtersPath+"/"+filter, object{"rule": fmt.Sprintf(`(device.deviceName -contains "%d")`, rnd.IntN(10))})
			case 10:
				did = "rule"
				tt.do("PATCH", "/v1.0/groups/"+groups[fixed], object{"membershipRule": fmt.Sprintf(`device.displayName -contains "%d"`, rnd.IntN(10))})
			case 11:
				did = "purge"
				if rnd.IntN(6) == 0 && fixed > 3 {
					tt.do("DELETE", "/v1.0/directory/deletedItems/"+groups[3], nil)
				}
			}
			tt.checkTargets(fmt.Sprintf("seed %d, step %d, %s", seed, k, did))
			tt.advance(time.Duration(rnd.IntN(600)) * time.Minute)
			tt.checkTargets(fmt.Sprintf("seed %d, step %d, %s and waiting", seed, k, did))
		}
		tt.checkUsers()
		tt.scenario(func(sc *Scenario) { sc.Churn, sc.Lag = nil, nil })
		tt.advance(20 * 24 * time.Hour)
		tt.checkTargets("the end")
		tt.checkRest()
	}
}
