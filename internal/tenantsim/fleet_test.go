// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"
)

// rollout is a reference sequence: two policies, some groups, ten days.
func rollout(t *testing.T, seed uint64) *tenant {
	t.Helper()
	tt := newTenant(t, Options{Seed: seed, Scenario: Scenario{FailurePercent: 3, ConflictingBaseline: &Baseline{
		DisplayName: "baseline", GroupDisplayName: "Tidegate Early", DevicesPercent: 12}}})
	allow, hold := tt.createPolicy(allowBody("allow")), tt.createPolicy(holdBody("hold"))
	tt.assign(hold, groupTarget(tt.groupID("All Corporate Devices")), excludeTarget(tt.groupID("Tidegate Pilot")))
	tt.assign(allow, groupTarget(tt.groupID("Tidegate Pilot")))
	tt.advance(5 * 24 * time.Hour)
	tt.assign(allow)
	tt.advance(5 * 24 * time.Hour)
	return tt
}

func TestDeterminism(t *testing.T) {
	a, b, c := rollout(t, 7), rollout(t, 7), rollout(t, 8)
	if a.sim.Digest() != b.sim.Digest() {
		t.Error("equal seeds and requests give different tenants")
	}
	if a.sim.Digest() == c.sim.Digest() {
		t.Error("another seed gives the same tenant")
	}
}

// TestClockStepsDoNotMatter: ten days in one step equal ten days in hours.
func TestClockStepsDoNotMatter(t *testing.T) {
	a, b := newTenant(t, Options{Devices: 300}), newTenant(t, Options{Devices: 300})
	for _, tt := range []*tenant{a, b} {
		tt.assign(tt.createPolicy(allowBody("p")), groupTarget(tt.groupID("All Corporate Devices")))
	}
	a.advance(240 * time.Hour)
	for range 240 {
		b.advance(time.Hour)
	}
	if a.sim.Digest() != b.sim.Digest() {
		t.Error("the result depends on how the clock moved")
	}
}

func TestFleetComposition(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20000})
	f := tt.sim.Snapshot(false).Fleet
	near := func(name string, got int, percent float64) {
		if want := percent / 100 * 20000; math.Abs(float64(got)-want) > 5*math.Sqrt(want)+1 {
			t.Errorf("%s: %d, want about %.0f", name, got, want)
		}
	}
	near("Windows", f.ByPlatform["Windows"], 85)
	near("silent", f.Silent, 6)
	near("unfit", f.Unfit, 3)
	near("unmanaged", 20000-f.Managed, 1)
}

// TestCheckIns: always-on devices come about every eight hours; office devices
// pause at night and mostly at weekends.
func TestCheckIns(t *testing.T) {
	on := quiet()
	tt := newTenant(t, Options{Devices: 500, Scenario: on})
	tt.advance(10 * 24 * time.Hour)
	perDay := float64(tt.sim.Snapshot(false).Fleet.CheckIns) / 500 / 10
	if perDay < 2.8 || perDay > 3.2 {
		t.Errorf("%.2f check-ins per device and day, want about 3", perDay)
	}
	all := 100.0
	office := quiet()
	office.OfficeHoursPercent = &all
	tt = newTenant(t, Options{Devices: 500, Scenario: office})
	tt.advance(5*24*time.Hour + 18*time.Hour) // Saturday midnight
	sunday := tt.sim.Now().Add(24 * time.Hour)
	tt.advance(24 * time.Hour)
	weekend := 0
	for i := range tt.sim.fleet.devices {
		if sunday.Unix()-tt.sim.fleet.devices[i].lastSync < 86400 {
			weekend++
		}
	}
	if weekend == 0 || weekend > 150 {
		t.Errorf("%d of 500 office devices were seen on Sunday", weekend)
	}
}

func TestPolicyOutcomes(t *testing.T) {
	tt := newTenant(t, Options{Devices: 2000})
	id := tt.createPolicy(allowBody("allow"))
	tt.assign(id, groupTarget(tt.groupID("All Corporate Devices")))
	tt.advance(72 * time.Hour)
	snap := tt.sim.Snapshot(true)
	var fit, unfit int
	for i := range tt.sim.fleet.devices {
		d := &tt.sim.fleet.devices[i]
		if !inContact(d) || d.platform != platformWindows {
			if r := d.row(tt.sim.policies[0], d.user); r != nil {
				t.Fatalf("device %d has a result", i)
			}
			continue
		}
		fit += boolInt(passkeyNeeds.met(d))
		unfit += boolInt(!passkeyNeeds.met(d))
	}
	status := snap.Policies[0].Status
	if status["Succeeded"] != fit || status["Not applicable"] != unfit || unfit == 0 {
		t.Errorf("status %v, want %d succeeded and %d not applicable", status, fit, unfit)
	}
	if snap.Fleet.Passkeys["allowed"] != fit {
		t.Errorf("passkeys %v, want %d allowed", snap.Fleet.Passkeys, fit)
	}
}

