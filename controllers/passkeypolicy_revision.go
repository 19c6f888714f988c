// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
)

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
	var err error
	if p.decided, err = r.revise(ctx, p.found); err != nil {
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

// revise decides which revisions there are and makes that stable before anything rests on it.
func (r *policyRun) revise(ctx context.Context, found *settings.Resolution) (revision.Result, error) {
	in := revision.InputOf(r.after, r.waves, r.Clock.Now())
	in.Resolution = found
	decided := revision.Next(in)
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
