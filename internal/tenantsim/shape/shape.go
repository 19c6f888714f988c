// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package shape

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Kind is the JSON shape that a member must have.
type Kind int

// The shapes.
const (
	String Kind = iota
	Bool
	Int
	Strings
	Object
	Objects
	// Date is a moment as RFC 3339 has it.
	Date
	// Enum is one of Values, Flags some of them, joined by commas.
	Enum
	Flags
)

var kindNames = map[Kind]string{
	String: "Edm.String", Bool: "Edm.Boolean", Int: "Edm.Int32", Strings: "Collection(Edm.String)",
	Object: "a JSON object", Objects: "a JSON array of objects", Date: "Edm.DateTimeOffset",
}

// Member is what one property of a request body may be.
type Member struct {
	Kind     Kind
	Required bool // when an object is made
	// ReadOnly members are computed by the service; a value is ignored, as
	// clients send back what they read.
	ReadOnly bool
	Max      int      // longest text; 0: no limit known
	Values   []string // enum members, or the members that a list of text may have
	Of       *Shape   // type of an object or of a list's objects; nil: free
	Beta     bool     // does not exist on v1.0
}

// exists reports whether a version has the member.
func (m Member) exists(beta bool) bool { return beta || !m.Beta }

// Shape is the set of members that a body of one type may carry.
type Shape struct {
	TypeName string // such as microsoft.graph.group
	Members  map[string]Member
	// Variants are what an abstract type can be: @odata.type tells which.
	Variants []*Shape
}

// Member is a member that is an object of the shape.
func (s *Shape) Member() Member { return Member{Kind: Object, Of: s} }

// Check refuses unknown, ill-typed and missing members. Annotations are gone by
// now (dropAnnotations), but a stated type must fit.
func (s Shape) Check(r *odata.Request, body map[string]any, create bool) error {
	if body == nil {
		return r.BadRequest("A request body is required: %s expected.", s.TypeName)
	}
	if s.Variants != nil {
		one := s.Variant(body)
		if one == nil {
			return noVariant(r, s, body)
		}
		s = *one
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if err := s.checkMember(r, name, body[name]); err != nil {
			return err
		}
	}
	if !create {
		return nil
	}
	// In a fixed order: equal requests get equal answers.
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		m := s.Members[name]
		if v, present := body[name]; m.Required && (!present || v == nil) {
			return r.BadRequest("A value is required for property '%s' of resource '%s'.", name, strings.TrimPrefix(s.TypeName, "microsoft.graph.")) // ASSUMED text
		}
	}
	return nil
}

func (s Shape) checkMember(r *odata.Request, name string, value any) error {
	if name == "@odata.type" {
		if text, ok := value.(string); !ok || strings.TrimPrefix(text, "#") != s.TypeName {
			return r.BadRequest("A type named '%v' could not be resolved by the model where '%s' is expected.", value, s.TypeName)
		}
		return nil
	}
	m, known := s.Members[name]
	if !known || !m.exists(r.Beta) {
		return r.BadRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, s.TypeName)
	}
	if m.ReadOnly || value == nil {
		return nil
	}
	if err := m.checkValue(r, name, value); err != nil {
		return err
	}
	return m.checkInner(r, name, value)
}

// checkInner checks the items of lists and the members of objects.
func (m Member) checkInner(r *odata.Request, name string, value any) error {
	if m.Kind == Strings && m.Values != nil {
		for _, item := range Elements[string](value) {
			if !slices.Contains(m.Values, item) {
				return r.BadRequest("Cannot convert the literal '%s' of property '%s' to the expected type: one of %s.", item, name, strings.Join(m.Values, "; "))
			}
		}
	}
	if m.Of == nil {
		return nil
	}
	inner := Elements[map[string]any](value)
	if one, ok := value.(map[string]any); ok {
		inner = []map[string]any{one}
	}
	for _, item := range inner {
		if err := m.Of.Check(r, item, true); err != nil {
			return err
		}
	}
	return nil
}

func (m Member) checkValue(r *odata.Request, name string, value any) error {
	switch m.Kind {
	case Enum, Flags:
		return m.checkEnum(r, name, value)
	}
	if !m.Kind.fits(value) {
		return r.BadRequest("Cannot convert the value of property '%s' to the expected type '%s'.", name, kindNames[m.Kind]) // ASSUMED text
	}
	if text, ok := value.(string); ok && m.Max > 0 && len([]rune(text)) > m.Max {
		return r.BadRequest("Property '%s' is %d characters long, the maximum is %d.", name, len([]rune(text)), m.Max)
	}
	return nil
}

func (k Kind) fits(value any) bool {
	switch v := value.(type) {
	case string:
		if k == Date {
			_, err := time.Parse(time.RFC3339Nano, v)
			return err == nil
		}
		return k == String
	case bool:
		return k == Bool
	case json.Number:
		_, err := v.Int64()
		return k == Int && err == nil
	case map[string]any:
		return k == Object
	case []any:
		return k.fitsList(v)
	default:
		return false
	}
}

func (k Kind) fitsList(list []any) bool {
	for _, item := range list {
		switch item.(type) {
		case string:
			if k != Strings {
				return false
			}
		case map[string]any:
			if k != Objects {
				return false
			}
		default:
			return false
		}
	}
	return k == Strings || k == Objects
}

func (m Member) checkEnum(r *odata.Request, name string, value any) error {
	text, ok := value.(string)
	parts := []string{text}
	if m.Kind == Flags {
		parts = strings.Split(text, ",")
	}
	for _, part := range parts {
		if !ok || !slices.Contains(m.Values, strings.TrimSpace(part)) {
			return r.BadRequest("Cannot convert the literal '%v' of property '%s' to the expected type: one of %s.", value, name, strings.Join(m.Values, ", "))
		}
	}
	return nil
}

// Elements reads the items of one type of a JSON array; nil when it is none. The shape was checked before.
func Elements[T any](v any) []T {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]T, 0, len(list))
	for _, item := range list {
		if t, is := item.(T); is {
			out = append(out, t)
		}
	}
	return out
}
