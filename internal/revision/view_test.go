// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func TestWaveOf(t *testing.T) {
	now := metav1.NewTime(start)
	w := &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "canary", UID: "u1", DeletionTimestamp: &now}}
	w.Status = v1alpha1.PilotWaveStatus{Clocks: v1alpha1.Clocks{RegressedAt: &now}, Attempt: 3, Revision: 2, PayloadHash: "h", Attempts: []v1alpha1.WaveAttempt{
		{Attempt: 1, Revision: 1, GroupID: "g1", SucceededAt: &now, WithdrawnAt: &now, Ledger: &v1alpha1.LedgerBinding{Asked: 7}},
		{Attempt: 2, Revision: 2, GroupID: "g2", SucceededAt: &now, RegressedAt: &now},
		{Attempt: 3, Revision: 2},
	}}
	groups := []v1alpha1.WaveAdmission{
		{UID: "u1", Attempt: 1, State: v1alpha1.Withdrawing}, {UID: "u2", Attempt: 2, State: v1alpha1.Admitted},
	}
	want := Wave{
		Name: "canary", UID: "u1", Phase: v1alpha1.PhasePending, Attempt: 3, Revision: 2, PayloadHash: "h", Deleting: true, Regressed: true,
		Attempts: []Attempt{
			{Attempt: 1, Revision: 1, GroupID: "g1", Withdrawn: true, Succeeded: true, State: v1alpha1.Withdrawing, Exposed: 7, ExposedKnown: true},
			{Attempt: 2, Revision: 2, GroupID: "g2"}, // a group without a record of its devices: not known
			{Attempt: 3, Revision: 2, ExposedKnown: true},
		},
	}
	if diff := cmp.Diff(want, WaveOf(w, groups)); diff != "" {
		t.Error(diff)
	}
}
