// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"
	"strings"

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

var principalEntity = &entity[principal]{name: "microsoft.graph.servicePrincipal", properties: []property[principal]{
	{name: "id", ops: odata.Eq, get: func(p principal) any { return p.id }},
	{name: "appId", ops: odata.Eq, get: func(p principal) any { return p.appID }},
	{name: "displayName", ops: odata.OpsText, get: func(p principal) any { return p.name }},
	{name: "accountEnabled", get: func(principal) any { return true }},
	{name: "servicePrincipalType", get: func(principal) any { return "Application" }},
	{name: "appRoles", get: func(p principal) any { return p.appRoles() }},
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
		if byApp && strings.EqualFold(p.appID, application) || !byApp && sameID(p.id, key) {
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
	return listReply(c, c.Query, principalEntity, eachOf(c.server.principals()), listStyle{context: "servicePrincipals", size: 100, max: 999, refuseAbove: true})
}

func getPrincipal(c *call) (*reply, error) {
	members, err := principalEntity.projection(c, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	p, err := c.principal()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "servicePrincipals/$entity", render(p, members)), nil
}

// grant is one permission that the application was given.
type grant struct {
	s    *Server
	role string
}

var grantEntity = &entity[grant]{name: "microsoft.graph.appRoleAssignment", properties: []property[grant]{
	{name: "id", get: func(g grant) any {
		return ids.NewGUID(g.s.options.Seed^ids.HashText(g.role), "appRoleAssignment", 0).String()
	}},
	{name: "deletedDateTime", get: func(grant) any { return nil }},
	{name: "appRoleId", ops: odata.Eq, get: func(g grant) any { return appRoleID(g.role) }},
	{name: "createdDateTime", stable: true, get: func(g grant) any { return entraTime(g.s.start) }},
	{name: "creationTimestamp", beta: true, get: func(g grant) any { return entraTime(g.s.start) }},
	{name: "principalDisplayName", get: func(g grant) any { return g.s.principals()[0].name }},
	{name: "principalId", get: func(g grant) any { return g.s.principalID.String() }},
	{name: "principalType", get: func(grant) any { return "ServicePrincipal" }},
	{name: "resourceDisplayName", get: func(grant) any { return "Microsoft Graph" }},
	{name: "resourceId", ops: odata.Eq, get: func(g grant) any { return g.s.graphPrincipal() }},
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
	return listReply(c, c.Query, grantEntity, eachOf(grants), listStyle{context: "servicePrincipals('" + p.id + "')/appRoleAssignments", size: 100, max: 999, refuseAbove: true})
}
