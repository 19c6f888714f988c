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

// retryMissing is how soon a tenant that is not connected, or a ledger that could not be written, is tried again.
const retryMissing = 30 * time.Second

// Wave carries out the effects of one wave's decision. Each may be repeated: a crash anywhere leads back to the same decision.
type Wave struct {
	// Tenant takes the changes; nil when it is not connected.
	Tenant GroupTenant
	// Ledgers takes what is about to be exposed, before the tenant does.
	Ledgers LedgerWriter
	// World is what the decision was taken on.
	World rollout.World
}

// WaveStep is what became of an effect; the zero value is one that had nothing to do.
type WaveStep struct {
	// Again: the effect worked, or its outcome has to be looked at; another reconcile should follow at once.
	Again bool
	// After is how long to leave the tenant alone, 0 for no need: until it may have recovered, or until it may show the
	// change. Who looks earlier finds the same difference, and would send the same writes again and again.
	After time.Duration
	// Problem says why the effect did not work, and Reason is the api's word for it; empty when it did.
	Reason, Problem string
	// Audience is what was frozen; nil when nothing was.
	Audience *v1alpha1.AudienceStatus
	// Batch is the number of devices that the ledger has as exposed since now, whatever became of the rest.
	Batch int32
}

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

// Do carries out the effect of a decision. s is the status with the decision written down.
func (e Wave) Do(ctx context.Context, d rollout.Decision, s *v1alpha1.PilotWaveStatus) WaveStep {
	w := e.World
	switch {
	case d.Effect == rollout.EffectNone, d.Effect == rollout.EffectPromote:
		if d.Phase != w.Wave.Status.Phase {
			return WaveStep{} // a move is told by its own reason; the next reconcile tells the problem if it is still there
		}
		return e.hidden("look at the tenant")
	case e.Tenant == nil:
		return WaveStep{Reason: v1alpha1.ReasonTenantFailed, Problem: "the Tenant of the policy is not connected; its conditions say why", After: retryMissing}
	case d.Effect == rollout.EffectResolveAudience:
		return e.freeze(ctx, s.Attempt, s.PayloadHash)
	case d.Effect == rollout.EffectExposeBatch:
		return e.expose(ctx)
	case d.Effect == rollout.EffectRepairMembership:
		return e.repair(ctx)
	case d.Effect == rollout.EffectDrain:
		return e.drain(ctx)
	}
	return WaveStep{}
}

// freeze writes the candidates down as the audience of an attempt and makes the managed group, still empty.
func (e Wave) freeze(ctx context.Context, attempt int32, payloadHash string) WaveStep {
	w, c := e.World, e.World.Candidates
	if w.TenantProblem != nil {
		return e.hidden("resolve the audience")
	}
	if c == nil || w.Refusal() != nil {
		return WaveStep{} // the fleet is not read, or another wave of the policy resolves first
	}
	ledger := audience.NewLedger(attempt, payloadHash, audience.Order(c.Eligible, string(w.Policy.UID)))
	if err := e.Ledgers.Save(ctx, w.Wave, ledger); err != nil {
		return unsaved(err)
	}
	out := e.ensureGroup(ctx)
	step := e.became(out, "make the wave's group")
	if step.Problem == "" {
		step.Audience = &v1alpha1.AudienceStatus{
			Digest: audience.Digest(c.Eligible), Targeted: int32(len(c.Targeted)), Eligible: int32(len(c.Eligible)),
			Ineligible: c.Ineligible, GroupID: out.ID, ResolvedAt: v1alpha1.Stamp(w.Now),
		}
	}
	return step
}

// expose writes the next batch into the ledger, then adds its devices to the group. After a crash in between the ledger knows
// more than the group, and a repair of the group follows.
func (e Wave) expose(ctx context.Context) WaveStep {
	w := e.World
	next, batch := w.Ledger.Expose(int(w.Wave.Spec.Exposure.BatchSize), w.Now)
	if len(batch) == 0 {
		return WaveStep{}
	}
	if err := e.Ledgers.Save(ctx, w.Wave, next); err != nil {
		return unsaved(err)
	}
	step := e.became(Expose(ctx, e.Tenant, w.GroupID(), batch), "add devices to the wave's group")
	step.Batch = int32(len(batch))
	return step
}

// repair makes the group hold the exposed devices of the ledger, no more and no less (P2).
func (e Wave) repair(ctx context.Context) WaveStep {
	w := e.World
	missing, extra := w.MemberDrift()
	if step := e.became(Withdraw(ctx, e.Tenant, w.GroupID(), extra), "remove devices that the wave did not expose"); step.Problem != "" {
		return step
	}
	return e.shown(e.became(Expose(ctx, e.Tenant, w.GroupID(), missing), "put exposed devices back into the wave's group"))
}

// drain takes every device of an older attempt out of the group.
func (e Wave) drain(ctx context.Context) WaveStep {
	w := e.World
	if w.Members == nil {
		return e.hidden("read the wave's group")
	}
	ids := make([]audience.ID, 0, len(w.Members))
	for id := range w.Members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, audience.ID.Compare)
	return e.shown(e.became(Withdraw(ctx, e.Tenant, w.GroupID(), ids), "take the devices of the last attempt out of the wave's group"))
}

// shown waits until the list of members can show what was changed.
func (e Wave) shown(s WaveStep) WaveStep {
	if s.Problem == "" {
		s.Again, s.After = false, e.World.MemberLag
	}
	return s
}

// became is the outcome of a write. One that did not work is told; the decision stands and comes back.
func (e Wave) became(out Outcome, doing string) WaveStep {
	if out.Result == Applied || out.Result == AlreadyTrue {
		return WaveStep{Again: true}
	}
	return WaveStep{
		Again: out.Result == Unknown, After: graph.RetryDelay(out.Err, e.World.Now),
		Reason: graph.Reason(out.Err), Problem: fmt.Sprintf("cannot %s: %s", doing, graph.Readable(out.Err)),
	}
}

// unsaved is a ledger that could not be written; nothing was sent to the tenant.
func unsaved(err error) WaveStep {
	return WaveStep{Reason: v1alpha1.ReasonTransient, Problem: err.Error(), After: retryMissing}
}

// hidden is what the tenant did not tell, where a decision cannot do without it.
func (e Wave) hidden(doing string) WaveStep {
	p := e.World.TenantProblem
	if p == nil {
		return WaveStep{}
	}
	return WaveStep{Reason: p.Reason, Problem: fmt.Sprintf("cannot %s: %s", doing, p.Message), After: p.RetryAfter}
}

// Release lets the group of a deleted wave go: its devices return to hold (P7). It says what that waits for; empty when the
// group is gone, or is to be left behind. The policy takes the group out of every assignment first.
func (e Wave) Release(ctx context.Context) (waits string) {
	if e.World.LeavesGroup() {
		return ""
	}
	if waits := e.World.Unreachable(); waits != "" {
		return waits
	}
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
