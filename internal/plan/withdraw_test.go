// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func recordOf(o Observed) v1alpha1.TenantObject {
	return v1alpha1.TenantObject{Role: o.Role, Platform: o.Platform, Revision: o.Revision, ID: o.ID, IncludeGroups: o.Previous.Include, ExcludeGroups: o.Previous.Exclude}
}

func recordsOf(observed ...Observed) (out []v1alpha1.TenantObject) {
	for _, o := range observed {
		out = append(out, recordOf(o))
	}
	return out
}

// leaving is a withdrawal of g2 and g3 from revision 2, g1 stays on revision 1.
func leaving(released bool) Withdrawal {
	return Withdrawal{Drift: v1alpha1.DriftCorrect, Groups: []Group{
		{ID: "g1", Revision: 1, Admit: true, State: v1alpha1.Admitted},
		{ID: "g2", Revision: 2, State: v1alpha1.Withdrawing, Released: released}, {ID: "g3", Revision: 2, State: v1alpha1.Withdrawing, Released: released},
	}}
}

// TestPromise09_Withdraw: a rollback is one write for the revision, whatever the number of groups, and one for each earlier
// level when devices have let go. Names, settings, copies and what others assigned stand in nobody's way.
func TestPromise09_Withdraw(t *testing.T) {
	r2 := with(seen(r2Key, []string{"g2", "g3"}, nil), func(o *Observed) {
		o.SettingsMatch, o.NameMatch = false, false
		o.Assignments = append(o.Assignments, Target{Kind: TargetInclude, GroupID: "theirs", Wire: WireTarget{Kind: "GroupTarget"}})
		o.Copies = []Copy{{ID: "twin", SameName: true}}
	})
	r1, hold := seen(r1Key, []string{"g1"}, []string{"g2", "g3", "visitors"}), seenHold("g1", "g2", "g3", "visitors")
	for _, drift := range []v1alpha1.DriftAction{v1alpha1.DriftCorrect, v1alpha1.DriftReport} {
		w := leaving(false)
		w.Drift = drift
		records := w.Records(recordsOf(hold, r1, r2))
		got := w.Build(records, []Observed{hold, r1, r2})
		if len(got) != 1 || got[0].Key != r2Key || got[0].Kind != Assign || len(got[0].Include)+len(got[0].IntentInclude) != 0 || len(got[0].KeepForeign) != 1 {
			t.Fatalf("%s: %v", drift, got)
		}
		if alone := w.Build(records, []Observed{r2}); len(alone) != 1 || alone[0].Fingerprint() != got[0].Fingerprint() {
			t.Errorf("%s: with everything else unreadable %v", drift, alone)
		}
		whole := compare([]Desired{want(r2Key, nil, nil), want(r1Key, []string{"g1"}, []string{"g2", "g3", "visitors"}), wantHold("g1", "g2", "g3", "visitors")},
			[]Observed{hold, r1, r2}, Options{Drift: drift, Managed: Managed(w.Groups)})
		if len(whole.Actions) == 0 || whole.Actions[0].Fingerprint() != got[0].Fingerprint() {
			t.Errorf("%s: the whole plan begins otherwise: %v", drift, whole.Actions)
		}
		empty := seen(r2Key, nil, nil)
		w = leaving(true)
		w.Drift = drift
		got = w.Build(w.Records(recordsOf(hold, r1, empty)), []Observed{hold, r1, empty})
		if len(got) != 2 || got[0].Key != holdKey || got[1].Key != r1Key || !cmp.Equal(got[0].Exclude, []string{"g1", "visitors"}) || !cmp.Equal(got[1].Exclude, []string{"visitors"}) ||
			!cmp.Equal(got[0].Include, []string{"all"}) || !cmp.Equal(got[1].IntentInclude, []string{"g1"}) || !cmp.Equal(got[0].IntentExclude, []string{"g1", "visitors"}) {
			t.Errorf("%s: %v", drift, got)
		}
		if got := w.Build(w.Records(recordsOf(hold, r1, empty)), []Observed{hold, r1}); len(got) != 0 {
			t.Errorf("%s: given back with the revision unread: %v", drift, got)
		}
	}
}

