// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

const edgePrefix = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge_"

const definitionsPath = "/beta/deviceManagement/configurationSettings"

func TestCatalogs(t *testing.T) {
	for name, want := range map[string]struct{ passkeys, literal int }{"edge": {5, 0}, "article": {5, 2}, "empty-edge": {0, 0}, "edge-with-macos-passkeys": {6, 0}} {
		tt := newTenant(t, Options{Devices: 5, Catalog: name})
		if n := len(tt.all(definitionsPath + "?$filter=name eq 'PasswordManagerPasskeysEnabled'")); n != want.passkeys {
			t.Errorf("%s: %d passkey settings, want %d", name, n, want.passkeys)
		}
		if n := len(tt.all(definitionsPath + "?$filter=name eq 'PasskeySyncEnabled'")); n != want.literal {
			t.Errorf("%s: %d literal settings, want %d", name, n, want.literal)
		}
	}
	if _, err := New(Options{Ideal: idealHere, Catalog: "chrome"}); err == nil || !strings.Contains(err.Error(), "empty-edge") {
		t.Errorf("unknown catalog: %v", err)
	}
}

func TestDefinitionShape(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Catalog: "edge-with-macos-passkeys"})
	d := tt.want(200, "GET", definitionsPath+"/"+PasskeysWindowsDevice, nil)
	if d["@odata.type"] != typePrefix+"ChoiceSettingDefinition" || d["rootDefinitionId"] != PasskeysWindowsDevice || d["baseUri"] != "./Device/Vendor/MSFT/Policy" {
		t.Errorf("definition %v", d)
	}
	options := objects(d["options"])
	if len(options) != 2 || options[1]["itemId"] != PasskeysWindowsDevice+"_1" {
		t.Errorf("options %v", options)
	}
	applicability, _ := d["applicability"].(map[string]any)
	if applicability["platform"] != "windows10" || applicability["technologies"] != "mdm" {
		t.Errorf("applicability %v", applicability)
	}
	user := tt.want(200, "GET", definitionsPath+"('"+PasskeysWindowsUser+"')", nil)
	if !strings.HasSuffix(text(user, "displayName"), "(User)") {
		t.Errorf("user scope is called %v", user["displayName"])
	}
	child := tt.want(200, "GET", definitionsPath+"/"+edgePrefix+"browsersignin_browsersignin", nil)
	if child["rootDefinitionId"] != edgePrefix+"browsersignin" {
		t.Errorf("child points at %v", child["rootDefinitionId"])
	}
	tt.errorOf(404, "GET", definitionsPath+"/nothing", nil)
	if one := tt.all(definitionsPath + "?$top=1&$select=id,displayName")[0]; one["displayName"] == nil || one["options"] != nil || one["description"] != nil {
		t.Errorf("selected %v", one)
	}
}

// TestDefinitionSearch runs the forms that tools use (contract a.6). Numbers are
// those of the built-in data with the fictitious macOS setting.
func TestDefinitionSearch(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Catalog: "edge-with-macos-passkeys"})
	for query, want := range map[string]int{
		"": 219,
		"?$filter=applicability/platform has 'macOS' and contains(displayName,'passkeys')":              3, // MAM, macOS, iCloud Keychain
		"?$filter=applicability/platform eq 'macOS'":                                                    19,
		"?$filter=applicability/platform eq 'macOS,windows10'":                                          23,
		"?$filter=applicability/technologies has 'appleRemoteManagement'":                               19,
		"?$filter=applicability/technologies eq 'mdm,appleRemoteManagement'":                            19,
		"?$filter=applicability/technologies has 'mobileApplicationManagement'":                         23,
		"?$filter=contains(id,'passwordmanagerpasskeysenabled')":                                        6,
		"?$filter=contains(id,'PasswordManagerPasskeysEnabled')":                                        6, // ASSUMED: whatever the case
		"?$filter=contains(displayName,'saving passkeys')":                                              6,
		"?$filter=rootDefinitionId eq '" + edgePrefix + "browsersignin'":                                2,
		"?$filter=categoryId eq 'a5a38799-7bf1-4b83-86fe-62729cd9ed9d'":                                 20,
		"?$filter=contains(id,'passkeysenabled') and not (contains(id,'chrome'))&$select=id":            4,
		"?$search=\"passkeys manager\"":                                                                 6,
		"?$search=\"passkeys\"&$filter=applicability/platform has 'windows10'":                          5,
		"?$filter=startswith(id,'user_vendor')and categoryId eq '45a89c1f-0a34-4f78-b28f-d30b623fa423'": 18,
	} {
		if n := len(tt.all(definitionsPath + query)); n != want {
			t.Errorf("%s: %d definitions, want %d", query, n, want)
		}
	}
	tt.scenario(func(sc *Scenario) { sc.CaseSensitiveSearch = true })
	for query, want := range map[string]int{
		"?$filter=contains(id,'PasswordManagerPasskeysEnabled')":    0,
		"?$filter=contains(displayName,'enable saving passkeys')":   0,
		"?$filter=startswith(displayName,'Enable saving passkeys')": 6,
		"?$search=\"passkeys\"":                                     7,
	} {
		if n := len(tt.all(definitionsPath + query)); n != want {
			t.Errorf("case sensitive, %s: %d definitions, want %d", query, n, want)
		}
	}
	for _, bad := range []string{"?$filter=contains(categoryId,'a')", "?$filter=baseUri eq 'x'", "?$filter=options eq 'x'", "?$select=colour", "?$orderby=id"} {
		tt.errorOf(400, "GET", definitionsPath+bad, nil)
	}
}

