// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

func TestTwoWavesSucceedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, groups(of("First", 40), of("Second", 40)), testkit.Options{})
	base(t, w, quick(w, "first", "First"), quick(w, "second", "Second", "first"))

	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
	if p := w.Wave(t, "second").Status.Phase; p == v1alpha1.PhaseSucceeded {
		t.Fatalf("second is %s although first has only just succeeded", p)
	}
	reaches(t, w, "second", v1alpha1.PhaseSucceeded)
	for _, name := range []string{"first", "second"} {
		s := w.Wave(t, name).Status
		if s.Audience == nil || s.Devices.Succeeded < 25 || s.Attempt != 1 {
			t.Errorf("wave %s ended with %+v, attempt %d", name, s.Devices, s.Attempt)
		}
	}
}
