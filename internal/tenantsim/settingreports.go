// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "slices"

// settingRow is one setting of a policy on one device, for one user.
type settingRow struct {
	statusRow
	definition *definition
}

// status is what the device says about this setting. In a policy in conflict
// only the settings that a rival sets otherwise are in conflict; everything else
// a device reports for the policy as a whole.
func (r settingRow) status() int {
	status := int(r.stamp.status)
	if r.stamp.status != statusConflict || len(r.policy.rivals) == 0 {
		return status
	}
	for _, rival := range r.policy.rivals {
		if other, both := rival.values[r.definition.ID]; both && other != r.policy.values[r.definition.ID] {
			return status
		}
	}
	return int(statusSucceeded)
}

func (s *Server) settingRows(yield func(settingRow)) {
	s.statusRows(func(r statusRow) {
		for _, id := range sortedKeys(r.policy.values) {
			yield(settingRow{r, s.catalog.Known(id)})
		}
	})
}

// Error numbers of a setting. ASSUMED: the service's are not in the contract.
const settingFailed = -2016281112

func (r settingRow) errorCode() int {
	if r.status() == int(statusError) {
		return settingFailed
	}
	return 0
}

// settingColumns are ASSUMED: nobody published the columns of these actions.
// They follow the names of the other reports.
var settingColumns = []column[settingRow]{
	{name: "DeviceName", kind: "String", get: func(r settingRow) any { return r.name() }},
	{name: "ErrorCode", kind: "Int32", get: func(r settingRow) any { return r.errorCode() }},
	{name: "IntuneDeviceId", kind: "String", filter: true, get: func(r settingRow) any { return r.d.managedID.String() }},
	{name: "PolicyBaseTypeName", kind: "String", filter: true, get: func(r settingRow) any { return r.policy.baseTypeName() }},
	{name: "PolicyId", kind: "String", filter: true, get: func(r settingRow) any { return r.policy.id.String() }},
	{name: "PolicyName", kind: "String", get: func(r settingRow) any { return r.policy.name }},
	{name: "PspdpuLastModifiedTimeUtc", kind: "DateTime", get: func(r settingRow) any { return r.evaluated() }},
	{name: "SettingId", kind: "String", filter: true, get: func(r settingRow) any { return r.definition.ID }},
	{name: "SettingName", kind: "String", get: func(r settingRow) any { return r.definition.DisplayName }},
	{name: "SettingStatus", kind: "Int32", filter: true, words: statusWords, get: func(r settingRow) any { return r.status() }},
	{name: "UPN", kind: "String", get: func(r settingRow) any { return r.upn() }},
	{name: "UserId", kind: "String", filter: true, get: func(r settingRow) any { return r.userID() }},
}

// settingStatus is getConfigurationSettingsReport, settingDetails
// getConfigurationSettingDetailsReport, which looks at one setting (contract b.1).
var (
	settingStatus  = &report[settingRow]{name: "getConfigurationSettingsReport", needs: "PolicyId", columns: settingColumns, rows: (*Server).settingRows}
	settingDetails = &report[settingRow]{name: "getConfigurationSettingDetailsReport", needs: "SettingId", columns: settingColumns, rows: (*Server).settingRows}
)

// settingCounts is one setting of one policy with its devices by status.
type settingCounts struct {
	policyCounts
	definition *definition
}

func countSettings(name string, statuses ...int) column[settingCounts] {
	return column[settingCounts]{name: name, kind: "Int32", get: func(c settingCounts) any { return c.of(statuses...) }}
}

// settingAggregates is PerSettingDeviceSummaryByConfigurationPolicy. The counts
// and SettingName are in Microsoft's list of exports (contract b.4: see doc), and
// so is the filter; the two ids come along in exports that select nothing.
var settingAggregates = &report[settingCounts]{name: "PerSettingDeviceSummaryByConfigurationPolicy", columns: []column[settingCounts]{
	countSettings("NumberOfCompliantDevices", 2, 3),
	countSettings("NumberOfConflictDevices", 6),
	countSettings("NumberOfErrorDevices", 5),
	{name: "PolicyId", kind: "String", filter: true, get: func(c settingCounts) any { return c.policy.id.String() }},
	{name: "SettingId", kind: "String", get: func(c settingCounts) any { return c.definition.ID }},
	{name: "SettingName", kind: "String", get: func(c settingCounts) any { return c.definition.DisplayName }},
}, rows: (*Server).countSettings}

func (s *Server) countSettings(yield func(settingCounts)) {
	if s.scenario.EmptyReports {
		return
	}
	found := map[*policy]map[string]*settingCounts{}
	for _, p := range s.policies {
		found[p] = map[string]*settingCounts{}
		for id := range p.values {
			found[p][id] = &settingCounts{policyCounts{policy: p}, s.catalog.Known(id)}
		}
	}
	s.deviceRows(func(r statusRow) { // a device counts once
		for id, c := range found[r.policy] {
			c.counts[settingRow{r, s.catalog.Known(id)}.status()&7]++
		}
	})
	for _, p := range s.policies {
		for _, id := range sortedKeys(found[p]) {
			yield(*found[p][id])
		}
	}
}

// settingSummary is getConfigurationPolicySettingsDeviceSummaryReport (contract
// b.1); its columns are ASSUMED to be those of the export.
var settingSummary = &report[settingCounts]{name: "getConfigurationPolicySettingsDeviceSummaryReport", columns: settingAggregates.columns, rows: settingAggregates.rows}

// failingSettings is getConfigurationSettingNonComplianceReport: settings that
// some device does not have as it should. Columns ASSUMED, as the export's.
var failingSettings = &report[settingCounts]{name: "getConfigurationSettingNonComplianceReport", columns: settingAggregates.columns,
	rows: func(s *Server, yield func(settingCounts)) {
		s.countSettings(func(c settingCounts) {
			if c.counts[statusError]+c.counts[statusConflict] > 0 {
				yield(c)
			}
		})
	}}

