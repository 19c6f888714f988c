// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"path"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
	patc = http.MethodPatch
	put  = http.MethodPut
	del  = http.MethodDelete
)

// routes is every Graph endpoint of the tenant. A path that is not here does
// not exist; a beta path does not exist on v1.0 (contract 0.1). An option that
// a route accepts works; every other is refused.
var routes []route

func init() {
	routes = append(directoryRoutes(), intuneRoutes()...)
	routes = append(routes, identityRoutes()...)
	for i := range routes {
		routes[i].segments = strings.Split(routes[i].pattern, "/")
		routes[i].work = workloadOf(routes[i].pattern)
	}
	operations = operationNames()
}

// operations are the names of all actions and functions.
var operations map[string]bool

// operationNames finds them: an action is what can be posted to and neither be
// read nor hold objects, the functions are named.
func operationNames() map[string]bool {
	read := map[string]bool{}
	for _, r := range routes {
		if r.method == get {
			read[r.pattern] = true
			read[path.Dir(r.pattern)] = true
		}
	}
	out := map[string]bool{"delta": true, "usage": true, "getRemediationSummary": true, "getRemediationHistory": true, "evaluateDynamicMembership": true}
	for _, r := range routes {
		if name := path.Base(r.pattern); r.method == post && !read[r.pattern] && !strings.ContainsAny(name, "{$") {
			out[name] = true
		}
	}
	return out
}

// directoryRoutes follow contract g.
func directoryRoutes() []route {
	out := []route{
		{method: post, pattern: "$batch", unlocked: true, handle: serveBatch},
		{method: get, pattern: "organization", roles: rolesOrganization, query: odata.OptSelect, handle: listOrganization},
		{method: get, pattern: "organization/{id}", roles: rolesOrganization, query: odata.OptSelect, handle: getOrganization},
		{method: get, pattern: "subscribedSkus", roles: rolesOrganization, query: odata.OptSelect, handle: listSkus},
		{method: get, pattern: "subscribedSkus/{id}", roles: rolesOrganization, query: odata.OptSelect, handle: getSku},
		{method: get, pattern: "users", roles: rolesReadUsers, query: odata.OptList | odata.OptOrderBy | odata.OptSearch, handle: listUsers},
		{method: get, pattern: "users/{id}", roles: rolesReadUsers, query: odata.OptSelect, handle: getUser},
		{method: get, pattern: "devices", roles: rolesReadDevices, query: odata.OptList | odata.OptOrderBy | odata.OptSearch, handle: listDevices},
		{method: get, pattern: "devices/{id}", roles: rolesReadDevices, query: odata.OptSelect, handle: getDevice},
		{method: patc, pattern: "devices/{id}", roles: rolesWriteDevice, handle: patchDevice},
		{method: del, pattern: "devices/{id}", roles: rolesWriteDevice, handle: deleteDevice},
		{method: get, pattern: "groups", roles: rolesReadGroups, query: odata.OptList | odata.OptOrderBy | odata.OptSearch, handle: listGroups},
		{method: post, pattern: "groups", roles: rolesCreateGroup, handle: createGroup},
		{method: get, pattern: "groups/delta", roles: rolesReadGroups, query: odata.OptSelect | odata.OptFilter | odata.OptSkipToken | odata.OptDeltaToken, handle: groupsDelta},
		{method: get, pattern: "groups/{id}", roles: rolesReadGroups, query: odata.OptSelect, handle: getGroup},
		{method: get, pattern: "directory/deletedItems/graph.group", roles: rolesReadGroups, query: odata.OptList, handle: listDeletedGroups},
		{method: get, pattern: "directory/deletedItems/{id}", roles: rolesReadGroups, query: odata.OptSelect, handle: getDeletedGroup},
		{method: del, pattern: "directory/deletedItems/{id}", roles: rolesWriteGroups, handle: purgeDeletedGroup},
		{method: post, pattern: "directory/deletedItems/{id}/restore", roles: rolesWriteGroups, handle: restoreGroup},
		// What PATCH and DELETE need depends on the body and on who owns the
		// group; the narrowest is checked here, the rest by the handler.
		{method: patc, pattern: "groups/{id}", roles: append([]string{"Group.Create"}, rolesMembers...), handle: patchGroup},
		{method: del, pattern: "groups/{id}", roles: append([]string{"Group.Create"}, rolesWriteGroups...), handle: deleteGroup},
		{method: post, pattern: "groups/{id}/members/$ref", roles: rolesMembers, handle: addMemberRef},
		{method: post, pattern: "groups/{id}/owners/$ref", roles: append([]string{"Group.Create"}, rolesWriteGroups...), handle: addOwnerRef},
		{method: get, pattern: "servicePrincipals", roles: rolesReadApplications, query: odata.OptList, handle: listPrincipals},
		{method: get, pattern: "servicePrincipals/{id}", roles: rolesReadApplications, query: odata.OptSelect, handle: getPrincipal},
		{method: get, pattern: "servicePrincipals/{id}/appRoleAssignments", roles: rolesReadApplications, query: odata.OptList, handle: listGrants},
		{method: del, pattern: "groups/{id}/members/{member}/$ref", roles: rolesMembers, handle: removeMember},
	}
	for _, collection := range []string{"members", "transitiveMembers"} {
		transitive := collection != "members"
		for _, cast := range memberCasts {
			path := castPath("groups/{id}/"+collection, cast)
			out = append(out,
				route{method: get, pattern: path, roles: rolesReadGroups, query: odata.OptList, handle: listMembers(transitive, cast)},
				route{method: get, pattern: path + "/$count", roles: rolesReadGroups, handle: countMembers(transitive, cast)})
		}
	}
	out = append(out, countRoutes()...)
	return append(out, groupRoutes()...)
}

