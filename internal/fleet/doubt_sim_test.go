// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// TestPromise04_TenantThatShowsNothing: a tenant whose lists come empty with status 200, as from a front that filters what the
// application may not see, changes nothing of what is known, is asked again, and is believed after a while.
func TestPromise04_TenantThatShowsNothing(t *testing.T) {
	for route, says := range map[string]string{
		"/*/devices":                         "the directory lists no device, while Intune manages",
		"/*/deviceManagement/managedDevices": "Intune lists no managed device, while the directory has",
	} {
		sim := simtest.New(t, tenantsim.Options{Seed: 1, Devices: 60})
		url, ca := sim.Start()
		store, key := fleet.NewStore(), types.NamespacedName{Namespace: "a", Name: "contoso"}
		client, err := store.Connect(key, graph.Config{
			TenantID: sim.TenantID(), Endpoint: &graph.Endpoint{GraphURL: url, AuthorityURL: url, CABundle: ca}, AllowedHosts: hosts.Allow(t, url),
			ExportPollInterval: time.Millisecond, RetryBase: time.Millisecond, ThrottleBase: time.Millisecond, Limits: graph.Unlimited(),
			Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: sim.ClientID(), Secret: sim.ClientSecret()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		look := func() (*fleet.Inventory, error) {
			t.Helper()
			inv, err := fleet.Refresh(t.Context(), client, fleet.Order{}, sim.Clock())
			if err != nil {
				t.Fatal(err)
			}
			return inv, store.Confirm(key, inv, 0).Devices
		}
		full, err := look()
		if err != nil || full.Managed() < 30 {
			t.Fatalf("%d devices, %v", full.Managed(), err)
		}
		store.PutInventory(key, full, full.AsOf)
		if err := sim.SetFaults([]tenantsim.Fault{{Mode: tenantsim.FaultStatus, Status: 200, Body: ptr.To(`{"value":[]}`),
			Match: tenantsim.FaultMatch{Method: "GET", Route: route}}}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := look(); graph.KindOf(err) != graph.KindTransient || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", route, err)
			}
		}
		if err := sim.Advance(fleet.ConfirmAfter); err != nil {
			t.Fatal(err)
		}
		if _, err := look(); err != nil {
			t.Errorf("%s, confirmed: %v", route, err)
		}
		store.Delete(key)
	}
}
