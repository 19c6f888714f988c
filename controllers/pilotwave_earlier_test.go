// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// second is a lab in which wave a has proven r1 and goes on to r2 as far as the phase; first is the group that has r1.
func second(t *testing.T, phase v1alpha1.WavePhase) (l *lab, first string) {
	t.Helper()
	l = proven(t, v1alpha1.ModeGate, group("Out", 1))
	first = l.attemptGroup("a")
	p := l.policy()
	l.edit(p, func() {
		p.Spec.Settings.BackupStorageLocation = "AzureAD"
		p.Spec.Paused = phase == v1alpha1.PhasePending
	})
	l.rest()
	if phase == v1alpha1.PhasePending { // it waits for a wave that there is not
		w := l.wave("a")
		l.edit(w, func() { w.Spec.DependsOn = []v1alpha1.WaveDependency{{Name: "none"}} })
		p = l.policy()
		l.edit(p, func() { p.Spec.Paused = false })
		l.rest()
		return l, first
	}
	l.until("the second attempt exposes", 20, func() bool { s := l.wave("a").Status; return s.Attempt == 2 && s.Clocks.LastBatchAt != nil })
	switch phase {
	case v1alpha1.PhaseHeld: // its record is lost
		for _, c := range l.chunks() {
			if c.Spec.Attempt == 2 {
				l.remove(&c)
			}
		}
	case v1alpha1.PhaseAborted:
		l.annotate("a", v1alpha1.AnnotationAbort, "now")
	case v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack:
		l.annotate("a", v1alpha1.AnnotationRollback, "now")
	}
	l.until("it gets there", 60, l.inPhase("a", phase))
	l.rest()
	return l, first
}

// exclude makes members the only ones of the group "Out", which the wave excludes from now on.
func (l *lab) exclude(members []string) {
	l.t.Helper()
	id := l.groupID("Out")
	if err := l.admin().RemoveMembers(l.t.Context(), id, l.members(id)); err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.admin().AddMembers(l.t.Context(), id, members); err != nil {
		l.t.Fatal(err)
	}
	w := l.wave("a")
	l.edit(w, func() { w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{DisplayName: "Out"}} })
}

// record is the ledger of an attempt of wave a.
func (l *lab) record(attempt int32) *audience.Ledger {
	l.t.Helper()
	r, err := l.waves.ledgers().Load(l.t.Context(), l.wave("a"), attempt)
	if err != nil || r.State != audience.LedgerOK {
		l.t.Fatalf("ledger of attempt %d: %v %+v", attempt, err, r)
	}
	return r.Ledger
}

// TestPromise02_ExclusionLeavesEarlierAttempts: whoever is excluded leaves the groups of earlier attempts too, at once and for good,
// whatever the wave does and whatever spec.drift says. What the ledgers know of them stays.
func TestPromise02_ExclusionLeavesEarlierAttempts(t *testing.T) {
	t.Parallel()
	for _, phase := range []v1alpha1.WavePhase{v1alpha1.PhasePending, v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseHeld, v1alpha1.PhaseAborted,
		v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseSucceeded} {
		t.Run(string(phase), func(t *testing.T) {
			l, first := second(t, phase)
			p := l.policy()
			l.edit(p, func() { p.Spec.Drift = v1alpha1.DriftReport })
			out, entries := l.members(first)[:2], l.record(1).Entries
			l.exclude(out)
			l.rest()
			if !l.without(out, first) {
				t.Errorf("%s is excluded and has r1 by the first attempt: %+v", out, l.wave("a").Status.Decision)
			}
			if _, err := l.admin().AddMembers(t.Context(), first, out[:1]); err != nil {
				t.Fatal(err)
			}
			w := l.wave("a")
			l.edit(w, func() { w.Spec.Audience.Groups.Exclude = nil })
			l.until("a person's adding is noticed", 3, func() bool { return l.without(out, first) })
			if w := l.wave("a"); w.Status.Phase != phase && phase != v1alpha1.PhaseExposing && phase != v1alpha1.PhaseBaking && phase != v1alpha1.PhaseRollingBack {
				t.Errorf("it moved from %s to %s: %+v", phase, w.Status.Phase, w.Status.Decision)
			}
			for i, e := range l.record(1).Entries {
				was := entries[i]
				if slices.Contains(out, e.ID.String()) {
					if e.ExcludedAt.IsZero() {
						t.Errorf("%s is not excluded in the ledger of the first attempt", e.ID)
					}
					was.ExcludedAt = e.ExcludedAt
				}
				if e != was {
					t.Errorf("the first attempt knew %+v, and now %+v", was, e)
				}
			}
		})
	}
}

// without says that none of ids is a member of the group.
func (l *lab) without(ids []string, group string) bool {
	return !slices.ContainsFunc(l.members(group), func(m string) bool { return slices.Contains(ids, m) })
}

// meddle takes one out of a group and puts a stranger in, as an administrator would.
func (l *lab) meddle(group string) (removed, stranger string) {
	l.t.Helper()
	removed, stranger = l.members(group)[0], l.members(l.groupID("Out"))[0]
	if err := l.admin().RemoveMembers(l.t.Context(), group, []string{removed}); err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.admin().AddMembers(l.t.Context(), group, []string{stranger}); err != nil {
		l.t.Fatal(err)
	}
	return removed, stranger
}

