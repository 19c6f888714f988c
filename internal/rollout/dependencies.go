// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Depend sums up the dependencies of a wave. waves are all waves of the policy, target what they should have proven: a success
// on an earlier revision does not count (P3), unless restartFrom is EarliestIncomplete. Then a wave that had succeeded before
// counts for those that had not, and comes itself after all of them, in the order of its own dependencies. next is when a soak
// time ends, zero if none is running.
func Depend(w *v1alpha1.PilotWave, waves []v1alpha1.PilotWave, target Target, restart v1alpha1.RestartFrom, now time.Time) (d Fact[DependencyState], next time.Time) {
	byName := wavesByName(waves)
	if path := cycle(w, byName); path != nil {
		return Fact[DependencyState]{State: DependenciesCycle, Message: fmt.Sprintf("spec.dependsOn forms a cycle: %s; remove one of these dependencies", strings.Join(path, " → "))}, next
	}
	d.State = DependenciesMet
	anew := restart == v1alpha1.RestartEarliestIncomplete && provenBefore(&w.Status, target)
	early := restart == v1alpha1.RestartEarliestIncomplete && !anew
	for _, dep := range w.Spec.DependsOn {
		o := byName[dep.Name]
		if early && o != nil && provenBefore(&o.Status, target) && !stoppedForGood(o.Status.Phase) && !hasRegressed(&o.Status, target.Revision) {
			continue
		}
		state, message, until := dependency(dep, o, w.Spec.PolicyRef.Name, target, now)
		if rank(state) > rank(d.State) {
			d = Fact[DependencyState]{State: state, Message: message}
		}
		if until.After(next) {
			next = until
		}
	}
	if failed := regressedBefore(w, byName, target); rank(d.State) < rank(failed.State) {
		return failed, next
	}
	if d.State == DependenciesMet && anew {
		d = incomplete(w, waves, target)
	}
	return d, next
}

// regressedBefore says that a wave which comes first, at any distance, regressed on the revision after its promotion.
func regressedBefore(w *v1alpha1.PilotWave, byName map[string]*v1alpha1.PilotWave, target Target) Fact[DependencyState] {
	o := comesBefore(w, byName, func(o *v1alpha1.PilotWave) bool { return hasRegressed(&o.Status, target.Revision) })
	if o == nil {
		return Fact[DependencyState]{State: DependenciesMet}
	}
	return Fact[DependencyState]{State: DependenciesFailed, Message: fmt.Sprintf(
		"wave %q, which comes first, regressed after its promotion and has not proven the payload anew: see its conditions", o.Name)}
}

func wavesByName(waves []v1alpha1.PilotWave) map[string]*v1alpha1.PilotWave {
	out := make(map[string]*v1alpha1.PilotWave, len(waves))
	for i := range waves {
		out[waves[i].Name] = &waves[i]
	}
	return out
}

// provenBefore says that the wave had succeeded on an earlier revision and stands for it, so that under EarliestIncomplete it
// does not have to come first.
func provenBefore(s *v1alpha1.PilotWaveStatus, target Target) bool {
	return slices.ContainsFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool {
		return a.Revision < target.Revision && stands(&a)
	})
}

// incomplete lets a wave that had succeeded before wait for those that had not.
func incomplete(w *v1alpha1.PilotWave, waves []v1alpha1.PilotWave, target Target) Fact[DependencyState] {
	for i := range waves {
		o := &waves[i]
		done := o.Status.Phase == v1alpha1.PhaseSucceeded && o.Status.Revision == target.Revision && Regressed(&o.Status) == nil
		if o.UID == w.UID || provenBefore(&o.Status, target) || done {
			continue
		}
		return Fact[DependencyState]{State: DependenciesWaiting, Message: fmt.Sprintf(
			"spec.restartFrom of the policy is EarliestIncomplete: wave %q, which had not succeeded before, takes the new payload first", o.Name)}
	}
	return Fact[DependencyState]{State: DependenciesMet}
}

// rank orders the states by how much a person has to do about them.
func rank(s DependencyState) int {
	return slices.Index([]DependencyState{DependenciesMet, DependenciesWaiting, DependenciesFailed, DependenciesMissing}, s)
}

func dependency(dep v1alpha1.WaveDependency, w *v1alpha1.PilotWave, policy string, target Target, now time.Time) (DependencyState, string, time.Time) {
	var never time.Time
	if w == nil {
		return DependenciesMissing, fmt.Sprintf("spec.dependsOn names wave %q, which policy %q does not have: create it or correct the name", dep.Name, policy), never
	}
	switch w.Status.Phase { //nolint:exhaustive // neither ended badly nor succeeded: it is waited for, also without a phase
	case v1alpha1.PhaseHalted, v1alpha1.PhaseAborted, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete:
		return DependenciesFailed, fmt.Sprintf("wave %q, which must succeed first, is %s: %s", dep.Name, w.Status.Phase, w.Status.Decision.Message), never
	case v1alpha1.PhaseSucceeded:
	default:
		return DependenciesWaiting, fmt.Sprintf("wave %q, which must succeed first, is %s", dep.Name, orPending(w.Status.Phase)), never
	}
	if w.Status.Revision != target.Revision {
		return DependenciesWaiting, fmt.Sprintf("wave %q succeeded with revision %d and has to prove revision %d first", dep.Name, w.Status.Revision, target.Revision), never
	}
	if w.Status.Clocks.SucceededAt != nil {
		until := w.Status.Clocks.SucceededAt.Add(dep.MinSoak.Duration)
		if now.Before(until) {
			return DependenciesWaiting, fmt.Sprintf("wave %q succeeded and soaks until %s", dep.Name, until.UTC().Format(time.RFC3339)), until
		}
	}
	return DependenciesMet, "", never
}

// stoppedForGood are the phases that only a person leaves.
func stoppedForGood(p v1alpha1.WavePhase) bool {
	return slices.Contains(halting, p) || slices.Contains(restrained, p)
}

func orPending(p v1alpha1.WavePhase) v1alpha1.WavePhase {
	if p == "" {
		return v1alpha1.PhasePending
	}
	return p
}

// cycle finds a way from w back to itself and names the waves on it, the first one again at the end; nil when there is none.
func cycle(w *v1alpha1.PilotWave, byName map[string]*v1alpha1.PilotWave) []string {
	seen := map[string]bool{}
	var walk func(at *v1alpha1.PilotWave, path []string) []string
	walk = func(at *v1alpha1.PilotWave, path []string) []string {
		for _, dep := range at.Spec.DependsOn {
			if dep.Name == w.Name {
				return append(path, w.Name)
			}
			next := byName[dep.Name]
			if next == nil || seen[dep.Name] {
				continue
			}
			seen[dep.Name] = true
			if found := walk(next, append(slices.Clone(path), dep.Name)); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(w, []string{w.Name})
}
