// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Record is the policy's status after a look and the plan made from it, before anything of the plan is tried. rollback are
// the actions of the stage before, which keep what is pending for them. Conditions are not touched.
func (v *View) Record(built Result, rollback []Action) v1alpha1.PasskeyPolicyStatus {
	s := *v.Policy.Status.DeepCopy()
	switch v.Stage {
	case StageRollback:
		if records := v.Records(); len(records) > 0 {
			s.Waves = v.withdrawal().Admissions(s.Waves, records, v.read(), v.At)
			forgetGone(&s, v.Policy.Status.Waves)
		}
	case StageRemoval:
		if built.Unknown == nil {
			s.Approvals = KeepApprovals(s.Approvals, built.Actions)
		}
	case StageWhole:
		v.recordWhole(&s, built, rollback)
	}
	return s
}

func (v *View) recordWhole(s *v1alpha1.PasskeyPolicyStatus, built Result, rollback []Action) {
	if !v.pinned() || v.Population.Err != nil {
		return
	}
	s.PopulationGroups, s.PopulationExcludes = v.Population.Include, v.Population.Exclude
	if v.ListErr != nil {
		return
	}
	want, seen := v.legible()
	for i := range seen {
		recordObject(s, wanted(want, seen[i].Key), &seen[i])
	}
	slices.SortFunc(s.Objects, func(a, b v1alpha1.TenantObject) int {
		return compareKeys(KeyOf(&a), KeyOf(&b))
	})
	s.Waves = Admissions(s.Waves, v.Groups, v.Want, v.read(), v.At)
	forgetGone(s, v.Policy.Status.Waves)
	v.closeAssigns(s, want, seen, built.Actions)
	if built.Unknown == nil && v.alone() && len(built.Late) == 0 { // otherwise the plan is not the whole one
		s.Approvals = KeepApprovals(s.Approvals, slices.Concat(built.Actions, rollback))
	}
}

// forgetGone takes the groups that have lost their entry from the record of their revision. Such a group is seen outside of it,
// also where somebody else took it out and no write of ours says so; on record it would be withdrawn anew, for ever.
func forgetGone(s *v1alpha1.PasskeyPolicyStatus, before []v1alpha1.WaveAdmission) {
	for i := range before {
		if entry(s.Waves, before[i].GroupID) != nil {
			continue
		}
		for j := range s.Objects {
			if rec := &s.Objects[j]; rec.Revision == before[i].Revision {
				rec.IncludeGroups = slices.DeleteFunc(slices.Clone(rec.IncludeGroups), func(id string) bool { return id == before[i].GroupID })
			}
		}
	}
}

// wanted is nil for a policy that is only on record.
func wanted(want []Desired, key Key) *Desired {
	if i := slices.IndexFunc(want, func(d Desired) bool { return d.Key == key }); i >= 0 {
		return &want[i]
	}
	return nil
}

// place of a policy in the status, -1 when it has none.
func place(s *v1alpha1.PasskeyPolicyStatus, key Key) int {
	return slices.IndexFunc(s.Objects, func(o v1alpha1.TenantObject) bool { return KeyOf(&o) == key })
}

// recordObject brings one entry in line with what the tenant shows.
func recordObject(s *v1alpha1.PasskeyPolicyStatus, d *Desired, o *Observed) {
	at := place(s, o.Key)
	if at < 0 {
		at = len(s.Objects)
		s.Objects = append(s.Objects, v1alpha1.TenantObject{Role: o.Role, Platform: o.Platform, Revision: o.Revision})
	}
	rec := &s.Objects[at]
	switch {
	case o.Exists:
		rec.ID, rec.CreateSentAt = o.ID, nil
		if d == nil {
			break
		}
		rec.Name = d.Name
		// A match just after something else was written is a late read.
		if o.SettingsMatch && (!o.ContentFresh || rec.Hash == "") {
			rec.Hash = d.Hash
		}
	case d == nil && rec.CreateSentAt == nil: // gone, as it should be
		s.Objects = slices.Delete(s.Objects, at, at+1)
		return
	case rec.ID != "":
		// Confirmed gone. The id stays, or under drift Report the next plan would take the object for one that was never
		// made, and make it.
		*rec = v1alpha1.TenantObject{Role: rec.Role, Platform: rec.Platform, Revision: rec.Revision, Name: rec.Name, ID: rec.ID}
	}
	if !o.AssignFresh { // just after a write a late read may show what we have taken away
		rec.ForeignAssignments = foreign(o, rec, d)
	}
}

// foreign lists the targets on an object that this operator neither wants nor ever set.
func foreign(o *Observed, rec *v1alpha1.TenantObject, d *Desired) []string {
	named := targets{include: newSet(rec.IncludeGroups), exclude: newSet(rec.ExcludeGroups)}
	if d != nil {
		named = targets{include: named.include.union(newSet(d.Include)), exclude: named.exclude.union(newSet(d.Exclude))}
	}
	_, theirs := split(o.Assignments, named, everyoneOf(d, o.Assignments))
	var out []string
	for _, t := range theirs {
		out = append(out, t.Label())
	}
	slices.Sort(out)
	return out
}

// closeAssigns ends the wait for assignments whose answer was lost: nothing is left to write, and the tenant has had time
// to show a write that came late. What it shows of ours is what the next plan starts from.
func (v *View) closeAssigns(s *v1alpha1.PasskeyPolicyStatus, want []Desired, seen []Observed, actions []Action) {
	for i := range seen {
		o := &seen[i]
		planned := slices.ContainsFunc(actions, func(a Action) bool { return a.Kind == Assign && a.Key == o.Key })
		at := place(s, o.Key)
		if !o.AssignOpen || !o.Exists || planned || at < 0 {
			continue
		}
		rec := &s.Objects[at]
		if rec.AssignSentAt == nil || v.At.Sub(rec.AssignSentAt.Time) < ReplicationLag {
			continue
		}
		rec.IncludeGroups, rec.ExcludeGroups = Ours(*o, wanted(want, o.Key))
		rec.AssignSentAt = nil
	}
}

// Claim records groups that were found under revisions as this operator's own among the targets of a policy.
func Claim(s *v1alpha1.PasskeyPolicyStatus, found []v1alpha1.WaveAdmission, key Key, targets []Target) {
	at := place(s, key)
	if at < 0 {
		return
	}
	rec := &s.Objects[at]
	for _, t := range targets {
		switch {
		case !slices.ContainsFunc(found, func(a v1alpha1.WaveAdmission) bool { return strings.EqualFold(a.GroupID, t.GroupID) }):
		case t.Kind == TargetInclude:
			rec.IncludeGroups = newSet(append(rec.IncludeGroups, t.GroupID))
		case t.Kind == TargetExclude:
			rec.ExcludeGroups = newSet(append(rec.ExcludeGroups, t.GroupID))
		}
	}
}
