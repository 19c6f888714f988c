// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// windows builds a toggle of Edge as the Windows catalog spells it. module is the
// part behind microsoft_edge: v145, v80diff, or nothing.
func windows(scope, module, policy string) Definition {
	id := fmt.Sprintf("%s_vendor_msft_policy_config_microsoft_edge%s~policy~microsoft_edge~passwordmanager_%s",
		scope, module, strings.ToLower(policy))
	return toggleDefinition(id, policy, []string{"windows10"}, []string{"mdm"}, "_1", "_0")
}

func macOS(prefix, policy string) Definition {
	return toggleDefinition(prefix+"_"+strings.ToLower(policy), policy, []string{"macOS"},
		[]string{"mdm", "appleRemoteManagement"}, "_true", "_false")
}

func toggleDefinition(id, policy string, platforms, technologies []string, on, off string) Definition {
	return Definition{
		ID: id, RootDefinitionID: id, Name: policy, DisplayName: "Toggle " + policy, Kind: KindChoice,
		Platforms: platforms, Technologies: technologies,
		Options: []Option{{ItemID: id + off, DisplayName: "Disabled"}, {ItemID: id + on, DisplayName: "Enabled"}},
	}
}

func chrome(policy string) Definition {
	id := "device_vendor_msft_policy_config_chromeintunev1~policy~googlechrome~passwordmanager_" + strings.ToLower(policy)
	return toggleDefinition(id, policy, []string{"windows10"}, []string{"mdm"}, "_1", "_0")
}

// article are the founding article's settings (R24 and R35).
var article = v1alpha1.PasskeySettings{
	PasswordlessSignin: v1alpha1.Enabled, PasskeySync: v1alpha1.Enabled, PasskeyCreation: v1alpha1.Enabled,
	BackupStorageLocation: "AzureAD", SyncScope: "EnterpriseManaged",
}

var (
	creation        = v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled}
	onWindows       = []v1alpha1.Platform{v1alpha1.PlatformWindows}
	onMac           = []v1alpha1.Platform{v1alpha1.PlatformMacOS}
	passkeysWindows = windows("device", "v145", PolicyPasskeys)
	passkeysMac     = macOS("com.apple.managedclient.preferences", PolicyPasskeys)
)

// TestPromise11_NothingIsDroppedQuietly asks for every combination of settings
// under every action against random catalogs: each wish has one verdict with a
// reason, a delivered payload is never empty, nothing undelivered is written
// around, and no order of the input changes a byte.
func TestPromise11_NothingIsDroppedQuietly(t *testing.T) {
	pool := []Definition{
		passkeysWindows, windows("device", "v80diff", PolicyPasskeys), windows("user", "v145", PolicyPasskeys), passkeysMac,
		chrome(PolicyPasskeys), chrome("PasskeySyncEnabled"), windows("device", "v160", "PasskeySyncEnabled"),
		windows("device", "v160", "PasswordlessSigninEnabled"), macOS("com.apple.managedclient.preferences", "PasskeySyncEnabled"),
		windows("device", "", "AllowPasskeyCreation"),
	}
	toggles := []v1alpha1.Toggle{"", v1alpha1.Enabled, v1alpha1.Disabled}
	actions := []v1alpha1.MissingSettingAction{"", v1alpha1.OnMissingBlock, v1alpha1.OnMissingSubstitute, v1alpha1.OnMissingSkip}
	platforms := [][]v1alpha1.Platform{onWindows, onMac, {"MacOS", "Windows"}}
	rng := rand.New(rand.NewPCG(11, 11))
	delivered := 0
	for n := range 5000 {
		in := Request{
			Settings: v1alpha1.PasskeySettings{
				PasswordlessSignin: toggles[rng.IntN(3)], PasskeySync: toggles[rng.IntN(3)], PasskeyCreation: toggles[rng.IntN(3)],
				BackupStorageLocation: []string{"", "AzureAD"}[rng.IntN(2)], SyncScope: []string{"", "EnterpriseManaged"}[rng.IntN(2)],
			},
			Platforms: platforms[rng.IntN(3)], OnMissing: actions[rng.IntN(4)], PrerequisiteEdge: "120",
		}
		for _, d := range pool {
			if rng.IntN(2) == 0 {
				in.Catalog = append(in.Catalog, d)
			}
		}
		got := Resolve(in)
		if want := len(wishes(in.Settings)) * len(in.Platforms); len(got.Verdicts) != want {
			t.Fatalf("%d: %d verdicts, want %d", n, len(got.Verdicts), want)
		}
		checkDelivered(t, n, in, got)
		if !got.Blocked {
			delivered++
		}
		shuffled := in
		shuffled.Catalog, shuffled.Platforms = slices.Clone(in.Catalog), slices.Clone(in.Platforms)
		rng.Shuffle(len(shuffled.Catalog), func(i, j int) {
			shuffled.Catalog[i], shuffled.Catalog[j] = shuffled.Catalog[j], shuffled.Catalog[i]
		})
		slices.Reverse(shuffled.Platforms)
		if diff := cmp.Diff(got, Resolve(shuffled)); diff != "" {
			t.Fatalf("%d: order of the input matters:\n%s", n, diff)
		}
	}
	if delivered < 500 {
		t.Errorf("only %d of 5000 requests could be delivered: the test sees too little", delivered)
	}
}

