// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// The revisions of the story: what the samples ask for, and the edit that is taken back.
const (
	first  int32 = 1
	second int32 = 2
)

// provers are the waves that revision 2 reaches before it is reverted: the first proves it, the second has begun.
var provers = []string{"canary", "pilot"}

// enough reports of the second prover show that revision 2 is on its devices.
const enough = 10

// atOnce is how long after the revert, in real time, every wave of revision 2 is rolling back: a few reconciles of a busy
// machine.
const atOnce = 10 * time.Second

// chapter is one part of the story.
type chapter struct {
	title string
	// revision that the waves have at the end of it.
	revision int32
	// begin is what a person does.
	begin func(*story, context.Context) error
	// during looks at each view, and says what must not be.
	during func(*story, view) error
	// waits says what is missing for the end of the chapter; empty when it is over.
	waits func(*story, view) string
	// check says what is not as it was promised at the end.
	check func(*story, view, effect) error
}

var chapters = []chapter{
	{"revision 1 is rolled out", first, (*story).roll, (*story).mend, (*story).rolled, (*story).checkRolled},
	{"revision 2 is under way", second, (*story).change, (*story).spread, (*story).begun, (*story).checkBegun},
	{"revision 2 is reverted", first, (*story).revert, (*story).retreat, (*story).restored, (*story).checkRestored},
}

// roll begins the rollout.
func (s *story) roll(ctx context.Context) error { return s.w.apply(ctx) }

// rolled waits until every wave has succeeded on revision 1, and the policy has taken note and counted everybody since.
func (s *story) rolled(v view) string {
	if name := v.unproven(first); name != "" {
		s.whole = time.Time{}
		return fmt.Sprintf("wave %q has not succeeded on revision 1", name)
	}
	if s.whole.IsZero() {
		s.whole = v.now
	}
	p := v.population()
	switch {
	case v.state(first) != v1alpha1.RevisionStable:
		return fmt.Sprintf("revision 1 is %q, not Stable", v.state(first))
	case !p.AsOf.After(s.whole):
		return fmt.Sprintf("the population was last counted at %s, not after %s", v1alpha1.Minute(p.AsOf.Time), v1alpha1.Minute(s.whole))
	case on(p, first) == 0:
		return "no member of the population is on revision 1"
	}
	return ""
}

func (s *story) checkRolled(v view, e effect) error {
	if !s.caught {
		return fmt.Errorf("wave %q met a contradicting baseline and was not stopped", badWave)
	}
	return errors.Join(e.single(), addsUp(v.population()))
}

// change makes revision 2 by an edit of the spec.
func (s *story) change(ctx context.Context) error {
	s.say("author: commits spec.settings.backupStorageLocation: AzureAD, which becomes revision 2")
	s.say("        (the catalog is fictitious here: the real one has a single passkey setting of Edge)")
	return s.w.edit(ctx, func(p *v1alpha1.PasskeySettings) { p.BackupStorageLocation = "AzureAD" })
}

// spread wants revision 2 on nobody but the devices of the waves whose turn it is.
func (s *story) spread(v view) error {
	for _, name := range order {
		st := &v.waves[name].Status
		turn := name == provers[0] || v.proven(provers[0], second) && name == provers[1]
		if st.Revision == second && !turn && exposed(st) > 0 {
			return fmt.Errorf("wave %q exposes devices to revision 2 before its turn", name)
		}
	}
	return nil
}

func (s *story) begun(v view) string {
	st := &v.waves[provers[1]].Status
	switch {
	case !v.proven(provers[0], second):
		return fmt.Sprintf("wave %q has not succeeded on revision 2", provers[0])
	case st.Revision != second || reported(st) < enough:
		return fmt.Sprintf("fewer than %d devices of wave %q report on revision 2", enough, provers[1])
	case on(v.population(), second) == 0:
		return "no member of the population is counted on revision 2"
	}
	return ""
}

// checkBegun wants every device of revision 1 on it still, or on revision 2 by its own wave.
func (s *story) checkBegun(v view, e effect) error {
	before := s.moments[0].effect
	moved := 0
	for device, has := range e {
		if overlap(has, []int32{second}) && overlap(before[device], []int32{first}) {
			moved++
		}
	}
	most := 0
	for _, name := range provers {
		if a := v.waves[name].Status.Audience; a != nil {
			most += int(a.Eligible)
		}
	}
	var wrong error
	if n := e.count(second); n > most || moved == 0 {
		wrong = fmt.Errorf("revision 2 reaches %d devices, %d of them had revision 1: want some, and at most the %d of the waves whose turn it is", n, moved, most)
	}
	if state := v.state(first); state != v1alpha1.RevisionStable {
		wrong = errors.Join(wrong, fmt.Errorf("revision 1 is %q while revision 2 is under way, want Stable", state))
	}
	return errors.Join(wrong, e.single(), e.keeps(before, []int32{first}, first, second), addsUp(v.population()))
}

// revert takes the edit back.
func (s *story) revert(ctx context.Context) error {
	s.say("author: git revert: spec.settings is what it was before")
	s.asked = time.Now()
	return s.w.edit(ctx, func(p *v1alpha1.PasskeySettings) { p.BackupStorageLocation = "" })
}

// retreat wants every wave of revision 2 to roll back at once, and notes when each does.
func (s *story) retreat(v view) error { return s.retreated(v, time.Since(s.asked)) }

// retreated looks at the waves so long after the revert.
func (s *story) retreated(v view, after time.Duration) error {
	for _, name := range provers {
		st := &v.waves[name].Status
		back := st.Phase == v1alpha1.PhaseRollingBack || st.Phase == v1alpha1.PhaseRollbackIncomplete || st.Revision == first
		switch _, known := s.retreats[name]; {
		case known:
		case back:
			s.retreats[name] = after
		case after > atOnce:
			return fmt.Errorf("wave %q is %s %s after the revert, want it rolling back", name, st.Phase, after.Round(time.Second))
		}
	}
	return nil
}

func (s *story) restored(v view) string {
	if n := on(v.population(), second); n > 0 {
		return fmt.Sprintf("%d members of the population are counted on revision 2", n)
	}
	return s.rolled(v)
}

// checkRestored wants every device that had a revision on revision 1 again, and none on revision 2 or back on hold.
func (s *story) checkRestored(v view, e effect) error {
	var wrong error
	if n := e.count(second); n > 0 {
		wrong = fmt.Errorf("revision 2 still reaches %d devices after the revert", n)
	}
	if state := v.state(second); state != v1alpha1.RevisionReverted && state != v1alpha1.RevisionRetired && state != "" {
		wrong = errors.Join(wrong, fmt.Errorf("revision 2 is %q after the revert, want Reverted, Retired or gone", state))
	}
	for _, name := range provers {
		if _, known := s.retreats[name]; !known {
			wrong = errors.Join(wrong, fmt.Errorf("wave %q did not roll back", name))
		}
	}
	return errors.Join(wrong, e.single(), e.keeps(s.moments[1].effect, []int32{first, second}, first), addsUp(v.population()))
}
