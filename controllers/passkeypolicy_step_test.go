// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise09_RollbackNeedsNothingElse: whatever else about the policy cannot be read or resolved, a rollback takes the
// payload back.
func TestPromise09_RollbackNeedsNothingElse(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, l *lab){
		"hold lost its marker": func(t *testing.T, l *lab) {
			if err := l.admin().RenameConfigurationPolicy(t.Context(), l.object(v1alpha1.RoleHold).ID, "mine", "no marker"); err != nil {
				t.Fatal(err)
			}
		},
		"the population is gone": func(_ *testing.T, l *lab) {
			p := l.policy()
			l.edit(p, func() { p.Spec.Population.Include[0].DisplayName = "Nobody" })
		},
		"a setting is missing": func(_ *testing.T, l *lab) {
			p := l.policy()
			l.edit(p, func() { p.Spec.Settings.PasskeySync = v1alpha1.Enabled })
		},
		"a copy cannot be read": func(_ *testing.T, l *lab) {
			marker := observe.Owner{Cluster: "cluster", UID: "uid-pkp"}.Marker(plan.LevelKey(v1alpha1.PlatformWindows, 0))
			duplicate := l.makePolicy("Copy", marker)
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: policiesRoute + "/" + duplicate + "/assignments"}})
		},
		"the list is refused": func(_ *testing.T, l *lab) {
			l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: policiesRoute}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := exposing(t, []string{"a"})
			spoil(t, l)
			l.clock.Advance(time.Hour)
			l.rest()
			l.takeBack("a")
			l.rest()
			if got := l.assigned(v1alpha1.RoleAllow); got != "" {
				t.Errorf("r1 is still assigned to %s: %+v", got, l.policy().Status.Conditions)
			}
			l.lag()
			if got := l.assigned(v1alpha1.RoleHold); got != "group Everyone" && name != "hold lost its marker" {
				t.Errorf("hold has not taken the devices back: %s", got)
			}
		})
	}
}

// TestPromise01_HoldWaitsForAllow: where allow cannot be read, hold does not take back what allow may still have.
func TestPromise01_HoldWaitsForAllow(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"})
	before := l.assigned(v1alpha1.RoleHold)
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: policiesRoute + "/" + l.object(v1alpha1.RoleAllow).ID + "/assignments"}})
	l.clock.Advance(time.Hour)
	l.rest()
	l.takeBack("a")
	l.rest()
	l.lag()
	if got := l.assigned(v1alpha1.RoleHold); got != before {
		t.Errorf("hold %s, and allow %s", got, l.assigned(v1alpha1.RoleAllow))
	}
	l.faults()
	l.clock.Advance(time.Hour)
	l.rest()
	l.lag()
	if allow, hold := l.assigned(v1alpha1.RoleAllow), l.assigned(v1alpha1.RoleHold); allow != "" || hold != "group Everyone" {
		t.Errorf("allow %q, hold %q", allow, hold)
	}
}

