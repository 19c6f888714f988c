// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// begin puts a wave of a world into a reachable state.
func begin(n node, action v1alpha1.FailureAction) *world {
	w := newWorld(action)
	w.in.Phase, w.in.HeldPhase, w.in.HeldReason = n.phase, n.heldPhase, n.heldReason
	at := n.phase
	if at == held {
		at = n.heldPhase
	}
	switch at {
	case pending:
		return w
	case baking, evaluating, promoting, succeeded:
		w.batches = worldBatches
	default:
		if n.exposed {
			w.batches = 1
		}
	}
	w.attemptPayload, w.groupReady = w.payload, at != resolving
	w.in.Admission.State = AdmissionAdmitted
	if n.heldReason == v1alpha1.ReasonDeadlineExceeded && !n.exposed {
		w.in.Request = RequestRetry // nobody can report, so that only a person helps
	}
	return w
}

// eachStart visits every reachable state in which a wave is under way.
func eachStart(t *testing.T, visit func(t *testing.T, n node)) {
	t.Helper()
	for n := range reachable(t) {
		if !slices.Contains(terminal, n.phase) {
			visit(t, n)
		}
	}
}

// TestHealthyForEver: from every reachable state a wave with good devices succeeds, without a person, or finishes the
// rollback that it is in.
func TestHealthyForEver(t *testing.T) {
	eachStart(t, func(t *testing.T, n node) {
		w := begin(n, v1alpha1.FailureRollback)
		want := succeeded
		if n.phase == rollingBack {
			want, w.in.Rollback.State = rolledBack, RollbackVerified
		}
		w.run(t, 30, func(w *world) bool { return w.in.Phase == want })
		if want == succeeded && w.promotions[w.attempt] != 1 {
			t.Errorf("from %+v: promoted %d times", n, w.promotions[w.attempt])
		}
	})
}

// TestDegradedForEver: from every reachable state a wave with failing devices exposes at most the one batch without which
// nobody could know, comes to a halt, and returns all devices if it was told to.
func TestDegradedForEver(t *testing.T) {
	for action, want := range map[v1alpha1.FailureAction]v1alpha1.WavePhase{v1alpha1.FailureHold: halted, v1alpha1.FailureRollback: rolledBack} {
		eachStart(t, func(t *testing.T, n node) {
			if n.phase == rollingBack {
				return
			}
			w := begin(n, action)
			w.in.Evidence.State, w.in.Rollback.State = EvidenceHalt, RollbackVerified
			limit := 1
			if w.batches > 0 {
				limit = 0
			}
			w.run(t, 30, func(w *world) bool { return w.in.Phase == want })
			if w.exposures > limit {
				t.Errorf("from %+v: %d batches were exposed in spite of halt evidence", n, w.exposures)
			}
		})
	}
}

// TestSilentForEver: without data no wave is ever promoted, halted or rolled back; it waits for a person at the deadline.
func TestSilentForEver(t *testing.T) {
	eachStart(t, func(t *testing.T, n node) {
		if n.phase == rollingBack {
			return
		}
		w := begin(n, v1alpha1.FailureRollback)
		w.in.Evidence.State = EvidenceNoData
		w.run(t, 2*worldDeadline, func(w *world) bool {
			if slices.Contains(terminal, w.in.Phase) || w.in.Phase == rollingBack {
				t.Fatalf("from %+v: %s without data", n, w.in.Phase)
			}
			return w.in.Phase == held && w.in.HeldReason == v1alpha1.ReasonDeadlineExceeded
		})
	})
}

// TestPromise10_OutageCostsOnlyTime: telemetry that is gone for a while holds the wave, stops its clocks, and changes no
// outcome (gate F4).
func TestPromise10_OutageCostsOnlyTime(t *testing.T) {
	for _, state := range []TelemetryState{TelemetryStale, TelemetryMissing, TelemetryNotLoaded} {
		eachStart(t, func(t *testing.T, n node) {
			if n.phase == rollingBack || n.heldReason != "" {
				return
			}
			w := begin(n, v1alpha1.FailureRollback)
			w.in.Telemetry.State = state
			for range 3 * worldDeadline {
				w.step(false, false)
				if state != TelemetryNotLoaded { // a start is short
					w.tick()
				}
				if slices.Contains(terminal, w.in.Phase) {
					t.Fatalf("from %+v: %s without telemetry\n%s", n, w.in.Phase, w.tail(10))
				}
			}
			if w.in.Phase != pending && state != TelemetryNotLoaded && !w.frozen {
				t.Errorf("from %+v: the clocks run in an outage", n)
			}
			if w.exposures > 0 {
				t.Errorf("from %+v: devices were exposed without telemetry", n)
			}
			w.in.Telemetry.State = TelemetryFresh
			w.run(t, 30, func(w *world) bool { return w.in.Phase == succeeded })
		})
	}
}

