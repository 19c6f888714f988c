// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

// TestClientAndSimulatorAgree sends one call of each kind from this project's
// client to the simulated tenant. The two were written apart from each other, and
// every body that they exchange is checked against Graph's types.
func TestClientAndSimulatorAgree(t *testing.T) {
	c := agreeing(t)
	ctx := t.Context()
	group, _, err := c.UpsertGroup(ctx, "agree", graph.GroupSpec{DisplayName: "agree", Description: "d"})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := c.CreateConfigurationPolicy(ctx, graph.ConfigurationPolicy{Name: "agree", Platforms: "windows10", Technologies: "mdm",
		Settings: []graph.Setting{{Instance: graph.ChoiceSetting(tenantsim.PasskeysWindowsDevice, tenantsim.PasskeysWindowsDevice+"_1")}}})
	if err != nil {
		t.Fatal(err)
	}
	var users, devices, managed []string
	for _, call := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"permissions", func(ctx context.Context) error { _, err := c.Permissions(ctx); return err }},
		{"users", func(ctx context.Context) error {
			return c.Users(ctx, func(u graph.User) error { users = append(users, u.ID); return nil })
		}},
		{"devices", func(ctx context.Context) error {
			return c.EntraDevices(ctx, func(d graph.EntraDevice) error { devices = append(devices, d.ID); return nil })
		}},
		{"managed devices", func(ctx context.Context) error {
			return c.ManagedDevices(ctx, func(d graph.ManagedDevice) error { managed = append(managed, d.ID); return nil })
		}},
		{"sync", func(ctx context.Context) error { return c.SyncDevice(ctx, managed[0]) }},
		{"group by id", func(ctx context.Context) error { _, err := c.Group(ctx, group.ID); return err }},
		{"group by name", func(ctx context.Context) error { _, err := c.GroupsByDisplayName(ctx, "agree"); return err }},
		{"group by unique name", func(ctx context.Context) error { _, err := c.GroupByUniqueName(ctx, "agree"); return err }},
		{"add members", func(ctx context.Context) error { _, err := c.AddMembers(ctx, group.ID, devices[:30]); return err }},
		{"add them again", func(ctx context.Context) error { _, err := c.AddMembers(ctx, group.ID, devices[:31]); return err }},
		{"members", func(ctx context.Context) error { _, err := c.Members(ctx, group.ID); return err }},
		{"transitive members", func(ctx context.Context) error { _, err := c.TransitiveMembers(ctx, group.ID); return err }},
		{"remove members", func(ctx context.Context) error { return c.RemoveMembers(ctx, group.ID, devices[:2]) }},
		{"definitions", func(ctx context.Context) error {
			_, err := c.SettingDefinitions(ctx, graph.SettingFilter{Contains: "passkey", Platform: "windows10"})
			return err
		}},
		{"definition", func(ctx context.Context) error {
			_, err := c.SettingDefinition(ctx, tenantsim.PasskeysWindowsDevice)
			return err
		}},
		{"policies", func(ctx context.Context) error { _, err := c.ConfigurationPolicies(ctx, "agree"); return err }},
		{"policy", func(ctx context.Context) error { _, err := c.ConfigurationPolicy(ctx, policy.ID); return err }},
		{"settings", func(ctx context.Context) error { _, err := c.PolicySettings(ctx, policy.ID); return err }},
		{"replace", func(ctx context.Context) error {
			return c.ReplaceConfigurationPolicy(ctx, policy.ID, graph.ConfigurationPolicy{Name: "agree", Platforms: "windows10", Technologies: "mdm",
				Settings: []graph.Setting{{Instance: graph.ChoiceSetting(tenantsim.PasskeysWindowsDevice, tenantsim.PasskeysWindowsDevice+"_0")}}})
		}},
		{"assign", func(ctx context.Context) error {
			_, err := c.Assign(ctx, policy.ID, []graph.Assignment{{Kind: graph.TargetGroup, GroupID: group.ID}})
			return err
		}},
		{"assignments", func(ctx context.Context) error { _, err := c.Assignments(ctx, policy.ID); return err }},
		{"statuses", func(ctx context.Context) error {
			return c.PolicyDeviceStatuses(ctx, policy.ID, func(graph.PolicyDeviceStatus) error { return nil })
		}},
		{"export", func(ctx context.Context) error {
			_, err := c.Export(ctx, graph.ExportRequest{Report: "Devices", Select: []string{"DeviceId", "DeviceName"}}, func(graph.Row) error { return nil })
			return err
		}},
		{"delete a policy", func(ctx context.Context) error { return c.DeleteConfigurationPolicy(ctx, policy.ID) }},
		{"delete a group", func(ctx context.Context) error { return c.DeleteGroup(ctx, group.ID) }},
	} {
		if err := call.do(ctx); err != nil {
			t.Errorf("%s: %v", call.name, err)
		}
	}
	if len(users) == 0 {
		t.Error("the tenant has no users")
	}
}