// TestPromise09_OnePlatformDoesNotHoldUpAnother: a rollback that the tenant refuses for one platform goes through for the
// other, to its end.
func TestPromise09_OnePlatformDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"}, bothPlatforms)
	mac := ""
	for _, o := range l.policy().Status.Objects {
		if o.Role == v1alpha1.RoleAllow && o.Platform == v1alpha1.PlatformMacOS {
			mac = o.ID
		}
	}
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 400, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute + "/" + mac + "/assign"}})
	l.takeBack("a")
	writes := l.writes
	for range 20 {
		l.round()
		l.clock.Advance(30 * time.Second)
	}
	for _, o := range l.policy().Status.Objects {
		if o.Platform == v1alpha1.PlatformWindows && o.Role == v1alpha1.RoleAllow && len(o.IncludeGroups) > 0 {
			t.Errorf("Windows is not taken back because macOS is refused: %+v", o)
		}
	}
	if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonInvalid || !strings.Contains(c.Message, "MacOS/r1") {
		t.Errorf("after %d writes: %+v", l.writes-writes, l.policy().Status.Conditions)
	}
	held := func() (out []v1alpha1.Platform) {
		for _, o := range l.policy().Status.Objects {
			if o.Role == v1alpha1.RoleHold && len(o.ExcludeGroups) > 0 {
				out = append(out, o.Platform)
			}
		}
		return out
	}
	if got := held(); len(got) != 2 {
		t.Errorf("given back before devices have let go: only %v are excluded from hold", got)
	}
	for range 3 {
		l.clock.Advance(plan.AssignmentLag / 2)
		l.round()
		l.round()
	}
	if got := held(); !slices.Equal(got, []v1alpha1.Platform{v1alpha1.PlatformMacOS}) {
		t.Errorf("excluded from hold on %v: Windows has let go, macOS has not; %+v", got, l.policy().Status.Waves)
	}
	l.faults()
	for range 8 {
		l.clock.Advance(plan.AssignmentLag / 2)
		l.round()
		l.round()
	}
	l.mustBe("in the end", l.admissions(), "a-1 r1 Withdrawn")
	if got := held(); len(got) != 0 {
		t.Errorf("excluded from hold on %v", got)
	}
}

// TestPromise11_RefusedPayloadIsNotApplied: settings that the tenant does not take are not reported as applied.
func TestPromise11_RefusedPayloadIsNotApplied(t *testing.T) {
	l := applied(t, v1alpha1.DriftCorrect)
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 400, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute}})
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	for range 6 {
		l.round()
	}
	if c := l.condition(v1alpha1.ConditionApplied); c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonApplying {
		t.Errorf("%+v", c)
	}
	if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonInvalid {
		t.Errorf("%+v", c)
	}
}

// TestPromise05_TenantThatIsLate: a policy that was made and is not shown yet is not made again, and what was assigned is
// not assigned again, nor taken for somebody's edit.
func TestPromise05_TenantThatIsLate(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{0, 3 * time.Second, 40 * time.Second} {
		l := newLab(t, calm())
		late := tenantsim.Fixed(30 * time.Second)
		l.setScenario(func(sc *tenantsim.Scenario) { sc.Lag = &tenantsim.Lag{Read: late, List: late} })
		l.apply(l.newTenant(), newPolicy())
		most := 0
		for range 60 {
			l.round()
			most = max(most, len(l.sim.Snapshot(false).Policies))
			l.clock.Advance(every)
		}
		if most != 2 && (every > 0 || most != 1) { // where time stands still, the first one is waited for
			t.Errorf("a look every %s: %d policies where 2 are wanted", every, most)
		}
		l.until("applied", 5, func() bool { return l.condition(v1alpha1.ConditionApplied).Status == metav1.ConditionTrue })
		if got := l.assigned(v1alpha1.RoleHold); got != "group Everyone" || l.condition(v1alpha1.ConditionDrifted).Status != metav1.ConditionFalse || len(l.sim.Snapshot(false).Policies) != 2 {
			t.Errorf("a look every %s: hold %q, %+v", every, got, l.policy().Status.Conditions)
		}
		if got := l.changed(); len(got) != 3 {
			t.Errorf("a look every %s: %v", every, got)
		}
		for _, e := range l.events {
			if strings.Contains(e, v1alpha1.ReasonAssignmentMissing) || strings.Contains(e, v1alpha1.ReasonObjectDeleted) {
				t.Errorf("a look every %s: %s", every, e)
			}
		}
	}
}

