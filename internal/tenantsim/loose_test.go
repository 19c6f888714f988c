// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/metadata"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// What programs that nobody here wrote send, and the service takes.

// TestBatchIDs: an id may be a number, in dependsOn as well, and is text in the
// answer; what is neither is refused in words of the service.
func TestBatchIDs(t *testing.T) {
	tt := newTenant(t, Options{Devices: 3})
	out := tt.want(200, "POST", "/v1.0/$batch", `{"requests":[{"id":1,"method":"GET","url":"/organization"},{"id":2,"method":"GET","url":"/organization","dependsOn":[1]}]}`)
	var ids []string
	for _, r := range objects(out["responses"]) {
		ids = append(ids, text(r, "id"))
		if r["status"] != 200.0 {
			t.Errorf("item %v: %v", r["id"], r["status"])
		}
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"1", "2"}) {
		t.Errorf("ids %v", ids)
	}
	for _, body := range []string{
		`{}`, `{"requests":3}`, `{"requests":[3]}`, `{"requests":[{"id":true,"method":"GET","url":"/users"}]}`, `{"requests":[{"id":"1","method":7,"url":"/users"}]}`,
		`{"requests":[{"id":"1","method":"GET","url":["/users"]}]}`, `{"requests":[{"id":"1","method":"GET","url":"/users","headers":"x"}]}`,
		`{"requests":[{"id":"1","method":"GET","url":"/users","headers":{"a":[1]}}]}`, `{"requests":[{"id":"1","method":"GET","url":"/users","dependsOn":"1"}]}`,
		`{"requests":[{"id":"1","method":"GET","url":"/users","dependsOn":[{}]}]}`, `{"requests":[{"id":1,"method":"GET","url":"/users"},{"id":"1","method":"GET","url":"/users"}]}`,
	} {
		if code, message := tt.errorOf(400, "POST", "/v1.0/$batch", body); code == "" || goText(message) != "" {
			t.Errorf("%s: %s: %s", body, code, message)
		}
	}
}

// TestQueryOptionsWithoutDollar: beta takes them, v1.0 does not; a page that was
// asked for like that leads on to the next.
func TestQueryOptionsWithoutDollar(t *testing.T) {
	tt := newTenant(t, Options{Devices: 9, Scenario: quiet()})
	if n := len(tt.all("/beta/deviceManagement/managedDevices?top=4&select=id")); n != 9 {
		t.Errorf("%d devices in pages of four", n)
	}
	page := tt.want(200, "GET", "/beta/deviceManagement/managedDevices?&Top=4&SELECT=id,deviceName&skip=2", nil)
	if len(objects(page["value"])) != 4 || strings.Contains(text(page, "@odata.nextLink"), "skip=2") {
		t.Errorf("page %v", page)
	}
	tt.errorOf(400, "GET", "/v1.0/deviceManagement/managedDevices?top=4", nil)
	tt.errorOf(400, "GET", "/beta/deviceManagement/managedDevices?top=4&$top=5", nil)
	tt.errorOf(400, "GET", "/beta/deviceManagement/managedDevices?toop=4", nil)
	tt.errorOf(400, "GET", "/beta/deviceManagement/managedDevices?expand=x", nil)
}

