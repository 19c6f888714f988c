// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// badWave meets the baseline; baseline is its name in the tenant.
const (
	badWave  = "early"
	baseline = "Contoso Edge Security Baseline"
)

// mend explains the wave that was stopped and removes the cause, as an admin would.
func (s *story) mend(v view) error {
	w := v.waves[badWave]
	stopped := w.Status.Phase == v1alpha1.PhaseHalted || w.Status.Phase == v1alpha1.PhaseHeld && w.Status.HeldReason == v1alpha1.ReasonTargetingConflict
	if !stopped || s.caught {
		return nil
	}
	s.caught = true
	s.explain(w)
	s.say("admin: unassigns %q in the tenant", baseline)
	s.screen.line("")
	if err := s.w.Sim.Unassign(baseline); err != nil {
		return fmt.Errorf("remove the cause: %w", err)
	}
	return nil
}

func (s *story) explain(w *v1alpha1.PilotWave) {
	st := &w.Status
	s.screen.line("")
	s.say("why %s stopped: %s", w.Name, st.Decision.Reason)
	s.say("  %s", st.Decision.Message)
	for _, row := range st.Gate {
		if row.N == 0 {
			s.say("  gate %s: no device has matured yet; halt evidence %s of %s", row.Metric, row.HaltEvidence, row.HaltAt)
			continue
		}
		s.say("  gate %s: %d reports, %d not successful, proven %s, floor %s, observed %s, halt evidence %s of %s",
			row.Metric, row.N, row.K, row.LowerBound, row.Floor, row.Observed, row.HaltEvidence, row.HaltAt)
	}
	for _, f := range st.Findings {
		s.say("  %s %s: %d devices, for example %s", f.Mode, f.Reason, f.Count, strings.Join(f.Samples, ", "))
		s.say("     %s", f.Runbook)
	}
	if st.Audience != nil {
		s.say("  exposed %d of %d devices when it stopped; nothing more is exposed while it is stopped", exposed(st), st.Audience.Eligible)
	}
	s.screen.line("")
}
