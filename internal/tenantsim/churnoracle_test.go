// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// countedTarget is one assignment as the oracle reads it.
type countedTarget struct {
	kind   targetKind
	group  string
	admits func(DeviceFacts) bool // nil: no filter
}

type countedPolicy struct {
	id      string
	values  map[string]string
	targets []countedTarget
}

// counter counts what reports show from the facts of devices, by brute force.
type counter struct {
	*tenant
	policies []countedPolicy
	people   map[string]map[string]bool // user groups: id to ids of users
	script   string
	scripted string // group of the script
	devices  []DeviceSnapshot
}

// livingTenant is a small tenant that goes through everything at once.
func livingTenant(t *testing.T) *counter {
	t.Helper()
	many := func(v float64) *float64 { return &v }
	sc := Scenario{FailurePercent: 3, PhonesPercent: 15, SecondUserPercent: 20,
		Churn: &Churn{WipedPercent: many(1), ReimagedPercent: many(1), RenamedPercent: many(1), DisabledPercent: many(0.5), MovedPercent: many(5), UserChangedPercent: many(2)},
		Groups: []GroupSpec{{DisplayName: "everybody", From: "everything", Percent: 100}, {DisplayName: "early", From: "windows", Count: 60},
			{DisplayName: "pilot", From: "windows", Count: 40}, {DisplayName: "people", From: "all", Count: 60, Unit: "user"}}}
	for _, state := range []string{"enrolledTwice", "registeredTwice", "reimaged", "accountDisabled", "deletedFromDirectory", "managementRetirePending",
		"managementWipeIssued", "managementUnhealthy", "coManagedConfigurationManager", "hybridGroupPolicy", "clockAhead", "userNone", "userTwo", "enrolledUnregistered"} {
		sc.Devices = append(sc.Devices, DeviceSpec{State: state, Count: 3})
	}
	o := &counter{tenant: newTenant(t, Options{Devices: 400, Scenario: sc}), people: map[string]map[string]bool{}}
	everybody, early, pilot, people := o.groupID("everybody"), o.groupID("early"), o.groupID("pilot"), o.groupID("people")
	o.people[people] = map[string]bool{}
	for _, u := range o.all("/v1.0/groups/" + people + "/members/microsoft.graph.user?$select=id") {
		o.people[people][text(u, "id")] = true
	}
	o.add(holdBody("hold"), countedTarget{kind: targetGroup, group: everybody}, countedTarget{kind: targetExclude, group: early})
	o.add(allowBody("allow"), countedTarget{kind: targetGroup, group: early}, countedTarget{kind: targetGroup, group: pilot})
	o.add(choiceBody("camera", "windows10", "mdm", cameraID, cameraID+"_1"), countedTarget{kind: targetGroup, group: people})
	o.add(choiceBody("camera off", "windows10", "mdm", cameraID, cameraID+"_0"), countedTarget{kind: targetAllDevices, admits: func(f DeviceFacts) bool { return f.Manufacturer == "LENOVO" }})
	o.script = text(o.want(201, "POST", scriptsPath, scriptBody("s")), "id")
	o.scripted = pilot
	o.want(204, "POST", scriptsPath+"/"+o.script+"/assign", object{"deviceHealthScriptAssignments": []object{scriptAssignment(pilot, 24)}})
	return o
}

const cameraID = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge_syncdisabled"

func (o *counter) add(body object, targets ...countedTarget) {
	o.Helper()
	p := countedPolicy{id: o.createPolicy(body), targets: targets}
	wire := []object{}
	for _, target := range targets {
		one := object{"@odata.type": string(target.kind)}
		if target.group != "" {
			one["groupId"] = target.group
		}
		if target.admits != nil {
			one["deviceAndAppManagementAssignmentFilterType"] = "include"
			one["deviceAndAppManagementAssignmentFilterId"] = text(o.want(201, "POST", "/beta/deviceManagement/assignmentFilters",
				filterBody("lenovo", "windows10AndLater", `(device.manufacturer -eq "LENOVO")`)), "id")
		}
		wire = append(wire, object{"target": one})
	}
	o.assign(p.id, wire...)
	for _, known := range o.sim.Snapshot(false).Policies {
		if known.ID == p.id {
			p.values = known.Values
		}
	}
	o.policies = append(o.policies, p)
}

