// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"fmt"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
)

// GroupTenant writes the managed group of a wave.
type GroupTenant interface {
	UpsertGroup(ctx context.Context, uniqueName string, spec graph.GroupSpec) (graph.Group, bool, error)
	DeleteGroup(ctx context.Context, id string) error
	AddMembers(ctx context.Context, groupID string, ids []string) ([]graph.MemberRefusal, error)
	RemoveMembers(ctx context.Context, groupID string, ids []string) error
}

// EnsureGroup makes the wave's group or finds it again; uniqueName makes it safe to repeat (contract g).
func EnsureGroup(ctx context.Context, t GroupTenant, uniqueName string, spec graph.GroupSpec) Outcome {
	g, created, err := t.UpsertGroup(ctx, uniqueName, spec)
	o := outcome(err)
	o.ID = g.ID
	if err == nil && !created {
		o.Result = AlreadyTrue
	}
	return o
}

// RemoveGroup deletes the wave's group. One that is gone already is AlreadyTrue.
func RemoveGroup(ctx context.Context, t GroupTenant, id string) Outcome {
	err := t.DeleteGroup(ctx, id)
	if kind := graph.KindOf(err); kind == graph.KindNotFound || kind == graph.KindGone {
		return Outcome{Result: AlreadyTrue}
	}
	return outcome(err)
}

// Expose makes devices members of the wave's group. In that one change each of them leaves hold and gets allow (P1). It is
// safe to repeat: who is a member stays one. Devices that the tenant does not take are in Refused, whatever the result; the
// others go on. A result of Applied says that everybody else is a member.
func Expose(ctx context.Context, t GroupTenant, groupID string, devices []audience.ID) Outcome {
	if len(devices) == 0 {
		return Outcome{Result: AlreadyTrue}
	}
	refused, err := t.AddMembers(ctx, groupID, texts(devices))
	o := outcome(err)
	for _, r := range refused {
		id, err := audience.ParseID(r.ID)
		if err != nil {
			return Outcome{Result: Unknown, Err: fmt.Errorf("the tenant refused an object with the id %q, which was not asked for: %w", r.ID, err)}
		}
		o.Refused = append(o.Refused, Refusal{Member: id, Reason: r.Reason, Err: r.Err})
	}
	return o
}

// Withdraw takes devices out of the wave's group: each of them loses allow and is held again in one change. It is safe to
// repeat.
func Withdraw(ctx context.Context, t GroupTenant, groupID string, devices []audience.ID) Outcome {
	if len(devices) == 0 {
		return Outcome{Result: AlreadyTrue}
	}
	return outcome(t.RemoveMembers(ctx, groupID, texts(devices)))
}

func texts(ids []audience.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}
