// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const (
	betaConditional = "/beta/identity/conditionalAccess/policies"

	// guarded excludes somebody: what a change of another condition must not lose.
	guarded = `{"displayName":"tidegate-conformance guarded","state":"disabled",` +
		`"conditions":{"clientAppTypes":["browser"],"applications":{"includeApplications":["All"],"excludeApplications":["00000003-0000-0ff1-ce00-000000000000"]},` +
		`"users":{"includeUsers":["All"],"excludeGroups":["{group}"]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`

	// betaMembers are null or set as the portal of beta writes them.
	betaMembers = `{"displayName":"tidegate-conformance beta","state":"disabled",` +
		`"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"],"networkAccess":null,"globalSecureAccess":null},"users":{"includeUsers":["All"]},` +
		`"deviceStates":null,"agentIdRiskLevels":null},"grantControls":{"operator":"OR","builtInControls":["mfa"]},` +
		`"sessionControls":{"continuousAccessEvaluation":{"mode":"strictLocation"},"globalSecureAccessFilteringProfile":null}}`

	// annotated says what an export says beside its members.
	annotated = `{` + policyHead + `,"@odata.context":"{graph}/beta/$metadata#deviceManagement/configurationPolicies/$entity","settings@odata.context":"{graph}/beta/$metadata#x",` +
		`"roleScopeTagIds@odata.type":"#Collection(String)","settings":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":` +
		`{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"{definition}",` +
		`"choiceSettingValue":{"value":"{option}","children@odata.type":"#Collection(microsoft.graph.deviceManagementConfigurationSettingInstance)","children":[]}}}]}`

	// secretDefinition and collectionDefinition are real settings whose kind the
	// settings of Edge lack.
	secretDefinition     = "com.apple.loginwindow_autologinpassword"
	collectionDefinition = "device_vendor_msft_policy_config_quiettime_mutenotificationsallday_daysoftheweek"
	secretBody           = `{"name":"tidegate-conformance secret","platforms":"macOS","technologies":"mdm,appleRemoteManagement","settings":[{"settingInstance":` +
		`{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"` + secretDefinition + `",` +
		`"simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSecretSettingValue","value":"open sesame","valueState":"notEncrypted"}}}]}`

	strangeGroup = `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"` + nowhere + `"}}]}`
	toGroup      = `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}"}}]}`

	fullGroup = `{"displayName":"tidegate-conformance full","mailEnabled":false,"mailNickname":"tidegate-full","securityEnabled":true,` +
		`"visibility":"Private","isAssignableToRole":true,"membershipRuleProcessingState":"On"}`

	x509Combination = `{"@odata.type":"#microsoft.graph.x509CertificateCombinationConfiguration","appliesToCombinations":["x509CertificateMultiFactor"],` +
		`"allowedIssuers":["CUSTOMIDENTIFIER:d0b5f0a1c2e34b5f8d9e7a6b5c4d3e2f1a0b9c8d"],"allowedPolicyOIDs":["1.3.6.1.4.1.311.21.8.1"]}`
)