// reaches is contract-2 y.4: users and devices each by their own kind.
func (o *counter) reaches(p countedPolicy, f DeviceFacts) bool {
	deviceHit, deviceOut := false, false
	userHit, userOut := map[string]bool{}, map[string]bool{}
	for _, target := range p.targets {
		admitted := target.admits == nil || target.admits(f)
		deviceIn := target.kind == targetAllDevices || slices.Contains(f.Groups, target.group)
		if target.kind == targetExclude {
			deviceOut = deviceOut || deviceIn
		} else {
			deviceHit = deviceHit || deviceIn && admitted
		}
		for _, u := range f.Users {
			if in := o.people[target.group][u]; target.kind == targetExclude {
				userOut[u] = userOut[u] || in
			} else {
				userHit[u] = userHit[u] || in && admitted
			}
		}
	}
	reached := deviceHit && !deviceOut
	for u := range userHit {
		reached = reached || userHit[u] && !userOut[u]
	}
	return reached
}

// worstOf tells the results of a device's users as one; false: there is none.
func worstOf(d DeviceSnapshot, policy string) (status int, found bool) {
	order := []int{1, 2, 3, 0, 4, 6, 5}
	for _, r := range d.Facts.Results {
		if r.Policy == policy && (!found || slices.Index(order, r.Status) > slices.Index(order, status)) {
			status, found = r.Status, true
		}
	}
	return status, found
}

func (o *counter) managed() (out []DeviceSnapshot) {
	for _, d := range o.devices {
		if d.ManagedID != "" {
			out = append(out, d)
		}
	}
	return out
}

// same compares what a report shows with what the facts say.
func (o *counter) same(what string, want, got map[string]int) {
	o.Helper()
	if len(want) == 0 {
		o.Errorf("%s: the oracle expects nothing", what)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		o.Fatalf("%s at %s: (-facts +report) %s", what, o.sim.Now().Format(time.RFC3339), diff)
	}
}

func tally(rows []map[string]string, key func(map[string]string) string) map[string]int {
	out := map[string]int{}
	for _, r := range rows {
		out[key(r)]++
	}
	return out
}

func (o *counter) report(name, filter string, selected ...string) []map[string]string {
	o.Helper()
	body := object{"reportName": name, "filter": filter, "localizationType": "localizedValuesAsAdditionalColumn"}
	if len(selected) > 0 {
		body["select"] = selected
	}
	_, rows := o.export(body)
	return rows
}

// TestChurnOracle runs 26 weeks of churn with the delays of an ordinary tenant. At
// the end of each weekend, with every change and every result arrived, each count
// that a report shows is what the facts add up to. The last changes of a week are
// those of Friday 18:00: Intune hears of them until 20:30, the assignment status
// report two days later.
func TestChurnOracle(t *testing.T) {
	const quiet = 50 * time.Hour
	o := livingTenant(t)
	o.scenario(func(sc *Scenario) { sc.Lag = OrdinaryLag() })
	friday := o.sim.Now().Truncate(24 * time.Hour).Add(21 * time.Hour)
	for friday.Weekday() != time.Friday || friday.Before(o.sim.Now()) {
		friday = friday.Add(24 * time.Hour)
	}
	o.advance(friday.Sub(o.sim.Now()))
	late := 0
	for week := range 26 {
		for _, p := range o.policies {
			late += boolInt(!maps.Equal(o.shownAssigned(p), o.assignedNow(p)))
		}
		still := o.sim.Scenario()
		moving := still
		still.OfflinePercent = 100 // nothing new: every lag passes
		if err := o.sim.SetScenario(still); err != nil {
			t.Fatal(err)
		}
		o.advance(quiet)
		o.check()
		if week < 25 {
			if err := o.sim.SetScenario(moving); err != nil {
				t.Fatal(err)
			}
			o.advance(7*24*time.Hour - quiet)
		}
	}
	if n := len(o.sim.fleet.devices); n < 500 {
		t.Errorf("only %d devices in half a year: nothing came", n)
	}
	if late < 26 { // of 26 Fridays and four policies
		t.Errorf("the assignment status report was late on %d Fridays: its lag was not tried", late)
	}
}