// TestWithdrawLate: a revision that does not show a write yet waits; others do not wait for it.
func TestWithdrawLate(t *testing.T) {
	w := leaving(false)
	hold := with(seenHold("g1"), func(o *Observed) { o.Previous.Exclude, o.AssignFresh = []string{"g1", "g2", "g3"}, true })
	r1, r2 := seen(r1Key, []string{"g1"}, []string{"g2", "g3"}), seen(r2Key, []string{"g2", "g3"}, nil)
	if got := w.Build(recordsOf(hold, r1, r2), []Observed{hold, r1, r2}); len(got) != 1 || got[0].Key != r2Key {
		t.Errorf("hold is late: %v", got)
	}
}

// TestWithdrawalRecords: what was last written, and how far groups are, say whether there is something to do.
func TestWithdrawalRecords(t *testing.T) {
	hold, r1, r2 := seenHold("g1", "g2", "g3"), seen(r1Key, []string{"G1"}, []string{"g2", "g3"}), seen(r2Key, []string{"g2", "g3"}, nil)
	records := recordsOf(hold, r1, r2)
	stays := Withdrawal{Groups: []Group{{ID: "g1", Revision: 1, Admit: true}, {ID: "g2", Revision: 2, Admit: true}, {ID: "g3", Revision: 2, Admit: true}}}
	done := Withdrawal{Groups: []Group{{ID: "g1", Revision: 1, Admit: true}, {ID: "g2", Revision: 2, State: v1alpha1.Withdrawn, Released: true}}}
	for name, tt := range map[string]struct {
		w       Withdrawal
		records []v1alpha1.TenantObject
		want    int
	}{
		"nothing to do":         {stays, records, 0},
		"groups have to leave":  {leaving(false), records, 3},
		"have to be seen gone":  {leaving(false), recordsOf(hold, r1, seen(r2Key, nil, nil)), 3},
		"are to be given back":  {done, recordsOf(hold, r1, seen(r2Key, nil, nil)), 3},
		"are given back":        {done, recordsOf(seenHold("g1", "visitors"), seen(r1Key, []string{"g1"}, nil)), 0},
		"nobody knows of them":  {Withdrawal{}, recordsOf(seen(r2Key, []string{"g2"}, nil)), 1},
		"hold includes no wave": {Withdrawal{}, recordsOf(seenHold("visitors")), 0},
	} {
		if got := tt.w.Records(tt.records); len(got) != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWithdrawalAdmissions: a withdrawal moves on by what is on record alone; what could not be read is not seen gone, and
// nobody else's entry changes.
func TestWithdrawalAdmissions(t *testing.T) {
	at := metav1.NewTime(noon.Add(-time.Hour))
	before := []v1alpha1.WaveAdmission{{GroupID: "g1", Revision: 1, State: v1alpha1.Admitted, Since: at, AssignedAt: &at}, {GroupID: "g2", Revision: 2, State: v1alpha1.Admitted, Since: at, AssignedAt: &at}}
	w := Withdrawal{Groups: []Group{{ID: "g1", Revision: 1, Admit: true, State: v1alpha1.Admitted}, {ID: "g2", Revision: 2, State: v1alpha1.Admitted, Listed: true}}}
	mac := seen(LevelKey(v1alpha1.PlatformMacOS, 2), nil, nil)
	hold, r2 := seenHold("g1", "g2"), seen(r2Key, nil, nil)
	records := recordsOf(hold, r2, mac)
	partly := w.Admissions(before, records, []Observed{hold, r2}, noon)
	if len(partly) != 2 || !cmp.Equal(partly[0], before[0]) || partly[1].State != v1alpha1.Withdrawing || partly[1].AssignedAt != nil {
		t.Errorf("one of two read: %+v", partly)
	}
	if got := w.Admissions(before, records, []Observed{hold, r2, mac}, noon); got[1].AssignedAt == nil || !got[1].AssignedAt.Time.Equal(noon) {
		t.Errorf("both read: %+v", got)
	}
}
