// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// direct finds the requirements of a go.mod that are not marked as indirect.
var direct = regexp.MustCompile(`(?m)^(?:require)?\s+([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)

// row finds the modules in the first column of the table of docs/dependencies.md.
var row = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|")

// TestDependenciesAreExplained wants a reason in docs/dependencies.md for each
// direct dependency, and no reason for what is no longer one.
func TestDependenciesAreExplained(t *testing.T) {
	root := moduleRoot(t)
	requirements := direct.FindAllStringSubmatch(readFile(t, filepath.Join(root, "go.mod")), -1)
	if len(requirements) < 10 {
		t.Fatalf("found only %d direct dependencies in go.mod: the pattern no longer fits", len(requirements))
	}
	explained := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(readFile(t, filepath.Join(root, "docs", "dependencies.md")), -1) {
		for _, name := range strings.Split(m[1], ",") {
			explained[strings.Trim(strings.TrimSpace(name), "`")] = true
		}
	}
	for _, m := range requirements {
		// A row that lists siblings names the others by their last element.
		if full, short := m[1], path.Base(m[1]); explained[full] || explained[short] {
			delete(explained, full)
			delete(explained, short)
			continue
		}
		t.Errorf("go.mod requires %s and docs/dependencies.md does not say what for", m[1])
	}
	for name := range explained {
		t.Errorf("docs/dependencies.md explains %s, which go.mod does not require: remove it", name)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