// thirdPartyRows are what programs that nobody here wrote send: the number is the
// row of the list of their requests, the right answer is written from it.
var thirdPartyRows = []Row{
	{Name: "third-party 1: settings", Source: "third-party 1, contract a.2: the declared type is not annotated", Method: get, Path: policies + "/{policy}/settings", Status: 200,
		Want: []string{"!value.0.settingInstance.choiceSettingValue.@odata.type", `value.0.settingInstance.@odata.type="#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance"`}},

	{Name: "third-party 2: a policy with exclusions", Source: "third-party 2, contract h", Method: post, Path: conditional, Body: guarded, Status: 201, Save: map[string]string{"guarded": "id"}},
	{Name: "third-party 2: one condition", Source: "third-party 2: the documentation's example", Method: patch, Path: conditional + "/{guarded}", Body: `{"conditions":{"signInRiskLevels":["high","medium"]}}`, Status: 204, Want: []string{"empty"}},
	{Name: "third-party 2: the others are kept", Source: "third-party 2: at every depth", Method: get, Path: conditional + "/{guarded}", Status: 200,
		Want: []string{`conditions.signInRiskLevels=["high","medium"]`, `conditions.users.includeUsers=["All"]`, `conditions.users.excludeGroups=["{group}"]`, `conditions.clientAppTypes=["browser"]`,
			`conditions.applications.excludeApplications=["00000003-0000-0ff1-ce00-000000000000"]`, `grantControls.builtInControls=["mfa"]`}},
	{Name: "third-party 2: one member of a condition", Source: "third-party 2: at every depth", Method: patch, Path: conditional + "/{guarded}", Body: `{"conditions":{"applications":{"includeApplications":["Office365"]}}}`, Status: 204},
	{Name: "third-party 2: its neighbour is kept", Source: "third-party 2: at every depth", Method: get, Path: conditional + "/{guarded}", Status: 200,
		Want: []string{`conditions.applications.includeApplications=["Office365"]`, `conditions.applications.excludeApplications=["00000003-0000-0ff1-ce00-000000000000"]`, `conditions.users.excludeGroups=["{group}"]`}},
	{Name: "third-party 10: a change is dated", Source: "third-party 10, contract h: however short ago", Method: get, Path: conditional + "/{guarded}", Status: 200, Want: []string{"modifiedDateTime"}},
	{Name: "third-party 2: remove the policy", Source: "contract h", Method: remove, Path: conditional + "/{guarded}", Status: 204},

	{Name: "third-party 3: a group with all", Source: "third-party 3, contract g", Method: post, Path: groups, Body: fullGroup, Status: 201,
		Want: []string{`visibility="Private"`, "isAssignableToRole=true", `membershipRuleProcessingState="On"`}, Save: map[string]string{"full": "id"}},
	{Name: "third-party 3: it is kept", Source: "third-party 3", Method: get, Path: groups + "/{full}?$select=id,visibility,isAssignableToRole,membershipRuleProcessingState", Status: 200, Eventually: true,
		Want: []string{`visibility="Private"`, "isAssignableToRole=true", `membershipRuleProcessingState="On"`}},

	{Name: "third-party 4: numbers as ids", Source: "third-party 4, contract k.1", Method: post, Path: "/v1.0/$batch", Status: 200, Body: `{"requests":[{"id":1,"method":"GET","url":"/organization"}]}`,
		Want: []string{"responses#1", `responses.0.id="1"`, "responses.0.status=200"}},
	{Name: "third-party 4: one depends on another", Source: "third-party 4, contract k.1", Method: post, Path: "/beta/$batch", Status: 200,
		Body: `{"requests":[{"id":7,"method":"GET","url":"/organization"},{"id":8,"method":"GET","url":"/organization","dependsOn":[7]}]}`,
		Want: []string{"responses#2", "responses.0.status=200", "responses.1.status=200"}},

	{Name: "third-party 5: options without a sign", Source: "third-party 5: optional on beta", Method: get, Path: policies + "/{policy}/settings?&top=1000", Status: 200, Want: []string{"value#1"}},
	{Name: "third-party 5: several", Source: "third-party 5", Method: get, Path: definitions + "?top=1&select=id", Status: 200, Want: []string{"value#1", "!value.0.name", "@odata.nextLink~top=1"}, Save: map[string]string{"nextPlain": "@odata.nextLink"}},
	{Name: "third-party 5: the next page", Source: "third-party 5, contract k.2", Method: get, Path: "{nextPlain}", Status: 200, Want: []string{"value#1"}},
	{Name: "third-party 5: not on v1.0", Source: "third-party 5; ASSUMED: v1.0 does so for a few resources, which is not said", Method: get, Path: "/v1.0/users?top=1", Status: 400, Want: []string{"error.code"}},

	{Name: "third-party 6: a member without a value", Source: "third-party 6", Method: get, Path: groups + "/{group}?$select=id,assignedLicenses,preferredLanguage", Status: 200,
		Want: []string{`id="{group}"`, "assignedLicenses#0", "preferredLanguage=null"}},
	{Name: "third-party 6: in a list", Source: "third-party 6", Method: get, Path: "/v1.0/users?$top=1&$select=id,assignedPlans,city", Status: 200, Want: []string{"value#1", "value.0.assignedPlans", "value.0.city=null"}},
	{Name: "third-party 6: a member that is none", Source: "third-party 6, contract 0.4", Method: get, Path: groups + "/{group}?$select=id,assignedLicences", Status: 400, Want: []string{"error.message~assignedLicences"}},

	{Name: "third-party 7: members of beta", Source: "third-party 7", Method: post, Path: betaConditional, Body: betaMembers, Status: 201,
		Want: []string{`sessionControls.continuousAccessEvaluation.mode="strictLocation"`}, Save: map[string]string{"betaAccess": "id"}},
	{Name: "third-party 7: remove the policy", Source: "contract h", Method: remove, Path: betaConditional + "/{betaAccess}", Status: 204},

	{Name: "third-party 8: owners", Source: "third-party 8, contract g", Method: get, Path: groups + "/{group}/owners", Status: 200, Want: []string{"value"}},
	{Name: "third-party 8: own", Source: "third-party 8, contract g", Method: post, Path: groups + "/{group}/owners/$ref", Body: `{"@odata.id":"{graph}/v1.0/users/{user}"}`, Status: 204, Want: []string{"empty"}},
	{Name: "third-party 8: the owner is listed", Source: "third-party 8, contract g", Method: get, Path: groups + "/{group}/owners?$select=id", Status: 200, Eventually: true, Want: []string{"body~{user}"}},

	{Name: "third-party 9: a strength with certificates", Source: "contract h", Method: post, Path: strengths, Status: 201,
		Body: `{"displayName":"tidegate-conformance x509","allowedCombinations":["x509CertificateMultiFactor"]}`, Save: map[string]string{"x509": "id"}},
	{Name: "third-party 9: issuers", Source: "third-party 9, a recorded request of the portal; ASSUMED: the documentation is silent", Method: post, Path: strengths + "/{x509}/combinationConfigurations", Body: x509Combination, Status: 201,
		Want: []string{"allowedIssuers#1"}},
	{Name: "third-party 9: remove the strength", Source: "contract h", Method: remove, Path: strengths + "/{x509}", Status: 204},

	{Name: "third-party 11: no users", Source: "third-party 11: documented as required", Method: post, Path: conditional, Status: 400, Want: []string{"error.code"},
		Body: strings.Replace(guarded, `,"users":{"includeUsers":["All"],"excludeGroups":["{group}"]}`, "", 1)},
	{Name: "third-party 11: no applications", Source: "third-party 11", Method: post, Path: conditional, Status: 400, Want: []string{"error.code"},
		Body: strings.Replace(guarded, `"applications":{"includeApplications":["All"],"excludeApplications":["00000003-0000-0ff1-ce00-000000000000"]},`, "", 1)},
	{Name: "third-party 11: no client apps", Source: "third-party 11", Method: post, Path: conditional, Status: 400, Want: []string{"error.code"}, Body: strings.Replace(guarded, `"clientAppTypes":["browser"],`, "", 1)},

	{Name: "third-party 12: annotations", Source: "third-party 12: OData demands that they are ignored", Method: post, Path: policies, Body: annotated, Status: 201, Want: []string{"settingCount=1"}, Save: map[string]string{"annotated": "id"}},
	{Name: "third-party 12: a wrong type is no annotation", Source: "third-party 12; ASSUMED: refused as a type that does not fit", Method: post, Path: policies, Wrong: true, Status: 400,
		Body: strings.Replace(annotated, "ChoiceSettingInstance", "SimpleSettingInstance", 1)},
	{Name: "third-party 12: remove the policy", Source: "contract a7", Method: remove, Path: policies + "/{annotated}", Status: 204},

	{Name: "third-party 13: a secret", Source: "third-party 13, contract a.2", Method: post, Path: policies, Body: secretBody, Status: 201, Save: map[string]string{"secret": "id"}},
	{Name: "third-party 13: is read as a token", Source: "third-party 13, contract a.2", Method: get, Path: policies + "/{secret}/settings", Status: 200, Eventually: true,
		Want: []string{`value.0.settingInstance.simpleSettingValue.valueState="encryptedValueToken"`, "!value.0.settingInstance.simpleSettingValue.value~sesame"}},
	{Name: "third-party 13: a collection of choices", Source: "third-party 13, contract a.2", Method: get, Path: definitions + "/" + collectionDefinition, Status: 200,
		Want: []string{`@odata.type="#microsoft.graph.deviceManagementConfigurationChoiceSettingCollectionDefinition"`}},

	{Name: "third-party 14: assign to nobody", Source: "third-party 14; ASSUMED: n = 1, of apps", Method: post, Path: policies + "/{policy}/assign", Body: strangeGroup, Status: 200, Want: []string{"value#1", `value.0.target.groupId="` + nowhere + `"`}},
	{Name: "third-party 14: an id that is none", Source: "third-party 14", Method: post, Path: policies + "/{policy}/assign", Body: strings.Replace(strangeGroup, nowhere, "everyone", 1), Status: 400,
		Want: []string{"error.message~Invalid GroupId", "error.message~a valid AADGroupId is expected."}},

	{Name: "third-party 15: assign by its whole name", Source: "third-party 15", Method: post, Path: policies + "('{policy}')/microsoft.graph.assign", Body: toGroup, Status: 200, Want: []string{"value#1", `value.0.target.groupId="{group}"`}},
	{Name: "third-party 15: it is assigned", Source: "third-party 15", Method: get, Path: policies + "/{policy}/assignments", Status: 200, Eventually: true, Want: []string{"value#1", `value.0.target.groupId="{group}"`}},
	{Name: "third-party 15: assign to nobody again", Source: "contract a.5", Method: post, Path: policies + "/{policy}/microsoft.graph.assign", Body: `{"assignments":[]}`, Status: 200, Want: []string{"value#0"}},
	{Name: "third-party 15: a function", Source: "third-party 15", Method: get, Path: groups + "/microsoft.graph.delta()?$select=id", Status: 200, Want: []string{"value"}},
	{Name: "third-party 15: a report", Source: "third-party 15", Method: post, Path: "/v1.0/deviceManagement/reports/microsoft.graph.getConfigurationPolicyNonComplianceReport", Body: `{"skip":0,"top":1}`, Status: 200, Want: []string{"Schema#>0"}},
	{Name: "third-party 15: a cast", Source: "third-party 15, contract g", Method: get, Path: groups + "/{group}/members/graph.device", Status: 200, Want: []string{"value"}},
	{Name: "third-party 15: a navigation has no such name", Source: "third-party 15; ASSUMED: only actions, functions and casts have one", Method: get, Path: groups + "/{group}/microsoft.graph.members", Wrong: true, Status: 400, Want: []string{"error.message~segment"}},
}

