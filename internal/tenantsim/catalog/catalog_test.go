// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func builtin(t *testing.T, name string) *Catalog {
	t.Helper()
	c, err := Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func named(c *Catalog, name string) []string {
	var out []string
	for _, d := range c.Definitions() {
		if d.Name == name {
			out = append(out, d.ID)
		}
	}
	return out
}

func TestBuiltin(t *testing.T) {
	for name, want := range map[string]struct{ passkeys, literal, size int }{
		Edge: {5, 0, 216}, Article: {5, 2, 224}, EmptyEdge: {0, 0, 211}, MacOSPasskeys: {6, 0, 219},
	} {
		c := builtin(t, name)
		if got := len(named(c, PasskeysPolicy)); got != want.passkeys {
			t.Errorf("%s: %d passkey settings, want %d", name, got, want.passkeys)
		}
		if got := len(named(c, "PasskeySyncEnabled")); got != want.literal {
			t.Errorf("%s: %d literal settings, want %d", name, got, want.literal)
		}
		if got := len(c.Definitions()); got != want.size {
			t.Errorf("%s: %d definitions, want %d", name, got, want.size)
		}
		if (c.Find(PasskeysMacOS) != nil) != (name == MacOSPasskeys) {
			t.Errorf("%s: the macOS passkey setting is %v", name, c.Find(PasskeysMacOS))
		}
	}
	if _, err := Builtin("chrome"); err == nil || !strings.Contains(err.Error(), MacOSPasskeys) {
		t.Errorf("unknown name: %v", err)
	}
}

// TestCatalogIsWhole: references lead somewhere, and each twin is whole.
func TestCatalogIsWhole(t *testing.T) {
	c := builtin(t, Edge)
	categories := map[string]bool{"": true}
	for _, k := range c.Categories {
		if !categories[k.Parent] {
			t.Errorf("category %s stands before its parent %s", k.DisplayName, k.Parent)
		}
		categories[k.ID] = true
	}
	for _, d := range c.Definitions() {
		if c.Find(d.RootID) == nil || !categories[d.CategoryID] || d.DisplayName == "" || d.ID != strings.ToLower(d.ID) {
			t.Errorf("%s: root %s, category %s, title %q", d.ID, d.RootID, d.CategoryID, d.DisplayName)
		}
		if d.DefaultOption != "" && d.Option(d.DefaultOption) == nil {
			t.Errorf("%s: default %s is no option", d.ID, d.DefaultOption)
		}
		for _, o := range d.Options {
			for _, child := range o.Children {
				if below := c.Find(child); below == nil || below.RootID != d.ID {
					t.Errorf("%s needs %s, which is %v", o.ItemID, child, below)
				}
			}
			if o.Value == nil || o.DisplayName == "" {
				t.Errorf("%s has value %v and title %q", o.ItemID, o.Value, o.DisplayName)
			}
		}
	}
	if len(c.Templates) != 4 {
		t.Fatalf("%d templates", len(c.Templates))
	}
	for _, template := range c.Templates {
		if len(template.Settings) != 19 {
			t.Errorf("%s has %d settings", template.DisplayVersion, len(template.Settings))
		}
		for _, s := range template.Settings {
			if d := c.Find(s.DefinitionID); d == nil || d.Option(s.OptionID) == nil || (len(d.Option(s.OptionID).Needs) > 0) != (s.Child != nil) {
				t.Errorf("%s: %+v does not fit the catalog", template.DisplayVersion, s)
			}
		}
	}
}

// TestTitles follows what the catalog notes say about names.
func TestTitles(t *testing.T) {
	c := builtin(t, MacOSPasskeys)
	const edge = "microsoft_edge~policy~microsoft_edge"
	for id, want := range map[string]string{
		PasskeysWindowsDevice: "Enable saving passkeys to the password manager",
		PasskeysWindowsUser:   "Enable saving passkeys to the password manager (User)",
		"com.microsoft.edge.mamedgeappconfigsettings.passwordmanagerpasskeysenabled":                                               "Enable saving passkeys to the password manager",
		"device_vendor_msft_policy_config_" + edge + "_browsersignin_browsersignin":                                                "Browser sign-in settings (Device)",
		"user_vendor_msft_policy_config_" + edge + "_browsersignin_browsersignin":                                                  "Browser sign-in settings (User)",
		"device_vendor_msft_policy_config_" + edge + "_recommended~passwordmanager_recommended_passwordmanagerenabled_recommended": "Enable saving passwords to the password manager (users can override)",
		"com.apple.managedclient.preferences_passwordexportenabled":                                                                "Password export enabled",
	} {
		if d := c.Find(id); d == nil || d.DisplayName != want {
			t.Errorf("%s is called %q, want %q", id, d.DisplayName, want)
		}
	}
	mac := c.Find("com.apple.managedclient.preferences_allowwebauthnwithbrokentlscerts")
	if mac.Options[0].DisplayName != "Blocked" || mac.Options[1].DisplayName != "Allowed" {
		t.Errorf("options %+v", mac.Options)
	}
	if o := c.Find(PasskeysWindowsDevice).Options; o[0].DisplayName != "Disabled" || o[1].DisplayName != "Enabled" || o[1].Value != int64(1) {
		t.Errorf("options %+v", o)
	}
}

