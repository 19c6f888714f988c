// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// addOwnerRef is POST …/owners/$ref (contract g). An owner is a user or a
// service principal.
func addOwnerRef(c *call) (*reply, error) {
	target, err := c.referenceBody()
	if err != nil {
		return nil, err
	}
	g, err := c.ownedGroup()
	if err != nil {
		return nil, err
	}
	id, err := c.ownerID(target)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(g.owners, func(o string) bool { return ownerIn(o) == id }) {
		return nil, c.BadRequest("One or more added object references already exist for the following modified properties: 'owners'.")
	}
	c.server.groupTrail.Changing(c.server.instant(), g)
	g.owners = append(slices.Clone(g.owners), target)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// boundOwners are the owners that the body of a PATCH adds. The documentation has
// that binding for POST only; that PATCH adds them, as it does members, is ASSUMED:
// a 204 that loses them would be worse. An upsert repeats the body of the creation,
// so owners that the group has already are no fault there.
func (c *call) boundOwners(g *group, upsert bool) ([]string, error) {
	var out []string
	targets := texts(c.Body["owners@odata.bind"])
	if len(targets) > 20 { // contract g
		return nil, c.BadRequest("The number of owners in the request is %d, at most 20 are allowed.", len(targets))
	}
	for _, target := range targets {
		id, err := c.ownerID(target)
		if err != nil {
			return nil, err
		}
		known := slices.ContainsFunc(slices.Concat(g.owners, out), func(o string) bool { return ownerIn(o) == id })
		switch {
		case !known:
			out = append(out, target)
		case !upsert:
			return nil, c.BadRequest("One or more added object references already exist for the following modified properties: 'owners'.")
		}
	}
	return out, nil
}

// ownedGroup is the group of the path whose owners the caller may change.
func (c *call) ownedGroup() (*group, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.authorizeGroup(g, rolesWriteGroups); err != nil {
		return nil, err
	}
	return g, c.checkGroupWrite(g)
}

// removeOwner is DELETE …/owners/{id}/$ref. The last owner that is a user stays
// (group-delete-owners page). ASSUMED text, and that a stranger is 404.
func removeOwner(c *call) (*reply, error) {
	g, err := c.ownedGroup()
	if err != nil {
		return nil, err
	}
	id := c.params["owner"]
	if !slices.ContainsFunc(g.owners, func(o string) bool { return ownerIn(o) == id }) {
		return nil, c.NotFound(g.id.String())
	}
	owners := c.server.ownersOf(g.owners)
	if len(owners.principals) == 0 && owners.indices.Count() == 1 {
		return nil, c.BadRequest("The group must have at least one owner, hence this owner cannot be removed.")
	}
	c.server.groupTrail.Changing(c.server.instant(), g)
	g.owners = slices.DeleteFunc(slices.Clone(g.owners), func(o string) bool { return ownerIn(o) == id })
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// ownerIn is the object id at the end of an owner's URL.
func ownerIn(target string) string {
	return strings.ToLower(strings.Trim(target[strings.LastIndexAny(target, "/(")+1:], "')"))
}

// ownersOf finds the objects behind the URLs of owners.
func (s *Server) ownersOf(owners []string) memberSet {
	out := memberSet{indices: ids.NewBitset(len(s.users))}
	for _, owner := range owners {
		id, _ := ids.ParseGUID(ownerIn(owner))
		if i, found := s.objects[id]; found && int(i) < len(s.users) {
			out.indices.Set(int(i))
		}
	}
	for _, p := range s.principals() {
		if slices.ContainsFunc(owners, func(o string) bool { return ownerIn(o) == p.id }) {
			out.principals = append(out.principals, p)
		}
	}
	return out
}

// listOwners serves the owners of a group as a read sees them, plain or cast.
func listOwners(cast memberCast) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) {
		if err := c.AdvancedQuery(&c.Query); err != nil {
			return nil, err
		}
		_, seen, err := c.findGroup()
		if err != nil {
			return nil, err
		}
		return c.listMemberSet(c.server.ownersOf(seen.owners), cast)
	}
}

func countOwners(cast memberCast) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) {
		return c.countReply(func() (int, error) {
			_, seen, err := c.findGroup()
			if err != nil {
				return 0, err
			}
			return c.server.ownersOf(seen.owners).count(c, cast), nil
		})
	}
}

// ownerID resolves the URL of an owner: it must point at this host (contract
// l.4) and hold an object id.
func (c *call) ownerID(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme+"://"+u.Host != c.origin() {
		return "", c.BadRequest("The reference '%s' is not a resource of this service: use %s/servicePrincipals/{id}.", target, c.base())
	}
	segments, err := splitPath(u.EscapedPath())
	if err != nil || len(segments) != 3 || !slices.Contains([]string{"directoryObjects", "users", "servicePrincipals"}, segments[1]) {
		return "", c.BadRequest("The reference '%s' is not valid: use %s/servicePrincipals/{id}.", target, c.base())
	}
	id, ok := ids.ParseGUID(segments[2])
	if i, found := c.server.objects[id]; ok && (id == c.server.principalID || found && int(i) < len(c.server.users)) {
		return id.String(), nil
	}
	return "", c.NotFound(segments[2])
}
