// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// storyRun is one reconcile of one wave: what it writes to ledgers and status. stored is the wave as the story has it, after as
// it is to become.
type storyRun struct {
	*story
	stored, after *v1alpha1.PilotWave
}

func (r *storyRun) effects(world rollout.World) execute.Wave {
	e := execute.Wave{Ledgers: r, Claims: r, World: world}
	if world.Connected {
		e.Tenant = r.tenant
	}
	return e
}

// store writes the status, and tells of what moved.
func (r *storyRun) store(after *v1alpha1.PilotWave, d rollout.Decision, step execute.WaveStep) (again bool) {
	from, to := r.stored.Status.Phase, after.Status.Phase
	r.stored.Status = after.Status
	phase := string(to)
	if to == v1alpha1.PhaseHeld {
		phase += " from " + string(d.HeldPhase)
	}
	text := phase + ", " + d.Reason
	message := d.Message
	if step.Problem != "" {
		message = step.Problem
		text += ", " + message
		after.Status.Decision.Message = message
	}
	if r.said[r.stored.Name] != text || d.Effect == rollout.EffectExposeBatch {
		r.note(r.stored.Name, "%s, %s: %s", phase, d.Reason, message)
	}
	r.said[r.stored.Name] = text
	return step.After == 0 && (step.Again || from != to || d.NewAttempt || d.Regress)
}

// standing is what a person sees of a wave.
func standing(w *v1alpha1.PilotWave) string {
	st := status.WaveStanding(&w.Status)
	word := map[status.State]string{status.InProgress: "Reconciling", status.Current: "Ready", status.Stuck: "Stalled", status.Suspended: "Suspended"}[st.State]
	line := fmt.Sprintf("%s is %s in %s", w.Name, word, w.Status.Phase)
	if w.Status.Revision > 0 {
		line += fmt.Sprintf(" with r%d, attempt %d", w.Status.Revision, w.Status.Attempt)
	}
	return line + ": " + st.Message
}

// release lets a deleted wave go when nothing keeps it.
func (r *storyRun) release() bool {
	world := r.observe(r.stored)
	waits := r.effects(world).Release(context.Background())
	if waits == "" {
		waits = "gone"
		r.waves = slices.DeleteFunc(r.waves, func(w *v1alpha1.PilotWave) bool { return w.UID == r.stored.UID })
		delete(r.ledgers, string(r.stored.UID))
	}
	if r.said[r.stored.Name] != waits {
		r.note(r.stored.Name, "deleted: %s", waits)
	}
	r.said[r.stored.Name] = waits
	return waits == "gone"
}

func bindingOf(w *v1alpha1.PilotWave, attempt int32) *v1alpha1.WaveAttempt {
	if i := slices.IndexFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == attempt }); i >= 0 {
		return &w.Status.Attempts[i]
	}
	return nil
}

// load judges the stored ledger of an attempt by what the status binds.
func (s *story) load(w *v1alpha1.PilotWave, attempt int32) audience.Reading {
	reading, _ := s.loadStored(w, attempt)
	return reading
}

func (s *story) loadStored(w *v1alpha1.PilotWave, attempt int32) (audience.Reading, audience.Stored) {
	var bound *v1alpha1.LedgerBinding
	if a := bindingOf(w, attempt); a != nil {
		bound = a.Ledger
	}
	return audience.Read(s.ledgers[string(w.UID)][attempt], audience.WaveKeyOf(string(w.UID)), attempt, bound)
}

// Freeze implements execute.LedgerWriter.
func (r *storyRun) Freeze(_ context.Context, l *audience.Ledger) (v1alpha1.LedgerBinding, error) {
	var bound *v1alpha1.LedgerBinding
	if a := bindingOf(r.stored, l.Attempt); a != nil {
		bound = a.Ledger
	}
	_, stored := r.loadStored(r.stored, l.Attempt)
	parts, err := stored.Encode(l, audience.NextGeneration(bound))
	if err != nil {
		return v1alpha1.LedgerBinding{}, err
	}
	var data [][]byte
	for _, p := range parts {
		data = append(data, p.Data)
	}
	if r.ledgers[string(r.stored.UID)] == nil {
		r.ledgers[string(r.stored.UID)] = chunks{}
	}
	r.ledgers[string(r.stored.UID)][l.Attempt] = data
	if r.crash == afterLedger && bound != nil && l.Counts().Asked > int(bound.Asked) {
		panic(afterLedger)
	}
	return stored.Bind(l, bound, metav1.NewTime(r.now)), nil
}

// Save implements execute.LedgerWriter.
func (r *storyRun) Save(ctx context.Context, l *audience.Ledger) error {
	binding, err := r.Freeze(ctx, l)
	if err != nil {
		return err
	}
	for _, w := range []*v1alpha1.PilotWave{r.stored, r.after} {
		if w == nil {
			continue
		}
		entry := bindingOf(w, l.Attempt)
		if entry == nil {
			return errors.New("the wave's status does not know the attempt of the ledger")
		}
		entry.Ledger = &binding
	}
	return nil
}

// Delete implements execute.LedgerWriter.
func (r *storyRun) Delete(_ context.Context, attempt int32) error {
	delete(r.ledgers[string(r.stored.UID)], attempt)
	return nil
}

// Acquire implements execute.Claims. The reconciles of a story come one after the other.
func (r *storyRun) Acquire(context.Context) (string, error) { return "", nil }

// Taken implements execute.Claims. Each wave of a story has devices of its own.
func (r *storyRun) Taken(context.Context) (func(audience.ID) bool, *rollout.Cause, error) {
	return func(audience.ID) bool { return false }, nil, nil
}

// Release implements execute.Claims.
func (r *storyRun) Release(context.Context) error { return nil }
