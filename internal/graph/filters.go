// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// AssignmentFilter narrows assignments to devices that match a rule (contract f).
type AssignmentFilter struct {
	// ID is given by the server.
	ID string `json:"id,omitempty"`
	// DisplayName is for people; Description carries the owner's marker, at most 1,500 characters.
	DisplayName string `json:"displayName,omitempty"`
	Description string `json:"description,omitempty"`
	// Platform is one platform of contract f, such as windows10AndLater. It must fit the policy's and never changes.
	Platform string `json:"platform,omitempty"`
	// Rule is the filter, at most 3,072 characters.
	Rule string `json:"rule,omitempty"`
	// ManagementType is devices (default) or apps.
	ManagementType string `json:"assignmentFilterManagementType,omitempty"`
	// RoleScopeTags defaults to the tag "0". The member is not called roleScopeTagIds here.
	RoleScopeTags []string `json:"roleScopeTags,omitempty"`
	// Extra holds what is not modelled. It is read only.
	Extra Extra `json:"-"`
}

// openFilter is AssignmentFilter without its methods.
type openFilter AssignmentFilter

// UnmarshalJSON implements json.Unmarshaler.
func (f *AssignmentFilter) UnmarshalJSON(raw []byte) error {
	var out openFilter
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*f = AssignmentFilter(out)
	return nil
}

// MarshalJSON implements json.Marshaler. It renders all that was read; what is sent is a filterBody.
func (f AssignmentFilter) MarshalJSON() ([]byte, error) { return encodeOpen(openFilter(f), f.Extra) }

// filterBody is a filter as it is sent. Platform and management type are sent on create only.
type filterBody struct {
	DisplayName    string   `json:"displayName"`
	Description    string   `json:"description"`
	Platform       string   `json:"platform,omitempty"`
	Rule           string   `json:"rule"`
	ManagementType string   `json:"assignmentFilterManagementType,omitempty"`
	RoleScopeTags  []string `json:"roleScopeTags"`
}

// maxRule and maxFilterDescription are in characters (contract f).
const (
	maxRule              = 3072
	maxFilterDescription = 1500
)

// body checks a filter and turns it into what a create sends.
func (f AssignmentFilter) body(op string) (filterBody, error) {
	switch {
	case strings.TrimSpace(f.DisplayName) == "":
		return filterBody{}, invalid(op, "filter displayName is empty: give the filter a name")
	case strings.TrimSpace(f.Rule) == "" || utf8.RuneCountInString(f.Rule) > maxRule:
		return filterBody{}, invalid(op, "rule of filter %q has %d characters: write 1 to %d", f.DisplayName, utf8.RuneCountInString(f.Rule), maxRule)
	case utf8.RuneCountInString(f.Description) > maxFilterDescription:
		return filterBody{}, invalid(op, "description of filter %q has %d characters: write at most %d", f.DisplayName, utf8.RuneCountInString(f.Description), maxFilterDescription)
	case f.Platform == "":
		return filterBody{}, invalid(op, "platform of filter %q is empty: write the platform of the policy, such as windows10AndLater", f.DisplayName)
	}
	kind, tags := f.ManagementType, f.RoleScopeTags
	if kind == "" {
		kind = "devices"
	}
	if len(tags) == 0 {
		tags = []string{"0"}
	}
	return filterBody{DisplayName: f.DisplayName, Description: f.Description, Platform: f.Platform, Rule: f.Rule, ManagementType: kind, RoleScopeTags: tags}, nil
}

// filtersPath is the collection of filters below /beta.
const filtersPath = "/deviceManagement/assignmentFilters"

// filterPath is one filter.
func filterPath(id string) string { return filtersPath + "/" + url.PathEscape(id) }

// AssignmentFilters lists all filters, 200 at most in a tenant.
func (c *Client) AssignmentFilters(ctx context.Context) ([]AssignmentFilter, error) {
	op := configurationRead("AssignmentFilters")
	ri, err := c.betaRequest(abs.GET, filtersPath, nil, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(f AssignmentFilter) error {
		if f.ID == "" {
			return withoutID(op, "filter")
		}
		return nil
	})
}

// AssignmentFilter reads a filter.
func (c *Client) AssignmentFilter(ctx context.Context, id string) (AssignmentFilter, error) {
	op := byID(configurationRead("AssignmentFilter"))
	if err := needID(op.op, "filter id", id); err != nil {
		return AssignmentFilter{}, err
	}
	ri, err := c.betaRequest(abs.GET, filterPath(id), nil, nil)
	if err != nil {
		return AssignmentFilter{}, invalid(op.op, "%v", err)
	}
	return c.oneFilter(ctx, op, ri)
}

