// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

var (
	notFound = &graph.Error{Kind: graph.KindNotFound}
	errAway  = errors.New("the tenant is away")
)

// tenant answers reads from its fields and counts them.
type tenant struct {
	groups      []graph.Group
	members     map[string][]graph.Member
	policies    []graph.ConfigurationPolicy
	settings    map[string][]graph.Setting
	assignments map[string][]graph.Assignment
	defs        []graph.SettingDefinition
	// fail is the error of the call with that name.
	fail map[string]error
	// failFor is the error of reading the assignments of a policy.
	failFor map[string]error
	calls   []string
}

func (f *tenant) call(name string) error {
	f.calls = append(f.calls, name)
	return f.fail[name]
}

func (f *tenant) count(name string) int {
	n := 0
	for _, c := range f.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (f *tenant) Group(_ context.Context, id string) (graph.Group, error) {
	if err := f.call("Group"); err != nil {
		return graph.Group{}, err
	}
	for _, g := range f.groups {
		if strings.EqualFold(g.ID, id) {
			return g, nil
		}
	}
	return graph.Group{}, notFound
}

func (f *tenant) GroupsByDisplayName(_ context.Context, name string) ([]graph.Group, error) {
	var out []graph.Group
	for _, g := range f.groups {
		if g.DisplayName == name {
			out = append(out, g)
		}
	}
	return out, f.call("GroupsByDisplayName")
}

func (f *tenant) TransitiveMembers(_ context.Context, id string) ([]graph.Member, error) {
	return f.members[id], f.call("TransitiveMembers")
}

func (f *tenant) SettingDefinitions(_ context.Context, filter graph.SettingFilter) ([]graph.SettingDefinition, error) {
	var out []graph.SettingDefinition
	for _, d := range f.defs {
		if strings.Contains(strings.ToLower(d.ID), strings.ToLower(filter.Contains)) {
			out = append(out, d)
		}
	}
	return out, f.call("SettingDefinitions")
}

func (f *tenant) ConfigurationPolicy(_ context.Context, id string) (graph.ConfigurationPolicy, error) {
	if err := f.call("ConfigurationPolicy"); err != nil {
		return graph.ConfigurationPolicy{}, err
	}
	for _, p := range f.policies {
		if p.ID == id {
			return p, nil
		}
	}
	return graph.ConfigurationPolicy{}, notFound
}

func (f *tenant) ConfigurationPolicies(_ context.Context, name string) ([]graph.ConfigurationPolicy, error) {
	var out []graph.ConfigurationPolicy
	for _, p := range f.policies {
		if strings.Contains(p.Name, name) {
			out = append(out, p)
		}
	}
	return out, f.call("ConfigurationPolicies")
}

func (f *tenant) PolicySettings(_ context.Context, id string) ([]graph.Setting, error) {
	return f.settings[id], f.call("PolicySettings")
}

func (f *tenant) Assignments(_ context.Context, id string) ([]graph.Assignment, error) {
	if err := f.failFor[id]; err != nil {
		return nil, err
	}
	return f.assignments[id], f.call("Assignments")
}

// objects is Objects, as the part of a view that it fills in.
func objects(ctx context.Context, src PolicySource, records []v1alpha1.TenantObject, want []plan.Desired, self Owner, now time.Time) (looked, error) {
	all, err := src.ConfigurationPolicies(ctx, "")
	if err != nil {
		return looked{}, err
	}
	return looked{Objects(ctx, src, all, records, want, self, now), otherOperators(all, self.Cluster)}, nil
}

type looked struct {
	Objects []plan.Seen
	Others  []plan.OtherOperator
}

// Err is the error of the first object that has one.
func (l looked) Err() error {
	for i := range l.Objects {
		if err := l.Objects[i].Err; err != nil {
			return err
		}
	}
	return nil
}

// readFleet reads a simulated fleet of 60 devices without noise, each with a user.
func readFleet(t *testing.T) (*fleet.Inventory, []fleet.Device) {
	t.Helper()
	none := func() *float64 { return ptr.To(0.0) }
	sim := simtest.New(t, tenantsim.Options{Seed: 1, Devices: 60, Users: 50,
		Ideal: "each reading is compared with what was written a line before", Scenario: tenantsim.Scenario{
			StalePercent: none(), NeverPercent: none(), UnenrolledPercent: none(), MissingPrerequisitePercent: none(), UnencryptedPercent: none(), OfficeHoursPercent: none(),
		}})
	url, ca := sim.Start()
	client, err := graph.New(graph.Config{
		TenantID: sim.TenantID(), Endpoint: &graph.Endpoint{GraphURL: url, AuthorityURL: url, CABundle: ca}, AllowedHosts: hosts.Allow(t, url), ExportPollInterval: time.Millisecond,
		Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: sim.ClientID(), Secret: sim.ClientSecret()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	inv, err := fleet.Refresh(t.Context(), client, fleet.Order{}, sim.Clock())
	if err != nil {
		t.Fatal(err)
	}
	devices := slices.SortedFunc(inv.All(), func(a, b fleet.Device) int { return cmp.Compare(a.Name, b.Name) })
	if len(devices) != 60 {
		t.Fatalf("%d devices", len(devices))
	}
	return inv, devices
}
