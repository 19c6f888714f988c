// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const edgePrefix = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge_"

func TestCatalogs(t *testing.T) {
	for catalog, want := range map[string]struct{ passkeys, literal int }{"edge": {3, 0}, "article": {3, 2}, "empty-edge": {0, 0}} {
		tt := newTenant(t, Options{Devices: 5, Catalog: catalog})
		const list = "/beta/deviceManagement/configurationSettings"
		if n := len(tt.all(list + "?$filter=name eq 'PasswordManagerPasskeysEnabled'")); n != want.passkeys {
			t.Errorf("%s: %d passkey settings, want %d", catalog, n, want.passkeys)
		}
		if n := len(tt.all(list + "?$filter=name eq 'PasskeySyncEnabled'")); n != want.literal {
			t.Errorf("%s: %d literal settings, want %d", catalog, n, want.literal)
		}
	}
	if _, err := New(Options{Ideal: idealHere, Catalog: "chrome"}); err == nil || !strings.Contains(err.Error(), "empty-edge") {
		t.Errorf("unknown catalog: %v", err)
	}
}

func TestDefinitionShape(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const list = "/beta/deviceManagement/configurationSettings"
	d := tt.want(200, "GET", list+"/"+PasskeysWindowsDevice, nil)
	if d["@odata.type"] != typePrefix+"ChoiceSettingDefinition" || d["rootDefinitionId"] != PasskeysWindowsDevice || d["categoryId"] != categoryPasswords {
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
	user := tt.want(200, "GET", list+"('"+PasskeysWindowsUser+"')", nil)
	if !strings.HasSuffix(text(user, "displayName"), "(User)") {
		t.Errorf("user scope is called %v", user["displayName"])
	}
	child := tt.want(200, "GET", list+"/"+edgePrefix+"browsersignin_browsersignin", nil)
	if child["rootDefinitionId"] != edgePrefix+"browsersignin" {
		t.Errorf("child points at %v", child["rootDefinitionId"])
	}
	for filter, want := range map[string]int{
		"applicability/platform has 'macOS' and contains(displayName,'passkeys')": 1,
		"contains(id,'passwordmanagerenabled')":                                   5,
		"categoryId eq '" + categoryChrome + "'":                                  1,
	} {
		if n := len(tt.all(list + "?$filter=" + filter)); n != want {
			t.Errorf("%s: %d definitions, want %d", filter, n, want)
		}
	}
	if n := len(tt.all(list + "?$search=\"passkeys manager\"")); n != 3 {
		t.Errorf("$search found %d", n)
	}
	tt.errorOf(404, "GET", list+"/nothing", nil)
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
	tt := newTenant(t, Options{Devices: 5})
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

// TestSimpleValuesNeedTheirType: the annotation carries the kind (contract a.2).
func TestSimpleValuesNeedTheirType(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const length = "device_vendor_msft_policy_config_devicelock_mindevicepasswordlength"
	body := func(value object) object {
		b := allowBody("x")
		b["settings"] = []object{{"settingInstance": object{"@odata.type": typePrefix + "SimpleSettingInstance", "settingDefinitionId": length, "simpleSettingValue": value}}}
		return b
	}
	integer := typePrefix + "IntegerSettingValue"
	tt.createPolicy(body(object{"@odata.type": integer, "value": 14}))
	for _, bad := range []object{{"value": 14}, {"@odata.type": integer, "value": "14"}, {"@odata.type": integer, "value": 99}, {"@odata.type": typePrefix + "StringSettingValue", "value": "14"}} {
		tt.errorOf(400, "POST", policiesPath, body(bad))
	}
}

// TestSettingsPageAt25: a client that ignores nextLink loses settings
// (contract a.3).
func TestSettingsPageAt25(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	var settings []object
	for i := range 60 {
		def := fmt.Sprintf("device_vendor_msft_policy_config_sample_area%02d_setting%03d", i/20, i)
		settings = append(settings, choiceBody("", "", "", def, def+"_1")["settings"].([]object)[0])
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

// TestGroupCollections: groups may repeat what they set, within their
// definition, and come back as they were sent.
func TestGroupCollections(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const root, child, other = "test_rules", "test_rules_key", "test_other"
	for _, d := range []definition{{id: root, kind: defGroups, children: []string{child}}, {id: child, kind: defText}, {id: other, kind: defText}} {
		d.root, d.platform, d.technologies, d.maxLength = root, "windows10", "mdm", 10
		tt.sim.catalog.add(d)
	}
	set := func(id, value string) object {
		return object{"@odata.type": typePrefix + "SimpleSettingInstance", "settingDefinitionId": id,
			"simpleSettingValue": object{"@odata.type": typePrefix + "StringSettingValue", "value": value}}
	}
	body := func(groups ...[]object) object {
		values := []object{}
		for _, g := range groups {
			values = append(values, object{"children": g})
		}
		p := allowBody("g")
		p["settings"] = []object{{"@odata.type": typePrefix + "Setting", "settingInstance": object{
			"@odata.type": typePrefix + "GroupSettingCollectionInstance", "settingDefinitionId": root, "groupSettingCollectionValue": values}}}
		return p
	}
	id := tt.createPolicy(body([]object{set(child, "a")}, []object{set(child, "b")}))
	got, _ := tt.all(policiesPath + "/" + id + "/settings")[0]["settingInstance"].(map[string]any)
	var values []any
	for _, g := range objects(got["groupSettingCollectionValue"]) {
		for _, c := range objects(g["children"]) {
			values = append(values, c["simpleSettingValue"].(map[string]any)["value"])
		}
	}
	if len(values) != 2 || values[0] != "a" || values[1] != "b" {
		t.Errorf("came back as %v", got)
	}
	if d := tt.want(200, "GET", "/beta/deviceManagement/configurationSettings/"+root, nil); d["@odata.type"] != typePrefix+"SettingGroupCollectionDefinition" {
		t.Errorf("definition %v", d)
	}
	for want, bad := range map[string]object{
		"should not be empty":   body(),
		"more than once":        body([]object{set(child, "a"), set(child, "b")}),
		"contains parent":       body([]object{set(other, "a")}),
		"was not found":         body([]object{set("nope", "a")}),
		"'settingDefinitionId'": body([]object{{"@odata.type": typePrefix + "SimpleSettingInstance"}}),
	} {
		if _, message := tt.errorOf(400, "POST", policiesPath, bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
}
