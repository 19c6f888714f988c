// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fields reads the members of a JSON object and keeps the first fault.
type fields struct {
	doc  Object
	path string // of the object within its definition, with a dot at the end
	err  error
}

func (f *fields) fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%s%s %s", f.path, name, fmt.Sprintf(format, args...))
	}
}

// text reads a string; absent and null are "".
func (f *fields) text(name string) string {
	switch v := f.doc[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		f.fail(name, "is %v: write a text", v)
		return ""
	}
}

// needed reads a string that must be there.
func (f *fields) needed(name string) string {
	out := f.text(name)
	if out == "" {
		f.fail(name, "is missing: write a text")
	}
	return out
}

func (f *fields) boolean(name string) bool {
	switch v := f.doc[name].(type) {
	case nil:
		return false
	case bool:
		return v
	default:
		f.fail(name, "is %v: write true or false", v)
		return false
	}
}

// number reads an integer, or def when there is none.
func (f *fields) number(name string, def int64) int64 {
	v := f.doc[name]
	if v == nil {
		return def
	}
	n, ok := integer(v)
	if !ok {
		f.fail(name, "is %v: write an integer", v)
	}
	return n
}

// object reads a nested object, or nil when there is none.
func (f *fields) object(name string) *fields {
	switch v := f.doc[name].(type) {
	case nil:
		return nil
	case Object:
		return &fields{doc: v, path: f.path + name + "."}
	default:
		f.fail(name, "is %v: write an object", v)
		return nil
	}
}

// each runs do for every object of a list, and takes over its fault.
func (f *fields) each(name string, do func(*fields)) {
	list, ok := f.doc[name].([]any)
	if !ok && f.doc[name] != nil {
		f.fail(name, "is %v: write a list", f.doc[name])
	}
	for i, item := range list {
		doc, ok := item.(Object)
		if !ok {
			f.fail(fmt.Sprintf("%s[%d]", name, i), "is %v: write an object", item)
			return
		}
		inner := &fields{doc: doc, path: fmt.Sprintf("%s%s[%d].", f.path, name, i)}
		do(inner)
		f.adopt(inner)
	}
}

func (f *fields) adopt(inner *fields) {
	if f.err == nil && inner != nil {
		f.err = inner.err
	}
}

// texts reads a list of strings.
func (f *fields) texts(name string) []string {
	list, ok := f.doc[name].([]any)
	if !ok && f.doc[name] != nil {
		f.fail(name, "is %v: write a list of texts", f.doc[name])
	}
	var out []string
	for i, item := range list {
		text, ok := item.(string)
		if !ok {
			f.fail(fmt.Sprintf("%s[%d]", name, i), "is %v: write a text", item)
		}
		out = append(out, text)
	}
	return out
}

// only refuses members that are not in the list.
func (f *fields) only(known ...string) {
	for _, name := range slices.Sorted(maps.Keys(f.doc)) {
		if !slices.Contains(known, name) {
			f.fail(name, "is unknown: write one of %s", strings.Join(known, ", "))
		}
	}
}
