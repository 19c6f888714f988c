// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestAssignOpen: under Report a target of ours that is missing was removed by somebody and stays away, unless a write of
// ours is open: then it is written, and nobody is blamed.
func TestAssignOpen(t *testing.T) {
	// Recorded is the union that was journalled, g2 was never written.
	allow := with(seenAllow("g1"), func(o *Observed) { o.Previous.Include = []string{"g1", "g2"} })
	hold := seenHold("g1", "g2")
	want := []Desired{wantAllow("g1", "g2"), wantHold("g1", "g2")}

	edited := Build(want, []Observed{allow, hold}, report)
	if len(edited.Actions) != 0 || len(edited.Drifts) != 1 || edited.Drifts[0].Kind != AssignmentMissing {
		t.Errorf("without the mark: %v %v", edited.Actions, edited.Drifts)
	}
	allow.AssignOpen = true
	open := Build(want, []Observed{allow, hold}, report)
	if len(open.Drifts) != 0 || len(open.Actions) != 1 {
		t.Fatalf("with the mark: %v %v", open.Actions, open.Drifts)
	}
	a := open.Actions[0]
	if diff := cmp.Diff([][]string{{"g1", "g2"}, {"g1", "g2"}}, [][]string{a.Include, a.IntentInclude}); diff != "" || a.Key != allowKey || a.Kind != Assign {
		t.Errorf("%s\n%s", a, diff)
	}
	// The mark is about targets alone: settings that somebody edited are still only reported.
	allow.SettingsMatch = false
	if got := Build(want, []Observed{allow, hold}, report); slices.ContainsFunc(got.Actions, func(a Action) bool { return a.Kind == Replace }) {
		t.Errorf("settings are written back under Report: %v", got.Actions)
	}
}

// TestOpenAssignsConverge journals as the controller does: the union and an open mark before each Assign, which then is
// lost before it takes effect, loses its answer, or works. Under Report and with nobody else at work the tenant always
// ends as desired, no device is ever under both policies, and no drift is reported.
func TestOpenAssignsConverge(t *testing.T) {
	lost := 0
	for seed := range 3000 {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		w := &world{policies: map[Key]*policy{}, named: map[Key]targets{}}
		open := map[Key]bool{}
		for _, role := range []v1alpha1.ObjectRole{v1alpha1.RoleAllow, v1alpha1.RoleHold} {
			w.policies[key(role, v1alpha1.PlatformMacOS)] = &policy{}
			k := key(role, v1alpha1.PlatformWindows)
			p := &policy{known: true, exists: true, settings: true, nameOK: true, id: "id-" + k.String(), copies: 1, writtenHash: "new", wants: "new"}
			p.previous.Hash = "new"
			w.policies[k] = p
		}
		for round := range 4 {
			groups := some(rng, 4)
			w.desired = []Desired{
				{Key: allowKey, Name: "a", Hash: "new", Include: groups},
				{Key: holdKey, Name: "h", Hash: "new", Include: []string{"g5"}, Exclude: groups},
			}
			w.remember()
			calm := round == 3 // answers arrive in the end
			for range 20 {
				observed := w.observe()
				for i := range observed {
					observed[i].AssignOpen = open[observed[i].Key]
				}
				plan := Build(w.desired, observed, report)
				if len(plan.Drifts) > 0 {
					t.Fatalf("seed %d: our own writes are taken for drift: %v", seed, plan.Drifts)
				}
				closeOpen(w, observed, plan, open)
				if len(plan.Actions) == 0 {
					break
				}
				a := plan.Actions[0]
				p := w.policies[a.Key]
				old := p.previous
				p.previous.Include, p.previous.Exclude = newSet(old.Include).union(newSet(a.Include)), newSet(old.Exclude).union(newSet(a.Exclude))
				open[a.Key] = true
				switch n := rng.IntN(4); {
				case n == 0 && !calm: // never sent
					lost++
				case n == 1 && !calm: // sent, no answer
					w.do(t, a, true)
					lost++
				default:
					w.do(t, a, false)
					open[a.Key] = false
				}
				if c := w.conflicts(); len(c) > 0 {
					t.Fatalf("seed %d: %s puts devices under both: %v", seed, a, c)
				}
				if rng.IntN(5) == 0 && !calm {
					break // the wish changes while a write is open
				}
			}
		}
		asDesired(t, seed, w)
	}
	if lost < 3000 {
		t.Errorf("%d answers were lost: the test sees too little", lost)
	}
}

// closeOpen does what the controller does once the tenant has had time to show a write that came late.
func closeOpen(w *world, observed []Observed, plan Result, open map[Key]bool) {
	for _, o := range observed {
		if !o.AssignOpen || slices.ContainsFunc(plan.Actions, func(a Action) bool { return a.Kind == Assign && a.Key == o.Key }) {
			continue
		}
		i := slices.IndexFunc(w.desired, func(d Desired) bool { return d.Key == o.Key })
		p := w.policies[o.Key]
		p.previous.Include, p.previous.Exclude = Ours(o, &w.desired[i])
		open[o.Key] = false
	}
}

