// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"iter"
	"net/http"
	"strings"
)

const typePrefix = "#microsoft.graph.deviceManagementConfiguration"

// rolesReadConfig and rolesWriteConfig are the settings catalog permissions
// (contract a).
var (
	rolesReadConfig  = []string{"DeviceManagementConfiguration.Read.All", "DeviceManagementConfiguration.ReadWrite.All"}
	rolesWriteConfig = []string{"DeviceManagementConfiguration.ReadWrite.All"}
)

// definitionEntity filters as tools were seen to filter (contract a.6): by id,
// names, root, category and applicability.
var definitionEntity = &entity[*definition]{name: "microsoft.graph.deviceManagementConfigurationSettingDefinition", properties: []property[*definition]{
	{name: "id", ops: opEq | opContains | opStartsWith, get: func(d *definition) any { return d.id }},
	{name: "name", ops: opEq | opContains | opStartsWith, get: func(d *definition) any { return d.name }},
	{name: "displayName", ops: opEq | opContains | opStartsWith, get: func(d *definition) any { return d.displayName }},
	{name: "description", get: func(d *definition) any { return d.description }},
	{name: "helpText", get: func(*definition) any { return nil }},
	{name: "keywords", get: func(d *definition) any { return []string{d.name} }},
	{name: "infoUrls", get: func(*definition) any { return []string{} }},
	{name: "categoryId", ops: opEq, get: func(d *definition) any { return d.categoryID }},
	{name: "rootDefinitionId", ops: opEq, get: func(d *definition) any { return d.root }},
	{name: "baseUri", get: func(d *definition) any {
		if d.platform == "macOS" {
			return nil
		}
		return "./" + d.scope + "/Vendor/MSFT/Policy"
	}},
	{name: "offsetUri", get: func(d *definition) any { return "/Config/" + d.name }},
	{name: "settingUsage", get: func(*definition) any { return "configuration" }},
	{name: "visibility", get: func(*definition) any { return "settingsCatalog,template" }},
	{name: "accessTypes", get: func(*definition) any { return "add,delete,get,replace" }},
	{name: "uxBehavior", get: func(d *definition) any {
		return [...]string{"dropdown", "smallTextBox", "smallTextBox", "multiheaderGrid", "multiheaderGrid"}[d.kind]
	}},
	{name: "riskLevel", get: func(*definition) any { return "low" }},
	{name: "version", get: func(*definition) any { return "1" }},
	{name: "occurrence", get: func(*definition) any {
		return object{"minDeviceOccurrence": 0, "maxDeviceOccurrence": 1}
	}},
	{name: "referredSettingInformationList", get: func(*definition) any { return []object{} }},
	{name: "applicability", get: func(d *definition) any { return d.applicability() }},
	{name: "applicability/platform", ops: opEq | opHas, hidden: true, get: func(d *definition) any { return d.platform }},
	{name: "applicability/technologies", ops: opEq | opHas, hidden: true, get: func(d *definition) any { return d.technologies }},
}}

func (d *definition) applicability() object {
	out := object{
		"@odata.type": typePrefix + "WindowsSettingApplicability", "description": nil,
		"platform": d.platform, "technologies": d.technologies, "deviceMode": "none",
	}
	if d.platform == "macOS" {
		out["@odata.type"] = typePrefix + "ApplicationSettingApplicability" // ASSUMED subtype
		return out
	}
	out["minimumSupportedVersion"] = "10.0.10586"
	out["maximumSupportedVersion"] = nil
	out["windowsSkus"] = []string{"windowsEnterprise", "windowsEducation", "windowsProfessional"}
	out["requiresAzureAd"] = false
	out["requiredAzureAdTrustType"] = "none"
	out["configurationServiceProviderVersion"] = "4.0"
	return out
}

// odataType is the definition's type; definition types are named the other way
// round than instances for groups (contract a.2).
func (d *definition) odataType() string {
	return typePrefix + [...]string{"ChoiceSettingDefinition", "SimpleSettingDefinition", "SimpleSettingDefinition", "SimpleSettingCollectionDefinition", "SettingGroupCollectionDefinition"}[d.kind]
}

