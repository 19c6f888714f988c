// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// importGraph is a set of packages by import path.
type importGraph map[string]listedPackage

// listedPackage is the part of `go list -json` that the rules look at.
type listedPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string // of test files in the package itself
	XTestImports []string // of test files in package foo_test
}

// loadGraph lists all packages of the module with everything that they depend
// on. Packages that do not compile are listed as far as they can be read: that
// they do not compile is reported by others, and better.
func loadGraph(t *testing.T) importGraph {
	t.Helper()
	// go test remembers a passed test until a file changes that the test itself
	// has looked at. The go command looks on its own, so look at them here too.
	for _, file := range goFiles(t) {
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps",
		"-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = moduleRoot(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v in %s: %v", cmd, cmd.Dir, err)
	}
	g, err := decodeGraph(strings.NewReader(string(out)))
	if err != nil {
		t.Fatalf("output of %v: %v", cmd, err)
	}
	return g
}

// decodeGraph reads the concatenated JSON objects that `go list -json` prints.
func decodeGraph(r io.Reader) (importGraph, error) {
	g := importGraph{}
	for dec := json.NewDecoder(r); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g, nil
		} else if err != nil {
			return nil, fmt.Errorf("decode package %d: %w", len(g)+1, err)
		}
		g[p.ImportPath] = p
	}
}

// goFiles returns the paths of all Go files of the module, nested modules
// included.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(moduleRoot(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"bin", "dist", "testdata", ".git"}, d.Name()):
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go file found in the module")
	}
	return files
}

// moduleRoot finds the directory of go.mod above this package.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above internal/house")
		}
		dir = parent
	}
}

// chains returns, for each package that from reaches and that is forbidden, one
// shortest import chain to it, sorted by its end. It does not look behind a
// forbidden package: the first wrong step explains the rest. With tests, the
// imports of from's own test files count too.
func (g importGraph) chains(from string, tests bool, forbidden func(string) bool) [][]string {
	var found [][]string
	seen := map[string]bool{from: true}
	queue := [][]string{{from}}
	for len(queue) > 0 {
		chain := queue[0]
		queue = queue[1:]
		p := g[chain[len(chain)-1]]
		imports := p.Imports
		if tests && p.ImportPath == from {
			imports = slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		}
		for _, path := range imports {
			if seen[path] {
				continue
			}
			seen[path] = true
			next := append(slices.Clone(chain), path)
			if forbidden(path) {
				found = append(found, next)
			} else {
				queue = append(queue, next)
			}
		}
	}
	slices.SortFunc(found, func(a, b []string) int { return strings.Compare(a[len(a)-1], b[len(b)-1]) })
	return found
}

// modulePackages returns the packages of this module, sorted.
func (g importGraph) modulePackages() []string {
	var paths []string
	for path := range g {
		if path == module || strings.HasPrefix(path, module+"/") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
