// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// exposed says whether a device is, or may be, in the managed group. An empty list says nothing as long as it may not show
// the last batch: a rollback that believed it would take nothing back.
func (w World) exposed() bool {
	switch {
	case w.GroupID() == "":
		return false
	case len(w.Members) > 0:
		return true
	case w.Ledger == nil || len(w.Ledger.Exposed()) == 0:
		return false
	}
	return w.Members == nil || w.Now.Sub(w.Ledger.LastExposedAt()) < w.MemberLag
}

// membership compares the managed group with the ledger.
func (w World) membership() Fact[MembershipState] {
	switch {
	case w.Members == nil || !w.Frozen():
		return Fact[MembershipState]{}
	case w.GroupGone:
		return FactOf(MembershipDrifted, fmt.Sprintf(
			"the wave's group %s was deleted in the tenant: restore it from the deleted groups, or request a retry once it is purged", w.GroupID()))
	}
	missing, extra := w.MemberDrift()
	if len(missing)+len(extra) == 0 {
		return FactOf(MembershipInSync, "")
	}
	return FactOf(MembershipDrifted, fmt.Sprintf(
		"group %s lacks %d exposed devices and has %d members that this wave did not expose", w.GroupID(), len(missing), len(extra)))
}

// MemberDrift is where the managed group and the ledger differ: exposed devices in the order of their exposure, and members
// in the order of their ids. It needs a ledger. A device that was exposed just now is not missing: the list of members may
// not show it yet. Neither is one that the directory no longer has: nobody can put it back.
func (w World) MemberDrift() (missing, extra []audience.ID) {
	exposed := map[audience.ID]bool{}
	for _, e := range w.Ledger.Exposed() {
		exposed[e.Device] = true
		if !w.Members[e.Device] && w.Now.Sub(e.ExposedAt) >= w.MemberLag && w.exists(e.Device) {
			missing = append(missing, e.Device)
		}
	}
	for id := range w.Members {
		if !exposed[id] {
			extra = append(extra, id)
		}
	}
	slices.SortFunc(extra, audience.ID.Compare)
	return missing, extra
}

// exists says whether the directory has a device, as of the newest reading of the fleet; without one it is believed to.
func (w World) exists(id audience.ID) bool { return w.Fleet == nil || w.Fleet.Known(id) }

// admission is how far the policy has let the managed group in or taken it out.
func (w World) admission() Fact[AdmissionState] {
	a := w.admitted()
	if a == nil || a.GroupID != w.GroupID() {
		return Fact[AdmissionState]{}
	}
	return FactOf(AdmissionState(a.State), "")
}

// admitted is the policy's record of this wave; nil when it has none.
func (w World) admitted() *v1alpha1.WaveAdmission {
	if w.Policy == nil {
		return nil
	}
	list := w.Policy.Status.Waves
	i := slices.IndexFunc(list, func(a v1alpha1.WaveAdmission) bool { return a.UID == string(w.Wave.UID) })
	if i < 0 {
		return nil
	}
	return &list[i]
}
