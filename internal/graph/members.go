// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// MemberKind is what a group member is.
type MemberKind string

// The kinds that the product tells apart; anything else, such as a service principal, is MemberOther.
const (
	MemberDevice MemberKind = "Device"
	MemberUser   MemberKind = "User"
	MemberGroup  MemberKind = "Group"
	MemberOther  MemberKind = "Other"
)

// Member is one member of a group.
type Member struct {
	// ID is the directory object id, the only id that can be a group member.
	ID string
	// Kind is what the member is.
	Kind MemberKind
	// DeviceID is the Entra device id of a device, the one that Intune calls azureADDeviceId. It is empty when
	// the application may not read devices: Graph then answers 200 with nulls (contract g).
	DeviceID string
}

// wireMember is a directory object in a list of members.
type wireMember struct {
	Type     string `json:"@odata.type"`
	ID       string `json:"id"`
	DeviceID string `json:"deviceId"`
}

// member converts a directory object.
func (w wireMember) member() Member {
	m := Member{ID: w.ID, Kind: MemberOther}
	switch strings.ToLower(strings.TrimPrefix(w.Type, "#microsoft.graph.")) {
	case "device":
		m.Kind, m.DeviceID = MemberDevice, w.DeviceID
	case "user":
		m.Kind = MemberUser
	case "group":
		m.Kind = MemberGroup
	}
	return m
}

// memberSelect lists the members that a Member is read from. ASSUMED: deviceId may be selected on a mixed list.
var memberSelect = []string{"id", "deviceId"}

// TransitiveMembers lists the members of a group and of the groups in it. The index behind the list lags
// recent writes (contract g).
func (c *Client) TransitiveMembers(ctx context.Context, groupID string) ([]Member, error) {
	op := byID(groupRead("TransitiveMembers", 5))
	if err := needID(op.op, "group id", groupID); err != nil {
		return nil, err
	}
	ri, err := c.groups().ByGroupId(groupID).TransitiveMembers().ToGetRequestInformation(ctx,
		&groups.ItemTransitiveMembersRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.ItemTransitiveMembersRequestBuilderGetQueryParameters{Select: memberSelect, Top: ptr(directoryPage)}})
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return c.members(ctx, op, ri)
}

// Members lists the direct members of a group.
func (c *Client) Members(ctx context.Context, groupID string) ([]Member, error) {
	op := byID(groupRead("Members", 3))
	if err := needID(op.op, "group id", groupID); err != nil {
		return nil, err
	}
	ri, err := c.groups().ByGroupId(groupID).Members().ToGetRequestInformation(ctx,
		&groups.ItemMembersRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.ItemMembersRequestBuilderGetQueryParameters{Select: memberSelect, Top: ptr(directoryPage)}})
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return c.members(ctx, op, ri)
}

// members reads a list of members to its end.
func (c *Client) members(ctx context.Context, op call, ri *abs.RequestInformation) ([]Member, error) {
	return collectAs(ctx, c, op, ri, func(w wireMember) (Member, error) {
		if w.ID == "" {
			return Member{}, withoutID(op, "member")
		}
		return w.member(), nil
	})
}

// membersWrite describes a change of members. Devices as members need a permission of their own (contract g).
func membersWrite(op string) call {
	c := groupWrite(op)
	c.permissions = []string{"GroupMember.ReadWrite.All", "Device.ReadWrite.All"}
	return c
}

// bindLimit is how many members one PATCH may add (contract g).
const bindLimit = 20

