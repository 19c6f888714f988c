// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"time"

	"github.com/tidegate/tidegate/internal/graph"
)

// Order says what a reading is to bring.
type Order struct {
	// Policies are the ids of the policy objects whose reports are evidence.
	Policies []string
	// Last is the reading before; nil for none. Its parts stand for those that are not due or fail.
	Last *Inventory
	// Interval is how old a part gets before it is read again; zero reads every part.
	Interval time.Duration
	// Doubts says which lists of a reading are not believed yet; nil believes all.
	Doubts func(*Inventory) Doubts
}

// refusedFor is how long a list that the tenant refuses is not asked for again: a person has to allow it first.
const refusedFor = 5 * time.Minute

// due are the parts that a reading asks for.
type due struct {
	devices, edge, encryption bool
	reports                   map[string]bool
}

func (d due) any() bool { return d.devices || d.edge || d.encryption || len(d.reports) > 0 }

// Due says whether anything is to be read at now.
func (o Order) Due(now time.Time) bool {
	ids, err := distinctPolicies(o.Policies)
	return err != nil || o.due(ids, now).any()
}

// NextAt is when something is to be read next, of an order for which a reading was made.
func (o Order) NextAt() time.Time {
	var next time.Time
	ids, err := distinctPolicies(o.Policies)
	if err != nil {
		return next
	}
	for _, p := range o.parts(ids) {
		if at := p.dueAt(o.Interval); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// parts are those of the last reading that are still to be read. The report of a policy that is gone is none of them.
func (o Order) parts(ids []string) []Part {
	out := o.Last.Lists()
	for _, id := range ids {
		out = append(out, o.Last.part(id).Part)
	}
	return out
}

// due are the parts to ask for at now. Those that would be due soon after one that is go with it, so that parts which were read
// apart once do not make readings of their own for ever.
func (o Order) due(ids []string, now time.Time) due {
	d := due{reports: map[string]bool{}}
	if o.Last == nil {
		d.devices, d.edge, d.encryption = true, true, true
		for _, id := range ids {
			d.reports[id] = true
		}
		return d
	}
	horizon := now
	for _, p := range o.parts(ids) {
		if p.Err == nil && !p.AsOf.IsZero() && !now.Before(p.dueAt(o.Interval)) {
			horizon = now.Add(o.Interval / 2)
		}
	}
	is := func(p Part) bool {
		until := now
		if p.Err == nil {
			until = horizon
		}
		return p.AsOf.IsZero() && p.Err == nil || p.ahead(now) || !until.Before(p.dueAt(o.Interval)) || o.Interval <= 0
	}
	d.devices, d.edge, d.encryption = is(o.Last.devices), is(o.Last.edge), is(o.Last.encryption)
	for _, id := range ids {
		if is(o.Last.part(id).Part) {
			d.reports[id] = true
		}
	}
	return d
}

// listAgain is when a list is asked for again after a try that failed.
func listAgain(err error, now time.Time) time.Time {
	wait := graph.RetryDelay(err, now)
	if (Part{Err: err}).Refused() {
		wait = max(wait, refusedFor)
	}
	return now.Add(wait)
}

// reportAgain is when a report is asked for again after a try that failed. One that is refused waits for its turn: its policy is
// gone, or a person has to allow it.
func (o Order) reportAgain(err error, now time.Time) time.Time {
	wait := graph.RetryDelay(err, now)
	if (Part{Err: err}).Refused() {
		wait = max(wait, o.Interval)
	}
	return now.Add(wait)
}
