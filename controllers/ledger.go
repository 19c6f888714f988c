// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/journal"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=waveledgers,verbs=get;list;create;update;delete

// LedgerBinding returns what a wave's status binds the ledger of an attempt to; nil is nothing.
func LedgerBinding(w *v1alpha1.PilotWave, attempt int32) *v1alpha1.LedgerBinding {
	i := slices.IndexFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == attempt })
	if i < 0 {
		return nil
	}
	return w.Status.Attempts[i].Ledger
}

func (k *Kit) ledgers() *journal.Store {
	return &journal.Store{Client: k.Client, Reader: k.Reader, Clock: k.Clock, Bound: LedgerBinding}
}

// loadLedger reads the ledger of a wave's newest attempt that has one; nil when none has. A ledger that is incomplete is
// none as long as the status knows no audience: a crash ended the first write of an attempt, nothing of it was exposed,
// and the audience is resolved again. With an audience it is an error, for devices may be exposed of which nobody knows.
func (k *Kit) loadLedger(ctx context.Context, w *v1alpha1.PilotWave) (*audience.Ledger, error) {
	readings, err := k.ledgers().LoadAll(ctx, w)
	if err != nil || len(readings) == 0 {
		return nil, err
	}
	r := readings[slices.Max(slices.Collect(maps.Keys(readings)))]
	if r.Ledger == nil && w.Status.Audience != nil {
		return nil, fmt.Errorf("the ledger of wave %q: %w", w.Name, errors.New(r.Message))
	}
	return r.Ledger, nil
}

// saveLedger stores a ledger and forgets those of other attempts.
func (k *Kit) saveLedger(ctx context.Context, w *v1alpha1.PilotWave, l audience.Ledger) error {
	store := k.ledgers()
	if _, err := store.Save(ctx, w, &l); err != nil {
		return err
	}
	readings, err := store.LoadAll(ctx, w)
	if err != nil {
		return err
	}
	for attempt := range readings {
		if attempt == l.Attempt {
			continue
		}
		if err := store.Delete(ctx, w, attempt); err != nil {
			return err
		}
	}
	return nil
}
