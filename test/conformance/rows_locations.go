// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const (
	locations        = "/v1.0/identity/conditionalAccess/namedLocations"
	locationsInBeta  = "/beta/identity/conditionalAccess/namedLocations"
	locationsDeleted = "/v1.0/identity/conditionalAccess/deletedItems/namedLocations"
	securityDefaults = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"

	// office is one address block that documentation is made of: no sign-in comes
	// from it.
	office = `{"@odata.type":"#microsoft.graph.ipNamedLocation","displayName":"tidegate-conformance","isTrusted":false,` +
		`"ipRanges":[{"@odata.type":"#microsoft.graph.iPv4CidrRange","cidrAddress":"192.0.2.0/24"},{"@odata.type":"#microsoft.graph.iPv6CidrRange","cidrAddress":"2001:db8::/32"}]}`
	country = `{"@odata.type":"#microsoft.graph.countryNamedLocation","displayName":"tidegate-conformance country","countriesAndRegions":["AQ"]}`

	// atOffice asks for one user's sign-in from the block, in report-only state.
	atOffice = `{"displayName":"tidegate-conformance location","state":"enabledForReportingButNotEnforced",` +
		`"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["{user}"]},"locations":{"includeLocations":["{office}"]}},` +
		`"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`
)

// locationRows follow the documentation of named locations and security defaults,
// which the contract names without more.
var locationRows = []Row{
	{Name: "location: create", Source: "page conditionalaccessroot-post-namedlocations: 201", Method: post, Path: locations, Body: office, Status: 201,
		Want: []string{"isTrusted=false", "ipRanges#2", `ipRanges.0.cidrAddress="192.0.2.0/24"`}, Save: map[string]string{"office": "id"}},
	{Name: "location: a country in beta", Source: "page countrynamedlocation: defaults; contract h: no isTrusted", Method: post, Path: locationsInBeta, Body: country, Status: 201,
		Want: []string{"!isTrusted", "includeUnknownCountriesAndRegions=false", `countryLookupMethod="clientIpAddress"`}, Save: map[string]string{"country": "id"}},
	{Name: "location: list", Source: "page conditionalaccessroot-list-namedlocations", Method: get, Path: locations, Status: 200, Eventually: true, Want: []string{"value#>1", "body~{office}", "body~{country}"}},
	{Name: "location: read", Source: "page ipnamedlocation-get", Method: get, Path: locations + "/{office}", Status: 200, Eventually: true, Want: []string{`displayName="tidegate-conformance"`}},
	{Name: "location: no type", Source: "page conditionalaccessroot-post-namedlocations: @odata.type is required", Method: post, Path: locations, Wrong: true,
		Body: strings.Replace(country, `"@odata.type":"#microsoft.graph.countryNamedLocation",`, "", 1), Status: 400},
	{Name: "location: a block that is none", Source: "page ipnamedlocation: CIDR; ASSUMED: the words", Method: post, Path: locations, Body: strings.Replace(office, "192.0.2.0/24", "192.0.2.0/33", 1), Status: 400},
	{Name: "location: a country that is trusted", Source: "contract h: it has no isTrusted", Method: post, Path: locations, Wrong: true, Body: strings.Replace(country, `"displayName"`, `"isTrusted":true,"displayName"`, 1), Status: 400},
	{Name: "location: trust", Source: "page ipnamedlocation-update: 204, the rest is kept", Method: patch, Path: locations + "/{office}", Body: `{"@odata.type":"#microsoft.graph.ipNamedLocation","isTrusted":true}`, Status: 204},
	{Name: "location: trusted", Source: "page ipnamedlocation-update", Method: get, Path: locations + "/{office}", Status: 200, Eventually: true, Want: []string{"isTrusted=true", "ipRanges#2"}},
	{Name: "location: a policy names it", Source: "contract h", Method: post, Path: conditional, Body: atOffice, Status: 201, Save: map[string]string{"atOffice": "id"}},
	{Name: "location: a policy names one that is none", Source: "contract n: unknown ids", Method: post, Path: conditional, Body: strings.Replace(atOffice, "{office}", nowhere, 1), Status: 400},
	{Name: "location: what if from there", Source: "contract h", Method: post, Path: evaluate, Status: 200, Eventually: true,
		Body: strings.Replace(onWindows, `"devicePlatform":"windows"`, `"ipAddress":"192.0.2.7"`, 1), Want: []string{"body~{atOffice}"}},
	{Name: "location: what if from elsewhere", Source: "contract h; ASSUMED: which reason is given", Method: post, Path: evaluate, Status: 200,
		Body: strings.NewReplacer(`"devicePlatform":"windows"`, `"ipAddress":"198.51.100.7"`, "true", "false").Replace(onWindows), Want: []string{`body~"analysisReasons":"location"`}},
	{Name: "location: delete one in use", Source: "ASSUMED", Method: remove, Path: locations + "/{office}", Status: 400},
	{Name: "location: delete the policy", Source: "contract h", Method: remove, Path: conditional + "/{atOffice}", Status: 204},
	{Name: "location: delete a trusted one", Source: "ASSUMED after the provider: it must be untrusted first", Method: remove, Path: locations + "/{office}", Status: 400},
	{Name: "location: trust no more", Source: "page ipnamedlocation-update", Method: patch, Path: locations + "/{office}", Body: `{"@odata.type":"#microsoft.graph.ipNamedLocation","isTrusted":false}`, Status: 204},
	{Name: "location: delete", Source: "page ipnamedlocation-delete: 204", Method: remove, Path: locations + "/{office}", Status: 204, Want: []string{"empty"}},
	{Name: "location: the bin", Source: "page policydeletableitem: namedLocation is one", Method: get, Path: locationsDeleted, Status: 200, Eventually: true, Want: []string{"body~{office}"}},
	{Name: "location: restore", Source: "page ipnamedlocation-restore: 200", Method: post, Path: locationsDeleted + "/{office}/restore", Status: 200, Want: []string{`id="{office}"`}},
	{Name: "location: delete again", Source: "page ipnamedlocation-delete", Method: remove, Path: locations + "/{office}", Status: 204},
	{Name: "location: in the bin", Source: "page policydeletableitem-get", Method: get, Path: locationsDeleted + "/{office}", Status: 200, Eventually: true, Want: []string{"deletedDateTime"}},
	{Name: "location: empty the bin", Source: "page policydeletableitem-delete: 204", Method: remove, Path: locationsDeleted + "/{office}", Status: 204},
	{Name: "location: delete the country", Source: "page countrynamedlocation-delete: 204", Method: remove, Path: locationsInBeta + "/{country}", Status: 204},

	{Name: "security defaults", Source: "page identitysecuritydefaultsenforcementpolicy-get", Method: get, Path: securityDefaults, Status: 200, Want: []string{"isEnabled", `id="00000000-0000-0000-0000-000000000005"`}},
	{Name: "security defaults: stay off", Source: "page identitysecuritydefaultsenforcementpolicy-update: 204", Method: patch, Path: securityDefaults, Body: `{"isEnabled":false}`, Status: 204, Want: []string{"empty"}},
	{Name: "security defaults: a member that is none", Source: "contract n", Method: patch, Path: securityDefaults, Wrong: true, Body: `{"enabled":false}`, Status: 400},

	{Name: "authentication methods: snooze", Source: "page authenticationmethodspolicy-update: 200", Method: patch, Path: methods, Status: 200,
		Body: `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{"snoozeDurationInDays":1}}}`, Want: []string{"registrationEnforcement.authenticationMethodsRegistrationCampaign.state"}},
	{Name: "authentication methods: a member of beta", Source: "contract i, schema.json", Method: patch, Path: methods, Wrong: true, Body: `{"systemCredentialPreferences":{"state":"default"}}`, Status: 400},
	{Name: "authentication methods: their list", Source: "contract i, schema.json", Method: get, Path: methods + "/authenticationMethodConfigurations", Status: 200, Want: []string{"value#>0"}},
}

