// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/gate"
)

// planned is a wave of the trial's gate whose attempt began with that audience.
func planned(t *testing.T, spec *v1alpha1.PilotWaveSpec, eligible int) *v1alpha1.PilotWave {
	t.Helper()
	w := waveOf(spec)
	p, err := NewProof(&w.Spec.Gate, eligible)
	if err != nil {
		t.Fatal(err)
	}
	w.Status.Proof = p
	return w
}

// judgeAs judges a trial as the wave's attempt is judged.
func judgeAs(t *testing.T, w *v1alpha1.PilotWave, tr trial, deadlinePassed bool) Judgement {
	t.Helper()
	c := tr.evidence()
	c.Gate, c.Proof, c.DeadlinePassed = GateOf(w), w.Status.Proof, deadlinePassed
	j, err := Judge(c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestPromise15_GateIsPinned: a gate that is relaxed while an attempt runs promotes nothing by it, one that is tightened
// stops nothing by it, and both are said; how long the attempt may run can be changed at any time.
func TestPromise15_GateIsPinned(t *testing.T) {
	spec := judgedBy("0.83")
	tr := trial{spec: spec, devices: devices(good, 38, failing, 5)} // proves 0.769: enough for 0.50, not for 0.83
	spec.Gate.Halt.ToleratedFailureRate = "0.4"
	w := planned(t, spec, len(tr.devices))
	if GateEdited(w) {
		t.Error("a gate that nobody touched counts as edited")
	}
	before := judgeAs(t, w, tr, false)
	if before.State == EvidencePass {
		t.Fatalf("the trial proves the floor: %+v", before.Row)
	}
	w.Spec.Gate.Promote.FloorRate, w.Spec.Gate.Coverage.MinPercent, w.Spec.Gate.Halt.ToleratedFailureRate = "0.50", 1, "0.01"
	w.Spec.Gate.Bake = hours(0)
	after := judgeAs(t, w, tr, false)
	if diff := cmp.Diff(before, after); diff != "" || !GateEdited(w) {
		t.Errorf("edited %t; the judgement changed (-before +after):\n%s", GateEdited(w), diff)
	}
	if unpinned := (trial{spec: &w.Spec, devices: tr.devices}).judge(t); unpinned.State == before.State {
		t.Error("the edit would have changed nothing: the case shows nothing")
	}
	w.Spec.Gate.Deadline = hours(500)
	w.Status.Clocks = v1alpha1.Clocks{StartedAt: at(0), ExposureCompletedAt: at(1)}
	if timing := Time(w, w.Status.Clocks, hour(1)); !timing.DeadlineAt.Equal(hour(500)) || timing.BakeElapsed {
		t.Errorf("%+v, want the deadline as it is written now and the bake as it was", timing)
	}
}

// TestProofIsKeptExactly: the plan that is read from status is the one that was made.
func TestProofIsKeptExactly(t *testing.T) {
	for _, eligible := range []int{1, 58, 59, 93, 100, 377, 1000, 25_000} {
		for _, looks := range []int32{1, 2, 10} {
			spec := judgedBy("0.95")
			spec.Gate.Promote.Looks = looks
			w := planned(t, spec, eligible)
			g, err := GateSpec(GateOf(w))
			if err != nil {
				t.Fatal(err)
			}
			kept, err := plan(g, w.Status.Proof, 1)
			if err != nil {
				t.Fatal(err)
			}
			if made := gate.NewPlan(g, eligible); !reflect.DeepEqual(made, kept) {
				t.Errorf("%d devices, %d looks: made %+v, kept %+v", eligible, looks, made, kept)
			}
		}
	}
}

// TestPromise15_OneTryAtTheDeadline: the deadline tries the proof once, by what had reported then; what reports later can
// take the proof back and cannot bring it.
func TestPromise15_OneTryAtTheDeadline(t *testing.T) {
	spec := judgedBy("0.95")
	spec.Gate.Coverage.MinPercent = 95
	at95 := trial{spec: spec, devices: devices(good, 93, failing, 2, unexposed, 5)}
	w := planned(t, spec, 100)
	if j := judgeAs(t, w, at95, false); j.DeadlineReports != 0 {
		t.Errorf("before the deadline: %+v", j)
	}
	if j := judgeAs(t, w, trial{spec: spec, devices: devices(good, 90, unexposed, 10)}, true); j.DeadlineReports != 0 || j.State == EvidencePass {
		t.Errorf("too few reports for a try: %s after %d", j.State, j.DeadlineReports)
	}
	j := judgeAs(t, w, at95, true)
	if j.DeadlineReports != 95 {
		t.Fatalf("the try is by %d reports, want 95", j.DeadlineReports)
	}
	w.Status.Proof.DeadlineReports = j.DeadlineReports
	if later := judgeAs(t, w, trial{spec: spec, devices: devices(good, 98, failing, 2)}, true); later.DeadlineReports != 95 || later.State != j.State {
		t.Errorf("after the try 100 reports give %s by %d, the try gave %s", later.State, later.DeadlineReports, j.State)
	}
}

// TestPromise15_DeadlineOfAPersonsChoice: whoever sees the reports and moves the deadline, there and back, has no try at it: moved to
// the moment at which it would pass, it would promote a payload at the floor with 0.075 where 0.05 is allowed (100 devices, half of
// them covered). After the try an edit changes nothing.
func TestPromise15_DeadlineOfAPersonsChoice(t *testing.T) {
	judged := func(w World) *v1alpha1.ProofStatus {
		t.Helper()
		_, m, err := w.Situation()
		if err != nil {
			t.Fatal(err)
		}
		m.Record(&w.Wave.Status)
		return w.Wave.Status.Proof
	}
	overdue := func() World {
		w := aWorld(40)
		w.Wave.Status.Clocks.StartedAt = v1alpha1.StampOf(w.Now.Add(-340 * time.Hour))
		w.Wave.Status.Proof = w.proof()
		return w
	}
	moved := overdue()
	was := moved.Wave.Spec.Gate.Deadline
	moved.Wave.Spec.Gate.Deadline = hours(500)
	if p := judged(moved); !p.DeadlineEdited || p.DeadlineReports != 0 {
		t.Errorf("moved: %+v", p)
	}
	moved.Wave.Spec.Gate.Deadline = was
	if p := judged(moved); !p.DeadlineEdited || p.DeadlineReports != 0 {
		t.Errorf("moved back: %+v", p)
	}
	tried := overdue()
	if p := judged(tried); p.DeadlineEdited || p.DeadlineReports != 40 {
		t.Errorf("not moved: %+v", p)
	}
	tried.Wave.Spec.Gate.Deadline = hours(500)
	if p := judged(tried); p.DeadlineEdited || p.DeadlineReports != 40 {
		t.Errorf("moved after the try: %+v", p)
	}
}

// TestPromise15_JoinersAreNoProof: the looks were planned without those who join later, who prove nothing and can halt.
func TestPromise15_JoinersAreNoProof(t *testing.T) {
	spec := judgedBy("0.95")
	spec.Gate.Coverage.MinPercent = 100
	w := planned(t, spec, 92)
	join := func(c Case, from int) Case {
		for i := from; i < len(c.Ledger.Entries); i++ {
			c.Ledger.Entries[i].JoinedAt = audience.StampOf(hour(1))
		}
		return c
	}
	for _, tt := range []struct {
		name    string
		joiners []standing
		want    EvidenceState
	}{
		{"nobody joined", nil, EvidenceWait},
		{"a hundred that are well", devices(good, 100), EvidenceWait},
		{"a hundred that fail", devices(failing, 100), EvidenceHalt},
	} {
		c := join(trial{spec: spec, devices: append(devices(good, 91, failing, 1), tt.joiners...)}.evidence(), 92)
		c.Gate, c.Proof = GateOf(w), w.Status.Proof
		j, err := Judge(c)
		if err != nil {
			t.Fatal(err)
		}
		if j.State != tt.want || j.Row.N != 92 {
			t.Errorf("%s: %s by %d reports: %s", tt.name, j.State, j.Row.N, j.Message)
		}
	}
}

// TestPromise12_DeadlineAfterPromotion: a deadline that passes after the promotion tries nothing, and changes nothing.
func TestPromise12_DeadlineAfterPromotion(t *testing.T) {
	w := aWorld(40)
	s := &w.Wave.Status
	s.Phase, s.Clocks.StartedAt, s.Clocks.SucceededAt = succeeded, v1alpha1.StampOf(w.Now.Add(-400*time.Hour)), v1alpha1.StampOf(w.Now.Add(-300*time.Hour))
	_, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	if !m.Timing.DeadlinePassed || m.Evidence == nil || m.Evidence.DeadlineReports != 0 {
		t.Errorf("deadline passed %t, evidence %+v", m.Timing.DeadlinePassed, m.Evidence)
	}
	s.Clocks.SucceededAt = nil
	if _, m, err = w.Situation(); err != nil || m.Evidence == nil || m.Evidence.DeadlineReports == 0 {
		t.Errorf("nothing would be tried: the case shows nothing: %+v %v", m.Evidence, err)
	}
}
