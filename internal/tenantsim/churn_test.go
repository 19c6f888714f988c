// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/filterrule"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// busy is a tenant in which everything happens often.
func busy(t *testing.T, seed uint64, change func(*Scenario)) *tenant {
	t.Helper()
	often := func(v float64) *float64 { return &v }
	sc := Scenario{PhonesPercent: 20, SecondUserPercent: 10, Churn: &Churn{NewPercent: often(4), GonePercent: often(3), WipedPercent: often(2),
		ReimagedPercent: often(2), RenamedPercent: often(2), DisabledPercent: often(2), MovedPercent: often(10), UserChangedPercent: often(3)}}
	if change != nil {
		change(&sc)
	}
	tt := newTenant(t, Options{Seed: seed, Devices: 500, Scenario: sc})
	everybody, pilot := tt.groupID("All Corporate Devices"), tt.groupID("Tidegate Pilot")
	tt.assign(tt.createPolicy(holdBody("hold")), groupTarget(everybody), excludeTarget(pilot))
	tt.assign(tt.createPolicy(allowBody("allow")), groupTarget(pilot))
	return tt
}

// TestChurnIsDeterministic: by the seed, and however the clock moves, with the
// delays of an ordinary tenant too.
func TestChurnIsDeterministic(t *testing.T) {
	run := func(seed uint64, step time.Duration) string {
		tt := busy(t, seed, nil)
		tt.scenario(func(sc *Scenario) { sc.Lag = OrdinaryLag() })
		for passed := time.Duration(0); passed < 15*24*time.Hour; passed += step {
			tt.advance(step)
		}
		return tt.sim.Digest()
	}
	whole := run(3, 15*24*time.Hour)
	for _, step := range []time.Duration{time.Hour, 12 * time.Minute, 15 * 24 * time.Hour} {
		if run(3, step) != whole {
			t.Errorf("in steps of %s the tenant becomes another one", step)
		}
	}
	if run(4, 15*24*time.Hour) == whole {
		t.Error("the seed does not decide")
	}
}

// TestChurnShares: over ten weeks each kind of change happens about as often as
// the scenario says.
func TestChurnShares(t *testing.T) {
	const devices, weeks = 4000, 10
	tt := newTenant(t, Options{Devices: devices, Scenario: Scenario{Churn: DefaultChurn()}})
	tt.advance(weeks * 7 * 24 * time.Hour)
	var renamed, disabled, wiped, again, fresh, gone int
	for i := range tt.sim.fleet.devices {
		d := &tt.sim.fleet.devices[i]
		renamed += boolInt(d.names > 0 && i < devices)
		disabled += boolInt(d.traits&traitDisabled != 0)
		wiped += boolInt(d.management == managementWipePending)
		again += boolInt(int(d.machine) != i)
		fresh += boolInt(i >= devices && int(d.machine) == i)
		gone += boolInt(!inTenant(d))
	}
	near := func(what string, got int, percent float64) {
		t.Helper()
		if want := percent / 100 * devices * weeks; math.Abs(float64(got)-want) > 5*math.Sqrt(want)+0.15*want {
			t.Errorf("%s: %d, want about %.0f", what, got, want)
		}
	}
	near("new", fresh, 1.5)
	near("gone for good", gone, 0.75) // a quarter leaves one of the two places only
	near("wiped", wiped, 0.2)
	near("installed anew", again, 0.3*0.8) // phones and silent devices are not
	near("renamed", renamed, 0.2)
	near("disabled", disabled, 0.1)
}

// TestChurnProperties: whatever happens, ids are unique, members are devices of
// the directory, and nothing happens outside of working hours.
func TestChurnProperties(t *testing.T) {
	tt := busy(t, 1, nil)
	for range 8 {
		tt.advance(7 * 24 * time.Hour)
		ids := map[string]bool{}
		snap := tt.sim.Snapshot(true)
		for _, d := range snap.Devices {
			for _, id := range []string{d.ManagedID, d.ObjectID} {
				if id != "" && ids[id] {
					t.Errorf("id %s twice", id)
				}
				ids[id] = true
			}
			if !d.Facts.InDirectory && len(d.Facts.Groups) > 0 {
				t.Errorf("%s is deleted and in groups", d.Name)
			}
			if len(d.Facts.Users) > 1 && d.Facts.Users[0] == d.Facts.Users[1] {
				t.Errorf("%s has the same user twice", d.Name)
			}
			if d.ManagedID == "" && len(d.Facts.Results) > 0 {
				t.Errorf("%s is not managed and has results", d.Name)
			}
			tt.checkFacts(d)
		}
		tt.checkUsers()
	}
	for i := range tt.sim.fleet.devices {
		d := &tt.sim.fleet.devices[i]
		if at := unixUTC(d.enrolled); i >= 500 && (at.Hour() < 7 || at.Hour() >= 18 || isWeekend(d.enrolled-d.enrolled%dayOf)) {
			t.Errorf("a device was enrolled at %s", at)
		}
	}
}

