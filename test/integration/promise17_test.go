// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// accounted wants the population to add up, with so many on hold and so many on the newest revision.
func accounted(t testing.TB, w *testkit.World, members, onHold, onRevision int32) func(context.Context) error {
	return func(context.Context) error {
		p := policy(t, w).Status.Population
		if p == nil {
			return fmt.Errorf("the population is not accounted for")
		}
		sum, last := p.OnHold, int32(0)
		for _, r := range p.Revisions {
			sum, last = sum+r.Count, r.Count
		}
		for _, r := range p.OutOfReach {
			sum += r.Count
		}
		if sum != p.Members {
			return fmt.Errorf("the numbers add up to %d of %d: %+v", sum, p.Members, p)
		}
		if p.Members != members || p.OnHold != onHold || last != onRevision {
			return fmt.Errorf("%d members, %d on hold, %d on the revision, want %d, %d and %d: %+v", p.Members, p.OnHold, last, members, onHold, onRevision, p)
		}
		return nil
	}
}

// TestPromise17_EverybodyIsAccountedFor: the waves are done, and the policy says who is still on hold and why; a growing wave takes
// them in.
func TestPromise17_EverybodyIsAccountedFor(t *testing.T) {
	t.Parallel()
	sc := calm(of("Source", 20), of("Rest", 10))
	sc.Devices = []tenantsim.DeviceSpec{{State: "accountDisabled", Count: 4}}
	w := newWorld(t, sc, testkit.Options{Devices: 60})
	rest := quick(w, "rest", "Rest", "wave")
	rest.Spec.Audience.Membership = v1alpha1.MembershipGrowing
	rest.Spec.Gate.Promote.FloorRate = "0.50"
	base(t, w, quick(w, "wave", "Source"), rest)
	reaches(t, w, "rest", v1alpha1.PhaseSucceeded)
	w.Until(t, hour, 2*day, func(context.Context) error {
		p := policy(t, w).Status.Population
		if p == nil || len(p.OutOfReach) == 0 || p.InNoWave == 0 {
			return fmt.Errorf("population %+v", p)
		}
		if err := condition(policy(t, w).Status.Conditions, v1alpha1.ConditionRolloutComplete, "False", v1alpha1.ReasonStillOnHold); err != nil {
			return err
		}
		if said := message(policy(t, w).Status.Conditions, v1alpha1.ConditionRolloutComplete); !strings.Contains(said, "hold") {
			return fmt.Errorf("nothing is said of those on hold: %s", said)
		}
		return accounted(t, w, p.Members, p.OnHold, p.Members-p.OnHold-p.OutOfReach[0].Count)(t.Context())
	})

	t.Log("those that were in no wave join the group of the growing one")
	before := policy(t, w).Status.Population
	admin := w.Admin(t)
	if _, err := admin.AddMembers(t.Context(), w.Group(t, "Rest").ID, w.Members(t, admin, w.Group(t, testkit.Everyone).ID)); err != nil {
		t.Fatal(err)
	}
	w.Until(t, 4*hour, 6*day, func(context.Context) error {
		if err := accounted(t, w, before.Members, 0, before.Members-before.OutOfReach[0].Count)(t.Context()); err != nil {
			return err
		}
		return condition(policy(t, w).Status.Conditions, v1alpha1.ConditionRolloutComplete, "True", "")
	})
	if s := w.Wave(t, "rest").Status; s.Phase != v1alpha1.PhaseSucceeded || s.Attempt != 1 || s.Audience.Joined == 0 {
		t.Errorf("the growing wave is %s in attempt %d with %+v", s.Phase, s.Attempt, s.Audience)
	}
}
