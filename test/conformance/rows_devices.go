// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"strconv"
	"strings"
)

const (
	managed = "/v1.0/deviceManagement/managedDevices"
	exports = "/v1.0/deviceManagement/reports/exportJobs"
	scripts = "/beta/deviceManagement/deviceHealthScripts"
	filters = "/beta/deviceManagement/assignmentFilters"
)

// deviceRows follow contract c.
var deviceRows = []Row{
	{Name: "managed devices", Source: "contract c", Method: get, Path: managed + "?$top=2&$select=id,deviceName,azureADDeviceId,operatingSystem,osVersion,lastSyncDateTime,isEncrypted", Status: 200,
		Want: []string{"value#2", "value.0.osVersion", "@odata.nextLink"}, Save: map[string]string{"managedDevice": "value.0.id", "nextDevices": "@odata.nextLink"}},
	{Name: "managed devices, next page", Source: "contract k.2", Method: get, Path: "{nextDevices}", Status: 200, Want: []string{"value#2"}},
	{Name: "managed device", Source: "contract c", Method: get, Path: managed + "/{managedDevice}", Status: 200, Want: []string{`id="{managedDevice}"`, "complianceState", "managementAgent", "!joinType"}},
	{Name: "managed device in beta", Source: "contract c: joinType is in beta only", Method: get, Path: "/beta/deviceManagement/managedDevices/{managedDevice}", Status: 200, Want: []string{"joinType"}},
	{Name: "unknown managed device", Source: "contract a.7", Method: get, Path: managed + "/00000000-0000-0000-0000-00000000dead", Status: 404, Want: []string{`error.code="ResourceNotFound"`}},
	{Name: "count of managed devices", Source: "contract c", Method: get, Path: managed + "/$count", Status: 400, Want: []string{"error.message~No OData route exists"}},
	{Name: "devices of one system", Source: "contract c: in use, yet reports differ", Method: get, Path: managed + "?$top=1&$filter=operatingSystem eq 'Windows'", Status: 200, Want: []string{`value.0.operatingSystem="Windows"`}},
	{Name: "sync", Source: "contract c", Method: post, Path: managed + "/{managedDevice}/syncDevice", Status: 204, Want: []string{"empty"}},
	{Name: "sync without a permission", Source: "contract c, 0.4", Method: post, Path: managed + "/{managedDevice}/syncDevice", As: Weak, Status: 403, Want: []string{`error.code="Forbidden"`, "error.message~PrivilegedOperations"}},
	{Name: "detected apps", Source: "contract c", Method: get, Path: "/v1.0/deviceManagement/detectedApps?$top=5", Status: 200, Want: []string{"value#>0", "value.0.displayName", "value.0.platform"}, Save: map[string]string{"app": "value.0.id"}},
	{Name: "apps of a device", Source: "contract c: beta only", Method: get, Path: "/beta/deviceManagement/managedDevices/{managedDevice}/detectedApps", Status: 200, Want: []string{"value"}},
	{Name: "a detected app", Source: "contract c", Method: get, Path: "/v1.0/deviceManagement/detectedApps/{app}", Status: 200, Want: []string{`id="{app}"`}},
	{Name: "detected apps without a permission", Source: "contract c, 0.4", Method: get, Path: "/v1.0/deviceManagement/detectedApps", As: Weak, Status: 403, Want: []string{`error.code="Forbidden"`, "error.message~DeviceManagementManagedDevices.Read.All"}},
	{Name: "devices with an app", Source: "contract c", Method: get, Path: "/v1.0/deviceManagement/detectedApps/{app}/managedDevices", Status: 200, Want: []string{"value"}},
	{Name: "apps of a device in v1.0", Source: "contract c, 0.1: beta only", Method: get, Path: managed + "/{managedDevice}/detectedApps", Status: 400, Want: []string{"error.message~esource not found for the segment"}},
	{Name: "apps of a device that is none", Source: "contract c: sub-resources answer 404", Method: get, Path: "/beta/deviceManagement/managedDevices/" + nowhere + "/detectedApps", Status: 404, Want: []string{`error.code="ResourceNotFound"`}},
	{Name: "sync of a device that is none", Source: "contract n", Method: post, Path: managed + "/" + nowhere + "/syncDevice", Status: 404, Want: []string{`error.code="ResourceNotFound"`}},
	{Name: "managed devices without a permission", Source: "contract 0.4, n", Method: get, Path: managed, As: Weak, Status: 403, Want: []string{"error.message~DeviceManagementManagedDevices.Read.All"}},
	{Name: "encryption states", Source: "ASSUMED: in the beta SDK, nobody has shown an answer", Method: get, Path: "/beta/deviceManagement/managedDeviceEncryptionStates?$top=5", Status: 200, Want: []string{"value"}},
}

