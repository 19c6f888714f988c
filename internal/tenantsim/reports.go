// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// column is one column of a report.
type column[T any] struct {
	name string
	kind string // Schema PropertyType
	get  func(T) any
	// words names the values of an enum column; its cells are numbers, with the
	// words in a _loc twin (contract b.2, b.4).
	words map[int]string
	// filter marks columns that a report filter may use.
	filter bool
	// header is what the column is called in the answer, alias another name that
	// select takes. Empty: name, and none.
	header, alias string
	// onRequest columns are there only when select names them.
	onRequest bool
}

// report is a tabular report over items of one type.
type report[T any] struct {
	name    string
	columns []column[T]
	rows    func(s *Server, yield func(T))
	// needs names the column that a filter must pin with eq. Empty: none.
	needs string
	// wordsOnly reports show the words of enum columns, whatever is asked for.
	wordsOnly bool
}

// statusWords are the words of contract b.2.
var statusWords = map[int]string{
	0: "Pending", 1: "Not applicable", 2: "Succeeded", 3: "Remediated", 4: "Noncompliant", 5: "Error", 6: "Conflict", 7: "Not assigned",
}

// statusRow is one policy result of one device for one user. The row of the
// system account has no user (-1).
type statusRow struct {
	deviceView
	policy *policy
	stamp  stamp
	user   int32
}

func (r statusRow) upn() string {
	if r.user < 0 {
		return ""
	}
	return r.s.userPrincipalName(r.user)
}

func (r statusRow) userID() string {
	if r.user < 0 {
		return ""
	}
	return r.s.users[r.user].id.String()
}

// evaluated is when the device says that it evaluated the policy, by its clock.
func (r statusRow) evaluated() any { return r.deviceTime(r.stamp.at) }

// deviceTime is a moment by the device's own clock, which may be wrong.
func (v deviceView) deviceTime(at int64) int64 {
	if at == 0 {
		return 0
	}
	return at + v.d.special().skew
}

const policyBaseType = "DeviceManagementConfigurationPolicy"

func statusOf(r statusRow) any { return int(r.stamp.status) }

// deviceStatus is the per-device status of settings catalog policies. The
// columns are in the server's own order (contract b.1).
var deviceStatus = &report[statusRow]{name: "DeviceStatusesByConfigurationProfile", columns: []column[statusRow]{
	{name: "AssignmentFilterIds", kind: "String", get: statusFilters},
	{name: "DeviceName", kind: "String", get: func(r statusRow) any { return r.unlessLost("device name", r.name()) }},
	{name: "IntuneDeviceId", kind: "String", filter: true, get: func(r statusRow) any { return r.d.managedID.String() }},
	{name: "Manufacturer", kind: "String", get: func(r statusRow) any { return r.d.manufacturer() }},
	{name: "Model", kind: "String", get: func(r statusRow) any { return r.d.modelName() }},
	{name: "PolicyBaseTypeName", kind: "String", filter: true, get: func(r statusRow) any { return r.policy.baseTypeName() }},
	{name: "PolicyId", kind: "String", filter: true, get: func(r statusRow) any { return r.policy.id.String() }},
	{name: "PolicyName", kind: "String", get: func(r statusRow) any { return r.policy.name }},
	{name: "PolicyStatus", kind: "Int32", filter: true, words: statusWords, get: statusOf},
	{name: "PspdpuLastModifiedTimeUtc", kind: "DateTime", get: statusRow.evaluated},
	{name: "ReportStatus", kind: "Int32", words: statusWords, get: statusOf},
	{name: "TemplateVersion", kind: "Int32", get: func(statusRow) any { return 0 }},
	{name: "UPN", kind: "String", get: func(r statusRow) any { return r.unlessLost("upn", r.upn()) }},
	{name: "UnifiedPolicyPlatformType", kind: "String", get: func(r statusRow) any { return r.d.policyPlatform() }},
	{name: "UnifiedPolicyType", kind: "String", get: func(statusRow) any { return "DeviceConfigurationPolicySettingsCatalog" }},
	{name: "UserId", kind: "String", get: func(r statusRow) any { return r.userID() }},
}, rows: (*Server).statusRows}

// table is a rendered report, before a format is chosen.
type table struct {
	columns []tableColumn
	rows    [][]any
	// wordsOnly: see report.
	wordsOnly bool
}

type tableColumn struct {
	name, kind string
	words      map[int]string
}

// run renders the rows that match the filter, in the given columns.
func (rep *report[T]) run(s *Server, filter odata.Expr, columns []*column[T]) table {
	out := table{wordsOnly: rep.wordsOnly}
	for _, col := range columns {
		out.columns = append(out.columns, tableColumn{cmp.Or(col.header, col.name), col.kind, col.words})
	}
	rep.rows(s, func(item T) {
		if filter != nil && !filter.Eval(rep.getter(item)) {
			return
		}
		cells := make([]any, len(columns))
		for i, col := range columns {
			cells[i] = col.get(item)
		}
		out.rows = append(out.rows, cells)
	})
	return out
}

func (rep *report[T]) getter(item T) func(string) any {
	return func(name string) any {
		if col := rep.column(name); col != nil {
			return col.get(item)
		}
		return nil
	}
}

