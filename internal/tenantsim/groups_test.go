// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func (t *tenant) makeGroup(name string, more object) string {
	t.Helper()
	body := groupBody(name)
	maps.Copy(body, more)
	return text(t.want(201, "POST", "/v1.0/groups", body), "id")
}

func unifiedBody(name string) object {
	body := groupBody(name)
	body["groupTypes"], body["mailEnabled"] = []string{"Unified"}, true
	return body
}

// TestGroupMembersOfTheMetadata: every member that schema.json gives a group can
// be selected in its version, and is either writable and comes back, or refused.
func TestGroupMembersOfTheMetadata(t *testing.T) {
	raw, err := os.ReadFile("../testkit/graphschema/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type version struct {
		Types map[string]struct {
			Properties map[string]string `json:"properties"`
		} `json:"types"`
	}
	var schema struct {
		Beta   version `json:"beta"`
		Stable version `json:"v1.0"`
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	written := map[string]any{"displayName": "x", "description": "x", "mailNickname": "x", "classification": "low", "preferredDataLocation": "EUR",
		"preferredLanguage": "en-US", "theme": "Teal", "membershipRuleProcessingState": "Paused", "visibility": "Private", "uniqueName": "u",
		"isAssignableToRole": true, "securityEnabled": true, "mailEnabled": false, "groupTypes": []any{}}
	other := map[string]bool{"membershipRule": true, "resourceBehaviorOptions": true, "resourceProvisioningOptions": true, "unseenCount": true, "writebackConfiguration": true}
	for _, name := range unifiedSwitches {
		other[name] = true
	}
	tt := newTenant(t, Options{Devices: 1, Scenario: quiet(GroupSpec{DisplayName: "g"})})
	id := tt.groupID("g")
	for _, version := range []string{"v1.0", "beta"} {
		properties := schema.Stable.Types["group"].Properties
		if version == "beta" {
			properties = schema.Beta.Types["group"].Properties
		}
		if len(properties) < 50 {
			t.Fatalf("%s: the schema gives a group %d members", version, len(properties))
		}
		for name, kind := range properties {
			if strings.HasPrefix(kind, "nav:") {
				continue
			}
			path := "/" + version + "/groups/" + id
			got := tt.want(200, "GET", path+"?$select="+name, nil)
			if value, there := got[name]; !there || strings.HasPrefix(kind, "[]") && value == nil {
				t.Errorf("%s: $select=%s gives %v", version, name, got)
			}
			value, writable := written[name]
			if !writable && !other[name] {
				tt.errorOf(400, "PATCH", path, object{name: "x"})
				continue
			}
			if writable {
				body := groupBody("new")
				body[name] = value
				if got := tt.want(201, "POST", "/"+version+"/groups", body); !reflect.DeepEqual(got[name], value) {
					t.Errorf("%s: %s written as %v comes back as %v", version, name, value, got[name])
				}
				delete(written, "uniqueName") // is unique
			}
		}
		written["uniqueName"] = "u2"
	}
	if got := tt.want(200, "GET", "/v1.0/groups/"+id+"?$select=id,assignedLicenses", nil); !reflect.DeepEqual(got["assignedLicenses"], []any{}) {
		t.Errorf("third-party 6: %v", got)
	}
	tt.errorOf(400, "GET", "/v1.0/groups/"+id+"?$select=membershipRuleProcessingStatus", nil)
	tt.errorOf(400, "PATCH", "/v1.0/groups/"+id, object{"writebackConfiguration": object{"isEnabled": true}})
}

// TestGroupKindsAreRefused: what cannot be, at creation and later.
func TestGroupKindsAreRefused(t *testing.T) {
	tt := newTenant(t, Options{Devices: 1, Scenario: quiet(GroupSpec{DisplayName: "g"}, GroupSpec{DisplayName: "synced", Kind: "synced"}, GroupSpec{DisplayName: "mail", Kind: "mail"})})
	with := func(base object, more object) object {
		maps.Copy(base, more)
		return base
	}
	dynamic := object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": `user.mail -ne null`}
	for name, c := range map[string]struct {
		body object
		want string
	}{
		"empty name":               {with(groupBody("a"), object{"displayName": ""}), "'displayName'"},
		"bad nickname":             {with(groupBody("a"), object{"mailNickname": "a b"}), "'mailNickname'"},
		"mail-enabled":             {with(groupBody("a"), object{"mailEnabled": true}), "writes of mail-enabled groups"},
		"neither":                  {with(groupBody("a"), object{"securityEnabled": false}), "writes of mail-enabled groups"},
		"unified without mail":     {with(unifiedBody("a"), object{"mailEnabled": false}), "'mailEnabled'"},
		"odd type":                 {with(groupBody("a"), object{"groupTypes": []string{"Secret"}}), "'groupTypes'"},
		"hidden security group":    {with(groupBody("a"), object{"visibility": "HiddenMembership"}), "only for Microsoft 365 groups"},
		"odd visibility":           {with(groupBody("a"), object{"visibility": "Secret"}), "'visibility'"},
		"odd theme":                {with(groupBody("a"), object{"theme": "Black"}), "'theme'"},
		"odd state":                {with(groupBody("a"), object{"membershipRuleProcessingState": "Off"}), "'membershipRuleProcessingState'"},
		"public role-assignable":   {with(groupBody("a"), object{"isAssignableToRole": true, "visibility": "Public"}), "must have visibility 'Private'"},
		"dynamic role-assignable":  {with(with(groupBody("a"), dynamic), object{"isAssignableToRole": true}), "cannot have a membership rule"},
		"rule of a static group":   {with(groupBody("a"), object{"membershipRule": `user.mail -ne null`}), "'DynamicMembership' only"},
		"dynamic without rule":     {with(groupBody("a"), object{"groupTypes": []string{"DynamicMembership"}}), "'membershipRule'"},
		"invalid rule":             {with(with(groupBody("a"), dynamic), object{"membershipRule": `user.shoe -eq "9"`}), "rule validation error: the property 'user.shoe'"},
		"devices in unified":       {with(unifiedBody("a"), object{"groupTypes": []string{"Unified", "DynamicMembership"}, "membershipRule": `device.deviceId -ne null`}), "users only"},
		"read-only":                {with(groupBody("a"), object{"mail": "a@contoso.example"}), "'mail' is read-only"},
		"switch at creation":       {with(unifiedBody("a"), object{"hideFromOutlookClients": true}), "cannot be set in this request"},
		"options of a plain group": {with(groupBody("a"), object{"resourceBehaviorOptions": []string{"WelcomeEmailDisabled"}}), "Microsoft 365 groups only"},
		"members of a dynamic one": {with(with(groupBody("a"), dynamic), object{"members@odata.bind": []string{tt.memberURL(tt.sim.users[0].id.String())}}), "dynamic group"},
	} {
		if _, message := tt.errorOf(400, "POST", "/v1.0/groups", c.body); !strings.Contains(message, c.want) {
			t.Errorf("%s: %s", name, message)
		}
	}
	unified := text(tt.want(201, "POST", "/v1.0/groups", unifiedBody("u")), "id")
	role := tt.makeGroup("role", object{"isAssignableToRole": true})
	for _, c := range []struct {
		id   string
		body object
		want string
	}{
		{tt.groupID("g"), object{"isAssignableToRole": true}, "immutable"},
		{role, object{"isAssignableToRole": false}, "immutable"},
		{role, object{"visibility": "Public"}, "must have visibility 'Private'"},
		{tt.groupID("g"), object{"groupTypes": []string{"Unified"}, "mailEnabled": true}, "cannot turn"},
		{tt.groupID("g"), object{"displayName": nil}, "'displayName'"},
		{unified, object{"visibility": "HiddenMembership"}, "cannot be changed later"},
		{unified, object{"hideFromOutlookClients": true, "description": "x"}, "request of their own"},
		{unified, object{"resourceBehaviorOptions": []string{"x"}}, "cannot be set in this request"},
		{tt.groupID("synced"), object{"description": "x"}, "on-premises mastered"},
		{tt.groupID("mail"), object{"description": "x"}, "mail-enabled"},
	} {
		if _, message := tt.errorOf(400, "PATCH", "/v1.0/groups/"+c.id, c.body); !strings.Contains(message, c.want) {
			t.Errorf("%v: %s", c.body, message)
		}
	}
	tt.errorOf(400, "DELETE", "/v1.0/groups/"+tt.groupID("synced"), nil)
	tt.want(204, "PATCH", "/v1.0/groups/"+unified, object{"hideFromOutlookClients": true})
	if got := tt.want(201, "POST", "/v1.0/groups", with(groupBody("lower"), object{"visibility": "private"})); got["visibility"] != "Private" {
		t.Errorf("visibility in lower case: %v", got["visibility"])
	}
	if got := tt.want(200, "GET", "/v1.0/groups/"+unified+"?$select=hideFromOutlookClients,mail,visibility", nil); got["hideFromOutlookClients"] != true || got["mail"] != "u@contoso.example" || got["visibility"] != "Public" {
		t.Errorf("unified %v", got)
	}
	if got := tt.want(200, "GET", "/v1.0/groups/"+tt.groupID("synced"), nil); got["onPremisesSyncEnabled"] != true || got["visibility"] != "Private" || !strings.HasPrefix(text(got, "securityIdentifier"), "S-1-12-1-") {
		t.Errorf("synced %v", got)
	}
}

// TestWhoMayBeIn follows the table of the group-post-members page.
func TestWhoMayBeIn(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "security"}, GroupSpec{DisplayName: "other"}, GroupSpec{DisplayName: "unified", Kind: "unified"}, GroupSpec{DisplayName: "synced", Kind: "synced"},
		GroupSpec{DisplayName: "role", Kind: "roleAssignable"}, GroupSpec{DisplayName: "dynamic", Rule: `user.displayName -eq "nobody"`}, GroupSpec{DisplayName: "mail", Kind: "mail"})
	roles := append(AllRoles(), "Application.ReadWrite.All", "RoleManagement.ReadWrite.Directory")
	tt := newTenant(t, Options{Devices: 1, Scenario: sc, Roles: roles})
	members := map[string]string{"user": tt.sim.users[0].id.String(), "device": tt.sim.fleet.devices[0].objectID.String(), "principal": tt.sim.PrincipalID(),
		"group": tt.groupID("other"), "unified": tt.groupID("unified"), "dynamic": tt.groupID("dynamic")}
	allowed := map[string]string{"security": "device dynamic group principal user", "unified": "user", "role": "device principal user", "dynamic": "", "synced": "", "mail": ""}
	for name, want := range allowed {
		var got []string
		for _, kind := range sortedKeys(members) {
			w := tt.do("POST", "/v1.0/groups/"+tt.groupID(name)+"/members/$ref", object{"@odata.id": tt.memberURL(members[kind])})
			if w.Code == http.StatusNoContent {
				got = append(got, kind)
			} else if w.Code != http.StatusBadRequest {
				t.Errorf("%s in %s: %d", kind, name, w.Code)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s holds %v, want %s", name, got, want)
		}
	}
	without := newTenant(t, Options{Devices: 1, Scenario: sc})
	for _, name := range []string{"security", "role"} {
		id := without.sim.PrincipalID()
		if name == "role" {
			id = without.sim.users[0].id.String()
		}
		without.addMember(403, without.groupID(name), id)
	}
}

