// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const (
	policies    = "/beta/deviceManagement/configurationPolicies"
	definitions = "/beta/deviceManagement/configurationSettings"

	choiceInstance = `{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"{definition}",` +
		`"choiceSettingValue":{"value":"{option}","children":[]}}`
	oneSetting = `{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":` + choiceInstance + `}`
	policyHead = `"name":"tidegate-conformance","description":"conformance","platforms":"windows10","technologies":"mdm","roleScopeTagIds":["0"]`
	macHead    = `"name":"tidegate-conformance","description":"conformance","platforms":"macOS","technologies":"mdm,appleRemoteManagement","roleScopeTagIds":["0"]`
	// textDefinition is of Edge for macOS, where a text stands alone.
	textDefinition = "com.apple.managedclient.preferences_restrictsignintopattern"
	// childDefinition is of Edge for Windows; it needs its parent.
	childDefinition = "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge_browsersignin_browsersignin"

	wholeBody = `{` + policyHead + `,"settings":[` + oneSetting + `]}`
)

// catalogRows follow contract a.
var catalogRows = []Row{
	{Name: "a10 list definitions", Source: "contract a10", Method: get, Path: definitions + "?$top=5", Status: 200, Want: []string{"value#5", "value.0.id", "value.0.@odata.type"}},
	{Name: "a10 search by display name", Source: "contract a.6", Method: get, Path: definitions + "?$filter=contains(displayName,'passkey')", Status: 200, Want: []string{"value#>0"}},
	{Name: "a10 search by id", Source: "contract a.6", Method: get, Path: definitions + "?$filter=contains(id,'passkey')", Status: 200, Want: []string{"value#>0"}},
	{Name: "a10 filter by root", Source: "contract a.6", Method: get, Path: definitions + "?$filter=rootDefinitionId eq '{definition}'", Status: 200, Want: []string{"value#>0", `value.0.rootDefinitionId="{definition}"`}},
	{Name: "a10 filter by platform", Source: "contract a.6", Method: get, Path: definitions + "?$top=1&$filter=applicability/platform has 'windows10'", Status: 200, Want: []string{"value#1", "value.0.applicability.platform~windows10"}},
	{Name: "a10 free search", Source: "contract a.6: not in every tenant", Method: get, Path: definitions + "?$search=\"passkey\"", Status: 200, Want: []string{"value"}},
	{Name: "a10 select", Source: "contract a.6", Method: get, Path: definitions + "?$top=1&$select=id,displayName", Status: 200, Want: []string{"value#1", "value.0.displayName", "!value.0.description"}},
	{Name: "a11 definition", Source: "contract a11, n", Method: get, Path: definitions + "/{definition}", Status: 200,
		Want: []string{`id="{definition}"`, `rootDefinitionId="{definition}"`, `@odata.type="#microsoft.graph.deviceManagementConfigurationChoiceSettingDefinition"`, "options#>1", "applicability.technologies~mdm"},
		Save: map[string]string{"option": "options.0.itemId", "otherOption": "options.1.itemId", "category": "categoryId"}},
	{Name: "a11 definition in quotes", Source: "contract 0.3", Method: get, Path: definitions + "('{definition}')", Status: 200, Want: []string{`id="{definition}"`}},
	{Name: "a11 unknown definition", Source: "contract a.7", Method: get, Path: definitions + "/no_such_definition", Status: 404, Want: []string{`error.code="ResourceNotFound"`, intuneError}},
	{Name: "a12 categories", Source: "contract a12", Method: get, Path: "/beta/deviceManagement/configurationCategories", Status: 200, Want: []string{"value#>0", "value.0.id"}},
	{Name: "a12 category", Source: "contract a12", Method: get, Path: "/beta/deviceManagement/configurationCategories/{category}", Status: 200, Want: []string{`id="{category}"`}},
	{Name: "a10 filter by category", Source: "contract a.6", Method: get, Path: definitions + "?$filter=categoryId eq '{category}'&$top=1", Status: 200, Want: []string{"value#1", `value.0.categoryId="{category}"`}},
	{Name: "a10 filter by technology", Source: "contract a.6", Method: get, Path: definitions + "?$filter=applicability/technologies eq 'mdm,appleRemoteManagement'&$top=1", Status: 200, Want: []string{`value.0.applicability.platform~macOS`}},
	{Name: "a13 templates", Source: "contract a13", Method: get, Path: "/beta/deviceManagement/configurationPolicyTemplates?$filter=templateFamily eq 'baseline'", Status: 200,
		Want: []string{"value#>0", "value.0.settingTemplateCount"}, Save: map[string]string{"template": "value.0.id"}},
	{Name: "a13 template", Source: "contract a13", Method: get, Path: "/beta/deviceManagement/configurationPolicyTemplates/{template}", Status: 200, Want: []string{`id="{template}"`}},

	{Name: "a2 create", Source: "contract a2, a.1", Method: post, Path: policies, Body: wholeBody, Status: 201,
		Want: []string{`name="tidegate-conformance"`, "settingCount=1", "isAssigned=false", `templateReference.templateId=""`, `templateReference.templateFamily="none"`,
			`roleScopeTagIds=["0"]`, `technologies="mdm"`, `platforms="windows10"`, "createdDateTime", "!settingsCount"},
		Save: map[string]string{"policy": "id"}},
	{Name: "a2 create a second of the same name", Source: "contract a.1: names are not unique", Method: post, Path: policies, Body: wholeBody, Status: 201, Save: map[string]string{"twin": "id"}},
	{Name: "a3 read", Source: "contract a3", Method: get, Path: policies + "/{policy}", Status: 200, Eventually: true, Want: []string{`id="{policy}"`, "!settings", "!assignments"}},
	{Name: "a3 read in quotes", Source: "contract 0.3", Method: get, Path: policies + "('{policy}')", Status: 200, Want: []string{`id="{policy}"`}},
	{Name: "a3 read with settings", Source: "contract a3", Method: get, Path: policies + "/{policy}?$expand=settings", Status: 200, Want: []string{"settings#1", `settings.0.id="0"`}},
	{Name: "a1 list", Source: "contract a1", Method: get, Path: policies + "?$top=100", Status: 200, Eventually: true, Want: []string{"value#>1", "!value.0.settings"}},
	{Name: "a1 filter by name", Source: "contract a.3", Method: get, Path: policies + "?$filter=name eq 'tidegate-conformance'", Status: 200, Eventually: true, Want: []string{"value#2"}},
	{Name: "a1 filter by part of the name", Source: "contract a.3", Method: get, Path: policies + "?$filter=contains(name,'tidegate-conf')", Status: 200, Want: []string{"value#2"}},
	{Name: "a1 filter by platform and technology", Source: "contract a.3", Method: get, Path: policies + "?$filter=platforms eq 'windows10' and technologies eq 'mdm'", Status: 200, Want: []string{"value#>1"}},
	{Name: "a1 filter by family", Source: "contract a.3", Method: get, Path: policies + "?$filter=(templateReference/templateFamily eq 'none')", Status: 200, Want: []string{"value#>1"}},
	{Name: "a1 first page", Source: "contract k.2, 0.3", Method: get, Path: policies + "?$top=1", Status: 200, Want: []string{"value#1", "@odata.count=1", "@odata.nextLink~/beta/deviceManagement/configurationPolicies"}, Save: map[string]string{"nextPolicies": "@odata.nextLink"}},
	{Name: "a1 next page", Source: "contract k.2", Method: get, Path: "{nextPolicies}", Status: 200, Want: []string{"value#1"}},
	{Name: "a1 expand", Source: "contract a.3", Method: get, Path: policies + "?$top=1&$expand=assignments", Status: 200, Want: []string{"value.0.assignments"}},
	{Name: "a4 settings", Source: "contract a4, a.2", Method: get, Path: policies + "/{policy}/settings", Status: 200,
		Want: []string{"value#1", `value.0.id="0"`, `value.0.settingInstance.choiceSettingValue.value="{option}"`, `value.0.settingInstance.settingDefinitionId="{definition}"`}},
	{Name: "a4 a choice value carries no type, its instance does", Source: "contract a.2: captured exports; the declared type is not annotated", Method: get, Path: policies + "/{policy}/settings", Status: 200,
		Want: []string{"!value.0.settingInstance.choiceSettingValue.@odata.type", "value.0.settingInstance.@odata.type~ChoiceSettingInstance"}},
	{Name: "a2 annotations wherever they stand", Source: "contract a.2, ASSUMED: ignored, as OData demands", Method: post, Path: policies, Status: 201,
		Body: strings.NewReplacer(`"children":`, `"children@odata.type":"#Collection(x)","children":`, `{"name"`, `{"@odata.context":"x","settings@odata.context":"y","name"`).Replace(wholeBody),
		Want: []string{"settingCount=1"}, Save: map[string]string{"annotated": "id"}},
	{Name: "a7 delete what was annotated", Source: "contract a7", Method: remove, Path: policies + "/{annotated}", Status: 204, Eventually: true},
	{Name: "a4 settings with definitions", Source: "contract a.3", Method: get, Path: policies + "/{policy}/settings?$top=1000&$expand=settingDefinitions", Status: 200,
		Want: []string{`value.0.settingDefinitions.0.id="{definition}"`}},
	{Name: "a5 rename", Source: "contract a5", Method: patch, Path: policies + "/{policy}", Body: `{"name":"tidegate-conformance 2","description":"renamed"}`, Status: 200},
	{Name: "a5 renamed", Source: "contract a5", Method: get, Path: policies + "/{policy}", Status: 200, Eventually: true, Want: []string{`name="tidegate-conformance 2"`, `description="renamed"`, "settingCount=1"}},
	{Name: "a5 settings by PATCH", Source: "contract a.4", Method: patch, Path: policies + "/{policy}", Body: `{"settings":[` + oneSetting + `]}`, Status: 400,
		Want: []string{"error.message~Cannot apply PATCH to navigation property 'settings'"}},
	{Name: "a5 one setting by PATCH", Source: "contract a.4", Method: patch, Path: policies + "/{policy}/settings/0", Body: `{"settingInstance":` + choiceInstance + `}`, Status: 400,
		Want: []string{`error.code="No method match route template"`}},
	{Name: "a5 one setting by POST", Source: "contract a.4", Method: post, Path: policies + "/{policy}/settings/0", Body: `{"settingInstance":` + choiceInstance + `}`, Status: 400,
		Want: []string{`error.code="No method match route template"`}},
	{Name: "a9 an assignment by POST", Source: "contract-2 z.8: documented, and never works", Method: post, Path: policies + "/{policy}/assignments", Wrong: true, Status: 400,
		Body: `{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}`, Want: []string{`error.code="No method match route template"`, "error.message~http verb POST"}},
	{Name: "a6 replace", Source: "contract a6, a.4", Method: put, Path: policies + "('{policy}')",
		Body:   `{` + policyHead + `,"templateReference":{"templateId":""},"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"{definition}","choiceSettingValue":{"value":"{otherOption}","children":[]}}}]}`,
		Status: 204, Want: []string{"empty"}},
	{Name: "a6 replaced", Source: "contract a.4", Method: get, Path: policies + "/{policy}/settings", Status: 200, Eventually: true, Want: []string{`value.0.settingInstance.choiceSettingValue.value="{otherOption}"`}},
	{Name: "a7 delete", Source: "contract a7", Method: remove, Path: policies + "/{twin}", Status: 204, Want: []string{"empty"}},
	{Name: "a7 read what is gone", Source: "contract a.7", Method: get, Path: policies + "/{twin}", Status: 404, Eventually: true, Want: []string{`error.code="ResourceNotFound"`, intuneError, innerError}},
	{Name: "a7 delete what is gone", Source: "contract a.7", Method: remove, Path: policies + "/{twin}", Status: 404, Want: []string{`error.code="ResourceNotFound"`}},
}

