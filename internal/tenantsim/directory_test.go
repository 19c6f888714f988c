// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

func groupBody(name string) object {
	return object{"displayName": name, "mailEnabled": false, "mailNickname": strings.ReplaceAll(name, " ", "-"), "securityEnabled": true}
}

func (t *tenant) memberURL(id string) string {
	return "https://" + testHost + "/v1.0/directoryObjects/" + id
}

func (t *tenant) addMember(status int, group, id string) {
	t.Helper()
	t.want(status, http.MethodPost, "/v1.0/groups/"+group+"/members/$ref", object{"@odata.id": t.memberURL(id)})
}

func (t *tenant) count(path string) string {
	t.Helper()
	w := t.do(http.MethodGet, path, nil, "ConsistencyLevel", "eventual", "Accept", "text/plain")
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestDefaultGroups(t *testing.T) {
	tt := newTenant(t, Options{})
	seen := map[string]string{}
	for name, want := range map[string]int{"Tidegate Canary": 10, "Tidegate Pilot": 100, "Tidegate Early": 400} {
		members := tt.all("/v1.0/groups/" + tt.groupID(name) + "/members?$select=id")
		if len(members) != want {
			t.Errorf("%s has %d members, want %d", name, len(members), want)
		}
		for _, m := range members {
			if other, twice := seen[text(m, "id")]; twice {
				t.Errorf("a device is in %s and in %s", name, other)
			}
			seen[text(m, "id")] = name
			if m["@odata.type"] != "#microsoft.graph.device" {
				t.Errorf("member type %v", m["@odata.type"])
			}
		}
	}
	if n := tt.count("/v1.0/groups/" + tt.groupID("All Corporate Devices") + "/transitiveMembers/microsoft.graph.device/$count"); n != "2000" {
		t.Errorf("All Corporate Devices has %s devices", n)
	}
}

func TestGroupLifecycle(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30})
	g := tt.want(201, "POST", "/v1.0/groups", groupBody("wave one"))
	id := text(g, "id")
	if text(g, "@odata.context") != "https://"+testHost+"/v1.0/$metadata#groups/$entity" || g["description"] != nil {
		t.Errorf("created: %v", g)
	}
	twin := tt.want(201, "POST", "/v1.0/groups", groupBody("wave one"))
	if text(twin, "id") == id {
		t.Error("display names must not be unique")
	}
	tt.want(204, "PATCH", "/v1.0/groups/"+id, object{"description": "owned"})
	got := tt.want(200, "GET", "/v1.0/groups('"+id+"')?$select=description", nil)
	if got["description"] != "owned" || len(got) != 2 {
		t.Errorf("read back %v", got)
	}
	if n := len(tt.all("/v1.0/groups?$filter=displayName eq 'wave one'")); n != 2 {
		t.Errorf("%d groups found by name", n)
	}
	tt.want(204, "DELETE", "/v1.0/groups/"+id, nil)
	code, message := tt.errorOf(404, "GET", "/v1.0/groups/"+id, nil)
	if code != odata.CodeNotFound || !strings.Contains(message, id) {
		t.Errorf("%s %s", code, message)
	}
	tt.errorOf(400, "GET", "/v1.0/groups/not-a-guid", nil)
}

func TestGroupUpsertByUniqueName(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30})
	const path = "/v1.0/groups(uniqueName='tidegate-wave')"
	tt.errorOf(404, "PATCH", path, groupBody("w")) // without Prefer: a plain update
	first := tt.want(201, "PATCH", path, groupBody("w"), "Prefer", "create-if-missing")
	tt.want(204, "PATCH", path, groupBody("renamed"), "Prefer", "create-if-missing")
	tt.want(204, "PATCH", "/v1.0/groups/(uniqueName='tidegate-wave')", object{"description": "d"})
	found := tt.all("/v1.0/groups?$filter=uniqueName eq 'tidegate-wave'")
	if len(found) != 1 || found[0]["id"] != first["id"] || found[0]["displayName"] != "renamed" || found[0]["description"] != "d" {
		t.Fatalf("found %v", found)
	}
	got := tt.want(200, "GET", path, nil)
	if got["id"] != first["id"] {
		t.Errorf("GET by unique name: %v", got)
	}
	body := groupBody("x")
	body["uniqueName"] = "tidegate-wave"
	tt.errorOf(409, "POST", "/v1.0/groups", body)
	tt.want(204, "DELETE", path, nil)
	tt.errorOf(409, "PATCH", path, groupBody("w"), "Prefer", "create-if-missing") // the deleted group holds the name
}

