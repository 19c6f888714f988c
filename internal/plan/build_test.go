// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var (
	allowKey = Key{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformWindows}
	holdKey  = Key{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformWindows}
)

func wantAllow(include ...string) Desired {
	return Desired{Key: allowKey, Name: "allow", Hash: "h1", Include: include}
}

func wantHold(exclude ...string) Desired {
	return Desired{Key: holdKey, Name: "hold", Hash: "h1", Include: []string{"all"}, Exclude: exclude}
}

func seenAllow(include ...string) Observed {
	return seen(allowKey, "a1", include, nil)
}

func seenHold(exclude ...string) Observed {
	return seen(holdKey, "h1", []string{"all"}, exclude)
}

// seen is a policy that is as it was written.
func seen(k Key, id string, include, exclude []string) Observed {
	o := Observed{
		Key: k, ID: id, Exists: true, SettingsMatch: true, NameMatch: true,
		Previous: Previous{Include: include, Exclude: exclude, Hash: "h1"},
	}
	for _, g := range include {
		o.Assignments = append(o.Assignments, Target{Kind: TargetInclude, GroupID: g})
	}
	for _, g := range exclude {
		o.Assignments = append(o.Assignments, Target{Kind: TargetExclude, GroupID: g})
	}
	return o
}

func with(o Observed, change func(*Observed)) Observed {
	change(&o)
	return o
}

var (
	correct = Options{Drift: v1alpha1.DriftCorrect, AllowSettingsUpdate: true}
	report  = Options{Drift: v1alpha1.DriftReport, AllowSettingsUpdate: true}
	frozen  = Options{Drift: v1alpha1.DriftCorrect}
)

