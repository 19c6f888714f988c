// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"

	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// The types of a conditional access policy (schema.json, both versions). Members
// with beta exist there only. Some are in no metadata and yet in every answer of
// beta, and so in what people export: they are marked "documented answers", which
// are those of conditionalaccessroot-evaluate and conditionalaccessroot-post-policies.

func lists(names ...string) map[string]shape.Member {
	out := map[string]shape.Member{}
	for _, n := range names {
		out[n] = shape.Member{Kind: shape.Strings}
	}
	return out
}

// onBeta marks members that v1.0 does not have.
func onBeta(members map[string]shape.Member) map[string]shape.Member {
	out := map[string]shape.Member{}
	for name, m := range members {
		m.Beta = true
		out[name] = m
	}
	return out
}

func shapeOf(name string, sets ...map[string]shape.Member) *shape.Shape {
	s := &shape.Shape{TypeName: "microsoft.graph." + name, Members: map[string]shape.Member{}}
	for _, set := range sets {
		maps.Copy(s.Members, set)
	}
	return s
}

func enum(values ...string) shape.Member { return shape.Member{Kind: shape.Enum, Values: values} }

func flags(values ...string) shape.Member { return shape.Member{Kind: shape.Flags, Values: values} }

func enums(values ...string) shape.Member { return shape.Member{Kind: shape.Strings, Values: values} }

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
	accessFilterShape = shapeOf("conditionalAccessFilter", map[string]shape.Member{"mode": enum("include", "exclude"), "rule": {Kind: shape.String}})
	accessTenants     = &shape.Shape{TypeName: "microsoft.graph.conditionalAccessExternalTenants", Variants: []*shape.Shape{
		shapeOf("conditionalAccessAllExternalTenants", map[string]shape.Member{"membershipKind": enum("all", "enumerated")}),
		shapeOf("conditionalAccessEnumeratedExternalTenants", map[string]shape.Member{"membershipKind": enum("all", "enumerated"), "members": {Kind: shape.Strings}}),
	}}
	accessGuestsShape = shapeOf("conditionalAccessGuestsOrExternalUsers", map[string]shape.Member{
		"guestOrExternalUserTypes": flags(guestWords...), "externalTenants": accessTenants.Member()})
	accessUsersShape = shapeOf("conditionalAccessUsers", lists("includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles"),
		map[string]shape.Member{"includeGuestsOrExternalUsers": accessGuestsShape.Member(), "excludeGuestsOrExternalUsers": accessGuestsShape.Member()})
	accessAppsShape = shapeOf("conditionalAccessApplications",
		lists("includeApplications", "excludeApplications", "includeUserActions", "includeAuthenticationContextClassReferences"),
		map[string]shape.Member{"applicationFilter": accessFilterShape.Member()},
		onBeta(map[string]shape.Member{"globalSecureAccess": shapeOf("conditionalAccessGlobalSecureAccess").Member(), "networkAccess": shapeOf("conditionalAccessNetworkAccess").Member()}))
	accessPlatformsShape = shapeOf("conditionalAccessPlatforms", map[string]shape.Member{"includePlatforms": enums(platformWords...), "excludePlatforms": enums(platformWords...)})
	accessLocationsShape = shapeOf("conditionalAccessLocations", lists("includeLocations", "excludeLocations"))
	accessDevicesShape   = shapeOf("conditionalAccessDevices", map[string]shape.Member{"deviceFilter": accessFilterShape.Member()},
		onBeta(lists("includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates")))
	accessClientsShape = shapeOf("conditionalAccessClientApplications", lists("includeServicePrincipals", "excludeServicePrincipals"),
		map[string]shape.Member{"servicePrincipalFilter": accessFilterShape.Member()},
		onBeta(lists("includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals")),
		onBeta(map[string]shape.Member{"agentIdServicePrincipalFilter": accessFilterShape.Member()}))
	accessConditionShape = shapeOf("conditionalAccessConditionSet", map[string]shape.Member{
		"clientAppTypes":      enums(clientAppWords...),
		"applications":        accessAppsShape.Member(),
		"users":               accessUsersShape.Member(),
		"platforms":           accessPlatformsShape.Member(),
		"locations":           accessLocationsShape.Member(),
		"devices":             accessDevicesShape.Member(),
		"clientApplications":  accessClientsShape.Member(),
		"authenticationFlows": shapeOf("conditionalAccessAuthenticationFlows", map[string]shape.Member{"transferMethods": flags(transferWords...)}).Member(),
		"signInRiskLevels":    enums(riskWords...), "userRiskLevels": enums(riskWords...), "servicePrincipalRiskLevels": enums(riskWords...),
		"insiderRiskLevels": flags("minor", "moderate", "elevated"),
	}, onBeta(map[string]shape.Member{
		"agentIdRiskLevels": flags(agentRiskWords...),
		"deviceStates":      shapeOf("conditionalAccessDeviceStates", lists("includeStates", "excludeStates")).Member(),
		// Documented answers and exports; what they take is not published.
		"times": {Kind: shape.Object}, "clients": {Kind: shape.Object}, "agents": {Kind: shape.Object}, "signInRiskDetections": {Kind: shape.Object},
	}))
)

