// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/simclock"
)

// Clock is the virtual clock of a tenant.
type Clock = simclock.Clock

// Duration is a span of virtual time, written as Go writes it: "8h", "45m".
type Duration = simclock.Duration

// NewClock returns a clock that shows start now and moves speed virtual
// seconds per real second. Speed 0 is a manual clock: only Advance moves it.
func NewClock(start time.Time, speed float64) *Clock { return simclock.New(start, speed) }