// extend adds what belongs to the definition's own type.
func (d *definition) extend(out object) {
	switch d.kind {
	case defChoice:
		out["options"] = d.optionObjects()
		out["defaultOptionId"] = d.options[0].itemID
	case defInteger:
		out["valueDefinition"] = object{"@odata.type": typePrefix + "IntegerSettingValueDefinition", "minimumValue": d.low, "maximumValue": d.high}
		out["defaultValue"] = object{"@odata.type": typePrefix + "IntegerSettingValue", "settingValueTemplateReference": nil, "value": d.low}
		out["dependentOn"], out["dependedOnBy"] = []object{}, []object{}
	case defGroups:
		out["childIds"] = append([]string{}, d.children...)
		out["minimumCount"], out["maximumCount"] = 0, 600
		out["dependentOn"], out["dependedOnBy"] = []object{}, []object{}
	default:
		out["valueDefinition"] = object{"@odata.type": typePrefix + "StringSettingValueDefinition",
			"format": "none", "inputValidationSchema": nil, "isSecret": false, "fileTypes": []string{}, "minimumLength": 0, "maximumLength": d.maxLength}
		out["defaultValue"] = nil
		out["dependentOn"], out["dependedOnBy"] = []object{}, []object{}
		if d.kind == defTextList {
			out["minimumCount"], out["maximumCount"] = 0, 600
		}
	}
}

func (d *definition) optionObjects() []object {
	var out []object
	for _, o := range d.options {
		children := []object{}
		for _, child := range o.needs {
			children = append(children, object{"dependedOnBy": child, "required": true})
		}
		value := object{"@odata.type": typePrefix + "StringSettingValue", "settingValueTemplateReference": nil, "value": o.value}
		if _, isInt := o.value.(int); isInt {
			value["@odata.type"] = typePrefix + "IntegerSettingValue"
		}
		out = append(out, object{"itemId": o.itemID, "name": o.name, "displayName": o.name, "description": nil, "helpText": nil,
			"dependentOn": []object{}, "dependedOnBy": children, "optionValue": value})
	}
	return out
}

func (d *definition) option(itemID string) *option {
	for i := range d.options {
		if d.options[i].itemID == itemID {
			return &d.options[i]
		}
	}
	return nil
}

func listDefinitions(c *call) (*reply, error) {
	all := c.server.catalog.definitions
	items := func(after int64) iter.Seq2[int64, *definition] {
		return func(yield func(int64, *definition) bool) {
			for i := after + 1; i < int64(len(all)); i++ {
				if matchesSearch(all[i], c.query.search) && !yield(i, all[i]) {
					return
				}
			}
		}
	}
	selected := c.query.selected
	return listReply(c, c.query, definitionEntity, items, listStyle{
		context: "deviceManagement/configurationSettings", size: 100, max: 1000, count: countPage, // page size ASSUMED
		decorate: func(key int64, out object) error {
			all[key].finish(out, selected)
			return nil
		},
	})
}

// matchesSearch is the $search of contract a.6: words in names and keywords.
func matchesSearch(d *definition, search string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(strings.ToLower(d.displayName+" "+d.name), word) {
			return false
		}
	}
	return true
}

// finish adds the type and, unless $select narrows the answer, the members of
// the derived type.
func (d *definition) finish(out object, selected []string) {
	out["@odata.type"] = d.odataType()
	if len(selected) == 0 {
		d.extend(out)
		delete(out, "applicability/platform")
		delete(out, "applicability/technologies")
	}
}

func getDefinition(c *call) (*reply, error) {
	members, err := definitionEntity.projection(c, c.query.selected)
	if err != nil {
		return nil, err
	}
	d := c.server.catalog.byID[c.params["id"]]
	if d == nil {
		return nil, c.notFound(c.params["id"])
	}
	out := render(d, members)
	d.finish(out, c.query.selected)
	return c.entityReply(http.StatusOK, "deviceManagement/configurationSettings/$entity", out), nil
}
