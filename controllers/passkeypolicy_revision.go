// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
)

// find looks for what the tenant has and the status has forgotten, and puts its policies on record. What they set is taken up
// with the revisions.
func (r *policyRun) find(ctx context.Context) error {
	list := observe.List(ctx, r.src, r.after, r.Clock.Now())
	r.listed = &list
	if list.Err != nil {
		return nil //nolint:nilerr // the whole look says so, and what does not rest on the list goes on
	}
	var err error
	if r.found, err = observe.Forgotten(ctx, r.src, r.owner(), r.after, list.All); err != nil {
		return err
	}
	s := &r.after.Status
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
func (r *policyRun) lookForGroups(ctx context.Context) (bool, error) {
	r.looked = true
	list, err := observe.AssignedTo(ctx, r.src, r.after.Status.Objects)
	if err != nil {
		return false, err
	}
	groups, err := observe.FoundGroups(ctx, r.src, &r.after.Status, r.waves, list, r.Clock.Now())
	if err != nil {
		return false, err
	}
	return r.note(ctx, groups)
}

// note stores what was put on record of groups that were found, before anything rests on it.
func (r *policyRun) note(ctx context.Context, groups []v1alpha1.WaveAdmission) (bool, error) {
	if len(groups) == 0 {
		return false, nil
	}
	if err := r.Write(ctx, &r.after.Status); err != nil {
		return false, err
	}
	r.emit(r.after, "Observe", status.FoundGroups(groups))
	return true, nil
}

// observe completes a view. Groups of attempts that it shows under a revision, and that the status has no entry of, are put on
// record first, and it is taken with them: they are ours, and their devices keep what they have.
func (r *policyRun) observe(ctx context.Context, v plan.View) (plan.View, error) {
	seen := observe.Policy(ctx, r.src, r.owner(), r.neighbours, r.listed, v)
	if v.Stage != plan.StageWhole {
		return seen, nil
	}
	groups, err := observe.FoundGroups(ctx, r.src, &r.after.Status, r.waves, observe.AssignedIn(&seen), r.Clock.Now())
	seen.ListErr = cmp.Or(seen.ListErr, err)
	if seen.ListErr != nil {
		return seen, nil //nolint:nilerr // the view carries it, and the plan says so
	}
	if found, err := r.note(ctx, groups); err != nil || !found {
		return seen, err
	}
	again := r.view(v.Stage)
	again.CatalogErr = v.CatalogErr
	return observe.Policy(ctx, r.src, r.owner(), r.neighbours, r.listed, again), nil
}

// payload is what is known of what the spec asks for, and what was decided on it.
type payload struct {
	// found is what the settings catalog has; nil when it could not be read.
	found   *settings.Resolution
	decided revision.Result
	// err is why the catalog could not be read though something rests on it.
	err error
}

// resolve decides what waves prove, by the settings catalog where it can be read. Without it, what is live stands, and what
// needs no catalog is decided.
func (r *policyRun) resolve(ctx context.Context) (payload, error) {
	var p payload
	in := revision.InputOf(r.after, r.waves, r.Clock.Now())
	if in.Take { // a person wants what the catalog has now
		r.catalogs.Drop(r.tenant)
	}
	found, unread := observe.Settings(ctx, r.src, r.catalogs, r.after, in.Now)
	if unread == nil {
		p.found = &found
	}
	devices, err := r.count(ctx)
	if err != nil {
		return p, err
	}
	if p.decided, err = r.revise(ctx, p.found, devices); err != nil {
		return p, err
	}
	if p.decided.NeedsCatalog {
		p.err = unread
	}
	if p.decided.Waiting != nil && found.Blocked {
		r.catalogs.Drop(r.tenant) // the next look asks the tenant again: the remedy may be there
	}
	r.after.Status.Settings = status.Verdicts(r.after.Status.Settings, p.found, &p.decided)
	return p, nil
}

// revise decides which revisions there are and makes that stable before anything rests on it. devices are how many have each,
// nil when that was not counted.
func (r *policyRun) revise(ctx context.Context, found *settings.Resolution, devices map[int32]int32) (revision.Result, error) {
	next := func() revision.Result {
		in := revision.InputOf(r.after, r.waves, r.Clock.Now())
		in.Resolution, in.Devices = found, devices
		in.Found, in.Unlisted = r.found.Revisions, r.listed != nil && r.listed.Err != nil
		return revision.Next(in)
	}
	decided := next()
	if decided.Changed() && r.listed != nil && !r.looked { // no revision is given up on a record that may lack its groups
		more, err := r.lookForGroups(ctx)
		if err != nil {
			return decided, err
		}
		if more {
			decided = next()
		}
	}
	status.Revised(r.after, &decided)
	if !decided.Changed() {
		return decided, nil
	}
	if err := r.Write(ctx, &r.after.Status); err != nil {
		return decided, err
	}
	events := status.RevisionEvents(&decided)
	r.emit(r.after, "Decide", events)
	r.Metrics.Revised(events)
	return decided, nil
}
