// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gates.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Gate, plural: gates, shortNames: [g]}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns:
    - {name: Phase, type: string, jsonPath: .status.phase}
    - {name: Why, type: string, jsonPath: .status.why, priority: 1}
    schema:
      openAPIV3Schema:
        description: Gate is a gate.
        type: object
        x-kubernetes-validations: [{rule: "true", message: not itself, fieldPath: .spec.after}]
        properties:
          spec:
            description: what is wanted.
            type: object
            required: [rate]
            x-kubernetes-validations: [{rule: "true", message: one of both, messageExpression: self.x}]
            properties:
              wait:
                description: wait a while.
                type: string
                default: 72h
                x-kubernetes-validations: [{rule: "true", message: wait must be a duration such as 72h}]
              rate: {description: "rate, a|b", type: string, default: "0.95"}
              share: {description: share., type: string, default: "0.95"}
              limits:
                description: limits.
                type: object
                default: {}
                properties:
                  max: {description: max., type: integer, minimum: 1, maximum: 9}
              after:
                description: after.
                type: array
                minItems: 1
                items: {type: object, required: [name], properties: {name: {description: its name., type: string, enum: [a, b]}}}
          status:
            description: what is.
            type: object
            properties:
              since: {description: since., type: string, format: date-time}
              conditions: {description: conditions., type: array, items: {type: object, properties: {type: {type: string}}}}
`

const page = "\n## Gate\n\nGate is a gate.\n\n`kubectl get gates` (short: `g`) prints NAME, PHASE (with `-o wide` also WHY).\n" + `
### Gate.spec

what is wanted.

| field | type | default | meaning |
|---|---|---|---|
` + "| `after` | list of object, at least 1 |  | after. |\n" +
	"| `after[].name` | a / b | required | its name. |\n" +
	"| `limits` | object |  | limits. |\n" +
	"| `limits.max` | integer, 1 to 9 |  | max. |\n" +
	"| `rate` | string | required | rate, a\\|b |\n" +
	"| `share` | string | `\"0.95\"` | share. |\n" +
	"| `wait` | duration | `72h` | wait a while. |\n" + `
Rules:

` + "- `spec.after`: not itself\n- `spec`: one of both\n- `spec.wait`: wait must be a duration such as 72h\n" + `
### Gate.status

what is.

| field | type | meaning |
|---|---|---|
` + "| `conditions` | list of object | conditions. |\n| `since` | time | since. |\n"

func TestRender(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gate.yaml"), []byte(crd), 0o600); err != nil {
		t.Fatal(err)
	}
	crds, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := strings.CutPrefix(render(crds), intro)
	if diff := cmp.Diff(page, got); diff != "" || !ok {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestReadNamesTheProblem(t *testing.T) {
	empty, twice, broken := t.TempDir(), t.TempDir(), t.TempDir()
	for dir, text := range map[string]string{
		twice:  strings.Replace(crd, "  versions:\n", "  versions:\n  - {name: v0, served: false, storage: false}\n", 1),
		broken: "spec: {grupe: example.org}",
	} {
		if err := os.WriteFile(filepath.Join(dir, "gate.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]string{empty: "run make generate", twice: "has 2 versions", broken: "grupe"} {
		if _, err := read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read gives error %v, want one that says %q", err, want)
		}
	}
}

func TestOrder(t *testing.T) {
	got := order(map[string]*definition{"Zebra": nil, "PilotWave": nil, "Apple": nil, "Tenant": nil})
	if diff := cmp.Diff([]string{"Tenant", "PilotWave", "Apple", "Zebra"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
