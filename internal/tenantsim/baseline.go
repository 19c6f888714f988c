// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// addBaseline creates the foreign policy and a group that holds the wanted
// share of another group's devices, and assigns one to the other. An admin
// removes the conflict by un-assigning or deleting the policy through Graph.
func (s *Server) addBaseline(b Baseline) error {
	if err := s.checkBaseline(&b); err != nil {
		return err
	}
	d, err := s.baselineDefinition(&b)
	if err != nil {
		return err
	}
	target := assignment{kind: targetGroup, group: s.baselineGroup(b, s.ordered[s.baselineSource(&b)], platformsOf(d.Platform)).id, filterType: "none"}
	switch b.Kind {
	case baselineGroupPolicy:
		return s.addAdmxBaseline(b.DisplayName, d, b.Value == d.ID+"_1", target)
	case baselineIntent:
		return s.addIntentBaseline(b.DisplayName, d, b.Value == d.ID+"_1", target)
	}
	p := &policy{name: b.DisplayName, description: "Security baseline of the endpoint team.", platformsText: d.Platform, technologies: d.Technologies,
		scopeTags: []string{"0"}, templateFamily: "none", created: s.start, modified: s.start,
		settings: []object{plainChoice(d.ID, b.Value, nil, nil)}, values: map[string]string{d.ID: b.Value}, payloadKey: "baseline " + b.Value,
		platforms: platformsOf(d.Platform), requires: needsOf(d)}
	if b.Kind == baselineSecurity {
		if err := s.fromTemplate(p, b); err != nil {
			return err
		}
	}
	p.passkey = s.passkeyEffect(p.values)
	s.addPolicy(p)
	s.retarget(func() {
		p.assignments = []assignment{target}
		p.reach = reachCache{}
	})
	s.baseline = p
	return nil
}

// baselineSource is the place of the group whose devices a baseline hits, -1 if
// there is none.
func (s *Server) baselineSource(b *Baseline) int {
	return slices.IndexFunc(s.ordered, func(g *group) bool { return g.displayName == b.GroupDisplayName && g.deleted.IsZero() })
}

// checkBaseline refuses a foreign policy that this tenant cannot have, and changes
// nothing: a scenario that is refused is not in force.
func (s *Server) checkBaseline(given *Baseline) error {
	if given == nil {
		return nil
	}
	b := *given
	if s.baselineSource(&b) < 0 {
		return fmt.Errorf("scenario: conflictingBaseline.groupDisplayName %q names no group of the tenant", b.GroupDisplayName)
	}
	d, err := s.baselineDefinition(&b)
	if err != nil {
		return err
	}
	switch b.Kind {
	case baselineGroupPolicy:
		_, err = s.baselineAdmx(d)
	case baselineIntent:
		err = s.checkIntentBaseline(d)
	case baselineSecurity:
		err = s.fromTemplate(&policy{}, b)
	}
	return err
}

// baselineDefinition fills in what the baseline leaves open, and finds the
// definition that it sets.
func (s *Server) baselineDefinition(b *Baseline) (*definition, error) {
	if b.Kind == baselineSecurity {
		setText(&b.Definition, PasswordManagerWindows) // no template has the passkey setting
	}
	setText(&b.Definition, PasskeysWindowsDevice)
	d := s.catalog.Find(b.Definition)
	if d == nil || d.Kind != catalog.Choice || d.RootID != d.ID {
		return nil, fmt.Errorf("scenario: conflictingBaseline.definition %q is no choice setting of this tenant's catalog", b.Definition)
	}
	setText(&b.Value, d.Options[0].ItemID)
	chosen := d.Option(b.Value)
	if chosen == nil || len(chosen.Needs) > 0 {
		return nil, fmt.Errorf("scenario: conflictingBaseline.value %q is no plain option of %q", b.Value, b.Definition)
	}
	return d, nil
}

// The kinds of a scenario's foreign policy.
const (
	baselineSecurity    = "securityBaseline"
	baselineIntent      = "intent"
	baselineGroupPolicy = "groupPolicy"
)

