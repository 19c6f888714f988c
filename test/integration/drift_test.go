// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/testkit"
)

// baked is a world with one wave in Baking.
func baked(t *testing.T, change func(*v1alpha1.PasskeyPolicy)) *testkit.World {
	t.Helper()
	w := newWorld(t, calm(of("Source", 20), of("Foreign", 10)), testkit.Options{Devices: 60})
	p, wave := w.Policy(), quick(w, "wave", "Source")
	wave.Spec.Gate.Bake.Duration = 3 * day
	change(p)
	w.Apply(t, w.Secret(), w.Tenant(), p, wave)
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	arrives(t, w, "Allow", 20) // what the tenant does not show from now on, somebody took away
	return w
}

// object is the status entry of a policy in the tenant.
func object(t testing.TB, w *testkit.World, role v1alpha1.ObjectRole, platform v1alpha1.Platform) v1alpha1.TenantObject {
	t.Helper()
	for _, o := range policy(t, w).Status.Objects {
		if o.Role == role && o.Platform == platform {
			return o
		}
	}
	t.Fatalf("the status has no object %s %s: %+v", role, platform, policy(t, w).Status.Objects)
	return v1alpha1.TenantObject{}
}

// edit writes hold's settings into the allow policy on Windows, as an admin with a slip of the mouse would.
func edit(t testing.TB, w *testkit.World, admin *graph.Client) string {
	t.Helper()
	allow, hold := object(t, w, v1alpha1.RoleAllow, v1alpha1.PlatformWindows), object(t, w, v1alpha1.RoleHold, v1alpha1.PlatformWindows)
	p, err := admin.ConfigurationPolicy(t.Context(), allow.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p.Settings, err = admin.PolicySettings(t.Context(), hold.ID); err != nil {
		t.Fatal(err)
	}
	if err := admin.ReplaceConfigurationPolicy(t.Context(), allow.ID, p); err != nil {
		t.Fatal(err)
	}
	return allow.ID
}

func TestDriftOfSettingsIsCorrected(t *testing.T) {
	t.Parallel()
	w := baked(t, func(*v1alpha1.PasskeyPolicy) {})
	was := w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows)
	edit(t, w, w.Admin(t))
	w.Soon(t, that(func() bool {
		return equalValues(w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows).Values, was.Values) &&
			condition(policy(t, w).Status.Conditions, v1alpha1.ConditionDrifted, "False", "") == nil
	}, "the edited settings are not written back"))
	is := w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows)
	if is.ID != was.ID || !equalValues(is.Values, was.Values) || len(is.Assignments) != len(was.Assignments) {
		t.Errorf("the policy is %+v, was %+v", is, was)
	}
	if n := countEvents(t, w, testkit.PolicyName, v1alpha1.ReasonSettingsEdited); n != 1 {
		t.Errorf("%d events report the edit, want 1: %s", n, notes(t, w, testkit.PolicyName))
	}
	if err := condition(policy(t, w).Status.Conditions, v1alpha1.ConditionDrifted, "False", ""); err != nil {
		t.Error(err)
	}
	if s := w.Wave(t, "wave").Status; s.Attempt != 1 || s.Phase != v1alpha1.PhaseBaking {
		t.Errorf("a corrected edit sent the wave to %s, attempt %d", s.Phase, s.Attempt)
	}
}

func equalValues(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func TestDriftOfSettingsIsReported(t *testing.T) {
	t.Parallel()
	w := baked(t, func(p *v1alpha1.PasskeyPolicy) { p.Spec.Drift = v1alpha1.DriftReport })
	admin := w.Admin(t)
	id := edit(t, w, admin)
	edited := w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows)
	seen := len(w.Operator.Writes())
	w.Settle(t)
	w.Pass(t, step, 12*hour)
	if is := w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows); !equalValues(is.Values, edited.Values) {
		t.Errorf("drift is Report and the settings were written back: %v", is.Values)
	}
	for _, write := range w.Operator.Writes()[seen:] {
		if !write.Kube {
			t.Errorf("drift is Report and the operator wrote %s", write)
		}
	}
	p := policy(t, w)
	if err := condition(p.Status.Conditions, v1alpha1.ConditionDrifted, "True", v1alpha1.ReasonSettingsEdited); err != nil {
		t.Error(err)
	}
	if text := message(p.Status.Conditions, v1alpha1.ConditionDrifted); !strings.Contains(text, id) {
		t.Errorf("the condition does not name policy %s: %s", id, text)
	}
	if n := countEvents(t, w, testkit.PolicyName, v1alpha1.ReasonSettingsEdited); n != 1 {
		t.Errorf("%d events report the edit, want 1: %s", n, notes(t, w, testkit.PolicyName))
	}

	t.Log("drift becomes Correct")
	w.Edit(t, p, func() { p.Spec.Drift = v1alpha1.DriftCorrect })
	w.Soon(t, that(func() bool {
		return !equalValues(w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows).Values, edited.Values)
	}, "the settings were not written back"))
}

