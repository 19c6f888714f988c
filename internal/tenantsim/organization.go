// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// rolesOrganization read tenant-level facts. ASSUMED for this pair of routes.
var rolesOrganization = []string{"Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All"}

var organizationEntity = &entity.Type[*Server]{Name: "microsoft.graph.organization", Properties: []entity.Property[*Server]{
	{Name: "id", Get: func(s *Server) any { return s.options.TenantID }},
	{Name: "displayName", Get: func(*Server) any { return "Contoso" }},
	{Name: "tenantType", Get: func(*Server) any { return "AAD" }},
	{Name: "countryLetterCode", Get: func(*Server) any { return "NL" }},
	{Name: "createdDateTime", Get: func(s *Server) any { return entraTime(s.start.AddDate(-3, 0, 0)) }},
	{Name: "mobileDeviceManagementAuthority", Hidden: true, Get: func(*Server) any { return "intune" }},
	{Name: "verifiedDomains", Get: func(s *Server) any {
		return []object{{"capabilities": "Email", "isDefault": true, "isInitial": true, "name": s.options.Domain, "type": "Managed"}}
	}},
}}

// listOrganization is minimal. ASSUMED: the contract does not cover it.
func listOrganization(c *call) (*reply, error) {
	members, err := organizationEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("organization", c.Query.Selected), "value": []object{entity.Render(c.server, members)},
	}}, nil
}

// getOrganization knows this tenant only.
func getOrganization(c *call) (*reply, error) {
	if !ids.Same(c.params["id"], c.server.options.TenantID) {
		return nil, c.NotFound(c.params["id"])
	}
	return oneOf(c, organizationEntity, "organization")
}

// oneOf renders the tenant's only object of a kind.
func oneOf(c *call, e *entity.Type[*Server], context string) (*reply, error) {
	members, err := e.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, context+"/$entity", entity.Render(c.server, members)), nil
}

func getSku(c *call) (*reply, error) {
	if !ids.Same(c.params["id"], c.server.options.TenantID+"_"+skuE5) {
		return nil, c.NotFound(c.params["id"])
	}
	return oneOf(c, skuEntity, "subscribedSkus")
}

var skuEntity = &entity.Type[*Server]{Name: "microsoft.graph.subscribedSku", Properties: []entity.Property[*Server]{
	{Name: "id", Get: func(s *Server) any { return s.options.TenantID + "_" + skuE5 }},
	{Name: "accountName", Get: func(*Server) any { return "Contoso" }},
	{Name: "appliesTo", Get: func(*Server) any { return "User" }},
	{Name: "capabilityStatus", Get: func(*Server) any { return "Enabled" }},
	{Name: "consumedUnits", Get: func(s *Server) any { return len(s.users) }},
	{Name: "skuId", Get: func(*Server) any { return skuE5 }},
	{Name: "skuPartNumber", Get: func(*Server) any { return "SPE_E5" }},
	{Name: "prepaidUnits", Get: func(s *Server) any {
		return object{"enabled": len(s.users) + 100, "lockedOut": 0, "suspended": 0, "warning": 0}
	}},
	{Name: "servicePlans", Get: func(s *Server) any {
		var out []object
		for _, name := range s.servicePlans() {
			out = append(out, object{"servicePlanId": ids.NewGUID(ids.HashText(name), "plan", 0).String(), "servicePlanName": name,
				"provisioningStatus": "Success", "appliesTo": "User"})
		}
		return out
	}},
}}

const skuE5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"

// listSkus shows one subscription with the plans that the tenant has. ASSUMED
// values.
func listSkus(c *call) (*reply, error) {
	members, err := skuEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("subscribedSkus", c.Query.Selected), "value": []object{entity.Render(c.server, members)},
	}}, nil
}
