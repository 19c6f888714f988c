// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// makePolicy makes a policy in the tenant as an admin or another operator does, and returns its id.
func (l *lab) makePolicy(name, description string) string {
	l.t.Helper()
	made, err := l.admin().CreateConfigurationPolicy(l.t.Context(), graph.ConfigurationPolicy{
		Name: name, Description: description, Platforms: "windows10", Technologies: "mdm", RoleScopeTagIDs: []string{"0"},
		Settings: []graph.Setting{{Instance: graph.ChoiceSetting(tenantsim.PasskeysWindowsDevice, tenantsim.PasskeysWindowsDevice+"_1")}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return made.ID
}

func (l *lab) has(id string) bool {
	for _, p := range l.sim.Snapshot(false).Policies {
		if p.ID == id {
			return true
		}
	}
	return false
}

var elsewhere = observe.Owner{Cluster: "another-cluster", UID: "u"}.Marker(plan.LevelKey(v1alpha1.PlatformWindows, 0))

// TestPromise06_NewcomerStops: an operator that finds the policies of another cluster writes nothing, says whose they are
// and what to do, keeps its waves from starting, and goes on when they are gone.
func TestPromise06_NewcomerStops(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm(group("First", 20)))
	l.apply(l.newTenant())
	l.rest()
	theirs := l.makePolicy("Tidegate east/edge Windows Hold", "Managed elsewhere. "+elsewhere)
	l.sim.ResetJournal()
	l.apply(newPolicy(), newWave("a", "First"))
	l.rest()
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonOtherOperator || !strings.Contains(c.Message, "another-cluster") || !strings.Contains(c.Message, "Tidegate east/edge Windows Hold") {
		t.Fatalf("%+v", l.policy().Status.Conditions)
	}
	if got := l.changed(); len(got) != 0 {
		t.Errorf("written beside another operator: %v", got)
	}
	if w := l.wave("a"); w.Status.Phase != v1alpha1.PhasePending || w.Status.Decision.Reason != v1alpha1.ReasonPolicyNotReady {
		t.Errorf("%s, %+v", w.Status.Phase, w.Status.Decision)
	}
	if err := l.sim.DeletePolicy(theirs); err != nil {
		t.Fatal(err)
	}
	l.until("applied", 2, func() bool {
		c := l.condition(v1alpha1.ConditionApplied)
		return c != nil && c.Status == metav1.ConditionTrue
	})
}

// TestPromise06_IncumbentStops: an operator beside which another one turns up exposes no further device, and can still take
// back what it did and leave.
func TestPromise06_IncumbentStops(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"})
	theirs := l.makePolicy("Tidegate east/edge Windows Hold", elsewhere)
	l.clock.Advance(status.StoppedLook)
	l.round()
	l.attempt("b", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.mustBe("nobody joins beside another operator", l.level(1), "group a-1")
	l.mustBe("nobody is let go of", l.level(0), "exclusionGroup a-1, group Everyone")
	l.takeBack("a")
	for range 10 {
		l.round()
		if c := l.condition(v1alpha1.ConditionApplied); c.Reason != v1alpha1.ReasonOtherOperator {
			t.Errorf("another operator is there, and waves read %+v", c)
		}
	}
	l.mustBe("taken back", l.level(1), "")
	if err := l.kube.Delete(t.Context(), l.wave("b")); err != nil {
		t.Fatal(err)
	}
	if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
		t.Fatal(err)
	}
	if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
		t.Fatal(err)
	}
	l.rest()
	if err := l.kube.Get(t.Context(), keyOf("pkp"), &v1alpha1.PasskeyPolicy{}); !apierrors.IsNotFound(err) {
		t.Errorf("the policy cannot leave: %v", err)
	}
	if list := l.sim.Snapshot(false).Policies; len(list) != 1 || list[0].ID != theirs {
		t.Errorf("left behind: %+v", list)
	}
}

// TestPromise05_CreateDeliveredTwice: the second policy that a gateway made by delivering a create twice is removed, and the
// one on record is the one that is assigned.
func TestPromise05_CreateDeliveredTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm())
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultDuplicate, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute}})
	l.apply(l.newTenant(), newPolicy())
	most := 0
	for range 20 {
		l.round()
		most = max(most, len(l.sim.Snapshot(false).Policies))
	}
	if most < 3 {
		t.Fatalf("never more than %d policies: the fault hit nothing", most)
	}
	list := l.sim.Snapshot(false).Policies
	if len(list) != 2 || !l.has(l.object(v1alpha1.RoleAllow).ID) || !l.has(l.object(v1alpha1.RoleHold).ID) || l.assigned(v1alpha1.RoleHold) != "group Everyone" {
		t.Errorf("%d policies, on record %+v", len(list), l.policy().Status.Objects)
	}
	if c := l.condition(v1alpha1.ConditionApplied); c == nil || c.Status != metav1.ConditionTrue {
		t.Errorf("%+v", l.policy().Status.Conditions)
	}
}

