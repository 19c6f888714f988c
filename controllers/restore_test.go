// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// feels says for every device which policies of ours target it now, with lag over.
func (l *lab) feels() map[string]string {
	l.t.Helper()
	out := map[string]string{}
	for _, d := range l.sim.Snapshot(true).Devices {
		refs, err := l.sim.EffectivePolicies(d.ObjectID)
		if err != nil {
			l.t.Fatal(err)
		}
		var names []string
		for _, r := range refs {
			names = append(names, r.Name)
		}
		slices.Sort(names)
		out[d.ObjectID] = strings.Join(names, ", ")
	}
	return out
}

// feel counts devices by what they feel.
func feel(of map[string]string) map[string]int {
	out := map[string]int{}
	for _, names := range of {
		out[names]++
	}
	return out
}

// restored is a lab in which wave a has proven r1 and is on its way with r2, and what was backed up on that way: before r2 was
// asked for, and before the last admission.
func restored(t *testing.T) (l *lab, proven1, unadmitted backup) {
	t.Helper()
	l = proven(t, v1alpha1.ModeGate)
	proven1 = l.backup()
	l.ask("AzureAD")
	l.until("the group of the second attempt is there", 5, func() bool { return l.wave("a").Status.Attempt == 2 && l.attemptGroup("a") != "" })
	unadmitted = l.backup()
	if a := l.policy().Status.Waves; len(a) > 1 { // as it was before the policy saw the group
		unadmitted.policy.Waves = slices.DeleteFunc(unadmitted.policy.Waves, func(a v1alpha1.WaveAdmission) bool { return a.Attempt == 2 })
		for i := range unadmitted.policy.Objects {
			o := &unadmitted.policy.Objects[i]
			gone := func(id string) bool { return id == l.attemptGroup("a") }
			o.IncludeGroups, o.ExcludeGroups = slices.DeleteFunc(o.IncludeGroups, gone), slices.DeleteFunc(o.ExcludeGroups, gone)
			o.AssignSentAt, o.AssignedAt = nil, nil
		}
	}
	l.until("the second attempt exposes", 20, func() bool { return l.wave("a").Status.Clocks.LastBatchAt != nil && l.wave("a").Status.Attempt == 2 })
	l.rest()
	return l, proven1, unadmitted
}

// backup is what a backup has of the lab.
type backup struct {
	policy  v1alpha1.PasskeyPolicyStatus
	wave    v1alpha1.PilotWaveStatus
	storage string
}

func (l *lab) backup() backup {
	p := l.policy()
	return backup{*p.Status.DeepCopy(), *l.wave("a").Status.DeepCopy(), p.Spec.Settings.BackupStorageLocation}
}

// restore puts back what b has, and begins a new process.
func (l *lab) restore(b *backup, policy, wave bool) {
	l.t.Helper()
	if policy {
		p := l.policy()
		l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = b.storage })
		p.Status = *b.policy.DeepCopy()
		if err := l.kube.Status().Update(l.t.Context(), p); err != nil {
			l.t.Fatal(err)
		}
	}
	if wave {
		w := l.wave("a")
		w.Status = *b.wave.DeepCopy()
		if err := l.kube.Status().Update(l.t.Context(), w); err != nil {
			l.t.Fatal(err)
		}
	}
	l.start(l.t)
	l.sim.ResetJournal()
	l.events = nil
}

func (l *lab) noLedgers() {
	l.t.Helper()
	for i := range l.chunks() {
		if err := l.kube.Delete(l.t.Context(), &l.chunks()[0]); err != nil {
			l.t.Fatalf("%d: %v", i, err)
		}
	}
}

// onRevision is how many of the population the policy says to be on a revision.
func (l *lab) onRevision(number int32) int32 {
	if s := l.policy().Status.Population; s != nil {
		for _, r := range s.Revisions {
			if r.Revision == number {
				return r.Count
			}
		}
	}
	return 0
}

