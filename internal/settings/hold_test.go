// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestGateNeedsAnInverse: mode Gate blocks a payload that has nothing to hold back with, on each platform for itself;
// EnforceOnly, which promises no restraint, takes it.
func TestGateNeedsAnInverse(t *testing.T) {
	location := windows("device", "v160", "PasskeyBackupStorageLocation")
	location.Options = []Option{{ItemID: location.ID + "_azuread", DisplayName: "AzureAD"}}
	catalog := []Definition{location, passkeysWindows, passkeysMac}
	onlyLocation := v1alpha1.PasskeySettings{BackupStorageLocation: "AzureAD"}
	withToggle := v1alpha1.PasskeySettings{BackupStorageLocation: "AzureAD", PasskeyCreation: v1alpha1.Enabled}
	for _, tt := range []struct {
		name     string
		mode     v1alpha1.PolicyMode
		settings v1alpha1.PasskeySettings
		blocked  bool
	}{
		{"gate without an inverse", v1alpha1.ModeGate, onlyLocation, true},
		{"gate with one", v1alpha1.ModeGate, withToggle, false},
		{"enforce only", v1alpha1.ModeEnforceOnly, onlyLocation, false},
		{"no mode", "", onlyLocation, false},
	} {
		got := Resolve(Request{Settings: tt.settings, Platforms: onWindows, Mode: tt.mode, Catalog: catalog})
		if got.Blocked != tt.blocked || got.Blocked != (got.Hash == "") || got.Blocked != (len(got.Pinned) == 0) {
			t.Errorf("%s: %+v", tt.name, got)
		}
		if !tt.blocked {
			continue
		}
		for _, part := range []string{"spec.mode: Gate needs a setting with a restrictive value", location.ID, "on Windows", "passkeyCreation", "EnforceOnly"} {
			if !strings.Contains(got.BlockMessage, part) {
				t.Errorf("%s: want %q in %q", tt.name, part, got.BlockMessage)
			}
		}
	}
	// One platform that can hold does not stand in for one that cannot.
	both := []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS}
	mixed := Request{Settings: withToggle, Platforms: both, Mode: v1alpha1.ModeGate, OnMissing: v1alpha1.OnMissingSkip, Catalog: []Definition{location, passkeysMac}}
	if got := Resolve(mixed); !got.Blocked || !strings.Contains(got.BlockMessage, "on Windows has none") || strings.Contains(got.BlockMessage, "on MacOS has none") {
		t.Errorf("mixed: %v %q", got.Blocked, got.BlockMessage)
	}
}
