// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// groupRoutes are what directoryRoutes does not list of groups: owners, the
// groups that hold an object, and look-ups of many ids.
func groupRoutes() []route {
	owners := []route{{method: del, pattern: "groups/{id}/owners/{owner}/$ref", roles: append([]string{"Group.Create"}, rolesWriteGroups...), handle: removeOwner}}
	for _, cast := range []memberCast{castNone, castUser, castPrincipal} {
		path := castPath("groups/{id}/owners", cast)
		owners = append(owners,
			route{method: get, pattern: path, roles: rolesReadGroups, query: odata.OptList, handle: listOwners(cast)},
			route{method: get, pattern: path + "/$count", roles: rolesReadGroups, handle: countOwners(cast)})
	}
	out := append(owners, route{method: post, pattern: "directoryObjects/getByIds", roles: rolesReadObjects, handle: getByIDs})
	for _, start := range []string{"users", "devices", "groups"} {
		for _, name := range []string{"memberOf", "transitiveMemberOf"} {
			for _, cast := range []memberCast{castNone, castGroup} {
				path := castPath(start+"/{id}/"+name, cast)
				of := memberOf{start, name != "memberOf", cast}
				out = append(out,
					route{method: get, pattern: path, roles: rolesReadGroups, query: odata.OptList, handle: of.list},
					route{method: get, pattern: path + "/$count", roles: rolesReadGroups, handle: of.count})
			}
		}
	}
	return out
}

func castPath(path string, cast memberCast) string {
	if cast == castNone {
		return path
	}
	return path + "/" + string(cast)
}

// memberOf serves the groups that hold a user, device or group.
type memberOf struct {
	start      string
	transitive bool
	cast       memberCast
}

func (m memberOf) list(c *call) (*reply, error) {
	if err := c.AdvancedQuery(&c.Query); err != nil {
		return nil, err
	}
	ref, err := m.object(c)
	if err != nil {
		return nil, err
	}
	return c.listMemberSet(memberSet{groups: c.groupsWith(ref, m.transitive)}, m.cast)
}

func (m memberOf) count(c *call) (*reply, error) {
	return c.countReply(func() (int, error) {
		ref, err := m.object(c)
		if err != nil {
			return 0, err
		}
		return len(c.groupsWith(ref, m.transitive)), nil
	})
}

// object finds what the path names.
func (m memberOf) object(c *call) (memberRef, error) {
	s, key := c.server, c.params["id"]
	switch m.start {
	case "users":
		if i, found := s.findUser(key); found {
			return memberRef{index: int(i)}, nil
		}
	case "devices":
		if v, seen := c.seenDevice(key); seen {
			return memberRef{index: len(s.users) + int(v.i)}, nil
		}
	default:
		g, err := c.group()
		return memberRef{index: -1, group: g}, err
	}
	return memberRef{}, c.NotFound(key)
}

// groupsWith are the live groups that hold an object, in the order of their
// making, as a read of the moment shows them. A group whose membership is hidden
// from the caller is left out without a word.
func (c *call) groupsWith(ref memberRef, transitive bool) []*group {
	asOf := c.membersAsOf()
	found := map[*group]bool{}
	holds := func(g *group) bool {
		members, groups := c.server.membersAt(g, false, asOf)
		return ref.group == nil && members.Has(ref.index) ||
			slices.ContainsFunc(groups, func(n *group) bool { return n == ref.group || transitive && found[n] })
	}
	for grew := true; grew; {
		grew = false
		for _, g := range c.server.ordered {
			if !found[g] && g.deleted.IsZero() && !c.hides(g) && holds(g) {
				found[g], grew = true, transitive
			}
		}
	}
	var out []*group
	for _, g := range c.server.ordered {
		if found[g] {
			out = append(out, g)
		}
	}
	return c.seenGroups(out)
}

// seenGroups are groups as a list sees them, without those that it does not show
// yet (contract g).
func (c *call) seenGroups(groups []*group) (out []*group) {
	asOf := c.listAsOf()
	for _, g := range groups {
		if seen := c.server.groupTrail.At(g, asOf); seen != nil && seen.deleted.IsZero() {
			out = append(out, seen)
		}
	}
	return out
}

// rolesReadObjects read some kind of directory object; what kinds the caller may
// not read comes back blank.
var rolesReadObjects = slices.Concat(rolesReadGroups, rolesReadUsers, rolesReadDevices, rolesReadApplications)

// maxIDs is the documented limit of getByIds.
const maxIDs = 1000

var getByIDsShape = shape.Shape{TypeName: "microsoft.graph.getByIds", Members: map[string]shape.Member{
	"ids": {Kind: shape.Strings, Required: true}, "types": {Kind: shape.Strings},
}}

// getByIDs is POST /directoryObjects/getByIds: what exists of the ids, without a
// word about the others (contract-2 x.4).
func getByIDs(c *call) (*reply, error) {
	delete(c.Body, "@odata.type")
	if err := getByIDsShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	keys, types := texts(c.Body["ids"]), texts(c.Body["types"])
	if len(keys) > maxIDs {
		return nil, c.BadRequest("Too many ids: %d were sent, at most %d are allowed.", len(keys), maxIDs) // ASSUMED text
	}
	value := []object{}
	for _, key := range keys {
		id, ok := ids.ParseGUID(key)
		if !ok {
			return nil, c.BadRequest("Invalid GUID: '%s'.", key) // ASSUMED text
		}
		ref, kind, found := c.directoryObject(id)
		if !found || len(types) > 0 && !slices.Contains(types, kind) && !slices.Contains(types, "directoryObject") {
			continue
		}
		out := object{}
		if err := (anyMember{c, ref}).fill(out, nil); err != nil {
			return nil, err
		}
		value = append(value, out)
	}
	return &reply{status: http.StatusOK, body: object{"@odata.context": c.context("directoryObjects", nil), "value": value}}, nil
}

// directoryObject finds an object of any kind, and the word for the kind. A group
// or device is as a read sees it: one that was made just now is not there yet (contract g).
func (c *call) directoryObject(id ids.GUID) (ref memberRef, kind string, found bool) {
	s := c.server
	if i, known := s.objects[id]; known && int(i) < len(s.users) {
		return memberRef{index: int(i)}, "user", true
	}
	if v, seen := c.seenDevice(id.String()); seen {
		return memberRef{index: len(s.users) + int(v.i)}, "device", true
	}
	if g := s.groups[id]; g != nil {
		seen := s.groupTrail.At(g, c.readAsOf())
		return memberRef{index: -1, group: seen}, "group", seen != nil && seen.deleted.IsZero()
	}
	for _, p := range s.principals() {
		if p.id == id.String() {
			return memberRef{index: -1, principal: p.id}, "servicePrincipal", true
		}
	}
	return memberRef{}, "", false
}
