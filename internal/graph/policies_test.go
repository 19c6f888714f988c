// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// settingsJSON is a page with one setting of each family: choice with children, integer, secret, collection,
// group collection, and a kind that nobody knows.
const settingsJSON = `{"value":[` + knownSettings + `,` + novelSetting + `]}`

const knownSettings = `
 {"id":"0","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"a","settingInstanceTemplateReference":{"settingInstanceTemplateId":"t1"},
  "auditRuleInformation":null,"choiceSettingValue":{"settingValueTemplateReference":null,"value":"a_1","children":[
   {"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"a_child","settingInstanceTemplateReference":null,
    "simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationIntegerSettingValue","settingValueTemplateReference":null,"value":14}}]}}},
 {"id":"1","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"b",
  "simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSecretSettingValue","value":"tok-1","valueState":"encryptedValueToken"}}},
 {"id":"2","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingCollectionInstance","settingDefinitionId":"c",
  "simpleSettingCollectionValue":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":"<x> & y"}]}},
 {"id":"3","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationGroupSettingCollectionInstance","settingDefinitionId":"d",
  "groupSettingCollectionValue":[{"children":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"d1","choiceSettingValue":{"value":"d1_0","children":[]}}]}]}}`

const novelSetting = `
 {"id":"4","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationNovelInstance","settingDefinitionId":"e","novel":{"big":12345678901234567890}}}`

// TestSettingsRoundTrip: what is read is written again without loss, whatever the kind.
func TestSettingsRoundTrip(t *testing.T) {
	var page struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal([]byte(settingsJSON), &page); err != nil {
		t.Fatal(err)
	}
	for _, raw := range page.Value {
		var s Setting
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		out, err := marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again Setting
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatal(err)
		}
		again.ID = s.ID
		if diff := cmp.Diff(s, again); diff != "" {
			t.Errorf("setting %s changed:\n%s", s.Instance.DefinitionID, diff)
		}
		want, got := tree(t, raw), tree(t, out)
		if diff := cmp.Diff(want["settingInstance"], got["settingInstance"]); diff != "" {
			t.Errorf("setting %s lost something:\n%s", s.Instance.DefinitionID, diff)
		}
		if got["@odata.type"] != "#microsoft.graph.deviceManagementConfigurationSetting" || got["id"] != nil {
			t.Errorf("envelope %v", got)
		}
	}
}

// tree decodes JSON with numbers as text.
func tree(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSettingModel: the fields that the product works with.
func TestSettingModel(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 2 {
			spoiled(w, 200, "%s", settingsJSON)
			return
		}
		answer(w, 200, `{"value":[%s]}`, knownSettings)
	})
	c := testClient(t, srv.URL)
	settings, err := c.PolicySettings(t.Context(), "p1")
	if err != nil || len(settings) != 4 {
		t.Fatal(settings, err)
	}
	all, err := c.PolicySettings(t.Context(), "p1")
	if err != nil || len(all) != 5 || !cmp.Equal(all[:4], settings) || all[4].Instance.DefinitionID != "e" {
		t.Errorf("with one of a kind that nobody knows: %+v, %v", all, err)
	}
	a := settings[0].Instance
	if a.Kind != InstanceChoice || a.Choice.Value != "a_1" || a.Choice.Children[0].Simple.Number != 14 {
		t.Errorf("%+v", a)
	}
	if b := settings[1].Instance.Simple; b.Kind != SimpleSecret || b.Text != "tok-1" || string(b.Extra["valueState"]) != `"encryptedValueToken"` {
		t.Errorf("%+v", b)
	}
	if r := srv.all()[0]; r.path != "/beta/deviceManagement/configurationPolicies('p1')/settings" || r.query != "$top=1000" {
		t.Errorf("%s?%s", r.path, r.query)
	}
	for _, bad := range []string{`{"id":"0"}`, `{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationIntegerSettingValue","value":1.5}}}`, `[]`, `{"settingInstance":[]}`} {
		if err := json.Unmarshal([]byte(bad), &Setting{}); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
	if _, err := json.Marshal(Setting{Instance: SettingInstance{Kind: InstanceChoice, DefinitionID: "x"}}); err == nil {
		t.Error("a choice without a value was rendered")
	}
}

var testPolicy = ConfigurationPolicy{Name: "wave 1 <passkeys>", Description: "owner=1", Platforms: "windows10", Technologies: "mdm",
	Settings: []Setting{{Instance: ChoiceSetting("d", "d_1", StringSetting("d_text", "x"))}}}

