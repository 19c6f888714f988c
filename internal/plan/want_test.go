// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

func waveIn(phase v1alpha1.WavePhase, group string) v1alpha1.PilotWave {
	w := v1alpha1.PilotWave{Status: v1alpha1.PilotWaveStatus{Phase: phase}}
	if group != "" {
		w.Status.Audience = &v1alpha1.AudienceStatus{GroupID: group}
	}
	return w
}

// TestWaveGroups: in each phase a wave's group is admitted, put under the inverse, or left alone. A phase that this
// version does not know keeps what it has.
func TestWaveGroups(t *testing.T) {
	const admit, invert, neither = "admitted", "inverse", "neither"
	for phase, want := range map[v1alpha1.WavePhase]string{
		v1alpha1.PhasePending: neither, v1alpha1.PhaseResolving: neither,
		v1alpha1.PhaseExposing: admit, v1alpha1.PhaseBaking: admit, v1alpha1.PhaseEvaluating: admit, v1alpha1.PhasePromoting: admit,
		v1alpha1.PhaseSucceeded: admit, v1alpha1.PhaseHeld: admit, v1alpha1.PhaseHalted: admit, v1alpha1.PhaseAborted: admit,
		v1alpha1.PhaseRollingBack: invert, v1alpha1.PhaseRolledBack: invert, v1alpha1.PhaseRollbackIncomplete: invert,
		"Hovering": admit,
	} {
		w := waveIn(phase, "g")
		admitted, inverse := WaveGroups([]v1alpha1.PilotWave{w})
		got := neither
		switch {
		case len(admitted) == 1 && len(inverse) == 0 && admitted[0] == "g":
			got = admit
		case len(inverse) == 1 && len(admitted) == 0 && inverse[0] == "g":
			got = invert
		case len(admitted)+len(inverse) > 0:
			got = "both"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", phase, got, want)
		}
		w.DeletionTimestamp = &metav1.Time{}
		w.DeletionTimestamp.Time = w.DeletionTimestamp.AddDate(2026, 0, 0)
		if a, i := WaveGroups([]v1alpha1.PilotWave{w}); len(a)+len(i) > 0 {
			t.Errorf("%q: a wave that is being deleted keeps its group: %v %v", phase, a, i)
		}
	}
	admitted, inverse := WaveGroups([]v1alpha1.PilotWave{
		waveIn(v1alpha1.PhaseBaking, "b"), waveIn(v1alpha1.PhaseSucceeded, "a"), waveIn(v1alpha1.PhaseBaking, ""),
		{Status: v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseBaking, Audience: &v1alpha1.AudienceStatus{}}},
		waveIn(v1alpha1.PhaseRolledBack, "z"), waveIn(v1alpha1.PhaseRollingBack, "y"),
	})
	if diff := cmp.Diff([][]string{{"a", "b"}, {"y", "z"}}, [][]string{admitted, inverse}); diff != "" {
		t.Errorf("sorted, and without waves that have no group (-want +got):\n%s", diff)
	}
}

// TestRetryAfterRollbackExposesNobody: a wave that was rolled back and is retried has its old devices in the group until
// they are drained. Planned on the assignments of the rollback, nothing may put the group back under allow.
func TestRetryAfterRollbackExposesNobody(t *testing.T) {
	p := policyOf(v1alpha1.ModeGate)
	wantFor := func(phase v1alpha1.WavePhase) []Desired {
		admitted, inverse := WaveGroups([]v1alpha1.PilotWave{waveIn(phase, "w1")})
		return Want(p, []settings.Payload{windowsPayload}, Audience{Population: []string{"all"}, Admitted: admitted, Inverse: inverse}, describe)
	}
	var rolledBack []Observed
	for _, d := range wantFor(v1alpha1.PhaseRolledBack) {
		o := seen(d.Key, "id-"+d.Key.String(), d.Include, d.Exclude)
		o.Previous.Hash = d.Hash
		rolledBack = append(rolledBack, o)
	}
	for _, phase := range []v1alpha1.WavePhase{v1alpha1.PhasePending, v1alpha1.PhaseResolving} {
		if got := compare(wantFor(phase), rolledBack, correct); len(got.Actions) > 0 {
			t.Errorf("%s: %v", phase, got.Actions)
		}
	}
	if got := compare(wantFor(v1alpha1.PhaseExposing), rolledBack, correct); len(got.Actions) != 2 {
		t.Errorf("exposing is to admit the group in two writes: %v", got.Actions)
	}
}

