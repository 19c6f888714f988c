// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package memberrule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxLength of a rule, as documented.
const maxLength = 3072

// maxDepth bounds nesting. ASSUMED: the page names no number.
const maxDepth = 100

// directReports is the one rule that is no expression.
var directReports = regexp.MustCompile(`(?i)^\s*direct reports for\s+["'][0-9a-f-]{36}["']\s*$`)

// Parse reads a rule.
func Parse(rule string) (*Rule, error) {
	if len(rule) > maxLength {
		return nil, fmt.Errorf("the rule has %d characters, at most %d are allowed", len(rule), maxLength)
	}
	if directReports.MatchString(rule) {
		return &Rule{Kind: Users, root: nobody{}}, nil
	}
	tokens, err := scan(rule)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, rule: &Rule{}}
	if p.rule.root, err = p.either(0); err != nil {
		return nil, err
	}
	if rest := p.peek(); rest.kind != end {
		return nil, fmt.Errorf("'%s' is not expected at position %d", rest.text, rest.at)
	}
	return p.rule, nil
}

type parser struct {
	tokens []token
	rule   *Rule
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// word takes the next token if it is one of the operator words, with or without
// its hyphen.
func (p *parser) word(words ...string) (string, bool) {
	t := p.peek()
	if t.kind != word {
		return "", false
	}
	name := strings.ToLower(strings.TrimPrefix(t.text, "-"))
	if !slices.Contains(words, name) {
		return "", false
	}
	p.take()
	return name, true
}

// mark takes a bracket.
func (p *parser) mark(mark string) bool {
	if t := p.peek(); t.kind == punctuation && t.text == mark {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(mark string) error {
	if !p.mark(mark) {
		t := p.peek()
		return fmt.Errorf("'%s' is expected at position %d, not '%s'", mark, t.at, t.text)
	}
	return nil
}

// either is a chain of -or, the weakest operator; both of -and, unary of -not.
func (p *parser) either(depth int) (node, error) {
	left, err := p.both(depth)
	for err == nil {
		if _, more := p.word("or"); !more {
			return left, nil
		}
		var right node
		right, err = p.both(depth)
		left = or{left, right}
	}
	return nil, err
}

func (p *parser) both(depth int) (node, error) {
	left, err := p.unary(depth)
	for err == nil {
		if _, more := p.word("and"); !more {
			return left, nil
		}
		var right node
		right, err = p.unary(depth)
		left = and{left, right}
	}
	return nil, err
}

func (p *parser) unary(depth int) (node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the rule is nested more than %d deep", maxDepth)
	}
	if _, negated := p.word("not"); negated {
		of, err := p.unary(depth + 1)
		return not{of}, err
	}
	if p.mark("(") {
		inner, err := p.either(depth + 1)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	}
	return p.expression(depth)
}

// expression is a property, an operator and a value, or a property with -any or
// -all.
func (p *parser) expression(depth int) (node, error) {
	t := p.take()
	if t.kind != word {
		return nil, fmt.Errorf("a property is expected at position %d, not '%s'", t.at, t.text)
	}
	if lower := strings.ToLower(t.text); lower == "user.memberof" || lower == "device.memberof" || lower == "user.assignedplans" {
		return p.foreign(lower)
	}
	kind, name, holds, known := property(t.text)
	if !known {
		return nil, fmt.Errorf("the property '%s' is not supported", t.text)
	}
	if err := p.about(kind); err != nil {
		return nil, err
	}
	if quantifier, quantified := p.word("any", "all"); quantified {
		if holds != list {
			return nil, fmt.Errorf("the operator -%s cannot be used with '%s', which holds one value", quantifier, t.text)
		}
		each, err := p.item(depth)
		return some{property: name, all: quantifier == "all", each: each}, err
	}
	return p.comparison(t.text, name, holds)
}

func (p *parser) about(kind Kind) error {
	if p.rule.Kind != 0 && p.rule.Kind != kind {
		return errors.New("a rule is for users or for devices, not for both")
	}
	p.rule.Kind = kind
	return nil
}

// item is the condition of -any and -all about _, with brackets or without.
func (p *parser) item(depth int) (node, error) {
	bracket := p.mark("(")
	if bracket && depth < maxDepth && p.peek().text == "(" {
		inner, err := p.item(depth + 1)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	}
	if t := p.take(); t.text != "_" {
		return nil, fmt.Errorf("_ is expected at position %d, not '%s'", t.at, t.text)
	}
	each, err := p.comparison("_", "_", text)
	if err != nil || !bracket {
		return each, err
	}
	return each, p.expect(")")
}

// foreign reads the conditions about objects that rules may name and the facts
// do not hold: memberOf and assignedPlans. They hold for nobody.
func (p *parser) foreign(name string) (node, error) {
	kind := Users
	if strings.HasPrefix(name, "device.") {
		kind = Devices
	}
	p.rule.Suspect = p.rule.Suspect || strings.HasSuffix(name, "memberof")
	if err := p.about(kind); err != nil {
		return nil, err
	}
	if _, ok := p.word("any", "all"); !ok {
		return nil, fmt.Errorf("'%s' needs the operator -any or -all", name)
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for {
		of := p.take()
		if lower := strings.ToLower(of.text); lower != "group.objectid" && !strings.HasPrefix(lower, "assignedplan.") {
			return nil, fmt.Errorf("'%s' is not expected at position %d", of.text, of.at)
		}
		if _, err := p.comparison(of.text, "_", text); err != nil {
			return nil, err
		}
		if _, more := p.word("and", "or"); !more {
			return nobody{}, p.expect(")")
		}
	}
}

// comparison reads operator and value.
func (p *parser) comparison(shown, name string, holds shape) (node, error) {
	t := p.take()
	op, known := operators[strings.ToLower(strings.TrimPrefix(t.text, "-"))]
	if t.kind != word || !known {
		return nil, fmt.Errorf("an operator is expected at position %d, not '%s'", t.at, t.text)
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	n := test{property: name, op: op, value: value}
	return n.checked(shown, holds)
}

// checked refuses values that do not fit property and operator.
func (n test) checked(shown string, holds shape) (node, error) {
	misfit := fmt.Errorf("the value does not fit the operator -%s and the property '%s'", n.op.name, shown)
	equality := n.op.name == "eq" || n.op.name == "ne"
	_, isBool := n.value.(bool)
	_, isList := n.value.([]string)
	membership := n.op.name == "in" || n.op.name == "notin"
	switch {
	case isList != membership, isBool && (holds != boolean || !equality), n.value == nil && !equality,
		holds == boolean && !isBool && n.value != nil:
		return nil, misfit
	}
	if pattern, isText := n.value.(string); isText && strings.HasSuffix(n.op.name, "match") {
		pattern, err := regexp.Compile("(?i)" + pattern)
		if err != nil {
			return nil, fmt.Errorf("the pattern of -%s is not valid: %w", n.op.name, err)
		}
		n.pattern = pattern
	}
	return n, nil
}

// value is text in quotes, a list of texts, true, false or null.
func (p *parser) value() (any, error) {
	t := p.take()
	if t.kind == quoted {
		return t.text, nil
	}
	switch lower := strings.ToLower(t.text); {
	case t.kind == word && (lower == "true" || lower == "false"):
		return lower == "true", nil
	case t.kind == word && (lower == "null" || lower == "$null"):
		return nil, nil
	case t.kind != punctuation || t.text != "[":
		return nil, fmt.Errorf("a value is expected at position %d, not '%s': write text in quotes", t.at, t.text)
	}
	out := []string{}
	for {
		item := p.take()
		if item.kind != quoted {
			return nil, fmt.Errorf("text in quotes is expected at position %d, not '%s'", item.at, item.text)
		}
		out = append(out, item.text)
		if !p.mark(",") {
			return out, p.expect("]")
		}
	}
}
