// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// smallest is the smallest object of each kind that the API accepts. The wave has a smoke gate, so that no bound on its
// audience makes the gate unreachable.
var smallest = map[string]string{
	"Tenant": `
apiVersion: tidegate.dev/v1alpha1
kind: Tenant
metadata: {name: smallest}
spec:
  tenantID: 11111111-2222-3333-4444-555555555555
  auth: {workloadIdentity: {}}
`,
	"PasskeyPolicy": `
apiVersion: tidegate.dev/v1alpha1
kind: PasskeyPolicy
metadata: {name: smallest}
spec:
  tenantRef: {name: corporate}
  settings: {passkeyCreation: Enabled}
  population: {include: [{displayName: Everyone}]}
`,
	"PilotWave": `
apiVersion: tidegate.dev/v1alpha1
kind: PilotWave
metadata: {name: smallest}
spec:
  policyRef: {name: edge-passkeys}
  audience: {groups: {include: [{displayName: Canary}]}}
  gate: {smoke: {}}
`,
	"WaveLedger": `
apiVersion: tidegate.dev/v1alpha1
kind: WaveLedger
metadata: {name: smallest}
spec: {wave: {name: w, uid: u}, attempt: 1, revision: 0, unit: Device, generation: 1, chunk: 0, chunks: 1, data: VEdXTA==}
`,
}

// recordKind is the one kind that is written by the operator only: it has no status beside what it records.
const recordKind = "WaveLedger"

// edits are new values by path, in YAML; an empty value removes the field. A path names a list element as list[], which
// is the first one.
type edits map[string]string

// edited returns the smallest object of a kind with edits.
func edited(t *testing.T, kind, namespace string, changes edits) *unstructured.Unstructured {
	t.Helper()
	obj := parse(t, smallest[kind])
	obj.SetNamespace(namespace)
	change(t, obj, changes)
	return obj
}

func change(t *testing.T, obj *unstructured.Unstructured, changes edits) {
	t.Helper()
	for path, text := range changes {
		obj.Object = set(obj.Object, strings.Split(path, "."), decode(t, text)).(map[string]any)
	}
}

// set puts value at path below node, which it makes where it is missing.
func set(node any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	fields, _ := node.(map[string]any)
	if fields == nil {
		fields = map[string]any{}
	}
	name, isList := strings.CutSuffix(path[0], "[]")
	switch {
	case isList:
		list, _ := fields[name].([]any)
		var first any
		if len(list) > 0 {
			first = list[0]
		}
		fields[name] = []any{set(first, path[1:], value)}
	case len(path) == 1 && value == nil:
		delete(fields, name)
	default:
		fields[name] = set(fields[name], path[1:], value)
	}
	return fields
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ before, path, value, want string }{
		{"{}", "a.b", "1", "a: {b: 1}"},
		{"a: {b: 1, c: 2}", "a.b", "", "a: {c: 2}"},
		{"a: [{b: 1}]", "a[].c", "2", "a: [{b: 1, c: 2}]"},
		{"{}", "a[]", "x", "a: [x]"},
	} {
		got := set(decode(t, c.before), strings.Split(c.path, "."), decode(t, c.value))
		if diff := cmp.Diff(decode(t, c.want), got); diff != "" {
			t.Errorf("set(%s, %s, %s) (-want +got):\n%s", c.before, c.path, c.value, diff)
		}
	}
}