// TestPromise13_RestoredStatus: whatever part of the record is older than what devices have, or is gone: nothing changes on a
// device by itself, no number and no group is used twice, the account of the population is that of the tenant, and what was
// forgotten is named with a way back.
func TestPromise13_RestoredStatus(t *testing.T) {
	wiped := func(b backup, storage string) *backup { b = backup{storage: storage}; return &b }
	for name, tt := range map[string]struct {
		spoil func(l *lab, before, unadmitted backup)
		// forgot says that the wave does not know its attempt any more.
		forgot bool
	}{
		"everything is wiped":                    {func(l *lab, b, _ backup) { l.noLedgers(); l.restore(wiped(b, "AzureAD"), true, true) }, true},
		"everything is wiped and the spec older": {func(l *lab, b, _ backup) { l.noLedgers(); l.restore(wiped(b, ""), true, true) }, true},
		"the policy is wiped":                    {func(l *lab, b, _ backup) { l.restore(wiped(b, "AzureAD"), true, false) }, false},
		"the wave is wiped":                      {func(l *lab, b, _ backup) { l.restore(wiped(b, ""), false, true) }, true},
		"before r2":                              {func(l *lab, b, _ backup) { l.restore(&b, true, true) }, true},
		"before r2, the spec is newer":           {func(l *lab, b, _ backup) { b.storage = "AzureAD"; l.restore(&b, true, true) }, true},
		"before r2, without ledgers":             {func(l *lab, b, _ backup) { l.noLedgers(); l.restore(&b, true, true) }, true},
		"the policy, before r2":                  {func(l *lab, b, _ backup) { l.restore(&b, true, false) }, false},
		"the wave, before r2":                    {func(l *lab, b, _ backup) { l.restore(&b, false, true) }, true},
		"the policy, before the last admission":  {func(l *lab, _, b backup) { l.restore(&b, true, false) }, false},
		"both, before the last admission":        {func(l *lab, _, b backup) { l.restore(&b, true, true) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			l, before, unadmitted := restored(t)
			group, feels := l.attemptGroup("a"), l.feels()
			members := l.members(group)
			tt.spoil(l, before, unadmitted)
			l.rest()
			for range 4 {
				if err := l.sim.Advance(time.Hour); err != nil {
					t.Fatal(err)
				}
				l.rest()
			}
			if !tt.forgot {
				members = l.members(group) // it goes on
			} else if now := l.feels(); !maps.Equal(feels, now) {
				t.Errorf("devices felt %v, and now %v", feel(feels), feel(now))
			}
			for names, n := range feel(l.feels()) {
				if strings.Contains(names, ",") {
					t.Errorf("%d devices have %s", n, names)
				}
			}
			if n := l.onRevision(2); int(n) != len(members) {
				t.Errorf("the account has %d on r2, and %d are: %+v", n, len(members), l.policy().Status.Population)
			}
			w := l.wave("a")
			if !slices.ContainsFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.GroupID == group && a.Attempt == 2 && a.Revision == 2 }) {
				t.Errorf("the wave does not know the group of its second attempt: %+v", w.Status.Attempts)
			}
			if tt.forgot && (w.Status.Phase != v1alpha1.PhaseHeld || !meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) ||
				!strings.Contains(w.Status.Decision.Message, "retry")) {
				t.Errorf("%s: %+v", w.Status.Phase, w.Status.Decision)
			}
			if t.Failed() {
				t.Fatalf("%s; %s; %+v; %v", l.revisions(), l.admissions(), l.policy().Status.Conditions, l.events)
			}
			if tt.forgot {
				l.goesOn(group)
			}
		})
	}
}

// goesOn retries wave a, whose second attempt was forgotten: the next one has a number and a group of its own. Where the spec asks
// for what came before, nothing starts beneath the devices of that attempt, and it is said how to go on.
func (l *lab) goesOn(group string) {
	l.t.Helper()
	l.annotate("a", v1alpha1.AnnotationRetry, "1")
	older := l.policy().Spec.Settings.BackupStorageLocation == ""
	l.until("the next attempt begins", 20, func() bool {
		s := l.wave("a").Status
		started := l.attemptGroup("a") != "" && s.Phase != v1alpha1.PhasePending
		return s.Attempt == 3 && started != older
	})
	if l.attemptGroup("a") == group {
		l.t.Errorf("the group of a forgotten attempt is used again: %+v", l.wave("a").Status.Attempts)
	}
	if d := l.wave("a").Status.Decision; older && !strings.Contains(d.Message, v1alpha1.AnnotationRollback) {
		l.t.Errorf("%+v", d)
	}
}

