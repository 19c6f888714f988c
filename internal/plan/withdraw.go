// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Withdrawal is what a rollback needs to know, and nothing else: a catalog, a population, a revision or another policy that
// cannot be read does not hold it up (P9). Its writes are one per policy that includes the group, and later one per policy
// that excludes it, whatever the number of devices.
type Withdrawal struct {
	// Groups as WaveGroups gives them.
	Groups []Group
	// Drift is that of the policy.
	Drift v1alpha1.DriftAction
}

// Records are the objects on record that a group has to leave, and those that have to be seen without it.
func (w Withdrawal) Records(records []v1alpha1.TenantObject) []v1alpha1.TenantObject {
	admitted := w.admitted()
	leaving := map[int32]bool{}
	for i := range w.Groups {
		g := &w.Groups[i]
		if !g.Admit && (g.State == v1alpha1.Admitting || g.State == v1alpha1.Admitted || g.State == v1alpha1.Withdrawing) {
			leaving[g.Revision] = true
		}
	}
	stale := map[v1alpha1.Platform]bool{}
	for i := range records {
		rec := &records[i]
		if rec.Revision > 0 && (leaving[rec.Revision] || !newSet(rec.IncludeGroups).within(admitted)) ||
			len(newSet(rec.ExcludeGroups).intersect(w.released(rec.Platform))) > 0 {
			stale[rec.Platform] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(records), func(rec v1alpha1.TenantObject) bool { return !stale[rec.Platform] })
}

// Build plans the part of the whole plan that takes a revision back. It gives nobody anything but what they had before, and
// leaves alone what was neither included nor excluded for a wave. observed are those of Records that could be read: on a
// platform where one of them could not, the others still lose their includes, and give nothing back.
func (w Withdrawal) Build(records []v1alpha1.TenantObject, observed []Observed) []Action {
	blind := map[v1alpha1.Platform]bool{}
	for i := range records {
		key := KeyOf(&records[i])
		blind[key.Platform] = blind[key.Platform] || !slices.ContainsFunc(observed, func(o Observed) bool { return o.Key == key })
	}
	admitted := w.admitted()
	desired := make([]Desired, len(observed))
	for i := range observed {
		o := &observed[i]
		desired[i] = Desired{Key: o.Key, Include: o.Previous.Include, Exclude: newSet(o.Previous.Exclude)}
		if o.Revision > 0 {
			desired[i].Include = newSet(o.Previous.Include).intersect(admitted)
		}
		if !blind[o.Platform] {
			desired[i].Exclude = newSet(o.Previous.Exclude).minus(w.released(o.Platform))
		}
	}
	actions := compare(desired, observed, Options{Drift: w.Drift, Managed: Managed(w.Groups), NarrowOnly: true}).Actions
	return slices.DeleteFunc(actions, func(a Action) bool { return a.Kind != Assign })
}

// Admissions are the entries of all groups after a look at the objects on record alone: those of groups that are being
// withdrawn move on, all others stand as they were. records are those that Records gave, observed those of them that could
// be read.
func (w Withdrawal) Admissions(before []v1alpha1.WaveAdmission, records []v1alpha1.TenantObject, observed []Observed, now time.Time) []v1alpha1.WaveAdmission {
	desired := make([]Desired, len(records))
	for i := range records {
		desired[i] = Desired{Key: KeyOf(&records[i]), Include: records[i].IncludeGroups, Exclude: records[i].ExcludeGroups}
	}
	after := Admissions(before, slices.DeleteFunc(slices.Clone(w.Groups), func(g Group) bool { return g.Admit }), desired, observed, now)
	var out []v1alpha1.WaveAdmission
	for i := range w.Groups {
		list := after
		if w.Groups[i].Admit {
			list = before
		}
		if a := entry(list, w.Groups[i].ID); a != nil {
			out = append(out, *a)
		}
	}
	return out
}

func (w Withdrawal) admitted() set {
	var out []string
	for i := range w.Groups {
		if w.Groups[i].Admit {
			out = append(out, w.Groups[i].ID)
		}
	}
	return newSet(out)
}

// released are the groups that earlier levels on a platform take back.
func (w Withdrawal) released(on v1alpha1.Platform) set {
	var out []string
	for i := range w.Groups {
		if g := &w.Groups[i]; !g.Excluded(on) {
			out = append(out, g.ID)
		}
	}
	return newSet(out)
}
