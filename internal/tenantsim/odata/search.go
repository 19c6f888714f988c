// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"slices"
	"strings"
)

// Search is $search on directory objects: every word of the text begins a
// word of the property.
type Search struct {
	Path, Text string
}

// Eval holds when every word of the text begins a word of the property.
func (e Search) Eval(get func(string) any) bool {
	value, ok := get(e.Path).(string)
	if !ok {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(value), notInWord)
	for _, want := range strings.FieldsFunc(strings.ToLower(e.Text), notInWord) {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, want) }) {
			return false
		}
	}
	return true
}

func notInWord(r rune) bool { return strings.ContainsRune(" -_.@", r) }

// Walk visits nothing: a search compares no property in the sense of $filter.
func (e Search) Walk(func(*Comparison)) {}
func (e Search) String() string         { return "search(" + e.Path + ",'" + e.Text + "')" }
