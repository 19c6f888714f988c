// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit/golden"
)

// planCase is one testdata/*.in.yaml. Levels are written as Key renders them.
type planCase struct {
	About      string                  `json:"about"`
	Drift      v1alpha1.DriftAction    `json:"drift,omitempty"`
	Managed    []string                `json:"managed,omitempty"`
	NarrowOnly bool                    `json:"narrowOnly,omitempty"`
	Desired    map[string]desiredCase  `json:"desired,omitempty"`
	Observed   map[string]observedCase `json:"observed,omitempty"`
}

type desiredCase struct {
	Include  []string `json:"include,omitempty"`
	Exclude  []string `json:"exclude,omitempty"`
	Occupied []string `json:"occupied,omitempty"`
	KeepOnly []string `json:"keepOnly,omitempty"`
	Retiring bool     `json:"retiring,omitempty"`
}

// observedCase is a policy that is there, as it was written, but for what the members say.
type observedCase struct {
	Include      []string      `json:"include,omitempty"`
	Exclude      []string      `json:"exclude,omitempty"`
	Foreign      []foreignCase `json:"foreign,omitempty"`
	Recorded     *targetsCase  `json:"recorded,omitempty"`
	Gone         bool          `json:"gone,omitempty"`
	CreateOpen   bool          `json:"createOpen,omitempty"`
	AssignOpen   bool          `json:"assignOpen,omitempty"`
	AssignFresh  bool          `json:"assignFresh,omitempty"`
	Edited       bool          `json:"edited,omitempty"`
	Renamed      bool          `json:"renamed,omitempty"`
	ContentFresh bool          `json:"contentFresh,omitempty"`
}

type targetsCase struct {
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

type foreignCase struct {
	Kind  TargetKind `json:"kind"`
	Group string     `json:"group,omitempty"`
}

// planText is one testdata/*.out.yaml.
type planText struct {
	Actions []string `json:"actions,omitempty"`
	Drifts  []string `json:"drifts,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Late    []string `json:"late,omitempty"`
}

func keyOfText(t *testing.T, text string) Key {
	t.Helper()
	for _, platform := range []v1alpha1.Platform{v1alpha1.PlatformMacOS, v1alpha1.PlatformWindows} {
		for revision := range int32(10) {
			if k := LevelKey(platform, revision); k.String() == text {
				return k
			}
		}
	}
	t.Fatalf("no level is called %q", text)
	return Key{}
}

func (c *planCase) desired(t *testing.T) (out []Desired) {
	for text, d := range c.Desired {
		k := keyOfText(t, text)
		out = append(out, Desired{
			Key: k, Name: "name of " + k.Level(), Hash: "h1", Include: d.Include, Exclude: d.Exclude, Occupied: d.Occupied, KeepOnly: d.KeepOnly,
			Retiring: d.Retiring, Everyone: TargetAllDevices,
		})
	}
	return out
}

func (c *planCase) observed(t *testing.T) (out []Observed) {
	for text, oc := range c.Observed {
		o := seen(keyOfText(t, text), oc.Include, oc.Exclude)
		if i := slices.IndexFunc(o.Assignments, func(t Target) bool { return t.GroupID == Everyone }); i >= 0 {
			o.Assignments[i] = Target{Kind: TargetAllDevices}
		}
		if oc.Recorded != nil {
			o.Previous.Include, o.Previous.Exclude = oc.Recorded.Include, oc.Recorded.Exclude
		}
		for _, f := range oc.Foreign {
			o.Assignments = append(o.Assignments, Target{Kind: f.Kind, GroupID: f.Group})
		}
		o.SettingsMatch, o.NameMatch, o.AssignOpen, o.AssignFresh, o.ContentFresh = !oc.Edited, !oc.Renamed, oc.AssignOpen, oc.AssignFresh, oc.ContentFresh
		if o.CreateOpen = oc.CreateOpen; oc.CreateOpen {
			o.ID = ""
		}
		if oc.Gone || oc.CreateOpen {
			o.Exists, o.Assignments = false, nil
		}
		out = append(out, o)
	}
	return out
}

// TestBuildCases compares the plan of every testdata/*.in.yaml with its *.out.yaml.
func TestBuildCases(t *testing.T) { golden.Pairs(t, "testdata", buildCase) }

func buildCase(t *testing.T, in string) string {
	var c planCase
	if err := yaml.UnmarshalStrict([]byte(in), &c); err != nil {
		t.Fatal(err)
	}
	built := compare(c.desired(t), c.observed(t), Options{Drift: c.Drift, Managed: c.Managed, NarrowOnly: c.NarrowOnly})
	text := planText{Notes: built.Notes, Late: built.Late}
	for _, a := range built.Actions {
		text.Actions = append(text.Actions, a.String())
		if a.Precondition == "" || a.Reason == "" || a.Repeatable == (a.Kind == Create) {
			t.Errorf("incomplete action %+v", a)
		}
	}
	for _, d := range built.Drifts {
		text.Drifts = append(text.Drifts, d.String())
	}
	out, err := yaml.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestTwice: of two entries for one level the first counts, and a note says so.
func TestTwice(t *testing.T) {
	got := compare([]Desired{wantR1(), wantR1("w1")}, []Observed{seenR1(), with(seenR1("w1"), func(o *Observed) { o.ID = "id2" })}, correct)
	if len(got.Actions) != 0 || len(got.Notes) != 2 || !strings.Contains(got.Notes[0], "desired twice") || !strings.Contains(got.Notes[1], "observed twice, ids id-r1 and id2") {
		t.Errorf("%v %q", got.Actions, got.Notes)
	}
}

// TestIntentUnderReport: what is recorded is what we asked for, not what others left of it, or the next plan would take
// their edit for a wish of ours.
func TestIntentUnderReport(t *testing.T) {
	got := compare(
		[]Desired{wantR1("w1", "w2"), wantHold("w1", "w2")},
		[]Observed{with(seenR1("w1"), func(o *Observed) { o.Assignments = nil }), seenHold("w1")}, report)
	last := got.Actions[len(got.Actions)-1]
	if diff := cmp.Diff([][]string{{"w2"}, {"w1", "w2"}}, [][]string{last.Include, last.IntentInclude}); diff != "" {
		t.Errorf("written and recorded (-want +got):\n%s", diff)
	}
}

// TestBuildDelete: the latest revision goes first and hold last, whatever others assigned; only Delete removes anything.
func TestBuildDelete(t *testing.T) {
	observed := []Observed{
		seenHold("w1"), {Key: LevelKey(v1alpha1.PlatformMacOS, 0), CreateOpen: true}, seen(r2Key, nil, nil),
		with(seenR1("w1"), func(o *Observed) { o.Assignments = append(o.Assignments, Target{Kind: TargetAllUsers}) }),
		{Key: LevelKey(v1alpha1.PlatformMacOS, 1), ID: "gone"},
	}
	var got []string
	for _, a := range BuildDelete(observed, v1alpha1.DeletionDelete) {
		got = append(got, a.String())
	}
	want := []string{
		"Delete Windows/r2 id=id-r2: the PasskeyPolicy is deleted",
		"Delete Windows/r1 id=id-r1: the PasskeyPolicy is deleted; assignments that others added go with the policy (1, the first is AllUsers)",
		"LookUp MacOS/Hold: a create was sent and its answer is not known",
		"Delete Windows/Hold id=id-Hold: the PasskeyPolicy is deleted",
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
