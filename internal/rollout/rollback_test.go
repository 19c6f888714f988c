// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

func reverted(syncAfter bool, status int, reportAfter time.Duration) Reverted {
	r := Reverted{LastSync: epoch.Add(-time.Hour)}
	if syncAfter {
		r.LastSync = epoch.Add(time.Hour)
	}
	if status >= 0 {
		r.Inverse = &diagnosis.Report{At: epoch.Add(reportAfter), Status: status}
	}
	return r
}

// TestRollbackTruth is gate F19: of 100 exposed devices 92 revert, one keeps the setting, seven never check in. That is
// overdue at the deadline, and verified when four more report, late as it is.
func TestRollbackTruth(t *testing.T) {
	rule := v1alpha1.RollbackRule{VerifyPercent: 95}
	list := slices.Repeat([]Reverted{reverted(true, diagnosis.StatusSucceeded, time.Minute)}, 92)
	list = append(list, reverted(true, diagnosis.StatusError, time.Minute))
	list = append(list, slices.Repeat([]Reverted{reverted(false, -1, 0)}, 7)...)

	fact, s := ProveRollback(rule, list, epoch, false)
	if fact.State != RollbackWaiting || s != (v1alpha1.RollbackStatus{Target: 100, Verified: 92, Unreachable: 7, Unconfirmed: 1}) {
		t.Errorf("before the deadline: %+v %+v", fact, s)
	}
	fact, s = ProveRollback(rule, list, epoch, true)
	t.Log(fact.Message)
	if fact.State != RollbackOverdue || s.Verified != 92 {
		t.Errorf("at the deadline: %+v %+v", fact, s)
	}
	for _, part := range []string{"92 of 100", "95%", "7 have not checked in", "1 have and do not report it"} {
		if !strings.Contains(fact.Message, part) {
			t.Errorf("want %q in %q", part, fact.Message)
		}
	}
	for i := range 4 {
		list[93+i] = reverted(true, diagnosis.StatusRemediated, 9*24*time.Hour)
		want := RollbackOverdue
		if i >= 2 {
			want = RollbackVerified
		}
		if fact, s = ProveRollback(rule, list, epoch, true); fact.State != want {
			t.Errorf("%d late reports: %+v %+v", i+1, fact, s)
		}
	}
	if s != (v1alpha1.RollbackStatus{Target: 100, Verified: 96, Unreachable: 3, Unconfirmed: 1}) {
		t.Errorf("%+v", s)
	}
}

// TestOnlyTheInverseProves: what counts for a rollback, one device each.
func TestOnlyTheInverseProves(t *testing.T) {
	const verified, unreachable, unconfirmed = "verified", "unreachable", "unconfirmed"
	for name, tt := range map[string]struct {
		device Reverted
		want   string
	}{
		"applied":                           {reverted(true, diagnosis.StatusSucceeded, time.Minute), verified},
		"remediated":                        {reverted(true, diagnosis.StatusRemediated, time.Minute), verified},
		"applied at the very start":         {reverted(true, diagnosis.StatusSucceeded, 0), verified},
		"applied, check-in not yet listed":  {reverted(false, diagnosis.StatusSucceeded, time.Minute), verified},
		"applied before the rollback began": {reverted(true, diagnosis.StatusSucceeded, -time.Second), unconfirmed},
		"failed":                            {reverted(true, diagnosis.StatusError, time.Minute), unconfirmed},
		"conflict":                          {reverted(true, diagnosis.StatusConflict, time.Minute), unconfirmed},
		"not applicable":                    {reverted(true, diagnosis.StatusNotApplicable, time.Minute), unconfirmed},
		"no result":                         {reverted(true, diagnosis.StatusUnknown, time.Minute), unconfirmed},
		"no row: taken away proves nothing": {reverted(true, -1, 0), unconfirmed},
		"silent":                            {reverted(false, -1, 0), unreachable},
		"silent with an old report":         {reverted(false, diagnosis.StatusSucceeded, -time.Hour), unreachable},
		"never seen":                        {Reverted{}, unreachable},
	} {
		_, s := ProveRollback(v1alpha1.RollbackRule{VerifyPercent: 95}, []Reverted{tt.device}, epoch, false)
		got := map[v1alpha1.RollbackStatus]string{
			{Target: 1, Verified: 1}: verified, {Target: 1, Unreachable: 1}: unreachable, {Target: 1, Unconfirmed: 1}: unconfirmed,
		}[s]
		if got != tt.want {
			t.Errorf("%s: %+v, want %s", name, s, tt.want)
		}
	}
	if fact, _ := ProveRollback(v1alpha1.RollbackRule{VerifyPercent: 100}, nil, epoch, true); fact.State != RollbackVerified {
		t.Errorf("nobody was exposed: %+v", fact)
	}
}
