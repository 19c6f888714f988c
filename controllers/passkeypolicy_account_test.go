// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// expose lets the current attempt of a wave have devices of the population, from the first to the one before last, in a
// ledger of its own, as shown by the tenant now.
func (l *lab) expose(wave string, first, last int) {
	l.t.Helper()
	var ids []audience.ID
	for _, d := range l.sim.Snapshot(true).Devices[first:last] {
		id, err := audience.ParseID(d.ObjectID)
		if err != nil {
			l.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	w := l.wave(wave)
	ledger := audience.NewLedger(audience.Header{Wave: audience.WaveKeyOf(string(w.UID)), Attempt: w.Status.Attempt, Revision: w.Status.Revision, Unit: v1alpha1.UnitDevice}, ids)
	ledger, _ = ledger.Expose(len(ids), l.clock.Now())
	ledger, _ = ledger.Confirm(ids, l.clock.Now())
	binding, err := l.policies.ledgers().Save(l.t.Context(), w, &ledger)
	if err != nil {
		l.t.Fatal(err)
	}
	l.move(wave, func(s *v1alpha1.PilotWaveStatus) { s.Attempts[len(s.Attempts)-1].Ledger = &binding })
	l.rest()
}

func (l *lab) devices(revision int32) int32 {
	l.t.Helper()
	for _, r := range l.policy().Status.Revisions {
		if r.Number == revision {
			return r.Devices
		}
	}
	return -1
}

// TestPromise17_EveryMemberIsAccountedFor: on hold, on a revision or out of reach; a rollout is over only when nobody who can
// be reached is on hold.
func TestPromise17_EveryMemberIsAccountedFor(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"})
	s := l.policy().Status.Population
	if s == nil || s.Members != 80 || s.OnHold+sum(s) != 80 || s.OnHold == 0 {
		t.Fatalf("%+v", s)
	}
	l.expose("a", 0, 30)
	s = l.policy().Status.Population
	if len(s.Revisions) != 1 || s.Revisions[0].Revision != 1 || s.Revisions[0].Count == 0 || s.OnHold+sum(s) != 80 || l.devices(1) != 30 {
		t.Errorf("%d on r1: %+v", l.devices(1), s)
	}
	l.succeed("a")
	c := l.condition(v1alpha1.ConditionRolloutComplete)
	if c.Reason != v1alpha1.ReasonStillOnHold || !strings.Contains(c.Message, "still on hold: InNoWave") {
		t.Errorf("%+v", c)
	}
	l.attempt("b", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.expose("b", 30, 80)
	l.succeed("b")
	if s = l.policy().Status.Population; s.OnHold != 0 {
		t.Errorf("%+v", s)
	}
	if c := l.condition(v1alpha1.ConditionRolloutComplete); c.Reason != v1alpha1.ReasonRolloutComplete {
		t.Errorf("%+v", c)
	}
}

func sum(s *v1alpha1.PopulationStatus) (n int32) {
	for _, r := range s.Revisions {
		n += r.Count
	}
	for _, r := range s.OutOfReach {
		n += r.Count
	}
	return n
}

// TestRetiredWhenNobodyHasIt: a former revision goes when its window is over and every device has settled on the later one,
// and not before; a ledger that is lost keeps it.
func TestRetiredWhenNobodyHasIt(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"known": false, "a ledger is lost": true} {
		t.Run(name, func(t *testing.T) {
			l := puppets(t, func(p *v1alpha1.PasskeyPolicy) { p.Spec.RevertWindow.Duration = 0 })
			l.attempt("a", 1, v1alpha1.PhaseExposing)
			l.rest()
			l.lag()
			l.expose("a", 0, 30)
			l.succeed("a")
			l.ask("AzureAD")
			l.attempt("a", 2, v1alpha1.PhaseExposing)
			l.rest()
			l.lag()
			l.expose("a", 0, 30)
			l.succeed("a")
			l.mustBe("not settled", l.revisions(), "0 Baseline, 1 Superseded, 2 Stable")
			if lost {
				if err := l.policies.ledgers().Delete(t.Context(), l.wave("a"), 1); err != nil {
					t.Fatal(err)
				}
			}
			for range 6 {
				l.clock.Advance(time.Hour)
				l.rest()
			}
			if lost {
				l.mustBe("lost", l.revisions(), "0 Baseline, 1 Superseded, 2 Stable")
				return
			}
			l.mustBe("r1", l.level(1), "-")
			l.mustBe("groups", l.admissions(), "a-1 r1 Withdrawn, a-2 r2 Admitted")
			l.mustBe("revisions", l.revisions(), "0 Baseline, 1 Retired, 2 Stable") // the wave speaks of it still
			l.move("a", func(s *v1alpha1.PilotWaveStatus) { s.Attempts = s.Attempts[1:] })
			l.rest()
			l.mustBe("revisions", l.revisions(), "0 Baseline, 2 Stable")
			l.mustBe("groups", l.admissions(), "a-2 r2 Admitted")
		})
	}
}
