// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Direction says who sent a body.
type Direction string

// The directions.
const (
	Request  Direction = "request"
	Response Direction = "response"
)

// checker walks one body and collects what is wrong with it.
type checker struct {
	schema *Schema
	dir    Direction
	faults []string
}

// maxFaults bounds what is collected from one body: a page of a thousand rows
// with one wrong member is one mistake.
const maxFaults = 20

func (c *checker) fault(at, format string, args ...any) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, at+": "+fmt.Sprintf(format, args...))
	}
}

// typed checks a value against a type as schema.json writes it.
func (c *checker) typed(at string, v any, text, owner string) {
	text, nav := strings.CutPrefix(text, "nav:")
	element, collection := strings.CutPrefix(text, "[]")
	if !collection {
		c.single(at, v, element, owner, nav)
		return
	}
	if v == nil {
		if c.dir == Request {
			c.fault(at, "is null, want an array: OData has no null collection")
		}
		return
	}
	list, ok := v.([]any)
	if !ok {
		c.fault(at, "is %s, want an array of %s", kindOf(v), element)
		return
	}
	for i, e := range list {
		where := at + "[" + strconv.Itoa(i) + "]"
		if e == nil {
			c.fault(where, "is null inside a collection")
			continue
		}
		c.single(where, e, element, owner, nav)
	}
}

// single checks one value that is not a collection.
func (c *checker) single(at string, v any, text, owner string, nav bool) {
	if v == nil {
		return
	}
	section, name, _ := strings.Cut(text, ".")
	switch {
	case section == "Edm":
		if err := primitive(v, name, owner); err != nil {
			c.fault(at, "%v", err)
		}
		return
	case section == "graph" && c.schema.Enums[name] != nil:
		c.enum(at, v, name)
		return
	}
	if _, ok := c.schema.find(text); !ok {
		why := "the extract of Graph's types does not hold it: add a seed to hack/graphschema"
		if nav {
			why = "it is reached by navigation and outside the extract: " + why
		}
		c.fault(at, "has type %s; %s", text, why)
		return
	}
	c.object(at, v, text)
}

// object checks a structured value of a declared type.
func (c *checker) object(at string, v any, declared string) {
	members, ok := v.(map[string]any)
	if !ok {
		c.fault(at, "is %s, want an object of type %s", kindOf(v), declared)
		return
	}
	t, name := c.actual(at, members, declared)
	if t == nil {
		return
	}
	for _, key := range sortedNames(members) {
		c.member(at+"."+key, members[key], t, name, key)
	}
}

// actual finds the type of an object: the declared one, or the derived one that
// @odata.type names.
func (c *checker) actual(at string, members map[string]any, declared string) (*Type, string) {
	section, plain, _ := strings.Cut(declared, ".")
	t, ok := c.schema.find(declared)
	if !ok {
		c.fault(at, "has the unknown type %s", declared)
		return nil, ""
	}
	said, present := members["@odata.type"]
	if !present {
		if t.Abstract {
			c.fault(at, "lacks @odata.type: %s is abstract and the object does not say which kind it is", plain)
			return nil, ""
		}
		return t, plain
	}
	text, ok := said.(string)
	name, prefixed := strings.CutPrefix(text, "#microsoft.graph.")
	switch {
	case !ok || !prefixed:
		c.fault(at, "@odata.type is %v, want #microsoft.graph.{type}", said)
	case section != "graph":
		c.fault(at, "@odata.type %q on an object of %s, which has no kinds", text, declared)
	case c.schema.Types[name] == nil:
		c.fault(at, "@odata.type %q is unknown", text)
	case !c.schema.derives(name, plain):
		c.fault(at, "@odata.type %q does not derive from %s", text, plain)
	case c.schema.Types[name].Abstract:
		c.fault(at, "@odata.type %q is abstract: no object is of that type", text)
	default:
		return c.schema.Types[name], name
	}
	return nil, ""
}

// member checks one member of an object.
func (c *checker) member(at string, v any, t *Type, typeName, key string) {
	if text, ok := control[key]; ok {
		c.present(at, v)
		c.typed(at, v, text, typeName)
		return
	}
	if key == "id" && t.Entity {
		c.present(at, v) // a key is never null (OData 4.01, part 3, section 6.5)
	}
	if name, annotation, ok := strings.Cut(key, "@"); ok {
		c.present(at, v)
		c.annotation(at, v, t, typeName, name, annotation)
		return
	}
	if text, ok := c.schema.property(t, key); ok {
		c.typed(at, v, text, typeName+"."+key)
		return
	}
	if text, ok := c.extra(t, typeName, key); ok {
		c.typed(at, v, text, typeName+"."+key)
		return
	}
	c.fault(at, "%s has no member %q%s", typeName, key, nearest(key, c.schema.properties(t)))
}

