// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// membership compares the group of the current attempt with its ledger.
func (w World) membership() Fact[MembershipState] {
	switch {
	case w.GroupGone:
		return FactOf(MembershipGone, fmt.Sprintf(
			"the wave's group %s was deleted in the tenant: restore it from the deleted groups, or request a retry, which starts a new attempt with a group of its own", w.GroupID()))
	case w.Settled && w.Frozen():
		return FactOf(MembershipInSync, "")
	case w.Members == nil || !w.Frozen():
		return Fact[MembershipState]{}
	}
	missing, extra := w.MemberDrift(w.CurrentAttempt())
	if len(missing)+len(extra) == 0 {
		return FactOf(MembershipInSync, "")
	}
	return FactOf(MembershipDrifted, fmt.Sprintf(
		"group %s lacks %d exposed devices and has %d members that this wave did not expose", w.GroupID(), len(missing), len(extra)))
}

// MemberDrift is where the group of an attempt and its ledger differ: exposed members in the order of their exposure, and
// strangers in the order of their ids. Without a ledger or a list of members nothing differs. One that was exposed just now is
// not missing: the list of members may not show it yet. Neither is one that the directory no longer has, that is excluded, or
// that may be: nobody puts it back. Who is excluded and in the group all the same is no stranger but one to exclude.
func (w World) MemberDrift(a Attempt) (missing, extra []audience.ID) {
	if a.Ledger == nil || a.Group.Members == nil {
		return nil, nil
	}
	known := map[audience.ID]bool{}
	for _, e := range a.Ledger.Entries {
		switch {
		case !e.ExcludedAt.IsZero():
			known[e.ID] = true
		case e.Exposed():
			known[e.ID] = true
			if w.putsBack(a) && w.lacks(a, e) && w.Now.Sub(e.AskedAt.Time()) >= w.MemberLag {
				missing = append(missing, e.ID)
			}
		}
	}
	if len(missing) <= a.Group.UnreadableMembers {
		missing = nil // those who cannot be read may be they
	}
	for id := range a.Group.Members {
		if !known[id] && !w.Excluded[id] {
			extra = append(extra, id)
		}
	}
	slices.SortFunc(extra, audience.ID.Compare)
	return missing, extra
}

// PutsIn says that somebody may become a member of a group of the wave next: a batch is due, or exposed members are missing.
func (w World) PutsIn() bool {
	for _, a := range append(w.StandingEarlier(), w.CurrentAttempt()) {
		if missing, _ := w.MemberDrift(a); len(missing) > 0 {
			return true
		}
	}
	s := &w.Wave.Status
	if s.Phase != v1alpha1.PhaseExposing && s.Phase != v1alpha1.PhaseSucceeded || !w.Frozen() || len(w.Record().Pending()) == 0 {
		return false
	}
	clocks := s.Clocks
	clocks.LastBatchAt, clocks.LastConfirmedAt = w.lastBatchAt(), w.lastConfirmedAt()
	return Time(w.Wave, clocks, w.Now).BatchDue
}

// lacks says that the list of an attempt's members does not show an exposed one that belongs there.
func (w World) lacks(a Attempt, e audience.Entry) bool {
	return !a.Group.Members[e.ID] && w.exists(e.ID) && w.admissible(e.ID)
}

// OddMembers says how many members of which groups of attempts that stand cannot be read; empty when all can.
func (w World) OddMembers() string {
	var odd []string
	for _, a := range append(w.StandingEarlier(), w.CurrentAttempt()) {
		if n := a.Group.UnreadableMembers; n > 0 && a.Entry != nil {
			odd = append(odd, fmt.Sprintf("%d members of group %s", n, a.Entry.GroupID))
		}
	}
	return strings.Join(odd, " and ")
}

// admissible says that a member is known not to be excluded.
func (w World) admissible(id audience.ID) bool {
	return w.Excluded != nil && w.ExclusionProblem == nil && !w.Excluded[id]
}

// Shown are the members that the tenant lists, in the order of their ids.
func (w World) Shown() []audience.ID {
	ids := make([]audience.ID, 0, len(w.Members))
	for id := range w.Members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, audience.ID.Compare)
	return ids
}
