// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var (
	errAway = errors.New("the tenant is away")
	lookAt  = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
)

// onMac is the same policy on the other platform.
func onMac(o Observed) Observed { o.Platform = v1alpha1.PlatformMacOS; return o }

func wantOnMac(d Desired) Desired { d.Platform = v1alpha1.PlatformMacOS; return d }

// recorded is the status entry of a policy that is as it was written.
func recorded(o Observed) v1alpha1.TenantObject {
	rec := recordOf(o)
	rec.Name, rec.Hash = "n", o.Previous.Hash
	return rec
}

// twoPlatforms is a look at two platforms whose revision 1 has group g2, which is no attempt's any more, besides g1.
func twoPlatforms(stage Stage) View {
	seen := []Observed{seenR1("g1", "g2"), seenHold("g1", "g2"), onMac(seenR1("g1", "g2")), onMac(seenHold("g1", "g2"))}
	p := &v1alpha1.PasskeyPolicy{Spec: v1alpha1.PasskeyPolicySpec{Mode: v1alpha1.ModeGate, Drift: v1alpha1.DriftCorrect, DeletionPolicy: v1alpha1.DeletionDelete}}
	v := View{
		Stage: stage, At: lookAt, Policy: p, Revisions: revisionsOf()[:2],
		Groups: []Group{
			{ID: "g1", Revision: 1, Admit: true, State: v1alpha1.Admitted, Occupied: true, Cleared: true, Listed: true},
			{ID: "g2", Revision: 1, State: v1alpha1.Admitted, Occupied: true, Listed: true},
		},
		Want: []Desired{wantR1("g1"), wantHold("g1", "g2"), wantOnMac(wantR1("g1")), wantOnMac(wantHold("g1", "g2"))},
	}
	for _, o := range seen {
		v.Objects = append(v.Objects, Seen{Observed: o})
		p.Status.Objects = append(p.Status.Objects, recorded(o))
	}
	if stage != StageWhole {
		v.Want = nil
	}
	return v
}