var (
	windowsPayload = settings.Payload{
		Platform: v1alpha1.PlatformWindows, GraphPlatforms: "windows10", Technologies: "mdm",
		Allow: []settings.Instance{{DefinitionID: "d", Kind: settings.InstanceChoice, Value: "d_1"}},
		Hold:  []settings.Instance{{DefinitionID: "d", Kind: settings.InstanceChoice, Value: "d_0"}},
	}
	macPayload = settings.Payload{
		Platform: v1alpha1.PlatformMacOS, GraphPlatforms: "macOS", Technologies: "mdm,appleRemoteManagement",
		Allow: []settings.Instance{{DefinitionID: "location", Kind: settings.InstanceString, Value: "AzureAD"}},
	}
)

func policyOf(mode v1alpha1.PolicyMode) *v1alpha1.PasskeyPolicy {
	return &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pkp"}, Spec: v1alpha1.PasskeyPolicySpec{Mode: mode}}
}

func describe(k Key) string { return "marker " + k.String() }

// TestWant: which objects a policy has, and for whom.
func TestWant(t *testing.T) {
	everyone := Audience{
		Population: []string{"p1", "p2"}, PopulationExcludes: []string{"x", "w1"}, Admitted: []string{"w1", "w2"},
	}
	inverse := everyone
	inverse.Inverse = []string{"w3"}
	type object struct {
		Key              string
		Include, Exclude []string
	}
	allow := object{Key: "Allow/Windows", Include: []string{"w1", "w2"}}
	tests := []struct {
		name     string
		mode     v1alpha1.PolicyMode
		payloads []settings.Payload
		audience Audience
		want     []object
	}{
		{"gate holds the population less its excludes and the admitted", v1alpha1.ModeGate, []settings.Payload{windowsPayload}, everyone,
			[]object{allow, {"Hold/Windows", []string{"p1", "p2"}, []string{"w1", "w2", "x"}}}},
		{"gate holds rolled back waves as part of the population", v1alpha1.ModeGate, []settings.Payload{windowsPayload}, inverse,
			[]object{allow, {"Hold/Windows", []string{"p1", "p2"}, []string{"w1", "w2", "x"}}}},
		{"a payload without inverse has no hold", v1alpha1.ModeGate, []settings.Payload{macPayload}, everyone,
			[]object{{"Allow/MacOS", []string{"w1", "w2"}, nil}}},
		{"enforce only holds nobody", v1alpha1.ModeEnforceOnly, []settings.Payload{windowsPayload}, everyone, []object{allow}},
		{"enforce only inverts what is rolled back, and that alone", v1alpha1.ModeEnforceOnly, []settings.Payload{windowsPayload, macPayload}, inverse,
			[]object{allow, {"Hold/Windows", []string{"w3"}, nil}, {"Allow/MacOS", []string{"w1", "w2"}, nil}}},
		{"nothing to write", v1alpha1.ModeGate, nil, everyone, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []object
			for _, d := range Want(policyOf(tt.mode), tt.payloads, tt.audience, describe) {
				got = append(got, object{d.Key.String(), d.Include, d.Exclude})
				if d.Description != "marker "+d.Key.String() || d.Name != Name("ns", "pkp", d.Key) {
					t.Errorf("%s: name %q, description %q", d.Key, d.Name, d.Description)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	both := Want(policyOf(v1alpha1.ModeGate), []settings.Payload{windowsPayload}, everyone, describe)
	if both[0].Hash == both[1].Hash || both[0].Hash != settings.HashInstances("windows10", "mdm", windowsPayload.Allow) {
		t.Errorf("hashes %s and %s", both[0].Hash, both[1].Hash)
	}
	if both[1].Settings[0].Value != "d_0" || both[1].Platforms != "windows10" || both[1].Technologies != "mdm" {
		t.Errorf("hold is %+v", both[1])
	}
	if p := everyone.PopulationExcludes; p[0] != "x" || p[1] != "w1" {
		t.Errorf("the caller's list was sorted in place: %v", p)
	}
}

// TestAdmission: the state follows what was read, for every combination of one group on both roles.
func TestAdmission(t *testing.T) {
	on := func(k Key, kind TargetKind, groups ...string) Observed {
		o := Observed{Key: k, Exists: true}
		for _, g := range groups {
			o.Assignments = append(o.Assignments, Target{Kind: kind, GroupID: g})
		}
		return o
	}
	allowed, notAllowed := on(allowKey, TargetInclude, "w", "other"), on(allowKey, TargetInclude, "other")
	released, heldYet := on(holdKey, TargetExclude, "w"), on(holdKey, TargetExclude, "other")
	gone := allowed
	gone.Exists = false
	tests := []struct {
		name     string
		mode     v1alpha1.PolicyMode
		admit    bool
		observed []Observed
		want     v1alpha1.AdmissionState
	}{
		{"both as they should be", v1alpha1.ModeGate, true, []Observed{allowed, released}, v1alpha1.Admitted},
		{"still held", v1alpha1.ModeGate, true, []Observed{allowed, heldYet}, v1alpha1.Admitting},
		{"not yet allowed", v1alpha1.ModeGate, true, []Observed{notAllowed, released}, v1alpha1.Admitting},
		{"nothing done", v1alpha1.ModeGate, true, []Observed{notAllowed, heldYet}, v1alpha1.Admitting},
		{"nothing there", v1alpha1.ModeGate, true, nil, v1alpha1.Admitting},
		{"the policy is gone", v1alpha1.ModeGate, true, []Observed{gone, released}, v1alpha1.Admitting},
		{"included by hold is not excluded from it", v1alpha1.ModeGate, true, []Observed{allowed, on(holdKey, TargetInclude, "w")}, v1alpha1.Admitting},
		{"one of two platforms", v1alpha1.ModeGate, true,
			[]Observed{allowed, released, on(Key{v1alpha1.RoleAllow, v1alpha1.PlatformMacOS}, TargetInclude)}, v1alpha1.Admitting},
		{"hold does not count in EnforceOnly", v1alpha1.ModeEnforceOnly, true, []Observed{allowed, heldYet}, v1alpha1.Admitted},
		{"withdrawn", v1alpha1.ModeGate, false, []Observed{notAllowed, heldYet}, v1alpha1.Withdrawn},
		{"withdrawn where nothing is", v1alpha1.ModeGate, false, nil, v1alpha1.Withdrawn},
		{"still allowed", v1alpha1.ModeGate, false, []Observed{allowed, heldYet}, v1alpha1.Withdrawing},
		{"not held again", v1alpha1.ModeGate, false, []Observed{notAllowed, released}, v1alpha1.Withdrawing},
		{"withdrawn in EnforceOnly", v1alpha1.ModeEnforceOnly, false, []Observed{notAllowed, released}, v1alpha1.Withdrawn},
	}
	for _, tt := range tests {
		if got := Admission(tt.mode, "w", tt.admit, tt.observed); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestName: role and platform are never cut off, for they tell two policies of one PasskeyPolicy apart.
func TestName(t *testing.T) {
	if got := Name("prod", "passkeys", holdKey); got != "Tidegate prod/passkeys Windows Hold" {
		t.Errorf("%q", got)
	}
	for n := 150; n <= 253; n++ {
		got := Name("namespace", strings.Repeat("n", n), holdKey)
		if len(got) > maxName || !strings.HasSuffix(got, " Windows Hold") || !strings.HasPrefix(got, "Tidegate namespace/nnn") {
			t.Fatalf("%d: %q has %d bytes", n, got, len(got))
		}
		if full := len("Tidegate namespace/ Windows Hold") + n; full >= maxName != (len(got) == maxName) {
			t.Fatalf("%d: cut to %d bytes of %d", n, len(got), full)
		}
	}
}

// TestOrphans: groups that no living wave has stay assigned in the role in which they were written. In mode Gate the hold
// includes the population, which belongs to no wave.
func TestOrphans(t *testing.T) {
	deleted := waveIn(v1alpha1.PhaseSucceeded, "dying")
	deleted.DeletionTimestamp = &metav1.Time{}
	deleted.DeletionTimestamp.Time = deleted.DeletionTimestamp.AddDate(2026, 0, 0)
	waves := []v1alpha1.PilotWave{waveIn(v1alpha1.PhaseBaking, "alive"), waveIn(v1alpha1.PhasePending, ""), deleted}
	records := []v1alpha1.TenantObject{
		{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformWindows, IncludeGroups: []string{"old", "alive", "dying"}},
		{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformMacOS, IncludeGroups: []string{"old"}},
		{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformWindows, IncludeGroups: []string{"inverted"}, ExcludeGroups: []string{"old"}},
	}
	for mode, want := range map[v1alpha1.PolicyMode][][]string{
		v1alpha1.ModeGate:        {{"dying", "old"}, nil},
		v1alpha1.ModeEnforceOnly: {{"dying", "old"}, {"inverted"}},
	} {
		admitted, inverse := Orphans(mode, records, waves)
		if diff := cmp.Diff(want, [][]string{admitted, inverse}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
}
