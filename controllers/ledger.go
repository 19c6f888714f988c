// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/journal"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
)

// +kubebuilder:rbac:groups=tidegate.dev,resources=waveledgers,verbs=get;list;create;update;delete

// LedgerBinding returns what a wave's status binds the ledger of an attempt to; nil is nothing.
func LedgerBinding(w *v1alpha1.PilotWave, attempt int32) *v1alpha1.LedgerBinding {
	if a := attemptOf(w, attempt); a != nil {
		return a.Ledger
	}
	return nil
}

func attemptOf(w *v1alpha1.PilotWave, attempt int32) *v1alpha1.WaveAttempt {
	i := slices.IndexFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == attempt })
	if i < 0 {
		return nil
	}
	return &w.Status.Attempts[i]
}

// ledgers are the ledgers of waves as stored.
func (k *Kit) ledgers() *journal.Store {
	return &journal.Store{Client: k.Client, Reader: k.Reader, Clock: k.Clock, Bound: LedgerBinding}
}

// waveLedgers writes the ledgers of one wave in one reconcile, and binds them in its status.
type waveLedgers struct{ *waveRun }

// Freeze implements execute.LedgerWriter.
func (l waveLedgers) Freeze(ctx context.Context, ledger *audience.Ledger) (v1alpha1.LedgerBinding, error) {
	return l.ledgers().Save(ctx, l.stored, ledger)
}

// Save implements execute.LedgerWriter.
func (l waveLedgers) Save(ctx context.Context, ledger *audience.Ledger) error {
	binding, err := l.ledgers().Save(ctx, l.stored, ledger)
	if err != nil {
		return err
	}
	next := l.stored.DeepCopy()
	entry := attemptOf(next, ledger.Attempt)
	if entry == nil {
		return errors.New("the wave's status does not know the attempt of the ledger")
	}
	entry.Ledger = &binding
	if err := l.patchStatus(ctx, l.stored, next); err != nil {
		return err
	}
	l.stored = next
	l.world.Wave = next
	reading := audience.Reading{State: audience.LedgerOK, Ledger: ledger}
	if ledger.Attempt == next.Status.Attempt {
		l.world.Ledger = reading
	} else {
		l.world.Earlier[ledger.Attempt] = reading // whoever saves it has read it
	}
	if l.after != nil {
		l.after.ResourceVersion = next.ResourceVersion
		if entry := attemptOf(l.after, ledger.Attempt); entry != nil {
			entry.Ledger = &binding
		}
	}
	return nil
}

// Delete implements execute.LedgerWriter.
func (l waveLedgers) Delete(ctx context.Context, attempt int32) error {
	return l.ledgers().Delete(ctx, l.stored, attempt)
}

// waveClaims is the lock under which the wave of one reconcile freezes its audience.
type waveClaims struct{ *waveRun }

func (c waveClaims) lock() *journal.Claims {
	return &journal.Claims{Client: c.Client, Reader: c.Reader, Clock: c.Clock}
}

// Acquire implements execute.Claims.
func (c waveClaims) Acquire(ctx context.Context) (holder string, err error) {
	return c.lock().Acquire(ctx, c.world.Policy, c.stored)
}

// Release implements execute.Claims.
func (c waveClaims) Release(ctx context.Context) error {
	return c.lock().Release(ctx, c.world.Policy, c.stored)
}

// Taken implements execute.Claims. The waves are listed past the cache, too: one that froze its audience a moment ago is among
// them.
func (c waveClaims) Taken(ctx context.Context) (taken func(audience.ID) bool, unknown *rollout.Cause, err error) {
	var list v1alpha1.PilotWaveList
	if err := c.Reader.List(ctx, &list, client.InNamespace(c.stored.Namespace)); err != nil {
		return nil, nil, err
	}
	waves := slices.DeleteFunc(list.Items, func(w v1alpha1.PilotWave) bool { return w.Spec.PolicyRef.Name != c.world.Policy.Name })
	claims, err := observe.TakenByOthers(ctx, c.ledgers(), c.stored, waves, c.world.Target().Revision)
	if err != nil {
		return nil, nil, err
	}
	if len(claims.Unknown) > 0 {
		cause := claims.Cause()
		return nil, &cause, nil
	}
	return claims.Has, nil, nil
}