// TestNestingFiveDeep: membership, counts and memberOf through five levels and a
// circle.
func TestNestingFiveDeep(t *testing.T) {
	var specs []GroupSpec
	for k := range 5 {
		specs = append(specs, GroupSpec{DisplayName: fmt.Sprint("level", k), Groups: []string{fmt.Sprint("level", (k+1)%5)}})
	}
	specs[4].Count = 3
	specs[4].Unit = "mixed"
	tt := newTenant(t, Options{Devices: 9, Users: 9, Scenario: quiet(specs...)})
	top := "/v1.0/groups/" + tt.groupID("level0")
	if n := tt.count(top + "/transitiveMembers/microsoft.graph.device/$count"); n != "2" {
		t.Errorf("%s devices", n)
	}
	if n := tt.count(top + "/transitiveMembers/microsoft.graph.user/$count"); n != "1" {
		t.Errorf("%s users", n)
	}
	if n := tt.count(top + "/transitiveMembers/microsoft.graph.group/$count"); n != "4" {
		t.Errorf("%s groups below", n)
	}
	if all := tt.all(top + "/transitiveMembers"); len(all) != 7 || tt.count(top+"/transitiveMembers/$count") != "7" {
		t.Errorf("nested groups are rows of their own: %d", len(all))
	}
	if got := tt.all(top + "/members"); len(got) != 1 || got[0]["@odata.type"] != "#microsoft.graph.group" {
		t.Errorf("members %v", got)
	}
	device := text(tt.all("/v1.0/groups/" + tt.groupID("level4") + "/members/microsoft.graph.device?$select=id")[0], "id")
	for path, want := range map[string]int{
		"/v1.0/devices/" + device + "/memberOf": 1, "/v1.0/devices/" + device + "/transitiveMemberOf": 5,
		"/v1.0/devices/" + device + "/transitiveMemberOf/microsoft.graph.group": 5,
		top + "/memberOf": 1, top + "/transitiveMemberOf": 5,
	} {
		if got := tt.all(path); len(got) != want || tt.count(path+"/$count") != fmt.Sprint(want) {
			t.Errorf("%s: %d rows, want %d", path, len(got), want)
		}
	}
	tt.errorOf(404, "GET", "/v1.0/users/"+device+"/memberOf", nil)
	tt.errorOf(404, "GET", "/v1.0/devices/"+tt.sim.users[0].id.String()+"/transitiveMemberOf", nil)
}

