// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

// reportExtraRows follow contract b.4 and b.1: reports beyond those that Tidegate
// reads, and what their columns and filters are.
var reportExtraRows = []Row{
	{Name: "export with inventory", Source: "contract b.4: select takes aliases", Method: post, Path: exports, Status: 201, Want: []string{`status="notStarted"`},
		Body: `{"reportName":"DevicesWithInventory","select":["DeviceId","DeviceName","ComplianceState","OS"]}`},
	{Name: "export with inventory, filter by an alias", Source: "contract b.4: filter takes none", Method: post, Path: exports, Status: 400, Want: []string{intuneError},
		Body: `{"reportName":"DevicesWithInventory","select":["DeviceId"],"filter":"(ComplianceState eq '1')"}`},
	{Name: "export with inventory, select by a header", Source: "contract b.4; ASSUMED: the headers are of the file alone", Method: post, Path: exports, Status: 400,
		Body: `{"reportName":"DevicesWithInventory","select":["Device ID"]}`},
	{Name: "export of assignments", Source: "contract b.4", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"DeviceAssignmentStatusByConfigurationPolicy","select":["IntuneDeviceId","AssignmentStatus","ReportStatus"],"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "export of counts", Source: "contract b.4", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"ConfigurationPolicyDeviceAggregates","select":["PolicyId","NumberOfCompliantDevices","NumberOfErrorDevices"],"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "export of counts by setting", Source: "contract b.4: see doc", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"PerSettingDeviceSummaryByConfigurationPolicy","select":["SettingName","NumberOfCompliantDevices","NumberOfConflictDevices","NumberOfErrorDevices"],"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "export of the policies of a device", Source: "contract b.4: see doc", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"DeviceConfigurationPolicyStatuses","select":["PolicyId","PolicyStatus"],"filter":"(IntuneDeviceId eq '{managedDevice}')"}`},
	{Name: "export of the policies of a device, by policy", Source: "contract b.4: IntuneDeviceId is the filter", Method: post, Path: exports, Status: 400,
		Body: `{"reportName":"DeviceConfigurationPolicyStatuses","select":["PolicyId"],"filter":"(PolicyId eq '{policy}')"}`},
	{Name: "export of applications", Source: "contract b.4", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"AppInvAggregate","select":["ApplicationName","ApplicationVersion","DeviceCount"]}`},
	{Name: "export of applications by device", Source: "contract b.4", Method: post, Path: exports, Status: 201,
		Body: `{"reportName":"AppInvRawData","select":["ApplicationName","ApplicationVersion","DeviceId"],"filter":"(ApplicationName eq 'Microsoft Edge')"}`},
	{Name: "export of applications of no device", Source: "contract b.4: DeviceId is mandatory", Method: post, Path: exports, Status: 400,
		Body: `{"reportName":"AppInvByDevice","select":["ApplicationName"]}`},

	{Name: "a report sorted by nothing", Source: "ASSUMED: as an unknown column", Method: post, Path: reports + "getConfigurationPolicyNonComplianceReport", Status: 400,
		Body: `{"skip":0,"top":10,"orderBy":["NoSuchColumn"]}`},
	{Name: "settings of no policy", Source: "ASSUMED: the action needs a policy", Method: post, Path: reports + "getConfigurationSettingsReport", Body: everything, Status: 400},
	{Name: "cache a report of no name", Source: "contract b.1: the id begins with the report's name", Method: post, Path: cached, Status: 400,
		Body: `{"id":"NoSuchReport_00000000-0000-4000-8000-00000000c0f1","filter":"","orderBy":[],"select":["DeviceName"],"metadata":""}`},
	{Name: "cache a report without a permission", Source: "contract b.1, 0.4", Method: post, Path: cached, As: Weak, Status: 403, Want: []string{"error.message~DeviceManagementConfiguration.ReadWrite.All"},
		Body: `{"id":"` + cachedID + `","filter":"","orderBy":[],"select":["DeviceName"],"metadata":""}`},
}