// TestOurs: what we recorded or want in the same direction is ours, everything else is not.
func TestOurs(t *testing.T) {
	o := Observed{Key: allowKey, Exists: true, Previous: Previous{Include: []string{"A"}, Exclude: []string{"x"}}, Assignments: []Target{
		{Kind: TargetInclude, GroupID: "b"}, {Kind: TargetInclude, GroupID: "a"}, {Kind: TargetExclude, GroupID: "a"},
		{Kind: TargetExclude, GroupID: "x"}, {Kind: TargetInclude, GroupID: "x"}, {Kind: TargetOther, GroupID: "a"}, {Kind: TargetAllDevices},
	}}
	include, exclude := Ours(o, &Desired{Include: []string{"B", "c"}})
	if diff := cmp.Diff([][]string{{"a", "b"}, {"x"}}, [][]string{include, exclude}); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if include, _ := Ours(o, nil); len(include) != 1 || include[0] != "a" {
		t.Errorf("not desired: %v", include)
	}
}

// TestDeletedIsKnown: an id without a policy is a deletion by somebody, no id is a policy that was never made.
func TestDeletedIsKnown(t *testing.T) {
	gone := Observed{Key: allowKey, ID: "a1"}
	for _, tt := range []struct {
		name     string
		observed []Observed
		drift    v1alpha1.DriftAction
		actions  int
		drifts   int
	}{
		{"deleted, report", []Observed{gone}, v1alpha1.DriftReport, 0, 1},
		{"deleted, correct", []Observed{gone}, v1alpha1.DriftCorrect, 1, 1},
		{"never made, report", nil, v1alpha1.DriftReport, 1, 0},
	} {
		got := Build([]Desired{wantAllow()}, tt.observed, Options{Drift: tt.drift})
		if len(got.Actions) != tt.actions || len(got.Drifts) != tt.drifts {
			t.Errorf("%s: %v %v", tt.name, got.Actions, got.Drifts)
		}
	}
}

// TestLateReads: what the tenant took a moment ago and does not show yet is neither drift nor written again, under either
// drift action; a new wish is planned from what the tenant took. Allow takes no new group on settings that are not shown.
func TestLateReads(t *testing.T) {
	taken := func(o Observed, include, exclude []string) Observed {
		o.Previous.Include, o.Previous.Exclude, o.AssignFresh = include, exclude, true
		return o
	}
	allow := taken(seenAllow("g1"), []string{"g1", "g2"}, nil)
	hold := taken(seenHold("g1"), seenHold("g1").Previous.Include, []string{"g1", "g2"})
	for _, opt := range []Options{{AllowSettingsUpdate: true}, report} {
		got := Build([]Desired{wantAllow("g1", "g2"), wantHold("g1", "g2")}, []Observed{allow, hold}, opt)
		if len(got.Actions)+len(got.Drifts) != 0 || len(got.Late) != 2 {
			t.Errorf("%+v: %v %v %v", opt, got.Actions, got.Drifts, got.Late)
		}
		got = Build([]Desired{wantAllow("g1", "g2", "g3"), wantHold("g1", "g2", "g3")}, []Observed{allow, hold}, opt)
		if len(got.Actions) != 2 || !cmp.Equal(got.Actions[1].Include, []string{"g1", "g2", "g3"}) {
			t.Errorf("%+v: a third group: %v", opt, got.Actions)
		}
		gone := Build([]Desired{wantAllow("g2"), wantHold("g2")}, []Observed{allow, hold}, opt)
		if len(gone.Actions) != 2 || !cmp.Equal(gone.Actions[0].Include, []string{"g2"}) {
			t.Errorf("%+v: one group less: %v", opt, gone.Actions)
		}
		content := with(seenAllow("g1"), func(o *Observed) { o.SettingsMatch, o.NameMatch, o.ContentFresh = false, false, true })
		got = Build([]Desired{wantAllow("g1", "g2"), wantHold("g1", "g2")}, []Observed{content, seenHold("g1")}, opt)
		if len(got.Actions)+len(got.Drifts) != 0 || len(got.Late) != 1 || len(got.Notes) == 0 {
			t.Errorf("%+v: settings: %v %v %v", opt, got.Actions, got.Drifts, got.Notes)
		}
		content.Previous.Hash = "another payload" // what was taken is not what is wanted now
		if got := Build([]Desired{wantAllow("g1"), wantHold("g1")}, []Observed{content, seenHold("g1")}, Options{AllowSettingsUpdate: true}); len(got.Actions) != 1 || got.Actions[0].Kind != Replace {
			t.Errorf("another payload: %v", got.Actions)
		}
	}
}
