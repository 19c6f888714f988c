// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/audience"
)

// Exclusions are what an attempt has of those who are excluded: members that are to leave its group, whoever brought them
// there, in the order of their ids, and entries of its ledger that are not marked yet. Who was marked once stays out of the
// group for as long as the attempt stands. One that was exposed just now leaves it although the list may not show it yet.
func (w World) Exclusions(a Attempt) (leaving, unmarked []audience.ID) {
	out := map[audience.ID]bool{}
	for id := range a.Group.Members {
		out[id] = w.Excluded[id]
	}
	if a.Ledger != nil {
		for _, e := range a.Ledger.Entries {
			switch {
			case !e.ExcludedAt.IsZero():
				out[e.ID] = a.Group.Members[e.ID]
			case w.Excluded[e.ID]:
				unmarked = append(unmarked, e.ID)
				unseen := a.Group.Members == nil || w.Now.Sub(e.AskedAt.Time()) < w.MemberLag
				out[e.ID] = a.Group.Members[e.ID] || e.Exposed() && unseen
			}
		}
	}
	for id, leaves := range out {
		if leaves {
			leaving = append(leaving, id)
		}
	}
	slices.SortFunc(leaving, audience.ID.Compare)
	return leaving, unmarked
}

// Excluding are the attempts from which somebody is to be excluded now. The oldest comes first: who is in several groups then
// falls back once, and not from revision to revision. An attempt that was taken back is left alone, for nothing reaches its group,
// and so is a group that is gone.
func (w World) Excluding() []Attempt {
	return slices.DeleteFunc(append(w.StandingEarlier(), w.CurrentAttempt()), func(a Attempt) bool {
		if a.Entry == nil || a.Entry.GroupID == "" || a.Entry.WithdrawnAt != nil || a.Group.Settled || a.Group.GroupGone {
			return true
		}
		leaving, unmarked := w.Exclusions(a)
		return len(leaving)+len(unmarked) == 0
	})
}

func (w World) exclusion() Fact[ExclusionState] {
	var parts []string
	for _, a := range w.Excluding() {
		leaving, unmarked := w.Exclusions(a)
		parts = append(parts, fmt.Sprintf("%d devices of attempt %d are newly excluded, %d excluded devices leave its group %s",
			len(unmarked), a.Entry.Attempt, len(leaving), a.Entry.GroupID))
	}
	if len(parts) == 0 {
		return Fact[ExclusionState]{}
	}
	return FactOf(ExclusionDue, strings.Join(parts, "; "))
}
