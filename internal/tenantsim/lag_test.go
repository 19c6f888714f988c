// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

func (t *tenant) scenario(change func(*Scenario)) {
	t.Helper()
	sc := t.sim.Scenario()
	change(&sc)
	if err := t.sim.SetScenario(sc); err != nil {
		t.Fatal(err)
	}
}

func hours(n int) LagRange { return Fixed(time.Duration(n) * time.Hour) }

// TestPolicyReadLag: by id and in lists, creates, updates and deletes show up
// each at their own time, and writes meet the true state.
func TestPolicyReadLag(t *testing.T) {
	sc := quiet()
	sc.Lag = &Lag{Read: hours(1), List: hours(2)}
	tt := newTenant(t, Options{Devices: 10, Scenario: sc})
	listed := func() string {
		var names []string
		for _, p := range tt.all(policiesPath) {
			names = append(names, text(p, "name"))
		}
		return strings.Join(names, ",")
	}
	id := tt.createPolicy(allowBody("one"))
	path := policiesPath + "/" + id
	tt.want(404, "GET", path, nil)
	tt.want(404, "GET", path+"/settings", nil)
	tt.want(404, "POST", path+"/assign", object{"assignments": []object{}})
	tt.advance(time.Hour)
	tt.want(200, "GET", path, nil)
	if got := listed(); got != "" {
		t.Errorf("the list shows %q while get already does", got)
	}
	tt.advance(time.Hour)
	if got := listed(); got != "one" {
		t.Errorf("list %q", got)
	}

	if got := text(tt.want(200, "PATCH", path, object{"name": "two"}), "name"); got != "two" {
		t.Errorf("the answer of PATCH shows %q", got)
	}
	tt.want(204, "PUT", path, holdBody("three"))
	if got := text(tt.want(200, "GET", path, nil), "name"); got != "one" {
		t.Errorf("read too early: %q", got)
	}
	tt.advance(time.Hour)
	if got := text(tt.want(200, "GET", path, nil), "name"); got != "three" || listed() != "one" {
		t.Errorf("get %q, list %q", got, listed())
	}
	if found := tt.all(policiesPath + "?$filter=name eq 'three'"); len(found) != 0 {
		t.Errorf("the filter saw the future: %v", found)
	}
	tt.advance(time.Hour)
	if found := tt.all(policiesPath + "?$filter=name eq 'three'"); len(found) != 1 {
		t.Errorf("filter: %v", found)
	}

	tt.assign(id, groupTarget(tt.groupID("Tidegate Canary")))
	if n := len(objects(tt.want(200, "GET", path+"/assignments", nil)["value"])); n != 0 {
		t.Errorf("%d assignments too early", n)
	}
	tt.advance(2 * time.Hour)
	tt.want(204, "DELETE", path, nil)
	tt.want(200, "GET", path, nil)
	tt.want(404, "DELETE", path, nil)
	tt.advance(time.Hour)
	tt.want(404, "GET", path, nil)
	if got := listed(); got != "three" {
		t.Errorf("the list after a delete: %q", got)
	}
	tt.advance(time.Hour)
	if got := listed(); got != "" {
		t.Errorf("the list in the end: %q", got)
	}
}

// TestGroupReadLag: an upsert meets the truth at once, so that it never makes a
// twin, while reads still say 404.
func TestGroupReadLag(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: Scenario{Lag: &Lag{Read: hours(1), List: hours(3)}}})
	upsert := func(name string) int {
		body := groupBody("wave")
		body["displayName"] = name
		return tt.do("PATCH", "/v1.0/groups(uniqueName='w')", body, "Prefer", "create-if-missing").Code
	}
	if code := upsert("wave"); code != 201 {
		t.Fatalf("first upsert: %d", code)
	}
	tt.want(404, "GET", "/v1.0/groups(uniqueName='w')", nil)
	tt.advance(time.Hour)
	id := text(tt.want(200, "GET", "/v1.0/groups(uniqueName='w')", nil), "id")
	if code := upsert("renamed"); code != 204 {
		t.Errorf("second upsert: %d", code)
	}
	if got := text(tt.want(200, "GET", "/v1.0/groups/"+id, nil), "displayName"); got != "wave" {
		t.Errorf("read too early: %q", got)
	}
	tt.want(204, "DELETE", "/v1.0/groups/"+id, nil)
	tt.want(200, "GET", "/v1.0/groups/"+id, nil)
	tt.advance(time.Hour)
	tt.want(404, "GET", "/v1.0/groups/"+id, nil)
	seen := func() bool {
		return slices.ContainsFunc(tt.all("/v1.0/groups"), func(g map[string]any) bool { return g["id"] == id })
	}
	if seen() {
		t.Error("the list shows the group two hours after it was made, at a lag of three")
	}
	tt.advance(time.Hour)
	if !seen() {
		t.Error("the list does not show the group as it was three hours ago")
	}
}

