// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"testing"
	"time"
)

// largeLiving is a tenant of 200,000 devices that lives: churn, phones, second
// users, groups, policies that reach everybody and a part, and the delays of an
// ordinary tenant.
func largeLiving(t *testing.T) *tenant {
	t.Helper()
	tt := newTenant(t, Options{Devices: 200_000, Scenario: Scenario{Churn: DefaultChurn(), PhonesPercent: 20, SecondUserPercent: 5}})
	everybody, early := tt.groupID("All Corporate Devices"), tt.groupID("Tidegate Early")
	tt.assign(tt.createPolicy(holdBody("hold")), groupTarget(everybody), excludeTarget(early))
	tt.assign(tt.createPolicy(allowBody("allow")), groupTarget(early))
	tt.assign(tt.createPolicy(allowBody("all devices")), object{"target": object{"@odata.type": string(targetAllDevices)}})
	tt.scenario(func(sc *Scenario) { sc.Lag = OrdinaryLag() })
	return tt
}

// BenchmarkDayAt200k is a work day of 200,000 devices with churn.
func BenchmarkDayAt200k(b *testing.B) {
	tt := largeLiving(&testing.T{})
	b.ResetTimer()
	for b.Loop() {
		if err := tt.sim.Advance(24 * time.Hour); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heapInUse())/(1<<20), "MiB-heap")
	}
}
