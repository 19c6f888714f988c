// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"time"

	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// Waits in real time.
const (
	// standing is how long a wait lasts while the clock stands still: then somebody may have moved it.
	standing = 100 * time.Millisecond
	// longest is the longest rest of a reconcile, so that it notices a clock that was moved by hand.
	longest = 10 * time.Second
)

var _ clock.Clock = (*Clock)(nil)

// Clock is the tenant's virtual clock with the waits of a real one: what waits by it waits in virtual time. Tenant,
// operator and Graph client share one.
type Clock struct{ *tenantsim.Clock }

// real turns a span of virtual time into real time.
func (c *Clock) real(d time.Duration) time.Duration {
	speed := c.Speed()
	if speed <= 0 {
		return standing
	}
	return time.Duration(float64(d) / speed)
}

// Pace turns the rest of a reconcile into real time.
func (c *Clock) Pace(d time.Duration) time.Duration { return min(c.real(d), longest) }

// After implements clock.Clock.
func (c *Clock) After(d time.Duration) <-chan time.Time { return time.After(c.real(d)) }

// NewTimer implements clock.Clock.
func (c *Clock) NewTimer(d time.Duration) clock.Timer {
	return timer{clock.RealClock{}.NewTimer(c.real(d)), c}
}

// Sleep implements clock.Clock.
func (c *Clock) Sleep(d time.Duration) { time.Sleep(c.real(d)) }

// Tick implements clock.Clock.
func (c *Clock) Tick(d time.Duration) <-chan time.Time { return time.Tick(c.real(d)) }

// timer is a timer whose spans are virtual.
type timer struct {
	clock.Timer
	clock *Clock
}

// Reset implements clock.Timer.
func (t timer) Reset(d time.Duration) bool { return t.Timer.Reset(t.clock.real(d)) }