// TestLessThanThereIs: cases in which the service answers 200 and leaves out.
func TestLessThanThereIs(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "hidden", Kind: "hidden", Count: 3, Unit: "user"}, GroupSpec{DisplayName: "plain", Count: 2}, GroupSpec{DisplayName: "outer", Groups: []string{"plain"}})
	roles := append(AllRoles(), "Application.ReadWrite.All")
	tt := newTenant(t, Options{Devices: 8, Users: 8, Scenario: sc, Roles: roles})
	hidden, plain := "/groups/"+tt.groupID("hidden"), "/groups/"+tt.groupID("plain")
	see := func(who *tenant, group string) string {
		return fmt.Sprint(len(who.all("/v1.0"+group+"/members")), " ", len(who.all("/v1.0"+group+"/transitiveMembers/microsoft.graph.user")), " ", who.count("/v1.0"+group+"/members/$count"))
	}
	if got := see(tt, hidden); got != "0 0 0" {
		t.Errorf("hidden members without Member.Read.Hidden: %s", got)
	}
	items, _ := tt.delta("/v1.0/groups/delta?$filter=id eq '" + tt.groupID("hidden") + "'")
	if len(items) != 1 || items[0]["members@delta"] != nil {
		t.Errorf("delta shows hidden members: %v", items)
	}
	if got := tt.want(200, "GET", "/v1.0"+hidden, nil)["visibility"]; got != "HiddenMembership" {
		t.Errorf("visibility %v", got)
	}
	all := newTenant(t, Options{Devices: 8, Users: 8, Scenario: sc, Roles: append(AllRoles(), "Member.Read.Hidden")})
	if got := see(all, hidden); got != "3 3 3" {
		t.Errorf("hidden members with Member.Read.Hidden: %s", got)
	}
	user := text(all.all("/v1.0" + hidden + "/members")[0], "id")
	if with, without := len(all.all("/v1.0/users/"+user+"/memberOf")), len(tt.all("/v1.0/users/"+user+"/memberOf")); with != 1 || without != 0 {
		t.Errorf("memberOf with the permission: %d, without: %d", with, without)
	}

	tt.addMember(204, tt.groupID("plain"), tt.sim.PrincipalID())
	rows := func(version, path string) int { return len(tt.all("/" + version + path)) }
	for path, want := range map[string][2]int{plain + "/members": {2, 3}, plain + "/members/microsoft.graph.servicePrincipal": {0, 1}, "/groups/" + tt.groupID("outer") + "/transitiveMembers": {3, 4}} {
		if got := [2]int{rows("v1.0", path), rows("beta", path)}; got != want {
			t.Errorf("%s: v1.0 and beta have %v rows, want %v", path, got, want)
		}
	}

	blind := newTenant(t, Options{Devices: 8, Users: 8, Scenario: sc, Roles: []string{"GroupMember.Read.All"}})
	members := blind.all("/v1.0" + plain + "/members")
	if len(members) != 2 {
		t.Fatalf("%d members", len(members))
	}
	for _, m := range members {
		for name, value := range m {
			if (name == "id" || name == "@odata.type") == (value == nil) {
				t.Errorf("a member that the caller may not read: %v", m)
			}
		}
	}
	if n := blind.count("/v1.0" + plain + "/members/microsoft.graph.device/$count"); n != "2" {
		t.Errorf("count of what the caller may not read: %s", n)
	}
}

