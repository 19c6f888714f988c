// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var start = time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC)

func header() Header {
	return Header{Wave: WaveKeyOf("uid-a"), Attempt: 3, Revision: 2, Unit: v1alpha1.UnitDevice, PayloadHash: "sha256:payload"}
}

func growing() Header {
	h := header()
	h.Growing = true
	return h
}

// exposedLedger has n devices of which the first exposed are exposed, in two batches eight hours apart.
func exposedLedger(n, exposed int) Ledger {
	l := NewLedger(header(), Order(fleet(9, n), "s"))
	l, _ = l.Expose(exposed/2, start)
	l, _ = l.Expose(exposed-exposed/2, start.Add(8*time.Hour))
	return l
}

func TestNewLedgerKeepsOrderAndListsEachDeviceOnce(t *testing.T) {
	ids := fleet(1, 5)
	l := NewLedger(header(), append(slices.Clone(ids), ids[2], ids[0]))
	if got := l.IDs(); !slices.Equal(got, ids) {
		t.Errorf("devices %v, want %v", got, ids)
	}
	if got := l.Pending(); !slices.Equal(got, ids) {
		t.Errorf("pending %v, want all", got)
	}
	if got := l.Exposed(); len(got) != 0 || !l.LastExposedAt().IsZero() {
		t.Errorf("exposed %v in a new ledger", got)
	}
}

func TestPromise02_ExposeTakesMembersInOrderAndEachOnce(t *testing.T) {
	ids := fleet(2, 25)
	l := NewLedger(header(), ids)
	var exposed []ID
	for i := range 4 {
		now := start.Add(time.Duration(i)*time.Hour + 700*time.Millisecond)
		before := l
		beforeEntries := slices.Clone(l.Entries)
		next, batch := l.Expose(10, now)
		if !slices.Equal(before.Entries, beforeEntries) {
			t.Fatal("Expose changed the ledger it was called on")
		}
		exposed = append(exposed, batch...)
		if got := next.Pending(); !slices.Equal(got, ids[len(exposed):]) {
			t.Fatalf("batch %d: pending %v", i, got)
		}
		for _, id := range batch {
			if got := next.Index()[id].AskedAt; got != StampOf(now) {
				t.Fatalf("batch %d: %s exposed at %s", i, id, got)
			}
		}
		l = next
	}
	if !slices.Equal(exposed, ids) {
		t.Errorf("exposed %v, want each member once and in order", exposed)
	}
	if got, want := l.LastExposedAt(), start.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("last exposed at %s, want %s", got, want)
	}
	if !l.Contains(ids[24]) || l.Contains(fleet(99, 1)[0]) {
		t.Error("Contains does not tell members from others")
	}
}

func TestExposeNobody(t *testing.T) {
	l := NewLedger(header(), fleet(2, 5))
	for name, c := range map[string]struct {
		n   int
		now time.Time
	}{
		"no device":       {0, start},
		"negative":        {-3, start},
		"zero time":       {5, time.Time{}},
		"the epoch":       {5, time.Unix(0, 0)},
		"before the unit": {5, time.Unix(0, 999_999_999)},
	} {
		next, batch := l.Expose(c.n, c.now)
		if len(batch) != 0 || len(next.Exposed()) != 0 {
			t.Errorf("%s: exposed %v", name, batch)
		}
	}
}

