// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allChecks are the chains in the order in which they are read.
func allChecks() []*check {
	var all []*check
	for _, chain := range [][]check{inputChecks, haltChecks, targetingChecks, promoteChecks} {
		for i := range chain {
			all = append(all, &chain[i])
		}
	}
	return all
}

// TestEveryCheckDecides: each check is reached by a case of evaluateCases, which
// knows its verdict, its reason and its sentence word for word. A check that an
// earlier one shadows, or whose sentence nobody has read, fails here.
func TestEveryCheckDecides(t *testing.T) {
	decided := map[*check]bool{}
	for _, tc := range evaluateCases() {
		_, by := evaluate(NewPlan(tc.spec, tc.counts.Eligible+tc.counts.Withdrawn), tc.counts, 0)
		decided[by] = true
	}
	for i, c := range allChecks() {
		if !decided[c] {
			t.Errorf("check %d (%s %s) decides no case: add one with its sentence to evaluateCases", i, c.verdict, c.reason)
		}
	}
}

// TestEveryReasonHasACheck: a reason without a check of its own is never given.
// A reason belongs to one verdict, which its comment names.
func TestEveryReasonHasACheck(t *testing.T) {
	reasons := declaredReasons(t)
	if len(reasons) < 14 {
		t.Fatalf("found only %d reasons in evaluate.go: %v", len(reasons), reasons)
	}
	for _, c := range allChecks() {
		comment, ok := reasons[c.reason]
		if !ok {
			t.Errorf("a check gives %q, which is no constant of evaluate.go", c.reason)
		}
		if want := "Reason" + string(c.reason) + ": " + string(c.verdict) + ", "; !strings.HasPrefix(comment, want) {
			t.Errorf("a check gives %s(%s), the comment of the reason starts with %.40q, want %q", c.verdict, c.reason, comment, want)
		}
	}
	for reason := range reasons {
		if !slices.ContainsFunc(allChecks(), func(c *check) bool { return c.reason == reason }) {
			t.Errorf("no check gives %s", reason)
		}
	}
}

// declaredReasons reads the constants of type Reason with their comments.
func declaredReasons(t *testing.T) map[Reason]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "evaluate.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[Reason]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		reasons[Reason(text)] = strings.TrimSpace(spec.Doc.Text())
		return true
	})
	return reasons
}

// TestPromoteChecksEnd: whatever comes in, some check decides.
func TestPromoteChecksEnd(t *testing.T) {
	if last := promoteChecks[len(promoteChecks)-1]; !last.holds(evaluation{}) {
		t.Errorf("the last promote check (%s) may leave an evaluation without an answer", last.reason)
	}
}

// TestEveryFieldOfTheSpecArrives: a field that changes no result is not judged
// by, however well it is validated.
func TestEveryFieldOfTheSpecArrives(t *testing.T) {
	smoke := smokeSpec(1)
	smoke.Halt = pilot().Halt
	specs := []Spec{pilot(), fourLooks(), smoke}
	for _, path := range leaves(reflect.TypeFor[Spec](), nil) {
		if !slices.ContainsFunc(specs, func(s Spec) bool { return specFieldMatters(s, path) }) {
			t.Errorf("no result depends on %s", reflect.TypeFor[Spec]().FieldByIndex(path).Name)
		}
	}
}

// specFieldMatters says whether some other valid value of the field at path
// changes the result on some evidence.
func specFieldMatters(spec Spec, path []int) bool {
	if spec.Smoke == nil && path[0] == fieldIndex[Spec]("Smoke") || spec.Smoke != nil && path[0] == fieldIndex[Spec]("Promote") {
		return false // a leaf of the alternative that this spec has not chosen
	}
	for _, factor := range []float64{0.5, 0.9, 1.01, 2} {
		other := spec
		if spec.Smoke != nil {
			other.Smoke = &Smoke{MaxFailures: spec.Smoke.MaxFailures}
		}
		switch field := reflect.ValueOf(&other).Elem().FieldByIndex(path); field.Kind() {
		case reflect.Int:
			field.SetInt(int64(float64(field.Int())*factor) + 1)
		case reflect.Float64:
			field.SetFloat(max(0.05, field.Float()) * factor)
		default:
			panic("a spec field of kind " + field.Kind().String() + ": say here how to change it")
		}
		if other.Validate() != nil || reflect.DeepEqual(other, spec) {
			continue
		}
		for _, tc := range evaluateCases() {
			if judged(spec, tc.counts) != judged(other, tc.counts) {
				return true
			}
		}
	}
	return false
}

// TestEveryCountArrives: two valid counts that differ in one number alone, or in
// that number and in another term of the sum it belongs to, have different
// results.
func TestEveryCountArrives(t *testing.T) {
	kind := reflect.TypeFor[Counts]()
	for i := range kind.NumField() {
		if !countMatters(i) {
			t.Errorf("no result depends on %s", kind.Field(i).Name)
		}
	}
}

func countMatters(field int) bool {
	terms := []int{fieldIndex[Counts]("Succeeded"), fieldIndex[Counts]("Failed"), fieldIndex[Counts]("Conflict"), fieldIndex[Counts]("Unexplained")}
	random := rand.New(rand.NewPCG(5, 5))
	for range 20_000 {
		tc := evaluateCases()[random.IntN(len(evaluateCases()))]
		other := tc.counts
		step := int64(1 - 2*random.IntN(2))
		add := func(field int, n int64) {
			v := reflect.ValueOf(&other).Elem().Field(field)
			v.SetInt(v.Int() + n)
		}
		add(field, step)
		switch {
		case slices.Contains(terms, field):
			add(terms[random.IntN(len(terms))], -step)
		case field == fieldIndex[Counts]("Reported"):
			add(terms[random.IntN(len(terms))], step)
		}
		if tc.spec.Validate() != nil || tc.counts.Validate() != nil || other.Validate() != nil || other == tc.counts {
			continue
		}
		if judged(tc.spec, tc.counts) != judged(tc.spec, other) {
			return true
		}
	}
	return false
}

// leaves are the index paths of all fields that are no structs themselves.
func leaves(kind reflect.Type, prefix []int) [][]int {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct {
		return [][]int{prefix}
	}
	var paths [][]int
	for i := range kind.NumField() {
		paths = append(paths, leaves(kind.Field(i).Type, append(slices.Clone(prefix), i))...)
	}
	return paths
}

func fieldIndex[T any](name string) int {
	field, ok := reflect.TypeFor[T]().FieldByName(name)
	if !ok {
		panic("no field " + name)
	}
	return field.Index[0]
}
