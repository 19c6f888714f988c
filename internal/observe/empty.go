// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/settings"
)

// This file is about lists that the tenant answers with status 200 and empty or short, although there is more: to an
// application that may not see it, or from a replica that is behind. What would be concluded from such a list stays unknown
// (P4). docs/empty-lists.md goes through all of them.

// tenantPolicies lists all configuration policies of the tenant, as far as the list can be believed. One that lacks a policy
// of ours which the tenant shows by its id is short: neither that a policy has no second one, nor that there is no other
// operator may be read from it, and a create would make a twin (P5). One that lacks what a read by id does not find either is
// right: the policy was deleted. records are the objects on record; what was written a moment ago may be missing.
func tenantPolicies(ctx context.Context, src PolicySource, records []v1alpha1.TenantObject, now time.Time) ([]graph.ConfigurationPolicy, error) {
	all, err := src.ConfigurationPolicies(ctx, "")
	if err != nil {
		return nil, err
	}
	listed := func(id string) bool {
		return slices.ContainsFunc(all, func(p graph.ConfigurationPolicy) bool { return strings.EqualFold(p.ID, id) })
	}
	nameless := 0 // those of which not even the id could be read may be ours
	for i := range all {
		if all[i].ID == "" {
			nameless++
		}
	}
	for i := range records {
		rec := &records[i]
		if rec.ID == "" || listed(rec.ID) || (&sought{now: now}).fresh(rec.AppliedAt) {
			continue
		}
		p, err := src.ConfigurationPolicy(ctx, rec.ID)
		switch {
		case err == nil && nameless > 0:
			nameless--
		case err == nil:
			return nil, unbelieved("ConfigurationPolicies", fmt.Sprintf(
				"the list of configuration policies has %d and lacks %q (%s), which the tenant shows by its id: the list is late, or the application may not see all policies (DeviceManagementConfiguration.ReadWrite.All, scope tags). Whether there are copies or other operators is not known until it is complete",
				len(all), p.Name, p.ID))
		case len(all) == 0 && graph.KindOf(err) != graph.KindNotFound:
			return nil, err // an empty list and no word on the object: nothing confirms it
		}
	}
	return all, nil
}

// commonTerm is part of the definition ids of a policy that Edge has had since long before passkeys: a catalog that can be
// searched has it, on Windows and macOS (domain 2.7; the settings catalog is Microsoft's, and the same for every tenant).
const commonTerm = "passwordmanagerenabled"

// searchable says by an error that an empty answer to every search is that of a tenant which may not be asked, and not of a
// catalog without the settings.
func searchable(ctx context.Context, src CatalogSource) error {
	found, err := src.SettingDefinitions(ctx, graph.SettingFilter{Contains: commonTerm})
	if err != nil || len(found) > 0 {
		return err
	}
	return unbelieved("SettingDefinitions", fmt.Sprintf(
		"the settings catalog answered without an error and found nothing at all, for %s and for %s, which every catalog has: the application may not search it (DeviceManagementConfiguration.ReadWrite.All, an Intune licence in the tenant), or the service is impaired. Whether the settings exist is not known",
		strings.Join(settings.SearchTerms(), ", "), commonTerm))
}

// unbelieved is an empty or short list as an error: unknown, and worth another look.
func unbelieved(op, message string) error {
	return &graph.Error{Kind: graph.KindTransient, Op: op, Status: 200, Message: message}
}
