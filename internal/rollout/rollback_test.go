// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// TestRollbackTruth is gate F19: of 100 exposed devices 92 revert, one keeps the setting, seven never check in. That is
// overdue at the deadline, and verified when four more report, late as it is.
func TestRollbackTruth(t *testing.T) {
	rule := v1alpha1.RollbackRule{VerifyPercent: 95}
	list := slices.Repeat([]Proof{ProofVerified}, 92)
	list = append(list, ProofNone)
	list = append(list, slices.Repeat([]Proof{ProofUnreachable}, 7)...)

	fact, s := ProveRollback(rule, list, false)
	if fact.State != RollbackWaiting || s != (v1alpha1.RollbackStatus{Target: 100, Verified: 92, Unreachable: 7, Unconfirmed: 1}) {
		t.Errorf("before the deadline: %+v %+v", fact, s)
	}
	fact, s = ProveRollback(rule, list, true)
	if fact.State != RollbackOverdue || s.Verified != 92 {
		t.Errorf("at the deadline: %+v %+v", fact, s)
	}
	for _, part := range []string{"92 of 100", "95%", "7 have not checked in", "1 have and do not show it"} {
		if !strings.Contains(fact.Message, part) {
			t.Errorf("want %q in %q", part, fact.Message)
		}
	}
	for i := range 4 {
		list[93+i] = ProofVerified
		want := RollbackOverdue
		if i >= 2 {
			want = RollbackVerified
		}
		if fact, s = ProveRollback(rule, list, true); fact.State != want {
			t.Errorf("%d late reports: %+v %+v", i+1, fact, s)
		}
	}
	if fact, _ := ProveRollback(v1alpha1.RollbackRule{VerifyPercent: 100}, nil, true); fact.State != RollbackVerified {
		t.Errorf("nobody was exposed: %+v", fact)
	}
}

// rolling is a world with one exposed device in a rollback that began at hour 60: from revision 2 to 1, where it is in a group of
// 1 if stable says so, or to hold.
func rolling(stable bool) World {
	w := aWorld(1)
	s := &w.Wave.Status
	s.Phase, s.Attempt, s.Revision = v1alpha1.PhaseRollingBack, 2, 2
	s.Clocks.RollbackStartedAt = v1alpha1.StampOf(hour(60))
	binding := s.Attempts[0].Ledger
	s.Attempts = append(s.Attempts, v1alpha1.WaveAttempt{Attempt: 2, Revision: 2, GroupID: "g2", WithdrawnAt: v1alpha1.StampOf(hour(60)), Ledger: binding})
	w.Earlier = map[int32]audience.Reading{2: w.Ledger}
	if stable {
		w.Earlier[1] = w.Ledger
	} else {
		s.Attempts = s.Attempts[1:]
	}
	w.Policy.Status.Revisions[1].State = v1alpha1.RevisionStable
	w.Policy.Status.Revisions = append(w.Policy.Status.Revisions, v1alpha1.RevisionStatus{Number: 2, State: v1alpha1.RevisionCandidate})
	w.Policy.Status.Objects = append(w.Policy.Status.Objects, v1alpha1.TenantObject{Role: v1alpha1.RoleAllow, Revision: 2, ID: "r2"})
	r, _ := w.Fleet.(reading)
	f := r.facts[device(0)]
	f.Report, f.LastSync = nil, hour(1)
	r.facts[device(0)] = f
	r.rows, r.statuses = map[string]map[audience.ID]*diagnosis.Report{}, append(r.statuses, "r2")
	w.Fleet = r
	return w
}

// show lets the device check in, and report of a policy.
func show(w *World, sync float64, policy string, at float64, status int) {
	r, _ := w.Fleet.(reading)
	f := r.facts[device(0)]
	f.LastSync = hour(sync)
	r.facts[device(0)] = f
	if policy != "" {
		r.rows[policy] = map[audience.ID]*diagnosis.Report{device(0): {At: hour(at), Status: status}}
	}
}