// intuneRoutes follow contract a, b and c.
func intuneRoutes() []route {
	const (
		devices  = "deviceManagement/managedDevices"
		policies = "deviceManagement/configurationPolicies"
		settings = "deviceManagement/configurationSettings"
		category = "deviceManagement/configurationCategories"
		reports  = "deviceManagement/reports"
	)
	out := []route{
		{method: get, pattern: devices, roles: rolesManaged, query: odata.OptList | odata.OptSkip | odata.OptOrderBy, handle: listManagedDevices},
		{method: get, pattern: devices + "/$count", roles: rolesManaged, handle: noManagedCount},
		{method: get, pattern: devices + "/{id}", roles: rolesManaged, query: odata.OptSelect, handle: getManagedDevice},
		{method: del, pattern: devices + "/{id}", roles: rolesWriteManaged, handle: deleteManagedDevice},
		{method: post, pattern: devices + "/{id}/retire", roles: rolesSync, handle: orderDevice(managementRetirePending)},
		{method: post, pattern: devices + "/{id}/wipe", roles: rolesSync, handle: orderDevice(managementWipePending)},
		{method: get, pattern: "deviceManagement/managedDeviceOverview", roles: rolesManaged, query: odata.OptSelect, entity: "managedDeviceOverview", handle: deviceOverview},
		{method: post, pattern: devices + "/{id}/syncDevice", roles: rolesSync, handle: syncDevice},
		{method: post, pattern: reports + "/exportJobs", roles: rolesExport, reports: true, handle: createExport},
		{method: get, pattern: reports + "/exportJobs", roles: rolesPoll, query: odata.OptList, reports: true, handle: listExports},
		{method: get, pattern: reports + "/exportJobs/{id}", roles: rolesPoll, query: odata.OptSelect, reports: true, handle: getExport},
		{method: patc, pattern: reports + "/exportJobs/{id}", roles: rolesExport, reports: true, handle: patchExport},
		{method: del, pattern: reports + "/exportJobs/{id}", roles: rolesExport, reports: true, handle: deleteExport},
		{method: post, pattern: reports + "/getConfigurationPolicyDevicesReport", betaOnly: true, roles: rolesReadConfig, reports: true, handle: reportAction(deviceStatus)},
		{method: post, pattern: reports + "/getConfigurationPolicyDeviceSummaryReport", betaOnly: true, roles: rolesReadConfig, reports: true, handle: reportAction(policySummary)},
	}
	out = append(out, reportRoutes(reports)...)
	out = append(out,
		route{method: get, pattern: "deviceManagement/detectedApps", roles: rolesManaged, query: odata.OptSelect | odata.OptTop | odata.OptSkip | odata.OptSkipToken | odata.OptCount | odata.OptFilter, handle: listDetectedApps},
		route{method: get, pattern: "deviceManagement/detectedApps/{id}", roles: rolesManaged, query: odata.OptSelect, handle: getDetectedApp},
		route{method: get, pattern: "deviceManagement/detectedApps/{id}/managedDevices", roles: rolesManaged, query: odata.OptList, handle: listAppDevices})
	beta := []route{
		{method: get, pattern: devices + "/{id}/detectedApps", roles: rolesManaged, query: odata.OptList, handle: listDeviceApps},
		{method: get, pattern: "deviceManagement/managedDeviceEncryptionStates", roles: append([]string{"DeviceManagementConfiguration.Read.All", "DeviceManagementConfiguration.ReadWrite.All"}, rolesManaged...), query: odata.OptList, handle: listEncryption},
		{method: get, pattern: "deviceManagement/operationApprovalRequests", roles: rolesApprovals, query: odata.OptList, handle: listApprovals},
		{method: get, pattern: "deviceManagement/operationApprovalRequests/{id}", roles: rolesApprovals, query: odata.OptSelect, handle: getApproval},
		{method: get, pattern: settings, roles: rolesReadConfig, query: odata.OptList | odata.OptSearch, handle: listDefinitions},
		{method: get, pattern: settings + "/{id}", roles: rolesReadConfig, query: odata.OptSelect, handle: getDefinition},
		{method: get, pattern: category, roles: rolesReadConfig, query: odata.OptList, handle: listCategories},
		{method: get, pattern: category + "/{id}", roles: rolesReadConfig, query: odata.OptSelect, handle: getCategory},
		{method: get, pattern: policies, roles: rolesReadConfig, query: odata.OptList | odata.OptExpand | odata.OptSkip, handle: listPolicies},
		{method: post, pattern: policies, roles: rolesWriteConfig, handle: createPolicy},
		{method: get, pattern: policies + "/{id}", roles: rolesReadConfig, query: odata.OptSelect | odata.OptExpand, handle: getPolicy},
		{method: patc, pattern: policies + "/{id}", roles: rolesWriteConfig, handle: patchPolicy},
		{method: put, pattern: policies + "/{id}", roles: rolesWriteConfig, handle: putPolicy},
		{method: del, pattern: policies + "/{id}", roles: rolesWriteConfig, handle: deletePolicy},
		{method: get, pattern: policies + "/{id}/settings", roles: rolesReadConfig, query: odata.OptTop | odata.OptSkipToken | odata.OptExpand | odata.OptSelect | odata.OptSkip, handle: listSettings},
		{method: patc, pattern: policies + "/{id}/settings/{n}", roles: rolesWriteConfig, handle: noSettingRoute},
		{method: post, pattern: policies + "/{id}/settings/{n}", roles: rolesWriteConfig, handle: noSettingRoute},
		{method: get, pattern: policies + "/{id}/assignments", roles: rolesReadConfig, query: odata.OptSelect, entity: "deviceManagementConfigurationPolicyAssignment", handle: listAssignments},
		{method: post, pattern: policies + "/{id}/assign", roles: rolesWriteConfig, handle: assignPolicy},
		{method: post, pattern: policies + "/{id}/createCopy", roles: rolesWriteConfig, handle: copyPolicy},
		{method: post, pattern: policies + "/{id}/reorder", roles: rolesWriteConfig, handle: reorderPolicy},
		{method: get, pattern: templatesContext, roles: rolesReadConfig, query: odata.OptList, handle: listTemplates},
		{method: get, pattern: templatesContext + "/{id}", roles: rolesReadConfig, query: odata.OptSelect, handle: getTemplate},
		{method: get, pattern: templatesContext + "/{id}/settingTemplates", roles: rolesReadConfig, query: odata.OptTop | odata.OptSkipToken | odata.OptExpand | odata.OptSelect, handle: listSettingTemplates},
	}
	beta = append(beta, baselineRoutes()...)
	beta = append(beta, filterRoutes()...)
	beta = append(beta, remediationRoutes()...)
	for i := range beta {
		beta[i].betaOnly = true
	}
	out = append(out, beta...)
	for i := range out {
		out[i].intune = true
	}
	return out
}

