// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// memberRef is one member: a user or device by directory index, a group, or a
// service principal by id.
type memberRef struct {
	index     int // -1 for a group or service principal
	group     *group
	principal string
}

// transitive returns the users and devices below a group, by directory index.
// The set is cached and must not be modified.
func (s *Server) transitive(g *group) ids.Bitset {
	if len(g.nested) == 0 {
		return g.direct
	}
	if g.flatGen != s.directoryGen || g.flat == nil {
		g.flat, g.flatGen = ids.NewBitset(len(s.users)+len(s.fleet.devices)), s.directoryGen
		for _, below := range s.groupsBelow(g, true) {
			g.flat.Or(below.direct)
		}
	}
	return g.flat
}

// groupsBelow lists the live groups nested under g, and g itself if asked for.
// Circles end: each group is listed once.
func (s *Server) groupsBelow(g *group, self bool) []*group {
	seen := map[*group]bool{g: true}
	queue, out := []*group{g}, []*group{}
	if self {
		out = append(out, g)
	}
	for len(queue) > 0 {
		for _, n := range queue[0].nested {
			if !seen[n] && n.deleted.IsZero() {
				seen[n] = true
				queue, out = append(queue, n), append(out, n)
			}
		}
		queue = queue[1:]
	}
	return out
}

// memberCast limits a member list to one type.
type memberCast string

const (
	castNone      memberCast = ""
	castDevice    memberCast = "graph.device"
	castUser      memberCast = "graph.user"
	castGroup     memberCast = "graph.group"
	castPrincipal memberCast = "graph.servicePrincipal"
)

var memberCasts = []memberCast{castNone, castDevice, castUser, castGroup, castPrincipal}

// memberSet is what a caller may see of a group's members.
type memberSet struct {
	indices    ids.Bitset // users and devices
	groups     []*group
	principals []principal
}

// visibleMembers are the members as a read of the moment shows them. Members of
// hidden groups are left out, and on v1.0 service principals too (contract-2 x.1,
// x.3): the answer is 200 with less than there is.
func (c *call) visibleMembers(g *group, transitive bool) memberSet {
	if c.hides(g) {
		return memberSet{}
	}
	s := c.server
	var out memberSet
	out.indices, out.groups = s.membersAt(g, transitive, c.membersAsOf())
	out.groups = c.seenGroups(out.groups)
	if c.Beta {
		out.principals = s.principalsIn(g, transitive)
	}
	return out
}

// principalsIn are the service principals in a group.
func (s *Server) principalsIn(g *group, transitive bool) []principal {
	in := slices.Clone(g.principals)
	if transitive {
		for _, n := range s.groupsBelow(g, false) {
			in = append(in, n.principals...)
		}
	}
	return slices.DeleteFunc(s.principals(), func(p principal) bool { return !slices.Contains(in, p.id) })
}

// listMembers serves members and transitiveMembers, plain or cast.
func listMembers(transitive bool, cast memberCast) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) {
		if err := c.AdvancedQuery(&c.Query); err != nil {
			return nil, err
		}
		if cast != castNone && c.Query.Filter != nil && !c.Eventual() {
			return nil, odata.Fail(http.StatusBadRequest, odata.CodeUnsupportedQuery, "OData cast with $filter needs 'ConsistencyLevel: eventual' and $count=true.")
		}
		g, err := c.group()
		if err != nil {
			return nil, err
		}
		return c.listMemberSet(c.visibleMembers(g, transitive), cast)
	}
}

// listMemberSet renders members, plain or cast.
func (c *call) listMemberSet(set memberSet, cast memberCast) (*reply, error) {
	style := listStyle{size: 100, max: 999, refuseAbove: true}
	switch cast {
	case castDevice:
		style.context = "devices"
		return listReply(c, c.Query, c.visibleDevices(), c.server.memberDevices(set.indices, c.listAsOf()), style)
	case castUser:
		style.context = "users"
		return listReply(c, c.Query, c.visibleUsers(), c.server.memberUsers(set.indices), style)
	case castGroup:
		style.context = "groups"
		return listReply(c, c.Query, groupEntity, entity.EachOf(set.groups), style)
	case castPrincipal:
		style.context = "servicePrincipals"
		return listReply(c, c.Query, principalEntity, entity.EachOf(set.principals), style)
	}
	return c.mixedMembers(set, style)
}

