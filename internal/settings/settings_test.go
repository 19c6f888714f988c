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

func verdicts(r Resolution) string {
	var out []string
	for _, v := range r.Verdicts {
		out = append(out, fmt.Sprintf("%s/%s=%s", v.Setting, v.Platform, v.Verdict))
	}
	return strings.Join(out, " ")
}

func TestResolveVerdicts(t *testing.T) {
	literalLocation := windows("device", "v160", "PasskeyBackupStorageLocation")
	literalLocation.Options = []Option{{ItemID: literalLocation.ID + "_azuread", DisplayName: "AzureAD"}}
	literalScope := windows("device", "v160", "PasskeySyncScope")
	literalScope.Kind, literalScope.Options = KindSimple, nil

	tests := []struct {
		name    string
		in      Request
		want    string
		blocked []string // parts of the message; nil means not blocked
		minEdge string
	}{
		{
			name:    "the article as it stands blocks on a real catalog",
			in:      Request{Settings: article, Platforms: onWindows, Catalog: []Definition{passkeysWindows}, PrerequisiteEdge: "120"},
			want:    "passwordlessSignin/Windows=Missing passkeySync/Windows=Missing passkeyCreation/Windows=Resolved backupStorageLocation/Windows=Missing syncScope/Windows=Missing",
			blocked: []string{"passwordlessSignin on Windows", "PasswordlessSigninEnabled", "passkeySync on Windows", "PasskeySyncEnabled", "backupStorageLocation", "syncScope", "Substitute", "Skip", "catalog"},
			minEdge: "145",
		},
		{
			name:    "substitutes",
			in:      Request{Settings: article, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSubstitute, Catalog: []Definition{passkeysWindows}, PrerequisiteEdge: "120"},
			want:    "passwordlessSignin/Windows=Substituted passkeySync/Windows=Substituted passkeyCreation/Windows=Resolved backupStorageLocation/Windows=Substituted syncScope/Windows=Substituted",
			minEdge: "145",
		},
		{
			name:    "skips",
			in:      Request{Settings: article, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSkip, Catalog: []Definition{passkeysWindows}, PrerequisiteEdge: "146.0.1"},
			want:    "passwordlessSignin/Windows=Skipped passkeySync/Windows=Skipped passkeyCreation/Windows=Resolved backupStorageLocation/Windows=Skipped syncScope/Windows=Skipped",
			minEdge: "146.0.1",
		},
		{
			name:    "a tenant that has the literal names gets them",
			in:      Request{Settings: v1alpha1.PasskeySettings{PasskeySync: v1alpha1.Enabled, BackupStorageLocation: "AzureAD", SyncScope: "EnterpriseManaged"}, Platforms: onWindows, Catalog: []Definition{passkeysWindows, windows("device", "v160", "PasskeySyncEnabled"), literalLocation, literalScope}, PrerequisiteEdge: "120"},
			want:    "passkeySync/Windows=Resolved backupStorageLocation/Windows=Resolved syncScope/Windows=Resolved",
			minEdge: "120",
		},
		{
			name:    "everything skipped is no policy",
			in:      Request{Settings: v1alpha1.PasskeySettings{PasskeySync: v1alpha1.Enabled}, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSkip, Catalog: []Definition{passkeysWindows}},
			want:    "passkeySync/Windows=Skipped",
			blocked: []string{"Nothing is left to write on Windows", "passkeyCreation", "spec.platforms"},
		},
		{
			name:    "checks alone are no policy",
			in:      Request{Settings: v1alpha1.PasskeySettings{PasswordlessSignin: v1alpha1.Enabled}, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSubstitute},
			want:    "passwordlessSignin/Windows=Substituted",
			blocked: []string{"Nothing is left to write"},
		},
		{
			name:    "no policy turns WebAuthn off",
			in:      Request{Settings: v1alpha1.PasskeySettings{PasswordlessSignin: v1alpha1.Disabled, PasskeyCreation: v1alpha1.Enabled}, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSubstitute, Catalog: []Definition{passkeysWindows}},
			want:    "passwordlessSignin/Windows=Unsupported passkeyCreation/Windows=Resolved",
			blocked: []string{"passwordlessSignin on Windows is Unsupported", "WebAuthn"},
			minEdge: "145",
		},
		{
			name:    "substitute missing too",
			in:      Request{Settings: v1alpha1.PasskeySettings{PasskeySync: v1alpha1.Enabled}, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSubstitute},
			want:    "passkeySync/Windows=Missing",
			blocked: []string{"PasskeySyncEnabled", PolicyPasskeys},
		},
		{
			name:    "one platform of two lacks the policy",
			in:      Request{Settings: creation, Platforms: []v1alpha1.Platform{"Windows", "MacOS", "Windows"}, Catalog: []Definition{passkeysWindows}},
			want:    "passkeyCreation/MacOS=Missing passkeyCreation/Windows=Resolved",
			blocked: []string{"passkeyCreation on MacOS", PolicyPasskeys},
			minEdge: "145",
		},
		{
			name:    "contradiction",
			in:      Request{Settings: v1alpha1.PasskeySettings{PasskeySync: v1alpha1.Enabled, PasskeyCreation: v1alpha1.Disabled}, Platforms: onWindows, OnMissing: v1alpha1.OnMissingSubstitute, Catalog: []Definition{passkeysWindows}},
			want:    "passkeySync/Windows=Substituted passkeyCreation/Windows=Resolved",
			blocked: []string{"passkeySync and passkeyCreation want opposite values"},
			minEdge: "145",
		},
		{
			name:    "a platform without a catalog",
			in:      Request{Settings: creation, Platforms: []v1alpha1.Platform{"IOS"}, OnMissing: v1alpha1.OnMissingSkip, Catalog: []Definition{passkeysWindows}},
			want:    "passkeyCreation/IOS=Unsupported",
			blocked: []string{"IOS", "spec.platforms"},
		},
		{
			name:    "a prerequisite that is no version",
			in:      Request{Settings: creation, Platforms: onWindows, Catalog: []Definition{passkeysWindows}, PrerequisiteEdge: "latest"},
			want:    "passkeyCreation/Windows=Resolved",
			blocked: []string{"spec.prerequisites.edge", "latest"},
		},
		{
			name:    "no platform",
			in:      Request{Settings: creation, Catalog: []Definition{passkeysWindows}},
			blocked: []string{"spec.platforms is empty"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Resolve(tt.in)
			if verdicts(got) != tt.want {
				t.Errorf("verdicts:\n got %s\nwant %s", verdicts(got), tt.want)
			}
			if got.Blocked != (tt.blocked != nil) {
				t.Errorf("Blocked = %v, message %q", got.Blocked, got.BlockMessage)
			}
			for _, part := range tt.blocked {
				if !strings.Contains(got.BlockMessage, part) {
					t.Errorf("message lacks %q: %s", part, got.BlockMessage)
				}
			}
			if got.Blocked != (len(got.Pinned) == 0) || got.Blocked != (got.Hash == "") {
				t.Errorf("blocked %v with %d payloads and hash %q", got.Blocked, len(got.Pinned), got.Hash)
			}
			if got.MinEdge != tt.minEdge {
				t.Errorf("MinEdge = %q, want %q", got.MinEdge, tt.minEdge)
			}
			for _, v := range got.Verdicts {
				if v.Why == "" {
					t.Errorf("%s on %s has no reason", v.Setting, v.Platform)
				}
			}
		})
	}
}

