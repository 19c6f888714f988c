// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Withdrawn are the allow objects on record that include a group which is not admitted any more.
func Withdrawn(records []v1alpha1.TenantObject, admitted []string) []v1alpha1.TenantObject {
	allowed := newSet(admitted)
	return slices.DeleteFunc(slices.Clone(records), func(rec v1alpha1.TenantObject) bool {
		return rec.Role != v1alpha1.RoleAllow || newSet(rec.IncludeGroups).within(allowed)
	})
}

// BuildWithdraw plans the part of Build that takes groups out of allow policies. It needs to know nothing but these
// policies and who is admitted: a rollback does not wait for a catalog, a population or another policy that cannot be
// read (P9). What it leaves is planned by Build.
func BuildWithdraw(allow []Observed, admitted []string, drift v1alpha1.DriftAction) []Action {
	desired := make([]Desired, len(allow))
	for i := range allow {
		desired[i] = Desired{Key: allow[i].Key, Include: admitted, Exclude: allow[i].Previous.Exclude}
	}
	actions := slices.DeleteFunc(Build(desired, allow, Options{Drift: drift, NarrowOnly: true}).Actions, func(a Action) bool { return a.Kind != Assign })
	for i := range actions {
		a := &actions[i]
		o := slices.IndexFunc(allow, func(o Observed) bool { return o.Key == a.Key })
		// What else is missing stays on record, so that Build still sees that somebody took it.
		a.IntentInclude = newSet(allow[o].Previous.Include).intersect(newSet(admitted))
	}
	return actions
}
