// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/revision"
)

// GroupID is the tenant's id of the current attempt's group; empty as long as the status does not know one.
func (w World) GroupID() string {
	if a := Current(&w.Wave.Status); a != nil {
		return a.GroupID
	}
	return ""
}

// GroupShows says that the current attempt's group was made so long ago that a tenant which does not know it speaks the
// truth. A group that the status does not name was seen a moment before.
func (w World) GroupShows() bool {
	a := Current(&w.Wave.Status)
	return a != nil && w.Shows(a)
}

// Shows says the same of the group of any attempt.
func (w World) Shows(a *v1alpha1.WaveAttempt) bool {
	return a.GroupID != "" && w.Now.Sub(a.CreatedAt.Time) >= w.ObjectLag
}

// Record is the ledger of the current attempt; nil when there is none that can be relied on.
func (w World) Record() *audience.Ledger {
	if w.Ledger.State != audience.LedgerOK {
		return nil
	}
	return w.Ledger.Ledger
}

// Frozen says whether this attempt's audience is in the ledger and its group exists.
func (w World) Frozen() bool { return w.GroupID() != "" && w.Record() != nil }

// ledgerFact says whether the record of the current attempt can be relied on.
func (w World) ledgerFact() Fact[LedgerState] {
	switch w.Ledger.State {
	case audience.LedgerOK:
		return FactOf(LedgerOK, "")
	case audience.LedgerLost:
		return FactOf(LedgerLost, w.Ledger.Message)
	case audience.LedgerAltered:
		return FactOf(LedgerAltered, w.Ledger.Message)
	case audience.LedgerNone:
		if w.GroupID() != "" {
			return FactOf(LedgerLost, fmt.Sprintf("the status of attempt %d names a group and binds no ledger, as after a restore of the status", w.Wave.Status.Attempt))
		}
	}
	return Fact[LedgerState]{}
}

// admission is how far the policy has let the group of the current attempt in or taken it out.
func (w World) admission() Fact[AdmissionState] {
	a := w.admitted(w.GroupID())
	if a == nil {
		return Fact[AdmissionState]{}
	}
	return FactOf(AdmissionState(a.State), "")
}

// admitted is the policy's record of a group; nil when it has none.
func (w World) admitted(group string) *v1alpha1.WaveAdmission {
	if w.Policy == nil || group == "" {
		return nil
	}
	list := w.Policy.Status.Waves
	i := slices.IndexFunc(list, func(a v1alpha1.WaveAdmission) bool { return a.GroupID == group })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// assigned says that something in the tenant may be assigned to the group of an attempt, as far as the policy has it on record.
func (w World) assigned(a *v1alpha1.WaveAttempt) bool {
	if a.GroupID == "" || w.Policy == nil {
		return false
	}
	if r := w.admitted(a.GroupID); r != nil {
		return r.State != v1alpha1.Withdrawn
	}
	return slices.ContainsFunc(w.Policy.Status.Objects, func(o v1alpha1.TenantObject) bool { return slices.Contains(o.IncludeGroups, a.GroupID) })
}

// mayHaveDevices says that a device may have what an attempt brought, by the cluster alone: the tenant took, or may have taken,
// its group in, or a device was asked into it.
func (w World) mayHaveDevices(a *v1alpha1.WaveAttempt) bool {
	switch {
	case a.GroupID == "" || a.WithdrawnAt != nil:
		return false
	case a.Ledger == nil, a.Ledger.Asked > 0, w.assigned(a):
		return true
	}
	return a.Attempt == w.Wave.Status.Attempt && w.Wave.Status.Clocks.LastBatchAt != nil
}

// exposed says that a rollback of the wave has something to take back: see withdraws for which attempts that are.
func (w World) exposed(floor int32) bool {
	s := &w.Wave.Status
	return slices.ContainsFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return withdraws(s, &a, floor) && w.mayHaveDevices(&a) })
}

// floor is the latest revision that a rollback of the wave leaves on devices: stable, or what the policy has returned to.
func (w World) floor() int32 {
	t := w.Target()
	if Requested(w.Wave) != RequestRollback && w.payload().State == PayloadReverted {
		return t.Revision
	}
	return t.Stable
}

// Disposable is an attempt whose group and ledger are of no more use: it was taken back and devices have proven that, or its
// revision is on no device any more, and nothing is assigned to its group. Nil for none. A group goes one at a time.
func (w World) Disposable() *v1alpha1.WaveAttempt {
	s := &w.Wave.Status
	if w.Policy == nil || s.Phase == v1alpha1.PhaseRollingBack || s.Phase == v1alpha1.PhaseRollbackIncomplete {
		return nil // the ledger says which devices have to prove it
	}
	for i := range s.Attempts {
		a := &s.Attempts[i]
		r := revision.ByNumber(w.Policy.Status.Revisions, a.Revision)
		retired := r != nil && r.State == v1alpha1.RevisionRetired
		if (a.WithdrawnAt != nil || retired) && !w.assigned(a) {
			return a
		}
	}
	return nil
}
