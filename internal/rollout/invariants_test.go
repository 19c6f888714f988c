// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// invariant is one statement about every situation and its decision. They come in pairs: what must not happen, and what
// must. A list of prohibitions alone is kept by a machine that never moves.
type invariant func(in *Input, d *Decision) bool

// implies is the form of an invariant: whenever a, then b.
func implies(a, b bool) bool { return !a || b }

// undisturbed: nothing that comes before the gate in the order of checks applies.
func undisturbed(in *Input) bool {
	return !in.Deleting && in.Request == RequestNone && !in.Paused
}

// judgeable: what evidence says now counts, for this payload.
func judgeable(in *Input) bool {
	return in.Telemetry.State == TelemetryFresh && in.Payload.State == PayloadSame
}

// calm: nothing in the evidence stops the wave.
func calm(in *Input) bool {
	return in.Evidence.State != EvidenceHalt && in.Evidence.State != EvidenceConflict
}

// open: policy and dependencies let the wave start, expand and promote.
func open(in *Input) bool {
	return in.Policy.State == PolicyReady && in.Dependencies.State == DependenciesMet
}

func isJudged(p v1alpha1.WavePhase) bool { return slices.Contains(judged, p) }

// proven: all that a promotion rests on.
func proven(in *Input) bool {
	return undisturbed(in) && judgeable(in) && open(in) && in.Evidence.State == EvidencePass && in.BakeElapsed &&
		in.Membership.State != MembershipDrifted
}

func safety(r Request) bool { return r == RequestAbort || r == RequestRollback }