// Controls.
var (
	// accessStrengthShape takes a reference. Exports hold the strength in full:
	// all but the id is ignored (contract h: on write only the id is sent).
	accessStrengthShape = shapeOf("authenticationStrengthPolicy", map[string]shape.Member{"id": {Kind: shape.String, Required: true},
		"createdDateTime": {ReadOnly: true}, "modifiedDateTime": {ReadOnly: true}, "displayName": {ReadOnly: true}, "description": {ReadOnly: true},
		"policyType": {ReadOnly: true}, "requirementsSatisfied": {ReadOnly: true}, "allowedCombinations": {ReadOnly: true}, "combinationConfigurations": {ReadOnly: true}})
	accessGrantShape = shapeOf("conditionalAccessGrantControls", lists("customAuthenticationFactors", "termsOfUse"), map[string]shape.Member{
		"operator": enum("AND", "OR"), "builtInControls": enums(grantWords...), "authenticationStrength": accessStrengthShape.Member()})
	accessSessionShape = shapeOf("conditionalAccessSessionControls", map[string]shape.Member{
		"applicationEnforcedRestrictions": sessionControl("applicationEnforcedRestrictions", nil),
		"cloudAppSecurity":                sessionControl("cloudAppSecurity", map[string]shape.Member{"cloudAppSecurityType": enum("mcasConfigured", "monitorOnly", "blockDownloads")}),
		"disableResilienceDefaults":       {Kind: shape.Bool},
		"persistentBrowser":               sessionControl("persistentBrowser", map[string]shape.Member{"mode": enum("always", "never")}),
		"secureSignInSession":             sessionControl("secureSignIn", nil),
		"signInFrequency": sessionControl("signInFrequency", map[string]shape.Member{"value": {Kind: shape.Int}, "type": enum("days", "hours"),
			"frequencyInterval": enum("timeBased", "everyTime"), "authenticationType": enum("primaryAndSecondaryAuthentication", "secondaryAuthentication")}),
	}, onBeta(map[string]shape.Member{
		"continuousAccessEvaluation":         shapeOf("continuousAccessEvaluationSessionControl", map[string]shape.Member{"mode": enum("strictEnforcement", "disabled", "strictLocation")}).Member(),
		"globalSecureAccessFilteringProfile": sessionControl("globalSecureAccessFilteringProfile", map[string]shape.Member{"profileId": {Kind: shape.String}}),
		"networkAccessSecurity":              sessionControl("networkAccessSecurity", map[string]shape.Member{"policyId": {Kind: shape.String}}), // documented answers
	}))
)

// sessionControl is a control that can be switched on and off.
func sessionControl(name string, members map[string]shape.Member) shape.Member {
	return shapeOf(name+"SessionControl", map[string]shape.Member{"isEnabled": {Kind: shape.Bool}}, members).Member()
}

var accessPolicyShape = shape.Shape{TypeName: "microsoft.graph.conditionalAccessPolicy", Members: map[string]shape.Member{
	"id": {Kind: shape.String, ReadOnly: true}, "templateId": {Kind: shape.String, ReadOnly: true},
	"createdDateTime": {Kind: shape.Date, ReadOnly: true}, "modifiedDateTime": {Kind: shape.Date, ReadOnly: true},
	"deletedDateTime":           {Kind: shape.Date, ReadOnly: true},
	"partialEnablementStrategy": {Kind: shape.String, Beta: true}, // documented answers
	"displayName":               {Kind: shape.String, Required: true, Max: 256},
	"description":               {Kind: shape.String},
	"state":                     {Kind: shape.Enum, Required: true, Values: []string{"enabled", "disabled", "enabledForReportingButNotEnforced"}},
	"conditions":                {Kind: shape.Object, Required: true, Of: accessConditionShape},
	"grantControls":             {Kind: shape.Object, Of: accessGrantShape},
	"sessionControls":           {Kind: shape.Object, Of: accessSessionShape},
}}
