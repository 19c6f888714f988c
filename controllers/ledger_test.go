// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// ledgerOf is a ledger of n devices of a wave.
func ledgerOf(w *v1alpha1.PilotWave, attempt int32, n int) audience.Ledger {
	ids := make([]audience.ID, n)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][8:], uint64(i)+1)
	}
	return audience.NewLedger(audience.Header{
		Wave: audience.WaveKeyOf(string(w.UID)), Attempt: attempt, Unit: v1alpha1.UnitDevice, PayloadHash: "sha256:p",
	}, ids)
}

func (l *lab) chunks() []v1alpha1.WaveLedger {
	l.t.Helper()
	var list v1alpha1.WaveLedgerList
	if err := l.kube.List(l.t.Context(), &list, client.InNamespace(ns)); err != nil {
		l.t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.WaveLedger) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}

// TestLedgerOfTheNewestAttempt: a wave's ledger is that of its newest attempt, and saving one forgets the others.
func TestLedgerOfTheNewestAttempt(t *testing.T) {
	l := newLab(t, calm())
	w := newWave("a", "Everyone")
	l.apply(w)
	kit := &l.waves.Kit
	if got, err := kit.loadLedger(t.Context(), w); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	first, second := ledgerOf(w, 1, 7_000), ledgerOf(w, 2, 3)
	for _, ledger := range []audience.Ledger{first, second} {
		if err := kit.saveLedger(t.Context(), w, ledger); err != nil {
			t.Fatal(err)
		}
		got, err := kit.loadLedger(t.Context(), w)
		if err != nil || !cmp.Equal(ledger, *got) {
			t.Fatalf("attempt %d: %v", ledger.Attempt, err)
		}
	}
	if n := len(l.chunks()); n != 1 {
		t.Errorf("%d chunks", n)
	}
	l.writes = 0
	if err := kit.saveLedger(t.Context(), w, second); err != nil || l.writes != 0 {
		t.Errorf("again: %d writes, %v", l.writes, err)
	}
	other := newWave("b", "Everyone")
	l.apply(other)
	if got, err := kit.loadLedger(t.Context(), other); got != nil || err != nil {
		t.Errorf("another wave's: %v, %v", got, err)
	}
}

// TestLedgerIncomplete: a ledger of which a part is missing is none while the status knows no audience, and an error once
// it does.
func TestLedgerIncomplete(t *testing.T) {
	l := newLab(t, calm())
	w := newWave("a", "Everyone")
	l.apply(w)
	kit := &l.waves.Kit
	if err := kit.saveLedger(t.Context(), w, ledgerOf(w, 1, 13_000)); err != nil {
		t.Fatal(err)
	}
	if err := l.kube.Delete(t.Context(), &l.chunks()[1]); err != nil {
		t.Fatal(err)
	}
	if got, err := kit.loadLedger(t.Context(), w); got != nil || err != nil {
		t.Errorf("without an audience: %v, %v", got != nil, err)
	}
	w.Status.Audience = &v1alpha1.AudienceStatus{GroupID: "g"}
	if _, err := kit.loadLedger(t.Context(), w); err == nil || !strings.Contains(err.Error(), `wave "a"`) || !strings.Contains(err.Error(), "not written to its end") {
		t.Errorf("with an audience: %v", err)
	}
}

// TestCrashBetweenChunks runs a rollout whose first ledger is cut off after its first chunk; the wave resolves again and
// goes on.
func TestCrashBetweenChunks(t *testing.T) {
	l := newLab(t, calm(group("First", 20)))
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
	l.until("resolving", 2, func() bool { return l.wave("a").Status.Phase != v1alpha1.PhasePending })
	w := l.wave("a")
	if w.Status.Audience == nil {
		t.Fatalf("%+v", w.Status)
	}
	// Back to the moment before the audience was recorded, with the chunks of two attempts.
	w.Status = v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseResolving, Attempt: 1, PayloadHash: w.Status.PayloadHash,
		Clocks: v1alpha1.Clocks{StartedAt: w.Status.Clocks.StartedAt}}
	if err := l.kube.Status().Update(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if err := l.waves.saveLedger(t.Context(), w, ledgerOf(w, 7, 13_000)); err != nil {
		t.Fatal(err)
	}
	if err := l.kube.Delete(t.Context(), &l.chunks()[1]); err != nil {
		t.Fatal(err)
	}
	l.until("a succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	if len(l.errs) > 0 {
		t.Errorf("%v", l.errs)
	}
}
