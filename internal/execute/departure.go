// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
)

// dispose removes group and ledger of an attempt that is of no more use. A group that the tenant does not have is gone.
func (e Wave) dispose(ctx context.Context, a *v1alpha1.WaveAttempt) WaveStep {
	if a.GroupID != "" {
		out := RemoveGroup(ctx, e.Tenant, a.GroupID)
		if out.Result == AlreadyTrue && !e.World.Shows(a) {
			return WaveStep{After: e.World.ObjectLag} // it was made just now
		}
		if step := e.became(out, fmt.Sprintf("delete group %s of attempt %d", a.GroupID, a.Attempt)); step.Problem != "" {
			return step
		}
	}
	if err := e.Ledgers.Delete(ctx, a.Attempt); err != nil {
		return unsaved(err)
	}
	return WaveStep{Again: true, Disposed: a.Attempt}
}

// Release lets the groups of a deleted wave go: its devices have again what they had before (P7). It says what that waits for;
// empty when they are gone, or are to be left behind. The policy takes each group out of every assignment first.
func (e Wave) Release(ctx context.Context) (waits string) {
	if e.World.Released() {
		return ""
	}
	owned := e.World.Owned()
	if len(owned) == 0 && e.World.TenantProblem == nil {
		return ""
	}
	if waits := e.World.Unreachable(); waits != "" {
		return waits
	}
	for i := range owned {
		if waits := e.releaseGroup(ctx, &owned[i]); waits != "" {
			return waits
		}
	}
	return ""
}

// releaseGroup deletes the group of one attempt, or says what keeps it from that. A look-up finds nothing for a while after a
// group was made. The upsert knows it for certain: it gives the id of the group that is there, or makes one, which is deleted
// next.
func (e Wave) releaseGroup(ctx context.Context, a *v1alpha1.WaveAttempt) (waits string) {
	if waits := e.World.StillAssigned(a); waits != "" {
		return waits
	}
	release := fmt.Sprintf("set annotation %s to \"true\" to leave it behind", v1alpha1.AnnotationReleaseFinalizer)
	id := a.GroupID
	if id == "" {
		out := e.ensureGroup(ctx, a.Attempt)
		if out.Result != Applied && out.Result != AlreadyTrue {
			return fmt.Sprintf("the wave's group cannot be looked up: %s; %s", graph.Readable(out.Err), release)
		}
		id = out.ID
	}
	switch out := RemoveGroup(ctx, e.Tenant, id); {
	case out.Result == AlreadyTrue && a.GroupID != "" && !a.CreatedAt.IsZero() && !e.World.Shows(a):
		return fmt.Sprintf("the tenant does not show group %s yet, which was made just now: it is deleted as soon as it does; %s", id, release)
	case out.Result == AlreadyTrue && a.GroupID == "":
		return fmt.Sprintf("the tenant does not show group %s yet, which was seen just now: it is deleted as soon as it does; %s", id, release)
	case out.Result != Applied && out.Result != AlreadyTrue:
		return fmt.Sprintf("group %s cannot be deleted: %s; %s", id, graph.Readable(out.Err), release)
	}
	return ""
}