// TestDriftOfAssignments takes our own assignment away, and adds one of somebody else.
func TestDriftOfAssignments(t *testing.T) {
	t.Parallel()
	w := baked(t, func(*v1alpha1.PasskeyPolicy) {})
	admin := w.Admin(t)
	allow := object(t, w, v1alpha1.RoleAllow, v1alpha1.PlatformWindows)
	foreign, ours := w.Group(t, "Foreign").ID, w.GroupID(t, "wave")
	if _, err := admin.Assign(t.Context(), allow.ID, []graph.Assignment{{Kind: graph.TargetExclusionGroup, GroupID: foreign}}); err != nil {
		t.Fatal(err)
	}
	w.Soon(t, that(func() bool {
		return len(w.OwnPolicy(t, v1alpha1.RoleAllow, v1alpha1.PlatformWindows).Assignments) == 2 &&
			condition(policy(t, w).Status.Conditions, v1alpha1.ConditionDrifted, "True", v1alpha1.ReasonForeignAssignment) == nil
	}, "our assignment is not back, or the foreign one is not reported"))
	arrives(t, w, "Allow", 20)
	list, err := admin.Assignments(t.Context(), allow.ID)
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, a := range list {
		targets = append(targets, string(a.Kind)+" "+a.GroupID)
	}
	slices.Sort(targets)
	if want := []string{string(graph.TargetExclusionGroup) + " " + foreign, string(graph.TargetGroup) + " " + ours}; !slices.Equal(targets, sorted(want)) {
		t.Errorf("allow is assigned to %v, want ours back and the foreign one kept: %v", targets, want)
	}
	p := policy(t, w)
	if err := condition(p.Status.Conditions, v1alpha1.ConditionDrifted, "True", v1alpha1.ReasonForeignAssignment); err != nil {
		t.Error(err)
	}
	if got := object(t, w, v1alpha1.RoleAllow, v1alpha1.PlatformWindows).ForeignAssignments; len(got) != 1 || !strings.Contains(got[0], foreign) {
		t.Errorf("status.objects names the foreign assignments %v, want the group %s", got, foreign)
	}
	found := false
	for _, e := range eventsOf(t, w, testkit.PolicyName) {
		found = found || e.Type == "Warning" && strings.Contains(e.Note, ours)
	}
	if !found {
		t.Errorf("no event reports that the assignment to %s was taken away: %s", ours, notes(t, w, testkit.PolicyName))
	}

	t.Log("devices may not have what the policy says: it says so, and the wave goes on when the assignment is gone")
	w.Pass(t, hour, 12*hour)
	if err := condition(policy(t, w).Status.Conditions, v1alpha1.ConditionApplied, "False", v1alpha1.ReasonForeignAssignment); err != nil {
		t.Error(err)
	}
	if s := w.Wave(t, "wave").Status; s.Phase == v1alpha1.PhaseSucceeded {
		t.Error("the wave was promoted all the same")
	}
	if _, err := admin.Assign(t.Context(), allow.ID, []graph.Assignment{{Kind: graph.TargetGroup, GroupID: ours}}); err != nil {
		t.Fatal(err)
	}
	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func TestDeletedPolicyIsMadeAgainOnce(t *testing.T) {
	t.Parallel()
	w := baked(t, func(*v1alpha1.PasskeyPolicy) {})
	for _, role := range []v1alpha1.ObjectRole{v1alpha1.RoleHold, v1alpha1.RoleAllow} {
		was := object(t, w, role, v1alpha1.PlatformWindows)
		before := w.OwnPolicy(t, role, v1alpha1.PlatformWindows)
		seen := len(w.Operator.Writes())
		if err := w.Sim.DeletePolicy(was.ID); err != nil {
			t.Fatal(err)
		}
		w.Soon(t, that(func() bool {
			is := w.OwnPolicy(t, role, v1alpha1.PlatformWindows)
			return is != nil && len(is.Assignments) == len(before.Assignments)
		}, "%s is not made again", role))
		w.Pass(t, hour, 2*hour)
		is := w.OwnPolicy(t, role, v1alpha1.PlatformWindows)
		if is == nil || is.ID == was.ID || is.Targeted != before.Targeted || !equalValues(is.Values, before.Values) {
			t.Fatalf("%s was deleted in the tenant and is now %+v, want %+v with another id", role, is, before)
		}
		creates := 0
		for _, write := range w.Operator.Writes()[seen:] {
			if !write.Kube && write.Method == "POST" && strings.HasSuffix(write.Path, "/configurationPolicies") {
				creates++
			}
		}
		if creates != 1 || len(w.OwnPolicies()) != 4 {
			t.Errorf("%s was created %d times, the tenant has %d own policies", role, creates, len(w.OwnPolicies()))
		}
		if n := countEvents(t, w, testkit.PolicyName, v1alpha1.ReasonObjectDeleted); n == 0 {
			t.Errorf("no event reports the deletion: %s", notes(t, w, testkit.PolicyName))
		}
	}
	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
}