// withFilters returns columns of which only the named ones can be filtered.
func withFilters[T any](columns []column[T], names ...string) []column[T] {
	out := slices.Clone(columns)
	for i := range out {
		out[i].filter = slices.Contains(names, out[i].name)
	}
	return out
}

// policiesOfDevice is the export DeviceConfigurationPolicyStatuses, with columns
// and filters of Microsoft's list of exports (contract b.4: see doc).
var policiesOfDevice = &report[statusRow]{name: "DeviceConfigurationPolicyStatuses",
	columns: withFilters(slices.DeleteFunc(slices.Clone(deviceStatus.columns), func(c column[statusRow]) bool { return c.name == "UserId" }),
		"IntuneDeviceId", "PolicyBaseTypeName"), rows: deviceStatus.rows}

// policiesForDevice is getConfigurationPoliciesReportForDevice (contract b.1). That
// it needs the device, and its columns, are ASSUMED.
var policiesForDevice = &report[statusRow]{name: "getConfigurationPoliciesReportForDevice", needs: "IntuneDeviceId", columns: deviceStatus.columns, rows: deviceStatus.rows}

// deviceCounts is a device with its policies, or the settings of one policy, by
// status.
type deviceCounts struct {
	policyCounts
	device deviceView
}

func countOnDevice(name string, statuses ...int) column[deviceCounts] {
	return column[deviceCounts]{name: name, kind: "Int32", get: func(c deviceCounts) any { return c.of(statuses...) }}
}

// deviceColumns counts what the noun says, by status. ASSUMED names.
func deviceColumns(noun string) []column[deviceCounts] {
	return []column[deviceCounts]{
		{name: "IntuneDeviceId", kind: "String", filter: true, get: func(c deviceCounts) any { return c.device.d.managedID.String() }},
		countOnDevice("NumberOfCompliant"+noun, 2, 3), countOnDevice("NumberOfConflict"+noun, 6), countOnDevice("NumberOfError"+noun, 5),
		countOnDevice("NumberOfInProgress"+noun, 0), countOnDevice("NumberOfNonCompliant"+noun, 4), countOnDevice("NumberOfNotApplicable"+noun, 1),
	}
}

// deviceSummary is getDeviceConfigurationPolicyStatusSummary: one row for each
// device that reported anything.
var deviceSummary = &report[deviceCounts]{name: "getDeviceConfigurationPolicyStatusSummary", columns: deviceColumns("Policies"),
	rows: func(s *Server, yield func(deviceCounts)) {
		var last *deviceCounts
		s.deviceRows(func(r statusRow) { // ordered by device
			if last == nil || last.device.i != r.i {
				if last != nil {
					yield(*last)
				}
				last = &deviceCounts{device: r.deviceView}
			}
			last.counts[r.stamp.status&7]++
		})
		if last != nil {
			yield(*last)
		}
	}}

// deviceSettings is getDeviceConfigurationPolicySettingsSummaryReport: the settings
// of each policy on a device.
var deviceSettings = &report[deviceCounts]{name: "getDeviceConfigurationPolicySettingsSummaryReport", columns: append(deviceColumns("Settings"),
	column[deviceCounts]{name: "PolicyId", kind: "String", filter: true, get: func(c deviceCounts) any { return c.policy.id.String() }},
	column[deviceCounts]{name: "PolicyName", kind: "String", get: func(c deviceCounts) any { return c.policy.name }}),
	rows: func(s *Server, yield func(deviceCounts)) {
		s.deviceRows(func(r statusRow) {
			out := deviceCounts{policyCounts{policy: r.policy}, r.deviceView}
			for _, id := range sortedKeys(r.policy.values) {
				out.counts[settingRow{r, s.catalog.Known(id)}.status()&7]++
			}
			yield(out)
		})
	}}

// failingPolicies is getConfigurationPolicyNonComplianceReport: policies that some
// device does not have as it should. Columns and filters follow the export
// NonCompliantConfigurationPoliciesAggregateWithPF and are ASSUMED for the action.
var failingPolicies = &report[policyCounts]{name: "getConfigurationPolicyNonComplianceReport",
	columns: withFilters(policyAggregates.columns, "NumberOfErrorDevices", "NumberOfNonCompliantDevices", "PolicyBaseTypeName", "PolicyId", "PolicyName",
		"PolicyPlatformType", "PolicyType", "UnifiedPolicyPlatformType", "UnifiedPolicyType"),
	rows: func(s *Server, yield func(policyCounts)) {
		policyAggregates.rows(s, func(c policyCounts) {
			if c.failing() > 0 {
				yield(c)
			}
		})
	}}

func (c policyCounts) failing() int {
	return c.counts[4] + c.counts[statusError] + c.counts[statusConflict]
}

// failureTotals is one row over all policies. Columns ASSUMED.
type failureTotals struct{ compliant, failing int }

// failureSummary is getConfigurationPolicyNonComplianceSummaryReport.
var failureSummary = &report[failureTotals]{name: "getConfigurationPolicyNonComplianceSummaryReport", columns: []column[failureTotals]{
	{name: "NumberOfCompliantPolicies", kind: "Int32", get: func(t failureTotals) any { return t.compliant }},
	{name: "NumberOfNonCompliantPolicies", kind: "Int32", get: func(t failureTotals) any { return t.failing }},
}, rows: func(s *Server, yield func(failureTotals)) {
	var t failureTotals
	policyAggregates.rows(s, func(c policyCounts) {
		failing := boolInt(c.failing() > 0)
		t.failing += failing
		t.compliant += 1 - failing
	})
	yield(t)
}}
