// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise01_RevisionByAssignment: a group is excluded below before it is included, is Admitted only when Intune has had
// its time, and a new revision changes nothing for those who have the earlier one until a group of its own comes.
func TestPromise01_RevisionByAssignment(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	l.mustBe("revisions", l.revisions(), "0 Baseline, 1 Candidate")
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.mustBe("hold", l.level(0), "exclusionGroup a-1, group Everyone")
	l.mustBe("r1", l.level(1), "group a-1")
	l.mustBe("too soon", l.admissions(), "a-1 r1 Admitting")
	if c := l.condition(v1alpha1.ConditionReconciling); c == nil || c.Reason != v1alpha1.ReasonAssigning || !strings.Contains(c.Message, "Intune may take until 2026-06-01T06:30Z") {
		t.Errorf("%+v", c)
	}
	res, err := l.policies.Reconcile(t.Context(), requestOf("pkp"))
	if err != nil || res.RequeueAfter != 30*time.Minute {
		t.Errorf("again in %s, %v", res.RequeueAfter, err)
	}
	l.lag()
	l.mustBe("in time", l.admissions(), "a-1 r1 Admitted")
	l.succeed("a")
	l.mustBe("proven", l.revisions(), "0 Baseline, 1 Stable")

	l.ask("AzureAD")
	l.mustBe("asked", l.revisions(), "0 Baseline, 1 Stable, 2 Candidate")
	l.mustBe("text", l.policy().Status.RevisionText, "r2, stable r1")
	l.mustBe("r1 stays", l.level(1), "group a-1")
	l.mustBe("r2 reaches nobody", l.level(2), "")
	if c := l.condition(v1alpha1.ConditionApplied); c.Status != metav1.ConditionTrue {
		t.Errorf("%+v", c)
	}
	l.attempt("a", 2, v1alpha1.PhaseExposing)
	l.rest()
	l.mustBe("hold", l.level(0), "exclusionGroup a-1, exclusionGroup a-2, group Everyone")
	l.mustBe("r1", l.level(1), "exclusionGroup a-2, group a-1")
	l.mustBe("r2", l.level(2), "group a-2")
	l.lag()
	l.succeed("a")
	l.mustBe("proven", l.revisions(), "0 Baseline, 1 Superseded, 2 Stable")
	for _, reason := range []string{v1alpha1.ReasonRevisionMinted, v1alpha1.ReasonRevisionStable} {
		if n := slices.IndexFunc(l.events, func(e string) bool { return strings.Contains(e, "Normal "+reason) }); n < 0 {
			t.Errorf("no event %s: %v", reason, l.events)
		}
	}
}

// TestPromise09_RevertNeedsNothing: going back to the stable settings takes the candidate from its devices at once, whatever
// else cannot be read, and also while the policy is suspended.
func TestPromise09_RevertNeedsNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(l *lab, p *v1alpha1.PasskeyPolicy){
		"nothing": func(*lab, *v1alpha1.PasskeyPolicy) {},
		"the catalog is away": func(l *lab, _ *v1alpha1.PasskeyPolicy) {
			l.start(t)
			l.waves = nil
			l.round()
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 500, Match: tenantsim.FaultMatch{Route: "/beta/deviceManagement/configurationSettings"}})
		},
		"the population is gone": func(_ *lab, p *v1alpha1.PasskeyPolicy) { p.Spec.Population.Include[0].DisplayName = "Nobody" },
		"suspended":              func(_ *lab, p *v1alpha1.PasskeyPolicy) { p.Spec.Suspend = true },
	} {
		t.Run(name, func(t *testing.T) {
			l := puppets(t)
			l.attempt("a", 1, v1alpha1.PhaseExposing)
			l.rest()
			l.lag()
			l.succeed("a")
			l.ask("AzureAD")
			l.attempt("a", 2, v1alpha1.PhaseExposing)
			l.rest()
			l.lag()
			p := l.policy()
			l.edit(p, func() {
				p.Spec.Settings.BackupStorageLocation = ""
				spoil(l, p)
			})
			l.rest()
			l.mustBe("taken back", l.level(2), "")
			l.mustBe("not given back before devices let go", l.level(1), "exclusionGroup a-2, group a-1")
			l.lag()
			l.mustBe("given back", l.level(1), "group a-1")
			l.mustBe("groups", l.admissions(), "a-1 r1 Admitted, a-2 r2 Withdrawn")
			if !strings.HasPrefix(l.revisions(), "0 Baseline, 1 Stable") {
				t.Error(l.revisions())
			}
		})
	}
}

