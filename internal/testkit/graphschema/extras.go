// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import "regexp"

// extras are members that the service sends although the SDK does not know
// them. Each names its source; a member without one does not belong here.
var extras = map[string]map[string]string{
	// Captured payloads of directory devices carry both (contract 0.3).
	"device": {"createdDateTime": "Edm.DateTimeOffset", "sourceType": "Edm.String"},
	// Portal bodies of the settings catalog carry it as null (contract a.2).
	"deviceManagementConfigurationSettingInstance": {"auditRuleInformation": "Edm.Untyped"},
	// Documented answers of conditional access (conditionalaccessroot-evaluate and
	// -post-policies, policydeletableitem) and the exports made from them.
	"conditionalAccessPolicy":          {"templateId": "Edm.String", "partialEnablementStrategy": "Edm.String"},
	"conditionalAccessConditionSet":    {"times": "Edm.Untyped", "clients": "Edm.Untyped", "agents": "Edm.Untyped", "signInRiskDetections": "Edm.Untyped"},
	"conditionalAccessSessionControls": {"networkAccessSecurity": "Edm.Untyped"},
	// Recorded portal requests (third-party 9).
	"x509CertificateCombinationConfiguration": {"allowedIssuers": "[]Edm.String"},
	// Errors nest: the inner code is the more specific (contract 0.4).
	"innerError": {"code": "Edm.String", "message": "Edm.String", "innerError": "error.innerError", "innererror": "error.innerError"},
	// Older services write the envelope's member in lower case (contract 0.4,
	// ASSUMED from the shape of Graph's own documentation).
	"mainError": {"innererror": "error.innerError"},
}

// extraMembers are members of enums that the documentation lists and the SDK
// lacks.
var extraMembers = map[string][]string{
	// Contract 0.2.7 and a.1.
	"deviceManagementConfigurationTechnologies": {"extensibility"},
}

// zonelessDates are members whose time comes without a zone.
var zonelessDates = map[string]bool{
	// Entra's error bodies (contract 0.3).
	"innerError.date": true,
}

// numeralText are numbers that the service takes as text as well.
var numeralText = regexp.MustCompile(`^reports\w+PostRequestBody\.top$`) // contract b.1: "500" was accepted

// control is the control information that any object may carry.
var control = map[string]string{
	"@odata.context": "Edm.String", "@odata.count": "Edm.Int64", "@odata.nextLink": "Edm.String", "@odata.deltaLink": "Edm.String",
	"@odata.type": "Edm.String", "@odata.id": "Edm.String", "@odata.etag": "Edm.String", "@odata.editLink": "Edm.String",
	// Removals in a delta (contract g).
	"@removed": "Edm.Untyped",
	// Hints that beta adds to answers, for people.
	"@microsoft.graph.tips": "Edm.String",
}

// annotations are what may follow a member's name after an @.
var annotations = map[string]string{
	"odata.context": "Edm.String", "odata.type": "Edm.String", "odata.count": "Edm.Int64", "odata.nextLink": "Edm.String",
	"odata.associationLink": "Edm.String", "odata.navigationLink": "Edm.String",
}
