// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// outcome is what a rollout leaves behind, without what depends on ids and times.
type outcome struct {
	Phase    v1alpha1.WavePhase
	Attempt  int32
	Devices  v1alpha1.DeviceCounts
	Policies []string
	Groups   []string
	Progress string
	// Creates counts the policies that were ever made.
	Creates int
}

func (l *lab) outcome() outcome {
	snap := l.sim.Snapshot(false)
	o := outcome{Phase: l.wave("a").Status.Phase, Attempt: l.wave("a").Status.Attempt, Devices: l.wave("a").Status.Devices, Progress: l.policy().Status.WaveProgress}
	names := map[string]string{}
	for _, g := range snap.Groups {
		names[g.ID] = g.DisplayName
		if strings.HasPrefix(g.DisplayName, "Tidegate") {
			o.Groups = append(o.Groups, fmt.Sprintf("%s %d deleted %t", g.DisplayName, g.Devices, g.Deleted))
		}
	}
	for _, p := range snap.Policies {
		var targets []string
		for _, a := range p.Assignments {
			name := a.Group
			for id, n := range names {
				if a.Group == id {
					name = n
				}
			}
			targets = append(targets, a.Kind+" "+name)
		}
		slices.Sort(targets)
		o.Policies = append(o.Policies, fmt.Sprintf("%s: %s", p.Name, strings.Join(targets, ", ")))
	}
	slices.Sort(o.Policies)
	for _, c := range l.changed() {
		if c == "POST /beta/deviceManagement/configurationPolicies" {
			o.Creates++
		}
	}
	return o
}

// rollOut takes one wave to success; a write to the API server that fails ends the process, and another one takes over.
func rollOut(t *testing.T, failAt int) (*lab, outcome) {
	t.Helper()
	l := newLab(t, calm(group("First", 20)))
	l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
	l.writes, l.failAt = 0, failAt
	l.until("a succeeds", 60, func() bool {
		if len(l.errs) > 0 {
			for _, err := range l.errs {
				if !errors.Is(err, errWrite) {
					t.Fatalf("write %d fails: %v", failAt, err)
				}
			}
			l.errs = nil
			l.start(t)
			l.rest()
		}
		return l.wave("a").Status.Phase == v1alpha1.PhaseSucceeded
	})
	l.rest()
	for _, r := range l.sim.Journal().Records {
		if len(r.Overlaps) > 0 {
			t.Errorf("write %d fails: %s %s puts devices under hold and allow: %v", failAt, r.Method, r.Path, r.Overlaps)
		}
	}
	return l, l.outcome()
}

// TestPromise05_CrashAtEveryWrite runs a whole rollout once for each write to the API server that it makes, and lets the
// process die at that write. Every run ends with the same tenant, each policy and group is made once, and no device is
// ever under both policies.
func TestPromise05_CrashAtEveryWrite(t *testing.T) {
	l, want := rollOut(t, 0)
	writes := l.writes
	t.Logf("%d writes, %+v", writes, want)
	if want.Creates != 2 || len(want.Groups) != 1 || want.Attempt != 1 {
		t.Fatalf("%+v", want)
	}
	stride := 1
	if testing.Short() {
		stride = 7
	}
	for n := 1; n <= writes; n += stride {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			if _, got := rollOut(t, n); !cmp.Equal(want, got) {
				t.Errorf("-want +got:\n%s", cmp.Diff(want, got))
			}
		})
	}
}
