// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"net/http"
	"net/url"
	"strings"
)

// route tells what the bodies of one endpoint are.
//
// A body is graph.type for one object, []graph.type for a collection in a
// "value", action.type or error.type, or one of the special bodies below; empty
// means that there is none.
type route struct {
	method  string
	pattern string
	// betaOnly endpoints do not exist in v1.0 (contract 0.1).
	betaOnly bool
	request  string
	response string
}

// Special bodies.
const (
	bodyBatch  = "batch"  // $batch, both ways (contract k.1)
	bodyReport = "report" // columns and rows of a report action (contract b.1)
	bodyText   = "text"   // text/plain, such as $count
	bodyRef    = "ref"    // {"@odata.id": url}
	bodyAny    = "any"    // JSON without a type of its own
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	patch  = http.MethodPatch
	put    = http.MethodPut
	remove = http.MethodDelete
)

// routes is every endpoint whose bodies are known.
var routes = concat(catalogRoutes, deviceRoutes, remediationRoutes, directoryRoutes, identityRoutes)

// catalogRoutes follow contract a, e, f and m.
var catalogRoutes = []route{
	{get, "deviceManagement/configurationPolicies", true, "", "[]graph.deviceManagementConfigurationPolicy"},
	{post, "deviceManagement/configurationPolicies", true, "graph.deviceManagementConfigurationPolicy", "graph.deviceManagementConfigurationPolicy"},
	{get, "deviceManagement/configurationPolicies/{}", true, "", "graph.deviceManagementConfigurationPolicy"},
	{patch, "deviceManagement/configurationPolicies/{}", true, "graph.deviceManagementConfigurationPolicy", "graph.deviceManagementConfigurationPolicy"},
	{put, "deviceManagement/configurationPolicies/{}", true, "graph.deviceManagementConfigurationPolicy", ""},
	{remove, "deviceManagement/configurationPolicies/{}", true, "", ""},
	{get, "deviceManagement/configurationPolicies/{}/settings", true, "", "[]graph.deviceManagementConfigurationSetting"},
	{patch, "deviceManagement/configurationPolicies/{}/settings/{}", true, "graph.deviceManagementConfigurationSetting", ""},
	{post, "deviceManagement/configurationPolicies/{}/settings/{}", true, "graph.deviceManagementConfigurationSetting", ""},
	{get, "deviceManagement/configurationPolicies/{}/assignments", true, "", "[]graph.deviceManagementConfigurationPolicyAssignment"},
	{post, "deviceManagement/configurationPolicies/{}/assign", true, "action.configurationPoliciesItemAssignPostRequestBody", "[]graph.deviceManagementConfigurationPolicyAssignment"},
	{post, "deviceManagement/configurationPolicies/{}/createCopy", true, "action.configurationPoliciesItemCreateCopyPostRequestBody", "graph.deviceManagementConfigurationPolicy"},
	{post, "deviceManagement/configurationPolicies/{}/reorder", true, "action.configurationPoliciesItemReorderPostRequestBody", ""},
	{get, "deviceManagement/configurationSettings", true, "", "[]graph.deviceManagementConfigurationSettingDefinition"},
	{get, "deviceManagement/configurationSettings/{}", true, "", "graph.deviceManagementConfigurationSettingDefinition"},
	{get, "deviceManagement/configurationCategories", true, "", "[]graph.deviceManagementConfigurationCategory"},
	{get, "deviceManagement/configurationCategories/{}", true, "", "graph.deviceManagementConfigurationCategory"},
	{get, "deviceManagement/configurationPolicyTemplates", true, "", "[]graph.deviceManagementConfigurationPolicyTemplate"},
	{get, "deviceManagement/configurationPolicyTemplates/{}", true, "", "graph.deviceManagementConfigurationPolicyTemplate"},
	{get, "deviceManagement/configurationPolicyTemplates/{}/settingTemplates", true, "", "[]graph.deviceManagementConfigurationSettingTemplate"},

	{get, "deviceManagement/assignmentFilters", true, "", "[]graph.deviceAndAppManagementAssignmentFilter"},
	{post, "deviceManagement/assignmentFilters", true, "graph.deviceAndAppManagementAssignmentFilter", "graph.deviceAndAppManagementAssignmentFilter"},
	{get, "deviceManagement/assignmentFilters/{}", true, "", "graph.deviceAndAppManagementAssignmentFilter"},
	{patch, "deviceManagement/assignmentFilters/{}", true, "graph.deviceAndAppManagementAssignmentFilter", "graph.deviceAndAppManagementAssignmentFilter"},
	{remove, "deviceManagement/assignmentFilters/{}", true, "", ""},
	{get, "deviceManagement/assignmentFilters/{}/payloads", true, "", "[]graph.payloadByFilter"},
	{post, "deviceManagement/assignmentFilters/validateFilter", true, "action.assignmentFiltersValidateFilterPostRequestBody", "graph.assignmentFilterValidationResult"},
	{post, "deviceManagement/assignmentFilters/enable", true, "action.assignmentFiltersEnablePostRequestBody", "graph.assignmentFilterState"},
	{post, "deviceManagement/evaluateAssignmentFilter", true, "action.evaluateAssignmentFilterPostRequestBody", bodyReport},
	{post, "deviceManagement/getAssignmentFiltersStatusDetails", true, "action.getAssignmentFiltersStatusDetailsPostRequestBody", bodyReport},

	{get, "deviceManagement/groupPolicyConfigurations", true, "", "[]graph.groupPolicyConfiguration"},
	{post, "deviceManagement/groupPolicyConfigurations", true, "graph.groupPolicyConfiguration", "graph.groupPolicyConfiguration"},
	{get, "deviceManagement/groupPolicyConfigurations/{}", true, "", "graph.groupPolicyConfiguration"},
	{patch, "deviceManagement/groupPolicyConfigurations/{}", true, "graph.groupPolicyConfiguration", "graph.groupPolicyConfiguration"},
	{remove, "deviceManagement/groupPolicyConfigurations/{}", true, "", ""},
	{post, "deviceManagement/groupPolicyConfigurations/{}/assign", true, "action.groupPolicyConfigurationsItemAssignPostRequestBody", "[]graph.groupPolicyConfigurationAssignment"},
	{post, "deviceManagement/groupPolicyConfigurations/{}/updateDefinitionValues", true, "action.groupPolicyConfigurationsItemUpdateDefinitionValuesPostRequestBody", ""},
	{get, "deviceManagement/groupPolicyConfigurations/{}/assignments", true, "", "[]graph.groupPolicyConfigurationAssignment"},
	{get, "deviceManagement/groupPolicyConfigurations/{}/definitionValues/{}", true, "", "graph.groupPolicyDefinitionValue"},
	{post, "deviceManagement/groupPolicyConfigurations/{}/definitionValues", true, "graph.groupPolicyDefinitionValue", "graph.groupPolicyDefinitionValue"},
	{patch, "deviceManagement/groupPolicyConfigurations/{}/definitionValues/{}", true, "graph.groupPolicyDefinitionValue", "graph.groupPolicyDefinitionValue"},
	{remove, "deviceManagement/groupPolicyConfigurations/{}/definitionValues/{}", true, "", ""},
	{get, "deviceManagement/groupPolicyConfigurations/{}/definitionValues/{}/definition", true, "", "graph.groupPolicyDefinition"},
	{get, "deviceManagement/groupPolicyConfigurations/{}/definitionValues/{}/presentationValues", true, "", "[]graph.groupPolicyPresentationValue"},
	{get, "deviceManagement/groupPolicyDefinitions/{}", true, "", "graph.groupPolicyDefinition"},
	{get, "deviceManagement/intents", true, "", bodyAny},
	{get, "deviceManagement/intents/{}", true, "", bodyAny},
	{patch, "deviceManagement/intents/{}", true, bodyAny, bodyAny},
	{remove, "deviceManagement/intents/{}", true, "", ""},
	{get, "deviceManagement/intents/{}/settings", true, "", bodyAny},
	{get, "deviceManagement/intents/{}/categories", true, "", bodyAny},
	{get, "deviceManagement/intents/{}/categories/{}/settings", true, "", bodyAny},
	{get, "deviceManagement/intents/{}/assignments", true, "", bodyAny},
	{post, "deviceManagement/intents/{}/assign", true, bodyAny, ""},
	{post, "deviceManagement/intents/{}/updateSettings", true, bodyAny, ""},
	{get, "deviceManagement/templates", true, "", bodyAny},
	{get, "deviceManagement/templates/{}", true, "", bodyAny},
	{get, "deviceManagement/templates/{}/categories", true, "", bodyAny},
	{get, "deviceManagement/templates/{}/categories/{}/recommendedSettings", true, "", bodyAny},
	{post, "deviceManagement/templates/{}/createInstance", true, bodyAny, bodyAny},
	{get, "deviceManagement/groupPolicyConfigurations/{}/definitionValues", true, "", "[]graph.groupPolicyDefinitionValue"},
	{get, "deviceManagement/groupPolicyDefinitions", true, "", "[]graph.groupPolicyDefinition"},
	{get, "deviceManagement/groupPolicyDefinitions/{}/presentations", true, "", "[]graph.groupPolicyPresentation"},
	{get, "deviceManagement/groupPolicyUploadedDefinitionFiles", true, "", "[]graph.groupPolicyUploadedDefinitionFile"},
	{get, "deviceManagement/groupPolicyUploadedDefinitionFiles/{}", true, "", "graph.groupPolicyUploadedDefinitionFile"},

	{get, "deviceManagement/operationApprovalRequests", true, "", "[]graph.operationApprovalRequest"},
	{get, "deviceManagement/operationApprovalRequests/{}", true, "", "graph.operationApprovalRequest"},
	{post, "deviceManagement/operationApprovalRequests/retrieveRequestStatus", true, "action.operationApprovalRequestsRetrieveRequestStatusPostRequestBody", bodyAny},
	{get, "deviceManagement/operationApprovalPolicies", true, "", "[]graph.operationApprovalPolicy"},
	{get, "deviceManagement/operationApprovalPolicies/{}", true, "", "graph.operationApprovalPolicy"},
}

