// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// Seeds are entities that the endpoints of Tidegate answer with or take. A
// trailing + takes the derived types along; complex types and enums follow by
// themselves.

// commonSeeds exist in both versions.
var commonSeeds = []string{
	// Directory (contract g).
	"directoryObject", "group", "user", "device", "organization", "servicePrincipal", "subscribedSku", "appRoleAssignment",
	// Devices and exports (contract b.4, c).
	"managedDevice", "managedDeviceOverview", "detectedApp", "deviceManagementExportJob", "deviceManagementReports",
	"deviceManagementCachedReportConfiguration", "deviceCompliancePolicyState", "deviceConfigurationState",
	// Conditional access and authentication methods (contract h, i).
	"conditionalAccessPolicy", "whatIfAnalysisResult", "policyDeletableItem", "namedLocation+", "authenticationStrengthPolicy",
	"authenticationCombinationConfiguration+", "authenticationMethodModeDetail", "authenticationMethodsPolicy",
	"authenticationMethodConfiguration+", "authenticationMethodTarget+", "passkeyProfile", "authenticationMethod+",
	"userRegistrationDetails",
	"authenticationStrengthUsage", "updateAllowedCombinationsResult", "identitySecurityDefaultsEnforcementPolicy",
	// Sign-ins (contract j).
	"signIn",
}

// stableSeeds exist in v1.0.
var stableSeeds = []string{
	"authenticationStrengthRoot", "conditionalAccessRoot", "deviceManagement", "extension", "openTypeExtension", "extensionProperty",
	"schemaExtension",
}

// betaSeeds exist in beta.
var betaSeeds = []string{
	// Settings catalog (contract a).
	"deviceManagementConfigurationPolicy", "deviceManagementConfigurationSetting", "deviceManagementConfigurationPolicyAssignment",
	"deviceManagementConfigurationSettingDefinition+", "deviceManagementConfigurationCategory", "deviceManagementConfigurationPolicyTemplate",
	"deviceManagementConfigurationSettingTemplate", "deviceManagementReusablePolicySetting",
	// Remediations (contract d).
	"deviceHealthScript", "deviceHealthScriptAssignment", "deviceHealthScriptRunSummary", "deviceHealthScriptDeviceState",
	"deviceHealthScriptPolicyState", "deviceHealthScriptRemediationSummary", "deviceHealthScriptRemediationHistory",
	// Assignment filters (contract f).
	"deviceAndAppManagementAssignmentFilter", "assignmentFilterEvaluationStatusDetails", "assignmentFilterState", "assignmentFilterValidationResult",
	"assignmentFilterEvaluationSummary", "assignmentFilterTypeAndEvaluationResult", "assignmentFilterSupportedProperty",
	// Group Policy from the cloud (contract e).
	"groupPolicyConfiguration", "groupPolicyConfigurationAssignment", "groupPolicyDefinition", "groupPolicyDefinitionValue",
	"groupPolicyPresentation+", "groupPolicyPresentationValue+", "groupPolicyDefinitionFile", "groupPolicyUploadedDefinitionFile",
	"groupPolicyCategory", "groupPolicyOperation", "groupPolicyMigrationReport", "groupPolicyObjectFile", "groupPolicySettingMapping",
	"unsupportedGroupPolicyExtension",
	// Multi Admin Approval and audit (contract m).
	"operationApprovalRequest", "operationApprovalPolicy", "auditEvent", "roleScopeTag",
	// Encryption (contract c).
	"managedDeviceEncryptionState",
}