// invariants hold in every situation.
var invariants = map[string]invariant{
	// P3
	"promotion only from a proven Pass": func(in *Input, d *Decision) bool {
		forward := d.Effect == EffectPromote || d.Phase == promoting && in.Phase != promoting || d.Phase == succeeded && in.Phase != succeeded
		retried := *in
		if in.Request == RequestRetry { // moot in these phases: it changes nothing
			retried.Request = RequestNone
		}
		return implies(forward, proven(&retried))
	},
	"a proven Pass promotes": func(in *Input, d *Decision) bool {
		return implies(in.Phase == evaluating && proven(in), d.Phase == promoting && d.Effect == EffectNone) &&
			implies(in.Phase == promoting && proven(in), d.Phase == succeeded && d.Effect == EffectPromote)
	},
	"promotion is recorded on the way from Promoting to Succeeded and nowhere else": func(in *Input, d *Decision) bool {
		return (d.Effect == EffectPromote) == (in.Phase == promoting && d.Phase == succeeded) &&
			implies(d.Phase == succeeded && in.Phase != succeeded, in.Phase == promoting)
	},
	"a lost Pass leaves Promoting": func(in *Input, d *Decision) bool {
		return implies(in.Phase == promoting && undisturbed(in) && in.Telemetry.State == TelemetryFresh && in.Evidence.State != EvidencePass,
			d.Phase == evaluating || d.Phase == held || d.Phase == halted || d.Phase == pending)
	},

	// P4
	"only halt evidence halts": func(in *Input, d *Decision) bool {
		return implies(d.Phase == halted && in.Phase != halted, in.Evidence.State == EvidenceHalt)
	},
	"only a halted wave or a person rolls back": func(in *Input, d *Decision) bool {
		begins := (d.Phase == rollingBack || d.Phase == rolledBack) && !slices.Contains(restrained, in.Phase)
		return implies(begins, in.Request == RequestRollback || in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback)
	},
	"a telemetry outage holds and freezes": func(in *Input, d *Decision) bool {
		out := in.Telemetry.State == TelemetryStale || in.Telemetry.State == TelemetryMissing
		return implies(isJudged(in.Phase) && undisturbed(in) && out && calm(in),
			d.Phase == held && d.Freeze && d.HeldReason == reasonTelemetry(in) && d.HeldReason == d.Reason)
	},
	"an outage during Held freezes": func(in *Input, d *Decision) bool {
		out := in.Telemetry.State == TelemetryStale || in.Telemetry.State == TelemetryMissing
		return implies(in.Phase == held && d.Phase == held && out, d.Freeze || in.Deleting)
	},
	"unknown telemetry moves nothing but the payload and a retreat": func(in *Input, d *Decision) bool {
		return implies(isJudged(in.Phase) && undisturbed(in) && in.Telemetry.State == TelemetryNotLoaded && in.Evidence.State == EvidenceNone,
			d.Phase == in.Phase && d.Effect == EffectNone && d.Reason == v1alpha1.ReasonInventoryNotLoaded && !d.Freeze)
	},
	"no data holds after the bake": func(in *Input, d *Decision) bool {
		return implies(in.Phase == evaluating && undisturbed(in) && judgeable(in) && in.Evidence.State == EvidenceNoData && in.BakeElapsed,
			d.Phase == held && d.HeldReason == map[bool]string{
				true: v1alpha1.ReasonDeadlineExceeded, false: v1alpha1.ReasonHeldNoData}[in.DeadlinePassed])
	},
	"no data is too early to hold before the bake is over": func(in *Input, d *Decision) bool {
		return implies((in.Phase == exposing || in.Phase == baking) && undisturbed(in) && judgeable(in) &&
			in.Evidence.State == EvidenceNoData && !in.DeadlinePassed, d.Phase != held)
	},

	// P9
	"abort acts from every phase at once": func(in *Input, d *Decision) bool {
		return implies(in.Request == RequestAbort && !in.Deleting, d.HandledRequest == RequestAbort &&
			(d.Phase == aborted || d.Phase == in.Phase && slices.Contains(restrained, in.Phase)))
	},
	"rollback acts from every phase at once": func(in *Input, d *Decision) bool {
		want := rolledBack
		if in.Exposed {
			want = rollingBack
		}
		if slices.Contains(restrained, in.Phase) {
			want = in.Phase
		}
		return implies(in.Request == RequestRollback && !in.Deleting, d.HandledRequest == RequestRollback && d.Phase == want)
	},
	"a safety request comes with no effect and no new attempt": func(in *Input, d *Decision) bool {
		return implies(safety(in.Request) && !in.Deleting, d.Effect == EffectNone && !d.NewAttempt)
	},
	"pause stops every effect and every step of a running wave": func(in *Input, d *Decision) bool {
		running := isJudged(in.Phase) || in.Phase == pending || in.Phase == resolving || in.Phase == held
		stands := d.Phase == in.Phase && d.Freeze && d.Reason == v1alpha1.ReasonPaused &&
			implies(in.Phase == held, d.HeldReason == in.HeldReason && d.HeldPhase == in.HeldPhase)
		return implies(in.Paused && !in.Deleting, d.Effect == EffectNone && implies(running && !safety(in.Request), stands))
	},
	"pause delays the rollback by the gate, and only that one": func(in *Input, d *Decision) bool {
		return implies(in.Phase == halted && in.Paused && in.Exposed && in.OnFailure == v1alpha1.FailureRollback && !safety(in.Request),
			d.Phase == halted) && implies(in.Phase == rollingBack && in.Rollback.State == RollbackVerified && !safety(in.Request) && !in.Deleting,
			d.Phase == rolledBack)
	},
	"deletion comes first and releases": func(in *Input, d *Decision) bool {
		return (d.Effect == EffectRelease) == in.Deleting && implies(in.Deleting, d.Phase == in.Phase && d.HandledRequest == RequestNone)
	},

	// retreat
	"halt evidence halts": func(in *Input, d *Decision) bool {
		return implies((isJudged(in.Phase) || in.Phase == held) && in.Evidence.State == EvidenceHalt && !in.Deleting && !in.Paused && !safety(in.Request),
			d.Phase == halted && d.Effect == EffectNone)
	},
	"a halted wave that shall roll back does": func(in *Input, d *Decision) bool {
		return implies(in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback && undisturbed(in) && in.Exposed, d.Phase == rollingBack)
	},
	"a halted wave that shall hold does": func(in *Input, d *Decision) bool {
		return implies(in.Phase == halted && in.OnFailure == v1alpha1.FailureHold && undisturbed(in) && in.Payload.State != PayloadChanged,
			d.Phase == halted && d.Effect == EffectNone)
	},
	"a targeting conflict holds": func(in *Input, d *Decision) bool {
		return implies(isJudged(in.Phase) && undisturbed(in) && in.Evidence.State == EvidenceConflict,
			d.Phase == held && d.HeldReason == v1alpha1.ReasonTargetingConflict)
	},
	"a rollback ends by proof or overdue, and never otherwise": func(in *Input, d *Decision) bool {
		return implies(in.Phase == rollingBack && undisturbed(in), d.Phase == map[RollbackState]v1alpha1.WavePhase{
			RollbackWaiting: rollingBack, RollbackVerified: rolledBack, RollbackOverdue: rollbackIncomplete}[in.Rollback.State])
	},

	// exposure
	"a batch goes out only from a wave in which nothing blocks": func(in *Input, d *Decision) bool {
		return implies(d.Effect == EffectExposeBatch, in.Phase == exposing && d.Phase == exposing && !in.Deleting && !in.Paused &&
			!safety(in.Request) && judgeable(in) && open(in) && in.Admission.State == AdmissionAdmitted &&
			in.Exposure.State == ExposureDue && in.Membership.State != MembershipDrifted &&
			in.Evidence.State != EvidenceHalt && in.Evidence.State != EvidenceConflict && (!in.DeadlinePassed || in.Evidence.State == EvidencePass))
	},
	"a due batch goes out when nothing blocks": func(in *Input, d *Decision) bool {
		return implies(in.Phase == exposing && undisturbed(in) && judgeable(in) && open(in) && in.Admission.State == AdmissionAdmitted &&
			in.Exposure.State == ExposureDue && in.Membership.State != MembershipDrifted && in.Evidence.State != EvidenceHalt &&
			in.Evidence.State != EvidenceConflict && !in.DeadlinePassed, d.Effect == EffectExposeBatch)
	},
	"the audience is resolved only in Resolving, from fresh telemetry": func(in *Input, d *Decision) bool {
		return implies(d.Effect == EffectResolveAudience, in.Phase == resolving && !in.Paused && open(in) &&
			in.Telemetry.State == TelemetryFresh && in.Audience.State == AudienceUnresolved)
	},
	"an unresolved audience is resolved when nothing blocks": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && undisturbed(in) && judgeable(in) && open(in) && in.Audience.State == AudienceUnresolved,
			d.Effect == EffectResolveAudience)
	},
	"a refused audience holds before any assignment": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && undisturbed(in) && judgeable(in) && open(in) && in.Audience.State == AudienceRefused,
			d.Phase == held && d.HeldPhase == resolving && d.HeldReason == reasonAudience(in))
	},
	"exposure begins only with an accepted audience": func(in *Input, d *Decision) bool {
		return implies(in.Phase == resolving && d.Phase == exposing, in.Audience.State == AudienceOK)
	},
	"a drifted group is repaired in the phases that rely on it, and no other": func(in *Input, d *Decision) bool {
		relies := in.Phase == succeeded || in.Phase == baking && in.BakeElapsed ||
			in.Phase == exposing && in.Admission.State == AdmissionAdmitted && open(in)
		return implies(d.Effect == EffectRepairMembership, in.Membership.State == MembershipDrifted && !in.Paused) &&
			implies(relies && undisturbed(in) && judgeable(in) && in.Membership.State == MembershipDrifted && !in.DeadlinePassed &&
				in.Evidence.State != EvidenceHalt && in.Evidence.State != EvidenceConflict,
				d.Effect == EffectRepairMembership && d.Phase == in.Phase)
	},
	"devices of an earlier attempt are drained in Pending, and nowhere else": func(in *Input, d *Decision) bool {
		return implies(d.Effect == EffectDrain, in.Phase == pending && in.Exposed && !in.Paused) &&
			implies(in.Phase == pending && undisturbed(in) && in.Exposed, d.Effect == EffectDrain && d.Phase == pending) &&
			implies(in.Phase == pending && d.Phase == resolving, !in.Exposed && open(in))
	},

	"the bake begins when every device is exposed, and only then": func(in *Input, d *Decision) bool {
		ready := undisturbed(in) && judgeable(in) && calm(in) && !in.DeadlinePassed && in.Admission.State == AdmissionAdmitted &&
			in.Membership.State != MembershipDrifted
		return implies(in.Phase == exposing && d.Phase == baking, in.Exposure.State == ExposureComplete) &&
			implies(in.Phase == exposing && ready && in.Exposure.State == ExposureComplete, d.Phase == baking)
	},
	"the evidence is judged after the bake, and only then": func(in *Input, d *Decision) bool {
		ready := undisturbed(in) && judgeable(in) && calm(in) && !in.DeadlinePassed && in.Membership.State != MembershipDrifted
		return implies(in.Phase == baking && ready, (d.Phase == evaluating) == in.BakeElapsed) &&
			implies(in.Phase == evaluating && ready && !in.BakeElapsed, d.Phase == baking) &&
			implies(in.Phase == baking && d.Phase == evaluating, in.BakeElapsed)
	},
	"an outage in Resolving freezes": func(in *Input, d *Decision) bool {
		out := in.Telemetry.State == TelemetryStale || in.Telemetry.State == TelemetryMissing
		return implies(in.Phase == resolving && undisturbed(in) && in.Payload.State != PayloadChanged && open(in) && out,
			d.Phase == resolving && d.Freeze && d.Effect == EffectNone && d.Reason == reasonTelemetry(in))
	},

	// attempts
	"a changed payload closes the attempt": func(in *Input, d *Decision) bool {
		fresh := !isJudged(in.Phase) || in.Telemetry.State == TelemetryFresh
		exempt := in.Phase == pending || in.Phase == rollingBack || in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback ||
			in.Phase == rollbackIncomplete && in.Rollback.State == RollbackVerified
		return implies(in.Payload.State == PayloadChanged && undisturbed(in) && fresh && calm(in) && !exempt,
			d.Phase == pending && d.NewAttempt && d.CloseAttempt == OutcomeSuperseded)
	},
	"an attempt ends by a changed payload or a retry, and never by itself": func(in *Input, d *Decision) bool {
		return d.NewAttempt == (d.CloseAttempt != "") && d.NewAttempt == (in.Phase != pending && d.Phase == pending) &&
			implies(d.NewAttempt, in.Payload.State == PayloadChanged || d.HandledRequest == RequestRetry && in.Request == RequestRetry) &&
			implies(d.NewAttempt && in.Payload.State != PayloadChanged, slices.Contains(retryable, in.Phase)) &&
			implies(d.NewAttempt, d.Effect == EffectNone)
	},
	"a retry starts an attempt where there is something to retry, and is answered elsewhere": func(in *Input, d *Decision) bool {
		if in.Request != RequestRetry || in.Deleting {
			return true
		}
		if !slices.Contains(retryable, in.Phase) {
			same := *in
			same.Request = RequestNone
			was := Decide(same)
			return d.HandledRequest == RequestRetry && d.Phase == was.Phase && d.Effect == was.Effect && d.Reason == was.Reason
		}
		later := in.Phase == held && (in.Paused || in.Evidence.State == EvidenceHalt) ||
			in.Phase == halted && in.OnFailure == v1alpha1.FailureRollback ||
			in.Phase == rollbackIncomplete && in.Rollback.State == RollbackVerified
		return later == !d.NewAttempt && later == (d.HandledRequest == RequestNone)
	},
	"only the request that is there is handled": func(in *Input, d *Decision) bool {
		return d.HandledRequest == RequestNone || d.HandledRequest == in.Request
	},

	// Held
	"Held knows why and where from, and no other phase does": func(in *Input, d *Decision) bool {
		if d.Phase != held {
			return d.HeldPhase == "" && d.HeldReason == ""
		}
		return slices.Contains(resumable, d.HeldPhase) && implies(in.Phase != held, d.HeldReason != "" && d.HeldReason == d.Reason) &&
			implies(in.Phase == held, d.HeldPhase == in.HeldPhase)
	},
	"Held ends where it began, and only when its cause is gone": func(in *Input, d *Decision) bool {
		resumes := in.Phase == held && slices.Contains(resumable, d.Phase)
		gone := in.Clear == ClearTwice && in.HeldReason != v1alpha1.ReasonDeadlineExceeded ||
			in.HeldReason == v1alpha1.ReasonDeadlineExceeded && in.Evidence.State == EvidencePass
		return implies(resumes, d.Phase == in.HeldPhase && d.Effect == EffectNone && d.Reason == v1alpha1.ReasonHeldCauseCleared) &&
			implies(resumes && in.HeldPhase == resolving, in.Audience.State == AudienceOK) &&
			implies(resumes && in.HeldPhase != resolving, gone && in.Telemetry.State == TelemetryFresh)
	},
	"Held ends when its cause is gone": func(in *Input, d *Decision) bool {
		ready := undisturbed(in) && in.Phase == held && judgeable(in) && !in.DeadlinePassed
		good := in.Evidence.State == EvidenceWait || in.Evidence.State == EvidencePass
		return implies(ready && good && in.HeldPhase != resolving && in.HeldReason != v1alpha1.ReasonDeadlineExceeded && in.Clear == ClearTwice,
			d.Phase == in.HeldPhase) &&
			implies(ready && in.HeldPhase != resolving && in.HeldReason == v1alpha1.ReasonDeadlineExceeded && in.Evidence.State == EvidencePass,
				d.Phase == in.HeldPhase) &&
			implies(ready && in.HeldPhase == resolving && in.Audience.State == AudienceOK && in.Evidence.State != EvidenceHalt, d.Phase == resolving)
	},
	"a wave past its deadline waits for a person": func(in *Input, d *Decision) bool {
		missed := undisturbed(in) && judgeable(in) && in.DeadlinePassed && in.Evidence.State != EvidencePass &&
			in.Evidence.State != EvidenceHalt && in.Evidence.State != EvidenceConflict
		stuck := d.Phase == held && d.HeldReason == v1alpha1.ReasonDeadlineExceeded
		outage := slices.Contains(outages, in.HeldReason)
		return implies(missed && isJudged(in.Phase), stuck) &&
			implies(missed && in.Phase == held && in.HeldPhase != resolving && !outage, stuck)
	},

	// clocks
	"clocks stand still in a pause or an outage, and never otherwise": func(in *Input, d *Decision) bool {
		out := in.Telemetry.State == TelemetryStale || in.Telemetry.State == TelemetryMissing ||
			in.Phase == held && slices.Contains(outages, in.HeldReason)
		return implies(d.Freeze, in.Paused || out)
	},

	// the graph, written down by hand a second time
	"only these steps": func(in *Input, d *Decision) bool {
		return d.Phase == in.Phase || slices.Contains(steps[in.Phase], d.Phase)
	},
}

