// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package reliability

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// tenant is one simulated tenant with one operator that speaks to it.
type tenant struct {
	sim      *simtest.Tenant
	operator *operator
	// admin edits foreign things, past all faults.
	admin *graph.Client
	// population and stranger are groups of somebody else, devices the members of
	// the first.
	population, stranger string
	devices              []audience.ID
	// adminFrom and adminTo bound the admin's requests in the journal.
	adminFrom, adminTo uint64
}

// Group names of the tenant.
const (
	populationName = "Everyone"
	strangerName   = "Kiosks"
)

// attemptTimeout is how long the client waits for one answer.
const attemptTimeout = 250 * time.Millisecond

// newTenant starts a small tenant with somebody else's policy in it.
func newTenant(t testing.TB) *tenant {
	t.Helper()
	sim := simtest.New(t, tenantsim.Options{Seed: 1, Devices: 60,
		Ideal: "the sweep puts one fault at one request and must know that nothing else went wrong", Scenario: tenantsim.Scenario{
			Groups: []tenantsim.GroupSpec{
				{DisplayName: populationName, From: "everything", Percent: 100}, {DisplayName: strangerName, From: "windows", Count: 3},
			},
			ConflictingBaseline: &tenantsim.Baseline{DisplayName: "Somebody else's baseline", GroupDisplayName: strangerName, DevicesPercent: 50},
		}})
	url, ca := sim.Start()
	tn := &tenant{sim: sim, admin: newClient(t, sim, url, ca), operator: &operator{looks: map[plan.Key]int{}}}
	tn.operator.client = newClient(t, sim, url, ca)
	tn.operator.source = tn.operator.client
	tn.population, tn.stranger = tn.group(t, populationName), tn.group(t, strangerName)
	members, err := tn.admin.Members(t.Context(), tn.population)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Kind != graph.MemberDevice {
			continue
		}
		id, err := audience.ParseID(m.ID)
		if err != nil {
			t.Fatal(err)
		}
		tn.devices = append(tn.devices, id)
	}
	if len(tn.devices) < 45 {
		t.Fatalf("the population has %d devices, want 45", len(tn.devices))
	}
	sim.ResetJournal()
	return tn
}