// deviceRoutes follow contract b and c.
var deviceRoutes = concat([]route{
	{get, "deviceManagement/managedDevices", false, "", "[]graph.managedDevice"},
	{get, "deviceManagement/managedDevices/{}", false, "", "graph.managedDevice"},
	{remove, "deviceManagement/managedDevices/{}", false, "", ""},
	{post, "deviceManagement/managedDevices/{}/retire", false, "", ""},
	{post, "deviceManagement/managedDevices/{}/wipe", false, bodyAny, ""},
	{post, "deviceManagement/managedDevices/{}/syncDevice", false, "", ""},
	{get, "deviceManagement/managedDevices/{}/detectedApps", true, "", "[]graph.detectedApp"},
	{post, "deviceManagement/managedDevices/{}/initiateOnDemandProactiveRemediation", true, "action.managedDevicesItemInitiateOnDemandProactiveRemediationPostRequestBody", ""},
	{get, "deviceManagement/detectedApps", false, "", "[]graph.detectedApp"},
	{get, "deviceManagement/detectedApps/{}", false, "", "graph.detectedApp"},
	{get, "deviceManagement/detectedApps/{}/managedDevices", false, "", "[]graph.managedDevice"},
	{get, "deviceManagement/managedDeviceOverview", false, "", "graph.managedDeviceOverview"},
	{get, "deviceManagement/managedDeviceEncryptionStates", true, "", "[]graph.managedDeviceEncryptionState"},
	{get, "deviceManagement/managedDeviceEncryptionStates/{}", true, "", "graph.managedDeviceEncryptionState"},
	{get, "deviceManagement/reports/exportJobs", false, "", "[]graph.deviceManagementExportJob"},
	{post, "deviceManagement/reports/exportJobs", false, "graph.deviceManagementExportJob", "graph.deviceManagementExportJob"},
	{get, "deviceManagement/reports/exportJobs/{}", false, "", "graph.deviceManagementExportJob"},
	{patch, "deviceManagement/reports/exportJobs/{}", false, "graph.deviceManagementExportJob", "graph.deviceManagementExportJob"},
	{remove, "deviceManagement/reports/exportJobs/{}", false, "", ""},
	{get, "deviceManagement/reports/cachedReportConfigurations", true, "", "[]graph.deviceManagementCachedReportConfiguration"},
	{post, "deviceManagement/reports/cachedReportConfigurations", true, "graph.deviceManagementCachedReportConfiguration", "graph.deviceManagementCachedReportConfiguration"},
	{get, "deviceManagement/reports/cachedReportConfigurations/{}", true, "", "graph.deviceManagementCachedReportConfiguration"},
	{patch, "deviceManagement/reports/cachedReportConfigurations/{}", true, "graph.deviceManagementCachedReportConfiguration", "graph.deviceManagementCachedReportConfiguration"},
	{remove, "deviceManagement/reports/cachedReportConfigurations/{}", true, "", ""},
}, reportRoutes(true, "getConfigurationPolicyDevicesReport", "getConfigurationPolicyDeviceSummaryReport",
	"getConfigurationPolicySettingsDeviceSummaryReport", "getConfigurationSettingsReport", "getConfigurationSettingDetailsReport",
	"getConfigurationPoliciesReportForDevice", "getDeviceConfigurationPolicySettingsSummaryReport", "getDeviceConfigurationPolicyStatusSummary",
), reportRoutes(false, "getConfigurationPolicyNonComplianceReport", "getConfigurationPolicyNonComplianceSummaryReport",
	"getConfigurationSettingNonComplianceReport", "getPolicyNonComplianceReport", "getPolicyNonComplianceSummaryReport",
	"getHistoricalReport", "getCachedReport",
))

