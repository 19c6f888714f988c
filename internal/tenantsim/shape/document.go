// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package shape

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// A document is stored with the members that were written, whichever version
// wrote them, and shown with the members of the version that reads: what beta
// wrote stays when v1.0 reads and changes the rest.

// typeOf is the type that an object states, "" when it states none.
func typeOf(body map[string]any) string {
	text, ok := body["@odata.type"].(string)
	if !ok {
		return ""
	}
	return text
}

// Variant finds the type that an object states, nil when it is none of them.
func (s *Shape) Variant(body map[string]any) *Shape {
	stated := strings.TrimPrefix(typeOf(body), "#")
	i := slices.IndexFunc(s.Variants, func(v *Shape) bool { return v.TypeName == stated })
	if i < 0 {
		return nil
	}
	return s.Variants[i]
}

// noVariant refuses an object of an abstract type that does not say what it is.
// The text is ASSUMED.
func noVariant(r *odata.Request, s Shape, body map[string]any) error {
	names := make([]string, len(s.Variants))
	for i, v := range s.Variants {
		names[i] = "'#" + v.TypeName + "'"
	}
	return r.BadRequest("The annotation '@odata.type' is '%s', which names no type that is possible where '%s' is expected: %s.",
		typeOf(body), s.TypeName, strings.Join(names, ", "))
}

// Merged is a document after a write: a member that the body names replaces the
// old one, at every depth; null clears it; lists are replaced whole; the rest
// stays (third-party 2). Annotations are dropped but for the type of a
// variant, which begins anew when it becomes another.
func (s *Shape) Merged(old, body map[string]any) map[string]any {
	out := map[string]any{}
	if s.Variants != nil {
		one := s.Variant(body)
		if one == nil {
			return maps.Clone(old) // the body was checked before
		}
		if s.Variant(old) != one {
			old = nil
		}
		out["@odata.type"] = "#" + one.TypeName
		s = one
	}
	for name, m := range s.Members {
		v, given := body[name]
		switch before, known := old[name]; {
		case given && !m.ReadOnly:
			out[name] = m.merged(before, v)
		case known:
			out[name] = before
		}
	}
	return out
}

func (m Member) merged(old, v any) any {
	if m.Of == nil {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		before, _ := old.(map[string]any)
		return m.Of.Merged(before, v)
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

// Shown is a stored document as one version shows it: each member of that
// version's type, lists that were never written as empty ones, the rest null
// (documented answers of conditionalaccessroot-post-policies).
func (s *Shape) Shown(doc map[string]any, beta bool) map[string]any {
	out := map[string]any{}
	if s.Variants != nil {
		out["@odata.type"] = doc["@odata.type"]
		if s = s.Variant(doc); s == nil {
			return out
		}
	}
	for name, m := range s.Members {
		if m.exists(beta) {
			out[name] = m.shown(doc[name], beta)
		}
	}
	return out
}

func (m Member) shown(v any, beta bool) any {
	switch v := v.(type) {
	case nil:
		if m.Kind == Strings || m.Kind == Objects {
			return []any{}
		}
		return nil
	case map[string]any:
		if m.Of != nil {
			return m.Of.Shown(v, beta)
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
