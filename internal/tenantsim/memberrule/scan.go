// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package memberrule

import (
	"fmt"
	"strings"
)

type tokenKind int

const (
	end tokenKind = iota
	word
	quoted
	punctuation
)

// token is one piece of a rule and the position, from 1, where it begins.
type token struct {
	kind tokenKind
	text string
	at   int
}

// scan cuts a rule into tokens; the last one is the end.
func scan(rule string) ([]token, error) {
	var out []token
	for i := 0; i < len(rule); {
		switch c := rule[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case strings.IndexByte("()[],", c) >= 0:
			out = append(out, token{punctuation, string(c), i + 1})
			i++
		case c == '"' || c == '\'':
			text, after, err := scanQuoted(rule, i)
			if err != nil {
				return nil, err
			}
			out, i = append(out, token{quoted, text, i + 1}), after
		case isWord(c):
			from := i
			for i < len(rule) && isWord(rule[i]) {
				i++
			}
			out = append(out, token{word, rule[from:i], from + 1})
		default:
			return nil, fmt.Errorf("'%c' is not expected at position %d", c, i+1)
		}
	}
	return append(out, token{end, "end of rule", len(rule) + 1}), nil
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-$", c) >= 0
}

// scanQuoted reads text in double or single quotes. A backtick escapes the
// character after it, and a doubled single quote stands for one.
func scanQuoted(rule string, from int) (text string, after int, err error) {
	var out strings.Builder
	quote := rule[from]
	for i := from + 1; i < len(rule); i++ {
		switch c := rule[i]; {
		case c == '`' && i+1 < len(rule):
			i++
			out.WriteByte(rule[i])
		case c == '\'' && quote == '\'' && i+1 < len(rule) && rule[i+1] == '\'':
			i++
			out.WriteByte(c)
		case c == quote:
			return out.String(), i + 1, nil
		default:
			out.WriteByte(c)
		}
	}
	return "", 0, fmt.Errorf("the text that begins at position %d has no end", from+1)
}
