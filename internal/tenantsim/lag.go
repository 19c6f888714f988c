// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/late"
)

// Lag says how far reads are behind writes, and Intune behind the directory.
type Lag = late.Lag

// LagRange is a uniform delay.
type LagRange = late.Range

// Fixed is a delay that is always the same.
func Fixed(d time.Duration) LagRange { return late.Fixed(d) }

// instant is now, for a change that reads may see later.
func (s *Server) instant() late.Instant { return s.instantOf(s.clock.Now()) }

// instantOf is instant for a change that happened at a moment.
func (s *Server) instantOf(at time.Time) late.Instant {
	return late.Instant{Now: at, Lag: s.scenario.Lag}
}

// lagOf draws how long one change takes.
func (s *Server) lagOf(choose func(*Lag) LagRange) time.Duration {
	if s.scenario.Lag == nil {
		return 0
	}
	r := choose(s.scenario.Lag)
	if r.Max == 0 {
		return 0
	}
	s.lagDraws++
	return r.At(ids.Uniform(ids.Mix(ids.Mix(s.options.Seed^ids.HashText("lag of a change")) + s.lagDraws)))
}

// filterRelease is the longest time that a filter counts as used (contract f
// gives no number: the caller waits for all of it).
func (s *Server) filterRelease() time.Duration {
	if s.scenario.Lag == nil {
		return 0
	}
	return time.Duration(s.scenario.Lag.FilterRelease.Max)
}

// behind is how far the replica that this request meets is behind.
func (c *call) behind(choose func(*Lag) LagRange) time.Duration {
	return c.server.scenario.Lag.Behind(c.RequestID, choose)
}

// readAsOf is the moment whose state a request by id sees, listAsOf that of a
// list, membersAsOf that of a member list. Advanced queries read the index.
func (c *call) readAsOf() time.Time {
	return c.now.Add(-c.behind(func(l *Lag) LagRange { return l.Read }))
}

func (c *call) listAsOf() time.Time {
	return c.indexAsOf(c.behind(func(l *Lag) LagRange { return l.List }))
}

func (c *call) membersAsOf() time.Time {
	return c.indexAsOf(c.behind(func(l *Lag) LagRange { return l.Members }))
}

func (c *call) indexAsOf(lag time.Duration) time.Time {
	if c.Eventual() {
		lag = max(lag, c.behind(func(l *Lag) LagRange { return l.Index }))
	}
	return c.now.Add(-lag)
}