// memberDevices yields the devices of a set as a list of the moment shows them. One
// that it does not show yet is a member all the same.
func (s *Server) memberDevices(members ids.Bitset, asOf time.Time) entity.Keyed[deviceView] {
	return func(after int64) iter.Seq2[int64, deviceView] {
		return func(yield func(int64, deviceView) bool) {
			for i := members.Next(max(int(after)+1, len(s.users))); i >= 0; i = members.Next(i + 1) {
				if v, _ := s.deviceAsOf(int32(i-len(s.users)), asOf); !yield(int64(i), v) {
					return
				}
			}
		}
	}
}

func (s *Server) memberUsers(members ids.Bitset) entity.Keyed[userView] {
	return func(after int64) iter.Seq2[int64, userView] {
		return func(yield func(int64, userView) bool) {
			for i := members.Next(int(after) + 1); i >= 0 && i < len(s.users); i = members.Next(i + 1) {
				if !yield(int64(i), userView{s, int32(i)}) {
					return
				}
			}
		}
	}
}

// visibleDevices is the device type as the caller may read it: without a
// device permission every member but the id is null, with status 200
// (contract g: a silent data hole).
func (c *call) visibleDevices() *entity.Type[deviceView] {
	if c.hasAny(rolesReadDevices...) {
		return entraDevice
	}
	return blanked(entraDevice)
}

func (c *call) visibleUsers() *entity.Type[userView] {
	if c.hasAny(rolesReadUsers...) {
		return userEntity
	}
	return blanked(userEntity)
}

func (c *call) visiblePrincipals() *entity.Type[principal] {
	if c.hasAny(rolesReadApplications...) {
		return principalEntity
	}
	return blanked(principalEntity)
}

func (s *Server) principalByID(id string) principal {
	for _, p := range s.principals() {
		if p.id == id {
			return p
		}
	}
	return principal{id: id}
}

func blanked[T any](e *entity.Type[T]) *entity.Type[T] {
	out := &entity.Type[T]{Name: e.Name, Properties: slices.Clone(e.Properties)}
	for i := range out.Properties {
		if out.Properties[i].Name != "id" {
			out.Properties[i].Get = func(T) any { return nil }
		}
	}
	return out
}

// anyMember is a member of any type, for mixed lists.
type anyMember struct {
	c   *call
	ref memberRef
}

// nestedBase is the key of the first nested group in a list: behind all users and
// devices, however many there will be when the next page is read.
const nestedBase = int64(1) << 40

// mixedMembers lists users, then devices, groups and service principals, each
// with @odata.type. $select may name members of any of them, and $filter knows id
// only.
func (c *call) mixedMembers(set memberSet, style listStyle) (*reply, error) {
	style.context = "directoryObjects"
	var others []memberRef
	for _, g := range set.groups {
		others = append(others, memberRef{index: -1, group: g})
	}
	for _, p := range set.principals {
		others = append(others, memberRef{index: -1, principal: p.id})
	}
	items := func(after int64) iter.Seq2[int64, anyMember] {
		return func(yield func(int64, anyMember) bool) {
			for i := set.indices.Next(int(after) + 1); i >= 0; i = set.indices.Next(i + 1) {
				if !yield(int64(i), anyMember{c, memberRef{index: i}}) {
					return
				}
			}
			for k, ref := range others {
				if key := nestedBase + int64(k); key > after && !yield(key, anyMember{c, ref}) {
					return
				}
			}
		}
	}
	ids := &entity.Type[anyMember]{Name: "microsoft.graph.directoryObject", Properties: []entity.Property[anyMember]{
		{Name: "id", Ops: odata.OpsEquality, Get: func(m anyMember) any { return m.id() }},
	}}
	q, selected := c.Query, c.Query.Selected
	q.Selected = nil
	style.decorate = func(key int64, out object) error {
		ref := memberRef{index: int(key)}
		if key >= nestedBase {
			ref = others[key-nestedBase]
		}
		return anyMember{c, ref}.fill(out, selected)
	}
	return listReply(c, q, ids, items, style)
}

