// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// The cases of this file come from people who run tenants. Most of them show a promise broken: see testkit.KnownBroken.

// held counts the devices of a list that hold reaches.
func held(t testing.TB, w *testkit.World, devices []string) int {
	t.Helper()
	n := 0
	for _, d := range w.ReachedBy(t, "Hold") {
		if slices.Contains(devices, d) {
			n++
		}
	}
	return n
}

// finished is a world with one wave of n devices that has succeeded, and reaches them.
func finished(t testing.TB, n int) *testkit.World {
	t.Helper()
	w := newWorld(t, calm(of("Source", n)), testkit.Options{Devices: 60})
	base(t, w, quick(w, "wave", "Source"))
	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
	arrives(t, w, "Allow", n)
	return w
}

// TestPromise13_NewPayloadTakesNothingAway changes the payload after the rollout: until its own wave brings it, a device
// keeps what it has.
func TestPromise13_NewPayloadTakesNothingAway(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := finished(t, 20)
		devices := w.ExposedIDs(t, "wave")
		p := policy(t, w)
		w.Edit(t, p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
		for range 8 {
			w.Pass(t, 30*time.Minute, hour)
			if n := held(t, w, devices); n > 0 {
				t.Fatalf("P13: %d of 20 devices were sent back to hold by a new payload", n)
			}
		}
	})
}

// TestPromise13_HoldDoesNotFollowThePayload reverts the payload as a person does in Git: whoever is held back keeps what
// they have.
func TestPromise13_HoldDoesNotFollowThePayload(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := finished(t, 20)
		was := w.OwnPolicy(t, v1alpha1.RoleHold, v1alpha1.PlatformWindows).Values
		p := policy(t, w)
		w.Edit(t, p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
		w.Pass(t, step, day)
		if is := w.OwnPolicy(t, v1alpha1.RoleHold, v1alpha1.PlatformWindows).Values; !maps.Equal(is, was) {
			t.Errorf("P13: hold went from %v to %v for everybody at once", was, is)
		}
	})
}

// TestPromise02_NewPayloadGoesOutInBatches looks at whom the new payload reaches when its first batch is out.
func TestPromise02_NewPayloadGoesOutInBatches(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(of("Source", 40)), testkit.Options{Devices: 60})
		wave := quick(w, "wave", "Source")
		wave.Spec.Exposure.BatchSize, wave.Spec.Exposure.MaxUnreported = 10, ptr.To[int32](100)
		base(t, w, wave)
		reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
		arrives(t, w, "Allow", 40)
		p := policy(t, w)
		w.Edit(t, p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
		w.Until(t, time.Minute, 4*hour, that(func() bool {
			return w.Wave(t, "wave").Status.Attempt == 2 && len(w.ExposedIDs(t, "wave")) == 10
		}, "the first batch of the second attempt is not out"))
		exposed := w.ExposedIDs(t, "wave")
		early := slices.DeleteFunc(w.ReachedBy(t, "Allow"), func(d string) bool { return slices.Contains(exposed, d) })
		if len(early) > 0 {
			t.Errorf("P2: %d devices that the ledger calls pending are reached by the new payload", len(early))
		}
	})
}

// TestPromise02_ExclusionInARunningAttempt excludes a group while the wave exposes its devices in batches.
func TestPromise02_ExclusionInARunningAttempt(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(of("Source", 30), of("VIP", 0)), testkit.Options{Devices: 60})
		wave := quick(w, "wave", "Source")
		wave.Spec.Exposure = v1alpha1.Exposure{BatchSize: 5, Interval: wave.Spec.Exposure.Interval, MaxUnreported: ptr.To[int32](100)}
		base(t, w, wave)
		w.Soon(t, that(func() bool { return len(w.ExposedIDs(t, "wave")) == 5 }, "the first batch is not out"))
		var pending []string
		for _, id := range w.Ledger(t, "wave").Pending() {
			pending = append(pending, id.String())
		}
		if _, err := w.Admin(t).AddMembers(t.Context(), w.Group(t, "VIP").ID, pending[:10]); err != nil {
			t.Fatal(err)
		}
		w.Edit(t, wave, func() { wave.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{DisplayName: "VIP"}} })
		w.Pass(t, hour, day)
		late := 0
		for _, id := range w.ExposedIDs(t, "wave") {
			if slices.Contains(pending[:10], id) {
				late++
			}
		}
		if late > 0 {
			t.Errorf("P2: %d devices were exposed after they had been excluded", late)
		}
	})
}

// TestPromise14_ManagedGroupDeleted deletes the group of a wave that has succeeded, which undoes the rollout.
func TestPromise14_ManagedGroupDeleted(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := finished(t, 20)
		if err := w.Admin(t).DeleteGroup(t.Context(), w.AttemptGroup(t, "wave")); err != nil {
			t.Fatal(err)
		}
		w.Pass(t, step, day)
		if err := w.Reaches(t, "Allow", 0); err != nil {
			t.Fatal(err)
		}
		if meta.IsStatusConditionTrue(policy(t, w).Status.Conditions, v1alpha1.ConditionRolloutComplete) {
			t.Error("P14: allow reaches nobody and the policy says RolloutComplete")
		}
		if meta.IsStatusConditionTrue(w.Wave(t, "wave").Status.Conditions, v1alpha1.ConditionReady) {
			t.Error("P14: allow reaches nobody and the wave says Ready")
		}
	})
}