func TestResolvePayload(t *testing.T) {
	location := windows("device", "v160", "PasskeyBackupStorageLocation")
	location.Options = []Option{{ItemID: location.ID + "_azuread", DisplayName: "Azure AD", Value: "AzureAD"}}
	scope := macOS("com.apple.managedclient.preferences", "PasskeySyncScope")
	scope.Kind, scope.Options = KindSimple, nil
	scope.Technologies = []string{"mdm"}

	got := Resolve(Request{
		Settings:  v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled, PasskeySync: v1alpha1.Enabled, BackupStorageLocation: "AzureAD"},
		Platforms: onWindows, OnMissing: v1alpha1.OnMissingSubstitute, Catalog: []Definition{location, passkeysWindows},
	})
	want := []Payload{{
		Platform: "Windows", GraphPlatforms: "windows10", Technologies: "mdm",
		Allow: []Instance{
			{DefinitionID: passkeysWindows.ID, Kind: InstanceChoice, Value: passkeysWindows.ID + "_1"},
			{DefinitionID: location.ID, Kind: InstanceChoice, Value: location.ID + "_azuread"},
		},
	}}
	if diff := cmp.Diff(want, payloads(got)); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
	if why := got.Verdicts[2].Why; !strings.Contains(why, "hold leaves it alone") {
		t.Errorf("the location's verdict does not say that the hold lacks it: %s", why)
	}

	got = Resolve(Request{Settings: v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Disabled}, Platforms: onMac, Scope: v1alpha1.ScopeUser, Catalog: []Definition{passkeysMac}})
	want = []Payload{{
		Platform: "MacOS", GraphPlatforms: "macOS", Technologies: "mdm,appleRemoteManagement",
		Allow: []Instance{{DefinitionID: passkeysMac.ID, Kind: InstanceChoice, Value: passkeysMac.ID + "_false"}},
	}}
	if diff := cmp.Diff(want, payloads(got)); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
	if why := got.Verdicts[0].Why; !strings.Contains(why, "no user scope") {
		t.Errorf("verdict hides that user scope is not to be had: %s", why)
	}

	got = Resolve(Request{
		Settings:  v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled, SyncScope: "EnterpriseManaged"},
		Platforms: onMac, Catalog: []Definition{passkeysMac, scope},
	})
	if !got.Blocked || !strings.Contains(got.BlockMessage, "technologies differ") {
		t.Errorf("definitions of different technologies in one policy: blocked %v %q", got.Blocked, got.BlockMessage)
	}
}

