// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"testing"
	"time"
)

// busyBin is a tenant with everything that takes time at once: churn, the lag of an
// ordinary day, dynamic and nested groups, and a nested group that waits in the
// recycle bin to be purged.
func busyBin(t *testing.T, seed uint64) *tenant {
	t.Helper()
	tt := newTenant(t, Options{Devices: 400, Seed: seed, Scenario: Scenario{Churn: DefaultChurn(), SecondUserPercent: 10, PhonesPercent: 10}})
	outer, inner := tt.makeGroup("outer", nil), tt.makeGroup("inner", nil)
	tt.makeGroup("disabled", object{"groupTypes": []string{"DynamicMembership"}, "membershipRule": `device.accountEnabled -eq false`})
	tt.addMember(204, outer, inner)
	tt.addMember(204, outer, tt.groupID("Tidegate Pilot"))
	tt.assign(tt.createPolicy(allowBody("allow")), groupTarget(outer), groupTarget(tt.groupID("Tidegate Early")))
	tt.assign(tt.createPolicy(holdBody("hold")), groupTarget(tt.groupID("All Corporate Devices")), excludeTarget(outer))
	tt.scenario(func(sc *Scenario) { sc.Lag = OrdinaryLag() })
	tt.want(204, "DELETE", "/v1.0/groups/"+inner, nil)
	return tt
}

// TestStepsDoNotMatterToBins: a tenant that is moved at once and one that is moved in
// small steps are the same, a purge of the recycle bin on the way included.
func TestStepsDoNotMatterToBins(t *testing.T) {
	for seed := range uint64(4) {
		atOnce, inSteps := busyBin(t, seed), busyBin(t, seed)
		atOnce.advance(40 * 24 * time.Hour)
		for range 40 * 8 {
			inSteps.advance(3 * time.Hour)
		}
		a, err := json.Marshal(atOnce.sim.Snapshot(true))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(inSteps.sim.Snapshot(true))
		if err != nil {
			t.Fatal(err)
		}
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("seed %d: …%s… in one step, …%s… in many", seed, a[max(0, i-200):i+40], b[max(0, i-200):i+40])
			}
		}
	}
}

// TestRefusedScenario: what is refused is not in force, and what was stays whole.
func TestRefusedScenario(t *testing.T) {
	tt := newTenant(t, Options{Devices: 200, Scenario: Scenario{ConflictingBaseline: &Baseline{DisplayName: "theirs", GroupDisplayName: "Tidegate Early", DevicesPercent: 50}}})
	state := func() string {
		raw, err := json.Marshal(tt.sim.Scenario())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw) + tt.sim.ConfigDigest()
	}
	before := state()
	for name, b := range map[string]Baseline{
		"group":      {GroupDisplayName: "nobody"},
		"definition": {GroupDisplayName: "Tidegate Early", Definition: "none"},
		"value":      {GroupDisplayName: "Tidegate Early", Value: "none"},
		"intent":     {GroupDisplayName: "Tidegate Early", Definition: PasskeysWindowsUser, Kind: baselineIntent},
		"template":   {GroupDisplayName: "Tidegate Early", Definition: PasskeysWindowsDevice, Kind: baselineSecurity},
	} {
		b.DisplayName, b.DevicesPercent = "refused", 10
		err := tt.sim.SetScenario(Scenario{FailurePercent: 50, ConflictingBaseline: &b})
		if err == nil || state() != before {
			t.Errorf("%s: %v; same as before: %t", name, err, state() == before)
		}
	}
}
