// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
)

// PolicyTenant writes settings catalog policies.
type PolicyTenant interface {
	CreateConfigurationPolicy(ctx context.Context, p graph.ConfigurationPolicy) (graph.ConfigurationPolicy, error)
	ReplaceConfigurationPolicy(ctx context.Context, id string, p graph.ConfigurationPolicy) error
	RenameConfigurationPolicy(ctx context.Context, id, name, description string) error
	DeleteConfigurationPolicy(ctx context.Context, id string) error
	Assign(ctx context.Context, policyID string, assignments []graph.Assignment) ([]graph.Assignment, error)
}

// Create makes one policy without assignments. It is not safe to repeat: Runner journals it first.
func Create(ctx context.Context, t PolicyTenant, want *plan.Desired) Outcome {
	p, err := wirePolicy(want)
	if err != nil {
		return Outcome{Result: Rejected, Err: err}
	}
	made, err := t.CreateConfigurationPolicy(ctx, p)
	o := outcome(err)
	o.ID = made.ID
	return o
}

// Replace writes name, description and settings of one policy; assignments stay as they are (contract a.4).
func Replace(ctx context.Context, t PolicyTenant, id string, want *plan.Desired) Outcome {
	p, err := wirePolicy(want)
	if err != nil {
		return Outcome{Result: Rejected, Err: err}
	}
	return outcome(t.ReplaceConfigurationPolicy(ctx, id, p))
}

// Rename writes name and description of one policy; settings and assignments stay as they are (contract a5).
func Rename(ctx context.Context, t PolicyTenant, id string, want *plan.Desired) Outcome {
	return outcome(t.RenameConfigurationPolicy(ctx, id, want.Name, want.Description))
}

// Delete removes one policy. One that is gone already is AlreadyTrue.
func Delete(ctx context.Context, t PolicyTenant, id string) Outcome {
	err := t.DeleteConfigurationPolicy(ctx, id)
	if kind := graph.KindOf(err); kind == graph.KindNotFound || kind == graph.KindGone {
		return Outcome{Result: AlreadyTrue}
	}
	return outcome(err)
}

// Assign writes the whole set of assignments: the action's own targets and those of others as they were read.
func Assign(ctx context.Context, t PolicyTenant, a *plan.Action) Outcome {
	var list []graph.Assignment
	for _, id := range a.Include {
		list = append(list, included(a, id))
	}
	for _, id := range a.Exclude {
		list = append(list, graph.Assignment{Kind: graph.TargetExclusionGroup, GroupID: id})
	}
	for _, f := range a.KeepForeign {
		if f.Kind == plan.TargetUnreadable {
			continue // there is nothing that could be sent back; that it is there, and cannot be kept, is told as drift
		}
		if f.Wire.Kind == "" {
			return Outcome{Result: Rejected, Err: fmt.Errorf("assignment %s of policy %s was not read: read it again", f, a.ID)}
		}
		list = append(list, foreign(f))
	}
	_, err := t.Assign(ctx, a.ID, list)
	return outcome(err)
}

// included is the assignment that includes a group, or everybody.
func included(a *plan.Action, id string) graph.Assignment {
	switch {
	case id != plan.Everyone:
		return graph.Assignment{Kind: graph.TargetGroup, GroupID: id}
	case a.Everyone == plan.TargetAllUsers:
		return graph.Assignment{Kind: graph.TargetAllLicensedUsers}
	}
	return graph.Assignment{Kind: graph.TargetAllDevices}
}

// foreign is the assignment of somebody else that a target was read from.
func foreign(t plan.Target) graph.Assignment {
	a := graph.Assignment{Kind: graph.TargetKind(t.Wire.Kind), GroupID: t.GroupID, FilterID: t.FilterID, FilterType: t.Wire.FilterType}
	if t.Wire.Raw != "" {
		a.Raw = []byte(t.Wire.Raw)
	}
	return a
}

func wirePolicy(want *plan.Desired) (graph.ConfigurationPolicy, error) {
	p := graph.ConfigurationPolicy{
		Name: want.Name, Description: want.Description, Platforms: want.Platforms, Technologies: want.Technologies,
		RoleScopeTagIDs: []string{"0"},
	}
	for i := range want.Settings {
		s, err := wireInstance(&want.Settings[i])
		if err != nil {
			return p, err
		}
		p.Settings = append(p.Settings, graph.Setting{Instance: s})
	}
	return p, nil
}

func wireInstance(in *settings.Instance) (graph.SettingInstance, error) {
	switch in.Kind {
	case settings.InstanceString:
		return graph.StringSetting(in.DefinitionID, in.Value), nil
	case settings.InstanceInteger:
		n, err := strconv.ParseInt(in.Value, 10, 64)
		if err != nil {
			return graph.SettingInstance{}, fmt.Errorf("setting %s: %q is not a whole number: %w", in.DefinitionID, in.Value, err)
		}
		return graph.IntegerSetting(in.DefinitionID, n), nil
	case settings.InstanceChoice:
		children := make([]graph.SettingInstance, 0, len(in.Children))
		for i := range in.Children {
			c, err := wireInstance(&in.Children[i])
			if err != nil {
				return c, err
			}
			children = append(children, c)
		}
		return graph.ChoiceSetting(in.DefinitionID, in.Value, children...), nil
	}
	return graph.SettingInstance{}, fmt.Errorf("setting %s: kind %q cannot be written", in.DefinitionID, in.Kind)
}
