// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"slices"
	"strings"
)

// A document is stored with the members that were written, whichever version
// wrote them, and shown with the members of the version that reads: what beta
// wrote stays when v1.0 reads and changes the rest.

// variant finds the type that an object states, nil when it is none of them.
func (s *shape) variant(body object) *shape {
	stated := strings.TrimPrefix(text(body, "@odata.type"), "#")
	i := slices.IndexFunc(s.variants, func(v *shape) bool { return v.typeName == stated })
	if i < 0 {
		return nil
	}
	return s.variants[i]
}

// noVariant refuses an object of an abstract type that does not say what it is.
// The text is ASSUMED.
func (c *call) noVariant(s shape, body object) error {
	names := make([]string, len(s.variants))
	for i, v := range s.variants {
		names[i] = "'#" + v.typeName + "'"
	}
	return c.badRequest("The annotation '@odata.type' is '%s', which names no type that is possible where '%s' is expected: %s.",
		text(body, "@odata.type"), s.typeName, strings.Join(names, ", "))
}

// merged is a document after a write: a member that the body names replaces the
// old one, at every depth; null clears it; lists are replaced whole; the rest
// stays (third-party 2). Annotations are dropped but for the type of a
// variant, which begins anew when it becomes another.
func (s *shape) merged(old, body object) object {
	out := object{}
	if s.variants != nil {
		one := s.variant(body)
		if one == nil {
			return maps.Clone(old) // the body was checked before
		}
		if s.variant(old) != one {
			old = nil
		}
		out["@odata.type"] = "#" + one.typeName
		s = one
	}
	for name, m := range s.members {
		v, given := body[name]
		switch before, known := old[name]; {
		case given && !m.readOnly:
			out[name] = m.merged(before, v)
		case known:
			out[name] = before
		}
	}
	return out
}

func (m member) merged(old, v any) any {
	if m.of == nil {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		before, _ := old.(map[string]any)
		return m.of.merged(before, v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.merged(nil, item)
		}
		return out
	default:
		return v
	}
}

// shown is a stored document as one version shows it: each member of that
// version's type, lists that were never written as empty ones, the rest null
// (documented answers of conditionalaccessroot-post-policies).
func (s *shape) shown(doc object, beta bool) object {
	out := object{}
	if s.variants != nil {
		out["@odata.type"] = doc["@odata.type"]
		if s = s.variant(doc); s == nil {
			return out
		}
	}
	for name, m := range s.members {
		if m.exists(beta) {
			out[name] = m.shown(doc[name], beta)
		}
	}
	return out
}

func (m member) shown(v any, beta bool) any {
	switch v := v.(type) {
	case nil:
		if m.kind == kindStrings || m.kind == kindObjects {
			return []any{}
		}
		return nil
	case map[string]any:
		if m.of != nil {
			return m.of.shown(v, beta)
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.shown(item, beta)
		}
		return out
	default:
		return v
	}
}