// TestQualifiedOperations: every action and function has its qualified name too,
// no collection and no navigation has.
func TestQualifiedOperations(t *testing.T) {
	for i := range routes {
		rt := &routes[i]
		segments := slices.Clone(rt.segments)
		last := segments[len(segments)-1]
		for j, s := range segments {
			segments[j] = strings.Trim(s, "{}")
		}
		segments[len(segments)-1] = "graph." + segments[len(segments)-1]
		_, _, ok := bind(rt.segments, segments)
		isKey := strings.HasPrefix(last, "{")
		if want := operations[last] || isKey; ok != want {
			t.Errorf("%s %s: a qualified name fits %t, want %t", rt.method, rt.pattern, ok, want)
		}
		if operations[last] && rt.method == get && !slices.Contains([]string{"delta", "usage", "getRemediationSummary", "getRemediationHistory"}, last) {
			t.Errorf("%s is an operation and can be read", rt.pattern)
		}
	}
	tt := newTenant(t, Options{Devices: 3})
	group := tt.groupID("Tidegate Canary")
	policy := text(tt.want(201, "POST", policiesPath, allowBody("p")), "id")
	assignments := object{"assignments": []object{{"target": object{"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group}}}}
	tt.want(200, "POST", policiesPath+"('"+policy+"')/microsoft.graph.assign", assignments)
	if got := tt.all(policiesPath + "/" + policy + "/assignments"); len(got) != 1 {
		t.Errorf("assignments %v", got)
	}
	tt.want(200, "GET", "/v1.0/groups/microsoft.graph.delta()?$select=id", nil)
	for _, cast := range []string{"graph.device", "microsoft.graph.device"} {
		if got := tt.all("/v1.0/groups/" + group + "/members/" + cast); len(got) == 0 {
			t.Errorf("no members as %s", cast)
		}
	}
	for _, target := range []string{"/v1.0/microsoft.graph.groups", "/v1.0/groups/" + group + "/microsoft.graph.members"} {
		w := tt.do("GET", target, nil)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "Resource not found for the segment") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// TestAnnotationsAreIgnored: at any depth, in any of their spellings; a type is
// read and must fit, and what is no annotation is refused as ever.
func TestAnnotationsAreIgnored(t *testing.T) {
	var body any
	if err := json.Unmarshal([]byte(`{"@odata.context":"x","name@odata.type":"#String","name":"n","@microsoft.graph.tips":"t","#microsoft.graph.assign":{},
		"@odata.type":"#microsoft.graph.x","members@odata.bind":["u"],"members@delta":[],"@odata.id":"i",
		"list":[{"@odata.etag":"e","a":1,"a@odata.type":"#Int64"},[{"@x":1}]],"in":{"children@odata.type":"#Collection(x)","children":[]}}`), &body); err != nil {
		t.Fatal(err)
	}
	odata.DropAnnotations(body, false)
	got, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"@odata.type":"#microsoft.graph.x","in":{"children":[]},"list":[{"a":1},[{}]],"members@delta":[],"members@odata.bind":["u"],"name":"n"}`; string(got) != want {
		t.Errorf("left %s,\nwant %s", got, want)
	}
	tt := newTenant(t, Options{Devices: 3})
	policy := allowBody("annotated")
	choice := policy["settings"].([]object)[0]["settingInstance"].(object)["choiceSettingValue"].(object)
	maps.Copy(choice, object{"children@odata.type": "#Collection(microsoft.graph.deviceManagementConfigurationSettingInstance)"})
	policy["settings@odata.context"] = "https://graph.microsoft.com/beta/$metadata#x"
	tt.want(201, "POST", policiesPath, policy)
	choice["chidren"] = []object{}
	tt.errorOf(400, "POST", policiesPath, policy)
	delete(choice, "chidren")
	policy["@odata.type"] = "#microsoft.graph.group"
	tt.errorOf(400, "POST", policiesPath, policy)
}

// TestEveryMemberCanBeSelected: whatever the metadata has for an entity is null
// or empty when the simulator does not fill it, never an error.
func TestEveryMemberCanBeSelected(t *testing.T) {
	tt := newTenant(t, Options{Devices: 3})
	group := tt.groupID("Tidegate Canary")
	got := tt.want(200, "GET", "/v1.0/groups/"+group+"?$select=id,assignedLicenses,preferredLanguage,drive", nil)
	if list, ok := got["assignedLicenses"].([]any); !ok || len(list) > 0 {
		t.Errorf("assignedLicenses is %v", got["assignedLicenses"])
	}
	value, there := got["preferredLanguage"]
	_, navigation := got["drive"]
	if !there || value != nil || navigation {
		t.Errorf("selected %v", got)
	}
	tt.errorOf(400, "GET", "/v1.0/groups/"+group+"?$select=asignedLicenses", nil)
	tt.errorOf(400, "GET", "/v1.0/deviceManagement/managedDevices?$select=joinType", nil)
	if metadata.Of("v1.0", "managedDevice", "joinType") != metadata.None {
		t.Error("joinType is in v1.0")
	}
	for _, target := range []string{"/v1.0/users", "/v1.0/devices", "/v1.0/deviceManagement/managedDevices", "/beta/deviceManagement/managedDevices"} {
		version, path, _ := strings.Cut(strings.TrimPrefix(target, "/"), "/")
		entity := map[string]string{"users": "user", "devices": "device"}[path]
		if entity == "" {
			entity = "managedDevice"
		}
		for _, name := range metadata.Members(version, entity) {
			if w := tt.do("GET", target+"?$top=1&$select="+name, nil); w.Code != 200 {
				t.Errorf("%s of %s: %d %s", name, target, w.Code, w.Body)
			}
		}
	}
}
