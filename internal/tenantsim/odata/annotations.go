// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import "strings"

// The annotations that carry a meaning of their own in a request.
const (
	TypeAnnotation = "@odata.type"
	idAnnotation   = "@odata.id"
	bindSuffix     = "@odata.bind"
	deltaSuffix    = "@delta"
)

// DropAnnotations takes off a request body, at every depth, what says something
// about a member and is none: clients send back what they read. A service ignores
// the annotations that it does not know, wherever they stand (OData JSON format
// 4.01, 4.6 and 20). What stays: the type of an object, which tells its kind and
// must fit; x@odata.bind, which is a relation; x@delta, which is a change that
// nobody may lose; and in a reference the @odata.id that it consists of.
func DropAnnotations(value any, reference bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if isAnnotation(name) && (!reference || name != idAnnotation) {
				delete(v, name)
				continue
			}
			DropAnnotations(inner, false)
		}
	case []any:
		for _, item := range v {
			DropAnnotations(item, false)
		}
	}
}

// isAnnotation reports whether a member only says something about another: it has
// an @ in its name, or is an action that a full answer advertises as
// #microsoft.graph.assign.
func isAnnotation(name string) bool {
	if name == TypeAnnotation || strings.HasSuffix(name, bindSuffix) || strings.HasSuffix(name, deltaSuffix) {
		return false
	}
	return strings.Contains(name, "@") || strings.HasPrefix(name, "#microsoft.graph.")
}
