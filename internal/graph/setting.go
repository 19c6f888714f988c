// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// typePrefix starts the type names of the settings catalog (contract a.2).
const typePrefix = "#microsoft.graph.deviceManagementConfiguration"

// InstanceKind is the kind of a setting instance: its OData type without the common prefix.
type InstanceKind string

// The kinds that are modelled. Every other kind is carried as it came, in SettingInstance.Raw.
const (
	InstanceChoice InstanceKind = "ChoiceSettingInstance"
	InstanceSimple InstanceKind = "SimpleSettingInstance"

	// InstanceUnreadable is a setting of a list that does not parse. It cannot be written.
	InstanceUnreadable InstanceKind = "Unreadable"
)

// Setting is one top-level setting of a policy.
type Setting struct {
	// ID is the position that the server gave to the setting, "0" and so on. It is not sent.
	ID string
	// Instance is the setting itself.
	Instance SettingInstance
}

// SettingInstance is a node of a settings tree (contract a.2). What is read can be written again without loss:
// members that are not modelled are kept in Extra, kinds that are not modelled in Raw.
type SettingInstance struct {
	// Kind tells which of the members below holds the value.
	Kind InstanceKind
	// DefinitionID names the setting in the catalog.
	DefinitionID string
	// Choice is the value of an InstanceChoice.
	Choice *ChoiceValue
	// Simple is the value of an InstanceSimple.
	Simple *SimpleValue
	// Raw is the whole JSON object of every other kind: collections and groups. DefinitionID is then only read.
	Raw json.RawMessage
	// Extra holds members of a choice or simple instance that are not modelled, such as template references.
	Extra map[string]json.RawMessage
}

// ChoiceValue is a chosen option and the settings that the option brings along.
type ChoiceValue struct {
	// Value is the item id of an option, never its display text (contract a.2).
	Value string
	// Children are settings below the chosen option.
	Children []SettingInstance
	// Extra holds members that are not modelled.
	Extra map[string]json.RawMessage
}

// SimpleKind is the kind of a simple value: its OData type without the common prefix.
type SimpleKind string

// The simple values that are modelled (contract a.2).
const (
	SimpleString    SimpleKind = "StringSettingValue"
	SimpleInteger   SimpleKind = "IntegerSettingValue"
	SimpleSecret    SimpleKind = "SecretSettingValue"
	SimpleReference SimpleKind = "ReferenceSettingValue"
)

// isText reports whether a kind is known to hold a text.
func (k SimpleKind) isText() bool {
	return k == SimpleString || k == SimpleSecret || k == SimpleReference
}

// SimpleValue is a string, a number, a secret or a reference.
type SimpleValue struct {
	// Kind says which of Text and Number holds the value.
	Kind SimpleKind
	// Text is the value of all kinds but SimpleInteger. A secret that was read is a token that stands for it.
	Text string
	// Number is the value of SimpleInteger.
	Number int64
	// Extra holds members that are not modelled, such as valueState and note; of a kind that nobody knows and that is no
	// text also the value.
	Extra map[string]json.RawMessage
}

// ChoiceSetting returns a setting that chooses an option by its item id.
func ChoiceSetting(definitionID, optionID string, children ...SettingInstance) SettingInstance {
	return SettingInstance{Kind: InstanceChoice, DefinitionID: definitionID, Choice: &ChoiceValue{Value: optionID, Children: children}}
}

// StringSetting returns a setting with a text.
func StringSetting(definitionID, text string) SettingInstance {
	return SettingInstance{Kind: InstanceSimple, DefinitionID: definitionID, Simple: &SimpleValue{Kind: SimpleString, Text: text}}
}

// IntegerSetting returns a setting with a number.
func IntegerSetting(definitionID string, number int64) SettingInstance {
	return SettingInstance{Kind: InstanceSimple, DefinitionID: definitionID, Simple: &SimpleValue{Kind: SimpleInteger, Number: number}}
}

// MarshalJSON renders a setting as the body of a create or an update wants it: without its id, children with
// their types. Equal settings give equal bytes.
func (s Setting) MarshalJSON() ([]byte, error) {
	instance, err := s.Instance.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return object(nil, member{"@odata.type", typePrefix + "Setting"}, member{"settingInstance", json.RawMessage(instance)})
}

