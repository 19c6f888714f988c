// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// baselineRoutes follow contract e, contract-2 u and w.
func baselineRoutes() []route {
	const values = groupPolicyContext + "/{id}/definitionValues"
	out := []route{
		{method: get, pattern: groupPolicyContext, query: qList, handle: listGroupPolicies},
		{method: post, pattern: groupPolicyContext, handle: createGroupPolicy},
		{method: get, pattern: groupPolicyContext + "/{id}", query: qSelect, handle: getGroupPolicy},
		{method: patc, pattern: groupPolicyContext + "/{id}", handle: patchGroupPolicy},
		{method: del, pattern: groupPolicyContext + "/{id}", handle: deleteGroupPolicy},
		{method: get, pattern: groupPolicyContext + "/{id}/assignments", handle: listGroupPolicyAssignments},
		{method: post, pattern: groupPolicyContext + "/{id}/assign", handle: assignGroupPolicy},
		{method: post, pattern: groupPolicyContext + "/{id}/updateDefinitionValues", handle: updateDefinitionValues},
		{method: get, pattern: values, query: qList | qExpand, handle: listDefinitionValues},
		{method: post, pattern: values, handle: createDefinitionValue},
		{method: get, pattern: values + "/{value}", query: qSelect | qExpand, handle: getDefinitionValue},
		{method: patc, pattern: values + "/{value}", handle: patchDefinitionValue},
		{method: del, pattern: values + "/{value}", handle: deleteDefinitionValue},
		{method: get, pattern: values + "/{value}/definition", handle: getValueDefinition},
		{method: get, pattern: values + "/{value}/presentationValues", query: qExpand, handle: listPresentationValues},
		{method: get, pattern: admxDefinitionsContext, query: qList, handle: listAdmxDefinitions},
		{method: get, pattern: admxDefinitionsContext + "/{id}", query: qSelect, handle: getAdmxDefinition},
		{method: get, pattern: admxDefinitionsContext + "/{id}/presentations", handle: listPresentations},

		{method: get, pattern: intentsContext, query: qList, handle: listIntents},
		{method: get, pattern: intentsContext + "/{id}", query: qSelect, handle: getIntent},
		{method: patc, pattern: intentsContext + "/{id}", handle: patchIntent},
		{method: del, pattern: intentsContext + "/{id}", handle: deleteIntent},
		{method: get, pattern: intentsContext + "/{id}/settings", handle: listIntentSettings},
		{method: get, pattern: intentsContext + "/{id}/categories", handle: listIntentCategories},
		{method: get, pattern: intentsContext + "/{id}/categories/{category}/settings", handle: listIntentSettings},
		{method: get, pattern: intentsContext + "/{id}/assignments", handle: listIntentAssignments},
		{method: post, pattern: intentsContext + "/{id}/assign", handle: assignIntent},
		{method: post, pattern: intentsContext + "/{id}/updateSettings", handle: updateIntentSettings},
		{method: get, pattern: intentTemplatesContext, query: qList, handle: listIntentTemplates},
		{method: get, pattern: intentTemplatesContext + "/{id}", query: qSelect, handle: getIntentTemplate},
		{method: get, pattern: intentTemplatesContext + "/{id}/categories", query: qExpand, handle: listTemplateCategories},
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