// reportRoutes are the other report actions of contract b.1; what 0.1 says is in
// v1.0 is in both versions.
func reportRoutes(reports string) []route {
	const cached = cachedContext
	out := []route{
		{method: get, pattern: cached, betaOnly: true, roles: rolesReadConfig, query: odata.OptList, handle: listCached},
		{method: get, pattern: cached + "/{id}", betaOnly: true, roles: rolesReadConfig, query: odata.OptSelect, handle: getCached},
		{method: patc, pattern: cached + "/{id}", betaOnly: true, roles: rolesWriteConfig, handle: patchCached},
		{method: post, pattern: cached, betaOnly: true, roles: rolesWriteConfig, handle: createCached},
		{method: del, pattern: cached + "/{id}", betaOnly: true, roles: rolesWriteConfig, handle: deleteCached},
		{method: post, pattern: reports + "/getCachedReport", roles: rolesReadConfig, handle: readCached},
		{method: post, pattern: reports + "/getHistoricalReport", roles: rolesReadConfig, handle: historicalReport},
	}
	for name, handle := range map[string]func(*call) (*reply, error){
		settingSummary.name: reportAction(settingSummary), settingStatus.name: reportAction(settingStatus), settingDetails.name: reportAction(settingDetails),
		policiesForDevice.name: reportAction(policiesForDevice), deviceSettings.name: reportAction(deviceSettings), deviceSummary.name: reportAction(deviceSummary),
	} {
		out = append(out, route{method: post, pattern: reports + "/" + name, betaOnly: true, roles: rolesReadConfig, handle: handle})
	}
	for name, handle := range map[string]func(*call) (*reply, error){
		failingPolicies.name: reportAction(failingPolicies), failureSummary.name: reportAction(failureSummary), failingSettings.name: reportAction(failingSettings),
	} {
		out = append(out, route{method: post, pattern: reports + "/" + name, roles: rolesReadConfig, handle: handle})
	}
	for i := range out {
		out[i].reports = true
	}
	return out
}

