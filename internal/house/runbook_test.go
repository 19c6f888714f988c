// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestRunbookHasEveryReason: whoever is on call finds each reason that a status can show in docs/operations.md.
func TestRunbookHasEveryReason(t *testing.T) {
	root := moduleRoot(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, runbook, found := strings.Cut(string(page), "\n## Runbook\n")
	if !found {
		t.Fatal("operations.md has no section Runbook")
	}
	runbook, _, _ = strings.Cut(runbook, "\n## ")
	reasons := reasonsOf(t, filepath.Join(root, "api", "v1alpha1", "conditions.go"))
	if len(reasons) < 80 {
		t.Fatalf("%d reasons found: the reader is blind, there were more than 90", len(reasons))
	}
	for name, value := range reasons {
		if !regexp.MustCompile(`\b` + value + `\b`).MatchString(runbook) {
			t.Errorf("docs/operations.md, Runbook, does not tell what %s (%s) means and what to do", value, name)
		}
	}
}

// reasonsOf reads the constants of a file whose names begin with Reason.
func reasonsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, isValue := n.(*ast.ValueSpec)
		if !isValue {
			return true
		}
		for i, name := range spec.Names {
			if !strings.HasPrefix(name.Name, "Reason") || i >= len(spec.Values) {
				continue
			}
			literal, isText := spec.Values[i].(*ast.BasicLit)
			if !isText {
				t.Fatalf("%s is no text", name.Name)
			}
			if out[name.Name], err = strconv.Unquote(literal.Value); err != nil {
				t.Fatal(err)
			}
		}
		return true
	})
	return out
}
