// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// idle is how long a wave that waits for nothing in particular rests before it looks again. Changes of what it depends on
// wake it earlier.
const idle = 15 * time.Minute

// input reduces the world to what Decide takes, and writes what was measured on the way into the status.
func (r *waveRun) input() (rollout.Input, error) {
	s := &r.before.Status
	in := rollout.Input{
		Phase: s.Phase, HeldPhase: s.HeldPhase, HeldReason: s.HeldReason,
		Deleting: !r.before.DeletionTimestamp.IsZero(), Request: rollout.Requested(r.before),
		Paused: r.before.Spec.Paused || r.policy != nil && r.policy.Spec.Paused,
		Policy: r.policyState(), Payload: r.payload(), Audience: r.audience(), Admission: r.admission(),
		Exposed: r.exposed(), Membership: r.membership(), Telemetry: r.telemetry(),
		BakeElapsed: r.timing.BakeElapsed, DeadlinePassed: r.timing.DeadlinePassed, OnFailure: r.before.Spec.OnFailure.Action,
	}
	if r.refused != nil && in.HeldPhase == v1alpha1.PhaseResolving {
		in.HeldReason = r.refused.Reason // the audience was edited, and is wrong in another way now
	}
	in.Dependencies, r.soakUntil = rollout.Depend(r.before, r.siblings, r.payloadHash(), r.now)
	if err := r.judge(&in); err != nil {
		return in, err
	}
	r.rollback(&in)
	var asOf time.Time
	if r.inventory != nil {
		asOf = r.inventory.AsOf
	}
	in.Clear, r.after.Status.ClearSince = rollout.Clearance(&in, s.ClearSince, asOf)
	return in, nil
}

func (r *waveRun) payload() rollout.Fact[rollout.PayloadState] {
	have, want := r.before.Status.PayloadHash, r.payloadHash()
	switch {
	case have == "" || want == "":
		return rollout.Fact[rollout.PayloadState]{}
	case have == want:
		return rollout.Fact[rollout.PayloadState]{State: rollout.PayloadSame}
	}
	return rollout.Fact[rollout.PayloadState]{State: rollout.PayloadChanged, Message: fmt.Sprintf(
		"the settings of PasskeyPolicy %q changed: evidence for the old ones proves nothing about the new", r.policy.Name)}
}

func (r *waveRun) audience() rollout.AudienceFact {
	f := rollout.AudienceFact{}
	switch {
	case r.refused != nil:
		f.State, f.Reason, f.Message = rollout.AudienceRefused, r.refused.Reason, r.refused.Message
	case r.before.Status.Phase == v1alpha1.PhaseHeld && r.candidates != nil, r.frozen():
		f.State = rollout.AudienceOK
	}
	return f
}

// frozen says whether this attempt's audience is in the ledger and its group exists.
func (r *waveRun) frozen() bool {
	a := r.before.Status.Audience
	return a != nil && a.GroupID != "" && r.ledger != nil && r.ledger.Attempt == r.before.Status.Attempt
}

func (r *waveRun) admission() rollout.Fact[rollout.AdmissionState] {
	if r.policy == nil {
		return rollout.Fact[rollout.AdmissionState]{}
	}
	a := admissionOf(&r.policy.Status, r.before)
	if a == nil || a.GroupID != r.groupID() {
		return rollout.Fact[rollout.AdmissionState]{}
	}
	return rollout.Fact[rollout.AdmissionState]{State: rollout.AdmissionState(a.State)}
}

// exposed says whether a device is, or may be, in the managed group. An empty list says nothing as long as it may not show
// the last batch: a rollback that believed it would take nothing back.
func (r *waveRun) exposed() bool {
	switch {
	case r.groupID() == "":
		return false
	case len(r.members) > 0:
		return true
	case r.ledger == nil || len(r.ledger.Exposed()) == 0:
		return false
	}
	return r.members == nil || r.now.Sub(r.ledger.LastExposedAt()) < observe.MemberLag
}