// TestCategoryTree: every definition has its category, and the tree hangs by
// parents that exist.
func TestCategoryTree(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const path = "/beta/deviceManagement/configurationCategories"
	all, byID := tt.all(path), map[string]object{}
	for _, k := range all {
		byID[text(k, "id")] = k
	}
	for _, d := range tt.all(definitionsPath + "?$top=1000") {
		if byID[text(d, "categoryId")] == nil {
			t.Errorf("%s is in no category", d["id"])
		}
	}
	for _, k := range all {
		parent, root := byID[text(k, "parentCategoryId")], byID[text(k, "rootCategoryId")]
		if root == nil || (parent == nil) != (text(k, "rootCategoryId") == k["id"]) {
			t.Errorf("category %v", k)
		}
		children, _ := k["childCategoryIds"].([]any)
		for _, id := range children {
			if byID[id.(string)]["parentCategoryId"] != k["id"] {
				t.Errorf("%s is a child of %s", id, k["displayName"])
			}
		}
	}
	if n := len(tt.all(path + "?$filter=platforms has 'macOS'")); n != 3 {
		t.Errorf("%d categories for macOS", n)
	}
	if one := tt.want(200, "GET", path+"/3ba8106d-4b2f-4775-939d-1cc8703a41dc", nil); one["platforms"] != "macOS,windows10" {
		t.Errorf("category %v", one)
	}
	tt.errorOf(404, "GET", path+"/nothing", nil)
}

func TestPolicyLifecycle(t *testing.T) {
	tt := newTenant(t, Options{Devices: 60})
	created := tt.want(201, "POST", policiesPath, allowBody("allow"))
	id := text(created, "id")
	if created["settingCount"] != 1.0 || created["isAssigned"] != false || created["settings"] != nil {
		t.Errorf("created %v", created)
	}
	if stamp := text(created, "createdDateTime"); len(stamp) != len("2026-10-02T09:10:11.1234567Z") {
		t.Errorf("createdDateTime %q has no 7-digit fraction", stamp)
	}
	if ref, _ := created["templateReference"].(map[string]any); ref["templateId"] != "" || ref["templateFamily"] != "none" {
		t.Errorf("templateReference %v", created["templateReference"])
	}
	if second := tt.createPolicy(allowBody("allow")); second == id || len(tt.all(policiesPath+"?$filter=name eq 'allow'")) != 2 {
		t.Error("POST must not be idempotent")
	}
	settings := tt.all(policiesPath + "('" + id + "')/settings?$expand=settingDefinitions")
	if len(settings) != 1 || settings[0]["id"] != "0" || len(objects(settings[0]["settingDefinitions"])) != 1 {
		t.Fatalf("settings %v", settings)
	}
	got := tt.want(200, "GET", policiesPath+"/"+id+"?$expand=settings,assignments", nil)
	if len(objects(got["settings"])) != 1 || got["assignments"] == nil {
		t.Errorf("expanded %v", got)
	}
	code, message := tt.errorOf(400, "PATCH", policiesPath+"/"+id, object{"settings": []object{}})
	if code != codeModelValidation || !strings.Contains(message, "Cannot apply PATCH to navigation property 'settings'") {
		t.Errorf("PATCH settings: %s %s", code, message)
	}
	if patched := tt.want(200, "PATCH", policiesPath+"/"+id, object{"description": "mine"}); patched["description"] != "mine" {
		t.Errorf("patched %v", patched)
	}
	if code, said := tt.errorOf(400, "POST", policiesPath+"/"+id+"/assignments", object{}); code != "No method match route template" || !strings.Contains(said, "http verb POST for request /deviceManagement/") {
		t.Errorf("POST to assignments: %s, %s", code, said) // contract-2 z.8
	}
	if code, _ := tt.errorOf(400, "PATCH", policiesPath+"/"+id+"/settings/0", object{}); code != "No method match route template" {
		t.Errorf("PATCH settings/0: %s", code)
	}
	body := holdBody("hold")
	body["roleScopeTagIds"] = []string{"0", "7"}
	if w := tt.do("PUT", policiesPath+"('"+id+"')", body); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("PUT: %d %s", w.Code, w.Body)
	}
	got = tt.want(200, "GET", policiesPath+"/"+id+"?$expand=settings", nil)
	if got["name"] != "hold" || got["description"] != "" || !strings.Contains(fmt.Sprint(got["settings"]), PasskeysWindowsDevice+"_0") {
		t.Errorf("after PUT: %v", got)
	}
	tt.want(204, "DELETE", policiesPath+"/"+id, nil)
	if code, _ := tt.errorOf(404, "GET", policiesPath+"/"+id, nil); code != codeResourceNotFound {
		t.Errorf("deleted policy: %s", code)
	}
}

