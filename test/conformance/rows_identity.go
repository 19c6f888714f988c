// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

const (
	conditional = "/v1.0/identity/conditionalAccess/policies"
	strengths   = "/v1.0/policies/authenticationStrengthPolicies"
	fido2       = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2"
)

// identityRows follow contract h, i, j and m.
var identityRows = []Row{
	{Name: "conditional access: list", Source: "contract h", Feature: FeatureConditional, Method: get, Path: conditional, Status: 200, Want: []string{"value"}},
	{Name: "conditional access: without a permission", Source: "contract h, 0.4; ASSUMED: the code is not known for this endpoint", Feature: FeatureConditional, Method: get, Path: conditional, As: Weak, Status: 403},
	{Name: "conditional access: unknown policy", Source: "contract 0.4; ASSUMED: the code is not known for this endpoint", Feature: FeatureConditional, Method: get, Path: conditional + "/00000000-0000-0000-0000-00000000dead", Status: 404},
	{Name: "strengths: list", Source: "contract h", Feature: FeatureConditional, Method: get, Path: strengths, Status: 200, Want: []string{"value#>2", "value.0.allowedCombinations"}},
	{Name: "strengths: built-in", Source: "contract h", Feature: FeatureConditional, Method: get, Path: strengths + "/00000000-0000-0000-0000-000000000004", Status: 200,
		Want: []string{`policyType="builtIn"`, `allowedCombinations=["windowsHelloForBusiness","fido2","x509CertificateMultiFactor"]`}},
	{Name: "strengths: the other path", Source: "contract h: the same set", Feature: FeatureConditional, Method: get, Path: "/v1.0/identity/conditionalAccess/authenticationStrength/policies", Status: 200, Want: []string{"value#>2"}},
	{Name: "authentication methods", Source: "contract i", Feature: FeatureAuthentication, Method: get, Path: "/v1.0/policies/authenticationMethodsPolicy", Status: 200, Want: []string{"id"}},
	{Name: "fido2 configuration", Source: "contract i", Feature: FeatureAuthentication, Method: get, Path: fido2, Status: 200,
		Want: []string{`id="Fido2"`, `@odata.type="#microsoft.graph.fido2AuthenticationMethodConfiguration"`, "state", "includeTargets"}},
	{Name: "registration details", Source: "contract i", Feature: FeatureRegistrations, Method: get, Path: "/v1.0/reports/authenticationMethods/userRegistrationDetails?$top=2", Status: 200, Want: []string{"value#2", "value.0.methodsRegistered"}},
	{Name: "registration details with skip", Source: "contract i: $skip is not supported", Feature: FeatureRegistrations, Method: get, Path: "/v1.0/reports/authenticationMethods/userRegistrationDetails?$skip=2", Status: 400},
	{Name: "passkeys of a user", Source: "contract i", Feature: FeatureRegistrations, Method: get, Path: "/v1.0/users/{user}/authentication/fido2Methods", Status: 200, Want: []string{"value"}},
	{Name: "sign-ins", Source: "contract j", Feature: FeatureSignIns, Method: get, Path: "/beta/auditLogs/signIns?$top=2&$filter=createdDateTime ge 2020-01-01T00:00:00Z", Status: 200, Want: []string{"value"}},
	{Name: "sign-ins by what v1.0 lacks", Source: "contract j", Feature: FeatureSignIns, Method: get, Path: "/v1.0/auditLogs/signIns?$filter=authenticationRequirement eq 'multiFactorAuthentication'", Status: 400, Want: []string{"error.message~Could not find a property named"}},
	{Name: "approval requests", Source: "contract m", Feature: FeatureApprovals, Method: get, Path: "/beta/deviceManagement/operationApprovalRequests", Status: 200, Want: []string{"value"}},
}
