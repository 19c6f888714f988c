// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/rollout"
)

// freeze writes the candidates down as the audience of an attempt and makes its group, empty. It does so under the lock of the
// policy, and only when the other waves have none of them: so two waves that resolve at once never freeze the same device. s is
// the status of the attempt.
func (e Wave) freeze(ctx context.Context, s *v1alpha1.PilotWaveStatus) WaveStep {
	w, c := e.World, e.World.Candidates
	if w.TenantProblem != nil {
		return e.hidden("resolve the audience")
	}
	if c == nil || w.Refusal() != nil {
		return WaveStep{} // the fleet is not read
	}
	holder, err := e.Claims.Acquire(ctx)
	switch {
	case err != nil:
		return unsaved(err)
	case holder != "":
		return WaveStep{Reason: v1alpha1.ReasonResolvingAudience, After: retryMissing,
			Problem: fmt.Sprintf("waiting until wave %q, which takes its devices right now, has them", holder)}
	}
	step := e.take(ctx, s)
	if err := e.Claims.Release(ctx); err != nil && step.Problem == "" {
		// The audience is frozen all the same. The lock is free again as soon as this wave is not Resolving any more.
		step.After = retryMissing
	}
	return step
}

// take does the work of freeze while the lock is held.
func (e Wave) take(ctx context.Context, s *v1alpha1.PilotWaveStatus) WaveStep {
	w, c := e.World, e.World.Candidates
	taken, unknown, err := e.Claims.Taken(ctx)
	switch {
	case err != nil:
		return unsaved(err)
	case unknown != nil:
		return WaveStep{Reason: unknown.Reason, Problem: "cannot resolve the audience: " + unknown.Message, After: rollout.Idle}
	case slices.ContainsFunc(c.Targeted, taken):
		return WaveStep{Again: true} // another wave was faster; who is left is judged anew
	}
	ledger := audience.NewLedger(header(w, s), audience.Order(c.Eligible, string(w.Policy.UID)))
	binding, err := e.Ledgers.Freeze(ctx, &ledger)
	if err != nil {
		return unsaved(err)
	}
	out := e.ensureGroup(ctx, s.Attempt)
	step := e.became(out, "make the wave's group")
	if step.Problem != "" {
		return step
	}
	step.Audience = &v1alpha1.AudienceStatus{
		Digest: audience.Digest(c.Eligible), Targeted: int32(len(c.Targeted)), Eligible: int32(len(ledger.Entries)),
		Ineligible: c.Ineligible, ResolvedAt: v1alpha1.Stamp(w.Now), SpecHash: rollout.AudienceHash(&w.Wave.Spec.Audience),
	}
	step.Attempt = &v1alpha1.WaveAttempt{
		Attempt: s.Attempt, Revision: s.Revision, GroupID: out.ID, CreatedAt: v1alpha1.Stamp(w.Now), Ledger: &binding,
	}
	return step
}

// header is what never changes in the ledger of an attempt.
func header(w rollout.World, s *v1alpha1.PilotWaveStatus) audience.Header {
	return audience.Header{
		Wave: audience.WaveKeyOf(string(w.Wave.UID)), Attempt: s.Attempt, Revision: s.Revision, Unit: v1alpha1.LedgerUnit(w.Unit()),
		Growing: w.Wave.Spec.Audience.Membership == v1alpha1.MembershipGrowing, PayloadHash: s.PayloadHash,
	}
}
