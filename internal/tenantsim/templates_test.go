// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"strings"
	"testing"
)

const templatesPath = "/beta/" + templatesContext

// templateBody is a policy of the newest template, with every setting at its
// default, as a client that reads the template would write it.
func (t *tenant) templateBody(name string) object {
	t.Helper()
	template := t.all(templatesPath + "?$filter=lifecycleState eq 'active'")[0]
	body := object{"name": name, "description": "", "platforms": template["platforms"], "technologies": template["technologies"], "roleScopeTagIds": []string{"0"},
		"templateReference": object{"templateId": template["id"], "templateFamily": template["templateFamily"]}}
	settings := []object{}
	for _, st := range t.all(templatesPath + "/" + text(template, "id") + "/settingTemplates") {
		settings = append(settings, object{"@odata.type": typePrefix + "Setting", "settingInstance": fromTemplate(st["settingInstanceTemplate"].(map[string]any))})
	}
	body["settings"] = settings
	return body
}

// fromTemplate is an instance as its template wants it, at the default.
func fromTemplate(in object) object {
	out := object{"settingDefinitionId": in["settingDefinitionId"], "settingInstanceTemplateReference": object{"settingInstanceTemplateId": in["settingInstanceTemplateId"]},
		"@odata.type": strings.TrimSuffix(text(in, "@odata.type"), "Template")}
	reference := func(of object) object {
		return object{"settingValueTemplateId": of["settingValueTemplateId"], "useTemplateDefault": false}
	}
	constant := func(of object) object {
		return object{"@odata.type": typePrefix + "StringSettingValue", "settingValueTemplateReference": reference(of), "value": of["defaultValue"].(map[string]any)["constantValue"]}
	}
	if choice, ok := in["choiceSettingValueTemplate"].(map[string]any); ok {
		def, children := choice["defaultValue"].(map[string]any), []object{}
		for _, child := range objects(def["children"]) {
			children = append(children, fromTemplate(child))
		}
		out["choiceSettingValue"] = object{"value": def["settingDefinitionOptionId"], "children": children, "settingValueTemplateReference": reference(choice)}
	}
	if simple, ok := in["simpleSettingValueTemplate"].(map[string]any); ok {
		out["simpleSettingValue"] = constant(simple)
	}
	for _, one := range objects(in["simpleSettingCollectionValueTemplate"]) {
		out["simpleSettingCollectionValue"] = []object{constant(one)}
	}
	return out
}

func firstInstance(body object) object {
	return body["settings"].([]object)[0]["settingInstance"].(object)
}

func TestTemplates(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	all := tt.all(templatesPath)
	if len(all) != 4 || all[0]["baseId"] != all[3]["baseId"] || all[3]["id"] != "c66347b7-8325-4954-a235-3bf2233dfbfd_4" || all[3]["settingTemplateCount"] != 19.0 || all[3]["displayVersion"] != "Version 139" {
		t.Fatalf("templates: %v", all)
	}
	if n := len(tt.all(templatesPath + "?$filter=templateFamily eq 'baseline' and platforms has 'windows10'&$select=id")); n != 4 {
		t.Errorf("%d found", n)
	}
	id := text(all[3], "id")
	expanded := tt.all(templatesPath + "('" + id + "')/settingTemplates?$expand=settingDefinitions")
	if definitions := objects(expanded[0]["settingDefinitions"]); len(expanded) != 19 || expanded[0]["id"] != "0" || len(definitions) != 1 ||
		definitions[0]["id"] != expanded[0]["settingInstanceTemplate"].(map[string]any)["settingDefinitionId"] {
		t.Errorf("setting templates: %v", expanded)
	}
	if page := tt.want(200, "GET", templatesPath+"/"+id+"/settingTemplates?$top=1", nil); page["@odata.nextLink"] == nil || len(objects(page["value"])) != 1 {
		t.Errorf("a page: %v", page)
	}
	for _, path := range []string{templatesPath + "/nope_1/settingTemplates", templatesPath + "/" + text(all[1], "baseId") + "/settingTemplates"} {
		tt.errorOf(404, "GET", path, nil)
	}
	tt.errorOf(400, "GET", templatesPath+"/"+id+"/settingTemplates?$expand=assignments", nil)
	tt.errorOf(400, "GET", templatesPath+"?$orderby=version", nil)
	tt.errorOf(400, "GET", strings.Replace(templatesPath, "beta", "v1.0", 1), nil)
}