// TestPromise05_NumberOfAForgottenRevision: what the spec asks for after a restore gets a number that the tenant has not seen,
// and devices of the forgotten one are told apart and can be had back by a person.
func TestPromise05_NumberOfAForgottenRevision(t *testing.T) {
	l, before, _ := restored(t)
	group := l.attemptGroup("a")
	l.restore(&before, true, true)
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation, p.Spec.Settings.BackupStorageLocation = "", "AzureAD" })
	l.rest()
	if got := l.revisions(); !strings.Contains(got, "1 Stable, 2 Superseded, 3 Candidate") {
		t.Fatalf("%s %+v", got, l.policy().Status.Conditions)
	}
	if n := strings.Count(strings.Join(l.events, "\n"), v1alpha1.ReasonRevisionFound); n == 0 {
		t.Errorf("nobody was told: %v", l.events)
	}
	l.annotate("a", v1alpha1.AnnotationRollback, "1")
	l.until("devices have r1 again", 30, func() bool { return l.inPhase("a", v1alpha1.PhaseRolledBack)() && !l.groupExists(group) })
	for names, n := range feel(l.feels()) {
		if strings.Contains(names, "r2") || strings.Contains(names, ",") {
			t.Errorf("%d devices have %s", n, names)
		}
	}
	l.until("r2 is gone", 5, func() bool { return !strings.Contains(l.revisions(), "2 ") })
	if n := l.onRevision(1); n != 17 {
		t.Errorf("%d on r1: %+v", n, l.policy().Status.Population)
	}
}

// TestPromise13_GroupOfAnUnknownWave: a restored cluster lacks the wave that brought a revision. Its devices keep it until a
// person takes it back, and it is said whose they are and how.
func TestPromise13_GroupOfAnUnknownWave(t *testing.T) {
	l, before, _ := restored(t)
	group, feels := l.attemptGroup("a"), l.feels()
	w := l.wave("a")
	l.edit(w, func() { w.Finalizers = nil })
	if err := l.kube.Delete(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	before.policy = v1alpha1.PasskeyPolicyStatus{} // of a time before the wave
	l.restore(&before, true, false)
	for range 4 {
		l.rest()
		if err := l.sim.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if now := l.feels(); !maps.Equal(feels, now) {
		t.Fatalf("devices felt %v, and now %v", feel(feels), feel(now))
	}
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonRevisionFound || !strings.Contains(c.Message, group) || !strings.Contains(c.Message, v1alpha1.AnnotationLetGo) {
		t.Fatalf("%+v", l.policy().Status.Conditions)
	}
	if n, m := l.onRevision(2), len(l.members(group)); int(n) != m {
		t.Errorf("the account has %d on r2, and %d are: %+v", n, m, l.policy().Status.Population)
	}
	p := l.policy()
	var groups []string
	for _, a := range p.Status.Waves {
		groups = append(groups, a.GroupID)
	}
	l.edit(p, func() { p.Annotations = map[string]string{v1alpha1.AnnotationLetGo: strings.Join(groups, ", ")} })
	l.until("everybody is on hold", 10, func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Keys(feel(l.feels()))), func(names string) bool { return names != "" && !strings.HasSuffix(names, "Hold") })
	})
	l.until("nothing is left of the groups and of r2", 5, func() bool { return l.admissions() == "" && !strings.Contains(l.revisions(), "2 ") })
}

// TestPromise13_SupersededBeforeItSettled: devices that have only just been exposed to a revision keep it when the next one is asked
// for, although Intune may not have heard of all of them yet.
func TestPromise13_SupersededBeforeItSettled(t *testing.T) {
	l, _, _ := restored(t)
	feels := l.feels()
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation, p.Spec.Settings.BackupStorageLocation = "", "AzureAD" })
	for range 4 {
		l.rest()
		if now := l.feels(); !maps.Equal(feels, now) {
			t.Fatalf("devices felt %v, and now %v; %s; %s", feel(feels), feel(now), l.revisions(), l.events)
		}
		l.clock.Advance(5 * time.Minute)
	}
}