// reportRoutes are report actions (contract b.1), each with a body of its own
// type and rows for an answer.
func reportRoutes(betaOnly bool, actions ...string) []route {
	var out []route
	for _, a := range actions {
		out = append(out, route{post, "deviceManagement/reports/" + a, betaOnly, "action.reportsG" + strings.TrimPrefix(a, "g") + "PostRequestBody", bodyReport})
	}
	return out
}

// remediationRoutes follow contract d.
var remediationRoutes = []route{
	{get, "deviceManagement/deviceHealthScripts", true, "", "[]graph.deviceHealthScript"},
	{post, "deviceManagement/deviceHealthScripts", true, "graph.deviceHealthScript", "graph.deviceHealthScript"},
	{get, "deviceManagement/deviceHealthScripts/{}", true, "", "graph.deviceHealthScript"},
	{patch, "deviceManagement/deviceHealthScripts/{}", true, "graph.deviceHealthScript", "graph.deviceHealthScript"},
	{remove, "deviceManagement/deviceHealthScripts/{}", true, "", ""},
	{post, "deviceManagement/deviceHealthScripts/{}/assign", true, "action.deviceHealthScriptsItemAssignPostRequestBody", ""},
	{get, "deviceManagement/deviceHealthScripts/{}/assignments", true, "", "[]graph.deviceHealthScriptAssignment"},
	{get, "deviceManagement/deviceHealthScripts/{}/runSummary", true, "", "graph.deviceHealthScriptRunSummary"},
	{get, "deviceManagement/deviceHealthScripts/{}/deviceRunStates", true, "", "[]graph.deviceHealthScriptDeviceState"},
	{get, "deviceManagement/deviceHealthScripts/getRemediationSummary", true, "", "graph.deviceHealthScriptRemediationSummary"},
	{get, "deviceManagement/deviceHealthScripts/{}/getRemediationHistory", true, "", "graph.deviceHealthScriptRemediationHistory"},
}