// TestMemberErrors follows contract-2 x.4.
func TestMemberErrors(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30, Scenario: quiet(GroupSpec{DisplayName: "g"})})
	id := tt.groupID("g")
	named := map[string]bool{}
	for k := range 20 {
		missing := newGUID(9, "missing", uint64(k)).String()
		bind := []string{tt.memberURL(missing)}
		for i := range 19 {
			bind = append(bind, tt.memberURL(tt.sim.fleet.devices[i].objectID.String()))
		}
		code, message := tt.errorOf(404, "PATCH", "/v1.0/groups/"+id, object{"members@odata.bind": bind})
		if code != codeNotFound {
			t.Errorf("%s %s", code, message)
		}
		named["member"], named["group"] = named["member"] || strings.Contains(message, missing), named["group"] || strings.Contains(message, id)
		if _, message := tt.errorOf(404, "POST", "/v1.0/groups/"+id+"/members/$ref", object{"@odata.id": tt.memberURL(missing)}); !strings.Contains(message, missing) {
			t.Errorf("the single form: %s", message)
		}
		if _, message := tt.errorOf(404, "DELETE", "/v1.0/groups/"+id+"/members/"+missing+"/$ref", nil); !strings.Contains(message, id) {
			t.Errorf("DELETE of a stranger names the group: %s", message)
		}
	}
	if !named["member"] || !named["group"] {
		t.Errorf("the text of a failed PATCH names %v", named)
	}
	if n := len(tt.all("/v1.0/groups/" + id + "/members")); n != 0 {
		t.Errorf("%d members came through", n)
	}
	device := tt.sim.fleet.devices[0].objectID.String()
	if _, message := tt.errorOf(404, "DELETE", "/v1.0/groups/"+id+"/members/"+device+"/$ref", nil); !strings.Contains(message, id) {
		t.Errorf("DELETE of a device that is no member: %s", message)
	}
}