// TestConflict: both policies show Conflict on exactly the shared devices, and
// removing the baseline heals it.
func TestConflict(t *testing.T) {
	sc := quiet()
	sc.ConflictingBaseline = &Baseline{DisplayName: "Contoso Edge Security Baseline", GroupDisplayName: "Tidegate Early", DevicesPercent: 12}
	tt := newTenant(t, Options{Scenario: sc})
	id := tt.createPolicy(allowBody("allow"))
	tt.assign(id, groupTarget(tt.groupID("Tidegate Early")))
	tt.advance(24 * time.Hour)
	if got := fmt.Sprint(tt.status("allow"), tt.status("Contoso Edge Security Baseline")); got != "map[Conflict:48 Succeeded:352] map[Conflict:48]" {
		t.Errorf("with the baseline: %s", got)
	}
	overlaps := tt.sim.Snapshot(false).Overlaps
	if len(overlaps) != 1 || overlaps[0].Devices != 48 {
		t.Errorf("overlaps %v", overlaps)
	}
	foreign := tt.all(policiesPath + "?$select=id&$filter=name eq 'Contoso Edge Security Baseline'")
	tt.assign(text(foreign[0], "id"))
	tt.advance(24 * time.Hour)
	if got := fmt.Sprint(tt.status("allow")); got != "map[Succeeded:400]" {
		t.Errorf("after the baseline is gone: %s", got)
	}
}

func TestBuiltinScenarios(t *testing.T) {
	for _, name := range BuiltinScenarios() {
		sc, ok := BuiltinScenario(name)
		if err := sc.Validate(); !ok || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	sc, _ := BuiltinScenario("bad-policy")
	tt := newTenant(t, Options{Scenario: sc})
	tt.assign(tt.createPolicy(holdBody("hold")), groupTarget(tt.groupID("Tidegate Pilot")))
	tt.assign(tt.createPolicy(allowBody("allow")), groupTarget(tt.groupID("Tidegate Early")))
	tt.advance(48 * time.Hour)
	if n := tt.status("allow")["Error"]; n < 80 || n > 160 {
		t.Errorf("%d of 400 devices fail on allow, want about 30 %%", n)
	}
	if n := tt.status("hold")["Error"]; n != 0 {
		t.Errorf("%d devices fail on hold", n)
	}
}

// TestGroupSemantics: by device, by primary user, nested, excluded, all.
func TestGroupSemantics(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "people", Count: 40, From: "windows", Unit: "user"},
		GroupSpec{DisplayName: "machines", Count: 30, From: "windows"}, GroupSpec{DisplayName: "none"})
	tt := newTenant(t, Options{Devices: 500, Scenario: sc})
	people, machines := tt.groupID("people"), tt.groupID("machines")
	outer := text(tt.want(201, "POST", "/v1.0/groups", groupBody("outer")), "id")
	tt.addMember(204, outer, machines)
	id := tt.createPolicy(allowBody("p"))
	reach := func(targets ...object) int {
		tt.assign(id, targets...)
		return tt.sim.Snapshot(false).Policies[0].Targeted
	}
	wantPeople := 0
	for _, u := range tt.all("/v1.0/groups/" + people + "/members/microsoft.graph.user?$select=id") {
		wantPeople += len(tt.all("/v1.0/deviceManagement/managedDevices?$select=id&$filter=userId eq '" + text(u, "id") + "'"))
	}
	byUser, both := reach(groupTarget(people)), reach(groupTarget(people), groupTarget(machines))
	if byUser != wantPeople || wantPeople < 40 {
		t.Errorf("by user: %d devices, want %d", byUser, wantPeople)
	}
	if n := reach(groupTarget(outer)); n != 30 {
		t.Errorf("nested: %d devices, want 30", n)
	}
	if n := reach(groupTarget(people), groupTarget(machines), excludeTarget(outer)); n != both-30 {
		t.Errorf("excluded: %d devices, want %d", n, both-30)
	}
	if n := reach(object{"target": object{"@odata.type": string(targetAllDevices)}}); n != 500 {
		t.Errorf("all devices: %d", n)
	}
	if n := reach(object{"target": object{"@odata.type": string(targetAllUsers)}}, excludeTarget(machines)); n != 500 {
		t.Errorf("all users less machines: %d: a device group takes nobody from All users", n)
	}
	tt.assign(id, groupTarget(machines))
	tt.want(204, "DELETE", "/v1.0/groups/"+machines, nil)
	if n := tt.sim.Snapshot(false).Policies[0].Targeted; n != 0 {
		t.Errorf("a deleted group still targets %d devices", n)
	}
}

