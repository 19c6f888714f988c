// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"

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
	note(l.Hear(w.news(&l)))
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

// news is what the entries say that is other than what is on record.
func (w World) news(l *audience.Ledger) []audience.Heard {
	if w.Policy == nil || w.telemetry().State != TelemetryFresh {
		return nil
	}
	c := w.evidence()
	c.Ledger = l
	return c.news()
}

// news of the entries that the tenant has shown as members, excluded ones too.
func (c Case) news() []audience.Heard {
	var news []audience.Heard
	for i := range c.Ledger.Entries {
		e := &c.Ledger.Entries[i]
		if e.ConfirmedAt.IsZero() {
			continue
		}
		if h := c.hear(i, c.Facts(e.ID)); h.last != e.Last || !slices.Equal(h.failures, c.Ledger.FailuresOf(i)) {
			news = append(news, audience.Heard{Entry: i, Last: h.last, Failures: h.failures})
		}
	}
	return news
}
