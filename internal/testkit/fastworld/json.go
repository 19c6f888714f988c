// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"cmp"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func labelsOf(obj client.Object) labels.Set { return labels.Set(obj.GetLabels()) }

func compareKeys(a, b types.NamespacedName) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// nested is the text at a path of a document; empty when there is none.
func nested(doc map[string]any, path ...string) string {
	var at any = doc
	for _, p := range path {
		m, _ := at.(map[string]any)
		at = m[p]
	}
	text, _ := at.(string)
	return text
}

func equalJSON(a, b any) bool { return reflect.DeepEqual(a, b) }

// merge applies a JSON merge patch (RFC 7386).
func merge(doc, patch map[string]any) map[string]any {
	if doc == nil {
		doc = map[string]any{}
	}
	for key, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(doc, key)
		case map[string]any:
			was, _ := doc[key].(map[string]any)
			doc[key] = merge(was, v)
		default:
			doc[key] = v
		}
	}
	return doc
}

// copyInto puts a copy of an object into another of the same type.
func (c *Cluster) copyInto(obj, into client.Object) error {
	from, to := reflect.ValueOf(obj.DeepCopyObject()), reflect.ValueOf(into)
	if from.Type() != to.Type() {
		return fmt.Errorf("fastworld: a %s was asked for as %s", from.Type(), to.Type())
	}
	to.Elem().Set(from.Elem())
	return nil
}
