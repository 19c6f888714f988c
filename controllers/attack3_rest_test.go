// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise12_RestInEveryStandingState: a wave or policy that waits for a person, or is done, writes nothing while hours pass:
// no status of its own, no event, no change in the tenant.
func TestPromise12_RestInEveryStandingState(t *testing.T) {
	thorough(t)
	annotated := func(key string) func(l *lab) {
		return func(l *lab) { l.annotate("a", key, "now") }
	}
	for name, stop := range map[string]func(l *lab){
		"succeeded": func(l *lab) { l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded)) },
		"aborted":   annotated(v1alpha1.AnnotationAbort),
		"rolled back": func(l *lab) {
			annotated(v1alpha1.AnnotationRollback)(l)
			l.until("it is rolled back", 60, l.inPhase("a", v1alpha1.PhaseRolledBack))
		},
		"rollback incomplete": func(l *lab) {
			l.setScenario(func(s *tenantsim.Scenario) {
				s.Outages = []tenantsim.Outage{{From: "0s", Status: 503, Scope: "reports"}}
			})
			annotated(v1alpha1.AnnotationRollback)(l)
			l.until("the deadline passes", 200, l.inPhase("a", v1alpha1.PhaseRollbackIncomplete))
			l.setScenario(func(s *tenantsim.Scenario) { s.Outages = nil })
		},
		"paused": func(l *lab) {
			w := l.wave("a")
			l.edit(w, func() { w.Spec.Paused = true })
		},
		"policy paused": func(l *lab) {
			p := l.policy()
			l.edit(p, func() { p.Spec.Paused = true })
		},
		"policy suspended": func(l *lab) {
			p := l.policy()
			l.edit(p, func() { p.Spec.Suspend = true })
		},
		"tenant suspended": func(l *lab) {
			o := l.tenant()
			l.edit(o, func() { o.Spec.Suspend = true })
		},
		"a wave that waits": func(l *lab) {
			l.apply(newWave("b", "First", "a"))
			annotated(v1alpha1.AnnotationAbort)(l)
		},
		"audience refused": func(l *lab) {
			w := newWave("b", "Nobody")
			l.apply(w)
			l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
		},
		"wave under deletion": func(l *lab) {
			l.setScenario(func(s *tenantsim.Scenario) { s.MissingRoles = []string{"Group.ReadWrite.All"} })
			l.tenants.Store.Client(policyKey).RenewToken()
			if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
				t.Fatal(err)
			}
		},
		"drift reported": func(l *lab) {
			p := l.policy()
			l.edit(p, func() { p.Spec.Drift = v1alpha1.DriftReport })
			l.rest()
			if err := l.sim.DeletePolicy(l.object(v1alpha1.RoleHold).ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := running(t, v1alpha1.PhaseBaking)
			l.t = t
			stop(l)
			l.hours(30)
			l.sim.ResetJournal()
			l.events = nil
			var wrote []string
			l.refuse = func(o client.Object) error {
				switch o.(type) {
				case *v1alpha1.Tenant, *v1alpha1.WaveLedger: // a reading of the fleet is news
				default:
					wrote = append(wrote, fmt.Sprintf("%T %s", o, o.GetName()))
				}
				return nil
			}
			for range 12 {
				for range 3 {
					l.round()
				}
				if err := l.sim.Advance(37 * time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			if len(wrote) > 0 || len(l.events) > 0 || len(l.changed()) > 0 {
				t.Errorf("wrote %v, events %v, changes %v; %+v", wrote, l.events, l.changed(), l.policy().Status.Conditions)
			}
		})
	}
}
