// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package filterrule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxLength is the documented limit of a rule (contract f); the limit of nesting
// is ours.
const (
	MaxLength = 3072
	maxDepth  = 32
)

// Parse reads a rule for a platform of devicePlatformType. It is strict: a
// property that the platform does not have, an operator that the property does
// not have and a value that it cannot have are errors.
func Parse(text, platform string) (Rule, error) {
	t, known := platforms[platform]
	switch {
	case !known:
		return Rule{}, fmt.Errorf("no rule can be written for the platform '%s'", platform)
	case !utf8.ValidString(text):
		return Rule{}, fmt.Errorf("the rule is not valid UTF-8")
	case utf8.RuneCountInString(text) > MaxLength:
		return Rule{}, fmt.Errorf("the rule is %d characters long, at most %d are allowed", utf8.RuneCountInString(text), MaxLength)
	}
	p := &parser{text: text, target: t, platform: platform}
	root, err := p.or(0)
	if err != nil {
		return Rule{}, err
	}
	if p.blanks(); p.pos < len(p.text) {
		return Rule{}, p.errorf("unexpected text")
	}
	return Rule{root}, nil
}

type parser struct {
	text     string
	pos      int
	target   target
	platform string
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("syntax error at position %d: %s", p.pos, fmt.Sprintf(format, args...))
}

func (p *parser) or(depth int) (node, error) {
	left, err := p.and(depth)
	for err == nil && p.word("or") {
		var right node
		if right, err = p.and(depth); err == nil {
			left = either{left, right}
		}
	}
	return left, err
}

func (p *parser) and(depth int) (node, error) {
	left, err := p.unary(depth)
	for err == nil && p.word("and") {
		var right node
		if right, err = p.unary(depth); err == nil {
			left = both{left, right}
		}
	}
	return left, err
}

func (p *parser) unary(depth int) (node, error) {
	if depth > maxDepth {
		return nil, p.errorf("nested too deeply")
	}
	if p.word("not") {
		inner, err := p.unary(depth + 1)
		return negation{inner}, err
	}
	if !p.take("(") {
		return p.comparison()
	}
	inner, err := p.or(depth + 1)
	if err == nil && !p.take(")") {
		err = p.errorf("')' expected")
	}
	return inner, err
}

// comparison reads entity.property, an operator with or without its dash, and a
// value. Case matters nowhere (reference page).
func (p *parser) comparison() (node, error) {
	p.blanks()
	entity := p.target.entity()
	if !p.fold(entity + ".") {
		return nil, p.errorf("a property such as %s is expected", Properties(p.platform)[0])
	}
	name := p.letters()
	property, known := p.target.property(name)
	if !known {
		return nil, p.errorf("property '%s.%s' does not exist for the platform %s", entity, name, p.platform)
	}
	out := comparison{entity: entity, property: property}
	p.take("-")
	op := p.letters()
	if op == "" {
		return nil, p.errorf("an operator such as -eq is expected")
	}
	i := slices.IndexFunc(allOperators, func(o string) bool { return strings.EqualFold(o, op) })
	if i < 0 || !slices.Contains(operators[property.kind], allOperators[i]) {
		return nil, p.errorf("operator '-%s' is not supported for %s.%s", op, entity, property.name)
	}
	out.op = allOperators[i]
	if err := p.operand(&out); err != nil {
		return nil, err
	}
	return out, p.choices(out)
}

func (p *parser) choices(of comparison) error {
	choices := of.property.choices(p.target.of)
	for _, v := range of.values {
		if choices != nil && !slices.ContainsFunc(choices, func(w string) bool { return strings.EqualFold(v, w) }) {
			return p.errorf("value '%s' is not one of %s for %s.%s", v, strings.Join(choices, "; "), of.entity, of.property.name)
		}
	}
	return nil
}

// operand reads $null, a list for -in and -notIn, a version or a quoted text.
func (p *parser) operand(out *comparison) error {
	if p.word("$null") || p.word("null") {
		out.null = true
		if out.op != "eq" && out.op != "ne" {
			return p.errorf("$null goes with -eq and -ne only")
		}
		return nil
	}
	if !takesList(out.op) {
		return p.scalar(out)
	}
	if !p.take("[") {
		return p.errorf("a list such as [\"a\",\"b\"] is expected")
	}
	for {
		if err := p.scalar(out); err != nil {
			return err
		}
		if p.take("]") {
			return nil
		}
		if !p.take(",") {
			return p.errorf("',' or ']' expected")
		}
	}
}

// scalar reads one value. A version stands without quotes; -eq and -ne take it
// in quotes as well (both are on the reference page).
func (p *parser) scalar(out *comparison) error {
	p.blanks()
	version := out.property.kind == kindVersion
	if version && (out.op != "eq" && out.op != "ne" || !strings.HasPrefix(p.text[p.pos:], `"`)) {
		return p.version(out)
	}
	if !p.take(`"`) {
		return p.errorf("a text in double quotes is expected")
	}
	end := strings.IndexByte(p.text[p.pos:], '"')
	if end < 0 {
		return p.errorf("unterminated text")
	}
	text := p.text[p.pos : p.pos+end]
	if version && !isVersion(text) {
		return p.errorf("'%s' is not a version such as 10.0.22631.0", text)
	}
	out.values = append(out.values, text)
	p.pos += end + 1
	return nil
}

func (p *parser) version(out *comparison) error {
	start := p.pos
	for p.pos < len(p.text) && (p.text[p.pos] == '.' || '0' <= p.text[p.pos] && p.text[p.pos] <= '9') {
		p.pos++
	}
	text := p.text[start:p.pos]
	if !isVersion(text) {
		return p.errorf("a version without quotes such as 10.0.22631.0 is expected")
	}
	out.values = append(out.values, text)
	return nil
}

func isVersion(text string) bool {
	for number := range strings.SplitSeq(text, ".") {
		if _, err := strconv.ParseUint(number, 10, 31); err != nil {
			return false
		}
	}
	return true
}

func (p *parser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// take consumes a token after blanks.
func (p *parser) take(token string) bool {
	p.blanks()
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

// fold consumes a token in any case.
func (p *parser) fold(token string) bool {
	if len(p.text)-p.pos < len(token) || !strings.EqualFold(p.text[p.pos:p.pos+len(token)], token) {
		return false
	}
	p.pos += len(token)
	return true
}

// word consumes a keyword in any case, with or without a dash before it, that is
// not the beginning of a longer word.
func (p *parser) word(word string) bool {
	p.blanks()
	start := p.pos
	if strings.HasPrefix(p.text[p.pos:], "-") {
		p.pos++
	}
	if !p.fold(word) || p.pos < len(p.text) && isLetter(p.text[p.pos]) {
		p.pos = start
		return false
	}
	return true
}

func (p *parser) letters() string {
	start := p.pos
	for p.pos < len(p.text) && isLetter(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func isLetter(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_'
}
