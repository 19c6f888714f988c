// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/status"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// guarded is a lab whose tenant wants two people for every change of a settings catalog policy.
func guarded(t *testing.T, faults ...tenantsim.Fault) *lab {
	t.Helper()
	sc := calm(group("First", 20))
	sc.Approvals = []string{"configurationPolicies"}
	l := newLab(t, sc)
	l.faults(faults...)
	l.apply(l.newTenant(), newPolicy())
	return l
}

// decide approves or rejects what waits for a person, and returns how many requests that were.
func (l *lab) decide(approve bool) int {
	l.t.Helper()
	n := 0
	for _, a := range l.sim.Approvals() {
		if a.Status != "needsApproval" {
			continue
		}
		n++
		do := l.sim.Reject
		if approve {
			do = l.sim.Approve
		}
		if err := do(a.ID); err != nil {
			l.t.Fatal(err)
		}
	}
	return n
}

// signAll approves one request after the other until the policy is applied.
func (l *lab) signAll() {
	l.t.Helper()
	for range 20 {
		l.rest()
		if c := l.condition(v1alpha1.ConditionApplied); c != nil && c.Status == metav1.ConditionTrue {
			return
		}
		if n := l.decide(true); n > 1 {
			l.t.Fatalf("%d requests wait for one write: %v", n, l.sim.Approvals())
		}
		l.clock.Advance(report.ApprovalPoll)
	}
	l.t.Fatalf("not applied: %+v", l.policy().Status)
}

// TestApprovalIsAskedOnce: a write that people have to approve is a state of its own with the code of the request; it is
// asked for once, however long they take, survives a new process, and goes on when they agree.
func TestApprovalIsAskedOnce(t *testing.T) {
	t.Parallel()
	l := guarded(t)
	l.rest()
	c := l.condition(v1alpha1.ConditionWaitingForApproval)
	asked := l.sim.Approvals()
	if len(asked) != 1 || c == nil || c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonApprovalRequired || !strings.Contains(c.Message, asked[0].ID) {
		t.Fatalf("condition %+v, requests %v", c, asked)
	}
	if r := l.condition(v1alpha1.ConditionReconciling); r == nil || r.Reason != v1alpha1.ReasonApprovalRequired || l.policy().Status.Reason != v1alpha1.ReasonApprovalRequired {
		t.Errorf("%+v", l.policy().Status.Conditions)
	}
	if got := asked[0].Justification; !strings.Contains(got, "PasskeyPolicy ns/pkp: Create ") {
		t.Errorf("people read %q", got)
	}
	p := l.policy().Status.Approvals
	if len(p) != 1 || p[0].Code != asked[0].ID || p[0].State != v1alpha1.ApprovalWaiting || len(p[0].Digest) != 64 {
		t.Errorf("on record: %+v", p)
	}
	writes := l.writes
	for range 5 {
		l.clock.Advance(time.Hour)
		l.start(t)
		l.tenants.Store = l.policies.Store
		l.round()
		l.round()
	}
	if len(l.sim.Approvals()) != 1 || len(l.sim.Snapshot(false).Policies) != 0 {
		t.Errorf("asked again: %v", l.sim.Approvals())
	}
	if l.policies.Store.Client(policyKey) == nil {
		t.Fatal("the test looks at a process that never reached the tenant")
	}
	if inventory := 5; l.writes-writes > inventory { // the Tenant's reading of the fleet, once an hour
		t.Errorf("%d writes while people think", l.writes-writes)
	}
	l.signAll()
	if n := len(l.sim.Approvals()); n != 3 { // two policies are made, and hold is assigned
		t.Errorf("%d requests: %v", n, l.sim.Approvals())
	}
	for _, a := range l.sim.Approvals() {
		if a.Status != "completed" {
			t.Errorf("%+v", a)
		}
	}
	if s := l.policy().Status; len(s.Approvals) != 0 || l.condition(v1alpha1.ConditionWaitingForApproval) != nil || s.Reason != v1alpha1.ReasonSucceeded {
		t.Errorf("%+v", s)
	}
	if got := l.assigned(v1alpha1.RoleHold); got != "group Everyone" || len(l.sim.Snapshot(false).Policies) != 2 {
		t.Errorf("hold is assigned to %q", got)
	}
}

