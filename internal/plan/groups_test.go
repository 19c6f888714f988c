// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *metav1.Time {
	t := metav1.NewTime(noon.Add(-d))
	return &t
}

// revisionsOf gives every state to one revision: 1 superseded, 2 stable, 3 candidate, 4 reverted, 5 retired.
func revisionsOf() []v1alpha1.RevisionStatus {
	var out []v1alpha1.RevisionStatus
	for i, state := range []v1alpha1.RevisionState{
		v1alpha1.RevisionBaseline, v1alpha1.RevisionSuperseded, v1alpha1.RevisionStable, v1alpha1.RevisionCandidate, v1alpha1.RevisionReverted, v1alpha1.RevisionRetired,
	} {
		out = append(out, v1alpha1.RevisionStatus{Number: int32(i), State: state, Payloads: []v1alpha1.PinnedPayload{payload(v1alpha1.PlatformWindows)}})
	}
	return out
}

func payload(platform v1alpha1.Platform) v1alpha1.PinnedPayload {
	return v1alpha1.PinnedPayload{Platform: platform, GraphPlatforms: "windows10", Technologies: "mdm",
		Settings: []v1alpha1.PinnedSetting{{DefinitionID: "d", Kind: "Choice", Value: "d_1"}}}
}

// waveAt is a wave in its second attempt, whose group is g2 on revision; g1 of the first one is on revision 2.
func waveAt(phase v1alpha1.WavePhase, revision int32) v1alpha1.PilotWave {
	return v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "w", UID: "u"}, Status: v1alpha1.PilotWaveStatus{
		Phase: phase, Attempt: 2, Attempts: []v1alpha1.WaveAttempt{{Attempt: 1, Revision: 2, GroupID: "g1"}, {Attempt: 2, Revision: revision, GroupID: "g2"}},
	}}
}

func policyOf(entries ...v1alpha1.WaveAdmission) *v1alpha1.PasskeyPolicy {
	p := &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pkp"}}
	p.Spec.Mode, p.Status.Waves = v1alpha1.ModeGate, entries
	return p
}

func group(t *testing.T, groups []Group, id string) Group {
	t.Helper()
	for _, g := range groups {
		if g.ID == id {
			return g
		}
	}
	t.Fatalf("no group %s in %+v", id, groups)
	return Group{}
}

// TestWaveGroupsByPhase: the current attempt is admitted once exposure has begun. A stopped wave keeps what it has and begins
// nothing. The older attempt stands in every phase.
func TestWaveGroupsByPhase(t *testing.T) {
	const never, always, kept = "never", "always", "kept"
	for phase, want := range map[v1alpha1.WavePhase]string{
		"": never, v1alpha1.PhasePending: never, v1alpha1.PhaseResolving: never,
		v1alpha1.PhaseExposing: always, v1alpha1.PhaseBaking: always, v1alpha1.PhaseEvaluating: always, v1alpha1.PhasePromoting: always, v1alpha1.PhaseSucceeded: always,
		v1alpha1.PhaseHeld: kept, v1alpha1.PhaseHalted: kept, v1alpha1.PhaseAborted: kept, v1alpha1.PhaseRollingBack: kept,
		v1alpha1.PhaseRolledBack: kept, v1alpha1.PhaseRollbackIncomplete: kept, "Hovering": kept,
	} {
		waves := []v1alpha1.PilotWave{waveAt(phase, 3)}
		fresh := group(t, WaveGroups(policyOf(), waves, revisionsOf(), noon), "g2").Admit
		known := group(t, WaveGroups(policyOf(v1alpha1.WaveAdmission{GroupID: "g2", State: v1alpha1.Admitted}), waves, revisionsOf(), noon), "g2").Admit
		if got := map[bool]map[bool]string{false: {false: never, true: kept}, true: {true: always}}[fresh][known]; got != want {
			t.Errorf("%q: %q, want %s", phase, got, want)
		}
		if !group(t, WaveGroups(policyOf(), waves, revisionsOf(), noon), "g1").Admit {
			t.Errorf("%q: the older attempt falls", phase)
		}
	}
	held := waveAt(v1alpha1.PhaseHeld, 3)
	held.Status.HeldPhase = v1alpha1.PhaseExposing
	if !group(t, WaveGroups(policyOf(), []v1alpha1.PilotWave{held}, revisionsOf(), noon), "g2").Admit {
		t.Error("held while exposing")
	}
}

