// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// retire marks what no device has and nobody can return to. It is decided once: from
// then on the groups leave the assignments, and a group that holds devices is never
// assigned again.
func (d *decision) retire() {
	for i := range d.Revisions {
		r := &d.Revisions[i]
		done := false
		switch r.State {
		case v1alpha1.RevisionSuperseded:
			kept := r.RevertUntil != nil && d.in.Now.Before(r.RevertUntil.Time)
			done = !kept && d.unused(r.Number)
		case v1alpha1.RevisionReverted:
			done = !d.assigned(r.Number)
		}
		if done {
			r.State, r.RevertUntil, r.Devices = v1alpha1.RevisionRetired, nil, 0
			d.Retired = append(d.Retired, r.Number)
		}
	}
}

// remove drops retired revisions that neither the tenant nor a wave knows any more.
func (d *decision) remove() {
	d.Revisions = slices.DeleteFunc(d.Revisions, func(r v1alpha1.RevisionStatus) bool {
		gone := r.State == v1alpha1.RevisionRetired && !slices.Contains(d.in.Objects, r.Number) && !d.assigned(r.Number) && !d.mentioned(r.Number)
		if gone {
			d.Removed = append(d.Removed, r.Number)
		}
		return gone
	})
}

// devices that have a revision; not known while an attempt of it may have devices
// and nobody counted them.
func (d *decision) devices(number int32) (n int32, known bool) {
	if !d.assigned(number) {
		return 0, true
	}
	n, known = d.in.Devices[number]
	return n, known
}

// unused says for certain that no device has a revision, nor can get it.
func (d *decision) unused(number int32) bool {
	if n, known := d.devices(number); !known || n > 0 {
		return false
	}
	exposing := func(w *Wave, a *Attempt) bool {
		return a.State == v1alpha1.Admitted && a.Attempt == w.Attempt && !a.Withdrawn && !stopped(w.Phase)
	}
	return !d.anyAttempt(number, exposing) && !d.orphaned(number)
}

// mayHaveDevices says that a device has a revision, or that nobody can say that none
// has: its wave is free to add one from the moment that the group is admitted.
func (d *decision) mayHaveDevices(number int32) bool {
	if n, known := d.devices(number); known && n > 0 {
		return true
	}
	may := func(_ *Wave, a *Attempt) bool {
		return a.active() && (!a.ExposedKnown || a.Exposed > 0 || a.State == v1alpha1.Admitted)
	}
	return d.anyAttempt(number, may) || d.orphaned(number)
}

// assigned says that a group of a revision may still stand in assignments.
func (d *decision) assigned(number int32) bool {
	return d.anyAttempt(number, func(_ *Wave, a *Attempt) bool { return a.active() }) || d.orphaned(number)
}

// orphaned says that a group of a revision stands in assignments though its wave is
// gone: what is in it is not known.
func (d *decision) orphaned(number int32) bool {
	return slices.ContainsFunc(d.in.Groups, func(g v1alpha1.WaveAdmission) bool {
		owned := func(w Wave) bool {
			return w.UID == g.UID && slices.ContainsFunc(w.Attempts, func(a Attempt) bool { return a.Attempt == g.Attempt })
		}
		return g.Revision == number && g.State != v1alpha1.Withdrawn && !slices.ContainsFunc(d.in.Waves, owned)
	})
}

// mentioned says that a wave still speaks of a revision.
func (d *decision) mentioned(number int32) bool {
	return slices.ContainsFunc(d.in.Waves, func(w Wave) bool {
		return w.Revision == number || slices.ContainsFunc(w.Attempts, func(a Attempt) bool { return a.Revision == number })
	})
}

func (d *decision) anyAttempt(number int32, is func(*Wave, *Attempt) bool) bool {
	for i := range d.in.Waves {
		w := &d.in.Waves[i]
		for j := range w.Attempts {
			if a := &w.Attempts[j]; a.Revision == number && is(w, a) {
				return true
			}
		}
	}
	return false
}

// active says that the group may stand in assignments: it is not withdrawn, and not
// one that was never admitted and is known to be empty.
func (a *Attempt) active() bool {
	switch a.State {
	case v1alpha1.Withdrawn:
		return false
	case "":
		return a.GroupID != "" && (!a.ExposedKnown || a.Exposed > 0)
	default:
		return true
	}
}

// stopped says that a wave exposes nobody until a person asks for a retry.
func stopped(p v1alpha1.WavePhase) bool {
	switch p {
	case v1alpha1.PhaseHalted, v1alpha1.PhaseAborted, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete:
		return true
	default:
		return false
	}
}