// catalogErrorRows are refusals of the settings catalog.
var catalogErrorRows = []Row{
	{Name: "a2 in v1.0", Source: "contract 0.1, 0.3", Method: get, Path: "/v1.0/deviceManagement/configurationPolicies", Status: 400, Want: []string{"error.message~esource not found for the segment"}},
	{Name: "a2 without a permission", Source: "contract 0.4", Method: post, Path: policies, As: Weak, Body: wholeBody, Status: 403,
		Want: []string{`error.code="Forbidden"`, "error.message~Application must have one of the following scopes", "error.message~DeviceManagementConfiguration.ReadWrite.All"}},
	{Name: "a2 unknown definition", Source: "contract a.7", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"no_such","choiceSettingValue":{"value":"no_such_1","children":[]}}}]}`,
		Want: []string{intuneError}},
	{Name: "a2 unknown option", Source: "contract a.2, ASSUMED: refused like an unknown definition", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"{definition}","choiceSettingValue":{"value":"Enabled","children":[]}}}]}`},
	{Name: "a2 other technology", Source: "contract a.1", Method: post, Path: policies, Status: 400,
		Body: `{"name":"tidegate-conformance","description":"","platforms":"linux","technologies":"linuxMdm","roleScopeTagIds":["0"],"settings":[` + oneSetting + `]}`,
		Want: []string{"error.message~does not match"}},
	{Name: "a2 no settings", Source: "contract a.2: believed, no source found", Method: post, Path: policies, Status: 400, Body: `{` + policyHead + `,"settings":[]}`, Want: []string{`error.code="BadRequest"`, intuneError}},
	{Name: "a2 settings that are no array", Source: "contract a.2", Method: post, Path: policies, Wrong: true, Status: 400, Body: `{` + policyHead + `,"settings":` + oneSetting + `}`},
	{Name: "a2 value without a type", Source: "contract a.2", Method: post, Path: policies, Wrong: true, Status: 400,
		Body: `{` + policyHead + `,"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"{definition}","simpleSettingValue":{"value":"x"}}}]}`},
	{Name: "a2 unknown member", Source: "contract 0.4 (ModelValidationFailure), ASSUMED for this case", Method: post, Path: policies, Wrong: true, Status: 400, Body: `{` + policyHead + `,"colour":"blue","settings":[` + oneSetting + `]}`},
	{Name: "a2 a child alone", Source: "contract a.2: child settings cannot stand alone", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"` + childDefinition + `","choiceSettingValue":{"value":"` + childDefinition + `_1","children":[]}}}]}`,
		Want: []string{"error.message~Setting contains parent setting that are not present in the policy", intuneError}},
	{Name: "a2 an empty group", Source: "contract a.2; ASSUMED: the sentence is not compared, since no group is known to be in every catalog", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationGroupSettingInstance","settingDefinitionId":"{definition}","groupSettingValue":{"children":[]}}}]}`,
		Want: []string{intuneError}},
	{Name: "a2 a reference without a template", Source: "contract a.2", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"settings":[` + strings.Replace(oneSetting, `"choiceSettingValue"`, `"settingInstanceTemplateReference":{"settingInstanceTemplateId":"`+nowhere+`"},"choiceSettingValue"`, 1) + `]}`,
		Want: []string{"error.message~Invalid Reference id found in Policy"}},
	{Name: "a2 an unknown template", Source: "contract a.2; ASSUMED: refused like a wrong reference", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"templateReference":{"templateId":"` + nowhere + `_1"},"settings":[` + oneSetting + `]}`, Want: []string{intuneError}},
	{Name: "a2 a number as text", Source: "contract a.2: the type carries the kind; ASSUMED words", Method: post, Path: policies, Wrong: true, Status: 400,
		Body: `{` + macHead + `,"settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"` + textDefinition + `",` +
			`"simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":14}}}]}`, Want: []string{"error.message~not text"}},
	{Name: "a2 compressed", Source: "contract 0.2: the official SDK compresses bodies", Method: post, Path: policies, Header: map[string]string{"Content-Encoding": "gzip"}, Body: wholeBody, Status: 201, Save: map[string]string{"compressed": "id"}},
	{Name: "a7 delete what was compressed", Source: "contract a7", Method: remove, Path: policies + "/{compressed}", Status: 204, Eventually: true},
	{Name: "a2 compressed in another way", Source: "contract 0.2; ASSUMED: 415 is known as the answer to gzip", Method: post, Path: policies, Wrong: true, Header: map[string]string{"Content-Encoding": "br"}, Body: wholeBody, Status: 415},
	{Name: "a2 create with a creation source", Source: "ASSUMED: enrollment profiles have one; whether others can is not known", Method: post, Path: policies, Body: strings.Replace(wholeBody, `{`, `{"creationSource":"conformance",`, 1), Status: 201,
		Want: []string{`creationSource="conformance"`}, Save: map[string]string{"sourced": "id"}},
	{Name: "a6 without the creation source", Source: "contract a.4: to be repeated unchanged", Method: put, Path: policies + "('{sourced}')", Body: wholeBody, Status: 400, Want: []string{intuneError}},
	{Name: "a6 with the creation source", Source: "contract a.4", Method: put, Path: policies + "('{sourced}')", Body: strings.Replace(wholeBody, `{`, `{"creationSource":"conformance",`, 1), Status: 204},
	{Name: "a7 delete what had a creation source", Source: "contract a7", Method: remove, Path: policies + "/{sourced}", Status: 204},
	{Name: "a10 an unknown property", Source: "contract a.6; ASSUMED: as OData has it", Method: get, Path: definitions + "?$filter=colour eq 'blue'", Status: 400},
	{Name: "a10 a blank in the address", Source: "contract 0.3: encode $filter", Method: get, Path: definitions + "?$filter=categoryId eq '{category}'", Raw: true, Status: 400},
	{Name: "a1 without a permission", Source: "contract 0.4", Method: get, Path: policies, As: Weak, Status: 403, Want: []string{`error.code="Forbidden"`, "error.message~DeviceManagementConfiguration.Read.All"}},
	{Name: "a2 no JSON", Source: "ASSUMED", Method: post, Path: policies, Wrong: true, Status: 400, Body: `{"name":`},
	{Name: "a2 no name", Source: "ASSUMED: name is required", Method: post, Path: policies, Status: 400, Body: `{"platforms":"windows10","technologies":"mdm","settings":[` + oneSetting + `]}`},
	{Name: "a3 unknown policy", Source: "contract a.7", Method: get, Path: policies + "/00000000-0000-0000-0000-00000000dead", Status: 404, Want: []string{`error.code="ResourceNotFound"`, intuneError}},
	{Name: "a6 unknown policy", Source: "contract a.7", Method: put, Path: policies + "('00000000-0000-0000-0000-00000000dead')", Body: wholeBody, Status: 404},
	{Name: "a1 unknown option", Source: "contract 0.3: advertised is not supported; ASSUMED for this option", Method: get, Path: policies + "?$apply=groupby((name))", Status: 400},
	{Name: "a3 unknown expansion", Source: "ASSUMED: as OData has it", Method: get, Path: policies + "/{policy}?$expand=devices", Status: 400},
}

