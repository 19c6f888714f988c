// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// policyTemplate is a template that policies can be made from (contract a.2,
// a13). The built-in ones are the four versions of the Edge security baseline.
type policyTemplate = catalog.Template

// referenceKind is one of the two references that a setting of a template has:
// the member that holds the id, and the seed of the ids. What the service's ids
// are is not in the data: they are ASSUMED.
type referenceKind struct{ member, seed string }

var (
	instanceReference = referenceKind{"settingInstanceTemplateId", "settingInstanceTemplate"}
	valueReference    = referenceKind{"settingValueTemplateId", "settingValueTemplate"}
)

// of is the id that a setting of the template refers to.
func (k referenceKind) of(t *policyTemplate, definitionID string) string {
	return ids.NewGUID(ids.HashText(t.ID()+definitionID), k.seed, 0).String()
}

const templatesContext = "deviceManagement/configurationPolicyTemplates"

var templateEntity = &entity.Type[*policyTemplate]{Name: "microsoft.graph.deviceManagementConfigurationPolicyTemplate", Properties: []entity.Property[*policyTemplate]{
	{Name: "id", Ops: odata.Eq, Get: func(t *policyTemplate) any { return t.ID() }},
	{Name: "baseId", Ops: odata.Eq, Get: func(t *policyTemplate) any { return t.BaseID }},
	{Name: "version", Get: func(t *policyTemplate) any { return t.Version }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(t *policyTemplate) any { return t.DisplayName }},
	{Name: "description", Get: func(t *policyTemplate) any { return t.DisplayName + "." }},
	{Name: "displayVersion", Get: func(t *policyTemplate) any { return t.DisplayVersion }},
	{Name: "lifecycleState", Ops: odata.Eq, Get: func(t *policyTemplate) any { return t.Lifecycle }},
	{Name: "platforms", Ops: odata.Eq | odata.Has, Get: func(t *policyTemplate) any { return t.Platforms }},
	{Name: "technologies", Ops: odata.Eq | odata.Has, Get: func(t *policyTemplate) any { return t.Technologies }},
	{Name: "templateFamily", Ops: odata.Eq, Get: func(t *policyTemplate) any { return t.Family }},
	{Name: "allowUnmanagedSettings", Get: func(*policyTemplate) any { return false }},
	{Name: "disableEntraGroupPolicyAssignment", Get: func(*policyTemplate) any { return false }},
	{Name: "settingTemplateCount", Get: func(t *policyTemplate) any { return len(t.Settings) }},
}}

func listTemplates(c *call) (*reply, error) {
	return listReply(c, c.Query, templateEntity, entity.EachOf(c.server.catalog.Templates), listStyle{context: templatesContext, size: 100, max: 1000, count: countPage})
}

func getTemplate(c *call) (*reply, error) {
	members, err := templateEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	t := c.server.catalog.Template(c.params["id"])
	if t == nil {
		return nil, c.NotFound(c.params["id"])
	}
	return c.entityReply(http.StatusOK, templatesContext+"/$entity", entity.Render(t, members)), nil
}

// settingTemplate is one setting of a template, by position.
type settingTemplate struct {
	of       *policyTemplate
	position int
	catalog  *catalog.Catalog
}

// instanceTemplate is what an instance of the setting looks like: its ids, and
// the template's value as the default.
func (st settingTemplate) instanceTemplate() object {
	return st.describe(st.of.Settings[st.position])
}

func (st settingTemplate) describe(setting catalog.TemplateSetting) object {
	head := object{"settingInstanceTemplateId": instanceReference.of(st.of, setting.DefinitionID), "settingDefinitionId": setting.DefinitionID, "isRequired": false}
	valueID := valueReference.of(st.of, setting.DefinitionID)
	if setting.OptionID != "" {
		children := []object{}
		if setting.Child != nil {
			children = append(children, st.describe(*setting.Child))
		}
		head["@odata.type"] = typePrefix + "ChoiceSettingInstanceTemplate"
		head["choiceSettingValueTemplate"] = object{"settingValueTemplateId": valueID, "requiredValueDefinition": nil, "recommendedValueDefinition": nil,
			"defaultValue": object{"@odata.type": typePrefix + "ChoiceSettingValueConstantDefaultTemplate", "settingDefinitionOptionId": setting.OptionID, "children": children}}
		return head
	}
	value := object{"@odata.type": typePrefix + "StringSettingValueTemplate", "settingValueTemplateId": valueID,
		"defaultValue": object{"@odata.type": typePrefix + "StringSettingValueConstantDefaultTemplate", "constantValue": setting.Value}}
	if d := st.catalog.Known(setting.DefinitionID); d != nil && d.Kind == catalog.SimpleCollection {
		head["@odata.type"] = typePrefix + "SimpleSettingCollectionInstanceTemplate"
		head["allowUnmanagedValues"], head["simpleSettingCollectionValueTemplate"] = true, []object{value}
		return head
	}
	head["@odata.type"], head["simpleSettingValueTemplate"] = typePrefix+"SimpleSettingInstanceTemplate", value
	return head
}

