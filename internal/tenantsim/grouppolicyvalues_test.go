// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "testing"

// TestDefinitionValueByItself: one value is made, changed and deleted, beside what
// updateDefinitionValues does, and devices notice.
func TestDefinitionValueByItself(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Scenario: quiet(GroupSpec{DisplayName: "g", From: "windows", Count: 2})})
	id := text(tt.want(201, "POST", groupPolicyPath, object{"displayName": "admin"}), "id")
	values := groupPolicyPath + "/" + id + "/definitionValues"
	passwords, signin := tt.admx(savePasswords, edgePasswords, "machine"), tt.admx("Browser sign-in settings", `\Microsoft Edge`, "machine")
	bind := func(definition string) string { return graphAddress + "('" + definition + "')" }
	made := tt.want(201, "POST", values, object{"enabled": false, "definition@odata.bind": bind(passwords)})
	if made["enabled"] != false || made["configurationType"] != "policy" || made["definition"] != nil {
		t.Errorf("made %v", made)
	}
	input := text(tt.all("/beta/" + admxDefinitionsContext + "/" + signin + "/presentations")[0], "id")
	second := text(tt.want(201, "POST", values, object{"enabled": true, "definition@odata.bind": bind(signin), "presentationValues": []object{
		{"@odata.type": "#microsoft.graph.groupPolicyPresentationValueText", "value": "1", "presentation@odata.bind": bind(signin) + "/presentations('" + input + "')"}}}), "id")
	if got := tt.all(values + "?$filter=enabled eq true"); len(got) != 1 || got[0]["id"] != second {
		t.Errorf("enabled ones %v", got)
	}
	tt.want(200, "POST", groupPolicyPath+"/"+id+"/assign", object{"assignments": []object{groupTarget(tt.groupID("g"))}})

	one := values + "/" + text(made, "id")
	before := tt.sim.ConfigDigest()
	if changed := tt.want(200, "PATCH", one, object{"enabled": true}); changed["enabled"] != true || tt.sim.ConfigDigest() == before {
		t.Errorf("changed %v", changed)
	}
	if d := tt.want(200, "GET", one+"/definition", nil); d["id"] != passwords {
		t.Errorf("after a change the definition is %v", d)
	}
	// A change that names no inputs leaves them.
	tt.want(200, "PATCH", values+"/"+second, object{"enabled": true})
	if shown := tt.all(values + "/" + second + "/presentationValues"); len(shown) != 1 || shown[0]["value"] != "1" {
		t.Errorf("inputs %v", shown)
	}
	before = tt.sim.ConfigDigest()
	tt.errorOf(400, "POST", values, object{"enabled": true, "definition@odata.bind": bind(passwords)}) // is there already
	tt.errorOf(400, "POST", values, object{"enabled": true})
	tt.errorOf(400, "POST", values, object{"enabled": true, "definition@odata.bind": bind("x")})
	tt.errorOf(404, "PATCH", values+"/x", object{"enabled": true})
	tt.errorOf(404, "DELETE", values+"/x", nil)
	if tt.sim.ConfigDigest() != before {
		t.Error("what was refused changed something")
	}
	tt.want(204, "DELETE", one, nil)
	if left := tt.all(values); len(left) != 1 || left[0]["id"] != second {
		t.Errorf("left %v", left)
	}
}
