// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Command apidoc renders the generated CustomResourceDefinitions as one Markdown page for users:
//
//	apidoc config/crd/bases > docs/api.md
//
// It adds nothing of its own: each word of meaning comes from the doc comments of api/v1alpha1, so that the page, kubectl
// explain and the Go documentation cannot disagree.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// kinds in the order in which a user meets them; others follow by name.
var kinds = []string{"Tenant", "PasskeyPolicy", "PilotWave", "WaveLedger"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: apidoc <directory of CRDs>")
		os.Exit(2)
	}
	crds, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "apidoc:", err)
		os.Exit(1)
	}
	fmt.Print(render(crds))
}

// read returns the CRDs of a directory by kind.
func read(dir string) (map[string]*definition, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no CRDs in %s: run make generate", dir)
	}
	crds := map[string]*definition{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a CRD: %w", err)
		}
		crd := &definition{}
		if err := yaml.UnmarshalStrict(raw, crd); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if n := len(crd.Spec.Versions); n != 1 {
			return nil, fmt.Errorf("%s has %d versions, this page shows one: extend hack/apidoc", file, n)
		}
		crds[crd.Spec.Names.Kind] = crd
	}
	return crds, nil
}

// cell makes text fit for one cell of a Markdown table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
