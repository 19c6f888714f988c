// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestEveryRowIsDefended takes the rows out of the table one by one. An invariant has to notice each that moves a wave,
// and an invariant or a golden decision each of the others: a row whose absence nobody notices is a missing invariant.
func TestEveryRowIsDefended(t *testing.T) {
	whole := phaseIndex
	defer func() { phaseIndex = whole }()
	golden := renderExamples()
	for i, r := range table {
		if strings.HasPrefix(r.when.text, otherwise.text) {
			continue // its absence leaves a hole, see TestTableIsTotal
		}
		phaseIndex = byPhase(slices.Delete(slices.Clone(table), i, i+1))
		moves := r.next != stay || r.effect != EffectNone
		if !brokenWithout(r) && (moves || renderExamples() == golden) {
			t.Errorf("nothing misses the row %q", r.name)
		}
	}
}

// brokenWithout looks at random for a situation in the row's phases in which an invariant fails.
func brokenWithout(r rule) bool {
	random := rand.New(rand.NewPCG(12, 13))
	in := slices.DeleteFunc(slices.Clone(r.in), func(p v1alpha1.WavePhase) bool { return p == unknown })
	for range 300_000 {
		i := randomInput(random)
		i.Phase = in[random.IntN(len(in))]
		if random.IntN(2) == 0 {
			i.Deleting, i.Request, i.Paused = false, RequestNone, false
		}
		if random.IntN(2) == 0 {
			i.Telemetry, i.Payload, i.Policy, i.Dependencies = FactOf(TelemetryFresh, ""), FactOf(PayloadSame, ""), FactOf(PolicyReady, ""), FactOf(DependenciesMet, "")
		}
		if !r.when.holds(&i) {
			continue
		}
		d := Decide(i)
		for _, holds := range invariants {
			if !holds(&i, &d) {
				return true
			}
		}
	}
	return false
}