func TestMembership(t *testing.T) {
	tt := newTenant(t, Options{Devices: 60})
	group := text(tt.want(201, "POST", "/v1.0/groups", groupBody("g")), "id")
	devices := tt.all("/v1.0/devices?$select=id,deviceId")
	dev := func(i int) string { return text(devices[i], "id") }
	tt.addMember(204, group, dev(0))
	code, message := tt.errorOf(400, "POST", "/v1.0/groups/"+group+"/members/$ref", object{"@odata.id": tt.memberURL(dev(0))})
	if code != odata.CodeRequestBadRequest || message != "One or more added object references already exist for the following modified properties: 'members'." {
		t.Errorf("duplicate: %s %s", code, message)
	}
	tt.addMember(404, group, text(devices[1], "deviceId")) // deviceId is not the object id
	tt.errorOf(400, "POST", "/v1.0/groups/"+group+"/members/$ref", object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + dev(1)})
	tt.errorOf(400, "POST", "/v1.0/groups/"+group+"/members/$ref", object{"id": dev(1)})

	bind := func(from, to int) object {
		var urls []string
		for i := from; i < to; i++ {
			urls = append(urls, tt.memberURL(dev(i)))
		}
		return object{"members@odata.bind": urls}
	}
	tt.want(204, "PATCH", "/v1.0/groups/"+group, bind(1, 21))
	tt.errorOf(400, "PATCH", "/v1.0/groups/"+group, bind(21, 42)) // 21 members
	tt.errorOf(400, "PATCH", "/v1.0/groups/"+group, bind(20, 30)) // one duplicate fails all
	if n := tt.count("/v1.0/groups/" + group + "/members/$count"); n != "21" {
		t.Errorf("%s members, want 21", n)
	}
	tt.want(204, "DELETE", "/v1.0/groups/"+group+"/members/"+dev(0)+"/$ref", nil)
	tt.errorOf(404, "DELETE", "/v1.0/groups/"+group+"/members/"+dev(0)+"/$ref", nil)
}

func TestNestedGroups(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30})
	outer := text(tt.want(201, "POST", "/v1.0/groups", groupBody("outer")), "id")
	inner := text(tt.want(201, "POST", "/v1.0/groups", groupBody("inner")), "id")
	user := text(tt.all("/v1.0/users")[0], "id")
	device := text(tt.all("/v1.0/devices")[0], "id")
	tt.addMember(204, outer, inner)
	tt.addMember(204, inner, outer) // a circle
	tt.addMember(204, inner, user)
	tt.addMember(204, inner, device)
	if n := len(tt.all("/v1.0/groups/" + outer + "/members")); n != 1 {
		t.Errorf("%d direct members", n)
	}
	kinds := map[any]int{}
	for _, m := range tt.all("/v1.0/groups/" + outer + "/transitiveMembers?$top=1") {
		kinds[m["@odata.type"]]++
	}
	if len(kinds) != 3 || kinds["#microsoft.graph.user"] != 1 || kinds["#microsoft.graph.device"] != 1 {
		t.Errorf("transitive members by type: %v", kinds)
	}
	for path, want := range map[string]string{"microsoft.graph.user/": "1", "graph.device/": "1", "": "3"} {
		if n := tt.count("/v1.0/groups/" + outer + "/transitiveMembers/" + path + "$count"); n != want {
			t.Errorf("count %q is %s, want %s", path, n, want)
		}
	}
	if w := tt.do("GET", "/v1.0/groups/"+outer+"/members/$count", nil); w.Code != 400 {
		t.Errorf("$count without ConsistencyLevel: %d", w.Code)
	}
	if w := tt.do("GET", "/v1.0/groups/"+outer+"/members/$count", nil, "ConsistencyLevel", "eventual", "Accept", "application/json"); w.Code != 415 {
		t.Errorf("$count as JSON: %d", w.Code)
	}
}

