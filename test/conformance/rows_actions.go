// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

const (
	templates = "/beta/deviceManagement/configurationPolicyTemplates"
	reports   = "/beta/deviceManagement/reports/"
	reportsV1 = "/v1.0/deviceManagement/reports/"
	cached    = "/beta/deviceManagement/reports/cachedReportConfigurations"

	// cachedID begins with the name of the report, and a part of its own follows.
	cachedID = "DeviceStatusesByConfigurationProfile_00000000-0000-4000-8000-00000000c0f0"

	aboutPolicy = `{"select":[],"skip":0,"top":10,"orderBy":[],"filter":"(PolicyId eq '{policy}')"}`
	aboutDevice = `{"select":[],"skip":0,"top":10,"orderBy":[],"filter":"(IntuneDeviceId eq '{managedDevice}')"}`
	everything  = `{"select":[],"skip":0,"top":10,"orderBy":[]}`
)

// isReport holds for every report action (contract b.1).
var isReport = []string{"header:Content-Type~application/octet-stream", "TotalRowCount", "Schema#>0", "Values"}

// templateRows follow contract a.2, a13 and a14.
var templateRows = []Row{
	{Name: "template settings: a template", Source: "contract a13", Method: get, Path: templates + "?$top=1", Status: 200, Want: []string{"value#1", "value.0.templateFamily", "value.0.settingTemplateCount"}, Save: map[string]string{"template": "value.0.id"}},
	{Name: "template settings", Source: "contract a13", Method: get, Path: templates + "/{template}/settingTemplates?$expand=settingDefinitions", Status: 200,
		Want: []string{"value#>0", "value.0.settingInstanceTemplate.settingInstanceTemplateId", "value.0.settingDefinitions#>0"}},
	{Name: "template settings of none", Source: "contract a.7", Method: get, Path: templates + "/" + nowhere + "_1/settingTemplates", Status: 404, Want: []string{`error.code="ResourceNotFound"`}},
	{Name: "a2 a wrong reference to a template", Source: "contract a.2", Method: post, Path: policies, Status: 400,
		Body: `{` + policyHead + `,"templateReference":{"templateId":"{template}"},"settings":[` + oneSetting + `]}`, Want: []string{"error.message~Invalid Reference id found in Policy created from Template"}},
	{Name: "copy a policy", Source: "contract a14; ASSUMED: the body is in the metadata, the status is not known", Method: post, Path: policies + "/{policy}/createCopy", Body: `{"displayName":"tidegate-conformance copy","description":"copy"}`, Status: 200,
		Want: []string{`name="tidegate-conformance copy"`, "settingCount=1", "isAssigned=false"}, Save: map[string]string{"copy": "id"}},
	{Name: "copy a policy that is none", Source: "contract a14, a.7", Method: post, Path: policies + "/" + nowhere + "/createCopy", Body: `{"displayName":"x","description":"x"}`, Status: 404},
	{Name: "give a policy its place", Source: "contract a14; ASSUMED: the body is in the metadata, the status is not known", Method: post, Path: policies + "/{copy}/reorder", Body: `{"priority":1}`, Status: 204, Eventually: true},
	{Name: "remove the copy", Source: "contract a7", Method: remove, Path: policies + "/{copy}", Status: 204},
}

