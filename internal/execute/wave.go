// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// LedgerWriter stores the ledger of a wave.
type LedgerWriter interface {
	Save(ctx context.Context, w *v1alpha1.PilotWave, l audience.Ledger) error
}

// Wave carries out the effects of one wave's decision. Each may be repeated: a crash anywhere leads back to the same decision.
type Wave struct {
	// Tenant takes the changes.
	Tenant GroupTenant
	// Ledgers takes what is about to be exposed, before the tenant does.
	Ledgers LedgerWriter
	// World is what the decision was taken on.
	World rollout.World
}

// WaveStep is what became of an effect; the zero value is one that had nothing to do.
type WaveStep struct {
	Outcome
	// Doing is the effect as a clause, for "cannot …"; empty when the error says it itself.
	Doing string
	// Settles is how long the tenant may not show the change. Who looks earlier finds the same difference, and would send
	// the same writes again and again.
	Settles time.Duration
	// Audience is what was frozen; nil when nothing was.
	Audience *v1alpha1.AudienceStatus
	// Batch is the number of devices that the ledger has as exposed since now, whatever the outcome.
	Batch int32
}

// Worked says whether the tenant is as the effect wants it.
func (s WaveStep) Worked() bool { return s.Result == Applied || s.Result == AlreadyTrue }

// Record writes what was stored on the way into the status: audience, clocks, counts.
func (s WaveStep) Record(to *v1alpha1.PilotWaveStatus, now time.Time) {
	if s.Audience != nil {
		to.Audience, to.Devices = s.Audience, v1alpha1.DeviceCounts{Pending: s.Audience.Eligible}
	}
	if s.Batch > 0 {
		at := v1alpha1.Stamp(now)
		to.Clocks.LastBatchAt = &at
		to.Devices.Pending -= s.Batch
		to.Devices.Exposed += s.Batch
	}
}

// Freeze writes the candidates down as the audience of an attempt and makes the managed group, still empty.
func (e Wave) Freeze(ctx context.Context, attempt int32, payloadHash string) WaveStep {
	w, c := e.World, e.World.Candidates
	ledger := audience.NewLedger(attempt, payloadHash, audience.Order(c.Eligible, string(w.Policy.UID)))
	if err := e.Ledgers.Save(ctx, w.Wave, ledger); err != nil {
		return WaveStep{Outcome: Outcome{Result: Retry, Err: err}}
	}
	step := WaveStep{Outcome: e.ensureGroup(ctx), Doing: "make the wave's group"}
	if step.Worked() {
		step.Audience = &v1alpha1.AudienceStatus{
			Digest: audience.Digest(c.Eligible), Targeted: int32(len(c.Targeted)), Eligible: int32(len(c.Eligible)),
			Ineligible: c.Ineligible, GroupID: step.ID, ResolvedAt: v1alpha1.Stamp(w.Now),
		}
	}
	return step
}

// Expose writes the next batch into the ledger, then adds its devices to the group. After a crash in between the ledger knows
// more than the group, and a repair of the group follows. Without a pending device it does nothing.
func (e Wave) Expose(ctx context.Context) WaveStep {
	w := e.World
	next, batch := w.Ledger.Expose(int(w.Wave.Spec.Exposure.BatchSize), w.Now)
	if len(batch) == 0 {
		return WaveStep{}
	}
	if err := e.Ledgers.Save(ctx, w.Wave, next); err != nil {
		return WaveStep{Outcome: Outcome{Result: Retry, Err: err}}
	}
	return WaveStep{Outcome: Expose(ctx, e.Tenant, w.GroupID(), batch), Doing: "add devices to the wave's group", Batch: int32(len(batch))}
}

// Repair makes the group hold the exposed devices of the ledger, no more and no less (P2).
func (e Wave) Repair(ctx context.Context) WaveStep {
	w := e.World
	missing, extra := w.MemberDrift()
	step := WaveStep{Outcome: Withdraw(ctx, e.Tenant, w.GroupID(), extra), Doing: "remove devices that the wave did not expose"}
	if step.Worked() {
		step = WaveStep{Outcome: Expose(ctx, e.Tenant, w.GroupID(), missing), Doing: "put exposed devices back into the wave's group"}
	}
	step.Settles = w.MemberLag
	return step
}

// Drain takes every device of an older attempt out of the group. It needs the list of members.
func (e Wave) Drain(ctx context.Context) WaveStep {
	w := e.World
	ids := make([]audience.ID, 0, len(w.Members))
	for id := range w.Members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, audience.ID.Compare)
	return WaveStep{
		Outcome: Withdraw(ctx, e.Tenant, w.GroupID(), ids), Doing: "take the devices of the last attempt out of the wave's group",
		Settles: w.MemberLag,
	}
}

// Release deletes the group of a deleted wave, whose devices return to hold (P7), and says what it waits for; empty when the
// group is gone. The policy takes the group out of every assignment first.
func (e Wave) Release(ctx context.Context) (waits string) {
	id, waits := e.groupToDelete(ctx)
	if waits == "" {
		waits = e.World.StillAssigned()
	}
	if waits == "" {
		waits = e.deleteGroup(ctx, id)
	}
	return waits
}

// groupToDelete finds the id of the wave's group, or says what keeps it from that. A look-up finds nothing for a while after
// a group was made. The upsert knows it for certain: it gives the id of the group that is there, or makes one, which is
// deleted next.
func (e Wave) groupToDelete(ctx context.Context) (id, waits string) {
	if id := cmp.Or(e.World.GroupID(), e.World.LostGroup); id != "" {
		return id, ""
	}
	out := e.ensureGroup(ctx)
	if out.Result != Applied && out.Result != AlreadyTrue {
		return "", fmt.Sprintf("the wave's group cannot be looked up: %s; set annotation %s to \"true\" to leave it behind", graph.Readable(out.Err), v1alpha1.AnnotationReleaseFinalizer)
	}
	return out.ID, ""
}

// deleteGroup deletes the wave's group, or says what keeps it from that.
func (e Wave) deleteGroup(ctx context.Context, id string) (waits string) {
	switch out := RemoveGroup(ctx, e.Tenant, id); {
	case out.Result == AlreadyTrue && !e.World.GroupShows():
		return fmt.Sprintf("the tenant does not show group %s yet, which was made just now: it is deleted as soon as it does; set annotation %s to \"true\" to leave it behind",
			id, v1alpha1.AnnotationReleaseFinalizer)
	case out.Result != Applied && out.Result != AlreadyTrue:
		return fmt.Sprintf("group %s cannot be deleted: %s; set annotation %s to \"true\" to leave it behind", id, graph.Readable(out.Err), v1alpha1.AnnotationReleaseFinalizer)
	}
	return ""
}

func (e Wave) ensureGroup(ctx context.Context) Outcome {
	name, description := rollout.GroupText(e.World.Wave)
	return EnsureGroup(ctx, e.Tenant, rollout.GroupName(e.World.Wave), graph.GroupSpec{DisplayName: name, Description: description})
}
