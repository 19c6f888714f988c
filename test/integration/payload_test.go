// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestPayloadChangeStartsOver changes the settings while one wave has succeeded and another bakes.
func TestPayloadChangeStartsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20), of("Second", 20)), testkit.Options{})
	second := quick(w, "second", "Second", "first")
	second.Spec.Gate.Bake.Duration = 2 * day
	base(t, w, quick(w, "first", "First"), second)
	reaches(t, w, "second", v1alpha1.PhaseBaking)
	w.Pass(t, step, 12*hour)
	p := policy(t, w)
	old := p.Status.PayloadHash
	if s := w.Wave(t, "second").Status; s.Devices.Succeeded < 15 {
		t.Fatalf("only %d devices have reported, there is nothing to forget", s.Devices.Succeeded)
	}

	seen := len(w.Operator.Writes())
	w.Edit(t, p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
	w.Until(t, 10*time.Minute, 4*hour, all(w.InPhase("first", v1alpha1.PhaseBaking), w.InPhase("second", v1alpha1.PhasePending), that(func() bool {
		return w.Wave(t, "first").Status.Attempt == 2 && w.Wave(t, "second").Status.Attempt == 2
	}, "the second attempts have not begun")))
	drainedBeforeReplaced(t, w, seen, 40)

	now := policy(t, w).Status.PayloadHash
	for _, name := range []string{"first", "second"} {
		s := w.Wave(t, name).Status
		if s.Attempt != 2 || len(s.History) != 1 || s.History[0].Outcome != rollout.OutcomeSuperseded || s.History[0].PayloadHash != old {
			t.Errorf("wave %s is in attempt %d with history %+v, want attempt 1 superseded", name, s.Attempt, s.History)
		}
	}
	first, next := w.Wave(t, "first").Status, w.Wave(t, "second").Status
	if now == old || first.PayloadHash != now || first.Phase == v1alpha1.PhaseSucceeded || next.Phase != v1alpha1.PhasePending {
		t.Errorf("payload %s → %s: first is %s on %s, second is %s; want first to go out again and second to wait", old, now, first.Phase, first.PayloadHash, next.Phase)
	}
	if first.Devices.Succeeded != 0 || len(first.Gate) > 0 && first.Gate[0].N != 0 {
		t.Errorf("old reports count: %+v, %+v", first.Devices, first.Gate)
	}
	arrives(t, w, "Allow", 20)
	done := reaches(t, w, "second", v1alpha1.PhaseSucceeded).Status
	if was := w.Wave(t, "first").Status; was.Phase != v1alpha1.PhaseSucceeded || was.PayloadHash != now || done.PayloadHash != now {
		t.Errorf("the rollout of %s ended with first %s on %s, second on %s", now, was.Phase, was.PayloadHash, done.PayloadHash)
	}
}

// drainedBeforeReplaced wants every exposed device out of its group before the settings of an allow policy are written, and
// nothing exposed before that.
func drainedBeforeReplaced(t *testing.T, w *testkit.World, seen, devices int) {
	t.Helper()
	allow := map[string]bool{}
	for _, o := range policy(t, w).Status.Objects {
		if o.Role == v1alpha1.RoleAllow {
			allow[o.ID] = true
		}
	}
	out, replaced := map[string]bool{}, 0 // a list that is late has a device taken out twice
	for _, write := range w.Operator.Writes()[seen:] {
		switch {
		case write.Kube:
		case write.Method == "DELETE" && strings.Contains(write.Path, "/members/"):
			out[write.Path] = true
		case write.Method == "PUT":
			for id := range allow {
				if strings.Contains(write.Path, id) {
					replaced++
					if len(out) < devices {
						t.Errorf("an allow policy was rewritten when %d of %d devices were out: %s", len(out), devices, write)
					}
				}
			}
		case exposes(write) && replaced < len(allow):
			t.Errorf("devices were exposed when %d of %d allow policies had the new payload", replaced, len(allow))
		}
	}
	if len(out) != devices || replaced != len(allow) {
		t.Errorf("%d of %d devices were drained and %d of %d allow policies rewritten", len(out), devices, replaced, len(allow))
	}
}

// TestPayloadChangeAfterRollback must not put the devices of a rolled back wave under the new payload on its way out.
func TestPayloadChangeAfterRollback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20)), testkit.Options{})
	first := quick(w, "first", "First")
	base(t, w, first)
	reaches(t, w, "first", v1alpha1.PhaseBaking)
	annotate(t, w, first, v1alpha1.AnnotationRollback, "now")
	reaches(t, w, "first", v1alpha1.PhaseRolledBack)
	group := w.AttemptGroup(t, "first")
	w.Operator.Refuse(func(write testkit.Write) bool { // nobody leaves the group
		_, ok := removal(write, group)
		return ok
	})
	p := policy(t, w)
	w.Edit(t, p, func() { p.Spec.Settings.PasskeyCreation = v1alpha1.Disabled })
	w.Promptly(t, that(func() bool { return w.Wave(t, "first").Status.Attempt == 2 }, "the second attempt has not begun"))
	w.Pass(t, hour, 2*hour)
	if s := w.Wave(t, "first").Status; s.Phase != v1alpha1.PhasePending || s.Attempt != 2 || len(w.Members(t, w.Admin(t), group)) != 20 {
		t.Fatalf("the wave is %s in attempt %d with %d devices in its group, want a second attempt that cannot drain the first", s.Phase, s.Attempt, len(w.Members(t, w.Admin(t), group)))
	}
	checkSafety(t, w)
	w.Operator.Refuse(nil)
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
}
