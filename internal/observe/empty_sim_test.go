// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	simcatalog "github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// emptyTenant is a simulated tenant of which some lists come empty.
type emptyTenant struct {
	sim    *simtest.Tenant
	client *graph.Client
}

func startEmptyTenant(t *testing.T) emptyTenant {
	t.Helper()
	sim := simtest.New(t, tenantsim.Options{Seed: 1, Devices: 60, Scenario: tenantsim.Scenario{
		Groups: []tenantsim.GroupSpec{{DisplayName: "Pilots", Count: 20}},
	}})
	url, ca := sim.Start()
	client, err := graph.New(graph.Config{
		TenantID: sim.TenantID(), Endpoint: &graph.Endpoint{GraphURL: url, AuthorityURL: url, CABundle: ca}, AllowedHosts: hosts.Allow(t, url),
		RetryBase: time.Millisecond, ThrottleBase: time.Millisecond, Limits: graph.Unlimited(),
		Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: sim.ClientID(), Secret: sim.ClientSecret()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return emptyTenant{sim, client}
}

// empty lets the list of a route come empty with status 200, the first time or, for 0, from now on.
func (e emptyTenant) empty(t *testing.T, route string, times int) {
	t.Helper()
	if err := e.sim.SetFaults([]tenantsim.Fault{{Mode: tenantsim.FaultStatus, Status: 200, Body: ptr.To(`{"value":[]}`),
		Match: tenantsim.FaultMatch{Method: "GET", Route: route, Count: times}}}); err != nil {
		t.Fatal(err)
	}
}

// TestPromise04_TenantThatListsNoPolicies: hold is in the tenant and on record, and the list of policies comes empty. Nothing
// is to be made, nor is Tidegate known to be alone.
func TestPromise04_TenantThatListsNoPolicies(t *testing.T) {
	e := startEmptyTenant(t)
	d := wanted(hold)
	p, err := e.client.CreateConfigurationPolicy(t.Context(), graph.ConfigurationPolicy{
		Name: d.Name, Description: d.Description, Platforms: "windows10", Technologies: "mdm",
		Settings: []graph.Setting{{Instance: graph.ChoiceSetting(simcatalog.PasskeysWindowsDevice, simcatalog.PasskeysWindowsDevice+"_0")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	written := e.sim.Clock().Now()
	if err := e.sim.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	look := func() error {
		_, err := tenantPolicies(t.Context(), e.client, []v1alpha1.TenantObject{{Role: hold.Role, Platform: hold.Platform, ID: p.ID, Name: p.Name, AppliedAt: &metav1.Time{Time: written}}},
			e.sim.Clock().Now())
		return err
	}
	if err := look(); err != nil {
		t.Fatal(err)
	}
	e.empty(t, "/beta/deviceManagement/configurationPolicies", 0)
	if err := look(); graph.KindOf(err) != graph.KindTransient || !strings.Contains(err.Error(), "has 0 and lacks "+`"`+p.Name+`" (`+p.ID+")") {
		t.Errorf("an empty list was believed: %v", err)
	}
}

// TestPromise04_TenantThatFindsNoSettings: a catalog that answers every search with nothing.
func TestPromise04_TenantThatFindsNoSettings(t *testing.T) {
	e := startEmptyTenant(t)
	c, key := NewCatalogs(), types.NamespacedName{Name: "corp"}
	e.empty(t, "/beta/deviceManagement/configurationSettings", 0)
	if defs, err := c.Definitions(t.Context(), key, e.client, now); defs != nil || graph.KindOf(err) != graph.KindTransient {
		t.Errorf("%d definitions, %v", len(defs), err)
	}
	if err := e.sim.SetFaults(nil); err != nil {
		t.Fatal(err)
	}
	if defs, err := c.Definitions(t.Context(), key, e.client, now); len(defs) == 0 || err != nil {
		t.Errorf("%d definitions, %v", len(defs), err)
	}
}

// TestPromise04_TenantThatFindsNoGroup: one empty answer to a search by name, or to a list of members, is asked for again; a
// name that stays unknown is refused with what to wait for.
func TestPromise04_TenantThatFindsNoGroup(t *testing.T) {
	e := startEmptyTenant(t)
	ref := v1alpha1.GroupRef{DisplayName: "Pilots"}
	e.empty(t, "/v1.0/groups", 1)
	if m, err := CheckKind(t.Context(), e.client, ref, v1alpha1.UnitDevice); err != nil || len(m.Devices) != 20 {
		t.Errorf("search empty once: %d devices, %v", len(m.Devices), err)
	}
	e.empty(t, "/v1.0/groups/*/transitiveMembers", 1)
	if m, err := CheckKind(t.Context(), e.client, ref, v1alpha1.UnitDevice); err != nil || len(m.Devices) != 20 {
		t.Errorf("members empty once: %d devices, %v", len(m.Devices), err)
	}
	e.empty(t, "/v1.0/groups", 0)
	var refused *Refusal
	if _, err := CheckKind(t.Context(), e.client, ref, v1alpha1.UnitDevice); !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonGroupNotFound ||
		!strings.Contains(refused.Message, "found by its name some minutes later, and by id at once") {
		t.Errorf("%v", err)
	}
}
