// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRuleLength is the documented limit of a rule (contract f); the depth limit
// is ours.
const (
	maxRuleLength = 3072
	maxRuleDepth  = 32
)

// deviceRule is a node of a parsed assignment filter rule.
type deviceRule interface {
	matches(deviceView) bool
	String() string
}

type (
	ruleAnd        struct{ left, right deviceRule }
	ruleOr         struct{ left, right deviceRule }
	ruleNot        struct{ inner deviceRule }
	ruleComparison struct {
		property string
		op       string
		values   []string // empty with null
		null     bool
		list     bool
	}
)

func (r ruleAnd) matches(v deviceView) bool { return r.left.matches(v) && r.right.matches(v) }
func (r ruleOr) matches(v deviceView) bool  { return r.left.matches(v) || r.right.matches(v) }
func (r ruleNot) matches(v deviceView) bool { return !r.inner.matches(v) }

func (r ruleAnd) String() string { return "(" + r.left.String() + " and " + r.right.String() + ")" }
func (r ruleOr) String() string  { return "(" + r.left.String() + " or " + r.right.String() + ")" }
func (r ruleNot) String() string { return "not (" + r.inner.String() + ")" }

func (r ruleComparison) String() string {
	return "(device." + r.property + " -" + r.op + " " + r.value() + ")"
}

func (r ruleComparison) value() string {
	quoted := make([]string, len(r.values))
	for i, v := range r.values {
		if quoted[i] = v; r.property != versionProperty {
			quoted[i] = `"` + v + `"`
		}
	}
	switch {
	case r.null:
		return "$null"
	case r.list:
		return "[" + strings.Join(quoted, ",") + "]"
	default:
		return quoted[0]
	}
}

const versionProperty = "operatingSystemVersion"

// Operators of contract f; the ordering ones belong to operatingSystemVersion.
var (
	ruleTextOps    = []string{"eq", "ne", "startsWith", "contains", "notContains", "in", "notIn"}
	ruleChoiceOps  = []string{"eq", "ne", "in", "notIn"}
	ruleVersionOps = []string{"eq", "ne", "gt", "ge", "lt", "le"}
	ruleOps        = append(slices.Clone(ruleTextOps), "gt", "ge", "lt", "le")
)

// ruleProperty is a property of managed devices that a rule can name.
type ruleProperty struct {
	ops    []string
	values []string // closed set; nil: any text
	get    func(deviceView) string
}

var ruleProperties = map[string]ruleProperty{
	"deviceName":     {ops: ruleTextOps, get: deviceView.name},
	"manufacturer":   {ops: ruleTextOps, get: func(v deviceView) string { return v.d.manufacturer() }},
	"model":          {ops: ruleTextOps, get: func(v deviceView) string { return v.d.modelName() }},
	"deviceCategory": {ops: ruleTextOps, get: func(deviceView) string { return "" }},
	"osVersion":      {ops: ruleTextOps, get: func(v deviceView) string { return v.d.release().version }},
	versionProperty:  {ops: ruleVersionOps, get: func(v deviceView) string { return v.d.release().version }},
	"deviceOwnership": {ops: ruleChoiceOps, values: []string{"Personal", "Corporate"}, get: func(v deviceView) string {
		return ownership(v.d, "Corporate", "Personal")
	}},
	"isRooted":              {ops: ruleChoiceOps, values: []string{"True", "False", "Unknown"}, get: func(deviceView) string { return "Unknown" }},
	"enrollmentProfileName": {ops: ruleTextOps, get: func(deviceView) string { return "" }},
	"operatingSystemSKU": {ops: ruleTextOps, get: func(v deviceView) string {
		if v.d.platform == platformWindows {
			return "Enterprise"
		}
		return ""
	}},
	"cpuArchitecture": {ops: ruleChoiceOps, values: []string{"x86", "amd64", "arm64", "unknown"}, get: func(v deviceView) string {
		if v.d.platform == platformMacOS {
			return "arm64"
		}
		return "amd64"
	}},
	"deviceTrustType": {ops: ruleChoiceOps, values: []string{"Azure AD joined", "Azure AD registered", "Hybrid Azure AD joined", "Unknown"}, get: func(v deviceView) string {
		return map[string]string{"AzureAd": "Azure AD joined", "Workplace": "Azure AD registered", "ServerAd": "Hybrid Azure AD joined"}[v.trustType()]
	}},
	"deviceManagementType": {ops: ruleTextOps, get: func(deviceView) string { return "MDM" }}, // ASSUMED value
}

func (r ruleComparison) matches(v deviceView) bool {
	got := ruleProperties[r.property].get(v)
	if r.null {
		return (got == "") == (r.op == "eq")
	}
	switch r.op {
	case "ne", "notIn", "notContains":
		positive := r
		positive.op = map[string]string{"ne": "eq", "notIn": "in", "notContains": "contains"}[r.op]
		return !positive.matches(v)
	}
	return slices.ContainsFunc(r.values, func(want string) bool { return compareRule(got, r.op, want, r.property == versionProperty) })
}

// compareRule compares text without regard to case, versions by number.
func compareRule(got, op, want string, version bool) bool {
	if version {
		order := compareVersions(got, want)
		return map[string]bool{"eq": order == 0, "gt": order > 0, "ge": order >= 0, "lt": order < 0, "le": order <= 0}[op]
	}
	got, want = strings.ToLower(got), strings.ToLower(want)
	switch op {
	case "startsWith":
		return strings.HasPrefix(got, want)
	case "contains":
		return strings.Contains(got, want)
	default:
		return got == want
	}
}

