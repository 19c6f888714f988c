// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// strengthSpecimen is the same set under two roots (contract h).
var strengthSpecimen = specimen{
	touch:    object{"description": "touched"},
	body:     `{"displayName":"walk %d","allowedCombinations":["fido2"]}`,
	values:   map[string][2]any{"allowedCombinations": {[]string{"fido2"}, []string{"windowsHelloForBusiness"}}},
	computed: []string{"id", "createdDateTime", "modifiedDateTime", "policyType", "requirementsSatisfied"},
}

var configurationSpecimen = specimen{
	body:     `{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","appliesToCombinations":["fido2"],"allowedAAGUIDs":["ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"]}`,
	values:   map[string][2]any{"appliesToCombinations": {[]string{"fido2"}, []string{"fido2"}}, "allowedAAGUIDs": {[]string{"ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"}, []string{"90a3ccdf-635c-4729-a248-9b709135078f"}}},
	computed: []string{"id"},
}

// methodTargets are two lists of those whom a policy of methods is for.
func methodTargets() [2]any {
	return [2]any{[]object{{"targetType": "group", "id": "GROUP"}}, []object{{"targetType": "group", "id": everybodyTarget}}}
}

var certificateSpecimen = specimen{
	body: `{"@odata.type":"#microsoft.graph.x509CertificateCombinationConfiguration","appliesToCombinations":["x509CertificateMultiFactor"],"allowedPolicyOIDs":["1.2.3"]}`,
	values: map[string][2]any{"appliesToCombinations": {[]string{"x509CertificateSingleFactor"}, []string{"x509CertificateMultiFactor"}},
		"allowedIssuerSkis": {[]string{"9a4248c6ac8c2931ab2a86537818e92e7b6c97b6"}, []string{"1b4248c6ac8c2931ab2a86537818e92e7b6c97b6"}}, "allowedPolicyOIDs": {[]string{"1.2.3"}, []string{"1.2.4", "1.2.5"}}},
	computed: []string{"id"},
}