// TestPromise03_RandomOrders lets person, policy controller, fleet, second administrator, clock and crashes act in random
// order, holds every invariant after every step, and wants a success once everybody is content again.
func TestPromise03_RandomOrders(t *testing.T) {
	const seeds, steps = 1000, 300
	visited := map[v1alpha1.WavePhase]int{}
	promoted := 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 11))
		action := []v1alpha1.FailureAction{v1alpha1.FailureHold, v1alpha1.FailureRollback}[seed%2]
		w := newWorld(action)
		for range steps {
			w.disturb(r)
			lost := r.IntN(20)
			in, d := w.step(lost == 0, lost <= 1)
			visited[d.Phase]++
			w.check(t, seed, in, d)
			w.tick()
		}
		w.appease()
		for range 60 {
			if w.in.Phase == succeeded {
				break
			}
			if slices.Contains(terminal, w.in.Phase) || w.in.HeldReason == v1alpha1.ReasonDeadlineExceeded {
				w.in.Request = RequestRetry
			}
			in, d := w.step(false, false)
			w.check(t, seed, in, d)
			w.tick()
		}
		if w.in.Phase != succeeded {
			t.Fatalf("seed %d: %s although everybody is content\n%s", seed, w.in.Phase, w.tail(30))
		}
		promoted += len(w.promotions)
	}
	for _, p := range everyPhase {
		if visited[p] == 0 {
			t.Errorf("the simulation never came to %s", p)
		}
	}
	t.Logf("%d promotions, steps by phase: %v", promoted, visited)
}

// check holds the invariants of one step and those of the history.
func (w *world) check(t *testing.T, seed uint64, in Input, d Decision) {
	t.Helper()
	for name, holds := range invariants {
		if !holds(&in, &d) {
			t.Fatalf("seed %d: broken: %s\n%+v\n%s", seed, name, in, w.tail(15))
		}
	}
	if n := w.promotions[w.attempt]; n > 1 {
		t.Fatalf("seed %d: attempt %d was promoted %d times\n%s", seed, w.attempt, n, w.tail(15))
	}
	if d.Effect == EffectPromote && (w.attemptPayload != w.payload || w.batches != worldBatches) {
		t.Fatalf("seed %d: promoted payload %d with %d batches, present is %d\n%s", seed, w.attemptPayload, w.batches, w.payload, w.tail(15))
	}
	if d.Effect == EffectExposeBatch && (w.attemptPayload != w.payload || !w.groupReady) {
		t.Fatalf("seed %d: exposed with an older payload or without a group\n%s", seed, w.tail(15))
	}
	if len(w.closed) != w.attempt-1 {
		t.Fatalf("seed %d: %d attempts closed, this is number %d\n%s", seed, len(w.closed), w.attempt, w.tail(15))
	}
}