// restrictionRows follow contract h and third-party 9: one restriction by its id.
var restrictionRows = []Row{
	{Name: "restriction: a strength", Source: "contract h", Method: post, Path: strengths, Body: `{"displayName":"tidegate-conformance 3","allowedCombinations":["fido2"]}`, Status: 201, Save: map[string]string{"restricted": "id"}},
	{Name: "restriction: create", Source: "contract h", Method: post, Path: strengths + "/{restricted}/combinationConfigurations", Body: fido2Combination, Status: 201, Save: map[string]string{"restriction": "id"}},
	{Name: "restriction: read", Source: "page authenticationcombinationconfiguration-get", Method: get, Path: strengths + "/{restricted}/combinationConfigurations/{restriction}", Status: 200, Eventually: true, Want: []string{"allowedAAGUIDs#1"}},
	{Name: "restriction: change", Source: "page authenticationcombinationconfiguration-update: 204", Method: patch, Path: strengths + "/{restricted}/combinationConfigurations/{restriction}", Status: 204,
		Body: `{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","allowedAAGUIDs":["ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4","90a3ccdf-635c-4729-a248-9b709135078f"]}`},
	{Name: "restriction: changed", Source: "page authenticationcombinationconfiguration-update", Method: get, Path: strengths + "/{restricted}/combinationConfigurations/{restriction}", Status: 200, Eventually: true,
		Want: []string{"allowedAAGUIDs#2", `appliesToCombinations=["fido2"]`}},
	{Name: "restriction: delete", Source: "ASSUMED: 204", Method: remove, Path: strengths + "/{restricted}/combinationConfigurations/{restriction}", Status: 204},
	{Name: "restriction: gone", Source: "ASSUMED", Method: get, Path: strengths + "/{restricted}/combinationConfigurations/{restriction}", Status: 404, Eventually: true},
	{Name: "restriction: delete the strength", Source: "ASSUMED", Method: remove, Path: strengths + "/{restricted}", Status: 204},
}