// TestApprovalSurvivesLostAnswers: neither the answer with the code nor the answer to the approved write may be lost at the
// price of a second request or a second policy (P5).
func TestApprovalSurvivesLostAnswers(t *testing.T) {
	t.Parallel()
	for name, nth := range map[string]int{"with the code": 2, "to the approved write": 3} {
		for _, crash := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				l := guarded(t, tenantsim.Fault{Mode: tenantsim.FaultLostAnswer, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute, Nth: nth}})
				for range 8 {
					l.round()
					if crash {
						l.start(t)
					}
					l.decide(true)
				}
				l.clock.Advance(plan.ApprovalLag)
				l.signAll()
				if n := len(l.sim.Approvals()); n != 3 || len(l.sim.Snapshot(false).Policies) != 2 {
					t.Errorf("crash %t: %d requests, %d policies: %+v", crash, n, len(l.sim.Snapshot(false).Policies), l.sim.Approvals())
				}
			})
		}
	}
}

// TestApprovalRefused: a write that people reject is not asked for again until somebody asks for that.
func TestApprovalRefused(t *testing.T) {
	l := guarded(t)
	l.rest()
	l.decide(false)
	for range 3 {
		l.clock.Advance(report.ApprovalPoll)
		l.rest()
	}
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonApprovalRefused || !strings.Contains(c.Message, "rejected") || !strings.Contains(c.Message, v1alpha1.AnnotationRetry) || len(l.sim.Approvals()) != 1 {
		t.Fatalf("%+v after %v", l.policy().Status.Conditions, l.sim.Approvals())
	}
	if w := l.condition(v1alpha1.ConditionWaitingForApproval); w == nil || w.Status != metav1.ConditionFalse {
		t.Errorf("%+v", w)
	}
	p := l.policy()
	l.edit(p, func() { p.Annotations = map[string]string{v1alpha1.AnnotationRetry: "please"} })
	l.rest()
	if n := len(l.sim.Approvals()); n != 2 || l.condition(v1alpha1.ConditionStalled) != nil {
		t.Fatalf("%d requests, %+v", n, l.policy().Status.Conditions)
	}
	l.decide(false)
	for range 3 {
		l.clock.Advance(report.ApprovalPoll)
		l.rest()
	}
	if n := len(l.sim.Approvals()); n != 2 || l.condition(v1alpha1.ConditionStalled) == nil {
		t.Fatalf("one annotation, %d requests, %+v", n, l.policy().Status.Conditions)
	}
	l.edit(p, func() { p.Annotations[v1alpha1.AnnotationRetry] = "once more" })
	l.signAll()
}

// TestPromise05_ApprovalSurvivesCrashes lets the process die at each of its writes to the API server, while the policies
// are made and while they are removed: every write to the tenant is asked for once.
func TestPromise05_ApprovalSurvivesCrashes(t *testing.T) {
	for name, tt := range map[string]struct {
		remove           bool
		asked, remaining int
	}{"made": {false, 3, 2}, "removed": {true, 2, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				l := guarded(t)
				if tt.remove {
					l.signAll()
					if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
						t.Fatal(err)
					}
				}
				before := len(l.sim.Approvals())
				l.failAt = l.writes + at
				died := false
				for range 24 {
					l.round()
					if !died && l.writes >= l.failAt {
						died = true
						l.start(t)
					}
					l.decide(true)
					l.clock.Advance(plan.ApprovalLag / 8)
				}
				asked, left := len(l.sim.Approvals())-before, len(l.sim.Snapshot(false).Policies)
				if asked != tt.asked || left != tt.remaining {
					t.Errorf("died at write %d: %d requests, %d policies are left: %+v", at, asked, left, l.sim.Approvals())
				}
				if !died {
					if at < 5 {
						t.Errorf("only %d writes: the test sees nothing", at)
					}
					return
				}
			}
		})
	}
}

// TestApprovalIsForOneWrite: when something else is to be written meanwhile, the old approval is not used for it, and the
// new write is asked for.
func TestApprovalIsForOneWrite(t *testing.T) {
	l := guarded(t)
	l.rest()
	l.decide(true) // hold, which does not follow the payload
	l.clock.Advance(report.ApprovalPoll)
	l.rest()
	old := l.sim.Approvals()[1]
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	if err := l.sim.Approve(old.ID); err != nil {
		t.Fatal(err)
	}
	l.rest()
	asked := l.sim.Approvals()
	if len(asked) != 3 || asked[1].Status != "approved" || len(l.sim.Snapshot(false).Policies) != 1 {
		t.Fatalf("%+v", asked)
	}
	if s := l.policy().Status.Approvals; len(s) != 1 || s[0].Code != asked[2].ID {
		t.Errorf("%+v", s)
	}
	l.signAll()
	if asked := l.sim.Approvals(); asked[1].Status != "approved" { // for ever: it was for other bytes
		t.Errorf("%+v", asked)
	}
}

