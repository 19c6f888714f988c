// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// setFacts changes what the fleet says of a device.
func setFacts(w *World, i int, change func(*diagnosis.Facts)) {
	r, _ := w.Fleet.(reading)
	f := r.facts[device(i)]
	change(&f)
	r.facts[device(i)] = f
}

// keep stores what was learned, as the controller does, and says whether there was anything.
func keep(w *World) bool {
	l := w.Learned()
	if l != nil {
		w.Ledger = readOf(l)
	}
	return l != nil
}

// TestPromise12_NothingLearnedIsNotStored: the same world teaches its ledger once.
func TestPromise12_NothingLearnedIsNotStored(t *testing.T) {
	w := aWorld(15)
	if !keep(&w) {
		t.Fatal("fifteen devices reported, and nothing was learned")
	}
	if c := w.Record().Counts(); c.Words[audience.WordSucceeded] != 15 || c.Confirmed != 15 {
		t.Errorf("%+v", c)
	}
	setFacts(&w, 0, func(f *diagnosis.Facts) { f.Report = &diagnosis.Report{At: w.Now, Status: diagnosis.StatusSucceeded} })
	if keep(&w) {
		t.Error("a report that says the same again is no news")
	}
	w.Ledger.Ahead = true
	if w.Learned() == nil {
		t.Error("what the status does not bind yet is stored again")
	}
}

// TestLearned: members that the tenant shows are confirmed, those that it never shows because they are gone are refused, and
// nothing is learned of an attempt that was taken back, or without a list.
func TestLearned(t *testing.T) {
	unconfirmed := func() World {
		w := aWorld(15)
		for i := range w.Ledger.Ledger.Entries {
			w.Ledger.Ledger.Entries[i].ConfirmedAt = 0
		}
		return w
	}
	w := unconfirmed()
	delete(w.Members, device(3))
	delete(w.Members, device(4))
	r, _ := w.Fleet.(reading)
	delete(r.facts, device(4))
	keep(&w)
	l := w.Record().Entries
	if l[0].ConfirmedAt != audience.StampOf(w.Now) || !l[3].ConfirmedAt.IsZero() || l[3].Refused != audience.RefusedNot || l[4].Refused != audience.RefusedGone || !l[20].ConfirmedAt.IsZero() {
		t.Errorf("%+v", l[:5])
	}
	for name, change := range map[string]func(*World){
		"not read":    func(w *World) { w.Members = nil },
		"group gone":  func(w *World) { w.Members, w.GroupGone = nil, true },
		"withdrawn":   func(w *World) { w.Wave.Status.Attempts[0].WithdrawnAt = v1alpha1.StampOf(hour(1)) },
		"no group":    func(w *World) { w.Wave.Status.Attempts[0].GroupID = "" },
		"ledger lost": func(w *World) { w.Ledger.State = audience.LedgerLost },
	} {
		w := unconfirmed()
		change(&w)
		if l := w.Learned(); l != nil {
			t.Errorf("%s: %+v", name, l.Counts())
		}
	}
}

