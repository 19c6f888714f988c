// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// tenantTime is the clock of a Graph client: its tenant's time, and what the client has waited on top. The tenant's clock may
// stand still; a client that waits two seconds for a tenant that refused it is two seconds further all the same, at next to
// no real time.
type tenantTime struct {
	clock.RealClock
	tenant *tenantsim.Clock
	waited *atomic.Int64
}

func newTenantTime(tenant *tenantsim.Clock) tenantTime {
	return tenantTime{tenant: tenant, waited: &atomic.Int64{}}
}

// Now is the tenant's time and the client's waits.
func (c tenantTime) Now() time.Time { return c.tenant.Now().Add(time.Duration(c.waited.Load())) }

// Since is measured by Now.
func (c tenantTime) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// NewTimer fires at once, with the wait behind it.
func (c tenantTime) NewTimer(d time.Duration) clock.Timer {
	c.waited.Add(int64(max(d, 0)))
	return c.RealClock.NewTimer(time.Millisecond)
}
