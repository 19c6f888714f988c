// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestNotTakenBack: Applied is False while a group that was taken back is still assigned, Unknown when it is no more and nothing
// else was looked at, and stands as it was where nothing was taken back.
func TestNotTakenBack(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		name      string
		withdrawn *metav1.Time
		state     v1alpha1.AdmissionState
		before    string
		want      metav1.ConditionStatus
	}{
		{"stands", nil, v1alpha1.Admitted, v1alpha1.ReasonApplied, ""},
		{"still assigned", &now, v1alpha1.Admitted, v1alpha1.ReasonApplied, metav1.ConditionFalse},
		{"being let in", &now, v1alpha1.Admitting, v1alpha1.ReasonApplied, metav1.ConditionFalse},
		{"leaving", &now, v1alpha1.Withdrawing, v1alpha1.ReasonApplied, ""},
		{"gone since", &now, v1alpha1.Withdrawing, v1alpha1.ReasonRollbackWaiting, metav1.ConditionUnknown},
	} {
		p := &v1alpha1.PasskeyPolicy{}
		p.Status.Revisions = []v1alpha1.RevisionStatus{{Number: 1, State: v1alpha1.RevisionStable}}
		p.Status.Waves = []v1alpha1.WaveAdmission{{Name: "a", UID: "u", Attempt: 1, Revision: 1, GroupID: "g", State: c.state}}
		p.Status.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionApplied, true, c.before, "")}
		w := v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u"}}
		w.Status = v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseBaking, Attempt: 1, Revision: 1,
			Attempts: []v1alpha1.WaveAttempt{{Attempt: 1, Revision: 1, GroupID: "g", WithdrawnAt: c.withdrawn}}}
		r := Report{Standing: Standing{State: InProgress, Reason: v1alpha1.ReasonSuspended, Message: "the tenant rests"}, Keep: []string{v1alpha1.ConditionApplied}}
		r.NotTakenBack(p, []v1alpha1.PilotWave{w}, now.Time)
		switch {
		case c.want == "" && (r.Has(v1alpha1.ConditionApplied) || len(r.Keep) != 1):
			t.Errorf("%s: %+v", c.name, r)
		case c.want != "" && (len(r.Conditions) != 1 || r.Conditions[0].Status != c.want || !strings.Contains(r.Conditions[0].Message, "the tenant rests") || len(r.Keep) != 0):
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}
