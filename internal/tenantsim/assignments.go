// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

const emptyFilterID = "00000000-0000-0000-0000-000000000000"

// assignmentObjects renders the assignments. The id form is inferred from
// captures (contract a.5): policy id, underscore, target id.
func (p *policy) assignmentObjects() []object {
	out := make([]object, 0, len(p.assignments))
	for _, a := range p.assignments {
		out = append(out, object{"id": p.id.String() + "_" + a.suffix(), "source": "direct", "sourceId": p.id.String(), "target": a.targetObject()})
	}
	return out
}

// suffix identifies the target in an assignment's id.
func (a assignment) suffix() string {
	switch a.kind {
	case targetGroup, targetExclude:
		return a.group.String()
	case targetAllUsers:
		return "acacacac-9df4-4c7d-9d50-4ef0226f57a9" // the fixed id of "all users"
	default:
		return "adadadad-808e-44e2-905a-0b7873a8a531" // the fixed id of "all devices"
	}
}

func (a assignment) targetObject() object {
	target := object{"@odata.type": string(a.kind), "deviceAndAppManagementAssignmentFilterId": orNull(a.filterID),
		"deviceAndAppManagementAssignmentFilterType": a.filterType}
	if a.kind == targetGroup || a.kind == targetExclude {
		target["groupId"] = a.group.String()
	}
	return target
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
	assignShape = shape.Shape{TypeName: "microsoft.graph.assignPostRequestBody", Members: map[string]shape.Member{
		"assignments": {Kind: shape.Objects, Required: true},
	}}
	assignmentShape = shape.Shape{TypeName: "microsoft.graph.deviceManagementConfigurationPolicyAssignment", Members: map[string]shape.Member{
		"id": {Kind: shape.String, ReadOnly: true}, "source": {Kind: shape.String, ReadOnly: true}, "sourceId": {Kind: shape.String, ReadOnly: true},
		"target": {Kind: shape.Object, Required: true},
	}}
)

// assignPolicy replaces the whole set; an empty list clears it (contract a.5).
func assignPolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	delete(c.Body, "@odata.type") // an action body has no type of its own
	if err := assignShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	var next []assignment
	for _, item := range objects(c.Body["assignments"]) {
		if err := assignmentShape.Check(&c.Request, item, true); err != nil {
			return nil, err
		}
		target, _ := item["target"].(map[string]any)
		a, err := c.assignment(target, p.platforms)
		if err != nil {
			return nil, err
		}
		// A group that is included and excluded, and All users beside All devices
		// and groups, are accepted: only the portal prevents them (contract-2 y.1
		// leaves the API open). ASSUMED.
		if slices.ContainsFunc(next, func(o assignment) bool { return o.kind == a.kind && o.group == a.group }) {
			return nil, c.BadRequest("The assignment target '%s' is present more than once.", a.group) // ASSUMED
		}
		next = append(next, a)
	}
	s := c.server
	s.policyTrail.Changing(s.instant(), p)
	s.releaseFilters(p.assignments, next, c.now)
	s.changeAssignments(p, next, c.now)
	c.changed()
	return c.assignmentsReply(p), nil
}

// assignment reads one target for an object of the platforms. Whether a group
// must exist is the scenario's choice.
func (c *call) assignment(target object, platforms platform) (assignment, error) {
	a := assignment{kind: targetKind(text(target, "@odata.type")), filterType: "none"}
	known := []string{"@odata.type", "deviceAndAppManagementAssignmentFilterId", "deviceAndAppManagementAssignmentFilterType"}
	switch a.kind {
	case targetGroup, targetExclude:
		known = append(known, "groupId")
		id, ok := ids.ParseGUID(text(target, "groupId"))
		if !ok { // third-party 14
			return a, c.BadRequest("Invalid GroupId : '%v' provided, a valid AADGroupId is expected.", target["groupId"])
		}
		if g := c.server.groups[id]; c.server.scenario.StrictAssignments && (g == nil || !g.deleted.IsZero()) {
			return a, c.BadRequest("The group '%s' of the assignment target was not found.", id) // ASSUMED
		}
		a.group = id
	case targetAllDevices, targetAllUsers:
	default:
		return a, c.BadRequest("The assignment target type '%s' is not supported.", a.kind)
	}
	for _, name := range sortedKeys(target) {
		if strings.Contains(name, "@odata.") && name != "@odata.type" {
			continue
		}
		if !slices.Contains(known, name) {
			return a, c.BadRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, a.kind)
		}
	}
	return c.assignmentFilter(a, target, platforms)
}

// applyBaseline makes the scenario's foreign policy exist, or removes the one
// of the scenario before.
func (s *Server) applyBaseline() error {
	if s.baselineParts != nil {
		s.baselineParts()
		s.baselineParts = nil
	}
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
