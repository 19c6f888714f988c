// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// thorough passes over an attack that held and takes its time, unless all is asked for, as in the foreign-edit sweep.
func thorough(t *testing.T) {
	t.Helper()
	if os.Getenv("TIDEGATE_SWEEP") != "all" {
		t.Skip("held, and slow: TIDEGATE_SWEEP=all runs it")
	}
}

// payload asks for a storage location, or for none.
func (l *lab) payload(storage string) {
	l.t.Helper()
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = storage })
}

// safely lets hours pass until ok holds, and looks for devices with two payloads in each.
func (l *lab) safely(what string, limit int, ok func() bool) {
	l.t.Helper()
	l.until(what, limit, func() bool {
		l.mustBeSingle(what)
		return ok()
	})
}

// noOverlaps fails for writes that put devices under two payloads at once, by what the tenant itself saw.
func (l *lab) noOverlaps() {
	l.t.Helper()
	for _, r := range l.sim.Journal().Records {
		if len(r.Overlaps) > 0 {
			l.t.Errorf("%s %s puts devices under two payloads: %v", r.Method, r.Path, r.Overlaps)
		}
	}
}

// exposed says that an attempt of wave a has gone out.
func (l *lab) exposed(attempt int32) func() bool {
	return func() bool {
		s := l.wave("a").Status
		return s.Attempt == attempt && s.Clocks.LastBatchAt != nil
	}
}

// TestPromise13_PayloadFlips: a payload that is asked for, taken back, asked for again and taken back again, at whatever moment,
// leaves every device of the wave on r1 in the end, and nothing of the rest in the tenant.
func TestPromise13_PayloadFlips(t *testing.T) {
	thorough(t)
	for name, between := range map[string]func(l *lab){
		"at once":            func(l *lab) { l.round() },
		"half of an hour":    func(l *lab) { l.rest(); l.clock.Advance(30 * time.Minute) },
		"when it is exposed": func(l *lab) { l.hours(3) },
		"a day":              func(l *lab) { l.hours(24) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := proven(t, v1alpha1.ModeGate)
			first := l.members(l.attemptGroup("a"))
			for _, s := range []string{"AzureAD", "", "AzureAD", ""} {
				l.payload(s)
				between(l)
				l.mustBeSingle(s)
			}
			l.safely("it stands again", 80, func() bool {
				s := l.wave("a").Status
				return s.Phase == v1alpha1.PhaseSucceeded && len(s.Attempts) == 1 && len(l.policy().Status.Revisions) == 2
			})
			l.noOverlaps()
			if got := l.members(l.attemptGroup("a")); len(got) != len(first) || len(l.managedGroups()) != 1 || l.wave("a").Status.Revision != 1 {
				t.Errorf("%d of %d devices, groups %v, %+v", len(got), len(first), l.managedGroups(), l.wave("a").Status)
			}
			l.payload("AzureAD")
			l.safely("it is proven at last", 80, func() bool {
				s := l.wave("a").Status
				return s.Phase == v1alpha1.PhaseSucceeded && s.Revision > 1
			})
			l.noOverlaps()
		})
	}
}

// TestPromise13_ThirdRevision: devices keep the second payload until the third reaches them, and a revert to the first of all
// takes both back.
func TestPromise13_ThirdRevision(t *testing.T) {
	thorough(t)
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint("revert ", back), func(t *testing.T) {
			t.Parallel()
			l := proven(t, v1alpha1.ModeEnforceOnly)
			l.payload("AzureAD")
			l.safely("r2 is exposed", 20, l.exposed(2))
			p := l.policy()
			l.edit(p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
			l.safely("r3 is exposed", 20, l.exposed(3))
			if back {
				p = l.policy()
				l.edit(p, func() { p.Spec.Settings.PasskeyCreation, p.Spec.Settings.BackupStorageLocation = v1alpha1.Enabled, "" })
				l.safely("r1 stands again", 80, func() bool {
					s := l.wave("a").Status
					return s.Phase == v1alpha1.PhaseSucceeded && s.Attempt == 1 && len(s.Attempts) == 1 && len(l.managedGroups()) == 1
				})
			} else {
				l.safely("r3 is proven", 80, func() bool {
					s := l.wave("a").Status
					return s.Phase == v1alpha1.PhaseSucceeded && s.Revision == 3
				})
				l.hours(3)
				if got := l.revisions(); strings.Contains(got, "2 ") || !strings.Contains(got, "3 Stable") {
					t.Errorf("%s; %s", got, l.admissions())
				}
			}
			l.noOverlaps()
		})
	}
}

// TestPromise13_RevertAfterTheWindow: r2 is proven and its window is over; going back to r1 is a new payload, which reaches
// devices by the wave alone. A revert that comes in the very last moment, or as the window ends, is one or the other, never half.
func TestPromise13_RevertAfterTheWindow(t *testing.T) {
	thorough(t)
	for _, late := range []time.Duration{-time.Minute, 0, time.Minute} {
		t.Run(late.String(), func(t *testing.T) {
			t.Parallel()
			l := proven(t, v1alpha1.ModeGate)
			p := l.policy()
			l.edit(p, func() { p.Spec.RevertWindow, p.Spec.Settings.BackupStorageLocation = hours(48), "AzureAD" })
			l.safely("r2 is proven", 80, func() bool {
				s := l.wave("a").Status
				return s.Phase == v1alpha1.PhaseSucceeded && s.Revision == 2
			})
			l.rest()
			until := l.policy().Status.Revisions[1].RevertUntil
			if until == nil {
				t.Fatalf("%+v", l.policy().Status.Revisions)
			}
			l.clock.Advance(until.Add(late).Sub(l.clock.Now()))
			l.payload("")
			l.round()
			l.mustBeSingle("at once")
			l.safely("it succeeds", 100, func() bool {
				s := l.wave("a").Status
				return s.Phase == v1alpha1.PhaseSucceeded && s.Revision != 2
			})
			l.hours(60)
			l.noOverlaps()
			if got := l.managedGroups(); len(got) != 1 || l.wave("a").Status.Phase != v1alpha1.PhaseSucceeded {
				t.Errorf("%v; %s; %s; %+v", got, l.revisions(), l.admissions(), l.wave("a").Status.Decision)
			}
		})
	}
}

