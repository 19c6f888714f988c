// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// maxSettings is the upper bound of settings in a policy; the text of the
// refusal is believed, not observed (contract a.2).
const maxSettings = 5000

// settingsBuilder turns the settings of a request into their canonical form
// and collects what they do.
type settingsBuilder struct {
	c      *call
	policy *policy
	// before are the secrets of the policy that is being replaced.
	before map[string]string
	needs  requirement
}

// buildSettings validates the tree against the catalog. The first fault refuses
// the whole policy, as the service does. Secrets are those that the policy had.
func (c *call) buildSettings(p *policy, secrets map[string]string) error {
	if _, isList := c.Body["settings"].([]any); c.Body["settings"] != nil && !isList {
		return c.BadRequest("Property 'settings' must be a collection.")
	}
	settings := objects(c.Body["settings"])
	if len(settings) == 0 || len(settings) > maxSettings {
		return c.BadRequest("Setting Count is not >=1 and <=%d", maxSettings)
	}
	p.platforms = platformsOf(p.platformsText)
	if p.technologies == "mobileApplicationManagement" {
		p.platforms = platformApps
	}
	p.values = map[string]string{}
	b := &settingsBuilder{c: c, policy: p, before: secrets}
	p.secrets = map[string]string{}
	for i, setting := range settings {
		if err := b.setting(i, setting); err != nil {
			return err
		}
	}
	p.requires = b.needs
	p.passkey = c.server.passkeyEffect(p.values)
	raw, err := json.Marshal(p.settings)
	if err != nil {
		return fmt.Errorf("marshal settings: %w", err)
	}
	p.payloadKey = fmt.Sprintf("%x", ids.HashText(string(raw)))
	return nil
}

// platformApps is the platform of policies for mobile application management: they
// configure an app wherever it runs, no managed device applies or reports them,
// and filters for devices do not fit them (contract-2 t.2, y.2).
const platformApps platform = 1 << 7

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

// passkeyEffect is what the values do to saving passkeys on a device. Where a
// policy sets both twins, the device's counts (domain 2.4).
func (s *Server) passkeyEffect(values map[string]string) passkeyState {
	out := passkeyUnset
	for _, id := range sortedKeys(values) {
		d := s.catalog.Known(id)
		effect := passkeyEffectOf(d, values[id])
		if effect != passkeyUnset && !d.User() {
			return effect
		}
		if out == passkeyUnset {
			out = effect
		}
	}
	return out
}

func (b *settingsBuilder) setting(i int, setting object) error {
	for _, name := range sortedKeys(setting) {
		switch name {
		case "@odata.type":
			if setting[name] != typePrefix+"Setting" {
				return b.c.BadRequest("A type named '%v' could not be resolved by the model where a setting is expected.", setting[name])
			}
		case "id", "settingInstance", "settingDefinitions":
		default:
			return b.c.BadRequest("The property '%s' does not exist on type 'microsoft.graph.deviceManagementConfigurationSetting'. Make sure to only use property names that are defined by the type.", name)
		}
	}
	instance, ok := setting["settingInstance"].(map[string]any)
	if !ok {
		return b.c.BadRequest("A value is required for property 'settingInstance' of setting %d.", i)
	}
	d, err := b.definition(instance)
	if err != nil {
		return err
	}
	if d.RootID != d.ID {
		return b.c.BadRequest("Setting contains parent setting that are not present in the policy. Setting: %s", d.ID)
	}
	out, err := b.instance(d, instance, true)
	if err != nil {
		return err
	}
	b.policy.settings = append(b.policy.settings, out)
	return nil
}

// definition finds the catalog entry of an instance and checks that it fits
// the policy's platform and technology (contract a.1). What the catalog no
// longer has is unknown: retired ids make a write fail (contract a.6).
func (b *settingsBuilder) definition(instance object) (*definition, error) {
	id := text(instance, "settingDefinitionId")
	d := b.c.server.catalog.Find(id)
	p := b.policy
	switch {
	case id == "":
		return nil, b.c.BadRequest("A value is required for property 'settingDefinitionId' of a setting instance.")
	case d == nil:
		return nil, b.c.BadRequest("Setting definition with id '%s' was not found.", id)
	case !sharesFlag(p.platformsText, d.Platform):
		return nil, b.c.BadRequest("Setting with platform applicability %s does not match with the policy's platform applicability %s. Setting: %s", d.Platform, p.platformsText, id)
	case !withinFlags(p.technologies, d.Technologies):
		return nil, b.c.BadRequest("Setting with technology applicability %s does not match with the policy's technology applicability %s. Setting: %s", d.Technologies, p.technologies, id)
	}
	if _, twice := p.values[id]; twice {
		return nil, b.c.BadRequest("Setting '%s' is present more than once in the policy.", id)
	}
	b.needs = b.needs.and(needsOf(d))
	return d, nil
}

func sharesFlag(a, b string) bool {
	for flag := range strings.SplitSeq(a, ",") {
		if odata.HasFlag(b, strings.TrimSpace(flag)) {
			return true
		}
	}
	return false
}

// withinFlags reports whether every flag of a is one of b's.
func withinFlags(a, b string) bool {
	for flag := range strings.SplitSeq(a, ",") {
		if !odata.HasFlag(b, strings.TrimSpace(flag)) {
			return false
		}
	}
	return true
}

// instanceMembers are legal in every instance; the portal sends the last one
// (contract a.2).
var instanceMembers = []string{"@odata.type", "settingDefinitionId", "settingInstanceTemplateReference", "auditRuleInformation"}

// valueReader checks one value of a definition and returns it in the canonical
// form, with a text that two policies compare to see whether they agree.
type valueReader func(b *settingsBuilder, d *definition, in object) (out object, effect string, err error)

