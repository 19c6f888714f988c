// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// readCRDs returns the generated CRDs by kind.
func readCRDs(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(crdBases, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs in %s (error %v): run make generate", crdBases, err)
	}
	crds := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(raw, crd); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		crds[crd.Spec.Names.Kind] = crd
	}
	return crds
}

// walk visits the schema of every field below a kind's spec, with its path; list[] is the element of a list.
func walk(t *testing.T, crd *apiextensionsv1.CustomResourceDefinition, visit func(path string, s *apiextensionsv1.JSONSchemaProps)) {
	t.Helper()
	if len(crd.Spec.Versions) != 1 {
		t.Fatalf("%s has %d versions: this walk knows of one", crd.Name, len(crd.Spec.Versions))
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	walkSchema("spec", &spec, visit)
}

func walkSchema(path string, s *apiextensionsv1.JSONSchemaProps, visit func(string, *apiextensionsv1.JSONSchemaProps)) {
	visit(path, s)
	for name, child := range s.Properties {
		walkSchema(path+"."+name, &child, visit)
	}
	if s.Items != nil {
		walkSchema(path+"[]", s.Items.Schema, visit)
	}
}

// rules lists every CEL rule of the CRDs as "Kind path: message". A rule on the whole object has no path.
func rules(t *testing.T) []string {
	t.Helper()
	var all []string
	for kind, crd := range readCRDs(t) {
		add := func(path string, s *apiextensionsv1.JSONSchemaProps) {
			for _, rule := range s.XValidations {
				if rule.Message == "" {
					t.Errorf("%s %s: the rule %s has no message", kind, path, rule.Rule)
				}
				all = append(all, ruleKey(kind, path, rule.Message))
			}
		}
		add("", crd.Spec.Versions[0].Schema.OpenAPIV3Schema)
		walk(t, crd, add)
	}
	slices.Sort(all)
	return all
}

func ruleKey(kind, path, message string) string { return fmt.Sprintf("%s %s: %s", kind, path, message) }

// TestNoPatternSpeaksToPeople keeps regular expressions out of what a person reads: the API server answers a pattern
// with the pattern, a CEL rule with a sentence.
func TestNoPatternSpeaksToPeople(t *testing.T) {
	for kind, crd := range readCRDs(t) {
		walk(t, crd, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			if s.Pattern != "" {
				t.Errorf("%s %s has the pattern %s: write a CEL rule with a message", kind, path, s.Pattern)
			}
		})
	}
}

// TestStatusHasNoRules keeps a controller from being locked out of its own status by a rule.
func TestStatusHasNoRules(t *testing.T) {
	for kind, crd := range readCRDs(t) {
		status, ok := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["status"]
		if ok == (kind == recordKind) {
			t.Errorf("%s has a status: %t", kind, ok)
		}
		walkSchema("status", &status, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			if len(s.XValidations) > 0 {
				t.Errorf("%s %s has a CEL rule", kind, path)
			}
		})
	}
}

// TestEveryFieldIsDocumented wants a description of every field of spec and status.
func TestEveryFieldIsDocumented(t *testing.T) {
	for kind, crd := range readCRDs(t) {
		root := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		for _, top := range []string{"spec", "status"} {
			child, ok := root.Properties[top]
			if !ok && kind == recordKind {
				continue
			}
			walkSchema(top, &child, func(path string, s *apiextensionsv1.JSONSchemaProps) {
				if s.Description == "" && !strings.HasSuffix(path, "[]") {
					t.Errorf("%s %s has no description", kind, path)
				}
			})
		}
	}
}