func newClient(t testing.TB, sim *simtest.Tenant, url string, ca []byte) *graph.Client {
	t.Helper()
	c, err := graph.New(graph.Config{
		TenantID: sim.TenantID(), Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: sim.ClientID(), Secret: sim.ClientSecret()}},
		Endpoint:       &graph.Endpoint{GraphURL: url, AuthorityURL: url, CABundle: ca},
		AllowedHosts:   hosts.Allow(t, url),
		Limits:         graph.Unlimited(),
		AttemptTimeout: attemptTimeout, MaxAttempts: 3, RetryBase: time.Millisecond, RetryCap: 4 * time.Millisecond,
		ThrottleBase: 5 * time.Millisecond, MaxRetryWait: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (tn *tenant) group(t testing.TB, name string) string {
	t.Helper()
	list, err := tn.admin.GroupsByDisplayName(t.Context(), name)
	if err != nil || len(list) != 1 {
		t.Fatalf("groups called %q: %v, %v", name, list, err)
	}
	return list[0].ID
}

// Keys of the two policies.
var (
	allowKey = plan.LevelKey(v1alpha1.PlatformWindows, 1)
	holdKey  = plan.LevelKey(v1alpha1.PlatformWindows, 0)
)

// desired is one policy that sets the passkey setting to an option.
func desired(key plan.Key, option string, include, exclude []string) plan.Desired {
	inst := []settings.Instance{{DefinitionID: tenantsim.PasskeysWindowsDevice, Kind: settings.InstanceChoice, Value: tenantsim.PasskeysWindowsDevice + option}}
	return plan.Desired{
		Key: key, Name: "Tidegate sweep " + key.String(), Description: "Reference sequence. " + self.Marker(key),
		Platforms: "windows10", Technologies: "mdm", Settings: inst, Hash: settings.HashInstances("windows10", "mdm", inst),
		Include: include, Exclude: exclude,
	}
}

// run takes the reference sequence from an empty tenant to its end: the groups of
// two waves, members in and out, two policies made and assigned, an edit by
// somebody else that must survive, an update, a check, and a removal of half of
// it all.
func (tn *tenant) run(ctx context.Context) error {
	var wave, spare string
	steps := []struct {
		name string
		try  func(context.Context) error
	}{
		{"make the wave's group", tn.ensure("tidegate-wave-1", "Wave 1", &wave)},
		{"make a spare group", tn.ensure("tidegate-wave-2", "Wave 2", &spare)},
		{"expose", func(ctx context.Context) error {
			return done(execute.Expose(ctx, tn.operator.client, wave, tn.devices[:45]))
		}},
		{"withdraw", func(ctx context.Context) error {
			return done(execute.Withdraw(ctx, tn.operator.client, wave, tn.devices[36:41]))
		}},
		{"make and assign", func(ctx context.Context) error {
			return tn.operator.settle(ctx, []plan.Desired{
				desired(allowKey, "_1", []string{wave}, nil), desired(holdKey, "_0", []string{tn.population}, []string{wave}),
			})
		}},
		{"somebody edits", tn.foreignEdit},
		{"update", func(ctx context.Context) error {
			return tn.operator.settle(ctx, []plan.Desired{
				desired(allowKey, "_0", []string{wave}, nil), desired(holdKey, "_0", []string{tn.population}, []string{wave, spare}),
			})
		}},
		{"verify", func(ctx context.Context) error { return tn.verify(ctx, desired(allowKey, "_0", nil, nil)) }},
		{"remove hold", func(ctx context.Context) error {
			return tn.operator.settle(ctx, []plan.Desired{desired(allowKey, "_0", []string{wave}, nil)})
		}},
		{"remove the spare group", func(ctx context.Context) error { return done(execute.RemoveGroup(ctx, tn.operator.client, spare)) }},
	}
	for _, s := range steps {
		if err := reach(ctx, s.name, s.try); err != nil {
			return err
		}
	}
	return nil
}

func (tn *tenant) ensure(uniqueName, displayName string, id *string) func(context.Context) error {
	return func(ctx context.Context) error {
		out := execute.EnsureGroup(ctx, tn.operator.client, uniqueName, graph.GroupSpec{DisplayName: displayName, Description: "Reference sequence."})
		*id = out.ID
		return done(out)
	}
}

// done is after for an action that needs no second look.
func done(out execute.Outcome) error {
	if out.Result == execute.Applied || out.Result == execute.AlreadyTrue {
		return nil
	}
	return out.Err
}

// verify reads everything that the policy consists of.
func (tn *tenant) verify(ctx context.Context, want plan.Desired) error {
	rec := tn.operator.record(want.Key)
	p, err := tn.operator.client.ConfigurationPolicy(ctx, rec.ID)
	if err != nil {
		return err
	}
	live, err := tn.operator.client.PolicySettings(ctx, rec.ID)
	if err != nil {
		return err
	}
	if p.Name != want.Name || p.Description != want.Description || !observe.SameSettings(want.Settings, live) {
		return fmt.Errorf("policy %s is %+v with %d settings, want %q", rec.ID, p, len(live), want.Name)
	}
	return nil
}

// adminError hides what it holds: what fails for the admin is a mistake of the
// test, and is not tried again.
type adminError struct{ err error }

// Error tells what failed.
func (e *adminError) Error() string { return "the admin's own edit failed: " + e.err.Error() }

// foreignEdit lets an admin exclude a group of their own from the allow policy.
// Faults are for the operator: they rest meanwhile and count on afterwards.
func (tn *tenant) foreignEdit(ctx context.Context) error {
	resting := tn.sim.Faults()
	if err := tn.sim.SetFaults(nil); err != nil {
		return err
	}
	tn.adminFrom = tn.sim.Journal().Total
	id := tn.operator.record(allowKey).ID
	list, err := tn.admin.Assignments(ctx, id)
	if err != nil {
		return &adminError{err}
	}
	if !slices.ContainsFunc(list, func(a graph.Assignment) bool { return a.GroupID == tn.stranger }) {
		list = append(list, graph.Assignment{Kind: graph.TargetExclusionGroup, GroupID: tn.stranger})
		if _, err := tn.admin.Assign(ctx, id, list); err != nil {
			return &adminError{err}
		}
	}
	tn.adminTo = tn.sim.Journal().Total
	var faults []tenantsim.Fault
	for _, f := range resting {
		if left := f.Match.Nth - int(f.Seen); left > 0 {
			f.Match.Nth = left
			faults = append(faults, f.Fault)
		}
	}
	return tn.sim.SetFaults(faults)
}

// state renders what is left in the tenant, without ids: two tenants that went
// the same way have equal states.
func (tn *tenant) state() string {
	var lines []string
	snapshot := tn.sim.Snapshot(false)
	for _, p := range snapshot.Policies {
		var targets []string
		for _, a := range p.Assignments {
			targets = append(targets, a.Kind+" "+a.Group)
		}
		slices.Sort(targets)
		lines = append(lines, fmt.Sprintf("policy %q (%s) %s sets %v for %v", p.Name, p.Description, p.Platforms, p.Values, targets))
	}
	for _, g := range snapshot.Groups {
		if !g.Deleted {
			lines = append(lines, fmt.Sprintf("group %q %q (%s): %d users, %d devices, %s", g.DisplayName, g.UniqueName, g.Description, g.Users, g.Devices, g.Members))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
