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
		Status: v1alpha1.PasskeyPolicyStatus{Objects: []v1alpha1.TenantObject{{Role: allow.Role, Platform: allow.Platform, ID: "p1", IncludeGroups: []string{"g"}}}},
	}
}

func look(t *testing.T, src *tenant, stage plan.Stage, p *v1alpha1.PasskeyPolicy) plan.View {
	t.Helper()
	return Policy(t.Context(), src, NewCatalogs(), self, plan.NewView(stage, p, nil, now))
}

// TestModeReachesTheResolution: a Gate policy whose settings have no inverse is blocked, the same payload in EnforceOnly
// is not.
func TestModeReachesTheResolution(t *testing.T) {
	for mode, blocked := range map[v1alpha1.PolicyMode]bool{v1alpha1.ModeGate: true, v1alpha1.ModeEnforceOnly: false} {
		c := look(t, &tenant{defs: storage}, plan.StageWhole, storing(mode)).Catalog
		if c.Err != nil || c.Blocked != blocked || blocked && !strings.Contains(c.BlockMessage, "spec.mode: Gate needs a setting with an inverse") {
			t.Errorf("%s: %+v", mode, c)
		}
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
	v := look(t, f, plan.StageWhole, storing(v1alpha1.ModeEnforceOnly))
	if v.Catalog.Err != nil || v.Population.Err != nil || v.ListErr != nil || len(v.Want) != 1 || len(v.Objects) != 1 || !slices.Equal(v.Population.Include, []string{"everyone"}) ||
		!strings.Contains(v.Want[0].Description, "PasskeyPolicy ns/pkp") || !strings.Contains(v.Want[0].Description, marker(allow)) {
		t.Errorf("%+v", v)
	}
	for call, part := range map[string]func(v *plan.View) error{
		"SettingDefinitions": func(v *plan.View) error { return v.Catalog.Err }, "Group": func(v *plan.View) error { return v.Population.Err },
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
