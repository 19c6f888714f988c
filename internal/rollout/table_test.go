// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestTableIsTotal: every phase ends in a row that always holds, so that Decide has an answer to everything; no row
// stands behind one that always holds; names are unique.
func TestTableIsTotal(t *testing.T) {
	for _, phase := range append(slices.Clone(everyPhase), unknown) {
		rules := phaseIndex[phase]
		for i, r := range rules {
			last := i == len(rules)-1
			if always := strings.HasPrefix(r.when.text, otherwise.text); always != last {
				t.Errorf("%s: row %q: holds always = %t, is the last = %t", phase, r.name, always, last)
			}
		}
	}
	seen := map[string]bool{}
	for _, r := range table {
		if seen[r.name] {
			t.Errorf("two rows are named %q", r.name)
		}
		seen[r.name] = true
		if len(r.in) == 0 || r.reason == nil || r.message == nil {
			t.Errorf("row %q is not complete", r.name)
		}
	}
}

// TestPhasesOfTheAPI: the table knows exactly the phases that the API declares.
func TestPhasesOfTheAPI(t *testing.T) {
	declared := apiConstants(t, "Phase")
	for _, p := range everyPhase {
		if !declared[string(p)] {
			t.Errorf("phase %s is not in the api", p)
		}
	}
	if len(declared) != len(everyPhase) {
		t.Errorf("the api declares %d phases, the table has %d: %v", len(declared), len(everyPhase), declared)
	}
}

// TestEveryRowDecides: each row of the table decides some situation, in each phase that it names; each reason is a
// constant of the api, and each message is one sentence without an empty part.
func TestEveryRowDecides(t *testing.T) {
	w := walked(t)
	for _, r := range table {
		for _, p := range r.in {
			if p != unknown && !w.used[rowInPhase{p, r.name}] {
				t.Errorf("row %q never decides in %s", r.name, p)
			}
		}
	}
	declared := apiConstants(t, "Reason")
	for reason := range w.reasons {
		if !declared[reason] {
			t.Errorf("reason %q is not a constant of the api", reason)
		}
	}
	for message := range w.messages {
		if !wellFormed(message) {
			t.Errorf("message %q", message)
		}
	}
}

func wellFormed(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && !strings.HasSuffix(s, ":") && !strings.HasSuffix(s, ".") &&
		!strings.Contains(s, ": ;") && !strings.Contains(s, "  ") && !strings.Contains(s, "%!")
}

// TestUnknownValues: a phase or a state that this version does not know is answered, moves nothing forward, and leaves
// the safety verbs.
func TestUnknownValues(t *testing.T) {
	calm := Input{Phase: "AwaitingApproval", Exposed: true, Policy: FactOf(PolicyReady, ""), Evidence: FactOf(EvidencePass, "")}
	if d := Decide(calm); d.Phase != calm.Phase || d.Effect != EffectNone || d.Reason != v1alpha1.ReasonInvalid ||
		!strings.Contains(d.Message, `"AwaitingApproval"`) {
		t.Errorf("unknown phase: %v", d)
	}
	for request, want := range map[Request]v1alpha1.WavePhase{RequestAbort: aborted, RequestRollback: rollingBack, RequestRetry: calm.Phase} {
		in := calm
		in.Request = request
		if d := Decide(in); d.Phase != want || d.HandledRequest != request {
			t.Errorf("%s in an unknown phase: %v", request, d)
		}
	}
	calm.Deleting = true
	if d := Decide(calm); d.Effect != EffectRelease {
		t.Errorf("deletion in an unknown phase: %v", d)
	}

	odd := Input{Policy: FactOf(PolicyState("?"), ""), Dependencies: FactOf(DependencyState("?"), ""),
		Telemetry: FactOf(TelemetryState("?"), ""), Evidence: FactOf(EvidenceState("?"), ""), BakeElapsed: true}
	for _, phase := range []v1alpha1.WavePhase{"", pending, resolving, exposing, baking, evaluating} {
		odd.Phase = phase
		d := Decide(odd)
		if want := normalize(odd).Phase; d.Phase != want || d.Effect != EffectNone {
			t.Errorf("unknown states in %q: %v", phase, d)
		}
	}

	lost := Input{Phase: held, HeldPhase: "AwaitingApproval", Audience: AudienceFact{Fact: FactOf(AudienceOK, "")}}
	if d := Decide(lost); d.Phase != resolving {
		t.Errorf("Held without a phase to go back to: %v", d)
	}
}

// apiConstants reads the string constants of the api package whose names begin with prefix.
func apiConstants(t *testing.T, prefix string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, file := range []string{"conditions.go", "pilotwave_types.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/"+file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out[value] = true
			}
			return true
		})
	}
	if len(out) == 0 {
		t.Fatalf("no constants %s… in the api", prefix)
	}
	return out
}
