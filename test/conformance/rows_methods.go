// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const (
	methods       = "/v1.0/policies/authenticationMethodsPolicy"
	fido2         = methods + "/authenticationMethodConfigurations/fido2"
	registrations = "/v1.0/reports/authenticationMethods/userRegistrationDetails"
	signIns       = "/beta/auditLogs/signIns"

	fido2Type = `"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration"`
	open      = `"keyRestrictions":{"isEnforced":false,"enforcementType":"allow","aaGuids":[]}`
)

// profile is a passkey profile as it is written; {defaultProfile} is the one that
// every tenant has.
func profile(id, types, attestation string) string {
	return `{"id":"` + id + `","name":"` + id + `","passkeyTypes":"` + types + `","attestationEnforcement":"` + attestation + `",` + open + `}`
}

// profiles is a change that the service refuses: what it says never takes effect.
func profiles(list ...string) string {
	return `{` + fido2Type + `,"passkeyProfiles":[` + strings.Join(list, ",") + `]}`
}

// methodRows follow contract i. The one write that succeeds says what is there.
var methodRows = []Row{
	{Name: "authentication methods", Source: "contract i", Method: get, Path: methods, Status: 200, Want: []string{"id", "authenticationMethodConfigurations"}},
	{Name: "authentication methods without a permission", Source: "contract i, n", Method: get, Path: methods, As: Weak, Status: 403},
	{Name: "fido2 configuration", Source: "contract i", Method: get, Path: fido2, Status: 200,
		Want: []string{`id="Fido2"`, `@odata.type="#microsoft.graph.fido2AuthenticationMethodConfiguration"`, "state", "includeTargets", "passkeyProfiles#>0"},
		Save: map[string]string{"fidoState": "state", "defaultProfile": "defaultPasskeyProfile"}},
	{Name: "fido2 configuration in beta", Source: "contract i", Method: get, Path: strings.Replace(fido2, "v1.0", "beta", 1), Status: 200, Want: []string{`id="Fido2"`}},
	{Name: "fido2: change", Source: "contract i: 204", Method: patch, Path: fido2, Body: `{` + fido2Type + `,"state":"{fidoState}"}`, Status: 204, Want: []string{"empty"}},
	{Name: "fido2: without a type", Source: "contract i", Method: patch, Path: fido2, Wrong: true, Body: `{"state":"{fidoState}"}`, Status: 400, Want: []string{"error.code"}},
	{Name: "fido2: without a permission", Source: "contract i, n", Method: patch, Path: fido2, As: Weak, Body: `{` + fido2Type + `,"state":"{fidoState}"}`, Status: 403},
	{Name: "fido2: four profiles", Source: "contract i, o.23: at most three", Method: patch, Path: fido2, Status: 400,
		Body: profiles(profile("{defaultProfile}", "deviceBound", "disabled"), profile("00000000-0000-0000-0000-00000000aaaa", "deviceBound", "disabled"),
			profile("00000000-0000-0000-0000-00000000bbbb", "deviceBound", "disabled"), profile("00000000-0000-0000-0000-00000000cccc", "deviceBound", "disabled"))},
	{Name: "fido2: attested synced passkeys", Source: "contract i: synced passkeys require attestation off", Method: patch, Path: fido2, Body: profiles(profile("{defaultProfile}", "deviceBound,synced", "registrationOnly")), Status: 400},
	{Name: "fido2: drop a profile in use", Source: "contract i", Method: patch, Path: fido2, Body: profiles(profile("00000000-0000-0000-0000-00000000aaaa", "deviceBound", "disabled")), Status: 400},
	{Name: "fido2: turn profiles off", Source: "contract i, o.23: cannot be undone", Method: patch, Path: fido2, Body: profiles(), Status: 400},
	{Name: "fido2: a passkey type that is none", Source: "contract i", Method: patch, Path: fido2, Wrong: true, Body: profiles(profile("{defaultProfile}", "roaming", "disabled")), Status: 400},
	{Name: "fido2: more than 20 KB", Source: "contract i, o.23; ASSUMED: the status is not known", Method: patch, Path: fido2, Status: 400,
		Body: `{` + fido2Type + `,"includeTargets":[` + repeated(`{"@odata.type":"#microsoft.graph.passkeyAuthenticationMethodTarget","targetType":"group","id":"{group}","isRegistrationRequired":false,"allowedPasskeyProfiles":["{defaultProfile}"]}`, 120) + `]}`},

	{Name: "registration details", Source: "contract i", Method: get, Path: registrations + "?$top=2", Status: 200, Want: []string{"value#2", "value.0.methodsRegistered", "value.0.lastUpdatedDateTime"}},
	{Name: "registration details of a method", Source: "contract i", Method: get, Path: registrations + "?$filter=methodsRegistered/any(m:m eq 'passKeySynced')", Status: 200, Want: []string{"value"}},
	{Name: "registration details with skip", Source: "contract i: $skip is not supported", Method: get, Path: registrations + "?$skip=2", Status: 400},
	{Name: "registration details without a permission", Source: "contract i, n", Method: get, Path: registrations, As: Weak, Status: 403},
	{Name: "passkeys of a user", Source: "contract i", Method: get, Path: "/v1.0/users/{user}/authentication/fido2Methods", Status: 200, Want: []string{"value"}},
	{Name: "Windows Hello of a user", Source: "contract i: another list than the passkeys", Method: get, Path: "/v1.0/users/{user}/authentication/windowsHelloForBusinessMethods", Status: 200, Want: []string{"value"}},
	{Name: "passkeys of a stranger", Source: "contract 0.4; ASSUMED: as other objects of the directory", Method: get, Path: "/v1.0/users/" + nowhere + "/authentication/fido2Methods", Status: 404},
	{Name: "passkeys without a permission", Source: "contract i, 0.4", Method: get, Path: "/v1.0/users/{user}/authentication/fido2Methods", As: Weak, Status: 403},
}