// disturb lets one actor do one thing.
func (w *world) disturb(r *rand.Rand) {
	switch r.IntN(54) {
	case 0:
		w.in.Request = []Request{RequestAbort, RequestRollback}[r.IntN(2)]
	case 1, 2, 3:
		if w.in.Request == RequestNone {
			w.in.Request = RequestRetry
		}
	case 4:
		w.in.Paused = !w.in.Paused
	case 5, 6:
		w.in.Paused = false
	case 7:
		w.payload++
	case 8:
		w.in.Telemetry.State = []TelemetryState{TelemetryNotLoaded, TelemetryStale, TelemetryMissing}[r.IntN(3)]
	case 9, 10, 11:
		w.in.Telemetry.State = TelemetryFresh
	case 12:
		w.in.Evidence.State = []EvidenceState{EvidenceHalt, EvidenceConflict, EvidenceNoData, EvidenceNotApplicable}[r.IntN(4)]
	case 13, 14, 15, 16:
		w.in.Evidence.State = []EvidenceState{EvidenceWait, EvidencePass}[r.IntN(2)]
	case 17:
		w.in.Membership.State = MembershipDrifted
	case 18:
		w.in.Policy.State = []PolicyState{PolicyReady, PolicyNotReady, PolicyMissing}[r.IntN(3)]
	case 19:
		w.in.Dependencies.State = []DependencyState{DependenciesWaiting, DependenciesFailed, DependenciesMissing, DependenciesCycle}[r.IntN(4)]
	case 20, 21, 22:
		w.in.Policy.State, w.in.Dependencies.State = PolicyReady, DependenciesMet
	case 23:
		w.in.Audience = AudienceFact{FactOf(AudienceRefused, ""), audienceReasons[r.IntN(len(audienceReasons))]}
	case 24, 25:
		w.in.Audience = AudienceFact{Fact: FactOf(AudienceOK, "")}
	case 26:
		w.in.Exposure.State = []ExposureState{ExposureWaitInterval, ExposureTooManyUnreported}[r.IntN(2)]
	case 27, 28:
		w.in.Exposure.State = ExposureDue
	case 29:
		w.in.Rollback.State = []RollbackState{RollbackOverdue, RollbackVerified}[r.IntN(2)]
	case 31:
		w.in.Suspended = !w.in.Suspended
	case 32, 33:
		w.in.Suspended = false
	case 34:
		w.in.Ledger.State = []LedgerState{LedgerLost, LedgerAltered}[r.IntN(2)]
	case 35:
		w.in.Membership.State = MembershipGone
	case 36:
		w.in.Ledger.State, w.in.Membership.State = LedgerOK, MembershipInSync
	case 37:
		w.in.Exclusion.State = ExclusionDue
	case 38:
		w.in.Growing, w.in.Growth.State = true, GrowthDue
	case 48, 49:
		w.in.Earlier.State = []EarlierState{EarlierDrifted, EarlierGone, EarlierUntold, ""}[r.IntN(4)]
	case 50, 51:
		w.in.Earlier.State, w.in.OnlyReports = EarlierWhole, false
	case 52:
		w.in.OnlyReports = true
	case 30:
		w.in.OnFailure = []v1alpha1.FailureAction{v1alpha1.FailureHold, v1alpha1.FailureRollback}[r.IntN(2)]
	}
}

// appease makes everybody content.
func (w *world) appease() {
	calm := newWorld(v1alpha1.FailureHold)
	phase, heldPhase, heldReason, admission := w.in.Phase, w.in.HeldPhase, w.in.HeldReason, w.in.Admission
	w.in = calm.in
	w.in.Phase, w.in.HeldPhase, w.in.HeldReason, w.in.Admission = phase, heldPhase, heldReason, admission
	w.in.Rollback.State = RollbackVerified
}

// TestPromise09_FromEveryMomentOfARun asks for each safety verb before each step of a run from start to success.
func TestPromise09_FromEveryMomentOfARun(t *testing.T) {
	reference := newWorld(v1alpha1.FailureHold)
	reference.run(t, 60, func(w *world) bool { return w.in.Phase == succeeded })
	for verb, want := range map[Request]phases{RequestAbort: {aborted}, RequestRollback: {rollingBack, rolledBack}} {
		for moment := range len(reference.log) + 1 {
			w := newWorld(v1alpha1.FailureHold)
			for range moment {
				w.step(false, false)
				w.tick()
			}
			before := w.exposures
			w.in.Request, w.in.Paused = verb, moment%2 == 0
			w.step(false, false)
			if !slices.Contains(want, w.in.Phase) || (w.in.Phase == rollingBack) != (verb == RequestRollback && w.batches > 0) {
				t.Errorf("%s before step %d: %s, want one of %v", verb, moment, w.in.Phase, want)
			}
			for range 10 {
				w.tick()
				w.step(false, false)
			}
			if w.exposures != before {
				t.Errorf("%s before step %d: another batch was exposed", verb, moment)
			}
		}
	}
	if seen := maps.Collect(maps.All(reference.promotions)); seen[1] != 1 {
		t.Errorf("the reference run was promoted %v times", seen)
	}
}
