// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestPromise01_NeverHoldAndAllow walks one policy through everything that moves devices between hold and allow. The check
// itself runs at the end of every world: see checkOverlaps.
func TestPromise01_NeverHoldAndAllow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 30), of("Second", 30), of("Third", 30), of("Visitors", 10)), testkit.Options{})
	first, second := quick(w, "first", "First"), quick(w, "second", "Second")
	first.Spec.Exposure.BatchSize = 10
	base(t, w, first, second)
	reaches(t, w, "second", v1alpha1.PhaseBaking)
	p := policy(t, w)
	if got := w.OwnPolicies(); len(got) != 4 {
		t.Fatalf("the tenant has %d own policies, want allow and hold on two platforms: %v", len(got), got)
	}

	t.Log("the population changes")
	w.Edit(t, p, func() {
		p.Spec.Population.Exclude = []v1alpha1.GroupRef{{DisplayName: "Visitors"}}
		p.Spec.Population.Include = append(p.Spec.Population.Include, v1alpha1.GroupRef{DisplayName: "First"})
	})
	w.Until(t, hour, 8*hour, that(func() bool {
		got := len(w.ReachedBy(t, "Hold"))
		return got <= 120-10-30 && got >= 120-10-30-30
	}, "hold does not reach 50 to 80 of 120 devices: 10 are excluded, 30 admitted, up to 30 more on the way"))

	t.Log("while no operator runs somebody takes the group out of both policies, from allow first")
	w.Pass(t, observe.ReplicationLag, observe.ReplicationLag) // until then it could be our own write that is not shown yet
	w.Operator.Stop()
	admin := w.Admin(t)
	for _, role := range []v1alpha1.ObjectRole{v1alpha1.RoleAllow, v1alpha1.RoleHold} {
		var left []graph.Assignment
		if role == v1alpha1.RoleHold {
			left = []graph.Assignment{{Kind: graph.TargetGroup, GroupID: w.Group(t, testkit.Everyone).ID}}
		}
		if _, err := admin.Assign(t.Context(), object(t, w, role, v1alpha1.PlatformWindows).ID, left); err != nil {
			t.Fatal(err)
		}
		if err := w.Sim.Advance(hour); err != nil { // Intune has to hear of one before the other
			t.Fatal(err)
		}
	}
	w.Run(t)
	w.Until(t, step, day, that(func() bool { return len(w.ReachedBy(t, "Allow")) >= 40 },
		"allow does not reach the 40 devices that it reached before"))

	t.Log("a rollback, a payload change, a deletion")
	annotate(t, w, second, v1alpha1.AnnotationRollback, "1")
	reaches(t, w, "second", v1alpha1.PhaseRolledBack)
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
	w.Apply(t, quick(w, "third", "Third", "first"))
	reaches(t, w, "third", v1alpha1.PhaseBaking)
	w.Edit(t, p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
	w.Pass(t, step, day)
	third := w.Wave(t, "third")
	if err := w.Kube.Delete(t.Context(), third); err != nil {
		t.Fatal(err)
	}
	w.Until(t, step, day, w.Gone("third", third))
	if err := w.Kube.Delete(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "second"} {
		if err := w.Kube.Delete(t.Context(), w.Wave(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	w.Until(t, step, day, w.Gone(testkit.PolicyName, p))
	changes := 0
	for _, r := range w.Sim.Journal().Records {
		if r.Changed {
			changes++
		}
	}
	if changes < 30 {
		t.Errorf("the journal has %d changes, that is no test of anything", changes)
	}
}

// TestPromise02_OnlyTheFrozenAudience looks at every device that was ever added to a managed group.
func TestPromise02_OnlyTheFrozenAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 30), of("Others", 10)), testkit.Options{})
	wave := quick(w, "wave", "Source")
	wave.Spec.Exposure = v1alpha1.Exposure{BatchSize: 10, Interval: wave.Spec.Exposure.Interval, MaxUnreported: ptr.To[int32](100)}
	base(t, w, wave)
	w.Soon(t, that(func() bool { return len(w.ExposedIDs(t, "wave")) == 10 }, "the first batch is not out"))
	frozen := w.Ledger(t, "wave")
	if frozen == nil || len(frozen.Entries) != 30 || len(frozen.Exposed()) != 10 {
		t.Fatalf("after the first look the ledger is %+v, want 30 devices, 10 of them exposed", frozen)
	}

	admin := w.Admin(t)
	source, managed := w.Group(t, "Source").ID, w.AttemptGroup(t, "wave")
	others := w.Members(t, admin, w.Group(t, "Others").ID)
	if _, err := admin.AddMembers(t.Context(), source, others[:5]); err != nil {
		t.Fatal(err)
	}
	stranger := others[5]
	if _, err := admin.AddMembers(t.Context(), managed, []string{stranger}); err != nil {
		t.Fatal(err)
	}
	w.Soon(t, that(func() bool { return countEvents(t, w, "wave", v1alpha1.ReasonMembershipDrifted) > 0 },
		"the device that somebody added to the managed group is not noticed"))
	w.Pass(t, observe.MemberLag, observe.MemberLag)
	if slices.Contains(w.Members(t, admin, managed), stranger) {
		t.Error("the device that somebody added to the managed group is still in it")
	}
	if n := countEvents(t, w, "wave", v1alpha1.ReasonMembershipDrifted); n != 1 {
		t.Errorf("%d events report the foreign member, want 1: %v", n, eventsOf(t, w, "wave"))
	}

	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
	if got := w.Members(t, admin, managed); len(got) != 30 || !slices.Equal(got, w.ExposedIDs(t, "wave")) {
		t.Errorf("the managed group has %d members, the ledger %d exposed devices, want the same 30", len(got), len(w.ExposedIDs(t, "wave")))
	}
	now := w.Ledger(t, "wave")
	if !slices.Equal(now.IDs(), frozen.IDs()) {
		t.Errorf("the frozen membership changed from %d to %d devices", len(frozen.Entries), len(now.Entries))
	}
	added := addedDevices(w)
	if len(added) != 30 {
		t.Errorf("%d devices were added to the managed group over time, want 30", len(added))
	}
	for id := range added {
		if !slices.ContainsFunc(now.IDs(), func(d audience.ID) bool { return d.String() == id }) {
			t.Errorf("device %s was exposed and is not among the %d of the audience", id, len(now.Entries))
		}
	}
}

// addedDevices are all directory objects that operators have added to groups, with how often.
func addedDevices(w *testkit.World) map[string]int {
	out := map[string]int{}
	for _, op := range w.Operators() {
		for _, write := range op.Writes() {
			if write.Kube || !strings.Contains(write.Body, "members@odata.bind") {
				continue
			}
			for _, part := range strings.Split(write.Body, "/directoryObjects/")[1:] {
				out[part[:36]]++
			}
		}
	}
	return out
}