// directoryRoutes follow contract g and k.1.
var directoryRoutes = concat([]route{
	{post, "$batch", false, bodyBatch, bodyBatch},
	{get, "organization", false, "", "[]graph.organization"},
	{get, "organization/{}", false, "", "graph.organization"},
	{get, "subscribedSkus", false, "", "[]graph.subscribedSku"},
	{get, "subscribedSkus/{}", false, "", "graph.subscribedSku"},
	{get, "users/$count", false, "", bodyText},
	{get, "devices/$count", false, "", bodyText},
	{get, "groups/$count", false, "", bodyText},
	{get, "users", false, "", "[]graph.user"},
	{get, "users/{}", false, "", "graph.user"},
	{get, "users/{}/authentication/fido2Methods", false, "", "[]graph.fido2AuthenticationMethod"},
	{get, "users/{}/authentication/fido2Methods/{}", false, "", "graph.fido2AuthenticationMethod"},
	{get, "users/{}/authentication/windowsHelloForBusinessMethods", false, "", "[]graph.windowsHelloForBusinessAuthenticationMethod"},
	{get, "users/{}/authentication/methods", false, "", "[]graph.authenticationMethod"},
	{get, "devices", false, "", "[]graph.device"},
	{get, "devices/{}", false, "", "graph.device"},
	{patch, "devices/{}", false, "graph.device", ""},
	{remove, "devices/{}", false, "", ""},
	{get, "servicePrincipals", false, "", "[]graph.servicePrincipal"},
	{get, "servicePrincipals/{}", false, "", "graph.servicePrincipal"},
	{get, "servicePrincipals/{}/appRoleAssignments", false, "", "[]graph.appRoleAssignment"},
	{get, "groups", false, "", "[]graph.group"},
	{post, "groups", false, "graph.group", "graph.group"},
	{get, "groups/delta", false, "", "[]graph.group"},
	{get, "groups/{}", false, "", "graph.group"},
	{patch, "groups/{}", false, "graph.group", "graph.group"},
	{remove, "groups/{}", false, "", ""},
	{post, "groups/{}/members/$ref", false, bodyRef, ""},
	{remove, "groups/{}/members/{}/$ref", false, "", ""},
	{post, "groups/{}/owners/$ref", false, bodyRef, ""},
	{remove, "groups/{}/owners/{}/$ref", false, "", ""},
	{post, "directoryObjects/getByIds", false, bodyAny, "[]graph.directoryObject"},
	{get, "directory/deletedItems/graph.group", false, "", "[]graph.group"},
	{get, "directory/deletedItems/{}", false, "", "graph.directoryObject"},
	{remove, "directory/deletedItems/{}", false, "", ""},
	{post, "directory/deletedItems/{}/restore", false, "", "graph.directoryObject"},
}, memberRoutes("groups/{}/members"), memberRoutes("groups/{}/transitiveMembers"), memberRoutes("groups/{}/owners"),
	memberRoutes("groups/{}/memberOf"), memberRoutes("groups/{}/transitiveMemberOf"), memberRoutes("users/{}/memberOf"), memberRoutes("users/{}/transitiveMemberOf"),
	memberRoutes("devices/{}/memberOf"), memberRoutes("devices/{}/transitiveMemberOf"))

