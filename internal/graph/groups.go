// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/groupswithuniquename"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// Group is an Entra group.
type Group struct {
	// ID is the object id.
	ID string `json:"id,omitempty"`
	// DisplayName is not unique in a tenant.
	DisplayName string `json:"displayName,omitempty"`
	// UniqueName is the alternate key by which a group is upserted; most groups have none.
	UniqueName string `json:"uniqueName,omitempty"`
	// Description is free text.
	Description string `json:"description,omitempty"`
	// SecurityEnabled is true for groups that can hold an assignment.
	SecurityEnabled bool `json:"securityEnabled,omitempty"`
	// MembershipRule is set on dynamic groups, which refuse writes of members (contract g).
	MembershipRule string `json:"membershipRule,omitempty"`
	// MembershipRuleProcessingState is On or Paused for a dynamic group; Paused keeps the members of that day
	// (contract-2 x.2).
	MembershipRuleProcessingState string `json:"membershipRuleProcessingState,omitempty"`
	// GroupTypes has Unified for a Microsoft 365 group and DynamicMembership for a dynamic one.
	GroupTypes []string `json:"groupTypes,omitempty"`
	// Visibility is Private, Public or HiddenMembership, of which the members may not be listed (contract-2 x.3).
	Visibility string `json:"visibility,omitempty"`
	// Extra holds what is not modelled. It is read only.
	Extra Extra `json:"-"`
	// Unreadable is why a part of a group of a list could not be read, nil when all was. ID may be empty then.
	Unreadable error `json:"-"`
}

// Dynamic says whether a rule decides who is a member.
func (g *Group) Dynamic() bool {
	return g.MembershipRule != "" || slices.Contains(g.GroupTypes, "DynamicMembership")
}

// openGroup is Group without its methods.
type openGroup Group

// UnmarshalJSON implements json.Unmarshaler.
func (g *Group) UnmarshalJSON(raw []byte) error {
	var out openGroup
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		*g = Group{ID: out.ID, DisplayName: out.DisplayName}
		return err
	}
	out.Extra = extra
	*g = Group(out)
	return nil
}

// MarshalJSON implements json.Marshaler. It renders all that was read; a write goes out as a model of its own.
func (g Group) MarshalJSON() ([]byte, error) { return encodeOpen(openGroup(g), g.Extra) }

// GroupSpec is what UpsertGroup makes true of a group.
type GroupSpec struct {
	// DisplayName has 1 to 256 characters (contract g).
	DisplayName string
	// Description is sent when it is not empty.
	Description string
}

// groupSelect lists the members that a Group is read from.
var groupSelect = []string{"id", "displayName", "uniqueName", "description", "securityEnabled", "membershipRule",
	"membershipRuleProcessingState", "groupTypes", "visibility"}

// directoryPage is the largest page of directory lists (contract k.2).
const directoryPage int32 = 999

// groupRead and groupWrite describe calls on groups (contract g, l.5).
func groupRead(op string, units int) call {
	return call{op: op, class: classDirectory, effect: effectRead, units: units, permissions: []string{"GroupMember.Read.All"}}
}

func groupWrite(op string) call {
	return call{op: op, class: classDirectory, effect: effectIdempotent, units: 1, permissions: []string{"Group.ReadWrite.All"}}
}

// groups starts a typed request below /v1.0/groups. A builder keeps its parameters, so each request has its own.
func (c *Client) groups() *groups.GroupsRequestBuilder {
	return groups.NewGroupsRequestBuilderInternal(map[string]string{}, c.adapter)
}

// Group reads a group by its object id.
func (c *Client) Group(ctx context.Context, id string) (Group, error) {
	op := byID(groupRead("Group", 1))
	if err := needID(op.op, "group id", id); err != nil {
		return Group{}, err
	}
	ri, err := c.groups().ByGroupId(id).ToGetRequestInformation(ctx, &groups.GroupItemRequestBuilderGetRequestConfiguration{
		QueryParameters: &groups.GroupItemRequestBuilderGetQueryParameters{Select: groupSelect}})
	if err != nil {
		return Group{}, invalid(op.op, "%v", err)
	}
	return c.oneGroup(ctx, op, ri)
}

