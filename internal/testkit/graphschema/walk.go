// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"maps"
	"slices"
)

// Bodies tells what an endpoint takes and gives, as the rows of routes write it:
// graph.type, []graph.type, action.type, or a special body.
func Bodies(version, method, path string) (request, response string, known bool) {
	r, ok := match(version, method, path)
	return r.request, r.response, ok
}

// MembersOf returns all members of a type, which may be graph.x or action.x, with
// those that it inherits; nil: there is no such type. The types of members read as
// in schema.json.
func (s *Schema) MembersOf(name string) map[string]string {
	t, ok := s.find(name)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for t != nil {
		inherited := maps.Clone(t.Properties)
		maps.Copy(inherited, out) // a type may narrow what it inherits
		out, t = inherited, s.Types[t.Base]
	}
	return out
}

// Concrete returns the type itself, or, where it is abstract, the first by name
// that derives from it and is not.
func (s *Schema) Concrete(name string) string {
	t, ok := s.Types[name]
	if !ok || !t.Abstract {
		return name
	}
	best := name
	for other, kind := range s.Types {
		if !kind.Abstract && s.derives(other, name) && (best == name || other < best) {
			best = other
		}
	}
	return best
}

// Kinds returns the types that a value of a type can state: itself and all that
// derive from it, without the abstract ones, by name.
func (s *Schema) Kinds(name string) []string {
	var out []string
	for other, kind := range s.Types {
		if !kind.Abstract && s.derives(other, name) {
			out = append(out, other)
		}
	}
	slices.Sort(out)
	return out
}