// TestWhatIsNotedOfAnEntry: each verb changes whom it is for, tells whom that was, leaves the ledger it was called on, and
// does nothing the second time (P12).
func TestWhatIsNotedOfAnEntry(t *testing.T) {
	ids := fleet(3, 6)
	base := NewLedger(growing(), ids)
	base, _ = base.Expose(3, start)
	later := start.Add(time.Hour)
	failed := map[ID]Word{ids[0]: {WordFailed, StampOf(later)}, ids[5]: {WordFailed, StampOf(later)}}
	for name, c := range map[string]struct {
		do   func(*Ledger) (Ledger, []ID)
		want []ID
		same func(Entry) bool
	}{
		"confirm the exposed only": {func(l *Ledger) (Ledger, []ID) { return l.Confirm(ids, later) }, ids[:3], func(e Entry) bool { return e.ConfirmedAt == StampOf(later) }},
		"confirm, clock behind":    {func(l *Ledger) (Ledger, []ID) { return l.Confirm(ids[:1], start.Add(-time.Minute)) }, ids[:1], func(e Entry) bool { return e.ConfirmedAt == e.AskedAt }},
		"refuse":                   {func(l *Ledger) (Ledger, []ID) { return l.Refuse(ids[2:4], RefusedGone) }, ids[2:4], func(e Entry) bool { return !e.Pending() && !e.Exposed() }},
		"refuse for no reason":     {func(l *Ledger) (Ledger, []ID) { return l.Refuse(ids, RefusedNot) }, nil, nil},
		"refuse, unknown reason":   {func(l *Ledger) (Ledger, []ID) { return l.Refuse(ids, 9) }, nil, nil},
		"exclude":                  {func(l *Ledger) (Ledger, []ID) { return l.Exclude(ids[2:4], later) }, ids[2:4], func(e Entry) bool { return !e.Pending() && !e.Exposed() }},
		"hear of the asked only":   {func(l *Ledger) (Ledger, []ID) { return l.Hear(told(l, failed)) }, ids[:1], func(e Entry) bool { return e.Last.Kind == WordFailed }},
		"hear nothing":             {func(l *Ledger) (Ledger, []ID) { return l.Hear(told(l, map[ID]Word{ids[0]: {}})) }, nil, nil},
		"join":                     {func(l *Ledger) (Ledger, []ID) { return l.Join(append(fleet(8, 2), ids[0], ID{}), later) }, fleet(8, 2), func(e Entry) bool { return e.Pending() && e.JoinedAt == StampOf(later) }},
		"no time":                  {func(l *Ledger) (Ledger, []ID) { return l.Exclude(ids, time.Time{}) }, nil, nil},
	} {
		before := slices.Clone(base.Entries)
		next, got := c.do(&base)
		if !slices.Equal(base.Entries, before) {
			t.Fatalf("%s: it changed the ledger it was called on", name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, id := range got {
			if e := next.Index()[id]; !c.same(e) {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if err := next.validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := c.do(&next); len(again) != 0 {
			t.Errorf("%s: again for %v", name, again)
		}
	}
	frozen := NewLedger(header(), ids)
	if next, joined := frozen.Join(fleet(8, 1), start); len(joined) != 0 || len(next.Entries) != len(ids) {
		t.Errorf("%v joined an audience that does not grow", joined)
	}
}

// TestPromise02_ExcludedAndRefusedAreNotExposed: whoever left the audience is passed over by every later batch.
func TestPromise02_ExcludedAndRefusedAreNotExposed(t *testing.T) {
	ids := fleet(4, 5)
	l := NewLedger(header(), ids)
	l, _ = l.Exclude(ids[:1], start)
	l, _ = l.Refuse(ids[2:3], RefusedUnusable)
	if want := []ID{ids[1], ids[3], ids[4]}; !slices.Equal(l.Pending(), want) {
		t.Errorf("pending %v, want %v", l.Pending(), want)
	}
	next, batch := l.Expose(5, start)
	if want := []ID{ids[1], ids[3], ids[4]}; !slices.Equal(batch, want) || len(next.Exposed()) != 3 {
		t.Errorf("exposed %v, want %v", batch, want)
	}
}

// TestALastWordIsNotTakenBackByAnOlderOne, whichever comes first.
func TestALastWordIsNotTakenBackByAnOlderOne(t *testing.T) {
	ids := fleet(5, 1)
	l := NewLedger(header(), ids)
	l, _ = l.Expose(1, start)
	l, _ = l.Hear(told(&l, map[ID]Word{ids[0]: {WordFailed, StampOf(start.Add(2 * time.Hour))}}))
	next, heard := l.Hear(told(&l, map[ID]Word{ids[0]: {WordSucceeded, StampOf(start.Add(time.Hour))}}))
	if len(heard) != 0 || next.Entries[0].Last.Kind != WordFailed {
		t.Errorf("an older word counts: %+v", next.Entries[0])
	}
}

func TestCounts(t *testing.T) {
	ids := fleet(6, 10)
	l := NewLedger(growing(), ids)
	l, _ = l.Expose(5, start)
	l, _ = l.Confirm(ids[:4], start.Add(time.Hour))
	l, _ = l.Refuse(ids[4:5], RefusedGone)
	l, _ = l.Exclude(ids[8:], start)
	l, _ = l.Join(fleet(7, 2), start)
	l, _ = l.Hear(told(&l, map[ID]Word{ids[0]: {WordFailed, 1}, ids[1]: {WordSucceeded, 1}, ids[2]: {WordSucceeded, 1}}))
	got := l.Counts()
	want := Counts{Entries: 12, Asked: 5, Confirmed: 4, Refused: 1, Excluded: 2, Joined: 2, Words: map[WordKind]int{WordFailed: 1, WordSucceeded: 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStamp(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"a time":           {start.Add(900 * time.Millisecond), "2026-10-02T08:00:00Z"},
		"the zero time":    {time.Time{}, "never"},
		"the epoch":        {time.Unix(0, 5), "never"},
		"the last of all":  {time.Unix(1<<32-1, 0), "2106-02-07T06:28:15Z"},
		"later than those": {time.Unix(1<<32, 0), "never"},
	} {
		if got := StampOf(c.at); got.String() != c.want || got.IsZero() != got.Time().IsZero() {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
