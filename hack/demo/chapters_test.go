// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// wave is a wave with ten eligible devices.
func wave(phase v1alpha1.WavePhase, revision, pending, succeeded int32) *v1alpha1.PilotWave {
	w := &v1alpha1.PilotWave{}
	w.Status.Phase, w.Status.Revision = phase, revision
	w.Status.Audience = &v1alpha1.AudienceStatus{Eligible: 10}
	w.Status.Devices = v1alpha1.DeviceCounts{Pending: pending, Succeeded: succeeded}
	at := metav1.NewTime(noon)
	w.Status.Clocks.StartedAt, w.Status.Clocks.SucceededAt = &at, &at
	return w
}

// underWay is the end of the second chapter: two devices on revision 2, one on revision 1, one on hold.
func underWay() (*story, view, effect) {
	s := &story{caught: true, seen: map[part]seen{}, retreats: map[string]time.Duration{}}
	s.moments = []moment{{effect: effect{"a": {1}, "b": {1}, "c": {1}, "d": {0}}}}
	v := view{now: noon, policy: &v1alpha1.PasskeyPolicy{}, waves: map[string]*v1alpha1.PilotWave{
		"canary": wave(v1alpha1.PhaseSucceeded, 2, 0, 10), "pilot": wave(v1alpha1.PhaseExposing, 2, 0, 10),
		"early": wave(v1alpha1.PhasePending, 1, 0, 0), "broad": wave(v1alpha1.PhasePending, 1, 0, 0),
	}}
	v.policy.Status.Revisions = []v1alpha1.RevisionStatus{
		{Number: 0, State: v1alpha1.RevisionBaseline}, {Number: 1, State: v1alpha1.RevisionStable}, {Number: 2, State: v1alpha1.RevisionCandidate},
	}
	v.policy.Status.Population = &v1alpha1.PopulationStatus{
		Members: 5, OnHold: 1, Revisions: []v1alpha1.RevisionCount{{Revision: 1, Count: 1}, {Revision: 2, Count: 2}},
		OutOfReach: []v1alpha1.ReasonCount{{Reason: "Stale", Count: 1}}, AsOf: metav1.NewTime(noon.Add(time.Hour)),
	}
	return s, v, effect{"a": {2}, "b": {2}, "c": {1}, "d": {0}}
}

// reverted is the end of the third chapter.
func reverted() (*story, view, effect) {
	s, v, e := underWay()
	s.moments = append(s.moments, moment{effect: e})
	s.retreats = map[string]time.Duration{"canary": time.Hour, "pilot": time.Hour}
	for _, name := range order {
		v.waves[name] = wave(v1alpha1.PhaseSucceeded, 1, 0, 10)
	}
	v.policy.Status.Revisions[2].State = v1alpha1.RevisionReverted
	v.policy.Status.Population.Revisions = []v1alpha1.RevisionCount{{Revision: 1, Count: 3}}
	return s, v, effect{"a": {1}, "b": {1}, "c": {1}, "d": {0}}
}

func TestChecks(t *testing.T) {
	for _, test := range []struct {
		name   string
		from   func() (*story, view, effect)
		change func(*story, view, effect)
		check  func(*story, view, effect) error
		want   string
	}{
		{"rolled", underWay, nil, (*story).checkRolled, ""},
		{"baseline not noticed", underWay, func(s *story, _ view, _ effect) { s.caught = false }, (*story).checkRolled, "was not stopped"},
		{"does not add up", underWay, func(_ *story, v view, _ effect) { v.policy.Status.Population.OnHold = 0 }, (*story).checkRolled, "4 of 5"},
		{"begun", underWay, nil, (*story).checkBegun, ""},
		{"device that left", underWay, func(_ *story, _ view, e effect) { delete(e, "c") }, (*story).checkBegun, ""},
		{"lost to hold", underWay, func(_ *story, _ view, e effect) { e["c"] = []int32{0} }, (*story).checkBegun, "device c had r1 and has hold, want r1 or r2"},
		{"two at once", underWay, func(_ *story, _ view, e effect) { e["c"] = []int32{1, 2} }, (*story).checkBegun, "device c is targeted by r1 and r2 at once"},
		{"nobody has it", underWay, func(_ *story, _ view, e effect) { e["a"], e["b"] = []int32{1}, []int32{1} }, (*story).checkBegun, "revision 2 reaches 0 devices"},
		{"too many", underWay, func(_ *story, v view, _ effect) {
			for _, name := range provers {
				v.waves[name].Status.Audience = nil
			}
		}, (*story).checkBegun, "at most the 0"},
		{"not stable", underWay, func(_ *story, v view, _ effect) { v.policy.Status.Revisions[1].State = "Superseded" }, (*story).checkBegun, "want Stable"},
		{"restored", reverted, nil, (*story).checkRestored, ""},
		{"still there", reverted, func(_ *story, _ view, e effect) { e["a"] = []int32{2} }, (*story).checkRestored, "still reaches 1"},
		{"fell to hold", reverted, func(_ *story, _ view, e effect) { e["a"] = []int32{0} }, (*story).checkRestored, "device a had r2 and has hold, want r1"},
		{"not reverted", reverted, func(_ *story, v view, _ effect) { v.policy.Status.Revisions[2].State = "Candidate" }, (*story).checkRestored, `revision 2 is "Candidate"`},
		{"one stayed", reverted, func(s *story, _ view, _ effect) { delete(s.retreats, "pilot") }, (*story).checkRestored, `wave "pilot" did not roll back`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, v, e := test.from()
			if test.change != nil {
				test.change(s, v, e)
			}
			expect(t, test.check(s, v, e), test.want)
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want none", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want an error with %q", err, want)
	}
}

