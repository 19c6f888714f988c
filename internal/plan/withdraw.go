// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Withdrawal is what a rollback needs to know, and nothing else: a catalog, a population or another policy that cannot be
// read does not hold it up (P9).
type Withdrawal struct {
	// Admitted are the managed groups of waves whose devices get the payload.
	Admitted []string
	// Excluded are the groups that hold leaves out for good, as they were last resolved.
	Excluded []string
	// Gate says that hold excludes admitted groups; without it hold is for those that are rolled back.
	Gate bool
	// Drift is that of the policy.
	Drift v1alpha1.DriftAction
}

// Records are the objects on record that a group has to leave: allow, which includes it, and hold, which excludes it.
func (w Withdrawal) Records(records []v1alpha1.TenantObject) []v1alpha1.TenantObject {
	stale := map[v1alpha1.Platform]bool{}
	for i := range records {
		rec := &records[i]
		switch {
		case rec.Role == v1alpha1.RoleAllow && !newSet(rec.IncludeGroups).within(newSet(w.Admitted)),
			rec.Role == v1alpha1.RoleHold && w.Gate && !newSet(rec.ExcludeGroups).within(w.excluded()):
			stale[rec.Platform] = true
		}
	}
	// Hold takes devices back only where its allow can be seen, too (P1).
	return slices.DeleteFunc(slices.Clone(records), func(rec v1alpha1.TenantObject) bool {
		return !stale[rec.Platform] || rec.Role == v1alpha1.RoleHold && !w.Gate
	})
}

func (w Withdrawal) excluded() set { return newSet(w.Excluded).union(newSet(w.Admitted)) }

// Build plans the part of the whole plan that takes the payload back. It gives nobody anything, and leaves alone what was
// neither included nor excluded for a wave.
func (w Withdrawal) Build(observed []Observed) []Action {
	desired := make([]Desired, len(observed))
	for i := range observed {
		o := &observed[i]
		desired[i] = Desired{Key: o.Key, Include: w.Admitted, Exclude: o.Previous.Exclude}
		if o.Role == v1alpha1.RoleHold {
			desired[i].Include, desired[i].Exclude = o.Previous.Include, newSet(o.Previous.Exclude).intersect(w.excluded())
		}
	}
	actions := slices.DeleteFunc(compare(desired, observed, Options{Drift: w.Drift, NarrowOnly: true}).Actions, func(a Action) bool { return a.Kind != Assign })
	for i := range actions {
		a := &actions[i]
		// What else is missing stays on record, so that the whole plan still sees that somebody took it.
		if a.Role == v1alpha1.RoleAllow {
			a.IntentInclude = newSet(a.Observed.Previous.Include).intersect(newSet(w.Admitted))
		} else {
			a.IntentInclude, a.IntentExclude = newSet(a.Observed.Previous.Include), newSet(a.Observed.Previous.Exclude).intersect(w.excluded())
		}
	}
	return actions
}
