// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// lawbook names the page of docs/ that each kind of citation resolves in. CONTRIBUTING.md has the grammar for people.
var lawbook = map[string]string{
	"contract":     "graph-contract.md",
	"contract-2":   "graph-contract-2.md",
	"gate":         "gate.md",
	"domain":       "domain.md",
	"design":       "design.md",
	"third-party":  "third-party.md",
	"catalog note": "settings-catalog.md",
	"scenario":     "gate.md",
	"P":            "promises.md",
	"R":            "domain.md",
	"F":            "domain.md",
	"C":            "domain.md",
	"T":            "domain.md",
	"S":            "domain.md",
}

// TestCitationsResolve holds that whatever a comment or a string of a Go file cites stands in docs/. The pages
// themselves and the two that lead to them are read too.
func TestCitationsResolve(t *testing.T) {
	root := moduleRoot(t)
	books := readBooks(t, root)
	files := goFiles(t)
	cited := 0
	for _, file := range files {
		if filepath.Base(file) == "citations_test.go" || filepath.Base(file) == "descriptions_test.go" {
			continue // they hold bad citations on purpose
		}
		for _, p := range passages(t, file) {
			found, complaints := books.check(p.text)
			cited += found
			for _, complaint := range complaints {
				t.Errorf("%s:%d: %s", file, p.line, complaint)
			}
		}
	}
	if cited < 500 {
		t.Errorf("%d citations found in %d files: the reader is blind, there were more than 1,000", cited, len(files))
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := filepath.Rel(root, filepath.Dir(page))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(content), "\n") {
			if _, complaints := books.checkPage(filepath.ToSlash(dir), line); len(complaints) > 0 {
				t.Errorf("%s:%d: %s", page, i+1, strings.Join(complaints, "; "))
			}
		}
	}
}

