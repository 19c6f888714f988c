// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// waves builds a policy's waves: name, phase, then names that it depends on.
func waves(lines ...string) []v1alpha1.PilotWave {
	var out []v1alpha1.PilotWave
	for _, line := range lines {
		f := strings.Fields(line)
		w := v1alpha1.PilotWave{}
		w.Name, w.Status.Phase = f[0], v1alpha1.WavePhase(strings.Trim(f[1], "-"))
		w.Spec.PolicyRef.Name = "pkp"
		w.UID, w.Status.Revision = types.UID(f[0]), 2
		w.Status.Decision.Message = "because"
		w.Status.Clocks.SucceededAt = at(0)
		for _, dep := range f[2:] {
			w.Spec.DependsOn = append(w.Spec.DependsOn, v1alpha1.WaveDependency{Name: dep})
		}
		out = append(out, w)
	}
	return out
}

// TestDepend: the state of dependsOn for the first wave of each list.
func TestDepend(t *testing.T) {
	for _, tt := range []struct {
		name  string
		waves []v1alpha1.PilotWave
		want  DependencyState
		parts []string
	}{
		{"none", waves("a Pending"), DependenciesMet, nil},
		{"succeeded", waves("a Pending b", "b Succeeded"), DependenciesMet, nil},
		{"new", waves("a Pending b", "b -"), DependenciesWaiting, []string{`"b"`, "is Pending"}},
		{"under way", waves("a Pending b", "b Baking"), DependenciesWaiting, []string{`"b"`, "is Baking"}},
		{"held", waves("a Pending b", "b Held"), DependenciesWaiting, []string{"is Held"}},
		{"unknown phase", waves("a Pending b", "b Hovering"), DependenciesWaiting, []string{"is Hovering"}},
		{"halted", waves("a Pending b", "b Halted"), DependenciesFailed, []string{`"b"`, "is Halted", "because"}},
		{"aborted", waves("a Pending b", "b Aborted"), DependenciesFailed, []string{"is Aborted"}},
		{"rolled back", waves("a Pending b", "b RolledBack"), DependenciesFailed, []string{"is RolledBack"}},
		{"rollback incomplete", waves("a Pending b", "b RollbackIncomplete"), DependenciesFailed, []string{"is RollbackIncomplete"}},
		{"rolling back ends as failed, but not yet", waves("a Pending b", "b RollingBack"), DependenciesWaiting, []string{"is RollingBack"}},
		{"missing", waves("a Pending z"), DependenciesMissing, []string{`"z"`, `"pkp"`, "create it or correct the name"}},
		{"missing beats failed beats waiting", waves("a Pending b c z", "b Baking", "c Halted"), DependenciesMissing, []string{`"z"`}},
		{"failed beats waiting", waves("a Pending b c", "b Baking", "c Halted"), DependenciesFailed, []string{`"c"`}},
		{"the first of equals is named", waves("a Pending b c", "b Baking", "c Exposing"), DependenciesWaiting, []string{`"b"`}},
		{"itself", waves("a Pending a"), DependenciesCycle, []string{"a → a;"}},
		{"cycle of two", waves("a Pending b", "b Pending a"), DependenciesCycle, []string{"a → b → a;", "remove one"}},
		{"cycle of three, the long way", waves("a Pending x b", "x Succeeded", "b Pending x c", "c Pending x a"), DependenciesCycle, []string{"a → b → c → a;"}},
		{"a cycle of others is theirs", waves("a Pending b", "b Pending c", "c Pending b"), DependenciesWaiting, []string{`"b"`}},
		{"a diamond is none", waves("a Succeeded b c", "b Succeeded d", "c Succeeded d", "d Succeeded"), DependenciesMet, nil},
	} {
		got, next := Depend(&tt.waves[0], tt.waves, Target{Revision: 2}, v1alpha1.RestartFirstWave, hour(1))
		if got.State != tt.want || !next.IsZero() || (len(tt.parts) == 0) != (got.Message == "") {
			t.Errorf("%s: %+v until %v, want %s", tt.name, got, next, tt.want)
		}
		for _, part := range tt.parts {
			if !strings.Contains(got.Message, part) {
				t.Errorf("%s: want %q in %q", tt.name, part, got.Message)
			}
		}
	}
}