// TestMembershipOfAnAssignedGroup: adding and removing members, directly and
// through a nested group, reaches the devices.
func TestMembershipOfAnAssignedGroup(t *testing.T) {
	tt := newTenant(t, Options{Devices: 300, Scenario: quiet(GroupSpec{DisplayName: "outer"}, GroupSpec{DisplayName: "inner", Count: 20, From: "windows"})})
	outer, inner := tt.groupID("outer"), tt.groupID("inner")
	member := text(tt.all("/v1.0/groups/" + inner + "/members?$select=id")[0], "id")
	tt.assign(tt.createPolicy(allowBody("p")), groupTarget(outer))
	for _, step := range []struct {
		change func()
		want   int
	}{
		{func() { tt.addMember(204, outer, member) }, 1},
		{func() { tt.addMember(204, outer, inner) }, 20},
		{func() { tt.want(204, "DELETE", "/v1.0/groups/"+inner+"/members/"+member+"/$ref", nil) }, 20},
		{func() { tt.want(204, "DELETE", "/v1.0/groups/"+outer+"/members/"+member+"/$ref", nil) }, 19},
		{func() { tt.addMember(204, inner, member) }, 20}, // through the nested group only
		{func() { tt.want(204, "DELETE", "/v1.0/groups/"+outer+"/members/"+inner+"/$ref", nil) }, 0},
	} {
		step.change()
		if n := tt.sim.Snapshot(false).Policies[0].Targeted; n != step.want {
			t.Errorf("%d devices targeted, want %d", n, step.want)
		}
		tt.advance(5 * time.Hour) // pushed devices come within four hours
		if n := tt.status("p")["Succeeded"]; n != step.want {
			t.Errorf("%d devices applied the policy, want %d", n, step.want)
		}
	}
}

func TestUnassignRevertsUnlessTattooed(t *testing.T) {
	for percent, want := range map[float64]string{0: "unset", 100: "allowed"} {
		sc := quiet(GroupSpec{DisplayName: "g", Count: 50, From: "windows"})
		sc.TattooPercent = percent
		tt := newTenant(t, Options{Devices: 200, Scenario: sc})
		id := tt.createPolicy(allowBody("p"))
		tt.assign(id, groupTarget(tt.groupID("g")))
		tt.advance(24 * time.Hour)
		tt.assign(id)
		tt.advance(24 * time.Hour)
		snap := tt.sim.Snapshot(false)
		if n := snap.Fleet.Passkeys[want]; n < 50 {
			t.Errorf("tattoo %v: passkeys %v", percent, snap.Fleet.Passkeys)
		}
		if len(snap.Policies[0].Status) != 0 {
			t.Errorf("tattoo %v: results remain: %v", percent, snap.Policies[0].Status)
		}
	}
}

func TestRules(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 100, From: "windows"}, GroupSpec{DisplayName: "h", Count: 100, From: "windows"})
	sc.Rules = []Rule{
		{Name: "conflict", Groups: []string{"g"}, DevicesPercent: 100, Outcome: OutcomeConflict, Value: "_0"},
		{Name: "late", Groups: []string{"h"}, DevicesPercent: 100, Outcome: OutcomeError, After: Duration(48 * time.Hour)},
		{Name: "pending", Groups: []string{"g"}, DevicesPercent: 100, Outcome: OutcomePending, Value: "_1"},
	}
	tt := newTenant(t, Options{Devices: 500, Scenario: sc})
	tt.assign(tt.createPolicy(allowBody("pending")), groupTarget(tt.groupID("g")))
	tt.assign(tt.createPolicy(allowBody("late")), groupTarget(tt.groupID("h")))
	tt.advance(24 * time.Hour)
	if got := fmt.Sprint(tt.status("pending"), tt.status("late")); got != "map[] map[Succeeded:100]" {
		t.Errorf("after a day: %s", got)
	}
	tt.advance(72 * time.Hour)
	if got := fmt.Sprint(tt.status("late")); got != "map[Error:100]" {
		t.Errorf("after four days: %s", got)
	}
	dark := sc
	dark.Rules = []Rule{{Name: "dark", Groups: []string{"h"}, DevicesPercent: 50, Outcome: OutcomeDark}}
	if err := tt.sim.SetScenario(dark); err != nil {
		t.Fatal(err)
	}
	tt.advance(24 * time.Hour)
	silenced := tt.sim.Snapshot(false).Fleet.Dark
	if silenced < 25 || silenced > 75 {
		t.Errorf("%d of 100 devices went dark, want about half", silenced)
	}
	if err := tt.sim.SetScenario(quiet()); err != nil {
		t.Fatal(err)
	}
	tt.advance(24 * time.Hour)
	if f := tt.sim.Snapshot(false).Fleet; f.Dark != 0 || f.SeenIn24h != 500 {
		t.Errorf("after the rule is gone: %+v", f)
	}
}