// TestPromise06_EarlierGroupIsCorrected: under drift Correct the group of an earlier attempt is made again what the wave left there.
func TestPromise06_EarlierGroupIsCorrected(t *testing.T) {
	t.Parallel()
	for _, phase := range []v1alpha1.WavePhase{v1alpha1.PhasePending, v1alpha1.PhaseBaking, v1alpha1.PhaseHeld, v1alpha1.PhaseAborted, v1alpha1.PhaseRolledBack, v1alpha1.PhaseSucceeded} {
		t.Run(string(phase), func(t *testing.T) {
			l, first := second(t, phase)
			before := slices.Sorted(slices.Values(l.members(first)))
			l.meddle(first)
			l.until("it is put right", 3, func() bool { return slices.Equal(before, slices.Sorted(slices.Values(l.members(first)))) })
			l.rest()
			if n := l.told(v1alpha1.ReasonMembershipDrifted); n != 1 {
				t.Errorf("told %d times: %v", n, l.events)
			}
			if c := meta.FindStatusCondition(l.wave("a").Status.Conditions, v1alpha1.ConditionDrifted); c != nil {
				t.Errorf("%+v", c)
			}
		})
	}
}

// told counts the events of wave a with a reason.
func (l *lab) told(reason string) (n int) {
	for _, e := range l.events {
		if strings.HasPrefix(e, "a ") && strings.Contains(e, reason) {
			n++
		}
	}
	return n
}

// TestPromise14_EarlierGroupIsReported: under drift Report what others did stays, is said once, and exposes nobody else until they
// put it right.
func TestPromise14_EarlierGroupIsReported(t *testing.T) {
	t.Parallel()
	l, first := second(t, v1alpha1.PhaseExposing)
	p := l.policy()
	l.edit(p, func() { p.Spec.Drift = v1alpha1.DriftReport })
	removed, stranger := l.meddle(first)
	if err := l.sim.Advance(l.policy().Spec.Interval.Duration); err != nil { // within one interval
		t.Fatal(err)
	}
	l.rest()
	w := l.wave("a")
	if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionDrifted); c == nil || c.Reason != v1alpha1.ReasonMembershipDrifted ||
		!strings.Contains(c.Message, first) || !meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) || l.told(v1alpha1.ReasonMembershipDrifted) != 1 {
		t.Errorf("%+v, events %v", w.Status.Conditions, l.events)
	}
	exposed := len(l.members(l.attemptGroup("a")))
	for range 6 {
		if err := l.sim.Advance(2 * l.policy().Spec.Interval.Duration); err != nil {
			t.Fatal(err)
		}
		l.rest()
	}
	if n := len(l.members(l.attemptGroup("a"))); n != exposed || l.without([]string{stranger}, first) || !l.without([]string{removed}, first) {
		t.Errorf("%d of %d exposed; %v", n, exposed, l.members(first))
	}
	if err := l.admin().RemoveMembers(t.Context(), first, []string{stranger}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.admin().AddMembers(t.Context(), first, []string{removed}); err != nil {
		t.Fatal(err)
	}
	l.until("it goes on", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	if c := meta.FindStatusCondition(l.wave("a").Status.Conditions, v1alpha1.ConditionDrifted); c != nil {
		t.Errorf("%+v", c)
	}
}

// TestPromise14_EarlierGroupIsGone: the loss of an earlier group is said in every phase, starts and expands nothing, and is left by a
// retry, which takes the lost group out of the assignments.
func TestPromise14_EarlierGroupIsGone(t *testing.T) {
	t.Parallel()
	for _, phase := range []v1alpha1.WavePhase{v1alpha1.PhasePending, v1alpha1.PhaseExposing, v1alpha1.PhaseAborted, v1alpha1.PhaseSucceeded} {
		t.Run(string(phase), func(t *testing.T) {
			l, first := second(t, phase)
			if err := l.admin().DeleteGroup(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			if err := l.sim.Advance(l.policy().Spec.Interval.Duration); err != nil {
				t.Fatal(err)
			}
			l.rest()
			w := l.wave("a")
			if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionDrifted); w.Status.Phase != phase || c == nil || c.Reason != v1alpha1.ReasonGroupLost ||
				!meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) {
				t.Fatalf("%s: %+v", w.Status.Phase, w.Status.Conditions)
			}
			l.annotate("a", v1alpha1.AnnotationRetry, "now")
			if phase == v1alpha1.PhasePending {
				w = l.wave("a")
				l.edit(w, func() { w.Spec.DependsOn = nil })
			}
			l.until("it is on r2", 90, func() bool {
				s := l.wave("a").Status
				return s.Phase == v1alpha1.PhaseSucceeded && s.Revision == 2 && meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReady)
			})
			l.until("the lost attempt is gone", 20, func() bool {
				return !slices.ContainsFunc(l.wave("a").Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.GroupID == first })
			})
		})
	}
}
