// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"
)

// told is what there is to note of a ledger whose entries are devices, each of which keeps its enrolment, and report words.
func told(l *Ledger, words map[ID]Word) []Heard {
	var out []Heard
	for i, e := range l.Entries {
		word, ok := words[e.ID]
		if !ok {
			continue
		}
		h := Heard{Entry: i, Last: word, Failures: Fold(i, l.FailuresOf(i), EnrolmentOf(e.ID, e.ID, start), word)}
		if worst := Worst(h.Failures); worst != WordNone {
			h.Last.Kind = worst
		}
		out = append(out, h)
	}
	return out
}

func TestSame(t *testing.T) {
	object, record := ID{1}, ID{2}
	base := EnrolmentOf(object, record, start)
	for name, c := range map[string]struct {
		a, b Enrolment
		want bool
	}{
		"itself":                      {base, EnrolmentOf(object, record, start), true},
		"a part of a second":          {base, EnrolmentOf(object, record, start.Add(300*time.Millisecond)), true},
		"another record":              {base, EnrolmentOf(object, ID{3}, start), false},
		"another object":              {base, EnrolmentOf(ID{3}, record, start), false},
		"enrolled again, same record": {base, EnrolmentOf(object, record, start.Add(time.Hour)), false},
		"time not known":              {base, EnrolmentOf(object, record, time.Time{}), true},
		"no record":                   {EnrolmentOf(object, ID{}, start), EnrolmentOf(object, ID{}, start), false},
	} {
		if c.a.Same(c.b) != c.want || c.b.Same(c.a) != c.want {
			t.Errorf("%s: want %t", name, c.want)
		}
	}
}