// TestPolicyBodies pins the bytes of create and replacement.
func TestPolicyBodies(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPut {
			w.WriteHeader(204)
			return
		}
		answer(w, 201, `{"id":"p1","name":"wave 1 <passkeys>","platforms":"windows10","technologies":"mdm","createdDateTime":"2026-10-02T09:10:11.1234567Z","settingCount":1,"creationSource":null,"roleScopeTagIds":["0"],"isAssigned":false,"templateReference":{"templateId":"","templateFamily":"none"},"priorityMetaData":null}`)
	})
	c := testClient(t, srv.URL)
	got, err := c.CreateConfigurationPolicy(t.Context(), testPolicy)
	if err != nil || got.ID != "p1" || got.SettingCount != 1 || !got.CreatedAt.Equal(time.Date(2026, 10, 2, 9, 10, 11, 123456700, time.UTC)) {
		t.Errorf("%+v, %v", got, err)
	}
	for range 3 {
		if err := c.ReplaceConfigurationPolicy(t.Context(), "p1", testPolicy); err != nil {
			t.Fatal(err)
		}
	}
	const head = `{"name":"wave 1 <passkeys>","description":"owner=1","platforms":"windows10","technologies":"mdm","roleScopeTagIds":["0"],`
	const tail = `"settings":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"d","choiceSettingValue":{"value":"d_1","children":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"d_text","simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":"x"}}]}}}]}`
	all := srv.all()
	if diff := cmp.Diff(head+tail, all[0].body); diff != "" || all[0].method != "POST" || all[0].path != "/beta/deviceManagement/configurationPolicies" {
		t.Errorf("create: %s %s\n%s", all[0].method, all[0].path, diff)
	}
	for _, r := range all[1:] {
		if diff := cmp.Diff(head+`"templateReference":{"templateId":""},`+tail, r.body); diff != "" || r.method != "PUT" || r.path != "/beta/deviceManagement/configurationPolicies('p1')" {
			t.Errorf("replace: %s %s\n%s", r.method, r.path, diff)
		}
		if r.header.Get("Content-Type") != "application/json" || r.header.Get("User-Agent") != "tidegate" || r.header.Get("client-request-id") == "" {
			t.Errorf("headers %v", r.header)
		}
	}
	for name, change := range map[string]func(*ConfigurationPolicy){
		"name": func(p *ConfigurationPolicy) { p.Name = " " }, "platforms": func(p *ConfigurationPolicy) { p.Platforms = "" },
		"technologies": func(p *ConfigurationPolicy) { p.Technologies = "" }, "settings": func(p *ConfigurationPolicy) { p.Settings = nil },
	} {
		p := testPolicy
		change(&p)
		_, err := c.CreateConfigurationPolicy(t.Context(), p)
		if e := wantKind(t, err, KindInvalid); !strings.Contains(e.Message, name) {
			t.Errorf("%s: %v", name, e)
		}
		wantKind(t, c.ReplaceConfigurationPolicy(t.Context(), "p1", p), KindInvalid)
	}
	if srv.count() != 4 {
		t.Errorf("%d requests", srv.count())
	}
}

// TestPolicyList: server filter and check of our own.
func TestPolicyList(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 200, `{"@odata.count":0,"value":[{"id":"p1","name":"tidegate a","description":null,"templateReference":null},{"id":"p2","name":"other"}]}`)
	})
	c := testClient(t, srv.URL)
	got, err := c.ConfigurationPolicies(t.Context(), "tidegate")
	if err != nil || len(got) != 1 || got[0].ID != "p1" {
		t.Errorf("%+v, %v", got, err)
	}
	if q := srv.all()[0].query; q != "$filter=contains%28name%2C%27tidegate%27%29&$top=100" {
		t.Errorf("query %s", q)
	}
	if got, err := c.ConfigurationPolicies(t.Context(), ""); err != nil || len(got) != 2 || srv.all()[1].query != "$top=100" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestAssignments: kinds, the two ways to say "no filter", unknown kinds carried along, whole set sent.