// filterRoutes follow contract f.
func filterRoutes() []route {
	const filters = "deviceManagement/assignmentFilters"
	return []route{
		{method: get, pattern: filters, roles: rolesReadConfig, query: odata.OptList, handle: listAssignmentFilters},
		{method: post, pattern: filters, roles: rolesWriteConfig, handle: createAssignmentFilter},
		{method: post, pattern: filters + "/enable", roles: rolesWriteConfig, handle: enableFilters},
		{method: post, pattern: "deviceManagement/getAssignmentFiltersStatusDetails", roles: rolesReadConfig, handle: filterStatus},
		{method: post, pattern: filters + "/validateFilter", roles: rolesReadConfig, handle: validateFilter},
		{method: post, pattern: "deviceManagement/evaluateAssignmentFilter", roles: rolesReadConfig, handle: evaluateFilter},
		{method: get, pattern: filters + "/{id}", roles: rolesReadConfig, query: odata.OptSelect, handle: getAssignmentFilter},
		{method: patc, pattern: filters + "/{id}", roles: rolesWriteConfig, handle: patchAssignmentFilter},
		{method: del, pattern: filters + "/{id}", roles: rolesWriteConfig, handle: deleteAssignmentFilter},
		{method: get, pattern: filters + "/{id}/payloads", roles: rolesReadConfig, handle: listFilterPayloads},
	}
}

