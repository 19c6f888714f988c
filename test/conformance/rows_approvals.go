// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

const approvalRequests = "/beta/deviceManagement/operationApprovalRequests"

// justified asks for approval: "pilot wave 1" in Base64.
var justified = map[string]string{"x-msft-approval-justification": "cGlsb3Qgd2F2ZSAx"}

// coded resumes what was approved.
func coded(code string) map[string]string {
	return map[string]string{"x-msft-approval-code": "{" + code + "}"}
}

const (
	firstChange  = `{"description":"approved"}`
	secondChange = `{"description":"rejected"}`
)

// approvalRows follow contract m. The order tells the story of one write that is
// approved and of one that is not.
var approvalRows = []Row{
	{Name: "approval: a justification where nothing is protected", Source: "contract m: ignored", Method: patch, Path: policies + "/{policy}", Header: justified, Body: `{"description":"free"}`, Status: 200},

	{Name: "approval: reading is free", Source: "contract m", Given: Approvals, Method: get, Path: policies + "/{policy}", Status: 200, Eventually: true, Want: []string{`description="free"`}},
	{Name: "approval: change without a justification", Source: "contract m: 400 live, 403 in the documentation", Given: Approvals, Method: patch, Path: policies + "/{policy}", Body: firstChange, Status: 400,
		Want: []string{`error.code="BadRequest"`, "error.message~Header 'x-msft-approval-justification' is required to request approval.", "!header:x-msft-approval-code"}},
	{Name: "approval: create without a justification", Source: "contract m", Given: Approvals, Method: post, Path: policies, Body: wholeBody, Status: 400, Want: []string{"error.message~x-msft-approval-justification"}},
	{Name: "approval: replace without a justification", Source: "contract m", Given: Approvals, Method: put, Path: policies + "('{policy}')", Body: wholeBody, Status: 400, Want: []string{"error.message~x-msft-approval-justification"}},
	{Name: "approval: assign without a justification", Source: "contract m", Given: Approvals, Method: post, Path: policies + "/{policy}/assign", Body: `{"assignments":[]}`, Status: 400, Want: []string{"error.message~x-msft-approval-justification"}},
	{Name: "approval: delete without a justification", Source: "contract m", Given: Approvals, Method: remove, Path: policies + "/{policy}", Status: 400, Want: []string{"error.message~x-msft-approval-justification"}},
	{Name: "approval: a justification that is no Base64", Source: "contract m; ASSUMED: the status is not known", Given: Approvals, Method: patch, Path: policies + "/{policy}", Body: firstChange, Status: 400,
		Header: map[string]string{"x-msft-approval-justification": "pilot wave 1!"}},
	{Name: "approval: a justification of 1,025 characters", Source: "contract m; ASSUMED: the limit was seen, the status was not", Given: Approvals, Method: patch, Path: policies + "/{policy}", Body: firstChange, Status: 400,
		Header: map[string]string{"x-msft-approval-justification": strings.Repeat("YWFh", 341) + "YWE="}},
	{Name: "approval: change with a justification", Source: "contract m: 412 live, 403 in the documentation", Given: Approvals, Method: patch, Path: policies + "/{policy}", Header: justified, Body: firstChange, Status: 412,
		Want: []string{`error.code="BadRequest"`, "error.message~Approval Required. Request Approval using the request ID", "header:x-msft-approval-code"}, Save: map[string]string{"approval": "header:x-msft-approval-code"}},
	{Name: "approval: the message repeats the code", Source: "contract m; ASSUMED: a code that waits is answered as the request was", Given: Approvals, Method: patch, Path: policies + "/{policy}", Header: coded("approval"), Body: firstChange, Status: 412,
		Want: []string{"error.message~x-msft-approval-code: {approval}"}},
	{Name: "approval: nothing was written", Source: "contract m", Given: Approvals, Method: get, Path: policies + "/{policy}", Status: 200, Want: []string{`description="free"`}},
	{Name: "approval: the request can be found", Source: "contract m: the filter is in the documentation only", Given: Approvals, Method: get, Path: approvalRequests + "?$filter=requestId eq '{approval}'", Status: 200, Eventually: true,
		Want: []string{"value#1", `value.0.status="needsApproval"`}},
	{Name: "approval: the request by id", Source: "ASSUMED: the code is the id; the contract shows the filter only", Given: Approvals, Method: get, Path: approvalRequests + "/{approval}", Status: 200, Eventually: true, Want: []string{`status="needsApproval"`}},
	{Name: "approval: a script with a justification", Source: "contract m, n", Given: Approvals, Method: post, Path: scripts, Header: justified, Body: scriptBody, Status: 412, Want: []string{"header:x-msft-approval-code"}},
	{Name: "approval: what is not protected", Source: "contract m: protection is chosen by kind of resource", Given: Approvals, Method: patch, Path: groups + "/{group}", Body: `{"description":"not protected"}`, Status: 204},

	{Name: "approval: it was approved", Source: "contract m", Given: Approved, Method: get, Path: approvalRequests + "?$filter=requestId eq '{approval}'", Status: 200, Eventually: true, Want: []string{`value.0.status="approved"`}},
	{Name: "approval: resume with other bytes", Source: "contract m: the request must be identical; ASSUMED: the status is not known", Given: Approved, Method: patch, Path: policies + "/{policy}", Header: coded("approval"), Body: secondChange, Status: 400},
	{Name: "approval: resume another request", Source: "contract m: the request must be identical; ASSUMED: the status is not known", Given: Approved, Method: remove, Path: policies + "/{policy}", Header: coded("approval"), Status: 400},
	{Name: "approval: resume with an unknown code", Source: "ASSUMED", Given: Approved, Method: patch, Path: policies + "/{policy}", Header: map[string]string{"x-msft-approval-code": "00000000-0000-0000-0000-00000000dead"}, Body: firstChange, Status: 400},
	{Name: "approval: resume", Source: "contract m; ASSUMED: nobody has shown the status (contract p)", Given: Approved, Method: patch, Path: policies + "/{policy}", Header: coded("approval"), Body: firstChange, Status: 200},
	{Name: "approval: now it is written", Source: "contract m", Given: Approved, Method: get, Path: policies + "/{policy}", Status: 200, Eventually: true, Want: []string{`description="approved"`}},
	{Name: "approval: it is completed", Source: "contract m", Given: Approved, Method: get, Path: approvalRequests + "?$filter=requestId eq '{approval}'", Status: 200, Eventually: true, Want: []string{`value.0.status="completed"`}},
	{Name: "approval: a code works once", Source: "ASSUMED", Given: Approved, Method: patch, Path: policies + "/{policy}", Header: coded("approval"), Body: firstChange, Status: 403},

	{Name: "approval: a second request", Source: "contract m", Given: Approvals, Method: patch, Path: policies + "/{policy}", Header: justified, Body: secondChange, Status: 412, Save: map[string]string{"refused": "header:x-msft-approval-code"}},
	{Name: "approval: a retry queues another request", Source: "contract m, o.15", Given: Approvals, Method: patch, Path: policies + "/{policy}", Header: justified, Body: secondChange, Status: 412, Want: []string{"!error.message~{refused}"}},
	{Name: "approval: it was rejected", Source: "contract m", Given: Rejected, Method: get, Path: approvalRequests + "?$filter=requestId eq '{refused}'", Status: 200, Eventually: true, Want: []string{`value.0.status="rejected"`}},
	{Name: "approval: resume what was rejected", Source: "ASSUMED", Given: Rejected, Method: patch, Path: policies + "/{policy}", Header: coded("refused"), Body: secondChange, Status: 403},
	{Name: "approval: as documented", Source: "contract m: the documented form, which nobody has seen", Given: DocumentedApprovals, Method: patch, Path: policies + "/{policy}", Header: justified, Body: secondChange, Status: 403,
		Want: []string{`error.code="ApprovalRequired"`, "header:x-msft-approval-code"}},
}