// TestPromise01_WaveMadeAnew: a wave is deleted and another one of its name is there before the first one's group has gone.
func TestPromise01_WaveMadeAnew(t *testing.T) {
	thorough(t)
	for _, phase := range []v1alpha1.WavePhase{v1alpha1.PhaseExposing, v1alpha1.PhaseSucceeded} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			l := running(t, phase)
			old := l.attemptGroup("a")
			if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
				t.Fatal(err)
			}
			for range 40 {
				l.round()
				l.mustBeSingle("leaving")
				w := named("a", &v1alpha1.PilotWave{})
				if err := l.kube.Get(t.Context(), keyOf("a"), w); err != nil {
					break
				}
				if err := l.sim.Advance(10 * time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			w := newWave("a", "First")
			w.SetNamespace(ns)
			w.SetUID(types.UID("uid-second-a"))
			w.SetGeneration(1)
			if err := l.kube.Create(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			l.safely("the second succeeds", 80, l.inPhase("a", v1alpha1.PhaseSucceeded))
			l.noOverlaps()
			if now := l.attemptGroup("a"); now == old || now == "" || len(l.managedGroups()) != 1 {
				t.Errorf("%s, before %s; %v", now, old, l.managedGroups())
			}
		})
	}
}

// TestPromise09_EverythingAtOnce: a person who pauses, aborts, rolls back and asks for a retry in one edit gets the safest of it.
func TestPromise09_EverythingAtOnce(t *testing.T) {
	thorough(t)
	all := map[string]string{"pause": "", "abort": v1alpha1.AnnotationAbort, "rollback": v1alpha1.AnnotationRollback, "retry": v1alpha1.AnnotationRetry}
	for _, asked := range [][]string{{"pause", "abort", "retry"}, {"pause", "rollback", "retry"}, {"abort", "rollback", "retry"}, {"pause", "abort", "rollback", "retry"}} {
		for _, phase := range []v1alpha1.WavePhase{v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseSucceeded} {
			t.Run(strings.Join(asked, "+")+" "+string(phase), func(t *testing.T) {
				t.Parallel()
				l := running(t, phase)
				before := len(l.members(l.attemptGroup("a")))
				w := l.wave("a")
				l.edit(w, func() {
					w.Annotations = map[string]string{}
					for _, verb := range asked {
						if verb == "pause" {
							w.Spec.Paused = true
							continue
						}
						w.Annotations[all[verb]] = "now"
					}
				})
				l.round()
				back := slices.Contains(asked, "rollback")
				l.hours(6)
				s := l.wave("a").Status
				if s.Attempt != 1 {
					t.Errorf("a retry beside a stop began attempt %d: %+v", s.Attempt, s.Decision)
				}
				if back && l.level(1) != "" {
					t.Errorf("rolled back, and r1 is assigned to %s: %s %+v", l.level(1), s.Phase, s.Decision)
				}
				if !back && len(l.members(l.attemptGroup("a"))) > before {
					t.Errorf("exposed more: %s %+v", s.Phase, s.Decision)
				}
				w = l.wave("a")
				l.edit(w, func() { w.Spec.Paused = false })
				l.hours(12)
				if s = l.wave("a").Status; s.Attempt != 1 {
					t.Errorf("the end of the pause began attempt %d: %+v", s.Attempt, s.Decision)
				}
			})
		}
	}
}

// TestPromise01_PopulationChanges: the population becomes all devices, groups again, or another group, at rest and while a
// rollback is under way: nobody has two payloads, and those of the wave get what the rollback gives them.
func TestPromise01_PopulationChanges(t *testing.T) {
	thorough(t)
	everyone := v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: "Everyone"}}}
	all := v1alpha1.Population{All: true}
	part := v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: "First"}}}
	less := v1alpha1.Population{All: true, Exclude: []v1alpha1.GroupRef{{DisplayName: "Out"}}}
	for name, to := range map[string][]v1alpha1.Population{"all": {all, everyone}, "part": {part, everyone}, "all, less some": {less, part, less}} {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " rollback ", back), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, calm(group("First", 20), group("Out", 3)))
				l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
				l.safely("it bakes", 40, l.inPhase("a", v1alpha1.PhaseBaking))
				if back {
					l.annotate("a", v1alpha1.AnnotationRollback, "now")
					l.round()
				}
				for _, population := range to {
					p := l.policy()
					l.edit(p, func() { p.Spec.Population = population.DeepCopy() })
					for range 6 {
						l.round()
						l.mustBeSingle("at once")
					}
					l.rest()
					l.mustBeSingle("at rest")
				}
				want := v1alpha1.PhaseSucceeded
				if back {
					want = v1alpha1.PhaseRolledBack
				}
				l.safely("it ends", 60, l.inPhase("a", want))
				l.rest()
				l.noOverlaps()
				if back && l.level(1) != "" {
					t.Errorf("r1 is assigned to %s", l.level(1))
				}
			})
		}
	}
}
