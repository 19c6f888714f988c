// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// The item sweep: in every place where many items are read from the tenant or written to it, one of them is refused, gone, of
// another kind or unreadable, in every phase of a wave. The others go on, the odd one is named in status, and P1 holds. The
// default is a part of the cases; TIDEGATE_SWEEP=all runs all.

// itemShare is to the item sweep what sweepShare is to the foreign edits.
const itemShare = 13

// The first two phases; sweepPhases has the others.
const (
	fromTheStart    = "from the start"
	beforeAdmission = "before admission"
)

var everyPhase = []string{fromTheStart, beforeAdmission, "first batch", "baking", "succeeded", "second revision"}

// oddItem is one way in which one item of many is other than the rest.
type oddItem struct {
	name string
	// method of graph.Client that reads or writes the many.
	method string
	// faults make the odd item; nil where there is none in this phase.
	faults func(*itemSweep) []tenantsim.Fault
	// says is what status has to name of it; empty for an item that nothing relies on, or whose absence nobody can see.
	says string
	// only are the phases in which status has to name it; nil stands for all.
	only []string
	// stops says that by a promise the wave waits for this one item: in these phases, and why. The item is named then, and
	// what it was good for goes on once it is as the others.
	stops []string
	why   string
}

// itemSweep is a lab in which one item is odd.
type itemSweep struct {
	*sweeper
	// device is the odd one: directory object and Intune record.
	device, record string
}

func (s *itemSweep) oddDevice() {
	id := s.membersOf(s.groupID("A"))[3]
	for _, d := range s.sim.Snapshot(true).Devices {
		if d.ObjectID == id {
			s.device, s.record = d.ObjectID, d.ManagedID
		}
	}
}

// listed spoils the item of a list that holds a text.
func listed(route string, with func(*itemSweep) string, odd tenantsim.OddItem) func(*itemSweep) []tenantsim.Fault {
	return func(s *itemSweep) []tenantsim.Fault {
		item := odd
		if item.With = with(s); item.With == "" {
			return nil
		}
		return []tenantsim.Fault{{Mode: tenantsim.FaultItem, Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: route}, Item: &item}}
	}
}

// answered makes the tenant answer a request that names one item with an error.
func answered(status int, code, method, route string, body func(*itemSweep) string) func(*itemSweep) []tenantsim.Fault {
	return func(s *itemSweep) []tenantsim.Fault {
		text := body(s)
		if text == "" {
			return nil
		}
		answer := fmt.Sprintf(`{"error":{"code":%q,"message":"not this one"}}`, code)
		return []tenantsim.Fault{{Mode: tenantsim.FaultStatus, Status: status, Body: &answer, Match: tenantsim.FaultMatch{Method: method, Route: route, Body: text}}}
	}
}

func theDevice(s *itemSweep) string { return s.device }
func theRecord(s *itemSweep) string { return s.record }
func theAllow(s *itemSweep) string  { return s.allow }
func theHold(s *itemSweep) string   { return s.hold }

func set(name string, value any) tenantsim.OddItem {
	return tenantsim.OddItem{Set: map[string]any{name: value}}
}

const (
	kindUser  = "#microsoft.graph.user"
	kindGroup = "#microsoft.graph.group"
)

func oddItems() []oddItem {
	return slices.Concat(oddMembers(), oddDevices(), oddReports(), oddObjects(), oddWrites())
}

func oddMembers() []oddItem {
	const managed, transitive = "/v1.0/groups/*/members", "/v1.0/groups/*/transitiveMembers"
	exposed := []string{"baking", "succeeded"}
	return []oddItem{
		{name: "members/unreadable", method: "Members", faults: listed(managed, theDevice, set("id", 7)), says: "it cannot be told who they are", only: exposed},
		{name: "members/other kind", method: "Members", faults: listed(managed, theDevice, set("@odata.type", kindUser))},
		{name: "population/unreadable", method: "TransitiveMembers", faults: listed(transitive, theDevice, set("id", 7)), says: v1alpha1.ReasonUnreadable},
		{name: "population/other kind", method: "TransitiveMembers", faults: listed(transitive, theDevice, set("@odata.type", kindUser)), says: v1alpha1.ReasonWrongKind,
			stops: everyPhase, why: "P1: Intune applies no exclusion across kinds"},
		{name: "population/no longer there", method: "TransitiveMembers", faults: listed(transitive, theDevice, set("@odata.type", kindGroup))},
		{name: "population/gone", method: "TransitiveMembers", faults: listed(transitive, theDevice, tenantsim.OddItem{Gone: true})},
		{name: "group names/unreadable", method: "GroupsByDisplayName", faults: listed("/v1.0/groups", func(*itemSweep) string { return "Everyone" }, set("groupTypes", 7)),
			says: "name the group by id", stops: everyPhase, why: "a guess would target the wrong people"},
	}
}

