// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// PolicySource reads what a PasskeyPolicy needs from its tenant.
type PolicySource interface {
	GroupSource
	CatalogSource
	ConfigurationPolicy(ctx context.Context, id string) (graph.ConfigurationPolicy, error)
	ConfigurationPolicies(ctx context.Context, nameContains string) ([]graph.ConfigurationPolicy, error)
	PolicySettings(ctx context.Context, id string) ([]graph.Setting, error)
	Assignments(ctx context.Context, policyID string) ([]graph.Assignment, error)
}

// Marker is the text in a tenant object's description by which this operator knows its own work again. It names the
// cluster, so that two operators on one tenant do not take each other's objects (P5, P6).
func Marker(cluster, uid string, key plan.Key) string {
	return fmt.Sprintf("[tidegate %s/%s/%s/%s]", cluster, uid, strings.ToLower(string(key.Role)), strings.ToLower(string(key.Platform)))
}

// Object is one tenant object as it was found.
type Object struct {
	plan.Observed
	// Live are the assignments as they were read, so that those of others can be written back unchanged.
	Live []graph.Assignment
}

// Objects reads the tenant objects of a policy: those that are wanted and those that are only on record.
func Objects(ctx context.Context, src PolicySource, records []v1alpha1.TenantObject, want []plan.Desired, markers func(plan.Key) string) ([]Object, error) {
	var out []Object
	seen := map[plan.Key]bool{}
	for i := range want {
		seen[want[i].Key] = true
		o, err := object(ctx, src, record(records, want[i].Key), &want[i], markers(want[i].Key))
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	for i := range records {
		key := plan.Key{Role: records[i].Role, Platform: records[i].Platform}
		if seen[key] {
			continue
		}
		o, err := object(ctx, src, &records[i], nil, markers(key))
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func record(records []v1alpha1.TenantObject, key plan.Key) *v1alpha1.TenantObject {
	for i := range records {
		if records[i].Role == key.Role && records[i].Platform == key.Platform {
			return &records[i]
		}
	}
	return &v1alpha1.TenantObject{Role: key.Role, Platform: key.Platform}
}

// object reads one tenant object. Without an id on record, or with one that the tenant does not know, it is looked up by
// its marker, so that a create whose answer was lost, or a status that was restored from a backup, never makes a twin (P5).
func object(ctx context.Context, src PolicySource, rec *v1alpha1.TenantObject, want *plan.Desired, marker string) (Object, error) {
	o := Object{Observed: plan.Observed{
		Key: plan.Key{Role: rec.Role, Platform: rec.Platform}, CreateOpen: rec.ID == "" && rec.CreateSentAt != nil,
		AssignOpen: rec.AssignSentAt != nil,
	}}
	o.Previous = plan.Previous{Include: rec.IncludeGroups, Exclude: rec.ExcludeGroups, Hash: rec.Hash}
	o.ID = rec.ID
	live, found, err := locate(ctx, src, rec, want, marker)
	if err != nil || !found {
		return o, err
	}
	if !strings.Contains(live.Description, marker) {
		return o, &Refusal{v1alpha1.ReasonObjectNotOwned, fmt.Sprintf(
			"settings catalog policy %q (%s) does not carry this operator's marker %s in its description: put the marker back, or delete the policy to have it made anew", live.Name, live.ID, marker)}
	}
	o.ID, o.Exists, o.CreateOpen = live.ID, true, false
	if o.Live, err = src.Assignments(ctx, live.ID); err != nil {
		return o, err
	}
	for i, a := range o.Live {
		o.Observed.Assignments = append(o.Observed.Assignments, target(i, a))
	}
	if want == nil {
		return o, nil
	}
	inst, err := src.PolicySettings(ctx, live.ID)
	if err != nil {
		return o, err
	}
	o.SettingsMatch = SameSettings(want.Settings, inst)
	o.NameMatch = live.Name == want.Name && live.Description == want.Description
	return o, nil
}

func locate(ctx context.Context, src PolicySource, rec *v1alpha1.TenantObject, want *plan.Desired, marker string) (graph.ConfigurationPolicy, bool, error) {
	if rec.ID != "" {
		p, err := src.ConfigurationPolicy(ctx, rec.ID)
		if graph.KindOf(err) == graph.KindNotFound {
			// Only a second, equal answer means gone: just after a create a read may miss (contract a.5).
			p, err = src.ConfigurationPolicy(ctx, rec.ID)
		}
		if graph.KindOf(err) != graph.KindNotFound {
			return p, err == nil, err
		}
		// The id may be that of an older object, in a status that was restored: the marker has the last word.
	}
	name := rec.Name
	if want != nil {
		name = want.Name
	}
	list, err := src.ConfigurationPolicies(ctx, name)
	if err != nil {
		return graph.ConfigurationPolicy{}, false, err
	}
	for i := range list {
		if strings.Contains(list[i].Description, marker) {
			return list[i], true, nil
		}
	}
	return graph.ConfigurationPolicy{}, false, nil
}

func target(i int, a graph.Assignment) plan.Target {
	t := plan.Target{GroupID: a.GroupID, Raw: i, Kind: plan.TargetOther}
	if a.FilterID != "" || a.Source != "" && a.Source != "direct" {
		return t // made by a filter or a policy set: never ours, and carried along as it is
	}
	switch a.Kind {
	case graph.TargetGroup:
		t.Kind = plan.TargetInclude
	case graph.TargetExclusionGroup:
		t.Kind = plan.TargetExclude
	case graph.TargetAllDevices:
		t.Kind = plan.TargetAllDevices
	case graph.TargetAllLicensedUsers:
		t.Kind = plan.TargetAllUsers
	}
	return t
}