// betaActions and stableActions are bodies of actions and functions.
var betaActions = []action{
	{"devicemanagement", "ConfigurationPoliciesItemAssignPostRequestBody"},
	{"devicemanagement", "ConfigurationPoliciesItemAssignPostResponse"},
	{"devicemanagement", "ConfigurationPoliciesItemCreateCopyPostRequestBody"},
	{"devicemanagement", "ConfigurationPoliciesItemReorderPostRequestBody"},
	{"devicemanagement", "DeviceHealthScriptsItemAssignPostRequestBody"},
	{"devicemanagement", "ManagedDevicesItemInitiateOnDemandProactiveRemediationPostRequestBody"},
	{"devicemanagement", "AssignmentFiltersValidateFilterPostRequestBody"},
	{"devicemanagement", "AssignmentFiltersEnablePostRequestBody"},
	{"devicemanagement", "EvaluateAssignmentFilterPostRequestBody"},
	{"devicemanagement", "GetAssignmentFiltersStatusDetailsPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPolicyDevicesReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPolicyDeviceSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPolicySettingsDeviceSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationSettingsReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationSettingDetailsReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPoliciesReportForDevicePostRequestBody"},
	{"devicemanagement", "ReportsGetDeviceConfigurationPolicySettingsSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetDeviceConfigurationPolicyStatusSummaryPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPolicyNonComplianceReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPolicyNonComplianceSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationSettingNonComplianceReportPostRequestBody"},
	{"devicemanagement", "ReportsGetPolicyNonComplianceReportPostRequestBody"},
	{"devicemanagement", "ReportsGetPolicyNonComplianceSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetHistoricalReportPostRequestBody"},
	{"devicemanagement", "ReportsGetCachedReportPostRequestBody"},
	{"devicemanagement", "GroupPolicyConfigurationsItemAssignPostRequestBody"},
	{"devicemanagement", "GroupPolicyConfigurationsItemAssignPostResponse"},
	{"devicemanagement", "GroupPolicyConfigurationsItemUpdateDefinitionValuesPostRequestBody"},
	{"devicemanagement", "OperationApprovalRequestsRetrieveRequestStatusPostRequestBody"},
	{"policies", "AuthenticationStrengthPoliciesItemUpdateAllowedCombinationsPostRequestBody"},
	{"identity", "ConditionalAccessEvaluatePostRequestBody"},
}

var stableActions = []action{
	{"devicemanagement", "ReportsGetConfigurationPolicyNonComplianceReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationPolicyNonComplianceSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetConfigurationSettingNonComplianceReportPostRequestBody"},
	{"devicemanagement", "ReportsGetPolicyNonComplianceReportPostRequestBody"},
	{"devicemanagement", "ReportsGetPolicyNonComplianceSummaryReportPostRequestBody"},
	{"devicemanagement", "ReportsGetHistoricalReportPostRequestBody"},
	{"devicemanagement", "ReportsGetCachedReportPostRequestBody"},
	{"policies", "AuthenticationStrengthPoliciesItemUpdateAllowedCombinationsPostRequestBody"},
	{"identity", "ConditionalAccessEvaluatePostRequestBody"},
	{"identity", "ConditionalAccessEvaluatePostResponse"},
	{"groups", "DeltaGetResponse"},
}

// rootEntities are entities that do not derive from entity: they have a key of
// their own (v1.0 metadata).
var rootEntities = []string{"PolicyDeletableItem", "DeviceHealthScriptPolicyState"}

// errorTypes are the error envelope.
var errorTypes = []string{"ODataError", "MainError", "ErrorDetails", "InnerError"}

// abstract lists the types that never stand for themselves: an object that is
// declared as one must say by @odata.type which one it is. The SDK does not
// mark them. For v1.0 they are what the published metadata (CSDL) marks; the
// settings catalog follows contract a.2; the rest is ASSUMED from the fact that
// only derived types are ever seen.
var abstract = []string{
	"entity", "extension", "policyDeletableItem", "ipRange", "signInContext", "signInIdentity", "userSet", "serviceProvisioningError",
	"serviceProvisioningResourceErrorDetail", "writebackConfiguration",
	"authenticationCombinationConfiguration", "authenticationEventHandlerResult", "authenticationMethod", "authenticationMethodConfiguration",
	"conditionalAccessExternalTenants", "conditionalAccessSessionControl",
	"deviceAndAppManagementAssignmentTarget", "deviceHealthScriptParameter", "deviceHealthScriptRunSchedule", "deviceHealthScriptTimeSchedule",
	"deviceManagementConfigurationChoiceSettingValueDefaultTemplate", "deviceManagementConfigurationIntegerSettingValueDefaultTemplate",
	"deviceManagementConfigurationStringSettingValueDefaultTemplate", "deviceManagementConfigurationSettingApplicability",
	"deviceManagementConfigurationSettingDefinition", "deviceManagementConfigurationSettingInstance",
	"deviceManagementConfigurationSettingInstanceTemplate", "deviceManagementConfigurationSettingValue",
	"deviceManagementConfigurationSettingValueDefinition", "deviceManagementConfigurationSimpleSettingValue",
	"deviceManagementConfigurationSimpleSettingValueTemplate",
	"groupPolicyPresentation", "groupPolicyPresentationValue", "groupPolicyUploadedPresentation",
}
