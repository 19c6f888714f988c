// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// action names the body of an action or function: the package below the
// module's root and the Go type in it.
type action struct{ dir, goName string }

// selection collects what the seeds reach. Properties that hold complex types
// or enums are followed, and every type that derives from a complex type comes
// along. Properties that hold entities are navigation properties: they are
// recorded and not followed, or the whole of Graph would follow.
type selection struct {
	all pkg
	out version
	// types and enums that were taken, by Go name.
	types, enums map[string]bool
	derived      map[string][]string
}

// add takes the type of an OData name. A trailing + takes all that derives
// from it too.
func (s *selection) add(seed string) error {
	name, withDerived := strings.CutSuffix(seed, "+")
	goName, ok := s.goName(name)
	if !ok {
		return fmt.Errorf("type %s is not in the SDK", name)
	}
	s.take(goName)
	if withDerived {
		for _, d := range s.subtypes(goName) {
			s.take(d)
		}
	}
	return nil
}

func (s *selection) goName(name string) (string, bool) {
	goName := strings.ToUpper(name[:1]) + name[1:]
	if _, ok := s.all.types[goName]; ok {
		return goName, true
	}
	for candidate, t := range s.all.types {
		if t.name == name {
			return candidate, true
		}
	}
	return "", false
}

func (s *selection) take(goName string) {
	if s.types == nil {
		s.types, s.enums = map[string]bool{}, map[string]bool{}
	}
	t, ok := s.all.types[goName]
	if !ok || s.types[goName] {
		return
	}
	s.types[goName] = true
	if t.base != "" {
		s.take(t.base)
	}
	if !s.isEntity(goName) {
		for _, d := range s.subtypes(goName) {
			s.take(d)
		}
	}
	for _, name := range sortedKeys(t.properties) {
		s.follow(t.properties[name])
	}
}

// follow takes what a property holds, unless it is an entity.
func (s *selection) follow(p property) {
	switch {
	case p.goType == "":
	case p.enum:
		s.enums[p.goType] = true
	case !s.isEntity(p.goType):
		s.take(p.goType)
	}
}

// isEntity tells whether a type derives from entity or has a key of its own. Types of other model
// packages are never followed and count as entities.
func (s *selection) isEntity(goName string) bool {
	if strings.Contains(goName, ".") {
		return true
	}
	for goName != "" {
		if goName == "Entity" || slices.Contains(rootEntities, goName) {
			return true
		}
		goName = s.all.types[goName].base
	}
	return false
}

// subtypes lists all that derives from a type.
func (s *selection) subtypes(goName string) []string {
	if s.derived == nil {
		s.derived = map[string][]string{}
		for _, name := range sortedKeys(s.all.types) {
			if base := s.all.types[name].base; base != "" {
				s.derived[base] = append(s.derived[base], name)
			}
		}
	}
	var out []string
	for _, d := range s.derived[goName] {
		out = append(append(out, d), s.subtypes(d)...)
	}
	return out
}

// addAction parses one file of a request builder package.
func (s *selection) addAction(root, module string, a action) error {
	one, err := parseFile(filepath.Join(root, a.dir, snake(a.goName)+".go"), module)
	if err != nil {
		return fmt.Errorf("action %s: %w", a.goName, err)
	}
	t, ok := one.types[a.goName]
	if !ok {
		return fmt.Errorf("action %s: the file does not declare it", a.goName)
	}
	t.base = "" // only BaseCollectionPaginationCountResponse, whose members are control information
	for _, p := range t.properties {
		s.follow(p)
	}
	s.out.Actions = append(s.out.Actions, t)
	return nil
}

// snake gives the file name that the generator makes of a Go name.
func snake(goName string) string {
	var b strings.Builder
	for i, r := range goName {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// finish lists what was taken, with the names of OData.
func (s *selection) finish() version {
	v := s.out
	v.sel = s
	for _, goName := range sortedKeys(s.types) {
		v.Types = append(v.Types, s.all.types[goName])
	}
	for _, goName := range sortedKeys(s.enums) {
		if e, ok := s.all.enums[goName]; ok {
			v.Enums = append(v.Enums, namedEnum{lowerFirst(goName), e})
		}
	}
	return v
}

// typeText renders the type of a property: Edm.Int32, graph.group, with [] in
// front of a collection and nav: in front of a navigation property.
func (s *selection) typeText(p property) string {
	text := p.kind
	nav := ""
	if p.goType != "" {
		name := lowerFirst(p.goType)
		if t, ok := s.all.types[p.goType]; ok {
			name = t.name
		}
		text = "graph." + name
		if !p.enum && s.isEntity(p.goType) {
			nav = "nav:"
		}
	}
	if p.collection {
		text = "[]" + text
	}
	return nav + text
}
