// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// idealists are the files that ask for an ideal tenant, one without the slowness and the odd answers of an ordinary day,
// with the reason that each gives. A file that is not here meets the tenant as it is.
var idealists = map[string][]string{
	"controllers/lab_test.go":                  {"reconciles run by hand, one after the other at one instant, and each is looked at: what is late has tests of its own"},
	"hack/internal/lab/options.go":             {"the person at the lab asks for one by LAG=ideal"},
	"internal/observe/audience_states_test.go": {"each device is in the one state that it stands for, and its group is read just after it was made"},
	"internal/observe/fake_test.go":            {"each reading is compared with what was written a line before"},
	"internal/testkit/simtest/samples_test.go": {"a sample is assigned just after it was made"},
	"internal/tenantsim/tenant_test.go":        {"a test of the simulator looks at one answer just after one write"},
	"test/conformance/conformance_test.go":     {"a row of the table is one request with its one right answer, just after the rows before it"},
	"test/conformance-sdk/tenant_test.go":      {"the official beta SDK does not wait: what is asked of it here is that it and the simulator speak one language"},
	"test/conformance/sdkv1/sdk_test.go":       {"the official SDK does not wait: what is asked of it here is that it and the simulator speak one language"},
	"test/integration/promise12_test.go":       {"requests of a resync are counted, and one that is refused now and then is sent again"},
	"test/reliability/sequence_test.go":        {"the sweep puts one fault at one request and must know that nothing else went wrong"},
}

// TestWhoAsksForAnIdealTenant finds every file that asks for a kind tenant, and the reason: a text where it asks, or a
// constant of its package.
func TestWhoAsksForAnIdealTenant(t *testing.T) {
	found := map[string][]string{}
	for name, file := range sources(t) {
		if strings.HasPrefix(name, "cmd/") {
			continue // a program passes on what a person says
		}
		for _, asked := range idealIn(file) {
			reason, err := strconv.Unquote(asked)
			switch {
			case err != nil && !isName(asked):
				t.Errorf("%s asks for an ideal tenant with %s: write the reason as a text or as a constant of the package", name, asked)
			case err == nil && len(strings.Fields(reason)) < 5:
				t.Errorf("%s asks for an ideal tenant because %q: that is no reason", name, reason)
			case err == nil:
				found[name] = append(found[name], reason)
			}
		}
	}
	if diff := cmp.Diff(idealists, found); diff != "" {
		t.Errorf("who asks for an ideal tenant, the list and the code (-list +code):\n%s", diff)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t.Logf("%s: %s", name, strings.Join(found[name], "; "))
	}
}

// idealIn lists what a file gives as Ideal, or to the flag --ideal: quoted texts, names of constants, and the texts of constants that it gives.
func idealIn(file *ast.File) []string {
	var asked []string
	take := func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.BasicLit:
			asked = append(asked, e.Value)
		case *ast.Ident:
			asked = append(asked, e.Name)
		case *ast.SelectorExpr: // one set of options handed on to another
		default:
			asked = append(asked, "an expression")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, is := n.Key.(*ast.Ident); is && key.Name == "Ideal" {
				take(n.Value)
			}
		case *ast.CallExpr:
			for i, arg := range n.Args {
				if lit, is := arg.(*ast.BasicLit); is && lit.Value == `"--ideal"` && i+1 < len(n.Args) {
					take(n.Args[i+1])
				}
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if field, is := to.(*ast.SelectorExpr); is && field.Sel.Name == "Ideal" && i < len(n.Rhs) {
					take(n.Rhs[i])
				}
			}
		}
		return true
	})
	return append(asked, constantsOf(file, asked)...)
}

// constantsOf are the quoted texts of the file's own constants among the names.
func constantsOf(file *ast.File, names []string) []string {
	var texts []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is {
			return true
		}
		for i, name := range spec.Names {
			if lit, is := valueAt(spec, i).(*ast.BasicLit); is && slices.Contains(names, name.Name) {
				texts = append(texts, lit.Value)
			}
		}
		return true
	})
	return texts
}

func valueAt(spec *ast.ValueSpec, i int) ast.Expr {
	if i < len(spec.Values) {
		return spec.Values[i]
	}
	return nil
}

func isName(s string) bool { return token.IsIdentifier(s) }
