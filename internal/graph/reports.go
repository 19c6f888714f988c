// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// ReportStatus is the number that reports give for the state of a policy on a device. The numbers are
// evaluated, never the words, which are in the tenant's language (contract b.2).
type ReportStatus int

// The states of contract b.2. 3 and 7 follow the order of the metadata's enum and were not seen live.
const (
	StatusPending       ReportStatus = 0
	StatusNotApplicable ReportStatus = 1
	StatusSucceeded     ReportStatus = 2
	StatusRemediated    ReportStatus = 3
	StatusNoncompliant  ReportStatus = 4
	StatusError         ReportStatus = 5
	StatusConflict      ReportStatus = 6
	StatusNotAssigned   ReportStatus = 7
)

// PolicyDeviceStatus is one row of the report on the devices of a policy. A device has a row for each of its
// users and one with no user; a device that never checked in has none (contract b.1).
type PolicyDeviceStatus struct {
	// DeviceID is the Intune device id, the key of the row.
	DeviceID string
	// DeviceName, UserID and UPN can be empty.
	DeviceName, UserID, UPN string
	// PolicyStatus and ReportStatus are numbers; -1 stands for a value that is missing or no number.
	PolicyStatus, ReportStatus ReportStatus
	// ModifiedAt is when the device reported; zero when it is not known.
	ModifiedAt time.Time
	// Platform is UnifiedPolicyPlatformType, as it comes.
	Platform string
}

// statusUnknown stands for a status that cannot be read: it is never success and never failure (P4).
const statusUnknown ReportStatus = -1

// policyDevicesColumns lists the columns that a PolicyDeviceStatus is read from (contract b.1).
var policyDevicesColumns = []string{"DeviceName", "UPN", "ReportStatus", "PspdpuLastModifiedTimeUtc", "IntuneDeviceId",
	"UnifiedPolicyPlatformType", "UserId", "PolicyStatus"}

// reportPage is how many rows one report call asks for (contract b.1: 500 was accepted).
const reportPage = 500

// reportRequest is the body of a report action.
type reportRequest struct {
	Select  []string `json:"select"`
	Skip    int      `json:"skip"`
	Top     int      `json:"top"`
	OrderBy []string `json:"orderBy"`
	Filter  string   `json:"filter"`
}

// policyReport asks for the first page of a report on one policy of the settings catalog.
func policyReport(policyID string, columns []string) reportRequest {
	return reportRequest{Select: columns, Top: reportPage, OrderBy: []string{},
		Filter: "(PolicyBaseTypeName eq 'DeviceManagementConfigurationPolicy') and (PolicyId eq " + quote(policyID) + ")"}
}

// The report actions that are used, both in beta only (contract b.1).
const (
	devicesReport = "getConfigurationPolicyDevicesReport"
	summaryReport = "getConfigurationPolicyDeviceSummaryReport"
)

// reportAnswer is one page of a report. Columns come in the server's order, not in that of the request.
type reportAnswer struct {
	TotalRowCount *int `json:"TotalRowCount"`
	Schema        []struct {
		Column string `json:"Column"`
	} `json:"Schema"`
	Values [][]any `json:"Values"`
}

// PolicyDeviceStatuses hands each row of the devices report of a policy to yield. It needs no write permission
// and suits waves of some hundred devices; use Export for more (contract b.5). An error of yield ends the call
// and comes back as it is.
func (c *Client) PolicyDeviceStatuses(ctx context.Context, policyID string, yield func(PolicyDeviceStatus) error) error {
	op := configurationRead("PolicyDeviceStatuses") // ASSUMED: report actions count as device configuration (contract k.3 names none)
	if err := needID(op.op, "policy id", policyID); err != nil {
		return err
	}
	request := policyReport(policyID, policyDevicesColumns)
	for {
		page, err := c.reportPage(ctx, op, devicesReport, request)
		if err != nil {
			return err
		}
		rows, err := page.statuses()
		if err != nil {
			return &Error{Kind: KindTransient, Op: op.op, Message: "the report did not parse: " + err.Error(), Foreign: c.hosts.custom}
		}
		for _, row := range rows {
			if err := yield(row); err != nil {
				return err
			}
		}
		request.Skip += len(rows)
		if request.Skip >= *page.TotalRowCount {
			return nil
		}
		if len(rows) == 0 {
			return &Error{Kind: KindTransient, Op: op.op,
				Message: fmt.Sprintf("the report ended after %d of %d rows", request.Skip, *page.TotalRowCount)}
		}
	}
}

// reportPage reads one page. The call is a POST that changes nothing, so it is repeated like any read; its
// answer is JSON labelled as octets (contract b.1).
func (c *Client) reportPage(ctx context.Context, op call, report string, request reportRequest) (reportAnswer, error) {
	var page reportAnswer
	ri, err := c.betaRequest(abs.POST, "/deviceManagement/reports/"+report, nil, request)
	if err != nil {
		return page, invalid(op.op, "%v", err)
	}
	ri.Headers.Remove("Accept")
	ri.Headers.Add("Accept", "application/octet-stream, application/json")
	err = c.send(ctx, op, ri, func(resp *http.Response) error {
		page = reportAnswer{}
		if err := decodeObject(&page)(resp); err != nil {
			return err
		}
		if page.TotalRowCount == nil {
			return fmt.Errorf("a report without TotalRowCount")
		}
		return nil
	})
	return page, err
}