// TestCitationsOfManifestsResolve does the same for the comments of what is applied to a cluster.
func TestCitationsOfManifestsResolve(t *testing.T) {
	root := moduleRoot(t)
	books := readBooks(t, root)
	read := 0
	err := filepath.WalkDir(filepath.Join(root, "config"), func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".yaml" {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		read++
		for i, line := range strings.Split(string(content), "\n") {
			if _, complaints := books.sections(line); len(complaints) > 0 {
				t.Errorf("%s:%d: %s", file, i+1, strings.Join(complaints, "; "))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Error("no manifest in config")
	}
}

// TestBadCitationsAreFound is the table of what must not pass: sections that do not exist, and spellings that no
// reader could look up.
func TestBadCitationsAreFound(t *testing.T) {
	root := moduleRoot(t)
	books := readBooks(t, root)
	for _, bad := range []string{
		"(contract a.9)", "(contract 0.7)", "contract y.4", "contract-2 a.5", "contract-2 y.9", "contract a15", "contract o.26",
		"contract section c", "contract g, o 21", "contract h, a.99", "contract g and z.1", "contract.md g",
		"gate E9", "gate D4.99", "gate D2, D9", "gate F21", "gate F 2", "gate F scenario 2", "gate.md E4",
		"domain 12", "domain 2.99", "domain §5.1", "domain.md 2.6", "domain C21", "domain 4, 5.9",
		"design §9", "design §3, §12", "design 4", "see §3",
		"third-party 17", "third-party row 9", "catalog note 99", "trap 1 of the catalog notes", "traps 1 and 7 of the SDK",
		"scenario 21", "scenario F4", "Scenarios F6 and F9",
		"P18 holds", "(P0)", "R42", "F6", "C21 blocks", "T12", "S11 says",
		"users cannot be excluded (y.4)", "(contract g; a.5 for Intune)", "see perf.md", "see ../docs/none.md", "docs/nothing.md says",
	} {
		if _, complaints := books.check(bad); len(complaints) == 0 {
			t.Errorf("%q passes as a citation", bad)
		}
	}
	for _, bad := range []string{"see [this](none.md)", "[up](../none.md)", `| <a id="F21"></a>F21 Late | gate F21 |`, "design §9"} {
		if _, complaints := books.checkPage("docs", bad); len(complaints) == 0 {
			t.Errorf("%q passes in a page", bad)
		}
	}
	for _, good := range []string{"[gate](gate.md#d4)", "[up](../CONTRIBUTING.md)", `| <a id="F12"></a>F12 Offline |`, "mem `remediations.md`", "[x](https://example.com/y.md)"} {
		if _, complaints := books.checkPage("docs", good); len(complaints) > 0 {
			t.Errorf("%q in a page: %v", good, complaints)
		}
	}
	for good, want := range map[string]int{
		"(contract a.5)": 1, "contract 0.4, l.2": 2, "contract h, i and j.": 3, "contract a9": 1, "contract-2 y.4, z.18": 2,
		"contract g: at most 20": 1, "contract 0.2.11": 1, "contract e; contract-2 w": 2, "contract g, so it waits": 1,
		"gate D4.5": 1, "gate D2, D6": 2, "gate E4, gate F4": 2, "the gate passes": 0, "domain 5.1 step 3": 1, "domain 4 and 5.1": 2,
		"domain C19": 1, "design §4": 1, "third-party 9, contract h": 2, "catalog note 5": 1, "scenario 12": 1, "a scenario of 12 devices": 0,
		"P1, R20 and F5 (C4, T7, S5)": 6, "the contract is one": 0, "API2 and P2P": 0, "docs/operations.md": 1,
		"https://learn.microsoft.com/x/y.md": 0,
	} {
		if found, complaints := books.check(good); found != want || len(complaints) > 0 {
			t.Errorf("%q: %d citations, want %d; %v", good, found, want, complaints)
		}
	}
}

// books are the ids of each page of the law-book, by kind of citation, and the names of all pages.
type books struct {
	ids   map[string]map[string]bool
	pages map[string]bool
}

// readBooks reads the ids of the pages in lawbook. A page of which nothing can be cited is an error.
func readBooks(t *testing.T, root string) books {
	t.Helper()
	b := books{ids: map[string]map[string]bool{}, pages: map[string]bool{}}
	for kind, page := range lawbook {
		content, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		if b.ids[kind] = pageIDs(string(content)); len(b.ids[kind]) == 0 {
			t.Fatalf("docs/%s has no section or row that can be cited", page)
		}
	}
	for _, dir := range []string{"", "docs", "config"} {
		pages, err := filepath.Glob(filepath.Join(root, dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			b.pages[filepath.ToSlash(filepath.Join(dir, filepath.Base(page)))] = true
		}
	}
	return b
}

var (
	heading = regexp.MustCompile(`(?m)^#{2,4} (?:([a-z]{1,2}|[A-G][0-9]?|[0-9]+)\.|([a-z]{1,2}\.[0-9]+|[0-9]+\.[0-9]+)) `)
	anchor  = regexp.MustCompile(`<a id="([^"]+)"></a>`)
)

// pageIDs returns what can be cited of a page: its numbered or lettered headings and its anchored rows.
func pageIDs(page string) map[string]bool {
	ids := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		ids[m[1]+m[2]] = true
	}
	for _, m := range anchor.FindAllStringSubmatch(page, -1) {
		ids[m[1]] = true
	}
	return ids
}

// form is one way to cite. The expression is wider than the grammar, so that a citation which is nearly right is found
// and refused rather than overlooked.
type form struct {
	kind string
	expr *regexp.Regexp
	// ref takes the references out of the first group of expr.
	ref *regexp.Regexp
	// id makes an id of a reference; nil: it is one.
	id func(ref string) string
}

// list is an expression for references that are joined by commas and "and".
func list(ref string) string { return `(` + ref + `(?:(?:, | and | or )` + ref + `)*)` }

const (
	sectionRef = `\b(?:0|a[a-c]|[a-z])(?:[. ]?[0-9]+)*(?:\b|$)`
	gateRef    = `\b[A-G][0-9]*(?:\.[0-9]+| [0-9]+| scenario)*`
	domainRef  = `(?:§?[0-9]+(?:\.[0-9]+)*|[RFCTS][0-9]+)`
	designRef  = `§?[0-9]+`
)

var forms = []form{
	{kind: "contract-2", expr: regexp.MustCompile(`\bcontract-2 ` + list(sectionRef)), ref: regexp.MustCompile(sectionRef)},
	{kind: "contract", expr: regexp.MustCompile(`\bcontract ` + list(sectionRef)), ref: regexp.MustCompile(sectionRef)},
	{kind: "gate", expr: regexp.MustCompile(`\bgate ` + list(gateRef) + `\b`), ref: regexp.MustCompile(gateRef)},
	{kind: "domain", expr: regexp.MustCompile(`\bdomain ` + list(domainRef) + `\b`), ref: regexp.MustCompile(domainRef)},
	{kind: "design", expr: regexp.MustCompile(`\bdesign ` + list(designRef) + `\b`), ref: regexp.MustCompile(designRef), id: designID},
	{kind: "third-party", expr: regexp.MustCompile(`\bthird-party ((?:row )?[0-9]+)\b`), ref: regexp.MustCompile(`.+`)},
	{kind: "catalog note", expr: regexp.MustCompile(`\bcatalog notes? ` + list(`[0-9]+`) + `\b`), ref: regexp.MustCompile(`[0-9]+`)},
	{kind: "scenario", expr: regexp.MustCompile(`\b[Ss]cenarios? ([A-Z]?[0-9]+(?: and [A-Z]?[0-9]+)*)\b`), ref: regexp.MustCompile(`[A-Z]?[0-9]+`), id: func(ref string) string { return "F" + ref }},
}

// designID drops the sign that a citation of the design has; without it the reference is none.
func designID(ref string) string {
	if id, ok := strings.CutPrefix(ref, "§"); ok {
		return id
	}
	return "without §"
}

var (
	bareCode = regexp.MustCompile(`\b([PRFCTS])([0-9]{1,2})\b`)
	// anchoredRow is an anchor with the id that a reader sees beside it.
	anchoredRow = regexp.MustCompile(`<a id="[^"]+"></a>\S*`)
	pageLink    = regexp.MustCompile(`\]\(([^)#]+\.md)`)
	pageName    = regexp.MustCompile(`[\w./:-]+\.md\b`)
	// nobody looks up what these say: a sign without a page, a list that no page has, a section that is spelled out.
	unreadable = regexp.MustCompile(`§|\b[Tt]raps? [0-9]+|\bcontract(-2)? sections? |\b(gate|domain|design)\.md [A-G0-9]`)
	// bareSection is a section without its page: inside docs/ the page is clear, in Go it is not.
	bareSection = regexp.MustCompile(`(?:\(|; )[a-z]{1,2}\.[0-9]{1,2}(?:[),;]| for )`)
	// noCodes look like a code and are none.
	noCodes = map[string]bool{"S24": true} // a model of phone
)

// check counts the citations of a comment or a string and says what is wrong with them.
func (b books) check(text string) (found int, complaints []string) {
	found, complaints = b.sections(text)
	for _, bad := range bareSection.FindAllString(text, -1) {
		complaints = append(complaints, fmt.Sprintf("%q: of which page", bad))
	}
	for _, name := range pageName.FindAllString(text, -1) {
		if external(name) {
			continue
		}
		found++
		if name = strings.TrimLeft(name, "./"); !b.pages[name] && !b.pages["docs/"+name] {
			complaints = append(complaints, fmt.Sprintf("%q: no such page in the repository", name))
		}
	}
	return found, complaints
}

// checkPage does the same for a line of a page in dir. A page names many documents of others, so that of pages only
// the links are followed, and an anchored row does not cite itself.
func (b books) checkPage(dir, line string) (found int, complaints []string) {
	found, complaints = b.sections(anchoredRow.ReplaceAllString(line, ""))
	for _, m := range pageLink.FindAllStringSubmatch(line, -1) {
		if external(m[1]) {
			continue
		}
		found++
		if !b.pages[path.Join(dir, m[1])] {
			complaints = append(complaints, fmt.Sprintf("%q: no such page in the repository", m[1]))
		}
	}
	return found, complaints
}

// sections reads the citations of sections and rows in text.
func (b books) sections(text string) (found int, complaints []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, f := range forms {
		text = f.expr.ReplaceAllStringFunc(text, func(citation string) string {
			for _, ref := range f.ref.FindAllString(f.expr.FindStringSubmatch(citation)[1], -1) {
				found++
				id := ref
				if f.id != nil {
					id = f.id(ref)
				}
				if !b.ids[f.kind][id] {
					complaints = append(complaints, fmt.Sprintf("%q: docs/%s has no %q", citation, lawbook[f.kind], ref))
				}
			}
			return "…" // what is read is not read again as a bare code
		})
	}
	for _, m := range bareCode.FindAllStringSubmatch(text, -1) {
		if noCodes[m[0]] {
			continue
		}
		found++
		if n, err := strconv.Atoi(m[2]); err != nil || !b.ids[m[1]][m[1]+strconv.Itoa(n)] {
			complaints = append(complaints, fmt.Sprintf("%q: docs/%s has no such row", m[0], lawbook[m[1]]))
		}
	}
	for _, bad := range unreadable.FindAllString(text, -1) {
		complaints = append(complaints, fmt.Sprintf("%q: cite a page as CONTRIBUTING.md says", bad))
	}
	return found, complaints
}

// external says whether a page's name is an address, or a path in somebody else's repository.
func external(name string) bool {
	ours := strings.HasPrefix(name, "docs/") || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "config/")
	return strings.Contains(name, "://") || strings.Contains(name, "/") && !ours
}

// passage is a comment or a string of a Go file.
type passage struct {
	line int
	text string
}

// passages returns the comments of a file, each group as one text, and its strings.
func passages(t *testing.T, file string) []passage {
	t.Helper()
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []passage
	for _, group := range parsed.Comments {
		found = append(found, passage{files.Position(group.Pos()).Line, group.Text()})
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatalf("%s: %s: %v", file, lit.Value, err)
			}
			found = append(found, passage{files.Position(lit.Pos()).Line, text})
		}
		return true
	})
	return found
}
