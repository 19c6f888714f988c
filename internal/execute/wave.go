// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// LedgerWriter stores the ledgers of a wave's attempts.
type LedgerWriter interface {
	// Freeze stores the first ledger of an attempt and returns what the status is to bind; nothing of it is exposed before
	// the status does.
	Freeze(ctx context.Context, l *audience.Ledger) (v1alpha1.LedgerBinding, error)
	// Save stores a later ledger of an attempt that the status knows and binds it in the wave's status, before anything that follows from
	// it is sent to the tenant.
	Save(ctx context.Context, l *audience.Ledger) error
	// Delete removes the ledger of an attempt.
	Delete(ctx context.Context, attempt int32) error
}

// Claims keeps two waves of a policy from taking the same devices.
type Claims interface {
	// Acquire takes the lock of the policy for a wave, right before it freezes its audience. holder is the wave that has it,
	// empty when this one does.
	Acquire(ctx context.Context) (holder string, err error)
	// Taken reads, past every cache, whom the other waves have.
	Taken(ctx context.Context) (taken func(audience.ID) bool, unknown *rollout.Cause, err error)
	// Release gives the lock back.
	Release(ctx context.Context) error
}

// retryMissing is how soon a tenant that is not connected, or a ledger that could not be written, is tried again.
const retryMissing = 30 * time.Second

// retryUnreadable is how soon a list is read again of which a part could not be: most bad answers are good a moment later.
const retryUnreadable = 5 * time.Minute

// Wave carries out the effects of one wave's decision. Each may be repeated: a crash anywhere leads back to the same decision.
type Wave struct {
	// Tenant takes the changes; nil when it is not connected.
	Tenant GroupTenant
	// Ledgers takes what is about to be exposed, before the tenant does.
	Ledgers LedgerWriter
	// Claims is the lock under which an audience is frozen.
	Claims Claims
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
	// Audience is what was frozen and Attempt the entry of its group; nil when nothing was.
	Audience *v1alpha1.AudienceStatus
	Attempt  *v1alpha1.WaveAttempt
	// Batch is the number of devices that the ledger has as exposed since now, whatever became of the rest.
	Batch int32
	// Disposed is the attempt of which group and ledger are gone; 0 for none.
	Disposed int32
	// GivenUp are earlier attempts that do not stand any more.
	GivenUp []int32
}

// Record writes what was stored on the way into the status: audience, attempts, clocks, counts.
func (s WaveStep) Record(to *v1alpha1.PilotWaveStatus, now time.Time) {
	if s.Audience != nil {
		to.Audience, to.Devices = s.Audience, v1alpha1.DeviceCounts{Pending: s.Audience.Eligible}
	}
	drop := s.Disposed
	if s.Attempt != nil {
		drop = s.Attempt.Attempt
	}
	to.Attempts = slices.DeleteFunc(to.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == drop })
	if s.Attempt != nil {
		to.Attempts = append(to.Attempts, *s.Attempt)
	}
	at := v1alpha1.Stamp(now)
	for i := range to.Attempts {
		if a := &to.Attempts[i]; a.WithdrawnAt == nil && slices.Contains(s.GivenUp, a.Attempt) {
			a.WithdrawnAt = &at
		}
	}
	if s.Batch > 0 {
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
		return e.rest(ctx, d)
	case d.Effect == rollout.EffectGiveUp:
		return e.giveUp()
	case e.Tenant == nil:
		return WaveStep{Reason: v1alpha1.ReasonTenantFailed, Problem: "the Tenant of the policy is not connected; its conditions say why", After: retryMissing}
	case d.Effect == rollout.EffectResolveAudience:
		return e.freeze(ctx, s)
	case d.Effect == rollout.EffectExposeBatch:
		return e.expose(ctx)
	case d.Effect == rollout.EffectRepairMembership:
		return e.repair(ctx, w.CurrentAttempt())
	case d.Effect == rollout.EffectRepairEarlier:
		if a, drifted := w.Drifted(); drifted {
			return e.repair(ctx, a)
		}
	case d.Effect == rollout.EffectExclude:
		return e.exclude(ctx)
	case d.Effect == rollout.EffectJoin:
		return e.join(ctx)
	}
	return WaveStep{}
}

// rest is a decision without an effect: what is left of old attempts goes, and what a person has to look at is told.
func (e Wave) rest(ctx context.Context, d rollout.Decision) WaveStep {
	w := e.World
	if d.Phase != w.Wave.Status.Phase {
		return WaveStep{} // a move is told by its own reason; the next reconcile tells the problem if it is still there
	}
	if old := w.Disposable(); old != nil && d.Effect == rollout.EffectNone && e.Tenant != nil {
		return e.dispose(ctx, old)
	}
	if p := w.ExclusionProblem; p != nil && w.TenantProblem == nil && runs(d.Phase) {
		return WaveStep{Reason: p.Reason, After: retryUnreadable, Problem: fmt.Sprintf(
			"it is not known whom the wave excludes: %s; until it is, the excluded may stay in its groups, and nobody is put into them", p.Message)}
	}
	if odd := w.OddMembers(); odd != "" {
		return WaveStep{Reason: v1alpha1.ReasonMembershipDrifted, After: retryUnreadable, Problem: fmt.Sprintf(
			"the tenant lists %s of whom it cannot be told who they are: look at the group in the tenant and remove them; the wave goes on without them", odd)}
	}
	return e.hidden("look at the tenant")
}

