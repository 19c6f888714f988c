// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// internalCode is what a comment in Go may cite and a user of the API must never meet: kubectl explain shows a
// description far from docs/, where R20 or "gate E4" says nothing.
var internalCode = regexp.MustCompile(`\b[PRFCTS][0-9]{1,2}\b|§|\bcontract(-2)? (0\.[0-9]|a[abc]?\.?[0-9]+|[b-z](\.?[0-9]+)?)\b|\bgate [A-G][0-9]|\b(domain|design) [0-9]|\bASSUMED\b`)

// TestDescriptionsSpeakPlainly holds that no description of a CRD, nor the field reference made of them, cites the
// law-book by its numbers.
func TestDescriptionsSpeakPlainly(t *testing.T) {
	root := moduleRoot(t)
	files, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 3 {
		t.Fatalf("%d CRDs in config/crd/bases, want Tenant, PasskeyPolicy and PilotWave at least", len(files))
	}
	for _, file := range append(files, filepath.Join(root, "docs", "api.md")) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range internalCodes(string(content)) {
			t.Errorf("%s:%s: say it in words in the comment of the field, and run make generate", filepath.Base(file), found)
		}
	}
}

// TestInternalCodesAreFound shows that each kind of code is found, and that what a user may well read is not.
func TestInternalCodesAreFound(t *testing.T) {
	for _, bad := range []string{
		"at least every 7 days (R20).", "never created again (P5, P6).", "another policy (F3).", "blocked by C4", "T7 warns",
		"S5 is below", "design §4", "see contract a.5", "as contract-2 y.4 says", "the order of gate E4", "gate D4.5", "domain 2.6",
		"ASSUMED: 64",
	} {
		if got := internalCodes(bad); len(got) == 0 {
			t.Errorf("%q passes as a description", bad)
		}
	}
	for _, good := range []string{
		"Default 10.0.22621, which is Windows 11 22H2.", "the gate passes at 93 reports", "SHA256 of the payload", "at most 64 KiB",
		"a contract is kept", "the domain of the preference file", "an F and its number: 1 prerequisite", "beta v1.0",
	} {
		if got := internalCodes(good); len(got) != 0 {
			t.Errorf("%q holds %v, want nothing found", good, got)
		}
	}
}

// internalCodes lists line and code of each that stands in text.
func internalCodes(text string) []string {
	var found []string
	for i, line := range strings.Split(text, "\n") {
		for _, code := range internalCode.FindAllString(line, -1) {
			found = append(found, fmt.Sprintf("%d: %s", i+1, code))
		}
	}
	return slices.Compact(found)
}
