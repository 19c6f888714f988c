// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"
)

// MaxFailures is how many failed devices of one person a ledger tells apart. Where more fail, one of the places stands for
// all the others and is never taken back.
const MaxFailures = 4

// Enrolment names a device in one of its enrolments: once it is enrolled anew, it is another one.
type Enrolment struct {
	// Device is a hash of the device's Entra object id and of the id of Intune's record of it; 0 when there is no record.
	Device uint32
	// EnrolledAt is when Intune began to manage it; never when Intune does not say.
	EnrolledAt Stamp
}

// EnrolmentOf names a device by its Entra object id, the id of Intune's record of it, and when it was enrolled. One without
// a record has no enrolment.
func EnrolmentOf(object, record ID, enrolledAt time.Time) Enrolment {
	if record.IsZero() {
		return Enrolment{}
	}
	hash := crc32.Update(crc32.Checksum(object[:], castagnoli), castagnoli, record[:])
	return Enrolment{Device: max(hash, 1), EnrolledAt: StampOf(enrolledAt)}
}

// Same says that both are one device in one enrolment. A time that Intune does not say is no difference; a device without
// a record is never known to be another one's.
func (e Enrolment) Same(other Enrolment) bool {
	return e.Device != 0 && e.Device == other.Device &&
		(e.EnrolledAt == other.EnrolledAt || e.EnrolledAt.IsZero() || other.EnrolledAt.IsZero())
}

// Failure is a device that failed or is in conflict. It stands until that device, in that enrolment, reports a later
// success (P15): whatever becomes of the device, it is not taken back by anything else.
type Failure struct {
	// Entry is the position in the ledger of the device, or of the person whose it was.
	Entry int32
	// Enrolment is the device; the zero one stands for any number of devices that cannot be told apart.
	Enrolment Enrolment
	// Kind is WordFailed or WordConflict. A device that failed does not become one in conflict.
	Kind WordKind
	// At is the time of the report that first said so.
	At Stamp
}

// Compare orders failures by entry and device.
func (f Failure) Compare(other Failure) int {
	return cmp.Or(cmp.Compare(f.Entry, other.Entry), cmp.Compare(f.Enrolment.Device, other.Enrolment.Device),
		cmp.Compare(f.Enrolment.EnrolledAt, other.Enrolment.EnrolledAt))
}

// bad says whether a word of that kind makes a failure.
func (k WordKind) bad() bool { return k == WordFailed || k == WordConflict }

// worse says whether k makes more of a failure than other.
func (k WordKind) worse(other WordKind) bool {
	return k.bad() && k != other && (k == WordFailed || !other.bad())
}

// Worst is the kind by which these failures of one entry count: WordFailed before WordConflict, and WordNone for none.
func Worst(standing []Failure) WordKind {
	worst := WordNone
	for i := range standing {
		if standing[i].Kind.worse(worst) {
			worst = standing[i].Kind
		}
	}
	return worst
}

// Fold is what the failures of one entry become when one of its devices has that word, of a report that counts for the
// attempt. It returns standing itself when nothing changes, and does not write to it.
func Fold(entry int, standing []Failure, device Enrolment, word Word) []Failure {
	if !word.Kind.bad() && len(standing) == 0 {
		return standing
	}
	at := slices.IndexFunc(standing, func(f Failure) bool { return f.Enrolment.Same(device) })
	switch {
	case word.Kind == WordSucceeded && at >= 0 && word.At > standing[at].At:
		return slices.Delete(slices.Clone(standing), at, at+1)
	case word.Kind.bad() && at >= 0 && word.Kind.worse(standing[at].Kind):
		out := slices.Clone(standing)
		out[at].Kind, out[at].At = word.Kind, max(word.At, out[at].At)
		return out
	case word.Kind.bad() && at < 0:
		return fail(standing, Failure{Entry: int32(entry), Enrolment: device, Kind: word.Kind, At: word.At})
	}
	return standing
}

// fail adds one to the failures of an entry. One that cannot be told apart, or for which there is no place, joins the one
// that stands for all of these; where there is none yet, the last becomes it.
func fail(standing []Failure, f Failure) []Failure {
	if f.Enrolment.Device != 0 && len(standing) < MaxFailures {
		at, _ := slices.BinarySearchFunc(standing, f, Failure.Compare)
		return slices.Insert(slices.Clone(standing), at, f)
	}
	others := slices.IndexFunc(standing, func(f Failure) bool { return f.Enrolment == Enrolment{} })
	if others >= 0 && !f.Kind.worse(standing[others].Kind) {
		return standing
	}
	out := slices.Clone(standing)
	f.Enrolment = Enrolment{}
	if others < 0 && len(out) == MaxFailures {
		others = len(out) - 1
	}
	if others >= 0 {
		if out[others].Kind.worse(f.Kind) {
			f.Kind = out[others].Kind
		}
		f.At = max(f.At, out[others].At)
		out = slices.Delete(out, others, others+1)
	}
	return slices.Insert(out, 0, f) // no device is 0, and comes first
}