// TestMemberLag: member lists, $count and Intune's targets follow a change of
// members each after their own time.
func TestMemberLag(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 5})
	push := 0.0
	sc.PushPercent = &push
	sc.CheckinInterval = Duration(30 * time.Minute)
	sc.Lag = &Lag{Members: hours(1), Index: hours(2), Targeting: hours(6)}
	tt := newTenant(t, Options{Devices: 20, Scenario: sc})
	group := tt.groupID("g")
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(group))
	var outside string
	members := tt.all("/v1.0/groups/" + group + "/members")
	for _, d := range tt.all("/v1.0/devices?$filter=operatingSystem eq 'Windows'") {
		if !slices.ContainsFunc(members, func(m map[string]any) bool { return m["id"] == d["id"] }) {
			outside = text(d, "id")
			break
		}
	}
	tt.addMember(204, group, outside)
	if code, _ := tt.errorOf(400, "POST", "/v1.0/groups/"+group+"/members/$ref", object{"@odata.id": tt.memberURL(outside)}); code != odata.CodeRequestBadRequest {
		t.Errorf("a write does not see the truth: %s", code)
	}
	check := func(after string, listed int, counted string, targeted int) {
		t.Helper()
		got := fmt.Sprint(len(tt.all("/v1.0/groups/"+group+"/members")), " ", tt.count("/v1.0/groups/"+group+"/members/$count"), " ", tt.sim.Snapshot(false).Policies[0].Targeted)
		if want := fmt.Sprint(listed, " ", counted, " ", targeted); got != want {
			t.Errorf("%s: members, $count, targeted are %s, want %s", after, got, want)
		}
	}
	check("at once", 5, "5", 5)
	tt.advance(time.Hour)
	check("after 1h", 6, "5", 5)
	tt.advance(time.Hour)
	check("after 2h", 6, "6", 5)
	tt.advance(4 * time.Hour)
	check("after 6h", 6, "6", 6)
	tt.advance(2 * time.Hour)
	if got := tt.status("p")["Succeeded"]; got != 6 && got != 5 { // one of the five may be a Mac
		t.Errorf("%v", tt.status("p"))
	}
	tt.want(204, "DELETE", "/v1.0/groups/"+group+"/members/"+outside+"/$ref", nil)
	check("after removal", 6, "6", 6)
	tt.advance(6 * time.Hour)
	check("6h after removal", 5, "5", 5)
}

// TestTargetingLagKeepsOrder: two changes reach Intune one after the other.
func TestTargetingLagKeepsOrder(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", From: "windows"})
	sc.Lag = &Lag{Targeting: hours(4)}
	tt := newTenant(t, Options{Devices: 20, Scenario: sc})
	group := tt.groupID("g")
	devices := tt.all("/v1.0/devices")
	tt.assign(tt.createPolicy(allowBody("p")), groupTarget(group))
	tt.addMember(204, group, text(devices[0], "id"))
	tt.advance(time.Hour)
	tt.addMember(204, group, text(devices[1], "id"))
	if got := tt.sim.Snapshot(false).Policies[0].Targeted; got != 0 {
		t.Errorf("before any change arrived: %d", got)
	}
	tt.advance(3 * time.Hour)
	if got := tt.sim.Snapshot(false).Policies[0].Targeted; got != 1 {
		t.Errorf("after the first change arrived: %d", got)
	}
	tt.advance(time.Hour)
	if got := tt.sim.Snapshot(false).Policies[0].Targeted; got != 2 {
		t.Errorf("after both arrived: %d", got)
	}
}

func TestDeletedGroups(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5})})
	id := tt.groupID("g")
	const bin = "/v1.0/directory/deletedItems"
	tt.want(404, "GET", bin+"/"+id, nil)
	tt.want(204, "DELETE", "/v1.0/groups/"+id, nil)
	if list := tt.all(bin + "/microsoft.graph.group?$filter=displayName eq 'g'"); len(list) != 1 || list[0]["deletedDateTime"] == nil {
		t.Errorf("bin %v", list)
	}
	if got := tt.want(200, "GET", bin+"/"+id, nil); got["@odata.type"] != "#microsoft.graph.group" {
		t.Errorf("%v", got)
	}
	if got := tt.want(200, "POST", bin+"/"+id+"/restore", nil); got["deletedDateTime"] != nil {
		t.Errorf("restored %v", got)
	}
	if n := len(tt.all("/v1.0/groups/" + id + "/members")); n != 5 {
		t.Errorf("%d members after the restore", n)
	}
	tt.want(404, "POST", bin+"/"+id+"/restore", nil)
	upsert := func(want int) {
		t.Helper()
		tt.want(want, "PATCH", "/v1.0/groups(uniqueName='u')", groupBody("u"), "Prefer", "create-if-missing")
	}
	upsert(201)
	held := tt.groupID("u")
	tt.want(204, "DELETE", "/v1.0/groups/"+held, nil)
	upsert(409) // contract g: the name is held until the purge
	tt.want(204, "DELETE", bin+"/"+held, nil)
	upsert(201)
	tt.want(204, "DELETE", "/v1.0/groups/"+id, nil)
	tt.advance(31 * 24 * time.Hour)
	if list := tt.all(bin + "/microsoft.graph.group"); len(list) != 0 {
		t.Errorf("after 31 days: %v", list)
	}
}

