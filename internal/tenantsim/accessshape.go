// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "maps"

// The types of a conditional access policy (schema.json, both versions). Members
// with beta exist there only. Some are in no metadata and yet in every answer of
// beta, and so in what people export: they are marked "documented answers", which
// are those of conditionalaccessroot-evaluate and conditionalaccessroot-post-policies.

func lists(names ...string) map[string]member {
	out := map[string]member{}
	for _, n := range names {
		out[n] = member{kind: kindStrings}
	}
	return out
}

// onBeta marks members that v1.0 does not have.
func onBeta(members map[string]member) map[string]member {
	out := map[string]member{}
	for name, m := range members {
		m.beta = true
		out[name] = m
	}
	return out
}

func shapeOf(name string, sets ...map[string]member) *shape {
	s := &shape{typeName: "microsoft.graph." + name, members: map[string]member{}}
	for _, set := range sets {
		maps.Copy(s.members, set)
	}
	return s
}

// object is a member with a type of its own.
func (s *shape) object() member { return member{kind: kindObject, of: s} }

func enum(values ...string) member { return member{kind: kindEnum, values: values} }

func flags(values ...string) member { return member{kind: kindFlags, values: values} }

func enums(values ...string) member { return member{kind: kindStrings, values: values} }

// Words of enums.
var (
	clientAppWords = []string{"all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other"}
	platformWords  = []string{"android", "iOS", "windows", "windowsPhone", "macOS", "linux", "all"}
	riskWords      = []string{"low", "medium", "high", "hidden", "none"}
	grantWords     = []string{"block", "mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication", "passwordChange", riskRemediation}
	guestWords     = []string{"none", "internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember", "b2bDirectConnectUser", "otherExternalUser", "serviceProvider"}
	agentRiskWords = []string{"low", "medium", "high"}
	transferWords  = []string{"none", "deviceCodeFlow", "authenticationTransfer"}
)

// Conditions.
var (
	accessFilterShape = shapeOf("conditionalAccessFilter", map[string]member{"mode": enum("include", "exclude"), "rule": {kind: kindString}})
	accessTenants     = &shape{typeName: "microsoft.graph.conditionalAccessExternalTenants", variants: []*shape{
		shapeOf("conditionalAccessAllExternalTenants", map[string]member{"membershipKind": enum("all", "enumerated")}),
		shapeOf("conditionalAccessEnumeratedExternalTenants", map[string]member{"membershipKind": enum("all", "enumerated"), "members": {kind: kindStrings}}),
	}}
	accessGuestsShape = shapeOf("conditionalAccessGuestsOrExternalUsers", map[string]member{
		"guestOrExternalUserTypes": flags(guestWords...), "externalTenants": accessTenants.object()})
	accessUsersShape = shapeOf("conditionalAccessUsers", lists("includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles"),
		map[string]member{"includeGuestsOrExternalUsers": accessGuestsShape.object(), "excludeGuestsOrExternalUsers": accessGuestsShape.object()})
	accessAppsShape = shapeOf("conditionalAccessApplications",
		lists("includeApplications", "excludeApplications", "includeUserActions", "includeAuthenticationContextClassReferences"),
		map[string]member{"applicationFilter": accessFilterShape.object()},
		onBeta(map[string]member{"globalSecureAccess": shapeOf("conditionalAccessGlobalSecureAccess").object(), "networkAccess": shapeOf("conditionalAccessNetworkAccess").object()}))
	accessPlatformsShape = shapeOf("conditionalAccessPlatforms", map[string]member{"includePlatforms": enums(platformWords...), "excludePlatforms": enums(platformWords...)})
	accessLocationsShape = shapeOf("conditionalAccessLocations", lists("includeLocations", "excludeLocations"))
	accessDevicesShape   = shapeOf("conditionalAccessDevices", map[string]member{"deviceFilter": accessFilterShape.object()},
		onBeta(lists("includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates")))
	accessClientsShape = shapeOf("conditionalAccessClientApplications", lists("includeServicePrincipals", "excludeServicePrincipals"),
		map[string]member{"servicePrincipalFilter": accessFilterShape.object()},
		onBeta(lists("includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals")),
		onBeta(map[string]member{"agentIdServicePrincipalFilter": accessFilterShape.object()}))
	accessConditionShape = shapeOf("conditionalAccessConditionSet", map[string]member{
		"clientAppTypes":      enums(clientAppWords...),
		"applications":        accessAppsShape.object(),
		"users":               accessUsersShape.object(),
		"platforms":           accessPlatformsShape.object(),
		"locations":           accessLocationsShape.object(),
		"devices":             accessDevicesShape.object(),
		"clientApplications":  accessClientsShape.object(),
		"authenticationFlows": shapeOf("conditionalAccessAuthenticationFlows", map[string]member{"transferMethods": flags(transferWords...)}).object(),
		"signInRiskLevels":    enums(riskWords...), "userRiskLevels": enums(riskWords...), "servicePrincipalRiskLevels": enums(riskWords...),
		"insiderRiskLevels": flags("minor", "moderate", "elevated"),
	}, onBeta(map[string]member{
		"agentIdRiskLevels": flags(agentRiskWords...),
		"deviceStates":      shapeOf("conditionalAccessDeviceStates", lists("includeStates", "excludeStates")).object(),
		// Documented answers and exports; what they take is not published.
		"times": {kind: kindObject}, "clients": {kind: kindObject}, "agents": {kind: kindObject}, "signInRiskDetections": {kind: kindObject},
	}))
)