// TestWaveGroupsThatFall: an attempt falls with its revision, when it is withdrawn, and with its wave unless that is orphaned.
func TestWaveGroupsThatFall(t *testing.T) {
	on := v1alpha1.WaveAdmission{GroupID: "g2", Name: "w", UID: "u", Attempt: 2, Revision: 3, State: v1alpha1.Admitted}
	dying := metav1.NewTime(noon)
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PasskeyPolicy, *v1alpha1.PilotWave)
		want   bool
	}{
		"as it is":   {func(*v1alpha1.PasskeyPolicy, *v1alpha1.PilotWave) {}, true},
		"superseded": {func(_ *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) { w.Status.Attempts[1].Revision = 1 }, true},
		"reverted":   {func(_ *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) { w.Status.Attempts[1].Revision = 4 }, false},
		"retired":    {func(_ *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) { w.Status.Attempts[1].Revision = 5 }, false},
		"forgotten":  {func(_ *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) { w.Status.Attempts[1].Revision = 9 }, false},
		"withdrawn":  {func(_ *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) { w.Status.Attempts[1].WithdrawnAt = ago(0) }, false},
		"deleted":    {func(_ *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) { w.DeletionTimestamp = &dying }, false},
		"orphaned": {func(p *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) {
			w.DeletionTimestamp, p.Spec.DeletionPolicy = &dying, v1alpha1.DeletionOrphan
		}, true},
		"orphaned before it was touched": {func(p *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) {
			w.DeletionTimestamp, p.Spec.DeletionPolicy, p.Status.Waves = &dying, v1alpha1.DeletionOrphan, nil
		}, false},
	} {
		p, w := policyOf(on), waveAt(v1alpha1.PhaseBaking, 3)
		tt.change(p, &w)
		if got := group(t, WaveGroups(p, []v1alpha1.PilotWave{w}, revisionsOf(), noon), "g2"); got.Admit != tt.want || !got.Listed {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestWaveGroupsWithoutWave: what a wave left behind is withdrawn, or stays under Orphan unless its revision is over; what
// only a tenant object knows is not forgotten.
func TestWaveGroupsWithoutWave(t *testing.T) {
	p := policyOf(
		v1alpha1.WaveAdmission{GroupID: "left", Name: "gone", UID: "x", Attempt: 3, Revision: 3, State: v1alpha1.Admitted},
		v1alpha1.WaveAdmission{GroupID: "over", Revision: 4, State: v1alpha1.Admitted},
		v1alpha1.WaveAdmission{GroupID: "going", Revision: 3, State: v1alpha1.Withdrawing, AssignedAt: ago(AssignmentLag)},
	)
	p.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformWindows, Revision: 2, IncludeGroups: []string{"left", "lost"}},
		{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformWindows, IncludeGroups: []string{"everybody"}}}
	for policy, admit := range map[v1alpha1.DeletionPolicy]bool{v1alpha1.DeletionDelete: false, v1alpha1.DeletionOrphan: true} {
		p.Spec.DeletionPolicy = policy
		groups := WaveGroups(p, nil, revisionsOf(), noon)
		if len(groups) != 4 {
			t.Fatalf("%s: %+v", policy, groups)
		}
		lost := Group{ID: "lost", Revision: 2, Admit: admit, State: v1alpha1.Withdrawing, Occupied: true}
		if admit {
			lost.State = v1alpha1.Admitting
		}
		want := []Group{
			lost, {ID: "going", Revision: 3, State: v1alpha1.Withdrawing, Released: true, Occupied: true},
			{ID: "left", Wave: "gone", UID: "x", Attempt: 3, Revision: 3, Admit: admit, State: v1alpha1.Admitted, Occupied: true},
			{ID: "over", Revision: 4, State: v1alpha1.Admitted, Occupied: true},
		}
		if diff := cmp.Diff(want, groups); diff != "" {
			t.Errorf("%s (-want +got):\n%s", policy, diff)
		}
	}
}

// TestOccupied: a group is known to be empty only while it never was admitted and no member was asked for.
func TestOccupied(t *testing.T) {
	empty := func(p *v1alpha1.PasskeyPolicy, change func(*v1alpha1.PilotWave)) bool {
		w := waveAt(v1alpha1.PhaseExposing, 3)
		change(&w)
		return !group(t, WaveGroups(p, []v1alpha1.PilotWave{w}, revisionsOf(), noon), "g2").Occupied
	}
	nothing := func(*v1alpha1.PilotWave) {}
	ledger := func(asked int32) func(*v1alpha1.PilotWave) {
		return func(w *v1alpha1.PilotWave) {
			w.Status.Attempts[1].Ledger = &v1alpha1.LedgerBinding{Entries: 9, Asked: asked}
		}
	}
	admitting := policyOf(v1alpha1.WaveAdmission{GroupID: "g2", State: v1alpha1.Admitting})
	once := policyOf(v1alpha1.WaveAdmission{GroupID: "g2", State: v1alpha1.Admitting, AdmittedAt: ago(time.Hour)})
	if !empty(policyOf(), nothing) || !empty(admitting, ledger(0)) {
		t.Error("a new group counts as occupied")
	}
	if empty(once, ledger(0)) || empty(admitting, ledger(1)) || empty(policyOf(), func(w *v1alpha1.PilotWave) { w.Status.Attempt = 3 }) {
		t.Error("a group that may have members counts as empty")
	}
}

// TestReleasedAndCleared are clocks that run from what was seen.
func TestReleasedAndCleared(t *testing.T) {
	for _, tt := range []struct {
		state             v1alpha1.AdmissionState
		seen              *metav1.Time
		released, cleared bool
	}{
		{v1alpha1.Withdrawing, nil, false, false},
		{v1alpha1.Withdrawing, ago(AssignmentLag - time.Second), false, false},
		{v1alpha1.Withdrawing, ago(AssignmentLag), true, false},
		{v1alpha1.Withdrawn, nil, true, false},
		{v1alpha1.Admitted, ago(time.Hour), false, true},
		{v1alpha1.Admitting, ago(AssignmentLag), false, true},
		{v1alpha1.Admitting, ago(AssignmentLag - time.Second), false, false},
		{v1alpha1.Admitting, nil, false, false},
		{"", ago(time.Hour), false, false},
	} {
		a := v1alpha1.WaveAdmission{State: tt.state, AssignedAt: tt.seen}
		if Released(&a, noon) != tt.released || Cleared(&a, noon) != tt.cleared {
			t.Errorf("%q, %v: released %v, cleared %v", tt.state, tt.seen, Released(&a, noon), Cleared(&a, noon))
		}
	}
}
