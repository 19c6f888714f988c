// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

const storageID = "device_vendor_msft_policy_config_microsoft_edgev160~policy~microsoft_edge~x_passkeybackupstoragelocation"

// storage is a catalog with the one setting that has no inverse.
var storage = []graph.SettingDefinition{{
	ID: storageID, RootDefinitionID: storageID, Name: "PasskeyBackupStorageLocation", Kind: "ChoiceSettingDefinition", Platform: "windows10", Technologies: "mdm",
	Options: []graph.SettingOption{{ItemID: storageID + "_azuread", DisplayName: "AzureAD"}},
}}

// storing is a policy that asks for that setting, with an allow policy on record that a wave has left.
func storing(mode v1alpha1.PolicyMode) *v1alpha1.PasskeyPolicy {
	return &v1alpha1.PasskeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pkp"},
		Spec: v1alpha1.PasskeyPolicySpec{
			Mode: mode, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}, Scope: v1alpha1.ScopeDevice,
			Settings: v1alpha1.PasskeySettings{BackupStorageLocation: "AzureAD"}, OnMissingSetting: v1alpha1.OnMissingBlock,
			Population: &v1alpha1.Population{Include: []v1alpha1.GroupRef{{ID: "everyone"}}},
		},
		Status: v1alpha1.PasskeyPolicyStatus{Objects: []v1alpha1.TenantObject{{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "p1", IncludeGroups: []string{"g"}}}},
	}
}

// pinned is the same policy with a revision.
func pinned(mode v1alpha1.PolicyMode) *v1alpha1.PasskeyPolicy {
	p := storing(mode)
	p.Status.Revisions = []v1alpha1.RevisionStatus{{Number: 1, State: v1alpha1.RevisionCandidate, Payloads: []v1alpha1.PinnedPayload{{
		Platform: v1alpha1.PlatformWindows, GraphPlatforms: "windows10", Technologies: "mdm",
		Settings: []v1alpha1.PinnedSetting{{DefinitionID: storageID, Kind: "Choice", Value: storageID + "_azuread"}},
	}}}}
	return p
}

func look(t *testing.T, src *tenant, stage plan.Stage, p *v1alpha1.PasskeyPolicy) plan.View {
	t.Helper()
	return Policy(t.Context(), src, self, Neighbours{}, nil, plan.NewView(stage, p, nil, now))
}

// TestSettings: mode and revisions reach the resolution: a Gate policy whose settings have no restrictive value is blocked, the
// same payload in EnforceOnly is not, and what a revision pinned and the catalog has no more is named.
func TestSettings(t *testing.T) {
	for mode, blocked := range map[v1alpha1.PolicyMode]bool{v1alpha1.ModeGate: true, v1alpha1.ModeEnforceOnly: false} {
		res, err := Settings(t.Context(), &tenant{defs: storage}, NewCatalogs(), storing(mode), now)
		if err != nil || res.Blocked != blocked || blocked && !strings.Contains(res.BlockMessage, "spec.mode: Gate needs a setting with a restrictive value") {
			t.Errorf("%s: %v, %+v", mode, err, res)
		}
	}
	p := pinned(v1alpha1.ModeEnforceOnly)
	p.Status.Revisions[0].Payloads[0].Settings[0].DefinitionID = "was"
	if res, err := Settings(t.Context(), &tenant{defs: storage}, NewCatalogs(), p, now); err != nil || len(res.Gone) != 1 || res.Gone[0].DefinitionID != "was" {
		t.Errorf("%v, %+v", err, res)
	}
	away := &tenant{fail: map[string]error{"SettingDefinitions": errAway}}
	if _, err := Settings(t.Context(), away, NewCatalogs(), p, now); !errors.Is(err, errAway) {
		t.Error(err)
	}
}

// TestPolicyParts: each part that cannot be read says so, and what rests on it is not looked for; a rollback rests on the
// records alone.
func TestPolicyParts(t *testing.T) {
	seen := func(fail ...string) *tenant {
		f := &tenant{defs: storage, policies: []graph.ConfigurationPolicy{live(allow, "p1")}, groups: []graph.Group{{ID: "everyone"}}, fail: map[string]error{}}
		for _, call := range fail {
			f.fail[call] = errAway
		}
		return f
	}
	f := seen()
	v := look(t, f, plan.StageWhole, pinned(v1alpha1.ModeEnforceOnly))
	if v.Population.Err != nil || v.ListErr != nil || len(v.Want) != 1 || len(v.Objects) != 1 || !slices.Equal(v.Population.Include, []string{"everyone"}) ||
		!strings.Contains(v.Want[0].Description, "PasskeyPolicy ns/pkp") || !strings.Contains(v.Want[0].Description, marker(allow)) {
		t.Errorf("%+v", v)
	}
	for call, part := range map[string]func(v *plan.View) error{
		"Group":                 func(v *plan.View) error { return v.Population.Err },
		"ConfigurationPolicies": func(v *plan.View) error { return v.ListErr },
	} {
		f := seen(call)
		v := look(t, f, plan.StageWhole, storing(v1alpha1.ModeEnforceOnly))
		if !errors.Is(part(&v), errAway) || v.Objects != nil || f.calls[len(f.calls)-1] != call {
			t.Errorf("%s: %+v after %v", call, v, f.calls)
		}
	}
	f = seen("SettingDefinitions", "Group", "ConfigurationPolicies", "PolicySettings")
	if v := look(t, f, plan.StageRollback, storing(v1alpha1.ModeEnforceOnly)); len(v.Objects) != 1 || v.Objects[0].Err != nil || !v.Objects[0].Exists {
		t.Errorf("%+v after %v", v, f.calls)
	}
	f = seen("SettingDefinitions", "Group")
	if v := look(t, f, plan.StageRemoval, storing(v1alpha1.ModeEnforceOnly)); v.ListErr != nil || len(v.Objects) != 1 || v.Objects[0].Err != nil {
		t.Errorf("%+v after %v", v, f.calls)
	}
}
