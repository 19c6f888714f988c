// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/revision"
)

// Measured is what was found out on the way to a situation and what the status is to be told of it.
type Measured struct {
	// LastBatchAt is when the newest batch went out, from status and ledger; nil when none did.
	LastBatchAt *metav1.Time
	// Timing is what the clocks say.
	Timing Timing
	// SoakUntil is when the soak time of a dependency ends; zero when none is running.
	SoakUntil time.Time
	// Evidence is the judgement of the devices: counts, findings, gate row and digest; nil when nothing could be judged.
	Evidence *Judgement
	// GateHash identifies the gate that they were judged by; empty without evidence.
	GateHash string
	// Rollback is how far a rollback is proven; nil when none is under way or nothing could be measured.
	Rollback *v1alpha1.RollbackStatus
	// ClearSince is the first reading of the fleet without the cause of Held; nil when it is present.
	ClearSince *metav1.Time
	// LastConfirmedAt is when the tenant showed the newest member that the wave exposed; nil while it showed none.
	LastConfirmedAt *metav1.Time
	// ExposedAll: nobody is left to expose, or to be shown by the tenant.
	ExposedAll bool
	// Audience is what the ledger says of the audience; nil without one.
	Audience *v1alpha1.AudienceStatus
	// Proof is what the attempt is judged by; nil before there is a ledger.
	Proof *v1alpha1.ProofStatus
}

// Situation reduces the world to what Decide takes, and gives what was measured on the way. An error is one of the gate's
// spec, which cannot be judged by: the input then has neither evidence nor exposure, and everything else holds.
func (w World) Situation() (Input, Measured, error) {
	s := &w.Wave.Status
	m := Measured{LastBatchAt: w.lastBatchAt(), ClearSince: s.ClearSince, LastConfirmedAt: w.lastConfirmedAt(), ExposedAll: w.exposedAll(), Audience: w.recorded()}
	m.Timing = Time(w.Wave, m.clocks(s), w.Now)
	in := w.Safety()
	in.Audience, in.Membership, in.Ledger, in.Telemetry = w.audience(), w.membership(), w.ledgerFact(), w.telemetry()
	in.Exclusion, in.Growth, in.Earlier, in.Watch = w.exclusion(), w.growth(), w.earlier(), w.watch()
	in.BakeElapsed, in.DeadlinePassed = m.Timing.BakeElapsed, m.Timing.DeadlinePassed
	if refused := w.Refusal(); refused != nil && in.HeldPhase == v1alpha1.PhaseResolving {
		in.HeldReason = refused.Reason // the audience was edited, and is wrong in another way now
	}
	_, m.SoakUntil = Depend(w.Wave, w.Siblings, w.Target(), w.restartFrom(), w.Now)
	err := w.judge(&in, &m)
	in.Rollback, m.Rollback = w.rollback(m.Timing.RollbackOverdue && !w.clockOff())
	in.Clear, m.ClearSince = Clearance(&in, s.ClearSince, w.evidenceAt())
	return in, m, err
}

// judge adds what the devices report, and what that allows to expose. A gate that cannot be judged by is an error even
// while there is nothing to judge.
func (w World) judge(in *Input, m *Measured) error {
	gate := GateOf(w.Wave)
	if a := Current(&w.Wave.Status); !w.Frozen() || a.WithdrawnAt != nil || w.Policy == nil || w.Fleet == nil {
		_, err := GateSpec(gate)
		return err
	}
	c := w.evidence()
	m.Proof = w.proof()
	// Who was promoted has nothing more to prove: a deadline that passes later is none of its.
	c.Proof, c.DeadlinePassed = m.Proof, m.Timing.DeadlinePassed && w.Wave.Status.Clocks.SucceededAt == nil
	j, err := Judge(c)
	if err != nil {
		return err
	}
	m.Evidence, m.GateHash = &j, GateHash(gate)
	in.Evidence = FactOf(j.State, j.Message)
	in.Exposure = w.exposure(m.Timing, j.Unreported)
	return nil
}

