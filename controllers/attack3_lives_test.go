// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// TestPromise07_OrphanNamespaceInAnyOrder: a namespace whose policy leaves everything behind goes as well, in whatever order its
// kinds are deleted, and nothing is taken from devices.
func TestPromise07_OrphanNamespaceInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, order := range orders([]string{"policies", "tenants", "waves"}) {
		t.Run(strings.Join(order, ","), func(t *testing.T) {
			if order[0] != "policies" {
				thorough(t)
			}
			l := rolledOut(t)
			p := l.policy()
			l.edit(p, func() { p.Spec.DeletionPolicy = v1alpha1.DeletionOrphan })
			l.rest()
			members := l.members(l.attemptGroup("a"))
			l.sim.ResetJournal()
			for _, kind := range order {
				if err := l.kube.DeleteAllOf(t.Context(), namespaceKinds[kind], client.InNamespace(ns)); err != nil {
					t.Fatal(err)
				}
				l.round()
			}
			for range 5 {
				l.round()
			}
			for _, left := range l.remainders() {
				if !strings.HasPrefix(left, "in the tenant") && !strings.HasPrefix(left, "secrets") {
					t.Errorf("left: %s", left)
				}
			}
			if got := l.changed(); len(got) > 0 || len(members) == 0 {
				t.Errorf("%d members; Orphan leaves all in place, and changed %v", len(members), got)
			}
		})
	}
}

// TestPromise05_LostGroupOfAClosedAttempt: the answer to the creation of a group is lost, the operator dies, and the attempt is
// aborted before anybody looked again. The group is not left in the tenant when the wave has gone.
func TestPromise05_LostGroupOfAClosedAttempt(t *testing.T) {
	thorough(t)
	for _, attempts := range []int{1, 3} {
		t.Run(fmt.Sprint(attempts), func(t *testing.T) {
			l := newLab(t, calm(group("First", 20)))
			l.apply(l.newTenant(), newPolicy(), newWave("a", "First"))
			for n := range attempts {
				l.faults(tenantsim.Fault{Mode: tenantsim.FaultLostAnswer, Match: tenantsim.FaultMatch{Method: http.MethodPatch, Route: "/v1.0/groups/*"}})
				for range 12 {
					l.round()
					if g := len(l.managedGroups()); g > n {
						break
					}
				}
				if g := len(l.managedGroups()); g != n+1 || l.attemptGroup("a") != "" {
					t.Fatalf("attempt %d: %d groups, %+v", n+1, g, l.wave("a").Status)
				}
				l.start(t)
				l.annotate("a", v1alpha1.AnnotationAbort, fmt.Sprint(n))
				l.round()
				l.faults()
				l.round()
				l.annotate("a", v1alpha1.AnnotationRetry, fmt.Sprint(n))
				l.round()
			}
			l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
			l.rest()
			t.Logf("%v", l.managedGroups())
			if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				l.rest()
				l.lag()
			}
			if left := l.managedGroups(); len(left) > 0 {
				t.Errorf("left in the tenant: %v", left)
			}
		})
	}
}

// managedGroups are the names of our groups in the tenant.
func (l *lab) managedGroups() []string {
	l.t.Helper()
	var out []string
	for _, g := range l.sim.Snapshot(false).Groups {
		if strings.HasPrefix(g.DisplayName, "Tidegate") && !g.Deleted {
			out = append(out, g.DisplayName)
		}
	}
	slices.Sort(out)
	return out
}

// revert takes one wave to r2 beneath r1 and back again; a write that fails ends the process, and another one takes over.
func revert(t *testing.T, failAt int) (*lab, outcome) {
	t.Helper()
	l := newLab(t, calm(group("First", 20)))
	p := newPolicy()
	p.Spec.RevertWindow = hours(720)
	l.apply(l.newTenant(), p, newWave("a", "First"))
	l.until("it succeeds", 60, l.inPhase("a", v1alpha1.PhaseSucceeded))
	l.rest()
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
	l.until("r2 is exposed", 20, func() bool {
		s := l.wave("a").Status
		return s.Attempt == 2 && s.Clocks.LastBatchAt != nil
	})
	p = l.policy()
	l.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "" })
	l.writes, l.failAt = 0, failAt
	alive := func() {
		if len(l.errs) == 0 {
			return
		}
		for _, err := range l.errs {
			if !errors.Is(err, errWrite) {
				t.Fatalf("write %d fails: %v", failAt, err)
			}
		}
		l.errs = nil
		l.start(t)
		l.rest()
	}
	l.until("it stands again", 80, func() bool {
		alive()
		l.mustBeSingle(fmt.Sprintf("write %d fails", failAt))
		s := l.wave("a").Status
		return s.Phase == v1alpha1.PhaseSucceeded && s.Attempt == 1 && len(s.Attempts) == 1 && len(l.policy().Status.Revisions) == 2
	})
	l.rest()
	alive()
	for _, r := range l.sim.Journal().Records {
		if len(r.Overlaps) > 0 {
			t.Errorf("write %d fails: %s %s puts devices under hold and allow: %v", failAt, r.Method, r.Path, r.Overlaps)
		}
	}
	return l, l.outcome()
}

// TestPromise05_CrashAtEveryWriteOfARevert runs a whole revert for every write to the API server that it makes, and lets
// the process die at that write: every run ends with the same tenant and the same wave.
func TestPromise05_CrashAtEveryWriteOfARevert(t *testing.T) {
	thorough(t)
	l, want := revert(t, 0)
	writes := l.writes
	t.Logf("%d writes, %+v", writes, want)
	for n := 1; n <= writes; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			if _, got := revert(t, n); !cmp.Equal(want, got) {
				t.Errorf("-want +got:\n%s", cmp.Diff(want, got))
			}
		})
	}
}
