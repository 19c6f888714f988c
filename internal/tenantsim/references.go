// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
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
	target, ok := c.Body["@odata.id"].(string)
	if !ok {
		return "", c.BadRequest("The property '@odata.id' is required and must be text.")
	}
	for _, name := range sortedKeys(c.Body) {
		if name != "@odata.id" && name != "@odata.type" {
			return "", c.BadRequest("The property '%s' does not exist on a reference. Send '@odata.id' only.", name)
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
		return c.BadRequest("The number of members in the request is %d, at most 20 are allowed.", len(targets))
	}
	if err := c.checkMemberWrite(g); err != nil {
		return err
	}
	refs, err := c.references(targets)
	if err != nil {
		return c.blame(g, err, len(targets) > 1)
	}
	for i, ref := range refs {
		if g.holds(ref) || slices.Contains(refs[:i], ref) {
			return c.BadRequest("One or more added object references already exist for the following modified properties: 'members'.")
		}
		if err := c.checkNesting(g, ref); err != nil {
			return err
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

// blame makes the refusal of a missing member name the group, as the service was
// seen to do (contract-2 x.4). In a request with several members which id the
// text names is open; here it is either, by the missing id, so that nobody can
// rely on it. ASSUMED.
func (c *call) blame(g *group, err error, several bool) error {
	var refused *odata.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusNotFound || !several || ids.HashText(refused.Message)&1 == 0 {
		return err
	}
	return c.NotFound(g.id.String())
}

func (g *group) holds(ref memberRef) bool {
	switch {
	case ref.group != nil:
		return slices.Contains(g.nested, ref.group)
	case ref.principal != "":
		return slices.Contains(g.principals, ref.principal)
	}
	return g.direct.Has(ref.index)
}

func (s *Server) join(g *group, ref memberRef) {
	switch {
	case ref.group != nil:
		g.nested = append(g.nested, ref.group)
	case ref.principal != "":
		g.principals = append(slices.Clone(g.principals), ref.principal)
	default:
		g.direct = g.direct.Grown(ref.index + 1)
		g.direct.Set(ref.index)
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
			return nil, c.BadRequest("The reference '%s' is not a resource of this service: use %s/directoryObjects/{id}.", target, c.base())
		}
		segments, err := splitPath(u.EscapedPath())
		if err != nil || len(segments) != 3 || !slices.Contains([]string{"directoryObjects", "devices", "users", "groups", "servicePrincipals"}, segments[1]) {
			return nil, c.BadRequest("The reference '%s' is not valid: use %s/directoryObjects/{id}.", target, c.base())
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
// device permission as well (contract g). A group that was made just now is "not
// found" until it is replicated (contract-2 z.20); that a device that has just
// entered is so too is ASSUMED.
func (c *call) resolveMember(key string) (memberRef, error) {
	s := c.server
	id, ok := ids.ParseGUID(key)
	if !ok {
		return memberRef{}, c.BadRequest("Invalid object identifier '%s'.", key)
	}
	if i, found := s.objects[id]; found {
		if int(i) >= len(s.users) {
			if err := c.authorize(rolesWriteDevice); err != nil {
				return memberRef{}, err
			}
			if _, there := s.deviceAsOf(i-int32(len(s.users)), c.readAsOf()); !there {
				return memberRef{}, c.NotFound(key)
			}
		}
		return memberRef{index: int(i)}, nil
	}
	if g := s.groups[id]; g != nil && g.deleted.IsZero() && s.groupTrail.At(g, c.readAsOf()) != nil {
		return memberRef{index: -1, group: g}, nil
	}
	for _, p := range s.principals() {
		if p.id == id.String() { // group-post-members page: needs a permission for applications as well
			return memberRef{index: -1, principal: p.id}, c.authorize([]string{"Application.ReadWrite.All"})
		}
	}
	return memberRef{}, c.NotFound(key)
}

// removeMember is DELETE …/members/{id}/$ref. Removing a stranger is 404, and the
// text names the group (contract-2 x.4).
func removeMember(c *call) (*reply, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.checkMemberWrite(g); err != nil {
		return nil, err
	}
	ref, err := c.resolveMember(c.params["member"])
	var refused *odata.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound || err == nil && !g.holds(ref) {
		return nil, c.NotFound(g.id.String())
	}
	if err != nil {
		return nil, err
	}
	c.server.changeMembers(g, func() { c.server.leave(g, ref) })
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

func (s *Server) leave(g *group, ref memberRef) {
	switch {
	case ref.group != nil:
		g.nested = slices.DeleteFunc(g.nested, func(n *group) bool { return n == ref.group })
	case ref.principal != "":
		g.principals = slices.DeleteFunc(slices.Clone(g.principals), func(p string) bool { return p == ref.principal })
	default:
		g.direct.Clear(ref.index)
	}
	s.directoryGen++
}
