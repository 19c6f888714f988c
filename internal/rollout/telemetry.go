// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/revision"
)

// telemetry says whether what a decision rests on was read recently enough (P4): the devices and the reports of the revision
// that the wave brings, and while its audience is open what makes a device eligible. Other parts of a reading may fail and grow
// old, and stop nothing here.
func (w World) telemetry() Fact[TelemetryState] {
	switch {
	case w.Tenant == nil:
		return FactOf(TelemetryMissing, "the Tenant of the policy does not exist")
	case w.clockOff():
		return FactOf(TelemetryClock, fmt.Sprintf("%s: see condition ClockInSync of Tenant %q", ClockText(w.ClockOffset), w.Tenant.Name))
	case w.Fleet == nil:
		return w.telemetryBefore()
	}
	facts := []Fact[TelemetryState]{w.aged("the devices", w.Fleet.AsOf()), w.aged("the reports of "+revision.Name(w.bringing()), w.reportsAt())}
	if w.Resolving() {
		facts = append(facts, w.aged("the Edge versions", w.Fleet.EligibleAsOf()))
	}
	for _, state := range []TelemetryState{TelemetryStale, TelemetryNotLoaded} {
		for _, f := range facts {
			if f.State == state {
				return f
			}
		}
	}
	return FactOf(TelemetryFresh, "")
}

// telemetryBefore is about the readings of a predecessor, before this process has made one.
func (w World) telemetryBefore() Fact[TelemetryState] {
	if i := w.Tenant.Status.Inventory; i != nil && !Fresh(i.AsOf.Time, w.Now, GateOf(w.Wave)) {
		return w.aged("the fleet", i.AsOf.Time)
	}
	return FactOf(TelemetryNotLoaded, fmt.Sprintf("Tenant %q has not read the fleet yet: its conditions say why", w.Tenant.Name))
}

// aged says whether a part of the newest reading is young enough; one that was never read has no time.
func (w World) aged(part string, asOf time.Time) Fact[TelemetryState] {
	gate := GateOf(w.Wave)
	fact := func(s TelemetryState, format string, args ...any) Fact[TelemetryState] {
		return FactOf(s, fmt.Sprintf(format, args...))
	}
	switch {
	case asOf.IsZero():
		return fact(TelemetryNotLoaded, "the operator has not read %s yet: the conditions of Tenant %q say why where the tenant refuses them", part, w.Tenant.Name)
	case fromFuture(asOf, w.Now):
		return fact(TelemetryStale, "%s were read at %s, which is in the future: a clock was wrong, and they are read again", part, asOf.UTC().Format(time.RFC3339))
	case !Fresh(asOf, w.Now, gate):
		return fact(TelemetryStale, "%s were last read at %s, longer ago than gate.maxTelemetryAge %s: see the conditions of Tenant %q",
			part, asOf.UTC().Format(time.RFC3339), gate.MaxTelemetryAge.Duration, w.Tenant.Name)
	}
	return FactOf(TelemetryFresh, "")
}

// reportsAt is when the reports of the revision that the wave brings were read, the oldest of them; zero where one never was. A
// revision without an object in the tenant has none.
func (w World) reportsAt() time.Time {
	var oldest time.Time
	for i, id := range w.objects(w.bringing()) {
		at, ok := w.Fleet.ReportsAsOf(id)
		if !ok {
			return time.Time{}
		}
		if i == 0 || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// evidenceAt is when the oldest part of the evidence was read; zero where one never was.
func (w World) evidenceAt() time.Time {
	if w.Fleet == nil {
		return time.Time{}
	}
	if at := w.reportsAt(); at.Before(w.Fleet.AsOf()) {
		return at
	}
	return w.Fleet.AsOf()
}

// EligibilityKnown says whether what makes a device eligible was read recently enough to take devices on by it.
func (w World) EligibilityKnown() bool {
	return w.Fleet != nil && Fresh(w.Fleet.EligibleAsOf(), w.Now, GateOf(w.Wave))
}

// Fresh says whether a reading is young enough to decide on. One from the future is not: the clock was wrong when it was
// made, and nobody knows how old it is.
func Fresh(asOf, now time.Time, g *v1alpha1.Gate) bool {
	return now.Sub(asOf) <= g.MaxTelemetryAge.Duration && !fromFuture(asOf, now)
}

// fromFuture allows for clocks that differ a little.
func fromFuture(asOf, now time.Time) bool { return asOf.After(now.Add(diagnosis.DefaultSkew)) }

// clockOff says that the clock of this machine is known to be wrong.
func (w World) clockOff() bool { return w.ClockOffset.Abs() > diagnosis.MaxClockOffset }

// ClockText says of a clock that is wrong by how much, and what helps. offset is how much the service is ahead of it.
func ClockText(offset time.Duration) string {
	way := "behind"
	if offset < 0 {
		way = "ahead of"
	}
	return fmt.Sprintf("the clock of the operator's node is %s %s that of Microsoft Graph: nothing is exposed or promoted by it; synchronise the node's clock (NTP, chrony)",
		offset.Abs().Round(time.Minute), way)
}
