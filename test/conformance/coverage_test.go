// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// endpoint is a method and a path of the contract with the rows that show it.
type endpoint struct {
	section, method string
	// path has {} for a key; a variable stands for a whole URL.
	path string
	rows []string
}

// refusal is an error of the contract with the rows that show it.
type refusal struct {
	section, what string
	// status of each row; 0 where the error stands inside of another answer.
	status int
	// shown is text of a check of each row: a code, a sentence or a header.
	shown string
	rows  []string
}

// keys are both forms of a key: ('id') and (name='id'). A function call has none.
var keys = regexp.MustCompile(`\(([^()]+)\)`)

// fits tells whether a row's path is of an endpoint.
func fits(path, pattern string) bool {
	path, _, _ = strings.Cut(path, "?")
	if strings.Contains(path, "('") || strings.Contains(path, "='") {
		path = keys.ReplaceAllString(path, "/$1")
	}
	have, want := strings.Split(path, "/"), strings.Split(pattern, "/")
	return slices.EqualFunc(have, want, func(h, w string) bool {
		return h == w || w == "{}" && h != "" || strings.TrimSuffix(bare(h), "()") == strings.TrimSuffix(bare(w), "()")
	})
}

// bare is a segment without the namespace that an operation or a cast may carry.
func bare(segment string) string {
	return strings.TrimPrefix(strings.TrimPrefix(segment, "microsoft."), "graph.")
}

// TestEveryEndpointHasARow holds the table against the endpoints of the contract,
// both ways.
func TestEveryEndpointHasARow(t *testing.T) {
	rows := byName()
	for _, e := range endpoints {
		if len(e.rows) == 0 {
			t.Errorf("contract %s: no row shows %s %s", e.section, e.method, e.path)
		}
		for _, name := range e.rows {
			switch row, known := rows[name]; {
			case !known:
				t.Errorf("contract %s: %s %s names the row %q, which does not exist", e.section, e.method, e.path, name)
			case row.Method != e.method || !fits(row.Path, e.path):
				t.Errorf("contract %s: the row %q is %s %s, not %s %s", e.section, name, row.Method, row.Path, e.method, e.path)
			}
		}
	}
	for _, row := range Table() {
		whole := !strings.HasPrefix(row.Path, "/") // a link that another row saved
		if !whole && row.Status < 400 && !slices.ContainsFunc(endpoints, func(e endpoint) bool { return e.method == row.Method && fits(row.Path, e.path) }) {
			t.Errorf("the row %q shows %s %s, which is not in the list of endpoints", row.Name, row.Method, row.Path)
		}
	}
}

// TestEveryErrorHasARow holds the table against the errors of the contract.
func TestEveryErrorHasARow(t *testing.T) {
	rows := byName()
	for _, e := range refusals {
		if len(e.rows) == 0 {
			t.Errorf("contract %s: no row shows: %s", e.section, e.what)
		}
		for _, name := range e.rows {
			row, known := rows[name]
			if !known {
				t.Errorf("contract %s: %s: the row %q does not exist", e.section, e.what, name)
				continue
			}
			if e.status != 0 && row.Status != e.status {
				t.Errorf("contract %s: %s: the row %q wants %d, not %d", e.section, e.what, name, row.Status, e.status)
			}
			if !slices.ContainsFunc(row.Want, func(check string) bool { return strings.Contains(check, e.shown) }) && e.shown != "" {
				t.Errorf("contract %s: %s: the row %q does not look for %q", e.section, e.what, name, e.shown)
			}
		}
	}
}

// TestEveryStatusHasARow holds the table against "status codes by area" of
// contract n.
func TestEveryStatusHasARow(t *testing.T) {
	for _, area := range []struct {
		name, paths string
		statuses    []int
	}{
		{"settings catalog", `^/beta/deviceManagement/configurationPolicies`, []int{200, 201, 204, 400, 401, 403, 404, 409, 412, 423, 429, 500, 503, 504}},
		{"report actions", `^/beta/deviceManagement/reports/get`, []int{200, 400, 403, 500}},
		{"export jobs", `/deviceManagement/reports/exportJobs`, []int{200, 201, 400, 403, 429}},
		{"managed devices", `/deviceManagement/managedDevices`, []int{200, 204, 400, 403, 404, 429}},
		{"remediations", `^/beta/deviceManagement/deviceHealthScripts`, []int{200, 201, 204, 400, 403, 404, 412}},
		{"assignment filters", `^/beta/deviceManagement/assignmentFilters`, []int{200, 201, 204, 400, 403, 404}},
		{"groups", `^(/v1.0/groups|\{deltaLink\})`, []int{200, 201, 204, 400, 401, 403, 404, 409, 410, 429}},
		{"conditional access", `^/v1.0/identity/conditionalAccess/policies`, []int{200, 201, 204, 400, 403, 404, 429}},
		{"authentication methods", `^/v1.0/policies/authenticationMethodsPolicy`, []int{200, 204, 400, 403}},
		{"sign-ins", `/auditLogs/signIns`, []int{200, 400, 403, 429}},
		{"registration details", `/userRegistrationDetails`, []int{200, 400, 403, 429}},
	} {
		paths := regexp.MustCompile(area.paths)
		for _, status := range area.statuses {
			if !slices.ContainsFunc(Table(), func(row Row) bool { return paths.MatchString(row.Path) && row.Status == status }) {
				t.Errorf("%s: no row expects %d", area.name, status)
			}
		}
	}
}

func TestFits(t *testing.T) {
	for _, tc := range []struct {
		path, pattern string
		want          bool
	}{
		{"/v1.0/groups/{group}", "/v1.0/groups/{}", true},
		{"/v1.0/groups(uniqueName='a')?$select=id", "/v1.0/groups/{}", true},
		{"/v1.0/groups", "/v1.0/groups/{}", false},
		{"/v1.0/groups/{group}/members", "/v1.0/groups/{}", false},
		{"/beta/groups/{group}", "/v1.0/groups/{}", false},
		{"/v1.0/x('{job}')", "/v1.0/x/{}", true},
		{"/v1.0/x/{strength}/usage()", "/v1.0/x/{}/usage()", true},
		{"{archive}", "{archive}", true},
		{"/v1.0/x/{id}/microsoft.graph.assign", "/v1.0/x/{}/assign", true},
		{"/v1.0/x/{id}/members/graph.device", "/v1.0/x/{}/members/microsoft.graph.device", true},
		{"/v1.0/x/{id}/graph.assign", "/v1.0/x/{}/copy", false},
	} {
		if got := fits(tc.path, tc.pattern); got != tc.want {
			t.Errorf("%s of %s: %t, want %t", tc.path, tc.pattern, got, tc.want)
		}
	}
}

func byName() map[string]Row {
	out := map[string]Row{}
	for _, row := range Table() {
		out[row.Name] = row
	}
	return out
}
