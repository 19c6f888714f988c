// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func kinds(actions []Action) string {
	out := make([]string, len(actions))
	for i, a := range actions {
		out[i] = string(a.Kind) + " " + a.Key.String() + " " + a.ID
	}
	return strings.Join(out, ", ")
}

// TestPromise05_CopyIsRemoved: only a copy with our name and description and without targets is removed, whatever drift
// says; any other is reported and left alone (P6).
func TestPromise05_CopyIsRemoved(t *testing.T) {
	twin := Copy{ID: "twin", Name: "n", SameName: true}
	assigned := Copy{ID: "assigned", Name: "n", SameName: true, Assignments: []Target{{Kind: TargetInclude, GroupID: "g1"}}}
	renamed := Copy{ID: "renamed", Name: "Copy of n"}
	for _, opt := range []Options{{AllowSettingsUpdate: true}, report} {
		obs := with(seenAllow("g1"), func(o *Observed) { o.Copies = []Copy{assigned, twin, renamed} })
		got := compare([]Desired{wantAllow("g1"), wantHold("g1")}, []Observed{obs, seenHold("g1")}, opt)
		if kinds(got.Actions) != "RemoveCopy Allow/Windows twin" || len(got.Drifts) != 2 {
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
	allow, hold := copied(seenAllow("g1"), "a2"), copied(seenHold("g1"), "h2")
	want := "RemoveCopy Allow/Windows a2, Delete Allow/Windows " + allow.ID + ", RemoveCopy Hold/Windows h2, Delete Hold/Windows " + hold.ID
	if got := kinds(BuildDelete([]Observed{hold, allow}, v1alpha1.DeletionDelete)); got != want {
		t.Errorf("deleted: %s", got)
	}
	got := kinds(compare(nil, []Observed{hold, allow}, Options{}).Actions)
	for _, id := range []string{"a2", "h2"} {
		main := map[string]string{"a2": allow.ID, "h2": hold.ID}[id]
		if c, p := strings.Index(got, "RemoveCopy Allow/Windows "+id), strings.Index(got, "Delete Allow/Windows "+main); id == "a2" && (c < 0 || c > p) {
			t.Errorf("not desired: %s", got)
		}
		if c, p := strings.Index(got, "RemoveCopy Hold/Windows "+id), strings.Index(got, "Delete Hold/Windows "+main); id == "h2" && (c < 0 || c > p) {
			t.Errorf("not desired: %s", got)
		}
	}
	gone := with(allow, func(o *Observed) { o.Exists = false })
	if got := BuildDelete([]Observed{gone}, v1alpha1.DeletionDelete); len(got) != 0 {
		t.Errorf("without the policy itself nobody knows which one is the copy: %s", kinds(got))
	}
	if got := compare([]Desired{wantAllow("g1")}, []Observed{gone}, report); len(got.Actions) != 0 {
		t.Errorf("the same under Report: %s", kinds(got.Actions))
	}
}

// TestNarrowOnly: beside another operator allow only shrinks or goes, and hold takes back what allow lost; it takes
// nobody new and lets nobody go.
func TestNarrowOnly(t *testing.T) {
	want, seen := []Desired{wantAllow("g1", "g3"), wantHold("g1", "g3")}, []Observed{seenAllow("g1", "g2"), seenHold("g1", "g2")}
	if got := compare(want, seen, Options{}); len(got.Actions) != 3 {
		t.Fatalf("%s", kinds(got.Actions))
	}
	got := compare(want, seen, Options{NarrowOnly: true})
	if len(got.Actions) != 2 || got.Actions[0].Kind != Assign || got.Actions[0].Key != allowKey || !cmp.Equal(got.Actions[0].Include, []string{"g1"}) ||
		got.Actions[1].Kind != Assign || got.Actions[1].Key != holdKey || !cmp.Equal(got.Actions[1].Exclude, []string{"g1"}) ||
		!cmp.Equal(got.Actions[1].Include, seen[1].Previous.Include) || !cmp.Equal(got.Actions[1].IntentExclude, []string{"g1"}) {
		t.Errorf("%v", got.Actions)
	}
	grown := wantHold("g1", "g2", "g3")
	grown.Include = append(grown.Include, "more")
	if got := compare([]Desired{wantAllow("g1", "g2", "g3"), grown}, seen, Options{NarrowOnly: true}); len(got.Actions) != 0 {
		t.Errorf("%v", got.Actions)
	}
	if got := compare(want, nil, Options{NarrowOnly: true}); len(got.Actions) != 0 {
		t.Errorf("%s", kinds(got.Actions))
	}
}

// TestFingerprint: what is written counts, and nothing else does.
func TestFingerprint(t *testing.T) {
	d := wantAllow("g1")
	base := func() Action {
		a := newAction(Create, allowKey, "", "because")
		a.Desired = &d
		return a
	}
	seen := map[string]string{}
	note := func(name string, a Action, want *Desired) {
		a.Desired = want
		fp := a.Fingerprint()
		if len(fp) != 16 {
			t.Errorf("%s: %q", name, fp)
		}
		if other, ok := seen[fp]; ok {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[fp] = name
	}
	note("create", base(), &d)
	renamed, rehashed := d, d
	renamed.Name, rehashed.Hash = "other", "other"
	note("another name", base(), &renamed)
	note("other settings", base(), &rehashed)
	note("replace", newAction(Replace, allowKey, "p", ""), &d)
	note("delete", newAction(Delete, allowKey, "p", ""), nil)
	note("delete another", newAction(Delete, allowKey, "q", ""), nil)
	assign := func(in, out []string, keep ...Target) Action {
		a := newAction(Assign, allowKey, "p", "")
		a.Include, a.Exclude, a.KeepForeign = in, out, keep
		return a
	}
	note("assign", assign([]string{"g1", "g2"}, nil), &d)
	note("assign the other way", assign([]string{"g1"}, []string{"g2"}), &d)
	note("assign and keep", assign([]string{"g1", "g2"}, nil, Target{Kind: TargetAllUsers}), &d)
	again := base()
	again.Reason = "for another reason"
	if seen[again.Fingerprint()] != "create" {
		t.Error("the reason counts")
	}
	if seen[assign([]string{"g1", "g2"}, nil).Fingerprint()] != "assign" {
		t.Error("the settings count for an assignment")
	}
}