func TestGetByIDs(t *testing.T) {
	tt := newTenant(t, Options{Devices: 2, Scenario: quiet(GroupSpec{DisplayName: "g"}, GroupSpec{DisplayName: "gone"})})
	tt.want(204, "DELETE", "/v1.0/groups/"+tt.groupID("gone"), nil)
	ids := []string{tt.sim.users[0].id.String(), tt.sim.fleet.devices[1].objectID.String(), tt.groupID("g"), tt.sim.PrincipalID(), newGUID(1, "none", 1).String(),
		tt.sim.fleet.devices[1].deviceID.String(), tt.sim.fleet.devices[1].managedID.String()}
	kinds := func(body object) string {
		var out []string
		for _, o := range objects(tt.want(200, "POST", "/v1.0/directoryObjects/getByIds", body)["value"]) {
			out = append(out, strings.TrimPrefix(text(o, "@odata.type"), "#microsoft.graph."))
		}
		return strings.Join(out, " ")
	}
	if got := kinds(object{"ids": ids}); got != "user device group servicePrincipal" {
		t.Errorf("all: %s", got)
	}
	if got := kinds(object{"ids": ids, "types": []string{"device", "group"}}); got != "device group" {
		t.Errorf("some: %s", got)
	}
	tt.errorOf(400, "POST", "/v1.0/directoryObjects/getByIds", object{"ids": []string{"x"}})
	tt.errorOf(400, "POST", "/v1.0/directoryObjects/getByIds", object{"types": []string{"user"}})
	tt.errorOf(400, "POST", "/v1.0/directoryObjects/getByIds", object{"ids": slices.Repeat(ids[:1], 1001)})
}

