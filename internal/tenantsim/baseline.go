// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// addBaseline creates the foreign policy and a group that holds the wanted
// share of another group's devices, and assigns one to the other. An admin
// removes the conflict by un-assigning or deleting the policy through Graph.
func (s *Server) addBaseline(b Baseline) error {
	var source *group
	for _, g := range s.ordered {
		if g.displayName == b.GroupDisplayName && g.deleted.IsZero() {
			source = g
			break
		}
	}
	if source == nil {
		return fmt.Errorf("scenario: conflictingBaseline.groupDisplayName %q names no group of the tenant", b.GroupDisplayName)
	}
	setText(&b.Definition, PasskeysWindowsDevice)
	d := s.catalog.Find(b.Definition)
	if d == nil || d.Kind != catalog.Choice || d.RootID != d.ID {
		return fmt.Errorf("scenario: conflictingBaseline.definition %q is no choice setting of this tenant's catalog", b.Definition)
	}
	setText(&b.Value, d.Options[0].ItemID)
	chosen := d.Option(b.Value)
	if chosen == nil || len(chosen.Needs) > 0 {
		return fmt.Errorf("scenario: conflictingBaseline.value %q is no plain option of %q", b.Value, b.Definition)
	}
	target := s.baselineGroup(b, source, platformsOf(d.Platform))
	p := &policy{name: b.DisplayName, description: "Security baseline of the endpoint team.", platformsText: d.Platform, technologies: d.Technologies,
		scopeTags: []string{"0"}, templateFamily: "none", created: s.start, modified: s.start,
		settings: []object{{"@odata.type": typePrefix + "ChoiceSettingInstance", "settingDefinitionId": d.ID, "settingInstanceTemplateReference": nil,
			"choiceSettingValue": object{"settingValueTemplateReference": nil, "value": b.Value, "children": []object{}}}},
		values: map[string]string{d.ID: b.Value}, payloadKey: "baseline " + b.Value,
		platforms: platformsOf(d.Platform), requires: needsOf(d)}
	p.passkey = s.passkeyEffect(p.values)
	s.addPolicy(p)
	s.retarget(func() { p.assignments = []assignment{{kind: targetGroup, group: target.id, filterType: "none"}} })
	s.baseline = p
	return nil
}

// baselineGroup holds exactly the share of the source group's devices on which
// both policies apply: devices in contact that meet the prerequisites.
func (s *Server) baselineGroup(b Baseline, source *group, platforms platform) *group {
	devices := newBitset(len(s.fleet.devices))
	s.addGroup(devices, source.id)
	var hit []int32
	devices.each(func(i int) {
		if d := &s.fleet.devices[i]; inContact(d) && passkeyNeeds.met(d) && d.platform&platforms != 0 {
			hit = append(hit, int32(i))
		}
	})
	slices.SortFunc(hit, func(a, c int32) int { return compareFloat(s.draw(a, "baseline"), s.draw(c, "baseline")) })
	want := min(len(hit), int(float64(devices.count())*b.DevicesPercent/100+0.5))
	g := s.baselineTarget
	if g == nil || !g.deleted.IsZero() {
		g = s.addGroupObject(b.DisplayName + " devices")
		g.mailNickname = "baseline-devices"
		s.baselineTarget = g
	}
	clear(g.direct)
	for _, i := range hit[:want] {
		g.direct.set(len(s.users) + int(i))
	}
	s.directoryChanged()
	return g
}
