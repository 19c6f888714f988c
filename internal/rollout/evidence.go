// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// outcome is what the entry at a position counts as, and the name that a finding shows for it.
func (c Case) outcome(entry int) (o diagnosis.Outcome, name string, counts bool) {
	e := &c.Ledger.Entries[entry]
	facts := c.Facts(e.ID)
	name = e.ID.String()
	if len(facts) > 0 && facts[0].Name != "" {
		name = facts[0].Name
	}
	switch {
	case !counted(e):
		return o, name, false
	case !e.ExcludedAt.IsZero():
		return c.said(e, e.Last.Kind), name, true
	case !e.AskedAt.IsZero() && e.ConfirmedAt.IsZero():
		return diagnosis.Outcome{Kind: diagnosis.Exposed, Reason: diagnosis.ReasonWaitingForCheckIn, Detail: "the tenant does not show it as a member yet"}, name, true
	}
	return c.hear(entry, facts).outcome, name, true
}

// counted says whether an entry is one of the audience's. Who was excluded is one as long as it has said something, and whom the
// tenant refuses once it was a member: neither an exclusion nor a deletion in the directory takes evidence away (P15).
func counted(e *audience.Entry) bool {
	switch {
	case !e.ExcludedAt.IsZero():
		return e.Last.Kind != audience.WordNone
	case e.Refused != audience.RefusedNot:
		return !e.ConfirmedAt.IsZero()
	}
	return true
}

// refusal is why the tenant does not take a member, as a finding says it; empty for one that it took, or that is excluded since.
func refusal(e audience.Entry) string {
	switch {
	case !e.ExcludedAt.IsZero() || e.Refused == audience.RefusedNot:
		return ""
	case e.Refused == audience.RefusedGone:
		return diagnosis.ReasonMemberGone
	}
	return diagnosis.ReasonMemberRefused
}

// evidence is the case of this attempt: its ledger, and what the newest reading says of each device under the objects of its
// revision.
func (w World) evidence() Case {
	objects := w.objects(w.bringing())
	return Case{
		Gate: GateOf(w.Wave), Ledger: w.Record(), Rules: w.Rules(), Unit: w.Unit(),
		Facts: func(id audience.ID) []diagnosis.Facts { return w.facts(id, objects...) },
	}
}