// checkFacts: a device has at most one result of a policy for a user, and is found
// by each of its ids where it is.
func (t *tenant) checkFacts(d DeviceSnapshot) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range d.Facts.Results {
		if key := r.Policy + r.User; seen[key] {
			t.Errorf("%s has two results of %s", d.Name, key)
		}
		seen[r.Policy+r.User] = true
	}
	id, _ := ids.ParseGUID(d.ObjectID)
	if _, known := t.sim.objects[id]; known != d.Facts.InDirectory {
		t.Errorf("%s: in the directory %t, known by its id %t", d.Name, d.Facts.InDirectory, known)
	}
	id, _ = ids.ParseGUID(d.ManagedID)
	if _, known := t.sim.managed[id]; known != (d.ManagedID != "") {
		t.Errorf("%s: managed %q, known by its id %t", d.Name, d.ManagedID, known)
	}
}

// checkUsers: the devices of users and the users of devices agree.
func (t *tenant) checkUsers() {
	t.Helper()
	for u := range t.sim.users {
		for _, i := range t.sim.users[u].devices {
			if d := &t.sim.fleet.devices[i]; !d.usedBy(int32(u)) || !inTenant(d) {
				t.Errorf("user %d has device %d, which does not know her", u, i)
			}
		}
	}
	for i := range t.sim.fleet.devices {
		d := &t.sim.fleet.devices[i]
		for _, u := range d.people() {
			if inTenant(d) && !slices.Contains(t.sim.users[u].devices, int32(i)) {
				t.Errorf("device %d is not among the devices of user %d", i, u)
			}
		}
	}
}

// TestRowsOfTheGone: what a device said is shown until the reports have noticed
// that it left, and never after. Its applications go at once.
func TestRowsOfTheGone(t *testing.T) {
	tt := busy(t, 2, func(sc *Scenario) {
		sc.ReportLag = &LagRange{Min: Duration(4 * time.Hour), Max: Duration(6 * time.Hour)}
	})
	tt.advance(2 * 24 * time.Hour)
	lingering := 0
	for range 20 * 24 {
		tt.advance(30 * time.Minute)
		now := tt.sim.Now().Unix()
		tt.sim.statusRows(func(r statusRow) {
			if isEnrolled(r.d) {
				return
			}
			lingering++
			if now-r.d.left >= 6*hourOf {
				t.Fatalf("%s left %s ago and is in the reports", r.name(), time.Duration(now-r.d.left)*time.Second)
			}
		})
		for _, a := range tt.sim.detectedApps() {
			for _, i := range a.devices {
				if !isEnrolled(&tt.sim.fleet.devices[i]) {
					t.Fatalf("%s is on device %d, which left", a.name, i)
				}
			}
		}
	}
	if lingering == 0 {
		t.Error("nobody who left was shown at all")
	}
}

// TestChurnIsNoRequest: what the fleet does to groups is no change that a request
// made: the digest stands still, and the journal's digests form a chain.
func TestChurnIsNoRequest(t *testing.T) {
	tt := busy(t, 5, nil)
	members := func() string {
		return tt.count("/v1.0/groups/" + tt.groupID("All Corporate Devices") + "/members/$count")
	}
	digest, before := tt.sim.ConfigDigest(), members()
	tt.advance(14 * 24 * time.Hour)
	if tt.sim.ConfigDigest() != digest || members() == before {
		t.Errorf("members %s, then %s; same digest: %t", before, members(), tt.sim.ConfigDigest() == digest)
	}
	pilot := tt.groupID("Tidegate Pilot")
	member := text(tt.all("/v1.0/groups/" + pilot + "/members?$select=id")[0], "id")
	tt.want(204, "DELETE", "/v1.0/groups/"+pilot+"/members/"+member+"/$ref", nil)
	if tt.sim.ConfigDigest() == digest {
		t.Error("a request that removes a member leaves the digest alone")
	}
	tt.addMember(204, pilot, member)
	if tt.sim.ConfigDigest() != digest {
		t.Error("undoing the request does not undo the digest")
	}
}

