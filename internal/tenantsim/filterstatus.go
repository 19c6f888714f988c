// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// onlyParameters refuses what is no parameter of an action.
func (c *call) onlyParameters(body object, known ...string) error {
	for _, name := range sortedKeys(body) {
		if !slices.Contains(known, name) && name != odata.TypeAnnotation {
			return c.BadRequest("The property '%s' does not exist on the action's parameters.", name)
		}
	}
	return nil
}

// enableFilters switches filters on or off for the tenant (contract f). What a
// tenant does with them off is not known: the switch is remembered and shown.
func enableFilters(c *call) (*reply, error) {
	in := shape.Shape{TypeName: "microsoft.graph.enable", Members: map[string]shape.Member{"enable": {Kind: shape.Bool, Required: true}}}
	if err := in.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	if off := !boolean(c.Body, "enable"); off != c.server.filtersOff {
		c.server.filtersOff = off
		c.changed()
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("microsoft.graph.assignmentFilterState", nil), "enabled": !c.server.filtersOff}}, nil
}

// filterStatus is getAssignmentFiltersStatusDetails: what the filters of one
// payload's assignments say about one device. The columns follow the metadata of
// assignmentFilterEvaluationSummary and are ASSUMED.
func filterStatus(c *call) (*reply, error) {
	if err := c.onlyParameters(c.Body, "managedDeviceId", "payloadId", "userId", "assignmentFilterIds", "skip", "top"); err != nil {
		return nil, err
	}
	skip, top, err := c.reportWindow() // ASSUMED: top is required, as b.1
	if err != nil {
		return nil, err
	}
	id, _ := ids.ParseGUID(text(c.Body, "managedDeviceId"))
	i, known := c.server.managed[id]
	if !known {
		return nil, c.NotFound(text(c.Body, "managedDeviceId"))
	}
	assignments, found := c.server.payload(text(c.Body, "payloadId"))
	if !found {
		return nil, c.NotFound(text(c.Body, "payloadId"))
	}
	raw, err := json.Marshal(c.filterVerdicts(i, assignments).page(skip, top))
	if err != nil {
		return nil, fmt.Errorf("marshal the status: %w", err)
	}
	return &reply{status: http.StatusOK, raw: raw, contentType: "application/octet-stream"}, nil
}

// payload finds the assignments of a policy or a remediation.
func (s *Server) payload(id string) ([]assignment, bool) {
	key, _ := ids.ParseGUID(id)
	if p := s.policyByID[key]; p != nil {
		return p.assignments, true
	}
	if r := s.remediations.Get(id); r != nil {
		return r.targets(), true
	}
	return nil, false
}

// filterVerdicts has one row for each filter that the assignments use. A device
// that never checked in was not evaluated (contract f).
func (c *call) filterVerdicts(i int32, assignments []assignment) table {
	wanted := texts(c.Body["assignmentFilterIds"])
	t := table{}
	for _, name := range []string{"AssignmentFilterId", "AssignmentFilterDisplayName", "AssignmentFilterPlatform", "AssignmentFilterType", "EvaluationResult", "EvaluationDateTime"} {
		kind := "String"
		if name == "EvaluationDateTime" {
			kind = "DateTime"
		}
		t.columns = append(t.columns, tableColumn{name, kind, nil})
	}
	d := &c.server.fleet.devices[i]
	var seen []string
	for _, a := range assignments {
		f := c.server.filters.Get(a.filterID)
		if f == nil || a.filterType == "none" || slices.Contains(seen, f.ID) || len(wanted) > 0 && !slices.Contains(wanted, f.ID) {
			continue
		}
		seen = append(seen, f.ID)
		verdict := "notMatch"
		switch {
		case d.lastSync == 0:
			verdict = "notEvaluated"
		case f.devicesOf(c.server).Has(int(i)):
			verdict = "match"
		}
		t.rows = append(t.rows, []any{f.ID, f.displayName, f.platform, a.filterType, verdict, d.lastSync})
	}
	return t
}