func (o *counter) check() {
	o.Helper()
	o.devices = o.sim.Snapshot(true).Devices
	o.checkLists()
	for _, p := range o.policies {
		o.checkStatus(p)
		o.checkAssigned(p)
	}
	o.checkAggregates()
	o.checkSettings()
	o.checkDeviceSummary()
	o.checkGroups()
	o.checkApps()
	o.checkRuns()
}

func (o *counter) checkLists() {
	o.Helper()
	directory, managed, states := map[string]int{}, map[string]int{}, map[string]int{}
	systems := map[string]int{"windows": 0, "macOS": 0, "iOS": 0, "android": 0, "all": 0}
	for _, d := range o.devices {
		if d.Facts.InDirectory {
			directory[d.ObjectID+fmt.Sprint(d.Facts.AccountEnabled, d.Name)]++
		} else if len(d.Facts.Groups) > 0 {
			o.Errorf("%s is in groups and not in the directory", d.Name)
		}
		if d.ManagedID != "" {
			managed[d.ManagedID+d.Facts.DeviceID+d.Facts.ManagementState]++
			states[d.ManagedID+strings.ToLower(d.Facts.ManagementState)]++
			systems[d.Facts.Platform]++
			systems["all"]++
		}
	}
	got := map[string]int{}
	for _, d := range o.all("/v1.0/devices?$select=id,accountEnabled,displayName&$top=999") {
		got[text(d, "id")+fmt.Sprint(d["accountEnabled"], text(d, "displayName"))]++
	}
	o.same("devices", directory, got)
	got = map[string]int{}
	for _, d := range o.all("/v1.0/deviceManagement/managedDevices?$select=id,azureADDeviceId,managementState") {
		got[text(d, "id")+text(d, "azureADDeviceId")+text(d, "managementState")]++
	}
	o.same("managed devices", managed, got)
	o.same("Devices export", states, tally(o.report("Devices", ""), func(r map[string]string) string {
		return r["DeviceId"] + strings.ToLower(strings.ReplaceAll(r["ManagementState_loc"], " ", ""))
	}))
	overview := o.want(200, "GET", "/v1.0/deviceManagement/managedDeviceOverview", nil)
	summary, _ := overview["deviceOperatingSystemSummary"].(map[string]any)
	number := func(v any) int { return int(v.(float64)) }
	o.same("overview", systems, map[string]int{"windows": number(summary["windowsCount"]), "macOS": number(summary["macOSCount"]),
		"iOS": number(summary["iosCount"]), "android": number(summary["androidCount"]), "all": number(overview["enrolledDeviceCount"])})
}

// checkStatus: one row for each device and user, and no other; the same by action.
func (o *counter) checkStatus(p countedPolicy) {
	o.Helper()
	want := map[string]int{}
	for _, d := range o.managed() {
		for _, r := range d.Facts.Results {
			if r.Policy != p.id {
				continue
			}
			want[fmt.Sprint(d.ManagedID, " ", r.User, " ", r.Status)]++
			if d.Facts.SystemAccount && r.User != "" && r.User == d.Facts.PrimaryUser {
				want[fmt.Sprint(d.ManagedID, "  ", r.Status)]++
			}
		}
	}
	rows := o.report("DeviceStatusesByConfigurationProfile", "(PolicyId eq '"+p.id+"')", "IntuneDeviceId", "UPN", "PolicyStatus")
	o.same("status report", want, tally(rows, func(r map[string]string) string {
		user := ""
		if i, known := o.sim.findUser(r["UPN"]); known {
			user = o.sim.users[i].id.String()
		}
		return r["IntuneDeviceId"] + " " + user + " " + r["PolicyStatus"]
	}))
	once := tally(rows, func(r map[string]string) string { return r["IntuneDeviceId"] + r["UPN"] })
	for key, n := range once {
		if n != 1 {
			o.Errorf("%d rows of %s", n, key)
		}
	}
	if got := len(o.action(reportsPath+"getConfigurationPolicyDevicesReport", object{"filter": "(PolicyId eq '" + p.id + "')", "top": 9999, "skip": 0})); got != len(rows) {
		o.Errorf("the action shows %d rows, the export %d", got, len(rows))
	}
}

// assigned is the status of each device that the policy reaches.
func (o *counter) assigned(p countedPolicy) map[string]int {
	out := map[string]int{}
	for _, d := range o.managed() {
		if d.Facts.Platform == "windows" && o.reaches(p, d.Facts) {
			out[d.ManagedID], _ = worstOf(d, p.id)
		}
	}
	return out
}

