// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/naming"
	"github.com/tidegate/tidegate/internal/settings"
)

// TestWant: which objects a policy has, and for whom.
func TestWant(t *testing.T) {
	revisions := revisionsOf()
	both := []v1alpha1.PinnedPayload{payload(v1alpha1.PlatformWindows), payload(v1alpha1.PlatformMacOS)}
	revisions[0].Payloads, revisions[2].Payloads = both, both
	groups := []Group{
		{ID: "g1", Revision: 1, Admit: true},
		{ID: "g2", Revision: 2, Admit: true, State: v1alpha1.Admitted, Occupied: true, Cleared: true},
		{ID: "g3", Revision: 3, Admit: true, State: v1alpha1.Admitting, Occupied: true},
		{ID: "out", Revision: 3, State: v1alpha1.Withdrawing},
		{ID: "released", Revision: 3, State: v1alpha1.Withdrawing, Released: true},
		{ID: "never", Revision: 3},
		{ID: "g4", Revision: 4, State: v1alpha1.Withdrawing},
		{ID: "done", Revision: 5, State: v1alpha1.Withdrawn, Released: true},
	}
	type object struct {
		Include, Exclude, KeepOnly []string
		Retiring                   bool
	}
	pop := Population{Include: []string{"p1", "p2"}, Exclude: []string{"x"}}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PasskeyPolicy)
		hold   []string
	}{
		"groups":       {func(*v1alpha1.PasskeyPolicy) {}, []string{"p1", "p2"}},
		"everyone":     {func(p *v1alpha1.PasskeyPolicy) { p.Spec.Population = &v1alpha1.Population{All: true} }, []string{Everyone}},
		"enforce only": {func(p *v1alpha1.PasskeyPolicy) { p.Spec.Mode = v1alpha1.ModeEnforceOnly }, nil},
	} {
		p := policyOf()
		tt.change(p)
		want := map[string]object{
			"Windows/Hold": {tt.hold, []string{"x", "g1", "g2", "g3", "out", "g4"}, nil, false},
			"MacOS/Hold":   {tt.hold, []string{"x", "g2"}, nil, false}, // what has nothing on the platform stays on hold there
			"Windows/r1":   {[]string{"g1"}, []string{"x", "g2", "g3", "out", "g4"}, nil, false},
			"Windows/r2":   {[]string{"g2"}, []string{"x", "g3", "out", "g4"}, nil, false},
			"MacOS/r2":     {[]string{"g2"}, []string{"x"}, nil, false},
			"Windows/r3":   {[]string{"g3"}, []string{"x", "g4"}, []string{"g3"}, false},
			"Windows/r4":   {nil, []string{"x"}, nil, true}, // until devices have let go
		}
		if tt.hold == nil {
			delete(want, "Windows/Hold")
			delete(want, "MacOS/Hold")
		}
		got := map[string]object{}
		for _, d := range Want(p, revisions, pop, groups, describe) {
			got[d.Key.String()] = object{d.Include, d.Exclude, d.KeepOnly, d.Retiring}
			inst := []settings.Instance{{DefinitionID: "d", Kind: settings.InstanceChoice, Value: "d_1"}}
			if d.Description != "marker "+d.Key.String() || d.Name != Name("ns", "pkp", d.Key) || !cmp.Equal(d.Settings, inst) ||
				d.Hash != settings.HashInstances("windows10", "mdm", inst) || d.Everyone != TargetAllDevices || d.Platforms != "windows10" || d.Technologies != "mdm" {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWantUnit: everyone is All users where the unit is the user.
func TestWantUnit(t *testing.T) {
	p := policyOf()
	p.Spec.Unit = v1alpha1.UnitUser
	for _, d := range Want(p, revisionsOf(), Population{}, nil, describe) {
		if d.Everyone != TargetAllUsers {
			t.Errorf("%s: %s", d.Key, d.Everyone)
		}
	}
}

// TestName: platform and level are never cut off, for they tell the policies of one PasskeyPolicy apart.
func TestName(t *testing.T) {
	if got := Name("prod", "passkeys", holdKey); got != "Tidegate prod/passkeys Windows Hold" {
		t.Errorf("%q", got)
	}
	if got := Name("prod", "passkeys", LevelKey(v1alpha1.PlatformMacOS, 12)); got != "Tidegate prod/passkeys MacOS r12" {
		t.Errorf("%q", got)
	}
	for n := 150; n <= 253; n++ {
		got := Name("namespace", strings.Repeat("n", n), holdKey)
		if len(got) > naming.MaxPolicyName || !strings.HasSuffix(got, " Windows Hold") || !strings.HasPrefix(got, "Tidegate namespace/nnn") {
			t.Fatalf("%d: %q has %d bytes", n, got, len(got))
		}
		if full := len("Tidegate namespace/ Windows Hold") + n; full >= naming.MaxPolicyName != (len(got) == naming.MaxPolicyName) {
			t.Fatalf("%d: cut to %d bytes of %d", n, len(got), full)
		}
	}
}
