// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

// lateBody creates a group that reads do not see yet.
const lateBody = `{"displayName":"tidegate-conformance late","mailEnabled":false,"mailNickname":"tidegate-late","securityEnabled":true}`

// lateRows follow contract a.5 and g: reads trail behind writes, and links expire.
var lateRows = []Row{
	{Name: "late: create a group", Source: "contract g", Given: Lagging, Method: post, Path: groups, Body: lateBody, Status: 201, Save: map[string]string{"late": "id"}},
	{Name: "late: a group that is not there yet", Source: "contract g, o.19: 404 after 201", Given: Lagging, Method: get, Path: groups + "/{late}", Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "late: nor in the list", Source: "contract g", Given: Lagging, Method: get, Path: groups + "?$filter=displayName eq 'tidegate-conformance late'", Status: 200, Want: []string{"value#0"}},
	{Name: "late: change a group", Source: "contract g", Given: Lagging, Method: patch, Path: groups + "/{group}", Body: `{"description":"late"}`, Status: 204},
	{Name: "late: the old value after 204", Source: "contract g, o.19", Given: Lagging, Method: get, Path: groups + "/{group}", Status: 200, Want: []string{"!description~late"}},
	{Name: "late: add a member", Source: "contract g", Given: Lagging, Method: post, Path: groups + "/{group}/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{device3}"}`, Status: 204},
	{Name: "late: the old members", Source: "contract g, o.19", Given: Lagging, Method: get, Path: groups + "/{group}/members?$select=id", Status: 200, Want: []string{"value#2"}},
	{Name: "late: the old count", Source: "contract g, o.19: an index is read", Given: Lagging, Method: get, Path: groups + "/{group}/transitiveMembers/$count", Header: eventual, Status: 200, Want: []string{"body~2"}},
	{Name: "late: create a policy", Source: "contract a.5", Given: Lagging, Method: post, Path: policies, Body: wholeBody, Status: 201, Save: map[string]string{"latePolicy": "id"}},
	{Name: "late: a policy that is not there yet", Source: "contract a.5, a.7", Given: Lagging, Method: get, Path: policies + "/{latePolicy}", Status: 404, Want: []string{`error.code="ResourceNotFound"`, intuneError}},
	{Name: "late: assign a policy that is not there yet", Source: "contract a.5", Given: Lagging, Method: post, Path: policies + "/{latePolicy}/assign", Body: `{"assignments":[]}`, Status: 404, Want: []string{`error.code="ResourceNotFound"`}},

	{Name: "late: the group", Source: "contract g", Given: Settled, Method: get, Path: groups + "/{late}", Status: 200, Eventually: true},
	{Name: "late: the new value", Source: "contract g", Given: Settled, Method: get, Path: groups + "/{group}", Status: 200, Eventually: true, Want: []string{`description="late"`}},
	{Name: "late: the new members", Source: "contract g", Given: Settled, Method: get, Path: groups + "/{group}/members?$select=id", Status: 200, Eventually: true, Want: []string{"value#3"}},
	{Name: "late: the policy", Source: "contract a.5", Given: Settled, Method: get, Path: policies + "/{latePolicy}", Status: 200, Eventually: true},
	{Name: "late: remove the policy", Source: "contract a7", Given: Settled, Method: remove, Path: policies + "/{latePolicy}", Status: 204},
	{Name: "late: remove the group", Source: "contract g", Given: Settled, Method: remove, Path: groups + "/{late}", Status: 204},

	{Name: "an old delta link", Source: "contract g, n; ASSUMED: 410 and the code are documented, after how long is not", Given: OldDeltaLink, Method: get, Path: "{deltaLink}", Status: 410, Want: []string{`error.code="resyncRequired"`}},
}

const lateExport = `{"reportName":"DeviceStatusesByConfigurationProfile","filter":"(PolicyId eq '{policy}')","select":["IntuneDeviceId","ReportStatus"],"format":"csv"}`

// exportFaultRows follow contract b.4.
var exportFaultRows = []Row{
	{Name: "export without a link: start", Source: "contract b.4", Given: ExportWithoutLink, Method: post, Path: exports, Body: lateExport, Status: 201, Save: map[string]string{"silentJob": "id"}},
	{Name: "export without a link: completed", Source: "contract b.4: completed with an empty url happens", Given: ExportWithoutLink, Method: get, Path: exports + "('{silentJob}')", Status: 200, Eventually: true, Want: []string{`status="completed"`, "url=null"}},
	{Name: "export without a link: the same job gets one", Source: "contract b.4: keep polling the same job", Given: ExportWithoutLink, Method: get, Path: exports + "('{silentJob}')", Status: 200, Eventually: true, Want: []string{`status="completed"`, "url~http"}},
	{Name: "export that fails: start", Source: "contract b.4", Given: ExportFails, Method: post, Path: exports, Body: lateExport, Status: 201, Save: map[string]string{"failedJob": "id"}},
	{Name: "export that fails", Source: "contract b.4; ASSUMED: the status is in the metadata, nobody has shown one", Given: ExportFails, Method: get, Path: exports + "('{failedJob}')", Status: 200, Eventually: true, Want: []string{`status="failed"`, "url=null"}},
	{Name: "an old download link", Source: "contract b.4: about six hours; ASSUMED: the status is not known", Given: OldDownloadLink, Method: get, Path: "{archive}", As: Nobody, Status: 403, Want: []string{"header:Content-Type~application/xml", "body~AuthenticationFailed"}},
}

// gatewayRows follow contract 0.4, a.7 and n: what may come from any endpoint is
// shown on one.
var gatewayRows = []Row{
	{Name: "403 with a page", Source: "contract 0.4, o.7", Given: ForbiddenPage, Method: get, Path: policies + "/{policy}", Status: 403, Want: []string{"header:Content-Type~text/html", "body~<html"}},
	{Name: "403 with NUL bytes", Source: "contract 0.4", Given: NullBytes, Method: get, Path: policies + "/{policy}", Status: 403, Want: []string{"body~\x00\x00"}},
	{Name: "502 with a page", Source: "contract 0.2; ASSUMED: 502 is known, its page is as that of a 403", Given: BadGateway, Method: get, Path: policies + "/{policy}", Status: 502, Want: []string{"header:Content-Type~text/html", "body~<html"}},
	{Name: "503 with Retry-After", Source: "contract 0.2, a.7", Given: ServiceUnavailable, Method: get, Path: policies + "/{policy}", Status: 503, Want: []string{"header:Retry-After", "error.code"}},
	{Name: "504", Source: "contract 0.2, a.7; ASSUMED: the code is not known", Given: GatewayTimeout, Method: get, Path: policies + "/{policy}", Status: 504, Want: []string{`error.code="UnknownError"`}},
	{Name: "500 that is no throttling", Source: "contract 0.4, k.4: other 500s stay errors", Given: BrokenService, Method: get, Path: policies + "/{policy}", Status: 500, Want: []string{`error.code="InternalServerError"`, intuneError, "!error.message~Rate limit reached"}},
	{Name: "an Intune error that is no JSON text", Source: "contract 0.4", Given: PlainMessage, Method: get, Path: policies + "/{policy}", Status: 400, Want: []string{"error.message~ - CustomApiErrorPhrase: ", "!error.message~{"}},
	{Name: "409 on a policy", Source: "contract a.7, n; ASSUMED: the code is not known", Given: ConflictingWrite, Method: patch, Path: policies + "/{policy}", Body: `{"description":"conflict"}`, Status: 409, Want: []string{"error.code"}},
	{Name: "423 on a policy", Source: "contract a.7, n; ASSUMED: the code is not known", Given: LockedObject, Method: patch, Path: policies + "/{policy}", Body: `{"description":"locked"}`, Status: 423, Want: []string{"error.code"}},
	{Name: "409 on a group", Source: "contract n; ASSUMED: inferred there", Given: ConcurrentWrite, Method: patch, Path: groups + "/{group}", Body: `{"description":"conflict"}`, Status: 409, Want: []string{`error.code="ConcurrencyViolation"`}},
	{Name: "no quota for a group", Source: "contract 0.4; ASSUMED: the code is from general knowledge, the status too", Given: QuotaUsedUp, Method: post, Path: groups, Body: lateBody, Status: 403, Want: []string{`error.code="Directory_QuotaExceeded"`}},
	{Name: "nothing of it was written", Source: "contract a5", Method: get, Path: policies + "/{policy}", Status: 200, Want: []string{"!description~conflict", "!description~locked"}},
}

const nowhere = "00000000-0000-0000-0000-00000000dead"

// throttleRows follow contract k.3 and k.4. Writes go to objects that do not
// exist: what is refused and what is let through both change nothing.
var throttleRows = []Row{
	{Name: "throttled: users", Source: "contract k.4, n: 429 with Retry-After", Given: Throttled, Method: get, Path: "/v1.0/users?$top=1", Status: 429, Eventually: true, Want: []string{"header:Retry-After", `error.code="TooManyRequests"`}},
	{Name: "throttled: write to a group", Source: "contract k.3, k.4", Given: Throttled, Method: remove, Path: groups + "/" + nowhere, Status: 429, Eventually: true, Want: []string{"header:Retry-After", "error.code"}},
	{Name: "throttled: inside a batch", Source: "contract k.1, n: items are throttled one by one", Given: Throttled, Method: post, Path: "/v1.0/$batch", Status: 200, Eventually: true,
		Body: `{"requests":[{"id":"1","method":"GET","url":"/users?$top=1"}]}`,
		Want: []string{`responses.0.id="1"`, "responses.0.status=429", "responses.0.headers.Retry-After", `responses.0.body.error.code="TooManyRequests"`}},
	{Name: "throttled: policies", Source: "contract a.7, k.3; ASSUMED: with Retry-After", Given: Throttled, Method: get, Path: policies + "?$top=1", Status: 429, Eventually: true, Want: []string{"header:Retry-After", "error.code"}},
	{Name: "throttled: write to a policy", Source: "contract a.7, k.3", Given: Throttled, Method: remove, Path: policies + "/" + nowhere, Status: 429, Eventually: true, Want: []string{"error.code"}},
	{Name: "throttled: managed devices", Source: "contract k.3; ASSUMED: with Retry-After", Given: Throttled, Method: get, Path: managed + "?$top=1", Status: 429, Eventually: true, Want: []string{"header:Retry-After"}},
	{Name: "throttled: apps of a device", Source: "contract c, k.4: without Retry-After", Given: Throttled, Method: get, Path: "/beta/deviceManagement/managedDevices/{managedDevice}/detectedApps", Status: 429, Eventually: true, Want: []string{"!header:Retry-After"}},
	{Name: "throttled: exports", Source: "contract b.4, k.3: polls count as well; ASSUMED: with Retry-After", Given: Throttled, Method: get, Path: exports + "('{job}')", Status: 429, Eventually: true, Want: []string{"header:Retry-After"}},
	{Name: "throttled: query broker", Source: "contract k.4, o.8: 500 with a sentence", Given: Throttled, Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", Status: 500, Eventually: true,
		Body: `{"select":["DeviceName"],"skip":0,"top":1,"orderBy":[],"filter":"(PolicyId eq '{policy}')"}`,
		Want: []string{"error.message~Rate limit reached because of too many requests to query broker. Please retry after sometime.", "!header:Retry-After"}},
	{Name: "throttled: sign-ins", Source: "contract j, k.4: without Retry-After", Given: Throttled, Method: get, Path: "/beta/auditLogs/signIns?$top=1", Status: 429, Eventually: true, Want: []string{"!header:Retry-After", "error.code"}},
	{Name: "throttled: registration details", Source: "contract k.3, k.4: without Retry-After", Given: Throttled, Method: get, Path: registrations + "?$top=1", Status: 429, Eventually: true, Want: []string{"!header:Retry-After", "error.code"}},
	{Name: "throttled: conditional access", Source: "contract h, k.4: one a second, without Retry-After", Given: Throttled, Method: get, Path: conditional, Status: 429, Eventually: true, Want: []string{"!header:Retry-After", "error.code"}},
	{Name: "throttled: strengths", Source: "contract k.3, k.4: without Retry-After", Given: Throttled, Method: get, Path: strengths, Status: 429, Eventually: true, Want: []string{"!header:Retry-After"}},
}