func oddDevices() []oddItem {
	const entra, managed, encryption = "/v1.0/devices", "/v1.0/deviceManagement/managedDevices", "/beta/deviceManagement/managedDeviceEncryptionStates"
	return []oddItem{
		{name: "directory/unreadable", method: "EntraDevices", faults: listed(entra, theDevice, set("isManaged", "perhaps")), says: "of the devices of the directory, 1"},
		{name: "directory/without id", method: "EntraDevices", faults: listed(entra, theDevice, set("id", 7)), says: "of the devices of the directory, 1"},
		{name: "directory/null", method: "EntraDevices", faults: listed(entra, theDevice, tenantsim.OddItem{Null: true}), says: "of the devices of the directory, 1"},
		{name: "directory/gone", method: "EntraDevices", faults: listed(entra, theDevice, tenantsim.OddItem{Gone: true})},
		{name: "records/unreadable", method: "ManagedDevices", faults: listed(managed, theRecord, set("isEncrypted", "perhaps")), says: "of the managed devices, 1"},
		{name: "records/without id", method: "ManagedDevices", faults: listed(managed, theRecord, set("id", 7)), says: "of the managed devices, 1"},
		{name: "records/no time", method: "ManagedDevices", faults: listed(managed, theRecord, set("lastSyncDateTime", "yesterday")), says: "of the managed devices, 1"},
		{name: "records/other kind", method: "ManagedDevices", faults: listed(managed, theRecord, set("managementState", "beyondRepair"))},
		{name: "records/gone", method: "ManagedDevices", faults: listed(managed, theRecord, tenantsim.OddItem{Gone: true})},
		{name: "encryption/unreadable", method: "EncryptionStates", faults: listed(encryption, theRecord, set("id", 7)), says: "of the encryption report, 1"},
		{name: "encryption/gone", method: "EncryptionStates", faults: listed(encryption, theRecord, tenantsim.OddItem{Gone: true})},
	}
}

func oddReports() []oddItem {
	const files, jobs = "/_blob/**", "/v1.0/deviceManagement/reports/exportJobs"
	row := func(column string, value any) func(*itemSweep) []tenantsim.Fault {
		return listed(files, theRecord, set(column, value))
	}
	reported := []string{"baking", "succeeded"}
	return []oddItem{
		{name: "versions/unreadable", method: "Export", faults: row("DeviceId", "n/a"), says: "of report AppInvRawData, 1"},
		{name: "versions/other columns", method: "Export", faults: listed(files, theRecord, tenantsim.OddItem{Drop: []string{"ApplicationVersion"}}), says: "of report AppInvRawData, 1"},
		{name: "reports/unreadable", method: "Export", faults: row("PolicyStatus", "Succeeded"), says: `of report \w+ of policy [-0-9a-f]+, 1`, only: reported},
		{name: "reports/no device", method: "Export", faults: row("IntuneDeviceId", "n/a"), says: `of report \w+ of policy [-0-9a-f]+, 1`, only: reported},
		{name: "reports/gone", method: "Export", faults: listed(files, theRecord, tenantsim.OddItem{Gone: true})},
		{name: "reports of hold/refused", method: "Export", faults: answered(http.StatusForbidden, "Forbidden", http.MethodPost, jobs, theHold), says: "without the report of policy object"},
		{name: "reports of revision/refused", method: "Export", faults: answered(http.StatusForbidden, "Forbidden", http.MethodPost, jobs, theAllow), says: "without the report of policy object",
			stops: everyPhase, why: "P4: nothing is known of the revision"},
	}
}

