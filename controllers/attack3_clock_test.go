// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// skew sets the operator's clock back against the tenant's.
func (l *lab) skew(by time.Duration) {
	l.tenants.Clock, l.policies.Clock, l.waves.Clock = behind{l.clock, by}, behind{l.clock, by}, behind{l.clock, by}
}

// TestPromise10_ClockStepsBack: the operator's clock is set back by a day while a wave exposes or rolls back, and right again
// later: nothing is skipped, nobody gets two payloads, and the wave comes to its end.
func TestPromise10_ClockStepsBack(t *testing.T) {
	thorough(t)
	for _, by := range []time.Duration{24 * time.Hour, 90 * 24 * time.Hour, -24 * time.Hour} {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprint(by, " rollback ", back), func(t *testing.T) {
				t.Parallel()
				l := running(t, v1alpha1.PhaseExposing)
				if back {
					l.annotate("a", v1alpha1.AnnotationRollback, "now")
					l.round()
				}
				l.skew(by)
				for range 5 {
					l.rest()
					l.mustBeSingle("skewed")
					if l.wave("a").Status.Phase == v1alpha1.PhaseSucceeded {
						t.Errorf("a wave whose bake has not passed has succeeded: %+v", l.wave("a").Status.Clocks)
					}
					if err := l.sim.Advance(time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				l.skew(0)
				want := v1alpha1.PhaseSucceeded
				if back {
					want = v1alpha1.PhaseRolledBack
				}
				l.safely("it ends", 100, l.inPhase("a", want))
				l.noOverlaps()
				if back && l.level(1) != "" {
					t.Errorf("r1 is assigned to %s", l.level(1))
				}
			})
		}
	}
}

// TestPromise07_PolicyDeletedDuringAdmission: a policy that is deleted while the group of a wave is being let in takes back what
// it wrote, and nobody is exposed.
func TestPromise07_PolicyDeletedDuringAdmission(t *testing.T) {
	t.Parallel()
	for steps := range 6 {
		t.Run(fmt.Sprint(steps, " reconciles later"), func(t *testing.T) {
			if steps != 2 {
				thorough(t)
			}
			l := newLab(t, calm(group("First", 20)))
			l.apply(l.newTenant(), newPolicy())
			l.rest()
			l.apply(newWave("a", "First"))
			for range 20 {
				l.round()
				if l.attemptGroup("a") != "" {
					break
				}
			}
			for range steps {
				l.round()
			}
			before := 0
			if id := l.attemptGroup("a"); id != "" {
				before = len(l.members(id))
			}
			if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
				t.Fatal(err)
			}
			for range 6 {
				l.rest2()
				l.mustBeSingle("leaving")
				if id := l.attemptGroup("a"); id != "" && len(l.members(id)) > before {
					t.Errorf("exposed to a policy that is being deleted: %d members, before %d", len(l.members(id)), before)
				}
			}
			if n := len(l.sim.Snapshot(false).Policies); n != 0 {
				t.Errorf("%d policies are left: %+v", n, l.policy().Status.Conditions)
			}
			if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				l.rest2()
			}
			if g := l.managedGroups(); len(g) > 0 {
				t.Errorf("groups left: %v", g)
			}
			l.noOverlaps()
		})
	}
}
