// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"math/rand/v2"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// What happens to the operator and to what it keeps.

// ledger deletes a chunk of some ledger, or changes a byte of it, as somebody with a backup or with etcd can.
func (s *story) ledger(r *rand.Rand) {
	var list v1alpha1.WaveLedgerList
	s.must(s.world.Kube.List(s.ctx, &list))
	if len(list.Items) == 0 {
		return
	}
	l := &list.Items[r.IntN(len(list.Items))]
	for _, w := range s.world.Waves() {
		if w.UID == l.Spec.Wave.UID {
			s.world.Oracle.Tampered(w, l.Spec.Attempt)
		}
	}
	if r.IntN(2) == 0 || len(l.Spec.Data) == 0 {
		s.world.Tell("ledger %s is deleted", l.Name)
		s.must(s.world.Kube.Delete(s.ctx, l))
		return
	}
	s.world.Tell("ledger %s is changed", l.Name)
	l.Spec.Data[r.IntN(len(l.Spec.Data))] ^= 1
	s.must(s.world.Kube.Update(s.ctx, l))
}

// clockStep sets the clock of the operator's machine forward or back.
func (s *story) clockStep(r *rand.Rand) {
	s.world.Skew = []time.Duration{0, 0, 5 * time.Minute, -5 * time.Minute, time.Hour, -time.Hour}[r.IntN(6)]
	s.world.Tell("the operator's clock is off by %s", s.world.Skew)
}

// frail lets every operator die after a few writes, or ends that.
func (s *story) frail(r *rand.Rand) {
	s.world.Frail = r.IntN(4)
	s.world.Tell("every operator dies at write %d", s.world.Frail)
	if s.world.Frail > 0 {
		s.world.Operator().CutAt(s.world.Frail, true)
	}
}

// lostGroups loses the answers of writes to groups: of those that make them, and of memberships.
func (s *story) lostGroups(r *rand.Rand) {
	s.world.Faults.Groups = []float64{0, 0.3, 0.7}[r.IntN(3)]
	s.world.Tell("answers of groups are lost: %v", s.world.Faults.Groups)
}
