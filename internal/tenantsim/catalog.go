// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// definition is one setting of the tenant's catalog.
type definition struct {
	id, name, displayName, description string
	categoryID                         string
	root                               string // rootDefinitionId; own id at the top level
	platform, technologies             string
	kind                               definitionKind
	options                            []option
	children                           []string // of defGroups: what a group may set
	requires                           requirement
	maxLength                          int // text values
	low, high                          int // integer values
	scope                              string
}

// definitionKind is the kind of a setting definition.
type definitionKind int

const (
	defChoice definitionKind = iota
	defText
	defInteger
	defTextList
	// defGroups is a list of groups of child settings. The built-in catalogs have
	// none; policies of other tenants do.
	defGroups
)

// option is one value of a choice.
type option struct {
	itemID, name string
	value        any // string or int, shown as optionValue
	// needs are child definitions that must come with the option.
	needs []string
}

// requirement is what a device must have for a setting to apply. The service
// does not publish it; devices show it by reporting NotApplicable.
type requirement struct {
	edge         int // major version
	windowsBuild int
	macOS        int // major version
}

func (r requirement) met(d *device) bool {
	if edgeReleases[d.edge].major < r.edge {
		return false
	}
	if d.platform == platformMacOS {
		return d.release().build >= r.macOS
	}
	return d.release().build >= r.windowsBuild
}

// and joins two requirements.
func (r requirement) and(o requirement) requirement {
	return requirement{max(r.edge, o.edge), max(r.windowsBuild, o.windowsBuild), max(r.macOS, o.macOS)}
}

// category is a node of the catalog tree.
type category struct {
	id, name, parent, root string
	platforms              string
	technologies           string
}

// catalog is the settings catalog of one tenant, in a fixed order.
type catalog struct {
	definitions []*definition
	byID        map[string]*definition
	categories  []category
	templates   []*policyTemplate
}

// Category ids observed in public catalogs (domain 2.4).
const (
	categoryEdge      = "a25a7a02-4bac-411b-9d02-10cb3297cb17"
	categoryPasswords = "3ba8106d-4b2f-4775-939d-1cc8703a41dc"
	categoryEdgeMac   = "9d14bbed-327d-4c38-ac02-6b916909bdd9"
	categoryCamera    = "0a1b6f3e-52a4-4a0c-9d0e-6f6b5d1c9f10" // ASSUMED id
	categoryChrome    = "5c2f8f0c-8a3b-4b0e-8e55-0d1f5b7f2a31" // ASSUMED id
)

// Ids of the settings that matter to a passkey rollout. The Windows ids are
// observed (domain 2.4); the macOS id follows the pattern of other Edge
// settings there and is ASSUMED.
const (
	passwordArea           = "~policy~microsoft_edge~passwordmanager_"
	PasskeysWindowsDevice  = "device_vendor_msft_policy_config_microsoft_edgev145" + passwordArea + "passwordmanagerpasskeysenabled"
	PasskeysWindowsUser    = "user_vendor_msft_policy_config_microsoft_edgev145" + passwordArea + "passwordmanagerpasskeysenabled"
	PasskeysMacOS          = "com.apple.managedclient.preferences_passwordmanagerpasskeysenabled"
	PasswordManagerWindows = "device_vendor_msft_policy_config_microsoft_edge" + passwordArea + "passwordmanagerenabled"
)

// newCatalog builds the named catalog: edge, article or empty-edge.
func newCatalog(name string) (*catalog, error) {
	c := &catalog{byID: map[string]*definition{}}
	switch name {
	case "edge":
		c.addPasskeys()
	case "article":
		c.addPasskeys()
		c.addArticle()
	case "empty-edge":
	default:
		return nil, fmt.Errorf("catalog %q: write edge, article or empty-edge", name)
	}
	c.addEdge()
	c.addOthers()
	c.addCategories()
	c.addTemplates()
	return c, nil
}