var baselineKinds = []string{"", "settingsCatalog", baselineSecurity, baselineIntent, baselineGroupPolicy}

// plainChoice is a choice in its canonical form.
func plainChoice(definition, value string, instance, reference any, children ...object) object {
	return object{"@odata.type": typePrefix + "ChoiceSettingInstance", "settingDefinitionId": definition, "settingInstanceTemplateReference": instance,
		"choiceSettingValue": object{"settingValueTemplateReference": reference, "value": value, "children": append([]object{}, children...)}}
}

// fromTemplate gives a policy every setting of the newest template that has the
// baseline's definition, that one with the baseline's value.
func (s *Server) fromTemplate(p *policy, b Baseline) error {
	for _, t := range slices.Backward(s.catalog.Templates) {
		if !inTemplate(t.Settings, b.Definition) {
			continue
		}
		p.template, p.templateFamily, p.platformsText, p.technologies = t, t.Family, t.Platforms, t.Technologies
		p.settings, p.values, p.payloadKey = nil, map[string]string{}, "baseline "+t.ID()+b.Value
		for _, setting := range t.Settings {
			if setting.DefinitionID == b.Definition {
				setting = catalog.TemplateSetting{DefinitionID: b.Definition, OptionID: b.Value}
			}
			p.settings = append(p.settings, s.templateInstance(t, setting, p.values))
		}
		return nil
	}
	return fmt.Errorf("scenario: conflictingBaseline.definition %q is in no template of this tenant: a security baseline needs one", b.Definition)
}

// templateInstance is a setting of a template as a policy has it, and notes the
// values.
func (s *Server) templateInstance(t *policyTemplate, setting catalog.TemplateSetting, values map[string]string) object {
	id := setting.DefinitionID
	instance, reference := object{instanceReference.member: instanceReference.of(t, id)}, object{valueReference.member: valueReference.of(t, id)}
	values[id] = setting.OptionID + setting.Value
	if setting.OptionID != "" {
		if setting.Child == nil {
			return plainChoice(id, setting.OptionID, instance, reference)
		}
		return plainChoice(id, setting.OptionID, instance, reference, s.templateInstance(t, *setting.Child, values))
	}
	value := object{"@odata.type": typePrefix + "StringSettingValue", "settingValueTemplateReference": reference, "value": setting.Value}
	out := object{"@odata.type": typePrefix + "SimpleSettingInstance", "settingDefinitionId": id, "settingInstanceTemplateReference": instance, "simpleSettingValue": value}
	if d := s.catalog.Find(id); d != nil && d.Kind == catalog.SimpleCollection {
		out["@odata.type"], out["simpleSettingCollectionValue"] = typePrefix+"SimpleSettingCollectionInstance", []object{value}
		delete(out, "simpleSettingValue")
	}
	return out
}

// baselineGroup holds exactly the share of the source group's devices on which
// both policies apply: devices in contact that meet the prerequisites.
func (s *Server) baselineGroup(b Baseline, source *group, platforms platform) *group {
	devices := ids.NewBitset(len(s.fleet.devices))
	s.addGroup(devices, source.id)
	var hit []int32
	devices.Each(func(i int) {
		if d := &s.fleet.devices[i]; inContact(d) && passkeyNeeds.met(d) && d.platform&platforms != 0 {
			hit = append(hit, int32(i))
		}
	})
	slices.SortFunc(hit, func(a, c int32) int { return cmp.Compare(s.draw(a, "baseline"), s.draw(c, "baseline")) })
	want := min(len(hit), int(float64(devices.Count())*b.DevicesPercent/100+0.5))
	g := s.baselineTarget
	if g == nil || !g.deleted.IsZero() {
		g = s.addGroupObject(b.DisplayName + " devices")
		g.mailNickname = "baseline-devices"
		s.baselineTarget = g
	}
	clear(g.direct)
	for _, i := range hit[:want] {
		g.direct.Set(len(s.users) + int(i))
	}
	s.directoryChanged()
	return g
}
