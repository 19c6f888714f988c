// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// TestCatalogFile: what a tenant answers, saved to a file, is the catalog of
// another tenant; policies that the one takes the other takes as well.
func TestCatalogFile(t *testing.T) {
	for _, name := range catalog.Names() {
		source := newTenant(t, Options{Devices: 5, Catalog: name})
		file := filepath.Join(t.TempDir(), "dump.json")
		var pages []object
		for next := definitionsPath; next != ""; {
			page := source.want(200, "GET", next, nil)
			pages = append(pages, page)
			next = strings.TrimPrefix(text(page, "@odata.nextLink"), "http://"+testHost)
		}
		raw, err := json.Marshal(pages)
		if err != nil || os.WriteFile(file, raw, 0o600) != nil || len(pages) < 3 {
			t.Fatalf("%s: %d pages, %v", name, len(pages), err)
		}
		copied := newTenant(t, Options{Devices: 5, Catalog: file})
		want, got := source.all(definitionsPath), copied.all(definitionsPath)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the catalogs differ", name)
		}
		if name != catalog.EmptyEdge {
			copied.createPolicy(allowBody("p"))
		}
		// A dump of definitions says nothing about categories: each has one all the same.
		if n := len(copied.all("/beta/deviceManagement/configurationCategories")); n < 8 {
			t.Errorf("%s: %d categories", name, n)
		}
	}
	if _, err := New(Options{Catalog: filepath.Join(t.TempDir(), "none.json")}); err == nil || !strings.Contains(err.Error(), "neither built in") {
		t.Errorf("no file: %v", err)
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"value":[{"id":"a"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Catalog: bad}); err == nil || !strings.Contains(err.Error(), bad+": definition 0 (a): @odata.type is missing") {
		t.Errorf("a bad file: %v", err)
	}
}

// TestCatalogChanges: a policy keeps what it sets when the definition goes, and
// nothing new can be written with it; a new generation works like the old one.
func TestCatalogChanges(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5})})
	id := tt.createPolicy(allowBody("p"))
	tt.assign(id, groupTarget(tt.groupID("g")))
	before := tt.all(policiesPath + "/" + id + "/settings")
	digest := tt.sim.ConfigDigest()

	made := tt.want(200, "POST", "/_sim/catalog/generation", object{"definition": catalog.PasskeysPolicy, "generation": "v150"})
	newer := strings.Replace(PasskeysWindowsDevice, "v145", "v150", 1)
	if fmt.Sprint(made["added"]) != fmt.Sprint([]string{newer, strings.Replace(PasskeysWindowsUser, "v145", "v150", 1)}) || tt.sim.ConfigDigest() == digest {
		t.Errorf("added %v", made)
	}
	twin := tt.want(200, "GET", definitionsPath+"/"+newer, nil)
	if twin["offsetUri"] != "/Config/microsoft_edgev150~Policy~microsoft_edge~PasswordManager/PasswordManagerPasskeysEnabled" || objects(twin["options"])[1]["itemId"] != newer+"_1" {
		t.Errorf("twin %v", twin)
	}
	tt.createPolicy(choiceBody("new", "windows10", "mdm", newer, newer+"_1"))

	tt.want(204, "POST", "/_sim/catalog/remove", object{"definition": PasskeysWindowsDevice})
	tt.errorOf(404, "GET", definitionsPath+"/"+PasskeysWindowsDevice, nil)
	if after := tt.all(policiesPath + "/" + id + "/settings"); !reflect.DeepEqual(after, before) {
		t.Errorf("the policy became %v", after)
	}
	if shown := tt.all(policiesPath + "/" + id + "/settings?$expand=settingDefinitions"); len(objects(shown[0]["settingDefinitions"])) != 0 {
		t.Errorf("expanded %v", shown)
	}
	for _, method := range []string{"POST", "PUT"} {
		path := map[string]string{"POST": policiesPath, "PUT": policiesPath + "('" + id + "')"}[method]
		if _, message := tt.errorOf(400, method, path, allowBody("again")); !strings.Contains(message, "was not found") {
			t.Errorf("%s: %s", method, message)
		}
	}
	tt.want(200, "PATCH", policiesPath+"/"+id, object{"name": "renamed"})
	tt.advance(48 * 3600e9)
	rows := tt.action(reportsPath+"getConfigurationSettingsReport", object{"top": 50, "filter": "(PolicyId eq '" + id + "')"})
	if len(rows) == 0 || rows[0]["SettingId"] != PasskeysWindowsDevice {
		t.Errorf("reports of a setting that is gone: %v", rows)
	}

	state := tt.want(200, "PUT", "/_sim/catalog?name="+catalog.MacOSPasskeys, nil)
	if state["definitions"] != 219.0 || state["name"] != catalog.MacOSPasskeys {
		t.Errorf("state %v", state)
	}
	tt.want(204, "PUT", policiesPath+"('"+id+"')", allowBody("again"))
	raw, err := json.Marshal(object{"value": tt.all(definitionsPath + "?$filter=applicability/platform eq 'macOS'")})
	if err != nil {
		t.Fatal(err)
	}
	if state := tt.want(200, "PUT", "/_sim/catalog", string(raw)); state["definitions"] != 19.0 || state["templates"] != 0.0 {
		t.Errorf("state %v", state)
	}
	if got := tt.want(200, "GET", "/_sim/catalog", nil); got["definitions"] != 19.0 || tt.sim.Snapshot(false).Catalog != got["name"] {
		t.Errorf("state %v", got)
	}
	tt.want(200, "GET", policiesPath+"/"+id+"?$expand=settings", nil)
	for path, bad := range map[string]any{"POST /_sim/catalog/generation": object{"definition": "nothing", "generation": "v1"}, "POST /_sim/catalog/remove": object{"definition": "nothing"},
		"POST /_sim/catalog/remove ": object{"id": "x"}, "POST /_sim/catalog/generation ": object{}, "PUT /_sim/catalog?name=../x": nil, "PUT /_sim/catalog": object{"value": []object{}}} {
		method, target, _ := strings.Cut(strings.TrimSpace(path), " ")
		tt.want(400, method, target, bad)
	}
	if err := tt.sim.LoadCatalog("edge"); err != nil || tt.sim.RemoveDefinition(PasskeysMacOS) == nil {
		t.Errorf("loaded: %v", err)
	}
	if err := tt.sim.LoadCatalog("nothing"); err == nil {
		t.Error("a catalog that does not exist")
	}
}