// remediationRoutes follow contract d.
func remediationRoutes() []route {
	const scripts = "deviceManagement/deviceHealthScripts"
	return []route{
		{method: get, pattern: scripts, roles: rolesReadScripts, query: odata.OptList, handle: listRemediations},
		{method: post, pattern: scripts, roles: rolesWriteScripts, handle: createRemediation},
		{method: get, pattern: scripts + "/getRemediationSummary", roles: rolesReadScripts, handle: remediationTotals},
		{method: get, pattern: scripts + "/{id}/getRemediationHistory", roles: rolesReadScripts, handle: remediationHistory},
		{method: get, pattern: scripts + "/{id}", roles: rolesReadScripts, query: odata.OptSelect | odata.OptExpand, handle: getRemediation},
		{method: patc, pattern: scripts + "/{id}", roles: rolesWriteScripts, handle: patchRemediation},
		{method: del, pattern: scripts + "/{id}", roles: rolesWriteScripts, handle: deleteRemediation},
		{method: post, pattern: scripts + "/{id}/assign", roles: rolesWriteScripts, handle: assignRemediation},
		{method: get, pattern: scripts + "/{id}/assignments", roles: rolesReadScripts, query: odata.OptSelect, entity: "deviceHealthScriptAssignment", handle: listRemediationAssignments},
		{method: get, pattern: scripts + "/{id}/runSummary", roles: rolesReadScripts, query: odata.OptSelect, entity: "deviceHealthScriptRunSummary", handle: runSummary},
		{method: get, pattern: scripts + "/{id}/deviceRunStates", roles: rolesReadScripts, query: odata.OptList | odata.OptExpand, handle: listRunStates},
		{method: post, pattern: "deviceManagement/managedDevices/{id}/initiateOnDemandProactiveRemediation", roles: rolesSync, handle: runOnDemand},
	}
}

