// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

const (
	policiesRoute = "/beta/deviceManagement/configurationPolicies"
	assignRoute   = policiesRoute + "/*/assign"
)

// applied is a lab whose policy is in the tenant, with the given drift action.
func applied(t *testing.T, drift v1alpha1.DriftAction, groups ...tenantsim.GroupSpec) *lab {
	t.Helper()
	l := newLab(t, calm(groups...))
	p := newPolicy()
	p.Spec.Drift = drift
	l.apply(l.newTenant(), p)
	l.rest()
	if c := l.condition(v1alpha1.ConditionApplied); c == nil || c.Status != metav1.ConditionTrue {
		t.Fatalf("not applied: %+v", l.policy().Status)
	}
	l.clock.Advance(observe.ReplicationLag) // whatever is missing from now on was taken away
	l.sim.ResetJournal()
	l.events = nil
	return l
}

func (l *lab) condition(kind string) *metav1.Condition {
	return meta.FindStatusCondition(l.policy().Status.Conditions, kind)
}

func (l *lab) object(role v1alpha1.ObjectRole) *v1alpha1.TenantObject {
	l.t.Helper()
	for _, o := range l.policy().Status.Objects {
		if o.Role == role {
			return &o
		}
	}
	return nil
}

func (l *lab) faults(faults ...tenantsim.Fault) {
	l.t.Helper()
	if err := l.sim.SetFaults(faults); err != nil {
		l.t.Fatal(err)
	}
}

// admin is somebody else's client of the same tenant.
func (l *lab) admin() *graph.Client { return l.policies.Store.Client(policyKey) }

var policyKey = keyOf("corp")

// assigned lists the targets of a policy in the tenant, by group name.
func (l *lab) assigned(role v1alpha1.ObjectRole) string {
	l.t.Helper()
	return l.targetsOf(l.object(role).ID)
}

func (l *lab) targetsOf(id string) string {
	l.t.Helper()
	var out []string
	snap := l.sim.Snapshot(false)
	for _, p := range snap.Policies {
		if p.ID != id {
			continue
		}
		for _, a := range p.Assignments {
			name := a.Group
			for _, g := range snap.Groups {
				if g.ID == a.Group {
					name = g.DisplayName
				}
			}
			kind := strings.TrimSuffix(strings.TrimPrefix(a.Kind, "#microsoft.graph."), "AssignmentTarget")
			out = append(out, kind+" "+name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestAssignLostUnderReport: with drift Report, assignments that never reached the tenant are written again, whether the
// process learnt of the loss or died of it; nobody is accused of an edit, and the mark is gone in the end.
func TestAssignLostUnderReport(t *testing.T) {
	for name, mode := range map[string]tenantsim.FaultMode{"before it takes effect": tenantsim.FaultReset, "after it took effect": tenantsim.FaultLostAnswer} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash %t", name, crash), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, calm(group("First", 20)))
				p := newPolicy()
				p.Spec.Drift = v1alpha1.DriftReport
				l.apply(l.newTenant(), p)
				l.faults(tenantsim.Fault{Mode: mode, Match: tenantsim.FaultMatch{Route: assignRoute, Count: 2}})
				open := false
				for range 40 {
					l.round()
					if o := l.object(v1alpha1.RoleHold); o != nil && o.AssignSentAt != nil {
						open = true
						if len(o.IncludeGroups) != 1 {
							t.Errorf("the open write is not on record: %+v", o)
						}
						if crash {
							l.start(t)
						}
					}
				}
				if !open {
					t.Fatal("no write was ever open: the test sees nothing")
				}
				if got := l.assigned(v1alpha1.RoleHold); got != "group Everyone" {
					t.Errorf("hold is assigned to %q", got)
				}
				if c := l.condition(v1alpha1.ConditionDrifted); c == nil || c.Status != metav1.ConditionFalse {
					t.Errorf("our own write is taken for an edit: %+v", c)
				}
				l.clock.Advance(plan.ReplicationLag)
				l.rest()
				if o := l.object(v1alpha1.RoleHold); o.AssignSentAt != nil || len(o.IncludeGroups) != 1 {
					t.Errorf("still open: %+v", o)
				}
			})
		}
	}
}