// reportRows follow contract b.
var reportRows = []Row{
	{Name: "devices of a policy", Source: "contract b.1", Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", Status: 200,
		Body: `{"select":["DeviceName","UPN","ReportStatus","PolicyStatus","IntuneDeviceId","PspdpuLastModifiedTimeUtc"],"skip":0,"top":50,"orderBy":[],"filter":"(PolicyBaseTypeName eq 'DeviceManagementConfigurationPolicy') and (PolicyId eq '{policy}')"}`,
		Want: []string{"header:Content-Type~application/octet-stream", "TotalRowCount", "Schema", "Values"}},
	{Name: "a column that is none", Source: "contract b.1: column names are exact", Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", Status: 400,
		Body: `{"select":["devicename"],"skip":0,"top":50,"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "a report without top", Source: "contract b.1: some actions fail without it", Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", Status: 400, Want: []string{intuneError},
		Body: `{"select":["DeviceName"],"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "a report by a column that is none", Source: "contract b.1, n", Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", Status: 400,
		Body: `{"select":["DeviceName"],"skip":0,"top":50,"filter":"(Colour eq 'blue')"}`},
	{Name: "a report without a permission", Source: "contract b.1, 0.4", Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", As: Weak, Status: 403, Want: []string{"error.message~DeviceManagementConfiguration.Read.All"},
		Body: `{"select":["DeviceName"],"skip":0,"top":50,"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "the report in v1.0", Source: "contract 0.1", Method: post, Path: "/v1.0/deviceManagement/reports/getConfigurationPolicyDevicesReport", Wrong: true, Body: `{"top":1}`, Status: 400},
	{Name: "summary of a policy", Source: "contract b.1", Method: post, Path: "/beta/deviceManagement/reports/getConfigurationPolicyDeviceSummaryReport", Status: 200,
		Body: `{"select":["NumberOfCompliantDevices","NumberOfErrorDevices"],"skip":0,"top":50,"filter":"(PolicyId eq '{policy}')"}`, Want: []string{"Schema", "Values"}},
	{Name: "export", Source: "contract b.4", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"DeviceStatusesByConfigurationProfile","filter":"(PolicyId eq '{policy}')","select":["IntuneDeviceId","DeviceName","ReportStatus"],"format":"csv","localizationType":"localizedValuesAsAdditionalColumn"}`,
		Want: []string{"id~DeviceStatusesByConfigurationProfile", `status="notStarted"`, "url=null"}, Save: map[string]string{"job": "id"}},
	{Name: "export is done", Source: "contract b.4: completed without a url for a while happens", Method: get, Path: exports + "('{job}')", Status: 200, Eventually: true,
		Want: []string{`status="completed"`, "url~http"}, Save: map[string]string{"archive": "url"}},
	{Name: "export file", Source: "contract b.4: a zip, without a token", Method: get, Path: "{archive}", As: Nobody, Status: 200, Want: []string{"body~PK"}},
	{Name: "export of an unknown report", Source: "contract b.4", Method: post, Path: exports, Body: `{"reportName":"NoSuchReport","select":["A"]}`, Status: 400},
	{Name: "export of an unknown column", Source: "contract b.4", Method: post, Path: exports, Body: `{"reportName":"DeviceStatusesByConfigurationProfile","filter":"(PolicyId eq '{policy}')","select":["NoSuchColumn"]}`, Status: 400},
	{Name: "export of a localized column", Source: "contract b.4", Method: post, Path: exports, Body: `{"reportName":"DeviceStatusesByConfigurationProfile","filter":"(PolicyId eq '{policy}')","select":["ReportStatus_loc"]}`, Status: 400},
	{Name: "export file with a token", Source: "contract b.4: 400 or 403", Method: get, Path: "{archive}", As: Nobody, Header: map[string]string{"Authorization": "Bearer none"}, Status: 403, Want: []string{"header:Content-Type~application/xml"}},
	{Name: "export by a column that is none", Source: "contract b.4", Method: post, Path: exports, Body: `{"reportName":"DeviceStatusesByConfigurationProfile","filter":"(Colour eq 'blue')","select":["DeviceName"]}`, Status: 400},
	{Name: "export with a long name", Source: "contract b.4: at most 2,000 characters", Method: post, Path: exports, Body: `{"reportName":"` + strings.Repeat("x", 2001) + `","select":["DeviceName"]}`, Status: 400},
	{Name: "export of 257 columns", Source: "contract b.4: at most 256", Method: post, Path: exports, Body: `{"reportName":"DeviceStatusesByConfigurationProfile","filter":"(PolicyId eq '{policy}')","select":[` + repeated(`"DeviceName"`, 257) + `]}`, Status: 400},
	{Name: "export without the filter that it needs", Source: "contract b.4", Method: post, Path: exports, Body: `{"reportName":"DeviceRunStatesByProactiveRemediation","select":["DeviceId"]}`, Status: 400, Want: []string{intuneError}},
	{Name: "unknown export", Source: "ASSUMED: as other objects", Method: get, Path: exports + "('NoSuchJob_1')", Status: 404},
	{Name: "export without a write permission", Source: "contract b.4", Method: post, Path: exports, As: Weak, Body: `{"reportName":"Devices","select":["DeviceId"]}`, Status: 403, Want: []string{"error.message~ReadWrite.All"}},
}

const scriptBody = `{"displayName":"tidegate-conformance","description":"conformance","publisher":"Tidegate","runAsAccount":"system","enforceSignatureCheck":false,` +
	`"runAs32Bit":false,"roleScopeTagIds":["0"],"detectionScriptContent":"ZXhpdCAw","remediationScriptContent":"ZXhpdCAw"}`

// remediationRows follow contract d.
var remediationRows = []Row{
	{Name: "remediation: create", Source: "contract d", Method: post, Path: scripts, Body: scriptBody, Status: 201, Want: []string{`displayName="tidegate-conformance"`}, Save: map[string]string{"script": "id"}},
	{Name: "remediation: list", Source: "contract d: scripts are null in a list", Method: get, Path: scripts, Status: 200, Eventually: true, Want: []string{"value#>0"}},
	{Name: "remediation: read", Source: "contract d", Method: get, Path: scripts + "/{script}", Status: 200, Eventually: true, Want: []string{`detectionScriptContent="ZXhpdCAw"`}},
	{Name: "remediation: change", Source: "contract d", Method: patch, Path: scripts + "/{script}", Body: `{"description":"changed"}`, Status: 200},
	{Name: "remediation: assign", Source: "contract d: 204 without a body", Method: post, Path: scripts + "/{script}/assign", Status: 204, Want: []string{"empty"},
		Body: `{"deviceHealthScriptAssignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}"},"runRemediationScript":true,` +
			`"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptDailySchedule","interval":1,"time":"09:00:00","useUtc":true}}]}`},
	{Name: "remediation: assign with the wrong wrapper", Source: "contract d", Method: post, Path: scripts + "/{script}/assign", Wrong: true, Body: `{"assignments":[]}`, Status: 400},
	{Name: "remediation: assignments", Source: "contract d: runRemediationScript reads back false", Method: get, Path: scripts + "/{script}/assignments", Status: 200, Eventually: true, Want: []string{"value#1", "value.0.runRemediationScript=false", `value.0.target.groupId="{group}"`}},
	{Name: "remediation: run summary", Source: "contract d", Method: get, Path: scripts + "/{script}/runSummary", Status: 200, Want: []string{"noIssueDetectedDeviceCount"}},
	{Name: "remediation: run states", Source: "contract d", Method: get, Path: scripts + "/{script}/deviceRunStates", Status: 200, Want: []string{"value"}},
	{Name: "remediation: run states with devices", Source: "contract d", Method: get, Path: scripts + "/{script}/deviceRunStates?$expand=managedDevice($select=deviceName,operatingSystem,osVersion)", Status: 200, Want: []string{"value"}},
	{Name: "remediation: run on a device", Source: "ASSUMED: in the beta SDK, nobody has shown an answer", Method: post, Path: "/beta/deviceManagement/managedDevices/{managedDevice}/initiateOnDemandProactiveRemediation", Body: `{"scriptPolicyId":"{script}"}`, Status: 204, Want: []string{"empty"}},
	{Name: "remediation: all, counted", Source: "contract d", Method: get, Path: scripts + "/getRemediationSummary()", Status: 200, Want: []string{"scriptCount", "remediatedDeviceCount"}},
	{Name: "remediation: history", Source: "contract d", Method: get, Path: scripts + "/{script}/getRemediationHistory()", Status: 200, Want: []string{"historyData"}},
	{Name: "remediation: without a name", Source: "contract n; ASSUMED for this case", Method: post, Path: scripts, Body: strings.Replace(scriptBody, "tidegate-conformance", "", 1), Status: 400, Want: []string{intuneError}},
	{Name: "remediation: a script that is no Base64", Source: "contract d, n; ASSUMED for this case", Method: post, Path: scripts, Wrong: true, Body: strings.Replace(scriptBody, `"detectionScriptContent":"ZXhpdCAw"`, `"detectionScriptContent":"exit 0!"`, 1), Status: 400},
	{Name: "remediation: in v1.0", Source: "contract d", Method: get, Path: "/v1.0/deviceManagement/deviceHealthScripts", Status: 400, Want: []string{"error.message~esource not found for the segment"}},
	{Name: "remediation: without a permission", Source: "contract d, 0.4", Method: post, Path: scripts, As: Weak, Body: scriptBody, Status: 403, Want: []string{"error.message~DeviceManagementScripts.ReadWrite.All"}},
	{Name: "remediation: delete", Source: "contract d", Method: remove, Path: scripts + "/{script}", Status: 204},
	{Name: "remediation: gone", Source: "contract d, a.7", Method: get, Path: scripts + "/{script}", Status: 404, Eventually: true},
}

// filterRows follow contract f.
var filterRows = []Row{
	{Name: "filter: create", Source: "contract f", Method: post, Path: filters, Status: 201, Save: map[string]string{"filter": "id"},
		Body: `{"displayName":"tidegate-conformance","description":"","platform":"windows10AndLater","rule":"(device.deviceOwnership -eq \"Corporate\")","assignmentFilterManagementType":"devices","roleScopeTags":["0"]}`},
	{Name: "filter: scope tags by the other name", Source: "contract f: roleScopeTags, not roleScopeTagIds", Method: post, Path: filters, Wrong: true, Status: 400,
		Body: `{"displayName":"x","platform":"windows10AndLater","rule":"(device.deviceOwnership -eq \"Corporate\")","roleScopeTagIds":["0"]}`},
	{Name: "filter: a rule that is none", Source: "contract f", Method: post, Path: filters, Status: 400, Body: `{"displayName":"x","platform":"windows10AndLater","rule":"(device.colour -eq \"blue\")"}`},
	{Name: "filter: a long rule", Source: "contract f: at most 3,072 characters", Method: post, Path: filters, Status: 400,
		Body: `{"displayName":"x","platform":"windows10AndLater","rule":"(device.deviceName -eq \"` + strings.Repeat("x", 3072) + `\")"}`},
	{Name: "filter: without a permission", Source: "contract f, 0.4", Method: get, Path: filters, As: Weak, Status: 403, Want: []string{"error.message~DeviceManagementConfiguration.Read.All"}},
	{Name: "filter: unknown", Source: "contract n", Method: get, Path: filters + "/" + nowhere, Status: 404, Want: []string{`error.code="ResourceNotFound"`}},
	{Name: "filter: check a rule", Source: "contract f", Method: post, Path: filters + "/validateFilter", Status: 200, Want: []string{"isValidRule=true"},
		Body: `{"deviceAndAppManagementAssignmentFilter":{"displayName":"x","platform":"windows10AndLater","rule":"(device.deviceOwnership -eq \"Corporate\")"}}`},
	{Name: "filter: check a rule that is none", Source: "contract f; ASSUMED: 200 that says no", Method: post, Path: filters + "/validateFilter", Status: 200, Want: []string{"isValidRule=false"},
		Body: `{"deviceAndAppManagementAssignmentFilter":{"displayName":"x","platform":"windows10AndLater","rule":"(device.colour -eq \"blue\")"}}`},
	{Name: "filter: preview", Source: "contract f", Method: post, Path: "/beta/deviceManagement/evaluateAssignmentFilter", Status: 200, Want: []string{"header:Content-Type~application/octet-stream", "Schema", "Values"},
		Body: `{"data":{"platform":"windows10AndLater","rule":"(device.deviceOwnership -eq \"Corporate\")","search":"","orderBy":[],"skip":0,"top":10}}`},
	{Name: "filter: list", Source: "contract f", Method: get, Path: filters, Status: 200, Eventually: true, Want: []string{"value#>0"}},
	{Name: "filter: read", Source: "contract f", Method: get, Path: filters + "/{filter}", Status: 200, Eventually: true, Want: []string{`roleScopeTags=["0"]`, `platform="windows10AndLater"`}},
	{Name: "filter: change", Source: "contract f, ASSUMED: 200 as elsewhere in Intune", Method: patch, Path: filters + "/{filter}", Body: `{"description":"changed"}`, Status: 200},
	{Name: "filter: use", Source: "contract f, a.5", Method: post, Path: policies + "/{policy}/assign", Status: 200,
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}","deviceAndAppManagementAssignmentFilterId":"{filter}","deviceAndAppManagementAssignmentFilterType":"include"}}]}`,
		Want: []string{`value.0.target.deviceAndAppManagementAssignmentFilterId="{filter}"`}},
	{Name: "filter: where it is used", Source: "contract f", Method: get, Path: filters + "/{filter}/payloads", Status: 200, Eventually: true, Want: []string{"value#1", `value.0.payloadId="{policy}"`}},
	{Name: "filter: what it says of a device", Source: "contract f; ASSUMED: columns and parameters are not known", Method: post, Path: "/beta/deviceManagement/getAssignmentFiltersStatusDetails", Status: 200, Want: []string{"header:Content-Type~application/octet-stream", "Schema", "Values"},
		Body: `{"managedDeviceId":"{managedDevice}","payloadId":"{policy}","userId":"","assignmentFilterIds":["{filter}"],"skip":0,"top":10}`},
	{Name: "filter: switch on", Source: "contract f; ASSUMED: the answer is in the metadata only", Method: post, Path: filters + "/enable", Body: `{"enable":true}`, Status: 200, Want: []string{"enabled=true"}},
	{Name: "filter: another platform", Source: "contract f; ASSUMED: inferred there", Method: patch, Path: filters + "/{filter}", Body: `{"platform":"macOS"}`, Status: 400},
	{Name: "filter: on an exclusion", Source: "contract f; ASSUMED: inferred there", Method: post, Path: policies + "/{policy}/assign", Status: 400,
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.exclusionGroupAssignmentTarget","groupId":"{group}","deviceAndAppManagementAssignmentFilterId":"{filter}","deviceAndAppManagementAssignmentFilterType":"include"}}]}`},
	{Name: "filter: for macOS", Source: "contract f", Method: post, Path: filters, Status: 201, Save: map[string]string{"otherFilter": "id"},
		Body: `{"displayName":"tidegate-conformance macOS","platform":"macOS","rule":"(device.deviceOwnership -eq \"Corporate\")","assignmentFilterManagementType":"devices"}`},
	{Name: "filter: of another platform on a policy", Source: "contract f: platforms must match; ASSUMED: the status", Method: post, Path: policies + "/{policy}/assign", Status: 400,
		Body: `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"{group}","deviceAndAppManagementAssignmentFilterId":"{otherFilter}","deviceAndAppManagementAssignmentFilterType":"include"}}]}`},
	{Name: "filter: delete the one for macOS", Source: "contract f", Method: remove, Path: filters + "/{otherFilter}", Status: 204, Eventually: true},
	{Name: "filter: delete one in use", Source: "contract f", Method: remove, Path: filters + "/{filter}", Status: 400, Want: []string{"error.message~associated with existing assignments"}},
	{Name: "filter: no longer used", Source: "contract a.5", Method: post, Path: policies + "/{policy}/assign", Body: `{"assignments":[]}`, Status: 200},
	{Name: "filter: delete", Source: "contract f: fails for some seconds after the assignment went", Method: remove, Path: filters + "/{filter}", Status: 204, Eventually: true},
}

// repeated joins n copies by commas.
func repeated(text string, n int) string {
	return strings.TrimSuffix(strings.Repeat(text+",", n), ",")
}

// numbered joins n copies by commas, with # replaced by 1 to n.
func numbered(text string, n int) string {
	var out []string
	for i := range n {
		out = append(out, strings.ReplaceAll(text, "#", strconv.Itoa(i+1)))
	}
	return strings.Join(out, ",")
}
