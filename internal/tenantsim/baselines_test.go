// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	groupPolicyPath = "/beta/" + groupPolicyContext
	intentsPath     = "/beta/" + intentsContext
	graphAddress    = "https://graph.microsoft.com/beta/" + admxDefinitionsContext
)

// admx finds the one group policy definition of a display name, path and class.
func (t *tenant) admx(displayName, path, class string) string {
	t.Helper()
	found := t.all("/beta/" + admxDefinitionsContext + "?$filter=displayName eq '" + displayName + "' and categoryPath eq '" + path + "' and classType eq '" + class + "'")
	if len(found) != 1 {
		t.Fatalf("%d definitions of %s in %s", len(found), displayName, path)
	}
	return text(found[0], "id")
}

const (
	savePasskeys  = "Enable saving passkeys to the password manager"
	savePasswords = "Enable saving passwords to the password manager"
	edgePasswords = `\Microsoft Edge\Password manager and protection`
)

// TestGroupPolicyCycle: made, filled, read as tools do, changed and deleted.
func TestGroupPolicyCycle(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 2})})
	made := tt.want(201, "POST", groupPolicyPath, object{"displayName": "admin", "description": "d"})
	id := text(made, "id")
	listed := tt.all(groupPolicyPath + "?$filter=id eq '" + id + "'")
	if made["policyConfigurationIngestionType"] != "unknown" || len(listed) != 1 || listed[0]["policyConfigurationIngestionType"] != "builtIn" || fmt.Sprint(made["roleScopeTagIds"]) != "[0]" {
		t.Errorf("made %v, listed %v", made, listed)
	}
	if _, shown := listed[0]["isAssigned"]; shown {
		t.Error("a group policy configuration has no isAssigned")
	}
	// Names repeat over classes and products: the same title four times, and twice for Chrome.
	if n := len(tt.all("/beta/" + admxDefinitionsContext + "?$filter=displayName eq '" + savePasswords + "'")); n != 8 {
		t.Errorf("%d definitions of one name", n)
	}
	passwords, signin := tt.admx(savePasswords, edgePasswords, "machine"), tt.admx("Browser sign-in settings", `\Microsoft Edge`, "user")
	inputs := tt.all("/beta/" + admxDefinitionsContext + "/" + signin + "/presentations")
	if len(inputs) != 1 || inputs[0]["@odata.type"] != "#microsoft.graph.groupPolicyPresentationDropdownList" || len(objects(inputs[0]["items"])) != 3 {
		t.Fatalf("presentations %v", inputs)
	}
	input := object{"@odata.type": "#microsoft.graph.groupPolicyPresentationValueText", "value": "1",
		"presentation@odata.bind": graphAddress + "('" + signin + "')/presentations('" + text(inputs[0], "id") + "')"}
	update := func(added, updated []object, deleted ...string) object {
		return object{"added": added, "updated": updated, "deletedIds": append([]string{}, deleted...)}
	}
	tt.want(204, "POST", groupPolicyPath+"/"+id+"/updateDefinitionValues", update([]object{
		{"enabled": false, "definition@odata.bind": graphAddress + "('" + passwords + "')", "presentationValues": []object{}},
		{"enabled": true, "definition@odata.bind": graphAddress + "/" + signin, "presentationValues": []object{input}}}, []object{}))
	values := tt.all(groupPolicyPath + "('" + id + "')/definitionValues?$expand=definition($select=id,classType,displayName,policyType,groupPolicyCategoryId)")
	if len(values) != 2 || values[0]["enabled"] != false || values[0]["configurationType"] != "policy" || values[0]["definition"].(map[string]any)["displayName"] != savePasswords ||
		values[0]["definition"].(map[string]any)["categoryPath"] != nil {
		t.Fatalf("values %v", values)
	}
	one := groupPolicyPath + "/" + id + "/definitionValues/" + text(values[1], "id")
	shown := tt.all(one + "/presentationValues?$expand=presentation")
	if len(shown) != 1 || shown[0]["value"] != "1" || shown[0]["id"] == nil || shown[0]["presentation"].(map[string]any)["id"] != inputs[0]["id"] || shown[0]["setting"] != nil {
		t.Errorf("presentation values %v", shown)
	}
	if d := tt.want(200, "GET", one+"/definition", nil); d["id"] != signin {
		t.Errorf("definition %v", d)
	}
	// Change one, delete the other, add one again.
	tt.want(204, "POST", groupPolicyPath+"/"+id+"/updateDefinitionValues", update([]object{}, []object{{"id": values[1]["id"], "enabled": false, "definition@odata.bind": graphAddress + "/" + signin, "presentationValues": []object{}}}, text(values[0], "id")))
	tt.want(204, "POST", groupPolicyPath+"/"+id+"/updateDefinitionValues", update([]object{{"enabled": true, "definition@odata.bind": graphAddress + "/" + passwords}}, []object{}))
	if values = tt.all(groupPolicyPath + "/" + id + "/definitionValues"); len(values) != 2 || values[0]["enabled"] != false || values[1]["enabled"] != true || values[1]["definition"] != nil {
		t.Errorf("values %v", values)
	}
	before := tt.sim.ConfigDigest()
	for want, bad := range map[string]object{
		"was not found":      update([]object{{"enabled": true, "definition@odata.bind": graphAddress + "/" + office}}, []object{}),
		"configured already": update([]object{{"enabled": true, "definition@odata.bind": graphAddress + "/" + passwords}}, []object{}),
		"is not one of":      update([]object{{"enabled": true, "definition@odata.bind": graphAddress + "/" + tt.admx(savePasskeys, edgePasswords, "user"), "presentationValues": []object{input}}}, []object{}),
		"'who' does not":     {"who": 1},
	} {
		if _, message := tt.errorOf(400, "POST", groupPolicyPath+"/"+id+"/updateDefinitionValues", bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.errorOf(404, "POST", groupPolicyPath+"/"+id+"/updateDefinitionValues", update([]object{}, []object{}, office))
	if tt.sim.ConfigDigest() != before {
		t.Error("a refused update changed the configuration")
	}
	if list := tt.want(200, "POST", groupPolicyPath+"/"+id+"/assign", object{"assignments": []object{groupTarget(tt.groupID("g"))}}); len(objects(list["value"])) != 1 {
		t.Errorf("assigned %v", list)
	}
	if n := len(tt.all(groupPolicyPath + "/" + id + "/assignments")); n != 1 {
		t.Errorf("%d assignments", n)
	}
	if got := tt.want(200, "PATCH", groupPolicyPath+"/"+id, object{"description": "e"}); got["displayName"] != "admin" || got["description"] != "e" {
		t.Errorf("patched %v", got)
	}
	tt.errorOf(400, "PATCH", groupPolicyPath+"/"+id, object{"displayName": ""})
	tt.want(204, "DELETE", groupPolicyPath+"/"+id, nil)
	tt.errorOf(404, "GET", groupPolicyPath+"/"+id, nil)
	tt.errorOf(404, "GET", groupPolicyPath+"/"+id+"/definitionValues", nil)
	tt.errorOf(400, "GET", "/v1.0/"+groupPolicyContext, nil)
}

// TestIntentCycle: an intent of the old Edge baseline.
func TestIntentCycle(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 2})})
	template := tt.all("/beta/" + intentTemplatesContext + "?$filter=templateType eq 'microsoftEdgeSecurityBaseline'")[0]
	path := "/beta/" + intentTemplatesContext + "/" + text(template, "id")
	category := tt.all(path + "/categories?$expand=settingDefinitions")[0]
	if definitions := objects(category["settingDefinitions"]); len(definitions) != 2 || definitions[1]["id"] != "admx--microsoftedge_PasswordManagerEnabled" || definitions[1]["displayName"] != savePasswords {
		t.Errorf("category %v", category)
	}
	if n := len(tt.all(path + "/categories/" + text(category, "id") + "/recommendedSettings")); n != 2 {
		t.Errorf("%d recommended", n)
	}
	made := tt.want(200, "POST", path+"/createInstance", object{"displayName": "baseline", "settingsDelta": []object{
		{"@odata.type": "#microsoft.graph.deviceManagementStringSettingInstance", "definitionId": "admx--microsoftedge_PasswordManagerPasskeysEnabled", "valueJson": `"disabled"`}}})
	id := text(made, "id")
	settings := tt.all(intentsPath + "/" + id + "/settings")
	if made["isAssigned"] != false || made["templateId"] != template["id"] || len(settings) != 3 || settings[2]["valueJson"] != `"disabled"` || settings[2]["value"] != "disabled" ||
		settings[2]["@odata.type"] != "#microsoft.graph.deviceManagementStringSettingInstance" {
		t.Errorf("made %v with %v", made, settings)
	}
	tt.want(204, "POST", intentsPath+"/"+id+"/updateSettings", object{"settings": []object{{"definitionId": "admx--microsoftedge_passwordmanagerenabled", "value": "enabled"},
		{"definitionId": "admx--microsoftedge_PasswordManagerPasskeysEnabled", "valueJson": "null"}}})
	settings = tt.all(intentsPath + "/" + id + "/categories/" + text(category, "id") + "/settings")
	if len(settings) != 3 || settings[1]["valueJson"] != `"enabled"` || settings[2]["valueJson"] != "null" || settings[2]["value"] != nil {
		t.Errorf("settings %v", settings)
	}
	tt.want(204, "POST", intentsPath+"/"+id+"/assign", object{"assignments": []object{groupTarget(tt.groupID("g"))}})
	if got := tt.want(200, "GET", intentsPath+"/"+id, nil); got["isAssigned"] != true || len(tt.all(intentsPath+"/"+id+"/assignments")) != 1 {
		t.Errorf("assigned %v", got)
	}
	if tt.want(200, "GET", path, nil)["intentCount"] != 1.0 || tt.all("/beta/" + intentTemplatesContext)[0]["intentCount"] != 1.0 {
		t.Error("the template does not count its intent")
	}
	filter := tt.want(201, "POST", "/beta/deviceManagement/assignmentFilters", object{"displayName": "f", "platform": "windows10AndLater", "rule": `(device.model -ne "x")`})
	filtered := groupTarget(tt.groupID("g"))
	filtered["target"].(object)["deviceAndAppManagementAssignmentFilterId"], filtered["target"].(object)["deviceAndAppManagementAssignmentFilterType"] = filter["id"], "include"
	tt.errorOf(400, "POST", intentsPath+"/"+id+"/assign", object{"assignments": []object{filtered}})
	tt.errorOf(400, "POST", intentsPath+"/"+id+"/updateSettings", object{"settings": []object{{"definitionId": "x", "valueJson": "{"}}})
	tt.errorOf(400, "POST", intentsPath+"/"+id+"/updateSettings", object{"settings": []object{{"valueJson": "1"}}})
	tt.errorOf(400, "POST", path+"/createInstance", object{})
	if got := tt.want(200, "PATCH", intentsPath+"/"+id, object{"displayName": "other"}); got["displayName"] != "other" {
		t.Errorf("patched %v", got)
	}
	tt.want(204, "DELETE", intentsPath+"/"+id, nil)
	tt.errorOf(404, "GET", intentsPath+"/"+id+"/settings", nil)
}