// AddMembers adds directory objects to a group, 20 in a request. Members that are in the group already are
// left as they are, and objects that the directory does not have are passed over: a device that was deleted keeps
// no other from its place. Who is in is told by the list of members. On an error some of the members may have been
// added; adding again is safe.
func (c *Client) AddMembers(ctx context.Context, groupID string, ids []string) error {
	op := membersWrite("AddMembers")
	if err := needID(op.op, "group id", groupID); err != nil {
		return err
	}
	for _, id := range ids {
		if err := needID(op.op, "member id", id); err != nil {
			return err
		}
	}
	listed := false
	for ids = unique(ids); len(ids) > 0; {
		n := min(bindLimit, len(ids))
		err := c.bindMembers(ctx, op, groupID, ids[:n])
		switch {
		case isAlreadyMember(err) && !listed:
			// One duplicate fails all of a request (contract g). Learn who is in and go on with the others.
			listed = true
			if ids, err = c.missingMembers(ctx, groupID, ids); err != nil {
				return err
			}
			continue
		case isAlreadyMember(err), KindOf(err) == KindNotFound:
			// The list was late, or one object is gone (contract-2 x.4).
			err = c.addEach(ctx, op, groupID, ids[:n])
		}
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// addEach adds members one by one and passes over those that are in already and those that do not exist. The answer to one
// that does not exist is also that of a missing group: when it came for all of them, the group is looked at.
func (c *Client) addEach(ctx context.Context, op call, groupID string, ids []string) error {
	var notFound error
	known := false
	for _, id := range ids {
		err := c.bindMembers(ctx, op, groupID, []string{id})
		switch {
		case err == nil, isAlreadyMember(err):
			known = true
		case KindOf(err) == KindNotFound:
			notFound = err
		default:
			return err
		}
	}
	if known || notFound == nil {
		return nil
	}
	switch _, err := c.Group(ctx, groupID); KindOf(err) {
	case KindNotFound:
		return notFound
	default:
		return err
	}
}

// bindMembers sends one PATCH with at most 20 members.
func (c *Client) bindMembers(ctx context.Context, op call, groupID string, ids []string) error {
	links := make([]string, len(ids))
	for i, id := range ids {
		// The link must name the same host as the request (contract l.4).
		links[i] = c.hosts.graph.String() + "/v1.0/directoryObjects/" + id
	}
	body := models.NewGroup()
	body.SetOdataType(nil)
	body.SetAdditionalData(map[string]any{"members@odata.bind": links})
	ri, err := c.groups().ByGroupId(groupID).ToPatchRequestInformation(ctx, body, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.send(ctx, op, ri, nil)
}

// isAlreadyMember recognises the refusal of a duplicate. Its code is that of any bad request, so the text has
// to be read (contract g).
func isAlreadyMember(err error) bool {
	e := asError(err)
	return e != nil && e.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "already exist")
}

// missingMembers returns those of ids that are not direct members, in their order.
func (c *Client) missingMembers(ctx context.Context, groupID string, ids []string) ([]string, error) {
	current, err := c.Members(ctx, groupID)
	if err != nil {
		return nil, err
	}
	in := make(map[string]bool, len(current))
	for _, m := range current {
		in[strings.ToLower(m.ID)] = true
	}
	var missing []string
	for _, id := range ids {
		if !in[strings.ToLower(id)] {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// RemoveMembers removes directory objects from a group. Objects that are not members are passed over, a
// missing group is an error. On an error some of the members may have been removed; removing again is safe.
func (c *Client) RemoveMembers(ctx context.Context, groupID string, ids []string) error {
	op := membersWrite("RemoveMembers")
	if err := needID(op.op, "group id", groupID); err != nil {
		return err
	}
	var absent []string
	for _, id := range unique(ids) {
		if err := needID(op.op, "member id", id); err != nil {
			return err
		}
		ri, err := c.groups().ByGroupId(groupID).Members().ByDirectoryObjectId(id).Ref().ToDeleteRequestInformation(ctx, nil)
		if err != nil {
			return invalid(op.op, "%v", err)
		}
		err = c.send(ctx, op, ri, nil)
		if KindOf(err) == KindNotFound {
			absent = append(absent, id)
			continue
		}
		if err != nil {
			return err
		}
	}
	return c.confirmRemoved(ctx, op, groupID, absent)
}

// confirmRemoved looks for the members of which the tenant said that they are none. The same answer may mean that the
// group is missing, or come from a replica that is behind; a device that is taken for removed and is not keeps its policy.
func (c *Client) confirmRemoved(ctx context.Context, op call, groupID string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	gone, err := c.missingMembers(ctx, groupID, ids)
	if err != nil || len(gone) == len(ids) {
		return err
	}
	return &Error{Kind: KindTransient, Op: op.op, Message: fmt.Sprintf(
		"the tenant said of %d objects that they are no members, and then listed %d of them: remove them again", len(ids), len(ids)-len(gone))}
}

// unique drops repeated ids and keeps the order; ids compare without regard to case.
func unique(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	var out []string
	for _, id := range ids {
		key := strings.ToLower(id)
		if !seen[key] {
			seen[key] = true
			out = append(out, id)
		}
	}
	return out
}
