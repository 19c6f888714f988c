// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// assignmentStatus lists every managed device that a policy targets, the ones
// without a result as pending (contract b.4). Of assignments and memberships it
// knows what reportedTargets says, a day or two late in an ordinary tenant. Until
// then a device that the policy left, and that no longer has a result, is pending,
// and one that Intune does not manage any more is not shown (ASSUMED). A device with
// several users has one row, for the user with the worst result (ASSUMED).
var assignmentStatus = &report[statusRow]{name: "DeviceAssignmentStatusByConfigurationPolicy", columns: []column[statusRow]{
	{name: "AadDeviceId", kind: "String", get: func(r statusRow) any { return r.d.deviceID.String() }},
	{name: "AssignmentFilterIds", kind: "String", get: statusFilters},
	{name: "AssignmentStatus", kind: "Int32", filter: true, words: statusWords, get: statusOf},
	{name: "DeviceName", kind: "String", get: func(r statusRow) any { return r.name() }},
	{name: "IntuneDeviceId", kind: "String", get: func(r statusRow) any { return r.d.managedID.String() }},
	{name: "PolicyBaseTypeName", kind: "String", filter: true, get: func(r statusRow) any { return r.policy.baseTypeName() }},
	{name: "PolicyId", kind: "String", filter: true, get: func(r statusRow) any { return r.policy.id.String() }},
	{name: "PolicyName", kind: "String", get: func(r statusRow) any { return r.policy.name }},
	{name: "PspdpuLastModifiedTimeUtc", kind: "DateTime", get: statusRow.evaluated},
	{name: "ReportStatus", kind: "Int32", words: statusWords, get: statusOf},
	{name: "TemplateVersion", kind: "Int32", get: func(statusRow) any { return 0 }},
	{name: "UPN", kind: "String", get: func(r statusRow) any { return r.upn() }},
	{name: "UnifiedPolicyPlatformType", kind: "String", filter: true, get: func(r statusRow) any { return r.d.policyPlatform() }},
	{name: "UnifiedPolicyType", kind: "String", get: func(statusRow) any { return "DeviceConfigurationPolicySettingsCatalog" }},
}, rows: (*Server).assignmentRows}

// statusFilters are the assignment filters of the row's policy, if any.
func statusFilters(r statusRow) any {
	var ids []string
	for _, a := range r.policy.assignments {
		if a.filterType != "none" && !slices.Contains(ids, a.filterID) {
			ids = append(ids, a.filterID)
		}
	}
	return joinIDs(ids)
}

func joinIDs(ids []string) string {
	out := ""
	for i, id := range ids {
		if i > 0 {
			out += ";"
		}
		out += id
	}
	return out
}

func (s *Server) assignmentRows(yield func(statusRow)) {
	if s.scenario.EmptyReports {
		return
	}
	s.assignmentRowsAt(s.clock.Now().Unix(), yield)
}

// assignmentRowsAt shows what the report said at a moment that has just come.
func (s *Server) assignmentRowsAt(at int64, yield func(statusRow)) {
	now := min(at, s.freeze())
	for _, p := range s.inStatusReport() {
		s.reportedTargets(p, at).Each(func(i int) {
			v := s.device(int32(i))
			if !isEnrolled(v.d) || v.d.platform&p.platforms == 0 {
				return
			}
			out := statusRow{deviceView: v, policy: p, user: v.d.user}
			v.d.promote(now)
			if result, user, found := v.d.worst(p, shown); found {
				out.stamp, out.user = result, user
			}
			if s.scenario.ZeroReports {
				out.stamp.status = statusPending
			}
			yield(out)
		})
	}
}

// policyCounts is one policy and its devices by status.
type policyCounts struct {
	policy *policy
	counts [8]int
}

func (c policyCounts) of(statuses ...int) any {
	n := 0
	for _, status := range statuses {
		n += c.counts[status]
	}
	return n
}

func countColumn(name string, statuses ...int) column[policyCounts] {
	return column[policyCounts]{name: name, kind: "Int32", get: func(c policyCounts) any { return c.of(statuses...) }}
}