// TestAssignRefused: assignments that the tenant refused leave no trace in the record.
func TestAssignRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, calm())
	l.apply(l.newTenant(), newPolicy())
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Route: assignRoute}})
	for range 20 {
		l.round()
	}
	if o := l.object(v1alpha1.RoleHold); o == nil || o.ID == "" || o.AssignSentAt != nil || len(o.IncludeGroups) > 0 {
		t.Errorf("%+v", o)
	}
	if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonForbidden {
		t.Errorf("%+v", c)
	}
	l.faults()
	l.rest()
	if got := l.assigned(v1alpha1.RoleHold); got != "group Everyone" {
		t.Errorf("hold is assigned to %q", got)
	}
}

// TestReportKeepsEdits: an assignment of ours that somebody removed stays removed under Report, and comes back under Correct.
func TestReportKeepsEdits(t *testing.T) {
	for drift, want := range map[v1alpha1.DriftAction]string{v1alpha1.DriftReport: "", v1alpha1.DriftCorrect: "group Everyone"} {
		t.Run(string(drift), func(t *testing.T) {
			l := applied(t, drift)
			if _, err := l.admin().Assign(t.Context(), l.object(v1alpha1.RoleHold).ID, nil); err != nil {
				t.Fatal(err)
			}
			l.rest()
			if got := l.assigned(v1alpha1.RoleHold); got != want {
				t.Errorf("hold is assigned to %q, want %q", got, want)
			}
			if !slices.ContainsFunc(l.events, func(e string) bool { return strings.Contains(e, "Warning "+v1alpha1.ReasonAssignmentMissing) }) {
				t.Errorf("the edit was not reported: %v", l.events)
			}
			if got := strings.Contains(l.condition(v1alpha1.ConditionApplied).Message, "spec.drift is Report"); got != (drift == v1alpha1.DriftReport) {
				t.Errorf("%+v", l.condition(v1alpha1.ConditionApplied))
			}
		})
	}
}

// TestPromise05_DeletedInTheTenant: a policy that somebody deletes is made again once under Correct, and never under
// Report, where its id stays on record until drift is set to Correct.
func TestPromise05_DeletedInTheTenant(t *testing.T) {
	t.Parallel()
	l := applied(t, v1alpha1.DriftReport)
	gone := l.object(v1alpha1.RoleAllow).ID
	if err := l.sim.DeletePolicy(gone); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		l.rest()
		l.start(t) // a new process knows it as well
	}
	if o := l.object(v1alpha1.RoleAllow); o == nil || o.ID != gone {
		t.Errorf("the id was forgotten: %+v", o)
	}
	if c := l.condition(v1alpha1.ConditionDrifted); c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonObjectDeleted {
		t.Errorf("%+v", c)
	}
	if got := l.changed(); len(got) > 0 {
		t.Errorf("under Report: %v", got)
	}

	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Route: policiesRoute, Method: "POST", Count: 1}})
	p := l.policy()
	l.edit(p, func() { p.Spec.Drift = v1alpha1.DriftCorrect })
	l.round()
	if o := l.object(v1alpha1.RoleAllow); o.ID != gone || o.CreateSentAt != nil {
		t.Errorf("a create that was refused forgot the id: %+v", o)
	}
	l.rest()
	if o := l.object(v1alpha1.RoleAllow); o == nil || o.ID == "" || o.ID == gone || o.CreateSentAt != nil {
		t.Errorf("%+v", o)
	}
	creates := 0
	for _, c := range l.changed() {
		if c == "POST "+policiesRoute {
			creates++
		}
	}
	if creates != 1 {
		t.Errorf("%d policies were made: %v", creates, l.changed())
	}
	if c := l.condition(v1alpha1.ConditionDrifted); c == nil || c.Status != metav1.ConditionFalse {
		t.Errorf("%+v", c)
	}
}

