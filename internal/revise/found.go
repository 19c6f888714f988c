// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revise

import (
	"cmp"
	"context"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// find looks for what the tenant has and the status has forgotten, and puts its policies on record. What they set is taken up
// with the revisions.
func (r *Run) find(ctx context.Context) error {
	list := observe.List(ctx, r.Source, r.Policy, r.Now())
	r.listed = &list
	if list.Err != nil {
		return nil //nolint:nilerr // the whole look says so, and what does not rest on the list goes on
	}
	var err error
	if r.found, err = observe.Forgotten(ctx, r.Source, r.Owner, r.Policy, list.All); err != nil {
		return err
	}
	s := &r.Policy.Status
	for _, o := range r.found.Objects {
		s.Objects = slices.DeleteFunc(s.Objects, func(known v1alpha1.TenantObject) bool { return plan.KeyOf(&known) == plan.KeyOf(&o) })
		s.Objects = append(s.Objects, o)
	}
	if len(r.found.Revisions) > 0 {
		_, err = r.lookForGroups(ctx)
	}
	return err
}

// lookForGroups reads what all policies on record are assigned to, and puts groups of attempts on record that the status has
// no entry of. true says that there were some.
func (r *Run) lookForGroups(ctx context.Context) (bool, error) {
	r.looked = true
	list, err := observe.AssignedTo(ctx, r.Source, r.Policy.Status.Objects)
	if err != nil {
		return false, err
	}
	groups, err := observe.FoundGroups(ctx, r.Source, r.Policy, r.Waves, list, r.Now())
	if err != nil {
		return false, err
	}
	return r.note(ctx, groups)
}

// note stores what was put on record of groups that were found, before anything rests on it.
func (r *Run) note(ctx context.Context, groups []v1alpha1.WaveAdmission) (bool, error) {
	if len(groups) == 0 {
		return false, nil
	}
	if err := r.Journal.Write(ctx, &r.Policy.Status); err != nil {
		return false, err
	}
	r.TellFound(status.FoundGroups(groups))
	return true, nil
}

// Observe completes a view. Groups of attempts that it shows under a revision, and that the status has no entry of, are put on
// record first, and it is taken with them: they are ours, and their devices keep what they have.
func (r *Run) Observe(ctx context.Context, n observe.Neighbours, v plan.View) (plan.View, error) {
	seen := observe.Policy(ctx, r.Source, r.Owner, n, r.listed, v)
	if v.Stage != plan.StageWhole {
		return seen, nil
	}
	groups, err := observe.FoundGroups(ctx, r.Source, r.Policy, r.Waves, observe.AssignedIn(&seen), r.Now())
	seen.ListErr = cmp.Or(seen.ListErr, err)
	if seen.ListErr != nil {
		return seen, nil //nolint:nilerr // the view carries it, and the plan says so
	}
	if found, err := r.note(ctx, groups); err != nil || !found {
		return seen, err
	}
	again := plan.NewView(v.Stage, r.Policy.DeepCopy(), r.Waves, r.Now())
	again.CatalogErr = v.CatalogErr
	return observe.Policy(ctx, r.Source, r.Owner, n, r.listed, again), nil
}
