// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"net/url"
	"slices"
)

// addMemberRef is POST …/members/$ref.
func addMemberRef(c *call) (*reply, error) {
	target, err := c.referenceBody()
	if err != nil {
		return nil, err
	}
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.addMembers(g, []string{target}); err != nil {
		return nil, err
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// referenceBody reads {"@odata.id": url}.
func (c *call) referenceBody() (string, error) {
	target, ok := c.body["@odata.id"].(string)
	if !ok {
		return "", c.badRequest("The property '@odata.id' is required and must be text.")
	}
	for _, name := range sortedKeys(c.body) {
		if name != "@odata.id" && name != "@odata.type" {
			return "", c.badRequest("The property '%s' does not exist on a reference. Send '@odata.id' only.", name)
		}
	}
	return target, nil
}

// addMembers joins all references or none: at most 20, no duplicate (contract g).
func (c *call) addMembers(g *group, targets []string) error {
	if err := c.authorizeGroup(g, rolesMembers); err != nil {
		return err
	}
	if len(targets) > 20 {
		return c.badRequest("The number of members in the request is %d, at most 20 are allowed.", len(targets))
	}
	if g.dynamic() {
		return c.badRequest("Insufficient privileges to update the membership of a dynamic group.") // ASSUMED text
	}
	refs, err := c.references(targets)
	if err != nil {
		return err
	}
	for i, ref := range refs {
		if g.holds(ref) || slices.Contains(refs[:i], ref) {
			return c.badRequest("One or more added object references already exist for the following modified properties: 'members'.")
		}
	}
	s := c.server
	s.changeMembers(g, func() {
		for _, ref := range refs {
			s.join(g, ref)
		}
	})
	return nil
}

func (g *group) holds(ref memberRef) bool {
	if ref.group != nil {
		return slices.Contains(g.nested, ref.group)
	}
	return g.direct.has(ref.index)
}

func (s *Server) join(g *group, ref memberRef) {
	if ref.group != nil {
		g.nested = append(g.nested, ref.group)
	} else {
		g.direct.set(ref.index)
	}
	s.directoryGen++
}

// references resolves member URLs. They must point at this host (contract l.4)
// and hold the directory object id, not deviceId nor the Intune id.
func (c *call) references(targets []string) ([]memberRef, error) {
	var out []memberRef
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil || u.Scheme+"://"+u.Host != c.origin() {
			return nil, c.badRequest("The reference '%s' is not a resource of this service: use %s/directoryObjects/{id}.", target, c.base())
		}
		segments, err := splitPath(u.EscapedPath())
		if err != nil || len(segments) != 3 || !slices.Contains([]string{"directoryObjects", "devices", "users", "groups"}, segments[1]) {
			return nil, c.badRequest("The reference '%s' is not valid: use %s/directoryObjects/{id}.", target, c.base())
		}
		ref, err := c.resolveMember(segments[2])
		if err != nil {
			return nil, err
		}
		out = append(out, ref)
	}
	return out, nil
}

// resolveMember finds a member by object id. Writing device members needs a
// device permission as well (contract g).
func (c *call) resolveMember(key string) (memberRef, error) {
	s := c.server
	id, ok := parseGUID(key)
	if !ok {
		return memberRef{}, c.badRequest("Invalid object identifier '%s'.", key)
	}
	if i, found := s.objects[id]; found {
		if int(i) >= len(s.users) {
			if err := c.authorize(rolesWriteDevice); err != nil {
				return memberRef{}, err
			}
		}
		return memberRef{index: int(i)}, nil
	}
	if g := s.groups[id]; g != nil && g.deleted.IsZero() {
		return memberRef{index: -1, group: g}, nil
	}
	return memberRef{}, c.notFound(key)
}

// removeMember is DELETE …/members/{id}/$ref. Removing a stranger is 404.
func removeMember(c *call) (*reply, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if g.dynamic() {
		return nil, c.badRequest("Insufficient privileges to update the membership of a dynamic group.") // ASSUMED text
	}
	ref, err := c.resolveMember(c.params["member"])
	if err != nil {
		return nil, err
	}
	if !g.holds(ref) {
		return nil, c.notFound(c.params["member"])
	}
	s := c.server
	s.changeMembers(g, func() {
		if ref.group != nil {
			g.nested = slices.DeleteFunc(g.nested, func(n *group) bool { return n == ref.group })
		} else {
			g.direct.clear(ref.index)
		}
		s.directoryGen++
	})
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
