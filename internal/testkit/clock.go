// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"time"

	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// tenantTime tells a Graph client the time of its tenant: a refusal for two seconds is over two seconds of the tenant's
// time later, however fast that passes. What the client waits for inside a call takes real time, as a clock that stands
// still would never end it.
type tenantTime struct {
	clock.RealClock
	tenant *tenantsim.Clock
}

// Now is the tenant's time.
func (c tenantTime) Now() time.Time { return c.tenant.Now() }

// Since is measured in the tenant's time.
func (c tenantTime) Since(t time.Time) time.Duration { return c.tenant.Now().Sub(t) }