// membership compares the managed group with the ledger.
func (r *waveRun) membership() rollout.Fact[rollout.MembershipState] {
	if r.members == nil || !r.frozen() {
		return rollout.Fact[rollout.MembershipState]{}
	}
	if r.groupGone {
		return rollout.Fact[rollout.MembershipState]{State: rollout.MembershipDrifted, Message: fmt.Sprintf(
			"the wave's group %s was deleted in the tenant: restore it from the deleted groups, or request a retry once it is purged", r.groupID())}
	}
	missing, extra := r.memberDrift()
	if len(missing)+len(extra) == 0 {
		return rollout.Fact[rollout.MembershipState]{State: rollout.MembershipInSync}
	}
	return rollout.Fact[rollout.MembershipState]{State: rollout.MembershipDrifted, Message: fmt.Sprintf(
		"group %s lacks %d exposed devices and has %d members that this wave did not expose", r.groupID(), len(missing), len(extra))}
}

// memberDrift is where the group and the ledger differ. A device that was exposed just now is not missing: the list of
// members may not show it yet. Neither is one that the directory no longer has: nobody can put it back.
func (r *waveRun) memberDrift() (missing, extra []audience.ID) {
	exposed := map[audience.ID]bool{}
	for _, e := range r.ledger.Exposed() {
		exposed[e.ID] = true
		if !r.members[e.ID] && r.now.Sub(e.AskedAt.Time()) >= observe.MemberLag && r.exists(e.ID) {
			missing = append(missing, e.ID)
		}
	}
	for id := range r.members {
		if !exposed[id] {
			extra = append(extra, id)
		}
	}
	slices.SortFunc(extra, audience.ID.Compare)
	return missing, extra
}

// exists says whether the directory has a device, as of the newest reading of the fleet; without one it is believed to.
func (r *waveRun) exists(id audience.ID) bool {
	if r.inventory == nil {
		return true
	}
	_, known := r.inventory.Device(id)
	return known
}

// telemetry says whether the fleet was read recently enough to decide on (P4).
func (r *waveRun) telemetry() rollout.Fact[rollout.TelemetryState] {
	gate := &r.before.Spec.Gate
	fact := func(s rollout.TelemetryState, format string, args ...any) rollout.Fact[rollout.TelemetryState] {
		return rollout.Fact[rollout.TelemetryState]{State: s, Message: fmt.Sprintf(format, args...)}
	}
	asOf := time.Time{}
	if r.tenant != nil && r.tenant.Status.Inventory != nil {
		asOf = r.tenant.Status.Inventory.AsOf.Time
	}
	if r.inventory != nil {
		asOf = r.inventory.AsOf
	}
	switch {
	case r.tenant == nil:
		return fact(rollout.TelemetryMissing, "the Tenant of the policy does not exist")
	case asOf.IsZero():
		return fact(rollout.TelemetryNotLoaded, "Tenant %q has not read the fleet yet: its conditions say why", r.tenant.Name)
	case !rollout.Fresh(asOf, r.now, gate):
		return fact(rollout.TelemetryStale, "the fleet was last read at %s, longer ago than gate.maxTelemetryAge %s: see the conditions of Tenant %q",
			asOf.UTC().Format(time.RFC3339), gate.MaxTelemetryAge.Duration, r.tenant.Name)
	case r.inventory == nil || r.policy != nil && slices.ContainsFunc(r.objects(v1alpha1.RoleAllow), func(id string) bool { return !r.inventory.HasStatuses(id) }):
		return fact(rollout.TelemetryNotLoaded, "the operator has not read the fleet since it started or since the policy was written")
	}
	return fact(rollout.TelemetryFresh, "")
}

