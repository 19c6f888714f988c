// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// fill sets the instances of m for value. A toggle gets its inverse and its
// restrictive value as well, when the definition has them. The error says what the
// definition lacks.
func (m *match) fill(value string, t target) error {
	toggle := value == string(v1alpha1.Enabled) || value == string(v1alpha1.Disabled)
	switch {
	case m.def.Kind == KindChoice && toggle:
		return m.fillToggle(value == string(v1alpha1.Enabled))
	case m.def.Kind == KindChoice:
		return m.fillChoice(value)
	case m.def.Kind == KindSimple && toggle && m.def.ValueKind == InstanceInteger:
		on, off := m.instance(InstanceInteger, "1"), m.instance(InstanceInteger, "0")
		m.allow, m.hold, m.baseline = on, &off, &off
		if value == string(v1alpha1.Disabled) {
			m.allow, m.hold = off, &on
		}
		return nil
	case m.def.Kind == KindSimple && !toggle && m.def.ValueKind != InstanceInteger:
		m.allow = m.instance(InstanceString, value)
		return nil
	default:
		return fmt.Errorf("a %s definition cannot carry %q on %s", kindName(m.def), value, t.platform)
	}
}

func kindName(d Definition) string {
	if d.Kind == KindSimple {
		return strings.TrimSpace(d.Kind + " " + string(d.ValueKind))
	}
	if d.Kind == "" {
		return "kindless"
	}
	return d.Kind
}

func (m *match) instance(kind InstanceKind, value string) Instance {
	return Instance{DefinitionID: m.def.ID, Kind: kind, Value: value}
}

func (m *match) fillToggle(enabled bool) error {
	want, ok := toggleOption(m.def, enabled)
	if !ok {
		return fmt.Errorf("no single option means %s; it has %s", toggleWord(enabled), optionNames(m.def))
	}
	m.allow = m.instance(InstanceChoice, want.ItemID)
	if off, ok := toggleOption(m.def, false); ok {
		baseline := m.instance(InstanceChoice, off.ItemID)
		m.baseline = &baseline
	}
	if inverse, ok := toggleOption(m.def, !enabled); ok {
		hold := m.instance(InstanceChoice, inverse.ItemID)
		m.hold = &hold
	}
	return nil
}

func (m *match) fillChoice(value string) error {
	for _, o := range m.def.Options {
		if strings.EqualFold(o.Value, value) || strings.EqualFold(o.DisplayName, value) || strings.EqualFold(suffix(o, m.def), value) {
			m.allow = m.instance(InstanceChoice, o.ItemID)
			return nil
		}
	}
	return fmt.Errorf("no option means %s; it has %s", value, optionNames(m.def))
}

// toggleOption finds the one option that means enabled, or disabled. An option
// speaks by its id's ending (_1 and _0 on Windows, _true and _false on macOS, as
// captured), its value and its display name; one that contradicts itself means
// nothing, because writing the opposite of what was asked is worse than not
// writing.
func toggleOption(d Definition, enabled bool) (Option, bool) {
	var found []Option
	for _, o := range d.Options {
		on, off := false, false
		for _, word := range []string{suffix(o, d), o.Value, o.DisplayName} {
			on = on || slices.Contains(wordsOn, strings.ToLower(word))
			off = off || slices.Contains(wordsOff, strings.ToLower(word))
		}
		if on != off && on == enabled {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return Option{}, false
	}
	return found[0], true
}

var (
	wordsOn  = []string{"1", "true", "enabled", "enable", "on", "yes", "allow", "allowed", "<enabled/>"}
	wordsOff = []string{"0", "false", "disabled", "disable", "off", "no", "block", "blocked", "<disabled/>"}
)

// suffix is what an option's item id adds to the definition id (contract a.2).
func suffix(o Option, d Definition) string {
	rest, ok := strings.CutPrefix(strings.ToLower(o.ItemID), strings.ToLower(d.ID)+"_")
	if !ok {
		return ""
	}
	return rest
}

func toggleWord(enabled bool) string {
	if enabled {
		return string(v1alpha1.Enabled)
	}
	return string(v1alpha1.Disabled)
}

func optionNames(d Definition) string {
	if len(d.Options) == 0 {
		return "no options"
	}
	names := make([]string, 0, len(d.Options))
	for _, o := range d.Options {
		names = append(names, fmt.Sprintf("%q", o.DisplayName))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
