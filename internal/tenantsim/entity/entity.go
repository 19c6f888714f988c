// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package entity

import (
	"github.com/tidegate/tidegate/internal/tenantsim/metadata"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Property describes one member of an entity type: how to read it, and which
// filter operators the service accepts on it.
type Property[T any] struct {
	Name string
	Ops  odata.Op
	Get  func(T) any
	// Beta hides the member from v1.0, Stable from beta.
	Beta, Stable bool
	// Hidden members are returned only when $select names them.
	Hidden bool
	// Sort allows the member in $orderby.
	Sort bool
}

// Exists reports whether a version has the member.
func (p *Property[T]) Exists(beta bool) bool {
	if beta {
		return !p.Stable
	}
	return !p.Beta
}

// Type describes a type of object: its name and its members in order.
type Type[T any] struct {
	Name       string // such as microsoft.graph.group
	Properties []Property[T]
}

// Lookup finds a member of a version; nil when it has none of the name.
func (e *Type[T]) Lookup(name string, beta bool) *Property[T] {
	for i := range e.Properties {
		p := &e.Properties[i]
		if p.Name == name && p.Exists(beta) {
			return p
		}
	}
	return nil
}

// Projection returns the members that a request asks for; selected empty means
// the default set. Every member that the metadata has can be selected
// (third-party 6): those that the simulator does not fill have no value.
func (e *Type[T]) Projection(c *odata.Request, selected []string) ([]*Property[T], error) {
	var out []*Property[T]
	for i := range e.Properties {
		p := &e.Properties[i]
		if len(selected) == 0 && !p.Hidden && p.Exists(c.Beta) {
			out = append(out, p)
		}
	}
	for _, name := range selected {
		p, known := e.Selectable(name, c.Version)
		if !known {
			return nil, c.BadRequest("Parsing OData Select and Expand failed: Could not find a property named '%s' on type '%s'.", name, e.Name)
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// Selectable finds a member for $select. A navigation can be selected and is in
// no body: known, without a property.
func (e *Type[T]) Selectable(name, version string) (p *Property[T], known bool) {
	if p := e.Lookup(name, version == "beta"); p != nil {
		return p, true
	}
	switch kind := metadata.Of(version, e.Name, name); kind {
	case metadata.None:
		return nil, false
	case metadata.Navigation:
		return nil, true
	default:
		return &Property[T]{Name: name, Get: func(T) any { return Unset(kind) }}, true
	}
}

// Render is an object with the given members.
func Render[T any](item T, members []*Property[T]) map[string]any {
	out := make(map[string]any, len(members)+1)
	for _, p := range members {
		out[p.Name] = p.Get(item)
	}
	return out
}

// getter adapts the entity to filter evaluation. Unknown paths were refused
// before, so they read as nil.
func (e *Type[T]) getter(c *odata.Request, item T) func(string) any {
	return func(path string) any {
		if p := e.Lookup(path, c.Beta); p != nil {
			return p.Get(item)
		}
		return nil
	}
}

// Support tells of a path which operators a filter may apply to it, and whether it exists.
func (e *Type[T]) Support(c *odata.Request) func(string) (odata.Op, bool) {
	return func(path string) (odata.Op, bool) {
		if p := e.Lookup(path, c.Beta); p != nil {
			return p.Ops, true
		}
		return 0, false
	}
}

// Unset is what a member without a value holds.
func Unset(kind metadata.Kind) any {
	if kind == metadata.Collection {
		return []any{}
	}
	return nil
}
