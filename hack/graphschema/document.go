// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// about is the header of the file.
const about = "Types of Microsoft Graph that the endpoints of Tidegate touch. Made by hack/graphschema (make graphschema) from the sources of " +
	"Microsoft's SDKs for Go named below; do not edit. A property reads Edm.X, graph.type or graph.enum, [] in front for a collection, " +
	"nav: in front for a navigation property; flags enums are sent comma-joined. Abstract types, which the SDK does not mark, are listed in " +
	"hack/graphschema/seeds.go with their source."

// document is the file.
type document struct {
	About    string
	Versions []version
}

// version is one version of Graph.
type version struct {
	API, Source string
	Types       []typeDef
	Enums       []namedEnum
	// Actions are bodies of actions and functions, Errors the error envelope.
	Actions, Errors []typeDef

	sel *selection
}

type namedEnum struct {
	name string
	enumDef
}

// render writes the document with one type to a line, so that a new version of
// an SDK reads well as a difference.
func (d document) render() ([]byte, error) {
	var w writer
	w.line("{")
	w.line(`"about": %s,`, d.About)
	for i, v := range d.Versions {
		w.line("%s: {", v.API)
		w.line(`"source": %s,`, v.Source)
		w.section("types", v.Types, v.sel, ",")
		w.section("actions", v.Actions, v.sel, ",")
		w.section("errors", v.Errors, v.sel, ",")
		w.line(`"enums": {`)
		for j, e := range v.Enums {
			w.line("%s: %s"+comma(j, len(v.Enums)), e.name, enumJSON{e.flags, e.members})
		}
		w.line("}")
		w.line("}" + comma(i, len(d.Versions)))
	}
	w.line("}")
	return w.buf.Bytes(), w.err
}

type enumJSON struct {
	Flags   bool     `json:"flags,omitempty"`
	Members []string `json:"members"`
}

type typeJSON struct {
	Base       string            `json:"base,omitempty"`
	Abstract   bool              `json:"abstract,omitempty"`
	Entity     bool              `json:"entity,omitempty"`
	Properties map[string]string `json:"properties"`
}

type writer struct {
	buf bytes.Buffer
	err error
}

// line writes a line; each %s takes the next argument as JSON.
func (w *writer) line(format string, args ...any) {
	for _, a := range args {
		raw, err := json.Marshal(a)
		if err != nil {
			w.err = err
			return
		}
		format = strings.Replace(format, "%s", string(raw), 1)
	}
	w.buf.WriteString(format + "\n")
}

func (w *writer) section(title string, types []typeDef, sel *selection, end string) {
	w.line("%s: {", title)
	for i, t := range types {
		j := typeJSON{Entity: sel.isEntity(t.goName), Abstract: slices.Contains(abstract, t.name), Properties: map[string]string{}}
		if t.base != "" {
			j.Base = sel.all.types[t.base].name
		}
		for name, p := range t.properties {
			j.Properties[name] = sel.typeText(p)
			if title == "errors" { // they live in a package of their own and refer only to each other
				j.Properties[name] = strings.Replace(j.Properties[name], "graph.", "error.", 1)
			}
		}
		w.line("%s: %s"+comma(i, len(types)), t.name, j)
	}
	w.line("}" + end)
}

func comma(i, n int) string {
	if i == n-1 {
		return ""
	}
	return ","
}
