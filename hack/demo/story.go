// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// story watches the rollout, says what happens, and plays the people.
type story struct {
	w      world
	screen *screen
	limit  time.Duration
	seen   map[part]seen
	phases map[string]v1alpha1.WavePhase
	caught bool // the bad wave was held or halted by the gate
	// rows are the waves at the ends of the chapters in which they proved something.
	rows []waveSummary
	// moments are the ends of the chapters that are told.
	moments  []moment
	whole    time.Time                // since when every wave has proven revision 1, in the tenant's time
	asked    time.Time                // when the author took revision 2 back, in real time
	retreats map[string]time.Duration // how long after that each wave was rolling back
	latest   view
	start    time.Time // in the tenant's time
	began    time.Time
}

// part is what one wave does about one revision.
type part struct {
	wave     string
	revision int32
}

// seen is the worst and the most of a part.
type seen struct {
	harmed  int32 // most devices that failed or were in conflict at one time
	exposed int32
}

// moment is the end of a chapter.
type moment struct {
	title  string
	view   view
	effect effect
}

func newStory(w world, s *screen, limit time.Duration) *story {
	return &story{w: w, screen: s, limit: limit, seen: map[part]seen{}, phases: map[string]v1alpha1.WavePhase{},
		retreats: map[string]time.Duration{}, start: w.Clock.Now(), began: time.Now()}
}

// tell goes through the chapters. The error says what was not as it was promised.
func (s *story) tell(ctx context.Context) error {
	for i := range chapters {
		s.screen.line("")
		if err := s.chapter(ctx, &chapters[i]); err != nil {
			return fmt.Errorf("%s: %w", chapters[i].title, err)
		}
	}
	if refused := s.w.Refused(); len(refused) > 0 {
		return fmt.Errorf("the shipped configuration refused the operator: %s", strings.Join(refused, "; "))
	}
	return nil
}

// chapter follows one chapter to its end and judges it.
func (s *story) chapter(ctx context.Context, c *chapter) error {
	if err := c.begin(s, ctx); err != nil {
		return err
	}
	v, err := s.follow(ctx, c)
	s.screen.block(nil)
	if err != nil {
		return err
	}
	e, err := s.w.effect()
	if err != nil {
		return err
	}
	if err := c.check(s, v, e); err != nil {
		return err
	}
	if len(s.moments) < len(chapters)-1 { // the last one only gives back what the first had
		s.rows = append(s.rows, s.rowsOf(v, c.revision)...)
	}
	s.moments = append(s.moments, moment{c.title, v, e})
	return nil
}

// follow watches until a chapter is over.
func (s *story) follow(ctx context.Context, c *chapter) (view, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		v, err := s.w.look(ctx)
		if err != nil {
			return v, s.ended(ctx, err)
		}
		s.latest = v
		for _, name := range order {
			s.notice(v.waves[name])
		}
		if err := c.during(s, v); err != nil {
			return v, err
		}
		waits := c.waits(s, v)
		if waits == "" {
			return v, nil
		}
		s.screen.block(v.lines())
		select {
		case <-ctx.Done():
			return v, s.ended(ctx, errors.New(waits))
		case <-s.w.Done():
			return v, errors.Join(errors.New("the operator ended"), s.w.Err())
		case <-tick.C:
		}
	}
}

func (s *story) ended(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("not over after %s: %w", s.limit, err)
	}
	return err
}

// notice prints a line when a wave moves, and remembers the worst of it.
func (s *story) notice(w *v1alpha1.PilotWave) {
	st := &w.Status
	if st.Phase != s.phases[w.Name] && st.Phase != "" && st.Phase != v1alpha1.PhasePending {
		s.screen.line("%s  %-7s %-3s %-11s %s", s.w.Clock.Now().Format("Jan 02 15:04"), w.Name, cmp.Or(st.Columns.Revision, "-"), st.Phase, st.Decision.Message)
	}
	s.phases[w.Name] = st.Phase
	if st.Phase == v1alpha1.PhasePending || st.Phase == v1alpha1.PhaseRollingBack {
		return
	}
	key := part{w.Name, st.Revision}
	was := s.seen[key]
	s.seen[key] = seen{harmed: max(was.harmed, st.Devices.Failed+st.Devices.Conflict), exposed: max(was.exposed, exposed(st))}
}

// say prints a line that is nobody's status.
func (s *story) say(format string, args ...any) { s.screen.line("           "+format, args...) }