// GroupsByDisplayName lists the groups of exactly this display name. Names are not unique, so the caller
// decides what none or several mean; one that cannot be read, and may have the name, is among them. None is confirmed by a second read; a search may be minutes behind all the same.
func (c *Client) GroupsByDisplayName(ctx context.Context, name string) ([]Group, error) {
	op := groupRead("GroupsByDisplayName", 1)
	if err := needID(op.op, "display name", name); err != nil {
		return nil, err
	}
	return confirmEmpty(ctx, c, op, func() ([]Group, error) { return c.groupsByDisplayName(ctx, op, name) })
}

func (c *Client) groupsByDisplayName(ctx context.Context, op call, name string) ([]Group, error) {
	ri, err := c.groups().ToGetRequestInformation(ctx, &groups.GroupsRequestBuilderGetRequestConfiguration{
		QueryParameters: &groups.GroupsRequestBuilderGetQueryParameters{Filter: ptr("displayName eq " + quote(name)), Select: groupSelect}})
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	var found []Group
	err = listItems(ctx, c, op, ri, func(g Group, odd error) error {
		if g.Unreadable = odd; odd == nil && g.ID == "" {
			g.Unreadable = withoutID(op, "group")
		}
		// The directory compares without regard to case; so do we, and trust nothing else that comes along.
		if strings.EqualFold(g.DisplayName, name) || g.Unreadable != nil && g.DisplayName == "" {
			found = append(found, g)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// uniqueNamePattern keeps unique names to characters that need no escape inside an OData key.
// ASSUMED: the length; the contract's sources name none (contract p).
var uniqueNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$`)

// GroupByUniqueName reads a group by its alternate key.
func (c *Client) GroupByUniqueName(ctx context.Context, uniqueName string) (Group, error) {
	op := byID(groupRead("GroupByUniqueName", 1))
	if !uniqueNamePattern.MatchString(uniqueName) {
		return Group{}, invalid(op.op, "unique name %q: use 1 to 120 letters, digits, dots, dashes and underscores", uniqueName)
	}
	return c.groupByUniqueName(ctx, op, uniqueName)
}

// groupByUniqueName reads a group by a name that is known to be well formed.
func (c *Client) groupByUniqueName(ctx context.Context, op call, uniqueName string) (Group, error) {
	b := groupswithuniquename.NewGroupsWithUniqueNameRequestBuilderInternal(map[string]string{}, c.adapter, &uniqueName)
	ri, err := b.ToGetRequestInformation(ctx, &groupswithuniquename.GroupsWithUniqueNameRequestBuilderGetRequestConfiguration{
		QueryParameters: &groupswithuniquename.GroupsWithUniqueNameRequestBuilderGetQueryParameters{Select: groupSelect}})
	if err != nil {
		return Group{}, invalid(op.op, "%v", err)
	}
	return c.oneGroup(ctx, op, ri)
}

// oneGroup reads an answer that must be a group with an id.
func (c *Client) oneGroup(ctx context.Context, op call, ri *abs.RequestInformation) (Group, error) {
	var g Group
	if err := c.send(ctx, op, ri, decodeObject(&g)); err != nil {
		return Group{}, err
	}
	if g.ID == "" {
		return Group{}, &Error{Kind: KindTransient, Op: op.op, Message: "the tenant answered with a group without an id"}
	}
	return g, nil
}

// readBackAttempts is how often a group is looked up after its upsert: replicas lag for some seconds
// (contract g), the caller's next reconcile covers longer lags.
const readBackAttempts = 4

// UpsertGroup creates the security group of a unique name, or updates name and description of the one that
// exists; repeating it never makes a twin (P5, contract g). created tells which of the two happened in the last
// request. A group that was written but cannot be read yet is a Transient error: call again.
func (c *Client) UpsertGroup(ctx context.Context, uniqueName string, spec GroupSpec) (g Group, created bool, err error) {
	op := groupWrite("UpsertGroup")
	if !uniqueNamePattern.MatchString(uniqueName) {
		return Group{}, false, invalid(op.op, "unique name %q: use 1 to 120 letters, digits, dots, dashes and underscores", uniqueName)
	}
	if n := len([]rune(spec.DisplayName)); n == 0 || n > 256 {
		return Group{}, false, invalid(op.op, "display name %q has %d characters: use 1 to 256", spec.DisplayName, n)
	}
	ri, err := c.upsertRequest(ctx, uniqueName, spec)
	if err != nil {
		return Group{}, false, invalid(op.op, "%v", err)
	}
	err = c.send(ctx, op, ri, func(resp *http.Response) error {
		created = resp.StatusCode == http.StatusCreated
		if !created {
			return c.wantNothing(op, resp)
		}
		return decodeObject(&g)(resp)
	})
	if err != nil {
		return Group{}, false, err
	}
	if created && g.ID != "" {
		return g, true, nil
	}
	g, err = c.readBack(ctx, op, uniqueName)
	return g, created, err
}

// upsertRequest builds the PATCH with the whole body of a create, which an upsert needs (contract g). The
// model is fresh: a model that was read before sends nothing of what is set on it afterwards.
func (c *Client) upsertRequest(ctx context.Context, uniqueName string, spec GroupSpec) (*abs.RequestInformation, error) {
	body := models.NewGroup()
	body.SetDisplayName(&spec.DisplayName)
	if spec.Description != "" {
		body.SetDescription(&spec.Description)
	}
	body.SetMailEnabled(ptr(false))
	body.SetMailNickname(ptr(mailNickname(uniqueName)))
	body.SetSecurityEnabled(ptr(true))
	b := groupswithuniquename.NewGroupsWithUniqueNameRequestBuilderInternal(map[string]string{}, c.adapter, &uniqueName)
	ri, err := b.ToPatchRequestInformation(ctx, body, nil)
	if err != nil {
		return nil, err
	}
	ri.Headers.Add("Prefer", "create-if-missing")
	return ri, nil
}

// mailNickname derives the required nickname, at most 64 characters (contract g). The end is kept: there a
// generated name differs from its siblings.
func mailNickname(uniqueName string) string {
	if len(uniqueName) > 64 {
		uniqueName = uniqueName[len(uniqueName)-64:]
	}
	return strings.TrimLeft(uniqueName, ".-_")
}

// readBack finds the group that an upsert wrote.
func (c *Client) readBack(ctx context.Context, op call, uniqueName string) (Group, error) {
	read := op
	read.effect = effectRead
	for n := 0; ; n++ {
		g, err := c.groupByUniqueName(ctx, read, uniqueName)
		if err == nil || KindOf(err) != KindNotFound {
			return g, err
		}
		if n+1 == readBackAttempts {
			return Group{}, &Error{Kind: KindTransient, Op: op.op,
				Message: "the group " + uniqueName + " was written but is not readable yet", Err: err}
		}
		if err := sleep(ctx, c.cfg.Clock, min(c.cfg.RetryBase<<n, c.cfg.RetryCap)); err != nil {
			return Group{}, &Error{Kind: KindTransient, Op: op.op, Message: err.Error(), Err: err}
		}
	}
}

// DeleteGroup moves a group to the recycle bin of the directory, where it stays for 30 days (contract g).
func (c *Client) DeleteGroup(ctx context.Context, id string) error {
	op := groupWrite("DeleteGroup")
	if err := needID(op.op, "group id", id); err != nil {
		return err
	}
	ri, err := c.groups().ByGroupId(id).ToDeleteRequestInformation(ctx, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.erase(ctx, op, ri, func(ctx context.Context) error {
		_, err := c.Group(ctx, id)
		return err
	})
}
