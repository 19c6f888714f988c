// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"errors"
	"fmt"
	"time"
)

// MaxClockStep is how far the clock of another leader may be behind, 10 minutes. What a ledger says to have happened
// earlier than that before its last change did not happen.
const MaxClockStep = 10 * time.Minute

// Follows says whether after is what the operator may have made of before since notBefore: nobody leaves, nothing is
// taken back, an audience that does not grow has no new entry, an exclusion and a refusal end exposure, and no exposure
// is dated back, which would make old reports count as fresh. The error names the first entry that says otherwise.
func (l *Ledger) Follows(before *Ledger, notBefore time.Time) error {
	switch {
	case l.Header != before.Header:
		return errors.New("wave, attempt, revision, unit, growth or payload are others")
	case len(l.Entries) < len(before.Entries):
		return fmt.Errorf("it has %d entries and had %d", len(l.Entries), len(before.Entries))
	case len(l.Entries) > len(before.Entries) && !l.Growing:
		return fmt.Errorf("it has %d entries and had %d, and the audience does not grow", len(l.Entries), len(before.Entries))
	}
	earliest := StampOf(notBefore.Add(-MaxClockStep))
	for i := range l.Entries {
		e := &l.Entries[i]
		var err error
		if i < len(before.Entries) {
			err = e.follows(&before.Entries[i], earliest)
		} else {
			err = e.joins(earliest)
		}
		if err != nil {
			return fmt.Errorf("entry %d, %s: %w", i, e.ID, err)
		}
	}
	return nil
}

// follows compares an entry with what it was.
func (e *Entry) follows(was *Entry, earliest Stamp) error {
	if *e == *was {
		return nil
	}
	switch {
	case e.ID != was.ID:
		return fmt.Errorf("it was %s", was.ID)
	case e.JoinedAt != was.JoinedAt:
		return fmt.Errorf("joined at %s, was %s", e.JoinedAt, was.JoinedAt)
	case !was.ExcludedAt.IsZero() && e.ExcludedAt != was.ExcludedAt:
		return fmt.Errorf("excluded at %s, was %s", e.ExcludedAt, was.ExcludedAt)
	case was.Refused != RefusedNot && e.Refused != was.Refused:
		return fmt.Errorf("refused for reason %d, was %d", e.Refused, was.Refused)
	case e.Last.At < was.Last.At:
		return fmt.Errorf("last word at %s, was %s", e.Last.At, was.Last.At)
	case was.FailedOnce && !e.FailedOnce:
		return errors.New("it failed once, and is said never to have")
	}
	return e.exposureFollows(was, earliest)
}

// exposureFollows compares when an entry was asked for and confirmed.
func (e *Entry) exposureFollows(was *Entry, earliest Stamp) error {
	switch {
	case !was.AskedAt.IsZero() && e.AskedAt != was.AskedAt:
		return fmt.Errorf("asked for at %s, was %s", e.AskedAt, was.AskedAt)
	case e.AskedAt != was.AskedAt && !was.Pending():
		return fmt.Errorf("asked for at %s although it was refused or excluded", e.AskedAt)
	case e.AskedAt != was.AskedAt && e.AskedAt < earliest:
		return fmt.Errorf("asked for at %s, before the ledger was last changed", e.AskedAt)
	case !was.ConfirmedAt.IsZero() && e.ConfirmedAt != was.ConfirmedAt:
		return fmt.Errorf("confirmed at %s, was %s", e.ConfirmedAt, was.ConfirmedAt)
	case e.ConfirmedAt != was.ConfirmedAt && e.ConfirmedAt < earliest:
		return fmt.Errorf("confirmed at %s, before the ledger was last changed", e.ConfirmedAt)
	}
	return nil
}

// joins looks at an entry that is new in a growing audience.
func (e *Entry) joins(earliest Stamp) error {
	if e.JoinedAt.IsZero() || e.JoinedAt < earliest {
		return fmt.Errorf("new, and joined at %s", e.JoinedAt)
	}
	return nil
}