// assignedNow is assigned as of this moment.
func (o *counter) assignedNow(p countedPolicy) map[string]int {
	o.devices = o.sim.Snapshot(true).Devices
	return o.assigned(p)
}

// shownAssigned is what the assignment status report shows, each device once.
func (o *counter) shownAssigned(p countedPolicy) map[string]int {
	o.Helper()
	got := map[string]int{}
	for _, r := range o.report("DeviceAssignmentStatusByConfigurationPolicy", "(PolicyId eq '"+p.id+"')") {
		status, err := strconv.Atoi(r["AssignmentStatus"])
		if _, twice := got[r["IntuneDeviceId"]]; twice || err != nil {
			o.Errorf("row %v: twice %t, %v", r, twice, err)
		}
		got[r["IntuneDeviceId"]] = status
	}
	return got
}

func (o *counter) checkAssigned(p countedPolicy) {
	o.Helper()
	o.same("assignment status", o.assigned(p), o.shownAssigned(p))
}

// countColumns are the statuses that a column counts.
var countColumns = map[string][]int{"NumberOfCompliantDevices": {2, 3}, "NumberOfConflictDevices": {6}, "NumberOfErrorDevices": {5},
	"NumberOfInProgressDevices": {0}, "NumberOfNonCompliantDevices": {4}, "NumberOfNotApplicableDevices": {1}}

func addCounts(into map[string]int, key string, statuses map[string]int, columns ...string) {
	for _, name := range columns {
		n := 0
		for _, status := range statuses {
			n += boolInt(slices.Contains(countColumns[name], status))
		}
		into[key+" "+name] = n
	}
}

func readCounts(into map[string]int, key string, r map[string]string, columns ...string) {
	for _, name := range columns {
		n, err := strconv.Atoi(r[name])
		if err != nil {
			n = -1
		}
		into[key+" "+name] = n
	}
}

func (o *counter) checkAggregates() {
	o.Helper()
	columns := sortedKeys(countColumns)
	want, got, byAction := map[string]int{}, map[string]int{}, map[string]int{}
	for _, p := range o.policies {
		addCounts(want, p.id, o.assigned(p), columns...)
	}
	for _, r := range o.report("ConfigurationPolicyDeviceAggregates", "") {
		readCounts(got, r["PolicyId"], r, columns...)
	}
	o.same("aggregates", want, got)
	for _, r := range o.action(reportsPath+"getConfigurationPolicyDeviceSummaryReport", object{"top": 50, "skip": 0}) {
		for _, name := range columns {
			byAction[text(r, "PolicyId")+" "+name] = int(r[name].(float64))
		}
	}
	o.same("summary", want, byAction)
	today := map[string]int{}
	for _, r := range o.action(reportsPath+"getHistoricalReport", object{"name": "ConfigurationPolicyDeviceAggregates", "top": 50, "skip": 0,
		"filter": "(Date eq '" + o.sim.Now().UTC().Format(time.DateOnly) + "')"}) {
		for _, name := range columns {
			today[text(r, "PolicyId")+" "+name] = int(r[name].(float64))
		}
	}
	o.same("history of today", want, today)
}

// settingStatus is what one setting of a policy comes to: in a conflict only what
// another assigned policy sets otherwise.
func (o *counter) settingStatus(p countedPolicy, setting string, status int) int {
	if status != 6 {
		return status
	}
	for _, q := range o.policies {
		if value, both := q.values[setting]; both && value != p.values[setting] {
			return 6
		}
	}
	return 2
}

func (o *counter) checkSettings() {
	o.Helper()
	columns := []string{"NumberOfCompliantDevices", "NumberOfConflictDevices", "NumberOfErrorDevices"}
	want, got := map[string]int{}, map[string]int{}
	for _, p := range o.policies {
		for setting := range p.values {
			statuses := map[string]int{}
			for _, d := range o.managed() {
				if status, found := worstOf(d, p.id); found {
					statuses[d.ManagedID] = o.settingStatus(p, setting, status)
				}
			}
			addCounts(want, p.id+setting, statuses, columns...)
		}
		for _, r := range o.report("PerSettingDeviceSummaryByConfigurationPolicy", "(PolicyId eq '"+p.id+"')") {
			readCounts(got, r["PolicyId"]+r["SettingId"], r, columns...)
		}
	}
	o.same("settings", want, got)
}