// rows maps each row of a page by the names in its schema. A page without a required column and a row with more or
// fewer cells than the schema are faults: guessing would move values into wrong columns.
func (page reportAnswer) rows(required ...string) ([]func(column string) any, error) {
	if len(page.Values) == 0 {
		return nil, nil
	}
	at := map[string]int{}
	for i, s := range page.Schema {
		at[s.Column] = i
	}
	for _, name := range required {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("column %s is missing", name)
		}
	}
	rows := make([]func(string) any, len(page.Values))
	for i, values := range page.Values {
		if len(values) != len(page.Schema) {
			return nil, fmt.Errorf("row %d has %d values for %d columns", i, len(values), len(page.Schema))
		}
		rows[i] = func(column string) any {
			if n, ok := at[column]; ok {
				return values[n]
			}
			return nil
		}
	}
	return rows, nil
}

// statuses reads the rows of the devices report.
func (page reportAnswer) statuses() ([]PolicyDeviceStatus, error) {
	rows, err := page.rows("IntuneDeviceId", "PolicyStatus")
	if err != nil {
		return nil, err
	}
	statuses := make([]PolicyDeviceStatus, len(rows))
	for i, get := range rows {
		modified, err := reportTime(get("PspdpuLastModifiedTimeUtc"))
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		statuses[i] = PolicyDeviceStatus{DeviceID: reportText(get("IntuneDeviceId")), DeviceName: reportText(get("DeviceName")),
			UserID: reportText(get("UserId")), UPN: reportText(get("UPN")), PolicyStatus: reportNumber(get("PolicyStatus")),
			ReportStatus: reportNumber(get("ReportStatus")), ModifiedAt: modified, Platform: reportText(get("UnifiedPolicyPlatformType"))}
	}
	return statuses, nil
}

// PolicyDeviceSummary counts the devices of a policy by state (contract b.1). Pending devices without a row count
// nowhere: compare with the members of the groups.
type PolicyDeviceSummary struct {
	// Compliant devices applied the policy, NonCompliant ones did not take it over.
	Compliant, NonCompliant int
	// Error and Conflict are failures, the latter with another policy.
	Error, Conflict int
	// NotApplicable devices do not know the settings, InProgress ones have not finished.
	NotApplicable, InProgress int
}

// PolicyDeviceSummary reads the counters of a policy: one call, whatever the number of devices.
func (c *Client) PolicyDeviceSummary(ctx context.Context, policyID string) (PolicyDeviceSummary, error) {
	op := configurationRead("PolicyDeviceSummary") // ASSUMED: see PolicyDeviceStatuses
	if err := needID(op.op, "policy id", policyID); err != nil {
		return PolicyDeviceSummary{}, err
	}
	var s PolicyDeviceSummary
	counts := map[string]*int{"NumberOfCompliantDevices": &s.Compliant, "NumberOfNonCompliantDevices": &s.NonCompliant, "NumberOfErrorDevices": &s.Error,
		"NumberOfConflictDevices": &s.Conflict, "NumberOfNotApplicableDevices": &s.NotApplicable, "NumberOfInProgressDevices": &s.InProgress}
	columns := slices.Sorted(maps.Keys(counts))
	page, err := c.reportPage(ctx, op, summaryReport, policyReport(policyID, columns))
	if err != nil {
		return PolicyDeviceSummary{}, err
	}
	rows, err := page.rows(columns...)
	if err == nil && len(rows) < *page.TotalRowCount {
		err = fmt.Errorf("it has %d of %d rows", len(rows), *page.TotalRowCount)
	}
	for _, get := range rows { // one row, or one for each platform; none for a policy that nobody reported on
		for column, count := range counts {
			n, parseErr := strconv.Atoi(reportText(get(column)))
			if parseErr != nil || n < 0 {
				err = errors.Join(err, fmt.Errorf("column %s is not a count", column))
			}
			*count += n
		}
	}
	if err != nil {
		return PolicyDeviceSummary{}, &Error{Kind: KindTransient, Op: op.op, Message: "the report did not parse: " + c.redact(err.Error()), Foreign: c.hosts.custom}
	}
	return s, nil
}

// reportText reads a cell as text.
func reportText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	}
	return ""
}

// reportNumber reads a cell as a status. Anything that is not one of the numbers of contract b.2 is -1, which is neither
// success nor failure.
func reportNumber(v any) ReportStatus {
	n, err := strconv.Atoi(reportText(v))
	if err != nil || n < int(StatusPending) || n > int(StatusNotAssigned) {
		return statusUnknown
	}
	return ReportStatus(n)
}

// reportTime reads a cell as a time; an empty cell is the zero time.
func reportTime(v any) (time.Time, error) {
	text := reportText(v)
	if text == "" {
		return time.Time{}, nil
	}
	return parseTime(text)
}

// ParseReportTime reads a time of a report or of an export, which has no zone and means UTC (contract b.4). An
// empty text is the zero time.
func ParseReportTime(text string) (time.Time, error) { return reportTime(text) }