// TestPromise15_FoldByTheWholeHistory: a person has up to seven devices, which report, are enrolled anew, given away and lost. What
// the ledger keeps of their failures counts as what the whole history says, and the ledger can always be stored.
func TestPromise15_FoldByTheWholeHistory(t *testing.T) {
	recovered, crowded := 0, 0
	for seed := range int64(3000) {
		r := rand.New(rand.NewSource(seed))
		l := NewLedger(header(), fleet(seed, 3))
		l, _ = l.Expose(3, start)
		devices := 1 + r.Intn(7)
		story := &history15{failed: map[string]Word{}}
		for step := range 30 {
			at := StampOf(start.Add(time.Duration(step*60+r.Intn(120)) * time.Minute)) // two reports may come in the other order
			device, again := r.Intn(devices), r.Intn(2)
			word := Word{Kind: []WordKind{WordSucceeded, WordFailed, WordConflict, WordNotApplicable}[r.Intn(4)], At: at}
			enrolment := EnrolmentOf(ID{byte(device + 1)}, ID{9, byte(device), byte(again)}, start)
			story.hear(fmt.Sprint(device, "/", again), word)
			before := l.FailuresOf(1)
			kept := slices.Clone(before)
			failures := Fold(1, before, enrolment, word)
			if !slices.Equal(before, kept) {
				t.Fatalf("seed %d: Fold wrote to what it was given", seed)
			}
			last := Word{Kind: Worst(failures), At: max(at, l.Entries[1].Last.At)}
			if last.Kind == WordNone {
				last.Kind = word.Kind
				if word.Kind == WordSucceeded && l.Entries[1].FailedOnce {
					recovered++
				}
			}
			next, _ := l.Hear([]Heard{{Entry: 1, Last: last, Failures: failures}})
			if err := next.validate(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			if err := next.Follows(&l, start); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			l = next
			want := story.worst()
			if story.most > MaxFailures { // told apart no more: it may count as more than the history says, and never as less
				crowded++
				if got := Worst(l.FailuresOf(1)); got != want && !got.worse(want) {
					t.Fatalf("seed %d, step %d: counts as %q, the history says %q", seed, step, got, want)
				}
				continue
			}
			if got := Worst(l.FailuresOf(1)); got != want || len(l.FailuresOf(1)) != len(story.failed) {
				t.Fatalf("seed %d, step %d: counts as %q by %+v, the history says %q by %v", seed, step, got, l.FailuresOf(1), want, story.failed)
			}
			if l.Entries[1].FailedOnce != (story.most > 0) {
				t.Fatalf("seed %d: failed once %t", seed, l.Entries[1].FailedOnce)
			}
		}
	}
	if recovered < 100 || crowded < 100 {
		t.Errorf("%d recoveries and %d crowded people: the history is too tame", recovered, crowded)
	}
}

// history15 is all that the devices of a person said, kept by name.
type history15 struct {
	failed map[string]Word
	most   int
}

func (h *history15) hear(device string, w Word) {
	was, failed := h.failed[device]
	switch {
	case w.Kind == WordSucceeded && failed && w.At > was.At:
		delete(h.failed, device)
	case w.Kind == WordFailed && was.Kind != WordFailed, w.Kind == WordConflict && !failed:
		h.failed[device] = Word{w.Kind, max(w.At, was.At)}
	}
	h.most = max(h.most, len(h.failed))
}

func (h *history15) worst() WordKind {
	worst := WordNone
	for _, w := range h.failed {
		if w.Kind == WordFailed || worst == WordNone {
			worst = w.Kind
		}
	}
	return worst
}

// TestHearKeepsTheFailuresOfOthers: what is heard of one entry leaves the failures of the entries around it.
func TestHearKeepsTheFailuresOfOthers(t *testing.T) {
	ids := fleet(7, 6)
	l := NewLedger(header(), ids)
	l, _ = l.Expose(6, start)
	at := func(h int) Stamp { return StampOf(start.Add(time.Duration(h) * time.Hour)) }
	l, _ = l.Hear(told(&l, map[ID]Word{ids[1]: {WordFailed, at(1)}, ids[3]: {WordConflict, at(1)}, ids[4]: {WordFailed, at(1)}}))
	l, _ = l.Hear(told(&l, map[ID]Word{ids[0]: {WordConflict, at(2)}, ids[3]: {WordSucceeded, at(2)}, ids[5]: {WordFailed, at(2)}}))
	var got []string
	for i := range l.Entries {
		got = append(got, fmt.Sprintf("%s %d %t", l.Entries[i].Last.Kind, len(l.FailuresOf(i)), l.Entries[i].FailedOnce))
	}
	want := "Conflict 1 true|Failed 1 true| 0 false|Succeeded 0 true|Failed 1 true|Failed 1 true"
	if strings.Join(got, "|") != want || len(l.Failures) != 4 {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
	if err := l.validate(); err != nil {
		t.Error(err)
	}
	if next, ids := l.Hear(told(&l, map[ID]Word{ids[1]: {WordSucceeded, at(1)}, ids[5]: {WordNotApplicable, at(3)}})); len(ids) != 1 || len(next.Failures) != 4 {
		t.Errorf("a success that is not later, or a word that is none, takes a failure back: %v", next.Failures)
	}
}

// TestFailuresRefused: a ledger whose failures contradict its entries is not stored and not believed.
func TestFailuresRefused(t *testing.T) {
	ids := fleet(7, 3)
	base := NewLedger(header(), ids)
	base, _ = base.Expose(3, start)
	base, _ = base.Hear(told(&base, map[ID]Word{ids[1]: {WordFailed, 9}}))
	for name, c := range map[string]struct {
		edit func(*Ledger)
		says string
	}{
		"as it was":              {func(*Ledger) {}, ""},
		"dropped":                {func(l *Ledger) { l.Failures = nil }, `last word "Failed", and its failures say ""`},
		"dropped with its word":  {func(l *Ledger) { l.Failures, l.Entries[1].Last.Kind = nil, WordSucceeded }, ""}, // Follows sees no more than that it failed once
		"never failed":           {func(l *Ledger) { l.Entries[1].FailedOnce = false }, "never failed"},
		"no last word":           {func(l *Ledger) { l.Entries[2].FailedOnce = true }, "no last word"},
		"of another entry":       {func(l *Ledger) { l.Failures[0].Entry = 2 }, "failures say"},
		"of no entry":            {func(l *Ledger) { l.Failures[0].Entry = 3 }, "failures say"},
		"beyond the last":        {func(l *Ledger) { l.Failures = append(l.Failures, Failure{Entry: 3, Kind: WordFailed, At: 9}) }, "not there"},
		"out of order":           {func(l *Ledger) { l.Failures = append(l.Failures, l.Failures[0]) }, "out of order"},
		"of a word that is good": {func(l *Ledger) { l.Failures[0].Kind = WordSucceeded }, "failures say"},
		"later than the word":    {func(l *Ledger) { l.Failures[0].At = 10 }, "last word at"},
		"time without a device":  {func(l *Ledger) { l.Failures[0].Enrolment.Device = 0 }, "no device"},
		"too many": {func(l *Ledger) {
			for i := range uint32(MaxFailures) {
				l.Failures = append(l.Failures, Failure{Entry: 1, Enrolment: Enrolment{Device: i + 1<<31}, Kind: WordFailed, At: 9})
			}
		}, "5 failures"},
	} {
		l := base
		l.Entries, l.Failures = slices.Clone(base.Entries), slices.Clone(base.Failures)
		c.edit(&l)
		_, err := Stored{}.Encode(&l, 1)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	forgotten := base
	forgotten.Entries, forgotten.Failures = slices.Clone(base.Entries), nil
	forgotten.Entries[1].Last.Kind, forgotten.Entries[1].FailedOnce = WordSucceeded, false
	if err := forgotten.Follows(&base, start); err == nil || !strings.Contains(err.Error(), "failed once") {
		t.Errorf("a failure that never was: %v", err)
	}
}
