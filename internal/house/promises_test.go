// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/testkit/golden"
)

// The generated part of docs/promises.md stands between these two lines.
const (
	testsBegin = "<!-- tests: begin, generated -->\n"
	testsEnd   = "<!-- tests: end -->\n"
)

// promiseTest is a test that carries the numbers of promises in its name.
type promiseTest struct {
	name string
	// file is its path from the root of the module, with slashes.
	file string
	// promises are the numbers in the name: TestPromise05_10_KilledAnywhere has two.
	promises []int
	// broken says that the test runs under testkit.ExpectBroken.
	broken bool
}

// TestPromisesPage holds that docs/promises.md names the tests that exist, and that no test carries the number of a
// promise that is not made.
func TestPromisesPage(t *testing.T) {
	path := filepath.Join(moduleRoot(t), "docs", "promises.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	tests := promiseTests(t)
	made := pageIDs(page)
	for _, test := range tests {
		for _, n := range test.promises {
			if !made["P"+strconv.Itoa(n)] {
				t.Errorf("%s in %s: docs/promises.md has no P%d", test.name, test.file, n)
			}
		}
	}
	want, err := withTests(page, renderTests(made, tests))
	if err != nil {
		t.Fatal(err)
	}
	golden.Match(t, path, want)
}

// TestPromisesPageCanFail shows that a test which is new, renamed or mended changes the page, and that a page without
// its markers is an error.
func TestPromisesPageCanFail(t *testing.T) {
	made := map[string]bool{"P1": true, "P5": true, "P10": true}
	base := []promiseTest{{name: "TestPromise05_10_Killed", file: "a/b_test.go", promises: []int{5, 10}}}
	page, err := withTests("text\n"+testsBegin+testsEnd+"end\n", renderTests(made, base))
	if err != nil {
		t.Fatal(err)
	}
	const link = "`TestPromise05_10_Killed` in [a/b_test.go](../a/b_test.go)\n"
	if want := "text\n" + testsBegin + "\n### Tests of P1\n\nNone yet.\n\n### Tests of P5\n\n- " + link + "\n### Tests of P10\n\n- " + link + "\n" + testsEnd + "end\n"; page != want {
		t.Errorf("the page is %q, want %q", page, want)
	}
	if again, err := withTests(page, renderTests(made, base)); err != nil || again != page {
		t.Errorf("a page that is up to date changes: %v, %q", err, again)
	}
	for name, tests := range map[string][]promiseTest{
		"gone":    nil,
		"renamed": {{name: "TestPromise05_10_Stopped", file: "a/b_test.go", promises: []int{5, 10}}},
		"moved":   {{name: "TestPromise05_10_Killed", file: "a/c_test.go", promises: []int{5, 10}}},
		"broken":  {{name: "TestPromise05_10_Killed", file: "a/b_test.go", promises: []int{5, 10}, broken: true}},
		"another": append([]promiseTest{{name: "TestPromise01_X", file: "a/b_test.go", promises: []int{1}}}, base...),
	} {
		if stale, err := withTests(page, renderTests(made, tests)); err != nil || stale == page {
			t.Errorf("%s: the page does not change (%v)", name, err)
		}
	}
	for _, bad := range []string{"", testsBegin, testsEnd, testsEnd + testsBegin} {
		if _, err := withTests(bad, "x"); err == nil {
			t.Errorf("withTests(%q) finds a place for the tests", bad)
		}
	}
}

func TestPromisesOf(t *testing.T) {
	for name, want := range map[string][]int{
		"TestPromise01_HoldWaitsForAllow": {1}, "TestPromise05_10_KilledAnywhere": {5, 10}, "TestPromise09AdmissionNeverBlocks": {9},
		"TestPromise03": {3}, "TestPromise12_2000Devices": {12}, "TestPromisesPage": nil, "TestPromise7_X": nil, "BenchmarkPromise01_X": nil,
	} {
		if got := promisesOf(name); !slices.Equal(got, want) {
			t.Errorf("promisesOf(%q) = %v, want %v", name, got, want)
		}
	}
}

var promiseName = regexp.MustCompile(`^TestPromise(\d\d(?:_\d\d)*)(?:_|[A-Z]|$)`)

// promisesOf returns the numbers that the name of a test carries.
func promisesOf(name string) []int {
	m := promiseName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	var numbers []int
	for _, digits := range strings.Split(m[1], "_") {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return nil // the expression lets digits through only
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// promiseTests finds the tests of the module that carry the number of a promise, sorted by name and file.
func promiseTests(t *testing.T) []promiseTest {
	t.Helper()
	root := moduleRoot(t)
	var tests []promiseTest
	for _, path := range goFiles(t) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			if promises := promisesOf(f.Name.Name); promises != nil {
				tests = append(tests, promiseTest{name: f.Name.Name, file: filepath.ToSlash(file), promises: promises, broken: callsExpectBroken(f)})
			}
		}
	}
	slices.SortFunc(tests, func(a, b promiseTest) int { return strings.Compare(a.name+" "+a.file, b.name+" "+b.file) })
	return tests
}

// callsExpectBroken says whether the test is one of testkit's known broken ones.
func callsExpectBroken(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "ExpectBroken" {
			found = true
		}
		return !found
	})
	return found
}

// renderTests lists the tests of each promise that is made, in the order of their numbers.
func renderTests(made map[string]bool, tests []promiseTest) string {
	var b strings.Builder
	for n := 1; n <= 99; n++ {
		if !made["P"+strconv.Itoa(n)] {
			continue
		}
		fmt.Fprintf(&b, "\n### Tests of P%d\n\n", n)
		none := true
		for _, test := range tests {
			if !slices.Contains(test.promises, n) {
				continue
			}
			none = false
			fmt.Fprintf(&b, "- `%s` in [%s](../%s)", test.name, test.file, test.file)
			if test.broken {
				b.WriteString(", known broken")
			}
			b.WriteByte('\n')
		}
		if none {
			b.WriteString("None yet.\n")
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// withTests returns page with tests between its markers.
func withTests(page, tests string) (string, error) {
	before, rest, ok := strings.Cut(page, testsBegin)
	if !ok {
		return "", fmt.Errorf("the page has no line %q", testsBegin)
	}
	_, after, ok := strings.Cut(rest, testsEnd)
	if !ok {
		return "", fmt.Errorf("the page has no line %q after the first marker", testsEnd)
	}
	return before + testsBegin + tests + testsEnd + after, nil
}
