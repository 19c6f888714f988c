// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simclock

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	start := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := New(start, 60)
	c.wall = func() time.Time { return wall }
	c.real = wall
	wall = wall.Add(time.Minute)
	if got := c.Since(start); got != time.Hour {
		t.Errorf("a minute at speed 60 is %s", got)
	}
	c.Advance(time.Hour)
	c.Advance(-time.Hour)
	c.SetSpeed(0)
	wall = wall.Add(time.Minute)
	if got := c.Since(start); got != 2*time.Hour {
		t.Errorf("stopped clock shows %s", got)
	}
}