func (c *catalog) add(d definition) {
	if d.root == "" {
		d.root = d.id
	}
	if d.technologies == "" {
		d.technologies = "mdm"
	}
	if d.scope == "" {
		d.scope = "Device"
	}
	c.definitions = append(c.definitions, &d)
	c.byID[d.id] = &d
}

// toggle is a Windows ADMX policy without payload: _1 enabled, _0 disabled.
func (c *catalog) toggle(id, name, display, cat string, needs requirement, children ...string) {
	d := definition{id: id, name: name, displayName: display, categoryID: cat, platform: "windows10", kind: defChoice, requires: needs,
		description: display + ".",
		options: []option{
			{itemID: id + "_0", name: "Disabled", value: 0},
			{itemID: id + "_1", name: "Enabled", value: 1, needs: children},
		}}
	if strings.HasPrefix(id, "user_") {
		d.displayName, d.scope = display+" (User)", "User"
	}
	c.add(d)
}

// macToggle is a macOS managed preference: _true or _false.
func (c *catalog) macToggle(id, name, display, cat string, needs requirement) {
	c.add(definition{id: id, name: name, displayName: display, description: display + ".", categoryID: cat,
		platform: "macOS", technologies: "mdm,appleRemoteManagement", kind: defChoice, requires: needs,
		options: []option{{itemID: id + "_false", name: "Disabled", value: "false"}, {itemID: id + "_true", name: "Enabled", value: "true"}}})
}

// passkeyNeeds are the minima of the passkey setting: Edge 145 (domain 2.2),
// and the operating systems of R17.
var passkeyNeeds = requirement{edge: 145, windowsBuild: 22621, macOS: 13}

func (c *catalog) addPasskeys() {
	const name, display = "PasswordManagerPasskeysEnabled", "Enable saving passkeys to the password manager"
	c.toggle(PasskeysWindowsDevice, name, display, categoryPasswords, passkeyNeeds)
	c.toggle(PasskeysWindowsUser, name, display, categoryPasswords, passkeyNeeds)
	c.macToggle(PasskeysMacOS, name, display, categoryPasswords, passkeyNeeds)
}

// addArticle adds the four names of the founding article (R24) as settings of
// this tenant. No public catalog has them: ids and shapes are made up.
func (c *catalog) addArticle() {
	const area = "device_vendor_msft_policy_config_microsoft_edgev149" + passwordArea
	const macArea = "com.apple.managedclient.preferences_"
	for _, s := range []struct{ name, display string }{
		{"PasswordlessSigninEnabled", "Enable passwordless sign-in"},
		{"PasskeySyncEnabled", "Enable passkey sync across devices"},
	} {
		c.toggle(area+strings.ToLower(s.name), s.name, s.display, categoryPasswords, passkeyNeeds)
		c.macToggle(macArea+strings.ToLower(s.name), s.name, s.display, categoryPasswords, passkeyNeeds)
	}
	for _, s := range []struct {
		name, display string
		values        []string
	}{
		{"PasskeyBackupStorageLocation", "Passkey backup location", []string{"AzureAD", "MicrosoftAccount"}},
		{"PasskeySyncScope", "Passkey sync scope", []string{"EnterpriseManaged", "All"}},
	} {
		c.selection(area+strings.ToLower(s.name), s.name, s.display, "windows10", "mdm", s.values)
		c.selection(macArea+strings.ToLower(s.name), s.name, s.display, "macOS", "mdm,appleRemoteManagement", s.values)
	}
}

// selection is a choice between named texts.
func (c *catalog) selection(id, name, display, platform, technologies string, values []string) {
	d := definition{id: id, name: name, displayName: display, description: display + ".", categoryID: categoryPasswords,
		platform: platform, technologies: technologies, kind: defChoice, requires: passkeyNeeds}
	for _, v := range values {
		d.options = append(d.options, option{itemID: id + "_" + strings.ToLower(v), name: v, value: v})
	}
	c.add(d)
}

