// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// WaveKey identifies the wave of a ledger by its uid, so that a ledger that was copied from another wave is recognised.
type WaveKey [16]byte

// WaveKeyOf returns the key of a wave's uid.
func WaveKeyOf(uid string) WaveKey {
	sum := sha256.Sum256([]byte(uid))
	return WaveKey(sum[:len(WaveKey{})])
}

// Header is what never changes during an attempt.
type Header struct {
	// Wave that the ledger belongs to.
	Wave WaveKey
	// Attempt is the number of the attempt, from 1.
	Attempt int32
	// Revision of the payload that the attempt exposes, from 0.
	Revision int32
	// Unit is what the entries are.
	Unit v1alpha1.Unit
	// Growing says that entries may join after the audience was resolved. A ledger that does not grow never has a new one.
	Growing bool
	// PayloadHash is the payload that the attempt exposes, at most 255 bytes.
	PayloadHash string
}

// Refusal is what the tenant refused for one entry, while the others went on.
type Refusal uint8

// Refusals. The numbers are stored.
const (
	// RefusedNot: nothing was refused.
	RefusedNot Refusal = iota
	// RefusedGone: the directory no longer has the object.
	RefusedGone
	// RefusedUnusable: the object is of another kind, or the tenant does not take it as a member.
	RefusedUnusable
	refusals
)

// Word is the last that was heard of an entry. Of a person it is what their devices say together.
type Word struct {
	Kind WordKind
	// At is the time of the newest report that it rests on.
	At Stamp
}

// Entry is one device or user of a ledger. Its times are set once and never taken back.
type Entry struct {
	// ID is the Entra object id.
	ID ID
	// AskedAt is when its exposure was asked for; never while it is pending.
	AskedAt Stamp
	// ConfirmedAt is when the tenant first showed it as a member. Clocks of the gate start here.
	ConfirmedAt Stamp
	// ExcludedAt is when it was excluded after the audience was resolved; it is not exposed from then on.
	ExcludedAt Stamp
	// JoinedAt is when it entered a growing audience; never for those that were in it from the start.
	JoinedAt Stamp
	// Last word of it: a failure or a conflict as long as one of the ledger's Failures is of the entry.
	Last Word
	// Refused says what the tenant refused for it.
	Refused Refusal
	// FailedOnce: one of its devices has failed or was in conflict, be it that it succeeded since. It is never taken back.
	FailedOnce bool
}

// Exposed says whether the entry is to be in the wave's group: asked for, not refused and not excluded.
func (e Entry) Exposed() bool {
	return !e.AskedAt.IsZero() && e.Refused == RefusedNot && e.ExcludedAt.IsZero()
}

// Pending says whether the entry may be exposed and is not yet.
func (e Entry) Pending() bool {
	return e.AskedAt.IsZero() && e.Refused == RefusedNot && e.ExcludedAt.IsZero()
}

// Ledger is the membership of one attempt of a wave and what became of each entry. Nothing outside it is ever exposed by
// the attempt (P2), and every outcome can be recomputed from it and the inventory (P10).
//
// Its methods return copies. A copy is to be stored before the tenant is written, so that after a crash it names every
// entry that may have been exposed, and a repeated write exposes nobody new (P5).
type Ledger struct {
	Header
	// Entries stand in the order of exposure.
	Entries []Entry
	// Failures are the devices of the entries that failed or are in conflict, in the order of [Failure.Compare]. Few
	// entries have one, at most MaxFailures each; see [Ledger.FailuresOf].
	Failures []Failure
}

// NewLedger begins an attempt: every entry pending, in the order given, which is the order in which they will be exposed.
// An id that is listed twice is kept once.
func NewLedger(h Header, ids []ID) Ledger {
	l := Ledger{Header: h, Entries: make([]Entry, 0, len(ids))}
	known := make(map[ID]struct{}, len(ids))
	for _, id := range ids {
		if _, twice := known[id]; twice {
			continue
		}
		known[id] = struct{}{}
		l.Entries = append(l.Entries, Entry{ID: id})
	}
	return l
}

// Expose asks for the exposure of the first n pending entries at now, and returns these. Fewer than n are exposed when
// fewer are pending; none when n is below 1 or now is no [Stamp].
func (l *Ledger) Expose(n int, now time.Time) (Ledger, []ID) {
	at := StampOf(now)
	left := n
	return l.change(func(e *Entry) bool {
		if left < 1 || at.IsZero() || !e.Pending() {
			return false
		}
		left--
		e.AskedAt = at
		return true
	})
}