// delta follows a delta query to its end.
func (t *tenant) delta(target string, headers ...string) (items []map[string]any, link string) {
	t.Helper()
	for {
		page := t.want(http.StatusOK, "GET", target, nil, headers...)
		items = append(items, objects(page["value"])...)
		if next, _ := page["@odata.nextLink"].(string); next != "" {
			target = next
			continue
		}
		return items, text(page, "@odata.deltaLink")
	}
}

func TestGroupsDelta(t *testing.T) {
	tt := newTenant(t, Options{Devices: 3000, Scenario: quiet(GroupSpec{DisplayName: "big", Count: 2500}, GroupSpec{DisplayName: "small", Count: 5}, GroupSpec{DisplayName: "doomed"})})
	small, doomed := tt.groupID("small"), tt.groupID("doomed")
	first, link := tt.delta("/v1.0/groups/delta?$select=displayName,members")
	sizes := map[string]int{}
	for _, g := range first {
		sizes[text(g, "displayName")] += len(objects(g["members@delta"]))
	}
	if sizes["big"] != 2500 || sizes["small"] != 5 || len(sizes) != 3 {
		t.Errorf("first sync %v", sizes)
	}
	if items, again := tt.delta(link); len(items) != 0 || again == "" {
		t.Errorf("nothing changed, delta says %v", items)
	}
	member := text(tt.all("/v1.0/groups/" + small + "/members")[0], "id")
	var outside string
	for _, d := range tt.all("/v1.0/devices") {
		if w := tt.do("POST", "/v1.0/groups/"+small+"/members/$ref", object{"@odata.id": tt.memberURL(text(d, "id"))}); w.Code == 204 {
			outside = text(d, "id")
			break
		}
	}
	tt.want(204, "DELETE", "/v1.0/groups/"+small+"/members/"+member+"/$ref", nil)
	tt.want(204, "PATCH", "/v1.0/groups/"+small, object{"displayName": "smaller"})
	tt.want(204, "DELETE", "/v1.0/groups/"+doomed, nil)
	items, next := tt.delta(link)
	if len(items) != 2 || items[0]["displayName"] != "smaller" {
		t.Fatalf("delta %v", items)
	}
	got := map[string]bool{}
	for _, m := range objects(items[0]["members@delta"]) {
		got[text(m, "id")] = m["@removed"] != nil
	}
	if len(got) != 2 || got[outside] || !got[member] {
		t.Errorf("members@delta %v", items[0]["members@delta"])
	}
	if removed, _ := items[1]["@removed"].(map[string]any); items[1]["id"] != doomed || removed["reason"] != "changed" {
		t.Errorf("deleted group %v", items[1])
	}
	tt.want(204, "DELETE", "/v1.0/directory/deletedItems/"+doomed, nil)
	if items, _ := tt.delta(next); len(items) != 1 || items[0]["@removed"].(map[string]any)["reason"] != "deleted" {
		t.Errorf("purged group %v", items)
	}
	if items, _ := tt.delta("/v1.0/groups/delta?$filter=id eq '" + small + "' or id eq '" + doomed + "'"); len(items) != 1 {
		t.Errorf("two ids: %v", items)
	}
	if items, _ := tt.delta("/v1.0/groups/delta?$deltatoken=latest"); len(items) != 0 {
		t.Errorf("latest: %v", items)
	}
	tt.errorOf(400, "GET", "/v1.0/groups/delta?$deltatoken=x", nil)
	tt.errorOf(400, "GET", "/v1.0/groups/delta?$select=nope", nil)
	tt.errorOf(400, "GET", "/v1.0/groups/delta?$filter=displayName eq 'a'", nil)
	tt.advance(8 * 24 * time.Hour)
	if code, _ := tt.errorOf(410, "GET", next, nil); code != "resyncRequired" {
		t.Errorf("an old token: %s", code)
	}
}