// actionRows follow contract b.1: the other report actions. Which filter each
// needs is ASSUMED where the contract shows none.
var actionRows = []Row{
	{Name: "settings of a policy, counted", Source: "contract b.1", Method: post, Path: reports + "getConfigurationPolicySettingsDeviceSummaryReport", Body: aboutPolicy, Status: 200, Want: isReport},
	{Name: "settings of a policy", Source: "contract b.1", Method: post, Path: reports + "getConfigurationSettingsReport", Body: aboutPolicy, Status: 200, Want: isReport},
	{Name: "a setting of a policy", Source: "contract b.1; ASSUMED: the filter", Method: post, Path: reports + "getConfigurationSettingDetailsReport", Status: 200, Want: isReport,
		Body: `{"select":[],"skip":0,"top":10,"orderBy":[],"filter":"(PolicyId eq '{policy}') and (SettingId eq '{definition}')"}`},
	{Name: "policies of a device", Source: "contract b.1; ASSUMED: the filter", Method: post, Path: reports + "getConfigurationPoliciesReportForDevice", Body: aboutDevice, Status: 200, Want: isReport},
	{Name: "settings of a device, counted", Source: "contract b.1; ASSUMED: the filter", Method: post, Path: reports + "getDeviceConfigurationPolicySettingsSummaryReport", Body: aboutDevice, Status: 200, Want: isReport},
	{Name: "policies of a device, counted", Source: "contract b.1; ASSUMED: the filter", Method: post, Path: reports + "getDeviceConfigurationPolicyStatusSummary", Body: aboutDevice, Status: 200, Want: isReport},
	{Name: "policies that fail", Source: "contract b.1", Method: post, Path: reportsV1 + "getConfigurationPolicyNonComplianceReport", Body: everything, Status: 200, Want: isReport},
	{Name: "policies that fail, counted", Source: "contract b.1", Method: post, Path: reportsV1 + "getConfigurationPolicyNonComplianceSummaryReport", Body: everything, Status: 200, Want: isReport},
	{Name: "settings that fail", Source: "contract b.1", Method: post, Path: reportsV1 + "getConfigurationSettingNonComplianceReport", Body: everything, Status: 200, Want: isReport},
	{Name: "policies that fail, in beta", Source: "contract b.1", Method: post, Path: reports + "getConfigurationPolicyNonComplianceReport", Body: everything, Status: 200, Want: isReport},
	{Name: "policies that fail, counted, in beta", Source: "contract b.1", Method: post, Path: reports + "getConfigurationPolicyNonComplianceSummaryReport", Body: everything, Status: 200, Want: isReport},
	{Name: "settings that fail, in beta", Source: "contract b.1", Method: post, Path: reports + "getConfigurationSettingNonComplianceReport", Body: everything, Status: 200, Want: isReport},
	{Name: "history of a report that is none", Source: "contract 0.1; ASSUMED: no name of a report with a history is known", Method: post, Path: reportsV1 + "getHistoricalReport", Body: `{"name":"NoSuchReport","select":[],"skip":0,"top":10}`, Status: 400, Want: []string{intuneError}},

	{Name: "history of the counts of a policy", Source: "contract 0.1; ASSUMED: name and columns", Method: post, Path: reportsV1 + "getHistoricalReport", Status: 200,
		Body: `{"name":"ConfigurationPolicyDeviceAggregates","select":["Date","PolicyId","NumberOfCompliantDevices"],"skip":0,"top":50,"filter":"(PolicyId eq '{policy}')"}`, Want: []string{"TotalRowCount", "Schema#3"}},
	{Name: "export jobs", Source: "ASSUMED: as other collections", Method: get, Path: exports, Status: 200, Want: []string{"value#>0", "value.0.reportName"}},
	{Name: "change an export", Source: "ASSUMED: the documentation has the request, the job runs anew", Method: patch, Path: exports + "('{job}')", Body: `{"format":"csv"}`, Status: 200, Want: []string{"reportName", "status"}},
	{Name: "export to drop", Source: "contract b.4", Method: post, Path: exports, Body: `{"reportName":"Devices","select":["DeviceName"]}`, Status: 201, Save: map[string]string{"dropped": "id"}},
	{Name: "drop an export", Source: "ASSUMED: 204", Method: remove, Path: exports + "('{dropped}')", Status: 204},
	{Name: "a dropped export", Source: "contract 0.4", Method: get, Path: exports + "('{dropped}')", Status: 404},
	{Name: "cache a report", Source: "contract b.1; ASSUMED: 201", Method: post, Path: cached, Status: 201, Want: []string{`id="` + cachedID + `"`, "status"},
		Body: `{"id":"` + cachedID + `","filter":"(PolicyId eq '{policy}')","orderBy":[],"select":["DeviceName","ReportStatus"],"metadata":""}`},
	{Name: "a cached report is done", Source: "contract b.1", Method: get, Path: cached + "('" + cachedID + "')", Status: 200, Eventually: true, Want: []string{`status="completed"`}},
	{Name: "read a cached report", Source: "contract b.1: a cached form was refused once, n=1", Method: post, Path: reportsV1 + "getCachedReport", Status: 200, Want: isReport,
		Body: `{"id":"` + cachedID + `","skip":0,"top":10,"search":"","orderBy":[],"select":["DeviceName"]}`},
	{Name: "read a cached report in beta", Source: "contract b.1", Method: post, Path: reports + "getCachedReport", Status: 200, Want: isReport,
		Body: `{"id":"` + cachedID + `","skip":0,"top":10,"search":"","orderBy":[],"select":["DeviceName"]}`},
	{Name: "cached reports", Source: "contract b.1: CRUD", Method: get, Path: cached, Status: 200, Want: []string{"value#>0", "value.0.status"}},
	{Name: "change a cached report", Source: "contract b.1: CRUD; ASSUMED: 200, and it is made anew", Method: patch, Path: cached + "('" + cachedID + "')", Body: `{"metadata":"conformance"}`, Status: 200, Want: []string{`metadata="conformance"`, "status"}},
	{Name: "drop a cached report", Source: "contract b.1; ASSUMED: 204", Method: remove, Path: cached + "('" + cachedID + "')", Status: 204},
	{Name: "read a report that is not cached", Source: "ASSUMED: as other objects", Method: post, Path: reportsV1 + "getCachedReport", Body: `{"id":"` + cachedID + `","skip":0,"top":10,"search":"","orderBy":[],"select":["DeviceName"]}`, Status: 404},
	{Name: "cached reports in v1.0", Source: "contract 0.1: beta only", Method: get, Path: "/v1.0/deviceManagement/reports/cachedReportConfigurations", Status: 400, Want: []string{"error.message~esource not found for the segment"}},

	{Name: "devices, counted", Source: "contract c", Method: get, Path: "/v1.0/deviceManagement/managedDeviceOverview", Status: 200, Want: []string{"enrolledDeviceCount", "deviceOperatingSystemSummary.windowsCount"}},
}