// signInRows follow contract j.
var signInRows = []Row{
	{Name: "sign-ins", Source: "contract j", Method: get, Path: signIns + "?$top=2&$filter=createdDateTime ge 2020-01-01T00:00:00Z", Status: 200, Want: []string{"value#2", "value.0.authenticationDetails", "value.0.appliedConditionalAccessPolicies", "value.0.status.errorCode"}},
	{Name: "sign-ins in v1.0", Source: "contract j: no passkey evidence", Method: get, Path: "/v1.0/auditLogs/signIns?$top=2", Status: 200, Want: []string{"value#2", "!value.0.authenticationDetails", "!value.0.authenticationRequirement"}},
	{Name: "sign-ins of a type", Source: "contract j", Method: get, Path: signIns + "?$top=2&$filter=signInEventTypes/any(t: t eq 'interactiveUser')", Status: 200, Want: []string{"value#2"}},
	{Name: "sign-ins of two types", Source: "contract j: types cannot be combined", Method: get, Path: signIns + "?$filter=signInEventTypes/any(t: t eq 'interactiveUser') or signInEventTypes/any(t: t eq 'nonInteractiveUser')", Status: 400},
	{Name: "sign-ins by what v1.0 lacks", Source: "contract j", Method: get, Path: "/v1.0/auditLogs/signIns?$filter=authenticationRequirement eq 'multiFactorAuthentication'", Status: 400, Want: []string{"error.message~Could not find a property named"}},
	{Name: "sign-ins without a permission", Source: "contract j, n", Method: get, Path: signIns, As: Weak, Status: 403},

	{Name: "approval requests", Source: "contract m", Method: get, Path: approvalRequests, Status: 200, Want: []string{"value"}},
	{Name: "approval requests without a permission", Source: "contract m, 0.4", Method: get, Path: approvalRequests, As: Weak, Status: 403, Want: []string{"error.message~DeviceManagementRBAC.Read.All"}},
}
