// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
	request := reportRequest{Select: policyDevicesColumns, Top: reportPage, OrderBy: []string{},
		Filter: "(PolicyBaseTypeName eq 'DeviceManagementConfigurationPolicy') and (PolicyId eq " + quote(policyID) + ")"}
	for {
		page, err := c.reportPage(ctx, op, request)
		if err != nil {
			return err
		}
		rows, err := page.statuses()
		if err != nil {
			return &Error{Kind: KindTransient, Op: op.op, Message: "the report did not parse: " + err.Error()}
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
func (c *Client) reportPage(ctx context.Context, op call, request reportRequest) (reportAnswer, error) {
	var page reportAnswer
	ri, err := c.betaRequest(abs.POST, "/deviceManagement/reports/getConfigurationPolicyDevicesReport", nil, request)
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

// statuses maps the rows of a page by the names in its schema.
func (page reportAnswer) statuses() ([]PolicyDeviceStatus, error) {
	if len(page.Values) == 0 {
		return nil, nil
	}
	column := map[string]int{}
	for i, s := range page.Schema {
		column[s.Column] = i
	}
	for _, name := range []string{"IntuneDeviceId", "PolicyStatus"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("column %s is missing", name)
		}
	}
	rows := make([]PolicyDeviceStatus, len(page.Values))
	for i, values := range page.Values {
		if len(values) != len(page.Schema) {
			return nil, fmt.Errorf("row %d has %d values for %d columns", i, len(values), len(page.Schema))
		}
		get := func(name string) any {
			if at, ok := column[name]; ok {
				return values[at]
			}
			return nil
		}
		modified, err := reportTime(get("PspdpuLastModifiedTimeUtc"))
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		rows[i] = PolicyDeviceStatus{DeviceID: reportText(get("IntuneDeviceId")), DeviceName: reportText(get("DeviceName")),
			UserID: reportText(get("UserId")), UPN: reportText(get("UPN")), PolicyStatus: reportNumber(get("PolicyStatus")),
			ReportStatus: reportNumber(get("ReportStatus")), ModifiedAt: modified, Platform: reportText(get("UnifiedPolicyPlatformType"))}
	}
	return rows, nil
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

// reportNumber reads a cell as a status; a cell that is no whole number is unknown.
func reportNumber(v any) ReportStatus {
	return ParseReportStatus(reportText(v))
}

// ParseReportStatus reads the number of a status from a cell of an export. Anything that is not one of the
// numbers of contract b.2 is -1, which is neither success nor failure.
func ParseReportStatus(text string) ReportStatus {
	n, err := strconv.Atoi(text)
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
