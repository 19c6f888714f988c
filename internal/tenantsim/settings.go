// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxSettings is the upper bound of settings in a policy; the text of the
// refusal is believed, not observed (contract a.2).
const maxSettings = 5000

// settingsBuilder turns the settings of a request into their canonical form
// and collects what they do.
type settingsBuilder struct {
	c      *call
	policy *policy
	needs  requirement
}

// buildSettings validates the tree against the catalog. The first fault refuses
// the whole policy, as the service does.
func (c *call) buildSettings(p *policy) error {
	if _, isList := c.body["settings"].([]any); c.body["settings"] != nil && !isList {
		return c.badRequest("Property 'settings' must be a collection.")
	}
	settings := objects(c.body["settings"])
	if len(settings) == 0 || len(settings) > maxSettings {
		return c.badRequest("Setting Count is not >=1 and <=%d", maxSettings)
	}
	p.platforms = platformsOf(p.platformsText)
	p.values = map[string]string{}
	b := &settingsBuilder{c: c, policy: p}
	for i, setting := range settings {
		if err := b.setting(i, setting); err != nil {
			return err
		}
	}
	p.requires = b.needs
	p.passkey = passkeyEffect(p.values)
	raw, err := json.Marshal(p.settings)
	if err != nil {
		return fmt.Errorf("marshal settings: %w", err)
	}
	p.payloadKey = fmt.Sprintf("%x", hashText(string(raw)))
	return nil
}

func platformsOf(flags string) platform {
	var out platform
	for flag := range strings.SplitSeq(flags, ",") {
		switch strings.TrimSpace(flag) {
		case "windows10":
			out |= platformWindows
		case "macOS":
			out |= platformMacOS
		case "iOS":
			out |= platformIOS
		case "android", "androidEnterprise", "aosp":
			out |= platformAndroid
		case "linux":
			out |= platformLinux
		}
	}
	return out
}

// passkeyEffect is what the values do to saving passkeys on a device.
func passkeyEffect(values map[string]string) passkeyState {
	for _, id := range []string{PasskeysWindowsDevice, PasskeysWindowsUser, PasskeysMacOS} {
		switch strings.TrimPrefix(values[id], id) {
		case "_1", "_true":
			return passkeyAllowed
		case "_0", "_false":
			return passkeyBlocked
		}
	}
	return passkeyUnset
}

func (b *settingsBuilder) setting(i int, setting object) error {
	for _, name := range sortedKeys(setting) {
		switch name {
		case "@odata.type":
			if setting[name] != typePrefix+"Setting" {
				return b.c.badRequest("A type named '%v' could not be resolved by the model where a setting is expected.", setting[name])
			}
		case "id", "settingInstance", "settingDefinitions", "settingDefinitions@odata.context":
		default:
			return b.c.badRequest("The property '%s' does not exist on type 'microsoft.graph.deviceManagementConfigurationSetting'. Make sure to only use property names that are defined by the type.", name)
		}
	}
	instance, ok := setting["settingInstance"].(map[string]any)
	if !ok {
		return b.c.badRequest("A value is required for property 'settingInstance' of setting %d.", i)
	}
	d, err := b.definition(instance)
	if err != nil {
		return err
	}
	if d.root != d.id {
		return b.c.badRequest("Setting contains parent setting that are not present in the policy. Setting: %s", d.id)
	}
	out, err := b.instance(d, instance)
	if err != nil {
		return err
	}
	b.policy.settings = append(b.policy.settings, out)
	return nil
}

// definition finds the catalog entry of an instance and checks that it fits
// the policy's platform and technology (contract a.1).
func (b *settingsBuilder) definition(instance object) (*definition, error) {
	id := text(instance, "settingDefinitionId")
	d := b.c.server.catalog.byID[id]
	p := b.policy
	switch {
	case id == "":
		return nil, b.c.badRequest("A value is required for property 'settingDefinitionId' of a setting instance.")
	case d == nil:
		return nil, b.c.badRequest("Setting definition with id '%s' was not found.", id)
	case !sharesFlag(p.platformsText, d.platform):
		return nil, b.c.badRequest("Setting with platform applicability %s does not match with the policy's platform applicability %s. Setting: %s", d.platform, p.platformsText, id)
	case !withinFlags(p.technologies, d.technologies):
		return nil, b.c.badRequest("Setting with technology applicability %s does not match with the policy's technology applicability %s. Setting: %s", d.technologies, p.technologies, id)
	}
	if _, twice := p.values[id]; twice {
		return nil, b.c.badRequest("Setting '%s' is present more than once in the policy.", id)
	}
	b.needs = b.needs.and(d.requires)
	return d, nil
}

