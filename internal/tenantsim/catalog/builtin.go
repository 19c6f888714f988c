// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	_ "embed" // the data
	"fmt"
	"slices"
	"strings"
)

//go:embed data/edge.json
var edgeData []byte

// Names of the built-in catalogs.
const (
	// Edge is the real Edge settings.
	Edge = "edge"
	// Article is Edge with the four literal names of the founding article,
	// which no public catalog has: ids and shapes are made up.
	Article = "article"
	// EmptyEdge is Edge without any passkey setting.
	EmptyEdge = "empty-edge"
	// MacOSPasskeys is Edge with a macOS twin of the passkey setting, and with
	// the article's backup location on both platforms, so that a payload can
	// change. It is fictitious: what if Microsoft adds them? The dump has none.
	MacOSPasskeys = "edge-with-macos-passkeys"
)

// Names lists the built-in catalogs.
func Names() []string { return []string{Edge, Article, EmptyEdge, MacOSPasskeys} }

// Ids of settings that matter to a passkey rollout.
const (
	PasskeysWindowsDevice = "device_vendor_msft_policy_config_microsoft_edgev145~policy~microsoft_edge~passwordmanager_passwordmanagerpasskeysenabled"
	PasskeysWindowsUser   = "user_vendor_msft_policy_config_microsoft_edgev145~policy~microsoft_edge~passwordmanager_passwordmanagerpasskeysenabled"
	// PasskeysMacOS exists in the catalog MacOSPasskeys only; the id follows the
	// pattern of the other Edge settings there.
	PasskeysMacOS          = "com.apple.managedclient.preferences_passwordmanagerpasskeysenabled"
	PasswordManagerWindows = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge~passwordmanager_passwordmanagerenabled"
)

// PasskeysPolicy is the name of Edge's policy about saving passkeys.
const PasskeysPolicy = "PasswordManagerPasskeysEnabled"

// Categories by id.
const (
	categoryPasswords = "3ba8106d-4b2f-4775-939d-1cc8703a41dc"
	categoryMacOS     = "9d14bbed-327d-4c38-ac02-6b916909bdd9"
)

// IsBuiltin reports whether a catalog of the name is built in.
func IsBuiltin(name string) bool { return slices.Contains(Names(), name) }

// Builtin returns a new catalog of that name.
func Builtin(name string) (*Catalog, error) {
	if !IsBuiltin(name) {
		return nil, fmt.Errorf("catalog %q: write %s, or name a file", name, strings.Join(Names(), ", "))
	}
	c, err := Parse(name, edgeData)
	if err != nil {
		return nil, err
	}
	switch name {
	case Article:
		err = c.addArticle(articleNames)
	case EmptyEdge:
		err = c.dropPasskeys()
	case MacOSPasskeys:
		if err = c.Add(macToggle(PasskeysPolicy, "")); err == nil {
			err = c.addArticle(slices.DeleteFunc(slices.Clone(articleNames), func(a articleName) bool { return a.name != backupLocation }))
		}
	}
	return c, err
}

// dropPasskeys takes every twin of the passkey setting away, Chrome's included.
func (c *Catalog) dropPasskeys() error {
	for _, d := range slices.Clone(c.definitions) {
		if d.Name != PasskeysPolicy {
			continue
		}
		if err := c.Remove(d.ID); err != nil {
			return err
		}
	}
	clear(c.gone) // this catalog never had them
	return nil
}

// articleName is one setting of the founding article; toggles have no values of
// their own.
type articleName struct {
	name, display string
	values        []string
}

// backupLocation is the article's name for where passkeys are kept.
const backupLocation = "PasskeyBackupStorageLocation"

// articleNames are the four names of the founding article (R24).
var articleNames = []articleName{
	{"PasswordlessSigninEnabled", "Enable passwordless sign-in", nil},
	{"PasskeySyncEnabled", "Enable passkey sync across devices", nil},
	{backupLocation, "Passkey backup location", []string{"AzureAD", "MicrosoftAccount"}},
	{"PasskeySyncScope", "Passkey sync scope", []string{"EnterpriseManaged", "All"}},
}

// addArticle adds names of the article on both platforms.
func (c *Catalog) addArticle(names []articleName) error {
	const generation = "microsoft_edgev149~policy~microsoft_edge~passwordmanager_"
	var all []Definition
	for _, a := range names {
		id := "device_vendor_msft_policy_config_" + generation + strings.ToLower(a.name)
		windows := Definition{ID: id, Name: a.name, DisplayName: a.display, CategoryID: categoryPasswords, Platform: "windows10",
			BaseURI: "./Device/Vendor/MSFT/Policy", OffsetURI: "/Config/microsoft_edgev149~Policy~microsoft_edge~PasswordManager/" + a.name}
		mac := macToggle(a.name, a.display)
		windows.Options, windows.DefaultOption = []Option{{ItemID: id + "_0"}, {ItemID: id + "_1"}}, id+"_0"
		if a.values != nil {
			windows.setValues(a.values)
			mac.setValues(a.values)
		}
		all = append(all, windows, mac)
	}
	for _, d := range all {
		if err := c.Add(d); err != nil {
			return err
		}
	}
	return nil
}

// setValues makes a choice between named texts.
func (d *Definition) setValues(values []string) {
	d.Options = nil
	for _, v := range values {
		d.Options = append(d.Options, Option{ItemID: d.ID + "_" + strings.ToLower(v), DisplayName: v, Value: v})
	}
	d.DefaultOption = d.Options[0].ItemID
}

// macToggle is an Edge policy as macOS definitions of the dump are.
func macToggle(name, display string) Definition {
	id := "com.apple.managedclient.preferences_" + strings.ToLower(name)
	return Definition{ID: id, Name: name, DisplayName: display, CategoryID: categoryMacOS, Platform: "macOS", Technologies: "mdm,appleRemoteManagement",
		BaseURI: "PayloadContent/com.microsoft.Edge/Forced/[0]/mcx_preference_settings", OffsetURI: name,
		Options: []Option{{ItemID: id + "_false"}, {ItemID: id + "_true"}}, DefaultOption: id + "_false"}
}
