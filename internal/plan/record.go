// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Record is the policy's status after a look and the plan made from it, before anything of the plan is tried. rollback are
// the actions of the stage before, which keep what is pending for them. Conditions are not touched.
func (v *View) Record(built Result, rollback []Action) v1alpha1.PasskeyPolicyStatus {
	s := *v.Policy.Status.DeepCopy()
	switch v.Stage {
	case StageRollback:
		if len(v.Records()) > 0 {
			v.dismiss(&s)
		}
	case StageRemoval:
		if built.Unknown == nil {
			s.Approvals = KeepApprovals(s.Approvals, built.Actions)
		}
	default:
		v.recordWhole(&s, built, rollback)
	}
	return s
}

func (v *View) recordWhole(s *v1alpha1.PasskeyPolicyStatus, built Result, rollback []Action) {
	if v.Catalog.Err != nil {
		return
	}
	s.Settings, s.MinEdge = v.Catalog.Verdicts, v.Catalog.MinEdge
	if v.Catalog.Blocked {
		return
	}
	s.PayloadHash = v.Catalog.Hash
	if v.Population.Err != nil {
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
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Role, b.Role))
	})
	if built.Unknown == nil { // otherwise nobody knows how far the tenant has followed
		v.admissions(s, seen)
	} else {
		v.dismiss(s)
	}
	v.closeAssigns(s, want, seen, built.Actions)
	if built.Unknown == nil && len(v.Others)+len(built.Late) == 0 { // otherwise the plan is not the whole one
		s.Approvals = KeepApprovals(s.Approvals, slices.Concat(built.Actions, rollback))
	}
}

// wanted is nil for a policy that is only on record.
func wanted(want []Desired, key Key) *Desired {
	if i := slices.IndexFunc(want, func(d Desired) bool { return d.Key == key }); i >= 0 {
		return &want[i]
	}
	return nil
}

// entry is the place of a policy in the status, -1 when it has none.
func entry(s *v1alpha1.PasskeyPolicyStatus, key Key) int {
	return slices.IndexFunc(s.Objects, func(o v1alpha1.TenantObject) bool { return o.Role == key.Role && o.Platform == key.Platform })
}

// recordObject brings one entry in line with what the tenant shows.
func recordObject(s *v1alpha1.PasskeyPolicyStatus, d *Desired, o *Observed) {
	at := entry(s, o.Key)
	if at < 0 {
		at = len(s.Objects)
		s.Objects = append(s.Objects, v1alpha1.TenantObject{Role: o.Role, Platform: o.Platform})
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
		*rec = v1alpha1.TenantObject{Role: rec.Role, Platform: rec.Platform, Name: rec.Name, ID: rec.ID}
	}
	if !o.AssignFresh { // just after a write a late read may show what we have taken away
		rec.ForeignAssignments = foreign(o, rec, d)
	}
}

// foreign lists the targets on an object that this operator neither wants nor ever set.
func foreign(o *Observed, rec *v1alpha1.TenantObject, d *Desired) []string {
	include, exclude := slices.Clone(rec.IncludeGroups), slices.Clone(rec.ExcludeGroups)
	if d != nil {
		include, exclude = append(include, d.Include...), append(exclude, d.Exclude...)
	}
	var out []string
	for _, t := range o.Assignments {
		ours := t.Kind == TargetInclude && slices.Contains(include, t.GroupID) || t.Kind == TargetExclude && slices.Contains(exclude, t.GroupID)
		if !ours {
			out = append(out, t.Label())
		}
	}
	slices.Sort(out)
	return out
}

// admissions reports how far the tenant has followed each wave.
func (v *View) admissions(s *v1alpha1.PasskeyPolicyStatus, seen []Observed) {
	var out []v1alpha1.WaveAdmission
	for i := range v.Waves {
		w := &v.Waves[i]
		if w.Status.Audience == nil || w.Status.Audience.GroupID == "" {
			continue
		}
		id := w.Status.Audience.GroupID
		a := v1alpha1.WaveAdmission{
			Name: w.Name, UID: string(w.UID), GroupID: id, Since: v.stamp(),
			State: Admission(v.Policy.Spec.Mode, id, slices.Contains(v.Admitted, id), seen),
		}
		if old := admissionOf(s, w); old != nil && old.State == a.State && old.GroupID == a.GroupID {
			a.Since = old.Since
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b v1alpha1.WaveAdmission) int { return cmp.Compare(a.Name, b.Name) })
	s.Waves = out
}

// dismiss tells waves that are not admitted any more that they are on their way out, where nobody looks at the tenant
// closely enough to say more: a wave that reads that it is admitted goes on exposing.
func (v *View) dismiss(s *v1alpha1.PasskeyPolicyStatus) {
	for i := range s.Waves {
		w := &s.Waves[i]
		if !slices.Contains(v.Admitted, w.GroupID) && (w.State == v1alpha1.Admitted || w.State == v1alpha1.Admitting) {
			w.State, w.Since = v1alpha1.Withdrawing, v.stamp()
		}
	}
}

// admissionOf is what a policy's status says of a wave; nil when it says nothing.
func admissionOf(s *v1alpha1.PasskeyPolicyStatus, w *v1alpha1.PilotWave) *v1alpha1.WaveAdmission {
	i := slices.IndexFunc(s.Waves, func(a v1alpha1.WaveAdmission) bool { return a.UID == string(w.UID) })
	if i < 0 {
		return nil
	}
	return &s.Waves[i]
}

// closeAssigns ends the wait for assignments whose answer was lost: nothing is left to write, and the tenant has had time
// to show a write that came late. What it shows of ours is what the next plan starts from.
func (v *View) closeAssigns(s *v1alpha1.PasskeyPolicyStatus, want []Desired, seen []Observed, actions []Action) {
	for i := range seen {
		o := &seen[i]
		planned := slices.ContainsFunc(actions, func(a Action) bool { return a.Kind == Assign && a.Key == o.Key })
		at := entry(s, o.Key)
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

func (v *View) stamp() metav1.Time { return metav1.NewTime(v.At.UTC().Truncate(time.Second)) }
