// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const (
	conditional = "/v1.0/identity/conditionalAccess/policies"
	strengths   = "/v1.0/policies/authenticationStrengthPolicies"

	resistant = "00000000-0000-0000-0000-000000000004"

	// accessBody only reports, and it is for the group of the table.
	accessBody = `{"displayName":"tidegate-conformance","state":"enabledForReportingButNotEnforced",` +
		`"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeGroups":["{group}"]}},` +
		`"grantControls":{"operator":"OR","builtInControls":[],"authenticationStrength":{"id":"` + resistant + `"}}}`
)

// whatIf asks about Office 365 in a browser on Windows.
const whatIf = `{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"{user}"},` +
	`"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["00000003-0000-0ff1-ce00-000000000000"]},` +
	`"signInConditions":{"devicePlatform":"windows","clientAppType":"browser"},"appliedPoliciesOnly":false}`

// identityRows follow contract h.
var identityRows = []Row{
	{Name: "conditional access: create", Source: "contract h", Method: post, Path: conditional, Body: accessBody, Status: 201, Save: map[string]string{"access": "id"},
		Want: []string{`state="enabledForReportingButNotEnforced"`, "modifiedDateTime=null", `grantControls.authenticationStrength.id="` + resistant + `"`, "sessionControls=null"}},
	{Name: "conditional access: list", Source: "contract h", Method: get, Path: conditional, Status: 200, Eventually: true, Want: []string{"value#>0"}},
	{Name: "conditional access: read", Source: "contract h: the strength is expanded", Method: get, Path: conditional + "/{access}", Status: 200, Eventually: true,
		Want: []string{`id="{access}"`, `conditions.users.includeGroups=["{group}"]`, "grantControls.authenticationStrength.allowedCombinations#3", "grantControls.authenticationStrength@odata.context"}},
	{Name: "conditional access: change", Source: "contract h: 204", Given: Later, Method: patch, Path: conditional + "/{access}", Body: `{"state":"disabled"}`, Status: 204, Want: []string{"empty"}},
	{Name: "conditional access: changed", Source: "contract h: modifiedDateTime tells that it landed", Method: get, Path: conditional + "/{access}", Status: 200, Eventually: true, Want: []string{`state="disabled"`, "modifiedDateTime"}},
	{Name: "conditional access: an unknown group", Source: "contract h, n", Method: post, Path: conditional, Body: strings.Replace(accessBody, "{group}", nowhere, 1), Status: 400, Want: []string{"error.code", innerError}},
	{Name: "conditional access: mfa beside a strength", Source: "contract h; ASSUMED: inferred there", Method: post, Path: conditional, Body: strings.Replace(accessBody, `"builtInControls":[]`, `"builtInControls":["mfa"]`, 1), Status: 400, Want: []string{"error.code"}},
	{Name: "conditional access: an unknown strength", Source: "contract n: unknown ids", Method: post, Path: conditional, Body: strings.Replace(accessBody, resistant, nowhere, 1), Status: 400, Want: []string{"error.code"}},
	{Name: "conditional access: a state that is none", Source: "contract h, n", Method: patch, Path: conditional + "/{access}", Wrong: true, Body: `{"state":"reportOnly"}`, Status: 400},
	{Name: "conditional access: without a permission", Source: "contract h, 0.4; ASSUMED: the code is not known for this endpoint", Method: get, Path: conditional, As: Weak, Status: 403},
	{Name: "conditional access: write without a permission", Source: "contract h, 0.4; ASSUMED: the code is not known for this endpoint", Method: post, Path: conditional, As: Weak, Body: accessBody, Status: 403},
	{Name: "conditional access: unknown policy", Source: "contract 0.4; ASSUMED: the code is not known for this endpoint", Method: get, Path: conditional + "/" + nowhere, Status: 404},
}

const (
	// fido2Combination needs an AAGUID: one of a password manager.
	fido2Combination = `{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","appliesToCombinations":["fido2"],"allowedAAGUIDs":["ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"]}`
	strengthBody     = `{"displayName":"tidegate-conformance","description":"conformance","allowedCombinations":["fido2","windowsHelloForBusiness"]}`
)

