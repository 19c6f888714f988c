// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// nextWorld is a wave that has proven r1 on ten devices by attempt 1, whose group is g, and has begun r2 with three of them by
// attempt 2, whose group is g2.
func nextWorld() World {
	w := aWorld(10)
	s := &w.Wave.Status
	w.Earlier = map[int32]audience.Reading{1: w.Ledger}
	w.EarlierGroups = map[int32]GroupReading{1: {Members: w.Members}}
	s.Attempts[0].SucceededAt = v1alpha1.StampOf(hour(50))
	frozen := audience.NewLedger(audience.Header{Attempt: 2, Revision: 2, PayloadHash: "q", Unit: v1alpha1.UnitDevice}, ids(40))
	asked, batch := frozen.Expose(3, w.Now.Add(-10*time.Hour))
	w.Ledger, w.GroupReading = readOf(&asked), GroupReading{Members: map[audience.ID]bool{}}
	for _, id := range batch {
		w.Members[id] = true
	}
	s.Attempts = append(s.Attempts, v1alpha1.WaveAttempt{Attempt: 2, Revision: 2, GroupID: "g2", CreatedAt: v1alpha1.Stamp(hour(51)), Ledger: &v1alpha1.LedgerBinding{Entries: 40, Asked: 3}})
	s.Attempt, s.Revision, s.PayloadHash = 2, 2, "q"
	w.Policy.Status.Revisions[1].State = v1alpha1.RevisionStable
	w.Policy.Status.Revisions = append(w.Policy.Status.Revisions, v1alpha1.RevisionStatus{Number: 2, State: v1alpha1.RevisionCandidate, PayloadHash: "q"})
	return w
}

// earlierGroup changes what the tenant says of the group of attempt 1.
func (w *World) earlierGroup(change func(*GroupReading)) {
	g := w.EarlierGroups[1]
	g.Members = maps.Clone(g.Members)
	change(&g)
	w.EarlierGroups[1] = g
}

// record1 changes the ledger of attempt 1.
func (w *World) record1(change func(*audience.Ledger)) {
	l := *w.Earlier[1].Ledger
	l.Entries = slices.Clone(l.Entries)
	change(&l)
	w.Earlier[1] = readOf(&l)
}

// TestStandingEarlier: devices have what an earlier attempt brought unless it was taken back or its revision is gone.
func TestStandingEarlier(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*World)
		stands bool
	}{
		"stable":                {func(*World) {}, true},
		"superseded":            {func(w *World) { w.Policy.Status.Revisions[1].State = v1alpha1.RevisionSuperseded }, true},
		"stopped, not proven":   {func(w *World) { w.Wave.Status.Attempts[0].SucceededAt = nil }, true},
		"waiting for the next":  {func(w *World) { w.Wave.Status.Attempt, w.Wave.Status.Phase = 3, pending }, true},
		"taken back":            {func(w *World) { w.Wave.Status.Attempts[0].WithdrawnAt = v1alpha1.StampOf(hour(1)) }, false},
		"reverted":              {func(w *World) { w.Policy.Status.Revisions[1].State = v1alpha1.RevisionReverted }, false},
		"retired":               {func(w *World) { w.Policy.Status.Revisions[1].State = v1alpha1.RevisionRetired }, false},
		"unknown to the policy": {func(w *World) { w.Policy.Status.Revisions = nil }, false},
		"no policy":             {func(w *World) { w.Policy = nil }, false},
		"no group":              {func(w *World) { w.Wave.Status.Attempts[0].GroupID = "" }, false},
		"current":               {func(w *World) { w.Wave.Status.Attempt = 1 }, false},
	} {
		w := nextWorld()
		tt.change(&w)
		found := slices.ContainsFunc(w.StandingEarlier(), func(a Attempt) bool { return a.Entry.Attempt == 1 })
		if found != tt.stands {
			t.Errorf("%s: %t", name, found)
		}
	}
}

