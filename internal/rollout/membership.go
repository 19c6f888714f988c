// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/internal/audience"
)

// membership compares the group of the current attempt with its ledger.
func (w World) membership() Fact[MembershipState] {
	switch {
	case w.GroupGone:
		return FactOf(MembershipGone, fmt.Sprintf(
			"the wave's group %s was deleted in the tenant: restore it from the deleted groups, or request a retry, which starts a new attempt with a group of its own", w.GroupID()))
	case w.Members == nil || !w.Frozen():
		return Fact[MembershipState]{}
	}
	missing, extra := w.MemberDrift()
	if len(missing)+len(extra) == 0 {
		return FactOf(MembershipInSync, "")
	}
	return FactOf(MembershipDrifted, fmt.Sprintf(
		"group %s lacks %d exposed devices and has %d members that this wave did not expose", w.GroupID(), len(missing), len(extra)))
}

// MemberDrift is where the group and the ledger differ: exposed members in the order of their exposure, and strangers in the
// order of their ids. It needs a ledger. One that was exposed just now is not missing: the list of members may not show it
// yet. Neither is one that the directory no longer has, that is excluded, or that may be: nobody puts it back.
func (w World) MemberDrift() (missing, extra []audience.ID) {
	exposed := map[audience.ID]bool{}
	for _, e := range w.Record().Exposed() {
		exposed[e.ID] = true
		if !w.Members[e.ID] && w.Now.Sub(e.AskedAt.Time()) >= w.MemberLag && w.exists(e.ID) && w.admissible(e.ID) {
			missing = append(missing, e.ID)
		}
	}
	if len(missing) <= w.UnreadableMembers {
		missing = nil // those who cannot be read may be they
	}
	for id := range w.Members {
		if !exposed[id] {
			extra = append(extra, id)
		}
	}
	slices.SortFunc(extra, audience.ID.Compare)
	return missing, extra
}

// admissible says that a member is known not to be excluded.
func (w World) admissible(id audience.ID) bool { return w.Excluded != nil && !w.Excluded[id] }

// Shown are the members that the tenant lists, in the order of their ids.
func (w World) Shown() []audience.ID {
	ids := make([]audience.ID, 0, len(w.Members))
	for id := range w.Members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, audience.ID.Compare)
	return ids
}