func TestOwnersOfGroups(t *testing.T) {
	tt := newTenant(t, Options{Devices: 2, Users: 3, Scenario: quiet()})
	body := groupBody("owned")
	body["owners@odata.bind"] = []string{"https://" + testHost + "/v1.0/servicePrincipals/" + tt.sim.PrincipalID()}
	id := text(tt.want(201, "POST", "/v1.0/groups", body), "id")
	path := "/v1.0/groups/" + id + "/owners"
	user := func(i int) string { return tt.sim.users[i].id.String() }
	add := func(status int, id string) {
		t.Helper()
		tt.want(status, "POST", path+"/$ref", object{"@odata.id": tt.memberURL(id)})
	}
	drop := func(status int, id string) {
		t.Helper()
		tt.want(status, "DELETE", path+"/"+id+"/$ref", nil)
	}
	add(204, user(0))
	add(400, user(0))
	add(204, user(1))
	add(404, newGUID(1, "none", 1).String())
	if got := tt.all(path + "?$select=id"); len(got) != 3 || got[2]["@odata.type"] != "#microsoft.graph.servicePrincipal" {
		t.Errorf("owners %v", got)
	}
	if users, principals, n := tt.all(path+"/microsoft.graph.user"), tt.all(path+"/microsoft.graph.servicePrincipal"), tt.count(path+"/$count"); len(users) != 2 || len(principals) != 1 || n != "3" {
		t.Errorf("%d users, %d principals, count %s", len(users), len(principals), n)
	}
	drop(204, tt.sim.PrincipalID())
	drop(404, tt.sim.PrincipalID())
	drop(204, user(1))
	drop(400, user(0)) // the last one stays
	bad := groupBody("bad")
	bad["owners@odata.bind"] = []string{tt.memberURL(newGUID(1, "none", 1).String())}
	tt.errorOf(404, "POST", "/v1.0/groups", bad)
}

