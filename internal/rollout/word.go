// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// heard is what a reading makes of an entry of the ledger: what it counts as, and what there is to keep of it.
type heard struct {
	outcome diagnosis.Outcome
	// last and failures are those of the ledger where nothing new was said.
	last     audience.Word
	failures []audience.Failure
}

// hear weighs what the facts of this reading say of the entry at a position against what is on record. A failure stands until
// that very device succeeds (P15). Where the facts say nothing, the last word counts.
func (c Case) hear(entry int, facts []diagnosis.Facts) heard {
	e := &c.Ledger.Entries[entry]
	standing := c.Ledger.FailuresOf(entry)
	h := heard{last: e.Last, failures: standing}
	newest := audience.Stamp(0)
	h.outcome = c.present(e, facts, func(device audience.Enrolment, word audience.Word) {
		newest = max(newest, word.At)
		h.failures = audience.Fold(entry, h.failures, device, word)
	})
	word := wordOf(h.outcome)
	switch worst := audience.Worst(h.failures); {
	case worst != audience.WordNone:
		word = worst
	case word == audience.WordNone && len(h.failures) < len(standing):
		word = audience.WordSucceeded // of a device that no policy reaches any more
	}
	if word != audience.WordNone && (word != e.Last.Kind || !slices.Equal(h.failures, standing)) {
		h.last = audience.Word{Kind: word, At: max(newest, e.Last.At)}
	}
	if wordOf(h.outcome) != h.last.Kind && c.counts(h) {
		h.outcome = c.said(e, h.last.Kind)
	}
	h.outcome.Recovered = h.outcome.Kind == diagnosis.Succeeded && (e.FailedOnce || len(standing) > 0)
	return h
}

// lapsed are the reasons for which a good word no longer counts: nobody has heard of the device for long.
var lapsed = []string{diagnosis.ReasonOffline, diagnosis.ReasonNeverSynced, diagnosis.ReasonSilent}

// counts says that the last word counts in place of what the facts say by themselves.
func (c Case) counts(h heard) bool {
	bad := h.last.Kind == audience.WordFailed || h.last.Kind == audience.WordConflict
	return bad || h.last.Kind != audience.WordNone && !slices.Contains(lapsed, h.outcome.Reason)
}

// present is what the facts of this reading alone make of an entry, and tells the word of each of its devices. The clocks of an
// entry start when the tenant showed it as a member.
func (c Case) present(e *audience.Entry, facts []diagnosis.Facts, tell func(audience.Enrolment, audience.Word)) diagnosis.Outcome {
	at := e.ConfirmedAt.Time()
	if c.Unit == v1alpha1.UnitUser && at.IsZero() {
		return (&diagnosis.Person{}).Outcome(at, c.Rules)
	}
	var person diagnosis.Person
	var o diagnosis.Outcome
	for _, f := range facts {
		f.ExposedAt = at
		if c.Unit == v1alpha1.UnitUser {
			o = person.Judge(f, c.Rules)
		} else {
			o = diagnosis.Judge(f, c.Rules)
		}
		if kind := wordOf(o); kind != audience.WordNone {
			tell(f.Enrolment, audience.Word{Kind: kind, At: audience.StampOf(earliest(f.Report.At, c.Rules.AsOf))})
		}
	}
	if c.Unit == v1alpha1.UnitUser {
		return person.Outcome(at, c.Rules)
	}
	return o
}

// said is what an entry counts as by its last word alone.
func (c Case) said(e *audience.Entry, word audience.WordKind) diagnosis.Outcome {
	o := diagnosis.Outcome{Matured: c.matured(e), SeenSince: true, Recovered: word == audience.WordSucceeded && e.FailedOnce}
	switch word {
	case audience.WordFailed:
		o.Kind, o.Mode, o.Reason = diagnosis.Failed, diagnosis.ModeConflict, diagnosis.ReasonPolicyError
	case audience.WordConflict:
		o.Kind, o.Mode, o.Reason = diagnosis.Conflict, diagnosis.ModeConflict, diagnosis.ReasonPolicyConflict
	case audience.WordNotApplicable:
		o.Kind, o.Mode, o.Reason = diagnosis.NotApplicable, diagnosis.ModeNotApplied, diagnosis.ReasonNotApplicable
	case audience.WordUnmet:
		o.Kind, o.Mode, o.Reason = diagnosis.NotApplicable, diagnosis.ModePrerequisite, diagnosis.ReasonNotApplicable
	case audience.WordSucceeded:
		o.Kind, o.Reason = diagnosis.Succeeded, diagnosis.ReasonApplied
	case audience.WordNone: // nobody asks
	}
	return o
}

func (c Case) matured(e *audience.Entry) bool {
	return !c.Rules.AsOf.Before(e.ConfirmedAt.Time().Add(c.Rules.Maturity))
}

// wordOf is the word of a device with that outcome; WordNone when the outcome is not one that it reports itself.
func wordOf(o diagnosis.Outcome) audience.WordKind {
	switch o.Kind { //nolint:exhaustive // a device says nothing of the others
	case diagnosis.Succeeded:
		return audience.WordSucceeded
	case diagnosis.Failed:
		return audience.WordFailed
	case diagnosis.Conflict:
		return audience.WordConflict
	case diagnosis.NotApplicable:
		if o.Mode == diagnosis.ModePrerequisite {
			return audience.WordUnmet
		}
		return audience.WordNotApplicable
	}
	return audience.WordNone
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
