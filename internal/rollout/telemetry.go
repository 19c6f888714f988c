// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/revision"
)

// telemetry says whether the fleet was read recently enough to decide on (P4).
func (w World) telemetry() Fact[TelemetryState] {
	gate := GateOf(w.Wave)
	fact := func(s TelemetryState, format string, args ...any) Fact[TelemetryState] {
		return FactOf(s, fmt.Sprintf(format, args...))
	}
	asOf := w.readAt()
	switch {
	case w.Tenant == nil:
		return fact(TelemetryMissing, "the Tenant of the policy does not exist")
	case asOf.IsZero():
		return fact(TelemetryNotLoaded, "Tenant %q has not read the fleet yet: its conditions say why", w.Tenant.Name)
	case !Fresh(asOf, w.Now, gate):
		return fact(TelemetryStale, "the fleet was last read at %s, longer ago than gate.maxTelemetryAge %s: see the conditions of Tenant %q",
			asOf.UTC().Format(time.RFC3339), gate.MaxTelemetryAge.Duration, w.Tenant.Name)
	case !w.reportsRead():
		return fact(TelemetryNotLoaded, "the operator has not read the reports of %s yet: the conditions of Tenant %q say why where the tenant refuses them", revision.Name(w.bringing()), w.Tenant.Name)
	}
	return fact(TelemetryFresh, "")
}

// reportsRead says that this process has the reports of the revision that the wave brings. A revision without an object in the
// tenant has none.
func (w World) reportsRead() bool {
	objects := w.objects(w.bringing())
	return w.Fleet != nil && len(objects) > 0 && !slices.ContainsFunc(objects, func(id string) bool { return !w.Fleet.HasStatuses(id) })
}

// readAt is when the fleet was last read, by this process or a predecessor; zero when it never was.
func (w World) readAt() time.Time {
	switch {
	case w.Fleet != nil:
		return w.Fleet.AsOf()
	case w.Tenant != nil && w.Tenant.Status.Inventory != nil:
		return w.Tenant.Status.Inventory.AsOf.Time
	}
	return time.Time{}
}