// CreateAssignmentFilter makes a filter. A lost answer (OutcomeUnknown) must lead to a look-up by marker (P5).
func (c *Client) CreateAssignmentFilter(ctx context.Context, f AssignmentFilter) (AssignmentFilter, error) {
	op := configurationWrite("CreateAssignmentFilter", effectUnsafe)
	body, err := f.body(op.op)
	if err != nil {
		return AssignmentFilter{}, err
	}
	ri, err := c.betaRequest(abs.POST, filtersPath, nil, body)
	if err != nil {
		return AssignmentFilter{}, invalid(op.op, "%v", err)
	}
	return c.oneFilter(ctx, op, ri)
}

// UpdateAssignmentFilter writes name, description, rule and scope tags. The platform of a filter cannot change
// (ASSUMED, contract f) and is not sent.
func (c *Client) UpdateAssignmentFilter(ctx context.Context, id string, f AssignmentFilter) error {
	op := configurationWrite("UpdateAssignmentFilter", effectIdempotent)
	if err := needID(op.op, "filter id", id); err != nil {
		return err
	}
	body, err := f.body(op.op)
	if err != nil {
		return err
	}
	body.Platform, body.ManagementType = "", ""
	ri, err := c.betaRequest(abs.PATCH, filterPath(id), nil, body)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.send(ctx, op, ri, nil)
}

// DeleteAssignmentFilter deletes a filter. One that is still on an assignment, or was until seconds ago, is Conflict:
// come back later (contract f). One that is not there is NotFound.
func (c *Client) DeleteAssignmentFilter(ctx context.Context, id string) error {
	op := configurationWrite("DeleteAssignmentFilter", effectIdempotent)
	if err := needID(op.op, "filter id", id); err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.DELETE, filterPath(id), nil, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	err = c.erase(ctx, op, ri, func(ctx context.Context) error {
		_, err := c.AssignmentFilter(ctx, id)
		return err
	})
	if e := asError(err); e != nil && e.Kind == KindInvalid && containsFold(e.Message, "associated with existing assignments") {
		e.Kind = KindConflict
	}
	return err
}

// ValidateAssignmentFilter asks the tenant whether a filter's rule is well formed. ASSUMED: a rule that does not
// parse may also come back as a refusal, which then is an Invalid error with the tenant's reason.
func (c *Client) ValidateAssignmentFilter(ctx context.Context, f AssignmentFilter) (bool, error) {
	op := configurationRead("ValidateAssignmentFilter") // a POST that changes nothing
	body, err := f.body(op.op)
	if err != nil {
		return false, err
	}
	ri, err := c.betaRequest(abs.POST, filtersPath+"/validateFilter", nil, map[string]any{"deviceAndAppManagementAssignmentFilter": body})
	if err != nil {
		return false, invalid(op.op, "%v", err)
	}
	valid := false
	err = c.send(ctx, op, ri, func(resp *http.Response) error {
		var raw json.RawMessage
		if err := decodeObject(&raw)(resp); err != nil {
			return err
		}
		var err error
		valid, err = readValidity(raw)
		return err
	})
	return valid, err
}

// readValidity finds isValidRule in the answer, which is the result itself or holds it as its value.
func readValidity(raw []byte) (bool, error) {
	type result struct {
		Valid *bool `json:"isValidRule"`
	}
	var answer struct {
		result
		Value *result `json:"value"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return false, err
	}
	if answer.Value != nil {
		answer.result = *answer.Value
	}
	if answer.Valid == nil {
		return false, errors.New("an answer without isValidRule")
	}
	return *answer.Valid, nil
}

// oneFilter reads an answer that must be a filter with an id.
func (c *Client) oneFilter(ctx context.Context, op call, ri *abs.RequestInformation) (AssignmentFilter, error) {
	var f AssignmentFilter
	if err := c.send(ctx, op, ri, decodeObject(&f)); err != nil {
		return AssignmentFilter{}, err
	}
	if f.ID == "" {
		return AssignmentFilter{}, &Error{Kind: KindTransient, Op: op.op, OutcomeUnknown: op.effect != effectRead,
			Message: "the tenant answered with a filter without an id"}
	}
	return f, nil
}