// TestMatch says which definition is taken for passkeyCreation, by its id.
func TestMatch(t *testing.T) {
	child := windows("device", "", PolicyPasskeys)
	child.RootDefinitionID = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge~passwordmanager"
	recommended := windows("device", "v145_recommended", PolicyPasskeys)
	recommended.ID = "device_vendor_msft_policy_config_microsoft_edgev145~policy~microsoft_edge_recommended~passwordmanager_recommended_passwordmanagerpasskeysenabled_recommended"
	recommended.RootDefinitionID = recommended.ID
	contradictory := windows("device", "v145", PolicyPasskeys)
	contradictory.Options = []Option{{ItemID: contradictory.ID + "_1", DisplayName: "Disabled"}, {ItemID: contradictory.ID + "_0", DisplayName: "Enabled"}}
	halfContradictory := windows("device", "v145", PolicyPasskeys)
	halfContradictory.Options = []Option{{ItemID: halfContradictory.ID + "_1", DisplayName: "Disabled"}, {ItemID: halfContradictory.ID + "_0", DisplayName: "Disabled"}}
	noOptions := windows("device", "v200", PolicyPasskeys)
	noOptions.Options = nil
	onlyOn := windows("device", "v300", PolicyPasskeys)
	onlyOn.Options = onlyOn.Options[1:]
	upper := passkeysWindows
	upper.Name, upper.ID, upper.RootDefinitionID = "", strings.ToUpper(passkeysWindows.ID), strings.ToUpper(passkeysWindows.ID)
	macChrome := macOS("com.google.chrome", PolicyPasskeys)
	macOther := macOS("com.example.preferences", PolicyPasskeys)
	macEdge := macOS("com.microsoft.edge", PolicyPasskeys)
	iosToo := passkeysMac
	iosToo.Platforms = []string{"iOS", "macOS"}
	mamOnly := windows("device", "v145", PolicyPasskeys)
	mamOnly.Technologies = []string{"mobileApplicationManagement"}
	integer := windows("device", "v145", PolicyPasskeys)
	integer.Kind, integer.ValueKind, integer.Options = KindSimple, InstanceInteger, nil
	nearly := windows("device", "v145", "Not"+PolicyPasskeys)

	tests := []struct {
		name    string
		mac     bool
		user    bool
		catalog []Definition
		want    string // id, or empty for Missing
		why     string
	}{
		{name: "Chrome's twin never matches", catalog: []Definition{chrome(PolicyPasskeys)}, why: "no Edge definition"},
		{name: "Edge's beside Chrome's", catalog: []Definition{chrome(PolicyPasskeys), passkeysWindows}, want: passkeysWindows.ID},
		{name: "scope", catalog: []Definition{windows("user", "v145", PolicyPasskeys)}, why: "device scope"},
		{name: "user scope", user: true, catalog: []Definition{passkeysWindows, windows("user", "v145", PolicyPasskeys)}, want: windows("user", "v145", PolicyPasskeys).ID},
		{name: "child settings cannot stand alone", catalog: []Definition{child}},
		{name: "recommended is not mandatory", catalog: []Definition{recommended}, why: "recommended"},
		{name: "mandatory beside recommended", catalog: []Definition{recommended, passkeysWindows}, want: passkeysWindows.ID},
		{name: "newest generation", catalog: []Definition{windows("device", "v80diff", PolicyPasskeys), passkeysWindows, windows("device", "", PolicyPasskeys)}, want: passkeysWindows.ID, why: "also matched"},
		{name: "newest generation, not first id", catalog: []Definition{passkeysWindows, windows("device", "v200diff", PolicyPasskeys)}, want: windows("device", "v200diff", PolicyPasskeys).ID},
		{name: "generation is a number", catalog: []Definition{windows("device", "v99", PolicyPasskeys), passkeysWindows}, want: passkeysWindows.ID},
		{name: "options that contradict themselves", catalog: []Definition{contradictory}, why: "no single option"},
		{name: "an option that contradicts itself beside one that does not", catalog: []Definition{halfContradictory}, why: "no single option"},
		{name: "the wanted option must exist", catalog: []Definition{noOptions, passkeysWindows}, want: passkeysWindows.ID},
		{name: "one that can be held is better than a newer one that cannot", catalog: []Definition{onlyOn, passkeysWindows}, want: passkeysWindows.ID},
		{name: "but better than none", catalog: []Definition{onlyOn}, want: onlyOn.ID, why: "no restrictive value"},
		{name: "case does not matter", catalog: []Definition{upper}, want: upper.ID},
		{name: "the name must be whole", catalog: []Definition{nearly}},
		{name: "not by MDM", catalog: []Definition{mamOnly}},
		{name: "integers", catalog: []Definition{integer}, want: integer.ID},
		{name: "macOS on Windows", catalog: []Definition{passkeysMac}},
		{name: "Windows on macOS", mac: true, catalog: []Definition{passkeysWindows}},
		{name: "macOS by name", mac: true, catalog: []Definition{iosToo, macChrome}, want: passkeysMac.ID},
		{name: "Chrome on macOS", mac: true, catalog: []Definition{macChrome}},
		{name: "macOS: Edge's own word decides", mac: true, catalog: []Definition{macOther, macEdge}, want: macEdge.ID},
		{name: "macOS: no guessing between products", mac: true, catalog: []Definition{macOther, passkeysMac}, why: "nothing tells which is Edge's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Request{Settings: creation, Platforms: onWindows, Catalog: tt.catalog}
			if tt.mac {
				in.Platforms = onMac
			}
			if tt.user {
				in.Scope = v1alpha1.ScopeUser
			}
			got := Resolve(in).Verdicts[0]
			if id := strings.Join(got.DefinitionIDs, ","); id != tt.want || (got.Verdict == v1alpha1.SettingResolved) != (tt.want != "") {
				t.Errorf("%s with %q, want %q: %s", got.Verdict, id, tt.want, got.Why)
			}
			if !strings.Contains(got.Why, tt.why) {
				t.Errorf("why %q lacks %q", got.Why, tt.why)
			}
		})
	}
}

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
