// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// groups checks a list of groups of settings. What a group must hold is not
// published: any of the definition's children, each once (ASSUMED).
func (b *settingsBuilder) groups(d *definition, in any) (any, error) {
	list, ok := in.([]any)
	if !ok || len(list) == 0 || len(objects(list)) != len(list) {
		return nil, b.c.badRequest("groupSettingCollectionValue of setting '%s' should not be empty.", d.id)
	}
	out := make([]object, 0, len(list))
	for _, group := range objects(list) {
		if err := b.onlyMembers(group, "deviceManagementConfigurationGroupSettingValue", "@odata.type", "children", "settingValueTemplateReference"); err != nil {
			return nil, err
		}
		reference, err := b.reference(d, group["settingValueTemplateReference"], "settingValueTemplateId", (*policyTemplate).valueID)
		if err != nil {
			return nil, err
		}
		// The next group may set the same children: what counts is the whole list.
		outside := maps.Clone(b.policy.values)
		children, _, err := b.children(d.children, group["children"])
		if err != nil {
			return nil, err
		}
		b.policy.values = outside
		out = append(out, object{"settingValueTemplateReference": reference, "children": children})
	}
	b.policy.values[d.id] = fmt.Sprint(out)
	return out, nil
}

// children checks the instances below an option or in a group, and returns them
// with the set of their definitions.
func (b *settingsBuilder) children(allowed []string, in any) ([]object, map[string]bool, error) {
	children, given := []object{}, map[string]bool{}
	for _, child := range objects(in) {
		definition, err := b.definition(child)
		if err != nil {
			return nil, nil, err
		}
		if !slices.Contains(allowed, definition.id) {
			return nil, nil, b.c.badRequest("Setting contains parent setting that are not present in the policy. Setting: %s", definition.id)
		}
		out, err := b.instance(definition, child)
		if err != nil {
			return nil, nil, err
		}
		given[definition.id] = true
		children = append(children, out)
	}
	return children, given, nil
}

// simple checks a text or number. The type annotation is not optional: it
// carries the kind (contract a.2).
func (b *settingsBuilder) simple(d *definition, in object) (object, error) {
	want := typePrefix + "StringSettingValue"
	if d.kind == defInteger {
		want = typePrefix + "IntegerSettingValue"
	}
	if in["@odata.type"] != want {
		return nil, b.c.badRequest("Setting value of '%s' must carry '@odata.type': '%s'.", d.id, want)
	}
	if err := b.onlyMembers(in, strings.TrimPrefix(want, "#microsoft.graph."), "@odata.type", "value", "settingValueTemplateReference"); err != nil {
		return nil, err
	}
	reference, err := b.reference(d, in["settingValueTemplateReference"], "settingValueTemplateId", (*policyTemplate).valueID)
	if err != nil {
		return nil, err
	}
	out := object{"@odata.type": want, "settingValueTemplateReference": reference, "value": in["value"]}
	if d.kind == defInteger {
		number, ok := in["value"].(json.Number)
		n, err := number.Int64()
		if !ok || err != nil || n < int64(d.low) || n > int64(d.high) {
			return nil, b.c.badRequest("Value '%v' of setting '%s' is not an integer from %d to %d.", in["value"], d.id, d.low, d.high)
		}
		return out, nil
	}
	if value, ok := in["value"].(string); !ok || len(value) > d.maxLength {
		return nil, b.c.badRequest("Value of setting '%s' is not text of at most %d characters.", d.id, d.maxLength)
	}
	return out, nil
}

func (b *settingsBuilder) onlyMembers(in object, typeName string, known ...string) error {
	for _, name := range sortedKeys(in) {
		if !slices.Contains(known, name) && !slices.Contains([]string{"useTemplateDefault"}, name) {
			return fail(http.StatusBadRequest, codeBadRequest,
				"The property '%s' does not exist on type 'microsoft.graph.%s'. Make sure to only use property names that are defined by the type.", name, typeName)
		}
	}
	return nil
}