// TestPromise14_OnlyDevicesProveARollback: what counts for a rollback, one device each. It is what the device has now, stable or
// hold, reported since; in mode EnforceOnly, where nothing follows, a late check-in without a row.
func TestPromise14_OnlyDevicesProveARollback(t *testing.T) {
	verified, unreachable, unconfirmed := v1alpha1.RollbackStatus{Target: 1, Verified: 1}, v1alpha1.RollbackStatus{Target: 1, Unreachable: 1}, v1alpha1.RollbackStatus{Target: 1, Unconfirmed: 1}
	for name, tt := range map[string]struct {
		stable, enforceOnly bool
		change              func(*World)
		want                v1alpha1.RollbackStatus
	}{
		"hold applied":            {false, false, func(w *World) { show(w, 61, "hold", 61, diagnosis.StatusSucceeded) }, verified},
		"hold remediated":         {false, false, func(w *World) { show(w, 61, "hold", 61, diagnosis.StatusRemediated) }, verified},
		"at the very start":       {false, false, func(w *World) { show(w, 61, "hold", 60, diagnosis.StatusSucceeded) }, verified},
		"check-in not yet listed": {false, false, func(w *World) { show(w, 1, "hold", 61, diagnosis.StatusSucceeded) }, verified},
		"applied before":          {false, false, func(w *World) { show(w, 61, "hold", 59, diagnosis.StatusSucceeded) }, unconfirmed},
		"failed":                  {false, false, func(w *World) { show(w, 61, "hold", 61, diagnosis.StatusError) }, unconfirmed},
		"what was taken back":     {false, false, func(w *World) { show(w, 61, "r2", 61, diagnosis.StatusSucceeded) }, unconfirmed},
		"no row proves nothing":   {false, false, func(w *World) { show(w, 61, "", 0, 0) }, unconfirmed},
		"silent":                  {false, false, func(*World) {}, unreachable},
		"stable applied":          {true, false, func(w *World) { show(w, 61, "allow", 61, diagnosis.StatusSucceeded) }, verified},
		"EnforceOnly, late":       {false, true, func(w *World) { show(w, 61, "", 0, 0) }, verified},
		"EnforceOnly, report is older": {false, true, func(w *World) {
			show(w, 61, "", 0, 0)
			r, _ := w.Fleet.(reading)
			r.reported = r.asOf.Add(-time.Second)
			w.Fleet = r
		}, unconfirmed},
		"EnforceOnly, report unread": {false, true, func(w *World) {
			show(w, 61, "", 0, 0)
			r, _ := w.Fleet.(reading)
			r.statuses = nil
			w.Fleet = r
		}, unconfirmed},
		"EnforceOnly, too soon":     {false, true, func(w *World) { show(w, 60.25, "", 0, 0) }, unconfirmed},
		"EnforceOnly, a newer row":  {false, true, func(w *World) { show(w, 62, "r2", 61, diagnosis.StatusSucceeded) }, unconfirmed},
		"EnforceOnly, an older row": {false, true, func(w *World) { show(w, 62, "r2", 59, diagnosis.StatusSucceeded) }, verified},
		"EnforceOnly, stable":       {true, true, func(w *World) { show(w, 61, "", 0, 0) }, unconfirmed},
		"EnforceOnly, stable shows": {true, true, func(w *World) { show(w, 61, "allow", 61, diagnosis.StatusSucceeded) }, verified},
	} {
		w := rolling(tt.stable)
		if tt.enforceOnly {
			w.Policy.Spec.Mode = v1alpha1.ModeEnforceOnly
			w.Policy.Status.Objects = slices.DeleteFunc(w.Policy.Status.Objects, func(o v1alpha1.TenantObject) bool { return o.Role == v1alpha1.RoleHold })
		}
		w.Ledger = w.Earlier[2]
		tt.change(&w)
		_, s := w.rollback(false)
		if s == nil || *s != tt.want {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestPromise09_RollbackGoesOnWithoutKnowledge: the deadline is one of the clock, and who cannot act is named, since when.
func TestPromise09_RollbackGoesOnWithoutKnowledge(t *testing.T) {
	unready := func(w *World) {
		w.Tenant.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, LastTransitionTime: metav1.NewTime(hour(5))}}
	}
	for name, tt := range map[string]struct {
		change func(*World)
		part   string
	}{
		"no policy":      {func(w *World) { w.Policy = nil }, "does not exist"},
		"no tenant":      {func(w *World) { w.Tenant = nil }, "Tenant"},
		"suspended":      {func(w *World) { w.Tenant.Spec.Suspend = true; unready(w) }, "is suspended since " + v1alpha1.Minute(hour(5))},
		"not connected":  {func(w *World) { w.Connected = false; unready(w) }, "is not connected since " + v1alpha1.Minute(hour(5))},
		"fleet not read": {func(w *World) { w.Fleet = nil }, "has not read the fleet"},
		"ledger lost": {func(w *World) {
			w.Ledger = audience.Reading{State: audience.LedgerLost, Message: "all of it is gone"}
			w.Members = nil
		}, "all of it is gone"},
		"ledger not bound": {func(w *World) { w.Ledger, w.Members, w.Wave.Status.Attempts[0].Ledger = audience.Reading{}, nil, nil }, "cannot be relied on"},
	} {
		for _, overdue := range []bool{false, true} {
			w := rolling(false)
			w.Ledger = w.Earlier[2]
			tt.change(&w)
			want := RollbackWaiting
			if overdue {
				want, w.Now = RollbackOverdue, hour(60).Add(200*time.Hour)
			}
			in, m, err := w.Situation()
			if err != nil || in.Rollback.State != want || !strings.Contains(in.Rollback.Message, tt.part) || m.Rollback != nil {
				t.Errorf("%s, overdue %t: %+v %+v %v", name, overdue, in.Rollback, m.Rollback, err)
			}
		}
	}
	w := rolling(false)
	w.Ledger = audience.Reading{State: audience.LedgerLost}
	if _, s := w.rollback(false); s == nil || s.Target != 1 {
		t.Errorf("the members of the group stand for a lost ledger: %+v", s)
	}
}

// TestRevertLeavesWhatThePolicyReturnedTo: a revert takes back what is later than the target, a rollback all that is not stable.
func TestRevertLeavesWhatThePolicyReturnedTo(t *testing.T) {
	for reason, want := range map[string][]int32{v1alpha1.ReasonPayloadReverted: {3}, v1alpha1.ReasonRollbackStarted: {2, 3}} {
		w := waveAt(evaluating)
		w.Status.Attempt, w.Status.Revision = 3, 3
		for n := int32(1); n <= 3; n++ {
			w.Status.Attempts = append(w.Status.Attempts, v1alpha1.WaveAttempt{Attempt: n, Revision: n, GroupID: "g"})
		}
		Advance(w, Decision{Phase: rollingBack, Reason: reason, Withdraw: true}, Target{Revision: 2, Stable: 1}, hour(1))
		var got []int32
		for _, a := range w.Status.Attempts {
			if a.WithdrawnAt != nil {
				got = append(got, a.Revision)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", reason, got)
		}
	}
}
