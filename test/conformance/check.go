// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// Answer is what came back for a row.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Check tells whether an answer meets a check. A check is one of
//
//	path           the body has the path, and it is not null
//	!path          the body has not the path
//	path=json      it has this value
//	path~text      it is text that contains this
//	!path~text     it is text that does not
//	path#n         it is an array of n elements; #>n of more
//	header:name    the header is there; header:name~text contains the text
//	!header:name   the header is not there
//	body~text      the raw body contains the text
//	empty          there is no body
//
// A path is as Lookup has it.
func Check(a Answer, check string) error {
	if check == "empty" {
		if len(bytes.TrimSpace(a.Body)) > 0 {
			return fmt.Errorf("there is a body: %.200s", a.Body)
		}
		return nil
	}
	if rest, ok := strings.CutPrefix(check, "header:"); ok {
		name, text, _ := strings.Cut(rest, "~")
		if got := a.Header.Get(name); got == "" || !strings.Contains(got, text) {
			return fmt.Errorf("header %s is %q", name, got)
		}
		return nil
	}
	if name, ok := strings.CutPrefix(check, "!header:"); ok {
		if got := a.Header.Get(name); got != "" {
			return fmt.Errorf("header %s is there: %q", name, got)
		}
		return nil
	}
	if text, ok := strings.CutPrefix(check, "body~"); ok {
		if !bytes.Contains(a.Body, []byte(text)) {
			return fmt.Errorf("the body lacks %q: %.200s", text, a.Body)
		}
		return nil
	}
	return checkValue(a, check)
}

func checkValue(a Answer, check string) error {
	absent := strings.HasPrefix(check, "!")
	check = strings.TrimPrefix(check, "!")
	at := strings.IndexAny(check, "=~#")
	path, operator, operand := check, byte(0), ""
	if at >= 0 {
		path, operator, operand = check[:at], check[at], check[at+1:]
	}
	value, err := Lookup(a.Body, path)
	if absent && operator == '~' {
		if text, ok := value.(string); !ok || strings.Contains(text, operand) {
			return fmt.Errorf("%s is %v, want text without %q", path, value, operand)
		}
		return nil
	}
	if absent {
		if err == nil {
			return fmt.Errorf("%s is there: %v", path, value)
		}
		return nil
	}
	if err != nil {
		return err
	}
	return compare(path, value, operator, operand)
}

func compare(path string, value any, operator byte, operand string) error {
	switch operator {
	case '=':
		var want any
		if err := json.Unmarshal([]byte(operand), &want); err != nil {
			return fmt.Errorf("the check of %s is no JSON: %w", path, err)
		}
		if !reflect.DeepEqual(value, want) {
			return fmt.Errorf("%s is %v, want %v", path, value, want)
		}
	case '~':
		if text, ok := value.(string); !ok || !strings.Contains(text, operand) {
			return fmt.Errorf("%s is %v, want text with %q", path, value, operand)
		}
	case '#':
		list, ok := value.([]any)
		least, more := strings.CutPrefix(operand, ">")
		n, err := strconv.Atoi(least)
		switch {
		case err != nil:
			return fmt.Errorf("the check of %s has no number: %w", path, err)
		case !ok, more && len(list) <= n, !more && len(list) != n:
			return fmt.Errorf("%s is %v, want an array of %s", path, value, operand)
		}
	default:
		if value == nil {
			return fmt.Errorf("%s is null", path)
		}
	}
	return nil
}

// errNoValue says that a body has no value at a path.
var errNoValue = errors.New("no value")

// Lookup finds a value in a JSON body. Dots separate members, except where a
// member's own name holds them, as @odata.nextLink does.
func Lookup(body []byte, path string) (any, error) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("the body is no JSON (%w): %.200s", err, body)
	}
	for rest := path; rest != ""; {
		next, remaining, err := step(v, rest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w in %.300s", path, err, body)
		}
		v, rest = next, remaining
	}
	return v, nil
}

// step takes the longest member name that the rest of the path begins with.
func step(v any, rest string) (next any, remaining string, err error) {
	switch x := v.(type) {
	case map[string]any:
		for end := len(rest); end > 0; end = strings.LastIndexByte(rest[:end], '.') {
			if value, ok := x[rest[:end]]; ok {
				return value, strings.TrimPrefix(rest[end:], "."), nil
			}
		}
	case []any:
		index, after, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(x) {
			return x[i], after, nil
		}
	}
	return nil, "", errNoValue
}