// assignmentRows follow contract a.5. They come after the groups.
var assignmentRows = []Row{
	{Name: "a9 assign", Source: "contract a9, a.5", Method: post, Path: policies + "/{policy}/assign", Status: 200,
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}"}}]}`,
		Want: []string{"value#1", `value.0.target.groupId="{group}"`, `value.0.target.@odata.type="#microsoft.graph.groupAssignmentTarget"`, `value.0.source="direct"`, "value.0.id"}},
	{Name: "a8 assignments", Source: "contract a8, a.5", Method: get, Path: policies + "/{policy}/assignments", Status: 200, Eventually: true,
		Want: []string{"value#1", `value.0.target.deviceAndAppManagementAssignmentFilterType="none"`}},
	{Name: "a3 is assigned", Source: "contract a.1", Method: get, Path: policies + "/{policy}", Status: 200, Eventually: true, Want: []string{"isAssigned=true"}},
	{Name: "a9 assign replaces", Source: "contract a.5", Method: post, Path: policies + "/{policy}/assign", Status: 200,
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}},{"target":{"@odata.type":"#microsoft.graph.exclusionGroupAssignmentTarget","groupId":"{group}"}}]}`,
		Want: []string{"value#2"}},
	{Name: "a9 unknown policy", Source: "contract a.5", Method: post, Path: policies + "/00000000-0000-0000-0000-00000000dead/assign", Body: `{"assignments":[]}`, Status: 404},
	{Name: "a9 target without a kind", Source: "contract a.5, ASSUMED: the base is abstract", Method: post, Path: policies + "/{policy}/assign", Wrong: true, Body: `{"assignments":[{"target":{"groupId":"{group}"}}]}`, Status: 400},
	{Name: "a9 wrong wrapper", Source: "contract a.5, d: the wrapper differs by resource", Method: post, Path: policies + "/{policy}/assign", Wrong: true, Body: `{"deviceHealthScriptAssignments":[]}`, Status: 400},
	{Name: "a9 clear", Source: "contract a.5", Method: post, Path: policies + "/{policy}/assign", Body: `{"assignments":[]}`, Status: 200, Want: []string{"value#0"}},
}