// addEdge adds the neighbours of the passkey setting that mask or restrict it
// (domain 2.2 to 2.4), in the spellings seen in the wild.
func (c *catalog) addEdge() {
	const (
		device = "device_vendor_msft_policy_config_"
		person = "user_vendor_msft_policy_config_"
		edge   = "~policy~microsoft_edge_"
	)
	none := requirement{}
	c.toggle(PasswordManagerWindows, "PasswordManagerEnabled", "Enable saving passwords to the password manager", categoryPasswords, none)
	c.toggle(device+"microsoft_edgev80diff"+passwordArea+"passwordmanagerenabled", "PasswordManagerEnabled", "Enable saving passwords to the password manager", categoryPasswords, none)
	c.toggle(person+"microsoft_edge"+passwordArea+"passwordmanagerenabled", "PasswordManagerEnabled", "Enable saving passwords to the password manager", categoryPasswords, none)
	c.macToggle("com.apple.managedclient.preferences_passwordmanagerenabled", "PasswordManagerEnabled", "Enable saving passwords to the password manager", categoryPasswords, none)
	c.toggle(device+"chromeintunev1~policy~googlechrome~passwordmanager_passwordmanagerenabled", "PasswordManagerEnabled", "Enable saving passwords to the password manager", categoryChrome, none)
	for _, scope := range []string{device, person} {
		c.toggle(scope+"microsoft_edge"+edge+"syncdisabled", "SyncDisabled", "Disable synchronization of data using Microsoft sync services", categoryEdge, none)
		c.toggle(scope+"microsoft_edgev86"+edge+"forcesync", "ForceSync", "Force synchronization of browser data and do not show the sync consent prompt", categoryEdge, none)
		c.toggle(scope+"microsoft_edgev78diff"+edge+"nonremovableprofileenabled", "NonRemovableProfileEnabled", "Configure whether a user always has a default profile automatically signed in with their work or school account", categoryEdge, none)
		c.withChildren(scope + "microsoft_edge" + edge)
	}
}

// withChildren adds policies whose enabled option needs a child setting.
func (c *catalog) withChildren(prefix string) {
	signin := prefix + "browsersignin"
	child := signin + "_browsersignin"
	c.toggle(signin, "BrowserSignin", "Browser sign-in settings", categoryEdge, requirement{}, child)
	d := definition{id: child, name: "BrowserSignin", displayName: "Browser sign-in settings (Device)", categoryID: categoryEdge, root: signin, platform: "windows10", kind: defChoice}
	for i, name := range []string{"Disable browser sign-in", "Enable browser sign-in", "Force users to sign-in to use the browser (all profiles)"} {
		d.options = append(d.options, option{itemID: fmt.Sprintf("%s_%d", child, i), name: name, value: i})
	}
	c.add(d)

	pattern := prefix + "restrictsignintopattern"
	c.toggle(pattern, "RestrictSigninToPattern", "Restrict which accounts can be used to sign in to Microsoft Edge", categoryEdge, requirement{}, pattern+"_restrictsignintopattern")
	c.add(definition{id: pattern + "_restrictsignintopattern", name: "RestrictSigninToPattern", displayName: "Restrict which accounts can be used (Device)", categoryID: categoryEdge, root: pattern, platform: "windows10", kind: defText, maxLength: 2048})

	types := prefix + "synctypeslistdisabled"
	c.toggle(types, "SyncTypesListDisabled", "Configure the list of types that are excluded from synchronization", categoryEdge, requirement{}, types+"_synctypeslistdisableddesc")
	c.add(definition{id: types + "_synctypeslistdisableddesc", name: "SyncTypesListDisabledDesc", displayName: "Configure the list of types that are excluded from synchronization (Device)", categoryID: categoryEdge, root: types, platform: "windows10", kind: defTextList, maxLength: 1024})
}

