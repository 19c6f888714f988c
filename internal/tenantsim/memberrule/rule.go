// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package memberrule reads and evaluates the membership rules of dynamic groups
// as learn.microsoft.com describes them ("Manage rules for dynamic membership
// groups in Microsoft Entra ID"). It knows no tenant: facts come through an
// interface.
//
// What the page leaves open is ASSUMED here: a negated operator is the exact
// opposite of its positive form, so that an absent value satisfies it; text is
// compared without regard to case.
package memberrule

import (
	"regexp"
	"strings"
)

// Kind is what a rule is about: one rule is for users or for devices.
type Kind int

// The kinds of rules.
const (
	Users Kind = iota + 1
	Devices
)

func (k Kind) String() string { return map[Kind]string{Users: "user", Devices: "device"}[k] }

// Facts are the properties of one user or device. Names are those of Properties.
// A value is text, a bool, a list of texts, or nil for null.
type Facts interface {
	Value(property string) any
}

// Rule is a rule that was read.
type Rule struct {
	// Kind is what the rule is about.
	Kind Kind
	// Suspect rules use memberOf, which is a preview and is said to stop updating
	// (contract-2 x.2).
	Suspect bool
	root    node
}

// Matches reports whether the rule holds for the facts.
func (r *Rule) Matches(f Facts) bool { return r.root.holds(scope{facts: f}) }

// scope is what names mean at one place of a rule: inside -any and -all, _ is
// one item of the list.
type scope struct {
	facts Facts
	item  any
}

type node interface{ holds(scope) bool }

type (
	and  struct{ left, right node }
	or   struct{ left, right node }
	not  struct{ of node }
	some struct {
		property string
		all      bool
		each     node
	}
	nobody struct{}
	test   struct {
		property string // "_" is the item
		op       operator
		value    any // text, bool, []string or nil
		pattern  *regexp.Regexp
	}
)

func (n and) holds(s scope) bool  { return n.left.holds(s) && n.right.holds(s) }
func (n or) holds(s scope) bool   { return n.left.holds(s) || n.right.holds(s) }
func (n not) holds(s scope) bool  { return !n.of.holds(s) }
func (nobody) holds(s scope) bool { return false }

// holds: -any wants one item, -all wants every item and at least one. ASSUMED:
// that -all does not hold for an empty list.
func (n some) holds(s scope) bool {
	items, _ := s.facts.Value(n.property).([]string)
	for _, item := range items {
		if n.each.holds(scope{s.facts, item}) != n.all {
			return !n.all
		}
	}
	return n.all && len(items) > 0
}

func (n test) holds(s scope) bool {
	value := s.item
	if n.property != "_" {
		value = s.facts.Value(n.property)
	}
	if list, isList := value.([]string); isList { // a list is compared item by item
		held := false
		for _, item := range list {
			held = held || n.positive(item)
		}
		return held != n.op.negated
	}
	return n.positive(value) != n.op.negated
}

// positive is the test without the negation of its operator.
func (n test) positive(value any) bool {
	text, isText := value.(string)
	switch want := n.value.(type) {
	case nil:
		return value == nil
	case bool:
		return value == want
	case []string:
		return isText && containsFold(want, text)
	case string:
		return isText && n.op.compare(n, fold(text), fold(want))
	}
	return false
}

func fold(s string) string { return strings.ToLower(s) }

func containsFold(list []string, text string) bool {
	for _, item := range list {
		if strings.EqualFold(item, text) {
			return true
		}
	}
	return false
}

// operator compares folded text; negated operators are the opposite of it.
type operator struct {
	name    string
	negated bool
	compare func(n test, have, want string) bool
}

var operators = map[string]operator{}

func init() {
	for positive, compare := range map[string]func(n test, have, want string) bool{
		"eq":         func(_ test, have, want string) bool { return have == want },
		"startswith": func(_ test, have, want string) bool { return strings.HasPrefix(have, want) },
		"contains":   func(_ test, have, want string) bool { return strings.Contains(have, want) },
		"match":      func(n test, have, _ string) bool { return n.pattern.MatchString(have) },
		"in":         func(test, string, string) bool { return false }, // lists are compared in positive
	} {
		negative := "not" + positive
		if positive == "eq" {
			negative = "ne"
		}
		operators[positive] = operator{positive, false, compare}
		operators[negative] = operator{negative, true, compare}
	}
}