func TestBuild(t *testing.T) {
	tests := []struct {
		name     string
		desired  []Desired
		observed []Observed
		opt      Options
		want     []string
		drifts   []DriftKind
		notes    []string // a part of each note
	}{
		{
			name:    "first install",
			desired: []Desired{wantAllow(), wantHold()}, opt: correct,
			want: []string{
				`Create Hold/Windows: no policy yet; made as "hold" without assignments`,
				`Create Allow/Windows: no policy yet; made as "allow" without assignments`,
				"Assign Hold/Windows include=[all] exclude=[]: include all",
			},
		},
		{
			name:    "steady state",
			desired: []Desired{wantAllow("w1"), wantHold("w1")}, observed: []Observed{seenAllow("w1"), seenHold("w1")}, opt: correct,
		},
		{
			name:    "ids differ in case only",
			desired: []Desired{wantAllow("W1"), wantHold("W1")}, observed: []Observed{seenAllow("w1"), seenHold("w1")}, opt: correct,
		},
		{
			name:    "promote: hold lets go first",
			desired: []Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")}, observed: []Observed{seenAllow("w1"), seenHold("w1")}, opt: correct,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1 w2]: exclude w2",
				"Assign Allow/Windows id=a1 include=[w1 w2] exclude=[]: include w2",
			},
		},
		{
			name:    "roll back: allow lets go first",
			desired: []Desired{wantAllow("w1"), wantHold("w1")}, observed: []Observed{seenAllow("w1", "w2"), seenHold("w1", "w2")}, opt: report,
			want: []string{
				"Assign Allow/Windows id=a1 include=[w1] exclude=[]: no longer include w2",
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: no longer exclude w2",
			},
		},
		{
			name:    "one out, one in",
			desired: []Desired{wantAllow("w2"), wantHold("w2")}, observed: []Observed{seenAllow("w1"), seenHold("w1")}, opt: correct,
			want: []string{
				"Assign Allow/Windows id=a1 include=[] exclude=[]: no longer include w1",
				"Assign Hold/Windows id=h1 include=[all] exclude=[w2]: exclude w2; no longer exclude w1",
				"Assign Allow/Windows id=a1 include=[w2] exclude=[]: include w2",
			},
		},
		{
			name:    "hold excludes what allow includes though nobody asked",
			desired: []Desired{wantAllow("w1"), wantHold()}, observed: []Observed{seenAllow(), seenHold()}, opt: correct,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: exclude w1",
				"Assign Allow/Windows id=a1 include=[w1] exclude=[]: include w1",
			},
		},
		{
			name:    "an open create is looked up, never repeated, and nothing grows meanwhile",
			desired: []Desired{wantAllow("w2"), wantHold("w2")},
			observed: []Observed{
				seenAllow("w1"), {Key: holdKey, CreateOpen: true},
			}, opt: correct,
			want: []string{
				"Assign Allow/Windows id=a1 include=[] exclude=[]: no longer include w1",
				"LookUp Hold/Windows: a create was sent and its answer is not known",
			},
			notes: []string{"Allow/Windows takes no new group while it is not known whether hold exists; waiting: w2"},
		},
		{
			name:    "while allow is missing hold keeps its groups",
			desired: []Desired{wantAllow("w1"), wantHold("w1")}, observed: []Observed{{Key: allowKey, CreateOpen: true}, seenHold()}, opt: correct,
			want:  []string{"LookUp Allow/Windows: a create was sent and its answer is not known"},
			notes: []string{"it does not exist; waiting: w1"},
		},
		{
			name:    "edited settings are written back",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.SettingsMatch, o.NameMatch = false, false }),
				with(seenHold("w1"), func(o *Observed) { o.NameMatch = false }),
			}, opt: correct,
			want: []string{
				`Rename Hold/Windows id=h1: name or description differ; "hold"`,
				"Replace Allow/Windows id=a1: the settings were edited by somebody else",
			},
			drifts: []DriftKind{SettingsEdited, NameEdited, NameEdited},
		},
		{
			name:    "or only reported, and then allow takes no new group",
			desired: []Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.SettingsMatch, o.NameMatch = false, false }), seenHold("w1"),
			}, opt: report,
			drifts: []DriftKind{SettingsEdited, NameEdited},
			notes:  []string{"its settings are not the payload's; waiting: w2"},
		},
		{
			name:     "a new payload is ours to write under Report",
			desired:  []Desired{wantAllow()},
			observed: []Observed{with(seenAllow(), func(o *Observed) { o.SettingsMatch, o.Previous.Hash = false, "h0" })}, opt: report,
			want: []string{"Replace Allow/Windows id=a1: the payload changed"},
		},
		{
			name:    "a new payload waits for exposed devices, on allow",
			desired: []Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.SettingsMatch, o.Previous.Hash = false, "h0" }),
				with(seenHold("w1"), func(o *Observed) { o.SettingsMatch, o.Previous.Hash = false, "h0" }),
			}, opt: frozen,
			want:  []string{"Replace Hold/Windows id=h1: the payload changed"},
			notes: []string{"exposed to another payload", "waiting: w2"},
		},
		{
			name:    "a name that differs waits with settings that may not be written",
			desired: []Desired{wantAllow("w1")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.SettingsMatch, o.NameMatch, o.Previous.Hash = false, false, "h0" }),
			}, opt: frozen,
			drifts: []DriftKind{NameEdited},
			notes:  []string{"exposed to another payload"},
		},
		{
			name:    "a group taken from hold's exclusions comes back",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				seenAllow("w1"), with(seenHold("w1"), func(o *Observed) { o.Assignments = o.Assignments[:1] }),
			}, opt: correct,
			want:   []string{"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: exclude w1"},
			drifts: []DriftKind{AssignmentMissing},
		},
		{
			name:    "Report leaves it, until we write there anyway",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				seenAllow("w1"), with(seenHold("w1"), func(o *Observed) { o.Assignments = o.Assignments[:1] }),
			}, opt: report,
			drifts: []DriftKind{AssignmentMissing},
		},
		{
			name:    "Report: allow never grows beside a gap in hold",
			desired: []Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")},
			observed: []Observed{
				seenAllow("w1"), with(seenHold("w1"), func(o *Observed) { o.Assignments = o.Assignments[:1] }),
			}, opt: report,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1 w2]: exclude w1 w2",
				"Assign Allow/Windows id=a1 include=[w1 w2] exclude=[]: include w2",
			},
			drifts: []DriftKind{AssignmentMissing},
		},
		{
			name:    "Report: what a person took from allow stays out",
			desired: []Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.Assignments = nil }), seenHold("w1"),
			}, opt: report,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1 w2]: exclude w2",
				"Assign Allow/Windows id=a1 include=[w2] exclude=[]: include w2",
			},
			drifts: []DriftKind{AssignmentMissing},
		},
		{
			name:    "targets of others are kept and reported",
			desired: []Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) {
					o.Assignments = append(o.Assignments, Target{Kind: TargetInclude, GroupID: "theirs"}, Target{Kind: TargetAllDevices})
				}),
				with(seenHold("w1"), func(o *Observed) {
					o.Assignments = append(o.Assignments, Target{Kind: TargetExclude, GroupID: "vip"})
				}),
			}, opt: correct,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1 w2] keep=[Exclude:vip]: exclude w2",
				"Assign Allow/Windows id=a1 include=[w1 w2] exclude=[] keep=[AllDevices Include:theirs]: include w2",
			},
			drifts: []DriftKind{ForeignAssignment, ForeignAssignment, ForeignAssignment},
		},
		{
			name:    "a group that others exclude is not included again",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.Assignments = []Target{{Kind: TargetExclude, GroupID: "w1"}} }), seenHold("w1"),
			}, opt: correct,
			drifts: []DriftKind{ForeignAssignment},
		},
		{
			name:     "deleted by somebody else",
			desired:  []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{seenAllow("w1"), with(seenHold("w1"), func(o *Observed) { o.Exists, o.Assignments = false, nil })}, opt: correct,
			want: []string{
				`Create Hold/Windows: no policy yet; made as "hold" without assignments`,
				"Assign Hold/Windows include=[all] exclude=[w1]: exclude w1; include all",
			},
			drifts: []DriftKind{ObjectDeleted},
		},
		{
			name:     "deleted by somebody else, reported",
			desired:  []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{seenAllow("w1"), with(seenHold("w1"), func(o *Observed) { o.Exists, o.Assignments = false, nil })}, opt: report,
			drifts: []DriftKind{ObjectDeleted},
			notes:  []string{"not created again"},
		},
		{
			name:     "a platform that is no longer desired",
			observed: []Observed{seenHold("w1"), seenAllow("w1")}, opt: correct,
			want: []string{
				"Delete Allow/Windows id=a1: no longer desired",
				"Delete Hold/Windows id=h1: no longer desired",
			},
		},
		{
			name:    "an answer that was lost is not drift",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				with(seenAllow("w1"), func(o *Observed) { o.Previous.Include = []string{"w0"} }),
				with(seenHold("w1"), func(o *Observed) { o.Previous.Exclude = []string{"w0"} }),
			}, opt: correct,
		},
		{
			name:    "a gap in hold is closed though the caller did not name the group",
			desired: []Desired{wantAllow("w1"), wantHold()}, observed: []Observed{seenAllow("w1"), seenHold()}, opt: correct,
			want: []string{"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: exclude w1"},
		},
		{
			name:    "what hold excludes for allow's sake is ours",
			desired: []Desired{wantAllow("w1"), wantHold()},
			observed: []Observed{
				seenAllow("w1"), with(seenHold("w1", "w0"), func(o *Observed) { o.Previous.Exclude = []string{"w0"} }),
			}, opt: correct,
			want: []string{"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: no longer exclude w0"},
		},
		{
			name:    "Report: allow does not grow into a gap that somebody made in hold",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				seenAllow(), with(seenHold("w1"), func(o *Observed) { o.Assignments = o.Assignments[:1] }),
			}, opt: report,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: exclude w1",
				"Assign Allow/Windows id=a1 include=[w1] exclude=[]: include w1",
			},
			drifts: []DriftKind{AssignmentMissing},
		},
		{
			name:    "allow does not widen by dropping an exclusion while its settings are not the payload's",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				with(seen(allowKey, "a1", []string{"w1"}, []string{"vip"}), func(o *Observed) { o.SettingsMatch, o.Previous.Hash = false, "h0" }),
				seenHold("w1"),
			}, opt: frozen,
			notes: []string{"exposed to another payload"},
		},
		{
			name:    "a policy that was found is there, though its journal entry is open still",
			desired: []Desired{wantAllow("w1"), wantHold("w1")},
			observed: []Observed{
				seenAllow(), with(seenHold(), func(o *Observed) { o.CreateOpen = true }),
			}, opt: correct,
			want: []string{
				"Assign Hold/Windows id=h1 include=[all] exclude=[w1]: exclude w1",
				"Assign Allow/Windows id=a1 include=[w1] exclude=[]: include w1",
			},
		},
		{
			name:    "copies",
			desired: []Desired{wantAllow(), wantAllow("w1")}, observed: []Observed{seenAllow(), with(seenAllow("w1"), func(o *Observed) { o.ID = "a2" })}, opt: correct,
			notes: []string{"desired twice", "observed twice, ids a1 and a2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := compare(tt.desired, tt.observed, tt.opt)
			var actions []string
			for _, a := range got.Actions {
				actions = append(actions, a.String())
				if a.Precondition == "" || a.Reason == "" || a.Repeatable == (a.Kind == Create) {
					t.Errorf("incomplete action %+v", a)
				}
			}
			if diff := cmp.Diff(tt.want, actions); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			var drifts []DriftKind
			for _, d := range got.Drifts {
				drifts = append(drifts, d.Kind)
				if d.Detail == "" {
					t.Errorf("drift without detail: %v", d)
				}
			}
			if diff := cmp.Diff(tt.drifts, drifts); diff != "" {
				t.Errorf("drifts (-want +got):\n%s", diff)
			}
			if len(got.Notes) != len(tt.notes) {
				t.Fatalf("notes %q, want %q", got.Notes, tt.notes)
			}
			for i, part := range tt.notes {
				if !strings.Contains(got.Notes[i], part) {
					t.Errorf("note %q lacks %q", got.Notes[i], part)
				}
			}
		})
	}
}

