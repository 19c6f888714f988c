// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise09_RetryBeforeTheStopIsVoid: a retry that was asked for while the wave ran asks for nothing, and does not undo an
// abort that a person asks for later.
func TestPromise09_RetryBeforeTheStopIsVoid(t *testing.T) {
	t.Parallel()
	l := running(t, v1alpha1.PhaseBaking)
	l.annotate("a", v1alpha1.AnnotationRetry, "too early")
	l.rest()
	l.annotate("a", v1alpha1.AnnotationAbort, "now")
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseAborted || s.Attempt != 1 {
		t.Errorf("%s, attempt %d: %+v", s.Phase, s.Attempt, s.Decision)
	}
}

// TestPromise09_AbortVoidsRetry: of both at once the abort stays.
func TestPromise09_AbortVoidsRetry(t *testing.T) {
	t.Parallel()
	l := running(t, v1alpha1.PhaseBaking)
	w := l.wave("a")
	l.edit(w, func() {
		w.Annotations = map[string]string{v1alpha1.AnnotationRetry: "now", v1alpha1.AnnotationAbort: "now"}
	})
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhaseAborted || s.Attempt != 1 {
		t.Errorf("%s, attempt %d: %+v", s.Phase, s.Attempt, s.Decision)
	}
}

// proven is a lab in which wave a has proven r1.
func proven(t *testing.T, mode v1alpha1.PolicyMode, groups ...tenantsim.GroupSpec) *lab {
	t.Helper()
	l := newLab(t, calm(append(groups, group("First", 20))...))
	p := newPolicy()
	p.Spec.RevertWindow, p.Spec.Mode = hours(720), mode
	if mode == v1alpha1.ModeEnforceOnly { // in which a toggle may be turned off
		p.Spec.Population = nil
	}
	w := newWave("a", "First")
	w.Spec.Gate.Promote.FloorRate = "0.70"
	l.apply(l.newTenant(), p, w)
	l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	l.rest()
	return l
}

func (l *lab) groupID(name string) string {
	l.t.Helper()
	for _, g := range l.sim.Snapshot(false).Groups {
		if g.DisplayName == name {
			return g.ID
		}
	}
	l.t.Fatalf("no group %q", name)
	return ""
}

// TestPromise14_RevertOfAWaitingWaveIsProven: a wave that waits for its third attempt while its devices have the second one's
// payload is not Succeeded before they prove that they have let go of it.
func TestPromise14_RevertOfAWaitingWaveIsProven(t *testing.T) {
	t.Parallel()
	l := proven(t, v1alpha1.ModeEnforceOnly)
	w := newWave("z", "First") // keeps the candidate from being proven
	w.Spec.DependsOn = []v1alpha1.WaveDependency{{Name: "a"}}
	w.Spec.Paused = true
	l.apply(w)
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	l.until("r2 succeeds", 60, func() bool { s := l.wave("a").Status; return s.Phase == v1alpha1.PhaseSucceeded && s.Revision == 2 })
	l.rest()
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation, p.Spec.Paused = v1alpha1.Disabled, true })
	l.rest()
	if s := l.wave("a").Status; s.Phase != v1alpha1.PhasePending || s.Attempt != 3 {
		t.Fatalf("%s %s, attempt %d: %+v", l.revisions(), s.Phase, s.Attempt, l.policy().Status.Conditions)
	}
	p = l.policy()
	l.edit(p, func() {
		p.Spec.Settings.BackupStorageLocation, p.Spec.Settings.PasskeyCreation, p.Spec.Paused = "", v1alpha1.Enabled, false
	})
	l.rest()
	s := l.wave("a").Status
	if s.Phase != v1alpha1.PhaseRollingBack {
		t.Errorf("%s %s, attempt %d, %s: %+v", l.revisions(), s.Phase, s.Attempt, l.admissions(), s.Decision)
	}
	l.until("it stands again", 60, func() bool { s := l.wave("a").Status; return s.Phase == v1alpha1.PhaseSucceeded && s.Attempt == 1 })
	l.until("the second attempt is gone", 20, func() bool { return len(l.wave("a").Status.Attempts) == 1 })
}