func (m anyMember) id() string {
	s := m.c.server
	switch {
	case m.ref.group != nil:
		return m.ref.group.id.String()
	case m.ref.principal != "":
		return m.ref.principal
	case m.ref.index < len(s.users):
		return s.users[m.ref.index].id.String()
	default:
		return s.fleet.devices[m.ref.index-len(s.users)].objectID.String()
	}
}

// fill replaces out by the member's own properties and its type.
func (m anyMember) fill(out object, selected []string) error {
	s := m.c.server
	clear(out)
	switch {
	case m.ref.group != nil:
		return fillAs(m.c, out, groupEntity, m.ref.group, selected)
	case m.ref.principal != "":
		return fillAs(m.c, out, m.c.visiblePrincipals(), s.principalByID(m.ref.principal), selected)
	case m.ref.index < len(s.users):
		return fillAs(m.c, out, m.c.visibleUsers(), userView{s, int32(m.ref.index)}, selected)
	default:
		seen, _ := s.deviceAsOf(int32(m.ref.index-len(s.users)), m.c.listAsOf())
		return fillAs(m.c, out, m.c.visibleDevices(), seen, selected)
	}
}

func fillAs[T any](c *call, out object, e *entity.Type[T], item T, selected []string) error {
	out["@odata.type"] = "#" + e.Name
	if len(selected) == 0 {
		members, err := e.Projection(&c.Request, nil)
		if err != nil {
			return err
		}
		for _, p := range members {
			out[p.Name] = p.Get(item)
		}
		return nil
	}
	for _, name := range selected { // a member of another type is left out
		if p := e.Lookup(name, c.Beta); p != nil {
			out[name] = p.Get(item)
		}
	}
	return nil
}

// countReply serves …/$count as text. It needs the advanced query header, and
// Accept must allow text (contract 0.3, g).
func (c *call) countReply(count func() (int, error)) (*reply, error) {
	if !c.Eventual() {
		return nil, odata.Fail(http.StatusBadRequest, odata.CodeUnsupportedQuery, "$count requires the header 'ConsistencyLevel: eventual'.") // ASSUMED text
	}
	accept := c.HTTP.Header.Get("Accept")
	if accept != "" && !strings.Contains(accept, "text/plain") && !strings.Contains(accept, "*/*") {
		// ASSUMED status and text.
		return nil, odata.Fail(http.StatusUnsupportedMediaType, odata.CodeBadRequest, "A supported MIME type could not be found that matches the acceptable MIME types for the request: $count is text/plain.")
	}
	n, err := count()
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, raw: fmt.Append(nil, n), contentType: "text/plain"}, nil
}

func countMembers(transitive bool, cast memberCast) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) {
		return c.countReply(func() (int, error) {
			g, err := c.group()
			if err != nil {
				return 0, err
			}
			return c.visibleMembers(g, transitive).count(c, cast), nil
		})
	}
}

func (m memberSet) count(c *call, cast memberCast) int {
	devices := 0
	for i := m.indices.Next(len(c.server.users)); i >= 0; i = m.indices.Next(i + 1) {
		devices++
	}
	switch cast {
	case castDevice:
		return devices
	case castUser:
		return m.indices.Count() - devices
	case castGroup:
		return len(m.groups)
	case castPrincipal:
		return len(m.principals)
	}
	return m.indices.Count() + len(m.groups) + len(m.principals)
}
