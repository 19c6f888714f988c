// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise09_Withdraw: what takes groups out of allow is planned from the allow policies alone, and is what Build plans
// first.
func TestPromise09_Withdraw(t *testing.T) {
	allow := with(seenAllow("g1", "g2"), func(o *Observed) {
		o.SettingsMatch, o.NameMatch = false, false
		o.Assignments = append(o.Assignments, Target{Kind: TargetInclude, GroupID: "theirs", Wire: WireTarget{Kind: "GroupTarget"}})
		o.Copies = []Copy{{ID: "twin", SameName: true}}
	})
	for _, drift := range []v1alpha1.DriftAction{v1alpha1.DriftCorrect, v1alpha1.DriftReport} {
		got := Withdrawal{Admitted: []string{"g1", "g9"}, Drift: drift}.Build([]Observed{allow})
		if len(got) != 1 || got[0].Kind != Assign || !cmp.Equal(got[0].Include, []string{"g1"}) || !cmp.Equal(got[0].IntentInclude, []string{"g1"}) || len(got[0].KeepForeign) != 1 {
			t.Fatalf("%s: %v", drift, got)
		}
		whole := compare([]Desired{wantAllow("g1"), wantHold("g1")}, []Observed{allow, seenHold("g1", "g2")}, Options{Drift: drift})
		if a, b := got[0].Fingerprint(), whole.Actions[0].Fingerprint(); a != b {
			t.Errorf("%s: %s, and in the whole plan %s", drift, got[0], whole.Actions[0])
		}
	}
	for _, admitted := range [][]string{{"g1", "g2"}, {"g2", "g1", "g3"}} {
		if got := (Withdrawal{Admitted: admitted}).Build([]Observed{allow}); len(got) != 0 {
			t.Errorf("%v: %v", admitted, got)
		}
	}
	if got := (Withdrawal{}).Build([]Observed{with(allow, func(o *Observed) { o.Exists = false })}); len(got) != 0 {
		t.Errorf("gone: %v", got)
	}
}

// TestWithdrawHold: hold takes the groups back that allow has lost, after allow is seen without them, and keeps what is
// excluded for good; it takes no part where it is not the counterpart of allow.
func TestWithdrawHold(t *testing.T) {
	w := Withdrawal{Admitted: []string{"g1"}, Excluded: []string{"visitors"}, Gate: true}
	held := func(groups ...string) Observed {
		return with(seenHold(groups...), func(o *Observed) {
			o.Assignments = append(o.Assignments, Target{Kind: TargetExclude, GroupID: "visitors"})
			o.Previous.Exclude = append(slices.Clone(o.Previous.Exclude), "visitors")
		})
	}
	both := w.Build([]Observed{seenAllow("g1", "g2"), held("g1", "g2")})
	if len(both) != 2 || both[0].Key != allowKey || both[1].Key != holdKey || !cmp.Equal(both[1].Exclude, []string{"g1", "visitors"}) ||
		!cmp.Equal(both[1].IntentExclude, []string{"g1", "visitors"}) || !cmp.Equal(both[1].Include, seenHold().Previous.Include) {
		t.Errorf("%v", both)
	}
	if got := w.Build([]Observed{seenAllow("g1"), held("g1", "g2")}); len(got) != 1 || got[0].Key != holdKey {
		t.Errorf("%v", got)
	}
	late := with(seenAllow("g1", "g2"), func(o *Observed) { o.Previous.Include, o.AssignFresh = []string{"g1"}, true })
	if got := w.Build([]Observed{late, held("g1", "g2")}); len(got) != 0 {
		t.Errorf("allow still shows the group: %v", got)
	}
	if got := w.Build([]Observed{seenAllow("g1"), held("g1")}); len(got) != 0 {
		t.Errorf("nothing to take back: %v", got)
	}
}

// TestWithdrawalRecords: what was last written says whether there is something to take back.
func TestWithdrawalRecords(t *testing.T) {
	records := []v1alpha1.TenantObject{
		{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformWindows, IncludeGroups: []string{"g1", "g2"}},
		{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformWindows, IncludeGroups: []string{"all"}, ExcludeGroups: []string{"visitors", "g1", "g2"}},
		{Role: v1alpha1.RoleAllow, Platform: v1alpha1.PlatformMacOS, IncludeGroups: []string{"G1"}},
		{Role: v1alpha1.RoleHold, Platform: v1alpha1.PlatformMacOS, IncludeGroups: []string{"all"}, ExcludeGroups: []string{"g1", "g2"}},
	}
	for _, tt := range []struct {
		w    Withdrawal
		want int
	}{
		{Withdrawal{Admitted: []string{"g1", "g2"}, Excluded: []string{"visitors"}, Gate: true}, 0},
		{Withdrawal{Admitted: []string{"g1", "g2"}}, 0},
		{Withdrawal{Admitted: []string{"g1", "g2"}, Gate: true}, 2}, // visitors are not excluded any more
		{Withdrawal{Admitted: []string{"g1"}, Excluded: []string{"visitors"}, Gate: true}, 4},
		{Withdrawal{Admitted: []string{"g1"}}, 1},
		{Withdrawal{}, 2},
	} {
		if got := tt.w.Records(records); len(got) != tt.want {
			t.Errorf("%+v: %v", tt.w, got)
		}
	}
}

// TestForeignOrder: in which order Graph lists the targets of others makes no other write.
func TestForeignOrder(t *testing.T) {
	look := func(list ...Target) Action {
		o := with(seenHold(), func(o *Observed) { o.Assignments = append(o.Assignments, list...) })
		return compare([]Desired{wantHold("g1")}, []Observed{o}, Options{}).Actions[0]
	}
	x, y := Target{Kind: TargetInclude, GroupID: "x"}, Target{Kind: TargetInclude, GroupID: "y"}
	if a, b := look(x, y), look(y, x); a.Fingerprint() != b.Fingerprint() || !cmp.Equal(a.KeepForeign, b.KeepForeign) {
		t.Errorf("%s\n%s", a, b)
	}
	f, g := Target{Kind: TargetOther, GroupID: "x", FilterID: "f"}, Target{Kind: TargetOther, GroupID: "x", FilterID: "g"}
	if a, b := look(f), look(g); a.Fingerprint() == b.Fingerprint() {
		t.Errorf("another filter is the same write: %s", a)
	}
}
