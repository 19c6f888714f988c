// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// execute carries out the one effect of a decision. Each effect may be repeated: a crash anywhere leads back to the same
// decision.
func (r *waveRun) execute(ctx context.Context, d rollout.Decision) step {
	if d.Effect != rollout.EffectNone && d.Effect != rollout.EffectPromote && r.src == nil {
		return step{reason: v1alpha1.ReasonTenantFailed, problem: "the Tenant of the policy is not connected; its conditions say why", requeue: retryAfterMistake}
	}
	switch d.Effect {
	case rollout.EffectResolveAudience:
		return r.freeze(ctx)
	case rollout.EffectExposeBatch:
		return r.exposeBatch(ctx)
	case rollout.EffectRepairMembership:
		return r.repair(ctx)
	case rollout.EffectDrain:
		return r.drain(ctx)
	}
	if r.problem != nil && d.Phase == r.before.Status.Phase {
		return r.failed(execute.Outcome{Result: execute.Retry, Err: r.problem}, "look at the tenant")
	}
	return step{} // a move is told by its own reason; the next reconcile tells the problem if it is still there
}

// freeze writes the candidates down as the audience of this attempt and makes the managed group, still empty.
func (r *waveRun) freeze(ctx context.Context) step {
	if r.problem != nil {
		return r.failed(execute.Outcome{Result: execute.Retry, Err: r.problem}, "resolve the audience")
	}
	if r.candidates == nil || r.refused != nil {
		return step{} // the inventory is not loaded, or another wave of the policy resolves first
	}
	salt := string(r.policy.UID)
	ledger := audience.NewLedger(audience.Header{
		Wave: audience.WaveKeyOf(string(r.before.UID)), Attempt: r.after.Status.Attempt, Unit: v1alpha1.UnitDevice, PayloadHash: r.after.Status.PayloadHash,
	}, audience.Order(r.candidates.Eligible, salt))
	if err := r.saveLedger(ctx, r.before, ledger); err != nil {
		return step{reason: v1alpha1.ReasonTransient, problem: err.Error(), requeue: retryAfterMistake}
	}
	out := r.ensureGroup(ctx)
	if out.Result != execute.Applied && out.Result != execute.AlreadyTrue {
		return r.failed(out, "make the wave's group")
	}
	r.after.Status.Audience = &v1alpha1.AudienceStatus{
		Digest: audience.Digest(r.candidates.Eligible), Targeted: int32(len(r.candidates.Targeted)), Eligible: int32(len(r.candidates.Eligible)),
		Ineligible: r.candidates.Ineligible, GroupID: out.ID, ResolvedAt: metav1.NewTime(r.now.UTC()).Rfc3339Copy(),
	}
	r.after.Status.Devices = v1alpha1.DeviceCounts{Pending: int32(len(r.candidates.Eligible))}
	return step{again: true}
}

func (r *waveRun) ensureGroup(ctx context.Context) execute.Outcome {
	return execute.EnsureGroup(ctx, r.src, uniqueName(r.before.UID), graph.GroupSpec{
		DisplayName: fmt.Sprintf("Tidegate wave %s/%s", r.before.Namespace, r.before.Name),
		Description: fmt.Sprintf("Devices that wave %s/%s of Tidegate has exposed. Managed by Tidegate: do not change members by hand.", r.before.Namespace, r.before.Name),
	})
}

// exposeBatch writes the batch into the ledger, then adds its devices to the group. After a crash in between the ledger
// knows more than the group, and the next reconcile repairs the group.
func (r *waveRun) exposeBatch(ctx context.Context) step {
	next, batch := r.ledger.Expose(int(r.before.Spec.Exposure.BatchSize), r.now)
	if len(batch) == 0 {
		return step{}
	}
	if err := r.saveLedger(ctx, r.before, next); err != nil {
		return step{reason: v1alpha1.ReasonTransient, problem: err.Error(), requeue: retryAfterMistake}
	}
	at := metav1.NewTime(r.now.UTC()).Rfc3339Copy()
	r.after.Status.Clocks.LastBatchAt = &at
	n := int32(len(batch))
	r.after.Status.Devices.Pending -= n
	r.after.Status.Devices.Exposed += n
	return r.done(execute.Expose(ctx, r.src, r.groupID(), batch), "add devices to the wave's group")
}

// repair makes the group hold the exposed devices of the ledger, no more and no less (P2).
func (r *waveRun) repair(ctx context.Context) step {
	missing, extra := r.memberDrift()
	if st := r.done(execute.Withdraw(ctx, r.src, r.groupID(), extra), "remove devices that the wave did not expose"); st.problem != "" {
		return st
	}
	return r.shown(r.done(execute.Expose(ctx, r.src, r.groupID(), missing), "put exposed devices back into the wave's group"))
}

// shown waits until the list of members can show what was changed. Looking again at once would find the same difference
// and send the same writes, again and again.
func (r *waveRun) shown(st step) step {
	if st.problem == "" {
		return step{requeue: observe.MemberLag}
	}
	return st
}

// drain takes every device of an older attempt out of the group; see forgetDrained for what follows.
func (r *waveRun) drain(ctx context.Context) step {
	if r.members == nil {
		return r.failed(execute.Outcome{Result: execute.Retry, Err: r.problem}, "read the wave's group")
	}
	ids := make([]audience.ID, 0, len(r.members))
	for id := range r.members {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, audience.ID.Compare)
	return r.shown(r.done(execute.Withdraw(ctx, r.src, r.groupID(), ids), "take the devices of the last attempt out of the wave's group"))
}