// ruleRows follow contract f: rules by platform.
var ruleRows = []Row{
	ruleRow("an app rule", "androidMobileApplicationManagement", "apps", `(app.appVersion -startsWith \"147.\") and (app.deviceManagementType -eq \"Unmanaged\")`, true),
	ruleRow("a device rule for apps", "iOSMobileApplicationManagement", "apps", `(device.model -eq \"x\")`, false),
	ruleRow("rooted phones", "iOS", "devices", `(device.isRooted -eq \"False\")`, true),
	ruleRow("rooted computers", "windows10AndLater", "devices", `(device.isRooted -eq \"False\")`, false),
	ruleRow("the join type of a Mac", "macOS", "devices", `(device.deviceTrustType -eq \"Azure AD joined\")`, false),
	ruleRow("a part of the ownership", "macOS", "devices", `(device.deviceOwnership -contains \"Corp\")`, false),
	ruleRow("a version without quotes", "windows10AndLater", "devices", `(device.operatingSystemVersion -ge 10.0.22631.0)`, true),
	ruleRow("a version in quotes", "windows10AndLater", "devices", `(device.operatingSystemVersion -ge \"10.0.22631.0\")`, false),
	ruleRow("words in any case", "windows10AndLater", "devices", `(DEVICE.model -StartsWith \"x\") -AND (device.deviceCategory -ne $Null)`, true),
}

// ruleRow asks whether a rule is one.
func ruleRow(name, platform, kind, rule string, valid bool) Row {
	want := "isValidRule=false"
	if valid {
		want = "isValidRule=true"
	}
	return Row{Name: "rule: " + name, Source: "contract f; memdocs ref-device-properties", Method: post, Path: filters + "/validateFilter", Status: 200, Want: []string{want},
		Body: `{"deviceAndAppManagementAssignmentFilter":{"displayName":"x","platform":"` + platform + `","assignmentFilterManagementType":"` + kind + `","rule":"` + rule + `"}}`}
}
