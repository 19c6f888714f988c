// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// choice checks the option and the children that come with it. Its value carries
// no type: the declared one is not annotated (captured; third-party 1).
func (b *settingsBuilder) choice(d *definition, in object) (object, string, error) {
	if err := b.onlyMembers(in, "ChoiceSettingValue", "value", "children"); err != nil {
		return nil, "", err
	}
	itemID, isText := in["value"].(string)
	chosen := d.Option(itemID)
	if !isText || chosen == nil {
		return nil, "", b.c.badRequest("Setting value '%v' is not an option of setting '%s': send the itemId of an option.", in["value"], d.ID)
	}
	if d.Kind == catalog.Choice {
		b.policy.values[d.ID] = itemID // a child of the same id would be the setting once more
	}
	children, err := b.children(d, chosen.Children, chosen.Needs, in["children"])
	if err != nil {
		return nil, "", err
	}
	return object{"value": itemID, "children": children}, itemID, nil
}

// group checks the settings of one group: any of the definition's children, each
// once, and those that it must have. Its value carries no type, as a choice's.
func (b *settingsBuilder) group(d *definition, in object) (object, string, error) {
	if err := b.onlyMembers(in, "GroupSettingValue", "children"); err != nil {
		return nil, "", err
	}
	if len(objects(in["children"])) == 0 {
		return nil, "", b.emptyGroup(d)
	}
	children, err := b.children(d, d.Children, d.Required, in["children"])
	if err != nil {
		return nil, "", err
	}
	return object{"children": children}, fmt.Sprint(children), nil
}

// children checks the instances below an option or in a group. Relations are
// recorded on the parent (contract a.2).
func (b *settingsBuilder) children(parent *definition, allowed, needed []string, in any) ([]object, error) {
	list, isList := in.([]any)
	if in != nil && !isList || len(objects(in)) != len(list) {
		return nil, b.c.badRequest("Property 'children' of setting '%s' must be a collection of setting instances.", parent.ID) // ASSUMED text
	}
	children, given := []object{}, map[string]bool{}
	for _, child := range objects(in) {
		d, err := b.definition(child)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(allowed, d.ID) {
			return nil, b.c.badRequest("Setting contains parent setting that are not present in the policy. Setting: %s", d.ID)
		}
		out, err := b.instance(d, child, false)
		if err != nil {
			return nil, err
		}
		given[d.ID] = true
		children = append(children, out)
	}
	for _, id := range needed {
		if !given[id] { // ASSUMED text
			return nil, b.c.badRequest("Setting '%s' requires the child setting '%s', which is not present in the policy.", parent.ID, id)
		}
	}
	return children, nil
}

// simple checks a text, a number, a secret or a reference. The type annotation
// is not optional: it carries the kind (contract a.2).
func (b *settingsBuilder) simple(d *definition, in object) (object, string, error) {
	kinds := simpleKinds[d.Value.Kind]
	for _, kind := range kinds {
		if in["@odata.type"] == typePrefix+kind {
			return simpleReaders[kind](b, d, in)
		}
	}
	return nil, "", b.c.badRequest("Setting value of '%s' must carry '@odata.type': '%s'.", d.ID, typePrefix+kinds[0])
}

// simpleKinds are the types of value that a rule takes, the expected one first.
// A reference is a text in metadata; that a secret takes no plain text is ASSUMED.
var simpleKinds = map[catalog.ValueKind][]string{
	catalog.TextValue:    {"StringSettingValue", "ReferenceSettingValue"},
	catalog.IntegerValue: {"IntegerSettingValue"},
	catalog.SecretValue:  {"SecretSettingValue"},
	catalog.AnyValue:     {"StringSettingValue", "ReferenceSettingValue", "IntegerSettingValue", "SecretSettingValue"},
}

var simpleReaders = map[string]valueReader{
	"StringSettingValue": (*settingsBuilder).textValue, "ReferenceSettingValue": (*settingsBuilder).referenceValue,
	"IntegerSettingValue": (*settingsBuilder).integerValue, "SecretSettingValue": (*settingsBuilder).secretValue,
}