func TestPolicyFromTemplate(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	body := tt.templateBody("baseline")
	id := tt.createPolicy(body)
	got := tt.want(200, "GET", policiesPath+"/"+id+"?$expand=settings", nil)
	ref := got["templateReference"].(map[string]any)
	if ref["templateFamily"] != "baseline" || !strings.HasSuffix(text(ref, "templateId"), "_4") || ref["templateDisplayVersion"] != "Version 139" {
		t.Errorf("reference: %v", ref)
	}
	shown := objects(got["settings"])[0]["settingInstance"].(map[string]any)
	if want := firstInstance(body)["settingInstanceTemplateReference"].(object)["settingInstanceTemplateId"]; shown["settingInstanceTemplateReference"].(map[string]any)["settingInstanceTemplateId"] != want ||
		shown["choiceSettingValue"].(map[string]any)["settingValueTemplateReference"] == nil {
		t.Errorf("references of the setting: %v", shown)
	}
	tt.want(204, "PUT", policiesPath+"('"+id+"')", body)
	if n := len(tt.all(policiesPath + "?$filter=templateReference/TemplateFamily eq 'Baseline' and templateReference/TemplateId eq '" + text(ref, "templateId") + "'")); n != 1 {
		t.Errorf("%d policies of the family", n)
	}
	for want, change := range map[string]func(object){
		"template 'x' was not found":                                 func(b object) { b["templateReference"].(object)["templateId"] = "x" },
		"of family 'baseline'":                                       func(b object) { b["templateReference"].(object)["templateFamily"] = "endpointSecurityFirewall" },
		"Invalid Reference id found in Policy created from Template": func(b object) { firstInstance(b)["settingInstanceTemplateReference"] = nil },
		"Invalid Reference id found in Policy": func(b object) {
			firstInstance(b)["choiceSettingValue"].(object)["settingValueTemplateReference"] = object{"settingValueTemplateId": "x"}
		},
		"that was not created from a Template": func(b object) { delete(b, "templateReference") },
		"template reference":                   func(b object) { firstInstance(b)["settingInstanceTemplateReference"].(object)["extra"] = 1 },
		"'who' does not exist":                 func(b object) { b["templateReference"].(object)["who"] = 1 },
		"Invalid Reference id": func(b object) {
			b["settings"] = append(b["settings"].([]object), allowBody("x")["settings"].([]object)...)
		},
	} {
		bad := tt.templateBody("bad")
		change(bad)
		if _, message := tt.errorOf(400, "POST", policiesPath, bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
}

func TestCreateCopy(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5})})
	body := allowBody("source")
	body["description"] = "why"
	id := tt.createPolicy(body)
	tt.assign(id, groupTarget(tt.groupID("g")))
	source := tt.want(200, "GET", policiesPath+"/"+id+"?$expand=settings,assignments", nil)
	made := tt.want(200, "POST", policiesPath+"/"+id+"/createCopy", object{"displayName": "copy", "description": "because"})
	got := tt.want(200, "GET", policiesPath+"/"+text(made, "id")+"?$expand=settings,assignments", nil)
	if got["id"] == id || got["name"] != "copy" || got["description"] != "because" || got["isAssigned"] != false || len(objects(got["assignments"])) != 0 {
		t.Errorf("copy: %v", got)
	}
	if fmt.Sprint(got["settings"]) != fmt.Sprint(source["settings"]) || got["platforms"] != source["platforms"] {
		t.Errorf("settings differ: %v", got["settings"])
	}
	if again := tt.want(200, "POST", policiesPath+"/"+id+"/createCopy", object{"displayName": "copy"}); again["description"] != "why" {
		t.Errorf("a copy without a description: %v", again["description"])
	}
	// The two do not share what a change touches.
	tt.want(200, "PATCH", policiesPath+"/"+text(made, "id"), object{"description": "changed"})
	if now := tt.want(200, "GET", policiesPath+"/"+id+"?$expand=settings,assignments", nil); now["description"] != "why" || len(objects(now["assignments"])) != 1 {
		t.Errorf("the source changed: %v", now)
	}
	for want, bad := range map[string]object{"'displayName'": {}, "for parameter 'displayName'": {"displayName": ""}, "'name' does not exist": {"displayName": "x", "name": "y"}} {
		if _, message := tt.errorOf(400, "POST", policiesPath+"/"+id+"/createCopy", bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.errorOf(404, "POST", policiesPath+"/"+office+"/createCopy", object{"displayName": "x"})
	tt.scenario(func(sc *Scenario) { sc.Approvals = []string{"configurationPolicies"} })
	tt.errorOf(400, "POST", policiesPath+"/"+id+"/createCopy", object{"displayName": "x"})
}

func TestReorder(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	ids := []string{tt.createPolicy(allowBody("a")), tt.createPolicy(allowBody("b")), tt.createPolicy(allowBody("c"))}
	place := func(i, at int) { tt.want(204, "POST", policiesPath+"/"+ids[i]+"/reorder", object{"priority": at}) }
	order := func() string {
		out := ""
		for _, id := range ids {
			meta, _ := tt.want(200, "GET", policiesPath+"/"+id, nil)["priorityMetaData"].(map[string]any)
			out += fmt.Sprint(meta["priority"], " ")
		}
		return out
	}
	if got := order(); got != "<nil> <nil> <nil> " {
		t.Errorf("new policies: %s", got)
	}
	before := tt.sim.ConfigDigest()
	for _, step := range []struct {
		policy, at int
		want       string
	}{{0, 1, "1 <nil> <nil> "}, {1, 9, "1 2 <nil> "}, {2, 1, "2 3 1 "}, {2, 2, "1 3 2 "}} {
		place(step.policy, step.at)
		if got := order(); got != step.want {
			t.Errorf("policy %d to %d: %s, want %s", step.policy, step.at, got, step.want)
		}
	}
	if tt.sim.ConfigDigest() == before {
		t.Error("the digest does not see the order")
	}
	for _, bad := range []object{{}, {"priority": 0}, {"priority": "1"}, {"priority": 1, "x": 1}} {
		tt.errorOf(400, "POST", policiesPath+"/"+ids[0]+"/reorder", bad)
	}
	tt.errorOf(404, "POST", policiesPath+"/"+office+"/reorder", object{"priority": 1})
}