// addOthers adds settings that have nothing to do with Edge, so that searches
// and pages meet a catalog of realistic breadth.
func (c *catalog) addOthers() {
	const policy = "device_vendor_msft_policy_config_"
	c.add(definition{id: policy + "camera_allowcamera", name: "AllowCamera", displayName: "Allow Camera", description: "Disables or enables the camera.", categoryID: categoryCamera, platform: "windows10", kind: defChoice,
		options: []option{{itemID: policy + "camera_allowcamera_0", name: "Not allowed.", value: 0}, {itemID: policy + "camera_allowcamera_1", name: "Allowed.", value: 1}}})
	c.add(definition{id: policy + "devicelock_mindevicepasswordlength", name: "MinDevicePasswordLength", displayName: "Min Device Password Length", categoryID: categoryCamera, platform: "windows10", kind: defInteger, low: 4, high: 16})
	for i := range 240 {
		id := fmt.Sprintf("%ssample_area%02d_setting%03d", policy, i/20, i)
		c.toggle(id, fmt.Sprintf("SampleSetting%03d", i), fmt.Sprintf("Sample setting %03d", i), categoryCamera, requirement{})
	}
}

func (c *catalog) addCategories() {
	c.categories = []category{
		{id: categoryEdge, name: "Microsoft Edge", root: categoryEdge, platforms: "android,iOS,macOS,windows10", technologies: "mdm,mobileApplicationManagement"},
		{id: categoryPasswords, name: "Password manager and protection", parent: categoryEdge, root: categoryEdge, platforms: "macOS,windows10", technologies: "mdm"},
		{id: categoryEdgeMac, name: "Microsoft Edge", root: categoryEdgeMac, platforms: "macOS", technologies: "mdm,appleRemoteManagement"},
		{id: categoryChrome, name: "Google Chrome", root: categoryChrome, platforms: "windows10", technologies: "mdm"},
		{id: categoryCamera, name: "Camera", root: categoryCamera, platforms: "windows10", technologies: "mdm"},
	}
}

var categoryEntity = &entity[category]{name: "microsoft.graph.deviceManagementConfigurationCategory", properties: []property[category]{
	{name: "id", ops: opsEquality, get: func(k category) any { return k.id }},
	{name: "name", ops: opsText | opContains, get: func(k category) any { return k.name }},
	{name: "displayName", ops: opsText | opContains, get: func(k category) any { return k.name }},
	{name: "description", get: func(category) any { return nil }},
	{name: "categoryDescription", get: func(category) any { return nil }},
	{name: "helpText", get: func(category) any { return nil }},
	{name: "parentCategoryId", ops: opEq, get: func(k category) any { return orNull(k.parent) }},
	{name: "rootCategoryId", ops: opEq, get: func(k category) any { return k.root }},
	{name: "childCategoryIds", get: func(k category) any {
		if k.id == categoryEdge {
			return []string{categoryPasswords}
		}
		return []string{}
	}},
	{name: "platforms", ops: opEq | opHas, get: func(k category) any { return k.platforms }},
	{name: "technologies", ops: opEq | opHas, get: func(k category) any { return k.technologies }},
	{name: "settingUsage", get: func(category) any { return "configuration" }},
}}

func listCategories(c *call) (*reply, error) {
	items := func(after int64) iter.Seq2[int64, category] {
		return func(yield func(int64, category) bool) {
			list := c.server.catalog.categories
			for i := after + 1; i < int64(len(list)); i++ {
				if !yield(i, list[i]) {
					return
				}
			}
		}
	}
	return listReply(c, c.query, categoryEntity, items, listStyle{context: "deviceManagement/configurationCategories", size: 100, max: 1000, count: countPage})
}

func getCategory(c *call) (*reply, error) {
	members, err := categoryEntity.projection(c, c.query.selected)
	if err != nil {
		return nil, err
	}
	for _, k := range c.server.catalog.categories {
		if k.id == c.params["id"] {
			return c.entityReply(http.StatusOK, "deviceManagement/configurationCategories/$entity", render(k, members)), nil
		}
	}
	return nil, c.notFound(c.params["id"])
}
