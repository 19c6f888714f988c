// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// order of the waves in the samples.
var order = []string{"canary", "pilot", "early", "broad"}

// badWave meets the baseline; baseline is its name in the tenant.
const (
	badWave  = "early"
	baseline = "Contoso Edge Security Baseline"
)

// story watches the rollout, says what happens, and plays the admin.
type story struct {
	w      world
	screen *screen
	limit  time.Duration
	seen   map[string]seen
	caught bool // the bad wave was held or halted by the gate
	mended bool // the admin removed the cause
	began  time.Time
}

type seen struct {
	phase   v1alpha1.WavePhase
	reason  string
	harmed  int32 // most devices that failed or were in conflict at one time
	exposed int32
}

func newStory(w world, s *screen, limit time.Duration) *story {
	return &story{w: w, screen: s, limit: limit, seen: map[string]seen{}, began: time.Now()}
}

// tell follows the rollout to its end. The error says why it did not get there.
func (s *story) tell(ctx context.Context) error {
	s.screen.line("")
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		waves, err := s.w.waves(ctx)
		if err != nil {
			return s.ended(ctx, err)
		}
		byName := map[string]*v1alpha1.PilotWave{}
		for i := range waves {
			byName[waves[i].Name] = &waves[i]
		}
		done := 0
		for _, name := range order {
			w := byName[name]
			if w == nil {
				return fmt.Errorf("wave %q is gone", name)
			}
			s.notice(w)
			if w.Status.Phase == v1alpha1.PhaseSucceeded {
				done++
			}
		}
		s.draw(byName)
		if done == len(order) {
			s.screen.block(nil)
			return s.verdict()
		}
		if err := s.act(byName[badWave]); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return s.ended(ctx, ctx.Err())
		case <-s.w.Done():
			return errors.Join(errors.New("the operator ended"), s.w.Err())
		case <-tick.C:
		}
	}
}

func (s *story) ended(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the rollout did not finish within %s", s.limit)
	}
	return err
}

// verdict checks that the story was the one that the demo promises.
func (s *story) verdict() error {
	if !s.caught {
		return fmt.Errorf("wave %q met a contradicting baseline and was not stopped", badWave)
	}
	if refused := s.w.Refused(); len(refused) > 0 {
		return fmt.Errorf("the shipped configuration refused the operator: %s", strings.Join(refused, "; "))
	}
	return nil
}

// notice prints a line when a wave moves.
func (s *story) notice(w *v1alpha1.PilotWave) {
	was, st := s.seen[w.Name], &w.Status
	is := was
	is.phase, is.reason = st.Phase, st.Decision.Reason
	is.harmed = max(was.harmed, st.Devices.Failed+st.Devices.Conflict)
	if st.Audience != nil {
		is.exposed = max(was.exposed, st.Audience.Eligible-st.Devices.Pending)
	}
	s.seen[w.Name] = is
	if was.phase != is.phase && is.phase != "" && is.phase != v1alpha1.PhasePending {
		s.screen.line("%s  %-7s %-11s %s", s.w.Clock.Now().Format("Jan 02 15:04"), w.Name, st.Phase, st.Decision.Message)
	}
}

// act explains a stopped wave and removes the cause, as an admin would.
func (s *story) act(w *v1alpha1.PilotWave) error {
	stopped := w.Status.Phase == v1alpha1.PhaseHalted || w.Status.Phase == v1alpha1.PhaseHeld && w.Status.HeldReason == v1alpha1.ReasonTargetingConflict
	if !stopped || s.mended {
		return nil
	}
	s.caught = true
	s.explain(w)
	s.screen.line("           admin: unassigns %q in the tenant", baseline)
	s.screen.line("")
	if err := s.w.Sim.Unassign(baseline); err != nil {
		return fmt.Errorf("remove the cause: %w", err)
	}
	s.mended = true
	return nil
}

func (s *story) explain(w *v1alpha1.PilotWave) {
	st := &w.Status
	s.screen.line("")
	s.screen.line("           why %s stopped: %s", w.Name, st.Decision.Reason)
	s.screen.line("             %s", st.Decision.Message)
	for _, row := range st.Gate {
		if row.N == 0 {
			s.screen.line("             gate %s: no device has matured yet; halt evidence %s of %s", row.Metric, row.HaltEvidence, row.HaltAt)
			continue
		}
		s.screen.line("             gate %s: %d reports, %d not successful, proven %s, floor %s, observed %s, halt evidence %s of %s",
			row.Metric, row.N, row.K, row.LowerBound, row.Floor, row.Observed, row.HaltEvidence, row.HaltAt)
	}
	for _, f := range st.Findings {
		s.screen.line("             %s %s: %d devices, for example %s", f.Mode, f.Reason, f.Count, strings.Join(f.Samples, ", "))
		s.screen.line("                %s", f.Runbook)
	}
	if st.Audience != nil {
		s.screen.line("             exposed %d of %d devices when it stopped; nothing more is exposed while it is stopped", st.Audience.Eligible-st.Devices.Pending, st.Audience.Eligible)
	}
	s.screen.line("")
}

// draw shows one line for each wave.
func (s *story) draw(byName map[string]*v1alpha1.PilotWave) {
	lines := []string{fmt.Sprintf("── %s ──", s.w.Clock.Now().Format("Mon 2006-01-02 15:04"))}
	for _, name := range order {
		st := &byName[name].Status
		eligible, reported := 0, 0
		if st.Audience != nil {
			eligible = int(st.Audience.Eligible)
			reported = int(st.Devices.Succeeded + st.Devices.Failed + st.Devices.Conflict)
		}
		lines = append(lines, fmt.Sprintf("%-7s %-11s %s %9s  failed %-15s proven %-6s floor %-6s %s",
			name, st.Phase, bar(reported, eligible, 20), st.Columns.Progress, or(st.Columns.Failed, "-"), or(st.Columns.Bound, "-"), or(st.Columns.Floor, "-"), st.Decision.Reason))
	}
	s.screen.block(lines)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
