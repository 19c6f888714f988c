// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// kinds is a tenant whose catalog has a definition of every kind, each named by
// its kind.
func kinds(t *testing.T) *tenant {
	t.Helper()
	tt := newTenant(t, Options{Devices: 5, Catalog: "testdata/kinds.json"})
	return tt
}

// instanceOf is an instance of a definition.
func instanceOf(kind, definition, member string, value any) object {
	out := object{"@odata.type": typePrefix + kind, "settingDefinitionId": definition}
	if member != "" {
		out[member] = value
	}
	return out
}

func ofText(value string) object {
	return object{"@odata.type": typePrefix + "StringSettingValue", "value": value}
}

func ofSecret(value, state string) object {
	return object{"@odata.type": typePrefix + "SecretSettingValue", "value": value, "valueState": state}
}

// policyOf is a policy of instances at the top.
func policyOf(instances ...object) object {
	body := allowBody("p")
	settings := []object{}
	for _, in := range instances {
		settings = append(settings, object{"@odata.type": typePrefix + "Setting", "settingInstance": in})
	}
	body["settings"] = settings
	return body
}

func choiceOf(value string, children ...object) object {
	if children == nil {
		children = []object{}
	}
	return object{"value": value, "children": children}
}

// asJSON is a value as it comes back from the wire.
func asJSON(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// good has an instance of every kind that contract a.2 names.
func good() map[string]object {
	small := instanceOf("SimpleSettingInstance", "group_text", "simpleSettingValue", ofText("ab"))
	return map[string]object{
		"choice":                instanceOf("ChoiceSettingInstance", "choice", "choiceSettingValue", choiceOf("choice_0")),
		"choice with a child":   instanceOf("ChoiceSettingInstance", "choice", "choiceSettingValue", choiceOf("choice_1", instanceOf("SimpleSettingInstance", "choice_child", "simpleSettingValue", ofText("x")))),
		"choices":               instanceOf("ChoiceSettingCollectionInstance", "choices", "choiceSettingCollectionValue", []object{choiceOf("choices_a"), choiceOf("choices_b")}),
		"text":                  instanceOf("SimpleSettingInstance", "text", "simpleSettingValue", ofText("grün")),
		"reference":             instanceOf("SimpleSettingInstance", "text", "simpleSettingValue", object{"@odata.type": typePrefix + "ReferenceSettingValue", "value": "abcd", "note": "why"}),
		"integer":               instanceOf("SimpleSettingInstance", "integer", "simpleSettingValue", object{"@odata.type": typePrefix + "IntegerSettingValue", "value": 14}),
		"texts":                 instanceOf("SimpleSettingCollectionInstance", "texts", "simpleSettingCollectionValue", []object{ofText("a"), ofText("a")}),
		"group":                 instanceOf("GroupSettingInstance", "group", "groupSettingValue", object{"children": []object{small}}),
		"groups":                instanceOf("GroupSettingCollectionInstance", "groups", "groupSettingCollectionValue", []object{{"children": []object{instanceOf("SimpleSettingInstance", "groups_text", "simpleSettingValue", ofText("1"))}}, {"children": []object{instanceOf("SimpleSettingInstance", "groups_text", "simpleSettingValue", ofText("2"))}}}),
		"group without members": instanceOf("SettingGroupInstance", "loose", "", nil),
	}
}

// TestValuesComeBack: every kind of instance comes back as it was sent, with the
// nulls of the service and nothing else; choice and group values carry no type,
// instances and simple values do (contract a.2, third-party rows 1 and 13).
func TestValuesComeBack(t *testing.T) {
	tt := kinds(t)
	for name, in := range good() {
		id := tt.createPolicy(policyOf(in))
		got := tt.all(policiesPath + "/" + id + "/settings")[0]
		instance := got["settingInstance"].(map[string]any)
		if _, shown := instance["settingInstanceTemplateReference"]; !shown || got["id"] != "0" || len(got) != 2 {
			t.Errorf("%s: %v", name, got)
		}
		if !reflect.DeepEqual(withoutNulls(instance), asJSON(t, in)) {
			t.Errorf("%s came back as %v, sent %v", name, instance, in)
		}
	}
}

// TestSecretsNeverConverge: a secret is written in plain text, read as a token,
// and every write makes another token (contract a.2).
func TestSecretsNeverConverge(t *testing.T) {
	tt := kinds(t)
	body := func(value, state string) object {
		return policyOf(instanceOf("SimpleSettingInstance", "secret", "simpleSettingValue", ofSecret(value, state)))
	}
	read := func(id string) object {
		return tt.all(policiesPath + "/" + id + "/settings")[0]["settingInstance"].(map[string]any)["simpleSettingValue"].(map[string]any)
	}
	id := tt.createPolicy(body("hush", "notEncrypted"))
	first := read(id)
	if first["valueState"] != "encryptedValueToken" || first["value"] == "hush" || first["@odata.type"] != typePrefix+"SecretSettingValue" {
		t.Errorf("read back as %v", first)
	}
	tt.want(204, "PUT", policiesPath+"('"+id+"')", body("hush", "notEncrypted"))
	second := read(id)
	if second["value"] == first["value"] {
		t.Error("an equal write must make another token")
	}
	tt.want(204, "PUT", policiesPath+"('"+id+"')", body(text(second, "value"), "encryptedValueToken"))
	if third := read(id); third["value"] != second["value"] {
		t.Errorf("a token that is written back became %v", third)
	}
	if raw, err := json.Marshal(tt.sim.Snapshot(false)); err != nil || strings.Contains(string(raw), "hush") {
		t.Errorf("the dump shows the secret, or fails: %v", err)
	}
	for want, bad := range map[string]object{"not valid": body(text(first, "value"), "encryptedValueToken"), "write notEncrypted": body("x", "invalid")} {
		if _, message := tt.errorOf(400, "PUT", policiesPath+"('"+id+"')", bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	if _, message := tt.errorOf(400, "POST", policiesPath, body(text(second, "value"), "encryptedValueToken")); !strings.Contains(message, "not valid") {
		t.Errorf("the token of another policy: %s", message)
	}
}

// TestValueRefusals: what does not fit a definition is refused, and nothing is made.
func TestValueRefusals(t *testing.T) {
	tt := kinds(t)
	simple := func(definition string, value object) object {
		return policyOf(instanceOf("SimpleSettingInstance", definition, "simpleSettingValue", value))
	}
	integer := func(value any) object {
		return object{"@odata.type": typePrefix + "IntegerSettingValue", "value": value}
	}
	groups := func(values ...object) object {
		return policyOf(instanceOf("GroupSettingCollectionInstance", "groups", "groupSettingCollectionValue", values))
	}
	child := func(definition, value string) object {
		return instanceOf("SimpleSettingInstance", definition, "simpleSettingValue", ofText(value))
	}
	list := func(values ...object) object {
		return policyOf(instanceOf("SimpleSettingCollectionInstance", "texts", "simpleSettingCollectionValue", values))
	}
	for name, tc := range map[string]struct {
		body object
		want string
	}{
		"text without a type":      {simple("text", object{"value": "abc"}), "must carry '@odata.type'"},
		"integer as text":          {simple("integer", integer("14")), "not an integer from 4 to 16"},
		"integer out of range":     {simple("integer", integer(17)), "not an integer from 4 to 16"},
		"integer with a fraction":  {simple("integer", integer(4.5)), "not an integer"},
		"integer of text type":     {simple("integer", ofText("14")), "IntegerSettingValue"},
		"text of integer type":     {simple("text", integer(1)), "StringSettingValue"},
		"text too short":           {simple("text", ofText("ab")), "not text of 3 to 5 characters"},
		"text too long":            {simple("text", ofText("abcdef")), "not text of 3 to 5 characters"},
		"secret as text":           {simple("secret", ofText("abc")), "SecretSettingValue"},
		"text as a secret":         {simple("text", ofSecret("abc", "notEncrypted")), "StringSettingValue"},
		"text with an odd member":  {simple("text", object{"@odata.type": typePrefix + "StringSettingValue", "value": "abc", "note": "x"}), "'note' does not exist"},
		"no value":                 {policyOf(instanceOf("SimpleSettingInstance", "text", "", nil)), "A value is required"},
		"empty list":               {list(), "simpleSettingCollectionValue of setting 'texts' should not be empty"},
		"list too short":           {list(ofText("a")), "from 2 to 3 are allowed"},
		"list too long":            {list(ofText("a"), ofText("b"), ofText("c"), ofText("d")), "from 2 to 3 are allowed"},
		"list of a wrong type":     {list(ofText("a"), integer(1)), "StringSettingValue"},
		"no group":                 {groups(), "SettingGroupValue should not be empty"},
		"empty group":              {groups(object{"children": []object{}}), "SettingGroupValue should not be empty"},
		"group of others":          {groups(object{"children": []object{child("text", "abc")}}), "parent setting that are not present"},
		"child twice":              {groups(object{"children": []object{child("groups_text", "a"), child("groups_text", "b")}}), "more than once"},
		"group without its child":  {groups(object{"children": []object{child("groups_more", "a")}}), "requires the child setting 'groups_text'"},
		"empty single group":       {policyOf(instanceOf("GroupSettingInstance", "group", "groupSettingValue", object{"children": []object{}})), "SettingGroupValue should not be empty"},
		"bare group that needs":    {policyOf(instanceOf("SettingGroupInstance", "group", "", nil)), "SettingGroupValue should not be empty"},
		"list for a single":        {policyOf(instanceOf("GroupSettingCollectionInstance", "group", "groupSettingCollectionValue", []object{})), "GroupSettingInstance expected"},
		"choice in a list unknown": {policyOf(instanceOf("ChoiceSettingCollectionInstance", "choices", "choiceSettingCollectionValue", []object{choiceOf("choice_0")})), "not an option of setting 'choices'"},
		"child of another option":  {policyOf(instanceOf("ChoiceSettingInstance", "choice", "choiceSettingValue", choiceOf("choice_0", child("choice_child", "x")))), "parent setting that are not present"},
		"child missing":            {policyOf(instanceOf("ChoiceSettingInstance", "choice", "choiceSettingValue", choiceOf("choice_1"))), "requires the child setting 'choice_child'"},
		"child at the top":         {simple("choice_child", ofText("x")), "parent setting that are not present"},
		"redirect":                 {policyOf(instanceOf("SimpleSettingInstance", "redirect", "simpleSettingValue", ofText("x"))), "redirect"},
		"other value's type":       {policyOf(instanceOf("ChoiceSettingInstance", "choice", "choiceSettingValue", object{"@odata.type": typePrefix + "GroupSettingValue", "value": "choice_0"})), "could not be resolved"},
	} {
		code, message := tt.errorOf(400, "POST", policiesPath, tc.body)
		if code != codeBadRequest || !strings.Contains(message, tc.want) {
			t.Errorf("%s: %s %s", name, code, message)
		}
	}
	if n := len(tt.all(policiesPath)); n != 0 {
		t.Errorf("%d policies exist after refusals", n)
	}
}

// TestPolicyAnnotationsAreIgnored: what importers forget to take off is ignored at any
// depth (OData; third-party 12), and does not come back.
func TestPolicyAnnotationsAreIgnored(t *testing.T) {
	tt := kinds(t)
	child := instanceOf("SimpleSettingInstance", "choice_child", "simpleSettingValue", ofText("x"))
	plain := policyOf(instanceOf("ChoiceSettingInstance", "choice", "choiceSettingValue", choiceOf("choice_1", child)))
	want := tt.all(policiesPath + "/" + tt.createPolicy(plain) + "/settings")
	var decorate func(v any) any
	decorate = func(v any) any {
		switch v := v.(type) {
		case object:
			out := object{"@odata.context": "https://graph.microsoft.com/beta/$metadata#x", "@odata.id": "x", "@odata.editLink": "y", "@odata.etag": "z",
				"#microsoft.graph.assign": object{"target": "t"}, "@microsoft.graph.tips": "use $select"}
			for name, inner := range v {
				out[name] = decorate(inner)
				if !strings.HasPrefix(name, "@") {
					out[name+"@odata.type"], out[name+"@odata.context"], out[name+"@odata.associationLink"] = "#Collection(x)", "c", "l"
				}
			}
			return out
		case []any:
			for i := range v {
				v[i] = decorate(v[i])
			}
		}
		return v
	}
	body := decorate(asJSON(t, plain)).(object)
	// Read-only members, and nulls, as an export has them.
	maps.Copy(body, object{"id": office, "createdDateTime": "2026-01-01T00:00:00Z", "lastModifiedDateTime": "2026-01-01T00:00:00Z", "settingCount": 7,
		"isAssigned": true, "priorityMetaData": nil, "creationSource": nil})
	made := tt.raw(http.MethodPost, policiesPath, body)
	if made.Code != http.StatusCreated {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	var got object
	if err := json.Unmarshal(made.Body.Bytes(), &got); err != nil || got["id"] == office || got["settingCount"] != 1.0 || got["isAssigned"] != false {
		t.Errorf("made %v, %v", got, err)
	}
	if settings := tt.all(policiesPath + "/" + text(got, "id") + "/settings"); !reflect.DeepEqual(settings, want) {
		t.Errorf("settings %v, want %v", settings, want)
	}
	if w := tt.raw(http.MethodPut, policiesPath+"('"+text(got, "id")+"')", body); w.Code != http.StatusNoContent {
		t.Errorf("PUT %d %s", w.Code, w.Body)
	}
	if w := tt.raw(http.MethodPatch, policiesPath+"/"+text(got, "id"), object{"name": "n", "settings@odata.context": "c", "#microsoft.graph.assign": object{}}); w.Code != http.StatusOK {
		t.Errorf("PATCH %d %s", w.Code, w.Body)
	}
}

// raw sends a body that the tests' own check of types would not let pass.
func (t *tenant) raw(method, path string, body object) *httptest.ResponseRecorder {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "http://"+testHost+path, strings.NewReader(string(raw)))
	r.Header.Set("Authorization", "Bearer "+t.token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	t.sim.Handler().ServeHTTP(w, r)
	return w
}

// TestPatchChangesLittle: name, description and scope tags (contract a5); what
// equals what is there is not a change.
func TestPatchChangesLittle(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	body := allowBody("p")
	body["priorityMetaData"], body["disableEntraGroupPolicyAssignment"] = object{"priority": 3}, true
	id := tt.createPolicy(body)
	got := tt.want(200, "GET", policiesPath+"/"+id, nil)
	if fmt.Sprint(got["priorityMetaData"]) != "map[priority:3]" || got["disableEntraGroupPolicyAssignment"] != true {
		t.Errorf("written members came back as %v", got)
	}
	delete(got, "@odata.context")
	tt.want(200, "PATCH", policiesPath+"/"+id, got)
	for name, value := range map[string]any{"platforms": "macOS", "technologies": "mdm,microsoftSense", "creationSource": "x", "priorityMetaData": object{"priority": 1},
		"templateReference": object{"templateId": "x"}, "disableEntraGroupPolicyAssignment": false} {
		before := tt.sim.ConfigDigest()
		if _, message := tt.errorOf(400, "PATCH", policiesPath+"/"+id, object{name: value, "name": "other"}); !strings.Contains(message, "'"+name+"' cannot be changed") {
			t.Errorf("%s: %s", name, message)
		}
		if tt.sim.ConfigDigest() != before {
			t.Errorf("%s: a refused PATCH changed the policy", name)
		}
	}
}

// TestPasskeyEffect: what a policy does to a managed device follows the setting's
// policy name and product, in any generation; the device's twin counts first.
func TestPasskeyEffect(t *testing.T) {
	s, err := New(Options{Devices: 5, Catalog: catalog.MacOSPasskeys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.catalog.AddGeneration(PasskeysWindowsDevice, "v150"); err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(PasskeysWindowsDevice, "v145", "v150", 1)
	const chrome = "device_vendor_msft_policy_config_chromeintunev141~policy~googlechrome~passwordmanager_passwordmanagerpasskeysenabled"
	const mam = "com.microsoft.edge.mamedgeappconfigsettings.passwordmanagerpasskeysenabled"
	for _, tc := range []struct {
		values map[string]string
		want   passkeyState
	}{
		{map[string]string{PasskeysWindowsDevice: PasskeysWindowsDevice + "_1"}, passkeyAllowed},
		{map[string]string{PasskeysWindowsUser: PasskeysWindowsUser + "_0"}, passkeyBlocked},
		{map[string]string{PasskeysMacOS: PasskeysMacOS + "_true"}, passkeyAllowed},
		{map[string]string{newer: newer + "_0"}, passkeyBlocked},
		{map[string]string{PasskeysWindowsUser: PasskeysWindowsUser + "_0", newer: newer + "_1"}, passkeyAllowed},
		{map[string]string{chrome: chrome + "_0"}, passkeyUnset},
		{map[string]string{mam: mam + "_false"}, passkeyUnset},
		{map[string]string{PasswordManagerWindows: PasswordManagerWindows + "_0"}, passkeyUnset},
		{map[string]string{"unknown": "unknown_0"}, passkeyUnset},
	} {
		if got := s.passkeyEffect(tc.values); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.values, got, tc.want)
		}
	}
}

// instanceFor builds an instance of a definition with one of its options, and of
// everything that the option needs.
func instanceFor(c *catalog.Catalog, d *definition, option int) object {
	switch d.Kind {
	case catalog.Choice:
		children := []object{}
		for _, id := range d.Options[option].Needs {
			children = append(children, instanceFor(c, c.Find(id), 0))
		}
		return instanceOf("ChoiceSettingInstance", d.ID, "choiceSettingValue", choiceOf(d.Options[option].ItemID, children...))
	case catalog.SimpleCollection:
		return instanceOf("SimpleSettingCollectionInstance", d.ID, "simpleSettingCollectionValue", []object{ofText("a"), ofText("b")})
	default:
		return instanceOf("SimpleSettingInstance", d.ID, "simpleSettingValue", ofText("https://example.com/*"))
	}
}

// TestEveryDefinitionCanBeSet: each setting of the catalog, with each option, is
// taken for its own platform and technologies and comes back equal; without what
// the option needs, for another platform, or below no parent it is refused.
func TestEveryDefinitionCanBeSet(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5, Catalog: catalog.MacOSPasskeys})
	body := func(d *definition, in object) object {
		out := policyOf(in)
		out["platforms"], out["technologies"] = d.Platform, d.Technologies
		return out
	}
	set := 0
	for _, d := range tt.sim.catalog.Definitions() {
		if d.RootID != d.ID {
			if code, _ := tt.errorOf(400, "POST", policiesPath, body(d, instanceFor(tt.sim.catalog, d, 0))); code != codeBadRequest {
				t.Errorf("%s stands alone", d.ID)
			}
			continue
		}
		for i := range max(1, len(d.Options)) {
			in := instanceFor(tt.sim.catalog, d, i)
			id := tt.createPolicy(body(d, in))
			got := tt.all(policiesPath + "/" + id + "/settings")[0]["settingInstance"]
			if !reflect.DeepEqual(withoutNulls(got), asJSON(t, in)) {
				t.Errorf("%s came back as %v", d.ID, got)
			}
			set++
			if d.Kind == catalog.Choice && len(d.Options[i].Needs) > 0 {
				in["choiceSettingValue"].(object)["children"] = []object{}
				tt.errorOf(400, "POST", policiesPath, body(d, in))
			}
		}
		other := body(d, instanceFor(tt.sim.catalog, d, 0))
		other["platforms"] = "linux"
		if _, message := tt.errorOf(400, "POST", policiesPath, other); !strings.Contains(message, "platform applicability") {
			t.Errorf("%s on linux: %s", d.ID, message)
		}
	}
	if set < 330 {
		t.Errorf("%d settings were made", set)
	}
}

// TestAppPoliciesReachNoDevice: a policy for mobile application management is
// taken, and no managed device applies or reports it.
func TestAppPoliciesReachNoDevice(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 10})})
	const mam = "com.microsoft.edge.mamedgeappconfigsettings.passwordmanagerpasskeysenabled"
	id := tt.createPolicy(choiceBody("mam", "windows10", "mobileApplicationManagement", mam, mam+"_false"))
	device := tt.createPolicy(allowBody("mdm"))
	for _, p := range []string{id, device} {
		tt.assign(p, groupTarget(tt.groupID("g")))
	}
	tt.advance(48 * 3600e9)
	if got := tt.statuses(id); len(got) != 0 {
		t.Errorf("devices report the app's policy: %v", got)
	}
	if got := tt.statuses(device); got[int(statusSucceeded)] != 10 {
		t.Errorf("the device's policy: %v", got)
	}
}
