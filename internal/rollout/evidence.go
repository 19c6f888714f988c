// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// outcome is what an entry counts as, and the name that a finding shows for it. One that the tenant refused, or that was
// excluded before it said anything, is not counted: the wave does not expose it.
func (c Case) outcome(e audience.Entry) (o diagnosis.Outcome, name string, counts bool) {
	facts := c.Facts(e.ID)
	name = e.ID.String()
	if len(facts) > 0 && facts[0].Name != "" {
		name = facts[0].Name
	}
	switch {
	case !e.ExcludedAt.IsZero():
		word := diagnosis.Kind(e.Last.Kind.String())
		o = wordOutcome(word, e)
		o.Matured = c.matured(e)
		return o, name, !e.ConfirmedAt.IsZero() && slices.Contains(told, word)
	case e.Refused != audience.RefusedNot:
		return o, name, false
	case !e.AskedAt.IsZero() && e.ConfirmedAt.IsZero():
		return diagnosis.Outcome{Kind: diagnosis.Exposed, Reason: diagnosis.ReasonWaitingForCheckIn, Detail: "the tenant does not show it as a member yet"}, name, true
	}
	return remember(c.present(e, facts), e), name, true
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

// present is what the facts of this reading alone make of an entry. Its clocks start when the tenant showed it as a member.
func (c Case) present(e audience.Entry, facts []diagnosis.Facts) diagnosis.Outcome {
	at := e.ConfirmedAt.Time()
	if c.Unit == v1alpha1.UnitUser {
		return diagnosis.JudgeUser(at, facts, c.Rules)
	}
	f := facts[0]
	f.ExposedAt = at
	return diagnosis.Judge(f, c.Rules)
}

func (c Case) matured(e audience.Entry) bool {
	return !c.Rules.AsOf.Before(e.ConfirmedAt.Time().Add(c.Rules.Maturity))
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
