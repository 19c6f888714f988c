// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/plan"
)

// execute runs one action, with the journal that it needs.
func (r *policyRun) execute(ctx context.Context, a *plan.Action) (execute.Outcome, error) {
	log.FromContext(ctx).Info("tenant action", "action", a.String())
	rec := r.object(a.Key)
	switch a.Kind {
	case plan.LookUp:
		return r.lookUp(rec), nil
	case plan.Create:
		return r.create(ctx, rec, a.Desired)
	case plan.Replace:
		out := execute.Replace(ctx, r.src, a.ID, a.Desired)
		if out.Result == execute.Applied {
			rec.Hash, rec.AppliedAt, rec.Name = a.Desired.Hash, r.stamp(), a.Desired.Name
		}
		return out, nil
	case plan.Rename:
		out := execute.Rename(ctx, r.src, a.ID, a.Desired)
		if out.Result == execute.Applied {
			rec.Name, rec.AppliedAt = a.Desired.Name, r.stamp()
		}
		return out, nil
	case plan.Assign:
		return r.assign(ctx, a, rec)
	case plan.RemoveCopy:
		return execute.Delete(ctx, r.src, a.ID), nil
	case plan.Delete:
		out := execute.Delete(ctx, r.src, a.ID)
		if out.Result == execute.Applied || out.Result == execute.AlreadyTrue {
			r.forgetObject(a.Key)
		}
		return out, nil
	}
	return execute.Outcome{}, fmt.Errorf("action %s has no executor", a)
}

// create journals the create before it is sent: a record that is open and has no id is looked up by its marker, never
// created again blindly (P5). What the tenant refused leaves the record as it was, with the id of a deleted predecessor.
func (r *policyRun) create(ctx context.Context, rec *v1alpha1.TenantObject, want *plan.Desired) (execute.Outcome, error) {
	old, now := *rec, r.stamp()
	*rec = v1alpha1.TenantObject{Role: old.Role, Platform: old.Platform, Name: want.Name, CreateSentAt: now}
	if err := r.journal(ctx); err != nil {
		return execute.Outcome{}, err
	}
	out := execute.Create(ctx, r.src, want)
	switch out.Result {
	case execute.Applied:
		rec.ID, rec.Hash, rec.CreateSentAt, rec.AppliedAt = out.ID, want.Hash, nil, now
	case execute.Rejected, execute.Retry:
		*rec = old
	}
	return out, nil
}

// stamp is now, as a status keeps it.
func (r *policyRun) stamp() *metav1.Time {
	now := metav1.NewTime(r.Clock.Now().UTC().Truncate(time.Second))
	return &now
}

// lookUp ends the wait for a create whose answer was lost; the observation has just looked for its marker in vain.
func (r *policyRun) lookUp(rec *v1alpha1.TenantObject) execute.Outcome {
	if rec.CreateSentAt != nil && r.Clock.Since(rec.CreateSentAt.Time) < lostGrace {
		return execute.Outcome{Result: execute.Retry, Err: fmt.Errorf("the answer to creating %q was lost; looking for it by its marker", rec.Name)}
	}
	rec.CreateSentAt = nil
	return execute.Outcome{Result: execute.AlreadyTrue}
}

// assign journals the union of old and new targets and that the write is open: after a crash none of them can be taken
// for somebody else's, and one that is missing is written again whatever drift says. What the tenant refused leaves the
// record as it was, unless an older write is still open.
func (r *policyRun) assign(ctx context.Context, a *plan.Action, rec *v1alpha1.TenantObject) (execute.Outcome, error) {
	old := *rec
	rec.IncludeGroups, rec.ExcludeGroups = merge(old.IncludeGroups, a.Include), merge(old.ExcludeGroups, a.Exclude)
	rec.AssignSentAt = r.stamp()
	if err := r.journal(ctx); err != nil {
		return execute.Outcome{}, err
	}
	out := execute.Assign(ctx, r.src, a)
	switch out.Result {
	case execute.Applied:
		rec.IncludeGroups, rec.ExcludeGroups, rec.AssignSentAt = slices.Clone(a.IntentInclude), slices.Clone(a.IntentExclude), nil
		rec.AssignedAt = r.stamp()
	case execute.Rejected, execute.Retry:
		if old.AssignSentAt == nil {
			*rec = old
		}
	}
	return out, nil
}

// closeAssigns ends the wait for assignments whose answer was lost: nothing is left to write, and the tenant has had time
// to show a write that came late. What it shows of ours is what the next plan starts from.
func (r *policyRun) closeAssigns(want []plan.Desired, seen []plan.Observed, actions []plan.Action) {
	for i := range seen {
		o := &seen[i]
		planned := slices.ContainsFunc(actions, func(a plan.Action) bool { return a.Kind == plan.Assign && a.Key == o.Key })
		if !o.AssignOpen || !o.Exists || planned {
			continue
		}
		rec := r.object(o.Key)
		if rec.AssignSentAt == nil || r.Clock.Since(rec.AssignSentAt.Time) < lostGrace {
			continue
		}
		var d *plan.Desired
		if w := slices.IndexFunc(want, func(d plan.Desired) bool { return d.Key == o.Key }); w >= 0 {
			d = &want[w]
		}
		rec.IncludeGroups, rec.ExcludeGroups = plan.Ours(*o, d)
		rec.AssignSentAt = nil
	}
}

// journal writes the status as it stands before something is sent that must not be sent twice.
func (r *policyRun) journal(ctx context.Context) error {
	pending := r.after.DeepCopy()
	if err := r.patchStatus(ctx, r.before, pending); err != nil {
		return err
	}
	r.before = pending.DeepCopy()
	r.after.ResourceVersion = pending.ResourceVersion
	return nil
}
