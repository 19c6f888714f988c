// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// sources parses every file with Go code, by its path in the repository.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	out, files := map[string]*ast.File{}, token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case entry.IsDir() && (entry.Name() == "bin" || entry.Name() == "testdata" || rel != "." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case path.Ext(rel) != ".go":
			return nil
		}
		out[rel], err = parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
