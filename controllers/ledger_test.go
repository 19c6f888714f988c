// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// ledgerOf is a ledger of n devices; 30,000 fit into one chunk.
func ledgerOf(attempt int32, n int) audience.Ledger {
	ids := make([]audience.ID, n)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][8:], uint64(i)+1)
	}
	return audience.NewLedger(attempt, "sha256:p", ids)
}

func (l *lab) chunks() []corev1.ConfigMap {
	l.t.Helper()
	var list corev1.ConfigMapList
	if err := l.kube.List(l.t.Context(), &list, client.InNamespace(ns)); err != nil {
		l.t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.ConfigMap) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}

// TestLedgerRoundTrip: a ledger of several chunks comes back, an exposure writes the one chunk that changed, and a smaller
// ledger leaves nothing of the larger one.
func TestLedgerRoundTrip(t *testing.T) {
	l := newLab(t, calm())
	w := newWave("a", "Everyone")
	l.apply(w)
	kit := &l.waves.Kit
	if got, err := kit.loadLedger(t.Context(), w); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
	big := ledgerOf(1, 65_000)
	if err := kit.saveLedger(t.Context(), w, big); err != nil {
		t.Fatal(err)
	}
	maps := l.chunks()
	if len(maps) != 3 || !strings.HasPrefix(maps[2].Name, "tidegate-ledger-uid-a-2") || len(maps[0].OwnerReferences) != 1 || maps[0].OwnerReferences[0].UID != w.UID {
		t.Fatalf("%d chunks", len(maps))
	}
	got, err := kit.loadLedger(t.Context(), w)
	if err != nil || !cmp.Equal(big, *got) {
		t.Fatalf("%v", err)
	}
	exposed, _ := got.Expose(10, time.Unix(1_800_000_000, 0))
	l.writes = 0
	if err := kit.saveLedger(t.Context(), w, exposed); err != nil || l.writes != 1 {
		t.Errorf("%d writes, %v", l.writes, err)
	}
	if err := kit.saveLedger(t.Context(), w, exposed); err != nil || l.writes != 1 {
		t.Errorf("again: %d writes, %v", l.writes, err)
	}
	if err := kit.saveLedger(t.Context(), w, ledgerOf(2, 3)); err != nil || len(l.chunks()) != 1 {
		t.Errorf("%d chunks, %v", len(l.chunks()), err)
	}
	other := newWave("b", "Everyone")
	l.apply(other)
	if got, err := kit.loadLedger(t.Context(), other); got != nil || err != nil {
		t.Errorf("another wave's: %v, %v", got, err)
	}
}

// TestLedgerIncomplete: chunks of two attempts, which a crash leaves behind, are no ledger while the status knows no
// audience, and an error once it does; the next write repairs them, whichever are there.
func TestLedgerIncomplete(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, l *lab, w *v1alpha1.PilotWave){
		"the first chunk is new": func(t *testing.T, l *lab, w *v1alpha1.PilotWave) {
			l.failAt = l.writes + 2
			if err := l.waves.saveLedger(t.Context(), w, ledgerOf(2, 65_000)); err == nil {
				t.Fatal("the write did not fail")
			}
		},
		"one is missing": func(t *testing.T, l *lab, _ *v1alpha1.PilotWave) {
			if err := l.kube.Delete(t.Context(), &l.chunks()[1]); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, calm())
			w := newWave("a", "Everyone")
			l.apply(w)
			kit := &l.waves.Kit
			if err := kit.saveLedger(t.Context(), w, ledgerOf(1, 65_000)); err != nil {
				t.Fatal(err)
			}
			damage(t, l, w)
			if got, err := kit.loadLedger(t.Context(), w); got != nil || err != nil {
				t.Errorf("without an audience: %v, %v", got != nil, err)
			}
			w.Status.Audience = &v1alpha1.AudienceStatus{GroupID: "g"}
			if _, err := kit.loadLedger(t.Context(), w); err == nil || !strings.Contains(err.Error(), `wave "a"`) || !strings.Contains(err.Error(), "incomplete") {
				t.Errorf("with an audience: %v", err)
			}
			want := ledgerOf(2, 65_000)
			if err := kit.saveLedger(t.Context(), w, want); err != nil {
				t.Fatal(err)
			}
			if got, err := kit.loadLedger(t.Context(), w); err != nil || !cmp.Equal(want, *got) {
				t.Errorf("repaired: %v", err)
			}
		})
	}
}

// TestLedgerDamaged: bytes that are no chunk are an error in any case.
func TestLedgerDamaged(t *testing.T) {
	l := newLab(t, calm())
	w := newWave("a", "Everyone")
	l.apply(w)
	kit := &l.waves.Kit
	if err := kit.saveLedger(t.Context(), w, ledgerOf(1, 3)); err != nil {
		t.Fatal(err)
	}
	m := l.chunks()[0]
	m.Labels[labelChunk], m.BinaryData[ledgerKey] = "first", []byte("scribble")
	if err := l.kube.Update(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	if _, err := kit.loadLedger(t.Context(), w); err == nil {
		t.Error("a scribble is a ledger")
	}
	if err := kit.saveLedger(t.Context(), w, ledgerOf(1, 3)); err == nil || !strings.Contains(err.Error(), `write the ledger of wave "a"`) {
		t.Errorf("a map under our name that is not ours to take: %v", err)
	}
	if err := kit.saveLedger(t.Context(), w, audience.Ledger{}); err == nil || !strings.Contains(err.Error(), `encode the ledger of wave "a"`) {
		t.Errorf("%v", err)
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
	if err := l.waves.saveLedger(t.Context(), w, ledgerOf(7, 65_000)); err != nil {
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
