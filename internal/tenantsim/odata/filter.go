// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

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

// Op is one operator or function of the OData filter language, as a bit
// so that a property can say which it supports.
type Op uint16

// The operators and functions; Any is a lambda over a collection, path/any(x:x eq
// 'value').
const (
	Eq Op = 1 << iota
	Ne
	Gt
	Ge
	Lt
	Le
	Has
	In
	Contains
	StartsWith
	EndsWith
	Any
)

// What properties commonly support.
const (
	OpsEquality = Eq | In
	OpsOrder    = Eq | Gt | Ge | Lt | Le
	OpsText     = Eq | In | StartsWith
)

var comparisonOps = map[string]Op{
	"eq": Eq, "ne": Ne, "gt": Gt, "ge": Ge, "lt": Lt, "le": Le, "has": Has, "in": In,
}

var functionOps = map[string]Op{
	"contains": Contains, "startswith": StartsWith, "endswith": EndsWith,
}

// Expr is a node of a parsed filter.
type Expr interface {
	// Eval decides the node over one object's properties.
	Eval(get func(path string) any) bool
	// Walk visits every comparison below the node.
	Walk(func(*Comparison))
	String() string
}

type (
	// And holds where both sides do.
	And struct{ Left, Right Expr }
	// Or holds where one side does.
	Or struct{ Left, Right Expr }
	// Not holds where its inner node does not.
	Not struct{ Inner Expr }
	// Comparison is `path op value`, `op(path, value)` or `path in (values)`.
	Comparison struct {
		Path   string
		Op     Op
		Values []Literal
		Exact  bool // functions on text compare letters exactly
	}
)

// Literal is a constant of the filter language: string, int64, float64, bool,
// time.Time or nil.
type Literal struct{ Value any }

// Eval holds when both sides do.
func (e And) Eval(get func(string) any) bool { return e.Left.Eval(get) && e.Right.Eval(get) }

// Eval holds when one side does.
func (e Or) Eval(get func(string) any) bool { return e.Left.Eval(get) || e.Right.Eval(get) }

// Eval turns the inner answer around.
func (e Not) Eval(get func(string) any) bool { return !e.Inner.Eval(get) }

// Walk visits the left side first.
func (e And) Walk(f func(*Comparison)) { e.Left.Walk(f); e.Right.Walk(f) }

// Walk visits the left side first.
func (e Or) Walk(f func(*Comparison)) { e.Left.Walk(f); e.Right.Walk(f) }

// Walk visits the inner node.
func (e Not) Walk(f func(*Comparison)) { e.Inner.Walk(f) }

// Walk visits the comparison itself.
func (e *Comparison) Walk(f func(*Comparison)) { f(e) }

func (e And) String() string { return "(" + e.Left.String() + " and " + e.Right.String() + ")" }
func (e Or) String() string  { return "(" + e.Left.String() + " or " + e.Right.String() + ")" }
func (e Not) String() string { return "not (" + e.Inner.String() + ")" }

func (e *Comparison) String() string {
	for name, op := range functionOps {
		if op == e.Op {
			return name + "(" + e.Path + "," + e.Values[0].String() + ")"
		}
	}
	if e.Op == Any {
		return e.Path + "/any(x:x eq " + e.Values[0].String() + ")"
	}
	if e.Op == In {
		parts := make([]string, len(e.Values))
		for i, v := range e.Values {
			parts[i] = v.String()
		}
		return e.Path + " in (" + strings.Join(parts, ",") + ")"
	}
	return e.Path + " " + e.OpName() + " " + e.Values[0].String()
}

// OpName is the operator or function as it is written, "?" for one without a name.
func (e *Comparison) OpName() string {
	for name, op := range comparisonOps {
		if op == e.Op {
			return name
		}
	}
	for name, op := range functionOps {
		if op == e.Op {
			return name
		}
	}
	return "?"
}

func (l Literal) String() string {
	switch v := l.Value.(type) {
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

// Eval holds when one of the values does.
func (e *Comparison) Eval(get func(string) any) bool {
	value := get(e.Path)
	for _, lit := range e.Values {
		if compare(value, e.Op, lit.Value) && (!e.Exact || matchExactly(value, e.Op, lit.Value)) {
			return true
		}
	}
	return false
}

// matchExactly narrows a match of a text function to equal letters.
func matchExactly(value any, op Op, lit any) bool {
	text, ok := value.(string)
	want, ok2 := lit.(string)
	switch {
	case !ok || !ok2:
		return true
	case op == Contains:
		return strings.Contains(text, want)
	case op == StartsWith:
		return strings.HasPrefix(text, want)
	default:
		return true
	}
}

// compare decides `value op lit`. Text compares without regard to case, as
// the directory and Intune do; flag values are comma-joined text.
func compare(value any, op Op, lit any) bool {
	switch op {
	case Ne:
		return !compare(value, Eq, lit)
	case Has:
		return HasFlag(value, lit)
	case Any:
		list, _ := value.([]string)
		return slices.ContainsFunc(list, func(v string) bool { return compare(v, Eq, lit) })
	case Contains, StartsWith, EndsWith:
		return matchText(value, op, lit)
	case In:
		op = Eq
	}
	if value == nil || lit == nil {
		return op == Eq && value == nil && lit == nil
	}
	order, ok := orderOf(value, lit)
	return ok && holds(order, op)
}

// holds decides an ordering operator over the result of a comparison.
func holds(order int, op Op) bool {
	switch op {
	case Eq:
		return order == 0
	case Gt:
		return order > 0
	case Ge:
		return order >= 0
	case Lt:
		return order < 0
	case Le:
		return order <= 0
	default:
		return false
	}
}

// HasFlag looks for one flag, in any case, in a comma-joined value.
func HasFlag(value, lit any) bool {
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

func matchText(value any, op Op, lit any) bool {
	text, ok := value.(string)
	want, ok2 := lit.(string)
	if !ok || !ok2 {
		return false
	}
	text, want = strings.ToLower(text), strings.ToLower(want)
	switch op {
	case Contains:
		return strings.Contains(text, want)
	case StartsWith:
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
		return rank(got) - rank(want), true
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

// rank puts false before true.
func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// HasNegation reports whether a filter negates anything.
func HasNegation(e Expr) bool {
	switch node := e.(type) {
	case Not:
		return true
	case And:
		return HasNegation(node.Left) || HasNegation(node.Right)
	case Or:
		return HasNegation(node.Left) || HasNegation(node.Right)
	default:
		return false
	}
}