func TestAssignments(t *testing.T) {
	const value = `{"value":[
	 {"id":"p1_g1","source":"direct","sourceId":"p1","target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","deviceAndAppManagementAssignmentFilterId":null,"deviceAndAppManagementAssignmentFilterType":"none","groupId":"g1"}},
	 {"id":"p1_g2","source":"policySets","target":{"@odata.type":"#microsoft.graph.exclusionGroupAssignmentTarget","deviceAndAppManagementAssignmentFilterId":"00000000-0000-0000-0000-000000000000","deviceAndAppManagementAssignmentFilterType":"none","groupId":"g2"}},
	 {"id":"p1_all","source":"direct","target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget","deviceAndAppManagementAssignmentFilterId":"f1","deviceAndAppManagementAssignmentFilterType":"include"}},
	 {"id":"p1_cm","source":"direct","target":{"@odata.type":"#microsoft.graph.configurationManagerCollectionAssignmentTarget","collectionId":"SMS1"}}]}`
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, value) })
	c := testClient(t, srv.URL)
	got, err := c.Assignments(t.Context(), "p1")
	want := []Assignment{
		{ID: "p1_g1", Kind: TargetGroup, GroupID: "g1", Source: "direct"},
		{ID: "p1_g2", Kind: TargetExclusionGroup, GroupID: "g2", Source: "policySets"},
		{ID: "p1_all", Kind: TargetAllDevices, FilterID: "f1", FilterType: "include", Source: "direct"},
		{ID: "p1_cm", Kind: TargetOther, Source: "direct", Raw: json.RawMessage(`{"@odata.type":"#microsoft.graph.configurationManagerCollectionAssignmentTarget","collectionId":"SMS1"}`)},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	back, err := c.Assign(t.Context(), "p1", got)
	if diff := cmp.Diff(want, back); diff != "" || err != nil {
		t.Error(diff, err)
	}
	const sent = `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"g1"}},{"target":{"@odata.type":"#microsoft.graph.exclusionGroupAssignmentTarget","groupId":"g2"}},` +
		`{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget","deviceAndAppManagementAssignmentFilterId":"f1","deviceAndAppManagementAssignmentFilterType":"include"}},` +
		`{"target":{"@odata.type":"#microsoft.graph.configurationManagerCollectionAssignmentTarget","collectionId":"SMS1"}}]}`
	if r := srv.all()[1]; r.body != sent || r.method != "POST" || r.path != "/beta/deviceManagement/configurationPolicies('p1')/assign" {
		t.Errorf("%s %s %s", r.method, r.path, r.body)
	}
	for name, bad := range map[string]Assignment{
		"no group": {Kind: TargetGroup}, "stray group": {Kind: TargetAllDevices, GroupID: "g"}, "half a filter": {Kind: TargetAllDevices, FilterID: "f"},
		"no kind": {GroupID: "g"}, "other without target": {Kind: TargetOther},
	} {
		_, err := c.Assign(t.Context(), "p1", []Assignment{{Kind: TargetGroup, GroupID: "g1"}, bad})
		if asError(err) == nil || KindOf(err) != KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if srv.count() != 2 {
		t.Errorf("%d requests", srv.count())
	}

	empty := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, `{"value":[]}`) })
	if left, err := testClient(t, empty.URL).Assign(t.Context(), "p1", nil); err != nil || len(left) != 0 || empty.all()[0].body != `{"assignments":[]}` {
		t.Errorf("%v, %v, %s", left, err, empty.all()[0].body)
	}
}

// TestSettingDefinitions: two searches, one result, checked on our side.
func TestSettingDefinitions(t *testing.T) {
	const definition = `{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingDefinition","id":"edge~PasskeySync","name":"PasskeySync","displayName":"Sync","categoryId":"c","rootDefinitionId":"edge~PasskeySync",
	 "applicability":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationWindowsSettingApplicability","platform":"windows10,macOS","technologies":"mdm","windowsSkus":["windowsProfessional"]},"defaultOptionId":"o1",
	 "options":[{"itemId":"o0","displayName":"Off","optionValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationIntegerSettingValue","value":0}},
	  {"itemId":"o1","displayName":"On","optionValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":"on"}},{"itemId":"o2","optionValue":null}]}`
	const plain = `"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingDefinition",`
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if strings.HasSuffix(r.URL.Path, "configurationSettings") {
			answer(w, 200, `{"value":[%s,{`+plain+`"id":"unrelated","displayName":"x"},{`+plain+`"id":"ios_passkey","applicability":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationIosSettingApplicability","platform":"iOS"}}]}`, definition)
			return
		}
		answer(w, 200, "%s", definition)
	})
	c := testClient(t, srv.URL)
	got, err := c.SettingDefinitions(t.Context(), SettingFilter{Contains: "passkey", Platform: "macos"})
	want := []SettingDefinition{{ID: "edge~PasskeySync", Name: "PasskeySync", DisplayName: "Sync", CategoryID: "c", RootDefinitionID: "edge~PasskeySync", Platform: "windows10,macOS",
		Technologies: "mdm", Kind: "ChoiceSettingDefinition", DefaultOptionID: "o1", Options: []SettingOption{{"o0", "Off", 0.0}, {"o1", "On", "on"}, {"o2", "", nil}}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if srv.count() != 2 || mustQuery(t, srv.all()[0].query).Get("$filter") != "contains(id,'passkey')" || mustQuery(t, srv.all()[1].query).Get("$filter") != "contains(displayName,'passkey')" {
		t.Errorf("%+v", srv.all())
	}
	if _, err := c.SettingDefinition(t.Context(), "a/{b c}"); err != nil || srv.all()[2].path != "/beta/deviceManagement/configurationSettings/a%2F%7Bb%20c%7D" {
		t.Errorf("%v, %s", err, srv.all()[2].path)
	}
}

// FuzzSetting checks that every setting that is accepted is written again as the same setting.
func FuzzSetting(f *testing.F) {
	var page struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal([]byte(settingsJSON), &page); err != nil {
		f.Fatal(err)
	}
	for _, raw := range page.Value {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s, again Setting
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		first, err := marshal(s)
		if err != nil {
			return // for example a choice without a value
		}
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		second, err := marshal(again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("not stable: %s, then %s (%v)", first, second, err)
		}
	})
}