// TestApprovalCannotBeSeen: without the right to read requests the policy says so and names the right; it neither asks again
// nor sends.
func TestApprovalCannotBeSeen(t *testing.T) {
	sc := calm()
	sc.Approvals, sc.MissingRoles = []string{"configurationPolicies"}, []string{"DeviceManagementRBAC.Read.All", "DeviceManagementRBAC.ReadWrite.All"}
	l := newLab(t, sc)
	l.apply(l.newTenant(), newPolicy())
	l.rest()
	l.decide(true)
	l.clock.Advance(report.ApprovalPoll)
	l.rest()
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonForbidden || !strings.Contains(c.Message, "DeviceManagementRBAC.Read.All") || len(l.sim.Approvals()) != 1 {
		t.Errorf("%+v, %v", l.policy().Status.Conditions, l.sim.Approvals())
	}
}

// TestPromise07_DeletionWaitsForApproval: deleting takes approvals too, says so, and ends when they are given.
func TestPromise07_DeletionWaitsForApproval(t *testing.T) {
	t.Parallel()
	l := guarded(t)
	l.signAll()
	before := len(l.sim.Approvals())
	if err := l.kube.Delete(t.Context(), l.policy()); err != nil {
		t.Fatal(err)
	}
	l.rest()
	c := l.condition(v1alpha1.ConditionStalled)
	if c == nil || c.Reason != v1alpha1.ReasonTenantObjectsRemain || !strings.Contains(c.Message, l.sim.Approvals()[before].ID) {
		t.Fatalf("%+v", l.policy().Status.Conditions)
	}
	for range 4 {
		l.decide(true)
		l.clock.Advance(report.ApprovalPoll)
		l.rest()
	}
	if err := l.kube.Get(t.Context(), keyOf("pkp"), &v1alpha1.PasskeyPolicy{}); !apierrors.IsNotFound(err) || len(l.sim.Snapshot(false).Policies) != 0 {
		t.Errorf("%v, %d policies", err, len(l.sim.Snapshot(false).Policies))
	}
	if n := len(l.sim.Approvals()) - before; n != 2 {
		t.Errorf("%d requests for two deletions", n)
	}
}

// TestApprovalNotNeededAnyMore: who excludes the application from the access policy and says so by the annotation sees the
// write go through; before that the request that is open stays the only one.
func TestApprovalNotNeededAnyMore(t *testing.T) {
	l := guarded(t)
	l.rest()
	p := l.policy()
	l.edit(p, func() { p.Annotations = map[string]string{v1alpha1.AnnotationRetry: "too early"} })
	l.rest()
	if n := len(l.sim.Approvals()); n != 1 || l.condition(v1alpha1.ConditionWaitingForApproval).Status != metav1.ConditionTrue {
		t.Fatalf("%d requests, %+v", n, l.policy().Status.Conditions)
	}
	l.setScenario(func(sc *tenantsim.Scenario) { sc.Approvals = nil })
	l.clock.Advance(time.Hour)
	l.rest()
	if n := len(l.sim.Snapshot(false).Policies); n != 0 {
		t.Fatalf("%d policies: nobody said that it is not needed any more", n)
	}
	l.edit(p, func() { p.Annotations[v1alpha1.AnnotationRetry] = "excluded" })
	l.rest()
	if n := len(l.sim.Snapshot(false).Policies); n != 2 || len(l.sim.Approvals()) != 1 || len(l.policy().Status.Approvals) != 0 {
		t.Errorf("%d policies, %+v", n, l.policy().Status)
	}
}

// TestPromise04_RequestNotShown: one answer in which the request is missing ends nothing.
func TestPromise04_RequestNotShown(t *testing.T) {
	l := guarded(t)
	l.rest()
	l.clock.Advance(time.Hour)
	empty := `{"value":[]}`
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 200, Body: &empty, Headers: map[string]string{"Content-Type": "application/json"},
		Match: tenantsim.FaultMatch{Method: http.MethodGet, Route: "/beta/deviceManagement/operationApprovalRequests", Count: 1}})
	l.rest()
	l.signAll()
	if n := len(l.sim.Approvals()); n != 3 {
		t.Errorf("%d requests: %+v", n, l.sim.Approvals())
	}
}

// TestApprovalSurvivesConflict: a 409 of the service says nothing about the approval.
func TestApprovalSurvivesConflict(t *testing.T) {
	l := guarded(t)
	l.rest()
	l.decide(true)
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 409, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute, Count: 1}})
	l.clock.Advance(report.ApprovalPoll)
	l.rest()
	l.clock.Advance(report.ApprovalPoll)
	l.rest()
	if a := l.sim.Approvals(); a[0].Status != "completed" {
		t.Errorf("%+v", a)
	}
}