// TestFreshDevices: a new device comes often at first (contract b.3), and is in
// the groups that stand for everybody and in the inventory soon.
func TestFreshDevices(t *testing.T) {
	for p, want := range map[platform][2]int{platformWindows: {5, 8}, platformAndroid: {5, 8}, platformIOS: {1, 3}, platformMacOS: {1, 3}} {
		contacts := [2]int{}
		for age, wait := int64(0), int64(-1); wait != 0; age += wait {
			if age > 0 {
				contacts[boolInt(age > 15*60)]++
			}
			wait = p.settlingPace(age)
		}
		if contacts != want {
			t.Errorf("platform %d: %v contacts within and after 15 minutes, want %v", p, contacts, want)
		}
	}
	tt := busy(t, 6, nil)
	tt.advance(3 * 24 * time.Hour)
	everybody := tt.groupID("All Corporate Devices")
	fresh := 0
	for _, d := range tt.sim.Snapshot(true).Devices {
		id, _ := ids.ParseGUID(d.ManagedID)
		i, managed := tt.sim.managed[id]
		if !managed || i < 500 {
			continue
		}
		fresh++
		if d.Facts.InDirectory && !slices.Contains(d.Facts.Groups, everybody) {
			t.Errorf("%s is not in the group for everybody", d.Name)
		}
		if v := tt.sim.device(i); v.d.checkins < 3 && tt.sim.Now().Unix()-v.d.enrolled > 2*hourOf && inContact(v.d) {
			t.Errorf("%s came %d times since %s", d.Name, v.d.checkins, unixTime(v.d.enrolled))
		}
	}
	if fresh < 5 {
		t.Errorf("%d new devices", fresh)
	}
}

// TestChurnCanChange: churn begins, ends and changes with the scenario.
func TestChurnCanChange(t *testing.T) {
	tt := newTenant(t, Options{Devices: 1000})
	size := func() int { return len(tt.sim.fleet.devices) }
	tt.advance(10 * 24 * time.Hour)
	if size() != 1000 {
		t.Fatalf("%d devices without churn", size())
	}
	tt.scenario(func(sc *Scenario) { sc.Churn = DefaultChurn() })
	tt.advance(14 * 24 * time.Hour)
	grown := size()
	if grown < 1015 {
		t.Errorf("%d devices after two weeks of churn", grown)
	}
	tt.scenario(func(sc *Scenario) { sc.Churn = nil })
	tt.advance(14 * 24 * time.Hour)
	if size() != grown {
		t.Errorf("%d devices became %d after the end of churn", grown, size())
	}
}

func TestChurnScenarios(t *testing.T) {
	for raw, want := range map[string]string{
		"churn: {}": "",
		"churn: {newPercent: 0, gonePercent: 2.5}":    "",
		"churn: {newPercent: 101}":                    "churn.newPercent is 101: write a percentage",
		"churn: {gonePercent: 60, wipedPercent: 50}":  "add up to",
		"churn: {leaving: 3}":                         "unknown field",
		"phonesPercent: 120":                          "phonesPercent is 120",
		"{phonesPercent: 20, secondUserPercent: 0.5}": "",
	} {
		_, err := ParseScenario([]byte(raw))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
	raw, err := json.Marshal(DefaultChurn())
	if err != nil || string(raw) != "{}" {
		t.Errorf("%s, %v", raw, err)
	}
	rates := (*Churn)(nil).rates()
	if rates != (churnRates{}) || DefaultChurn().rates()[eventNew] != 1.5 || DefaultChurn().rates()[eventGone] != 1 {
		t.Errorf("rates %v and %v", rates, DefaultChurn().rates())
	}
}

// TestPhones: phones are devices of their own platforms, for policies, filters,
// groups, reports and sign-ins.
func TestPhones(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "phones", From: "ios", Count: 10}, GroupSpec{DisplayName: "robots", From: "android", Count: 10},
		GroupSpec{DisplayName: "everybody", From: "everything", Percent: 100})
	sc.PhonesPercent = 40
	tt := newTenant(t, Options{Devices: 400, Scenario: sc})
	byPlatform, systems := map[string]int{}, map[string]int{}
	for _, d := range tt.sim.Snapshot(true).Devices {
		byPlatform[d.Facts.Platform]++
	}
	for i := range tt.sim.fleet.devices {
		systems[tt.sim.fleet.devices[i].operatingSystem()]++
	}
	if phones := byPlatform["iOS"] + byPlatform["android"]; phones < 120 || phones > 200 || byPlatform["android"] < 30 || byPlatform["iOS"] < 60 {
		t.Errorf("platforms %v", byPlatform)
	}
	tt.assign(tt.createPolicy(allowBody("windows")), groupTarget(tt.groupID("everybody")))
	tt.advance(2 * 24 * time.Hour)
	for i := range tt.sim.fleet.devices {
		if d := &tt.sim.fleet.devices[i]; d.platform.phone() && len(d.rows) > 0 {
			t.Fatalf("a phone applies a policy for Windows")
		}
	}
	for _, rule := range []struct {
		platform string
		want     int
	}{{"iOS", byPlatform["iOS"]}, {"android", systems["Android"]}, {"androidForWork", systems["AndroidForWork"] + systems["AndroidEnterprise"]}, {"macOS", byPlatform["macOS"]}, {"windows10AndLater", byPlatform["windows"]}} {
		f := assignmentFilter{platform: rule.platform, rule: must(filterrule.Parse(`(device.deviceName -ne "nobody")`, rule.platform))}
		if n := f.devicesOf(tt.sim).Count(); n != rule.want {
			t.Errorf("a filter for %s matches %d devices, want %d", rule.platform, n, rule.want)
		}
	}
	for flags, want := range map[string]platform{"iOS": platformIOS, "android": platformAndroid, "androidEnterprise": platformAndroid, "windows10,macOS": platformWindows | platformMacOS, "linux": platformLinux, "none": 0} {
		if got := platformsOf(flags); got != want {
			t.Errorf("platforms %s: %b, want %b", flags, got, want)
		}
	}
}

