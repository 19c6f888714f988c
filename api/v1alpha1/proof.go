// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
)

// KeepGate keeps the gate by which an attempt is judged. It is kept as it was written, whatever rules a later version of the API
// has for it.
func (p *ProofStatus) KeepGate(g *Gate) error {
	kept, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("keep the gate: %w", err)
	}
	p.Gate = runtime.RawExtension{Raw: kept}
	return nil
}

// KeptGate is the gate that was kept. An error is a status that somebody has written.
func (p *ProofStatus) KeptGate() (Gate, error) {
	var g Gate
	if err := json.Unmarshal(p.Gate.Raw, &g); err != nil {
		return Gate{}, fmt.Errorf("status.proof.gate: %w", err)
	}
	return g, nil
}
