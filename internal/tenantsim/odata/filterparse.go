// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// ParseFilter parses an OData filter: comparisons, contains, startswith,
// endswith, in, and, or, not and parentheses. Errors say where they are.
func ParseFilter(text string) (Expr, error) {
	if len(text) > maxFilterLength {
		return nil, fmt.Errorf("the filter is %d characters long, at most %d are allowed", len(text), maxFilterLength)
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("the filter is not valid UTF-8")
	}
	p := &filterParser{text: text}
	expr, err := p.disjunction(0)
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.pos < len(p.text) {
		return nil, p.errorf("unexpected text")
	}
	return expr, nil
}

type filterParser struct {
	text string
	pos  int
}

func (p *filterParser) errorf(format string, args ...any) error {
	return fmt.Errorf("syntax error at position %d in '%s': %s", p.pos, p.text, fmt.Sprintf(format, args...))
}

func (p *filterParser) disjunction(depth int) (Expr, error) {
	left, err := p.conjunction(depth)
	for err == nil && p.keyword("or") {
		var right Expr
		if right, err = p.conjunction(depth); err == nil {
			left = Or{left, right}
		}
	}
	return left, err
}

func (p *filterParser) conjunction(depth int) (Expr, error) {
	left, err := p.unary(depth)
	for err == nil && p.keyword("and") {
		var right Expr
		if right, err = p.unary(depth); err == nil {
			left = And{left, right}
		}
	}
	return left, err
}

func (p *filterParser) unary(depth int) (Expr, error) {
	if depth > maxFilterDepth {
		return nil, p.errorf("nested too deeply")
	}
	if p.keyword("not") {
		inner, err := p.unary(depth + 1)
		return Not{inner}, err
	}
	if p.take('(') {
		inner, err := p.disjunction(depth + 1)
		if err == nil && !p.take(')') {
			err = p.errorf("')' expected")
		}
		return inner, err
	}
	return p.comparison()
}

func (p *filterParser) comparison() (Expr, error) {
	name := p.word()
	if name == "" {
		return nil, p.errorf("a property or a function is expected")
	}
	if op, ok := functionOps[strings.ToLower(name)]; ok && p.take('(') {
		return p.function(op)
	}
	if path, isAny := strings.CutSuffix(name, "/any"); isAny && path != "" && p.take('(') {
		return p.lambda(path)
	}
	opText := p.word()
	op, ok := comparisonOps[opText]
	if !ok {
		return nil, p.errorf("'%s' is not an operator", opText)
	}
	if op == In {
		return p.list(name)
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	return &Comparison{Path: name, Op: op, Values: []Literal{value}}, nil
}

func (p *filterParser) function(op Op) (Expr, error) {
	path := p.word()
	if path == "" {
		return nil, p.errorf("a property is expected")
	}
	if !p.take(',') {
		return nil, p.errorf("',' expected")
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	if _, isText := value.Value.(string); !isText {
		return nil, p.errorf("a quoted text is expected")
	}
	if !p.take(')') {
		return nil, p.errorf("')' expected")
	}
	return &Comparison{Path: path, Op: op, Values: []Literal{value}}, nil
}

// lambda reads the rest of path/any(x:x eq 'value').
func (p *filterParser) lambda(path string) (Expr, error) {
	variable := p.word()
	if variable == "" || !p.take(':') || p.word() != variable || p.word() != "eq" {
		return nil, p.errorf("a lambda such as any(x:x eq 'value') is expected")
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	if !p.take(')') {
		return nil, p.errorf("')' expected")
	}
	return &Comparison{Path: path, Op: Any, Values: []Literal{value}}, nil
}

func (p *filterParser) list(path string) (Expr, error) {
	if !p.take('(') {
		return nil, p.errorf("'(' expected after in")
	}
	node := &Comparison{Path: path, Op: In}
	for {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		node.Values = append(node.Values, value)
		if p.take(')') {
			return node, nil
		}
		if !p.take(',') {
			return nil, p.errorf("',' or ')' expected")
		}
	}
}

func (p *filterParser) literal() (Literal, error) {
	p.blanks()
	if p.pos < len(p.text) && p.text[p.pos] == '\'' {
		return p.quoted()
	}
	start := p.pos
	for p.pos < len(p.text) && !strings.ContainsRune(" ,()'", rune(p.text[p.pos])) {
		p.pos++
	}
	text := p.text[start:p.pos]
	switch text {
	case "":
		return Literal{}, p.errorf("a value is expected")
	case "null":
		return Literal{nil}, nil
	case "true", "false":
		return Literal{text == "true"}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Literal{n}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && at.Year() > 0 {
		return Literal{at.UTC()}, nil
	}
	if l, ok := fraction(text); ok {
		return l, nil
	}
	// A bare GUID is legal OData and common in hand-written filters.
	if _, ok := ids.ParseGUID(text); ok {
		return Literal{text}, nil
	}
	return Literal{}, p.errorf("'%s' is not a value; quote text with '", text)
}

func (p *filterParser) quoted() (Literal, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			b.WriteByte(p.text[i])
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.pos = i + 1
		return Literal{b.String()}, nil
	}
	return Literal{}, p.errorf("unterminated text")
}

// word reads a property path or an operator: letters, digits, _, ., @ and /.
func (p *filterParser) word() string {
	p.blanks()
	start := p.pos
	for p.pos < len(p.text) && isWordByte(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func isWordByte(b byte) bool {
	return b == '_' || b == '/' || b == '.' || b == '@' ||
		'0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

// keyword consumes w when it stands alone at the current position.
func (p *filterParser) keyword(w string) bool {
	p.blanks()
	rest := p.text[p.pos:]
	if !strings.HasPrefix(rest, w) {
		return false
	}
	if len(rest) > len(w) && rest[len(w)] != ' ' && rest[len(w)] != '(' {
		return false
	}
	p.pos += len(w)
	return true
}

func (p *filterParser) take(b byte) bool {
	p.blanks()
	if p.pos < len(p.text) && p.text[p.pos] == b {
		p.pos++
		return true
	}
	return false
}

func (p *filterParser) blanks() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

// fraction reads a number that is no whole one; not-a-number and infinity are
// none. Zero, also -0, is the whole number.
func fraction(text string) (Literal, bool) {
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || f-f != 0:
		return Literal{}, false
	case f == 0:
		return Literal{int64(0)}, true
	}
	return Literal{f}, true
}
