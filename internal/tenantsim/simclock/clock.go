// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simclock

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

var _ clock.PassiveClock = (*Clock)(nil)

// Clock is a virtual clock: it begins at a chosen instant, runs speed times as
// fast as real time and can be pushed forward by hand. It never goes back. Two
// processes that build it from equal arguments at the same moment agree.
type Clock struct {
	mu    sync.Mutex
	base  time.Time // virtual time at real
	real  time.Time
	speed float64
	wall  func() time.Time
}

// New returns a clock that shows start now and moves speed virtual
// seconds per real second. Speed 0 is a manual clock: only Advance moves it.
func New(start time.Time, speed float64) *Clock {
	c := &Clock{base: start.UTC(), speed: speed, wall: time.Now}
	c.real = c.wall()
	return c
}

// Now returns the virtual time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now(c.wall())
}

// Since returns the virtual time that passed since t.
func (c *Clock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Advance pushes the clock forward by d. A negative d is ignored.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := c.wall()
	c.base, c.real = c.now(wall).Add(d), wall
}

// Speed returns the virtual seconds per real second.
func (c *Clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// SetSpeed changes the speed from now on; the time shown does not jump.
func (c *Clock) SetSpeed(speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := c.wall()
	c.base, c.real, c.speed = c.now(wall), wall, max(speed, 0)
}

func (c *Clock) now(wall time.Time) time.Time {
	return c.base.Add(time.Duration(float64(wall.Sub(c.real)) * c.speed))
}
