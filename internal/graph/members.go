// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// MemberKind is what a group member is.
type MemberKind string

// The kinds that the product tells apart; anything else, such as a service principal, is MemberOther. MemberUnreadable is one
// that the tenant lists and of which it cannot be told who it is.
const (
	MemberDevice MemberKind = "Device"
	MemberUser   MemberKind = "User"
	MemberGroup  MemberKind = "Group"
	MemberOther  MemberKind = "Other"

	MemberUnreadable MemberKind = "Unreadable"
)

// Member is one member of a group.
type Member struct {
	// ID is the directory object id, the only id that can be a group member; empty of one that is unreadable.
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

// TransitiveMembers lists the members of a group and of the groups in it, unreadable ones among them. The index behind the list lags
// recent writes (contract g); that there is nobody is confirmed by a second read.
func (c *Client) TransitiveMembers(ctx context.Context, groupID string) ([]Member, error) {
	op := byID(groupRead("TransitiveMembers", 5))
	if err := needID(op.op, "group id", groupID); err != nil {
		return nil, err
	}
	return confirmEmpty(ctx, c, op, func() ([]Member, error) {
		ri, err := c.groups().ByGroupId(groupID).TransitiveMembers().ToGetRequestInformation(ctx,
			&groups.ItemTransitiveMembersRequestBuilderGetRequestConfiguration{
				QueryParameters: &groups.ItemTransitiveMembersRequestBuilderGetQueryParameters{Select: memberSelect, Top: ptr(directoryPage)}})
		if err != nil {
			return nil, invalid(op.op, "%v", err)
		}
		return c.members(ctx, op, ri)
	})
}

// Members lists the direct members of a group, unreadable ones among them.
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
	return collectItems(ctx, c, op, ri, func(w wireMember, odd error) Member {
		if odd != nil || w.ID == "" {
			return Member{Kind: MemberUnreadable}
		}
		return w.member()
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

// RefusalReason is why the tenant refuses one object as a member.
type RefusalReason string

// The reasons for which one object is refused.
const (
	// RefusedGone: the directory does not have the object, or no more.
	RefusedGone RefusalReason = "Gone"
	// RefusedKind: the object is of a kind that the group does not take.
	RefusedKind RefusalReason = "WrongKind"
	// RefusedForbidden: the application may not make this object a member, though it may others.
	RefusedForbidden RefusalReason = "NotPermitted"
)

// MemberRefusal is one object that the tenant does not take into a group. Asking again gives the same answer until somebody
// changes something.
type MemberRefusal struct {
	// ID is the object id as it was given.
	ID string
	// Reason is why.
	Reason RefusalReason
	// Err is what the tenant said.
	Err error
}

// AddMembers adds directory objects to a group, 20 in a request. Members that are in the group already are left as they are.
// An object that the tenant does not take keeps no other from its place and is among the refused: a request that fails as
// a whole, which is what one bad object does to it (contract-2 x.4), is halved until the bad ones are known, in at most 39
// requests for 20 objects. What would refuse everybody is an error and no refusal: a missing or dynamic group, or
// a missing permission. Who is in is told by the list of members. On an error some of the members may have been added and
// refused holds what is known; adding again is safe.
func (c *Client) AddMembers(ctx context.Context, groupID string, ids []string) (refused []MemberRefusal, err error) {
	op := membersWrite("AddMembers")
	if err := needID(op.op, "group id", groupID); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := needID(op.op, "member id", id); err != nil {
			return nil, err
		}
	}
	a := adding{c: c, op: op, group: groupID}
	listed := false
	for ids = unique(ids); len(ids) > 0; {
		n := min(bindLimit, len(ids))
		err := c.bindMembers(ctx, op, groupID, ids[:n])
		if isAlreadyMember(err) && !listed {
			// One duplicate fails all of a request (contract g). Learn who is in and go on with the others.
			listed = true
			if ids, err = c.missingMembers(ctx, groupID, ids); err != nil {
				return a.refused, err
			}
			continue
		}
		if err := a.settle(ctx, ids[:n], err); err != nil {
			return a.refused, err
		}
		ids = ids[n:]
	}
	return a.refused, nil
}

// adding is one run of AddMembers.
type adding struct {
	c       *Client
	op      call
	group   string
	refused []MemberRefusal
	// works says that the group took somebody, or has somebody: it exists and can be written.
	works bool
}

// settle finds out whom of ids the answer err of a request that named them all is about. Nobody of ids is in when it is an
// error that one object may cause.
func (a *adding) settle(ctx context.Context, ids []string, err error) error {
	if err == nil {
		a.works = true
		return nil
	}
	before := len(a.refused)
	if err := a.halve(ctx, ids, err); err != nil {
		return err
	}
	if a.works || len(a.refused)-before < len(ids) {
		return nil
	}
	// Everybody was refused: the answer may be about the group.
	if groupErr := a.checkGroup(ctx, a.refused[before:]); groupErr != nil {
		a.refused = a.refused[:before]
		return groupErr
	}
	return nil
}

// halve asks again in halves after a request for ids failed with err, down to single objects.
func (a *adding) halve(ctx context.Context, ids []string, err error) error {
	if !isAlreadyMember(err) && refusalOf(err) == "" {
		return err
	}
	if len(ids) == 1 {
		if isAlreadyMember(err) {
			a.works = true
		} else {
			a.refused = append(a.refused, MemberRefusal{ID: ids[0], Reason: refusalOf(err), Err: err})
		}
		return nil
	}
	for _, half := range [][]string{ids[:len(ids)/2], ids[len(ids)/2:]} {
		err := a.c.bindMembers(ctx, a.op, a.group, half)
		if err == nil {
			a.works = true
			continue
		}
		if err := a.halve(ctx, half, err); err != nil {
			return err
		}
	}
	return nil
}

// checkGroup returns the error that makes the group refuse everybody, nil when it is not the group. A permission that is
// missing refuses all alike; a missing group answers as a missing member does; a dynamic group takes no members at all.
func (a *adding) checkGroup(ctx context.Context, refused []MemberRefusal) error {
	reasons := map[RefusalReason]bool{}
	for _, r := range refused {
		reasons[r.Reason] = true
	}
	first := refused[0].Err
	if reasons[RefusedForbidden] && len(reasons) == 1 {
		return first
	}
	g, err := a.c.Group(ctx, a.group)
	switch {
	case KindOf(err) == KindNotFound, err == nil && g.Dynamic():
		return first
	case err != nil:
		return err
	}
	a.works = true
	return nil
}

// refusalOf returns the reason for which an error may be about one object alone, empty when it cannot be (contract-2 x.4).
func refusalOf(err error) RefusalReason {
	switch KindOf(err) {
	case KindNotFound, KindGone:
		return RefusedGone
	case KindInvalid:
		return RefusedKind
	case KindForbidden:
		return RefusedForbidden
	}
	return ""
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

// RemoveMembers removes directory objects from a group, 20 in a request. Objects that are not members, or are gone, are
// passed over; a missing group is an error. One object that fails keeps no other in its place. On an error some of the
// members may have been removed; removing again is safe.
func (c *Client) RemoveMembers(ctx context.Context, groupID string, ids []string) error {
	op := membersWrite("RemoveMembers")
	if err := needID(op.op, "group id", groupID); err != nil {
		return err
	}
	for _, id := range ids {
		if err := needID(op.op, "member id", id); err != nil {
			return err
		}
	}
	var absent []string
	var failed error
	for chunk := range slices.Chunk(unique(ids), batchLimit) {
		gone, left, err := c.removeChunk(ctx, op, groupID, chunk)
		absent = append(absent, gone...)
		if err != nil && failed == nil {
			failed = err
		}
		if left == len(chunk) {
			break // What fails for all of a request would for the others as well.
		}
	}
	if failed != nil {
		return failed
	}
	return c.confirmRemoved(ctx, op, groupID, absent)
}

// removeChunk removes at most 20 objects in one batch. gone are those that the tenant says are no members, left is how many
// could not be removed, and err why the first of them could not.
func (c *Client) removeChunk(ctx context.Context, op call, groupID string, ids []string) (gone []string, left int, err error) {
	if len(ids) == 1 {
		return c.removeOne(ctx, op, groupID, ids[0])
	}
	requests := make([]batchRequest, len(ids))
	for i, id := range ids {
		requests[i] = batchRequest{Method: http.MethodDelete, URL: batchPath("groups", groupID, "members", id, "$ref")}
	}
	for i, result := range c.batch(ctx, op, requests) {
		switch {
		case result.Err == nil:
		case result.Err.Kind == KindNotFound:
			gone = append(gone, ids[i])
		default:
			if left++; err == nil {
				err = result.Err
			}
		}
	}
	return gone, left, err
}

// removeOne is removeChunk for a single object, without the wrapping of a batch.
func (c *Client) removeOne(ctx context.Context, op call, groupID, id string) (gone []string, left int, err error) {
	ri, err := c.groups().ByGroupId(groupID).Members().ByDirectoryObjectId(id).Ref().ToDeleteRequestInformation(ctx, nil)
	if err != nil {
		return nil, 1, invalid(op.op, "%v", err)
	}
	switch err := c.send(ctx, op, ri, nil); {
	case err == nil:
		return nil, 0, nil
	case KindOf(err) == KindNotFound:
		return []string{id}, 0, nil
	default:
		return nil, 1, err
	}
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
