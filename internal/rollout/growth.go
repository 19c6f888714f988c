// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// Growing says whether late joiners are looked for: in a growing audience, while it is exposed and after it was promoted.
func (w World) Growing() bool {
	p := w.Wave.Status.Phase
	return w.Wave.Spec.Audience.Membership == v1alpha1.MembershipGrowing && w.Frozen() && w.Record().Growing &&
		(p == v1alpha1.PhaseExposing || p == v1alpha1.PhaseSucceeded)
}

// Joiners are the eligible candidates that the ledger does not have, in the order in which they are to be exposed. There are
// none while the audience as a whole would be refused: a group that was filled by mistake joins nobody.
func (w World) Joiners() []audience.ID {
	if !w.Growing() || w.Candidates == nil {
		return nil
	}
	c := w.Candidates
	if _, _, ok := audience.Check(len(c.Targeted), len(c.Eligible), w.Wave.Spec.Audience); !ok {
		return nil
	}
	known := w.Record().Index()
	var ids []audience.ID
	for _, id := range c.Eligible {
		if _, member := known[id]; !member {
			ids = append(ids, id)
		}
	}
	return audience.Order(ids, string(w.Policy.UID))
}

func (w World) growth() Fact[GrowthState] {
	if n := len(w.Joiners()); n > 0 {
		return FactOf(GrowthDue, fmt.Sprintf("%d devices join the audience, and are exposed in batches", n))
	}
	return Fact[GrowthState]{}
}

// AudienceHash identifies a spec.audience: equal ones have equal hashes.
func AudienceHash(a *v1alpha1.Audience) string {
	data, err := json.Marshal(a) // struct fields only: the order is fixed and nothing in it can fail to marshal
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
