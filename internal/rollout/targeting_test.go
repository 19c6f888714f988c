// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/gate"
)

// TestPromise15_NotApplicableProvesNothing: a payload that does nothing on most of a wave does not pass on the rest of it, whatever the
// share that is allowed, and whether or not a prerequisite explains it.
func TestPromise15_NotApplicableProvesNothing(t *testing.T) {
	outdated := func(f *diagnosis.Facts, _ int) { f.EdgeVersion = "100.0" }
	for name, tt := range map[string]struct {
		spec     *v1alpha1.PilotWaveSpec
		devices  []standing
		explains bool
		most     int32
		want     EvidenceState
	}{
		"smoke, 49 of 50":                        {smokeOf(0), devices(notApplicable, 49, good, 1), false, 10, EvidenceNotApplicable},
		"smoke, 49 of 50, explained":             {smokeOf(0), devices(notApplicable, 49, good, 1), true, 10, EvidenceNotApplicable},
		"smoke, 49 of 50, no limit":              {smokeOf(0), devices(notApplicable, 49, good, 1), false, 100, EvidenceWait},
		"smoke, 49 of 50, no limit, explained":   {smokeOf(0), devices(notApplicable, 49, good, 1), true, 100, EvidenceWait},
		"smoke, as many as allowed":              {smokeOf(0), devices(notApplicable, 5, good, 45), false, 10, EvidenceWait},
		"smoke, as many as allowed, explained":   {smokeOf(0), devices(notApplicable, 5, good, 45), true, 10, EvidencePass},
		"smoke, one more than allowed":           {smokeOf(9), devices(notApplicable, 6, good, 44), true, 10, EvidenceNotApplicable},
		"smoke, some may fail":                   {smokeOf(5), devices(notApplicable, 5, good, 45), false, 10, EvidencePass},
		"930 of 1000":                            {judgedBy("0.95"), devices(notApplicable, 930, good, 70), false, 10, EvidenceNotApplicable},
		"930 of 1000, explained":                 {judgedBy("0.95"), devices(notApplicable, 930, good, 70), true, 10, EvidenceNotApplicable},
		"930 of 1000, no limit":                  {judgedBy("0.95"), devices(notApplicable, 930, good, 70), false, 100, EvidenceWait},
		"930 of 1000, no limit, explained":       {judgedBy("0.95"), devices(notApplicable, 930, good, 70), true, 100, EvidenceWait},
		"6 of 100, unexplained: not proven":      {judgedBy("0.95"), devices(notApplicable, 6, good, 94), false, 10, EvidenceWait},
		"6 of 100, explained: proven by 94":      {judgedBy("0.95"), devices(notApplicable, 6, good, 94), true, 10, EvidencePass},
		"none allowed":                           {judgedBy("0.95"), devices(notApplicable, 1, good, 99), true, 0, EvidenceNotApplicable},
		"a halt comes first":                     {judgedBy("0.80"), devices(notApplicable, 930, failing, 10, good, 60), false, 10, EvidenceHalt},
		"conflicts come first":                   {judgedBy("0.80"), devices(notApplicable, 930, conflicting, 40, good, 30), false, 10, EvidenceConflict},
		"the rest of the audience is not heard":  {judgedBy("0.95"), devices(notApplicable, 101, unexposed, 899), false, 10, EvidenceNotApplicable},
		"as many as allowed, the rest not heard": {judgedBy("0.95"), devices(notApplicable, 100, unexposed, 900), false, 10, EvidenceWait},
	} {
		tt.spec.Gate.Coverage.MaxNotApplicablePercent = ptr.To(tt.most)
		c := trial{spec: tt.spec, devices: tt.devices}.evidence()
		if tt.explains {
			was := c.Facts
			c.Facts = func(id audience.ID) []diagnosis.Facts {
				facts := was(id)
				if r := facts[0].Report; r != nil && r.Status == diagnosis.StatusNotApplicable {
					outdated(&facts[0], 0)
				}
				return facts
			}
		}
		for _, when := range []string{"seen", "kept"} {
			j, err := Judge(c)
			if err != nil || j.State != tt.want {
				t.Errorf("%s, %s: %s, %s (%v)", name, when, j.State, j.Message, err)
			}
			if j.State == EvidenceNotApplicable && (!strings.Contains(j.Message, "does not apply on") || !strings.Contains(j.Message, "request a retry")) {
				t.Errorf("%s: %s", name, j.Message)
			}
			c.learn()
		}
	}
}

// TestNotApplicableByItsLastWord: one on which the policy did not apply, and that is gone since, counts as it did.
func TestNotApplicableByItsLastWord(t *testing.T) {
	for name, edge := range map[string]string{"unexplained": "145.0.1.1", "explained": "100.0"} {
		c := trial{spec: judgedBy("0.95"), devices: devices(notApplicable, 6, good, 94)}.evidence()
		c.change(6, func(f *diagnosis.Facts, _ int) { f.EdgeVersion = edge })
		before, err := Judge(c)
		if err != nil {
			t.Fatal(err)
		}
		c.learn()
		c.change(6, func(f *diagnosis.Facts, _ int) { *f = diagnosis.Facts{} })
		if j, err := Judge(c); err != nil || j.State != before.State || j.Row != before.Row || j.Devices != before.Devices {
			t.Errorf("%s: %s %+v, before %s %+v (%v)", name, j.State, j.Row, before.State, before.Row, err)
		}
	}
}