// TestPromise15_LastWordCounts: a failure is not undone by the device's going away, neither is a success; what the device says
// later counts in its place.
func TestPromise15_LastWordCounts(t *testing.T) {
	failed := func(f *diagnosis.Facts) { f.Report = &diagnosis.Report{At: hour(71), Status: diagnosis.StatusError} }
	gone := func(f *diagnosis.Facts) { *f = diagnosis.Facts{} }
	count := func(w World) v1alpha1.DeviceCounts {
		_, m, err := w.Situation()
		if err != nil {
			t.Fatal(err)
		}
		return m.Evidence.Devices
	}
	w := aWorld(15)
	setFacts(&w, 0, failed)
	keep(&w)
	before := count(w)
	if before.Failed != 1 || before.Succeeded != 14 {
		t.Fatalf("%+v", before)
	}
	for name, change := range map[string]func(*diagnosis.Facts){
		"wiped":                 gone,
		"retired, still listed": func(f *diagnosis.Facts) { f.Managed, f.Report = false, nil },
		"enrolled again":        func(f *diagnosis.Facts) { f.Report = nil },
	} {
		w := w
		r, _ := w.Fleet.(reading)
		was0, was1 := r.facts[device(0)], r.facts[device(1)]
		setFacts(&w, 0, change)
		setFacts(&w, 1, change)
		keep(&w)
		if got := count(w); got != before {
			t.Errorf("%s: %+v, before %+v", name, got, before)
		}
		r.facts[device(0)], r.facts[device(1)] = was0, was1
	}
	setFacts(&w, 0, func(f *diagnosis.Facts) {
		f.Report = &diagnosis.Report{At: hour(71.5), Status: diagnosis.StatusSucceeded}
	})
	keep(&w)
	if got := count(w); got.Failed != 0 || got.Succeeded != 15 {
		t.Errorf("recovered: %+v", got)
	}
	// A success of a device that nobody has heard of for long lapses; a failure does not.
	setFacts(&w, 0, failed)
	keep(&w)
	for i := range 2 {
		setFacts(&w, i, func(f *diagnosis.Facts) { f.LastSync = hour(72).Add(-200 * time.Hour) })
	}
	if got := count(w); got.Failed != 1 || got.Succeeded != 13 {
		t.Errorf("silent: %+v", got)
	}
}

// TestExcludedAndRefusedCount: who was excluded keeps a word, and is not counted without one; who was refused counts once they were
// a member.
func TestExcludedAndRefusedCount(t *testing.T) {
	w := aWorld(15)
	keep(&w)
	next, _ := w.Record().Exclude(ids(1), w.Now)                           // exposed, and succeeded
	next, _ = next.Exclude([]audience.ID{device(30)}, w.Now)               // pending
	next, _ = next.Refuse([]audience.ID{device(31)}, audience.RefusedGone) // pending
	next, _ = next.Refuse([]audience.ID{device(3)}, audience.RefusedUnusable)
	w.Ledger = readOf(&next)
	_, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	d := m.Evidence.Devices
	if d.Succeeded != 15 || d.Pending != 23 || m.Audience.Eligible != 38 || m.Audience.Excluded != 2 || m.Audience.Refused != 2 {
		t.Errorf("%+v %+v", d, m.Audience)
	}
	found := map[string]int32{}
	for _, f := range m.Evidence.Findings {
		found[f.Reason] = f.Count
		if f.Runbook == "" || len(f.Samples) != 1 {
			t.Errorf("%+v", f)
		}
	}
	if len(found) != 2 || found[diagnosis.ReasonMemberGone] != 1 || found[diagnosis.ReasonMemberRefused] != 1 {
		t.Errorf("who was refused is not told: %v", found)
	}
	w.Excluded = map[audience.ID]bool{device(0): true, device(2): true, device(32): true}
	in, all := w.Exclusions(w.CurrentAttempt())
	if !slices.Equal(in, []audience.ID{device(0), device(2)}) || len(all) != 2 { // the first was marked, and is in the group all the same
		t.Errorf("%v %v", in, all)
	}
}

// TestUnitUser: people are judged by all of their devices.
func TestUnitUser(t *testing.T) {
	w := aWorld(2)
	w.Policy.Spec.Unit = v1alpha1.UnitUser
	r, _ := w.Fleet.(reading)
	r.owned = map[audience.ID][]audience.ID{device(0): {device(10), device(11)}, device(1): {device(12)}}
	w.Fleet = r
	setFacts(&w, 11, func(f *diagnosis.Facts) { f.Report = &diagnosis.Report{At: hour(71), Status: diagnosis.StatusError} })
	keep(&w)
	_, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	if d := m.Evidence.Devices; d.Failed != 1 || d.Succeeded != 1 || d.Pending != 38 {
		t.Errorf("%+v", d)
	}
}