// UnmarshalJSON reads a setting of a policy.
func (s *Setting) UnmarshalJSON(raw []byte) error {
	var wire struct {
		ID       string           `json:"id"`
		Instance *SettingInstance `json:"settingInstance"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}
	if wire.Instance == nil {
		return errors.New("a setting has no settingInstance")
	}
	*s = Setting{ID: wire.ID, Instance: *wire.Instance}
	return nil
}

// MarshalJSON renders the instance in a fixed order of members.
func (i SettingInstance) MarshalJSON() ([]byte, error) {
	head := []member{{"@odata.type", typePrefix + string(i.Kind)}, {"settingDefinitionId", i.DefinitionID}}
	switch {
	case i.Kind == InstanceChoice && i.Choice != nil:
		return object(i.Extra, append(head, member{"choiceSettingValue", *i.Choice})...)
	case i.Kind == InstanceSimple && i.Simple != nil:
		return object(i.Extra, append(head, member{"simpleSettingValue", *i.Simple})...)
	case len(i.Raw) > 0:
		return compact(i.Raw)
	}
	return nil, fmt.Errorf("setting %q of kind %q has no value", i.DefinitionID, i.Kind)
}

// UnmarshalJSON reads an instance of any kind.
func (i *SettingInstance) UnmarshalJSON(raw []byte) error {
	members, err := membersOf(raw)
	if err != nil {
		return err
	}
	var typeName string
	if err := take(members, "@odata.type", &typeName); err != nil {
		return err
	}
	out := SettingInstance{Kind: InstanceKind(strings.TrimPrefix(typeName, typePrefix))}
	if err := take(members, "settingDefinitionId", &out.DefinitionID); err != nil {
		return err
	}
	switch out.Kind {
	case InstanceChoice:
		out.Choice = &ChoiceValue{}
		err = take(members, "choiceSettingValue", out.Choice)
	case InstanceSimple:
		out.Simple = &SimpleValue{}
		err = take(members, "simpleSettingValue", out.Simple)
	default:
		out.Raw, err = compact(raw)
		members = nil
	}
	if err != nil {
		return fmt.Errorf("setting %q: %w", out.DefinitionID, err)
	}
	out.Extra = rest(members)
	*i = out
	return nil
}

// MarshalJSON renders the value with its children, which the service wants to see even when there are none.
func (v ChoiceValue) MarshalJSON() ([]byte, error) {
	children := v.Children
	if children == nil {
		children = []SettingInstance{}
	}
	return object(v.Extra, member{"value", v.Value}, member{"children", children})
}

// UnmarshalJSON reads a choice.
func (v *ChoiceValue) UnmarshalJSON(raw []byte) error {
	members, err := membersOf(raw)
	if err != nil {
		return err
	}
	out := ChoiceValue{}
	if err := take(members, "value", &out.Value); err != nil {
		return err
	}
	if err := take(members, "children", &out.Children); err != nil {
		return err
	}
	if len(out.Children) == 0 {
		out.Children = nil
	}
	out.Extra = rest(members)
	*v = out
	return nil
}

// MarshalJSON renders the value with its type, which is what tells a string from a secret (contract a.2).
func (v SimpleValue) MarshalJSON() ([]byte, error) {
	value := any(v.Text)
	if v.Kind == SimpleInteger {
		value = v.Number
	}
	if _, carried := v.Extra["value"]; carried {
		return object(v.Extra, member{"@odata.type", typePrefix + string(v.Kind)})
	}
	return object(v.Extra, member{"@odata.type", typePrefix + string(v.Kind)}, member{"value", value})
}

// UnmarshalJSON reads a simple value.
func (v *SimpleValue) UnmarshalJSON(raw []byte) error {
	members, err := membersOf(raw)
	if err != nil {
		return err
	}
	var typeName string
	if err := take(members, "@odata.type", &typeName); err != nil {
		return err
	}
	out := SimpleValue{Kind: SimpleKind(strings.TrimPrefix(typeName, typePrefix))}
	switch {
	case out.Kind == SimpleInteger:
		err = take(members, "value", &out.Number)
	case out.Kind.isText() || bytes.HasPrefix(members["value"], []byte(`"`)):
		err = take(members, "value", &out.Text)
	}
	if err != nil {
		return err
	}
	out.Extra = rest(members)
	*v = out
	return nil
}

// take decodes a member into v and removes it. A member that is absent or null leaves v as it is.
func take(members map[string]json.RawMessage, name string, v any) error {
	raw, ok := members[name]
	if !ok {
		return nil
	}
	delete(members, name)
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
