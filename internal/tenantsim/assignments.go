// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"
)

const emptyFilterID = "00000000-0000-0000-0000-000000000000"

// assignmentObjects renders the assignments. The id form is inferred from
// captures (contract a.5): policy id, underscore, target id.
func (p *policy) assignmentObjects() []object {
	out := make([]object, 0, len(p.assignments))
	for _, a := range p.assignments {
		target := object{"@odata.type": string(a.kind), "deviceAndAppManagementAssignmentFilterId": orNull(a.filterID),
			"deviceAndAppManagementAssignmentFilterType": a.filterType}
		suffix := "adadadad-808e-44e2-905a-0b7873a8a531" // the fixed id of "all devices"
		switch a.kind {
		case targetGroup, targetExclude:
			target["groupId"] = a.group.String()
			suffix = a.group.String()
		case targetAllUsers:
			suffix = "acacacac-9df4-4c7d-9d50-4ef0226f57a9"
		}
		out = append(out, object{"id": p.id.String() + "_" + suffix, "source": "direct", "sourceId": p.id.String(), "target": target})
	}
	return out
}

func (c *call) assignmentsReply(p *policy) *reply {
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("deviceManagement/configurationPolicies('"+p.id.String()+"')/assignments", nil),
		"value":          p.assignmentObjects(),
	}}
}

func listAssignments(c *call) (*reply, error) {
	p, err := c.seenPolicy()
	if err != nil {
		return nil, err
	}
	return c.assignmentsReply(p), nil
}

var (
	assignShape = shape{typeName: "microsoft.graph.assignPostRequestBody", members: map[string]member{
		"assignments": {kind: kindObjects, required: true},
	}}
	assignmentShape = shape{typeName: "microsoft.graph.deviceManagementConfigurationPolicyAssignment", members: map[string]member{
		"id": {kind: kindString, readOnly: true}, "source": {kind: kindString, readOnly: true}, "sourceId": {kind: kindString, readOnly: true},
		"target": {kind: kindObject, required: true},
	}}
)

// assignPolicy replaces the whole set; an empty list clears it (contract a.5).
func assignPolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	delete(c.body, "@odata.type") // an action body has no type of its own
	if err := assignShape.check(c, c.body, true); err != nil {
		return nil, err
	}
	var next []assignment
	for _, item := range objects(c.body["assignments"]) {
		if err := assignmentShape.check(c, item, true); err != nil {
			return nil, err
		}
		target, _ := item["target"].(map[string]any)
		a, err := c.assignment(target)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(next, func(o assignment) bool { return o.kind == a.kind && o.group == a.group }) {
			return nil, c.badRequest("The assignment target '%s' is present more than once.", a.group) // ASSUMED
		}
		next = append(next, a)
	}
	s := c.server
	s.policyTrail.changing(s, p)
	s.retarget(func() { p.assignments = next })
	c.changed()
	return c.assignmentsReply(p), nil
}

// assignment reads one target. A group must exist: Intune resolves it.
func (c *call) assignment(target object) (assignment, error) {
	a := assignment{kind: targetKind(text(target, "@odata.type")), filterType: "none"}
	known := []string{"@odata.type", "deviceAndAppManagementAssignmentFilterId", "deviceAndAppManagementAssignmentFilterType"}
	switch a.kind {
	case targetGroup, targetExclude:
		known = append(known, "groupId")
		id, ok := parseGUID(text(target, "groupId"))
		if !ok {
			return a, c.badRequest("Property 'groupId' of the assignment target is not a GUID: '%v'.", target["groupId"])
		}
		if g := c.server.groups[id]; g == nil || !g.deleted.IsZero() {
			return a, c.badRequest("The group '%s' of the assignment target was not found.", id) // ASSUMED
		}
		a.group = id
	case targetAllDevices, targetAllUsers:
	default:
		return a, c.badRequest("The assignment target type '%s' is not supported.", a.kind)
	}
	for _, name := range sortedKeys(target) {
		if !slices.Contains(known, name) {
			return a, c.badRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, a.kind)
		}
	}
	return c.assignmentFilter(a, target)
}

// assignmentFilter reads the filter of a target. No filter exists in this
// tenant yet, so only "none" is valid; exclusion targets take none at all.
func (c *call) assignmentFilter(a assignment, target object) (assignment, error) {
	id, kind := text(target, "deviceAndAppManagementAssignmentFilterId"), text(target, "deviceAndAppManagementAssignmentFilterType")
	switch {
	case kind != "" && !slices.Contains([]string{"none", "include", "exclude"}, kind):
		return a, c.badRequest("Cannot convert the literal '%s' to the expected type 'microsoft.graph.deviceAndAppManagementAssignmentFilterType'.", kind)
	case id != "" && id != emptyFilterID, kind == "include", kind == "exclude":
		return a, c.badRequest("The assignment filter '%s' was not found.", id)
	}
	a.filterID = id
	return a, nil
}

// applyBaseline makes the scenario's foreign policy exist, or removes the one
// of the scenario before.
func (s *Server) applyBaseline() error {
	if s.baseline != nil {
		if _, exists := s.policyByID[s.baseline.id]; exists {
			s.removePolicy(s.baseline)
		}
		s.baseline = nil
	}
	if s.scenario.ConflictingBaseline == nil {
		return nil
	}
	return s.addBaseline(*s.scenario.ConflictingBaseline)
}