func memberRoutes(at string) []route {
	out := []route{
		{get, at, false, "", "[]graph.directoryObject"},
		{get, at + "/$count", false, "", bodyText},
	}
	for _, cast := range []string{"user", "device", "group", "servicePrincipal"} {
		out = append(out,
			route{get, at + "/graph." + cast, false, "", "[]graph." + cast},
			route{get, at + "/graph." + cast + "/$count", false, "", bodyText})
	}
	return out
}

// identityRoutes follow contract h, i and j.
var identityRoutes = concat([]route{
	{get, "identity/conditionalAccess/policies", false, "", "[]graph.conditionalAccessPolicy"},
	{post, "identity/conditionalAccess/policies", false, "graph.conditionalAccessPolicy", "graph.conditionalAccessPolicy"},
	{get, "identity/conditionalAccess/policies/{}", false, "", "graph.conditionalAccessPolicy"},
	{patch, "identity/conditionalAccess/policies/{}", false, "graph.conditionalAccessPolicy", ""},
	{remove, "identity/conditionalAccess/policies/{}", false, "", ""},
	{post, "identity/conditionalAccess/evaluate", false, "action.conditionalAccessEvaluatePostRequestBody", "[]graph.whatIfAnalysisResult"},
	{get, "identity/conditionalAccess/namedLocations", false, "", "[]graph.namedLocation"},
	{post, "identity/conditionalAccess/namedLocations", false, "graph.namedLocation", "graph.namedLocation"},
	{get, "identity/conditionalAccess/namedLocations/{}", false, "", "graph.namedLocation"},
	{patch, "identity/conditionalAccess/namedLocations/{}", false, "graph.namedLocation", ""},
	{remove, "identity/conditionalAccess/namedLocations/{}", false, "", ""},
	{get, "identity/conditionalAccess/deletedItems/namedLocations", false, "", "[]graph.namedLocation"},
	{get, "identity/conditionalAccess/deletedItems/namedLocations/{}", false, "", "graph.namedLocation"},
	{remove, "identity/conditionalAccess/deletedItems/namedLocations/{}", false, "", ""},
	{post, "identity/conditionalAccess/deletedItems/namedLocations/{}/restore", false, "", "graph.namedLocation"},
	{get, "policies/identitySecurityDefaultsEnforcementPolicy", false, "", "graph.identitySecurityDefaultsEnforcementPolicy"},
	{patch, "policies/identitySecurityDefaultsEnforcementPolicy", false, "graph.identitySecurityDefaultsEnforcementPolicy", ""},
	{post, "identity/conditionalAccess/policies/{}/restore", false, "", "graph.conditionalAccessPolicy"},
	{get, "identity/conditionalAccess/deletedItems/policies", false, "", "[]graph.conditionalAccessPolicy"},
	{get, "identity/conditionalAccess/deletedItems/policies/{}", false, "", "graph.conditionalAccessPolicy"},
	{remove, "identity/conditionalAccess/deletedItems/policies/{}", false, "", ""},
	{post, "identity/conditionalAccess/deletedItems/policies/{}/restore", false, "", "graph.conditionalAccessPolicy"},
	{get, "identity/conditionalAccess/authenticationStrength/authenticationMethodModes", false, "", "[]graph.authenticationMethodModeDetail"},
	{get, "identity/conditionalAccess/authenticationStrength/combinations", false, "", "[]graph.authenticationMethodModes"},
	{get, "policies/authenticationMethodsPolicy", false, "", "graph.authenticationMethodsPolicy"},
	{patch, "policies/authenticationMethodsPolicy", false, "graph.authenticationMethodsPolicy", "graph.authenticationMethodsPolicy"},
	{get, "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", false, "", "[]graph.authenticationMethodConfiguration"},
	{get, "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{}", false, "", "graph.authenticationMethodConfiguration"},
	{patch, "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{}", false, "graph.authenticationMethodConfiguration", ""},
	{get, "reports/authenticationMethods/userRegistrationDetails", false, "", "[]graph.userRegistrationDetails"},
	{get, "reports/authenticationMethods/userRegistrationDetails/{}", false, "", "graph.userRegistrationDetails"},
	{get, "auditLogs/signIns", false, "", "[]graph.signIn"},
	{get, "auditLogs/signIns/{}", false, "", "graph.signIn"},
}, strengthRoutes("policies/authenticationStrengthPolicies"), strengthRoutes("identity/conditionalAccess/authenticationStrength/policies"))