func must(r filterrule.Rule, err error) filterrule.Rule {
	if err != nil {
		panic(err)
	}
	return r
}

// TestPhonesSignIn: a phone signs in as what it is; the log names a device that
// the user has, and no browser for an application.
func TestPhonesSignIn(t *testing.T) {
	sc := quiet()
	sc.PhonesPercent = 50
	tt := newTenant(t, Options{Devices: 120, Scenario: sc})
	tt.advance(3*24*time.Hour + 14*time.Hour)
	systems := map[string]int{}
	for _, e := range tt.all("/v1.0/auditLogs/signIns") {
		detail, _ := e["deviceDetail"].(map[string]any)
		system, browser := text(detail, "operatingSystem"), text(detail, "browser")
		kind, _, _ := strings.Cut(system, " ")
		systems[kind]++
		phone := kind == "Ios" || kind == "Android"
		app := e["clientAppUsed"] == "Mobile Apps and Desktop clients"
		if app && !phone || (browser == "") != app || phone != strings.HasPrefix(text(detail, "displayName"), "PHONE-") {
			t.Fatalf("sign-in of %s from %s (%s) with %v", text(detail, "displayName"), system, browser, e["clientAppUsed"])
		}
	}
	if systems["Ios"] == 0 || systems["Android"] == 0 || systems["Windows10"] == 0 {
		t.Errorf("sign-ins %v", systems)
	}
	if n := len(tt.all("/v1.0/auditLogs/signIns?$filter=startsWith(deviceDetail/operatingSystem,'Ios')")); n != systems["Ios"] {
		t.Errorf("the filter finds %d sign-ins from iOS, want %d", n, systems["Ios"])
	}
}

// TestDayAt200kIsSmall bounds what a large tenant with churn holds after a day
// of events, and that nothing planned is left behind.
func TestDayAt200kIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("short: 200,000 devices take some seconds")
	}
	tt := largeLiving(t)
	tt.advance(24 * time.Hour)
	heap := heapInUse()
	t.Logf("200,000 devices with churn hold %d MiB after a day", heap>>20)
	if heap > 300<<20 {
		t.Errorf("%d MiB, want at most 300", heap>>20)
	}
	if n := len(tt.sim.fleet.devices) - 200_000; n < 300 {
		t.Errorf("%d devices came on the first day", n)
	}
	for _, event := range tt.sim.fleet.events.queue {
		if event.at <= tt.sim.Now().Unix() {
			t.Fatalf("an event of %s is still to come", unixTime(event.at))
		}
	}
	kinds := map[eventKind]int{}
	for _, event := range tt.sim.fleet.events.queue {
		kinds[event.kind]++
	}
	if len(kinds) < churnKinds {
		t.Errorf("kinds of events to come: %v", slices.Sorted(maps.Keys(kinds)))
	}
	runtime.KeepAlive(tt)
}