func TestPolicyRefusals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Catalog: catalog.MacOSPasskeys})
	instance := func(change func(instance, value object)) object {
		body := allowBody("x")
		in := body["settings"].([]object)[0]["settingInstance"].(object)
		change(in, in["choiceSettingValue"].(object))
		return body
	}
	top := func(name string, value any) object {
		body := allowBody("x")
		body[name] = value
		return body
	}
	child := object{"@odata.type": typePrefix + "ChoiceSettingInstance", "settingDefinitionId": edgePrefix + "browsersignin_browsersignin",
		"choiceSettingValue": object{"value": edgePrefix + "browsersignin_browsersignin_1", "children": []object{}}}
	for name, tc := range map[string]struct {
		body any
		want string
	}{
		"no settings":        {top("settings", []object{}), "Count is not >=1 and <=5000"},
		"settings no list":   {top("settings", object{}), "settings"},
		"no name":            {top("name", nil), "'name'"},
		"empty name":         {top("name", ""), "'name'"},
		"unknown property":   {top("settingsCount", 1), "'settingsCount' does not exist"},
		"bad platform":       {top("platforms", "windows11"), "windows11"},
		"other platform":     {top("platforms", "macOS"), "platform applicability"},
		"other technology":   {top("technologies", "mdm,microsoftSense"), "technology applicability mdm does not match"},
		"template":           {top("templateReference", object{"templateId": "80d33118_1"}), "80d33118_1"},
		"twice":              {top("settings", append(allowBody("x")["settings"].([]object), allowBody("x")["settings"].([]object)...)), "more than once"},
		"unknown definition": {instance(func(in, _ object) { in["settingDefinitionId"] = "nope" }), "'nope' was not found"},
		"no definition":      {instance(func(in, _ object) { delete(in, "settingDefinitionId") }), "settingDefinitionId"},
		"no instance type":   {instance(func(in, _ object) { delete(in, "@odata.type") }), "ChoiceSettingInstance expected"},
		"unknown option":     {instance(func(_, v object) { v["value"] = "Enabled" }), "itemId"},
		"other type":         {instance(func(in, _ object) { in["@odata.type"] = typePrefix + "SimpleSettingInstance" }), "does not match the definition"},
		"odd member":         {instance(func(in, _ object) { in["colour"] = 1 }), "'colour'"},
		"odd value member":   {instance(func(_, v object) { v["colour"] = 1 }), "'colour'"},
		"template reference": {instance(func(in, _ object) { in["settingInstanceTemplateReference"] = object{"x": 1} }), "Invalid Reference id"},
		"foreign child":      {instance(func(_, v object) { v["children"] = []object{child} }), "parent setting that are not present"},
		"child alone":        {choiceBody("x", "windows10", "mdm", edgePrefix+"browsersignin_browsersignin", edgePrefix+"browsersignin_browsersignin_1"), "parent setting that are not present"},
		"child missing":      {choiceBody("x", "windows10", "mdm", edgePrefix+"browsersignin", edgePrefix+"browsersignin_1"), "requires the child setting"},
	} {
		t.Run(name, func(t *testing.T) {
			tt := &tenant{T: t, sim: tt.sim, token: tt.token}
			code, message := tt.errorOf(400, "POST", policiesPath, tc.body)
			var inner struct{ Message string }
			if err := json.Unmarshal([]byte(message), &inner); err != nil || code != codeBadRequest {
				t.Fatalf("%s %q: %v", code, message, err)
			}
			if !strings.Contains(inner.Message, tc.want) {
				t.Errorf("%q does not tell about %q", inner.Message, tc.want)
			}
		})
	}
	if n := len(tt.all(policiesPath)); n != 0 {
		t.Errorf("%d policies exist after refusals", n)
	}
	good := choiceBody("x", "windows10", "mdm", edgePrefix+"browsersignin", edgePrefix+"browsersignin_1")
	good["settings"].([]object)[0]["settingInstance"].(object)["choiceSettingValue"].(object)["children"] = []object{child}
	tt.createPolicy(good)
	tt.createPolicy(choiceBody("mac", "macOS", "mdm,appleRemoteManagement", PasskeysMacOS, PasskeysMacOS+"_true"))
}

