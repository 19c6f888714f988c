// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

// Reports and columns are matched exactly, letter case included (contract b.4).
const (
	appReport     = "AppInvRawData"
	columnApp     = "ApplicationName"
	columnVersion = "ApplicationVersion"
	columnShort   = "ApplicationShortVersion"
	columnDevice  = "DeviceId" // ASSUMED to be the Intune id, as IntuneDeviceId is

	// edgeStable is the name of the Stable channel; Beta, Dev, Canary, the updater and WebView2 have other names
	// (domain 4, R14).
	edgeStable = "Microsoft Edge"

	statusReport       = "DeviceStatusesByConfigurationProfile"
	columnIntune       = "IntuneDeviceId"
	columnPolicyStatus = "PolicyStatus"
	columnReportStatus = "ReportStatus"
	columnModified     = "PspdpuLastModifiedTimeUtc"
)

// readEdge returns the highest Stable version of Microsoft Edge by Intune id.
func readEdge(ctx context.Context, src source) (map[audience.ID]string, *oddities, error) {
	highest := map[audience.ID]string{}
	texts, odd := interner{}, oddOf("report "+appReport)
	err := src.export(ctx, graph.ExportRequest{
		Report: appReport,
		Filter: fmt.Sprintf("(%s eq '%s')", columnApp, edgeStable),
		Select: []string{columnDevice, columnApp, columnVersion, columnShort},
	}, func(r row) error {
		app := r.Get(columnApp)
		if app != edgeStable && app != "" {
			return nil // filters of reports are not to be relied on alone (contract c)
		}
		id, known, err := readDevice(r, columnDevice)
		if odd.next(err); !known || app == "" {
			return nil
		}
		version := lowerVersion(r.Get(columnShort), r.Get(columnVersion))
		if version != "" && isNewer(version, highest[id]) {
			highest[id] = texts.share(version)
		}
		return nil
	})
	if err == nil {
		err = odd.verdict("Export")
	}
	if err != nil {
		return nil, nil, err
	}
	return highest, odd, nil
}

// lowerVersion returns the lower of two versions of one application, or the one that is a version. On macOS an
// application has a short version, which is the one people know, and a bundle version, and the columns are ASSUMED to
// carry these; Edge's bundle version begins with a larger number, and must not pass for a newer Edge.
func lowerVersion(short, full string) string {
	a, okShort := diagnosis.InventoryVersion(short)
	b, okFull := diagnosis.InventoryVersion(full)
	switch {
	case okShort && okFull && a.Compare(b) == 0:
		return full
	case okShort && (!okFull || a.Compare(b) < 0):
		return short
	case okFull:
		return full
	}
	return ""
}

// isNewer compares a version with the highest one so far, which may be empty.
func isNewer(version, highest string) bool {
	a, _ := diagnosis.InventoryVersion(version)
	b, ok := diagnosis.InventoryVersion(highest)
	return !ok || a.Compare(b) > 0
}

// readPolicy returns the status of one policy, the worst row of each device. Rows of devices that are not in the
// inventory, retired ones for example, are left out.
func readPolicy(ctx context.Context, src source, policyID string, records []record, byIntune []int32) ([]statusEntry, *oddities, error) {
	var rows []statusEntry
	odd := oddOf(fmt.Sprintf("report %s of policy %s", statusReport, policyID))
	err := src.export(ctx, graph.ExportRequest{
		Report: statusReport,
		Filter: fmt.Sprintf("(PolicyId eq '%s')", policyID),
		Select: []string{columnIntune, columnPolicyStatus, columnReportStatus, columnModified},
	}, func(r row) error {
		id, known, err := readDevice(r, columnIntune)
		s, unread := readStatus(r)
		if odd.next(cmp.Or(err, unread)); !known {
			return nil
		}
		i, ok := slices.BinarySearchFunc(byIntune, id, func(i int32, id audience.ID) int { return records[i].intune.Compare(id) })
		if ok {
			if len(rows) >= 2*len(records)+1000 { // however often a device is in it, the report takes no more memory than devices do
				rows = worstRows(rows)
			}
			rows = append(rows, statusEntry{device: byIntune[i], at: nanos(s.At), code: int32(s.Code)})
		}
		return nil
	})
	if err == nil {
		err = odd.verdict("Export")
	}
	if err != nil {
		return nil, nil, err
	}
	return worstRows(rows), odd, nil
}

// worstRows keeps one row per device, in the order of devices.
func worstRows(rows []statusEntry) []statusEntry {
	slices.SortFunc(rows, func(a, b statusEntry) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(badness(int(b.code)), badness(int(a.code))),
			cmp.Compare(b.at, a.at), cmp.Compare(b.code, a.code))
	})
	rows = slices.CompactFunc(rows, func(a, b statusEntry) bool { return a.device == b.device })
	return slices.Clip(rows)
}

func unreadableCell(column, value, want string) error {
	return fmt.Errorf("column %s: %.64q is not %s", column, value, want)
}

// readDevice reads the Intune id of a row. The id of zeros stands for no device; any other text that is no id is an error.
func readDevice(r row, column string) (id audience.ID, known bool, err error) {
	value := r.Get(column)
	id, err = audience.ParseID(value)
	if err != nil && !errors.Is(err, audience.ErrZeroID) {
		return audience.ID{}, false, unreadableCell(column, value, "a device id")
	}
	return id, err == nil, nil
}

// codeUnreadable is the code of a row that has none which could be read: no word of the contract, so that the row counts
// neither as success nor as failure, and no success of another user hides it.
const codeUnreadable = -1

// readStatus reads code and time of a row. PolicyStatus is the code; where ReportStatus is a number too and says something
// worse, that counts. A row without a result may lack a time, since nothing has happened yet; of one with a result whose time
// cannot be read nobody knows whether it is of this attempt, so that its time stays zero. The error says what of the row could
// not be read, and the row holds without it.
func readStatus(r row) (StatusRow, error) {
	value := strings.TrimSpace(r.Get(columnPolicyStatus))
	code, err := strconv.ParseInt(value, 10, 32)
	if err != nil || code < 0 {
		code, err = codeUnreadable, unreadableCell(columnPolicyStatus, value, "a status code")
	}
	if second, secondErr := strconv.ParseInt(strings.TrimSpace(r.Get(columnReportStatus)), 10, 32); secondErr == nil && badness(int(second)) > badness(int(code)) {
		code = second
	}
	value = strings.TrimSpace(r.Get(columnModified))
	at, timeErr := graph.ParseReportTime(value)
	switch {
	case timeErr != nil:
		err = cmp.Or(err, unreadableCell(columnModified, value, "a time"))
	case at.IsZero() && badness(int(code)) > 0:
		err = cmp.Or(err, unreadableCell(columnModified, value, "the time of a result"))
	}
	return StatusRow{At: at, Code: int(code)}, err
}
