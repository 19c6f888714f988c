// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// unresolved wants the policy to be stalled for settings that the tenant cannot deliver, with nothing written.
func (w *world) unresolved(t *testing.T, words ...string) {
	t.Helper()
	o := policy()
	w.stuck(t, o, v1alpha1.ReasonSettingMissing, words...)
	w.says(t, o, v1alpha1.ConditionSettingsResolved, metav1.ConditionFalse, v1alpha1.ReasonSettingMissing, words...)
	w.untouched(t)
}

// verdicts gives the verdict of each setting on one platform.
func verdicts(p *v1alpha1.PasskeyPolicy, on v1alpha1.Platform) map[string]v1alpha1.SettingVerdict {
	out := map[string]v1alpha1.SettingVerdict{}
	for _, s := range p.Status.Settings {
		if s.Platform == on {
			out[s.Setting] = s.Verdict
		}
	}
	return out
}

// TestCatalogWithoutTheSetting asks a tenant for a setting that its catalog does not have, in all three ways, until the
// catalog gets it.
func TestCatalogWithoutTheSetting(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{Catalog: "empty-edge"})
	p := w.Policy()
	w.Apply(t, w.Secret(), w.Tenant(), p)
	w.unresolved(t, "passkeyCreation on Windows is Missing", "passkeyCreation on MacOS is Missing", "AllowPasskeyCreation",
		"PasswordManagerPasskeysEnabled", "Set spec.onMissingSetting to Substitute", "or to Skip", "remove the setting")

	w.Edit(t, p, func() { p.Spec.OnMissingSetting = v1alpha1.OnMissingSubstitute })
	w.unresolved(t, "passkeyCreation on Windows is Missing", "nothing can stand in for it", "Set spec.onMissingSetting to Skip")

	w.Edit(t, p, func() { p.Spec.OnMissingSetting = v1alpha1.OnMissingSkip })
	w.unresolved(t, "Nothing is left to write on Windows", "an empty policy is never created", "or remove Windows from spec.platforms")
	o := policy()
	if err := w.Get(t.Context(), o.Name, o); err != nil {
		t.Fatal(err)
	}
	if v := verdicts(o, v1alpha1.PlatformWindows)["passkeyCreation"]; v != v1alpha1.SettingSkipped {
		t.Errorf("passkeyCreation on Windows is %q, want Skipped: it must never vanish from status (P11)", v)
	}

	// The tenant gets the setting. Nothing here changes, and the policy goes on.
	w.Edit(t, p, func() { p.Spec.OnMissingSetting = v1alpha1.OnMissingBlock })
	w.unresolved(t, "Set spec.onMissingSetting to Substitute")
	w.Sim = simtest.New(t, tenantsim.Options{Seed: 1, Devices: 60, Clock: w.Clock, Catalog: tenantsim.CatalogMacOSPasskeys, Scenario: w.Sim.Scenario()})
	w.front.Serve(w.Sim.Handler())
	w.goesOn(t)
}

// TestSettingWithoutPolicy asks for passkeySync, for which Edge has no policy of its own.
func TestSettingWithoutPolicy(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	p := w.Policy()
	p.Spec.Settings = v1alpha1.PasskeySettings{PasskeySync: v1alpha1.Enabled}
	w.Apply(t, w.Secret(), w.Tenant(), p)
	w.unresolved(t, "passkeySync on Windows is Missing", "PasskeySyncEnabled", "Set spec.onMissingSetting to Substitute")

	w.Edit(t, p, func() { p.Spec.OnMissingSetting = v1alpha1.OnMissingSubstitute })
	w.goesOn(t)
	o := policy()
	w.says(t, o, v1alpha1.ConditionSettingsResolved, metav1.ConditionTrue, v1alpha1.ReasonSettingsResolved, "2 substituted", "status.settings")
	if v := verdicts(o, v1alpha1.PlatformWindows)["passkeySync"]; v != v1alpha1.SettingSubstituted {
		t.Errorf("passkeySync on Windows is %q, want Substituted", v)
	}
}

// TestSkippedSettingIsShown leaves out what Edge does not have and writes the rest (P11).
func TestSkippedSettingIsShown(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	p := w.Policy()
	p.Spec.Settings.SyncScope, p.Spec.OnMissingSetting = "EnterpriseManaged", v1alpha1.OnMissingSkip
	w.Apply(t, w.Secret(), w.Tenant(), p)
	w.goesOn(t)
	o := policy()
	w.says(t, o, v1alpha1.ConditionSettingsResolved, metav1.ConditionTrue, v1alpha1.ReasonSettingsResolved, "2 resolved", "2 skipped")
	for _, on := range []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS} {
		got := verdicts(o, on)
		if got["syncScope"] != v1alpha1.SettingSkipped || got["passkeyCreation"] != v1alpha1.SettingResolved {
			t.Errorf("on %s the verdicts are %v", on, got)
		}
	}
}

// enforceOnly is a policy without a hold: what a gate refuses at admission, such as a toggle that the hold sets already, gets
// as far as the catalog here.
func enforceOnly(w *world) *v1alpha1.PasskeyPolicy {
	p := w.Policy()
	p.Spec.Mode, p.Spec.Population = v1alpha1.ModeEnforceOnly, nil
	return p
}

func TestUnsupportedSetting(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	p := enforceOnly(w)
	p.Spec.Settings.PasswordlessSignin = v1alpha1.Disabled
	w.Apply(t, w.Secret(), w.Tenant(), p)
	w.unresolved(t, "passwordlessSignin on Windows is Unsupported", "no policy turns it off", "remove the setting")
	w.Edit(t, p, func() { p.Spec.Settings.PasswordlessSignin = "" })
	w.goesOn(t)
}

// TestContradictorySettings asks for two settings that are one policy in Edge, on and off.
func TestContradictorySettings(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	p := enforceOnly(w)
	p.Spec.Settings = v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled, PasskeySync: v1alpha1.Disabled}
	p.Spec.OnMissingSetting = v1alpha1.OnMissingSubstitute
	w.Apply(t, w.Secret(), w.Tenant(), p)
	w.unresolved(t, "spec.settings", "passkeyCreation", "passkeySync", "opposite values", tenantsim.PasskeysWindowsDevice, "Give both the same value or remove one")
	w.Edit(t, p, func() { p.Spec.Settings.PasskeySync = v1alpha1.Enabled })
	w.goesOn(t)
}
