// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"bytes"
	_ "embed" // holds the types
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed schema.json
var document []byte

// Schema is the types of one version of Graph.
type Schema struct {
	// Source names the SDK that the types come from.
	Source string `json:"source"`
	// Types are the structured types by OData name.
	Types map[string]*Type `json:"types"`
	// Actions are the bodies of actions and functions, Errors the error envelope.
	Actions map[string]*Type `json:"actions"`
	Errors  map[string]*Type `json:"errors"`
	// Enums are the enumerations by OData name.
	Enums map[string]*Enum `json:"enums"`
}

// Type is one structured type.
type Type struct {
	// Base is the type that this one derives from; empty for a root.
	Base string `json:"base"`
	// Abstract types need @odata.type wherever they are declared.
	Abstract bool `json:"abstract"`
	// Entity types have a key and are reached by navigation.
	Entity bool `json:"entity"`
	// Properties are the type's own: their types as schema.json writes them.
	Properties map[string]string `json:"properties"`
}

// Enum is one enumeration.
type Enum struct {
	// Flags enums are sent as several members joined by commas.
	Flags bool `json:"flags"`
	// Members as they are sent.
	Members []string `json:"members"`
}

// versions is the parsed document.
var versions = sync.OnceValues(func() (map[string]*Schema, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, fmt.Errorf("schema.json: %w", err)
	}
	out := map[string]*Schema{}
	for _, name := range []string{"beta", "v1.0"} {
		d := json.NewDecoder(bytes.NewReader(raw[name]))
		d.DisallowUnknownFields()
		s := &Schema{}
		if err := d.Decode(s); err != nil {
			return nil, fmt.Errorf("schema.json: %s: %w", name, err)
		}
		out[name] = s
	}
	return out, nil
})

// Load returns the schema of a version of Graph: beta or v1.0.
func Load(version string) (*Schema, error) {
	all, err := versions()
	if err != nil {
		return nil, err
	}
	s, ok := all[version]
	if !ok {
		return nil, fmt.Errorf("graph has no version %q: beta and v1.0 are known", version)
	}
	return s, nil
}

// find returns the type of a name, which may be graph.x, action.x or error.x.
func (s *Schema) find(name string) (*Type, bool) {
	section, plain, ok := strings.Cut(name, ".")
	if !ok {
		return nil, false
	}
	from := map[string]map[string]*Type{"graph": s.Types, "action": s.Actions, "error": s.Errors}[section]
	t, ok := from[plain]
	return t, ok
}

// property looks a member up in a type and its bases.
func (s *Schema) property(t *Type, name string) (string, bool) {
	for t != nil {
		if p, ok := t.Properties[name]; ok {
			return p, true
		}
		t = s.Types[t.Base]
	}
	return "", false
}

// properties lists all members of a type, for an error message.
func (s *Schema) properties(t *Type) []string {
	var out []string
	for t != nil {
		for name := range t.Properties {
			out = append(out, name)
		}
		t = s.Types[t.Base]
	}
	slices.Sort(out)
	return out
}

// derives tells whether a type is another or derives from it.
func (s *Schema) derives(name, from string) bool {
	for name != "" {
		if name == from {
			return true
		}
		t, ok := s.Types[name]
		if !ok {
			return false
		}
		name = t.Base
	}
	return false
}
