// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkMembershipChanges is one change of a member in a tenant of 200,000
// devices with 50 assigned policies, most of them not concerned.
func BenchmarkMembershipChanges(b *testing.B) {
	sc := quiet(GroupSpec{DisplayName: "wave", Count: 1000}, GroupSpec{DisplayName: "outer", Groups: []string{"wave"}}, GroupSpec{DisplayName: "all", From: "everything", Percent: 100})
	sc.Lag = &Lag{Targeting: LagRange{Min: Duration(5 * time.Minute), Max: Duration(2 * time.Hour)}}
	s, err := New(Options{Devices: 200_000, Scenario: sc})
	if err != nil {
		b.Fatal(err)
	}
	for k := range 50 {
		p := &policy{name: fmt.Sprint("p", k), platforms: platformWindows}
		s.addPolicy(p)
		s.changeAssignments(p, []assignment{{kind: targetGroup, group: s.ordered[k%3].id, filterType: "none"}}, s.clock.Now())
	}
	b.ResetTimer()
	for i := range b.N {
		ref := memberRef{index: len(s.users) + i%200_000}
		g := s.ordered[0]
		s.changeMembers(g, func() {
			if g.holds(ref) {
				s.leave(g, ref)
			} else {
				s.join(g, ref)
			}
		})
		s.arriveUntil(s.clock.Now().Add(3 * time.Hour).Unix())
	}
}