// TestUnreadableMembersAreBlank: 200 with nulls, no error (contract g).
func TestUnreadableMembersAreBlank(t *testing.T) {
	tt := newTenant(t, Options{Devices: 60, Roles: []string{"GroupMember.Read.All"}})
	for _, m := range tt.all("/v1.0/groups/" + tt.groupID("Tidegate Canary") + "/members") {
		if text(m, "id") == "" || m["displayName"] != nil || m["deviceId"] != nil {
			t.Fatalf("member %v", m)
		}
	}
}

func TestDeviceMembersNeedADevicePermission(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30})
	group := tt.groupID("Tidegate Canary")
	device := text(tt.all("/v1.0/devices?$select=id")[29], "id")
	if err := tt.sim.SetScenario(Scenario{MissingRoles: []string{"Device.ReadWrite.All"}}); err != nil {
		t.Fatal(err)
	}
	tt.addMember(403, group, device)
	if err := tt.sim.SetScenario(Scenario{MissingRoles: []string{"Group.ReadWrite.All"}}); err != nil {
		t.Fatal(err)
	}
	tt.errorOf(403, "PATCH", "/v1.0/groups/"+group, object{"description": "x"})
	tt.errorOf(403, "DELETE", "/v1.0/groups/"+group, nil)
}

func TestGroupCreateOwnsOnlyWithAnOwner(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Roles: []string{"Group.Create"}})
	orphan := text(tt.want(201, "POST", "/v1.0/groups", groupBody("orphan")), "id")
	tt.errorOf(403, "PATCH", "/v1.0/groups/"+orphan, object{"description": "x"})
	body := groupBody("mine")
	body["owners@odata.bind"] = []string{"https://" + testHost + "/v1.0/servicePrincipals/" + tt.sim.PrincipalID()}
	mine := text(tt.want(201, "POST", "/v1.0/groups", body), "id")
	tt.want(204, "PATCH", "/v1.0/groups/"+mine, object{"description": "x"})
	tt.want(204, "DELETE", "/v1.0/groups/"+mine, nil)
}

func TestUsersAndDevices(t *testing.T) {
	tt := newTenant(t, Options{Devices: 100})
	user := tt.all("/v1.0/users")[42]
	upn := text(user, "userPrincipalName")
	if got := tt.want(200, "GET", "/v1.0/users/"+upn, nil); got["id"] != user["id"] {
		t.Errorf("by UPN: %v", got)
	}
	if got := tt.all("/v1.0/users?$filter=userPrincipalName eq '" + upn + "'"); len(got) != 1 || got[0]["id"] != user["id"] {
		t.Errorf("filter by UPN: %v", got)
	}
	tt.errorOf(404, "GET", "/v1.0/users/nobody.9@contoso.example", nil)
	managed := tt.all("/v1.0/deviceManagement/managedDevices")[7]
	entra := tt.all("/v1.0/devices?$filter=deviceId eq '" + text(managed, "azureADDeviceId") + "'")
	if len(entra) != 1 || entra[0]["displayName"] != managed["deviceName"] {
		t.Fatalf("device of %v: %v", managed["deviceName"], entra)
	}
	if got := tt.want(200, "GET", "/v1.0/devices(deviceId='"+text(managed, "azureADDeviceId")+"')", nil); got["id"] != entra[0]["id"] {
		t.Errorf("by alternate key: %v", got)
	}
	beta := tt.want(200, "GET", "/beta/deviceManagement/managedDevices/"+text(managed, "id"), nil)
	if beta["joinType"] == nil || managed["joinType"] != nil {
		t.Errorf("joinType: beta %v, v1.0 %v", beta["joinType"], managed["joinType"])
	}
	if n := len(tt.all("/v1.0/deviceManagement/managedDevices?$filter=deviceName eq '" + text(managed, "deviceName") + "'")); n != 1 {
		t.Errorf("%d devices by name", n)
	}
	tt.want(204, "POST", "/v1.0/deviceManagement/managedDevices/"+text(managed, "id")+"/syncDevice", nil)
	tt.want(200, "GET", "/v1.0/organization", nil)
	tt.want(200, "GET", "/v1.0/subscribedSkus", nil)
}
