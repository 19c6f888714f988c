// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package golden compares what code says with what a file says it should. The file is what a reviewer reads; flag -update
// writes it anew, and its difference shows the change of behaviour.
package golden

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files of the tests that are run, instead of comparing them")

// Match fails t when file does not hold got. With -update it writes the file.
func Match(t testing.TB, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil && (!*update || !errors.Is(err, fs.ErrNotExist)) {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if string(want) == got {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // a file of the source tree
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s says otherwise; if the change is meant, run the test with -update and read the difference (-file +code):\n%s", file, cmp.Diff(string(want), got))
}

// Each runs one subtest for each file of dir that ends in suffix, named after the file without it. A directory without such
// a file fails.
func Each(t *testing.T, dir, suffix string, run func(t *testing.T, file, text string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file in %s ends in %s: %v", dir, suffix, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), suffix), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			run(t, file, string(text))
		})
	}
}

// Pairs holds answer against dir: what it makes of case.in.yaml is case.out.yaml. An answer whose question is gone fails.
func Pairs(t *testing.T, dir string, answer func(t *testing.T, in string) (out string)) {
	t.Helper()
	const in, out = ".in.yaml", ".out.yaml"
	answers, err := filepath.Glob(filepath.Join(dir, "*"+out))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range answers {
		if _, err := os.Stat(strings.TrimSuffix(file, out) + in); err != nil {
			t.Errorf("%s has no question: remove it, or add %v", file, err)
		}
	}
	Each(t, dir, in, func(t *testing.T, file, text string) {
		Match(t, strings.TrimSuffix(file, in)+out, answer(t, text))
	})
}
