// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// terminal are the phases in which a wave may stay for ever.
var terminal = phases{succeeded, halted, rolledBack, rollbackIncomplete, aborted}

// node is what a wave remembers between two decisions; everything else is the environment, which the model check lets
// do what it wants.
type node struct {
	phase, heldPhase v1alpha1.WavePhase
	heldReason       string
	exposed          bool
}

type edge struct{ from, to node }

// edgesOf are the steps that a decision makes possible: an effect may work or be lost.
func edgesOf(in *Input, d *Decision) []edge {
	from := node{in.Phase, in.HeldPhase, in.HeldReason, in.Exposed}
	if in.Phase != held {
		from.heldPhase, from.heldReason = "", ""
	}
	to := node{d.Phase, d.HeldPhase, d.HeldReason, in.Exposed}
	edges := []edge{{from, to}}
	if slices.Contains(restrained, in.Phase) { // where exposure does not matter, the walk leaves it out
		from.exposed, to.exposed = true, true
		edges = append(edges, edge{from, to})
	}
	if d.NewAttempt { // the next one has a group of its own
		to.exposed = false
		edges = append(edges, edge{from, to})
	}
	if d.Effect == EffectExposeBatch {
		to.exposed = true
		edges = append(edges, edge{from, to})
	}
	return edges
}

type graph map[node][]node

func graphOf(edges map[edge]bool, turned bool) graph {
	g := graph{}
	for e := range edges {
		if turned {
			e.from, e.to = e.to, e.from
		}
		g[e.from] = append(g[e.from], e.to)
	}
	return g
}

// reach is every node that a breadth-first search finds from the start.
func (g graph) reach(start ...node) map[node]bool {
	seen := map[node]bool{}
	for queue := start; len(queue) > 0; queue = queue[1:] {
		if !seen[queue[0]] {
			seen[queue[0]] = true
			queue = append(queue, g[queue[0]]...)
		}
	}
	return seen
}

// reachable are the nodes that a new wave can get to.
func reachable(t *testing.T) map[node]bool {
	return graphOf(walked(t).edges, false).reach(node{phase: pending})
}

// TestEveryPhaseIsReachable from a new wave.
func TestEveryPhaseIsReachable(t *testing.T) {
	found := map[v1alpha1.WavePhase]bool{}
	for n := range reachable(t) {
		found[n.phase] = true
	}
	for _, p := range everyPhase {
		if !found[p] {
			t.Errorf("no way leads to %s", p)
		}
	}
	t.Logf("%d reachable states", len(reachable(t)))
}

// TestNoDeadEnd: from every reachable state that is not terminal a way leads to each end that matters, without a request
// of a person; from every terminal one a way leads to a new attempt.
func TestNoDeadEnd(t *testing.T) {
	byItself, anyhow := graphOf(walked(t).alone, true), graphOf(walked(t).edges, true)
	ends := func(g graph, of ...v1alpha1.WavePhase) map[node]bool {
		var targets []node
		for n := range reachable(t) {
			if slices.Contains(of, n.phase) {
				targets = append(targets, n)
			}
		}
		return g.reach(targets...)
	}
	toTerminal, toSuccess, toRetreat := ends(byItself, terminal...), ends(byItself, succeeded), ends(byItself, halted)
	toPending := ends(anyhow, pending)
	for n := range reachable(t) {
		open := !slices.Contains(terminal, n.phase)
		if open && !toTerminal[n] {
			t.Errorf("dead end: %+v", n)
		}
		if open && n.phase != rollingBack && !toSuccess[n] {
			t.Errorf("no way to Succeeded without a person: %+v", n)
		}
		if open && n.phase != rollingBack && !toRetreat[n] {
			t.Errorf("no way to Halted without a person: %+v", n)
		}
		if !toPending[n] {
			t.Errorf("no way to another attempt: %+v", n)
		}
	}
}

// TestDecideIsDeterministic: the same input gives the same decision, and a row that decides is the first whose condition
// holds.
func TestDecideIsDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 30_000 {
		in := randomInput(r)
		d := Decide(in)
		if again := Decide(in); d != again {
			t.Fatalf("%+v\n  %v\n  %v", in, d, again)
		}
		n := normalize(in)
		first := slices.IndexFunc(table, func(row rule) bool { return slices.Contains(row.in, n.Phase) && row.when.holds(&n) })
		if table[first].name != d.Rule {
			t.Fatalf("row %q decided, %q comes first: %+v", d.Rule, table[first].name, in)
		}
	}
}

// TestNoFlapping: while the environment stands still, but for what the wave's own effects change, every wave comes to
// rest in one phase. A table with two rows that send a wave to and fro fails here.
func TestNoFlapping(t *testing.T) {
	const samples, bound = 60_000, 12
	r := rand.New(rand.NewPCG(9, 10))
	for range samples {
		start := randomInput(r)
		in, path := start, []v1alpha1.WavePhase{start.Phase}
		for range bound {
			d := Decide(in)
			in = settle(in, d)
			path = append(path, d.Phase)
		}
		before := in
		if d := Decide(in); d.Phase != in.Phase || settle(in, d) != before {
			t.Fatalf("no rest after %d decisions: %v\nstart: %+v\nthen:  %v", bound, path, start, d)
		}
	}
}

// settle is the input of the next decision if nothing else happens.
func settle(in Input, d Decision) Input {
	in.Phase, in.HeldPhase, in.HeldReason = d.Phase, d.HeldPhase, d.HeldReason
	if d.HandledRequest != RequestNone {
		in.Request = RequestNone
	}
	if d.NewAttempt {
		in.Payload, in.Exposed, in.Reverting = FactOf(PayloadSame, ""), false, false
		in.Ledger, in.Membership = FactOf(LedgerOK, ""), FactOf(MembershipInSync, "")
	}
	switch {
	case d.Regress:
		in.Watch = FactOf(WatchRegressed, "")
	case d.EndWatch, d.NewAttempt:
		in.Watch = Fact[WatchState]{}
	}
	if d.Withdraw {
		in.Reverting = d.Revert
	}
	switch d.Effect {
	case EffectExposeBatch:
		in.Exposed = true
	case EffectExclude:
		in.Exclusion = Fact[ExclusionState]{}
	case EffectRepairEarlier, EffectGiveUp:
		in.Earlier = Fact[EarlierState]{}
	case EffectJoin:
		in.Growth = Fact[GrowthState]{}
	case EffectRepairMembership:
		in.Membership = FactOf(MembershipInSync, "")
	}
	return in
}