// TestPromise07_DeletionTakesWhatItCan: a policy that lost its marker stays and is named; it keeps no other one in the
// tenant.
func TestPromise07_DeletionTakesWhatItCan(t *testing.T) {
	l := applied(t, v1alpha1.DriftCorrect)
	hold := l.object(v1alpha1.RoleHold).ID
	if err := l.admin().RenameConfigurationPolicy(t.Context(), hold, "mine", "no marker"); err != nil {
		t.Fatal(err)
	}
	if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
		t.Fatal(err)
	}
	l.rest()
	list := l.sim.Snapshot(false).Policies
	c := l.condition(v1alpha1.ConditionStalled)
	if len(list) != 1 || list[0].ID != hold || c == nil || c.Reason != v1alpha1.ReasonTenantObjectsRemain || !strings.Contains(c.Message, hold) {
		t.Errorf("%d policies, %+v", len(list), c)
	}
}

// TestPromise09_RefusedRollbackIsTold: a rollback that the tenant does not take is what the policy says first, also when it
// is blocked for another reason.
func TestPromise09_RefusedRollbackIsTold(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"})
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.PasskeySync = v1alpha1.Enabled })
	l.clock.Advance(time.Hour)
	l.rest()
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: assignRoute}})
	l.takeBack("a")
	l.round()
	res, err := l.policies.Reconcile(t.Context(), requestOf("pkp"))
	c := l.condition(v1alpha1.ConditionStalled)
	if err != nil || c == nil || c.Reason != v1alpha1.ReasonForbidden || !strings.Contains(c.Message, "Windows/r1") || !strings.Contains(c.Message, "besides: passkeySync") || res.RequeueAfter > report.RefusedLook {
		t.Errorf("again in %s, %v: %+v", res.RequeueAfter, err, c)
	}
}

// TestCopyHidesNothing: a copy that cannot be removed does not make a refused rollback look applied.
func TestCopyHidesNothing(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"}, bothPlatforms)
	mac, copied := "", ""
	for _, o := range l.policy().Status.Objects {
		if o.Role == v1alpha1.RoleAllow && o.Platform == v1alpha1.PlatformMacOS {
			mac = o.ID
		}
		if o.Role == v1alpha1.RoleHold && o.Platform == v1alpha1.PlatformWindows {
			copied = l.copyOf(o.ID)
		}
	}
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 400, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute + "/" + mac + "/assign"}},
		tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 503, Match: tenantsim.FaultMatch{Method: http.MethodDelete, Route: policiesRoute + "/" + copied}})
	l.takeBack("a")
	for range 20 {
		l.round()
		l.clock.Advance(30 * time.Second)
	}
	if c := l.condition(v1alpha1.ConditionApplied); c.Status == metav1.ConditionTrue {
		t.Errorf("macOS is still assigned, and %+v", c)
	}
}

// copyOf makes a second policy with the name and the marker of another one.
func (l *lab) copyOf(id string) string {
	l.t.Helper()
	live, err := l.admin().ConfigurationPolicy(l.t.Context(), id)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.makePolicy(live.Name, live.Description)
}

// TestPromise07_DeletionTakesCopies: a deletion does not end before the second policy of a repeated create is gone.
func TestPromise07_DeletionTakesCopies(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]tenantsim.Fault{
		"its removal is refused": {Match: tenantsim.FaultMatch{Method: http.MethodDelete, Count: 2}},
		"it cannot be read":      {Match: tenantsim.FaultMatch{Method: http.MethodGet, Count: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			l := applied(t, v1alpha1.DriftCorrect)
			copied := l.copyOf(l.object(v1alpha1.RoleHold).ID)
			fault.Mode, fault.Status, fault.Match.Route = tenantsim.FaultStatus, 403, policiesRoute+"/"+copied
			if fault.Match.Method == http.MethodGet {
				fault.Match.Route += "/assignments"
			}
			l.faults(fault)
			if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				l.round()
				l.clock.Advance(time.Minute)
			}
			if list := l.sim.Snapshot(false).Policies; len(list) != 0 {
				t.Errorf("left behind: %+v", list)
			}
		})
	}
}

func bothPlatforms(p *v1alpha1.PasskeyPolicy) {
	p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformMacOS, v1alpha1.PlatformWindows}
}