var settingTemplateEntity = &entity.Type[settingTemplate]{Name: "microsoft.graph.deviceManagementConfigurationSettingTemplate", Properties: []entity.Property[settingTemplate]{
	{Name: "id", Ops: odata.Eq, Get: func(st settingTemplate) any { return fmt.Sprint(st.position) }},
	{Name: "settingInstanceTemplate", Get: func(st settingTemplate) any { return st.instanceTemplate() }},
}}

func listSettingTemplates(c *call) (*reply, error) {
	if err := c.checkExpand("settingDefinitions"); err != nil {
		return nil, err
	}
	t := c.server.catalog.Template(c.params["id"])
	if t == nil {
		return nil, c.NotFound(c.params["id"])
	}
	all := make([]settingTemplate, len(t.Settings))
	for i := range all {
		all[i] = settingTemplate{t, i, c.server.catalog}
	}
	style := listStyle{context: templatesContext + "('" + t.ID() + "')/settingTemplates", size: 25, max: 1000, count: countPage} // page size ASSUMED, as settings
	if slices.Contains(c.Query.Expand, "settingDefinitions") {
		style.decorate = func(key int64, out object) error {
			var ids []string
			for s := &t.Settings[key]; s != nil; s = s.Child {
				ids = append(ids, s.DefinitionID)
			}
			out["settingDefinitions"] = c.definitionObjects(ids)
			return nil
		}
	}
	return listReply(c, c.Query, settingTemplateEntity, entity.EachOf(all), style)
}

var templateReferenceShape = shapeOf("deviceManagementConfigurationPolicyTemplateReference", map[string]shape.Member{
	"templateId": {Kind: shape.String}, "templateFamily": {Kind: shape.String},
	"templateDisplayName": {Kind: shape.String, ReadOnly: true}, "templateDisplayVersion": {Kind: shape.String, ReadOnly: true}})

// readTemplate finds the template of the body, if it names one, and the family.
func (c *call) readTemplate() (*policyTemplate, string, error) {
	ref := inner(c.Body, "templateReference")
	id, family := text(ref, "templateId"), text(ref, "templateFamily")
	if family == "" {
		family = "none"
	}
	if id == "" {
		return nil, family, nil
	}
	t := c.server.catalog.Template(id)
	switch {
	case t == nil:
		return nil, "", c.BadRequest("Policy template '%s' was not found.", id)
	case family != "none" && family != t.Family:
		return nil, "", c.BadRequest("Policy template '%s' is of family '%s', not '%s'.", id, t.Family, family)
	}
	return t, t.Family, nil
}

// templateReference renders where a policy comes from; without a template its id
// is empty, not null (contract a.1).
func (p *policy) templateReference() object {
	out := object{"templateId": "", "templateFamily": p.templateFamily, "templateDisplayName": nil, "templateDisplayVersion": nil}
	if t := p.template; t != nil {
		out["templateId"], out["templateDisplayName"], out["templateDisplayVersion"] = t.ID(), t.DisplayName, t.DisplayVersion
	}
	return out
}

// reference checks one template reference of a setting: a policy of a template
// has the template's ids on every setting at the top, any other policy has none
// (contract a.2).
func (b *settingsBuilder) reference(d *definition, given any, kind referenceKind, needed bool) (any, error) {
	ref, _ := given.(map[string]any)
	t := b.policy.template
	switch {
	case given == nil && (t == nil || !needed):
		return nil, nil
	case t == nil:
		return nil, b.c.BadRequest("Invalid Reference id found in Policy that was not created from a Template. Setting: %s", d.ID)
	case !inTemplate(t.Settings, d.ID) || text(ref, kind.member) != kind.of(t, d.ID):
		return nil, b.c.BadRequest("Invalid Reference id found in Policy created from Template '%s'. Setting: %s", t.ID(), d.ID)
	}
	out := object{kind.member: text(ref, kind.member)}
	for _, name := range sortedKeys(ref) {
		switch use, isBool := ref[name].(bool); {
		case name == kind.member, name == "@odata.type":
		case name == "useTemplateDefault" && isBool && kind == valueReference:
			out[name] = use
		default:
			return nil, b.c.BadRequest("The property '%s' does not exist on a template reference, or its value is not valid.", name)
		}
	}
	return out, nil
}

// inTemplate reports whether the template sets the definition, at any depth.
func inTemplate(settings []catalog.TemplateSetting, definitionID string) bool {
	for i := range settings {
		for s := &settings[i]; s != nil; s = s.Child {
			if s.DefinitionID == definitionID {
				return true
			}
		}
	}
	return false
}
