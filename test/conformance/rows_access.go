// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const (
	evaluate = "/v1.0/identity/conditionalAccess/evaluate"

	// forWindows is a policy for one user on Windows alone, in report-only state:
	// it asks nothing of anybody.
	forWindows = `{"displayName":"tidegate-conformance what if","state":"enabledForReportingButNotEnforced",` +
		`"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["{user}"]},"platforms":{"includePlatforms":["windows"]}},` +
		`"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`

	// onWindows asks what meets that user on Windows.
	onWindows = `{"signInIdentity":{"@odata.type":"#microsoft.graph.userSignIn","userId":"{user}"},` +
		`"signInContext":{"@odata.type":"#microsoft.graph.applicationContext","includeApplications":["00000003-0000-0ff1-ce00-000000000000"]},` +
		`"signInConditions":{"devicePlatform":"windows"},"appliedPoliciesOnly":true}`

	assertionForm = `grant_type=client_credentials&client_id={client}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default`
)

// accessRows follow contract h, what-if, and l.1, client assertions.
var accessRows = []Row{
	{Name: "what if: a policy for Windows", Source: "contract h", Method: post, Path: conditional, Body: forWindows, Status: 201, Save: map[string]string{"windowsOnly": "id"}},
	{Name: "what if: on Windows it applies", Source: "contract h", Method: post, Path: evaluate, Body: onWindows, Status: 200, Eventually: true,
		Want: []string{"value#>0", "body~{windowsOnly}", "value.0.policyApplies=true", `value.0.analysisReasons="notSet"`}},
	{Name: "what if: on macOS it does not", Source: "contract h; ASSUMED: which reason is given", Method: post, Path: evaluate,
		Body: strings.NewReplacer(`"windows"`, `"macOS"`, "true", "false").Replace(onWindows), Status: 200, Want: []string{"body~{windowsOnly}", `body~"analysisReasons":"devicePlatform"`}},
	{Name: "what if: a platform that is none", Source: "contract h, n", Method: post, Path: evaluate, Wrong: true, Body: strings.Replace(onWindows, `"windows"`, `"beos"`, 1), Status: 400},
	{Name: "what if: an identity of no type", Source: "contract h; ASSUMED: the type tells a user from a workload", Method: post, Path: evaluate, Wrong: true,
		Body: strings.Replace(onWindows, "#microsoft.graph.userSignIn", "#microsoft.graph.nobody", 1), Status: 400},
	{Name: "what if: a member that is none", Source: "contract n", Method: post, Path: evaluate, Wrong: true, Body: strings.Replace(onWindows, "appliedPoliciesOnly", "onlyApplied", 1), Status: 400},
	{Name: "what if: without a permission", Source: "contract h, 0.4; ASSUMED: the code is not known for this endpoint", Method: post, Path: evaluate, As: Weak, Body: onWindows, Status: 403},
	{Name: "what if: delete the policy", Source: "contract h", Method: remove, Path: conditional + "/{windowsOnly}", Status: 204},
	{Name: "what if: a deleted policy is not asked", Source: "contract h", Method: post, Path: evaluate, Body: onWindows, Status: 200, Eventually: true, Want: []string{"value"}},
	{Name: "restore a policy that is none", Source: "contract h, n", Method: post, Path: conditional + "/" + nowhere + "/restore", Status: 404},
	{Name: "a deleted policy that is none", Source: "contract h, n", Method: get, Path: "/v1.0/identity/conditionalAccess/deletedItems/policies/" + nowhere, Status: 404},

	{Name: "token: an assertion without its type", Source: "contract l.1; ASSUMED: the number", Method: post, Path: tokenPath, As: Nobody, Header: form, Status: 400,
		Body: assertionForm + `&client_assertion=none`, Want: []string{"error_codes.0=900144", "error_description~client_assertion_type"}},
}