// Controls.
var (
	// accessStrengthShape takes a reference. Exports hold the strength in full:
	// all but the id is ignored (contract h: on write only the id is sent).
	accessStrengthShape = shapeOf("authenticationStrengthPolicy", map[string]member{"id": {kind: kindString, required: true},
		"createdDateTime": {readOnly: true}, "modifiedDateTime": {readOnly: true}, "displayName": {readOnly: true}, "description": {readOnly: true},
		"policyType": {readOnly: true}, "requirementsSatisfied": {readOnly: true}, "allowedCombinations": {readOnly: true}, "combinationConfigurations": {readOnly: true}})
	accessGrantShape = shapeOf("conditionalAccessGrantControls", lists("customAuthenticationFactors", "termsOfUse"), map[string]member{
		"operator": enum("AND", "OR"), "builtInControls": enums(grantWords...), "authenticationStrength": accessStrengthShape.object()})
	accessSessionShape = shapeOf("conditionalAccessSessionControls", map[string]member{
		"applicationEnforcedRestrictions": sessionControl("applicationEnforcedRestrictions", nil),
		"cloudAppSecurity":                sessionControl("cloudAppSecurity", map[string]member{"cloudAppSecurityType": enum("mcasConfigured", "monitorOnly", "blockDownloads")}),
		"disableResilienceDefaults":       {kind: kindBool},
		"persistentBrowser":               sessionControl("persistentBrowser", map[string]member{"mode": enum("always", "never")}),
		"secureSignInSession":             sessionControl("secureSignIn", nil),
		"signInFrequency": sessionControl("signInFrequency", map[string]member{"value": {kind: kindInt}, "type": enum("days", "hours"),
			"frequencyInterval": enum("timeBased", "everyTime"), "authenticationType": enum("primaryAndSecondaryAuthentication", "secondaryAuthentication")}),
	}, onBeta(map[string]member{
		"continuousAccessEvaluation":         shapeOf("continuousAccessEvaluationSessionControl", map[string]member{"mode": enum("strictEnforcement", "disabled", "strictLocation")}).object(),
		"globalSecureAccessFilteringProfile": sessionControl("globalSecureAccessFilteringProfile", map[string]member{"profileId": {kind: kindString}}),
		"networkAccessSecurity":              sessionControl("networkAccessSecurity", map[string]member{"policyId": {kind: kindString}}), // documented answers
	}))
)

// sessionControl is a control that can be switched on and off.
func sessionControl(name string, members map[string]member) member {
	return shapeOf(name+"SessionControl", map[string]member{"isEnabled": {kind: kindBool}}, members).object()
}

var accessPolicyShape = shape{typeName: "microsoft.graph.conditionalAccessPolicy", members: map[string]member{
	"id": {kind: kindString, readOnly: true}, "templateId": {kind: kindString, readOnly: true},
	"createdDateTime": {kind: kindDate, readOnly: true}, "modifiedDateTime": {kind: kindDate, readOnly: true},
	"deletedDateTime":           {kind: kindDate, readOnly: true},
	"partialEnablementStrategy": {kind: kindString, beta: true}, // documented answers
	"displayName":               {kind: kindString, required: true, max: 256},
	"description":               {kind: kindString},
	"state":                     {kind: kindEnum, required: true, values: []string{"enabled", "disabled", "enabledForReportingButNotEnforced"}},
	"conditions":                {kind: kindObject, required: true, of: accessConditionShape},
	"grantControls":             {kind: kindObject, of: accessGrantShape},
	"sessionControls":           {kind: kindObject, of: accessSessionShape},
}}
