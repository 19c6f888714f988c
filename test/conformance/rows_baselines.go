// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

const (
	groupPolicies    = "/beta/deviceManagement/groupPolicyConfigurations"
	admxDefinitions  = "/beta/deviceManagement/groupPolicyDefinitions"
	intents          = "/beta/deviceManagement/intents"
	intentTemplates  = "/beta/deviceManagement/templates"
	admxBind         = `"definition@odata.bind":"https://graph.microsoft.com/beta/deviceManagement/groupPolicyDefinitions('{admx}')"`
	savingPasswords  = "Enable saving passwords to the password manager"
	underEdge        = `startswith(categoryPath,'\Microsoft Edge\')`
	definitionExpand = "?$expand=definition($select=id,classType,displayName,policyType,groupPolicyCategoryId)"
)

// baselineRows follow contract e, contract-2 u and w. They come after the groups.
var baselineRows = []Row{
	{Name: "e definitions by name", Source: "contract e; contract-2 w: names repeat", Method: get, Path: admxDefinitions + "?$filter=displayName eq '" + savingPasswords + "' and classType eq 'machine' and " + underEdge, Status: 200,
		Want: []string{"value#>0", `value.0.classType="machine"`, "value.0.categoryPath~Microsoft Edge", "!value.0.name"}, Save: map[string]string{"admx": "value.0.id"}},
	{Name: "e definition", Source: "contract e", Method: get, Path: admxDefinitions + "/{admx}", Status: 200, Want: []string{`displayName="` + savingPasswords + `"`}},
	{Name: "e presentations of a plain policy", Source: "contract-2 w", Method: get, Path: admxDefinitions + "/{admx}/presentations", Status: 200, Want: []string{"value#0"}},
	{Name: "e create", Source: "contract e", Method: post, Path: groupPolicies, Body: `{"displayName":"tidegate-conformance","description":"conformance"}`, Status: 201,
		Want: []string{`displayName="tidegate-conformance"`, `roleScopeTagIds=["0"]`, "!isAssigned"}, Save: map[string]string{"groupPolicy": "id"}},
	{Name: "e add a definition", Source: "contract-2 w", Method: post, Path: groupPolicies + "/{groupPolicy}/updateDefinitionValues", Status: 204,
		Body: `{"added":[{"enabled":false,` + admxBind + `,"presentationValues":[]}],"updated":[],"deletedIds":[]}`, Want: []string{"empty"}},
	{Name: "e add a definition that is none", Source: "contract-2 w; ASSUMED: refused", Method: post, Path: groupPolicies + "/{groupPolicy}/updateDefinitionValues", Status: 400,
		Body: `{"added":[{"enabled":false,"definition@odata.bind":"https://graph.microsoft.com/beta/deviceManagement/groupPolicyDefinitions('` + nowhere + `')"}],"updated":[],"deletedIds":[]}`, Want: []string{intuneError}},
	{Name: "e values", Source: "contract e; contract-2 w", Method: get, Path: groupPolicies + "/{groupPolicy}/definitionValues" + definitionExpand, Status: 200,
		Want: []string{"value#1", "value.0.enabled=false", `value.0.definition.displayName="` + savingPasswords + `"`, "!value.0.definition.categoryPath"}, Save: map[string]string{"admxValue": "value.0.id"}},
	{Name: "e value", Source: "contract e", Method: get, Path: groupPolicies + "/{groupPolicy}/definitionValues/{admxValue}", Status: 200, Want: []string{"enabled=false"}},
	{Name: "e definition of a value", Source: "contract e", Method: get, Path: groupPolicies + "/{groupPolicy}/definitionValues/{admxValue}/definition", Status: 200, Want: []string{`id="{admx}"`}},
	{Name: "e inputs of a value", Source: "contract e; contract-2 w", Method: get, Path: groupPolicies + "/{groupPolicy}/definitionValues/{admxValue}/presentationValues?$expand=presentation", Status: 200, Want: []string{"value#0"}},
	{Name: "e assign", Source: "contract e", Method: post, Path: groupPolicies + "/{groupPolicy}/assign", Status: 200,
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}"}}]}`, Want: []string{"value#1", `value.0.target.groupId="{group}"`}},
	{Name: "e assignments", Source: "contract-2 w", Method: get, Path: groupPolicies + "/{groupPolicy}/assignments", Status: 200, Want: []string{"value#1"}},
	{Name: "e list", Source: "contract-2 w: the list has no isAssigned, and knows the ingestion type", Method: get, Path: groupPolicies + "?$filter=id eq '{groupPolicy}'", Status: 200, Want: []string{"value#1", "!value.0.isAssigned"}},
	{Name: "e rename", Source: "contract-2 w", Method: patch, Path: groupPolicies + "/{groupPolicy}", Body: `{"displayName":"tidegate-conformance 2"}`, Status: 200, Want: []string{`description="conformance"`}},
	{Name: "e read", Source: "contract e", Method: get, Path: groupPolicies + "/{groupPolicy}", Status: 200, Want: []string{`displayName="tidegate-conformance 2"`}},
	{Name: "e delete a value", Source: "contract-2 w", Method: post, Path: groupPolicies + "/{groupPolicy}/updateDefinitionValues", Body: `{"added":[],"updated":[],"deletedIds":["{admxValue}"]}`, Status: 204, Want: []string{"empty"}},
	{Name: "e delete", Source: "contract e", Method: remove, Path: groupPolicies + "/{groupPolicy}", Status: 204},

	{Name: "u templates", Source: "contract-2 u", Method: get, Path: intentTemplates + "?$filter=templateType eq 'microsoftEdgeSecurityBaseline'", Status: 200, Want: []string{"value#>0", "value.0.versionInfo"}, Save: map[string]string{"intentTemplate": "value.0.id"}},
	{Name: "u template", Source: "contract-2 u", Method: get, Path: intentTemplates + "/{intentTemplate}", Status: 200, Want: []string{`id="{intentTemplate}"`}},
	{Name: "u categories of a template", Source: "contract-2 u", Method: get, Path: intentTemplates + "/{intentTemplate}/categories?$expand=settingDefinitions", Status: 200, Want: []string{"value#>0", "value.0.settingDefinitions#>0"}, Save: map[string]string{"intentCategory": "value.0.id"}},
	{Name: "u recommended settings", Source: "contract-2 u", Method: get, Path: intentTemplates + "/{intentTemplate}/categories/{intentCategory}/recommendedSettings", Status: 200, Want: []string{"value#>0", "value.0.valueJson"}},
	{Name: "u create", Source: "contract-2 u", Method: post, Path: intentTemplates + "/{intentTemplate}/createInstance", Body: `{"displayName":"tidegate-conformance","description":"conformance","settingsDelta":[],"roleScopeTagIds":["0"]}`, Status: 200,
		Want: []string{`templateId="{intentTemplate}"`, "isAssigned=false"}, Save: map[string]string{"intent": "id"}},
	{Name: "u list", Source: "contract-2 u", Method: get, Path: intents + "?$select=id,displayName,templateId,isAssigned", Status: 200, Want: []string{"value#>0"}},
	{Name: "u read", Source: "contract-2 u", Method: get, Path: intents + "/{intent}", Status: 200, Want: []string{`displayName="tidegate-conformance"`}},
	{Name: "u update settings", Source: "contract-2 u", Method: post, Path: intents + "/{intent}/updateSettings", Status: 204,
		Body: `{"settings":[{"@odata.type":"#microsoft.graph.deviceManagementStringSettingInstance","definitionId":"admx--microsoftedge_PasswordManagerEnabled","valueJson":"\"enabled\""}]}`},
	{Name: "u settings", Source: "contract-2 u: valueJson is JSON in a text", Method: get, Path: intents + "/{intent}/settings", Status: 200, Want: []string{"value#>0", "value.0.definitionId~admx--microsoftedge_", "value.0.@odata.type~SettingInstance", "value.0.valueJson~abled"}},
	{Name: "u categories", Source: "contract-2 u", Method: get, Path: intents + "/{intent}/categories", Status: 200, Want: []string{"value#>0"}},
	{Name: "u settings of a category", Source: "contract-2 u", Method: get, Path: intents + "/{intent}/categories/{intentCategory}/settings", Status: 200, Want: []string{"value#>0"}},
	{Name: "u assign", Source: "contract-2 u", Method: post, Path: intents + "/{intent}/assign", Status: 204, Want: []string{"empty"},
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}"}}]}`},
	{Name: "u assignments", Source: "contract-2 u", Method: get, Path: intents + "/{intent}/assignments", Status: 200, Want: []string{"value#1", `value.0.target.groupId="{group}"`}},
	{Name: "u rename", Source: "contract-2 u; ASSUMED: 200", Method: patch, Path: intents + "/{intent}", Body: `{"displayName":"tidegate-conformance 2"}`, Status: 200},
	{Name: "u delete", Source: "contract-2 u; ASSUMED: 204", Method: remove, Path: intents + "/{intent}", Status: 204},
}