// TestForeignPoliciesAct: of whatever kind a foreign policy is, devices that it
// reaches report a conflict while it stands, and are well after it is gone.
func TestForeignPoliciesAct(t *testing.T) {
	for kind, base := range map[string]string{"settingsCatalog": policyBaseType, baselineIntent: intentBaseType, baselineGroupPolicy: admxBaseType} {
		t.Run(kind, func(t *testing.T) {
			sc := quiet(GroupSpec{DisplayName: "all", From: "windows", Count: 20})
			sc.ConflictingBaseline = &Baseline{DisplayName: "foreign", GroupDisplayName: "all", DevicesPercent: 50, Kind: kind}
			tt := newTenant(t, Options{Devices: 40, Scenario: sc})
			id := tt.createPolicy(allowBody("allow"))
			tt.assign(id, groupTarget(tt.groupID("all")))
			tt.advance(48 * time.Hour)
			if got := tt.statuses(id); got[int(statusConflict)] != 10 || got[int(statusSucceeded)] != 10 {
				t.Errorf("statuses %v", got)
			}
			if o := tt.sim.Snapshot(false).Overlaps; len(o) != 1 || o[0].Devices != 10 {
				t.Errorf("overlaps %v", o)
			}
			rows := tt.action(reportsPath+"getConfigurationPolicyDevicesReport", object{"top": 50, "filter": "(PolicyBaseTypeName eq '" + base + "')"})
			n := 0
			for _, row := range rows {
				n += boolInt(row["PolicyStatus"] == float64(statusConflict))
			}
			if want := map[bool]int{true: 20, false: 10}[kind == "settingsCatalog"]; n != want {
				t.Errorf("%d rows in conflict of base type %s, want %d", n, base, want)
			}
			switch kind {
			case baselineIntent:
				tt.want(204, "DELETE", intentsPath+"/"+text(tt.all(intentsPath)[0], "id"), nil)
			case baselineGroupPolicy:
				tt.want(200, "POST", groupPolicyPath+"/"+text(tt.all(groupPolicyPath)[0], "id")+"/assign", object{"assignments": []object{}})
			default:
				tt.want(204, "POST", "/_sim/policies/delete", object{"name": "foreign"})
			}
			tt.advance(48 * time.Hour)
			if got := tt.statuses(id); got[int(statusConflict)] != 0 || got[int(statusSucceeded)] != 20 {
				t.Errorf("after it is gone: %v", got)
			}
			// A new scenario brings it back, the next takes it away, whatever an admin did.
			for _, want := range []int{1, 0} {
				tt.scenario(func(sc *Scenario) {
					sc.ConflictingBaseline = &Baseline{DisplayName: "foreign", GroupDisplayName: "all", DevicesPercent: 50, Kind: kind}
					if want == 0 {
						sc.ConflictingBaseline = nil
					}
				})
				if n := len(tt.sim.Snapshot(false).Overlaps); n != want {
					t.Errorf("%d overlaps, want %d", n, want)
				}
			}
			if len(tt.all(intentsPath))+len(tt.all(groupPolicyPath)) != 0 {
				t.Error("something is left of the scenario")
			}
		})
	}
}