// strengthRoutes follow contract h: one set under two roots.
func strengthRoutes(root string) []route {
	const policy, configuration = "graph.authenticationStrengthPolicy", "graph.authenticationCombinationConfiguration"
	one, configurations := root+"/{}", root+"/{}/combinationConfigurations"
	return []route{
		{get, root, false, "", "[]" + policy},
		{post, root, false, policy, policy},
		{get, one, false, "", policy},
		{patch, one, false, policy, ""},
		{remove, one, false, "", ""},
		{post, one + "/updateAllowedCombinations", false, "action.authenticationStrengthPoliciesItemUpdateAllowedCombinationsPostRequestBody", "graph.updateAllowedCombinationsResult"},
		{get, one + "/usage", false, "", "graph.authenticationStrengthUsage"},
		{get, configurations, false, "", "[]" + configuration},
		{post, configurations, false, configuration, configuration},
		{get, configurations + "/{}", false, "", configuration},
		{patch, configurations + "/{}", false, configuration, ""},
		{remove, configurations + "/{}", false, "", ""},
	}
}

func concat(lists ...[]route) []route {
	var out []route
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// Known tells whether the bodies of an endpoint are known. Version is beta or
// v1.0, path is what follows it, with any text for a key.
func Known(version, method, path string) bool {
	_, ok := match(version, method, path)
	return ok
}

// match finds the endpoint of a path below the version. A literal segment wins
// over a key.
func match(version, method, path string) (route, bool) {
	segments := split(path)
	best, literals := route{}, -1
	for _, r := range routes {
		if r.method != method || r.betaOnly && version != "beta" {
			continue
		}
		if n, ok := fits(strings.Split(r.pattern, "/"), segments); ok && n > literals {
			best, literals = r, n
		}
	}
	return best, literals >= 0
}

// fits counts the literal segments of a pattern that a path has.
func fits(pattern, segments []string) (literals int, ok bool) {
	if len(pattern) != len(segments) {
		return 0, false
	}
	for i, p := range pattern {
		switch p {
		case "{}":
			if strings.HasPrefix(segments[i], "$") {
				return 0, false
			}
		case segments[i], strings.TrimPrefix(segments[i], "graph."):
			// An action or function may carry its namespace.
			literals++
		default:
			return 0, false
		}
	}
	return literals, true
}

// split cuts a path into segments: /x('id') and /x(name='id') are x and a key,
// /usage() is usage, and casts are shortened.
func split(path string) []string {
	var out []string
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		name, key, keyed := strings.Cut(part, "(")
		if rest, ok := strings.CutPrefix(name, "microsoft.graph."); ok {
			name = "graph." + rest
		}
		if name != "" {
			out = append(out, name)
		}
		if keyed && key != ")" {
			out = append(out, key)
		}
	}
	return out
}
