// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
)

// Step is one action on its way to the tenant, with what has to be stable before it leaves. Stable means that Journal.Write
// has returned: whatever dies after that, the next process finds it.
type Step struct {
	// Action to send. It must not leave before Record and Request, where they are set, are stable.
	Action *plan.Action
	// Record is the object's entry in status.objects that explains what a crash after the send leaves behind: an open
	// create is looked up by its marker and never repeated (P5), and of an open assignment every target may be ours. nil
	// where the action can be planned anew from what the tenant shows.
	Record *v1alpha1.TenantObject
	// Request is the entry in status.approvals of a request that the send opens: a second one would make people decide
	// twice (P5). nil where the send opens none.
	Request *v1alpha1.PendingApproval
}

// newStep is the step of an action on an object that is on record as old.
func newStep(a *plan.Action, old v1alpha1.TenantObject, now *metav1.Time) Step {
	s := Step{Action: a}
	switch a.Kind {
	case plan.Create:
		s.Record = &v1alpha1.TenantObject{Role: a.Role, Platform: a.Platform, Revision: a.Revision, Name: a.Desired.Name, CreateSentAt: now}
	case plan.Assign:
		rec := *old.DeepCopy()
		rec.IncludeGroups, rec.ExcludeGroups = merge(old.IncludeGroups, a.Include), merge(old.ExcludeGroups, a.Exclude)
		rec.AssignSentAt = now
		s.Record = &rec
	}
	return s
}

// settle is what to have on record after a step: of a refusal nothing stays, of a lost answer all that was made stable.
// false means that there is nothing to have on record any more. old is the entry before the step.
func (s *Step) settle(old v1alpha1.TenantObject, out Outcome, now *metav1.Time) (v1alpha1.TenantObject, bool) {
	kind := s.Action.Kind
	refused := out.Result == Rejected || out.Result == Retry
	switch {
	case kind == plan.Delete && out.Taken():
		return v1alpha1.TenantObject{}, false
	case refused && (kind != plan.Assign || old.AssignSentAt == nil): // an older assignment that is open stays so
		return old, true
	}
	rec := *old.DeepCopy()
	if s.Record != nil {
		rec = *s.Record
	}
	if out.Taken() {
		s.taken(&rec, out.ID, now)
	}
	return rec, true
}

// taken puts on record what the tenant took. id is that of an object that was made.
func (s *Step) taken(rec *v1alpha1.TenantObject, id string, now *metav1.Time) {
	switch a := s.Action; a.Kind {
	case plan.LookUp:
		rec.CreateSentAt = nil
	case plan.Create:
		rec.ID, rec.Hash, rec.CreateSentAt, rec.AppliedAt = id, a.Desired.Hash, nil, s.Record.CreateSentAt
	case plan.Replace:
		rec.Hash, rec.Name, rec.AppliedAt = a.Desired.Hash, a.Desired.Name, now
	case plan.Rename:
		rec.Name, rec.AppliedAt = a.Desired.Name, now
	case plan.Assign:
		rec.IncludeGroups, rec.ExcludeGroups = slices.Clone(a.IntentInclude), slices.Clone(a.IntentExclude)
		rec.AssignSentAt, rec.AssignedAt = nil, now
	}
}

func merge(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// stamp is t as a status keeps it.
func stamp(t time.Time) *metav1.Time {
	out := metav1.NewTime(t.UTC().Truncate(time.Second))
	return &out
}