func (o *counter) checkDeviceSummary() {
	o.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, d := range o.managed() {
		for _, p := range o.policies {
			if status, found := worstOf(d, p.id); found {
				for name, statuses := range countColumns {
					want[d.ManagedID+strings.TrimSuffix(name, "Devices")] += boolInt(slices.Contains(statuses, status))
				}
			}
		}
	}
	for _, r := range o.action(reportsPath+"getDeviceConfigurationPolicyStatusSummary", object{"top": 2000, "skip": 0}) {
		for name := range countColumns {
			name = strings.TrimSuffix(name, "Devices")
			got[text(r, "IntuneDeviceId")+name] = int(r[name+"Policies"].(float64))
		}
	}
	o.same("policies by device", want, got)
}

func (o *counter) checkGroups() {
	o.Helper()
	for _, name := range []string{"everybody", "early", "pilot"} {
		id := o.groupID(name)
		want, got := map[string]int{}, map[string]int{}
		for _, d := range o.devices {
			if slices.Contains(d.Facts.Groups, id) {
				want[d.ObjectID]++
			}
		}
		for _, d := range o.all("/v1.0/groups/" + id + "/members/microsoft.graph.device?$select=id&$top=999") {
			got[text(d, "id")]++
		}
		o.same("members of "+name, want, got)
		if n := o.count("/v1.0/groups/" + id + "/members/microsoft.graph.device/$count"); n != fmt.Sprint(len(want)) {
			o.Errorf("%s: $count %s, want %d", name, n, len(want))
		}
	}
}

func (o *counter) checkApps() {
	o.Helper()
	want, rows, detected, totals := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range o.managed() {
		for _, a := range d.Facts.Apps {
			want[a]++
		}
	}
	for _, r := range o.report("AppInvRawData", "") {
		rows[r["ApplicationName"]+" "+r["ApplicationVersion"]]++
	}
	o.same("app inventory", want, rows)
	for _, a := range o.all("/v1.0/deviceManagement/detectedApps") {
		detected[text(a, "displayName")+" "+text(a, "version")] += int(a["deviceCount"].(float64))
	}
	o.same("detected apps", want, detected)
	for _, r := range o.report("AppInvAggregate", "") {
		n, err := strconv.Atoi(r["DeviceCount"])
		if err != nil {
			o.Fatal(err)
		}
		totals[r["ApplicationName"]+" "+r["ApplicationVersion"]] += n
	}
	o.same("app totals", want, totals)
}

func (o *counter) checkRuns() {
	o.Helper()
	want, got := map[string]int{}, map[string]int{}
	counts := map[string]int{"noIssueDetectedDeviceCount": 0, "issueDetectedDeviceCount": 0, "issueRemediatedDeviceCount": 0, "detectionScriptPendingDeviceCount": 0}
	for _, d := range o.managed() {
		for _, r := range d.Facts.Runs {
			want[d.ManagedID+" "+r.Detection+" "+r.Repair]++
			counts["noIssueDetectedDeviceCount"] += boolInt(r.Detection == "success")
			counts["issueDetectedDeviceCount"] += boolInt(r.Detection == "fail")
			counts["issueRemediatedDeviceCount"] += boolInt(r.Repair == "success")
		}
		if len(d.Facts.Runs) == 0 && d.Facts.Platform == "windows" && slices.Contains(d.Facts.Groups, o.scripted) {
			counts["detectionScriptPendingDeviceCount"]++
		}
	}
	for _, r := range o.all(scriptsPath + "/" + o.script + "/deviceRunStates") {
		_, device, _ := strings.Cut(text(r, "id"), ":")
		got[device+" "+text(r, "detectionState")+" "+text(r, "remediationState")]++
	}
	o.same("run states", want, got)
	summary := o.want(200, "GET", scriptsPath+"/"+o.script+"/runSummary", nil)
	shows := map[string]int{}
	for name := range counts {
		shows[name] = int(summary[name].(float64))
	}
	o.same("run summary", counts, shows)
	exported := o.report("DeviceRunStatesByProactiveRemediation", "(PolicyId eq '"+o.script+"')")
	if len(exported) != cmp.Or(len(want), -1) {
		o.Errorf("%d exported run states, want %d", len(exported), len(want))
	}
}
