// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise04_TenantThatManagesNobody: managed devices that come empty with status 200 keep the reading from before, the
// condition says what to check, also after a restart, and time makes it true.
func TestPromise04_TenantThatManagesNobody(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.rest()
	before := l.tenant().Status.Inventory
	if err := l.sim.SetFaults([]tenantsim.Fault{{Mode: tenantsim.FaultStatus, Status: 200, Body: ptr.To(`{"value":[]}`),
		Match: tenantsim.FaultMatch{Method: "GET", Route: "/*/deviceManagement/managedDevices"}}}); err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(l.tenant().Spec.Inventory.RefreshInterval.Duration)
	for _, restarted := range []bool{false, true} {
		if restarted {
			l.tenants.Store.Delete(keyOf("corp"))
		}
		if _, err := l.tenants.Reconcile(t.Context(), requestOf("corp")); err != nil {
			t.Fatal(err)
		}
		s := l.tenant().Status
		fresh := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionInventoryFresh)
		if fresh == nil || fresh.Status != "False" || !strings.Contains(fresh.Message, "Intune lists no managed device") ||
			!strings.Contains(fresh.Message, "DeviceManagementManagedDevices.Read.All") || strings.Contains(fresh.Message, "network policy") {
			t.Errorf("restarted %t: %+v", restarted, fresh)
		}
		if s.Inventory == nil || s.Inventory.Devices != before.Devices || !s.Inventory.AsOf.Equal(&before.AsOf) {
			t.Errorf("restarted %t: %+v, want %+v", restarted, s.Inventory, before)
		}
	}
	l.clock.Advance(fleet.ConfirmAfter)
	l.rest()
	if s := l.tenant().Status; s.Inventory.Devices != 0 || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionInventoryFresh) {
		t.Errorf("confirmed: %+v", s.Inventory)
	}
}