// payloads are what a resolution has written to the tenant.
func payloads(r Resolution) []Payload {
	out := make([]Payload, len(r.Pinned))
	for i, p := range r.Pinned {
		out[i] = Unpin(p)
	}
	return out
}

func checkDelivered(t *testing.T, n int, in Request, got Resolution) {
	t.Helper()
	have := map[string]Definition{}
	for _, d := range in.Catalog {
		have[d.ID] = d
	}
	writtenIDs := map[string]bool{}
	for _, p := range payloads(got) {
		if len(p.Allow) == 0 {
			t.Fatalf("%d: empty payload on %s", n, p.Platform)
		}
		for _, i := range p.Allow {
			d, ok := have[i.DefinitionID]
			if !ok || !slices.ContainsFunc(d.Options, func(o Option) bool { return o.ItemID == i.Value }) {
				t.Fatalf("%d: %v is not in the catalog", n, i)
			}
			if strings.Contains(i.DefinitionID, "chrome") {
				t.Fatalf("%d: Chrome's %s", n, i.DefinitionID)
			}
			writtenIDs[i.DefinitionID] = true
		}
	}
	for _, v := range got.Verdicts {
		if v.Why == "" {
			t.Fatalf("%d: no reason for %v", n, v)
		}
		undelivered := v.Verdict == v1alpha1.SettingMissing || v.Verdict == v1alpha1.SettingUnsupported
		if undelivered && (!got.Blocked || !strings.Contains(got.BlockMessage, v.Setting)) {
			t.Fatalf("%d: %s is %s and does not block: %q", n, v.Setting, v.Verdict, got.BlockMessage)
		}
		for _, id := range v.DefinitionIDs {
			if !got.Blocked && !writtenIDs[id] {
				t.Fatalf("%d: %s claims %s, which is not written", n, v.Setting, id)
			}
		}
	}
}

func TestHashTellsPayloadsApart(t *testing.T) {
	base := Request{Settings: creation, Platforms: onWindows, Catalog: []Definition{passkeysWindows, passkeysMac}}
	off, both, other := base, base, base
	off.Settings = v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Disabled}
	both.Platforms = []v1alpha1.Platform{"Windows", "MacOS"}
	other.Catalog = []Definition{windows("device", "v150", PolicyPasskeys)}
	seen := map[string]string{}
	for name, in := range map[string]Request{"base": base, "off": off, "both platforms": both, "other definition": other} {
		h := Resolve(in).Hash
		if !strings.HasPrefix(h, "sha256:") || len(h) != len("sha256:")+64 {
			t.Errorf("%s: hash %q", name, h)
		}
		if twin, ok := seen[h]; ok {
			t.Errorf("%s and %s have one hash", name, twin)
		}
		seen[h] = name
	}
	sync := base
	sync.Settings.PasskeySync, sync.OnMissing = v1alpha1.Enabled, v1alpha1.OnMissingSubstitute
	if Resolve(sync).Hash != Resolve(base).Hash {
		t.Error("two requests that write the same have different hashes")
	}
}

func TestHashInstances(t *testing.T) {
	a := Instance{DefinitionID: "a", Kind: InstanceChoice, Value: "a_1"}
	b := Instance{DefinitionID: "b", Kind: InstanceString, Value: "x", Children: []Instance{a}}
	flat := Instance{DefinitionID: "b", Kind: InstanceString, Value: "x"}
	h := HashInstances("windows10", "mdm", []Instance{a, b})
	if h != HashInstances("windows10", "mdm", []Instance{b, a}) {
		t.Error("order matters")
	}
	for name, other := range map[string]string{
		"platform":   HashInstances("macOS", "mdm", []Instance{a, b}),
		"technology": HashInstances("windows10", "mdm,appleRemoteManagement", []Instance{a, b}),
		"children":   HashInstances("windows10", "mdm", []Instance{a, flat}),
		"lifted":     HashInstances("windows10", "mdm", []Instance{a, a, flat}),
		"borders":    HashInstances("windows10m", "dm", []Instance{a, b}),
	} {
		if other == h {
			t.Errorf("%s does not change the hash", name)
		}
	}
}

func TestSearchTermsCoverWishes(t *testing.T) {
	terms := SearchTerms()
	for _, w := range wishes(article) {
		for _, name := range []string{w.literal, w.mapped, w.substitute} {
			if name != "" && !slices.Contains(terms, name) {
				t.Errorf("%s is resolved by %s, which is not searched for", w.field, name)
			}
		}
	}
	if !slices.Equal(terms, SearchTerms()) {
		t.Error("the order of the terms changes")
	}
}
