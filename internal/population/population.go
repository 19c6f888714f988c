// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package population accounts for every member of a policy's population: on hold, on a revision, or out of reach (P17).
package population

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// The reasons why a member is on hold, beside those for which diagnosis calls it ineligible.
const (
	// ReasonPending: a wave has the member in its audience and has not exposed it.
	ReasonPending = "PendingInWave"
	// ReasonInNoWave: the member is eligible, and no wave has it.
	ReasonInNoWave = "InNoWave"
)

// Facts are what the account is made of. The functions are asked once for each member at most.
type Facts struct {
	// Unit is of what kind the members are.
	Unit v1alpha1.Unit
	// AsOf is when the fleet and the groups were read, the older of the two.
	AsOf time.Time
	// Members of the population. A member that is listed twice counts once.
	Members []audience.ID
	// Revisions are by number the ids that have it: members of the groups of its active attempts. Of several revisions a
	// member has the highest one. Number 0 is hold and does not count.
	Revisions map[int32][]audience.ID
	// Audiences are the ids in the ledgers of all waves, pending or exposed; an id may be in several.
	Audiences []audience.ID
	// Unreadable is how many more members there are of whom it cannot be told who they are, and UnreadableReason the word for
	// it. Nobody knows what they have: they count as out of reach.
	Unreadable       int32
	UnreadableReason string
	// OutOfReach says whether no policy object can get to a member, and why. Nil: everybody can be reached.
	OutOfReach func(audience.ID) (reason string, out bool)
	// Ineligible says why no wave may expose a member now, empty when it may. Nil: every wave may expose everybody.
	Ineligible func(audience.ID) (reason string)
}

// Account is what became of the members of a population.
type Account struct {
	Status v1alpha1.PopulationStatus
	// Held says why members are on hold, the most frequent reason first; the counts add up to Status.OnHold.
	Held []v1alpha1.ReasonCount

	unit v1alpha1.Unit
}

// Of accounts for the members. Each is one of three: out of reach, whatever its groups say, since no assignment acts on it;
// on the highest revision that it has; or on hold. The three add up to the members. A member that lacks a prerequisite, is
// off line or of which a fact is missing is not out of reach: hold gets to it, sooner or later.
//
// Outside counts the distinct ids in audiences and on revisions that the population does not have: they left it, or it was
// edited, after their wave had taken them. A policy of mode EnforceOnly
// has no hold; OnHold are then the members that have no revision.
func Of(f Facts) Account {
	members := set(f.Members)
	has := highest(f.Revisions)
	audiences := set(f.Audiences)
	a := Account{unit: f.Unit, Status: v1alpha1.PopulationStatus{Members: int32(len(members)), AsOf: metav1.NewTime(f.AsOf.UTC()).Rfc3339Copy()}}
	revisions, out, held := map[int32]int32{}, map[string]int32{}, map[string]int32{}
	if f.Unreadable > 0 {
		a.Status.Members += f.Unreadable
		out[f.UnreadableReason] = f.Unreadable
	}
	for id := range members {
		if reason, away := f.outOfReach(id); away {
			out[reason]++
			continue
		}
		if revision, ok := has[id]; ok {
			revisions[revision]++
			continue
		}
		a.Status.OnHold++
		held[f.held(id, audiences)]++
		if !audiences[id] {
			a.Status.InNoWave++
		}
	}
	for id := range has {
		audiences[id] = true
	}
	for id := range audiences {
		if !members[id] {
			a.Status.Outside++
		}
	}
	for number, n := range revisions {
		a.Status.Revisions = append(a.Status.Revisions, v1alpha1.RevisionCount{Revision: number, Count: n})
	}
	slices.SortFunc(a.Status.Revisions, func(x, y v1alpha1.RevisionCount) int { return cmp.Compare(x.Revision, y.Revision) })
	a.Status.OutOfReach = counts(out)
	a.Held = counts(held)
	return a
}

func (f *Facts) outOfReach(id audience.ID) (reason string, out bool) {
	if f.OutOfReach == nil {
		return "", false
	}
	return f.OutOfReach(id)
}

// held says why a member is on hold. A wave that has it comes first: it will come to it, and a prerequisite is then a finding
// of that wave.
func (f *Facts) held(id audience.ID, audiences map[audience.ID]bool) string {
	if audiences[id] {
		return ReasonPending
	}
	if f.Ineligible != nil {
		if reason := f.Ineligible(id); reason != "" {
			return reason
		}
	}
	return ReasonInNoWave
}

// Sentence says how many are still on hold and why, and who is outside of the population; empty when there is nothing to say.
func (a *Account) Sentence() string {
	var parts []string
	if a.Status.OnHold > 0 {
		parts = append(parts, fmt.Sprintf("%s still on hold: %s", a.number(a.Status.OnHold), list(a.Held)))
	}
	if a.Status.Outside > 0 {
		parts = append(parts, fmt.Sprintf("%s in an audience and outside of spec.population, so that nothing holds them back", a.number(a.Status.Outside)))
	}
	return strings.Join(parts, "; ")
}

// number is a count with its noun and verb.
func (a *Account) number(n int32) string {
	noun := "device"
	if a.unit == v1alpha1.UnitUser {
		noun = "user"
	}
	if n == 1 {
		return "1 " + noun + " is"
	}
	return fmt.Sprintf("%d %ss are", n, noun)
}

// most is how many reasons a sentence names.
const most = 5

func list(reasons []v1alpha1.ReasonCount) string {
	var parts []string
	for i, r := range reasons {
		if i == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", r.Reason, r.Count))
	}
	return strings.Join(parts, ", ")
}

// counts are sorted by number, the highest first, and by reason.
func counts(by map[string]int32) []v1alpha1.ReasonCount {
	var out []v1alpha1.ReasonCount
	for reason, n := range by {
		out = append(out, v1alpha1.ReasonCount{Reason: reason, Count: n})
	}
	slices.SortFunc(out, func(x, y v1alpha1.ReasonCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Reason, y.Reason))
	})
	return out
}

func set(ids []audience.ID) map[audience.ID]bool {
	out := make(map[audience.ID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// highest returns the highest live revision of each id.
func highest(revisions map[int32][]audience.ID) map[audience.ID]int32 {
	out := map[audience.ID]int32{}
	for number, ids := range revisions {
		for _, id := range ids {
			if number > out[id] {
				out[id] = number
			}
		}
	}
	return out
}
