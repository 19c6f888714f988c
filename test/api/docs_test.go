// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	tidegatev1alpha1 "github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/guard"
)

// TestOperationsGuideIsComplete wants docs/operations.md to have each flag, role, metric, alert, permission and annotation
// that there is, and none that there is not.
func TestOperationsGuideIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(raw)
	var permissions []string
	for _, need := range guard.Needs {
		// One of them is enough, and a table of alternatives is of no help to whoever has to choose.
		if !slices.ContainsFunc(need.AnyOf, func(p string) bool { return strings.Contains(guide, "| `"+p+"` |") }) {
			t.Errorf("docs/operations.md has none of the permissions %v for %s", need.AnyOf, need.For)
		}
		permissions = append(permissions, need.AnyOf...)
	}
	for _, list := range []struct {
		what     string
		row      *regexp.Regexp
		want     []string
		optional bool
	}{
		{what: "flag", row: regexp.MustCompile("(?m)^\\| `(--[a-z-]+)` \\|"), want: flags(t)},
		{what: "role", row: regexp.MustCompile("(?m)^\\| `(tidegate-[a-z-]+)` \\|"), want: clusterRoles(t)},
		{what: "metric", row: regexp.MustCompile("(?m)^\\| `(tidegate_[a-z_]+)` \\|"), want: metrics(t)},
		{what: "alert", row: regexp.MustCompile("(?m)^\\| `(Tidegate[A-Za-z]+)` \\|"), want: alerts(t)},
		{what: "annotation", row: regexp.MustCompile(`(tidegate\.dev/[a-z-]+-(?:requested-at|finalizer))`), want: []string{
			tidegatev1alpha1.AnnotationAbort, tidegatev1alpha1.AnnotationRollback, tidegatev1alpha1.AnnotationRetry,
			tidegatev1alpha1.AnnotationReleaseFinalizer,
		}},
		{what: "permission", row: regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z]+\\.[A-Za-z.]+\\.All)` \\|"), want: permissions, optional: true},
	} {
		var got []string
		for _, m := range list.row.FindAllStringSubmatch(guide, -1) {
			got = append(got, m[1])
		}
		if len(list.want) == 0 || len(got) == 0 {
			t.Errorf("found %d rows with a %s and %d in the sources: the test has lost its way", len(got), list.what, len(list.want))
		}
		for _, name := range list.want {
			if !list.optional && !slices.Contains(got, name) {
				t.Errorf("docs/operations.md lacks the %s %s", list.what, name)
			}
		}
		for _, name := range got {
			if !slices.Contains(list.want, name) {
				t.Errorf("docs/operations.md has the %s %s, which does not exist", list.what, name)
			}
		}
	}
}

// flags reads the sources: a test that linked the manager would link the Graph SDK.
func flags(t *testing.T) []string {
	return capture(t, `Var\(&o\.\w+, "([a-z-]+)", o\.`, "--", "../../internal/wire")
}

func metrics(t *testing.T) []string {
	return slices.Concat(
		capture(t, `Metric\w+\s+= "([a-z_]+)"`, "tidegate_", "../../internal/status"),
		capture(t, `Name: "(tidegate_[a-z_]+)"`, "", "../../internal/graph", "../../controllers"),
	)
}

// capture finds the first group of a pattern in the sources of packages, tests left out.
func capture(t *testing.T, pattern, prefix string, dirs ...string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(readSources(t, dirs...), -1) {
		found = append(found, prefix+m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func clusterRoles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range manifests(t, "rbac") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range strings.Split(string(raw), "\n---\n") {
			if obj := parse(t, doc); obj.GetKind() == "ClusterRole" {
				names = append(names, obj.GetName())
			}
		}
	}
	return names
}

func alerts(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(configRoot, "prometheus", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(raw), -1) {
		names = append(names, m[1])
	}
	return names
}

func manifests(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(configRoot, dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}
