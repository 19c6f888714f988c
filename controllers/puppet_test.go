// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// puppets is a lab whose waves are moved by the test: what a policy makes of each decision can be told from what waves make
// of it.
func puppets(t *testing.T, change ...func(*v1alpha1.PasskeyPolicy)) *lab {
	t.Helper()
	l := newLab(t, calm())
	l.waves = nil
	p := newPolicy()
	p.Spec.RevertWindow = hours(720)
	for _, f := range change {
		f(p)
	}
	l.apply(l.newTenant(), p)
	l.rest()
	return l
}

// attempt lets a wave begin an attempt of a revision in a phase, with a group of its own in the tenant, and gives its id.
func (l *lab) attempt(wave string, revision int32, phase v1alpha1.WavePhase) string {
	l.t.Helper()
	id := ""
	l.move(wave, func(s *v1alpha1.PilotWaveStatus) {
		s.Attempt++
		name := fmt.Sprintf("%s-%d", wave, s.Attempt)
		g, _, err := l.admin().UpsertGroup(l.t.Context(), name, graph.GroupSpec{DisplayName: name})
		if err != nil {
			l.t.Fatal(err)
		}
		id = g.ID
		s.Phase, s.Revision, s.PayloadHash = phase, revision, hashOf(l.policy(), revision)
		s.Attempts = append(s.Attempts, v1alpha1.WaveAttempt{Attempt: s.Attempt, Revision: revision, GroupID: id, CreatedAt: metav1.NewTime(l.clock.Now())})
	})
	return id
}

// move changes the status of a wave, which is made where it is missing.
func (l *lab) move(wave string, change func(s *v1alpha1.PilotWaveStatus)) {
	l.t.Helper()
	w := named(wave, &v1alpha1.PilotWave{})
	if err := l.kube.Get(l.t.Context(), keyOf(wave), w); err != nil {
		l.apply(newWave(wave, "Everyone"))
		l.read(w)
	}
	change(&w.Status)
	w.Status.Conditions = status.Conditions(w.Status.Conditions, w.Generation, l.clock.Now(), status.Standing{State: status.Current, Reason: v1alpha1.ReasonSucceeded}, nil)
	if err := l.kube.Status().Update(l.t.Context(), w); err != nil {
		l.t.Fatal(err)
	}
}

// succeed lets the current attempts of waves succeed.
func (l *lab) succeed(waves ...string) {
	l.t.Helper()
	for _, wave := range waves {
		l.move(wave, func(s *v1alpha1.PilotWaveStatus) {
			now := metav1.NewTime(l.clock.Now())
			s.Phase, s.Attempts[len(s.Attempts)-1].SucceededAt = v1alpha1.PhaseSucceeded, &now
		})
	}
	l.rest()
}

// exposing is a lab with puppets "a" and so on whose attempts of r1 are admitted.
func exposing(t *testing.T, waves []string, change ...func(*v1alpha1.PasskeyPolicy)) *lab {
	t.Helper()
	l := puppets(t, change...)
	for _, w := range waves {
		l.attempt(w, 1, v1alpha1.PhaseExposing)
	}
	l.rest()
	l.lag()
	for _, a := range l.policy().Status.Waves {
		if a.State != v1alpha1.Admitted {
			t.Fatalf("%+v", a)
		}
	}
	l.clock.Advance(observe.ReplicationLag)
	l.sim.ResetJournal()
	l.events = nil
	return l
}

// takeBack lets a wave withdraw its current attempt.
func (l *lab) takeBack(wave string) {
	l.t.Helper()
	l.move(wave, func(s *v1alpha1.PilotWaveStatus) {
		now := metav1.NewTime(l.clock.Now())
		s.Phase, s.Attempts[len(s.Attempts)-1].WithdrawnAt = v1alpha1.PhaseRollingBack, &now
	})
}

func hashOf(p *v1alpha1.PasskeyPolicy, number int32) string {
	for _, r := range p.Status.Revisions {
		if r.Number == number {
			return r.PayloadHash
		}
	}
	return ""
}

// lag lets Intune act on what it shows.
func (l *lab) lag() {
	l.t.Helper()
	for range 2 {
		l.clock.Advance(plan.AssignmentLag/2 + time.Minute)
		l.rest()
	}
}

// ask changes the payload to what AzureAD as storage location adds, or back.
func (l *lab) ask(storage string) {
	l.t.Helper()
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = storage })
	l.rest()
}

// revisions lists the revisions of the policy with their states.
func (l *lab) revisions() string {
	l.t.Helper()
	var out []string
	for _, r := range l.policy().Status.Revisions {
		out = append(out, fmt.Sprintf("%d %s", r.Number, r.State))
	}
	return strings.Join(out, ", ")
}

// admissions lists the groups of the policy's record with their states.
func (l *lab) admissions() string {
	l.t.Helper()
	var out []string
	for _, a := range l.policy().Status.Waves {
		out = append(out, fmt.Sprintf("%s-%d r%d %s", a.Name, a.Attempt, a.Revision, a.State))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// level lists the targets of one level on Windows in the tenant, by group name; "-" when the policy is not there.
func (l *lab) level(revision int32) string {
	l.t.Helper()
	for _, o := range l.policy().Status.Objects {
		if o.Revision == revision && o.Platform == v1alpha1.PlatformWindows && o.ID != "" {
			return l.targetsOf(o.ID)
		}
	}
	return "-"
}

func (l *lab) mustBe(what, got, want string) {
	l.t.Helper()
	if got != want {
		l.t.Fatalf("%s: %q, want %q; %s; %s; conditions %+v", what, got, want, l.revisions(), l.admissions(), l.policy().Status.Conditions)
	}
}