// recorded is what the ledger says of the audience, in place of what the status says: it goes on where the status was cleared,
// and it alone knows who joined and who was excluded.
func (w World) recorded() *v1alpha1.AudienceStatus {
	if !w.Frozen() {
		return nil
	}
	l, out := w.Record(), v1alpha1.AudienceStatus{}
	if known := w.Wave.Status.Audience; known != nil {
		out = *known
	} else {
		out.Digest, out.Targeted = audience.Digest(l.IDs()), int32(len(l.Entries))
		out.ResolvedAt = Current(&w.Wave.Status).CreatedAt
	}
	c := l.Counts()
	out.Joined, out.Excluded, out.Refused, out.Eligible = int32(c.Joined), int32(c.Excluded), int32(c.Refused), 0
	for i := range l.Entries {
		if counted(&l.Entries[i]) {
			out.Eligible++
		}
	}
	out.Targeted = max(out.Targeted, out.Eligible)
	return &out
}

// clocks are those of the status with what ledger and tenant say. After the promotion nothing bakes any more.
func (m Measured) clocks(s *v1alpha1.PilotWaveStatus) v1alpha1.Clocks {
	c := s.Clocks
	c.LastBatchAt = m.LastBatchAt
	if slices.Contains(clocked, s.Phase) {
		c = confirm(c, m.LastConfirmedAt, m.ExposedAll)
	}
	return c
}

// Record writes what was measured into the status. A decision is written after it, for it may close the attempt that was
// measured.
func (m Measured) Record(s *v1alpha1.PilotWaveStatus) {
	s.Clocks, s.ClearSince = m.clocks(s), m.ClearSince
	if m.Audience != nil {
		s.Audience = m.Audience
	}
	if j := m.Evidence; j != nil {
		s.Devices, s.Findings, s.Gate, s.GateHash = j.Devices, j.Findings, []v1alpha1.GateRow{j.Row}, m.GateHash
		if s.Proof = m.Proof; s.Proof != nil {
			s.Proof.DeadlineReports = j.DeadlineReports
		}
		s.Decision.Verdict, s.Decision.EvidenceDigest = j.Row.Verdict, j.Digest
	}
	if m.Rollback != nil {
		if s.Rollback != nil {
			m.Rollback.Reverting, m.Rollback.Accepted = s.Rollback.Reverting, s.Rollback.Accepted
		}
		s.Rollback = m.Rollback
	}
}

// policyState says whether the policy lets its waves move.
func (w World) policyState() Fact[PolicyState] {
	fact := func(s PolicyState, format string, args ...any) Fact[PolicyState] {
		return FactOf(s, fmt.Sprintf(format, args...))
	}
	name := w.Wave.Spec.PolicyRef.Name
	if w.Policy == nil || !w.Policy.DeletionTimestamp.IsZero() {
		return fact(PolicyMissing, "spec.policyRef names PasskeyPolicy %q, which is not in namespace %q: create it", name, w.Wave.Namespace)
	}
	s := &w.Policy.Status
	applied := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionApplied)
	switch {
	case w.Policy.Spec.Suspend:
		return fact(PolicySuspended, "PasskeyPolicy %q is suspended until its spec.suspend is false", name)
	case s.ObservedGeneration != w.Policy.Generation || revision.Target(s.Revisions) == nil:
		return fact(PolicyNotReady, "PasskeyPolicy %q is not reconciled yet", name)
	case !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionSettingsResolved):
		return fact(PolicyNotReady, "the settings of PasskeyPolicy %q are not resolved: its condition SettingsResolved says why", name)
	case applied == nil || applied.ObservedGeneration != w.Policy.Generation || applied.Status != metav1.ConditionTrue && applied.Reason != v1alpha1.ReasonAssigning:
		return fact(PolicyNotReady, "PasskeyPolicy %q is not in the tenant as it should be: its condition Applied says why", name)
	}
	if a := w.beyond(); a != nil {
		return fact(PolicyNotReady, "devices of attempt %d have %s, which came later than %s, and PasskeyPolicy %q asks for the latter: ask for a rollback (annotation %s) to take "+
			"it back, or set the policy's spec.settings to what %s writes", a.Attempt, revision.Name(a.Revision), revision.Name(w.Target().Revision), name, v1alpha1.AnnotationRollback, revision.Name(a.Revision))
	}
	return FactOf(PolicyReady, "")
}
