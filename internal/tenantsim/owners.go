// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// addOwnerRef is POST …/owners/$ref (contract g). An owner is a user or a
// service principal.
func addOwnerRef(c *call) (*reply, error) {
	target, err := c.referenceBody()
	if err != nil {
		return nil, err
	}
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.authorizeGroup(g, rolesWriteGroups); err != nil {
		return nil, err
	}
	id, err := c.ownerID(target)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(g.owners, func(o string) bool { return strings.HasSuffix(o, "/"+id) }) {
		return nil, c.badRequest("One or more added object references already exist for the following modified properties: 'owners'.")
	}
	c.server.groupTrail.changing(c.server, g)
	g.owners = append(slices.Clone(g.owners), target)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// ownerID resolves the URL of an owner: it must point at this host (contract
// l.4) and hold an object id.
func (c *call) ownerID(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme+"://"+u.Host != c.origin() {
		return "", c.badRequest("The reference '%s' is not a resource of this service: use %s/servicePrincipals/{id}.", target, c.base())
	}
	segments, err := splitPath(u.EscapedPath())
	if err != nil || len(segments) != 3 || !slices.Contains([]string{"directoryObjects", "users", "servicePrincipals"}, segments[1]) {
		return "", c.badRequest("The reference '%s' is not valid: use %s/servicePrincipals/{id}.", target, c.base())
	}
	id, ok := parseGUID(segments[2])
	if i, found := c.server.objects[id]; ok && (id == c.server.principalID || found && int(i) < len(c.server.users)) {
		return id.String(), nil
	}
	return "", c.notFound(segments[2])
}