func oddObjects() []oddItem {
	const policies, definitions = "/beta/deviceManagement/configurationPolicies", "/beta/deviceManagement/configurationSettings"
	return []oddItem{
		{name: "policies/unreadable", method: "ConfigurationPolicies", faults: listed(policies, theAllow, set("settingCount", "many"))},
		{name: "policies/null", method: "ConfigurationPolicies", faults: listed(policies, theAllow, tenantsim.OddItem{Null: true})},
		{name: "settings/unreadable", method: "PolicySettings", faults: listed(policies+"/*/settings", func(s *itemSweep) string {
			if s.allow == "" {
				return ""
			}
			return "settingInstance"
		}, set("settingInstance", 7)), says: v1alpha1.ReasonSettingsEdited, stops: everyPhase, why: "P14: what devices have is not known"},
		{name: "assignments/unreadable", method: "Assignments", faults: func(s *itemSweep) []tenantsim.Fault {
			if s.allow == "" {
				return nil
			}
			assigned(with(includes, "Other"))(s.sweeper, s.allow)
			return listed(policies+"/*/assignments", func(s *itemSweep) string { return s.groupID("Other") }, tenantsim.OddItem{Drop: []string{"target"}})(s)
		}, says: "cannot be read whom it reaches", stops: everyPhase, why: "P1: it may reach devices of another level"},
		{name: "definitions/unreadable", method: "SettingDefinitions", faults: listed(definitions, func(*itemSweep) string { return tenantsim.PasskeysWindowsDevice }, set("options", "none")),
			says: "cannot be read", only: []string{fromTheStart}, stops: []string{fromTheStart}, why: "what is not known is not written"},
	}
}

func oddWrites() []oddItem {
	const group = "/v1.0/groups/*"
	refused := func(status int, code string) func(*itemSweep) []tenantsim.Fault {
		return answered(status, code, http.MethodPatch, group, theDevice)
	}
	early := []string{fromTheStart, beforeAdmission}
	return []oddItem{
		{name: "add/refused", method: "AddMembers", faults: refused(http.StatusForbidden, "Authorization_RequestDenied"), says: "1 of them were refused by the tenant", only: early},
		{name: "add/gone", method: "AddMembers", faults: refused(http.StatusNotFound, "Request_ResourceNotFound"), says: "1 of them were refused by the tenant", only: early},
		{name: "add/other kind", method: "AddMembers", faults: refused(http.StatusBadRequest, "Request_BadRequest"), says: "1 of them were refused by the tenant", only: early},
		{name: "remove/refused", method: "RemoveMembers", faults: func(s *itemSweep) []tenantsim.Fault {
			if s.group == "" {
				return nil
			}
			s.oddAll = true // a stranger is in the group, and stays
			stranger := s.stranger()
			answer := `{"error":{"code":"Authorization_RequestDenied","message":"not this one"}}`
			return []tenantsim.Fault{{Mode: tenantsim.FaultStatus, Status: http.StatusForbidden, Body: &answer,
				Match: tenantsim.FaultMatch{Method: http.MethodDelete, Route: group + "/members/" + stranger + "/$ref"}}}
		}, says: "remove (them|it) there by hand", stops: []string{beforeAdmission, "first batch", "baking", "second revision"}, why: "P2: somebody has what no wave gave"},
		{name: "assign/unreadable answer", method: "Assign", faults: func(s *itemSweep) []tenantsim.Fault {
			return []tenantsim.Fault{{Mode: tenantsim.FaultItem, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: "/beta/deviceManagement/configurationPolicies/*/assign"},
				Item: &tenantsim.OddItem{Drop: []string{"target"}}}}
		}},
	}
}

// said is everything that status says.
func (s *itemSweep) said() string {
	raw, _ := json.Marshal([]any{s.tenant().Status, s.policy().Status, s.wave("a").Status, s.wave("b").Status}) //nolint:errchkjson // plain types
	return string(raw)
}

// wentOn says that the others went on: the wave came to its end; one that had come there is followed by the next.
func (s *itemSweep) wentOn(phase string) bool {
	if phase == "succeeded" {
		b := s.wave("b").Status
		return b.Devices.Exposed > 0 && s.inPhase("a", v1alpha1.PhaseSucceeded)()
	}
	w := s.wave("a").Status
	return w.Phase == v1alpha1.PhaseSucceeded && (phase != "second revision" || w.Revision == 2)
}

func TestItemSweep(t *testing.T) {
	phases := append([]struct {
		name string
		to   func(*sweeper)
	}{{fromTheStart, func(*sweeper) {}}}, sweepPhases...)
	n := 0
	for _, phase := range phases {
		for _, odd := range oddItems() {
			if n++; n%itemShare != 0 && os.Getenv("TIDEGATE_SWEEP") != "all" {
				continue
			}
			t.Run(odd.name+"/"+phase.name, func(t *testing.T) {
				t.Parallel()
				sweepItem(t, phase.name, phase.to, odd)
			})
		}
	}
}

