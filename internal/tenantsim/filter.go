// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of the filter parser: a request that exceeds them is refused rather
// than parsed at length. maxFilterLength is the limit that export jobs document
// (contract b.4); the depth limit is ours.
const (
	maxFilterLength = 4000
	maxFilterDepth  = 64
)

// filterOp is one operator or function of the OData filter language, as a bit
// so that a property can say which it supports.
type filterOp uint16

const (
	opEq filterOp = 1 << iota
	opNe
	opGt
	opGe
	opLt
	opLe
	opHas
	opIn
	opContains
	opStartsWith
	opEndsWith
	// opAny is a lambda over a collection: path/any(x:x eq 'value').
	opAny
)

const (
	opsEquality = opEq | opIn
	opsOrder    = opEq | opGt | opGe | opLt | opLe
	opsText     = opEq | opIn | opStartsWith
)

var comparisonOps = map[string]filterOp{
	"eq": opEq, "ne": opNe, "gt": opGt, "ge": opGe, "lt": opLt, "le": opLe, "has": opHas, "in": opIn,
}

var functionOps = map[string]filterOp{
	"contains": opContains, "startswith": opStartsWith, "endswith": opEndsWith,
}

// filterExpr is a node of a parsed filter.
type filterExpr interface {
	// eval decides the node over one object's properties.
	eval(get func(path string) any) bool
	// walk visits every comparison below the node.
	walk(func(*comparison))
	String() string
}

type (
	conjunction struct{ left, right filterExpr }
	disjunction struct{ left, right filterExpr }
	negation    struct{ inner filterExpr }
	// comparison is `path op value`, `op(path, value)` or `path in (values)`.
	comparison struct {
		path   string
		op     filterOp
		values []literal
		exact  bool // functions on text compare letters exactly
	}
)

// literal is a constant of the filter language: string, int64, float64, bool,
// time.Time or nil.
type literal struct{ v any }

func (e conjunction) eval(get func(string) any) bool { return e.left.eval(get) && e.right.eval(get) }
func (e disjunction) eval(get func(string) any) bool { return e.left.eval(get) || e.right.eval(get) }
func (e negation) eval(get func(string) any) bool    { return !e.inner.eval(get) }

func (e conjunction) walk(f func(*comparison)) { e.left.walk(f); e.right.walk(f) }
func (e disjunction) walk(f func(*comparison)) { e.left.walk(f); e.right.walk(f) }
func (e negation) walk(f func(*comparison))    { e.inner.walk(f) }
func (e *comparison) walk(f func(*comparison)) { f(e) }

func (e conjunction) String() string { return "(" + e.left.String() + " and " + e.right.String() + ")" }
func (e disjunction) String() string { return "(" + e.left.String() + " or " + e.right.String() + ")" }
func (e negation) String() string    { return "not (" + e.inner.String() + ")" }

func (e *comparison) String() string {
	for name, op := range functionOps {
		if op == e.op {
			return name + "(" + e.path + "," + e.values[0].String() + ")"
		}
	}
	if e.op == opAny {
		return e.path + "/any(x:x eq " + e.values[0].String() + ")"
	}
	if e.op == opIn {
		parts := make([]string, len(e.values))
		for i, v := range e.values {
			parts[i] = v.String()
		}
		return e.path + " in (" + strings.Join(parts, ",") + ")"
	}
	return e.path + " " + e.opName() + " " + e.values[0].String()
}

func (e *comparison) opName() string {
	for name, op := range comparisonOps {
		if op == e.op {
			return name
		}
	}
	for name, op := range functionOps {
		if op == e.op {
			return name
		}
	}
	return "?"
}

func (l literal) String() string {
	switch v := l.v.(type) {
	case nil:
		return "null"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

func (e *comparison) eval(get func(string) any) bool {
	value := get(e.path)
	for _, lit := range e.values {
		if compare(value, e.op, lit.v) && (!e.exact || matchExactly(value, e.op, lit.v)) {
			return true
		}
	}
	return false
}

// matchExactly narrows a match of a text function to equal letters.
func matchExactly(value any, op filterOp, lit any) bool {
	text, ok := value.(string)
	want, ok2 := lit.(string)
	switch {
	case !ok || !ok2:
		return true
	case op == opContains:
		return strings.Contains(text, want)
	case op == opStartsWith:
		return strings.HasPrefix(text, want)
	default:
		return true
	}
}

// compare decides `value op lit`. Text compares without regard to case, as
// the directory and Intune do; flag values are comma-joined text.
func compare(value any, op filterOp, lit any) bool {
	switch op {
	case opNe:
		return !compare(value, opEq, lit)
	case opHas:
		return hasFlag(value, lit)
	case opAny:
		list, _ := value.([]string)
		return slices.ContainsFunc(list, func(v string) bool { return compare(v, opEq, lit) })
	case opContains, opStartsWith, opEndsWith:
		return matchText(value, op, lit)
	case opIn:
		op = opEq
	}
	if value == nil || lit == nil {
		return op == opEq && value == nil && lit == nil
	}
	order, ok := orderOf(value, lit)
	return ok && holds(order, op)
}

// holds decides an ordering operator over the result of a comparison.
func holds(order int, op filterOp) bool {
	switch op {
	case opEq:
		return order == 0
	case opGt:
		return order > 0
	case opGe:
		return order >= 0
	case opLt:
		return order < 0
	case opLe:
		return order <= 0
	default:
		return false
	}
}

func hasFlag(value, lit any) bool {
	text, ok := value.(string)
	want, ok2 := lit.(string)
	if !ok || !ok2 {
		return false
	}
	for flag := range strings.SplitSeq(text, ",") {
		if strings.EqualFold(strings.TrimSpace(flag), want) {
			return true
		}
	}
	return false
}

func matchText(value any, op filterOp, lit any) bool {
	text, ok := value.(string)
	want, ok2 := lit.(string)
	if !ok || !ok2 {
		return false
	}
	text, want = strings.ToLower(text), strings.ToLower(want)
	switch op {
	case opContains:
		return strings.Contains(text, want)
	case opStartsWith:
		return strings.HasPrefix(text, want)
	default:
		return strings.HasSuffix(text, want)
	}
}

// orderOf compares a property with a constant; ok is false when their kinds
// have no order between them.
func orderOf(value, lit any) (order int, ok bool) {
	switch want := lit.(type) {
	case string:
		if text, isText := value.(string); isText {
			return strings.Compare(strings.ToLower(text), strings.ToLower(want)), true
		}
		return strings.Compare(fmt.Sprint(value), want), true
	case time.Time:
		text, isText := value.(string)
		if !isText {
			return 0, false
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		return at.Compare(want), err == nil
	case bool:
		got, isBool := value.(bool)
		if !isBool {
			return 0, false
		}
		return boolInt(got) - boolInt(want), true
	case int64:
		got, isNumber := number(value)
		return compareFloat(got, float64(want)), isNumber
	case float64:
		got, isNumber := number(value)
		return compareFloat(got, want), isNumber
	default:
		return 0, false
	}
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil
	default:
		return 0, false
	}
}

func compareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