// TestClientReadsTheRest covers the calls that need more than Intune's
// core: the client has them, and the simulator answers them.
func TestClientReadsTheRest(t *testing.T) {
	c := agreeing(t)
	now := time.Now()
	for _, call := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"filters", func(ctx context.Context) error {
			f, err := c.CreateAssignmentFilter(ctx, graph.AssignmentFilter{DisplayName: "agree", Platform: "windows10AndLater", Rule: `(device.deviceOwnership -eq "Corporate")`})
			if err != nil {
				return err
			}
			if _, err := c.AssignmentFilters(ctx); err != nil {
				return err
			}
			return c.DeleteAssignmentFilter(ctx, f.ID)
		}},
		{"remediations", func(ctx context.Context) error {
			r, err := c.CreateRemediation(ctx, graph.Remediation{DisplayName: "agree", Publisher: "agree", DetectionScript: []byte("exit 0")})
			if err != nil {
				return err
			}
			if _, err := c.Remediations(ctx); err != nil {
				return err
			}
			if _, err := c.RemediationSummary(ctx, r.ID); err != nil {
				return err
			}
			if err := c.DeviceRunStates(ctx, r.ID, func(graph.DeviceRunState) error { return nil }); err != nil {
				return err
			}
			return c.DeleteRemediation(ctx, r.ID)
		}},
		{"categories", func(ctx context.Context) error { _, err := c.ConfigurationCategories(ctx); return err }},
		{"SKUs", func(ctx context.Context) error { _, err := c.SubscribedSKUs(ctx); return err }},
		{"organization", func(ctx context.Context) error { _, err := c.Organization(ctx); return err }},
		{"detected apps", func(ctx context.Context) error {
			return c.DetectedApps(ctx, func(graph.DetectedApp) error { return nil })
		}},
		{"encryption states", func(ctx context.Context) error {
			return c.EncryptionStates(ctx, func(graph.EncryptionState) error { return nil })
		}},
		{"conditional access", func(ctx context.Context) error { _, err := c.ConditionalAccessPolicies(ctx); return err }},
		{"strengths", func(ctx context.Context) error { _, err := c.AuthenticationStrengths(ctx); return err }},
		{"methods", func(ctx context.Context) error { _, err := c.AuthenticationMethodsPolicy(ctx); return err }},
		{"fido2", func(ctx context.Context) error { _, err := c.Fido2Configuration(ctx); return err }},
		{"registrations", func(ctx context.Context) error {
			return c.UserRegistrations(ctx, func(graph.UserRegistration) error { return nil })
		}},
		{"sign-ins", func(ctx context.Context) error {
			return c.SignIns(ctx, graph.SignInQuery{Since: now.Add(-24 * time.Hour), Until: now}, func(graph.SignIn) error { return nil })
		}},
	} {
		t.Run(call.name, func(t *testing.T) {
			if err := call.do(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// agreeing starts a tenant whose bodies are checked, and a client for it.
func agreeing(t *testing.T) *graph.Client {
	t.Helper()
	sim, err := tenantsim.New(tenantsim.Options{Seed: 1, Devices: 60, Ideal: oneAnswer})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(graphschema.Handler(t, sim.Handler()))
	t.Cleanup(server.Close)
	c, err := graph.New(graph.Config{TenantID: sim.TenantID(), Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: sim.ClientID(), Secret: sim.ClientSecret()}},
		Endpoint:           &graph.Endpoint{GraphURL: server.URL, AuthorityURL: server.URL, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
		AllowedHosts:       hosts.Allow(t, server.URL),
		ExportPollInterval: 5 * time.Millisecond, RetryBase: time.Millisecond, RetryCap: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
