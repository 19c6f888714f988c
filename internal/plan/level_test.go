// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise05_CopyIsRemoved: only a copy with our name and description and without targets is removed, whatever drift
// says; any other is reported and left alone (P6).
func TestPromise05_CopyIsRemoved(t *testing.T) {
	twin := Copy{ID: "twin", Name: "n", SameName: true}
	assigned := Copy{ID: "assigned", Name: "n", SameName: true, Assignments: []Target{{Kind: TargetInclude, GroupID: "g1"}}}
	renamed := Copy{ID: "renamed", Name: "Copy of n"}
	for _, opt := range []Options{correct, report} {
		obs := with(seenR1("g1"), func(o *Observed) { o.Copies = []Copy{assigned, twin, renamed} })
		got := compare([]Desired{wantR1("g1"), wantHold("g1")}, []Observed{obs, seenHold("g1")}, opt)
		if kinds(got.Actions) != "RemoveCopy Windows/r1 twin" || len(got.Drifts) != 2 {
			t.Fatalf("%+v: %s, %v", opt, kinds(got.Actions), got.Drifts)
		}
		for i, id := range []string{"assigned", "renamed"} {
			if d := got.Drifts[i]; d.Kind != MarkerCopied || !strings.Contains(d.Detail, id) || !strings.Contains(d.Detail, obs.ID) || !strings.Contains(d.Detail, "marker out of its description") {
				t.Errorf("%s", d)
			}
		}
	}
}

// TestCopyGoesBeforeItsPolicy: when a policy is not wanted any more, its copies go first: nothing tells of them later.
func TestCopyGoesBeforeItsPolicy(t *testing.T) {
	copied := func(o Observed, id string) Observed {
		return with(o, func(o *Observed) { o.Copies = []Copy{{ID: id, SameName: true}, {ID: "kept"}} })
	}
	r1, hold := copied(seenR1(), "a2"), copied(seenHold("g1"), "h2")
	want := "RemoveCopy Windows/r1 a2, Delete Windows/r1 id-r1, RemoveCopy Windows/Hold h2, Delete Windows/Hold id-Hold"
	if got := kinds(BuildDelete([]Observed{hold, r1}, v1alpha1.DeletionDelete)); got != want {
		t.Errorf("deleted: %s", got)
	}
	if got := kinds(compare([]Desired{wantHold("g1")}, []Observed{seenHold("g1"), r1}, correct).Actions); got != "RemoveCopy Windows/r1 a2, Delete Windows/r1 id-r1" {
		t.Errorf("not desired: %s", got)
	}
	gone := with(r1, func(o *Observed) { o.Exists = false })
	if got := BuildDelete([]Observed{gone}, v1alpha1.DeletionDelete); len(got) != 0 {
		t.Errorf("without the policy itself nobody knows which one is the copy: %s", kinds(got))
	}
	if got := compare([]Desired{wantR1("g1")}, []Observed{gone}, report); len(got.Actions) != 0 {
		t.Errorf("the same under Report: %s", kinds(got.Actions))
	}
}

// TestFingerprint: what is written counts, and nothing else does; another revision is another write.
func TestFingerprint(t *testing.T) {
	act := func(kind ActionKind, k Key, id string, d Desired) Action {
		a := newAction(kind, k, id, "because")
		a.Desired = &d
		return a
	}
	assign := func(in, out []string, keep ...Target) Action {
		a := act(Assign, r1Key, "p", wantR1())
		a.Include, a.Exclude, a.KeepForeign = in, out, keep
		return a
	}
	renamed, rehashed := wantR1(), wantR1()
	renamed.Name, rehashed.Hash = "other", "other"
	everyone := assign([]string{Everyone}, nil)
	everyone.Everyone = TargetAllDevices
	users := everyone
	users.Everyone = TargetAllUsers
	seen := map[string]string{}
	for name, a := range map[string]Action{
		"create": act(Create, r1Key, "", wantR1()), "of another revision": act(Create, r2Key, "", wantR1()), "another name": act(Create, r1Key, "", renamed),
		"other settings": act(Create, r1Key, "", rehashed), "replace": act(Replace, r1Key, "p", wantR1()), "delete": act(Delete, r1Key, "p", wantR1()),
		"delete another": act(Delete, r1Key, "q", wantR1()), "assign": assign([]string{"g1", "g2"}, nil), "assign the other way": assign([]string{"g1"}, []string{"g2"}),
		"assign and keep": assign([]string{"g1", "g2"}, nil, Target{Kind: TargetAllUsers}), "all devices": everyone, "all users": users,
	} {
		fp := a.Fingerprint()
		if other, ok := seen[fp]; ok || len(fp) != 16 {
			t.Errorf("%s and %s have one fingerprint: %q", name, other, fp)
		}
		seen[fp] = name
	}
	again := act(Create, r1Key, "", wantR1())
	again.Reason = "for another reason"
	if seen[again.Fingerprint()] != "create" {
		t.Error("the reason counts")
	}
	other := assign([]string{"g1", "g2"}, nil)
	if other.Desired = &rehashed; seen[other.Fingerprint()] != "assign" {
		t.Error("the settings count for an assignment")
	}
}