// statuses counts the devices of a policy by their status in the report.
func (t *tenant) statuses(policy string) map[int]int {
	t.Helper()
	out := map[int]int{}
	for _, row := range t.action(reportsPath+"getConfigurationPolicyDevicesReport", object{"top": 1000, "filter": "(PolicyId eq '" + policy + "')"}) {
		status, _ := row["PolicyStatus"].(float64)
		out[int(status)]++
	}
	return out
}

// TestSecurityBaselineOfTemplate: the foreign policy has the template's settings,
// and reads as a baseline that a client would write itself.
func TestSecurityBaselineOfTemplate(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "all", From: "windows", Count: 10})
	sc.ConflictingBaseline = &Baseline{DisplayName: "edge baseline", GroupDisplayName: "all", DevicesPercent: 100, Kind: baselineSecurity}
	tt := newTenant(t, Options{Devices: 20, Scenario: sc})
	got := tt.all(policiesPath + "?$filter=templateReference/templateFamily eq 'baseline'")
	if len(got) != 1 || got[0]["settingCount"] != 19.0 || got[0]["isAssigned"] != true || got[0]["templateReference"].(map[string]any)["templateDisplayVersion"] != "Version 112" {
		t.Fatalf("baseline %v", got)
	}
	settings := tt.all(policiesPath + "/" + text(got[0], "id") + "/settings")
	if !strings.Contains(fmt.Sprint(settings), PasswordManagerWindows+"_0") {
		t.Errorf("settings %v", settings)
	}
	body := object{"name": "copy", "description": "", "platforms": "windows10", "technologies": "mdm", "roleScopeTagIds": []string{"0"},
		"templateReference": object{"templateId": got[0]["templateReference"].(map[string]any)["templateId"]}, "settings": settings}
	id := tt.createPolicy(body)
	if again := tt.all(policiesPath + "/" + id + "/settings"); fmt.Sprint(again) != fmt.Sprint(settings) {
		t.Errorf("written again it reads %v", again)
	}
	for want, b := range map[string]Baseline{"in no template": {Definition: PasskeysWindowsDevice, Kind: baselineSecurity}, "kind \"x\"": {Kind: "x"},
		"which an intent needs":   {Definition: PasskeysWindowsUser, Kind: baselineIntent},
		"no Windows policy of an": {Definition: "com.apple.managedclient.preferences_syncdisabled", Kind: baselineGroupPolicy}} {
		b.DisplayName, b.GroupDisplayName, b.DevicesPercent = "b", "all", 10
		bad := sc
		bad.ConflictingBaseline = &b
		if _, err := New(Options{Devices: 20, Scenario: bad}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
