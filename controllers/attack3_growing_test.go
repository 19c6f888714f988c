// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// put makes devices the members of a group of the tenant, and nobody else.
func (l *lab) put(name string, devices []string) {
	l.t.Helper()
	id := l.groupID(name)
	if err := l.admin().RemoveMembers(l.t.Context(), id, l.members(id)); err != nil {
		l.t.Fatal(err)
	}
	if len(devices) == 0 {
		return
	}
	if _, err := l.admin().AddMembers(l.t.Context(), id, devices); err != nil {
		l.t.Fatal(err)
	}
}

// grown is a lab with a growing wave of First that has succeeded with r1, and devices of Later that are not in it.
func grown(t *testing.T) (l *lab, later []string) {
	t.Helper()
	l = newLab(t, calm(group("First", 20), group("Later", 6), group("Out", 1)))
	p := newPolicy()
	p.Spec.RevertWindow = hours(720)
	w := newWave("a", "First")
	w.Spec.Audience.Membership = v1alpha1.MembershipGrowing
	w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{DisplayName: "Out"}}
	l.apply(l.newTenant(), p)
	l.rest()
	l.put("Out", nil)
	l.apply(w)
	l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	l.rest()
	first := l.members(l.groupID("First"))
	for _, d := range l.members(l.groupID("Later")) {
		if !slices.Contains(first, d) {
			later = append(later, d)
		}
	}
	if len(later) < 2 {
		t.Fatalf("only %d devices are left to join", len(later))
	}
	return l, later
}

func (l *lab) join(group string, devices ...string) {
	l.t.Helper()
	if _, err := l.admin().AddMembers(l.t.Context(), l.groupID(group), devices); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) hours(n int) {
	l.t.Helper()
	for range n {
		l.rest()
		if err := l.sim.Advance(time.Hour); err != nil {
			l.t.Fatal(err)
		}
	}
	l.rest()
}

// TestPromise17_ExcludedByMistake: a device that was excluded, and is not any more, stays out of the attempt, for whoever excludes
// somebody for a minute must not put them back by it; the population has it on hold, and the next attempt or another wave takes it.
func TestPromise17_ExcludedByMistake(t *testing.T) {
	t.Parallel()
	l, _ := grown(t)
	device := l.members(l.attemptGroup("a"))[0]
	l.put("Out", []string{device})
	l.hours(2)
	if slices.Contains(l.members(l.attemptGroup("a")), device) {
		t.Fatal("the device is excluded, and a member")
	}
	l.put("Out", nil)
	l.hours(12)
	if slices.Contains(l.members(l.attemptGroup("a")), device) {
		t.Error("the device is a member again, and nobody asked for it")
	}
	if p := l.policy().Status.Population; p == nil || p.OnHold == 0 {
		t.Errorf("nobody is said to be on hold: %+v", p)
	}
	again := newWave("again", "First")
	again.Spec.Audience.Membership = v1alpha1.MembershipGrowing
	again.Spec.Gate.Promote, again.Spec.Gate.Smoke = nil, &v1alpha1.SmokeTest{}
	again.Spec.Gate.Coverage.MinReports = 1
	again.Spec.Audience.MaxIneligiblePercent = ptr.To[int32](100)
	l.apply(again)
	l.hours(6)
	if got := l.members(l.attemptGroup("again")); !slices.Equal(got, []string{device}) {
		w := l.wave("again").Status
		t.Errorf("another wave takes %q, want %q: %s %+v, %+v", got, device, w.Phase, w.Audience, w.Decision)
	}
}

// TestPromise13_JoinersOfARevertedRevision: devices that joined a growing wave while it brought r2 fall back to hold with the
// revert, and join the attempt of r1 again.
func TestPromise13_JoinersOfARevertedRevision(t *testing.T) {
	thorough(t)
	l, later := grown(t)
	p := l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	l.until("r2 is exposed", 20, func() bool {
		s := l.wave("a").Status
		return s.Attempt == 2 && s.Clocks.LastBatchAt != nil
	})
	l.join("First", later...)
	l.until("they join r2", 40, func() bool {
		in := l.members(l.attemptGroup("a"))
		return l.wave("a").Status.Attempt == 2 && slices.Contains(in, later[0]) && slices.Contains(in, later[1])
	})
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "" })
	l.until("it stands again", 60, func() bool {
		l.mustBeSingle("reverting")
		s := l.wave("a").Status
		return s.Phase == v1alpha1.PhaseSucceeded && s.Attempt == 1
	})
	l.until("they join r1", 40, func() bool {
		l.mustBeSingle("joining again")
		in := l.members(l.attemptGroup("a"))
		return slices.Contains(in, later[0]) && slices.Contains(in, later[1])
	})
}

// TestPromise02_ExcludedJoiner: a device that joins and is excluded before its batch is never exposed.
func TestPromise02_ExcludedJoiner(t *testing.T) {
	thorough(t)
	l, later := grown(t)
	w := l.wave("a")
	l.edit(w, func() { w.Spec.Exposure.BatchSize, w.Spec.Exposure.Interval = 1, hours(4) })
	l.join("First", later...)
	l.until("one of them is in", 20, func() bool {
		in := l.members(l.attemptGroup("a"))
		return slices.ContainsFunc(later, func(d string) bool { return slices.Contains(in, d) })
	})
	in := l.members(l.attemptGroup("a"))
	waiting := slices.DeleteFunc(slices.Clone(later), func(d string) bool { return slices.Contains(in, d) })
	if len(waiting) == 0 {
		t.Fatal("nobody waits")
	}
	l.put("Out", waiting)
	l.hours(24)
	for _, d := range waiting {
		if slices.Contains(l.members(l.attemptGroup("a")), d) {
			t.Errorf("%s was excluded before its batch, and is exposed", d)
		}
	}
}