const oddScript = `{"displayName":"tidegate-conformance odd","publisher":"conformance","detectionScriptContent":"ZXhpdCAw"}`

// oddRows hold on the other side of a switch. A success has the status that the
// documentation does not say (third-party 16): a client that depends on one of the two fails one of the runs.
var oddRows = []Row{
	{Name: "third-party 16: a policy", Source: "contract a2", Given: OtherStatuses, Method: post, Path: policies, Body: wholeBody, Status: 201, Save: map[string]string{"oddPolicy": "id"}},
	{Name: "third-party 16: delete it", Source: "third-party 16; ASSUMED: undecided", Given: OtherStatuses, Method: remove, Path: policies + "/{oddPolicy}", Status: 200, Want: []string{"empty"}},
	{Name: "third-party 16: it is gone", Source: "contract a.7", Given: OtherStatuses, Method: get, Path: policies + "/{oddPolicy}", Status: 404},
	{Name: "third-party 16: a script", Source: "contract d", Given: OtherStatuses, Method: post, Path: scripts, Body: oddScript, Status: 201, Save: map[string]string{"oddScript": "id"}},
	{Name: "third-party 16: assign it", Source: "third-party 16, contract d; ASSUMED: undecided", Given: OtherStatuses, Method: post, Path: scripts + "/{oddScript}/assign", Status: 200, Want: []string{"empty"},
		Body: `{"deviceHealthScriptAssignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}"}}]}`},
	{Name: "third-party 16: it is assigned", Source: "contract d", Given: OtherStatuses, Method: get, Path: scripts + "/{oddScript}/assignments", Status: 200, Want: []string{"value#1"}},
	{Name: "third-party 14: assign to nobody where that is refused", Source: "third-party 14; ASSUMED: the other side of the switch", Given: StrictTargets, Method: post, Path: policies + "/{policy}/assign", Body: strangeGroup, Status: 400,
		Want: []string{"error.message~" + nowhere}},
	{Name: "third-party 16: delete the script", Source: "third-party 16; ASSUMED: undecided", Given: OtherStatuses, Method: remove, Path: scripts + "/{oddScript}", Status: 200, Want: []string{"empty"}},
}