// specimens by pattern of the collection; of objects of several types, those
// beside the first also by type. GROUP stands for the id of a group.
var specimens = map[string]specimen{
	"deviceManagement/configurationPolicies": {
		body: `{"name":"walk %d","platforms":"windows10","technologies":"mdm","settings":[{"settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",` +
			`"settingDefinitionId":"` + PasskeysWindowsDevice + `","choiceSettingValue":{"value":"` + PasskeysWindowsDevice + `_1","children":[]}}}]}`,
		values:   map[string][2]any{"platforms": {"windows10", "windows10"}, "technologies": {"mdm", "mdm"}, "templateReference.templateId": {"", ""}, "templateReference.templateFamily": {"none", "none"}, "roleScopeTagIds": {[]string{"0"}, []string{"0", "1"}}},
		computed: []string{"id", "createdDateTime", "lastModifiedDateTime", "settingCount", "isAssigned", "templateReference.templateDisplayName", "templateReference.templateDisplayVersion"},
		// Contract a.1.
		defaults: object{"roleScopeTagIds": []string{"0"}, "templateReference": object{"templateId": "", "templateFamily": "none"}},
	},
	groupPolicyContext: {
		body:     `{"displayName":"walk %d","description":"walk"}`,
		values:   map[string][2]any{"roleScopeTagIds": {[]string{"0"}, []string{"0", "1"}}},
		computed: []string{"id", "createdDateTime", "lastModifiedDateTime", "policyConfigurationIngestionType"},
		defaults: object{"roleScopeTagIds": []string{"0"}},
	},
	groupPolicyContext + "/{id}/definitionValues": {
		body:     `{"enabled":true,"definition@odata.bind":"DEFINITION"}`,
		computed: []string{"id", "createdDateTime", "lastModifiedDateTime"},
		defaults: object{"configurationType": "policy"},
	},
	"deviceManagement/assignmentFilters": {
		body:     `{"displayName":"walk %d","platform":"windows10AndLater","rule":"(device.deviceName -eq \"walk\")"}`,
		values:   map[string][2]any{"platform": {"windows10AndLater", "windows10AndLater"}, "rule": {`(device.deviceName -eq "one")`, `(device.deviceName -eq "two")`}, "roleScopeTags": {[]string{"0"}, []string{"0", "1"}}, "assignmentFilterManagementType": {"devices", "devices"}},
		computed: []string{"id", "createdDateTime", "lastModifiedDateTime", "payloads"},
		defaults: object{"roleScopeTags": []string{"0"}, "assignmentFilterManagementType": "devices"}, // contract f
	},
	"deviceManagement/deviceHealthScripts": {
		body: `{"displayName":"walk %d","publisher":"walk","detectionScriptContent":"ZXhpdCAw"}`,
		values: map[string][2]any{"runAsAccount": {"system", "user"}, "detectionScriptContent": {"ZXhpdCAw", "ZXhpdCAx"}, "remediationScriptContent": {"ZXhpdCAw", "ZXhpdCAx"},
			"roleScopeTagIds": {[]string{"0"}, []string{"0", "1"}}},
		computed: []string{"id", "createdDateTime", "lastModifiedDateTime", "version", "highestAvailableVersion", "isGlobalScript"},
		defaults: object{"runAsAccount": "system", "roleScopeTagIds": []string{"0"}, "deviceHealthScriptType": "deviceHealthScript"}, // metadata: first members
	},
	"deviceManagement/reports/exportJobs": {
		body:     `{"reportName":"Devices","filter":"","select":["DeviceName"]}`,
		values:   map[string][2]any{"reportName": {"Devices", "Devices"}, "filter": {"(OwnerType eq '1')", "(OwnerType eq '1')"}, "select": {[]string{"DeviceName"}, []string{"DeviceId"}}, "format": {"csv", "json"}},
		computed: []string{"id", "status", "url", "requestDateTime", "expirationDateTime"},
		defaults: object{"format": "csv", "localizationType": "localizedValuesAsAdditionalColumn"}, // contract b.4
	},
	"deviceManagement/reports/cachedReportConfigurations": {
		body:     `{"id":"DeviceStatusesByConfigurationProfile_walk-%d","select":["DeviceName"]}`,
		values:   map[string][2]any{"select": {[]string{"DeviceName"}, []string{"DeviceName", "UPN"}}, "orderBy": {[]string{"DeviceName"}, []string{"DeviceName desc"}}, "filter": {"(PolicyStatus eq '2')", "(PolicyStatus eq '5')"}},
		computed: []string{"id", "reportName", "status", "lastRefreshDateTime", "expirationDateTime"},
		moves:    map[string][]string{"select": {"status", "lastRefreshDateTime", "expirationDateTime"}},
	},
	"groups": {
		body: `{"displayName":"walk %d","mailEnabled":false,"mailNickname":"walk%d","securityEnabled":true}`,
		values: map[string][2]any{"mailEnabled": {false, false}, "securityEnabled": {true, true}, "mailNickname": {"walkone", "walktwo"}, "uniqueName": {"walk-unique-1", "walk-unique-2"},
			"visibility": {"Private", "Public"}, "groupTypes": {[]string{}, []string{}}, "membershipRule": {nil, nil}, "membershipRuleProcessingState": {"On", "Paused"}},
		computed: []string{"id", "createdDateTime", "deletedDateTime", "renewedDateTime", "securityIdentifier"},
		touch:    object{"displayName": "touched"},
		defaults: object{"visibility": "Private"}, // contract-2 x.3
	},
	methodsPath + "/authenticationMethodConfigurations/{id}": {
		body: `{"@odata.type":"#` + fido2Type + `"}`, kind: "graph.fido2AuthenticationMethodConfiguration",
		computed: []string{"id"},
		values: map[string][2]any{"excludeTargets": methodTargets(),
			"includeTargets": {[]object{{"targetType": "group", "id": "GROUP", "allowedPasskeyProfiles": []string{DefaultPasskeyProfile}}},
				[]object{{"targetType": "group", "id": everybodyTarget, "allowedPasskeyProfiles": []string{DefaultPasskeyProfile}}}},
			"passkeyProfiles": {[]object{{"id": DefaultPasskeyProfile, "name": "one", "passkeyTypes": "deviceBound"}}, []object{{"id": DefaultPasskeyProfile, "name": "two", "passkeyTypes": "synced"}}}},
	},
	methodsPath: {body: `{}`, kind: "graph.authenticationMethodsPolicy", computed: []string{"id", "displayName", "description", "lastModifiedDateTime", "policyVersion"},
		values: map[string][2]any{
			"systemCredentialPreferences.includeTargets": methodTargets(), "systemCredentialPreferences.excludeTargets": methodTargets(),
			"microsoftAuthenticatorPlatformSettings.enforceAppPIN.includeTargets": methodTargets(), "microsoftAuthenticatorPlatformSettings.enforceAppPIN.excludeTargets": methodTargets(),
			"registrationEnforcement.authenticationMethodsRegistrationCampaign.includeTargets": methodTargets(), "registrationEnforcement.authenticationMethodsRegistrationCampaign.excludeTargets": methodTargets()}},
	// Without one in the tenant there is nothing to change (contract-2 u: read side).
	"deviceManagement/intents/{id}":                      {body: `{}`, kind: "graph.deviceManagementIntent", computed: []string{"id"}},
	"devices/{id}":                                       {body: `{}`, kind: "graph.device", computed: []string{"id"}},
	"policies/identitySecurityDefaultsEnforcementPolicy": {body: `{}`, kind: "graph.identitySecurityDefaultsEnforcementPolicy", computed: []string{"id", "deletedDateTime", "description", "displayName"}}, // documented as read-only
	"identity/conditionalAccess/policies": {
		body: `{"displayName":"walk %d","state":"disabled","conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeGroups":["GROUP"]}},` +
			`"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`,
		computed: []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"},
		touch:    object{"displayName": "touched"},
	},
	"identity/conditionalAccess/namedLocations": {
		body: `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"walk %d","ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"192.0.2.0/24"}]}`,
		values: map[string][2]any{"ipRanges": {[]object{{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24"}},
			[]object{{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}}}},
		computed: []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"},
		touch:    object{"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "touched"},
	},
	"identity/conditionalAccess/namedLocations countryNamedLocation": {
		body:     `{"@odata.type":"#microsoft.graph.countryNamedLocation","displayName":"walk %d","countriesAndRegions":["DE"]}`,
		values:   map[string][2]any{"countriesAndRegions": {[]string{"DE", "FR"}, []string{"NL"}}},
		computed: []string{"id", "createdDateTime", "modifiedDateTime", "deletedDateTime"},
		defaults: object{"countryLookupMethod": "clientIpAddress"}, // documentation of the resource
		touch:    object{"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "touched"},
	},
	"policies/authenticationStrengthPolicies":                                                                                           strengthSpecimen,
	"identity/conditionalAccess/authenticationStrength/policies":                                                                        strengthSpecimen,
	"policies/authenticationStrengthPolicies/{id}/combinationConfigurations":                                                            configurationSpecimen,
	"identity/conditionalAccess/authenticationStrength/policies/{id}/combinationConfigurations":                                         configurationSpecimen,
	"policies/authenticationStrengthPolicies/{id}/combinationConfigurations x509CertificateCombinationConfiguration":                    certificateSpecimen,
	"identity/conditionalAccess/authenticationStrength/policies/{id}/combinationConfigurations x509CertificateCombinationConfiguration": certificateSpecimen,
}