// TestRevertedRevisionLeaves: once its waves have let go of it, a reverted revision has no policy, no record, and its number
// is not given again.
func TestRevertedRevisionLeaves(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.succeed("a")
	l.ask("AzureAD")
	l.attempt("a", 2, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.ask("")
	l.lag()
	l.clock.Advance(time.Hour)
	l.rest()
	l.mustBe("policy", l.level(2), "-")
	l.move("a", func(s *v1alpha1.PilotWaveStatus) { // the wave is what it was on r1
		s.Attempt, s.Revision, s.Attempts, s.Phase = 1, 1, s.Attempts[:1], v1alpha1.PhaseSucceeded
	})
	l.rest()
	l.mustBe("revisions", l.revisions(), "0 Baseline, 1 Stable")
	l.mustBe("groups", l.admissions(), "a-1 r1 Admitted")
	l.ask("AzureAD")
	l.mustBe("another number", l.revisions(), "0 Baseline, 1 Stable, 3 Candidate")
}

// TestPromise13_CatalogMovesOn: a newer definition is told and changes nothing; a person's word takes it as a new revision.
func TestPromise13_CatalogMovesOn(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	hash := hashOf(l.policy(), 1)
	p := l.policy()
	r1 := &p.Status.Revisions[1]
	r1.Payloads[0].Settings[0].DefinitionID += "_older"
	r1.PayloadHash = settings.HashPinned(r1.Payloads)
	if err := l.kube.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.sim.ResetJournal()
	l.clock.Advance(time.Hour)
	l.rest()
	c := l.condition(v1alpha1.ConditionPayloadOutdated)
	if c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonDefinitionGone {
		t.Fatalf("%+v", l.policy().Status.Conditions)
	}
	l.mustBe("nothing is made", l.revisions(), "0 Baseline, 1 Candidate")
	l.edit(p, func() { p.Annotations = map[string]string{v1alpha1.AnnotationTake: "now"} })
	l.rest()
	if got := hashOf(l.policy(), 2); got == "" || l.policy().Status.HandledTake != "now" || got != hash {
		t.Errorf("%s, %+v", l.revisions(), l.policy().Status)
	}
	if c := l.condition(v1alpha1.ConditionPayloadOutdated); c != nil {
		t.Errorf("%+v", c)
	}
}

// TestPayloadThatIsHold: what hold sets already is refused, and what is live goes on.
func TestPayloadThatIsHold(t *testing.T) {
	l := puppets(t)
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
	l.rest()
	if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonPayloadEqualsHold {
		t.Errorf("%+v", l.policy().Status.Conditions)
	}
	if c := l.condition(v1alpha1.ConditionSettingsResolved); c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonPayloadEqualsHold {
		t.Errorf("%+v", c)
	}
	l.mustBe("r1", l.level(1), "group a-1")
	l.mustBe("revisions", l.revisions(), "0 Baseline, 1 Candidate")
}

// TestRevisionsLost: devices may have a revision of which no record is left, and its policy in the tenant was edited meanwhile:
// nothing of it is touched, and it is back when the spec says what it was.
func TestRevisionsLost(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	before := l.level(1)
	l.otherSettings(l.object(v1alpha1.RoleAllow).ID, l.object(v1alpha1.RoleHold).ID)
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	p.Status.Revisions = nil
	if err := l.kube.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.sim.ResetJournal()
	l.rest()
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonRevisionsLost || l.condition(v1alpha1.ConditionApplied).Status == metav1.ConditionTrue || len(l.changed()) > 0 {
		t.Errorf("%v, %+v", l.changed(), l.policy().Status.Conditions)
	}
	l.ask("")
	l.mustBe("restored", l.revisions(), "0 Baseline, 1 Candidate")
	l.mustBe("r1", l.level(1), before)
	l.takeBack("a")
	l.rest()
	l.mustBe("taken back", l.level(1), "")
}

// TestPromise14_PopulationGone: a population group that is gone is told with what it means, and what stands stays.
func TestPromise14_PopulationGone(t *testing.T) {
	l := puppets(t)
	before := l.level(0)
	p := l.policy()
	l.edit(p, func() { p.Spec.Population.Include[0].DisplayName = "Nobody" })
	l.rest()
	c := l.condition(v1alpha1.ConditionApplied)
	if c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonGroupNotFound || !strings.Contains(c.Message, "hold may reach nobody of it") {
		t.Errorf("%+v", c)
	}
	l.mustBe("hold", l.level(0), before)
	l.edit(p, func() { p.Spec.Population.Include[0].DisplayName = "Everyone" })
	l.rest()
	if c := l.condition(v1alpha1.ConditionApplied); c.Status != metav1.ConditionTrue {
		t.Errorf("%+v", c)
	}
}

// TestPromise03_PopulationOfEveryone: all devices are held by Intune's own target.
func TestPromise03_PopulationOfEveryone(t *testing.T) {
	l := puppets(t, func(p *v1alpha1.PasskeyPolicy) { p.Spec.Population = &v1alpha1.Population{All: true} })
	l.mustBe("hold", l.level(0), "allDevices ")
}

// otherSettings gives a policy in the tenant the settings of another one, as somebody may who edits it.
func (l *lab) otherSettings(id, like string) {
	l.t.Helper()
	live, err := l.admin().ConfigurationPolicy(l.t.Context(), id)
	if err != nil {
		l.t.Fatal(err)
	}
	if live.Settings, err = l.admin().PolicySettings(l.t.Context(), like); err != nil {
		l.t.Fatal(err)
	}
	if err := l.admin().ReplaceConfigurationPolicy(l.t.Context(), id, live); err != nil {
		l.t.Fatal(err)
	}
}