func (rep *report[T]) column(name string) *column[T] {
	for i := range rep.columns {
		if rep.columns[i].name == name {
			return &rep.columns[i]
		}
	}
	return nil
}

// choose finds the selected columns; names are case-sensitive and _loc twins
// cannot be asked for (contract b.1, b.4).
func (rep *report[T]) choose(c *call, selected []string) ([]*column[T], error) {
	var out []*column[T]
	for _, name := range selected {
		col := rep.column(name)
		if i := slices.IndexFunc(rep.columns, func(o column[T]) bool { return o.alias == name && name != "" }); col == nil && i >= 0 {
			col = &rep.columns[i]
		}
		if col == nil {
			return nil, c.BadRequest("Column '%s' is not a valid column of report '%s'.", name, rep.name)
		}
		out = append(out, col)
	}
	if len(out) > 0 {
		return out, nil
	}
	for i := range rep.columns {
		if !rep.columns[i].onRequest {
			out = append(out, &rep.columns[i])
		}
	}
	return out, nil
}

// parse reads a report filter: OData over filterable columns.
func (rep *report[T]) parse(c *call, text string) (odata.Expr, error) {
	if strings.TrimSpace(text) == "" {
		if rep.needs != "" {
			return nil, c.BadRequest("Report '%s' requires a filter on column '%s'.", rep.name, rep.needs)
		}
		return nil, nil
	}
	expr, err := odata.ParseFilter(text)
	if err != nil {
		return nil, c.BadRequest("Invalid filter: %s", err)
	}
	var bad string
	pinned := rep.needs == ""
	expr.Walk(func(e *odata.Comparison) {
		pinned = pinned || e.Path == rep.needs && e.Op == odata.Eq
		if col := rep.column(e.Path); col == nil || !col.filter {
			bad = e.Path
		}
	})
	if bad != "" {
		return nil, c.BadRequest("Column '%s' is not a valid filter of report '%s'.", bad, rep.name)
	}
	if !pinned {
		return nil, c.BadRequest("Report '%s' requires a filter on column '%s'.", rep.name, rep.needs)
	}
	return expr, nil
}

// reportShape is the body of a report action. The service accepts numbers as
// text for top and skip, so both are read by hand.
var reportMembers = []string{"name", "select", "search", "groupBy", "orderBy", "skip", "top", "sessionId", "filter"}

// reportAction serves a report action (contract b.1): JSON labelled
// octet-stream, columns by Schema.
func reportAction[T any](rep *report[T]) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) { return serveReport(c, rep) }
}

func serveReport[T any](c *call, rep *report[T]) (*reply, error) {
	if err := c.onlyParameters(c.Body, reportMembers...); err != nil {
		return nil, err
	}
	skip, top, err := c.reportWindow()
	if err != nil {
		return nil, err
	}
	filter, err := rep.parse(c, text(c.Body, "filter"))
	if err != nil {
		return nil, err
	}
	columns, err := rep.choose(c, texts(c.Body["select"]))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(columns, func(a, b *column[T]) int { return strings.Compare(a.name, b.name) })
	columns = slices.Compact(columns)
	t := rep.run(c.server, filter, columns)
	if err := c.arrangeRows(&t, texts(c.Body["orderBy"]), text(c.Body, "search")); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(t.page(skip, top))
	if err != nil {
		return nil, fmt.Errorf("marshal report: %w", err)
	}
	return &reply{status: http.StatusOK, raw: raw, contentType: "application/octet-stream"}, nil
}

// bodyNumber reads a number that may be written as text.
func (c *call) bodyNumber(name string) (n int, given bool, err error) {
	switch v := c.Body[name].(type) {
	case nil:
		return 0, false, nil
	case json.Number:
		n, err = strconv.Atoi(v.String())
	case string:
		n, err = strconv.Atoi(v)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n < 0 {
		return 0, false, c.BadRequest("Parameter '%s' must be a non-negative integer.", name)
	}
	return n, true, nil
}

type reportPage struct {
	TotalRowCount int
	Schema        []reportColumn
	Values        [][]any
	SessionID     string `json:"SessionId"`
}

type reportColumn struct{ Column, PropertyType string }

// page cuts rows and adds the text twins of enum columns.
func (t table) page(skip, top int) reportPage {
	out := reportPage{TotalRowCount: len(t.rows), Schema: []reportColumn{}, Values: [][]any{}}
	for _, col := range t.columns {
		out.Schema = append(out.Schema, reportColumn{col.name, col.kind})
		if col.words != nil {
			out.Schema = append(out.Schema, reportColumn{col.name + "_loc", "String"})
		}
	}
	from := min(skip, len(t.rows))
	for _, cells := range t.rows[from:min(from+top, len(t.rows))] {
		var values []any
		for i, col := range t.columns {
			v := cells[i]
			if sec, isTime := v.(int64); isTime && col.kind == "DateTime" {
				if v = nil; sec != 0 {
					v = unixUTC(sec).Format("2006-01-02T15:04:05")
				}
			}
			values = append(values, v)
			if n, isInt := cells[i].(int); isInt && col.words != nil {
				values = append(values, col.words[n])
			}
		}
		out.Values = append(out.Values, values)
	}
	return out
}
