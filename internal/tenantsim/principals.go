// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// graphAppID is the application id of Microsoft Graph in every tenant (contract
// l.2).
const graphAppID = "00000003-0000-0000-c000-000000000000"

// rolesReadApplications read service principals and what they were granted
// (contract l.2).
var rolesReadApplications = []string{"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}

// principal is a service principal: the application's own, or Microsoft Graph,
// which owns the permissions.
type principal struct {
	id, appID, name string
	graph           bool
}

func (s *Server) principals() []principal {
	return []principal{
		{s.principalID.String(), s.options.ClientID, "tenantsim application", false},
		{s.graphPrincipal(), graphAppID, "Microsoft Graph", true},
	}
}

func (s *Server) graphPrincipal() string {
	return ids.NewGUID(s.options.Seed, "graph service principal", 0).String()
}

// appRoleID is the id of a permission. Graph's own ids are not in the contract:
// these are made up, and only the list of Microsoft Graph's appRoles names them.
func appRoleID(role string) string { return ids.NewGUID(ids.HashText(role), "appRole", 0).String() }

var principalEntity = &entity.Type[principal]{Name: "microsoft.graph.servicePrincipal", Properties: []entity.Property[principal]{
	{Name: "id", Ops: odata.Eq, Get: func(p principal) any { return p.id }},
	{Name: "appId", Ops: odata.Eq, Get: func(p principal) any { return p.appID }},
	{Name: "displayName", Ops: odata.OpsText, Get: func(p principal) any { return p.name }},
	{Name: "accountEnabled", Get: func(principal) any { return true }},
	{Name: "servicePrincipalType", Get: func(principal) any { return "Application" }},
	{Name: "appRoles", Get: func(p principal) any { return p.appRoles() }},
}}

func (p principal) appRoles() []object {
	out := []object{}
	if !p.graph {
		return out
	}
	for _, role := range AllRoles() {
		out = append(out, object{"id": appRoleID(role), "value": role, "displayName": role, "description": role,
			"isEnabled": true, "origin": "Application", "allowedMemberTypes": []string{"Application"}})
	}
	return out
}

// principal finds the service principal of the path by id or by (appId=…).
func (c *call) principal() (principal, error) {
	key := c.params["id"]
	application, byApp := alternateKey(key, "appId")
	for _, p := range c.server.principals() {
		if byApp && strings.EqualFold(p.appID, application) || !byApp && ids.Same(p.id, key) {
			return p, nil
		}
	}
	return principal{}, c.NotFound(key)
}

// listPrincipals has the application and Microsoft Graph; a real tenant has
// hundreds of others, none of which anything here needs.
func listPrincipals(c *call) (*reply, error) {
	if err := c.AdvancedQuery(&c.Query); err != nil {
		return nil, err
	}
	return listReply(c, c.Query, principalEntity, entity.EachOf(c.server.principals()), listStyle{context: "servicePrincipals", size: 100, max: 999, refuseAbove: true})
}

func getPrincipal(c *call) (*reply, error) {
	members, err := principalEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	p, err := c.principal()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "servicePrincipals/$entity", entity.Render(p, members)), nil
}

// grant is one permission that the application was given.
type grant struct {
	s    *Server
	role string
}

var grantEntity = &entity.Type[grant]{Name: "microsoft.graph.appRoleAssignment", Properties: []entity.Property[grant]{
	{Name: "id", Get: func(g grant) any {
		return ids.NewGUID(g.s.options.Seed^ids.HashText(g.role), "appRoleAssignment", 0).String()
	}},
	{Name: "deletedDateTime", Get: func(grant) any { return nil }},
	{Name: "appRoleId", Ops: odata.Eq, Get: func(g grant) any { return appRoleID(g.role) }},
	{Name: "createdDateTime", Stable: true, Get: func(g grant) any { return entraTime(g.s.start) }},
	{Name: "creationTimestamp", Beta: true, Get: func(g grant) any { return entraTime(g.s.start) }},
	{Name: "principalDisplayName", Get: func(g grant) any { return g.s.principals()[0].name }},
	{Name: "principalId", Get: func(g grant) any { return g.s.principalID.String() }},
	{Name: "principalType", Get: func(grant) any { return "ServicePrincipal" }},
	{Name: "resourceDisplayName", Get: func(grant) any { return "Microsoft Graph" }},
	{Name: "resourceId", Ops: odata.Eq, Get: func(g grant) any { return g.s.graphPrincipal() }},
}}

// listGrants shows what is granted now, whatever the token says: the roles of a
// token are as old as the token (contract l.2).
func listGrants(c *call) (*reply, error) {
	p, err := c.principal()
	if err != nil {
		return nil, err
	}
	grants := []grant{}
	for _, role := range c.server.options.Roles {
		if !p.graph && !slices.Contains(c.server.scenario.MissingRoles, role) {
			grants = append(grants, grant{c.server, role})
		}
	}
	return listReply(c, c.Query, grantEntity, entity.EachOf(grants), listStyle{context: "servicePrincipals('" + p.id + "')/appRoleAssignments", size: 100, max: 999, refuseAbove: true})
}