// TestCatalogAtFullSize pages through a catalog of the size of a live one while
// definitions come and go: what stays is listed once.
func TestCatalogAtFullSize(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const size = 12_000
	for i := range size {
		id := fmt.Sprintf("device_vendor_msft_policy_config_area%03d_setting%05d", i/100, i)
		if err := tt.sim.catalog.Add(definition{ID: id, Name: fmt.Sprintf("Setting%05d", i), CategoryID: "c", Platform: "windows10",
			Options: []catalog.Option{{ItemID: id + "_0"}, {ItemID: id + "_1"}}}); err != nil {
			t.Fatal(err)
		}
	}
	seen, pages := map[string]int{}, 0
	for next := definitionsPath + "?$top=1000&$select=id"; next != ""; pages++ {
		page := tt.want(200, "GET", next, nil)
		for _, d := range objects(page["value"]) {
			seen[text(d, "id")]++
		}
		next = strings.TrimPrefix(text(page, "@odata.nextLink"), "http://"+testHost)
		if pages == 2 {
			for _, id := range []string{PasskeysWindowsUser, "device_vendor_msft_policy_config_area119_setting11999"} {
				if err := tt.sim.RemoveDefinition(id); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := tt.sim.AddGeneration(PasskeysWindowsDevice, "v150"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if pages != 13 || len(seen) != size+216 { // one gone that was seen, one gone that was not, one come
		t.Errorf("%d pages, %d definitions", pages, len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was listed %d times", id, n)
		}
	}
	if n := len(tt.all(definitionsPath + "?$filter=contains(displayName,'Setting119')&$top=1000&$select=id,displayName,categoryId")); n != 99 {
		t.Errorf("%d found", n)
	}
	if page := tt.want(200, "GET", definitionsPath+"?$top=5000", nil); len(objects(page["value"])) != 1000 || page["@odata.nextLink"] == nil {
		t.Errorf("a page holds %d", len(objects(page["value"])))
	}
}
