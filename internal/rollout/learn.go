// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// Learned is the ledger of the current attempt with what the world shows of it: whom the tenant lists as members, who is gone
// before they could be, and new last words. It is nil when there is nothing new to store (P12).
func (w World) Learned() *audience.Ledger {
	a := Current(&w.Wave.Status)
	if a == nil || a.WithdrawnAt != nil || !w.Frozen() {
		return nil
	}
	l, learned := *w.Record(), w.Ledger.Ahead
	note := func(next audience.Ledger, changed []audience.ID) {
		l, learned = next, learned || len(changed) > 0
	}
	if w.Members != nil && !w.GroupGone {
		note(l.Confirm(w.Shown(), w.Now))
		note(l.Refuse(w.vanished(&l), audience.RefusedGone))
	}
	note(l.Hear(w.words(&l)))
	if !learned {
		return nil
	}
	return &l
}

// vanished are the members that were asked for, that the tenant never showed, and that the directory no longer has.
func (w World) vanished(l *audience.Ledger) []audience.ID {
	var ids []audience.ID
	for _, e := range l.Exposed() {
		if e.ConfirmedAt.IsZero() && w.Now.Sub(e.AskedAt.Time()) >= w.MemberLag && !w.exists(e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// words are the last words that are other than those on record.
func (w World) words(l *audience.Ledger) map[audience.ID]audience.Word {
	if w.Policy == nil || w.telemetry().State != TelemetryFresh {
		return nil
	}
	c := w.evidence()
	words := map[audience.ID]audience.Word{}
	for _, e := range l.Entries {
		if e.ConfirmedAt.IsZero() {
			continue
		}
		facts := c.Facts(e.ID)
		o := c.present(e, facts)
		kind, ok := audience.ParseWordKind(string(o.Kind))
		if !ok || !slices.Contains(told, o.Kind) || kind == e.Last.Kind {
			continue
		}
		at := w.evidenceAt()
		if c.Unit == v1alpha1.UnitDevice && facts[0].Report != nil && facts[0].Report.At.Before(at) {
			at = facts[0].Report.At
		}
		words[e.ID] = audience.Word{Kind: kind, At: audience.StampOf(latest(at, e.Last.At.Time()))}
	}
	return words
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