// compareVersions compares dotted numbers; missing parts are 0.
func compareVersions(a, b string) int {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(left), len(right)) {
		if d := part(left, i) - part(right, i); d != 0 {
			return d
		}
	}
	return 0
}

func part(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, err := strconv.Atoi(parts[i])
	if err != nil {
		return 0
	}
	return n
}

// ruleParser reads a rule such as
// (device.deviceOwnership -eq "Corporate") and (device.model -in ["a","b"]).
type ruleParser struct {
	text string
	pos  int
}

// parseRule parses a rule strictly: unknown properties, operators that a
// property does not have and values outside a closed set are errors.
func parseRule(text string) (deviceRule, error) {
	switch {
	case len(text) > maxRuleLength:
		return nil, fmt.Errorf("the rule is %d characters long, at most %d are allowed", len(text), maxRuleLength)
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("the rule is not valid UTF-8")
	}
	p := &ruleParser{text: text}
	rule, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.pos < len(p.text) {
		return nil, p.errorf("unexpected text")
	}
	return rule, nil
}

func (p *ruleParser) errorf(format string, args ...any) error {
	return fmt.Errorf("syntax error at position %d: %s", p.pos, fmt.Sprintf(format, args...))
}

func (p *ruleParser) or(depth int) (deviceRule, error) {
	left, err := p.and(depth)
	for err == nil && p.word("or") {
		var right deviceRule
		if right, err = p.and(depth); err == nil {
			left = ruleOr{left, right}
		}
	}
	return left, err
}

func (p *ruleParser) and(depth int) (deviceRule, error) {
	left, err := p.unary(depth)
	for err == nil && p.word("and") {
		var right deviceRule
		if right, err = p.unary(depth); err == nil {
			left = ruleAnd{left, right}
		}
	}
	return left, err
}

func (p *ruleParser) unary(depth int) (deviceRule, error) {
	if depth > maxRuleDepth {
		return nil, p.errorf("nested too deeply")
	}
	if p.word("not") {
		inner, err := p.unary(depth + 1)
		return ruleNot{inner}, err
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

func (p *ruleParser) comparison() (deviceRule, error) {
	if !p.take("device.") {
		return nil, p.errorf("a property such as device.deviceName is expected")
	}
	out := ruleComparison{property: p.letters()}
	property, known := ruleProperties[out.property]
	if !known {
		return nil, p.errorf("property 'device.%s' does not exist", out.property)
	}
	if !p.take("-") {
		return nil, p.errorf("an operator such as -eq is expected")
	}
	op := p.letters()
	i := slices.IndexFunc(ruleOps, func(o string) bool { return strings.EqualFold(o, op) })
	if i < 0 || !slices.Contains(property.ops, ruleOps[i]) {
		return nil, p.errorf("operator '-%s' is not supported for device.%s", op, out.property)
	}
	out.op = ruleOps[i]
	if err := p.operand(&out); err != nil {
		return nil, err
	}
	for _, v := range out.values {
		if property.values != nil && !slices.ContainsFunc(property.values, func(w string) bool { return strings.EqualFold(v, w) }) {
			return nil, p.errorf("value '%s' is not one of %v for device.%s", v, property.values, out.property)
		}
	}
	return out, nil
}

// operand reads $null, a list for -in and -notIn, a version or a quoted text.
func (p *ruleParser) operand(out *ruleComparison) error {
	if p.take("$null") {
		out.null = true
		if out.op != "eq" && out.op != "ne" {
			return p.errorf("$null goes with -eq and -ne only")
		}
		return nil
	}
	out.list = out.op == "in" || out.op == "notIn"
	if !out.list {
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

func (p *ruleParser) scalar(out *ruleComparison) error {
	p.blanks()
	if out.property == versionProperty {
		return p.version(out)
	}
	if !p.take(`"`) {
		return p.errorf("a text in double quotes is expected")
	}
	end := strings.IndexByte(p.text[p.pos:], '"')
	if end < 0 {
		return p.errorf("unterminated text")
	}
	out.values = append(out.values, p.text[p.pos:p.pos+end])
	p.pos += end + 1
	return nil
}

func (p *ruleParser) version(out *ruleComparison) error {
	start := p.pos
	for p.pos < len(p.text) && (p.text[p.pos] == '.' || '0' <= p.text[p.pos] && p.text[p.pos] <= '9') {
		p.pos++
	}
	text := p.text[start:p.pos]
	for number := range strings.SplitSeq(text, ".") {
		if _, err := strconv.ParseUint(number, 10, 31); err != nil {
			return p.errorf("a version without quotes such as 10.0.22631.0 is expected")
		}
	}
	out.values = append(out.values, text)
	return nil
}

func (p *ruleParser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *ruleParser) take(token string) bool {
	p.blanks()
	if strings.HasPrefix(p.text[p.pos:], token) {
		p.pos += len(token)
		return true
	}
	return false
}

// word consumes a keyword that stands alone, in either case.
func (p *ruleParser) word(w string) bool {
	p.blanks()
	start := p.pos
	if strings.EqualFold(p.letters(), w) {
		return true
	}
	p.pos = start
	return false
}

func (p *ruleParser) letters() string {
	start := p.pos
	for p.pos < len(p.text) && (p.text[p.pos]|0x20 >= 'a' && p.text[p.pos]|0x20 <= 'z') {
		p.pos++
	}
	return p.text[start:p.pos]
}