// licenceRows keep a missing licence apart from a missing permission (contract
// 0.4, n). What is silent is worst: data that the application may not read is
// left out with 200 (contract o.21).
var licenceRows = []Row{
	{Name: "no Intune: policies", Source: "contract 0.4", Given: NoIntune, Method: get, Path: policies, Status: 403, Want: []string{`error.code="Forbidden"`, "error.message~An error has occurred", "!error.message~scopes"}},
	{Name: "no Intune: managed devices", Source: "contract 0.3, 0.4", Given: NoIntune, Method: get, Path: managed, Status: 403, Want: []string{"!error.message~scopes"}},
	{Name: "no Intune: groups", Source: "contract 0.3: Intune alone needs the licence", Given: NoIntune, Method: get, Path: groups + "/{group}", Status: 200, Want: []string{`id="{group}"`}},
	{Name: "no P1: sign-ins", Source: "contract n; ASSUMED: the code is from general knowledge", Given: NoPremium, Method: get, Path: "/beta/auditLogs/signIns?$top=1", Status: 403, Want: []string{`error.code="Authentication_RequestFromNonPremiumTenantOrB2CTenant"`}},
	{Name: "no P1: registration details", Source: "contract i, n; ASSUMED: the code is from general knowledge", Given: NoPremium, Method: get, Path: registrations + "?$top=1", Status: 403, Want: []string{`error.code="Authentication_RequestFromNonPremiumTenantOrB2CTenant"`}},
	{Name: "sign-ins without the right to read policies", Source: "contract j, o.21: silently absent", Given: NoPolicyRead, Method: get, Path: "/beta/auditLogs/signIns?$top=1", Status: 200, Want: []string{"value#1", "!value.0.appliedConditionalAccessPolicies"}},
	{Name: "members of a type that may not be read", Source: "contract g, o.21: null, no error", Given: NoDeviceRead, Method: get, Path: groups + "/{group}/members?$select=id,displayName", Status: 200, Want: []string{"value#2", "value.0.id", "value.0.displayName=null"}},
}