// runs says that nothing has stopped the wave: a stop has a reason of its own to tell.
func runs(p v1alpha1.WavePhase) bool {
	switch p { //nolint:exhaustive // before an attempt has a group, or stopped: false
	case v1alpha1.PhasePending, v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseEvaluating, v1alpha1.PhaseSucceeded:
		return true
	}
	return false
}

// expose writes the next batch into the ledger, then adds its devices to the group. After a crash in between the ledger knows
// more than the group, and a repair of the group follows.
func (e Wave) expose(ctx context.Context) WaveStep {
	w := e.World
	next, batch := w.Record().Expose(int(w.Wave.Spec.Exposure.BatchSize), w.Now)
	if len(batch) == 0 {
		return WaveStep{}
	}
	if err := e.Ledgers.Save(ctx, &next); err != nil {
		return unsaved(err)
	}
	step := e.add(ctx, w.GroupID(), next, batch, "add devices to the wave's group")
	step.Batch = int32(len(batch))
	return e.shown(step)
}

// add makes members of the ledger of an attempt members of its group. Whom the tenant refuses is noted, and not asked for again;
// the others go on.
func (e Wave) add(ctx context.Context, group string, l audience.Ledger, members []audience.ID, doing string) WaveStep {
	out := Expose(ctx, e.Tenant, group, members)
	next, refused := l, 0
	for _, r := range out.Refused {
		why := audience.RefusedUnusable
		if r.Reason == graph.RefusedGone {
			why = audience.RefusedGone
		}
		var changed []audience.ID
		next, changed = next.Refuse([]audience.ID{r.Member}, why)
		refused += len(changed)
	}
	if refused > 0 {
		if err := e.Ledgers.Save(ctx, &next); err != nil {
			return unsaved(err)
		}
	}
	return e.became(out, doing)
}

// repair makes the group of an attempt hold the exposed devices of its ledger, no more and no less (P2).
func (e Wave) repair(ctx context.Context, a rollout.Attempt) WaveStep {
	group := a.Entry.GroupID
	missing, extra := e.World.MemberDrift(a)
	out := Withdraw(ctx, e.Tenant, group, extra)
	taken := e.became(out, fmt.Sprintf("remove %d devices from group %s that the wave did not expose, such as %s (remove them there by hand where the tenant refuses it)",
		len(extra), group, first(extra)))
	if taken.Problem != "" && out.Result != Rejected {
		return taken
	}
	if len(missing) == 0 {
		return e.shown(taken)
	}
	// What is refused for a stranger keeps no device of the wave from its place.
	put := e.add(ctx, group, *a.Ledger, missing, fmt.Sprintf("put exposed devices back into group %s", group))
	if taken.Problem != "" {
		if put.Problem != "" {
			taken.Problem += "; " + put.Problem
		}
		return taken
	}
	return e.shown(put)
}

func first(ids []audience.ID) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0].String()
}

// exclude takes those who are excluded out of the groups of all attempts that stand. What fails for one group is told, and the
// others go on.
func (e Wave) exclude(ctx context.Context) WaveStep {
	var step WaveStep
	for _, a := range e.World.Excluding() {
		one := e.excludeFrom(ctx, a)
		if step.Problem == "" && (one.Problem != "" || step.After == 0) {
			step = one
		}
	}
	return step
}

// excludeFrom marks in the ledger of one attempt whom the wave excludes now, and takes out of its group who is excluded. After a
// crash in between, those who are marked leave the group by the next decision.
func (e Wave) excludeFrom(ctx context.Context, a rollout.Attempt) WaveStep {
	leaving, unmarked := e.World.Exclusions(a)
	if len(unmarked) > 0 {
		next, _ := a.Ledger.Exclude(unmarked, e.World.Now)
		if err := e.Ledgers.Save(ctx, &next); err != nil {
			return unsaved(err)
		}
	}
	step := e.became(Withdraw(ctx, e.Tenant, a.Entry.GroupID, leaving), fmt.Sprintf("take excluded devices out of group %s", a.Entry.GroupID))
	if len(leaving) == 0 {
		return step
	}
	return e.shown(step)
}

// giveUp leaves the earlier attempts behind whose groups are gone. The policy takes the groups out of its assignments.
func (e Wave) giveUp() WaveStep {
	step := WaveStep{Again: true}
	for _, a := range e.World.Lost() {
		step.GivenUp = append(step.GivenUp, a.Entry.Attempt)
	}
	return step
}

// join writes late joiners into the ledger; batches take them from there.
func (e Wave) join(ctx context.Context) WaveStep {
	next, joined := e.World.Record().Join(e.World.Joiners(), e.World.Now)
	if len(joined) == 0 {
		return WaveStep{}
	}
	if err := e.Ledgers.Save(ctx, &next); err != nil {
		return unsaved(err)
	}
	return WaveStep{Again: true}
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

func (e Wave) ensureGroup(ctx context.Context, attempt int32) Outcome {
	name, description := rollout.GroupText(e.World.Wave, attempt, e.World.Policy.UID)
	return EnsureGroup(ctx, e.Tenant, rollout.GroupName(e.World.Wave, attempt), graph.GroupSpec{DisplayName: name, Description: description})
}