// TestPromise14_PopulationsGroupIsGone deletes the group that hold reaches while a wave exposes its devices.
func TestPromise14_PopulationsGroupIsGone(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(of("Source", 30)), testkit.Options{Devices: 60})
		wave := quick(w, "wave", "Source")
		wave.Spec.Exposure.BatchSize, wave.Spec.Exposure.Interval.Duration = 10, day
		base(t, w, wave)
		w.Soon(t, that(func() bool { return len(w.ExposedIDs(t, "wave")) == 10 }, "the first batch is not out"))
		arrives(t, w, "Allow", 10)
		if err := w.Admin(t).DeleteGroup(t.Context(), w.Group(t, testkit.Everyone).ID); err != nil {
			t.Fatal(err)
		}
		w.Pass(t, step, 12*hour)
		if err := w.Reaches(t, "Hold", 0); err != nil {
			t.Fatal(err)
		}
		if meta.IsStatusConditionTrue(policy(t, w).Status.Conditions, v1alpha1.ConditionApplied) {
			t.Error("P14: hold reaches nobody and the policy says Applied")
		}
		w.Pass(t, step, 2*day)
		if n := len(w.ExposedIDs(t, "wave")); n > 10 {
			t.Errorf("P14: hold reaches nobody and %d more devices were exposed", n-10)
		}
	})
}

// TestPromise01_PopulationOfUsers holds back a group of people. Intune does not take a group of devices out of it
// (contract-2 y.4).
func TestPromise01_PopulationOfUsers(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(tenantsim.GroupSpec{DisplayName: "People", Count: 30, Unit: "user"}), testkit.Options{Devices: 60})
		p := w.Policy()
		p.Spec.Population.Include = []v1alpha1.GroupRef{{DisplayName: "People"}}
		w.Apply(t, w.Secret(), w.Tenant(), p, quick(w, "wave", "People"))
		w.Pass(t, hour, 12*hour)
	})
}

// TestPromise01_TwoPoliciesOnOnePopulation has a second policy hold back the devices that a wave of the first exposes.
func TestPromise01_TwoPoliciesOnOnePopulation(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(of("Source", 20)), testkit.Options{Devices: 60})
		second := w.Policy()
		second.Name = "other"
		base(t, w, quick(w, "wave", "Source"))
		w.Apply(t, second)
		w.Pass(t, hour, 12*hour)
	})
}

// paced makes the tenant hear of assignments after exactly d, a pace that is ordinary as long as d is 1 to 30 minutes, and of
// members as early as it ever does. Every replica is equally late, so that no two dependent writes fall into one instant.
func paced(t testing.TB, w *testkit.World, d time.Duration) {
	t.Helper()
	changed(t, w, func(sc *tenantsim.Scenario) {
		lag := *tenantsim.OrdinaryLag()
		lag.Assignments, lag.Targeting = tenantsim.Fixed(d), tenantsim.Fixed(5*time.Minute)
		lag.Read, lag.List, lag.Replicas = tenantsim.Fixed(20*time.Second), tenantsim.Fixed(45*time.Second), 0
		sc.Lag = &lag
	})
}

// assigned says whether a policy's assignments on Windows name a wave's group, as the tenant truly has them.
func assigned(t testing.TB, w *testkit.World, role v1alpha1.ObjectRole, wave string) bool {
	t.Helper()
	p := w.OwnPolicy(t, role, v1alpha1.PlatformWindows)
	return p != nil && slices.ContainsFunc(p.Assignments, func(a tenantsim.TargetSnapshot) bool {
		return strings.HasSuffix(a.Group, "/"+wave)
	})
}

// TestPromise01_FirstBatchAtTheServicesPace looks at every moment of the first hours of a wave. Intune may hear of the
// members of a group, and that allow includes it, before it hears that hold excludes it.
func TestPromise01_FirstBatchAtTheServicesPace(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(of("Source", 20)), testkit.Options{Devices: 40})
		paced(t, w, 30*time.Minute)
		base(t, w)
		w.Pass(t, 10*time.Minute, hour)
		w.WatchEvery(t, time.Minute)
		w.Apply(t, quick(w, "wave", "Source"))
		w.Until(t, 5*time.Second, 2*hour, that(func() bool { return assigned(t, w, v1alpha1.RoleHold, "wave") }, "hold does not exclude the group"))
		paced(t, w, time.Minute)
		w.Pass(t, time.Minute, 30*time.Minute)
	})
}

// TestPromise01_RollbackAtTheServicesPace looks at every moment of a rollback. Intune may hear that hold takes the group
// back before it hears that allow has lost it.
func TestPromise01_RollbackAtTheServicesPace(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := newWorld(t, calm(of("Source", 20)), testkit.Options{Devices: 40})
		wave := quick(w, "wave", "Source")
		base(t, w, wave)
		reaches(t, w, "wave", v1alpha1.PhaseBaking)
		arrives(t, w, "Allow", 20)
		paced(t, w, 30*time.Minute)
		w.WatchEvery(t, time.Minute)
		annotate(t, w, wave, v1alpha1.AnnotationRollback, "now")
		w.Until(t, 5*time.Second, 2*hour, that(func() bool { return !assigned(t, w, v1alpha1.RoleAllow, "wave") }, "allow has not lost the group"))
		paced(t, w, time.Minute)
		w.Pass(t, time.Minute, 30*time.Minute)
	})
}