// TestSettingsPageAt25: a client that ignores nextLink loses settings
// (contract a.3).
func TestSettingsPageAt25(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	var settings []object
	for _, d := range tt.sim.catalog.Definitions() {
		if d.Kind == catalog.Choice && d.RootID == d.ID && d.Platform == "windows10" && d.Technologies == "mdm" && len(settings) < 60 {
			settings = append(settings, choiceBody("", "", "", d.ID, d.ID+"_0")["settings"].([]object)[0])
		}
	}
	body := allowBody("big")
	body["settings"] = settings
	id := tt.createPolicy(body)
	first := tt.want(200, "GET", policiesPath+"/"+id+"/settings", nil)
	if n := len(objects(first["value"])); n != 25 || first["@odata.nextLink"] == nil || first["@odata.count"] != 25.0 {
		t.Errorf("first page: %d settings, count %v, nextLink %v", n, first["@odata.count"], first["@odata.nextLink"])
	}
	all := tt.all(policiesPath + "/" + id + "/settings")
	if len(all) != 60 || all[59]["id"] != "59" {
		t.Errorf("%d settings in all", len(all))
	}
	if n := len(objects(tt.want(200, "GET", policiesPath+"/"+id+"/settings?$top=1000", nil)["value"])); n != 60 {
		t.Errorf("$top=1000 gave %d", n)
	}
}

func TestAssignReplaces(t *testing.T) {
	tt := newTenant(t, Options{Devices: 60})
	id := tt.createPolicy(allowBody("p"))
	a, b := tt.groupID("Tidegate Canary"), tt.groupID("All Corporate Devices")
	tt.assign(id, groupTarget(b), excludeTarget(a))
	list := tt.want(200, "GET", policiesPath+"/"+id+"/assignments", nil)
	first := objects(list["value"])[0]
	if text(first, "id") != id+"_"+b || first["source"] != "direct" || first["sourceId"] != id {
		t.Errorf("assignment %v", first)
	}
	target, _ := first["target"].(map[string]any)
	if target["groupId"] != b || target["deviceAndAppManagementAssignmentFilterType"] != "none" {
		t.Errorf("target %v", target)
	}
	tt.assign(id, groupTarget(a))
	if n := len(objects(tt.want(200, "GET", policiesPath+"/"+id+"/assignments", nil)["value"])); n != 1 {
		t.Errorf("%d assignments after replacing", n)
	}
	put := allowBody("p2")
	tt.want(204, "PUT", policiesPath+"/"+id, put)
	if got := tt.want(200, "GET", policiesPath+"/"+id, nil); got["isAssigned"] != true {
		t.Error("PUT must keep the assignments")
	}
	for name, bad := range map[string]any{
		"no list":      object{},
		"odd member":   object{"assignments": []object{}, "x": 1},
		"no target":    object{"assignments": []object{{}}},
		"no guid":      object{"assignments": []object{groupTarget("x")}},
		"unknown kind": object{"assignments": []object{{"target": object{"@odata.type": "#microsoft.graph.nothing"}}}},
		"twice":        object{"assignments": []object{groupTarget(a), groupTarget(a)}},
		"unknown filter": object{"assignments": []object{{"target": object{"@odata.type": string(targetGroup), "groupId": a,
			"deviceAndAppManagementAssignmentFilterId": newGUID(3, "f", 1).String(), "deviceAndAppManagementAssignmentFilterType": "include"}}}},
	} {
		if code, _ := tt.errorOf(400, "POST", policiesPath+"/"+id+"/assign", bad); code != codeBadRequest {
			t.Errorf("%s: %s", name, code)
		}
	}
	tt.assign(id)
	if got := tt.want(200, "GET", policiesPath+"/"+id, nil); got["isAssigned"] != false {
		t.Error("an empty list must clear the assignments")
	}
}