// steps are the changes of phase that the design allows; a second, independent statement of the table.
var steps = map[v1alpha1.WavePhase]phases{
	pending:            {resolving, aborted, rollingBack, rolledBack},
	resolving:          {exposing, held, pending, aborted, rollingBack, rolledBack},
	exposing:           {baking, held, halted, pending, aborted, rollingBack, rolledBack},
	baking:             {evaluating, held, halted, pending, aborted, rollingBack, rolledBack},
	evaluating:         {promoting, baking, held, halted, pending, aborted, rollingBack, rolledBack},
	promoting:          {succeeded, evaluating, held, halted, pending, aborted, rollingBack, rolledBack},
	succeeded:          {pending, aborted, rollingBack, rolledBack},
	held:               {resolving, exposing, baking, evaluating, halted, pending, aborted, rollingBack, rolledBack},
	halted:             {rollingBack, rolledBack, pending, aborted},
	rollingBack:        {rolledBack, rollbackIncomplete},
	rolledBack:         {pending},
	rollbackIncomplete: {rolledBack, pending},
	aborted:            {pending, rollingBack, rolledBack},
}

// mustHold fails for each of the named invariants that has a counterexample.
func mustHold(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := invariants[name]; !ok {
			t.Errorf("no invariant %q", name)
		}
		if example, ok := walked().broken[name]; ok {
			t.Errorf("broken: %s\n%s", name, example)
		}
	}
}