// TestForeignInclusionIsExplained tells an inclusion that leads to conflicts from
// one that hold excludes.
func TestForeignInclusionIsExplained(t *testing.T) {
	allow := with(seenAllow("w1"), func(o *Observed) {
		o.Assignments = append(o.Assignments, Target{Kind: TargetInclude, GroupID: "Theirs"})
	})
	for exclude, conflict := range map[string]bool{"other": true, "theirs": false} {
		got := compare([]Desired{wantAllow("w1"), wantHold("w1", exclude)}, []Observed{allow, seenHold("w1", exclude)}, correct)
		if len(got.Drifts) != 1 || len(got.Actions) != 0 {
			t.Fatalf("%v", got)
		}
		if text := got.Drifts[0].String(); strings.Contains(text, "Conflict") != conflict || !strings.Contains(text, "Include:Theirs") {
			t.Errorf("hold excludes %s: %s", exclude, text)
		}
	}
}

// TestIntentUnderReport: what is recorded is what we asked for, not what others
// left of it, or the next plan would take their edit for a wish of ours.
func TestIntentUnderReport(t *testing.T) {
	got := compare(
		[]Desired{wantAllow("w1", "w2"), wantHold("w1", "w2")},
		[]Observed{with(seenAllow("w1"), func(o *Observed) { o.Assignments = nil }), seenHold("w1")}, report)
	last := got.Actions[len(got.Actions)-1]
	if diff := cmp.Diff([]string{"w2"}, last.Include); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"w1", "w2"}, last.IntentInclude); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestBuildDelete(t *testing.T) {
	observed := []Observed{
		seenHold("w1"), {Key: Key{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformMacOS}, CreateOpen: true},
		with(seenAllow("w1"), func(o *Observed) {
			o.Assignments = append(o.Assignments, Target{Kind: TargetAllUsers})
		}),
		{Key: Key{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformMacOS}, ID: "gone"},
	}
	var got []string
	for _, a := range BuildDelete(observed, v1alpha1.DeletionDelete) {
		got = append(got, a.String())
	}
	want := []string{
		"Delete Allow/Windows id=a1: the PasskeyPolicy is deleted; assignments that others added go with the policy (1, the first is AllUsers)",
		"LookUp Hold/MacOS: a create was sent and its answer is not known",
		"Delete Hold/Windows id=h1: the PasskeyPolicy is deleted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, policy := range []v1alpha1.DeletionPolicy{v1alpha1.DeletionOrphan, "", "delete"} {
		if a := BuildDelete(observed, policy); len(a) != 0 {
			t.Errorf("%q removes: %v", policy, a)
		}
	}
}
