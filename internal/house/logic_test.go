// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxLogic is how many lines of logic the reconciler of a kind may have: so much is read at one sitting, and what is more
// belongs to a room of the house, which can be tested without a reconcile.
const maxLogic = 120

// reconcilers are the kinds and the names of their files in controllers, which begin with the kind.
var reconcilers = []string{"tenant", "passkeypolicy", "pilotwave"}

// TestReconcilersAreThin counts the lines of logic of each kind, in all files that carry its name.
//
// Logic is each line in the body of a function that says what happens and when. Not counted is what says it a second time or
// says nothing of the kind: lines without code, lines with nothing but brackets, SetupWithManager, which is a list of what
// wakes the reconciler, and the handing on of an error, `if err != nil { return …, err }`, wrapped or not, as each step that
// may fail has one and none decides anything. Declarations outside of functions hold no logic.
func TestReconcilersAreThin(t *testing.T) {
	dir := filepath.Join(moduleRoot(t), "controllers")
	for _, kind := range reconcilers {
		files, err := filepath.Glob(filepath.Join(dir, kind+"_*.go"))
		if err != nil {
			t.Fatal(err)
		}
		total, parts := 0, []string{}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			n := logicLines(t, file, nil)
			total += n
			parts = append(parts, fmt.Sprintf("%s %d", filepath.Base(file), n))
		}
		if total == 0 {
			t.Errorf("no logic of kind %s was found in %s", kind, dir)
		}
		t.Logf("%s: %d lines of logic (%s)", kind, total, strings.Join(parts, ", "))
		if total > maxLogic {
			t.Errorf("%s has %d lines of logic, at most %d: %s. Move what can be told without a reconcile to a package below internal",
				kind, total, maxLogic, strings.Join(parts, ", "))
		}
	}
}

// TestReconcilersKeepTheirFiles holds that no logic of a kind hides in a file that is not counted: methods of a type stand in
// the files of the kind that declares the type.
func TestReconcilersKeepTheirFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(moduleRoot(t), "controllers", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	declared, methods := map[string]string{}, map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		kind := kindOf(file)
		for _, d := range syntax.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok {
						declared[s.Name.Name] = kind
					}
				}
			case *ast.FuncDecl:
				if name := receiverName(d); name != "" {
					methods[name] = append(methods[name], kind)
				}
			}
		}
	}
	for _, want := range []string{"TenantReconciler", "PasskeyPolicyReconciler", "PilotWaveReconciler"} {
		if !slices.Contains(reconcilers, declared[want]) {
			t.Errorf("%s is declared in a file of no kind", want)
		}
	}
	for name, kinds := range methods {
		for _, kind := range kinds {
			if kind != declared[name] {
				t.Errorf("%s is declared in the files of %q and has a method in those of %q, where its logic is not counted", name, declared[name], kind)
			}
		}
	}
}

// kindOf is the kind whose file it is, empty for what all share.
func kindOf(file string) string {
	for _, kind := range reconcilers {
		if strings.HasPrefix(filepath.Base(file), kind+"_") {
			return kind
		}
	}
	return ""
}

// receiverName is the type that a method belongs to, empty for a function.
func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// TestLogicLinesCount shows what counts and what does not.
func TestLogicLinesCount(t *testing.T) {
	const source = `package a

import "fmt"

type t struct {
	a int
}

// f does.
func f(
	x int,
) error {
	// a comment

	if err := g(); err != nil { // counts: it does something
		return err
	}
	err := g() // counts
	if err != nil {
		return fmt.Errorf("g: %w", err)
	}
	if err != nil { // counts: it decides
		return nil // counts
	}
	h(func() { // counts
		g() // counts
	})
	switch { // counts
	case x > 1: // counts
		return nil // counts
	case err != nil: // hands on
		return err
	}
	return err // counts
}

func SetupWithManager() {
	g()
}
`
	if got, want := logicLines(t, "a.go", source), 10; got != want {
		t.Errorf("%d lines of logic, want %d", got, want)
	}
}

// logicLines counts the lines of logic of one file; source nil reads the file.
func logicLines(t *testing.T, name string, source any) int {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution) // without comments
	if err != nil {
		t.Fatal(err)
	}
	lines := map[int]bool{}
	mark := func(n ast.Node) { lines[set.Position(n.Pos()).Line] = true }
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil || f.Name.Name == "SetupWithManager" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case nil:
				return false
			case *ast.BlockStmt: // its brackets
				return true
			case *ast.IfStmt:
				if handsOn(n) {
					if n.Init != nil {
						ast.Inspect(n.Init, func(n ast.Node) bool {
							if n != nil {
								mark(n)
							}
							return true
						})
					}
					return false
				}
			case *ast.CaseClause:
				if len(n.List) == 1 && isErrNotNil(n.List[0]) && returnsErr(n.Body) {
					return false
				}
			}
			mark(n)
			return true
		})
	}
	return len(lines)
}

// handsOn says that an if does nothing but hand on an error.
func handsOn(n *ast.IfStmt) bool {
	return n.Else == nil && isErrNotNil(n.Cond) && returnsErr(n.Body.List)
}

func isErrNotNil(e ast.Expr) bool {
	b, ok := e.(*ast.BinaryExpr)
	return ok && b.Op == token.NEQ && isName(b.X, "err") && isName(b.Y, "nil")
}

// returnsErr says that the statements are one return whose last value is err, as it is or wrapped.
func returnsErr(list []ast.Stmt) bool {
	if len(list) != 1 {
		return false
	}
	r, ok := list[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) == 0 {
		return false
	}
	last := r.Results[len(r.Results)-1]
	if call, ok := last.(*ast.CallExpr); ok {
		s, ok := call.Fun.(*ast.SelectorExpr)
		return ok && isName(s.X, "fmt") && s.Sel.Name == "Errorf"
	}
	return isName(last, "err")
}

func isName(e ast.Expr, name string) bool {
	i, ok := e.(*ast.Ident)
	return ok && i.Name == name
}
