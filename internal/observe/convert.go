// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/settings"
)

// definition turns a catalog entry into the plain value that pure packages decide on.
func definition(d *graph.SettingDefinition) settings.Definition {
	if d.Unreadable != nil {
		return settings.Definition{ID: d.ID, Unreadable: true}
	}
	out := settings.Definition{
		ID: d.ID, Name: d.Name, DisplayName: d.DisplayName, CategoryID: d.CategoryID, RootDefinitionID: d.RootDefinitionID,
		Platforms: flags(d.Platform), Technologies: flags(d.Technologies), Kind: d.Kind,
	}
	switch d.Kind {
	case "ChoiceSettingDefinition":
		out.Kind = settings.KindChoice
	case "SimpleSettingDefinition":
		out.Kind = settings.KindSimple
	}
	for _, o := range d.Options {
		option := settings.Option{ItemID: o.ItemID, DisplayName: o.DisplayName}
		if o.Value != nil { // "no value" must not become a text
			option.Value = fmt.Sprint(o.Value)
		}
		out.Options = append(out.Options, option)
	}
	return out
}

// flags splits a flags value; Graph sends it as one comma-joined text (contract a.1).
func flags(text string) []string {
	var out []string
	for _, f := range strings.Split(text, ",") {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// SameSettings reports whether the settings that a policy has are those that it should have. Order does not matter;
// a live setting of a kind that Tidegate never writes makes them different.
func SameSettings(want []settings.Instance, live []graph.Setting) bool {
	have := make([]settings.Instance, 0, len(live))
	for i := range live {
		inst, ok := instance(&live[i].Instance)
		if !ok {
			return false
		}
		have = append(have, inst)
	}
	return sameInstances(want, have)
}

func sameInstances(a, b []settings.Instance) bool {
	if len(a) != len(b) {
		return false
	}
	byID := func(x, y settings.Instance) int { return cmp.Compare(x.DefinitionID, y.DefinitionID) }
	a, b = slices.SortedFunc(slices.Values(a), byID), slices.SortedFunc(slices.Values(b), byID)
	for i := range a {
		if a[i].DefinitionID != b[i].DefinitionID || a[i].Kind != b[i].Kind || a[i].Value != b[i].Value || !sameInstances(a[i].Children, b[i].Children) {
			return false
		}
	}
	return true
}

func instance(s *graph.SettingInstance) (settings.Instance, bool) {
	out := settings.Instance{DefinitionID: s.DefinitionID}
	switch {
	case s.Kind == graph.InstanceChoice && s.Choice != nil:
		out.Kind, out.Value = settings.InstanceChoice, s.Choice.Value
		for i := range s.Choice.Children {
			child, ok := instance(&s.Choice.Children[i])
			if !ok {
				return out, false
			}
			out.Children = append(out.Children, child)
		}
	case s.Kind == graph.InstanceSimple && s.Simple != nil && s.Simple.Kind == graph.SimpleString:
		out.Kind, out.Value = settings.InstanceString, s.Simple.Text
	case s.Kind == graph.InstanceSimple && s.Simple != nil && s.Simple.Kind == graph.SimpleInteger:
		out.Kind, out.Value = settings.InstanceInteger, strconv.FormatInt(s.Simple.Number, 10)
	default:
		return out, false
	}
	return out, true
}
