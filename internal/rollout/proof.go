// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strconv"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/gate"
)

// NewProof fixes what an attempt is judged by, before its first device is exposed: the gate as it is written now, and the
// looks for an audience of so many (P3, P15).
func NewProof(g *v1alpha1.Gate, eligible int) (*v1alpha1.ProofStatus, error) {
	spec, err := GateSpec(g)
	if err != nil {
		return nil, err
	}
	p := gate.NewPlan(spec, eligible)
	out := &v1alpha1.ProofStatus{Audience: int32(p.Audience), Start: int32(p.Start)}
	if err := out.KeepGate(g); err != nil {
		return nil, err
	}
	if p.Reachable() {
		out.Alpha, out.Shape = exactly(p.Alpha), exactly(p.Shape)
	}
	return out, nil
}

// proof is what the attempt is judged by: fixed when its ledger is first seen, which is before a device is exposed. Those who
// join later are none of its looks (gate D4.7).
func (w World) proof() *v1alpha1.ProofStatus {
	if p := w.Wave.Status.Proof.DeepCopy(); p != nil {
		kept, err := p.KeptGate()
		moved := err == nil && kept.Deadline != w.Wave.Spec.Gate.Deadline
		p.DeadlineEdited = p.DeadlineEdited || moved && p.DeadlineReports == 0
		return p
	}
	c := w.Record().Counts()
	p, err := NewProof(&w.Wave.Spec.Gate, len(w.Record().Entries)-c.Joined)
	if err != nil {
		return nil // Judge has the same error
	}
	return p
}

// GateOf is the gate that judges the wave's attempt: the one it began with, and before that spec.gate. How long a person
// lets it run is theirs to change at any time: the deadline is that of the spec.
func GateOf(w *v1alpha1.PilotWave) *v1alpha1.Gate {
	p := w.Status.Proof
	if p == nil {
		return &w.Spec.Gate
	}
	kept, err := p.KeptGate()
	if err != nil {
		kept = v1alpha1.Gate{} // judges nothing, and GateSpec says so
	}
	kept.Deadline = w.Spec.Gate.Deadline
	return &kept
}

// GateEdited says that spec.gate is not the gate that judges the attempt any more.
func GateEdited(w *v1alpha1.PilotWave) bool {
	return w.Status.Proof != nil && GateHash(GateOf(w)) != GateHash(&w.Spec.Gate)
}

// plan is what was planned for the attempt; before it is written down, what is planned for an audience of that size.
func plan(spec gate.Spec, p *v1alpha1.ProofStatus, frozen int) (gate.Plan, error) {
	if p == nil {
		return gate.NewPlan(spec, frozen), nil
	}
	if p.Start == 0 {
		return gate.NewPlan(spec, int(p.Audience)), nil
	}
	alpha, err := strconv.ParseFloat(p.Alpha, 64)
	if err != nil {
		return gate.Plan{}, fmt.Errorf("status.proof.alpha: %w", err)
	}
	shape, err := strconv.ParseFloat(p.Shape, 64)
	if err != nil {
		return gate.Plan{}, fmt.Errorf("status.proof.shape: %w", err)
	}
	return gate.RestorePlan(spec, int(p.Audience), int(p.Start), alpha, shape), nil
}

// exactly prints a number so that reading it gives the same number.
func exactly(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