// instanceForm is a type of setting instance: its name, the member that holds
// its value or values, and how one is read.
type instanceForm struct {
	name, member string
	read         valueReader
}

// instanceForms are the instances of the kinds of definitions (contract a.2).
var instanceForms map[catalog.Kind]instanceForm

// bareGroups are instances without members in metadata (contract a.2). That they
// are taken for a group that needs no child, and come back without a value, is
// ASSUMED.
var bareGroups = map[catalog.Kind]string{catalog.Group: "SettingGroupInstance", catalog.GroupCollection: "SettingGroupCollectionInstance"}

func init() { // the readers refer to the table: groups hold instances
	instanceForms = map[catalog.Kind]instanceForm{
		catalog.Choice:           {"ChoiceSettingInstance", "choiceSettingValue", (*settingsBuilder).choice},
		catalog.ChoiceCollection: {"ChoiceSettingCollectionInstance", "choiceSettingCollectionValue", (*settingsBuilder).choice},
		catalog.Simple:           {"SimpleSettingInstance", "simpleSettingValue", (*settingsBuilder).simple},
		catalog.SimpleCollection: {"SimpleSettingCollectionInstance", "simpleSettingCollectionValue", (*settingsBuilder).simple},
		catalog.Group:            {"GroupSettingInstance", "groupSettingValue", (*settingsBuilder).group},
		catalog.GroupCollection:  {"GroupSettingCollectionInstance", "groupSettingCollectionValue", (*settingsBuilder).group},
	}
}

// instance checks one setting instance. Instances at the top of a policy from a
// template need its references; children may do without (captured: enrollment
// policies have none there).
func (b *settingsBuilder) instance(d *definition, in object, top bool) (object, error) {
	form, settable := instanceForms[d.Kind]
	if !settable {
		return nil, b.c.BadRequest("Setting definition '%s' is a redirect and cannot be set in a policy.", d.ID) // ASSUMED text
	}
	if bare := bareGroups[d.Kind]; bare != "" && in["@odata.type"] == typePrefix+bare {
		form = instanceForm{name: bare}
	}
	if in["@odata.type"] != typePrefix+form.name {
		return nil, b.c.BadRequest("Setting instance type '%v' does not match the definition '%s': %s expected.", in["@odata.type"], d.ID, typePrefix+form.name)
	}
	for _, name := range sortedKeys(in) {
		if name != form.member && !slices.Contains(instanceMembers, name) {
			return nil, b.c.BadRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, strings.TrimPrefix(typePrefix, "#")+form.name)
		}
	}
	reference, err := b.reference(d, in["settingInstanceTemplateReference"], instanceReference, top)
	if err != nil {
		return nil, err
	}
	out := object{"@odata.type": typePrefix + form.name, "settingDefinitionId": d.ID, "settingInstanceTemplateReference": reference}
	if form.member == "" {
		if len(d.Required) > 0 {
			return nil, b.emptyGroup(d)
		}
		b.policy.values[d.ID] = ""
		return out, nil
	}
	value, err := b.value(d, in[form.member], form, top)
	if err != nil {
		return nil, err
	}
	out[form.member] = value
	return out, nil
}

// value reads the value of an instance, or its list of values.
func (b *settingsBuilder) value(d *definition, in any, form instanceForm, top bool) (any, error) {
	if d.Kind.Collection() {
		return b.list(d, in, form, top)
	}
	one, ok := in.(map[string]any)
	if !ok {
		return nil, b.c.BadRequest("A value is required for setting '%s'.", d.ID)
	}
	out, effect, err := b.withReference(d, one, form, top)
	if err != nil {
		return nil, err
	}
	b.policy.values[d.ID] = effect
	return out, nil
}

// list reads the values of a collection: at least one (ASSUMED, as the refusal
// of empty groups of contract a.2), within the bounds of the definition.
func (b *settingsBuilder) list(d *definition, in any, form instanceForm, top bool) (any, error) {
	list, ok := in.([]any)
	if !ok || len(list) == 0 || len(objects(list)) != len(list) {
		if d.Kind == catalog.GroupCollection {
			return nil, b.emptyGroup(d)
		}
		return nil, b.c.BadRequest("%s of setting '%s' should not be empty.", form.member, d.ID)
	}
	if d.MaximumCount > 0 && (len(list) < d.MinimumCount || len(list) > d.MaximumCount) {
		return nil, b.c.BadRequest("Setting '%s' has %d values: from %d to %d are allowed.", d.ID, len(list), d.MinimumCount, d.MaximumCount) // ASSUMED text
	}
	out, effects := make([]object, 0, len(list)), make([]string, 0, len(list))
	for _, item := range objects(list) {
		// The next item may set the same children: what counts is the whole list.
		outside := maps.Clone(b.policy.values)
		value, effect, err := b.withReference(d, item, form, top)
		if err != nil {
			return nil, err
		}
		b.policy.values = outside
		out, effects = append(out, value), append(effects, effect)
	}
	b.policy.values[d.ID] = strings.Join(effects, "\n")
	return out, nil
}

// withReference reads one value and the template reference that every kind of
// value has.
func (b *settingsBuilder) withReference(d *definition, in object, form instanceForm, top bool) (object, string, error) {
	reference, err := b.reference(d, in["settingValueTemplateReference"], valueReference, top)
	if err != nil {
		return nil, "", err
	}
	out, effect, err := form.read(b, d, in)
	if err != nil {
		return nil, "", err
	}
	out["settingValueTemplateReference"] = reference
	return out, effect, nil
}

// emptyGroup is the observed refusal of a group without children (contract a.2).
func (b *settingsBuilder) emptyGroup(d *definition) error {
	return b.c.BadRequest("SettingGroupValue should not be empty. Setting: %s", d.ID)
}
