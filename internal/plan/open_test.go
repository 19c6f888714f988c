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

	edited := compare(want, []Observed{allow, hold}, report)
	if len(edited.Actions) != 0 || len(edited.Drifts) != 1 || edited.Drifts[0].Kind != AssignmentMissing {
		t.Errorf("without the mark: %v %v", edited.Actions, edited.Drifts)
	}
	allow.AssignOpen = true
	open := compare(want, []Observed{allow, hold}, report)
	if len(open.Drifts) != 0 || len(open.Actions) != 1 {
		t.Fatalf("with the mark: %v %v", open.Actions, open.Drifts)
	}
	a := open.Actions[0]
	if diff := cmp.Diff([][]string{{"g1", "g2"}, {"g1", "g2"}}, [][]string{a.Include, a.IntentInclude}); diff != "" || a.Key != allowKey || a.Kind != Assign {
		t.Errorf("%s\n%s", a, diff)
	}
	// The mark is about targets alone: settings that somebody edited are still only reported.
	allow.SettingsMatch = false
	if got := compare(want, []Observed{allow, hold}, report); slices.ContainsFunc(got.Actions, func(a Action) bool { return a.Kind == Replace }) {
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
				plan := compare(w.desired, observed, report)
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
		got := compare([]Desired{wantAllow()}, tt.observed, Options{Drift: tt.drift})
		if len(got.Actions) != tt.actions || len(got.Drifts) != tt.drifts {
			t.Errorf("%s: %v %v", tt.name, got.Actions, got.Drifts)
		}
	}
}

// TestLateReads: while the tenant does not show what it took a moment ago, nothing is planned for the platform, whatever is
// wanted by now, and nobody is accused; a read that shows it is believed, and so is any read after the time.
func TestLateReads(t *testing.T) {
	took := func(o Observed, include, exclude []string) Observed {
		o.Previous.Include, o.Previous.Exclude, o.AssignFresh = include, exclude, true
		return o
	}
	all := seenHold("g1").Previous.Include
	theirs := Target{Kind: TargetInclude, GroupID: "theirs"}
	foreign := func(o Observed, known ...string) Observed {
		o.Assignments = append(slices.Clone(o.Assignments), theirs)
		o.AssignFresh, o.KnownForeign = true, known
		return o
	}
	content := func(match, name bool, hash string) Observed {
		return with(seenAllow("g1"), func(o *Observed) {
			o.SettingsMatch, o.NameMatch, o.ContentFresh, o.Previous.Hash = match, name, true, hash
		})
	}
	hash := wantAllow().Hash
	for name, tt := range map[string]struct {
		allow, hold Observed
		want        []string // groups
		late        int
	}{
		"a group that was put in":              {took(seenAllow("g1"), []string{"g1", "g2"}, nil), took(seenHold("g1"), all, []string{"g1", "g2"}), []string{"g1", "g2"}, 2},
		"and a third one wanted":               {took(seenAllow("g1"), []string{"g1", "g2"}, nil), seenHold("g1", "g2"), []string{"g1", "g2", "g3"}, 1},
		"a group that was taken out":           {took(seenAllow("g1", "g2"), []string{"g2"}, nil), took(seenHold("g1", "g2"), all, []string{"g2"}), nil, 2},
		"an exclusion that hold does not show": {seenAllow(), took(seenHold(), all, []string{"g1"}), []string{"g1"}, 1},
		"a target that nobody knew":            {foreign(seenAllow("g1")), seenHold("g1"), []string{"g1", "g2"}, 1},
		"a target that was there before":       {foreign(seenAllow("g1"), "Include theirs"), seenHold("g1"), []string{"g1", "g2"}, 0},
		"settings that are not shown":          {content(false, true, hash), seenHold("g1"), []string{"g1", "g2"}, 1},
		"a name that is not shown":             {content(true, false, hash), seenHold("g1"), []string{"g1", "g2"}, 1},
		"a payload that was written between":   {content(true, true, "another"), seenHold("g1"), []string{"g1"}, 1},
		"another payload, as written":          {content(false, true, "another"), seenHold("g1"), []string{"g1"}, 0},
		"settings as written":                  {content(true, true, hash), seenHold("g1"), []string{"g1", "g2"}, 0},
	} {
		for _, opt := range []Options{{AllowSettingsUpdate: true}, {Drift: v1alpha1.DriftReport, AllowSettingsUpdate: true}} {
			got := compare([]Desired{wantAllow(tt.want...), wantHold(tt.want...)}, []Observed{tt.allow, tt.hold}, opt)
			if len(got.Late) != tt.late || tt.late > 0 && len(got.Actions)+len(got.Drifts) > 0 || tt.late == 0 && len(got.Actions) == 0 {
				t.Errorf("%s, %q: %v, drifts %v, late %v", name, opt.Drift, got.Actions, got.Drifts, got.Late)
			}
			allow, hold := tt.allow, tt.hold
			allow.AssignFresh, allow.ContentFresh, hold.AssignFresh, hold.ContentFresh = false, false, false, false
			if got := compare([]Desired{wantAllow(tt.want...), wantHold(tt.want...)}, []Observed{allow, hold}, opt); len(got.Late) > 0 {
				t.Errorf("%s, after the time: %v", name, got.Late)
			}
		}
	}
}