// TestPromise06_PortalDuplicateIsKept: a duplicate that an admin made in the portal takes our description along. It is
// theirs: reported, and never removed or changed, not even when the policy itself is deleted.
func TestPromise06_PortalDuplicateIsKept(t *testing.T) {
	l := applied(t, v1alpha1.DriftCorrect)
	allow := l.object(v1alpha1.RoleAllow)
	marker := observe.Owner{Cluster: "cluster", UID: "uid-pkp"}.Marker(plan.LevelKey(v1alpha1.PlatformWindows, 1))
	duplicate := l.makePolicy("Copy of "+allow.Name, "ours now "+marker)
	before := settingsOf(l, duplicate)
	l.clock.Advance(time.Hour)
	l.rest()
	c := l.condition(v1alpha1.ConditionDrifted)
	if c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonMarkerCopied || !strings.Contains(c.Message, duplicate) {
		t.Errorf("%+v", c)
	}
	if r := l.condition(v1alpha1.ConditionReady); r.Status != metav1.ConditionTrue {
		t.Errorf("%+v", r)
	}
	if err := l.sim.DeletePolicy(allow.ID); err != nil { // the duplicate must not take its place
		t.Fatal(err)
	}
	l.clock.Advance(time.Hour)
	l.rest()
	if o := l.object(v1alpha1.RoleAllow); o.ID == duplicate || o.ID == allow.ID || !l.has(o.ID) {
		t.Errorf("on record %+v", o)
	}
	if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
		t.Fatal(err)
	}
	l.rest()
	if list := l.sim.Snapshot(false).Policies; len(list) != 1 || list[0].ID != duplicate || settingsOf(l, duplicate) != before {
		t.Errorf("left: %+v", list)
	}
}

func settingsOf(l *lab, id string) string {
	l.t.Helper()
	live, err := l.admin().PolicySettings(l.t.Context(), id)
	if err != nil {
		l.t.Fatal(err)
	}
	if !observe.SameSettings([]settings.Instance{{DefinitionID: tenantsim.PasskeysWindowsDevice, Kind: settings.InstanceChoice, Value: tenantsim.PasskeysWindowsDevice + "_1"}}, live) {
		return "changed"
	}
	return "as made"
}

// TestPromise07_WaveLeavesBesideOtherOperator: a wave that is deleted, or rolled back, gives its devices back to hold, also
// while another operator stops everything else.
func TestPromise07_WaveLeavesBesideOtherOperator(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(l *lab){
		"deleted": func(l *lab) {
			w := l.wave("a")
			l.edit(w, func() { w.Finalizers = []string{v1alpha1.Finalizer} })
			if err := l.kube.Delete(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		},
		"rolled back": func(l *lab) { l.takeBack("a") },
	} {
		t.Run(name, func(t *testing.T) {
			l := exposing(t, []string{"a"})
			l.makePolicy("Tidegate east/edge Windows Hold", elsewhere)
			l.clock.Advance(status.StoppedLook)
			l.rest()
			leave(l)
			for range 3 {
				l.lag()
			}
			l.mustBe("r1", l.level(1), "")
			l.mustBe("hold", l.level(0), "group Everyone")
			l.mustBe("withdrawn", l.admissions(), "a-1 r1 Withdrawn")
		})
	}
}

// TestCopyThatCannotBeRemoved: what reaches nobody holds up nothing.
func TestCopyThatCannotBeRemoved(t *testing.T) {
	l := newLab(t, calm(group("First", 20)))
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultDuplicate, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute, Nth: 1}},
		tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: http.MethodDelete, Route: policiesRoute + "/*"}})
	l.apply(l.newTenant(), newPolicy())
	for range 10 {
		l.round()
		l.clock.Advance(time.Minute)
	}
	if got, c := l.assigned(v1alpha1.RoleHold), l.condition(v1alpha1.ConditionApplied); got != "group Everyone" || c.Status != metav1.ConditionTrue || len(l.sim.Snapshot(false).Policies) != 3 {
		t.Errorf("hold is assigned to %q, %+v", got, c)
	}
	if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonForbidden || !strings.Contains(c.Message, "RemoveCopy") {
		t.Errorf("nobody hears of it: %+v", l.policy().Status.Conditions)
	}
	l.faults()
	l.clock.Advance(time.Hour)
	l.rest()
	if n := len(l.sim.Snapshot(false).Policies); n != 2 {
		t.Errorf("%d policies: the copy is forgotten", n)
	}
}