// TestAgainstNotes compares the built-in data with the notes they come from,
// where those lie beside the checkout.
func TestAgainstNotes(t *testing.T) {
	const dir = "../../../../shared/graph/catalog"
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/graph/catalog beside the checkout: the source is not compared")
	}
	c, compared := builtin(t, Edge), map[string]bool{}
	for _, file := range []string{"catalog-edge.json", "macos-edge.json", "windows-root.json"} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		var data struct{ Definitions []Object }
		if err := json.Unmarshal(raw, &data); err != nil {
			t.Fatal(err)
		}
		for _, doc := range data.Definitions {
			want, err := parseDefinition(doc)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			compared[want.ID] = true
			if want.RootID == "" {
				want.RootID = want.ID
			}
			got := c.Find(want.ID)
			if got == nil || got.KnownBy != "" || fmt.Sprint(facts(got)) != fmt.Sprint(facts(&want)) {
				t.Errorf("%s: got %+v, want %+v", file, got, want)
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "macos-edge-ids.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(string(raw))
	for _, d := range c.Definitions() {
		if !compared[d.ID] && d.KnownBy == "" {
			t.Errorf("%s is in no source", d.ID)
		}
		if d.Platform == "macOS" && strings.HasPrefix(d.ID, "com.apple.") && !slices.Contains(ids, d.ID) {
			t.Errorf("%s is not among the macOS ids", d.ID)
		}
	}
	if len(compared) != 183 || len(ids) != 524 || slices.Contains(ids, PasskeysMacOS) {
		t.Errorf("%d definitions, %d macOS ids", len(compared), len(ids))
	}
}

// facts are what the notes say about a definition.
func facts(d *Definition) []any {
	out := []any{d.ID, d.Name, d.CategoryID, d.RootID, d.BaseURI, d.OffsetURI, d.Platform, d.Technologies, d.Kind, d.DefaultOption}
	for _, o := range d.Options {
		out = append(out, o.ItemID, o.Needs, o.Children)
	}
	return out
}

// documents are the definitions as a list answers them.
func documents(c *Catalog) []Object {
	var out []Object
	for _, d := range c.Definitions() {
		out = append(out, d.Document())
	}
	return out
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestRoundTrip: what a catalog answers loads into an equal catalog, in every
// form of a dump.
func TestRoundTrip(t *testing.T) {
	for _, name := range Names() {
		c := builtin(t, name)
		all := documents(c)
		first, second := text(t, Object{"value": all[:100], "@odata.nextLink": "https://example/next"}), text(t, Object{"value": all[100:]})
		for form, raw := range map[string]string{
			"one answer": text(t, Object{"@odata.context": "x", "value": all}), "a list": text(t, all),
			"pages in a row": first + "\n" + second, "with a byte order mark": "\ufeff" + text(t, all), "pages in a list": "[" + first + "," + second + "]",
		} {
			got, err := Parse("dump.json", []byte(raw))
			if err != nil {
				t.Fatalf("%s, %s: %v", name, form, err)
			}
			if text(t, documents(got)) != text(t, all) {
				t.Errorf("%s, %s: the catalogs differ", name, form)
			}
			for _, d := range c.Definitions() {
				if fmt.Sprint(facts(got.Find(d.ID))) != fmt.Sprint(facts(d)) {
					t.Errorf("%s, %s: %s is read as %v", name, form, d.ID, facts(got.Find(d.ID)))
				}
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := func() Object {
		return Object{"@odata.type": TypePrefix + "ChoiceSettingDefinition", "id": "a", "applicability": Object{"platform": "windows10", "technologies": "mdm"},
			"options": []any{Object{"itemId": "a_0"}}}
	}
	with := func(name string, value any) string {
		d := good()
		d[name] = value
		return text(t, Object{"value": []any{good(), d}})
	}
	own := func(name string, value any) string {
		d := good()
		d["@odata.type"], d["id"], d[name] = "Choice", "b", value
		return text(t, Object{"definitions": []any{d}})
	}
	for want, raw := range map[string]string{
		"is empty": "", "JSON value 0, at byte 0": "{\"v", "holds no definition": `{"value":[]}`, "member value is <nil>": `{"error":{}}`, "holds 7": "7",
		"ends at a page with a nextLink, after 1 definitions": text(t, Object{"value": []any{good()}, "@odata.nextLink": "https://example/next"}),
		"is in UTF-16": "\xff\xfe[\x00]\x00", "in UTF-16: save it": "\xfe\xff\x00[\x00]",
		"item 0 is 3": "[3]", "definition 0 is 3": `{"value":[3]}`,
		"definition 1 (a): definition a exists": with("name", "n"),
		"definition 1 (): id is missing":        with("id", ""),
		"definition 1 (): id is 3":              with("id", 3),
		"@odata.type is \"x\"":                  with("@odata.type", "x"),
		"@odata.type is missing":                with("@odata.type", nil),
		"applicability is missing":              with("applicability", nil),
		"applicability.platform is missing":     with("applicability", Object{"technologies": "mdm"}),
		"applicability is 1":                    with("applicability", 1),
		"options is empty":                      with("options", []any{}),
		"options is x":                          with("options", "x"),
		"options[0] is x":                       with("options", []any{"x"}),
		"options[1].itemId is \"o\" once more":  with("options", []any{Object{"itemId": "o"}, Object{"itemId": "o"}}),
		"options[0].dependedOnBy[0].required":   with("options", []any{Object{"itemId": "o", "dependedOnBy": []any{Object{"dependedOnBy": "c", "required": "yes"}}}}),
		"childIds[0] is 1":                      with("childIds", []any{1}),
		"minimumCount is x":                     with("minimumCount", "x"),
		"colour is unknown":                     own("colour", 1),
		"definition 0 (b)":                      own("name", 1),
		"source":                                `{"definitions":[],"who":1}`,
		"categories[0].id is missing":           `{"definitions":[],"categories":[{}]}`,
		"templates[0].baseId":                   `{"definitions":[],"templates":[{"x":1}]}`,
	} {
		if _, err := Parse("dump.json", []byte(raw)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "dump.json") {
			t.Errorf("%.60s: %v, want %q", raw, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that is not there")
	}
}

func TestAddGeneration(t *testing.T) {
	c := builtin(t, Edge)
	before := len(c.Definitions())
	made, err := c.AddGeneration(PasskeysPolicy, "v150")
	want := []string{strings.Replace(PasskeysWindowsDevice, "v145", "v150", 1), strings.Replace(PasskeysWindowsUser, "v145", "v150", 1)}
	if err != nil || !slices.Equal(made, want) {
		t.Fatalf("made %v, %v", made, err)
	}
	twin := c.Find(want[0])
	if twin.OffsetURI != "/Config/microsoft_edgev150~Policy~microsoft_edge~PasswordManager/"+PasskeysPolicy || twin.Option(want[0]+"_1") == nil || twin.RootID != want[0] {
		t.Errorf("twin %+v", twin)
	}
	// With children, by id, from a generation without a number.
	const signin = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge_browsersignin"
	if _, err := c.AddGeneration(signin, "v151.1"); err != nil {
		t.Fatal(err)
	}
	above := c.Find(strings.Replace(signin, "edge~", "edgev151.1~", 1))
	if below := c.Find(above.Options[1].Needs[0]); below == nil || below.RootID != above.ID || len(below.Options) != 3 || below.Option(below.DefaultOption) == nil {
		t.Errorf("child %+v", below)
	}
	if got := len(c.Definitions()) - before; got != 4 {
		t.Errorf("%d definitions came", got)
	}
	for _, bad := range [][2]string{{PasskeysPolicy, "v150"}, {PasskeysPolicy, "150"}, {"nothing", "v1"}, {signin + "_browsersignin", "v1"}, {"com.apple.managedclient.preferences_forcesync", "v1"}} {
		if _, err := c.AddGeneration(bad[0], bad[1]); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestRemove(t *testing.T) {
	c := builtin(t, Edge)
	const signin = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge_browsersignin"
	if err := c.Remove(signin); err != nil || c.Find(signin) != nil || c.Find(signin+"_browsersignin") != nil {
		t.Fatalf("not gone: %v", err)
	}
	if c.Known(signin) == nil || c.Known(signin+"_browsersignin") == nil {
		t.Error("what was taken away is forgotten")
	}
	if c.Remove(signin) == nil {
		t.Error("taken away twice")
	}
	other := builtin(t, MacOSPasskeys)
	empty := builtin(t, EmptyEdge)
	empty.Succeed(other)
	if empty.Find(PasskeysMacOS) != nil || empty.Known(PasskeysMacOS) == nil || empty.Known(PasskeysWindowsUser) == nil {
		t.Error("a catalog that succeeds another must know what that one had")
	}
	if d := c.Definitions()[0]; c.Add(Definition{ID: d.ID}) == nil || c.Add(Definition{}) == nil {
		t.Error("added twice, or without an id")
	}
	// A definition that comes back exists once.
	if err := c.Add(Definition{ID: signin, Platform: "windows10", Kind: Simple}); err != nil || c.Find(signin) == nil {
		t.Errorf("does not come back: %v", err)
	}
}
