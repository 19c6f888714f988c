// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/revision"
)

// Attempt is one attempt of the wave that has a group, and what is known of it.
type Attempt struct {
	// Entry is the attempt in the wave's status; nil before its group was asked for.
	Entry *v1alpha1.WaveAttempt
	// Ledger is its record; nil when there is none that can be relied on.
	Ledger *audience.Ledger
	// Group is what the tenant says of its group.
	Group GroupReading
}

// CurrentAttempt is the attempt that the wave works on.
func (w World) CurrentAttempt() Attempt {
	return Attempt{Entry: Current(&w.Wave.Status), Ledger: w.Record(), Group: w.GroupReading}
}

// StandingEarlier are the other attempts whose devices have what they brought, until a later one reaches them: those that were not
// taken back and whose revision lives. The oldest comes first.
func (w World) StandingEarlier() []Attempt {
	var out []Attempt
	for i := range w.Wave.Status.Attempts {
		a := &w.Wave.Status.Attempts[i]
		if a.Attempt == w.Wave.Status.Attempt || a.GroupID == "" || a.WithdrawnAt != nil || !w.lives(a.Revision) {
			continue
		}
		one := Attempt{Entry: a, Group: w.EarlierGroups[a.Attempt]}
		if r := w.Earlier[a.Attempt]; r.State == audience.LedgerOK {
			one.Ledger = r.Ledger
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Attempt) int { return cmp.Compare(a.Entry.Attempt, b.Entry.Attempt) })
	return out
}

// lives says that the policy gives a revision to the groups of its attempts.
func (w World) lives(number int32) bool {
	if w.Policy == nil {
		return false
	}
	r := revision.ByNumber(w.Policy.Status.Revisions, number)
	return r != nil && r.State != v1alpha1.RevisionReverted && r.State != v1alpha1.RevisionRetired
}

// putsBack says that an exposed member which somebody took out of the group of an attempt is put back. An earlier attempt that a
// person or a halt has stopped brought something that is not proven: its devices come back by the next one, in batches.
func (w World) putsBack(a Attempt) bool {
	s := &w.Wave.Status
	if a.Entry.Attempt == s.Attempt || a.Entry.SucceededAt != nil {
		return true
	}
	return slices.ContainsFunc(s.History, func(h v1alpha1.AttemptRecord) bool {
		return h.Attempt == a.Entry.Attempt && h.Outcome == OutcomeSuperseded
	})
}

// Drifted is the earlier attempt whose group is to be repaired next; false when there is none.
func (w World) Drifted() (Attempt, bool) {
	for _, a := range w.StandingEarlier() {
		if missing, extra := w.MemberDrift(a); len(missing)+len(extra) > 0 {
			return a, true
		}
	}
	return Attempt{}, false
}

// Lost are the earlier attempts that stand and whose groups are gone.
func (w World) Lost() []Attempt {
	return slices.DeleteFunc(w.StandingEarlier(), func(a Attempt) bool { return !a.Group.GroupGone })
}

// Settles says that the group of an attempt is as ledger and exclusions say, shows everybody who was exposed, and nobody of
// whom it cannot be told who they are: it need not be looked at again before the next interval.
func (w World) Settles(a Attempt) bool {
	if a.Ledger == nil || a.Group.Members == nil || a.Group.UnreadableMembers > 0 || w.Excluded == nil || w.ExclusionProblem != nil {
		return false
	}
	missing, extra := w.MemberDrift(a)
	leaving, unmarked := w.Exclusions(a)
	late := slices.ContainsFunc(a.Ledger.Exposed(), func(e audience.Entry) bool { return w.putsBack(a) && w.lacks(a, e) })
	return len(missing)+len(extra)+len(leaving)+len(unmarked) == 0 && !late
}

// earlier says whether the groups of the earlier attempts that stand are what the wave left there. What is certain of one is said
// although nothing is known of another.
func (w World) earlier() Fact[EarlierState] {
	var gone, drifted, unread, untold []string
	for _, a := range w.StandingEarlier() {
		name := fmt.Sprintf("group %s of attempt %d, which stands for %s,", a.Entry.GroupID, a.Entry.Attempt, revision.Name(a.Entry.Revision))
		missing, extra := w.MemberDrift(a)
		switch {
		case a.Group.Settled:
		case a.Group.GroupGone:
			gone = append(gone, name+" was deleted in the tenant, so that its devices do not have that revision any more")
		case a.Group.Members == nil:
			unread = append(unread, name)
		case a.Ledger == nil:
			untold = append(untold, fmt.Sprintf("%s cannot be compared with its record: %s", name, w.Earlier[a.Entry.Attempt].Message))
		case len(missing)+len(extra) > 0:
			drifted = append(drifted, fmt.Sprintf("%s lacks %d exposed devices and has %d members that this wave did not expose", name, len(missing), len(extra)))
		}
	}
	switch {
	case len(gone) > 0:
		return FactOf(EarlierGone, strings.Join(slices.Concat(gone, drifted), "; "))
	case len(drifted) > 0:
		return FactOf(EarlierDrifted, strings.Join(drifted, "; "))
	case len(unread) > 0:
		return Fact[EarlierState]{}
	case len(untold) > 0:
		return FactOf(EarlierUntold, strings.Join(untold, "; "))
	}
	return FactOf(EarlierWhole, "")
}
