// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestEnforceOnly holds no one back and writes no hold, also for a wave that is rolled back: its devices are as they were before.
func TestEnforceOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20), of("Second", 20)), testkit.Options{})
	p := w.Policy()
	p.Spec.Mode, p.Spec.Population = v1alpha1.ModeEnforceOnly, nil
	first, second := quick(w, "first", "First"), quick(w, "second", "Second")
	w.Apply(t, w.Secret(), w.Tenant(), p, first, second)
	reaches(t, w, "first", v1alpha1.PhaseBaking)
	reaches(t, w, "second", v1alpha1.PhaseBaking)
	arrives(t, w, "Allow", 40)
	onlyRevisions(t, w)
	w.Soon(t, that(func() bool {
		return strings.Contains(message(policy(t, w).Status.Conditions, v1alpha1.ConditionReady), "restrains no one")
	}, "the status does not say that nobody is held back"))

	annotate(t, w, second, v1alpha1.AnnotationRollback, "now")
	done := reaches(t, w, "second", v1alpha1.PhaseRolledBack).Status
	arrives(t, w, "Allow", 20)
	onlyRevisions(t, w)
	if done.Rollback.Verified < 19 || done.Rollback.Target != 20 {
		t.Errorf("the rollback is proven by %+v", done.Rollback)
	}
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)

	annotate(t, w, second, v1alpha1.AnnotationRetry, "now")
	reaches(t, w, "second", v1alpha1.PhaseSucceeded)
	onlyRevisions(t, w)
}

// onlyRevisions wants no policy in the tenant but that of the first revision on each of two platforms.
func onlyRevisions(t *testing.T, w *testkit.World) {
	t.Helper()
	for _, own := range w.OwnPolicies() {
		if !strings.HasSuffix(own.Name, " r1") {
			t.Errorf("in mode EnforceOnly the tenant has %s, want revisions alone", own.Name)
		}
	}
	if n := len(w.OwnPolicies()); n != 2 {
		t.Errorf("the tenant has %d policies, want 2: %v", n, w.OwnPolicies())
	}
}
