// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revise

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
)

// Run is one reconcile of one policy.
type Run struct {
	// Policy is the policy as it is to become, and Waves are its waves.
	Policy *v1alpha1.PasskeyPolicy
	Waves  []v1alpha1.PilotWave
	// Source reads the tenant with the key Tenant, in which Owner is whose the policy's objects are. Catalogs keep what was read,
	// and Accounts what Ledgers tell.
	Source   observe.PolicySource
	Owner    observe.Owner
	Tenant   types.NamespacedName
	Catalogs *observe.Catalogs
	Accounts *observe.Accounts
	Ledgers  observe.AllLedgers
	// Journal stores the status of the policy before anything rests on it.
	Journal execute.Journal
	// Tell sends the events of a decision, and TellFound those of groups that were found, after they were stored.
	Tell, TellFound func([]status.Event)
	// Now is the source of now.
	Now func() time.Time

	// listed are the policies of the tenant, where this reconcile has listed them, and found those that the status has forgotten.
	listed *observe.Listing
	found  observe.Found
	// looked says that the groups that its policies are assigned to were looked at in this reconcile.
	looked bool
}

// Resolve decides what waves prove, by the settings catalog where it can be read. Without it, what is live stands, and what
// needs no catalog is decided.
func (r *Run) Resolve(ctx context.Context) (report.Payload, error) {
	var p report.Payload
	if err := r.find(ctx); err != nil {
		p.Unfound = &plan.Gap{All: true, Err: err, Doing: "look for what the status has forgotten"}
		return p, nil //nolint:nilerr // the payload carries it, and the report says so
	}
	in := revision.InputOf(r.Policy, r.Waves, r.Now())
	if in.Take { // a person wants what the catalog has now
		r.Catalogs.Drop(r.Tenant)
	}
	found, unread := observe.Settings(ctx, r.Source, r.Catalogs, r.Policy, in.Now)
	if unread == nil {
		p.Found = &found
	}
	devices, err := r.Accounts.Count(ctx, r.Ledgers, r.Policy, r.Waves, r.Now())
	if err != nil {
		return p, err
	}
	p.Decided, err = r.Revise(ctx, p.Found, devices)
	if graph.KindOf(err) != "" { // of the tenant
		p.Unfound = &plan.Gap{All: true, Err: err, Doing: "look for groups that the status has forgotten"}
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if p.Decided.NeedsCatalog {
		p.Err = unread
	}
	if p.Decided.Waiting != nil && found.Blocked {
		r.Catalogs.Drop(r.Tenant) // the next look asks the tenant again: the remedy may be there
	}
	r.Policy.Status.Settings = status.Verdicts(r.Policy.Status.Settings, p.Found, &p.Decided)
	return p, nil
}

// Revise decides which revisions there are and makes that stable before anything rests on it. devices are how many have each,
// nil when that was not counted.
func (r *Run) Revise(ctx context.Context, found *settings.Resolution, devices map[int32]int32) (revision.Result, error) {
	next := func() revision.Result {
		in := revision.InputOf(r.Policy, r.Waves, r.Now())
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
	status.Revised(r.Policy, &decided)
	if !decided.Changed() {
		return decided, nil
	}
	if err := r.Journal.Write(ctx, &r.Policy.Status); err != nil {
		return decided, err
	}
	r.Tell(status.RevisionEvents(&decided))
	return decided, nil
}
