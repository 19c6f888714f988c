// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// kind is the JSON shape that a member must have.
type kind int

const (
	kindString kind = iota
	kindBool
	kindInt
	kindStrings
	kindObject
	kindObjects
	kindDate
	kindEnum
	kindFlags
)

var kindNames = map[kind]string{
	kindString: "Edm.String", kindBool: "Edm.Boolean", kindInt: "Edm.Int32", kindStrings: "Collection(Edm.String)",
	kindObject: "a JSON object", kindObjects: "a JSON array of objects", kindDate: "Edm.DateTimeOffset",
}

// member is what one property of a request body may be.
type member struct {
	kind     kind
	required bool
	// readOnly members are computed by the service; a value is ignored, as
	// clients send back what they read.
	readOnly bool
	max      int      // longest text; 0: no limit known
	values   []string // enum members, or the members that a list of text may have
	of       *shape   // type of an object or of a list's objects; nil: free
	beta     bool     // does not exist on v1.0
}

// exists reports whether a version has the member.
func (m member) exists(beta bool) bool { return beta || !m.beta }

// shape is the set of members that a body of one type may carry.
type shape struct {
	typeName string // such as microsoft.graph.group
	members  map[string]member
	// variants are what an abstract type can be: @odata.type tells which.
	variants []*shape
}

// check refuses unknown, ill-typed and missing members. Annotations are gone by
// now (dropAnnotations), but a stated type must fit.
func (s shape) check(c *call, body object, create bool) error {
	if body == nil {
		return c.BadRequest("A request body is required: %s expected.", s.typeName)
	}
	if s.variants != nil {
		one := s.variant(body)
		if one == nil {
			return c.noVariant(s, body)
		}
		s = *one
	}
	for _, name := range sortedKeys(body) {
		if err := s.checkMember(c, name, body[name]); err != nil {
			return err
		}
	}
	if !create {
		return nil
	}
	// In a fixed order: equal requests get equal answers.
	for _, name := range sortedKeys(s.members) {
		m := s.members[name]
		if v, present := body[name]; m.required && (!present || v == nil) {
			return c.BadRequest("A value is required for property '%s' of resource '%s'.", name, strings.TrimPrefix(s.typeName, "microsoft.graph.")) // ASSUMED text
		}
	}
	return nil
}

func (s shape) checkMember(c *call, name string, value any) error {
	if name == "@odata.type" {
		if text, ok := value.(string); !ok || strings.TrimPrefix(text, "#") != s.typeName {
			return c.BadRequest("A type named '%v' could not be resolved by the model where '%s' is expected.", value, s.typeName)
		}
		return nil
	}
	m, known := s.members[name]
	if !known || !m.exists(c.Beta) {
		return c.BadRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, s.typeName)
	}
	if m.readOnly || value == nil {
		return nil
	}
	if err := m.checkValue(c, name, value); err != nil {
		return err
	}
	return m.checkInner(c, name, value)
}

// checkInner checks the items of lists and the members of objects.
func (m member) checkInner(c *call, name string, value any) error {
	if m.kind == kindStrings && m.values != nil {
		for _, item := range texts(value) {
			if !slices.Contains(m.values, item) {
				return c.BadRequest("Cannot convert the literal '%s' of property '%s' to the expected type: one of %s.", item, name, strings.Join(m.values, "; "))
			}
		}
	}
	if m.of == nil {
		return nil
	}
	inner := objects(value)
	if one, ok := value.(map[string]any); ok {
		inner = []object{one}
	}
	for _, item := range inner {
		if err := m.of.check(c, item, true); err != nil {
			return err
		}
	}
	return nil
}

func (m member) checkValue(c *call, name string, value any) error {
	switch m.kind {
	case kindEnum, kindFlags:
		return m.checkEnum(c, name, value)
	}
	if !m.kind.fits(value) {
		return c.BadRequest("Cannot convert the value of property '%s' to the expected type '%s'.", name, kindNames[m.kind]) // ASSUMED text
	}
	if text, ok := value.(string); ok && m.max > 0 && len([]rune(text)) > m.max {
		return c.BadRequest("Property '%s' is %d characters long, the maximum is %d.", name, len([]rune(text)), m.max)
	}
	return nil
}

func (k kind) fits(value any) bool {
	switch v := value.(type) {
	case string:
		if k == kindDate {
			_, err := time.Parse(time.RFC3339Nano, v)
			return err == nil
		}
		return k == kindString
	case bool:
		return k == kindBool
	case json.Number:
		_, err := v.Int64()
		return k == kindInt && err == nil
	case map[string]any:
		return k == kindObject
	case []any:
		return k.fitsList(v)
	default:
		return false
	}
}

func (k kind) fitsList(list []any) bool {
	for _, item := range list {
		switch item.(type) {
		case string:
			if k != kindStrings {
				return false
			}
		case map[string]any:
			if k != kindObjects {
				return false
			}
		default:
			return false
		}
	}
	return k == kindStrings || k == kindObjects
}

func (m member) checkEnum(c *call, name string, value any) error {
	text, ok := value.(string)
	parts := []string{text}
	if m.kind == kindFlags {
		parts = strings.Split(text, ",")
	}
	for _, part := range parts {
		if !ok || !slices.Contains(m.values, strings.TrimSpace(part)) {
			return c.BadRequest("Cannot convert the literal '%v' of property '%s' to the expected type: one of %s.", value, name, strings.Join(m.values, ", "))
		}
	}
	return nil
}

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
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		if t, isText := item.(string); isText {
			out = append(out, t)
		}
	}
	return out
}

// objects reads a list of JSON objects; the shape was checked before.
func objects(v any) []object {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]object, 0, len(list))
	for _, item := range list {
		if o, isObject := item.(map[string]any); isObject {
			out = append(out, o)
		}
	}
	return out
}