// TestHeldByTargeting: a wave whose payload does not apply on too many is held, and goes on by itself when two readings no longer
// show it.
func TestHeldByTargeting(t *testing.T) {
	w := aWorld(15)
	look := func() {
		keep(&w)
		w = decided(t, w)
	}
	for i := range 5 {
		reports(&w, i, diagnosis.StatusNotApplicable, 70, 0)
	}
	look()
	if s := w.Wave.Status; s.Phase != held || s.HeldReason != v1alpha1.ReasonTooManyNotApplicable || s.HeldPhase != exposing || s.Devices.NotApplicable != 5 {
		t.Fatalf("%s %s %+v: %s", s.Phase, s.HeldReason, s.Devices, s.Decision.Message)
	}
	reports(&w, 0, diagnosis.StatusSucceeded, 71, 0)
	for hour := range 3 {
		r, _ := w.Fleet.(reading)
		r.asOf = w.Now
		w.Fleet = r
		look()
		if got, want := w.Wave.Status.Phase == held, hour < 2; got != want && hour != 1 {
			t.Errorf("reading %d: %s: %s", hour, w.Wave.Status.Phase, w.Wave.Status.Decision.Message)
		}
		w.Now = w.Now.Add(hours(1).Duration)
	}
	if w.Wave.Status.Phase == held {
		t.Errorf("still held: %s", w.Wave.Status.Decision.Message)
	}
}

// TestPromise15_LooksFromTheFrozenAudience: whatever devices report, whoever is excluded, refused or joins, and whether or not the
// status is lost on the way: at each number of reports the attempt is judged by the look that was declared for it at the start.
func TestPromise15_LooksFromTheFrozenAudience(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		w := aWorld(40)
		g := judgedBy([]string{"0.80", "0.90"}[r.IntN(2)]).Gate
		g.Promote.Looks = int32(1 + r.IntN(4))
		g.Coverage.MaxNotApplicablePercent = ptr.To[int32](100)
		w.Wave.Spec.Gate = g
		l := *w.Record()
		l.Growing = seed%2 == 0
		l, _ = l.Confirm(ids(40), w.Now.Add(-hours(60).Duration))
		for i := range l.Entries { // matured
			l.Entries[i].AskedAt, l.Entries[i].ConfirmedAt = audience.StampOf(hour(1)), audience.StampOf(hour(1))
		}
		w.Ledger = readOf(&l)
		declared := declaredLooks(t, &g, 40)
		joined := 100
		for range 20 {
			switch r.IntN(8) {
			case 0:
				l, _ := w.Record().Exclude([]audience.ID{device(r.IntN(40))}, w.Now)
				w.Ledger = readOf(&l)
			case 1:
				l, _ := w.Record().Refuse([]audience.ID{device(r.IntN(40))}, audience.RefusedGone)
				w.Ledger = readOf(&l)
			case 2:
				l, _ := w.Record().Join([]audience.ID{device(joined)}, hour(2))
				l, _ = l.Expose(1, hour(3))
				l, _ = l.Confirm([]audience.ID{device(joined)}, hour(4))
				w.Ledger = readOf(&l)
				setFacts(&w, joined, func(f *diagnosis.Facts) { *f = factsOf(standing(r.IntN(int(offline)+1)), 0, hour(72)) })
				joined++
			case 3:
				w.Wave.Status.Proof = nil // lost, and restored from the ledger
			default:
				for range 12 {
					i := r.IntN(40)
					setFacts(&w, i, func(f *diagnosis.Facts) { *f = factsOf(standing(r.IntN(int(offline)+1)), i, hour(72)) })
				}
			}
			keep(&w)
			_, m, err := w.Situation()
			if err != nil {
				t.Fatal(err)
			}
			row := m.Evidence.Row
			if got := [3]int32{row.LookAt, row.AllowedFailures, row.NextLookAt}; got != declared[row.N] {
				t.Fatalf("seed %d: %d reports are judged by the look %v, declared is %v", seed, row.N, got, declared[row.N])
			}
			s := w.Wave.DeepCopy()
			m.Record(&s.Status)
			w.Wave = s
		}
	}
}

// declaredLooks are the look that judges each number of reports of an audience, what it allows, and the next one.
func declaredLooks(t *testing.T, g *v1alpha1.Gate, devices int) (looks [][3]int32) {
	t.Helper()
	spec, err := GateSpec(g)
	if err != nil {
		t.Fatal(err)
	}
	plan := gate.NewPlan(spec, devices)
	for n := range devices + 1 {
		r := gate.Evaluate(plan, gate.Counts{Eligible: devices, Exposed: devices, Seen: n, Matured: devices, Reported: n, Succeeded: n}, 0)
		looks = append(looks, [3]int32{int32(r.LookAt), int32(r.Allowed), int32(r.NextLook)})
	}
	return looks
}