// present wants a value other than null. The SDK does not say which properties
// may be null, so that this is about what is never null: keys, control
// information and annotations. Collections are in typed.
func (c *checker) present(at string, v any) {
	if v == nil {
		c.fault(at, "is null, which it never is")
	}
}

// extra looks a member up among those that the SDK does not know.
func (c *checker) extra(t *Type, typeName, key string) (string, bool) {
	for name := typeName; ; name = t.Base {
		if text, ok := extras[name][key]; ok {
			return text, true
		}
		if name != typeName {
			if t = c.schema.Types[name]; t == nil {
				return "", false
			}
		}
		if t == nil || t.Base == "" {
			return "", false
		}
	}
}

// annotation checks what is said about a member, such as members@odata.bind.
func (c *checker) annotation(at string, v any, t *Type, typeName, name, annotation string) {
	text, ok := c.schema.property(t, name)
	if !ok {
		c.fault(at, "%s has no member %q to annotate%s", typeName, name, nearest(name, c.schema.properties(t)))
		return
	}
	switch annotation {
	case "odata.bind":
		if c.dir != Request || !strings.HasPrefix(text, "nav:") {
			c.fault(at, "binds %q, which only a request may do, and only to a navigation property", name)
			return
		}
		want := "Edm.String"
		if strings.Contains(text, "[]") {
			want = "[]Edm.String"
		}
		c.typed(at, v, want, typeName)
	case "delta": // changes of a collection (contract g)
		c.typed(at, v, text, typeName)
	default:
		kind, known := annotations[annotation]
		if !known {
			c.fault(at, "unknown annotation @%s", annotation)
			return
		}
		c.typed(at, v, kind, typeName)
	}
}

// enum checks a member of an enumeration, or several of a flags enumeration.
func (c *checker) enum(at string, v any, name string) {
	text, ok := v.(string)
	if !ok {
		c.fault(at, "is %s, want a member of %s as text", kindOf(v), name)
		return
	}
	e := c.schema.Enums[name]
	parts := []string{text}
	if e.Flags {
		parts = strings.Split(text, ",")
	}
	for _, p := range parts {
		if !slices.Contains(e.Members, p) && !slices.Contains(extraMembers[name], p) {
			c.fault(at, "%q is not a member of %s%s", p, name, nearest(p, e.Members))
		}
	}
}

// primitive checks a value of an Edm type.
func primitive(v any, name, owner string) error {
	switch name {
	case "Untyped":
		return nil
	case "Boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("is %s, want true or false", kindOf(v))
		}
		return nil
	case "Byte", "SByte", "Int32", "Int64", "Single", "Double":
		if text, ok := v.(string); ok && text != "" && numeralText.MatchString(owner) {
			v = json.Number(text)
		}
		return number(v, name)
	}
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("is %s, want text of type Edm.%s", kindOf(v), name)
	}
	return textual(text, name, owner)
}

// wholeNumbers are the ranges of the integer types.
var wholeNumbers = map[string]struct{ low, high int64 }{
	"Byte": {0, math.MaxUint8}, "SByte": {math.MinInt8, math.MaxInt8},
	"Int32": {math.MinInt32, math.MaxInt32}, "Int64": {math.MinInt64, math.MaxInt64},
}

func number(v any, name string) error {
	n, ok := v.(json.Number)
	if !ok {
		return fmt.Errorf("is %s, want a number of type Edm.%s", kindOf(v), name)
	}
	if bounds, whole := wholeNumbers[name]; whole {
		if i, err := n.Int64(); err != nil || i < bounds.low || i > bounds.high {
			return fmt.Errorf("is %s, which is no Edm.%s", n, name)
		}
		return nil
	}
	if f, err := n.Float64(); err != nil || math.IsInf(f, 0) {
		return fmt.Errorf("is %s, which is no Edm.%s", n, name)
	}
	return nil
}

var formats = map[string]*regexp.Regexp{
	"Guid":           regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
	"DateTimeOffset": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)$`),
	"Date":           regexp.MustCompile(`^\d{4}-\d\d-\d\d$`),
	"TimeOfDay":      regexp.MustCompile(`^\d\d:\d\d(:\d\d(\.\d{1,12})?)?$`),
	"Duration":       regexp.MustCompile(`^-?P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`),
}

func textual(text, name, owner string) error {
	if name == "Binary" {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return fmt.Errorf("is no base64: %w", err)
		}
		return nil
	}
	if name == "DateTimeOffset" && zonelessDates[owner] {
		if _, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(text, "Z")); err != nil {
			return fmt.Errorf("is %q, which is no time: %w", text, err)
		}
		return nil
	}
	if format, ok := formats[name]; ok && !format.MatchString(text) {
		return fmt.Errorf("is %q, which is no Edm.%s", text, name)
	}
	return nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "text"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%T", v)
}

func sortedNames(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// nearest suggests the name that was meant, if one differs by little.
func nearest(name string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k), distance); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance counts insertions, removals and replacements, up to a limit.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
