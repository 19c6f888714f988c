// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// TargetKind is whom an assignment reaches.
type TargetKind string

// The kinds of contract a.5. TargetOther stands for kinds that are only carried along, TargetUnreadable for an assignment
// without a target that could be sent back.
const (
	TargetGroup            TargetKind = "Group"
	TargetExclusionGroup   TargetKind = "ExclusionGroup"
	TargetAllDevices       TargetKind = "AllDevices"
	TargetAllLicensedUsers TargetKind = "AllLicensedUsers"
	TargetOther            TargetKind = "Other"

	TargetUnreadable TargetKind = "Unreadable"
)

// targetTypes holds the OData type of each kind.
var targetTypes = map[TargetKind]string{
	TargetGroup:            "#microsoft.graph.groupAssignmentTarget",
	TargetExclusionGroup:   "#microsoft.graph.exclusionGroupAssignmentTarget",
	TargetAllDevices:       "#microsoft.graph.allDevicesAssignmentTarget",
	TargetAllLicensedUsers: "#microsoft.graph.allLicensedUsersAssignmentTarget",
}

// Assignment points a policy at a target.
type Assignment struct {
	// ID is given by the server and not sent.
	ID string
	// Kind is whom the assignment reaches.
	Kind TargetKind
	// GroupID is set for the two group kinds.
	GroupID string
	// FilterID and FilterType (include or exclude) name an assignment filter; both empty for none.
	FilterID, FilterType string
	// Source is direct or policySets; the latter are not ours to remove (contract a.5).
	Source string
	// Raw is the target of kind TargetOther as it was read, so that it can be sent back unchanged.
	Raw json.RawMessage
}

// unreadableTarget is an assignment of which there is nothing that could be sent back.
func unreadableTarget(id string) Assignment { return Assignment{ID: id, Kind: TargetUnreadable} }

// wireTarget is an assignment target on the wire.
type wireTarget struct {
	Type       string `json:"@odata.type"`
	GroupID    string `json:"groupId,omitempty"`
	FilterID   string `json:"deviceAndAppManagementAssignmentFilterId,omitempty"`
	FilterType string `json:"deviceAndAppManagementAssignmentFilterType,omitempty"`
}

// wireAssignment is an assignment as it is read.
type wireAssignment struct {
	ID     string          `json:"id"`
	Source string          `json:"source"`
	Target json.RawMessage `json:"target"`
}

// noFilter is one of the ways in which the service says that there is no filter (contract a.5).
const noFilter = "00000000-0000-0000-0000-000000000000"

// assignment converts an assignment from the wire. A target that does not parse is of kind TargetOther as long as it is an
// object: it keeps nobody from reading the others, and from writing them.
func (w wireAssignment) assignment() Assignment {
	var t wireTarget
	if err := json.Unmarshal(w.Target, &t); err != nil || t.Type == "" {
		t = wireTarget{}
		if _, err := membersOf(w.Target); err != nil {
			return unreadableTarget(w.ID)
		}
	}
	a := Assignment{ID: w.ID, Kind: TargetOther, GroupID: t.GroupID, Source: w.Source}
	if t.FilterID != noFilter && !strings.EqualFold(t.FilterType, "none") {
		a.FilterID, a.FilterType = t.FilterID, t.FilterType
	}
	for kind, name := range targetTypes {
		if strings.EqualFold(t.Type, name) {
			a.Kind = kind
		}
	}
	if a.Kind == TargetOther {
		raw, err := compact(w.Target)
		if err != nil {
			return unreadableTarget(w.ID)
		}
		a.Raw = raw
	}
	return a
}

// target renders an assignment's target, or says why it must not be sent.
func (a Assignment) target(op string) (any, error) {
	name, known := targetTypes[a.Kind]
	isGroup := a.Kind == TargetGroup || a.Kind == TargetExclusionGroup
	switch {
	case !known && len(a.Raw) > 0:
		return a.Raw, nil
	case !known:
		return nil, invalid(op, "assignment of kind %q has no target: read it from the tenant or use one of the known kinds", a.Kind)
	case isGroup && strings.TrimSpace(a.GroupID) == "":
		// Left out, an unresolved group would silently widen or narrow the set.
		return nil, invalid(op, "an assignment of kind %s has no group id: resolve the group first", a.Kind)
	case !isGroup && a.GroupID != "":
		return nil, invalid(op, "an assignment of kind %s names group %q: remove one of the two", a.Kind, a.GroupID)
	case (a.FilterID == "") != (a.FilterType == ""):
		return nil, invalid(op, "assignment filter %q has type %q: set both or none", a.FilterID, a.FilterType)
	}
	return wireTarget{Type: name, GroupID: a.GroupID, FilterID: a.FilterID, FilterType: a.FilterType}, nil
}

// Assignments lists the assignments of a policy, unreadable ones among them; that there is none is confirmed by a second read.
func (c *Client) Assignments(ctx context.Context, policyID string) ([]Assignment, error) {
	op := byID(configurationRead("Assignments"))
	if err := needID(op.op, "policy id", policyID); err != nil {
		return nil, err
	}
	return confirmEmpty(ctx, c, op, func() ([]Assignment, error) {
		ri, err := c.betaRequest(abs.GET, policyPath(policyID)+"/assignments", nil, nil)
		if err != nil {
			return nil, invalid(op.op, "%v", err)
		}
		return collectItems(ctx, c, op, ri, func(w wireAssignment, odd error) Assignment {
			if odd != nil {
				return unreadableTarget(w.ID)
			}
			return w.assignment()
		})
	})
}

// Assign replaces all assignments of a policy, foreign ones too, and returns what the tenant then holds. Read
// and merge first (contract a.5). An empty set takes the policy away from everybody.
func (c *Client) Assign(ctx context.Context, policyID string, assignments []Assignment) ([]Assignment, error) {
	op := configurationWrite("Assign", effectIdempotent)
	if err := needID(op.op, "policy id", policyID); err != nil {
		return nil, err
	}
	type sent struct {
		Target any `json:"target"`
	}
	items := make([]sent, len(assignments)) // never null: the service wants an array
	for i, a := range assignments {
		target, err := a.target(op.op)
		if err != nil {
			return nil, err
		}
		items[i] = sent{target}
	}
	ri, err := c.betaRequest(abs.POST, policyPath(policyID)+"/assign", nil, map[string]any{"assignments": items})
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	var page []item[wireAssignment]
	err = c.send(ctx, op, ri, func(resp *http.Response) error {
		var next string
		var err error
		page, next, err = decodePage(newPageReader(resp.Body, c.caps), page[:0])
		if err == nil && next != "" {
			page = nil // More than one page of assignments: read them back instead.
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page) != len(assignments) {
		return c.Assignments(ctx, policyID)
	}
	result := make([]Assignment, len(page))
	for i, w := range page {
		if result[i] = unreadableTarget(w.value.ID); w.odd == nil {
			result[i] = w.value.assignment()
		}
	}
	return result, nil
}