// TestPromise06_DuplicateIsNotAdopted: a portal duplicate of a policy that went is not taken for it when it is wanted
// again: the policy says what to do, and does it when the marker is out of the description.
func TestPromise06_DuplicateIsNotAdopted(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant())
	l.rest()
	marker := observe.Owner{Cluster: "cluster", UID: "uid-pkp"}.Marker(plan.LevelKey(v1alpha1.PlatformWindows, 0))
	duplicate := l.makePolicy("Copy of hold", "ours now "+marker)
	l.apply(newPolicy())
	l.rest()
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonMarkerCopied || !strings.Contains(c.Message, duplicate) || settingsOf(l, duplicate) != "as made" {
		t.Fatalf("%+v, settings %s", l.policy().Status.Conditions, settingsOf(l, duplicate))
	}
	if err := l.admin().RenameConfigurationPolicy(t.Context(), duplicate, "mine", "mine"); err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(time.Hour)
	l.rest()
	if o := l.object(v1alpha1.RoleHold); o == nil || o.ID == duplicate || l.assigned(v1alpha1.RoleHold) != "group Everyone" || settingsOf(l, duplicate) != "as made" {
		t.Errorf("%+v", l.policy().Status)
	}
}

// TestPromise01_OtherPolicy: the younger of two policies of one tenant that share somebody writes nothing, and goes on when
// the older one has left them; what a policy that is gone has left counts as one, too.
func TestPromise01_OtherPolicy(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	second := newPolicy()
	second.Name, second.CreationTimestamp = "second", metav1.NewTime(l.clock.Now().Add(time.Hour))
	l.apply(second)
	l.sim.ResetJournal()
	step := func() *metav1.Condition {
		t.Helper()
		for range 6 {
			if _, err := l.policies.Reconcile(t.Context(), requestOf("second")); err != nil {
				t.Fatal(err)
			}
		}
		l.read(second)
		return meta.FindStatusCondition(second.Status.Conditions, v1alpha1.ConditionStalled)
	}
	c := step()
	if c == nil || c.Reason != v1alpha1.ReasonOtherPolicy || !strings.Contains(c.Message, "ns/pkp") || !strings.Contains(c.Message, "both include group") || len(l.changed()) > 0 {
		t.Fatalf("%v, %+v", l.changed(), second.Status.Conditions)
	}
	if got := l.condition(v1alpha1.ConditionReady); got.Status != metav1.ConditionTrue {
		t.Errorf("the older one: %+v", got)
	}
	p := l.policy()
	l.edit(p, func() { p.Spec.DeletionPolicy = v1alpha1.DeletionOrphan })
	if err := l.kube.Delete(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.round()
	if c := step(); c == nil || c.Reason != v1alpha1.ReasonOtherPolicy || !strings.Contains(c.Message, "uid-pkp") || len(l.changed()) > 0 {
		t.Fatalf("%v, %+v", l.changed(), second.Status.Conditions)
	}
	for _, left := range l.sim.Snapshot(false).Policies {
		if err := l.sim.DeletePolicy(left.ID); err != nil {
			t.Fatal(err)
		}
	}
	l.clock.Advance(status.StoppedLook)
	if c := step(); c != nil || !meta.IsStatusConditionTrue(second.Status.Conditions, v1alpha1.ConditionApplied) {
		t.Errorf("%+v", second.Status.Conditions)
	}
}