func TestOfflineDevices(t *testing.T) {
	sc := quiet()
	sc.OfflinePercent = 100
	tt := newTenant(t, Options{Devices: 100, Scenario: sc})
	tt.advance(48 * time.Hour)
	if n := tt.sim.Snapshot(false).Fleet.CheckIns; n != 0 {
		t.Errorf("%d check-ins while everyone is offline", n)
	}
}

func TestSyncDeviceBringsACheckIn(t *testing.T) {
	zero := 0.0
	sc := quiet()
	sc.PushPercent = &zero
	tt := newTenant(t, Options{Devices: 50, Scenario: sc})
	tt.advance(24 * time.Hour)
	for _, d := range tt.all("/v1.0/deviceManagement/managedDevices?$select=id") {
		tt.want(204, "POST", "/v1.0/deviceManagement/managedDevices/"+text(d, "id")+"/syncDevice", nil)
	}
	asked := tt.sim.Now()
	tt.advance(10 * time.Minute)
	late := tt.all("/v1.0/deviceManagement/managedDevices?$select=id&$filter=lastSyncDateTime lt " + asked.Format(time.RFC3339))
	if len(late) != 0 {
		t.Errorf("%d devices did not come", len(late))
	}
}

// TestFortnightIsCheap bounds what two weeks of 2,000 devices allocate: rows
// and reschedules only, nothing per check-in.
func TestFortnightIsCheap(t *testing.T) {
	tt := newTenant(t, Options{Devices: 2000})
	tt.assign(tt.createPolicy(allowBody("p")), groupTarget(tt.groupID("All Corporate Devices")))
	tt.advance(24 * time.Hour)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tt.advance(14 * 24 * time.Hour)
	runtime.ReadMemStats(&after)
	if mallocs := after.Mallocs - before.Mallocs; mallocs > 2000 {
		t.Errorf("%d allocations in 14 days", mallocs)
	}
}

func BenchmarkFortnight(b *testing.B) {
	for range b.N {
		sim, err := New(Options{Ideal: idealHere, Devices: 2000, Scenario: Scenario{FailurePercent: 2}})
		if err != nil {
			b.Fatal(err)
		}
		if err := sim.Advance(14 * 24 * time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStart200k: a large tenant starts within ten seconds and one gibibyte
// (issue 3.11).
func TestStart200k(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the 200,000-device start takes a second and 100 MB")
	}
	began := time.Now()
	sim, err := New(Options{Ideal: idealHere, Devices: 200_000})
	if err != nil {
		t.Fatal(err)
	}
	took, heap := time.Since(began), heapInUse()
	t.Logf("200,000 devices start in %s and hold %d MiB", took, heap>>20)
	if took > 10*time.Second || heap > 1<<30 {
		t.Errorf("200,000 devices start in %s and hold %d MiB, want at most 10s and 1024 MiB", took, heap>>20)
	}
	runtime.KeepAlive(sim)
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func BenchmarkStart200k(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		sim, err := New(Options{Ideal: idealHere, Devices: 200_000})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heapInUse())/(1<<20), "MiB-heap")
		runtime.KeepAlive(sim)
	}
}

// BenchmarkWritesAt200k is one membership write and one policy create in a large
// tenant: the digests around a write must not cost what a fleet costs.
func BenchmarkWritesAt200k(b *testing.B) {
	tt := newTenant(&testing.T{}, Options{Devices: 200_000})
	group := tt.groupID("Tidegate Canary")
	member := text(objects(tt.want(200, "GET", "/v1.0/devices?$top=1", nil)["value"])[0], "id")
	for b.Loop() {
		tt.want(204, "POST", "/v1.0/groups/"+group+"/members/$ref", object{"@odata.id": tt.memberURL(member)})
		tt.want(204, "DELETE", "/v1.0/groups/"+group+"/members/"+member+"/$ref", nil)
	}
}