func TestPromise03_PromotedOnceAndOnlyFromAPass(t *testing.T) {
	mustHold(t,
		"promotion only from a proven Pass",
		"a proven Pass promotes",
		"promotion is recorded on the way from Promoting to Succeeded and nowhere else",
		"a lost Pass leaves Promoting",
	)
}

func TestPromise04_UnknownIsNeitherPassNorFailure(t *testing.T) {
	mustHold(t,
		"only halt evidence halts",
		"only a halted wave or a person rolls back",
		"a telemetry outage holds and freezes",
		"an outage during Held freezes",
		"unknown telemetry moves nothing but the payload and a retreat",
		"no data holds after the bake",
		"no data is too early to hold before the bake is over",
	)
}

func TestPromise09_SafetyVerbsActFromEveryPhase(t *testing.T) {
	mustHold(t,
		"abort acts from every phase at once",
		"rollback acts from every phase at once",
		"a safety request comes with no effect and no new attempt",
		"pause stops every effect and every step of a running wave",
		"pause delays the rollback by the gate, and only that one",
	)
}

func TestPromise07_DeletionComesFirst(t *testing.T) {
	mustHold(t, "deletion comes first and releases")
}

// TestInvariants holds all of them, so that none is forgotten.
func TestInvariants(t *testing.T) {
	t.Logf("%d situations, %d invariants", walked().situations, len(invariants))
	for name := range invariants {
		t.Run(name, func(t *testing.T) { mustHold(t, name) })
	}
}
