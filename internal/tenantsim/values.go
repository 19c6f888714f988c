// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// text reads a string member; absent, null and other kinds read as "".
func text(body object, name string) string {
	return textOrEmpty(body[name])
}

// textOrEmpty reads text or null.
func textOrEmpty(v any) string {
	s, isText := v.(string)
	if !isText {
		return ""
	}
	return s
}

func boolean(body object, name string) bool {
	v, ok := body[name].(bool)
	return ok && v
}

// texts reads a list of strings; the shape was checked before.
func texts(v any) []string { return shape.Elements[string](v) }

// objects reads a list of JSON objects; the shape was checked before.
func objects(v any) []object { return shape.Elements[object](v) }
