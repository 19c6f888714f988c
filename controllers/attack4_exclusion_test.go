// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise02_14_ExcludedAreNotKnown: a wave that has succeeded and cannot tell whom it excludes, because the group is gone, says so:
// who is excluded stays in its groups, and whom somebody took out is not put back.
func TestPromise02_14_ExcludedAreNotKnown(t *testing.T) {
	t.Parallel()
	l := proven(t, v1alpha1.ModeGate, group("Out", 1))
	group := l.attemptGroup("a")
	l.exclude(l.members(group)[:1])
	l.rest()
	out := l.groupID("Out")
	if err := l.admin().DeleteGroup(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	removed := l.members(group)[:1]
	if err := l.admin().RemoveMembers(t.Context(), group, removed); err != nil {
		t.Fatal(err)
	}
	l.hours(2)
	if slices.Contains(l.members(group), removed[0]) {
		t.Error("one who may be excluded is put back")
	}
	if s := l.wave("a").Status; s.Decision.Reason != v1alpha1.ReasonGroupNotFound || !strings.Contains(s.Decision.Message, "Out") {
		t.Errorf("%s %+v", s.Phase, s.Decision)
	}
}

// TestPromise02_OneExclusionIsUnreadable: an excluded group that is gone hides nobody whom another one excludes.
func TestPromise02_OneExclusionIsUnreadable(t *testing.T) {
	t.Parallel()
	l := proven(t, v1alpha1.ModeGate, group("Gone", 1), group("Out", 1))
	group := l.attemptGroup("a")
	w := l.wave("a")
	l.edit(w, func() {
		w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{DisplayName: "Gone"}, {DisplayName: "Out"}}
	})
	l.put("Out", nil)
	l.rest()
	if err := l.admin().DeleteGroup(t.Context(), l.groupID("Gone")); err != nil {
		t.Fatal(err)
	}
	out := l.members(group)[:1]
	l.put("Out", out)
	l.hours(2)
	if slices.Contains(l.members(group), out[0]) {
		s := l.wave("a").Status
		t.Errorf("%s is excluded and stays: %s %+v", out[0], s.Phase, s.Decision)
	}
}