// judge diagnoses the devices, evaluates the gate and derives the exposure.
func (r *waveRun) judge(in *rollout.Input) error {
	if !r.frozen() || r.policy == nil || r.inventory == nil {
		if _, err := rollout.GateSpec(&r.before.Spec.Gate); err != nil {
			return err
		}
		return nil
	}
	allow := r.objects(v1alpha1.RoleAllow)
	c := rollout.Case{
		Spec: &r.before.Spec, Ledger: r.ledger, Rules: r.rules(),
		Facts: func(id audience.ID) diagnosis.Facts { return r.inventory.Facts(id, allow...) },
	}
	if len(r.before.Status.Gate) > 0 {
		c.Look = r.before.Status.Gate[0].Look
	}
	j, err := rollout.Judge(c)
	if err != nil {
		return err
	}
	s := &r.after.Status
	in.Evidence = rollout.Fact[rollout.EvidenceState]{State: j.State, Message: j.Message}
	s.Devices, s.Findings = j.Devices, j.Findings
	s.Gate, s.GateHash = []v1alpha1.GateRow{j.Row}, rollout.GateHash(&r.before.Spec.Gate)
	s.Decision.Verdict, s.Decision.EvidenceDigest = j.Row.Verdict, j.Digest
	in.Exposure = r.exposure(j.Unreported)
	return nil
}