// policyAggregates counts devices per policy (contract b.4).
var policyAggregates = &report[policyCounts]{name: "ConfigurationPolicyDeviceAggregates", columns: []column[policyCounts]{
	countColumn("NumberOfCompliantDevices", 2, 3),
	countColumn("NumberOfConflictDevices", 6),
	countColumn("NumberOfErrorDevices", 5),
	countColumn("NumberOfInProgressDevices", 0),
	countColumn("NumberOfNonCompliantDevices", 4),
	countColumn("NumberOfNonCompliantOrErrorDevices", 4, 5),
	countColumn("NumberOfNotApplicableDevices", 1),
	countColumn("NumberOfRemovedDevices", 7), // ASSUMED number
	{name: "PolicyBaseTypeName", kind: "String", filter: true, get: func(c policyCounts) any { return c.policy.baseTypeName() }},
	{name: "PolicyId", kind: "String", filter: true, get: func(c policyCounts) any { return c.policy.id.String() }},
	{name: "PolicyName", kind: "String", get: func(c policyCounts) any { return c.policy.name }},
	{name: "PolicyPlatformType", kind: "String", get: func(c policyCounts) any { return c.policy.platformsText }},
	{name: "PolicyType", kind: "String", get: func(policyCounts) any { return "" }},
	{name: "ProfileSource", kind: "String", get: func(policyCounts) any { return "" }},
	{name: "TemplateVersion", kind: "Int32", get: func(policyCounts) any { return 0 }},
	{name: "UnifiedPolicyPlatformType", kind: "String", get: func(c policyCounts) any { return c.policy.platformsText }},
	{name: "UnifiedPolicyType", kind: "String", get: func(policyCounts) any { return "DeviceConfigurationPolicySettingsCatalog" }},
}, rows: func(s *Server, yield func(policyCounts)) {
	if s.scenario.EmptyReports {
		return
	}
	for _, c := range s.countPolicies(s.clock.Now().Unix()) {
		yield(c)
	}
}}

// countPolicies counts what the assignment report says of each policy: pending
// devices are among the counts. That they are as late as the report is ASSUMED.
func (s *Server) countPolicies(at int64) []policyCounts {
	all := s.everyPolicy()
	out := make([]policyCounts, len(all))
	index := make(map[*policy]int, len(all))
	for i, p := range all {
		out[i].policy, index[p] = p, i
	}
	s.assignmentRowsAt(at, func(r statusRow) { out[index[r.policy]].counts[r.stamp.status&7]++ })
	return out
}

// Words of the remediation report's numbers; they follow the metadata enums and
// are ASSUMED.
var (
	runWords         = map[int]string{0: "Unknown", 1: "Without issues", 2: "With issues", 3: "Failed", 4: "Pending", 5: "Not applicable"}
	repairStateWords = map[int]string{0: "Unknown", 1: "Skipped", 2: "Issue fixed", 3: "Recurred", 4: "Failed"}
	runNumbers       = map[string]int{"success": 1, "fail": 2, "scriptError": 3, "pending": 4, "notApplicable": 5}
	repairNumbers    = map[string]int{"skipped": 1, "success": 2, "remediationFailed": 3, "scriptError": 4}
)

