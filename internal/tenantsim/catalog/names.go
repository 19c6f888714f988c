// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"strings"
	"unicode"
)

// titles are display names of policies that public sources show: the baselines
// of the dump, exports, and msedge.adml. Chrome's and Edge's MAM twin of the
// passkey policy have the same one (catalog note 1).
var titles = map[string]string{
	"PasswordManagerPasskeysEnabled": "Enable saving passkeys to the password manager",
	"PasswordManagerEnabled":         "Enable saving passwords to the password manager",
	"SyncDisabled":                   "Disable synchronization of data using Microsoft sync services",
	"ForceSync":                      "Force synchronization of browser data and do not show the sync consent prompt",
	"NonRemovableProfileEnabled":     "Configure whether a user always has a default profile automatically signed in with their work or school account",
	"BrowserSignin":                  "Browser sign-in settings",
	"RestrictSigninToPattern":        "Restrict which accounts can be used to sign in to Microsoft Edge",
	"SyncTypesListDisabled":          "Configure the list of types that are excluded from synchronization",
	"SyncTypesListDisabledDesc":      "Configure the list of types that are excluded from synchronization",
}

// browserSignin are the names of BrowserSignin's values, by the end of their id.
var browserSignin = map[string]string{
	"_0": "Disable browser sign-in", "_1": "Enable browser sign-in", "_2": "Force users to sign-in to use the browser (all profiles)",
}

// title forms the display name of a definition whose data have none: the known
// title of the policy, or its name in words (ASSUMED), with the endings that the
// catalog has: "(User)" for user twins, "(Device)" for Windows children
// (catalog note 12).
func (d *Definition) title() string {
	name, recommended := strings.CutSuffix(d.Name, "_recommended")
	out, known := titles[name]
	if !known {
		out = words(strings.TrimSuffix(name, "Desc"))
	}
	if recommended {
		out += " (users can override)"
	}
	switch {
	case d.User():
		out += " (User)"
	case d.RootID != d.ID && strings.HasPrefix(d.BaseURI, "./Device/"):
		out += " (Device)"
	}
	return out
}

// optionTitle names an option as the catalog does (catalog notes 12 and 15): Disabled and Enabled for
// toggles, Blocked and Allowed on macOS where the policy allows something; other
// options have names of their own, which are ASSUMED here.
func (d *Definition) optionTitle(itemID string) string {
	end := strings.TrimPrefix(itemID, d.ID)
	off, on := "Disabled", "Enabled"
	if d.Platform == "macOS" && strings.Contains(d.Name, "Allow") {
		off, on = "Blocked", "Allowed"
	}
	toggle := len(d.Options) == 2 && d.RootID == d.ID
	switch {
	case d.Name == "BrowserSignin" && browserSignin[end] != "" && !toggle:
		return browserSignin[end]
	case end == "_false", toggle && end == "_0":
		return off
	case end == "_true", toggle && end == "_1":
		return on
	default:
		return words(strings.TrimPrefix(end, "_"))
	}
}

// words writes a name such as PasswordMonitorAllowed as "Password monitor allowed".
func words(name string) string {
	var out strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		begins := i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if begins {
			out.WriteByte(' ')
			if i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
				r = unicode.ToLower(r)
			}
		}
		out.WriteRune(r)
	}
	text := []rune(out.String())
	if len(text) > 0 {
		text[0] = unicode.ToUpper(text[0])
	}
	return string(text)
}