// strengthRows follow contract h.
var strengthRows = []Row{
	{Name: "strengths: list", Source: "contract h", Method: get, Path: strengths, Status: 200, Want: []string{"value#>2", "value.0.allowedCombinations"}},
	{Name: "strengths: built-in", Source: "contract h", Method: get, Path: strengths + "/" + resistant, Status: 200,
		Want: []string{`policyType="builtIn"`, `allowedCombinations=["windowsHelloForBusiness","fido2","x509CertificateMultiFactor"]`}},
	{Name: "strengths: built-in with 19 combinations", Source: "contract h", Method: get, Path: strengths + "/00000000-0000-0000-0000-000000000002", Status: 200, Want: []string{`displayName="Multifactor authentication"`, "allowedCombinations#19"}},
	{Name: "strengths: the other path", Source: "contract h: the same set", Method: get, Path: "/v1.0/identity/conditionalAccess/authenticationStrength/policies", Status: 200, Want: []string{"value#>2"}},
	{Name: "strengths: combinations", Source: "contract h", Method: get, Path: "/v1.0/identity/conditionalAccess/authenticationStrength/combinations", Status: 200, Want: []string{"value#>19", "body~password,microsoftAuthenticatorPush"}},
	{Name: "strengths: methods", Source: "contract h", Method: get, Path: "/v1.0/identity/conditionalAccess/authenticationStrength/authenticationMethodModes", Status: 200, Want: []string{"value#>0", "value.0.authenticationMethod"}},
	{Name: "strengths: change a built-in", Source: "contract h: read-only", Method: patch, Path: strengths + "/" + resistant, Body: `{"description":"x"}`, Status: 400, Want: []string{"error.code"}},
	{Name: "strengths: create", Source: "contract h", Method: post, Path: strengths, Body: strengthBody, Status: 201, Want: []string{`policyType="custom"`, `allowedCombinations=["fido2","windowsHelloForBusiness"]`}, Save: map[string]string{"strength": "id"}},
	{Name: "strengths: the name again", Source: "contract h: names are unique", Method: post, Path: strengths, Body: strengthBody, Status: 400},
	{Name: "strengths: a long name", Source: "contract h: at most 30", Method: post, Path: strengths, Body: strings.Replace(strengthBody, "tidegate-conformance", strings.Repeat("x", 31), 1), Status: 400},
	{Name: "strengths: a combination that is none", Source: "contract h", Method: post, Path: strengths, Body: `{"displayName":"tidegate-conformance 2","allowedCombinations":["fido2,sms"]}`, Status: 400},
	{Name: "strengths: rename", Source: "contract h: 204", Method: patch, Path: strengths + "/{strength}", Body: `{"description":"renamed"}`, Status: 204, Eventually: true, Want: []string{"empty"}},
	{Name: "strengths: combinations by PATCH", Source: "contract h: name and description only; ASSUMED: refused, not ignored", Method: patch, Path: strengths + "/{strength}", Body: `{"allowedCombinations":["fido2"]}`, Status: 400},
	{Name: "strengths: change combinations", Source: "contract h: 200", Method: post, Path: strengths + "/{strength}/updateAllowedCombinations", Body: `{"allowedCombinations":["fido2"]}`, Status: 200,
		Want: []string{`currentCombinations=["fido2"]`, `previousCombinations=["fido2","windowsHelloForBusiness"]`, "conditionalAccessReferences#0"}},
	{Name: "strengths: usage", Source: "contract h", Method: get, Path: strengths + "/{strength}/usage()", Status: 200, Want: []string{"mfa", "none"}},
	{Name: "strengths: restrict to authenticators", Source: "contract h", Method: post, Path: strengths + "/{strength}/combinationConfigurations", Body: fido2Combination, Status: 201, Want: []string{`appliesToCombinations=["fido2"]`}},
	{Name: "strengths: restrictions", Source: "contract h", Method: get, Path: strengths + "/{strength}/combinationConfigurations", Status: 200, Eventually: true, Want: []string{"value#1", "value.0.allowedAAGUIDs#1"}},
	{Name: "strengths: use", Source: "contract h", Method: patch, Path: conditional + "/{access}", Body: `{"grantControls":{"operator":"OR","builtInControls":[],"authenticationStrength":{"id":"{strength}"}}}`, Status: 204},
	{Name: "strengths: delete one in use", Source: "ASSUMED", Method: remove, Path: strengths + "/{strength}", Status: 400},
	{Name: "strengths: unknown", Source: "contract n; ASSUMED: the code is not known for this endpoint", Method: get, Path: strengths + "/" + nowhere, Status: 404},
	{Name: "conditional access: delete", Source: "contract h", Method: remove, Path: conditional + "/{access}", Status: 204, Want: []string{"empty"}},
	{Name: "conditional access: gone", Source: "contract h, n", Method: get, Path: conditional + "/{access}", Status: 404, Eventually: true},
	{Name: "conditional access: the bin", Source: "contract h: delete is soft", Method: get, Path: "/v1.0/identity/conditionalAccess/deletedItems/policies", Status: 200, Eventually: true, Want: []string{"value#>0", "body~{access}"}},
	{Name: "conditional access: restore", Source: "contract h; ASSUMED: 200, as the metadata has a result", Method: post, Path: conditional + "/{access}/restore", Status: 200, Want: []string{`id="{access}"`}},
	{Name: "conditional access: restored", Source: "contract h", Method: get, Path: conditional + "/{access}", Status: 200, Eventually: true, Want: []string{`state="disabled"`}},
	{Name: "conditional access: what if", Source: "contract h: in v1.0", Method: post, Path: "/v1.0/identity/conditionalAccess/evaluate", Body: whatIf, Status: 200, Want: []string{"value#>0", "value.0.policyApplies", "value.0.analysisReasons"}},
	{Name: "conditional access: what if in beta", Source: "contract h", Method: post, Path: "/beta/identity/conditionalAccess/evaluate", Body: whatIf, Status: 200, Want: []string{"value#>0", "value.0.policyApplies"}},
	{Name: "conditional access: what if, applied only", Source: "contract h", Method: post, Path: "/v1.0/identity/conditionalAccess/evaluate", Body: strings.Replace(whatIf, "false", "true", 1), Status: 200, Want: []string{"value"}},
	{Name: "conditional access: what if of nobody", Source: "contract h; ASSUMED: an identity is needed", Method: post, Path: "/v1.0/identity/conditionalAccess/evaluate", Wrong: true, Body: `{"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["00000003-0000-0ff1-ce00-000000000000"]}}`, Status: 400},
	{Name: "conditional access: delete again", Source: "contract h", Method: remove, Path: conditional + "/{access}", Status: 204},
	{Name: "strengths: delete", Source: "ASSUMED: as other policies; the contract does not list it", Method: remove, Path: strengths + "/{strength}", Status: 204},
}