// remediationRuns is the report of one remediation; PolicyId is required
// (contract b.4). The columns are those of Microsoft's list of exports.
var remediationRuns = &report[runView]{name: "DeviceRunStatesByProactiveRemediation", needs: "PolicyId", columns: []column[runView]{
	{name: "DetectionScriptStatus", kind: "Int32", words: runWords, get: func(v runView) any { return runNumbers[v.run.detection] }},
	{name: "DetectionStatus", kind: "Int32", filter: true, words: runWords, get: func(v runView) any { return runNumbers[v.run.detection] }},
	{name: "DeviceId", kind: "String", get: func(v runView) any { return v.d.managedID.String() }},
	{name: "DeviceName", kind: "String", get: func(v runView) any { return v.name() }},
	{name: "DisplayName", kind: "String", get: func(v runView) any { return v.script.displayName }},
	{name: "FilterIdsCSV", kind: "String", get: func(runView) any { return "" }},
	{name: "InternalVersion", kind: "Int32", get: func(runView) any { return 1 }},
	{name: "JoinType", kind: "String", get: func(v runView) any { return v.joinType() }},
	{name: "LastAgentUpdateTime", kind: "DateTime", get: func(v runView) any { return v.deviceTime(v.run.at) }},
	{name: "Model", kind: "String", get: func(v runView) any { return v.d.modelName() }},
	{name: "ModifiedTime", kind: "DateTime", get: func(v runView) any { return v.deviceTime(v.run.at) }},
	{name: "NextExecutionDateTime", kind: "DateTime", get: func(runView) any { return int64(0) }},
	{name: "OSDescription", kind: "String", get: func(v runView) any { return v.d.operatingSystem() }},
	{name: "OSVersion", kind: "String", get: func(v runView) any { return v.d.release().version }},
	{name: "PolicyId", kind: "String", filter: true, get: func(v runView) any { return v.script.ID }},
	{name: "PostRemediationDetectionScriptError", kind: "String", get: func(runView) any { return "" }},
	{name: "PostRemediationDetectionScriptOutput", kind: "String", get: func(v runView) any { return v.run.after }},
	{name: "PreRemediationDetectionScriptError", kind: "String", get: func(v runView) any { return orEmpty(scriptErrorText(v.run.detection)) }},
	{name: "PreRemediationDetectionScriptOutput", kind: "String", get: func(v runView) any { return v.run.before }},
	{name: "PrimaryUser", kind: "String", get: func(v runView) any { return v.userID() }},
	{name: "RemediationScriptErrorDetails", kind: "String", get: func(v runView) any { return orEmpty(scriptErrorText(v.run.repair)) }},
	{name: "RemediationScriptOutputDetails", kind: "String", get: func(runView) any { return "" }},
	{name: "RemediationScriptStatus", kind: "Int32", words: repairStateWords, get: func(v runView) any { return repairNumbers[v.run.repair] }},
	{name: "RemediationStatus", kind: "Int32", filter: true, words: repairStateWords, get: func(v runView) any { return repairNumbers[v.run.repair] }},
	{name: "UPN", kind: "String", get: func(v runView) any { return v.upn() }},
	{name: "UniqueKustoKey", kind: "String", get: func(v runView) any { return v.script.ID + "_" + v.d.managedID.String() }},
	{name: "UserEmail", kind: "String", get: func(v runView) any { return v.upn() }},
	{name: "UserId", kind: "String", get: func(v runView) any { return v.userID() }},
	{name: "UserName", kind: "String", get: func(v runView) any { return v.upn() }},
}, rows: func(s *Server, yield func(runView)) {
	if s.scenario.EmptyReports {
		return
	}
	for _, r := range s.remediations.All() {
		for _, v := range s.runs(r)(-1) {
			yield(v)
		}
	}
}}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// appTotals counts devices per application (contract b.4).
var appTotals = &report[*detectedApp]{name: "AppInvAggregate", columns: []column[*detectedApp]{
	{name: "ApplicationId", kind: "String", get: func(a *detectedApp) any { return a.id() }},
	{name: "ApplicationKey", kind: "String", filter: true, get: func(a *detectedApp) any {
		return ids.NewGUID(ids.HashText(a.name+a.version), "application", 0).String()
	}},
	{name: "ApplicationName", kind: "String", filter: true, get: func(a *detectedApp) any { return a.name }},
	{name: "ApplicationPublisher", kind: "String", filter: true, get: func(a *detectedApp) any { return a.publisher }},
	{name: "ApplicationShortVersion", kind: "String", get: func(a *detectedApp) any { return a.version }},
	{name: "ApplicationVersion", kind: "String", filter: true, get: func(a *detectedApp) any { return a.version }},
	{name: "DeviceCount", kind: "Int32", get: func(a *detectedApp) any { return len(a.devices) }},
	{name: "Platform", kind: "String", filter: true, get: func(a *detectedApp) any {
		return a.system
	}},
}, rows: func(s *Server, yield func(*detectedApp)) {
	for _, a := range s.detectedApps() {
		yield(a)
	}
}}

// appsOfDevice is the inventory of one device; DeviceId is required.
var appsOfDevice = &report[appRow]{name: "AppInvByDevice", needs: "DeviceId", columns: appInventory.columns, rows: appInventory.rows}

// appDevices are the devices with one application; ApplicationKey is required.
var appDevices = &report[appRow]{name: "DevicesByAppInv", needs: "ApplicationKey", columns: appInventory.columns, rows: appInventory.rows}

// policySummary is getConfigurationPolicyDeviceSummaryReport (contract b.1).
var policySummary = &report[policyCounts]{name: "getConfigurationPolicyDeviceSummaryReport", columns: slices.Concat(
	policyAggregates.columns[:5], policyAggregates.columns[6:7], policyAggregates.columns[8:10]), rows: policyAggregates.rows}