// Confirm notes that the tenant shows ids as members at now, and returns those of which it was not known. An id that is
// not exposed is passed over: a stranger in the group confirms nothing.
func (l *Ledger) Confirm(ids []ID, now time.Time) (Ledger, []ID) {
	at, shown := StampOf(now), setOf(ids)
	return l.change(func(e *Entry) bool {
		if !shown[e.ID] || !e.Exposed() || !e.ConfirmedAt.IsZero() || at.IsZero() {
			return false
		}
		e.ConfirmedAt = max(at, e.AskedAt) // another leader's clock may be a little ahead
		return true
	})
}

// Refuse notes why the tenant refused ids, and returns those of which it was not known. The first refusal stands.
func (l *Ledger) Refuse(ids []ID, why Refusal) (Ledger, []ID) {
	refused := setOf(ids)
	return l.change(func(e *Entry) bool {
		if !refused[e.ID] || e.Refused != RefusedNot || why == RefusedNot || why >= refusals {
			return false
		}
		e.Refused = why
		return true
	})
}

// Exclude takes ids out of the audience at now, exposed or not, and returns those that were still in it.
func (l *Ledger) Exclude(ids []ID, now time.Time) (Ledger, []ID) {
	at, excluded := StampOf(now), setOf(ids)
	return l.change(func(e *Entry) bool {
		if !excluded[e.ID] || !e.ExcludedAt.IsZero() || at.IsZero() {
			return false
		}
		e.ExcludedAt = max(at, e.AskedAt)
		return true
	})
}

// Join appends ids to a growing audience at now, in the order given, and returns those that are new. Nobody joins an
// audience that does not grow.
func (l *Ledger) Join(ids []ID, now time.Time) (Ledger, []ID) {
	out := Ledger{Header: l.Header, Entries: slices.Clone(l.Entries), Failures: l.Failures}
	at := StampOf(now)
	if !l.Growing || at.IsZero() {
		return out, nil
	}
	known := l.Index()
	var joined []ID
	for _, id := range ids {
		if _, member := known[id]; member || id.IsZero() {
			continue
		}
		e := Entry{ID: id, JoinedAt: at}
		known[id] = e
		out.Entries, joined = append(out.Entries, e), append(joined, id)
	}
	return out, joined
}

// change returns a copy in which edit was called on each entry, and those for which it said yes.
func (l *Ledger) change(edit func(*Entry) bool) (Ledger, []ID) {
	out := Ledger{Header: l.Header, Entries: slices.Clone(l.Entries), Failures: l.Failures}
	var changed []ID
	for i := range out.Entries {
		if edit(&out.Entries[i]) {
			changed = append(changed, out.Entries[i].ID)
		}
	}
	return out, changed
}

func setOf(ids []ID) map[ID]bool {
	out := make(map[ID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// IDs returns all entries' ids in the order of exposure.
func (l *Ledger) IDs() []ID {
	ids := make([]ID, len(l.Entries))
	for i, e := range l.Entries {
		ids[i] = e.ID
	}
	return ids
}

// Pending returns whom the attempt may still expose, the next first.
func (l *Ledger) Pending() []ID {
	var ids []ID
	for _, e := range l.Entries {
		if e.Pending() {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// Exposed returns the entries that are to be in the wave's group, in the order of exposure.
func (l *Ledger) Exposed() []Entry {
	var entries []Entry
	for _, e := range l.Entries {
		if e.Exposed() {
			entries = append(entries, e)
		}
	}
	return entries
}

// Contains says whether id is a member. It reads the whole ledger; use [Ledger.Index] for many.
func (l *Ledger) Contains(id ID) bool {
	return slices.ContainsFunc(l.Entries, func(e Entry) bool { return e.ID == id })
}

// Index returns the entries by id.
func (l *Ledger) Index() map[ID]Entry {
	index := make(map[ID]Entry, len(l.Entries))
	for _, e := range l.Entries {
		index[e.ID] = e
	}
	return index
}

// LastExposedAt returns when exposure was last asked for, whatever became of it; the zero time when it never was.
func (l *Ledger) LastExposedAt() time.Time {
	var last Stamp
	for _, e := range l.Entries {
		last = max(last, e.AskedAt)
	}
	return last.Time()
}

// Counts are the entries of a ledger by what is noted of them; one entry may count in several.
type Counts struct {
	Entries, Asked, Confirmed, Refused, Excluded, Joined int
	// Words counts the last words by kind.
	Words map[WordKind]int
}

// Counts counts the entries.
func (l *Ledger) Counts() Counts {
	c := Counts{Entries: len(l.Entries), Words: map[WordKind]int{}}
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	for _, e := range l.Entries {
		count(&c.Asked, !e.AskedAt.IsZero())
		count(&c.Confirmed, !e.ConfirmedAt.IsZero())
		count(&c.Refused, e.Refused != RefusedNot)
		count(&c.Excluded, !e.ExcludedAt.IsZero())
		count(&c.Joined, !e.JoinedAt.IsZero())
		if e.Last.Kind != WordNone {
			c.Words[e.Last.Kind]++
		}
	}
	return c
}