// TestForeignOrder: in which order Graph lists the targets of others makes no other write; another filter does.
func TestForeignOrder(t *testing.T) {
	look := func(list ...Target) Action {
		o := with(seenHold(), func(o *Observed) { o.Assignments = append(o.Assignments, list...) })
		return compare([]Desired{wantHold("g1")}, []Observed{o}, correct).Actions[0]
	}
	x, y := Target{Kind: TargetInclude, GroupID: "x"}, Target{Kind: TargetInclude, GroupID: "y"}
	if a, b := look(x, y), look(y, x); a.Fingerprint() != b.Fingerprint() || !cmp.Equal(a.KeepForeign, b.KeepForeign) {
		t.Errorf("%s\n%s", a, b)
	}
	f, g := Target{Kind: TargetOther, GroupID: "x", FilterID: "f"}, Target{Kind: TargetOther, GroupID: "x", FilterID: "g"}
	if a, b := look(f), look(g); a.Fingerprint() == b.Fingerprint() {
		t.Errorf("another filter is the same write: %s", a)
	}
}

// TestOurs: what we recorded or want in the same direction is ours, everything else is not. Everybody is ours where we
// asked for everybody, in the kind of the unit.
func TestOurs(t *testing.T) {
	o := Observed{Key: r1Key, Exists: true, Previous: Previous{Include: []string{"A"}, Exclude: []string{"x"}}, Assignments: []Target{
		{Kind: TargetInclude, GroupID: "b"}, {Kind: TargetInclude, GroupID: "a"}, {Kind: TargetExclude, GroupID: "a"},
		{Kind: TargetExclude, GroupID: "x"}, {Kind: TargetInclude, GroupID: "x"}, {Kind: TargetOther, GroupID: "a"}, {Kind: TargetAllDevices},
	}}
	for name, tt := range map[string]struct {
		d    *Desired
		want []string
	}{
		"wanted": {&Desired{Include: []string{"B", "c"}}, []string{"a", "b"}}, "not desired": {nil, []string{"a"}},
		"everybody":    {&Desired{Include: []string{Everyone}, Everyone: TargetAllDevices}, []string{Everyone, "a"}},
		"of all users": {&Desired{Include: []string{Everyone}, Everyone: TargetAllUsers}, []string{"a"}},
	} {
		include, exclude := Ours(o, tt.d)
		if diff := cmp.Diff([][]string{tt.want, {"x"}}, [][]string{include, exclude}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestAssignOpen: under Report a target of ours that is missing was removed by somebody and stays away, unless a write of
// ours is open: then it is written, and nobody is blamed. Settings that somebody edited are still only reported.
func TestAssignOpen(t *testing.T) {
	r1 := with(seenR1("g1"), func(o *Observed) { o.Previous.Include, o.SettingsMatch = []string{"g1", "g2"}, true })
	want, hold := []Desired{wantR1("g1", "g2"), wantHold("g1", "g2")}, seenHold("g1", "g2")
	if got := compare(want, []Observed{r1, hold}, report); len(got.Actions) != 0 || len(got.Drifts) != 1 || got.Drifts[0].Kind != AssignmentMissing {
		t.Errorf("without the mark: %v %v", got.Actions, got.Drifts)
	}
	r1.AssignOpen = true
	got := compare(want, []Observed{r1, hold}, report)
	if len(got.Drifts) != 0 || len(got.Actions) != 1 || !cmp.Equal(got.Actions[0].Include, []string{"g1", "g2"}) || !cmp.Equal(got.Actions[0].IntentInclude, []string{"g1", "g2"}) {
		t.Fatalf("with the mark: %v %v", got.Actions, got.Drifts)
	}
	r1.SettingsMatch = false
	if got := compare(want, []Observed{r1, hold}, report); slices.ContainsFunc(got.Actions, func(a Action) bool { return a.Kind == Replace }) {
		t.Errorf("settings are written back under Report: %v", got.Actions)
	}
}

// TestLateReads: while the tenant does not show what it took a moment ago, no group is taken in, whatever is wanted by now,
// and nobody is accused; a read that shows it is believed, and so is any read after the time.
func TestLateReads(t *testing.T) {
	took := func(o Observed, include, exclude []string) Observed {
		o.Previous.Include, o.Previous.Exclude, o.AssignFresh = include, exclude, true
		return o
	}
	all, theirs := []string{"all"}, Target{Kind: TargetInclude, GroupID: "theirs"}
	foreign := func(o Observed, known ...string) Observed {
		o.Assignments = append(slices.Clone(o.Assignments), theirs)
		o.AssignFresh, o.KnownForeign = true, known
		return o
	}
	content := func(match, name bool, hash string) Observed {
		return with(seenR1("g1"), func(o *Observed) {
			o.SettingsMatch, o.NameMatch, o.ContentFresh, o.Previous.Hash = match, name, true, hash
		})
	}
	for name, tt := range map[string]struct {
		r1, hold Observed
		want     []string // groups
		late     int
	}{
		"a group that was put in":              {took(seenR1("g1"), []string{"g1", "g2"}, nil), took(seenHold("g1"), all, []string{"g1", "g2"}), []string{"g1", "g2"}, 2},
		"and a third one wanted":               {took(seenR1("g1"), []string{"g1", "g2"}, nil), seenHold("g1", "g2"), []string{"g1", "g2", "g3"}, 1},
		"a group that was taken out":           {took(seenR1("g1", "g2"), []string{"g2"}, nil), took(seenHold("g1", "g2"), all, []string{"g2"}), nil, 2},
		"an exclusion that hold does not show": {seenR1(), took(seenHold(), all, []string{"g1"}), []string{"g1"}, 1},
		"a target that nobody knew":            {foreign(seenR1("g1")), seenHold("g1"), []string{"g1", "g2"}, 1},
		"a target that was there before":       {foreign(seenR1("g1"), "Include theirs"), seenHold("g1"), []string{"g1", "g2"}, 0},
		"settings that are not shown":          {content(false, true, "h1"), seenHold("g1"), []string{"g1", "g2"}, 1},
		"a name that is not shown":             {content(true, false, "h1"), seenHold("g1"), []string{"g1", "g2"}, 1},
		"settings as written":                  {content(true, true, "h1"), seenHold("g1"), []string{"g1", "g2"}, 0},
	} {
		for _, opt := range []Options{correct, report} {
			got := compare([]Desired{wantR1(tt.want...), wantHold(tt.want...)}, []Observed{tt.r1, tt.hold}, opt)
			if len(got.Late) != tt.late || tt.late > 0 && len(got.Actions)+len(got.Drifts) > 0 || tt.late == 0 && len(got.Actions) == 0 {
				t.Errorf("%s, %q: %v, drifts %v, late %v", name, opt.Drift, got.Actions, got.Drifts, got.Late)
			}
			r1, hold := tt.r1, tt.hold
			r1.AssignFresh, r1.ContentFresh, hold.AssignFresh, hold.ContentFresh = false, false, false, false
			if got := compare([]Desired{wantR1(tt.want...), wantHold(tt.want...)}, []Observed{r1, hold}, opt); len(got.Late) > 0 {
				t.Errorf("%s, after the time: %v", name, got.Late)
			}
		}
	}
}
