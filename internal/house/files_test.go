// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// graphKernel are the files of internal/graph through which each request goes. They know each other, and no file of an
// endpoint: that is what keeps an endpoint readable, and removable, alone.
var graphKernel = []string{
	"approval.go", "auth.go", "caps.go", "client.go", "config.go", "errorbody.go", "errors.go", "gone.go", "hostlist.go", "hosts.go", "limiter.go", "metrics.go",
	"page.go", "permissions.go", "redact.go", "retry.go", "shared.go", "skew.go", "spool.go", "token.go", "tokenerror.go", "transport.go",
}

// TestGraphKernelKnowsNoEndpoint holds the files that refer to client.go and are referred to by it, at any distance,
// against the list.
func TestGraphKernelKnowsNoEndpoint(t *testing.T) {
	refs := fileReferences(t, filepath.Join(moduleRoot(t), "internal/graph"))
	var cycle []string
	for file := range refs {
		if file == "client.go" || refs.path(file, "client.go") != nil && refs.path("client.go", file) != nil {
			cycle = append(cycle, file)
		}
	}
	slices.Sort(cycle)
	for _, file := range cycle {
		if !slices.Contains(graphKernel, file) {
			t.Errorf("%s is tied into the kernel: move the name that leads to it to the file that needs it\n%s",
				file, strings.Join(refs.path("client.go", file), "\n"))
		}
	}
	for _, file := range graphKernel {
		if !slices.Contains(cycle, file) {
			t.Errorf("%s is no part of the kernel any more: strike it from the list", file)
		}
	}
}

// TestFileReferencesFindsWhatItLooksFor: a name, a method and a way round.
func TestFileReferencesFindsWhatItLooksFor(t *testing.T) {
	g := references{
		"a.go": {"b.go": "one"},
		"b.go": {"c.go": "two"},
		"c.go": {"b.go": "three"},
	}
	if got := strings.Join(g.path("a.go", "c.go"), ", "); got != "a.go uses one of b.go, b.go uses two of c.go" {
		t.Errorf("path: %s", got)
	}
	if got := g.path("c.go", "a.go"); got != nil {
		t.Errorf("a path that does not exist: %v", got)
	}
	graph := fileReferences(t, filepath.Join(moduleRoot(t), "internal/graph"))
	for from, to := range map[string]string{"groups.go": "client.go", "devices.go": "page.go", "client.go": "retry.go"} {
		if graph[from][to] == "" {
			t.Errorf("%s refers to %s and it was not found", from, to)
		}
	}
}

// references are the names by which the files of one package use each other: user, used, one of the names.
type references map[string]map[string]string

// fileReferences reads the files of a package without its tests. It goes by syntax alone: a plain name that is declared
// in the package counts where the parser finds no nearer declaration. A selected one counts where just one file has a method
// of that name and no field has it; exported methods count for a Client only, as a Get may be anybody's.
func fileReferences(t *testing.T, dir string) references {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if files[filepath.Base(name)], err = parser.ParseFile(token.NewFileSet(), name, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	plain, methods := declarations(files)
	refs := references{}
	for file, syntax := range files {
		refs[file] = map[string]string{}
		for _, name := range syntax.Unresolved {
			refs.add(file, plain[name.Name], name.Name)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				refs.add(file, methods[s.Sel.Name], s.Sel.Name)
			}
			return true
		})
	}
	return refs
}

func (r references) add(from, to, name string) {
	if to != "" && to != from {
		r[from][to] = name
	}
}

// declarations returns the file of each plain name and of each method name that says by itself which file is meant.
func declarations(files map[string]*ast.File) (plain, methods map[string]string) {
	plain, methods = map[string]string{}, map[string]string{}
	var ambiguous []string
	for file, syntax := range files {
		for name := range syntax.Scope.Objects {
			plain[name] = file
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil || n.Name.IsExported() && !isClient(n.Recv.List[0].Type) {
					break
				}
				if other, ok := methods[n.Name.Name]; ok && other != file {
					ambiguous = append(ambiguous, n.Name.Name)
				}
				methods[n.Name.Name] = file
			case *ast.Field: // of a struct or of an interface, or an argument: never a reason to report too much
				for _, name := range n.Names {
					ambiguous = append(ambiguous, name.Name)
				}
			}
			return true
		})
	}
	for _, name := range ambiguous {
		delete(methods, name)
	}
	return plain, methods
}

func isClient(receiver ast.Expr) bool {
	star, ok := receiver.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := star.X.(*ast.Ident)
	return ok && name.Name == "Client"
}

// path is a shortest way from one file to another, a line for each step, nil when there is none.
func (r references) path(from, to string) []string {
	ways := map[string][]string{from: {}}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		user := queue[0]
		if user == to {
			return ways[user]
		}
		for used, name := range r[user] {
			if _, seen := ways[used]; !seen {
				ways[used] = append(slices.Clone(ways[user]), user+" uses "+name+" of "+used)
				queue = append(queue, used)
			}
		}
	}
	return nil
}
