// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The places that may call a method of graph.Client, as a package, a directory
// or a file below the module's root. A call through an interface that the client
// implements counts as well.
var (
	// mayWrite may change the tenant.
	mayWrite = []string{"internal/execute"}
	// mayRead may ask the tenant something.
	mayRead = []string{"internal/observe", "internal/fleet"}
)

// localMethods of graph.Client send nothing to the tenant by themselves.
var localMethods = []string{"Close", "ThrottledFor", "RenewToken"}

// writingName is how the name of a method begins that changes the tenant.
var writingName = regexp.MustCompile(`^(Add|Assign|Create|Delete|Remove|Rename|Replace|Run|Sync|Update|Upsert)($|[A-Z])`)

// tenantUse is one place where a method of graph.Client is called or taken.
type tenantUse struct{ file, method string }

// TestWhoSpeaksToTheTenant holds that only execute writes to a tenant, and that
// beside observe only fleet reads one.
func TestWhoSpeaksToTheTenant(t *testing.T) {
	uses := tenantUses(t)
	writes := clientMethods(t)
	var forbidden []string
	counts := map[bool]int{}
	for _, u := range uses {
		changes, known := writes[u.method]
		if !known || slices.Contains(localMethods, u.method) {
			continue
		}
		counts[changes]++
		allowed := mayRead
		if changes {
			allowed = mayWrite
		}
		if !slices.ContainsFunc(allowed, func(place string) bool { return u.file == place || strings.HasPrefix(u.file, place+"/") }) {
			forbidden = append(forbidden, u.file+" "+u.method)
		}
	}
	if counts[true] < 5 || counts[false] < 10 {
		t.Errorf("found only %d writing and %d reading uses of graph.Client: the search no longer fits", counts[true], counts[false])
	}
	slices.Sort(forbidden)
	for _, use := range slices.Compact(forbidden) {
		t.Errorf("%s: only %v may write to the tenant and only %v may read it: move the call there", use, mayWrite, mayRead)
	}
}

// clientMethods tells of each exported method of graph.Client whether it
// changes the tenant. Its name and what it asks the limiter for have to agree,
// so that neither a new verb nor a mislabelled call goes unseen.
func clientMethods(t *testing.T) map[string]bool {
	t.Helper()
	fset, out := token.NewFileSet(), map[string]bool{}
	for _, file := range goFiles(t) {
		if filepath.Base(filepath.Dir(file)) != "graph" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || !m.Name.IsExported() || types.ExprString(m.Recv.List[0].Type) != "*Client" {
				continue
			}
			byName, byEffect := writingName.MatchString(m.Name.Name), asksToWrite(m.Body)
			if byName != byEffect {
				t.Errorf("graph.Client.%s: its name says writes=%t, its call says %t: add the verb to writingName, or correct the effect", m.Name.Name, byName, byEffect)
			}
			out[m.Name.Name] = byName || byEffect
		}
	}
	if len(out) < 20 {
		t.Fatalf("found only %d methods of graph.Client: the search no longer fits", len(out))
	}
	return out
}

// asksToWrite looks for the effect of the calls in a method of graph.Client.
func asksToWrite(body ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			found = found || id.Name == "effectIdempotent" || id.Name == "effectUnsafe" || strings.HasSuffix(id.Name, "Write")
		}
		return true
	})
	return found
}

// tenantUses finds the uses of graph.Client in the product.
func tenantUses(t *testing.T) []tenantUse {
	t.Helper()
	root := moduleRoot(t)
	exports, products := exportData(t, root)
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	graphPackage, err := imp.Import(module + "/internal/graph")
	if err != nil {
		t.Fatal(err)
	}
	tenantClient := types.NewPointer(graphPackage.Scope().Lookup("Client").Type())
	var uses []tenantUse
	for _, p := range products {
		uses = append(uses, usesIn(t, fset, imp, p, tenantClient)...)
	}
	for i := range uses {
		if uses[i].file, err = filepath.Rel(root, uses[i].file); err != nil {
			t.Fatal(err)
		}
		uses[i].file = filepath.ToSlash(uses[i].file)
	}
	return uses
}

// usesIn type-checks one package and finds the methods of tenantClient that it
// selects, on the client itself or on an interface that the client implements.
func usesIn(t *testing.T, fset *token.FileSet, imp types.Importer, p builtPackage, tenantClient types.Type) []tenantUse {
	t.Helper()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
	conf := types.Config{Importer: imp}
	if _, err := conf.Check(p.ImportPath, fset, files, info); err != nil {
		t.Fatal(err)
	}
	var uses []tenantUse
	for at, s := range info.Selections {
		method, ok := s.Obj().(*types.Func)
		if !ok {
			continue
		}
		recv := method.Signature().Recv().Type()
		iface, ok := recv.Underlying().(*types.Interface)
		if types.Identical(recv, tenantClient) || ok && types.Implements(tenantClient, iface) {
			uses = append(uses, tenantUse{fset.Position(at.Pos()).Filename, method.Name()})
		}
	}
	return uses
}

// builtPackage is the part of `go list -export -json` that is looked at.
type builtPackage struct {
	ImportPath, Dir, Export string
	GoFiles, Deps           []string
}

// exportData builds the product and gives the file with the types of each
// package, and the packages of the product that reach internal/graph.
func exportData(t *testing.T, root string) (exports map[string]string, products []builtPackage) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Deps",
		".", "./controllers/...", "./internal/...", "./cmd/...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v in %s: %v", cmd, root, err)
	}
	exports = map[string]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p builtPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return exports, products
		} else if err != nil {
			t.Fatal(fmt.Errorf("output of %v: %w", cmd, err))
		}
		exports[p.ImportPath] = p.Export
		if within(module)(p.ImportPath) && !testOnly(p.ImportPath) && slices.Contains(p.Deps, module+"/internal/graph") {
			products = append(products, p)
		}
	}
}
