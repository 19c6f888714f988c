// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
)

// policyTemplate is a template that policies can be made from (contract a.2,
// a13). Which templates a tenant has is ASSUMED: two versions of one baseline.
type policyTemplate struct {
	base, name, family, lifecycle string
	version                       int
	definitions                   []*definition
}

// id is the base with the version (contract a.2).
func (t *policyTemplate) id() string { return fmt.Sprintf("%s_%d", t.base, t.version) }

func (t *policyTemplate) displayVersion() string { return fmt.Sprintf("Version %d", t.version) }

// instanceID and valueID are what a policy's settings must refer to.
func (t *policyTemplate) instanceID(d *definition) string {
	return newGUID(hashText(t.id()+d.id), "settingInstanceTemplate", 0).String()
}

func (t *policyTemplate) valueID(d *definition) string {
	return newGUID(hashText(t.id()+d.id), "settingValueTemplate", 0).String()
}

// addTemplates makes the templates out of choices that need no other setting.
func (c *catalog) addTemplates() {
	const prefix = "device_vendor_msft_policy_config_microsoft_edge"
	managed := []*definition{c.byID[PasswordManagerWindows], c.byID[prefix+"~policy~microsoft_edge_syncdisabled"]}
	base := newGUID(hashText("Security Baseline for Microsoft Edge"), "template", 0).String()
	c.templates = []*policyTemplate{
		{base: base, name: "Security Baseline for Microsoft Edge", family: "baseline", lifecycle: "superseded", version: 1, definitions: managed[:1]},
		{base: base, name: "Security Baseline for Microsoft Edge", family: "baseline", lifecycle: "active", version: 2, definitions: managed},
	}
}

func (c *catalog) template(id string) *policyTemplate {
	for _, t := range c.templates {
		if t.id() == id {
			return t
		}
	}
	return nil
}

const templatesContext = "deviceManagement/configurationPolicyTemplates"

var templateEntity = &entity[*policyTemplate]{name: "microsoft.graph.deviceManagementConfigurationPolicyTemplate", properties: []property[*policyTemplate]{
	{name: "id", ops: opEq, get: func(t *policyTemplate) any { return t.id() }},
	{name: "baseId", ops: opEq, get: func(t *policyTemplate) any { return t.base }},
	{name: "version", get: func(t *policyTemplate) any { return t.version }},
	{name: "displayName", ops: opEq | opContains | opStartsWith, get: func(t *policyTemplate) any { return t.name }},
	{name: "description", get: func(t *policyTemplate) any { return t.name + "." }},
	{name: "displayVersion", get: func(t *policyTemplate) any { return t.displayVersion() }},
	{name: "lifecycleState", ops: opEq, get: func(t *policyTemplate) any { return t.lifecycle }},
	{name: "platforms", ops: opEq | opHas, get: func(*policyTemplate) any { return "windows10" }},
	{name: "technologies", ops: opEq | opHas, get: func(*policyTemplate) any { return "mdm" }},
	{name: "templateFamily", ops: opEq, get: func(t *policyTemplate) any { return t.family }},
	{name: "allowUnmanagedSettings", get: func(*policyTemplate) any { return false }},
	{name: "disableEntraGroupPolicyAssignment", get: func(*policyTemplate) any { return false }},
	{name: "settingTemplateCount", get: func(t *policyTemplate) any { return len(t.definitions) }},
}}

func listTemplates(c *call) (*reply, error) {
	return listReply(c, c.query, templateEntity, eachOf(c.server.catalog.templates), listStyle{context: templatesContext, size: 100, max: 1000, count: countPage})
}

// settingTemplate is one setting of a template, by position.
type settingTemplate struct {
	of       *policyTemplate
	position int
}

func (st settingTemplate) definition() *definition { return st.of.definitions[st.position] }

// instanceTemplate is what an instance of the setting looks like: its ids, and
// the first option as the default.
func (st settingTemplate) instanceTemplate() object {
	d := st.definition()
	return object{
		"@odata.type": typePrefix + "ChoiceSettingInstanceTemplate", "settingInstanceTemplateId": st.of.instanceID(d), "settingDefinitionId": d.id, "isRequired": false,
		"choiceSettingValueTemplate": object{"settingValueTemplateId": st.of.valueID(d), "requiredValueDefinition": nil, "recommendedValueDefinition": nil,
			"defaultValue": object{"@odata.type": typePrefix + "ChoiceSettingValueConstantDefaultTemplate",
				"settingDefinitionOptionId": d.options[0].itemID, "children": []object{}}},
	}
}

