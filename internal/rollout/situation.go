// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
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
	// Drained: the list of members proves that no device is in the managed group.
	Drained bool
}

// Situation reduces the world to what Decide takes, and gives what was measured on the way. An error is one of the gate's
// spec, which cannot be judged by; what was measured up to there stays valid.
func (w World) Situation() (Input, Measured, error) {
	s := &w.Wave.Status
	m := Measured{LastBatchAt: w.lastBatchAt(), ClearSince: s.ClearSince}
	clocks := s.Clocks
	clocks.LastBatchAt = m.LastBatchAt
	m.Timing = Time(&w.Wave.Spec, clocks, w.Now)
	in := Input{
		Phase: s.Phase, HeldPhase: s.HeldPhase, HeldReason: s.HeldReason,
		Deleting: !w.Wave.DeletionTimestamp.IsZero(), Request: Requested(w.Wave),
		Paused: w.Wave.Spec.Paused || w.Policy != nil && w.Policy.Spec.Paused,
		Policy: w.policyState(), Payload: w.payload(), Audience: w.audience(), Admission: w.admission(),
		Exposed: w.exposed(), Membership: w.membership(), Telemetry: w.telemetry(),
		BakeElapsed: m.Timing.BakeElapsed, DeadlinePassed: m.Timing.DeadlinePassed, OnFailure: w.Wave.Spec.OnFailure.Action,
	}
	m.Drained = w.Members != nil && !in.Exposed
	if refused := w.Refusal(); refused != nil && in.HeldPhase == v1alpha1.PhaseResolving {
		in.HeldReason = refused.Reason // the audience was edited, and is wrong in another way now
	}
	in.Dependencies, m.SoakUntil = Depend(w.Wave, w.Siblings, w.PayloadHash(), w.Now)
	if err := w.judge(&in, &m); err != nil {
		return in, m, err
	}
	in.Rollback, m.Rollback = w.rollback(m.Timing.RollbackOverdue)
	var asOf time.Time
	if w.Fleet != nil {
		asOf = w.Fleet.AsOf()
	}
	in.Clear, m.ClearSince = Clearance(&in, s.ClearSince, asOf)
	return in, m, nil
}

// judge adds what the devices report, and what that allows to expose. A gate that cannot be judged by is an error even
// while there is nothing to judge.
func (w World) judge(in *Input, m *Measured) error {
	gate := &w.Wave.Spec.Gate
	if !w.Frozen() || w.Policy == nil || w.Fleet == nil {
		_, err := GateSpec(gate)
		return err
	}
	j, err := Judge(w.evidence())
	if err != nil {
		return err
	}
	m.Evidence, m.GateHash = &j, GateHash(gate)
	in.Evidence = FactOf(j.State, j.Message)
	in.Exposure = w.exposure(m.Timing, j.Unreported)
	return nil
}

// Record writes what was measured into the status. A decision is written after it, for it may close the attempt that was
// measured.
func (m Measured) Record(s *v1alpha1.PilotWaveStatus) {
	s.Clocks.LastBatchAt, s.ClearSince = m.LastBatchAt, m.ClearSince
	if j := m.Evidence; j != nil {
		s.Devices, s.Findings, s.Gate, s.GateHash = j.Devices, j.Findings, []v1alpha1.GateRow{j.Row}, m.GateHash
		s.Decision.Verdict, s.Decision.EvidenceDigest = j.Row.Verdict, j.Digest
	}
	if m.Rollback != nil {
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
		return fact(PolicyNotReady, "PasskeyPolicy %q is suspended until its spec.suspend is false", name)
	case s.ObservedGeneration != w.Policy.Generation || s.PayloadHash == "":
		return fact(PolicyNotReady, "PasskeyPolicy %q is not reconciled yet", name)
	case !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionSettingsResolved):
		return fact(PolicyNotReady, "the settings of PasskeyPolicy %q are not resolved: its condition SettingsResolved says why", name)
	case applied == nil || applied.ObservedGeneration != w.Policy.Generation || applied.Status != metav1.ConditionTrue && applied.Reason != v1alpha1.ReasonAssigning:
		return fact(PolicyNotReady, "PasskeyPolicy %q is not in the tenant as it should be: its condition Applied says why", name)
	}
	return FactOf(PolicyReady, "")
}

// payload compares the payload of the attempt with the one of the policy.
func (w World) payload() Fact[PayloadState] {
	have, want := w.Wave.Status.PayloadHash, w.PayloadHash()
	switch {
	case have == "" || want == "":
		return FactOf(PayloadNotCompared, "")
	case have == want:
		return FactOf(PayloadSame, "")
	}
	return FactOf(PayloadChanged, fmt.Sprintf(
		"the settings of PasskeyPolicy %q changed: evidence for the old ones proves nothing about the new", w.Policy.Name))
}