// TestExclusions: whoever is excluded leaves the groups of all attempts that stand, the oldest first, whoever put them there, and is
// marked where a ledger names them.
func TestExclusions(t *testing.T) {
	marked := func(w *World) {
		w.record1(func(l *audience.Ledger) { l.Entries[4].ExcludedAt = audience.StampOf(hour(60)) })
	}
	out := func(n int) func(*World) { return func(w *World) { w.Excluded[device(n)] = true } }
	for name, tt := range map[string]struct {
		change            func(*World)
		attempts          []int32
		leaving, unmarked []audience.ID
	}{
		"nobody":                       {func(*World) {}, nil, nil, nil},
		"in both, the oldest first":    {out(1), []int32{1, 2}, []audience.ID{device(1)}, []audience.ID{device(1)}},
		"in one, pending in the other": {out(4), []int32{1, 2}, []audience.ID{device(4)}, []audience.ID{device(4)}},
		"pending in both":              {out(20), []int32{1, 2}, nil, []audience.ID{device(20)}},
		"a stranger who is excluded":   {func(w *World) { out(90)(w); w.earlierGroup(func(g *GroupReading) { g.Members[device(90)] = true }) }, []int32{1}, []audience.ID{device(90)}, nil},
		"marked before, put in again":  {marked, []int32{1}, []audience.ID{device(4)}, nil},
		"marked and out":               {func(w *World) { marked(w); w.earlierGroup(func(g *GroupReading) { delete(g.Members, device(4)) }) }, nil, nil, nil},
		"list of exclusions not known": {func(w *World) { marked(w); w.Excluded = nil }, []int32{1}, []audience.ID{device(4)}, nil},
		"not in the list of members": {func(w *World) { out(4)(w); w.earlierGroup(func(g *GroupReading) { delete(g.Members, device(4)) }) },
			[]int32{1, 2}, nil, []audience.ID{device(4)}},
		"members not read":            {func(w *World) { out(4)(w); w.EarlierGroups = nil }, []int32{1, 2}, []audience.ID{device(4)}, []audience.ID{device(4)}},
		"record lost":                 {func(w *World) { out(4)(w); w.Earlier[1] = audience.Reading{State: audience.LedgerLost} }, []int32{1, 2}, []audience.ID{device(4)}, nil},
		"earlier group gone":          {func(w *World) { out(1)(w); w.EarlierGroups[1] = GroupReading{GroupGone: true} }, []int32{2}, []audience.ID{device(1)}, []audience.ID{device(1)}},
		"earlier group settled":       {func(w *World) { out(1)(w); w.EarlierGroups[1] = GroupReading{Settled: true} }, []int32{2}, []audience.ID{device(1)}, []audience.ID{device(1)}},
		"earlier attempt taken back":  {func(w *World) { out(1)(w); w.Wave.Status.Attempts[0].WithdrawnAt = v1alpha1.StampOf(hour(60)) }, []int32{2}, []audience.ID{device(1)}, []audience.ID{device(1)}},
		"both taken back":             {func(w *World) { out(1)(w); withdrawAll(w) }, nil, nil, nil},
		"the next has not begun":      {func(w *World) { out(4)(w); w.Wave.Status.Attempt, w.Wave.Status.Phase = 3, pending }, []int32{1}, []audience.ID{device(4)}, []audience.ID{device(4)}},
		"exposed just now, not shown": {func(w *World) { out(2)(w); justExposed(w, 2) }, []int32{2}, []audience.ID{device(2)}, []audience.ID{device(2)}},
	} {
		w := nextWorld()
		tt.change(&w)
		var attempts []int32
		for _, a := range w.Excluding() {
			attempts = append(attempts, a.Entry.Attempt)
		}
		var leaving, unmarked []audience.ID
		if len(attempts) > 0 {
			leaving, unmarked = w.Exclusions(w.Excluding()[0])
		}
		if !slices.Equal(attempts, tt.attempts) || !slices.Equal(leaving, tt.leaving) || !slices.Equal(unmarked, tt.unmarked) {
			t.Errorf("%s: attempts %d, leaving %v, unmarked %v", name, attempts, leaving, unmarked)
		}
		got := w.exclusion()
		for _, a := range attempts {
			if !strings.Contains(got.Message, fmt.Sprintf("of attempt %d are", a)) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if (got.State == ExclusionDue) != (len(attempts) > 0) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func withdrawAll(w *World) {
	for i := range w.Wave.Status.Attempts {
		w.Wave.Status.Attempts[i].WithdrawnAt = v1alpha1.StampOf(hour(60))
	}
}

// justExposed is a device that the current attempt asked in a moment ago, which its list of members does not show, and that no
// earlier attempt has.
func justExposed(w *World, n int) {
	w.Ledger.Ledger.Entries[n].AskedAt = audience.StampOf(w.Now)
	delete(w.Members, device(n))
	w.EarlierGroups[1] = GroupReading{Settled: true}
}

// TestEarlier: what the groups of earlier attempts are not, and what is repaired of it.
func TestEarlier(t *testing.T) {
	stranger := func(w *World) { w.earlierGroup(func(g *GroupReading) { g.Members[device(90)] = true }) }
	missing := func(w *World) { w.earlierGroup(func(g *GroupReading) { delete(g.Members, device(4)) }) }
	for name, tt := range map[string]struct {
		change             func(*World)
		state              EarlierState
		part               string
		repairs, settles   bool
		lost               int
		missing, strangers []audience.ID
	}{
		"as they should be":           {func(*World) {}, EarlierWhole, "", false, true, 0, nil, nil},
		"a stranger":                  {stranger, EarlierDrifted, "has 1 members that this wave did not expose", true, false, 0, nil, []audience.ID{device(90)}},
		"one missing":                 {missing, EarlierDrifted, "lacks 1 exposed devices", true, false, 0, []audience.ID{device(4)}, nil},
		"missing, excluded":           {func(w *World) { missing(w); w.Excluded[device(4)] = true }, EarlierWhole, "", false, false, 0, nil, nil},
		"missing, exclusions unknown": {func(w *World) { missing(w); w.Excluded = nil }, EarlierWhole, "", false, false, 0, nil, nil},
		"missing, superseded before it was proven": {func(w *World) {
			missing(w)
			w.Wave.Status.Attempts[0].SucceededAt, w.Wave.Status.History = nil, []v1alpha1.AttemptRecord{{Attempt: 1, Outcome: OutcomeSuperseded}}
		}, EarlierDrifted, "lacks 1", true, false, 0, []audience.ID{device(4)}, nil},
		"missing, aborted": {func(w *World) {
			missing(w)
			w.Wave.Status.Attempts[0].SucceededAt, w.Wave.Status.History = nil, []v1alpha1.AttemptRecord{{Attempt: 1, Outcome: "Aborted"}}
		}, EarlierWhole, "", false, true, 0, nil, nil},
		"a stranger after an abort": {func(w *World) { stranger(w); w.Wave.Status.Attempts[0].SucceededAt = nil }, EarlierDrifted, "has 1", true, false, 0, nil, []audience.ID{device(90)}},
		"deleted":                   {func(w *World) { w.EarlierGroups[1] = GroupReading{GroupGone: true} }, EarlierGone, "was deleted in the tenant", false, false, 1, nil, nil},
		"not read":                  {func(w *World) { w.EarlierGroups = nil }, "", "", false, false, 0, nil, nil},
		"record lost": {func(w *World) {
			stranger(w)
			w.Earlier[1] = audience.Reading{State: audience.LedgerLost, Message: "not there"}
		}, EarlierUntold, "not there", false, false, 0, nil, nil},
		"settled":    {func(w *World) { w.EarlierGroups[1] = GroupReading{Settled: true} }, EarlierWhole, "", false, false, 0, nil, nil},
		"taken back": {func(w *World) { stranger(w); w.Wave.Status.Attempts[0].WithdrawnAt = v1alpha1.StampOf(hour(60)) }, EarlierWhole, "", false, false, 0, nil, nil},
	} {
		w := nextWorld()
		tt.change(&w)
		got := w.earlier()
		if got.State != tt.state || !strings.Contains(got.Message, tt.part) || len(w.Lost()) != tt.lost {
			t.Errorf("%s: %+v, lost %v", name, got, w.Lost())
		}
		a, drifted := w.Drifted()
		if drifted != tt.repairs {
			t.Errorf("%s: repairs %t", name, drifted)
		}
		if drifted {
			if m, s := w.MemberDrift(a); !slices.Equal(m, tt.missing) || !slices.Equal(s, tt.strangers) {
				t.Errorf("%s: missing %v, strangers %v", name, m, s)
			}
		}
		if all := w.StandingEarlier(); len(all) > 0 && w.Settles(all[0]) != tt.settles {
			t.Errorf("%s: settles %t", name, !tt.settles)
		}
	}
}

// TestEarlierTogether: what is certain of one group is said although nothing is known of another, and a loss weighs most.
func TestEarlierTogether(t *testing.T) {
	w := nextWorld()
	w.Wave.Status.Attempt, w.Wave.Status.Phase = 3, pending
	w.earlierGroup(func(g *GroupReading) { g.Members[device(90)] = true })
	if got := w.earlier(); got.State != EarlierDrifted {
		t.Errorf("one drifted, one not read: %+v", got)
	}
	w.EarlierGroups[2] = GroupReading{GroupGone: true}
	if got := w.earlier(); got.State != EarlierGone || !strings.Contains(got.Message, "g2") || !strings.Contains(got.Message, "group g of attempt 1") {
		t.Errorf("one drifted, one gone: %+v", got)
	}
	w.EarlierGroups[1] = GroupReading{Settled: true}
	delete(w.EarlierGroups, 2)
	if got := w.earlier(); got.State != "" {
		t.Errorf("one settled, one not read: %+v", got)
	}
}