var settingTemplateEntity = &entity[settingTemplate]{name: "microsoft.graph.deviceManagementConfigurationSettingTemplate", properties: []property[settingTemplate]{
	{name: "id", ops: opEq, get: func(st settingTemplate) any { return fmt.Sprint(st.position) }},
	{name: "settingInstanceTemplate", get: func(st settingTemplate) any { return st.instanceTemplate() }},
}}

func listSettingTemplates(c *call) (*reply, error) {
	if err := c.checkExpand("settingDefinitions"); err != nil {
		return nil, err
	}
	t := c.server.catalog.template(c.params["id"])
	if t == nil {
		return nil, c.notFound(c.params["id"])
	}
	all := make([]settingTemplate, len(t.definitions))
	for i := range all {
		all[i] = settingTemplate{t, i}
	}
	style := listStyle{context: templatesContext + "('" + t.id() + "')/settingTemplates", size: 25, max: 1000, count: countPage} // page size ASSUMED, as settings
	if slices.Contains(c.query.expand, "settingDefinitions") {
		style.decorate = func(key int64, out object) error {
			out["settingDefinitions"] = c.definitionsOf(object{"settingDefinitionId": all[key].definition().id})
			return nil
		}
	}
	return listReply(c, c.query, settingTemplateEntity, eachOf(all), style)
}

var templateReferenceShape = shapeOf("deviceManagementConfigurationPolicyTemplateReference", map[string]member{
	"templateId": {kind: kindString}, "templateFamily": {kind: kindString},
	"templateDisplayName": {kind: kindString, readOnly: true}, "templateDisplayVersion": {kind: kindString, readOnly: true}})

// readTemplate finds the template of the body, if it names one, and the family.
func (c *call) readTemplate() (*policyTemplate, string, error) {
	ref := inner(c.body, "templateReference")
	id, family := text(ref, "templateId"), text(ref, "templateFamily")
	if family == "" {
		family = "none"
	}
	if id == "" {
		return nil, family, nil
	}
	t := c.server.catalog.template(id)
	switch {
	case t == nil:
		return nil, "", c.badRequest("Policy template '%s' was not found.", id)
	case family != "none" && family != t.family:
		return nil, "", c.badRequest("Policy template '%s' is of family '%s', not '%s'.", id, t.family, family)
	}
	return t, t.family, nil
}

// templateReference renders where a policy comes from; without a template its id
// is empty, not null (contract a.1).
func (p *policy) templateReference() object {
	out := object{"templateId": "", "templateFamily": p.templateFamily, "templateDisplayName": nil, "templateDisplayVersion": nil}
	if t := p.template; t != nil {
		out["templateId"], out["templateDisplayName"], out["templateDisplayVersion"] = t.id(), t.name, t.displayVersion()
	}
	return out
}

// reference checks one template reference of a setting: a policy of a template
// has the template's ids on every setting, any other policy has none (contract
// a.2). idName is the member of the reference that holds the id.
func (b *settingsBuilder) reference(d *definition, given any, idName string, id func(*policyTemplate, *definition) string) (any, error) {
	ref, _ := given.(map[string]any)
	t := b.policy.template
	if t == nil && given == nil {
		return nil, nil
	}
	if t == nil {
		return nil, b.c.badRequest("Invalid Reference id found in Policy that was not created from a Template. Setting: %s", d.id)
	}
	if !slices.Contains(t.definitions, d) || text(ref, idName) != id(t, d) {
		return nil, b.c.badRequest("Invalid Reference id found in Policy created from Template '%s'. Setting: %s", t.id(), d.id)
	}
	out := object{idName: text(ref, idName)}
	for name, v := range ref {
		switch use, isBool := v.(bool); {
		case name == idName, name == "@odata.type":
		case name == "useTemplateDefault" && isBool:
			out[name] = use
		default:
			return nil, fail(http.StatusBadRequest, codeBadRequest, "The property '%s' does not exist on a template reference, or its value is not valid.", name)
		}
	}
	return out, nil
}