// TestDynamicGroups: members follow the rule, after creation, after a change of
// the rule and after one of a device; a paused group is frozen.
func TestDynamicGroups(t *testing.T) {
	sc := quiet()
	sc.Lag = &Lag{Dynamic: hours(2), Targeting: hours(1)}
	tt := newTenant(t, Options{Devices: 10, Users: 5, Scenario: sc})
	s := tt.sim
	for i := range s.fleet.devices {
		s.fleet.devices[i].platform = platformWindows
	}
	rule := func(names ...string) string { return `(device.displayName -in ["` + strings.Join(names, `","`) + `"])` }
	id := tt.makeGroup("dynamic", object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": rule("PC-000001", "PC-000002"), "membershipRuleProcessingState": "On"})
	path := "/v1.0/groups/" + id
	policy := tt.createPolicy(allowBody("p"))
	tt.assign(policy, groupTarget(id))
	check := func(when, status string, members, reached int) {
		t.Helper()
		state, _ := tt.want(200, "GET", "/beta/groups/"+id+"?$select=membershipRuleProcessingStatus", nil)["membershipRuleProcessingStatus"].(map[string]any)
		list, err := s.Reached(policy)
		if n := len(tt.all(path + "/members")); n != members || len(list) != reached || state["status"] != status || err != nil {
			t.Errorf("%s: %d members, %d reached, %v, want %d, %d, %s (%v)", when, n, len(list), state, members, reached, status, err)
		}
	}
	check("at first", "NotStarted", 0, 0)
	tt.advance(time.Hour)
	check("1h", "Running", 0, 0)
	tt.advance(time.Hour)
	check("2h", "Succeeded", 2, 0)
	tt.advance(time.Hour)
	check("3h", "Succeeded", 2, 2)
	if code, message := tt.errorOf(400, "POST", path+"/members/$ref", object{"@odata.id": tt.memberURL(s.fleet.devices[5].objectID.String())}); code != codeRequestBadRequest || !strings.Contains(message, "dynamic group") {
		t.Errorf("a written member: %s %s", code, message)
	}
	tt.want(204, "PATCH", path, object{"membershipRule": rule("PC-000003")})
	check("rule changed", "NotStarted", 2, 2)
	tt.advance(3 * time.Hour)
	check("rule evaluated", "Succeeded", 1, 1)
	tt.want(204, "PATCH", path, object{"membershipRuleProcessingState": "Paused", "membershipRule": rule("PC-000001", "PC-000002", "PC-000003")})
	tt.advance(4 * time.Hour)
	check("paused", "Succeeded", 1, 1)
	tt.want(204, "PATCH", path, object{"membershipRuleProcessingState": "On"})
	tt.advance(3 * time.Hour)
	check("resumed", "Succeeded", 3, 3)
	tt.want(204, "PATCH", path, object{"membershipRule": `(device.deviceOSType -eq "Windows")`})
	tt.advance(3 * time.Hour)
	check("all Windows", "Succeeded", 10, 10)
	s.mu.Lock()
	s.fleet.devices[4].platform = platformMacOS
	s.deviceChanged(4, s.clock.Now().Unix())
	s.mu.Unlock()
	check("a device changed", "Succeeded", 10, 9) // the policy is for Windows
	tt.advance(2 * time.Hour)
	check("a device was evaluated", "Succeeded", 9, 9)
	tt.want(204, "PATCH", path, object{"groupTypes": []string{}, "membershipRule": nil})
	if n := len(tt.all(path + "/members")); n != 9 {
		t.Errorf("made static, %d members stay", n)
	}
	tt.addMember(204, id, s.fleet.devices[4].objectID.String())
}

// TestDynamicExclusionLeaks: a policy reaches a new device before the dynamic
// group that excludes it knows of it (contract-2 y.1, z.18).
func TestDynamicExclusionLeaks(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "macs", Rule: `device.deviceOSType -eq "MacMDM"`})
	sc.Lag = &Lag{Dynamic: hours(2), Targeting: hours(1)}
	tt := newTenant(t, Options{Devices: 3, Scenario: sc})
	s := tt.sim
	for i := range s.fleet.devices {
		s.fleet.devices[i].platform = platformWindows
		s.deviceChanged(int32(i), s.clock.Now().Unix())
	}
	tt.advance(3 * time.Hour)
	body := allowBody("p")
	id := tt.createPolicy(body)
	tt.assign(id, allDevicesTarget(), excludeTarget(tt.groupID("macs")))
	s.policies[0].platforms |= platformMacOS
	s.fleet.devices[1].platform = platformMacOS
	s.deviceChanged(1, s.clock.Now().Unix())
	for _, want := range []int{3, 3, 3, 2} {
		if got, err := s.Reached(id); err != nil || len(got) != want {
			t.Errorf("at %s: %d devices are reached, want %d (%v)", s.Now(), len(got), want, err)
		}
		tt.advance(time.Hour)
	}
}

