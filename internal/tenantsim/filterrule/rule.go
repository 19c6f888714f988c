// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package filterrule

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Facts tells about one device or app what a rule asks for.
type Facts interface {
	// Fact returns the value of a property, without the entity: "model". It is
	// empty where there is none.
	Fact(property string) string
}

// Rule is a parsed rule.
type Rule struct{ root node }

// Matches judges the facts. The zero rule matches nothing.
func (r Rule) Matches(f Facts) bool { return r.root != nil && r.root.matches(f) }

// String writes the rule out with all its parentheses; it means the same when it
// is parsed again.
func (r Rule) String() string {
	if r.root == nil {
		return ""
	}
	return r.root.String()
}

// node is a part of a rule.
type node interface {
	matches(f Facts) bool
	String() string
}

type (
	both       struct{ left, right node }
	either     struct{ left, right node }
	negation   struct{ inner node }
	comparison struct {
		entity   string
		property property
		op       string
		values   []string // empty with null
		null     bool
	}
)

func (n both) matches(f Facts) bool     { return n.left.matches(f) && n.right.matches(f) }
func (n either) matches(f Facts) bool   { return n.left.matches(f) || n.right.matches(f) }
func (n negation) matches(f Facts) bool { return !n.inner.matches(f) }

func (n both) String() string     { return "(" + n.left.String() + " and " + n.right.String() + ")" }
func (n either) String() string   { return "(" + n.left.String() + " or " + n.right.String() + ")" }
func (n negation) String() string { return "not (" + n.inner.String() + ")" }

func (n comparison) String() string {
	return "(" + n.entity + "." + n.property.name + " -" + n.op + " " + n.operand() + ")"
}

func (n comparison) operand() string {
	if n.null {
		return "$null"
	}
	quoted := make([]string, len(n.values))
	for i, v := range n.values {
		if quoted[i] = v; n.property.kind != kindVersion {
			quoted[i] = `"` + v + `"`
		}
	}
	if takesList(n.op) {
		return "[" + strings.Join(quoted, ",") + "]"
	}
	return quoted[0]
}

func takesList(op string) bool { return op == "in" || op == "notIn" }

// opposites are the operators that say no to what another says yes to.
var opposites = map[string]string{"ne": "eq", "notIn": "in", "notContains": "contains"}

func (n comparison) matches(f Facts) bool {
	got := f.Fact(n.property.name)
	if n.null {
		return (got == "") == (n.op == "eq")
	}
	op, opposite := opposites[n.op]
	if !opposite {
		op = n.op
	}
	found := slices.ContainsFunc(n.values, func(want string) bool { return n.holds(got, op, want) })
	return found != opposite
}

// holds compares text without regard to case, versions by number. A version that
// is not known is neither more nor less than another. ASSUMED.
func (n comparison) holds(got, op, want string) bool {
	if n.property.kind == kindVersion {
		if got == "" {
			return false
		}
		order := compareVersions(got, want)
		switch op {
		case "eq":
			return order == 0
		case "gt":
			return order > 0
		case "ge":
			return order >= 0
		case "lt":
			return order < 0
		}
		return order <= 0
	}
	got, want = strings.ToLower(got), strings.ToLower(want)
	switch op {
	case "startsWith":
		return strings.HasPrefix(got, want)
	case "contains":
		return strings.Contains(got, want)
	}
	return got == want
}

// compareVersions compares dotted numbers; missing parts are 0.
func compareVersions(a, b string) int {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(left), len(right)) {
		if d := cmp.Compare(part(left, i), part(right, i)); d != 0 {
			return d
		}
	}
	return 0
}

func part(parts []string, i int) uint64 {
	if i >= len(parts) {
		return 0
	}
	n, err := strconv.ParseUint(parts[i], 10, 32)
	if err != nil { // a fact with a letter in it, such as 14.1.2a
		return 0
	}
	return n
}