// forgetDrained drops the audience of an older attempt once its group is empty. As long as a wave has an audience of
// another payload, the policy keeps the old payload in place.
func (r *waveRun) forgetDrained() {
	s := &r.after.Status
	if r.before.Status.Phase == v1alpha1.PhasePending && s.Phase == v1alpha1.PhasePending && r.members != nil && !r.exposed() {
		s.Audience = nil
	}
}

func (r *waveRun) done(out execute.Outcome, doing string) step {
	if out.Result == execute.Applied || out.Result == execute.AlreadyTrue {
		return step{again: true}
	}
	return r.failed(out, doing)
}

// failed reports an effect that did not work; the decision stands and comes back.
func (r *waveRun) failed(out execute.Outcome, doing string) step {
	if out.Err == nil {
		return step{requeue: retryAfterMistake}
	}
	return step{
		reason: reasonOf(out.Err), problem: fmt.Sprintf("cannot %s: %s", doing, readable(out.Err)),
		again: out.Result == execute.Unknown, requeue: retryDelay(out.Err, r.now),
	}
}

// release lets a deleted wave go (P7): its devices return to hold, its group is deleted. The policy controller takes the
// group out of every assignment first.
func (r *waveRun) release(ctx context.Context) (ctrl.Result, error) {
	orphan := r.policy != nil && r.policy.Spec.DeletionPolicy == v1alpha1.DeletionOrphan
	// A ledger is written before the group is made: without one there is no group, whatever the status says.
	nothing := r.groupID() == "" && r.ledger == nil
	if orphan || nothing || r.before.Annotations[v1alpha1.AnnotationReleaseFinalizer] == "true" {
		return r.letGo(ctx)
	}
	if r.src == nil {
		return r.deletionWaits(ctx, fmt.Sprintf("the wave's group cannot be deleted: the tenant of the policy is not connected; mend it, or set annotation %s to \"true\" to leave the group behind",
			v1alpha1.AnnotationReleaseFinalizer))
	}
	if r.problem != nil {
		return r.deletionWaits(ctx, fmt.Sprintf("the wave's group cannot be looked up: %s; set annotation %s to \"true\" to leave it behind", readable(r.problem), v1alpha1.AnnotationReleaseFinalizer))
	}
	id, waits := r.groupToDelete(ctx)
	if waits == "" && r.stillAssigned() {
		waits = fmt.Sprintf("waiting until PasskeyPolicy %q no longer assigns anything to the wave's group: its conditions say what it waits for; set annotation %s to \"true\" to leave the group behind",
			r.policy.Name, v1alpha1.AnnotationReleaseFinalizer)
	}
	if waits == "" {
		waits = r.deleteGroup(ctx, id)
	}
	if waits != "" {
		return r.deletionWaits(ctx, waits)
	}
	return r.letGo(ctx)
}

// groupToDelete finds the id of the wave's group, or says what keeps it from that. A look-up finds nothing for a while
// after a group was made. The upsert knows it for certain: it gives the id of the group that is there, or makes one, which
// is deleted next.
func (r *waveRun) groupToDelete(ctx context.Context) (id, waits string) {
	if id := cmp.Or(r.groupID(), r.lostGroup); id != "" {
		return id, ""
	}
	out := r.ensureGroup(ctx)
	if out.Result != execute.Applied && out.Result != execute.AlreadyTrue {
		return "", fmt.Sprintf("the wave's group cannot be looked up: %s; set annotation %s to \"true\" to leave it behind", readable(out.Err), v1alpha1.AnnotationReleaseFinalizer)
	}
	return out.ID, ""
}

// deleteGroup deletes the wave's group, or says what keeps it from that.
func (r *waveRun) deleteGroup(ctx context.Context, id string) (waits string) {
	switch out := execute.RemoveGroup(ctx, r.src, id); {
	case out.Result == execute.AlreadyTrue && !r.shownByNow():
		return fmt.Sprintf("the tenant does not show group %s yet, which was made just now: it is deleted as soon as it does; set annotation %s to \"true\" to leave it behind",
			id, v1alpha1.AnnotationReleaseFinalizer)
	case out.Result != execute.Applied && out.Result != execute.AlreadyTrue:
		return fmt.Sprintf("group %s cannot be deleted: %s; set annotation %s to \"true\" to leave it behind", id, readable(out.Err), v1alpha1.AnnotationReleaseFinalizer)
	}
	return ""
}

// shownByNow says that the wave's group was made so long ago that a tenant which does not know it speaks the truth. A group
// that the status does not name was seen a moment before.
func (r *waveRun) shownByNow() bool {
	return r.groupID() != "" && r.now.Sub(r.before.Status.Audience.ResolvedAt.Time) >= observe.ReplicationLag
}

// stillAssigned says whether the policy has yet to take the wave's group out of its assignments. A policy that is deleted
// or suspended does not get to it.
func (r *waveRun) stillAssigned() bool {
	if r.policy == nil || !r.policy.DeletionTimestamp.IsZero() || r.policy.Spec.Suspend {
		return false
	}
	a := admissionOf(&r.policy.Status, r.before)
	return a != nil && a.State != v1alpha1.Withdrawn
}

func (r *waveRun) letGo(ctx context.Context) (ctrl.Result, error) {
	r.Metrics.Set("wave", client.ObjectKeyFromObject(r.before), nil)
	return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
}

func (r *waveRun) deletionWaits(ctx context.Context, message string) (ctrl.Result, error) {
	s := &r.after.Status
	s.Decision = v1alpha1.DecisionStatus{Reason: v1alpha1.ReasonDeleting, Message: message}
	standing := status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonDeleting, Message: message}
	s.Conditions = status.Conditions(r.before.Status.Conditions, r.after.Generation, r.now, standing, nil)
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	return r.Kit.after(retryAfterMistake), nil
}