// TestRuleFacts: each property that the fleet has facts for.
func TestRuleFacts(t *testing.T) {
	tt := newTenant(t, Options{Devices: 40, Users: 3, Scenario: quiet()})
	for rule, want := range map[string]string{
		`user.displayName -startsWith "` + tt.sim.displayName(1) + `"`:                                                                                       "1",
		`user.userPrincipalName -match "\.2@"`:                                                                                                               "1",
		`user.accountEnabled -eq true`:                                                                                                                       "3",
		`user.userType -eq "Member" -and user.department -eq null`:                                                                                           "3",
		`user.objectId -eq "` + tt.sim.users[0].id.String() + `"`:                                                                                            "1",
		`device.displayName -eq "PC-000001" -or device.displayName -eq "MAC-000001"`:                                                                         "1",
		`device.deviceId -eq "` + tt.sim.fleet.devices[3].deviceID.String() + `"`:                                                                            "1",
		`device.managementType -eq "MDM" -and device.deviceManagementAppId -eq "` + intuneAppID + `"`:                                                        "40",
		`device.accountEnabled -eq true -and device.deviceOSType -in ["Windows","MacMDM"]`:                                                                   "40",
		`device.deviceOwnership -eq "Company" -and device.deviceModel -ne null -and device.deviceManufacturer -ne null -and device.deviceOSVersion -ne null`: "40",
		`device.deviceTrustType -in ["AzureAD","ServerAD","Workplace"] -and device.profileType -eq "RegisteredDevice"`:                                       "40",
	} {
		id := tt.makeGroup("d", object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": rule})
		if n := tt.count("/v1.0/groups/" + id + "/members/$count"); n != want {
			t.Errorf("%s: %s members, want %s", rule, n, want)
		}
	}
}

// TestMadeAgain: display names are not unique, unique names are held by deleted
// groups, and what is made again is another group.
func TestMadeAgain(t *testing.T) {
	tt := newTenant(t, Options{Devices: 1, Scenario: quiet()})
	first := tt.makeGroup("wave", object{"uniqueName": "w"})
	tt.want(204, "PATCH", "/v1.0/groups/"+first, object{"displayName": "renamed", "classification": "high", "description": nil})
	if got := tt.want(200, "GET", "/v1.0/groups/"+first, nil); got["displayName"] != "renamed" || got["classification"] != "high" || got["description"] != nil || got["uniqueName"] != "w" {
		t.Errorf("renamed: %v", got)
	}
	tt.want(204, "DELETE", "/v1.0/groups/"+first, nil)
	again := groupBody("renamed")
	if second := text(tt.want(201, "POST", "/v1.0/groups", again), "id"); second == first {
		t.Error("the same id")
	}
	again["uniqueName"] = "w"
	tt.errorOf(409, "POST", "/v1.0/groups", again)
	tt.want(204, "DELETE", "/v1.0/directory/deletedItems/"+first, nil)
	tt.want(201, "POST", "/v1.0/groups", again)
	tt.errorOf(404, "POST", "/v1.0/directory/deletedItems/"+first+"/restore", nil)
}

// TestStartGroups: kinds that cannot be meant are refused by name.
func TestStartGroups(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{`{displayName: a, kind: odd}`, `kind "odd"`},
		{`{displayName: a, kind: unified, count: 1}`, "unit: user"},
		{`{displayName: a, kind: hidden, rule: 'device.deviceId -ne null'}`, "users only"},
		{`{displayName: a, kind: roleAssignable, groups: [a]}`, "holds no groups"},
		{`{displayName: a, groups: [b]}`, `names "b"`},
		{`{displayName: a, rule: 'x'}`, "rule:"},
		{`{displayName: a, rule: 'user.mail -ne null', count: 1}`, "leave count"},
		{`{displayName: a, rule: 'user.mail -ne null', kind: synced}`, "cannot have a rule"},
		{`{displayName: a, unit: people}`, "write device, user or mixed"},
	} {
		if _, err := ParseScenario([]byte("groups: [" + c.yaml + "]")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.yaml, err, c.want)
		}
	}
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "macs and PCs", Rule: `device.deviceOSType -ne null`}, GroupSpec{DisplayName: "secret", Kind: "hidden", Rule: `user.mail -ne null`})})
	if n := len(tt.all("/v1.0/groups/" + tt.groupID("macs and PCs") + "/members")); n != 10 {
		t.Errorf("%d members of a dynamic start group", n)
	}
	if got := tt.want(200, "GET", "/beta/groups/"+tt.groupID("secret")+"?$select=visibility,groupTypes,membershipRuleProcessingStatus", nil); got["visibility"] != "HiddenMembership" || len(got["groupTypes"].([]any)) != 2 {
		t.Errorf("%v", got)
	}
}