func sweepItem(t *testing.T, phase string, to func(*sweeper), odd oddItem) {
	s := &itemSweep{sweeper: &sweeper{lab: newLab(t, calm(group("A", 24), group("B", 24), group("Other", 6)))}}
	s.apply(s.newTenant(), newPolicy(), newWave("a", "A"), newWave("b", "B", "a"))
	b := s.wave("b")
	s.edit(b, func() { b.Spec.Paused = true })
	to(s.sweeper)
	s.oddDevice()
	if phase != fromTheStart {
		s.find()
	}
	faults := odd.faults(s)
	if faults == nil {
		t.Skip("there is no such item yet")
	}
	if err := s.sim.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	s.edit(b, func() { b.Spec.Paused = phase != "succeeded" })
	stops := slices.Contains(odd.stops, phase)
	went, named := s.watch(odd, phase, stops)
	if hits := s.sim.Faults()[0].Hits; hits == 0 {
		t.Logf("nothing asked for the odd item in this phase")
		return
	}
	if must := odd.only == nil || slices.Contains(odd.only, phase); odd.says != "" && must && !named {
		t.Errorf("P6 silent: nothing in status matches %q: %s\n%s", odd.says, s.stand(), s.said())
	}
	if went == stops {
		t.Errorf("the others went on: %t, want %t (%s): %s", went, !stops, odd.why, s.stand())
	}
	if !stops {
		return
	}
	if err := s.sim.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	if s.undo != nil { // what is odd about it was somebody's edit
		s.undo()
	}
	s.until("what waited for the odd item goes on", 150, func() bool { return s.wentOn(phase) })
}

// watch lets the odd item stand until the others went on, or for long enough to see that they wait for it.
func (s *itemSweep) watch(odd oddItem, phase string, stops bool) (went, named bool) {
	s.t.Helper()
	limit := 120
	if stops {
		limit = 36
	}
	want := regexp.MustCompile(odd.says)
	for range limit {
		s.pass(time.Hour)
		s.one("with an odd item")
		named = named || want.MatchString(s.said())
		if went = s.wentOn(phase); went {
			return went, named
		}
	}
	return went, named
}

// unswept are methods of graph.Client for many items that no case of the sweep is about, and why.
var unswept = map[string]string{
	"OperationApprovalRequests": "internal/observe: TestApproval; the lab has no tenant with approvals",
}

// TestItemSweepIsComplete: whatever the product reads or writes many of, the sweep has a case for.
func TestItemSweepIsComplete(t *testing.T) {
	swept := map[string]bool{}
	for _, odd := range oddItems() {
		swept[odd.method] = true
	}
	used := callsOfTheProduct(t)
	client := reflect.TypeFor[*graph.Client]()
	for i := range client.NumMethod() {
		m := client.Method(i)
		switch covered := swept[m.Name] || unswept[m.Name] != ""; {
		case !isMany(m.Type):
		case used[m.Name] && !covered:
			t.Errorf("the product calls graph.Client.%s, which is about many items, and no case of TestItemSweep is about it", m.Name)
		case !used[m.Name] && covered:
			t.Errorf("a case of TestItemSweep is about graph.Client.%s, which the product does not call", m.Name)
		}
		delete(swept, m.Name)
	}
	if len(swept) > 0 {
		t.Errorf("cases about methods that graph.Client does not have: %v", swept)
	}
}

// isMany says that a method takes or gives many items: a slice, or a function for each.
func isMany(m reflect.Type) bool {
	many := func(t reflect.Type) bool {
		return t.Kind() == reflect.Func || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
	}
	for i := 1; i < m.NumIn(); i++ { // 0 is the receiver
		if many(m.In(i)) {
			return true
		}
	}
	return m.NumOut() > 0 && m.Out(0) != reflect.TypeFor[context.Context]() && many(m.Out(0))
}

// callsOfTheProduct are the names of all methods that the product's packages call, those of the client among them.
func callsOfTheProduct(t *testing.T) map[string]bool {
	t.Helper()
	called := map[string]bool{}
	call := regexp.MustCompile(`\.([A-Z]\w*)\(`)
	for _, dir := range []string{".", "../internal/observe", "../internal/execute", "../internal/fleet"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range call.FindAllStringSubmatch(string(text), -1) {
				called[m[1]] = true
			}
		}
	}
	return called
}