func (b *settingsBuilder) textValue(d *definition, in object) (object, string, error) {
	if err := b.onlyMembers(in, "StringSettingValue", "value"); err != nil {
		return nil, "", err
	}
	value, err := b.boundedText(d, in["value"])
	return object{"@odata.type": in["@odata.type"], "value": value}, value, err
}

func (b *settingsBuilder) referenceValue(d *definition, in object) (object, string, error) {
	if err := b.onlyMembers(in, "ReferenceSettingValue", "value", "note"); err != nil {
		return nil, "", err
	}
	if _, isText := in["note"].(string); in["note"] != nil && !isText {
		return nil, "", b.c.badRequest("Property 'note' of the value of setting '%s' is not text.", d.ID) // ASSUMED text
	}
	value, err := b.boundedText(d, in["value"])
	return object{"@odata.type": in["@odata.type"], "value": value, "note": in["note"]}, value, err
}

// boundedText checks the length of a text. The words of the refusal are ASSUMED.
func (b *settingsBuilder) boundedText(d *definition, in any) (string, error) {
	value, isText := in.(string)
	low, high := d.Value.Low, d.Value.High
	if d.Value.Kind == catalog.AnyValue {
		low, high = 0, math.MaxInt32
	}
	if n := int64(utf8.RuneCountInString(value)); !isText || n < low || n > high {
		return "", b.c.badRequest("Value of setting '%s' is not text of %d to %d characters.", d.ID, low, high)
	}
	return value, nil
}

func (b *settingsBuilder) integerValue(d *definition, in object) (object, string, error) {
	if err := b.onlyMembers(in, "IntegerSettingValue", "value"); err != nil {
		return nil, "", err
	}
	number, ok := in["value"].(json.Number)
	n, err := number.Int64()
	if !ok || err != nil || n < max(d.Value.Low, math.MinInt32) || n > min(d.Value.High, math.MaxInt32) {
		return nil, "", b.c.badRequest("Value '%v' of setting '%s' is not an integer from %d to %d.", in["value"], d.ID, d.Value.Low, d.Value.High)
	}
	return object{"@odata.type": in["@odata.type"], "value": number}, number.String(), nil
}

// secretValue takes a secret in plain text and shows a token for it from then on,
// a new one for each write: a comparison never converges (contract a.2). A token
// that is written back to its policy keeps its secret (ASSUMED).
func (b *settingsBuilder) secretValue(d *definition, in object) (object, string, error) {
	if err := b.onlyMembers(in, "SecretSettingValue", "value", "valueState"); err != nil {
		return nil, "", err
	}
	token := text(in, "value")
	secret, known := b.before[token]
	switch in["valueState"] {
	case "notEncrypted":
		var err error
		if secret, err = b.boundedText(d, in["value"]); err != nil {
			return nil, "", err
		}
		// The number of the request makes the token a new one.
		token = newGUID(hashText(b.c.requestID+d.ID), "secret", uint64(len(b.policy.secrets))).String()
	case "encryptedValueToken":
		if !known {
			return nil, "", b.c.badRequest("The secret reference '%s' of setting '%s' is not valid.", token, d.ID) // ASSUMED text
		}
	default:
		return nil, "", b.c.badRequest("Value state '%v' of setting '%s' is not valid: write notEncrypted.", in["valueState"], d.ID) // ASSUMED text
	}
	b.policy.secrets[token] = secret
	return object{"@odata.type": in["@odata.type"], "value": token, "valueState": "encryptedValueToken"}, fmt.Sprintf("%x", hashText(secret)), nil
}

// valueMembers are legal in every value. The portal sends the last one (contract
// a.2).
var valueMembers = []string{"@odata.type", "settingValueTemplateReference", "useTemplateDefault"}

func (b *settingsBuilder) onlyMembers(in object, typeName string, known ...string) error {
	if stated := in["@odata.type"]; stated != nil && stated != typePrefix+typeName {
		return b.c.badRequest("A type named '%v' could not be resolved by the model where '%s' is expected.", stated, typePrefix+typeName)
	}
	for _, name := range sortedKeys(in) {
		if !slices.Contains(known, name) && !slices.Contains(valueMembers, name) {
			return b.c.badRequest("The property '%s' does not exist on type 'microsoft.graph.deviceManagementConfiguration%s'. Make sure to only use property names that are defined by the type.", name, typeName)
		}
	}
	return nil
}