// TestApprovedAndRefused: a write that was approved and that the tenant does not take is not sent for ever.
func TestApprovedAndRefused(t *testing.T) {
	l := guarded(t)
	l.rest()
	l.decide(true)
	l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 412, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute},
		Headers: map[string]string{headerOfCode: "6f1c7a52-0d7c-4c80-9a55-3a3d5c8f9b10"}})
	l.sim.ResetJournal()
	for range 20 {
		l.clock.Advance(report.ApprovalPoll)
		l.round()
	}
	sent := 0
	for _, r := range l.sim.Journal().Records {
		if r.Method == http.MethodPost && r.Path == policiesRoute {
			sent++
		}
	}
	c := l.condition(v1alpha1.ConditionStalled)
	if sent != 1 || c == nil || c.Reason != v1alpha1.ReasonApprovalRefused || !strings.Contains(c.Message, v1alpha1.AnnotationRetry) {
		t.Errorf("sent %d times: %+v", sent, c)
	}
}

const headerOfCode = "x-msft-approval-code"

// TestApprovalWithoutCode: a request whose code a proxy dropped is found by its justification.
func TestApprovalWithoutCode(t *testing.T) {
	l := guarded(t, tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: 403, AfterEffect: true,
		Body: ptr.To(`{"error":{"code":"ApprovalRequired","message":"Approval Required."}}`), Headers: map[string]string{"Content-Type": "application/json"},
		Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute, Nth: 2}})
	l.rest()
	l.signAll()
	if n := len(l.sim.Approvals()); n != 3 {
		t.Errorf("%d requests: %+v", n, l.sim.Approvals())
	}
}

// TestApprovalOutlivesOtherOperator: while another operator stops the policy, what waits for people goes on waiting.
func TestApprovalOutlivesOtherOperator(t *testing.T) {
	l := guarded(t)
	l.rest()
	l.setScenario(func(sc *tenantsim.Scenario) { sc.Approvals = nil })
	theirs := l.makePolicy("Tidegate east/edge Windows Hold", elsewhere)
	l.setScenario(func(sc *tenantsim.Scenario) { sc.Approvals = []string{"configurationPolicies"} })
	l.clock.Advance(status.StoppedLook)
	l.rest()
	if c := l.condition(v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonOtherOperator {
		t.Fatalf("%+v", l.policy().Status.Conditions)
	}
	if err := l.sim.DeletePolicy(theirs); err != nil {
		t.Fatal(err)
	}
	l.clock.Advance(status.StoppedLook)
	l.signAll()
	if n := len(l.sim.Approvals()); n != 3 {
		t.Errorf("%d requests: %+v", n, l.sim.Approvals())
	}
}

// TestApprovalSurvivesHiccups: an approved write that meets a refusal of the moment is sent again under its approval.
func TestApprovalSurvivesHiccups(t *testing.T) {
	t.Parallel()
	for _, code := range []int{401, 404} {
		l := guarded(t)
		l.rest()
		l.decide(true)
		l.clock.Advance(report.ApprovalPoll)
		l.faults(tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: code, Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: policiesRoute, Count: 2}})
		for range 4 {
			l.round()
			l.clock.Advance(report.ApprovalPoll)
		}
		if a := l.sim.Approvals(); a[0].Status != "completed" {
			t.Errorf("%d: %+v, on record %+v", code, a, l.policy().Status.Approvals)
		}
	}
}

// TestOneRequestForEachWrite: a rollback and the removal of its platform are two writes, each asked for once.
func TestOneRequestForEachWrite(t *testing.T) {
	t.Parallel()
	l := exposing(t, []string{"a"}, bothPlatforms)
	l.setScenario(func(sc *tenantsim.Scenario) { sc.Approvals = []string{"configurationPolicies"} })
	p := l.policy()
	l.edit(p, func() { p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows} })
	l.clock.Advance(5 * time.Minute)
	l.round()
	l.takeBack("a")
	for range 30 {
		l.round()
		l.clock.Advance(report.ApprovalPoll)
	}
	seen := map[string]bool{}
	for _, a := range l.sim.Approvals() {
		if key := a.Method + " " + a.Path; seen[key] {
			t.Errorf("%s was asked for twice: %+v", key, l.sim.Approvals())
		} else {
			seen[key] = true
		}
	}
}