// TestPromise05_LostCreate: a create whose answer is lost is found by its marker; one that never arrived is made once.
func TestPromise05_LostCreate(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]tenantsim.FaultMode{"took effect": tenantsim.FaultLostAnswer, "did not arrive": tenantsim.FaultReset} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, calm())
			l.apply(l.newTenant(), newPolicy())
			l.faults(tenantsim.Fault{Mode: mode, Match: tenantsim.FaultMatch{Route: policiesRoute, Method: "POST", Count: 1}})
			for range 10 {
				l.round()
				l.start(t)
			}
			l.clock.Advance(plan.ReplicationLag)
			l.rest()
			if n := len(l.sim.Snapshot(false).Policies); n != 2 {
				t.Errorf("%d policies in the tenant", n)
			}
			for _, o := range l.policy().Status.Objects {
				if o.ID == "" || o.CreateSentAt != nil {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

// TestRestoredStatus: a status from a backup names objects that are gone, while newer ones carry the marker: they are
// taken, and no twin is made (P5).
func TestRestoredStatus(t *testing.T) {
	l := applied(t, v1alpha1.DriftCorrect)
	p := l.policy()
	for i := range p.Status.Objects {
		p.Status.Objects[i].ID = fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i)
	}
	if err := l.kube.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.rest()
	if got := l.changed(); len(got) > 0 || len(l.sim.Snapshot(false).Policies) != 2 {
		t.Errorf("%v", got)
	}
	for _, o := range l.policy().Status.Objects {
		if strings.HasPrefix(o.ID, "00000000-0000-4000") {
			t.Errorf("%+v", o)
		}
	}
}

// TestRenameIsAPatch: a name that somebody changed is written back by a PATCH, which leaves settings alone.
func TestRenameIsAPatch(t *testing.T) {
	l := applied(t, v1alpha1.DriftCorrect)
	allow := l.object(v1alpha1.RoleAllow)
	live, err := l.admin().ConfigurationPolicy(t.Context(), allow.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.admin().RenameConfigurationPolicy(t.Context(), allow.ID, "mine now", live.Description); err != nil {
		t.Fatal(err)
	}
	l.sim.ResetJournal()
	l.rest()
	if got := l.changed(); len(got) != 1 || !strings.HasPrefix(got[0], "PATCH "+policiesRoute) {
		t.Errorf("%v", got)
	}
	again, err := l.admin().ConfigurationPolicy(t.Context(), allow.ID)
	if err != nil || again.Name != allow.Name {
		t.Errorf("%+v, %v", again, err)
	}
	if !slices.ContainsFunc(l.events, func(e string) bool { return strings.Contains(e, "Warning "+v1alpha1.ReasonNameEdited) }) {
		t.Errorf("%v", l.events)
	}
}

// TestPromise06_MarkerGone: a policy that lost the marker is not ours to touch.
func TestPromise06_MarkerGone(t *testing.T) {
	l := applied(t, v1alpha1.DriftCorrect)
	allow := l.object(v1alpha1.RoleAllow)
	if err := l.admin().RenameConfigurationPolicy(t.Context(), allow.ID, allow.Name, "rewritten"); err != nil {
		t.Fatal(err)
	}
	l.sim.ResetJournal()
	l.rest()
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonObjectNotOwned || !strings.Contains(c.Message, "put the marker back") || len(l.changed()) > 0 {
		t.Errorf("%+v %v", c, l.changed())
	}
}

// TestPolicyCannotGoOn: each obstacle is a condition with the thing and the remedy, and writes nothing to the tenant.
func TestPolicyCannotGoOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(l *lab, ten *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy)
		kind   string
		reason string
		parts  []string
	}{
		{"suspended", func(_ *lab, _ *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy) { p.Spec.Suspend = true },
			v1alpha1.ConditionReady, v1alpha1.ReasonSuspended, []string{"nothing but what a rollback takes back is written"}},
		{"tenant suspended", func(_ *lab, ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) { ten.Spec.Suspend = true },
			v1alpha1.ConditionReconciling, v1alpha1.ReasonSuspended, []string{`Tenant "corp" is suspended`}},
		{"no tenant", func(_ *lab, _ *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy) { p.Spec.TenantRef.Name = "nowhere" },
			v1alpha1.ConditionStalled, v1alpha1.ReasonTenantRefNotFound, []string{"spec.tenantRef", `"nowhere"`, "create it"}},
		{"tenant not connected", func(_ *lab, ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) {
			ten.Spec.Auth.ClientSecret.SecretRef.Name = "nothing"
		}, v1alpha1.ConditionReconciling, v1alpha1.ReasonTenantFailed, []string{v1alpha1.ReasonSecretNotFound}},
		{"setting missing", func(_ *lab, _ *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy) {
			p.Spec.Settings.SyncScope = "EnterpriseManaged"
		}, v1alpha1.ConditionStalled, v1alpha1.ReasonSettingMissing, []string{"syncScope", "onMissingSetting"}},
		{"no such population", func(_ *lab, _ *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy) {
			p.Spec.Population.Include[0].DisplayName = "Nobody"
		}, v1alpha1.ConditionStalled, v1alpha1.ReasonGroupNotFound, []string{`"Nobody"`, "create it, or correct the name"}},
		{"catalog out", func(l *lab, _ *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) {
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 500, Match: tenantsim.FaultMatch{Route: "/beta/deviceManagement/configurationSettings"}})
		}, v1alpha1.ConditionReconciling, v1alpha1.ReasonTransient, []string{"search the settings catalog"}},
		{"policies out", func(l *lab, _ *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) {
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Route: policiesRoute}})
		}, v1alpha1.ConditionReconciling, v1alpha1.ReasonTransient, []string{"read the policies in the tenant"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, calm())
			ten, p := l.newTenant(), newPolicy()
			tt.change(l, ten, p)
			l.apply(ten, p)
			l.rest()
			c := l.condition(tt.kind)
			want := metav1.ConditionTrue
			if tt.kind == v1alpha1.ConditionReady { // which is true of nothing that cannot go on
				want = metav1.ConditionUnknown
			}
			if c == nil || c.Status != want || c.Reason != tt.reason || len(l.changed()) > 0 || l.policy().Status.Reason != tt.reason {
				t.Fatalf("%+v, changes %v", l.policy().Status, l.changed())
			}
			for _, part := range tt.parts {
				if !strings.Contains(c.Message, part) {
					t.Errorf("want %q in %q", part, c.Message)
				}
			}
		})
	}
}

// TestEnforceOnly says that it restrains no one, and has no hold.
func TestEnforceOnly(t *testing.T) {
	l := newLab(t, calm())
	p := newPolicy()
	p.Spec.Mode, p.Spec.Population, p.Spec.Paused = v1alpha1.ModeEnforceOnly, nil, true
	l.apply(l.newTenant(), p)
	l.rest()
	if c := l.condition(v1alpha1.ConditionReady); c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, "restrains no one") {
		t.Errorf("%+v", c)
	}
	if o := l.policy().Status.Objects; len(o) != 1 || o[0].Role != v1alpha1.RoleAllow {
		t.Errorf("%+v", o)
	}
	if c := l.condition(v1alpha1.ConditionPaused); c == nil {
		t.Error("paused is not shown")
	}
	if c := l.condition(v1alpha1.ConditionRolloutComplete); c.Reason != v1alpha1.ReasonNoWaves {
		t.Errorf("%+v", c)
	}
}