func keys(list []Action) string {
	var out []string
	for _, a := range list {
		out = append(out, string(a.Kind)+" "+a.Key.String())
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestPromise09_WhatAGapStops: a part of the tenant that cannot be read stops what rests on it and nothing else; the plan
// says what it does not know. What is pinned does not rest on the catalog.
func TestPromise09_WhatAGapStops(t *testing.T) {
	const winR1, winHold, macR1, macHold = 0, 1, 2, 3
	const both = "Assign MacOS/r1, Assign Windows/r1"
	for name, tt := range map[string]struct {
		stage Stage
		blind []int
		spoil func(v *View)
		want  string
		gap   bool
		none  bool // nothing can be planned
	}{
		"whole":                           {stage: StageWhole, want: both},
		"whole, hold unreadable":          {stage: StageWhole, blind: []int{winHold}, want: "Assign MacOS/r1", gap: true},
		"whole, a revision unreadable":    {stage: StageWhole, blind: []int{macR1}, want: "Assign Windows/r1", gap: true},
		"rollback":                        {stage: StageRollback, want: both},
		"rollback, hold unreadable":       {stage: StageRollback, blind: []int{macHold}, want: both, gap: true},
		"rollback, a revision unreadable": {stage: StageRollback, blind: []int{winR1}, want: "Assign MacOS/r1", gap: true},
		"removal":                         {stage: StageRemoval, want: "Delete MacOS/Hold, Delete MacOS/r1, Delete Windows/Hold, Delete Windows/r1"},
		"removal, one unreadable":         {stage: StageRemoval, blind: []int{winR1}, want: "Delete MacOS/Hold, Delete MacOS/r1, Delete Windows/Hold", gap: true},
		"whole, catalog away":             {stage: StageWhole, spoil: func(v *View) { v.CatalogErr = errAway }, want: both, gap: true},
		"whole, catalog never read":       {stage: StageWhole, spoil: func(v *View) { v.CatalogErr, v.Revisions = errAway, nil }, gap: true, none: true},
		"whole, population away":          {stage: StageWhole, spoil: func(v *View) { v.Population.Err = errAway }, gap: true, none: true},
		"whole, list away":                {stage: StageWhole, spoil: func(v *View) { v.ListErr = errAway }, gap: true, none: true},
		"whole, and nothing is pinned":    {stage: StageWhole, spoil: func(v *View) { v.Revisions = nil }},
		"whole, another operator":         {stage: StageWhole, spoil: func(v *View) { v.Others, v.Want[0].Include = []OtherOperator{{Cluster: "c"}}, []string{"g1", "g3"} }, want: both},
	} {
		v := twoPlatforms(tt.stage)
		for _, i := range tt.blind {
			v.Objects[i] = Seen{Observed: Observed{Key: v.Objects[i].Key}, Err: errAway}
		}
		if tt.spoil != nil {
			tt.spoil(&v)
		}
		got := Build(v)
		if keys(got.Actions) != tt.want {
			t.Errorf("%s: %s, want %s", name, keys(got.Actions), tt.want)
		}
		if (got.Unknown != nil) != tt.gap || tt.gap && (!errors.Is(got.Unknown.Err, errAway) || got.Unknown.Doing == "" || got.Unknown.All != tt.none) {
			t.Errorf("%s: unknown %+v", name, got.Unknown)
		}
		if i := slices.IndexFunc(got.Actions, func(a Action) bool { return slices.Contains(a.Include, "g3") }); i >= 0 {
			t.Errorf("%s: %s takes in a new group", name, got.Actions[i])
		}
	}
}

// TestNewView: a look begins with what the status says. A revision that no record has is not taken back by that.
func TestNewView(t *testing.T) {
	p := policyOf()
	p.Status.Revisions = revisionsOf()
	v := NewView(StageWhole, p, []v1alpha1.PilotWave{waveAt(v1alpha1.PhaseBaking, 3)}, lookAt)
	if v.At != lookAt || len(v.Groups) != 2 || !v.Groups[1].Admit {
		t.Fatalf("%+v", v.Groups)
	}
	p.Status.Revisions[3].State = v1alpha1.RevisionReverted
	if v = NewView(StageWhole, p, []v1alpha1.PilotWave{waveAt(v1alpha1.PhaseBaking, 3)}, lookAt); v.Groups[1].Admit || !v.Groups[0].Admit {
		t.Errorf("reverted: %+v", v.Groups)
	}
	p.Status.Revisions = p.Status.Revisions[:3]
	v = NewView(StageRollback, p, []v1alpha1.PilotWave{waveAt(v1alpha1.PhaseBaking, 3)}, lookAt)
	if v.Lost([]int32{3}); !v.Groups[1].Admit || len(v.Revisions) != 3 {
		t.Errorf("lost: %+v", v.Groups)
	}
}

// TestRecordObject: what an entry of the status says after a look.
func TestRecordObject(t *testing.T) {
	sent := &metav1.Time{Time: lookAt}
	d := wantR1("g1")
	entry := recorded(seenR1("g1"))
	entry.ForeignAssignments, entry.CreateSentAt = []string{"Include old"}, sent
	theirs := Target{Kind: TargetInclude, GroupID: "theirs"}
	change := func(o v1alpha1.TenantObject, f func(*v1alpha1.TenantObject)) *v1alpha1.TenantObject { f(&o); return &o }
	found := func(o *v1alpha1.TenantObject) { o.CreateSentAt, o.Name, o.ForeignAssignments = nil, "r1", nil }
	for name, tt := range map[string]struct {
		d    *Desired
		o    Observed
		want *v1alpha1.TenantObject
	}{
		"found":      {&d, seenR1("g1"), change(entry, found)},
		"found anew": {&d, with(seenR1("g1"), func(o *Observed) { o.ID = "id2" }), change(entry, func(o *v1alpha1.TenantObject) { found(o); o.ID = "id2" })},
		"theirs": {&d, with(seenR1("g1"), func(o *Observed) { o.Assignments = append(o.Assignments, theirs) }), change(entry, func(o *v1alpha1.TenantObject) {
			found(o)
			o.ForeignAssignments = []string{"Include theirs"}
		})},
		"read too early to tell": {&d, with(seenR1("g1"), func(o *Observed) { o.Assignments, o.AssignFresh = append(o.Assignments, theirs), true }),
			change(entry, func(o *v1alpha1.TenantObject) { found(o); o.ForeignAssignments = entry.ForeignAssignments })},
		"only on record":             {nil, seenR1("g1"), change(entry, func(o *v1alpha1.TenantObject) { o.CreateSentAt, o.ForeignAssignments = nil, nil })},
		"confirmed gone":             {&d, Observed{Key: r1Key, ID: "id-r1"}, &v1alpha1.TenantObject{Role: r1Key.Role, Platform: r1Key.Platform, Revision: 1, Name: "n", ID: "id-r1"}},
		"gone, as it should be":      {nil, Observed{Key: r1Key, ID: "id-r1"}, nil},
		"a match that may be stale":  {&d, with(seenR1("g1"), func(o *Observed) { o.ContentFresh = true }), change(entry, func(o *v1alpha1.TenantObject) { found(o); o.Hash = "written" })},
		"settings that do not match": {&d, with(seenR1("g1"), func(o *Observed) { o.SettingsMatch = false }), change(entry, func(o *v1alpha1.TenantObject) { found(o); o.Hash = "written" })},
	} {
		s := v1alpha1.PasskeyPolicyStatus{Objects: []v1alpha1.TenantObject{entry}}
		if tt.want != nil && tt.want.Hash == "written" {
			s.Objects[0].Hash = "written"
		}
		if tt.d == nil && tt.want == nil {
			s.Objects[0].CreateSentAt = nil
		}
		recordObject(&s, tt.d, &tt.o)
		switch {
		case tt.want == nil && len(s.Objects) == 0:
		case tt.want == nil || len(s.Objects) != 1 || cmp.Diff(*tt.want, s.Objects[0]) != "":
			t.Errorf("%s: %+v, want %+v", name, s.Objects, tt.want)
		}
	}
	s := v1alpha1.PasskeyPolicyStatus{}
	recordObject(&s, &d, &Observed{Key: r1Key})
	if len(s.Objects) != 1 || s.Objects[0].Role != r1Key.Role {
		t.Errorf("never made: %+v", s.Objects)
	}
}

// TestRecordWaves: a wave hears how far the tenant has followed, and since when; where the tenant is not seen whole, one
// that is not admitted any more hears that it is on its way out, and nobody hears good news.
func TestRecordWaves(t *testing.T) {
	before := metav1.NewTime(lookAt.Add(-time.Hour))
	look := func(stage Stage) View {
		v := twoPlatforms(stage)
		v.Policy.Status.Waves = []v1alpha1.WaveAdmission{
			{Name: "one", GroupID: "g1", Revision: 1, State: v1alpha1.Admitted, Since: before, AssignedAt: &before}, {GroupID: "g2", Revision: 1, State: v1alpha1.Admitted, Since: before, AssignedAt: &before},
		}
		return v
	}
	check := func(name string, s v1alpha1.PasskeyPolicyStatus) {
		t.Helper()
		if w := s.Waves; len(w) != 2 || w[0].State != v1alpha1.Admitted || !w[0].Since.Equal(&before) || w[1].State != v1alpha1.Withdrawing || !w[1].Since.Time.Equal(lookAt) || w[1].AssignedAt != nil {
			t.Errorf("%s: %+v", name, w)
		}
	}
	v := look(StageWhole)
	check("whole", v.Record(Build(v), nil))
	if v.Policy.Status.Waves[1].State != v1alpha1.Admitted || len(v.Policy.Status.Revisions) != 0 {
		t.Error("the view was changed")
	}
	v = look(StageWhole)
	v.Objects[3].Err = errAway
	check("one object unreadable", v.Record(Build(v), nil))
	v.Policy.Status.Waves[0].State = v1alpha1.Admitting
	if s := v.Record(Build(v), nil); s.Waves[0].State != v1alpha1.Admitting {
		t.Errorf("the tenant is not seen whole: %+v", s.Waves[0])
	}
	v = look(StageRollback)
	check("rollback", v.Record(Build(v), nil))
	v = look(StageRollback)
	v.Groups[1].Admit = true
	if s := v.Record(Build(v), nil); s.Waves[1].State != v1alpha1.Admitted {
		t.Errorf("nothing to roll back: %+v", s.Waves)
	}
}

// TestRecordForgetsGroup: a group that loses its entry is on record of its revision no more, also where somebody else has taken
// it out of the revision, so that no write of ours has. It would be withdrawn anew for ever.
func TestRecordForgetsGroup(t *testing.T) {
	for _, stage := range []Stage{StageRollback, StageWhole} {
		recordForgetsGroup(t, stage)
	}
}

func recordForgetsGroup(t *testing.T, stage Stage) {
	t.Helper()
	long := metav1.NewTime(lookAt.Add(-2 * AssignmentLag))
	v := twoPlatforms(stage)
	v.Objects = []Seen{{Observed: seenR1("g1")}, {Observed: seenHold("g1")}, {Observed: onMac(seenR1("g1"))}, {Observed: onMac(seenHold("g1"))}}
	if stage == StageWhole {
		v.Want = []Desired{wantR1("g1"), wantHold("g1"), wantOnMac(wantR1("g1")), wantOnMac(wantHold("g1"))}
	}
	v.Groups[1] = Group{ID: "g2", Revision: 1, State: v1alpha1.Withdrawing, Released: true, Occupied: true}
	v.Policy.Status.Waves = []v1alpha1.WaveAdmission{{GroupID: "g2", Revision: 1, State: v1alpha1.Withdrawing, Since: long, AssignedAt: &long}}
	included := func(s v1alpha1.PasskeyPolicyStatus) (out []int) {
		for i := range s.Objects {
			if s.Objects[i].Revision == 1 {
				out = append(out, len(s.Objects[i].IncludeGroups))
			}
		}
		return out
	}
	if s := v.Record(Build(v), nil); entry(s.Waves, "g2") != nil || !slices.Equal(included(s), []int{1, 1}) {
		t.Errorf("%+v is left, and on record are %v", s.Waves, included(s))
	}
	if n := included(v.Policy.Status); !slices.Equal(n, []int{2, 2}) {
		t.Errorf("the view was changed: %v", n)
	}
	v.Policy.Status.Waves, v.Groups[1].Released = nil, false
	if s := v.Record(Build(v), nil); !slices.Equal(included(s), []int{2, 2}) {
		t.Errorf("a group that was not seen to go is forgotten: %v", included(s))
	}
}

// TestRecordParts: what is known is recorded as far as it is known.
func TestRecordParts(t *testing.T) {
	full := func() View {
		v := twoPlatforms(StageWhole)
		v.Population.Include = []string{"all"}
		v.Policy.Status.Objects = nil
		return v
	}
	for name, tt := range map[string]struct {
		spoil func(v *View)
		want  [2]bool // population, objects
	}{
		"whole":       {func(*View) {}, [2]bool{true, true}},
		"no list":     {func(v *View) { v.ListErr = errAway }, [2]bool{true, false}},
		"no groups":   {func(v *View) { v.Population.Err = errAway }, [2]bool{false, false}},
		"no revision": {func(v *View) { v.Revisions = nil }, [2]bool{false, false}},
		"no catalog":  {func(v *View) { v.CatalogErr = errAway }, [2]bool{true, true}},
	} {
		v := full()
		tt.spoil(&v)
		s := v.Record(Build(v), nil)
		if got := [2]bool{len(s.PopulationGroups) > 0, len(s.Objects) > 0}; got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestRecordClosesAssigns: a lost assignment that nothing is left to write for is closed when it has had its time.
func TestRecordClosesAssigns(t *testing.T) {
	for age, closed := range map[time.Duration]bool{ReplicationLag - time.Second: false, ReplicationLag: true} {
		v := twoPlatforms(StageWhole)
		v.Objects = []Seen{{Observed: with(seenHold("g1"), func(o *Observed) { o.AssignOpen = true })}}
		v.Want = []Desired{wantHold("g1")}
		rec := recorded(seenHold("g1", "g9"))
		rec.AssignSentAt = &metav1.Time{Time: lookAt.Add(-age)}
		v.Policy.Status.Objects = []v1alpha1.TenantObject{rec}
		got := v.Record(Build(v), nil).Objects[0]
		if (got.AssignSentAt == nil) != closed || closed && !slices.Equal(got.ExcludeGroups, []string{"g1"}) {
			t.Errorf("sent %s ago: %+v", age, got)
		}
	}
}

// TestRecordApprovals: what is pending for a rollback that was not taken stays, and all of it while the plan is not whole.
func TestRecordApprovals(t *testing.T) {
	first := Build(twoPlatforms(StageRollback)).Actions[0]
	v := twoPlatforms(StageWhole)
	v.Want = []Desired{wantR1("g1", "g2"), wantHold("g1", "g2"), wantOnMac(wantR1("g1", "g2")), wantOnMac(wantHold("g1", "g2"))}
	v.Policy.Status.Approvals = []v1alpha1.PendingApproval{{Fingerprint: first.Fingerprint()}, {Fingerprint: "other"}}
	for name, tt := range map[string]struct {
		rollback []Action
		err      error
		want     int
	}{"nothing planned": {nil, nil, 0}, "a rollback waits": {[]Action{first}, nil, 1}, "not the whole plan": {nil, errAway, 2}} {
		v.Objects[3].Err = tt.err
		if got := v.Record(Build(v), tt.rollback).Approvals; len(got) != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
