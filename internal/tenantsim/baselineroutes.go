// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// baselineRoutes follow contract e, contract-2 u and w.
func baselineRoutes() []route {
	const values = groupPolicyContext + "/{id}/definitionValues"
	out := []route{
		{method: get, pattern: groupPolicyContext, query: odata.OptList, handle: listGroupPolicies},
		{method: post, pattern: groupPolicyContext, handle: createGroupPolicy},
		{method: get, pattern: groupPolicyContext + "/{id}", query: odata.OptSelect, handle: getGroupPolicy},
		{method: patc, pattern: groupPolicyContext + "/{id}", handle: patchGroupPolicy},
		{method: del, pattern: groupPolicyContext + "/{id}", handle: deleteGroupPolicy},
		{method: get, pattern: groupPolicyContext + "/{id}/assignments", handle: listGroupPolicyAssignments},
		{method: post, pattern: groupPolicyContext + "/{id}/assign", handle: assignGroupPolicy},
		{method: post, pattern: groupPolicyContext + "/{id}/updateDefinitionValues", handle: updateDefinitionValues},
		{method: get, pattern: values, query: odata.OptList | odata.OptExpand, handle: listDefinitionValues},
		{method: post, pattern: values, handle: createDefinitionValue},
		{method: get, pattern: values + "/{value}", query: odata.OptSelect | odata.OptExpand, handle: getDefinitionValue},
		{method: patc, pattern: values + "/{value}", handle: patchDefinitionValue},
		{method: del, pattern: values + "/{value}", handle: deleteDefinitionValue},
		{method: get, pattern: values + "/{value}/definition", handle: getValueDefinition},
		{method: get, pattern: values + "/{value}/presentationValues", query: odata.OptExpand, handle: listPresentationValues},
		{method: get, pattern: admxDefinitionsContext, query: odata.OptList, handle: listAdmxDefinitions},
		{method: get, pattern: admxDefinitionsContext + "/{id}", query: odata.OptSelect, handle: getAdmxDefinition},
		{method: get, pattern: admxDefinitionsContext + "/{id}/presentations", handle: listPresentations},

		{method: get, pattern: intentsContext, query: odata.OptList, handle: listIntents},
		{method: get, pattern: intentsContext + "/{id}", query: odata.OptSelect, handle: getIntent},
		{method: patc, pattern: intentsContext + "/{id}", handle: patchIntent},
		{method: del, pattern: intentsContext + "/{id}", handle: deleteIntent},
		{method: get, pattern: intentsContext + "/{id}/settings", handle: listIntentSettings},
		{method: get, pattern: intentsContext + "/{id}/categories", handle: listIntentCategories},
		{method: get, pattern: intentsContext + "/{id}/categories/{category}/settings", handle: listIntentSettings},
		{method: get, pattern: intentsContext + "/{id}/assignments", handle: listIntentAssignments},
		{method: post, pattern: intentsContext + "/{id}/assign", handle: assignIntent},
		{method: post, pattern: intentsContext + "/{id}/updateSettings", handle: updateIntentSettings},
		{method: get, pattern: intentTemplatesContext, query: odata.OptList, handle: listIntentTemplates},
		{method: get, pattern: intentTemplatesContext + "/{id}", query: odata.OptSelect, handle: getIntentTemplate},
		{method: get, pattern: intentTemplatesContext + "/{id}/categories", query: odata.OptExpand, handle: listTemplateCategories},
		{method: get, pattern: intentTemplatesContext + "/{id}/categories/{category}/recommendedSettings", handle: listRecommended},
		{method: post, pattern: intentTemplatesContext + "/{id}/createInstance", handle: createIntent},
	}
	for i := range out {
		out[i].roles = rolesWriteConfig
		if out[i].method == get {
			out[i].roles = rolesReadConfig
		}
	}
	return out
}