// TestDependSoak: a dependency that has succeeded soaks for minSoak, and the longest soak is when to look again.
func TestDependSoak(t *testing.T) {
	list := waves("a Pending b c", "b Succeeded", "c Succeeded")
	list[0].Spec.DependsOn[0].MinSoak, list[0].Spec.DependsOn[1].MinSoak = hours(24), hours(12)
	for _, tt := range []struct {
		h     float64
		state DependencyState
		next  time.Time
	}{
		{1, DependenciesWaiting, hour(24)}, {13, DependenciesWaiting, hour(24)},
		{24 - 1./3600, DependenciesWaiting, hour(24)}, {24, DependenciesMet, time.Time{}},
	} {
		got, next := Depend(&list[0], list, Target{Revision: 2}, v1alpha1.RestartFirstWave, hour(tt.h))
		if got.State != tt.state || !next.Equal(tt.next) {
			t.Errorf("hour %v: %+v until %v", tt.h, got, next)
		}
		if tt.state == DependenciesWaiting && !strings.Contains(got.Message, "soaks until 2026-03-03T08:00:00Z") {
			t.Errorf("hour %v: %q", tt.h, got.Message)
		}
	}
	list[1].Status.Clocks.SucceededAt, list[2].Status.Clocks.SucceededAt = nil, nil // a status that was restored without it
	if got, _ := Depend(&list[0], list, Target{Revision: 2}, v1alpha1.RestartFirstWave, hour(1)); got.State != DependenciesMet {
		t.Errorf("no time of success: %+v", got)
	}
}

// TestPromise03_OldPayloadProvesNothing: a dependency that succeeded with another payload has to prove the new one first.
func TestPromise03_OldPayloadProvesNothing(t *testing.T) {
	list := waves("a Pending b", "b Succeeded")
	if got, _ := Depend(&list[0], list, Target{Revision: 3}, v1alpha1.RestartFirstWave, hour(1)); got.State != DependenciesWaiting || !strings.Contains(got.Message, "has to prove revision 3") {
		t.Errorf("%+v", got)
	}
}

// TestEarliestIncomplete: waves that had not succeeded on the revision before take the new one first, whatever they depend on; the
// others follow them.
func TestEarliestIncomplete(t *testing.T) {
	proven := func(w *v1alpha1.PilotWave) {
		w.Status.Attempts = []v1alpha1.WaveAttempt{{Attempt: 1, Revision: 1, SucceededAt: at(0)}}
	}
	list := waves("a Pending", "b Pending a", "c Pending b")
	for i := range list {
		list[i].Status.Revision = 0
	}
	proven(&list[0])
	state := func(i int) DependencyState {
		d, _ := Depend(&list[i], list, Target{Revision: 2}, v1alpha1.RestartEarliestIncomplete, hour(1))
		return d.State
	}
	if state(0) != DependenciesWaiting || state(1) != DependenciesMet || state(2) != DependenciesWaiting {
		t.Errorf("at first a, b, c are %s, %s, %s: want b to start", state(0), state(1), state(2))
	}
	for i := range 2 {
		list[i+1].Status.Phase, list[i+1].Status.Revision, list[i+1].Status.Clocks.SucceededAt = succeeded, 2, at(0)
	}
	if state(0) != DependenciesMet {
		t.Errorf("a, which had succeeded before, is %s when the others have followed", state(0))
	}
	list[0].Status.Phase = halted
	if state(1) != DependenciesFailed {
		t.Errorf("b is %s on a wave that was halted", state(1))
	}
	list[0].Status.Phase, list[0].Status.Attempts[0].WithdrawnAt = pending, at(0)
	if state(1) != DependenciesWaiting {
		t.Errorf("b is %s on a wave whose success was taken back", state(1))
	}
}