func sharesFlag(a, b string) bool {
	for flag := range strings.SplitSeq(a, ",") {
		if hasFlag(b, strings.TrimSpace(flag)) {
			return true
		}
	}
	return false
}

// withinFlags reports whether every flag of a is one of b's.
func withinFlags(a, b string) bool {
	for flag := range strings.SplitSeq(a, ",") {
		if !hasFlag(b, strings.TrimSpace(flag)) {
			return false
		}
	}
	return true
}

// instanceMembers are legal in every instance; the portal sends the last one.
var instanceMembers = []string{"@odata.type", "settingDefinitionId", "settingInstanceTemplateReference", "auditRuleInformation"}

func (b *settingsBuilder) instance(d *definition, in object) (object, error) {
	kinds := [...]struct{ name, value string }{
		{"ChoiceSettingInstance", "choiceSettingValue"}, {"SimpleSettingInstance", "simpleSettingValue"},
		{"SimpleSettingInstance", "simpleSettingValue"}, {"SimpleSettingCollectionInstance", "simpleSettingCollectionValue"},
		{"GroupSettingCollectionInstance", "groupSettingCollectionValue"},
	}
	want := kinds[d.kind]
	if in["@odata.type"] != typePrefix+want.name {
		return nil, b.c.badRequest("Setting instance type '%v' does not match the definition '%s': %s expected.", in["@odata.type"], d.id, typePrefix+want.name)
	}
	for _, name := range sortedKeys(in) {
		if name != want.value && !slices.Contains(instanceMembers, name) && !strings.Contains(name, "@odata.") {
			return nil, b.c.badRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, strings.TrimPrefix(typePrefix, "#")+want.name)
		}
	}
	reference, err := b.reference(d, in["settingInstanceTemplateReference"], "settingInstanceTemplateId", (*policyTemplate).instanceID)
	if err != nil {
		return nil, err
	}
	out := object{"@odata.type": typePrefix + want.name, "settingDefinitionId": d.id, "settingInstanceTemplateReference": reference}
	value, err := b.value(d, in[want.value])
	if err != nil {
		return nil, err
	}
	out[want.value] = value
	return out, nil
}

func (b *settingsBuilder) value(d *definition, in any) (any, error) {
	if d.kind == defGroups {
		return b.groups(d, in)
	}
	if d.kind == defTextList {
		list, ok := in.([]any)
		if !ok || len(list) == 0 {
			return nil, b.c.badRequest("simpleSettingCollectionValue of setting '%s' should not be empty.", d.id)
		}
		out := make([]object, 0, len(list))
		for _, item := range objects(list) {
			value, err := b.simple(d, item)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		b.policy.values[d.id] = fmt.Sprint(out)
		return out, nil
	}
	value, ok := in.(map[string]any)
	if !ok {
		return nil, b.c.badRequest("A value is required for setting '%s'.", d.id)
	}
	if d.kind == defChoice {
		return b.choice(d, value)
	}
	out, err := b.simple(d, value)
	if err == nil {
		b.policy.values[d.id] = fmt.Sprint(out["value"])
	}
	return out, err
}

// choice checks the option and the children that the option needs.
func (b *settingsBuilder) choice(d *definition, in object) (object, error) {
	if err := b.onlyMembers(in, "deviceManagementConfigurationChoiceSettingValue", "@odata.type", "value", "children", "settingValueTemplateReference"); err != nil {
		return nil, err
	}
	itemID, isText := in["value"].(string)
	chosen := d.option(itemID)
	if !isText || chosen == nil {
		return nil, b.c.badRequest("Setting value '%v' is not an option of setting '%s': send the itemId of an option.", in["value"], d.id)
	}
	reference, err := b.reference(d, in["settingValueTemplateReference"], "settingValueTemplateId", (*policyTemplate).valueID)
	if err != nil {
		return nil, err
	}
	b.policy.values[d.id] = itemID
	children, given, err := b.children(chosen.needs, in["children"])
	if err != nil {
		return nil, err
	}
	for _, id := range chosen.needs {
		if !given[id] {
			return nil, b.c.badRequest("Setting '%s' requires the child setting '%s', which is not present in the policy.", d.id, id)
		}
	}
	return object{"@odata.type": typePrefix + "ChoiceSettingValue", "settingValueTemplateReference": reference, "value": itemID, "children": children}, nil
}
