// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// literals are definitions for all three toggles by their literal names, one of each kind that can carry a toggle.
func literals() []Definition {
	integer := windows("device", "v160", "PasskeySyncEnabled")
	integer.Kind, integer.ValueKind, integer.Options = KindSimple, InstanceInteger, nil
	return []Definition{integer, windows("device", "v160", "AllowPasskeyCreation"), windows("device", "v160", "PasswordlessSigninEnabled")}
}

// TestBaselineIsOffWhateverIsAsked: hold sets what restrains, for every toggle and direction; the payload is what differs.
func TestBaselineIsOffWhateverIsAsked(t *testing.T) {
	catalog := literals()
	want := []v1alpha1.PinnedSetting{
		{DefinitionID: catalog[1].ID, Kind: "Choice", Value: catalog[1].ID + "_0"},
		{DefinitionID: catalog[0].ID, Kind: "Integer", Value: "0"},
		{DefinitionID: catalog[2].ID, Kind: "Choice", Value: catalog[2].ID + "_0"},
	}
	slices.SortFunc(want, func(a, b v1alpha1.PinnedSetting) int { return strings.Compare(a.DefinitionID, b.DefinitionID) })
	in := Request{Platforms: onWindows, Mode: v1alpha1.ModeGate, Catalog: catalog}
	in.Settings = v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled, PasskeySync: v1alpha1.Enabled, PasswordlessSignin: v1alpha1.Enabled}
	got := Resolve(in)
	if len(got.Baseline) != 1 {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff(want, got.Baseline[0].Settings); diff != "" {
		t.Error(diff)
	}
	if p := got.Baseline[0]; p.Platform != v1alpha1.PlatformWindows || p.GraphPlatforms != "windows10" || p.Technologies != "mdm" {
		t.Errorf("%+v", p)
	}
	for _, d := range catalog { // a function of the definition: fill it in both directions
		on, off := match{def: d}, match{def: d}
		if on.fill("Enabled", target{}) != nil || off.fill("Disabled", target{}) != nil {
			t.Fatal(d.ID)
		}
		if !sameInstance(*on.baseline, *off.baseline) || !sameInstance(*on.baseline, off.allow) || sameInstance(on.allow, off.allow) {
			t.Errorf("%s: baselines %v and %v", d.ID, *on.baseline, *off.baseline)
		}
	}
	// Two settings that one policy stands for are one setting of hold.
	in.Settings.PasswordlessSignin, in.OnMissing, in.Catalog = "", v1alpha1.OnMissingSubstitute, []Definition{passkeysWindows}
	if got := Resolve(in); len(got.Baseline) != 1 || len(got.Baseline[0].Settings) != 1 {
		t.Errorf("%+v", got)
	}
	in.Mode = v1alpha1.ModeEnforceOnly
	if got := Resolve(in); got.Baseline != nil || got.Blocked {
		t.Errorf("EnforceOnly: %+v", got)
	}
}

func TestPinRoundTrip(t *testing.T) {
	got := Resolve(Request{Settings: article, OnMissing: v1alpha1.OnMissingSubstitute, Platforms: []v1alpha1.Platform{"Windows", "MacOS"},
		Catalog: append(literals(), passkeysMac, passkeysWindows)})
	if len(got.Pinned) != 2 || got.Hash != HashPinned(got.Pinned) || got.NeedsEdge != minEdgePasskeys {
		t.Fatalf("%+v", got)
	}
	for _, p := range got.Pinned {
		if diff := cmp.Diff(p, Pin(Unpin(p))); diff != "" {
			t.Error(diff)
		}
	}
	turned := []v1alpha1.PinnedPayload{*got.Pinned[1].DeepCopy(), *got.Pinned[0].DeepCopy()}
	slices.Reverse(turned[1].Settings)
	if HashPinned(turned) != got.Hash {
		t.Error("order changes the hash")
	}
	turned[1].Settings[0].Value += "x"
	if HashPinned(turned) == got.Hash {
		t.Error("a value does not change the hash")
	}
	if HashPinned(got.Pinned[:1]) == got.Hash || HashPinned(nil) == HashPinned(got.Pinned[:1]) {
		t.Error("a platform does not change the hash")
	}
}

func TestAskHash(t *testing.T) {
	base := func() *v1alpha1.PasskeyPolicySpec {
		return &v1alpha1.PasskeyPolicySpec{Settings: creation, Platforms: []v1alpha1.Platform{"Windows", "MacOS"}}
	}
	same := base()
	same.Platforms = []v1alpha1.Platform{"MacOS", "Windows", "MacOS"}
	same.Scope, same.OnMissingSetting = v1alpha1.ScopeDevice, v1alpha1.OnMissingBlock
	same.Mode, same.Paused, same.Prerequisites.Edge = v1alpha1.ModeGate, true, "150"
	if AskHash(same) != AskHash(base()) {
		t.Error("what is not asked of the catalog, or a default written out, changes the hash")
	}
	seen := map[string]int{AskHash(base()): -1}
	for i, edit := range []func(*v1alpha1.PasskeyPolicySpec){
		func(s *v1alpha1.PasskeyPolicySpec) { s.Settings.PasskeyCreation = v1alpha1.Disabled },
		func(s *v1alpha1.PasskeyPolicySpec) { s.Settings.PasskeySync = v1alpha1.Enabled },
		func(s *v1alpha1.PasskeyPolicySpec) { s.Settings.PasswordlessSignin = v1alpha1.Enabled },
		func(s *v1alpha1.PasskeyPolicySpec) { s.Settings.BackupStorageLocation = "AzureAD" },
		func(s *v1alpha1.PasskeyPolicySpec) { s.Settings.SyncScope = "AzureAD" },
		func(s *v1alpha1.PasskeyPolicySpec) { s.Platforms = s.Platforms[:1] },
		func(s *v1alpha1.PasskeyPolicySpec) { s.Scope = v1alpha1.ScopeUser },
		func(s *v1alpha1.PasskeyPolicySpec) { s.OnMissingSetting = v1alpha1.OnMissingSkip },
	} {
		spec := base()
		edit(spec)
		h := AskHash(spec)
		if other, ok := seen[h]; ok {
			t.Errorf("edits %d and %d have one hash", other, i)
		}
		seen[h] = i
	}
}

// TestPromise11_NoTextClaimsACheck: what stands in for a setting says that a person is to look, and never that it was looked at.
func TestPromise11_NoTextClaimsACheck(t *testing.T) {
	for _, toggle := range []v1alpha1.Toggle{v1alpha1.Enabled, v1alpha1.Disabled} {
		s := article
		s.PasskeySync = toggle
		for _, action := range []v1alpha1.MissingSettingAction{v1alpha1.OnMissingBlock, v1alpha1.OnMissingSubstitute, v1alpha1.OnMissingSkip} {
			got := Resolve(Request{Settings: s, Platforms: onWindows, OnMissing: action, Catalog: []Definition{passkeysWindows}})
			for _, v := range got.Verdicts {
				if strings.Contains(v.Why, "check") {
					t.Errorf("%s: %s", v.Setting, v.Why)
				}
			}
			if strings.Contains(got.BlockMessage, "check") {
				t.Errorf("%s", got.BlockMessage)
			}
		}
	}
}
