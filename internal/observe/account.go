// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/population"
)

// AllLedgers reads the ledgers of every attempt of a wave, by attempt.
type AllLedgers interface {
	LoadAll(ctx context.Context, w *v1alpha1.PilotWave) (map[int32]audience.Reading, error)
}

// Holders reads who has which revision of a policy, by the ledgers of its waves. An error is one of this cluster.
func Holders(ctx context.Context, src AllLedgers, p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, now time.Time) (population.Holders, error) {
	var attempts []population.Attempt
	for i := range waves {
		w := &waves[i]
		if len(w.Status.Attempts) == 0 {
			continue
		}
		readings, err := src.LoadAll(ctx, w)
		if err != nil {
			return population.Holders{}, fmt.Errorf("read the ledgers of wave %q: %w", w.Name, err)
		}
		for _, a := range w.Status.Attempts {
			if attempt, counts := holding(p, string(w.UID), a, readings[a.Attempt]); counts {
				attempts = append(attempts, attempt)
			}
		}
	}
	var numbers []int32
	for i := range p.Status.Revisions {
		if n := p.Status.Revisions[i].Number; n > 0 {
			numbers = append(numbers, n)
		}
	}
	return population.HoldersOf(append(attempts, unclaimed(p, waves)...), numbers, now), nil
}

// holding is an attempt for the account; false when its group is out of all assignments.
func holding(p *v1alpha1.PasskeyPolicy, uid string, a v1alpha1.WaveAttempt, r audience.Reading) (population.Attempt, bool) {
	out := population.Attempt{Revision: a.Revision, Leaving: a.WithdrawnAt != nil}
	for i := range p.Status.Waves {
		switch e := &p.Status.Waves[i]; {
		case e.UID != uid || e.Attempt != a.Attempt:
		case e.State == v1alpha1.Withdrawn:
			return out, false
		case e.State == v1alpha1.Withdrawing:
			out.Leaving = true
		}
	}
	switch {
	case r.State == audience.LedgerOK:
		out.Ledger = r.Ledger
	case a.GroupID != "": // the status binds none, or it is not there as it was
		out.Unknown, out.Group = true, a.GroupID
	}
	return out, true
}

// unclaimed are the groups that no wave lists and that may stand in assignments: nobody knows who is in them.
func unclaimed(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave) []population.Attempt {
	var out []population.Attempt
	for i := range p.Status.Waves {
		e := &p.Status.Waves[i]
		lists := func(w v1alpha1.PilotWave) bool {
			return slices.ContainsFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.GroupID == e.GroupID })
		}
		if e.State != v1alpha1.Withdrawn && !slices.ContainsFunc(waves, lists) {
			out = append(out, population.Attempt{Revision: e.Revision, Leaving: e.State == v1alpha1.Withdrawing, Unknown: true, Group: e.GroupID})
		}
	}
	return out
}

// Account accounts for every member of the population of a policy. false says that the members are not known, and why. An excluded
// member of whom it cannot be told who it is may be any of the others.
func Account(ctx context.Context, src MemberSource, inv *fleet.Inventory, p *v1alpha1.PasskeyPolicy, h population.Holders, now time.Time) (population.Account, bool, error) {
	unit := p.Spec.UnitOrDefault()
	members, err := ResolvePopulation(ctx, src, p.Spec.Population, unit)
	if err != nil || !members.Complete() || members.UnreadableExcluded > 0 {
		return population.Account{}, false, err
	}
	revisions, err := withUnread(ctx, src, h, unit)
	if err != nil {
		return population.Account{}, false, err
	}
	asOf := inv.AsOf
	if now.Before(asOf) {
		asOf = now
	}
	rules := policyRules(p, inv.AsOf)
	return population.Of(population.Facts{
		Unit: unit, AsOf: asOf, Members: members.Members(inv), Revisions: revisions, Audiences: h.Audiences,
		Unreadable: int32(members.Unreadable), UnreadableReason: v1alpha1.ReasonUnreadable,
		OutOfReach: func(id audience.ID) (string, bool) { return Unreachable(inv, unit, id, rules) },
		Ineligible: func(id audience.ID) string {
			if eligible, reason, _ := Eligible(inv, unit, id, rules); !eligible {
				return reason
			}
			return ""
		},
	}), true, nil
}

// withUnread are the holders of each revision with the members of the groups of which no ledger tells: they have what the group
// has, whoever put them there.
func withUnread(ctx context.Context, src MemberSource, h population.Holders, unit v1alpha1.Unit) (map[int32][]audience.ID, error) {
	if len(h.Unread) == 0 {
		return h.Revisions, nil
	}
	out := maps.Clone(h.Revisions)
	for _, a := range h.Unread {
		m, err := readMembership(ctx, src, v1alpha1.GroupRef{ID: a.Group}, graph.Group{ID: a.Group})
		if graph.KindOf(err) == graph.KindNotFound {
			continue // nobody has anything by it
		}
		if err != nil {
			return nil, err
		}
		out[a.Revision] = slices.Concat(out[a.Revision], m.Of(unit))
	}
	return out, nil
}

// policyRules are the prerequisites of a policy, as every wave of it applies them.
func policyRules(p *v1alpha1.PasskeyPolicy, asOf time.Time) diagnosis.Rules {
	q := &p.Spec.Prerequisites
	rules := diagnosis.Rules{
		Windows: q.Windows, MacOS: q.MacOS, Edge: q.Edge, Encryption: q.Encryption, MaxOffline: q.MaxOffline.Duration,
		Skew: diagnosis.DefaultSkew, Platforms: p.Spec.Platforms, AsOf: asOf,
	}
	if p.Status.MinEdge != "" {
		rules.Edge = p.Status.MinEdge
	}
	return rules
}