func (r *waveRun) exposure(unreported int) rollout.Fact[rollout.ExposureState] {
	e := &r.before.Spec.Exposure
	most := 2 * int(e.BatchSize)
	if e.MaxUnreported != nil {
		most = int(*e.MaxUnreported)
	}
	pending := len(r.ledger.Pending())
	fact := func(s rollout.ExposureState, format string, args ...any) rollout.Fact[rollout.ExposureState] {
		return rollout.Fact[rollout.ExposureState]{State: s, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case pending == 0:
		return fact(rollout.ExposureComplete, "all %d devices are exposed", len(r.ledger.Entries))
	case !r.timing.BatchDue:
		return fact(rollout.ExposureWaitInterval, "the next batch of at most %d of %d devices goes out at %s", e.BatchSize, pending, status.Time(r.timing.NextBatchAt))
	case unreported > most:
		return fact(rollout.ExposureTooManyUnreported, "%d exposed devices have not reported, exposure.maxUnreported allows %d; %d devices are left to expose", unreported, most, pending)
	}
	return fact(rollout.ExposureDue, "%d of %d devices go out now", min(int(e.BatchSize), pending), pending)
}

// rollback measures how far a rollback is proven.
func (r *waveRun) rollback(in *rollout.Input) {
	s := &r.before.Status
	if s.Clocks.RollbackStartedAt == nil || r.ledger == nil || r.inventory == nil || r.policy == nil {
		return
	}
	hold := r.objects(v1alpha1.RoleHold)
	var devices []rollout.Reverted
	for _, e := range r.ledger.Exposed() {
		f := r.inventory.Facts(e.ID, hold...)
		devices = append(devices, rollout.Reverted{LastSync: f.LastSync, Inverse: f.Report})
	}
	fact, proof := rollout.ProveRollback(r.before.Spec.OnFailure.Rollback, devices, s.Clocks.RollbackStartedAt.Time, r.timing.RollbackOverdue)
	in.Rollback, r.after.Status.Rollback = fact, &proof
}

// waveConditions are the conditions of a wave beside Ready, Reconciling and Stalled.
func waveConditions(in rollout.Input, s *v1alpha1.PilotWaveStatus) []metav1.Condition {
	out := []metav1.Condition{
		status.Condition(v1alpha1.ConditionDependenciesMet, in.Dependencies.State == rollout.DependenciesMet, dependencyReason(in), orDone(in.Dependencies.Message, "every wave in spec.dependsOn has succeeded")),
		status.Condition(v1alpha1.ConditionAudienceResolved, s.Audience != nil, audienceReason(in, s), audienceMessage(in, s)),
		status.Condition(v1alpha1.ConditionTelemetryFresh, in.Telemetry.State == rollout.TelemetryFresh, telemetryReason(in), orDone(in.Telemetry.Message, "the fleet was read within gate.maxTelemetryAge")),
	}
	if len(s.Gate) > 0 {
		reason := v1alpha1.ReasonGateWaiting
		if in.Evidence.State == rollout.EvidencePass {
			reason = v1alpha1.ReasonGatePassed
		}
		out = append(out, status.Condition(v1alpha1.ConditionGatePassed, in.Evidence.State == rollout.EvidencePass, reason, in.Evidence.Message))
	}
	if in.Paused {
		out = append(out, status.Condition(v1alpha1.ConditionPaused, true, v1alpha1.ReasonPaused, "spec.paused of the wave or of its policy is true"))
	}
	return out
}

func dependencyReason(in rollout.Input) string {
	switch in.Dependencies.State {
	case rollout.DependenciesMet:
		return v1alpha1.ReasonDependenciesMet
	case rollout.DependenciesMissing:
		return v1alpha1.ReasonDependencyMissing
	case rollout.DependenciesCycle:
		return v1alpha1.ReasonDependencyCycle
	case rollout.DependenciesFailed:
		return v1alpha1.ReasonDependencyFailed
	}
	return v1alpha1.ReasonWaitingForDependency
}

func audienceReason(in rollout.Input, s *v1alpha1.PilotWaveStatus) string {
	switch {
	case s.Audience != nil:
		return v1alpha1.ReasonAudienceResolved
	case in.Audience.State == rollout.AudienceRefused:
		return in.Audience.Reason
	}
	return v1alpha1.ReasonResolvingAudience
}

func audienceMessage(in rollout.Input, s *v1alpha1.PilotWaveStatus) string {
	switch {
	case s.Audience != nil:
		return fmt.Sprintf("%d devices targeted, %d eligible", s.Audience.Targeted, s.Audience.Eligible)
	case in.Audience.State == rollout.AudienceRefused:
		return in.Audience.Message
	}
	return "not resolved yet"
}

func telemetryReason(in rollout.Input) string {
	switch in.Telemetry.State {
	case rollout.TelemetryFresh:
		return v1alpha1.ReasonTelemetryFresh
	case rollout.TelemetryStale:
		return v1alpha1.ReasonTelemetryStale
	case rollout.TelemetryMissing:
		return v1alpha1.ReasonTelemetryMissing
	}
	return v1alpha1.ReasonInventoryNotLoaded
}

func orDone(text, otherwise string) string {
	if strings.TrimSpace(text) == "" {
		return otherwise
	}
	return text
}

// nextText is what a person waits for, for the table view.
func (r *waveRun) nextText() string {
	s := &r.after.Status
	t := rollout.Time(&r.after.Spec, s.Clocks, r.now)
	switch s.Phase {
	case v1alpha1.PhasePending:
		if !r.soakUntil.IsZero() {
			return status.Time(r.soakUntil)
		}
	case v1alpha1.PhaseExposing:
		if !t.NextBatchAt.IsZero() {
			return status.Time(t.NextBatchAt)
		}
	case v1alpha1.PhaseBaking:
		return status.Time(t.BakeUntil)
	case v1alpha1.PhaseEvaluating:
		if len(s.Gate) > 0 && s.Gate[0].NextLookAt > 0 {
			return fmt.Sprintf("at %d reports", s.Gate[0].NextLookAt)
		}
		return "next report"
	case v1alpha1.PhaseRollingBack:
		return status.Time(t.RollbackUntil)
	}
	return ""
}

// wait is how long nothing can change by time alone.
func (r *waveRun) wait() time.Duration {
	s := &r.after.Status
	t := rollout.Time(&r.after.Spec, s.Clocks, r.now)
	wait := idle
	if s.Phase == v1alpha1.PhaseSucceeded && r.policy != nil {
		wait = max(idle, r.policy.Spec.Interval.Duration) // nothing is due: only drift is looked for
	}
	for _, at := range []time.Time{t.NextBatchAt, t.BakeUntil, t.DeadlineAt, t.RollbackUntil, r.soakUntil} {
		if d := at.Sub(r.now); d > 0 && d < wait {
			wait = d
		}
	}
	return wait
}