// FailuresOf are the failures of the entry at a position. They are a part of the ledger: nobody writes to them.
func (l *Ledger) FailuresOf(entry int) []Failure {
	if !l.Entries[entry].Last.Kind.bad() {
		return nil
	}
	return failuresIn(l.Failures, entry, entry+1)
}

// failuresIn are those of the entries from one position up to another.
func failuresIn(all []Failure, from, to int) []Failure {
	first := func(entry int) int {
		i, _ := slices.BinarySearchFunc(all, int32(entry), func(f Failure, entry int32) int { return cmp.Compare(f.Entry, entry) })
		return i
	}
	return slices.Clip(all[first(from):first(to)])
}

// Heard is what there is to note of an entry after a reading.
type Heard struct {
	// Entry is its position in the ledger.
	Entry int
	// Last word of it.
	Last Word
	// Failures of its devices that stand, in their order.
	Failures []Failure
}

// Hear notes what was heard, in the order of the entries, and returns those of which it was not known. A word that is older
// than the one known is passed over with its failures, and so is one of an entry that was never asked for.
func (l *Ledger) Hear(heard []Heard) (Ledger, []ID) {
	out := Ledger{Header: l.Header, Entries: slices.Clone(l.Entries)}
	var changed []ID
	rest := 0 // the failures from here on are of entries of which nothing was heard yet
	for _, h := range heard {
		e, standing := &out.Entries[h.Entry], l.FailuresOf(h.Entry)
		old := e.AskedAt.IsZero() || h.Last.At < e.Last.At || h.Last.At.IsZero() || h.Last.Kind == WordNone || h.Last.Kind >= wordKinds
		if old || h.Last == e.Last && slices.Equal(h.Failures, standing) {
			continue
		}
		e.Last, e.FailedOnce = h.Last, e.FailedOnce || len(h.Failures) > 0
		changed = append(changed, e.ID)
		until := rest + len(failuresIn(l.Failures[rest:], 0, h.Entry))
		out.Failures = append(append(out.Failures, l.Failures[rest:until]...), h.Failures...)
		rest = until + len(standing)
	}
	if len(changed) == 0 {
		out.Failures = l.Failures
		return out, nil
	}
	out.Failures = append(out.Failures, l.Failures[rest:]...)
	return out, changed
}

// validateFailures refuses failures that contradict the entries.
func (l *Ledger) validateFailures() error {
	rest := l.Failures
	for i := range l.Entries {
		n := 0
		for n < len(rest) && int(rest[n].Entry) == i {
			n++
		}
		if err := l.Entries[i].validateFailures(rest[:n]); err != nil {
			return fmt.Errorf("entry %d, %s: %w", i, l.Entries[i].ID, err)
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("a failure of entry %d, which is out of order or not there", rest[0].Entry)
	}
	return nil
}

// validateFailures compares the failures of one entry with it, and with each other.
func (e *Entry) validateFailures(standing []Failure) error {
	switch worst := Worst(standing); {
	case len(standing) > MaxFailures:
		return fmt.Errorf("%d failures, at most %d are kept", len(standing), MaxFailures)
	case len(standing) > 0 && !e.FailedOnce:
		return fmt.Errorf("%d failures, and it never failed", len(standing))
	case e.FailedOnce && e.Last.Kind == WordNone:
		return errors.New("it failed once, and has no last word")
	case (worst.bad() || e.Last.Kind.bad()) && worst != e.Last.Kind:
		return fmt.Errorf("last word %q, and its failures say %q", e.Last.Kind, worst)
	}
	return validateOrder(standing, e.Last.At)
}

// validateOrder looks at the failures of one entry, whose last word is of that time, one by one.
func validateOrder(standing []Failure, last Stamp) error {
	for i, f := range standing {
		switch {
		case !f.Kind.bad() || f.At.IsZero() || f.At > last:
			return fmt.Errorf("failure %q at %s, last word at %s", f.Kind, f.At, last)
		case f.Enrolment.Device == 0 && !f.Enrolment.EnrolledAt.IsZero():
			return fmt.Errorf("failure %d names a time of enrolment and no device", i)
		case i > 0 && standing[i-1].Compare(f) >= 0:
			return fmt.Errorf("failure %d is out of order", i)
		}
	}
	return nil
}
