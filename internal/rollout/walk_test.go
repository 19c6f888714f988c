// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// walk is what the relevant space of all phases showed.
type walk struct {
	// broken has a counterexample for each invariant that does not hold.
	broken map[string]string
	// used are the rows that decided, by phase; reasons and messages all that were given.
	used              map[rowInPhase]bool
	reasons, messages map[string]bool
	// edges are the steps that were seen, between nodes; alone has those that need no request.
	edges, alone map[edge]bool
	situations   int
}

type rowInPhase struct {
	phase v1alpha1.WavePhase
	row   string
}

// walked is what the whole space showed. It takes half a minute the first time, so -short goes without the tests that need it.
func walked(t *testing.T) walk {
	t.Helper()
	if testing.Short() {
		t.Skip("goes through every input")
	}
	return walkOnce()
}

// walkOnce goes through the relevant space of every phase once and holds every decision against every invariant.
var walkOnce = sync.OnceValue(func() walk {
	var parts []walk
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, phase := range everyPhase {
		for request := range dimRequest.values {
			wg.Go(func() {
				part := walkPhase(phase, request)
				mu.Lock()
				defer mu.Unlock()
				parts = append(parts, part)
			})
		}
	}
	wg.Wait()
	whole := parts[0]
	for _, w := range parts[1:] {
		maps.Copy(whole.broken, w.broken)
		maps.Copy(whole.used, w.used)
		maps.Copy(whole.reasons, w.reasons)
		maps.Copy(whole.messages, w.messages)
		maps.Copy(whole.edges, w.edges)
		maps.Copy(whole.alone, w.alone)
		whole.situations += w.situations
	}
	return whole
})

func walkPhase(phase v1alpha1.WavePhase, request int) walk {
	w := walk{broken: map[string]string{}, used: map[rowInPhase]bool{}, reasons: map[string]bool{}, messages: map[string]bool{},
		edges: map[edge]bool{}, alone: map[edge]bool{}}
	type named struct {
		name  string
		holds invariant
	}
	var open []named
	for name, holds := range invariants {
		open = append(open, named{name, holds})
	}
	eachInput(phase, request, func(in *Input) {
		d := Decide(*in)
		w.situations++
		w.used[rowInPhase{phase, d.Rule}] = true
		w.reasons[d.Reason], w.messages[d.Message] = true, true
		for _, e := range edgesOf(in, &d) {
			w.edges[e] = true
			if in.Request == RequestNone && !in.Deleting {
				w.alone[e] = true
			}
		}
		open = slices.DeleteFunc(open, func(i named) bool { // one counterexample is enough to read
			if i.holds(in, &d) {
				return false
			}
			w.broken[i.name] = fmt.Sprintf("%+v\n  %v", *in, d)
			return true
		})
	})
	return w
}