// TestOver: a chapter is not over before everything that is judged then has been seen.
func TestOver(t *testing.T) {
	for _, test := range []struct {
		name   string
		from   func() (*story, view, effect)
		change func(*story, view)
		waits  func(*story, view) string
		want   string
	}{
		{"all on r1", reverted, nil, (*story).rolled, ""},
		{"one on the way", reverted, func(_ *story, v view) { v.waves["broad"].Status.Phase = v1alpha1.PhaseBaking }, (*story).rolled, `wave "broad" has not succeeded`},
		{"counted before", reverted, func(_ *story, v view) { v.policy.Status.Population.AsOf = metav1.NewTime(noon) }, (*story).rolled, "was last counted at"},
		{"begun", underWay, nil, (*story).begun, ""},
		{"few reports", underWay, func(_ *story, v view) { v.waves["pilot"].Status.Devices.Succeeded = enough - 1 }, (*story).begun, "fewer than 10"},
		{"canary not proven", underWay, func(_ *story, v view) { v.waves["canary"].Status.Phase = v1alpha1.PhaseBaking }, (*story).begun, `wave "canary" has not succeeded`},
		{"not counted", underWay, func(_ *story, v view) { v.policy.Status.Population = nil }, (*story).begun, "no member"},
		{"restored", reverted, nil, (*story).restored, ""},
		{"some on r2", reverted, func(_ *story, v view) { v.policy.Status.Population.Revisions[0].Revision = 2 }, (*story).restored, "3 members"},
		{"one rolls back", reverted, func(_ *story, v view) { v.waves["pilot"].Status.Phase = v1alpha1.PhaseRollingBack }, (*story).restored, `wave "pilot" has not succeeded`},
	} {
		s, v, _ := test.from()
		if test.change != nil {
			test.change(s, v)
		}
		if got := test.waits(s, v); got != test.want && (test.want == "" || !strings.Contains(got, test.want)) {
			t.Errorf("%s: it waits because %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDuring(t *testing.T) {
	s, v, _ := underWay()
	expect(t, s.spread(v), "")
	v.waves["canary"].Status.Phase = v1alpha1.PhaseBaking
	expect(t, s.spread(v), `wave "pilot" exposes devices to revision 2 before its turn`)

	v.waves["canary"].Status.Phase = v1alpha1.PhaseRollingBack
	expect(t, s.retreated(v, time.Second), "")
	expect(t, s.retreated(v, atOnce+time.Second), `wave "pilot" is Exposing 11s after the revert`)
	if s.retreats["canary"] != time.Second {
		t.Errorf("the canary was rolling back after %s, want one second", s.retreats["canary"])
	}
}

func TestSummary(t *testing.T) {
	s, v, e := underWay()
	s.seen[part{"canary", 2}] = seen{harmed: 1, exposed: 10}
	rows := s.rowsOf(v, second)
	if len(rows) != 2 || rows[0].Name != "canary" || rows[0].Revision != 2 || rows[0].Harmed != 1 || rows[1].Name != "pilot" {
		t.Errorf("rows of revision 2: %+v", rows)
	}
	got := summaryOf(moment{"now", v, e})
	if got.Revisions[1] != 1 || got.Revisions[2] != 2 || got.OnHold != 1 || got.OutOfReach != 1 || got.Targeted[0] != 1 || got.Targeted[2] != 2 {
		t.Errorf("population: %+v", got)
	}
	if text := strings.Join(v.lines(), "\n"); !strings.Contains(text, "on hold 1, on r1 1, on r2 2, out of reach 1 = 5") {
		t.Errorf("live view:\n%s", text)
	}
}