// identityRoutes follow contract h, i and j.
func identityRoutes() []route {
	const access = "identity/conditionalAccess/policies"
	out := []route{
		{method: get, pattern: access, roles: rolesReadPolicy, query: odata.OptList, handle: listAccessPolicies},
		{method: post, pattern: access, roles: rolesWriteAccess, handle: createAccessPolicy},
		{method: get, pattern: access + "/{id}", roles: rolesReadPolicy, query: odata.OptSelect, handle: getAccessPolicy},
		{method: patc, pattern: access + "/{id}", roles: rolesWriteAccess, handle: patchAccessPolicy},
		{method: del, pattern: access + "/{id}", roles: rolesWriteAccess, handle: deleteAccessPolicy},
		{method: post, pattern: access + "/{id}/restore", roles: rolesWriteAccess, handle: restoreAccess},
		{method: get, pattern: accessDeletedContext, roles: rolesReadPolicy, query: odata.OptList, handle: listDeletedAccess},
		{method: get, pattern: accessDeletedContext + "/{id}", roles: rolesReadPolicy, query: odata.OptSelect, handle: getDeletedAccess},
		{method: del, pattern: accessDeletedContext + "/{id}", roles: rolesWriteAccess, handle: purgeDeletedAccess},
		{method: post, pattern: accessDeletedContext + "/{id}/restore", roles: rolesWriteAccess, handle: restoreAccess},
		{method: get, pattern: locationsContext, roles: rolesReadPolicy, query: odata.OptList | odata.OptOrderBy, handle: listNamedLocations},
		{method: post, pattern: locationsContext, roles: rolesWriteAccess, handle: createNamedLocation},
		{method: get, pattern: locationsContext + "/{id}", roles: rolesReadPolicy, query: odata.OptSelect, handle: getNamedLocation},
		{method: patc, pattern: locationsContext + "/{id}", roles: rolesWriteAccess, handle: patchNamedLocation},
		{method: del, pattern: locationsContext + "/{id}", roles: rolesWriteAccess, handle: deleteNamedLocation},
		{method: get, pattern: locationsDeletedContext, roles: rolesReadPolicy, query: odata.OptList, handle: listDeletedLocations},
		{method: get, pattern: locationsDeletedContext + "/{id}", roles: rolesReadPolicy, query: odata.OptSelect, handle: getDeletedLocation},
		{method: del, pattern: locationsDeletedContext + "/{id}", roles: rolesWriteAccess, handle: purgeDeletedLocation},
		{method: post, pattern: locationsDeletedContext + "/{id}/restore", roles: rolesWriteAccess, handle: restoreLocation},
		{method: get, pattern: defaultsContext, roles: rolesReadPolicy, query: odata.OptSelect, handle: getSecurityDefaults},
		{method: patc, pattern: defaultsContext, roles: rolesWriteDefaults, handle: patchSecurityDefaults},
		{method: post, pattern: "identity/conditionalAccess/evaluate", roles: rolesReadPolicy, handle: evaluateAccess},
		{method: get, pattern: "identity/conditionalAccess/authenticationStrength/combinations", roles: rolesReadPolicy, handle: listCombinations},
		{method: get, pattern: "identity/conditionalAccess/authenticationStrength/authenticationMethodModes", roles: rolesReadPolicy, query: odata.OptList, handle: listMethodModes},
		{method: get, pattern: methodsPath, roles: rolesReadMethods, query: odata.OptSelect, entity: "authenticationMethodsPolicy", handle: getMethodsPolicy},
		{method: patc, pattern: methodsPath, roles: rolesWriteMethods, handle: patchMethodsPolicy},
		{method: get, pattern: methodsPath + "/authenticationMethodConfigurations", roles: rolesReadMethods, query: odata.OptSelect, entity: "authenticationMethodConfiguration", handle: listMethods},
		{method: get, pattern: methodsPath + "/authenticationMethodConfigurations/{id}", roles: rolesReadMethods, query: odata.OptSelect, entity: "fido2AuthenticationMethodConfiguration", handle: methodConfiguration(getFido2)},
		{method: patc, pattern: methodsPath + "/authenticationMethodConfigurations/{id}", roles: rolesWriteMethods, handle: methodConfiguration(patchFido2)},
		{method: get, pattern: "reports/authenticationMethods/userRegistrationDetails", roles: rolesAudit, query: odata.OptList, handle: listRegistrations},
		{method: get, pattern: "auditLogs/signIns", roles: rolesAudit, query: odata.OptSelect | odata.OptFilter | odata.OptTop | odata.OptSkipToken | odata.OptOrderBy, handle: listSignIns},
		{method: get, pattern: "users/{id}/authentication/fido2Methods", roles: rolesUserPasskeys, query: odata.OptSelect, handle: listPasskeys},
		{method: get, pattern: "users/{id}/authentication/windowsHelloForBusinessMethods", roles: rolesUserHello, query: odata.OptSelect, handle: listHello},
		{method: get, pattern: "users/{id}/authentication/fido2Methods/{method}", roles: rolesUserPasskeys, query: odata.OptSelect, handle: getPasskey},
	}
	for _, root := range []string{"policies/authenticationStrengthPolicies", "identity/conditionalAccess/authenticationStrength/policies"} {
		out = append(out,
			route{method: get, pattern: root, roles: rolesReadPolicy, query: odata.OptList, handle: listStrengths},
			route{method: post, pattern: root, roles: rolesWriteAccess, handle: createStrength},
			route{method: get, pattern: root + "/{id}", roles: rolesReadPolicy, query: odata.OptSelect, handle: getStrength},
			route{method: patc, pattern: root + "/{id}", roles: rolesWriteAccess, handle: patchStrength},
			route{method: del, pattern: root + "/{id}", roles: rolesWriteAccess, handle: deleteStrength},
			route{method: post, pattern: root + "/{id}/updateAllowedCombinations", roles: rolesWriteAccess, handle: updateCombinations},
			route{method: get, pattern: root + "/{id}/usage", roles: rolesReadPolicy, handle: strengthUsage},
			route{method: get, pattern: root + "/{id}/combinationConfigurations", roles: rolesReadPolicy, query: odata.OptList, handle: listConfigurations},
			route{method: post, pattern: root + "/{id}/combinationConfigurations", roles: rolesWriteAccess, handle: createConfiguration},
			route{method: get, pattern: root + "/{id}/combinationConfigurations/{configuration}", roles: rolesReadPolicy, query: odata.OptSelect, handle: getConfiguration},
			route{method: patc, pattern: root + "/{id}/combinationConfigurations/{configuration}", roles: rolesWriteAccess, handle: patchConfiguration},
			route{method: del, pattern: root + "/{id}/combinationConfigurations/{configuration}", roles: rolesWriteAccess, handle: deleteConfiguration})
	}
	return out
}
